//! Start and stop of the `rhumb` binary, in reading order: which program, its options, listen, recover, serve, stop.

use clap::{CommandFactory, Parser};
use rhumb::{server, tools};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

/// A vector server that speaks the Redis protocol.
///
/// Without a subcommand it starts the server: `rhumb [redis.conf | -] [--directive value ...]`, with the directives of
/// redis.conf (see redis.conf.example).
#[derive(Parser)]
#[command(name = "rhumb", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    program: Program,
}

#[derive(clap::Subcommand)]
enum Program {
    /// Starts the server (also without this word): [redis.conf | -] [--directive value ...]
    Server {
        /// A redis.conf, then directives as in it, each with `--` in front
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    #[command(flatten)]
    Tool(tools::Tool),
}

fn main() -> ExitCode {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    if !names_a_program(words.get(1)) {
        words.insert(1, "server".into());
    }
    match Cli::parse_from(words).program {
        Program::Server { words } => {
            server::run(words.into_iter().map(OsString::into_vec).collect())
        }
        Program::Tool(tool) => match tools::run(tool) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("rhumb: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Whether the first word is for clap; anything else is a redis.conf or a directive of the server.
fn names_a_program(word: Option<&OsString>) -> bool {
    const ASKS_FOR_HELP: [&str; 6] = ["-h", "--help", "-V", "--version", "-v", "help"];
    let cli = Cli::command();
    let mut programs = cli.get_subcommands().map(clap::Command::get_name);
    word.is_some_and(|word| {
        ASKS_FOR_HELP.iter().any(|known| word == known) || programs.any(|known| word == known)
    })
}

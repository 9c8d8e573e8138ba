//! The subcommands of the binary: blocking programs that speak RESP to a server, ours or any other. Each file holds one
//! of them with its arguments; client.rs and pipeline.rs are how they talk, npy.rs is what they read.

pub mod bench;
pub mod client;
pub mod import;
pub mod npy;
pub mod pipeline;
pub mod tour;

use std::path::PathBuf;
use std::{fmt, io};

/// A subcommand with its arguments, as clap reads it.
#[derive(clap::Subcommand, Debug)]
pub enum Tool {
    /// Loads vectors from an .npy file, and their attributes from a .jsonl file, into a running server
    Import(Box<import::ImportArgs>),
    /// Measures any server that speaks RESP: speed, latency, recall and memory, side by side
    Bench(Box<bench::BenchArgs>),
    /// Asks the questions of scripts/quickstart of a running server
    #[command(hide = true)]
    Tour(tour::TourArgs),
}

/// Runs a subcommand to its end.
pub fn run(tool: Tool) -> Result<(), ToolError> {
    match tool {
        Tool::Import(args) => import::run(&args),
        Tool::Bench(args) => bench::run(&args),
        Tool::Tour(args) => tour::run(&args),
    }
}

/// Why a subcommand stopped.
#[derive(Debug)]
pub enum ToolError {
    /// A file could not be opened or read.
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file does not hold what it should.
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The server cannot be reached, or the connection broke.
    Connection {
        /// `host:port`.
        server: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server refused a command, or answered with something of another shape.
    Reply {
        /// `host:port`.
        server: String,
        /// The command's name.
        command: String,
        /// Its answer.
        reply: String,
    },
    /// The arguments contradict each other, or do not fit the files.
    Usage(String),
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ToolError::File { path, source } => write!(f, "{}: {source}", path.display()),
            ToolError::Format { path, what } => write!(f, "{}: {what}", path.display()),
            ToolError::Connection { server, source } => write!(f, "{server}: {source}"),
            ToolError::Reply {
                server,
                command,
                reply,
            } => write!(f, "{server} answered {command} with: {reply}"),
            ToolError::Usage(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for ToolError {}

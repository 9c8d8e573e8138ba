//! Whether a request may run at all: known, of fitting length, logged in, and neither memory nor disk stands against it. All of
//! it comes from the command's entry; nothing here looks at data.

use super::error::{self, Refusal, Result};
use super::session::Session;
use super::table::{Command, Flags, Group, Lookup, Table};
use super::{Context, server};
use crate::engine::Health;
use crate::protocol::{Reply, Request};

const NO_AUTH: Refusal = Refusal::line("NOAUTH Authentication required.");
const LOADING: Refusal = Refusal::line("LOADING Redis is loading the dataset in memory");
const NO_MULTI: Refusal = Refusal::line("ERR Command not allowed inside a transaction");
const OUT_OF_MEMORY: Refusal =
    Refusal::line("OOM command not allowed when used memory > 'maxmemory'.");
const SAVE_FAILED: Refusal = Refusal::line(
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.",
);

/// The place of the request's command in the table, and how many words name it.
pub fn find(request: &Request) -> Result<(usize, usize)> {
    match Table::all().lookup(request) {
        Lookup::Found(place, names) => Ok((place, names)),
        Lookup::Unknown => Err(unknown_command(request)),
        Lookup::UnknownSubcommand(container) => Err(unknown_subcommand(request, container)),
        Lookup::ContainerAlone(container) => {
            Err(error::wrong_arity(&container.to_ascii_lowercase()))
        }
    }
}

/// All checks, in the order in which clients expect their errors.
pub fn check(context: &Context, session: &Session, place: usize, words: usize) -> Result<()> {
    let command = Table::all().commands()[place];
    let has = |flag| command.flags.has(flag);
    if !Table::all().accepts(place, words) {
        return Err(wrong_arity(command));
    }
    if has(Flags::PROTECTED) {
        server::debug::check_allowed(context, session)?;
    }
    if !session.authenticated && !has(Flags::NO_AUTH) && context.config.asks_password() {
        return Err(NO_AUTH);
    }
    if session.queue.is_some() && has(Flags::NO_MULTI) {
        return Err(NO_MULTI);
    }
    if context.engine.is_loading() {
        return if has(Flags::LOADING) {
            Ok(())
        } else {
            Err(LOADING)
        };
    }
    // EXEC does what its commands do.
    let queued = match &session.queue {
        Some(queue) if command.name == "EXEC" => queue.flags,
        _ => Flags(0),
    };
    let does = |flag| has(flag) || queued.has(flag);
    if does(Flags::DENYOOM) {
        check_memory(context)?;
    }
    if does(Flags::WRITE) || command.name == "PING" {
        check_disk(context)?;
    }
    Ok(())
}

fn check_memory(context: &Context) -> Result<()> {
    match context.config.maxmemory_bytes() {
        0 => Ok(()),
        bytes_max if context.engine.is_memory_above(bytes_max) => Err(OUT_OF_MEMORY),
        _ => Ok(()),
    }
}

/// PING asks, too: who watches over the server must see that it takes no writes.
fn check_disk(context: &Context) -> Result<()> {
    if let Health::WriteFailed(why) | Health::SyncFailed(why) = context.engine.health() {
        return Err(Refusal::made(log_failed(&why)));
    }
    let config = &context.config;
    let is_strict = context.engine.is_save_failing() && config.stop_writes_on_bgsave_error();
    if is_strict && !config.save_points().is_empty() {
        return Err(SAVE_FAILED);
    }
    Ok(())
}

/// The error line of writes that the log does not take. `why` is what the disk said.
pub fn log_failed(why: &str) -> String {
    format!("MISCONF Errors writing to the AOF file: {why}")
}

/// The reply to a refusal. It spoils the transaction that the request would have been queued in; EXEC itself ends it.
pub fn refuse(session: &mut Session, place: Option<usize>, refusal: Refusal) -> Reply {
    let line = match refusal {
        Refusal::Error(line) => line,
        Refusal::NotHere(_) => "ERR internal error".into(),
    };
    let is_exec = place.is_some_and(|place| Table::all().commands()[place].name == "EXEC");
    match &mut session.queue {
        Some(_) if is_exec => {
            super::transaction::reset(session);
            let why = line.strip_prefix("ERR ").unwrap_or(&line);
            Reply::error(format!("EXECABORT Transaction discarded because of: {why}"))
        }
        Some(queue) => {
            queue.is_spoiled = true;
            Reply::error(line)
        }
        None => Reply::error(line),
    }
}

/// Vector commands keep the upper case of their names in this error, as the module that defined them does.
fn wrong_arity(command: &Command) -> Refusal {
    match command.group {
        Group::VectorSet => error::wrong_arity(command.name),
        _ => error::wrong_arity(&command.lower_name()),
    }
}

/// Bytes of a request that an error line repeats.
const ECHO_BYTES_MAX: usize = 128;

fn unknown_command(request: &Request) -> Refusal {
    let mut args = String::new();
    for word in request.iter().skip(1) {
        if args.len() >= ECHO_BYTES_MAX {
            break;
        }
        let room = ECHO_BYTES_MAX - args.len();
        args.push_str(&format!("'{}' ", echo(word, room)));
    }
    let name = echo(request.arg(0), ECHO_BYTES_MAX);
    let tail = match request.len() {
        ..2 => String::new(),
        _ => format!(", with args beginning with: {args}"),
    };
    Refusal::made(format!("ERR unknown command '{name}'{tail}"))
}

fn unknown_subcommand(request: &Request, container: &str) -> Refusal {
    let sub = echo(request.get(1).unwrap_or_default(), ECHO_BYTES_MAX);
    Refusal::made(format!(
        "ERR unknown subcommand '{sub}'. Try {container} HELP."
    ))
}

fn echo(word: &[u8], bytes_max: usize) -> String {
    String::from_utf8_lossy(&word[..word.len().min(bytes_max)]).into_owned()
}

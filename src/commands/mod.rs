//! The Redis language: words in, a decision through the engine's door, a reply out. [`execute`] is the way of every request;
//! what it checks (arity, password, loading, memory) comes from the command's entry in its family's table.

pub mod args;
pub mod connection;
#[cfg(test)]
pub mod desk;
pub mod docs;
pub mod error;
pub mod hash;
pub mod keys;
pub mod server;
pub mod session;
pub mod string;
pub mod table;
pub mod transaction;
pub mod vector_set;

pub use session::{Client, Clients, Session};

use crate::config::Config;
use crate::engine::{Access, Engine, Patience};
use crate::protocol::{Reply, Request};
use crate::stats::Stats;
use args::Args;
use error::{Refusal, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use table::{Class, Command, Flags, INLINE_US_MAX, Lookup, Table};

/// The families, in the order of the table. A new family is one line here.
const FAMILIES: &[&[Command]] = &[
    string::COMMANDS,
    hash::COMMANDS,
    keys::COMMANDS,
    transaction::COMMANDS,
    connection::COMMANDS,
    connection::client::COMMANDS,
    server::COMMANDS,
    server::command::COMMANDS,
    server::config::COMMANDS,
    server::info::COMMANDS,
    server::module::COMMANDS,
    vector_set::COMMANDS,
];

/// What all commands share.
pub struct Context {
    /// The data.
    pub engine: Arc<Engine>,
    /// The options.
    pub config: Arc<Config>,
    /// Counters.
    pub stats: Arc<Stats>,
    /// All clients.
    pub clients: Clients,
    /// When the server started, in milliseconds since 1970.
    pub started_ms: u64,
    /// Forty hexadecimal digits drawn at start.
    pub run_id: String,
    /// State of [`Context::draw_random`].
    random: AtomicU64,
}

impl Context {
    /// A context with no clients, not loading.
    pub fn new(engine: Arc<Engine>, config: Arc<Config>) -> Context {
        let started_ms = engine.now_ms();
        Context {
            started_ms,
            stats: Arc::clone(engine.stats()),
            engine,
            config,
            clients: Clients::default(),
            run_id: String::new(),
            random: AtomicU64::new(started_ms),
        }
    }

    /// Sixty-four random bits, for commands that choose (HRANDFIELD, RANDOMKEY). Nothing to keep a secret with.
    pub fn draw_random(&self) -> u64 {
        // splitmix64 (Steele, Lea, Flood 2014): a counter in steps of the golden ratio, mixed.
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.random.fetch_add(GOLDEN, Ordering::Relaxed);
        let mut z = state.wrapping_add(GOLDEN);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Counters for the commands of the table.
pub fn new_stats() -> Arc<Stats> {
    Arc::new(Stats::new(Table::all().commands().len()))
}

/// One command under way.
pub struct Call<'a> {
    /// What all commands share.
    pub context: &'a Context,
    /// Whose command it is.
    pub session: &'a mut Session,
    /// All words.
    pub request: &'a Request,
    /// The words after the name.
    pub args: Args<'a>,
    /// The way to the data.
    pub access: Access<'a>,
    /// Its entry.
    pub command: &'static Command,
}

impl Call<'_> {
    /// The database that the command works on.
    pub fn db(&self) -> usize {
        self.session.db
    }

    /// The time of this command, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.access.now_ms()
    }
}

/// What became of a request.
pub enum Outcome {
    /// Answered.
    Reply(Reply),
    /// It may take long, or would have to wait for a lock: call again in the pool with [`Patience::Wait`].
    Pool,
}

/// Runs one request: from the words to the reply. With [`Patience::Try`] it neither waits nor does long work.
pub fn execute(
    context: &Context,
    session: &mut Session,
    request: &Request,
    patience: Patience,
) -> Outcome {
    let (place, names) = match find(context, session, request) {
        Ok(found) => found,
        Err(refusal) => return Outcome::Reply(refuse(context, session, refusal)),
    };
    let command = Table::all().commands()[place];
    session.client.note_command(place, context.engine.now_ms());
    if session.queue.is_some() && !transaction::runs_at_once(command) {
        return Outcome::Reply(transaction::enqueue(session, request));
    }
    if patience == Patience::Try && is_long(command, context, session, request) {
        return Outcome::Pool;
    }
    let access = context.engine.access(patience);
    match run(context, session, request, access, place, names) {
        Err(Refusal::Locked) => Outcome::Pool,
        Ok(reply) => Outcome::Reply(reply),
        Err(Refusal::Error(line)) => Outcome::Reply(Reply::error(line)),
    }
}

/// Runs one command that passed all checks, and counts it.
fn run(
    context: &Context,
    session: &mut Session,
    request: &Request,
    access: Access<'_>,
    place: usize,
    names: usize,
) -> Result {
    let command = Table::all().commands()[place];
    let start = std::time::Instant::now();
    let mut call = Call {
        context,
        session,
        request,
        args: Args::new(request, names),
        access,
        command,
    };
    let result = (command.run)(&mut call);
    let last_number = call.access.last_number();
    session.last_number = session.last_number.max(last_number);
    if result != Err(Refusal::Locked) {
        count(context, place, start.elapsed(), &result);
    }
    result
}

fn count(_context: &Context, _place: usize, _took: std::time::Duration, _result: &Result) {
    // Counted in stats.rs.
}

/// Finds the command and makes all checks that need no data.
fn find(context: &Context, session: &Session, request: &Request) -> Result<(usize, usize)> {
    let (place, names) = match Table::all().lookup(request) {
        Lookup::Found(place, names) => (place, names),
        Lookup::Unknown => return Err(unknown_command(request)),
        Lookup::UnknownSubcommand(container) => return Err(unknown_subcommand(request, container)),
        Lookup::ContainerAlone(container) => {
            return Err(error::wrong_arity(&container.to_ascii_lowercase()));
        }
    };
    let command = Table::all().commands()[place];
    if !Table::all().accepts(place, request.len()) {
        return Err(wrong_arity(command));
    }
    if !session.authenticated
        && !command.flags.has(Flags::NO_AUTH)
        && context.config.asks_password()
    {
        return Err(Refusal::line("NOAUTH Authentication required."));
    }
    if context.engine.is_loading() && !command.flags.has(Flags::LOADING) {
        return Err(Refusal::line(
            "LOADING Redis is loading the dataset in memory",
        ));
    }
    if session.queue.is_some() && command.flags.has(Flags::NO_MULTI) {
        return Err(Refusal::line(
            "ERR Command not allowed inside a transaction",
        ));
    }
    Ok((place, names))
}

/// A refusal before a command runs: it also spoils the transaction it would have been queued in.
fn refuse(_context: &Context, session: &mut Session, refusal: Refusal) -> Reply {
    if let Some(queue) = &mut session.queue {
        queue.is_spoiled = true;
    }
    match refusal {
        Refusal::Error(line) => Reply::error(line),
        Refusal::Locked => Reply::error("ERR internal error"),
    }
}

fn is_long(command: &Command, context: &Context, session: &Session, request: &Request) -> bool {
    match command.class {
        Class::Inline => false,
        Class::Pool => true,
        Class::Predicted(cost) => cost(context, session, request) > INLINE_US_MAX,
    }
}

/// Vector commands keep the upper case of their names in this error, as the module that defined them does.
fn wrong_arity(command: &Command) -> Refusal {
    match command.group {
        table::Group::VectorSet => error::wrong_arity(command.name),
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
    Refusal::made(format!(
        "ERR unknown command '{name}', with args beginning with: {args}"
    ))
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

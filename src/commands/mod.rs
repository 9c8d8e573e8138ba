//! The Redis language: words in, a decision through the engine's door, a reply out. [`execute`] is the way of every request;
//! what it checks (arity, password, loading, memory) comes from the command's entry in its family's table.

pub mod admission;
pub mod args;
pub mod connection;
#[cfg(test)]
pub mod desk;
pub mod docs;
pub mod error;
pub mod ft;
pub mod hash;
pub mod json;
pub mod keys;
pub mod list;
pub mod members;
pub mod server;
pub mod session;
pub mod set;
pub mod sorted_set;
pub mod string;
pub mod table;
pub mod together;
pub mod transaction;
pub mod vector_set;

pub use session::{Client, Clients, Session};
pub use table::Delay;
pub use together::{REQUESTS_MIN, Run, execute_one_by_one, execute_together, must_wait};

use crate::config::Config;
use crate::engine::{Access, Engine, Patience};
use crate::keyspace::documents::INDEXED_DB;
use crate::protocol::{Reply, Request};
use crate::stats::Stats;
use args::Args;
use error::{Refusal, Result};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use table::{Command, Flags, Table};

/// The families, in the order of the table. A new family is one line here.
const FAMILIES: &[&[Command]] = &[
    string::COMMANDS,
    set::COMMANDS,
    sorted_set::COMMANDS,
    list::COMMANDS,
    hash::COMMANDS,
    json::COMMANDS,
    ft::COMMANDS,
    keys::COMMANDS,
    transaction::COMMANDS,
    connection::COMMANDS,
    connection::client::COMMANDS,
    server::COMMANDS,
    server::command::COMMANDS,
    server::config::COMMANDS,
    server::debug::COMMANDS,
    server::info::COMMANDS,
    server::latency::COMMANDS,
    server::memory::COMMANDS,
    server::module::COMMANDS,
    server::monitor::COMMANDS,
    server::saving::COMMANDS,
    server::slowlog::COMMANDS,
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
    /// Whether clients have to wait.
    pub pause: connection::pause::Pause,
    /// Who is told every command.
    pub monitors: server::monitor::Monitors,
    /// Commands that took long.
    pub slow_log: server::slowlog::SlowLog,
    /// What keeps promises of recall.
    pub calibrator: vector_set::calibrator::Calibrator,
    /// Aggregations that are read in parts.
    pub cursors: ft::Cursors,
    /// Events that took long.
    pub latency_log: server::latency::LatencyLog,
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
            run_id: draw_run_id(),
            pause: Default::default(),
            monitors: Default::default(),
            slow_log: Default::default(),
            calibrator: Default::default(),
            cursors: Default::default(),
            latency_log: Default::default(),
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

/// Forty hexadecimal digits that no other start of a server has.
fn draw_run_id() -> String {
    let draw = || RandomState::new().build_hasher().finish();
    let digits = format!("{:016x}{:016x}{:016x}", draw(), draw(), draw());
    digits[..40].to_owned()
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
    /// Call again elsewhere, with more [`Patience`].
    Delayed(Delay),
}

/// Runs one request: from the words to the reply. With [`Patience::Try`] it neither waits nor does long work.
pub fn execute(
    context: &Context,
    session: &mut Session,
    request: &Request,
    patience: Patience,
) -> Outcome {
    let (place, names) = match admit(context, session, request) {
        Ok(found) => found,
        Err(reply) => return Outcome::Reply(reply),
    };
    let command = Table::all().commands()[place];
    session.client.note_command(place, context.engine.now_ms());
    if session.queue.is_some() && !transaction::runs_at_once(command) {
        return Outcome::Reply(transaction::enqueue(session, command, request));
    }
    if patience == Patience::Try
        && let Some(delay) = command.delay(context, session, request)
    {
        return Outcome::Delayed(delay);
    }
    let (engine, db) = (&context.engine, session.db);
    let mut run = |access| run(context, session, request, access, place, names);
    let result = match patience == Patience::Wait && command.flags.has(Flags::WRITE) {
        // Whatever it makes of the time, it makes when its turn has come.
        true if db == INDEXED_DB => {
            let keys = command.keys_of(request).map(|key| (db, key));
            engine.in_turn(keys, patience, || run(engine.access(patience).in_turn()))
        }
        _ => run(engine.access(patience)),
    };
    match result {
        Err(Refusal::NotHere(delay)) => Outcome::Delayed(delay),
        Ok(reply) => Outcome::Reply(reply),
        Err(Refusal::Error(line)) => Outcome::Reply(Reply::error(line)),
    }
}

/// Whether the request may change data (EXEC may).
pub fn is_write(request: &Request) -> bool {
    admission::find(request).is_ok_and(|(place, _)| {
        let command = Table::all().commands()[place];
        command.flags.has(Flags::WRITE) || command.name == "EXEC"
    })
}

/// Finds the command (its place in the table, and how many words name it) and makes all checks that need no data.
fn admit(
    context: &Context,
    session: &mut Session,
    request: &Request,
) -> std::result::Result<(usize, usize), Reply> {
    let (found, place) = match admission::find(request) {
        Ok((place, names)) => {
            let checked = admission::check(context, session, place, request.len());
            (checked.map(|()| (place, names)), Some(place))
        }
        Err(refusal) => (Err(refusal), None),
    };
    found.map_err(|refusal| {
        let reply = admission::refuse(session, place, refusal);
        if let Some(place) = place {
            context.stats.count_rejected(place);
        }
        if let Reply::Error(line) = &reply {
            context.stats.count_error(first_word(line));
        }
        reply
    })
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
    let access = match command.flags.has(Flags::READONLY) {
        true => access.counting(),
        false => access,
    };
    // TOUCH is for touching.
    let is_untouching = session.client.no_touch.load(Ordering::Relaxed) && command.name != "TOUCH";
    let access = match is_untouching {
        true => access.without_touching(),
        false => access,
    };
    let mut call = Call {
        context,
        session,
        request,
        args: Args::new(request, names),
        access,
        command,
    };
    // A read that panics is this request's misfortune alone; a change that panics ends the process (engine/access.rs).
    let result = catch_unwind(AssertUnwindSafe(|| (command.run)(&mut call))).unwrap_or_else(|_| {
        tracing::error!(command = command.name, "a command panicked");
        Err(PANICKED)
    });
    let last_number = call.access.last_number();
    session.last_number = session.last_number.max(last_number);
    if !matches!(result, Err(Refusal::NotHere(_))) {
        count(context, session, request, place, start.elapsed(), &result);
    }
    result
}

/// Counts a command that ran, remembers it if it was slow, and tells of it.
fn count(
    context: &Context,
    session: &Session,
    request: &Request,
    place: usize,
    took: Duration,
    result: &Result,
) {
    let error: Option<&str> = match result {
        Err(Refusal::Error(line)) => Some(line),
        Ok(Reply::Error(line)) => Some(line),
        _ => None,
    };
    let is_tracked = context.config.latency_tracking();
    let stats = &context.stats;
    stats.count_call(place, took, error.is_some(), is_tracked);
    if let Some(line) = error {
        context.stats.count_error(first_word(line));
    }
    let client = &session.client;
    client.total_commands.fetch_add(1, Ordering::Relaxed);
    remember_if_slow(context, session, request, place, took);
    context.monitors.tell(
        || context.engine.now_ms(),
        session,
        Table::all().commands()[place],
        request,
    );
}

fn remember_if_slow(
    context: &Context,
    session: &Session,
    request: &Request,
    place: usize,
    took: Duration,
) {
    let flags = Table::all().commands()[place].flags;
    let config = &context.config;
    let slower_than_us = config.slowlog_slower_than_us();
    if slower_than_us.is_some_and(|limit| took.as_micros() as u64 >= limit)
        && !flags.has(Flags::SKIP_SLOWLOG)
        && !flags.has(Flags::SECRET)
    {
        let now_s = context.engine.now_ms() / 1000;
        let len_max = config.slowlog_len_max();
        let client = &session.client;
        context.slow_log.add(client, request, now_s, took, len_max);
    }
    let (threshold_ms, took_ms) = (
        config.latency_monitor_threshold_ms(),
        took.as_millis() as u64,
    );
    if threshold_ms > 0 && took_ms >= threshold_ms {
        let is_fast = flags.has(Flags::FAST);
        let kind = if is_fast { "fast-command" } else { "command" };
        let now_s = context.engine.now_ms() / 1000;
        context.latency_log.add(kind, now_s, took_ms);
    }
}

const PANICKED: Refusal = Refusal::line("ERR internal error: the command failed, see the log");

/// What an error is counted under.
fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

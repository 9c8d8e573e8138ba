//! A desk to try commands at, for tests: a context without sockets and disk, clients whose requests are written as lines, and
//! replies as redis-cli shows them.

use super::table::Command;
use super::{Client, Context, Delay, Outcome, Session, execute};
use crate::config::Config;
use crate::engine::{Engine, Indexing, Patience};
use crate::protocol::inline::split_arguments;
use crate::protocol::{Encoded, Reply, Request, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A server without sockets.
pub struct Desk {
    /// What the commands share.
    pub context: Arc<Context>,
    /// The clock's time, in milliseconds since 1970.
    pub now_ms: Arc<AtomicU64>,
    _indexing: Indexing,
}

/// One client at the desk.
pub struct Seat {
    context: Arc<Context>,
    /// Its session.
    pub session: Session,
}

impl Default for Desk {
    fn default() -> Desk {
        Desk::new()
    }
}

impl Desk {
    /// An empty server at time 1,000,000,000,000 ms.
    pub fn new() -> Desk {
        Desk::with(&[])
    }

    /// As `new`, with options as on the command line.
    pub fn with(options: &[(&str, &str)]) -> Desk {
        let config = Config::with(options).expect("options that there are");
        let now_ms = Arc::new(AtomicU64::new(1_000_000_000_000));
        let clock = Arc::clone(&now_ms);
        let clock = Arc::new(move || clock.load(Ordering::Relaxed));
        let engine = Engine::new(clock, super::new_stats());
        engine.start_in_memory(16, 7);
        let engine = Arc::new(engine);
        Desk {
            context: Arc::new(Context::new(Arc::clone(&engine), Arc::new(config))),
            now_ms,
            _indexing: Indexing::start(engine),
        }
    }

    /// A new client, logged in.
    pub fn seat(&self) -> Seat {
        seat(&self.context)
    }

    /// Lets time pass.
    pub fn advance_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

fn seat(context: &Arc<Context>) -> Seat {
    let id = context.clients.draw_id();
    let client = Arc::new(Client::new(
        id,
        "127.0.0.1:1",
        "127.0.0.1:2",
        0,
        0,
        Box::new(|| ()),
    ));
    context.clients.add(Arc::clone(&client));
    Seat {
        context: Arc::clone(context),
        session: Session::new(client, true),
    }
}

impl Seat {
    /// Another client of the same server.
    pub fn other(&self) -> Seat {
        seat(&self.context)
    }

    /// Runs a line, quoted as in redis-cli; the reply as a value.
    pub fn reply(&mut self, line: &str) -> Reply {
        self.send(split_arguments(line.as_bytes()).expect("balanced quotes"))
    }

    /// Runs a request of these words.
    pub fn send<A: AsRef<[u8]>>(&mut self, words: impl IntoIterator<Item = A>) -> Reply {
        let request = Request::from_args(words).expect("a request");
        match execute(&self.context, &mut self.session, &request, Patience::Wait) {
            Outcome::Reply(reply) => reply,
            Outcome::Delayed(_) => panic!("asked to wait while waiting"),
        }
    }

    /// Whether a line is answered on the thread that reads it; one that is not has no effect.
    pub fn is_quick(&mut self, line: &str) -> bool {
        self.delay(line).is_none()
    }

    /// What keeps a line from being answered on the thread that reads it.
    pub fn delay(&mut self, line: &str) -> Option<Delay> {
        let words = split_arguments(line.as_bytes()).expect("balanced quotes");
        let request = Request::from_args(words).expect("a request");
        match execute(&self.context, &mut self.session, &request, Patience::Try) {
            Outcome::Reply(_) => None,
            Outcome::Delayed(delay) => Some(delay),
        }
    }

    /// Runs a line; the reply as redis-cli shows it.
    pub fn run(&mut self, line: &str) -> String {
        let reply = self.reply(line);
        super::docs::render(&reply, self.session.version)
    }

    /// Runs a line; the reply's bytes in the client's protocol version.
    pub fn wire(&mut self, line: &str) -> String {
        let reply = self.reply(line);
        let mut out = Encoded::default();
        reply.write(self.session.version, &mut out);
        String::from_utf8_lossy(&out.to_vec()).into_owned()
    }

    /// Switches to RESP3.
    pub fn resp3(mut self) -> Seat {
        self.session.version = Version::Resp3;
        self
    }
}

/// Replays the examples of each command on an empty server of its own.
pub fn check_examples(commands: &[Command]) {
    for command in commands {
        let desk = Desk::new();
        check_lines(&mut desk.seat(), command.examples);
    }
}

/// Runs lines in order and compares the replies with what redis-cli would show.
pub fn check_lines(seat: &mut Seat, lines: &[(&str, &str)]) {
    for (line, expected) in lines {
        assert_eq!(seat.run(line), *expected, "{line}");
    }
}

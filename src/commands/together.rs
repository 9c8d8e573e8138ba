//! Requests of one pipeline that run together, on all cores: those next to each other that change different elements of one key, or
//! different keys.
//! To the client it looks as if they ran one by one: the replies are in order, and none depends on another.

use super::table::{Command, Table, Together};
use super::{Context, Outcome, Refusal, Reply, Session, admission, count, execute};
use crate::engine::Patience;
use crate::keyspace::documents::INDEXED_DB;
use crate::protocol::Request;
use hashbrown::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Fewer are not worth other threads.
pub const REQUESTS_MIN: usize = 4;
/// So many are executed, and their replies sent, before the next ones.
const REQUESTS_MAX: usize = 256;
/// The same by the bytes of their words.
const BYTES_MAX: usize = 4 << 20;

/// Requests that may run together.
pub struct Run {
    together: Together,
    /// The key of all of them; that without a name where they change different ones.
    key: Vec<u8>,
    requests: Vec<Request>,
    elements: HashSet<Vec<u8>>,
    bytes: usize,
}

impl Run {
    /// The run that `request` may begin, with it; the request, if it runs alone.
    pub fn begin(context: &Context, session: &Session, request: Request) -> Result<Run, Request> {
        let together = match session.queue {
            None => command_of(&request).and_then(|command| command.together),
            Some(_) => None,
        };
        let Some(together) = together.filter(|together| (together.pays)(context, &request)) else {
            return Err(request);
        };
        let Some((key, _)) = (together.about)(&request) else {
            return Err(request);
        };
        let mut run = Run {
            together,
            key: key.to_vec(),
            requests: Vec::new(),
            elements: HashSet::new(),
            bytes: 0,
        };
        match run.take(request) {
            None => Ok(run),
            Some(request) => Err(request),
        }
    }

    /// Adds a request; gives it back if it cannot run together with those before it.
    pub fn take(&mut self, request: Request) -> Option<Request> {
        let is_full = self.requests.len() >= REQUESTS_MAX || self.bytes >= BYTES_MAX;
        let is_of_command = |first: &Request| request.arg(0).eq_ignore_ascii_case(first.arg(0));
        if is_full || !self.requests.first().is_none_or(is_of_command) {
            return Some(request);
        }
        let about = (self.together.about)(&request).filter(|(key, _)| *key == self.key);
        let is_new = about.is_some_and(|(_, element)| self.elements.insert(element.to_vec()));
        if !is_new {
            return Some(request);
        }
        self.bytes += request.iter().map(<[u8]>::len).sum::<usize>();
        self.requests.push(request);
        None
    }

    /// The requests.
    pub fn into_requests(self) -> Vec<Request> {
        self.requests
    }
}

fn command_of(request: &Request) -> Option<&'static Command> {
    let (place, _) = admission::find(request).ok()?;
    Some(Table::all().commands()[place])
}

/// Whether the requests of a [`Run`] have to wait for somebody who reads the postings of an index for long; as the first of them goes.
pub fn must_wait(context: &Context, session: &Session, requests: &[Request]) -> bool {
    let first = requests
        .first()
        .and_then(|first| Some((command_of(first)?, first)));
    first.is_some_and(|(command, first)| {
        session.db == INDEXED_DB && context.engine.must_wait(command.keys_of(first))
    })
}

/// Runs the requests of a [`Run`]; each reply, and whether it depends on a change. May wait, and takes all cores.
pub fn execute_together(
    context: &Context,
    session: &mut Session,
    requests: &[Request],
) -> Vec<(Reply, bool)> {
    match run(context, session, requests) {
        Some(replies) => replies,
        None => {
            let requests = requests.iter();
            requests
                .map(|request| run_alone(context, session, request))
                .collect()
        }
    }
}

/// The same on this thread alone. Others who want its processor have it after each of them, instead of when the scheduler takes it away.
pub fn execute_one_by_one(
    context: &Context,
    session: &mut Session,
    requests: &[Request],
) -> Vec<(Reply, bool)> {
    let run = |request| {
        std::thread::yield_now();
        run_alone(context, session, request)
    };
    requests.iter().map(run).collect()
}

fn run_alone(context: &Context, session: &mut Session, request: &Request) -> (Reply, bool) {
    let before = session.last_number;
    match execute(context, session, request, Patience::Wait) {
        Outcome::Reply(reply) => (reply, session.last_number != before),
        Outcome::Delayed(_) => unreachable!("who may wait is not asked to"),
    }
}

/// None, and nothing done, where they have to run one by one.
fn run(
    context: &Context,
    session: &mut Session,
    requests: &[Request],
) -> Option<Vec<(Reply, bool)>> {
    let (place, _) = admission::find(requests.first()?).ok()?;
    let together = Table::all().commands()[place].together?;
    // One that is refused is refused, and counted, in its turn.
    let may_run =
        |request: &Request| admission::check(context, session, place, request.len()).is_ok();
    if !requests.iter().all(may_run) {
        return None;
    }
    let start = Instant::now();
    let access = context.engine.access(Patience::Wait);
    let access = match session.client.no_touch.load(Ordering::Relaxed) {
        true => access.without_touching(),
        false => access,
    };
    // A panic happens before anything is logged, or ends the process; alone, each request meets its own.
    let run = AssertUnwindSafe(|| (together.run)(&access, session.db, requests));
    let results = catch_unwind(run).ok()?.ok().flatten()?;
    let took = start.elapsed() / requests.len().max(1) as u32;
    session.last_number = session.last_number.max(access.last_number());
    let replies = requests.iter().zip(results).map(|(request, result)| {
        session.client.note_command(place, context.engine.now_ms());
        count(context, session, request, place, took, &result);
        match result {
            Ok(reply) => (reply, true),
            Err(Refusal::Error(line)) => (Reply::error(line), false),
            Err(Refusal::NotHere(_)) => unreachable!("who may wait is not asked to"),
        }
    });
    Some(replies.collect())
}

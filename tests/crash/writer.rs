//! One pipelining connection of a kill round: it keeps many operations under way, and knows which were acknowledged.

use super::draw::{Drawer, Operation};
use super::model::State;
use super::wire::Wire;
use rhumb::protocol::client::Value;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Operations sent at once, at most.
const BURST: usize = 16;
/// Operations under way, at most.
const UNDER_WAY: usize = 48;

/// What a connection knows when the server is gone.
#[derive(Clone, Default)]
pub struct Knowledge {
    /// The state after the last acknowledged operation.
    pub acknowledged: State,
    /// Operations sent, but not acknowledged.
    pub pending: VecDeque<Operation>,
}

/// Where and how a connection writes.
pub struct Assignment<'a> {
    /// The server's port.
    pub port: u16,
    /// The database.
    pub db: usize,
    /// Beginning of the names of its keys and elements.
    pub prefix: &'a str,
    /// When the test began, in milliseconds since 1970.
    pub epoch_ms: u64,
    /// Seed of its operations.
    pub seed: u64,
    /// Counts acknowledged operations of all connections.
    pub count: &'a AtomicU64,
}

/// Writes until the server is gone. `before`: what it holds already.
///
/// # Panics
/// If a reply is not what the model says.
pub fn write_until_killed(assignment: &Assignment<'_>, before: State) -> Knowledge {
    let mut writer = Writer {
        drawer: Drawer::new(assignment.seed, assignment.prefix),
        sent: before.clone(),
        expected: VecDeque::new(),
        knowledge: Knowledge {
            acknowledged: before,
            pending: VecDeque::new(),
        },
    };
    match Wire::open(assignment.port, assignment.db) {
        Ok(mut wire) => while writer.burst(&mut wire, assignment).is_ok() {},
        Err(error) => println!("{} could not connect: {error}", assignment.prefix),
    }
    writer.knowledge
}

struct Writer {
    drawer: Drawer,
    /// The state after everything sent.
    sent: State,
    /// Replies to come of the pending operations.
    expected: VecDeque<Vec<Value>>,
    knowledge: Knowledge,
}

impl Writer {
    fn burst(&mut self, wire: &mut Wire, assignment: &Assignment<'_>) -> io::Result<()> {
        let count = 1 + self.drawer.below(BURST);
        let mut requests = Vec::new();
        for _ in 0..count {
            let operation = self.drawer.operation();
            requests.extend(operation.requests(assignment.epoch_ms));
            self.expected.push_back(operation.apply(&mut self.sent));
            self.knowledge.pending.push_back(operation);
        }
        wire.send(&requests)?;
        let under_way = self.drawer.below(UNDER_WAY);
        while self.knowledge.pending.len() > under_way {
            self.receive(wire)?;
            assignment.count.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes the replies to the oldest pending operation.
    fn receive(&mut self, wire: &mut Wire) -> io::Result<()> {
        let expected = self
            .expected
            .front()
            .expect("replies of each pending operation");
        for expected in expected {
            let reply = wire.receive()?;
            assert_eq!(
                &reply,
                expected,
                "to one of {:?}",
                self.knowledge.pending.front()
            );
        }
        self.expected.pop_front();
        let operation = self.knowledge.pending.pop_front().expect("an operation");
        operation.apply(&mut self.knowledge.acknowledged);
        Ok(())
    }
}

impl Knowledge {
    /// How many of the pending operations took effect, if `found` is the state after the acknowledged ones and a prefix of
    /// the pending ones; else what is wrong. The state found is taken as acknowledged from now on.
    pub fn settle(&mut self, found: &State) -> Result<usize, String> {
        let mut state = self.acknowledged.clone();
        let mut differences = vec![state.difference(found)];
        for operation in &self.pending {
            operation.apply(&mut state);
            differences.push(state.difference(found));
        }
        let Some(took_effect) = differences.iter().position(Option::is_none) else {
            let texts = differences
                .iter()
                .enumerate()
                .map(|(count, text)| match text {
                    Some(text) => format!("after {count} pending: {text}\n"),
                    None => String::new(),
                });
            return Err(format!(
                "pending: {:#?}\n{}",
                self.pending,
                texts.collect::<String>()
            ));
        };
        let pending = std::mem::take(&mut self.pending);
        pending
            .iter()
            .take(took_effect)
            .for_each(|operation| drop(operation.apply(&mut self.acknowledged)));
        Ok(took_effect)
    }
}

//! Many commands over several connections at once: each connection has a thread that takes a batch from its [`Worker`],
//! sends it in one write, reads the replies in order and hands them back with the time that the batch took.

use super::ToolError;
use super::client::{Connection, ServerArgs};
use crate::protocol::client::{Value, encode_command};
use bytes::BytesMut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Commands that are sent together.
#[derive(Default)]
pub struct Batch {
    requests: BytesMut,
    commands: usize,
}

impl Batch {
    /// Adds a command.
    pub fn push(&mut self, args: &[&[u8]]) {
        encode_command(args, &mut self.requests);
        self.commands += 1;
    }

    /// Number of commands in it.
    pub fn len(&self) -> usize {
        self.commands
    }

    /// Whether it holds no command.
    pub fn is_empty(&self) -> bool {
        self.commands == 0
    }
}

/// What one connection asks, and what it makes of the answers.
pub trait Worker: Send {
    /// Fills the empty batch; leaves it empty when there is no more to do.
    fn fill(&mut self, batch: &mut Batch) -> Result<(), ToolError>;

    /// Takes the replies to a batch, error replies included, with the time from sending it to the last of them.
    fn answered(
        &mut self,
        replies: &[Value],
        elapsed: Duration,
        connection: &Connection,
    ) -> Result<(), ToolError>;
}

/// Runs each worker on a connection and thread of its own until none has more to do; the first error stops all. Returns the
/// time that this took, without that of connecting.
pub fn run<W: Worker>(server: &ServerArgs, workers: &mut [W]) -> Result<Duration, ToolError> {
    let connections: Vec<Connection> = workers
        .iter()
        .map(|_| Connection::open(server))
        .collect::<Result<_, _>>()?;
    let stop = AtomicBool::new(false);
    let started = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .iter_mut()
            .zip(connections)
            .map(|(worker, connection)| scope.spawn(|| drive(worker, connection, &stop)))
            .collect();
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
        for result in results {
            match result {
                Ok(result) => result?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(started.elapsed())
    })
}

fn drive<W: Worker>(
    worker: &mut W,
    connection: Connection,
    stop: &AtomicBool,
) -> Result<(), ToolError> {
    let result = drive_until_empty(worker, connection, stop);
    if result.is_err() {
        stop.store(true, Ordering::Relaxed);
    }
    result
}

fn drive_until_empty<W: Worker>(
    worker: &mut W,
    mut connection: Connection,
    stop: &AtomicBool,
) -> Result<(), ToolError> {
    let mut batch = Batch::default();
    let mut replies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        batch.requests.clear();
        batch.commands = 0;
        worker.fill(&mut batch)?;
        if batch.is_empty() {
            break;
        }
        let sent = Instant::now();
        connection.send(&batch.requests)?;
        replies.clear();
        for _ in 0..batch.commands {
            replies.push(connection.receive()?);
        }
        worker.answered(&replies, sent.elapsed(), &connection)?;
    }
    Ok(())
}

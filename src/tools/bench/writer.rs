//! A connection that adds vectors as fast as the server takes them while others search.

use super::BenchArgs;
use super::requests::Commands;
use super::workload::Workload;
use crate::protocol::client::Value;
use crate::tools::ToolError;
use crate::tools::client::Connection;
use crate::tools::pipeline::{Batch, Worker};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Elements that it adds beside those of the base, before it updates them: so the set does not grow without end.
const ELEMENTS: usize = 5_000;

/// Adds until it is told to stop.
pub struct Writer<'a> {
    commands: Commands<'a>,
    rows: usize,
    pipeline: usize,
    stop: &'a AtomicBool,
    next: usize,
    /// VADDs that were answered.
    pub added: usize,
}

impl<'a> Writer<'a> {
    /// A writer that sends `pipeline` VADDs at a time.
    pub fn new(
        args: &'a BenchArgs,
        workload: &'a Workload,
        pipeline: u16,
        stop: &'a AtomicBool,
    ) -> Writer<'a> {
        Writer {
            commands: Commands::new(args, workload),
            rows: workload.rows(),
            pipeline: usize::from(pipeline),
            stop,
            next: 0,
            added: 0,
        }
    }
}

impl Worker for Writer<'_> {
    fn fill(&mut self, batch: &mut Batch) -> Result<(), ToolError> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        for number in self.next..self.next + self.pipeline {
            // An element gets another vector each time it is written.
            let (row, element) = (number * 7919 % self.rows, number % ELEMENTS);
            self.commands.add(row, &format!("writer:{element}"), batch);
        }
        self.next += self.pipeline;
        Ok(())
    }

    fn answered(
        &mut self,
        replies: &[Value],
        _elapsed: Duration,
        connection: &Connection,
    ) -> Result<(), ToolError> {
        for reply in replies {
            if let Value::Error(text) = reply {
                return Err(connection.refused(b"VADD", text));
            }
        }
        self.added += replies.len();
        Ok(())
    }
}

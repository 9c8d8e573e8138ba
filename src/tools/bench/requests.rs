//! One connection of a measurement: makes the commands of a job, takes their times and compares found neighbours with the
//! true ones.

use super::BenchArgs;
use super::workload::Workload;
use crate::protocol::client::Value;
use crate::tools::ToolError;
use crate::tools::client::Connection;
use crate::tools::npy::Matrix;
use crate::tools::pipeline::{Batch, Worker};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Keys that SET writes and GET reads.
const STRING_KEYS: usize = 10_000;

/// One thing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    Ping,
    Set,
    Get,
    Add,
    Search { ef: u32 },
}

impl Job {
    /// Number of requests in a round.
    pub fn requests(self, args: &BenchArgs, workload: &Workload) -> usize {
        match self {
            Job::Add => workload.rows(),
            _ => args.requests,
        }
    }

    /// The command's name.
    pub fn command(self, native: bool) -> &'static str {
        match self {
            Job::Ping => "PING",
            Job::Set => "SET",
            Job::Get => "GET",
            Job::Add => "VADD",
            Job::Search { .. } if native => "VSEARCH",
            Job::Search { .. } => "VSIM",
        }
    }
}

/// A connection's share of a round: batches are drawn from a common counter until `total` requests are out.
pub struct Requester<'a> {
    args: &'a BenchArgs,
    workload: &'a Workload,
    job: Job,
    next: &'a AtomicUsize,
    total: usize,
    /// Number of the batch's first request.
    first: usize,
    words: Words,
    blob: Vec<u8>,
    /// Nanoseconds, one per request.
    pub times: Vec<u64>,
    /// Share of the true neighbours found, one per search.
    pub recalls: Vec<f32>,
}

/// The numbers of the options as text.
struct Words {
    k: String,
    ef: String,
    ef_construction: String,
    m: String,
}

impl<'a> Requester<'a> {
    pub fn new(
        args: &'a BenchArgs,
        workload: &'a Workload,
        job: Job,
        next: &'a AtomicUsize,
        total: usize,
    ) -> Requester<'a> {
        let ef = match job {
            Job::Search { ef } => ef.to_string(),
            _ => String::new(),
        };
        Requester {
            args,
            workload,
            job,
            next,
            total,
            first: 0,
            words: Words {
                k: args.k.to_string(),
                ef,
                ef_construction: args.ef_construction.to_string(),
                m: args.m.to_string(),
            },
            blob: Vec::new(),
            times: Vec::new(),
            recalls: Vec::new(),
        }
    }

    fn push(&mut self, number: usize, batch: &mut Batch) {
        match self.job {
            Job::Ping => batch.push(&[b"PING"]),
            Job::Set => batch.push(&[b"SET", string_key(number).as_bytes(), &self.workload.value]),
            Job::Get => batch.push(&[b"GET", string_key(number).as_bytes()]),
            Job::Add => self.push_add(number, batch),
            Job::Search { .. } => self.push_search(number, batch),
        }
    }

    fn push_add(&mut self, number: usize, batch: &mut Batch) {
        self.encode_row(self.workload.base.as_ref(), number);
        let (args, words) = (self.args, &self.words);
        let name = number.to_string();
        let mut command: Vec<&[u8]> = vec![
            b"VADD",
            args.key.as_bytes(),
            b"FP32",
            &self.blob,
            name.as_bytes(),
        ];
        if !args.native {
            // A declared collection knows its type and M, a plain one is told each time.
            command.extend([
                args.kind.as_bytes(),
                b"M",
                words.m.as_bytes(),
                b"EF",
                words.ef_construction.as_bytes(),
            ]);
        }
        batch.push(&command);
    }

    fn push_search(&mut self, number: usize, batch: &mut Batch) {
        let queries = self.workload.queries();
        self.encode_row(queries, number % queries.map_or(1, Matrix::rows));
        let (key, words) = (self.args.key.as_bytes(), &self.words);
        let (k, ef) = (words.k.as_bytes(), words.ef.as_bytes());
        if self.args.native {
            batch.push(&[b"VSEARCH", key, k, b"FP32", &self.blob, b"EF", ef]);
        } else {
            batch.push(&[b"VSIM", key, b"FP32", &self.blob, b"COUNT", k, b"EF", ef]);
        }
    }

    fn encode_row(&mut self, matrix: Option<&Matrix>, row: usize) {
        self.blob.clear();
        if let Some(matrix) = matrix {
            self.blob.extend(
                matrix
                    .row(row)
                    .iter()
                    .flat_map(|number| number.to_le_bytes()),
            );
        }
    }

    /// Which share of the true neighbours of search number `number` the reply holds.
    fn recall(&self, number: usize, hits: &[Value]) -> Option<f32> {
        let truth = self
            .workload
            .truth
            .get(number % self.workload.truth.len().max(1))?;
        let found = hits
            .iter()
            .filter_map(|hit| hit.as_str()?.parse::<usize>().ok());
        let common = found.filter(|row| truth.contains(row)).count();
        Some(common as f32 / truth.len() as f32)
    }
}

/// Every key that SET writes.
pub fn string_keys() -> impl Iterator<Item = String> {
    (0..STRING_KEYS).map(string_key)
}

/// Consecutive requests write and read keys that lie apart (7919 and the number of keys have no common divisor).
fn string_key(number: usize) -> String {
    format!("rhumb:bench:{:05}", number * 7919 % STRING_KEYS)
}

impl Worker for Requester<'_> {
    fn fill(&mut self, batch: &mut Batch) -> Result<(), ToolError> {
        let wanted = usize::from(self.args.pipeline);
        self.first = self.next.fetch_add(wanted, Ordering::Relaxed);
        for number in self.first..(self.first + wanted).min(self.total) {
            self.push(number, batch);
        }
        Ok(())
    }

    fn answered(
        &mut self,
        replies: &[Value],
        elapsed: Duration,
        connection: &Connection,
    ) -> Result<(), ToolError> {
        self.times
            .extend(replies.iter().map(|_| elapsed.as_nanos() as u64));
        for (at, reply) in replies.iter().enumerate() {
            match reply {
                Value::Error(text) => {
                    return Err(
                        connection.refused(self.job.command(self.args.native).as_bytes(), text)
                    );
                }
                Value::Array(hits) => self.recalls.extend(self.recall(self.first + at, hits)),
                _ => {}
            }
        }
        Ok(())
    }
}

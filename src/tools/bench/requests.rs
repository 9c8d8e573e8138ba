//! One connection of a measurement: makes the commands of a job, takes their times and compares found neighbours with the
//! true ones.

use super::BenchArgs;
use super::documents;
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
    Search {
        ef: u32,
        /// Whether another connection adds vectors meanwhile (writer.rs).
        beside_writer: bool,
        /// With --documents: the percentage that passes a filter.
        percent: Option<u16>,
    },
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
    pub fn command(self, args: &BenchArgs) -> &'static str {
        match self {
            Job::Add if args.documents => "HSET",
            Job::Search { .. } if args.documents => "FT.SEARCH",
            Job::Ping => "PING",
            Job::Set => "SET",
            Job::Get => "GET",
            Job::Add => "VADD",
            Job::Search { .. } if args.native => "VSEARCH",
            Job::Search { .. } => "VSIM",
        }
    }

    /// Candidates of a search.
    pub fn ef(self) -> Option<u32> {
        match self {
            Job::Search { ef, .. } => Some(ef),
            _ => None,
        }
    }

    /// The percentage that passes its filter.
    pub fn percent(self) -> Option<u16> {
        match self {
            Job::Search { percent, .. } => percent,
            _ => None,
        }
    }

    /// Whether a writer runs meanwhile.
    pub fn is_beside_writer(self) -> bool {
        matches!(
            self,
            Job::Search {
                beside_writer: true,
                ..
            }
        )
    }
}

/// Makes the commands that carry vectors.
pub struct Commands<'a> {
    args: &'a BenchArgs,
    workload: &'a Workload,
    k: String,
    ef_construction: String,
    m: String,
    blob: Vec<u8>,
}

impl<'a> Commands<'a> {
    pub fn new(args: &'a BenchArgs, workload: &'a Workload) -> Commands<'a> {
        Commands {
            args,
            workload,
            k: args.k.to_string(),
            ef_construction: args.ef_construction.to_string(),
            m: args.m.to_string(),
            blob: Vec::new(),
        }
    }

    /// Adds row `row` of the base under `name`.
    pub fn add(&mut self, row: usize, name: &str, batch: &mut Batch) {
        self.encode_row(self.workload.base.as_ref(), row);
        if self.args.documents {
            return documents::push_add(self.args, row, name, &self.blob, batch);
        }
        let (key, name) = (self.args.key.as_bytes(), name.as_bytes());
        let mut command: Vec<&[u8]> = vec![b"VADD", key, b"FP32", &self.blob, name];
        if !self.args.native {
            // A declared collection knows its type and M, a plain one is told each time.
            let (m, ef) = (self.m.as_bytes(), self.ef_construction.as_bytes());
            command.extend([self.args.kind.as_bytes(), b"M", m, b"EF", ef]);
        }
        batch.push(&command);
    }

    /// Searches for a query; those after the last are the first ones again.
    fn search(&mut self, number: usize, ef: u32, percent: Option<u16>, batch: &mut Batch) {
        let queries = self.workload.queries();
        self.encode_row(queries, number % queries.map_or(1, Matrix::rows));
        if self.args.documents {
            return documents::push_search(self.args, (number, ef, percent), &self.blob, batch);
        }
        let ef = ef.to_string();
        let (key, k, ef) = (self.args.key.as_bytes(), self.k.as_bytes(), ef.as_bytes());
        if self.args.native {
            return batch.push(&[b"VSEARCH", key, k, b"FP32", &self.blob, b"EF", ef]);
        }
        let mut command: Vec<&[u8]> =
            vec![b"VSIM", key, b"FP32", &self.blob, b"COUNT", k, b"EF", ef];
        if self.args.no_thread {
            command.push(b"NOTHREAD");
        }
        batch.push(&command);
    }

    fn encode_row(&mut self, matrix: Option<&Matrix>, row: usize) {
        self.blob.clear();
        if let Some(matrix) = matrix {
            let numbers = matrix.row(row).iter();
            self.blob
                .extend(numbers.flat_map(|number| number.to_le_bytes()));
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
    commands: Commands<'a>,
    /// Nanoseconds, one per request.
    pub times: Vec<u64>,
    /// Share of the true neighbours found, one per search.
    pub recalls: Vec<f32>,
}

impl<'a> Requester<'a> {
    pub fn new(
        args: &'a BenchArgs,
        workload: &'a Workload,
        job: Job,
        next: &'a AtomicUsize,
        total: usize,
    ) -> Requester<'a> {
        Requester {
            args,
            workload,
            job,
            next,
            total,
            first: 0,
            commands: Commands::new(args, workload),
            times: Vec::new(),
            recalls: Vec::new(),
        }
    }

    fn push(&mut self, number: usize, batch: &mut Batch) {
        match self.job {
            Job::Ping => batch.push(&[b"PING"]),
            Job::Set => batch.push(&[b"SET", string_key(number).as_bytes(), &self.workload.value]),
            Job::Get => batch.push(&[b"GET", string_key(number).as_bytes()]),
            Job::Add => {
                let name = format!(
                    "{number:0width$}",
                    width = usize::from(self.args.name_bytes)
                );
                self.commands.add(number, &name, batch);
            }
            Job::Search { ef, percent, .. } => self.commands.search(number, ef, percent, batch),
        }
    }

    /// Which share of the true neighbours of search number `number` the reply holds.
    fn recall(&self, number: usize, hits: &[Value]) -> Option<f32> {
        let truths = match self.job.percent() {
            Some(percent) => self.workload.filtered.get(&percent)?,
            None => &self.workload.truth,
        };
        let truth = truths.get(number % truths.len().max(1))?;
        let found = hits
            .iter()
            .filter_map(|hit| documents::row_of(hit.as_str()?));
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
                    return Err(connection.refused(self.job.command(self.args).as_bytes(), text));
                }
                // What a writer adds is nobody's true neighbour.
                Value::Array(hits) if !self.job.is_beside_writer() => {
                    self.recalls.extend(self.recall(self.first + at, hits));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

//! Sums of a measurement and the table that they are printed in.

use super::BenchArgs;
use super::requests::Job;
use super::workload::Workload;
use indicatif::{HumanBytes, HumanCount};
use std::time::Duration;

/// What one server did in one job, over all rounds.
pub struct Line {
    server: String,
    job: Job,
    /// Of each round.
    per_second: Vec<f64>,
    requests: usize,
    cpu_seconds: Option<f64>,
    times: Vec<u64>,
    recalls: Vec<f32>,
}

impl Line {
    pub fn new(server: &str, job: Job) -> Line {
        Line {
            server: server.to_string(),
            job,
            per_second: Vec::new(),
            requests: 0,
            cpu_seconds: Some(0.0),
            times: Vec::new(),
            recalls: Vec::new(),
        }
    }

    /// A round of `requests` took that long, and so much of the server's processor time where it tells.
    pub fn add_round(&mut self, requests: usize, elapsed: Duration, cpu_seconds: Option<f64>) {
        self.per_second
            .push(requests as f64 / elapsed.as_secs_f64());
        self.requests += requests;
        self.cpu_seconds = self
            .cpu_seconds
            .zip(cpu_seconds)
            .map(|(sum, more)| sum + more);
    }

    /// Times in nanoseconds and recalls of one connection.
    pub fn add(&mut self, times: Vec<u64>, recalls: Vec<f32>) {
        self.times.extend(times);
        self.recalls.extend(recalls);
    }

    fn recall(&self) -> Option<f32> {
        (!self.recalls.is_empty())
            .then(|| self.recalls.iter().sum::<f32>() / self.recalls.len() as f32)
    }
}

/// The table.
pub struct Report {
    server_width: usize,
    native: bool,
}

impl Report {
    /// Prints what is measured, and the head of the table.
    pub fn begin(args: &BenchArgs, workload: &Workload) -> Report {
        let server_width = args
            .servers
            .iter()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max(args.server.host.len() + 6);
        println!(
            "connections {}, pipeline {}, rounds {}, k {}",
            args.connections, args.pipeline, args.rounds, args.k
        );
        if let Some(base) = &workload.base {
            let truth = workload.truth.len();
            println!(
                "{} vectors of {} components, {}, M {}, ef_construction {}; {truth} queries with true neighbours",
                HumanCount(base.rows() as u64),
                base.columns,
                args.kind,
                args.m,
                args.ef_construction,
            );
        }
        println!(
            "\n{:server_width$}  {:8}{:>6}{:>12}{:>10}{:>10}{:>10}{:>11}{:>12}",
            "server",
            "command",
            "ef",
            "per second",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            format!("recall@{}", args.k),
            "cpu us/op"
        );
        Report {
            server_width,
            native: args.native,
        }
    }

    /// Prints a line; `-` stands where nothing is known.
    pub fn print(&self, line: &Line) {
        let ef = match line.job {
            Job::Search { ef } => ef.to_string(),
            _ => "-".to_string(),
        };
        let mut times = line.times.clone();
        times.sort_unstable();
        let millis = |share| format!("{:.3}", percentile(&times, share) as f64 / 1e6);
        let recall = line
            .recall()
            .map_or("-".to_string(), |recall| format!("{recall:.4}"));
        let cpu = line.cpu_seconds.map_or("-".to_string(), |seconds| {
            format!("{:.1}", seconds * 1e6 / line.requests.max(1) as f64)
        });
        println!(
            "{:width$}  {:8}{ef:>6}{:>12.0}{:>10}{:>10}{:>10}{recall:>11}{cpu:>12}",
            line.server,
            line.job.command(self.native),
            median(&line.per_second),
            millis(0.5),
            millis(0.95),
            millis(0.99),
            width = self.server_width,
        );
    }

    /// Prints what a server says of itself, and what each vector takes of its memory.
    pub fn print_server(&self, server: &Description) {
        let version = server.version.as_deref().unwrap_or("unknown server");
        print!("\n{}: {version}", server.name);
        if let Some(used) = server.used {
            print!(", used_memory {}", HumanBytes(used));
        }
        if let Some(resident) = server.resident {
            print!(", resident {}", HumanBytes(resident));
        }
        if let (Some(used), Some(before), 1..) = (server.used, server.used_before, server.vectors) {
            let each = used.saturating_sub(before) / server.vectors;
            print!(", {each} bytes per vector");
        }
        println!();
    }
}

/// What a server says of itself.
pub struct Description<'a> {
    pub name: &'a str,
    pub version: Option<String>,
    /// Bytes, now and before the vectors were added.
    pub used: Option<u64>,
    pub used_before: Option<u64>,
    pub resident: Option<u64>,
    pub vectors: u64,
}

/// The smallest value that at least `share` of the sorted values do not exceed; 0 of none.
fn percentile(sorted: &[u64], share: f64) -> u64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(
            (
                percentile(&hundred, 0.5),
                percentile(&hundred, 0.95),
                percentile(&hundred, 0.99)
            ),
            (50, 95, 99)
        );
        assert_eq!(
            (
                percentile(&[7], 0.5),
                percentile(&[7], 0.99),
                percentile(&[], 0.5)
            ),
            (7, 7, 0)
        );
    }

    #[test]
    fn operations_per_second_are_those_of_the_median_round() {
        assert_eq!(median(&[100.0, 1.0, 50.0]), 50.0);
        let mut line = Line::new("a:1", Job::Ping);
        line.add_round(1000, Duration::from_millis(500), Some(0.1));
        line.add_round(1000, Duration::from_millis(500), None);
        assert_eq!(
            (median(&line.per_second), line.requests, line.cpu_seconds),
            (2000.0, 2000, None)
        );
    }
}

//! Sums of a measurement, and the table, the ratios and the JSON that they are told in.

use super::BenchArgs;
use super::requests::Job;
use super::workload::Workload;
use crate::tools::ToolError;
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;
use std::path::Path;

/// What one server did in one round of one job.
pub struct Round {
    /// Operations.
    pub per_second: f64,
    /// VADDs of the writer beside it, where there was one.
    pub added_per_second: Option<f64>,
    /// The server's processor time for an operation, where it tells.
    pub cpu_us: Option<f64>,
    /// Nanoseconds, one per operation.
    pub times: Vec<u64>,
    /// Shares of the true neighbours found.
    pub recalls: Vec<f32>,
}

/// A figure of a round, where it is known.
type Quantity = fn(&Round) -> Option<f64>;

/// What servers are compared by.
const QUANTITIES: [(&str, Quantity); 4] = [
    ("per second", |round| Some(round.per_second)),
    ("p50", |round| Some(millis(&round.times, 0.5))),
    ("p99", |round| Some(millis(&round.times, 0.99))),
    ("cpu", |round| round.cpu_us),
];

/// What one server did in one job, over all rounds.
pub struct Line {
    server: String,
    job: Job,
    /// Their times are sorted.
    rounds: Vec<Round>,
}

impl Line {
    pub fn new(server: &str, job: Job) -> Line {
        Line {
            server: server.to_string(),
            job,
            rounds: Vec::new(),
        }
    }

    pub fn add_round(&mut self, mut round: Round) {
        round.times.sort_unstable();
        self.rounds.push(round);
    }

    /// Of the median round.
    fn per_second(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.per_second))
    }

    fn added_per_second(&self) -> Option<f64> {
        let added: Option<Vec<f64>> = self.rounds.iter().map(|r| r.added_per_second).collect();
        added.map(|added| median(added.into_iter()))
    }

    /// Over all rounds; none as soon as the server did not tell.
    fn cpu_us(&self) -> Option<f64> {
        let cpu: Option<Vec<f64>> = self.rounds.iter().map(|round| round.cpu_us).collect();
        cpu.filter(|cpu| !cpu.is_empty())
            .map(|cpu| cpu.iter().sum::<f64>() / cpu.len() as f64)
    }

    /// Over all rounds.
    fn recall(&self) -> Option<f32> {
        let recalls = || self.rounds.iter().flat_map(|round| &round.recalls);
        let count = recalls().count();
        (count > 0).then(|| recalls().sum::<f32>() / count as f32)
    }

    /// Latencies of all rounds, sorted.
    fn times(&self) -> Vec<u64> {
        let rounds = self.rounds.iter();
        let mut times: Vec<u64> = rounds.flat_map(|round| &round.times).copied().collect();
        times.sort_unstable();
        times
    }

    fn json(&self, args: &BenchArgs) -> serde_json::Value {
        let times = self.times();
        let rounds = self.rounds.iter().map(|round| {
            json!({
                "per_second": round.per_second,
                "p50_ms": millis(&round.times, 0.5),
                "p99_ms": millis(&round.times, 0.99),
                "cpu_us": round.cpu_us,
            })
        });
        json!({
            "server": self.server,
            "command": self.job.command(args),
            "ef": self.job.ef(),
            "filter_percent": self.job.percent(),
            "beside_writer": self.job.is_beside_writer(),
            "added_per_second": self.added_per_second(),
            "per_second": self.per_second(),
            "p50_ms": millis(&times, 0.5),
            "p95_ms": millis(&times, 0.95),
            "p99_ms": millis(&times, 0.99),
            "recall": self.recall(),
            "cpu_us": self.cpu_us(),
            "rounds": rounds.collect::<Vec<_>>(),
        })
    }
}

/// The table.
pub struct Report<'a> {
    args: &'a BenchArgs,
    server_width: usize,
}

impl<'a> Report<'a> {
    /// Prints what is measured, and the head of the table.
    pub fn begin(args: &'a BenchArgs, workload: &Workload) -> Report<'a> {
        let names = args.servers.iter().map(String::len);
        let server_width = names.max().unwrap_or(0).max(args.server.host.len() + 6);
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
            "\n{:server_width$}  {:10}{:>6}{:>12}{:>10}{:>10}{:>10}{:>11}{:>12}",
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
        Report { args, server_width }
    }

    /// Prints a line; `-` stands where nothing is known.
    pub fn print(&self, line: &Line) {
        let or_none = |text: Option<String>| text.unwrap_or("-".to_string());
        let times = line.times();
        let time = |share| format!("{:.3}", millis(&times, share));
        let behind = line.job.percent().map_or(String::new(), |percent| {
            format!("  behind a filter that {percent} % pass")
        });
        let beside = line.added_per_second().map_or(String::new(), |added| {
            format!("  beside {added:.0} VADD a second")
        });
        println!(
            "{:width$}  {:10}{:>6}{:>12.0}{:>10}{:>10}{:>10}{:>11}{:>12}{behind}{beside}",
            line.server,
            line.job.command(self.args),
            or_none(line.job.ef().map(|ef| ef.to_string())),
            line.per_second(),
            time(0.5),
            time(0.95),
            time(0.99),
            or_none(line.recall().map(|recall| format!("{recall:.4}"))),
            or_none(line.cpu_us().map(|cpu| format!("{cpu:.1}"))),
            width = self.server_width,
        );
    }

    /// Prints how the first server compares with each other one in one job: the median of the rounds' ratios, and their range.
    pub fn print_ratios(&self, lines: &[Line]) {
        let Some((first, others)) = lines.split_first() else {
            return;
        };
        for other in others {
            let told = QUANTITIES.map(|(name, quantity)| {
                let ratio = Ratio::of(&first.rounds, &other.rounds, quantity)?;
                Some(format!("{name} {ratio}"))
            });
            let told: Vec<String> = told.into_iter().flatten().collect();
            println!("  to {}: {}", other.server, told.join(", "));
        }
    }

    /// Prints for each search that was measured beside a writer what that did to its p99.
    pub fn print_disturbance(&self, lines: &[Line]) {
        for beside in lines.iter().filter(|line| line.job.is_beside_writer()) {
            let quiet = lines.iter().find(|line| {
                !line.job.is_beside_writer()
                    && line.server == beside.server
                    && line.job.ef() == beside.job.ef()
            });
            let p99 = |round: &Round| Some(millis(&round.times, 0.99));
            let ratio = quiet.and_then(|quiet| Ratio::of(&beside.rounds, &quiet.rounds, p99));
            if let (Some(ratio), Some(ef)) = (ratio, beside.job.ef()) {
                println!(
                    "{}: ef {ef}, p99 beside the writer to p99 without {ratio}",
                    beside.server
                );
            }
        }
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
        if let Some(each) = server.bytes_each() {
            print!(", {each} bytes per vector");
        }
        println!();
    }

    /// Writes everything to a file.
    pub fn write_json(
        &self,
        path: &Path,
        workload: &Workload,
        servers: &[Description],
        lines: &[Line],
    ) -> Result<(), ToolError> {
        let args = self.args;
        let servers = servers.iter().map(|server| {
            json!({
                "name": server.name,
                "version": server.version,
                "used_memory": server.used,
                "used_memory_rss": server.resident,
                "bytes_per_vector": server.bytes_each(),
            })
        });
        let whole = json!({
            "rows": workload.rows(),
            "dim": workload.base.as_ref().map(|base| base.columns),
            "type": args.kind,
            "m": args.m,
            "ef_construction": args.ef_construction,
            "k": args.k,
            "connections": args.connections,
            "pipeline": args.pipeline,
            "servers": servers.collect::<Vec<_>>(),
            "lines": lines.iter().map(|line| line.json(args)).collect::<Vec<_>>(),
        });
        std::fs::write(path, format!("{whole:#}\n")).map_err(|source| ToolError::File {
            path: path.to_path_buf(),
            source,
        })
    }
}

/// What a server says of itself.
pub struct Description {
    pub name: String,
    pub version: Option<String>,
    /// Bytes, now and before the vectors were added.
    pub used: Option<u64>,
    pub used_before: Option<u64>,
    pub resident: Option<u64>,
    pub vectors: u64,
}

impl Description {
    /// Bytes that a vector takes.
    fn bytes_each(&self) -> Option<u64> {
        let bytes = self.used?.saturating_sub(self.used_before?);
        bytes.checked_div(self.vectors)
    }
}

/// Ratios of one quantity in rounds that ran in turns.
#[derive(Debug, PartialEq)]
struct Ratio {
    median: f64,
    min: f64,
    max: f64,
}

impl Ratio {
    /// Round by round; none where a round does not know the quantity.
    fn of(
        rounds: &[Round],
        others: &[Round],
        quantity: impl Fn(&Round) -> Option<f64>,
    ) -> Option<Ratio> {
        let pairs = rounds.iter().zip(others);
        let ratios: Option<Vec<f64>> = pairs
            .map(|(round, other)| Some(quantity(round)? / quantity(other)?))
            .collect();
        let ratios = ratios.filter(|ratios| !ratios.is_empty())?;
        Some(Ratio {
            median: median(ratios.iter().copied()),
            min: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            max: ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}-{:.2})", self.median, self.min, self.max)
    }
}

/// The smallest value in milliseconds that at least `share` of the sorted nanoseconds do not exceed; 0 of none.
fn millis(sorted: &[u64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0) as f64 / 1e6
}

/// The middle one; of an even number the upper one; 0 of none.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(per_second: f64, cpu_us: Option<f64>, times: &[u64]) -> Round {
        Round {
            per_second,
            added_per_second: None,
            cpu_us,
            times: times.to_vec(),
            recalls: Vec::new(),
        }
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred: Vec<u64> = (1..=100).map(|n| n * 1_000_000).collect();
        assert_eq!(
            [0.5, 0.95, 0.99].map(|share| millis(&hundred, share)),
            [50.0, 95.0, 99.0]
        );
        assert_eq!(
            (
                millis(&[7_000_000], 0.5),
                millis(&[7_000_000], 0.99),
                millis(&[], 0.5)
            ),
            (7.0, 7.0, 0.0)
        );
    }

    #[test]
    fn operations_per_second_are_those_of_the_median_round() {
        let mut line = Line::new("a:1", Job::Ping);
        line.add_round(round(100.0, Some(2.0), &[3_000_000, 1_000_000]));
        line.add_round(round(1.0, Some(4.0), &[2_000_000]));
        line.add_round(round(50.0, Some(6.0), &[]));
        assert_eq!((line.per_second(), line.cpu_us()), (50.0, Some(4.0)));
        assert_eq!(line.times(), [1_000_000, 2_000_000, 3_000_000]);
        line.add_round(round(50.0, None, &[]));
        assert_eq!((line.cpu_us(), line.recall()), (None, None));
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let ours = [
            round(10.0, Some(1.0), &[]),
            round(4.0, Some(1.0), &[]),
            round(6.0, Some(1.0), &[]),
        ];
        let theirs = [
            round(5.0, Some(4.0), &[]),
            round(1.0, None, &[]),
            round(2.0, Some(4.0), &[]),
        ];
        let speed = Ratio::of(&ours, &theirs, |round| Some(round.per_second));
        let expected = Ratio {
            median: 3.0,
            min: 2.0,
            max: 4.0,
        };
        assert_eq!(speed, Some(expected));
        assert_eq!(Ratio::of(&ours, &theirs, |round| round.cpu_us), None);
        assert_eq!(Ratio::of(&[], &[], |round| round.cpu_us), None);
    }
}

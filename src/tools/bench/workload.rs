//! The vectors that bench adds, those it searches for, and their true neighbours, read from files or made up.

use super::{BenchArgs, MetricArg, documents};
use crate::tools::ToolError;
use crate::tools::npy::{Matrix, NpyReader};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Queries that are made up with --random.
const RANDOM_QUERIES: usize = 1000;
/// The made-up vectors are the same in every run.
const SEED: u64 = 0x5eed;

/// What there is to send.
#[derive(Default)]
pub struct Workload {
    /// Vectors to add; row i is named i.
    pub base: Option<Matrix>,
    /// Vectors to search for.
    pub queries: Option<Matrix>,
    /// For each query the rows of its k nearest, in no order; empty when there are no queries.
    pub truth: Vec<Vec<usize>>,
    /// The same behind filters, by the percentage that passes.
    pub filtered: BTreeMap<u16, Vec<Vec<usize>>>,
    /// What SET writes.
    pub value: Vec<u8>,
}

impl Workload {
    /// Reads or makes what the arguments name.
    pub fn prepare(args: &BenchArgs) -> Result<Workload, ToolError> {
        let mut workload = Workload {
            value: vec![b'x'; args.value_bytes],
            ..Workload::default()
        };
        let limit = args.limit.unwrap_or(usize::MAX);
        if let Some(shape) = &args.random {
            let (rows, dim) = parse_shape(shape)?;
            let mut random = Random(SEED);
            workload.base = Some(random.matrix(rows.min(limit), dim));
            workload.queries = Some(random.matrix(RANDOM_QUERIES, dim));
        } else if let Some(path) = &args.base {
            workload.base = Some(Matrix::read(path, limit)?);
            workload.queries = args
                .queries
                .as_deref()
                .map(|path| Matrix::read(path, usize::MAX))
                .transpose()?;
        }
        workload.find_truth(args)?;
        Ok(workload)
    }

    /// Number of vectors of the base.
    pub fn rows(&self) -> usize {
        self.base.as_ref().map_or(0, Matrix::rows)
    }

    /// Without queries of their own, searches are for the vectors of the base.
    pub fn queries(&self) -> Option<&Matrix> {
        self.queries.as_ref().or(self.base.as_ref())
    }

    /// VCREATE for --native, FT.CREATE for --documents.
    pub fn create_command(&self, args: &BenchArgs) -> Vec<String> {
        let dim = self.base.as_ref().map_or(0, |base| base.columns);
        if args.documents {
            return documents::create_command(args, dim);
        }
        let metric = match args.metric {
            MetricArg::Cosine => "COSINE",
            MetricArg::L2 => "L2",
            MetricArg::Ip => "IP",
        };
        let words = format!(
            "VCREATE KEY DIM {dim} METRIC {metric} TYPE {} M {} EF {}",
            args.kind, args.m, args.ef_construction
        );
        words
            .split(' ')
            .map(|word| {
                if word == "KEY" {
                    args.key.clone()
                } else {
                    word.to_string()
                }
            })
            .collect()
    }

    fn find_truth(&mut self, args: &BenchArgs) -> Result<(), ToolError> {
        let (Some(base), Some(queries)) = (&self.base, &self.queries) else {
            return Ok(());
        };
        if base.columns != queries.columns {
            let what = format!(
                "base and queries have {} and {} columns",
                base.columns, queries.columns
            );
            return Err(ToolError::Usage(what));
        }
        self.truth = match &args.truth {
            // The file speaks of the whole base.
            Some(path) if args.limit.is_none() => {
                read_truth(path, queries.rows(), base.rows(), args.k)?
            }
            _ => (0..queries.rows())
                .into_par_iter()
                .map(|row| nearest(base, queries.row(row), args, |_| true))
                .collect(),
        };
        for &percent in &args.filter {
            let passes = |row: usize| documents::passes(row, percent);
            let truth = (0..queries.rows())
                .into_par_iter()
                .map(|row| nearest(base, queries.row(row), args, passes))
                .collect();
            self.filtered.insert(percent, truth);
        }
        Ok(())
    }
}

fn parse_shape(shape: &str) -> Result<(usize, usize), ToolError> {
    let parts = shape
        .split_once('x')
        .and_then(|(rows, dim)| Some((rows.parse().ok()?, dim.parse().ok()?)));
    match parts {
        Some((rows, dim)) if rows > 0 && dim > 0 => Ok((rows, dim)),
        _ => Err(ToolError::Usage(format!(
            "--random {shape}: expected something like 5000x128"
        ))),
    }
}

fn read_truth(
    path: &Path,
    queries: usize,
    rows: usize,
    k: usize,
) -> Result<Vec<Vec<usize>>, ToolError> {
    let mut reader = NpyReader::open(path)?;
    let wrong = |what: String| ToolError::Format {
        path: path.to_path_buf(),
        what,
    };
    if reader.rows() < queries || reader.columns() < k {
        let (have, wide) = (reader.rows(), reader.columns());
        return Err(wrong(format!(
            "{have} x {wide} neighbours for {queries} queries and k = {k}"
        )));
    }
    let mut truth = Vec::with_capacity(queries);
    let mut row = Vec::new();
    for _ in 0..queries {
        reader.read_indices(&mut row)?;
        row.truncate(k);
        if let Some(outside) = row.iter().find(|index| **index >= rows) {
            return Err(wrong(format!("names row {outside} of a base of {rows}")));
        }
        truth.push(row.clone());
    }
    Ok(truth)
}

/// The rows of the k nearest of those that pass, by an exact scan.
fn nearest(
    base: &Matrix,
    query: &[f32],
    args: &BenchArgs,
    passes: impl Fn(usize) -> bool,
) -> Vec<usize> {
    let distance = |row: &[f32]| match args.metric {
        MetricArg::Cosine => -dot(row, query) / dot(row, row).sqrt().max(f32::MIN_POSITIVE),
        MetricArg::L2 => dot(row, row) - 2.0 * dot(row, query),
        MetricArg::Ip => -dot(row, query),
    };
    let mut rows: Vec<(f32, usize)> = (0..base.rows())
        .filter(|row| passes(*row))
        .map(|row| (distance(base.row(row)), row))
        .collect();
    rows.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    rows.iter().take(args.k).map(|(_, row)| *row).collect()
}

/// In eight sums, so that the compiler can use the processor's lanes.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let (one, one_rest) = one.as_chunks::<8>();
    let (other, other_rest) = other.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (one, other) in one.iter().zip(other) {
        for lane in 0..8 {
            sums[lane] += one[lane] * other[lane];
        }
    }
    let rest: f32 = one_rest
        .iter()
        .zip(other_rest)
        .map(|(one, other)| one * other)
        .sum();
    sums.iter().sum::<f32>() + rest
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): enough for vectors without structure.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From -1 to 1, evenly.
    fn component(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Matrix {
        let numbers = (0..rows * columns).map(|_| self.component()).collect();
        Matrix { columns, numbers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        bench: BenchArgs,
    }

    fn prepare(words: &str) -> Result<Workload, ToolError> {
        let root = env!("CARGO_MANIFEST_DIR");
        let words = words.replace("data/", &format!("{root}/data/"));
        Workload::prepare(&Line::parse_from(words.split(' ')).bench)
    }

    #[test]
    fn computed_neighbours_are_those_of_the_bundled_file() {
        let files =
            "bench --base data/debian-3000.f16.npy --queries data/debian-3000.queries.f16.npy";
        let computed = prepare(files).unwrap();
        let read = prepare(&format!("{files} --truth data/debian-3000.gt.npy")).unwrap();
        assert_eq!(
            (computed.rows(), computed.truth.len(), read.truth.len()),
            (3000, 100, 100)
        );
        for (computed, read) in computed.truth.iter().zip(&read.truth) {
            let common = computed.iter().filter(|row| read.contains(row)).count();
            assert!(common >= 9, "{computed:?} instead of {read:?}");
            assert_eq!(computed[0], read[0]);
        }
    }

    #[test]
    fn random_vectors_are_the_same_each_time_and_have_neighbours() {
        let one = prepare("bench --random 50x13 -n 3").unwrap();
        let other = prepare("bench --random 50x13 -n 3 --metric l2").unwrap();
        assert_eq!(
            one.base.as_ref().unwrap().numbers,
            other.base.as_ref().unwrap().numbers
        );
        assert!(one.truth.iter().all(|rows| rows.len() == 3));
        assert_ne!(one.truth, other.truth);
    }

    #[test]
    fn says_what_does_not_fit() {
        let refused = |words: &str| prepare(words).err().expect("a refusal").to_string();
        assert!(refused("bench --random 50").contains("5000x128"));
        assert!(refused("bench --base data/debian-3000.f16.npy --queries data/debian-3000.f16.npy --truth data/debian-3000.gt.npy").contains("100 x 10"));
        let limited = "bench --limit 20 --base data/debian-3000.f16.npy --queries data/debian-3000.queries.f16.npy --truth data/debian-3000.gt.npy";
        assert!(
            prepare(limited)
                .unwrap()
                .truth
                .iter()
                .flatten()
                .all(|row| *row < 20)
        );
    }
}

//! How load rate, search cost at equal recall and memory grow with the number of elements, on one thread:
//! `cargo bench --bench scale -- [--sizes 10000,100000,1000000] [--dim 128] [--type Q8] [--recall 0.95]`.
//!
//! Vectors are made up (bed/data.rs), compared by L2; a larger set continues a smaller one. A million of 128 components take
//! half a gigabyte before anything is built, and as much while their true neighbours are found.

mod bed;

use bed::data::DataSet;
use bed::graph;
use clap::Parser;
use rhumb::index::{Quantization, VectorIndex, WalkOptions, WalkStats};
use std::time::Instant;

const QUERIES: usize = 500;

#[derive(Parser)]
struct Options {
    /// Numbers of elements
    #[arg(long, value_delimiter = ',', default_value = "10000,100000")]
    sizes: Vec<usize>,
    /// Components
    #[arg(long, default_value_t = 128)]
    dim: usize,
    /// What is stored
    #[arg(long = "type", default_value = "Q8", value_parser = graph::quantization)]
    quantization: Quantization,
    /// The smallest ef that reaches this recall@10 is measured
    #[arg(long, default_value_t = 0.95)]
    recall: f64,
}

fn main() {
    let options = Options::parse_from(bed::words());
    let brief = [2_000];
    let sizes = match bed::is_brief() {
        true => &brief[..],
        false => &options.sizes,
    };
    println!(
        "clustered, {} components, L2, {:?}, one thread\n{:>10}{:>12}{:>14}{:>7}{:>9}{:>13}{:>11}{:>9}{:>11}",
        options.dim,
        options.quantization,
        "elements",
        "inserts/s",
        "last tenth/s",
        "ef",
        "recall",
        "us a search",
        "distances",
        "bytes",
        "resident"
    );
    for &rows in sizes {
        measure(&options, rows);
    }
    bed::succeed();
}

fn measure(options: &Options, rows: usize) {
    let data = DataSet::clustered(rows, QUERIES, options.dim);
    let index = graph::empty(&data, options.quantization);
    // What finding the true neighbours took is given back first.
    rhumb::sys::purge_allocator();
    let resident = rhumb::sys::resident_bytes();
    let started = Instant::now();
    let mut last_tenth = started;
    for row in 0..rows {
        if row == rows * 9 / 10 {
            last_tenth = Instant::now();
        }
        graph::insert(&index, &data.base, row as u32, Default::default());
    }
    let (whole_s, last_s) = (
        started.elapsed().as_secs_f64(),
        last_tenth.elapsed().as_secs_f64(),
    );
    let resident = rhumb::sys::resident_bytes().saturating_sub(resident);
    let memory = index.memory();
    let (ef, recall) = smallest_ef(&index, &data, options.recall);
    let (microseconds, distances) = cost(&index, &data, ef);
    println!(
        "{rows:>10}{:>12.0}{:>14.0}{ef:>7}{recall:>9.4}{microseconds:>13.1}{distances:>11.0}{:>9.0}{:>11.0}",
        rows as f64 / whole_s,
        rows as f64 / 10.0 / last_s,
        (memory.vectors + memory.codes + memory.links) as f64 / rows as f64,
        resident as f64 / rows as f64,
    );
}

/// The first of a growing row of efs that reaches `wanted`, or the last.
fn smallest_ef(index: &VectorIndex, data: &DataSet, wanted: f64) -> (usize, f64) {
    let mut ef = graph::K;
    loop {
        let recall = graph::recall(index, data, ef);
        if recall >= wanted || ef > 2_000 {
            return (ef, recall);
        }
        ef += (ef / 10).max(1);
    }
}

/// Microseconds of a search, the best of three passes, and distances that it computes.
fn cost(index: &VectorIndex, data: &DataSet, ef: usize) -> (f64, f64) {
    let options = WalkOptions {
        k: graph::K,
        ef,
        expansions_max: None,
        is_late: None,
    };
    let pass = |_| {
        let mut stats = WalkStats::default();
        let started = Instant::now();
        for query in 0..data.queries.rows() {
            let target = index.target(data.queries.row(query));
            std::hint::black_box(index.search(&target, &options, None, &mut stats));
        }
        let each = 1.0 / data.queries.rows() as f64;
        let microseconds = started.elapsed().as_secs_f64() * 1e6 * each;
        (microseconds, stats.distances as f64 * each)
    };
    let passes = (0..3).map(pass);
    passes
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .expect("three passes")
}

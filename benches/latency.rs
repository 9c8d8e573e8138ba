//! Latency of single searches, quiet and beside a writer that replaces elements as fast as it can; searcher and writer have a
//! core each: `cargo bench --bench latency -- [--type Q8] [--ef 100] [--runs 5] [--searches 5000]`. The median of the runs counts.

mod bed;

use bed::data::DataSet;
use bed::graph::{self, FORCED};
use bed::machine;
use clap::Parser;
use rhumb::index::{Quantization, VectorIndex};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[derive(Parser)]
struct Options {
    /// What is stored
    #[arg(long = "type", default_value = "Q8", value_parser = graph::quantization)]
    quantization: Quantization,
    /// Candidates of a search
    #[arg(long, default_value_t = 100)]
    ef: usize,
    /// Runs, each of them quiet first
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Searches of a run, quiet and beside the writer each
    #[arg(long, default_value_t = 5000)]
    searches: usize,
}

/// Microseconds.
struct Latencies {
    p50: f64,
    p99: f64,
}

fn main() {
    let options = Options::parse_from(bed::words());
    let searches = if bed::is_brief() {
        200
    } else {
        options.searches
    };
    let data = DataSet::debian();
    let rows = data.base.rows();
    // The last tenth is what the writer puts in and takes out.
    let index = graph::build_first(&data, options.quantization, rows * 9 / 10);
    println!(
        "{}, {:?}, ef {}, {} elements, {searches} searches a run\n{:>4}{:>12}{:>12}{:>18}{:>18}{:>16}",
        data.name,
        options.quantization,
        options.ef,
        index.len(),
        "run",
        "p50 us",
        "p99 us",
        "p50 beside us",
        "p99 beside us",
        "replaced/s"
    );
    let mut ratios = (Vec::new(), Vec::new());
    for run in 1..=options.runs {
        let quiet = measure(&index, &data, options.ef, searches);
        let (beside, per_second) = beside_writer(&index, &data, options.ef, searches);
        println!(
            "{run:>4}{:>12.1}{:>12.1}{:>18.1}{:>18.1}{per_second:>16.0}",
            quiet.p50, quiet.p99, beside.p50, beside.p99
        );
        ratios.0.push(beside.p50 / quiet.p50);
        ratios.1.push(beside.p99 / quiet.p99);
    }
    let (p50, p99) = (machine::median(&ratios.0), machine::median(&ratios.1));
    println!(
        "beside the writer to quiet, median of {}: p50 {p50:.2}, p99 {p99:.2}",
        options.runs
    );
    bed::succeed();
}

/// Searches on core 0, in a thread of its own.
fn measure(index: &VectorIndex, data: &DataSet, ef: usize, searches: usize) -> Latencies {
    let search = || {
        machine::pin(0);
        let mut nanoseconds = Vec::with_capacity(searches);
        // The first ones bring the thread's scratch memory and the caches into their state.
        for number in 0..searches + searches / 10 {
            let query = data.queries.row(number % data.queries.rows());
            let started = Instant::now();
            black_box(graph::search(index, query, ef));
            nanoseconds.push(started.elapsed().as_nanos() as u64);
        }
        let measured = &nanoseconds[searches / 10..];
        let micros = |share| machine::percentile(measured, share) as f64 / 1e3;
        Latencies {
            p50: micros(0.5),
            p99: micros(0.99),
        }
    };
    std::thread::scope(|scope| scope.spawn(search).join().expect("the searches"))
}

/// The same while a thread on the last core replaces elements; with how many it replaced a second.
fn beside_writer(
    index: &VectorIndex,
    data: &DataSet,
    ef: usize,
    searches: usize,
) -> (Latencies, f64) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| write(index, data, &stop));
        let latencies = measure(index, data, ef, searches);
        stop.store(true, Ordering::Relaxed);
        (latencies, writing.join().expect("the writer"))
    })
}

/// Puts an element in and takes the oldest of its own out, until it is stopped; leaves none behind.
fn write(index: &VectorIndex, data: &DataSet, stop: &AtomicBool) -> f64 {
    machine::pin(machine::cores() - 1);
    let rows = data.base.rows() as u32;
    let mut coming = (rows * 9 / 10..rows).cycle();
    let mut slots = std::collections::VecDeque::new();
    let started = Instant::now();
    let mut replaced = 0;
    while !stop.load(Ordering::Relaxed) {
        let row = coming.next().expect("a cycle");
        slots.push_back(graph::insert(index, &data.base, row, FORCED));
        if slots.len() > 100 {
            index.remove(slots.pop_front().expect("more than a hundred"));
            replaced += 1;
        }
    }
    let per_second = f64::from(replaced) / started.elapsed().as_secs_f64();
    slots.into_iter().for_each(|slot| index.remove(slot));
    per_second
}

//! The index alone, as a library: build time, memory, and searches a second with their recall, on the files that are given.
//!
//!     cargo bench --bench in_process -- --base B.npy --queries Q.npy [--truth T.npy] [--metric cosine|l2|ip]
//!         [--type F32,F16,Q8,BIN] [--walk Q4|Q8|SAME] [--m 16] [--ef-construction 200] [--ef 10,20,...] [--threads 1] [--rounds 3] [--json]
//!
//! Without files: the packages. With --turns it is one of the engines of scripts/bench-peers: when the index is built it prints
//! what that took, then answers each line of its input, an ef, with a line about one pass over the queries.

mod bed;

use bed::data::DataSet;
use bed::graph::{self, K};
use bed::machine;
use clap::Parser;
use rhumb::index::{IndexOptions, Metric, Quantization, VectorIndex, WalkedOn};
use serde_json::json;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::Instant;

/// Queries of a pass at least: of fewer each is asked again and again, or the time would be that of a moment.
const QUERIES_MIN: usize = 1000;

#[derive(Parser)]
struct Options {
    /// Vectors, a two-dimensional .npy file
    #[arg(long, requires = "queries")]
    base: Option<PathBuf>,
    /// Vectors to search for
    #[arg(long)]
    queries: Option<PathBuf>,
    /// Row numbers of the true neighbours; computed when not given
    #[arg(long)]
    truth: Option<PathBuf>,
    /// cosine, l2 or ip
    #[arg(long, default_value = "cosine", value_parser = graph::metric)]
    metric: Metric,
    /// What is stored: F32, F16, Q8 or BIN
    #[arg(long = "type", value_delimiter = ',', default_value = "F32,F16,Q8", value_parser = graph::quantization)]
    types: Vec<Quantization>,
    /// What graphs of F32 and F16 are built and walked on: Q4, Q8 or SAME
    #[arg(long, default_value = "Q8", value_parser = graph::walk)]
    walk: WalkedOn,
    /// Links a node takes per layer
    #[arg(long, default_value_t = 16)]
    m: u32,
    /// Candidates kept while inserting
    #[arg(long, default_value_t = 200)]
    ef_construction: u32,
    /// Candidates kept while searching
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "10,14,20,28,40,56,80,112,160,224,320"
    )]
    ef: Vec<usize>,
    /// Threads that build; searches use one
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Passes over the queries; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Serve as one engine of several
    #[arg(long)]
    turns: bool,
}

/// An index with the row of each slot.
struct Built {
    index: VectorIndex,
    row_of: Vec<u32>,
    wall_s: f64,
    cpu_s: f64,
    resident_bytes: usize,
}

/// One pass over the queries.
struct Pass {
    /// Queries for each second of CPU time: others who use the core do not count.
    per_second: f64,
    wall_per_second: f64,
    recall: f64,
    /// Distances computed a query.
    rows: f64,
}

fn main() {
    let options = Options::parse_from(bed::words());
    let data = match (&options.base, &options.queries) {
        (Some(base), Some(queries)) => {
            DataSet::read(base, queries, options.truth.as_deref(), options.metric)
        }
        _ => DataSet::debian(),
    };
    for &quantization in &options.types {
        let built = build(&options, &data, quantization);
        let about = about(&data, &built);
        if options.turns {
            println!("{about}");
            take_turns(&built, &data);
        } else {
            report(&options, &data, &built, &about);
        }
    }
    bed::succeed();
}

fn build(options: &Options, data: &DataSet, quantization: Quantization) -> Built {
    let index = VectorIndex::new(IndexOptions {
        m: options.m,
        ef_construction: options.ef_construction,
        walked_on: options.walk,
        ..graph::options(data.base.columns, data.metric, quantization)
    });
    rhumb::sys::purge_allocator();
    let resident_before = rhumb::sys::resident_bytes();
    let (wall, cpu) = (Instant::now(), machine::cpu_seconds());
    let row_of = graph::load(&index, &data.base, data.base.rows(), options.threads);
    Built {
        row_of,
        wall_s: wall.elapsed().as_secs_f64(),
        cpu_s: machine::cpu_seconds() - cpu,
        resident_bytes: rhumb::sys::resident_bytes().saturating_sub(resident_before),
        index,
    }
}

/// What building took, and what it made.
fn about(data: &DataSet, built: &Built) -> serde_json::Value {
    let memory = built.index.memory();
    let rows = data.base.rows();
    let each = |bytes: u64| bytes as f64 / rows as f64;
    json!({
        "type": type_name(built.index.options().quantization),
        "rows": rows,
        "dim": data.base.columns,
        "build_wall_s": built.wall_s,
        "build_cpu_s": built.cpu_s,
        "resident_bytes_each": built.resident_bytes as f64 / rows as f64,
        "vectors_bytes_each": each(memory.vectors),
        "codes_bytes_each": each(memory.codes),
        "links_bytes_each": each(memory.links),
        "distances_by": rhumb::index::distances_by(),
    })
}

fn type_name(quantization: Quantization) -> &'static str {
    match quantization {
        Quantization::F32 => "F32",
        Quantization::F16 => "F16",
        Quantization::Int8 => "Q8",
        Quantization::Bit => "BIN",
    }
}

/// Answers each ef with one pass, until the input ends.
fn take_turns(built: &Built, data: &DataSet) {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a readable input");
        let ef = line.trim().parse().expect("a number on each line");
        let pass = search_all(built, data, ef);
        println!("{}", line_of(ef, &pass));
    }
}

fn report(options: &Options, data: &DataSet, built: &Built, about: &serde_json::Value) {
    if options.json {
        println!("{about}");
    } else {
        print_head(data, built, options.threads);
    }
    for &ef in &options.ef {
        let passes: Vec<Pass> = (0..options.rounds)
            .map(|_| search_all(built, data, ef))
            .collect();
        let speeds: Vec<f64> = passes.iter().map(|pass| pass.per_second).collect();
        let pass = Pass {
            per_second: machine::median(&speeds),
            ..passes[0]
        };
        if options.json {
            println!("{}", line_of(ef, &pass));
        } else {
            println!(
                "{ef:>6}{:>12.0}{:>12.4}{:>12.0}",
                pass.per_second, pass.recall, pass.rows
            );
        }
    }
}

fn print_head(data: &DataSet, built: &Built, threads: usize) {
    let memory = built.index.memory();
    let (rows, name) = (
        data.base.rows(),
        type_name(built.index.options().quantization),
    );
    println!(
        "\n{}, {rows} x {}, {name}: built on {threads} thread(s) in {:.2} s, {:.2} CPU s; {:.0} bytes an element, {:.0} resident",
        data.name,
        data.base.columns,
        built.wall_s,
        built.cpu_s,
        (memory.vectors + memory.codes + memory.links) as f64 / rows as f64,
        built.resident_bytes as f64 / rows as f64,
    );
    println!(
        "{:>6}{:>12}{:>12}{:>12}",
        "ef",
        "queries/s",
        format!("recall@{K}"),
        "rows"
    );
}

fn line_of(ef: usize, pass: &Pass) -> serde_json::Value {
    json!({
        "ef": ef,
        "queries_per_s": pass.per_second,
        "wall_queries_per_s": pass.wall_per_second,
        "recall": pass.recall,
        "distances": pass.rows,
    })
}

/// Each query alone, on this thread; the preparation of its vector counts.
fn search_all(built: &Built, data: &DataSet, ef: usize) -> Pass {
    let queries = data.queries.rows();
    let repeats = match bed::is_brief() {
        true => 1,
        false => QUERIES_MIN.div_ceil(queries),
    };
    let mut answers = Vec::with_capacity(queries);
    let (wall, cpu) = (Instant::now(), machine::cpu_seconds());
    for _ in 0..repeats {
        answers.clear();
        answers.extend(
            (0..queries)
                .map(|query| graph::search_counting(&built.index, data.queries.row(query), ef)),
        );
    }
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), machine::cpu_seconds() - cpu);
    let asked = (repeats * queries) as f64;
    let found = answers
        .iter()
        .zip(&data.truth)
        .map(|((hits, _), truth)| graph::share(hits, truth, |slot| built.row_of[slot as usize]));
    let rows: u64 = answers.iter().map(|(_, rows)| rows).sum();
    Pass {
        per_second: asked / cpu,
        wall_per_second: asked / wall,
        recall: found.sum::<f64>() / queries as f64,
        rows: rows as f64 / queries as f64,
    }
}

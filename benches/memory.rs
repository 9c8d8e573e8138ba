//! Bytes of an element by type and dimension, all in: what the layout says, what the index and the collection report, what the
//! allocator gave and the process grew by. `cargo bench --bench memory -- [--dims 128,384] [--elements 20480]`; prints the table
//! of docs/memory.md.

mod bed;

use bed::collection;
use bed::data::Dice;
use bed::graph;
use clap::Parser;
use rhumb::index::{Metric, Quantization};
use rhumb::sys;
use rhumb::tools::npy::Matrix;

const M: f64 = 16.0;
/// Full segments only, so that nothing is left over in the last one.
const SEGMENT: usize = 4096;

#[derive(Parser)]
struct Options {
    /// Components
    #[arg(long, value_delimiter = ',', default_value = "128,384,768,1024,1536")]
    dims: Vec<usize>,
    /// Elements, rounded down to whole segments of 4,096
    #[arg(long, default_value_t = 5 * SEGMENT)]
    elements: usize,
}

fn main() {
    let options = Options::parse_from(bed::words());
    let brief = [16];
    let (dims, elements) = match bed::is_brief() {
        true => (&brief[..], SEGMENT),
        false => (&options.dims[..], options.elements / SEGMENT * SEGMENT),
    };
    println!(
        "| type | components | vectors | codes | links and slots | sum by the layout | index reports | collection reports | allocated | resident |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (name, quantization) in [
        ("Q8", Quantization::Int8),
        ("F16", Quantization::F16),
        ("F32", Quantization::F32),
        ("BIN", Quantization::Bit),
    ] {
        for &dim in dims {
            println!("{}", row(name, quantization, dim, elements));
        }
    }
    bed::succeed();
}

/// Bytes by the layout: vectors, codes, links with the slot's side data.
fn layout(quantization: Quantization, dim: f64) -> [f64; 3] {
    let vectors = match quantization {
        Quantization::F32 => 4.0 * dim,
        Quantization::F16 => 2.0 * dim,
        Quantization::Int8 | Quantization::Bit => 0.0,
    };
    let codes = match quantization {
        Quantization::Bit => (dim / 64.0).ceil() * 8.0,
        // Factor and bias, then a byte a component; blocks are rounded to 8.
        _ => ((8.0 + dim) / 8.0).ceil() * 8.0,
    };
    // 2M words on layer 0, M words on each layer above, which 1 / (M - 1) elements have on average, 16 bytes beside.
    let links = 4.0 * 2.0 * M + 4.0 * M / (M - 1.0) + 16.0;
    [vectors, codes, links]
}

fn row(name: &str, quantization: Quantization, dim: usize, elements: usize) -> String {
    let mut dice = Dice::new(dim as u64);
    let base = Matrix {
        columns: dim,
        numbers: (0..elements * dim).map(|_| dice.normal()).collect(),
    };
    sys::purge_allocator();
    let before = (sys::allocated_bytes_now(), sys::resident_bytes());
    let options = graph::options(dim, Metric::Cosine, quantization);
    let collection = collection::fill_quickly(&base, options);
    sys::purge_allocator();
    let after = (sys::allocated_bytes_now(), sys::resident_bytes());
    let each = |bytes: usize| bytes as f64 / elements as f64;
    let [vectors, codes, links] = layout(quantization, dim as f64);
    let memory = collection.memory();
    let index = (memory.index.vectors + memory.index.codes + memory.index.links) as usize;
    let names = (memory.names + memory.attributes) as usize;
    format!(
        "| {name} | {dim} | {vectors:.0} | {codes:.0} | {links:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} |",
        vectors + codes + links,
        each(index),
        each(index + names),
        each(after.0.saturating_sub(before.0)),
        each(after.1.saturating_sub(before.1)),
    )
}

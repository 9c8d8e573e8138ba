//! Nanoseconds per call of every kernel in every version that this CPU can run: `cargo bench --bench kernels`.
//!
//! Rows lie in the first cache levels (64 rows of a working set), so the figures are the cost of the arithmetic; what memory
//! adds is measured by the index's bench. A call of an x4 kernel scores four rows: its time per row is a quarter.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use half::f16;
use rhumb::kernels::{Kernels, available};
use std::hint::black_box;

/// Dimensions of common embedding models, and one that ends inside a register.
const DIMENSIONS: [usize; 4] = [100, 384, 768, 1536];

/// As many rows as are scored in turn, so that no call finds its row in a register.
const ROWS: usize = 64;

/// One query and its rows in every form that a kernel reads.
struct Sample {
    query: Vec<f32>,
    codes: Vec<i8>,
    words: Vec<u64>,
    rows_f32: Vec<Vec<f32>>,
    rows_f16: Vec<Vec<f16>>,
    rows_int8: Vec<Vec<u8>>,
    rows_bits: Vec<Vec<u64>>,
}

impl Sample {
    fn new(dimension: usize) -> Self {
        let value = |i: usize| ((i * 7919 + 13) % 251) as f32 / 125.0 - 1.0;
        let rows = |row: usize| (0..dimension).map(move |i| value(row * dimension + i + 1));
        Self {
            query: (0..dimension).map(value).collect(),
            codes: (0..dimension).map(|i| (value(i) * 127.0) as i8).collect(),
            words: (0..dimension.div_ceil(64))
                .map(|i| i as u64 * 0x9E37_79B9)
                .collect(),
            rows_f32: (0..ROWS).map(|row| rows(row).collect()).collect(),
            rows_f16: (0..ROWS)
                .map(|row| rows(row).map(f16::from_f32).collect())
                .collect(),
            rows_int8: (0..ROWS)
                .map(|row| rows(row).map(|x| (x * 127.0 + 128.0) as u8).collect())
                .collect(),
            rows_bits: (0..ROWS)
                .map(|row| vec![row as u64 * 0x9E37_79B9; dimension.div_ceil(64)])
                .collect(),
        }
    }
}

fn kernels(criterion: &mut Criterion) {
    for dimension in DIMENSIONS {
        let sample = Sample::new(dimension);
        for version in available() {
            bench_version(criterion, dimension, &sample, version);
        }
    }
}

fn bench_version(criterion: &mut Criterion, dimension: usize, sample: &Sample, version: Kernels) {
    let Sample {
        query,
        codes,
        words,
        rows_f32,
        rows_f16,
        rows_int8,
        rows_bits,
    } = sample;
    let id = BenchmarkId::new(version.name, dimension);
    let mut bench = Bench { criterion, id };
    bench.run("dot_f32", |row| (version.dot_f32)(query, &rows_f32[row]));
    bench.run("l2_f32", |row| (version.l2_f32)(query, &rows_f32[row]));
    bench.run("dot_f16", |row| (version.dot_f16)(query, &rows_f16[row]));
    bench.run("l2_f16", |row| (version.l2_f16)(query, &rows_f16[row]));
    bench.run("dot_int8", |row| (version.dot_int8)(codes, &rows_int8[row]));
    bench.run("dot_int8_x4", |row| {
        (version.dot_int8_x4)(codes, four(rows_int8, row), None)
    });
    bench.run("hamming", |row| (version.hamming)(words, &rows_bits[row]));
    bench.run("hamming_x4", |row| {
        (version.hamming_x4)(words, four(rows_bits, row))
    });
}

struct Bench<'a> {
    criterion: &'a mut Criterion,
    id: BenchmarkId,
}

impl Bench<'_> {
    /// Times `call` on one row (or four from one row) after the other.
    fn run<T>(&mut self, kernel: &str, call: impl Fn(usize) -> T) {
        let mut group = self.criterion.benchmark_group(kernel);
        group.bench_function(self.id.clone(), |bencher| {
            let mut row = 0;
            bencher.iter(|| {
                row = (row + 4) % ROWS;
                black_box(call(black_box(row)))
            });
        });
    }
}

fn four<T>(rows: &[Vec<T>], first: usize) -> [&[T]; 4] {
    std::array::from_fn(|i| rows[first + i].as_slice())
}

criterion_group!(benches, kernels);
criterion_main!(benches);

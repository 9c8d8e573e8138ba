//! Building a graph, and adding and removing single vectors, on one core: `cargo bench --bench insert`.
//!
//! Vectors as in search.rs. Single inserts are into a half-built graph; what they add is removed again, untimed where the
//! name does not say otherwise.

mod bed;

use bed::data::DataSet;
use bed::graph::{self, FORCED};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rhumb::index::Quantization;
use std::time::Duration;

fn builds(criterion: &mut Criterion) {
    let data = DataSet::debian();
    let rows = data.base.rows();
    let mut group = criterion.benchmark_group(format!("build {}", data.name));
    group
        .sample_size(10)
        .throughput(Throughput::Elements(rows as u64));
    for threads in [1, 2] {
        let id = BenchmarkId::new("Int8", format!("{threads} thread(s)"));
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                let index = graph::empty(&data, Quantization::Int8);
                graph::load(&index, &data.base, rows, threads);
                index.len()
            });
        });
    }
    group.finish();
}

fn changes(criterion: &mut Criterion) {
    let data = DataSet::debian();
    let rows = data.base.rows();
    let mut group = criterion.benchmark_group(format!("change {}", data.name));
    group
        .throughput(Throughput::Elements(1))
        .measurement_time(Duration::from_secs(5));
    for quantization in [Quantization::Int8, Quantization::F32] {
        let index = graph::build_first(&data, quantization, rows / 2);
        let mut rest = (rows as u32 / 2..rows as u32).cycle();
        let mut insert = || {
            let row = rest.next().expect("a cycle");
            graph::insert(&index, &data.base, row, FORCED)
        };
        let id = BenchmarkId::new("insert and remove", format!("{quantization:?}"));
        group.bench_function(id, |bencher| bencher.iter(|| index.remove(insert())));
        let id = BenchmarkId::new("remove", format!("{quantization:?}"));
        group.bench_function(id, |bencher| {
            bencher.iter_batched(
                &mut insert,
                |slot| index.remove(slot),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, builds, changes);
criterion_main!(benches);

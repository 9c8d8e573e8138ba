//! One search of a graph, on one core, with recall beside the time: `cargo bench --bench search`.
//!
//! Vectors: `debian-minilm-384` (63,431 x 384, real text embeddings) from the directory that RHUMB_DATA names or
//! ../shared/data, else the bundled 3,000. Each line says in its name what recall@10 it reaches; compare times at equal recall
//! only.

mod bed;

use bed::data::DataSet;
use bed::graph::{self, K};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rhumb::index::{Quantization, WalkStats};
use std::hint::black_box;
use std::time::Duration;

fn searches(criterion: &mut Criterion) {
    let data = DataSet::debian();
    let mut group = criterion.benchmark_group(format!("search {}", data.name));
    group
        .throughput(Throughput::Elements(1))
        .measurement_time(Duration::from_secs(5));
    for quantization in [Quantization::Int8, Quantization::F32, Quantization::F16] {
        let index = graph::build(&data, quantization);
        let mut queries = (0..data.queries.rows())
            .map(|query| data.queries.row(query))
            .cycle();
        let mut next = || queries.next().expect("a cycle");
        for ef in [20, 40, 80, 200] {
            let recall = graph::recall(&index, &data, ef);
            println!("{quantization:?} ef {ef}: recall@{K} {recall:.4}");
            let id = BenchmarkId::new(
                format!("{quantization:?}"),
                format!("ef {ef}, recall {recall:.3}"),
            );
            group.bench_function(id, |bencher| {
                bencher.iter(|| black_box(graph::search(&index, next(), ef)));
            });
        }
        let id = BenchmarkId::new(format!("{quantization:?}"), "exact scan");
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                let target = index.target(next());
                black_box(index.scan(&target, K, None, None, &mut WalkStats::default()))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, searches);
criterion_main!(benches);

//! Insert and search of one graph on one core, with recall beside the time. `cargo bench --bench hnsw`.
//!
//! Vectors: `debian-minilm-384` (63,431 x 384, real text embeddings) from the directory that RHUMB_DATA names or
//! ../shared/data, else the bundled 3,000. Each search line says in its name what recall@10 it reaches; compare times at equal
//! recall only. Inserts are into a half-built graph; what they add is removed again, untimed.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use half::f16;
use rayon::prelude::*;
use rhumb::index::{
    IndexKind, IndexOptions, LinkOptions, Metric, Neighbour, Quantization, Stored, VectorIndex,
    WalkOptions, WalkStats, WalkedOn,
};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

const K: usize = 10;

struct DataSet {
    name: &'static str,
    rows: Vec<Vec<f32>>,
    queries: Vec<Vec<f32>>,
}

impl DataSet {
    fn read() -> DataSet {
        let given = std::env::var_os("RHUMB_DATA").map(PathBuf::from);
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let large = given.unwrap_or_else(|| package.join("../shared/data"));
        let places = [
            (large, "debian-minilm-384"),
            (package.join("data"), "debian-3000"),
        ];
        let found = places.iter().find_map(|(directory, name)| {
            let rows = read_npy(&directory.join(format!("{name}.f16.npy")))?;
            let queries = read_npy(&directory.join(format!("{name}.queries.f16.npy")))?;
            Some(DataSet {
                name,
                rows,
                queries,
            })
        });
        found.expect("data/debian-3000.* is part of the repository")
    }
}

/// A .npy file of f16 in C order, as rows of f32; none if it cannot be opened.
fn read_npy(path: &Path) -> Option<Vec<Vec<f32>>> {
    let bytes = std::fs::read(path).ok()?;
    let header_length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (header, data) = bytes[10..].split_at(header_length);
    let shape = std::str::from_utf8(header)
        .ok()?
        .split_once('(')?
        .1
        .split_once(')')?
        .0;
    let dim: usize = shape.split(',').nth(1)?.trim().parse().ok()?;
    let row = |row: &[u8]| {
        row.chunks_exact(2)
            .map(|x| f16::from_le_bytes([x[0], x[1]]).to_f32())
            .collect()
    };
    Some(data.chunks_exact(2 * dim).map(row).collect())
}

fn index_of(dim: usize, quantization: Quantization, kind: IndexKind) -> VectorIndex {
    let dim = dim as u32;
    VectorIndex::new(IndexOptions {
        dim,
        metric: Metric::Cosine,
        quantization,
        kind,
        m: 16,
        ef_construction: 200,
        walked_on: WalkedOn::Codes,
    })
}

/// The graph is measured, also where a set is so small that a scan would find neighbours sooner.
const FORCED: LinkOptions = LinkOptions {
    ef: None,
    force_graph: true,
};

/// Spread evenly: the level of a node comes from the upper bits.
fn hash(row: u32) -> u64 {
    (u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Rows in their order: row i is slot i.
fn build(rows: &[Vec<f32>], quantization: Quantization) -> VectorIndex {
    let index = index_of(rows[0].len(), quantization, IndexKind::Hnsw);
    let stored: Vec<Stored> = {
        let flat = index_of(rows[0].len(), quantization, IndexKind::Flat);
        rows.iter()
            .map(|row| flat.stored(flat.reserve(row)))
            .collect()
    };
    stored
        .iter()
        .enumerate()
        .for_each(|(slot, stored)| index.load_slot(slot as u32, stored));
    index.load_graph(Vec::new(), &hash);
    index
}

/// The exact f32 neighbours of each query, as row numbers.
fn truth(data: &DataSet) -> Vec<Vec<u32>> {
    let flat = index_of(data.rows[0].len(), Quantization::F32, IndexKind::Flat);
    data.rows
        .iter()
        .for_each(|row| flat.connect(flat.reserve(row), 0, FORCED));
    let exact = |query: &Vec<f32>| {
        let hits = flat.scan(
            &flat.target(query),
            K,
            None,
            None,
            &mut WalkStats::default(),
        );
        hits.iter().map(|hit| hit.slot).collect()
    };
    data.queries.par_iter().map(exact).collect()
}

fn search(index: &VectorIndex, query: &[f32], ef: usize) -> Vec<Neighbour> {
    let options = WalkOptions {
        k: K,
        ef,
        expansions_max: None,
    };
    index.search(
        &index.target(query),
        &options,
        None,
        &mut WalkStats::default(),
    )
}

fn recall(index: &VectorIndex, data: &DataSet, truth: &[Vec<u32>], ef: usize) -> f64 {
    let found = data.queries.iter().zip(truth).map(|(query, wanted)| {
        search(index, query, ef)
            .iter()
            .filter(|hit| wanted.contains(&hit.slot))
            .count()
    });
    found.sum::<usize>() as f64 / (K * data.queries.len()) as f64
}

fn searches(criterion: &mut Criterion) {
    let data = DataSet::read();
    let truth = truth(&data);
    let mut group = criterion.benchmark_group(format!("search {}", data.name));
    group
        .throughput(Throughput::Elements(1))
        .measurement_time(Duration::from_secs(5));
    for quantization in [Quantization::Int8, Quantization::F32, Quantization::F16] {
        let index = build(&data.rows, quantization);
        for ef in [20, 40, 80, 200] {
            let recall = recall(&index, &data, &truth, ef);
            println!("{quantization:?} ef {ef}: recall@{K} {recall:.4}");
            let id = BenchmarkId::new(
                format!("{quantization:?}"),
                format!("ef {ef}, recall {recall:.3}"),
            );
            let mut next = data.queries.iter().cycle();
            group.bench_function(id, |bencher| {
                bencher.iter(|| black_box(search(&index, next.next().expect("a cycle"), ef)));
            });
        }
        let mut next = data.queries.iter().cycle();
        group.bench_function(
            BenchmarkId::new(format!("{quantization:?}"), "exact scan"),
            |bencher| {
                bencher.iter(|| {
                    let target = index.target(next.next().expect("a cycle"));
                    black_box(index.scan(&target, K, None, None, &mut WalkStats::default()))
                });
            },
        );
    }
    group.finish();
}

fn changes(criterion: &mut Criterion) {
    let data = DataSet::read();
    let (built, rest) = data.rows.split_at(data.rows.len() / 2);
    let mut group = criterion.benchmark_group(format!("change {}", data.name));
    group
        .throughput(Throughput::Elements(1))
        .measurement_time(Duration::from_secs(5));
    for quantization in [Quantization::Int8, Quantization::F32] {
        let index = build(built, quantization);
        let mut next = rest.iter().zip(0..).cycle();
        let insert = |(row, number): (&Vec<f32>, u32)| {
            let slot = index.reserve(row);
            index.connect(slot, hash(number), FORCED);
            slot
        };
        group.bench_function(
            BenchmarkId::new("insert and remove", format!("{quantization:?}")),
            |bencher| {
                bencher.iter(|| index.remove(insert(next.next().expect("a cycle"))));
            },
        );
        let mut next = rest.iter().zip(0..).cycle();
        group.bench_function(
            BenchmarkId::new("remove", format!("{quantization:?}")),
            |bencher| {
                let one = || insert(next.next().expect("a cycle"));
                bencher.iter_batched(one, |slot| index.remove(slot), BatchSize::LargeInput);
            },
        );
    }
    group.finish();
}

fn builds(criterion: &mut Criterion) {
    let data = DataSet::read();
    let mut group = criterion.benchmark_group(format!("build {}", data.name));
    group
        .sample_size(10)
        .throughput(Throughput::Elements(data.rows.len() as u64));
    group.bench_function("Int8, one thread", |bencher| {
        bencher.iter(|| {
            let index = index_of(data.rows[0].len(), Quantization::Int8, IndexKind::Hnsw);
            data.rows
                .iter()
                .zip(0..)
                .for_each(|(row, number)| index.connect(index.reserve(row), hash(number), FORCED));
            index.len()
        });
    });
    group.finish();
}

criterion_group!(benches, builds, searches, changes);
criterion_main!(benches);

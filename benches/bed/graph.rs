//! Graphs over the rows of a data set, and what their answers are worth. All use M 16 and ef_construction 200 unless told
//! otherwise, and answer with [`K`] neighbours.

use super::data::DataSet;
use rayon::prelude::*;
use rhumb::index::{
    IndexKind, IndexOptions, LinkOptions, Metric, Neighbour, Quantization, VectorIndex,
    WalkOptions, WalkStats, WalkedOn,
};
use rhumb::tools::npy::Matrix;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Neighbours asked for: recall is recall@10.
pub const K: usize = 10;

/// The graph is measured, also where a set is so small that a scan would find neighbours sooner.
pub const FORCED: LinkOptions = LinkOptions {
    ef: None,
    force_graph: true,
};

/// M 16 and ef_construction 200.
pub fn options(columns: usize, metric: Metric, quantization: Quantization) -> IndexOptions {
    IndexOptions {
        dim: columns as u32,
        metric,
        quantization,
        kind: IndexKind::Hnsw,
        m: 16,
        ef_construction: 200,
        walked_on: WalkedOn::Codes,
    }
}

/// An empty graph for vectors like those of `data`.
pub fn empty(data: &DataSet, quantization: Quantization) -> VectorIndex {
    VectorIndex::new(options(data.base.columns, data.metric, quantization))
}

/// Spread evenly: the level of a node comes from the upper bits.
pub fn level_hash(row: u32) -> u64 {
    (u64::from(row) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Adds one row and returns its slot.
pub fn insert(index: &VectorIndex, base: &Matrix, row: u32, options: LinkOptions) -> u32 {
    let slot = index.reserve(base.row(row as usize));
    index.connect(slot, level_hash(row), options);
    slot
}

/// Adds the first `rows` rows on so many threads. On one thread row i is slot i afterwards; otherwise the result says which row is in a slot.
pub fn load(index: &VectorIndex, base: &Matrix, rows: usize, threads: usize) -> Vec<u32> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut placed = Vec::with_capacity(rows / threads);
        loop {
            let row = next.fetch_add(1, Ordering::Relaxed);
            if row >= rows {
                return placed;
            }
            let slot = insert(index, base, row as u32, LinkOptions::default());
            placed.push((slot, row as u32));
        }
    };
    let placed: Vec<Vec<(u32, u32)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread that inserts"))
            .collect()
    });
    let mut row_of = vec![0; index.slots_end() as usize];
    for (slot, row) in placed.into_iter().flatten() {
        row_of[slot as usize] = row;
    }
    row_of
}

/// A graph of all rows, row i in slot i, built on all cores.
pub fn build(data: &DataSet, quantization: Quantization) -> VectorIndex {
    build_first(data, quantization, data.base.rows())
}

/// A graph of the first `rows` rows, row i in slot i, built on all cores.
pub fn build_first(data: &DataSet, quantization: Quantization, rows: usize) -> VectorIndex {
    let index = empty(data, quantization);
    let one = VectorIndex::new(IndexOptions {
        kind: IndexKind::Flat,
        ..index.options().clone()
    });
    for row in 0..rows {
        let slot = one.reserve(data.base.row(row));
        index.load_slot(row as u32, &one.stored(slot));
        one.remove(slot);
    }
    index.load_graph(Vec::new(), &level_hash);
    index
}

/// The nearest [`K`], nearest first, by a walk with `ef` candidates.
pub fn search(index: &VectorIndex, query: &[f32], ef: usize) -> Vec<Neighbour> {
    search_counting(index, query, ef).0
}

/// The same, with the number of distances that were computed.
pub fn search_counting(index: &VectorIndex, query: &[f32], ef: usize) -> (Vec<Neighbour>, u64) {
    let options = WalkOptions {
        k: K,
        ef: ef.max(K),
        expansions_max: None,
        is_late: None,
    };
    let target = index.target(query);
    let mut stats = WalkStats::default();
    let found = index.search(&target, &options, None, &mut stats);
    index.observe(&stats);
    (found, stats.distances)
}

/// Recall of walks with `ef` candidates, where row i is in slot i.
pub fn recall(index: &VectorIndex, data: &DataSet, ef: usize) -> f64 {
    let found = (0..data.queries.rows()).map(|query| {
        let hits = search(index, data.queries.row(query), ef);
        share(&hits, &data.truth[query], |slot| slot)
    });
    found.sum::<f64>() / data.queries.rows() as f64
}

/// Which share of the true neighbours was found.
pub fn share(hits: &[Neighbour], truth: &[u32], row_of: impl Fn(u32) -> u32) -> f64 {
    let wanted = &truth[..K.min(truth.len())];
    let found = hits
        .iter()
        .filter(|hit| wanted.contains(&row_of(hit.slot)))
        .count();
    found as f64 / wanted.len() as f64
}

/// The distance of two vectors as they are given.
pub fn distance(metric: Metric, one: &[f32], other: &[f32]) -> f32 {
    let dot = |a, b| sum(a, b, |a, b| a * b);
    match metric {
        Metric::Cosine => 1.0 - dot(one, other) / (dot(one, one) * dot(other, other)).sqrt(),
        Metric::L2 => sum(one, other, |a, b| (a - b) * (a - b)),
        Metric::InnerProduct => 1.0 - dot(one, other),
    }
}

/// In eight sums, so that the compiler can use the processor's lanes.
fn sum(one: &[f32], other: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; 8];
    for (one, other) in one.chunks(8).zip(other.chunks(8)) {
        let terms = one.iter().zip(other).zip(&mut sums);
        terms.for_each(|((a, b), sum)| *sum += term(*a, *b));
    }
    sums.iter().sum()
}

/// The rows of each query's exact nearest, on all cores.
pub fn nearest(base: &Matrix, queries: &Matrix, metric: Metric) -> Vec<Vec<u32>> {
    let all: Vec<u32> = (0..base.rows() as u32).collect();
    nearest_of(base, &all, queries, metric)
}

/// The same among some of the rows.
pub fn nearest_of(base: &Matrix, rows: &[u32], queries: &Matrix, metric: Metric) -> Vec<Vec<u32>> {
    let flat = VectorIndex::new(IndexOptions {
        kind: IndexKind::Flat,
        ..options(base.columns, metric, Quantization::F32)
    });
    for &row in rows {
        insert(&flat, base, row, FORCED);
    }
    let exact = |query: usize| {
        let target = flat.target(queries.row(query));
        let hits = flat.scan(&target, K, None, None, &mut WalkStats::default());
        hits.iter().map(|hit| rows[hit.slot as usize]).collect()
    };
    (0..queries.rows()).into_par_iter().map(exact).collect()
}

/// The type of this name: F32, F16, Q8 or BIN, in any case.
pub fn quantization(name: &str) -> Result<Quantization, String> {
    match name.to_ascii_uppercase().as_str() {
        "F32" => Ok(Quantization::F32),
        "F16" => Ok(Quantization::F16),
        "Q8" => Ok(Quantization::Int8),
        "BIN" => Ok(Quantization::Bit),
        _ => Err(format!("{name}: expected F32, F16, Q8 or BIN")),
    }
}

/// What a graph is walked on by VCREATE's words for it: Q4, Q8 or SAME.
pub fn walk(name: &str) -> Result<WalkedOn, String> {
    match name.to_ascii_uppercase().as_str() {
        "Q4" => Ok(WalkedOn::Int4),
        "Q8" => Ok(WalkedOn::Codes),
        "SAME" => Ok(WalkedOn::Stored),
        _ => Err(format!("{name}: expected Q4, Q8 or SAME")),
    }
}

/// The metric of this name: cosine, l2 or ip.
pub fn metric(name: &str) -> Result<Metric, String> {
    match name.to_ascii_lowercase().as_str() {
        "cosine" => Ok(Metric::Cosine),
        "l2" => Ok(Metric::L2),
        "ip" => Ok(Metric::InnerProduct),
        _ => Err(format!("{name}: expected cosine, l2 or ip")),
    }
}

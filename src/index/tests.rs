//! Tests of the whole index through its door: against exact scans, under churn, threads and reloads.

mod churn;
mod distances;
mod hard;
mod reload;
mod searching;
mod signs;
mod stored;
mod threads;

use super::segments::count;
use super::slots::{State, mix};
use super::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const SEED: u64 = 0x5eed_0001;

/// A seeded source of numbers.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Random {
        println!("seed {seed:#x}");
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// Uniform in -1..1.
    fn component(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn vector(&mut self, dim: usize) -> Vec<f32> {
        (0..dim).map(|_| self.component()).collect()
    }

    /// Around one of a few centres, as real data are.
    fn clustered(&mut self, dim: usize) -> Vec<f32> {
        let mut centre = Random(self.below(20) as u64 * 1_000_003);
        (0..dim)
            .map(|_| centre.component() + 0.4 * self.component())
            .collect()
    }
}

fn options(dim: u32, metric: Metric, quantization: Quantization, kind: IndexKind) -> IndexOptions {
    IndexOptions {
        dim,
        metric,
        quantization,
        kind,
        m: 16,
        ef_construction: 200,
        walked_on: WalkedOn::Codes,
    }
}

fn hnsw(dim: u32, metric: Metric, quantization: Quantization) -> VectorIndex {
    VectorIndex::new(options(dim, metric, quantization, IndexKind::Hnsw))
}

fn add(index: &VectorIndex, vector: &[f32], hash: u64) -> u32 {
    add_by(index, vector, hash, FORCED)
}

fn add_by(index: &VectorIndex, vector: &[f32], hash: u64, options: LinkOptions) -> u32 {
    index.check_vector(vector).unwrap();
    let slot = index.reserve(vector);
    index.connect(slot, mix(hash), options);
    slot
}

/// Graphs are small here: without force they would be made by scans.
const FORCED: LinkOptions = LinkOptions {
    ef: None,
    force_graph: true,
};

fn filled(dim: u32, metric: Metric, quantization: Quantization, n: usize) -> (VectorIndex, Random) {
    filled_by(dim, (metric, quantization), n, FORCED)
}

fn filled_by(
    dim: u32,
    (metric, quantization): (Metric, Quantization),
    n: usize,
    options: LinkOptions,
) -> (VectorIndex, Random) {
    let index = hnsw(dim, metric, quantization);
    let mut random = Random::new(SEED);
    for i in 0..n {
        let vector = random.clustered(dim as usize);
        add_by(&index, &vector, i as u64, options);
    }
    (index, random)
}

/// Every metric with every quantization that it allows.
fn kinds() -> Vec<(Metric, Quantization)> {
    let mut all = vec![(Metric::Cosine, Quantization::Bit)];
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        all.extend([Quantization::F32, Quantization::F16, Quantization::Int8].map(|q| (metric, q)));
    }
    all
}

fn search(index: &VectorIndex, target: &Target, k: usize, ef: usize) -> Vec<Neighbour> {
    walk(index, target, k, ef).0
}

fn walk(index: &VectorIndex, target: &Target, k: usize, ef: usize) -> (Vec<Neighbour>, WalkStats) {
    let mut stats = WalkStats::default();
    let options = WalkOptions {
        k,
        ef,
        expansions_max: None,
        is_late: None,
    };
    let found = index.search(target, &options, None, &mut stats);
    (found, stats)
}

fn scan(index: &VectorIndex, target: &Target, k: usize) -> Vec<Neighbour> {
    index.scan(target, k, None, None, &mut WalkStats::default())
}

/// Share of the exact hits that were found, where a hit at the distance of the last one is as good as it.
fn recall(found: &[Neighbour], exact: &[Neighbour]) -> f64 {
    let Some(last) = exact.last() else { return 1.0 };
    let good = found
        .iter()
        .filter(|hit| hit.distance <= last.distance)
        .count();
    good.min(exact.len()) as f64 / exact.len() as f64
}

fn mean_recall(index: &VectorIndex, random: &mut Random, ef: usize) -> f64 {
    let dim = index.options().dim as usize;
    let queries = 50;
    let recalls = (0..queries).map(|_| {
        let target = index.target(&random.clustered(dim));
        recall(&search(index, &target, 10, ef), &scan(index, &target, 10))
    });
    recalls.sum::<f64>() / f64::from(queries)
}

/// The vectors and nodes of an index, as a snapshot has them.
fn save(index: &VectorIndex) -> (Vec<(u32, Stored)>, Vec<SavedNode>) {
    let vectors = (0..index.slots_end())
        .filter(|&s| index.is_live(s))
        .map(|s| (s, index.stored(s)))
        .collect();
    (
        vectors,
        (0..count(index.slots_end()))
            .flat_map(|segment| index.save_nodes(segment))
            .collect(),
    )
}

fn load(
    options: &IndexOptions,
    (vectors, nodes): (Vec<(u32, Stored)>, Vec<SavedNode>),
) -> (VectorIndex, usize) {
    let index = VectorIndex::new(options.clone());
    vectors
        .iter()
        .for_each(|(slot, stored)| index.load_slot(*slot, stored));
    let anew = index.load_graph(nodes, &|slot| mix(u64::from(slot)));
    (index, anew)
}

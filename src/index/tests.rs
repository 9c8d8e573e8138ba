//! Tests of the whole index through its door: against exact scans, under churn, threads and reloads.

mod stored;

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

#[test]
fn every_kind_finds_what_a_scan_finds() {
    let ways = [FORCED, LinkOptions::default()];
    for ((metric, quantization), way) in kinds()
        .into_iter()
        .flat_map(|kind| ways.map(|way| (kind, way)))
    {
        for dim in [1, 3, 64, 65, 384] {
            let (index, mut random) = filled_by(dim, (metric, quantization), 400, way);
            assert_eq!(
                index.check(),
                Ok(()),
                "{metric:?} {quantization:?} {dim} {way:?}"
            );
            let recall = mean_recall(&index, &mut random, 100);
            // Inner product favours long vectors, which its graph knows less well.
            let floor = if metric == Metric::InnerProduct {
                0.85
            } else {
                0.97
            };
            assert!(
                recall >= floor,
                "{metric:?} {quantization:?} {dim} {way:?}: recall {recall}"
            );
        }
    }
}

/// The distance of two given vectors, in f64.
fn exact_distance(metric: Metric, quantization: Quantization, q: &[f32], x: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum::<f64>()
    };
    if quantization == Quantization::Bit {
        let differing = q
            .iter()
            .zip(x)
            .filter(|(q, x)| (**q > 0.0) != (**x > 0.0))
            .count();
        return 2.0 * differing as f64 / q.len() as f64;
    }
    match metric {
        Metric::Cosine => 1.0 - dot(q, x) / (dot(q, q) * dot(x, x)).sqrt(),
        Metric::L2 => dot(q, q) + dot(x, x) - 2.0 * dot(q, x),
        Metric::InnerProduct => 1.0 - dot(q, x),
    }
}

#[test]
fn distances_are_those_of_the_vectors() {
    for (metric, quantization) in kinds() {
        for dim in [1u32, 3, 64, 65, 384] {
            let mut random = Random::new(SEED);
            let index = hnsw(dim, metric, quantization);
            for i in 0..20 {
                let (x, q) = (random.vector(dim as usize), random.vector(dim as usize));
                let slot = add(&index, &x, i);
                let target = index.target(&q);
                let (got, wanted) = (
                    f64::from(index.distance(&target, slot)),
                    exact_distance(metric, quantization, &q, &x),
                );
                let scale = if metric == Metric::Cosine {
                    1.0
                } else {
                    f64::from(dim).sqrt() * 2.0
                };
                let tolerance = scale
                    * if quantization == Quantization::Int8 {
                        0.02
                    } else {
                        0.002
                    };
                assert!(
                    (got - wanted).abs() <= tolerance,
                    "{metric:?} {quantization:?} {dim}: {got} for {wanted}"
                );
                let same = scan(&index, &target, 100)
                    .into_iter()
                    .find(|hit| hit.slot == slot)
                    .unwrap();
                assert_eq!(same.distance, index.distance(&target, slot));
            }
        }
    }
}

#[test]
fn int8_distance_is_the_formula_of_vector_sets() {
    let index = hnsw(3, Metric::Cosine, Quantization::Int8);
    let slot = add(&index, &[3.0, 4.0, 0.0], 1);
    // Range 0.8, codes 95 and 127.
    let distance = index.distance(&index.target(&[3.0, 4.0, 0.0]), slot);
    assert!(
        (f64::from(distance) - (1.0 - (9_025.0 + 16_129.0) * 0.64 / 16_129.0)).abs() < 1e-6,
        "{distance}"
    );
    assert_eq!(index.stored(slot).bytes[..], [95, 127, 0]);
    assert_eq!(index.stored(slot).norm, 5.0);
    assert_eq!(
        index.target_of(slot).exact_distance_to(&index, slot),
        distance
    );
}

impl Target {
    fn exact_distance_to(&self, index: &VectorIndex, slot: u32) -> f32 {
        index.distance(self, slot)
    }
}

#[test]
fn zero_vectors_are_at_distance_one() {
    for quantization in [Quantization::F32, Quantization::F16, Quantization::Int8] {
        let index = hnsw(4, Metric::Cosine, quantization);
        let zero = add(&index, &[0.0; 4], 1);
        let other = add(&index, &[1.0, 2.0, 3.0, 4.0], 2);
        assert_eq!(
            index.distance(&index.target(&[1.0, 2.0, 3.0, 4.0]), zero),
            1.0
        );
        assert_eq!(index.distance(&index.target(&[0.0; 4]), other), 1.0);
        assert_eq!(index.distance(&index.target(&[0.0; 4]), zero), 1.0);
        assert_eq!(
            (index.stored(zero).norm, index.stored(zero).range),
            (1.0, 0.0)
        );
        assert_eq!(index.decode(zero), [0.0; 4]);
    }
}

#[test]
fn a_stored_form_comes_back_as_it_was() {
    for (metric, quantization) in kinds() {
        for dim in [1u32, 3, 64, 65, 384] {
            let mut random = Random::new(SEED);
            let index = hnsw(dim, metric, quantization);
            for i in 0..10 {
                let slot = add(&index, &random.vector(dim as usize), i);
                let stored = index.stored(slot);
                let copy = index.reserve_stored(&stored);
                assert_eq!(index.stored(copy), stored);
                index.connect(copy, i, FORCED);
                let target = index.target(&random.vector(dim as usize));
                assert_eq!(index.distance(&target, copy), index.distance(&target, slot));
                assert_eq!(index.decode(copy), index.decode(slot));
                let (a, b) = (index.target_of(slot), index.target_of(copy));
                assert_eq!(search(&index, &a, 3, 50), search(&index, &b, 3, 50));
            }
        }
    }
}

#[test]
fn decoding_gives_back_what_was_given() {
    let given = [1.0, 4.32, 0.11, 0.5, 0.9];
    let decoded = |metric, quantization| {
        let index = hnsw(5, metric, quantization);
        index.decode(add(&index, &given, 1))
    };
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        assert_eq!(decoded(metric, Quantization::F32), given);
        for (quantization, tolerance) in [(Quantization::F16, 0.003), (Quantization::Int8, 0.02)] {
            for (got, wanted) in decoded(metric, quantization).iter().zip(given) {
                assert!(
                    (got - wanted).abs() <= tolerance,
                    "{metric:?} {quantization:?}: {got} for {wanted}"
                );
            }
        }
    }
    let index = hnsw(3, Metric::Cosine, Quantization::Bit);
    assert_eq!(
        index.decode(add(&index, &[0.3, 0.0, -2.0], 1)),
        [1.0, -1.0, -1.0]
    );
}

#[test]
fn vectors_that_cannot_be_kept_are_refused() {
    let check =
        |metric, quantization, vector: &[f32]| hnsw(2, metric, quantization).check_vector(vector);
    let wrong = VectorError::Dimension {
        got: 3,
        expected: 2,
    };
    assert_eq!(check(Metric::L2, Quantization::F32, &[1.0; 3]), Err(wrong));
    for bad in [
        [f32::NAN, 1.0],
        [f32::INFINITY, 1.0],
        [1.0, f32::NEG_INFINITY],
        [2e19, 0.0],
    ] {
        assert_eq!(
            check(Metric::Cosine, Quantization::Int8, &bad),
            Err(VectorError::NotFinite)
        );
    }
    let large = [70_000.0, 0.0];
    assert_eq!(
        check(Metric::L2, Quantization::F16, &large),
        Err(VectorError::NotFinite)
    );
    assert_eq!(check(Metric::Cosine, Quantization::F16, &large), Ok(()));
    assert_eq!(check(Metric::L2, Quantization::F32, &large), Ok(()));
    assert_eq!(check(Metric::L2, Quantization::Int8, &[2e19, 0.0]), Ok(()));
    assert_eq!(
        check(Metric::L2, Quantization::Int8, &[f32::NAN, 0.0]),
        Err(VectorError::NotFinite)
    );
}

struct Modulo(u32, u32);

impl SlotFilter for Modulo {
    fn passes(&self, slot: u32) -> bool {
        slot % self.0 == self.1
    }
}

#[test]
fn filtered_walks_return_only_what_passes_and_miss_little() {
    let (index, mut random) = filled(16, Metric::L2, Quantization::Int8, 3000);
    for (modulus, walk_recall) in [(2, 0.97), (10, 0.95)] {
        let filter = Modulo(modulus, 1);
        let seeds = (0..16).map(|i| i * 180 / modulus * modulus + 1).collect();
        for walk in [FilteredWalk::Plain(None), FilteredWalk::TwoHop { seeds }] {
            let mut sum = 0.0;
            for _ in 0..40 {
                let target = index.target(&random.clustered(16));
                let mut stats = WalkStats::default();
                let options = WalkOptions {
                    k: 10,
                    ef: 100,
                    expansions_max: None,
                    is_late: None,
                };
                let found = index.search(&target, &options, Some((&filter, &walk)), &mut stats);
                let exact = index.scan(&target, 10, None, Some(&filter), &mut WalkStats::default());
                assert!(found.iter().all(|hit| filter.passes(hit.slot)));
                assert!(found.is_sorted_by_key(|hit| Candidate::new(hit.distance, hit.slot)));
                assert!(stats.filter_tests >= stats.filter_passes && stats.filter_passes >= 10);
                sum += recall(&found, &exact);
            }
            assert!(
                sum / 40.0 >= walk_recall,
                "1 in {modulus}, {walk:?}: recall {}",
                sum / 40.0
            );
        }
    }
}

#[test]
fn a_bound_of_one_expansion_looks_at_the_start_alone() {
    let (index, mut random) = filled(8, Metric::Cosine, Quantization::Int8, 500);
    let target = index.target(&random.clustered(8));
    let options = WalkOptions {
        k: 10,
        ef: 100,
        expansions_max: Some(1),
        is_late: None,
    };
    let nothing = (
        &Modulo(u32::MAX, u32::MAX) as &dyn SlotFilter,
        &FilteredWalk::Plain(None),
    );
    assert_eq!(
        index.search(&target, &options, Some(nothing), &mut WalkStats::default()),
        []
    );
    let all = (&Modulo(1, 0) as &dyn SlotFilter, &FilteredWalk::Plain(None));
    assert_eq!(
        index
            .search(&target, &options, Some(all), &mut WalkStats::default())
            .len(),
        1
    );
}

#[test]
fn a_walk_that_is_late_ends_with_what_it_has() {
    let (index, mut random) = filled(8, Metric::Cosine, Quantization::Int8, 2000);
    let target = index.target(&random.clustered(8));
    let all = &Modulo(1, 0) as &dyn SlotFilter;
    let seeds = vec![1, 2, 3];
    let ways = [
        None,
        Some(FilteredWalk::Plain(None)),
        Some(FilteredWalk::TwoHop { seeds }),
    ];
    for way in &ways {
        let hops_until = |rounds: usize| {
            let left = std::cell::Cell::new(rounds);
            let is_late = || left.replace(left.get().saturating_sub(1)) == 0;
            let options = WalkOptions {
                k: 500,
                ef: 500,
                expansions_max: None,
                is_late: Some(&is_late),
            };
            let mut stats = WalkStats::default();
            let filter = way.as_ref().map(|way| (all, way));
            let found = index.search(&target, &options, filter, &mut stats);
            assert!(found.is_sorted_by(|one, other| one.distance <= other.distance));
            stats.hops
        };
        let (soon, later, never) = (hops_until(1), hops_until(20), hops_until(usize::MAX));
        assert!(
            soon < later && later < never && soon < 20,
            "{way:?}: {soon}, {later}, {never} hops"
        );
    }
}

#[test]
fn a_scan_of_given_slots_skips_dead_ones() {
    let (index, mut random) = filled(8, Metric::L2, Quantization::F32, 100);
    index.remove(7);
    let target = index.target(&random.vector(8));
    let hits = index.scan(
        &target,
        50,
        Some(&[3, 7, 11, 99, 5000]),
        None,
        &mut WalkStats::default(),
    );
    let mut slots: Vec<u32> = hits.iter().map(|hit| hit.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, [3, 11, 99]);
}

#[test]
fn a_flat_index_scans() {
    for (metric, quantization) in kinds() {
        let index = VectorIndex::new(options(24, metric, quantization, IndexKind::Flat));
        let mut random = Random::new(SEED);
        let slots: Vec<u32> = (0..200)
            .map(|i| add(&index, &random.vector(24), i))
            .collect();
        index.remove(slots[17]);
        let target = index.target_of(slots[40]);
        let hits = search(&index, &target, 1000, 1000);
        assert_eq!(hits, scan(&index, &target, 1000));
        assert_eq!((hits.len(), index.len()), (199, 199));
        assert!(hits.is_sorted_by_key(|hit| Candidate::new(hit.distance, hit.slot)));
        assert_eq!(
            (
                index.links(slots[3]),
                index.level(slots[3]),
                index.max_level()
            ),
            (vec![vec![]], 0, 0)
        );
        assert_eq!((index.check(), index.save_nodes(0)), (Ok(()), vec![]));
    }
}

/// Inserts, updates and removals at random, beside a map of what must be there.
#[test]
fn the_index_follows_a_model() {
    for (metric, quantization) in kinds() {
        let index = hnsw(24, metric, quantization);
        let mut random = Random::new(SEED ^ 7);
        let mut model: HashMap<usize, (u32, Vec<f32>)> = HashMap::new();
        for phase in 0..6 {
            // The last phases shrink it to nothing.
            let share_of_inserts = [90, 50, 50, 70, 10, 0][phase];
            for _ in 0..400 {
                let name = random.below(600);
                if random.below(100) < share_of_inserts {
                    let vector = random.clustered(24);
                    let slot = add(&index, &vector, name as u64);
                    if let Some((old, _)) = model.insert(name, (slot, vector)) {
                        index.remove(old);
                    }
                } else if let Some((slot, _)) = model.remove(&name) {
                    index.remove(slot);
                }
            }
            if phase == 5 {
                model.drain().for_each(|(_, (slot, _))| index.remove(slot));
            }
            let context = format!("{metric:?} {quantization:?} phase {phase}");
            assert_eq!(index.check(), Ok(()), "{context}");
            assert_eq!(index.len(), model.len(), "{context}");
            let slots: HashMap<u32, usize> = model
                .iter()
                .map(|(&name, &(slot, _))| (slot, name))
                .collect();
            assert!(
                (0..index.slots_end()).all(|slot| index.is_live(slot) == slots.contains_key(&slot)),
                "{context}"
            );
            let floor = if metric == Metric::InnerProduct {
                0.85
            } else {
                0.95
            };
            let recall = mean_recall(&index, &mut random, 100);
            assert!(recall >= floor, "{context}: recall {recall}");
            for (slot, vector) in model.values().take(20) {
                let distance = index.distance(&index.target(vector), *slot);
                assert_eq!(
                    distance,
                    scan(&index, &index.target(vector), 600)
                        .iter()
                        .find(|h| h.slot == *slot)
                        .unwrap()
                        .distance
                );
            }
        }
        assert_eq!((index.max_level(), index.random_slot(5)), (0, None));
        assert_eq!(search(&index, &index.target(&[0.5; 24]), 3, 10), []);
    }
}

#[test]
fn slots_are_used_again_with_a_new_birth_tag() {
    let (index, mut random) = filled(8, Metric::Cosine, Quantization::Int8, 300);
    let births: Vec<u32> = (0..300).map(|slot| index.birth(slot)).collect();
    for round in 0..20 {
        let removed = || (0..300).filter(|slot| slot % 20 == round);
        removed().for_each(|slot| index.remove(slot));
        // The epoch advances as threads pin; other tests of this process may hold it back for a while.
        while removed().any(|slot| index.slots.get(slot).state() != State::Free) {
            crossbeam_epoch::pin().flush();
            std::thread::yield_now();
        }
        for i in 0..15 {
            add(&index, &random.clustered(8), i);
        }
    }
    assert_eq!((index.check(), index.slots_end()), (Ok(()), 300));
    assert!((0..300).all(|slot| index.birth(slot) != births[slot as usize]));
}

#[test]
fn many_equal_vectors_stay_reachable() {
    for (metric, quantization) in kinds() {
        let index = hnsw(16, metric, quantization);
        let mut random = Random::new(SEED);
        let twin = random.vector(16);
        let mut twins = Vec::new();
        for i in 0..900 {
            let vector = if i % 3 == 0 {
                random.clustered(16)
            } else {
                twin.clone()
            };
            let slot = add(&index, &vector, i);
            if i % 3 != 0 {
                twins.push(slot);
            }
        }
        assert_eq!(index.check(), Ok(()), "{metric:?} {quantization:?}");
        let hits = search(&index, &index.target(&twin), 600, 700);
        let found = hits.iter().filter(|hit| twins.contains(&hit.slot)).count();
        assert!(
            metric == Metric::InnerProduct || found >= 590,
            "{metric:?} {quantization:?}: {found} of 600"
        );
        twins.iter().step_by(2).for_each(|&slot| index.remove(slot));
        assert_eq!(
            index.check(),
            Ok(()),
            "{metric:?} {quantization:?} after removals"
        );
        let recall = mean_recall(&index, &mut random, 200);
        assert!(recall > 0.8, "{metric:?} {quantization:?}: recall {recall}");
    }
}

#[test]
fn nothing_but_equal_vectors_works_too() {
    let index = hnsw(4, Metric::L2, Quantization::Int8);
    let slots: Vec<u32> = (0..3000)
        .map(|i| add(&index, &[1.0, 2.0, 3.0, 4.0], i))
        .collect();
    assert_eq!(index.check(), Ok(()));
    slots.iter().step_by(3).for_each(|&slot| index.remove(slot));
    assert_eq!(index.check(), Ok(()));
    assert_eq!(
        search(&index, &index.target(&[1.0, 2.0, 3.0, 4.0]), 100, 100).len(),
        100
    );
}

#[test]
fn a_new_node_chooses_at_most_m_links_a_layer() {
    let index = VectorIndex::new(IndexOptions {
        m: 8,
        ..options(12, Metric::Cosine, Quantization::Int8, IndexKind::Hnsw)
    });
    let mut random = Random::new(SEED);
    let mut links = 0;
    for i in 0..500 {
        let slot = add(&index, &random.clustered(12), i);
        let layers = index.links(slot);
        assert_eq!(layers.len(), index.level(slot) as usize + 1);
        assert!(layers[1..].iter().all(|layer| layer.len() <= 8));
        links += layers[0].len();
    }
    // On layer 0 it takes in some who lost their edge for its sake.
    assert!(links <= 500 * 9, "{links}");
    assert!(index.max_level() > 0);
}

/// Near vectors that come one after the other: each new clump is joined to the rest by edges to full nodes, which later ones would
/// push out.
#[test]
fn vectors_that_come_in_order_are_all_reached() {
    for (quantization, force_graph) in [
        (Quantization::Int8, false),
        (Quantization::Int8, true),
        (Quantization::F32, false),
        (Quantization::Bit, false),
    ] {
        for ef in [10, 200] {
            let index = hnsw(4, Metric::Cosine, quantization);
            for i in 0..2_000u64 {
                let vector = [i % 7, i / 1000, i % 1000, 1].map(|x| x as f32);
                let options = LinkOptions {
                    ef: Some(ef),
                    force_graph,
                };
                add_by(&index, &vector, i, options);
            }
            assert_eq!(
                index.check(),
                Ok(()),
                "{quantization:?} {force_graph} ef {ef}"
            );
        }
    }
}

/// Codes cannot tell the vectors of a cluster apart: all candidates have to be compared as they are stored.
#[test]
fn originals_decide_where_codes_are_too_coarse() {
    let mut random = Random::new(SEED);
    for metric in [Metric::Cosine, Metric::L2] {
        let index = hnsw(32, metric, Quantization::F32);
        let centres: Vec<Vec<f32>> = (0..20).map(|_| random.vector(32)).collect();
        let near = |random: &mut Random, i: usize| -> Vec<f32> {
            let offset = random.vector(32);
            let pairs = centres[i % 20].iter().zip(offset);
            pairs.map(|(c, x)| c + 0.002 * x).collect()
        };
        for i in 0..2_000 {
            let vector = near(&mut random, i);
            add(&index, &vector, i as u64);
        }
        let recalls = (0..100).map(|i| {
            let target = index.target(&near(&mut random, i));
            recall(
                &search(&index, &target, 10, 200),
                &scan(&index, &target, 10),
            )
        });
        let mean = recalls.sum::<f64>() / 100.0;
        assert!(mean >= 0.95, "{metric:?}: recall {mean}");
    }
}

/// A clump fills what a walk keeps, and says nothing of what lies around it; nor does a query that is asked beside it again and again.
#[test]
fn clumps_of_equal_vectors_neither_end_walks_nor_teach_them() {
    for (metric, quantization) in kinds() {
        let index = hnsw(16, metric, quantization);
        let mut random = Random::new(SEED);
        let centres: Vec<Vec<f32>> = (0..40).map(|_| random.vector(16)).collect();
        for i in 0..2_000 {
            add(&index, &centres[i % 40], i as u64);
        }
        let observed = |target: &Target, ef| {
            let (found, stats) = walk(&index, target, 10, ef);
            index.observe(&stats);
            recall(&found, &scan(&index, target, 10))
        };
        let beside = index.target(&centres[0]);
        for _ in 0..200 {
            assert_eq!(observed(&beside, 100), 1.0);
        }
        let queries = 100;
        let recalls = (0..queries).map(|_| observed(&index.target(&random.vector(16)), 200));
        let mean = recalls.sum::<f64>() / f64::from(queries);
        assert!(mean >= 0.95, "{metric:?} {quantization:?}: recall {mean}");
    }
}

/// Distances beyond all numbers teach nothing.
#[test]
fn walks_among_infinite_distances_are_no_observations() {
    let index = hnsw(4, Metric::L2, Quantization::F32);
    let vector = |i: usize, sign: f32| [sign * (1.7e19 + i as f32 * 1e15), 0.0, i as f32, 1.0];
    for i in 0..300 {
        add(&index, &vector(i, 1.0), i as u64);
    }
    let before = index.spread();
    for i in 0..200 {
        let (found, stats) = walk(&index, &index.target(&vector(i, -1.0)), 10, 100);
        assert_eq!(found.len(), 10);
        index.observe(&stats);
    }
    assert_eq!(index.spread(), before);
}

/// Two threads insert, one removes what they inserted, one searches; at rest the graph must be whole.
#[test]
fn threads_leave_a_whole_graph() {
    for round in 0..4u64 {
        let index = hnsw(
            16,
            Metric::Cosine,
            [Quantization::Int8, Quantization::F32][round as usize % 2],
        );
        let way = LinkOptions {
            ef: None,
            force_graph: round < 2,
        };
        let (sender, receiver) = crossbeam_channel::bounded::<u32>(20);
        let inserted = AtomicU32::new(0);
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..2u64)
                .map(|writer| {
                    let (sender, index, inserted) = (sender.clone(), &index, &inserted);
                    scope.spawn(move || {
                        let mut random = Random::new(SEED ^ round << 8 ^ writer << 4);
                        for i in 0..1500 {
                            let vector = random.clustered(16);
                            let slot = add_by(index, &vector, random.0 ^ i, way);
                            inserted.fetch_add(1, Ordering::SeqCst);
                            // Early on nearly all go again, so that the entry point is often removed.
                            if random.below(100) < if i < 700 { 95 } else { 40 } {
                                sender.send(slot).unwrap();
                            }
                        }
                    })
                })
                .collect();
            drop(sender);
            scope.spawn(|| receiver.iter().for_each(|slot| index.remove(slot)));
            scope.spawn(|| {
                let mut random = Random::new(SEED ^ round);
                while !is_done.load(Ordering::SeqCst) {
                    let target = index.target(&random.clustered(16));
                    let hits = search(&index, &target, 10, 50);
                    assert!(hits.is_sorted_by_key(|hit| Candidate::new(hit.distance, hit.slot)));
                    assert!(hits.iter().all(|hit| hit.slot < index.slots_end()));
                    (0..count(index.slots_end()))
                        .for_each(|segment| drop(index.save_nodes(segment)));
                }
            });
            writers
                .into_iter()
                .for_each(|writer| writer.join().unwrap());
            is_done.store(true, Ordering::SeqCst);
        });
        assert_eq!(inserted.into_inner(), 3000);
        assert_eq!(index.check(), Ok(()), "round {round}");
        let recall = mean_recall(&index, &mut Random::new(SEED), 100);
        assert!(recall > 0.95, "round {round}: recall {recall}");
    }
}

/// Two threads replace vectors in a graph of short lists, where links are dropped and moved all the time.
#[test]
fn a_removal_misses_no_link_that_another_thread_moves() {
    for round in 0..3u64 {
        let small = IndexOptions {
            m: 4,
            ef_construction: 32,
            ..options(4, Metric::L2, Quantization::Int8, IndexKind::Hnsw)
        };
        let index = VectorIndex::new(small);
        std::thread::scope(|scope| {
            for writer in 0..2u64 {
                let index = &index;
                scope.spawn(move || {
                    let mut random = Random::new(SEED ^ round << 8 ^ writer);
                    let mut own = Vec::new();
                    for i in 0..6000 {
                        own.push(add(index, &random.vector(4), random.0 ^ i));
                        if own.len() > 40 {
                            index.remove(own.swap_remove(random.below(own.len())));
                        }
                    }
                });
            }
        });
        assert_eq!((index.check(), index.len()), (Ok(()), 80), "round {round}");
    }
}

#[test]
fn a_slot_that_was_only_reserved_can_be_given_back() {
    let (index, mut random) = filled(8, Metric::Cosine, Quantization::F32, 50);
    let slot = index.reserve(&random.vector(8));
    assert_eq!((index.len(), index.is_live(slot)), (50, false));
    assert_eq!(index.stored(slot).bytes.len(), 32);
    index.remove(slot);
    assert_eq!((index.len(), index.check()), (50, Ok(())));
    assert_eq!(
        index.distance(&index.target(&[1.0; 8]), slot),
        f32::INFINITY
    );
}

/// Two threads remove everything at once, each its half: neighbours, and the entry point, die under each other.
#[test]
fn two_threads_can_empty_an_index() {
    for _ in 0..5 {
        let (index, _) = filled(8, Metric::L2, Quantization::Int8, 800);
        std::thread::scope(|scope| {
            for half in 0..2 {
                let index = &index;
                scope.spawn(move || {
                    (0..800)
                        .filter(|slot| slot % 2 == half)
                        .for_each(|slot| index.remove(slot))
                });
            }
        });
        assert_eq!((index.check(), index.len()), (Ok(()), 0));
        add(&index, &[1.0; 8], 3);
        assert_eq!((index.check(), index.len()), (Ok(()), 1));
    }
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

#[test]
fn a_loaded_graph_is_the_one_that_was_saved() {
    for (metric, quantization) in kinds() {
        let (index, mut random) = filled(16, metric, quantization, 700);
        (0..700).step_by(7).for_each(|slot| index.remove(slot));
        let (loaded, anew) = load(index.options(), save(&index));
        assert_eq!(
            (loaded.check(), anew),
            (Ok(()), 0),
            "{metric:?} {quantization:?}"
        );
        assert_eq!(save(&loaded).0, save(&index).0);
        for slot in (0..700).filter(|&slot| index.is_live(slot)) {
            assert_eq!(loaded.links(slot), index.links(slot));
        }
        let target = index.target(&random.vector(16));
        assert_eq!(search(&loaded, &target, 10, 50).len(), 10);
        // The slots that were free are taken first.
        assert_eq!(add(&loaded, &random.vector(16), 1) % 7, 0);
        assert_eq!(loaded.check(), Ok(()));
    }
}

#[test]
fn a_damaged_graph_is_mended() {
    let (index, mut random) = filled(16, Metric::Cosine, Quantization::Int8, 2000);
    let (vectors, mut nodes) = save(&index);
    for node in &mut nodes {
        match random.below(10) {
            // Saved before a neighbour was linked, or after it was dropped.
            0..3 => drop(node.layers[0].pop()),
            3 => node.layers[0] = vec![node.slot, 1_000_000, 5, 5, u32::MAX],
            4 => node.layers.truncate(1),
            5 => node.layers.iter_mut().for_each(Vec::clear),
            _ => (),
        }
    }
    nodes.retain(|node| node.slot % 11 != 0);
    let (loaded, anew) = load(index.options(), (vectors, nodes));
    assert_eq!(loaded.check(), Ok(()));
    assert!(anew > 100 && anew < 2000, "{anew} linked anew");
    let recall = mean_recall(&loaded, &mut random, 100);
    assert!(recall > 0.97, "recall {recall}");
}

#[test]
fn two_islands_are_joined_by_a_load() {
    let (index, _) = filled(16, Metric::Cosine, Quantization::Int8, 1000);
    let (vectors, mut nodes) = save(&index);
    for node in &mut nodes {
        let half = node.slot % 2;
        node.layers
            .iter_mut()
            .for_each(|links| links.retain(|link| link % 2 == half));
    }
    let (loaded, anew) = load(index.options(), (vectors, nodes));
    assert_eq!(loaded.check(), Ok(()));
    assert!(anew >= 400, "{anew} linked anew");
}

#[test]
fn a_load_without_nodes_builds_the_graph() {
    for quantization in [Quantization::F32, Quantization::Bit] {
        let (index, mut random) = filled(64, Metric::Cosine, quantization, 1500);
        let (loaded, anew) = load(index.options(), (save(&index).0, Vec::new()));
        assert_eq!(loaded.check(), Ok(()));
        assert!(anew >= 1499);
        let recall = mean_recall(&loaded, &mut random, 100);
        assert!(recall > 0.97, "{quantization:?}: recall {recall}");
    }
}

#[test]
fn a_random_slot_is_live_and_any() {
    let (index, _) = filled(4, Metric::L2, Quantization::Int8, 100);
    (0..90).for_each(|slot| index.remove(slot));
    let mut seen: Vec<u32> = (0..500)
        .map(|random| index.random_slot(random).unwrap())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (90..100).collect::<Vec<_>>());
}

#[test]
fn an_element_takes_little_memory() {
    let index = hnsw(384, Metric::Cosine, Quantization::Int8);
    let mut random = Random::new(SEED);
    let vector = random.vector(384);
    // 4,096 slots fill the small segments exactly. Levels are drawn as usual; links do not matter here.
    for i in 0..4096 {
        let slot = index.reserve(&vector);
        let options = LinkOptions {
            ef: Some(1),
            ..FORCED
        };
        index.connect(slot, mix(i), options);
    }
    let IndexMemory {
        vectors,
        codes,
        links,
    } = index.memory();
    assert_eq!((vectors, codes), (0, 4096 * 392));
    // 128 bytes of links, 16 of side data (8 of them norm and birth tag), and the lists of upper layers.
    let per_element = links as f64 / 4096.0;
    assert!((148.0..154.0).contains(&per_element), "{per_element}");
}

//! Walks and scans find the same, under filters and bounds.

use super::*;

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

//! Scans that compare the signs of components first.

use super::*;

const DIM: usize = 128;
/// Candidates and hits of the searches here.
const HOW_MANY: (usize, usize) = (10, 50);

fn nearest(
    index: &VectorIndex,
    vector: &[f32],
    passing: &[u32],
    by: ScanBy,
) -> (Vec<u32>, WalkStats) {
    let mut stats = WalkStats::default();
    let passing = Listed::once(passing.to_vec());
    let hits = index.scan_passing(&index.target(vector), HOW_MANY, &passing, by, &mut stats);
    (hits.iter().map(|hit| hit.slot).collect(), stats)
}

/// Searches until every part of the bits is made.
fn make_signs(index: &VectorIndex, passing: &[u32], vector: &[f32]) {
    while nearest(index, vector, passing, ScanBy::Signs).1.signs == 0 {}
}

/// An index that was to have a graph and has none, which takes too long here.
fn unlinked(
    count: u32,
    metric: Metric,
    quantization: Quantization,
    walked_on: WalkedOn,
    mut vector: impl FnMut() -> Vec<f32>,
) -> VectorIndex {
    let index = VectorIndex::new(IndexOptions {
        walked_on,
        ..options(DIM as u32, metric, quantization, IndexKind::Hnsw)
    });
    for _ in 0..count {
        let slot = index.reserve(&vector());
        index.slots.make_live(slot);
    }
    index
}

#[test]
fn few_of_many_are_compared_and_the_nearest_are_among_them() {
    let kinds = [
        (Quantization::F32, WalkedOn::Codes),
        (Quantization::F32, WalkedOn::Int4),
        (Quantization::F16, WalkedOn::Stored),
        (Quantization::Int8, WalkedOn::Codes),
    ];
    for (quantization, walked_on) in kinds {
        let mut random = Random::new(SEED);
        let index = unlinked(5000, Metric::Cosine, quantization, walked_on, || {
            random.clustered(DIM)
        });
        // In an order of their own.
        let passing: Vec<u32> = (0..5000).rev().filter(|slot| slot % 3 > 0).collect();
        make_signs(&index, &passing, &[1.0; DIM]);
        let (mut found, mut compared) = (0, 0);
        for _ in 0..50 {
            let vector = random.clustered(DIM);
            let (exact, _) = nearest(&index, &vector, &passing, ScanBy::Stored);
            let (hits, stats) = nearest(&index, &vector, &passing, ScanBy::Signs);
            assert_eq!((hits.len(), stats.signs), (10, passing.len() as u64));
            assert!(hits.iter().all(|slot| slot % 3 > 0));
            found += hits.iter().filter(|slot| exact.contains(slot)).count();
            compared += stats.distances;
        }
        assert!(
            found >= 480,
            "{quantization:?} {walked_on:?}: {found} of 500"
        );
        assert!(
            compared < 50 * 1000,
            "{quantization:?} {walked_on:?}: {compared} compared"
        );
    }
}

/// Of vectors in one corner of space signs tell nothing, and of those of different lengths under L2 they are not asked.
#[test]
fn signs_that_tell_nothing_lose_nothing() {
    let mut random = Random::new(SEED);
    let mut positive = || {
        random
            .vector(DIM)
            .iter()
            .map(|x| x.abs() + 0.01)
            .collect::<Vec<f32>>()
    };
    let index = unlinked(
        3000,
        Metric::Cosine,
        Quantization::Int8,
        WalkedOn::Codes,
        &mut positive,
    );
    let passing: Vec<u32> = (0..3000).collect();
    make_signs(&index, &passing, &[1.0; DIM]);
    let mut found = 0;
    for _ in 0..20 {
        let vector = positive();
        let (exact, _) = nearest(&index, &vector, &passing, ScanBy::Stored);
        let (hits, stats) = nearest(&index, &vector, &passing, ScanBy::Signs);
        assert_eq!(stats.signs, 3000);
        found += hits.iter().filter(|slot| exact.contains(slot)).count();
    }
    assert!(found >= 198, "{found} of 200");

    let index = unlinked(
        3000,
        Metric::L2,
        Quantization::Int8,
        WalkedOn::Codes,
        &mut positive,
    );
    let (_, stats) = nearest(&index, &[1.0; DIM], &passing, ScanBy::Signs);
    assert_eq!((stats.signs, stats.distances), (0, 3000));
}

/// The bits are made by several searches. Vectors that come before, between and after have theirs, also in slots that had another.
#[test]
fn every_vector_has_its_signs_whenever_it_came() {
    let mut random = Random::new(SEED);
    let index = unlinked(
        20_000,
        Metric::Cosine,
        Quantization::Int8,
        WalkedOn::Codes,
        || random.vector(DIM),
    );
    let passing: Vec<u32> = (0..20_000).collect();
    let mut parts = 0;
    let mut newest = Vec::new();
    loop {
        let (_, stats) = nearest(&index, &[1.0; DIM], &passing, ScanBy::Signs);
        assert!(stats.signs == 0 || stats.signs == 20_000);
        if stats.signs > 0 {
            break;
        }
        assert_eq!(stats.distances, 20_000);
        parts += 1;
        // One behind the end, and one in place of one that had its bits.
        index.slots.make_dying(parts);
        index
            .slots
            .free_later(parts, || (), &crossbeam_epoch::pin());
        while index.slots.get(parts).state() != State::Free {
            crossbeam_epoch::pin().flush();
        }
        for _ in 0..2 {
            let vector = random.vector(DIM);
            let slot = index.reserve(&vector);
            index.slots.make_live(slot);
            newest.push((slot, vector));
        }
    }
    assert_eq!(parts, 2);
    assert!(
        newest.iter().any(|(slot, _)| *slot >= 20_000) && newest.iter().any(|(slot, _)| *slot <= 2)
    );
    let vector = random.vector(DIM);
    let slot = index.reserve(&vector);
    newest.push((slot, vector));
    let all: Vec<u32> = (0..index.slots_end()).collect();
    let bits = |slot: u32, vector: &[f32]| {
        let signs = index.signs.as_ref().unwrap();
        let differing = signs.compare(index.target(vector).walked(), &all, None);
        differing.sorted(0..=0).contains(&slot)
    };
    for (slot, vector) in &newest {
        assert!(bits(*slot, vector), "{slot}");
    }
    for slot in (0..20_000).step_by(97) {
        assert!(bits(slot, &index.decode(slot)), "{slot}");
    }
    let memory = index.memory().codes;
    assert!(memory >= 20_000 * (8 + DIM + DIM / 8) as u64, "{memory}");
}

#[test]
fn slots_come_in_the_order_of_their_bits() {
    let mut random = Random::new(SEED);
    let index = unlinked(
        500,
        Metric::Cosine,
        Quantization::Int8,
        WalkedOn::Codes,
        || random.vector(DIM),
    );
    let signs = index.signs.as_ref().unwrap();
    assert!(signs.make_some(&index.slots, &index.vectors, &crossbeam_epoch::pin()));
    let target = index.target(&random.vector(DIM));
    let all: Vec<u32> = (0..500).collect();
    let differing = signs.compare(target.walked(), &all, None);
    let twin = |slot: u32| -> u32 {
        let point = index.target_of(slot);
        let pairs = target
            .walked()
            .signs()
            .zip(point.walked().signs().collect::<Vec<_>>());
        pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
    };
    let mut sorted = all.clone();
    sorted.sort_by_key(|&slot| twin(slot));
    assert_eq!(differing.sorted(0..=u16::MAX), sorted);
    for count in [1, 100, 499, 500, 1000] {
        let bits = differing.bits_of_nearest(count);
        let near = differing.sorted(0..=bits);
        assert_eq!(near, sorted[..near.len()]);
        assert!(
            near.len() * 2 >= count.min(500) && near.len() <= 2 * count + 150,
            "{count}: {}",
            near.len()
        );
        if bits < u16::MAX {
            assert_eq!(differing.sorted(bits + 1..=u16::MAX), sorted[near.len()..]);
        }
    }
    assert!(differing.sorted(1000..=2000).is_empty());
    assert!(
        signs
            .compare(target.walked(), &[], None)
            .sorted(0..=u16::MAX)
            .is_empty()
    );
}

fn positive(random: &mut Random) -> Vec<f32> {
    let vector = random.vector(DIM);
    vector.iter().map(|x| x.abs() + 0.01).collect()
}

/// That the one nearest so far came early may be chance, and ends no scan where signs tell nothing: here only components next to zero
/// have different ones.
#[test]
fn the_nearest_one_is_found_where_signs_tell_nothing() {
    let mut random = Random::new(SEED);
    let mut vector = || {
        let mut vector = positive(&mut random);
        let small = vector.iter_mut().step_by(2);
        small.for_each(|x| *x = 0.02 * random.component().signum());
        vector
    };
    let index = unlinked(
        3000,
        Metric::Cosine,
        Quantization::Int8,
        WalkedOn::Codes,
        &mut vector,
    );
    let passing: Vec<u32> = (0..3000).collect();
    make_signs(&index, &passing, &[1.0; DIM]);
    let mut found = 0;
    for _ in 0..50 {
        let target = index.target(&vector());
        let passing = Listed::once(passing.clone());
        let nearest = |by| {
            let stats = &mut WalkStats::default();
            index.scan_passing(&target, (1, 50), &passing, by, stats)[0].slot
        };
        found += usize::from(nearest(ScanBy::Signs) == nearest(ScanBy::Stored));
    }
    assert!(found >= 49, "{found} of 50");
}

/// Vectors with equal signs, half of them equal, the others the nearer the later they came: those that came first say nothing of these.
#[test]
fn equal_signs_do_not_hide_what_came_later() {
    let mut random = Random::new(SEED);
    let (from, to) = (positive(&mut random), positive(&mut random));
    let mut count = 0.0f32;
    let index = unlinked(
        3000,
        Metric::Cosine,
        Quantization::Int8,
        WalkedOn::Codes,
        || {
            count += 1.0;
            let share = (count - 1500.0).max(0.0) / 1500.0;
            let pairs = from.iter().zip(&to);
            pairs.map(|(a, b)| a + share * (b - a)).collect()
        },
    );
    let passing: Vec<u32> = (0..3000).collect();
    make_signs(&index, &passing, &[1.0; DIM]);
    let (exact, _) = nearest(&index, &to, &passing, ScanBy::Stored);
    let (hits, _) = nearest(&index, &to, &passing, ScanBy::Signs);
    assert_eq!(hits, exact);
}

/// Who scans the same slots again keeps their bits side by side, and finds the same.
#[test]
fn gathered_signs_are_those_of_the_slots() {
    for dim in [128, 200, 448, 520] {
        let mut random = Random::new(SEED);
        let index = VectorIndex::new(options(
            dim,
            Metric::Cosine,
            Quantization::Int8,
            IndexKind::Hnsw,
        ));
        for _ in 0..5000 {
            let slot = index.reserve(&random.vector(dim as usize));
            index.slots.make_live(slot);
        }
        let slots: Vec<u32> = (0..5000).filter(|slot| slot % 7 != 3).collect();
        let once = Listed::once(slots.clone());
        let gathered = GatheredSigns::default();
        let again = Listed {
            slots: Cow::Borrowed(&slots),
            signs: Some(&gathered),
            finds_removed: false,
        };
        let nearest = |target: &Target, listed| {
            let mut stats = WalkStats::default();
            let hits = index.scan_passing(target, (10, 20), listed, ScanBy::Signs, &mut stats);
            (hits, stats.signs, stats.distances)
        };
        let target = index.target(&random.vector(dim as usize));
        while nearest(&target, &once).1 == 0 {
            assert_eq!(gathered.memory(), 0, "not before all have theirs");
            nearest(&target, &again);
        }
        for _ in 0..20 {
            let target = index.target(&random.vector(dim as usize));
            let (hits, signs, distances) = nearest(&target, &again);
            assert_eq!((signs, hits.len()), (slots.len() as u64, 10));
            assert_eq!((hits, signs, distances), nearest(&target, &once));
        }
        let words = (dim as usize).div_ceil(64);
        assert_eq!(gathered.memory(), slots.len() * words * 8);
    }
}

/// Who listed slots before one of them was removed may want to know that it was the nearest.
#[test]
fn a_slot_that_is_removed_after_it_was_listed_is_found_by_who_wants_it() {
    for kind in [IndexKind::Hnsw, IndexKind::Flat] {
        let index = VectorIndex::new(options(128, Metric::L2, Quantization::F32, kind));
        let mut random = Random::new(SEED);
        let vectors: Vec<Vec<f32>> = (0..2000).map(|_| random.vector(128)).collect();
        for vector in &vectors {
            let slot = index.reserve(vector);
            index.slots.make_live(slot);
        }
        let _pin = crossbeam_epoch::pin();
        let slots: Vec<u32> = (0..2000).collect();
        index.slots.make_dying(7);
        let target = index.target(&vectors[7]);
        for by in [ScanBy::Stored, ScanBy::Codes, ScanBy::Signs, ScanBy::Signs] {
            for finds_removed in [true, false] {
                let listed = Listed {
                    finds_removed,
                    ..Listed::once(slots.clone())
                };
                let stats = &mut WalkStats::default();
                let hits = index.scan_passing(&target, (10, 20), &listed, by, stats);
                assert_eq!(hits[0].slot == 7, finds_removed, "{kind:?} {by:?}");
                assert_eq!(hits.len(), 10);
            }
        }
    }
}

/// Components that are never negative have no signs.
#[test]
fn of_unsigned_components_no_signs_are_kept() {
    let sharing = |components| {
        let options = options(
            DIM as u32,
            Metric::Cosine,
            Quantization::F32,
            IndexKind::Hnsw,
        );
        VectorIndex::sharing(options, components)
    };
    assert!(sharing(ComponentType::Int8).signs.is_some());
    assert!(sharing(ComponentType::Uint8).signs.is_none());
}

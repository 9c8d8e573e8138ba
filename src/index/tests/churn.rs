//! Inserts, updates and removals one after the other.

use super::*;

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

#[test]
fn steady_are_those_who_were_there_and_may_be_read() {
    let (index, mut random) = filled(8, Metric::L2, Quantization::F32, 5);
    let all = [0, 1, 2, 3, 4, 5, 6];
    let steady = |then| {
        let mut slots = all[..index.slots_end() as usize].to_vec();
        index.keep_steady(&mut slots, then);
        slots
    };
    let before = index.turnover();
    assert_eq!(steady(before), all[..5]);
    let waiting = index.reserve(&random.vector(8));
    let then = index.turnover();
    assert_eq!((waiting, steady(then)), (5, all[..6].to_vec()));
    assert_eq!(steady(before), all[..5], "one was taken since");
    assert!(index.was_taken_since(5, before) && !index.was_taken_since(5, then));
    let pin = crossbeam_epoch::pin();
    index.remove(1);
    assert_eq!(steady(then), [0, 2, 3, 4, 5], "one is dying");
    drop(pin);
    while index.slots.get(1).state() != State::Free {
        crossbeam_epoch::pin().flush();
        std::thread::yield_now();
    }
    assert_eq!(steady(then), [0, 2, 3, 4, 5], "one is free");
    assert_eq!(add(&index, &random.vector(8), 1), 1);
    assert_eq!(steady(then), [0, 2, 3, 4, 5], "another is in its place");
    assert!(index.was_taken_since(1, then) && !index.was_taken_since(0, then));
    assert_eq!(steady(index.turnover()), all[..6]);
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

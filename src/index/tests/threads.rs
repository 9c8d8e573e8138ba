//! Several threads at once; at rest the graph must be whole.

use super::*;

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

//! Vectors that graphs are bad at: equal ones, ordered ones, clumps.

use super::*;

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

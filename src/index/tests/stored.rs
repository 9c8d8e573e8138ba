//! Graphs that are walked on what is stored, without codes aside, and on coarse codes.

use super::*;

/// Coarse codes find what fine ones do, and a graph that was walked on them is saved and loaded as any other.
#[test]
fn int4_codes_find_what_a_scan_finds_at_half_the_bytes() {
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        for quantization in [Quantization::F32, Quantization::F16] {
            for dim in [65, 384] {
                let index = VectorIndex::new(IndexOptions {
                    walked_on: WalkedOn::Int4,
                    ..options(dim, metric, quantization, IndexKind::Hnsw)
                });
                let mut random = Random::new(SEED);
                for i in 0..400 {
                    add_by(&index, &random.clustered(dim as usize), i, FORCED);
                }
                let what = format!("{metric:?} {quantization:?} {dim}, seed {SEED}");
                assert_eq!(index.check(), Ok(()), "{what}");
                let codes = u64::from(16 + dim.next_multiple_of(64) / 2);
                assert_eq!(index.memory().codes, 512 * codes, "{what}");
                let recall = mean_recall(&index, &mut random, 100);
                let least = if metric == Metric::InnerProduct {
                    0.8
                } else {
                    0.95
                };
                assert!(recall >= least, "{what}: recall {recall}");
                (0..400).step_by(3).for_each(|slot| index.remove(slot));
                assert_eq!(index.check(), Ok(()), "{what}");
                let (loaded, anew) = load(index.options(), save(&index));
                assert_eq!((loaded.check(), anew), (Ok(()), 0), "{what}");
                for slot in (0..400).filter(|&slot| index.is_live(slot)) {
                    assert_eq!(loaded.links(slot), index.links(slot), "{what}");
                }
            }
        }
    }
}

fn walked_as_stored(dim: u32, metric: Metric, quantization: Quantization) -> VectorIndex {
    VectorIndex::new(IndexOptions {
        walked_on: WalkedOn::Stored,
        ..options(dim, metric, quantization, IndexKind::Hnsw)
    })
}

#[test]
fn they_find_what_a_scan_finds_and_keep_no_codes() {
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        for quantization in [Quantization::F32, Quantization::F16] {
            for dim in [1, 3, 65, 384] {
                let index = walked_as_stored(dim, metric, quantization);
                let mut random = Random::new(SEED);
                for i in 0..400 {
                    add_by(&index, &random.clustered(dim as usize), i, FORCED);
                }
                let what = format!("{metric:?} {quantization:?} {dim}, seed {SEED}");
                assert_eq!(index.check(), Ok(()), "{what}");
                assert_eq!(index.memory().codes, 0, "{what}");
                let recall = mean_recall(&index, &mut random, 100);
                let least = if metric == Metric::InnerProduct {
                    0.8
                } else {
                    0.95
                };
                assert!(recall >= least, "{what}: recall {recall}");
                (0..400).step_by(3).for_each(|slot| index.remove(slot));
                assert_eq!(index.check(), Ok(()), "{what}");
                let (loaded, anew) = load(index.options(), save(&index));
                assert_eq!((loaded.check(), anew), (Ok(()), 0), "{what}");
                assert!(save(&loaded).0 == save(&index).0, "{what}");
                for slot in (0..400).filter(|&slot| index.is_live(slot)) {
                    assert_eq!(loaded.links(slot), index.links(slot), "{what}");
                }
            }
        }
    }
}

/// Vectors of a cluster that are nearer to each other than steps of a code: links chosen by codes are as good as drawn.
#[test]
fn they_tell_apart_what_codes_cannot() {
    let mut random = Random::new(SEED);
    let index = walked_as_stored(32, Metric::L2, Quantization::F32);
    let centres: Vec<Vec<f32>> = (0..20).map(|_| random.vector(32)).collect();
    let near = |random: &mut Random, i: usize| -> Vec<f32> {
        let pairs = centres[i % 20].iter().zip(random.vector(32));
        pairs.map(|(c, x)| c + 0.0005 * x).collect()
    };
    for i in 0..2_000 {
        add_by(&index, &near(&mut random, i), i as u64, FORCED);
    }
    let recalls = (0..100).map(|i| {
        let target = index.target(&near(&mut random, i));
        recall(&search(&index, &target, 10, 60), &scan(&index, &target, 10))
    });
    let mean = recalls.sum::<f64>() / 100.0;
    assert!(mean >= 0.95, "seed {SEED}: recall {mean}");
}

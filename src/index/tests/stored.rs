//! Graphs that are walked on what is stored, without codes aside, and on coarse codes.

use super::*;

fn walked_on(what: WalkedOn, dim: u32, metric: Metric, quantization: Quantization) -> VectorIndex {
    VectorIndex::new(IndexOptions {
        walked_on: what,
        ..options(dim, metric, quantization, IndexKind::Hnsw)
    })
}

/// Graphs that are walked on this find what a scan finds, keep so many bytes of codes for a vector, and are saved and loaded as others.
fn check(what_is_walked_on: WalkedOn, dims: &[u32], code_bytes: impl Fn(u32) -> u32) {
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        for quantization in [Quantization::F32, Quantization::F16] {
            for &dim in dims {
                let index = walked_on(what_is_walked_on, dim, metric, quantization);
                let mut random = Random::new(SEED);
                for i in 0..400 {
                    add_by(&index, &random.clustered(dim as usize), i, FORCED);
                }
                let what = format!("{metric:?} {quantization:?} {dim}, seed {SEED}");
                assert_eq!(index.check(), Ok(()), "{what}");
                let codes = 512 * u64::from(code_bytes(dim));
                assert_eq!(index.memory().codes, codes, "{what}");
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

#[test]
fn int4_codes_find_what_a_scan_finds_at_half_the_bytes() {
    check(WalkedOn::Int4, &[65, 384], |dim| {
        16 + dim.next_multiple_of(64) / 2
    });
}

#[test]
fn what_is_stored_finds_what_a_scan_finds_without_codes() {
    check(WalkedOn::Stored, &[1, 3, 65, 384], |_| 0);
}

/// Vectors of a cluster that are nearer to each other than steps of a code: links chosen by codes are as good as drawn.
#[test]
fn they_tell_apart_what_codes_cannot() {
    let mut random = Random::new(SEED);
    let index = walked_on(WalkedOn::Stored, 32, Metric::L2, Quantization::F32);
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

//! Distances are those of the vectors, and vectors come back as they are kept.

use super::*;

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

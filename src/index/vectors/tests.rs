//! Tests of the stores alone.

use super::*;
use crate::index::slots::mix;
use crate::kernels;

fn vector(dim: usize, seed: u64) -> Vec<f32> {
    let component = |i: u64| (mix(seed << 32 | i) >> 40) as f32 / (1 << 23) as f32 - 1.0;
    (0..dim as u64).map(component).collect()
}

/// Distances of 13 vectors from one, scored by fours, one by one, in a run and asked for ahead.
fn distances(store: &dyn VectorStore, dim: usize, metric: Metric) -> Vec<f32> {
    store.ensure(0, 64);
    let guard = crossbeam_epoch::pin();
    let slots: Vec<u32> = (0..13).collect();
    for &slot in &slots {
        store.write(slot, &Prepared::new(&vector(dim, u64::from(slot)), metric));
    }
    let point = store.point(&Prepared::new(&vector(dim, 99), metric));
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    store.score(&point, &slots, &mut together, &guard);
    for (&slot, &distance) in slots.iter().zip(&together) {
        store.score(&point, &[slot], &mut alone, &guard);
        assert_eq!(alone, [distance]);
    }
    let mut run = Vec::new();
    store.score_run(&point, 2, 11, &mut run, &guard);
    assert_eq!(run, together[2..]);
    // Asked for ahead: around whole fours, what is asked for first, and what is looked for together.
    for count in [0, 1, 3, 4, 8, 9, 12, 13, 95, 96, 97, 200] {
        let slots: Vec<u32> = (0..count).map(|i| i % 13).collect();
        let mut fetched = vec![-1.0];
        store.fetch_and_score(&point, &slots, &mut fetched, &guard);
        let expected: Vec<f32> = slots.iter().map(|&slot| together[slot as usize]).collect();
        assert_eq!(fetched, expected, "{count} rows");
    }
    together
}

#[test]
fn codes_score_the_same_with_every_version_of_the_kernels() {
    for dim in [1, 3, 63, 64, 65, 384, 1000] {
        for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
            let with = |kernels| {
                let mut store =
                    Int8::new(Arc::new(Blocks::new(32, Int8::bytes_of(dim))), dim, metric);
                store.kernels = kernels;
                distances(&store, dim, metric)
            };
            for version in kernels::available() {
                assert_eq!(
                    with(version),
                    with(kernels::scalar::KERNELS),
                    "{} {metric:?} {dim}",
                    version.name
                );
            }
        }
        let with = |kernels| {
            let mut store = Bit::new(Arc::new(Blocks::new(32, Bit::bytes_of(dim))), dim);
            store.kernels = kernels;
            distances(&store, dim, Metric::Cosine)
        };
        for version in kernels::available() {
            assert_eq!(
                with(version),
                with(kernels::scalar::KERNELS),
                "{} bits {dim}",
                version.name
            );
        }
    }
}

#[test]
fn originals_score_a_row_the_same_alone_and_among_others() {
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        for dim in [1, 3, 65, 384] {
            distances(
                &F32::new(Arc::new(Blocks::new(0, F32::bytes_of(dim))), metric),
                dim,
                metric,
            );
            distances(
                &F16::new(Arc::new(Blocks::new(0, F16::bytes_of(dim))), metric),
                dim,
                metric,
            );
        }
    }
}

#[test]
fn a_point_loaded_from_a_row_is_the_one_that_was_written() {
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        let dim = 65;
        let store = Int8::new(Arc::new(Blocks::new(8, Int8::bytes_of(dim))), dim, metric);
        distances(&store, dim, metric);
        let guard = crossbeam_epoch::pin();
        let given = store.point(&Prepared::new(&vector(dim, 7), metric));
        let mut loaded = Point::empty();
        store.load_point(7, &mut loaded, &guard);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        store.score(&given, &[1, 2, 3, 7], &mut a, &guard);
        store.score(&loaded, &[1, 2, 3, 7], &mut b, &guard);
        assert_eq!(a, b);
    }
}

/// int4 distances are those of what the rows stand for, to a vector from outside within the rounding of int8, to one of the rows exactly.
#[test]
fn int4_distances_are_those_of_what_the_codes_stand_for() {
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        for dim in [1, 63, 64, 65, 384] {
            let store = Int4::new(Arc::new(Blocks::new(8, Int4::bytes_of(dim))), dim, metric);
            store.ensure(0, 64);
            let of_slot = |slot: u32| -> Vec<f32> {
                let shifted = vector(dim, slot.into())
                    .into_iter()
                    .map(|x| x + slot as f32 * 0.1);
                shifted.collect()
            };
            for slot in 0..20 {
                store.write(slot, &Prepared::new(&of_slot(slot), metric));
            }
            let guard = crossbeam_epoch::pin();
            let slots: Vec<u32> = (0..20).collect();
            let row = |slot: u32| -> Vec<f64> {
                let decoded = store.decode(slot, &guard);
                decoded.into_iter().map(f64::from).collect()
            };
            let expected = |a: &[f64], b: &[f64]| -> f64 {
                let dot: f64 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                match metric {
                    Metric::Cosine => (1.0 - dot).clamp(0.0, 2.0),
                    Metric::InnerProduct => 1.0 - dot,
                    Metric::L2 => a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum(),
                }
            };
            let seventh = of_slot(7);
            let given = Prepared::new(&seventh, metric);
            let outside: Vec<f64> = given.scaled.iter().map(|&x| x.into()).collect();
            let mut loaded = Point::empty();
            store.load_point(7, &mut loaded, &guard);
            for (point, vector, rounding) in [
                (store.point(&given), outside, 2.0 / 127.0),
                (loaded, row(7), 1e-4),
            ] {
                let mut distances = Vec::new();
                store.score(&point, &slots, &mut distances, &guard);
                let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
                assert!((f64::from(point.length()) - length).abs() <= rounding * length + 1e-6);
                for (&slot, &distance) in slots.iter().zip(&distances) {
                    let (row, what) = (row(slot), format!("{metric:?} {dim} slot {slot}"));
                    let size = length * row.iter().map(|x| x * x).sum::<f64>().sqrt();
                    let off = (f64::from(distance) - expected(&vector, &row)).abs();
                    assert!(
                        off <= 2.0 * rounding * size.max(length * length) + 1e-6,
                        "{what}: {off}"
                    );
                }
            }
        }
    }
}

#[test]
fn int4_levels_lie_where_the_components_do() {
    let off = |vector: &[f32]| -> f64 {
        let dim = vector.len();
        let store = Int4::new(
            Arc::new(Blocks::new(0, Int4::bytes_of(dim))),
            dim,
            Metric::L2,
        );
        store.ensure(0, 64);
        store.write(0, &Prepared::new(vector, Metric::L2));
        let kept = store.decode(0, &crossbeam_epoch::pin());
        let squares = |all: &[f32]| all.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        let differences: Vec<f32> = kept.iter().zip(vector).map(|(a, b)| a - b).collect();
        (squares(&differences) / squares(vector).max(f64::MIN_POSITIVE)).sqrt()
    };
    assert_eq!(off(&[0.0; 64]), 0.0);
    assert_eq!(off(&[0.25; 100]), 0.0);
    let normal: Vec<f32> = (0..6).flat_map(|i| vector(64, i)).collect();
    assert!(off(&normal) < 0.12, "{}", off(&normal));
    let above: Vec<f32> = normal.iter().map(|x| x.abs() + 3.0).collect();
    assert!(off(&above) < 0.02, "{}", off(&above));
    // A few that are all that there is, and a few far from the others.
    let mut sparse = vec![0.0; 384];
    sparse[..4].copy_from_slice(&[1.0, -0.5, 0.7, 0.2]);
    assert!(off(&sparse) < 0.05, "{}", off(&sparse));
    let huge: Vec<f32> = normal.iter().map(|x| x * 1e38).collect();
    assert!(off(&huge) < 0.2, "{}", off(&huge));
}

#[test]
fn a_range_near_the_end_of_f32_is_encoded() {
    let store = Int8::new(Arc::new(Blocks::new(0, Int8::bytes_of(2))), 2, Metric::L2);
    store.ensure(0, 64);
    store.write(0, &Prepared::new(&[1e19, -5e18], Metric::L2));
    let guard = crossbeam_epoch::pin();
    assert_eq!(store.stored(0, &guard).0[..], [127, -64i8 as u8]);
    let mut distances = Vec::new();
    store.score(
        &store.point(&Prepared::new(&[-1e19, 5e18], Metric::L2)),
        &[0],
        &mut distances,
        &guard,
    );
    assert!(distances[0] > 1e38, "{}", distances[0]);
}

/// Half a step rounds away from zero, however close to it a component comes.
#[test]
fn components_round_to_the_nearest_step() {
    let twin = |x: f32, range: f32| (127.0 * f64::from(x) / f64::from(range)).round() as i8;
    for seed in 0..200_000 {
        let range = f32::from_bits(mix(seed) as u32 & 0x7fff_ffff);
        if !range.is_finite() || range == 0.0 {
            continue;
        }
        let step = (mix(seed + 1_000_000) % 509) as f32 - 254.0;
        let near = f64::from(range) * f64::from(step) / 254.0;
        for ulps in -2..=2 {
            let x = f32::from_bits((near as f32).to_bits().wrapping_add_signed(ulps));
            if x.is_finite() && x.abs() <= range {
                assert_eq!(int8::encode(x, range), twin(x, range), "{x:e} of {range:e}");
            }
        }
    }
}

/// Distances of shared vectors against plain sums of f64, for every type of component.
#[test]
fn shared_vectors_of_every_type_are_compared_as_they_are_packed() {
    use ComponentType::*;
    let dim = 33;
    let guard = crossbeam_epoch::pin();
    for kind in [Float32, Float64, Float16, Bfloat16, Int8, Uint8] {
        for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
            let store = Shared::new(kind, dim, metric);
            store.ensure(0, 64);
            let scale = match kind {
                Int8 => 127.0,
                Uint8 => 255.0,
                _ => 1.0,
            };
            let packed = |seed| {
                let numbers = vector(dim, seed).into_iter();
                let numbers =
                    numbers.map(|x| f64::from(if kind == Uint8 { x.abs() } else { x }) * scale);
                SharedBytes::from(kind.pack(numbers))
            };
            // What is kept, in f64.
            let numbers = |packed: &SharedBytes| -> Vec<f64> {
                match kind {
                    Float64 => packed
                        .as_chunks()
                        .0
                        .iter()
                        .map(|x| f64::from_le_bytes(*x))
                        .collect(),
                    _ => kind.unpack(packed).into_iter().map(f64::from).collect(),
                }
            };
            let prepared = |packed: &SharedBytes, check: &mut dyn FnMut(&Prepared)| {
                let components = kind.unpack(packed);
                check(&Prepared {
                    packed: Some(packed),
                    ..Prepared::new(&components, metric)
                });
            };
            let slots: Vec<u32> = (0..9).collect();
            for &slot in &slots {
                let kept = packed(slot.into());
                prepared(&kept, &mut |prepared| store.write(slot, prepared));
            }
            let query = packed(99);
            let (mut listed, mut run) = (Vec::new(), Vec::new());
            let mut unaligned = Vec::new();
            prepared(&query, &mut |prepared| {
                let point = store.point(prepared);
                store.score(&point, &slots, &mut listed, &guard);
                store.score_run(&point, 0, slots.len(), &mut run, &guard);
                // Where an allocation begins nobody promises.
                unaligned.extend(slots.iter().map(|&slot| {
                    let bytes = [&[0][..], &packed(slot.into())].concat();
                    store.distance(&point, slot, &bytes[1..], &mut Vec::new())
                }));
            });
            assert_eq!(listed, run);
            for (one, other) in listed.iter().zip(&unaligned) {
                assert!((one - other).abs() <= 1e-5 * one.abs().max(1.0));
            }
            for (&slot, &distance) in slots.iter().zip(&listed) {
                let (q, x) = (numbers(&query), numbers(&packed(slot.into())));
                let dot =
                    |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
                let expected = match metric {
                    Metric::Cosine => 1.0 - dot(&q, &x) / (dot(&q, &q) * dot(&x, &x)).sqrt(),
                    Metric::L2 => q.iter().zip(&x).map(|(a, b)| (a - b) * (a - b)).sum(),
                    Metric::InnerProduct => 1.0 - dot(&q, &x),
                };
                let error = (f64::from(distance) - expected).abs() / expected.abs().max(1.0);
                let allowed = if kind == Float64 { 1e-7 } else { 1e-5 };
                assert!(
                    error < allowed,
                    "{kind:?} {metric:?}: {distance} for {expected}"
                );
            }
            store.clear(3);
            assert!(store.packed(3).is_none() && store.packed(4).is_some());
        }
    }
}

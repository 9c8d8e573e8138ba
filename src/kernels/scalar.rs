//! The kernels in plain Rust: the twins that the fast versions are tested against, and the fallback for other CPUs.

use super::{Ahead, Kernels, Relation, int4_blocks, unpack_int4};
use crate::sys;
use half::f16;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The scalar version.
pub const KERNELS: Kernels = Kernels {
    name: "scalar",
    dot_f32,
    l2_f32,
    dot_f16,
    l2_f16,
    dot_int8,
    dot_int8_x4,
    dot_int4_x4,
    hamming,
    hamming_x4,
    hamming_shared,
    relate,
    find,
};

fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn l2_f32(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

fn dot_f16(query: &[f32], row: &[f16]) -> f32 {
    assert_eq!(query.len(), row.len());
    query.iter().zip(row).map(|(x, y)| x * y.to_f32()).sum()
}

fn l2_f16(query: &[f32], row: &[f16]) -> f32 {
    assert_eq!(query.len(), row.len());
    let squares = query.iter().zip(row).map(|(x, y)| {
        let difference = x - y.to_f32();
        difference * difference
    });
    squares.sum()
}

fn dot_int8(query: &[i8], row: &[u8]) -> i32 {
    assert_eq!(query.len(), row.len());
    query
        .iter()
        .zip(row)
        .map(|(&q, &r)| i32::from(q) * i32::from(r))
        .sum()
}

fn dot_int8_x4(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    ask_for_all(ahead);
    rows.map(|row| dot_int8(query, row))
}

fn dot_int4_x4(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    ask_for_all(ahead);
    let blocks = int4_blocks(query, &rows);
    rows.map(|row| {
        let codes = row.as_chunks().0.iter().flat_map(unpack_int4);
        let products = blocks.as_flattened().iter().zip(codes);
        products.map(|(&q, c)| i32::from(q) * i32::from(c)).sum()
    })
}

fn ask_for_all(ahead: Ahead) {
    for row in ahead.into_iter().flatten() {
        sys::prefetch(row.as_ptr(), row.len());
    }
}

fn hamming(a: &[u64], b: &[u64]) -> u32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones()).sum()
}

fn hamming_x4(query: &[u64], rows: [&[u64]; 4]) -> [u32; 4] {
    rows.map(|row| hamming(query, row))
}

/// For every version: the few words of a row are counted while the next rows are waited for.
#[inline(always)]
pub(super) fn hamming_shared(query: &[u64], rows: &[&[AtomicU64]], bits: &mut Vec<u16>) {
    for row in rows {
        assert_eq!(query.len(), row.len());
        let mut differing: u32 = 0;
        for (q, x) in query.iter().zip(*row) {
            differing += (q ^ x.load(Relaxed)).count_ones();
        }
        bits.push(differing.min(u16::MAX.into()) as u16);
    }
}

pub(super) fn relate(lanes: &[u64; 64], relation: Relation, number: f64) -> u64 {
    let holds = |lane: f64| match relation {
        Relation::Less => lane < number,
        Relation::LessOrEqual => lane <= number,
        Relation::Equal => lane == number,
        Relation::Greater => lane > number,
        Relation::GreaterOrEqual => lane >= number,
        Relation::IsNan => lane.is_nan(),
    };
    bits(|at| holds(f64::from_bits(lanes[at])))
}

pub(super) fn find(lanes: &[u64; 64], word: u64) -> u64 {
    bits(|at| lanes[at] == word)
}

fn bits(holds: impl Fn(usize) -> bool) -> u64 {
    (0..64).fold(0, |bits, at| bits | u64::from(holds(at)) << at)
}

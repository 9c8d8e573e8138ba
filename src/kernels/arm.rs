//! The kernels in NEON, which every 64-bit ARM CPU that runs Rust's standard library has: nothing is detected.
//!
//! The integer kernel multiplies to 16 bits and adds pairs to 32. `sdot` would do both in one step, but its intrinsic
//! (`vdotq_s32`) is not in stable Rust 1.95.

use super::{Ahead, Kernels, ask_for_end, ask_for_line, first_16, int4_blocks, scalar};
use crate::sys::CACHE_LINE;
use half::f16;
use std::arch::aarch64::*;

/// The NEON version.
pub const KERNELS: Kernels = Kernels {
    name: "neon",
    dot_f32,
    l2_f32,
    dot_f16,
    l2_f16,
    dot_int8,
    dot_int8_x4,
    dot_int4_x4,
    hamming,
    hamming_x4,
    hamming_shared: scalar::hamming_shared,
    relate: scalar::relate,
    find: scalar::find,
};

fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    sum_floats(a, b, load_f32, |sum, x, y| vfmaq_f32(sum, x, y))
}

fn l2_f32(a: &[f32], b: &[f32]) -> f32 {
    sum_floats(a, b, load_f32, |sum, x, y| add_square(sum, vsubq_f32(x, y)))
}

fn dot_f16(query: &[f32], row: &[f16]) -> f32 {
    sum_floats(query, row, load_f16, |sum, x, y| vfmaq_f32(sum, x, y))
}

fn l2_f16(query: &[f32], row: &[f16]) -> f32 {
    sum_floats(query, row, load_f16, |sum, x, y| {
        add_square(sum, vsubq_f32(x, y))
    })
}

#[inline]
fn add_square(sum: float32x4_t, x: float32x4_t) -> float32x4_t {
    vfmaq_f32(sum, x, x)
}

/// Runs over both slices by 4 components; `load` reads up to 4 of a row as f32, `add` takes a pair into a sum.
/// Four sums, because an addition takes four cycles and two or more may start in each.
#[inline]
fn sum_floats<T>(
    query: &[f32],
    row: &[T],
    load: impl Fn(&[T]) -> float32x4_t,
    add: impl Fn(float32x4_t, float32x4_t, float32x4_t) -> float32x4_t,
) -> f32 {
    assert_eq!(query.len(), row.len());
    let mut sums = [vdupq_n_f32(0.0); 4];
    let (query_blocks, query_rest) = query.as_chunks::<16>();
    let (row_blocks, row_rest) = row.as_chunks::<16>();
    for (query, row) in query_blocks.iter().zip(row_blocks) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let part = lane * 4..lane * 4 + 4;
            *sum = add(*sum, load_f32(&query[part.clone()]), load(&row[part]));
        }
    }
    for (query, row) in query_rest.chunks(4).zip(row_rest.chunks(4)) {
        sums[0] = add(sums[0], load_f32(query), load(row));
    }
    let [a, b, c, d] = sums;
    vaddvq_f32(vaddq_f32(vaddq_f32(a, b), vaddq_f32(c, d)))
}

fn dot_int8(query: &[i8], row: &[u8]) -> i32 {
    let [sum] = dot_int8_rows(query, [row], None);
    sum
}

fn dot_int8_x4(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    dot_int8_rows(query, rows, ahead)
}

/// Products of signed bytes: a code r is taken as r - 128 (its top bit flipped), and 128 times the sum of the query is
/// added at the end. A product is at most 128 * 128, which fits 16 bits.
#[inline]
fn dot_int8_rows<const N: usize>(query: &[i8], rows: [&[u8]; N], ahead: Ahead) -> [i32; N] {
    for row in rows {
        assert_eq!(query.len(), row.len());
    }
    let mut sums = [vdupq_n_s32(0); N];
    let mut query_sum = vdupq_n_s32(0);
    for (line, part) in query.chunks(CACHE_LINE).enumerate() {
        ask_for_line(ahead, line);
        for (i, chunk) in part.chunks(16).enumerate() {
            let (query, start) = (load_i8(chunk), line * CACHE_LINE + i * 16);
            query_sum = vpadalq_s16(query_sum, vpaddlq_s8(query));
            for (sum, row) in sums.iter_mut().zip(rows) {
                let row = load_flipped(&row[start..start + chunk.len()]);
                *sum = add_products(*sum, query, row);
            }
        }
    }
    ask_for_end(ahead, query.len() / CACHE_LINE);
    let flip = 128 * vaddvq_s32(query_sum);
    sums.map(|sum| vaddvq_s32(sum) + flip)
}

fn dot_int4_x4(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    let blocks = int4_blocks(query, &rows);
    let mut sums = [vdupq_n_s32(0); 4];
    for (i, block) in blocks.iter().enumerate() {
        if i % 2 == 0 {
            ask_for_line(ahead, i / 2);
        }
        let query = [0, 16, 32, 48].map(|at| load_i8(&block[at..at + 16]));
        for (sum, row) in sums.iter_mut().zip(rows) {
            for half in 0..2 {
                let start = i * 32 + half * 16;
                let bytes = load_bytes(&row[start..start + 16]);
                let low = vreinterpretq_s8_u8(vandq_u8(bytes, vdupq_n_u8(15)));
                let high = vreinterpretq_s8_u8(vshrq_n_u8::<4>(bytes));
                *sum = add_products(*sum, query[half], low);
                *sum = add_products(*sum, query[2 + half], high);
            }
        }
    }
    ask_for_end(ahead, blocks.len() / 2);
    sums.map(|sum| vaddvq_s32(sum))
}

/// Adds 16 products of bytes, each of which fits 16 bits.
#[inline]
fn add_products(sum: int32x4_t, query: int8x16_t, row: int8x16_t) -> int32x4_t {
    let low = vmull_s8(vget_low_s8(query), vget_low_s8(row));
    vpadalq_s16(vpadalq_s16(sum, low), vmull_high_s8(query, row))
}

fn hamming(a: &[u64], b: &[u64]) -> u32 {
    let [sum] = hamming_rows(a, [b]);
    sum
}

fn hamming_x4(query: &[u64], rows: [&[u64]; 4]) -> [u32; 4] {
    hamming_rows(query, rows)
}

#[inline]
fn hamming_rows<const N: usize>(query: &[u64], rows: [&[u64]; N]) -> [u32; N] {
    for row in rows {
        assert_eq!(query.len(), row.len());
    }
    let mut sums = [vdupq_n_u32(0); N];
    for (i, chunk) in query.chunks(2).enumerate() {
        let query = load_bits(chunk);
        for (sum, row) in sums.iter_mut().zip(rows) {
            let differing = veorq_u8(query, load_bits(&row[i * 2..i * 2 + chunk.len()]));
            *sum = vpadalq_u16(*sum, vpaddlq_u8(vcntq_u8(differing)));
        }
    }
    sums.map(|sum| vaddvq_u32(sum))
}

/// The first 4 components of `part`, zeros where it is shorter.
#[inline]
fn load_f32(part: &[f32]) -> float32x4_t {
    vreinterpretq_f32_u8(load_bytes(bytemuck::cast_slice(part)))
}

/// The first 4 components of `part`, zeros where it is shorter.
#[inline]
fn load_f16(part: &[f16]) -> float32x4_t {
    let four = vget_low_u8(load_bytes(bytemuck::cast_slice(&part[..part.len().min(4)])));
    vcvt_f32_f16(vreinterpret_f16_u8(four))
}

/// The first 16 components of `part`, zeros where it is shorter.
#[inline]
fn load_i8(part: &[i8]) -> int8x16_t {
    vreinterpretq_s8_u8(load_bytes(bytemuck::cast_slice(part)))
}

/// The first 16 codes of `part`, each less 128; what stands where it is shorter meets a zero of the query.
#[inline]
fn load_flipped(part: &[u8]) -> int8x16_t {
    vreinterpretq_s8_u8(veorq_u8(load_bytes(part), vdupq_n_u8(0x80)))
}

/// The first 2 words of `part`, zeros where it is shorter.
#[inline]
fn load_bits(part: &[u64]) -> uint8x16_t {
    load_bytes(bytemuck::cast_slice(part))
}

/// The first 16 bytes of `part`, zeros where it is shorter.
#[inline]
fn load_bytes(part: &[u8]) -> uint8x16_t {
    let sixteen = first_16(part);
    // SAFETY: the array is 16 readable bytes.
    unsafe { vld1q_u8(sixteen.as_ptr()) }
}

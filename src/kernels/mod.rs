//! Distances on slices, once per CPU family, chosen once at start. A kernel computes sums (dot products, squared
//! differences, differing bits); what a sum means as a distance is decided in index/vectors.
//!
//! Every version in [`available`] returns the same integers for the integer kernels; the float kernels of one version add
//! in one fixed order that depends on the length alone, so that a score does not depend on what was scored with it.

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod arm;
#[cfg_attr(loom, path = "../../tests/loom/block.rs")]
pub mod block;
pub mod scalar;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::sys::{self, CACHE_LINE};
use half::f16;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

/// One version of every kernel. All functions check that lengths agree and panic when they do not.
#[derive(Clone, Copy)]
pub struct Kernels {
    /// The CPU features this version uses, as the start banner prints them.
    pub name: &'static str,
    /// Sum of a\[i\] * b\[i\].
    pub dot_f32: fn(&[f32], &[f32]) -> f32,
    /// Sum of (a\[i\] - b\[i\])^2.
    pub l2_f32: fn(&[f32], &[f32]) -> f32,
    /// Dot product of an f32 query and an f16 row.
    pub dot_f16: fn(&[f32], &[f16]) -> f32,
    /// Squared distance of an f32 query and an f16 row.
    pub l2_f16: fn(&[f32], &[f16]) -> f32,
    /// Sum of query\[i\] * row\[i\], the row's bytes taken as unsigned (codes are stored with the top bit flipped).
    pub dot_int8: fn(&[i8], &[u8]) -> i32,
    /// `dot_int8` of one query and four rows of equal length.
    pub dot_int8_x4: DotsOfFour,
    /// Sum of query\[i\] * row\[i\] for four rows of codes from 0 to 15, two to a byte as [`pack_int4`] puts them; the query has a
    /// whole number of [`INT4_BLOCK`]s.
    pub dot_int4_x4: DotsOfFour,
    /// Number of differing bits.
    pub hamming: fn(&[u64], &[u64]) -> u32,
    /// `hamming` of one query and four rows of equal length.
    pub hamming_x4: fn(&[u64], [&[u64]; 4]) -> [u32; 4],
    /// Appends the number of bits in which the query differs from each of the rows, which others may be writing; 65,535 of more.
    pub hamming_shared: HammingOfShared,
    /// Bit i of the result says whether lane i, the bits of an f64, stands in the relation to the number.
    pub relate: fn(&[u64; 64], Relation, f64) -> u64,
    /// Bit i of the result says whether lane i is the word.
    pub find: fn(&[u64; 64], u64) -> u64,
}

/// The dot products of a query and four rows, while the CPU is asked for others.
pub type DotsOfFour = fn(&[i8], [&[u8]; 4], Ahead) -> [i32; 4];

/// Of one query and any number of rows.
pub type HammingOfShared = fn(&[u64], &[&[AtomicU64]], &mut Vec<u16>);

/// Rows that will be scored soon, if there are such: a kernel asks the CPU for their cache lines while it computes, a line of each
/// at every step, and reads nothing of them. Asked for in one go they would wait for each other while nothing is computed (docs/decisions/007).
pub type Ahead<'a> = Option<&'a [&'a [u8]; 4]>;

/// Asks for cache line number `line` of the rows.
#[inline(always)]
fn ask_for_line(ahead: Ahead, line: usize) {
    if let Some(rows) = ahead {
        for row in rows {
            sys::prefetch_line(row.as_ptr().wrapping_add(line * CACHE_LINE));
        }
    }
}

/// Asks for what is left of the rows from cache line number `line` on: two lines at most.
#[inline(always)]
fn ask_for_end(ahead: Ahead, line: usize) {
    ask_for_line(ahead, line);
    if let Some(rows) = ahead {
        for row in rows {
            sys::prefetch_line(row.as_ptr().wrapping_add(row.len().saturating_sub(1)));
        }
    }
}

/// How a lane is compared with a number; NaN stands in no relation but `IsNan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Lane < number.
    Less,
    /// Lane <= number.
    LessOrEqual,
    /// Lane == number.
    Equal,
    /// Lane > number.
    Greater,
    /// Lane >= number.
    GreaterOrEqual,
    /// The lane is NaN, whatever the number is.
    IsNan,
}

/// Components whose int4 codes lie together, in half as many bytes.
pub const INT4_BLOCK: usize = 64;

/// Puts the codes of a block into its bytes: byte i has that of component i in its lower half, that of component 32 + i in its
/// upper one, so that either half of all bytes is a run of components.
pub fn pack_int4(codes: &[u8; INT4_BLOCK], bytes: &mut [u8; INT4_BLOCK / 2]) {
    let (low, high) = codes.split_at(INT4_BLOCK / 2);
    for (byte, (low, high)) in bytes.iter_mut().zip(low.iter().zip(high)) {
        *byte = low | high << 4;
    }
}

/// The codes that [`pack_int4`] put into these bytes.
pub fn unpack_int4(bytes: &[u8; INT4_BLOCK / 2]) -> [u8; INT4_BLOCK] {
    let mut codes = [0; INT4_BLOCK];
    let (low, high) = codes.split_at_mut(INT4_BLOCK / 2);
    for (byte, (low, high)) in bytes.iter().zip(low.iter_mut().zip(high)) {
        (*low, *high) = (byte & 15, byte >> 4);
    }
    codes
}

/// Refuses a query and rows whose lengths do not agree; the query's blocks.
#[inline]
fn int4_blocks<'q>(query: &'q [i8], rows: &[&[u8]]) -> &'q [[i8; INT4_BLOCK]] {
    let (blocks, rest) = query.as_chunks();
    assert!(rest.is_empty(), "a query of whole blocks");
    for row in rows {
        assert_eq!(query.len(), 2 * row.len());
    }
    blocks
}

/// The best version for this CPU, chosen at the first call.
pub fn best() -> &'static Kernels {
    static BEST: OnceLock<Kernels> = OnceLock::new();
    BEST.get_or_init(|| *available().last().expect("scalar is always there"))
}

/// Every version that this CPU can run, the scalar one first and the best one last.
pub fn available() -> Vec<Kernels> {
    let mut versions = vec![scalar::KERNELS];
    #[cfg(target_arch = "x86_64")]
    versions.extend(x86::detected());
    #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
    versions.push(arm::KERNELS);
    versions
}

/// The first 16 of `bytes`, zeros behind them where there are fewer: how versions without masked loads read the end of a
/// slice. For a length known at compile time it is a plain load; a copy to a zeroed buffer took three times as long.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline]
fn first_16(bytes: &[u8]) -> [u8; 16] {
    if let Some(whole) = bytes.first_chunk::<16>() {
        return *whole;
    }
    // Two halves that may overlap: the bytes they share are the same, so `|` keeps them.
    let padded = if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u128::from(u64::from_le_bytes(*low))
            | u128::from(u64::from_le_bytes(*high)) << (8 * (bytes.len() - 8))
    } else if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        u128::from(u32::from_le_bytes(*low))
            | u128::from(u32::from_le_bytes(*high)) << (8 * (bytes.len() - 4))
    } else {
        bytes
            .iter()
            .rev()
            .fold(0, |padded, &byte| padded << 8 | u128::from(byte))
    };
    padded.to_le_bytes()
}

#[cfg(all(test, not(loom)))]
mod tests;

//! The kernels in AVX-512: 64 bytes per step, the rest of a slice under a mask.
//!
//! Only the loads need `unsafe`, and they are written so that they cannot leave their slice; all else is safe code that
//! the compiler allows where the features are enabled.

use crate::kernels::{Ahead, Kernels, Relation, ask_for_end, ask_for_line, int4_blocks};
use half::f16;
use std::arch::x86_64::*;

/// `table` with the float kernels of this file.
///
/// # Safety
/// The CPU must have AVX-512 F, BW and VL.
pub unsafe fn with_float_kernels(table: Kernels) -> Kernels {
    // SAFETY: the caller vouches for the features, which is all that the kernels ask for.
    unsafe {
        Kernels {
            name: "avx512",
            dot_f32: |a, b| dot_f32(a, b),
            l2_f32: |a, b| l2_f32(a, b),
            dot_f16: |query, row| dot_f16(query, row),
            l2_f16: |query, row| l2_f16(query, row),
            relate: |lanes, relation, number| relate(lanes, relation, number),
            find: |lanes, word| find(lanes, word),
            ..table
        }
    }
}

/// `table` with the kernels of int8 and int4 codes of this file.
///
/// # Safety
/// The CPU must have AVX-512 F, BW, VL and VNNI.
pub unsafe fn with_int8_kernels(table: Kernels) -> Kernels {
    // Not a closure: it would copy the four slices, and loading them just after they were stored costs as much as a row.
    fn x4(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
        // SAFETY: named in the table below only, for which the caller vouches for the features.
        unsafe { dot_int8_x4(query, &rows, ahead) }
    }
    fn int4_x4(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
        // SAFETY: as above.
        unsafe { dot_int4_x4(query, &rows, ahead) }
    }
    // SAFETY: the caller vouches for the features, which is all that the kernels ask for.
    unsafe {
        Kernels {
            name: "avx512 vnni",
            dot_int8: |query, row| dot_int8(query, row),
            dot_int8_x4: x4,
            dot_int4_x4: int4_x4,
            ..table
        }
    }
}

/// `table` with the Hamming kernels of this file.
///
/// # Safety
/// The CPU must have AVX-512 F, BW, VL and VPOPCNTDQ.
pub unsafe fn with_hamming_kernels(table: Kernels) -> Kernels {
    fn x4(query: &[u64], rows: [&[u64]; 4]) -> [u32; 4] {
        // SAFETY: named in the table below only, for which the caller vouches for the features.
        unsafe { hamming_x4(query, &rows) }
    }
    // SAFETY: the caller vouches for the features, which is all that the kernels ask for.
    unsafe {
        Kernels {
            name: "avx512 vnni vpopcntdq",
            hamming: |a, b| hamming(a, b),
            hamming_x4: x4,
            ..table
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    sum_floats(
        a,
        b,
        |row| load_f32(row),
        |sum, x, y| _mm512_fmadd_ps(x, y, sum),
    )
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn l2_f32(a: &[f32], b: &[f32]) -> f32 {
    sum_floats(
        a,
        b,
        |row| load_f32(row),
        |sum, x, y| add_square(sum, _mm512_sub_ps(x, y)),
    )
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn dot_f16(query: &[f32], row: &[f16]) -> f32 {
    sum_floats(
        query,
        row,
        |row| load_f16(row),
        |sum, x, y| _mm512_fmadd_ps(x, y, sum),
    )
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn l2_f16(query: &[f32], row: &[f16]) -> f32 {
    sum_floats(
        query,
        row,
        |row| load_f16(row),
        |sum, x, y| add_square(sum, _mm512_sub_ps(x, y)),
    )
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_square(sum: __m512, x: __m512) -> __m512 {
    _mm512_fmadd_ps(x, x, sum)
}

/// Runs over both slices by 16 components; `load` reads up to 16 of a row as f32, `add` takes a pair into a sum.
/// Four sums, because an addition takes four cycles and two may start in each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn sum_floats<T>(
    query: &[f32],
    row: &[T],
    load: impl Fn(&[T]) -> __m512,
    add: impl Fn(__m512, __m512, __m512) -> __m512,
) -> f32 {
    assert_eq!(query.len(), row.len());
    let mut sums = [_mm512_setzero_ps(); 4];
    let (query_blocks, query_rest) = query.as_chunks::<64>();
    let (row_blocks, row_rest) = row.as_chunks::<64>();
    for (query, row) in query_blocks.iter().zip(row_blocks) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let part = lane * 16..lane * 16 + 16;
            *sum = add(*sum, load_f32(&query[part.clone()]), load(&row[part]));
        }
    }
    for (query, row) in query_rest.chunks(16).zip(row_rest.chunks(16)) {
        sums[0] = add(sums[0], load_f32(query), load(row));
    }
    let [a, b, c, d] = sums;
    _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)))
}

#[target_feature(enable = "avx512f")]
fn relate(lanes: &[u64; 64], relation: Relation, number: f64) -> u64 {
    let number = _mm512_set1_pd(number);
    let eight = |eight: __m512i| _mm512_castsi512_pd(eight);
    match relation {
        Relation::Less => masks(lanes, |x| {
            _mm512_cmp_pd_mask::<_CMP_LT_OQ>(eight(x), number)
        }),
        Relation::LessOrEqual => masks(lanes, |x| {
            _mm512_cmp_pd_mask::<_CMP_LE_OQ>(eight(x), number)
        }),
        Relation::Equal => masks(lanes, |x| {
            _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(eight(x), number)
        }),
        Relation::Greater => masks(lanes, |x| {
            _mm512_cmp_pd_mask::<_CMP_GT_OQ>(eight(x), number)
        }),
        Relation::GreaterOrEqual => masks(lanes, |x| {
            _mm512_cmp_pd_mask::<_CMP_GE_OQ>(eight(x), number)
        }),
        Relation::IsNan => masks(lanes, |x| {
            _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(eight(x), eight(x))
        }),
    }
}

#[target_feature(enable = "avx512f")]
fn find(lanes: &[u64; 64], word: u64) -> u64 {
    let word = _mm512_set1_epi64(word as i64);
    masks(lanes, |x| _mm512_cmpeq_epi64_mask(x, word))
}

/// The masks that `holds` makes of all lanes, one behind the other.
#[inline]
#[target_feature(enable = "avx512f")]
fn masks(lanes: &[u64; 64], holds: impl Fn(__m512i) -> __mmask8) -> u64 {
    let (eights, _) = lanes.as_chunks::<8>();
    let mut bits = [0; 8];
    for (bits, eight) in bits.iter_mut().zip(eights) {
        // SAFETY: the array is 64 readable bytes.
        *bits = holds(unsafe { _mm512_loadu_si512(eight.as_ptr().cast()) });
    }
    u64::from_le_bytes(bits)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_int8(query: &[i8], row: &[u8]) -> i32 {
    assert_eq!(query.len(), row.len());
    let mut sums = [_mm512_setzero_si512(); 2];
    let (query_blocks, query_rest) = query.as_chunks::<128>();
    let (row_blocks, row_rest) = row.as_chunks::<128>();
    for (query, row) in query_blocks.iter().zip(row_blocks) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let part = lane * 64..lane * 64 + 64;
            *sum = _mm512_dpbusd_epi32(*sum, load_u8(&row[part.clone()]), load_i8(&query[part]));
        }
    }
    for (query, row) in query_rest.chunks(64).zip(row_rest.chunks(64)) {
        sums[0] = _mm512_dpbusd_epi32(sums[0], load_u8(row), load_i8(query));
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_int8_x4(query: &[i8], rows: &[&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    for row in rows {
        assert_eq!(query.len(), row.len());
    }
    let mut sums = [_mm512_setzero_si512(); 4];
    let (chunks, tail) = query.as_chunks::<64>();
    for (i, chunk) in chunks.iter().enumerate() {
        ask_for_line(ahead, i);
        let query = load_i8(chunk);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = _mm512_dpbusd_epi32(*sum, load_u8(&row[i * 64..i * 64 + 64]), query);
        }
    }
    ask_for_end(ahead, chunks.len());
    if !tail.is_empty() {
        let start = query.len() - tail.len();
        let query = load_i8(tail);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = _mm512_dpbusd_epi32(*sum, load_u8(&row[start..]), query);
        }
    }
    joint_sum_i32(sums)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_int4_x4(query: &[i8], rows: &[&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    let blocks = int4_blocks(query, rows);
    let lower_half = _mm512_set1_epi8(15);
    let mut sums = [_mm512_setzero_si512(); 4];
    // Two blocks at once: their lower halves are components 0 to 31 of each, their upper ones 32 to 63.
    for (i, pair) in blocks.chunks(2).enumerate() {
        ask_for_line(ahead, i);
        let halves = |block: &[i8; 64]| -> [__m256i; 2] { bytemuck::cast(*block) };
        let [first_low, first_high] = halves(&pair[0]);
        let [next_low, next_high] = pair.get(1).map_or([_mm256_setzero_si256(); 2], halves);
        let query_low = joined(first_low, next_low);
        let query_high = joined(first_high, next_high);
        for (sum, row) in sums.iter_mut().zip(rows) {
            let bytes = load_u8(&row[i * 64..i * 64 + 32 * pair.len()]);
            let low = _mm512_and_si512(bytes, lower_half);
            let high = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), lower_half);
            *sum = _mm512_dpbusd_epi32(*sum, low, query_low);
            *sum = _mm512_dpbusd_epi32(*sum, high, query_high);
        }
    }
    ask_for_end(ahead, blocks.len() / 2);
    joint_sum_i32(sums)
}

/// Both, the first in the lower half.
#[inline]
#[target_feature(enable = "avx512f")]
fn joined(low: __m256i, high: __m256i) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn hamming(a: &[u64], b: &[u64]) -> u32 {
    assert_eq!(a.len(), b.len());
    let mut sum = _mm512_setzero_si512();
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        sum = add_differing_bits(sum, load_u64(a), load_u64(b));
    }
    _mm512_reduce_add_epi64(sum) as u32
}

#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn hamming_x4(query: &[u64], rows: &[&[u64]; 4]) -> [u32; 4] {
    for row in rows {
        assert_eq!(query.len(), row.len());
    }
    let mut sums = [_mm512_setzero_si512(); 4];
    for (i, chunk) in query.chunks(8).enumerate() {
        let query = load_u64(chunk);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_differing_bits(*sum, load_u64(&row[i * 8..i * 8 + chunk.len()]), query);
        }
    }
    // The counts fit 32 bits and stand in the lower half of each lane: the halves may be summed as 32-bit lanes, too.
    joint_sum_i32(sums).map(|sum| sum as u32)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
fn add_differing_bits(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(a, b)))
}

/// The sum of all 32-bit lanes of each of four vectors, in 11 instructions instead of four times 7.
#[inline]
#[target_feature(enable = "avx512f")]
fn joint_sum_i32([a, b, c, d]: [__m512i; 4]) -> [i32; 4] {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b)); // a b a b in each quarter
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    let abcd = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd)); // a b c d
    let half = _mm256_add_epi32(
        _mm512_castsi512_si256(abcd),
        _mm512_extracti64x4_epi64::<1>(abcd),
    );
    let quarter = _mm_add_epi32(
        _mm256_castsi256_si128(half),
        _mm256_extracti128_si256::<1>(half),
    );
    bytemuck::cast(quarter)
}

/// The first 16 components of `part`, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_f32(part: &[f32]) -> __m512 {
    // SAFETY: the mask names lanes inside the slice only; a lane outside the mask is not read.
    unsafe { _mm512_maskz_loadu_ps(first(part.len()) as u16, part.as_ptr()) }
}

/// The first 16 components of `part`, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn load_f16(part: &[f16]) -> __m512 {
    // SAFETY: the mask names lanes inside the slice only; a lane outside the mask is not read. f16 is 16 plain bits.
    let halves =
        unsafe { _mm256_maskz_loadu_epi16(first(part.len()) as u16, part.as_ptr().cast()) };
    _mm512_cvtph_ps(halves)
}

/// The first 64 components of `part`, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx512bw")]
fn load_i8(part: &[i8]) -> __m512i {
    // SAFETY: the mask names lanes inside the slice only; a lane outside the mask is not read.
    unsafe { _mm512_maskz_loadu_epi8(first(part.len()), part.as_ptr()) }
}

/// The first 64 codes of `part`, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx512bw")]
fn load_u8(part: &[u8]) -> __m512i {
    load_i8(bytemuck::cast_slice(part))
}

/// The first 8 words of `part`, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_u64(part: &[u64]) -> __m512i {
    // SAFETY: the mask names lanes inside the slice only; a lane outside the mask is not read.
    unsafe { _mm512_maskz_loadu_epi64(first(part.len()) as u8, part.as_ptr().cast()) }
}

/// A mask of the first `count` lanes, all 64 where there are more. Callers with fewer lanes cut it to theirs. For a
/// length known at compile time it is a constant, and the masked load becomes a plain one.
#[inline]
fn first(count: usize) -> u64 {
    if count < 64 {
        (1 << count) - 1
    } else {
        u64::MAX
    }
}

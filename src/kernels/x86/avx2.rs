//! The kernels in AVX2, with FMA for sums of floats, F16C for halves and POPCNT for bits; the int8 kernels once more with
//! AVX-VNNI, which later CPUs without AVX-512 have.
//!
//! Only the loads need `unsafe`, and they are written so that they cannot leave their slice; all else is safe code that
//! the compiler allows where the features are enabled.

use crate::kernels::{
    Ahead, Kernels, Relation, ask_for_end, ask_for_line, first_16, int4_blocks, scalar,
};
use crate::sys::CACHE_LINE;
use half::f16;
use std::arch::x86_64::*;
use std::sync::atomic::AtomicU64;

/// The AVX2 version.
///
/// # Safety
/// The CPU must have AVX2, FMA, F16C and POPCNT.
pub unsafe fn kernels() -> Kernels {
    // Not closures: they would copy the four slices, and loading them just after they were stored costs as much as a row.
    fn dots(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
        // SAFETY: named in the table below only, for which the caller vouches for the features.
        unsafe { dot_int8_x4(query, &rows, ahead) }
    }
    fn int4_dots(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
        // SAFETY: as above.
        unsafe { dot_int4_x4(query, &rows, ahead) }
    }
    fn bits(query: &[u64], rows: [&[u64]; 4]) -> [u32; 4] {
        // SAFETY: named in the table below only, for which the caller vouches for the features.
        unsafe { hamming_x4(query, &rows) }
    }
    // SAFETY: the caller vouches for the features, which is all that the kernels ask for.
    unsafe {
        Kernels {
            name: "avx2 fma f16c",
            dot_f32: |a, b| dot_f32(a, b),
            l2_f32: |a, b| l2_f32(a, b),
            dot_f16: |query, row| dot_f16(query, row),
            l2_f16: |query, row| l2_f16(query, row),
            dot_int8: |query, row| dot_int8(query, row),
            dot_int8_x4: dots,
            dot_int4_x4: int4_dots,
            hamming: |a, b| hamming(a, b),
            hamming_x4: bits,
            hamming_shared: |query, rows, bits| hamming_shared(query, rows, bits),
            relate: |lanes, relation, number| relate(lanes, relation, number),
            find: |lanes, word| find(lanes, word),
        }
    }
}

/// `table` with the int8 kernels that use AVX-VNNI.
///
/// # Safety
/// The CPU must have AVX2 and AVX-VNNI.
pub unsafe fn with_vnni_kernels(table: Kernels) -> Kernels {
    fn x4(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
        // SAFETY: named in the table below only, for which the caller vouches for the features.
        unsafe { dot_int8_x4_vnni(query, &rows, ahead) }
    }
    fn int4_x4(query: &[i8], rows: [&[u8]; 4], ahead: Ahead) -> [i32; 4] {
        // SAFETY: as above.
        unsafe { dot_int4_x4_vnni(query, &rows, ahead) }
    }
    // SAFETY: the caller vouches for the features, which is all that the kernels ask for.
    unsafe {
        Kernels {
            name: "avx2 fma f16c vnni",
            dot_int8: |query, row| dot_int8_vnni(query, row),
            dot_int8_x4: x4,
            dot_int4_x4: int4_x4,
            ..table
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    sum_floats(
        a,
        b,
        |row| load_f32(row),
        |sum, x, y| _mm256_fmadd_ps(x, y, sum),
    )
}

#[target_feature(enable = "avx2,fma,f16c")]
fn l2_f32(a: &[f32], b: &[f32]) -> f32 {
    sum_floats(
        a,
        b,
        |row| load_f32(row),
        |sum, x, y| add_square(sum, _mm256_sub_ps(x, y)),
    )
}

#[target_feature(enable = "avx2,fma,f16c")]
fn dot_f16(query: &[f32], row: &[f16]) -> f32 {
    sum_floats(
        query,
        row,
        |row| load_f16(row),
        |sum, x, y| _mm256_fmadd_ps(x, y, sum),
    )
}

#[target_feature(enable = "avx2,fma,f16c")]
fn l2_f16(query: &[f32], row: &[f16]) -> f32 {
    sum_floats(
        query,
        row,
        |row| load_f16(row),
        |sum, x, y| add_square(sum, _mm256_sub_ps(x, y)),
    )
}

#[inline]
#[target_feature(enable = "fma")]
fn add_square(sum: __m256, x: __m256) -> __m256 {
    _mm256_fmadd_ps(x, x, sum)
}

/// Runs over both slices by 8 components; `load` reads up to 8 of a row as f32, `add` takes a pair into a sum.
/// Four sums, because an addition takes four cycles and two may start in each.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn sum_floats<T>(
    query: &[f32],
    row: &[T],
    load: impl Fn(&[T]) -> __m256,
    add: impl Fn(__m256, __m256, __m256) -> __m256,
) -> f32 {
    assert_eq!(query.len(), row.len());
    let mut sums = [_mm256_setzero_ps(); 4];
    let (query_blocks, query_rest) = query.as_chunks::<32>();
    let (row_blocks, row_rest) = row.as_chunks::<32>();
    for (query, row) in query_blocks.iter().zip(row_blocks) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let part = lane * 8..lane * 8 + 8;
            *sum = add(*sum, load_f32(&query[part.clone()]), load(&row[part]));
        }
    }
    for (query, row) in query_rest.chunks(8).zip(row_rest.chunks(8)) {
        sums[0] = add(sums[0], load_f32(query), load(row));
    }
    let [a, b, c, d] = sums;
    sum_f32(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)))
}

/// The sum of the 8 lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn sum_f32(x: __m256) -> f32 {
    let half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
    let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
    _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)))
}

#[target_feature(enable = "avx2")]
fn dot_int8(query: &[i8], row: &[u8]) -> i32 {
    assert_eq!(query.len(), row.len());
    let mut sums = [_mm256_setzero_si256(); 4];
    let (query_blocks, query_rest) = query.as_chunks::<64>();
    let (row_blocks, row_rest) = row.as_chunks::<64>();
    for (query, row) in query_blocks.iter().zip(row_blocks) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let part = lane * 16..lane * 16 + 16;
            *sum = add_products(*sum, load_i8(&query[part.clone()]), load_u8(&row[part]));
        }
    }
    sums[0] = add_rest(sums[0], query_rest, row_rest);
    joint_sum_i32(sums).iter().sum()
}

#[target_feature(enable = "avx2")]
fn dot_int8_x4(query: &[i8], rows: &[&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    for row in rows {
        assert_eq!(query.len(), row.len());
    }
    let mut sums = [_mm256_setzero_si256(); 4];
    let (chunks, tail) = query.as_chunks::<16>();
    for (line, four) in chunks.chunks(4).enumerate() {
        ask_for_line(ahead, line);
        for (i, chunk) in four.iter().enumerate() {
            let (query, start) = (load_i8(chunk), line * CACHE_LINE + i * 16);
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = add_products(*sum, query, load_u8(&row[start..start + 16]));
            }
        }
    }
    ask_for_end(ahead, query.len() / CACHE_LINE);
    if !tail.is_empty() {
        let start = query.len() - tail.len();
        let query = load_i8(tail);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_products(*sum, query, load_u8(&row[start..]));
        }
    }
    joint_sum_i32(sums)
}

#[target_feature(enable = "avx2,avxvnni")]
fn dot_int8_vnni(query: &[i8], row: &[u8]) -> i32 {
    assert_eq!(query.len(), row.len());
    let mut sums = [_mm256_setzero_si256(); 4];
    let (query_chunks, query_rest) = query.as_chunks::<64>();
    let (row_chunks, row_rest) = row.as_chunks::<64>();
    for (query, row) in query_chunks.iter().zip(row_chunks) {
        let ([query_0, query_1], [row_0, row_1]) = (bytemuck::cast(*query), bytemuck::cast(*row));
        sums[0] = _mm256_dpbusd_avx_epi32(sums[0], row_0, query_0);
        sums[1] = _mm256_dpbusd_avx_epi32(sums[1], row_1, query_1);
    }
    sums[2] = add_rest(sums[2], query_rest, row_rest);
    joint_sum_i32(sums).iter().sum()
}

#[target_feature(enable = "avx2,avxvnni")]
fn dot_int8_x4_vnni(query: &[i8], rows: &[&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    for row in rows {
        assert_eq!(query.len(), row.len());
    }
    let mut sums = [_mm256_setzero_si256(); 4];
    let (chunks, rest) = query.as_chunks::<32>();
    for (line, two) in chunks.chunks(2).enumerate() {
        ask_for_line(ahead, line);
        for (i, chunk) in two.iter().enumerate() {
            let query = bytemuck::cast(*chunk);
            for (sum, row) in sums.iter_mut().zip(rows) {
                let row = row.as_chunks::<32>().0[2 * line + i];
                *sum = _mm256_dpbusd_avx_epi32(*sum, bytemuck::cast(row), query);
            }
        }
    }
    ask_for_end(ahead, query.len() / CACHE_LINE);
    let start = query.len() - rest.len();
    for (i, chunk) in rest.chunks(16).enumerate() {
        let (query, start) = (load_i8(chunk), start + i * 16);
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = add_products(*sum, query, load_u8(&row[start..start + chunk.len()]));
        }
    }
    joint_sum_i32(sums)
}

#[target_feature(enable = "avx2")]
fn dot_int4_x4(query: &[i8], rows: &[&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    let ones = _mm256_set1_epi16(1);
    // Four products of at most 15 * 128 fit the 16 bits that `vpmaddubsw` and the addition have for them.
    sum_int4(
        query,
        rows,
        ahead,
        |sum, [low, high], [query_low, query_high]| {
            let low = _mm256_maddubs_epi16(low, query_low);
            let high = _mm256_maddubs_epi16(high, query_high);
            let fours = _mm256_add_epi16(low, high);
            _mm256_add_epi32(sum, _mm256_madd_epi16(fours, ones))
        },
    )
}

#[target_feature(enable = "avx2,avxvnni")]
fn dot_int4_x4_vnni(query: &[i8], rows: &[&[u8]; 4], ahead: Ahead) -> [i32; 4] {
    sum_int4(
        query,
        rows,
        ahead,
        |sum, [low, high], [query_low, query_high]| {
            let sum = _mm256_dpbusd_avx_epi32(sum, low, query_low);
            _mm256_dpbusd_avx_epi32(sum, high, query_high)
        },
    )
}

/// Runs over a query and four rows by blocks; `add` takes the products of a row's 64 codes with the query into the row's sums.
#[inline]
#[target_feature(enable = "avx2")]
fn sum_int4(
    query: &[i8],
    rows: &[&[u8]; 4],
    ahead: Ahead,
    add: impl Fn(__m256i, [__m256i; 2], [__m256i; 2]) -> __m256i,
) -> [i32; 4] {
    let blocks = int4_blocks(query, rows);
    let lower_half = _mm256_set1_epi8(15);
    let mut sums = [_mm256_setzero_si256(); 4];
    for (line, two) in blocks.chunks(2).enumerate() {
        ask_for_line(ahead, line);
        for (i, block) in two.iter().enumerate() {
            let query: [__m256i; 2] = bytemuck::cast(*block);
            for (sum, row) in sums.iter_mut().zip(rows) {
                let bytes: __m256i = bytemuck::cast(row.as_chunks::<32>().0[2 * line + i]);
                let low = _mm256_and_si256(bytes, lower_half);
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), lower_half);
                *sum = add(*sum, [low, high], query);
            }
        }
    }
    ask_for_end(ahead, blocks.len() / 2);
    joint_sum_i32(sums)
}

/// Adds what is left behind the last whole step, by 16 components.
#[inline]
#[target_feature(enable = "avx2")]
fn add_rest(mut sum: __m256i, query: &[i8], row: &[u8]) -> __m256i {
    for (query, row) in query.chunks(16).zip(row.chunks(16)) {
        sum = add_products(sum, load_i8(query), load_u8(row));
    }
    sum
}

/// Adds 16 products of 16-bit lanes, two to each 32-bit sum. The shorter way on bytes, `vpmaddubsw`, saturates: two
/// products of 255 and 127 do not fit its 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn add_products(sum: __m256i, query: __m256i, row: __m256i) -> __m256i {
    _mm256_add_epi32(sum, _mm256_madd_epi16(query, row))
}

/// The sum of all 32-bit lanes of each of four vectors.
#[inline]
#[target_feature(enable = "avx2")]
fn joint_sum_i32([a, b, c, d]: [__m256i; 4]) -> [i32; 4] {
    let abcd = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d)); // a b c d in each half
    let sums = _mm_add_epi32(
        _mm256_castsi256_si128(abcd),
        _mm256_extracti128_si256::<1>(abcd),
    );
    bytemuck::cast(sums)
}

/// One `popcnt` per word: no slower than counting nibbles by table for the few words of a vector.
#[target_feature(enable = "avx2,popcnt")]
fn hamming(a: &[u64], b: &[u64]) -> u32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

#[target_feature(enable = "avx2,popcnt")]
fn hamming_x4(query: &[u64], rows: &[&[u64]; 4]) -> [u32; 4] {
    let [a, b, c, d] = *rows;
    [
        hamming(query, a),
        hamming(query, b),
        hamming(query, c),
        hamming(query, d),
    ]
}

#[target_feature(enable = "avx2,popcnt")]
fn hamming_shared(query: &[u64], rows: &[&[AtomicU64]], bits: &mut Vec<u16>) {
    scalar::hamming_shared(query, rows, bits);
}

#[target_feature(enable = "avx2")]
fn relate(lanes: &[u64; 64], relation: Relation, number: f64) -> u64 {
    let number = _mm256_set1_pd(number);
    let four = |four: __m256i| _mm256_castsi256_pd(four);
    match relation {
        Relation::Less => masks(lanes, |x| _mm256_cmp_pd::<_CMP_LT_OQ>(four(x), number)),
        Relation::LessOrEqual => masks(lanes, |x| _mm256_cmp_pd::<_CMP_LE_OQ>(four(x), number)),
        Relation::Equal => masks(lanes, |x| _mm256_cmp_pd::<_CMP_EQ_OQ>(four(x), number)),
        Relation::Greater => masks(lanes, |x| _mm256_cmp_pd::<_CMP_GT_OQ>(four(x), number)),
        Relation::GreaterOrEqual => masks(lanes, |x| _mm256_cmp_pd::<_CMP_GE_OQ>(four(x), number)),
        Relation::IsNan => masks(lanes, |x| _mm256_cmp_pd::<_CMP_UNORD_Q>(four(x), four(x))),
    }
}

#[target_feature(enable = "avx2")]
fn find(lanes: &[u64; 64], word: u64) -> u64 {
    let word = _mm256_set1_epi64x(word as i64);
    masks(lanes, |x| _mm256_castsi256_pd(_mm256_cmpeq_epi64(x, word)))
}

/// The sign bits of what `holds` makes of all lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn masks(lanes: &[u64; 64], holds: impl Fn(__m256i) -> __m256d) -> u64 {
    let (fours, _) = lanes.as_chunks::<4>();
    let mut bits = 0;
    for (at, four) in fours.iter().enumerate() {
        // SAFETY: the array is 32 readable bytes.
        let four = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
        bits |= (_mm256_movemask_pd(holds(four)) as u64) << (4 * at);
    }
    bits
}

/// The first 8 components of `part`, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx2")]
fn load_f32(part: &[f32]) -> __m256 {
    if let Some(eight) = part.first_chunk::<8>() {
        // SAFETY: the array is 32 readable bytes.
        return unsafe { _mm256_loadu_ps(eight.as_ptr()) };
    }
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(part.len() as i32), lanes);
    // SAFETY: the mask names lanes inside the slice only; a lane outside the mask is not read.
    unsafe { _mm256_maskload_ps(part.as_ptr(), mask) }
}

/// The first 8 components of `part`, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn load_f16(part: &[f16]) -> __m256 {
    _mm256_cvtph_ps(bytemuck::cast(first_16(bytemuck::cast_slice(part))))
}

/// The first 16 components of `part`, widened to 16 bits, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx2")]
fn load_i8(part: &[i8]) -> __m256i {
    _mm256_cvtepi8_epi16(bytemuck::cast(first_16(bytemuck::cast_slice(part))))
}

/// The first 16 codes of `part`, widened to 16 bits, zeros where it is shorter.
#[inline]
#[target_feature(enable = "avx2")]
fn load_u8(part: &[u8]) -> __m256i {
    _mm256_cvtepu8_epi16(bytemuck::cast(first_16(part)))
}

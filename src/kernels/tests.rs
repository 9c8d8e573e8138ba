//! Every version against exact sums: integers and whole-numbered floats must come out equal, other floats within the
//! error that their number of roundings allows.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::first_16;
use super::{INT4_BLOCK, Kernels, Relation, available, best, pack_int4, scalar, unpack_int4};
use half::f16;
use std::sync::atomic::AtomicU64;

/// Lengths around every step of every version, and the dimensions of common models.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=300).chain([384, 512, 768, 1024, 1536, 4096])
}

/// Small seeded generator (splitmix64), so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between -1 and 1.
    fn real(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    /// A whole number between -8 and 8.
    fn whole(&mut self) -> f32 {
        (self.next() % 17) as f32 - 8.0
    }

    fn many<T>(&mut self, count: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..count).map(|_| one(self)).collect()
    }
}

/// Calls `check(version, length, offset, numbers)` for every version, length and offset from alignment.
fn for_every_case(seed: u64, check: impl Fn(&Kernels, usize, usize, &mut Numbers)) {
    let mut numbers = Numbers(seed);
    for version in available() {
        for length in lengths() {
            for offset in [0, 1, 3] {
                println!(
                    "seed {seed}, version {}, length {length}, offset {offset}",
                    version.name
                );
                check(&version, length, offset, &mut numbers);
            }
        }
    }
}

/// Rows that a kernel is to ask for may be of any length: it reads nothing of them.
const ROWS_OF_NOTHING: [&[u8]; 4] = [&[]; 4];

#[test]
fn int8_dot_products_are_exact() {
    for_every_case(1, |version, length, offset, numbers| {
        let query = numbers.many(length + offset, |n| n.next() as i8);
        let rows: [Vec<u8>; 4] =
            std::array::from_fn(|_| numbers.many(length + offset, |n| n.next() as u8));
        check_int8(
            version,
            &query[offset..],
            rows.each_ref().map(|row| &row[offset..]),
        );
    });
}

#[test]
fn int8_dot_products_of_extremes_neither_wrap_nor_saturate() {
    for version in available() {
        for length in lengths().chain([65_536]) {
            for component in [127, -127, -128] {
                let query = vec![component; length];
                let rows = [255, 255, 128, 0].map(|code: u8| vec![code; length]);
                check_int8(&version, &query, rows.each_ref().map(Vec::as_slice));
            }
        }
    }
}

fn check_int8(version: &Kernels, query: &[i8], rows: [&[u8]; 4]) {
    let expected = rows.map(|row| {
        let exact: i64 = query
            .iter()
            .zip(row)
            .map(|(&q, &r)| i64::from(q) * i64::from(r))
            .sum();
        i32::try_from(exact).expect("65,536 dimensions fit")
    });
    assert_eq!(
        rows.map(|row| (version.dot_int8)(query, row)),
        expected,
        "{}",
        version.name
    );
    for ahead in [None, Some(&rows), Some(&ROWS_OF_NOTHING)] {
        let products = (version.dot_int8_x4)(query, rows, ahead);
        assert_eq!(products, expected, "{} x4", version.name);
    }
}

#[test]
fn int4_dot_products_are_exact() {
    let mut numbers = Numbers(6);
    for version in available() {
        for blocks in (0..=25).chain([64, 1_024]) {
            println!("seed 6, version {}, {blocks} blocks", version.name);
            let length = blocks * INT4_BLOCK;
            let query = numbers.many(length, |n| n.next() as i8);
            let rows = [(); 4].map(|()| numbers.many(length, |n| n.next() as u8 & 15));
            check_int4(&version, &query, &rows);
            // Extremes neither wrap nor saturate.
            for component in [127, -127, -128] {
                let rows = [15, 0, 8, 1].map(|code: u8| vec![code; length]);
                check_int4(&version, &vec![component; length], &rows);
            }
        }
    }
}

fn check_int4(version: &Kernels, query: &[i8], rows: &[Vec<u8>; 4]) {
    let packed = rows.each_ref().map(|row| {
        // Off by one byte from any alignment.
        let mut packed = vec![0];
        for codes in row.as_chunks().0 {
            let mut bytes = [0; INT4_BLOCK / 2];
            pack_int4(codes, &mut bytes);
            assert_eq!(unpack_int4(&bytes), *codes);
            packed.extend(bytes);
        }
        packed
    });
    let expected = rows.each_ref().map(|row| {
        let products = query
            .iter()
            .zip(row)
            .map(|(&q, &c)| i32::from(q) * i32::from(c));
        products.sum::<i32>()
    });
    let packed = packed.each_ref().map(|row| &row[1..]);
    for ahead in [None, Some(&packed), Some(&ROWS_OF_NOTHING)] {
        let products = (version.dot_int4_x4)(query, packed, ahead);
        assert_eq!(products, expected, "{}", version.name);
    }
}

#[test]
fn differing_bits_are_exact() {
    for_every_case(2, |version, length, offset, numbers| {
        let query = numbers.many(length + offset, Numbers::next);
        let opposite: Vec<u64> = query.iter().map(|word| !word).collect();
        let [one, two] = [(); 2].map(|()| numbers.many(length + offset, Numbers::next));
        let rows = [&one, &two, &query, &opposite].map(|row| &row[offset..]);
        let query = &query[offset..];
        let expected = rows.map(|row| {
            let differing = |bit: usize| (query[bit / 64] ^ row[bit / 64]) >> (bit % 64) & 1 == 1;
            (0..length * 64).filter(|&bit| differing(bit)).count() as u32
        });
        assert_eq!(rows.map(|row| (version.hamming)(query, row)), expected);
        assert_eq!((version.hamming_x4)(query, rows), expected);
        let shared = rows.map(|row| row.iter().copied().map(AtomicU64::new).collect::<Vec<_>>());
        let mut bits = vec![7];
        (version.hamming_shared)(query, &shared.each_ref().map(|row| &row[..]), &mut bits);
        assert_eq!(
            (bits[0], bits[1..].to_vec()),
            (7, expected.map(|bits| bits.min(65_535) as u16).to_vec())
        );
    });
}

/// Whole numbers of this size are added without rounding in any order, so every version must give the very sum: a
/// component left out or taken twice cannot hide in a tolerance.
#[test]
fn float_sums_of_whole_numbers_are_exact() {
    for_every_case(3, |version, length, offset, numbers| {
        let a = numbers.many(length + offset, Numbers::whole);
        let b = numbers.many(length + offset, Numbers::whole);
        check_floats(version, &a[offset..], &b[offset..], offset, 0.0);
    });
}

/// Each term passes through at most one rounding per addition on its way (length of them) and three before (the
/// difference, the square): the error is below (length + 3) * epsilon / 2 * (sum of the terms' sizes).
#[test]
fn float_sums_stay_within_rounding() {
    for_every_case(4, |version, length, offset, numbers| {
        let a = numbers.many(length + offset, Numbers::real);
        let b = numbers.many(length + offset, Numbers::real);
        let roundings = (length + 3) as f64 / 2.0;
        check_floats(
            version,
            &a[offset..],
            &b[offset..],
            offset,
            roundings * f64::from(f32::EPSILON),
        );
    });
}

/// Checks the four float kernels against sums in f64; `tolerance` is relative to the sum of the terms' sizes.
fn check_floats(version: &Kernels, a: &[f32], b: &[f32], offset: usize, tolerance: f64) {
    let halves: Vec<f16> = std::iter::repeat_n(f16::ZERO, offset)
        .chain(b.iter().map(|&y| f16::from_f32(y)))
        .collect();
    let halves = &halves[offset..];
    let widened: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
    let product = |x: f32, y: f32| f64::from(x) * f64::from(y);
    let square = |x: f32, y: f32| (f64::from(x) - f64::from(y)).powi(2);
    check_sum("dot_f32", (version.dot_f32)(a, b), a, b, product, tolerance);
    check_sum("l2_f32", (version.l2_f32)(a, b), a, b, square, tolerance);
    check_sum(
        "dot_f16",
        (version.dot_f16)(a, halves),
        a,
        &widened,
        product,
        tolerance,
    );
    check_sum(
        "l2_f16",
        (version.l2_f16)(a, halves),
        a,
        &widened,
        square,
        tolerance,
    );
}

fn check_sum(
    kernel: &str,
    got: f32,
    a: &[f32],
    b: &[f32],
    term: impl Fn(f32, f32) -> f64,
    tolerance: f64,
) {
    let terms = || a.iter().zip(b).map(|(&x, &y)| term(x, y));
    let (exact, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
    let error = (f64::from(got) - exact).abs();
    assert!(
        error <= tolerance * size,
        "{kernel}: got {got}, exact {exact}, error {error}, allowed {}",
        tolerance * size
    );
}

/// A float is added at the same place whatever lies around it in memory: equal slices give equal bits.
#[test]
fn float_sums_do_not_depend_on_alignment() {
    let mut numbers = Numbers(5);
    for version in available() {
        for length in lengths() {
            let (a, b) = (
                numbers.many(length, Numbers::real),
                numbers.many(length, Numbers::real),
            );
            let shifted: Vec<f32> = std::iter::once(0.0).chain(a.iter().copied()).collect();
            let (dot, l2) = (version.dot_f32, version.l2_f32);
            assert_eq!(
                dot(&a, &b).to_bits(),
                dot(&shifted[1..], &b).to_bits(),
                "seed 5, {}",
                version.name
            );
            assert_eq!(
                l2(&a, &b).to_bits(),
                l2(&shifted[1..], &b).to_bits(),
                "seed 5, {}",
                version.name
            );
        }
    }
}

#[test]
fn every_half_is_read_as_its_value() {
    let halves: Vec<f16> = (0..=u16::MAX)
        .map(f16::from_bits)
        .filter(|half| half.is_finite())
        .collect();
    for version in available() {
        for half in &halves {
            assert_eq!(
                (version.dot_f16)(&[1.0], &[*half]),
                half.to_f32(),
                "{}",
                version.name
            );
        }
    }
}

#[test]
fn lengths_that_differ_are_refused() {
    for version in available() {
        let (floats, halves, codes, words) = ([0.0; 65], [f16::ZERO; 64], [0; 64], [0; 64]);
        assert!(is_refused(|| (version.dot_f32)(&floats, &floats[..64])));
        assert!(is_refused(|| (version.l2_f32)(&floats[..64], &floats)));
        assert!(is_refused(|| (version.dot_f16)(&floats, &halves)));
        assert!(is_refused(|| (version.l2_f16)(&floats, &halves)));
        assert!(is_refused(|| (version.dot_int8)(&[0; 65], &codes)));
        assert!(is_refused(|| (version.dot_int8)(&[0; 63], &codes)));
        assert!(is_refused(|| (version.dot_int8_x4)(
            &[0; 64],
            [&codes, &codes, &codes[1..], &codes],
            None
        )));
        assert!(is_refused(|| (version.dot_int4_x4)(
            &[0; 128],
            [&codes, &codes, &codes, &codes[1..]],
            None
        )));
        assert!(is_refused(|| (version.dot_int4_x4)(
            &[0; 126],
            [&codes[..63], &codes[..63], &codes[..63], &codes[..63]],
            None
        )));
        assert!(is_refused(|| (version.hamming)(&words, &words[1..])));
        let longer = [const { AtomicU64::new(0) }; 9];
        assert!(is_refused(|| (version.hamming_shared)(
            &words,
            &[&longer],
            &mut Vec::new()
        )));
        assert!(is_refused(|| (version.hamming_x4)(
            &words,
            [&words, &words, &words, &words[1..]]
        )));
    }
}

fn is_refused<T>(call: impl FnOnce() -> T) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err()
}

#[test]
fn the_best_version_is_the_last_available_and_scalar_the_first() {
    let versions = available();
    assert_eq!(versions[0].name, scalar::KERNELS.name);
    assert_eq!(versions[versions.len() - 1].name, best().name);
}

#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn the_end_of_a_slice_is_padded_with_zeros() {
    let bytes: Vec<u8> = (1..=20).collect();
    for length in 0..=bytes.len() {
        let mut expected = [0; 16];
        let kept = length.min(16);
        expected[..kept].copy_from_slice(&bytes[..kept]);
        assert_eq!(first_16(&bytes[..length]), expected, "{length} bytes");
    }
}

#[test]
fn lanes_are_compared_as_numbers_and_as_words() {
    use Relation::*;
    let special = [
        f64::NAN,
        -f64::NAN,
        f64::from_bits(u64::MAX),
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        5e-324,
        f64::MAX,
    ];
    let mut numbers = Numbers(9);
    for round in 0..200 {
        let lanes: [u64; 64] = std::array::from_fn(|_| match numbers.next() % 4 {
            0 => special[numbers.next() as usize % special.len()].to_bits(),
            1 => numbers.next(),
            _ => f64::from(numbers.whole()).to_bits(),
        });
        let number = match round % 3 {
            0 => special[round % special.len()],
            _ => f64::from(numbers.whole()),
        };
        let word = lanes[numbers.next() as usize % 64];
        for version in available() {
            let context = format!("version {}, round {round}, {number}", version.name);
            for relation in [Less, LessOrEqual, Equal, Greater, GreaterOrEqual, IsNan] {
                let expected = scalar::relate(&lanes, relation, number);
                let bits = (version.relate)(&lanes, relation, number);
                assert_eq!(bits, expected, "{context} {relation:?}");
            }
            let found = (version.find)(&lanes, word);
            assert!(found != 0, "{context}");
            for (at, lane) in lanes.iter().enumerate() {
                assert_eq!(found >> at & 1 == 1, *lane == word, "{context} lane {at}");
            }
        }
    }
}

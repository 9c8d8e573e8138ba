//! Numbers as text: what clients send is parsed as strictly as Redis does, what they get is written in Redis' forms.

use smallvec::SmallVec;

/// A number as text; long enough for every f64, so nothing is allocated.
pub type Text = SmallVec<[u8; 32]>;

/// A decimal i64 and nothing else: no blanks, no `+`, no leading zeros, no `-0`.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text.split_first()? {
        (b'-', digits) => (true, digits),
        _ => (false, text),
    };
    let magnitude = parse_u64(digits)?;
    if !is_negative {
        i64::try_from(magnitude).ok()
    } else if magnitude == 0 {
        None
    } else {
        0i64.checked_sub_unsigned(magnitude)
    }
}

/// A decimal u64, as strict as [`parse_i64`].
pub fn parse_u64(digits: &[u8]) -> Option<u64> {
    let (&first, rest) = digits.split_first()?;
    if first == b'0' && !rest.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// A double as C's `strtod` reads it, when it takes the whole text: decimal, hexadecimal (`0x10`, `0x1.8p3`), `inf`.
/// Refused: NaN, blanks, trailing bytes, and numbers that f64 would make infinite or zero.
pub fn parse_double(text: &[u8]) -> Option<f64> {
    let (is_negative, magnitude) = split_sign(text);
    let value = match magnitude {
        [b'0', b'x' | b'X', digits @ ..] => parse_hexadecimal(digits)?,
        _ => parse_decimal(magnitude)?,
    };
    Some(if is_negative { -value } else { value })
}

/// A sign, if there is one, and what follows.
pub(super) fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// `text` has no sign any more.
fn parse_decimal(text: &[u8]) -> Option<f64> {
    let is_number = match text.first()? {
        b'+' | b'-' => return None,
        first => first.is_ascii_digit() || *first == b'.',
    };
    let value: f64 = fast_float2::parse(text).ok()?;
    let is_out_of_range = value.is_infinite() || (value == 0.0 && has_nonzero_digit(text));
    let is_refused = value.is_nan() || (is_number && is_out_of_range);
    (!is_refused).then_some(value)
}

fn has_nonzero_digit(decimal: &[u8]) -> bool {
    decimal
        .iter()
        .take_while(|byte| !matches!(byte, b'e' | b'E'))
        .any(|byte| matches!(byte, b'1'..=b'9'))
}

/// `digits[.digits][p[sign]digits]`, base 16 and a power of two; what follows `0x`.
fn parse_hexadecimal(text: &[u8]) -> Option<f64> {
    let p = text.iter().position(|byte| matches!(byte, b'p' | b'P'));
    let (mantissa, mut exponent) = match p {
        Some(at) => (text.get(..at)?, parse_exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let point = mantissa
        .iter()
        .position(|&byte| byte == b'.')
        .unwrap_or(mantissa.len());
    let (whole, fraction) = mantissa.split_at(point);
    let fraction = fraction.get(1..).unwrap_or_default();
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    exponent -= 4 * fraction.len() as i64;
    let mut value = 0u64;
    for &byte in whole.iter().chain(fraction) {
        let digit = u64::from(char::from(byte).to_digit(16)?);
        if value >> 60 == 0 {
            value = value << 4 | digit;
        } else {
            // Beyond what f64 can tell, but a last bit keeps the rounding of a tie right.
            value |= u64::from(digit != 0);
            exponent += 4;
        }
    }
    let scaled = scale(value as f64, exponent);
    (scaled.is_finite() && (scaled != 0.0 || value == 0)).then_some(scaled)
}

/// The exponent of a number, cut where every f64 is long infinite or zero.
pub(super) fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits.iter().fold(0i64, |value, digit| {
        (value * 10 + i64::from(digit - b'0')).min(1_000_000)
    });
    Some(if is_negative { -magnitude } else { magnitude })
}

/// value × 2^exponent, in two steps because 2^exponent alone may be out of range.
fn scale(value: f64, exponent: i64) -> f64 {
    let half = exponent.clamp(-2200, 2200) as i32 / 2;
    let rest = exponent.clamp(-2200, 2200) as i32 - half;
    value * 2f64.powi(half) * 2f64.powi(rest)
}

/// The components of a vector blob: little-endian f32s. `None` when the bytes are no multiple of four.
pub fn parse_f32s(blob: &[u8]) -> Option<Vec<f32>> {
    let (components, rest) = blob.as_chunks::<4>();
    rest.is_empty().then(|| {
        components
            .iter()
            .map(|&component| f32::from_le_bytes(component))
            .collect()
    })
}

/// The text of an integer.
pub fn integer_text(value: i64) -> Text {
    Text::from_slice(itoa::Buffer::new().format(value).as_bytes())
}

/// The text of a double: the fewest digits that read back as the same f64, in the forms that Redis 8 prints.
///
/// An integer within 2^62 has all its digits (`99998430674944`, `-0` keeps its sign). Otherwise let the value be
/// digits × 10^k, with n digits and the scientific exponent e = k + n - 1. Without a fraction (k >= 0) it is plain while
/// e < n + 7, so `12345678901234567000000` but `1e+19`. With one it is plain when it has at most six decimals or
/// |e| < 4: `0.0001`, `1234.5678901234567`; else scientific with a sign and no padding: `1.230000052601099e-4`,
/// `1.2345678901234567e+4`. One value in five hundred differs from Redis 8.6 in its last digits: Redis' algorithm (Grisu2)
/// does not always find the fewest, this one does. Both read back as the same f64.
pub fn double_text(value: f64) -> Text {
    if value.is_nan() {
        return Text::from_slice(b"nan");
    }
    if value.is_infinite() {
        return Text::from_slice(if value < 0.0 { b"-inf" } else { b"inf" });
    }
    if value == 0.0 {
        return Text::from_slice(if value.is_sign_negative() {
            b"-0"
        } else {
            b"0"
        });
    }
    const INTEGER_MAX: f64 = (1u64 << 62) as f64;
    /// Scientific exponents of -3 to 3.
    const PLAIN: std::ops::Range<f64> = 1e-3..1e4;
    if value.abs() <= INTEGER_MAX && value.trunc() == value {
        return integer_text(value as i64);
    }
    if PLAIN.contains(&value.abs()) {
        // In this range the crate's form and Redis' are one: scores and components need no second look.
        return Text::from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    }
    let mut text = Text::new();
    if value < 0.0 {
        text.push(b'-');
    }
    write_digits(&Digits::of(value.abs()), &mut text);
    text
}

/// A positive number as digits × 10^exponent; neither the first nor the last digit is 0.
struct Digits {
    digits: SmallVec<[u8; 24]>,
    exponent: i32,
}

impl Digits {
    /// The shortest digits that read back as `value`, which is finite and positive.
    fn of(value: f64) -> Digits {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut exponent: i32 = exponent.parse().unwrap_or(0);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        exponent -= fraction.len() as i32;
        let mut digits: SmallVec<[u8; 24]> = whole
            .bytes()
            .chain(fraction.bytes())
            .skip_while(|&digit| digit == b'0')
            .collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
            exponent += 1;
        }
        Digits { digits, exponent }
    }
}

/// See [`double_text`] for the rules.
fn write_digits(number: &Digits, text: &mut Text) {
    let n = number.digits.len() as i32;
    let k = number.exponent;
    let scientific = k + n - 1;
    if k >= 0 && scientific < n + 7 {
        text.extend_from_slice(&number.digits);
        text.extend(std::iter::repeat_n(b'0', k as usize));
    } else if k < 0 && (k > -7 || scientific.abs() < 4) {
        write_fraction(&number.digits, n + k, text);
    } else {
        write_scientific(&number.digits, scientific, text);
    }
}

/// `digits` with a point behind the first `point` of them; zeros stand in where that is negative.
fn write_fraction(digits: &[u8], point: i32, text: &mut Text) {
    match usize::try_from(point) {
        Ok(point) if point > 0 => {
            let (whole, fraction) = digits.split_at(point);
            text.extend_from_slice(whole);
            text.push(b'.');
            text.extend_from_slice(fraction);
        }
        _ => {
            text.extend_from_slice(b"0.");
            text.extend(std::iter::repeat_n(b'0', point.unsigned_abs() as usize));
            text.extend_from_slice(digits);
        }
    }
}

fn write_scientific(digits: &[u8], exponent: i32, text: &mut Text) {
    let (first, rest) = digits.split_at(1);
    text.extend_from_slice(first);
    if !rest.is_empty() {
        text.push(b'.');
        text.extend_from_slice(rest);
    }
    text.push(b'e');
    text.push(if exponent < 0 { b'-' } else { b'+' });
    text.extend_from_slice(
        itoa::Buffer::new()
            .format(exponent.unsigned_abs())
            .as_bytes(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_double(value: f64, text: &str) {
        let written = double_text(value);
        assert_eq!(String::from_utf8_lossy(&written), text);
        let read: f64 = text.parse().expect("a double's text is a double");
        assert!(
            read.to_bits() == value.to_bits() || value.is_nan(),
            "{text}"
        );
    }

    #[test]
    fn doubles_have_the_forms_of_redis() {
        check_double(1.0, "1");
        check_double(5.0, "5");
        check_double(-3.0, "-3");
        check_double(0.0, "0");
        check_double(-0.0, "-0");
        check_double(0.5, "0.5");
        check_double(f64::from(0.1f32), "0.10000000149011612");
        check_double(99998430674944.0, "99998430674944");
        check_double(f64::from(1.23e-4f32), "1.230000052601099e-4");
        check_double(f64::from(1e-5f32), "9.999999747378752e-6");
        check_double(9.99994610111476e-41, "9.99994610111476e-41");
        check_double(f64::INFINITY, "inf");
        check_double(f64::NEG_INFINITY, "-inf");
        check_double(f64::NAN, "nan");
    }

    #[test]
    fn integers_have_all_digits_up_to_two_to_the_62() {
        check_double(1e15, "1000000000000000");
        check_double(1e18, "1000000000000000000");
        check_double(4611686018427387904.0, "4611686018427387904");
        check_double(-4611686018427387904.0, "-4611686018427387904");
        check_double(4611686018427388928.0, "4611686018427389000");
        check_double(1e19, "1e+19");
        check_double(1.5e20, "1.5e+20");
        check_double(-1e22, "-1e+22");
        check_double(18446744073709551616.0, "18446744073709552000");
        check_double(1.2345678901234568e22, "12345678901234568000000");
        check_double(1.2345678901234569e23, "123456789012345690000000");
        check_double(1.2345678901234568e24, "1.2345678901234568e+24");
        check_double(f64::MAX, "1.7976931348623157e+308");
    }

    #[test]
    fn fractions_turn_scientific_where_redis_does() {
        check_double(0.001, "0.001");
        check_double(0.0001, "0.0001");
        check_double(0.000001, "0.000001");
        check_double(0.0000001, "1e-7");
        check_double(0.00012, "0.00012");
        check_double(0.0012345678, "0.0012345678");
        check_double(1234.5678901234567, "1234.5678901234567");
        check_double(12345.678901234567, "1.2345678901234567e+4");
        check_double(12345.678901, "12345.678901");
        check_double(1234567.0000001, "1.2345670000001e+6");
        check_double(f64::MIN_POSITIVE, "2.2250738585072014e-308");
        check_double(5e-324, "5e-324");
    }

    #[test]
    fn the_plain_range_is_written_as_the_rules_say() {
        let mut bits = 1u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value =
                10f64.powf(f64::from((bits >> 32) as u32) / f64::from(u32::MAX) * 9.0 - 4.0);
            let mut by_rules = Text::new();
            write_digits(&Digits::of(value), &mut by_rules);
            assert_eq!(double_text(value), by_rules, "{value:e}");
        }
    }

    #[test]
    fn integers_are_strict() {
        for (text, value) in [
            ("0", 0),
            ("-1", -1),
            ("10", 10),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(parse_i64(text.as_bytes()), Some(value), "{text}");
        }
        for text in [
            "",
            "-",
            "+2",
            " 2",
            "2 ",
            "02",
            "-0",
            "-02",
            "--1",
            "0x1",
            "1.0",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999999",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_u64(b"-1"), None);
    }

    #[test]
    fn doubles_are_read_as_strtod_takes_them_whole() {
        for (text, value) in [
            ("1e2", 100.0),
            ("+1", 1.0),
            ("-1.5", -1.5),
            ("0x10", 16.0),
            ("-0X1.8p3", -12.0),
            ("0x.8", 0.5),
            ("0x1p-1074", 5e-324),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.fffffffffffff7p0", 1.9999999999999998),
            (
                "0x20000000000001000000001",
                618970019642690137449562112.0 + 68719476736.0 * 2.0,
            ),
            ("inf", f64::INFINITY),
            ("-INFINITY", f64::NEG_INFINITY),
            (".5", 0.5),
            ("5.", 5.0),
            ("0e999999", 0.0),
            ("1e-310", 1e-310),
            ("1.7976931348623157e308", f64::MAX),
        ] {
            assert_eq!(parse_double(text.as_bytes()), Some(value), "{text}");
        }
        assert!(parse_double(b"-0").is_some_and(|zero| zero.is_sign_negative()));
        for text in [
            "",
            "+",
            "-",
            "nan",
            "-NaN",
            " 1",
            "1 ",
            "1x",
            "1e",
            "e1",
            ".",
            "+-1",
            "--1",
            "1e400",
            "-1e400",
            "1e-400",
            "0x",
            "0x.",
            "0xg",
            "0x1p",
            "0x1p99999",
            "0x1p-99999",
            "1_0",
            "in",
            "infx",
        ] {
            assert_eq!(parse_double(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn vector_blobs_are_little_endian_floats() {
        assert_eq!(
            parse_f32s(&[0, 0, 128, 63, 0, 0, 0, 192]),
            Some(vec![1.0, -2.0])
        );
        assert_eq!(parse_f32s(&[]), Some(vec![]));
        assert_eq!(parse_f32s(&[0, 0, 128]), None);
    }
}

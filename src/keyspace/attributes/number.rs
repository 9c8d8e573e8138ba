//! Numbers as C's `strtod` reads them: what expressions, attributes and the text form of vectors agree on.

use std::ops::ControlFlow;

/// Longest text that is read as a number; a longer one is none.
pub const TEXT_BYTES_MAX: usize = 255;
/// Beyond this power of two every mantissa that fits 64 bits is infinite or zero.
const EXPONENT_MAX: i32 = 4096;

/// Whether C calls the byte a blank.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Reads the whole of `text` as a number: leading blanks, a sign, decimal or `0x` notation, `inf`, `infinity`, `nan`.
/// None when anything is left over. Too large is infinite, too small is zero.
pub fn read(text: &[u8]) -> Option<f64> {
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    let text = &text[blanks..];
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = match digits {
        [b'0', b'x' | b'X', rest @ ..] => read_hex(rest)?,
        [b'0'..=b'9' | b'.', ..] => read_decimal(digits)?,
        _ => read_word(digits)?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

fn read_decimal(text: &[u8]) -> Option<f64> {
    let is_decimal = text
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if is_decimal {
        fast_float2::parse(text).ok()
    } else {
        None
    }
}

fn read_word(text: &[u8]) -> Option<f64> {
    if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
        return Some(f64::INFINITY);
    }
    let payload = text
        .get(..3)
        .filter(|word| word.eq_ignore_ascii_case(b"nan"))
        .map(|_| &text[3..])?;
    let is_nan = match payload {
        [] => true,
        [b'(', inner @ .., b')'] => inner
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'),
        _ => false,
    };
    is_nan.then_some(f64::NAN)
}

/// Hexadecimal digits with an optional point, then an optional binary exponent after `p`.
fn read_hex(text: &[u8]) -> Option<f64> {
    let exponent_at = text.iter().position(|byte| matches!(byte, b'p' | b'P'));
    let (digits, exponent) = match exponent_at {
        Some(at) => (&text[..at], read_exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let mut mantissa = 0u64;
    let mut shift = 0i32;
    let mut digits_seen = 0;
    let mut after_point = false;
    for &byte in digits {
        if byte == b'.' && !after_point {
            after_point = true;
            continue;
        }
        let digit = u64::from((byte as char).to_digit(16)?);
        digits_seen += 1;
        let step = if after_point { -4 } else { 0 };
        if mantissa >> 59 == 0 {
            mantissa = mantissa << 4 | digit;
            shift += step;
        } else {
            // Full: the digit only counts for its weight and, in the lowest bit, for rounding.
            mantissa |= u64::from(digit != 0);
            shift += step + 4;
        }
    }
    (digits_seen > 0).then(|| scale(mantissa as f64, shift.saturating_add(exponent)))
}

fn read_exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text.first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude =
        digits
            .iter()
            .try_fold(0i32, |sum, byte| match sum * 10 + i32::from(byte - b'0') {
                sum if sum > EXPONENT_MAX => ControlFlow::Break(EXPONENT_MAX),
                sum => ControlFlow::Continue(sum),
            });
    let magnitude = match magnitude {
        ControlFlow::Continue(sum) | ControlFlow::Break(sum) => sum,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `value` * 2^exponent, in two steps because one factor alone may leave the range of f64.
fn scale(value: f64, exponent: i32) -> f64 {
    let half = exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX) / 2;
    let rest = exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX) - half;
    let factors = [half / 2, half - half / 2, rest / 2, rest - rest / 2];
    factors
        .iter()
        .fold(value, |value, power| value * 2f64.powi(*power))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn texts_are_read_as_c_reads_them() {
        for (text, expected) in [
            ("5", 5.0),
            (" \t5", 5.0),
            ("+1", 1.0),
            ("-1.5e3", -1500.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("1e400", f64::INFINITY),
            ("1e-400", 0.0),
            ("0x10", 16.0),
            ("-0X1.8p1", -3.0),
            ("0x.8", 0.5),
            ("0x1p-1074", 5e-324),
            ("0x1p99999", f64::INFINITY),
            ("0x123456789abcdef01234", 8.596805828370696e+22),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(read(text.as_bytes()), Some(expected), "{text}");
        }
        assert!(
            read(b"NaN").is_some_and(f64::is_nan) && read(b"nan(x_1)").is_some_and(f64::is_nan)
        );
    }

    #[test]
    fn texts_with_anything_left_over_are_no_numbers() {
        for text in [
            "", " ", "5 ", "1_0", "0x", "0xg", "0x1p", "1e", "1e+", "--1", "infi", "nan(", "e5",
            ".", "+", "1.2.3",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }
}

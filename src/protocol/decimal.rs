//! Decimal sums without binary noise: INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis adds `long double`s and prints 17 decimals without trailing zeros, so what people see depends on the machine:
//! 3000.1 + 0.1 is 3000.20000000000000018 on x86 (64 bits of mantissa) and 3000.2 on ARM (113 bits). Here both texts are
//! added digit by digit and the sum is rounded to 17 decimals once: 10.5 + 0.1 is 10.6 as on both, 3000.2 as on ARM.

use super::number;

/// Decimals of a written sum.
const DECIMALS_MAX: usize = 17;
/// Bytes of a text that is read; Redis' own limit.
const TEXT_BYTES_MAX: usize = 5 * 1024;
/// Powers of ten of the first digit, as a `long double` has them.
const MAGNITUDES: std::ops::RangeInclusive<i64> = -4951..=4932;

/// A number as it was written, to the last digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decimal {
    /// `inf`, with any sign: it can be given, but no sum with it is taken.
    Infinite,
    /// digits × 10^-decimals.
    Finite {
        /// Whether it is below zero.
        is_negative: bool,
        /// 0 to 9 each, the largest power first; leading zeros allowed.
        digits: Vec<u8>,
        /// How many of the digits stand behind the point; may exceed their number.
        decimals: usize,
    },
}

impl Decimal {
    /// Reads what C's `strtold` takes as a whole: `3`, `-.5`, `5.0e3`, `inf`, hexadecimal floats. `None` for anything else:
    /// NaN, blanks, over 5 KiB of text, exponents beyond a `long double`.
    pub fn parse(text: &[u8]) -> Option<Decimal> {
        if text.len() >= TEXT_BYTES_MAX {
            return None;
        }
        let (is_negative, magnitude) = number::split_sign(text);
        match magnitude.first()? {
            b'0'..=b'9' | b'.' => {}
            _ => return number::parse_double(text).map(|_| Decimal::Infinite),
        }
        if magnitude
            .get(1)
            .is_some_and(|byte| matches!(byte, b'x' | b'X'))
        {
            let value = number::parse_double(text)?;
            return Decimal::parse(value.to_string().as_bytes());
        }
        let e = magnitude
            .iter()
            .position(|byte| matches!(byte, b'e' | b'E'));
        let (mantissa, exponent) = match e {
            Some(at) => (
                magnitude.get(..at)?,
                number::parse_exponent(magnitude.get(at + 1..)?)?,
            ),
            None => (magnitude, 0),
        };
        finite(is_negative, mantissa, exponent)
    }

    /// The exact sum; `None` when an operand is infinite or the sum exceeds a `long double`.
    pub fn checked_add(&self, other: &Decimal) -> Option<Decimal> {
        let (
            Decimal::Finite {
                is_negative,
                digits,
                decimals,
            },
            Decimal::Finite {
                is_negative: other_is_negative,
                digits: other_digits,
                decimals: other_decimals,
            },
        ) = (self, other)
        else {
            return None;
        };
        let all_decimals = *decimals.max(other_decimals);
        let mut left = padded(digits, all_decimals - decimals);
        let mut right = padded(other_digits, all_decimals - other_decimals);
        let width = left.len().max(right.len()) + 1;
        left.splice(0..0, std::iter::repeat_n(0, width - left.len()));
        right.splice(0..0, std::iter::repeat_n(0, width - right.len()));
        let (is_negative, sum) = if is_negative == other_is_negative {
            (*is_negative, add(left, &right))
        } else if left >= right {
            (*is_negative, subtract(left, &right))
        } else {
            (*other_is_negative, subtract(right, &left))
        };
        checked(is_negative, sum, all_decimals)
    }

    /// Plain digits with at most 17 decimals (half away from zero), no trailing zeros, no exponent, zero without sign. `None` when infinite.
    pub fn text(&self) -> Option<String> {
        let Decimal::Finite {
            is_negative,
            digits,
            decimals,
        } = self
        else {
            return None;
        };
        let (digits, decimals) = rounded(digits, *decimals);
        let whole_length = digits.len().saturating_sub(decimals);
        let (whole, fraction) = digits.split_at(whole_length);
        let as_text = |digits: &[u8]| -> String {
            digits
                .iter()
                .map(|digit| char::from(b'0' + digit))
                .collect()
        };
        let missing_zeros = "0".repeat(decimals - fraction.len());
        let fraction = missing_zeros + &as_text(fraction);
        let (whole, fraction) = (as_text(whole), fraction.trim_end_matches('0'));
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        let sign = if *is_negative && (whole != "0" || !fraction.is_empty()) {
            "-"
        } else {
            ""
        };
        let point = if fraction.is_empty() { "" } else { "." };
        Some(format!("{sign}{whole}{point}{fraction}"))
    }
}

/// digits[.digits] × 10^exponent.
fn finite(is_negative: bool, mantissa: &[u8], exponent: i64) -> Option<Decimal> {
    let point = mantissa
        .iter()
        .position(|&byte| byte == b'.')
        .unwrap_or(mantissa.len());
    let (whole, fraction) = mantissa.split_at(point);
    let fraction = fraction.get(1..).unwrap_or_default();
    let mut digits = Vec::with_capacity(mantissa.len());
    for byte in whole.iter().chain(fraction) {
        digits.push(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    if digits.is_empty() {
        return None;
    }
    let Some(first) = digits.iter().position(|&digit| digit != 0) else {
        return checked(is_negative, vec![0], 0);
    };
    // Checked before zeros are appended: `1e999999` must not become a million of them.
    let decimals = fraction.len() as i64 - exponent;
    if !MAGNITUDES.contains(&((digits.len() - first) as i64 - 1 - decimals)) {
        return None;
    }
    let zeros = usize::try_from(-decimals).unwrap_or(0);
    checked(
        is_negative,
        padded(&digits, zeros),
        usize::try_from(decimals).unwrap_or(0),
    )
}

/// A finite number within the magnitudes of a `long double`.
fn checked(is_negative: bool, digits: Vec<u8>, decimals: usize) -> Option<Decimal> {
    let leading_zeros = digits.iter().take_while(|&&digit| digit == 0).count();
    let magnitude = (digits.len() - leading_zeros) as i64 - 1 - decimals as i64;
    (magnitude <= *MAGNITUDES.end()).then_some(Decimal::Finite {
        is_negative,
        digits,
        decimals,
    })
}

fn padded(digits: &[u8], zeros: usize) -> Vec<u8> {
    let mut all = digits.to_vec();
    all.resize(digits.len() + zeros, 0);
    all
}

/// Both of one length, with a zero in front for the carry.
fn add(mut left: Vec<u8>, right: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    for (digit, other) in left.iter_mut().zip(right).rev() {
        let sum = *digit + other + carry;
        (*digit, carry) = (sum % 10, sum / 10);
    }
    left
}

/// Both of one length, `left` not below `right`.
fn subtract(mut left: Vec<u8>, right: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    for (digit, other) in left.iter_mut().zip(right).rev() {
        let difference = *digit + 10 - other - borrow;
        (*digit, borrow) = (difference % 10, 1 - difference / 10);
    }
    left
}

/// The digits with at most [`DECIMALS_MAX`] decimals.
fn rounded(digits: &[u8], decimals: usize) -> (Vec<u8>, usize) {
    let Some(surplus) = decimals
        .checked_sub(DECIMALS_MAX)
        .filter(|&surplus| surplus > 0)
    else {
        return (digits.to_vec(), decimals);
    };
    let Some(kept_length) = digits.len().checked_sub(surplus) else {
        return (vec![0], DECIMALS_MAX);
    };
    let (kept, cut) = digits.split_at(kept_length);
    let mut kept = [&[0], kept].concat();
    if cut.first().is_some_and(|&digit| digit >= 5) {
        let mut one = vec![0; kept.len()];
        if let Some(last) = one.last_mut() {
            *last = 1;
        }
        kept = add(kept, &one);
    }
    (kept, DECIMALS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(left: &str, right: &str, sum: Option<&str>) {
        let parse = |text: &str| Decimal::parse(text.as_bytes()).expect("a number");
        let got = parse(left)
            .checked_add(&parse(right))
            .and_then(|sum| sum.text());
        assert_eq!(got.as_deref(), sum, "{left} + {right}");
    }

    #[test]
    fn sums_look_as_people_write_them() {
        check("10.50", "0.1", Some("10.6"));
        check("10.6", "-5", Some("5.6"));
        check("5.0e3", "2.0e2", Some("5200"));
        check("3.0e3", "200", Some("3200"));
        check("0.1", "0.2", Some("0.3"));
        check("1", "-1.1", Some("-0.1"));
        check("17179869184", "1.5", Some("17179869185.5"));
        check("3000.1", "0.1", Some("3000.2"));
        check("9.99", "0.01", Some("10"));
        check("-1.5", "-1.5", Some("-3"));
        check("1.5", "-1.5", Some("0"));
        check("-0", "-0", Some("0"));
        check("0x10", ".5", Some("16.5"));
        check("1e20", "1", Some("100000000000000000001"));
        check("+1.", "1E+1", Some("11"));
    }

    #[test]
    fn sums_have_seventeen_decimals_at_most() {
        check(
            "0.1000000000000000055511151231257827",
            "0",
            Some("0.10000000000000001"),
        );
        check("0.999999999999999999", "0", Some("1"));
        check("1e-17", "0", Some("0.00000000000000001"));
        check("5e-18", "0", Some("0.00000000000000001"));
        check("5e-18", "5e-18", Some("0.00000000000000001"));
        check("-4e-18", "0", Some("0"));
        check("1e-4000", "0", Some("0"));
    }

    #[test]
    fn what_strtold_would_not_take_whole_is_refused() {
        for text in [
            "",
            " 1",
            "1 ",
            "1x",
            "nan",
            "-nan",
            "e5",
            "1e",
            "1e+",
            "--1",
            "+-1",
            ".",
            "1.2.3",
            "1e5000",
            "1e-5000",
            "1e99999999999999999999",
            "0x",
            "abc",
        ] {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Decimal::parse(&[b'1'; TEXT_BYTES_MAX]), None);
        assert_eq!(Decimal::parse(b"-inf"), Some(Decimal::Infinite));
        assert_eq!(
            Decimal::parse(b"0e99999")
                .and_then(|zero| zero.text())
                .as_deref(),
            Some("0")
        );
    }

    #[test]
    fn infinite_sums_are_none() {
        check("inf", "1", None);
        check("1", "-inf", None);
        check("9e4932", "9e4932", None);
    }
}

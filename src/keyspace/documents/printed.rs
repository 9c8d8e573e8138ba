//! Numbers as text: distances and values of aggregations with twelve digits, text scores exactly.

use std::fmt::Write;

/// A number of an aggregation or a distance: whole numbers without point, others as C's `%.12g`.
pub fn print(value: f64) -> String {
    // As the module casts: beyond i64 it is %.12g again.
    let is_whole = value == value.trunc() && value.abs() < 9.2e18;
    match is_whole {
        true => (value as i64).to_string(),
        false => print_significant(value, 12),
    }
}

/// The shortest text that reads back as the same double: scores of WITHSCORES.
pub fn print_exactly(score: f64) -> String {
    match () {
        () if score.is_nan() => "nan".to_owned(),
        () if score.is_infinite() => if score > 0.0 { "inf" } else { "-inf" }.to_owned(),
        () if score == 0.0 => "0".to_owned(),
        () if !(1e-5..1e17).contains(&score.abs()) => exponent_of(format!("{score:e}")),
        () => score.to_string(),
    }
}

/// C's `%.<digits>g`: so many significant digits without zeros at the end, with an exponent where it is below -4 or does not
/// fit the digits.
pub fn print_significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        let sign = if value.is_sign_negative() { "-" } else { "" };
        let name = if value.is_nan() { "nan" } else { "inf" };
        return format!("{sign}{name}");
    }
    let last = digits.saturating_sub(1);
    // With room from the start: what grows byte by byte takes longer than the digits do.
    let mut scientific = String::with_capacity(digits + 8);
    let _ = write!(scientific, "{value:.last$e}");
    let (written, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..=last as i32).contains(&exponent) {
        return exponent_of(format!("{}e{exponent}", trim(written)));
    }
    // The same digits, with the point where it belongs: rounding them anew would take as long again.
    let mut plain = String::with_capacity(written.len() + 6);
    let unsigned = written.trim_start_matches('-');
    plain.push_str(&written[..written.len() - unsigned.len()]);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    match usize::try_from(exponent) {
        Ok(places) => {
            plain.push_str(whole);
            plain.push_str(&decimals[..places]);
            plain.push('.');
            plain.push_str(&decimals[places..]);
        }
        Err(_) => {
            plain.push_str(&"0.000"[..1 + exponent.unsigned_abs() as usize]);
            plain.push_str(whole);
            plain.push_str(decimals);
        }
    }
    plain.truncate(trim(&plain).len());
    plain
}

/// Without zeros behind the point, and without the point if nothing else is behind it.
fn trim(digits: &str) -> &str {
    match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => digits,
    }
}

/// C writes exponents with their sign and two digits at least: `1e7` is `1e+07`.
fn exponent_of(text: String) -> String {
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those with many digits were seen on a running module.
    #[test]
    fn distances_have_twelve_digits() {
        let cases = [
            (f64::from(0.002_500_001f32), "0.00250000110827"),
            (0.875, "0.875"),
            (162.0, "162"),
            (f64::from(f32::EPSILON), "1.19209289551e-07"),
            (0.0, "0"),
            (-0.5, "-0.5"),
            (1e20, "1e+20"),
            (123_456_789_012.5, "123456789012"),
            (1_234_567_890_123.5, "1.23456789012e+12"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.0 / 3.0, "0.333333333333"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(print(value), expected, "{value}");
        }
    }

    /// The point is put where printing the whole number would have it, also where rounding carries.
    #[test]
    fn digits_are_those_of_the_number_printed_plainly() {
        let mut values = vec![
            0.99999999999995,
            9.9999999999995,
            0.000_1,
            999_999_999_999.5,
            -0.0,
        ];
        let mut state = 7u64;
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let digits = (state >> 11) as f64 * if state & 1 == 0 { 1.0 } else { -1.0 };
            values.push(digits * 10f64.powi((state >> 3) as i32 % 18 - 20));
        }
        for value in values {
            for digits in [1, 2, 6, 12, 17] {
                let last = digits - 1;
                let scientific = format!("{value:.last$e}");
                let exponent: i32 = scientific.split_once('e').unwrap().1.parse().unwrap();
                if (-4..digits as i32).contains(&exponent) {
                    let decimals = (last as i32 - exponent) as usize;
                    let plain = format!("{value:.decimals$}");
                    assert_eq!(
                        print_significant(value, digits),
                        trim(&plain),
                        "{value} {digits}"
                    );
                }
            }
        }
    }

    #[test]
    fn scores_are_exact() {
        let cases = [
            (0.10536056334154098, "0.10536056334154098"),
            (0.0, "0"),
            (1.0, "1"),
            (2.5, "2.5"),
            (1e-7, "1e-07"),
            (1e18, "1e+18"),
        ];
        for (value, expected) in cases {
            assert_eq!(print_exactly(value), expected);
            assert_eq!(expected.parse(), Ok(value));
        }
    }
}

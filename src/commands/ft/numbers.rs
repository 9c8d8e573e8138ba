//! Numbers in the parameters of a query and in FILTER, as the search module reads them: blanks may stand before a number, nothing behind
//! it, and none is hexadecimal.

use crate::protocol::number;

/// A number. `nan` is none.
pub fn read_double(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii_start();
    let is_hexadecimal = text.iter().any(|byte| matches!(byte, b'x' | b'X'));
    number::parse_double(text).filter(|_| !is_hexadecimal)
}

/// An integer; zeros and a sign may stand before it.
pub fn read_int(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text.trim_ascii_start()).ok()?;
    text.parse().ok()
}

/// A bound of a range: a number, `-inf` below or `inf` above. Nothing at all is 0.
pub fn read_bound(text: &[u8], is_negative: bool, is_lower: bool) -> Option<f64> {
    let is_infinite = match is_lower == is_negative {
        true => text
            .strip_prefix(b"+")
            .unwrap_or(text)
            .eq_ignore_ascii_case(b"inf"),
        false => text.eq_ignore_ascii_case(b"-inf"),
    };
    if is_infinite {
        return Some(if is_lower {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        });
    }
    if text.trim_ascii_start().is_empty() {
        return Some(0.0);
    }
    let value = read_double(text).filter(|value| value.is_finite())?;
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_stand_before_numbers_alone() {
        let cases = [
            (" 1", Some(1.0)),
            ("\t+1.5", Some(1.5)),
            ("inf", Some(f64::INFINITY)),
            ("1 ", None),
            ("", None),
            (" ", None),
            ("0x1", None),
            ("nan", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read_double(text.as_bytes()), expected, "{text:?}");
        }
        for (text, expected) in [
            (" 2", Some(2)),
            ("+02", Some(2)),
            ("-1", Some(-1)),
            ("2 ", None),
            ("2.0", None),
            ("", None),
        ] {
            assert_eq!(read_int(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn bounds_are_infinite_by_one_name() {
        let (below, above) = (f64::NEG_INFINITY, f64::INFINITY);
        let cases = [
            ("-inf", false, true, Some(below)),
            ("+INF", false, false, Some(above)),
            ("inf", true, true, Some(below)),
            ("-inf", true, false, Some(above)),
            ("inf", false, true, None),
            (" -inf", false, true, None),
            ("-infinity", false, true, None),
            ("", false, true, Some(0.0)),
            (" ", false, false, Some(0.0)),
            (" 1", true, true, Some(-1.0)),
        ];
        for (text, is_negative, is_lower, expected) in cases {
            let found = read_bound(text.as_bytes(), is_negative, is_lower);
            assert_eq!(found, expected, "{text:?} {is_negative} {is_lower}");
        }
    }
}

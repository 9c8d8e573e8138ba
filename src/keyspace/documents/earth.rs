//! The earth as a sphere: points on it, and how far two are from each other.

use super::expression::value::parse_number;

/// Mean radius of the earth in metres, as the peers have it.
pub const EARTH_RADIUS_M: f64 = 6_372_797.560_856;
/// Bytes of the longest text that is a point.
pub const POINT_BYTES_MAX: usize = 128;

/// Longitude and latitude in degrees, of any size, from `lon,lat` or `lon lat`.
pub fn parse_point(text: &[u8]) -> Option<(f64, f64)> {
    if text.len() > POINT_BYTES_MAX {
        return None;
    }
    let end = text.iter().position(|byte| matches!(byte, b' ' | b','))?;
    // Nothing is 0 here.
    let degrees = |text: &[u8]| match text {
        b"" => Some(0.0),
        text => parse_number(text),
    };
    let longitude = degrees(&text[..end])?;
    let latitude = degrees(text[end + 1..].trim_ascii_start())?;
    Some((longitude, latitude))
}

/// Metres between two points (longitude and latitude in degrees) on a sphere.
pub fn distance_m(one: (f64, f64), other: (f64, f64)) -> f64 {
    EARTH_RADIUS_M * angle(one, other)
}

/// The angle between two points as it is seen from the centre, in radians. NaN may stand for half a turn, by rounding.
pub fn angle(one: (f64, f64), other: (f64, f64)) -> f64 {
    let (longitude, latitude) = (one.0.to_radians(), one.1.to_radians());
    let (other_longitude, other_latitude) = (other.0.to_radians(), other.1.to_radians());
    let u = ((other_latitude - latitude) / 2.0).sin();
    let v = ((other_longitude - longitude) / 2.0).sin();
    let a = u * u + latitude.cos() * other_latitude.cos() * v * v;
    2.0 * a.sqrt().asin()
}

/// The middle of some points: longitude and latitude in radians, which are those of any one that there is even if the degrees were of
/// no point.
pub fn middle<'p>(points: impl Iterator<Item = &'p (f64, f64)>) -> (f64, f64) {
    let mut middle = [0.0; 3];
    for (longitude, latitude) in points {
        let (longitude, latitude) = (longitude.to_radians(), latitude.to_radians());
        middle[0] += latitude.cos() * longitude.cos();
        middle[1] += latitude.cos() * longitude.sin();
        middle[2] += latitude.sin();
    }
    let latitude = middle[2].atan2(middle[0].hypot(middle[1]));
    (middle[1].atan2(middle[0]), latitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_two_numbers_with_a_comma_or_a_blank_between() {
        let cases: [(&str, Option<(f64, f64)>); 7] = [
            ("13.4,52.5", Some((13.4, 52.5))),
            ("13.4 52.5", Some((13.4, 52.5))),
            ("13.4, 52.5", Some((13.4, 52.5))),
            ("-200,1e2", Some((-200.0, 100.0))),
            ("13.4", None),
            ("13.4,x", None),
            ("13.4,52.5,1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_point(text.as_bytes()), expected, "{text}");
        }
        let long = format!("1,{}2", "0".repeat(POINT_BYTES_MAX));
        assert_eq!(parse_point(long.as_bytes()), None);
    }
}

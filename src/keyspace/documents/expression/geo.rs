//! Distances on the earth: `geodistance`, and what GEO fields hold.

use super::{EvalError, Value};
use crate::keyspace::documents::earth::distance_m;

/// Bytes of the longest point.
const POINT_BYTES_MAX: usize = 128;

/// Longitude and latitude in degrees from `lon,lat` or `lon lat`.
pub fn parse_point(text: &[u8]) -> Option<(f64, f64)> {
    if text.len() > POINT_BYTES_MAX {
        return None;
    }
    let end = text.iter().position(|byte| matches!(byte, b' ' | b','))?;
    let longitude = super::value::parse_number(&text[..end])?;
    let latitude = super::value::parse_number(&text[end + 1..])?;
    Some((longitude, latitude))
}

/// `geodistance(point, point)`, either of them also as two numbers. NaN where one is no point.
pub(super) fn geodistance(arguments: &[Value]) -> Result<Value, EvalError> {
    let point = |value: &Value| value.as_text().and_then(|text| parse_point(text));
    let pair = |lon: &Value, lat: &Value| Some((lon.to_number()?, lat.to_number()?));
    let points = match arguments {
        [a, b] => (point(a), point(b)),
        [lon, lat, b] if lon.to_number().is_some() => (pair(lon, lat), point(b)),
        [a, lon, lat] => (point(a), pair(lon, lat)),
        [lon1, lat1, lon2, lat2] => (pair(lon1, lat1), pair(lon2, lat2)),
        _ => (None, None),
    };
    Ok(Value::Number(match points {
        (Some(one), Some(other)) => (distance_m(one, other) * 100.0).round() / 100.0,
        _ => f64::NAN,
    }))
}

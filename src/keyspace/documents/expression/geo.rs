//! Distances on the earth: `geodistance`.

use super::{EvalError, Value};
use crate::keyspace::documents::earth::{distance_m, parse_point};

/// `geodistance(point, point)`, either of them also as two numbers. NaN where one is no number.
pub(super) fn geodistance(arguments: &[Value]) -> Result<Value, EvalError> {
    let is_wrong = |value: &&Value| {
        value
            .as_text()
            .is_some_and(|text| parse_point(text).is_none())
    };
    let is_number = |value: &&Value| value.to_number().is_some();
    let is_pair = arguments.len() == 4;
    if !is_pair && arguments.iter().any(|it| is_wrong(&it) && !is_number(&it)) {
        return Err(EvalError::Point);
    }
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

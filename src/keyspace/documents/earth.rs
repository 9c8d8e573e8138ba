//! The earth as a sphere: how far two points are from each other.

/// Mean radius of the earth in metres, as the peers have it.
const EARTH_RADIUS_M: f64 = 6_372_797.560_856;

/// Metres between two points (longitude and latitude in degrees) on a sphere.
pub fn distance_m(one: (f64, f64), other: (f64, f64)) -> f64 {
    let (longitude, latitude) = (one.0.to_radians(), one.1.to_radians());
    let (other_longitude, other_latitude) = (other.0.to_radians(), other.1.to_radians());
    let u = ((other_latitude - latitude) / 2.0).sin();
    let v = ((other_longitude - longitude) / 2.0).sin();
    let a = u * u + latitude.cos() * other_latitude.cos() * v * v;
    2.0 * EARTH_RADIUS_M * a.sqrt().asin()
}

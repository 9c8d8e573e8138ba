//! Distances as the scores that Vector Sets speak of (larger is nearer), and back.

use super::super::error::Result;
use super::errors::EPSILON_NEEDS_BEST;
use crate::keyspace::collection::Metric;

/// The score of a distance: 0 to 1 under cosine and L2, the dot product under inner product.
pub fn of_distance(metric: Metric, distance: f32) -> f64 {
    let distance = f64::from(distance);
    match metric {
        Metric::Cosine => 1.0 - distance / 2.0,
        Metric::L2 => 1.0 / (1.0 + distance),
        Metric::InnerProduct => 1.0 - distance,
    }
}

/// The distance at which the score is 1 - `epsilon`; none if every score is at least that.
pub fn radius(metric: Metric, epsilon: f64) -> Result<Option<f32>> {
    match metric {
        Metric::InnerProduct => Err(EPSILON_NEEDS_BEST),
        _ if epsilon >= 1.0 => Ok(None),
        Metric::Cosine => Ok(Some(epsilon as f32 * 2.0)),
        Metric::L2 => Ok(Some((epsilon / (1.0 - epsilon)) as f32)),
    }
}

//! Distances of FLOAT64 vectors. Searches compare them in doubles and answer in FLOAT32; what is shown of a distance, and sorted by,
//! is computed from the vectors as they were written.

use super::find::Match;
use super::schema::{FieldKind, Metric, Schema, VectorType};
use crate::keyspace::View;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::values;
use std::collections::BTreeMap;

/// Computes the distances of a field anew, if its vectors are FLOAT64. A document that was written meanwhile keeps the distance that it
/// had.
pub fn refine(
    view: &View,
    schema: &Schema,
    (field, blob): (usize, &[u8]),
    documents: &[Match],
    distances: &mut BTreeMap<DocumentId, f64>,
) {
    let definition = &schema.fields[field];
    let FieldKind::Vector(attributes) = &definition.kind else {
        return;
    };
    if attributes.kind != VectorType::Float64 {
        return;
    }
    let target = values::doubles(blob);
    for document in documents {
        let (Some(known), Some(entry)) =
            (distances.get_mut(&document.id), view.peek(&document.key))
        else {
            continue;
        };
        let vectors = values::double_vectors(definition, &entry.value);
        let own = vectors
            .iter()
            .map(|v| distance(attributes.metric, &target, v));
        // Another vector by now, unless the two are about the same.
        let is_it = |distance: &f64| (*distance - *known).abs() <= 1e-4 * (1.0 + known.abs());
        if let Some(distance) = own.min_by(f64::total_cmp).filter(is_it) {
            *known = distance;
        }
    }
}

fn distance(metric: Metric, one: &[f64], other: &[f64]) -> f64 {
    let dot =
        |one: &[f64], other: &[f64]| -> f64 { one.iter().zip(other).map(|(a, b)| a * b).sum() };
    match metric {
        Metric::L2 => {
            let pairs = one.iter().zip(other);
            pairs.map(|(a, b)| (a - b) * (a - b)).sum()
        }
        Metric::Ip => 1.0 - dot(one, other),
        Metric::Cosine => {
            let lengths = (dot(one, one) * dot(other, other)).sqrt();
            match lengths > 0.0 {
                true => 1.0 - dot(one, other) / lengths,
                false => 1.0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_have_all_digits_of_doubles() {
        let (one, other) = ([1.0, 2.0], [1.0 + 1e-9, 2.0]);
        let square = distance(Metric::L2, &one, &other);
        assert!((square - 1e-18).abs() < 1e-24, "{square}");
        assert_eq!(distance(Metric::Ip, &one, &one), -4.0);
        assert!(distance(Metric::Cosine, &one, &one).abs() < 1e-15);
        assert_eq!(distance(Metric::Cosine, &one, &[0.0, 0.0]), 1.0);
    }
}

//! What can be said of a query only when all of it is read.

use super::QueryError;
use super::tree::{GeoRadius, Kind, Node, Query, TagValue};
use crate::commands::ft::schema::Schema;
use std::collections::HashSet;

/// Checks a whole query in RediSearch's order: its words and ranges, its circles. What is said of vectors is checked later, and the names of
/// distances after that ([`check_names`]).
pub(super) fn check(query: &Query, schema: &Schema) -> Result<(), QueryError> {
    if schema.has_non_empty() {
        check_words(&query.root, schema)?;
    }
    check_circles(&query.root)
}

/// Checks what FILTER or GEOFILTER says.
pub fn check_filter(filter: &Node, schema: &Schema) -> Result<(), QueryError> {
    if schema.has_non_empty() {
        check_words(filter, schema)?;
    }
    check_circles(filter)
}

/// RediSearch looks at these only in indexes with a TEXT or TAG field that does not index empty values. Elsewhere an empty
/// range finds nothing.
fn check_words(node: &Node, schema: &Schema) -> Result<(), QueryError> {
    match &node.kind {
        Kind::Word(word) if word.text.is_empty() && !has_empty_text(node, schema) => {
            return Err(QueryError::EmptyWord);
        }
        Kind::Tag { field, values } if !schema.fields[*field].indexes_empty => {
            let is_empty = |value: &TagValue| *value == TagValue::Whole(String::new());
            if values.iter().any(is_empty) {
                return Err(QueryError::EmptyWord);
            }
        }
        Kind::Numeric(range) if range.min > range.max => {
            return Err(QueryError::NumericRange {
                field: schema.fields[range.field].name.clone(),
                min: range.min,
                max: range.max,
            });
        }
        _ => {}
    }
    let mut children = node.children().iter();
    children.try_for_each(|child| check_words(child, schema))
}

/// Whether a word may be empty here: on all fields, or on one that indexes empty values.
fn has_empty_text(node: &Node, schema: &Schema) -> bool {
    let mut asked = schema
        .text_fields()
        .filter(|(bit, _)| node.fields.has(*bit));
    node.fields.is_all() || node.fields.0 == 0 || asked.any(|(_, field)| field.indexes_empty)
}

fn check_circles(node: &Node) -> Result<(), QueryError> {
    if let Kind::Geo(circle) = &node.kind {
        check_circle(circle)?;
    }
    node.children().iter().try_for_each(check_circles)
}

/// Whether a circle lies on the earth.
pub fn check_circle(circle: &GeoRadius) -> Result<(), QueryError> {
    if circle.latitude.abs() > 90.0 || circle.longitude.abs() > 180.0 {
        return Err(QueryError::GeoPoint);
    }
    if circle.radius <= 0.0 {
        return Err(QueryError::GeoRadius);
    }
    Ok(())
}

/// Distances have names of their own.
pub fn check_names(query: &Query, schema: &Schema) -> Result<(), QueryError> {
    let mut seen = HashSet::new();
    for name in query.distance_names() {
        if schema.find(name).is_some() {
            return Err(QueryError::DistanceNameTaken(name.to_owned()));
        }
        if !seen.insert(name) {
            return Err(QueryError::DistanceNameRepeated(name.to_owned()));
        }
    }
    Ok(())
}

//! The lines of queries.

use crate::commands::ft::printed::print_significant;
use crate::commands::ft::query::vector::ParameterError;
use crate::commands::ft::query::{Misplaced, NODES_MAX, QUERY_BYTES_MAX, QueryError};
use std::fmt::{Display, Formatter, Result};

impl Display for Misplaced {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            Misplaced::Field => f.write_str("Unknown field"),
            Misplaced::FieldOf(kind) => write!(f, "Expected a {kind} field"),
            Misplaced::IndexMissing => {
                f.write_str("'ismissing' requires defining the field with 'INDEXMISSING'")
            }
            Misplaced::VectorCommand => {
                f.write_str("Syntax error: Expecting Vector Similarity command")
            }
            Misplaced::RangeCommand => {
                f.write_str("Syntax error: expecting vector similarity range command")
            }
            Misplaced::ShapeRelation => f.write_str("Syntax error: Expecting a geoshape predicate"),
        }
    }
}

impl Display for QueryError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            QueryError::Syntax { offset, near } => {
                write!(f, "Syntax error at offset {offset} near {near}")
            }
            QueryError::Misplaced {
                expected,
                offset,
                near,
            } => {
                write!(f, "{expected} at offset {offset}")?;
                match near {
                    Some(near) => write!(f, " near {near}"),
                    None => Ok(()),
                }
            }
            QueryError::Nested => f.write_str(
                "Parser stack overflow. Try moving nested parentheses more to the left",
            ),
            QueryError::TooLarge => write!(
                f,
                "Query exceeds {QUERY_BYTES_MAX} bytes or {NODES_MAX} conditions"
            ),
            QueryError::NoParameter(name) => write!(f, "No such parameter `{name}`"),
            QueryError::NumericParameter { value, name } => {
                write!(f, "Invalid numeric value ({value}) for parameter `{name}`")
            }
            QueryError::LowerBound(text) => write!(f, "Bad lower range: {text}"),
            QueryError::UpperBound(text) => write!(f, "Bad upper range: {text}"),
            QueryError::AttributeValue { value, name } => {
                write!(f, "Invalid value ({value}) for `{name}`")
            }
            QueryError::Attribute(name) => write!(f, "Invalid attribute {name}"),
            QueryError::ShardRatioText(text) => write!(f, "Invalid shard k ratio value '{text}'"),
            QueryError::ShardRatio(ratio) => write!(
                f,
                "Invalid shard k ratio value: Shard k ratio must be greater than 0 and at most 1 (got {})",
                print_significant(*ratio, 6)
            ),
            QueryError::NumericRange { field, min, max } => write!(
                f,
                "Invalid numeric range (min > max): @{field}:[{min:.6} {max:.6}]"
            ),
            QueryError::GeoUnit => f.write_str("Invalid GeoFilter unit"),
            QueryError::GeoPoint => f.write_str("Invalid GeoFilter lat/lon"),
            QueryError::GeoRadius => f.write_str("Invalid GeoFilter radius"),
            QueryError::EmptyWord => f.write_str(
                "Use `INDEXEMPTY` in field creation in order to index and query for empty strings",
            ),
            QueryError::DistanceNamedTwice(first, second) => write!(
                f,
                "Distance field was specified twice for vector query: {first} and {second}"
            ),
            QueryError::DistanceNameTaken(name) => {
                write!(f, "Property `{name}` already exists in schema")
            }
            QueryError::DistanceNameRepeated(name) => {
                write!(f, "Property `{name}` specified more than once")
            }
            QueryError::VectorLength { got, expected } => write!(
                f,
                "Error parsing vector similarity query: query vector blob size ({got}) does not match index's expected size ({expected})."
            ),
            QueryError::TooManyNeighbours => f.write_str(
                "Error parsing vector similarity query: query KNN K parameter is too large, must not exceed 288230376151711744",
            ),
            QueryError::NegativeRadius(radius) => write!(
                f,
                "Error parsing vector similarity query: negative radius ({}) given in a range query",
                print_significant(*radius, 6)
            ),
            QueryError::VectorParameter(error) => {
                write!(f, "Error parsing vector similarity parameters: {error}")
            }
        }
    }
}

impl Display for ParameterError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        f.write_str(match self {
            ParameterError::Unknown => "Invalid option",
            ParameterError::Twice => "Parameter was specified twice",
            ParameterError::Value => "Invalid value was given",
            ParameterError::NotFiltered => {
                "hybrid query attributes were sent for a non-hybrid query"
            }
            ParameterError::NotRange => "range query attributes were sent for a non-range query",
            ParameterError::Policy => "invalid hybrid policy was given",
            ParameterError::BatchSizeOfAdHoc => {
                "'batch size' is irrelevant for the selected policy"
            }
            ParameterError::EfOfAdHoc => "'EF_RUNTIME' is irrelevant for the selected policy",
        })
    }
}

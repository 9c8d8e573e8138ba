//! The lines of requests: the words around a query, and what REDUCE is given.

use crate::commands::ft::options::RequestError;
use crate::commands::ft::reducers::ReducerError;
use std::fmt::{Display, Formatter, Result};

impl Display for ReducerError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            ReducerError::Unknown(name) => write!(f, "No such reducer: {name}"),
            ReducerError::CountTakesNone => f.write_str("Count accepts 0 values only"),
            ReducerError::Missing(function) => write!(f, "Missing arguments for {function}"),
            ReducerError::Property(name) => {
                write!(
                    f,
                    "Property is not present in document or pipeline: `{name}`"
                )
            }
            ReducerError::Request(error) => error.fmt(f),
            ReducerError::Quantile => f.write_str("Percentage must be between 0.0 and 1.0"),
            ReducerError::Resolution => f.write_str("Invalid resolution"),
            ReducerError::SampleSize => f.write_str("Sample size too large"),
        }
    }
}

impl Display for RequestError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            RequestError::Argument { what, why } => write!(f, "Bad arguments for {what}: {why}"),
            RequestError::Fixed(line) => f.write_str(line),
            RequestError::Unknown { word, position } => {
                write!(
                    f,
                    "Unknown argument `{word}` at position {position} for <main>"
                )
            }
            RequestError::UnknownFor {
                word,
                position,
                what,
            } => write!(
                f,
                "Unknown argument `{word}` at position {position} for {what}"
            ),
            RequestError::CursorArgument(word) => write!(f, "Unknown argument `{word}`"),
            RequestError::CursorCount(word) => write!(f, "Bad value for COUNT: `{word}`"),
            RequestError::Dialect => {
                f.write_str("DIALECT requires a non negative integer >=1 and <= 4")
            }
            RequestError::Limit(max) => write!(f, "LIMIT exceeds maximum of {max}"),
            RequestError::Offset(max) => write!(f, "OFFSET exceeds maximum of {max}"),
            RequestError::DuplicateParameter(name) => write!(f, "Duplicate parameter `{name}`"),
            RequestError::Format(word) => write!(f, "FORMAT {word} is not supported"),
            RequestError::LowerBound(text) => write!(f, "Bad lower range: {text}"),
            RequestError::UpperBound(text) => write!(f, "Bad upper range: {text}"),
            RequestError::Unit(word) => write!(f, "Unknown distance unit {word}"),
            RequestError::UnknownFilterField(name) => write!(f, "Unknown Field '{name}'"),
            RequestError::NotNumeric(name) => {
                write!(f, "Field is not a numeric field, field: {name}")
            }
            RequestError::UnknownGeoField(name) => write!(f, "Unknown Field, field: {name}"),
            RequestError::NotGeo(name) => write!(f, "Field is not a geo field, field: {name}"),
            RequestError::SortFields(max) => write!(f, "Cannot sort by more than {max} fields"),
            RequestError::SortWord(word) => {
                write!(f, "MISSING ASC or DESC after sort field ({word})")
            }
            RequestError::GroupProperty(word) => write!(
                f,
                "Bad arguments for GROUPBY: Unknown property `{word}`. Did you mean `@{word}`?"
            ),
        }
    }
}

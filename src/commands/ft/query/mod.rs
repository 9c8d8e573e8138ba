//! The query language, dialects 1 to 4: a string becomes a tree that was checked against a schema.
//!
//! The grammar is RediSearch's, with its precedences, because users see both: where an error is reported, and that
//! `a b=>[KNN ...]` needs parentheses. `token` cuts the string, `grammar` is a precedence parser over the tokens with
//! `terms` and `fields` for the smallest conditions and `bracket` for what stands in `[..]` and `{..}`; `check` looks at the
//! finished tree.

mod attributes;
mod bracket;
pub mod check;
mod fields;
mod grammar;
pub mod params;
mod terms;
#[cfg(test)]
mod tests;
mod token;
pub mod vector;

pub use crate::search::documents::tree;
pub use params::Params;
pub use tree::{Kind, Node, Query};

use super::schema::Schema;
use super::text::stop_words::StopWords;
use vector::ParameterError;

/// Bytes of the longest query; a filter over a hundred thousand identifiers has four million.
pub const QUERY_BYTES_MAX: usize = 16 << 20;
/// Conditions of the largest query.
pub const NODES_MAX: usize = 1_000_000;

/// What a query is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The index's fields.
    pub schema: &'a Schema,
    /// PARAMS of the request.
    pub params: &'a Params,
    /// The index's stop words; none with NOSTOPWORDS.
    pub stop_words: Option<&'a StopWords>,
    /// 1 to 4. In 1 there are no parameters and no KNN, fields that do not exist match nothing, `|` binds tighter than the blank
    /// between two conditions, and `@field:` holds for all words that follow.
    pub dialect: u8,
}

/// Reads a query. Errors of vectors that only running it can show are in [`vector`].
pub fn parse(text: &[u8], context: &Context) -> Result<Query, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(QueryError::TooLarge);
    }
    let query = grammar::parse(text, context)?;
    check::check(&query, context.schema)?;
    Ok(query)
}

/// What was expected at a place of a query, where its grammar was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// A field of the schema.
    Field,
    /// A field of that type.
    FieldOf(&'static str),
    /// A field that indexes missing values.
    IndexMissing,
    /// KNN.
    VectorCommand,
    /// VECTOR_RANGE.
    RangeCommand,
    /// WITHIN, CONTAINS, INTERSECTS or DISJOINT.
    ShapeRelation,
}

/// Why a text is no query.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryError {
    /// The grammar does not go on here.
    Syntax {
        /// Where, in bytes.
        offset: usize,
        /// The word there, or the last before it.
        near: String,
    },
    /// The grammar is right, its meaning is not.
    Misplaced {
        /// What was expected.
        expected: Misplaced,
        /// Where, in bytes.
        offset: usize,
        /// The word there, where one is quoted.
        near: Option<String>,
    },
    /// Too many parentheses in each other.
    Nested,
    /// More than [`QUERY_BYTES_MAX`] or [`NODES_MAX`].
    TooLarge,
    /// A parameter without value.
    NoParameter(String),
    /// A parameter that is no number.
    NumericParameter {
        /// Its value.
        value: String,
        /// Its name.
        name: String,
    },
    /// A parameter that is no lower bound.
    LowerBound(String),
    /// A parameter that is no upper bound.
    UpperBound(String),
    /// `=>{$name: value}` with a value that does not do.
    AttributeValue {
        /// The value.
        value: String,
        /// The name.
        name: String,
    },
    /// `=>{$name: ..}` with an unknown name.
    Attribute(String),
    /// `$shard_k_ratio` that is no number.
    ShardRatioText(String),
    /// `$shard_k_ratio` outside 0 to 1.
    ShardRatio(f64),
    /// A range whose least is above its greatest.
    NumericRange {
        /// The field's name.
        field: String,
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// A unit that is none.
    GeoUnit,
    /// A longitude or latitude that is none.
    GeoPoint,
    /// A radius of 0 or less.
    GeoRadius,
    /// The empty word, on a field that does not index it.
    EmptyWord,
    /// AS and `$yield_distance_as` together.
    DistanceNamedTwice(String, String),
    /// A distance with the name of a field.
    DistanceNameTaken(String),
    /// Two distances of one name.
    DistanceNameRepeated(String),
    /// A vector of another length than the field's.
    VectorLength {
        /// Bytes given.
        got: usize,
        /// Bytes of the field's vectors.
        expected: usize,
    },
    /// KNN with more than can be.
    TooManyNeighbours,
    /// VECTOR_RANGE with a radius below 0.
    NegativeRadius(f64),
    /// EF_RUNTIME and its like.
    VectorParameter(ParameterError),
}

//! Every error line of the language, in RediSearch 8.4's words. The facts are enums beside the code that finds them; here they
//! get their text, and nowhere else.

use super::expression::{EvalError, ExpressionError, PARTS_MAX};
use super::options::RequestError;
use super::query::vector::ParameterError;
use super::query::{Misplaced, NODES_MAX, QUERY_BYTES_MAX, QueryError};
use super::reducers::ReducerError;
use super::schema::vector::VectorError;
use super::schema::{FIELDS_MAX, SchemaError, TEXT_FIELDS_MAX};
use super::words::ArgumentError;
use crate::commands::error::Refusal;
use std::fmt::{Display, Formatter, Result};

/// A query command without a query.
pub const NO_QUERY: &str = "No query string provided";
/// TIMEOUT and nothing more.
pub const TIMEOUT_MISSING: &str = "Need argument for TIMEOUT";
/// TIMEOUT below 0.
pub const TIMEOUT_NEGATIVE: &str = "TIMEOUT requires a non negative integer";
/// DIALECT and nothing more.
pub const DIALECT_MISSING: &str = "Need an argument for DIALECT";
/// FORMAT and nothing more.
pub const FORMAT_MISSING: &str = "Need an argument for FORMAT";
/// FORMAT EXPAND in a dialect below 3.
pub const EXPAND_NEEDS_DIALECT: &str = "EXPAND format requires dialect 3 or greater";
/// FORMAT EXPAND in RESP2.
pub const EXPAND_NEEDS_RESP3: &str = "EXPAND format is only supported with RESP3";
/// FORMAT EXPAND on hashes.
pub const EXPAND_NEEDS_JSON: &str = "EXPAND format is only supported with JSON";
/// BM25STD_TANH_FACTOR and nothing more.
pub const TANH_FACTOR_MISSING: &str = "Need an argument for BM25STD_TANH_FACTOR";
/// BM25STD_TANH_FACTOR out of bounds.
pub const TANH_FACTOR_BOUNDS: &str = "BM25STD_TANH_FACTOR must be between 1 and 10000 inclusive";
/// A second PARAMS.
pub const PARAMS_TWICE: &str =
    "Multiple PARAMS are not allowed. Parameters can be defined only once";
/// PARAMS without pairs.
pub const PARAMS_PAIRS: &str = "Parameters must be specified in PARAM VALUE pairs";
/// FILTER or GEOFILTER with an empty value.
pub const EMPTY_FILTER: &str = "Numeric/Geo filter value/s cannot be empty";
/// FILTER with too few words.
pub const FILTER_MISSING: &str = "FILTER requires 3 arguments";
/// GEOFILTER with too few words.
pub const GEOFILTER_MISSING: &str = "GEOFILTER requires 5 arguments";
/// EXPLAINSCORE without WITHSCORES.
pub const EXPLAIN_NEEDS_SCORES: &str = "EXPLAINSCORE must be accompanied with WITHSCORES";
/// FT.SEARCH with ADDSCORES.
pub const SEARCH_ADDS_SCORES: &str = "ADDSCORES is not supported on FT.SEARCH";
/// FT.AGGREGATE with RETURN.
pub const AGGREGATE_RETURN: &str = "RETURN is not supported on FT.AGGREGATE";
/// FT.AGGREGATE with WITHCOUNT.
pub const AGGREGATE_WITH_COUNT: &str =
    "FT.AGGREGATE + WITHCOUNT is not available when `ENABLE_UNSTABLE_FEATURES` is off";
/// RETURN with AS and nothing more.
pub const RETURN_NAME_MISSING: &str = "RETURN path AS name - must be accompanied with NAME";
/// RETURN with the name AS.
pub const RETURN_AS_AS: &str = "Alias for RETURN cannot be `AS`";
/// LIMIT with too few words.
pub const LIMIT_MISSING: &str = "LIMIT requires two arguments";
/// LIMIT with other words than numbers.
pub const LIMIT_NUMBERS: &str = "LIMIT needs two numeric arguments";
/// LIMIT n 0.
pub const LIMIT_OFFSET_OF_NONE: &str = "The `offset` of the LIMIT must be 0 when `num` is 0";
/// SORTBY and nothing more.
pub const SORTBY_MISSING: &str = "Bad SORTBY arguments";
/// A second SORTBY.
pub const SORTBY_TWICE: &str = "Multiple SORTBY steps are not allowed";
/// A second SORTBY in a row.
pub const SORTBY_TWICE_IN_A_STEP: &str =
    "Multiple SORTBY steps are not allowed. Sort multiple fields in a single step";
/// FT.SEARCH SORTBY with MAX.
pub const SORTBY_MAX: &str = "SORTBY MAX is not supported by FT.SEARCH";
/// APPLY with AS and nothing more.
pub const AS_MISSING: &str = "AS needs argument";
/// LOAD with neither a count nor `*`.
pub const LOAD_COUNT: &str = "Bad arguments for LOAD: Expected number of fields or `*`";
/// LOAD with AS and nothing more.
pub const LOAD_NAME_MISSING: &str = "LOAD path AS name - must be accompanied with NAME";
/// LOAD with the name AS.
pub const LOAD_AS_AS: &str = "Alias for LOAD cannot be `AS`";
/// FT.CURSOR with what is no number.
pub const CURSOR_ID: &str = "Bad cursor ID";
/// FT.CURSOR with an unknown subcommand.
pub const CURSOR_SUBCOMMAND: &str = "Unknown subcommand";
/// DEL of a cursor that is not there.
pub const NO_CURSOR: &str = "Cursor does not exist";
/// LANGUAGE that is not known.
pub const NO_SUCH_LANGUAGE: &str = "No such language";

/// Implements `From` into a refusal by the error's text.
macro_rules! refusals {
    ($($error:ty),*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Refusal {
                Refusal::made(error.to_string())
            }
        }
    )*};
}
refusals!(
    SchemaError,
    QueryError,
    RequestError,
    ExpressionError,
    EvalError,
    ReducerError
);

impl Display for ArgumentError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        f.write_str(match self {
            ArgumentError::Bounds => "Value is outside acceptable bounds",
            ArgumentError::Missing => "Expected an argument, but none provided",
            ArgumentError::Type => "Could not convert argument to expected type",
            ArgumentError::Unknown => "Unknown argument",
        })
    }
}

impl Display for ExpressionError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            ExpressionError::Syntax {
                offset,
                near,
                reason,
            } => {
                write!(f, "Syntax error at offset {offset} near '{near}'")?;
                match reason {
                    Some(reason) => write!(f, ": {reason}"),
                    None => Ok(()),
                }
            }
            ExpressionError::UnknownSymbol(name) => write!(f, "Unknown symbol '{name}'"),
            ExpressionError::UnknownFunction(name) => write!(f, "Unknown function name '{name}'"),
            ExpressionError::Arguments {
                function,
                min,
                max,
                got,
            } if min == max => {
                write!(
                    f,
                    "Function '{function}' expects {min} arguments, but got {got}"
                )
            }
            ExpressionError::Arguments {
                function,
                min,
                max,
                got,
            } => write!(
                f,
                "Function '{function}' expects between {min} and {max} arguments, but got {got}"
            ),
            ExpressionError::TooLarge => {
                write!(
                    f,
                    "Expression exceeds {PARTS_MAX} parts or is nested too deeply"
                )
            }
            ExpressionError::UnknownProperty(name) => {
                write!(f, "Property `{name}` not loaded nor in pipeline")
            }
        }
    }
}

impl Display for EvalError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            EvalError::Missing(name) => write!(
                f,
                "Could not find the value for a parameter name, consider using EXISTS if applicable for {name}"
            ),
            EvalError::NotNumeric => f.write_str("Could not convert value to a number"),
            EvalError::NotANumber(text) => {
                write!(f, "Error converting string '{text}' to number")
            }
            EvalError::ToNumber(text) => write!(f, "to_number: cannot convert string '{text}'"),
            EvalError::ArgumentType {
                function,
                argument,
                got,
                wants_number,
            } => {
                let test = match wants_number {
                    true => "VALIDATE_ARG__TYPE(v, RSValueType_Number)",
                    false => "VALIDATE_ARG__STRING(v, 0)",
                };
                write!(
                    f,
                    "Invalid type ({got}) for argument {argument} in function '{function}'. {test} was false."
                )
            }
            EvalError::Substr => f.write_str("Invalid type for substr. Expected string"),
            EvalError::Format => f.write_str("Bad format string!"),
            EvalError::FormatArguments => f.write_str("Not enough arguments for format"),
            EvalError::FormatSpecifier => f.write_str("Unknown format specifier passed"),
        }
    }
}

impl Display for SchemaError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            SchemaError::Argument { what, why } => write!(f, "Bad arguments for {what}: {why}"),
            SchemaError::UnknownArgument(word) => write!(f, "Unknown argument `{word}`"),
            SchemaError::NoSchema => f.write_str("No schema found"),
            SchemaError::NoFields => f.write_str("Fields arguments are missing"),
            SchemaError::WideWithoutFields => {
                f.write_str("MAXTEXTFIELDS cannot be used with NOFIELDS")
            }
            SchemaError::DocumentKind(word) => write!(f, "Invalid rule type: {word}"),
            SchemaError::Score => f.write_str("Invalid score"),
            SchemaError::Language => f.write_str("Invalid language"),
            SchemaError::Filter(error) => error.fmt(f),
            SchemaError::Prefixes(count) => write!(
                f,
                "Number of prefixes ({count}) exceeds maximum allowed (1000000)"
            ),
            SchemaError::IndexAll => {
                f.write_str("Invalid argument for `INDEXALL`, use ENABLE/DISABLE")
            }
            SchemaError::Fields => write!(f, "Schema is limited to {FIELDS_MAX} fields"),
            SchemaError::TextFields => {
                write!(f, "Schema is limited to {TEXT_FIELDS_MAX} TEXT fields")
            }
            SchemaError::Narrow => f.write_str(
                "Cannot add more fields. Declare index with wide fields to allow adding unlimited fields",
            ),
            SchemaError::NeedsArgument(keyword) => write!(f, "{keyword} requires an argument"),
            SchemaError::EmptyName => f.write_str("Field name cannot be empty"),
            SchemaError::NullInName => f.write_str("Field name cannot contain null bytes"),
            SchemaError::NullInPath => f.write_str("Field path cannot contain null bytes"),
            SchemaError::Duplicate(name) => write!(f, "Duplicate field in schema - {name}"),
            SchemaError::NoType(name) => write!(f, "Field `{name}` does not have a type"),
            SchemaError::Type(name) => write!(f, "Invalid field type for field `{name}`"),
            SchemaError::Phonetic => f.write_str(
                "Matcher Format: <2 chars algorithm>:<2 chars language>. Support algorithms: double metaphone (dm). \
                 Supported languages: English (en), French (fr), Portuguese (pt) and Spanish (es)",
            ),
            SchemaError::Separator(word) => {
                write!(f, "Tag separator must be a single character. Got `{word}`")
            }
            SchemaError::UnindexedMissing(name) => write!(
                f,
                "'Field cannot be defined with both `NOINDEX` and `INDEXMISSING` `{name}` '"
            ),
            SchemaError::Vector(error) => error.fmt(f),
            SchemaError::AlterNeedsSchema => f.write_str("ALTER must be followed by SCHEMA"),
            SchemaError::AlterNeedsAdd => f.write_str("Unknown action passed to ALTER SCHEMA"),
            SchemaError::AlterNeedsFields => f.write_str("No fields provided"),
        }
    }
}

impl Display for VectorError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            VectorError::Algorithm(why) => {
                write!(f, "Bad arguments for vector similarity algorithm: {why}")
            }
            VectorError::Count(why) => write!(
                f,
                "Bad arguments for vector similarity number of parameters: {why}"
            ),
            // Two versions of one sentence, as they were in the module.
            VectorError::OddCount { algorithm, got } => {
                let expected = match *algorithm {
                    "HNSW" => {
                        "even number (as algorithm parameters should be submitted as named arguments)"
                    }
                    _ => {
                        "even number as algorithm parameters (should be submitted as named arguments)"
                    }
                };
                write!(
                    f,
                    "Bad number of arguments for vector similarity index: got {got} but expected {expected}"
                )
            }
            VectorError::Value {
                algorithm,
                attribute,
                why,
            } => write!(
                f,
                "Bad arguments for vector similarity {algorithm} index `{attribute}`: {why}"
            ),
            VectorError::Attribute { algorithm, word } => {
                write!(f, "Bad arguments for algorithm {algorithm}: {word}")
            }
            VectorError::TooFew { expected, got } => {
                write!(f, "Expected {expected} parameters but got {got}")
            }
            VectorError::Mandatory {
                algorithm,
                attribute,
            } => write!(
                f,
                "Missing mandatory parameter: cannot create {algorithm} index without specifying {attribute} argument"
            ),
            VectorError::SvsType => {
                f.write_str("Not supported data type is given. Expected: FLOAT16, FLOAT32")
            }
            VectorError::TrainingThreshold { min } => write!(
                f,
                "Invalid TRAINING_THRESHOLD: cannot be lower than DEFAULT_BLOCK_SIZE ({min})"
            ),
            VectorError::UselessTraining => {
                f.write_str("TRAINING_THRESHOLD is irrelevant when compression was not requested")
            }
            VectorError::UselessReduce => {
                f.write_str("REDUCE is irrelevant when compression is not of type LeanVec")
            }
            VectorError::TooLarge { bytes, max } => write!(
                f,
                "Vector index element size {bytes} exceeded maximum size allowed by server limit which is {max}"
            ),
        }
    }
}

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
                "Invalid shard k ratio value: Shard k ratio must be greater than 0 and at most 1 (got {ratio})"
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
                "Error parsing vector similarity query: negative radius ({radius}) given in a range query"
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

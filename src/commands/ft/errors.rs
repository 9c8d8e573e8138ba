//! The error lines of the language, in RediSearch 8.4's words. The facts are enums beside the code that finds them; here they
//! get their text. Lines that a single command has stand with it.

mod expressions;
mod queries;
mod requests;
mod schemas;

use super::expression::{EvalError, ExpressionError};
use super::options::RequestError;
use super::query::QueryError;
use super::reducers::ReducerError;
use super::schema::SchemaError;
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
/// GROUPBY of FT.SEARCH.
pub const SEARCH_GROUPS: &str =
    "option `GROUPBY` is mutually exclusive with simple (i.e. search) options";
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

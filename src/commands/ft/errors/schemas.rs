//! The lines of definitions: FT.CREATE and FT.ALTER.

use crate::commands::ft::schema::vector::VectorError;
use crate::commands::ft::schema::{FIELDS_MAX, SchemaError, TEXT_FIELDS_MAX};
use std::fmt::{Display, Formatter, Result};

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

//! The error lines of JSON documents, in the words of RedisJSON; some have no code in front there either.

use crate::commands::error::Refusal;
use crate::keyspace::json::path::PathError;

/// The key holds another kind of value.
pub const WRONG_KEY: Refusal = Refusal::line("Existing key has wrong Redis type");
/// The key is missing.
pub const NO_KEY: Refusal =
    Refusal::line("ERR could not perform this operation on a key that doesn't exist");
/// A path leads nowhere.
pub const NO_PATH: Refusal = Refusal::line("ERR Path does not exist");
/// A path or a value is not UTF-8.
pub const NOT_UTF8: Refusal = Refusal::line("Couldn't parse as UTF-8 string");
/// A position is no integer.
pub const NOT_AN_INTEGER: Refusal = Refusal::line("Couldn't parse as integer");
/// A missing key, and a path to something inside it.
pub const NOT_AT_ROOT: Refusal = Refusal::line("ERR new objects must be created at the root");
/// Something is to be added where a path may lead to several places.
pub const NOT_STATIC: Refusal = Refusal::line("Err wrong static path");
/// Setting an element that is not there.
pub const NO_ELEMENT: Refusal = Refusal::line("ERR array index out of range");
/// Inserting behind the end of an array.
pub const OUT_OF_BOUNDS: Refusal = Refusal::line("ERR index out of bounds");
/// The operand is JSON but no number.
pub const NOT_A_NUMBER: Refusal = Refusal::line("bad input number");
/// The result is infinite, or none.
pub const NO_NUMBER: Refusal = Refusal::line("result is not a number");
/// FORMAT for values that is not known.
pub const WRONG_FORMAT: Refusal = Refusal::line("ERR wrong format");
/// FORMAT for replies that is not known.
pub const WRONG_REPLY_FORMAT: Refusal = Refusal::line("ERR wrong reply format");
/// FORMAT for replies, in RESP2.
pub const FORMAT_NEEDS_RESP3: Refusal =
    Refusal::line("ERR FORMAT argument is not supported on RESP2");
/// FORMAT for replies with a path of the older form.
pub const FORMAT_NEEDS_PATH: Refusal =
    Refusal::line("Legacy paths are supported only with FORMAT STRINGS");
/// JSON.DEBUG with another word.
pub const UNKNOWN_SUBCOMMAND: Refusal =
    Refusal::line("ERR unknown subcommand - try `JSON.DEBUG HELP`");
/// Our own limit: no RedisJSON counts what a path asks for.
pub const EXHAUSTED: Refusal = Refusal::line("ERR the path asks for too many steps");
/// Our own limit: RedisJSON makes documents that it cannot read back.
pub const TOO_DEEP: Refusal = Refusal::line("ERR the document would be nested too deep");
/// Our own limit, in the words of the one for strings.
pub const TOO_LARGE: Refusal =
    Refusal::line("ERR document exceeds maximum allowed size (proto-max-bulk-len)");

/// A path of the older form leads nowhere, or to another kind of node.
pub fn no_path_or(not: &str) -> Refusal {
    Refusal::made(format!("ERR Path does not exist or {not}"))
}

/// A path leads to another kind of node.
pub fn expected(kind: &str) -> Refusal {
    Refusal::made(format!(
        "WRONGTYPE wrong type of path value - expected {kind}"
    ))
}

/// A text is no path.
pub fn bad_path(error: &PathError) -> Refusal {
    let PathError { at, expected } = error;
    Refusal::made(format!(
        "Error occurred at position {at}, Error at position {at}: expected one of the following: {expected}"
    ))
}

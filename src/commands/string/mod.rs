//! Strings: bytes under a key, and the numbers that they may spell.

mod condition;
mod get;
mod lcs;
mod number;
mod part;
mod set;
#[cfg(test)]
mod tests;

pub use number::{WOULD_BE_INFINITE, WOULD_OVERFLOW};

use super::error::{self, Result};
use super::table::Command;
use crate::keyspace::{Value, View};
use bytes::Bytes;

/// The family.
pub const COMMANDS: &[Command] = &[
    get::GET,
    get::MGET,
    get::STRLEN,
    get::GETEX,
    get::GETDEL,
    set::SET,
    set::SETNX,
    set::SETEX,
    set::PSETEX,
    set::GETSET,
    set::MSET,
    set::MSETNX,
    set::MSETEX,
    part::GETRANGE,
    part::SUBSTR,
    part::SETRANGE,
    part::APPEND,
    number::INCR,
    number::DECR,
    number::INCRBY,
    number::DECRBY,
    number::INCRBYFLOAT,
    condition::DELEX,
    condition::DIGEST,
    lcs::LCS,
];

/// The string under `key`, if the key is there.
fn value_of(view: &View, key: &[u8]) -> Result<Option<Bytes>> {
    match view.get(key) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value.into_bytes())),
        Some(_) => Err(error::WRONG_TYPE),
    }
}

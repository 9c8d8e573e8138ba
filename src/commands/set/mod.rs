//! Sets: different members without an order under one key.

mod change;
mod combine;
mod look;
mod random;
#[cfg(test)]
mod tests;

use super::error::{self, Result};
use super::table::Command;
use crate::keyspace::set::Set;
use crate::keyspace::{Value, View};
use std::sync::Arc;

/// The family.
pub const COMMANDS: &[Command] = &[
    change::SADD,
    change::SREM,
    change::SMOVE,
    look::SMEMBERS,
    look::SISMEMBER,
    look::SMISMEMBER,
    look::SCARD,
    look::SSCAN,
    random::SPOP,
    random::SRANDMEMBER,
    combine::SINTER,
    combine::SINTERCARD,
    combine::SUNION,
    combine::SDIFF,
    combine::SINTERSTORE,
    combine::SUNIONSTORE,
    combine::SDIFFSTORE,
];

/// The set under `key`, if the key is there.
fn set_of(view: &View, key: &[u8]) -> Result<Option<Arc<Set>>> {
    match view.get(key) {
        None => Ok(None),
        Some(Value::Set(set)) => Ok(Some(set)),
        Some(_) => Err(error::WRONG_TYPE),
    }
}

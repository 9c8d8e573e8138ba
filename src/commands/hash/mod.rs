//! Hashes: fields with values under one key, each field with an expiry of its own if wanted.

mod expire;
mod fields;
mod get;
mod number;
mod scan;
mod set;
#[cfg(test)]
mod tests;
mod touch;

use super::Call;
use super::error::{self, Result};
use super::table::Command;
use crate::keyspace::hash::Hash;
use crate::keyspace::{Value, View};
use std::sync::Arc;

/// The family.
pub const COMMANDS: &[Command] = &[
    set::HSET,
    set::HMSET,
    set::HSETNX,
    set::HDEL,
    get::HGET,
    get::HMGET,
    get::HGETALL,
    get::HKEYS,
    get::HVALS,
    get::HLEN,
    get::HEXISTS,
    get::HSTRLEN,
    number::HINCRBY,
    number::HINCRBYFLOAT,
    scan::HSCAN,
    scan::HRANDFIELD,
    expire::HEXPIRE,
    expire::HPEXPIRE,
    expire::HEXPIREAT,
    expire::HPEXPIREAT,
    expire::HTTL,
    expire::HPTTL,
    expire::HEXPIRETIME,
    expire::HPEXPIRETIME,
    expire::HPERSIST,
    touch::HGETEX,
    touch::HSETEX,
    touch::HGETDEL,
];

/// The hash under `key`, if the key is there.
fn hash_of(view: &View, key: &[u8]) -> Result<Option<Arc<Hash>>> {
    match view.get(key) {
        None => Ok(None),
        Some(Value::Hash(hash)) => Ok(Some(hash)),
        Some(_) => Err(error::WRONG_TYPE),
    }
}

/// What `parse` found, unless the key holds another kind of value: commands that look at the key before their options answer
/// that error first.
fn after_kind<T>(call: &Call, key: &[u8], parsed: Result<T>) -> Result<T> {
    if parsed.is_err() {
        call.access
            .read(call.db(), key, |view| hash_of(view, key).map(drop))??;
    }
    parsed
}

//! Sorted sets: members with scores under one key, in the order of the scores, and of the members' bytes where scores are equal.

mod add;
mod bounds;
mod combine;
mod look;
mod pop;
mod random;
mod range;
mod remove;
#[cfg(test)]
mod tests;

use super::error::{self, Result};
use super::table::Command;
use crate::keyspace::sorted_set::SortedSet;
use crate::keyspace::{Value, View};
use std::sync::Arc;

/// The family.
pub const COMMANDS: &[Command] = &[
    add::ZADD,
    add::ZINCRBY,
    look::ZCARD,
    look::ZSCORE,
    look::ZMSCORE,
    look::ZRANK,
    look::ZREVRANK,
    look::ZCOUNT,
    look::ZLEXCOUNT,
    look::ZSCAN,
    range::ZRANGE,
    range::ZRANGESTORE,
    range::ZREVRANGE,
    range::ZRANGEBYSCORE,
    range::ZREVRANGEBYSCORE,
    range::ZRANGEBYLEX,
    range::ZREVRANGEBYLEX,
    remove::ZREM,
    remove::ZREMRANGEBYRANK,
    remove::ZREMRANGEBYSCORE,
    remove::ZREMRANGEBYLEX,
    pop::ZPOPMIN,
    pop::ZPOPMAX,
    pop::ZMPOP,
    random::ZRANDMEMBER,
    combine::ZUNION,
    combine::ZINTER,
    combine::ZDIFF,
    combine::ZINTERCARD,
    combine::ZUNIONSTORE,
    combine::ZINTERSTORE,
    combine::ZDIFFSTORE,
];

/// The sorted set under `key`, if the key is there.
fn sorted_set_of(view: &View, key: &[u8]) -> Result<Option<Arc<SortedSet>>> {
    match view.get(key) {
        None => Ok(None),
        Some(Value::SortedSet(set)) => Ok(Some(set)),
        Some(_) => Err(error::WRONG_TYPE),
    }
}

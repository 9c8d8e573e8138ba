//! Lists: elements in the order in which they were put, under one key.

mod alter;
mod look;
mod pop;
mod push;
#[cfg(test)]
mod tests;

use super::args::Args;
use super::error::{self, Result};
use super::table::{Arg, Command};
use crate::keyspace::list::{End, List};
use crate::keyspace::{Value, View};
use std::sync::Arc;

/// The family.
pub const COMMANDS: &[Command] = &[
    push::LPUSH,
    push::RPUSH,
    push::LPUSHX,
    push::RPUSHX,
    pop::LPOP,
    pop::RPOP,
    pop::LMPOP,
    pop::LMOVE,
    pop::RPOPLPUSH,
    look::LLEN,
    look::LRANGE,
    look::LINDEX,
    look::LPOS,
    alter::LSET,
    alter::LINSERT,
    alter::LREM,
    alter::LTRIM,
];

/// Either end of a list in the grammar.
const ENDS: Arg = Arg::OneOf(&[Arg::Token("LEFT"), Arg::Token("RIGHT")]);

/// The list under `key`, if the key is there.
fn list_of(view: &View, key: &[u8]) -> Result<Option<Arc<List>>> {
    match view.get(key) {
        None => Ok(None),
        Some(Value::List(list)) => Ok(Some(list)),
        Some(_) => Err(error::WRONG_TYPE),
    }
}

/// LEFT or RIGHT.
fn take_end(args: &mut Args) -> Result<End> {
    if args.take("LEFT") {
        Ok(End::Front)
    } else if args.take("RIGHT") {
        Ok(End::Back)
    } else {
        Err(error::SYNTAX)
    }
}

/// The place that `index` names among `len`, if there is one; below zero it counts from the end.
fn place_of(index: i64, len: usize) -> Option<usize> {
    let place = match index {
        0.. => index,
        _ => index.saturating_add(len as i64),
    };
    usize::try_from(place).ok().filter(|place| *place < len)
}

//! Keys, whatever they hold: whether they are there, their names, expiries and places.

mod copy;
mod databases;
mod encoding;
mod expire;
#[cfg(test)]
mod model;
mod object;
mod presence;
mod scan;
#[cfg(test)]
mod tests;
mod when;

pub use encoding::{encoding_of, is_listpack, is_listpack_sorted_set, is_small_set};
pub use presence::Presence;
pub use scan::{ScanOptions, parse_cursor, step_reply};
pub use when::{ExpiryOption, TIMES_OR_KEEPTTL, TIMES_OR_PERSIST, TimeForm};

use super::error::Result;
use super::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use super::{Call, Context, Session};
use crate::engine::Decision;
use crate::keyspace::Value;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::{Reply, Request};
use std::collections::HashSet;

/// The family.
pub const COMMANDS: &[Command] = &[
    DEL,
    UNLINK,
    EXISTS,
    TOUCH,
    TYPE,
    copy::RENAME,
    copy::RENAMENX,
    copy::COPY,
    copy::MOVE,
    expire::EXPIRE,
    expire::PEXPIRE,
    expire::EXPIREAT,
    expire::PEXPIREAT,
    expire::TTL,
    expire::PTTL,
    expire::EXPIRETIME,
    expire::PEXPIRETIME,
    expire::PERSIST,
    scan::SCAN,
    scan::KEYS,
    scan::RANDOMKEY,
    databases::DBSIZE,
    databases::FLUSHDB,
    databases::FLUSHALL,
    databases::SWAPDB,
    object::ENCODING,
    object::FREQ,
    object::IDLETIME,
    object::REFCOUNT,
    object::HELP,
    object::MEMORY_USAGE,
];

/// Bytes that are copied, hashed or filled in a microsecond, about.
pub const BYTES_PER_US: u64 = 10_000;

/// Whether an index links the vectors of the document that a request writes, so that such requests are worth other cores.
pub fn are_linked(context: &Context, request: &Request) -> bool {
    let key = request.get(1).unwrap_or_default();
    !context.engine.is_loading() && context.engine.keyspace().indexes().links(key)
}

/// About a quarter of a microsecond for each word, and the copy of its bytes.
pub fn cost_of_words(_: &Context, _: &Session, request: &Request) -> u64 {
    request.len() as u64 / 4 + request.byte_len() as u64 / BYTES_PER_US
}

/// The words, and what the keys among the first of them hold: for commands that free, copy or go through whole values.
pub fn cost_of_values(context: &Context, session: &Session, request: &Request) -> u64 {
    const LOOKED_AT_MAX: usize = 8;
    let database = context.engine.keyspace().database(session.db);
    let held = |key| match database.peek(key).map(|entry| entry.value) {
        Some(Value::String(bytes)) => bytes.len() as u64 / BYTES_PER_US,
        Some(Value::Set(set)) => set.len() as u64 / 16,
        Some(Value::SortedSet(set)) => set.len() as u64 / 16,
        Some(Value::List(list)) => list.len() as u64 / 16,
        Some(Value::Hash(hash)) => hash.len() as u64 / 16,
        Some(Value::Json(document)) => document.bytes() as u64 / 256,
        Some(Value::Collection(collection)) => collection.len() as u64,
        None => 0,
    };
    let values: u64 = request.iter().skip(1).take(LOOKED_AT_MAX).map(held).sum();
    cost_of_words(context, session, request) + values
}

/// The name of a value's kind, as TYPE answers and SCAN TYPE takes it.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Set(_) => "set",
        Value::SortedSet(_) => "zset",
        Value::List(_) => "list",
        Value::Hash(_) => "hash",
        Value::Json(_) => "ReJSON-RL",
        Value::Collection(_) => "vectorset",
    }
}

/// `DEL key [key ...]`
const DEL: Command = Command {
    name: "DEL",
    summary: "Deletes keys, whatever they hold.",
    group: Group::Generic,
    complexity: "O(N), N the number of keys and of what they hold",
    args: &[Arg::Multiple(&Arg::Key("key"))],
    flags: flags(&[Flags::WRITE]),
    class: Class::Predicted(cost_of_values),
    key_flags: &["RM", "delete"],
    examples: &[("MSET a 1 b 2", "OK"), ("DEL a b c", "(integer) 2")],
    run: delete,
    ..COMMAND
};

/// `UNLINK key [key ...]`
const UNLINK: Command = Command {
    name: "UNLINK",
    summary: "Deletes keys, whatever they hold; here the same as DEL.",
    group: Group::Generic,
    since: "4.0.0",
    complexity: "O(N), N the number of keys and of what they hold",
    args: &[Arg::Multiple(&Arg::Key("key"))],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(cost_of_values),
    key_flags: &["RM", "delete"],
    examples: &[("MSET a 1 b 2", "OK"), ("UNLINK a b c", "(integer) 2")],
    run: delete,
    ..COMMAND
};

/// Deletes the keys that the words left name; the reply is how many were there.
pub fn delete(call: &mut Call) -> Result {
    let keys: Vec<&[u8]> = call.args.rest_words().collect();
    let db = call.db();
    call.access.write(db, &keys, |view| {
        let mut seen = HashSet::new();
        let there = keys
            .iter()
            .filter(|key| view.peek(key).is_some() && (keys.len() == 1 || seen.insert(**key)));
        let changes: Vec<Change> = there
            .map(|key| Change::new(db, key, Effect::Delete))
            .collect();
        Ok(Decision::with(Reply::count(changes.len()), changes))
    })
}

/// `EXISTS key [key ...]`
const EXISTS: Command = Command {
    name: "EXISTS",
    summary: "Counts how many of the keys are there; one that is named twice counts twice.",
    group: Group::Generic,
    complexity: "O(N), N the number of keys",
    args: &[Arg::Multiple(&Arg::Key("key"))],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    class: Class::Predicted(cost_of_words),
    key_flags: &["RO"],
    examples: &[("SET a 1", "OK"), ("EXISTS a b a", "(integer) 2")],
    run: exists,
    ..COMMAND
};

fn exists(call: &mut Call) -> Result {
    let keys: Vec<&[u8]> = call.args.rest_words().collect();
    Ok(call.access.read_keys(call.db(), &keys, |view| {
        Reply::count(keys.iter().filter(|key| view.peek(key).is_some()).count())
    })?)
}

/// `TOUCH key [key ...]`
const TOUCH: Command = Command {
    name: "TOUCH",
    summary: "Counts how many of the keys are there, and marks them as used now.",
    group: Group::Generic,
    since: "3.2.1",
    complexity: "O(N), N the number of keys",
    args: &[Arg::Multiple(&Arg::Key("key"))],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    class: Class::Predicted(cost_of_words),
    key_flags: &["RO"],
    examples: &[("SET a 1", "OK"), ("TOUCH a b", "(integer) 1")],
    run: touch,
    ..COMMAND
};

fn touch(call: &mut Call) -> Result {
    let keys: Vec<&[u8]> = call.args.rest_words().collect();
    Ok(call.access.read_keys(call.db(), &keys, |view| {
        Reply::count(keys.iter().filter(|key| view.contains(key)).count())
    })?)
}

/// TYPE key
const TYPE: Command = Command {
    name: "TYPE",
    summary: "Tells what kind of value a key holds.",
    group: Group::Generic,
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    key_flags: &["RO"],
    examples: &[
        ("SET a 1", "OK"),
        ("HSET h field value", "(integer) 1"),
        ("TYPE a", "string"),
        ("TYPE h", "hash"),
        ("TYPE nothing", "none"),
    ],
    run: kind,
    ..COMMAND
};

fn kind(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let name = call.access.read(call.db(), key, |view| {
        view.peek(key)
            .map_or("none", |entry| type_name(&entry.value))
    })?;
    Ok(Reply::Simple(name))
}

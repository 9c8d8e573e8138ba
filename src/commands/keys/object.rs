//! What is known about a key besides its value: OBJECT and MEMORY USAGE.

use super::encoding::encoding_of;
use crate::commands::Call;
use crate::commands::error::{self, Result};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::keyspace::json::Document;
use crate::keyspace::list::List;
use crate::keyspace::set::Set;
use crate::keyspace::sorted_set::{Ranked, SortedSet};
use crate::keyspace::{Entry, Key, Value, View};
use crate::protocol::Reply;

/// OBJECT ENCODING key
pub const ENCODING: Command = Command {
    name: "OBJECT|ENCODING",
    summary: "Names how a value would be represented in Redis.",
    group: Group::Generic,
    since: "2.2.3",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY]),
    key_flags: &["RO"],
    examples: &[
        ("MSET a 1 b one", "OK"),
        ("OBJECT ENCODING a", "\"int\""),
        ("OBJECT ENCODING b", "\"embstr\""),
    ],
    run: encoding,
    ..COMMAND
};

fn encoding(call: &mut Call) -> Result {
    let config = &call.context.config;
    of_key(call, |_, _, entry| {
        Reply::bulk_static(encoding_of(&entry.value, config))
    })
}

/// Looks at a key without counting as an access; null if it is missing.
fn of_key(call: &Call, reply: impl FnOnce(&View, &[u8], Entry) -> Reply) -> Result {
    let key = call.request.arg(2);
    Ok(call.access.read(call.db(), key, |view| {
        view.peek(key)
            .map_or(Reply::Null, |entry| reply(view, key, entry))
    })?)
}

/// OBJECT FREQ key
pub const FREQ: Command = Command {
    name: "OBJECT|FREQ",
    summary: "Tells how often a key is used, under an eviction policy that counts it.",
    group: Group::Generic,
    since: "4.0.0",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY]),
    key_flags: &["RO"],
    errors: &[(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
        "Always: no policy counts it.",
    )],
    examples: &[("OBJECT FREQ nothing", "(nil)")],
    run: |call| {
        const NOT_COUNTED: &str = "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.";
        of_key(call, |_, _, _| Reply::error(NOT_COUNTED))
    },
    ..COMMAND
};

/// OBJECT IDLETIME key
pub const IDLETIME: Command = Command {
    name: "OBJECT|IDLETIME",
    summary: "Tells for how many seconds a key was not read.",
    group: Group::Generic,
    since: "2.2.3",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY]),
    key_flags: &["RO"],
    examples: &[
        ("SET a 1", "OK"),
        ("GET a", "\"1\""),
        ("OBJECT IDLETIME a", "(integer) 0"),
    ],
    run: |call| of_key(call, |view, key, _| Reply::Int(idle_s(view, key))),
    ..COMMAND
};

/// A key that nobody has read is idle from the first time that somebody asks: writing it leaves no mark.
fn idle_s(view: &View, key: &[u8]) -> i64 {
    let database = view.keyspace().database(view.db);
    let accessed_s = database.accessed_s(key);
    let Some(accessed_s) = accessed_s.filter(|at| *at > 0) else {
        database.entry(key, view.now_ms);
        return 0;
    };
    (view.now_ms / 1000) as i64 - i64::from(accessed_s)
}

/// OBJECT REFCOUNT key
pub const REFCOUNT: Command = Command {
    name: "OBJECT|REFCOUNT",
    summary: "Tells how many keys share a value; always 1.",
    group: Group::Generic,
    since: "2.2.3",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY]),
    key_flags: &["RO"],
    examples: &[("SET a 1", "OK"), ("OBJECT REFCOUNT a", "(integer) 1")],
    run: |call| of_key(call, |_, _, _| Reply::Int(1)),
    ..COMMAND
};

/// OBJECT HELP
pub const HELP: Command = Command {
    name: "OBJECT|HELP",
    summary: "Lists the subcommands of OBJECT.",
    group: Group::Generic,
    since: "6.2.0",
    flags: flags(&[Flags::LOADING, Flags::STALE]),
    run: |_| {
        let lines = [
            "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
            "ENCODING <key>",
            "    How the value would be represented in Redis.",
            "FREQ <key>",
            "    How often the key is used, under an eviction policy that counts it.",
            "IDLETIME <key>",
            "    Seconds since the key was last read.",
            "REFCOUNT <key>",
            "    How many keys share the value.",
            "HELP",
            "    This text.",
        ];
        Ok(Reply::Array(lines.map(Reply::Simple).to_vec()))
    },
    ..COMMAND
};

/// `MEMORY USAGE key [SAMPLES count]`
pub const MEMORY_USAGE: Command = Command {
    name: "MEMORY|USAGE",
    summary: "Tells how many bytes of memory a key and its value take, about.",
    group: Group::Server,
    since: "4.0.0",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Option("SAMPLES", &[Arg::Int("count")])),
    ],
    flags: flags(&[Flags::READONLY]),
    key_flags: &["RO"],
    examples: &[("MEMORY USAGE nothing", "(nil)")],
    run: memory_usage,
    ..COMMAND
};

/// SAMPLES is read and makes no difference: sizes are counted as values change, not sampled.
fn memory_usage(call: &mut Call) -> Result {
    call.args.word()?;
    while let Some(word) = call.args.try_next() {
        if !word.eq_ignore_ascii_case(b"SAMPLES") || call.args.is_done() {
            return Err(error::SYNTAX);
        }
        if call.args.int()? < 0 {
            return Err(error::SYNTAX);
        }
    }
    of_key(call, |_, key, entry| {
        let fixed = size_of::<Entry>() + size_of::<Key>() + key.len();
        Reply::Int((fixed as u64 + value_bytes(&entry.value)) as i64)
    })
}

/// Bytes of a value outside its entry, about.
fn value_bytes(value: &Value) -> u64 {
    /// Name, the hash of the name, and its place in the index.
    const MEMBER_FIXED: usize = size_of::<bytes::Bytes>() + 16;
    match value {
        Value::String(bytes) => bytes.len() as u64,
        Value::Set(set) => (size_of::<Set>() + set.bytes() + set.len() * MEMBER_FIXED) as u64,
        Value::SortedSet(set) => {
            let fixed = MEMBER_FIXED + size_of::<f64>() + size_of::<Ranked>() * 4 / 3;
            (size_of::<SortedSet>() + set.bytes() + set.len() * fixed) as u64
        }
        Value::List(list) => {
            let fixed = list.len() * size_of::<bytes::Bytes>();
            (size_of::<List>() + list.bytes() + fixed) as u64
        }
        Value::Hash(hash) => (hash.bytes() + hash.overhead()) as u64,
        Value::Json(document) => (size_of::<Document>() + document.bytes()) as u64,
        Value::Collection(collection) => collection.memory().total(),
    }
}

//! Reading hashes: HGET, HMGET, HGETALL, HKEYS, HVALS, HLEN, HEXISTS, HSTRLEN.

use super::hash_of;
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::keys;
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::keyspace::hash::{Field, Hash};
use crate::protocol::Reply;
use std::sync::Arc;

const READS: Flags = flags(&[Flags::READONLY, Flags::FAST]);

/// HGET key field
pub const HGET: Command = Command {
    name: "HGET",
    summary: "Returns the value of a field of a hash.",
    group: Group::Hash,
    since: "2.0.0",
    args: &[Arg::Key("key"), Arg::Str("field")],
    flags: READS,
    examples: &[
        ("HSET city name Oslo", "(integer) 1"),
        ("HGET city name", "\"Oslo\""),
        ("HGET city mayor", "(nil)"),
    ],
    run: |call| {
        with_field(call, |field| {
            Reply::bulk_or_null(field.map(|field| field.value.to_bytes()))
        })
    },
    ..COMMAND
};

/// HEXISTS key field
pub const HEXISTS: Command = Command {
    name: "HEXISTS",
    summary: "Tells whether a hash has a field.",
    group: Group::Hash,
    since: "2.0.0",
    args: &[Arg::Key("key"), Arg::Str("field")],
    flags: READS,
    key_flags: &["RO"],
    examples: &[
        ("HSET city name Oslo", "(integer) 1"),
        ("HEXISTS city name", "(integer) 1"),
        ("HEXISTS city mayor", "(integer) 0"),
    ],
    run: |call| with_field(call, |field| Reply::Int(i64::from(field.is_some()))),
    ..COMMAND
};

/// HSTRLEN key field
pub const HSTRLEN: Command = Command {
    name: "HSTRLEN",
    summary: "Returns the length of a field's value in bytes, 0 if the field is missing.",
    group: Group::Hash,
    since: "3.2.0",
    args: &[Arg::Key("key"), Arg::Str("field")],
    flags: READS,
    key_flags: &["RO"],
    examples: &[
        ("HSET city name Oslo", "(integer) 1"),
        ("HSTRLEN city name", "(integer) 4"),
    ],
    run: |call| {
        with_field(call, |field| {
            Reply::count(field.map_or(0, |field| field.value.len()))
        })
    },
    ..COMMAND
};

fn with_field(call: &mut Call, reply: impl FnOnce(Option<Field<'_>>) -> Reply) -> Result {
    let (key, name) = (call.args.word()?, call.args.word()?);
    call.access.read(call.db(), key, |view| {
        let hash = hash_of(view, key)?;
        let field = hash.as_ref().and_then(|hash| hash.get(name, view.now_ms));
        Ok(reply(field))
    })?
}

/// `HMGET key field [field ...]`
pub const HMGET: Command = Command {
    name: "HMGET",
    summary: "Returns the values of several fields of a hash.",
    group: Group::Hash,
    since: "2.0.0",
    complexity: "O(N), N the number of fields",
    args: &[Arg::Key("key"), Arg::Multiple(&Arg::Str("field"))],
    flags: READS,
    class: Class::Predicted(keys::cost_of_words),
    examples: &[
        ("HSET city name Oslo people 717710", "(integer) 2"),
        ("HMGET city people mayor", "1) \"717710\"\n2) (nil)"),
    ],
    run: hmget,
    ..COMMAND
};

fn hmget(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let names = call.args.rest_words();
    let hash = call
        .access
        .read(call.db(), key, |view| hash_of(view, key))??;
    let now_ms = call.now_ms();
    let value = |name: &[u8]| {
        let field = hash.as_ref().and_then(|hash| hash.get(name, now_ms));
        Reply::bulk_or_null(field.map(|field| field.value.to_bytes()))
    };
    Ok(Reply::Array(names.map(value).collect()))
}

/// HGETALL key
pub const HGETALL: Command = Command {
    name: "HGETALL",
    summary: "Returns all fields of a hash with their values.",
    group: Group::Hash,
    since: "2.0.0",
    complexity: "O(N), N the number of fields",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(keys::cost_of_values),
    examples: &[
        ("HSET city name Oslo people 717710", "(integer) 2"),
        (
            "HGETALL city",
            "1) \"name\"\n2) \"Oslo\"\n3) \"people\"\n4) \"717710\"",
        ),
        ("HGETALL nothing", "(empty array)"),
    ],
    run: |call| {
        let hash = whole_hash(call)?;
        Ok(Reply::Map(each(call, hash.as_deref(), |field| {
            let (name, value) = (field.name.to_bytes(), field.value.to_bytes());
            (Reply::Bulk(name), Reply::Bulk(value))
        })))
    },
    ..COMMAND
};

/// HKEYS key
pub const HKEYS: Command = Command {
    name: "HKEYS",
    summary: "Returns the names of all fields of a hash.",
    group: Group::Hash,
    since: "2.0.0",
    complexity: "O(N), N the number of fields",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(keys::cost_of_values),
    examples: &[
        ("HSET city name Oslo people 717710", "(integer) 2"),
        ("HKEYS city", "1) \"name\"\n2) \"people\""),
    ],
    run: |call| {
        let hash = whole_hash(call)?;
        let names = each(call, hash.as_deref(), |field| {
            Reply::Bulk(field.name.to_bytes())
        });
        Ok(Reply::Array(names))
    },
    ..COMMAND
};

/// HVALS key
pub const HVALS: Command = Command {
    name: "HVALS",
    summary: "Returns the values of all fields of a hash.",
    group: Group::Hash,
    since: "2.0.0",
    complexity: "O(N), N the number of fields",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(keys::cost_of_values),
    examples: &[
        ("HSET city name Oslo people 717710", "(integer) 2"),
        ("HVALS city", "1) \"Oslo\"\n2) \"717710\""),
    ],
    run: |call| {
        let hash = whole_hash(call)?;
        let value = |field: Field<'_>| Reply::Bulk(field.value.to_bytes());
        Ok(Reply::Array(each(call, hash.as_deref(), value)))
    },
    ..COMMAND
};

/// HLEN key
pub const HLEN: Command = Command {
    name: "HLEN",
    summary: "Counts the fields of a hash.",
    group: Group::Hash,
    since: "2.0.0",
    args: &[Arg::Key("key")],
    flags: READS,
    key_flags: &["RO"],
    examples: &[
        ("HSET city name Oslo people 717710", "(integer) 2"),
        ("HLEN city", "(integer) 2"),
    ],
    run: |call| {
        let hash = whole_hash(call)?;
        Ok(Reply::count(
            hash.map_or(0, |hash| hash.len_at(call.now_ms())),
        ))
    },
    ..COMMAND
};

/// The hash as it is now; it stays as it is while others change the key.
fn whole_hash(call: &mut Call) -> Result<Option<Arc<Hash>>> {
    let key = call.args.word()?;
    call.access
        .read(call.db(), key, |view| hash_of(view, key))?
}

fn each<T>(call: &Call, hash: Option<&Hash>, make: impl Fn(Field<'_>) -> T) -> Vec<T> {
    let fields = hash.map(|hash| hash.iter_at(call.now_ms()));
    fields.into_iter().flatten().map(make).collect()
}

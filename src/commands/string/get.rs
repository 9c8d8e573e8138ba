//! Reading whole strings: GET, MGET, STRLEN, GETEX, GETDEL.

use super::value_of;
use crate::commands::Call;
use crate::commands::error::{self, Result};
use crate::commands::keys::{self, ExpiryOption, TIMES_OR_PERSIST};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::Value;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::Reply;
use bytes::Bytes;

/// GET key
pub const GET: Command = Command {
    name: "GET",
    summary: "Returns the string under a key.",
    group: Group::String,
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    examples: &[
        ("GET colour", "(nil)"),
        ("SET colour teal", "OK"),
        ("GET colour", "\"teal\""),
    ],
    run: get,
    ..COMMAND
};

fn get(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let value = call
        .access
        .read(call.db(), key, |view| value_of(view, key))??;
    Ok(Reply::bulk_or_null(value))
}

/// `MGET key [key ...]`
pub const MGET: Command = Command {
    name: "MGET",
    summary: "Returns the strings under several keys, as they are at one moment.",
    group: Group::String,
    complexity: "O(N), N the number of keys",
    args: &[Arg::Multiple(&Arg::Key("key"))],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    examples: &[
        ("MSET a 1 b 2", "OK"),
        ("MGET a b c", "1) \"1\"\n2) \"2\"\n3) (nil)"),
    ],
    run: mget,
    ..COMMAND
};

fn mget(call: &mut Call) -> Result {
    let keys: Vec<&[u8]> = call.args.rest_words().collect();
    Ok(call.access.read_keys(call.db(), &keys, |view| {
        let value = |key: &&[u8]| match view.get(key) {
            Some(Value::String(value)) => Reply::Bulk(value.into_bytes()),
            _ => Reply::Null,
        };
        Reply::Array(keys.iter().map(value).collect())
    })?)
}

/// STRLEN key
pub const STRLEN: Command = Command {
    name: "STRLEN",
    summary: "Returns the length of a string in bytes, 0 if the key is missing.",
    group: Group::String,
    since: "2.2.0",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    key_flags: &["RO"],
    examples: &[
        ("SET colour teal", "OK"),
        ("STRLEN colour", "(integer) 4"),
        ("STRLEN nothing", "(integer) 0"),
    ],
    run: strlen,
    ..COMMAND
};

fn strlen(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let value = call
        .access
        .read(call.db(), key, |view| value_of(view, key))??;
    Ok(Reply::count(value.map_or(0, |value| value.len())))
}

/// `GETEX key [EX seconds | PX milliseconds | EXAT time | PXAT time | PERSIST]`
pub const GETEX: Command = Command {
    name: "GETEX",
    summary: "Returns a string and sets or takes away its expiry.",
    group: Group::String,
    since: "6.2.0",
    args: &[Arg::Key("key"), Arg::Optional(&TIMES_OR_PERSIST)],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    errors: &[(
        "ERR invalid expire time in 'getex' command",
        "The expiry is not above zero, or too far away.",
    )],
    examples: &[
        ("SET session 42", "OK"),
        ("GETEX session EX 60", "\"42\""),
        ("TTL session", "(integer) 60"),
        ("GETEX session PERSIST", "\"42\""),
        ("TTL session", "(integer) -1"),
    ],
    run: getex,
    ..COMMAND
};

fn getex(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let mut option = ExpiryOption::Unsaid;
    while let Some(word) = call.args.try_next() {
        if !option.accept(word, &mut call.args, "PERSIST")? {
            return Err(error::SYNTAX);
        }
    }
    let db = call.db();
    if option == ExpiryOption::Unsaid {
        let value = call.access.read(db, key, |view| value_of(view, key))??;
        return Ok(Reply::bulk_or_null(value));
    }
    call.access.write(db, &[key], |view| {
        let Some(entry) = view.entry(key) else {
            return Ok(Decision::unchanged(Reply::Null));
        };
        let is_expiring = entry.expires_at_ms().is_some();
        let Value::String(value) = entry.value else {
            return Err(error::WRONG_TYPE);
        };
        // The number is looked at only now: a missing key answers null whatever it is.
        let effect = match option.at_ms(view.now_ms, "getex")? {
            Some(at_ms) if at_ms <= view.now_ms => Some(Effect::Delete),
            Some(at_ms) => Some(Effect::ExpireAt { at_ms }),
            None => is_expiring.then_some(Effect::Persist),
        };
        let changes = effect.map(|effect| Change::new(db, key, effect));
        Ok(Decision::with(
            Reply::Bulk(value.into_bytes()),
            changes.into_iter().collect(),
        ))
    })
}

/// GETDEL key
pub const GETDEL: Command = Command {
    name: "GETDEL",
    summary: "Returns a string and deletes its key.",
    group: Group::String,
    since: "6.2.0",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    key_flags: &["RW", "access", "delete"],
    examples: &[
        ("SET token abc", "OK"),
        ("GETDEL token", "\"abc\""),
        ("GETDEL token", "(nil)"),
    ],
    run: getdel,
    ..COMMAND
};

fn getdel(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let value: Option<Bytes> = value_of(view, key)?;
        let changes = value
            .iter()
            .map(|_| Change::new(db, key, Effect::Delete))
            .collect();
        Ok(Decision::with(Reply::bulk_or_null(value), changes))
    })
}

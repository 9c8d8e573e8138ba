//! Strings that spell numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.

use super::value_of;
use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect, Expiry};
use crate::protocol::decimal::Decimal;
use crate::protocol::{Reply, number};
use bytes::Bytes;

/// A sum that no 64-bit integer holds.
pub const WOULD_OVERFLOW: Refusal = Refusal::line("ERR increment or decrement would overflow");
/// A sum that is no number.
pub const WOULD_BE_INFINITE: Refusal = Refusal::line("ERR increment would produce NaN or Infinity");

const FLAGS: Flags = flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]);

/// INCR key
pub const INCR: Command = Command {
    name: "INCR",
    summary: "Adds one to the integer that a key holds; a missing key counts as 0.",
    group: Group::String,
    args: &[Arg::Key("key")],
    flags: FLAGS,
    errors: &[(
        "ERR increment or decrement would overflow",
        "The sum is no 64-bit integer.",
    )],
    examples: &[
        ("INCR visits", "(integer) 1"),
        ("INCR visits", "(integer) 2"),
    ],
    run: |call| add(call, 1),
    ..COMMAND
};

/// DECR key
pub const DECR: Command = Command {
    name: "DECR",
    summary: "Takes one from the integer that a key holds; a missing key counts as 0.",
    group: Group::String,
    args: &[Arg::Key("key")],
    flags: FLAGS,
    errors: &[(
        "ERR increment or decrement would overflow",
        "The difference is no 64-bit integer.",
    )],
    examples: &[("SET stock 10", "OK"), ("DECR stock", "(integer) 9")],
    run: |call| add(call, -1),
    ..COMMAND
};

/// INCRBY key increment
pub const INCRBY: Command = Command {
    name: "INCRBY",
    summary: "Adds to the integer that a key holds; a missing key counts as 0.",
    group: Group::String,
    args: &[Arg::Key("key"), Arg::Int("increment")],
    flags: FLAGS,
    errors: &[(
        "ERR increment or decrement would overflow",
        "The sum is no 64-bit integer.",
    )],
    examples: &[("INCRBY visits 40", "(integer) 40")],
    run: |call| {
        let increment = call.request.get(2).and_then(number::parse_i64);
        add(call, increment.ok_or(error::NOT_AN_INTEGER)?)
    },
    ..COMMAND
};

/// DECRBY key decrement
pub const DECRBY: Command = Command {
    name: "DECRBY",
    summary: "Takes from the integer that a key holds; a missing key counts as 0.",
    group: Group::String,
    args: &[Arg::Key("key"), Arg::Int("decrement")],
    flags: FLAGS,
    errors: &[
        (
            "ERR increment or decrement would overflow",
            "The difference is no 64-bit integer.",
        ),
        (
            "ERR decrement would overflow",
            "The decrement is -9223372036854775808.",
        ),
    ],
    examples: &[("SET stock 10", "OK"), ("DECRBY stock 3", "(integer) 7")],
    run: |call| {
        let decrement = call.request.get(2).and_then(number::parse_i64);
        let decrement = decrement.ok_or(error::NOT_AN_INTEGER)?;
        let increment = decrement
            .checked_neg()
            .ok_or(Refusal::line("ERR decrement would overflow"))?;
        add(call, increment)
    },
    ..COMMAND
};

fn add(call: &mut Call, increment: i64) -> Result {
    let key = call.args.word()?;
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let old = match value_of(view, key)? {
            None => 0,
            Some(value) => number::parse_i64(&value).ok_or(error::NOT_AN_INTEGER)?,
        };
        let sum = old.checked_add(increment).ok_or(WOULD_OVERFLOW)?;
        let value = Bytes::copy_from_slice(&number::integer_text(sum));
        let expiry = Expiry::Keep;
        Ok(Decision::one(
            Reply::Int(sum),
            Change::new(db, key, Effect::Set { value, expiry }),
        ))
    })
}

/// INCRBYFLOAT key increment
pub const INCRBYFLOAT: Command = Command {
    name: "INCRBYFLOAT",
    summary: "Adds to the decimal number that a key holds; a missing key counts as 0.",
    group: Group::String,
    since: "2.6.0",
    args: &[Arg::Key("key"), Arg::Double("increment")],
    flags: FLAGS,
    errors: &[(
        "ERR increment would produce NaN or Infinity",
        "The sum is too large to be written.",
    )],
    examples: &[
        ("SET price 10.5", "OK"),
        ("INCRBYFLOAT price 0.1", "\"10.6\""),
        ("INCRBYFLOAT price -5", "\"5.6\""),
    ],
    run: incrbyfloat,
    ..COMMAND
};

fn incrbyfloat(call: &mut Call) -> Result {
    let (key, increment) = (call.args.word()?, call.args.word()?);
    let increment = Decimal::parse(increment);
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let old = value_of(view, key)?;
        let old = Decimal::parse(old.as_deref().unwrap_or(b"0")).ok_or(error::NOT_A_FLOAT)?;
        let increment = increment.ok_or(error::NOT_A_FLOAT)?;
        let sum = old.checked_add(&increment).and_then(|sum| sum.text());
        let value = Bytes::from(sum.ok_or(WOULD_BE_INFINITE)?);
        let reply = Reply::Bulk(value.clone());
        let expiry = Expiry::Keep;
        Ok(Decision::one(
            reply,
            Change::new(db, key, Effect::Set { value, expiry }),
        ))
    })
}

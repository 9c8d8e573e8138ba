//! Fields that spell numbers: HINCRBY, HINCRBYFLOAT.

use super::hash_of;
use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::string::{WOULD_BE_INFINITE, WOULD_OVERFLOW};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::View;
use crate::keyspace::change::{Change, Effect, Expiry};
use crate::protocol::decimal::Decimal;
use crate::protocol::{Reply, number};
use bytes::Bytes;

const FLAGS: Flags = flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]);

/// HINCRBY key field increment
pub const HINCRBY: Command = Command {
    name: "HINCRBY",
    summary: "Adds to the integer that a field of a hash holds; a missing field counts as 0.",
    group: Group::Hash,
    since: "2.0.0",
    args: &[Arg::Key("key"), Arg::Str("field"), Arg::Int("increment")],
    flags: FLAGS,
    errors: &[
        (
            "ERR hash value is not an integer",
            "The field holds something else.",
        ),
        (
            "ERR increment or decrement would overflow",
            "The sum is no 64-bit integer.",
        ),
    ],
    examples: &[
        ("HINCRBY page visits 40", "(integer) 40"),
        ("HINCRBY page visits -1", "(integer) 39"),
    ],
    run: hincrby,
    ..COMMAND
};

fn hincrby(call: &mut Call) -> Result {
    let (key, name, increment) = (call.args.word()?, call.args.bytes()?, call.args.int()?);
    call.access.write(call.db(), &[key], |view| {
        let old = match value_of(view, key, &name)? {
            None => 0,
            Some(value) => number::parse_i64(&value)
                .ok_or(Refusal::line("ERR hash value is not an integer"))?,
        };
        let sum = old.checked_add(increment).ok_or(WOULD_OVERFLOW)?;
        let value = Bytes::copy_from_slice(&number::integer_text(sum));
        Ok(Decision::one(
            Reply::Int(sum),
            sum_change(view, key, name, value),
        ))
    })
}

/// HINCRBYFLOAT key field increment
pub const HINCRBYFLOAT: Command = Command {
    name: "HINCRBYFLOAT",
    summary: "Adds to the decimal number that a field of a hash holds; a missing field counts as 0.",
    group: Group::Hash,
    since: "2.6.0",
    args: &[Arg::Key("key"), Arg::Str("field"), Arg::Double("increment")],
    flags: FLAGS,
    errors: &[
        (
            "ERR hash value is not a float",
            "The field holds something else.",
        ),
        ("ERR value is NaN or Infinity", "The increment is infinite."),
        (
            "ERR increment would produce NaN or Infinity",
            "The sum is too large to be written.",
        ),
    ],
    examples: &[
        ("HSET tea price 10.5", "(integer) 1"),
        ("HINCRBYFLOAT tea price 0.1", "\"10.6\""),
    ],
    run: hincrbyfloat,
    ..COMMAND
};

fn hincrbyfloat(call: &mut Call) -> Result {
    let (key, name, increment) = (call.args.word()?, call.args.bytes()?, call.args.word()?);
    let increment = Decimal::parse(increment).ok_or(error::NOT_A_FLOAT)?;
    if increment == Decimal::Infinite {
        return Err(Refusal::line("ERR value is NaN or Infinity"));
    }
    call.access.write(call.db(), &[key], |view| {
        let old = value_of(view, key, &name)?;
        let old = Decimal::parse(old.as_deref().unwrap_or(b"0"))
            .ok_or(Refusal::line("ERR hash value is not a float"))?;
        let sum = old.checked_add(&increment).and_then(|sum| sum.text());
        let value = Bytes::from(sum.ok_or(WOULD_BE_INFINITE)?);
        let reply = Reply::Bulk(value.clone());
        Ok(Decision::one(reply, sum_change(view, key, name, value)))
    })
}

fn value_of(view: &View, key: &[u8], name: &[u8]) -> Result<Option<Bytes>> {
    let hash = hash_of(view, key)?;
    let field = hash.as_ref().and_then(|hash| hash.get(name, view.now_ms));
    Ok(field.map(|field| field.value.to_bytes()))
}

/// Writes a sum; the field keeps its expiry.
fn sum_change(view: &View, key: &[u8], name: Bytes, value: Bytes) -> Change {
    let (fields, expiry) = (vec![(name, value)], Expiry::Keep);
    Change::new(view.db, key, Effect::HashSet { fields, expiry })
}

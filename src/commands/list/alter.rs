//! Lists are changed inside: LSET, LINSERT, LREM, LTRIM.

use super::{list_of, place_of};
use crate::commands::error::{self, Result};
use crate::commands::members::{places, take_signed};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, keys};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::list::End;
use crate::protocol::Reply;

/// LSET key index element
pub const LSET: Command = Command {
    name: "LSET",
    summary: "Replaces an element of a list, found by its place.",
    group: Group::List,
    complexity: "O(S), S the chunks between the element and the nearer end",
    args: &[Arg::Key("key"), Arg::Int("index"), Arg::Str("element")],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    key_flags: &["RW", "update"],
    errors: &[
        ("ERR no such key", "The key is missing."),
        ("ERR index out of range", "The list has no such place."),
    ],
    examples: &[
        ("RPUSH queue a b", "(integer) 2"),
        ("LSET queue -1 c", "OK"),
        ("LRANGE queue 0 -1", "1) \"a\"\n2) \"c\""),
        ("LSET queue 2 d", "(error) ERR index out of range"),
    ],
    run: lset,
    ..COMMAND
};

fn lset(call: &mut Call) -> Result {
    let (key, index, element) = (call.args.word()?, call.args.int(), call.args.bytes()?);
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let list = list_of(view, key)?.ok_or(error::NO_SUCH_KEY)?;
        let place = place_of(index?, list.len()).ok_or(error::OUT_OF_RANGE)?;
        let change = Change::new(db, key, Effect::ListSet { place, element });
        Ok(Decision::one(Reply::ok(), change))
    })
}

/// LINSERT key BEFORE | AFTER pivot element
pub const LINSERT: Command = Command {
    name: "LINSERT",
    summary: "Puts an element beside the first one that equals another, and returns the new length, or -1 if there is none.",
    group: Group::List,
    since: "2.2.0",
    complexity: "O(N), N the number of elements before the other one",
    args: &[
        Arg::Key("key"),
        Arg::OneOf(&[Arg::Token("BEFORE"), Arg::Token("AFTER")]),
        Arg::Str("pivot"),
        Arg::Str("element"),
    ],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_values),
    key_flags: &["RW", "insert"],
    examples: &[
        ("RPUSH queue a c", "(integer) 2"),
        ("LINSERT queue BEFORE c b", "(integer) 3"),
        ("LRANGE queue 0 -1", "1) \"a\"\n2) \"b\"\n3) \"c\""),
        ("LINSERT queue AFTER d e", "(integer) -1"),
        ("LINSERT nothing AFTER d e", "(integer) 0"),
    ],
    run: linsert,
    ..COMMAND
};

fn linsert(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let side = if call.args.take("BEFORE") {
        End::Front
    } else if call.args.take("AFTER") {
        End::Back
    } else {
        return Err(error::SYNTAX);
    };
    let (pivot, element) = (call.args.bytes()?, call.args.bytes()?);
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(list) = list_of(view, key)? else {
            return Ok(Decision::unchanged(Reply::Int(0)));
        };
        if !list.iter().any(|other| *other == pivot) {
            return Ok(Decision::unchanged(Reply::Int(-1)));
        }
        let effect = Effect::ListInsert {
            side,
            pivot,
            element,
        };
        let reply = Reply::count(list.len() + 1);
        Ok(Decision::one(reply, Change::new(db, key, effect)))
    })
}

/// LREM key count element
pub const LREM: Command = Command {
    name: "LREM",
    summary: "Removes elements of a list that equal one: with a count the first so many, below zero the last, at 0 all.",
    group: Group::List,
    complexity: "O(N), N the number of elements",
    args: &[Arg::Key("key"), Arg::Int("count"), Arg::Str("element")],
    flags: flags(&[Flags::WRITE]),
    class: Class::Predicted(keys::cost_of_values),
    key_flags: &["RW", "delete"],
    examples: &[
        ("RPUSH letters a b a b a", "(integer) 5"),
        ("LREM letters -2 a", "(integer) 2"),
        ("LRANGE letters 0 -1", "1) \"a\"\n2) \"b\"\n3) \"b\""),
    ],
    run: lrem,
    ..COMMAND
};

fn lrem(call: &mut Call) -> Result {
    let (key, signed) = (call.args.word()?, take_signed(&mut call.args)?);
    let element = call.args.bytes()?;
    let wanted = match signed {
        0 => usize::MAX,
        _ => signed.unsigned_abs() as usize,
    };
    let end = if signed < 0 { End::Back } else { End::Front };
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let list = list_of(view, key)?;
        let elements = list.iter().flat_map(|list| list.iter());
        let equal = elements.filter(|other| **other == element);
        let count = equal.take(wanted).count();
        let reply = Reply::count(count);
        if count == 0 {
            return Ok(Decision::unchanged(reply));
        }
        let effect = Effect::ListRemove {
            end,
            count,
            element,
        };
        Ok(Decision::one(reply, Change::new(db, key, effect)))
    })
}

/// LTRIM key start stop
pub const LTRIM: Command = Command {
    name: "LTRIM",
    summary: "Removes all elements of a list but those of a range of places.",
    group: Group::List,
    complexity: "O(N), N the number of elements removed",
    args: &[Arg::Key("key"), Arg::Int("start"), Arg::Int("stop")],
    flags: flags(&[Flags::WRITE]),
    class: Class::Predicted(keys::cost_of_values),
    key_flags: &["RW", "delete"],
    examples: &[
        ("RPUSH queue a b c d", "(integer) 4"),
        ("LTRIM queue 1 -2", "OK"),
        ("LRANGE queue 0 -1", "1) \"b\"\n2) \"c\""),
    ],
    run: ltrim,
    ..COMMAND
};

fn ltrim(call: &mut Call) -> Result {
    let (key, start, stop) = (call.args.word()?, call.args.int()?, call.args.int()?);
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(list) = list_of(view, key)? else {
            return Ok(Decision::unchanged(Reply::ok()));
        };
        let kept = places(start, stop, list.len());
        let effect = match kept.len() {
            0 => Effect::Delete,
            len if len == list.len() => return Ok(Decision::unchanged(Reply::ok())),
            _ => Effect::ListTrim {
                first: kept.start,
                last: kept.end - 1,
            },
        };
        Ok(Decision::one(Reply::ok(), Change::new(db, key, effect)))
    })
}

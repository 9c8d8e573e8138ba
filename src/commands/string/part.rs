//! Parts of strings: GETRANGE, SUBSTR, SETRANGE, APPEND.

use super::value_of;
use crate::commands::error::{Refusal, Result};
use crate::commands::keys::{self, BYTES_PER_US};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, Context, Session};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::{Reply, Request, number};
use bytes::Bytes;

const TOO_LONG: Refusal =
    Refusal::line("ERR string exceeds maximum allowed size (proto-max-bulk-len)");

/// GETRANGE key start end
pub const GETRANGE: Command = Command {
    name: "GETRANGE",
    summary: "Returns a part of a string, from one position to another, both included.",
    group: Group::String,
    since: "2.4.0",
    complexity: "O(1)",
    args: &[Arg::Key("key"), Arg::Int("start"), Arg::Int("end")],
    flags: flags(&[Flags::READONLY]),
    examples: &[
        ("SET word telescope", "OK"),
        ("GETRANGE word 0 3", "\"tele\""),
        ("GETRANGE word -5 -1", "\"scope\""),
    ],
    run: getrange,
    ..COMMAND
};

/// SUBSTR key start end
pub const SUBSTR: Command = Command {
    name: "SUBSTR",
    summary: "Returns a part of a string: an older name of GETRANGE.",
    since: "1.0.0",
    examples: &[
        ("SET word telescope", "OK"),
        ("SUBSTR word 4 100", "\"scope\""),
    ],
    ..GETRANGE
};

fn getrange(call: &mut Call) -> Result {
    let (key, start, end) = (call.args.word()?, call.args.int()?, call.args.int()?);
    let value = call
        .access
        .read(call.db(), key, |view| value_of(view, key))??;
    Ok(Reply::Bulk(
        value.map_or(Bytes::new(), |value| slice(&value, start, end)),
    ))
}

/// The bytes from `start` to `end`; below zero they count from the end.
fn slice(value: &Bytes, start: i64, end: i64) -> Bytes {
    let len = value.len() as i64;
    if start < 0 && end < 0 && start > end {
        return Bytes::new();
    }
    let from_start = |position: i64| {
        let position = if position < 0 {
            len + position
        } else {
            position
        };
        position.max(0)
    };
    let (start, end) = (from_start(start), from_start(end).min(len - 1));
    if start > end || len == 0 {
        return Bytes::new();
    }
    value.slice(start as usize..=end as usize)
}

/// SETRANGE key offset value
pub const SETRANGE: Command = Command {
    name: "SETRANGE",
    summary: "Overwrites a part of a string, and fills what lies between its end and that part with zero bytes.",
    group: Group::String,
    since: "2.2.0",
    complexity: "O(N), N the length of the value",
    args: &[Arg::Key("key"), Arg::Int("offset"), Arg::Str("value")],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(cost_of_fill),
    key_flags: &["RW", "update"],
    errors: &[
        ("ERR offset is out of range", "The offset is below zero."),
        (
            "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            "The string would become longer than the option allows.",
        ),
    ],
    examples: &[
        ("SET word telescope", "OK"),
        ("SETRANGE word 4 gram", "(integer) 9"),
        ("GET word", "\"telegrame\""),
    ],
    run: setrange,
    ..COMMAND
};

/// What lies in front of the part may have to be made.
fn cost_of_fill(context: &Context, session: &Session, request: &Request) -> u64 {
    let offset = request.get(2).and_then(number::parse_u64).unwrap_or(0);
    keys::cost_of_words(context, session, request) + offset / BYTES_PER_US
}

fn setrange(call: &mut Call) -> Result {
    let (key, offset, part) = (call.args.word()?, call.args.int()?, call.args.bytes()?);
    let offset =
        usize::try_from(offset).map_err(|_| Refusal::line("ERR offset is out of range"))?;
    let bytes_max = call.context.config.proto_max_bulk_len_bytes();
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let len = value_of(view, key)?.map_or(0, |value| value.len());
        if part.is_empty() {
            return Ok(Decision::unchanged(Reply::count(len)));
        }
        let end = offset.saturating_add(part.len());
        check_length(end, bytes_max)?;
        let reply = Reply::count(len.max(end));
        Ok(Decision::one(
            reply,
            Change::new(db, key, Effect::SetRange { offset, part }),
        ))
    })
}

fn check_length(len: usize, bytes_max: u64) -> Result<()> {
    if len as u64 > bytes_max {
        return Err(TOO_LONG);
    }
    Ok(())
}

/// APPEND key value
pub const APPEND: Command = Command {
    name: "APPEND",
    summary: "Adds bytes at the end of a string, which is made if it is missing.",
    group: Group::String,
    since: "2.0.0",
    complexity: "O(N), N the length of the value",
    args: &[Arg::Key("key"), Arg::Str("value")],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "insert"],
    errors: &[(
        "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        "The string would become longer than the option allows.",
    )],
    examples: &[
        ("APPEND word tele", "(integer) 4"),
        ("APPEND word scope", "(integer) 9"),
        ("GET word", "\"telescope\""),
    ],
    run: append,
    ..COMMAND
};

fn append(call: &mut Call) -> Result {
    let (key, suffix) = (call.args.word()?, call.args.bytes()?);
    let bytes_max = call.context.config.proto_max_bulk_len_bytes();
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let len = suffix.len();
        let total = match value_of(view, key)? {
            None => len,
            Some(value) => {
                check_length(value.len().saturating_add(len), bytes_max)?;
                value.len() + len
            }
        };
        Ok(Decision::one(
            Reply::count(total),
            Change::new(db, key, Effect::Append { suffix }),
        ))
    })
}

//! Keys under another name or in another database: RENAME, RENAMENX, COPY, MOVE.

use super::cost_of_values;
use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::Reply;

const SAME_OBJECTS: Refusal = Refusal::line("ERR source and destination objects are the same");

/// RENAME key newkey
pub const RENAME: Command = Command {
    name: "RENAME",
    summary: "Gives a key another name, and replaces what is there.",
    group: Group::Generic,
    complexity: "O(1), and O(N) for what is replaced, N the number of its elements",
    args: &[Arg::Key("key"), Arg::Key("newkey")],
    flags: flags(&[Flags::WRITE]),
    class: Class::Predicted(cost_of_values),
    errors: &[("ERR no such key", "The key is missing.")],
    examples: &[
        ("SET draft text", "OK"),
        ("RENAME draft final", "OK"),
        ("GET final", "\"text\""),
        ("RENAME draft final", "(error) ERR no such key"),
    ],
    key_flags: &["RW", "access", "delete"],
    later_key_flags: &["OW", "update"],
    run: |call| rename(call, false),
    ..COMMAND
};

/// RENAMENX key newkey
pub const RENAMENX: Command = Command {
    name: "RENAMENX",
    summary: "Gives a key another name, if no key has that name.",
    group: Group::Generic,
    args: &[Arg::Key("key"), Arg::Key("newkey")],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    errors: &[("ERR no such key", "The key is missing.")],
    examples: &[
        ("MSET draft text final old", "OK"),
        ("RENAMENX draft final", "(integer) 0"),
        ("RENAMENX draft other", "(integer) 1"),
    ],
    key_flags: &["RW", "access", "delete"],
    later_key_flags: &["OW", "insert"],
    run: |call| rename(call, true),
    ..COMMAND
};

fn rename(call: &mut Call, is_nx: bool) -> Result {
    let (from, to) = (call.args.word()?, call.args.word()?);
    let db = call.db();
    call.access.write(db, &[from, to], |view| {
        if !view.contains(from) {
            return Err(error::NO_SUCH_KEY);
        }
        let done = if is_nx { Reply::Int(1) } else { Reply::ok() };
        if is_nx && view.contains(to) {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        if from == to {
            return Ok(Decision::unchanged(done));
        }
        let change = Change::new(db, from, Effect::Rename { to: to.into() });
        Ok(Decision::one(done, change))
    })
}

/// `COPY source destination [DB destination-db] [REPLACE]`
pub const COPY: Command = Command {
    name: "COPY",
    summary: "Copies a key's value and expiry to another key.",
    group: Group::Generic,
    since: "6.2.0",
    complexity: "O(1) for strings and hashes, O(N) for vector sets, N the number of elements",
    args: &[
        Arg::Key("source"),
        Arg::Key("destination"),
        Arg::Optional(&Arg::Option("DB", &[Arg::Int("destination-db")])),
        Arg::Optional(&Arg::Token("REPLACE")),
    ],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::WORLD]),
    class: Class::Predicted(cost_of_values),
    errors: &[
        (
            "ERR source and destination objects are the same",
            "Both are one key of one database.",
        ),
        ("ERR DB index is out of range", "There is no such database."),
    ],
    examples: &[
        ("SET original text", "OK"),
        ("COPY original duplicate", "(integer) 1"),
        ("COPY original duplicate", "(integer) 0"),
        ("COPY original duplicate REPLACE", "(integer) 1"),
    ],
    key_flags: &["RO", "access"],
    later_key_flags: &["OW", "update"],
    run: copy,
    ..COMMAND
};

fn copy(call: &mut Call) -> Result {
    let (from, to) = (call.args.word()?, call.args.word()?);
    let db = call.db();
    let (mut to_db, mut is_replace) = (db, false);
    while !call.args.is_done() {
        if call.args.take("REPLACE") {
            is_replace = true;
        } else if call.args.left() > 1 && call.args.take("DB") {
            to_db = take_db(call)?;
        } else {
            return Err(error::SYNTAX);
        }
    }
    if to_db == db && from == to {
        return Err(SAME_OBJECTS);
    }
    call.access
        .write_across(db, &[(db, from), (to_db, to)], |view| {
            let is_taken = !is_replace && view.in_db(to_db).contains(to);
            if !view.contains(from) || is_taken {
                return Ok(Decision::unchanged(Reply::Int(0)));
            }
            let to = to.into();
            let change = Change::new(db, from, Effect::Copy { to_db, to });
            Ok(Decision::one(Reply::Int(1), change))
        })
}

/// The next word as the number of a database.
pub(super) fn take_db(call: &mut Call) -> Result<usize> {
    const OUT_OF_INT: Refusal =
        Refusal::line("ERR value is out of range, value must between -2147483648 and 2147483647");
    let number = call.args.int()?;
    let number = i32::try_from(number).map_err(|_| OUT_OF_INT)?;
    usize::try_from(number)
        .ok()
        .filter(|db| *db < call.context.engine.keyspace().databases())
        .ok_or(error::DB_OUT_OF_RANGE)
}

/// MOVE key db
pub const MOVE: Command = Command {
    name: "MOVE",
    summary: "Moves a key to another database, unless that has a key of the same name.",
    group: Group::Generic,
    args: &[Arg::Key("key"), Arg::Int("db")],
    flags: flags(&[Flags::WRITE, Flags::FAST, Flags::WORLD]),
    errors: &[
        (
            "ERR source and destination objects are the same",
            "The key is in that database.",
        ),
        ("ERR DB index is out of range", "There is no such database."),
    ],
    examples: &[
        ("SET a 1", "OK"),
        ("MOVE a 1", "(integer) 1"),
        ("EXISTS a", "(integer) 0"),
    ],
    run: move_key,
    ..COMMAND
};

fn move_key(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let to_db = take_db(call)?;
    let db = call.db();
    if to_db == db {
        return Err(SAME_OBJECTS);
    }
    call.access
        .write_across(db, &[(db, key), (to_db, key)], |view| {
            if view.peek(key).is_none() || view.in_db(to_db).contains(key) {
                return Ok(Decision::unchanged(Reply::Int(0)));
            }
            let change = Change::new(db, key, Effect::Move { to_db });
            Ok(Decision::one(Reply::Int(1), change))
        })
}

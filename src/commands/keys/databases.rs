//! Databases as a whole: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.

use super::copy::take_db;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, Context, Session};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::{Reply, Request, number};

/// DBSIZE
pub const DBSIZE: Command = Command {
    name: "DBSIZE",
    summary: "Counts the keys of the database.",
    group: Group::Server,
    flags: flags(&[Flags::READONLY, Flags::FAST, Flags::WORLD]),
    examples: &[("MSET a 1 b 2", "OK"), ("DBSIZE", "(integer) 2")],
    run: dbsize,
    ..COMMAND
};

fn dbsize(call: &mut Call) -> Result {
    let view = call.access.view(call.db());
    Ok(Reply::count(view.keyspace().database(view.db).len()))
}

const SYNC_OR_ASYNC: &[Arg] = &[Arg::Optional(&Arg::OneOf(&[
    Arg::Token("ASYNC"),
    Arg::Token("SYNC"),
]))];

const FLUSH_FLAGS: Flags = flags(&[Flags::WRITE, Flags::DANGEROUS, Flags::WORLD]);

/// `FLUSHDB [ASYNC | SYNC]`
pub const FLUSHDB: Command = Command {
    name: "FLUSHDB",
    summary: "Deletes all keys of the database.",
    group: Group::Server,
    complexity: "O(N), N the number of keys",
    args: SYNC_OR_ASYNC,
    flags: FLUSH_FLAGS,
    class: Class::Predicted(cost_of_flush),
    examples: &[
        ("SET a 1", "OK"),
        ("FLUSHDB", "OK"),
        ("DBSIZE", "(integer) 0"),
    ],
    run: |call| flush(call, Effect::FlushDb),
    ..COMMAND
};

/// `FLUSHALL [ASYNC | SYNC]`
pub const FLUSHALL: Command = Command {
    name: "FLUSHALL",
    summary: "Deletes all keys of all databases.",
    group: Group::Server,
    complexity: "O(N), N the number of keys",
    args: SYNC_OR_ASYNC,
    flags: FLUSH_FLAGS,
    class: Class::Predicted(cost_of_flush),
    examples: &[
        ("SET a 1", "OK"),
        ("FLUSHALL", "OK"),
        ("DBSIZE", "(integer) 0"),
    ],
    run: |call| flush(call, Effect::FlushAll),
    ..COMMAND
};

/// A database of few keys may still hold a large collection, so only small ones are quick.
fn cost_of_flush(context: &Context, _: &Session, _: &Request) -> u64 {
    let keyspace = context.engine.keyspace();
    let keys = (0..keyspace.databases()).map(|db| keyspace.database(db).len() as u64);
    keys.sum::<u64>() * 10
}

/// ASYNC and SYNC make no difference: the reply comes when the keys are gone.
fn flush(call: &mut Call, effect: Effect) -> Result {
    if let Some(word) = call.args.try_next() {
        let is_known = word.eq_ignore_ascii_case(b"SYNC") || word.eq_ignore_ascii_case(b"ASYNC");
        if !is_known || !call.args.is_done() {
            return Err(error::SYNTAX);
        }
    }
    let db = call.db();
    call.access.write_world(db, |_| {
        Ok(Decision::one(Reply::ok(), Change::new(db, b"", effect)))
    })
}

/// SWAPDB index1 index2
pub const SWAPDB: Command = Command {
    name: "SWAPDB",
    summary: "Exchanges the contents of two databases.",
    group: Group::Server,
    since: "4.0.0",
    args: &[Arg::Int("index1"), Arg::Int("index2")],
    flags: flags(&[Flags::WRITE, Flags::FAST, Flags::DANGEROUS, Flags::WORLD]),
    errors: &[
        ("ERR invalid first DB index", "The first number is none."),
        ("ERR invalid second DB index", "The second number is none."),
        ("ERR DB index is out of range", "There is no such database."),
    ],
    examples: &[
        ("SET a 1", "OK"),
        ("SWAPDB 0 1", "OK"),
        ("EXISTS a", "(integer) 0"),
    ],
    run: swapdb,
    ..COMMAND
};

fn swapdb(call: &mut Call) -> Result {
    let [first, second] = ["first", "second"];
    check_index(call.request.get(1), first)?;
    check_index(call.request.get(2), second)?;
    let (one, with) = (take_db(call)?, take_db(call)?);
    call.access.write_world(one, |_| {
        let changes = match one == with {
            true => Vec::new(),
            false => vec![Change::new(one, b"", Effect::SwapDb { with })],
        };
        Ok(Decision::with(Reply::ok(), changes))
    })
}

/// Both numbers are read before either is compared with the number of databases.
fn check_index(word: Option<&[u8]>, which: &str) -> Result<()> {
    let number = word.and_then(number::parse_i64);
    if number.is_none_or(|number| i32::try_from(number).is_err()) {
        return Err(Refusal::made(format!("ERR invalid {which} DB index")));
    }
    Ok(())
}

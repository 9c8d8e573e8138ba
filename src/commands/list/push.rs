//! Elements come in at an end: LPUSH, RPUSH, LPUSHX, RPUSHX.

use super::list_of;
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::keys;
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::list::End;
use crate::protocol::Reply;
use bytes::Bytes;

const PUSHES: Command = Command {
    group: Group::List,
    complexity: "O(N), N the number of elements given",
    args: &[Arg::Key("key"), Arg::Multiple(&Arg::Str("element"))],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "insert"],
    ..COMMAND
};

/// `LPUSH key element [element ...]`
pub const LPUSH: Command = Command {
    name: "LPUSH",
    summary: "Puts elements in front of a list, one after the other, and returns its new length.",
    examples: &[
        ("LPUSH queue a b", "(integer) 2"),
        ("LRANGE queue 0 -1", "1) \"b\"\n2) \"a\""),
    ],
    run: |call| push(call, End::Front, true),
    ..PUSHES
};

/// `RPUSH key element [element ...]`
pub const RPUSH: Command = Command {
    name: "RPUSH",
    summary: "Puts elements at the end of a list and returns its new length.",
    examples: &[
        ("RPUSH queue a b", "(integer) 2"),
        ("LRANGE queue 0 -1", "1) \"a\"\n2) \"b\""),
    ],
    run: |call| push(call, End::Back, true),
    ..PUSHES
};

/// `LPUSHX key element [element ...]`
pub const LPUSHX: Command = Command {
    name: "LPUSHX",
    summary: "Puts elements in front of a list if the list is there.",
    since: "2.2.0",
    examples: &[
        ("LPUSHX queue a", "(integer) 0"),
        ("LPUSH queue a", "(integer) 1"),
        ("LPUSHX queue b", "(integer) 2"),
    ],
    run: |call| push(call, End::Front, false),
    ..PUSHES
};

/// `RPUSHX key element [element ...]`
pub const RPUSHX: Command = Command {
    name: "RPUSHX",
    summary: "Puts elements at the end of a list if the list is there.",
    since: "2.2.0",
    examples: &[
        ("RPUSHX queue a", "(integer) 0"),
        ("RPUSH queue a", "(integer) 1"),
        ("RPUSHX queue b", "(integer) 2"),
    ],
    run: |call| push(call, End::Back, false),
    ..PUSHES
};

fn push(call: &mut Call, end: End, may_make: bool) -> Result {
    let key = call.args.word()?;
    let elements: Vec<Bytes> = call.args.rest().collect();
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let list = list_of(view, key)?;
        if list.is_none() && !may_make {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        let len = list.map_or(0, |list| list.len()) + elements.len();
        let change = Change::new(db, key, Effect::ListPush { end, elements });
        Ok(Decision::one(Reply::count(len), change))
    })
}

//! Elements go at an end, or from one list to another: LPOP, RPOP, LMPOP, LMOVE, RPOPLPUSH.

use super::{ENDS, list_of, take_end};
use crate::commands::error::{self, Result};
use crate::commands::members::{
    COUNT_ERRORS, MUST_BE_POSITIVE, POP_ERRORS, PopRequest, cost_of_count, take_count,
};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, keys};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::list::{End, List};
use crate::protocol::Reply;
use bytes::Bytes;

const POPS: Command = Command {
    group: Group::List,
    complexity: "O(N), N the count",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Int("count"))],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(cost_of_count),
    key_flags: &["RW", "access", "delete"],
    errors: COUNT_ERRORS,
    ..COMMAND
};

/// `LPOP key [count]`
pub const LPOP: Command = Command {
    name: "LPOP",
    summary: "Removes the first elements of a list and returns them.",
    examples: &[
        ("RPUSH queue a b c", "(integer) 3"),
        ("LPOP queue", "\"a\""),
        ("LPOP queue 5", "1) \"b\"\n2) \"c\""),
        ("LPOP queue", "(nil)"),
    ],
    run: |call| pop(call, End::Front),
    ..POPS
};

/// `RPOP key [count]`
pub const RPOP: Command = Command {
    name: "RPOP",
    summary: "Removes the last elements of a list and returns them, the last one first.",
    examples: &[
        ("RPUSH queue a b c", "(integer) 3"),
        ("RPOP queue", "\"c\""),
        ("RPOP queue 5", "1) \"b\"\n2) \"a\""),
        ("RPOP queue", "(nil)"),
    ],
    run: |call| pop(call, End::Back),
    ..POPS
};

fn pop(call: &mut Call, end: End) -> Result {
    let key = call.args.word()?;
    if call.args.left() > 1 {
        return Err(error::wrong_arity(&call.command.lower_name()));
    }
    let count = match call.args.is_done() {
        true => None,
        false => Some(take_count(&mut call.args, 0, MUST_BE_POSITIVE)?),
    };
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(list) = list_of(view, key)? else {
            let nothing = count.map_or(Reply::Null, |_| Reply::NullArray);
            return Ok(Decision::unchanged(nothing));
        };
        let mut popped = first_of(&list, end, count.unwrap_or(1));
        let taken = popped.len();
        let reply = match count {
            None => popped.pop().unwrap_or(Reply::Null),
            Some(_) => Reply::Array(popped),
        };
        if taken == 0 {
            return Ok(Decision::unchanged(reply));
        }
        Ok(Decision::one(reply, pop_change(db, key, end, taken)))
    })
}

/// Up to `count` elements from one end on.
fn first_of(list: &List, end: End, count: usize) -> Vec<Reply> {
    let bulk = |element: &Bytes| Reply::Bulk(element.clone());
    match end {
        End::Front => list.iter().take(count).map(bulk).collect(),
        End::Back => list.iter().rev().take(count).map(bulk).collect(),
    }
}

fn pop_change(db: usize, key: &[u8], end: End, count: usize) -> Change {
    Change::new(db, key, Effect::ListPop { end, count })
}

/// `LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count]`
pub const LMPOP: Command = Command {
    name: "LMPOP",
    summary: "Removes elements of the first of several lists that is there, and returns them with its key.",
    group: Group::List,
    since: "7.0.0",
    complexity: "O(N + M), N the number of keys, M the count",
    args: &[
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Key("key")),
        ENDS,
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("count")])),
    ],
    flags: flags(&[Flags::WRITE]),
    class: Class::Predicted(keys::cost_of_values),
    key_flags: &["RW", "access", "delete"],
    errors: POP_ERRORS,
    examples: &[
        ("RPUSH b 1 2 3", "(integer) 3"),
        (
            "LMPOP 2 a b LEFT COUNT 2",
            "1) \"b\"\n2) 1) \"1\"\n   2) \"2\"",
        ),
        ("LMPOP 1 a LEFT", "(nil)"),
    ],
    run: lmpop,
    ..COMMAND
};

fn lmpop(call: &mut Call) -> Result {
    let request = PopRequest::parse(&mut call.args, ["LEFT", "RIGHT"])?;
    let end = match request.is_first {
        true => End::Front,
        false => End::Back,
    };
    let db = call.db();
    call.access.write(db, &request.keys, |view| {
        for key in &request.keys {
            if let Some(list) = list_of(view, key)? {
                let popped = first_of(&list, end, request.count);
                let change = pop_change(db, key, end, popped.len());
                let reply = Reply::Array(vec![Reply::bulk(*key), Reply::Array(popped)]);
                return Ok(Decision::one(reply, change));
            }
        }
        Ok(Decision::unchanged(Reply::NullArray))
    })
}

/// LMOVE source destination LEFT | RIGHT LEFT | RIGHT
pub const LMOVE: Command = Command {
    name: "LMOVE",
    summary: "Moves an element from one end of a list to an end of another, or of the same, and returns it.",
    group: Group::List,
    since: "6.2.0",
    args: &[Arg::Key("source"), Arg::Key("destination"), ENDS, ENDS],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    examples: &[
        ("RPUSH todo a b", "(integer) 2"),
        ("LMOVE todo done LEFT RIGHT", "\"a\""),
        ("LRANGE done 0 -1", "1) \"a\""),
        ("LMOVE nothing done LEFT RIGHT", "(nil)"),
    ],
    key_flags: &["RW", "access", "delete"],
    later_key_flags: &["RW", "insert"],
    run: |call| {
        let (from, to) = (call.args.word()?, call.args.word()?);
        let (take_at, put_at) = (take_end(&mut call.args)?, take_end(&mut call.args)?);
        move_element(call, (from, take_at), (to, put_at))
    },
    ..COMMAND
};

/// RPOPLPUSH source destination
pub const RPOPLPUSH: Command = Command {
    name: "RPOPLPUSH",
    summary: "Moves the last element of a list to the front of another, and returns it: an older form of LMOVE.",
    group: Group::List,
    since: "1.2.0",
    args: &[Arg::Key("source"), Arg::Key("destination")],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    examples: &[
        ("RPUSH todo a b", "(integer) 2"),
        ("RPOPLPUSH todo done", "\"b\""),
    ],
    key_flags: &["RW", "access", "delete"],
    later_key_flags: &["RW", "insert"],
    run: |call| {
        let (from, to) = (call.args.word()?, call.args.word()?);
        move_element(call, (from, End::Back), (to, End::Front))
    },
    ..COMMAND
};

fn move_element(call: &mut Call, from: (&[u8], End), to: (&[u8], End)) -> Result {
    let ((from, take_at), (to, put_at)) = (from, to);
    let db = call.db();
    call.access.write(db, &[from, to], |view| {
        let Some(source) = list_of(view, from)? else {
            return Ok(Decision::unchanged(Reply::Null));
        };
        list_of(view, to)?;
        let element = match take_at {
            End::Front => source.get(0),
            End::Back => source.get(source.len() - 1),
        };
        let elements: Vec<Bytes> = element.cloned().into_iter().collect();
        let reply = Reply::bulk_or_null(elements.first().cloned());
        let end = put_at;
        let mut changes = vec![
            Change::new(db, to, Effect::ListPush { end, elements }),
            pop_change(db, from, take_at, 1),
        ];
        if from == to && take_at == put_at {
            return Ok(Decision::unchanged(reply));
        }
        // Within one list the new element comes first, so that a list of one element keeps its key, and the key its expiry.
        if from != to {
            changes.reverse();
        }
        Ok(Decision::with(reply, changes))
    })
}

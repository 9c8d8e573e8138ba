//! Members go at an end: ZPOPMIN, ZPOPMAX, ZMPOP.

use super::sorted_set_of;
use crate::commands::error::{self, Result};
use crate::commands::members::{
    COUNT_ERRORS, MUST_BE_POSITIVE, POP_ERRORS, PopRequest, cost_of_count, scored, take_count,
};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, keys};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::sorted_set::{Ranked, SortedSet};
use crate::protocol::Reply;

const POPS: Command = Command {
    group: Group::SortedSet,
    since: "5.0.0",
    complexity: "O(N log M), N the count, M the number of members",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Int("count"))],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(cost_of_count),
    key_flags: &["RW", "access", "delete"],
    errors: COUNT_ERRORS,
    ..COMMAND
};

/// `ZPOPMIN key [count]`
pub const ZPOPMIN: Command = Command {
    name: "ZPOPMIN",
    summary: "Removes the members of a sorted set with the lowest scores, and returns them with their scores.",
    examples: &[
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        ("ZPOPMIN race", "1) \"Ada\"\n2) \"9\""),
        ("ZPOPMIN race 5", "1) \"Bo\"\n2) \"10\""),
        ("ZPOPMIN race", "(empty array)"),
    ],
    run: |call| pop(call, false),
    ..POPS
};

/// `ZPOPMAX key [count]`
pub const ZPOPMAX: Command = Command {
    name: "ZPOPMAX",
    summary: "Removes the members of a sorted set with the highest scores, and returns them with their scores.",
    examples: &[
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        ("ZPOPMAX race", "1) \"Bo\"\n2) \"10\""),
    ],
    run: |call| pop(call, true),
    ..POPS
};

fn pop(call: &mut Call, is_highest: bool) -> Result {
    let key = call.args.word()?;
    if call.args.left() > 1 {
        return Err(error::SYNTAX);
    }
    let count = match call.args.is_done() {
        true => None,
        false => Some(take_count(&mut call.args, 0, MUST_BE_POSITIVE)?),
    };
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(set) = sorted_set_of(view, key)? else {
            return Ok(Decision::unchanged(Reply::Array(Vec::new())));
        };
        let popped = first_of(&set, is_highest, count.unwrap_or(1));
        let pairs = popped.iter().map(|item| scored(&item.member, item.score));
        let reply = match count {
            Some(_) if popped.is_empty() => Reply::Array(Vec::new()),
            Some(_) => Reply::Pairs(pairs.collect()),
            // One member alone is not nested, whatever the protocol.
            None => Reply::Array(pairs.flat_map(|(member, score)| [member, score]).collect()),
        };
        Ok(Decision::with(reply, pop_changes(db, key, &popped)))
    })
}

/// Up to `count` members from one end on.
fn first_of(set: &SortedSet, is_highest: bool, count: usize) -> Vec<&Ranked> {
    match is_highest {
        true => set.iter().rev().take(count).collect(),
        false => set.iter().take(count).collect(),
    }
}

fn pop_changes(db: usize, key: &[u8], popped: &[&Ranked]) -> Vec<Change> {
    let members: Vec<_> = popped.iter().map(|item| item.member.clone()).collect();
    match members.is_empty() {
        true => Vec::new(),
        false => vec![Change::new(db, key, Effect::SortedSetRemove { members })],
    }
}

/// `ZMPOP numkeys key [key ...] MIN | MAX [COUNT count]`
pub const ZMPOP: Command = Command {
    name: "ZMPOP",
    summary: "Removes members of the first of several sorted sets that is there, and returns them with its key.",
    group: Group::SortedSet,
    since: "7.0.0",
    complexity: "O(K + N log M), K the number of keys, N the count, M the number of members",
    args: &[
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Key("key")),
        Arg::OneOf(&[Arg::Token("MIN"), Arg::Token("MAX")]),
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("count")])),
    ],
    flags: flags(&[Flags::WRITE]),
    class: Class::Predicted(keys::cost_of_values),
    key_flags: &["RW", "access", "delete"],
    errors: POP_ERRORS,
    examples: &[
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        (
            "ZMPOP 2 nothing race MIN",
            "1) \"race\"\n2) 1) 1) \"Ada\"\n      2) \"9\"",
        ),
        ("ZMPOP 1 nothing MAX", "(nil)"),
    ],
    run: zmpop,
    ..COMMAND
};

fn zmpop(call: &mut Call) -> Result {
    let request = PopRequest::parse(&mut call.args, ["MIN", "MAX"])?;
    let db = call.db();
    call.access.write(db, &request.keys, |view| {
        for key in &request.keys {
            if let Some(set) = sorted_set_of(view, key)? {
                let popped = first_of(&set, !request.is_first, request.count);
                // Nested, whatever the protocol.
                let pairs = popped.iter().map(|item| {
                    let (member, score) = scored(&item.member, item.score);
                    Reply::Array(vec![member, score])
                });
                let reply = vec![Reply::bulk(*key), Reply::Array(pairs.collect())];
                let changes = pop_changes(db, key, &popped);
                return Ok(Decision::with(Reply::Array(reply), changes));
            }
        }
        Ok(Decision::unchanged(Reply::NullArray))
    })
}

//! Looking at sets: SMEMBERS, SISMEMBER, SMISMEMBER, SCARD, SSCAN.

use super::set_of;
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::keys::{self, ScanOptions, is_small_set, parse_cursor, step_reply};
use crate::commands::members::cost_of_scan;
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::keyspace::set::Set;
use crate::protocol::Reply;
use std::sync::Arc;

const READS: Flags = flags(&[Flags::READONLY, Flags::FAST]);

/// SMEMBERS key
pub const SMEMBERS: Command = Command {
    name: "SMEMBERS",
    summary: "Returns all members of a set.",
    group: Group::Set,
    complexity: "O(N), N the number of members",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(keys::cost_of_values),
    examples: &[
        ("SADD tags red green", "(integer) 2"),
        ("SMEMBERS tags", "1) \"red\"\n2) \"green\""),
        ("SMEMBERS nothing", "(empty array)"),
    ],
    run: |call| {
        let set = whole_set(call)?;
        let members = set.iter().flat_map(|set| set.iter());
        Ok(Reply::Set(members.cloned().map(Reply::Bulk).collect()))
    },
    ..COMMAND
};

/// SCARD key
pub const SCARD: Command = Command {
    name: "SCARD",
    summary: "Counts the members of a set.",
    group: Group::Set,
    args: &[Arg::Key("key")],
    flags: READS,
    key_flags: &["RO"],
    examples: &[
        ("SADD tags red green", "(integer) 2"),
        ("SCARD tags", "(integer) 2"),
    ],
    run: |call| Ok(Reply::count(whole_set(call)?.map_or(0, |set| set.len()))),
    ..COMMAND
};

/// SISMEMBER key member
pub const SISMEMBER: Command = Command {
    name: "SISMEMBER",
    summary: "Tells whether a set has a member.",
    group: Group::Set,
    args: &[Arg::Key("key"), Arg::Str("member")],
    flags: READS,
    key_flags: &["RO"],
    examples: &[
        ("SADD tags red green", "(integer) 2"),
        ("SISMEMBER tags red", "(integer) 1"),
        ("SISMEMBER tags blue", "(integer) 0"),
    ],
    run: |call| {
        let set = whole_set(call)?;
        let member = call.args.word()?;
        Ok(membership(set.as_deref(), member))
    },
    ..COMMAND
};

/// `SMISMEMBER key member [member ...]`
pub const SMISMEMBER: Command = Command {
    name: "SMISMEMBER",
    summary: "Tells of several members whether a set has them.",
    group: Group::Set,
    since: "6.2.0",
    complexity: "O(N), N the number of members given",
    args: &[Arg::Key("key"), Arg::Multiple(&Arg::Str("member"))],
    flags: READS,
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RO"],
    examples: &[
        ("SADD tags red green", "(integer) 2"),
        ("SMISMEMBER tags red blue", "1) (integer) 1\n2) (integer) 0"),
    ],
    run: |call| {
        let set = whole_set(call)?;
        let members = call.args.rest_words();
        let replies = members.map(|member| membership(set.as_deref(), member));
        Ok(Reply::Array(replies.collect()))
    },
    ..COMMAND
};

fn membership(set: Option<&Set>, member: &[u8]) -> Reply {
    Reply::Int(i64::from(set.is_some_and(|set| set.contains(member))))
}

/// The set as it is now; it stays as it is while others change the key.
fn whole_set(call: &mut Call) -> Result<Option<Arc<Set>>> {
    let key = call.args.word()?;
    call.access.read(call.db(), key, |view| set_of(view, key))?
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]`
pub const SSCAN: Command = Command {
    name: "SSCAN",
    summary: "Goes through the members of a set step by step; a member that stays all the while is seen.",
    group: Group::Set,
    since: "2.8.0",
    complexity: "O(1) for each step, O(N) for all, N the number of members",
    args: &[
        Arg::Key("key"),
        Arg::Int("cursor"),
        Arg::Optional(&Arg::Option("MATCH", &[Arg::Pattern("pattern")])),
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("count")])),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost_of_scan),
    errors: &[
        ("ERR invalid cursor", "The cursor is no number."),
        (
            "ERR NOVALUES option can only be used in HSCAN",
            "NOVALUES is given.",
        ),
    ],
    examples: &[
        ("SADD tags red green", "(integer) 2"),
        ("SSCAN tags 0 MATCH r*", "1) \"0\"\n2) 1) \"red\""),
    ],
    run: sscan,
    ..COMMAND
};

fn sscan(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let cursor = parse_cursor(call.args.word()?)?;
    let set = call
        .access
        .read(call.db(), key, |view| set_of(view, key))??;
    // A missing key answers whatever the options are.
    let Some(set) = set else {
        return Ok(step_reply(0, Vec::new()));
    };
    let options = ScanOptions::of_members(&mut call.args)?;
    let (next, found) = match is_small_set(&set, &call.context.config) {
        true => (0, set.iter().collect()),
        false => set.scan(cursor, options.count),
    };
    let taken = found.into_iter().filter(|member| options.takes(member));
    let replies = taken.map(|member| Reply::Bulk(member.clone()));
    Ok(step_reply(next, replies.collect()))
}

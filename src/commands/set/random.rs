//! Members by chance: SPOP, SRANDMEMBER.

use super::set_of;
use crate::commands::error::{self, Result};
use crate::commands::members::{
    COUNT_ERRORS, MUST_BE_POSITIVE, OUT_OF_RANGE, REPETITIONS_MAX, cost_of_count, draw_different,
    take_count, take_signed,
};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, Context};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::set::Set;
use crate::protocol::Reply;
use bytes::Bytes;

/// `SPOP key [count]`
pub const SPOP: Command = Command {
    name: "SPOP",
    summary: "Removes members of a set by chance and returns them.",
    group: Group::Set,
    complexity: "O(N), N the count",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Int("count"))],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(cost_of_count),
    key_flags: &["RW", "access", "delete"],
    errors: COUNT_ERRORS,
    examples: &[
        ("SADD tags red", "(integer) 1"),
        ("SPOP tags", "\"red\""),
        ("SPOP tags", "(nil)"),
        ("SPOP tags 2", "(empty array)"),
    ],
    run: spop,
    ..COMMAND
};

fn spop(call: &mut Call) -> Result {
    let key = call.args.word()?;
    if call.args.left() > 1 {
        return Err(error::SYNTAX);
    }
    let count = match call.args.is_done() {
        true => None,
        false => Some(take_count(&mut call.args, 0, MUST_BE_POSITIVE)?),
    };
    let (db, context) = (call.db(), call.context);
    call.access.write(db, &[key], |view| {
        let set = set_of(view, key)?;
        let members: Vec<Bytes> = match &set {
            Some(set) => choose(context, set, count.unwrap_or(1)),
            None => Vec::new(),
        };
        let reply = match count {
            None => Reply::bulk_or_null(members.first().cloned()),
            Some(_) => Reply::Set(members.iter().cloned().map(Reply::Bulk).collect()),
        };
        let is_all = set.is_some_and(|set| set.len() == members.len());
        let effect = match is_all {
            true => Effect::Delete,
            false if members.is_empty() => return Ok(Decision::unchanged(reply)),
            false => Effect::SetRemove { members },
        };
        Ok(Decision::one(reply, Change::new(db, key, effect)))
    })
}

/// `count` different members, or all if there are fewer.
fn choose(context: &Context, set: &Set, count: usize) -> Vec<Bytes> {
    let draw = || set.draw(|| context.draw_random());
    let all = || set.iter().map(Some).collect();
    let chosen = match count < set.len() {
        true => draw_different(context, count, set.len(), draw, all),
        false => all(),
    };
    chosen.into_iter().flatten().cloned().collect()
}

/// `SRANDMEMBER key [count]`
pub const SRANDMEMBER: Command = Command {
    name: "SRANDMEMBER",
    summary: "Returns members of a set by chance: different ones, or with a count below zero any.",
    group: Group::Set,
    complexity: "O(N), N the number of members returned",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Int("count"))],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost_of_count),
    errors: &[(
        "ERR value is out of range",
        "More than 4194304 members with repetitions are asked for.",
    )],
    examples: &[
        ("SADD tags red", "(integer) 1"),
        ("SRANDMEMBER tags", "\"red\""),
        ("SRANDMEMBER tags -2", "1) \"red\"\n2) \"red\""),
        ("SRANDMEMBER tags 2", "1) \"red\""),
    ],
    run: srandmember,
    ..COMMAND
};

fn srandmember(call: &mut Call) -> Result {
    let key = call.args.word()?;
    if call.args.left() > 1 {
        return Err(error::SYNTAX);
    }
    let count = match call.args.is_done() {
        true => None,
        false => Some(take_signed(&mut call.args)?),
    };
    let set = call
        .access
        .read(call.db(), key, |view| set_of(view, key))??;
    let Some(count) = count else {
        let drawn = set
            .as_ref()
            .and_then(|set| set.draw(|| call.context.draw_random()));
        return Ok(Reply::bulk_or_null(drawn.cloned()));
    };
    let Some(set) = set else {
        return Ok(Reply::Array(Vec::new()));
    };
    let members = match usize::try_from(count) {
        Ok(count) => choose(call.context, &set, count),
        Err(_) if count.unsigned_abs() > REPETITIONS_MAX => return Err(OUT_OF_RANGE),
        Err(_) => {
            let draw = |_| set.draw(|| call.context.draw_random()).cloned();
            (0..-count).filter_map(draw).collect()
        }
    };
    Ok(Reply::Array(members.into_iter().map(Reply::Bulk).collect()))
}

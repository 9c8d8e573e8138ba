//! Members come, go and move: SADD, SREM, SMOVE.

use super::set_of;
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::keys;
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::Reply;
use bytes::Bytes;
use std::collections::HashSet;

/// `SADD key member [member ...]`
pub const SADD: Command = Command {
    name: "SADD",
    summary: "Adds members to a set and returns how many are new.",
    group: Group::Set,
    complexity: "O(N), N the number of members given",
    args: &[Arg::Key("key"), Arg::Multiple(&Arg::Str("member"))],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "insert"],
    examples: &[
        ("SADD tags red green", "(integer) 2"),
        ("SADD tags red blue", "(integer) 1"),
        ("SCARD tags", "(integer) 3"),
    ],
    run: sadd,
    ..COMMAND
};

fn sadd(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let given: Vec<Bytes> = call.args.rest().collect();
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let set = set_of(view, key)?;
        let is_new = |member: &Bytes| set.as_ref().is_none_or(|set| !set.contains(member));
        let members = different(given, is_new);
        Ok(changed(members, |members| {
            Change::new(db, key, Effect::SetAdd { members })
        }))
    })
}

/// `SREM key member [member ...]`
pub const SREM: Command = Command {
    name: "SREM",
    summary: "Removes members of a set; the key goes with its last member.",
    group: Group::Set,
    complexity: "O(N), N the number of members given",
    args: &[Arg::Key("key"), Arg::Multiple(&Arg::Str("member"))],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "delete"],
    examples: &[
        ("SADD tags red green", "(integer) 2"),
        ("SREM tags red blue", "(integer) 1"),
        ("SREM tags green", "(integer) 1"),
        ("EXISTS tags", "(integer) 0"),
    ],
    run: srem,
    ..COMMAND
};

fn srem(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let given: Vec<Bytes> = call.args.rest().collect();
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(set) = set_of(view, key)? else {
            return Ok(Decision::unchanged(Reply::Int(0)));
        };
        let members = different(given, |member| set.contains(member));
        Ok(changed(members, |members| {
            Change::new(db, key, Effect::SetRemove { members })
        }))
    })
}

/// Those members that `counts`, each once.
fn different(given: Vec<Bytes>, counts: impl Fn(&Bytes) -> bool) -> Vec<Bytes> {
    if given.len() == 1 {
        return given.into_iter().filter(counts).collect();
    }
    let mut seen = HashSet::new();
    let is_first = |member: &Bytes| counts(member) && seen.insert(member.clone());
    given.into_iter().filter(is_first).collect()
}

/// The number of members, and the change that they make.
fn changed(members: Vec<Bytes>, change: impl FnOnce(Vec<Bytes>) -> Change) -> Decision<Reply> {
    let reply = Reply::count(members.len());
    match members.is_empty() {
        true => Decision::unchanged(reply),
        false => Decision::one(reply, change(members)),
    }
}

/// SMOVE source destination member
pub const SMOVE: Command = Command {
    name: "SMOVE",
    summary: "Moves a member from one set to another.",
    group: Group::Set,
    args: &[
        Arg::Key("source"),
        Arg::Key("destination"),
        Arg::Str("member"),
    ],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    examples: &[
        ("SADD todo wash cook", "(integer) 2"),
        ("SMOVE todo done wash", "(integer) 1"),
        ("SMOVE todo done wash", "(integer) 0"),
        ("SMEMBERS done", "1) \"wash\""),
    ],
    key_flags: &["RW", "access", "delete"],
    later_key_flags: &["RW", "insert"],
    run: smove,
    ..COMMAND
};

fn smove(call: &mut Call) -> Result {
    let (from, to, member) = (call.args.word()?, call.args.word()?, call.args.bytes()?);
    let db = call.db();
    call.access.write(db, &[from, to], |view| {
        let Some(source) = set_of(view, from)? else {
            return Ok(Decision::unchanged(Reply::Int(0)));
        };
        let destination = set_of(view, to)?;
        let is_there = source.contains(&member);
        if !is_there || from == to {
            return Ok(Decision::unchanged(Reply::Int(i64::from(is_there))));
        }
        let is_new = destination.is_none_or(|set| !set.contains(&member));
        let members = vec![member];
        let added = is_new.then(|| {
            let members = members.clone();
            Change::new(db, to, Effect::SetAdd { members })
        });
        let mut changes = vec![Change::new(db, from, Effect::SetRemove { members })];
        changes.extend(added);
        Ok(Decision::with(Reply::Int(1), changes))
    })
}

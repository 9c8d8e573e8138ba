//! Several sets together: SINTER, SINTERCARD, SUNION, SDIFF, and the forms that store what they find.

use super::set_of;
use crate::commands::error::{Refusal, Result};
use crate::commands::members::{LIMIT, NO_KEYS, replace, take_count, take_limit};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, KeyPositions, flags};
use crate::commands::{Call, keys};
use crate::engine::Decision;
use crate::keyspace::View;
use crate::keyspace::change::Effect;
use crate::keyspace::set::Set;
use crate::protocol::Reply;
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Arc;

/// What becomes of several sets; a key that is missing is an empty set.
#[derive(Clone, Copy)]
enum Operation {
    Intersection,
    Union,
    Difference,
}

const READS: Command = Command {
    group: Group::Set,
    args: &[Arg::Multiple(&Arg::Key("key"))],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(keys::cost_of_values),
    ..COMMAND
};

const STORES: Command = Command {
    group: Group::Set,
    args: &[Arg::Key("destination"), Arg::Multiple(&Arg::Key("key"))],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_values),
    keys: Some(KeyPositions {
        first: 1,
        last: -1,
        step: 1,
    }),
    key_flags: &["OW", "update"],
    later_key_flags: &["RO", "access"],
    ..COMMAND
};

/// `SINTER key [key ...]`
pub const SINTER: Command = Command {
    name: "SINTER",
    summary: "Returns the members that all of the sets have.",
    complexity: "O(N * M), N the members of the smallest set, M the number of sets",
    examples: &[
        ("SADD warm red orange", "(integer) 2"),
        ("SADD fruit orange plum", "(integer) 2"),
        ("SINTER warm fruit", "1) \"orange\""),
        ("SINTER warm nothing", "(empty array)"),
    ],
    run: |call| combine(call, Operation::Intersection),
    ..READS
};

/// `SUNION key [key ...]`
pub const SUNION: Command = Command {
    name: "SUNION",
    summary: "Returns the members that any of the sets has.",
    complexity: "O(N), N the members of all sets",
    examples: &[
        ("SADD warm red", "(integer) 1"),
        ("SADD cold blue", "(integer) 1"),
        ("SUNION warm cold", "1) \"red\"\n2) \"blue\""),
    ],
    run: |call| combine(call, Operation::Union),
    ..READS
};

/// `SDIFF key [key ...]`
pub const SDIFF: Command = Command {
    name: "SDIFF",
    summary: "Returns the members of the first set that none of the others has.",
    complexity: "O(N * M), N the members of the first set, M the number of sets",
    examples: &[
        ("SADD warm red orange", "(integer) 2"),
        ("SADD fruit orange plum", "(integer) 2"),
        ("SDIFF warm fruit", "1) \"red\""),
    ],
    run: |call| combine(call, Operation::Difference),
    ..READS
};

/// `SINTERSTORE destination key [key ...]`
pub const SINTERSTORE: Command = Command {
    name: "SINTERSTORE",
    summary: "Stores the members that all of the sets have, and returns how many there are.",
    complexity: "O(N * M), N the members of the smallest set, M the number of sets",
    examples: &[
        ("SADD warm red orange", "(integer) 2"),
        ("SADD fruit orange plum", "(integer) 2"),
        ("SINTERSTORE both warm fruit", "(integer) 1"),
        ("SMEMBERS both", "1) \"orange\""),
    ],
    run: |call| store(call, Operation::Intersection),
    ..STORES
};

/// `SUNIONSTORE destination key [key ...]`
pub const SUNIONSTORE: Command = Command {
    name: "SUNIONSTORE",
    summary: "Stores the members that any of the sets has, and returns how many there are.",
    complexity: "O(N), N the members of all sets",
    examples: &[
        ("SADD warm red", "(integer) 1"),
        ("SADD cold blue", "(integer) 1"),
        ("SUNIONSTORE all warm cold", "(integer) 2"),
    ],
    run: |call| store(call, Operation::Union),
    ..STORES
};

/// `SDIFFSTORE destination key [key ...]`
pub const SDIFFSTORE: Command = Command {
    name: "SDIFFSTORE",
    summary: "Stores the members of the first set that none of the others has, and returns how many there are.",
    complexity: "O(N * M), N the members of the first set, M the number of sets",
    examples: &[
        ("SADD warm red orange", "(integer) 2"),
        ("SADD fruit orange plum", "(integer) 2"),
        ("SDIFFSTORE rest warm fruit", "(integer) 1"),
    ],
    run: |call| store(call, Operation::Difference),
    ..STORES
};

fn combine(call: &mut Call, operation: Operation) -> Result {
    let keys: Vec<&[u8]> = call.args.rest_words().collect();
    let sets = call
        .access
        .read_keys(call.db(), &keys, |view| sets_of(view, &keys))??;
    let members = members_of(operation, &sets);
    Ok(Reply::Set(members.into_iter().map(Reply::Bulk).collect()))
}

fn store(call: &mut Call, operation: Operation) -> Result {
    let keys: Vec<&[u8]> = call.args.rest_words().collect();
    call.access.write(call.db(), &keys, |view| {
        let members = members_of(operation, &sets_of(view, &keys[1..])?);
        let reply = Reply::count(members.len());
        let effect = (!members.is_empty()).then_some(Effect::SetAdd { members });
        Ok(Decision::with(reply, replace(view, keys[0], effect)))
    })
}

fn sets_of(view: &View, keys: &[&[u8]]) -> Result<Vec<Option<Arc<Set>>>> {
    keys.iter().map(|key| set_of(view, key)).collect()
}

fn members_of(operation: Operation, sets: &[Option<Arc<Set>>]) -> Vec<Bytes> {
    match operation {
        Operation::Intersection => common(sets).cloned().collect(),
        Operation::Union => {
            let all = sets.iter().flatten().flat_map(|set| set.iter());
            if let [Some(only)] = sets {
                return only.iter().cloned().collect();
            }
            let mut seen = HashSet::new();
            all.filter(|member| seen.insert(*member)).cloned().collect()
        }
        Operation::Difference => {
            let Some((first, others)) = sets.split_first() else {
                return Vec::new();
            };
            let members = first.iter().flat_map(|set| set.iter());
            let is_left =
                |member: &&Bytes| !others.iter().flatten().any(|set| set.contains(member));
            members.filter(is_left).cloned().collect()
        }
    }
}

/// The members that all of the sets have.
fn common(sets: &[Option<Arc<Set>>]) -> impl Iterator<Item = &Bytes> {
    let smallest = sets
        .iter()
        .min_by_key(|set| set.as_ref().map_or(0, |set| set.len()));
    let members = smallest.into_iter().flatten().flat_map(|set| set.iter());
    members.filter(|member| sets.iter().flatten().all(|set| set.contains(member)))
}

/// `SINTERCARD numkeys key [key ...] [LIMIT limit]`
pub const SINTERCARD: Command = Command {
    name: "SINTERCARD",
    summary: "Counts the members that all of the sets have, up to a limit.",
    since: "7.0.0",
    complexity: "O(N * M), N the members of the smallest set, M the number of sets",
    args: &[Arg::Int("numkeys"), Arg::Multiple(&Arg::Key("key")), LIMIT],
    errors: &[
        (
            "ERR numkeys should be greater than 0",
            "The number of keys is none, or below one.",
        ),
        (
            "ERR Number of keys can't be greater than number of args",
            "Fewer keys follow than the number says.",
        ),
        (
            "ERR LIMIT can't be negative",
            "The limit is no number, or below zero.",
        ),
    ],
    examples: &[
        ("SADD warm red orange", "(integer) 2"),
        ("SADD fruit orange plum", "(integer) 2"),
        ("SINTERCARD 2 warm fruit LIMIT 10", "(integer) 1"),
    ],
    run: sintercard,
    ..READS
};

fn sintercard(call: &mut Call) -> Result {
    let count = take_count(&mut call.args, 1, NO_KEYS)?;
    if count > call.args.left() {
        return Err(Refusal::line(
            "ERR Number of keys can't be greater than number of args",
        ));
    }
    let keys: Vec<&[u8]> = (0..count)
        .map(|_| call.args.word())
        .collect::<Result<_>>()?;
    let limit = take_limit(&mut call.args)?;
    let sets = call
        .access
        .read_keys(call.db(), &keys, |view| sets_of(view, &keys))??;
    Ok(Reply::count(
        common(&sets).take(limit.unwrap_or(usize::MAX)).count(),
    ))
}

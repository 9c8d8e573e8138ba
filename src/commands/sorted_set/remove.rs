//! Members go: ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX.

use super::bounds::{BYTES_ERROR, Bounds, By, SCORE_ERROR};
use super::sorted_set_of;
use crate::commands::error::Result;
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, keys};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::Reply;
use bytes::Bytes;
use std::collections::HashSet;

/// `ZREM key member [member ...]`
pub const ZREM: Command = Command {
    name: "ZREM",
    summary: "Removes members of a sorted set; the key goes with its last member.",
    group: Group::SortedSet,
    since: "1.2.0",
    complexity: "O(N log M), N the number of members given, M of those in the set",
    args: &[Arg::Key("key"), Arg::Multiple(&Arg::Str("member"))],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "delete"],
    examples: &[
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        ("ZREM race Ada Cy", "(integer) 1"),
        ("ZREM race Bo", "(integer) 1"),
        ("EXISTS race", "(integer) 0"),
    ],
    run: zrem,
    ..COMMAND
};

fn zrem(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let given: Vec<Bytes> = call.args.rest().collect();
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(set) = sorted_set_of(view, key)? else {
            return Ok(Decision::unchanged(Reply::Int(0)));
        };
        let mut seen = HashSet::new();
        let there = given
            .into_iter()
            .filter(|member| set.score(member).is_some());
        let members = there.filter(|member| seen.insert(member.clone())).collect();
        Ok(removed(db, key, members))
    })
}

/// The number of members, and the change that removes them.
fn removed(db: usize, key: &[u8], members: Vec<Bytes>) -> Decision<Reply> {
    let reply = Reply::count(members.len());
    match members.is_empty() {
        true => Decision::unchanged(reply),
        false => Decision::one(
            reply,
            Change::new(db, key, Effect::SortedSetRemove { members }),
        ),
    }
}

const RANGES: Command = Command {
    group: Group::SortedSet,
    complexity: "O(log N + M log N), N the number of members, M of those removed",
    flags: flags(&[Flags::WRITE]),
    class: Class::Predicted(keys::cost_of_values),
    key_flags: &["RW", "delete"],
    ..COMMAND
};

/// ZREMRANGEBYRANK key start stop
pub const ZREMRANGEBYRANK: Command = Command {
    name: "ZREMRANGEBYRANK",
    summary: "Removes members of a sorted set in a range of ranks, and returns how many.",
    since: "2.0.0",
    args: &[Arg::Key("key"), Arg::Int("start"), Arg::Int("stop")],
    examples: &[
        ("ZADD race 9 Ada 10 Bo 11 Cy", "(integer) 3"),
        ("ZREMRANGEBYRANK race 1 -1", "(integer) 2"),
        ("ZRANGE race 0 -1", "1) \"Ada\""),
    ],
    run: |call| remove_range(call, By::Rank),
    ..RANGES
};

/// ZREMRANGEBYSCORE key min max
pub const ZREMRANGEBYSCORE: Command = Command {
    name: "ZREMRANGEBYSCORE",
    summary: "Removes members of a sorted set in a range of scores, and returns how many.",
    since: "1.2.0",
    args: &[Arg::Key("key"), Arg::Double("min"), Arg::Double("max")],
    errors: &[SCORE_ERROR],
    examples: &[
        ("ZADD race 9 Ada 10 Bo 11 Cy", "(integer) 3"),
        ("ZREMRANGEBYSCORE race (9 +inf", "(integer) 2"),
    ],
    run: |call| remove_range(call, By::Score),
    ..RANGES
};

/// ZREMRANGEBYLEX key min max
pub const ZREMRANGEBYLEX: Command = Command {
    name: "ZREMRANGEBYLEX",
    summary: "Removes members of a sorted set of equal scores in a range of names, and returns how many.",
    since: "2.8.9",
    args: &[Arg::Key("key"), Arg::Str("min"), Arg::Str("max")],
    errors: &[BYTES_ERROR],
    examples: &[
        ("ZADD names 0 Ada 0 Bo 0 Cy", "(integer) 3"),
        ("ZREMRANGEBYLEX names [B +", "(integer) 2"),
    ],
    run: |call| remove_range(call, By::Bytes),
    ..RANGES
};

fn remove_range(call: &mut Call, by: By) -> Result {
    let key = call.args.word()?;
    let bounds = Bounds::parse(by, call.args.word()?, call.args.word()?)?;
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(set) = sorted_set_of(view, key)? else {
            return Ok(Decision::unchanged(Reply::Int(0)));
        };
        let ranks = bounds.ranks(&set, false);
        if ranks.len() == set.len() {
            let change = Change::new(db, key, Effect::Delete);
            return Ok(Decision::one(Reply::count(set.len()), change));
        }
        let members = set.range(ranks).map(|item| item.member.clone());
        Ok(removed(db, key, members.collect()))
    })
}

//! Looking at sorted sets: ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZCOUNT, ZLEXCOUNT, ZSCAN.

use super::bounds::{BYTES_ERROR, Bounds, By, SCORE_ERROR};
use super::sorted_set_of;
use crate::commands::Call;
use crate::commands::error::{self, Result};
use crate::commands::keys::{self, ScanOptions, is_listpack_sorted_set, parse_cursor, step_reply};
use crate::commands::members::cost_of_scan;
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::keyspace::sorted_set::SortedSet;
use crate::protocol::{Reply, number};
use bytes::Bytes;
use std::sync::Arc;

const READS: Command = Command {
    group: Group::SortedSet,
    since: "1.2.0",
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    ..COMMAND
};

/// ZCARD key
pub const ZCARD: Command = Command {
    name: "ZCARD",
    summary: "Counts the members of a sorted set.",
    args: &[Arg::Key("key")],
    key_flags: &["RO"],
    examples: &[
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        ("ZCARD race", "(integer) 2"),
    ],
    run: |call| {
        let set = whole_set(call)?;
        Ok(Reply::count(set.map_or(0, |set| set.len())))
    },
    ..READS
};

/// ZSCORE key member
pub const ZSCORE: Command = Command {
    name: "ZSCORE",
    summary: "Returns the score of a member of a sorted set.",
    args: &[Arg::Key("key"), Arg::Str("member")],
    examples: &[
        ("ZADD race 9.5 Ada", "(integer) 1"),
        ("ZSCORE race Ada", "\"9.5\""),
        ("ZSCORE race Bo", "(nil)"),
    ],
    run: |call| {
        let set = whole_set(call)?;
        let member = call.args.word()?;
        Ok(score_reply(set.as_deref(), member))
    },
    ..READS
};

/// `ZMSCORE key member [member ...]`
pub const ZMSCORE: Command = Command {
    name: "ZMSCORE",
    summary: "Returns the scores of several members of a sorted set.",
    since: "6.2.0",
    complexity: "O(N), N the number of members given",
    args: &[Arg::Key("key"), Arg::Multiple(&Arg::Str("member"))],
    class: Class::Predicted(keys::cost_of_words),
    examples: &[
        ("ZADD race 9.5 Ada", "(integer) 1"),
        ("ZMSCORE race Ada Bo", "1) \"9.5\"\n2) (nil)"),
    ],
    run: |call| {
        let set = whole_set(call)?;
        let members = call.args.rest_words();
        let scores = members.map(|member| score_reply(set.as_deref(), member));
        Ok(Reply::Array(scores.collect()))
    },
    ..READS
};

fn score_reply(set: Option<&SortedSet>, member: &[u8]) -> Reply {
    let score = set.and_then(|set| set.score(member));
    score.map_or(Reply::Null, Reply::Double)
}

/// The sorted set as it is now; it stays as it is while others change the key.
fn whole_set(call: &mut Call) -> Result<Option<Arc<SortedSet>>> {
    let key = call.args.word()?;
    call.access
        .read(call.db(), key, |view| sorted_set_of(view, key))?
}

const RANK_ARGS: &[Arg] = &[
    Arg::Key("key"),
    Arg::Str("member"),
    Arg::Optional(&Arg::Token("WITHSCORE")),
];

/// `ZRANK key member [WITHSCORE]`
pub const ZRANK: Command = Command {
    name: "ZRANK",
    summary: "Returns how many members of a sorted set come before one, in the order of their scores.",
    since: "2.0.0",
    complexity: "O(log N), N the number of members",
    args: RANK_ARGS,
    examples: &[
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        ("ZRANK race Bo", "(integer) 1"),
        ("ZRANK race Bo WITHSCORE", "1) (integer) 1\n2) \"10\""),
        ("ZRANK race Cy", "(nil)"),
    ],
    run: |call| rank(call, false),
    ..READS
};

/// `ZREVRANK key member [WITHSCORE]`
pub const ZREVRANK: Command = Command {
    name: "ZREVRANK",
    summary: "Returns how many members of a sorted set come before one, the highest score first.",
    since: "2.0.0",
    complexity: "O(log N), N the number of members",
    args: RANK_ARGS,
    examples: &[
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        ("ZREVRANK race Bo", "(integer) 0"),
    ],
    run: |call| rank(call, true),
    ..READS
};

fn rank(call: &mut Call, is_reversed: bool) -> Result {
    let (key, member) = (call.args.word()?, call.args.word()?);
    if call.args.left() > 1 {
        return Err(error::wrong_arity(&call.command.lower_name()));
    }
    let with_score = call.args.take("WITHSCORE");
    call.args.end()?;
    let set = call
        .access
        .read(call.db(), key, |view| sorted_set_of(view, key))??;
    let found = set.and_then(|set| {
        let rank = set.rank_of(member)?;
        let rank = if is_reversed {
            set.len() - 1 - rank
        } else {
            rank
        };
        Some((Reply::count(rank), set.score(member)?))
    });
    Ok(match (found, with_score) {
        (None, false) => Reply::Null,
        (None, true) => Reply::NullArray,
        (Some((rank, _)), false) => rank,
        (Some((rank, score)), true) => Reply::Array(vec![rank, Reply::Double(score)]),
    })
}

/// ZCOUNT key min max
pub const ZCOUNT: Command = Command {
    name: "ZCOUNT",
    summary: "Counts the members of a sorted set in a range of scores.",
    since: "2.0.0",
    complexity: "O(log N), N the number of members",
    args: &[Arg::Key("key"), Arg::Double("min"), Arg::Double("max")],
    errors: &[SCORE_ERROR],
    examples: &[
        ("ZADD race 9 Ada 10 Bo 11 Cy", "(integer) 3"),
        ("ZCOUNT race (9 +inf", "(integer) 2"),
    ],
    run: |call| count(call, By::Score),
    ..READS
};

/// ZLEXCOUNT key min max
pub const ZLEXCOUNT: Command = Command {
    name: "ZLEXCOUNT",
    summary: "Counts the members of a sorted set of equal scores in a range of names.",
    since: "2.8.9",
    complexity: "O(log N), N the number of members",
    args: &[Arg::Key("key"), Arg::Str("min"), Arg::Str("max")],
    errors: &[BYTES_ERROR],
    examples: &[
        ("ZADD names 0 Ada 0 Bo 0 Cy", "(integer) 3"),
        ("ZLEXCOUNT names - (Cy", "(integer) 2"),
    ],
    run: |call| count(call, By::Bytes),
    ..READS
};

fn count(call: &mut Call, by: By) -> Result {
    let key = call.args.word()?;
    let bounds = Bounds::parse(by, call.args.word()?, call.args.word()?)?;
    let set = call
        .access
        .read(call.db(), key, |view| sorted_set_of(view, key))??;
    Ok(Reply::count(
        set.map_or(0, |set| bounds.ranks(&set, false).len()),
    ))
}

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`
pub const ZSCAN: Command = Command {
    name: "ZSCAN",
    summary: "Goes through the members of a sorted set and their scores step by step; a member that stays all the while is seen.",
    group: Group::SortedSet,
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
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        (
            "ZSCAN race 0 MATCH A*",
            "1) \"0\"\n2) 1) \"Ada\"\n   2) \"9\"",
        ),
    ],
    run: zscan,
    ..COMMAND
};

fn zscan(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let cursor = parse_cursor(call.args.word()?)?;
    let set = call
        .access
        .read(call.db(), key, |view| sorted_set_of(view, key))??;
    // A missing key answers whatever the options are.
    let Some(set) = set else {
        return Ok(step_reply(0, Vec::new()));
    };
    let options = ScanOptions::of_members(&mut call.args)?;
    let (next, found): (u64, Vec<(&Bytes, f64)>) =
        match is_listpack_sorted_set(&set, &call.context.config) {
            true => (
                0,
                set.iter().map(|item| (&item.member, item.score)).collect(),
            ),
            false => set.scan(cursor, options.count),
        };
    let mut replies = Vec::new();
    for (member, score) in found
        .into_iter()
        .filter(|(member, _)| options.takes(member))
    {
        replies.push(Reply::Bulk(member.clone()));
        // A string in both protocols.
        replies.push(Reply::bulk(number::double_text(score).to_vec()));
    }
    Ok(step_reply(next, replies))
}

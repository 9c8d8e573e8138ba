//! Members by chance: ZRANDMEMBER.

use super::sorted_set_of;
use crate::commands::Call;
use crate::commands::error::{self, Result};
use crate::commands::members::{
    OUT_OF_RANGE, REPETITIONS_MAX, cost_of_count, draw_below, draw_different, scored, take_signed,
};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::keyspace::sorted_set::SortedSet;
use crate::protocol::Reply;

/// `ZRANDMEMBER key [count [WITHSCORES]]`
pub const ZRANDMEMBER: Command = Command {
    name: "ZRANDMEMBER",
    summary: "Returns members of a sorted set by chance: different ones, or with a count below zero any.",
    group: Group::SortedSet,
    since: "6.2.0",
    complexity: "O(N log M), N the number of members returned, M of those in the set",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Block(&[
            Arg::Int("count"),
            Arg::Optional(&Arg::Token("WITHSCORES")),
        ])),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost_of_count),
    errors: &[(
        "ERR value is out of range",
        "More than 4194304 members with repetitions are asked for.",
    )],
    examples: &[
        ("ZADD race 9 Ada", "(integer) 1"),
        ("ZRANDMEMBER race", "\"Ada\""),
        ("ZRANDMEMBER race -2", "1) \"Ada\"\n2) \"Ada\""),
        ("ZRANDMEMBER race 2 WITHSCORES", "1) \"Ada\"\n2) \"9\""),
    ],
    run: zrandmember,
    ..COMMAND
};

fn zrandmember(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let count = match call.args.is_done() {
        true => None,
        false => Some(take_signed(&mut call.args)?),
    };
    let with_scores = call.args.take("WITHSCORES");
    call.args.end().map_err(|_| error::SYNTAX)?;
    if with_scores && count.is_some_and(|count| count.unsigned_abs() > i64::MAX as u64 / 2) {
        return Err(OUT_OF_RANGE);
    }
    let set = call
        .access
        .read(call.db(), key, |view| sorted_set_of(view, key))??;
    let Some(set) = set else {
        return Ok(match count {
            None => Reply::Null,
            Some(_) => Reply::Array(Vec::new()),
        });
    };
    let ranks = draw_ranks(call, &set, count.unwrap_or(1))?;
    let items = ranks
        .into_iter()
        .filter_map(|rank| set.range(rank..rank + 1).next());
    let name = |member: &bytes::Bytes| Reply::Bulk(member.clone());
    Ok(match (count, with_scores) {
        (None, _) => items
            .map(|item| name(&item.member))
            .next()
            .unwrap_or(Reply::Null),
        (Some(_), false) => Reply::Array(items.map(|item| name(&item.member)).collect()),
        (Some(_), true) => {
            Reply::Pairs(items.map(|item| scored(&item.member, item.score)).collect())
        }
    })
}

/// Ranks by chance: different ones, or with a count below zero any.
fn draw_ranks(call: &Call, set: &SortedSet, count: i64) -> Result<Vec<usize>> {
    let draw = || draw_below(call.context, set.len());
    match usize::try_from(count) {
        Ok(count) if count >= set.len() => Ok((0..set.len()).collect()),
        Ok(count) => {
            let all = || (0..set.len()).collect();
            Ok(draw_different(call.context, count, set.len(), draw, all))
        }
        Err(_) if count.unsigned_abs() > REPETITIONS_MAX => Err(OUT_OF_RANGE),
        Err(_) => Ok((0..-count).map(|_| draw()).collect()),
    }
}

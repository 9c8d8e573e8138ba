//! Members of a range: ZRANGE and its older forms, ZRANGESTORE.

use super::bounds::{BYTES_ERROR, Bounds, By, SCORE_ERROR};
use super::sorted_set_of;
use crate::commands::Call;
use crate::commands::args::Args;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::keys;
use crate::commands::members::{cost_of_range, replace, scored};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::Effect;
use crate::keyspace::sorted_set::{Ranked, SortedSet};
use crate::protocol::Reply;

const KINDS: Arg = Arg::Optional(&Arg::OneOf(&[Arg::Token("BYSCORE"), Arg::Token("BYLEX")]));
const REV: Arg = Arg::Optional(&Arg::Token("REV"));
const LIMIT: Arg = Arg::Optional(&Arg::Option(
    "LIMIT",
    &[Arg::Int("offset"), Arg::Int("count")],
));
const WITHSCORES: Arg = Arg::Optional(&Arg::Token("WITHSCORES"));

const LIMIT_WITH_RANKS: &str =
    "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
const SCORES_WITH_BYTES: &str =
    "ERR syntax error, WITHSCORES not supported in combination with BYLEX";

const READS: Command = Command {
    group: Group::SortedSet,
    complexity: "O(log N + M), N the number of members, M of those returned",
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost_of_range),
    ..COMMAND
};

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
pub const ZRANGE: Command = Command {
    name: "ZRANGE",
    summary: "Returns members of a sorted set in a range of ranks, of scores or of names.",
    since: "1.2.0",
    args: &[
        Arg::Key("key"),
        Arg::Str("start"),
        Arg::Str("stop"),
        KINDS,
        REV,
        LIMIT,
        WITHSCORES,
    ],
    errors: &[
        SCORE_ERROR,
        BYTES_ERROR,
        (LIMIT_WITH_RANKS, "LIMIT stands in a range of ranks."),
        (SCORES_WITH_BYTES, "WITHSCORES stands in a range of names."),
    ],
    examples: &[
        ("ZADD race 9 Ada 10 Bo 11 Cy", "(integer) 3"),
        ("ZRANGE race 0 1", "1) \"Ada\"\n2) \"Bo\""),
        (
            "ZRANGE race (9 +inf BYSCORE WITHSCORES",
            "1) \"Bo\"\n2) \"10\"\n3) \"Cy\"\n4) \"11\"",
        ),
        ("ZRANGE race 0 0 REV", "1) \"Cy\""),
    ],
    run: |call| range(call, Request::ANY),
    ..READS
};

/// `ZREVRANGE key start stop [WITHSCORES]`
pub const ZREVRANGE: Command = Command {
    name: "ZREVRANGE",
    summary: "Returns members of a sorted set by rank, the highest score first: an older form of ZRANGE.",
    since: "1.2.0",
    args: &[
        Arg::Key("key"),
        Arg::Int("start"),
        Arg::Int("stop"),
        WITHSCORES,
    ],
    examples: &[
        ("ZADD race 9 Ada 10 Bo", "(integer) 2"),
        ("ZREVRANGE race 0 0", "1) \"Bo\""),
    ],
    run: |call| range(call, Request::of(By::Rank, true)),
    ..READS
};

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
pub const ZRANGEBYSCORE: Command = Command {
    name: "ZRANGEBYSCORE",
    summary: "Returns members of a sorted set in a range of scores: an older form of ZRANGE.",
    since: "1.0.5",
    args: &[
        Arg::Key("key"),
        Arg::Double("min"),
        Arg::Double("max"),
        WITHSCORES,
        LIMIT,
    ],
    errors: &[SCORE_ERROR],
    examples: &[
        ("ZADD race 9 Ada 10 Bo 11 Cy", "(integer) 3"),
        ("ZRANGEBYSCORE race 9 (11", "1) \"Ada\"\n2) \"Bo\""),
        ("ZRANGEBYSCORE race -inf +inf LIMIT 1 1", "1) \"Bo\""),
    ],
    run: |call| range(call, Request::of(By::Score, false)),
    ..READS
};

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
pub const ZREVRANGEBYSCORE: Command = Command {
    name: "ZREVRANGEBYSCORE",
    summary: "Returns members of a sorted set in a range of scores, the highest first: an older form of ZRANGE.",
    since: "2.2.0",
    args: &[
        Arg::Key("key"),
        Arg::Double("max"),
        Arg::Double("min"),
        WITHSCORES,
        LIMIT,
    ],
    errors: &[SCORE_ERROR],
    examples: &[
        ("ZADD race 9 Ada 10 Bo 11 Cy", "(integer) 3"),
        ("ZREVRANGEBYSCORE race 10 -inf", "1) \"Bo\"\n2) \"Ada\""),
    ],
    run: |call| range(call, Request::of(By::Score, true)),
    ..READS
};

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
pub const ZRANGEBYLEX: Command = Command {
    name: "ZRANGEBYLEX",
    summary: "Returns members of a sorted set of equal scores in a range of names: an older form of ZRANGE.",
    since: "2.8.9",
    args: &[Arg::Key("key"), Arg::Str("min"), Arg::Str("max"), LIMIT],
    errors: &[BYTES_ERROR],
    examples: &[
        ("ZADD names 0 Ada 0 Bo 0 Cy", "(integer) 3"),
        ("ZRANGEBYLEX names [B +", "1) \"Bo\"\n2) \"Cy\""),
    ],
    run: |call| range(call, Request::of(By::Bytes, false)),
    ..READS
};

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
pub const ZREVRANGEBYLEX: Command = Command {
    name: "ZREVRANGEBYLEX",
    summary: "Returns members of a sorted set of equal scores in a range of names, the last first: an older form of ZRANGE.",
    since: "2.8.9",
    args: &[Arg::Key("key"), Arg::Str("max"), Arg::Str("min"), LIMIT],
    errors: &[BYTES_ERROR],
    examples: &[
        ("ZADD names 0 Ada 0 Bo 0 Cy", "(integer) 3"),
        ("ZREVRANGEBYLEX names (Cy -", "1) \"Bo\"\n2) \"Ada\""),
    ],
    run: |call| range(call, Request::of(By::Bytes, true)),
    ..READS
};

/// `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
pub const ZRANGESTORE: Command = Command {
    name: "ZRANGESTORE",
    summary: "Stores members of a sorted set in a range of ranks, of scores or of names, and returns how many there are.",
    group: Group::SortedSet,
    since: "6.2.0",
    complexity: "O(log N + M log M), N the number of members, M of those stored",
    args: &[
        Arg::Key("dst"),
        Arg::Key("src"),
        Arg::Str("min"),
        Arg::Str("max"),
        KINDS,
        REV,
        LIMIT,
    ],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_values),
    errors: &[
        SCORE_ERROR,
        BYTES_ERROR,
        (LIMIT_WITH_RANKS, "LIMIT stands in a range of ranks."),
    ],
    examples: &[
        ("ZADD race 9 Ada 10 Bo 11 Cy", "(integer) 3"),
        ("ZRANGESTORE medals race 0 1", "(integer) 2"),
        ("ZRANGE medals 0 -1", "1) \"Ada\"\n2) \"Bo\""),
    ],
    key_flags: &["OW", "update"],
    later_key_flags: &["RO", "access"],
    run: store,
    ..COMMAND
};

/// What a command wants of a range besides its bounds.
struct Request {
    /// None: ranks, unless an option says something else.
    by: Option<By>,
    /// None: forward, unless an option says something else.
    is_reversed: Option<bool>,
    may_have_scores: bool,
    with_scores: bool,
    offset: i64,
    /// Below zero: all.
    count: i64,
}

impl Request {
    /// All options are open.
    const ANY: Request = Request {
        by: None,
        is_reversed: None,
        may_have_scores: true,
        with_scores: false,
        offset: 0,
        count: -1,
    };

    /// Kind and direction are those of the command.
    fn of(by: By, is_reversed: bool) -> Request {
        Request {
            by: Some(by),
            is_reversed: Some(is_reversed),
            ..Request::ANY
        }
    }

    /// Reads bounds and options.
    fn parse<'r>(&mut self, args: &mut Args<'r>) -> Result<Bounds<'r>> {
        let (first, second) = (args.word()?, args.word()?);
        let (can_say_by, can_say_rev) = (self.by.is_none(), self.is_reversed.is_none());
        while !args.is_done() {
            if self.may_have_scores && args.take("WITHSCORES") {
                self.with_scores = true;
            } else if args.left() >= 3 && args.take("LIMIT") {
                (self.offset, self.count) = (args.int()?, args.int()?);
            } else if can_say_rev && args.take("REV") {
                self.is_reversed = Some(true);
            } else if can_say_by && self.by.is_none() && args.take("BYLEX") {
                self.by = Some(By::Bytes);
            } else if can_say_by && self.by.is_none() && args.take("BYSCORE") {
                self.by = Some(By::Score);
            } else {
                return Err(error::SYNTAX);
            }
        }
        let by = self.by.unwrap_or(By::Rank);
        if by == By::Rank && self.count != -1 {
            return Err(Refusal::line(LIMIT_WITH_RANKS));
        }
        if by == By::Bytes && self.with_scores {
            return Err(Refusal::line(SCORES_WITH_BYTES));
        }
        match self.is_reversed() && by != By::Rank {
            true => Bounds::parse(by, second, first),
            false => Bounds::parse(by, first, second),
        }
    }

    fn is_reversed(&self) -> bool {
        self.is_reversed == Some(true)
    }

    /// The members, in the direction wanted.
    fn members<'s>(
        &self,
        set: &'s SortedSet,
        bounds: &Bounds,
    ) -> Box<dyn Iterator<Item = &'s Ranked> + 's> {
        let ranks = bounds.ranks(set, self.is_reversed());
        // Ranks know no LIMIT; what it passes over elsewhere is not gone through.
        let (skipped, taken) = match (self.by, usize::try_from(self.offset)) {
            (None | Some(By::Rank), _) => (0, usize::MAX),
            (_, Err(_)) => (ranks.len(), 0),
            (_, Ok(offset)) => {
                let count = usize::try_from(self.count).unwrap_or(usize::MAX);
                (offset.min(ranks.len()), count)
            }
        };
        match self.is_reversed() {
            true => Box::new(
                set.range(ranks.start..ranks.end - skipped)
                    .rev()
                    .take(taken),
            ),
            false => Box::new(set.range(ranks.start + skipped..ranks.end).take(taken)),
        }
    }
}

fn range(call: &mut Call, mut request: Request) -> Result {
    let key = call.args.word()?;
    let bounds = request.parse(&mut call.args)?;
    let set = call
        .access
        .read(call.db(), key, |view| sorted_set_of(view, key))??;
    let Some(set) = set else {
        return Ok(Reply::Array(Vec::new()));
    };
    let members = request.members(&set, &bounds);
    Ok(match request.with_scores {
        true => Reply::Pairs(
            members
                .map(|item| scored(&item.member, item.score))
                .collect(),
        ),
        false => Reply::Array(
            members
                .map(|item| Reply::Bulk(item.member.clone()))
                .collect(),
        ),
    })
}

fn store(call: &mut Call) -> Result {
    let (to, from) = (call.args.word()?, call.args.word()?);
    let mut request = Request {
        may_have_scores: false,
        ..Request::ANY
    };
    let bounds = request.parse(&mut call.args)?;
    call.access.write(call.db(), &[to, from], |view| {
        let set = sorted_set_of(view, from)?;
        let members = set.iter().flat_map(|set| request.members(set, &bounds));
        let members: Vec<_> = members
            .map(|item| (item.score, item.member.clone()))
            .collect();
        let reply = Reply::count(members.len());
        let effect = (!members.is_empty()).then_some(Effect::SortedSetAdd { members });
        Ok(Decision::with(reply, replace(view, to, effect)))
    })
}

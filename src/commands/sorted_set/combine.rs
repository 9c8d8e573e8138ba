//! Several sorted sets together: ZUNION, ZINTER, ZDIFF, ZINTERCARD, and the forms that store what they find. Plain sets count as
//! sorted sets in which every score is 1.

use crate::commands::args::Args;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::members::{LIMIT, replace, scored, take_limit};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, keys};
use crate::engine::Decision;
use crate::keyspace::change::Effect;
use crate::keyspace::set::Set;
use crate::keyspace::sorted_set::{Ranked, SortedSet};
use crate::keyspace::{Value, View};
use crate::protocol::{Reply, number};
use bytes::Bytes;
use indexmap::IndexMap;
use std::sync::Arc;

/// What becomes of several sets; a key that is missing is an empty set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Intersection,
    Union,
    Difference,
}

/// How scores of one member become one.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

const WEIGHTS: Arg = Arg::Optional(&Arg::Option(
    "WEIGHTS",
    &[Arg::Multiple(&Arg::Int("weight"))],
));
const AGGREGATE: Arg = Arg::Optional(&Arg::Option(
    "AGGREGATE",
    &[Arg::OneOf(&[
        Arg::Token("SUM"),
        Arg::Token("MIN"),
        Arg::Token("MAX"),
    ])],
));
const WITHSCORES: Arg = Arg::Optional(&Arg::Token("WITHSCORES"));

const KEYS_ERROR: (&str, &str) = (
    "ERR at least 1 input key is needed for '<command>' command",
    "The number of keys is below one.",
);
const WEIGHT_ERROR: (&str, &str) = ("ERR weight value is not a float", "A weight is no number.");

const READS: Command = Command {
    group: Group::SortedSet,
    since: "6.2.0",
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(keys::cost_of_values),
    errors: &[KEYS_ERROR, WEIGHT_ERROR],
    ..COMMAND
};

const STORES: Command = Command {
    group: Group::SortedSet,
    since: "2.0.0",
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_values),
    errors: &[KEYS_ERROR, WEIGHT_ERROR],
    key_flags: &["OW", "update"],
    later_key_flags: &["RO", "access"],
    ..COMMAND
};

/// `ZUNION numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub const ZUNION: Command = Command {
    name: "ZUNION",
    summary: "Returns the members that any of the sorted sets has, with their scores added up.",
    complexity: "O(N log N), N the members of all sets",
    args: &[
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Key("key")),
        WEIGHTS,
        AGGREGATE,
        WITHSCORES,
    ],
    examples: &[
        ("ZADD may 3 Ada 1 Bo", "(integer) 2"),
        ("ZADD june 2 Bo", "(integer) 1"),
        (
            "ZUNION 2 may june WEIGHTS 1 10 WITHSCORES",
            "1) \"Ada\"\n2) \"3\"\n3) \"Bo\"\n4) \"21\"",
        ),
    ],
    run: |call| combine(call, Operation::Union),
    ..READS
};

/// `ZINTER numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub const ZINTER: Command = Command {
    name: "ZINTER",
    summary: "Returns the members that all of the sorted sets have, with their scores added up.",
    complexity: "O(N * K + M log M), N the members of the smallest set, K the number of sets, M of those returned",
    args: &[
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Key("key")),
        WEIGHTS,
        AGGREGATE,
        WITHSCORES,
    ],
    examples: &[
        ("ZADD may 3 Ada 1 Bo", "(integer) 2"),
        ("ZADD june 2 Bo", "(integer) 1"),
        (
            "ZINTER 2 may june AGGREGATE MAX WITHSCORES",
            "1) \"Bo\"\n2) \"2\"",
        ),
    ],
    run: |call| combine(call, Operation::Intersection),
    ..READS
};

/// `ZDIFF numkeys key [key ...] [WITHSCORES]`
pub const ZDIFF: Command = Command {
    name: "ZDIFF",
    summary: "Returns the members of the first sorted set that none of the others has.",
    complexity: "O(N * K), N the members of the first set, K the number of sets",
    args: &[
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Key("key")),
        WITHSCORES,
    ],
    errors: &[KEYS_ERROR],
    examples: &[
        ("ZADD may 3 Ada 1 Bo", "(integer) 2"),
        ("ZADD june 2 Bo", "(integer) 1"),
        ("ZDIFF 2 may june", "1) \"Ada\""),
    ],
    run: |call| combine(call, Operation::Difference),
    ..READS
};

/// `ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]`
pub const ZUNIONSTORE: Command = Command {
    name: "ZUNIONSTORE",
    summary: "Stores the members that any of the sorted sets has, with their scores added up.",
    complexity: "O(N log N), N the members of all sets",
    args: &[
        Arg::Key("destination"),
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Key("key")),
        WEIGHTS,
        AGGREGATE,
    ],
    examples: &[
        ("ZADD may 3 Ada 1 Bo", "(integer) 2"),
        ("ZADD june 2 Bo", "(integer) 1"),
        ("ZUNIONSTORE year 2 may june", "(integer) 2"),
        ("ZSCORE year Bo", "\"3\""),
    ],
    run: |call| store(call, Operation::Union),
    ..STORES
};

/// `ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight ...] [AGGREGATE SUM | MIN | MAX]`
pub const ZINTERSTORE: Command = Command {
    name: "ZINTERSTORE",
    summary: "Stores the members that all of the sorted sets have, with their scores added up.",
    complexity: "O(N * K + M log M), N the members of the smallest set, K the number of sets, M of those stored",
    args: &[
        Arg::Key("destination"),
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Key("key")),
        WEIGHTS,
        AGGREGATE,
    ],
    examples: &[
        ("ZADD may 3 Ada 1 Bo", "(integer) 2"),
        ("ZADD june 2 Bo", "(integer) 1"),
        ("ZINTERSTORE both 2 may june", "(integer) 1"),
    ],
    run: |call| store(call, Operation::Intersection),
    ..STORES
};

/// `ZDIFFSTORE destination numkeys key [key ...]`
pub const ZDIFFSTORE: Command = Command {
    name: "ZDIFFSTORE",
    summary: "Stores the members of the first sorted set that none of the others has.",
    since: "6.2.0",
    complexity: "O(N * K), N the members of the first set, K the number of sets",
    args: &[
        Arg::Key("destination"),
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Key("key")),
    ],
    errors: &[KEYS_ERROR],
    examples: &[
        ("ZADD may 3 Ada 1 Bo", "(integer) 2"),
        ("ZADD june 2 Bo", "(integer) 1"),
        ("ZDIFFSTORE rest 2 may june", "(integer) 1"),
    ],
    run: |call| store(call, Operation::Difference),
    ..STORES
};

/// `ZINTERCARD numkeys key [key ...] [LIMIT limit]`
pub const ZINTERCARD: Command = Command {
    name: "ZINTERCARD",
    summary: "Counts the members that all of the sorted sets have, up to a limit.",
    since: "7.0.0",
    complexity: "O(N * K), N the members of the smallest set, K the number of sets",
    args: &[Arg::Int("numkeys"), Arg::Multiple(&Arg::Key("key")), LIMIT],
    errors: &[
        KEYS_ERROR,
        (
            "ERR LIMIT can't be negative",
            "The limit is no number, or below zero.",
        ),
    ],
    examples: &[
        ("ZADD may 3 Ada 1 Bo", "(integer) 2"),
        ("ZADD june 2 Bo", "(integer) 1"),
        ("ZINTERCARD 2 may june", "(integer) 1"),
    ],
    run: zintercard,
    ..READS
};

/// One of the sets.
enum Source {
    Missing,
    Plain(Arc<Set>),
    Sorted(Arc<SortedSet>),
}

impl Source {
    fn of(view: &View, key: &[u8]) -> Result<Source> {
        match view.get(key) {
            None => Ok(Source::Missing),
            Some(Value::Set(set)) => Ok(Source::Plain(set)),
            Some(Value::SortedSet(set)) => Ok(Source::Sorted(set)),
            Some(_) => Err(error::WRONG_TYPE),
        }
    }

    fn len(&self) -> usize {
        match self {
            Source::Missing => 0,
            Source::Plain(set) => set.len(),
            Source::Sorted(set) => set.len(),
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Missing => None,
            Source::Plain(set) => set.contains(member).then_some(1.0),
            Source::Sorted(set) => set.score(member),
        }
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (&Bytes, f64)> + '_> {
        match self {
            Source::Missing => Box::new(std::iter::empty()),
            Source::Plain(set) => Box::new(set.iter().map(|member| (member, 1.0))),
            Source::Sorted(set) => Box::new(set.iter().map(|item| (&item.member, item.score))),
        }
    }
}

/// What a request says besides its keys.
struct Options {
    /// One for each key.
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

impl Options {
    fn parse(args: &mut Args, keys: usize, operation: Operation, stores: bool) -> Result<Options> {
        let mut options = Options {
            weights: vec![1.0; keys],
            aggregate: Aggregate::Sum,
            with_scores: false,
        };
        let has_scores = operation != Operation::Difference;
        while !args.is_done() {
            if has_scores && args.left() > keys && args.take("WEIGHTS") {
                for weight in &mut options.weights {
                    *weight =
                        number::parse_double(args.word()?).ok_or(Refusal::line(WEIGHT_ERROR.0))?;
                }
            } else if has_scores && args.left() > 1 && args.take("AGGREGATE") {
                options.aggregate = match &*args.word()?.to_ascii_uppercase() {
                    b"SUM" => Aggregate::Sum,
                    b"MIN" => Aggregate::Min,
                    b"MAX" => Aggregate::Max,
                    _ => return Err(error::SYNTAX),
                };
            } else if !stores && args.take("WITHSCORES") {
                options.with_scores = true;
            } else {
                return Err(error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// The two scores as one. What is no number counts as 0.
    fn join(&self, one: f64, other: f64) -> f64 {
        match self.aggregate {
            Aggregate::Sum => number_or_zero(one + other),
            Aggregate::Min => {
                if other < one {
                    other
                } else {
                    one
                }
            }
            Aggregate::Max => {
                if other > one {
                    other
                } else {
                    one
                }
            }
        }
    }
}

fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// `numkeys key [key ...]`
fn take_keys<'r>(call: &mut Call<'r>) -> Result<Vec<&'r [u8]>> {
    let count = call.args.int()?;
    if count < 1 {
        return Err(Refusal::made(format!(
            "ERR at least 1 input key is needed for '{}' command",
            call.command.lower_name()
        )));
    }
    if count as u64 > call.args.left() as u64 {
        return Err(error::SYNTAX);
    }
    (0..count).map(|_| call.args.word()).collect()
}

fn sources_of(view: &View, keys: &[&[u8]]) -> Result<Vec<Source>> {
    keys.iter().map(|key| Source::of(view, key)).collect()
}

fn combine(call: &mut Call, operation: Operation) -> Result {
    let keys = take_keys(call)?;
    let sources = call
        .access
        .read_keys(call.db(), &keys, |view| sources_of(view, &keys))??;
    let options = Options::parse(&mut call.args, keys.len(), operation, false)?;
    let mut members = members_of(operation, &sources, &options);
    members.sort_unstable_by(|a, b| a.order(b.score, &b.member));
    Ok(match options.with_scores {
        true => Reply::Pairs(
            members
                .iter()
                .map(|item| scored(&item.member, item.score))
                .collect(),
        ),
        false => Reply::Array(
            members
                .into_iter()
                .map(|item| Reply::Bulk(item.member))
                .collect(),
        ),
    })
}

fn store(call: &mut Call, operation: Operation) -> Result {
    let to = call.args.word()?;
    let from = take_keys(call)?;
    let parsed = Options::parse(&mut call.args, from.len(), operation, true);
    let mut keys = from.clone();
    keys.push(to);
    call.access.write(call.db(), &keys, |view| {
        let sources = sources_of(view, &from)?;
        // A key of another kind is answered first.
        let options = parsed?;
        let members = members_of(operation, &sources, &options).into_iter();
        let members: Vec<_> = members.map(|item| (item.score, item.member)).collect();
        let reply = Reply::count(members.len());
        let effect = (!members.is_empty()).then_some(Effect::SortedSetAdd { members });
        Ok(Decision::with(reply, replace(view, to, effect)))
    })
}

fn zintercard(call: &mut Call) -> Result {
    let keys = take_keys(call)?;
    let sources = call
        .access
        .read_keys(call.db(), &keys, |view| sources_of(view, &keys))??;
    let limit = take_limit(&mut call.args)?;
    let order = by_len(&sources);
    let common = sources[order[0]].iter().filter(|(member, _)| {
        let mut others = order[1..].iter();
        others.all(|at| sources[*at].score(member).is_some())
    });
    Ok(Reply::count(
        common.take(limit.unwrap_or(usize::MAX)).count(),
    ))
}

/// The places of the sources, the smallest first.
fn by_len(sources: &[Source]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|at| sources[*at].len());
    order
}

fn members_of(operation: Operation, sources: &[Source], options: &Options) -> Vec<Ranked> {
    let weighted = |at: usize, score: f64| number_or_zero(options.weights[at] * score);
    let ranked = |member: &Bytes, score| Ranked {
        score,
        member: member.clone(),
    };
    let order = by_len(sources);
    match operation {
        Operation::Difference => {
            let members = sources[0].iter();
            let is_left =
                |member: &[u8]| sources[1..].iter().all(|set| set.score(member).is_none());
            let left = members.filter(|(member, _)| is_left(member));
            left.map(|(member, score)| ranked(member, score)).collect()
        }
        Operation::Union => {
            let mut scores: IndexMap<&Bytes, f64> = IndexMap::new();
            for at in order {
                for (member, score) in sources[at].iter() {
                    let score = weighted(at, score);
                    let joined = scores.get(member).map(|old| options.join(*old, score));
                    scores.insert(member, joined.unwrap_or(score));
                }
            }
            let scores = scores.into_iter();
            scores
                .map(|(member, score)| ranked(member, score))
                .collect()
        }
        Operation::Intersection => {
            let members = sources[order[0]].iter().filter_map(|(member, score)| {
                let first = weighted(order[0], score);
                let joined = order[1..].iter().try_fold(first, |joined, at| {
                    let score = sources[*at].score(member)? * options.weights[*at];
                    Some(options.join(joined, score))
                });
                Some(ranked(member, joined?))
            });
            members.collect()
        }
    }
}

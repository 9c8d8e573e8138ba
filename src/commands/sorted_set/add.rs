//! Members get scores: ZADD, ZINCRBY.

use super::sorted_set_of;
use crate::commands::Call;
use crate::commands::args::Args;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::keys;
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::sorted_set::SortedSet;
use crate::protocol::{Reply, number};
use bytes::Bytes;
use std::collections::HashMap;

const FLAGS: Flags = flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]);

const NOT_A_NUMBER: Refusal = Refusal::line("ERR resulting score is not a number (NaN)");

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
pub const ZADD: Command = Command {
    name: "ZADD",
    summary: "Sets scores of members of a sorted set and returns how many members are new.",
    group: Group::SortedSet,
    since: "1.2.0",
    complexity: "O(N log M), N the number of members given, M of those in the set",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::OneOf(&[Arg::Token("NX"), Arg::Token("XX")])),
        Arg::Optional(&Arg::OneOf(&[Arg::Token("GT"), Arg::Token("LT")])),
        Arg::Optional(&Arg::Token("CH")),
        Arg::Optional(&Arg::Token("INCR")),
        Arg::Multiple(&Arg::Block(&[Arg::Double("score"), Arg::Str("member")])),
    ],
    flags: FLAGS,
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "update"],
    errors: &[
        (
            "ERR XX and NX options at the same time are not compatible",
            "Both are given.",
        ),
        (
            "ERR GT, LT, and/or NX options at the same time are not compatible",
            "Two of them are given.",
        ),
        (
            "ERR INCR option supports a single increment-element pair",
            "More than one member is given with INCR.",
        ),
        (
            "ERR resulting score is not a number (NaN)",
            "With INCR: the two infinities were added.",
        ),
    ],
    examples: &[
        ("ZADD race 9.8 Ada 10.1 Bo", "(integer) 2"),
        ("ZADD race LT CH 9.7 Ada 10.2 Bo", "(integer) 1"),
        (
            "ZRANGE race 0 -1 WITHSCORES",
            "1) \"Ada\"\n2) \"9.7\"\n3) \"Bo\"\n4) \"10.1\"",
        ),
        ("ZADD race INCR 0.5 Bo", "\"10.6\""),
    ],
    run: zadd,
    ..COMMAND
};

/// Which scores are set.
#[derive(Clone, Copy, Default)]
struct Options {
    /// Only of new members.
    is_nx: bool,
    /// Only of members that are there.
    is_xx: bool,
    /// Of those only if the score becomes greater.
    is_gt: bool,
    /// Of those only if the score becomes less.
    is_lt: bool,
    /// The reply counts changed members too.
    counts_changed: bool,
    /// The numbers are added to the scores.
    is_incr: bool,
}

impl Options {
    fn parse(args: &mut Args) -> Options {
        let mut options = Options::default();
        while let Some(word) = args.peek() {
            let option = match &*word.to_ascii_uppercase() {
                b"NX" => &mut options.is_nx,
                b"XX" => &mut options.is_xx,
                b"GT" => &mut options.is_gt,
                b"LT" => &mut options.is_lt,
                b"CH" => &mut options.counts_changed,
                b"INCR" => &mut options.is_incr,
                _ => break,
            };
            *option = true;
            args.try_next();
        }
        options
    }

    fn check(&self, members: usize) -> Result<()> {
        let is_ambiguous = [self.is_nx, self.is_gt, self.is_lt];
        let line = if self.is_nx && self.is_xx {
            "ERR XX and NX options at the same time are not compatible"
        } else if is_ambiguous.iter().filter(|is_given| **is_given).count() > 1 {
            "ERR GT, LT, and/or NX options at the same time are not compatible"
        } else if self.is_incr && members > 1 {
            "ERR INCR option supports a single increment-element pair"
        } else {
            return Ok(());
        };
        Err(Refusal::line(line))
    }

    /// The score that a member gets, if it is set; `old` is the one that it has.
    fn decide(&self, old: Option<f64>, given: f64) -> Result<Option<f64>> {
        let Some(old) = old else {
            return Ok((!self.is_xx).then_some(given));
        };
        if self.is_nx {
            return Ok(None);
        }
        let new = if self.is_incr { old + given } else { given };
        if new.is_nan() {
            return Err(NOT_A_NUMBER);
        }
        let is_refused = (self.is_gt && new <= old) || (self.is_lt && new >= old);
        Ok((!is_refused).then_some(new))
    }
}

fn zadd(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let options = Options::parse(&mut call.args);
    let words = call.args.left();
    if words == 0 || !words.is_multiple_of(2) {
        return Err(error::SYNTAX);
    }
    options.check(words / 2)?;
    let given = (0..words / 2).map(|_| take_scored(&mut call.args));
    let given: Vec<(f64, Bytes)> = given.collect::<Result<_>>()?;
    set_scores(call, key, options, given)
}

fn take_scored(args: &mut Args) -> Result<(f64, Bytes)> {
    let score = number::parse_double(args.word()?).ok_or(error::NOT_A_FLOAT)?;
    Ok((score, args.bytes()?))
}

/// ZINCRBY key increment member
pub const ZINCRBY: Command = Command {
    name: "ZINCRBY",
    summary: "Adds to the score of a member of a sorted set and returns the sum; a new member begins at 0.",
    group: Group::SortedSet,
    since: "1.2.0",
    complexity: "O(log N), N the number of members",
    args: &[
        Arg::Key("key"),
        Arg::Double("increment"),
        Arg::Str("member"),
    ],
    flags: FLAGS,
    key_flags: &["RW", "access", "update"],
    errors: &[(
        "ERR resulting score is not a number (NaN)",
        "The two infinities were added.",
    )],
    examples: &[
        ("ZINCRBY wins 1 Ada", "\"1\""),
        ("ZINCRBY wins 2.5 Ada", "\"3.5\""),
    ],
    run: |call| {
        let key = call.args.word()?;
        let given = vec![take_scored(&mut call.args)?];
        let options = Options {
            is_incr: true,
            ..Options::default()
        };
        set_scores(call, key, options, given)
    },
    ..COMMAND
};

fn set_scores(call: &Call, key: &[u8], options: Options, given: Vec<(f64, Bytes)>) -> Result {
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let set = sorted_set_of(view, key)?;
        let mut draft = Draft::new(set.as_deref(), given.len());
        let mut result = None;
        for (score, member) in given {
            result = draft.set(options, score, member)?;
        }
        let reply = match options.is_incr {
            true => result.map_or(Reply::Null, Reply::Double),
            false if options.counts_changed => Reply::count(draft.members.len()),
            false => Reply::count(draft.added),
        };
        let members = draft.members;
        if members.is_empty() {
            return Ok(Decision::unchanged(reply));
        }
        let change = Change::new(db, key, Effect::SortedSetAdd { members });
        Ok(Decision::one(reply, change))
    })
}

/// A sorted set with the scores that a command decided so far: a member that a request names twice is met as the first mention
/// left it.
struct Draft<'s> {
    set: Option<&'s SortedSet>,
    /// Scores that were set; not kept for a single member.
    fresh: Option<HashMap<Bytes, f64>>,
    /// Members whose scores change, in order.
    members: Vec<(f64, Bytes)>,
    /// How many of those are new.
    added: usize,
}

impl<'s> Draft<'s> {
    fn new(set: Option<&'s SortedSet>, members: usize) -> Draft<'s> {
        Draft {
            set,
            fresh: (members > 1).then(HashMap::new),
            members: Vec::new(),
            added: 0,
        }
    }

    /// The member's score afterwards, if the options let it be set.
    fn set(&mut self, options: Options, given: f64, member: Bytes) -> Result<Option<f64>> {
        let fresh = self.fresh.as_ref().and_then(|fresh| fresh.get(&member));
        let there = || self.set.and_then(|set| set.score(&member));
        let old = fresh.copied().or_else(there);
        let new = options.decide(old, given)?;
        if let Some(score) = new
            && old != new
        {
            if let Some(fresh) = &mut self.fresh {
                fresh.insert(member.clone(), score);
            }
            self.added += usize::from(old.is_none());
            self.members.push((score, member));
        }
        Ok(new)
    }
}

//! What the commands of sets, sorted sets and lists have in common: counts and ranges in requests, what is drawn by chance, and
//! results that take a key's place.

use super::args::Args;
use super::error::{self, Refusal, Result};
use super::table::Arg;
use super::{Context, Session};
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::{Value, View};
use crate::protocol::{Reply, Request, number};
use std::collections::HashSet;
use std::hash::Hash;
use std::ops::Range;

/// Members that one command may return with repetitions; Redis sends until the client is gone.
pub const REPETITIONS_MAX: u64 = 1 << 22;

/// A number is outside of what the command takes.
pub const OUT_OF_RANGE: Refusal = Refusal::line("ERR value is out of range");
/// A count is no number, or below zero.
pub const MUST_BE_POSITIVE: Refusal = Refusal::line("ERR value is out of range, must be positive");
/// The number of keys is none, or below one.
pub const NO_KEYS: Refusal = Refusal::line("ERR numkeys should be greater than 0");
/// A limit is no number, or below zero.
const NEGATIVE_LIMIT: Refusal = Refusal::line("ERR LIMIT can't be negative");
const LOWEST: Refusal = Refusal::line(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/// What may be wrong with a count; for the pages.
pub const COUNT_ERRORS: &[(&str, &str)] = &[(
    "ERR value is out of range, must be positive",
    "The count is no number, or below zero.",
)];

/// The next word as a count of at least `min`; `refusal` if it is none.
pub fn take_count(args: &mut Args, min: i64, refusal: Refusal) -> Result<usize> {
    let count = number::parse_i64(args.word()?).filter(|count| *count >= min);
    count.map(|count| count as usize).ok_or(refusal)
}

/// The next word as an integer whose sign can be turned.
pub fn take_signed(args: &mut Args) -> Result<i64> {
    let number = args.int()?;
    if number == i64::MIN {
        return Err(LOWEST);
    }
    Ok(number)
}

/// The option `LIMIT limit` as the rest of a request; none without it, or where it is 0.
pub fn take_limit(args: &mut Args) -> Result<Option<usize>> {
    let mut limit = 0;
    while !args.is_done() {
        if args.left() < 2 || !args.take("LIMIT") {
            return Err(error::SYNTAX);
        }
        limit = take_count(args, 0, NEGATIVE_LIMIT)?;
    }
    Ok(Some(limit).filter(|limit| *limit > 0))
}

/// `LIMIT limit` in the grammar.
pub const LIMIT: Arg = Arg::Optional(&Arg::Option("LIMIT", &[Arg::Int("limit")]));

/// `numkeys key [key ...]` of the commands that pop from the first key that has something, and what follows them: one of two
/// words, and `COUNT count`.
pub struct PopRequest<'r> {
    /// The keys.
    pub keys: Vec<&'r [u8]>,
    /// Whether the first of the two words is given.
    pub is_first: bool,
    /// How many are popped at most.
    pub count: usize,
}

impl<'r> PopRequest<'r> {
    /// Reads all words; `words` are the two, in upper case.
    pub fn parse(args: &mut Args<'r>, words: [&str; 2]) -> Result<PopRequest<'r>> {
        const BAD_COUNT: Refusal = Refusal::line("ERR count should be greater than 0");
        let count = take_count(args, 1, NO_KEYS)?;
        if count >= args.left() {
            return Err(error::SYNTAX);
        }
        let keys = (0..count).map(|_| args.word()).collect::<Result<_>>()?;
        let is_first = args.take(words[0]);
        if !is_first && !args.take(words[1]) {
            return Err(error::SYNTAX);
        }
        let mut count = 1;
        if args.left() >= 2 && args.take("COUNT") {
            count = take_count(args, 1, BAD_COUNT)?;
        }
        args.end()?;
        Ok(PopRequest {
            keys,
            is_first,
            count,
        })
    }
}

/// What may be wrong with such a request; for the pages.
pub const POP_ERRORS: &[(&str, &str)] = &[
    (
        "ERR numkeys should be greater than 0",
        "The number of keys is none, or below one.",
    ),
    (
        "ERR count should be greater than 0",
        "The count is none, or below one.",
    ),
];

/// The places that `start` and `stop` name among `len`, both included; below zero they count from the end.
pub fn places(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_end = |place: i64| {
        if place < 0 {
            place.saturating_add(len)
        } else {
            place
        }
    };
    let (start, stop) = (from_end(start).max(0), from_end(stop).min(len - 1));
    if start > stop {
        return 0..0;
    }
    start as usize..stop as usize + 1
}

/// Number of members or elements of what is under a key; 0 for other kinds.
pub fn len_of(context: &Context, session: &Session, key: &[u8]) -> usize {
    let database = context.engine.keyspace().database(session.db);
    match database.peek(key).map(|entry| entry.value) {
        Some(Value::Set(set)) => set.len(),
        Some(Value::SortedSet(set)) => set.len(),
        Some(Value::List(list)) => list.len(),
        _ => 0,
    }
}

/// About an eighth of a microsecond for each member or element of the range in words 2 and 3, or of LIMIT.
pub fn cost_of_range(context: &Context, session: &Session, request: &Request) -> u64 {
    let len = len_of(context, session, request.arg(1));
    let int = |at| request.get(at).and_then(number::parse_i64);
    let is_limit = |word: &[u8]| word.eq_ignore_ascii_case(b"LIMIT");
    let limit = request
        .iter()
        .skip(4)
        .skip_while(|word| !is_limit(word))
        .nth(2);
    let limit = limit.and_then(number::parse_u64).unwrap_or(u64::MAX);
    let is_by_place = !request
        .iter()
        .skip(4)
        .any(|word| word.len() > 3 && word[..2].eq_ignore_ascii_case(b"BY"));
    let range = match (int(2), int(3)) {
        (Some(start), Some(stop)) if is_by_place => places(start, stop, len).len(),
        _ => len,
    };
    limit.min(range as u64) / 8
}

/// About an eighth of a microsecond for each of the members that word 2 counts.
pub fn cost_of_count(context: &Context, session: &Session, request: &Request) -> u64 {
    match request.get(2).and_then(number::parse_i64) {
        None => 0,
        Some(count) if count < 0 => count.unsigned_abs() / 16,
        Some(count) => (count as u64).min(len_of(context, session, request.arg(1)) as u64) / 8,
    }
}

/// About an eighth of a microsecond for each member that a step of a scan looks at.
pub fn cost_of_scan(context: &Context, session: &Session, request: &Request) -> u64 {
    let is_count = |word: &[u8]| word.eq_ignore_ascii_case(b"COUNT");
    let mut from_count = request.iter().skip(3).skip_while(|word| !is_count(word));
    let count = from_count.nth(1).and_then(number::parse_u64);
    let len = len_of(context, session, request.arg(1)) as u64;
    count.unwrap_or(0).min(len) / 8
}

/// A number below `n`. (The remainder favours small ones by less than n in 2^64.)
pub fn draw_below(context: &Context, n: usize) -> usize {
    (context.draw_random() % n as u64) as usize
}

/// `count` different things out of `len`, fewer than there are, each choice of them as likely as any other: `draw` gives one
/// by chance, `all` all of them.
pub fn draw_different<T: Copy + Eq + Hash>(
    context: &Context,
    count: usize,
    len: usize,
    mut draw: impl FnMut() -> T,
    all: impl FnOnce() -> Vec<T>,
) -> Vec<T> {
    if count < len / 4 {
        let mut drawn = HashSet::with_capacity(count);
        let mut chosen = Vec::with_capacity(count);
        while chosen.len() < count {
            let one = draw();
            if drawn.insert(one) {
                chosen.push(one);
            }
        }
        return chosen;
    }
    let mut chosen = all();
    for place in 0..count {
        let other = place + draw_below(context, chosen.len() - place);
        chosen.swap(place, other);
    }
    chosen.truncate(count);
    chosen
}

/// The changes after which a key holds what `effect` makes, and nothing of what it held; without an effect the key is gone.
pub fn replace(view: &View, key: &[u8], effect: Option<Effect>) -> Vec<Change> {
    let old = view
        .peek(key)
        .map(|_| Change::new(view.db, key, Effect::Delete));
    let new = effect.map(|effect| Change::new(view.db, key, effect));
    old.into_iter().chain(new).collect()
}

/// A member with its score, for replies whose shape follows the protocol.
pub fn scored(member: &bytes::Bytes, score: f64) -> (Reply, Reply) {
    (Reply::Bulk(member.clone()), Reply::Double(score))
}

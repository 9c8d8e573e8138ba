//! VRANDMEMBER, VISMEMBER, VRANGE: elements by name.

use super::super::error::{Refusal, Result};
use super::super::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use super::super::{Call, Context, Session};
use super::{collection, errors, name, read};
use crate::keyspace::collection::{Collection, Element};
use crate::protocol::{Reply, Request, number};
use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

/// Elements that one VRANDMEMBER may repeat.
const REPEATED_MAX: i64 = 1_000_000;

/// Draws elements.
pub const VRANDMEMBER: Command = Command {
    name: "VRANDMEMBER",
    summary: "Returns elements of a vector set, drawn at random.",
    group: Group::VectorSet,
    since: "8.0.0",
    complexity: "O(N), N the absolute value of count.",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Int("count"))],
    flags: flags(&[Flags::READONLY]),
    examples: &[
        ("VRANDMEMBER pets", "(nil)"),
        ("VADD pets VALUES 2 1 0 cat", "(integer) 1"),
        ("VRANDMEMBER pets", "\"cat\""),
        ("VRANDMEMBER pets 3", "1) \"cat\""),
        ("VRANDMEMBER pets -2", "1) \"cat\"\n2) \"cat\""),
        (
            "VRANDMEMBER pets two",
            "(error) ERR COUNT value is not an integer",
        ),
    ],
    errors: &[
        (
            "ERR wrong number of arguments for 'VRANDMEMBER' command",
            "More than a count follows the key.",
        ),
        (
            "ERR COUNT value is not an integer",
            "The count is no integer.",
        ),
        (
            "ERR COUNT value is out of range",
            "The count is below -1000000.",
        ),
        errors::WRONG_TYPE_ROW,
    ],
    run: vrandmember,
    ..COMMAND
};

/// Whether an element is there.
pub const VISMEMBER: Command = Command {
    name: "VISMEMBER",
    summary: "Tells whether a vector set has an element.",
    group: Group::VectorSet,
    since: "8.2.0",
    args: &[Arg::Key("key"), Arg::Str("element")],
    flags: flags(&[Flags::READONLY]),
    examples: &[
        ("VADD pets VALUES 2 1 0 cat", "(integer) 1"),
        ("VISMEMBER pets cat", "(integer) 1"),
        ("VISMEMBER pets bird", "(integer) 0"),
    ],
    errors: errors::WRONG_TYPE_ONLY,
    run: vismember,
    ..COMMAND
};

/// Elements in the order of their names.
pub const VRANGE: Command = Command {
    name: "VRANGE",
    summary: "Returns the elements of a vector set whose names lie in a range, in byte order.",
    group: Group::VectorSet,
    since: "8.4.0",
    complexity: "O(log(K)+M), K the number of elements in the vector set and M the number returned.",
    args: &[
        Arg::Key("key"),
        Arg::Str("start"),
        Arg::Str("end"),
        Arg::Optional(&Arg::Int("count")),
    ],
    flags: flags(&[Flags::READONLY]),
    examples: &[
        ("VADD pets VALUES 2 1 0 cat", "(integer) 1"),
        ("VADD pets VALUES 2 0 1 dog", "(integer) 1"),
        ("VRANGE pets - +", "1) \"cat\"\n2) \"dog\""),
        ("VRANGE pets (cat + 10", "1) \"dog\""),
        (
            "VRANGE pets cat +",
            "(error) ERR invalid start range format",
        ),
    ],
    class: Class::Predicted(predict_us),
    errors: &[
        (
            "ERR wrong number of arguments for 'VRANGE' command",
            "More than a count follows the end.",
        ),
        ("ERR invalid COUNT value", "The count is no integer."),
        (
            "ERR invalid start range format",
            "The start is not `-`, `+`, or `[` or `(` and at least one byte of a name.",
        ),
        (
            "ERR invalid end range format",
            "The end is not `-`, `+`, or `[` or `(` and at least one byte of a name.",
        ),
        (
            "ERR '-' can only be used as first argument, '+' only as second",
            "The start is `+`, or the end is `-`.",
        ),
        errors::WRONG_TYPE_ROW,
    ],
    run: vrange,
    ..COMMAND
};

/// A name takes some hundred nanoseconds; without a bound all of them may come.
fn predict_us(_: &Context, _: &Session, request: &Request) -> u64 {
    let count = request.get(4).and_then(number::parse_i64);
    count
        .and_then(|count| u64::try_from(count).ok())
        .map_or(u64::MAX, |count| count / 4)
}

fn vismember(call: &mut Call) -> Result {
    let element = call.request.arg(2);
    read(call, Reply::Bool(false), |collection| {
        Reply::Bool(collection.contains(element))
    })
}

fn vrandmember(call: &mut Call) -> Result {
    let context = call.context;
    let Some(count) = call.request.get(2) else {
        return read(call, Reply::Null, |collection| {
            let element = Draw::of(collection, context).one();
            element.map_or(Reply::Null, |element| name(&element))
        });
    };
    if call.args.left() > 2 {
        return Err(super::super::error::wrong_arity("VRANDMEMBER"));
    }
    let count = number::parse_i64(count).ok_or(errors::COUNT_NOT_AN_INTEGER)?;
    // Nothing is asked for, so nothing is looked at: not even the key's type.
    if count == 0 {
        return Ok(Reply::Array(Vec::new()));
    }
    let key = call.args.word()?;
    let drawn = call.access.read(call.db(), key, |view| {
        let found = collection(view, key)?;
        found.map_or(Ok(Vec::new()), |found| {
            Draw::of(&found, context).some(count)
        })
    })??;
    Ok(Reply::Array(
        drawn.iter().map(|element| name(element)).collect(),
    ))
}

/// Draws elements of one collection.
struct Draw<'a> {
    collection: &'a Collection,
    context: &'a Context,
}

impl<'a> Draw<'a> {
    fn of(collection: &'a Collection, context: &'a Context) -> Draw<'a> {
        Draw {
            collection,
            context,
        }
    }

    /// `count` different ones, or as many as it is below zero, repeats allowed.
    fn some(&self, count: i64) -> Result<Vec<Arc<Element>>> {
        match usize::try_from(count) {
            Ok(count) => Ok(self.distinct(count)),
            Err(_) if count < -REPEATED_MAX => Err(errors::COUNT_OUT_OF_RANGE),
            Err(_) => Ok((count..0).filter_map(|_| self.one()).collect()),
        }
    }

    fn one(&self) -> Option<Arc<Element>> {
        let random = self.context.draw_random();
        let slot = self.collection.index().random_slot(random)?;
        self.collection.element(slot)
    }

    /// `count` different elements, or all if there are no more.
    fn distinct(&self, count: usize) -> Vec<Arc<Element>> {
        let size = self.collection.len();
        // Drawing until half of them is met is quick, drawing the last ones is not.
        if count > size / 2 {
            let mut all = self
                .collection
                .range(Bound::Unbounded, Bound::Unbounded, usize::MAX);
            self.shuffle(&mut all, count);
            all.truncate(count);
            return all;
        }
        let mut seen = HashSet::new();
        let mut drawn = Vec::with_capacity(count);
        // The bound only matters when elements are removed meanwhile.
        for _ in 0..count.saturating_mul(16) {
            match self.one() {
                Some(element) if seen.insert(element.name().to_vec()) => drawn.push(element),
                _ => {}
            }
            if drawn.len() == count {
                break;
            }
        }
        drawn
    }

    /// Puts a random choice into the first `count` places (Fisher and Yates).
    fn shuffle(&self, all: &mut [Arc<Element>], count: usize) {
        for i in 0..count.min(all.len()) {
            let rest = (all.len() - i) as u64;
            let other = i + (self.context.draw_random() % rest) as usize;
            all.swap(i, other);
        }
    }
}

fn vrange(call: &mut Call) -> Result {
    let (key, start, end) = (call.args.word()?, call.args.word()?, call.args.word()?);
    if call.args.left() > 1 {
        return Err(super::super::error::wrong_arity("VRANGE"));
    }
    let count = match call.args.try_next() {
        Some(word) => number::parse_i64(word).ok_or(errors::INVALID_RANGE_COUNT)?,
        None => -1,
    };
    let (start, end) = (
        bound(start, errors::INVALID_START)?,
        bound(end, errors::INVALID_END)?,
    );
    let (Edge::First | Edge::At(_), Edge::Last | Edge::At(_)) = (&start, &end) else {
        return Err(errors::RANGE_SIGNS);
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    call.access.read(call.db(), key, |view| {
        let found = collection(view, key)?
            .map(|collection| collection.range(start.bound(), end.bound(), count));
        Ok(Reply::Array(
            found
                .unwrap_or_default()
                .iter()
                .map(|element| name(element))
                .collect(),
        ))
    })?
}

/// One end of a range.
enum Edge<'r> {
    First,
    Last,
    At(Bound<&'r [u8]>),
}

impl<'r> Edge<'r> {
    fn bound(&self) -> Bound<&'r [u8]> {
        match self {
            Edge::First | Edge::Last => Bound::Unbounded,
            Edge::At(bound) => *bound,
        }
    }
}

fn bound(word: &[u8], refusal: Refusal) -> Result<Edge<'_>> {
    match word {
        b"-" => Ok(Edge::First),
        b"+" => Ok(Edge::Last),
        [b'[', name @ ..] if !name.is_empty() => Ok(Edge::At(Bound::Included(name))),
        [b'(', name @ ..] if !name.is_empty() => Ok(Edge::At(Bound::Excluded(name))),
        _ => Err(refusal),
    }
}

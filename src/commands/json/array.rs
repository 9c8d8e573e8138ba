//! Altering arrays: JSON.ARRAPPEND, JSON.ARRINSERT, JSON.ARRPOP, JSON.ARRTRIM. The log gets what happened to the array, not
//! the array.

use super::draft::{Draft, order};
use super::get::{Format, expand, parse_format};
use super::path::Path;
use super::{ALTERS, CLASS, GROWS, errors, parse, text_reply, there, utf8};
use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Command, Group};
use crate::engine::Decision;
use crate::keyspace::json::{Edit, Elements, Json, Place};
use crate::protocol::{Reply, Version, number};

const ERRORS: &[(&str, &str)] = &[
    (
        "ERR could not perform this operation on a key that doesn't exist",
        "The key is missing.",
    ),
    (
        "ERR Path does not exist or not an array",
        "A path of the older form leads to no array.",
    ),
    (
        "Existing key has wrong Redis type",
        "The key holds another kind of value.",
    ),
];

/// `JSON.ARRAPPEND key path value [value ...]`
pub const ARRAPPEND: Command = Command {
    name: "JSON.ARRAPPEND",
    summary: "Appends values to the arrays that a path leads to, and returns their lengths.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[
        Arg::Key("key"),
        Arg::Str("path"),
        Arg::Multiple(&Arg::Str("value")),
    ],
    flags: GROWS,
    class: CLASS,
    key_flags: &["RW", "insert"],
    errors: ERRORS,
    examples: &[
        (r#"JSON.SET doc $ '{"a":[1],"b":2}'"#, "OK"),
        (
            r#"JSON.ARRAPPEND doc $.* 2 '"three"'"#,
            "1) (integer) 3\n2) (nil)",
        ),
        ("JSON.GET doc .a", r#""[1,2,\"three\"]""#),
    ],
    run: append,
    ..COMMAND
};

fn append(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take(call)?;
    let values = take_values(call)?;
    alter(call, key, &path, Order::AsFound, |elements| {
        let len = elements.len() + values.len();
        let edit = Edit::Insert {
            at: elements.len(),
            values: values.clone(),
        };
        Ok((Some(edit), Reply::count(len)))
    })
}

/// The values left; at least one.
fn take_values(call: &mut Call) -> Result<Vec<Json>> {
    if call.args.is_done() {
        return Err(error::wrong_arity(&call.command.lower_name()));
    }
    let words = call.args.rest_words();
    words.map(|word| parse(utf8(word)?)).collect()
}

/// `JSON.ARRINSERT key path index value [value ...]`
pub const ARRINSERT: Command = Command {
    name: "JSON.ARRINSERT",
    summary: "Inserts values before a position of the arrays that a path leads to, and returns their lengths.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[
        Arg::Key("key"),
        Arg::Str("path"),
        Arg::Int("index"),
        Arg::Multiple(&Arg::Str("value")),
    ],
    flags: GROWS,
    class: CLASS,
    key_flags: &["RW", "insert"],
    errors: &[
        (
            "ERR could not perform this operation on a key that doesn't exist",
            "The key is missing.",
        ),
        (
            "ERR Path does not exist or not an array",
            "A path of the older form leads to no array.",
        ),
        (
            "ERR index out of bounds",
            "The position lies outside of one of the arrays; nothing is altered then.",
        ),
        ("Couldn't parse as integer", "The position is no integer."),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":[1,4]}'"#, "OK"),
        ("JSON.ARRINSERT doc $.a 1 2 3", "1) (integer) 4"),
        ("JSON.GET doc .a", r#""[1,2,3,4]""#),
    ],
    run: insert,
    ..COMMAND
};

fn insert(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take(call)?;
    let index = call.args.int_or(errors::NOT_AN_INTEGER)?;
    let values = take_values(call)?;
    alter(call, key, &path, Order::InsideFirst, |elements| {
        let len = elements.len();
        let from_end = usize::try_from(index.unsigned_abs()).ok();
        let at = match index < 0 {
            true => from_end.and_then(|back| len.checked_sub(back)),
            false => from_end.filter(|at| *at <= len),
        };
        let edit = Edit::Insert {
            at: at.ok_or(errors::OUT_OF_BOUNDS)?,
            values: values.clone(),
        };
        Ok((Some(edit), Reply::count(len + values.len())))
    })
}

/// `JSON.ARRPOP key [FORMAT format] [path [index]]`
pub const ARRPOP: Command = Command {
    name: "JSON.ARRPOP",
    summary: "Removes an element from the arrays that a path leads to, the last one if no position is given, and returns it.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Option("FORMAT", &[Arg::Str("format")])),
        Arg::Optional(&Arg::Block(&[
            Arg::Str("path"),
            Arg::Optional(&Arg::Int("index")),
        ])),
    ],
    flags: ALTERS,
    class: CLASS,
    key_flags: &["RW", "delete"],
    errors: &[
        (
            "ERR could not perform this operation on a key that doesn't exist",
            "The key is missing.",
        ),
        (
            "ERR Path does not exist or not an array",
            "A path of the older form leads to no array.",
        ),
        (
            "ERR wrong reply format",
            "FORMAT is not STRINGS, EXPAND1 or EXPAND.",
        ),
        (
            "ERR FORMAT argument is not supported on RESP2",
            "FORMAT is for clients that speak RESP3.",
        ),
        (
            "Legacy paths are supported only with FORMAT STRINGS",
            "The path is of the older form.",
        ),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":[1,2,3],"b":[]}'"#, "OK"),
        ("JSON.ARRPOP doc $.*", "1) \"3\"\n2) (nil)"),
        ("JSON.ARRPOP doc .a 0", r#""1""#),
    ],
    run: pop,
    ..COMMAND
};

fn pop(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let format = take_pop_format(call)?;
    let has_path = !call.args.is_done();
    let path = Path::take_optional(call)?;
    // A position that is none counts as the last, as in RedisJSON.
    let index = call.args.try_next().filter(|_| has_path);
    let index = index.and_then(number::parse_i64).unwrap_or(-1);
    if path.is_legacy && format != Format::Text {
        return Err(errors::FORMAT_NEEDS_PATH);
    }
    alter(call, key, &path, Order::InsideFirst, |elements| {
        let at = clamp(index, elements.len());
        Ok(match elements.get(at) {
            None => (None, Reply::Null),
            Some(node) if format == Format::Text => (Some(Edit::Pop { at }), text_reply(node)),
            Some(node) => (Some(Edit::Pop { at }), expand(node, format)),
        })
    })
}

/// `FORMAT` is a path if nothing follows.
fn take_pop_format(call: &mut Call) -> Result<Format> {
    if call.args.left() < 2 || !call.args.take("FORMAT") {
        return Ok(Format::Text);
    }
    let format = parse_format(utf8(call.args.word()?)?, "STRINGS")?;
    match call.session.version {
        Version::Resp2 => Err(errors::FORMAT_NEEDS_RESP3),
        Version::Resp3 => Ok(format),
    }
}

/// A position counted from the end if negative, the first or last one where it lies outside; 0 in an empty array.
fn clamp(index: i64, len: usize) -> usize {
    let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
    match index < 0 {
        true => len.saturating_sub(distance),
        false => distance.min(len.saturating_sub(1)),
    }
}

/// `JSON.ARRTRIM key path start stop`
pub const ARRTRIM: Command = Command {
    name: "JSON.ARRTRIM",
    summary: "Keeps the elements from start to stop, both included, of the arrays that a path leads to, and returns their lengths.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[
        Arg::Key("key"),
        Arg::Str("path"),
        Arg::Int("start"),
        Arg::Int("stop"),
    ],
    flags: ALTERS,
    class: CLASS,
    key_flags: &["RW", "delete"],
    errors: &[
        (
            "ERR could not perform this operation on a key that doesn't exist",
            "The key is missing.",
        ),
        (
            "ERR Path does not exist or not an array",
            "A path of the older form leads to no array.",
        ),
        ("Couldn't parse as integer", "A position is no integer."),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":[0,1,2,3,4]}'"#, "OK"),
        ("JSON.ARRTRIM doc $.a 1 -2", "1) (integer) 3"),
        ("JSON.GET doc .a", r#""[1,2,3]""#),
    ],
    run: trim,
    ..COMMAND
};

fn trim(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take(call)?;
    let start = call.args.int_or(errors::NOT_AN_INTEGER)?;
    let stop = call.args.int_or(errors::NOT_AN_INTEGER)?;
    alter(call, key, &path, Order::InsideFirst, |elements| {
        let len = elements.len();
        let is_behind = len == 0 || usize::try_from(start).is_ok_and(|start| start >= len);
        let (start, stop) = (clamp(start, len), clamp(stop, len));
        let kept = match is_behind || start > stop {
            true => 0..0,
            false => start..stop + 1,
        };
        let edit = Edit::Trim {
            start: kept.start,
            len: kept.len(),
        };
        Ok((Some(edit), Reply::count(kept.len())))
    })
}

/// In which order matches are altered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    AsFound,
    /// What is inside another match first, so that no alteration moves the place of a later one.
    InsideFirst,
}

const NO_ARRAY: fn() -> Refusal = || errors::no_path_or("not an array");

/// Alters each array that the path leads to. `edit` says how, and the answer: an array of them, in the order of the matches
/// and null for what is no array; for a path of the older form the last one that was given, an error if there is none.
fn alter(
    call: &Call,
    key: &[u8],
    path: &Path,
    in_order: Order,
    edit: impl Fn(Elements) -> Result<(Option<Edit>, Reply)>,
) -> Result {
    let (db, context) = (call.db(), call.context);
    call.access.write(db, &[key], |view| {
        let document = there(view, key)?;
        let found = path.locate(&document)?;
        let (places, positions): (Vec<&Place>, Vec<usize>) = found
            .iter()
            .enumerate()
            .filter(|(_, found)| found.node.as_array().is_some())
            .map(|(position, found)| (&found.place, position))
            .unzip();
        if path.is_legacy && places.is_empty() {
            return Err(NO_ARRAY());
        }
        let mut draft = Draft::new(context, &document, places.iter().copied());
        let mut answers = vec![Reply::Null; found.len()];
        let mut last = Reply::Null;
        let sequence = match in_order {
            Order::AsFound => (0..places.len()).collect(),
            Order::InsideFirst => order(&places),
        };
        for at in sequence {
            let Some(elements) = draft.at(places[at]).and_then(|node| node.as_array()) else {
                continue;
            };
            let (edit, answer) = edit(elements)?;
            if let Some(edit) = edit {
                draft.edit(places[at], edit)?;
            }
            answers[positions[at]] = answer.clone();
            last = answer;
        }
        let reply = match path.is_legacy {
            true => last,
            false => Reply::Array(answers),
        };
        Ok(Decision::with(reply, draft.changes(db, key)))
    })
}

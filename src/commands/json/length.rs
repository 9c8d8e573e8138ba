//! How long things are: JSON.ARRLEN, JSON.OBJLEN, JSON.STRLEN. The three differ in what they answer where there is nothing.

use super::path::Path;
use super::{CLASS, LOOKS, document_of, errors};
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Command, Group};
use crate::keyspace::json::Node;
use crate::protocol::Reply;

const MEASURES: Command = Command {
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Str("path"))],
    flags: LOOKS,
    class: CLASS,
    key_flags: &["RO"],
    ..COMMAND
};

/// `JSON.ARRLEN key [path]`
pub const ARRLEN: Command = Command {
    name: "JSON.ARRLEN",
    summary: "Returns the lengths of the arrays that a path leads to.",
    errors: &[
        (
            "ERR could not perform this operation on a key that doesn't exist",
            "The key is missing (path with `$`).",
        ),
        (
            "ERR Path does not exist",
            "A path of the older form leads nowhere.",
        ),
        (
            "ERR Path does not exist or not an array",
            "A path of the older form leads to something else.",
        ),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":[1,2,3],"b":2}'"#, "OK"),
        ("JSON.ARRLEN doc $.*", "1) (integer) 3\n2) (nil)"),
        ("JSON.ARRLEN doc .a", "(integer) 3"),
    ],
    run: |call| measure(call, &ARRAYS),
    ..MEASURES
};

/// `JSON.OBJLEN key [path]`
pub const OBJLEN: Command = Command {
    name: "JSON.OBJLEN",
    summary: "Returns how many members the objects that a path leads to have.",
    errors: &[
        (
            "ERR Path does not exist or not an object",
            "The key is missing (path with `$`).",
        ),
        (
            "WRONGTYPE wrong type of path value - expected object",
            "A path of the older form leads to something else.",
        ),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":{"x":1,"y":2},"b":2}'"#, "OK"),
        ("JSON.OBJLEN doc $.*", "1) (integer) 2\n2) (nil)"),
        ("JSON.OBJLEN doc", "(integer) 2"),
    ],
    run: |call| measure(call, &OBJECTS),
    ..MEASURES
};

/// `JSON.STRLEN key [path]`
pub const STRLEN: Command = Command {
    name: "JSON.STRLEN",
    summary: "Returns the lengths in bytes of the strings that a path leads to.",
    errors: &[
        (
            "ERR could not perform this operation on a key that doesn't exist",
            "The key is missing (path with `$`).",
        ),
        (
            "ERR Path does not exist",
            "A path of the older form leads nowhere.",
        ),
        (
            "WRONGTYPE wrong type of path value - expected string",
            "A path of the older form leads to something else.",
        ),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":"text","b":2}'"#, "OK"),
        ("JSON.STRLEN doc $.*", "1) (integer) 4\n2) (nil)"),
        ("JSON.STRLEN doc .a", "(integer) 4"),
    ],
    run: |call| measure(call, &STRINGS),
    ..MEASURES
};

/// What is measured, and the answers where it is not there.
struct Measure {
    len: fn(Node) -> Option<usize>,
    /// No key, path with `$`.
    no_key: fn() -> Refusal,
    /// A path of the older form that leads nowhere; none: null.
    no_path: Option<Refusal>,
    /// A path of the older form that leads to something else.
    other: fn() -> Refusal,
}

const ARRAYS: Measure = Measure {
    len: |node| node.as_array().map(|elements| elements.len()),
    no_key: || errors::NO_KEY,
    no_path: Some(errors::NO_PATH),
    other: || errors::no_path_or("not an array"),
};

const OBJECTS: Measure = Measure {
    len: |node| node.as_object().map(|object| object.len()),
    no_key: || errors::no_path_or("not an object"),
    no_path: None,
    other: || errors::expected("object"),
};

const STRINGS: Measure = Measure {
    len: |node| node.as_str().map(str::len),
    no_key: || errors::NO_KEY,
    no_path: Some(errors::NO_PATH),
    other: || errors::expected("string"),
};

fn measure(call: &mut Call, measure: &Measure) -> Result {
    let key = call.args.word()?;
    let path = Path::take_optional(call)?;
    call.access.read(call.db(), key, |view| {
        let Some(document) = document_of(view, key)? else {
            return match path.is_legacy {
                true => Ok(Reply::Null),
                false => Err((measure.no_key)()),
            };
        };
        let nodes = path.find(&document)?;
        let mut lengths = nodes.into_iter().map(measure.len);
        if !path.is_legacy {
            let replies = lengths.map(|len| len.map_or(Reply::Null, Reply::count));
            return Ok(Reply::Array(replies.collect()));
        }
        match (lengths.next(), &measure.no_path) {
            (Some(Some(len)), _) => Ok(Reply::count(len)),
            (Some(None), _) => Err((measure.other)()),
            (None, Some(no_path)) => Err(no_path.clone()),
            (None, None) => Ok(Reply::Null),
        }
    })?
}

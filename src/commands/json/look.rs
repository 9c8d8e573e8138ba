//! Looking at values: JSON.TYPE, JSON.OBJKEYS, JSON.ARRINDEX, JSON.RESP, JSON.DEBUG.

use super::path::Path;
use super::{CLASS, LOOKS, document_of, errors, kind, parse_coded, there, utf8};
use crate::commands::Call;
use crate::commands::error::{self, Result};
use crate::commands::table::{Arg, COMMAND, Command, Group, KeyPositions};
use crate::keyspace::json::{Json, Node};
use crate::protocol::{Reply, Version};

/// `JSON.TYPE key [path]`
pub const TYPE: Command = Command {
    name: "JSON.TYPE",
    summary: "Names the kinds of the values that a path leads to.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Str("path"))],
    flags: LOOKS,
    class: CLASS,
    key_flags: &["RO"],
    examples: &[
        (r#"JSON.SET doc $ '{"a":1,"b":2.5,"c":[]}'"#, "OK"),
        (
            "JSON.TYPE doc $.*",
            "1) \"integer\"\n2) \"number\"\n3) \"array\"",
        ),
        ("JSON.TYPE doc", "\"object\""),
        ("JSON.TYPE doc .d", "(nil)"),
    ],
    run: type_of,
    ..COMMAND
};

/// In RESP3 the answer is wrapped once more.
fn type_of(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take_optional(call)?;
    let reply: Result = call.access.read(call.db(), key, |view| {
        let Some(document) = document_of(view, key)? else {
            return Ok(Reply::Null);
        };
        let answer = path.answers(&document, |node| Reply::bulk_static(kind(node)));
        match answer {
            Err(_) if path.is_legacy => Ok(Reply::Null),
            answer => answer,
        }
    })?;
    Ok(match call.session.version {
        Version::Resp2 => reply?,
        Version::Resp3 => Reply::Array(vec![reply?]),
    })
}

/// `JSON.OBJKEYS key [path]`
pub const OBJKEYS: Command = Command {
    name: "JSON.OBJKEYS",
    summary: "Returns the names of the members of the objects that a path leads to.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Str("path"))],
    flags: LOOKS,
    class: CLASS,
    key_flags: &["RO"],
    errors: &[
        (
            "ERR could not perform this operation on a key that doesn't exist",
            "The key is missing (path with `$`).",
        ),
        (
            "ERR Path does not exist or not an object",
            "A path of the older form leads to something else.",
        ),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":{"x":1,"y":2},"b":2}'"#, "OK"),
        ("JSON.OBJKEYS doc $.*", "1) 1) \"x\"\n   2) \"y\"\n2) (nil)"),
        ("JSON.OBJKEYS doc", "1) \"a\"\n2) \"b\""),
    ],
    run: objkeys,
    ..COMMAND
};

fn objkeys(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take_optional(call)?;
    let names = |node: Node| {
        let object = node.as_object()?;
        Some(Reply::bulks(object.iter().map(|(name, _)| name)))
    };
    call.access.read(call.db(), key, |view| {
        if !path.is_legacy {
            let document = there(view, key)?;
            return path.answers(&document, |node| names(node).unwrap_or(Reply::Null));
        }
        let Some(document) = document_of(view, key)? else {
            return Ok(Reply::Null);
        };
        match path.first(&document) {
            Ok(node) => names(node).ok_or_else(|| errors::no_path_or("not an object")),
            Err(_) => Ok(Reply::Null),
        }
    })?
}

/// `JSON.ARRINDEX key path value [start [stop]]`
pub const ARRINDEX: Command = Command {
    name: "JSON.ARRINDEX",
    summary: "Finds the first element that equals a value in the arrays that a path leads to; -1 if there is none.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[
        Arg::Key("key"),
        Arg::Str("path"),
        Arg::Str("value"),
        Arg::Optional(&Arg::Block(&[
            Arg::Int("start"),
            Arg::Optional(&Arg::Int("stop")),
        ])),
    ],
    flags: LOOKS,
    class: CLASS,
    key_flags: &["RO"],
    errors: &[
        (
            "ERR Path does not exist",
            "The key is missing, or a path of the older form leads nowhere.",
        ),
        (
            "WRONGTYPE wrong type of path value - expected array",
            "A path of the older form leads to something else.",
        ),
        ("Couldn't parse as integer", "A position is no integer."),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":[1,2,1],"b":2}'"#, "OK"),
        ("JSON.ARRINDEX doc $.* 1", "1) (integer) 0\n2) (nil)"),
        ("JSON.ARRINDEX doc .a 1 1", "(integer) 2"),
    ],
    run: arrindex,
    ..COMMAND
};

fn arrindex(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take(call)?;
    let value = utf8(call.args.word()?)?;
    let mut position = || match call.args.is_done() {
        true => Ok(0),
        false => call.args.int_or(errors::NOT_AN_INTEGER),
    };
    let (start, stop) = (position()?, position()?);
    if !call.args.is_done() {
        return Err(error::wrong_arity(&call.command.lower_name()));
    }
    let value = parse_coded(value);
    call.access.read(call.db(), key, |view| {
        let document = document_of(view, key)?;
        let value = value?;
        let document = document.ok_or(errors::NO_PATH)?;
        if path.is_legacy {
            let index = index_of(path.first(&document)?, &value, start, stop);
            return index.ok_or_else(|| errors::expected("array"));
        }
        path.answers(&document, |node| {
            index_of(node, &value, start, stop).unwrap_or(Reply::Null)
        })
    })?
}

/// Where the value is in the range, -1 if it is not; none if the node is no array. A stop of 0 is the end.
fn index_of(node: Node, value: &Json, start: i64, stop: i64) -> Option<Reply> {
    let elements = node.as_array()?;
    let len = elements.len() as i64;
    let start = match start < 0 {
        true => len.saturating_add(start).max(0),
        false => start.min(len - 1),
    };
    let stop = match stop {
        0 => len,
        stop if stop < 0 => len.saturating_add(stop).max(0),
        stop => stop.min(len),
    };
    let mut range = start.max(0)..stop;
    let is_there = |at: &i64| elements.get(*at as usize) == Some(value.node());
    Some(Reply::Int(range.find(is_there).unwrap_or(-1)))
}

/// `JSON.RESP key [path]`
pub const RESP: Command = Command {
    name: "JSON.RESP",
    summary: "Returns the values that a path leads to in the types of the protocol.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Str("path"))],
    flags: LOOKS,
    class: CLASS,
    key_flags: &["RO"],
    errors: &[(
        "ERR Path does not exist",
        "A path of the older form leads nowhere.",
    )],
    examples: &[
        (r#"JSON.SET doc $ '{"a":[1,true,null,"x"]}'"#, "OK"),
        (
            "JSON.RESP doc",
            "1) {\n2) \"a\"\n3) 1) [\n   2) (integer) 1\n   3) true\n   4) (nil)\n   5) \"x\"",
        ),
    ],
    run: resp,
    ..COMMAND
};

fn resp(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take_optional(call)?;
    call.access
        .read(call.db(), key, |view| match document_of(view, key)? {
            None => Ok(Reply::Null),
            Some(document) => path.answers(&document, native),
        })?
}

/// Containers are arrays that begin with the bracket that they are written with.
fn native(node: Node) -> Reply {
    match node {
        Node::Null => Reply::Null,
        Node::Bool(true) => Reply::Simple("true"),
        Node::Bool(false) => Reply::Simple("false"),
        Node::Int(number) => Reply::Int(number),
        Node::Uint(number) => Reply::Double(number as f64),
        Node::Float(number) => Reply::Double(number),
        Node::Text(text) => Reply::bulk(text),
        Node::Array(elements) => {
            let mut replies = vec![Reply::Simple("[")];
            replies.extend(elements.iter().map(native));
            Reply::Array(replies)
        }
        Node::Object(object) => {
            let mut replies = vec![Reply::Simple("{")];
            for (name, value) in object.iter() {
                replies.push(Reply::bulk(name));
                replies.push(native(value.node()));
            }
            Reply::Array(replies)
        }
    }
}

/// `JSON.DEBUG MEMORY key [path]`, `JSON.DEBUG HELP`
pub const DEBUG: Command = Command {
    name: "JSON.DEBUG",
    summary: "Tells how many bytes of memory the values that a path leads to take, about.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[Arg::OneOf(&[
        Arg::Option(
            "MEMORY",
            &[Arg::Key("key"), Arg::Optional(&Arg::Str("path"))],
        ),
        Arg::Token("HELP"),
    ])],
    keys: Some(KeyPositions {
        first: 2,
        last: 2,
        step: 1,
    }),
    flags: LOOKS,
    class: CLASS,
    key_flags: &["RO"],
    errors: &[(
        "ERR unknown subcommand - try `JSON.DEBUG HELP`",
        "The word is neither MEMORY nor HELP.",
    )],
    examples: &[
        (r#"JSON.SET doc $ '[1,2]'"#, "OK"),
        ("JSON.DEBUG MEMORY doc", "(integer) 72"),
        ("JSON.DEBUG MEMORY nothing", "(integer) 0"),
    ],
    run: debug,
    ..COMMAND
};

fn debug(call: &mut Call) -> Result {
    if call.args.take("HELP") {
        return Ok(Reply::bulks([
            "MEMORY <key> [path] - reports memory usage",
            "HELP                - this message",
        ]));
    }
    if !call.args.take("MEMORY") {
        return Err(errors::UNKNOWN_SUBCOMMAND);
    }
    let Some(key) = call.args.try_next() else {
        return Err(error::wrong_arity(&call.command.lower_name()));
    };
    let path = Path::take_optional(call)?;
    call.access
        .read(call.db(), key, |view| match document_of(view, key)? {
            None if path.is_legacy => Ok(Reply::Int(0)),
            None => Ok(Reply::Array(Vec::new())),
            Some(document) => path.answers(&document, |node| {
                Reply::count(size_of::<Json>() + node.heap_bytes())
            }),
        })?
}

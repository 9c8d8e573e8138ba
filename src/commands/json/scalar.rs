//! Altering strings and booleans: JSON.STRAPPEND, JSON.TOGGLE.

use super::draft::Draft;
use super::path::Path;
use super::{CLASS, GROWS, errors, parse_coded, there, utf8};
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::table::{Arg, COMMAND, Command, Group};
use crate::engine::Decision;
use crate::keyspace::json::{Edit, Found, Json, Node};
use crate::protocol::Reply;

/// `JSON.STRAPPEND key [path] value`
pub const STRAPPEND: Command = Command {
    name: "JSON.STRAPPEND",
    summary: "Appends to the strings that a path leads to, and returns their lengths in bytes.",
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Str("path")),
        Arg::Str("value"),
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
            "ERR Path does not exist or not a string",
            "A path of the older form leads to no string.",
        ),
        (
            "WRONGTYPE wrong type of path value - expected string",
            "The value is JSON but no string.",
        ),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":"hello","b":1}'"#, "OK"),
        (
            r#"JSON.STRAPPEND doc $.* '" world"'"#,
            "1) (integer) 11\n2) (nil)",
        ),
        ("JSON.GET doc .a", r#""\"hello world\"""#),
    ],
    run: strappend,
    ..COMMAND
};

fn strappend(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = match call.args.left() {
        1 => Path::new(b".")?,
        _ => Path::take(call)?,
    };
    let suffix = utf8(call.args.word()?)?;
    let is_text = |node: Node| node.as_str().is_some();
    alter(call, key, &path, (is_text, "not a string"), |node| {
        let Json::Text(suffix) = parse_coded(suffix)? else {
            return Err(errors::expected("string"));
        };
        let len = node.as_str().unwrap_or_default().len() + suffix.len();
        Ok((Edit::Append(suffix), Reply::count(len), Reply::count(len)))
    })
}

/// `JSON.TOGGLE key path`
pub const TOGGLE: Command = Command {
    name: "JSON.TOGGLE",
    summary: "Turns the booleans that a path leads to around, and returns what they are now.",
    group: Group::Json,
    since: "2.0.0",
    complexity: "O(N), N the size of the document",
    args: &[Arg::Key("key"), Arg::Str("path")],
    flags: GROWS,
    class: CLASS,
    key_flags: &["RW", "update"],
    errors: &[
        (
            "ERR could not perform this operation on a key that doesn't exist",
            "The key is missing.",
        ),
        (
            "ERR Path does not exist or not a bool",
            "A path of the older form leads to no boolean.",
        ),
    ],
    examples: &[
        (r#"JSON.SET doc $ '{"a":true,"b":1}'"#, "OK"),
        ("JSON.TOGGLE doc $.*", "1) (integer) 0\n2) (nil)"),
        ("JSON.TOGGLE doc .a", r#""true""#),
    ],
    run: toggle,
    ..COMMAND
};

fn toggle(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take(call)?;
    let is_bool = |node: Node| matches!(node, Node::Bool(_));
    alter(call, key, &path, (is_bool, "not a bool"), |node| {
        let now = !matches!(node, Node::Bool(true));
        let word = if now { "true" } else { "false" };
        let (number, word) = (Reply::Int(now.into()), Reply::bulk_static(word));
        Ok((Edit::Set(Json::Bool(now)), number, word))
    })
}

/// Alters each match that `is_right`. `edit` gives the edit with the answers for paths of both forms: an array of the first
/// ones, null for what is not right; or the second one of the last match, an error if there is none.
fn alter(
    call: &Call,
    key: &[u8],
    path: &Path,
    (is_right, not): (fn(Node) -> bool, &str),
    edit: impl Fn(Node) -> Result<(Edit, Reply, Reply)>,
) -> Result {
    let (db, context) = (call.db(), call.context);
    call.access.write(db, &[key], |view| {
        let document = there(view, key)?;
        let found = path.locate(&document)?;
        let right = |found: &&Found| is_right(found.node);
        let places = found.iter().filter(right).map(|found| &found.place);
        let mut draft = Draft::new(context, &document, places);
        let (mut answers, mut last) = (Vec::new(), None);
        for Found { place, node } in &found {
            if !is_right(*node) {
                answers.push(Reply::Null);
                continue;
            }
            let (edit, answer, legacy) = edit(draft.at(place).unwrap_or(*node))?;
            draft.edit(place, edit)?;
            answers.push(answer);
            last = Some(legacy);
        }
        let reply = match path.is_legacy {
            true => last.ok_or_else(|| errors::no_path_or(not))?,
            false => Reply::Array(answers),
        };
        Ok(Decision::with(reply, draft.changes(db, key)))
    })
}

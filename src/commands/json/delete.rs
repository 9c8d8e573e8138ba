//! Removing values: JSON.DEL, JSON.FORGET, JSON.CLEAR.

use super::draft::{Draft, outermost};
use super::path::Path;
use super::{ALTERS, CLASS, document_of, there};
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::table::{Arg, COMMAND, Command, Group};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::json::{Edit, Found, Json, Node, Place};
use crate::protocol::Reply;

/// `JSON.DEL key [path]`
pub const DEL: Command = Command {
    name: "JSON.DEL",
    summary: "Deletes the values that a path leads to; the key goes with its root, and with its last member.",
    ..DELETES
};

/// `JSON.FORGET key [path]`
pub const FORGET: Command = Command {
    name: "JSON.FORGET",
    summary: "Deletes the values that a path leads to: another name of JSON.DEL.",
    ..DELETES
};

const DELETES: Command = Command {
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Str("path"))],
    flags: ALTERS,
    class: CLASS,
    key_flags: &["RW", "delete"],
    examples: &[
        (r#"JSON.SET doc $ '{"a":1,"b":{"a":2},"c":3}'"#, "OK"),
        ("JSON.DEL doc $..a", "(integer) 2"),
        ("JSON.GET doc", r#""{\"c\":3,\"b\":{}}""#),
        ("JSON.FORGET doc $.b", "(integer) 1"),
        ("JSON.DEL doc", "(integer) 1"),
        ("EXISTS doc", "(integer) 0"),
    ],
    run: delete,
    ..COMMAND
};

fn delete(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take_optional(call)?;
    let (db, context) = (call.db(), call.context);
    call.access.write(db, &[key], |view| {
        let Some(document) = document_of(view, key)? else {
            return Ok(Decision::unchanged(Reply::Int(0)));
        };
        let found = path.locate(&document)?;
        let places = outermost(found.into_iter().map(|found| found.place).collect());
        let count = Reply::count(places.len());
        let at_top = places.iter().filter(|place| place.steps().len() == 1);
        let is_emptied = !places.is_empty() && at_top.count() == document.root().len();
        if places.iter().any(Place::is_root) || is_emptied {
            let change = Change::new(db, key, Effect::Delete);
            return Ok(Decision::one(count, change));
        }
        let mut draft = Draft::new(context, &document, places.iter());
        for place in &places {
            draft.edit(place, Edit::Delete)?;
        }
        Ok(Decision::with(count, draft.changes(db, key)))
    })
}

/// `JSON.CLEAR key [path]`
pub const CLEAR: Command = Command {
    name: "JSON.CLEAR",
    summary: "Empties the arrays and objects that a path leads to, sets numbers to 0, and returns how many it changed.",
    group: Group::Json,
    since: "2.0.0",
    complexity: "O(N), N the size of the document",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::Str("path"))],
    flags: ALTERS,
    class: CLASS,
    key_flags: &["RW", "update"],
    examples: &[
        (r#"JSON.SET doc $ '{"a":[1,2],"b":7,"c":"text"}'"#, "OK"),
        ("JSON.CLEAR doc $.*", "(integer) 2"),
        ("JSON.GET doc", r#""{\"a\":[],\"b\":0,\"c\":\"text\"}""#),
    ],
    run: clear,
    ..COMMAND
};

fn clear(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::new(call.args.try_next().unwrap_or(b"$"))?;
    let (db, context) = (call.db(), call.context);
    call.access.write(db, &[key], |view| {
        let document = there(view, key)?;
        let full = |found: &Found| is_full(found.node);
        let found = path.locate(&document)?.into_iter().filter(full);
        let places: Vec<Place> = found.map(|found| found.place).collect();
        let mut draft = Draft::new(context, &document, places.iter());
        let mut cleared = 0;
        for place in &places {
            let empty = match draft.at(place) {
                Some(Node::Array(_)) => Json::Array(Vec::new()),
                Some(Node::Object(_)) => Json::empty_object(),
                Some(_) => Json::Int(0),
                None => continue,
            };
            cleared += usize::from(draft.edit(place, Edit::Set(empty))?);
        }
        Ok(Decision::with(
            Reply::count(cleared),
            draft.changes(db, key),
        ))
    })
}

/// Whether there is something to clear.
fn is_full(node: Node) -> bool {
    match node {
        Node::Array(_) | Node::Object(_) => !node.is_empty(),
        _ => node.as_f64().is_some_and(|number| number != 0.0),
    }
}

//! VREM and VSETATTR.

use super::super::Call;
use super::super::error::{Refusal, Result};
use super::super::table::{Arg, COMMAND, Command, Flags, Group, flags};
use super::{collection, errors};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::Reply;

/// Removes an element.
pub const VREM: Command = Command {
    name: "VREM",
    summary: "Removes an element from a vector set.",
    group: Group::VectorSet,
    since: "8.0.0",
    complexity: "O(log(N)), N the number of elements in the vector set.",
    args: &[Arg::Key("key"), Arg::Str("element")],
    flags: flags(&[Flags::WRITE]),
    examples: &[
        ("VADD pets VALUES 2 1 0 cat", "(integer) 1"),
        ("VREM pets cat", "(integer) 1"),
        ("VREM pets cat", "(integer) 0"),
        ("VCARD pets", "(integer) 0"),
    ],
    errors: errors::WRONG_TYPE_ONLY,
    run: vrem,
    ..COMMAND
};

/// Sets an element's attributes.
pub const VSETATTR: Command = Command {
    name: "VSETATTR",
    summary: "Sets the JSON attributes of an element; an empty text takes them away.",
    group: Group::VectorSet,
    since: "8.0.0",
    args: &[Arg::Key("key"), Arg::Str("element"), Arg::Str("json")],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    examples: &[
        ("VADD pets VALUES 2 1 0 cat", "(integer) 1"),
        ("VSETATTR pets cat '{\"legs\": 4}'", "(integer) 1"),
        ("VGETATTR pets cat", "\"{\\\"legs\\\": 4}\""),
        ("VSETATTR pets cat ''", "(integer) 1"),
        ("VGETATTR pets cat", "(nil)"),
        ("VSETATTR pets bird '{}'", "(integer) 0"),
    ],
    errors: errors::WRONG_TYPE_ONLY,
    run: vsetattr,
    ..COMMAND
};

fn vrem(call: &mut Call) -> Result {
    let (key, element) = (call.args.word()?, call.args.bytes()?);
    let db = call.db();
    call.access.write_element(db, key, &element, |view| {
        let is_there =
            collection(view, key)?.is_some_and(|collection| collection.contains(&element));
        if !is_there {
            return Ok(Decision::unchanged(Reply::Bool(false)));
        }
        let remove = Effect::Remove {
            element: element.clone(),
        };
        Ok(Decision::one(
            Reply::Bool(true),
            Change::new(db, key, remove),
        ))
    })
}

fn vsetattr(call: &mut Call) -> Result {
    let (key, element, attributes) = (call.args.word()?, call.args.bytes()?, call.args.bytes()?);
    let db = call.db();
    call.access.write_element(db, key, &element, |view| {
        let found = collection(view, key)?.and_then(|collection| collection.find(&element));
        let Some((_, found)) = found else {
            return Ok::<_, Refusal>(Decision::unchanged(Reply::Bool(false)));
        };
        // What is set anew to what it was is no change, for WATCH and for the log.
        if found.test_attributes(|old| old.unwrap_or_default() == attributes) {
            return Ok(Decision::unchanged(Reply::Bool(true)));
        }
        let set = Effect::SetAttributes {
            element: element.clone(),
            attributes,
        };
        Ok(Decision::one(Reply::Bool(true), Change::new(db, key, set)))
    })
}

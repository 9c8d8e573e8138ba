//! Arithmetic: JSON.NUMINCRBY, JSON.NUMMULTBY, JSON.NUMPOWBY.

use super::draft::Draft;
use super::path::Path;
use super::{ALTERS, CLASS, errors, parse_coded, text_reply, there, utf8};
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::table::{Arg, COMMAND, Command, Group};
use crate::engine::Decision;
use crate::keyspace::json::{Edit, Json, Node, Place};
use crate::protocol::{Reply, Version};

/// `JSON.NUMINCRBY key path value`
pub const NUMINCRBY: Command = Command {
    name: "JSON.NUMINCRBY",
    summary: "Adds to the numbers that a path leads to.",
    examples: &[
        (r#"JSON.SET doc $ '{"a":1,"b":2.5,"c":"text"}'"#, "OK"),
        ("JSON.NUMINCRBY doc $.* 2", r#""[3,4.5,null]""#),
        ("JSON.NUMINCRBY doc .a 0.5", r#""3.5""#),
    ],
    run: |call| calculate(call, Operation::Add),
    ..CALCULATES
};

/// `JSON.NUMMULTBY key path value`
pub const NUMMULTBY: Command = Command {
    name: "JSON.NUMMULTBY",
    summary: "Multiplies the numbers that a path leads to.",
    examples: &[
        (r#"JSON.SET doc $ '{"a":3}'"#, "OK"),
        ("JSON.NUMMULTBY doc $.a 4", r#""[12]""#),
    ],
    run: |call| calculate(call, Operation::Multiply),
    ..CALCULATES
};

/// `JSON.NUMPOWBY key path value`
pub const NUMPOWBY: Command = Command {
    name: "JSON.NUMPOWBY",
    summary: "Raises the numbers that a path leads to to a power.",
    examples: &[
        (r#"JSON.SET doc $ '{"a":3}'"#, "OK"),
        ("JSON.NUMPOWBY doc $.a 4", r#""[81]""#),
    ],
    run: |call| calculate(call, Operation::Raise),
    ..CALCULATES
};

const CALCULATES: Command = Command {
    group: Group::Json,
    complexity: "O(N), N the size of the document",
    args: &[Arg::Key("key"), Arg::Str("path"), Arg::Double("value")],
    flags: ALTERS,
    class: CLASS,
    key_flags: &["RW", "update"],
    errors: &[
        (
            "ERR could not perform this operation on a key that doesn't exist",
            "The key is missing.",
        ),
        (
            "ERR Path does not exist or does not contains a number",
            "A path of the older form leads to no number (RESP2).",
        ),
        ("bad input number", "The value is JSON but no number."),
        ("result is not a number", "The result is infinite, or none."),
    ],
    ..COMMAND
};

#[derive(Clone, Copy)]
enum Operation {
    Add,
    Multiply,
    Raise,
}

fn calculate(call: &mut Call, operation: Operation) -> Result {
    let key = call.args.word()?;
    let path = Path::take(call)?;
    let operand = utf8(call.args.word()?)?;
    let (db, context) = (call.db(), call.context);
    let is_resp3 = call.session.version == Version::Resp3;
    call.access.write(db, &[key], |view| {
        let document = there(view, key)?;
        let found = path.locate(&document)?;
        let is_number = |node: Node| node.as_f64().is_some();
        let numbers = found.iter().filter(|found| is_number(found.node));
        let mut draft = Draft::new(context, &document, numbers.map(|found| &found.place));
        let mut results = Vec::new();
        for found in &found {
            results.push(match is_number(found.node) {
                true => Some(alter(&mut draft, &found.place, operation, operand)?),
                false => None,
            });
        }
        let reply = match (is_resp3, path.is_legacy) {
            (true, _) => Reply::Array(results.iter().map(number_reply).collect()),
            (false, true) => text_reply(last(&results)?.node()),
            (false, false) => {
                let results = results
                    .into_iter()
                    .map(|result| result.unwrap_or(Json::Null));
                text_reply(Json::Array(results.collect()).node())
            }
        };
        Ok(Decision::with(reply, draft.changes(db, key)))
    })
}

fn alter(draft: &mut Draft, place: &Place, operation: Operation, operand: &str) -> Result<Json> {
    let number = draft.at(place).unwrap_or(Node::Null);
    let result = operation.of(number, parse_coded(operand)?.node())?;
    draft.edit(place, Edit::Set(result.clone()))?;
    Ok(result)
}

fn last(results: &[Option<Json>]) -> Result<&Json> {
    let number = results.iter().flatten().next_back();
    number.ok_or_else(|| errors::no_path_or("does not contains a number"))
}

fn number_reply(result: &Option<Json>) -> Reply {
    match result {
        Some(Json::Int(number)) => Reply::Int(*number),
        Some(number) => number.node().as_f64().map_or(Reply::Null, Reply::Double),
        None => Reply::Null,
    }
}

impl Operation {
    /// Integers stay integers, and wrap around where they overflow, as RedisJSON's do.
    fn of(self, number: Node, operand: Node) -> Result<Json> {
        if let (Node::Int(a), Node::Int(b)) = (number, operand)
            && let Some(result) = self.of_integers(a, b)
        {
            return Ok(Json::Int(result));
        }
        let (a, b) = number
            .as_f64()
            .zip(operand.as_f64())
            .ok_or(errors::NOT_A_NUMBER)?;
        let result = match self {
            Operation::Add => a + b,
            Operation::Multiply => a * b,
            Operation::Raise => a.powf(b),
        };
        match result.is_finite() {
            true => Ok(Json::Float(result)),
            false => Err(errors::NO_NUMBER),
        }
    }

    fn of_integers(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Operation::Add => Some(a.wrapping_add(b)),
            Operation::Multiply => Some(a.wrapping_mul(b)),
            // A negative power has a fraction.
            Operation::Raise => u32::try_from(b).ok().map(|b| a.wrapping_pow(b)),
        }
    }
}

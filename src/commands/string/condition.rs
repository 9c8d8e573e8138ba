//! Conditions on the value that is there (IFEQ, IFNE, IFDEQ, IFDNE of SET and DELEX), and the digest that two of them compare.

use crate::commands::error::{self, Refusal, Result};
use crate::commands::keys;
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, string};
use crate::engine::Decision;
use crate::keyspace::Value;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::Reply;
use xxhash_rust::xxh3::xxh3_64;

/// Hexadecimal digits of a digest.
const DIGEST_DIGITS: usize = 16;

const BAD_DIGEST: Refusal = Refusal::line("ERR must be exactly 16 hexadecimal characters");

/// The conditions in the grammar.
pub const CONDITIONS: [Arg; 4] = [
    Arg::Option("IFEQ", &[Arg::Str("ifeq-value")]),
    Arg::Option("IFNE", &[Arg::Str("ifne-value")]),
    Arg::Option("IFDEQ", &[Arg::Str("ifdeq-digest")]),
    Arg::Option("IFDNE", &[Arg::Str("ifdne-digest")]),
];

/// What the old value is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// IFEQ: equal bytes.
    Equal,
    /// IFNE: other bytes.
    NotEqual,
    /// IFDEQ: equal digest.
    DigestEqual,
    /// IFDNE: another digest.
    DigestNotEqual,
}

/// A test and what it compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition<'r> {
    /// The test.
    pub test: Test,
    /// The value or digest of the request.
    pub operand: &'r [u8],
}

impl Test {
    /// The test of this name, in any case.
    pub fn named(word: &[u8]) -> Option<Test> {
        let tests = [
            ("IFEQ", Test::Equal),
            ("IFNE", Test::NotEqual),
            ("IFDEQ", Test::DigestEqual),
            ("IFDNE", Test::DigestNotEqual),
        ];
        tests
            .into_iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, test)| test)
    }

    /// Whether a key that is not there fails the test.
    pub fn needs_value(self) -> bool {
        matches!(self, Test::Equal | Test::DigestEqual)
    }
}

impl Condition<'_> {
    /// Whether `value` passes. Digests are compared in any case; one of a wrong length is refused, other letters never match.
    pub fn holds(&self, value: &[u8]) -> Result<bool> {
        let has_digest = || -> Result<bool> {
            if self.operand.len() != DIGEST_DIGITS {
                return Err(BAD_DIGEST);
            }
            Ok(digest(value).as_bytes().eq_ignore_ascii_case(self.operand))
        };
        match self.test {
            Test::Equal => Ok(value == self.operand),
            Test::NotEqual => Ok(value != self.operand),
            Test::DigestEqual => has_digest(),
            Test::DigestNotEqual => has_digest().map(|is_equal| !is_equal),
        }
    }
}

/// XXH3 (64 bits) of the value, in hexadecimal digits.
fn digest(value: &[u8]) -> String {
    format!("{:016x}", xxh3_64(value))
}

/// DIGEST key
pub const DIGEST: Command = Command {
    name: "DIGEST",
    summary: "Returns a digest of a string, by which clients can tell whether it changed.",
    group: Group::String,
    since: "8.4.0",
    complexity: "O(N), N the length of the string",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_values),
    examples: &[
        ("SET greeting \"harbour light\"", "OK"),
        ("DIGEST greeting", "\"06edaf7314382564\""),
        ("DIGEST nothing", "(nil)"),
    ],
    run: run_digest,
    ..COMMAND
};

fn run_digest(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let value = call
        .access
        .read(call.db(), key, |view| string::value_of(view, key))??;
    Ok(value.map_or(Reply::Null, |value| Reply::bulk(digest(&value))))
}

/// `DELEX key [IFEQ value | IFNE value | IFDEQ digest | IFDNE digest]`
pub const DELEX: Command = Command {
    name: "DELEX",
    summary: "Deletes a key if its value passes a test.",
    group: Group::String,
    since: "8.4.0",
    complexity: "O(1) for IFEQ and IFNE, O(N) for IFDEQ and IFDNE, N the length of the string",
    args: &[Arg::Key("key"), Arg::Optional(&Arg::OneOf(&CONDITIONS))],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_values),
    key_flags: &["RW", "delete", "variable_flags"],
    errors: &[
        (
            "ERR Key should be of string type if conditions are specified",
            "There is a condition, and the key holds something else.",
        ),
        (
            "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE",
            "The condition has another name.",
        ),
        (
            "ERR must be exactly 16 hexadecimal characters",
            "The digest of IFDEQ or IFDNE has another length.",
        ),
    ],
    examples: &[
        ("SET lock mine", "OK"),
        ("DELEX lock IFEQ yours", "(integer) 0"),
        ("DELEX lock IFEQ mine", "(integer) 1"),
        ("EXISTS lock", "(integer) 0"),
    ],
    run: delex,
    ..COMMAND
};

fn delex(call: &mut Call) -> Result {
    if call.args.left() == 1 {
        return keys::delete(call);
    }
    if call.args.left() != 3 {
        return Err(error::wrong_arity("delex"));
    }
    let (key, name, operand) = (call.args.word()?, call.args.word()?, call.args.word()?);
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let value = match view.get(key) {
            None => return Ok(Decision::unchanged(Reply::Int(0))),
            Some(Value::String(value)) => value,
            Some(_) => {
                return Err(Refusal::line(
                    "ERR Key should be of string type if conditions are specified",
                ));
            }
        };
        let test = Test::named(name).ok_or(Refusal::line(
            "ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE",
        ))?;
        if !(Condition { test, operand }).holds(&value)? {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        Ok(Decision::one(
            Reply::Int(1),
            Change::new(db, key, Effect::Delete),
        ))
    })
}

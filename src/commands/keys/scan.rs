//! Going through the keys of a database: SCAN, KEYS, RANDOMKEY.

use super::type_name;
use crate::commands::args::Args;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, Context, Session};
use crate::protocol::glob::{Case, matches};
use crate::protocol::{Reply, Request, number};

/// Keys or fields that a step of a scan looks at, unless COUNT says otherwise.
const COUNT_DEFAULT: usize = 10;

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub const SCAN: Command = Command {
    name: "SCAN",
    summary: "Goes through the keys of the database step by step; a key that stays all the while is seen.",
    group: Group::Generic,
    since: "2.8.0",
    complexity: "O(1) for each step, O(N) for all, N the number of keys",
    args: &[
        Arg::Int("cursor"),
        Arg::Optional(&Arg::Option("MATCH", &[Arg::Pattern("pattern")])),
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("count")])),
        Arg::Optional(&Arg::Option("TYPE", &[Arg::Str("type")])),
    ],
    flags: flags(&[Flags::READONLY, Flags::WORLD]),
    class: Class::Predicted(cost_of_scan),
    errors: &[
        ("ERR invalid cursor", "The cursor is no number."),
        (
            "ERR NOVALUES option can only be used in HSCAN",
            "NOVALUES is given.",
        ),
    ],
    examples: &[
        ("SET user:1 Ada", "OK"),
        ("HSET user:2 name Grace", "(integer) 1"),
        (
            "SCAN 0 MATCH user:* TYPE hash",
            "1) \"0\"\n2) 1) \"user:2\"",
        ),
    ],
    run: scan,
    ..COMMAND
};

/// The options of SCAN and HSCAN.
pub struct ScanOptions<'r> {
    /// Only names that match; none: all.
    pub pattern: Option<&'r [u8]>,
    /// How many a step looks at, about.
    pub count: usize,
    /// Only keys of this kind (SCAN).
    pub kind: Option<&'r [u8]>,
    /// Names without values (HSCAN).
    pub is_without_values: bool,
}

impl<'r> ScanOptions<'r> {
    /// Reads the words after the cursor. `is_hash`: of HSCAN.
    pub fn parse(args: &mut Args<'r>, is_hash: bool) -> Result<ScanOptions<'r>> {
        let mut options = ScanOptions {
            pattern: None,
            count: COUNT_DEFAULT,
            kind: None,
            is_without_values: false,
        };
        while let Some(word) = args.try_next() {
            if word.eq_ignore_ascii_case(b"COUNT") {
                let count = args.word()?;
                let count = number::parse_i64(count).ok_or(error::NOT_AN_INTEGER)?;
                let count = usize::try_from(count).map_err(|_| error::SYNTAX)?;
                options.count = if count > 0 {
                    count
                } else {
                    return Err(error::SYNTAX);
                };
            } else if word.eq_ignore_ascii_case(b"MATCH") {
                options.pattern = Some(args.word()?);
            } else if word.eq_ignore_ascii_case(b"TYPE") && !is_hash {
                options.kind = Some(args.word()?);
            } else if word.eq_ignore_ascii_case(b"NOVALUES") {
                if !is_hash {
                    return Err(Refusal::line(
                        "ERR NOVALUES option can only be used in HSCAN",
                    ));
                }
                options.is_without_values = true;
            } else {
                return Err(error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// As `parse`, for SSCAN and ZSCAN: members have no kind, so that TYPE is unknown.
    pub fn of_members(args: &mut Args<'r>) -> Result<ScanOptions<'r>> {
        let options = ScanOptions::parse(args, false)?;
        match options.kind {
            None => Ok(options),
            Some(_) => Err(error::SYNTAX),
        }
    }

    /// Whether the pattern takes this name.
    pub fn takes(&self, name: &[u8]) -> bool {
        self.pattern
            .is_none_or(|pattern| matches(pattern, name, Case::Sensitive))
    }
}

/// The cursor of a scan, as C's `strtoull` reads it, but for numbers below zero.
pub fn parse_cursor(word: &[u8]) -> Result<u64> {
    let digits = word.strip_prefix(b"+").unwrap_or(word);
    let text = std::str::from_utf8(digits).ok();
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    text.filter(|_| is_plain)
        .and_then(|text| text.parse().ok())
        .ok_or(Refusal::line("ERR invalid cursor"))
}

/// The reply of a scan's step.
pub fn step_reply(next: u64, found: Vec<Reply>) -> Reply {
    Reply::Array(vec![Reply::bulk(next.to_string()), Reply::Array(found)])
}

/// About an eighth of a microsecond for each key that a step looks at.
fn cost_of_scan(context: &Context, session: &Session, request: &Request) -> u64 {
    let is_count = |word: &[u8]| word.eq_ignore_ascii_case(b"COUNT");
    let count = request.iter().skip_while(|word| !is_count(word)).nth(1);
    let count = count.and_then(number::parse_u64).unwrap_or(0);
    let keys = context.engine.keyspace().database(session.db).len() as u64;
    count.min(keys) / 8
}

fn scan(call: &mut Call) -> Result {
    let cursor = parse_cursor(call.args.word()?)?;
    let options = ScanOptions::parse(&mut call.args, false)?;
    let view = call.access.view(call.db());
    let database = view.keyspace().database(view.db);
    let (next, found) = database.scan(cursor, options.count, view.now_ms);
    let of_kind = |name: &str| {
        let kind = options.kind;
        kind.is_none_or(|kind| kind.eq_ignore_ascii_case(name.as_bytes()))
    };
    let names = found
        .into_iter()
        .filter(|(key, entry)| of_kind(type_name(&entry.value)) && options.takes(key))
        .map(|(key, _)| Reply::bulk(key));
    Ok(step_reply(next, names.collect()))
}

/// KEYS pattern
pub const KEYS: Command = Command {
    name: "KEYS",
    summary: "Returns all keys that match a pattern; SCAN does it in steps.",
    group: Group::Generic,
    complexity: "O(N), N the number of keys",
    args: &[Arg::Pattern("pattern")],
    flags: flags(&[Flags::READONLY, Flags::DANGEROUS, Flags::WORLD]),
    class: Class::Predicted(cost_of_keys),
    examples: &[
        ("MSET user:1 Ada shop:1 Tea", "OK"),
        ("KEYS user:*", "1) \"user:1\""),
    ],
    run: keys,
    ..COMMAND
};

/// About an eighth of a microsecond for each key.
fn cost_of_keys(context: &Context, session: &Session, _: &Request) -> u64 {
    context.engine.keyspace().database(session.db).len() as u64 / 8
}

fn keys(call: &mut Call) -> Result {
    /// Keys looked at under one look into the table.
    const STEP: usize = 4096;
    let pattern = call.args.word()?;
    let view = call.access.view(call.db());
    let database = view.keyspace().database(view.db);
    let (mut cursor, mut names) = (0, Vec::new());
    loop {
        let (next, found) = database.scan(cursor, STEP, view.now_ms);
        let keys = found.into_iter().map(|(key, _)| key);
        let taken = keys.filter(|key| matches(pattern, key, Case::Sensitive));
        names.extend(taken.map(Reply::bulk));
        if next == 0 {
            return Ok(Reply::Array(names));
        }
        cursor = next;
    }
}

/// RANDOMKEY
pub const RANDOMKEY: Command = Command {
    name: "RANDOMKEY",
    summary: "Returns a key of the database by chance.",
    group: Group::Generic,
    flags: flags(&[Flags::READONLY, Flags::WORLD]),
    examples: &[
        ("RANDOMKEY", "(nil)"),
        ("SET only one", "OK"),
        ("RANDOMKEY", "\"only\""),
    ],
    run: random_key,
    ..COMMAND
};

fn random_key(call: &mut Call) -> Result {
    let view = call.access.view(call.db());
    let database = view.keyspace().database(view.db);
    let key = database.random_key(call.context.draw_random(), view.now_ms);
    Ok(key.map_or(Reply::Null, Reply::bulk))
}

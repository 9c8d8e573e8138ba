//! When fields expire: HEXPIRE and its kin, HTTL and its kin, HPERSIST.

use super::fields::{Draft, FIELDS, FIELDS_ERRORS, parse_count, take_fields};
use super::{after_kind, hash_of};
use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::keys::{self, TimeForm};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::protocol::{Reply, number};
use bytes::Bytes;

/// The latest expiry that a field may have, in milliseconds since 1970: Redis keeps 46 bits.
const FIELD_EXPIRY_MS_MAX: i64 = (1 << 46) - 1;

/// Replies for each field, as the command reference numbers them.
mod code {
    /// The field is missing.
    pub const MISSING: i64 = -2;
    /// The field does not expire.
    pub const NO_EXPIRY: i64 = -1;
    /// The condition does not hold.
    pub const NOT_MET: i64 = 0;
    /// Done.
    pub const DONE: i64 = 1;
    /// The time is over: the field is deleted.
    pub const DELETED: i64 = 2;
}

const CONDITIONS: Arg = Arg::Optional(&Arg::OneOf(&[
    Arg::Token("NX"),
    Arg::Token("XX"),
    Arg::Token("GT"),
    Arg::Token("LT"),
]));

/// What HEXPIRE and its kin have in common.
const EXPIRES: Command = Command {
    group: Group::Hash,
    since: "7.4.0",
    complexity: "O(N), N the number of fields",
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "update"],
    errors: &[
        (
            "ERR invalid expire time, must be >= 0",
            "The time is below zero.",
        ),
        ("ERR missing FIELDS argument", "FIELDS is not given."),
        (
            "ERR Parameter `numFields` should be greater than 0",
            "The number of fields is none, or below one.",
        ),
        (
            "ERR wrong number of arguments",
            "Fewer fields follow than the number says.",
        ),
        ("ERR unknown argument: <word>", "The word is no option."),
        (
            "ERR Multiple condition flags specified",
            "More than one of NX, XX, GT, LT is given.",
        ),
    ],
    ..COMMAND
};

/// `HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub const HEXPIRE: Command = Command {
    name: "HEXPIRE",
    summary: "Lets fields of a hash expire after some seconds.",
    args: &[Arg::Key("key"), Arg::Int("seconds"), CONDITIONS, FIELDS],
    examples: &[
        ("HSET session user Ada token abc", "(integer) 2"),
        (
            "HEXPIRE session 60 FIELDS 2 token nothing",
            "1) (integer) 1\n2) (integer) -2",
        ),
        ("HEXPIRE session 60 NX FIELDS 1 token", "1) (integer) 0"),
        (
            "HTTL session FIELDS 2 user token",
            "1) (integer) -1\n2) (integer) 60",
        ),
    ],
    run: |call| hexpire(call, TimeForm::EX),
    ..EXPIRES
};

/// `HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub const HPEXPIRE: Command = Command {
    name: "HPEXPIRE",
    summary: "Lets fields of a hash expire after some milliseconds.",
    args: &[
        Arg::Key("key"),
        Arg::Int("milliseconds"),
        CONDITIONS,
        FIELDS,
    ],
    examples: &[
        ("HSET session token abc", "(integer) 1"),
        ("HPEXPIRE session 60000 FIELDS 1 token", "1) (integer) 1"),
    ],
    run: |call| hexpire(call, TimeForm::PX),
    ..EXPIRES
};

/// `HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub const HEXPIREAT: Command = Command {
    name: "HEXPIREAT",
    summary: "Lets fields of a hash expire at a time, in seconds since 1970.",
    args: &[
        Arg::Key("key"),
        Arg::Time("unix-time-seconds"),
        CONDITIONS,
        FIELDS,
    ],
    examples: &[
        ("HSET session token abc", "(integer) 1"),
        (
            "HEXPIREAT session 33177117420 FIELDS 1 token",
            "1) (integer) 1",
        ),
    ],
    run: |call| hexpire(call, TimeForm::EXAT),
    ..EXPIRES
};

/// `HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub const HPEXPIREAT: Command = Command {
    name: "HPEXPIREAT",
    summary: "Lets fields of a hash expire at a time, in milliseconds since 1970.",
    args: &[
        Arg::Key("key"),
        Arg::Time("unix-time-milliseconds"),
        CONDITIONS,
        FIELDS,
    ],
    examples: &[
        ("HSET session token abc", "(integer) 1"),
        ("HPEXPIREAT session 1 FIELDS 1 token", "1) (integer) 2"),
        ("EXISTS session", "(integer) 0"),
    ],
    run: |call| hexpire(call, TimeForm::PXAT),
    ..EXPIRES
};

/// The expiry of a field that `word` gives, in milliseconds since 1970.
pub fn field_expiry_ms(call: &Call, form: TimeForm, word: &[u8]) -> Result<u64> {
    let amount = number::parse_i64(word).ok_or(error::NOT_AN_INTEGER)?;
    if amount < 0 {
        return Err(Refusal::line("ERR invalid expire time, must be >= 0"));
    }
    form.at_ms(amount, call.now_ms())
        .filter(|at_ms| *at_ms <= FIELD_EXPIRY_MS_MAX)
        .map(|at_ms| at_ms as u64)
        .ok_or_else(|| error::invalid_expire(&call.command.lower_name()))
}

/// What the expiry that a field has is asked for.
#[derive(Clone, Copy)]
enum Condition {
    /// NX: it has none.
    Unset,
    /// XX: it has one.
    Set,
    /// GT: it is earlier.
    Later,
    /// LT: it is later, or there is none.
    Earlier,
}

impl Condition {
    fn named(word: &[u8]) -> Option<Condition> {
        match &*word.to_ascii_uppercase() {
            b"NX" => Some(Condition::Unset),
            b"XX" => Some(Condition::Set),
            b"GT" => Some(Condition::Later),
            b"LT" => Some(Condition::Earlier),
            _ => None,
        }
    }

    fn holds(self, old: Option<u64>, new: u64) -> bool {
        match self {
            Condition::Unset => old.is_none(),
            Condition::Set => old.is_some(),
            Condition::Later => old.is_some_and(|old| new > old),
            Condition::Earlier => old.is_none_or(|old| new < old),
        }
    }
}

/// The words of HEXPIRE and its kin after the key.
struct Request {
    at_ms: u64,
    condition: Option<Condition>,
    names: Vec<Bytes>,
}

impl Request {
    fn parse(call: &mut Call, form: TimeForm) -> Result<Request> {
        let time = call.args.word()?;
        let at_ms = field_expiry_ms(call, form, time)?;
        let mut conditions: Vec<Condition> = Vec::new();
        let mut names: Option<Vec<Bytes>> = None;
        while let Some(word) = call.args.try_next() {
            if word.eq_ignore_ascii_case(b"FIELDS") {
                if names.is_some() {
                    return Err(Refusal::line("ERR FIELDS keyword specified multiple times"));
                }
                names = Some(take_counted(call)?);
            } else if let Some(condition) = Condition::named(word) {
                let kind = std::mem::discriminant(&condition);
                if conditions
                    .iter()
                    .all(|old| std::mem::discriminant(old) != kind)
                {
                    conditions.push(condition);
                }
            } else {
                return Err(unknown_argument(word));
            }
        }
        let names = names.ok_or(Refusal::line("ERR missing FIELDS argument"))?;
        if conditions.len() > 1 {
            return Err(Refusal::line("ERR Multiple condition flags specified"));
        }
        Ok(Request {
            at_ms,
            condition: conditions.pop(),
            names,
        })
    }
}

/// A word that the command does not know.
pub fn unknown_argument(word: &[u8]) -> Refusal {
    let word = String::from_utf8_lossy(word);
    Refusal::made(format!("ERR unknown argument: {word}"))
}

/// What follows FIELDS: their number, and as many names.
fn take_counted(call: &mut Call) -> Result<Vec<Bytes>> {
    if call.args.left() < 2 {
        return Err(Refusal::line(
            "ERR FIELDS requires at least numfields and one field argument",
        ));
    }
    const BAD_COUNT: Refusal = Refusal::line("ERR Parameter `numFields` should be greater than 0");
    let count = parse_count(call.args.word()?, i64::from(i32::MAX), BAD_COUNT)?;
    if count > call.args.left() {
        return Err(Refusal::line("ERR wrong number of arguments"));
    }
    (0..count).map(|_| call.args.bytes()).collect()
}

fn hexpire(call: &mut Call, form: TimeForm) -> Result {
    let key = call.args.word()?;
    let parsed = Request::parse(call, form);
    let request = after_kind(call, key, parsed)?;
    call.access.write(call.db(), &[key], |view| {
        let Some(hash) = hash_of(view, key)? else {
            return Ok(Decision::unchanged(missing(request.names.len())));
        };
        let mut draft = Draft::new(hash, view, key);
        let is_over = request.at_ms <= view.now_ms;
        let mut expire = |name: &Bytes| {
            let Some(old) = draft.expiry(name) else {
                return code::MISSING;
            };
            let condition = request.condition;
            if !condition.is_none_or(|condition| condition.holds(old, request.at_ms)) {
                return code::NOT_MET;
            }
            if is_over {
                draft.delete(name);
                return code::DELETED;
            }
            draft.expire(name, request.at_ms);
            code::DONE
        };
        let codes = request.names.iter().map(|name| Reply::Int(expire(name)));
        let reply = Reply::Array(codes.collect());
        Ok(Decision::with(reply, draft.into_changes()))
    })
}

fn missing(count: usize) -> Reply {
    Reply::Array(vec![Reply::Int(code::MISSING); count])
}

/// What HTTL and its kin have in common.
const TELLS: Command = Command {
    group: Group::Hash,
    since: "7.4.0",
    complexity: "O(N), N the number of fields",
    args: &[Arg::Key("key"), FIELDS],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    errors: FIELDS_ERRORS,
    ..COMMAND
};

/// `HTTL key FIELDS numfields field [field ...]`
pub const HTTL: Command = Command {
    name: "HTTL",
    summary: "Tells in how many seconds fields expire: -1 never, -2 the field is missing.",
    examples: &[
        ("HSETEX session EX 60 FIELDS 1 token abc", "(integer) 1"),
        (
            "HTTL session FIELDS 2 token nothing",
            "1) (integer) 60\n2) (integer) -2",
        ),
    ],
    run: |call| time_left(call, TimeForm::EX),
    ..TELLS
};

/// `HPTTL key FIELDS numfields field [field ...]`
pub const HPTTL: Command = Command {
    name: "HPTTL",
    summary: "Tells in how many milliseconds fields expire: -1 never, -2 the field is missing.",
    examples: &[
        ("HSET session token abc", "(integer) 1"),
        (
            "HPTTL session FIELDS 2 token nothing",
            "1) (integer) -1\n2) (integer) -2",
        ),
    ],
    run: |call| time_left(call, TimeForm::PX),
    ..TELLS
};

/// `HEXPIRETIME key FIELDS numfields field [field ...]`
pub const HEXPIRETIME: Command = Command {
    name: "HEXPIRETIME",
    summary: "Tells when fields expire, in seconds since 1970: -1 never, -2 the field is missing.",
    examples: &[
        (
            "HSETEX session EXAT 33177117420 FIELDS 1 token abc",
            "(integer) 1",
        ),
        (
            "HEXPIRETIME session FIELDS 1 token",
            "1) (integer) 33177117420",
        ),
    ],
    run: |call| time_left(call, TimeForm::EXAT),
    ..TELLS
};

/// `HPEXPIRETIME key FIELDS numfields field [field ...]`
pub const HPEXPIRETIME: Command = Command {
    name: "HPEXPIRETIME",
    summary: "Tells when fields expire, in milliseconds since 1970: -1 never, -2 the field is missing.",
    examples: &[
        (
            "HSETEX session EXAT 33177117420 FIELDS 1 token abc",
            "(integer) 1",
        ),
        (
            "HPEXPIRETIME session FIELDS 1 token",
            "1) (integer) 33177117420000",
        ),
    ],
    run: |call| time_left(call, TimeForm::PXAT),
    ..TELLS
};

fn time_left(call: &mut Call, form: TimeForm) -> Result {
    let key = call.args.word()?;
    let parsed = take_fields(&mut call.args);
    let names = after_kind(call, key, parsed)?;
    let hash = call
        .access
        .read(call.db(), key, |view| hash_of(view, key))??;
    let now_ms = call.now_ms();
    let left = |name: &Bytes| {
        let field = hash.as_ref().and_then(|hash| hash.get(name, now_ms));
        match field.map(|field| field.expires_at_ms) {
            None => code::MISSING,
            Some(None) => code::NO_EXPIRY,
            Some(Some(at_ms)) => form.rounded_up(at_ms, now_ms),
        }
    };
    let left = names.iter().map(|name| Reply::Int(left(name)));
    Ok(Reply::Array(left.collect()))
}

/// `HPERSIST key FIELDS numfields field [field ...]`
pub const HPERSIST: Command = Command {
    name: "HPERSIST",
    summary: "Takes the expiry of fields away.",
    args: &[Arg::Key("key"), FIELDS],
    errors: FIELDS_ERRORS,
    examples: &[
        ("HSETEX session EX 60 FIELDS 1 token abc", "(integer) 1"),
        ("HPERSIST session FIELDS 1 token", "1) (integer) 1"),
        ("HPERSIST session FIELDS 1 token", "1) (integer) -1"),
    ],
    run: hpersist,
    ..EXPIRES
};

fn hpersist(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let parsed = take_fields(&mut call.args);
    let names = after_kind(call, key, parsed)?;
    call.access.write(call.db(), &[key], |view| {
        let Some(hash) = hash_of(view, key)? else {
            return Ok(Decision::unchanged(missing(names.len())));
        };
        let mut draft = Draft::new(hash, view, key);
        let mut persist = |name: &Bytes| match draft.expiry(name) {
            None => code::MISSING,
            Some(None) => code::NO_EXPIRY,
            Some(Some(_)) => {
                draft.persist(name);
                code::DONE
            }
        };
        let codes = names.iter().map(|name| Reply::Int(persist(name)));
        let reply = Reply::Array(codes.collect());
        Ok(Decision::with(reply, draft.into_changes()))
    })
}

//! Values and expiries of fields in one step: HGETEX, HSETEX, HGETDEL.

use super::expire::{field_expiry_ms, unknown_argument};
use super::fields::{Draft, FIELDS, FIELDS_ERRORS, parse_count, take_fields};
use super::set::take_pairs;
use super::{after_kind, hash_of};
use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::keys::{self, Presence, TIMES_OR_KEEPTTL, TIMES_OR_PERSIST, TimeForm};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::View;
use crate::keyspace::change::{Change, Effect, Expiry};
use crate::keyspace::hash::Hash;
use crate::protocol::Reply;
use bytes::Bytes;
use std::collections::HashSet;

/// What HGETEX and HGETDEL have in common.
const TAKES: Command = Command {
    group: Group::Hash,
    since: "8.0.0",
    complexity: "O(N), N the number of fields",
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    errors: &[
        ("ERR missing FIELDS argument", "FIELDS is not given."),
        (
            "ERR invalid number of fields",
            "The number of fields is none, or below one.",
        ),
        (
            "ERR wrong number of arguments",
            "Fewer fields follow than the number says.",
        ),
        ("ERR unknown argument: <word>", "The word is no option."),
        (
            "ERR missing expire time",
            "No number follows EX, PX, EXAT or PXAT.",
        ),
        (
            "ERR invalid expire time, must be >= 0",
            "The time is below zero.",
        ),
    ],
    ..COMMAND
};

/// What the options say about the fields' expiry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldExpiry {
    Unsaid,
    At(u64),
    Persist,
    Keep,
}

/// Which of the two commands is read: each knows the options of both, to say what is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Get,
    Set,
}

/// The words of HGETEX and HSETEX after the key. Options may stand before and after the fields.
struct Request {
    expiry: FieldExpiry,
    /// FNX, FXX.
    presence: Presence,
    /// HGETEX: names, with empty values.
    fields: Vec<(Bytes, Bytes)>,
}

impl Request {
    fn parse(call: &mut Call, kind: Kind) -> Result<Request> {
        let mut request = Request {
            expiry: FieldExpiry::Unsaid,
            presence: Presence::Any,
            fields: Vec::new(),
        };
        while let Some(word) = call.args.try_next() {
            if word.eq_ignore_ascii_case(b"FIELDS") {
                if !request.fields.is_empty() {
                    return Err(Refusal::line("ERR FIELDS keyword specified multiple times"));
                }
                request.fields = take_counted(call, kind)?;
            } else if !request.accept_expiry(call, word, kind)? && !request.accept_presence(word)? {
                return Err(unknown_argument(word));
            }
        }
        request.check(kind)
    }

    fn accept_expiry(&mut self, call: &mut Call, word: &[u8], kind: Kind) -> Result<bool> {
        let form = TimeForm::named(word);
        let new = match form {
            Some(_) => FieldExpiry::Unsaid,
            None if word.eq_ignore_ascii_case(b"PERSIST") => FieldExpiry::Persist,
            None if word.eq_ignore_ascii_case(b"KEEPTTL") => FieldExpiry::Keep,
            None => return Ok(false),
        };
        if self.expiry != FieldExpiry::Unsaid {
            return Err(Refusal::line(match kind {
                Kind::Set => {
                    "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"
                }
                Kind::Get => {
                    "ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified"
                }
            }));
        }
        self.expiry = match form {
            None => new,
            Some(form) => {
                let time = call.args.try_next();
                let time = time.ok_or(Refusal::line("ERR missing expire time"))?;
                FieldExpiry::At(field_expiry_ms(call, form, time)?)
            }
        };
        Ok(true)
    }

    fn accept_presence(&mut self, word: &[u8]) -> Result<bool> {
        let presence = match &*word.to_ascii_uppercase() {
            b"FNX" => Presence::Missing,
            b"FXX" => Presence::There,
            _ => return Ok(false),
        };
        if self.presence != Presence::Any {
            return Err(Refusal::line(
                "ERR Only one of FXX or FNX arguments can be specified",
            ));
        }
        self.presence = presence;
        Ok(true)
    }

    fn check(self, kind: Kind) -> Result<Request> {
        if self.fields.is_empty() {
            return Err(Refusal::line("ERR missing FIELDS argument"));
        }
        let is_foreign = match kind {
            Kind::Get => self.expiry == FieldExpiry::Keep || self.presence != Presence::Any,
            Kind::Set => self.expiry == FieldExpiry::Persist,
        };
        if is_foreign {
            return Err(Refusal::line("ERR unknown argument"));
        }
        Ok(self)
    }
}

/// What follows FIELDS: their number, and as many names (HSETEX: with values).
fn take_counted(call: &mut Call, kind: Kind) -> Result<Vec<(Bytes, Bytes)>> {
    const BAD_COUNT: Refusal = Refusal::line("ERR invalid number of fields");
    let Some(count) = call.args.try_next() else {
        return Err(error::wrong_arity(&call.command.lower_name()));
    };
    let count = parse_count(count, i64::from(i32::MAX), BAD_COUNT)?;
    let words = if kind == Kind::Set { 2 * count } else { count };
    if words > call.args.left() {
        return Err(Refusal::line("ERR wrong number of arguments"));
    }
    match kind {
        Kind::Set => take_pairs(&mut call.args, count),
        Kind::Get => (0..count)
            .map(|_| Ok((call.args.bytes()?, Bytes::new())))
            .collect(),
    }
}

/// `HGETEX key [expiry] FIELDS numfields field [field ...]`
pub const HGETEX: Command = Command {
    name: "HGETEX",
    summary: "Returns the values of fields and sets or takes away their expiry.",
    args: &[Arg::Key("key"), Arg::Optional(&TIMES_OR_PERSIST), FIELDS],
    examples: &[
        ("HSET session token abc", "(integer) 1"),
        (
            "HGETEX session EX 60 FIELDS 2 token nothing",
            "1) \"abc\"\n2) (nil)",
        ),
        ("HTTL session FIELDS 1 token", "1) (integer) 60"),
    ],
    run: hgetex,
    ..TAKES
};

fn hgetex(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let parsed = Request::parse(call, Kind::Get);
    let request = after_kind(call, key, parsed)?;
    call.access.write(call.db(), &[key], |view| {
        let Some(hash) = hash_of(view, key)? else {
            return Ok(Decision::unchanged(nulls(request.fields.len())));
        };
        let mut draft = Draft::new(hash, view, key);
        let mut take = |name: &Bytes| {
            let value = draft.value(name)?;
            match request.expiry {
                FieldExpiry::At(at_ms) if at_ms <= view.now_ms => draft.delete(name),
                FieldExpiry::At(at_ms) => draft.expire(name, at_ms),
                FieldExpiry::Persist if draft.expiry(name) != Some(None) => draft.persist(name),
                _ => {}
            }
            Some(value)
        };
        let values = request.fields.iter().map(|(name, _)| take(name));
        let reply = Reply::Array(values.map(Reply::bulk_or_null).collect());
        Ok(Decision::with(reply, draft.into_changes()))
    })
}

fn nulls(count: usize) -> Reply {
    Reply::Array(vec![Reply::Null; count])
}

/// `HGETDEL key FIELDS numfields field [field ...]`
pub const HGETDEL: Command = Command {
    name: "HGETDEL",
    summary: "Returns the values of fields and deletes them.",
    args: &[Arg::Key("key"), FIELDS],
    key_flags: &["RW", "access", "delete"],
    errors: FIELDS_ERRORS,
    examples: &[
        ("HSET session token abc user Ada", "(integer) 2"),
        (
            "HGETDEL session FIELDS 2 token nothing",
            "1) \"abc\"\n2) (nil)",
        ),
        ("HKEYS session", "1) \"user\""),
    ],
    run: hgetdel,
    ..TAKES
};

fn hgetdel(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let parsed = take_fields(&mut call.args);
    let names = after_kind(call, key, parsed)?;
    call.access.write(call.db(), &[key], |view| {
        let Some(hash) = hash_of(view, key)? else {
            return Ok(Decision::unchanged(nulls(names.len())));
        };
        let mut draft = Draft::new(hash, view, key);
        let mut take = |name: &Bytes| {
            let value = draft.value(name)?;
            draft.delete(name);
            Some(value)
        };
        let values = names.iter().map(|name| Reply::bulk_or_null(take(name)));
        let reply = Reply::Array(values.collect());
        Ok(Decision::with(reply, draft.into_changes()))
    })
}

/// `HSETEX key [FNX | FXX] [expiry] FIELDS numfields field value [field value ...]`
pub const HSETEX: Command = Command {
    name: "HSETEX",
    summary: "Sets fields with an expiry, if all of them are missing or all there.",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::OneOf(&[Arg::Token("FNX"), Arg::Token("FXX")])),
        Arg::Optional(&TIMES_OR_KEEPTTL),
        Arg::Option(
            "FIELDS",
            &[
                Arg::Int("numfields"),
                Arg::Multiple(&Arg::Block(&[Arg::Str("field"), Arg::Str("value")])),
            ],
        ),
    ],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
    key_flags: &["RW", "update"],
    examples: &[
        ("HSETEX session EX 60 FIELDS 1 token abc", "(integer) 1"),
        ("HSETEX session FNX FIELDS 1 token xyz", "(integer) 0"),
        ("HTTL session FIELDS 1 token", "1) (integer) 60"),
    ],
    run: hsetex,
    ..TAKES
};

fn hsetex(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let request = Request::parse(call, Kind::Set)?;
    call.access.write(call.db(), &[key], |view| {
        let hash = hash_of(view, key)?;
        let hash = hash.as_deref();
        let names = request.fields.iter().map(|(name, _)| name);
        let there = names.map(|name| has_field(hash, name, view));
        if !request.presence.holds(there) {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        let changes = set_change(hash, view, key, request).into_iter().collect();
        Ok(Decision::with(Reply::Int(1), changes))
    })
}

fn has_field(hash: Option<&Hash>, name: &Bytes, view: &View) -> bool {
    hash.is_some_and(|hash| hash.get(name, view.now_ms).is_some())
}

/// Values that are over already delete their fields: a later reader of the log has no clock.
fn set_change(hash: Option<&Hash>, view: &View, key: &[u8], request: Request) -> Option<Change> {
    let fields = request.fields;
    let expiry = match request.expiry {
        FieldExpiry::At(at_ms) if at_ms <= view.now_ms => {
            let names = fields.into_iter().map(|(name, _)| name);
            let there = names.filter(|name| has_field(hash, name, view));
            let fields: Vec<Bytes> = there.collect::<HashSet<_>>().into_iter().collect();
            return (!fields.is_empty())
                .then(|| Change::new(view.db, key, Effect::HashDelete { fields }));
        }
        FieldExpiry::At(at_ms) => Expiry::At(at_ms),
        FieldExpiry::Keep => Expiry::Keep,
        _ => Expiry::Clear,
    };
    Some(Change::new(
        view.db,
        key,
        Effect::HashSet { fields, expiry },
    ))
}

//! When keys expire: EXPIRE and its kin, TTL and its kin, PERSIST.

use super::TimeForm;
use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::protocol::{Reply, number};

const NX_WITH_OTHERS: Refusal =
    Refusal::line("ERR NX and XX, GT or LT options at the same time are not compatible");
const GT_WITH_LT: Refusal =
    Refusal::line("ERR GT and LT options at the same time are not compatible");

/// The conditions of EXPIRE and its kin in the grammar.
const CONDITIONS: Arg = Arg::Optional(&Arg::OneOf(&[
    Arg::Token("NX"),
    Arg::Token("XX"),
    Arg::Token("GT"),
    Arg::Token("LT"),
]));

const EXPIRE_ERRORS: &[(&str, &str)] = &[
    (
        "ERR invalid expire time in '<command>' command",
        "The time is too far away.",
    ),
    ("ERR Unsupported option <word>", "The word is no condition."),
    (
        "ERR NX and XX, GT or LT options at the same time are not compatible",
        "NX is given with another condition.",
    ),
    (
        "ERR GT and LT options at the same time are not compatible",
        "Both are given.",
    ),
];

const EXPIRE_FLAGS: Flags = flags(&[Flags::WRITE, Flags::FAST]);

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub const EXPIRE: Command = Command {
    name: "EXPIRE",
    summary: "Lets a key expire after some seconds.",
    group: Group::Generic,
    args: &[Arg::Key("key"), Arg::Int("seconds"), CONDITIONS],
    flags: EXPIRE_FLAGS,
    key_flags: &["RW", "update"],
    errors: EXPIRE_ERRORS,
    examples: &[
        ("SET session 42", "OK"),
        ("EXPIRE session 60", "(integer) 1"),
        ("EXPIRE session 30 GT", "(integer) 0"),
        ("TTL session", "(integer) 60"),
        ("EXPIRE nothing 60", "(integer) 0"),
    ],
    run: |call| expire(call, TimeForm::EX),
    ..COMMAND
};

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub const PEXPIRE: Command = Command {
    name: "PEXPIRE",
    summary: "Lets a key expire after some milliseconds.",
    group: Group::Generic,
    since: "2.6.0",
    args: &[Arg::Key("key"), Arg::Int("milliseconds"), CONDITIONS],
    flags: EXPIRE_FLAGS,
    key_flags: &["RW", "update"],
    errors: EXPIRE_ERRORS,
    examples: &[
        ("SET session 42", "OK"),
        ("PEXPIRE session 60000", "(integer) 1"),
    ],
    run: |call| expire(call, TimeForm::PX),
    ..COMMAND
};

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`
pub const EXPIREAT: Command = Command {
    name: "EXPIREAT",
    summary: "Lets a key expire at a time, in seconds since 1970.",
    group: Group::Generic,
    since: "1.2.0",
    args: &[Arg::Key("key"), Arg::Time("unix-time-seconds"), CONDITIONS],
    flags: EXPIRE_FLAGS,
    key_flags: &["RW", "update"],
    errors: EXPIRE_ERRORS,
    examples: &[
        ("SET session 42", "OK"),
        ("EXPIREAT session 33177117420", "(integer) 1"),
        ("EXPIRETIME session", "(integer) 33177117420"),
    ],
    run: |call| expire(call, TimeForm::EXAT),
    ..COMMAND
};

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`
pub const PEXPIREAT: Command = Command {
    name: "PEXPIREAT",
    summary: "Lets a key expire at a time, in milliseconds since 1970.",
    group: Group::Generic,
    since: "2.6.0",
    args: &[
        Arg::Key("key"),
        Arg::Time("unix-time-milliseconds"),
        CONDITIONS,
    ],
    flags: EXPIRE_FLAGS,
    key_flags: &["RW", "update"],
    errors: EXPIRE_ERRORS,
    examples: &[
        ("SET session 42", "OK"),
        ("PEXPIREAT session 33177117420000", "(integer) 1"),
        ("PEXPIRETIME session", "(integer) 33177117420000"),
    ],
    run: |call| expire(call, TimeForm::PXAT),
    ..COMMAND
};

/// What the expiry that a key has is asked for; all of them together.
#[derive(Default)]
struct Conditions {
    is_nx: bool,
    is_xx: bool,
    is_gt: bool,
    is_lt: bool,
}

impl Conditions {
    fn parse(call: &mut Call) -> Result<Conditions> {
        let mut all = Conditions::default();
        while let Some(word) = call.args.try_next() {
            let condition = match &*word.to_ascii_uppercase() {
                b"NX" => &mut all.is_nx,
                b"XX" => &mut all.is_xx,
                b"GT" => &mut all.is_gt,
                b"LT" => &mut all.is_lt,
                _ => {
                    let word = String::from_utf8_lossy(word);
                    return Err(Refusal::made(format!("ERR Unsupported option {word}")));
                }
            };
            *condition = true;
        }
        if all.is_nx && (all.is_xx || all.is_gt || all.is_lt) {
            return Err(NX_WITH_OTHERS);
        }
        if all.is_gt && all.is_lt {
            return Err(GT_WITH_LT);
        }
        Ok(all)
    }

    /// Whether the expiry may become `new`. A key without one counts as one that expires never.
    fn hold(&self, old: Option<u64>, new: i64) -> bool {
        let is_later = old.is_some_and(|old| new > old as i64);
        let is_earlier = old.is_none_or(|old| new < old as i64);
        !(self.is_nx && old.is_some()
            || self.is_xx && old.is_none()
            || self.is_gt && !is_later
            || self.is_lt && !is_earlier)
    }
}

fn expire(call: &mut Call, form: TimeForm) -> Result {
    let (key, time) = (call.args.word()?, call.args.word()?);
    let conditions = Conditions::parse(call)?;
    let amount = number::parse_i64(time).ok_or(error::NOT_AN_INTEGER)?;
    let at_ms = form
        .at_ms(amount, call.now_ms())
        .ok_or_else(|| error::invalid_expire(&call.command.lower_name()))?;
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(entry) = view.entry(key) else {
            return Ok(Decision::unchanged(Reply::Int(0)));
        };
        if !conditions.hold(entry.expires_at_ms(), at_ms) {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        let effect = match u64::try_from(at_ms) {
            Ok(at_ms) if at_ms > view.now_ms => Effect::ExpireAt { at_ms },
            _ => Effect::Delete,
        };
        Ok(Decision::one(Reply::Int(1), Change::new(db, key, effect)))
    })
}

const TTL_FLAGS: Flags = flags(&[Flags::READONLY, Flags::FAST]);

/// TTL key
pub const TTL: Command = Command {
    name: "TTL",
    summary: "Tells in how many seconds a key expires: -1 never, -2 it is missing.",
    group: Group::Generic,
    args: &[Arg::Key("key")],
    flags: TTL_FLAGS,
    examples: &[
        ("SET session 42 EX 60", "OK"),
        ("TTL session", "(integer) 60"),
        ("TTL nothing", "(integer) -2"),
    ],
    run: |call| time_left(call, TimeForm::EX),
    ..COMMAND
};

/// PTTL key
pub const PTTL: Command = Command {
    name: "PTTL",
    summary: "Tells in how many milliseconds a key expires: -1 never, -2 it is missing.",
    group: Group::Generic,
    since: "2.6.0",
    args: &[Arg::Key("key")],
    flags: TTL_FLAGS,
    examples: &[("SET session 42", "OK"), ("PTTL session", "(integer) -1")],
    run: |call| time_left(call, TimeForm::PX),
    ..COMMAND
};

/// EXPIRETIME key
pub const EXPIRETIME: Command = Command {
    name: "EXPIRETIME",
    summary: "Tells when a key expires, in seconds since 1970: -1 never, -2 it is missing.",
    group: Group::Generic,
    since: "7.0.0",
    args: &[Arg::Key("key")],
    flags: TTL_FLAGS,
    examples: &[
        ("SET session 42 EXAT 33177117420", "OK"),
        ("EXPIRETIME session", "(integer) 33177117420"),
    ],
    run: |call| time_left(call, TimeForm::EXAT),
    ..COMMAND
};

/// PEXPIRETIME key
pub const PEXPIRETIME: Command = Command {
    name: "PEXPIRETIME",
    summary: "Tells when a key expires, in milliseconds since 1970: -1 never, -2 it is missing.",
    group: Group::Generic,
    since: "7.0.0",
    args: &[Arg::Key("key")],
    flags: TTL_FLAGS,
    examples: &[
        ("SET session 42 PXAT 33177117420000", "OK"),
        ("PEXPIRETIME session", "(integer) 33177117420000"),
    ],
    run: |call| time_left(call, TimeForm::PXAT),
    ..COMMAND
};

fn time_left(call: &mut Call, form: TimeForm) -> Result {
    let key = call.args.word()?;
    let entry = call.access.read(call.db(), key, |view| view.peek(key))?;
    Ok(Reply::Int(match entry.map(|entry| entry.expires_at_ms()) {
        None => -2,
        Some(None) => -1,
        Some(Some(at_ms)) => form.nearest(at_ms, call.now_ms()),
    }))
}

/// PERSIST key
pub const PERSIST: Command = Command {
    name: "PERSIST",
    summary: "Takes a key's expiry away.",
    group: Group::Generic,
    since: "2.2.0",
    args: &[Arg::Key("key")],
    flags: EXPIRE_FLAGS,
    key_flags: &["RW", "update"],
    examples: &[
        ("SET session 42 EX 60", "OK"),
        ("PERSIST session", "(integer) 1"),
        ("TTL session", "(integer) -1"),
        ("PERSIST session", "(integer) 0"),
    ],
    run: persist,
    ..COMMAND
};

fn persist(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let db = call.db();
    call.access.write(db, &[key], |view| {
        if view
            .entry(key)
            .is_none_or(|entry| entry.expires_at_ms().is_none())
        {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        Ok(Decision::one(
            Reply::Int(1),
            Change::new(db, key, Effect::Persist),
        ))
    })
}

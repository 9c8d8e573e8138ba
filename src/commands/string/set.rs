//! Writing whole strings: SET and its older forms, and many keys at once.

use super::condition::{CONDITIONS, Condition, Test};
use super::value_of;
use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::keys::{self, ExpiryOption, Presence, TIMES_OR_KEEPTTL, TimeForm};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect, Expiry};
use crate::keyspace::{Value, View};
use crate::protocol::Reply;
use bytes::Bytes;

/// `SET key value [condition] [GET] [expiry]`
pub const SET: Command = Command {
    name: "SET",
    summary: "Sets a key to a string, whatever was there, if the conditions hold.",
    group: Group::String,
    args: &[
        Arg::Key("key"),
        Arg::Str("value"),
        Arg::Optional(&Arg::OneOf(&[
            Arg::Token("NX"),
            Arg::Token("XX"),
            CONDITIONS[0],
            CONDITIONS[1],
            CONDITIONS[2],
            CONDITIONS[3],
        ])),
        Arg::Optional(&Arg::Token("GET")),
        Arg::Optional(&TIMES_OR_KEEPTTL),
    ],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "access", "update", "variable_flags"],
    errors: &[
        (
            "ERR invalid expire time in 'set' command",
            "The expiry is not above zero, or too far away.",
        ),
        (
            "ERR must be exactly 16 hexadecimal characters",
            "The digest of IFDEQ or IFDNE has another length.",
        ),
    ],
    examples: &[
        ("SET colour teal", "OK"),
        ("SET colour red NX", "(nil)"),
        ("SET colour red GET", "\"teal\""),
        ("SET colour green IFEQ red", "OK"),
        ("SET colour gone EX 60", "OK"),
        ("TTL colour", "(integer) 60"),
    ],
    run: set,
    ..COMMAND
};

/// The options of SET.
struct SetOptions<'r> {
    /// Only if the key is missing.
    is_nx: bool,
    /// Only if the key is there.
    is_xx: bool,
    /// Only if the old value passes.
    condition: Option<Condition<'r>>,
    /// Answer with the old value.
    is_get: bool,
    expiry: ExpiryOption<'r>,
}

impl<'r> SetOptions<'r> {
    /// Reads the words after key and value.
    fn parse(call: &mut Call<'r>) -> Result<SetOptions<'r>> {
        let mut options = SetOptions {
            is_nx: false,
            is_xx: false,
            condition: None,
            is_get: false,
            expiry: ExpiryOption::Unsaid,
        };
        while let Some(word) = call.args.try_next() {
            if word.eq_ignore_ascii_case(b"NX") && !options.is_xx {
                options.is_nx = true;
            } else if word.eq_ignore_ascii_case(b"XX") && !options.is_nx {
                options.is_xx = true;
            } else if word.eq_ignore_ascii_case(b"GET") {
                options.is_get = true;
            } else if let Some(test) = Test::named(word) {
                let operand = call.args.word()?;
                options.add_condition(Condition { test, operand })?;
            } else if !options.expiry.accept(word, &mut call.args, "KEEPTTL")? {
                return Err(error::SYNTAX);
            }
        }
        Ok(options)
    }

    fn add_condition(&mut self, condition: Condition<'r>) -> Result<()> {
        let has_other = self.condition.is_some_and(|old| old.test != condition.test);
        if self.is_nx || self.is_xx || has_other {
            return Err(error::SYNTAX);
        }
        self.condition = Some(condition);
        Ok(())
    }

    /// Whether the value may be written over `old`.
    fn allow(&self, old: Option<&Value>) -> Result<bool> {
        let Some(old) = old else {
            let needs_value = self.condition.is_some_and(|c| c.test.needs_value());
            return Ok(!self.is_xx && !needs_value);
        };
        if self.is_nx {
            return Ok(false);
        }
        match (&self.condition, old) {
            (None, _) => Ok(true),
            (Some(condition), Value::String(value)) => condition.holds(value),
            (Some(_), _) => Err(error::WRONG_TYPE),
        }
    }
}

fn set(call: &mut Call) -> Result {
    let (key, value) = (call.args.word()?, call.args.bytes()?);
    let options = SetOptions::parse(call)?;
    let expiry = match options.expiry.at_ms(call.now_ms(), "set")? {
        Some(at_ms) => Expiry::At(at_ms),
        None if options.expiry == ExpiryOption::Special => Expiry::Keep,
        None => Expiry::Clear,
    };
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let old = match options.is_get {
            true => Some(Reply::bulk_or_null(value_of(view, key)?)),
            false => None,
        };
        let is_allowed = options.allow(view.get(key).as_ref())?;
        if !is_allowed {
            return Ok(Decision::unchanged(old.unwrap_or(Reply::Null)));
        }
        let changes = set_change(view, key, value, expiry).into_iter().collect();
        Ok(Decision::with(old.unwrap_or(Reply::ok()), changes))
    })
}

/// The change that writes `value`. One that is over already deletes the key: a later reader of the log has no clock.
fn set_change(view: &View, key: &[u8], value: Bytes, expiry: Expiry) -> Option<Change> {
    let effect = match expiry {
        Expiry::At(at_ms) if at_ms <= view.now_ms => {
            view.contains(key).then_some(Effect::Delete)?
        }
        _ => Effect::Set { value, expiry },
    };
    Some(Change::new(view.db, key, effect))
}

/// SETNX key value
pub const SETNX: Command = Command {
    name: "SETNX",
    summary: "Sets a key to a string if the key is missing.",
    group: Group::String,
    args: &[Arg::Key("key"), Arg::Str("value")],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["OW", "insert"],
    examples: &[
        ("SETNX lock mine", "(integer) 1"),
        ("SETNX lock yours", "(integer) 0"),
        ("GET lock", "\"mine\""),
    ],
    run: setnx,
    ..COMMAND
};

fn setnx(call: &mut Call) -> Result {
    let (key, value) = (call.args.word()?, call.args.bytes()?);
    let db = call.db();
    call.access.write(db, &[key], |view| {
        if view.contains(key) {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        let changes = set_change(view, key, value, Expiry::Clear);
        Ok(Decision::with(Reply::Int(1), changes.into_iter().collect()))
    })
}

/// SETEX key seconds value
pub const SETEX: Command = Command {
    name: "SETEX",
    summary: "Sets a key to a string that expires after some seconds.",
    group: Group::String,
    since: "2.0.0",
    args: &[Arg::Key("key"), Arg::Int("seconds"), Arg::Str("value")],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["OW", "update"],
    errors: &[(
        "ERR invalid expire time in 'setex' command",
        "The expiry is not above zero, or too far away.",
    )],
    examples: &[
        ("SETEX session 60 42", "OK"),
        ("TTL session", "(integer) 60"),
    ],
    run: |call| set_for(call, TimeForm::EX),
    ..COMMAND
};

/// PSETEX key milliseconds value
pub const PSETEX: Command = Command {
    name: "PSETEX",
    summary: "Sets a key to a string that expires after some milliseconds.",
    group: Group::String,
    since: "2.6.0",
    args: &[Arg::Key("key"), Arg::Int("milliseconds"), Arg::Str("value")],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["OW", "update"],
    errors: &[(
        "ERR invalid expire time in 'psetex' command",
        "The expiry is not above zero, or too far away.",
    )],
    examples: &[
        ("PSETEX session 60000 42", "OK"),
        ("TTL session", "(integer) 60"),
    ],
    run: |call| set_for(call, TimeForm::PX),
    ..COMMAND
};

fn set_for(call: &mut Call, form: TimeForm) -> Result {
    let (key, time, value) = (call.args.word()?, call.args.word()?, call.args.bytes()?);
    let at_ms = form.expiry_ms(time, call.now_ms(), &call.command.lower_name())?;
    call.access.write(call.db(), &[key], |view| {
        let changes = set_change(view, key, value, Expiry::At(at_ms));
        Ok(Decision::with(Reply::ok(), changes.into_iter().collect()))
    })
}

/// GETSET key value
pub const GETSET: Command = Command {
    name: "GETSET",
    summary: "Sets a key to a string and returns the one before.",
    group: Group::String,
    args: &[Arg::Key("key"), Arg::Str("value")],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    examples: &[
        ("GETSET colour teal", "(nil)"),
        ("GETSET colour red", "\"teal\""),
    ],
    run: getset,
    ..COMMAND
};

fn getset(call: &mut Call) -> Result {
    let (key, value) = (call.args.word()?, call.args.bytes()?);
    call.access.write(call.db(), &[key], |view| {
        let old = value_of(view, key)?;
        let changes = set_change(view, key, value, Expiry::Clear);
        Ok(Decision::with(
            Reply::bulk_or_null(old),
            changes.into_iter().collect(),
        ))
    })
}

const KEYS_AND_VALUES: &[Arg] = &[Arg::Multiple(&Arg::Block(&[
    Arg::Key("key"),
    Arg::Str("value"),
]))];

/// `MSET key value [key value ...]`
pub const MSET: Command = Command {
    name: "MSET",
    summary: "Sets several keys to strings, all at one moment.",
    group: Group::String,
    since: "1.0.1",
    complexity: "O(N), N the number of keys",
    args: KEYS_AND_VALUES,
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["OW", "update"],
    examples: &[("MSET a 1 b 2", "OK"), ("GET b", "\"2\"")],
    run: |call| mset(call, false),
    ..COMMAND
};

/// `MSETNX key value [key value ...]`
pub const MSETNX: Command = Command {
    name: "MSETNX",
    summary: "Sets several keys to strings if all of them are missing.",
    group: Group::String,
    since: "1.0.1",
    complexity: "O(N), N the number of keys",
    args: KEYS_AND_VALUES,
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["OW", "insert"],
    examples: &[
        ("MSETNX a 1 b 2", "(integer) 1"),
        ("MSETNX b 3 c 4", "(integer) 0"),
        ("EXISTS c", "(integer) 0"),
    ],
    run: |call| mset(call, true),
    ..COMMAND
};

fn mset(call: &mut Call, is_nx: bool) -> Result {
    if !call.args.left().is_multiple_of(2) {
        return Err(error::wrong_arity(&call.command.lower_name()));
    }
    let pairs = take_pairs(call, call.args.left() / 2)?;
    let keys: Vec<&[u8]> = pairs.iter().map(|(key, _)| *key).collect();
    call.access.write(call.db(), &keys, |view| {
        if is_nx && keys.iter().any(|key| view.contains(key)) {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        let changes = pairs.into_iter();
        let changes =
            changes.filter_map(|(key, value)| set_change(view, key, value, Expiry::Clear));
        let reply = if is_nx { Reply::Int(1) } else { Reply::ok() };
        Ok(Decision::with(reply, changes.collect()))
    })
}

fn take_pairs<'r>(call: &mut Call<'r>, count: usize) -> Result<Vec<(&'r [u8], Bytes)>> {
    (0..count)
        .map(|_| Ok((call.args.word()?, call.args.bytes()?)))
        .collect()
}

/// `MSETEX numkeys key value [key value ...] [NX | XX] [expiry]`
pub const MSETEX: Command = Command {
    name: "MSETEX",
    summary: "Sets several keys to strings with one expiry, if all of them are missing or all there.",
    group: Group::String,
    since: "8.4.0",
    complexity: "O(N), N the number of keys",
    args: &[
        Arg::Int("numkeys"),
        Arg::Multiple(&Arg::Block(&[Arg::Key("key"), Arg::Str("value")])),
        Arg::Optional(&Arg::OneOf(&[Arg::Token("NX"), Arg::Token("XX")])),
        Arg::Optional(&TIMES_OR_KEEPTTL),
    ],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["OW", "update"],
    errors: &[
        (
            "ERR invalid numkeys value",
            "The number of keys is none, or below one.",
        ),
        (
            "ERR wrong number of key-value pairs",
            "Fewer pairs follow than the number says.",
        ),
        (
            "ERR invalid expire time in 'msetex' command",
            "The expiry is not above zero, or too far away.",
        ),
    ],
    examples: &[
        ("MSETEX 2 a 1 b 2 EX 60", "(integer) 1"),
        ("MSETEX 2 b 3 c 4 NX", "(integer) 0"),
        ("TTL a", "(integer) 60"),
    ],
    run: msetex,
    ..COMMAND
};

fn msetex(call: &mut Call) -> Result {
    const BAD_COUNT: Refusal = Refusal::line("ERR invalid numkeys value");
    let count = call.args.int_or(BAD_COUNT)?;
    if !(1..=i64::from(i32::MAX)).contains(&count) {
        return Err(BAD_COUNT);
    }
    if call.args.left() < 2 * count as usize {
        return Err(Refusal::line("ERR wrong number of key-value pairs"));
    }
    let pairs = take_pairs(call, count as usize)?;
    let (presence, expiry) = msetex_options(call)?;
    let keys: Vec<&[u8]> = pairs.iter().map(|(key, _)| *key).collect();
    call.access.write(call.db(), &keys, |view| {
        if !presence.holds(keys.iter().map(|key| view.contains(key))) {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        let changes = pairs.into_iter();
        let changes = changes.filter_map(|(key, value)| set_change(view, key, value, expiry));
        Ok(Decision::with(Reply::Int(1), changes.collect()))
    })
}

fn msetex_options(call: &mut Call) -> Result<(Presence, Expiry)> {
    let (mut presence, mut option) = (Presence::Any, ExpiryOption::Unsaid);
    while let Some(word) = call.args.try_next() {
        if word.eq_ignore_ascii_case(b"NX") && presence != Presence::There {
            presence = Presence::Missing;
        } else if word.eq_ignore_ascii_case(b"XX") && presence != Presence::Missing {
            presence = Presence::There;
        } else if !option.accept(word, &mut call.args, "KEEPTTL")? {
            return Err(error::SYNTAX);
        }
    }
    let expiry = match option.at_ms(call.now_ms(), "msetex")? {
        Some(at_ms) => Expiry::At(at_ms),
        None if option == ExpiryOption::Special => Expiry::Keep,
        None => Expiry::Clear,
    };
    Ok((presence, expiry))
}

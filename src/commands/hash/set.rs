//! Writing and deleting fields: HSET, HMSET, HSETNX, HDEL.

use super::hash_of;
use crate::commands::Call;
use crate::commands::args::Args;
use crate::commands::error::{self, Result};
use crate::commands::keys;
use crate::commands::table::{
    About, Arg, COMMAND, Class, Command, Flags, Group, Results, Together, flags,
};
use crate::engine::{Access, Decision};
use crate::keyspace::View;
use crate::keyspace::change::{Change, Effect, Expiry};
use crate::protocol::{Reply, Request};
use bytes::Bytes;
use std::collections::HashSet;

const WRITES: Flags = flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]);

const FIELDS_AND_VALUES: &[Arg] = &[
    Arg::Key("key"),
    Arg::Multiple(&Arg::Block(&[Arg::Str("field"), Arg::Str("value")])),
];

/// `HSET key field value [field value ...]`
pub const HSET: Command = Command {
    name: "HSET",
    summary: "Sets fields of a hash and returns how many are new.",
    group: Group::Hash,
    since: "2.0.0",
    complexity: "O(N), N the number of fields",
    args: FIELDS_AND_VALUES,
    flags: WRITES,
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "update"],
    examples: &[
        ("HSET city name Oslo people 717710", "(integer) 2"),
        ("HSET city people 717711", "(integer) 0"),
        ("HGET city people", "\"717711\""),
    ],
    run: hset,
    together: Some(Together {
        pays: keys::are_linked,
        about,
        run: hset_together,
    }),
    ..COMMAND
};

/// `HMSET key field value [field value ...]`
pub const HMSET: Command = Command {
    name: "HMSET",
    summary: "Sets fields of a hash: an older form of HSET.",
    group: Group::Hash,
    since: "2.0.0",
    complexity: "O(N), N the number of fields",
    args: FIELDS_AND_VALUES,
    flags: WRITES,
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "update"],
    examples: &[("HMSET city name Oslo people 717710", "OK")],
    run: |call| hset(call).map(|_| Reply::ok()),
    ..COMMAND
};

fn hset(call: &mut Call) -> Result {
    let (key, fields) = read(&mut call.args, &call.command.lower_name())?;
    let db = call.db();
    call.access
        .write(db, &[key], |view| decide(view, db, key, fields))
}

/// Fields with their values.
type Pairs = Vec<(Bytes, Bytes)>;

/// The key, and the fields with their values.
fn read<'r>(args: &mut Args<'r>, command: &str) -> Result<(&'r [u8], Pairs)> {
    if args.left().is_multiple_of(2) {
        return Err(error::wrong_arity(command));
    }
    let key = args.word()?;
    let pairs = args.left() / 2;
    Ok((key, take_pairs(args, pairs)?))
}

fn decide(view: &View, db: usize, key: &[u8], fields: Pairs) -> Result<Decision<Reply>> {
    let hash = hash_of(view, key)?;
    let is_new = |name: &Bytes| {
        let hash = hash.as_deref();
        hash.is_none_or(|hash| hash.get(name, view.now_ms).is_none())
    };
    let names = fields.iter().map(|(name, _)| name);
    let new = names.filter(|name| is_new(name));
    let added = match fields.len() {
        1 => new.count(),
        _ => new.collect::<HashSet<_>>().len(),
    };
    let expiry = Expiry::Clear;
    let change = Change::new(db, key, Effect::HashSet { fields, expiry });
    Ok(Decision::one(Reply::count(added), change))
}

fn about(request: &Request) -> Option<About<'_>> {
    Some((b"", request.get(1)?))
}

/// Requests about different keys.
fn hset_together(access: &Access, db: usize, requests: &[Request]) -> Result<Option<Results>> {
    let keys: Option<Vec<&[u8]>> = requests.iter().map(|request| request.get(1)).collect();
    let Some(keys) = keys else {
        return Ok(None);
    };
    Ok(access.write_apart(db, &keys, |view, at| {
        let (key, fields) = read(&mut Args::new(&requests[at], 1), "hset")?;
        decide(view, db, key, fields)
    })?)
}

/// The next `count` fields with their values.
pub fn take_pairs(args: &mut Args, count: usize) -> Result<Pairs> {
    (0..count)
        .map(|_| Ok((args.bytes()?, args.bytes()?)))
        .collect()
}

/// HSETNX key field value
pub const HSETNX: Command = Command {
    name: "HSETNX",
    summary: "Sets a field of a hash if the field is missing.",
    group: Group::Hash,
    since: "2.0.0",
    args: &[Arg::Key("key"), Arg::Str("field"), Arg::Str("value")],
    flags: WRITES,
    key_flags: &["RW", "insert"],
    examples: &[
        ("HSETNX city name Oslo", "(integer) 1"),
        ("HSETNX city name Bergen", "(integer) 0"),
        ("HGET city name", "\"Oslo\""),
    ],
    run: hsetnx,
    ..COMMAND
};

fn hsetnx(call: &mut Call) -> Result {
    let (key, name, value) = (call.args.word()?, call.args.bytes()?, call.args.bytes()?);
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let hash = hash_of(view, key)?;
        if hash.is_some_and(|hash| hash.get(&name, view.now_ms).is_some()) {
            return Ok(Decision::unchanged(Reply::Int(0)));
        }
        let (fields, expiry) = (vec![(name, value)], Expiry::Clear);
        let change = Change::new(db, key, Effect::HashSet { fields, expiry });
        Ok(Decision::one(Reply::Int(1), change))
    })
}

/// `HDEL key field [field ...]`
pub const HDEL: Command = Command {
    name: "HDEL",
    summary: "Deletes fields of a hash; the key goes with its last field.",
    group: Group::Hash,
    since: "2.0.0",
    complexity: "O(N), N the number of fields",
    args: &[Arg::Key("key"), Arg::Multiple(&Arg::Str("field"))],
    flags: flags(&[Flags::WRITE, Flags::FAST]),
    class: Class::Predicted(keys::cost_of_words),
    key_flags: &["RW", "delete"],
    examples: &[
        ("HSET city name Oslo people 717710", "(integer) 2"),
        ("HDEL city people mayor", "(integer) 1"),
        ("HDEL city name", "(integer) 1"),
        ("EXISTS city", "(integer) 0"),
    ],
    run: hdel,
    ..COMMAND
};

fn hdel(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let names: Vec<Bytes> = call.args.rest().collect();
    let db = call.db();
    call.access.write(db, &[key], |view| {
        let Some(hash) = hash_of(view, key)? else {
            return Ok(Decision::unchanged(Reply::Int(0)));
        };
        let mut seen = HashSet::new();
        let there = |name: &Bytes| hash.get(name, view.now_ms).is_some();
        let fields: Vec<Bytes> = names
            .into_iter()
            .filter(|name| there(name) && seen.insert(name.clone()))
            .collect();
        let reply = Reply::count(fields.len());
        let changes = match fields.is_empty() {
            true => Vec::new(),
            false => vec![Change::new(db, key, Effect::HashDelete { fields })],
        };
        Ok(Decision::with(reply, changes))
    })
}

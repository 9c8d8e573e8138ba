//! Going through the fields of a hash, in order or by chance: HSCAN, HRANDFIELD.

use super::{after_kind, hash_of};
use crate::commands::error::{self, Refusal, Result};
use crate::commands::keys::{ScanOptions, is_listpack, parse_cursor, step_reply};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, Context, Session};
use crate::keyspace::Value;
use crate::keyspace::hash::{Field, Hash};
use crate::protocol::{Reply, Request, number};

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`
pub const HSCAN: Command = Command {
    name: "HSCAN",
    summary: "Goes through the fields of a hash step by step; a field that stays all the while is seen.",
    group: Group::Hash,
    since: "2.8.0",
    complexity: "O(1) for each step, O(N) for all, N the number of fields",
    args: &[
        Arg::Key("key"),
        Arg::Int("cursor"),
        Arg::Optional(&Arg::Option("MATCH", &[Arg::Pattern("pattern")])),
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("count")])),
        Arg::Optional(&Arg::Token("NOVALUES")),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost_of_scan),
    errors: &[("ERR invalid cursor", "The cursor is no number.")],
    examples: &[
        ("HSET city name Oslo people 717710", "(integer) 2"),
        (
            "HSCAN city 0 MATCH p*",
            "1) \"0\"\n2) 1) \"people\"\n   2) \"717710\"",
        ),
        (
            "HSCAN city 0 NOVALUES",
            "1) \"0\"\n2) 1) \"name\"\n   2) \"people\"",
        ),
    ],
    run: hscan,
    ..COMMAND
};

fn hscan(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let cursor = parse_cursor(call.args.word()?)?;
    let parsed = ScanOptions::parse(&mut call.args, true);
    let hash = call
        .access
        .read(call.db(), key, |view| hash_of(view, key))??;
    // A missing key answers whatever the options are.
    let Some(hash) = hash else {
        return Ok(step_reply(0, Vec::new()));
    };
    let options = after_kind(call, key, parsed)?;
    let (next, found) = match is_listpack(&hash, &call.context.config) {
        true => (0, hash.iter_at(call.now_ms()).collect()),
        false => hash.scan(cursor, options.count, call.now_ms()),
    };
    let mut replies = Vec::new();
    for Field { name, value, .. } in found {
        if options.takes(&name) {
            replies.push(Reply::Bulk(name.to_bytes()));
            if !options.is_without_values {
                replies.push(Reply::Bulk(value.to_bytes()));
            }
        }
    }
    Ok(step_reply(next, replies))
}

fn len_of(context: &Context, session: &Session, key: &[u8]) -> u64 {
    let database = context.engine.keyspace().database(session.db);
    match database.peek(key).map(|entry| entry.value) {
        Some(Value::Hash(hash)) => hash.len() as u64,
        _ => 0,
    }
}

/// About an eighth of a microsecond for each field that a step looks at.
fn cost_of_scan(context: &Context, session: &Session, request: &Request) -> u64 {
    let is_count = |word: &[u8]| word.eq_ignore_ascii_case(b"COUNT");
    let mut from_count = request.iter().skip(3).skip_while(|word| !is_count(word));
    let count = from_count.nth(1).and_then(number::parse_u64);
    count
        .unwrap_or(0)
        .min(len_of(context, session, request.arg(1)))
        / 8
}

/// `HRANDFIELD key [count [WITHVALUES]]`
pub const HRANDFIELD: Command = Command {
    name: "HRANDFIELD",
    summary: "Returns fields of a hash by chance: different ones, or with a count below zero any.",
    group: Group::Hash,
    since: "6.2.0",
    complexity: "O(N), N the number of fields returned",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Block(&[
            Arg::Int("count"),
            Arg::Optional(&Arg::Token("WITHVALUES")),
        ])),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost_of_random),
    errors: &[(
        "ERR value is out of range",
        "More than 4194304 fields with repetitions are asked for.",
    )],
    examples: &[
        ("HSET city name Oslo", "(integer) 1"),
        ("HRANDFIELD city", "\"name\""),
        ("HRANDFIELD city -2", "1) \"name\"\n2) \"name\""),
        ("HRANDFIELD city 5 WITHVALUES", "1) \"name\"\n2) \"Oslo\""),
    ],
    run: hrandfield,
    ..COMMAND
};

/// Fields that one HRANDFIELD may return with repetitions; Redis sends until the client is gone.
const REPETITIONS_MAX: u64 = 1 << 22;

const OUT_OF_RANGE: Refusal = Refusal::line("ERR value is out of range");

fn cost_of_random(context: &Context, session: &Session, request: &Request) -> u64 {
    match request.get(2).and_then(number::parse_i64) {
        None => 0,
        Some(count) if count < 0 => count.unsigned_abs() / 16,
        Some(count) => (count as u64).min(len_of(context, session, request.arg(1))) / 8,
    }
}

fn hrandfield(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let count = match call.args.is_done() {
        true => None,
        false => Some(take_count(call)?),
    };
    let hash = call
        .access
        .read(call.db(), key, |view| hash_of(view, key))??;
    let live = hash.as_ref().map_or(0, |hash| hash.len_at(call.now_ms()));
    let Some(hash) = hash.filter(|_| live > 0) else {
        return Ok(match count {
            None => Reply::Null,
            Some(_) => Reply::Array(Vec::new()),
        });
    };
    let mut chance = Chance { call, hash: &hash };
    let Some((count, with_values)) = count else {
        return Ok(Reply::Bulk(chance.draw().name.to_bytes()));
    };
    let fields = match usize::try_from(count) {
        Ok(count) if count >= live => hash.iter_at(call.now_ms()).collect(),
        Ok(count) => chance.draw_different(count, live),
        Err(_) if count.unsigned_abs() > REPETITIONS_MAX => return Err(OUT_OF_RANGE),
        Err(_) => (0..-count).map(|_| chance.draw()).collect(),
    };
    Ok(fields_reply(fields, with_values))
}

fn take_count(call: &mut Call) -> Result<(i64, bool)> {
    let count = call.args.int()?;
    if count == i64::MIN {
        return Err(Refusal::line(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ));
    }
    let with_values = call.args.take("WITHVALUES");
    call.args.end().map_err(|_| error::SYNTAX)?;
    if with_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(OUT_OF_RANGE);
    }
    Ok((count, with_values))
}

fn fields_reply(fields: Vec<Field<'_>>, with_values: bool) -> Reply {
    let name = |field: &Field<'_>| Reply::Bulk(field.name.to_bytes());
    if !with_values {
        return Reply::Array(fields.iter().map(name).collect());
    }
    let pairs = fields.iter().map(|field| {
        let value = Reply::Bulk(field.value.to_bytes());
        (name(field), value)
    });
    Reply::Pairs(pairs.collect())
}

/// Draws fields of a hash that has some which are not expired.
struct Chance<'c, 'a, 'h> {
    call: &'c Call<'a>,
    hash: &'h Hash,
}

impl<'h> Chance<'_, '_, 'h> {
    /// One field; each is as likely as any other.
    fn draw(&mut self) -> Field<'h> {
        /// Expired fields are drawn in vain; before they are removed they may be many.
        const ATTEMPTS_MAX: usize = 100;
        let now_ms = self.call.now_ms();
        for _ in 0..ATTEMPTS_MAX {
            let place = self.below(self.hash.len());
            if let Some(field) = self.hash.at(place)
                && field.expires_at_ms.is_none_or(|at_ms| at_ms > now_ms)
            {
                return field;
            }
        }
        let live: Vec<_> = self.hash.iter_at(now_ms).collect();
        live[self.below(live.len())]
    }

    /// `count` different fields, fewer than there are, each set of them as likely as any other.
    fn draw_different(&mut self, count: usize, live: usize) -> Vec<Field<'h>> {
        if count < live / 4 {
            let mut drawn = hashbrown::HashSet::with_capacity(count);
            let mut fields = Vec::with_capacity(count);
            while fields.len() < count {
                let field = self.draw();
                if drawn.insert(field.name.as_slice()) {
                    fields.push(field);
                }
            }
            return fields;
        }
        let mut fields: Vec<_> = self.hash.iter_at(self.call.now_ms()).collect();
        for place in 0..count {
            let other = place + self.below(fields.len() - place);
            fields.swap(place, other);
        }
        fields.truncate(count);
        fields
    }

    /// A number below `n`. (The remainder favours small ones by less than n in 2^64.)
    fn below(&self, n: usize) -> usize {
        (self.call.context.draw_random() % n as u64) as usize
    }
}

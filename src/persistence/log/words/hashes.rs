//! Words about hashes and the expiries of their fields.

use super::read::{Args, Read};
use super::write::{digits, write_count, write_with_list, write_word};
use crate::keyspace::change::{Effect, Expiry};
use bytes::Bytes;

pub(super) fn encode_set(key: &[u8], fields: &[(Bytes, Bytes)], expiry: Expiry, out: &mut Vec<u8>) {
    let n = digits(fields.len() as u64);
    let at_ms = match expiry {
        Expiry::At(at_ms) => digits(at_ms),
        Expiry::Clear | Expiry::Keep => digits(0),
    };
    let head: &[&[u8]] = match expiry {
        Expiry::Clear => &[b"HSET", key],
        Expiry::Keep => &[b"HSETEX", key, b"KEEPTTL", b"FIELDS", &n],
        Expiry::At(_) => &[b"HSETEX", key, b"PXAT", &at_ms, b"FIELDS", &n],
    };
    write_count(out, head.len() + 2 * fields.len());
    head.iter().for_each(|word| write_word(out, word));
    for (name, value) in fields {
        write_word(out, name);
        write_word(out, value);
    }
}

pub(super) fn encode_expiry(key: &[u8], at_ms: u64, fields: &[Bytes], out: &mut Vec<u8>) {
    let (at_ms, n) = (digits(at_ms), digits(fields.len() as u64));
    write_with_list(out, &[b"HPEXPIREAT", key, &at_ms, b"FIELDS", &n], fields);
}

pub(super) fn encode_persist(key: &[u8], fields: &[Bytes], out: &mut Vec<u8>) {
    let n = digits(fields.len() as u64);
    write_with_list(out, &[b"HPERSIST", key, b"FIELDS", &n], fields);
}

pub(super) fn decode(name: &[u8], args: &mut Args<'_>) -> Read<Option<Effect>> {
    Ok(Some(match name {
        b"HSET" => Effect::HashSet {
            fields: args.pairs()?,
            expiry: Expiry::Clear,
        },
        b"HSETEX" => {
            let expiry = args.expiry()?;
            args.count(2)?;
            let fields = args.pairs()?;
            Effect::HashSet { fields, expiry }
        }
        b"HDEL" => Effect::HashDelete {
            fields: args.rest(),
        },
        b"HPEXPIREAT" => {
            let at_ms = args.number()?;
            args.count(1)?;
            let fields = args.rest();
            Effect::HashExpireAt { at_ms, fields }
        }
        b"HPERSIST" => {
            args.count(1)?;
            let fields = args.rest();
            Effect::HashPersist { fields }
        }
        _ => return Ok(None),
    }))
}

//! Words about strings.

use super::read::{Args, Read};
use super::write::{digits, write};
use crate::keyspace::change::{Effect, Expiry};

pub(super) fn encode_set(key: &[u8], value: &[u8], expiry: Expiry, out: &mut Vec<u8>) {
    match expiry {
        Expiry::Clear => write(out, &[b"SET", key, value]),
        Expiry::Keep => write(out, &[b"SET", key, value, b"KEEPTTL"]),
        Expiry::At(at_ms) => write(out, &[b"SET", key, value, b"PXAT", &digits(at_ms)]),
    }
}

pub(super) fn encode_range(key: &[u8], offset: usize, part: &[u8], out: &mut Vec<u8>) {
    write(out, &[b"SETRANGE", key, &digits(offset as u64), part]);
}

pub(super) fn decode(name: &[u8], args: &mut Args<'_>) -> Read<Option<Effect>> {
    Ok(Some(match name {
        b"SET" => Effect::Set {
            value: args.next()?,
            expiry: args.expiry()?,
        },
        b"APPEND" => Effect::Append {
            suffix: args.next()?,
        },
        b"SETRANGE" => Effect::SetRange {
            offset: args.size()?,
            part: args.next()?,
        },
        _ => return Ok(None),
    }))
}

//! Words about sets and sorted sets.

use super::read::{Args, Read};
use super::write::{write_count, write_word};
use crate::keyspace::change::Effect;
use crate::protocol::number::double_text;
use bytes::Bytes;

pub(super) fn encode_scores(key: &[u8], members: &[(f64, Bytes)], out: &mut Vec<u8>) {
    write_count(out, 2 + 2 * members.len());
    write_word(out, b"ZADD");
    write_word(out, key);
    for (score, member) in members {
        write_word(out, &double_text(*score));
        write_word(out, member);
    }
}

pub(super) fn decode(name: &[u8], args: &mut Args<'_>) -> Read<Option<Effect>> {
    Ok(Some(match name {
        b"SADD" => Effect::SetAdd {
            members: args.rest(),
        },
        b"SREM" => Effect::SetRemove {
            members: args.rest(),
        },
        b"ZADD" => Effect::SortedSetAdd {
            members: args.scores()?,
        },
        b"ZREM" => Effect::SortedSetRemove {
            members: args.rest(),
        },
        _ => return Ok(None),
    }))
}

//! Words about keys of any type, and about databases as a whole.

use super::read::{Args, Read};
use super::write::{digits, write};
use crate::keyspace::change::Effect;

pub(super) fn encode_copy(key: &[u8], to_db: usize, to: &[u8], out: &mut Vec<u8>) {
    let to_db = digits(to_db as u64);
    write(out, &[b"COPY", key, to, b"DB", &to_db, b"REPLACE"]);
}

pub(super) fn encode_swap(db: usize, with: usize, out: &mut Vec<u8>) {
    let (db, with) = (digits(db as u64), digits(with as u64));
    write(out, &[b"SWAPDB", &db, &with]);
}

pub(super) fn decode(name: &[u8], args: &mut Args<'_>) -> Read<Option<Effect>> {
    Ok(Some(match name {
        b"DEL" => Effect::Delete,
        b"PEXPIREAT" => Effect::ExpireAt {
            at_ms: args.number()?,
        },
        b"PERSIST" => Effect::Persist,
        b"RENAME" => Effect::Rename { to: args.key()? },
        b"COPY" => decode_copy(args)?,
        b"MOVE" => Effect::Move {
            to_db: args.size()?,
        },
        _ => return Ok(None),
    }))
}

fn decode_copy(args: &mut Args<'_>) -> Read<Effect> {
    let to = args.key()?;
    args.expect(b"DB")?;
    let to_db = args.size()?;
    args.expect(b"REPLACE")?;
    Ok(Effect::Copy { to_db, to })
}

/// What befalls whole databases names no key; the number of the database may stand in the words.
pub(super) fn decode_databases(
    name: &[u8],
    args: &mut Args<'_>,
    db: usize,
) -> Read<Option<(usize, Effect)>> {
    Ok(Some(match name {
        b"FLUSHDB" => (db, Effect::FlushDb),
        b"FLUSHALL" => (db, Effect::FlushAll),
        b"SWAPDB" => {
            let (db, with) = (args.size()?, args.size()?);
            (db, Effect::SwapDb { with })
        }
        _ => return Ok(None),
    }))
}

//! Keys out of pieces.

use super::{EXPIRES, EntryKind, LoadedKey, LoadedValue};
use crate::keyspace::Key;
use crate::keyspace::hash::Hash;
use crate::keyspace::json::Document;
use crate::keyspace::list::{End, List};
use crate::keyspace::set::Set;
use crate::keyspace::sorted_set::SortedSet;
use crate::persistence::snapshot::cursor::{Cursor, Fault};
use bytes::Bytes;

/// Appends the keys of one piece to `keys`, which hold those of the pieces before. `seed` is the keyspace's.
pub(in crate::persistence::snapshot) fn decode(
    payload: &[u8],
    entries: u32,
    seed: u64,
    keys: &mut Vec<LoadedKey>,
) -> Result<(), Fault> {
    let mut cursor = Cursor::new(payload);
    for _ in 0..entries {
        let head = cursor.u8()?;
        let key = Key::from(cursor.bytes()?);
        let expires_at_ms = match head & EXPIRES {
            0 => None,
            _ => Some(cursor.u64()?),
        };
        let kind = EntryKind::of(head & !EXPIRES)?;
        if let Some(value) = decode_value(&mut cursor, kind, seed)? {
            keys.push(LoadedKey {
                key,
                value,
                expires_at_ms,
            });
        } else {
            decode_more(&mut cursor, kind, value_before(keys, &key)?)?;
        }
    }
    cursor.finish()
}

/// The value of a key; none if the entry goes on with the one before.
fn decode_value(
    cursor: &mut Cursor<'_>,
    kind: EntryKind,
    seed: u64,
) -> Result<Option<LoadedValue>, Fault> {
    Ok(Some(match kind {
        EntryKind::String => LoadedValue::String(Bytes::copy_from_slice(cursor.bytes()?)),
        EntryKind::Hash => {
            let mut hash = Hash::default();
            decode_fields(cursor, &mut hash)?;
            LoadedValue::Hash(hash)
        }
        EntryKind::Set => {
            let mut set = Set::new(seed);
            decode_members(cursor, &mut set)?;
            LoadedValue::Set(set)
        }
        EntryKind::SortedSet => {
            let mut set = SortedSet::new(seed);
            decode_scores(cursor, &mut set)?;
            LoadedValue::SortedSet(set)
        }
        EntryKind::List => {
            let mut list = List::new();
            decode_elements(cursor, &mut list)?;
            LoadedValue::List(list)
        }
        EntryKind::Json => LoadedValue::Json(decode_document(cursor.bytes()?)?),
        EntryKind::Collection => LoadedValue::Collection(cursor.u64()?),
        EntryKind::MoreFields | EntryKind::MoreItems => return Ok(None),
    }))
}

fn value_before<'a>(keys: &'a mut [LoadedKey], key: &[u8]) -> Result<&'a mut LoadedValue, Fault> {
    match keys.last_mut() {
        Some(last) if *last.key == *key => Ok(&mut last.value),
        _ => Err("a part of a value follows another key"),
    }
}

fn decode_more(
    cursor: &mut Cursor<'_>,
    kind: EntryKind,
    value: &mut LoadedValue,
) -> Result<(), Fault> {
    match (kind, value) {
        (EntryKind::MoreFields, LoadedValue::Hash(hash)) => decode_fields(cursor, hash),
        (EntryKind::MoreItems, LoadedValue::Set(set)) => decode_members(cursor, set),
        (EntryKind::MoreItems, LoadedValue::SortedSet(set)) => decode_scores(cursor, set),
        (EntryKind::MoreItems, LoadedValue::List(list)) => decode_elements(cursor, list),
        _ => Err("more follows a value that has no such parts"),
    }
}

fn decode_fields(cursor: &mut Cursor<'_>, hash: &mut Hash) -> Result<(), Fault> {
    // Name, value and expiry take a byte each at least.
    for _ in 0..cursor.count(3)? {
        let (name, value) = (cursor.bytes()?, cursor.bytes()?);
        if !hash.set(name, value, cursor.varint()?.checked_sub(1)) {
            return Err("a hash has two fields of one name");
        }
    }
    Ok(())
}

fn decode_document(text: &[u8]) -> Result<Document, Fault> {
    let text = std::str::from_utf8(text).map_err(|_| "a document is no text")?;
    Document::parse(text).map_err(|_| "a document is not JSON")
}

fn decode_members(cursor: &mut Cursor<'_>, set: &mut Set) -> Result<(), Fault> {
    for _ in 0..cursor.count(1)? {
        if !set.insert(Bytes::copy_from_slice(cursor.bytes()?)) {
            return Err("a set has a member twice");
        }
    }
    Ok(())
}

fn decode_scores(cursor: &mut Cursor<'_>, set: &mut SortedSet) -> Result<(), Fault> {
    // A score takes eight bytes, a member one at least.
    for _ in 0..cursor.count(9)? {
        let score = f64::from_bits(cursor.u64()?);
        let member = Bytes::copy_from_slice(cursor.bytes()?);
        if score.is_nan() {
            return Err("a member of a sorted set has no score");
        }
        if set.insert(member, score).is_some() {
            return Err("a sorted set has a member twice");
        }
    }
    Ok(())
}

fn decode_elements(cursor: &mut Cursor<'_>, list: &mut List) -> Result<(), Fault> {
    for _ in 0..cursor.count(1)? {
        list.push(End::Back, Bytes::copy_from_slice(cursor.bytes()?));
    }
    Ok(())
}

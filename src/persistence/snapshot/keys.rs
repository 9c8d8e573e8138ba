//! Payloads of keys: one shard of a database, cut into pieces that one buffer holds. docs/snapshot-format.md, "Keys".

use super::cursor::{Cursor, Fault, put_bytes, put_varint};
use crate::keyspace::hash::{Field, Hash};
use crate::keyspace::json::Document;
use crate::keyspace::list::{End, List};
use crate::keyspace::set::Set;
use crate::keyspace::sorted_set::SortedSet;
use crate::keyspace::table::SavedKey;
use crate::keyspace::{Key, Value};
use bytes::Bytes;

const STRING: u8 = 1;
const HASH: u8 = 2;
const MORE_FIELDS: u8 = 3;
const COLLECTION: u8 = 4;
const SET: u8 = 8;
const SORTED_SET: u8 = 9;
const LIST: u8 = 10;
/// More members of the set or sorted set, or elements of the list, before it.
const MORE: u8 = 11;
const JSON: u8 = 16;
const EXPIRES: u8 = 0x80;
/// A piece ends with the entry that carries it to this many bytes.
const PIECE_BYTES: usize = 4 << 20;

/// A key of a snapshot. A collection is named by its id; its elements have images of their own.
pub(super) struct LoadedKey {
    pub(super) key: Key,
    pub(super) value: LoadedValue,
    pub(super) expires_at_ms: Option<u64>,
}

pub(super) enum LoadedValue {
    String(Bytes),
    Set(Set),
    SortedSet(SortedSet),
    List(List),
    Hash(Hash),
    Json(Document),
    Collection(u64),
}

/// Encodes keys, calling `emit` with the number of entries and the payload of each piece.
pub(super) fn encode<E>(
    keys: &[SavedKey],
    emit: impl FnMut(u32, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut pieces = Pieces {
        payload: Vec::new(),
        entries: 0,
        emit,
    };
    for key in keys {
        match &key.value {
            Value::String(bytes) => {
                pieces.begin(STRING, &key.key, key.expires_at_ms);
                put_bytes(&mut pieces.payload, bytes);
                pieces.end()?;
            }
            Value::Set(set) => {
                encode_items(&mut pieces, key, SET, set.iter(), |out, member| {
                    put_bytes(out, member)
                })?;
            }
            Value::SortedSet(set) => {
                encode_items(&mut pieces, key, SORTED_SET, set.iter(), |out, item| {
                    out.extend_from_slice(&item.score.to_le_bytes());
                    put_bytes(out, &item.member);
                })?;
            }
            Value::List(list) => {
                encode_items(&mut pieces, key, LIST, list.iter(), |out, element| {
                    put_bytes(out, element)
                })?;
            }
            Value::Hash(hash) => encode_hash(&mut pieces, key, hash)?,
            Value::Json(document) => {
                pieces.begin(JSON, &key.key, key.expires_at_ms);
                put_bytes(&mut pieces.payload, &document.root().to_text());
                pieces.end()?;
            }
            Value::Collection(collection) => {
                pieces.begin(COLLECTION, &key.key, key.expires_at_ms);
                pieces
                    .payload
                    .extend_from_slice(&collection.id().to_le_bytes());
                pieces.end()?;
            }
        }
    }
    pieces.emit()
}

struct Pieces<F> {
    payload: Vec<u8>,
    entries: u32,
    emit: F,
}

impl<E, F: FnMut(u32, &[u8]) -> Result<(), E>> Pieces<F> {
    fn begin(&mut self, kind: u8, key: &[u8], expires_at_ms: Option<u64>) {
        self.payload
            .push(kind | if expires_at_ms.is_some() { EXPIRES } else { 0 });
        put_bytes(&mut self.payload, key);
        if let Some(at) = expires_at_ms {
            self.payload.extend_from_slice(&at.to_le_bytes());
        }
    }

    fn end(&mut self) -> Result<(), E> {
        self.entries += 1;
        if self.payload.len() >= PIECE_BYTES {
            self.emit()
        } else {
            Ok(())
        }
    }

    fn emit(&mut self) -> Result<(), E> {
        if self.entries > 0 {
            (self.emit)(self.entries, &self.payload)?;
        }
        self.entries = 0;
        self.payload.clear();
        Ok(())
    }
}

/// A large hash goes on in further entries, so that no piece grows with it.
fn encode_hash<E, F>(pieces: &mut Pieces<F>, key: &SavedKey, hash: &Hash) -> Result<(), E>
where
    F: FnMut(u32, &[u8]) -> Result<(), E>,
{
    let (mut kind, mut expires_at_ms) = (HASH, key.expires_at_ms);
    let mut fields = hash.iter().peekable();
    while fields.peek().is_some() {
        let mut bytes = 0;
        let mut group: Vec<Field<'_>> = Vec::new();
        while let Some(field) = fields.next_if(|_| bytes < PIECE_BYTES) {
            bytes += field.name.len() + field.value.len();
            group.push(field);
        }
        pieces.begin(kind, &key.key, expires_at_ms);
        put_varint(&mut pieces.payload, group.len() as u64);
        for field in group {
            put_bytes(&mut pieces.payload, &field.name);
            put_bytes(&mut pieces.payload, &field.value);
            // One more than the time, so that 0 says "none".
            put_varint(
                &mut pieces.payload,
                field.expires_at_ms.map_or(0, |at| at.saturating_add(1)),
            );
        }
        pieces.end()?;
        (kind, expires_at_ms) = (MORE_FIELDS, None);
    }
    Ok(())
}

/// A value of many items goes on in further entries, so that no piece grows with it.
fn encode_items<E, F, T>(
    pieces: &mut Pieces<F>,
    key: &SavedKey,
    kind: u8,
    items: impl Iterator<Item = T>,
    put: impl Fn(&mut Vec<u8>, T),
) -> Result<(), E>
where
    F: FnMut(u32, &[u8]) -> Result<(), E>,
{
    let (mut kind, mut expires_at_ms) = (kind, key.expires_at_ms);
    let (mut group, mut count) = (Vec::new(), 0);
    let mut items = items.peekable();
    while let Some(item) = items.next() {
        put(&mut group, item);
        count += 1;
        if group.len() >= PIECE_BYTES || items.peek().is_none() {
            pieces.begin(kind, &key.key, expires_at_ms);
            put_varint(&mut pieces.payload, count);
            pieces.payload.extend_from_slice(&group);
            pieces.end()?;
            (kind, expires_at_ms) = (MORE, None);
            group.clear();
            count = 0;
        }
    }
    Ok(())
}

/// Appends the keys of one piece to `keys`, which hold those of the pieces before. `seed` is the keyspace's.
pub(super) fn decode(
    payload: &[u8],
    entries: u32,
    seed: u64,
    keys: &mut Vec<LoadedKey>,
) -> Result<(), Fault> {
    let mut cursor = Cursor::new(payload);
    for _ in 0..entries {
        let head = cursor.u8()?;
        let key = Key::from(cursor.bytes()?);
        let expires_at_ms = if head & EXPIRES == 0 {
            None
        } else {
            Some(cursor.u64()?)
        };
        let value = match head & !EXPIRES {
            STRING => LoadedValue::String(Bytes::copy_from_slice(cursor.bytes()?)),
            HASH => {
                let mut hash = Hash::new(seed);
                decode_fields(&mut cursor, &mut hash)?;
                LoadedValue::Hash(hash)
            }
            SET => {
                let mut set = Set::new(seed);
                decode_members(&mut cursor, &mut set)?;
                LoadedValue::Set(set)
            }
            SORTED_SET => {
                let mut set = SortedSet::new(seed);
                decode_scores(&mut cursor, &mut set)?;
                LoadedValue::SortedSet(set)
            }
            LIST => {
                let mut list = List::new();
                decode_elements(&mut cursor, &mut list)?;
                LoadedValue::List(list)
            }
            MORE => {
                match value_before(keys, &key)? {
                    LoadedValue::Set(set) => decode_members(&mut cursor, set)?,
                    LoadedValue::SortedSet(set) => decode_scores(&mut cursor, set)?,
                    LoadedValue::List(list) => decode_elements(&mut cursor, list)?,
                    _ => return Err("members follow a value that has none"),
                }
                continue;
            }
            MORE_FIELDS => {
                decode_fields(&mut cursor, hash_before(keys, &key)?)?;
                continue;
            }
            JSON => LoadedValue::Json(decode_document(cursor.bytes()?)?),
            COLLECTION => LoadedValue::Collection(cursor.u64()?),
            _ => return Err("a key has a type that is not known"),
        };
        keys.push(LoadedKey {
            key,
            value,
            expires_at_ms,
        });
    }
    cursor.finish()
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

fn hash_before<'a>(keys: &'a mut [LoadedKey], key: &[u8]) -> Result<&'a mut Hash, Fault> {
    match value_before(keys, key)? {
        LoadedValue::Hash(hash) => Ok(hash),
        _ => Err("fields follow a value that has none"),
    }
}

fn value_before<'a>(keys: &'a mut [LoadedKey], key: &[u8]) -> Result<&'a mut LoadedValue, Fault> {
    match keys.last_mut() {
        Some(last) if *last.key == *key => Ok(&mut last.value),
        _ => Err("a part of a value follows another key"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn saved(key: &str, value: Value, expires_at_ms: Option<u64>) -> SavedKey {
        SavedKey {
            key: key.as_bytes().into(),
            value,
            expires_at_ms,
        }
    }

    fn pieces(keys: &[SavedKey]) -> Vec<(u32, Vec<u8>)> {
        let mut pieces = Vec::new();
        encode(keys, |entries, payload| {
            pieces.push((entries, payload.to_vec()));
            Ok::<(), ()>(())
        })
        .unwrap();
        pieces
    }

    fn big_hash() -> Hash {
        let mut hash = Hash::new(1);
        for i in 0..9_000 {
            let expires = (i % 3 == 0).then_some(i as u64 + 1);
            let name = format!("field {i}");
            hash.set(name.as_bytes(), &[i as u8; 1_000], expires);
        }
        hash
    }

    fn document() -> Document {
        let text = r#"{"b":[0.1,0.2,0.3,1e300],"a":{"\"":[1,null,true,18446744073709551615]}}"#;
        Document::parse(text).unwrap()
    }

    #[test]
    fn strings_and_large_hashes_come_back_from_their_pieces() {
        let hash = big_hash();
        let keys = [
            saved("empty", Value::String(Bytes::new()), None),
            saved(
                "far",
                Value::String(Bytes::from_static(b"value")),
                Some(u64::MAX),
            ),
            saved("hash", Value::Hash(Arc::new(hash.clone())), Some(7)),
            saved("", Value::String(Bytes::from_static(b"\r\n\0")), Some(0)),
            saved("json", Value::Json(Arc::new(document())), Some(9)),
        ];
        let pieces = pieces(&keys);
        assert!(pieces.len() >= 3, "the hash must be cut");
        assert!(
            pieces
                .iter()
                .all(|(_, payload)| payload.len() < 2 * PIECE_BYTES)
        );
        let mut loaded = Vec::new();
        pieces
            .iter()
            .for_each(|(entries, payload)| decode(payload, *entries, 2, &mut loaded).unwrap());
        assert_eq!(loaded.len(), keys.len());
        for (key, loaded) in keys.iter().zip(&loaded) {
            assert_eq!(
                (&key.key, key.expires_at_ms),
                (&loaded.key, loaded.expires_at_ms)
            );
            match (&key.value, &loaded.value) {
                (Value::String(expected), LoadedValue::String(got)) => assert_eq!(expected, got),
                (Value::Hash(expected), LoadedValue::Hash(got)) => assert_eq!(**expected, *got),
                (Value::Json(expected), LoadedValue::Json(got)) => assert_eq!(**expected, *got),
                _ => panic!("another type"),
            }
        }
    }

    #[test]
    fn large_sets_and_lists_come_back_from_their_pieces() {
        let (mut set, mut scores, mut list) = (Set::new(1), SortedSet::new(1), List::new());
        for i in 0..50_000u32 {
            let member = Bytes::from(format!("{i} {}", "x".repeat(200)));
            set.insert(member.clone());
            scores.insert(member.clone(), f64::from(i % 7) / 3.0);
            list.push(End::Back, member);
        }
        let mut infinite = SortedSet::new(1);
        infinite.insert(Bytes::new(), f64::NEG_INFINITY);
        let keys = [
            saved("set", Value::Set(Arc::new(set.clone())), Some(7)),
            saved("scores", Value::SortedSet(Arc::new(scores.clone())), None),
            saved("list", Value::List(Arc::new(list.clone())), Some(9)),
            saved(
                "infinite",
                Value::SortedSet(Arc::new(infinite.clone())),
                None,
            ),
        ];
        let pieces = pieces(&keys);
        assert!(pieces.len() >= 7, "all three must be cut");
        let mut loaded = Vec::new();
        for (entries, payload) in &pieces {
            decode(payload, *entries, 2, &mut loaded).unwrap();
        }
        let expiries: Vec<_> = loaded.iter().map(|key| key.expires_at_ms).collect();
        assert_eq!(expiries, [Some(7), None, Some(9), None]);
        let values: Vec<_> = loaded.into_iter().map(|key| key.value).collect();
        assert!(matches!(&values[0], LoadedValue::Set(got) if *got == set));
        assert!(matches!(&values[1], LoadedValue::SortedSet(got) if *got == scores));
        assert!(matches!(&values[2], LoadedValue::List(got) if *got == list));
        assert!(matches!(&values[3], LoadedValue::SortedSet(got) if *got == infinite));
    }

    #[test]
    fn members_that_cannot_be_are_refused() {
        let entry = |kind: u8, items: &[u8]| [&[kind], &b"\x01a"[..], items].concat();
        let refused = |payload: &[u8]| decode(payload, 1, 1, &mut Vec::new()).is_err();
        assert!(refused(&entry(SET, b"\x02\x01m\x01m")), "twice");
        let nan = [&b"\x01"[..], &f64::NAN.to_le_bytes(), b"\x01m"].concat();
        assert!(refused(&entry(SORTED_SET, &nan)), "no score");
        assert!(refused(&entry(MORE, b"\x01\x01m")), "more of nothing");
        assert!(refused(&entry(LIST, b"\x7f\x01m")), "fewer than it says");
        let after_text = [entry(STRING, b"\x00"), entry(MORE, b"\x01\x01m")].concat();
        assert!(decode(&after_text, 2, 1, &mut Vec::new()).is_err());
    }

    #[test]
    fn payloads_that_are_cut_or_altered_never_panic() {
        let mut hash = Hash::new(1);
        hash.set(b"f", b"v", Some(3));
        let (mut scores, mut list) = (SortedSet::new(1), List::new());
        scores.insert(Bytes::from_static(b"m"), 1.5);
        list.push(End::Back, Bytes::from_static(b"e"));
        let keys = [
            saved("a", Value::Hash(Arc::new(hash)), None),
            saved("b", Value::String(Bytes::from_static(b"value")), Some(3)),
            saved("c", Value::Json(Arc::new(document())), None),
            saved("d", Value::SortedSet(Arc::new(scores)), None),
            saved("e", Value::List(Arc::new(list)), None),
        ];
        let (entries, payload) = pieces(&keys).remove(0);
        for len in 0..payload.len() {
            assert!(decode(&payload[..len], entries, 1, &mut Vec::new()).is_err());
        }
        for bit in 0..payload.len() * 8 {
            let mut bad = payload.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(&bad, entries, 1, &mut Vec::new());
        }
        let orphan = [&[MORE_FIELDS][..], b"\x01a\x00"].concat();
        assert!(decode(&orphan, 1, 1, &mut Vec::new()).is_err());
    }
}

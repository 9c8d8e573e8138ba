//! Keys into pieces. A value of many items goes on in further entries, so that no piece grows with it.

use super::{EXPIRES, EntryKind};
use crate::keyspace::Value;
use crate::keyspace::hash::Field;
use crate::keyspace::sorted_set::Ranked;
use crate::keyspace::table::SavedKey;
use crate::persistence::snapshot::cursor::{put_bytes, put_varint};

/// A piece ends with the entry that carries it to this many bytes.
pub(super) const PIECE_BYTES: usize = 4 << 20;

/// Encodes keys, calling `emit` with the number of entries and the payload of each piece.
pub(in crate::persistence::snapshot) fn encode<E>(
    keys: &[SavedKey],
    emit: impl FnMut(u32, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut pieces = Pieces {
        payload: Vec::new(),
        entries: 0,
        emit,
    };
    for key in keys {
        encode_key(&mut pieces, key)?;
    }
    pieces.emit()
}

fn encode_key<E, F>(pieces: &mut Pieces<F>, key: &SavedKey) -> Result<(), E>
where
    F: FnMut(u32, &[u8]) -> Result<(), E>,
{
    use EntryKind::{Collection, Hash, Json, List, MoreFields, MoreItems, Set, SortedSet, String};
    match &key.value {
        Value::String(bytes) => pieces.add(String, key, |out| put_bytes(out, bytes)),
        Value::Json(document) => {
            pieces.add(Json, key, |out| put_bytes(out, &document.root().to_text()))
        }
        Value::Collection(collection) => pieces.add(Collection, key, |out| {
            out.extend_from_slice(&collection.id().to_le_bytes());
        }),
        Value::Set(set) => pieces.add_items([Set, MoreItems], key, set.iter(), |out, member| {
            put_bytes(out, member);
        }),
        Value::SortedSet(set) => {
            pieces.add_items([SortedSet, MoreItems], key, set.iter(), put_scored)
        }
        Value::List(list) => {
            pieces.add_items([List, MoreItems], key, list.iter(), |out, element| {
                put_bytes(out, element);
            })
        }
        Value::Hash(hash) => pieces.add_items([Hash, MoreFields], key, hash.iter(), put_field),
    }
}

fn put_scored(out: &mut Vec<u8>, item: &Ranked) {
    out.extend_from_slice(&item.score.to_le_bytes());
    put_bytes(out, &item.member);
}

fn put_field(out: &mut Vec<u8>, field: Field<'_>) {
    put_bytes(out, &field.name);
    put_bytes(out, &field.value);
    // One more than the time, so that 0 says "none".
    let expiry = field.expires_at_ms.map_or(0, |at| at.saturating_add(1));
    put_varint(out, expiry);
}

struct Pieces<F> {
    payload: Vec<u8>,
    entries: u32,
    emit: F,
}

impl<E, F: FnMut(u32, &[u8]) -> Result<(), E>> Pieces<F> {
    fn begin(&mut self, kind: EntryKind, key: &[u8], expires_at_ms: Option<u64>) {
        let expires = expires_at_ms.map_or(0, |_| EXPIRES);
        self.payload.push(kind as u8 | expires);
        put_bytes(&mut self.payload, key);
        if let Some(at) = expires_at_ms {
            self.payload.extend_from_slice(&at.to_le_bytes());
        }
    }

    fn add(
        &mut self,
        kind: EntryKind,
        key: &SavedKey,
        put: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), E> {
        self.begin(kind, &key.key, key.expires_at_ms);
        put(&mut self.payload);
        self.end()
    }

    /// Of `kinds`, the first entry has the first, those that follow it have the second.
    fn add_items<T>(
        &mut self,
        kinds: [EntryKind; 2],
        key: &SavedKey,
        items: impl Iterator<Item = T>,
        put: impl Fn(&mut Vec<u8>, T),
    ) -> Result<(), E> {
        let [mut kind, more] = kinds;
        let mut expires_at_ms = key.expires_at_ms;
        let (mut group, mut count) = (Vec::new(), 0);
        let mut items = items.peekable();
        while let Some(item) = items.next() {
            put(&mut group, item);
            count += 1;
            if group.len() >= PIECE_BYTES || items.peek().is_none() {
                self.begin(kind, &key.key, expires_at_ms);
                put_varint(&mut self.payload, count);
                self.payload.extend_from_slice(&group);
                self.end()?;
                (kind, expires_at_ms) = (more, None);
                group.clear();
                count = 0;
            }
        }
        Ok(())
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

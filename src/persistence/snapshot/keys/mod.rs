//! Payloads of keys: one shard of a database, cut into pieces that one buffer holds. docs/snapshot-format.md, "Keys".

mod decode;
mod encode;

use super::cursor::Fault;
use crate::keyspace::Key;
use crate::keyspace::hash::Hash;
use crate::keyspace::json::Document;
use crate::keyspace::list::List;
use crate::keyspace::set::Set;
use crate::keyspace::sorted_set::SortedSet;
use bytes::Bytes;
pub(super) use decode::decode;
pub(super) use encode::encode;

/// What an entry holds: the lower bits of its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum EntryKind {
    String = 1,
    Hash = 2,
    /// More fields of the hash before it.
    MoreFields = 3,
    Collection = 4,
    Set = 8,
    SortedSet = 9,
    List = 10,
    /// More members of the set or sorted set, or elements of the list, before it.
    MoreItems = 11,
    Json = 16,
}

impl EntryKind {
    const ALL: [EntryKind; 9] = [
        EntryKind::String,
        EntryKind::Hash,
        EntryKind::MoreFields,
        EntryKind::Collection,
        EntryKind::Set,
        EntryKind::SortedSet,
        EntryKind::List,
        EntryKind::MoreItems,
        EntryKind::Json,
    ];

    /// The kind of a number on disk.
    fn of(byte: u8) -> Result<EntryKind, Fault> {
        let found = EntryKind::ALL.into_iter().find(|kind| *kind as u8 == byte);
        found.ok_or("a key has a type that is not known")
    }
}

/// In an entry's first byte: the key expires.
const EXPIRES: u8 = 0x80;

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

#[cfg(test)]
mod tests;

//! The fields of one bucket in insertion order: a list while they are few, a map from then on, which is never made a list again.

use super::{FEW_FIELDS_MAX, FieldBytes, PLAIN_BYTES_MAX};
use crate::shared_bytes::SharedBytes;
use foldhash::fast::FixedState;
use indexmap::IndexMap;
use std::hash::BuildHasher;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum StoredValue {
    Plain(Box<[u8]>),
    Shared(SharedBytes),
}

impl From<FieldBytes<'_>> for StoredValue {
    fn from(value: FieldBytes<'_>) -> StoredValue {
        match value {
            FieldBytes::Plain(bytes) if bytes.len() <= PLAIN_BYTES_MAX => {
                StoredValue::Plain(bytes.into())
            }
            long => StoredValue::Shared(long.to_shared()),
        }
    }
}

impl StoredValue {
    /// The value as its reader sees it.
    pub(super) fn seen(&self) -> FieldBytes<'_> {
        match self {
            StoredValue::Plain(bytes) => FieldBytes::Plain(bytes),
            StoredValue::Shared(bytes) => FieldBytes::Shared(bytes),
        }
    }
}

/// A field's value and expiry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) value: StoredValue,
    /// In milliseconds since 1970.
    pub(super) expires_at_ms: Option<u64>,
}

/// Fields by name.
#[derive(Clone)]
pub(super) enum Fields {
    Few(Vec<(Box<[u8]>, Stored)>),
    Many(Box<IndexMap<Box<[u8]>, Stored, FixedState>>),
}

impl Default for Fields {
    fn default() -> Fields {
        Fields::Few(Vec::new())
    }
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        match self {
            Fields::Few(list) => list.len(),
            Fields::Many(map) => map.len(),
        }
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<(&[u8], &Stored)> {
        match self {
            Fields::Few(list) => {
                let found = list.iter().find(|(other, _)| **other == *name);
                found.map(|(name, field)| (&**name, field))
            }
            Fields::Many(map) => map.get_key_value(name).map(named),
        }
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut Stored> {
        match self {
            Fields::Few(list) => {
                let found = list.iter_mut().find(|(other, _)| **other == *name);
                found.map(|(_, field)| field)
            }
            Fields::Many(map) => map.get_mut(name),
        }
    }

    /// The field at a place below [`Fields::len`].
    pub(super) fn at(&self, place: usize) -> Option<(&[u8], &Stored)> {
        match self {
            Fields::Few(list) => list.get(place).map(|(name, field)| (&**name, field)),
            Fields::Many(map) => map.get_index(place).map(named),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Stored)> {
        let (list, map) = match self {
            Fields::Few(list) => (list.as_slice(), None),
            Fields::Many(map) => (&[][..], Some(map.iter())),
        };
        let list = list.iter().map(|(name, field)| (&**name, field));
        list.chain(map.into_iter().flatten().map(named))
    }

    /// Adds a field whose name is not there. `hasher` is that of the buckets: all names of a bucket have the same top bits by it, by which
    /// a map tells them apart first, so the map gets another.
    pub(super) fn add(&mut self, name: Box<[u8]>, field: Stored, hasher: &impl BuildHasher) {
        match self {
            Fields::Few(list) if list.len() < FEW_FIELDS_MAX => {
                // Most hashes get all of their fields at once and never another.
                list.reserve_exact(1);
                list.push((name, field));
            }
            Fields::Few(list) => {
                let seed = hasher.hash_one(list.len());
                let mut map = IndexMap::with_hasher(FixedState::with_seed(seed));
                map.extend(list.drain(..));
                map.insert(name, field);
                *self = Fields::Many(Box::new(map));
            }
            Fields::Many(map) => drop(map.insert(name, field)),
        }
    }

    /// Takes a field out; the others keep their order.
    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Stored> {
        match self {
            Fields::Few(list) => {
                let place = list.iter().position(|(other, _)| **other == *name)?;
                Some(list.remove(place).1)
            }
            Fields::Many(map) => map.shift_remove(name),
        }
    }
}

/// A field with the bytes of its name.
fn named<'f, N: AsRef<[u8]>>((name, field): (&'f N, &'f Stored)) -> (&'f [u8], &'f Stored) {
    (name.as_ref(), field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_becomes_a_map_keeps_its_fields_and_their_order() {
        let hasher = FixedState::with_seed(7);
        let field = |n: usize| Stored {
            value: FieldBytes::Plain(n.to_string().as_bytes()).into(),
            expires_at_ms: None,
        };
        let mut fields = Fields::default();
        for n in 0..3 * FEW_FIELDS_MAX {
            fields.add(format!("f{n}").into_bytes().into(), field(n), &hasher);
            assert_eq!(matches!(fields, Fields::Few(_)), n < FEW_FIELDS_MAX);
            assert_eq!(fields.len(), n + 1);
            if let Some(first) = fields.get_mut(b"f0") {
                *first = field(n);
            }
        }
        assert_eq!(fields.remove(b"f1"), Some(field(1)));
        assert_eq!(fields.remove(b"f1"), None);
        let first = fields.get(b"f0").map(|(_, field)| field);
        assert_eq!(first, Some(&field(3 * FEW_FIELDS_MAX - 1)));
        let names: Vec<&[u8]> = fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names[..3], [b"f0", b"f2", b"f3"]);
        assert_eq!(fields.at(1).map(|(name, _)| name), Some(&b"f2"[..]));
        assert!(fields.at(fields.len()).is_none());
    }
}

//! The exact state of a keyspace, apart from everything that may differ after a restart (slots, links, order): what "equal"
//! means for DEBUG DIGEST, for recovery and for models.

use super::collection::{Collection, Schema, Stored};
use super::hash::Field;
use super::sorted_set::Ranked;
use super::{Entry, Key, Keyspace, Value};
use bytes::Bytes;
use foldhash::quality::{FixedState, FoldHasher};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Bound;
use std::sync::Arc;

/// A key's exact state.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyState {
    /// What it holds.
    pub value: ValueState,
    /// When it expires, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

/// What a key holds, in an order of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueState {
    /// A string.
    String(Bytes),
    /// Members.
    Set(BTreeSet<Bytes>),
    /// Members with the bits of their scores.
    SortedSet(BTreeMap<Bytes, u64>),
    /// Elements in order.
    List(Vec<Bytes>),
    /// Fields with values and expiries.
    Hash(BTreeMap<Bytes, (Bytes, Option<u64>)>),
    /// A JSON document, as text.
    Json(Bytes),
    /// Elements with vectors as stored and attributes.
    Collection {
        /// The collection's options.
        schema: Schema,
        /// Elements by name.
        elements: BTreeMap<Bytes, (Stored, Option<Arc<Bytes>>)>,
    },
}

/// The state of all keys by database and name, expired ones that nobody has met included. For tests: it copies everything.
pub fn exact_state(keyspace: &Keyspace) -> BTreeMap<(usize, Key), KeyState> {
    let mut state = BTreeMap::new();
    for db in 0..keyspace.databases() {
        let (_, keys) = keyspace.database(db).scan(0, usize::MAX, 0);
        for (key, entry) in keys {
            state.insert((db, key), key_state(&entry));
        }
    }
    state
}

/// A digest of the state of all keys; equal states have equal digests, in every process of one version.
pub fn digest(keyspace: &Keyspace) -> [u8; 20] {
    let mut sum = [0u64; 3];
    for db in 0..keyspace.databases() {
        let database = keyspace.database(db);
        let mut cursor = 0;
        loop {
            let (next, keys) = database.scan(cursor, 1_000, 0);
            for (key, entry) in keys {
                add(&mut sum, |hasher| {
                    (db, &key, entry.expires_at_ms()).hash(hasher);
                    hash_value(&entry.value, hasher);
                });
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
    }
    bytes_of(sum)
}

/// A digest of one key's value and expiry.
pub fn digest_value(entry: &Entry) -> [u8; 20] {
    let mut sum = [0u64; 3];
    add(&mut sum, |hasher| {
        entry.expires_at_ms().hash(hasher);
        hash_value(&entry.value, hasher);
    });
    bytes_of(sum)
}

fn key_state(entry: &Entry) -> KeyState {
    KeyState {
        value: value_state(&entry.value),
        expires_at_ms: entry.expires_at_ms(),
    }
}

/// The exact state of a value.
pub fn value_state(value: &Value) -> ValueState {
    match value {
        Value::String(string) => ValueState::String(string.clone().into_bytes()),
        Value::Set(set) => ValueState::Set(set.iter().cloned().collect()),
        Value::SortedSet(set) => {
            let bits = |item: &Ranked| (item.member.clone(), item.score.to_bits());
            ValueState::SortedSet(set.iter().map(bits).collect())
        }
        Value::List(list) => ValueState::List(list.iter().cloned().collect()),
        Value::Hash(hash) => {
            let state = |field: Field<'_>| {
                let value = (field.value.to_bytes(), field.expires_at_ms);
                (field.name.to_bytes(), value)
            };
            ValueState::Hash(hash.iter().map(state).collect())
        }
        Value::Json(document) => ValueState::Json(document.root().to_text().into()),
        Value::Collection(collection) => ValueState::Collection {
            schema: collection.schema().clone(),
            elements: elements(collection)
                .map(|(name, stored, attributes)| (name, (stored, attributes)))
                .collect(),
        },
    }
}

/// Elements in order of their names.
fn elements(
    collection: &Collection,
) -> impl Iterator<Item = (Bytes, Stored, Option<Arc<Bytes>>)> + '_ {
    let all = collection.range(Bound::Unbounded, Bound::Unbounded, usize::MAX);
    all.into_iter().filter_map(|element| {
        let slot = collection.slot_of(element.name())?;
        let name = Bytes::copy_from_slice(element.name());
        Some((name, collection.index().stored(slot), element.attributes()))
    })
}

/// Adds what `write` hashes to sums under three seeds; a sum does not depend on the order.
fn add(sum: &mut [u64; 3], write: impl Fn(&mut FoldHasher<'_>)) {
    for (seed, sum) in sum.iter_mut().enumerate() {
        let mut hasher = FixedState::with_seed(seed as u64).build_hasher();
        write(&mut hasher);
        *sum = sum.wrapping_add(hasher.finish());
    }
}

fn hash_value(value: &Value, hasher: &mut FoldHasher<'_>) {
    match value {
        Value::String(string) => (1u8, &string[..]).hash(hasher),
        Value::Set(set) => {
            let mut sum = [0u64; 3];
            for member in set.iter() {
                add(&mut sum, |hasher| member.hash(hasher));
            }
            (8u8, sum).hash(hasher);
        }
        Value::SortedSet(set) => {
            (9u8, set.len()).hash(hasher);
            for item in set.iter() {
                (&item.member, item.score.to_bits()).hash(hasher);
            }
        }
        Value::List(list) => {
            (10u8, list.len()).hash(hasher);
            list.iter().for_each(|element| element.hash(hasher));
        }
        Value::Hash(hash) => {
            let mut sum = [0u64; 3];
            for field in hash.iter() {
                add(&mut sum, |hasher| {
                    (&*field.name, &*field.value, field.expires_at_ms).hash(hasher);
                });
            }
            (2u8, sum).hash(hasher);
        }
        Value::Json(document) => (16u8, document.root().to_text()).hash(hasher),
        Value::Collection(collection) => {
            (3u8, format!("{:?}", collection.schema())).hash(hasher);
            for (name, stored, attributes) in elements(collection) {
                let numbers = (stored.norm.to_bits(), stored.range.to_bits());
                (name, stored.bytes, numbers, attributes).hash(hasher);
            }
        }
    }
}

fn bytes_of(sum: [u64; 3]) -> [u8; 20] {
    let all = sum.map(u64::to_le_bytes).concat();
    std::array::from_fn(|at| all[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::change::{Change, Effect, Expiry};

    fn keyspace(order: &[usize]) -> Keyspace {
        let keyspace = Keyspace::new(2, 7);
        for (number, i) in order.iter().enumerate() {
            let fields = vec![(Bytes::from(format!("f{i}")), Bytes::from(format!("v{i}")))];
            let effect = Effect::HashSet {
                fields,
                expiry: Expiry::At(9),
            };
            keyspace.apply(Change::new(1, b"hash", effect), number as u64 + 1);
            let value = Bytes::from(vec![*i as u8]);
            let effect = Effect::Set {
                value,
                expiry: Expiry::Clear,
            };
            keyspace.apply(Change::new(0, &[*i as u8], effect), number as u64 + 1);
        }
        keyspace
    }

    #[test]
    fn equal_states_have_equal_digests_and_others_do_not() {
        let (a, b) = (keyspace(&[1, 2, 3]), keyspace(&[3, 1, 2]));
        assert_eq!(exact_state(&a), exact_state(&b));
        assert_eq!(digest(&a), digest(&b));
        b.apply(Change::new(1, b"hash", Effect::ExpireAt { at_ms: 5 }), 9);
        assert_ne!(exact_state(&a), exact_state(&b));
        assert_ne!(digest(&a), digest(&b));
        assert_ne!(digest(&a), digest(&keyspace(&[1, 2])));
    }
}

//! Indexes that have given out all of their ids, or have not taken up everything yet.

use super::*;
use crate::keyspace::Keyspace;
use crate::keyspace::change::{Change, Effect, Expiry};
use bytes::Bytes;
use std::ops::Bound;
use words::Words;

const SEED: u64 = 5;
const DEFINITION: &str =
    "PREFIX 1 d: SCHEMA n NUMERIC v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";

/// A keyspace with an index that is made anew at this id.
fn with_index(ids_limit: u32) -> Keyspace {
    let words: Vec<&[u8]> = DEFINITION.split(' ').map(str::as_bytes).collect();
    let schema = schema::create(&mut Words::new(&words)).expect("a schema");
    let mut index = DocumentIndex::new(b"i", Arc::new(schema));
    index.ids_limit = ids_limit;
    let keyspace = Keyspace::new(1, SEED);
    keyspace.indexes().insert(&Arc::new(index));
    keyspace
}

fn put(keyspace: &Keyspace, key: &str, n: u32) {
    let vector = [n as f32, 1.0].map(f32::to_le_bytes).concat();
    let fields = vec![
        (Bytes::from_static(b"n"), Bytes::from(n.to_string())),
        (Bytes::from_static(b"v"), Bytes::from(vector)),
    ];
    let expiry = Expiry::Keep;
    let effect = Effect::HashSet { fields, expiry };
    keyspace.apply(Change::new(INDEXED_DB, key.as_bytes(), effect), 1);
}

fn found(keyspace: &Keyspace, min: u32, max: u32) -> Vec<String> {
    let index = keyspace.indexes().get(b"i").expect("an index");
    let state = index.read();
    let (min, max) = (f64::from(min), f64::from(max));
    let ids = state.fields[0]
        .numbers
        .between(Bound::Included(min), Bound::Included(max));
    let key = |id| state.documents.get(id).expect("a document").key().to_vec();
    let keys = ids.iter().map(key).map(String::from_utf8);
    let mut keys: Vec<String> = keys.map(|key| key.expect("text")).collect();
    keys.sort();
    keys
}

#[test]
fn an_index_without_ids_is_made_anew_and_misses_nothing() {
    let keyspace = with_index(50);
    for n in 0..1_000 {
        let before = keyspace.indexes().get(b"i").expect("an index");
        put(&keyspace, &format!("d:{}", n % 7), n);
        let after = keyspace.indexes().get(b"i").expect("an index");
        assert!(after.read().next_id <= 50, "at most one behind the end");
        if Arc::ptr_eq(&before, &after) {
            continue;
        }
        assert!(after.progress().is_running());
        assert_eq!(after.len(), 1, "the one that was just written");
        keyspace.indexes().fill_all(&keyspace.database(INDEXED_DB));
        assert!(!after.progress().is_running());
        assert_eq!(after.len(), 7);
        let expected: Vec<String> = (0..7).map(|key| format!("d:{key}")).collect();
        assert_eq!(found(&keyspace, n - 6, n), expected);
        assert_eq!(after.vectors(1).map(|vectors| vectors.len()), Some(7));
    }
    assert!(keyspace.indexes().get(b"i").expect("an index").inserts() < 60);
}

#[test]
fn an_index_that_is_full_of_documents_is_not_made_anew_again_and_again() {
    let keyspace = with_index(50);
    (0..100).for_each(|n| put(&keyspace, &format!("d:{n}"), n));
    let index = keyspace.indexes().get(b"i").expect("an index");
    assert_eq!((index.len(), index.inserts()), (100, 100));
}

#[test]
fn a_document_that_is_renamed_while_fields_are_added_has_them() {
    let keyspace = with_index(50);
    put(&keyspace, "d:1", 1);
    let words = format!("{DEFINITION} m NUMERIC");
    let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
    let schema = Arc::new(schema::create(&mut Words::new(&words)).expect("a schema"));
    let fields = vec![(Bytes::from_static(b"m"), Bytes::from_static(b"7"))];
    let expiry = Expiry::Keep;
    let effects = [
        (&b"d:1"[..], Effect::HashSet { fields, expiry }),
        (b"i", Effect::CreateIndex { schema }),
        // The filling may have passed the new name, and will not find the old one.
        (
            b"d:1",
            Effect::Rename {
                to: (*b"d:2").into(),
            },
        ),
    ];
    for (key, effect) in effects {
        keyspace.apply(Change::new(INDEXED_DB, key, effect), 2);
    }
    let index = keyspace.indexes().get(b"i").expect("an index");
    assert!(index.progress().is_running());
    assert_eq!(found(&keyspace, 1, 1), ["d:2"]);
    assert!(index.holds(2), "the added field");
}

#[test]
fn the_greatest_id_is_never_given() {
    let mut numbers = numbers::Numbers::default();
    // As many of one number as make a set of it, the last that may be given among them.
    let ids = (0..40).map(|n| fields::DocumentId::MAX - 1 - n);
    ids.clone().for_each(|id| numbers.add(id, &[7.0]));
    let mut held: Vec<u32> = ids.collect();
    held.sort_unstable();
    let found = numbers.between(Bound::Included(7.0), Bound::Included(7.0));
    assert_eq!(found.iter().collect::<Vec<_>>(), held);
    held.iter()
        .for_each(|id| numbers.remove(*id, [7.0].into_iter()));
    assert_eq!(numbers.after(None, 1), []);
}

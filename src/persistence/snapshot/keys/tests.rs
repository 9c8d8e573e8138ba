//! Keys there and back.

use super::encode::PIECE_BYTES;
use super::*;
use crate::keyspace::Value;
use crate::keyspace::list::End;
use crate::keyspace::table::SavedKey;
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
    let mut hash = Hash::default();
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
        saved("empty", Value::String(Bytes::new().into()), None),
        saved(
            "far",
            Value::String(Bytes::from_static(b"value").into()),
            Some(u64::MAX),
        ),
        saved("hash", Value::Hash(Arc::new(hash.clone())), Some(7)),
        saved(
            "",
            Value::String(Bytes::from_static(b"\r\n\0").into()),
            Some(0),
        ),
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
            (Value::String(expected), LoadedValue::String(got)) => {
                assert_eq!(expected[..], got[..])
            }
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
    let entry = |kind: EntryKind, items: &[u8]| [&[kind as u8], &b"\x01a"[..], items].concat();
    let refused = |payload: &[u8]| decode(payload, 1, 1, &mut Vec::new()).is_err();
    assert!(refused(&entry(EntryKind::Set, b"\x02\x01m\x01m")), "twice");
    let nan = [&b"\x01"[..], &f64::NAN.to_le_bytes(), b"\x01m"].concat();
    assert!(refused(&entry(EntryKind::SortedSet, &nan)), "no score");
    assert!(
        refused(&entry(EntryKind::MoreItems, b"\x01\x01m")),
        "more of nothing"
    );
    assert!(
        refused(&entry(EntryKind::List, b"\x7f\x01m")),
        "fewer than it says"
    );
    let after_text = [
        entry(EntryKind::String, b"\x00"),
        entry(EntryKind::MoreItems, b"\x01\x01m"),
    ]
    .concat();
    assert!(decode(&after_text, 2, 1, &mut Vec::new()).is_err());
}

#[test]
fn payloads_that_are_cut_or_altered_never_panic() {
    let mut hash = Hash::default();
    hash.set(b"f", b"v", Some(3));
    let (mut scores, mut list) = (SortedSet::new(1), List::new());
    scores.insert(Bytes::from_static(b"m"), 1.5);
    list.push(End::Back, Bytes::from_static(b"e"));
    let keys = [
        saved("a", Value::Hash(Arc::new(hash)), None),
        saved(
            "b",
            Value::String(Bytes::from_static(b"value").into()),
            Some(3),
        ),
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
    let orphan = [&[EntryKind::MoreFields as u8][..], b"\x01a\x00"].concat();
    assert!(decode(&orphan, 1, 1, &mut Vec::new()).is_err());
}

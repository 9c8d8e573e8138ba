//! Every kind of change, there and back; and what is refused.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod documented;
mod random;

use super::*;
use crate::keyspace::change::Upsert;
use random::{KINDS_OF_CHANGE, Random, kind};

fn decoded(body: &[u8], mut db: usize) -> Result<(Vec<Change>, usize), WordError> {
    let mut changes = Vec::new();
    decode(&Bytes::copy_from_slice(body), &mut db, |change| {
        changes.push(change)
    })?;
    Ok((changes, db))
}

/// Equal to the bit: a vector may hold NaN here.
fn same(a: &Change, b: &Change) -> bool {
    let (Effect::Upsert(x), Effect::Upsert(y)) = (&a.effect, &b.effect) else {
        return a == b;
    };
    let bits = |upsert: &Upsert| {
        upsert
            .vector
            .iter()
            .map(|c| c.to_bits())
            .collect::<Vec<u32>>()
    };
    let rest = |upsert: &Upsert| Upsert {
        vector: Vec::new(),
        ..upsert.clone()
    };
    (a.db, &a.key) == (b.db, &b.key) && bits(x) == bits(y) && rest(x) == rest(y)
}

#[test]
fn every_kind_of_change_comes_back_as_it_was() {
    let mut random = Random(20_260_101);
    println!("seed {}", random.0);
    for round in 0..KINDS_OF_CHANGE * 200 {
        let change = random.change(round % KINDS_OF_CHANGE);
        assert_eq!(
            kind(&change.effect),
            round % KINDS_OF_CHANGE,
            "the generator covers every kind"
        );
        let mut body = Vec::new();
        encode(&change, &mut body);
        let (changes, db) = decoded(&body, change.db).unwrap();
        assert!(
            changes.len() == 1 && same(&changes[0], &change),
            "{change:?} became {changes:?}"
        );
        assert_eq!(db, change.db);
    }
}

#[test]
fn changes_of_one_record_come_back_in_order_with_their_databases() {
    let mut random = Random(7);
    let changes: Vec<Change> = (0..60)
        .map(|i| random.change(i % KINDS_OF_CHANGE))
        .collect();
    let mut body = Vec::new();
    body.extend_from_slice(MULTI);
    for change in &changes {
        encode_select(change.db, &mut body);
        encode(change, &mut body);
    }
    body.extend_from_slice(EXEC);
    let (read, db) = decoded(&body, 99).unwrap();
    assert_eq!(db, changes.last().unwrap().db);
    assert_eq!(read.len(), changes.len());
    assert!(read.iter().zip(&changes).all(|(a, b)| same(a, b)));
}

#[test]
fn a_declared_collection_is_spoken_of_without_its_schema() {
    let mut random = Random(3);
    let upsert = Upsert {
        schema: Some(random.declared()),
        ..random.upsert()
    };
    let change = Change::new(0, b"k", Effect::Upsert(Box::new(upsert.clone())));
    let mut body = Vec::new();
    encode(&change, &mut body);
    let said = Change::new(
        0,
        b"k",
        Effect::Upsert(Box::new(Upsert {
            schema: None,
            ..upsert
        })),
    );
    assert!(same(&decoded(&body, 0).unwrap().0[0], &said));
}

fn check_refused(body: &str, what: &str) {
    let error = decoded(body.as_bytes(), 0).unwrap_err();
    assert!(error.what.contains(what), "{body:?}: {error}");
}

#[test]
fn what_is_not_in_the_list_is_refused() {
    check_refused("*1\r\n$4\r\nPING\r\n", "word is missing");
    check_refused("*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n", "no such word");
    check_refused("*2\r\n$3\r\ndel\r\n$1\r\nk\r\n", "no such word");
    check_refused("*3\r\n$3\r\nDEL\r\n$1\r\nk\r\n$1\r\nl\r\n", "too many");
    check_refused("*1\r\n$5\r\nMULTI\r\n", "no EXEC");
    check_refused("*1\r\n$4\r\nEXEC\r\n", "word is missing");
    check_refused("*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$2\r\n-1\r\n", "number");
    check_refused(
        "*4\r\n$8\r\nHPERSIST\r\n$1\r\nk\r\n$6\r\nFIELDS\r\n$1\r\n1\r\n",
        "fields is wrong",
    );
    check_refused(
        "*4\r\n$4\r\nZADD\r\n$1\r\nk\r\n$3\r\nnan\r\n$1\r\nm\r\n",
        "score",
    );
    check_refused("DEL k\r\n", "not an array");
    let word = |word: &str| format!("${}\r\n{word}\r\n", word.len());
    let edit = |words: [&str; 4]| format!("*4\r\n{}", words.map(word).concat());
    check_refused(&edit(["JSON.SET", "k", "$", "[1"]), "not JSON");
    check_refused(&edit(["JSON.SET", "k", "$.*", "1"]), "not concrete");
    check_refused(&edit(["JSON.STRAPPEND", "k", "$", "1"]), "string");
    check_refused(&edit(["JSON.CLEAR", "k", "$", "1"]), "no such word");
    check_refused("*1\r\n$9999999999999999999999\r\n", "length");
    check_refused("*18446744073709551615\r\n$3\r\nDEL\r\n", "length");
    check_refused(
        "*1\r\n$18446744073709551615\r\nDEL\r\n",
        "longer than the record",
    );
}

#[test]
fn every_cut_of_a_body_is_refused_or_ends_between_commands() {
    let mut random = Random(11);
    for kind in 0..KINDS_OF_CHANGE {
        let mut body = Vec::new();
        encode(&random.change(kind), &mut body);
        for end in 1..body.len() {
            assert!(
                decoded(&body[..end], 0).is_err(),
                "kind {kind} cut at {end}"
            );
        }
    }
}

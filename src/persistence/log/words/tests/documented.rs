//! The words are those that docs/log-format.md tells.

use super::super::read::Commands;
use super::super::*;
use crate::keyspace::change::{Expiry, Upsert};
use crate::keyspace::collection::{Quantization, Schema};
use crate::keyspace::json::{Edit, Json, Place};
use crate::keyspace::list::End;

/// The words as a person writes them, one string per word.
fn check_words(effect: Effect, expected: &str) {
    let mut body = Vec::new();
    encode(&Change::new(2, b"k", effect), &mut body);
    let mut words = Vec::new();
    let body = Bytes::from(body);
    Commands::new(&body).next(&mut words).unwrap();
    let text: Vec<_> = words
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    assert_eq!(text.join(" "), expected);
}

#[test]
fn the_words_are_those_of_the_documentation() {
    let (f, v) = (Bytes::from("f"), Bytes::from("v"));
    let fields = || vec![(f.clone(), v.clone())];
    check_words(
        Effect::Set {
            value: v.clone(),
            expiry: Expiry::Clear,
        },
        "SET k v",
    );
    check_words(
        Effect::Set {
            value: v.clone(),
            expiry: Expiry::At(9),
        },
        "SET k v PXAT 9",
    );
    check_words(
        Effect::Copy {
            to_db: 3,
            to: (*b"to").into(),
        },
        "COPY k to DB 3 REPLACE",
    );
    check_words(Effect::SwapDb { with: 5 }, "SWAPDB 2 5");
    check_words(
        Effect::HashSet {
            fields: fields(),
            expiry: Expiry::Clear,
        },
        "HSET k f v",
    );
    check_words(
        Effect::HashSet {
            fields: fields(),
            expiry: Expiry::Keep,
        },
        "HSETEX k KEEPTTL FIELDS 1 f v",
    );
    check_words(
        Effect::HashSet {
            fields: fields(),
            expiry: Expiry::At(7),
        },
        "HSETEX k PXAT 7 FIELDS 1 f v",
    );
    check_words(
        Effect::HashExpireAt {
            at_ms: 7,
            fields: vec![f.clone()],
        },
        "HPEXPIREAT k 7 FIELDS 1 f",
    );
    check_list_words(&f, &v);
    let members = vec![(1.5, f.clone()), (f64::NEG_INFINITY, v.clone())];
    check_words(Effect::SortedSetAdd { members }, "ZADD k 1.5 f -inf v");
    let mut schema = Schema::implied(2, None, Quantization::F32, 8);
    let vector = vec![f32::from_le_bytes(*b"abcd"), f32::from_le_bytes(*b"efgh")];
    let upsert = Upsert {
        element: Bytes::from("e"),
        vector,
        schema: Some(schema.clone()),
        ef: Some(50),
        attributes: Some(v),
    };
    check_words(
        Effect::Upsert(Box::new(upsert)),
        "VADD k FP32 abcdefgh e NOQUANT EF 50 M 8 SETATTR v",
    );
    schema.declared = true;
    let create = Effect::CreateCollection {
        schema: Box::new(schema),
    };
    check_words(
        create,
        "VCREATE k DIM 2 METRIC COSINE TYPE F32 M 8 EF 200 INDEX HNSW",
    );
}

fn check_list_words(f: &Bytes, v: &Bytes) {
    let elements = vec![f.clone(), v.clone()];
    let end = End::Back;
    check_words(Effect::ListPush { end, elements }, "RPUSH k f v");
    let (end, count) = (End::Front, 2);
    check_words(Effect::ListPop { end, count }, "LPOP k 2");
    let insert = Effect::ListInsert {
        side: End::Back,
        pivot: f.clone(),
        element: v.clone(),
    };
    check_words(insert, "LINSERT k AFTER f v");
    let remove = Effect::ListRemove {
        end: End::Back,
        count: 2,
        element: v.clone(),
    };
    check_words(remove, "LREM k -2 v");
    let set = Effect::ListSet {
        place: 3,
        element: v.clone(),
    };
    check_words(set, "LSET k 3 v");
    check_words(Effect::ListTrim { first: 1, last: 4 }, "LTRIM k 1 4");
}

#[test]
fn the_words_of_documents_are_those_of_the_documentation() {
    let check = |place: &str, edit: Edit, expected: &str| {
        let place = Place::parse(place).unwrap();
        check_words(Effect::Json { place, edit }, expected);
    };
    let json = |text: &str| Json::parse(text).unwrap();
    check(
        "$",
        Edit::Set(json("{\"a\": [1]}")),
        "JSON.SET k $ {\"a\":[1]}",
    );
    check(
        "$.a[0]",
        Edit::Set(json("2.0")),
        "JSON.SET k $[\"a\"][0] 2.0",
    );
    check("$['\"']", Edit::Delete, "JSON.DEL k $['\"']");
    check(
        "$.a",
        Edit::Merge(json("{\"b\":null}")),
        "JSON.MERGE k $[\"a\"] {\"b\":null}",
    );
    check(
        "$.a",
        Edit::Append("b".into()),
        "JSON.STRAPPEND k $[\"a\"] \"b\"",
    );
    let values = vec![json("1"), json("\"x\"")];
    check(
        "$.a",
        Edit::Insert { at: 7, values },
        "JSON.ARRINSERT k $[\"a\"] 7 1 \"x\"",
    );
    check("$.a", Edit::Pop { at: 3 }, "JSON.ARRPOP k $[\"a\"] 3");
    check(
        "$.a",
        Edit::Trim { start: 2, len: 3 },
        "JSON.ARRTRIM k $[\"a\"] 2 4",
    );
    check(
        "$.a",
        Edit::Trim { start: 0, len: 0 },
        "JSON.ARRTRIM k $[\"a\"] 1 0",
    );
}

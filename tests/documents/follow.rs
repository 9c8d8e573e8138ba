//! An index knows what its keys hold, whatever command wrote them.

use crate::client::{Client, keys, packed, total};
use crate::support::Server;

/// Requests, and after each one what a query must find.
type Steps<'a> = &'a [(&'a str, &'a str, &'a [&'a str])];

fn walk(client: &mut Client, steps: Steps) {
    for (line, query, keys) in steps {
        client.ok(line);
        assert_eq!(client.found("idx", query), *keys, "{line}, then {query}");
    }
}

fn start(create: &str) -> (Server, Client) {
    let (server, mut client) = Client::start();
    client.ok(create);
    (server, client)
}

const PETS: &str = "FT.CREATE idx PREFIX 1 pet: SCHEMA kind TAG size NUMERIC name TEXT";

#[test]
fn hashes_are_followed() {
    let (_server, mut client) = start(PETS);
    walk(
        &mut client,
        &[
            ("HSET pet:1 kind cat size 3", "@kind:{cat}", &["pet:1"]),
            ("HSET other:1 kind cat", "@kind:{cat}", &["pet:1"]),
            ("HSET pet:1 kind dog", "@kind:{cat}", &[]),
            ("HSET pet:1 kind cat", "@kind:{dog}", &[]),
            ("HINCRBY pet:1 size 4", "@size:[7 7]", &["pet:1"]),
            ("HINCRBYFLOAT pet:1 size 0.5", "@size:[7.5 7.5]", &["pet:1"]),
            ("HINCRBY pet:2 size 9", "@size:[9 9]", &["pet:2"]),
            ("HDEL pet:1 kind", "@kind:{cat}", &[]),
            ("HSETNX pet:1 kind fish", "@kind:{fish}", &["pet:1"]),
            ("HSETNX pet:1 kind cat", "@kind:{cat}", &[]),
            ("HDEL pet:2 size", "*", &["pet:1"]),
            ("HSET pet:1 name 'big Tom'", "tom", &["pet:1"]),
            ("DEL pet:1", "*", &[]),
            ("HSET pet:1 kind cat", "*", &["pet:1"]),
            ("UNLINK pet:1", "*", &[]),
            ("HSET pet:1 kind cat", "*", &["pet:1"]),
            ("SET pet:1 text", "*", &[]),
        ],
    );
}

#[test]
fn keys_that_get_another_name_are_followed() {
    let (_server, mut client) = start(PETS);
    let cats = "@kind:{cat}";
    walk(
        &mut client,
        &[
            ("HSET other:1 kind cat", cats, &[]),
            ("RENAME other:1 pet:1", cats, &["pet:1"]),
            ("RENAME pet:1 pet:2", cats, &["pet:2"]),
            ("HSET pet:3 kind dog", cats, &["pet:2"]),
            ("RENAME pet:2 pet:3", cats, &["pet:3"]),
            ("RENAMENX pet:3 other:1", cats, &[]),
            ("COPY other:1 pet:4", cats, &["pet:4"]),
            ("COPY pet:4 pet:5", cats, &["pet:4", "pet:5"]),
            ("HSET pet:6 kind dog", cats, &["pet:4", "pet:5"]),
            (
                "COPY pet:4 pet:6 REPLACE",
                cats,
                &["pet:4", "pet:5", "pet:6"],
            ),
            ("MOVE pet:4 1", cats, &["pet:5", "pet:6"]),
            ("COPY pet:5 pet:7 DB 1", cats, &["pet:5", "pet:6"]),
            ("DEL pet:6", cats, &["pet:5"]),
        ],
    );
    client.ok("SELECT 1");
    client.ok("MOVE pet:4 0");
    client.ok("HSET pet:8 kind cat");
    client.ok("SELECT 0");
    assert_eq!(client.found("idx", cats), ["pet:4", "pet:5"]);
}

#[test]
fn documents_leave_when_they_expire() {
    let (_server, mut client) = start(PETS);
    for n in 1..=4 {
        client.ok(&format!("HSET pet:{n} kind cat size {n}"));
    }
    client.ok("PEXPIRE pet:1 1");
    client.wait_for("idx", "*", &["pet:2", "pet:3", "pet:4"]);
    client.ok("PEXPIREAT pet:2 1");
    assert_eq!(client.found("idx", "*"), ["pet:3", "pet:4"]);
    client.ok("HPEXPIRE pet:3 1 FIELDS 1 kind");
    client.wait_for("idx", "@kind:{cat}", &["pet:4"]);
    assert_eq!(client.found("idx", "@size:[3 3]"), ["pet:3"]);
    client.ok("HPEXPIRE pet:3 1 FIELDS 1 size");
    client.wait_for("idx", "*", &["pet:4"]);
    client.ok("EXPIRE pet:4 1000");
    client.ok("PERSIST pet:4");
    assert_eq!(client.found("idx", "*"), ["pet:4"]);
}

#[test]
fn transactions_are_followed() {
    let (server, mut client) = start(PETS);
    let mut other = Client::new(&server);
    client.ok("MULTI");
    client.ok("HSET pet:1 kind cat");
    client.ok("HSET pet:2 kind cat");
    client.ok("DEL pet:1");
    client.ok("FT.SEARCH idx @kind:{cat} NOCONTENT");
    assert_eq!(other.found("idx", "*"), [] as [&str; 0]);
    let replies = client.ok("EXEC");
    let search = replies.as_items().expect("replies").last();
    let search = search.expect("four replies");
    assert_eq!(crate::client::keys(search), ["pet:2"]);
    assert_eq!(other.found("idx", "*"), ["pet:2"]);
}

#[test]
fn json_documents_are_followed() {
    let (_server, mut client) = start(
        "FT.CREATE idx ON JSON PREFIX 1 pet: SCHEMA $.kind AS kind TAG $.size AS size NUMERIC $.tags[*] AS tags TAG",
    );
    walk(
        &mut client,
        &[
            (
                "JSON.SET pet:1 $ '{\"kind\":\"cat\",\"size\":3,\"tags\":[\"a\",\"b\"]}'",
                "@kind:{cat} @tags:{b}",
                &["pet:1"],
            ),
            ("HSET pet:2 kind cat", "@kind:{cat}", &["pet:1"]),
            ("JSON.NUMINCRBY pet:1 $.size 4", "@size:[7 7]", &["pet:1"]),
            ("JSON.NUMMULTBY pet:1 $.size 2", "@size:[14 14]", &["pet:1"]),
            ("JSON.SET pet:1 $.kind '\"dog\"'", "@kind:{cat}", &[]),
            (
                "JSON.ARRAPPEND pet:1 $.tags '\"new\"'",
                "@tags:{new}",
                &["pet:1"],
            ),
            ("JSON.ARRPOP pet:1 $.tags", "@tags:{new}", &[]),
            (
                "JSON.MERGE pet:1 $ '{\"kind\":\"cow\",\"size\":null}'",
                "@kind:{cow}",
                &["pet:1"],
            ),
            ("JSON.SET pet:1 $.size 5", "@size:[5 5]", &["pet:1"]),
            ("JSON.DEL pet:1 $.size", "@size:[-inf +inf]", &[]),
            (
                "JSON.STRAPPEND pet:1 $.kind '\"s\"'",
                "@kind:{cows}",
                &["pet:1"],
            ),
            ("RENAME pet:1 pet:3", "@kind:{cows}", &["pet:3"]),
            ("JSON.DEL pet:3", "*", &[]),
            (
                "JSON.MSET pet:4 $ '{\"kind\":\"cat\"}' pet:5 $ '{\"kind\":\"dog\"}'",
                "@kind:{cat}",
                &["pet:4"],
            ),
        ],
    );
}

#[test]
fn an_index_takes_up_keys_that_are_there() {
    let (_server, mut client) = Client::start();
    for n in 0..500 {
        let prefix = ["pet", "other"][n % 2];
        client.ok(&format!("HSET {prefix}:{n} kind cat size {n}"));
    }
    client.ok("SET pet:text text");
    client.ok(PETS);
    assert_eq!(client.info("idx", "num_docs"), 250);
    assert_eq!(
        client.found("idx", "@kind:{cat} @size:[10 15]"),
        ["pet:10", "pet:12", "pet:14"]
    );
    client.ok("FT.CREATE late PREFIX 1 pet: SKIPINITIALSCAN SCHEMA kind TAG");
    client.ok("HSET pet:0 kind dog");
    assert_eq!(client.found("late", "*"), ["pet:0"]);
}

#[test]
fn the_end_of_a_database_is_the_end_of_its_indexes() {
    let (_server, mut client) = start(PETS);
    client.ok("HSET pet:1 kind cat");
    client.ok("SELECT 1");
    client.ok("FLUSHDB");
    client.ok("SELECT 0");
    assert_eq!(client.found("idx", "*"), ["pet:1"]);
    for flush in ["FLUSHDB", "FLUSHALL", "FLUSHALL ASYNC"] {
        client.ok(flush);
        let error = client.refused("FT.SEARCH idx *");
        assert_eq!(error, "No such index idx", "{flush}");
        let list = client.ok("FT._LIST");
        assert_eq!(list.as_items(), Some([].as_slice()), "{flush}");
        client.ok(PETS);
    }
}

#[test]
fn an_index_stays_with_database_0_when_databases_change_places() {
    let (_server, mut client) = start(PETS);
    client.ok("HSET pet:1 kind cat");
    client.ok("SELECT 1");
    client.ok("HSET pet:2 kind cat");
    client.ok("SWAPDB 0 1");
    client.ok("SELECT 0");
    client.wait_until_filled("idx");
    assert_eq!(client.found("idx", "@kind:{cat}"), ["pet:2"]);
    client.ok("HSET pet:3 kind cat");
    client.ok("SWAPDB 1 0");
    client.wait_until_filled("idx");
    assert_eq!(client.found("idx", "@kind:{cat}"), ["pet:1"]);
}

#[test]
fn a_document_with_a_bad_field_is_gone_until_the_next_good_write() {
    let (_server, mut client) = start(
        "FT.CREATE idx PREFIX 1 pet: SCHEMA kind TAG size NUMERIC at GEO \
         v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    );
    let set = |client: &mut Client, field: &str, value: &[u8]| {
        client.set("pet:1", &[(field, value)]);
    };
    let vector = packed(&[1.0, 2.0]);
    let not_finite = packed(&[f32::NAN, 2.0]);
    let cases: [(&str, &[u8], &[u8]); 5] = [
        ("size", b"many", b"3"),
        ("at", b"190,5", b"19,5"),
        ("at", b"nowhere", b"19 5"),
        ("v", b"short", &vector),
        ("v", &not_finite, &vector),
    ];
    set(&mut client, "kind", b"cat");
    for (turn, (field, bad, good)) in (0..).zip(cases) {
        assert_eq!(client.found("idx", "@kind:{cat}"), ["pet:1"], "{field}");
        set(&mut client, field, bad);
        assert_eq!(client.found("idx", "*"), [] as [&str; 0], "{field}");
        assert_eq!(client.info("idx", "num_docs"), 0, "{field}");
        // Another field does not mend it.
        set(&mut client, "kind", b"cat");
        assert_eq!(client.found("idx", "*"), [] as [&str; 0], "{field}");
        let failures = client.info("idx", "hash_indexing_failures");
        assert_eq!(failures, 2 * turn + 2, "{field}");
        set(&mut client, field, good);
    }
    assert_eq!(client.found("idx", "@size:[3 3]"), ["pet:1"]);
}

#[test]
fn dropping_an_index_keeps_its_documents_unless_told_otherwise() {
    let (_server, mut client) = start(PETS);
    client.ok("HSET pet:1 kind cat");
    client.ok("HSET other:1 kind cat");
    client.ok("FT.DROPINDEX idx");
    client.ok(PETS);
    assert_eq!(client.found("idx", "*"), ["pet:1"]);
    client.ok("FT.DROPINDEX idx DD");
    assert_eq!(client.ok("EXISTS pet:1 other:1").as_i64(), Some(1));
}

/// Four connections write pipelines at once while a fifth one asks; what the index knows at the end is what the keys hold.
#[test]
fn writers_at_the_same_time_leave_an_index_that_agrees_with_its_keys() {
    const WRITERS: usize = 4;
    const TURNS: usize = 600;
    let (server, mut client) = start(PETS);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let mut client = Client::new(&server);
            scope.spawn(move || {
                for turn in 0..TURNS {
                    // Each turn another key and deed: 7 and 11 have no factor in common with 60 and 8.
                    let key = format!("pet:{}", (turn * 7 + writer * 13) % 60);
                    let kind = ["cat", "dog", "cow"][(turn + writer) % 3];
                    client.ok(&match (turn * 11 + writer) % 8 {
                        0 => format!("DEL {key}"),
                        1 => format!("HINCRBY {key} size 1"),
                        2 => format!("COPY {key} pet:{} REPLACE", 60 + turn % 10),
                        3 => format!("HDEL {key} kind"),
                        _ => format!("HSET {key} kind {kind} size {turn} name 'big {kind}'"),
                    });
                }
            });
        }
        for _ in 0..TURNS {
            client.ok("FT.SEARCH idx 'big @kind:{cat} @size:[5 +inf]' SORTBY size");
        }
    });
    let mut kinds = std::collections::BTreeMap::<String, Vec<String>>::new();
    for n in 0..70 {
        let key = format!("pet:{n}");
        let kind = client.ok(&format!("HGET {key} kind"));
        if let Some(kind) = kind.as_str() {
            kinds.entry(kind.to_owned()).or_default().push(key);
        }
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    for (kind, mut keys) in kinds {
        keys.sort();
        assert_eq!(client.found("idx", &format!("@kind:{{{kind}}}")), keys);
    }
    let existing = client.ok("DBSIZE").as_i64();
    assert_eq!(existing, Some(client.info("idx", "num_docs")));
}

const VECTORS: &str = "FT.CREATE idx PREFIX 1 pet: SCHEMA kind TAG size NUMERIC \
     v VECTOR HNSW 6 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2";

/// Puts documents with vectors, by their numbers.
fn put_vectors(client: &mut Client, numbers: std::ops::Range<u32>) {
    for n in numbers {
        let mix = |i: u32| ((n * 8 + i).wrapping_mul(2_654_435_761) >> 16) as f32;
        let vector = packed(&std::array::from_fn::<f32, 8, _>(|i| mix(i as u32)));
        let (key, size) = (format!("pet:{n}"), n.to_string());
        let fields: [(&str, &[u8]); 3] =
            [("kind", b"cat"), ("size", size.as_bytes()), ("v", &vector)];
        client.set(&key, &fields);
    }
}

#[test]
fn an_index_over_many_keys_is_filled_behind_the_reply_while_writers_go_on() {
    let (_server, mut client) = Client::start();
    put_vectors(&mut client, 0..8_000);
    client.ok(VECTORS);
    let mut seen_running = false;
    let mut n = 8_000;
    // A writer alters and adds keys meanwhile; each is found at once.
    while client.info("idx", "indexing") == 1 {
        seen_running = true;
        put_vectors(&mut client, n..n + 1);
        client.ok(&format!("HSET pet:{} size -1", n % 4_000));
        client.ok(&format!("DEL pet:{}", n - 4_000));
        assert_eq!(
            client.found("idx", &format!("@size:[{n} {n}]")),
            [format!("pet:{n}")]
        );
        n += 1;
    }
    assert!(
        seen_running,
        "8,000 vectors are not linked within the reply's patience"
    );
    assert_eq!(client.info("idx", "percent_indexed"), 1);
    let rewritten = total(&client.ok("FT.SEARCH idx '@size:[-1 -1]' LIMIT 0 0"));
    assert_eq!(
        client.info("idx", "num_docs"),
        8_000,
        "as many came as went"
    );
    assert!(rewritten <= i64::from(n - 8_000));
    let all = client.ok("FT.SEARCH idx * LIMIT 0 0");
    assert_eq!(total(&all), 8_000);
}

#[test]
fn what_an_index_knows_is_found_while_it_takes_up_a_new_field() {
    let (_server, mut client) = Client::start();
    client.ok(VECTORS);
    put_vectors(&mut client, 0..3_000);
    let count = |client: &mut Client, query: &str| {
        total(&client.ok(&format!("FT.SEARCH idx '{query}' LIMIT 0 0")))
    };
    client.ok("FT.ALTER idx SCHEMA ADD name TEXT");
    for n in 0..50 {
        assert_eq!(count(&mut client, "@kind:{cat}"), 3_000);
        client.ok(&format!("HSET pet:{n} name whiskers"));
        assert_eq!(count(&mut client, "@name:whiskers"), n + 1);
    }
    client.ok("HSET pet:4000 kind cow title late");
    client.ok("FT.ALTER idx SKIPINITIALSCAN SCHEMA ADD title TEXT");
    assert_eq!(count(&mut client, "@title:late"), 0);
    client.ok("HSET pet:4000 size 1");
    assert_eq!(count(&mut client, "@title:late"), 1);
}

#[test]
fn escaped_backslashes_of_a_tag_are_backslashes() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx PREFIX 1 p: SCHEMA k TAG");
    let tags = [
        r"\\host\share",
        r"a\ b",
        r"a \ b",
        r"a\",
        r"\",
        r"a\\b",
        "a b",
    ];
    for (n, tag) in tags.iter().enumerate() {
        client.set(&format!("p:{n}"), &[("k", tag.as_bytes())]);
    }
    for (n, tag) in tags.iter().enumerate() {
        let escaped = tag.replace('\\', r"\\").replace(' ', r"\ ");
        let key = [format!("p:{n}")];
        assert_eq!(client.found("idx", &format!("@k:{{{escaped}}}")), key);
        let either = format!("@k:{{none | {escaped}}}");
        assert_eq!(client.found("idx", &either), key);
        let line = ["FT.SEARCH", "idx", "@k:{$tag}", "NOCONTENT", "PARAMS", "2"];
        let words = [&line[..], &["tag", &escaped, "DIALECT", "2"]].concat();
        assert_eq!(keys(&client.call(&words)), key, "{escaped} as a parameter");
    }
}

//! What a snapshot has of an index is not made anew by a start: the log for people tells how much was, and answers are the same to the order.

use crate::client::{Client, SAFE, keys, packed};
use crate::support::{Server, repository};
use rhumb::protocol::client::Value;
use std::time::Duration;

const PETS: &str = "PREFIX 1 pet: SCORE_FIELD rank LANGUAGE_FIELD tongue PAYLOAD_FIELD note SCHEMA kind TAG SORTABLE colours TAG SEPARATOR ; CASESENSITIVE WITHSUFFIXTRIE \
     size NUMERIC SORTABLE born NUMERIC name TEXT WEIGHT 2 story TEXT WITHSUFFIXTRIE sound TEXT NOSTEM PHONETIC dm:en home GEO area GEOSHAPE FLAT \
     v VECTOR HNSW 6 TYPE FLOAT32 DIM 4 DISTANCE_METRIC L2 w VECTOR FLAT 6 TYPE FLOAT64 DIM 2 DISTANCE_METRIC COSINE";
const NOTES: &str = "ON JSON PREFIX 1 note: SCHEMA $.tags[*] AS tags TAG $.sizes[*] AS sizes NUMERIC $.texts[*] AS texts TEXT $.homes[*] AS homes GEO \
     $.vs[*] AS v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";

const PET_QUERIES: [&str; 16] = [
    "*",
    "@kind:{cat|dog}",
    "-@kind:{cat}",
    "@colours:{Red}",
    "@colours:{*ee*}",
    "@size:[10 (40]",
    "@born:[-inf 1005]",
    "@size:[20 60] @born:[1003 +inf]",
    "runners",
    "@name:(number seven)",
    "@story:\"quick fox\"",
    "@story:*azy*",
    "run*",
    "@sound:(nite)",
    "@home:[13.4 52.5 200 km]",
    "@kind:{cow} (fox | seven)",
];
const NOTE_QUERIES: [&str; 5] = [
    "*",
    "@tags:{a} @tags:{b}",
    "@sizes:[7 9]",
    "second | third",
    "@homes:[1 1 500 km]",
];

fn create(client: &mut Client) {
    client.ok(&format!("FT.CREATE pets {PETS}"));
    client.ok(&format!("FT.CREATE notes {NOTES}"));
    client.ok("FT.ALIASADD animals pets");
}

fn put(client: &mut Client, n: usize) {
    let (v, w) = (packed(&[n as f32, 1.0, 0.5, 2.0]), [n as f64, 1.0]);
    let w: Vec<u8> = w.iter().flat_map(|x| x.to_le_bytes()).collect();
    let key = format!("pet:{n}");
    client.set(&key, &[("v", &v), ("w", &w)]);
    let kind = ["cat", "dog", "cow"][n % 3];
    let colours = ["Red;green", "blue", "Red", "green;blue;teal"][n % 4];
    let name = ["number seven", "the runner", "running numbers"][n % 3];
    let story = ["the quick fox", "a lazy dog runs", "fox and quick dog"][n % 3];
    let sound = ["night", "knight", "day"][n % 3];
    let tongue = ["english", "german"][n % 2];
    client.ok(&format!(
        "HSET {key} kind {kind} colours {colours} size {} born {} name '{name}' story '{story}' sound {sound} tongue {tongue} rank 0.{} note n{n} \
         home '13.4,{}' area 'POINT ({} 2)'",
        n % 70, 1000 + n, 1 + n % 9, 50 + n % 4, n % 20
    ));
    client.ok(&format!(
        "JSON.SET note:{n} $ '{{\"tags\":[\"a\",\"t{}\",\"b\"],\"sizes\":[{n},{}],\"texts\":[\"first {kind}\",\"second\"],\"homes\":[\"1,{}\",\"2,2\"],\
         \"vs\":[[{n},1],[1,{n}]]}}'",
        n % 5, n % 11, n % 3
    ));
}

fn fill(client: &mut Client, numbers: std::ops::Range<usize>) {
    numbers.for_each(|n| put(client, n));
}

fn nearest(client: &mut Client, index: &str, target: &[u8]) -> Vec<String> {
    let words: [&[u8]; 13] = [
        b"FT.SEARCH",
        index.as_bytes(),
        b"*=>[KNN 20 @v $v AS d]",
        b"PARAMS",
        b"2",
        b"v",
        target,
        b"NOCONTENT",
        b"LIMIT",
        b"0",
        b"20",
        b"DIALECT",
        b"2",
    ];
    keys(&client.call(&words))
}

/// The reply to a query as it comes, with scores and contents.
fn reply(client: &mut Client, index: &str, query: &str) -> Value {
    let words = ["FT.SEARCH", index, query, "WITHSCORES", "WITHPAYLOADS"];
    client.call(&[&words[..], &["LIMIT", "0", "1000", "DIALECT", "2"]].concat())
}

/// All that may be seen, in the order in which it comes.
fn facts(client: &mut Client) -> Vec<String> {
    let mut facts = Vec::new();
    for query in PET_QUERIES {
        facts.push(format!("{query} {:?}", reply(client, "animals", query)));
    }
    for query in NOTE_QUERIES {
        facts.push(format!("{query} {:?}", reply(client, "notes", query)));
    }
    let target = packed(&[15.2, 1.0, 0.5, 2.0]);
    facts.push(format!("{:?}", nearest(client, "pets", &target)));
    let target = packed(&[3.1, 1.0]);
    facts.push(format!("{:?}", nearest(client, "notes", &target)));
    for request in [
        "FT.AGGREGATE pets * GROUPBY 1 @kind REDUCE COUNT 0 AS n REDUCE SUM 1 @size AS s SORTBY 2 @kind ASC",
        "FT.TAGVALS pets colours",
        "FT.TAGVALS notes tags",
    ] {
        facts.push(format!("{:?}", client.ok(request)));
    }
    for index in ["pets", "notes"] {
        for name in [
            "num_docs",
            "num_terms",
            "num_records",
            "hash_indexing_failures",
            "indexing",
        ] {
            facts.push(format!("{index} {name} {}", client.info(index, name)));
        }
    }
    facts
}

/// How many documents the last start took from the snapshot, and how many it indexed anew. It tells when it answers already.
fn taken_and_indexed(server: &Server) -> (usize, usize) {
    let line = loop {
        let log = server.log();
        let (_, of_last) = log.rsplit_once("just started").expect("a start");
        if let Some(line) = of_last.lines().find(|line| line.contains("DB loaded")) {
            break line.to_owned();
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let count = |behind: &str| {
        let before = line.split(behind).next().expect("text");
        let count = before.rsplit(' ').next().and_then(|n| n.parse().ok());
        count.unwrap_or_else(|| panic!("{behind} in {line}"))
    };
    (count(" documents as they were"), count(" indexed anew"))
}

/// Requires that the indexes find what ones find that are made now.
fn agree_with_new_ones(client: &mut Client) {
    client.ok(&format!("FT.CREATE new-pets {PETS}"));
    client.ok(&format!("FT.CREATE new-notes {NOTES}"));
    for index in ["new-pets", "new-notes"] {
        client.wait_until_filled(index);
    }
    let pets = PET_QUERIES.map(|query| ("pets", query));
    let notes = NOTE_QUERIES.map(|query| ("notes", query));
    for (index, query) in pets.into_iter().chain(notes) {
        let expected = client.found(&format!("new-{index}"), query);
        assert_eq!(client.found(index, query), expected, "{index} {query}");
    }
    for (index, target) in [
        ("pets", packed(&[15.2, 1.0, 0.5, 2.0])),
        ("notes", packed(&[3.1, 1.0])),
    ] {
        let sorted = |mut keys: Vec<String>| {
            keys.sort();
            keys
        };
        let expected = nearest(client, &format!("new-{index}"), &target);
        assert_eq!(sorted(nearest(client, index, &target)), sorted(expected));
    }
    for (index, name) in [
        ("pets", "num_docs"),
        ("pets", "num_terms"),
        ("notes", "num_records"),
    ] {
        let expected = client.info(&format!("new-{index}"), name);
        assert_eq!(client.info(index, name), expected, "{index} {name}");
    }
    client.ok("FT.DROPINDEX new-pets");
    client.ok("FT.DROPINDEX new-notes");
}

#[test]
fn nothing_is_indexed_anew_and_answers_keep_their_order() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    fill(&mut client, 0..300);
    // Their order is another now than that of their numbers.
    fill(&mut client, 100..150);
    client.ok("DEL pet:7 note:7 pet:200");
    client.ok("HSET pet:8 size many");
    client.ok("SAVE");
    let before = facts(&mut client);
    for _ in 0..2 {
        server.kill_and_restart(&SAFE);
        assert_eq!(taken_and_indexed(&server), (297 + 299, 0));
        client = Client::new(&server);
        assert_eq!(facts(&mut client), before);
    }
    // A start from a snapshot of what a snapshot brought back.
    client.ok("SAVE");
    server.kill_and_restart(&SAFE);
    assert_eq!(taken_and_indexed(&server), (297 + 299, 0));
    client = Client::new(&server);
    assert_eq!(facts(&mut client), before);
    agree_with_new_ones(&mut client);
    for n in 0..300 {
        client.ok(&format!("DEL pet:{n} note:{n}"));
    }
    for (index, name) in [
        ("pets", "num_terms"),
        ("pets", "num_records"),
        ("notes", "num_docs"),
    ] {
        assert_eq!(client.info(index, name), 0, "{index} {name}");
    }
}

#[test]
fn what_was_written_after_the_save_is_indexed_by_the_log() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    fill(&mut client, 0..200);
    client.ok("SAVE");
    fill(&mut client, 150..250);
    for n in 0..20 {
        client.ok(&format!("DEL pet:{n}"));
        client.ok(&format!(
            "HSET pet:{} kind owl story 'a changed fox'",
            n + 30
        ));
        client.ok(&format!("JSON.ARRAPPEND note:{n} $.tags '\"more\"'"));
    }
    client.ok("HDEL pet:60 v");
    client.ok("RENAME pet:61 pet:renamed");
    client.ok("RENAME pet:62 elsewhere");
    // The log is read on all cores: the order of what it holds is not that of the writes.
    let found = |client: &mut Client| {
        let pets = PET_QUERIES.map(|query| client.found("pets", query));
        let notes = NOTE_QUERIES.map(|query| client.found("notes", query));
        (pets, notes)
    };
    let before = found(&mut client);
    server.kill_and_restart(&SAFE);
    assert_eq!(taken_and_indexed(&server), (400, 0));
    client = Client::new(&server);
    assert_eq!(found(&mut client), before);
    agree_with_new_ones(&mut client);
}

#[test]
fn writers_go_on_during_the_save() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    fill(&mut client, 0..400);
    for round in 0..3 {
        std::thread::scope(|scope| {
            let server = &server;
            let writers = (0..3).map(|writer| {
                scope.spawn(move || {
                    let mut client = Client::new(server);
                    for n in (writer..400).step_by(3) {
                        put(&mut client, (n * 7 + round) % 430);
                        if n % 5 == 0 {
                            client.ok(&format!("DEL pet:{} note:{}", n % 90, n % 70));
                        }
                    }
                })
            });
            let writers: Vec<_> = writers.collect();
            for _ in 0..3 {
                // The one before may not have let go yet when it has answered.
                while let Value::Error(_) = client.say("SAVE") {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            writers
                .into_iter()
                .for_each(|it| it.join().expect("a writer"));
        });
        server.kill_and_restart(&SAFE);
        client = Client::new(&server);
        agree_with_new_ones(&mut client);
    }
}

#[test]
fn definitions_that_come_and_go_after_the_save_are_those_of_the_log() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    client.ok("FT.CREATE short PREFIX 1 pet: SCHEMA kind TAG story TEXT");
    fill(&mut client, 0..100);
    client.ok("SAVE");
    client.ok("FT.ALTER notes SCHEMA ADD $.sizes[0] AS first NUMERIC");
    client.ok("FT.DROPINDEX short");
    client.ok("FT.CREATE short PREFIX 1 pet: SCHEMA story TAG kind TEXT size NUMERIC");
    client.wait_until_filled("notes");
    client.wait_until_filled("short");
    fill(&mut client, 100..120);
    let check = |client: &mut Client| {
        assert_eq!(
            client.found("notes", "@first:[118 +inf]"),
            ["note:118", "note:119"]
        );
        assert_eq!(
            client.found("short", "@kind:cow @story:{fox and quick dog} @size:[8 8]"),
            ["pet:8"]
        );
        assert_eq!(client.info("short", "num_docs"), 120);
    };
    check(&mut client);
    server.kill_and_restart(&SAFE);
    client = Client::new(&server);
    check(&mut client);
    client.ok("SAVE");
    server.kill_and_restart(&SAFE);
    assert_eq!(taken_and_indexed(&server), (360, 0));
    check(&mut Client::new(&server));
}

#[test]
fn another_database_takes_the_place_of_the_documents() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    client.ok("FT.CREATE short PREFIX 1 pet: SCHEMA kind TAG story TEXT");
    client.ok("HSET pet:1 kind cat story 'one fox'");
    client.ok("HSET pet:2 kind cat story 'two foxes'");
    client.ok("SELECT 1");
    client.ok("HSET pet:1 kind dog story 'one fox'");
    client.ok("SELECT 0");
    client.ok("SAVE");
    client.ok("SWAPDB 0 1");
    server.kill_and_restart(&SAFE);
    assert_eq!(taken_and_indexed(&server), (2, 0));
    client = Client::new(&server);
    client.wait_until_filled("short");
    assert_eq!(client.found("short", "fox"), ["pet:1"]);
    assert_eq!(client.found("short", "@kind:{cat}"), [""; 0]);
    client.ok("SAVE");
    server.kill_and_restart(&SAFE);
    assert_eq!(taken_and_indexed(&server), (1, 0));
    assert_eq!(
        Client::new(&server).found("short", "@kind:{dog}"),
        ["pet:1"]
    );
}

#[test]
fn an_index_that_is_damaged_in_the_snapshot_is_made_anew_with_a_warning() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    fill(&mut client, 0..100);
    client.ok("SAVE");
    server.kill();
    // The last image is of the index whose name comes last: the links of its last field.
    let packs = std::fs::read_dir(server.dir().join("packs")).expect("packs");
    let pack = packs.map(|pack| pack.expect("a pack").path()).next();
    let pack = pack.expect("a pack");
    let mut bytes = std::fs::read(&pack).expect("a pack");
    *bytes.last_mut().expect("bytes") ^= 1;
    std::fs::write(&pack, &bytes).expect("a pack");
    server.spawn_again(&SAFE);
    server.wait_until_ready();
    assert_eq!(taken_and_indexed(&server), (100, 100));
    let (log, file) = (server.log(), pack.file_name().expect("a name"));
    let file = file.to_string_lossy();
    let warning = log.lines().find(|line| line.contains("the index pets"));
    let warning = warning.unwrap_or_else(|| panic!("a warning in {log}"));
    assert!(
        warning.contains("from its keys") && warning.contains(&*file),
        "{warning}"
    );
    assert!(!log.contains("the index notes"), "{log}");
    client = Client::new(&server);
    agree_with_new_ones(&mut client);
    client.ok("SAVE");
    server.kill_and_restart(&SAFE);
    assert_eq!(taken_and_indexed(&server), (200, 0));
}

/// tests/data/before-stemmers has the snapshot of a server that did not stem Hindi yet, and Russian and Indonesian by other
/// stemmers, of which the latter's stems were those of now.
#[test]
fn documents_whose_stems_have_changed_are_indexed_anew() {
    let mut server = Server::start_with(&SAFE);
    server.kill();
    let directory = server.dir().to_owned();
    for entry in std::fs::read_dir(&directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => std::fs::remove_dir_all(path).expect("removed"),
            false => std::fs::remove_file(path).expect("removed"),
        }
    }
    for file in [
        "MANIFEST-1",
        "packs/1-0.pack",
        "appendonlydir/appendonly.aof.manifest",
        "appendonlydir/appendonly.aof.1.base.rhumb",
        "appendonlydir/appendonly.aof.2.incr.aof",
    ] {
        let to = directory.join(file);
        std::fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
        let from = repository("tests/data/before-stemmers").join(file);
        std::fs::copy(from, to).expect("a copy");
    }
    server.spawn_again(&SAFE);
    server.wait_until_ready();
    // Of the English index the one document that says it is in Hindi.
    assert_eq!(taken_and_indexed(&server), (2, 3));
    let check = |client: &mut Client| {
        for (index, form, keys) in [
            ("hindi", "लड़की", &["h:1"][..]),
            ("russian", "березой", &["r:1"]),
            ("indonesian", "bacakan", &["i:1"]),
            ("english", "run", &["e:1"]),
        ] {
            assert_eq!(client.found(index, form), keys, "{index}");
        }
        let reply = client.ok("FT.SEARCH english लड़की NOCONTENT LANGUAGE hindi");
        assert_eq!(keys(&reply), ["e:2"]);
        let reply = nearest(client, "hindi", b"abcd");
        assert_eq!(reply, ["h:1"]);
    };
    let mut client = Client::new(&server);
    check(&mut client);
    client.ok("SAVE");
    server.kill_and_restart(&SAFE);
    assert_eq!(taken_and_indexed(&server), (5, 0));
    check(&mut Client::new(&server));
}

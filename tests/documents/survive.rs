//! Indexes outlive the server: by its log, by its snapshot, and by both.

use crate::client::{Client, SAFE, keys, packed};

/// No log: what a start finds comes from the snapshot.
const SNAPSHOT: [&str; 4] = ["--save", "", "--appendonly", "no"];

const QUERIES: [&str; 6] = [
    "*",
    "@kind:{cat}",
    "@size:[10 (20]",
    "@name:(number seven)",
    "@at:[13.4 52.5 100 km]",
    "-@kind:{dog}",
];

fn create(client: &mut Client) {
    client.ok(
        "FT.CREATE pets PREFIX 1 pet: STOPWORDS 1 der SCHEMA kind TAG SORTABLE size NUMERIC name TEXT NOSTEM at GEO \
         v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    );
    client.ok("FT.CREATE notes ON JSON PREFIX 1 note: SCHEMA $.text AS text TEXT $.n AS n NUMERIC");
    client.ok("FT.CREATE short-lived SCHEMA kind TAG");
}

fn fill(client: &mut Client, numbers: std::ops::Range<usize>) {
    for n in numbers {
        let kind = ["cat", "dog", "cow"][n % 3];
        let name = ["number seven", "seven", "der number seven"][n % 3];
        let vector = packed(&[n as f32, 1.0]);
        client.set(&format!("pet:{n}"), &[("v", &vector)]);
        client.ok(&format!(
            "HSET pet:{n} kind {kind} size {n} name '{name}' at '13.4,{}'",
            50 + n % 4
        ));
        client.ok(&format!(
            "JSON.SET note:{n} $ '{{\"text\":\"{name}\",\"n\":{n}}}'"
        ));
    }
    client.ok("DEL pet:3 note:3");
}

/// All that may be seen of the indexes.
fn facts(client: &mut Client) -> Vec<Vec<String>> {
    let list = client.ok("FT._LIST");
    let names = list.as_items().expect("names").iter();
    let mut names: Vec<String> = names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    let mut facts: Vec<_> = QUERIES
        .iter()
        .map(|query| client.found("pets", query))
        .collect();
    facts.push(client.found("notes", "seven @n:[5 +inf]"));
    let target = packed(&[15.2, 1.0]);
    let knn: [&[u8]; 12] = [
        b"FT.SEARCH",
        b"pets",
        b"*=>[KNN 5 @v $v AS d]",
        b"PARAMS",
        b"2",
        b"v",
        &target,
        b"SORTBY",
        b"d",
        b"NOCONTENT",
        b"DIALECT",
        b"2",
    ];
    let nearest = client.call(&knn);
    assert_eq!(keys(&nearest)[0], "pet:15");
    facts.push(keys(&nearest));
    let definition = client.ok("FT.INFO pets");
    let parts = definition.as_pairs().expect("names and values");
    let told = [
        "index_definition",
        "attributes",
        "stopwords_list",
        "num_docs",
    ];
    for (name, value) in parts {
        if told.contains(&name.as_str().unwrap_or_default()) {
            facts.push(vec![format!("{name:?} {value:?}")]);
        }
    }
    facts.push(names);
    facts
}

#[test]
fn indexes_survive_by_the_log_alone() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    fill(&mut client, 0..40);
    client.ok("FT.DROPINDEX short-lived");
    let before = facts(&mut client);
    for _ in 0..2 {
        server.kill_and_restart(&SAFE);
        let mut client = Client::new(&server);
        assert_eq!(facts(&mut client), before);
        client.ok("HSET pet:new kind cat size 15");
        assert_eq!(
            client.found("pets", "@kind:{cat} @size:[15 15]"),
            ["pet:15", "pet:new"]
        );
        client.ok("DEL pet:new");
    }
}

#[test]
fn indexes_survive_an_ordinary_end() {
    let (mut server, mut client) = Client::start();
    create(&mut client);
    fill(&mut client, 0..40);
    let before = facts(&mut client);
    // The connection ends without a reply.
    let stop = std::process::Command::new("kill")
        .arg(server.pid().to_string())
        .status();
    assert!(stop.expect("kill runs").success());
    assert!(server.wait().success());
    server.spawn_again(&[]);
    server.wait_until_ready();
    assert_eq!(facts(&mut Client::new(&server)), before);
}

#[test]
fn definitions_are_in_the_snapshot() {
    let (mut server, mut client) = Client::start_with(&SNAPSHOT);
    create(&mut client);
    fill(&mut client, 0..40);
    client.ok("FT.DROPINDEX short-lived");
    let before = facts(&mut client);
    client.save_in_background();
    // Not saved, so it is not there afterwards.
    client.ok("FT.CREATE late SCHEMA kind TAG");
    client.ok("HSET pet:late kind cat");
    server.kill_and_restart(&SNAPSHOT);
    assert_eq!(facts(&mut Client::new(&server)), before);
}

#[test]
fn the_log_goes_on_where_the_snapshot_ends() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    fill(&mut client, 0..20);
    client.save_in_background();
    fill(&mut client, 20..40);
    client.ok("FT.DROPINDEX short-lived");
    client.ok("FT.CREATE late SCHEMA size NUMERIC");
    let before = facts(&mut client);
    server.kill_and_restart(&SAFE);
    let mut client = Client::new(&server);
    assert_eq!(facts(&mut client), before);
    assert_eq!(client.found("late", "@size:[38 39]"), ["pet:38", "pet:39"]);
}

#[test]
fn a_flushed_index_does_not_come_back() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    client.save_in_background();
    client.ok("FLUSHALL");
    client.ok("HSET pet:1 kind cat");
    server.kill_and_restart(&SAFE);
    let error = Client::new(&server).refused("FT.SEARCH pets *");
    assert_eq!(error, "No such index pets");
}

#[test]
fn graphs_are_in_the_snapshot_and_nothing_is_linked_anew() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    create(&mut client);
    fill(&mut client, 0..400);
    client.ok(
        "FT.CREATE flat PREFIX 1 pet: SCHEMA v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2",
    );
    client.ok("SAVE");
    let before = facts(&mut client);
    server.kill_and_restart(&SAFE);
    let log = server.log();
    let loaded = log
        .lines()
        .rfind(|line| line.contains("DB loaded"))
        .expect("a line");
    assert!(loaded.contains(" 0 linked anew"), "{loaded}");
    let mut client = Client::new(&server);
    assert_eq!(facts(&mut client), before);
    // What came after the snapshot is linked when the log is read.
    fill(&mut client, 390..420);
    client.ok("HSET pet:7 v ____");
    let before = facts(&mut client);
    server.kill_and_restart(&SAFE);
    assert_eq!(facts(&mut Client::new(&server)), before);
}

#[test]
fn definitions_of_any_length_survive_a_snapshot() {
    let (mut server, mut client) = Client::start_with(&SNAPSHOT);
    let name = "n".repeat(300);
    let fields: Vec<String> = (0..500)
        .map(|n| format!("a-rather-long-field-name-{n} TAG"))
        .collect();
    client.ok(&format!("FT.CREATE {name} SCHEMA {}", fields.join(" ")));
    client.ok(&format!("FT.ALIASADD {} {name}", "a".repeat(5_000)));
    client.ok("SAVE");
    client.ok("HSET doc a-rather-long-field-name-499 x");
    client.ok("SAVE");
    server.kill_and_restart(&SNAPSHOT);
    let mut client = Client::new(&server);
    let query = r"@a\-rather\-long\-field\-name\-499:{x}";
    assert_eq!(client.found(&"a".repeat(5_000), query), ["doc"]);
}

/// What FT.CREATE found is in the log before it: an FT.ALTER that reads nothing again does not keep a start from taking it up.
#[test]
fn keys_older_than_their_index_survive_an_alter_that_skips_them() {
    let (mut server, mut client) = Client::start_with(&SAFE);
    client.ok("HSET pet:1 kind cat");
    client.ok("FT.CREATE idx PREFIX 1 pet: SCHEMA kind TAG");
    client.wait_until_filled("idx");
    client.ok("FT.ALTER idx SKIPINITIALSCAN SCHEMA ADD size NUMERIC");
    assert_eq!(client.found("idx", "@kind:{cat}"), ["pet:1"]);
    server.kill_and_restart(&SAFE);
    let mut client = Client::new(&server);
    assert_eq!(client.found("idx", "@kind:{cat}"), ["pet:1"]);
}

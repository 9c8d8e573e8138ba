//! What searches taught of recall outlives the server: curves, the spread of distances and the queries are in the snapshot, and a start that does not
//! find them there, or finds them damaged, goes on without.

use crate::client::{Client, packed};
use crate::support::Server;
use crate::support::dice::Dice;
use rhumb::persistence::disk::RealDisk;
use rhumb::persistence::snapshot::image::Kind;
use rhumb::persistence::snapshot::manifest::{Manifest, generations};
use rhumb::persistence::snapshot::pack;
use rhumb::protocol::client::Value;

/// Nothing is renewed in the background, so that what is known is what searches measured; and small graphs are walked.
const DIRECTIVES: [&str; 8] = [
    "--save",
    "",
    "--calibration-cpu-percent",
    "0",
    "--search-force-graph",
    "yes",
    "--appendfsync",
    "no",
];
const DIMENSION: usize = 12;
const ELEMENTS: usize = 1_500;
const DOCUMENTS: usize = 6_000;
/// More than it takes to measure with what was asked, and to learn how distances grow.
const QUERIES: usize = 150;

const PROMISE: [&str; 2] = ["RECALL", "0.9"];

fn vector(dice: &mut Dice) -> Vec<f32> {
    let mut component = || dice.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0;
    (0..DIMENSION).map(|_| component()).collect()
}

fn field(reply: &Value, name: &str) -> Value {
    let pairs = reply.as_pairs().expect("names and values");
    let found = pairs.iter().find(|(field, _)| field.as_str() == Some(name));
    found
        .unwrap_or_else(|| panic!("{name} in {reply:?}"))
        .1
        .clone()
}

/// A search of the set with this effort: what EXPLAIN says of it.
fn search(client: &mut Client, vector: &[f32], effort: [&str; 2]) -> Value {
    let packed = packed(vector);
    let [name, value] = effort.map(str::as_bytes);
    let words: [&[u8]; 8] = [
        b"VSEARCH", b"s", b"10", b"FP32", &packed, name, value, b"EXPLAIN",
    ];
    let reply = client.call(&words);
    let Some([hits, explained]) = reply.as_items() else {
        panic!("no array of two but {reply:?}");
    };
    assert_eq!(hits.as_items().map(<[Value]>::len), Some(10));
    explained.clone()
}

/// A set `s` that was searched, and a query that it was not searched with.
fn searched(client: &mut Client) -> Vec<f32> {
    let mut dice = Dice(3);
    for at in 0..ELEMENTS {
        let vector = packed(&vector(&mut dice));
        let name = format!("e{at}");
        let words: [&[u8]; 6] = [b"VADD", b"s", b"FP32", &vector, name.as_bytes(), b"NOQUANT"];
        assert_eq!(client.call(&words).as_i64(), Some(1));
    }
    for _ in 0..QUERIES {
        // Far enough to tell how distances grow.
        search(client, &vector(&mut dice), ["EF", "100"]);
    }
    search(client, &vector(&mut dice), PROMISE);
    vector(&mut dice)
}

/// The spread and the curves of `s`.
fn known(client: &mut Client) -> (Value, Value) {
    let info = client.ok("VINFO s");
    (field(&info, "spread"), field(&info, "calibration"))
}

#[test]
fn curves_of_a_set_survive_a_restart_and_nothing_is_measured_again() {
    let (mut server, mut client) = Client::start_with(&DIRECTIVES);
    client.ok("HELLO 3");
    let query = searched(&mut client);
    let before = known(&mut client);
    assert!(
        matches!(before.0, Value::Double(spread) if spread > 0.0),
        "{before:?}"
    );
    let explained = search(&mut client, &query, PROMISE);
    assert_eq!(
        field(&explained, "recall-measured-with").as_str(),
        Some("asked")
    );
    client.ok("SAVE");
    // What the log has on top is not lost, and too little to measure for.
    client.ok("VADD s VALUES 12 1 0 0 0 0 0 0 0 0 0 0 9 late NOQUANT");
    server.kill_and_restart(&DIRECTIVES);
    let mut client = Client::new(&server);
    client.ok("HELLO 3");
    assert_eq!(known(&mut client), before);
    let info = client.ok("VINFO s");
    let remembered = field(&info, "queries-remembered");
    assert_eq!(remembered, Value::Int(QUERIES as i64 + 2));
    let again = search(&mut client, &query, PROMISE);
    for name in ["ef", "recall-expected", "recall-measured-with"] {
        assert_eq!(field(&again, name), field(&explained, name), "{name}");
    }
    assert_eq!(known(&mut client), before, "nothing was measured");
}

/// Alters the newest snapshot of a server that is down.
fn alter_snapshot(server: &Server, alter: impl FnOnce(&mut Manifest)) {
    let newest = generations(&RealDisk, server.dir(), false).expect("a directory");
    let newest = *newest.last().expect("a snapshot");
    let mut manifest = Manifest::read(&RealDisk, server.dir(), newest).expect("a manifest");
    alter(&mut manifest);
    manifest.write(&RealDisk, server.dir()).expect("a manifest");
}

#[test]
fn a_start_goes_on_without_what_a_snapshot_has_not_or_has_damaged() {
    let (mut server, mut client) = Client::start_with(&DIRECTIVES);
    let query = searched(&mut client);
    let told = "the recall of s will be measured anew: ";
    for is_there in [true, false] {
        assert_ne!(known(&mut client).1, Value::Array(Vec::new()));
        client.ok("SAVE");
        server.kill();
        let dir = server.dir().to_owned();
        alter_snapshot(&server, |manifest| {
            if !is_there {
                let images = &mut manifest.images;
                return images.retain(|place, _| place.kind != Kind::Calibration);
            }
            let mut images = manifest.images.iter();
            let found = images.find(|(place, _)| place.kind == Kind::Calibration);
            let (_, image) = found.expect("an image of what is known");
            let path = pack::path(&dir, image.pack());
            let mut bytes = std::fs::read(&path).expect("a pack");
            bytes[image.offset() as usize + 60] ^= 1;
            std::fs::write(&path, bytes).expect("a pack");
        });
        server.spawn_again(&DIRECTIVES);
        server.wait_until_ready();
        client = Client::new(&server);
        let log = server.log();
        let (_, of_last) = log.rsplit_once("just started").expect("a start");
        assert_eq!(of_last.contains(told), is_there, "{log}");
        assert_eq!(known(&mut client), (Value::Null, Value::Array(Vec::new())));
        assert_eq!(client.ok("VCARD s"), Value::Int(ELEMENTS as i64));
        let explained = search(&mut client, &query, PROMISE);
        let with = field(&explained, "recall-measured-with");
        assert_eq!(with.as_str(), Some("made"));
    }
}

#[test]
fn candidates_of_a_knn_survive_a_restart() {
    let (mut server, mut client) = Client::start_with(&DIRECTIVES);
    client.ok(&format!(
        "FT.CREATE idx PREFIX 1 d: SCHEMA v VECTOR HNSW 6 TYPE FLOAT32 DIM {DIMENSION} DISTANCE_METRIC L2"
    ));
    let mut dice = Dice(9);
    for at in 0..DOCUMENTS {
        client.set(&format!("d:{at}"), &[("v", &packed(&vector(&mut dice)))]);
    }
    let profile = |client: &mut Client, options: &str, target: &[f32]| {
        let (query, target) = (format!("*=>[KNN 10 @v $b{options}]"), packed(target));
        let words: [&[u8]; 11] = [
            b"FT.PROFILE",
            b"idx",
            b"SEARCH",
            b"QUERY",
            query.as_bytes(),
            b"PARAMS",
            b"2",
            b"b",
            &target,
            b"DIALECT",
            b"2",
        ];
        let reply = client.call(&words);
        let shards = field(&field(&reply, "Profile"), "Shards");
        let shard = &shards.as_items().expect("shards")[0];
        let iterators = field(shard, "Iterators profile");
        ["Candidates", "Spread"].map(|name| {
            let parts = iterators.as_pairs().expect("names and values");
            let mut parts = parts.into_iter();
            parts.find_map(|(field, value)| (field.as_str() == Some(name)).then(|| value.clone()))
        })
    };
    client.ok("HELLO 3");
    let untaught = profile(&mut client, "", &vector(&mut dice));
    assert_eq!(untaught[1], None);
    for _ in 0..QUERIES {
        // Far enough to tell how distances grow, and less than comparing with all.
        profile(&mut client, " EF_RUNTIME 35", &vector(&mut dice));
    }
    let last = vector(&mut dice);
    let before = profile(&mut client, "", &last);
    assert!(before[1].is_some(), "{before:?}");
    client.ok("SAVE");
    server.kill_and_restart(&DIRECTIVES);
    let mut client = Client::new(&server);
    client.ok("HELLO 3");
    assert_eq!(profile(&mut client, "", &last), before);
}

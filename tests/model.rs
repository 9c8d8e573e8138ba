//! Random changes of every kind, applied to the keyspace and to obvious maps: the same state, the same answers, the same
//! again after the log's words, and the state at a cut whatever is changed while a save walks.

#[path = "model/changes.rs"]
mod changes;
#[path = "model/maps.rs"]
mod maps;
#[path = "model/walk.rs"]
mod walk;

use bytes::Bytes;
use changes::Drawer;
use maps::{Maps, Row, assert_equal};
use rhumb::index::WalkStats;
use rhumb::keyspace::change::{Change, Effect};
use rhumb::keyspace::digest::{digest, exact_state};
use rhumb::keyspace::{Keyspace, Value};
use rhumb::persistence::log::words;

/// Databases of all keyspaces here.
const DATABASES: usize = 3;

/// The seeds of a random test: RHUMB_TEST_SEED alone, or `count` that are always the same; each is printed as it is drawn.
fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let given = std::env::var("RHUMB_TEST_SEED").ok();
    let given = given.map(|text| text.parse().expect("RHUMB_TEST_SEED is a number"));
    let seeds = given.map_or(1..count + 1, |seed: u64| seed..seed + 1);
    seeds.inspect(|seed| println!("RHUMB_TEST_SEED={seed}"))
}

/// A keyspace, the maps that it must equal, and how both came to be.
struct Story {
    drawer: Drawer,
    keyspace: Keyspace,
    maps: Maps,
    changes: Vec<Change>,
}

impl Story {
    fn begin(seed: u64) -> Story {
        Story {
            drawer: Drawer::new(seed),
            keyspace: Keyspace::new(DATABASES, 7),
            maps: Maps::new(DATABASES),
            changes: Vec::new(),
        }
    }

    /// Draws a change that a command could have decided, and applies it to both.
    fn go_on(&mut self) {
        let change = self.drawer.change(&self.maps);
        self.maps.apply(&change);
        self.keyspace
            .apply(change.clone(), self.changes.len() as u64 + 1);
        self.changes.push(change);
    }
}

#[test]
fn the_keyspace_is_what_obvious_maps_say() {
    for seed in seeds(4) {
        let mut story = Story::begin(seed);
        for turn in 0..6_000 {
            story.go_on();
            if turn % 250 == 249 {
                assert_equal(
                    &story.keyspace,
                    &story.maps,
                    &format!("seed {seed}, change {turn}"),
                );
            }
        }
        let missing = Drawer::kinds().iter().find(|kind| {
            !story
                .changes
                .iter()
                .any(|change| changes::kind(change) == **kind)
        });
        assert_eq!(missing, None, "every kind of change is drawn");
    }
}

#[test]
fn the_words_of_the_log_bring_back_the_same_state() {
    for seed in seeds(4) {
        let mut story = Story::begin(seed);
        let replayed = Keyspace::new(DATABASES, 7);
        let (mut db, mut number) = (0, 0);
        for _ in 0..3_000 {
            story.go_on();
            let change = story.changes.last().expect("a change");
            let mut body = Vec::new();
            words::encode_select(change.db, &mut body);
            words::encode(change, &mut body);
            let decoded = words::decode(&Bytes::from(body), &mut db, |decoded| {
                assert_eq!(decoded, as_logged(change), "seed {seed}");
                number += 1;
                replayed.apply(decoded, number);
            });
            assert_eq!(decoded, Ok(()), "seed {seed}: {change:?}");
            assert_eq!(number, story.changes.len() as u64, "one word a change");
        }
        let (live, again) = (exact_state(&story.keyspace), exact_state(&replayed));
        for (key, state) in &live {
            assert_eq!(again.get(key), Some(state), "seed {seed}: {key:?}");
        }
        assert_eq!(again.len(), live.len(), "seed {seed}");
        assert_eq!(digest(&replayed), digest(&story.keyspace), "seed {seed}");
    }
}

/// A change as the log says it: the schema of a collection that was declared is the collection's own.
fn as_logged(change: &Change) -> Change {
    let mut change = change.clone();
    if let Effect::Upsert(upsert) = &mut change.effect
        && upsert.schema.as_ref().is_some_and(|schema| schema.declared)
    {
        upsert.schema = None;
    }
    change
}

#[test]
fn searches_find_what_an_exact_scan_over_maps_finds() {
    let (mut found, mut wanted) = (0, 0);
    for seed in seeds(8) {
        let mut story = Story::begin(seed);
        for turn in 0..3_000 {
            story.go_on();
            if turn % 300 == 299 {
                let (hits, of) = search_all(&mut story, &format!("seed {seed}, change {turn}"));
                (found, wanted) = (found + hits, wanted + of);
            }
        }
    }
    assert!(wanted > 1_000, "{wanted} hits wanted");
    assert!(
        found as f64 >= 0.97 * wanted as f64,
        "{found} of {wanted} hits found by the graph"
    );
}

/// Searches every collection that keeps its vectors as given: the scan must find exactly what the maps say. How many of the
/// same hits the graph finds, of how many.
fn search_all(story: &mut Story, what: &str) -> (usize, usize) {
    const K: usize = 10;
    let (mut found, mut wanted) = (0, 0);
    for (db, key, row) in story.maps.rows() {
        let Row::Collection { schema, elements } = row else {
            continue;
        };
        if !maps::is_exact(schema) {
            continue;
        }
        let Some(Value::Collection(collection)) = story
            .keyspace
            .database(db)
            .peek(key)
            .map(|entry| entry.value)
        else {
            panic!("{what}: {key:?} is no collection");
        };
        let target = collection.prepare(&story.drawer.vector(schema.input_dim()));
        let expected = maps::nearest(schema, elements, &target, K);
        let (prepared, index) = (collection.index().target(&target), collection.index());
        let mut stats = WalkStats::default();
        let scanned = index.scan(&prepared, K, None, None, &mut stats);
        assert_eq!(scanned.len(), expected.len(), "{what}: {key:?}");
        for (hit, (distance, _)) in scanned.iter().zip(&expected) {
            assert!(
                (hit.distance - distance).abs() < 1e-4,
                "{what}: {key:?}: {hit:?}, not {distance}"
            );
        }
        let walked = index.search(&prepared, &changes::walk(K), None, &mut stats);
        let furthest = expected.last().map_or(0.0, |(distance, _)| *distance);
        found += walked
            .iter()
            .filter(|hit| hit.distance <= furthest + 1e-5)
            .count();
        wanted += expected.len();
    }
    (found, wanted)
}

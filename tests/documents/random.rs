//! Random documents and random queries: FT.SEARCH finds what the twin finds.

use crate::client::{Client, packed, total};
use crate::support::dice::Dice;
use crate::twin::{Fields, Filter, Twin};
use std::collections::BTreeMap;

const KEYS: u64 = 700;
const ROUNDS: usize = 4;
const WRITES: usize = 900;
const FILTERS: usize = 120;
const TARGETS: usize = 40;
const DIMENSION: usize = 8;
const K: usize = 10;
/// Of the true neighbours that a graph must find.
const RECALL_MIN: f64 = 0.95;

const TAGS: [&str; 6] = ["red", "green", "grey", "dark blue", "blue", "x-1"];
/// Titles are made of the first eight, bodies of the last eight. Words that only one of both has make up the phrases: where
/// the words stand is kept once for all fields of a document, as in RediSearch.
const WORDS: [&str; 12] = [
    "amber", "amble", "birch", "bison", "cedar", "cello", "delta", "denim", "ember", "emblem",
    "fjord", "flint",
];
const TITLE: &[&str] = &["title"];
const BODY: &[&str] = &["body"];
const ANY: &[&str] = &["title", "body"];

impl Dice {
    /// Some texts, joined.
    fn some(&mut self, all: &[&str], count_max: u64, by: &str) -> String {
        let count = 1 + self.below(count_max);
        let some: Vec<&str> = (0..count).map(|_| self.one_of(all)).collect();
        some.join(by)
    }

    /// Sixteenths, so that the squares of differences are exact in any order of addition.
    fn vector(&mut self) -> Vec<f32> {
        (0..DIMENSION)
            .map(|_| self.below(33) as f32 / 16.0 - 1.0)
            .collect()
    }

    fn degrees(&mut self, max: u64) -> f64 {
        self.below(max * 2_000) as f64 / 1_000.0 - max as f64
    }

    /// A field and a value; a few numbers are bad.
    fn field(&mut self) -> Vec<(&'static str, Vec<u8>)> {
        let words = |dice: &mut Dice, words: &[&str]| {
            let with_stop_word: Vec<&str> = words.iter().copied().chain(["the", "The"]).collect();
            dice.some(&with_stop_word, 7, " ")
        };
        let (name, value) = match self.below(7) {
            0 => {
                let text = self.some(&TAGS, 3, ",");
                (
                    "tags",
                    if self.below(2) == 0 {
                        text.to_uppercase()
                    } else {
                        text
                    },
                )
            }
            1 if self.below(20) == 0 => ("number", "many".to_owned()),
            1 => ("number", (self.below(80) as f64 / 2.0 - 20.0).to_string()),
            2 => ("title", words(self, &WORDS[..8])),
            3 => ("body", words(self, &WORDS[4..])),
            4 => (
                "place",
                format!("{},{}", self.degrees(180), self.degrees(85)),
            ),
            _ => {
                let bytes = packed(&self.vector());
                return vec![("flat", bytes.clone()), ("graph", bytes)];
            }
        };
        vec![(name, value.into_bytes())]
    }

    fn filter(&mut self, depth: u64) -> Filter {
        let choices = if depth == 0 { 8 } else { 12 };
        match self.below(choices) {
            0 => Filter::Tags(vec![self.one_of(&["red", "green", "grey", "blue"])]),
            1 => Filter::Tags(vec!["dark blue", self.one_of(&["red", "green", "none"])]),
            2 => Filter::TagPrefix(self.one_of(&["gr", "dark", "re", "zz"])),
            3 => {
                let (min, max) = (self.below(40) as f64 - 20.0, self.below(40) as f64 - 20.0);
                Filter::Number(
                    min.min(max),
                    self.below(2) == 0,
                    min.max(max) + 1.0,
                    self.below(2) == 0,
                )
            }
            4 => Filter::Word(self.one_of(&[TITLE, BODY, ANY]), self.one_of(&WORDS)),
            5 => Filter::Prefix(
                self.one_of(&[TITLE, BODY, ANY]),
                self.one_of(&["am", "emb", "ce", "fl", "zz"]),
            ),
            6 => {
                let (fields, words) = self.one_of(&[(TITLE, &WORDS[..4]), (BODY, &WORDS[8..])]);
                let (first, turn) = (self.below(4) as usize, 1 + 2 * self.below(2) as usize);
                let places = (0..2 + self.below(2) as usize).map(|at| (first + at * turn) % 4);
                Filter::Phrase(fields, places.map(|place| words[place]).collect())
            }
            7 => Filter::Near(
                self.degrees(180),
                self.degrees(85),
                100.0 + self.below(8_000) as f64,
            ),
            8 => Filter::Not(Box::new(self.filter(depth - 1))),
            9 | 10 => Filter::And(self.filters(depth - 1)),
            _ => Filter::Or(self.filters(depth - 1)),
        }
    }

    fn filters(&mut self, depth: u64) -> Vec<Filter> {
        let count = 2 + self.below(2);
        (0..count).map(|_| self.filter(depth)).collect()
    }
}

fn create(client: &mut Client) {
    client.ok(
        "FT.CREATE idx PREFIX 1 doc: SCHEMA tags TAG number NUMERIC title TEXT NOSTEM body TEXT NOSTEM place GEO \
         flat VECTOR FLAT 6 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2 \
         graph VECTOR HNSW 6 TYPE FLOAT32 DIM 8 DISTANCE_METRIC L2",
    );
}

/// Writes fields, or deletes some or all.
fn write(client: &mut Client, twin: &mut Twin, dice: &mut Dice) {
    let key = format!("doc:{}", dice.below(KEYS));
    match dice.below(12) {
        0 => {
            client.ok(&format!("DEL {key}"));
            twin.0.remove(&key);
        }
        1 => {
            let (field, _) = dice.field().remove(0);
            client.ok(&format!("HDEL {key} {field}"));
            if let Some(fields) = twin.0.get_mut(&key) {
                fields.remove(field);
                if fields.is_empty() {
                    twin.0.remove(&key);
                }
            }
        }
        _ => {
            let count = 1 + dice.below(6);
            let written: Fields = (0..count).flat_map(|_| dice.field()).collect();
            let mut words = vec![b"HSET".to_vec(), key.clone().into_bytes()];
            for (field, value) in &written {
                words.extend([field.as_bytes().to_vec(), value.clone()]);
            }
            client.call(&words);
            twin.0.entry(key).or_default().extend(written);
        }
    }
}

/// Distances by key, as a KNN of `field` tells them, in its order.
fn nearest(
    client: &mut Client,
    field: &str,
    filter: &Filter,
    target: &[f32],
) -> Vec<(String, f32)> {
    let query = format!("({})=>[KNN {K} @{field} $v AS d]", filter.query());
    let words: [&[u8]; 14] = [
        b"FT.SEARCH",
        b"idx",
        query.as_bytes(),
        b"PARAMS",
        b"2",
        b"v",
        &packed(target),
        b"SORTBY",
        b"d",
        b"RETURN",
        b"1",
        b"d",
        b"DIALECT",
        b"2",
    ];
    let reply = client.call(&words);
    let rows = reply
        .as_items()
        .unwrap_or_else(|| panic!("{query}: {reply:?}"));
    let row = |row: &[rhumb::protocol::client::Value]| {
        let fields = row[1].as_items().expect("fields");
        let distance = fields[1].as_str().and_then(|text| text.parse().ok());
        (
            row[0].as_str().expect("a key").to_owned(),
            distance.expect("a distance"),
        )
    };
    let found: Vec<(String, f32)> = rows[1..].chunks(2).map(row).collect();
    assert_eq!(total(&reply), found.len() as i64, "{query}");
    found
}

/// How many of the true distances an answer has, each of which must be the one of its document.
fn hits(found: &[(String, f32)], all: &BTreeMap<String, f32>, query: &str) -> (usize, usize) {
    for (key, distance) in found {
        assert_eq!(all.get(key), Some(distance), "{key}, {query}");
    }
    assert!(
        found.is_sorted_by(|one, other| one.1 <= other.1),
        "{query}: {found:?}"
    );
    let mut truth: Vec<f32> = all.values().copied().collect();
    truth.sort_by(f32::total_cmp);
    truth.truncate(K);
    assert!(found.len() <= truth.len(), "{query}");
    // Equal distances are as good as each other.
    let farthest = truth.last().copied().unwrap_or_default();
    let good = found
        .iter()
        .filter(|(_, distance)| *distance <= farthest)
        .count();
    (good, truth.len())
}

#[test]
fn random_queries_find_what_one_look_at_each_document_finds() {
    let seed = seed();
    let mut dice = Dice(seed);
    let (_server, mut client) = Client::start();
    let mut twin = Twin::default();
    create(&mut client);
    let (mut answers, mut found_by_graph, mut to_find) = (0, 0, 0);
    for round in 0..ROUNDS {
        (0..WRITES).for_each(|_| write(&mut client, &mut twin, &mut dice));
        if round == 2 {
            client.ok("FT.DROPINDEX idx");
            create(&mut client);
            client.wait_until_filled("idx");
        }
        for _ in 0..FILTERS {
            let filter = dice.filter(3);
            let query = filter.query();
            let found = client.found("idx", &query);
            answers += usize::from(!found.is_empty());
            assert_eq!(
                found,
                twin.found(&filter),
                "{query}, round {round}, seed {seed}"
            );
        }
        for turn in 0..TARGETS {
            let filter = if turn % 2 == 0 {
                Filter::All
            } else {
                dice.filter(2)
            };
            let target = dice.vector();
            let query = format!("{}, round {round}, seed {seed}", filter.query());
            let mut ask = |field: &str| {
                let found = nearest(&mut client, field, &filter, &target);
                hits(&found, &twin.distances(field, &filter, &target), &query)
            };
            let (good, of) = ask("flat");
            assert_eq!(good, of, "{query}");
            let (good, of) = ask("graph");
            found_by_graph += good;
            to_find += of;
        }
    }
    // Queries that find nothing say little.
    assert!(
        answers > ROUNDS * FILTERS / 2,
        "{answers} answers, seed {seed}"
    );
    let recall = found_by_graph as f64 / to_find as f64;
    assert!(recall >= RECALL_MIN, "recall {recall}, seed {seed}");
}

/// A few filters, asked again and again between writes: who passes them is known then, and whatever is written is found at once.
#[test]
fn filters_that_are_asked_again_see_every_write() {
    let seed = seed();
    let mut dice = Dice(seed);
    let (_server, mut client) = Client::start();
    let mut twin = Twin::default();
    create(&mut client);
    (0..WRITES).for_each(|_| write(&mut client, &mut twin, &mut dice));
    let mut filters: Vec<Filter> = (0..6).map(|_| dice.filter(2)).collect();
    let (mut good, mut to_find) = (0, 0);
    for step in 0..1500 {
        match dice.below(4) {
            0 => write(&mut client, &mut twin, &mut dice),
            1 if step % 40 == 0 => filters[0] = dice.filter(2),
            _ => {}
        }
        let filter = &filters[dice.below(filters.len() as u64) as usize];
        let target = dice.vector();
        let query = format!("{}, step {step}, seed {seed}", filter.query());
        let mut ask = |field: &str| {
            let found = nearest(&mut client, field, filter, &target);
            hits(&found, &twin.distances(field, filter, &target), &query)
        };
        let (found, of) = ask("flat");
        assert_eq!(found, of, "{query}");
        let (found, of) = ask("graph");
        good += found;
        to_find += of;
    }
    let recall = good as f64 / to_find as f64;
    assert!(recall >= RECALL_MIN, "recall {recall}, seed {seed}");
}

/// RHUMB_TEST_SEED, or a new one; printed.
pub fn seed() -> u64 {
    let given = std::env::var("RHUMB_TEST_SEED").ok();
    let seed = given.map_or_else(
        || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) % 1_000_000,
        |text| text.parse().expect("RHUMB_TEST_SEED is a number"),
    );
    println!("RHUMB_TEST_SEED={seed}");
    seed
}

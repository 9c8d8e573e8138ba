//! Searches among writers at full speed: every answer is compared with what could have been visible while it was found, and the
//! graph is checked at the end. A few seconds here; RHUMB_STRESS_SECONDS says how long (the index was last stressed for minutes).

use rhumb::index::LinkOptions;
use rhumb::keyspace::change::{Change, Effect, Upsert};
use rhumb::keyspace::collection::{
    Collection, IndexKind, IndexOptions, Metric, Quantization, Schema, WalkedOn,
};
use rhumb::keyspace::{Keyspace, Value};
use rhumb::search::{Query, QueryTarget, run};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const SEED: u64 = 0x57e5_5000;
const DIM: usize = 24;
const NAMES: usize = 3_000;
const WRITERS: usize = 2;
const READERS: usize = 2;
const K: usize = 20;
/// Distances are computed by kernels here and by a plain loop there.
const TOLERANCE: f32 = 1e-3;

/// Seeded numbers: splitmix64.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// The vector that a name has in a version of it, or the target of a query.
fn vector(of: u64, version: u64) -> Vec<f32> {
    let seed = mix(SEED ^ of << 32 ^ version);
    let component = |i: u64| (mix(seed ^ i) >> 40) as f32 / (1 << 23) as f32 - 1.0;
    (0..DIM as u64).map(component).collect()
}

/// Whether a name is there in a version: one in four is a removal.
fn is_there(version: u64) -> bool {
    version % 4 != 3
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The collection, and for each name the last version that was begun and the last one that was done.
struct Field {
    keyspace: Keyspace,
    numbers: AtomicU64,
    begun: Vec<AtomicU64>,
    done: Vec<AtomicU64>,
    is_over: AtomicBool,
}

impl Field {
    fn new(quantization: Quantization, walked_on: WalkedOn) -> Field {
        let schema = Schema {
            index: IndexOptions {
                dim: DIM as u32,
                metric: Metric::L2,
                quantization,
                kind: IndexKind::Hnsw,
                m: 16,
                ef_construction: 100,
                walked_on,
            },
            projected_from: None,
            declared: true,
            recall: None,
        };
        let field = Field {
            keyspace: Keyspace::new(1, SEED),
            numbers: AtomicU64::new(1),
            begun: (0..NAMES).map(|_| AtomicU64::new(0)).collect(),
            done: (0..NAMES).map(|_| AtomicU64::new(0)).collect(),
            is_over: AtomicBool::new(false),
        };
        // Graphs are what is stressed, also while they are small.
        field.keyspace.force_graph(true);
        let schema = Box::new(schema);
        field.apply(Effect::CreateCollection { schema });
        (0..NAMES).for_each(|name| field.write(name, 0));
        field
    }

    fn apply(&self, effect: Effect) {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        self.keyspace.apply(Change::new(0, b"c", effect), number);
    }

    fn write(&self, name: usize, version: u64) {
        let element = format!("n{name}").into_bytes().into();
        self.begun[name].store(version, Ordering::SeqCst);
        match is_there(version) {
            true => self.apply(Effect::Upsert(Box::new(Upsert {
                element,
                vector: vector(name as u64, version),
                schema: None,
                ef: None,
                attributes: None,
            }))),
            false => self.apply(Effect::Remove { element }),
        }
        self.done[name].store(version, Ordering::SeqCst);
    }

    fn collection(&self) -> Arc<Collection> {
        match self.keyspace.view(0, 0).get(b"c") {
            Some(Value::Collection(collection)) => collection,
            _ => panic!("the collection is there"),
        }
    }

    /// Writes the next versions of this writer's names until the end.
    fn write_on(&self, writer: usize) {
        let mut draw = mix(writer as u64);
        while !self.is_over.load(Ordering::Relaxed) {
            draw = mix(draw);
            let own = NAMES / WRITERS;
            let name = (draw as usize % own) * WRITERS + writer;
            let next = self.done[name].load(Ordering::SeqCst) + 1;
            self.write(name, next);
        }
    }

    /// Searches until the end; how many answers, and of those that a walk should have found how many it did.
    fn read_on(&self, reader: usize) -> (u64, u64, u64) {
        let collection = self.collection();
        let (mut answers, mut found, mut expected) = (0, 0, 0);
        while !self.is_over.load(Ordering::Relaxed) {
            answers += 1;
            let target = vector(1 << 40 | reader as u64, answers);
            let is_exact = answers % 4 == 0;
            let (hits, missed) = self.ask(&collection, &target, is_exact);
            assert!(
                !is_exact || missed == 0,
                "seed {SEED}, answer {answers}: a scan missed {missed}"
            );
            found += hits;
            expected += hits + missed;
        }
        (answers, found, expected)
    }

    /// Asks once, and compares the answer with what could have been visible: hits that are right, and names that stood still all
    /// the while and are missing.
    fn ask(&self, collection: &Collection, target: &[f32], exact: bool) -> (u64, u64) {
        let versions = |of: &[AtomicU64]| -> Vec<u64> {
            of.iter().map(|v| v.load(Ordering::SeqCst)).collect()
        };
        let before = versions(&self.done);
        let query = Query {
            ef: 200,
            exact,
            force_graph: true,
            ..Query::nearest(QueryTarget::Vector(target.to_vec()), K)
        };
        let answer = run(collection, &query).expect("an answer");
        let after = versions(&self.begun);
        let mut seen = HashSet::new();
        for hit in &answer.hits {
            let name = std::str::from_utf8(hit.element.name()).expect("a name");
            let name: usize = name[1..].parse().expect("a number");
            assert!(seen.insert(name), "seed {SEED}: n{name} twice");
            let mut could_be = (before[name]..=after[name]).filter(|v| is_there(*v));
            let fits = |version: u64| {
                let real = distance(target, &vector(name as u64, version));
                (real - hit.distance).abs() <= TOLERANCE * (1.0 + real)
            };
            assert!(
                could_be.any(fits),
                "seed {SEED}: n{name} at {} in none of its versions {}..={}",
                hit.distance,
                before[name],
                after[name]
            );
        }
        let last = answer.hits.last().map_or(f32::INFINITY, |hit| hit.distance);
        let must_be = (0..NAMES).filter(|name| {
            let stands = before[*name] == after[*name] && is_there(before[*name]);
            let real = || distance(target, &vector(*name as u64, before[*name]));
            stands && real() < last * (1.0 - TOLERANCE)
        });
        let missed = must_be.filter(|name| !seen.contains(name)).count();
        (seen.len() as u64, missed as u64)
    }
}

fn stress(quantization: Quantization, walked_on: WalkedOn, how_long: Duration) {
    let field = Field::new(quantization, walked_on);
    let quiet = |when: &str| {
        let collection = field.collection();
        let asked = (0..400).map(|n| field.ask(&collection, &vector(1 << 41, n), false));
        let (hits, missed) = asked.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        println!("{when}: found {hits}, missed {missed}");
    };
    quiet("before");
    let (mut answers, mut found, mut expected) = (0, 0, 0);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                scope.spawn({
                    let field = &field;
                    move || field.read_on(reader)
                })
            })
            .collect();
        for writer in 0..WRITERS {
            let field = &field;
            scope.spawn(move || field.write_on(writer));
        }
        let start = Instant::now();
        while start.elapsed() < how_long && readers.iter().all(|reader| !reader.is_finished()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        field.is_over.store(true, Ordering::Relaxed);
        for reader in readers {
            let (more, hits, all) = reader.join().expect("a reader that found no fault");
            answers += more;
            found += hits;
            expected += all;
        }
    });
    quiet("after");
    let collection = field.collection();
    assert_eq!(collection.index().check(), Ok(()), "seed {SEED}");
    let there = (0..NAMES).filter(|n| is_there(field.done[*n].load(Ordering::SeqCst)));
    assert_eq!(collection.len(), there.count(), "seed {SEED}");
    let recall = found as f64 / expected.max(1) as f64;
    println!(
        "{quantization:?} walked on {walked_on:?}: {answers} answers among {} changes, recall {recall:.4}",
        field.numbers.load(Ordering::Relaxed)
    );
    assert!(recall > 0.97, "seed {SEED}: recall {recall}");
    // Everything goes, with whatever the writers left behind.
    for name in 0..NAMES {
        let version = field.done[name].load(Ordering::SeqCst);
        field.write(name, version - version % 4 + 3);
    }
    assert_eq!((collection.len(), collection.index().check()), (0, Ok(())));
    let again = collection.index();
    let slot = again.reserve(&vector(1, 1));
    again.connect(slot, 1, LinkOptions::default());
    assert_eq!(again.len(), 1);
}

#[test]
fn answers_among_writers_are_such_as_could_have_been_visible() {
    println!("seed {SEED}");
    let seconds = std::env::var("RHUMB_STRESS_SECONDS");
    let seconds: f64 = seconds.ok().and_then(|s| s.parse().ok()).unwrap_or(6.0);
    let third = Duration::from_secs_f64(seconds / 3.0);
    stress(Quantization::F32, WalkedOn::Codes, third);
    stress(Quantization::F32, WalkedOn::Stored, third);
    stress(Quantization::F16, WalkedOn::Codes, third);
}

//! KNN and VECTOR_RANGE through a socket, over more documents than are compared one by one: they find what comparing with all
//! finds, also under filters that follow the vectors or avoid the target, and while documents are written.

use crate::client::{Client, keys, packed};
use crate::support::Server;
use crate::support::dice::Dice;
use rhumb::protocol::client::Value;
use std::sync::atomic::{AtomicBool, Ordering};

const DOCUMENTS: usize = 6_000;
const DIMENSION: usize = 12;
const K: usize = 10;
const QUERIES: usize = 25;
/// Of the true neighbours, over all queries of one kind.
const RECALL_MIN: f64 = 0.95;

/// A vector around another one.
fn near(dice: &mut Dice, centre: &[f32], spread: f32) -> Vec<f32> {
    let mut component = || dice.below(1 << 24) as f32 / (1 << 23) as f32 - 1.0;
    centre.iter().map(|x| x + spread * component()).collect()
}

struct Ground {
    server: Server,
    vectors: Vec<Vec<f32>>,
    queries: Vec<Vec<f32>>,
}

impl Ground {
    /// Documents d:0, d:1, ...: `n` is the number, `first` the first component in thousandths, as filters that follow chance and space.
    fn new() -> Ground {
        let (server, mut client) = Client::start();
        client.ok(&format!(
            "FT.CREATE idx PREFIX 1 d: SCHEMA n NUMERIC first NUMERIC v VECTOR HNSW 6 TYPE FLOAT32 DIM {DIMENSION} DISTANCE_METRIC L2"
        ));
        let mut dice = Dice(7);
        let centres: Vec<Vec<f32>> = (0..40)
            .map(|_| near(&mut dice, &[0.0; DIMENSION], 1.0))
            .collect();
        let mut draw = |at: usize| near(&mut dice, &centres[at * 7 % 40], 0.5);
        let vectors: Vec<Vec<f32>> = (0..DOCUMENTS).map(&mut draw).collect();
        let queries = (0..QUERIES).map(&mut draw).collect();
        let ground = Ground {
            server,
            vectors,
            queries,
        };
        (0..DOCUMENTS).for_each(|at| ground.write(&mut client, at));
        ground
    }

    fn write(&self, client: &mut Client, at: usize) {
        let (key, n) = (format!("d:{at}"), (at * 7919 % DOCUMENTS).to_string());
        let first = self.first(at).to_string();
        let vector = packed(&self.vectors[at]);
        let numbers = [("n", n.as_bytes()), ("first", first.as_bytes())];
        client.set(&key, &[&numbers[..], &[("v", &vector)]].concat());
    }

    fn first(&self, at: usize) -> i64 {
        (self.vectors[at][0] * 1000.0) as i64
    }

    /// Numbers and distances of the documents that pass, nearest first.
    fn truth(&self, query: &[f32], passes: impl Fn(usize) -> bool) -> Vec<(f32, usize)> {
        let distance = |at: usize| {
            let pairs = self.vectors[at].iter().zip(query);
            pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
        };
        let passing = (0..DOCUMENTS).filter(|&at| passes(at));
        let mut all: Vec<(f32, usize)> = passing.map(|at| (distance(at), at)).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    }

    fn search(&self, client: &mut Client, query: &str, target: &[f32]) -> Vec<usize> {
        let target = packed(target);
        let words: [&[u8]; 13] = [
            b"FT.SEARCH",
            b"idx",
            query.as_bytes(),
            b"PARAMS",
            b"2",
            b"b",
            &target,
            b"NOCONTENT",
            b"LIMIT",
            b"0",
            b"10000",
            b"DIALECT",
            b"2",
        ];
        let reply = client.call(&words);
        assert!(!matches!(reply, Value::Error(_)), "{query}: {reply:?}");
        let number = |key: String| key[2..].parse().expect("keys are d:number");
        keys(&reply).into_iter().map(number).collect()
    }

    /// Asks all queries under a filter; the share of the true neighbours that was found. No answer may lack a document.
    fn recall(
        &self,
        client: &mut Client,
        filter: &str,
        passes: impl Fn(usize, &[f32]) -> bool,
    ) -> f64 {
        let (mut found, mut wanted) = (0, 0);
        for query in &self.queries {
            let truth = self.truth(query, |at| passes(at, query));
            let hits = self.search(client, &format!("{filter}=>[KNN {K} @v $b]"), query);
            assert_eq!(hits.len(), K.min(truth.len()), "{filter}");
            assert!(hits.iter().all(|&at| passes(at, query)), "{filter}");
            let nearest = &truth[..K.min(truth.len())];
            found += nearest.iter().filter(|(_, at)| hits.contains(at)).count();
            wanted += nearest.len();
        }
        found as f64 / wanted.max(1) as f64
    }
}

#[test]
fn the_nearest_are_found_at_every_selectivity_and_wherever_they_lie() {
    let ground = Ground::new();
    let mut client = Client::new(&ground.server);
    let recall = ground.recall(&mut client, "*", |_, _| true);
    assert!(recall >= RECALL_MIN, "{recall} without a filter");
    for passing in [1, 5, 60, 600, 1_500, 3_000, 5_000, 6_000] {
        let number = |at: usize| at * 7919 % DOCUMENTS;
        let filter = format!("(@n:[0 ({passing}])");
        let recall = ground.recall(&mut client, &filter, |at, _| number(at) < passing);
        assert!(recall >= RECALL_MIN - 0.02, "{recall} where {passing} pass");
    }
    for bound in [-900, -500, 0, 500] {
        let filter = format!("(@first:[-inf {bound}])");
        let recall = ground.recall(&mut client, &filter, |at, _| ground.first(at) <= bound);
        assert!(recall >= RECALL_MIN - 0.02, "{recall} below {bound}");
    }
}

#[test]
fn all_within_a_radius_are_found_however_many_they_are() {
    let ground = Ground::new();
    let mut client = Client::new(&ground.server);
    for rank in [0, 3, 30, 300, 3_000] {
        let (mut found, mut wanted) = (0, 0);
        for query in &ground.queries {
            let truth = ground.truth(query, |_| true);
            // Between two distances, so that no rounding decides.
            let radius = (truth[rank].0 + truth[rank + 1].0) / 2.0;
            let range = format!("@v:[VECTOR_RANGE {radius} $b]");
            let hits = ground.search(&mut client, &range, query);
            let within: Vec<usize> = truth[..=rank].iter().map(|(_, at)| *at).collect();
            assert!(hits.iter().all(|at| within.contains(at)), "{radius}");
            found += hits.len();
            wanted += within.len();
        }
        let recall = found as f64 / wanted as f64;
        assert!(recall >= 0.99, "{recall} of the {} nearest", rank + 1);
    }
    let query = &ground.queries[0];
    let narrow = "@v:[VECTOR_RANGE 0.000001 $b]";
    assert!(ground.search(&mut client, narrow, query).is_empty());
    let all = "@v:[VECTOR_RANGE 1000 $b]=>{$EPSILON: 0.5}";
    assert_eq!(ground.search(&mut client, all, query).len(), DOCUMENTS);
}

#[test]
fn documents_that_are_written_again_do_not_vanish_meanwhile() {
    let ground = Ground::new();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = Client::new(&ground.server);
            let mut at = 0;
            while !stop.load(Ordering::Relaxed) {
                ground.write(&mut client, at % 40);
                at += 1;
            }
        });
        // Also when an assertion fails: the scope waits for the writer.
        let _stop = StopOnDrop(&stop);
        let mut client = Client::new(&ground.server);
        for round in 0..300 {
            let at = round % 40;
            let own = &ground.vectors[at];
            let nearest = ground.search(&mut client, "*=>[KNN 10 @v $b]", own);
            assert!(nearest.len() == 10 && nearest.contains(&at), "{nearest:?}");
            let n = at * 7919 % DOCUMENTS;
            let alone = format!("(@n:[{n} {n}])=>[KNN 10 @v $b]");
            // Asked again it may be answered by what is known of the filter.
            for _ in 0..3 {
                assert_eq!(ground.search(&mut client, &alone, own), [at]);
            }
            let truth = ground.truth(own, |_| true);
            let radius = (truth[3].0 + truth[4].0) / 2.0;
            let range = format!("@v:[VECTOR_RANGE {radius} $b]");
            let mut hits = ground.search(&mut client, &range, own);
            hits.sort_unstable();
            let mut within: Vec<usize> = truth[..4].iter().map(|(_, at)| *at).collect();
            within.sort_unstable();
            assert_eq!(hits, within);
        }
    });
}

/// A scan may come to the former place of a vector when that is gone, and may have been past its new one.
#[test]
fn documents_whose_vectors_move_do_not_vanish_from_scans() {
    const COUNT: usize = 4000;
    const WIDE: usize = 256;
    let (server, mut client) = Client::start();
    client.ok(&format!(
        "FT.CREATE idx PREFIX 1 d: SCHEMA n NUMERIC v VECTOR FLAT 6 TYPE FLOAT32 DIM {WIDE} DISTANCE_METRIC L2"
    ));
    let mut dice = Dice(11);
    let vectors: Vec<Vec<f32>> = (0..COUNT)
        .map(|_| near(&mut dice, &[0.0; WIDE], 1.0))
        .collect();
    for (at, vector) in vectors.iter().enumerate() {
        let (key, n) = (format!("d:{at}"), at.to_string());
        client.set(&key, &[("n", n.as_bytes()), ("v", &packed(vector))]);
    }
    let ground = Ground {
        server,
        vectors,
        queries: Vec::new(),
    };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (ground, stop) = (&ground, &stop);
            scope.spawn(move || {
                let mut client = Client::new(&ground.server);
                let mut dice = Dice(writer as u64);
                while !stop.load(Ordering::Relaxed) {
                    for at in (writer..40).step_by(2) {
                        let moved = near(&mut dice, &ground.vectors[at], 0.001);
                        client.set(&format!("d:{at}"), &[("v", &packed(&moved))]);
                    }
                }
            });
        }
        let _stop = StopOnDrop(&stop);
        let mut client = Client::new(&ground.server);
        for round in 0..4000 {
            let at = round % 40;
            let query = [
                "*=>[KNN 10 @v $b]",
                "(@n:[0 3500])=>[KNN 10 @v $b]",
                "@v:[VECTOR_RANGE 1 $b]",
            ][round % 3];
            let found = ground.search(&mut client, query, &ground.vectors[at]);
            assert!(found.contains(&at), "{query}: {found:?}, round {round}");
        }
    });
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_profile_tells_how_vectors_were_searched() {
    let ground = Ground::new();
    let mut client = Client::new(&ground.server);
    let target = packed(&ground.queries[0]);
    let mut profile = |kind: &str, query: &str| {
        let words: [&[u8]; 11] = [
            b"FT.PROFILE",
            b"idx",
            kind.as_bytes(),
            b"LIMITED",
            b"QUERY",
            query.as_bytes(),
            b"PARAMS",
            b"2",
            b"b",
            &target,
            b"DIALECT",
        ];
        let words: Vec<&[u8]> = words.into_iter().chain([b"2".as_slice()]).collect();
        format!("{:?}", client.call(&words))
    };
    for kind in ["SEARCH", "AGGREGATE"] {
        let few = profile(kind, "(@n:[0 20])=>[KNN 3 @v $b]");
        for part in [
            "Shards",
            "Coordinator",
            "HYBRID_ADHOC_BF",
            "filter-first",
            "NUMERIC",
            "Metrics Applier",
        ] {
            assert!(few.contains(part), "{part} in {few}");
        }
        let all = profile(kind, "*=>[KNN 3 @v $b EF_RUNTIME 10]");
        for part in [
            "STANDARD_KNN",
            "graph",
            "Distance computations",
            "Candidates",
        ] {
            assert!(all.contains(part), "{part} in {all}");
        }
        let range = profile(kind, "@v:[VECTOR_RANGE 0.1 $b]=>{$YIELD_DISTANCE_AS:d}");
        assert!(range.contains("RANGE_QUERY"), "{range}");
    }
    assert_eq!(
        client.refused("FT.PROFILE idx AGGREGATE QUERY * WITHCURSOR"),
        "FT.PROFILE does not support cursor"
    );
    client.ok("HELLO 3");
    let Value::Map(parts) = client.ok("FT.PROFILE idx SEARCH QUERY *") else {
        panic!("RESP3 answers with a map");
    };
    let names: Vec<&str> = parts.iter().filter_map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Results", "Profile"]);
}

//! Queries against a plain comparison of everything, plans, and queries while elements change.

mod promises;

use super::expression::Expression;
use super::filter::Filter;
use super::plan::PlanKind;
use super::{Answer, Query, QueryError, QueryTarget, run};
use crate::index::{IndexKind, IndexOptions, Metric, Quantization, VectorError, WalkedOn};
use crate::keyspace::change::{Change, Effect, Upsert};
use crate::keyspace::collection::{Collection, Schema};
use crate::keyspace::{Keyspace, Value};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

const DIM: u32 = 16;

/// A collection behind a keyspace, and what it should hold.
struct Model {
    keyspace: Keyspace,
    number: AtomicU64,
    dice: Dice,
    elements: Vec<(String, Vec<f32>, usize)>,
}

/// Seeded numbers: splitmix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    fn vector(&mut self) -> Vec<f32> {
        self.vector_of(DIM)
    }

    fn vector_of(&mut self, dim: u32) -> Vec<f32> {
        (0..dim)
            .map(|_| (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0)
            .collect()
    }
}

fn schema(metric: Metric, kind: IndexKind) -> Schema {
    let index = IndexOptions {
        dim: DIM,
        metric,
        quantization: Quantization::F32,
        kind,
        m: 16,
        ef_construction: 100,
        walked_on: WalkedOn::Codes,
    };
    Schema {
        index,
        projected_from: None,
        declared: true,
        recall: None,
    }
}

impl Model {
    /// `count` elements e0, e1, ... with attributes {"n": number, "m": number % 100}.
    fn new(seed: u64, metric: Metric, kind: IndexKind, count: usize) -> Model {
        Model::with(seed, schema(metric, kind), count)
    }

    /// The same under another schema.
    fn with(seed: u64, schema: Schema, count: usize) -> Model {
        let dim = schema.index.dim;
        let keyspace = Keyspace::new(1, seed);
        let create = Effect::CreateCollection {
            schema: Box::new(schema),
        };
        keyspace.apply(Change::new(0, b"c", create), 1);
        let mut model = Model {
            keyspace,
            number: AtomicU64::new(2),
            dice: Dice(seed),
            elements: Vec::new(),
        };
        for n in 0..count {
            let vector = model.dice.vector_of(dim);
            model.put(
                &format!("e{n}"),
                &vector,
                &format!("{{\"n\": {n}, \"m\": {}}}", n % 100),
            );
            model.elements.push((format!("e{n}"), vector, n));
        }
        model
    }

    fn put(&self, name: &str, vector: &[f32], attributes: &str) {
        let upsert = Upsert {
            element: Bytes::copy_from_slice(name.as_bytes()),
            vector: vector.to_vec(),
            schema: None,
            ef: None,
            attributes: Some(Bytes::copy_from_slice(attributes.as_bytes())),
        };
        self.apply(Effect::Upsert(Box::new(upsert)));
    }

    fn remove(&self, name: &str) {
        self.apply(Effect::Remove {
            element: Bytes::copy_from_slice(name.as_bytes()),
        });
    }

    fn apply(&self, effect: Effect) {
        self.keyspace.apply(
            Change::new(0, b"c", effect),
            self.number.fetch_add(1, Ordering::Relaxed),
        );
    }

    fn collection(&self) -> Arc<Collection> {
        match self.keyspace.view(0, 0).get(b"c") {
            Some(Value::Collection(collection)) => collection,
            _ => panic!("the collection is there"),
        }
    }

    /// The nearest of those whose number passes, by comparing them all.
    fn nearest(
        &self,
        metric: Metric,
        target: &[f32],
        passes: impl Fn(usize) -> bool,
    ) -> Vec<(f32, String)> {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        let distance = |vector: &[f32]| match metric {
            Metric::Cosine => {
                1.0 - dot(vector, target) / (dot(vector, vector) * dot(target, target)).sqrt()
            }
            Metric::L2 => vector
                .iter()
                .zip(target)
                .map(|(x, y)| (x - y) * (x - y))
                .sum(),
            Metric::InnerProduct => 1.0 - dot(vector, target),
        };
        let passing = self.elements.iter().filter(|(_, _, n)| passes(*n));
        let mut all: Vec<_> = passing
            .map(|(name, vector, _)| (distance(vector), name.clone()))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        all
    }
}

fn filter(text: &str) -> Option<Filter> {
    Some(Filter::Expression(
        Expression::compile(text.as_bytes()).expect("an expression"),
    ))
}

fn query(target: &[f32], k: usize) -> Query {
    Query::nearest(QueryTarget::Vector(target.to_vec()), k)
}

fn names(answer: &Answer) -> Vec<String> {
    answer
        .hits
        .iter()
        .map(|hit| String::from_utf8_lossy(hit.element.name()).into_owned())
        .collect()
}

/// The share of the expected names that are there.
fn recall(found: &[String], expected: &[(f32, String)]) -> f64 {
    let met = expected
        .iter()
        .filter(|(_, name)| found.contains(name))
        .count();
    met as f64 / expected.len() as f64
}

#[test]
fn scans_find_what_a_comparison_of_everything_finds() {
    let seed = 11;
    for metric in [Metric::Cosine, Metric::L2, Metric::InnerProduct] {
        for kind in [IndexKind::Flat, IndexKind::Hnsw] {
            let mut model = Model::new(seed, metric, kind, 300);
            let collection = model.collection();
            for round in 0..30 {
                let target = model.dice.vector();
                let expected = model.nearest(metric, &target, |n| n % 100 < 30);
                let question = Query {
                    exact: true,
                    offset: 3,
                    filter: filter(".m < 30"),
                    ..query(&target, 8)
                };
                let answer = run(&collection, &question).expect("an answer");
                let expected_names: Vec<_> = expected[3..11]
                    .iter()
                    .map(|(_, name)| name.clone())
                    .collect();
                assert_eq!(
                    names(&answer),
                    expected_names,
                    "seed {seed} round {round} {metric:?} {kind:?}"
                );
                let radius = (expected[5].0 + expected[6].0) / 2.0;
                let question = Query {
                    radius: Some(radius),
                    filter: filter(".m < 30"),
                    ..query(&target, 300)
                };
                assert_eq!(
                    run(&collection, &question).expect("an answer").hits.len(),
                    6,
                    "seed {seed} round {round}"
                );
            }
        }
    }
}

#[test]
fn forced_walks_find_nearly_all_at_every_pass_rate() {
    let seed = 12;
    let mut model = Model::new(seed, Metric::Cosine, IndexKind::Hnsw, 3000);
    let collection = model.collection();
    for (limit, plan) in [
        (100, PlanKind::GraphFiltered),
        (60, PlanKind::GraphFiltered),
        (20, PlanKind::GraphTwoHop),
        (4, PlanKind::GraphTwoHop),
    ] {
        let mut sum = 0.0;
        for _ in 0..40 {
            let target = model.dice.vector();
            let expected = model.nearest(Metric::Cosine, &target, |n| n % 100 < limit);
            let question = Query {
                ef: 200,
                force_graph: true,
                filter: filter(&format!(".m < {limit}")),
                ..query(&target, 10)
            };
            let answer = run(&collection, &question).expect("an answer");
            assert_eq!(answer.explanation.plan, plan, "at {limit} %");
            assert!(
                !answer.explanation.was_scanned_after && answer.explanation.filter_tests <= 3000
            );
            sum += recall(&names(&answer), &expected[..10]) / 40.0;
        }
        assert!(sum >= 0.95, "seed {seed}: recall {sum} at {limit} %");
    }
}

#[test]
fn the_plan_follows_from_size_ef_and_pass_rate() {
    let mut model = Model::new(13, Metric::Cosine, IndexKind::Hnsw, 4000);
    let collection = model.collection();
    let target = model.dice.vector();
    let plan = |question: Query| {
        run(&collection, &question)
            .expect("an answer")
            .explanation
            .plan
    };
    assert_eq!(
        plan(Query {
            ef: 10,
            ..query(&target, 10)
        }),
        PlanKind::Graph
    );
    assert_eq!(
        plan(Query {
            ef: 1000,
            ..query(&target, 10)
        }),
        PlanKind::Scan
    );
    assert_eq!(
        plan(Query {
            ef: 1,
            ..query(&target, 4000)
        }),
        PlanKind::Scan
    );
    assert_eq!(
        plan(Query {
            ef: 10,
            exact: true,
            ..query(&target, 10)
        }),
        PlanKind::Scan
    );
    assert_eq!(
        plan(Query {
            ef: 10,
            exact: true,
            force_graph: true,
            ..query(&target, 10)
        }),
        PlanKind::Scan
    );
    assert_eq!(
        plan(Query {
            ef: 1000,
            force_graph: true,
            ..query(&target, 10)
        }),
        PlanKind::Graph
    );
    let filtered = |text: &str| Query {
        ef: 10,
        filter: filter(text),
        ..query(&target, 10)
    };
    assert_eq!(plan(filtered(".m < 99")), PlanKind::GraphFiltered);
    // The first such search would read all attributes without columns, and makes them.
    assert_eq!(plan(filtered(".n == 5")), PlanKind::FilterFirst);
    assert_eq!(
        plan(Query {
            expansions_max: Some(5),
            ..filtered(".n == 5")
        }),
        PlanKind::GraphFiltered
    );
    assert_eq!(
        plan(Query {
            expansions_max: Some(4000),
            ..filtered(".n == 5")
        }),
        PlanKind::FilterFirst
    );
}

#[test]
fn a_bound_on_expansions_holds_and_without_one_nothing_is_missed() {
    let model = Model::new(14, Metric::Cosine, IndexKind::Hnsw, 2000);
    let collection = model.collection();
    let far = Query::nearest(QueryTarget::Element(b"e7".as_slice().into()), 10);
    let bounded = Query {
        filter: filter(".n == 1234"),
        expansions_max: Some(1),
        ..far.clone()
    };
    let answer = run(&collection, &bounded).expect("an answer");
    assert!(
        answer.hits.is_empty() && answer.explanation.walk.hops <= 64,
        "{:?}",
        answer.explanation
    );
    let unbounded = Query {
        filter: filter(".n == 1234"),
        ..far
    };
    assert_eq!(
        names(&run(&collection, &unbounded).expect("an answer")),
        ["e1234"]
    );
}

#[test]
fn all_that_pass_are_found_when_fewer_pass_than_are_wanted() {
    let mut model = Model::new(15, Metric::Cosine, IndexKind::Hnsw, 3000);
    let collection = model.collection();
    let target = model.dice.vector();
    for (text, passing) in [
        (".m < 90", 2700),
        (".m == 7", 30),
        (".n in [5, 6]", 2),
        (".nope", 0),
    ] {
        let question = Query {
            ef: 10,
            filter: filter(text),
            ..query(&target, 2900)
        };
        assert_eq!(
            run(&collection, &question).expect("an answer").hits.len(),
            passing,
            "{text}"
        );
    }
}

#[test]
fn what_cannot_be_asked_is_told() {
    let model = Model::new(16, Metric::Cosine, IndexKind::Hnsw, 3);
    let collection = model.collection();
    let ask = |target| run(&collection, &Query::nearest(target, 1)).err();
    assert_eq!(
        ask(QueryTarget::Element(b"nobody".as_slice().into())),
        Some(QueryError::NoSuchElement)
    );
    let wrong = VectorError::Dimension {
        got: 2,
        expected: DIM,
    };
    assert_eq!(
        ask(QueryTarget::Vector(vec![1.0, 2.0])),
        Some(QueryError::Vector(wrong))
    );
    assert_eq!(
        ask(QueryTarget::Vector(vec![f32::NAN; DIM as usize])),
        Some(QueryError::Vector(VectorError::NotFinite))
    );
    let all = run(&collection, &query(&[1.0; DIM as usize], usize::MAX)).expect("an answer");
    assert_eq!(all.hits.len(), 3);
    let beyond = Query {
        offset: usize::MAX,
        ..query(&[1.0; DIM as usize], usize::MAX)
    };
    assert!(
        run(&collection, &beyond)
            .expect("an answer")
            .hits
            .is_empty()
    );
}

#[test]
fn columns_are_used_from_the_second_search_on_and_change_no_answer() {
    let mut model = Model::new(18, Metric::Cosine, IndexKind::Hnsw, 3000);
    let collection = model.collection();
    let target = model.dice.vector();
    let ask = |text: &str, collection: &Collection| {
        let question = Query {
            exact: true,
            filter: filter(text),
            ..query(&target, 50)
        };
        run(collection, &question).expect("an answer")
    };
    let first = ask(".m < 30 and .n > 100", &collection);
    assert_eq!(first.explanation.columns, 0);
    assert_eq!(first.explanation.plan, PlanKind::ScanPassing);
    let second = ask(".m < 30 and .n > 100", &collection);
    assert_eq!(second.explanation.columns, 2);
    assert_eq!(second.explanation.plan, PlanKind::FilterFirst);
    assert_eq!(second.explanation.filter_tests, 3000);
    assert_eq!(names(&first), names(&second));
    model.keyspace.column_budget().drop_all();
    let third = ask(".m < 30 and .n > 100", &collection);
    assert_eq!(third.explanation.columns, 0);
    assert_eq!(names(&first), names(&third));
}

#[test]
fn a_walk_that_meets_none_that_pass_gives_up_for_those_far_away() {
    let seed = 19;
    let mut model = Model::new(seed, Metric::L2, IndexKind::Hnsw, 0);
    // Two clouds; all that pass are in the farther and smaller one.
    for n in 0..20_000 {
        let is_far = n % 10 == 0;
        let mut vector = model.dice.vector();
        vector[0] += if is_far { 20.0 } else { 0.0 };
        model.put(
            &format!("e{n}"),
            &vector,
            &format!("{{\"n\": {n}, \"far\": {is_far}}}"),
        );
        model.elements.push((format!("e{n}"), vector, n));
    }
    let collection = model.collection();
    let question = |target: &[f32]| Query {
        ef: 30,
        filter: filter(".far == 1"),
        ..query(target, 10)
    };
    // The first ones make columns.
    let has_columns = |target: &[f32]| {
        let answer = run(&collection, &question(target)).expect("an answer");
        answer.explanation.columns == 1
    };
    while !has_columns(&[0.0; DIM as usize]) {}
    let mut sum = 0.0;
    for _ in 0..20 {
        let target = model.dice.vector();
        let expected = model.nearest(Metric::L2, &target, |n| n % 10 == 0);
        let answer = run(&collection, &question(&target)).expect("an answer");
        assert_eq!(answer.hits.len(), 10, "seed {seed}");
        sum += recall(&names(&answer), &expected[..10]) / 20.0;
        assert!(
            answer.explanation.walk.distances < 4_000,
            "seed {seed}: {:?}",
            answer.explanation
        );
    }
    assert!(sum >= 0.95, "seed {seed}: recall {sum}");
}

/// Both fields of an element always say the same, and so must what a filter sees of them while they change.
#[test]
fn filters_on_several_columns_see_no_mixture_of_two_versions() {
    let model = Model::new(20, Metric::L2, IndexKind::Flat, 1000);
    let attributes = |n: usize| format!("{{\"b\": {n}, \"c\": \"x\", \"a\": {n}}}");
    let set = |element: usize, n: usize| {
        model.apply(Effect::SetAttributes {
            element: format!("e{element}").into(),
            attributes: attributes(n).into(),
        });
    };
    (0..1000).for_each(|n| set(n, n));
    let collection = model.collection();
    let target = [0.5; DIM as usize];
    let found = |text: &str| {
        let question = Query {
            filter: filter(text),
            ..query(&target, 2000)
        };
        let answer = run(&collection, &question).expect("an answer");
        (answer.hits.len(), answer.explanation.columns)
    };
    while found(".a == .b").1 != 2 {}
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (0..40_000).for_each(|round| set(round * 7 % 1000, round));
            is_over.store(true, Ordering::Release);
        });
        while !is_over.load(Ordering::Acquire) {
            assert_eq!(found(".a == .b"), (1000, 2));
            assert_eq!(found(".a < .b or .a > .b"), (0, 2));
        }
    });
}

#[test]
fn queries_among_updates_see_every_element_once_and_the_steady_ones_always() {
    let mut model = Model::new(17, Metric::L2, IndexKind::Hnsw, 400);
    let collection = model.collection();
    let targets: Vec<Vec<f32>> = (0..50).map(|_| model.dice.vector()).collect();
    let moves: Vec<Vec<f32>> = (0..50).map(|_| model.dice.vector()).collect();
    let is_over = AtomicBool::new(false);
    let changes = AtomicUsize::new(0);
    let model = &model;
    let search = |round: usize, force_graph: bool| {
        let question = Query {
            force_graph,
            ..query(&targets[round % 50], 1000)
        };
        names(&run(&collection, &question).expect("an answer"))
    };
    let count_steady = |found: &[String]| {
        let distinct: std::collections::HashSet<_> = found.iter().collect();
        assert_eq!(distinct.len(), found.len(), "an element came twice");
        let is_found = |n: &i32| distinct.contains(&format!("e{n}"));
        (0..200).filter(is_found).count()
    };
    std::thread::scope(|scope| {
        // Elements 200.. move and go and come; the others stay.
        scope.spawn(|| {
            for round in 0..4000 {
                changes.store(round, Ordering::Release);
                let name = format!("e{}", 200 + round % 200);
                match round % 7 {
                    0 => model.remove(&name),
                    _ => model.put(&name, &moves[round % moves.len()], "{\"n\": 1}"),
                }
            }
            is_over.store(true, Ordering::Release);
        });
        scope.spawn(|| {
            let mut round = 0;
            while !is_over.load(Ordering::Acquire) || round < 50 {
                let force_graph = round % 2 == 0;
                let before = changes.load(Ordering::Acquire);
                let steady = count_steady(&search(round, force_graph));
                let meanwhile = changes.load(Ordering::Acquire) - before;
                // A scan misses nothing. A walk misses whom it would have come to from a node that has lost its links since it was
                // met: some, where the walk was stopped in its midst while a part of this small graph changed.
                let missed_most = if force_graph { 5 + meanwhile } else { 0 };
                assert!(
                    200 - steady <= missed_most,
                    "of 200 that stay {steady} were found (graph: {force_graph}) while {meanwhile} changed"
                );
                round += 1;
            }
        });
    });
    for round in 0..50 {
        assert_eq!(count_steady(&search(round, true)), 200, "at rest");
    }
}

/// Eight elements that pass a filter and eight that do not, nearest to the target wherever they lie, are written without a pause, and so
/// take each other's slots. Every answer has the former, and none of the latter. While one is found there are 40 writes at most, as
/// otherwise where the scheduler stops who asks.
#[test]
fn a_scan_finds_whoever_is_written_meanwhile_and_passes() {
    // Slots, and how the filter asks: for all, for each element, over a column.
    for (count, text, plan) in [
        (2000, None, PlanKind::Scan),
        (400, Some(".n < 300"), PlanKind::ScanPassing),
        (2000, Some(".n < 300"), PlanKind::FilterFirst),
    ] {
        let seed = 23;
        let model = Model::new(seed, Metric::L2, IndexKind::Flat, count);
        let collection = model.collection();
        let question = Query {
            filter: text.and_then(filter),
            ..query(&[0.0; DIM as usize], 20)
        };
        let ask = || run(&collection, &question).expect("an answer");
        while ask().explanation.plan != plan {}
        let (passing, others) = (0..8, 350..358);
        let written: Vec<usize> = passing.clone().chain(others.clone()).collect();
        let put = |round: usize| {
            let n = written[round * 7 % written.len()];
            let vector = [(round % 61) as f32 * 1e-3; DIM as usize];
            model.put(&format!("e{n}"), &vector, &format!("{{\"n\": {n}}}"));
        };
        (0..written.len()).for_each(put);
        let is_over = AtomicBool::new(false);
        let answers = AtomicUsize::new(0);
        let (mut lacking, mut wrong) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut seen, mut since) = (0, 0);
                for round in 0..40_000 {
                    let now = || answers.load(Ordering::Acquire);
                    while since == 40 && now() == seen {
                        std::thread::yield_now();
                    }
                    (seen, since) = match now() {
                        now if now == seen => (seen, since + 1),
                        now => (now, 1),
                    };
                    put(round);
                }
                is_over.store(true, Ordering::Release);
            });
            while !is_over.load(Ordering::Acquire) {
                let found = names(&ask());
                let is_found = |n: usize| found.contains(&format!("e{n}"));
                answers.fetch_add(1, Ordering::Release);
                lacking += usize::from(!passing.clone().all(is_found));
                wrong += usize::from(text.is_some() && others.clone().any(is_found));
            }
        });
        let context = format!("of {answers:?} answers, {text:?}, {count} elements");
        assert_eq!((lacking, wrong), (0, 0), "{context}");
    }
}

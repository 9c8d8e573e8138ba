//! Searches that name a recall, on queries that were never measured with.

use super::*;
use crate::search::calibrate;

/// Queries that differ from the elements as real ones do: shorter, and between them.
fn held_out(dice: &mut Dice, count: usize, dim: u32) -> Vec<Vec<f32>> {
    (0..count)
        .map(|_| {
            let (a, b) = (dice.vector_of(dim), dice.vector_of(dim));
            a.iter().zip(b).map(|(a, b)| 0.3 * a + 0.2 * b).collect()
        })
        .collect()
}

fn promised(target: &[f32], recall: f64) -> Query {
    Query {
        recall: Some(recall),
        // A collection this small would be scanned.
        force_graph: true,
        ..query(target, 10)
    }
}

/// Mean recall and distances of the queries.
fn measure(collection: &Collection, queries: &[Query]) -> (f64, f64) {
    let answers = queries.iter().map(|query| {
        let exact = Query {
            exact: true,
            recall: None,
            ..query.clone()
        };
        let answer = run(collection, query).unwrap();
        let truth = run(collection, &exact).unwrap();
        let recall = calibrate::recall_of(&answer.hits, &truth.hits);
        (recall, answer.explanation.walk.distances as f64)
    });
    let (recalls, distances): (Vec<f64>, Vec<f64>) = answers.unzip();
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    (mean(recalls), mean(distances))
}

#[test]
fn promises_are_kept_without_much_more_work_than_the_best_ef() {
    let seed = 5;
    let mut schema = schema(Metric::Cosine, IndexKind::Hnsw);
    schema.index.dim = 48;
    let mut model = Model::with(seed, schema, 4_000);
    let collection = model.collection();
    let asked = held_out(&mut model.dice, 512, 48);
    for vector in &asked {
        let asked = Query {
            remember: true,
            ..query(vector, 10)
        };
        run(&collection, &asked).unwrap();
    }
    assert_eq!(collection.calibration().asked_count(), 512);
    let fresh = held_out(&mut model.dice, 500, 48);
    for target in [0.80, 0.90, 0.95, 0.99] {
        let promises: Vec<Query> = fresh.iter().map(|v| promised(v, target)).collect();
        let (recall, work) = measure(&collection, &promises);
        assert!(
            recall >= target - 0.01,
            "seed {seed}: {recall} for {target}"
        );
        let fixed = |ef: usize| -> Vec<Query> {
            let with = |v: &Vec<f32>| Query {
                ef,
                force_graph: true,
                ..query(v, 10)
            };
            fresh.iter().map(with).collect()
        };
        let efs = (10..1_000).step_by(2);
        let reached = efs.map(|ef| measure(&collection, &fixed(ef)));
        let mut reached = reached.filter(|(recall, _)| *recall >= target);
        let (_, best) = reached.next().expect("an ef that reaches it");
        assert!(
            work <= 1.3 * best,
            "seed {seed}, {target}: {work} for {best}"
        );
    }
}

#[test]
fn what_was_measured_is_renewed_when_the_collection_or_the_queries_change() {
    let mut model = Model::new(6, Metric::Cosine, IndexKind::Hnsw, 1_500);
    let collection = model.collection();
    let source = || {
        let curves = collection.calibration().curves();
        (curves.len(), curves[0].source.name(), curves[0].elements)
    };
    let target = model.dice.vector();
    let answer = run(&collection, &promised(&target, 0.9)).unwrap();
    assert!(answer.explanation.promise.unwrap().is_kept);
    assert_eq!(source(), (1, "made", 1_500));
    assert!(
        calibrate::renew(&*collection, 1, &|| ()),
        "measured in haste"
    );
    assert!(!calibrate::renew(&*collection, 2, &|| ()));
    for renewal in 0..2 {
        for vector in held_out(&mut model.dice, 64, DIM) {
            let asked = Query {
                remember: true,
                ..promised(&vector, 0.9)
            };
            run(&collection, &asked).unwrap();
        }
        // The first who could has measured anew with what was asked; once as many again were, it is due again.
        assert_eq!(source(), (1, "asked", 1_500));
        assert_eq!(calibrate::renew(&*collection, 3, &|| ()), renewal == 1);
    }
    for n in 0..400 {
        let vector = model.dice.vector();
        model.put(&format!("new{n}"), &vector, "");
    }
    assert!(calibrate::renew(&*collection, 4, &|| ()));
    assert_eq!(source(), (1, "asked", 1_900));
    assert!(!calibrate::renew(&*collection, 5, &|| ()));
}

#[test]
fn what_was_measured_before_a_restart_is_used_at_once_and_goes_stale_as_it_would_have() {
    let mut model = Model::new(6, Metric::Cosine, IndexKind::Hnsw, 1_500);
    let collection = model.collection();
    let target = model.dice.vector();
    run(&collection, &promised(&target, 0.9)).unwrap();
    assert!(calibrate::renew(&*collection, 1, &|| ()));
    let inserts = collection.inserts();
    let saved = collection
        .calibration()
        .save(collection.index(), inserts, true);
    let mut model = Model::new(6, Metric::Cosine, IndexKind::Hnsw, 1_500);
    let restarted = model.collection();
    let inserts = restarted.inserts();
    restarted
        .calibration()
        .load(saved, restarted.index(), inserts);
    let loaded = restarted.calibration().curves();
    assert_eq!(loaded, collection.calibration().curves());
    run(&restarted, &promised(&target, 0.9)).unwrap();
    let is_same = Arc::ptr_eq(&loaded[0], &restarted.calibration().curves()[0]);
    assert!(is_same, "nothing is measured");
    assert!(!calibrate::renew(&*restarted, 2, &|| ()));
    for n in 0..200 {
        let vector = model.dice.vector();
        model.put(&format!("new{n}"), &vector, "");
    }
    assert!(calibrate::renew(&*restarted, 3, &|| ()));
    assert_eq!(restarted.calibration().curves()[0].elements, 1_700);
}

#[test]
fn what_was_measured_with_queries_that_a_snapshot_left_out_is_renewed_once() {
    let mut model = Model::new(6, Metric::Cosine, IndexKind::Hnsw, 1_500);
    let collection = model.collection();
    for vector in held_out(&mut model.dice, 64, DIM) {
        let asked = Query {
            remember: true,
            ..promised(&vector, 0.9)
        };
        run(&collection, &asked).unwrap();
    }
    let inserts = collection.inserts();
    let saved = collection
        .calibration()
        .save(collection.index(), inserts, false);
    let mut model = Model::new(6, Metric::Cosine, IndexKind::Hnsw, 1_500);
    let restarted = model.collection();
    restarted
        .calibration()
        .load(saved, restarted.index(), inserts);
    assert_eq!(restarted.calibration().curves()[0].source.name(), "asked");
    for n in 0..400 {
        let vector = model.dice.vector();
        model.put(&format!("new{n}"), &vector, "");
    }
    assert!(calibrate::renew(&*restarted, 1, &|| ()));
    assert_eq!(restarted.calibration().curves()[0].source.name(), "made");
    assert!(!calibrate::renew(&*restarted, 2, &|| ()));
}

#[test]
fn a_promise_beyond_what_codes_can_tell_is_said_to_be_broken() {
    let seed = 7;
    let mut schema = schema(Metric::Cosine, IndexKind::Hnsw);
    schema.index.quantization = Quantization::Int8;
    let model = Model::with(seed, schema, 3_000);
    let collection = model.collection();
    let target = Dice(99).vector();
    let kept = |recall: f64| {
        let answer = run(&collection, &promised(&target, recall)).unwrap();
        answer.explanation.promise.unwrap()
    };
    let (some, all) = (kept(0.9), kept(0.99999));
    assert!(
        some.is_kept && some.expected >= 0.9,
        "seed {seed}: {some:?}"
    );
    assert!(
        !all.is_kept && all.expected < 0.99999,
        "seed {seed}: {all:?}"
    );
    assert!(all.expected > 0.9, "seed {seed}: {all:?}");
}

#[test]
fn elements_are_asked_for_with_a_curve_of_their_own() {
    let model = Model::new(8, Metric::Cosine, IndexKind::Hnsw, 2_000);
    let collection = model.collection();
    let query = Query {
        target: QueryTarget::Element(b"e7"[..].into()),
        ..promised(&[], 0.95)
    };
    let answer = run(&collection, &query).unwrap();
    assert_eq!(answer.hits[0].element.name(), b"e7");
    let curves = collection.calibration().curves();
    assert_eq!(curves[0].source.name(), "elements");
    // A few more hits than the ks that are measured: the curve of the next one is read.
    let more = Query { k: 12, ..query };
    run(&collection, &more).unwrap();
    let ks: Vec<usize> = collection
        .calibration()
        .curves()
        .iter()
        .map(|c| c.k)
        .collect();
    assert_eq!(ks, [10, 20]);
}

#[test]
fn nothing_is_promised_of_nothing() {
    let model = Model::new(9, Metric::Cosine, IndexKind::Hnsw, 0);
    let answer = run(&model.collection(), &promised(&[1.0; DIM as usize], 0.9)).unwrap();
    assert!(answer.hits.is_empty() && answer.explanation.promise.is_none());
    let one = Model::new(9, Metric::Cosine, IndexKind::Hnsw, 1);
    let answer = run(&one.collection(), &promised(&[1.0; DIM as usize], 0.9)).unwrap();
    assert_eq!(answer.hits.len(), 1);
}

//! What is known of recall: it comes back with the snapshot, and is forgotten where it is damaged, without harm to anything else.

use super::collections::add_collections;
use super::indexes::{damage_each, with_documents};
use super::*;
use crate::keyspace::calibration::{Calibration, Curve, CurvePoint, QuerySource, SavedCalibration};
use crate::persistence::snapshot::load::DamagedPart;

/// The VECTOR field of the index `idx`.
const FIELD: usize = 6;

fn curve(k: usize, source: QuerySource) -> Curve {
    let point = |ef: usize, recall| CurvePoint {
        ef,
        recall,
        error: 0.01,
        distances: 10.0 * ef as f64,
    };
    Curve {
        k,
        source,
        sample: 192,
        elements: 257,
        inserts: 280,
        asked: 40,
        at_ms: 5,
        spread: 0.11,
        ceiling: 0.99,
        points: vec![point(k, 0.8), point(2 * k, 0.9)],
    }
}

/// Lets it know something, by queries of so many components.
fn teach(calibration: &Calibration, components: usize) {
    (0..70).for_each(|n| calibration.note(&vec![n as f32; components]));
    calibration.put(curve(10, QuerySource::Asked));
    calibration.put(curve(20, QuerySource::Elements));
}

fn collection(keyspace: &Keyspace, key: &str) -> Arc<Collection> {
    match keyspace.database(0).peek(key.as_bytes()).unwrap().value {
        Value::Collection(collection) => collection,
        _ => panic!("{key} is no collection"),
    }
}

/// What is known of two collections, of one of which nobody relies on a curve, of one without a graph, and of the field.
fn known(keyspace: &Keyspace) -> [SavedCalibration; 4] {
    let of = |key: &str| {
        let collection = collection(keyspace, key);
        let (index, inserts) = (collection.index(), collection.inserts());
        collection.calibration().save(index, inserts, true)
    };
    let index = keyspace.indexes().get(b"idx").unwrap();
    let field = SavedCalibration {
        // Counted anew at a load; what matters is how far a curve is behind it.
        inserts: 0,
        ..index.save_calibration(FIELD, true)
    };
    [of("set 0"), of("set 1"), of("set 2"), field]
}

/// Collections and an index of which something is known.
fn taught() -> Writer {
    let mut random = Random(11);
    let mut writer = with_documents(&mut random);
    add_collections(&mut writer, &mut random);
    let keyspace = &writer.keyspace;
    teach(collection(keyspace, "set 0").calibration(), 16);
    collection(keyspace, "set 0").index().load_spread(0.11, 200);
    collection(keyspace, "set 1").index().load_spread(0.2, 99);
    teach(collection(keyspace, "set 2").calibration(), 16);
    let index = keyspace.indexes().get(b"idx").unwrap();
    teach(index.calibration(FIELD), 2);
    index.vectors(FIELD).unwrap().load_spread(0.3, 1_000);
    writer
}

#[test]
fn what_is_known_of_recall_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = taught();
    let before = known(&writer.keyspace);
    assert_eq!((before[0].curves.len(), before[0].asked.len()), (2, 70));
    assert_eq!(before[1].spread, Some((0.2, 99)));
    assert!(before[1].asked.is_empty() && before[2].is_empty());
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert_eq!(loaded.damaged, []);
    let mut after = known(&keyspace);
    let written = writer.keyspace.indexes().get(b"idx").unwrap().inserts();
    let indexed = keyspace.indexes().get(b"idx").unwrap().inserts();
    for curve in &mut after[3].curves {
        assert_eq!(indexed - curve.inserts, (written - 280).min(indexed));
        curve.inserts = 280;
    }
    assert_eq!(after, before);
}

#[test]
fn queries_stay_out_of_a_snapshot_that_shall_not_have_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = taught();
    writer.keyspace.keep_queries(false);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let (keyspace, _) = load_now(dir.path()).unwrap();
    for known in [&known(&keyspace)[0], &known(&keyspace)[3]] {
        assert_eq!((known.curves.len(), known.asked.len()), (2, 0));
    }
}

#[test]
fn snapshots_without_what_is_known_of_recall_are_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = taught();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let mut manifest = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let kinds = [Kind::Calibration, Kind::FieldCalibration];
    let before = manifest.images.len();
    manifest
        .images
        .retain(|place, _| !kinds.contains(&place.kind));
    // Two collections and a field: there is no image that says nothing.
    assert_eq!(before - manifest.images.len(), 3);
    manifest.write(&RealDisk, dir.path()).unwrap();
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert_eq!(loaded.damaged, []);
    assert!(known(&keyspace).iter().all(SavedCalibration::is_empty));
    assert!(exact_state(&keyspace) == exact_state(&writer.keyspace));
}

#[test]
fn damaged_images_of_recall_are_forgotten_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = taught();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let state = exact_state(&writer.keyspace);
    let kinds = [Kind::Calibration, Kind::FieldCalibration];
    damage_each(dir.path(), &kinds, |kind, path, loaded| {
        let (keyspace, loaded) = loaded.unwrap();
        let told = format!("{kind:?} {loaded:?}");
        let [damaged] = &loaded.damaged[..] else {
            panic!("{told}");
        };
        let (name, at) = match kind {
            Kind::Calibration => (&b"set 0"[..], 0),
            _ => (&b"idx"[..], 3),
        };
        assert_eq!(damaged.part, DamagedPart::Calibration, "{told}");
        assert_eq!(&*damaged.name, name);
        let path = path.display().to_string();
        assert!(damaged.why.starts_with(&path), "{told}");
        for (place, known) in known(&keyspace).iter().enumerate() {
            assert_eq!(known.is_empty(), place == at || place == 2, "{told}");
        }
        assert_eq!(loaded.indexed, 0, "{told}");
        assert!(exact_state(&keyspace) == state, "{told}");
    });
}

//! Collections, their elements and their graphs.

use super::*;

const DIM: u32 = 16;

fn schema(quantization: Quantization, kind: IndexKind, declared: bool) -> Schema {
    let metric = if quantization == Quantization::F16 {
        Metric::L2
    } else {
        Metric::Cosine
    };
    let index = IndexOptions {
        dim: DIM,
        metric,
        quantization,
        kind,
        m: 8,
        ef_construction: 40,
        walked_on: WalkedOn::Codes,
    };
    Schema {
        index,
        projected_from: None,
        declared,
        recall: None,
    }
}

/// The collections of the tests: one of each storage, one without a graph.
fn schema_of(key: usize) -> Schema {
    match key {
        0 => schema(Quantization::Int8, IndexKind::Hnsw, false),
        1 => {
            let mut schema = schema(Quantization::F32, IndexKind::Hnsw, true);
            schema.index.walked_on = WalkedOn::Stored;
            schema.recall = Some(990_000);
            schema
        }
        2 => schema(Quantization::F16, IndexKind::Flat, true),
        _ => schema(Quantization::Bit, IndexKind::Hnsw, false),
    }
}

fn vector(random: &mut Random) -> Vec<f32> {
    (0..DIM)
        .map(|_| random.below(2_001) as f32 / 1_000.0 - 1.0)
        .collect()
}

fn upsert(writer: &mut Writer, random: &mut Random, key: usize, element: u64) {
    let attributes = match random.below(3) {
        0 => None,
        1 => Some(Bytes::new()),
        _ => Some(bytes(&format!("{{\"n\":{}}}", random.below(1_000)))),
    };
    let upsert = Upsert {
        element: bytes(&format!("element {element}")),
        vector: vector(random),
        schema: Some(schema_of(key)),
        ef: None,
        attributes,
    };
    writer.apply(0, &format!("set {key}"), Effect::Upsert(Box::new(upsert)));
}

/// One random change of a collection.
fn alter_collection(writer: &mut Writer, random: &mut Random) {
    let number = random.below(4) as usize;
    let key = format!("set {number}");
    let name = random.below(400);
    let element = bytes(&format!("element {name}"));
    match random.below(40) {
        0 => writer.apply(0, &key, Effect::Delete),
        1 => writer.apply(
            0,
            &key,
            Effect::Rename {
                to: Key::from(format!("set {}", 9 - number).as_bytes()),
            },
        ),
        2 => writer.apply(0, &format!("set {}", 9 - number), Effect::Move { to_db: 1 }),
        3 => writer.apply(
            0,
            &key,
            Effect::ExpireAt {
                at_ms: random.below(1_000),
            },
        ),
        4 => writer.apply(
            0,
            "string 1",
            Effect::Rename {
                to: Key::from(key.as_bytes()),
            },
        ),
        5 => writer.apply(
            0,
            &key,
            Effect::Copy {
                to_db: 1,
                to: Key::from(format!("copy {number}").as_bytes()),
            },
        ),
        6..14 => writer.apply(0, &key, Effect::Remove { element }),
        14..24 => {
            let attributes = bytes(&format!("{{\"m\":{}}}", random.below(1_000)));
            writer.apply(
                0,
                &key,
                Effect::SetAttributes {
                    element,
                    attributes,
                },
            );
        }
        _ => upsert(writer, random, number, name),
    }
}

pub(super) fn with_collections(random: &mut Random) -> Writer {
    let mut writer = filled();
    add_collections(&mut writer, random);
    writer
}

pub(super) fn add_collections(writer: &mut Writer, random: &mut Random) {
    for key in 0..4 {
        (0..300).for_each(|element| upsert(writer, random, key, element));
        for element in (0..300).step_by(7) {
            let element = bytes(&format!("element {element}"));
            writer.apply(0, &format!("set {key}"), Effect::Remove { element });
        }
    }
}

/// Every graph keeps its invariants.
pub(super) fn check_graphs(keyspace: &Keyspace) {
    for db in 0..keyspace.databases() {
        let (_, keys) = keyspace.database(db).scan(0, usize::MAX, 0);
        for (key, entry) in keys {
            if let Value::Collection(collection) = entry.value {
                collection
                    .index()
                    .check()
                    .unwrap_or_else(|fault| panic!("{key:?}: {fault}"));
                assert_eq!(collection.index().len(), collection.len());
            }
        }
    }
}

#[test]
fn collections_are_loaded_with_their_graphs() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(1);
    let mut writer = with_collections(&mut random);
    let saved = save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!(saved.elements, 4 * (300 - 43));
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert_eq!((loaded.elements, loaded.relinked), (saved.elements, 0));
    assert_eq!(exact_state(&keyspace), exact_state(&writer.keyspace));
    check_graphs(&keyspace);
    let collection = |keyspace: &Keyspace| match keyspace.database(0).peek(b"set 0").unwrap().value
    {
        Value::Collection(collection) => collection,
        _ => panic!("not a collection"),
    };
    let (before, after) = (collection(&writer.keyspace), collection(&keyspace));
    assert_eq!(
        (before.id(), before.inserts()),
        (after.id(), after.inserts())
    );
    for slot in 0..before.index().slots_end() {
        assert_eq!(before.index().is_live(slot), after.index().is_live(slot));
        if before.index().is_live(slot) {
            assert_eq!(linked(&before, slot), linked(&after, slot), "slot {slot}");
        }
    }
    assert_eq!(
        keyspace.next_collection_id(),
        writer.keyspace.next_collection_id()
    );
}

/// The slots that a slot is linked to, by layer.
fn linked(collection: &Collection, slot: u32) -> Vec<Vec<u32>> {
    let layers = collection.index().links(slot);
    let slots = layers
        .into_iter()
        .map(|layer| layer.iter().map(|link| link.slot).collect());
    let sorted = |mut slots: Vec<u32>| {
        slots.sort_unstable();
        slots
    };
    slots.map(sorted).collect()
}

#[test]
fn collections_are_exact_at_the_cut_whatever_is_written_during_the_walk() {
    for seed in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let mut random = Random(seed);
        let mut writer = with_collections(&mut random);
        (0..100).for_each(|_| alter_collection(&mut writer, &mut random));
        let expected = exact_state(&writer.keyspace);
        let mut step = 0;
        let mut act = |writer: &mut Writer| {
            step += 1;
            let changes = if step > 3 * SHARDS {
                20
            } else {
                u64::from(step % 16 == 0)
            };
            (0..changes).for_each(|_| alter_collection(writer, &mut random));
        };
        save_while(&mut writer, dir.path(), &RealDisk, &mut act).unwrap();
        assert!(
            step > 3 * SHARDS + 10,
            "the test must write between segments"
        );
        assert_loads_as(dir.path(), &expected, &format!("seed {seed}"));
        check_graphs(&load_now(dir.path()).unwrap().0);
    }
}

#[test]
fn writers_of_other_threads_do_not_show_in_the_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(3);
    let mut writer = with_collections(&mut random);
    for save in 0..6 {
        let expected = exact_state(&writer.keyspace);
        let (keyspace, stop) = (Arc::clone(&writer.keyspace), AtomicBool::new(false));
        // Numbers are drawn after the cut was published, as under the log's lock.
        let begun = AtomicBool::new(false);
        let (begun, stop) = (&begun, &stop);
        std::thread::scope(|scope| {
            let mut other = Writer {
                keyspace,
                number: writer.number,
            };
            let writing = scope.spawn(move || {
                let mut random = Random(100 + save);
                while !begun.load(Ordering::Acquire) {
                    std::hint::spin_loop();
                }
                while !stop.load(Ordering::Acquire) {
                    alter_collection(&mut other, &mut random);
                }
                other.number
            });
            let mut act = |_: &mut Writer| begun.store(true, Ordering::Release);
            let saved = save_while(&mut writer, dir.path(), &RealDisk, &mut act);
            stop.store(true, Ordering::Release);
            writer.number = writing.join().unwrap();
            saved.unwrap();
        });
        assert_loads_as(dir.path(), &expected, &format!("save {save}"));
        check_graphs(&load_now(dir.path()).unwrap().0);
    }
}

/// The walk lists a segment under its lock and reads the vectors without it.
#[test]
fn vectors_that_die_between_listing_and_reading_are_saved() {
    const ELEMENTS: u64 = 6_000;
    let mut random = Random(9);
    let mut writer = Writer::new();
    let mut flat = schema(Quantization::F32, IndexKind::Flat, true);
    flat.index.dim = 512;
    let put = |writer: &mut Writer, random: &mut Random, element: u64| {
        let upsert = Upsert {
            element: bytes(&format!("element {element}")),
            vector: (0..512).map(|_| random.below(99) as f32).collect(),
            schema: Some(flat.clone()),
            ef: None,
            attributes: None,
        };
        writer.apply(0, "flat", Effect::Upsert(Box::new(upsert)));
    };
    (0..ELEMENTS).for_each(|element| put(&mut writer, &mut random, element));
    for save in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let expected = exact_state(&writer.keyspace);
        let (begun, stop) = (&AtomicBool::new(false), &AtomicBool::new(false));
        std::thread::scope(|scope| {
            let keyspace = Arc::clone(&writer.keyspace);
            let mut other = Writer {
                keyspace,
                number: writer.number,
            };
            let writing = scope.spawn(move || {
                let mut random = Random(200 + save);
                while !stop.load(Ordering::Acquire) {
                    if begun.load(Ordering::Acquire) {
                        let element = random.below(ELEMENTS);
                        put(&mut other, &mut random, element);
                    }
                }
                other.number
            });
            // Keys first; the writer begins with the first segment, lest it alters all elements before.
            let mut step = 0;
            let mut act = |_: &mut Writer| {
                step += 1;
                begun.store(step > 3 * SHARDS, Ordering::Release);
            };
            let saved = save_while(&mut writer, dir.path(), &RealDisk, &mut act);
            stop.store(true, Ordering::Release);
            writer.number = writing.join().unwrap();
            saved.unwrap();
        });
        assert_loads_as(dir.path(), &expected, &format!("save {save}"));
    }
}

#[test]
fn a_flush_during_a_save_cancels_it_and_the_next_one_sees_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(2);
    let mut writer = with_collections(&mut random);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let expected = exact_state(&writer.keyspace);
    let mut step = 0;
    let saved = save_while(&mut writer, dir.path(), &RealDisk, &mut |writer| {
        step += 1;
        if step == 2 {
            // Handed over to this save: the old values, in shards and segments that it will not reach.
            (0..100).for_each(|element| upsert(writer, &mut random, 1, element));
            (0..100).for_each(|i| writer.set(1, &format!("string {i}"), "new"));
            (0..100).for_each(|i| writer.set(0, &format!("string {i}"), "new"));
            writer.apply(1, "", Effect::FlushDb);
        }
    });
    assert!(matches!(saved, Err(SaveError::Cancelled)));
    assert_loads_as(dir.path(), &expected, "the old one");
    let expected = exact_state(&writer.keyspace);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_loads_as(dir.path(), &expected, "the new one");
}

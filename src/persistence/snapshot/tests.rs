//! Saving and loading together: exact at the cut whatever writers do, and what happens when the disk does not play along.

use super::catalog::Catalog;
use super::image::Kind;
use super::load::{self, Found, Loaded};
use super::manifest::{self, Manifest, PackId};
use super::write::{Committed, SaveError, SaveJob, SaveProgress, remove_replaced, save};
use super::{SnapshotError, pack};
use crate::keyspace::change::{Change, Effect, Expiry, Upsert};
use crate::keyspace::collection::{
    Collection, IndexKind, IndexOptions, Metric, Quantization, Schema, WalkedOn,
};
use crate::keyspace::digest::{KeyState, exact_state};
use crate::keyspace::table::SHARDS;
use crate::keyspace::{Key, Keyspace, Value};
use crate::persistence::disk::fault::{Fault, FaultDisk};
use crate::persistence::disk::{Disk, RealDisk};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

mod indexes;

const LINEAGE: u64 = 77;
const SEED: u64 = 5;

/// A keyspace whose changes are numbered as they come.
struct Writer {
    keyspace: Arc<Keyspace>,
    number: u64,
}

impl Writer {
    fn new() -> Writer {
        Writer {
            keyspace: Arc::new(Keyspace::new(3, SEED)),
            number: 0,
        }
    }

    fn apply(&mut self, db: usize, key: &str, effect: Effect) {
        self.number += 1;
        self.keyspace
            .apply(Change::new(db, key.as_bytes(), effect), self.number);
    }

    fn set(&mut self, db: usize, key: &str, value: &str) {
        self.apply(
            db,
            key,
            Effect::Set {
                value: bytes(value),
                expiry: Expiry::Clear,
            },
        );
    }

    fn set_field(&mut self, db: usize, key: &str, field: &str, value: &str) {
        let fields = vec![(bytes(field), bytes(value))];
        self.apply(
            db,
            key,
            Effect::HashSet {
                fields,
                expiry: Expiry::Keep,
            },
        );
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Strings, hashes and expiries in two databases.
fn filled() -> Writer {
    let mut writer = Writer::new();
    for i in 0..300 {
        writer.set(i % 2, &format!("string {i}"), &format!("value {i}"));
        writer.set_field(
            0,
            &format!("hash {}", i % 20),
            &format!("field {i}"),
            &format!("value {i}"),
        );
    }
    for i in 0..50 {
        writer.apply(
            0,
            &format!("string {}", i * 4),
            Effect::ExpireAt { at_ms: 10_000 + i },
        );
        let fields = vec![bytes(&format!("field {}", i * 3))];
        writer.apply(
            0,
            &format!("hash {}", (i * 3) % 20),
            Effect::HashExpireAt {
                at_ms: 20_000 + i,
                fields,
            },
        );
    }
    writer
}

/// A save as the engine does it, with nobody else about.
fn save_now(writer: &mut Writer, dir: &Path, disk: &dyn Disk) -> Result<Committed, SaveError> {
    save_while(writer, dir, disk, &mut |_| {})
}

/// A save during which `act` runs before each shard and segment.
fn save_while(
    writer: &mut Writer,
    dir: &Path,
    disk: &dyn Disk,
    act: &mut dyn FnMut(&mut Writer),
) -> Result<Committed, SaveError> {
    save_with(writer, dir, disk, &Catalog::new(dir), act)
}

fn save_with(
    writer: &mut Writer,
    dir: &Path,
    disk: &dyn Disk,
    catalog: &Catalog,
    act: &mut dyn FnMut(&mut Writer),
) -> Result<Committed, SaveError> {
    let keyspace = Arc::clone(&writer.keyspace);
    let clock = keyspace.save_clock();
    let job = SaveJob {
        save: clock.begin(writer.number),
        cut: writer.number,
        dir,
        lineage: LINEAGE,
    };
    let acting = RefCell::new((writer, act));
    let is_cancelled = || {
        let (writer, act) = &mut *acting.borrow_mut();
        act(writer);
        !clock.is_running(job.save)
    };
    let saved = save(
        &keyspace,
        &job,
        disk,
        catalog,
        &is_cancelled,
        &SaveProgress::default(),
    );
    keyspace.cancel_save();
    let saved = saved?;
    remove_replaced(disk, dir, &saved)?;
    Ok(saved)
}

/// The newest snapshot, loaded.
fn load_now(dir: &Path) -> Result<(Keyspace, Loaded), SnapshotError> {
    load_from(&RealDisk, dir, &Catalog::new(dir))
}

fn load_from(
    disk: &dyn Disk,
    dir: &Path,
    catalog: &Catalog,
) -> Result<(Keyspace, Loaded), SnapshotError> {
    match load::find(disk, dir, catalog)? {
        Found::Newest(manifest) => {
            let keyspace = Keyspace::new(3, manifest.state.seed);
            let loaded = load::load(&manifest, &keyspace, disk, dir)?;
            Ok((keyspace, loaded))
        }
        found => panic!("no newest snapshot: {found:?}"),
    }
}

fn assert_loads_as(dir: &Path, expected: &BTreeMap<(usize, Key), KeyState>, told: &str) {
    let (keyspace, _) = load_now(dir).unwrap();
    let got = exact_state(&keyspace);
    for (key, state) in expected {
        assert_eq!(got.get(key), Some(state), "{told}: {key:?}");
    }
    assert_eq!(got.len(), expected.len(), "{told}: keys too many");
}

/// Files below `dir`, apart from sled's.
fn files(dir: &Path) -> Vec<String> {
    let mut names = RealDisk.list(dir).unwrap();
    names.extend(
        RealDisk
            .list(&super::packs_dir(dir))
            .unwrap()
            .iter()
            .map(|name| format!("packs/{name}")),
    );
    names.retain(|name| !name.starts_with("catalog") && name != "packs");
    names.sort();
    names
}

#[test]
fn what_was_saved_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    let saved = save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!((saved.generation(), saved.keys, saved.packs()), (1, 320, 1));
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert_eq!(
        loaded,
        Loaded {
            keys: 320,
            elements: 0,
            relinked: 0,
            taken: 0,
            indexed: 0,
            bytes: saved.bytes,
            damaged: Vec::new(),
        }
    );
    assert_eq!(exact_state(&keyspace), exact_state(&writer.keyspace));
    assert_eq!(
        keyspace.database(0).expiring(),
        writer.keyspace.database(0).expiring()
    );
}

#[test]
fn an_empty_keyspace_is_saved_too() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        load::find(&RealDisk, dir.path(), &Catalog::new(dir.path())),
        Ok(Found::None)
    ));
    save_now(&mut Writer::new(), dir.path(), &RealDisk).unwrap();
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert_eq!(loaded, Loaded::default());
    assert!(exact_state(&keyspace).is_empty());
}

#[test]
fn a_new_save_replaces_the_files_of_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!(files(dir.path()), ["MANIFEST-1", "packs/1-0.pack"]);
    writer.set(0, "one more", "value");
    // A killed save of the next generation, an unfinished manifest, and files of others.
    for name in [
        "packs/2-7.pack",
        "packs/notes",
        "packs/9-0.pack",
        "MANIFEST-1.tmp",
    ] {
        std::fs::write(dir.path().join(name), b"leftover").unwrap();
    }
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!(
        files(dir.path()),
        [
            "MANIFEST-2",
            "packs/2-0.pack",
            "packs/9-0.pack",
            "packs/notes"
        ]
    );
    assert_loads_as(dir.path(), &exact_state(&writer.keyspace), "second save");
}

/// A small random number generator, so that a seed replays a test.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// One random change of a key; keys, names and fields are few, so that they meet.
fn alter_key(writer: &mut Writer, random: &mut Random) {
    let string = format!("string {}", random.below(300));
    let hash = format!("hash {}", random.below(25));
    let field = format!("field {}", random.below(300));
    let db = random.below(2) as usize;
    match random.below(11) {
        0 => writer.set(db, &string, "new"),
        1 => writer.apply(db, &string, Effect::Delete),
        2 => writer.apply(0, &hash, Effect::Delete),
        3 => writer.set_field(0, &hash, &field, "new"),
        4 => writer.apply(
            0,
            &hash,
            Effect::HashDelete {
                fields: vec![bytes(&field)],
            },
        ),
        5 => writer.apply(
            0,
            &hash,
            Effect::HashExpireAt {
                at_ms: 30_000,
                fields: vec![bytes(&field)],
            },
        ),
        6 => writer.apply(
            0,
            &hash,
            Effect::Rename {
                to: Key::from(hash.replace("hash", "string").as_bytes()),
            },
        ),
        7 => writer.apply(db, &string, Effect::Move { to_db: 1 - db }),
        8 => writer.apply(
            db,
            &string,
            Effect::Copy {
                to_db: 2,
                to: Key::from(string.as_bytes()),
            },
        ),
        9 => writer.apply(
            db,
            &string,
            Effect::Append {
                suffix: bytes("more"),
            },
        ),
        _ => writer.apply(
            db,
            &string,
            Effect::ExpireAt {
                at_ms: random.below(100_000),
            },
        ),
    }
}

#[test]
fn keys_are_exact_at_the_cut_whatever_is_written_during_the_walk() {
    for seed in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = filled();
        let mut random = Random(seed);
        (0..200).for_each(|_| alter_key(&mut writer, &mut random));
        let expected = exact_state(&writer.keyspace);
        let mut act = |writer: &mut Writer| alter_key(writer, &mut random);
        save_while(&mut writer, dir.path(), &RealDisk, &mut act).unwrap();
        assert_loads_as(dir.path(), &expected, &format!("seed {seed}"));
        assert_ne!(
            exact_state(&writer.keyspace),
            expected,
            "the test must write"
        );
    }
}

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

fn with_collections(random: &mut Random) -> Writer {
    let mut writer = filled();
    for key in 0..4 {
        (0..300).for_each(|element| upsert(&mut writer, random, key, element));
        for element in (0..300).step_by(7) {
            let element = bytes(&format!("element {element}"));
            writer.apply(0, &format!("set {key}"), Effect::Remove { element });
        }
    }
    writer
}

/// Every graph keeps its invariants.
fn check_graphs(keyspace: &Keyspace) {
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
fn a_save_that_fails_anywhere_leaves_the_old_snapshot_or_the_new_one() {
    let mut failed = 0;
    for call in 0.. {
        let (disk, dir, catalogs) = (
            FaultDisk::new(),
            Path::new("data"),
            tempfile::tempdir().unwrap(),
        );
        let catalog = Catalog::new(catalogs.path());
        let mut writer = filled();
        save_with(&mut writer, dir, &disk, &catalog, &mut |_| {}).unwrap();
        let old = exact_state(&writer.keyspace);
        writer.set(0, "string 1", "later");
        let new = exact_state(&writer.keyspace);
        let fault = [Fault::Half, Fault::Error(io::ErrorKind::StorageFull)][call as usize % 2];
        let fault_at = disk.calls() + call;
        disk.fail_at(fault_at, fault);
        let saved = save_with(&mut writer, dir, &disk, &catalog, &mut |writer| {
            writer.set_field(0, "hash 1", "field 1", "during the save");
        });
        let is_over = disk.calls() <= fault_at;
        failed += u64::from(saved.is_err());
        let loaded = exact_state(&load_from(&disk, dir, &catalog).unwrap().0);
        assert!(loaded == old || loaded == new, "call {call}");
        // Whatever the failure left behind, the next one is whole.
        let disk = disk.kill();
        save_with(&mut writer, dir, &disk, &catalog, &mut |_| {}).unwrap();
        let loaded = exact_state(&load_from(&disk, dir, &catalog).unwrap().0);
        assert_eq!(loaded, exact_state(&writer.keyspace), "call {call}");
        assert_eq!(disk.files().len(), 2, "call {call}: {:?}", disk.files());
        if is_over {
            break;
        }
    }
    assert!(failed > 5, "the test must have failed somewhere");
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

#[test]
fn a_damaged_manifest_is_replaced_by_the_catalogue_of_its_generation() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let expected = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let path = manifest::path(dir.path(), 1);
    let good = std::fs::read(&path).unwrap();
    let catalog = Catalog::new(dir.path());
    let find = |catalog: &Catalog| load::find(&RealDisk, dir.path(), catalog);
    for at in (0..good.len()).step_by(1 + good.len() / 200) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bad).unwrap();
        match find(&catalog) {
            Ok(Found::Newest(manifest)) => assert_eq!(manifest, expected, "byte {at}"),
            found => panic!("byte {at}: {found:?}"),
        }
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(find(&catalog), Ok(Found::Newest(manifest)) if manifest == expected));
    std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    drop(catalog);
    std::fs::remove_dir_all(dir.path().join("catalog")).unwrap();
    assert!(matches!(
        find(&Catalog::new(dir.path())),
        Err(SnapshotError::Damaged { .. })
    ));
}

#[test]
fn an_older_catalogue_or_manifest_is_never_taken_for_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let first = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let first_bytes = std::fs::read(manifest::path(dir.path(), 1)).unwrap();
    writer.set(0, "string 1", "later");
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let catalog = Catalog::new(dir.path());
    catalog.replace(&first).unwrap();
    assert_loads_as(
        dir.path(),
        &exact_state(&writer.keyspace),
        "an older catalogue",
    );
    std::fs::write(manifest::path(dir.path(), 2), b"damaged").unwrap();
    assert!(matches!(
        load::find(&RealDisk, dir.path(), &catalog),
        Err(SnapshotError::Damaged { .. })
    ));
    std::fs::write(manifest::path(dir.path(), 1), first_bytes).unwrap();
    match load::find(&RealDisk, dir.path(), &catalog) {
        Ok(Found::Older { manifest, .. }) => assert_eq!(manifest, first),
        found => panic!("{found:?}"),
    }
}

#[test]
fn nothing_old_goes_while_the_catalogue_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    writer.set(0, "string 1", "later");
    let clock = writer.keyspace.save_clock();
    let job = SaveJob {
        save: clock.begin(writer.number),
        cut: writer.number,
        dir: dir.path(),
        lineage: LINEAGE,
    };
    let nowhere = Catalog::new(Path::new("/proc/no such directory"));
    let progress = SaveProgress::default();
    let saved = save(
        &writer.keyspace,
        &job,
        &RealDisk,
        &nowhere,
        &|| false,
        &progress,
    )
    .unwrap();
    clock.end();
    assert!(!saved.has_second_copy());
    remove_replaced(&RealDisk, dir.path(), &saved).unwrap();
    assert_eq!(
        files(dir.path()),
        [
            "MANIFEST-1",
            "MANIFEST-2",
            "packs/1-0.pack",
            "packs/2-0.pack"
        ]
    );
    assert_loads_as(
        dir.path(),
        &exact_state(&writer.keyspace),
        "without second copy",
    );
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!(files(dir.path()), ["MANIFEST-3", "packs/3-0.pack"]);
}

#[test]
fn every_damaged_image_refuses_the_load() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(4);
    let mut writer = with_collections(&mut random);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let path = pack::path(
        dir.path(),
        PackId {
            generation: 1,
            number: 0,
        },
    );
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(good.len() / 60) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bad).unwrap();
        match load_now(dir.path()) {
            Err(SnapshotError::Damaged { path: told, .. }) => assert_eq!(told, path, "byte {at}"),
            Err(SnapshotError::Version { .. }) => assert!(at < 40, "byte {at}"),
            other => panic!("byte {at}: {:?}", other.map(|(_, loaded)| loaded)),
        }
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        load_now(dir.path()),
        Err(SnapshotError::Io { .. })
    ));
}

#[test]
fn a_graph_that_lost_links_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(5);
    let mut writer = with_collections(&mut random);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let mut manifest = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let before = manifest.images.len();
    manifest
        .images
        .retain(|place, _| place.kind != Kind::Links || place.part % 2 == 1);
    assert!(manifest.images.len() < before);
    manifest.write(&RealDisk, dir.path()).unwrap();
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert!(loaded.relinked > 100, "{loaded:?}");
    assert_eq!(exact_state(&keyspace), exact_state(&writer.keyspace));
    check_graphs(&keyspace);
}

#[test]
fn tables_and_images_that_contradict_each_other_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(6);
    let mut writer = with_collections(&mut random);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let good = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let refuses = |spoil: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        spoil(&mut manifest);
        manifest.write(&RealDisk, dir.path()).unwrap();
        assert!(matches!(
            load_now(dir.path()),
            Err(SnapshotError::Damaged { .. })
        ));
    };
    refuses(&|manifest| manifest.state.keys += 1);
    refuses(&|manifest| manifest.state.lineage += 1);
    refuses(&|manifest| manifest.images.retain(|place, _| place.kind != Kind::Names));
    refuses(&|manifest| manifest.images.retain(|place, _| place.kind != Kind::Keys));
    refuses(&|manifest| {
        manifest
            .images
            .retain(|place, _| place.owner != 0 || place.part != 1)
    });
    refuses(&|manifest| {
        manifest
            .collections
            .values_mut()
            .for_each(|record| record.schema.index.dim = 15)
    });
    good.write(&RealDisk, dir.path()).unwrap();
    let small = Keyspace::new(1, SEED);
    let loaded = load::load(&good, &small, &RealDisk, dir.path());
    assert!(matches!(
        loaded,
        Err(SnapshotError::Databases {
            found: 1,
            configured: 1
        })
    ));
}

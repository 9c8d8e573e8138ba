//! Saving and loading together: exact at the cut whatever writers do, and what happens when the disk does not play along.

use super::catalog::Catalog;
use super::load::{self, Found, Loaded};
use super::manifest::{self, Manifest, PackId};
use super::write::{Committed, SaveError, SaveJob, SaveProgress, remove_replaced, save};
use super::{SnapshotError, pack};
use crate::keyspace::change::{Change, Effect, Expiry};
use crate::keyspace::digest::{KeyState, exact_state};
use crate::keyspace::{Key, Keyspace};
use crate::persistence::disk::{Disk, DiskFile, RealDisk};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const LINEAGE: u64 = 77;
const SEED: u64 = 5;

/// A keyspace whose changes are numbered as they come.
struct Writer {
    keyspace: Arc<Keyspace>,
    number: u64,
}

impl Writer {
    fn new() -> Writer {
        Writer { keyspace: Arc::new(Keyspace::new(3, SEED)), number: 0 }
    }

    fn apply(&mut self, db: usize, key: &str, effect: Effect) {
        self.number += 1;
        self.keyspace.apply(Change::new(db, key.as_bytes(), effect), self.number);
    }

    fn set(&mut self, db: usize, key: &str, value: &str) {
        self.apply(db, key, Effect::Set { value: bytes(value), expiry: Expiry::Clear });
    }

    fn set_field(&mut self, db: usize, key: &str, field: &str, value: &str) {
        let fields = vec![(bytes(field), bytes(value))];
        self.apply(db, key, Effect::HashSet { fields, expiry: Expiry::Keep });
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
        writer.set_field(0, &format!("hash {}", i % 20), &format!("field {i}"), &format!("value {i}"));
    }
    for i in 0..50 {
        writer.apply(0, &format!("string {}", i * 4), Effect::ExpireAt { at_ms: 10_000 + i });
        let fields = vec![bytes(&format!("field {}", i * 3))];
        writer.apply(0, &format!("hash {}", (i * 3) % 20), Effect::HashExpireAt { at_ms: 20_000 + i, fields });
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
    let keyspace = Arc::clone(&writer.keyspace);
    let clock = keyspace.save_clock();
    let job = SaveJob { save: clock.begin(writer.number), cut: writer.number, dir, lineage: LINEAGE };
    let acting = RefCell::new((writer, act));
    let is_cancelled = || {
        let (writer, act) = &mut *acting.borrow_mut();
        act(writer);
        !clock.is_running(job.save)
    };
    let progress = SaveProgress::default();
    let saved = save(&keyspace, &job, disk, &Catalog::new(dir), &is_cancelled, &progress);
    keyspace.cancel_save();
    let saved = saved?;
    remove_replaced(disk, dir, &saved)?;
    Ok(saved)
}

/// The newest snapshot, loaded.
fn load_now(dir: &Path) -> Result<(Keyspace, Loaded), SnapshotError> {
    match load::find(&RealDisk, dir, &Catalog::new(dir))? {
        Found::Newest(manifest) => {
            let keyspace = Keyspace::new(3, manifest.state.seed);
            let loaded = load::load(&manifest, &keyspace, &RealDisk, dir)?;
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
    names.extend(RealDisk.list(&super::packs_dir(dir)).unwrap().iter().map(|name| format!("packs/{name}")));
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
    assert_eq!(loaded, Loaded { keys: 320, elements: 0, relinked: 0 });
    assert_eq!(exact_state(&keyspace), exact_state(&writer.keyspace));
    assert_eq!(keyspace.database(0).expiring(), writer.keyspace.database(0).expiring());
}

#[test]
fn an_empty_keyspace_is_saved_too() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(load::find(&RealDisk, dir.path(), &Catalog::new(dir.path())), Ok(Found::None)));
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
    for name in ["packs/2-7.pack", "packs/notes", "packs/9-0.pack", "MANIFEST-1.tmp"] {
        std::fs::write(dir.path().join(name), b"leftover").unwrap();
    }
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!(files(dir.path()), ["MANIFEST-2", "packs/2-0.pack", "packs/9-0.pack", "packs/notes"]);
    assert_loads_as(dir.path(), &exact_state(&writer.keyspace), "second save");
}

/// A small random number generator, so that a seed replays a test.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
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
        4 => writer.apply(0, &hash, Effect::HashDelete { fields: vec![bytes(&field)] }),
        5 => writer.apply(0, &hash, Effect::HashExpireAt { at_ms: 30_000, fields: vec![bytes(&field)] }),
        6 => writer.apply(0, &hash, Effect::Rename { to: Key::from(hash.replace("hash", "string").as_bytes()) }),
        7 => writer.apply(db, &string, Effect::Move { to_db: 1 - db }),
        8 => writer.apply(db, &string, Effect::Copy { to_db: 2, to: Key::from(string.as_bytes()) }),
        9 => writer.apply(db, &string, Effect::Append { suffix: bytes("more") }),
        _ => writer.apply(db, &string, Effect::ExpireAt { at_ms: random.below(100_000) }),
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
        assert_ne!(exact_state(&writer.keyspace), expected, "the test must write");
    }
}


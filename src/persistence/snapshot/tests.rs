//! Saving and loading together. Here is what all of these tests are made of; keys.rs, collections.rs and indexes.rs hold that a
//! snapshot is exact at the cut whatever writers do, calibrations.rs that it keeps what is known of recall, files.rs and damage.rs what happens when the disk does not play along.

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

mod calibrations;
mod collections;
mod damage;
mod files;
mod indexes;
mod keys;

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

//! Starting on directories of every kind, on the disk's test twin; the catalogue, which sled writes by itself, is in a directory
//! of its own.

use super::*;
use crate::keyspace::change::{Change, Effect, Expiry, Upsert};
use crate::keyspace::collection::{
    IndexKind, IndexOptions, Metric, Quantization, Schema, WalkedOn,
};
use crate::keyspace::digest::{KeyState, exact_state};
use crate::keyspace::{Key, Value};
use crate::persistence::disk::fault::{Fault, FaultDisk, PowerCut};
use crate::persistence::log::{EncodedRecord, FsyncPolicy, Log, LogOptions, LogStart};
use crate::persistence::snapshot::manifest;
use crate::persistence::snapshot::write::{SaveJob, SaveProgress, remove_replaced, save};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use tempfile::TempDir;

const DATABASES: usize = 3;
const DIM: u32 = 8;

type State = BTreeMap<(usize, Key), KeyState>;

fn dir() -> &'static Path {
    Path::new("data")
}

fn directory() -> LogDirectory {
    LogDirectory::new(dir(), "appendonlydir", "appendonly.aof")
}

fn try_recover(disk: &FaultDisk, catalog: &Catalog) -> Result<Recovered, RecoveryError> {
    let options = RecoveryOptions {
        dir: dir(),
        log: directory(),
        may_cut: true,
        databases: DATABASES,
        identity_if_new: (111, 222),
    };
    recover(disk, catalog, &options)
}

/// The part of an engine that touches the disk.
struct Server {
    disk: FaultDisk,
    catalog: Catalog,
    keyspace: Keyspace,
    lineage: u64,
    log: Log,
    has_log: bool,
}

impl Server {
    fn start(disk: &FaultDisk, catalogs: &Path, has_log: bool) -> Server {
        Server::try_start(disk, catalogs, has_log).unwrap()
    }

    fn try_start(
        disk: &FaultDisk,
        catalogs: &Path,
        has_log: bool,
    ) -> Result<Server, RecoveryError> {
        let catalog = Catalog::new(catalogs);
        let _ = disk.create_dir(dir());
        let recovered = try_recover(disk, &catalog)?;
        let Recovered {
            keyspace,
            lineage,
            snapshot_cut,
            log: contents,
            ..
        } = recovered;
        let seed = keyspace.seed();
        let has_snapshot = snapshot_cut.is_some();
        let start = LogStart {
            lineage,
            seed,
            salt: 9,
            has_snapshot,
            contents,
        };
        let options = LogOptions {
            directory: directory(),
            is_enabled: has_log,
            policy: FsyncPolicy::Always,
            has_thread: false,
        };
        let log = Log::start(Arc::new(disk.clone()), start, options, Box::new(|| {}))?;
        Ok(Server {
            disk: disk.clone(),
            catalog,
            keyspace,
            lineage,
            log,
            has_log,
        })
    }

    /// Applies and logs changes as one record; whether they are safe.
    fn write(&mut self, changes: &[Change]) -> bool {
        let last = self.log.append(&EncodedRecord::of(changes), |_| {});
        let first = last + 1 - changes.len() as u64;
        for (number, change) in (first..).zip(changes) {
            self.keyspace.apply(change.clone(), number);
        }
        self.has_log && self.log.sync_through(last).is_ok()
    }

    /// A save as the engine does it; whether it is committed.
    fn save(&mut self) -> bool {
        if self.log.prepare_file().is_err() {
            return false;
        }
        let mut number = 0;
        let cut = self
            .log
            .cut(|last| number = self.keyspace.save_clock().begin(last));
        let job = SaveJob {
            save: number,
            cut,
            dir: dir(),
            lineage: self.lineage,
        };
        let progress = SaveProgress::default();
        let saved = save(
            &self.keyspace,
            &job,
            &self.disk,
            &self.catalog,
            &|| false,
            &progress,
        );
        self.keyspace.cancel_save();
        let Ok(committed) = saved else { return false };
        let _ = self.log.drop_through(cut);
        let _ = remove_replaced(&self.disk, dir(), &committed);
        true
    }

    fn state(&self) -> State {
        exact_state(&self.keyspace)
    }
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

    fn vector(&mut self) -> Vec<f32> {
        (0..DIM)
            .map(|_| self.below(2_001) as f32 / 1_000.0 - 1.0)
            .collect()
    }
}

fn text(text: String) -> Bytes {
    Bytes::from(text)
}

fn set(key: &str, value: &str) -> Change {
    let value = text(value.to_owned());
    Change::new(
        0,
        key.as_bytes(),
        Effect::Set {
            value,
            expiry: Expiry::Clear,
        },
    )
}

fn declared() -> Schema {
    let index = IndexOptions {
        dim: DIM,
        metric: Metric::L2,
        quantization: Quantization::F32,
        kind: IndexKind::Hnsw,
        m: 8,
        ef_construction: 50,
        walked_on: WalkedOn::Stored,
    };
    Schema {
        index,
        projected_from: None,
        declared: true,
        recall: Some(900_000),
    }
}

/// A random change: strings, hashes, a set that VADD makes, a declared collection, keys that move.
fn random_change(random: &mut Random) -> Change {
    let db = usize::from(random.below(4) == 0);
    let string = format!("string {}", random.below(10));
    let kind = random.below(44);
    let names = if kind >= 32 { 3 } else { 30 };
    let element = text(format!("element {}", random.below(names)));
    let upsert = |random: &mut Random, schema| {
        let attributes =
            (random.below(2) == 0).then(|| text(format!("{{\"n\":{}}}", random.below(9))));
        let (element, vector) = (element.clone(), random.vector());
        Effect::Upsert(Box::new(Upsert {
            element,
            vector,
            schema,
            ef: None,
            attributes,
        }))
    };
    let implied = Schema::implied(DIM, None, Quantization::Int8, 16);
    let (key, effect) = match kind {
        0..=1 => (
            string,
            Effect::Set {
                value: text(format!("{}", random.0)),
                expiry: Expiry::Clear,
            },
        ),
        2 => (
            string,
            Effect::Append {
                suffix: text("more".into()),
            },
        ),
        3 => (
            string,
            Effect::ExpireAt {
                at_ms: random.below(1_000),
            },
        ),
        4 => (string, Effect::Delete),
        5..=8 => {
            let fields = vec![(
                text(format!("field {}", random.below(9))),
                text(format!("{}", random.0)),
            )];
            (
                format!("hash {}", random.below(3)),
                Effect::HashSet {
                    fields,
                    expiry: Expiry::Clear,
                },
            )
        }
        9 => {
            let fields = vec![text(format!("field {}", random.below(9)))];
            (
                format!("hash {}", random.below(3)),
                Effect::HashDelete { fields },
            )
        }
        10..=17 => ("set".into(), upsert(random, Some(implied))),
        18..=22 => ("set".into(), Effect::Remove { element }),
        23..=26 => ("declared".into(), upsert(random, None)),
        27 => ("declared".into(), Effect::Remove { element }),
        28 => {
            let attributes = text(format!("{{\"m\":{}}}", random.below(9)));
            (
                "set".into(),
                Effect::SetAttributes {
                    element,
                    attributes,
                },
            )
        }
        // A set of a few elements, which comes and goes.
        32..=36 => ("tiny".into(), upsert(random, Some(implied))),
        37..=41 => ("tiny".into(), Effect::Remove { element }),
        42 => (
            ["set", "tiny", "declared"][random.below(3) as usize].into(),
            Effect::Delete,
        ),
        43 => ("tiny".into(), Effect::ExpireAt { at_ms: 9 }),
        29 => (
            "set".into(),
            Effect::Rename {
                to: Key::from(string.as_bytes()),
            },
        ),
        30 if random.below(10) == 0 => (String::new(), Effect::SwapDb { with: 2 }),
        30 if random.below(10) == 0 => (String::new(), Effect::FlushDb),
        30 => (
            "set".into(),
            Effect::Copy {
                to_db: 1,
                to: Key::from(string.as_bytes()),
            },
        ),
        _ => (
            "declared".into(),
            Effect::CreateCollection {
                schema: Box::new(declared()),
            },
        ),
    };
    Change::new(db, key.as_bytes(), effect)
}

/// Records of one to three random changes, each of which the commands would have let through.
fn random_record(random: &mut Random, keyspace: &Keyspace) -> Vec<Change> {
    let makes_sense = |change: &Change| {
        let there = keyspace
            .database(change.db)
            .peek(&change.key)
            .map(|entry| entry.value);
        let is_set = matches!(&there, Some(Value::Collection(set)) if !set.schema().declared);
        match &change.effect {
            Effect::Upsert(upsert) if upsert.schema.is_some() => there.is_none() || is_set,
            Effect::HashSet { .. } => there.is_none() || matches!(there, Some(Value::Hash(_))),
            Effect::Append { .. } => there.is_none() || matches!(there, Some(Value::String(_))),
            Effect::CreateCollection { .. } => there.is_none(),
            _ => true,
        }
    };
    // Several changes of one record look at the state before it; keys of different types keep out of each other's way.
    let wanted = 1 + random.below(3);
    let mut record: Vec<Change> = Vec::new();
    while (record.len() as u64) < wanted {
        let change = random_change(random);
        let is_alone = matches!(change.effect, Effect::Rename { .. } | Effect::Copy { .. })
            || change.is_world();
        if makes_sense(&change) && (!is_alone || record.is_empty()) {
            record.push(change);
            if is_alone {
                break;
            }
        }
    }
    record
}

fn check_graphs(keyspace: &Keyspace) {
    for db in 0..keyspace.databases() {
        let (_, keys) = keyspace.database(db).scan(0, usize::MAX, 0);
        for (key, entry) in keys {
            if let Value::Collection(collection) = entry.value {
                collection
                    .index()
                    .check()
                    .unwrap_or_else(|fault| panic!("{key:?}: {fault}"));
            }
        }
    }
}

fn catalogs() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_new_directory_gets_its_identity_once() {
    let (disk, catalogs) = (FaultDisk::new(), catalogs());
    let recovered = try_recover(&disk, &Catalog::new(catalogs.path())).unwrap();
    assert_eq!((recovered.lineage, recovered.keyspace.seed()), (111, 222));
    assert_eq!(
        (recovered.snapshot_cut, recovered.log.last_number),
        (None, 0)
    );
    let server = Server::start(&disk, catalogs.path(), true);
    drop(server);
    let log = crate::persistence::log::manifest::Manifest::read(&disk, &directory())
        .unwrap()
        .unwrap();
    assert_eq!((log.lineage, log.seed), (111, 222));
}

#[test]
fn replay_on_all_cores_gives_the_state_of_one_after_the_other() {
    for seed in 0..12 {
        let (disk, catalogs, mut random) = (FaultDisk::new(), catalogs(), Random(seed));
        let mut server = Server::start(&disk, catalogs.path(), true);
        for round in 0..3 {
            for _ in 0..700 {
                let record = random_record(&mut random, &server.keyspace);
                assert!(server.write(&record));
            }
            let (expected, last) = (server.state(), server.log.last_number());
            assert!(expected.len() > 5, "the test must have data");
            drop(server);
            server = Server::start(&disk, catalogs.path(), true);
            assert_eq!(server.log.last_number(), last);
            assert_eq!(server.state(), expected, "seed {seed}, round {round}");
            check_graphs(&server.keyspace);
            if round == 1 {
                assert!(server.save());
            }
        }
    }
}

#[test]
fn a_snapshot_and_the_log_behind_it_make_the_state() {
    let (disk, catalogs, mut random) = (FaultDisk::new(), catalogs(), Random(50));
    let mut server = Server::start(&disk, catalogs.path(), true);
    for _ in 0..300 {
        let record = random_record(&mut random, &server.keyspace);
        server.write(&record);
    }
    assert!(server.save());
    let cut = server.log.last_number();
    for _ in 0..20 {
        server.write(&[set("after", "the cut")]);
    }
    let expected = server.state();
    drop(server);
    let recovered = try_recover(&disk, &Catalog::new(catalogs.path())).unwrap();
    assert_eq!(
        (recovered.snapshot_cut, recovered.log.changes),
        (Some(cut), 20)
    );
    assert_eq!(recovered.log.last_number, cut + 20);
    assert_eq!(exact_state(&recovered.keyspace), expected);
}

#[test]
fn a_log_that_is_switched_off_and_on_again_loses_nothing() {
    let (disk, catalogs) = (FaultDisk::new(), catalogs());
    let mut server = Server::start(&disk, catalogs.path(), true);
    server.write(&[set("a", "logged")]);
    drop(server);
    let mut server = Server::start(&disk, catalogs.path(), false);
    server.write(&[set("b", "saved")]);
    assert!(server.save());
    let expected = server.state();
    server.write(&[set("c", "lost")]);
    drop(server);
    let mut server = Server::start(&disk, catalogs.path(), true);
    assert_eq!(server.state(), expected);
    server.write(&[set("d", "logged again")]);
    let expected = server.state();
    drop(server);
    assert_eq!(
        Server::start(&disk, catalogs.path(), true).state(),
        expected
    );
}

/// Two saves, of which the first one's files are kept; `drops` says whether the log forgets what lies before the second.
fn with_two_snapshots(drops: bool) -> (FaultDisk, TempDir, State) {
    let (disk, catalogs) = (FaultDisk::new(), catalogs());
    let mut server = Server::start(&disk, catalogs.path(), true);
    server.write(&[set("a", "1"), set("b", "1")]);
    assert!(server.save());
    server.write(&[set("a", "2")]);
    let mut number = 0;
    server.log.prepare_file().unwrap();
    let cut = server
        .log
        .cut(|last| number = server.keyspace.save_clock().begin(last));
    let job = SaveJob {
        save: number,
        cut,
        dir: dir(),
        lineage: server.lineage,
    };
    let nowhere = Catalog::new(Path::new("/proc/no such directory"));
    save(
        &server.keyspace,
        &job,
        &disk,
        &nowhere,
        &|| false,
        &SaveProgress::default(),
    )
    .unwrap();
    server.keyspace.cancel_save();
    if drops {
        server.log.drop_through(cut).unwrap();
    }
    server.write(&[set("b", "3")]);
    let state = server.state();
    (disk, catalogs, state)
}

#[test]
fn a_damaged_newest_manifest_is_survived_if_the_log_has_everything_since_the_one_before() {
    let (disk, catalogs, expected) = with_two_snapshots(false);
    disk.flip(&manifest::path(dir(), 2), 500);
    let recovered = try_recover(&disk, &Catalog::new(catalogs.path())).unwrap();
    assert_eq!(recovered.snapshot_cut, Some(2));
    assert_eq!(exact_state(&recovered.keyspace), expected);
}

#[test]
fn a_damaged_newest_manifest_refuses_the_start_if_the_log_has_a_gap() {
    let (disk, catalogs, _) = with_two_snapshots(true);
    disk.flip(&manifest::path(dir(), 2), 500);
    match try_recover(&disk, &Catalog::new(catalogs.path())).map(|_| ()) {
        Err(RecoveryError::Gap {
            damage,
            log: Some(log),
        }) if matches!(*log, LogError::Gap { .. }) => {
            let SnapshotError::Damaged { path, .. } = *damage else {
                panic!("{damage:?}");
            };
            assert_eq!(path, manifest::path(dir(), 2));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_newest_manifest_refuses_the_start_if_the_log_ends_before_it() {
    let (disk, catalogs) = (FaultDisk::new(), catalogs());
    let mut server = Server::start(&disk, catalogs.path(), true);
    server.write(&[set("a", "1")]);
    assert!(server.save());
    drop(server);
    // Without a log, numbers 2 and 3 are in the second snapshot alone.
    let mut server = Server::start(&disk, catalogs.path(), false);
    server.write(&[set("a", "2"), set("a", "3")]);
    let job = SaveJob {
        save: server.keyspace.save_clock().begin(3),
        cut: 3,
        dir: dir(),
        lineage: server.lineage,
    };
    let nowhere = Catalog::new(Path::new("/proc/no such directory"));
    save(
        &server.keyspace,
        &job,
        &disk,
        &nowhere,
        &|| false,
        &SaveProgress::default(),
    )
    .unwrap();
    drop(server);
    disk.flip(&manifest::path(dir(), 2), 500);
    let result = try_recover(&disk, &Catalog::new(catalogs.path())).map(|_| ());
    assert!(
        matches!(result, Err(RecoveryError::Gap { log: None, .. })),
        "{result:?}"
    );
}

#[test]
fn a_snapshot_of_another_directory_is_refused() {
    let (disk, catalogs) = (FaultDisk::new(), catalogs());
    let mut server = Server::start(&disk, catalogs.path(), true);
    server.lineage += 1;
    server.write(&[set("a", "1")]);
    assert!(server.save());
    drop(server);
    let result = try_recover(&disk, &Catalog::new(catalogs.path())).map(|_| ());
    assert!(
        matches!(
            result,
            Err(RecoveryError::Lineage {
                snapshot: 112,
                log: 111
            })
        ),
        "{result:?}"
    );
}

#[test]
fn a_panic_while_replaying_names_its_change() {
    let (disk, catalogs) = (FaultDisk::new(), catalogs());
    let mut server = Server::start(&disk, catalogs.path(), true);
    let create = Effect::CreateCollection {
        schema: Box::new(declared()),
    };
    server.write(&[Change::new(0, b"declared", create)]);
    // No command lets a vector of another dimension through.
    let upsert = Upsert {
        element: Bytes::from_static(b"e"),
        vector: vec![1.0; 3],
        schema: None,
        ef: None,
        attributes: None,
    };
    let bad = Change::new(0, b"declared", Effect::Upsert(Box::new(upsert)));
    let last = server.log.append(&EncodedRecord::of([&bad]), |_| {});
    server.log.sync_through(last).unwrap();
    drop(server);
    match try_recover(&disk, &Catalog::new(catalogs.path())).map(|_| ()) {
        Err(RecoveryError::Panicked {
            number,
            path,
            offset,
        }) => {
            assert_eq!((number, path), (2, directory().file(1)));
            assert!(offset > 0);
        }
        other => panic!("{other:?}"),
    }
}

/// The script of the fault tests: writes, saves and starts; stops when the disk is gone. Returns the state after each number,
/// and the number that was safe.
fn script(disk: &FaultDisk, catalogs: &Path) -> (Vec<State>, u64) {
    let (mut history, mut safe, mut random) = (vec![State::new()], 0, Random(7));
    let Ok(mut server) = Server::try_start(disk, catalogs, true) else {
        return (history, safe);
    };
    for step in 0..14 {
        if step % 8 == 5 {
            server.save();
        }
        let record = loop {
            let record = random_record(&mut random, &server.keyspace);
            if record.len() == 1 {
                break record;
            }
        };
        let is_safe = server.write(&record);
        history.push(server.state());
        if is_safe {
            safe = server.log.last_number();
        }
    }
    (history, safe)
}

#[test]
fn what_is_safe_survives_a_power_cut_at_every_call_of_writes_and_saves() {
    let calls = {
        let (disk, catalogs) = (FaultDisk::new(), catalogs());
        let (_, safe) = script(&disk, catalogs.path());
        assert_eq!(safe, 14);
        disk.calls()
    };
    assert!(calls > 80, "{calls}");
    for call in 0..calls {
        let faults = [Fault::Gone, Fault::Half, Fault::Error(io::ErrorKind::Other)];
        for (fault, cut) in
            faults
                .into_iter()
                .zip([PowerCut::Lost, PowerCut::Kept, PowerCut::Mixed(call)])
        {
            let (disk, catalogs) = (FaultDisk::new(), catalogs());
            disk.create_dir(dir()).unwrap();
            disk.fail_at(call, fault);
            let (history, safe) = script(&disk, catalogs.path());
            let told = format!("call {call}, {fault:?}, {cut:?}");
            let disk = disk.power_cut(cut);
            let recovered = try_recover(&disk, &Catalog::new(catalogs.path()));
            let recovered = recovered.unwrap_or_else(|error| panic!("{told}: {error}"));
            let last = recovered.log.last_number;
            assert!(last >= safe, "{told}: {last} of {safe}");
            assert_eq!(
                exact_state(&recovered.keyspace),
                history[last as usize],
                "{told}, number {last}"
            );
        }
    }
}

//! The whole engine on the disk's test twin: a short life of changes, transactions and saves, what was promised on the way,
//! and what a recovery must then find.

use bytes::Bytes;
use rhumb::engine::{Decision, Engine, Locked, OpenRequest, Opened, Patience, Scope, StopRequest};
use rhumb::keyspace::change::{Change, Effect, Expiry, Upsert};
use rhumb::keyspace::collection::{Quantization, Schema};
use rhumb::keyspace::digest::{KeyState, exact_state};
use rhumb::keyspace::{Key, Keyspace};
use rhumb::persistence::disk::fault::FaultDisk;
use rhumb::persistence::log::{FsyncPolicy, Health, LogDirectory, Torn};
use rhumb::persistence::recovery::{RecoveryError, RecoveryOptions, recover};
use rhumb::persistence::snapshot::catalog::Catalog;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Databases of all engines.
const DATABASES: usize = 2;

/// Everything in a keyspace that must come back.
pub type Exact = BTreeMap<(usize, Key), KeyState>;

/// One act of a life.
#[derive(Clone, Debug)]
pub enum Act {
    /// One record; acknowledged when the kernel has it.
    Write(Vec<Change>),
    /// A record made of several commands.
    Transaction(Vec<Change>),
    /// What was written becomes safe, as `appendfsync always` promises it with each write.
    Sync,
    /// A snapshot.
    Save,
    /// The orderly end.
    Stop,
}

/// What was done, and what was promised to survive.
#[derive(Clone, Default)]
pub struct Told {
    records: Vec<Vec<Change>>,
    /// A kill must not lose changes up to this number.
    pub written: u64,
    /// Nor a power cut those up to this one.
    pub synced: u64,
}

impl Told {
    /// The state after each record, by the number of the record's last change; 0 is the empty state.
    pub fn states(&self) -> BTreeMap<u64, Exact> {
        let model = Keyspace::new(DATABASES, 5);
        let mut states = BTreeMap::from([(0, Exact::new())]);
        let mut number = 0;
        for change in &self.records {
            for change in change {
                number += 1;
                model.apply(change.clone(), number);
            }
            states.insert(number, exact_state(&model));
        }
        states
    }

    /// The number of the last change.
    pub fn last_number(&self) -> u64 {
        self.records
            .iter()
            .map(|changes| changes.len() as u64)
            .sum()
    }

    /// Forgets what a recovery up to `number` did not find; what it found is promised from now on.
    pub fn cut_after(&mut self, number: u64) {
        while self.last_number() > number {
            self.records.pop();
        }
        assert_eq!(self.last_number(), number, "a record is found as a whole");
        (self.written, self.synced) = (number, number);
    }
}

/// What a recovery found.
pub struct Found {
    /// The data.
    pub state: Exact,
    /// Number of the last change in it.
    pub last_number: u64,
    /// What was cut off.
    pub torn: Option<Torn>,
}

/// Recovers without going on.
pub fn find(disk: &FaultDisk, dir: &Path) -> Result<Found, RecoveryError> {
    let options = RecoveryOptions {
        dir,
        log: LogDirectory::new(dir, "appendonlydir", "appendonly.aof"),
        may_cut: true,
        databases: DATABASES,
        identity_if_new: (0xabc, 5),
    };
    let recovered = recover(disk, &Catalog::new(dir), &options)?;
    Ok(Found {
        state: exact_state(&recovered.keyspace),
        last_number: recovered.log.last_number,
        torn: recovered.log.torn,
    })
}

/// Checks that `disk` holds a prefix of what was told, with everything up to `promised`; its last number.
///
/// # Panics
/// If it does not.
#[track_caller]
pub fn assert_recovers(
    disk: &FaultDisk,
    dir: &Path,
    told: &Told,
    promised: u64,
    what: &str,
) -> u64 {
    let found = find(disk, dir).unwrap_or_else(|error| panic!("{what}: refused: {error}"));
    let last = assert_prefix(&found, told, what);
    assert!(
        last >= promised,
        "{what}: found {last} of {promised} promised"
    );
    last
}

/// Checks that what was found is what was told, up to some record; its last number.
#[track_caller]
pub fn assert_prefix(found: &Found, told: &Told, what: &str) -> u64 {
    let last = found.last_number;
    let states = told.states();
    let expected = states
        .get(&last)
        .unwrap_or_else(|| panic!("{what}: change {last} ends no record"));
    assert_same(&found.state, expected, what);
    last
}

/// Compares two states key by key, so that a failure can be read.
#[track_caller]
pub fn assert_same(found: &Exact, expected: &Exact, what: &str) {
    for (key, state) in expected {
        assert_eq!(
            found.get(key),
            Some(state),
            "{what}: {:?}",
            String::from_utf8_lossy(&key.1)
        );
    }
    let surplus = found.keys().find(|key| !expected.contains_key(*key));
    assert_eq!(surplus, None, "{what}");
}

/// An engine that is open on a directory.
pub struct Living {
    /// The engine.
    pub engine: Arc<Engine>,
    /// What opening it told.
    pub opened: Opened,
}

impl Living {
    /// Opens the directory. `has_log`: `appendonly`.
    pub fn open(disk: &FaultDisk, dir: &Path, has_log: bool) -> Result<Living, String> {
        let engine = Arc::new(Engine::new(
            Arc::new(|| 1_000),
            rhumb::commands::new_stats(),
        ));
        let options = OpenRequest {
            dir: dir.to_owned(),
            log_dir: "appendonlydir".into(),
            log_name: "appendonly.aof".into(),
            has_log,
            // The test syncs when it wants to know what is safe.
            policy: FsyncPolicy::No,
            may_cut: true,
            databases: DATABASES,
            random: [0xabc, 5, disk.calls()],
        };
        let opened = engine.open(Arc::new(disk.clone()), options, Box::new(|| ()));
        let opened = opened.map_err(|error| error.to_string())?;
        Ok(Living { engine, opened })
    }

    /// Does one act, and notes what was promised by it.
    pub fn act(&self, act: &Act, told: &mut Told) -> Result<(), String> {
        match act {
            Act::Write(changes) => self.write(changes, told),
            Act::Transaction(changes) => self.transact(changes, told),
            Act::Sync => self.sync(told),
            Act::Save => self.engine.save().map_err(|failure| failure.to_string()),
            Act::Stop => {
                self.engine.stop(StopRequest::default(), false)?;
                (told.written, told.synced) = (told.last_number(), told.last_number());
                Ok(())
            }
        }
    }

    /// Everything in it.
    pub fn state(&self) -> Exact {
        exact_state(self.engine.keyspace())
    }

    fn write(&self, changes: &[Change], told: &mut Told) -> Result<(), String> {
        self.refuse_if_unhealthy()?;
        let access = self.engine.access(Patience::Wait);
        let decide = |changes: &[Change]| Ok(Decision::with((), changes.to_vec()));
        let first = &changes[0];
        let done: Result<(), Locked> = match &first.effect {
            _ if first.is_world() => access.write_world(first.db, |_| decide(changes)),
            Effect::Upsert(upsert) => {
                access.write_element(first.db, &first.key, &upsert.element, |_| decide(changes))
            }
            Effect::Remove { element } | Effect::SetAttributes { element, .. } => {
                access.write_element(first.db, &first.key, element, |_| decide(changes))
            }
            _ => access.write_across(first.db, &keys_of(changes), |_| decide(changes)),
        };
        assert_eq!(done, Ok(()));
        told.records.push(changes.to_vec());
        self.finish(access.last_number(), told)
    }

    fn transact(&self, changes: &[Change], told: &mut Told) -> Result<(), String> {
        self.refuse_if_unhealthy()?;
        let keys = keys_of(changes).into_iter();
        let keys: Vec<_> = keys.map(|(db, key)| (db, key.to_vec())).collect();
        let scope = Scope {
            changed: keys.clone(),
            keys,
            ..Scope::default()
        };
        let run = self
            .engine
            .transaction(&scope, Patience::Wait, |transaction| {
                for change in changes {
                    let access = transaction.access();
                    let done: Result<(), Locked> = access.write(change.db, &[&change.key], |_| {
                        Ok(Decision::one((), change.clone()))
                    });
                    done.expect("no lock is taken inside");
                }
            });
        told.records.push(changes.to_vec());
        let ((), last) = run.expect("it waits for its locks");
        self.finish(last, told)
    }

    /// Commands ask this before they draw numbers, and answer MISCONF.
    fn refuse_if_unhealthy(&self) -> Result<(), String> {
        match self.engine.health() {
            Health::Good => Ok(()),
            Health::WriteFailed(why) | Health::SyncFailed(why) => Err(why),
        }
    }

    fn finish(&self, last: u64, told: &mut Told) -> Result<(), String> {
        assert_eq!(last, told.last_number());
        self.engine.write_through(last)?;
        told.written = last;
        Ok(())
    }

    fn sync(&self, told: &mut Told) -> Result<(), String> {
        let last = told.last_number();
        self.engine
            .log()
            .sync_through(last)
            .map_err(|error| error.to_string())?;
        (told.written, told.synced) = (last, last);
        Ok(())
    }
}

/// Lives until the end, or until the disk is gone.
pub fn live(disk: &FaultDisk, dir: &Path, acts: &[Act], told: &mut Told) -> Result<(), String> {
    let living = Living::open(disk, dir, true)?;
    acts.iter().try_for_each(|act| living.act(act, told))
}

fn keys_of(changes: &[Change]) -> Vec<(usize, &[u8])> {
    let keys = changes.iter().flat_map(|change| {
        let target = match &change.effect {
            Effect::Rename { to } => Some((change.db, &**to)),
            Effect::Copy { to_db, to } => Some((*to_db, &**to)),
            Effect::Move { to_db } => Some((*to_db, &*change.key)),
            _ => None,
        };
        [Some((change.db, &*change.key)), target]
    });
    keys.flatten().collect()
}

/// Writes a string.
pub fn set(db: usize, key: &str, value: impl Into<Bytes>) -> Change {
    Change::new(
        db,
        key.as_bytes(),
        Effect::Set {
            value: value.into(),
            expiry: Expiry::Clear,
        },
    )
}

/// Sets a field of a hash.
pub fn set_field(db: usize, key: &str, field: &str, value: &str) -> Change {
    let fields = vec![(
        Bytes::copy_from_slice(field.as_bytes()),
        Bytes::copy_from_slice(value.as_bytes()),
    )];
    Change::new(
        db,
        key.as_bytes(),
        Effect::HashSet {
            fields,
            expiry: Expiry::At(9_000),
        },
    )
}

/// Adds an element with a vector of two components, which stays as given.
pub fn add(key: &str, element: &str, vector: [f32; 2]) -> Change {
    let upsert = Upsert {
        element: Bytes::copy_from_slice(element.as_bytes()),
        vector: vector.to_vec(),
        schema: Some(Schema::implied(2, None, Quantization::F32, 16)),
        ef: None,
        attributes: None,
    };
    Change::new(0, key.as_bytes(), Effect::Upsert(Box::new(upsert)))
}

/// Removes an element.
pub fn remove(key: &str, element: &str) -> Change {
    Change::new(
        0,
        key.as_bytes(),
        Effect::Remove {
            element: Bytes::copy_from_slice(element.as_bytes()),
        },
    )
}

/// Sets an element's attributes.
pub fn set_attributes(key: &str, element: &str, attributes: &'static str) -> Change {
    let element = Bytes::copy_from_slice(element.as_bytes());
    let attributes = Bytes::from_static(attributes.as_bytes());
    Change::new(
        0,
        key.as_bytes(),
        Effect::SetAttributes {
            element,
            attributes,
        },
    )
}

/// Another effect on a key.
pub fn effect(db: usize, key: &str, effect: Effect) -> Change {
    Change::new(db, key.as_bytes(), effect)
}

/// A short life with all that matters: both kinds of records, two saves, every kind of value, changes behind each save.
pub fn short_life() -> Vec<Act> {
    let rename = |from: &str, to: &str| {
        effect(
            0,
            from,
            Effect::Rename {
                to: to.as_bytes().into(),
            },
        )
    };
    vec![
        Act::Write(vec![set(0, "a", "1")]),
        Act::Write(vec![add("v", "east", [1.0, 0.0])]),
        Act::Sync,
        Act::Write(vec![set(1, "b", vec![b'x'; 100])]),
        Act::Transaction(vec![
            set_field(0, "h", "f", "1"),
            effect(0, "a", Effect::Delete),
            add("v", "north", [0.0, 1.0]),
        ]),
        Act::Write(vec![set_attributes("v", "east", "{\"of\": \"rose\"}")]),
        Act::Save,
        Act::Write(vec![
            set_field(0, "h", "g", "2"),
            set(1, "c", "#R 1 1 9 0 0 0\r\n"),
        ]),
        Act::Write(vec![rename("h", "i")]),
        Act::Sync,
        Act::Write(vec![remove("v", "east")]),
        Act::Save,
        Act::Write(vec![add("v", "south", [0.0, -1.0])]),
        Act::Transaction(vec![
            add("v", "north", [0.5, 0.5]),
            effect(1, "b", Effect::Move { to_db: 0 }),
        ]),
        Act::Stop,
    ]
}

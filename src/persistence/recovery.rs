//! Start: the newest snapshot, then what the log holds after it, applied by the same code as live changes, without deciding
//! anything and without a clock.
//!
//! The log is replayed on all cores. Changes to elements of collections that exist commute unless they name the same element,
//! so they are collected, dealt out by element, and applied together; every other change waits for them and runs alone.

use super::disk::Disk;
use super::log::reader::{LogContents, ReadOptions, Record, read_log};
use super::log::{LogDirectory, LogError};
use super::snapshot::SnapshotError;
use super::snapshot::catalog::Catalog;
use super::snapshot::load::{Found, Loaded, find, load};
use super::snapshot::manifest::Manifest;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::{Keyspace, Value};
use foldhash::fast::FixedState;
use rayon::prelude::*;
use std::fmt;
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Changes that are collected before they are applied together.
const BATCH: usize = 4096;
/// Hands that a batch is dealt to; more than there are cores, so that a long one does not hold up the others.
const HANDS: usize = 64;

/// What recovery is told.
pub struct RecoveryOptions<'a> {
    /// The data directory.
    pub dir: &'a Path,
    /// Where its log is.
    pub log: LogDirectory,
    /// Whether a torn tail may be cut (`aof-load-truncated`).
    pub may_cut: bool,
    /// Number of databases.
    pub databases: usize,
    /// Lineage and seed for a directory that is new.
    pub identity_if_new: (u64, u64),
}

/// What a start goes on with.
pub struct Recovered {
    /// The data.
    pub keyspace: Keyspace,
    /// Drawn once per data directory.
    pub lineage: u64,
    /// The last change that the snapshot holds; none: there is no snapshot.
    pub snapshot_cut: Option<u64>,
    /// What the snapshot brought.
    pub loaded: Loaded,
    /// What the log brought, and where it ends.
    pub log: LogContents,
}

/// Why a start is refused.
#[derive(Debug)]
pub enum RecoveryError {
    /// The snapshot is damaged, or cannot be read.
    Snapshot(SnapshotError),
    /// The log is damaged, or cannot be read.
    Log(LogError),
    /// Snapshot and log belong to different data directories.
    Lineage {
        /// Of the snapshot.
        snapshot: u64,
        /// Of the log.
        log: u64,
    },
    /// The newest snapshot is damaged, and the log does not reach back to the one before.
    Gap {
        /// What happened to the newest.
        damage: SnapshotError,
        /// Why the log does not help.
        log: LogError,
    },
    /// Applying a change panicked: a defect of this program.
    Panicked {
        /// Number of the change.
        number: u64,
        /// File of its record.
        path: PathBuf,
        /// Where the record begins, in bytes.
        offset: u64,
    },
}

impl fmt::Display for RecoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecoveryError::Snapshot(error) => error.fmt(f),
            RecoveryError::Log(error) => error.fmt(f),
            RecoveryError::Lineage { snapshot, log } => {
                write!(f, "the snapshot (lineage {snapshot:016x}) and the log (lineage {log:016x}) are not of one data directory")
            }
            RecoveryError::Gap { damage, log } => {
                write!(f, "{damage}; the log does not reach back to the snapshot before: {log}")
            }
            RecoveryError::Panicked { number, path, offset } => {
                write!(f, "{} at byte {offset}: applying change {number} failed", path.display())
            }
        }
    }
}

impl std::error::Error for RecoveryError {}

impl From<SnapshotError> for RecoveryError {
    fn from(error: SnapshotError) -> RecoveryError {
        RecoveryError::Snapshot(error)
    }
}

impl From<LogError> for RecoveryError {
    fn from(error: LogError) -> RecoveryError {
        RecoveryError::Log(error)
    }
}

/// Puts a data directory's content back together. Cuts a torn tail of the log; writes nothing else.
///
/// # Errors
/// See [`RecoveryError`]; nothing was lost by the attempt.
pub fn recover(
    disk: &dyn Disk,
    catalog: &Catalog,
    options: &RecoveryOptions<'_>,
) -> Result<Recovered, RecoveryError> {
    match find(disk, options.dir, catalog)? {
        Found::None => recover_from(disk, options, None),
        Found::Newest(manifest) => recover_from(disk, options, Some(&manifest)),
        Found::Older { manifest, damage } => {
            recover_from(disk, options, Some(&manifest)).map_err(|error| match error {
                RecoveryError::Log(log) => RecoveryError::Gap { damage, log },
                other => other,
            })
        }
    }
}

fn recover_from(
    disk: &dyn Disk,
    options: &RecoveryOptions<'_>,
    manifest: Option<&Manifest>,
) -> Result<Recovered, RecoveryError> {
    let cut = manifest.map_or(0, |manifest| manifest.state.cut);
    let (lineage, seed) = identity(disk, options, manifest)?;
    let keyspace = Keyspace::new(options.databases, seed);
    let loaded = match manifest {
        Some(manifest) => load(manifest, &keyspace, disk, options.dir)?,
        None => Loaded::default(),
    };
    let read = ReadOptions {
        directory: options.log.clone(),
        after: cut,
        may_cut: options.may_cut,
        databases: options.databases,
    };
    let mut replay = Replay::new(&keyspace);
    let log = read_log(disk, &read, |record| replay.take(record))?;
    replay.finish()?;
    Ok(Recovered { keyspace, lineage, snapshot_cut: manifest.map(|_| cut), loaded, log })
}

/// Lineage and seed of the directory: the snapshot's, else the log's, else new ones.
fn identity(
    disk: &dyn Disk,
    options: &RecoveryOptions<'_>,
    manifest: Option<&Manifest>,
) -> Result<(u64, u64), RecoveryError> {
    let log = super::log::manifest::Manifest::read(disk, &options.log)?;
    match (manifest, log) {
        (Some(manifest), Some(log)) if manifest.state.lineage != log.lineage => {
            Err(RecoveryError::Lineage { snapshot: manifest.state.lineage, log: log.lineage })
        }
        (Some(manifest), _) => Ok((manifest.state.lineage, manifest.state.seed)),
        (None, Some(log)) => Ok((log.lineage, log.seed)),
        (None, None) => Ok(options.identity_if_new),
    }
}

/// Loads the newest snapshot into an empty keyspace, without the log.
pub fn load_newest(
    keyspace: &Keyspace,
    disk: &dyn Disk,
    dir: &Path,
    catalog: &Catalog,
) -> Result<(), SnapshotError> {
    match find(disk, dir, catalog)? {
        Found::Newest(manifest) | Found::Older { manifest, .. } => {
            load(&manifest, keyspace, disk, dir).map(drop)
        }
        Found::None => Ok(()),
    }
}

/// A numbered change, and where it came from.
struct Numbered {
    change: Change,
    number: u64,
    offset: u64,
    path: PathBuf,
}

/// Applies records in an order that gives the same state as theirs.
struct Replay<'a> {
    keyspace: &'a Keyspace,
    hasher: FixedState,
    /// Changes to elements, dealt out by element.
    hands: Vec<Vec<Numbered>>,
    waiting: usize,
    /// Removals among them: a collection with no more elements than that may go with one.
    removals: usize,
    failure: Option<RecoveryError>,
}

impl<'a> Replay<'a> {
    fn new(keyspace: &'a Keyspace) -> Replay<'a> {
        Replay {
            keyspace,
            hasher: FixedState::default(),
            hands: (0..HANDS).map(|_| Vec::new()).collect(),
            waiting: 0,
            removals: 0,
            failure: None,
        }
    }

    fn take(&mut self, record: Record<'_>) {
        if self.failure.is_some() {
            return;
        }
        for (change, number) in record.changes.into_iter().zip(record.number..) {
            let numbered =
                Numbered { change, number, offset: record.offset, path: record.path.to_owned() };
            match self.hand_of(&numbered.change) {
                Some(hand) => self.collect(hand, numbered),
                None => {
                    self.apply_waiting();
                    self.apply_alone(numbered);
                }
            }
        }
    }

    fn finish(mut self) -> Result<(), RecoveryError> {
        self.apply_waiting();
        self.failure.map_or(Ok(()), Err)
    }

    /// The hand for a change that may be applied beside others; none if it must wait for all before it.
    fn hand_of(&self, change: &Change) -> Option<usize> {
        let element = match &change.effect {
            Effect::Upsert(upsert) => &upsert.element,
            Effect::Remove { element } | Effect::SetAttributes { element, .. } => element,
            _ => return None,
        };
        let Value::Collection(collection) =
            self.keyspace.database(change.db).peek(&change.key)?.value
        else {
            return None;
        };
        let may_empty = matches!(change.effect, Effect::Remove { .. })
            && collection.len() <= self.removals + 1;
        let hash = self.hasher.hash_one((change.db, &change.key, element));
        (!may_empty).then_some(hash as usize % HANDS)
    }

    fn collect(&mut self, hand: usize, numbered: Numbered) {
        self.removals += usize::from(matches!(numbered.change.effect, Effect::Remove { .. }));
        self.waiting += 1;
        self.hands[hand].push(numbered);
        if self.waiting >= BATCH {
            self.apply_waiting();
        }
    }

    fn apply_waiting(&mut self) {
        if self.waiting == 0 {
            return;
        }
        (self.waiting, self.removals) = (0, 0);
        let keyspace = self.keyspace;
        let failure = self
            .hands
            .par_iter_mut()
            .filter_map(|hand| hand.drain(..).find_map(|numbered| apply(keyspace, numbered).err()))
            .find_any(|_| true);
        self.failure = self.failure.take().or(failure);
    }

    fn apply_alone(&mut self, numbered: Numbered) {
        if let Err(error) = apply(self.keyspace, numbered) {
            self.failure = Some(error);
        }
    }
}

fn apply(keyspace: &Keyspace, numbered: Numbered) -> Result<(), RecoveryError> {
    let Numbered { change, number, offset, path } = numbered;
    catch_unwind(AssertUnwindSafe(|| keyspace.apply(change, number)))
        .map_err(|_| RecoveryError::Panicked { number, path, offset })
}

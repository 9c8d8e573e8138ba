//! Start: the newest snapshot, then what the log holds after it, applied by the same code as live changes, without deciding
//! anything and without a clock.
//!
//! The log is replayed on all cores (replay.rs). Nothing expires meanwhile: an expiry that happened is in the log as a
//! deletion.

mod replay;

#[cfg(test)]
mod tests;

use super::disk::Disk;
use super::log::reader::{LogContents, ReadOptions, read_log};
use super::log::{LogDirectory, LogError};
use super::snapshot::SnapshotError;
use super::snapshot::catalog::Catalog;
use super::snapshot::load::{Found, Loaded, find, load};
use super::snapshot::manifest::Manifest;
use crate::keyspace::Keyspace;
use crate::keyspace::documents::INDEXED_DB;
use replay::Replay;
use std::fmt;
use std::path::{Path, PathBuf};

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
    /// The newest snapshot is damaged, and the log does not lead from the one before to it.
    Gap {
        /// What happened to the newest.
        damage: Box<SnapshotError>,
        /// Why the log does not help; none: it ends before the newest snapshot.
        log: Option<Box<LogError>>,
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
                write!(
                    f,
                    "the snapshot (lineage {snapshot:016x}) and the log (lineage {log:016x}) are not of one data directory"
                )
            }
            RecoveryError::Gap {
                damage,
                log: Some(log),
            } => {
                write!(
                    f,
                    "{damage}; the log does not reach back to the snapshot before: {log}"
                )
            }
            RecoveryError::Gap { damage, log: None } => {
                write!(f, "{damage}; the log ends before that snapshot")
            }
            RecoveryError::Panicked {
                number,
                path,
                offset,
            } => {
                write!(
                    f,
                    "{} at byte {offset}: applying change {number} failed",
                    path.display()
                )
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
        Found::Older {
            manifest,
            damage,
            newest_cut,
        } => match recover_from(disk, options, Some(&manifest)) {
            Ok(recovered) if recovered.log.last_number >= newest_cut => Ok(recovered),
            Ok(_) => Err(RecoveryError::Gap {
                damage: Box::new(damage),
                log: None,
            }),
            Err(RecoveryError::Log(log)) => Err(RecoveryError::Gap {
                damage: Box::new(damage),
                log: Some(Box::new(log)),
            }),
            // Parts of the one before may be gone already; what is wrong is the newest.
            Err(RecoveryError::Snapshot(_)) => Err(RecoveryError::Snapshot(damage)),
            Err(other) => Err(other),
        },
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
    let database = keyspace.database(INDEXED_DB);
    keyspace.indexes().fill_all(&database);
    Ok(Recovered {
        keyspace,
        lineage,
        snapshot_cut: manifest.map(|_| cut),
        loaded,
        log,
    })
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
            Err(RecoveryError::Lineage {
                snapshot: manifest.state.lineage,
                log: log.lineage,
            })
        }
        (Some(manifest), _) => Ok((manifest.state.lineage, manifest.state.seed)),
        (None, Some(log)) => Ok((log.lineage, log.seed)),
        (None, None) => Ok(options.identity_if_new),
    }
}

/// Loads the newest snapshot into an empty keyspace, without the log; what it brought.
pub fn load_newest(
    keyspace: &Keyspace,
    disk: &dyn Disk,
    dir: &Path,
    catalog: &Catalog,
) -> Result<Loaded, SnapshotError> {
    match find(disk, dir, catalog)? {
        Found::Newest(manifest) | Found::Older { manifest, .. } => {
            load(&manifest, keyspace, disk, dir)
        }
        Found::None => Ok(Loaded::default()),
    }
}

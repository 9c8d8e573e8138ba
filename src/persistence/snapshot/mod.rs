//! Snapshots: everything at one number of the log, the cut, in immutable packs of images that a manifest names.
//! docs/snapshot-format.md describes the files and the order in which they come and go.
//!
//! write.rs saves and commits, walk.rs is its walk over the keyspace; load/ puts it together again. Below them: pack.rs (files of images),
//! image.rs (headers), keys/, elements.rs, documents.rs and calibrations.rs (payloads), indexes.rs (what is read of an index), manifest/ (the table), record.rs (its records), catalog.rs (the
//! table's second copy), cursor.rs (reading what cannot be trusted yet).

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::unwrap_used))]

mod calibrations;
pub mod catalog;
mod cursor;
mod documents;
mod elements;
pub mod image;
mod indexes;
mod keys;
pub mod load;
pub mod manifest;
pub mod pack;
mod record;
mod walk;
pub mod write;

use crate::persistence::log::format::crc as crc32c;
use std::io;
use std::path::{Path, PathBuf};

/// Why a part of a snapshot cannot be used.
#[derive(Debug)]
pub enum SnapshotError {
    /// The disk refused.
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// A file does not hold what was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A later version wrote it.
    Version {
        /// The file.
        path: PathBuf,
        /// The version, kind or form that is not known.
        found: u32,
    },
    /// A key lies in a database that the configuration does not have.
    Databases {
        /// Number of that database.
        found: u64,
        /// Databases configured.
        configured: usize,
    },
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SnapshotError::Io { path, error } => write!(f, "{}: {error}", path.display()),
            SnapshotError::Damaged { path, offset, what } => {
                write!(f, "{} is damaged at byte {offset}: {what}", path.display())
            }
            SnapshotError::Version { path, found } => {
                let path = path.display();
                write!(f, "{path}: format {found} is not known to this version")
            }
            SnapshotError::Databases { found, configured } => {
                write!(
                    f,
                    "the snapshot has keys in database {found}, but only {configured} databases are configured"
                )
            }
        }
    }
}

impl std::error::Error for SnapshotError {}

impl SnapshotError {
    /// Puts a path to an error of the disk.
    fn io(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
        let path = path.to_owned();
        move |error| SnapshotError::Io { path, error }
    }

    /// Damage in a file.
    fn damaged(path: &Path, offset: u64, what: &'static str) -> SnapshotError {
        let path = path.to_owned();
        SnapshotError::Damaged { path, offset, what }
    }
}

/// The directory of the packs.
pub fn packs_dir(dir: &Path) -> PathBuf {
    dir.join("packs")
}

#[cfg(test)]
mod tests;

//! Start: the newest snapshot, then the tail of the log.

use super::disk::Disk;
use super::snapshot::SnapshotError;
use super::snapshot::catalog::Catalog;
use super::snapshot::load::{Found, find, load};
use crate::keyspace::Keyspace;
use std::path::Path;

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

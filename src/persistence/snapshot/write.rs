//! A save: the walk over all entries as they were at the cut (walk.rs), into packs, and the commit.
//!
//! The engine publishes the cut, waits until all changes up to it are applied, calls [`save`] on its save thread, then lets
//! the log forget what lies before the cut and calls [`remove_replaced`]. Writers go on meanwhile: whoever alters an entry
//! that was not walked yet hands its old state over first (keyspace/save.rs).

use super::catalog::{Catalog, CatalogError};
use super::manifest::{self, Manifest, PackId};
use super::walk::Walk;
use super::{SnapshotError, pack, packs_dir};
use crate::keyspace::Keyspace;
use crate::persistence::disk::Disk;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// What to save.
#[derive(Clone, Copy, Debug)]
pub struct SaveJob<'a> {
    /// Number of the save, from [`SaveClock::begin`](crate::keyspace::save::SaveClock::begin).
    pub save: u64,
    /// Its cut; all changes up to it are applied.
    pub cut: u64,
    /// The data directory.
    pub dir: &'a Path,
    /// Lineage of the data directory.
    pub lineage: u64,
}

/// How far a save is.
#[derive(Debug, Default)]
pub struct SaveProgress {
    /// Keys written.
    pub keys: AtomicU64,
    /// Elements written.
    pub elements: AtomicU64,
    /// Bytes of packs written.
    pub bytes: AtomicU64,
}

/// A save that is committed.
#[derive(Debug)]
pub struct Committed {
    /// Bytes of its packs.
    pub bytes: u64,
    /// Keys in it.
    pub keys: u64,
    /// Elements in it.
    pub elements: u64,
    /// Why the catalogue does not have it. Then nothing that it replaces may go: neither log files nor packs.
    pub catalog_error: Option<CatalogError>,
    generation: u64,
    packs: BTreeSet<PackId>,
}

impl Committed {
    /// Its generation.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Number of its packs.
    pub fn packs(&self) -> usize {
        self.packs.len()
    }

    /// Whether manifest and catalogue both have it, so that what it replaces may go.
    pub fn has_second_copy(&self) -> bool {
        self.catalog_error.is_none()
    }
}

/// Why there is no new snapshot; the old one and the log are as they were.
#[derive(Debug)]
pub enum SaveError {
    /// Somebody wanted it to stop.
    Cancelled,
    /// The disk did not let it.
    Failed(SnapshotError),
}

impl std::fmt::Display for SaveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SaveError::Cancelled => f.write_str("the save was cancelled"),
            SaveError::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SaveError {}

impl From<SnapshotError> for SaveError {
    fn from(error: SnapshotError) -> SaveError {
        SaveError::Failed(error)
    }
}

/// Saves all keys as they were at the cut and commits. `cancelled` is asked between two shards or segments, and once more
/// before the commit.
pub fn save(
    keyspace: &Keyspace,
    job: &SaveJob<'_>,
    disk: &dyn Disk,
    catalog: &Catalog,
    cancelled: &dyn Fn() -> bool,
    progress: &SaveProgress,
) -> Result<Committed, SaveError> {
    let generation = next_generation(disk, job.dir, catalog)?;
    let mut walk = Walk::new(keyspace, *job, disk, generation, progress);
    match walk.run(cancelled) {
        Ok(()) => Ok(commit(walk.into_manifest(), job.dir, disk, catalog)?),
        Err(error) => {
            walk.abandon();
            Err(error)
        }
    }
}

/// One more than any generation that left a trace: a manifest, an unfinished one, or a table in the catalogue.
fn next_generation(disk: &dyn Disk, dir: &Path, catalog: &Catalog) -> Result<u64, SnapshotError> {
    let newest = manifest::generations(disk, dir, true)?.last().copied();
    let catalogued = catalog.table().map(|table| table.state.generation);
    Ok(newest.max(catalogued).unwrap_or(0) + 1)
}

/// Writes the manifest, then its second copy. After a failure here the packs stay: whether the manifest was renamed is not
/// known, and if it was it must find them.
fn commit(
    manifest: Manifest,
    dir: &Path,
    disk: &dyn Disk,
    catalog: &Catalog,
) -> Result<Committed, SnapshotError> {
    manifest.write(disk, dir)?;
    let catalog_error = catalog.replace(&manifest).err();
    Ok(Committed {
        bytes: manifest.packs.values().sum(),
        keys: manifest.state.keys,
        elements: manifest
            .collections
            .values()
            .map(|collection| collection.elements)
            .sum(),
        catalog_error,
        generation: manifest.state.generation,
        packs: manifest.packs.keys().copied().collect(),
    })
}

/// Removes what a committed save replaces: packs that only older manifests name, what a killed save of the same generation
/// left, then the older manifests. Does nothing while there is no second copy. Call it after the log has forgotten its part.
pub fn remove_replaced(
    disk: &dyn Disk,
    dir: &Path,
    committed: &Committed,
) -> Result<(), SnapshotError> {
    if !committed.has_second_copy() {
        return Ok(());
    }
    let mut older = manifest::generations(disk, dir, true)?;
    older.retain(|generation| *generation < committed.generation);
    let listed: BTreeSet<PackId> = older
        .iter()
        .filter_map(|generation| Manifest::read(disk, dir, *generation).ok())
        .flat_map(|manifest| manifest.packs.into_keys())
        .collect();
    let is_known = |pack: &PackId| {
        let generation = pack.generation;
        generation == committed.generation || older.contains(&generation) || listed.contains(pack)
    };
    let packs = packs_dir(dir);
    let names = disk.list(&packs).map_err(SnapshotError::io(&packs))?;
    let found = names.iter().filter_map(|name| pack::id_of(name));
    for id in found.filter(|id| is_known(id) && !committed.packs.contains(id)) {
        let path = pack::path(dir, id);
        disk.remove(&path).map_err(SnapshotError::io(&path))?;
    }
    remove_manifests(disk, dir, &older)
}

fn remove_manifests(disk: &dyn Disk, dir: &Path, generations: &[u64]) -> Result<(), SnapshotError> {
    let names = disk.list(dir).map_err(SnapshotError::io(dir))?;
    let paths = generations.iter().flat_map(|generation| {
        [
            manifest::path(dir, *generation),
            manifest::temporary_path(dir, *generation),
        ]
    });
    let is_there = |path: &Path| names.iter().any(|name| path.ends_with(name));
    for path in paths.filter(|path| is_there(path)) {
        disk.remove(&path).map_err(SnapshotError::io(&path))?;
    }
    Ok(())
}

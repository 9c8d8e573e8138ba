//! Loading a snapshot: which one counts, and its images back into a keyspace, on all cores.

mod calibrations;
mod collections;
mod indexes;
mod keys;

use super::SnapshotError;
use super::catalog::Catalog;
use super::cursor::Fault;
use super::elements::Payload;
use super::image::{Kind, Place};
use super::manifest::{self, ImageRecord, Manifest};
use super::pack::{self, PackReader};
use crate::keyspace::{Key, Keyspace};
use crate::persistence::disk::Disk;
use parking_lot::Mutex;
use std::fmt;
use std::path::{Path, PathBuf};

/// Which snapshot a directory has.
#[derive(Debug)]
pub enum Found {
    /// None was ever committed.
    None,
    /// The newest one.
    Newest(Manifest),
    /// An older one, because nothing tells any more what the newest consists of. It may be used only if the log has
    /// every number after its cut.
    Older {
        /// The older one.
        manifest: Manifest,
        /// What happened to the newest.
        damage: SnapshotError,
        /// The cut of the newest: the log must reach it.
        newest_cut: u64,
    },
}

/// Looks for the newest snapshot: by its manifest, or if that is damaged by the catalogue's table of the same generation.
pub fn find(disk: &dyn Disk, dir: &Path, catalog: &Catalog) -> Result<Found, SnapshotError> {
    let mut generations = manifest::generations(disk, dir, false)?;
    let Some(newest) = generations.pop() else {
        // A catalogue is written after a manifest; without any, somebody lost it.
        return Ok(catalog.table().map_or(Found::None, Found::Newest));
    };
    let damage = match Manifest::read(disk, dir, newest) {
        Ok(manifest) => return Ok(Found::Newest(manifest)),
        Err(error @ SnapshotError::Version { .. }) => return Err(error),
        Err(error) => error,
    };
    if let Some(table) = catalog
        .table()
        .filter(|table| table.state.generation == newest)
    {
        return Ok(Found::Newest(table));
    }
    let older = generations
        .iter()
        .rev()
        .find_map(|older| Manifest::read(disk, dir, *older).ok());
    match older.zip(pack::cut_of(disk, dir, newest)) {
        Some((manifest, newest_cut)) => Ok(Found::Older {
            manifest,
            damage,
            newest_cut,
        }),
        None => Err(damage),
    }
}

/// What was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Keys.
    pub keys: u64,
    /// Elements of collections.
    pub elements: u64,
    /// Elements that had to be linked anew.
    pub relinked: u64,
    /// Documents of indexes that were taken as they were.
    pub taken: u64,
    /// Documents of indexes that were indexed anew.
    pub indexed: u64,
    /// Bytes of its packs.
    pub bytes: u64,
    /// What is damaged in the snapshot and did not refuse the start.
    pub damaged: Vec<Damaged>,
}

/// Something that is damaged in the snapshot, and that can be had without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// What it is.
    pub part: DamagedPart,
    /// The name of the index, or of the collection's key.
    pub name: Key,
    /// What is damaged, with file and offset.
    pub why: String,
}

/// What may be damaged without refusing the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagedPart {
    /// An index. It was made anew from its keys, which are whole, as far as it had to be.
    Index,
    /// What was known of the recall of an index or a collection. It is measured anew when somebody needs it.
    Calibration,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, why) = (self.name.escape_ascii(), &self.why);
        match self.part {
            DamagedPart::Index => {
                write!(f, "the index {name} was made anew from its keys: {why}")
            }
            DamagedPart::Calibration => {
                write!(f, "the recall of {name} will be measured anew: {why}")
            }
        }
    }
}

/// Loads the images of `manifest` into an empty keyspace that was made with its seed.
pub fn load(
    manifest: &Manifest,
    keyspace: &Keyspace,
    disk: &dyn Disk,
    dir: &Path,
) -> Result<Loaded, SnapshotError> {
    let state = &manifest.state;
    let loader = Loader {
        manifest,
        keyspace,
        packs: PackReader::open(disk, dir, &manifest.packs, state.lineage)?,
        path: manifest::path(dir, state.generation),
        damaged: Mutex::default(),
    };
    keyspace.raise_collection_id(state.next_collection_id);
    let (collections, relinked) = loader.collections()?;
    let keys = loader.keys(Mutex::new(collections))?;
    let indexes = loader.indexes()?;
    let elements = manifest
        .collections
        .values()
        .map(|collection| collection.elements)
        .sum();
    Ok(Loaded {
        keys,
        elements,
        relinked: relinked + indexes.relinked as u64,
        taken: indexes.taken as u64,
        indexed: indexes.indexed as u64,
        bytes: manifest.packs.values().sum(),
        damaged: loader.damaged.into_inner(),
    })
}

/// What a load works with; the files beside this one are its steps.
struct Loader<'a> {
    manifest: &'a Manifest,
    keyspace: &'a Keyspace,
    packs: PackReader<'a>,
    path: PathBuf,
    /// What a start can do without.
    damaged: Mutex<Vec<Damaged>>,
}

/// An image and where it is.
type Located<'a> = (Place, &'a ImageRecord);

impl Loader<'_> {
    fn images(&self, kind: Kind) -> impl Iterator<Item = Located<'_>> {
        let images = self.manifest.images.iter();
        let images = images.filter(move |(place, _)| place.kind == kind);
        images.map(|(place, image)| (*place, image))
    }

    /// What an image holds. Damage names its pack and where in it the image is.
    fn read<T>(
        &self,
        image: Located<'_>,
        decode: impl FnOnce(Payload<'_>) -> Result<T, Fault>,
    ) -> Result<T, SnapshotError> {
        let bytes = self.packs.payload(image.0, image.1)?;
        decode(payload_of(image, &bytes)).map_err(|what| self.packs.fault(image.1, what))
    }

    /// Notes that something is damaged without which a start goes on.
    fn note(&self, part: DamagedPart, name: &[u8], why: &SnapshotError) {
        let (name, why) = (name.into(), why.to_string());
        self.damaged.lock().push(Damaged { part, name, why });
    }

    /// Something that the table promised and the images do not have.
    fn contradiction(&self, what: &'static str) -> SnapshotError {
        SnapshotError::damaged(&self.path, 0, what)
    }
}

fn payload_of<'a>((place, image): Located<'_>, bytes: &'a [u8]) -> Payload<'a> {
    Payload {
        entries: image.header(place).entries,
        bytes,
    }
}

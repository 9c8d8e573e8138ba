//! The manifest: what a snapshot consists of. file.rs is the file, whose rename is the commit of a save; records.rs makes the
//! table records, which the catalogue (catalog.rs) keeps as well.

mod file;
mod records;

use super::image::{BASE, HEADER_BYTES, ImageHeader, Place};
use crate::keyspace::collection::Schema;
pub(super) use file::temporary_path;
pub use file::{generations, path};
pub(super) use records::{Records, body};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a snapshot consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Numbers that are there once.
    pub state: State,
    /// Collections by id.
    pub collections: BTreeMap<u64, CollectionRecord>,
    /// Packs and their lengths in bytes.
    pub packs: BTreeMap<PackId, u64>,
    /// Images and where they are.
    pub images: BTreeMap<Place, ImageRecord>,
}

/// Numbers that a snapshot has once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Which save made it.
    pub generation: u64,
    /// Number whose state it shows.
    pub cut: u64,
    /// Drawn once per data directory; its log carries it too.
    pub lineage: u64,
    /// The seed of the data directory: levels of graph nodes are drawn from it.
    pub seed: u64,
    /// No collection had this id or a higher one.
    pub next_collection_id: u64,
    /// Number of databases when it was made.
    pub databases: u32,
    /// Number of keys.
    pub keys: u64,
}

/// A collection's options and counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionRecord {
    /// What it was made with.
    pub schema: Schema,
    /// Inserts and updates since it was made.
    pub inserts: u64,
    /// Number of the last change of an element.
    pub changed: u64,
    /// Number of elements.
    pub elements: u64,
}

/// A pack's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId {
    /// The save that wrote it.
    pub generation: u64,
    /// Its number in that save.
    pub number: u32,
}

/// Where an image is, and what its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    form: u8,
    cut: u64,
    generation: u64,
    number: u32,
    offset: u64,
    bytes: u64,
    crc: u32,
    entries: u32,
}

impl ImageRecord {
    /// An image whose header stands at `offset` of `pack`.
    pub(super) fn new(header: &ImageHeader, pack: PackId, offset: u64) -> ImageRecord {
        ImageRecord {
            form: BASE,
            cut: header.cut,
            generation: pack.generation,
            number: pack.number,
            offset,
            bytes: header.bytes,
            crc: header.crc,
            entries: header.entries,
        }
    }

    /// The pack that it lies in.
    pub fn pack(&self) -> PackId {
        PackId {
            generation: self.generation,
            number: self.number,
        }
    }

    /// Offset of its header in the pack, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The header that must stand there.
    pub fn header(&self, place: Place) -> ImageHeader {
        ImageHeader {
            place,
            cut: self.cut,
            bytes: self.bytes,
            entries: self.entries,
            crc: self.crc,
        }
    }

    /// End of its payload in the pack; none if the numbers are absurd.
    fn end(&self) -> Option<u64> {
        self.offset
            .checked_add(HEADER_BYTES as u64)?
            .checked_add(self.bytes)
    }
}

#[cfg(test)]
pub(super) mod tests;

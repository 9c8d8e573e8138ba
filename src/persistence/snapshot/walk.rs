//! The walk over all entries as they were at the cut, into packs.
//!
//! It takes all shards of keys, then the collections that it found, segment by segment, in the order in which they were
//! found, and at last the indexes over documents: their definitions, and what they hold as it is then. It does not look
//! for the segments with most handed-over bytes: those bytes have a limit at which writers wait, and every segment takes the same
//! time, so the order only decides how early they wait.

use super::documents::{self, Definition};
use super::image::{Kind, Place};
use super::indexes::{self, IndexPart};
use super::manifest::{CollectionRecord, Manifest, State};
use super::pack::PackWriter;
use super::write::{SaveError, SaveJob, SaveProgress};
use super::{SnapshotError, calibrations, elements, keys};
use crate::keyspace::collection::Collection;
use crate::keyspace::table::SHARDS;
use crate::keyspace::{Keyspace, Value};
use crate::persistence::disk::Disk;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The walk, one shard or segment a step.
pub(super) struct Walk<'a> {
    keyspace: &'a Keyspace,
    job: SaveJob<'a>,
    progress: &'a SaveProgress,
    generation: u64,
    writer: PackWriter<'a>,
    /// The next shard, counted over all databases.
    next_shard: usize,
    shards: usize,
    /// Collections found and not walked yet; one that was dropped since lives on in here.
    found: VecDeque<Arc<Collection>>,
    /// The collection that is being walked.
    open: Option<OpenCollection>,
    collections: BTreeMap<u64, CollectionRecord>,
    /// What is left of the indexes over documents, once their definitions are written.
    indexes: Option<VecDeque<IndexPart>>,
    keys: u64,
}

struct OpenCollection {
    collection: Arc<Collection>,
    next_segment: u32,
    segments: u32,
    elements: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        keyspace: &'a Keyspace,
        job: SaveJob<'a>,
        disk: &'a dyn Disk,
        generation: u64,
        progress: &'a SaveProgress,
    ) -> Walk<'a> {
        Walk {
            keyspace,
            job,
            progress,
            generation,
            writer: PackWriter::new(disk, job.dir, job.lineage, generation),
            next_shard: 0,
            shards: keyspace.databases() * SHARDS,
            found: VecDeque::new(),
            open: None,
            collections: BTreeMap::new(),
            indexes: None,
            keys: 0,
        }
    }

    /// Writes everything. `cancelled` is asked between two steps, and once more at the end.
    pub(super) fn run(&mut self, cancelled: &dyn Fn() -> bool) -> Result<(), SaveError> {
        let refuse_if_cancelled = || match cancelled() {
            true => Err(SaveError::Cancelled),
            false => Ok(()),
        };
        refuse_if_cancelled()?;
        while self.step()? {
            refuse_if_cancelled()?;
        }
        self.writer.seal()?;
        // A FLUSHALL cancels before it empties anything, so a walk that saw its result ends here.
        refuse_if_cancelled()
    }

    /// Gives up: removes the packs that were begun.
    pub(super) fn abandon(self) {
        self.writer.abandon();
    }

    /// Walks and writes one shard or segment; false when nothing is left.
    fn step(&mut self) -> Result<bool, SnapshotError> {
        if self.next_shard < self.shards {
            let shard = self.next_shard;
            self.next_shard += 1;
            self.save_shard(shard / SHARDS, shard % SHARDS)?;
        } else if let Some(mut open) = self.open.take().or_else(|| self.open_next()) {
            if open.next_segment < open.segments {
                self.save_segment(&open.collection, open.next_segment, &mut open.elements)?;
                open.next_segment += 1;
                self.open = Some(open);
            } else {
                self.close(&open)?;
            }
        } else if let Some(parts) = &mut self.indexes {
            let Some(part) = parts.pop_front() else {
                return Ok(false);
            };
            self.save_index(part)?;
        } else {
            self.indexes = Some(self.save_definitions()?);
        }
        self.progress
            .bytes
            .store(self.writer.bytes(), Ordering::Relaxed);
        Ok(true)
    }

    fn save_shard(&mut self, db: usize, shard: usize) -> Result<(), SnapshotError> {
        let SaveJob { save, cut, .. } = self.job;
        let saved = self.keyspace.walk_keys(db, shard, save, cut);
        for key in &saved {
            if let Value::Collection(collection) = &key.value {
                self.found.push_back(Arc::clone(collection));
            }
        }
        self.keys += saved.len() as u64;
        self.progress.keys.store(self.keys, Ordering::Relaxed);
        let mut piece = 0;
        keys::encode(&saved, |entries, payload| {
            let place = Place {
                kind: Kind::Keys,
                owner: db as u64,
                part: shard as u32,
                piece,
            };
            piece += 1;
            self.writer.add(place, cut, entries, payload)
        })
    }

    fn open_next(&mut self) -> Option<OpenCollection> {
        let collection = self.found.pop_front()?;
        // Slots of later segments were filled after the cut.
        let segments = collection.segments();
        Some(OpenCollection {
            collection,
            next_segment: 0,
            segments,
            elements: 0,
        })
    }

    fn save_segment(
        &mut self,
        collection: &Collection,
        segment: u32,
        count: &mut u64,
    ) -> Result<(), SnapshotError> {
        let SaveJob { save, cut, .. } = self.job;
        let mut saved = collection.walk(segment, save, cut);
        if saved.is_empty() {
            return Ok(());
        }
        saved.sort_unstable_by_key(|element| element.slot);
        debug_assert!(
            saved.is_sorted_by(|a, b| a.slot < b.slot),
            "one element a slot"
        );
        let mut nodes = collection.index().save_nodes(segment);
        nodes.sort_unstable_by_key(|node| node.slot);
        let mut add = |kind, (entries, payload): elements::Encoded| {
            let place = Place {
                kind,
                owner: collection.id(),
                part: segment,
                piece: 0,
            };
            self.writer.add(place, cut, entries, &payload)
        };
        add(Kind::Names, elements::encode_names(&saved))?;
        add(Kind::Vectors, elements::encode_vectors(&saved))?;
        add(Kind::Attributes, elements::encode_attributes(&saved))?;
        add(Kind::Links, elements::encode_links(&nodes))?;
        *count += saved.len() as u64;
        self.progress
            .elements
            .fetch_add(saved.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Writes which indexes there are. They are taken after the cut: what came or went since is in the log that is kept.
    fn save_definitions(&mut self) -> Result<VecDeque<IndexPart>, SnapshotError> {
        let (mut definitions, mut parts) = (Vec::new(), VecDeque::new());
        for (place, index) in self.keyspace.indexes().all().into_iter().enumerate() {
            definitions.push(Definition::Index(
                index.name().into(),
                index.schema().to_words(),
            ));
            let keeps_queries = self.keyspace.keeps_queries();
            parts.extend(indexes::parts_of(&index, place as u64, keeps_queries));
        }
        let aliases = self.keyspace.indexes().aliases().into_iter();
        definitions.extend(aliases.map(|(alias, name)| Definition::Alias(alias, name)));
        let place = Place {
            kind: Kind::Indexes,
            owner: 0,
            part: 0,
            piece: 0,
        };
        let (entries, payload) = documents::encode_definitions(&definitions);
        self.writer.add(place, self.job.cut, entries, &payload)?;
        Ok(parts)
    }

    /// Writes a part of an index, and sees to what follows it. Only while it is read does a writer wait for it.
    fn save_index(&mut self, part: IndexPart) -> Result<(), SnapshotError> {
        let (image, more) = part.read();
        if let (Some(more), Some(parts)) = (more, &mut self.indexes) {
            parts.push_front(more);
        }
        let (entries, payload) = image.encoded;
        self.writer
            .add(image.place, self.job.cut, entries, &payload)
    }

    fn close(&mut self, open: &OpenCollection) -> Result<(), SnapshotError> {
        let collection = &open.collection;
        self.save_calibration(collection)?;
        let record = CollectionRecord {
            schema: collection.schema().clone(),
            inserts: collection.inserts(),
            changed: collection.changed().min(self.job.cut),
            elements: open.elements,
        };
        let twin = self.collections.insert(collection.id(), record);
        debug_assert!(twin.is_none(), "a collection has one key");
        Ok(())
    }

    /// What is known of a collection's recall by now: it speaks of searches, which belong to no cut.
    fn save_calibration(&mut self, collection: &Collection) -> Result<(), SnapshotError> {
        let saved = collection.calibration().save(
            collection.index(),
            collection.inserts(),
            self.keyspace.keeps_queries(),
        );
        let place = Place {
            kind: Kind::Calibration,
            owner: collection.id(),
            part: 0,
            piece: 0,
        };
        let (entries, payload) = calibrations::encode(&saved);
        self.writer.add(place, self.job.cut, entries, &payload)
    }

    /// What was written; after [`Walk::run`].
    pub(super) fn into_manifest(self) -> Manifest {
        let (packs, images) = self.writer.into_tables();
        let state = State {
            generation: self.generation,
            cut: self.job.cut,
            lineage: self.job.lineage,
            seed: self.keyspace.seed(),
            next_collection_id: self.keyspace.next_collection_id(),
            databases: self.keyspace.databases() as u32,
            keys: self.keys,
        };
        Manifest {
            state,
            collections: self.collections,
            packs,
            images,
        }
    }
}

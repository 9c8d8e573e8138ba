//! A save: the walk over all entries as they were at the cut, into packs, and the commit.
//!
//! The engine publishes the cut, waits until all changes up to it are applied, calls [`save`] on its save thread, then lets
//! the log forget what lies before the cut and calls [`remove_replaced`]. Writers go on meanwhile: whoever alters an entry
//! that was not walked yet hands its old state over first (keyspace/save.rs).
//!
//! The walk takes all shards of keys, then the collections that it found, segment by segment, in the order in which they were
//! found, and at last the indexes over documents: their definitions, and what they hold as it is then. It does not look
//! for the segments with most handed-over bytes: those bytes have a limit at which writers wait, and every segment takes the same
//! time, so the order only decides how early they wait.

use super::catalog::{Catalog, CatalogError};
use super::documents::{self, Definition};
use super::elements::Encoded;
use super::image::{Kind, Place};
use super::manifest::{self, CollectionRecord, Manifest, PackId, State};
use super::pack::{self, PackWriter};
use super::{SnapshotError, elements, keys, packs_dir};
use crate::keyspace::collection::Collection;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::documents::saved::DOCUMENTS_AT_ONCE;
use crate::keyspace::documents::schema::FieldKind;
use crate::keyspace::documents::vocabulary::WordId;
use crate::keyspace::table::SHARDS;
use crate::keyspace::{Keyspace, Value};
use crate::persistence::disk::Disk;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
            walk.writer.abandon();
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

/// Something of an index over documents that is written in one step.
struct IndexPart {
    index: Arc<DocumentIndex>,
    /// The index's place among the definitions.
    place: usize,
    content: IndexContent,
}

enum IndexContent {
    /// Documents of this part, with ids below `end`.
    Documents { part: u32, end: DocumentId },
    /// Words from this number on.
    Words { part: u32, from: WordId },
    /// Values of a TAG field behind one.
    Tags {
        field: usize,
        part: u32,
        after: Option<Box<str>>,
    },
    /// Numbers of a NUMERIC field above one.
    Numbers {
        field: usize,
        part: u32,
        after: Option<f64>,
    },
    /// The ids below `end` that are still there: behind all that speaks of documents by their ids.
    Ids { end: DocumentId },
    /// A segment of a field's graph.
    Links { field: usize, segment: u32 },
}

/// What is written of an index, in this order.
fn contents_of(index: &DocumentIndex) -> Vec<IndexContent> {
    let end = index.ids_end();
    let parts = 0..end.div_ceil(DOCUMENTS_AT_ONCE);
    let mut contents: Vec<_> = parts
        .map(|part| IndexContent::Documents { part, end })
        .collect();
    contents.push(IndexContent::Words { part: 0, from: 0 });
    for (field, definition) in index.schema().fields.iter().enumerate() {
        contents.extend(match definition.kind {
            FieldKind::Tag { .. } => Some(IndexContent::Tags {
                field,
                part: 0,
                after: None,
            }),
            FieldKind::Numeric => Some(IndexContent::Numbers {
                field,
                part: 0,
                after: None,
            }),
            _ => None,
        });
    }
    contents.push(IndexContent::Ids { end });
    for (field, segments) in index.graphs() {
        contents.extend((0..segments).map(|segment| IndexContent::Links { field, segment }));
    }
    contents
}

/// A part of an index: kind, part and piece of its image, the image, and what follows, if there may be more of the kind.
fn read_part(
    index: &DocumentIndex,
    content: IndexContent,
) -> (Kind, u32, u32, Encoded, Option<IndexContent>) {
    match content {
        IndexContent::Documents { part, end } => {
            let first = part * DOCUMENTS_AT_ONCE;
            let ids = first..end.min(first.saturating_add(DOCUMENTS_AT_ONCE));
            let encoded = documents::encode_documents(&index.save_documents(ids));
            (Kind::Documents, part, 0, encoded, None)
        }
        IndexContent::Words { part, from } => {
            let (saved, more) = index.save_words(from);
            let next = |from| IndexContent::Words {
                part: part + 1,
                from,
            };
            let encoded = documents::encode_words(&saved);
            (Kind::Words, part, 0, encoded, more.map(next))
        }
        IndexContent::Tags { field, part, after } => {
            let (saved, last) = index.save_tags(field, after.as_deref());
            let next = |last| IndexContent::Tags {
                field,
                part: part + 1,
                after: Some(last),
            };
            let encoded = documents::encode_tags(&saved);
            (Kind::Tags, part, field as u32, encoded, last.map(next))
        }
        IndexContent::Numbers { field, part, after } => {
            let (saved, last) = index.save_numbers(field, after);
            let next = |last| IndexContent::Numbers {
                field,
                part: part + 1,
                after: Some(last),
            };
            let encoded = documents::encode_numbers(&saved);
            (Kind::Numbers, part, field as u32, encoded, last.map(next))
        }
        IndexContent::Ids { end } => {
            let encoded = documents::encode_ids(&index.save_ids(end));
            (Kind::DocumentIds, 0, 0, encoded, None)
        }
        IndexContent::Links { field, segment } => {
            let encoded = documents::encode_vectors(&index.save_segment(field, segment));
            (Kind::DocumentLinks, segment, field as u32, encoded, None)
        }
    }
}

/// The walk, one shard or segment a step.
struct Walk<'a> {
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
    fn new(
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

    fn run(&mut self, cancelled: &dyn Fn() -> bool) -> Result<(), SaveError> {
        let refuse_if_cancelled = || {
            if cancelled() {
                Err(SaveError::Cancelled)
            } else {
                Ok(())
            }
        };
        refuse_if_cancelled()?;
        while self.step()? {
            refuse_if_cancelled()?;
        }
        self.writer.seal()?;
        // A FLUSHALL cancels before it empties anything, so a walk that saw its result ends here.
        refuse_if_cancelled()
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
                self.close(&open);
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
            let contents = contents_of(&index).into_iter();
            parts.extend(contents.map(|content| IndexPart {
                index: Arc::clone(&index),
                place,
                content,
            }));
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
    fn save_index(&mut self, next: IndexPart) -> Result<(), SnapshotError> {
        let IndexPart {
            index,
            place,
            content,
        } = next;
        let owner = place as u64;
        let (kind, part, piece, (entries, payload), more) = read_part(&index, content);
        if let (Some(content), Some(parts)) = (more, &mut self.indexes) {
            parts.push_front(IndexPart {
                index,
                place,
                content,
            });
        }
        let place = Place {
            kind,
            owner,
            part,
            piece,
        };
        self.writer.add(place, self.job.cut, entries, &payload)
    }

    fn close(&mut self, open: &OpenCollection) {
        let collection = &open.collection;
        let record = CollectionRecord {
            schema: collection.schema().clone(),
            inserts: collection.inserts(),
            changed: collection.changed().min(self.job.cut),
            elements: open.elements,
        };
        let twin = self.collections.insert(collection.id(), record);
        debug_assert!(twin.is_none(), "a collection has one key");
    }

    /// What was written; after [`Walk::run`].
    fn into_manifest(self) -> Manifest {
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

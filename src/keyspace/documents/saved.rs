//! What a snapshot keeps of an index beside its definition: the documents, their words, tags and numbers, which vector stood where in the graphs, and how it
//! was linked. What fields hold, document by document, is read from the keys when the index is made again.
//!
//! All of it is read while writers go on, and belongs to no moment (docs/snapshot-format.md, "Indexes", says why that does no harm): a
//! document is known by its id, its key and a checksum of what it holds, a vector by its key and a checksum of its bytes, and
//! what does not fit the documents that were loaded is made anew.

use super::checksum;
use super::fields::{DocumentId, SavedField, SavedTag};
use super::index::DocumentIndex;
use super::values::{self, DocumentValues, FieldValue};
use super::vocabulary::{SavedWord, WordId};
use crate::index::{IndexKind, SavedNode, VectorIndex, segments};
use crate::keyspace::Key;
use crate::keyspace::calibration::SavedCalibration;
use crate::keyspace::table::Database;
use foldhash::fast::FixedState;
use roaring::RoaringBitmap;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;

/// Ids of documents that are saved together.
pub const DOCUMENTS_AT_ONCE: u32 = 4096;
/// Bytes of words and their postings that are saved together, about; few in tests, so that there are several parts.
const WORD_BYTES_AT_ONCE: usize = if cfg!(test) { 1 << 10 } else { 1 << 20 };

/// Documents of tags or numbers that are saved together, about; few in tests.
const HOLDERS_AT_ONCE: usize = if cfg!(test) { 200 } else { 1 << 16 };

/// What a snapshot has of an index.
#[derive(Default)]
pub struct SavedIndex {
    /// The documents that were there when the save came to its end with the index; of the others nothing counts.
    pub alive: RoaringBitmap,
    /// Documents, each id once.
    pub documents: Vec<SavedDocument>,
    /// Words.
    pub words: Vec<SavedWord>,
    /// Tags and numbers, by their fields' places; several parts of one.
    pub fields: Vec<(usize, SavedField)>,
    /// Vectors, by their fields' places.
    pub vectors: Vec<(usize, Vec<SavedVector>)>,
}

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedDocument {
    /// The id that it had.
    pub id: DocumentId,
    /// Its key.
    pub key: Key,
    /// Checksum of what it holds.
    pub checksum: u32,
    /// Its words, counted by the fields' weights.
    pub length: u32,
    /// The frequency of its most frequent word.
    pub frequency_max: u32,
}

/// A vector in a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedVector {
    /// Where it stood.
    pub slot: u32,
    /// Checksum of its packed components.
    pub checksum: u32,
    /// Its document.
    pub key: Key,
    /// Its links by layer, layer 0 first.
    pub layers: Vec<Vec<u32>>,
}

impl DocumentIndex {
    /// The id that the next document gets: a save takes those below it.
    pub fn ids_end(&self) -> DocumentId {
        self.read().next_id
    }

    /// The documents with these ids that are there now.
    pub fn save_documents(&self, ids: Range<DocumentId>) -> Vec<SavedDocument> {
        let state = self.read();
        let there = ids.filter_map(|id| Some((id, state.documents.get(id)?)));
        let saved = there.map(|(id, document)| SavedDocument {
            id,
            key: document.key().into(),
            checksum: document.checksum,
            length: document.length,
            frequency_max: document.frequency_max,
        });
        saved.collect()
    }

    /// Words from this number on, as many as are saved together; with the number to go on with, if there are more.
    pub fn save_words(&self, from: WordId) -> (Vec<SavedWord>, Option<WordId>) {
        self.read().words.saved_from(from, WORD_BYTES_AT_ONCE)
    }

    /// Values of a TAG field behind one, or all, as many as are saved together; with the one to go on behind, if there may be more.
    pub fn save_tags(
        &self,
        field: usize,
        after: Option<&str>,
    ) -> (Vec<SavedTag>, Option<Box<str>>) {
        let tags = self.read().fields[field].tags_after(after, HOLDERS_AT_ONCE);
        let last = tags.last().map(|last| last.tag.clone());
        (tags, last)
    }

    /// Numbers of a NUMERIC field above one, or all, as many as are saved together; with the one to go on above, if there may be more.
    pub fn save_numbers(
        &self,
        field: usize,
        after: Option<f64>,
    ) -> (Vec<(f64, DocumentId)>, Option<f64>) {
        let state = self.read();
        let numbers = state.fields[field].numbers.after(after, HOLDERS_AT_ONCE);
        let last = numbers.last().map(|(number, _)| *number);
        (numbers, last)
    }

    /// The ids below `end` of the documents that are there now.
    pub fn save_ids(&self, end: DocumentId) -> RoaringBitmap {
        let mut ids = self.read().all.clone();
        ids.remove_range(end..);
        ids
    }

    /// The places of the VECTOR fields, each with the number of segments that its graph has now.
    pub fn graphs(&self) -> Vec<(usize, u32)> {
        let fields = 0..self.schema().fields.len();
        let graph = |field| Some((field, segments::count(self.vectors(field)?.slots_end())));
        fields.filter_map(graph).collect()
    }

    /// What is known of the recall of searches in a VECTOR field, by its place.
    pub fn save_calibration(&self, field: usize, keeps_queries: bool) -> SavedCalibration {
        let vectors = self.vectors(field);
        vectors.map_or_else(SavedCalibration::default, |vectors| {
            let calibration = self.calibration(field);
            calibration.save(vectors, self.inserts(), keeps_queries)
        })
    }

    /// Loading, behind everything else: what was known of it.
    pub fn load_calibration(&self, field: usize, saved: SavedCalibration) {
        if let Some(vectors) = self.vectors(field) {
            self.calibration(field).load(saved, vectors, self.inserts());
        }
    }

    /// The vectors of one segment of a field's graph, in the order of their slots.
    pub fn save_segment(&self, field: usize, segment: u32) -> Vec<SavedVector> {
        let Some(vectors) = self.vectors(field) else {
            return Vec::new();
        };
        let mut nodes = match vectors.options().kind {
            IndexKind::Hnsw => vectors.save_nodes(segment),
            IndexKind::Flat => places(vectors, segment),
        };
        nodes.sort_unstable_by_key(|node| node.slot);
        let state = self.read();
        let mut saved = Vec::with_capacity(nodes.len());
        for SavedNode {
            slot,
            birth,
            layers,
        } in nodes
        {
            let owner = state.owner(field, slot);
            let Some(document) = owner.and_then(|id| state.documents.get(id)) else {
                continue;
            };
            let Some(packed) = vectors.packed(slot) else {
                continue;
            };
            let checksum = checksum::of_bytes(&packed);
            // The slot may have become another vector's since its links were read.
            if vectors.birth(slot) == birth {
                saved.push(SavedVector {
                    slot,
                    checksum,
                    key: document.key().into(),
                    layers,
                });
            }
        }
        saved
    }
}

/// The live slots of a segment, as nodes without links.
fn places(vectors: &VectorIndex, segment: u32) -> Vec<SavedNode> {
    let (first, slots) = segments::extent(segment);
    let live = (first..first + slots).filter(|slot| vectors.is_live(*slot));
    let node = |slot| SavedNode {
        slot,
        birth: vectors.birth(slot),
        layers: Vec::new(),
    };
    live.map(node).collect()
}

/// The documents and vectors of a snapshot, which look for their keys.
pub(super) struct SavedKeys(HashMap<Key, SavedKey, FixedState>);

/// Links of vectors, by the places of their fields.
pub(super) type SavedNodes = Vec<(usize, Vec<SavedNode>)>;

/// What a snapshot has of one key.
#[derive(Default)]
struct SavedKey {
    document: Option<Facts>,
    vectors: SmallVec<[Place; 1]>,
}

/// Where a vector stood.
struct Place {
    field: usize,
    slot: u32,
    checksum: u32,
}

/// What a snapshot knows of a document that its key does not tell at once.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) id: DocumentId,
    pub(super) checksum: u32,
    pub(super) length: u32,
    pub(super) frequency_max: u32,
}

/// A document all of whose vectors have a place, and what is known of them.
pub(super) struct Known {
    pub(super) values: DocumentValues,
    /// Field and slot of each vector, in the order of the fields and of the values.
    pub(super) slots: Vec<(usize, u32)>,
}

/// What a snapshot has of a key as it is now.
pub(super) enum Found {
    /// The document, words and all.
    Document(Facts, Known),
    /// Its vectors.
    Vectors(Known),
    /// Not all of its vectors; or there is no document.
    Nothing,
}

impl SavedKeys {
    /// With the links of all vectors, those included that will find no document.
    pub(super) fn new(
        alive: &RoaringBitmap,
        documents: Vec<SavedDocument>,
        vectors: Vec<(usize, Vec<SavedVector>)>,
    ) -> (SavedKeys, SavedNodes) {
        let mut keys: HashMap<Key, SavedKey, FixedState> = HashMap::default();
        keys.reserve(documents.len());
        for document in documents {
            if alive.contains(document.id) {
                let facts = Facts {
                    id: document.id,
                    checksum: document.checksum,
                    length: document.length,
                    frequency_max: document.frequency_max,
                };
                keys.entry(document.key).or_default().document = Some(facts);
            }
        }
        let nodes = vectors.into_iter().map(|(field, vectors)| {
            let nodes = vectors.into_iter().map(|vector| {
                let SavedVector {
                    slot,
                    checksum,
                    key,
                    layers,
                } = vector;
                let place = Place {
                    field,
                    slot,
                    checksum,
                };
                keys.entry(key).or_default().vectors.push(place);
                SavedNode {
                    slot,
                    birth: 0,
                    layers,
                }
            });
            (field, nodes.collect())
        });
        let nodes = nodes.collect();
        (SavedKeys(keys), nodes)
    }

    /// What there is of a key, if its document is what it was.
    pub(super) fn find(&self, index: &DocumentIndex, key: &[u8], database: &Database) -> Found {
        let entry = database.peek(key);
        let values = entry.and_then(|entry| values::read(index.schema(), key, &entry.value));
        let (Some(Ok(values)), saved) = (values, self.0.get(key)) else {
            return Found::Nothing;
        };
        let vectors = saved.map_or(&[][..], |saved| &saved.vectors);
        let Some(slots) = slots_of(&values, vectors) else {
            return Found::Nothing;
        };
        let facts = saved.and_then(|saved| saved.document);
        let facts = facts.filter(|facts| facts.checksum == checksum::of_values(&values));
        let known = Known { values, slots };
        match facts {
            Some(facts) => Found::Document(facts, known),
            None => Found::Vectors(known),
        }
    }
}

/// The slots of all vectors of a document, with their fields; none if one of them has none.
fn slots_of(values: &DocumentValues, saved: &[Place]) -> Option<Vec<(usize, u32)>> {
    let mut candidates: SmallVec<[&Place; 4]> = saved.iter().collect();
    let mut slots = Vec::new();
    for (field, value) in values.fields.iter().enumerate() {
        let FieldValue::Vectors(all) = value else {
            continue;
        };
        for packed in all {
            let checksum = checksum::of_bytes(packed);
            let is_it = |place: &&Place| place.field == field && place.checksum == checksum;
            let at = candidates.iter().position(is_it)?;
            slots.push((field, candidates.swap_remove(at).slot));
        }
    }
    Some(slots)
}

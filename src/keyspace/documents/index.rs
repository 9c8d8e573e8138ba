//! One index: the documents that it knows, what their fields hold, and the graphs over their vectors.
//!
//! A write reads its document before, takes the lock of the postings for a few map entries, and links its vectors after: writers of
//! different keys link on all cores. A document that is written again gets a new id and new slots; slots of vectors name the
//! document that they belong to, and whoever finds one whose document is gone passes over it.

use super::fields::{DocumentId, DocumentWords, FieldIndex, Words, words_of};
use super::schema::{Algorithm, FieldKind, Metric, Schema, VectorAttributes, VectorType};
use super::text::stop_words::StopWords;
use super::values::{DocumentValues, FieldValue};
use crate::index::{
    self, IndexKind, IndexOptions, LinkOptions, Quantization, VectorIndex, WalkedOn,
};
use crate::keyspace::Key;
use bytes::Bytes;
use foldhash::fast::FixedState;
use parking_lot::{RwLock, RwLockReadGuard};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Links of a node on a level above 0, and candidates while linking, of algorithms that name none.
const M_DEFAULT: u32 = 16;
const EF_CONSTRUCTION_DEFAULT: u32 = 200;

/// Why a document is not indexed.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// A packed vector of another size.
    Blob {
        /// Bytes that came.
        got: usize,
        /// Bytes of the field's vectors.
        expected: usize,
    },
    /// A JSON vector of another length.
    Length {
        /// Components that came.
        got: usize,
        /// Components of the field's vectors.
        expected: usize,
    },
    /// A component of a JSON vector that does not do, by its place.
    Component(usize),
    /// A component that is NaN or infinite.
    NotFinite,
    /// No number.
    Number(String),
    /// No point on the earth.
    Point(String),
    /// A JSON value of a type that the field does not take.
    Type,
}

/// A document that was not indexed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Its key.
    pub key: Key,
    /// The field's place in the schema.
    pub field: usize,
    /// Why.
    pub why: Refusal,
}

/// One index.
pub struct DocumentIndex {
    name: Box<[u8]>,
    schema: Arc<Schema>,
    stop_words: StopWords,
    /// By the fields' places.
    vectors: Vec<Option<VectorIndex>>,
    state: RwLock<State>,
    failures: AtomicU64,
    /// When a command named it last, in milliseconds since 1970; 0: none did yet.
    pub(super) used_ms: AtomicU64,
    /// How often commands named it.
    pub(super) uses: AtomicU64,
    level_hasher: FixedState,
}

/// What the postings say. Readers hold it for a query.
#[derive(Default)]
pub struct State {
    ids: HashMap<Key, DocumentId>,
    /// The ids of all documents.
    pub all: RoaringBitmap,
    /// The documents, oldest first.
    pub documents: BTreeMap<DocumentId, Document>,
    next_id: DocumentId,
    /// By the fields' places.
    pub fields: Vec<FieldIndex>,
    /// Of all TEXT fields.
    pub words: Words,
    /// Words of all documents.
    pub length: u64,
    /// By the fields' places: the document of each slot.
    owners: Vec<Vec<DocumentId>>,
    /// The last document that was not indexed.
    pub last_failure: Option<Failure>,
}

/// A document.
pub struct Document {
    /// Its key.
    pub key: Key,
    /// Its own score, 0 to 1.
    pub score: f32,
    /// Its words, counted by the fields' weights.
    pub length: u32,
    /// The frequency of its most frequent word.
    pub frequency_max: u32,
    /// Its values by field; of texts only that they are there.
    pub values: Vec<FieldValue>,
    /// What its payload field holds, where the schema names one.
    pub payload: Option<Bytes>,
    words: Vec<Box<str>>,
    /// Field and slot of each of its vectors.
    slots: Vec<(usize, u32)>,
}

impl DocumentIndex {
    /// An empty index.
    pub fn new(name: &[u8], schema: Arc<Schema>) -> DocumentIndex {
        let vectors = schema.fields.iter().map(|field| match &field.kind {
            FieldKind::Vector(attributes) => Some(VectorIndex::new(options(attributes))),
            _ => None,
        });
        let state = State {
            fields: schema
                .fields
                .iter()
                .map(|_| FieldIndex::default())
                .collect(),
            owners: vec![Vec::new(); schema.fields.len()],
            next_id: 1,
            ..State::default()
        };
        DocumentIndex {
            name: name.into(),
            stop_words: schema.stop_word_list(),
            vectors: vectors.collect(),
            schema,
            state: RwLock::new(state),
            failures: AtomicU64::new(0),
            used_ms: AtomicU64::new(0),
            uses: AtomicU64::new(0),
            level_hasher: FixedState::with_seed(0x646f_6375_6d65_6e74),
        }
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// What it is made of.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Words that are not indexed.
    pub fn stop_words(&self) -> &StopWords {
        &self.stop_words
    }

    /// The vectors of a VECTOR field, by its place.
    pub fn vectors(&self, field: usize) -> Option<&VectorIndex> {
        self.vectors.get(field)?.as_ref()
    }

    /// The postings, which do not change while they are held.
    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    /// Documents that could not be indexed, since the index was made.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Indexes a document in place of what was known of its key.
    pub(super) fn put(&self, key: &[u8], values: DocumentValues) {
        let words = words_of(&self.schema, &values, &self.stop_words);
        let slots = match self.reserve(&values.fields) {
            Ok(slots) => slots,
            Err(field) => return self.refuse(key, field, Refusal::NotFinite),
        };
        let former = self.state.write().put(key, values, words, &slots);
        for &(field, slot) in &slots {
            let level_hash = self.level_hasher.hash_one((key, field, slot));
            if let Some(vectors) = &self.vectors[field] {
                vectors.connect(slot, level_hash, LinkOptions::default());
            }
        }
        self.free(former);
    }

    /// Forgets a key.
    pub(super) fn remove(&self, key: &[u8]) {
        // Most keys that are no documents were none before.
        if self.state.read().id_of(key).is_none() {
            return;
        }
        let former = self.state.write().remove(key);
        self.free(former);
    }

    /// Forgets a key whose document does not do, and remembers why.
    pub(super) fn refuse(&self, key: &[u8], field: usize, why: Refusal) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let former = {
            let mut state = self.state.write();
            state.last_failure = Some(Failure {
                key: key.into(),
                field,
                why,
            });
            state.remove(key)
        };
        self.free(former);
    }

    /// Writes the vectors into slots that nobody finds yet. The error is the place of a field with a vector that does not do.
    fn reserve(&self, values: &[FieldValue]) -> Result<Vec<(usize, u32)>, usize> {
        let mut given = Vec::new();
        for (field, value) in values.iter().enumerate() {
            if let (Some(vectors), FieldValue::Vectors(all)) = (&self.vectors[field], value) {
                let is_fine = |vector: &Vec<f32>| vectors.check_vector(vector).is_ok();
                if !all.iter().all(is_fine) {
                    return Err(field);
                }
                given.extend(all.iter().map(|vector| (field, vectors, vector)));
            }
        }
        let reserved = given.into_iter();
        Ok(reserved
            .map(|(field, vectors, vector)| (field, vectors.reserve(vector)))
            .collect())
    }

    fn free(&self, slots: Vec<(usize, u32)>) {
        for (field, slot) in slots {
            if let Some(vectors) = &self.vectors[field] {
                vectors.remove(slot);
            }
        }
    }
}

impl State {
    /// The document of a key.
    pub fn id_of(&self, key: &[u8]) -> Option<DocumentId> {
        self.ids.get(key).copied()
    }

    /// The document that a slot of a VECTOR field belongs to, if it is still there.
    pub fn owner(&self, field: usize, slot: u32) -> Option<DocumentId> {
        let id = *self.owners.get(field)?.get(slot as usize)?;
        self.all.contains(id).then_some(id)
    }

    /// The slots of a document's vectors in a field.
    pub fn slots(&self, id: DocumentId, field: usize) -> impl Iterator<Item = u32> + '_ {
        let slots = self
            .documents
            .get(&id)
            .into_iter()
            .flat_map(|document| &document.slots);
        slots
            .filter(move |(of, _)| *of == field)
            .map(|(_, slot)| *slot)
    }

    /// Adds a document under a new id; the slots of what its key had before.
    fn put(
        &mut self,
        key: &[u8],
        values: DocumentValues,
        words: DocumentWords,
        slots: &[(usize, u32)],
    ) -> Vec<(usize, u32)> {
        let former = self.remove(key);
        let id = self.next_id;
        self.next_id += 1;
        for (field, value) in self.fields.iter_mut().zip(&values.fields) {
            field.add(id, value);
        }
        self.length += u64::from(words.length);
        let names: Vec<Box<str>> = words.postings.keys().cloned().collect();
        for (word, posting) in words.postings {
            self.words.entry(word).or_default().insert(id, posting);
        }
        for &(field, slot) in slots {
            let owners = &mut self.owners[field];
            if owners.len() <= slot as usize {
                owners.resize(slot as usize + 1, 0);
            }
            owners[slot as usize] = id;
        }
        let emptied = values.fields.into_iter().map(|value| match value {
            FieldValue::Texts(_) => FieldValue::Texts(Vec::new()),
            FieldValue::Vectors(_) => FieldValue::Vectors(Vec::new()),
            other => other,
        });
        let document = Document {
            key: key.into(),
            score: values.score,
            length: words.length,
            frequency_max: words.frequency_max,
            values: emptied.collect(),
            payload: values.payload,
            words: names,
            slots: slots.to_vec(),
        };
        self.all.insert(id);
        self.documents.insert(id, document);
        self.ids.insert(key.into(), id);
        former
    }

    fn remove(&mut self, key: &[u8]) -> Vec<(usize, u32)> {
        let found = self.ids.remove(key);
        let Some((id, document)) = found.and_then(|id| Some((id, self.documents.remove(&id)?)))
        else {
            return Vec::new();
        };
        self.all.remove(id);
        for (field, value) in self.fields.iter_mut().zip(&document.values) {
            field.remove(id, value);
        }
        for word in &document.words {
            if let Some(postings) = self.words.get_mut(word) {
                postings.remove(&id);
                if postings.is_empty() {
                    self.words.remove(word);
                }
            }
        }
        self.length -= u64::from(document.length);
        document.slots
    }
}

fn options(attributes: &VectorAttributes) -> IndexOptions {
    let bounded = |n: usize, max: u32| u32::try_from(n).unwrap_or(max).clamp(4, max);
    let (kind, m, ef_construction) = match &attributes.algorithm {
        Algorithm::Flat => (IndexKind::Flat, M_DEFAULT, EF_CONSTRUCTION_DEFAULT),
        Algorithm::Hnsw(hnsw) => (
            IndexKind::Hnsw,
            bounded(hnsw.m, 4096),
            bounded(hnsw.ef_construction, 1_000_000),
        ),
        Algorithm::Svs(svs) => (
            IndexKind::Hnsw,
            svs.graph_max_degree
                .map_or(M_DEFAULT, |degree| bounded(degree / 2, 4096)),
            svs.construction_window_size
                .map_or(EF_CONSTRUCTION_DEFAULT, |window| bounded(window, 1_000_000)),
        ),
    };
    IndexOptions {
        dim: attributes.dimension as u32,
        metric: match attributes.metric {
            Metric::L2 => index::Metric::L2,
            Metric::Ip => index::Metric::InnerProduct,
            Metric::Cosine => index::Metric::Cosine,
        },
        quantization: match attributes.kind {
            VectorType::Float16 => Quantization::F16,
            _ => Quantization::F32,
        },
        kind,
        m,
        ef_construction,
        walked_on: WalkedOn::Codes,
    }
}

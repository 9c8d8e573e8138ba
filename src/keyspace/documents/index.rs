//! One index: the documents that it knows, what their fields hold, and the graphs over their vectors.
//!
//! A write reads its document before, takes the lock of the postings for a few map entries, and links its vectors after: writers of
//! different keys link on all cores. A document that is written again gets a new id, and new slots for vectors that it had not
//! before; slots of vectors name the document that they belong to, and whoever finds one whose document is gone passes over it.

mod restore;

use super::checksum;
use super::failures::Failures;
use super::fields::{DocumentId, DocumentWords, FieldIndex, words_of};
use super::filling::Progress;
use super::filter_cache::FilterCache;
use super::packed::{PackedDocument, PackedValue, Values};
use super::pages::Pages;
use super::saved::{Known, SavedNodes};
use super::schema::{Algorithm, Field, FieldKind, Metric, Schema, VectorAttributes};
use super::slots::DocumentSlots;
use super::text::stop_words::StopWords;
use super::turns::{Place, Reading, Turn, TurnLock};
use super::usage::Usage;
use super::values::{DocumentValues, FieldValue};
use super::vocabulary::Vocabulary;
use crate::index::{
    self, ComponentType, IndexKind, IndexOptions, LinkOptions, Quantization, SavedNode,
    VectorIndex, WalkedOn,
};
use crate::keyspace::Key;
use crate::keyspace::calibration::Calibration;
use bytes::Bytes;
use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashTable;
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Links of a node on a level above 0, and candidates while linking, of algorithms that name none.
const M_DEFAULT: u32 = 16;
const EF_CONSTRUCTION_DEFAULT: u32 = 200;

/// An index that has given out all ids before this one is made anew, which begins with the first ([`Indexes`](super::Indexes)). It takes
/// four thousand million writes; those behind are for writers that are about to take one meanwhile.
const IDS_LIMIT: DocumentId = DocumentId::MAX - (1 << 16);

/// In place of a field, in a failure that is of none of them.
pub const NO_FIELD: usize = usize::MAX;

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
    /// A point of more bytes than one has.
    LongPoint,
    /// No point.
    Point,
    /// A longitude and latitude that are not on the earth, or too near a pole.
    Place(f64, f64),
    /// A JSON value of a type that the field does not take.
    JsonType(JsonType),
    /// An element of a JSON array that the field does not take.
    JsonElement {
        /// The field is NUMERIC; else TEXT, TAG or GEO.
        is_numeric: bool,
    },
    /// A JSON vector without components.
    EmptyVector,
    /// An empty JSON array in a SORTABLE field.
    EmptyArray,
    /// No shape: what is wrong with it.
    Shape(String),
    /// There are so many documents that no ids are left, not even in an index that is made anew.
    Full,
    /// A fault of the server while it took up keys: those behind this one, too, may be missing.
    Fault,
}

/// A type of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    /// A string.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A document that was not indexed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Its key.
    pub key: Key,
    /// The field's place in the schema, or [`NO_FIELD`].
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
    vectors: Vec<Option<Arc<VectorIndex>>>,
    /// By the fields' places: what is known of the recall of searches.
    calibrations: Vec<Arc<Calibration>>,
    inserts: AtomicU64,
    /// Shared with the one that this was made of by FT.ALTER, for as long as somebody searches that.
    state: Arc<TurnLock<State>>,
    filters: FilterCache,
    progress: Progress,
    failures: AtomicU64,
    usage: Arc<Usage>,
    level_hasher: FixedState,
    /// [`IDS_LIMIT`], but in tests.
    pub(super) ids_limit: DocumentId,
    is_spent: AtomicBool,
}

/// What the postings say. Readers hold it for a query.
#[derive(Default)]
pub struct State {
    /// The documents by their keys, which lie in `documents` alone.
    ids: HashTable<DocumentId>,
    hasher: RandomState,
    /// The ids of all documents.
    pub all: RoaringBitmap,
    /// The documents, oldest first.
    pub documents: Pages<Document>,
    /// The id that the next document gets: greater than all so far. The greatest of all stands for other things where ids do, and is
    /// never given.
    pub next_id: DocumentId,
    /// By the fields' places.
    pub fields: Vec<FieldIndex>,
    /// Of all TEXT fields.
    pub words: Vocabulary,
    /// Words of all documents.
    pub length: u64,
    /// Words of the longest document that there ever was.
    pub longest: u32,
    /// By the fields' places: the slots of documents' vectors.
    slots: Vec<DocumentSlots>,
    /// What the payload fields of documents hold, where the schema names one: few do.
    payloads: HashMap<DocumentId, Bytes>,
    /// What could not be indexed.
    pub failures: Failures,
}

/// A document.
pub struct Document {
    /// Its key, its values and the numbers of its words.
    packed: PackedDocument,
    /// Its own score.
    pub score: f32,
    /// Its words, counted by the fields' weights.
    pub length: u32,
    /// The frequency of its most frequent word.
    pub frequency_max: u32,
    /// Checksum of what it holds.
    pub checksum: u32,
}

// There is one for each document of each index: whatever is added here is added to all of them.
const _: () = assert!(size_of::<Option<Document>>() <= 32);

/// What is left to be done for a document that was put.
#[derive(Default)]
pub(super) struct Unlinked {
    /// Field, slot and the hash that the level is drawn from, of vectors that are not linked.
    new: Vec<(usize, u32, u64)>,
    /// Field and slot of those that the document had before.
    former: Vec<(usize, u32)>,
}

impl Unlinked {
    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.new.is_empty() && self.former.is_empty()
    }
}

/// Where a vector of a document is put.
struct Placed {
    field: usize,
    slot: u32,
    /// Not linked yet.
    is_new: bool,
}

impl DocumentIndex {
    /// An empty index.
    pub fn new(name: &[u8], schema: Arc<Schema>) -> DocumentIndex {
        let vectors = schema.fields.iter().map(vectors_of);
        let state = State {
            fields: schema.fields.iter().map(FieldIndex::of).collect(),
            slots: schema
                .fields
                .iter()
                .map(|_| DocumentSlots::default())
                .collect(),
            words: Vocabulary::new(schema.suffix_fields()),
            next_id: 1,
            ..State::default()
        };
        DocumentIndex {
            name: name.into(),
            stop_words: schema.stop_word_list(),
            vectors: vectors.collect(),
            calibrations: schema.fields.iter().map(|_| Arc::default()).collect(),
            inserts: AtomicU64::new(0),
            schema,
            state: Arc::new(TurnLock::new(state)),
            filters: FilterCache::default(),
            progress: Progress::default(),
            failures: AtomicU64::new(0),
            usage: Arc::default(),
            level_hasher: FixedState::with_seed(0x646f_6375_6d65_6e74),
            ids_limit: IDS_LIMIT,
            is_spent: AtomicBool::new(false),
        }
    }

    /// An empty one of the same name and schema, in the place of this one.
    pub(super) fn anew(&self) -> DocumentIndex {
        DocumentIndex {
            usage: Arc::clone(&self.usage),
            ids_limit: self.ids_limit,
            ..DocumentIndex::new(&self.name, Arc::clone(&self.schema))
        }
    }

    /// Whether it has given out so many ids that it has to be made anew, and that helps: most are of documents that are gone.
    pub(super) fn is_spent(&self) -> bool {
        self.is_spent.load(Ordering::Relaxed) && self.len() < (self.ids_limit / 2) as usize
    }

    /// The same with more fields behind its own, which no document has yet; none if `schema` is not that. Nobody may alter this one
    /// any more.
    pub(super) fn altered(&self, schema: &Arc<Schema>) -> Option<DocumentIndex> {
        let added = schema.fields.strip_prefix(&self.schema.fields[..])?;
        let of_schema = Schema {
            fields: self.schema.fields.clone(),
            skips_initial_scan: self.schema.skips_initial_scan,
            ..(**schema).clone()
        };
        if of_schema != *self.schema {
            return None;
        }
        {
            let mut state = self.state.write();
            state.add_fields(added);
            state.words.add_suffix_fields(schema.suffix_fields());
        }
        let vectors = added.iter().map(vectors_of);
        Some(DocumentIndex {
            name: self.name.clone(),
            schema: Arc::clone(schema),
            stop_words: schema.stop_word_list(),
            vectors: self.vectors.iter().cloned().chain(vectors).collect(),
            calibrations: {
                let added = (0..added.len()).map(|_| Arc::default());
                self.calibrations.iter().cloned().chain(added).collect()
            },
            inserts: AtomicU64::new(self.inserts()),
            state: Arc::clone(&self.state),
            filters: FilterCache::default(),
            progress: Progress::default(),
            failures: AtomicU64::new(self.failures()),
            usage: Arc::clone(&self.usage),
            level_hasher: self.level_hasher.clone(),
            ids_limit: self.ids_limit,
            is_spent: AtomicBool::new(self.is_spent.load(Ordering::Relaxed)),
        })
    }

    /// How far it is with the keys that were there before it.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Who passes filters that are asked again.
    pub fn filters(&self) -> &FilterCache {
        &self.filters
    }

    /// How often it was written to. It stays the same while the caller holds the postings.
    pub fn writes(&self) -> u64 {
        self.state.writes()
    }

    /// What commands did with it.
    pub fn usage(&self) -> &Usage {
        &self.usage
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

    /// Whether it has a graph.
    pub(super) fn has_graph(&self) -> bool {
        let mut vectors = self.vectors.iter().flatten();
        vectors.any(|vectors| vectors.options().kind == IndexKind::Hnsw)
    }

    /// The vectors of a VECTOR field, by its place.
    pub fn vectors(&self, field: usize) -> Option<&VectorIndex> {
        self.vectors.get(field)?.as_deref()
    }

    /// What is known of the recall of searches in a VECTOR field, by its place.
    pub fn calibration(&self, field: usize) -> &Calibration {
        &self.calibrations[field]
    }

    /// Documents that were indexed since the index was made, each as often as it was.
    pub fn inserts(&self) -> u64 {
        self.inserts.load(Ordering::Relaxed)
    }

    /// Documents that there are.
    pub fn len(&self) -> usize {
        self.read_in(Turn::AtOnce).documents.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether any document has a value in the field at this place.
    pub fn holds(&self, field: usize) -> bool {
        !self.read_in(Turn::AtOnce).fields[field].present.is_empty()
    }

    /// The postings, for a moment: they do not change while they are held.
    pub fn read(&self) -> Reading<'_, State> {
        self.state.read()
    }

    /// As `read`, unless somebody writes them for longer than a moment.
    pub fn try_read(&self) -> Option<Reading<'_, State>> {
        self.state.try_read()
    }

    /// The postings, for as long as the turn says.
    pub fn read_in(&self, turn: Turn) -> Reading<'_, State> {
        self.state.read_in(turn)
    }

    /// The turn of a change to a document, until the place is dropped: nobody begins to read the postings for long meanwhile. None if
    /// somebody does.
    pub fn try_enter(&self) -> Option<Place<'_>> {
        self.state.try_enter()
    }

    /// The same; waits until nobody reads them for long. The caller holds no lock that others want.
    pub fn enter(&self) -> Place<'_> {
        self.state.enter()
    }

    /// Documents that could not be indexed, since the index was made.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Indexes a document in place of what was known of its key. Vectors that it had before stay where they are in their graphs;
    /// what is left to be done is linking the others. The caller lets nobody else put or remove the same key until that is done.
    pub(super) fn put(&self, key: &[u8], mut values: DocumentValues) -> Unlinked {
        let left_out = std::mem::take(&mut values.left_out);
        let words = words_of(&self.schema, &values, &self.stop_words);
        let placed = match self.place(key, &values.fields) {
            Ok(placed) => placed,
            Err(field) => {
                self.refuse(key, field, Refusal::NotFinite);
                return Unlinked::default();
            }
        };
        let slots: Vec<(usize, u32)> = placed
            .iter()
            .map(|place| (place.field, place.slot))
            .collect();
        let checksum = checksum::of_values(&values);
        let mut state = self.state.write();
        if state.next_id == DocumentId::MAX {
            drop(state);
            self.refuse(key, NO_FIELD, Refusal::Full);
            let new = placed.iter().filter(|place| place.is_new);
            self.free(new.map(|place| (place.field, place.slot)));
            return Unlinked::default();
        }
        let former = state.put(key, values, checksum, words, &slots);
        let is_spent = state.next_id >= self.ids_limit;
        drop(state);
        self.note_left_out(key, left_out);
        self.is_spent.store(is_spent, Ordering::Relaxed);
        self.inserts.fetch_add(1, Ordering::Relaxed);
        let new = placed.iter().filter(|place| place.is_new).map(|place| {
            let level_hash = self.level_hasher.hash_one((key, place.field, place.slot));
            (place.field, place.slot, level_hash)
        });
        let is_left = |slot: &(usize, u32)| !slots.contains(slot);
        Unlinked {
            new: new.collect(),
            former: former.into_iter().filter(is_left).collect(),
        }
    }

    /// Links the vectors of a document that was put, then takes those that it had before out of their graphs.
    pub(super) fn link(&self, unlinked: Unlinked) {
        for (field, slot, level_hash) in unlinked.new {
            if let Some(vectors) = &self.vectors[field] {
                vectors.connect(slot, level_hash, LinkOptions::default());
            }
        }
        self.free(unlinked.former);
    }

    /// Loading: puts a document whose vectors have their places, none of which is live before [`DocumentIndex::load_graphs`].
    pub(super) fn load(&self, key: &[u8], known: Known) {
        let Known { mut values, slots } = known;
        self.note_left_out(key, std::mem::take(&mut values.left_out));
        let words = words_of(&self.schema, &values, &self.stop_words);
        let checksum = checksum::of_values(&values);
        self.load_vectors(&values.fields, &slots);
        self.inserts.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state.write();
        state.put(key, values, checksum, words, &slots);
    }

    /// Puts the vectors of a document in their slots.
    fn load_vectors(&self, values: &[FieldValue], slots: &[(usize, u32)]) {
        let mut places = slots.iter();
        for (field, value) in values.iter().enumerate() {
            let (Some((vectors, kind)), FieldValue::Vectors(all)) = (self.shared(field), value)
            else {
                continue;
            };
            for (packed, &(_, slot)) in all.iter().zip(places.by_ref()) {
                vectors.load_packed(slot, packed, &kind.unpack(packed));
            }
        }
    }

    /// Loading, last step: links what was loaded; how many vectors had to be linked anew. Links of slots that were not loaded do not
    /// count.
    pub(super) fn load_graphs(&self, nodes: SavedNodes) -> usize {
        let mut relinked = 0;
        let mut by_field: Vec<Vec<SavedNode>> = self.vectors.iter().map(|_| Vec::new()).collect();
        for (field, nodes) in nodes {
            by_field[field].extend(nodes);
        }
        for (field, (vectors, nodes)) in self.vectors.iter().zip(by_field).enumerate() {
            if let Some(vectors) = vectors {
                let level_hash = |slot| self.level_hasher.hash_one((field, slot));
                relinked += vectors.load_graph(nodes, &level_hash);
            }
        }
        relinked
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

    /// Gives a document another key, in place of what that one had; it keeps its id and its vectors. Whether there was such a document.
    pub(super) fn rename(&self, from: &[u8], to: &[u8]) -> bool {
        if self.state.read().id_of(from).is_none() {
            return false;
        }
        if from != to {
            let former = self.state.write().rename(from, to);
            self.free(former);
        }
        true
    }

    /// Forgets a key whose document does not do, and remembers why.
    pub(super) fn refuse(&self, key: &[u8], field: usize, why: Refusal) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let former = {
            let mut state = self.state.write();
            state.failures.note(Failure {
                key: key.into(),
                field,
                why,
            });
            state.remove(key)
        };
        self.free(former);
    }

    /// Remembers why a document is not found by some of its fields.
    fn note_left_out(&self, key: &[u8], left_out: Vec<(usize, Refusal)>) {
        for (field, why) in left_out {
            self.failures.fetch_add(1, Ordering::Relaxed);
            self.state.write().failures.note(Failure {
                key: key.into(),
                field,
                why,
            });
        }
    }

    /// Keys that were there before it are not taken up any more, because of a fault of ours; remembers that.
    pub fn give_up_filling(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.state.write().failures.note(Failure {
            key: Key::default(),
            field: NO_FIELD,
            why: Refusal::Fault,
        });
        self.progress.end();
    }

    /// A slot for each vector: one that the key's document has for the same bytes, else a new one that nobody finds yet. The error is
    /// the place of a field with a vector that does not do.
    fn place(&self, key: &[u8], values: &[FieldValue]) -> Result<Vec<Placed>, usize> {
        let mut former = self.state.read().slots_of(key);
        let (mut placed, mut new) = (Vec::new(), Vec::new());
        for (field, value) in values.iter().enumerate() {
            let (Some((vectors, kind)), FieldValue::Vectors(all)) = (self.shared(field), value)
            else {
                continue;
            };
            for packed in all {
                let is_same = |&(of, slot): &(usize, u32)| {
                    of == field && vectors.packed(slot).as_ref() == Some(packed)
                };
                if let Some(at) = former.iter().position(is_same) {
                    let (_, slot) = former.swap_remove(at);
                    placed.push(Placed {
                        field,
                        slot,
                        is_new: false,
                    });
                    continue;
                }
                let components = kind.unpack(packed);
                vectors.check_vector(&components).map_err(|_| field)?;
                new.push((field, vectors, packed, components));
            }
        }
        placed.extend(
            new.into_iter()
                .map(|(field, vectors, packed, components)| Placed {
                    field,
                    slot: vectors.reserve_packed(packed, &components),
                    is_new: true,
                }),
        );
        placed.sort_by_key(|place| place.field);
        Ok(placed)
    }

    /// The vectors of a VECTOR field, and the type of their components.
    fn shared(&self, field: usize) -> Option<(&VectorIndex, ComponentType)> {
        match &self.schema.fields[field].kind {
            FieldKind::Vector(attributes) => Some((self.vectors(field)?, attributes.kind)),
            _ => None,
        }
    }

    fn free(&self, slots: impl IntoIterator<Item = (usize, u32)>) {
        for (field, slot) in slots {
            if let Some(vectors) = &self.vectors[field] {
                vectors.remove(slot);
            }
        }
    }
}

impl Document {
    /// Its key.
    pub fn key(&self) -> &[u8] {
        self.packed.key()
    }

    /// Asks for its key to be brought near.
    pub fn prefetch(&self) {
        self.packed.prefetch();
    }

    /// Its values by the fields' places, as far as they are kept here. Behind the last there is nothing.
    pub fn values(&self) -> Values<'_> {
        self.packed.values()
    }

    /// The value of a field.
    pub fn value(&self, field: usize) -> PackedValue<'_> {
        self.packed.value(field)
    }

    /// Key, values and words in one.
    pub(super) fn packed(&self) -> &PackedDocument {
        &self.packed
    }
}

impl State {
    /// The slots of what a key has, with their fields.
    fn slots_of(&self, key: &[u8]) -> Vec<(usize, u32)> {
        let Some(id) = self.id_of(key) else {
            return Vec::new();
        };
        let fields = self.slots.iter().enumerate();
        let of_field = |(field, slots)| {
            let slots: &DocumentSlots = slots;
            slots.of(id).iter().map(move |slot| (field, *slot))
        };
        fields.flat_map(of_field).collect()
    }

    /// Makes room for more fields; no document has them.
    fn add_fields(&mut self, added: &[Field]) {
        self.fields.extend(added.iter().map(FieldIndex::of));
        let fields = self.fields.len();
        self.slots.resize_with(fields, DocumentSlots::default);
    }

    /// The document of a key.
    pub fn id_of(&self, key: &[u8]) -> Option<DocumentId> {
        let is_it = |id: &DocumentId| self.documents.get(*id).is_some_and(|it| it.key() == key);
        self.ids.find(self.hasher.hash_one(key), is_it).copied()
    }

    /// The document that a slot of a VECTOR field belongs to, if it is still there. Of a vector that was written anew it is the
    /// document as it is now, whose slots are others.
    pub fn owner(&self, field: usize, slot: u32) -> Option<DocumentId> {
        let id = self.slots[field].owners().of(slot);
        self.all.contains(id).then_some(id)
    }

    /// What the payload field of a document holds, where the schema names one.
    pub fn payload(&self, id: DocumentId) -> Option<&Bytes> {
        self.payloads.get(&id)
    }

    /// The slots of a VECTOR field.
    pub fn slots(&self, field: usize) -> &DocumentSlots {
        &self.slots[field]
    }

    /// Adds a document under a new id; the slots of what its key had before.
    fn put(
        &mut self,
        key: &[u8],
        values: DocumentValues,
        checksum: u32,
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
        self.longest = self.longest.max(words.length);
        let numbers = self.words.put(id, words.postings);
        self.put_slots(id, slots);
        // Until the new slots are linked, searches come to the former ones.
        for &(field, slot) in &former {
            self.slots[field].set_owner(slot, id);
        }
        let document = Document {
            packed: PackedDocument::new(key, &values.fields, numbers),
            score: values.score,
            length: words.length,
            frequency_max: words.frequency_max,
            checksum,
        };
        self.all.insert(id);
        self.enter(id, document, values.payload);
        former
    }

    fn put_slots(&mut self, id: DocumentId, slots: &[(usize, u32)]) {
        for of_field in slots.chunk_by(|one, other| one.0 == other.0) {
            let taken: Vec<u32> = of_field.iter().map(|(_, slot)| *slot).collect();
            self.slots[of_field[0].0].put(id, &taken);
        }
    }

    /// Makes a document known by its id and by its key.
    fn enter(&mut self, id: DocumentId, document: Document, payload: Option<Bytes>) {
        let hash = self.hasher.hash_one(document.key());
        self.documents.insert(id, document);
        if let Some(payload) = payload {
            self.payloads.insert(id, payload);
        }
        let (hasher, documents) = (&self.hasher, &self.documents);
        let hash_of =
            |id: &DocumentId| documents.get(*id).map_or(0, |it| hasher.hash_one(it.key()));
        self.ids.insert_unique(hash, id, hash_of);
    }

    /// Takes a document from those that are known by key and by id; what is known of its fields stays.
    fn leave(&mut self, key: &[u8]) -> Option<(DocumentId, Document)> {
        let id = self.id_of(key)?;
        let hash = self.hasher.hash_one(key);
        if let Ok(entry) = self.ids.find_entry(hash, |other| *other == id) {
            entry.remove();
        }
        Some((id, self.documents.remove(id)?))
    }

    /// Gives a document another key; the slots of what that one had before.
    fn rename(&mut self, from: &[u8], to: &[u8]) -> Vec<(usize, u32)> {
        let former = self.remove(to);
        if let Some((id, document)) = self.leave(from) {
            let packed = document.packed.with_key(to);
            self.enter(id, Document { packed, ..document }, None);
        }
        former
    }

    fn remove(&mut self, key: &[u8]) -> Vec<(usize, u32)> {
        let Some((id, document)) = self.leave(key) else {
            return Vec::new();
        };
        self.all.remove(id);
        self.payloads.remove(&id);
        for (field, value) in self.fields.iter_mut().zip(document.values()) {
            field.remove(id, value);
        }
        self.words.remove(id, document.packed.words());
        self.length -= u64::from(document.length);
        let fields = self.slots.iter_mut().enumerate();
        let taken = fields.flat_map(|(field, slots)| {
            let taken = slots.take(id).into_iter();
            taken.map(move |slot| (field, slot))
        });
        taken.collect()
    }
}

/// Links that a node takes above layer 0 in the graph of a VECTOR field.
pub fn links_of(schema: &Schema, field: usize) -> Option<u32> {
    match &schema.fields.get(field)?.kind {
        FieldKind::Vector(attributes) => Some(options(attributes).m),
        _ => None,
    }
}

/// The vectors of a VECTOR field: none yet.
fn vectors_of(field: &Field) -> Option<Arc<VectorIndex>> {
    match &field.kind {
        FieldKind::Vector(attributes) => {
            let options = options(attributes);
            Some(Arc::new(VectorIndex::sharing(options, attributes.kind)))
        }
        _ => None,
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
        quantization: Quantization::F32,
        kind,
        m,
        ef_construction,
        walked_on: WalkedOn::Codes,
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::create;
    use super::super::text::language::Language;
    use super::super::words::Words as ArgumentWords;
    use super::*;
    use crate::shared_bytes::SharedBytes;

    fn index() -> DocumentIndex {
        let words =
            "PREFIX 1 d: SCHEMA n NUMERIC v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2";
        let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        let schema = create(&mut ArgumentWords::new(&words)).expect("a schema");
        DocumentIndex::new(b"i", Arc::new(schema))
    }

    fn values(number: f64, vector: &SharedBytes) -> DocumentValues {
        DocumentValues {
            fields: vec![
                FieldValue::Numbers(vec![number]),
                FieldValue::Vectors(vec![vector.clone()]),
            ],
            score: 1.0,
            language: Language::default(),
            payload: None,
            left_out: Vec::new(),
        }
    }

    #[test]
    fn without_an_id_a_document_is_refused_and_leaves_nothing() {
        let index = index();
        index.state.write().next_id = DocumentId::MAX;
        index.link(index.put(b"d:1", values(1.0, &packed([1.0, 2.0]))));
        assert_eq!((index.len(), index.failures()), (0, 1));
        let state = index.read();
        let why = state.failures.last().map(|last| &last.why);
        assert_eq!(why, Some(&Refusal::Full));
        let vectors = index.vectors(1).expect("a VECTOR field");
        assert!(vectors.is_empty() && !vectors.is_live(0));
    }

    fn packed(components: [f32; 2]) -> SharedBytes {
        let bytes = components.iter().flat_map(|x| x.to_le_bytes());
        bytes.collect::<Vec<u8>>().into()
    }

    #[test]
    fn a_vector_that_stays_keeps_its_place_and_is_not_copied() {
        let index = index();
        let vector = packed([1.0, 2.0]);
        let put =
            |number, vector: &SharedBytes| index.link(index.put(b"d:1", values(number, vector)));
        put(1.0, &vector);
        let first = index.read().slots_of(b"d:1");
        // The same bytes at another address, as after another HSET.
        put(2.0, &packed([1.0, 2.0]));
        assert_eq!(index.read().slots_of(b"d:1"), first);
        let (field, slot) = first[0];
        let vectors = index.vectors(field).expect("a VECTOR field");
        let kept = vectors.packed(slot).expect("a live slot");
        assert_eq!(kept.as_ptr(), vector.as_ptr());
        assert_eq!(vectors.len(), 1);
        let id = index.read().id_of(b"d:1").expect("a document");
        assert_eq!(index.read().owner(field, slot), Some(id));
        put(2.0, &packed([3.0, 2.0]));
        assert_ne!(index.read().slots_of(b"d:1"), first);
        assert_eq!(vectors.len(), 1);
        index.remove(b"d:1");
        assert!(vectors.is_empty());
    }
}

//! A collection: named elements with one vector and attributes each, under one schema, and the index over the vectors.
//!
//! Elements are found by name in one ordered list of slots (names.rs: exact lookup, ranges) and by slot in an array parallel to the index's
//! segments. Changes to one element are ordered by the engine; changes to different elements run in parallel. Readers take
//! no lock but the names', held for a lookup. A slot that is in the list has its element in the array: it is put there before, and
//! cleared after.
//!
//! An update puts the vector into a new slot, switches the name to it, then removes the old slot. A search that runs meanwhile
//! may find either or both, and [`Collection::current`] tells which one counts; or neither, and [`Collection::moved_since`] tells of the
//! new one.

use super::calibration::Calibration;
use super::columns::{Column, ColumnBudget, Columns, Urgency};
use super::moves::Moves;
use super::names::Names;
use super::projection::project;
use super::save::SaveClock;
use crate::index::segments::{self, Segments};
pub use crate::index::{
    IndexKind, IndexOptions, Metric, Neighbour, Quantization, SavedNode, Stored, VectorError,
    WalkedOn, distances_by,
};
use crate::index::{IndexMemory, LinkOptions, VectorIndex};
use arc_swap::{ArcSwapAny, ArcSwapOption};
use bytes::Bytes;
use crossbeam_epoch as epoch;
use foldhash::fast::FixedState;
use parking_lot::{Mutex, RwLock};
use std::cmp;
use std::hash::BuildHasher;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

/// What a collection is made with; fixed for its life.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Schema {
    /// Dimension, metric, storage and graph.
    pub index: IndexOptions,
    /// Components of vectors before projection to `index.dim`; none: no projection.
    pub projected_from: Option<u32>,
    /// Made on purpose: it may be empty, and stays when its last element goes.
    pub declared: bool,
    /// The recall that a search is to have where it names no effort, in millionths; snapshots keep it in a record of its own.
    #[serde(skip)]
    pub recall: Option<u32>,
}

/// Candidates kept while inserting into a collection that was not declared (the log relies on it: it never changes).
const EF_CONSTRUCTION_IMPLIED: u32 = 200;

impl Schema {
    /// The schema of a collection that its first element makes: cosine, a graph, not declared.
    pub fn implied(
        dim: u32,
        projected_from: Option<u32>,
        quantization: Quantization,
        m: u32,
    ) -> Schema {
        Schema {
            index: IndexOptions {
                dim,
                metric: Metric::Cosine,
                quantization,
                kind: IndexKind::Hnsw,
                m,
                ef_construction: EF_CONSTRUCTION_IMPLIED,
                walked_on: WalkedOn::Codes,
            },
            projected_from,
            declared: false,
            recall: None,
        }
    }

    /// Components of a vector that comes in.
    pub fn input_dim(&self) -> u32 {
        self.projected_from.unwrap_or(self.index.dim)
    }
}

/// One element: name and attributes. Its vector is in the index, under its slot.
pub struct Element {
    name: Box<[u8]>,
    attributes: ArcSwapOption<Bytes>,
    /// Number of the last change: its insertion, or of its attributes since.
    changed: AtomicU64,
}

impl Element {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its attributes as given.
    pub fn attributes(&self) -> Option<Arc<Bytes>> {
        self.attributes.load_full()
    }

    /// What `test` says of the attributes (none: no attributes), without taking a reference count.
    pub fn test_attributes<T>(&self, test: impl FnOnce(Option<&[u8]>) -> T) -> T {
        let attributes = self.attributes.load();
        test(attributes.as_ref().map(|bytes| &bytes[..]))
    }
}

/// What a running save has seen of one segment.
#[derive(Default)]
struct SegmentSave {
    walked: u64,
    side: Vec<SavedElement>,
    /// The save that the side list is for; what an earlier one left behind is dropped.
    side_of: u64,
}

/// An element as it was at a save's cut.
pub struct SavedElement {
    /// Its slot.
    pub slot: u32,
    /// The slot's birth tag.
    pub birth: u32,
    /// Its name.
    pub name: Bytes,
    /// Its attributes.
    pub attributes: Option<Arc<Bytes>>,
    /// Its vector as stored.
    pub stored: Stored,
}

/// Bytes of a collection by kind.
#[derive(Clone, Copy, Debug, Default)]
pub struct CollectionMemory {
    /// Vectors, codes and links.
    pub index: IndexMemory,
    /// Names, their order and per-element state.
    pub names: u64,
    /// Attributes.
    pub attributes: u64,
    /// Columns of fields that filters use.
    pub columns: u64,
    /// Queries remembered for calibration.
    pub queries: u64,
}

impl CollectionMemory {
    /// Bytes of all kinds.
    pub fn total(&self) -> u64 {
        let index = self.index.vectors + self.index.codes + self.index.links;
        index + self.names + self.attributes + self.columns + self.queries
    }
}

/// Elements that a change may take out of a collection ([`Collection::may_leave`]).
pub struct Leaving<'a> {
    collection: &'a Collection,
    count: usize,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.collection
            .leaving
            .fetch_sub(self.count, Ordering::AcqRel);
    }
}

/// Elements under one schema.
pub struct Collection {
    id: u64,
    schema: Schema,
    level_hasher: FixedState,
    index: VectorIndex,
    moves: Moves,
    names: RwLock<Names>,
    elements: Segments<ArcSwapOption<Element>>,
    /// Fields of the attributes by slot; columns/mod.rs tells which steps here keep them true.
    columns: Arc<Columns>,
    saves: Segments<Mutex<SegmentSave>>,
    save_clock: Arc<SaveClock>,
    calibration: Calibration,
    changed: AtomicU64,
    inserts: AtomicU64,
    name_bytes: AtomicI64,
    attribute_bytes: AtomicI64,
    attributes_count: AtomicI64,
    /// Elements that changes under way may take out, at most.
    leaving: AtomicUsize,
}

impl Collection {
    /// An empty collection. `seed` is the data directory's; levels are drawn from it, the id and the element's name.
    pub fn new(
        id: u64,
        schema: Schema,
        seed: u64,
        save_clock: Arc<SaveClock>,
        column_budget: Arc<ColumnBudget>,
    ) -> Collection {
        Collection {
            id,
            index: VectorIndex::new(schema.index.clone()),
            schema,
            level_hasher: FixedState::with_seed(seed ^ id.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            moves: Moves::default(),
            names: RwLock::default(),
            elements: Segments::default(),
            columns: Arc::new(Columns::new(column_budget)),
            saves: Segments::default(),
            save_clock,
            calibration: Calibration::default(),
            changed: AtomicU64::new(0),
            inserts: AtomicU64::new(0),
            name_bytes: AtomicI64::new(0),
            attribute_bytes: AtomicI64::new(0),
            attributes_count: AtomicI64::new(0),
            leaving: AtomicUsize::new(0),
        }
    }

    /// Its id: unique in the data directory, never used again.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What it was made with.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The index over its vectors.
    pub fn index(&self) -> &VectorIndex {
        &self.index
    }

    /// How often an element moved to another slot, for [`Collection::moved_since`].
    pub fn moves(&self) -> u64 {
        self.moves.count()
    }

    /// The slots that elements moved to since [`Collection::moves`] was this; none if these are not remembered any more. Each was live then:
    /// under an epoch pin that was taken before, its vector may be read.
    pub fn moved_since(&self, moves: u64) -> Option<Vec<u32>> {
        self.moves.since(moves)
    }

    /// What is known of its recall.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.names.read().len()
    }

    /// For a change that takes out at most so many elements, until it is done: some stay, whatever all such changes do at the same time.
    /// None if that is not sure.
    pub fn may_leave(&self, count: usize) -> Option<Leaving<'_>> {
        let leaving = self.leaving.fetch_add(count, Ordering::AcqRel) + count;
        let taken = Leaving {
            collection: self,
            count,
        };
        (self.len() > leaving).then_some(taken)
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of the last change of any of its elements.
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Acquire)
    }

    /// Number of inserts and updates since it was made.
    pub fn inserts(&self) -> u64 {
        self.inserts.load(Ordering::Relaxed)
    }

    /// Number of elements with attributes.
    pub fn attributes_count(&self) -> u64 {
        self.attributes_count.load(Ordering::Relaxed).max(0) as u64
    }

    /// The slot of an element.
    pub fn slot_of(&self, name: &[u8]) -> Option<u32> {
        let names = self.names.read();
        let place = names.find(|slot| self.compare(slot, name)).ok()?;
        Some(names.slot(place))
    }

    /// How the name of the element in a slot compares with another.
    fn compare(&self, slot: u32, name: &[u8]) -> cmp::Ordering {
        let element = self.elements.get(slot).map(ArcSwapAny::load);
        let element = element.as_ref().and_then(|element| element.as_ref());
        (*element.expect("a name's slot has its element").name).cmp(name)
    }

    /// Slot and element of a name.
    pub fn find(&self, name: &[u8]) -> Option<(u32, Arc<Element>)> {
        let names = self.names.read();
        let place = names.find(|slot| self.compare(slot, name)).ok()?;
        let slot = names.slot(place);
        Some((slot, self.element(slot)?))
    }

    /// An element's vector as its index gives it back, also while the element is being updated.
    pub fn vector_of(&self, name: &[u8]) -> Option<Vec<f32>> {
        let _pin = epoch::pin();
        let slot = self.slot_of(name)?;
        Some(self.index.decode_under_pin(slot))
    }

    /// An element's vector as stored, also while the element is being updated.
    pub fn stored_of(&self, name: &[u8]) -> Option<Stored> {
        let _pin = epoch::pin();
        let slot = self.slot_of(name)?;
        Some(self.index.stored_under_pin(slot))
    }

    /// Whether an element of this name is there.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.slot_of(name).is_some()
    }

    /// Who lives in a slot; after a removal for as long as an epoch pin that saw it is held.
    pub fn element(&self, slot: u32) -> Option<Arc<Element>> {
        self.elements.get(slot)?.load_full()
    }

    /// Runs `test` on who lives in a slot without taking a reference count; false for an empty slot.
    pub fn test_element(&self, slot: u32, test: impl FnOnce(&Element) -> bool) -> bool {
        let Some(cell) = self.elements.get(slot) else {
            return false;
        };
        cell.load().as_ref().is_some_and(|element| test(element))
    }

    /// The columns that it has.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The columns of `fields`, in their order, once they are filled; asking for them makes them, as far as `urgency` allows.
    /// Hold the epoch pin of the search.
    pub fn columns_of(&self, fields: &[Box<[u8]>], urgency: Urgency) -> Option<Vec<Arc<Column>>> {
        let read = |slot: u32, take: &mut dyn FnMut(Option<&[u8]>)| {
            let is_met = self.test_element(slot, |element| {
                element.test_attributes(&mut *take);
                true
            });
            if !is_met {
                take(None);
            }
        };
        let slots_end = || self.index.slots_end();
        self.columns.of(fields, urgency, &slots_end, &read)
    }

    /// The slot where the element that a search found in `slot` lives now: `slot` itself, its new one after an update, none
    /// after a removal. Hold the epoch pin of the search.
    pub fn current(&self, slot: u32) -> Option<(u32, Arc<Element>)> {
        let element = self.element(slot)?;
        if self.index.is_live(slot) {
            return Some((slot, element));
        }
        self.find(&element.name)
    }

    /// Elements in byte order of their names within the bounds, at most `max`.
    pub fn range(&self, start: Bound<&[u8]>, end: Bound<&[u8]>, max: usize) -> Vec<Arc<Element>> {
        let names = self.names.read();
        // Nothing stands at a bound: names that are equal to it count as before or behind it.
        let from = |bound: &[u8], of_equal: cmp::Ordering| {
            let found = names.find(|slot| self.compare(slot, bound).then(of_equal));
            found.unwrap_or_else(|place| place)
        };
        let from = match start {
            Bound::Unbounded => (0, 0),
            Bound::Included(name) => from(name, cmp::Ordering::Greater),
            Bound::Excluded(name) => from(name, cmp::Ordering::Less),
        };
        let is_within = |element: &Arc<Element>| match end {
            Bound::Unbounded => true,
            Bound::Included(name) => *element.name <= *name,
            Bound::Excluded(name) => *element.name < *name,
        };
        let elements = names.iter_from(from).map_while(|slot| self.element(slot));
        elements.take_while(is_within).take(max).collect()
    }

    /// The vector as it is stored or searched for: projected if the collection projects and it has the input dimension.
    pub fn prepare(&self, vector: &[f32]) -> Vec<f32> {
        match self.schema.projected_from {
            Some(from) if vector.len() == from as usize => project(vector, self.schema.index.dim),
            _ => vector.to_vec(),
        }
    }

    /// Bytes by kind.
    pub fn memory(&self) -> CollectionMemory {
        let elements = self.len() as u64;
        // Per element: slot pointer 8, Arc<Element> 16 + 16 + 8 + 8, its place in the order of names 4 to 8.
        let fixed = 8 + 48 + 6;
        CollectionMemory {
            index: self.index.memory(),
            names: elements * fixed + self.name_bytes.load(Ordering::Relaxed).max(0) as u64,
            attributes: self.attribute_bytes.load(Ordering::Relaxed).max(0) as u64
                + self.attributes_count() * 48,
            columns: self.columns.memory(),
            queries: self.calibration.bytes(),
        }
    }

    /// Applies an upsert: `vector` as it came in. Whether the element is new.
    pub(super) fn upsert(
        self: &Arc<Self>,
        name: &[u8],
        vector: &[f32],
        options: LinkOptions,
        attributes: Option<Bytes>,
        number: u64,
    ) -> bool {
        let slot = match self.schema.projected_from {
            Some(_) => self.index.reserve(&self.prepare(vector)),
            None => self.index.reserve(vector),
        };
        let old = self.find(name);
        let attributes = match (attributes, &old) {
            (Some(given), _) => {
                (!given.is_empty()).then(|| Arc::new(Bytes::copy_from_slice(&given)))
            }
            (None, Some((_, element))) => element.attributes(),
            (None, None) => None,
        };
        let element = self.place(slot, name, attributes, number);
        self.index.connect(slot, self.level_hash(name), options);
        let is_new = old.is_none();
        if !is_new {
            self.moves.add(slot, self.index.len());
        }
        self.point_name_at(slot, &element);
        if let Some((old_slot, old_element)) = old {
            self.retire(old_slot, &old_element, number);
        }
        self.inserts.fetch_add(1, Ordering::Relaxed);
        self.changed.fetch_max(number, Ordering::AcqRel);
        is_new
    }

    /// Applies a removal; whether the element was there.
    pub(super) fn remove(self: &Arc<Self>, name: &[u8], number: u64) -> bool {
        let Some((slot, element)) = self.find(name) else {
            return false;
        };
        {
            let mut names = self.names.write();
            if let Ok(place) = names.find(|slot| self.compare(slot, name)) {
                names.remove(place);
            }
        }
        self.retire(slot, &element, number);
        self.changed.fetch_max(number, Ordering::AcqRel);
        true
    }

    /// Applies a change of attributes; empty takes them away.
    pub(super) fn set_attributes(&self, name: &[u8], attributes: &[u8], number: u64) {
        let Some((slot, element)) = self.find(name) else {
            return;
        };
        let new = (!attributes.is_empty()).then(|| Arc::new(Bytes::copy_from_slice(attributes)));
        self.hand_over(slot, &element, number);
        self.count_attributes(new.as_deref(), 1);
        let old = element.attributes.swap(new.clone());
        self.columns
            .record_change(slot, new.as_deref().map(|bytes| &bytes[..]));
        self.count_attributes(old.as_deref(), -1);
        self.changed.fetch_max(number, Ordering::AcqRel);
    }

    /// The hash that an element's level is drawn from.
    fn level_hash(&self, name: &[u8]) -> u64 {
        self.level_hasher.hash_one(name)
    }

    /// Records who lives in a slot that is still private.
    fn place(
        &self,
        slot: u32,
        name: &[u8],
        attributes: Option<Arc<Bytes>>,
        number: u64,
    ) -> Arc<Element> {
        self.count_attributes(attributes.as_deref(), 1);
        self.name_bytes
            .fetch_add(name.len() as i64, Ordering::Relaxed);
        let element = Arc::new(Element {
            name: name.into(),
            attributes: ArcSwapOption::new(attributes.clone()),
            changed: AtomicU64::new(number),
        });
        let (segment, offset) = segments::locate(slot);
        let cells = self.elements.ensure(segment, |_| ArcSwapOption::empty());
        cells[offset as usize].store(Some(Arc::clone(&element)));
        self.columns
            .record(slot, attributes.as_deref().map(|bytes| &bytes[..]));
        element
    }

    /// Lets the name stand for the slot that its element was placed in.
    fn point_name_at(&self, slot: u32, element: &Element) {
        let mut names = self.names.write();
        match names.find(|other| self.compare(other, &element.name)) {
            Ok(place) => names.set(place, slot),
            Err(place) => names.insert(place, slot),
        }
    }

    /// Takes a slot out of the index, after handing its element over to a running save.
    fn retire(self: &Arc<Self>, slot: u32, element: &Arc<Element>, number: u64) {
        self.hand_over(slot, element, number);
        // Weak, so that a dropped collection is freed by whoever drops it.
        let collection = Arc::downgrade(self);
        self.index.remove_then(slot, move || {
            if let Some(collection) = collection.upgrade() {
                collection.clear(slot);
            }
        });
        self.count_attributes(element.attributes().as_deref(), -1);
        self.name_bytes
            .fetch_sub(element.name.len() as i64, Ordering::Relaxed);
    }

    /// Forgets who lived in a slot that no reader can see any more, before it can be taken again.
    fn clear(&self, slot: u32) {
        if let Some(cell) = self.elements.get(slot) {
            cell.store(None);
            self.columns.blank(slot);
        }
    }

    fn count_attributes(&self, attributes: Option<&Bytes>, sign: i64) {
        if let Some(attributes) = attributes {
            self.attributes_count.fetch_add(sign, Ordering::Relaxed);
            self.attribute_bytes
                .fetch_add(sign * attributes.len() as i64, Ordering::Relaxed);
        }
    }

    /// Before change `number` alters or removes an element: keeps what a running save must still see (save.rs, rule 3), and
    /// marks the element as changed, under the segment's lock, so that the walk passes it over.
    fn hand_over(&self, slot: u32, element: &Element, number: u64) {
        let Some((save, cut)) = self.save_clock.running() else {
            element.changed.store(number, Ordering::Release);
            return;
        };
        let mut segment = self.segment_save(segments::locate(slot).0).lock();
        let is_due = number > cut
            && segment.walked != save
            && element.changed.load(Ordering::Acquire) <= cut;
        if is_due {
            let saved = self.saved_element(slot, element);
            self.save_clock.pin(saved.bytes());
            if segment.side_of != save {
                segment.side.clear();
                segment.side_of = save;
            }
            segment.side.push(saved);
        }
        element.changed.store(number, Ordering::Release);
    }

    fn saved_element(&self, slot: u32, element: &Element) -> SavedElement {
        SavedElement {
            slot,
            birth: self.index.birth(slot),
            name: Bytes::copy_from_slice(&element.name),
            attributes: element.attributes(),
            stored: self.index.stored(slot),
        }
    }

    fn segment_save(&self, segment: u32) -> &Mutex<SegmentSave> {
        let (chunk, offset) = segments::locate(segment);
        &self.saves.ensure(chunk, |_| Mutex::default())[offset as usize]
    }

    /// The slots of a segment, as first slot and number of slots.
    pub fn segment_slots(segment: u32) -> (u32, u32) {
        segments::extent(segment)
    }

    /// Number of segments that a save walks: those with slots now. What is added later is above the cut.
    pub fn segments(&self) -> u32 {
        segments::count(self.index.slots_end())
    }

    /// The elements of one segment as they were at the cut, marking it as walked. Writers of this segment wait only while the
    /// elements are listed; vectors are read in place afterwards, under a pin, since a live slot's vector never changes.
    pub fn walk(&self, segment: u32, save: u64, cut: u64) -> Vec<SavedElement> {
        let _pin = epoch::pin();
        let (first, slots) = segments::extent(segment);
        let mut state = self.segment_save(segment).lock();
        state.walked = save;
        let mut saved = std::mem::take(&mut state.side);
        if state.side_of != save {
            saved.clear();
        }
        let listed: Vec<(u32, Arc<Element>, Option<Arc<Bytes>>)> = (first..first + slots)
            .filter(|slot| self.index.is_live(*slot))
            .filter_map(|slot| Some((slot, self.element(slot)?)))
            .filter(|(_, element)| element.changed.load(Ordering::Acquire) <= cut)
            .map(|(slot, element)| (slot, Arc::clone(&element), element.attributes()))
            .collect();
        drop(state);
        self.save_clock
            .unpin(saved.iter().map(SavedElement::bytes).sum());
        let read =
            |(slot, element, attributes): (u32, Arc<Element>, Option<Arc<Bytes>>)| SavedElement {
                slot,
                birth: self.index.birth(slot),
                name: Bytes::copy_from_slice(&element.name),
                attributes,
                // It may have been removed since it was listed; the pin keeps its slot as it was.
                stored: self.index.stored_under_pin(slot),
            };
        saved.extend(listed.into_iter().map(read));
        saved
    }

    /// Loading, first step: an element into the slot that a snapshot names.
    pub fn load_element(&self, saved: &SavedElement, changed: u64) {
        self.index.load_slot(saved.slot, &saved.stored);
        let attributes = saved
            .attributes
            .as_deref()
            .map(|bytes| Arc::new(Bytes::copy_from_slice(bytes)));
        let element = self.place(saved.slot, &saved.name, attributes, changed);
        self.point_name_at(saved.slot, &element);
    }

    /// Loading, last step: the graph, of nodes whose birth tag was checked; and the counters that travel with it.
    /// Returns how many elements had to be linked anew.
    pub fn load_graph(&self, nodes: Vec<SavedNode>, inserts: u64, changed: u64) -> usize {
        self.inserts.store(inserts, Ordering::Relaxed);
        self.changed.store(changed, Ordering::Release);
        let level_hash = |slot: u32| {
            self.element(slot)
                .map_or(0, |element| self.level_hash(&element.name))
        };
        self.index.load_graph(nodes, &level_hash)
    }

    /// A copy under a new id, for COPY: same elements, vectors moved byte by byte, linked anew.
    pub(super) fn copy(&self, id: u64, seed: u64, number: u64) -> Arc<Collection> {
        let copy = Arc::new(Collection::new(
            id,
            self.schema.clone(),
            seed,
            Arc::clone(&self.save_clock),
            Arc::clone(self.columns.budget()),
        ));
        let names = self.names.read();
        let elements = names
            .iter()
            .filter_map(|slot| Some((slot, self.element(slot)?)));
        for (slot, element) in elements {
            let new_slot = copy.index.reserve_stored(&self.index.stored(slot));
            let element = copy.place(new_slot, &element.name, element.attributes(), number);
            let level_hash = copy.level_hash(&element.name);
            copy.index
                .connect(new_slot, level_hash, LinkOptions::default());
            copy.point_name_at(new_slot, &element);
        }
        copy.inserts.store(copy.len() as u64, Ordering::Relaxed);
        copy.changed.store(number, Ordering::Release);
        copy
    }

    /// Whether a vector of its input dimension may be stored.
    pub fn check_vector(&self, vector: &[f32]) -> Result<(), VectorError> {
        match self.schema.projected_from {
            Some(from) if vector.len() == from as usize => {
                self.index.check_vector(&self.prepare(vector))
            }
            _ => self.index.check_vector(vector),
        }
    }
}

impl SavedElement {
    /// Bytes that keeping it pins in memory, about.
    pub fn bytes(&self) -> usize {
        size_of::<SavedElement>()
            + self.name.len()
            + self.attributes.as_ref().map_or(0, |bytes| bytes.len())
            + self.stored.bytes.len()
    }
}

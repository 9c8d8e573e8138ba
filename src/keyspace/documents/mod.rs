//! Indexes over documents: hashes and JSON keys whose names begin with a prefix, found by their fields. An index follows its keys:
//! whatever change alters one is followed, in the same apply, by [`Indexes::refresh`] of that key.
//!
//! - `schema`: what an index is made of; `text`: how words are cut and stemmed; `words`: reading definitions;
//! - `filter`: which keys are documents, an `expression` over their fields; `usage`: what indexes are used for, when temporary ones go;
//! - `values`: what a document holds for a schema (`shape`: points and polygons); `fields`: which documents hold a value, `numbers` those
//!   between two, `places` those near others on a plane or on the `earth`; `vocabulary` and `postings`: which hold a word, and where;
//! - `filling`: how an index takes up what is there already; `slots`: where the vectors of documents are; `pages`: things by document id;
//!   `index`: one index, `packed`: what it keeps of a document; `failures`: what it could not take up; `sizes`: what it takes; `filter_cache`: who passes filters that are asked again;
//!   `saved`: what a snapshot keeps of it, `checksum` by which it knows documents again; this file: all of
//!   them by name.

pub mod checksum;
pub mod earth;
pub mod expression;
pub mod failures;
pub mod fields;
pub mod filling;
pub mod filter;
pub mod filter_cache;
pub mod index;
pub mod numbers;
pub mod packed;
pub mod pages;
pub mod places;
pub mod postings;
pub mod printed;
pub mod saved;
pub mod schema;
pub mod shape;
pub mod sizes;
pub mod slots;
pub mod text;
pub mod turns;
pub mod usage;
pub mod values;
pub mod vocabulary;
pub mod words;

use super::Key;
use super::table::Database;
use filling::LoadedIndex;
use index::{DocumentIndex, Refusal, Unlinked};
use parking_lot::{Condvar, Mutex, RwLock};
use saved::SavedIndex;
use schema::Schema;
use smallvec::SmallVec;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use values::DocumentValues;

/// The database whose keys are indexed; other databases have no indexes.
pub const INDEXED_DB: usize = 0;

/// All indexes, by name.
#[derive(Default)]
pub struct Indexes {
    names: RwLock<Names>,
    /// How many indexes there are: without any, a write looks no further.
    count: AtomicUsize,
    /// Indexes that have not taken up yet what was there before them.
    unfilled: Mutex<VecDeque<Arc<DocumentIndex>>>,
    queued: Condvar,
    /// Microseconds since any time, for those who want to know how long indexing takes.
    clock: OnceLock<fn() -> u64>,
}

/// Vectors of a document that an index knows and that are not linked: no search finds them yet.
pub struct Linking {
    index: Arc<DocumentIndex>,
    unlinked: Unlinked,
}

#[derive(Default)]
struct Names {
    indexes: BTreeMap<Box<[u8]>, Arc<DocumentIndex>>,
    /// Other names of indexes.
    aliases: BTreeMap<Box<[u8]>, Box<[u8]>>,
}

impl Indexes {
    /// Measures from now on how long indexing takes, in microseconds of this clock.
    pub fn measure_with(&self, clock: fn() -> u64) {
        let _ = self.clock.set(clock);
    }

    fn now_us(&self) -> u64 {
        self.clock.get().map_or(0, |now_us| now_us())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// The index of that name, or else of that alias: an index may be made by a name that was an alias, which is hidden then.
    pub fn get(&self, name: &[u8]) -> Option<Arc<DocumentIndex>> {
        let names = self.names.read();
        let aliased = || names.indexes.get(names.aliases.get(name)?);
        names.indexes.get(name).or_else(aliased).map(Arc::clone)
    }

    /// Whether that is an index's own name, no alias.
    pub fn is_index(&self, name: &[u8]) -> bool {
        self.names.read().indexes.contains_key(name)
    }

    /// All of them, in the order of their names.
    pub fn all(&self) -> Vec<Arc<DocumentIndex>> {
        self.names.read().indexes.values().map(Arc::clone).collect()
    }

    /// The aliases, each with the name of its index.
    pub fn aliases(&self) -> Vec<(Key, Key)> {
        let names = self.names.read();
        let pairs = names.aliases.iter();
        pairs
            .map(|(alias, name)| (alias.clone(), name.clone()))
            .collect()
    }

    /// Makes `alias` another name of the index `name`, whatever it stood for.
    pub fn set_alias(&self, alias: &[u8], name: &[u8]) {
        self.names.write().aliases.insert(alias.into(), name.into());
    }

    /// Forgets an alias.
    pub(super) fn drop_alias(&self, alias: &[u8]) {
        self.names.write().aliases.remove(alias);
    }

    /// Makes an index, in place of one of that name. It follows changes from now on; what is there already it takes up later
    /// ([`Indexes::next_unfilled`]). If there is one of that name with the first of its fields (FT.ALTER), that one's content is kept.
    pub(super) fn create(&self, name: &[u8], schema: Arc<Schema>, database: &Database) {
        let former = self.names.read().indexes.get(name).map(Arc::clone);
        let is_unfilled = former.as_ref().is_some_and(|it| it.progress().is_running());
        let altered = former.and_then(|former| former.altered(&schema));
        // What the former one has not taken up, the new one has to.
        let skips = schema.skips_initial_scan && !(altered.is_some() && is_unfilled);
        let index = altered.unwrap_or_else(|| DocumentIndex::new(name, schema));
        let index = Arc::new(index);
        self.insert(&index);
        if !skips {
            self.queue(index, database);
        }
    }

    /// An index that has to be filled, if one comes within this time. The caller takes up all keys that it follows
    /// ([`filling::take_up`]), nobody else changing the key meanwhile, for as long as the index is there
    /// ([`Indexes::has`]), and tells its progress.
    pub fn next_unfilled(&self, at_most: Duration) -> Option<Arc<DocumentIndex>> {
        let mut unfilled = self.unfilled.lock();
        if unfilled.is_empty() {
            self.queued.wait_for(&mut unfilled, at_most);
        }
        unfilled.pop_front()
    }

    /// Lets whoever waits for an unfilled index go on without one.
    pub fn wake(&self) {
        self.queued.notify_all();
    }

    /// Whether this index is there; another one of its name is not it.
    pub fn has(&self, index: &Arc<DocumentIndex>) -> bool {
        let names = self.names.read();
        let there = names.indexes.get(index.name());
        there.is_some_and(|there| Arc::ptr_eq(there, index))
    }

    /// Recovery: fills what is not filled, on all cores. Nothing else may change keys meanwhile.
    pub fn fill_all(&self, database: &Database) {
        for index in std::mem::take(&mut *self.unfilled.lock()) {
            if self.has(&index) {
                filling::fill(&index, database);
            }
        }
    }

    fn queue(&self, index: Arc<DocumentIndex>, database: &Database) {
        index.progress().begin(database.len());
        self.unfilled.lock().push_back(index);
        self.queued.notify_all();
    }

    /// Loading: makes an index that a snapshot knows, once its documents are there. None if the snapshot contradicts itself.
    pub fn load(
        &self,
        name: &[u8],
        schema: Arc<Schema>,
        database: &Database,
        saved: SavedIndex,
    ) -> Option<LoadedIndex> {
        let index = Arc::new(DocumentIndex::new(name, schema));
        let loaded = filling::load(&index, database, saved)?;
        self.insert(&index);
        Some(loaded)
    }

    fn insert(&self, index: &Arc<DocumentIndex>) {
        let mut names = self.names.write();
        names.indexes.insert(index.name().into(), Arc::clone(index));
        self.count.store(names.indexes.len(), Ordering::Release);
    }

    /// Whether an index links the vectors of such a key, which takes far longer than anything else that happens to it.
    pub fn links(&self, key: &[u8]) -> bool {
        let links = |index: &Arc<DocumentIndex>| index.has_graph() && index.schema().follows(key);
        !self.is_empty() && self.names.read().indexes.values().any(links)
    }

    /// Those that follow one of these keys, in the order of their names.
    pub fn following<'k>(
        &self,
        keys: impl Iterator<Item = &'k [u8]> + Clone,
    ) -> SmallVec<[Arc<DocumentIndex>; 2]> {
        if self.is_empty() {
            return SmallVec::new();
        }
        let names = self.names.read();
        let follows = |index: &&Arc<DocumentIndex>| {
            let schema = index.schema();
            keys.clone().any(|key| schema.follows(key))
        };
        names.indexes.values().filter(follows).cloned().collect()
    }

    /// Drops an index, if there is one of that name, and its aliases.
    pub(super) fn drop_index(&self, name: &[u8]) {
        let mut names = self.names.write();
        names.indexes.remove(name);
        names.aliases.retain(|_, own| **own != *name);
        self.count.store(names.indexes.len(), Ordering::Release);
    }

    /// Drops all of them.
    pub(super) fn clear(&self) {
        *self.names.write() = Names::default();
        self.count.store(0, Ordering::Release);
    }

    /// Empties all of them, to be filled anew: the database is another one.
    pub(super) fn refill(&self, database: &Database) {
        for index in self.all() {
            let schema = Arc::clone(index.schema());
            let index = Arc::new(DocumentIndex::new(index.name(), schema));
            self.insert(&index);
            self.queue(index, database);
        }
    }

    /// The index, or the one that is made in its place because no ids are left to give: it is filled from all keys in the background,
    /// as after [`Indexes::refill`]. Whoever still writes to the former one meanwhile does no harm: it altered the key before, so the
    /// filling, which begins later, finds that.
    pub fn renewed(&self, index: &Arc<DocumentIndex>, database: &Database) -> Arc<DocumentIndex> {
        if !index.is_spent() {
            return Arc::clone(index);
        }
        let new = Arc::new(index.anew());
        match self.names.write().indexes.get_mut(index.name()) {
            Some(there) if Arc::ptr_eq(there, index) => *there = Arc::clone(&new),
            Some(there) => return Arc::clone(there),
            None => return Arc::clone(index),
        }
        self.queue(Arc::clone(&new), database);
        new
    }

    /// Makes what the indexes know of a key agree with what it holds now, but for the links of new vectors.
    pub(super) fn refresh(&self, key: &[u8], database: &Database) -> Vec<Linking> {
        let all = self.all().into_iter();
        all.filter_map(|index| self.refresh_in(&index, key, database))
            .collect()
    }

    /// As `refresh` of both keys, after what one of them held was given to the other. A document that an index has under both names keeps
    /// its place there, and is not indexed anew.
    pub(super) fn rename(&self, from: &[u8], to: &[u8], database: &Database) -> Vec<Linking> {
        let mut left = Vec::new();
        for index in self.all() {
            if !filling::rename(&index, from, to, database) {
                left.extend(self.refresh_in(&index, from, database));
                left.extend(self.refresh_in(&index, to, database));
            }
        }
        left
    }

    fn refresh_in(
        &self,
        index: &Arc<DocumentIndex>,
        key: &[u8],
        database: &Database,
    ) -> Option<Linking> {
        if !index.schema().follows(key) {
            return None;
        }
        let index = self.renewed(index, database);
        let began_us = self.now_us();
        let unlinked = filling::take_up_unlinked(&index, key, database);
        self.note_time(&index, began_us);
        (!unlinked.is_empty()).then_some(Linking { index, unlinked })
    }

    /// Does what [`Indexes::refresh`] left.
    pub fn link(&self, linking: Linking) {
        let began_us = self.now_us();
        linking.index.link(linking.unlinked);
        self.note_time(&linking.index, began_us);
    }

    fn note_time(&self, index: &DocumentIndex, began_us: u64) {
        let took_us = self.now_us().saturating_sub(began_us);
        index.usage().note_indexing(took_us);
    }
}

/// What [`values::read`] finds.
type Read = Result<DocumentValues, (usize, Refusal)>;

#[cfg(test)]
mod tests;

//! Indexes over documents: hashes and JSON keys whose names begin with a prefix, found by their fields. An index follows its keys:
//! whatever change alters one is followed, in the same apply, by [`Indexes::refresh`] of that key.
//!
//! - `schema`: what an index is made of; `text`: how words are cut and stemmed; `words`: reading definitions;
//! - `filter`: which keys are documents, an `expression` over their fields; `lifetime`: when temporary indexes go;
//! - `values`: what a document holds for a schema; `fields`: which documents hold a value;
//! - `index`: one index; this file: all of them by name.

pub mod earth;
pub mod expression;
pub mod fields;
pub mod filter;
pub mod index;
pub mod lifetime;
pub mod printed;
pub mod schema;
pub mod text;
pub mod values;
pub mod words;

use super::Key;
use super::table::Database;
use index::{DocumentIndex, Refusal};
use parking_lot::RwLock;
use schema::Schema;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use values::DocumentValues;

/// The database whose keys are indexed; other databases have no indexes.
pub const INDEXED_DB: usize = 0;

/// All indexes, by name.
#[derive(Default)]
pub struct Indexes {
    names: RwLock<Names>,
    /// How many indexes there are: without any, a write looks no further.
    count: AtomicUsize,
}

#[derive(Default)]
struct Names {
    indexes: BTreeMap<Box<[u8]>, Arc<DocumentIndex>>,
    /// Other names of indexes.
    aliases: BTreeMap<Box<[u8]>, Box<[u8]>>,
}

impl Indexes {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// The index of that name or alias.
    pub fn get(&self, name: &[u8]) -> Option<Arc<DocumentIndex>> {
        let names = self.names.read();
        let own = names.aliases.get(name).map_or(name, |own| own);
        names.indexes.get(own).map(Arc::clone)
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

    /// Makes an index and fills it from the keys that are there, on all cores. Nothing else may change keys meanwhile.
    pub(super) fn create(&self, name: &[u8], schema: Arc<Schema>, database: &Database) {
        let index = Arc::new(DocumentIndex::new(name, schema));
        if !index.schema().skips_initial_scan {
            fill(&index, database);
        }
        self.insert(&index);
    }

    /// Loading: makes an index that a snapshot knows, once its documents are there.
    pub fn load(&self, name: &[u8], schema: Arc<Schema>, database: &Database) {
        let index = Arc::new(DocumentIndex::new(name, schema));
        fill(&index, database);
        self.insert(&index);
    }

    fn insert(&self, index: &Arc<DocumentIndex>) {
        let mut names = self.names.write();
        names.indexes.insert(index.name().into(), Arc::clone(index));
        self.count.store(names.indexes.len(), Ordering::Release);
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

    /// Fills all of them anew: the database is another one.
    pub(super) fn refill(&self, database: &Database) {
        for index in self.all() {
            let index = Arc::new(DocumentIndex::new(index.name(), Arc::clone(index.schema())));
            fill(&index, database);
            self.insert(&index);
        }
    }

    /// Makes what the indexes know of a key agree with what it holds now.
    pub(super) fn refresh(&self, key: &[u8], database: &Database) {
        for index in self.all() {
            if index.schema().follows(key) {
                take_up(&index, key, database);
            }
        }
    }
}

fn fill(index: &DocumentIndex, database: &Database) {
    let mut keys = Vec::new();
    let mut cursor = 0;
    loop {
        let (next, page) = database.scan(cursor, 4096, 0);
        let followed = page.into_iter().map(|(key, _)| key);
        keys.extend(followed.filter(|key| index.schema().follows(key)));
        if next == 0 {
            break;
        }
        cursor = next;
    }
    // Threads of their own: one that waits for the postings must not be one that whoever holds them waits for.
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
            take_up(index, key, database);
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
}

/// Indexes what the key holds; a key that holds no document of this index, or one with a value that does not do, is left out.
fn take_up(index: &DocumentIndex, key: &[u8], database: &Database) {
    let entry = database.peek(key);
    let schema = index.schema();
    let is_admitted = |value: &super::Value| {
        let filter = schema.filter.as_ref();
        filter.is_none_or(|filter| filter.admits(schema, key, value))
    };
    let entry = entry.filter(|entry| is_admitted(&entry.value));
    let values = entry.and_then(|entry| values::read(schema, &entry.value));
    match values {
        None => index.remove(key),
        Some(Ok(values)) => index.put(key, values),
        Some(Err((field, why))) => index.refuse(key, field, why),
    }
}

/// What [`values::read`] finds.
type Read = Result<DocumentValues, (usize, Refusal)>;

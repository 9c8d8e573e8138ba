//! All keys: sixteen databases of values, and how changes are applied to them. Nothing here refuses, logs, waits or asks for
//! the time; numbers, times and seeds are handed in, so that recovery and models run the same code as the live path.
//!
//! Who may call what: [`View`] is what a command looks at; [`Keyspace::apply`] is the only way to alter a key. Both expect
//! the engine's gates to be held (engine/mod.rs); the shard locks in here protect the tables, not the commands' meaning.

pub mod apply;
pub mod attributes;
mod buckets;
pub mod calibration;
pub mod change;
pub mod collection;
pub mod columns;
pub mod digest;
pub mod documents;
pub mod hash;
pub mod json;
pub mod list;
mod moves;
mod names;
pub mod projection;
pub mod save;
pub mod set;
pub mod sorted_set;
pub mod string;
pub mod table;

use crate::stats::Stats;
use collection::Collection;
use columns::ColumnBudget;
use documents::Indexes;
use hash::Hash;
use json::Document;
use list::List;
use save::SaveClock;
use set::Set;
use sorted_set::SortedSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use string::StringValue;
use table::Database;

/// A key's name.
pub type Key = Box<[u8]>;

/// What a key holds. Cloning is cheap: the data is shared.
#[derive(Clone)]
pub enum Value {
    /// A string.
    String(StringValue),
    /// Different members.
    Set(Arc<Set>),
    /// Members with scores.
    SortedSet(Arc<SortedSet>),
    /// Elements in order.
    List(Arc<List>),
    /// Fields with values.
    Hash(Arc<Hash>),
    /// A JSON document.
    Json(Arc<Document>),
    /// Elements with vectors.
    Collection(Arc<Collection>),
}

impl Value {
    /// Bytes of what an index over documents reads; 0 for what is no document.
    pub fn document_bytes(&self) -> usize {
        match self {
            Value::Hash(hash) => hash.bytes(),
            Value::Json(document) => document.bytes(),
            _ => 0,
        }
    }
}

/// A key's value, expiry and last change.
#[derive(Clone)]
pub struct Entry {
    /// What it holds.
    pub value: Value,
    /// As an `Option` it would take twice as much, for every key.
    expires_at_ms: u64,
    /// Number of the last change of the key itself (for a collection: of the key, not of its elements).
    pub changed: u64,
}

/// Where a time of expiry would be: there is none. No command takes one that late.
const NEVER: u64 = u64::MAX;

impl Entry {
    /// A value that expires at a time in milliseconds since 1970, if at all, and was put by the change of this number.
    pub fn new(value: Value, expires_at_ms: Option<u64>, changed: u64) -> Entry {
        Entry {
            value,
            expires_at_ms: expires_at_ms.unwrap_or(NEVER),
            changed,
        }
    }

    /// When it expires, in milliseconds since 1970.
    pub fn expires_at_ms(&self) -> Option<u64> {
        (self.expires_at_ms != NEVER).then_some(self.expires_at_ms)
    }

    /// Lets it expire at another time, or not at all.
    pub(in crate::keyspace) fn set_expiry(&mut self, expires_at_ms: Option<u64>) {
        self.expires_at_ms = expires_at_ms.unwrap_or(NEVER);
    }

    /// Whether it is expired at `now_ms`: the key is, or it is a hash and all its fields are.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        let is_empty = matches!(&self.value, Value::Hash(hash) if hash.is_expired(now_ms));
        is_empty || self.expires_at_ms().is_some_and(|at| at <= now_ms)
    }
}

/// All databases.
pub struct Keyspace {
    databases: parking_lot::RwLock<Vec<Arc<Database>>>,
    /// Which save is running and where its cut is; shared with every collection.
    save_clock: Arc<SaveClock>,
    /// What columns of all collections may take; shared with each.
    column_budget: Arc<ColumnBudget>,
    /// Indexes over the documents of one database.
    indexes: Indexes,
    /// The seed of this data directory: levels of graph nodes are drawn from it.
    seed: u64,
    /// The next collection's id.
    next_collection_id: AtomicU64,
    /// See [`Keyspace::force_graph`].
    force_graph: AtomicBool,
    /// See [`Keyspace::keep_queries`].
    keeps_queries: AtomicBool,
}

impl Keyspace {
    /// Empty databases. `seed` is the data directory's.
    pub fn new(databases: usize, seed: u64) -> Keyspace {
        Hash::seed(seed);
        Keyspace {
            databases: parking_lot::RwLock::new(
                (0..databases)
                    .map(|_| Arc::new(Database::new(seed)))
                    .collect(),
            ),
            save_clock: Arc::default(),
            column_budget: Arc::default(),
            indexes: Indexes::default(),
            seed,
            next_collection_id: AtomicU64::new(0),
            force_graph: AtomicBool::new(false),
            keeps_queries: AtomicBool::new(true),
        }
    }

    /// Number of databases.
    pub fn databases(&self) -> usize {
        self.databases.read().len()
    }

    /// Database number `db`, which must be below [`Keyspace::databases`].
    pub fn database(&self, db: usize) -> Arc<Database> {
        Arc::clone(&self.databases.read()[db])
    }

    /// The running save's clock.
    pub fn save_clock(&self) -> &Arc<SaveClock> {
        &self.save_clock
    }

    /// What columns of all collections may take.
    pub fn column_budget(&self) -> &Arc<ColumnBudget> {
        &self.column_budget
    }

    /// Indexes over documents.
    pub fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    /// The seed of this data directory.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether upserts walk the graph even where a scan is cheaper.
    pub fn force_graph(&self, yes: bool) {
        self.force_graph.store(yes, Ordering::Relaxed);
    }

    /// Whether snapshots keep queries that were asked.
    pub fn keep_queries(&self, yes: bool) {
        self.keeps_queries.store(yes, Ordering::Relaxed);
    }

    /// Whether they do.
    pub fn keeps_queries(&self) -> bool {
        self.keeps_queries.load(Ordering::Relaxed)
    }

    /// An id that no collection had before.
    pub(crate) fn draw_collection_id(&self) -> u64 {
        self.next_collection_id.fetch_add(1, Ordering::Relaxed)
    }

    /// The id that the next collection will get.
    pub fn next_collection_id(&self) -> u64 {
        self.next_collection_id.load(Ordering::Relaxed)
    }

    /// Loading: no collection made from now on gets an id below `id`.
    pub fn raise_collection_id(&self, id: u64) {
        self.next_collection_id.fetch_max(id, Ordering::Relaxed);
    }

    /// What a command sees of database `db` at `now_ms`.
    pub fn view(&self, db: usize, now_ms: u64) -> View<'_> {
        View {
            keyspace: self,
            stats: None,
            touches: true,
            db,
            now_ms,
        }
    }
}

/// What a command looks at: one database at one time; expired keys are not there.
#[derive(Clone, Copy)]
pub struct View<'a> {
    keyspace: &'a Keyspace,
    /// Where look-ups are counted, if they are.
    stats: Option<&'a Stats>,
    /// Whether a look-up is the key's last access.
    touches: bool,
    /// The database.
    pub db: usize,
    /// The time, in milliseconds since 1970.
    pub now_ms: u64,
}

impl<'a> View<'a> {
    /// The keyspace behind it, for commands that go through many keys.
    pub fn keyspace(&self) -> &'a Keyspace {
        self.keyspace
    }

    /// The same time, another database.
    pub fn in_db(&self, db: usize) -> View<'a> {
        View { db, ..*self }
    }

    /// Look-ups count as hits and misses from here on.
    pub fn counting(self, stats: &'a Stats) -> View<'a> {
        View {
            stats: Some(stats),
            ..self
        }
    }

    /// Look-ups leave the keys' times of last access from here on.
    pub fn without_touching(self) -> View<'a> {
        View {
            touches: false,
            ..self
        }
    }

    /// The key's entry, unless it is missing or expired.
    pub fn entry(&self, key: &[u8]) -> Option<Entry> {
        self.counted(self.living(key))
    }

    /// As `entry`, without becoming the key's last access.
    pub fn peek(&self, key: &[u8]) -> Option<Entry> {
        let entry = self.keyspace.database(self.db).peek(key);
        self.counted(entry.filter(|entry| !entry.is_expired(self.now_ms)))
    }

    fn counted(&self, entry: Option<Entry>) -> Option<Entry> {
        if let Some(stats) = self.stats {
            match entry {
                Some(_) => stats.totals.keyspace_hits.increment(),
                None => stats.totals.keyspace_misses.increment(),
            }
        }
        entry
    }

    fn living(&self, key: &[u8]) -> Option<Entry> {
        let database = self.keyspace.database(self.db);
        let entry = match self.touches {
            true => database.entry(key, self.now_ms),
            false => database.peek(key),
        };
        entry.filter(|entry| !entry.is_expired(self.now_ms))
    }

    /// The key's value, unless it is missing or expired.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.entry(key).map(|entry| entry.value)
    }

    /// Whether the key is there.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.entry(key).is_some()
    }
}

/// Cuts a scan's findings, sorted by their place in the hash space, to about `count` (places that are equal stay together);
/// the cursor to go on with, or 0 when nothing was cut.
pub(crate) fn scan_page<T>(found: &mut Vec<T>, count: usize, place: impl Fn(&T) -> u64) -> u64 {
    let count = count.max(1);
    if found.len() <= count {
        return 0;
    }
    let last = place(&found[count - 1]);
    let end = count
        + found[count..]
            .iter()
            .take_while(|item| place(item) == last)
            .count();
    let next = found.get(end).map_or(0, &place);
    found.truncate(end);
    next
}

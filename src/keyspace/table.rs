//! The key table of one database: 1,024 shards by the key's hash, each with its entries, their expiries in order of time,
//! and what it handed over to a running save.
//!
//! A save must see every key as it was at the cut. Until it has walked a shard, whoever alters an entry that is older than the
//! cut first puts a copy (shared, not duplicated) on the shard's side list; see save.rs.

use super::hash::BUCKET_BYTES_MAX;
use super::save::SaveClock;
use super::{Entry, Key, Value, scan_page};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use parking_lot::RwLock;
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Shards of a database, by the top bits of the hash.
pub const SHARDS: usize = 1024;
const SHARD_SHIFT: u32 = 64 - SHARDS.ilog2();

/// The hash by which a row is found in its shard. A table tells its rows apart by the top bits first, and all rows of a shard have
/// the same: without others in their place every lookup would compare some eight keys.
fn in_shard(hash: u64) -> u64 {
    hash ^ (hash << SHARDS.ilog2())
}

/// One database.
pub struct Database {
    shards: OnceLock<Box<[RwLock<Shard>]>>,
    hasher: FixedState,
    len: AtomicUsize,
    expiring: AtomicUsize,
}

/// Rows are allocations of their own: a table of them, which is between half and seven eighths full, would take twice as much.
struct Row {
    key: Key,
    entry: Entry,
    /// When it was last looked at, in seconds since 1970.
    accessed_s: AtomicU32,
}

// There is one for each key: whatever is added here is added to all of them.
const _: () = assert!(size_of::<Row>() <= 64);

/// What the save collects of one shard, and keys handed over before it came.
#[derive(Default)]
struct Shard {
    rows: HashTable<Box<Row>>,
    /// When the key, or the first of its fields, expires.
    expiries: BTreeSet<(u64, Key)>,
    /// The save that walked this shard last.
    walked: u64,
    /// Keys as they were at the cut, altered since.
    side: Vec<SavedKey>,
    /// The save that the side list is for; what an earlier one left behind is dropped.
    side_of: u64,
}

/// A key as it was at the cut.
pub struct SavedKey {
    /// Its name.
    pub key: Key,
    /// What it held; a collection is walked by itself (its own segments).
    pub value: Value,
    /// Its expiry, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

impl Database {
    /// An empty database; `seed` keeps clients from choosing colliding keys.
    pub fn new(seed: u64) -> Database {
        Database {
            shards: OnceLock::new(),
            hasher: FixedState::with_seed(seed ^ 0x7265_6b65_7973),
            len: AtomicUsize::new(0),
            expiring: AtomicUsize::new(0),
        }
    }

    /// Number of keys, expired ones that nobody has met included.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether it has no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of keys that expire, or have fields that do.
    pub fn expiring(&self) -> usize {
        self.expiring.load(Ordering::Relaxed)
    }

    /// The key's entry, expired or not. `now_ms` becomes its time of last access.
    pub fn entry(&self, key: &[u8], now_ms: u64) -> Option<Entry> {
        let shard = self.shard_if_any(self.hash_of(key))?.read();
        let row = shard.find(self.hash_of(key), key)?;
        row.accessed_s
            .store((now_ms / 1000) as u32, Ordering::Relaxed);
        Some(row.entry.clone())
    }

    /// The key's entry, expired or not, without counting as an access.
    pub fn peek(&self, key: &[u8]) -> Option<Entry> {
        let shard = self.shard_if_any(self.hash_of(key))?.read();
        shard
            .find(self.hash_of(key), key)
            .map(|row| row.entry.clone())
    }

    /// Seconds since 1970 of the last access, which this does not count as one.
    pub fn accessed_s(&self, key: &[u8]) -> Option<u32> {
        let shard = self.shard_if_any(self.hash_of(key))?.read();
        shard
            .find(self.hash_of(key), key)
            .map(|row| row.accessed_s.load(Ordering::Relaxed))
    }

    /// The keys whose place in the hash space is at least `cursor`, about `count` of them, with the cursor to go on (0: done).
    /// A key that stays is seen whatever happens to others between two calls. Expired keys are left out.
    pub fn scan(&self, cursor: u64, count: usize, now_ms: u64) -> (u64, Vec<(Key, Entry)>) {
        let Some(shards) = self.shards.get() else {
            return (0, Vec::new());
        };
        let mut found: Vec<(u64, Key, Entry)> = Vec::new();
        for shard in &shards[(cursor >> SHARD_SHIFT) as usize..] {
            let shard = shard.read();
            let placed = shard.rows.iter().map(|row| (self.hash_of(&row.key), row));
            found.extend(
                placed
                    .filter(|(hash, _)| *hash >= cursor)
                    .map(|(hash, row)| (hash, row.key.clone(), row.entry.clone())),
            );
            if found.len() > count {
                break;
            }
        }
        found.sort_unstable_by_key(|(hash, ..)| *hash);
        let next = scan_page(&mut found, count, |(hash, ..)| *hash);
        found.retain(|(_, _, entry)| !entry.is_expired(now_ms));
        (
            next,
            found
                .into_iter()
                .map(|(_, key, entry)| (key, entry))
                .collect(),
        )
    }

    /// A key near a random place in the hash space; none if the database is empty (or only expired keys are left).
    pub fn random_key(&self, random: u64, now_ms: u64) -> Option<Key> {
        let shards = self.shards.get()?;
        let first = (random >> SHARD_SHIFT) as usize;
        for step in 0..SHARDS {
            let shard = shards[(first + step) % SHARDS].read();
            let rows = shard.rows.iter();
            let alive: Vec<_> = rows.filter(|row| !row.entry.is_expired(now_ms)).collect();
            if !alive.is_empty() {
                return Some(alive[(random as usize) % alive.len()].key.clone());
            }
        }
        None
    }

    /// Keys that expired, or have fields that expired, at `now_ms`: up to `max` of them from the shards that follow `cursor`,
    /// which moves on. Looks at one entry of each shard where nothing has expired.
    pub fn due(&self, cursor: &mut usize, max: usize, now_ms: u64) -> Vec<Key> {
        let Some(shards) = self.shards.get() else {
            return Vec::new();
        };
        let mut due = Vec::new();
        for _ in 0..SHARDS {
            let shard = shards[*cursor % SHARDS].read();
            due.extend(
                shard
                    .expiries
                    .iter()
                    .take_while(|(at, _)| *at <= now_ms)
                    .map(|(_, key)| key.clone()),
            );
            drop(shard);
            *cursor = (*cursor + 1) % SHARDS;
            if due.len() >= max {
                break;
            }
        }
        due
    }

    /// Puts an entry in place of the key's old one, handing that over to a running save first.
    pub(super) fn insert(&self, key: &[u8], entry: Entry, clock: &SaveClock) {
        let hash = self.hash_of(key);
        let mut shard = self.shard(hash).write();
        shard.hand_over(hash, key, entry.changed, clock);
        let accessed = AtomicU32::new(0);
        let expires = expiry_of(&entry);
        match shard.rows.find_mut(in_shard(hash), |row| *row.key == *key) {
            Some(row) => {
                let old = std::mem::replace(&mut row.entry, entry);
                self.move_expiry(&mut shard, key, expiry_of(&old), expires);
            }
            None => {
                let row = Box::new(Row {
                    key: key.into(),
                    entry,
                    accessed_s: accessed,
                });
                self.add(&mut shard, hash, row);
                self.move_expiry(&mut shard, key, None, expires);
            }
        }
    }

    /// Removes a key, handing it over to a running save first. `number` is the change's.
    pub(super) fn remove(&self, key: &[u8], number: u64, clock: &SaveClock) -> Option<Entry> {
        let hash = self.hash_of(key);
        let mut shard = self.shard_if_any(hash)?.write();
        shard.hand_over(hash, key, number, clock);
        let rows = &mut shard.rows;
        let found = rows.find_entry(in_shard(hash), |row| *row.key == *key);
        let found = found.ok()?;
        let (row, _) = found.remove();
        self.len.fetch_sub(1, Ordering::Relaxed);
        self.move_expiry(&mut shard, key, expiry_of(&row.entry), None);
        Some(row.entry)
    }

    /// Alters the key's entry in place (made by `make` if it is missing); removes it when `alter` says that it became empty.
    pub(super) fn alter(
        &self,
        key: &[u8],
        number: u64,
        clock: &SaveClock,
        make: impl FnOnce() -> Option<Value>,
        alter: impl FnOnce(&mut Entry) -> Outcome,
    ) {
        let hash = self.hash_of(key);
        let mut shard = self.shard(hash).write();
        shard.hand_over(hash, key, number, clock);
        if shard.find(hash, key).is_none() {
            let Some(value) = make() else { return };
            let row = Box::new(Row {
                key: key.into(),
                entry: Entry::new(value, None, number),
                accessed_s: AtomicU32::new(0),
            });
            self.add(&mut shard, hash, row);
        }
        let rows = &mut shard.rows;
        let Ok(mut found) = rows.find_entry(in_shard(hash), |row| *row.key == *key) else {
            return;
        };
        let row = found.get_mut();
        let before = expiry_of(&row.entry);
        row.entry.changed = number;
        match alter(&mut row.entry) {
            Outcome::Keep => {
                let after = expiry_of(&row.entry);
                self.move_expiry(&mut shard, key, before, after);
            }
            Outcome::Remove => {
                found.remove();
                self.len.fetch_sub(1, Ordering::Relaxed);
                self.move_expiry(&mut shard, key, before, None);
            }
        }
    }

    /// The keys of one shard as they were at the cut, marking it as walked. Runs under the shard's lock; values are shared.
    pub(super) fn walk(&self, shard: usize, save: u64, cut: u64) -> Vec<SavedKey> {
        let Some(shards) = self.shards.get() else {
            return Vec::new();
        };
        let mut shard = shards[shard].write();
        shard.walked = save;
        let mut saved = std::mem::take(&mut shard.side);
        if shard.side_of != save {
            saved.clear();
        }
        saved.extend(
            shard
                .rows
                .iter()
                .filter(|row| row.entry.changed <= cut)
                .map(|row| SavedKey {
                    key: row.key.clone(),
                    value: row.entry.value.clone(),
                    expires_at_ms: row.entry.expires_at_ms(),
                }),
        );
        saved
    }

    /// Forgets what was handed over to a save that was cancelled.
    pub(super) fn forget_side_lists(&self) {
        for shard in self.shards.get().into_iter().flatten() {
            shard.write().side = Vec::new();
        }
    }

    /// Puts a row whose key is not there.
    fn add(&self, shard: &mut Shard, hash: u64, row: Box<Row>) {
        let rows = &mut shard.rows;
        rows.insert_unique(in_shard(hash), row, |row| in_shard(self.hash_of(&row.key)));
        self.len.fetch_add(1, Ordering::Relaxed);
    }

    /// Place of a key in the hash space.
    fn hash_of(&self, key: &[u8]) -> u64 {
        self.hasher.hash_one(key)
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        let shards = self
            .shards
            .get_or_init(|| (0..SHARDS).map(|_| RwLock::default()).collect());
        &shards[(hash >> SHARD_SHIFT) as usize]
    }

    fn shard_if_any(&self, hash: u64) -> Option<&RwLock<Shard>> {
        Some(&self.shards.get()?[(hash >> SHARD_SHIFT) as usize])
    }

    fn move_expiry(&self, shard: &mut Shard, key: &[u8], before: Option<u64>, after: Option<u64>) {
        if before == after {
            return;
        }
        if let Some(at) = before {
            shard.expiries.remove(&(at, Key::from(key)));
            self.expiring.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(at) = after {
            shard.expiries.insert((at, Key::from(key)));
            self.expiring.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What an alteration left of an entry.
pub(super) enum Outcome {
    /// It stays.
    Keep,
    /// It became empty and goes.
    Remove,
}

impl Shard {
    fn find(&self, hash: u64, key: &[u8]) -> Option<&Row> {
        let row = self.rows.find(in_shard(hash), |row| *row.key == *key)?;
        Some(row)
    }

    /// Before change `number` alters `key`: keeps what a running save must still see.
    fn hand_over(&mut self, hash: u64, key: &[u8], number: u64, clock: &SaveClock) {
        let Some((save, cut)) = clock.running() else {
            return;
        };
        if number <= cut || self.walked == save {
            return;
        }
        let Some(row) = self.find(hash, key) else {
            return;
        };
        if row.entry.changed > cut {
            return;
        }
        let saved = SavedKey {
            key: key.into(),
            value: row.entry.value.clone(),
            expires_at_ms: row.entry.expires_at_ms(),
        };
        clock.pin(saved.bytes());
        if self.side_of != save {
            self.side.clear();
            self.side_of = save;
        }
        self.side.push(saved);
    }
}

impl SavedKey {
    /// Bytes that keeping it pins in memory, about.
    pub fn bytes(&self) -> usize {
        let value = match &self.value {
            Value::String(bytes) => bytes.len(),
            // Their parts are shared; a change replaces few of them.
            Value::Set(set) => set.bytes().min(BUCKET_BYTES_MAX),
            Value::SortedSet(set) => set.bytes().min(BUCKET_BYTES_MAX),
            Value::List(list) => list.bytes().min(BUCKET_BYTES_MAX),
            Value::Hash(hash) => hash.bytes().min(BUCKET_BYTES_MAX),
            Value::Json(document) => document.bytes(),
            Value::Collection(_) => 0,
        };
        size_of::<SavedKey>() + self.key.len() + value
    }
}

/// When the key or the first of its fields expires.
fn expiry_of(entry: &Entry) -> Option<u64> {
    let fields = match &entry.value {
        Value::Hash(hash) => hash.next_expiry_ms(),
        _ => None,
    };
    match (entry.expires_at_ms(), fields) {
        (Some(key), Some(field)) => Some(key.min(field)),
        (key, field) => key.or(field),
    }
}

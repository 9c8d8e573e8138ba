//! The keys that clients watch (WATCH), and how often each was given something since somebody began to. Memory: one entry for
//! each key under watch, gone with its last watcher.
//!
//! A change that only takes away (DEL, an expiry, a flush) is not counted: whoever watched a key that was there sees that it
//! is gone, or that it came back, which counts. So neither the removal of a key that had expired before nor a flush spoils
//! the watch of a key that was missing all the time.

use super::{Access, Engine, Locked};
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::{Key, View};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// All keys under watch.
#[derive(Default)]
pub(super) struct Watches {
    /// How many keys; while there is none, writers look no further.
    len: AtomicUsize,
    /// By database, then key.
    keys: RwLock<HashMap<usize, HashMap<Key, Watched>>>,
}

#[derive(Default)]
struct Watched {
    watchers: usize,
    changes: AtomicU64,
}

/// One client's watch of one key; dropping it ends the watch.
pub struct Watch {
    watches: Arc<Watches>,
    db: usize,
    key: Key,
    /// How often the key was changed when the watch began.
    changes: u64,
    /// Whether the key was there, and not expired.
    was_there: bool,
}

impl Watch {
    /// Its database and key.
    pub fn target(&self) -> (usize, &[u8]) {
        (self.db, &self.key)
    }

    /// Whether the key was changed, removed or expired since. `view` is of any database; the caller holds the key's gate alone.
    pub fn is_spoiled(&self, view: &View) -> bool {
        let is_there = || view.in_db(self.db).peek(&self.key).is_some();
        self.watches.changes(self.db, &self.key) != self.changes || (self.was_there && !is_there())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watches.forget(self.db, &self.key);
    }
}

impl Watches {
    /// Adds a watcher; how often the key was changed so far.
    fn add(&self, db: usize, key: &[u8]) -> u64 {
        let mut keys = self.keys.write();
        let watched = keys.entry(db).or_default().entry(key.into());
        let watched = watched.or_insert_with(|| {
            self.len.fetch_add(1, Ordering::Relaxed);
            Watched::default()
        });
        watched.watchers += 1;
        watched.changes.load(Ordering::Relaxed)
    }

    fn forget(&self, db: usize, key: &[u8]) {
        let mut keys = self.keys.write();
        let Some(watched) = keys.get_mut(&db) else {
            return;
        };
        let Some(count) = watched.get_mut(key) else {
            return;
        };
        count.watchers -= 1;
        if count.watchers == 0 {
            watched.remove(key);
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn changes(&self, db: usize, key: &[u8]) -> u64 {
        let keys = self.keys.read();
        let watched = keys.get(&db).and_then(|keys| keys.get(key));
        watched.map_or(0, |watched| watched.changes.load(Ordering::Relaxed))
    }

    fn note(&self, db: usize, key: &[u8]) {
        let keys = self.keys.read();
        if let Some(watched) = keys.get(&db).and_then(|keys| keys.get(key)) {
            watched.changes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The watched keys of `db` that `from` holds, which will be in its place.
    fn note_arrivals(&self, db: usize, from: &View) {
        let keys = self.keys.read();
        let watched = keys.get(&db).into_iter().flatten();
        for (_, watched) in watched.filter(|(key, _)| from.peek(key).is_some()) {
            watched.changes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Access<'_> {
    /// Begins to watch a key. Takes its gate alone, so that no change to an element is under way which EXEC would miss.
    pub fn watch(&self, db: usize, key: &[u8]) -> Result<Watch, Locked> {
        let engine = self.engine();
        let _world = engine.locks().world_shared(self.patience())?;
        let _gate = engine
            .locks()
            .gates_exclusive([(db, key)], self.patience())?;
        let watches = Arc::clone(&engine.watches);
        Ok(Watch {
            changes: watches.add(db, key),
            was_there: self.view(db).peek(key).is_some(),
            watches,
            db,
            key: key.into(),
        })
    }
}

impl Engine {
    /// How many keys are watched.
    pub fn watched_keys(&self) -> usize {
        self.watches.len.load(Ordering::Relaxed)
    }

    /// Counts a change that is about to be applied, for the watchers of the keys that it gives something to.
    pub(super) fn note_watched(&self, change: &Change) {
        if self.watched_keys() == 0 {
            return;
        }
        let (db, watches) = (change.db, &self.watches);
        match &change.effect {
            Effect::Delete | Effect::FlushDb | Effect::FlushAll => {}
            Effect::Rename { to } => watches.note(db, to),
            Effect::Copy { to_db, to } => watches.note(*to_db, to),
            Effect::Move { to_db } => watches.note(*to_db, &change.key),
            Effect::SwapDb { with } => {
                let view = |db| self.keyspace().view(db, self.now_ms());
                watches.note_arrivals(db, &view(*with));
                watches.note_arrivals(*with, &view(db));
            }
            _ => watches.note(db, &change.key),
        }
    }
}

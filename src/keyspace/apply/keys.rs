//! What changes do to keys of any type, and how keys are put in place by a load and walked by a save.

use super::Subject;
use crate::keyspace::table::{Outcome, SavedKey};
use crate::keyspace::{Entry, Keyspace, Value};

impl Subject<'_> {
    pub(super) fn delete(&self) {
        let clock = self.keyspace.save_clock();
        drop(self.database.remove(self.key, self.number, clock));
    }

    pub(super) fn set_expiry(&self, at_ms: Option<u64>) {
        let clock = self.keyspace.save_clock();
        let make = || None;
        let alter = |entry: &mut Entry| {
            entry.set_expiry(at_ms);
            Outcome::Keep
        };
        self.database
            .alter(self.key, self.number, clock, make, alter);
    }

    /// Gives the key another name, in its own database or another, with its expiry.
    pub(super) fn move_to(&self, db: usize, name: &[u8]) {
        let clock = self.keyspace.save_clock();
        if let Some(entry) = self.database.remove(self.key, self.number, clock) {
            self.put_at(db, name, entry);
        }
    }

    pub(super) fn copy_to(&self, db: usize, name: &[u8]) {
        let Some(mut entry) = self.database.peek(self.key) else {
            return;
        };
        // Other values are shared until one of the two is altered.
        if let Value::Collection(collection) = &entry.value {
            let (id, seed) = (self.keyspace.draw_collection_id(), self.keyspace.seed());
            entry.value = Value::Collection(collection.copy(id, seed, self.number));
        }
        self.put_at(db, name, entry);
    }

    fn put_at(&self, db: usize, name: &[u8], entry: Entry) {
        let entry = Entry {
            changed: self.number,
            ..entry
        };
        let clock = self.keyspace.save_clock();
        self.keyspace.database(db).insert(name, entry, clock);
    }
}

impl Keyspace {
    /// Loading: puts a key as a snapshot has it.
    pub fn load_entry(&self, db: usize, key: &[u8], entry: Entry) {
        self.database(db).insert(key, entry, self.save_clock());
    }

    /// The keys of one shard of one database as they were at the cut; see save.rs.
    pub fn walk_keys(&self, db: usize, shard: usize, save: u64, cut: u64) -> Vec<SavedKey> {
        let saved = self.database(db).walk(shard, save, cut);
        self.save_clock()
            .unpin(saved.iter().map(SavedKey::bytes).sum());
        saved
    }
}

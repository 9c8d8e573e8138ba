//! What changes do to whole databases and to indexes over documents. A running save cannot see what was in a database that is
//! emptied or exchanged, so it is cancelled; the engine starts it anew.

use crate::keyspace::Keyspace;
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::schema::Schema;
use crate::keyspace::table::Database;
use std::sync::Arc;

impl Keyspace {
    /// Indexes over the database's documents go with it.
    pub(super) fn flush(&self, db: usize) {
        self.cancel_save();
        if db == INDEXED_DB {
            self.indexes().clear();
        }
        let empty = Arc::new(Database::new(self.seed()));
        let old = std::mem::replace(&mut self.databases.write()[db], empty);
        // Outside the lock: it may take long.
        drop(old);
    }

    /// Forgets everything; without a change, before a snapshot is loaded again.
    pub fn clear(&self) {
        (0..self.databases()).for_each(|db| self.flush(db));
    }

    pub(super) fn swap(&self, a: usize, b: usize) {
        self.cancel_save();
        self.databases.write().swap(a, b);
        if a == INDEXED_DB || b == INDEXED_DB {
            self.indexes().refill(&self.database(INDEXED_DB));
        }
    }

    /// Ends the running save, done or not: nothing more is kept for it.
    pub fn cancel_save(&self) {
        if self.save_clock().running().is_some() {
            self.save_clock().end();
            (0..self.databases()).for_each(|db| self.database(db).forget_side_lists());
        }
    }

    pub(super) fn create_index(&self, name: &[u8], schema: Arc<Schema>) {
        let documents = self.database(INDEXED_DB);
        self.indexes().create(name, schema, &documents);
    }
}

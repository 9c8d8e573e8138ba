//! A change's turn among those who read the postings of indexes for long (keyspace/documents/turns.rs): it is waited for before
//! any lock is taken.

use super::{Engine, Locked, Patience};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::documents::turns::Place;
use smallvec::SmallVec;
use std::sync::Arc;

/// A document of so many bytes is indexed in some hundred microseconds, but for the links of its vectors.
const BRIEFLY_INDEXED_BYTES: usize = 32 * 1024;

impl Engine {
    /// Runs `change`, which takes the locks of `keys`, in its turn: nobody who reads the postings of an index that follows one of the
    /// keys keeps it from being applied, once it is logged. Who has to wait for that does it without locks, or whoever else wants these
    /// keys would wait as long.
    pub fn in_turn<'k, T, E: From<Locked>>(
        &self,
        keys: impl Iterator<Item = (usize, &'k [u8])> + Clone,
        patience: Patience,
        change: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let keys = keys.filter(|(db, _)| *db == INDEXED_DB);
        let keys = keys.map(|(_, key)| key);
        // They are entered in the order of their names.
        let followers = self.keyspace().indexes().following(keys.clone());
        if patience == Patience::Try && !followers.is_empty() {
            // Whatever is changed of a document, all of it is read.
            let database = self.keyspace().database(INDEXED_DB);
            let bytes = |key| {
                let entry = database.peek(key);
                entry.map_or(0, |entry| entry.value.document_bytes())
            };
            if keys.map(bytes).sum::<usize>() > BRIEFLY_INDEXED_BYTES {
                return Err(Locked::Work.into());
            }
        }
        self.in_turn_of(&followers, patience, change)
    }

    /// The same, in the turn of these indexes.
    pub(super) fn in_turn_of<T, E: From<Locked>>(
        &self,
        indexes: &[Arc<DocumentIndex>],
        patience: Patience,
        change: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let mut places = SmallVec::<[Place; 2]>::new();
        for index in indexes {
            places.push(match patience {
                Patience::Wait => index.enter(),
                Patience::Try | Patience::Brief | Patience::Work => {
                    index.try_enter().ok_or(Locked::Postings)?
                }
            });
        }
        change()
    }

    /// Whether a change to one of `keys` would wait for somebody who reads postings for long.
    pub fn must_wait<'k>(&self, keys: impl Iterator<Item = &'k [u8]> + Clone) -> bool {
        let followers = self.keyspace().indexes().following(keys);
        followers.iter().any(|index| index.try_enter().is_none())
    }
}

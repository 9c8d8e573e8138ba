//! One record on its way into the log.

use super::words;
use crate::keyspace::change::Change;

/// One atomic record, encoded: the words of its changes. The log adds what it knows alone: numbers, checksums, the SELECT in
/// front, and the frame around several changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedRecord {
    /// The words, without a SELECT in front.
    pub body: Vec<u8>,
    /// Database of the first change.
    pub first_db: usize,
    /// Database that the body ends in.
    pub last_db: usize,
    /// Number of changes.
    pub count: u64,
}

impl EncodedRecord {
    /// The record of these changes.
    pub fn of<'c>(changes: impl IntoIterator<Item = &'c Change>) -> EncodedRecord {
        let mut record = EncodedRecord::default();
        changes.into_iter().for_each(|change| record.push(change));
        record
    }

    /// Adds a change, with a SELECT where the database changes inside the record.
    pub fn push(&mut self, change: &Change) {
        if self.count == 0 {
            self.first_db = change.db;
        } else if self.last_db != change.db {
            words::encode_select(change.db, &mut self.body);
        }
        words::encode(change, &mut self.body);
        self.last_db = change.db;
        self.count += 1;
    }
}

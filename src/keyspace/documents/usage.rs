//! What an index is used for, how long temporary ones live without use, and what goes with an index.

use super::index::{Document, DocumentIndex};
use super::turns::Turn;
use super::{INDEXED_DB, Indexes};
use crate::keyspace::Key;
use crate::keyspace::change::{Change, Effect};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

/// What commands did with an index since it was made, or since the start.
#[derive(Default)]
pub struct Usage {
    /// When one named it last, in milliseconds since 1970; 0: none did yet.
    used_ms: AtomicU64,
    /// How often they named it.
    uses: AtomicU64,
    /// Query languages that were used, a bit each.
    dialects: AtomicU8,
    /// How long documents were indexed, in microseconds.
    indexing_us: AtomicU64,
    /// Whether it was told that the nearest do not come nearest first.
    order_is_told: AtomicBool,
}

impl Usage {
    /// Whether it is yet to be told that the nearest do not come nearest first; true once.
    pub fn takes_notice_of_order(&self) -> bool {
        !self.order_is_told.swap(true, Ordering::Relaxed)
    }

    /// A command named the index.
    pub fn touch(&self, now_ms: u64) {
        self.used_ms.store(now_ms, Ordering::Relaxed);
        self.uses.fetch_add(1, Ordering::Relaxed);
    }

    /// The command that named it last is begun again, and will be counted then.
    pub fn take_back(&self) {
        self.uses.fetch_sub(1, Ordering::Relaxed);
    }

    /// A query in a language (1 to 4) asked it.
    pub fn note_dialect(&self, dialect: u8) {
        self.dialects
            .fetch_or(1 << (dialect & 7), Ordering::Relaxed);
    }

    /// Documents were indexed for so long.
    pub fn note_indexing(&self, us: u64) {
        self.indexing_us.fetch_add(us, Ordering::Relaxed);
    }

    /// How often commands named it.
    pub fn uses(&self) -> u64 {
        self.uses.load(Ordering::Relaxed)
    }

    /// Whether a query in this language asked it.
    pub fn has_dialect(&self, dialect: u8) -> bool {
        self.dialects.load(Ordering::Relaxed) & (1 << (dialect & 7)) != 0
    }

    /// How long documents were indexed, over all threads, in microseconds.
    pub fn indexing_us(&self) -> u64 {
        self.indexing_us.load(Ordering::Relaxed)
    }

    /// Whether nobody named it for `idle_max_ms`. The time of one that nobody named yet begins now.
    fn is_idle(&self, idle_max_ms: u64, now_ms: u64) -> bool {
        let begun = (Ordering::Relaxed, Ordering::Relaxed);
        let unused = self.used_ms.compare_exchange(0, now_ms, begun.0, begun.1);
        let used_ms = unused.unwrap_or_else(|used_ms| used_ms);
        used_ms != 0 && now_ms.saturating_sub(used_ms) >= idle_max_ms
    }
}

impl DocumentIndex {
    /// Whether it is temporary and nobody named it for as long as its definition says.
    pub fn is_forgotten(&self, now_ms: u64) -> bool {
        let seconds = self.schema().temporary_s;
        seconds.is_some_and(|seconds| {
            let idle_max_ms = u64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
            self.usage().is_idle(idle_max_ms, now_ms)
        })
    }

    /// What drops it; with its documents, where these go too.
    pub fn drop_changes(&self, deletes_documents: bool) -> Vec<Change> {
        let mut changes = vec![Change::new(INDEXED_DB, self.name(), Effect::DropIndex)];
        if deletes_documents {
            let state = self.read_in(Turn::AtOnce);
            let keys = state.documents.values().map(Document::key);
            changes.extend(keys.map(|key| Change::new(INDEXED_DB, key, Effect::Delete)));
        }
        changes
    }
}

impl Indexes {
    /// The names of temporary indexes whose time is over.
    pub fn forgotten(&self, now_ms: u64) -> Vec<Key> {
        if self.is_empty() {
            return Vec::new();
        }
        let all = self.all().into_iter();
        all.filter(|index| index.is_forgotten(now_ms))
            .map(|index| index.name().into())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::documents::schema;
    use crate::keyspace::documents::words::Words;
    use std::sync::Arc;

    fn index(line: &str) -> DocumentIndex {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let schema = schema::create(&mut Words::new(&words)).expect("the words of a schema");
        DocumentIndex::new(b"idx", Arc::new(schema))
    }

    #[test]
    fn a_temporary_index_is_forgotten_when_nobody_names_it() {
        let index = index("TEMPORARY 2 SCHEMA t TEXT");
        assert!(!index.is_forgotten(10_000), "its time begins");
        assert!(!index.is_forgotten(11_999));
        assert!(index.is_forgotten(12_000));
        index.usage().touch(12_500);
        assert!(!index.is_forgotten(14_499));
        assert!(index.is_forgotten(14_500));
    }

    #[test]
    fn other_indexes_stay() {
        let index = index("SCHEMA t TEXT");
        index.usage().touch(1);
        assert!(!index.is_forgotten(u64::MAX));
    }
}

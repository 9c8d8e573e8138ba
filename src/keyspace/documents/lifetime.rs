//! How long temporary indexes live, and what goes with an index.

use super::index::DocumentIndex;
use super::{INDEXED_DB, Indexes};
use crate::keyspace::Key;
use crate::keyspace::change::{Change, Effect};
use std::sync::atomic::Ordering;

impl DocumentIndex {
    /// Notes that a command named it.
    pub fn touch(&self, now_ms: u64) {
        self.used_ms.store(now_ms, Ordering::Relaxed);
        self.uses.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether it is temporary and nobody named it for as long as its definition says. The time of one that nobody named yet,
    /// since it was made or loaded, begins now.
    pub fn is_forgotten(&self, now_ms: u64) -> bool {
        let Some(seconds) = self.schema().temporary_s else {
            return false;
        };
        let unused = self
            .used_ms
            .compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
        let used_ms = unused.unwrap_or_else(|used_ms| used_ms);
        let idle_max_ms = u64::try_from(seconds).unwrap_or(0).saturating_mul(1000);
        used_ms != 0 && now_ms.saturating_sub(used_ms) >= idle_max_ms
    }

    /// What drops it; with its documents, where these go too.
    pub fn drop_changes(&self, deletes_documents: bool) -> Vec<Change> {
        let mut changes = vec![Change::new(INDEXED_DB, self.name(), Effect::DropIndex)];
        if deletes_documents {
            let state = self.read();
            let keys = state.documents.values().map(|document| &document.key);
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
        index.touch(12_500);
        assert!(!index.is_forgotten(14_499));
        assert!(index.is_forgotten(14_500));
    }

    #[test]
    fn other_indexes_stay() {
        let index = index("SCHEMA t TEXT");
        index.touch(1);
        assert!(!index.is_forgotten(u64::MAX));
    }
}

//! The strings and arrays of one column, each once. Its cells name them by code; a code means the same for as long as the
//! column lives.

use crate::index::segments::{Segments, locate};
use crate::keyspace::attributes::number_of;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use parking_lot::RwLock;
use std::hash::BuildHasher;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Entries that one dictionary takes.
const ENTRIES_MAX: usize = 1 << 20;
/// Bytes of strings and arrays that one dictionary takes.
const BYTES_MAX: u64 = 64 << 20;
/// Longer ones are not kept: they seldom come twice.
const ENTRY_BYTES_MAX: usize = 4096;

/// One string or array.
pub struct Entry {
    text: Box<[u8]>,
    is_array: bool,
    number: f64,
}

impl Entry {
    /// The string without its escapes, or the array's JSON text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The number that arithmetic and ordering see in it.
    pub fn number(&self) -> f64 {
        self.number
    }
}

/// See the head of the file. Reading by code takes no lock.
pub struct Dictionary {
    entries: Segments<OnceLock<Entry>>,
    /// Codes by what they stand for.
    codes: RwLock<HashTable<u32>>,
    hasher: FixedState,
    bytes: AtomicU64,
}

impl Dictionary {
    /// The code of the empty string, in every dictionary.
    pub const EMPTY: u32 = 0;

    pub(super) fn new() -> Dictionary {
        let dictionary = Dictionary {
            entries: Segments::default(),
            codes: RwLock::default(),
            hasher: FixedState::default(),
            bytes: AtomicU64::new(0),
        };
        let empty = dictionary.code(b"", false);
        assert_eq!(empty, Some(Dictionary::EMPTY), "the first code");
        dictionary
    }

    /// The entry of a code that a cell held.
    #[inline]
    pub fn entry(&self, code: u32) -> &Entry {
        let entry = self.entries.get(code).and_then(OnceLock::get);
        entry.expect("a code is given out after its entry was made")
    }

    /// The code of a string (or array), if it came before.
    pub fn find(&self, text: &[u8], is_array: bool) -> Option<u32> {
        let hash = self.hash(text, is_array);
        let codes = self.codes.read();
        codes
            .find(hash, |code| self.is(*code, text, is_array))
            .copied()
    }

    /// The code of a string (or array), new if it did not come before; none when the dictionary is full.
    pub(super) fn code(&self, text: &[u8], is_array: bool) -> Option<u32> {
        if text.len() > ENTRY_BYTES_MAX {
            return None;
        }
        if let Some(code) = self.find(text, is_array) {
            return Some(code);
        }
        let hash = self.hash(text, is_array);
        let mut codes = self.codes.write();
        // Another thread may have brought it since.
        let found = codes.find(hash, |code| self.is(*code, text, is_array));
        if let Some(code) = found {
            return Some(*code);
        }
        if codes.len() >= ENTRIES_MAX || self.bytes.load(Ordering::Relaxed) >= BYTES_MAX {
            return None;
        }
        let code = codes.len() as u32;
        self.put(code, text, is_array);
        codes.insert_unique(hash, code, |code| {
            let entry = self.entry(*code);
            self.hash(&entry.text, entry.is_array)
        });
        Some(code)
    }

    /// Number of entries: all codes lie below it.
    #[allow(
        clippy::len_without_is_empty,
        reason = "the empty string is always in it"
    )]
    pub fn len(&self) -> usize {
        self.codes.read().len()
    }

    /// Bytes allocated, about.
    pub fn memory(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn put(&self, code: u32, text: &[u8], is_array: bool) {
        let (segment, offset) = locate(code);
        let is_new_segment = self.entries.segment(segment).is_none();
        let places = self.entries.ensure(segment, |_| OnceLock::new());
        let entry = Entry {
            text: text.into(),
            is_array,
            number: if is_array { 0.0 } else { number_of(text) },
        };
        let is_first = places[offset as usize].set(entry).is_ok();
        assert!(is_first, "codes are given out once, under the lock");
        // A row of the table: the code and a byte of its hash, with room to grow.
        let mut bytes = text.len() + 8;
        if is_new_segment {
            bytes += std::mem::size_of_val(places);
        }
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn is(&self, code: u32, text: &[u8], is_array: bool) -> bool {
        let entry = self.entry(code);
        entry.is_array == is_array && *entry.text == *text
    }

    fn hash(&self, text: &[u8], is_array: bool) -> u64 {
        self.hasher.hash_one((is_array, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_code_and_a_text_is_no_array() {
        let dictionary = Dictionary::new();
        let a = dictionary.code(b"[1]", false);
        assert_eq!(a, Some(1));
        assert_eq!(dictionary.find(b"[1]", true), None);
        assert_eq!(dictionary.code(b"[1]", true), Some(2));
        assert_eq!(dictionary.code(b"12", false), Some(3));
        assert_eq!(dictionary.code(b"[1]", false), a);
        assert_eq!(dictionary.entry(3).number(), 12.0);
        assert_eq!(
            (dictionary.entry(2).text(), dictionary.entry(2).number()),
            (b"[1]".as_slice(), 0.0)
        );
        assert_eq!(dictionary.len(), 4);
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        let dictionary = Dictionary::new();
        assert!(dictionary.code(&[b'x'; ENTRY_BYTES_MAX], false).is_some());
        assert_eq!(dictionary.code(&[b'x'; ENTRY_BYTES_MAX + 1], false), None);
    }
}

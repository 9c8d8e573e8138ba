//! Whether somebody is reading: a pipeline of writes takes all cores only while nobody else asks.

use std::sync::atomic::{AtomicU64, Ordering};

/// Whoever read within so many milliseconds is thought to go on reading.
const READING_MS: u64 = 100;
/// Reads closer together than this are noted once: all cores write to the note.
const NOTED_MS: u64 = 10;
/// Bits of a note that hold the connection.
const CONNECTION_BITS: u32 = 20;

/// The newest read: when it was, in milliseconds, and (the lower bits of) the connection that asked.
#[derive(Default)]
pub struct Readers(AtomicU64);

impl Readers {
    /// Connection `id` reads at `now_ms`.
    pub fn note(&self, id: u64, now_ms: u64) {
        let newest = self.0.load(Ordering::Relaxed) >> CONNECTION_BITS;
        if now_ms.abs_diff(newest) >= NOTED_MS {
            let note = now_ms << CONNECTION_BITS | low_bits(id);
            self.0.store(note, Ordering::Relaxed);
        }
    }

    /// Whether a connection other than `id` was reading just before `now_ms`.
    pub fn are_others(&self, id: u64, now_ms: u64) -> bool {
        let note = self.0.load(Ordering::Relaxed);
        let is_recent = now_ms.abs_diff(note >> CONNECTION_BITS) < READING_MS;
        is_recent && note & low_bits(u64::MAX) != low_bits(id)
    }
}

fn low_bits(id: u64) -> u64 {
    id & ((1 << CONNECTION_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_read_for_a_while_and_oneself_does_not_count() {
        let now_ms = 1_800_000_000_000;
        let readers = Readers::default();
        assert!(!readers.are_others(1, now_ms));
        readers.note(7, now_ms);
        assert!(readers.are_others(1, now_ms + 99));
        assert!(!readers.are_others(1, now_ms + 100));
        assert!(!readers.are_others(7, now_ms + 1));
    }

    #[test]
    fn reads_close_together_are_noted_once() {
        let now_ms = 1_800_000_000_000;
        let readers = Readers::default();
        readers.note(7, now_ms);
        readers.note(8, now_ms + 9);
        assert!(!readers.are_others(7, now_ms + 9));
        readers.note(8, now_ms + 10);
        assert!(readers.are_others(7, now_ms + 10));
    }
}

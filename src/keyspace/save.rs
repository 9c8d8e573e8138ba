//! What a running save and the writers tell each other: which save runs, where its cut is, and how many bytes the writers
//! keep in memory for it. The walk itself is in table.rs (keys) and collection.rs (elements); writing is persistence/'s.
//!
//! Rules, for a save with cut S (engine.md, "Entries and the cut"):
//! 1. S is published while no number above it has been drawn, so every change above S sees the save.
//! 2. The walk starts when all changes up to S are applied.
//! 3. Until a shard or segment is walked, a change above S first hands over the old state of an entry whose last change is
//!    at or below S: once, because the entry's `changed` is above S afterwards. What was absent at S needs nothing: what is
//!    made later has a `changed` above S and is passed over.

use std::sync::atomic::{AtomicU64, Ordering};

const NONE: u64 = u64::MAX;

/// The save that runs now, if one does.
pub struct SaveClock {
    /// Number of the save; each has its own.
    save: AtomicU64,
    /// Its cut, or NONE.
    cut: AtomicU64,
    /// Bytes held in memory for it.
    pinned_bytes: AtomicU64,
}

impl Default for SaveClock {
    fn default() -> Self {
        SaveClock {
            save: AtomicU64::new(0),
            cut: AtomicU64::new(NONE),
            pinned_bytes: AtomicU64::new(0),
        }
    }
}

impl SaveClock {
    /// Publishes the cut of a new save and returns the save's number. Call it while no number can be drawn.
    pub fn begin(&self, cut: u64) -> u64 {
        let save = self.save.fetch_add(1, Ordering::SeqCst) + 1;
        self.pinned_bytes.store(0, Ordering::Relaxed);
        self.cut.store(cut, Ordering::SeqCst);
        save
    }

    /// Ends (or cancels) the running save.
    pub fn end(&self) {
        self.cut.store(NONE, Ordering::SeqCst);
        self.pinned_bytes.store(0, Ordering::Relaxed);
    }

    /// The running save's number and cut.
    pub fn running(&self) -> Option<(u64, u64)> {
        loop {
            // Of one save both: a new one draws its number before it publishes its cut.
            let save = self.save.load(Ordering::SeqCst);
            let cut = self.cut.load(Ordering::SeqCst);
            if self.save.load(Ordering::SeqCst) == save {
                return (cut != NONE).then_some((save, cut));
            }
        }
    }

    /// Whether save number `save` still runs (nobody cancelled it).
    pub fn is_running(&self, save: u64) -> bool {
        self.running().is_some_and(|(running, _)| running == save)
    }

    /// Notes bytes kept for the save.
    pub fn pin(&self, bytes: usize) {
        self.pinned_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Notes that bytes kept for the save were written.
    pub fn unpin(&self, bytes: usize) {
        let _ = self
            .pinned_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |pinned| {
                Some(pinned.saturating_sub(bytes as u64))
            });
    }

    /// Bytes kept for the save.
    pub fn pinned_bytes(&self) -> u64 {
        self.pinned_bytes.load(Ordering::Relaxed)
    }
}

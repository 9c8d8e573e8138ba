//! What the process costs the machine: memory as the allocator and the system count it, processor time.

use super::Engine;
use crate::sys;
use std::sync::atomic::Ordering;

/// Memory of the process, in bytes.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Asked for and not given back.
    pub allocated: u64,
    /// The most that was ever seen allocated.
    pub peak: u64,
    /// Allocated when the engine was made, before there was data.
    pub at_start: u64,
    /// In pages that hold at least one allocation.
    pub active: u64,
    /// In pages that the allocator keeps.
    pub resident: u64,
    /// What the system counts for the process (RSS).
    pub process: u64,
    /// Of the whole machine.
    pub machine: u64,
    /// Bytes of the log that wait for the disk.
    pub log: u64,
    /// Bytes that a running save holds.
    pub pinned: u64,
    /// Name and version of the allocator.
    pub allocator: String,
}

impl Engine {
    /// Memory as of now.
    pub fn memory(&self) -> Memory {
        let allocated = self.note_memory();
        let figures = sys::allocator_figures();
        let data = self.data.get();
        Memory {
            allocated,
            peak: self.stats.allocated_bytes_peak.get(),
            at_start: self.bytes_at_start.load(Ordering::Relaxed),
            active: figures.active as u64,
            resident: figures.resident as u64,
            process: sys::resident_bytes() as u64,
            machine: sys::system_memory_bytes() as u64,
            log: data.map_or(0, |data| data.log.unwritten_bytes()),
            pinned: data.map_or(0, |data| data.keyspace.save_clock().pinned_bytes()),
            allocator: sys::allocator_name(),
        }
    }

    /// Reads how much is allocated, and remembers the most.
    pub(super) fn note_memory(&self) -> u64 {
        let allocated = sys::allocated_bytes_now() as u64;
        self.stats.allocated_bytes_peak.raise_to(allocated);
        allocated
    }

    /// Whether more than `bytes_max` bytes are allocated. Cheap enough to be asked before each write: a figure that is some
    /// calls old may let a few more through, but nobody is refused on one.
    pub fn is_memory_above(&self, bytes_max: u64) -> bool {
        sys::allocated_bytes() as u64 > bytes_max && self.note_memory() > bytes_max
    }

    /// Gives memory that the allocator keeps for reuse back to the system.
    pub fn purge_memory(&self) {
        sys::purge_allocator();
    }

    /// Seconds of processor time so far: in the program, and in the kernel on its behalf.
    pub fn processor_seconds(&self) -> (f64, f64) {
        let times = sys::cpu_times();
        (times.user_s, times.system_s)
    }
}

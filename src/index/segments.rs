//! Arrays that grow without moving: segments of 64, 64, 128, ... 2,048 entries for the first 4,096 slots, then of 4,096
//! each. A reader holds a reference while writers add segments; the same geometry serves every per-slot array, so a
//! segment number means the same slots in all of them.

use std::sync::OnceLock;

/// Slots of a full-size segment.
pub const SEGMENT_SLOTS: u32 = 4096;
/// Segments that cover the first 4,096 slots.
const SMALL_SEGMENTS: u32 = 7;
/// Segments behind one entry of the top table.
const CHUNK: usize = 1024;

/// The segment that holds `slot`, and the slot's offset in it.
#[inline(always)]
pub fn locate(slot: u32) -> (u32, u32) {
    if slot < 64 {
        (0, slot)
    } else if slot < SEGMENT_SLOTS {
        let log = slot.ilog2();
        (log - 5, slot - (1 << log))
    } else {
        (
            SMALL_SEGMENTS + (slot / SEGMENT_SLOTS) - 1,
            slot % SEGMENT_SLOTS,
        )
    }
}

/// The slots of segment `segment`, as first slot and number of slots.
#[inline]
pub fn extent(segment: u32) -> (u32, u32) {
    match segment {
        0 => (0, 64),
        s if s < SMALL_SEGMENTS => (1 << (s + 5), 1 << (s + 5)),
        s => ((s - SMALL_SEGMENTS + 1) * SEGMENT_SLOTS, SEGMENT_SLOTS),
    }
}

/// Number of segments needed for the slots below `end`.
pub fn count(end: u32) -> u32 {
    if end == 0 { 0 } else { locate(end - 1).0 + 1 }
}

type Chunk<T> = Box<[OnceLock<Box<[T]>>]>;

/// A growing array of `T` by slot, shared by readers and writers.
pub struct Segments<T> {
    chunks: Box<[OnceLock<Chunk<T>>]>,
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Segments {
            chunks: (0..CHUNK + 1).map(|_| OnceLock::new()).collect(),
        }
    }
}

impl<T> Segments<T> {
    /// The entry of `slot`, if its segment was made.
    #[inline]
    pub fn get(&self, slot: u32) -> Option<&T> {
        let (segment, offset) = locate(slot);
        self.segment(segment)?.get(offset as usize)
    }

    /// All entries of `segment`, if it was made.
    #[inline]
    pub fn segment(&self, segment: u32) -> Option<&[T]> {
        let chunk = self.chunks[segment as usize / CHUNK].get()?;
        chunk[segment as usize % CHUNK]
            .get()
            .map(|entries| &**entries)
    }

    /// The entries of `segment`, made by `make` (called with each slot) when it is new.
    pub fn ensure(&self, segment: u32, mut make: impl FnMut(u32) -> T) -> &[T] {
        let chunk = self.chunks[segment as usize / CHUNK]
            .get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        chunk[segment as usize % CHUNK].get_or_init(|| {
            let (first, slots) = extent(segment);
            (first..first + slots).map(&mut make).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_lies_in_the_extent_of_its_segment() {
        for slot in (0..20_000).chain([1 << 20, u32::MAX - 1]) {
            let (segment, offset) = locate(slot);
            let (first, slots) = extent(segment);
            assert_eq!(first + offset, slot);
            assert!(offset < slots);
        }
        assert_eq!((count(0), count(64), count(65), count(4097)), (0, 1, 2, 8));
    }
}

//! Arrays that grow without moving: segments of 64, 64, 128, ... 2,048 entries for the first 4,096 slots, then of 4,096
//! each. A reader holds a reference while writers add segments; the same geometry serves every per-slot array, so a
//! segment number means the same slots in all of them.

use std::sync::OnceLock;

/// Slots of a full-size segment.
pub const SEGMENT_SLOTS: u32 = 4096;
/// Segments that cover the first 4,096 slots.
const SMALL_SEGMENTS: u32 = 7;
/// Segments that the first chunk lists.
const FIRST_CHUNK: u32 = 8;
/// Chunks for all segments of 2^32 slots.
const CHUNKS: usize = 19;

/// The segment that holds `slot`, and the slot's offset in it. Without branches: in a walk the slots are as good as random, and
/// a mispredicted branch costs as much as the scoring of a row.
#[inline(always)]
pub fn locate(slot: u32) -> (u32, u32) {
    // Of the first 4,096 slots: 5 for all below 64, which makes them segment 0.
    let log = (slot | 63).ilog2();
    let first = (1 << log) & slot & !63;
    let is_full_size = slot >= SEGMENT_SLOTS;
    let segment = select(
        is_full_size,
        SMALL_SEGMENTS - 1 + slot / SEGMENT_SLOTS,
        log - 5,
    );
    let offset = select(is_full_size, slot % SEGMENT_SLOTS, slot - first);
    (segment, offset)
}

#[inline(always)]
fn select(condition: bool, yes: u32, no: u32) -> u32 {
    let mask = u32::from(condition).wrapping_neg();
    (yes & mask) | (no & !mask)
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

/// A growing array of `T` by slot, shared by readers and writers. Its segments are listed in chunks of 8, 8, 16, 32, ...
/// entries, made as they are needed: an empty array takes half a kilobyte.
pub struct Segments<T> {
    chunks: [OnceLock<Chunk<T>>; CHUNKS],
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Segments {
            chunks: std::array::from_fn(|_| OnceLock::new()),
        }
    }
}

/// The chunk that lists `segment`, and the segment's place in it.
#[inline(always)]
fn chunk_of(segment: u32) -> (usize, usize) {
    if segment < FIRST_CHUNK {
        (0, segment as usize)
    } else {
        let log = segment.ilog2();
        (
            (log - FIRST_CHUNK.ilog2() + 1) as usize,
            (segment - (1 << log)) as usize,
        )
    }
}

/// Entries of a chunk.
fn chunk_len(chunk: usize) -> usize {
    (FIRST_CHUNK as usize) << chunk.saturating_sub(1)
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
        let (chunk, place) = chunk_of(segment);
        let entries = self.chunks[chunk].get()?[place].get()?;
        Some(entries)
    }

    /// The entries of `segment`, made by `make` (called with each slot) when it is new.
    pub fn ensure(&self, segment: u32, make: impl FnMut(u32) -> T) -> &[T] {
        let (first, slots) = extent(segment);
        self.ensure_entries(segment, || (first..first + slots).map(make).collect())
    }

    /// As `ensure`, of an array with `width` entries for each slot, one slot's behind the other's: [`Segments::segment`] has them all.
    pub fn ensure_wide(&self, segment: u32, width: usize, make: impl FnMut() -> T) -> &[T] {
        let entries = extent(segment).1 as usize * width;
        self.ensure_entries(segment, || {
            std::iter::repeat_with(make).take(entries).collect()
        })
    }

    fn ensure_entries(&self, segment: u32, make: impl FnOnce() -> Box<[T]>) -> &[T] {
        let (chunk, place) = chunk_of(segment);
        let entries = self.chunks[chunk]
            .get_or_init(|| (0..chunk_len(chunk)).map(|_| OnceLock::new()).collect());
        entries[place].get_or_init(make)
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

    #[test]
    fn every_segment_has_a_place_in_a_chunk_of_its_own() {
        let last = locate(u32::MAX - 1).0;
        let mut seen = std::collections::HashSet::new();
        for segment in (0..5_000).chain(last - 100..=last) {
            let (chunk, place) = chunk_of(segment);
            assert!(chunk < CHUNKS && place < chunk_len(chunk), "{segment}");
            assert!(seen.insert((chunk, place)), "{segment}");
        }
    }
}

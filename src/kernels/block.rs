//! The memory of graph nodes behind a safe type: fixed-size blocks, each `[link words][bytes]`, in segments that never
//! move once made. A place is (segment, offset in it); which slot lives where is decided in index/segments.rs.
//!
//! What holds, and why handing out plain slices is sound:
//! 1. A segment is allocated once, filled with zero bytes, and freed when [`Blocks`] is dropped. Segments and the table
//!    that lists them are only added; a replaced table is kept until the drop. So a reference bound to a [`View`] never
//!    dangles.
//! 2. Link words are atomics. They may be read and written by anybody at any time.
//! 3. The bytes of a block are written by [`Blocks::write_private`] only, while its slot is private: taken from the free
//!    list by one thread, and not yet linked. The writer of a link stores it with Release; the reader loads it and issues an
//!    Acquire fence before it touches the bytes. So a reader that came by a link, or saw the slot's state (an Acquire load)
//!    as reserved or live while pinned, sees all of the write.
//! 4. A slot becomes private again only after every epoch pin that may have seen a link to it is gone (index/slots.rs
//!    defers it with [`Guard::defer`]). A `View` borrows such a pin, so bytes are never rewritten under a slice.

use crate::sys::{self, CACHE_LINE};
use crossbeam_epoch::Guard;
use parking_lot::Mutex;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// The word of an unused link; a list of links ends at the first one.
pub const NONE: u32 = u32::MAX;

/// Segment number and offset of a block in it.
pub type Place = (u32, u32);

/// Bytes of the least segment that is mapped.
const MAPPED_MIN: usize = 256 << 10;

/// Segments that the first table has room for.
const FIRST_TABLE: usize = 16;

/// Blocks of one shape, in segments.
pub struct Blocks {
    /// Link words at the start of a block.
    link_words: usize,
    /// Bytes behind them.
    bytes: usize,
    /// Bytes from one block to the next: both of the above, rounded up to 8.
    stride: usize,
    table: AtomicPtr<Table>,
    newest: Newest,
    /// Every table ever used, the current one last, and the lock of whoever adds a segment.
    #[expect(
        clippy::vec_box,
        reason = "`table` points at the box's contents, which stay when the list grows"
    )]
    tables: Mutex<Vec<Box<Table>>>,
}

/// The segments by number.
struct Table {
    entries: Box<[Entry]>,
}

/// One segment, or a null pointer where none was made yet.
struct Entry {
    start: AtomicPtr<u8>,
    /// Blocks of the segment, stored before `start`.
    slots: AtomicU32,
}

impl Table {
    fn with_room(entries: usize) -> Box<Table> {
        let entry = || Entry {
            start: AtomicPtr::new(ptr::null_mut()),
            slots: AtomicU32::new(0),
        };
        Box::new(Table {
            entries: (0..entries).map(|_| entry()).collect(),
        })
    }
}

impl Blocks {
    /// No segment yet; each block will have `link_words` link words and `bytes` bytes, which start at a multiple of 8
    /// when `link_words` is even.
    pub fn new(link_words: usize, bytes: usize) -> Blocks {
        let first = Table::with_room(FIRST_TABLE);
        let table = AtomicPtr::new(ptr::from_ref(&*first).cast_mut());
        let stride = (link_words * 4 + bytes).next_multiple_of(8);
        Blocks {
            link_words,
            bytes,
            stride,
            table,
            newest: Newest::default(),
            tables: Mutex::new(vec![first]),
        }
    }

    /// Link words of a block.
    pub fn link_words(&self) -> usize {
        self.link_words
    }

    /// Bytes of memory per block, links and rounding included.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Blocks that are in memory, in whole blocks: those of all segments, of the newest one, if it is mapped, as far as it is filled.
    pub fn backed(&self) -> u64 {
        let blocks_of = |(segment, entry): (u32, &Entry)| {
            let slots = entry.slots.load(Ordering::Relaxed);
            let is_mapped = self.mapped(segment).is_some();
            let counted = self.newest.counted(segment).filter(|_| is_mapped);
            u64::from(slots).min(counted.map_or(u64::MAX, |bytes| (bytes / self.stride) as u64))
        };
        (0..).zip(&self.current().entries).map(blocks_of).sum()
    }

    /// Makes `segment` with room for `slots` blocks, unless it is there.
    pub fn ensure(&self, segment: u32, slots: u32) {
        let index = segment as usize;
        let made = |table: &Table| {
            table
                .entries
                .get(index)
                .is_some_and(|e| !e.start.load(Ordering::Acquire).is_null())
        };
        if self.stride == 0 || made(self.current()) {
            return;
        }
        let mut tables = self.tables.lock();
        if made(self.current()) {
            return;
        }
        if index >= self.current().entries.len() {
            tables.push(self.grow(index + 1));
        }
        let (former, counted) = self.newest.replace(segment);
        self.complete(former, counted);
        let start = allocate(self.segment_layout(slots));
        let entry = &self.current().entries[index];
        entry.slots.store(slots, Ordering::Relaxed);
        entry.start.store(start, Ordering::Release);
    }

    /// Counts the whole of a segment that was the newest, and lets it have huge pages.
    fn complete(&self, segment: u32, counted: usize) {
        let Some((start, layout)) = self.mapped(segment) else {
            return;
        };
        sys::count_mapped(sys::whole_pages(layout.size()) - counted);
        // Where the kernel declines, pages stay small.
        let _ = sys::gather_into_huge_pages(start, layout.size());
    }

    /// Start and layout of a segment, if it was made and is a mapped one.
    fn mapped(&self, segment: u32) -> Option<(*mut u8, Layout)> {
        let entry = self.current().entries.get(segment as usize)?;
        let start = entry.start.load(Ordering::Acquire);
        let layout = self.segment_layout(entry.slots.load(Ordering::Relaxed));
        (!start.is_null() && is_mapped(layout)).then_some((start, layout))
    }

    /// Replaces the table by one with room for at least `wanted` segments; readers may go on with the old one.
    fn grow(&self, wanted: usize) -> Box<Table> {
        let larger = Table::with_room(wanted.next_power_of_two());
        for (from, to) in self.current().entries.iter().zip(&larger.entries) {
            to.slots
                .store(from.slots.load(Ordering::Relaxed), Ordering::Relaxed);
            to.start
                .store(from.start.load(Ordering::Acquire), Ordering::Release);
        }
        self.table
            .store(ptr::from_ref(&*larger).cast_mut(), Ordering::Release);
        larger
    }

    /// What a reader may see while `guard` is held.
    pub fn view<'g>(&'g self, guard: &'g Guard) -> View<'g> {
        View {
            blocks: self,
            table: self.current(),
            _pin: guard,
        }
    }

    /// Sets every link of the block to [`NONE`] and lets `fill` write its bytes. The caller owns the slot alone
    /// (point 3 of the head).
    pub fn write_private(&self, place: Place, fill: impl FnOnce(&mut [u8])) {
        if self.stride == 0 {
            return fill(&mut []);
        }
        let block = self
            .block(self.current(), place)
            .expect("the segment of a private slot was made");
        let (segment, offset) = place;
        let filled = (offset as usize + 1) * self.stride;
        if self.newest.lacks(segment, filled) && self.mapped(segment).is_some() {
            self.newest.fill(segment, filled);
        }
        // SAFETY: `block` found the whole block inside a live segment (point 1); nobody else reads or writes its bytes
        // while the slot is private (point 3), and the link words, which others may read, are written as atomics below.
        let bytes =
            unsafe { slice::from_raw_parts_mut(block.add(self.link_words * 4), self.bytes) };
        for word in self.links_at(block) {
            word.store(NONE, Ordering::Relaxed);
        }
        fill(bytes);
    }

    fn current(&self) -> &Table {
        // SAFETY: the pointer is to a boxed table in `tables`, which keeps all of them until the drop (point 1).
        unsafe { &*self.table.load(Ordering::Acquire) }
    }

    /// The address of a block, if its segment is in this table.
    #[inline(always)]
    fn block(&self, table: &Table, (segment, offset): Place) -> Option<*mut u8> {
        let entry = table.entries.get(segment as usize)?;
        let start = entry.start.load(Ordering::Acquire);
        if start.is_null() {
            return None;
        }
        assert!(
            offset < entry.slots.load(Ordering::Relaxed),
            "offset within its segment"
        );
        // SAFETY: the segment has `slots` blocks of `stride` bytes, and offset is below that.
        Some(unsafe { start.add(offset as usize * self.stride) })
    }

    #[inline]
    fn links_at(&self, block: *mut u8) -> &[AtomicU32] {
        // SAFETY: a block starts with `link_words` words, at a multiple of 8, initialised from the start; every access
        // to them is atomic (point 2).
        unsafe { slice::from_raw_parts(block.cast::<AtomicU32>(), self.link_words) }
    }

    fn segment_layout(&self, slots: u32) -> Layout {
        let size = slots as usize * self.stride;
        Layout::from_size_align(size, CACHE_LINE).expect("a segment fits into the address space")
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        for (segment, entry) in (0..).zip(&self.current().entries) {
            let start = entry.start.load(Ordering::Acquire);
            if !start.is_null() {
                let layout = self.segment_layout(entry.slots.load(Ordering::Relaxed));
                let counted = self.newest.counted(segment);
                let counted = counted.unwrap_or_else(|| sys::whole_pages(layout.size()));
                // SAFETY: allocated by `ensure` with this very layout; `&mut self` means that no view is left.
                unsafe { free(start, layout, counted) };
            }
        }
    }
}

/// The segment that was made last, and how many bytes of it count as allocated, if it is a mapped one: those up to the last block that
/// was written, in whole pages; the others were never touched. Older ones count whole. Number and bytes change together, in one word.
struct Newest(AtomicU64);

/// The unit in which bytes are kept beside the segment's number: half of the least page there is, so that 8 TiB find room.
const UNIT: usize = 2048;

impl Default for Newest {
    fn default() -> Newest {
        Newest(AtomicU64::new(u64::from(u32::MAX) << 32))
    }
}

impl Newest {
    fn unpacked(word: u64) -> (u32, usize) {
        ((word >> 32) as u32, (word as u32) as usize * UNIT)
    }

    /// Bytes that count of a segment; none if it is not the newest.
    fn counted(&self, segment: u32) -> Option<usize> {
        let (newest, counted) = Newest::unpacked(self.0.load(Ordering::Relaxed));
        (newest == segment).then_some(counted)
    }

    /// Whether a segment is the newest and less of it counts.
    fn lacks(&self, segment: u32, bytes: usize) -> bool {
        self.counted(segment).is_some_and(|counted| counted < bytes)
    }

    /// Counts the first bytes of a segment as long as it is the newest.
    fn fill(&self, segment: u32, bytes: usize) {
        let bytes = sys::whole_pages(bytes);
        let word = u64::from(segment) << 32 | (bytes / UNIT) as u64;
        let raise = |now: u64| (now >> 32 == word >> 32 && now < word).then_some(word);
        let raised = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, raise);
        if let Ok(former) = raised {
            sys::count_mapped(bytes - Newest::unpacked(former).1);
        }
    }

    /// Another one is the newest from now on; the former one, and the bytes of it that count.
    fn replace(&self, segment: u32) -> (u32, usize) {
        Newest::unpacked(self.0.swap(u64::from(segment) << 32, Ordering::Relaxed))
    }
}

/// The blocks as one pinned reader sees them.
#[derive(Clone, Copy)]
pub struct View<'g> {
    blocks: &'g Blocks,
    table: &'g Table,
    _pin: &'g Guard,
}

impl<'g> View<'g> {
    /// The link words of a block.
    #[inline(always)]
    pub fn links(&self, place: Place) -> &'g [AtomicU32] {
        self.blocks.links_at(self.block(place))
    }

    /// The bytes of a block whose slot this reader came to by a link or saw as reserved or live.
    #[inline(always)]
    pub fn bytes(&self, place: Place) -> &'g [u8] {
        let block = self.block(place);
        // SAFETY: inside the block; initialised; not written while the slot can be reached from this pin (points 3, 4).
        unsafe { slice::from_raw_parts(block.add(self.blocks.link_words * 4), self.blocks.bytes) }
    }

    /// `len` blocks of one segment, from `place` on; each of their slots this reader saw as reserved or live.
    pub fn run(&self, (segment, offset): Place, len: usize) -> Run<'g> {
        let Some(last) = len.checked_sub(1) else {
            return Run {
                first: ptr::null(),
                len,
                view: *self,
            };
        };
        // Both ends are inside the segment, so all between them are.
        let _ = self.block((segment, offset + last as u32));
        let first = self.block((segment, offset));
        Run {
            first: first.wrapping_add(self.blocks.link_words * 4),
            len,
            view: *self,
        }
    }

    /// Asks the CPU for every cache line of the block's bytes.
    #[inline]
    pub fn prefetch_bytes(&self, place: Place) {
        let start = self.blocks.link_words * 4;
        prefetch(self.block(place), start, start + self.blocks.bytes);
    }

    /// Asks the CPU for every cache line of the block's links.
    #[inline]
    pub fn prefetch_links(&self, place: Place) {
        prefetch(self.block(place), 0, self.blocks.link_words * 4);
    }

    #[inline(always)]
    fn block(&self, place: Place) -> *mut u8 {
        match self.blocks.block(self.table, place) {
            Some(block) => block,
            None => self.newer_block(place),
        }
    }

    /// A link may name a segment that is newer than the table this view began with.
    #[cold]
    fn newer_block(&self, place: Place) -> *mut u8 {
        self.blocks
            .block(self.blocks.current(), place)
            .expect("a slot is linked after its segment was made")
    }
}

/// Blocks that lie one behind the other, found once.
#[derive(Clone, Copy)]
pub struct Run<'g> {
    /// The bytes of the first block.
    first: *const u8,
    len: usize,
    view: View<'g>,
}

impl<'g> Run<'g> {
    /// Number of blocks.
    #[allow(
        clippy::len_without_is_empty,
        reason = "a run is gone through, never asked"
    )]
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes of the block number `at`.
    #[inline(always)]
    pub fn bytes(&self, at: usize) -> &'g [u8] {
        assert!(at < self.len, "a block of the run");
        let blocks = self.view.blocks;
        // SAFETY: `View::run` found the first and the last block in one live segment, so this one lies there too, and its
        // bytes are not written while this reader is pinned (points 3, 4).
        unsafe { slice::from_raw_parts(self.first.add(at * blocks.stride), blocks.bytes) }
    }
}

/// A segment, zeroed: a large one straight from the system.
fn allocate(layout: Layout) -> *mut u8 {
    let start = if is_mapped(layout) {
        sys::map(layout.size())
    } else {
        // SAFETY: the layout's size is not zero: a segment has slots, and a stride of zero never comes here.
        unsafe { alloc_zeroed(layout) }
    };
    if start.is_null() {
        handle_alloc_error(layout);
    }
    start
}

/// # Safety
/// `start` came from `allocate(layout)`, and nothing uses the segment any more. `counted`: bytes of a mapped one that count as allocated.
unsafe fn free(start: *mut u8, layout: Layout, counted: usize) {
    if is_mapped(layout) {
        // SAFETY: the caller's duty.
        unsafe { sys::unmap(start, layout.size(), counted) };
    } else {
        // SAFETY: the caller's duty.
        unsafe { dealloc(start, layout) };
    }
}

/// Whether a segment is mapped: an allocator rounds one of such a size up by an eighth on average, and counts the blocks of it that
/// nobody has used yet.
fn is_mapped(layout: Layout) -> bool {
    layout.size() >= MAPPED_MIN
}

/// Prefetches the lines that hold bytes `from..to` of a block.
#[inline]
fn prefetch(block: *mut u8, from: usize, to: usize) {
    sys::prefetch(block.wrapping_add(from), to - from);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_its_links_and_bytes_apart() {
        let blocks = Blocks::new(4, 11);
        assert_eq!(blocks.stride(), 32);
        blocks.ensure(0, 3);
        for offset in 0..3 {
            blocks.write_private((0, offset), |bytes| bytes.fill(offset as u8 + 1));
        }
        let guard = crossbeam_epoch::pin();
        let view = blocks.view(&guard);
        view.links((0, 1))[3].store(7, Ordering::Release);
        for offset in 0..3 {
            assert_eq!(view.bytes((0, offset)), [offset as u8 + 1; 11]);
            let links: Vec<u32> = view
                .links((0, offset))
                .iter()
                .map(|w| w.load(Ordering::Relaxed))
                .collect();
            assert_eq!(
                links,
                [NONE, NONE, NONE, if offset == 1 { 7 } else { NONE }]
            );
        }
        view.prefetch_bytes((0, 2));
        view.prefetch_links((0, 2));
    }

    #[test]
    fn a_run_holds_the_blocks_from_its_first_to_its_last() {
        let blocks = Blocks::new(2, 9);
        blocks.ensure(0, 8);
        for offset in 0..8 {
            blocks.write_private((0, offset), |bytes| bytes.fill(offset as u8));
        }
        let guard = crossbeam_epoch::pin();
        let view = blocks.view(&guard);
        let run = view.run((0, 3), 5);
        for at in 0..5 {
            assert_eq!(run.bytes(at), view.bytes((0, 3 + at as u32)));
        }
        let beyond =
            |call: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err();
        assert!(beyond(&|| assert!(run.bytes(5).is_empty())));
        assert!(beyond(&|| assert!(view.run((0, 3), 6).bytes(0).is_empty())));
        view.run((0, 3), 0);
    }

    #[test]
    fn an_old_view_sees_segments_made_after_it() {
        let blocks = Blocks::new(2, 8);
        let guard = crossbeam_epoch::pin();
        let view = blocks.view(&guard);
        for segment in 0..FIRST_TABLE as u32 * 3 {
            blocks.ensure(segment, 2);
            blocks.write_private((segment, 1), |bytes| bytes.fill(segment as u8));
        }
        for segment in 0..FIRST_TABLE as u32 * 3 {
            assert_eq!(view.bytes((segment, 1)), [segment as u8; 8]);
        }
    }

    #[test]
    fn blocks_of_nothing_take_no_memory() {
        let blocks = Blocks::new(0, 0);
        blocks.ensure(0, 64);
        blocks.write_private((0, 5), |bytes| assert!(bytes.is_empty()));
        assert_eq!(blocks.stride(), 0);
    }

    #[test]
    #[should_panic(expected = "offset within its segment")]
    fn an_offset_beyond_the_segment_is_refused() {
        let blocks = Blocks::new(2, 8);
        blocks.ensure(0, 2);
        blocks.view(&crossbeam_epoch::pin()).links((0, 2));
    }

    #[test]
    fn a_segment_larger_than_a_huge_page_is_usable_to_its_end_and_keeps_what_it_holds() {
        let blocks = Blocks::new(32, 392);
        blocks.ensure(0, 4096);
        for offset in [0, 1, 2000, 4095] {
            blocks.write_private((0, offset), |bytes| bytes.fill(offset as u8));
        }
        blocks.ensure(1, 4096);
        let guard = crossbeam_epoch::pin();
        for offset in [0, 1, 2000, 4095] {
            assert_eq!(
                blocks.view(&guard).bytes((0, offset)),
                [offset as u8; 392],
                "{offset}"
            );
        }
    }

    #[test]
    fn of_the_newest_segment_counts_what_was_written_and_of_others_all() {
        let blocks = Blocks::new(32, 392);
        assert_eq!(blocks.newest.counted(0), None);
        blocks.ensure(0, 4096);
        assert_eq!(blocks.newest.counted(0), Some(0));
        let write = |place: Place| blocks.write_private(place, |bytes| bytes.fill(1));
        write((0, 99));
        assert_eq!(blocks.newest.counted(0), Some(sys::whole_pages(100 * 520)));
        assert_eq!(blocks.backed(), sys::whole_pages(100 * 520) as u64 / 520);
        write((0, 5));
        assert_eq!(blocks.newest.counted(0), Some(sys::whole_pages(100 * 520)));
        blocks.ensure(1, 4096);
        write((0, 200));
        assert_eq!(
            (blocks.newest.counted(0), blocks.newest.counted(1)),
            (None, Some(0))
        );
        assert_eq!(blocks.backed(), 4096);
        // Small ones are the allocator's, which counts them.
        let small = Blocks::new(2, 8);
        small.ensure(0, 64);
        small.write_private((0, 63), |bytes| bytes.fill(1));
        assert_eq!((small.newest.counted(0), small.backed()), (Some(0), 64));
    }
}

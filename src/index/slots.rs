//! Life and side data of every slot: free -> writing -> reserved -> live -> dying -> free again, once no reader that may
//! have seen it is left.
//!
//! 1. Only its reserver changes a slot from `Free` to `Live`, only its remover from `Live` on; so each change has one author
//!    and a plain store serves.
//! 2. `Live` to `Dying` happens under the node's lock, because new links are refused by what that lock protects.
//! 3. A slot goes back to the free list by a deferred call, queued after it became `Dying` and its last link was cut: every
//!    reader pinned before that call was queued has left by the time it runs. Hence a reader that is pinned and then sees
//!    the slot reserved or live, or comes to it by a link or as the entry point, may read its vector for as long as it stays
//!    pinned.

use super::nearest::SLOTS_MAX;
use super::segments::{Segments, count, extent, locate};
use super::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use crate::sys;
use crossbeam_epoch::Guard;
use parking_lot::Mutex;
use std::ops::Range;
use std::ptr;
use std::sync::Arc;

/// Where a slot is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// In the free list, or not yet in use.
    Free,
    /// Taken; its vector is being written.
    Writing,
    /// Its vector is written, and it waits for its links.
    Reserved,
    /// Part of the index.
    Live,
    /// Being unlinked, or unlinked and waiting for readers to leave.
    Dying,
}

/// Side data of one slot: 16 bytes, 8 of them the graph's.
pub(super) struct Slot {
    state: AtomicU8,
    /// The node lock of hnsw/graph.rs.
    pub(super) lock: AtomicU8,
    /// Highest layer of the node.
    pub(super) level: AtomicU8,
    /// Layers above 0 that `upper` has lists for.
    pub(super) upper_lists: AtomicU8,
    /// First of the node's lists above layer 0.
    pub(super) upper: AtomicU32,
    birth: AtomicU32,
    /// L2 norm of the vector as given, as bits of an f32.
    norm: AtomicU32,
}

impl Slot {
    fn unused() -> Slot {
        Slot {
            state: AtomicU8::new(State::Free as u8),
            lock: AtomicU8::new(0),
            level: AtomicU8::new(0),
            upper_lists: AtomicU8::new(0),
            upper: AtomicU32::new(0),
            birth: AtomicU32::new(0),
            norm: AtomicU32::new(0),
        }
    }

    pub(super) fn state(&self) -> State {
        match self.state.load(Ordering::SeqCst) {
            0 => State::Free,
            1 => State::Writing,
            2 => State::Reserved,
            3 => State::Live,
            _ => State::Dying,
        }
    }

    fn set(&self, from: State, to: State) {
        assert_eq!(
            self.state(),
            from,
            "a slot becomes {to:?} after it was {from:?}"
        );
        self.state.store(to as u8, Ordering::SeqCst);
    }
}

/// The slots of one index.
#[derive(Default)]
pub(super) struct Slots {
    table: Segments<Slot>,
    /// Slots that may be taken, and the end of those ever used.
    free: Mutex<FreeList>,
    /// Copy of `FreeList::end` for readers; never ahead of the segments made.
    end: AtomicU32,
    live: AtomicUsize,
    /// Slots ever taken, modulo 2^32.
    births: AtomicU32,
    /// Slots ever freed, modulo 2^32.
    freed: AtomicU32,
    lengths: Lengths,
}

/// The bits of the least and of the greatest norm that vectors ever had: of numbers from zero on they are ordered as these are.
struct Lengths(std::sync::atomic::AtomicU32, std::sync::atomic::AtomicU32);

impl Default for Lengths {
    fn default() -> Lengths {
        Lengths(f32::INFINITY.to_bits().into(), 0.into())
    }
}

impl Lengths {
    fn take_in(&self, norm: f32) {
        let (least, greatest) = self.get();
        if norm < least {
            self.0.fetch_min(norm.to_bits(), Ordering::Relaxed);
        }
        if norm > greatest {
            self.1.fetch_max(norm.to_bits(), Ordering::Relaxed);
        }
    }

    fn get(&self) -> (f32, f32) {
        let read =
            |bits: &std::sync::atomic::AtomicU32| f32::from_bits(bits.load(Ordering::Relaxed));
        (read(&self.0), read(&self.1))
    }
}

/// How many slots of an index were taken and freed up to one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turnover {
    freed: u32,
    births: u32,
}

#[derive(Default)]
struct FreeList {
    slots: Vec<u32>,
    end: u32,
}

impl Slots {
    /// Takes a free slot; `ensure` is called first with the segment that it lies in, when that may be new.
    pub(super) fn take(&self, ensure: impl FnOnce(u32, u32)) -> u32 {
        let mut free = self.free.lock();
        let slot = match free.slots.pop() {
            Some(slot) => slot,
            None => {
                let slot = free.end;
                assert!(slot < SLOTS_MAX, "an index holds fewer than 2^31 vectors");
                self.make(slot, ensure);
                free.end += 1;
                self.end.store(free.end, Ordering::Release);
                slot
            }
        };
        drop(free);
        self.begin_writing(slot);
        slot
    }

    /// Takes exactly this slot, never used before (loading).
    pub(super) fn take_exactly(&self, slot: u32, ensure: impl Fn(u32, u32)) {
        assert!(slot < SLOTS_MAX, "an index holds fewer than 2^31 vectors");
        let mut free = self.free.lock();
        for segment in count(free.end)..count(slot + 1) {
            self.make(extent(segment).0, &ensure);
        }
        self.make(slot, &ensure);
        free.end = free.end.max(slot + 1);
        self.end.store(free.end, Ordering::Release);
        drop(free);
        self.begin_writing(slot);
    }

    /// Puts every slot that loading skipped into the free list.
    pub(super) fn collect_free(&self) {
        let mut free = self.free.lock();
        free.slots = (0..free.end)
            .rev()
            .filter(|&slot| self.get(slot).state() == State::Free)
            .collect();
    }

    fn make(&self, slot: u32, ensure: impl FnOnce(u32, u32)) {
        let (segment, _) = locate(slot);
        ensure(segment, extent(segment).1);
        self.table.ensure(segment, |_| Slot::unused());
    }

    fn begin_writing(&self, slot: u32) {
        let side = self.get(slot);
        side.set(State::Free, State::Writing);
        side.birth.store(
            self.births.fetch_add(1, Ordering::SeqCst) + 1,
            Ordering::Release,
        );
    }

    /// The vector is written: others may read it.
    pub(super) fn reserve(&self, slot: u32, norm: f32) {
        self.lengths.take_in(norm);
        self.get(slot).norm.store(norm.to_bits(), Ordering::Relaxed);
        self.get(slot).set(State::Writing, State::Reserved);
    }

    pub(super) fn make_live(&self, slot: u32) {
        self.get(slot).set(State::Reserved, State::Live);
        self.live.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends the time of a live slot, or of a reserved one that is given up. The caller holds the node's lock if the slot is
    /// live in a graph.
    pub(super) fn make_dying(&self, slot: u32) {
        let side = self.get(slot);
        if side.state() == State::Reserved {
            return side.set(State::Reserved, State::Dying);
        }
        side.set(State::Live, State::Dying);
        self.live.fetch_sub(1, Ordering::SeqCst);
    }

    /// Frees an unlinked slot as soon as every reader that is pinned now has left, after a call of `before`.
    pub(super) fn free_later(
        self: &Arc<Self>,
        slot: u32,
        before: impl FnOnce() + Send + 'static,
        guard: &Guard,
    ) {
        let slots = Arc::clone(self);
        guard.defer(move || {
            before();
            slots.get(slot).set(State::Dying, State::Free);
            slots.freed.fetch_add(1, Ordering::SeqCst);
            slots.free.lock().slots.push(slot);
        });
        // Handed over at once: otherwise up to 64 slots would wait in this thread for its next removals.
        guard.flush();
    }

    /// Side data of a slot below `end`.
    pub(super) fn get(&self, slot: u32) -> &Slot {
        self.table.get(slot).expect("a slot in use has side data")
    }

    /// Asks the CPU for what [`Slots::is_live`] reads.
    #[inline]
    pub(super) fn prefetch(&self, slot: u32) {
        if let Some(side) = self.table.get(slot) {
            sys::prefetch_line(ptr::from_ref(side).cast());
        }
    }

    #[inline]
    pub(super) fn is_live(&self, slot: u32) -> bool {
        self.table
            .get(slot)
            .is_some_and(|side| side.state() == State::Live)
    }

    /// Calls `take` with the live slots among `slots` in order, as runs (first, length) of one segment and at most `longest`.
    pub(super) fn live_runs(
        &self,
        slots: Range<u32>,
        longest: usize,
        mut take: impl FnMut(u32, usize),
    ) {
        for segment in locate(slots.start).0..count(slots.end) {
            let (first, len) = extent(segment);
            let inside = slots.start.max(first)..slots.end.min(first + len);
            let sides = self.table.segment(segment).unwrap_or_default();
            let sides = sides
                .get((inside.start - first) as usize..(inside.end - first) as usize)
                .unwrap_or_default();
            let mut run = 0;
            for (side, slot) in sides.iter().zip(inside.start..) {
                if side.state() == State::Live {
                    run += 1;
                    if run < longest {
                        continue;
                    }
                    take(slot + 1 - run as u32, run);
                } else if run > 0 {
                    take(slot - run as u32, run);
                }
                run = 0;
            }
            if run > 0 {
                take(inside.end - run as u32, run);
            }
        }
    }

    /// Whether the vector may be read under a pin taken before this call.
    pub(super) fn is_readable(&self, slot: u32) -> bool {
        let state = self.table.get(slot).map(Slot::state);
        matches!(state, Some(State::Reserved | State::Live))
    }

    /// No vector is or was longer than the second, or shorter than the first.
    pub(super) fn lengths(&self) -> (f32, f32) {
        self.lengths.get()
    }

    pub(super) fn norm(&self, slot: u32) -> f32 {
        f32::from_bits(self.get(slot).norm.load(Ordering::Relaxed))
    }

    pub(super) fn birth(&self, slot: u32) -> u32 {
        self.table
            .get(slot)
            .map_or(0, |side| side.birth.load(Ordering::Acquire))
    }

    /// How many slots were taken and freed so far.
    pub(super) fn turnover(&self) -> Turnover {
        Turnover {
            freed: self.freed.load(Ordering::SeqCst),
            births: self.births.load(Ordering::SeqCst),
        }
    }

    /// Whether the slot was taken since then.
    pub(super) fn was_taken_since(&self, slot: u32, then: Turnover) -> bool {
        self.births.load(Ordering::SeqCst) != then.births && self.is_born_since(slot, then)
    }

    fn is_born_since(&self, slot: u32, then: Turnover) -> bool {
        // In this order: a slot's birth is counted before it is known.
        let birth = self.birth(slot);
        let births = self.births.load(Ordering::SeqCst);
        birth.wrapping_sub(then.births).wrapping_sub(1) < births.wrapping_sub(then.births)
    }

    /// Of slots of which something was learnt since then, leaves those whose vectors may be read under a pin from before, and which
    /// nobody took since.
    pub(super) fn keep_steady(&self, slots: &mut Vec<u32>, then: Turnover) {
        let live = self.live_count();
        let Turnover { freed, births } = self.turnover();
        let taken = births.wrapping_sub(freed) as usize;
        // Nobody came or was let go, and all were live when they were counted.
        if then == (Turnover { freed, births }) && live == taken {
            return;
        }
        slots.retain(|&slot| self.is_readable(slot) && !self.is_born_since(slot, then));
    }

    pub(super) fn live_count(&self) -> usize {
        self.live.load(Ordering::SeqCst)
    }

    pub(super) fn end(&self) -> u32 {
        self.end.load(Ordering::Acquire)
    }

    /// All slots that are live when they are come to.
    pub(super) fn live(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.end()).filter(|&slot| self.is_live(slot))
    }

    /// All slots that wait for their links.
    pub(super) fn reserved(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.end()).filter(|&slot| self.get(slot).state() == State::Reserved)
    }

    /// A live slot, by probing from `random`; at last the first one behind where the probes ended.
    pub(super) fn random(&self, random: u64) -> Option<u32> {
        let end = self.end();
        if end == 0 {
            return None;
        }
        let mut state = random;
        let mut slot = 0;
        for _ in 0..128 {
            state = mix(state);
            slot = ((u128::from(state) * u128::from(end)) >> 64) as u32;
            if self.is_live(slot) {
                return Some(slot);
            }
        }
        (slot..end).chain(0..slot).find(|&slot| self.is_live(slot))
    }

    /// Bytes of side data for the segments made.
    pub(super) fn memory(&self) -> u64 {
        allocated_slots(self.end()) * size_of::<Slot>() as u64
    }
}

/// Slots in the segments that cover those below `end`.
pub(super) fn allocated_slots(end: u32) -> u64 {
    (0..count(end))
        .map(|segment| u64::from(extent(segment).1))
        .sum()
}

/// One step of splitmix64: well spread numbers from any start.
pub(super) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

//! One bit a component of every vector, set where it is positive: an eighth of its int8 code. Reading rows that lie apart is what a scan of
//! many spends its time on; the bits in which they differ from the target's say which few of them are worth it (binary quantisation with
//! rescoring; the angle between two vectors goes with the share of differing bits: Charikar, STOC 2002, section 3).
//!
//! Nobody but such scans wants the bits. The first of them make them, a part each, and from then on every writer adds those of its own
//! slot. No slot is left out: a writer says that its vector is written and then looks whether bits are wanted; who makes them says that they are
//! wanted and then looks which vectors are written. A fence between the two steps of each lets one of them see the other. Both may write
//! the same bits; nobody writes others, because a slot is not taken anew while somebody who saw its vector is pinned.

use super::segments::{Segments, extent, locate};
use super::slots::{Slots, allocated_slots};
use super::sync::atomic::{AtomicU8, AtomicU32, Ordering, fence};
use super::vectors::{Point, Vectors};
use super::{IndexKind, IndexOptions, Quantization};
use crate::kernels::{self, Kernels};
use crate::sys;
use crossbeam_epoch::Guard;
use std::ops::RangeInclusive;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

/// Components from which reading the bits first pays: rows of codes lie in three cache lines then.
const DIM_MIN: usize = 128;
/// Words of a cache line.
const LINE_WORDS: usize = sys::CACHE_LINE / 8;
/// Of so many rows one says how the others are.
const SAMPLED: usize = 16;
/// Rows that are asked for together.
const BLOCK: usize = 32;
/// Components whose signs one search takes: about a millisecond's.
const COMPONENTS_AT_ONCE: usize = 1 << 20;

/// No search came yet that wants bits.
const UNWANTED: u8 = 0;
/// Writers add bits, searches make those that lack.
const WANTED: u8 = 1;
/// No bits lack.
const COMPLETE: u8 = 2;

/// More slots than there are.
const BUSY: u32 = u32::MAX;

/// The bits of all slots of an index.
pub(super) struct Signs {
    /// Words of a vector.
    words: usize,
    /// Words from one vector to the next: rows begin with a cache line, or share one.
    stride: usize,
    /// Bits of the last word that stand for components.
    last: u64,
    rows: Segments<AtomicU64>,
    /// [`UNWANTED`], [`WANTED`] or [`COMPLETE`].
    stage: AtomicU8,
    /// All slots below this have their bits; [`BUSY`] while somebody makes more.
    made: AtomicU32,
    kernels: Kernels,
}

/// The bits of some slots side by side, for who scans the same slots again: reading them one after the other takes a fraction of what
/// it takes where they lie apart. The first scan that can makes them.
#[derive(Default)]
pub struct GatheredSigns(OnceLock<Box<[AtomicU64]>>);

/// In how many bits each of some slots differs from a target, up to what fits.
pub(super) struct Differing<'s> {
    slots: &'s [u32],
    bits: Vec<u16>,
}

impl Signs {
    /// None where they would save nothing: where rows are short or bits themselves, and where all scans are exact.
    pub(super) fn of(options: &IndexOptions) -> Option<Signs> {
        let is_wide = options.dim as usize >= DIM_MIN && options.quantization != Quantization::Bit;
        (is_wide && options.kind == IndexKind::Hnsw).then(|| Signs::new(options.dim as usize))
    }

    pub(super) fn new(dim: usize) -> Signs {
        let words = dim.div_ceil(64);
        Signs {
            words,
            stride: match words < LINE_WORDS {
                true => words.next_power_of_two(),
                false => words.next_multiple_of(LINE_WORDS),
            },
            last: u64::MAX >> (words * 64 - dim),
            rows: Segments::default(),
            stage: AtomicU8::new(UNWANTED),
            made: AtomicU32::new(0),
            kernels: *kernels::best(),
        }
    }

    /// A writer's part, once its vector may be read.
    pub(super) fn add(&self, slot: u32, vectors: &Vectors) {
        fence(Ordering::SeqCst);
        if self.stage.load(Ordering::Relaxed) != UNWANTED {
            let guard = crossbeam_epoch::pin();
            self.set(slot, vectors, &mut Point::empty(), &guard);
        }
    }

    /// Makes some of those that lack; whether every vector that was written before this call has its bits.
    pub(super) fn make_some(&self, slots: &Slots, vectors: &Vectors, guard: &Guard) -> bool {
        if self.stage.load(Ordering::Acquire) == COMPLETE {
            return true;
        }
        let made = self.made.load(Ordering::Relaxed);
        let is_ours = made != BUSY
            && self
                .made
                .compare_exchange(made, BUSY, Ordering::Acquire, Ordering::Relaxed)
                .is_ok();
        if !is_ours {
            return false;
        }
        self.stage.store(WANTED, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let end = slots.end();
        let part = COMPONENTS_AT_ONCE / (64 * self.words);
        let until = end.min(made.saturating_add(part as u32));
        let mut point = Point::empty();
        for slot in made..until {
            if slots.is_readable(slot) {
                self.set(slot, vectors, &mut point, guard);
            }
        }
        self.made.store(until, Ordering::Release);
        if until == end {
            self.stage.store(COMPLETE, Ordering::Release);
        }
        until == end
    }

    fn set(&self, slot: u32, vectors: &Vectors, point: &mut Point, guard: &Guard) {
        let (segment, offset) = locate(slot);
        let rows = self
            .rows
            .ensure_wide(segment, self.stride, || AtomicU64::new(0));
        let row = &rows[offset as usize * self.stride..][..self.words];
        vectors.load_point(slot, point, guard);
        for (word, signs) in row.iter().zip(self.signs(point)) {
            word.store(signs, Ordering::Relaxed);
        }
    }

    fn signs<'p>(&self, point: &'p Point) -> impl Iterator<Item = u64> + 'p {
        let (end, last) = (self.words - 1, self.last);
        let words = point.signs().enumerate();
        words.map(move |(at, word)| if at == end { word & last } else { word })
    }

    /// In how many bits slots differ from a target. Those without bits, of which no search knows yet, count as if they had none.
    /// `gathered` are of the same slots.
    pub(super) fn compare<'s>(
        &self,
        target: &Point,
        slots: &'s [u32],
        gathered: Option<&GatheredSigns>,
    ) -> Differing<'s> {
        let target: Vec<u64> = self.signs(target).collect();
        let mut bits = Vec::with_capacity(slots.len());
        let mut count = |rows: &[&[AtomicU64]]| {
            (self.kernels.hamming_shared)(&target, rows, &mut bits);
        };
        match gathered {
            Some(gathered) => {
                let gathered = gathered.get(|| self.gather(slots));
                let mut rows = [&[][..]; BLOCK];
                for block in gathered.chunks(BLOCK * self.words) {
                    let each = block.chunks_exact(self.words);
                    let len = each.len();
                    rows.iter_mut().zip(each).for_each(|(row, it)| *row = it);
                    count(&rows[..len]);
                }
            }
            None => self.look_up(slots, count),
        }
        Differing { slots, bits }
    }

    fn gather(&self, slots: &[u32]) -> Box<[AtomicU64]> {
        let mut gathered = Vec::with_capacity(slots.len() * self.words);
        self.look_up(slots, |rows| {
            let words = rows.iter().copied().flatten();
            let words = words.map(|word| word.load(Ordering::Relaxed));
            gathered.extend(words.map(AtomicU64::new));
        });
        gathered.into()
    }

    /// Hands on the bits of slots, some at a time.
    fn look_up(&self, slots: &[u32], mut take: impl FnMut(&[&[AtomicU64]])) {
        let nothing: Vec<AtomicU64> = (0..self.words).map(|_| AtomicU64::new(0)).collect();
        let mut rows = [&nothing[..]; BLOCK];
        let mut segment = (0..0, &[][..]);
        for block in slots.chunks(BLOCK) {
            for (row, &slot) in rows.iter_mut().zip(block) {
                // Slots come nearly in their order: the next one is in the same segment.
                if !segment.0.contains(&slot) {
                    let (number, _) = locate(slot);
                    let (first, len) = extent(number);
                    let of_segment = self.rows.segment(number).unwrap_or_default();
                    segment = (first..first + len, of_segment);
                }
                let at = (slot - segment.0.start) as usize * self.stride;
                *row = segment.1.get(at..at + self.words).unwrap_or(&nothing);
                sys::prefetch(row.as_ptr().cast(), self.words * 8);
            }
            take(&rows[..block.len()]);
        }
    }

    /// Bytes in memory for the slots below `end`.
    pub(super) fn memory(&self, end: u32) -> u64 {
        match self.stage.load(Ordering::Relaxed) {
            UNWANTED => 0,
            _ => allocated_slots(end) * self.stride as u64 * 8,
        }
    }
}

impl GatheredSigns {
    /// What is there, or was made now; nobody waits for another who makes the same.
    fn get(&self, make: impl FnOnce() -> Box<[AtomicU64]>) -> &[AtomicU64] {
        if let Some(gathered) = self.0.get() {
            return gathered;
        }
        let made = make();
        self.0.get_or_init(|| made)
    }

    /// Bytes in memory.
    pub fn memory(&self) -> usize {
        self.0.get().map_or(0, |words| size_of_val(&**words))
    }
}

impl Differing<'_> {
    /// A number of bits in which about `count` slots differ at most: by what some of them do.
    pub(super) fn bits_of_nearest(&self, count: usize) -> u16 {
        let mut some: Vec<u16> = self.bits.iter().step_by(SAMPLED).copied().collect();
        match count / SAMPLED < some.len() {
            true => *some.select_nth_unstable(count / SAMPLED).1,
            false => u16::MAX,
        }
    }

    /// How many slots differ in so many bits.
    pub(super) fn count(&self, within: RangeInclusive<u16>) -> usize {
        let within = self.bits.iter().filter(|bits| within.contains(bits));
        within.count()
    }

    /// The slots that differ in so many bits, those that do in fewest first.
    pub(super) fn sorted(&self, within: RangeInclusive<u16>) -> Vec<u32> {
        let mut near = vec![(0, 0); self.slots.len() + 1];
        let mut count = 0;
        for (&slot, &bits) in self.slots.iter().zip(&self.bits) {
            // Without a branch that nobody could foresee: the next one is written over those that are not meant.
            near[count] = (bits, slot);
            count += usize::from(within.contains(&bits));
        }
        near.truncate(count);
        sorted_by_count(&near)
    }
}

/// What comes with each number, by these, least first: in as many steps as there are numbers and pairs.
fn sorted_by_count(pairs: &[(u16, u32)]) -> Vec<u32> {
    let numbers = pairs.iter().map(|&(number, _)| number);
    let (least, most) = (numbers.clone().min(), numbers.clone().max());
    let (least, most) = (least.unwrap_or(0), most.unwrap_or(0));
    // Where those of each number begin.
    let mut places = vec![0u32; usize::from(most - least) + 2];
    for number in numbers {
        places[usize::from(number - least) + 1] += 1;
    }
    for at in 1..places.len() {
        places[at] += places[at - 1];
    }
    let mut sorted = vec![0; pairs.len()];
    for &(number, slot) in pairs {
        let place = &mut places[usize::from(number - least)];
        sorted[*place as usize] = slot;
        *place += 1;
    }
    sorted
}

//! One column: a cell a slot in segments that never move, the dictionary of its strings and arrays, and how far it is
//! filled.

use super::ReadAttributes;
use super::cell::Cell;
use super::dictionary::Dictionary;
use crate::index::segments::{self, Segments};
use crate::keyspace::attributes::{Value, json};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Slots whose cells are read at once. Every segment holds a multiple of them.
pub const BLOCK: usize = 64;

/// The cells of one field of one collection.
pub struct Column {
    field: Box<[u8]>,
    cells: Segments<AtomicU64>,
    dictionary: Dictionary,
    /// Segments that there were when it was listed: those have to be filled from what is there.
    segments: OnceLock<u32>,
    /// The next of them that nobody fills yet.
    next: AtomicU32,
    /// How many of them are filled.
    filled: AtomicU32,
    cell_bytes: AtomicU64,
    used: AtomicU64,
}

impl Column {
    pub(super) fn new(field: &[u8]) -> Column {
        Column {
            field: field.into(),
            cells: Segments::default(),
            dictionary: Dictionary::new(),
            segments: OnceLock::new(),
            next: AtomicU32::new(0),
            filled: AtomicU32::new(0),
            cell_bytes: AtomicU64::new(0),
            used: AtomicU64::new(0),
        }
    }

    /// The field.
    pub fn field(&self) -> &[u8] {
        &self.field
    }

    /// Its strings and arrays.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// The cells of the [`BLOCK`] slots from `BLOCK * block` on. Look at them after an Acquire fence.
    #[inline]
    pub fn load(&self, block: usize, cells: &mut [u64; BLOCK]) {
        let (segment, offset) = segments::locate((block * BLOCK) as u32);
        let offset = offset as usize;
        match self.cells.segment(segment) {
            // Never recorded in: nobody lives there, or the column is not filled yet and not asked.
            None => *cells = [Cell::MISSING.bits(); BLOCK],
            Some(all) => {
                for (cell, held) in cells.iter_mut().zip(&all[offset..offset + BLOCK]) {
                    *cell = held.load(Ordering::Relaxed);
                }
            }
        }
    }

    /// What the cell of a slot holds.
    pub fn get(&self, slot: u32) -> Cell {
        let bits = self
            .cells
            .get(slot)
            .map(|cell| cell.load(Ordering::Acquire));
        Cell::from_bits(bits.unwrap_or(Cell::UNFILLED.bits()))
    }

    /// Bytes allocated, about.
    pub fn memory(&self) -> u64 {
        let fixed = (size_of::<Column>() + self.field.len()) as u64;
        fixed + self.cell_bytes.load(Ordering::Relaxed) + self.dictionary.memory()
    }

    /// Whether every slot was filled.
    pub fn is_filled(&self) -> bool {
        let segments = self.segments.get();
        segments.is_some_and(|segments| self.filled.load(Ordering::Acquire) >= *segments)
    }

    /// The cell for these attributes.
    pub fn cell_of(&self, attributes: Option<&[u8]>) -> Cell {
        let Some(value) = attributes.and_then(|text| json::field(text, &self.field)) else {
            return Cell::MISSING;
        };
        let code = |text, is_array| self.dictionary.code(text, is_array);
        match value {
            Value::Null => Cell::NULL,
            Value::Number(number) => Cell::number(number),
            Value::Text(text) => code(&text, false).map_or(Cell::UNKNOWN, Cell::text),
            Value::Array(text) => code(text, true).map_or(Cell::UNKNOWN, Cell::array),
        }
    }

    /// What is there at the time of listing, as the end of all slots used.
    pub(super) fn begin(&self, slots_end: u32) {
        let is_first = self.segments.set(segments::count(slots_end)).is_ok();
        assert!(is_first, "a column is listed once");
    }

    /// Records attributes, over whatever was there.
    pub(super) fn record(&self, slot: u32, attributes: Option<&[u8]>) {
        let cell = self.cell_of(attributes);
        self.place(slot).store(cell.bits(), Ordering::Release);
    }

    /// Forgets what was recorded.
    pub(super) fn blank(&self, slot: u32) {
        self.place(slot)
            .store(Cell::MISSING.bits(), Ordering::Release);
    }

    /// Fills segments that nobody fills yet, until about `slots_max` slots were.
    pub(super) fn fill(&self, slots_max: u32, read: &ReadAttributes) {
        let segments = self.segments.get().copied().unwrap_or(0);
        let mut done = 0;
        while done < slots_max && self.next.load(Ordering::Relaxed) < segments {
            let segment = self.next.fetch_add(1, Ordering::Relaxed);
            if segment >= segments {
                break;
            }
            self.fill_segment(segment, read);
            self.filled.fetch_add(1, Ordering::AcqRel);
            done += segments::extent(segment).1;
        }
    }

    fn fill_segment(&self, segment: u32, read: &ReadAttributes) {
        let (first, _) = segments::extent(segment);
        for (slot, place) in (first..).zip(self.segment(segment)) {
            if place.load(Ordering::Relaxed) != Cell::UNFILLED.bits() {
                continue;
            }
            read(slot, &mut |attributes| {
                let cell = self.cell_of(attributes).bits();
                // What a writer recorded meanwhile is newer.
                let _ = place.compare_exchange(
                    Cell::UNFILLED.bits(),
                    cell,
                    Ordering::Release,
                    Ordering::Relaxed,
                );
            });
        }
    }

    fn place(&self, slot: u32) -> &AtomicU64 {
        let (segment, offset) = segments::locate(slot);
        &self.segment(segment)[offset as usize]
    }

    fn segment(&self, segment: u32) -> &[AtomicU64] {
        // Slots of a segment that came after the listing are all recorded by their writers.
        let is_new = self.segments.get().is_some_and(|count| segment >= *count);
        let empty = if is_new {
            Cell::MISSING
        } else {
            Cell::UNFILLED
        };
        let mut bytes = 0;
        let cells = self.cells.ensure(segment, |_| {
            bytes += size_of::<AtomicU64>() as u64;
            AtomicU64::new(empty.bits())
        });
        self.cell_bytes.fetch_add(bytes, Ordering::Relaxed);
        cells
    }

    /// Notes a use; `now` grows from use to use.
    pub(super) fn touch(&self, now: u64) {
        self.used.fetch_max(now, Ordering::Relaxed);
    }

    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// Loads of cells before this see what their codes stand for.
#[inline(always)]
pub fn fence_after_loads() {
    fence(Ordering::Acquire);
}

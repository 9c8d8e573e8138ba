//! Columns: fields of the attributes kept as eight bytes a slot, so that a filter does not read JSON for each candidate. They
//! are derived: made when filters ask for a field again and again, dropped when memory is short, never saved.
//!
//! Searches read cells without locks while writers record and others fill. What holds, and why:
//!
//! 1. **A cell is exact or unknown.** It is filled by the reader that expressions use (keyspace/attributes/); an unfilled or
//!    unknown cell sends the search to the attributes themselves.
//! 2. **No cell is older than the attributes that a search may see.** A writer changes the attributes first, then looks which
//!    columns are listed and records in each, all before its change is acknowledged. A column is listed first, then filled
//!    from the attributes. Between the two steps both pass a sequentially consistent fence: either the writer sees the column,
//!    or whoever fills it sees the writer's attributes. Writers store; filling only replaces an unfilled cell, so it never
//!    undoes what a writer recorded after the attributes were read. The engine orders the writers of one element.
//! 3. **A free slot passes no filter.** Before a slot can be taken again its cells are blanked, as a writer's step of rule 2;
//!    when it is taken they are recorded while it is private. So a cell tells of the element that is in the slot or was last; one
//!    that had left before the search began may be followed by another while it lasts. Who means to read the vector looks whether
//!    the slot is readable, and was not taken since the search began (search/filter.rs).
//! 4. **No mixture of two versions.** Where an element has several columns, a change in place counts `begun` up before the first
//!    cell and `done` after the last one; who reads several columns reads again if a change was on its way
//!    ([`Columns::stamp`]). A private slot needs none: it stays blank in one column until all are recorded.
//! 5. **A column that is dropped** is no longer recorded in, but a search that holds it began before, and finds in it what was
//!    there then: its pin keeps the slots, and their cells, from being taken again.

mod budget;
mod cell;
mod column;
mod dictionary;
#[cfg(test)]
mod tests;

pub use budget::ColumnBudget;
pub use cell::{Cell, Held};
pub use column::{BLOCK, Column, fence_after_loads};
pub use dictionary::Dictionary;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

/// Collections of fewer slots have no columns: reading their attributes takes microseconds.
const SLOTS_MIN: u32 = 512;
/// Slots that one search fills at most, some 3 ms of reading: a large collection's columns are made by many searches.
const FILLED_PER_SEARCH: u32 = 16_384;
/// Fields that were asked for once and are remembered for the second time.
const WANTED_MAX: usize = 16;
/// Columns of one collection; the least recently used one makes room.
const COLUMNS_MAX: usize = 32;

/// Hands the attributes of whoever lives in a slot to a function; none where nobody does or has none.
pub type ReadAttributes<'a> = dyn Fn(u32, &mut dyn FnMut(Option<&[u8]>)) + 'a;

/// How much a search would gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// It can do without: columns are made from the second such search on, a part by each.
    Low,
    /// Without columns it reads most attributes anyway: they are made at once.
    High,
}

/// The columns of one collection.
pub struct Columns {
    listed: ArcSwap<Vec<Arc<Column>>>,
    wanted: Mutex<Vec<Box<[u8]>>>,
    begun: AtomicU64,
    done: AtomicU64,
    budget: Arc<ColumnBudget>,
    is_known_to_budget: AtomicBool,
}

impl Columns {
    pub(super) fn new(budget: Arc<ColumnBudget>) -> Columns {
        Columns {
            listed: ArcSwap::default(),
            wanted: Mutex::default(),
            begun: AtomicU64::new(0),
            done: AtomicU64::new(0),
            budget,
            is_known_to_budget: AtomicBool::new(false),
        }
    }

    /// What they share with the columns of other collections.
    pub fn budget(&self) -> &Arc<ColumnBudget> {
        &self.budget
    }

    /// Bytes of all of them, about.
    pub fn memory(&self) -> u64 {
        self.listed
            .load()
            .iter()
            .map(|column| column.memory())
            .sum()
    }

    /// The columns of `fields`, in their order, if all of them are filled. Otherwise some slots may be filled, and the next
    /// search finds more. Call it under the epoch pin of the search.
    pub(super) fn of(
        self: &Arc<Self>,
        fields: &[Box<[u8]>],
        urgency: Urgency,
        slots_end: &dyn Fn() -> u32,
        read: &ReadAttributes,
    ) -> Option<Vec<Arc<Column>>> {
        if fields.is_empty() || fields.iter().any(|field| field.is_empty()) {
            return None;
        }
        if let Some(found) = self.filled(fields) {
            let now = self.budget.next_use();
            found.iter().for_each(|column| column.touch(now));
            return Some(found);
        }
        if !self.may_build(fields, urgency, slots_end()) {
            return None;
        }
        let columns: Vec<_> = fields
            .iter()
            .map(|field| self.list_column(field, slots_end))
            .collect();
        self.wanted.lock().retain(|name| !fields.contains(name));
        let slots_max = match urgency {
            Urgency::Low => FILLED_PER_SEARCH / fields.len() as u32,
            Urgency::High => u32::MAX,
        };
        columns
            .iter()
            .for_each(|column| column.fill(slots_max, read));
        self.budget.keep();
        self.filled(fields)
    }

    fn filled(&self, fields: &[Box<[u8]>]) -> Option<Vec<Arc<Column>>> {
        let listed = self.listed.load();
        let filled = |field: &[u8]| {
            let column = listed.iter().find(|column| column.field() == field)?;
            column.is_filled().then(|| Arc::clone(column))
        };
        fields.iter().map(|field| filled(field)).collect()
    }

    /// Whether it is time to build, and there is room; else the fields are remembered.
    fn may_build(&self, fields: &[Box<[u8]>], urgency: Urgency, slots_end: u32) -> bool {
        let bytes = u64::from(slots_end) * size_of::<u64>() as u64 * fields.len() as u64;
        if slots_end < SLOTS_MIN || bytes > self.budget.bytes_max() || fields.len() > COLUMNS_MAX {
            return false;
        }
        if urgency == Urgency::High {
            return true;
        }
        let listed = self.listed.load();
        let mut wanted = self.wanted.lock();
        let mut is_wanted_again = true;
        for field in fields {
            let is_known = listed.iter().any(|column| *column.field() == **field);
            if !is_known && !wanted.contains(field) {
                wanted.truncate(WANTED_MAX - 1);
                wanted.insert(0, field.clone());
                is_wanted_again = false;
            }
        }
        is_wanted_again
    }

    /// The column of a field, listed by now.
    fn list_column(self: &Arc<Self>, field: &[u8], slots_end: &dyn Fn() -> u32) -> Arc<Column> {
        if !self.is_known_to_budget.swap(true, Ordering::Relaxed) {
            self.budget.add_owner(self);
        }
        let new = Arc::new(Column::new(field));
        new.touch(self.budget.next_use());
        let is_of_field = |column: &&Arc<Column>| column.field() == field;
        self.listed.rcu(|listed| {
            let mut columns = Vec::clone(listed);
            if columns.iter().find(is_of_field).is_none() {
                if columns.len() >= COLUMNS_MAX {
                    let oldest = columns.iter().enumerate().min_by_key(|(_, c)| c.used());
                    let oldest = oldest.map(|(place, _)| place);
                    oldest.map(|place| columns.remove(place));
                }
                columns.push(Arc::clone(&new));
            }
            columns
        });
        let listed = self.listed.load();
        match listed.iter().find(is_of_field) {
            Some(column) if !Arc::ptr_eq(column, &new) => Arc::clone(column),
            _ => {
                // Rule 2: what was there before this fence is seen by whoever fills.
                fence(Ordering::SeqCst);
                new.begin(slots_end());
                new
            }
        }
    }

    /// The attributes of a slot were written, and nobody can see the slot yet.
    pub(super) fn record(&self, slot: u32, attributes: Option<&[u8]>) {
        fence(Ordering::SeqCst);
        for column in self.listed.load().iter() {
            column.record(slot, attributes);
        }
    }

    /// The attributes of a slot that searches may look at were changed to these.
    pub(super) fn record_change(&self, slot: u32, attributes: Option<&[u8]>) {
        fence(Ordering::SeqCst);
        let listed = self.listed.load();
        if listed.is_empty() {
            return;
        }
        self.begun.fetch_add(1, Ordering::AcqRel);
        for column in listed.iter() {
            column.record(slot, attributes);
        }
        self.done.fetch_add(1, Ordering::Release);
    }

    /// Nobody lives in the slot any more, and nobody can take it yet.
    pub(super) fn blank(&self, slot: u32) {
        fence(Ordering::SeqCst);
        for column in self.listed.load().iter() {
            column.blank(slot);
        }
    }

    /// Before cells of several columns are read: a stamp, or none while a change is on its way.
    #[inline]
    pub fn stamp(&self) -> Option<u64> {
        let done = self.done.load(Ordering::Acquire);
        let begun = self.begun.load(Ordering::Acquire);
        (begun == done).then_some(begun)
    }

    /// After cells were read, and an Acquire fence: whether no change began since the stamp was taken.
    #[inline]
    pub fn is_current(&self, stamp: u64) -> bool {
        self.begun.load(Ordering::Acquire) == stamp
    }

    pub(super) fn listed(&self) -> Vec<Arc<Column>> {
        Vec::clone(&self.listed.load())
    }

    fn drop_column(&self, column: &Arc<Column>) {
        self.listed.rcu(|listed| {
            let others = listed.iter().filter(|other| !Arc::ptr_eq(other, column));
            others.cloned().collect::<Vec<_>>()
        });
    }

    fn drop_all(&self) {
        self.listed.store(Arc::default());
    }
}

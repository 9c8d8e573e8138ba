//! Who may be a hit. A filter is evaluated on elements, or on columns of their attributes where there are such; [`Memo`] answers
//! the index's question about slots and remembers, for one query, what it answered.

use super::expression::{Expression, OverColumns, ones};
use super::follow::Passers;
use crate::index::{Listed, SlotFilter, Turnover};
use crate::keyspace::collection::{Collection, Element};
use crate::keyspace::columns::{BLOCK, Urgency};
use std::cell::{Cell, OnceCell};

/// Slots that are looked at to learn how many pass, where attributes are read.
const SAMPLE_SLOTS: u64 = 256;
/// Slots that are looked at, at most, to find seeds.
const SEED_TRIES_MAX: u64 = 4096;
/// Blocks of slots that are looked at to learn how many pass, where there are columns.
const SAMPLE_BLOCKS: usize = 32;

/// A condition on elements. Conjunctions and predicates on indexed fields become variants here when there are such.
#[derive(Clone, Debug)]
pub enum Filter {
    /// A vector-set expression over the attributes.
    Expression(Expression),
}

impl Filter {
    /// Whether the element passes.
    pub fn matches(&self, element: &Element) -> bool {
        match self {
            Filter::Expression(expression) => {
                element.test_attributes(|attributes| expression.matches(attributes))
            }
        }
    }

    /// The filter over columns of the collection, as far as there are such by now.
    fn over_columns(&self, collection: &Collection, urgency: Urgency) -> Option<OverColumns<'_>> {
        let Filter::Expression(expression) = self;
        let columns = collection.columns_of(expression.fields(), urgency)?;
        expression.over(columns)
    }
}

/// A filter over the slots of one collection, for one query: no element is evaluated twice. The query's epoch pin keeps
/// slots from being reused while it lives.
pub struct Memo<'a> {
    collection: &'a Collection,
    filter: &'a Filter,
    /// Slots that there are, as the query sees it.
    slots_end: u32,
    /// How many had come and gone when the query began: who was tested in a slot that was taken since is gone.
    began: Turnover,
    columns: OnceCell<OverColumns<'a>>,
    /// A bit a slot, 64 slots a word: whether it was tested.
    tested: Vec<Cell<u64>>,
    /// Whether it passed.
    passing: Vec<Cell<u64>>,
    tests: Cell<u64>,
    passes: Cell<u64>,
}

/// What a sample of live slots told.
pub struct Sample {
    /// Share of passing ones, more than 0 even where none was met.
    pub pass_rate: f64,
    /// Bytes of attributes that an element has, on average.
    pub attribute_bytes: f64,
    /// The passing slots, in no order.
    pub passing: Vec<u32>,
}

impl<'a> Memo<'a> {
    /// A memo that has answered nothing yet.
    pub fn new(collection: &'a Collection, filter: &'a Filter) -> Memo<'a> {
        let began = collection.index().turnover();
        let slots_end = collection.index().slots_end();
        let words = slots_end.div_ceil(BLOCK as u32) as usize;
        let over = filter.over_columns(collection, Urgency::Low);
        Memo {
            collection,
            filter,
            slots_end,
            began,
            columns: over.map_or_else(OnceCell::new, OnceCell::from),
            tested: vec![Cell::new(0); words],
            passing: vec![Cell::new(0); words],
            tests: Cell::new(0),
            passes: Cell::new(0),
        }
    }

    /// Elements evaluated so far.
    pub fn tests(&self) -> u64 {
        self.tests.get()
    }

    /// Elements that passed so far.
    pub fn passes_count(&self) -> u64 {
        self.passes.get()
    }

    /// The filter over columns, if there are columns.
    pub fn columns(&self) -> Option<&OverColumns<'a>> {
        self.columns.get()
    }

    /// Makes the columns now, whatever that takes; the filter over them, if they could be made.
    pub fn make_columns(&self) -> Option<&OverColumns<'a>> {
        if self.columns.get().is_none() {
            let over = self.filter.over_columns(self.collection, Urgency::High)?;
            return Some(self.columns.get_or_init(|| over));
        }
        self.columns.get()
    }

    /// Tests a few live slots, spread over all of them. The same slots each time while the collection is the same.
    pub fn sample(&self) -> Sample {
        let mut passing = Vec::new();
        let (mut tested, mut bytes) = (0, 0);
        for slot in (0..SAMPLE_SLOTS).filter_map(|n| self.spread_slot(n)) {
            tested += 1;
            bytes += self
                .collection
                .element(slot)
                .and_then(|element| element.attributes())
                .map_or(0, |bytes| bytes.len());
            if self.passes(slot) {
                passing.push(slot);
            }
        }
        Sample {
            pass_rate: passing.len().max(1) as f64 / f64::from(tested.max(1)),
            attribute_bytes: bytes as f64 / f64::from(tested.max(1)),
            passing,
        }
    }

    /// Up to `count` distinct passing slots: those of the sample, then others.
    pub fn sampled_seeds(&self, sample: Sample, count: usize) -> Vec<u32> {
        let mut seeds = sample.passing;
        seeds.sort_unstable();
        seeds.dedup();
        for slot in (SAMPLE_SLOTS..SEED_TRIES_MAX).filter_map(|n| self.spread_slot(n)) {
            if seeds.len() >= count {
                break;
            }
            if self.passes(slot) && !seeds.contains(&slot) {
                seeds.push(slot);
            }
        }
        every_nth(seeds, count)
    }

    /// Tests some blocks, spread over all of them; the share of live slots that pass, more than 0 even where none was met.
    pub fn sample_blocks(&self) -> f64 {
        let step = (self.tested.len() / SAMPLE_BLOCKS).max(1);
        let words = (0..self.tested.len()).skip(step / 2).step_by(step);
        let words = words.take(SAMPLE_BLOCKS);
        let passing: u32 = words.clone().map(|word| self.test_word(word)).sum();
        let slots = words.len() * BLOCK;
        f64::from(passing.max(1)) / (slots as f64 * self.live_share()).max(1.0)
    }

    /// Blocks of slots that there are.
    pub fn blocks(&self) -> usize {
        self.tested.len()
    }

    /// Tests all slots. How many pass.
    pub fn count(&self) -> usize {
        (0..self.tested.len())
            .map(|word| self.test_word(word) as usize)
            .sum()
    }

    /// A bit a slot, 64 a word: the slots that were found to pass so far.
    fn passing(&self) -> Vec<u64> {
        self.passing.iter().map(Cell::get).collect()
    }

    /// The share of all slots ever used that are live.
    fn live_share(&self) -> f64 {
        self.collection.index().len() as f64 / f64::from(self.slots_end.max(1))
    }

    fn spread_slot(&self, n: u64) -> Option<u32> {
        self.collection.index().random_slot(spread(n))
    }

    /// Tests all slots of a word; how many pass.
    fn test_word(&self, word: usize) -> u32 {
        let mut left = self.used(word) & !self.tested[word].get();
        if let Some(over) = self.columns.get().filter(|_| left != 0) {
            let verdicts = over.test(word, left, self.collection.columns());
            self.note(word, left & !verdicts.unknown, verdicts.passes);
            left = verdicts.unknown;
        }
        for at in ones(left) {
            let passes = self.evaluate((word * BLOCK + at) as u32);
            self.note(word, 1 << at, u64::from(passes) << at);
        }
        self.passing[word].get().count_ones()
    }

    /// Tests one slot.
    fn test(&self, slot: u32) {
        let over = self.columns.get();
        let known = over.and_then(|over| over.test_one(slot, self.collection.columns()));
        let passes = known.unwrap_or_else(|| self.evaluate(slot));
        let (word, at) = (slot as usize / BLOCK, slot as usize % BLOCK);
        self.note(word, 1 << at, u64::from(passes) << at);
    }

    /// The slots of a word that were ever used.
    fn used(&self, word: usize) -> u64 {
        match (self.slots_end as usize - word * BLOCK).min(BLOCK) {
            BLOCK => !0,
            slots => (1 << slots) - 1,
        }
    }

    /// Tests who is in the slot now, whatever is remembered of it.
    pub(super) fn evaluate(&self, slot: u32) -> bool {
        self.collection
            .test_element(slot, |element| self.filter.matches(element))
    }

    fn note(&self, word: usize, tested: u64, passing: u64) {
        self.tested[word].update(|bits| bits | tested);
        self.passing[word].update(|bits| bits | passing);
        self.tests
            .update(|tests| tests + u64::from(tested.count_ones()));
        self.passes
            .update(|passes| passes + u64::from(passing.count_ones()));
    }
}

impl SlotFilter for Memo<'_> {
    #[inline]
    fn passes(&self, slot: u32) -> bool {
        let (word, at) = (slot as usize / BLOCK, slot as usize % BLOCK);
        match self.tested.get(word) {
            // A slot that was filled after the query began is evaluated each time.
            _ if slot >= self.slots_end => return self.evaluate(slot),
            _ if self.collection.index().was_taken_since(slot, self.began) => {
                return self.evaluate(slot);
            }
            Some(tested) if tested.get() >> at & 1 == 1 => {}
            _ => self.test(slot),
        }
        self.passing[word].get() >> at & 1 == 1
    }
}

impl Passers for Memo<'_> {
    /// Where there are columns, all slots are tested at once.
    fn listed(&self) -> Option<Listed<'_>> {
        self.columns()?;
        self.count();
        let words = self.passing().into_iter().enumerate();
        let slots =
            words.flat_map(|(word, bits)| ones(bits).map(move |at| (word * BLOCK + at) as u32));
        let mut slots: Vec<u32> = slots.collect();
        // One that an element had left before the query began passes until it is free, and somebody else may take it then.
        self.collection.index().keep_steady(&mut slots, self.began);
        Some(Listed::once(slots))
    }

    /// Of those that were found to pass so far.
    fn seeds(&self, count: usize) -> Vec<u32> {
        let found: u32 = self
            .passing
            .iter()
            .map(|bits| bits.get().count_ones())
            .sum();
        let step = (found / count as u32).max(1);
        let mut seeds = Vec::with_capacity(count);
        // Passing slots to leave out before the next seed.
        let mut left_out = 0;
        for (word, bits) in self.passing.iter().enumerate() {
            let here = bits.get().count_ones();
            while left_out < here && seeds.len() < count {
                let at = ones(bits.get()).nth(left_out as usize).unwrap_or(0);
                seeds.push((word * BLOCK + at) as u32);
                left_out += step;
            }
            left_out -= here.min(left_out);
        }
        self.collection.index().keep_steady(&mut seeds, self.began);
        seeds
    }
}

/// Of more, every so-and-so-many-th: slots next to each other were often filled together and lie together.
fn every_nth(slots: Vec<u32>, count: usize) -> Vec<u32> {
    let step = (slots.len() / count).max(1);
    slots.into_iter().step_by(step).take(count).collect()
}

/// The n-th of a fixed sequence of numbers that look drawn (the mixing of splitmix64).
pub(super) fn spread(n: u64) -> u64 {
    let mut x = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

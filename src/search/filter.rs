//! Who may be a hit. A filter is evaluated on elements; [`Memo`] answers the index's question about slots and remembers, for
//! one query, what it answered.

use super::expression::Expression;
use crate::index::SlotFilter;
use crate::keyspace::collection::{Collection, Element};
use std::cell::{Cell, RefCell};

/// Slots that are looked at to learn how many pass.
const SAMPLE_SLOTS: u64 = 256;
/// Slots that are looked at, at most, to find seeds.
const SEED_TRIES_MAX: u64 = 4096;

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
}

/// A filter over the slots of one collection, for one query: no element is evaluated twice. The query's epoch pin keeps
/// slots from being reused while it lives.
pub struct Memo<'a> {
    collection: &'a Collection,
    filter: &'a Filter,
    /// Two bits a slot, 32 slots a word: low bit of a pair tested, high bit passed.
    verdicts: RefCell<Vec<u64>>,
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
        let words = collection.index().slots_end().div_ceil(32) as usize;
        Memo {
            collection,
            filter,
            verdicts: RefCell::new(vec![0; words]),
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
    pub fn seeds(&self, sample: Sample, count: usize) -> Vec<u32> {
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
        // Of more, every so-and-so-many-th: slots next to each other were often filled together and lie together.
        let step = (seeds.len() / count).max(1);
        seeds.into_iter().step_by(step).take(count).collect()
    }

    fn spread_slot(&self, n: u64) -> Option<u32> {
        self.collection.index().random_slot(spread(n))
    }

    fn evaluate(&self, slot: u32) -> bool {
        let passes = self
            .collection
            .test_element(slot, |element| self.filter.matches(element));
        self.tests.set(self.tests.get() + 1);
        self.passes.set(self.passes.get() + u64::from(passes));
        passes
    }
}

impl SlotFilter for Memo<'_> {
    fn passes(&self, slot: u32) -> bool {
        let (word, shift) = (slot as usize / 32, slot % 32 * 2);
        let verdict = self
            .verdicts
            .borrow()
            .get(word)
            .map_or(0, |bits| bits >> shift & 3);
        if verdict != 0 {
            return verdict == 3;
        }
        let passes = self.evaluate(slot);
        // A slot that was filled after the query began lies outside and is evaluated each time.
        if let Some(bits) = self.verdicts.borrow_mut().get_mut(word) {
            *bits |= (1 | u64::from(passes) << 1) << shift;
        }
        passes
    }
}

/// The n-th of a fixed sequence of numbers that look drawn (the mixing of splitmix64).
pub(super) fn spread(n: u64) -> u64 {
    let mut x = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

//! Which documents hold a number, in the order of the numbers. Numbers that are near each other are kept in blocks that know all of
//! their documents, so that a range asks its two outermost blocks for single numbers and every block between for a set.

mod block;

use super::fields::DocumentId;
use block::{BLOCK_MAX, Block, Holders};
use rayon::slice::ParallelSliceMut;
use roaring::{MultiOps, RoaringBitmap};
use std::collections::BTreeMap;
use std::ops::Bound;

/// A number that is not NaN, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ordered(pub f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Ordered) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Ordered) -> std::cmp::Ordering {
        // -0 and 0 are one number.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

/// The documents of a NUMERIC field by their numbers.
#[derive(Default)]
pub struct Numbers {
    /// By a bound that none of their numbers is below, and all of the block before are.
    blocks: BTreeMap<Ordered, Block>,
    /// Documents that hold one.
    all: RoaringBitmap,
    /// Whether a document ever had several numbers.
    has_several: bool,
}

/// What a field's numbers take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumbersSize {
    /// Blocks of numbers.
    pub blocks: usize,
    /// Documents, as often as they hold a number.
    pub records: usize,
    /// Bytes of numbers and sets, without those of the maps.
    pub bytes: usize,
}

impl Numbers {
    /// Adds the numbers of a document.
    pub fn add(&mut self, id: DocumentId, numbers: &[f64]) {
        self.has_several |= numbers.len() > 1;
        if !numbers.is_empty() {
            self.all.insert(id);
        }
        for &number in numbers {
            self.add_one(id, Ordered(number));
        }
    }

    /// The numbers of many documents, all at once.
    pub(super) fn of_all(mut all: Vec<(f64, DocumentId)>, has_several: bool) -> Numbers {
        let order = |(number, id): &(f64, DocumentId)| (Ordered(*number), *id);
        all.par_sort_unstable_by_key(order);
        all.dedup_by_key(|pair| order(pair));
        let mut ids: Vec<DocumentId> = all.iter().map(|(_, id)| *id).collect();
        ids.par_sort_unstable();
        ids.dedup();
        let mut numbers = Numbers {
            all: RoaringBitmap::from_sorted_iter(ids).unwrap_or_default(),
            has_several,
            ..Numbers::default()
        };
        let mut rest = &all[..];
        let mut from = Ordered(f64::NEG_INFINITY);
        while let Some(&(first, _)) = rest.first() {
            // As many as a block has that was just cut, and then all of the last number.
            let least = rest.len().min(BLOCK_MAX / 2);
            let last = Ordered(rest[least - 1].0);
            let count = least + rest[least..].partition_point(|(n, _)| Ordered(*n) == last);
            let (own, behind) = rest.split_at(count);
            if !numbers.blocks.is_empty() {
                from = Ordered(first);
            }
            numbers.blocks.insert(from, Block::of_sorted(own));
            rest = behind;
        }
        numbers
    }

    /// Numbers above one, or all, each with its documents, in their order: so many documents, or a few more.
    pub(super) fn after(&self, after: Option<f64>, count: usize) -> Vec<(f64, DocumentId)> {
        let after = after.map_or(Bound::Unbounded, |after| Bound::Excluded(Ordered(after)));
        let mut found = Vec::new();
        let blocks = self.blocks_from(after);
        let numbers = blocks.flat_map(|block| block.range(after, Bound::Unbounded));
        for (number, holders) in numbers {
            if found.len() >= count {
                break;
            }
            found.extend(holders.ids().map(|id| (number.0, id)));
        }
        found
    }

    /// Takes the numbers of a document out, all that it has.
    pub fn remove(&mut self, id: DocumentId, numbers: impl Iterator<Item = f64>) {
        self.all.remove(id);
        for number in numbers {
            self.remove_one(id, Ordered(number));
        }
    }

    /// What they take; looks at all of them.
    pub fn size(&self) -> NumbersSize {
        let mut size = NumbersSize {
            blocks: self.blocks.len(),
            bytes: self.all.serialized_size(),
            ..NumbersSize::default()
        };
        for (records, bytes) in self.blocks.values().map(Block::size) {
            size.records += records;
            size.bytes += bytes;
        }
        size
    }

    /// Documents with a number between two bounds.
    pub fn between(&self, min: Bound<f64>, max: Bound<f64>) -> RoaringBitmap {
        let half = self.all.len() as usize / 2;
        // Those outside are fewer. A document of several numbers may have some on both sides.
        if !self.has_several && self.count(min, max, half) > half {
            let below = beyond(min).map(|max| self.union_of(Bound::Unbounded, max));
            let above = beyond(max).map(|min| self.union_of(min, Bound::Unbounded));
            let outside = below.into_iter().chain(above);
            return outside.fold(self.all.clone(), |inside, outside| inside - outside);
        }
        self.union_of(min, max)
    }

    /// The same, by going through all that are between.
    fn union_of(&self, min: Bound<f64>, max: Bound<f64>) -> RoaringBitmap {
        let (min, max) = (min.map(Ordered), max.map(Ordered));
        if is_empty(min, max) {
            return RoaringBitmap::new();
        }
        let (mut ones, mut sets) = (Vec::new(), Vec::new());
        for block in self.blocks_from(min) {
            let Some((first, last)) = block.ends() else {
                continue;
            };
            if is_between(first, min, max) && is_between(last, min, max) {
                sets.push(block.all());
                continue;
            }
            if !is_below(first, max) {
                break;
            }
            for (_, holders) in block.range(min, max) {
                match holders {
                    Holders::Few(_) => ones.extend(holders.ids()),
                    Holders::Set(ids) => sets.push(ids),
                }
            }
        }
        ones.sort_unstable();
        ones.dedup();
        let ones = RoaringBitmap::from_sorted_iter(ones).unwrap_or_default();
        sets.push(&ones);
        sets.union()
    }

    /// How many there are; each as often as it holds such a number, at most. Beyond `enough` nobody counts on.
    pub fn count(&self, min: Bound<f64>, max: Bound<f64>, enough: usize) -> usize {
        let (min, max) = (min.map(Ordered), max.map(Ordered));
        if is_empty(min, max) {
            return 0;
        }
        let mut count = 0;
        for block in self.blocks_from(min) {
            let Some((first, last)) = block.ends() else {
                continue;
            };
            if !is_below(first, max) || count > enough {
                break;
            }
            count += match is_between(first, min, max) && is_between(last, min, max) {
                true => block.all().len() as usize,
                false => block.range(min, max).map(|(_, held)| held.len()).sum(),
            };
        }
        count
    }

    /// Those of some documents that hold a number, the one with the least first, of equal ones the older, or all the other way
    /// round; none where documents may have several. It goes on in steps: whoever takes few of many has few looked at.
    pub fn in_order<'n>(
        &'n self,
        ids: &'n RoaringBitmap,
        is_descending: bool,
    ) -> Option<impl Iterator<Item = (f64, DocumentId)> + 'n> {
        if self.has_several {
            return None;
        }
        let blocks = self.blocks.values();
        let blocks = directed(blocks, is_descending).filter(|block| !block.all().is_disjoint(ids));
        let numbers = blocks.flat_map(move |block| directed(block.numbers(), is_descending));
        let found = numbers.flat_map(move |(number, holders)| {
            let (few, set) = match holders {
                Holders::Few(_) => (Some(holders), None),
                Holders::Set(set) => (None, Some(set & ids)),
            };
            let few = few.into_iter().flat_map(Holders::ids);
            let few = few.filter(|id| ids.contains(*id));
            let held = few.chain(set.into_iter().flatten());
            directed(held, is_descending).map(move |id| (number.0, id))
        });
        Some(found)
    }

    fn add_one(&mut self, id: DocumentId, number: Ordered) {
        if self.blocks.is_empty() {
            let least = Ordered(f64::NEG_INFINITY);
            self.blocks.insert(least, Block::default());
        }
        let Some((_, block)) = self.blocks.range_mut(..=number).next_back() else {
            return;
        };
        block.add(id, number);
        if block.is_full()
            && let Some((from, upper)) = block.cut()
        {
            self.blocks.insert(from, upper);
        }
    }

    fn remove_one(&mut self, id: DocumentId, number: Ordered) {
        let Some((from, block)) = self.blocks.range_mut(..=number).next_back() else {
            return;
        };
        block.remove(id, number, self.has_several);
        let from = *from;
        // The bounds of the others hold without this one, unless it is the first.
        if block.ends().is_none() && from.0 > f64::NEG_INFINITY {
            self.blocks.remove(&from);
        }
    }

    /// The blocks that may hold numbers from `min` on.
    fn blocks_from(&self, min: Bound<Ordered>) -> impl Iterator<Item = &Block> {
        let from = match min {
            Bound::Included(min) | Bound::Excluded(min) => min,
            Bound::Unbounded => Ordered(f64::NEG_INFINITY),
        };
        let first = self.blocks.range(..=from).next_back();
        let first = first.map_or(from, |(first, _)| *first);
        self.blocks.range(first..).map(|(_, block)| block)
    }
}

/// From the first on, or from the last.
fn directed<I: DoubleEndedIterator>(
    mut all: I,
    is_backwards: bool,
) -> impl Iterator<Item = I::Item> {
    std::iter::from_fn(move || match is_backwards {
        true => all.next_back(),
        false => all.next(),
    })
}

/// A bound of the numbers on the other side of a bound; none if there is no other side.
fn beyond(bound: Bound<f64>) -> Option<Bound<f64>> {
    match bound {
        Bound::Included(number) => Some(Bound::Excluded(number)),
        Bound::Excluded(number) => Some(Bound::Included(number)),
        Bound::Unbounded => None,
    }
}

fn is_below(number: Ordered, max: Bound<Ordered>) -> bool {
    match max {
        Bound::Included(max) => number <= max,
        Bound::Excluded(max) => number < max,
        Bound::Unbounded => true,
    }
}

fn is_above(number: Ordered, min: Bound<Ordered>) -> bool {
    match min {
        Bound::Included(min) => number >= min,
        Bound::Excluded(min) => number > min,
        Bound::Unbounded => true,
    }
}

fn is_between(number: Ordered, min: Bound<Ordered>, max: Bound<Ordered>) -> bool {
    is_above(number, min) && is_below(number, max)
}

/// Whether no number can lie between the bounds; maps do not take such.
fn is_empty(min: Bound<Ordered>, max: Bound<Ordered>) -> bool {
    match (min, max) {
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => {
            let is_point = matches!((min, max), (Bound::Included(_), Bound::Included(_)));
            a > b || (a == b && !is_point)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A fixed sequence of numbers that look drawn.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (self.0 >> 33) % end
        }
    }

    fn check(seed: u64, kinds: u64, several: u64) {
        check_from(seed, kinds, several, 0);
        check_from(seed, kinds, several, 6_000);
    }

    /// `at_once` documents come all at once, the others one by one.
    fn check_from(seed: u64, kinds: u64, several: u64, at_once: u32) {
        let mut dice = Dice(seed);
        let (mut numbers, mut first) = (Numbers::default(), Vec::new());
        let mut twin: BTreeMap<DocumentId, Vec<f64>> = BTreeMap::new();
        for id in 1..12_000u32 {
            let count = 1 + dice.below(several);
            let mut draw = || dice.below(kinds) as f64 / 4.0 - 100.0;
            let given: Vec<f64> = (0..count).map(|_| draw()).collect();
            if id < at_once {
                first.extend(given.iter().map(|number| (*number, id)));
                twin.insert(id, given);
                continue;
            }
            if id == at_once {
                numbers = Numbers::of_all(std::mem::take(&mut first), several > 1);
            }
            numbers.add(id, &given);
            twin.insert(id, given);
            if dice.below(3) == 0 {
                let gone = 1 + dice.below(u64::from(id)) as u32;
                if let Some(had) = twin.remove(&gone) {
                    numbers.remove(gone, had.into_iter());
                }
            }
        }
        for _ in 0..300 {
            let mut bound = || {
                let number = dice.below(kinds) as f64 / 4.0 - 100.0;
                [
                    Bound::Included(number),
                    Bound::Excluded(number),
                    Bound::Unbounded,
                ][dice.below(3) as usize]
            };
            let (min, max) = (bound(), bound());
            let inside = |n: &f64| is_between(Ordered(*n), min.map(Ordered), max.map(Ordered));
            let passing = twin.iter().filter(|(_, held)| held.iter().any(inside));
            let expected: BTreeSet<DocumentId> = passing.map(|(id, _)| *id).collect();
            let found: BTreeSet<DocumentId> = numbers.between(min, max).iter().collect();
            assert_eq!(found, expected, "seed {seed}, {min:?} to {max:?}");
            let count = numbers.count(min, max, usize::MAX);
            match several {
                1 => assert_eq!(count, found.len(), "seed {seed}, {min:?} to {max:?}"),
                _ => assert!(count >= found.len() && count <= found.len() * several as usize),
            }
            assert!(numbers.count(min, max, 700) >= count.min(700));
        }
        check_order(&numbers, &twin, &mut dice, seed);
        let mut pairs: Vec<(f64, DocumentId)> = Vec::new();
        loop {
            let part = numbers.after(pairs.last().map(|(number, _)| *number), 100);
            if part.is_empty() {
                break;
            }
            pairs.extend(part);
        }
        let held = twin
            .iter()
            .flat_map(|(id, held)| held.iter().map(|n| (*n, *id)));
        let mut expected: Vec<(f64, DocumentId)> = held.collect();
        expected.sort_by_key(|(number, id)| (Ordered(*number), *id));
        expected.dedup();
        assert_eq!(pairs, expected, "seed {seed}");
        let left: Vec<DocumentId> = twin.keys().copied().collect();
        for id in left {
            numbers.remove(id, twin[&id].iter().copied());
        }
        let left = numbers
            .blocks
            .values()
            .filter(|block| !block.all().is_empty());
        assert_eq!((left.count(), numbers.blocks.len()), (0, 1), "seed {seed}");
        assert!(numbers.all.is_empty(), "seed {seed}");
    }

    /// About half of the documents, in order.
    fn check_order(
        numbers: &Numbers,
        twin: &BTreeMap<DocumentId, Vec<f64>>,
        dice: &mut Dice,
        seed: u64,
    ) {
        let ids: RoaringBitmap = (1..12_000).filter(|_| dice.below(2) == 0).collect();
        let asked = twin.iter().filter(|(id, _)| ids.contains(**id));
        let mut expected: Vec<(f64, DocumentId)> = asked.map(|(id, held)| (held[0], *id)).collect();
        expected.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let found =
            |is_descending| Some(numbers.in_order(&ids, is_descending)?.collect::<Vec<_>>());
        if numbers.has_several {
            assert_eq!(found(false), None, "seed {seed}");
            return;
        }
        assert_eq!(found(false).as_ref(), Some(&expected), "seed {seed}");
        expected.reverse();
        assert_eq!(found(true), Some(expected), "seed {seed}");
    }

    #[test]
    fn ranges_are_those_of_a_plain_map() {
        check(1, 1 << 30, 1);
        check(2, 100, 1);
        check(3, 2, 1);
        check(4, 5_000, 3);
    }

    #[test]
    fn a_number_of_its_own_takes_little() {
        for at_once in [false, true] {
            let all = (1..10_000u32).map(|id| (f64::from(id * 7919 % 10_007), id));
            let mut numbers = Numbers::default();
            match at_once {
                true => numbers = Numbers::of_all(all.collect(), false),
                false => all.for_each(|(number, id)| numbers.add(id, &[number])),
            }
            let size = numbers.size();
            assert_eq!(size.records, 9_999);
            assert!(size.bytes < 18 * size.records, "{size:?}");
        }
    }

    #[test]
    fn the_two_zeros_are_one() {
        let mut numbers = Numbers::default();
        numbers.add(1, &[0.0]);
        numbers.add(2, &[-0.0]);
        let zero = Bound::Included(0.0);
        assert_eq!(numbers.between(zero, zero).len(), 2);
    }
}

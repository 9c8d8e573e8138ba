//! Which documents hold a number, in the order of the numbers. Numbers that are near each other are kept in blocks that know all of
//! their documents, so that a range asks its two outermost blocks for single numbers and every block between for a set.

use super::fields::DocumentId;
use rayon::slice::ParallelSliceMut;
use roaring::{MultiOps, RoaringBitmap};
use std::collections::BTreeMap;
use std::ops::Bound;

/// A block with more documents is cut in two, unless they all hold one number.
const BLOCK_MAX: u64 = 512;

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
    /// Whether a document ever had several numbers.
    has_several: bool,
}

/// What a field's numbers take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumbersSize {
    /// Blocks of numbers.
    pub blocks: usize,
    /// Different numbers.
    pub numbers: usize,
    /// Documents, as often as they hold a number.
    pub records: usize,
    /// Bytes of numbers and sets, without those of the maps.
    pub bytes: usize,
}

#[derive(Default)]
struct Block {
    numbers: BTreeMap<Ordered, Holders>,
    all: RoaringBitmap,
}

/// The documents that hold one number: most often one.
enum Holders {
    One(DocumentId),
    Several(RoaringBitmap),
}

impl Holders {
    fn has(&self, id: DocumentId) -> bool {
        match self {
            Holders::One(one) => *one == id,
            Holders::Several(ids) => ids.contains(id),
        }
    }

    fn add(&mut self, id: DocumentId) {
        match self {
            Holders::One(one) if *one == id => {}
            Holders::One(one) => *self = Holders::Several([*one, id].into_iter().collect()),
            Holders::Several(ids) => drop(ids.insert(id)),
        }
    }

    /// Takes a document out; whether nobody is left.
    fn remove(&mut self, id: DocumentId) -> bool {
        match self {
            Holders::One(one) => *one == id,
            Holders::Several(ids) => {
                ids.remove(id);
                ids.is_empty()
            }
        }
    }

    fn len(&self) -> u64 {
        match self {
            Holders::One(_) => 1,
            Holders::Several(ids) => ids.len(),
        }
    }
}

impl Numbers {
    /// Adds the numbers of a document.
    pub fn add(&mut self, id: DocumentId, numbers: &[f64]) {
        self.has_several |= numbers.len() > 1;
        for &number in numbers {
            self.add_one(id, Ordered(number));
        }
    }

    /// The numbers of many documents, all at once.
    pub(super) fn of_all(mut all: Vec<(f64, DocumentId)>, has_several: bool) -> Numbers {
        let order = |(number, id): &(f64, DocumentId)| (Ordered(*number), *id);
        all.par_sort_unstable_by_key(order);
        let mut numbers = Numbers {
            has_several,
            ..Numbers::default()
        };
        let mut rest = &all[..];
        let mut from = Ordered(f64::NEG_INFINITY);
        while let Some(&(first, _)) = rest.first() {
            // As many as a block has that was just cut, and then all of the last number.
            let least = rest.len().min(BLOCK_MAX as usize / 2);
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
        let numbers = blocks.flat_map(|block| block.numbers.range((after, Bound::Unbounded)));
        for (number, holders) in numbers {
            if found.len() >= count {
                break;
            }
            match holders {
                Holders::One(id) => found.push((number.0, *id)),
                Holders::Several(ids) => found.extend(ids.iter().map(|id| (number.0, id))),
            }
        }
        found
    }

    /// Takes the numbers of a document out.
    pub fn remove(&mut self, id: DocumentId, numbers: impl Iterator<Item = f64>) {
        for number in numbers {
            self.remove_one(id, Ordered(number));
        }
    }

    /// What they take; looks at all of them.
    pub fn size(&self) -> NumbersSize {
        let mut size = NumbersSize {
            blocks: self.blocks.len(),
            ..NumbersSize::default()
        };
        for block in self.blocks.values() {
            size.numbers += block.numbers.len();
            size.bytes += block.all.serialized_size();
            for holders in block.numbers.values() {
                size.records += holders.len() as usize;
                size.bytes += size_of::<(Ordered, Holders)>();
                if let Holders::Several(ids) = holders {
                    size.bytes += ids.serialized_size();
                }
            }
        }
        size
    }

    /// Documents with a number between two bounds.
    pub fn between(&self, min: Bound<f64>, max: Bound<f64>) -> RoaringBitmap {
        let (min, max) = (min.map(Ordered), max.map(Ordered));
        if is_empty(min, max) {
            return RoaringBitmap::new();
        }
        let (mut ones, mut sets) = (Vec::new(), Vec::new());
        for block in self.blocks_from(min) {
            let numbers = &block.numbers;
            let ends = [numbers.first_key_value(), numbers.last_key_value()];
            let is_inside = |number: &Ordered| is_between(*number, min, max);
            if ends.iter().flatten().all(|(number, _)| is_inside(number)) {
                sets.push(&block.all);
                continue;
            }
            let mut found = numbers.range((min, max)).peekable();
            if found.peek().is_none() && ends[0].is_some_and(|(n, _)| !is_below(*n, max)) {
                break;
            }
            for (_, holders) in found {
                match holders {
                    Holders::One(id) => ones.push(*id),
                    Holders::Several(ids) => sets.push(ids),
                }
            }
        }
        ones.sort_unstable();
        ones.dedup();
        let ones = RoaringBitmap::from_sorted_iter(ones).unwrap_or_default();
        sets.push(&ones);
        sets.union()
    }

    /// Those of some documents that hold a number, the one with the least (or the greatest) first, of equal ones the older; none
    /// where documents may have several. It goes on in steps: whoever takes few of many has few looked at.
    pub fn in_order<'n>(
        &'n self,
        ids: &'n RoaringBitmap,
        is_descending: bool,
    ) -> Option<impl Iterator<Item = (f64, DocumentId)> + 'n> {
        if self.has_several {
            return None;
        }
        let blocks = self.blocks.values();
        let blocks = directed(blocks, is_descending).filter(|block| !block.all.is_disjoint(ids));
        let numbers = blocks.flat_map(move |block| directed(block.numbers.iter(), is_descending));
        let found = numbers.flat_map(move |(number, holders)| {
            let (one, several) = match holders {
                Holders::One(id) => (ids.contains(*id).then_some(*id), None),
                Holders::Several(several) => (None, Some(several & ids)),
            };
            let held = one.into_iter().chain(several.into_iter().flatten());
            held.map(|id| (number.0, id))
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
        let holders = block.numbers.entry(number);
        holders
            .and_modify(|holders| holders.add(id))
            .or_insert(Holders::One(id));
        block.all.insert(id);
        if block.all.len() > BLOCK_MAX
            && let Some((from, upper)) = block.cut()
        {
            self.blocks.insert(from, upper);
        }
    }

    fn remove_one(&mut self, id: DocumentId, number: Ordered) {
        let Some((from, block)) = self.blocks.range_mut(..=number).next_back() else {
            return;
        };
        let Some(holders) = block.numbers.get_mut(&number).filter(|h| h.has(id)) else {
            return;
        };
        if holders.remove(id) {
            block.numbers.remove(&number);
        }
        if !self.has_several || !block.numbers.values().any(|holders| holders.has(id)) {
            block.all.remove(id);
        }
        let from = *from;
        // The bounds of the others hold without this one, unless it is the first.
        if block.numbers.is_empty() && from.0 > f64::NEG_INFINITY {
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

impl Block {
    /// Cuts off the upper half, with the number that it begins at; none of a block of one number.
    fn cut(&mut self) -> Option<(Ordered, Block)> {
        let half = self.all.len() / 2;
        let mut before = 0;
        // The first number with half of the documents below it, or the last.
        let mut at = None;
        for (number, holders) in &self.numbers {
            if before > 0 {
                at = Some(*number);
            }
            if before >= half.max(1) {
                break;
            }
            before += holders.len();
        }
        let at = at?;
        let upper = Block::of(self.numbers.split_off(&at));
        *self = Block::of(std::mem::take(&mut self.numbers));
        Some((at, upper))
    }

    fn of_sorted(own: &[(f64, DocumentId)]) -> Block {
        let same = own.chunk_by(|one, other| Ordered(one.0) == Ordered(other.0));
        let numbers = same.map(|same| {
            let ids = same.iter().map(|(_, id)| *id);
            let mut holders = Holders::One(same[0].1);
            if same[0].1 != same[same.len() - 1].1 {
                holders = Holders::Several(ids.collect());
            }
            (Ordered(same[0].0), holders)
        });
        Block::of(numbers.collect())
    }

    fn of(numbers: BTreeMap<Ordered, Holders>) -> Block {
        let (mut ones, mut sets) = (Vec::new(), Vec::new());
        for holders in numbers.values() {
            match holders {
                Holders::One(id) => ones.push(*id),
                Holders::Several(ids) => sets.push(ids),
            }
        }
        let ones: RoaringBitmap = ones.into_iter().collect();
        sets.push(&ones);
        let all = sets.union();
        Block { numbers, all }
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

fn is_below(number: Ordered, max: Bound<Ordered>) -> bool {
    match max {
        Bound::Included(max) => number <= max,
        Bound::Excluded(max) => number < max,
        Bound::Unbounded => true,
    }
}

fn is_between(number: Ordered, min: Bound<Ordered>, max: Bound<Ordered>) -> bool {
    let is_above = match min {
        Bound::Included(min) => number >= min,
        Bound::Excluded(min) => number > min,
        Bound::Unbounded => true,
    };
    is_above && is_below(number, max)
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
            .filter(|block| !block.all.is_empty());
        assert_eq!((left.count(), numbers.blocks.len()), (0, 1), "seed {seed}");
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
        expected.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
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
    fn the_two_zeros_are_one() {
        let mut numbers = Numbers::default();
        numbers.add(1, &[0.0]);
        numbers.add(2, &[-0.0]);
        let zero = Bound::Included(0.0);
        assert_eq!(numbers.between(zero, zero).len(), 2);
    }
}

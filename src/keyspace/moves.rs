//! Where elements moved to lately. An update puts an element into a new slot and then takes it out of its old one: a search that came by
//! the new one before it was filled, and by the old one after it was emptied, met it in neither, and looks here.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// Moves that are remembered for each element, of four bytes each.
const REMEMBERED_EACH: usize = 4;
/// Moves that are remembered at least, and at most.
const REMEMBERED: (usize, usize) = (64, 4096);

/// The last moves of one collection's elements.
#[derive(Default)]
pub(super) struct Moves {
    /// Moves that there ever were.
    count: AtomicU64,
    /// The slots of the last of them.
    last: Mutex<VecDeque<u32>>,
}

impl Moves {
    /// An element of a collection of so many is in this slot now, linked, and about to leave another.
    pub(super) fn add(&self, slot: u32, elements: usize) {
        let mut last = self.last.lock();
        let (least, most) = REMEMBERED;
        let remembered = (REMEMBERED_EACH * elements).clamp(least, most);
        let forgotten = (last.len() + 1).saturating_sub(remembered);
        last.drain(..forgotten);
        last.push_back(slot);
        // Release: who reads the number finds whoever moved before.
        self.count.fetch_add(1, Ordering::Release);
    }

    /// How many moves there were.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// The slots of all moves since there had been so many, in their order; none if they are not remembered any more.
    pub(super) fn since(&self, count: u64) -> Option<Vec<u32>> {
        if self.count() == count {
            return Some(Vec::new());
        }
        let last = self.last.lock();
        let first = self.count() - last.len() as u64;
        let known = count.checked_sub(first)?;
        Some(last.iter().skip(known as usize).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_told_in_their_order() {
        let moves = Moves::default();
        let start = moves.count();
        assert_eq!(moves.since(start), Some(vec![]));
        moves.add(7, 1000);
        let later = moves.count();
        moves.add(8, 1000);
        moves.add(7, 1000);
        assert_eq!(moves.since(start), Some(vec![7, 8, 7]));
        assert_eq!(moves.since(later), Some(vec![8, 7]));
    }

    #[test]
    fn the_last_moves_are_remembered() {
        for (elements, remembered) in [(0, 64), (100, 400), (100_000, 4096)] {
            let moves = Moves::default();
            (0..5000).for_each(|slot| moves.add(slot, elements));
            let all: Vec<u32> = (5000 - remembered..5000).collect();
            assert_eq!(moves.since(u64::from(5000 - remembered)), Some(all));
            assert_eq!(moves.since(u64::from(4999 - remembered)), None);
        }
    }
}

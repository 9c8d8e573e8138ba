//! The sorted set value: members with scores, found by member, by score and by rank. Both halves are shared with a snapshot
//! until they change.

mod tree;

use super::buckets::Buckets;
use bytes::Bytes;
use std::ops::Range;
use tree::Tree;
pub use tree::{Items, Ranked};

/// Members with scores. Cloning shares them.
#[derive(Clone)]
pub struct SortedSet {
    scores: Buckets<f64>,
    order: Tree,
}

impl SortedSet {
    /// An empty one; `seed` keeps clients from choosing members that collide.
    pub fn new(seed: u64) -> SortedSet {
        SortedSet {
            scores: Buckets::new(seed),
            order: Tree::new(),
        }
    }

    /// Number of members.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all members.
    pub fn bytes(&self) -> usize {
        self.scores.bytes()
    }

    /// The score of a member.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).copied()
    }

    /// How many members come before this one, if it is there. O(log n).
    pub fn rank_of(&self, member: &[u8]) -> Option<usize> {
        let score = self.score(member)?;
        Some(self.rank(|item| item.order(score, member).is_lt()))
    }

    /// How many members come first for which `is_before` holds, which must hold for none after one for which it does not.
    /// O(log n).
    pub fn rank(&self, is_before: impl Fn(&Ranked) -> bool) -> usize {
        self.order.rank(is_before)
    }

    /// The members of these ranks, in order, from both ends; ranks beyond the end are left out.
    pub fn range(&self, ranks: Range<usize>) -> Items<'_> {
        let end = ranks.end.min(self.len());
        self.order.range(ranks.start.min(end)..end)
    }

    /// All members in order.
    pub fn iter(&self) -> Items<'_> {
        self.range(0..self.len())
    }

    /// About `count` members from `cursor` on, with the cursor to go on (0: done). A member that stays is seen whatever
    /// happens to others between two calls.
    pub fn scan(&self, cursor: u64, count: usize) -> (u64, Vec<(&Bytes, f64)>) {
        let (next, found) = self.scores.scan(cursor, count);
        let found = found.into_iter().map(|(member, score)| (member, *score));
        (next, found.collect())
    }

    /// Sets the score of a member, which must not be NaN; the old one. Both zeros are kept as the positive one.
    pub fn insert(&mut self, member: Bytes, score: f64) -> Option<f64> {
        debug_assert!(!score.is_nan());
        let score = score + 0.0;
        let old = self.score(&member);
        if old == Some(score) {
            return old;
        }
        // Both halves keep one copy of the name.
        let member = match old.and_then(|old| self.order.remove(old, &member)) {
            Some(ranked) => ranked.member,
            None => member,
        };
        self.scores.insert(member.clone(), score);
        self.order.insert(Ranked { score, member });
        old
    }

    /// Removes a member; its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.scores.remove(member)?;
        self.order.remove(score, member);
        Some(score)
    }
}

impl PartialEq for SortedSet {
    /// Equal members with equal scores.
    fn eq(&self, other: &SortedSet) -> bool {
        self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for SortedSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pairs = self.iter().map(|item| (&item.member, item.score));
        f.debug_map().entries(pairs).finish()
    }
}

#[cfg(test)]
mod tests;

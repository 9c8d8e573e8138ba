//! Candidates as ordered numbers, and the sorted array that keeps the nearest of them: the ef list of a walk, the top k
//! of a scan.

use super::Neighbour;
use super::horizon::Horizon;

/// A slot and its distance in one u64 that orders by distance, then slot: the distance's bits made monotonic in the
/// upper half, then 31 bits of slot, then a mark that the walk sets when it has read the slot's links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate(u64);

/// Slots that fit beside the mark.
pub(super) const SLOTS_MAX: u32 = 1 << 31;

const EXPANDED: u64 = 1;

impl Candidate {
    #[inline]
    pub(super) fn new(distance: f32, slot: u32) -> Candidate {
        let bits = distance.to_bits();
        let ordered = if bits >> 31 == 1 {
            !bits
        } else {
            bits | 1 << 31
        };
        Candidate(u64::from(ordered) << 32 | u64::from(slot) << 1)
    }

    #[inline]
    pub(super) fn distance(self) -> f32 {
        let ordered = (self.0 >> 32) as u32;
        f32::from_bits(if ordered >> 31 == 1 {
            ordered & !(1 << 31)
        } else {
            !ordered
        })
    }

    #[inline]
    pub(super) fn slot(self) -> u32 {
        self.0 as u32 >> 1
    }

    #[inline]
    fn is_expanded(self) -> bool {
        self.0 & EXPANDED != 0
    }

    /// The same with the mark off.
    pub(super) fn fresh(self) -> Candidate {
        Candidate(self.0 & !EXPANDED)
    }
}

impl From<Candidate> for Neighbour {
    fn from(candidate: Candidate) -> Neighbour {
        Neighbour {
            distance: candidate.distance(),
            slot: candidate.slot(),
        }
    }
}

/// The nearest candidates that were offered, sorted: as many and as far as the horizon says.
#[derive(Default)]
pub(super) struct Nearest {
    candidates: Vec<Candidate>,
    horizon: Horizon,
    /// Nothing is kept but what is nearer.
    bound: Option<Candidate>,
    /// All before this are expanded.
    open: usize,
}

impl Nearest {
    #[cfg(test)]
    fn within(horizon: Horizon) -> Nearest {
        Nearest {
            horizon,
            ..Nearest::default()
        }
    }

    pub(super) fn reset(&mut self, horizon: Horizon) {
        self.candidates.clear();
        self.horizon = horizon;
        self.bound = None;
        self.open = 0;
    }

    /// Goes on with another horizon, if that takes in more.
    pub(super) fn widen(&mut self, horizon: Horizon) {
        if horizon.most > self.horizon.most {
            self.horizon = horizon;
            self.bound = None;
        }
    }

    /// Drops what lies beyond the horizon, as it is by now, and admits nothing there any more.
    #[inline]
    pub(super) fn narrow(&mut self) {
        let Horizon {
            ef, least, rank, ..
        } = self.horizon;
        if self.candidates.len() <= least {
            return;
        }
        let distance = |rank: usize| self.candidates[rank - 1].distance();
        let bound = match self.horizon.bound(distance(1), distance(rank)) {
            Some(bound) => Candidate::new(bound, SLOTS_MAX - 1),
            // The ef nearest are kept, and all while they are fewer.
            None if self.candidates.len() < ef => {
                self.bound = None;
                return;
            }
            None => self.candidates[ef - 1].fresh(),
        };
        let bound = bound.max(self.candidates[least - 1].fresh());
        let is_beyond = |candidate: &Candidate| candidate.fresh() > bound;
        while self.candidates.len() > least && self.candidates.last().is_some_and(is_beyond) {
            self.candidates.pop();
        }
        self.open = self.open.min(self.candidates.len());
        self.bound = Some(bound);
    }

    /// By how much distances grew with rank, if that can be told.
    pub(super) fn observed_spread(&self) -> Option<f32> {
        let found = self.candidates.len();
        let distance = |rank: usize| self.candidates[rank - 1].distance();
        (found >= self.horizon.rank).then(|| self.horizon.observed(found, distance))?
    }

    /// Whether a candidate would be kept.
    #[inline]
    pub(super) fn admits(&self, candidate: Candidate) -> bool {
        let is_far = self.bound.is_some_and(|bound| candidate > bound);
        !is_far
            && (self.candidates.len() < self.horizon.most
                || self
                    .candidates
                    .last()
                    .is_some_and(|worst| candidate < *worst))
    }

    /// Keeps the candidate if it is among the nearest. It must not have been offered before.
    #[inline]
    pub(super) fn offer(&mut self, candidate: Candidate) {
        if !self.admits(candidate) {
            return;
        }
        if self.candidates.len() == self.horizon.most {
            self.candidates.pop();
        }
        let at = self.candidates.partition_point(|other| *other < candidate);
        self.candidates.insert(at, candidate);
        self.open = self.open.min(at);
    }

    /// The nearest candidate whose links were not read yet, marked as read now.
    #[inline]
    pub(super) fn take_open(&mut self) -> Option<u32> {
        self.skip_expanded();
        let candidate = self.candidates.get_mut(self.open)?;
        candidate.0 |= EXPANDED;
        self.open += 1;
        Some(candidate.slot())
    }

    /// The next `count` slots that [`Nearest::take_open`] would give.
    #[inline]
    pub(super) fn peek_open(&mut self, count: usize) -> impl Iterator<Item = u32> + '_ {
        self.skip_expanded();
        let open = self.candidates[self.open..]
            .iter()
            .filter(|c| !c.is_expanded());
        open.take(count).map(|c| c.slot())
    }

    #[inline]
    fn skip_expanded(&mut self) {
        while self
            .candidates
            .get(self.open)
            .is_some_and(|c| c.is_expanded())
        {
            self.open += 1;
        }
    }

    /// Beyond which nothing is kept any more; none while everything is.
    pub(super) fn bound(&self) -> Option<Candidate> {
        let is_full = self.candidates.len() >= self.horizon.most;
        let worst = self.candidates.last().filter(|_| is_full);
        let worst = worst.map(|worst| worst.fresh());
        match (worst, self.bound) {
            (Some(worst), Some(bound)) => Some(worst.min(bound)),
            (worst, bound) => worst.or(bound),
        }
    }

    pub(super) fn best(&self) -> Option<Candidate> {
        self.candidates.first().map(|c| c.fresh())
    }

    /// Nearest first, marks off.
    pub(super) fn iter(&self) -> impl Iterator<Item = Candidate> + '_ {
        self.candidates.iter().map(|c| c.fresh())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_order_by_distance_then_slot() {
        let distances = [
            f32::NEG_INFINITY,
            -2.5,
            -1e-40,
            0.0,
            1e-40,
            0.5,
            2.0,
            f32::MAX,
            f32::INFINITY,
        ];
        let all: Vec<_> = distances
            .iter()
            .flat_map(|&d| [Candidate::new(d, 3), Candidate::new(d, SLOTS_MAX - 1)])
            .collect();
        assert!(all.is_sorted());
        for (at, candidate) in all.iter().enumerate() {
            assert_eq!(candidate.distance(), distances[at / 2]);
            assert_eq!(candidate.slot(), [3, SLOTS_MAX - 1][at % 2]);
        }
    }

    #[test]
    fn the_array_keeps_the_nearest_and_gives_each_out_once() {
        let mut nearest = Nearest::within(Horizon::count(3));
        for (slot, distance) in [5.0, 1.0, 4.0, 2.0].into_iter().enumerate() {
            nearest.offer(Candidate::new(distance, slot as u32));
        }
        assert_eq!(nearest.take_open(), Some(1));
        assert_eq!(nearest.take_open(), Some(3));
        nearest.offer(Candidate::new(0.5, 9));
        assert_eq!(nearest.peek_open(3).collect::<Vec<_>>(), [9]);
        assert_eq!(nearest.take_open(), Some(9));
        assert_eq!(nearest.take_open(), None);
        assert_eq!(
            nearest.iter().map(|c| c.slot()).collect::<Vec<_>>(),
            [9, 1, 3]
        );
    }
}

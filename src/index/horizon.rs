//! How far a walk looks: which of the candidates it met are worth keeping, and so when it ends.
//!
//! A list of ef candidates (the paper's W) treats all queries alike. But a query whose nearest neighbours stand apart from the rest is
//! answered long before that list is full of nodes that cannot matter, and one whose neighbours are many and equally far needs
//! more than ef. So a walk keeps what is not much farther than the k-th nearest so far, as a share of that distance: about ef
//! candidates for a typical query of the index, fewer for an easy and more for a hard one. At equal work the recall is higher
//! (docs/decisions/010; the rule without its bounds, and proofs for it: Distance Adaptive Beam Search, arXiv 2505.15636).

use super::spread::Spread;

/// A search measures from its k-th candidate, or from this one: nearer ones tell too little of a neighbourhood.
const RANK_MIN: usize = 10;
/// A search keeps ef divided by this at least,
const EF_DIVISOR: usize = 4;
/// and ef times this at most.
const EF_FACTOR: usize = 2;
/// How distances to candidates for links are taken to grow with rank. Elements stand nearer to each other than queries do to them,
/// and more unevenly: measured .12 on text embeddings and .15 on clustered vectors, in the median.
const LINK_SPREAD: f32 = 0.12;

/// Bounds of a list of candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Horizon {
    /// Candidates kept where distances tell nothing: zero has no shares.
    pub(super) ef: usize,
    /// The nearest, kept however far they are.
    pub(super) least: usize,
    /// Kept at most.
    pub(super) most: usize,
    /// Beyond `least` a candidate is kept if its distance is at most that of the one with this rank (from 1, at most `least`),
    pub(super) rank: usize,
    /// times this.
    pub(super) factor: f32,
    /// The one with the rank is farther than the nearest by more than this share, or they are a clump, which tells nothing.
    pub(super) flat: f32,
    /// What distances are measured by.
    pub(super) scale: Scale,
}

/// What the distances of one walk are measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Scale {
    /// Shares are those of what a distance is more than this.
    pub(super) zero: f32,
    /// By so much distances may be off.
    pub(super) error: f32,
}

impl Scale {
    /// Of distances without a zero.
    pub(super) const NONE: Scale = Scale {
        zero: f32::INFINITY,
        error: 0.0,
    };
}

impl Horizon {
    /// The `ef` nearest, whatever their distances.
    pub(super) fn count(ef: usize) -> Horizon {
        Horizon {
            ef,
            least: ef,
            most: ef,
            rank: ef,
            factor: 1.0,
            flat: 0.0,
            scale: Scale::default(),
        }
    }

    /// For a search of the k nearest that keeps `ef` candidates, at least k, for a typical query.
    pub(super) fn of_search(k: usize, ef: usize, spread: f32, scale: Scale) -> Horizon {
        let rank = k.max(RANK_MIN).min(ef);
        Horizon {
            ef,
            least: rank.max(ef / EF_DIVISOR),
            most: ef.saturating_mul(EF_FACTOR),
            rank,
            factor: (ef as f32 / rank as f32).powf(spread),
            flat: flat(rank, spread),
            scale,
        }
    }

    /// For finding whom to link a node to: about M of at most `ef` candidates.
    pub(super) fn of_insert(m: usize, ef: usize, scale: Scale) -> Horizon {
        let rank = m.min(ef);
        Horizon {
            ef,
            least: (2 * m).max(ef / EF_DIVISOR).min(ef),
            most: ef,
            rank,
            factor: (ef as f32 / rank as f32).powf(LINK_SPREAD),
            flat: flat(rank, LINK_SPREAD),
            scale,
        }
    }

    /// Beyond which distance nothing is kept, by that of the nearest and of the one with the rank; none where these do not tell: equal
    /// vectors, or nearly equal ones, say nothing of what lies around them.
    #[inline]
    pub(super) fn bound(&self, nearest: f32, near: f32) -> Option<f32> {
        let Scale { zero, error } = self.scale;
        let is_telling = near - nearest > self.flat * (near - zero) && near > zero;
        is_telling.then_some(zero + (near - zero) * self.factor + error)
    }

    /// By how much distances grew with rank among `found` candidates of a finished walk, whose distances `distance` gives by rank from 1:
    /// the exponent that takes the ratio of two ranks to that of their distances. None where too few ranks lie between.
    pub(super) fn observed(&self, found: usize, distance: impl Fn(usize) -> f32) -> Option<f32> {
        if self.ef < 2 * self.rank || self.most == self.least {
            return None;
        }
        self.bound(distance(1), distance(self.rank))?;
        let from_zero = |rank| distance(rank) - self.scale.zero;
        let near = from_zero(self.rank);
        // Fewer ranks than this are too few to divide by; that the list ended there says how steep it is at least.
        let shortest = 1.5 * self.rank as f32;
        let spread = match found as f32 >= shortest {
            true => (from_zero(found) / near).ln() / (found as f32 / self.rank as f32).ln(),
            false => self.factor.ln() / 1.5f32.ln(),
        };
        // Neither of a list whose end is as near as its beginning, nor of distances beyond all numbers.
        (spread >= Spread::MIN).then_some(spread.min(Spread::MAX))
    }
}

/// See [`Horizon::flat`]: a tenth of what is usual between the nearest and the one with this rank.
fn flat(rank: usize, spread: f32) -> f32 {
    0.1 * (1.0 - (rank as f32).powf(-spread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_never_keeps_fewer_than_it_is_asked_for() {
        for k in [1, 3, 10, 11, 100, 1000] {
            for ef in [k, k + 1, 2 * k, 10 * k, 100 * k] {
                let horizon = Horizon::of_search(k, ef, 0.1, Scale::default());
                assert!(
                    horizon.least >= k && horizon.least <= ef.max(k),
                    "{horizon:?}"
                );
                assert!(horizon.rank <= horizon.least && horizon.rank >= 1);
                assert!(horizon.factor >= 1.0);
            }
        }
        for ef in [1, 4, 40, 200, 2000] {
            let horizon = Horizon::of_insert(16, ef, Scale::default());
            assert!(horizon.rank <= horizon.least && horizon.least <= horizon.most);
        }
    }

    #[test]
    fn what_is_observed_is_the_exponent_that_distances_grow_with() {
        let horizon = Horizon::of_search(10, 80, 0.1, Scale::default());
        let growing = |spread: f32| move |rank: usize| 0.3 * (rank as f32).powf(spread);
        let observed = horizon.observed(60, growing(0.07)).expect("many ranks");
        assert!((observed - 0.07).abs() < 1e-3, "{observed}");
        // A list that ended early: as steep as can be told.
        let steep = horizon.observed(12, growing(0.9)).expect("a lower bound");
        assert!((0.4..=Spread::MAX).contains(&steep), "{steep}");
        for flat in [-1.0, 0.0, 0.3, f32::INFINITY, f32::NAN] {
            assert_eq!(horizon.observed(60, |_| flat), None, "{flat}");
        }
        assert_eq!(
            Horizon::of_search(10, 19, 0.1, Scale::default()).observed(19, growing(0.1)),
            None
        );
        assert_eq!(Horizon::count(80).observed(80, growing(0.1)), None);
    }
}

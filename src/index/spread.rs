//! How fast distances grow with rank around the queries of one index: d(r) is about d(k) * (r / k)^spread. It is small where vectors of
//! many dimensions are all about equally far, and says which distance stands for how many candidates (horizon.rs).
//!
//! Stored vectors as queries would tell another number than queries do, so it is taken from the searches themselves: the median of
//! the first of them. After that it stays as it is until the index is twice as large, so that equal searches give equal answers.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Searches whose median is taken.
const OBSERVED: usize = 64;

/// The spread of one index.
pub(super) struct Spread {
    /// The bits of the spread as it is taken to be.
    now: AtomicU32,
    /// Searches observed since it was learnt anew.
    count: AtomicU32,
    /// Vectors of the index when it was learnt; 0: never.
    learnt_at: AtomicU64,
    /// The bits of what they had.
    observed: [AtomicU32; OBSERVED],
}

impl Spread {
    /// Taken for true until searches tell: that of queries to text embeddings.
    const UNKNOWN: f32 = 1.0 / 16.0;
    /// No spread is smaller,
    pub(super) const MIN: f32 = 1.0 / 256.0;
    /// nor larger.
    pub(super) const MAX: f32 = 0.5;

    pub(super) fn new() -> Spread {
        Spread {
            now: AtomicU32::new(Spread::UNKNOWN.to_bits()),
            count: AtomicU32::new(0),
            learnt_at: AtomicU64::new(0),
            observed: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    /// As it is taken to be.
    pub(super) fn get(&self) -> f32 {
        f32::from_bits(self.now.load(Ordering::Relaxed))
    }

    /// Notes what a search of an index of `len` vectors observed.
    pub(super) fn observe(&self, spread: f32, len: usize) {
        let learnt_at = self.learnt_at.load(Ordering::Relaxed);
        if learnt_at != 0 && len as u64 <= 2 * learnt_at {
            return;
        }
        let at = self.count.fetch_add(1, Ordering::Relaxed) as usize;
        let Some(place) = self.observed.get(at) else {
            return;
        };
        place.store(spread.to_bits(), Ordering::Relaxed);
        if at + 1 == OBSERVED {
            let seen = |place: &AtomicU32| f32::from_bits(place.load(Ordering::Relaxed));
            // One that another thread is about to store is the one that was there before.
            let mut all: Vec<f32> = self
                .observed
                .iter()
                .map(seen)
                .filter(|s| *s > 0.0)
                .collect();
            all.sort_unstable_by(f32::total_cmp);
            self.now
                .store(all[all.len() / 2].to_bits(), Ordering::Relaxed);
            self.learnt_at.store(len.max(1) as u64, Ordering::Relaxed);
            self.count.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_first_searches_holds_until_the_index_is_twice_as_large() {
        let spread = Spread::new();
        assert_eq!(spread.get(), Spread::UNKNOWN);
        for at in 0..OBSERVED {
            assert_eq!(spread.get(), Spread::UNKNOWN);
            spread.observe(if at % 3 == 0 { 0.4 } else { 0.1 }, 1000);
        }
        assert_eq!(spread.get(), 0.1);
        (0..1000).for_each(|_| spread.observe(0.3, 2000));
        assert_eq!(spread.get(), 0.1);
        (0..OBSERVED).for_each(|_| spread.observe(0.3, 2001));
        assert_eq!(spread.get(), 0.3);
    }
}

//! How fast distances grow with rank around the queries of one index: d(r) is about d(k) * (r / k)^spread. It is small where vectors of
//! many dimensions are all about equally far, and says which distance stands for how many candidates (horizon.rs).
//!
//! Stored vectors as queries would tell another number than queries do, so it is taken from the searches themselves: the median of
//! the first of them, then of one search in so many. It changes only when that median is clearly another, so that equal searches give
//! equal answers; a query that is asked again and again counts once.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Searches whose median is taken.
const OBSERVED: usize = 64;
/// Once it is known, one search in so many is looked at, until the index is twice as large.
const EVERY: u64 = 64;
/// A median that differs by less changes nothing.
const TOLERANCE: f32 = 0.1;

/// The spread of one index.
pub(super) struct Spread {
    /// The bits of the spread as it is taken to be.
    now: AtomicU32,
    /// Searches that told something.
    seen: AtomicU64,
    /// Of these, observed since it was learnt.
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
            seen: AtomicU64::new(0),
            count: AtomicU32::new(0),
            learnt_at: AtomicU64::new(0),
            observed: std::array::from_fn(|_| AtomicU32::new(0)),
        }
    }

    /// As it is taken to be.
    pub(super) fn get(&self) -> f32 {
        f32::from_bits(self.now.load(Ordering::Relaxed))
    }

    /// As it was learnt, and of how many vectors; none: not yet.
    pub(super) fn learnt(&self) -> Option<(f32, u64)> {
        let at = self.learnt_at.load(Ordering::Relaxed);
        (at != 0).then(|| (self.get(), at))
    }

    /// Loading: goes on with what was learnt of so many vectors.
    pub(super) fn load(&self, spread: f32, at: u64) {
        let spread = spread.clamp(Spread::MIN, Spread::MAX);
        self.now.store(spread.to_bits(), Ordering::Relaxed);
        self.learnt_at.store(at.max(1), Ordering::Relaxed);
    }

    /// Notes what a search of an index of `len` vectors observed: a number of at least [`Spread::MIN`].
    pub(super) fn observe(&self, spread: f32, len: usize) {
        let learnt_at = self.learnt_at.load(Ordering::Relaxed);
        let is_known = learnt_at != 0 && len as u64 <= 2 * learnt_at;
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        if is_known && !seen.is_multiple_of(EVERY) {
            return;
        }
        let observed = self.count.load(Ordering::Relaxed) as usize;
        let bits = |place: &AtomicU32| place.load(Ordering::Relaxed);
        let mut known = self.observed.iter().take(observed);
        if known.any(|place| bits(place) == spread.to_bits()) {
            return;
        }
        let at = self.count.fetch_add(1, Ordering::Relaxed) as usize;
        let Some(place) = self.observed.get(at) else {
            return;
        };
        place.store(spread.to_bits(), Ordering::Relaxed);
        if at + 1 == OBSERVED {
            // One that another thread is about to store is the one that was there before.
            let all = self
                .observed
                .iter()
                .map(|place| f32::from_bits(bits(place)));
            let mut all: Vec<f32> = all.filter(|s| *s > 0.0).collect();
            all.sort_unstable_by(f32::total_cmp);
            self.learn(all.get(all.len() / 2).copied(), is_known);
            self.learnt_at.store(len.max(1) as u64, Ordering::Relaxed);
            self.count.store(0, Ordering::Relaxed);
        }
    }

    fn learn(&self, median: Option<f32>, is_known: bool) {
        let now = self.get();
        let changes = |median: &f32| !is_known || (median - now).abs() > TOLERANCE * now;
        if let Some(median) = median.filter(changes) {
            self.now.store(median.to_bits(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About `spread`, another each time.
    fn near(spread: f32, at: usize) -> f32 {
        spread * (1.0 + at as f32 * 1e-6)
    }

    fn assert_about(spread: &Spread, expected: f32) {
        let now = spread.get();
        assert!((now / expected - 1.0).abs() < 0.02, "{now} for {expected}");
    }

    #[test]
    fn the_median_of_the_first_searches_is_kept_until_many_others_or_a_growth_tell_another() {
        let spread = Spread::new();
        for at in 0..OBSERVED {
            assert_eq!(spread.get(), Spread::UNKNOWN);
            spread.observe(near(if at % 3 == 0 { 0.4 } else { 0.1 }, at), 1000);
        }
        assert_about(&spread, 0.1);
        (0..OBSERVED * 8).for_each(|at| spread.observe(near(0.3, at), 2000));
        assert_about(&spread, 0.1);
        (0..OBSERVED * 65).for_each(|at| spread.observe(near(0.3, at), 2000));
        assert_about(&spread, 0.3);
        let before = spread.get();
        (0..OBSERVED * 65).for_each(|at| spread.observe(near(0.31, at), 2000));
        assert_eq!(spread.get(), before, "about the same");
        (0..OBSERVED).for_each(|at| spread.observe(near(0.2, at), 4001));
        assert_about(&spread, 0.2);
    }

    #[test]
    fn what_was_learnt_is_loaded_and_goes_on_as_it_would_have() {
        let spread = Spread::new();
        assert_eq!(spread.learnt(), None);
        (0..OBSERVED).for_each(|at| spread.observe(near(0.1, at), 1000));
        let (learnt, of) = spread.learnt().unwrap();
        let loaded = Spread::new();
        loaded.load(learnt, of);
        assert_eq!(loaded.learnt(), Some((learnt, 1000)));
        for spread in [&spread, &loaded] {
            // Too few to tell another, until it is twice as large.
            (0..OBSERVED * 8).for_each(|at| spread.observe(near(0.3, at), 2000));
            assert_eq!(spread.get(), learnt);
            (0..OBSERVED).for_each(|at| spread.observe(near(0.3, at), 2001));
            assert_about(spread, 0.3);
        }
    }

    #[test]
    fn a_query_that_is_asked_again_and_again_counts_once() {
        let spread = Spread::new();
        (0..10_000).for_each(|_| spread.observe(0.01, 1000));
        assert_eq!(spread.get(), Spread::UNKNOWN);
        (0..OBSERVED).for_each(|at| spread.observe(near(0.1, at), 1000));
        assert_about(&spread, 0.1);
    }
}

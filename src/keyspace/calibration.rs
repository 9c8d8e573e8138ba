//! What a collection knows of its recall: a sample of the queries that were really asked, and the curves ef -> recall that were
//! measured with them (search/calibrate.rs measures; here it is only kept). Stored elements as queries flatter a graph, which
//! is why the queries asked are remembered (ann.md, 11).

mod saved;

pub use saved::SavedCalibration;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Queries that are remembered, at most.
pub const ASKED_MAX: usize = 512;
/// From so many on they are measured with, rather than ones that are made up.
pub const ASKED_MIN: usize = 64;
/// Once as many are remembered as may be, one of so many replaces another.
const ASKED_EVERY: u64 = 8;

/// Where the queries of a measurement came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuerySource {
    /// Clients asked them.
    Asked,
    /// Made of two elements each, for want of queries that were asked: 0.6 of one and 0.4 of another.
    Made,
    /// Stored elements, for searches that ask with one.
    Elements,
}

impl QuerySource {
    /// Its name, as replies show it.
    pub fn name(self) -> &'static str {
        match self {
            QuerySource::Asked => "asked",
            QuerySource::Made => "made",
            QuerySource::Elements => "elements",
        }
    }
}

/// Recall at one ef.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Candidates that the walk kept.
    pub ef: usize,
    /// Share of the true k nearest, by the stored form, that were found; mean over the queries.
    pub recall: f64,
    /// Standard error of that mean.
    pub error: f64,
    /// Distances computed a query, mean.
    pub distances: f64,
}

/// What was measured for one k.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Hits asked for.
    pub k: usize,
    /// Where the queries came from.
    pub source: QuerySource,
    /// How many they were.
    pub sample: usize,
    /// Elements of the collection then.
    pub elements: usize,
    /// Changes of elements until then.
    pub inserts: u64,
    /// Queries asked until then.
    pub asked: u64,
    /// Milliseconds since 1970, by the clock of whoever had it measured; 0 if it was measured in the middle of a search.
    pub at_ms: u64,
    /// How fast distances were taken to grow with rank ([`VectorIndex::spread`](crate::index::VectorIndex::spread)): an ef means
    /// other candidates where that is another.
    pub spread: f32,
    /// Share of the k nearest by the vectors as given that are among the k nearest by the stored form: no search of the stored
    /// form finds more. Estimated from the size of the codes' steps; 1 where the vectors are stored as given.
    pub ceiling: f64,
    /// By ascending ef.
    pub points: Vec<CurvePoint>,
}

impl Curve {
    /// The smallest ef that finds `recall` of the k nearest by the stored form, with what it is expected to find; none if no
    /// ef that was measured does. Read at the lower end of what the sample leaves open.
    pub fn ef_for(&self, recall: f64) -> Option<(usize, f64)> {
        let surely = |point: &CurvePoint| point.recall - point.error;
        let at = self
            .points
            .iter()
            .position(|point| surely(point) >= recall)?;
        let reached = self.points[at];
        let Some(before) = at.checked_sub(1).map(|at| self.points[at]) else {
            return Some((reached.ef, reached.recall));
        };
        // Between two measurements recall grows about with the logarithm of ef.
        let share = (recall - surely(&before)) / (surely(&reached) - surely(&before));
        let ratio = reached.ef as f64 / before.ef as f64;
        let ef = (before.ef as f64 * ratio.powf(share)).ceil() as usize;
        let expected = before.recall + share * (reached.recall - before.recall);
        Some((ef.clamp(before.ef + 1, reached.ef), expected))
    }
}

/// The sample of queries and the curves of one collection.
#[derive(Default)]
pub struct Calibration {
    /// Queries seen.
    seen: AtomicU64,
    asked: Mutex<Vec<Box<[f32]>>>,
    asked_bytes: AtomicU64,
    curves: ArcSwap<Vec<Arc<Curve>>>,
    /// Held by whoever measures.
    measuring: Mutex<()>,
    is_listed: AtomicBool,
}

impl Calibration {
    /// Remembers a query that was asked, as it came in, or not: one in so many, and none while another is being remembered.
    pub fn note(&self, query: &[f32]) {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        if seen >= ASKED_MAX as u64 && !seen.is_multiple_of(ASKED_EVERY) {
            return;
        }
        let Some(mut asked) = self.asked.try_lock() else {
            return;
        };
        if asked.len() < ASKED_MAX {
            self.asked_bytes
                .fetch_add(4 * query.len() as u64 + 16, Ordering::Relaxed);
            asked.push(query.into());
        } else {
            // Any of them: a query stays for as long on average as it takes to ask ASKED_MAX * ASKED_EVERY others.
            let at = (seen / ASKED_EVERY).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            asked[at as usize % ASKED_MAX] = query.into();
        }
    }

    /// Queries seen so far.
    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// The queries remembered.
    pub fn asked(&self) -> Vec<Box<[f32]>> {
        self.asked.lock().clone()
    }

    /// How many they are.
    pub fn asked_count(&self) -> usize {
        self.asked.lock().len()
    }

    /// Bytes of the queries remembered.
    pub fn bytes(&self) -> u64 {
        self.asked_bytes.load(Ordering::Relaxed)
    }

    /// All curves.
    pub fn curves(&self) -> Arc<Vec<Arc<Curve>>> {
        self.curves.load_full()
    }

    /// The newest curve for `k` that was measured with elements, or with anything else.
    pub fn curve(&self, k: usize, of_elements: bool) -> Option<Arc<Curve>> {
        let curves = self.curves.load();
        let fits = |curve: &&Arc<Curve>| {
            curve.k == k && (curve.source == QuerySource::Elements) == of_elements
        };
        curves.iter().find(fits).map(Arc::clone)
    }

    /// Puts a curve in the place of the one that it renews, unless that was measured with better queries, which are still there; the
    /// one that stands there now.
    pub fn put(&self, curve: Curve) -> Arc<Curve> {
        let of_elements = |curve: &Curve| curve.source == QuerySource::Elements;
        let curve = Arc::new(curve);
        let renews = |old: &Curve| old.k == curve.k && of_elements(old) == of_elements(&curve);
        // A snapshot may have had the curve without its queries: nobody could ever renew it.
        let has_asked = self.asked_count() >= ASKED_MIN;
        let is_better = |old: &Curve| {
            let is_of_asked = old.source == QuerySource::Asked;
            renews(old) && is_of_asked && has_asked && curve.source == QuerySource::Made
        };
        let mut there = Arc::clone(&curve);
        self.curves.rcu(|curves| {
            if let Some(better) = curves.iter().find(|old| is_better(old)) {
                there = Arc::clone(better);
                return Vec::clone(curves);
            }
            there = Arc::clone(&curve);
            let mut curves: Vec<Arc<Curve>> = curves
                .iter()
                .filter(|old| !renews(old))
                .map(Arc::clone)
                .collect();
            curves.push(Arc::clone(&curve));
            curves.sort_by_key(|curve| curve.k);
            curves
        });
        there
    }

    /// The turn to measure, if nobody has it.
    pub fn measuring(&self) -> Option<MutexGuard<'_, ()>> {
        self.measuring.try_lock()
    }

    /// Notes that the collection is among those whose curves are renewed; whether it was not before.
    pub fn list(&self) -> bool {
        !self.is_listed.load(Ordering::Relaxed) && !self.is_listed.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn curve(points: &[(usize, f64, f64)]) -> Curve {
        let point = |&(ef, recall, error): &(usize, f64, f64)| CurvePoint {
            ef,
            recall,
            error,
            distances: 0.0,
        };
        Curve {
            k: 10,
            source: QuerySource::Made,
            sample: 100,
            elements: 1000,
            inserts: 1000,
            asked: 0,
            at_ms: 0,
            spread: 0.0625,
            ceiling: 1.0,
            points: points.iter().map(point).collect(),
        }
    }

    #[test]
    fn a_curve_whose_queries_are_not_there_any_more_is_renewed_with_made_ones() {
        let calibration = Calibration::default();
        let mut asked = curve(&[(10, 0.9, 0.0)]);
        asked.source = QuerySource::Asked;
        calibration.put(asked);
        let kept = calibration.put(curve(&[(10, 0.8, 0.0)]));
        assert_eq!(kept.source, QuerySource::Made);
    }

    #[test]
    fn the_smallest_ef_that_reaches_the_recall_is_read_off_the_curve() {
        let curve = curve(&[(10, 0.80, 0.0), (20, 0.90, 0.0), (40, 0.96, 0.01)]);
        assert_eq!(curve.ef_for(0.5), Some((10, 0.80)));
        assert_eq!(curve.ef_for(0.90), Some((20, 0.90)));
        let (ef, expected) = curve.ef_for(0.925).unwrap();
        assert!((21..40).contains(&ef) && (0.90..0.96).contains(&expected));
        assert_eq!(curve.ef_for(0.95).unwrap().0, 40);
        assert_eq!(curve.ef_for(0.955), None, "not surely");
    }

    #[test]
    fn no_more_queries_are_kept_than_may_be_and_new_ones_come_in() {
        let calibration = Calibration::default();
        let asked = 20 * ASKED_MAX;
        (0..asked).for_each(|n| calibration.note(&[n as f32]));
        let kept = calibration.asked();
        assert_eq!(kept.len(), ASKED_MAX);
        assert_eq!(calibration.bytes(), 20 * ASKED_MAX as u64);
        let late = kept.iter().filter(|query| query[0] >= asked as f32 / 2.0);
        let late = late.count();
        assert!((ASKED_MAX / 2..ASKED_MAX).contains(&late), "{late}");
    }

    #[test]
    fn a_curve_renews_the_one_for_its_k_and_kind_of_query() {
        let calibration = Calibration::default();
        (0..ASKED_MIN).for_each(|n| calibration.note(&[n as f32]));
        calibration.put(curve(&[(10, 0.8, 0.0)]));
        let mut other = curve(&[(10, 0.9, 0.0)]);
        other.source = QuerySource::Asked;
        calibration.put(other.clone());
        assert_eq!(calibration.curves().len(), 1);
        let kept = calibration.put(curve(&[(10, 0.8, 0.0)]));
        assert_eq!(
            kept.source,
            QuerySource::Asked,
            "made ones do not replace asked ones"
        );
        other.source = QuerySource::Elements;
        calibration.put(other);
        assert_eq!(calibration.curves().len(), 2);
        let found = |of_elements| calibration.curve(10, of_elements).map(|curve| curve.source);
        assert_eq!(found(false), Some(QuerySource::Asked));
        assert_eq!(found(true), Some(QuerySource::Elements));
        assert_eq!(calibration.curve(20, true), None);
    }
}

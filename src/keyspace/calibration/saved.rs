//! What a snapshot keeps of a calibration, so that the first search after a restart need not measure again: the curves, the spread of
//! distances that they were measured with, and the queries that the next ones will be.

use super::{ASKED_MAX, ASKED_MIN, Calibration, Curve};
use crate::index::{IndexKind, VectorIndex};
use std::sync::atomic::Ordering;

/// Queries of so many components that they would take more bytes than this are not all kept, but as many as it takes to measure with.
const QUERY_BYTES_MAX: usize = 4 << 20;

/// A calibration as it was when a save came to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedCalibration {
    /// How fast distances grow with rank, and of how many vectors that was learnt; none: it is not known yet.
    pub spread: Option<(f32, u64)>,
    /// Changes of elements until then: what was measured when there were fewer is so much behind.
    pub inserts: u64,
    /// Queries seen until then, of which those kept are a sample; 0 without them.
    pub seen: u64,
    /// By ascending k.
    pub curves: Vec<Curve>,
    /// Some of the queries that clients asked, as they came in.
    pub asked: Vec<Box<[f32]>>,
}

impl SavedCalibration {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.spread.is_none() && self.curves.is_empty()
    }
}

impl Calibration {
    /// What there is to keep of it and of its index, after so many changes of elements. Queries are kept only where somebody relies
    /// on a curve, and if they may be: everybody else's snapshot stays as small as it was.
    pub fn save(&self, index: &VectorIndex, inserts: u64, keeps_queries: bool) -> SavedCalibration {
        if index.options().kind == IndexKind::Flat {
            return SavedCalibration::default();
        }
        let curves = self.curves();
        // One without points says only that somebody waits for it.
        let curves = curves.iter().filter(|curve| !curve.points.is_empty());
        let curves: Vec<Curve> = curves.map(|curve| Curve::clone(curve)).collect();
        let (seen, asked) = match keeps_queries && !curves.is_empty() {
            true => (self.seen(), some_of(self.asked())),
            false => (0, Vec::new()),
        };
        SavedCalibration {
            spread: index.spread_learnt(),
            inserts,
            seen,
            curves,
            asked,
        }
    }

    /// Loading: goes on with what was saved; `inserts` is the number of changes of elements now. What the log holds on top makes
    /// curves stale as it would have without a restart.
    pub fn load(&self, saved: SavedCalibration, index: &VectorIndex, inserts: u64) {
        if let Some((spread, of)) = saved.spread {
            index.load_spread(spread, of);
        }
        self.seen.store(saved.seen, Ordering::Relaxed);
        let bytes = saved.asked.iter().map(|query| bytes_of(query) as u64).sum();
        self.asked_bytes.store(bytes, Ordering::Relaxed);
        *self.asked.lock() = saved.asked;
        for mut curve in saved.curves {
            let behind = saved.inserts.saturating_sub(curve.inserts);
            curve.inserts = inserts.saturating_sub(behind);
            self.put(curve);
        }
    }
}

/// Bytes that remembering a query takes.
pub(super) fn bytes_of(query: &[f32]) -> usize {
    size_of_val(query) + size_of::<Box<[f32]>>()
}

/// As many of the queries as are kept. The latest replaced the oldest in no order: any part of them is a sample.
fn some_of(mut asked: Vec<Box<[f32]>>) -> Vec<Box<[f32]>> {
    let longest = asked.iter().map(|query| bytes_of(query)).max();
    let max = QUERY_BYTES_MAX / longest.unwrap_or(1);
    asked.truncate(max.clamp(ASKED_MIN, ASKED_MAX));
    asked
}

#[cfg(test)]
mod tests {
    use super::super::QuerySource;
    use super::super::tests::curve;
    use super::*;
    use crate::index::{IndexOptions, Metric, Quantization, WalkedOn};

    fn index(kind: IndexKind) -> VectorIndex {
        VectorIndex::new(IndexOptions {
            dim: 1,
            metric: Metric::Cosine,
            quantization: Quantization::F32,
            kind,
            m: 8,
            ef_construction: 40,
            walked_on: WalkedOn::Stored,
        })
    }

    /// A calibration after 100 queries, with a curve that was measured after 1,000 changes.
    fn known() -> Calibration {
        let calibration = Calibration::default();
        (0..100).for_each(|n| calibration.note(&[n as f32]));
        let mut curve = curve(&[(10, 0.8, 0.01), (20, 0.9, 0.01)]);
        curve.source = QuerySource::Asked;
        calibration.put(curve);
        calibration
    }

    #[test]
    fn what_was_saved_is_known_after_a_load() {
        let (old, new) = (index(IndexKind::Hnsw), index(IndexKind::Hnsw));
        old.load_spread(0.11, 900);
        let calibration = known();
        let saved = calibration.save(&old, 1_050, true);
        let loaded = Calibration::default();
        loaded.load(saved.clone(), &new, 1_050);
        assert_eq!(loaded.save(&new, 1_050, true), saved);
        assert_eq!(new.spread_learnt(), Some((0.11, 900)));
        assert_eq!((loaded.seen(), loaded.asked_count()), (100, 100));
        assert_eq!(loaded.bytes(), calibration.bytes());
    }

    #[test]
    fn changes_since_a_measurement_are_counted_on_where_the_count_itself_begins_anew() {
        let index = index(IndexKind::Hnsw);
        let saved = known().save(&index, 1_050, true);
        let loaded = Calibration::default();
        loaded.load(saved.clone(), &index, 400);
        assert_eq!(loaded.curves()[0].inserts, 350);
        let loaded = Calibration::default();
        loaded.load(saved, &index, 20);
        assert_eq!(loaded.curves()[0].inserts, 0);
    }

    #[test]
    fn nothing_is_kept_that_says_nothing() {
        let graph = index(IndexKind::Hnsw);
        let calibration = Calibration::default();
        (0..100).for_each(|n| calibration.note(&[n as f32]));
        assert!(calibration.save(&graph, 9, true).is_empty());
        calibration.put(curve(&[]));
        let saved = calibration.save(&graph, 9, true);
        assert!(saved.is_empty() && saved.asked.is_empty(), "{saved:?}");
        assert!(known().save(&index(IndexKind::Flat), 9, true).is_empty());
        let saved = known().save(&graph, 9, false);
        assert_eq!(saved.curves.len(), 1);
        assert_eq!((saved.seen, saved.asked.len()), (0, 0));
    }

    #[test]
    fn queries_of_many_components_are_not_all_kept() {
        let kept = |components: usize, count: usize| {
            some_of(vec![vec![0.0; components].into(); count]).len()
        };
        assert_eq!(kept(384, ASKED_MAX), ASKED_MAX);
        assert_eq!(kept(4_096, ASKED_MAX), 255);
        assert_eq!(kept(65_536, ASKED_MAX), ASKED_MIN);
        assert_eq!(kept(65_536, 3), 3);
        assert_eq!(kept(1, 0), 0);
    }
}

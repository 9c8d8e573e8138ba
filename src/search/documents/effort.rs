//! How much effort a search among documents is worth whose client did not say: what finds so much of the truth by what was measured
//! of its field (search/calibrate.rs).

use crate::index::{IndexKind, VectorIndex};
use crate::keyspace::calibration::Calibration;
use crate::keyspace::documents::index::DocumentIndex;
use crate::search::calibrate::{self, Renewable, Subject};
use crate::search::plan;

/// The recall of a KNN.
pub const KNN_RECALL: f64 = 0.95;
/// The recall, of a KNN, whose candidates a walk to everything within a radius keeps beyond it.
const RANGE_RECALL: f64 = 0.99;
/// The KNN that ranges are likened to.
const RANGE_K: usize = 10;
/// Candidates where there is nothing to measure: all are compared.
const EF_SMALL: usize = 100;

/// The vectors of one field.
#[derive(Clone, Copy)]
pub struct FieldVectors<'a> {
    index: &'a DocumentIndex,
    field: usize,
    vectors: &'a VectorIndex,
}

impl<'a> FieldVectors<'a> {
    /// Those of the field at this place; none if it is no VECTOR field.
    pub fn of(index: &'a DocumentIndex, field: usize) -> Option<FieldVectors<'a>> {
        let vectors = index.vectors(field)?;
        Some(FieldVectors {
            index,
            field,
            vectors,
        })
    }

    /// The vectors.
    pub fn vectors(&self) -> &'a VectorIndex {
        self.vectors
    }

    /// Candidates for a KNN.
    pub fn knn_ef(&self, k: usize) -> usize {
        match self.is_scanned(k) {
            true => EF_SMALL.max(k),
            false => calibrate::usual_ef(self, k, KNN_RECALL),
        }
    }

    /// Candidates beyond a radius.
    pub(super) fn range_ef(&self) -> usize {
        match self.is_scanned(RANGE_K) {
            true => EF_SMALL,
            false => calibrate::usual_ef(self, RANGE_K, RANGE_RECALL),
        }
    }

    /// Whether a KNN would begin with a measurement, which takes a fraction of a second.
    pub fn would_measure(&self, k: usize) -> bool {
        !self.is_scanned(k) && calibrate::would_measure(self, k)
    }

    fn is_scanned(&self, k: usize) -> bool {
        self.vectors.options().kind == IndexKind::Flat || plan::is_scanned(self.vectors, k)
    }
}

impl Subject for FieldVectors<'_> {
    fn index(&self) -> &VectorIndex {
        self.vectors
    }

    fn calibration(&self) -> &Calibration {
        self.index.calibration(self.field)
    }

    fn inserts(&self) -> u64 {
        self.index.inserts()
    }
}

impl Renewable for DocumentIndex {
    fn renew(&self, at_ms: u64, breathe: &(dyn Fn() + Sync)) -> bool {
        let fields = 0..self.schema().fields.len();
        let mut subjects = fields.filter_map(|field| FieldVectors::of(self, field));
        subjects.any(|subject| calibrate::renew(&subject, at_ms, breathe))
    }
}

//! The documents with a vector within a radius. As in nearest.rs the search holds no lock, and what it found is made into documents by
//! the postings as they are after.

use super::distances::Distances;
use super::effort::FieldVectors;
use super::nearest::{distance_now, written_since};
use super::tree::VectorRange;
use crate::index::range::{Reach, Walk};
use crate::index::{Neighbour, Target, VectorIndex};
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::State;
use crate::search::follow::Course;
use crate::search::plan::{self, PlanKind};

/// A search within a radius.
pub struct WithinSearch<'a> {
    /// The condition that it answers.
    pub range: &'a VectorRange,
    /// How far beyond the radius it may look, as a share of the distance; none: as far as it takes.
    pub epsilon: Option<f64>,
    /// The vectors that are searched.
    pub vectors: &'a VectorIndex,
    /// What is searched for.
    pub target: Target,
}

/// The vectors that a search found.
pub struct Within<'a> {
    search: &'a WithinSearch<'a>,
    hits: Vec<Neighbour>,
    /// Documents from this id on were indexed after the search began: a scan may have passed over them, as in nearest.rs.
    newer: DocumentId,
    /// How they were found.
    pub course: Course,
}

impl<'a> WithinSearch<'a> {
    /// Searches. The caller holds no lock, and an epoch pin; `newer` is the id that the next document gets.
    pub fn run(&'a self, field: &FieldVectors, newer: DocumentId) -> Within<'a> {
        let mut course = Course::default();
        let hits = self.hits(field, &mut course);
        Within {
            search: self,
            hits,
            newer,
            course,
        }
    }

    fn hits(&self, field: &FieldVectors, course: &mut Course) -> Vec<Neighbour> {
        // Rounded as distances are, so that none within is beyond.
        let radius = self.range.radius as f32;
        let ef = self.epsilon.map_or_else(|| field.range_ef(), |_| 0);
        let plan = plan::choose_within(self.vectors, ef);
        let walk = match (self.epsilon, plan.hits_max) {
            (Some(epsilon), _) => Some((Reach::Share(epsilon as f32), usize::MAX)),
            (None, Some(hits_max)) => Some((Reach::Candidates(ef), hits_max)),
            (None, None) => None,
        };
        let stats = &mut course.walk;
        let walked = walk
            .filter(|_| !plan.is_exact)
            .and_then(|(reach, hits_max)| {
                let walk = Walk {
                    radius,
                    reach,
                    hits_max,
                };
                self.vectors.walk_within(&self.target, &walk, stats)
            });
        if let Some(hits) = walked {
            course.plan = PlanKind::Graph;
            return hits;
        }
        course.was_scanned_after = stats.gave_up;
        self.vectors
            .scan_within(&self.target, radius, plan.is_exact, stats)
    }
}

impl Within<'_> {
    /// Whether this answers that condition.
    pub fn answers(&self, range: &VectorRange) -> bool {
        std::ptr::eq(self.search.range, range)
    }

    /// The documents, with their distances; whether some may be missing because they were written meanwhile.
    pub fn documents(&self, state: &State) -> (Distances, bool) {
        let range = self.search.range;
        let (vectors, target) = (self.search.vectors, &self.search.target);
        let mut found = Vec::with_capacity(self.hits.len());
        let mut is_torn = false;
        for hit in &self.hits {
            let Some(id) = state.owner(range.field, hit.slot) else {
                is_torn = true;
                continue;
            };
            let slots = state.slots(range.field).of(id);
            let distance = distance_now(vectors, target, *hit, slots);
            found.extend(distance.map(|d| (id, d)));
        }
        found.extend(written_since(
            state,
            self.newer,
            (range.field, vectors, target),
        ));
        found.retain(|(_, distance)| *distance <= range.radius);
        (Distances::least(found), is_torn)
    }
}

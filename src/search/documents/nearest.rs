//! The documents nearest to a vector, of all or of those that pass. The search itself holds no lock: who passes is a set of ids that
//! was taken from the postings before, and what was found is made into documents by the postings as they are after.
//!
//! Meanwhile documents are written. A slot that was seen under the caller's epoch pin keeps its vector, and its owner is the
//! document that it belongs to or, if that was written anew, the document as it is now. So a hit is a document's own vector, or a
//! former one, in whose place the present ones are compared; or its document is gone, or was indexed after it was asked who passes.
//! The last two make an answer torn: who should be in their place was not looked for, and the whole query is asked again.
//!
//! A scan of all slots passes over a document whose former slot goes before the scan is there and whose new one lies behind it. So
//! whoever was written since it began is compared once more when hits become documents.

use super::distances::Distances;
use super::patience::Patience;
use crate::index::{ComponentType, Listed, Neighbour, ScanBy, SlotFilter, Target, VectorIndex};
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::filter_cache::PassingDocuments;
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::keyspace::documents::schema::FieldKind;
use crate::keyspace::documents::slots::Owners;
use crate::keyspace::documents::turns::{Reading, Turn};
use crate::search::follow::{Course, Passers, Search};
use crate::search::plan;
use std::cell::Cell;
use std::sync::Arc;

/// A KNN, and who may be found by it.
pub struct NearestSearch<'a> {
    index: &'a DocumentIndex,
    field: usize,
    vectors: &'a VectorIndex,
    target: &'a Target,
    k: usize,
    ef: usize,
    is_exact: bool,
    passing: Option<Passing<'a>>,
    /// Whether documents must pass a filter: that all pass now says nothing of those that come.
    is_filtered: bool,
    /// Documents from this id on were indexed after it was asked who passes.
    newer: DocumentId,
    /// Documents that may be found.
    count: usize,
    /// Documents with a vector in the field.
    present: usize,
    /// How it takes the postings.
    turn: Turn,
    patience: &'a Patience<'a>,
}

/// Hits beyond those wanted that are looked at for their last digits, a hit wanted: graphs and scans rank by f32, in which vectors
/// of f64 may be equally near.
const TIED_MAX: usize = 64;

/// How to search, beside for what.
#[derive(Clone, Copy)]
pub struct Manner<'a> {
    /// Documents wanted.
    pub k: usize,
    /// Candidates that a walk without a filter keeps.
    pub ef: usize,
    /// Whether all that pass are compared, whatever it takes.
    pub is_exact: bool,
    /// How long it may take.
    pub patience: &'a Patience<'a>,
}

/// What a KNN found.
pub struct Nearest {
    /// Documents with their distances.
    pub found: Distances,
    /// Whether somebody may be missing.
    pub is_torn: bool,
    /// How they were found.
    pub course: Course,
}

impl<'a> NearestSearch<'a> {
    /// A search for what passes by these postings (none: for everybody).
    pub fn new(
        index: &'a DocumentIndex,
        state: &State,
        (field, vectors, target): (usize, &'a VectorIndex, &'a Target),
        manner: Manner<'a>,
        passing: Option<Arc<PassingDocuments>>,
        turn: Turn,
    ) -> NearestSearch<'a> {
        let present = &state.fields[field].present;
        let count = passing.as_ref().map_or(present, |passing| &passing.ids);
        let count = count.len() as usize;
        let is_everybody = count == present.len() as usize;
        let is_filtered = passing.is_some();
        let passing = passing.filter(|_| !is_everybody);
        let passing = passing.map(|documents| Passing {
            index,
            field,
            owners: Arc::clone(state.slots(field).owners()),
            documents,
            newer: state.next_id,
            is_torn: Cell::new(false),
        });
        NearestSearch {
            index,
            field,
            vectors,
            target,
            k: manner.k.min(count),
            ef: manner.ef,
            is_exact: manner.is_exact,
            passing,
            is_filtered,
            newer: state.next_id,
            count,
            present: present.len() as usize,
            turn,
            patience: manner.patience,
        }
    }

    /// Searches, and hands over the postings by which hits became documents: they hold whoever was found for as long as they are
    /// held. A document may have several vectors: where fewer than k documents are among the hits, twice as many are looked for.
    /// The caller holds no lock, and an epoch pin since before it asked who passes.
    pub fn run(&self) -> (Nearest, Reading<'a, State>) {
        let mut course = Course::default();
        let mut wanted = match self.is_rounded() {
            true => self.k + 1,
            false => self.k,
        };
        loop {
            let hits = match self.k {
                0 => Vec::new(),
                _ => self.hits(wanted, &mut course),
            };
            let state = self.index.read_in(self.turn);
            let (found, is_torn) = self.documents(&state, &hits, wanted);
            let is_enough = found.len() >= self.k && !self.may_tie(wanted, &found, &hits);
            if is_enough || hits.len() < wanted || self.patience.is_over() {
                let is_torn = is_torn || self.has_lost();
                let nearest = Nearest {
                    found,
                    is_torn,
                    course,
                };
                return (nearest, state);
            }
            wanted *= 2;
        }
    }

    /// Whether hits are ranked by less than the digits that distances have.
    fn is_rounded(&self) -> bool {
        let kind = &self.index.schema().fields[self.field].kind;
        matches!(kind, FieldKind::Vector(attributes) if attributes.kind == ComponentType::Float64)
    }

    /// Whether one that was not looked at may be nearer than one that was found: only by the digits that f32 has not.
    fn may_tie(&self, wanted: usize, found: &Distances, hits: &[Neighbour]) -> bool {
        let last = hits.last().map(|last| last.distance);
        let farthest = found.farthest().map(|distance| distance as f32);
        self.is_rounded() && wanted <= TIED_MAX * self.k && last <= farthest
    }

    fn hits(&self, wanted: usize, course: &mut Course) -> Vec<Neighbour> {
        let slots = self.vectors.slots_end() as usize;
        let ef = self.ef.max(wanted).min(slots.max(1));
        // Documents have about as many vectors each.
        let each = self.vectors.len() as f64 / self.present.max(1) as f64;
        let slots = (self.count as f64 * each) as usize;
        let passing = self.passing.as_ref().map(|_| slots);
        let mut plan = match self.is_exact {
            true => plan::exact(passing.is_some()),
            false => plan::choose_known(self.vectors, wanted, ef, passing),
        };
        plan.may_scan_after = true;
        let is_late = || self.patience.ends();
        let search = Search {
            index: self.vectors,
            target: self.target,
            wanted,
            ef,
            expansions_max: None,
            scan_by: match self.is_exact {
                true => ScanBy::Stored,
                false => ScanBy::Signs,
            },
            passers: self.passing.as_ref().map(|p| p as &dyn Passers),
            is_late: Some(&is_late),
        };
        let found = search.find(&plan, self.count, course);
        self.patience.look();
        found
    }

    /// The first k documents of some hits, of which `wanted` were looked for, each at its nearest vector; whether somebody may be
    /// missing.
    fn documents(&self, state: &State, hits: &[Neighbour], wanted: usize) -> (Distances, bool) {
        let farthest = hits.last().map_or(f32::INFINITY, |last| last.distance);
        let mut is_torn = false;
        let mut found: Vec<(DocumentId, f64)> = Vec::with_capacity(hits.len());
        // Owners lie anywhere: one after the other in a loop that does nothing else, they are waited for together.
        let owners: Vec<Option<DocumentId>> = hits
            .iter()
            .map(|hit| state.owner(self.field, hit.slot))
            .collect();
        for (hit, owner) in hits.iter().zip(owners) {
            let asked = |id: &DocumentId| match &self.passing {
                Some(passing) => passing.documents.ids.contains(*id),
                None => !self.is_filtered || *id < self.newer,
            };
            let owner = owner.filter(asked);
            let place = owner.and_then(|id| {
                let slots = state.slots(self.field).of(id);
                Some((id, distance_now(self.vectors, self.target, *hit, slots)?))
            });
            is_torn |= place.is_none_or(|(_, distance)| distance as f32 > farthest);
            found.extend(place);
        }
        if self.passing.is_none() {
            let of_field = (self.field, self.vectors, self.target);
            let came = written_since(state, self.newer, of_field);
            let mut near = came
                .filter(|(_, distance)| hits.len() < wanted || *distance as f32 <= farthest)
                .peekable();
            is_torn |= self.is_filtered && near.peek().is_some();
            found.extend(near.filter(|_| !self.is_filtered));
        }
        let mut found = Distances::least(found);
        found.keep_nearest(self.k);
        (found, is_torn)
    }

    fn has_lost(&self) -> bool {
        self.passing
            .as_ref()
            .is_some_and(|passing| passing.is_torn.get())
    }
}

/// The distance of a document of which one vector was found: of that one if it still has it, else of the nearest that it has
/// now; none if it has none.
pub fn distance_now(
    vectors: &VectorIndex,
    target: &Target,
    hit: Neighbour,
    slots: &[u32],
) -> Option<f64> {
    if slots.contains(&hit.slot) {
        return Some(vectors.distance_in_full(target, hit));
    }
    distance_of_nearest(vectors, target, slots)
}

/// The documents from the id `newer` on that have a vector in a field, each with the distance of its nearest.
pub fn written_since<'a>(
    state: &'a State,
    newer: DocumentId,
    (field, vectors, target): (usize, &'a VectorIndex, &'a Target),
) -> impl Iterator<Item = (DocumentId, f64)> {
    state.all.range(newer..).filter_map(move |id| {
        let slots = state.slots(field).of(id);
        Some((id, distance_of_nearest(vectors, target, slots)?))
    })
}

fn distance_of_nearest(vectors: &VectorIndex, target: &Target, slots: &[u32]) -> Option<f64> {
    let present = slots.iter().map(|&slot| Neighbour {
        distance: vectors.distance(target, slot),
        slot,
    });
    let live = present.filter(|hit| hit.distance.is_finite());
    live.map(|hit| vectors.distance_in_full(target, hit))
        .min_by(f64::total_cmp)
}

/// The slots of documents that pass.
struct Passing<'a> {
    index: &'a DocumentIndex,
    field: usize,
    owners: Arc<Owners>,
    documents: Arc<PassingDocuments>,
    /// Documents from this id on were indexed after it was asked who passes.
    newer: DocumentId,
    /// Whether a document that passes was gone when its slots were asked for.
    is_torn: Cell<bool>,
}

impl Passing<'_> {
    /// Up to `count` documents, spread over all of them.
    fn spread(&self, count: usize) -> Vec<DocumentId> {
        let ids = &self.documents.ids;
        let (Some(min), Some(max)) = (ids.min(), ids.max()) else {
            return Vec::new();
        };
        let step = (max - min) / count as u32 + 1;
        let places = (0..count as u32).map(|n| min.saturating_add(n * step));
        // The first document from each place on.
        let mut found: Vec<DocumentId> = places
            .filter_map(|place| ids.range(place..).next())
            .collect();
        found.dedup();
        found
    }
}

impl SlotFilter for Passing<'_> {
    /// A document that was indexed later passes too: it may be one that passes, written anew. Who finds it asks again.
    #[inline]
    fn passes(&self, slot: u32) -> bool {
        let id = self.owners.of(slot);
        id >= self.newer || self.documents.ids.contains(id)
    }
}

impl Passers for Passing<'_> {
    fn listed(&self) -> Option<Listed<'_>> {
        if let Some(known) = self.documents.known_slots() {
            return Some(known);
        }
        let state = self.index.read_in(Turn::AtOnce);
        let writes = self.index.writes();
        let (listed, has_lost) = self.documents.slots(&state, self.field, writes);
        self.is_torn.set(self.is_torn.get() || has_lost);
        Some(listed)
    }

    fn seeds(&self, count: usize) -> Vec<u32> {
        let state = self.index.read_in(Turn::AtOnce);
        let first = |id| state.slots(self.field).of(id).first().copied();
        self.spread(count).into_iter().filter_map(first).collect()
    }
}

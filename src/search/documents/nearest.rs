//! The documents nearest to a vector: by the graph, by the graph under a set of documents, or by comparing with each of a few.

use super::tree::{Knn, VectorRange};
use crate::index::{FilteredWalk, SlotFilter, VectorIndex, WalkOptions, WalkStats, filtered_ef};
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::keyspace::documents::schema::{FieldKind, VectorAttributes};
use crate::keyspace::documents::values;
use bytes::Bytes;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;

/// Candidates that a walk keeps where nobody said how many.
const EF_DEFAULT: usize = 100;
/// Up to so many passing vectors are compared one by one.
const SCANNED_MAX: u64 = 8192;

/// The slots of documents that pass.
struct Passing<'a> {
    state: &'a State,
    field: usize,
    ids: &'a RoaringBitmap,
}

impl SlotFilter for Passing<'_> {
    fn passes(&self, slot: u32) -> bool {
        let owner = self.state.owner(self.field, slot);
        owner.is_some_and(|id| self.ids.contains(id))
    }
}

/// The k documents that are nearest, of those in `passing` (none: of all), with their distances. `ef` is what the query asks for.
pub fn nearest(
    (index, state): (&DocumentIndex, &State),
    knn: &Knn,
    ef: Option<usize>,
    passing: Option<&RoaringBitmap>,
) -> BTreeMap<DocumentId, f32> {
    let Some((vectors, target)) = target(index, knn.field, &knn.target.blob) else {
        return BTreeMap::new();
    };
    let present = &state.fields[knn.field].present;
    let candidates = passing.map(|ids| ids & present);
    let count = candidates.as_ref().unwrap_or(present).len();
    let k = knn.k.min(usize::try_from(count).unwrap_or(usize::MAX));
    let search = Search {
        state,
        field: knn.field,
        vectors,
        target: &target,
    };
    match candidates {
        _ if k == 0 => BTreeMap::new(),
        None => search.walk(k, ef, present, 1.0),
        Some(ids) if count <= SCANNED_MAX => search.compare(k, &ids),
        Some(ids) => search.walk(k, ef, &ids, count as f64 / present.len().max(1) as f64),
    }
}

/// The documents within a range, with their distances: compared with every vector.
pub fn within(
    index: &DocumentIndex,
    state: &State,
    range: &VectorRange,
) -> BTreeMap<DocumentId, f32> {
    let Some((vectors, target)) = target(index, range.field, &range.target.blob) else {
        return BTreeMap::new();
    };
    let hits = vectors.scan(
        &target,
        vectors.len(),
        None,
        None,
        &mut WalkStats::default(),
    );
    let near = hits
        .into_iter()
        .take_while(|hit| f64::from(hit.distance) <= range.radius);
    let mut found = BTreeMap::new();
    for hit in near {
        if let Some(id) = state.owner(range.field, hit.slot) {
            found.entry(id).or_insert(hit.distance);
        }
    }
    found
}

fn target<'a>(
    index: &'a DocumentIndex,
    field: usize,
    blob: &[u8],
) -> Option<(&'a VectorIndex, crate::index::Target)> {
    let FieldKind::Vector(attributes) = &index.schema().fields[field].kind else {
        return None;
    };
    let attributes: &VectorAttributes = attributes;
    let vector = values::vector(blob, attributes).ok()?;
    let vectors = index.vectors(field)?;
    vectors.check_vector(&vector).ok()?;
    let packed = Bytes::copy_from_slice(blob);
    Some((vectors, vectors.target_packed(&packed, &vector)))
}

struct Search<'a> {
    state: &'a State,
    field: usize,
    vectors: &'a VectorIndex,
    target: &'a crate::index::Target,
}

impl Search<'_> {
    /// Along the graph. A document has several vectors, or was written anew meanwhile: where fewer than k documents are among the
    /// hits, twice as many are asked for, and at last each is compared.
    fn walk(
        &self,
        k: usize,
        ef: Option<usize>,
        ids: &RoaringBitmap,
        pass_rate: f64,
    ) -> BTreeMap<DocumentId, f32> {
        let filter = Passing {
            state: self.state,
            field: self.field,
            ids,
        };
        let plain = FilteredWalk::Plain(None);
        let mut wanted = k;
        loop {
            let ef = ef.unwrap_or(EF_DEFAULT).max(wanted);
            let options = WalkOptions {
                k: wanted,
                ef: filtered_ef(ef, pass_rate),
                expansions_max: None,
            };
            let filter: Option<(&dyn SlotFilter, &FilteredWalk)> =
                (pass_rate < 1.0).then_some((&filter, &plain));
            let stats = &mut WalkStats::default();
            let hits = self.vectors.search(self.target, &options, filter, stats);
            let found = self.by_document(k, hits.iter().map(|hit| (hit.slot, hit.distance)));
            if found.len() >= k {
                return found;
            }
            if wanted >= self.vectors.len() {
                return self.compare(k, ids);
            }
            wanted *= 2;
        }
    }

    /// One by one.
    fn compare(&self, k: usize, ids: &RoaringBitmap) -> BTreeMap<DocumentId, f32> {
        let slots = self.state.slots(self.field).of_all(ids);
        let scored = slots.map(|slot| (slot, self.vectors.distance(self.target, slot)));
        let mut scored: Vec<(u32, f32)> = scored.filter(|(_, d)| d.is_finite()).collect();
        scored.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        self.by_document(k, scored.into_iter())
    }

    /// The first k documents of hits, nearest first, each at its nearest vector.
    fn by_document(
        &self,
        k: usize,
        hits: impl Iterator<Item = (u32, f32)>,
    ) -> BTreeMap<DocumentId, f32> {
        let mut found = BTreeMap::new();
        for (slot, distance) in hits {
            if found.len() == k {
                break;
            }
            let owner = self.state.owner(self.field, slot);
            let is_its_own = |id: &DocumentId| self.state.slots(self.field).of(*id).contains(&slot);
            if let Some(id) = owner.filter(is_its_own) {
                found.entry(id).or_insert(distance);
            }
        }
        found
    }
}

//! Collections: their elements, then their graphs.

use super::{Loader, Located, payload_of};
use crate::keyspace::collection::{Collection, SavedElement, SavedNode};
use crate::persistence::snapshot::SnapshotError;
use crate::persistence::snapshot::elements;
use crate::persistence::snapshot::image::Kind;
use crate::persistence::snapshot::manifest::CollectionRecord;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Collections by id.
pub(super) type Collections = HashMap<u64, Arc<Collection>>;

/// Images of one segment.
type SegmentImages<'a> = HashMap<Kind, Located<'a>>;

impl Loader<'_> {
    /// All collections by id, and how many elements were linked anew.
    pub(super) fn collections(&self) -> Result<(Collections, u64), SnapshotError> {
        let segments = self.segments();
        let none = BTreeMap::new();
        let records = self.manifest.collections.par_iter();
        let loaded = records.map(|(id, record)| {
            let segments = segments.get(id).unwrap_or(&none);
            let (collection, relinked) = self.collection(*id, record, segments)?;
            Ok((*id, collection, relinked as u64))
        });
        let loaded: Vec<_> = loaded.collect::<Result<_, SnapshotError>>()?;
        let relinked = loaded.iter().map(|(.., relinked)| relinked).sum();
        let loaded = loaded.into_iter();
        let collections = loaded.map(|(id, collection, _)| (id, collection));
        Ok((collections.collect(), relinked))
    }

    /// The images of segments, by collection and segment.
    fn segments(&self) -> BTreeMap<u64, BTreeMap<u32, SegmentImages<'_>>> {
        let mut found: BTreeMap<u64, BTreeMap<u32, SegmentImages<'_>>> = BTreeMap::new();
        for (place, image) in &self.manifest.images {
            if place.kind.is_of_segment() {
                let segments = found.entry(place.owner).or_default();
                let images = segments.entry(place.part).or_default();
                images.insert(place.kind, (*place, image));
            }
        }
        found
    }

    fn collection(
        &self,
        id: u64,
        record: &CollectionRecord,
        segments: &BTreeMap<u32, SegmentImages<'_>>,
    ) -> Result<(Arc<Collection>, usize), SnapshotError> {
        let clock = Arc::clone(self.keyspace.save_clock());
        let collection = Arc::new(Collection::new(
            id,
            record.schema.clone(),
            self.keyspace.seed(),
            clock,
            Arc::clone(self.keyspace.column_budget()),
        ));
        let nodes: Vec<Vec<SavedNode>> = segments
            .par_iter()
            .map(|(segment, images)| self.segment(&collection, *segment, images))
            .collect::<Result<_, SnapshotError>>()?;
        // Two elements of one name would count once.
        if collection.len() as u64 != record.elements {
            return Err(
                self.contradiction("a collection has another number of elements than recorded")
            );
        }
        let nodes = nodes.into_iter().flatten().collect();
        let relinked = collection.load_graph(nodes, record.inserts, record.changed);
        Ok((collection, relinked))
    }

    /// Puts the elements of a segment in their slots; its links are for later, when all slots are there.
    fn segment(
        &self,
        collection: &Collection,
        segment: u32,
        images: &SegmentImages<'_>,
    ) -> Result<Vec<SavedNode>, SnapshotError> {
        let elements = self.elements(collection, segment, images)?;
        let changed = self.manifest.state.cut;
        elements
            .iter()
            .for_each(|element| collection.load_element(element, changed));
        let Some(links) = images.get(&Kind::Links) else {
            return Ok(Vec::new());
        };
        let births = births_of(&elements);
        let options = &collection.schema().index;
        self.read(*links, |payload| {
            elements::decode_links(segment, options, payload, &births)
        })
    }

    /// The elements of a segment, out of two or three images.
    fn elements(
        &self,
        collection: &Collection,
        segment: u32,
        images: &SegmentImages<'_>,
    ) -> Result<Vec<SavedElement>, SnapshotError> {
        let bytes_of = |image: &Located<'_>| self.packs.payload(image.0, image.1);
        let (Some(names), Some(vectors)) = (images.get(&Kind::Names), images.get(&Kind::Vectors))
        else {
            return Err(self.contradiction("a segment has no names or no vectors"));
        };
        let (name_bytes, vector_bytes) = (bytes_of(names)?, bytes_of(vectors)?);
        let attributes = images.get(&Kind::Attributes);
        let attribute_bytes = attributes.map(bytes_of).transpose()?;
        let attributes = attributes.zip(attribute_bytes.as_deref());
        elements::decode_elements(
            segment,
            &collection.schema().index,
            payload_of(*names, &name_bytes),
            payload_of(*vectors, &vector_bytes),
            attributes.map(|(image, bytes)| payload_of(*image, bytes)),
        )
        .map_err(|what| self.packs.fault(names.1, what))
    }
}

fn births_of(elements: &[SavedElement]) -> HashMap<u32, u32> {
    let elements = elements.iter();
    elements
        .map(|element| (element.slot, element.birth))
        .collect()
}

//! What a snapshot keeps of an index beside the documents: which vector stood where in its graphs, and how it was linked. The rest
//! is read from the documents when the index is made again.
//!
//! Links are read while writers go on, and belong to no moment: a vector is known by its key and a checksum of its bytes, and what
//! does not fit the documents that were loaded is linked anew.

use super::index::DocumentIndex;
use super::values::{self, DocumentValues, FieldValue};
use crate::index::{IndexKind, SavedNode, VectorIndex, segments};
use crate::keyspace::Key;
use crate::keyspace::table::Database;
use std::collections::HashMap;

/// A vector in a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedVector {
    /// Where it stood.
    pub slot: u32,
    /// Checksum of its packed components.
    pub checksum: u32,
    /// Its document.
    pub key: Key,
    /// Its links by layer, layer 0 first.
    pub layers: Vec<Vec<u32>>,
}

/// A checksum of bytes, the same at each start.
pub type Checksum = fn(&[u8]) -> u32;

impl DocumentIndex {
    /// The places of the VECTOR fields, each with the number of segments that its graph has now.
    pub fn graphs(&self) -> Vec<(usize, u32)> {
        let fields = 0..self.schema().fields.len();
        let graph = |field| Some((field, segments::count(self.vectors(field)?.slots_end())));
        fields.filter_map(graph).collect()
    }

    /// The vectors of one segment of a field's graph, in the order of their slots.
    pub fn save_segment(&self, field: usize, segment: u32, checksum: Checksum) -> Vec<SavedVector> {
        let Some(vectors) = self.vectors(field) else {
            return Vec::new();
        };
        let mut nodes = match vectors.options().kind {
            IndexKind::Hnsw => vectors.save_nodes(segment),
            IndexKind::Flat => places(vectors, segment),
        };
        nodes.sort_unstable_by_key(|node| node.slot);
        let state = self.read();
        let mut saved = Vec::with_capacity(nodes.len());
        for SavedNode {
            slot,
            birth,
            layers,
        } in nodes
        {
            let owner = state.owner(field, slot);
            let Some(document) = owner.and_then(|id| state.documents.get(id)) else {
                continue;
            };
            let checksum = checksum(&vectors.packed(slot));
            // The slot may have become another vector's since its links were read.
            if vectors.birth(slot) == birth {
                saved.push(SavedVector {
                    slot,
                    checksum,
                    key: document.key.clone(),
                    layers,
                });
            }
        }
        saved
    }
}

/// The live slots of a segment, as nodes without links.
fn places(vectors: &VectorIndex, segment: u32) -> Vec<SavedNode> {
    let (first, slots) = segments::extent(segment);
    let live = (first..first + slots).filter(|slot| vectors.is_live(*slot));
    let node = |slot| SavedNode {
        slot,
        birth: vectors.birth(slot),
        layers: Vec::new(),
    };
    live.map(node).collect()
}

/// The vectors of a snapshot that still look for their documents.
pub(super) struct SavedGraphs {
    /// Field and vector, by key.
    by_key: HashMap<Key, Vec<(usize, SavedVector)>>,
    checksum: Checksum,
}

/// A document all of whose vectors have a place, and what is known of them.
pub(super) struct Known {
    pub(super) values: DocumentValues,
    /// Field and slot of each vector, in the order of the fields and of the values.
    pub(super) slots: Vec<(usize, u32)>,
    /// Field and links of each.
    pub(super) nodes: Vec<(usize, SavedNode)>,
}

impl SavedGraphs {
    pub(super) fn new(saved: Vec<(usize, Vec<SavedVector>)>, checksum: Checksum) -> SavedGraphs {
        let mut by_key: HashMap<Key, Vec<(usize, SavedVector)>> = HashMap::new();
        for (field, vectors) in saved {
            for vector in vectors {
                let of_key = by_key.entry(vector.key.clone()).or_default();
                of_key.push((field, vector));
            }
        }
        SavedGraphs { by_key, checksum }
    }

    /// The document of a key, if the snapshot knows all of its vectors as they are now.
    pub(super) fn find(
        &self,
        index: &DocumentIndex,
        key: &[u8],
        database: &Database,
    ) -> Option<Known> {
        let entry = database.peek(key)?;
        let values = values::read(index.schema(), key, &entry.value)?.ok()?;
        let mut candidates: Vec<&(usize, SavedVector)> = match self.by_key.get(key) {
            Some(of_key) => of_key.iter().collect(),
            None => Vec::new(),
        };
        let (mut slots, mut nodes) = (Vec::new(), Vec::new());
        for (field, value) in values.fields.iter().enumerate() {
            let FieldValue::Vectors(all) = value else {
                continue;
            };
            for packed in all {
                let checksum = (self.checksum)(packed);
                let at = candidates
                    .iter()
                    .position(|(of, vector)| *of == field && vector.checksum == checksum)?;
                let (_, vector) = candidates.swap_remove(at);
                slots.push((field, vector.slot));
                let node = SavedNode {
                    slot: vector.slot,
                    birth: 0,
                    layers: vector.layers.clone(),
                };
                nodes.push((field, node));
            }
        }
        Some(Known {
            values,
            slots,
            nodes,
        })
    }
}

//! What an index takes, by its parts: estimates from counts and from the bytes that containers hold, in one pass over words and
//! values. Vectors are counted where they are (`index/`).

use super::fields::FieldIndex;
use super::index::{Document, State};
use roaring::RoaringBitmap;
use std::mem::size_of;

/// Bytes that an entry of a tree takes besides its key and value, about: nodes are two thirds full.
const ENTRY_BYTES: usize = 8;

/// Counts, and bytes by part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Different words.
    pub words: usize,
    /// Words in documents, values of tags in documents and numbers in documents.
    pub records: usize,
    /// Places of words in documents.
    pub positions: usize,
    /// Parts that postings are cut into.
    pub blocks: usize,
    /// Postings of words, tags and numbers.
    pub posting_bytes: usize,
    /// Places of words, in postings.
    pub position_bytes: usize,
    /// Words themselves.
    pub word_bytes: usize,
    /// Values of tags themselves.
    pub tag_bytes: usize,
    /// Documents without their keys and values.
    pub document_bytes: usize,
    /// Values of documents that sorting looks at.
    pub value_bytes: usize,
    /// Keys, and the way from them to documents.
    pub key_bytes: usize,
    /// Shapes.
    pub shape_bytes: usize,
}

impl Sizes {
    /// All bytes.
    pub fn bytes(&self) -> usize {
        self.posting_bytes
            + self.word_bytes
            + self.tag_bytes
            + self.document_bytes
            + self.value_bytes
            + self.key_bytes
            + self.shape_bytes
    }

    fn add_bitmap(&mut self, ids: &RoaringBitmap) {
        self.blocks += 1;
        self.records += ids.len() as usize;
        self.posting_bytes += ids.serialized_size();
    }

    fn add_field(&mut self, field: &FieldIndex) {
        for (tag, ids) in &field.tags {
            self.add_bitmap(ids);
            self.tag_bytes += tag.len() + size_of::<Box<str>>() + ENTRY_BYTES;
        }
        let numbers = field.numbers.size();
        self.blocks += numbers.blocks;
        self.records += numbers.records;
        self.posting_bytes += numbers.bytes;
        let (points, point_bytes) = field.points.size();
        self.records += points;
        self.posting_bytes += point_bytes;
        self.shape_bytes += field.shapes.bytes();
        self.posting_bytes += field.present.serialized_size();
    }

    fn add_document(&mut self, document: &Document) {
        let packed = document.packed();
        let (key, values) = (packed.key().len(), packed.value_bytes());
        self.document_bytes += size_of::<Document>() + ENTRY_BYTES + packed.bytes() - key - values;
        // The key itself, and its place in the map of keys.
        self.key_bytes += key + size_of::<u32>() + ENTRY_BYTES;
        self.value_bytes += values;
    }
}

impl State {
    /// What it takes. A pass over words, values and documents.
    pub fn sizes(&self) -> Sizes {
        let (positions, position_bytes) = self.words.places();
        let mut sizes = Sizes {
            words: self.words.len(),
            word_bytes: self.words.word_bytes(),
            positions,
            position_bytes,
            ..Sizes::default()
        };
        for (_, postings) in self.words.iter() {
            let (blocks, bytes) = postings.size();
            sizes.records += postings.len();
            sizes.blocks += blocks;
            sizes.posting_bytes += bytes;
        }
        self.fields.iter().for_each(|field| sizes.add_field(field));
        let documents = self.all.iter().filter_map(|id| self.documents.get(id));
        documents.for_each(|document| sizes.add_document(document));
        let payloads = self.all.iter().filter_map(|id| self.payload(id));
        sizes.document_bytes += payloads.map(|payload| payload.len()).sum::<usize>();
        sizes
    }
}

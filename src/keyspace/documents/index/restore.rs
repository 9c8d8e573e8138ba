//! An index out of a snapshot: documents that are what they were, with the words that they had, all at once and on all cores.

use super::super::fields::{FieldIndex, SavedField};
use super::super::pages::Pages;
use super::super::saved::{Facts, Known};
use super::super::vocabulary::{SavedWord, Vocabulary, WordId};
use super::{Document, DocumentIndex, DocumentSlots, State};
use crate::keyspace::Key;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::packed::PackedDocument;
use crate::keyspace::documents::values::{DocumentValues, FieldValue};
use hashbrown::HashTable;
use rayon::prelude::*;
use roaring::RoaringBitmap;
use std::sync::atomic::Ordering;

/// A document that a snapshot knows just as its key holds it, its vectors in their slots.
pub(in crate::keyspace::documents) struct Restored {
    key: Key,
    facts: Facts,
    values: DocumentValues,
    slots: Vec<(usize, u32)>,
}

impl DocumentIndex {
    /// Loading: puts the vectors of a document in their slots, none of which is live before [`DocumentIndex::load_graphs`]; the
    /// document, for [`DocumentIndex::restore`].
    pub(in crate::keyspace::documents) fn load_known(
        &self,
        key: Key,
        facts: Facts,
        known: Known,
    ) -> Restored {
        let Known { mut values, slots } = known;
        self.note_left_out(&key, std::mem::take(&mut values.left_out));
        self.load_vectors(&values.fields, &slots);
        // Their words are known.
        for value in &mut values.fields {
            if let FieldValue::Texts(texts) = value {
                *texts = Vec::new();
            }
        }
        Restored {
            key,
            facts,
            values,
            slots,
        }
    }

    /// Loading: makes these the documents of the index, which has none, in the order of their ids, with those of the words, tags and
    /// numbers that they have; `fields` are by the fields' places. False if a word comes twice.
    pub(in crate::keyspace::documents) fn restore(
        &self,
        mut documents: Vec<Restored>,
        words: Vec<SavedWord>,
        fields: Vec<(usize, SavedField)>,
    ) -> bool {
        documents.par_sort_unstable_by_key(|document| document.facts.id);
        let mut new_ids = Pages::default();
        for (id, document) in (1..).zip(&documents) {
            new_ids.insert(document.facts.id, id);
        }
        let count = documents.len();
        let suffix_fields = self.schema.suffix_fields();
        let (fields, words) = rayon::join(
            || self.restored_fields(&documents, fields, &new_ids),
            || restored_words(suffix_fields, count, words, &new_ids),
        );
        let Some((words, numbers)) = words else {
            return false;
        };
        let mut state = State {
            ids: HashTable::with_capacity(documents.len()),
            all: (1..=documents.len() as DocumentId).collect::<RoaringBitmap>(),
            next_id: documents.len() as DocumentId + 1,
            fields,
            words,
            slots: self
                .schema
                .fields
                .iter()
                .map(|_| DocumentSlots::default())
                .collect(),
            ..State::default()
        };
        self.inserts
            .store(documents.len() as u64, Ordering::Relaxed);
        for (id, (document, numbers)) in (1..).zip(documents.into_iter().zip(numbers)) {
            state.restore(id, document, numbers);
        }
        let mut known = self.state.write();
        // What was left out while documents were read.
        state.failures = std::mem::take(&mut known.failures);
        *known = state;
        drop(known);
        true
    }

    fn restored_fields(
        &self,
        documents: &[Restored],
        parts: Vec<(usize, SavedField)>,
        new_ids: &Pages<DocumentId>,
    ) -> Vec<FieldIndex> {
        let mut saved: Vec<SavedField> = Vec::new();
        saved.resize_with(self.schema.fields.len(), SavedField::default);
        for (place, part) in parts {
            saved[place].tags.extend(part.tags);
            saved[place].numbers.extend(part.numbers);
        }
        let fields = self.schema.fields.par_iter().zip(saved).enumerate();
        let fields = fields.map(|(place, (field, saved))| {
            let values = documents
                .iter()
                .map(|document| &document.values.fields[place]);
            FieldIndex::restored(field, saved, new_ids, (1..).zip(values))
        });
        fields.collect()
    }
}

/// The words, and the numbers of those of each document; none if a word comes twice.
fn restored_words(
    suffix_fields: u128,
    documents: usize,
    words: Vec<SavedWord>,
    new_ids: &Pages<DocumentId>,
) -> Option<(Vocabulary, Vec<Box<[WordId]>>)> {
    let words = Vocabulary::restored(suffix_fields, words, new_ids)?;
    let numbers = words.numbers_by_document(documents);
    Some((words, numbers))
}

impl State {
    fn restore(&mut self, id: DocumentId, restored: Restored, words: Box<[WordId]>) {
        let Restored {
            key,
            facts,
            values,
            slots,
        } = restored;
        self.length += u64::from(facts.length);
        self.longest = self.longest.max(facts.length);
        self.put_slots(id, &slots);
        let document = Document {
            packed: PackedDocument::new(&key, &values.fields, words),
            score: values.score,
            length: facts.length,
            frequency_max: facts.frequency_max,
            checksum: facts.checksum,
        };
        self.enter(id, document, values.payload);
    }
}

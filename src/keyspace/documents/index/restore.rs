//! An index out of a snapshot: documents that are what they were, with the words that they had, all at once and on all cores.

use super::super::fields::FieldIndex;
use super::super::pages::Pages;
use super::super::saved::{Facts, Known};
use super::super::vocabulary::{SavedWord, Vocabulary, WordId};
use super::{Document, DocumentIndex, DocumentSlots, State, kept};
use crate::keyspace::Key;
use crate::keyspace::documents::fields::DocumentId;
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

    /// Loading: makes these the documents of the index, which has none, in the order of their ids, with those of the words that they
    /// have. False if a word comes twice.
    pub(in crate::keyspace::documents) fn restore(
        &self,
        mut documents: Vec<Restored>,
        words: Vec<SavedWord>,
    ) -> bool {
        documents.par_sort_unstable_by_key(|document| document.facts.id);
        let (fields, words) = rayon::join(
            || self.restored_fields(&documents),
            || restored_words(self.schema.suffix_fields(), &documents, words),
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
        *self.state.write() = state;
        true
    }

    fn restored_fields(&self, documents: &[Restored]) -> Vec<FieldIndex> {
        let fields = self.schema.fields.par_iter().enumerate();
        let fields = fields.map(|(place, field)| {
            let values = documents
                .iter()
                .map(|document| &document.values.fields[place]);
            FieldIndex::of_all(field, (1..).zip(values))
        });
        fields.collect()
    }
}

/// The words, and the numbers of those of each document; none if a word comes twice.
fn restored_words(
    suffix_fields: u128,
    documents: &[Restored],
    words: Vec<SavedWord>,
) -> Option<(Vocabulary, Vec<Box<[WordId]>>)> {
    let mut new_ids = Pages::default();
    for (id, document) in (1..).zip(documents) {
        new_ids.insert(document.facts.id, id);
    }
    let words = Vocabulary::restored(suffix_fields, words, &new_ids)?;
    let numbers = words.numbers_by_document(documents.len());
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
        self.put_slots(id, &slots);
        let document = Document {
            key,
            score: values.score,
            length: facts.length,
            frequency_max: facts.frequency_max,
            checksum: facts.checksum,
            values: kept(values.fields),
            payload: values.payload,
            words,
        };
        self.enter(id, document);
    }
}

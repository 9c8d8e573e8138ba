//! Indexes over documents: made again by what their images hold, or by their keys where these are damaged.

use super::{DamagedPart, Loader, Located};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::filling::LoadedIndex;
use crate::keyspace::documents::index::links_of;
use crate::keyspace::documents::saved::{SavedIndex, SavedVector};
use crate::keyspace::documents::schema::{self, FieldKind, Schema};
use crate::keyspace::documents::words::Words;
use crate::persistence::snapshot::SnapshotError;
use crate::persistence::snapshot::cursor::Fault;
use crate::persistence::snapshot::documents::{self, Definition};
use crate::persistence::snapshot::elements::Payload;
use crate::persistence::snapshot::image::{Kind, Place};
use rayon::prelude::*;
use std::sync::Arc;

impl Loader<'_> {
    /// Makes the indexes again, once their documents are there; of all of them, what was done.
    pub(super) fn indexes(&self) -> Result<LoadedIndex, SnapshotError> {
        let mut all = LoadedIndex::default();
        for (place, definition) in self.definitions()?.into_iter().enumerate() {
            match definition {
                Definition::Index(name, words) => {
                    let schema = self.schema(&words)?;
                    let loaded = self.index(place as u64, &name, schema)?;
                    self.calibrate_fields(place as u64, &name);
                    all.relinked += loaded.relinked;
                    all.taken += loaded.taken;
                    all.indexed += loaded.indexed;
                }
                Definition::Alias(alias, name) => {
                    self.keyspace.indexes().set_alias(&alias, &name);
                }
            }
        }
        Ok(all)
    }

    fn schema(&self, words: &[Vec<u8>]) -> Result<Schema, SnapshotError> {
        let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
        let schema = schema::create(&mut Words::new(&words));
        schema.map_err(|_| self.contradiction("an index's words do not make one"))
    }

    fn definitions(&self) -> Result<Vec<Definition>, SnapshotError> {
        match self.images(Kind::Indexes).next() {
            Some(image) => self.read(image, documents::decode_definitions),
            None => Ok(Vec::new()),
        }
    }

    /// Makes an index again. All that its images hold its keys tell too: what is damaged is noted and made anew, the words of
    /// documents without the links of their vectors, or these without those.
    fn index(&self, owner: u64, name: &[u8], schema: Schema) -> Result<LoadedIndex, SnapshotError> {
        let note = |why: &SnapshotError| self.note(DamagedPart::Index, name, why);
        let mut saved = self.saved_documents(owner, &schema).unwrap_or_else(|why| {
            note(&why);
            SavedIndex::default()
        });
        saved.vectors = self.saved_vectors(owner, &schema).unwrap_or_else(|why| {
            note(&why);
            Vec::new()
        });
        let (database, schema) = (self.keyspace.database(INDEXED_DB), Arc::new(schema));
        let load = |saved| {
            let indexes = self.keyspace.indexes();
            indexes.load(name, Arc::clone(&schema), &database, saved)
        };
        if let Some(loaded) = load(saved) {
            return Ok(loaded);
        }
        let why = self.contradiction("a word of an index comes twice");
        note(&why);
        let links_alone = SavedIndex {
            vectors: self.saved_vectors(owner, &schema).unwrap_or_default(),
            ..SavedIndex::default()
        };
        load(links_alone).ok_or(why)
    }

    /// The vectors of an index, with their links.
    fn saved_vectors(
        &self,
        owner: u64,
        schema: &Schema,
    ) -> Result<Vec<(usize, Vec<SavedVector>)>, SnapshotError> {
        let vectors = self.decode_all(Kind::DocumentLinks, owner, |place, payload| {
            let m = links_of(schema, place.piece as usize)
                .ok_or("links belong to a field without vectors")?;
            documents::decode_vectors(place.part, m, payload)
        })?;
        let by_field = vectors.into_iter();
        let by_field = by_field.map(|(place, part)| (place.piece as usize, part));
        Ok(by_field.collect())
    }

    /// All that there is of an index but its vectors.
    fn saved_documents(&self, owner: u64, schema: &Schema) -> Result<SavedIndex, SnapshotError> {
        let documents = self.decode_all(Kind::Documents, owner, |place, payload| {
            documents::decode_documents(place.part, payload)
        })?;
        let words = self.decode_all(Kind::Words, owner, |_, payload| {
            documents::decode_words(payload)
        })?;
        let is_of = |place: &Place, fits: fn(&FieldKind) -> bool| {
            let field = schema.fields.get(place.piece as usize);
            let is_one = field.is_some_and(|field| fits(&field.kind));
            is_one.then_some(()).ok_or("a field is of another kind")
        };
        let mut fields = self.decode_all(Kind::Tags, owner, |place, payload| {
            is_of(place, |kind| matches!(kind, FieldKind::Tag { .. }))?;
            documents::decode_tags(payload)
        })?;
        fields.extend(self.decode_all(Kind::Numbers, owner, |place, payload| {
            is_of(place, |kind| *kind == FieldKind::Numeric)?;
            documents::decode_numbers(payload)
        })?);
        let ids = self.decode_all(Kind::DocumentIds, owner, |_, payload| {
            documents::decode_ids(payload)
        })?;
        Ok(SavedIndex {
            alive: ids
                .into_iter()
                .map(|(_, ids)| ids)
                .next()
                .unwrap_or_default(),
            documents: documents.into_iter().flat_map(|(_, part)| part).collect(),
            words: words.into_iter().flat_map(|(_, part)| part).collect(),
            fields: fields
                .into_iter()
                .map(|(place, part)| (place.piece as usize, part))
                .collect(),
            vectors: Vec::new(),
        })
    }

    /// What the images of one kind of an index hold, in the order of their places.
    fn decode_all<T: Send>(
        &self,
        kind: Kind,
        owner: u64,
        decode: impl Fn(&Place, Payload<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<Vec<(Place, T)>, SnapshotError> {
        let images = self.images(kind).filter(|(place, _)| place.owner == owner);
        let images: Vec<Located<'_>> = images.collect();
        let decoded = images.into_par_iter().map(|image| {
            let content = self.read(image, |payload| decode(&image.0, payload))?;
            Ok((image.0, content))
        });
        decoded.collect()
    }
}

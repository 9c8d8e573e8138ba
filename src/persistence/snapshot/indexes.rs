//! What a save reads of the indexes over documents, a part at a time, in the order in which the parts have to come
//! (docs/snapshot-format.md, "Indexes"). Each is read under the lock of the postings, which is let go between two of them.

use super::elements::Encoded;
use super::image::{Kind, Place};
use super::{calibrations, documents};
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::documents::saved::DOCUMENTS_AT_ONCE;
use crate::keyspace::documents::schema::FieldKind;
use crate::keyspace::documents::vocabulary::WordId;
use std::sync::Arc;

/// Something of an index that is written in one step.
pub(super) struct IndexPart {
    index: Arc<DocumentIndex>,
    /// The index's place among the definitions.
    owner: u64,
    content: Content,
}

/// What a part becomes.
pub(super) struct Image {
    pub(super) place: Place,
    pub(super) encoded: Encoded,
}

enum Content {
    /// Documents of this part, with ids below `end`.
    Documents { part: u32, end: DocumentId },
    /// Words from this number on.
    Words { part: u32, from: WordId },
    /// Values of a TAG field behind one.
    Tags {
        field: usize,
        part: u32,
        after: Option<Box<str>>,
    },
    /// Numbers of a NUMERIC field above one.
    Numbers {
        field: usize,
        part: u32,
        after: Option<f64>,
    },
    /// The ids below `end` that are still there: behind all that speaks of documents by their ids.
    Ids { end: DocumentId },
    /// A segment of a field's graph.
    Links { field: usize, segment: u32 },
    /// What is known of the recall of a field, with queries that were asked or without.
    Calibration { field: usize, keeps_queries: bool },
}

/// The parts of an index, in their order; some have more that follow them ([`IndexPart::read`]).
pub(super) fn parts_of(
    index: &Arc<DocumentIndex>,
    owner: u64,
    keeps_queries: bool,
) -> Vec<IndexPart> {
    // Documents that come later are in the log.
    let end = index.ids_end();
    let parts = 0..end.div_ceil(DOCUMENTS_AT_ONCE);
    let mut contents: Vec<_> = parts.map(|part| Content::Documents { part, end }).collect();
    contents.push(Content::Words { part: 0, from: 0 });
    let (part, fields) = (0, index.schema().fields.iter().enumerate());
    contents.extend(fields.filter_map(|(field, definition)| {
        Some(match definition.kind {
            FieldKind::Tag { .. } => Content::Tags {
                field,
                part,
                after: None,
            },
            FieldKind::Numeric => Content::Numbers {
                field,
                part,
                after: None,
            },
            _ => return None,
        })
    }));
    contents.push(Content::Ids { end });
    for (field, segments) in index.graphs() {
        contents.extend((0..segments).map(|segment| Content::Links { field, segment }));
        contents.push(Content::Calibration {
            field,
            keeps_queries,
        });
    }
    let contents = contents.into_iter();
    let parts = contents.map(|content| IndexPart {
        index: Arc::clone(index),
        owner,
        content,
    });
    parts.collect()
}

impl IndexPart {
    /// Its image, and what has to be written next, if there may be more of its kind.
    pub(super) fn read(self) -> (Image, Option<IndexPart>) {
        let IndexPart {
            index,
            owner,
            content,
        } = self;
        let (kind, part, piece, encoded, more) = read(&index, content);
        let place = Place {
            kind,
            owner,
            part,
            piece,
        };
        let more = more.map(|content| IndexPart {
            index,
            owner,
            content,
        });
        (Image { place, encoded }, more)
    }
}

/// Kind, part and piece of an image, what is in it, and what follows.
type Read = (Kind, u32, u32, Encoded, Option<Content>);

fn read(index: &DocumentIndex, content: Content) -> Read {
    match content {
        Content::Documents { part, end } => {
            let first = part * DOCUMENTS_AT_ONCE;
            let ids = first..end.min(first.saturating_add(DOCUMENTS_AT_ONCE));
            let encoded = documents::encode_documents(&index.save_documents(ids));
            (Kind::Documents, part, 0, encoded, None)
        }
        Content::Words { part, from } => {
            let (saved, more) = index.save_words(from);
            let next = more.map(|from| Content::Words {
                part: part + 1,
                from,
            });
            (Kind::Words, part, 0, documents::encode_words(&saved), next)
        }
        Content::Tags { field, part, after } => {
            let (saved, last) = index.save_tags(field, after.as_deref());
            let encoded = documents::encode_tags(&saved);
            let next = last.map(|last| Content::Tags {
                field,
                part: part + 1,
                after: Some(last),
            });
            (Kind::Tags, part, field as u32, encoded, next)
        }
        Content::Numbers { field, part, after } => {
            let (saved, last) = index.save_numbers(field, after);
            let encoded = documents::encode_numbers(&saved);
            let next = last.map(|last| Content::Numbers {
                field,
                part: part + 1,
                after: Some(last),
            });
            (Kind::Numbers, part, field as u32, encoded, next)
        }
        Content::Ids { end } => {
            let encoded = documents::encode_ids(&index.save_ids(end));
            (Kind::DocumentIds, 0, 0, encoded, None)
        }
        Content::Links { field, segment } => {
            let encoded = documents::encode_vectors(&index.save_segment(field, segment));
            (Kind::DocumentLinks, segment, field as u32, encoded, None)
        }
        Content::Calibration {
            field,
            keeps_queries,
        } => {
            let saved = index.save_calibration(field, keeps_queries);
            let encoded = calibrations::encode(&saved);
            (Kind::FieldCalibration, 0, field as u32, encoded, None)
        }
    }
}

//! Payloads of the indexes over documents: the words that make them, their documents, the words, tags and numbers of these, and the links of their
//! graphs, a segment of a VECTOR field an image. docs/snapshot-format.md, "Indexes".

use super::cursor::{Cursor, Fault, put_bytes, put_varint};
use super::elements::{Encoded, Payload, decode_layers, put_layers, put_u32s, read_slots};
use crate::keyspace::Key;
use crate::keyspace::documents::fields::{DocumentId, SavedField, SavedTag};
use crate::keyspace::documents::postings::Postings;
use crate::keyspace::documents::saved::{DOCUMENTS_AT_ONCE, SavedDocument, SavedVector};
use crate::keyspace::documents::vocabulary::SavedWord;
use roaring::RoaringBitmap;

/// What there is of an index by name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Definition {
    /// An index: its name and the words of FT.CREATE behind it.
    Index(Key, Vec<Vec<u8>>),
    /// Another name, and the index's own.
    Alias(Key, Key),
}

/// What a definition begins with.
const INDEX: u8 = 0;
const ALIAS: u8 = 1;

/// Definitions; places in this list are the owners of the images of links.
pub(super) fn encode_definitions(definitions: &[Definition]) -> Encoded {
    let mut out = Vec::new();
    for definition in definitions {
        match definition {
            Definition::Index(name, words) => {
                out.push(INDEX);
                put_bytes(&mut out, name);
                put_varint(&mut out, words.len() as u64);
                words.iter().for_each(|word| put_bytes(&mut out, word));
            }
            Definition::Alias(alias, name) => {
                out.push(ALIAS);
                put_bytes(&mut out, alias);
                put_bytes(&mut out, name);
            }
        }
    }
    (definitions.len() as u32, out)
}

pub(super) fn decode_definitions(payload: Payload<'_>) -> Result<Vec<Definition>, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let mut definitions = Vec::new();
    for _ in 0..payload.entries {
        definitions.push(match cursor.u8()? {
            INDEX => {
                let name = cursor.bytes()?.into();
                let count = cursor.count(1)?;
                let words = (0..count).map(|_| cursor.bytes().map(<[u8]>::to_vec));
                Definition::Index(name, words.collect::<Result<_, Fault>>()?)
            }
            ALIAS => Definition::Alias(cursor.bytes()?.into(), cursor.bytes()?.into()),
            _ => return Err("a definition is of a kind that is not known"),
        });
    }
    cursor.finish()?;
    Ok(definitions)
}

/// Links of a segment of a VECTOR field. `vectors` are in order of their slots.
pub(super) fn encode_vectors(vectors: &[SavedVector]) -> Encoded {
    let mut out = Vec::new();
    put_u32s(&mut out, vectors.iter().map(|vector| vector.slot));
    put_u32s(&mut out, vectors.iter().map(|vector| vector.checksum));
    for vector in vectors {
        put_bytes(&mut out, &vector.key);
        put_layers(&mut out, &vector.layers);
    }
    (vectors.len() as u32, out)
}

/// `m` is what the field's graph is made with.
pub(super) fn decode_vectors(
    segment: u32,
    m: u32,
    payload: Payload<'_>,
) -> Result<Vec<SavedVector>, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let slots = read_slots(&mut cursor, segment, payload.entries)?;
    let checksums = cursor.u32s(slots.len())?;
    let vectors = slots.into_iter().zip(checksums).map(|(slot, checksum)| {
        Ok(SavedVector {
            slot,
            checksum,
            key: cursor.bytes()?.into(),
            layers: decode_layers(&mut cursor, m)?,
        })
    });
    let vectors = vectors.collect::<Result<_, Fault>>()?;
    cursor.finish()?;
    Ok(vectors)
}

/// Documents of one part, in the order of their ids.
pub(super) fn encode_documents(documents: &[SavedDocument]) -> Encoded {
    let mut out = Vec::new();
    put_u32s(&mut out, documents.iter().map(|document| document.id));
    put_u32s(&mut out, documents.iter().map(|document| document.checksum));
    for document in documents {
        put_bytes(&mut out, &document.key);
        put_varint(&mut out, document.length.into());
        put_varint(&mut out, document.frequency_max.into());
    }
    (documents.len() as u32, out)
}

pub(super) fn decode_documents(
    part: u32,
    payload: Payload<'_>,
) -> Result<Vec<SavedDocument>, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let entries = payload.entries as usize;
    let ids: Vec<u32> = cursor.u32s(entries)?.collect();
    let is_own = |id: &u32| id / DOCUMENTS_AT_ONCE == part;
    if !ids.is_sorted_by(|a, b| a < b) || !ids.iter().all(is_own) {
        return Err("documents are not those of their part");
    }
    let checksums = cursor.u32s(entries)?;
    let documents = ids.into_iter().zip(checksums).map(|(id, checksum)| {
        Ok(SavedDocument {
            id,
            checksum,
            key: cursor.bytes()?.into(),
            length: varint_u32(&mut cursor)?,
            frequency_max: varint_u32(&mut cursor)?,
        })
    });
    let documents = documents.collect::<Result<_, Fault>>()?;
    cursor.finish()?;
    Ok(documents)
}

/// Words, each with its documents.
pub(super) fn encode_words(words: &[SavedWord]) -> Encoded {
    let mut out = Vec::new();
    for word in words {
        put_bytes(&mut out, word.text.as_bytes());
        let blocks = word.postings.blocks();
        put_varint(&mut out, blocks.len() as u64);
        for (first, bytes) in blocks {
            put_varint(&mut out, first.into());
            put_bytes(&mut out, bytes);
        }
    }
    (words.len() as u32, out)
}

pub(super) fn decode_words(payload: Payload<'_>) -> Result<Vec<SavedWord>, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let mut words = Vec::new();
    for _ in 0..payload.entries {
        let text = std::str::from_utf8(cursor.bytes()?).map_err(|_| "a word is no text")?;
        let count = cursor.count(2)?;
        let blocks = (0..count).map(|_| Ok((varint_u32(&mut cursor)?, cursor.bytes()?)));
        let blocks = blocks.collect::<Result<Vec<_>, Fault>>()?;
        let postings = Postings::of_blocks(blocks.into_iter());
        words.push(SavedWord {
            text: text.into(),
            postings: postings.ok_or("the documents of a word are not in blocks")?,
        });
    }
    cursor.finish()?;
    Ok(words)
}

/// Values of a TAG field, each with its documents.
pub(super) fn encode_tags(tags: &[SavedTag]) -> Encoded {
    let mut out = Vec::new();
    for tag in tags {
        put_bytes(&mut out, tag.tag.as_bytes());
        put_varint(&mut out, tag.ids.len());
        put_ids(&mut out, tag.ids.iter());
    }
    (tags.len() as u32, out)
}

pub(super) fn decode_tags(payload: Payload<'_>) -> Result<SavedField, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let mut field = SavedField::default();
    for _ in 0..payload.entries {
        let tag = std::str::from_utf8(cursor.bytes()?).map_err(|_| "a tag is no text")?;
        let count = cursor.count(1)?;
        field.tags.push(SavedTag {
            tag: tag.into(),
            ids: read_ids(&mut cursor, count)?.into_iter().collect(),
        });
    }
    cursor.finish()?;
    Ok(field)
}

/// Numbers of a NUMERIC field, each with its documents; in the order of numbers and ids.
pub(super) fn encode_numbers(numbers: &[(f64, DocumentId)]) -> Encoded {
    let (mut out, mut entries) = (Vec::new(), 0);
    for same in numbers.chunk_by(|one, other| one.0.to_bits() == other.0.to_bits()) {
        let ids = same.iter().map(|(_, id)| *id);
        let number = same.first().map_or(0.0, |(number, _)| *number);
        out.extend_from_slice(&number.to_le_bytes());
        put_varint(&mut out, ids.len() as u64);
        put_ids(&mut out, ids);
        entries += 1;
    }
    (entries, out)
}

pub(super) fn decode_numbers(payload: Payload<'_>) -> Result<SavedField, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let mut field = SavedField::default();
    for _ in 0..payload.entries {
        let number = f64::from_bits(cursor.u64()?);
        if number.is_nan() {
            return Err("a number is none");
        }
        let count = cursor.count(1)?;
        let ids = read_ids(&mut cursor, count)?.into_iter();
        field.numbers.extend(ids.map(|id| (number, id)));
    }
    cursor.finish()?;
    Ok(field)
}

/// Ids of documents.
pub(super) fn encode_ids(ids: &RoaringBitmap) -> Encoded {
    let mut out = Vec::new();
    put_ids(&mut out, ids.iter());
    (ids.len() as u32, out)
}

pub(super) fn decode_ids(payload: Payload<'_>) -> Result<RoaringBitmap, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let ids = read_ids(&mut cursor, payload.entries as usize)?;
    cursor.finish()?;
    Ok(ids.into_iter().collect())
}

/// Ids that ascend, each as the step from the one before.
fn put_ids(out: &mut Vec<u8>, ids: impl Iterator<Item = DocumentId>) {
    let mut before = 0;
    for id in ids {
        put_varint(out, (id - before).into());
        before = id;
    }
}

fn read_ids(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<DocumentId>, Fault> {
    let mut ids: Vec<DocumentId> = Vec::new();
    for _ in 0..count {
        let step = varint_u32(cursor)?;
        let id = match ids.last() {
            Some(_) if step == 0 => return Err("an id comes twice"),
            Some(before) => before.checked_add(step).ok_or(TOO_GREAT)?,
            None => step,
        };
        ids.push(id);
    }
    Ok(ids)
}

const TOO_GREAT: Fault = "an integer is too great";

fn varint_u32(cursor: &mut Cursor<'_>) -> Result<u32, Fault> {
    u32::try_from(cursor.varint()?).map_err(|_| TOO_GREAT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::documents::postings::Posting;

    fn payload((entries, bytes): &Encoded) -> Payload<'_> {
        Payload {
            entries: *entries,
            bytes,
        }
    }

    #[test]
    fn definitions_of_any_length_come_back() {
        let definitions = [
            Definition::Index(vec![b'n'; 300].into(), vec![vec![b'w'; 10_000], Vec::new()]),
            Definition::Alias(vec![b'a'; 70_000].into(), vec![b'n'; 300].into()),
        ];
        let encoded = encode_definitions(&definitions);
        assert_eq!(decode_definitions(payload(&encoded)).unwrap(), definitions);
    }

    #[test]
    fn links_come_back_and_payloads_that_are_cut_or_altered_never_panic() {
        let vectors = [3, 60].map(|slot| SavedVector {
            slot,
            checksum: slot * 7,
            key: format!("d:{slot}").into_bytes().into(),
            layers: vec![vec![60, 3], vec![3]],
        });
        let encoded = encode_vectors(&vectors);
        let decode = |bytes: &[u8]| {
            let entries = encoded.0;
            decode_vectors(0, 4, Payload { entries, bytes })
        };
        assert_eq!(decode(&encoded.1).unwrap(), vectors);
        assert!(decode_vectors(1, 4, payload(&encoded)).is_err());
        for len in 0..encoded.1.len() {
            assert!(decode(&encoded.1[..len]).is_err());
        }
        for at in 0..encoded.1.len() * 8 {
            let mut bad = encoded.1.clone();
            bad[at / 8] ^= 1 << (at % 8);
            let _ = decode(&bad);
        }
    }

    /// Requires that a payload comes back, that none of its beginnings does, and that altered ones never panic.
    fn check<T: PartialEq + std::fmt::Debug>(
        encoded: &Encoded,
        expected: &T,
        decode: impl Fn(Payload<'_>) -> Result<T, Fault>,
    ) {
        assert_eq!(decode(payload(encoded)).as_ref(), Ok(expected));
        let read = |bytes: &[u8]| {
            let entries = encoded.0;
            decode(Payload { entries, bytes })
        };
        for len in 0..encoded.1.len() {
            assert!(read(&encoded.1[..len]).is_err(), "cut to {len}");
        }
        assert!(read(&[&encoded.1[..], &[0]].concat()).is_err());
        for at in 0..encoded.1.len() * 8 {
            let mut bad = encoded.1.clone();
            bad[at / 8] ^= 1 << (at % 8);
            let _ = read(&bad);
        }
        let entries = u32::MAX;
        let bytes = &encoded.1;
        assert!(decode(Payload { entries, bytes }).is_err());
    }

    #[test]
    fn documents_come_back() {
        let documents: Vec<SavedDocument> = [4096, 4100, 8191]
            .into_iter()
            .map(|id| SavedDocument {
                id,
                key: vec![b'k'; (id % 300) as usize].into(),
                checksum: !id,
                length: id * 1000,
                frequency_max: u32::MAX,
            })
            .collect();
        let encoded = encode_documents(&documents);
        check(&encoded, &documents, |payload| decode_documents(1, payload));
        assert!(decode_documents(0, payload(&encoded)).is_err());
        assert!(decode_documents(2, payload(&encoded)).is_err());
        let twice = [documents[0].clone(), documents[0].clone()];
        assert!(decode_documents(1, payload(&encode_documents(&twice))).is_err());
    }

    #[test]
    fn words_come_back() {
        let postings = |ids: &[u32]| {
            let mut postings = Postings::default();
            for id in ids {
                let posting = Posting {
                    fields: 5,
                    frequency: 300,
                    places: vec![(0, 1), (2, 4)],
                };
                postings.push(*id, &posting);
            }
            postings
        };
        let many: Vec<u32> = (1..70).map(|id| id * 100).collect();
        let words = [("eins", postings(&many)), ("zwölf", postings(&[7]))];
        let words = words.map(|(text, postings)| SavedWord {
            text: text.into(),
            postings,
        });
        check(&encode_words(&words), &words.to_vec(), decode_words);
        let none = SavedWord {
            text: "".into(),
            postings: Postings::default(),
        };
        let encoded = encode_words(std::slice::from_ref(&none));
        check(&encoded, &vec![none], decode_words);
    }

    #[test]
    fn tags_and_numbers_come_back() {
        let tags = ["", "rot", "grün"].map(|tag| SavedTag {
            tag: tag.into(),
            ids: [1, 500, 70_000].into_iter().collect(),
        });
        let expected = SavedField {
            tags: tags.to_vec(),
            ..SavedField::default()
        };
        check(&encode_tags(&tags), &expected, decode_tags);
        let numbers = [
            (-1.5, 3),
            (0.0, 1),
            (0.0, 9),
            (1e300, 2),
            (f64::INFINITY, 700),
        ];
        let encoded = encode_numbers(&numbers);
        assert_eq!(encoded.0, 4);
        let expected = SavedField {
            numbers: numbers.to_vec(),
            ..SavedField::default()
        };
        check(&encoded, &expected, decode_numbers);
        let none = encode_numbers(&[(f64::NAN, 1)]);
        assert!(decode_numbers(payload(&none)).is_err());
    }

    #[test]
    fn ids_come_back() {
        let ids = [0, 1, 5, 70_000, u32::MAX].into_iter().collect();
        check(&encode_ids(&ids), &ids, decode_ids);
        assert!(decode_ids(payload(&(2, vec![3, 0]))).is_err());
    }
}

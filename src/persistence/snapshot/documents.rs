//! Payloads of the indexes over documents: the words that make them, and the links of their graphs, a segment of a VECTOR field an
//! image. docs/snapshot-format.md, "Indexes".

use super::cursor::{Cursor, Fault, put_bytes, put_varint};
use super::elements::{Encoded, Payload, decode_layers, put_layers, put_u32s, read_slots};
use crate::keyspace::Key;
use crate::keyspace::documents::saved::SavedVector;

/// What there is of an index by name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Definition {
    /// An index: its name and the words of FT.CREATE behind it.
    Index(Key, Vec<Vec<u8>>),
    /// Another name, and the index's own.
    Alias(Key, Key),
}

/// Definitions; places in this list are the owners of the images of links.
pub(super) fn encode_definitions(definitions: &[Definition]) -> Encoded {
    let mut out = Vec::new();
    for definition in definitions {
        match definition {
            Definition::Index(name, words) => {
                out.push(0);
                put_bytes(&mut out, name);
                put_varint(&mut out, words.len() as u64);
                words.iter().for_each(|word| put_bytes(&mut out, word));
            }
            Definition::Alias(alias, name) => {
                out.push(1);
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
            0 => {
                let name = cursor.bytes()?.into();
                let count = cursor.count(1)?;
                let words = (0..count).map(|_| cursor.bytes().map(<[u8]>::to_vec));
                Definition::Index(name, words.collect::<Result<_, Fault>>()?)
            }
            1 => Definition::Alias(cursor.bytes()?.into(), cursor.bytes()?.into()),
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

#[cfg(test)]
mod tests {
    use super::*;

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
}

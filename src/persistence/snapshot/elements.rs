//! Payloads of one segment of a collection: names, vectors, attributes and links, each an image of its own.
//! docs/snapshot-format.md, "Names, vectors, attributes, links".

use super::cursor::{Cursor, Fault, put_bytes};
use crate::keyspace::collection::{
    Collection, IndexOptions, Quantization, SavedElement, SavedNode, Stored,
};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// A graph has fewer layers than this.
const LAYERS_MAX: usize = 64;

/// What an image of a segment is written from: number of entries and payload.
pub(super) type Encoded = (u32, Vec<u8>);

/// Names and birth tags. `elements` are in order of their slots.
pub(super) fn encode_names(elements: &[SavedElement]) -> Encoded {
    let mut out = Vec::new();
    put_u32s(&mut out, elements.iter().map(|element| element.slot));
    put_u32s(&mut out, elements.iter().map(|element| element.birth));
    elements
        .iter()
        .for_each(|element| put_bytes(&mut out, &element.name));
    (elements.len() as u32, out)
}

/// Vectors as stored, all of one length.
pub(super) fn encode_vectors(elements: &[SavedElement]) -> Encoded {
    let stride = elements
        .first()
        .map_or(0, |element| element.stored.bytes.len());
    debug_assert!(
        elements
            .iter()
            .all(|element| element.stored.bytes.len() == stride)
    );
    let mut out = Vec::with_capacity(4 + elements.len() * (12 + stride));
    put_u32s(&mut out, elements.iter().map(|element| element.slot));
    put_u32s(&mut out, [stride as u32].into_iter());
    put_u32s(
        &mut out,
        elements.iter().map(|element| element.stored.norm.to_bits()),
    );
    put_u32s(
        &mut out,
        elements
            .iter()
            .map(|element| element.stored.range.to_bits()),
    );
    elements
        .iter()
        .for_each(|element| out.extend_from_slice(&element.stored.bytes));
    (elements.len() as u32, out)
}

/// Attributes of those that have some.
pub(super) fn encode_attributes(elements: &[SavedElement]) -> Encoded {
    let with = || {
        elements
            .iter()
            .filter_map(|element| Some((element.slot, element.attributes.as_deref()?)))
    };
    let mut out = Vec::new();
    put_u32s(&mut out, with().map(|(slot, _)| slot));
    with().for_each(|(_, attributes)| put_bytes(&mut out, attributes));
    (with().count() as u32, out)
}

/// Links. `nodes` are in order of their slots.
pub(super) fn encode_links(nodes: &[SavedNode]) -> Encoded {
    let mut out = Vec::new();
    put_u32s(&mut out, nodes.iter().map(|node| node.slot));
    put_u32s(&mut out, nodes.iter().map(|node| node.birth));
    nodes
        .iter()
        .for_each(|node| put_layers(&mut out, &node.layers));
    (nodes.len() as u32, out)
}

pub(super) fn put_layers(out: &mut Vec<u8>, layers: &[Vec<u32>]) {
    out.push(layers.len() as u8);
    for layer in layers {
        out.extend_from_slice(&(layer.len() as u16).to_le_bytes());
        put_u32s(out, layer.iter().copied());
    }
}

pub(super) fn put_u32s(out: &mut Vec<u8>, words: impl Iterator<Item = u32>) {
    words.for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
}

/// An image's payload and the number of entries that its header names.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) entries: u32,
    pub(super) bytes: &'a [u8],
}

/// The elements of a segment out of its images; attributes may be absent.
pub(super) fn decode_elements(
    segment: u32,
    options: &IndexOptions,
    names: Payload<'_>,
    vectors: Payload<'_>,
    attributes: Option<Payload<'_>>,
) -> Result<Vec<SavedElement>, Fault> {
    let mut elements = decode_vectors(segment, options, vectors)?;
    decode_names(segment, names, &mut elements)?;
    if let Some(attributes) = attributes {
        decode_attributes(segment, attributes, &mut elements)?;
    }
    Ok(elements)
}

fn decode_vectors(
    segment: u32,
    options: &IndexOptions,
    payload: Payload<'_>,
) -> Result<Vec<SavedElement>, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let slots = read_slots(&mut cursor, segment, payload.entries)?;
    let stride = cursor.u32()? as usize;
    if stride != stored_bytes(options) {
        return Err("vectors have another length than their collection's");
    }
    let norms = cursor.u32s(slots.len())?.map(f32::from_bits);
    let ranges = cursor.u32s(slots.len())?.map(f32::from_bits);
    let vectors = cursor.take(slots.len().checked_mul(stride).ok_or("it ends too early")?)?;
    cursor.finish()?;
    let stored = vectors.chunks_exact(stride).zip(norms.zip(ranges));
    let elements = slots
        .into_iter()
        .zip(stored)
        .map(|(slot, (bytes, (norm, range)))| SavedElement {
            slot,
            birth: 0,
            name: Bytes::new(),
            attributes: None,
            stored: Stored {
                bytes: bytes.into(),
                norm,
                range,
            },
        });
    Ok(elements.collect())
}

fn decode_names(
    segment: u32,
    payload: Payload<'_>,
    elements: &mut [SavedElement],
) -> Result<(), Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let slots = read_slots(&mut cursor, segment, payload.entries)?;
    if !slots
        .iter()
        .eq(elements.iter().map(|element| &element.slot))
    {
        return Err("names and vectors speak of other slots");
    }
    let births = cursor.u32s(slots.len())?;
    for (element, birth) in elements.iter_mut().zip(births) {
        element.birth = birth;
        element.name = Bytes::copy_from_slice(cursor.bytes()?);
    }
    cursor.finish()
}

fn decode_attributes(
    segment: u32,
    payload: Payload<'_>,
    elements: &mut [SavedElement],
) -> Result<(), Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let slots = read_slots(&mut cursor, segment, payload.entries)?;
    let mut elements = elements.iter_mut();
    for slot in slots {
        let found = elements.find(|element| element.slot == slot);
        let element = found.ok_or("attributes belong to a slot without name")?;
        element.attributes = Some(Arc::new(Bytes::copy_from_slice(cursor.bytes()?)));
    }
    cursor.finish()
}

/// Links of a segment, those left out whose slot was reused while the save ran: `births` has the tags of the names.
pub(super) fn decode_links(
    segment: u32,
    options: &IndexOptions,
    payload: Payload<'_>,
    births: &HashMap<u32, u32>,
) -> Result<Vec<SavedNode>, Fault> {
    let mut cursor = Cursor::new(payload.bytes);
    let slots = read_slots(&mut cursor, segment, payload.entries)?;
    let tags = cursor.u32s(slots.len())?;
    let mut nodes = Vec::new();
    for (slot, birth) in slots.into_iter().zip(tags) {
        let layers = decode_layers(&mut cursor, options.m)?;
        if births.get(&slot) == Some(&birth) {
            nodes.push(SavedNode {
                slot,
                birth,
                layers,
            });
        }
    }
    cursor.finish()?;
    Ok(nodes)
}

pub(super) fn decode_layers(cursor: &mut Cursor<'_>, m: u32) -> Result<Vec<Vec<u32>>, Fault> {
    let count = usize::from(cursor.u8()?);
    if count > LAYERS_MAX {
        return Err("a slot has too many layers");
    }
    let mut layers = Vec::with_capacity(count);
    for layer in 0..count {
        let links = usize::from(cursor.u16()?);
        let links_max = m as usize * if layer == 0 { 2 } else { 1 };
        if links > links_max {
            return Err("a slot has too many links");
        }
        layers.push(cursor.u32s(links)?.collect());
    }
    Ok(layers)
}

/// Slots of a payload: ascending, and of the segment.
pub(super) fn read_slots(
    cursor: &mut Cursor<'_>,
    segment: u32,
    entries: u32,
) -> Result<Vec<u32>, Fault> {
    let (first, count) = Collection::segment_slots(segment);
    if entries > count {
        return Err("a segment has more entries than slots");
    }
    let slots: Vec<u32> = cursor.u32s(entries as usize)?.collect();
    let is_ascending = slots.iter().is_sorted_by(|a, b| a < b);
    let is_inside = slots
        .iter()
        .all(|slot| (first..first + count).contains(slot));
    if is_ascending && is_inside {
        Ok(slots)
    } else {
        Err("slots are not those of their segment")
    }
}

/// Bytes of a vector as stored.
fn stored_bytes(options: &IndexOptions) -> usize {
    let dim = options.dim as usize;
    match options.quantization {
        Quantization::F32 => dim * 4,
        Quantization::F16 => dim * 2,
        Quantization::Int8 => dim,
        Quantization::Bit => dim.div_ceil(64) * 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::collection::WalkedOn;
    use crate::keyspace::collection::{IndexKind, Metric};

    fn options() -> IndexOptions {
        IndexOptions {
            dim: 4,
            metric: Metric::L2,
            quantization: Quantization::Int8,
            kind: IndexKind::Hnsw,
            m: 4,
            ef_construction: 10,
            walked_on: WalkedOn::Codes,
        }
    }

    fn element(slot: u32, attributes: Option<&'static [u8]>) -> SavedElement {
        SavedElement {
            slot,
            birth: slot + 1,
            name: Bytes::from(format!("element {slot}")),
            attributes: attributes.map(|bytes| Arc::new(Bytes::from_static(bytes))),
            stored: Stored {
                bytes: [slot as u8; 4].into(),
                norm: 1.5,
                range: slot as f32,
            },
        }
    }

    fn payload((entries, bytes): &Encoded) -> Payload<'_> {
        Payload {
            entries: *entries,
            bytes,
        }
    }

    #[test]
    fn elements_come_back() {
        let elements = [
            element(64, None),
            element(70, Some(b"{}")),
            element(127, Some(b"x")),
        ];
        let (names, vectors) = (encode_names(&elements), encode_vectors(&elements));
        let attributes = encode_attributes(&elements);
        assert_eq!(attributes.0, 2);
        let some = Some(payload(&attributes));
        let loaded =
            decode_elements(1, &options(), payload(&names), payload(&vectors), some).unwrap();
        for (saved, loaded) in elements.iter().zip(&loaded) {
            assert_eq!((saved.slot, saved.birth), (loaded.slot, loaded.birth));
            assert_eq!(
                (&saved.name, &saved.attributes),
                (&loaded.name, &loaded.attributes)
            );
            assert_eq!(saved.stored, loaded.stored);
        }
        assert!(decode_elements(2, &options(), payload(&names), payload(&vectors), some).is_err());
        let other = encode_names(&elements[1..]);
        assert!(decode_elements(1, &options(), payload(&other), payload(&vectors), some).is_err());
        let wide = IndexOptions {
            dim: 5,
            ..options()
        };
        assert!(decode_elements(1, &wide, payload(&names), payload(&vectors), some).is_err());
    }

    #[test]
    fn links_of_a_reused_slot_are_left_out() {
        let node = |slot, birth| SavedNode {
            slot,
            birth,
            layers: vec![vec![1, 2, 3], vec![], vec![9]],
        };
        let nodes = [node(3, 7), node(4, 1), node(5, 7)];
        let encoded = encode_links(&nodes);
        let births = [(3, 7), (4, 2), (5, 7)].into();
        let loaded = decode_links(0, &options(), payload(&encoded), &births).unwrap();
        assert_eq!(loaded, [node(3, 7), node(5, 7)]);
        let crowded = SavedNode {
            layers: vec![vec![0; 9]],
            ..node(3, 7)
        };
        let encoded = encode_links(&[crowded]);
        assert!(decode_links(0, &options(), payload(&encoded), &births).is_err());
    }

    #[test]
    fn payloads_that_are_cut_or_altered_never_panic() {
        let elements = [element(0, Some(b"{}")), element(1, None)];
        let nodes = [SavedNode {
            slot: 0,
            birth: 1,
            layers: vec![vec![1]],
        }];
        let good = [
            encode_names(&elements),
            encode_vectors(&elements),
            encode_attributes(&elements),
            encode_links(&nodes),
        ];
        let births = [(0, 1), (1, 2)].into();
        let decode = |parts: &[Encoded; 4]| {
            let [names, vectors, attributes, links] = parts;
            decode_elements(
                0,
                &options(),
                payload(names),
                payload(vectors),
                Some(payload(attributes)),
            )?;
            decode_links(0, &options(), payload(links), &births)
        };
        decode(&good).unwrap();
        for part in 0..4 {
            for len in 0..good[part].1.len() {
                let mut bad = good.clone();
                bad[part].1.truncate(len);
                assert!(decode(&bad).is_err(), "part {part} cut to {len}");
            }
            for bit in 0..good[part].1.len() * 8 {
                let mut bad = good.clone();
                bad[part].1[bit / 8] ^= 1 << (bit % 8);
                let _ = decode(&bad);
            }
        }
    }
}

//! Checksums by which a snapshot knows documents again: CRC-32C of what a schema reads of a key (docs/snapshot-format.md, "Indexes").

use super::values::{DocumentValues, FieldValue};

/// Raised when words are cut in another way: then no document of an older snapshot fits, and all are indexed anew. Where words of one language are
/// cut or stemmed in another way, `Language::stems_version` is.
const VERSION: u32 = 3;

/// The checksum of bytes.
pub fn of_bytes(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// The checksum of what a document holds, before any word is cut.
pub fn of_values(values: &DocumentValues) -> u32 {
    let mut out = Vec::with_capacity(256);
    put_u32(&mut out, VERSION);
    for (place, value) in values.fields.iter().enumerate() {
        // Fields that a document does not have may be added to its schema.
        if *value != FieldValue::Missing {
            put_u32(&mut out, place as u32);
            put(&mut out, value);
        }
    }
    out.extend(values.score.to_le_bytes());
    put_bytes(&mut out, values.language.name().as_bytes());
    match values.language.stems_version() {
        // As it was before languages had versions.
        0 => {}
        version => put_u32(&mut out, version),
    }
    out.push(u8::from(values.payload.is_some()));
    if let Some(payload) = &values.payload {
        put_u32(&mut out, of_bytes(payload));
    }
    of_bytes(&out)
}

fn put(out: &mut Vec<u8>, value: &FieldValue) {
    match value {
        FieldValue::Missing => {}
        FieldValue::Texts(texts) => put_texts(out, 1, texts),
        FieldValue::Tags(tags) => put_texts(out, 2, tags),
        FieldValue::Numbers(numbers) => {
            put_head(out, 3, numbers.len());
            out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
        FieldValue::Points(points) => {
            put_head(out, 4, points.len());
            put_places(out, points.iter());
        }
        FieldValue::Shapes(shapes) => {
            put_head(out, 5, shapes.len());
            for shape in shapes {
                put_u32(out, shape.places().count() as u32);
                put_places(out, shape.places());
            }
        }
        FieldValue::Vectors(vectors) => {
            put_head(out, 6, vectors.len());
            let checksums = vectors.iter().map(|vector| of_bytes(vector));
            checksums.for_each(|checksum| put_u32(out, checksum));
        }
    }
}

fn put_head(out: &mut Vec<u8>, kind: u8, count: usize) {
    out.push(kind);
    put_u32(out, count as u32);
}

fn put_texts(out: &mut Vec<u8>, kind: u8, texts: &[String]) {
    put_head(out, kind, texts.len());
    texts
        .iter()
        .for_each(|text| put_bytes(out, text.as_bytes()));
}

fn put_places<'p>(out: &mut Vec<u8>, places: impl Iterator<Item = &'p (f64, f64)>) {
    for (x, y) in places {
        out.extend(x.to_le_bytes());
        out.extend(y.to_le_bytes());
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::text::language::Language;
    use super::*;
    use bytes::Bytes;

    fn values(fields: Vec<FieldValue>) -> DocumentValues {
        DocumentValues {
            fields,
            score: 1.0,
            language: Language::default(),
            payload: None,
            left_out: Vec::new(),
        }
    }

    #[test]
    fn whatever_a_schema_reads_alters_the_checksum() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let mut different = vec![
            values(vec![]),
            values(vec![FieldValue::Texts(texts(&["ab"]))]),
            values(vec![FieldValue::Missing, FieldValue::Texts(texts(&["ab"]))]),
            values(vec![FieldValue::Texts(texts(&["a", "b"]))]),
            values(vec![FieldValue::Tags(texts(&["ab"]))]),
            values(vec![FieldValue::Numbers(vec![1.0])]),
            values(vec![FieldValue::Numbers(vec![1.0, 1.0])]),
            values(vec![FieldValue::Points(vec![(1.0, 2.0)])]),
            values(vec![FieldValue::Points(vec![(2.0, 1.0)])]),
            values(vec![FieldValue::Vectors(vec![b"abcd"[..].into()])]),
            values(vec![FieldValue::Vectors(vec![b"abce"[..].into()])]),
        ];
        different.push(DocumentValues {
            score: 0.5,
            ..values(vec![])
        });
        different.push(DocumentValues {
            language: Language::parse(b"german").expect("a language"),
            ..values(vec![])
        });
        different.push(DocumentValues {
            payload: Some(Bytes::from_static(b"p")),
            ..values(vec![])
        });
        let checksums: std::collections::BTreeSet<u32> = different.iter().map(of_values).collect();
        assert_eq!(checksums.len(), different.len());
        let without = of_values(&values(vec![FieldValue::Missing]));
        assert_eq!(without, of_values(&values(vec![])), "a field more");
    }
    /// The numbers of a document of one word as they were before languages had versions: where stems are what they were, snapshots
    /// from then still fit.
    #[test]
    fn languages_whose_stems_changed_have_other_checksums() {
        let checksum = |language: &str| {
            of_values(&DocumentValues {
                language: Language::parse(language.as_bytes()).expect("a language"),
                ..values(vec![FieldValue::Texts(vec!["word".to_owned()])])
            })
        };
        for (language, before) in [
            ("english", 0x4a31_b689),
            ("german", 0x8808_5981),
            ("indonesian", 0x860a_ca0f),
        ] {
            assert_eq!(checksum(language), before, "{language}");
        }
        for (language, before) in [
            ("chinese", 0xb8b5_6a1e),
            ("hindi", 0xbea7_b14a),
            ("russian", 0x98a5_d56e),
        ] {
            assert_ne!(checksum(language), before, "{language}");
        }
    }
}

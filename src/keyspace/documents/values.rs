//! What a document holds for a schema: the values of its fields, read from a hash or a JSON document.

use super::Read;
use super::earth::{POINT_BYTES_MAX, parse_point};
use super::index::{JsonType, Refusal};
use super::schema::{DocumentKind, Field, FieldKind, Schema, VectorAttributes, VectorType};
use super::shape::Shape;
use super::text::language::Language;
use super::text::tokenize::split_tags;
use crate::keyspace::Value;
use crate::keyspace::hash::Hash;
use crate::keyspace::json::{Document, Elements, JsonPath, Node};
use crate::protocol::number::parse_double;
use crate::shared_bytes::SharedBytes;
use bytes::Bytes;

/// Degrees of latitude beyond which nothing is indexed, as in geohashes of 52 bits.
const LATITUDE_MAX: f64 = 85.051_128_78;

/// What a document holds for each field of a schema.
pub struct DocumentValues {
    /// By the fields' places.
    pub fields: Vec<FieldValue>,
    /// The document's own score, any finite number.
    pub score: f32,
    /// The language of its texts.
    pub language: Language,
    /// What its payload field holds.
    pub payload: Option<Bytes>,
    /// Values that do not do and keep it from being found by these fields alone; their places.
    pub left_out: Vec<(usize, Refusal)>,
}

/// The value of one field; several where a JSON path has several matches.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// There is none.
    Missing,
    /// TEXT.
    Texts(Vec<String>),
    /// TAG, cut at the separator and folded.
    Tags(Vec<String>),
    /// NUMERIC.
    Numbers(Vec<f64>),
    /// GEO: longitude and latitude in degrees.
    Points(Vec<(f64, f64)>),
    /// GEOSHAPE.
    Shapes(Vec<Shape>),
    /// VECTOR, packed as the field's type has it; of a hash the field's own bytes, not a copy.
    Vectors(Vec<SharedBytes>),
}

/// Whether the schema's filter, if it has one, admits a key.
pub fn is_admitted(schema: &Schema, key: &[u8], value: &Value) -> bool {
    let filter = schema.filter.as_ref();
    filter.is_none_or(|filter| filter.admits(schema, key, value))
}

/// Reads a document. None if the value is of another kind than the schema's documents, or its filter does not admit it. The error
/// names the field.
pub fn read(schema: &Schema, key: &[u8], value: &Value) -> Option<Read> {
    if !is_admitted(schema, key, value) {
        return None;
    }
    let read_field = |field: &Field| match (schema.documents, value) {
        (DocumentKind::Hash, Value::Hash(hash)) => Some(of_hash(hash, field)),
        (DocumentKind::Json, Value::Json(document)) => Some(of_json(document, field)),
        _ => None,
    };
    let mut fields = Vec::with_capacity(schema.fields.len());
    let mut left_out = Vec::new();
    for (at, field) in schema.fields.iter().enumerate() {
        match read_field(field)? {
            Ok(value) => fields.push(value),
            // The search module reads shapes when the others are indexed already.
            Err(why @ Refusal::Shape(_)) => {
                left_out.push((at, why));
                fields.push(FieldValue::Shapes(Vec::new()));
            }
            Err(why) => return Some(Err((at, why))),
        }
    }
    Some(Ok(DocumentValues {
        fields,
        score: document_score(schema, value),
        language: document_language(schema, value),
        payload: document_payload(schema, value),
        left_out,
    }))
}

/// The number that the score field holds; the schema's score without one.
fn document_score(schema: &Schema, value: &Value) -> f32 {
    let field = schema.score_field.as_ref();
    let score = field.and_then(|field| match value {
        Value::Hash(hash) => parse_double(&hash.get(field.as_bytes(), 0)?.value),
        Value::Json(document) => find(document, field).first()?.as_f64(),
        _ => None,
    });
    let score = score.map(|score| score as f32);
    score
        .filter(|score| score.is_finite())
        .unwrap_or(schema.score as f32)
}

/// The language that the language field names; the schema's without one, or if it names none that is known.
fn document_language(schema: &Schema, value: &Value) -> Language {
    let field = schema.language_field.as_ref();
    let language = field.and_then(|field| match value {
        Value::Hash(hash) => Language::parse(&hash.get(field.as_bytes(), 0)?.value),
        Value::Json(document) => {
            Language::parse(find(document, field).first()?.as_str()?.as_bytes())
        }
        _ => None,
    });
    language.unwrap_or(schema.language)
}

/// What the payload field holds. JSON documents have no payloads, as in the search module.
fn document_payload(schema: &Schema, value: &Value) -> Option<Bytes> {
    let field = schema.payload_field.as_ref()?;
    match value {
        Value::Hash(hash) => Some(hash.get(field.as_bytes(), 0)?.value.to_bytes()),
        _ => None,
    }
}

fn of_hash(hash: &Hash, field: &Field) -> Result<FieldValue, Refusal> {
    let Some(found) = hash.get(field.identifier.as_bytes(), 0) else {
        return Ok(FieldValue::Missing);
    };
    let bytes = &found.value[..];
    let text = || String::from_utf8_lossy(bytes).into_owned();
    Ok(match &field.kind {
        FieldKind::Text { .. } => FieldValue::Texts(vec![text()]),
        FieldKind::Tag { .. } => FieldValue::Tags(tags(field, &text())),
        FieldKind::Numeric => FieldValue::Numbers(vec![number(bytes)?]),
        FieldKind::Geo => FieldValue::Points(vec![point(&text())?]),
        FieldKind::Vector(attributes) => {
            check_size(bytes, attributes)?;
            FieldValue::Vectors(vec![found.value.to_shared()])
        }
        FieldKind::Geoshape { .. } => FieldValue::Shapes(vec![shape(&text())?]),
    })
}

fn shape(text: &str) -> Result<Shape, Refusal> {
    Shape::parse(text).map_err(Refusal::Shape)
}

fn tags(field: &Field, text: &str) -> Vec<String> {
    match field.kind {
        FieldKind::Tag {
            separator,
            is_case_sensitive,
        } => split_tags(text, separator, is_case_sensitive, field.indexes_empty),
        _ => Vec::new(),
    }
}

/// So much of a value is told that was no number.
const REFUSED_BYTES_SHOWN: usize = 128;

fn number(bytes: &[u8]) -> Result<f64, Refusal> {
    let number = parse_double(bytes).filter(|number| !number.is_nan());
    number.ok_or_else(|| {
        let shown = &bytes[..bytes.len().min(REFUSED_BYTES_SHOWN)];
        Refusal::Number(String::from_utf8_lossy(shown).into_owned())
    })
}

/// A point on the earth, not too near a pole.
fn point(text: &str) -> Result<(f64, f64), Refusal> {
    if text.len() > POINT_BYTES_MAX {
        return Err(Refusal::LongPoint);
    }
    let (longitude, latitude) = parse_point(text.as_bytes()).ok_or(Refusal::Point)?;
    match longitude.abs() <= 180.0 && latitude.abs() <= LATITUDE_MAX {
        true => Ok((longitude, latitude)),
        false => Err(Refusal::Place(longitude, latitude)),
    }
}

/// The components of a packed vector, as f32.
pub fn vector(bytes: &[u8], attributes: &VectorAttributes) -> Result<Vec<f32>, Refusal> {
    check_size(bytes, attributes)?;
    Ok(attributes.kind.unpack(bytes))
}

fn check_size(bytes: &[u8], attributes: &VectorAttributes) -> Result<(), Refusal> {
    let (got, expected) = (bytes.len(), attributes.blob_bytes());
    match got == expected {
        true => Ok(()),
        false => Err(Refusal::Blob { got, expected }),
    }
}

fn find<'d>(document: &'d Document, path: &str) -> Vec<Node<'d>> {
    let path = JsonPath::parse(path).ok();
    let found = path.and_then(|path| path.find(document.root()).ok());
    found.unwrap_or_default()
}

fn of_json(document: &Document, field: &Field) -> Result<FieldValue, Refusal> {
    let mut found = find(document, &field.identifier);
    // One match says by its type whether it does; of several, as of an array's elements, each has to.
    if let [one] = found[..] {
        check_type(one, &field.kind)?;
        // The search module cannot sort by it, and refuses what it cannot sort.
        let is_empty = one.as_array().is_some_and(|elements| elements.is_empty());
        if field.is_sortable && is_empty {
            return Err(Refusal::EmptyArray);
        }
    }
    let is_there = !found.is_empty();
    found.retain(|node| !matches!(node, Node::Null));
    if found.is_empty() {
        return Ok(match is_there {
            true => without_values(&field.kind),
            false => FieldValue::Missing,
        });
    }
    if let FieldKind::Vector(attributes) = &field.kind {
        return json_vectors(&found, attributes).map(FieldValue::Vectors);
    }
    let nodes: Vec<Node<'_>> = match found[..] {
        [Node::Array(elements)] => {
            let elements = elements.iter();
            elements
                .filter(|node| !matches!(node, Node::Null))
                .collect()
        }
        [Node::Bool(is_true)] => vec![Node::Text(if is_true { "true" } else { "false" })],
        _ => found,
    };
    let texts = || nodes.iter().map(|node| text_of(*node));
    Ok(match &field.kind {
        FieldKind::Text { .. } => FieldValue::Texts(texts().collect::<Result<_, _>>()?),
        FieldKind::Tag { .. } => {
            let words: Vec<String> = texts().collect::<Result<_, _>>()?;
            FieldValue::Tags(words.iter().flat_map(|word| tags(field, word)).collect())
        }
        FieldKind::Numeric => {
            let refusal = Refusal::JsonElement { is_numeric: true };
            let numbers: Option<Vec<f64>> = nodes.iter().map(|node| node.as_f64()).collect();
            FieldValue::Numbers(numbers.ok_or(refusal)?)
        }
        FieldKind::Geo => {
            let places = texts().map(|text| point(&text?));
            FieldValue::Points(places.collect::<Result<_, _>>()?)
        }
        FieldKind::Geoshape { .. } => match nodes[..] {
            [Node::Text(text)] => FieldValue::Shapes(vec![shape(text)?]),
            _ => return Err(Refusal::JsonType(JsonType::Array)),
        },
        FieldKind::Vector(_) => FieldValue::Missing,
    })
}

/// What `null` is: a field that is there and holds nothing. A vector is there or missing.
fn without_values(kind: &FieldKind) -> FieldValue {
    match kind {
        FieldKind::Text { .. } => FieldValue::Texts(Vec::new()),
        FieldKind::Tag { .. } => FieldValue::Tags(Vec::new()),
        FieldKind::Numeric => FieldValue::Numbers(Vec::new()),
        FieldKind::Geo => FieldValue::Points(Vec::new()),
        FieldKind::Geoshape { .. } => FieldValue::Shapes(Vec::new()),
        FieldKind::Vector(_) => FieldValue::Missing,
    }
}

fn text_of(node: Node<'_>) -> Result<String, Refusal> {
    let refusal = Refusal::JsonElement { is_numeric: false };
    node.as_str().map(str::to_owned).ok_or(refusal)
}

/// Whether a field may hold a value of this type.
fn check_type(node: Node<'_>, kind: &FieldKind) -> Result<(), Refusal> {
    use FieldKind::{Geo, Geoshape, Numeric, Tag, Text};
    let (found, fits) = match node {
        Node::Null => return Ok(()),
        Node::Text(_) => (
            JsonType::Text,
            matches!(kind, Text { .. } | Tag { .. } | Geo | Geoshape { .. }),
        ),
        Node::Bool(_) => (JsonType::Bool, matches!(kind, Tag { .. })),
        Node::Int(_) | Node::Uint(_) | Node::Float(_) => (JsonType::Number, *kind == Numeric),
        Node::Array(_) => (JsonType::Array, !matches!(kind, Geoshape { .. })),
        Node::Object(_) => (JsonType::Object, false),
    };
    match fits {
        true => Ok(()),
        false => Err(Refusal::JsonType(found)),
    }
}

/// One vector for each match; of a single match that is an array of arrays, one for each of these.
fn json_vectors(
    found: &[Node<'_>],
    attributes: &VectorAttributes,
) -> Result<Vec<SharedBytes>, Refusal> {
    let mut vectors = Vec::new();
    for node in found {
        let elements = array_of(*node)?;
        let is_nested = elements
            .iter()
            .next()
            .is_some_and(|first| first.as_array().is_some());
        if !is_nested {
            vectors.push(components(elements.iter(), attributes)?);
            continue;
        }
        for inner in elements.iter() {
            vectors.push(components(array_of(inner)?.iter(), attributes)?);
        }
    }
    Ok(vectors)
}

fn array_of(node: Node<'_>) -> Result<Elements<'_>, Refusal> {
    let elements = node.as_array().ok_or(Refusal::Component(0))?;
    match elements.is_empty() {
        true => Err(Refusal::EmptyVector),
        false => Ok(elements),
    }
}

fn components<'d>(
    nodes: impl Iterator<Item = Node<'d>>,
    attributes: &VectorAttributes,
) -> Result<SharedBytes, Refusal> {
    let range = match attributes.kind {
        VectorType::Int8 => Some(-128.0..=127.0),
        VectorType::Uint8 => Some(0.0..=255.0),
        _ => None,
    };
    let mut components = Vec::with_capacity(attributes.dimension);
    for (at, node) in nodes.enumerate() {
        let fits = |x: &f64| {
            let is_whole = x.fract() == 0.0;
            range
                .as_ref()
                .is_none_or(|range| is_whole && range.contains(x))
        };
        let component = node.as_f64().filter(fits).ok_or(Refusal::Component(at))?;
        components.push(component);
    }
    let (got, expected) = (components.len(), attributes.dimension);
    match got == expected {
        true => Ok(attributes.kind.pack(components.into_iter()).into()),
        false => Err(Refusal::Length { got, expected }),
    }
}

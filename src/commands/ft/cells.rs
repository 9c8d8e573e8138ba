//! Values of documents as rows have them: fields of hashes as they are, of JSON documents what paths lead to. `listing` is the form in
//! which all that a path leads to is shown, as dialects from 3 on do.

use super::expression;
use super::indexes::bulk;
use super::options::Format;
use super::printed::print;
use super::schema::{Field, FieldKind};
use crate::keyspace::hash::Field as HashField;
use crate::keyspace::json::{Document, Json, JsonPath, Layout, Node};
use crate::keyspace::{Value, View};
use crate::protocol::Reply;
use bytes::Bytes;

/// A value of a document, as rows have it.
pub struct Cell {
    /// What expressions and sorters see; none is `null`.
    pub value: Option<Bytes>,
    /// What replies show instead.
    pub shown: Option<Reply>,
}

impl Cell {
    /// The number that it is in a NUMERIC field.
    pub fn number(&self, field: Option<&Field>) -> Option<f64> {
        let is_number = field.is_some_and(|field| field.kind == FieldKind::Numeric);
        let value = self.value.as_ref().filter(|_| is_number)?;
        expression::value::parse_number(value)
    }

    /// What a reply shows.
    pub fn reply(self, field: Option<&Field>) -> Reply {
        let number = self.number(field);
        match (self.shown, number, self.value) {
            (Some(shown), ..) => shown,
            (None, Some(number), _) => Reply::bulk(print(number)),
            (None, None, value) => value.map_or(Reply::Null, Reply::Bulk),
        }
    }
}

/// What rows have of a field of the schema, or of a part of a document by its own name: of JSON in dialects from 3 on all that the
/// path leads to is shown, unless the index keeps it for sorting.
pub fn cell(
    (document, now_ms): (&Value, u64),
    (field, name): (Option<&Field>, &str),
    listing: Option<Format>,
) -> Option<Cell> {
    let identifier = field.map_or(name, |field| field.identifier.as_str());
    match (document, listing) {
        // Older paths are read in schemas alone.
        (Value::Json(_), _) if field.is_none() && !name.starts_with('$') => None,
        (Value::Json(json), Some(_)) if field.is_some_and(|field| field.is_sortable) => {
            kept_cell(json, identifier, listing)
        }
        (Value::Json(json), Some(format)) => {
            let found = found(json, identifier)?;
            Some(Cell {
                value: text(Leading::of(&found)?.node),
                shown: Some(listed(found, format)),
            })
        }
        _ => Some(Cell {
            value: part(document, identifier, now_ms)?,
            shown: None,
        }),
    }
}

/// What an index keeps of a JSON document for sorting: no `null`, and of several values the first. In dialects from 3 on all are shown.
pub fn kept_cell(document: &Document, path: &str, listing: Option<Format>) -> Option<Cell> {
    let found = found(document, path)?;
    let leading = Leading::of(&found)?;
    if leading.is_of_several {
        return Some(Cell {
            value: text(leading.node),
            shown: listing.map(|format| listed(found, format)),
        });
    }
    let value = match leading.node {
        Node::Bool(is_true) => Bytes::from_static(if is_true { b"true" } else { b"false" }),
        node => text(node)?,
    };
    let shown = (listing == Some(Format::Expand)).then(|| expanded(leading.node));
    Some(Cell {
        value: Some(value),
        shown,
    })
}

/// What of all that a path leads to is sorted and computed by: the first, or the first element of an array.
struct Leading<'d> {
    node: Node<'d>,
    is_of_several: bool,
}

impl<'d> Leading<'d> {
    fn of(found: &[Node<'d>]) -> Option<Leading<'d>> {
        let (node, is_of_several) = match *found {
            [Node::Array(elements)] => (elements.iter().next()?, true),
            [node] => (node, false),
            _ => (*found.first()?, true),
        };
        Some(Leading {
            node,
            is_of_several,
        })
    }
}

/// All that a path leads to, as dialects from 3 on show it.
pub fn listed(found: Vec<Node<'_>>, format: Format) -> Reply {
    match format {
        Format::Expand => Reply::Array(found.into_iter().map(expanded).collect()),
        Format::String => {
            let mut text = Vec::new();
            Layout::default().array(found.into_iter(), 0, &mut text);
            Reply::bulk(text)
        }
    }
}

/// A JSON value as a reply of its own type.
fn expanded(node: Node<'_>) -> Reply {
    match node {
        Node::Null => Reply::Null,
        Node::Bool(is_true) => Reply::Int(is_true.into()),
        Node::Int(number) => Reply::Int(number),
        Node::Uint(number) => Reply::Double(number as f64),
        Node::Float(number) => Reply::Double(number),
        Node::Text(text) => bulk(text.as_bytes()),
        Node::Array(elements) => Reply::Array(elements.iter().map(expanded).collect()),
        Node::Object(object) => {
            let member =
                |(name, value): (&str, &Json)| (bulk(name.as_bytes()), expanded(value.into()));
            Reply::Map(object.iter().map(member).collect())
        }
    }
}

/// What a row loads of a document.
pub fn load(
    view: &View,
    key: &[u8],
    (field, name): (Option<&Field>, &str),
    listing: Option<Format>,
) -> Option<Cell> {
    let document = view.peek(key)?.value;
    cell((&document, view.now_ms), (field, name), listing)
}

/// What an index has at hand of a field for sorting and computing; of fields that are not SORTABLE what the document has.
pub fn kept(view: &View, key: &[u8], field: &Field, listing: Option<Format>) -> Option<Cell> {
    let document = view.peek(key)?.value;
    let mut cell = match &document {
        Value::Json(json) if field.is_sortable => kept_cell(json, &field.identifier, listing)?,
        _ => cell(
            (&document, view.now_ms),
            (Some(field), &field.name),
            listing,
        )?,
    };
    if field.is_folded() {
        cell.value = cell.value.map(|text| folded(&text));
    }
    Some(cell)
}

/// A text as it is kept for sorting: case does not count.
fn folded(text: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(text).to_lowercase();
    text.replace('ß', "ss").into()
}

/// The fields of a hash as names and texts.
pub fn whole(view: &View, key: &[u8]) -> Vec<(String, Bytes)> {
    match view.peek(key).map(|entry| entry.value) {
        Some(Value::Hash(hash)) => {
            let shown = |HashField { name, value, .. }: HashField<'_>| {
                let name = String::from_utf8_lossy(&name).into_owned();
                (name, value.to_bytes())
            };
            hash.iter_at(view.now_ms).map(shown).collect()
        }
        _ => Vec::new(),
    }
}

/// A part of a document as text: a hash's field, or the first match of a path.
pub fn part(document: &Value, identifier: &str, now_ms: u64) -> Option<Option<Bytes>> {
    match document {
        Value::Hash(hash) => hash
            .get(identifier.as_bytes(), now_ms)
            .map(|field| Some(field.value.to_bytes())),
        Value::Json(document) => {
            let first = found(document, identifier)?.into_iter().next()?;
            Some(text(first))
        }
        _ => None,
    }
}

/// A JSON value as text: texts without quotes, truths as numbers, nothing for `null`.
fn text(node: Node<'_>) -> Option<Bytes> {
    match node {
        Node::Null => None,
        Node::Bool(is_true) => Some(Bytes::from_static(if is_true { b"1" } else { b"0" })),
        Node::Float(number) => Some(print(number).into()),
        Node::Text(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
        other => Some(other.to_text().into()),
    }
}

fn found<'d>(document: &'d Document, path: &str) -> Option<Vec<Node<'d>>> {
    let found = JsonPath::parse(path).ok()?.find(document.root()).ok()?;
    (!found.is_empty()).then_some(found)
}

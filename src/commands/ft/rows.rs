//! What is shown of documents: their fields, in the forms of both protocols.

use super::errors;
use super::indexes::bulk;
use super::options::{Format, Options, Returned};
use super::page::{Hit, Page};
use super::printed::{print, print_exactly, print_significant};
use super::reasons;
use super::schema::{DocumentKind, Schema};
use super::search::SearchRequest;
use super::sorting::SortKey;
use crate::commands::error::{Refusal, Result};
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::hash::Field;
use crate::keyspace::json::{Document, Json, JsonPath, Layout, Node};
use crate::keyspace::{Value, View};
use crate::protocol::{Reply, Version};
use bytes::Bytes;

/// FORMAT EXPAND is for JSON documents in RESP3.
pub fn check_format(options: &Options, schema: &Schema, version: Version) -> Result<()> {
    let refuse = |line| Err(Refusal::line(line));
    match options.format {
        Format::String => Ok(()),
        Format::Expand if version == Version::Resp2 => refuse(errors::EXPAND_NEEDS_RESP3),
        Format::Expand if schema.documents == DocumentKind::Hash => {
            refuse(errors::EXPAND_NEEDS_JSON)
        }
        Format::Expand if options.dialect < 3 => refuse(errors::EXPAND_NEEDS_DIALECT),
        Format::Expand => Ok(()),
    }
}

/// The reply of FT.SEARCH.
pub fn reply(
    view: &View,
    index: &DocumentIndex,
    request: &SearchRequest,
    page: &Page,
    version: Version,
) -> Reply {
    let rows = page.hits.iter().filter_map(|hit| {
        let is_bare = request.options.is_without_content;
        // A document that expired since it was found is left out.
        let fields = match is_bare {
            true => Vec::new(),
            false => fields(view, index.schema(), request, (page, hit))?,
        };
        Some((hit, fields))
    });
    match version {
        Version::Resp2 => flat(page.total, rows, request),
        Version::Resp3 => map(page, rows, request),
    }
}

type Row<'h> = (&'h Hit, Vec<(Reply, Reply)>);

fn flat<'h>(total: usize, rows: impl Iterator<Item = Row<'h>>, request: &SearchRequest) -> Reply {
    let options = &request.options;
    let mut items = vec![Reply::count(total)];
    for (hit, fields) in rows {
        items.push(bulk(&hit.key));
        if options.with_scores {
            items.push(score(hit, Reply::bulk(print_exactly(hit.score))));
        }
        if options.with_payloads {
            items.push(payload(hit));
        }
        if options.with_sort_keys {
            items.push(sort_key(hit));
        }
        if !options.is_without_content {
            let flat = fields.into_iter().flat_map(|(name, value)| [name, value]);
            items.push(Reply::Array(flat.collect()));
        }
    }
    Reply::Array(items)
}

fn map<'h>(page: &Page, rows: impl Iterator<Item = Row<'h>>, request: &SearchRequest) -> Reply {
    let options = &request.options;
    let word = Reply::Simple;
    let row = |(hit, fields): Row<'h>| {
        let mut parts = vec![(word("id"), bulk(&hit.key))];
        if options.with_scores {
            parts.push((word("score"), score(hit, Reply::Double(hit.score))));
        }
        if options.with_payloads {
            parts.push((word("payload"), payload(hit)));
        }
        if options.with_sort_keys {
            parts.push((word("sortkey"), sort_key(hit)));
        }
        if !options.is_without_content {
            parts.push((word("extra_attributes"), Reply::Map(fields)));
        }
        parts.push((word("values"), Reply::Array(Vec::new())));
        Reply::Map(parts)
    };
    Reply::Map(vec![
        (word("attributes"), Reply::Array(Vec::new())),
        (word("format"), word(options.format.word())),
        (word("results"), Reply::Array(rows.map(row).collect())),
        (word("total_results"), Reply::count(page.total)),
        (word("warning"), warnings(&page.warnings)),
    ])
}

/// What clients should know of a reply.
pub fn warnings(lines: &[&'static str]) -> Reply {
    Reply::Array(lines.iter().map(|line| Reply::Simple(line)).collect())
}

/// The score, with where it comes from if that was asked for.
fn score(hit: &Hit, score: Reply) -> Reply {
    match &hit.reasons {
        None => score,
        Some(reasons) => Reply::Array(vec![score, reasons::reply(reasons)]),
    }
}

fn payload(hit: &Hit) -> Reply {
    hit.payload.clone().map_or(Reply::Null, Reply::Bulk)
}

fn sort_key(hit: &Hit) -> Reply {
    match &hit.sort_key {
        None => Reply::Null,
        Some(SortKey::Number(number)) => {
            Reply::bulk(format!("#{}", print_significant(*number, 17)))
        }
        Some(SortKey::Text(text)) => Reply::bulk([b"$", text.as_slice()].concat()),
    }
}

/// Names and values that a row shows; none if the document is gone.
fn fields(
    view: &View,
    schema: &Schema,
    request: &SearchRequest,
    (page, hit): (&Page, &Hit),
) -> Option<Vec<(Reply, Reply)>> {
    let document = view.peek(&hit.key)?.value;
    if let Some(returned) = &request.options.returned {
        let shown = returned.iter().filter_map(|returned| {
            let distance = distances(page, hit).find(|(name, _)| **name == returned.identifier);
            let value = match distance {
                Some((_, distance)) => Reply::bulk(print(distance)),
                None => shown(
                    (&document, view.now_ms),
                    schema,
                    &request.options,
                    (&hit.key, returned),
                )?,
            };
            Some((bulk(returned.name.as_bytes()), value))
        });
        return Some(shown.collect());
    }
    let mut all: Vec<_> = distances(page, hit)
        .map(|(name, distance)| (bulk(name.as_bytes()), Reply::bulk(print(distance))))
        .collect();
    // What the documents are sorted by comes first.
    let sorted = request.sort.as_ref().map(|sort| sort.field.as_str());
    let is_distance = |name: &&str| distances(page, hit).any(|(known, _)| known == name);
    let sorted = sorted.filter(|name| !is_distance(name));
    if let Some(name) = sorted {
        let returned = Returned {
            identifier: name.to_owned(),
            name: name.to_owned(),
        };
        let options = &request.options;
        let value = shown(
            (&document, view.now_ms),
            schema,
            options,
            (&hit.key, &returned),
        );
        all.extend(value.map(|value| (bulk(name.as_bytes()), value)));
    }
    match &document {
        Value::Hash(hash) => {
            let fields = hash.iter_at(view.now_ms);
            let is_sorted = |name: &[u8]| sorted.is_some_and(|sorted| sorted.as_bytes() == name);
            let fields = fields.filter(|field| !is_sorted(&field.name));
            all.extend(fields.map(|Field { name, value, .. }| {
                (Reply::Bulk(name.to_bytes()), Reply::Bulk(value.to_bytes()))
            }));
        }
        Value::Json(document) => {
            let root = document.root();
            let value = match request.options.dialect >= 3 {
                true => listed(vec![root], request.options.format),
                false => Reply::bulk(root.to_text()),
            };
            all.push((bulk(b"$"), value));
        }
        _ => return None,
    }
    Some(all)
}

/// The distances of a document, by name.
fn distances<'h>(page: &'h Page, hit: &'h Hit) -> impl Iterator<Item = (&'h String, f64)> {
    let named = page.distances.iter().zip(&hit.distances);
    named.filter_map(|(name, distance)| Some((name, (*distance)?)))
}

/// The value of one name of RETURN: the key, a field of the schema, or a part of the document.
fn shown(
    (document, now_ms): (&Value, u64),
    schema: &Schema,
    options: &Options,
    (key, returned): (&[u8], &Returned),
) -> Option<Reply> {
    let name = returned.identifier.as_str();
    if name == "__key" {
        return Some(bulk(key));
    }
    let identifier = match schema.find(name) {
        Some(field) => schema.fields[field].identifier.as_str(),
        None => name,
    };
    match (schema.documents, document) {
        (DocumentKind::Json, Value::Json(document)) if options.dialect >= 3 => {
            Some(listed(found(document, identifier)?, options.format))
        }
        _ => Some(part(document, identifier, now_ms)?.map_or(Reply::Null, Reply::Bulk)),
    }
}

/// All that a path leads to, as dialects from 3 on show it.
fn listed(found: Vec<Node<'_>>, format: Format) -> Reply {
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

/// A part of a document as text: a hash's field; of a JSON document the first match, texts without quotes, truths as numbers.
/// JSON's `null` is there, and nothing.
pub fn value(view: &View, key: &[u8], identifier: &str) -> Option<Option<Bytes>> {
    part(&view.peek(key)?.value, identifier, view.now_ms)
}

/// What stands in the place of a value in a reply: in dialects from 3 on all that a path of a JSON document leads to.
pub fn in_place(view: &View, key: &[u8], identifier: &str, options: &Options) -> Option<Reply> {
    match view.peek(key)?.value {
        Value::Json(document) if options.dialect >= 3 => {
            Some(listed(found(&document, identifier)?, options.format))
        }
        _ => None,
    }
}

/// All of a document as names and texts: the fields of a hash, or `$` of a JSON document.
pub fn whole(view: &View, key: &[u8]) -> Vec<(String, Bytes)> {
    match view.peek(key).map(|entry| entry.value) {
        Some(Value::Hash(hash)) => {
            let shown = |Field { name, value, .. }: Field<'_>| {
                let name = String::from_utf8_lossy(&name).into_owned();
                (name, value.to_bytes())
            };
            hash.iter_at(view.now_ms).map(shown).collect()
        }
        Some(Value::Json(document)) => {
            vec![("$".to_owned(), document.root().to_text().into())]
        }
        _ => Vec::new(),
    }
}

fn part(document: &Value, identifier: &str, now_ms: u64) -> Option<Option<Bytes>> {
    match document {
        Value::Hash(hash) => hash
            .get(identifier.as_bytes(), now_ms)
            .map(|field| Some(field.value.to_bytes())),
        Value::Json(document) => {
            let first = found(document, identifier)?.into_iter().next()?;
            Some(match first {
                Node::Null => None,
                Node::Bool(is_true) => Some(Bytes::from_static(if is_true { b"1" } else { b"0" })),
                Node::Text(text) => Some(Bytes::copy_from_slice(text.as_bytes())),
                other => Some(other.to_text().into()),
            })
        }
        _ => None,
    }
}

fn found<'d>(document: &'d Document, path: &str) -> Option<Vec<Node<'d>>> {
    let found = JsonPath::parse(path).ok()?.find(document.root()).ok()?;
    (!found.is_empty()).then_some(found)
}

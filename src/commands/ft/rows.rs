//! What is shown of documents: their fields, in the forms of both protocols.

use super::cells::{cell, listed, part};
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
use crate::keyspace::hash::Field as HashField;
use crate::keyspace::{Value, View};
use crate::protocol::{Reply, Version};

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
        Some(SortKey::Text(text)) => Reply::bulk([b"$", &text[..]].concat()),
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
    let shown = |returned: &Returned| {
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
    };
    // What the documents are sorted by comes first.
    let sorted = request.sort.as_ref().map(|sort| sort.field.as_str());
    if let Some(returned) = &request.options.returned {
        let is_sorted = |returned: &&Returned| sorted == Some(returned.name.as_str());
        let first = returned.iter().filter(is_sorted);
        let others = returned.iter().filter(|returned| !is_sorted(returned));
        return Some(first.chain(others).filter_map(shown).collect());
    }
    let mut all: Vec<_> = distances(page, hit)
        .map(|(name, distance)| (bulk(name.as_bytes()), Reply::bulk(print(distance))))
        .collect();
    let is_distance = |name: &&str| distances(page, hit).any(|(known, _)| known == name);
    let sorted = sorted.filter(|name| !is_distance(name));
    if let Some(name) = sorted {
        all.extend(first_of_all(
            (&document, view.now_ms),
            schema,
            &request.options,
            name,
        ));
    }
    match &document {
        Value::Hash(hash) => {
            let fields = hash.iter_at(view.now_ms);
            let is_sorted = |name: &[u8]| sorted.is_some_and(|sorted| sorted.as_bytes() == name);
            let fields = fields.filter(|field| !is_sorted(&field.name));
            let fields = fields.filter(|field| !schema.is_about_documents(&field.name));
            all.extend(fields.map(|HashField { name, value, .. }| {
                (Reply::Bulk(name.to_bytes()), Reply::Bulk(value.to_bytes()))
            }));
        }
        Value::Json(document) => {
            let root = document.root();
            let value = match request.options.listing() {
                Some(format) => listed(vec![root], format),
                None => Reply::bulk(root.to_text()),
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

/// What a document is sorted by, which is shown before its fields.
fn first_of_all(
    document: (&Value, u64),
    schema: &Schema,
    options: &Options,
    name: &str,
) -> Option<(Reply, Reply)> {
    let field = &schema.fields[schema.find(name)?];
    let value = match schema.documents {
        // As it is written, like the fields behind it.
        DocumentKind::Hash => part(document.0, &field.identifier, document.1)?.map(Reply::Bulk),
        DocumentKind::Json => {
            Some(cell(document, (Some(field), name), options.listing())?.reply(None))
        }
    };
    Some((bulk(name.as_bytes()), value.unwrap_or(Reply::Null)))
}

/// The value of one name of RETURN: the key, a field of the schema, or a part of the document.
fn shown(
    document: (&Value, u64),
    schema: &Schema,
    options: &Options,
    (key, returned): (&[u8], &Returned),
) -> Option<Reply> {
    let name = returned.identifier.as_str();
    if name == "__key" {
        return Some(bulk(key));
    }
    if schema.is_about_documents(returned.name.as_bytes()) {
        return None;
    }
    let field = schema.find(name).map(|at| &schema.fields[at]);
    Some(cell(document, (field, name), options.listing())?.reply(field))
}

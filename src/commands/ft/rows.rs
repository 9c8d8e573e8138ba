//! What is shown of documents: their fields, in the forms of both protocols.

use super::cells::{cell, kept_cell, listed, part};
use super::errors;
use super::indexes::bulk;
use super::options::{Format, Options, Returned};
use super::page::{Hit, Page};
use super::printed::{print, print_exactly, print_significant};
use super::reasons;
use super::schema::{DocumentKind, FieldKind, Schema};
use super::search::SearchRequest;
use super::sorting::SortKey;
use crate::commands::error::{Refusal, Result};
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::hash::Field;
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
    let written = sorted_as_written(index.schema(), request);
    let rows = page.hits.iter().filter_map(|hit| {
        let is_bare = request.options.is_without_content;
        // A document that expired since it was found is left out.
        let fields = match is_bare {
            true => Vec::new(),
            false => fields(view, index.schema(), request, (page, hit))?,
        };
        let sort_key = sort_key(hit, &fields, written);
        Some(Row {
            hit,
            fields,
            sort_key,
        })
    });
    match version {
        Version::Resp2 => flat(page.total, rows, request),
        Version::Resp3 => map(page, rows, request),
    }
}

struct Row<'h> {
    hit: &'h Hit,
    fields: Vec<(Reply, Reply)>,
    sort_key: Reply,
}

fn flat<'h>(total: usize, rows: impl Iterator<Item = Row<'h>>, request: &SearchRequest) -> Reply {
    let options = &request.options;
    let mut items = vec![Reply::count(total)];
    for Row {
        hit,
        fields,
        sort_key,
    } in rows
    {
        items.push(bulk(&hit.key));
        if options.with_scores {
            items.push(score(hit, Reply::bulk(print_exactly(hit.score))));
        }
        if options.with_payloads {
            items.push(payload(hit));
        }
        if options.with_sort_keys {
            items.push(sort_key);
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
    let row = |row: Row<'h>| {
        let Row {
            hit,
            fields,
            sort_key,
        } = row;
        let mut parts = vec![(word("id"), bulk(&hit.key))];
        if options.with_scores {
            parts.push((word("score"), score(hit, Reply::Double(hit.score))));
        }
        if options.with_payloads {
            parts.push((word("payload"), payload(hit)));
        }
        if options.with_sort_keys {
            parts.push((word("sortkey"), sort_key));
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

/// What a document was sorted by; `written`: as the field of that name, of those that are shown, has it.
fn sort_key(hit: &Hit, fields: &[(Reply, Reply)], written: Option<&str>) -> Reply {
    let text = |text: &[u8]| Reply::bulk([b"$", text].concat());
    let is_it = |name: &Reply| matches!((name, written), (Reply::Bulk(name), Some(written)) if name == written.as_bytes());
    let written = fields.iter().find_map(|(name, value)| match value {
        Reply::Bulk(value) if is_it(name) => Some(value),
        _ => None,
    });
    match (&hit.sort_key, written) {
        (None, _) => Reply::Null,
        (Some(_), Some(written)) => text(written),
        (Some(SortKey::Number(number)), None) => {
            Reply::bulk(format!("#{}", print_significant(*number, 17)))
        }
        (Some(SortKey::Text(key)), None) => text(key),
    }
}

/// The field by which sort keys are told as they are written: a number that the index does not keep, where the whole hash is shown.
fn sorted_as_written<'r>(schema: &Schema, request: &'r SearchRequest) -> Option<&'r str> {
    let sort = request.sort.as_ref()?;
    let field = schema.find(&sort.field).map(|at| &schema.fields[at])?;
    let options = &request.options;
    let is_whole = options.returned.is_none() && !options.is_without_content;
    let is_written = is_whole
        && schema.documents == DocumentKind::Hash
        && field.kind == FieldKind::Numeric
        && !field.is_sortable;
    is_written.then_some(sort.field.as_str())
}

/// A document of a page, with what is asked of it.
struct Document<'d> {
    value: Value,
    now_ms: u64,
    schema: &'d Schema,
    request: &'d SearchRequest,
    page: &'d Page,
    hit: &'d Hit,
}

/// Names and values that a row shows; none if the document is gone.
fn fields(
    view: &View,
    schema: &Schema,
    request: &SearchRequest,
    (page, hit): (&Page, &Hit),
) -> Option<Vec<(Reply, Reply)>> {
    let document = Document {
        value: view.peek(&hit.key)?.value,
        now_ms: view.now_ms,
        schema,
        request,
        page,
        hit,
    };
    match &request.options.returned {
        Some(returned) => Some(document.returned(returned)),
        None => document.whole(),
    }
}

impl Document<'_> {
    /// What RETURN names: distances first, then what the documents are sorted by.
    fn returned(&self, returned: &[Returned]) -> Vec<(Reply, Reply)> {
        let sorted = self.sorted();
        let mut returned: Vec<&Returned> = returned.iter().collect();
        returned.sort_by_key(|returned| {
            let is_distance = self.page.distances.contains(&returned.name);
            (!is_distance, sorted != Some(returned.name.as_str()))
        });
        let shown = returned.into_iter().filter_map(|returned| {
            let value = self.value_of(returned)?;
            Some((bulk(returned.name.as_bytes()), value))
        });
        shown.collect()
    }

    /// The value of one name of RETURN: a distance, the key, a field of the schema, or a part of the document.
    fn value_of(&self, returned: &Returned) -> Option<Reply> {
        let name = returned.identifier.as_str();
        if let Some((_, distance)) = self.distances().find(|(known, _)| *known == name) {
            return Some(Reply::bulk(print(distance)));
        }
        if name == "__key" {
            return Some(bulk(&self.hit.key));
        }
        if self.schema.is_about_documents(returned.name.as_bytes()) {
            return None;
        }
        let field = self.schema.find(name).map(|at| &self.schema.fields[at]);
        let listing = self.request.options.listing();
        Some(cell((&self.value, self.now_ms), (field, name), listing)?.reply(field))
    }

    /// All of it: distances, what the documents are sorted by, and the fields of a hash or `$` of a JSON document.
    fn whole(&self) -> Option<Vec<(Reply, Reply)>> {
        let distances = self.distances();
        let distances =
            distances.map(|(name, distance)| (bulk(name.as_bytes()), Reply::bulk(print(distance))));
        let is_distance = |name: &&str| self.distances().any(|(known, _)| known == *name);
        let sorted = self.sorted().filter(|name| !is_distance(name));
        let first = sorted.and_then(|name| self.sorted_by(name));
        let mut all: Vec<(Reply, Reply)> = distances.chain(first).collect();
        match &self.value {
            Value::Hash(hash) => {
                let is_left_out = |name: &[u8]| {
                    let is_first = sorted.is_some_and(|sorted| sorted.as_bytes() == name);
                    is_first || self.schema.is_about_documents(name)
                };
                let fields = hash.iter_at(self.now_ms);
                let fields = fields.filter(|field| !is_left_out(&field.name));
                all.extend(fields.map(|Field { name, value, .. }| {
                    (Reply::Bulk(name.to_bytes()), Reply::Bulk(value.to_bytes()))
                }));
            }
            Value::Json(document) => {
                let root = document.root();
                let value = match self.request.options.listing() {
                    Some(format) => listed(vec![root], format),
                    None => Reply::bulk(root.to_text()),
                };
                all.push((bulk(b"$"), value));
            }
            _ => return None,
        }
        Some(all)
    }

    /// What the documents are sorted by.
    fn sorted(&self) -> Option<&str> {
        self.request.sort.as_ref().map(|sort| sort.field.as_str())
    }

    /// The field that the documents are sorted by: of a hash as it is written, like the fields behind it, of a JSON document as the index
    /// keeps it.
    fn sorted_by(&self, name: &str) -> Option<(Reply, Reply)> {
        let field = &self.schema.fields[self.schema.find(name)?];
        let value = match self.schema.documents {
            DocumentKind::Hash => {
                let written = part(&self.value, &field.identifier, self.now_ms)?;
                written.map_or(Reply::Null, Reply::Bulk)
            }
            DocumentKind::Json => {
                let listing = self.request.options.listing();
                let sorted = match &self.value {
                    Value::Json(json) if field.is_sortable => {
                        kept_cell(json, &field.identifier, listing)?
                    }
                    value => cell((value, self.now_ms), (Some(field), name), listing)?,
                };
                sorted.reply(None)
            }
        };
        Some((bulk(name.as_bytes()), value))
    }

    /// Its distances, by name.
    fn distances(&self) -> impl Iterator<Item = (&str, f64)> {
        let named = self.page.distances.iter().zip(&self.hit.distances);
        named.filter_map(|(name, distance)| Some((name.as_str(), (*distance)?)))
    }
}

//! FT.INFO: what an index is made of; what it knows is in figures.rs.

use super::figures::figures;
use super::indexes::{self, bulk};
use super::options::Limits;
use super::printed::print;
use super::schema::{Algorithm, Field, FieldKind, Metric, Schema, VectorAttributes};
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::table::{Arg, COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::documents::text::language::Language;
use crate::keyspace::documents::turns::Turn;
use crate::protocol::{Reply, Version};

/// FT.INFO index
pub const INFO: Command = Command {
    name: "FT.INFO",
    summary: "Describes an index.",
    group: Group::Search,
    since: "1.0.0",
    complexity: "O(N), N the number of fields and words",
    args: &[Arg::Str("index")],
    flags: flags(&[Flags::READONLY]),
    class: Class::Aside(Delay::Keys),
    examples: &[("FT.INFO pets", "(error) pets: no such index")],
    run: info,
    ..COMMAND
};

fn info(call: &mut Call) -> Result {
    let name = call.args.word()?;
    let index = indexes::index(&call.access.view(INDEXED_DB), name)?;
    let version = call.session.version;
    let mut parts = definition(&index, version);
    let limits = Limits::of(&call.context.config);
    let cursors = call.context.cursors.count(&index, call.access.now_ms());
    let cursors = (cursors, limits.cursors_max);
    parts.extend(figures(
        &index,
        &index.read_in(Turn::Soon),
        cursors,
        version,
    ));
    Ok(Reply::Map(parts))
}

/// Names and values of a reply.
pub type Parts = Vec<(Reply, Reply)>;

/// A name of the reply.
pub fn word(word: &'static str) -> Reply {
    Reply::Simple(word)
}

/// A name that a client gave: a simple string where it can be one.
pub fn named(name: &[u8]) -> Reply {
    match std::str::from_utf8(name) {
        Ok(text) if !text.contains(['\r', '\n']) => Reply::Text(text.to_owned()),
        _ => bulk(name),
    }
}

/// A number with a fraction: text in RESP2.
pub fn float(value: f64, version: Version) -> Reply {
    match version {
        Version::Resp2 => Reply::bulk(print(value)),
        Version::Resp3 => Reply::Double(value),
    }
}

fn definition(index: &DocumentIndex, version: Version) -> Parts {
    let schema = index.schema();
    let prefixes = schema.prefixes.iter().map(|prefix| named(prefix));
    let mut about = vec![
        (word("key_type"), word(schema.documents.word())),
        (word("prefixes"), Reply::Array(prefixes.collect())),
    ];
    let mut add_text = |name, text: Option<&str>| {
        about.extend(text.map(|text| (word(name), named(text.as_bytes()))));
    };
    add_text("filter", schema.filter.as_ref().map(|filter| &*filter.text));
    let language = schema.language;
    add_text(
        "default_language",
        (language != Language::default()).then(|| language.name()),
    );
    add_text("language_field", schema.language_field.as_deref());
    about.push((word("default_score"), float(schema.score, version)));
    let mut add_text = |name, text: Option<&str>| {
        about.extend(text.map(|text| (word(name), named(text.as_bytes()))));
    };
    add_text("score_field", schema.score_field.as_deref());
    add_text("payload_field", schema.payload_field.as_deref());
    add_text(
        "indexes_all",
        Some(if schema.indexes_all { "true" } else { "false" }),
    );
    let fields = schema.fields.iter();
    let attributes = fields.map(|field| attribute(field, version));
    vec![
        (word("index_name"), named(index.name())),
        (word("index_options"), Reply::Array(options(schema))),
        (word("index_definition"), Reply::Map(about)),
        (word("attributes"), Reply::Array(attributes.collect())),
    ]
}

fn options(schema: &Schema) -> Vec<Reply> {
    let options = &schema.options;
    let known = [
        ("NOFREQS", options.no_frequencies),
        ("NOFIELDS", options.no_fields),
        ("NOOFFSETS", options.no_offsets),
        ("NOHL", options.no_highlights),
        ("MAXTEXTFIELDS", options.max_text_fields),
    ];
    let set = known.into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(name, _)| word(name)).collect()
}

/// One field: in RESP2 a flat list that ends with its flags, in RESP3 a map that has a list of them.
fn attribute(field: &Field, version: Version) -> Reply {
    let mut parts = vec![
        (word("identifier"), named(field.identifier.as_bytes())),
        (word("attribute"), named(field.name.as_bytes())),
        (word("type"), word(field.kind.word())),
    ];
    match &field.kind {
        FieldKind::Text { weight, .. } => parts.push((word("WEIGHT"), float(*weight, version))),
        FieldKind::Tag { separator, .. } => {
            let shown = separator.as_ref().map_or(&[][..], std::slice::from_ref);
            parts.push((word("SEPARATOR"), named(shown)));
        }
        FieldKind::Vector(attributes) => parts.extend(vector(attributes)),
        FieldKind::Geoshape { is_flat } => {
            let name = if *is_flat { "FLAT" } else { "SPHERICAL" };
            parts.push((word("coord_system"), word(name)));
        }
        FieldKind::Numeric | FieldKind::Geo => {}
    }
    let flags = flags_of(field);
    match version {
        Version::Resp2 => {
            let parts = parts.into_iter().flat_map(|(name, value)| [name, value]);
            Reply::Array(parts.chain(flags).collect())
        }
        Version::Resp3 => {
            parts.push((word("flags"), Reply::Array(flags.collect())));
            Reply::Map(parts)
        }
    }
}

/// The options of a field that have no value.
fn flags_of(field: &Field) -> impl Iterator<Item = Reply> {
    let (is_unstemmed, is_case_sensitive) = match field.kind {
        FieldKind::Text { is_unstemmed, .. } => (is_unstemmed, false),
        FieldKind::Tag {
            is_case_sensitive, ..
        } => (false, is_case_sensitive),
        _ => (false, false),
    };
    let flags = [
        ("CASESENSITIVE", is_case_sensitive),
        ("SORTABLE", field.is_sortable),
        ("UNF", field.is_unnormalized),
        ("NOSTEM", is_unstemmed),
        ("NOINDEX", field.is_unindexed),
        ("WITHSUFFIXTRIE", field.has_suffixes),
        ("INDEXEMPTY", field.indexes_empty),
        ("INDEXMISSING", field.indexes_missing),
    ];
    let set = flags.into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(name, _)| word(name))
}

fn vector(attributes: &VectorAttributes) -> Parts {
    let count = |n: usize| Reply::count(n);
    let metric = match attributes.metric {
        Metric::L2 => "L2",
        Metric::Ip => "IP",
        Metric::Cosine => "COSINE",
    };
    let algorithm = match &attributes.algorithm {
        Algorithm::Flat => "FLAT",
        Algorithm::Hnsw(_) => "HNSW",
        Algorithm::Svs(_) => "SVS-VAMANA",
    };
    let mut parts = vec![
        (word("algorithm"), word(algorithm)),
        (word("data_type"), word(attributes.kind.word())),
        (word("dim"), count(attributes.dimension)),
        (word("distance_metric"), word(metric)),
    ];
    match &attributes.algorithm {
        Algorithm::Flat => {}
        Algorithm::Hnsw(hnsw) => {
            parts.push((word("M"), count(hnsw.m)));
            parts.push((word("ef_construction"), count(hnsw.ef_construction)));
        }
        Algorithm::Svs(svs) => {
            let degree = svs.graph_max_degree.unwrap_or(32);
            let window = svs.construction_window_size.unwrap_or(200);
            parts.push((word("graph_max_degree"), count(degree)));
            parts.push((word("construction_window_size"), count(window)));
            let compression = svs.compression.map_or("NO_COMPRESSION", |_| "GlobalSQ8");
            parts.push((word("compression"), word(compression)));
        }
    }
    parts
}

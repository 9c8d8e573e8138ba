//! VCARD, VDIM, VEMB, VLINKS, VINFO, VGETATTR: what a set and its elements are.

use super::super::Call;
use super::super::error::{self, Result};
use super::super::table::{Arg, COMMAND, Command, Field, Flags, Group, ReplyFields, flags};
use super::search::share;
use super::{attributes, collection, errors, name, read, scores};
use crate::keyspace::calibration::{Curve, CurvePoint};
use crate::keyspace::collection::Collection;
use crate::keyspace::collection::{
    IndexKind, IndexOptions, Metric, Neighbour, Quantization, Stored, WalkedOn,
};
use crate::protocol::Reply;
use bytes::Bytes;

/// Counts elements.
pub const VCARD: Command = Command {
    name: "VCARD",
    summary: "Counts the elements of a vector set.",
    group: Group::VectorSet,
    since: "8.0.0",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    examples: &[
        ("VCARD pets", "(integer) 0"),
        ("VADD pets VALUES 2 1 0 cat", "(integer) 1"),
        ("VCARD pets", "(integer) 1"),
    ],
    errors: errors::WRONG_TYPE_ONLY,
    run: |call| {
        read(call, Reply::Int(0), |collection| {
            Reply::count(collection.len())
        })
    },
    ..COMMAND
};

/// The dimension.
pub const VDIM: Command = Command {
    name: "VDIM",
    summary: "Returns the dimension of the vectors of a vector set, after projection.",
    group: Group::VectorSet,
    since: "8.0.0",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    examples: &[
        ("VDIM pets", "(error) ERR key does not exist"),
        ("VADD pets REDUCE 2 VALUES 4 1 2 3 4 cat", "(integer) 1"),
        ("VDIM pets", "(integer) 2"),
    ],
    errors: &[
        errors::WRONG_TYPE_ROW,
        ("ERR key does not exist", "The key is missing."),
    ],
    run: |call| {
        let missing = errors::NO_KEY;
        let key = call.args.word()?;
        let found = call
            .access
            .read(call.db(), key, |view| collection(view, key))??;
        Ok(Reply::Int(i64::from(
            found.ok_or(missing)?.schema().index.dim,
        )))
    },
    ..COMMAND
};

/// An element's vector.
pub const VEMB: Command = Command {
    name: "VEMB",
    summary: "Returns the vector of an element, as it is stored.",
    group: Group::VectorSet,
    since: "8.0.0",
    args: &[
        Arg::Key("key"),
        Arg::Str("element"),
        Arg::Optional(&Arg::Token("RAW")),
    ],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    examples: &[
        ("VADD pets VALUES 2 3 4 cat NOQUANT", "(integer) 1"),
        ("VEMB pets cat", "1) \"3\"\n2) \"4\""),
        ("VEMB pets bird", "(nil)"),
        ("VEMB pets cat COOKED", "(error) ERR invalid option"),
    ],
    errors: &[
        (
            "ERR invalid option",
            "The element is followed by anything but RAW alone.",
        ),
        errors::WRONG_TYPE_ROW,
    ],
    run: vemb,
    ..COMMAND
};

/// An element's neighbours in the graph.
pub const VLINKS: Command = Command {
    name: "VLINKS",
    summary: "Returns the neighbours of an element in the graph, layer by layer.",
    group: Group::VectorSet,
    since: "8.0.0",
    args: &[
        Arg::Key("key"),
        Arg::Str("element"),
        Arg::Optional(&Arg::Token("WITHSCORES")),
    ],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    examples: &[
        ("VCREATE pets DIM 2 INDEX FLAT", "OK"),
        ("VADD pets VALUES 2 1 0 cat", "(integer) 1"),
        ("VLINKS pets cat", "1) (empty array)"),
        ("VLINKS pets bird", "(nil)"),
    ],
    errors: &[
        (
            "ERR wrong number of arguments for 'VLINKS' command",
            "The element is followed by anything but WITHSCORES alone.",
        ),
        errors::WRONG_TYPE_ROW,
    ],
    run: vlinks,
    ..COMMAND
};

/// What a set is.
pub const VINFO: Command = Command {
    name: "VINFO",
    summary: "Describes a vector set: its type, graph, size and memory.",
    group: Group::VectorSet,
    since: "8.0.0",
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    examples: &[("VINFO pets", "(nil)")],
    errors: errors::WRONG_TYPE_ONLY,
    reply: Some(&INFO_FIELDS),
    run: |call| read(call, Reply::NullArray, info),
    ..COMMAND
};

/// An element's attributes.
pub const VGETATTR: Command = Command {
    name: "VGETATTR",
    summary: "Returns the JSON attributes of an element.",
    group: Group::VectorSet,
    since: "8.0.0",
    args: &[Arg::Key("key"), Arg::Str("element")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    examples: &[
        (
            "VADD pets VALUES 2 1 0 cat SETATTR '{\"legs\": 4}'",
            "(integer) 1",
        ),
        ("VGETATTR pets cat", "\"{\\\"legs\\\": 4}\""),
        ("VGETATTR pets bird", "(nil)"),
    ],
    errors: errors::WRONG_TYPE_ONLY,
    run: |call| {
        let element = call.request.arg(2);
        read(call, Reply::Null, |collection| {
            collection
                .find(element)
                .map_or(Reply::Null, |(_, element)| attributes(&element))
        })
    },
    ..COMMAND
};

/// A field of a reply that is a map.
pub(super) const fn field(
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    what: &'static str,
) -> Field {
    Field {
        name,
        kind,
        unit,
        what,
    }
}

const INFO_FIELDS: ReplyFields = ReplyFields {
    title: "Reply",
    about: "A map (in RESP2 a flat array of names and values), or null where the key is missing. The first nine fields are those of Redis, in its order.",
    fields: &[
        field(
            "quant-type",
            "simple string",
            "",
            "What is stored of a vector: `f32`, `f16`, `int8` (Q8) or `bin` (BIN).",
        ),
        field(
            "hnsw-m",
            "integer",
            "links",
            "M: links that a node takes per layer when it is added; it may have twice as many on layer 0.",
        ),
        field(
            "vector-dim",
            "integer",
            "components",
            "Dimension of the stored vectors, after REDUCE.",
        ),
        field(
            "projection-input-dim",
            "integer",
            "components",
            "Dimension of the vectors before REDUCE; 0 without it.",
        ),
        field("size", "integer", "elements", "Elements."),
        field(
            "max-level",
            "integer",
            "layer",
            "The graph's highest layer; 0 is the one of all elements.",
        ),
        field(
            "attributes-count",
            "integer",
            "elements",
            "Elements with attributes.",
        ),
        field(
            "vset-uid",
            "integer",
            "",
            "The set's number; no other set of this data directory has it or had it.",
        ),
        field(
            "hnsw-max-node-uid",
            "integer",
            "writes",
            "Vectors added so far, replaced ones included.",
        ),
        field(
            "metric",
            "simple string",
            "",
            "`cosine`, `l2` or `ip`: what distances are; see VCREATE.",
        ),
        field(
            "index",
            "simple string",
            "",
            "`hnsw`: there is a graph. `flat`: every search compares with every vector.",
        ),
        field(
            "ef-construction",
            "integer",
            "candidates",
            "Candidates kept while an element is linked, where VADD does not say EF.",
        ),
        field(
            "declared",
            "boolean",
            "",
            "Whether VCREATE made the set: it then stays when its last element goes.",
        ),
        field(
            "vector-bytes",
            "integer",
            "bytes",
            "Memory of vectors stored as `f32` or `f16`.",
        ),
        field(
            "code-bytes",
            "integer",
            "bytes",
            "Memory of the int8 or bit codes: those stored for Q8 and BIN, those that the graph is walked on for `f32` and `f16`.",
        ),
        field(
            "link-bytes",
            "integer",
            "bytes",
            "Memory of the graph's links and of the state of its nodes.",
        ),
        field(
            "name-bytes",
            "integer",
            "bytes",
            "Memory of the elements' names and of finding them, about.",
        ),
        field(
            "attribute-bytes",
            "integer",
            "bytes",
            "Memory of attributes, about.",
        ),
        field(
            "column-bytes",
            "integer",
            "bytes",
            "Memory of the columns of those fields that filters use, about; see docs/expressions.md.",
        ),
        field(
            "query-bytes",
            "integer",
            "bytes",
            "Memory of the queries remembered for calibration.",
        ),
        field(
            "walk",
            "simple string",
            "",
            "What the graph is walked on: `int4`, `int8`, `bin`, or `f32` and `f16` where VCREATE said WALK SAME; `none` without a graph.",
        ),
        field(
            "recall-target",
            "double or null",
            "share, 0 to 1",
            "The recall that searches without EF, RECALL or EXACT keep: RECALL of VCREATE; null without it.",
        ),
        field(
            "queries-remembered",
            "integer",
            "queries",
            "Queries of clients that are kept to measure recall with, at most 512.",
        ),
        field(
            "spread",
            "double or null",
            "",
            "How fast distances grow with rank around the queries of this set: the n-th nearest is about (n / m)^spread times as far as the m-th. It says how far a walk looks (docs/recall.md); null until 64 searches of the graph taught it.",
        ),
        field(
            "calibration",
            "array of maps",
            "",
            "What was measured for searches with RECALL, a map for each k and kind of query: `k`; `queries`, `asked` by clients, `made` of elements, or `elements` for searches with ELE; `sample`, their number; `elements` of the set then; `measured-at-ms`, milliseconds since 1970, 0 for a first measurement in the middle of a search, which a better one follows; `ceiling`, the share of the k nearest by the vectors as given that an exact search of the stored form finds (for int8 codes, estimated): where it is below a promise, that promise cannot be kept; and `curve`, an array of four numbers for each ef: ef, recall against the stored form, its standard error, distances computed. Empty until a search names RECALL.",
        ),
    ],
};

fn vemb(call: &mut Call) -> Result {
    let element = call.request.arg(2);
    let is_raw = match call.request.get(3) {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"RAW") && call.request.len() == 4 => true,
        Some(_) => return Err(errors::INVALID_OPTION),
    };
    read(call, Reply::Null, |collection| {
        let reply = match is_raw {
            true => collection
                .stored_of(element)
                .map(|stored| raw(collection, &stored)),
            false => collection
                .vector_of(element)
                .map(|vector| components(&vector)),
        };
        reply.unwrap_or(Reply::Null)
    })
}

/// A vector's components as a reply.
pub(super) fn components(vector: &[f32]) -> Reply {
    Reply::Array(
        vector
            .iter()
            .map(|x| Reply::Double(f64::from(*x)))
            .collect(),
    )
}

/// Name of the type, bytes, norm, and the range of the codes where there are such. Bytes times norm is the vector: under
/// cosine the bytes are those of the normalised vector, otherwise of the vector as given, with norm 1.
fn raw(collection: &Collection, stored: &Stored) -> Reply {
    let options = &collection.schema().index;
    let is_cosine = options.metric == Metric::Cosine;
    let bytes = match options.quantization {
        Quantization::F32 if is_cosine => normalised(stored),
        _ => Bytes::copy_from_slice(&stored.bytes),
    };
    let norm = if is_cosine {
        f64::from(stored.norm)
    } else {
        1.0
    };
    let mut reply = vec![
        Reply::Simple(type_name(options.quantization)),
        Reply::Bulk(bytes),
        Reply::Double(norm),
    ];
    if options.quantization == Quantization::Int8 {
        reply.push(Reply::Double(f64::from(stored.range)));
    }
    Reply::Array(reply)
}

fn normalised(stored: &Stored) -> Bytes {
    let (components, _) = stored.bytes.as_chunks::<4>();
    components
        .iter()
        .flat_map(|bytes| (f32::from_le_bytes(*bytes) / stored.norm).to_le_bytes())
        .collect()
}

fn type_name(quantization: Quantization) -> &'static str {
    match quantization {
        Quantization::F32 => "f32",
        Quantization::F16 => "f16",
        Quantization::Int8 => "int8",
        Quantization::Bit => "bin",
    }
}

fn vlinks(call: &mut Call) -> Result {
    let element = call.request.arg(2);
    let with_scores = match call.request.get(3) {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"WITHSCORES") && call.request.len() == 4 => true,
        Some(_) => return Err(error::wrong_arity("VLINKS")),
    };
    read(call, Reply::Null, |collection| {
        let Some(slot) = collection.slot_of(element) else {
            return Reply::Null;
        };
        let layers = collection.index().links(slot);
        Reply::Array(
            layers
                .iter()
                .rev()
                .map(|layer| links(collection, layer, with_scores))
                .collect(),
        )
    })
}

fn links(collection: &Collection, layer: &[Neighbour], with_scores: bool) -> Reply {
    let metric = collection.schema().index.metric;
    let named = layer
        .iter()
        .filter_map(|link| Some((name(&*collection.element(link.slot)?), link.distance)));
    match with_scores {
        true => Reply::Map(
            named
                .map(|(name, distance)| {
                    (name, Reply::Double(scores::of_distance(metric, distance)))
                })
                .collect(),
        ),
        false => Reply::Array(named.map(|(name, _)| name).collect()),
    }
}

/// What the graph is walked on.
fn walk_name(options: &IndexOptions) -> &'static str {
    match (options.kind, options.quantization, options.walked_on) {
        (IndexKind::Flat, ..) => "none",
        (_, Quantization::F32 | Quantization::F16, WalkedOn::Codes) => "int8",
        (_, Quantization::F32 | Quantization::F16, WalkedOn::Int4) => "int4",
        (_, quantization, _) => type_name(quantization),
    }
}

/// The curves that were measured.
fn calibration(collection: &Collection) -> Reply {
    let curves = collection.calibration().curves();
    Reply::Array(curves.iter().map(|curve| show_curve(curve)).collect())
}

/// A number with four digits behind the point.
fn rounded(x: f64) -> Reply {
    Reply::Double((x * 1e4).round() / 1e4)
}

fn show_curve(curve: &Curve) -> Reply {
    let int = |n: u64| Reply::Int(n as i64);
    let point = |point: &CurvePoint| {
        Reply::Array(vec![
            int(point.ef as u64),
            rounded(point.recall),
            rounded(point.error),
            int(point.distances.round() as u64),
        ])
    };
    let fields = [
        ("k", int(curve.k as u64)),
        ("queries", Reply::Simple(curve.source.name())),
        ("sample", int(curve.sample as u64)),
        ("elements", int(curve.elements as u64)),
        ("measured-at-ms", int(curve.at_ms)),
        ("ceiling", rounded(curve.ceiling)),
        (
            "curve",
            Reply::Array(curve.points.iter().map(point).collect()),
        ),
    ];
    Reply::simply_named(fields)
}

fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Cosine => "cosine",
        Metric::L2 => "l2",
        Metric::InnerProduct => "ip",
    }
}

fn kind_name(kind: IndexKind) -> &'static str {
    match kind {
        IndexKind::Hnsw => "hnsw",
        IndexKind::Flat => "flat",
    }
}

/// The fields that Redis has, in its order, then ours.
fn info(collection: &Collection) -> Reply {
    let (schema, index) = (collection.schema(), collection.index());
    let options = &schema.index;
    let memory = collection.memory();
    let int = |n: u64| Reply::Int(n as i64);
    let fields = [
        ("quant-type", Reply::Simple(type_name(options.quantization))),
        ("hnsw-m", int(options.m.into())),
        ("vector-dim", int(options.dim.into())),
        (
            "projection-input-dim",
            int(schema.projected_from.unwrap_or(0).into()),
        ),
        ("size", int(collection.len() as u64)),
        ("max-level", int(index.max_level().into())),
        ("attributes-count", int(collection.attributes_count())),
        ("vset-uid", int(collection.id())),
        ("hnsw-max-node-uid", int(collection.inserts())),
        ("metric", Reply::Simple(metric_name(options.metric))),
        ("index", Reply::Simple(kind_name(options.kind))),
        ("ef-construction", int(options.ef_construction.into())),
        ("declared", Reply::Bool(schema.declared)),
        ("vector-bytes", int(memory.index.vectors)),
        ("code-bytes", int(memory.index.codes)),
        ("link-bytes", int(memory.index.links)),
        ("name-bytes", int(memory.names)),
        ("attribute-bytes", int(memory.attributes)),
        ("column-bytes", int(memory.columns)),
        ("query-bytes", int(memory.queries)),
        ("walk", Reply::Simple(walk_name(options))),
        (
            "recall-target",
            schema
                .recall
                .map_or(Reply::Null, |recall| Reply::Double(share(recall))),
        ),
        (
            "queries-remembered",
            int(collection.calibration().asked_count() as u64),
        ),
        (
            "spread",
            index
                .spread_learnt()
                .map_or(Reply::Null, |(spread, _)| rounded(spread.into())),
        ),
        ("calibration", calibration(collection)),
    ];
    Reply::simply_named(fields)
}

//! Words about collections and their elements. The blob of an element is its vector as it came in, before projection.

use super::read::{Args, Read};
use super::write::{digits, write_count, write_word};
use crate::keyspace::change::{Effect, Upsert};
use crate::keyspace::collection::{
    IndexKind, IndexOptions, Metric, Quantization, Schema, WalkedOn,
};

// Vectors are written as they lie in memory, and are little endian on disk.
const _: () = assert!(cfg!(target_endian = "little"));

/// All options are written, also those that its kind of index does not use.
pub(super) fn encode_create(key: &[u8], schema: &Schema, out: &mut Vec<u8>) {
    let index = &schema.index;
    let [dim, m, ef] = [index.dim, index.m, index.ef_construction].map(|n| digits(n.into()));
    let fixed: [[&[u8]; 2]; 7] = [
        [b"VCREATE", key],
        [b"DIM", &dim],
        [b"METRIC", metric_word(index.metric)],
        [b"TYPE", type_word(index.quantization)],
        [b"M", &m],
        [b"EF", &ef],
        [b"INDEX", kind_word(index.kind)],
    ];
    let optional = unusual_options(schema);
    write_count(out, 2 * (fixed.len() + optional.len()));
    for word in fixed.as_flattened() {
        write_word(out, word);
    }
    for (name, value) in optional {
        write_word(out, name);
        write_word(out, value.as_bytes());
    }
}

/// What most collections do not have, in the order in which it is read.
fn unusual_options(schema: &Schema) -> Vec<(&'static [u8], String)> {
    let mut options: Vec<(&[u8], String)> = Vec::new();
    match schema.index.walked_on {
        WalkedOn::Codes => {}
        WalkedOn::Stored => options.push((b"WALK", "SAME".to_owned())),
        WalkedOn::Int4 => options.push((b"WALK", "Q4".to_owned())),
    }
    if let Some(millionths) = schema.recall {
        options.push((b"RECALL", (f64::from(millionths) / 1e6).to_string()));
    }
    if let Some(from) = schema.projected_from {
        options.push((b"FROM", from.to_string()));
    }
    options
}

/// A declared collection's own schema counts at replay; of any other the words say what it is made with.
pub(super) fn encode_upsert(key: &[u8], upsert: &Upsert, out: &mut Vec<u8>) {
    let implied = upsert.schema.as_ref().filter(|schema| !schema.declared);
    let reduce = implied.filter(|schema| schema.projected_from.is_some());
    let words = 5
        + 2 * usize::from(reduce.is_some())
        + 3 * usize::from(implied.is_some())
        + 2 * usize::from(upsert.ef.is_some())
        + 2 * usize::from(upsert.attributes.is_some());
    write_count(out, words);
    write_word(out, b"VADD");
    write_word(out, key);
    if let Some(schema) = reduce {
        write_word(out, b"REDUCE");
        write_word(out, &digits(schema.index.dim.into()));
    }
    write_word(out, b"FP32");
    write_word(out, bytemuck::cast_slice(&upsert.vector));
    write_word(out, &upsert.element);
    encode_upsert_options(upsert, implied, out);
}

fn encode_upsert_options(upsert: &Upsert, implied: Option<&Schema>, out: &mut Vec<u8>) {
    if let Some(schema) = implied {
        debug_assert!(
            is_implied(schema, upsert.vector.len()),
            "{schema:?} cannot be said"
        );
        write_word(out, implied_type_word(schema.index.quantization));
    }
    if let Some(ef) = upsert.ef {
        write_word(out, b"EF");
        write_word(out, &digits(ef.into()));
    }
    if let Some(schema) = implied {
        write_word(out, b"M");
        write_word(out, &digits(schema.index.m.into()));
    }
    if let Some(attributes) = &upsert.attributes {
        write_word(out, b"SETATTR");
        write_word(out, attributes);
    }
}

/// Whether the words of an upsert can say all of a schema.
fn is_implied(schema: &Schema, vector_len: usize) -> bool {
    let index = &schema.index;
    let from = schema.projected_from;
    let said = Schema::implied(index.dim, from, index.quantization, index.m);
    *schema == said && schema.input_dim() as usize == vector_len
}

pub(super) fn decode(name: &[u8], args: &mut Args<'_>) -> Read<Option<Effect>> {
    Ok(Some(match name {
        b"VADD" => Effect::Upsert(Box::new(decode_upsert(args)?)),
        b"VREM" => Effect::Remove {
            element: args.next()?,
        },
        b"VSETATTR" => Effect::SetAttributes {
            element: args.next()?,
            attributes: args.next()?,
        },
        b"VCREATE" => Effect::CreateCollection {
            schema: Box::new(decode_create(args)?),
        },
        _ => return Ok(None),
    }))
}

fn decode_create(args: &mut Args<'_>) -> Read<Schema> {
    args.expect(b"DIM")?;
    let dim = args.small()?;
    args.expect(b"METRIC")?;
    let metric = named(&args.next()?, &METRICS, metric_word)?;
    args.expect(b"TYPE")?;
    let quantization = named(&args.next()?, &TYPES, type_word)?;
    args.expect(b"M")?;
    let m = args.small()?;
    args.expect(b"EF")?;
    let ef_construction = args.small()?;
    args.expect(b"INDEX")?;
    let kind = named(&args.next()?, &KINDS, kind_word)?;
    let walked_on = args.behind(b"WALK", |args| match &*args.next()? {
        b"SAME" => Ok(WalkedOn::Stored),
        b"Q4" => Ok(WalkedOn::Int4),
        _ => Err("an option has a value that nobody knows"),
    })?;
    let index = IndexOptions {
        dim,
        metric,
        quantization,
        kind,
        m,
        ef_construction,
        walked_on: walked_on.unwrap_or_default(),
    };
    Ok(Schema {
        index,
        recall: args.behind(b"RECALL", decode_recall)?,
        projected_from: args.behind(b"FROM", Args::small)?,
        declared: true,
    })
}

/// A share between 0 and 1, in millionths.
fn decode_recall(args: &mut Args<'_>) -> Read<u32> {
    let word = args.next()?;
    let word = std::str::from_utf8(&word).ok();
    let share = word.and_then(|word| word.parse::<f64>().ok());
    match share.filter(|share| (0.0..=1.0).contains(share)) {
        Some(share) => Ok((share * 1e6).round() as u32),
        None => Err("a recall is no number from 0 to 1"),
    }
}

fn decode_upsert(args: &mut Args<'_>) -> Read<Upsert> {
    let reduce = args.behind(b"REDUCE", Args::small)?;
    args.expect(b"FP32")?;
    let vector = decode_vector(&args.next()?)?;
    let element = args.next()?;
    let input_dim = vector.len() as u32;
    let mut types = IMPLIED_TYPES.into_iter();
    let implied = types.find(|it| args.optional(implied_type_word(*it)));
    let ef = args.behind(b"EF", Args::small)?;
    let schema = match implied {
        None => None,
        Some(quantization) => {
            args.expect(b"M")?;
            let (dim, from) = reduce.map_or((input_dim, None), |dim| (dim, Some(input_dim)));
            Some(Schema::implied(dim, from, quantization, args.small()?))
        }
    };
    Ok(Upsert {
        element,
        vector,
        schema,
        ef,
        attributes: args.behind(b"SETATTR", Args::next)?,
    })
}

fn decode_vector(blob: &[u8]) -> Read<Vec<f32>> {
    let (components, rest) = blob.as_chunks::<4>();
    if components.is_empty() || !rest.is_empty() {
        return Err("the vector is not made of whole components");
    }
    let components = components.iter();
    Ok(components.map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// What a set that was not declared may store.
pub(super) const IMPLIED_TYPES: [Quantization; 3] =
    [Quantization::F32, Quantization::Int8, Quantization::Bit];
pub(super) const TYPES: [Quantization; 4] = [
    Quantization::F32,
    Quantization::F16,
    Quantization::Int8,
    Quantization::Bit,
];
pub(super) const METRICS: [Metric; 3] = [Metric::Cosine, Metric::L2, Metric::InnerProduct];
pub(super) const KINDS: [IndexKind; 2] = [IndexKind::Hnsw, IndexKind::Flat];

fn metric_word(metric: Metric) -> &'static [u8] {
    match metric {
        Metric::Cosine => b"COSINE",
        Metric::L2 => b"L2",
        Metric::InnerProduct => b"IP",
    }
}

fn type_word(quantization: Quantization) -> &'static [u8] {
    match quantization {
        Quantization::F32 => b"F32",
        Quantization::F16 => b"F16",
        Quantization::Int8 => b"Q8",
        Quantization::Bit => b"BIN",
    }
}

fn implied_type_word(quantization: Quantization) -> &'static [u8] {
    match quantization {
        Quantization::F32 => b"NOQUANT",
        other => type_word(other),
    }
}

fn kind_word(kind: IndexKind) -> &'static [u8] {
    match kind {
        IndexKind::Hnsw => b"HNSW",
        IndexKind::Flat => b"FLAT",
    }
}

/// The one of `all` that `word` names.
fn named<T: Copy>(word: &[u8], all: &[T], name: fn(T) -> &'static [u8]) -> Read<T> {
    let found = all.iter().copied().find(|value| name(*value) == word);
    found.ok_or("an option has a value that nobody knows")
}

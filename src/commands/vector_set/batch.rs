//! VMADD and VMSEARCH: many vectors in one request. The blob holds them one behind the other.

use super::super::Call;
use super::super::args::Args;
use super::super::error::{self, Refusal, Result};
use super::super::table::{Arg, COMMAND, Class, Command, Delay, Flags, Group, flags};
use super::add::{self, bounded};
use super::search::{self, HITS_MAX};
use super::{DIM_MAX, collection, errors, vector};
use crate::keyspace::collection::Collection;
use crate::protocol::Reply;
use crate::search::{Query, QueryTarget};
use rayon::prelude::*;

/// Vectors of little-endian f32, one behind the other.
const FP32: Arg = Arg::Option("FP32", &[Arg::Str("vectors")]);

/// Adds elements, or gives them other vectors; all or none.
pub const VMADD: Command = Command {
    name: "VMADD",
    summary: "Adds many elements to a vector set at once, or gives them other vectors: all of them or none.",
    group: Group::VectorSet,
    since: "0.1.0",
    complexity: "O(n log(N)), n the number of elements given, N that of the vector set.",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Option("REDUCE", &[Arg::Int("dim")])),
        FP32,
        Arg::Int("n"),
        Arg::Multiple(&Arg::Str("element")),
        add::CAS,
        add::QUANTIZATION,
        add::BUILD_EF,
        add::SETATTR,
        add::NUMLINKS,
    ],
    arity: Some(-6),
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Aside(Delay::Long),
    examples: &[
        (
            "VMADD pets FP32 \"\\x00\\x00\\x80\\x3f\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x3f\" 2 cat fish",
            "(integer) 2",
        ),
        ("VCARD pets", "(integer) 2"),
        ("VEMB pets fish", "1) \"0\"\n2) \"1\""),
        (
            "VMADD pets FP32 \"\\x00\\x00\\x80\\x3f\\x00\\x00\\x00\\x00\" 1 cat SETATTR '{\"legs\": 4}'",
            "(integer) 0",
        ),
        (
            "VMADD pets FP32 \"\\x00\\x00\\x80\\x3f\\x00\\x00\\x00\\x00\" 0 cat",
            "(error) ERR invalid n: an integer from 1 to 1000000",
        ),
    ],
    errors: &[
        (
            "ERR invalid n: an integer from 1 to 1000000",
            "n is no such integer.",
        ),
        (
            "ERR invalid vector specification",
            "The word in front of the blob is not FP32; the blob is empty, cannot be parted into n vectors of whole 4-byte components, or these are longer than 65536 components; a component, or the sum of their squares, is NaN or infinite as a 32-bit float, before or after REDUCE; a component is infinite as a 16-bit float where the set stores such (TYPE F16 with METRIC L2 or IP); or REDUCE is not followed by an integer from 1 to the number of components.",
        ),
        (
            "ERR wrong number of arguments for 'VMADD' command",
            "Fewer than n elements follow.",
        ),
        errors::OPTION_ROW,
        errors::EF_ROW,
        errors::M_ROW,
        errors::WRONG_TYPE_ROW,
        errors::QUANTIZATION_ROW,
        errors::M_MISMATCH_ROW,
        errors::ADD_DIMENSION_ROW,
        errors::NO_PROJECTION_ROW,
        errors::ADD_INPUT_DIMENSION_ROW,
    ],
    run: vmadd,
    ..COMMAND
};

/// The nearest elements of many vectors.
pub const VMSEARCH: Command = Command {
    name: "VMSEARCH",
    summary: "Returns the k elements nearest to each of many vectors.",
    group: Group::VectorSet,
    since: "0.1.0",
    complexity: "O(n log(N)), n the number of vectors given, N that of the elements; O(n N) with EXACT.",
    args: &[
        Arg::Key("key"),
        Arg::Int("k"),
        FP32,
        search::FILTER,
        search::EFFORT,
        search::RADIUS,
        search::OFFSET,
        search::WITH[0],
        search::WITH[1],
        search::WITH[2],
        search::WITH[3],
    ],
    arity: Some(-5),
    flags: flags(&[Flags::READONLY]),
    class: Class::Aside(Delay::Long),
    examples: &[
        ("VCREATE points DIM 1 METRIC L2 TYPE F32", "OK"),
        ("VADD points VALUES 1 1 a", "(integer) 1"),
        ("VADD points VALUES 1 2 b", "(integer) 1"),
        (
            "VMSEARCH points 1 FP32 \"\\x00\\x00\\x00\\x00\\x00\\x00\\x40\\x40\"",
            "1) 1) \"a\"\n2) 1) \"b\"",
        ),
        (
            "VMSEARCH points 1 FP32 \"\\x00\\x00\\x00\\x00\\x00\\x00\\x40\\x40\" WITHDIST",
            "1) 1) 1) \"a\"\n      2) \"1\"\n2) 1) 1) \"b\"\n      2) \"1\"",
        ),
    ],
    errors: &[
        errors::K_ROW,
        errors::NO_SUCH_KEY_ROW,
        errors::WRONG_TYPE_ROW,
        (
            "ERR invalid vector specification",
            "The word in front of the blob is not FP32; the blob is empty or no multiple of 4 bytes; a component, or the sum of a vector's squares, is NaN or infinite as a 32-bit float; or a component is infinite as a 16-bit float where the set stores such (TYPE F16 with METRIC L2 or IP).",
        ),
        (
            "ERR Vector dimension mismatch - got <n> but set has <n>",
            "The blob cannot be parted into vectors of the set's dimension (got counts all its components). A set that was made with REDUCE takes vectors as VADD does or, if the blob cannot be parted into such, as they are stored.",
        ),
        (
            "ERR too many hits: at most 10000000 in one reply",
            "The number of vectors times k is larger.",
        ),
        errors::FILTER_ROW,
        errors::NATIVE_EF_ROW,
        errors::RADIUS_ROW,
        errors::OFFSET_ROW,
        errors::SYNTAX_ROW,
        errors::RECALL_ROW,
        errors::EFFORT_ROW,
    ],
    run: vmsearch,
    ..COMMAND
};

/// Largest n of VMADD.
const ELEMENTS_MAX: i64 = 1_000_000;
const INVALID_N: Refusal = Refusal::line("ERR invalid n: an integer from 1 to 1000000");
/// Most hits of a reply of VMSEARCH, in all its lists.
const ALL_HITS_MAX: usize = 10_000_000;
const TOO_MANY_HITS: Refusal = Refusal::line("ERR too many hits: at most 10000000 in one reply");

fn vmadd(call: &mut Call) -> Result {
    let mut words = add::read_head(&mut call.args)?;
    let blob = take_blob(&mut call.args)?;
    let n = bounded(&mut call.args, 1, ELEMENTS_MAX, INVALID_N)? as usize;
    if n > call.args.left() {
        return Err(error::wrong_arity("VMADD"));
    }
    let dim = blob.len() / 4 / n;
    if dim * n * 4 != blob.len() {
        return Err(errors::INVALID_VECTOR);
    }
    add::check_reduce(words.reduce, dim)?;
    for vector in vectors(blob, dim)? {
        words.added.push((call.args.bytes()?, vector));
    }
    add::read_options(&mut call.args, &mut words)?;
    let (db, key) = (call.db(), words.key);
    let new = call
        .access
        .write(db, &[key], |view| add::decide(db, view, words))?;
    Ok(Reply::count(new))
}

fn vmsearch(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let k = bounded(&mut call.args, 1, HITS_MAX, errors::INVALID_K)? as usize;
    let Some(collection) = collection(&call.access.view(call.db()), key)? else {
        return Err(error::NO_SUCH_KEY);
    };
    let blob = take_blob(&mut call.args)?;
    let vectors = vectors(blob, dim_of(blob, &collection)?)?;
    let nothing = QueryTarget::Vector(Vec::new());
    let (query, options) = search::read_options(call, nothing, k, &collection)?;
    if vectors.len().saturating_mul(k) > ALL_HITS_MAX {
        return Err(TOO_MANY_HITS);
    }
    let answer = |vector| {
        let query = Query {
            target: QueryTarget::Vector(vector),
            ..query.clone()
        };
        search::answer(&collection, &query, &options)
    };
    let lists: Result<Vec<Reply>> = vectors.into_par_iter().map(answer).collect();
    Ok(Reply::Array(lists?))
}

/// `FP32 blob`.
fn take_blob<'r>(args: &mut Args<'r>) -> Result<&'r [u8]> {
    if !args.take("FP32") {
        return Err(errors::INVALID_VECTOR);
    }
    let blob = args.try_next().ok_or(errors::INVALID_VECTOR)?;
    if blob.is_empty() || blob.len() % 4 != 0 {
        return Err(errors::INVALID_VECTOR);
    }
    Ok(blob)
}

/// The dimension that parts a blob of queries: that of what VADD takes or, where the set projects and this does not fit, of what
/// it stores.
fn dim_of(blob: &[u8], collection: &Collection) -> Result<usize> {
    let schema = collection.schema();
    let components = blob.len() / 4;
    let dims = [schema.projected_from, Some(schema.index.dim)];
    let fits = |dim: &usize| components.is_multiple_of(*dim);
    dims.into_iter()
        .flatten()
        .map(|dim| dim as usize)
        .find(fits)
        .ok_or_else(|| errors::dimension_mismatch(components, schema.index.dim))
}

/// The vectors of `dim` components in a blob of whole vectors, all of them finite.
fn vectors(blob: &[u8], dim: usize) -> Result<Vec<Vec<f32>>> {
    if !(1..=DIM_MAX as usize).contains(&dim) {
        return Err(errors::INVALID_VECTOR);
    }
    let rows = blob.chunks_exact(4 * dim).map(vector::from_blob);
    rows.map(|row| row.and_then(|row| vector::check_finite(&row).map(|()| row)))
        .collect()
}

//! VADD.

use super::super::args::Args;
use super::super::error::{self, Refusal, Result};
use super::super::table::{
    About, Arg, COMMAND, Class, Command, Flags, Group, Results, Together, flags,
};
use super::super::{Call, Context, Session};
use super::{
    DIM_MAX, EF_CONSTRUCTION, EF_MAX, FP32, M, M_MAX, M_MIN, VALUES, collection, errors, vector,
};
use crate::engine::{Access, Decision};
use crate::keyspace::View;
use crate::keyspace::change::{Change, Effect, Upsert};
use crate::keyspace::collection::Quantization;
use crate::keyspace::collection::{Collection, Schema};
use crate::keyspace::projection::project;
use crate::protocol::{Reply, Request, number};
use bytes::Bytes;
use std::collections::HashSet;

pub(super) const CAS: Arg = Arg::Optional(&Arg::Token("CAS"));
pub(super) const QUANTIZATION: Arg = Arg::Optional(&Arg::OneOf(&[
    Arg::Token("NOQUANT"),
    Arg::Token("Q8"),
    Arg::Token("BIN"),
]));
pub(super) const BUILD_EF: Arg =
    Arg::Optional(&Arg::Option("EF", &[Arg::Int("build-exploration-factor")]));
pub(super) const SETATTR: Arg = Arg::Optional(&Arg::Option("SETATTR", &[Arg::Str("attributes")]));
pub(super) const NUMLINKS: Arg = Arg::Optional(&Arg::Option("M", &[Arg::Int("numlinks")]));

/// Adds an element, or gives it another vector.
pub const VADD: Command = Command {
    name: "VADD",
    summary: "Adds an element to a vector set, or gives it another vector.",
    group: Group::VectorSet,
    since: "8.0.0",
    complexity: "O(log(N)), N the number of elements in the vector set.",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Option("REDUCE", &[Arg::Int("dim")])),
        Arg::OneOf(&[FP32, VALUES]),
        Arg::Str("element"),
        CAS,
        QUANTIZATION,
        BUILD_EF,
        SETATTR,
        NUMLINKS,
    ],
    arity: Some(-5),
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    class: Class::Predicted(predict_us),
    examples: &[
        (
            "VADD pets VALUES 2 1 0 cat SETATTR '{\"legs\": 4}'",
            "(integer) 1",
        ),
        ("VADD pets VALUES 2 0.9 0.1 dog", "(integer) 1"),
        ("VADD pets VALUES 2 0.8 0.2 dog", "(integer) 0"),
        (
            "VADD pets VALUES 3 1 0 0 fish",
            "(error) ERR Vector dimension mismatch - got 3 but set has 2",
        ),
        (
            "VADD pets VALUES 2 1 0 fish NOQUANT",
            "(error) ERR asked quantization mismatch with existing vector set",
        ),
    ],
    errors: &[
        (
            "ERR invalid vector specification",
            "The word in front of the vector is not FP32 or VALUES; the FP32 blob is empty, no multiple of 4 bytes, or longer than 65536 components; num is no integer from 1 to 65536, or more than the words that follow; a value is no number; a component, or the sum of their squares, is NaN or infinite as a 32-bit float, before or after REDUCE; a component is infinite as a 16-bit float where the set stores such (TYPE F16 with METRIC L2 or IP); or REDUCE is not followed by an integer from 1 to the number of components.",
        ),
        (
            "ERR wrong number of arguments for 'VADD' command",
            "No element follows the vector.",
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
    run: vadd,
    together: Some(Together {
        pays: |_, _| true,
        about,
        run: vadd_together,
    }),
    ..COMMAND
};

/// What a VADD or VMADD says.
pub(super) struct Words<'r> {
    pub(super) key: &'r [u8],
    pub(super) reduce: Option<u32>,
    /// Elements and their vectors, all of one dimension.
    pub(super) added: Vec<(Bytes, Vec<f32>)>,
    options: Options,
}

#[derive(Default)]
struct Options {
    quantization: Option<Quantization>,
    m: Option<u32>,
    ef: Option<u32>,
    attributes: Option<Bytes>,
}

impl Words<'_> {
    /// Components of each vector.
    fn dim(&self) -> usize {
        self.added.first().map_or(0, |(_, vector)| vector.len())
    }
}

fn vadd(call: &mut Call) -> Result {
    let words = read(&mut call.args)?;
    let element = words.added[0].0.clone();
    let (db, key) = (call.db(), words.key);
    let new = call
        .access
        .write_element(db, key, &element, |view| decide(db, view, words))?;
    Ok(Reply::Bool(new == 1))
}

fn read<'r>(args: &mut Args<'r>) -> Result<Words<'r>> {
    let mut words = read_head(args)?;
    let vector = vector::take(args)?;
    check_reduce(words.reduce, vector.len())?;
    let element = args.bytes().map_err(|_| error::wrong_arity("VADD"))?;
    words.added.push((element, vector));
    read_options(args, &mut words)?;
    Ok(words)
}

/// Key and element, where the words in front of the element are as they should be.
fn about(request: &Request) -> Option<About<'_>> {
    let mut args = Args::new(request, 1);
    let key = args.try_next()?;
    vector::take_reduce(&mut args).ok()?;
    if args.take("FP32") {
        args.try_next()?;
    } else if args.take("VALUES") {
        let components = number::parse_u64(args.try_next()?)?;
        for _ in 0..components.min(DIM_MAX as u64) {
            args.try_next()?;
        }
    } else {
        return None;
    }
    Some((key, args.try_next()?))
}

/// Requests about different elements of one key.
fn vadd_together(access: &Access, db: usize, requests: &[Request]) -> Result<Option<Results>> {
    let Some(key) = requests.first().and_then(|request| request.get(1)) else {
        return Ok(None);
    };
    let elements: Option<Vec<&[u8]>> = requests
        .iter()
        .map(|request| about(request).map(|(_, element)| element))
        .collect();
    let Some(elements) = elements else {
        return Ok(None);
    };
    Ok(access.write_elements(db, key, &elements, |view, at| {
        let words = read(&mut Args::new(&requests[at], 1))?;
        let Decision {
            reply: new,
            changes,
        } = decide(db, view, words)?;
        Ok(Decision::with(Reply::Bool(new == 1), changes))
    })?)
}

/// Key and REDUCE.
pub(super) fn read_head<'r>(args: &mut Args<'r>) -> Result<Words<'r>> {
    Ok(Words {
        key: args.word()?,
        reduce: vector::take_reduce(args)?,
        added: Vec::new(),
        options: Options::default(),
    })
}

/// A projection is at most as long as what it projects.
pub(super) fn check_reduce(reduce: Option<u32>, dim: usize) -> Result<()> {
    match reduce {
        Some(reduced) if reduced as usize > dim => Err(errors::INVALID_VECTOR),
        _ => Ok(()),
    }
}

/// All that stands behind the last element.
pub(super) fn read_options(args: &mut Args, words: &mut Words) -> Result<()> {
    while !args.is_done() {
        read_option(args, &mut words.options)?;
    }
    Ok(())
}

fn read_option(args: &mut Args, options: &mut Options) -> Result<()> {
    // CAS moves the search for neighbours off the caller's thread where it was made up; here that is always so.
    if args.take("CAS") {
    } else if args.take("NOQUANT") {
        options.quantization = Some(Quantization::F32);
    } else if args.take("Q8") {
        options.quantization = Some(Quantization::Int8);
    } else if args.take("BIN") {
        options.quantization = Some(Quantization::Bit);
    } else if args.left() < 2 {
        return Err(errors::INVALID_OPTION_AFTER_ELEMENT);
    } else if args.take("EF") {
        options.ef = Some(bounded(args, 1, EF_MAX, errors::INVALID_EF)?);
    } else if args.take("M") {
        options.m = Some(bounded(args, M_MIN, M_MAX, errors::INVALID_M)?);
    } else if args.take("SETATTR") {
        options.attributes = Some(args.bytes()?);
    } else {
        return Err(errors::INVALID_OPTION_AFTER_ELEMENT);
    }
    Ok(())
}

/// The next word as an integer from `min` to `max`.
pub(super) fn bounded(args: &mut Args, min: i64, max: i64, refusal: Refusal) -> Result<u32> {
    let value = args.int_or(refusal.clone())?;
    if (min..=max).contains(&value) {
        Ok(value as u32)
    } else {
        Err(refusal)
    }
}

/// The changes, and how many of the elements are new.
pub(super) fn decide(db: usize, view: &View, words: Words) -> Result<Decision<usize>> {
    let existing = collection(view, words.key)?;
    let schema = match &existing {
        Some(collection) => {
            check_fits(&words, collection)?;
            (!collection.schema().declared).then(|| collection.schema().clone())
        }
        None => Some(new_schema(&words)?),
    };
    let mut new = HashSet::new();
    for (element, _) in &words.added {
        if !existing.as_ref().is_some_and(|old| old.contains(element)) {
            new.insert(element);
        }
    }
    let new = new.len();
    let Words {
        key,
        added,
        options,
        ..
    } = words;
    let upsert = |(element, vector)| {
        let upsert = Upsert {
            element,
            vector,
            schema: schema.clone(),
            ef: options.ef,
            attributes: options.attributes.clone(),
        };
        Change::new(db, key, Effect::Upsert(Box::new(upsert)))
    };
    Ok(Decision::with(new, added.into_iter().map(upsert).collect()))
}

/// A set that VADD made wants its type and M named each time (unless they are the defaults); a declared one does not.
fn check_fits(words: &Words, collection: &Collection) -> Result<()> {
    let schema = collection.schema();
    let (default_quantization, default_m) = match schema.declared {
        true => (schema.index.quantization, schema.index.m),
        false => (Quantization::Int8, M),
    };
    let options = &words.options;
    if options.quantization.unwrap_or(default_quantization) != schema.index.quantization {
        return Err(errors::QUANTIZATION_MISMATCH);
    }
    if options.m.unwrap_or(default_m) != schema.index.m {
        return Err(errors::M_MISMATCH);
    }
    check_projection(words, schema)?;
    words.added.iter().try_for_each(|(_, vector)| {
        collection
            .check_vector(vector)
            .map_err(|error| errors::vector(error, collection))
    })
}

/// A set that projects wants REDUCE with its own dimension each time.
fn check_projection(words: &Words, schema: &Schema) -> Result<()> {
    let (got, dim) = (words.dim(), schema.index.dim);
    match (schema.projected_from, words.reduce) {
        (None, _) if got != dim as usize => Err(errors::dimension_mismatch(got, dim)),
        (None, None) => Ok(()),
        (None, Some(_)) => Err(errors::NO_PROJECTION),
        (Some(_), reduced) if reduced != Some(dim) => Err(errors::dimension_mismatch(got, dim)),
        (Some(from), _) if got != from as usize => Err(errors::input_dimension_mismatch(got, from)),
        (Some(_), _) => Ok(()),
    }
}

/// The schema of a set that this VADD makes. Its rows of signs are not all orthogonal, so a projection may be longer than the
/// vector was, and overflow where that did not.
fn new_schema(words: &Words) -> Result<Schema> {
    let input_dim = words.dim() as u32;
    if let Some(dim) = words.reduce {
        words
            .added
            .iter()
            .try_for_each(|(_, vector)| vector::check_finite(&project(vector, dim)))?;
    }
    Ok(Schema::implied(
        words.reduce.unwrap_or(input_dim),
        words.reduce.map(|_| input_dim),
        words.options.quantization.unwrap_or(Quantization::Int8),
        words.options.m.unwrap_or(M),
    ))
}

/// Linking takes about half a nanosecond per candidate and component; a projection one per pair of components.
fn predict_us(_: &Context, _: &Session, request: &Request) -> u64 {
    let words = request.len();
    // Either most words are components, or the longest one holds them.
    let dim = match words {
        ..=64 => request.iter().map(<[u8]>::len).max().unwrap_or(0) as u64 / 4,
        _ => words as u64,
    };
    let options = words.saturating_sub(12)..words;
    let ef_at = options
        .rev()
        .find(|i| request.arg(*i).eq_ignore_ascii_case(b"EF"));
    let given = ef_at
        .and_then(|i| request.get(i + 1))
        .and_then(number::parse_u64);
    let ef = given.unwrap_or(EF_CONSTRUCTION.into()).min(EF_MAX as u64);
    let reduced = match request.get(2) {
        Some(word) if word.eq_ignore_ascii_case(b"REDUCE") => request
            .get(3)
            .and_then(number::parse_u64)
            .unwrap_or(0)
            .min(DIM_MAX as u64),
        _ => 0,
    };
    20 + ef * (dim + 128) / 2000 + dim * reduced / 1000
}

//! VCREATE.

use super::super::Call;
use super::super::args::Args;
use super::super::error::{self, Result};
use super::super::table::{Arg, COMMAND, Command, Flags, Group, flags};
use super::add::bounded;
use super::{DIM_MAX, EF_CONSTRUCTION, EF_MAX, M, M_MAX, M_MIN, errors};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::collection::Schema;
use crate::keyspace::collection::{IndexKind, IndexOptions, Metric, Quantization};
use crate::protocol::Reply;

/// Declares a collection.
pub const VCREATE: Command = Command {
    name: "VCREATE",
    summary: "Makes an empty collection with a fixed dimension, metric, type and index.",
    group: Group::VectorSet,
    since: "0.1.0",
    complexity: "O(1)",
    args: &[
        Arg::Key("key"),
        Arg::Option("DIM", &[Arg::Int("dim")]),
        Arg::Optional(&Arg::Option(
            "METRIC",
            &[Arg::OneOf(&[
                Arg::Token("COSINE"),
                Arg::Token("L2"),
                Arg::Token("IP"),
            ])],
        )),
        Arg::Optional(&Arg::Option(
            "TYPE",
            &[Arg::OneOf(&[
                Arg::Token("F32"),
                Arg::Token("F16"),
                Arg::Token("Q8"),
                Arg::Token("BIN"),
            ])],
        )),
        Arg::Optional(&Arg::Option("M", &[Arg::Int("numlinks")])),
        Arg::Optional(&Arg::Option("EF", &[Arg::Int("build-exploration-factor")])),
        Arg::Optional(&Arg::Option(
            "INDEX",
            &[Arg::OneOf(&[Arg::Token("HNSW"), Arg::Token("FLAT")])],
        )),
    ],
    flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
    examples: &[
        ("VCREATE points DIM 2 METRIC L2 TYPE F32", "OK"),
        ("VADD points VALUES 2 3 4 a", "(integer) 1"),
        (
            "VSEARCH points 1 VALUES 2 0 0 WITHDIST",
            "1) 1) \"a\"\n   2) \"25\"",
        ),
        (
            "VCREATE points DIM 2",
            "(error) BUSYKEY Target key name already exists.",
        ),
        (
            "VCREATE other METRIC L2",
            "(error) ERR DIM is missing: VCREATE key DIM d",
        ),
        (
            "VCREATE other DIM 8 INDEX FLAT M 8",
            "(error) ERR INDEX FLAT has no graph: M and EF belong to INDEX HNSW",
        ),
    ],
    errors: &[
        ("ERR DIM is missing: VCREATE key DIM d", "DIM is not given."),
        (
            "ERR invalid DIM: an integer from 1 to 65536",
            "DIM is no such integer.",
        ),
        (
            "ERR invalid METRIC: COSINE, L2 or IP",
            "METRIC is followed by another word, or by none.",
        ),
        (
            "ERR invalid TYPE: F32, F16, Q8 or BIN",
            "TYPE is followed by another word, or by none.",
        ),
        (
            "ERR invalid INDEX: HNSW or FLAT",
            "INDEX is followed by another word, or by none.",
        ),
        (
            "ERR invalid M: an integer from 4 to 4096",
            "M is no such integer.",
        ),
        (
            "ERR invalid EF: an integer from 1 to 1000000",
            "EF is no such integer.",
        ),
        (
            "ERR TYPE BIN needs METRIC COSINE",
            "TYPE BIN is asked for with METRIC L2 or IP.",
        ),
        (
            "ERR INDEX FLAT has no graph: M and EF belong to INDEX HNSW",
            "M or EF is given with INDEX FLAT.",
        ),
        (
            "ERR syntax error",
            "A word is no option, or the value of M, EF or DIM is missing.",
        ),
        (
            "BUSYKEY Target key name already exists.",
            "The key is there, whatever it holds.",
        ),
    ],
    run: vcreate,
    ..COMMAND
};

fn vcreate(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let schema = read_schema(&mut call.args)?;
    let db = call.db();
    call.access.write(db, &[key], |view| {
        if view.contains(key) {
            return Err(errors::BUSY_KEY);
        }
        let create = Effect::CreateCollection {
            schema: Box::new(schema),
        };
        Ok(Decision::one(Reply::ok(), Change::new(db, key, create)))
    })
}

fn read_schema(args: &mut Args) -> Result<Schema> {
    let (mut dim, mut m, mut ef) = (None, None, None);
    let (mut metric, mut quantization, mut kind) =
        (Metric::Cosine, Quantization::Int8, IndexKind::Hnsw);
    while !args.is_done() {
        if args.take("DIM") {
            dim = Some(bounded(args, 1, DIM_MAX, errors::INVALID_DIM)?);
        } else if args.take("METRIC") {
            metric = take_metric(args)?;
        } else if args.take("TYPE") {
            quantization = take_type(args)?;
        } else if args.take("INDEX") {
            kind = take_kind(args)?;
        } else if args.take("M") {
            m = Some(bounded(args, M_MIN, M_MAX, errors::INVALID_NATIVE_M)?);
        } else if args.take("EF") {
            ef = Some(bounded(args, 1, EF_MAX, errors::INVALID_NATIVE_EF)?);
        } else {
            return Err(error::SYNTAX);
        }
    }
    if quantization == Quantization::Bit && metric != Metric::Cosine {
        return Err(errors::BIN_NEEDS_COSINE);
    }
    if kind == IndexKind::Flat && (m.is_some() || ef.is_some()) {
        return Err(errors::FLAT_HAS_NO_GRAPH);
    }
    let index = IndexOptions {
        dim: dim.ok_or(errors::DIM_MISSING)?,
        metric,
        quantization,
        kind,
        m: m.unwrap_or(M),
        ef_construction: ef.unwrap_or(EF_CONSTRUCTION),
    };
    Ok(Schema {
        index,
        projected_from: None,
        declared: true,
    })
}

fn take_metric(args: &mut Args) -> Result<Metric> {
    take_one(
        args,
        &[
            ("COSINE", Metric::Cosine),
            ("L2", Metric::L2),
            ("IP", Metric::InnerProduct),
        ],
    )
    .ok_or(errors::INVALID_METRIC)
}

fn take_type(args: &mut Args) -> Result<Quantization> {
    let types = [
        ("F32", Quantization::F32),
        ("F16", Quantization::F16),
        ("Q8", Quantization::Int8),
        ("BIN", Quantization::Bit),
    ];
    take_one(args, &types).ok_or(errors::INVALID_TYPE)
}

fn take_kind(args: &mut Args) -> Result<IndexKind> {
    take_one(
        args,
        &[("HNSW", IndexKind::Hnsw), ("FLAT", IndexKind::Flat)],
    )
    .ok_or(errors::INVALID_INDEX)
}

fn take_one<T: Copy>(args: &mut Args, meanings: &[(&str, T)]) -> Option<T> {
    meanings
        .iter()
        .find(|(word, _)| args.take(word))
        .map(|(_, meaning)| *meaning)
}

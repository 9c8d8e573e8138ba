//! VCREATE.

use super::super::Call;
use super::super::args::Args;
use super::super::error::{self, Result};
use super::super::table::{Arg, COMMAND, Command, Flags, Group, flags};
use super::add::bounded;
use super::search::take_recall;
use super::{DIM_MAX, EF_CONSTRUCTION, EF_MAX, M, M_MAX, M_MIN, errors};
use crate::engine::Decision;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::collection::Schema;
use crate::keyspace::collection::{IndexKind, IndexOptions, Metric, Quantization, WalkedOn};
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
        Arg::Optional(&Arg::Option(
            "WALK",
            &[Arg::OneOf(&[
                Arg::Token("Q4"),
                Arg::Token("Q8"),
                Arg::Token("SAME"),
            ])],
        )),
        Arg::Optional(&Arg::Option("M", &[Arg::Int("numlinks")])),
        Arg::Optional(&Arg::Option("EF", &[Arg::Int("build-exploration-factor")])),
        Arg::Optional(&Arg::Option(
            "INDEX",
            &[Arg::OneOf(&[Arg::Token("HNSW"), Arg::Token("FLAT")])],
        )),
        Arg::Optional(&Arg::Option("RECALL", &[Arg::Double("target")])),
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
            "(error) ERR INDEX FLAT has no graph: M, EF, WALK and RECALL belong to INDEX HNSW",
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
            "ERR invalid WALK: Q4, Q8 or SAME",
            "WALK is followed by another word, or by none.",
        ),
        (
            "ERR TYPE BIN is walked on its bits: WALK SAME",
            "WALK Q4 or WALK Q8 is asked for with TYPE BIN.",
        ),
        errors::RECALL_ROW,
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
            "ERR INDEX FLAT has no graph: M, EF, WALK and RECALL belong to INDEX HNSW",
            "M, EF, WALK or RECALL is given with INDEX FLAT.",
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

/// The options as they were given.
struct Options {
    dim: Option<u32>,
    metric: Metric,
    quantization: Quantization,
    kind: IndexKind,
    m: Option<u32>,
    ef: Option<u32>,
    walked_on: Option<WalkedOn>,
    recall: Option<u32>,
}

fn read_schema(args: &mut Args) -> Result<Schema> {
    let mut options = Options {
        dim: None,
        metric: Metric::Cosine,
        quantization: Quantization::Int8,
        kind: IndexKind::Hnsw,
        m: None,
        ef: None,
        walked_on: None,
        recall: None,
    };
    while !args.is_done() {
        options.take(args)?;
    }
    options.check()?;
    options.schema()
}

impl Options {
    fn take(&mut self, args: &mut Args) -> Result<()> {
        if args.take("DIM") {
            self.dim = Some(bounded(args, 1, DIM_MAX, errors::INVALID_DIM)?);
        } else if args.take("METRIC") {
            self.metric = take_metric(args)?;
        } else if args.take("TYPE") {
            self.quantization = take_type(args)?;
        } else if args.take("WALK") {
            self.walked_on = Some(take_walk(args)?);
        } else if args.take("RECALL") {
            self.recall = Some(take_recall(args)?);
        } else if args.take("INDEX") {
            self.kind = take_kind(args)?;
        } else if args.take("M") {
            self.m = Some(bounded(args, M_MIN, M_MAX, errors::INVALID_NATIVE_M)?);
        } else if args.take("EF") {
            self.ef = Some(bounded(args, 1, EF_MAX, errors::INVALID_NATIVE_EF)?);
        } else {
            return Err(error::SYNTAX);
        }
        Ok(())
    }

    /// Refuses what does not go together.
    fn check(&self) -> Result<()> {
        let is_bit = self.quantization == Quantization::Bit;
        if is_bit && self.metric != Metric::Cosine {
            return Err(errors::BIN_NEEDS_COSINE);
        }
        if is_bit && matches!(self.walked_on, Some(WalkedOn::Codes | WalkedOn::Int4)) {
            return Err(errors::BIN_IS_WALKED_AS_IT_IS);
        }
        let has_graph_options = self.m.is_some()
            || self.ef.is_some()
            || self.walked_on.is_some()
            || self.recall.is_some();
        if self.kind == IndexKind::Flat && has_graph_options {
            return Err(errors::FLAT_HAS_NO_GRAPH);
        }
        Ok(())
    }

    fn schema(self) -> Result<Schema> {
        // Q8 and BIN store what they are walked on: one name for one thing.
        let has_codes_aside = matches!(self.quantization, Quantization::F32 | Quantization::F16);
        let walked_on = self.walked_on.filter(|_| has_codes_aside);
        let index = IndexOptions {
            dim: self.dim.ok_or(errors::DIM_MISSING)?,
            metric: self.metric,
            quantization: self.quantization,
            kind: self.kind,
            m: self.m.unwrap_or(M),
            ef_construction: self.ef.unwrap_or(EF_CONSTRUCTION),
            walked_on: walked_on.unwrap_or_default(),
        };
        Ok(Schema {
            index,
            projected_from: None,
            declared: true,
            recall: self.recall,
        })
    }
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

fn take_walk(args: &mut Args) -> Result<WalkedOn> {
    let forms = [
        ("Q4", WalkedOn::Int4),
        ("Q8", WalkedOn::Codes),
        ("SAME", WalkedOn::Stored),
    ];
    take_one(args, &forms).ok_or(errors::INVALID_WALK)
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

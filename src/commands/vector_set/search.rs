//! VSEARCH, the native search.

use super::super::Call;
use super::super::args::Args;
use super::super::error::{self, Result};
use super::super::table::{Arg, COMMAND, Class, Command, Field, Flags, Group, ReplyFields, flags};
use super::add::bounded;
use super::calibrator::Calibrator;
use super::similar::{predict_us, take_filter, take_target};
use super::{EF_MAX, ELE, FP32, VALUES, attributes, collection, errors, look, name};
use crate::keyspace::collection::Collection;
use crate::protocol::{Reply, number};
use crate::search::{Explanation, Hit, Phase, Promise, Query, QueryTarget, run_in_phases};
use std::sync::Arc;
use std::time::Instant;

pub(super) const FILTER: Arg = Arg::Optional(&Arg::Option("FILTER", &[Arg::Str("expression")]));
pub(super) const EFFORT: Arg = Arg::Optional(&Arg::OneOf(&[
    Arg::Option("EF", &[Arg::Int("ef")]),
    Arg::Option("RECALL", &[Arg::Double("target")]),
    Arg::Token("EXACT"),
]));
pub(super) const RADIUS: Arg = Arg::Optional(&Arg::Option("RADIUS", &[Arg::Double("distance")]));
pub(super) const OFFSET: Arg = Arg::Optional(&Arg::Option("OFFSET", &[Arg::Int("n")]));
pub(super) const WITH: [Arg; 4] = [
    Arg::Optional(&Arg::Token("WITHDIST")),
    Arg::Optional(&Arg::Token("WITHATTRIBS")),
    Arg::Optional(&Arg::Token("WITHVECTORS")),
    Arg::Optional(&Arg::Token("EXPLAIN")),
];

/// Nearest elements with distances, attributes, vectors and an explanation.
pub const VSEARCH: Command = Command {
    name: "VSEARCH",
    summary: "Returns the k elements nearest to a vector or to an element.",
    group: Group::VectorSet,
    since: "0.1.0",
    complexity: "O(log(N)), N the number of elements; O(N) with EXACT.",
    args: &[
        Arg::Key("key"),
        Arg::Int("k"),
        Arg::OneOf(&[FP32, VALUES, ELE]),
        FILTER,
        EFFORT,
        RADIUS,
        OFFSET,
        WITH[0],
        WITH[1],
        WITH[2],
        WITH[3],
    ],
    arity: Some(-5),
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(predict_us),
    examples: &[
        ("VCREATE points DIM 2 METRIC L2 TYPE F32", "OK"),
        (
            "VADD points VALUES 2 0 3 a SETATTR '{\"n\": 1}'",
            "(integer) 1",
        ),
        ("VADD points VALUES 2 0 4 b", "(integer) 1"),
        ("VSEARCH points 2 VALUES 2 0 0", "1) \"a\"\n2) \"b\""),
        (
            "VSEARCH points 1 VALUES 2 0 0 WITHDIST WITHATTRIBS WITHVECTORS",
            "1) 1) \"a\"\n   2) \"9\"\n   3) \"{\\\"n\\\": 1}\"\n   4) 1) \"0\"\n      2) \"3\"",
        ),
        ("VSEARCH points 2 VALUES 2 0 0 OFFSET 1", "1) \"b\""),
        ("VSEARCH points 2 VALUES 2 0 0 RADIUS 10", "1) \"a\""),
        ("VSEARCH points 2 VALUES 2 0 0 FILTER '.n == 1'", "1) \"a\""),
        (
            "VSEARCH points 0 ELE a",
            "(error) ERR invalid k: an integer from 1 to 1000000",
        ),
        ("VSEARCH nothing 1 ELE a", "(error) ERR no such key"),
    ],
    errors: &[
        errors::K_ROW,
        errors::NO_SUCH_KEY_ROW,
        errors::WRONG_TYPE_ROW,
        errors::TARGET_ROW,
        errors::NO_ELEMENT_ROW,
        errors::DIMENSION_ROW,
        errors::INPUT_DIMENSION_ROW,
        errors::FILTER_ROW,
        errors::NATIVE_EF_ROW,
        errors::RADIUS_ROW,
        errors::OFFSET_ROW,
        errors::SYNTAX_ROW,
        errors::RECALL_ROW,
        errors::EFFORT_ROW,
    ],
    reply: Some(&EXPLAIN_FIELDS),
    run: vsearch,
    ..COMMAND
};

const EXPLAIN_FIELDS: ReplyFields = ReplyFields {
    title: "Reply of EXPLAIN",
    about: "With EXPLAIN the reply is an array of two: the hits as they would be without it, and a map (in RESP2 a flat array of names and values) that tells how they were found. The plan is chosen by a cost formula: a graph is walked where that is expected to take less time than comparing with every vector. `CONFIG SET search-force-graph yes` has it walked whatever it costs; EXACT and INDEX FLAT never walk.",
    fields: &[
        Field {
            name: "plan",
            kind: "simple string",
            unit: "",
            what: "`scan`: every vector was compared. `scan-passing`: the same, and only elements that pass the filter counted. `filter-first`: the filter was evaluated on the columns of all elements, then the passing ones were compared. `graph`: the graph was walked. `graph-filtered`: it was walked through all nodes, and only passing ones counted. `graph-two-hop`: it was walked along passing nodes alone, looking past a failing one at its neighbours; for filters that few pass. A walk under a filter that found fewer than k + OFFSET hits is followed by a scan: `graph-filtered, then scan`, `graph-two-hop, then scan`.",
        },
        Field {
            name: "elements",
            kind: "integer",
            unit: "elements",
            what: "Elements of the collection when the search began, whether they pass the filter or not.",
        },
        Field {
            name: "ef",
            kind: "integer",
            unit: "candidates",
            what: "Candidates that a walk keeps: EF (100 without it; with RECALL, what the calibration says), at least k + OFFSET, and no more than the collection has places for elements. Under a filter that a share p of the elements passes the walk begins with EF * p^0.65 passing candidates, at least 2 * (k + OFFSET), and goes on with more where more pass around the target: it then goes as far as one with EF would without a filter, for the same recall. A scan does not use it.",
        },
        Field {
            name: "distances",
            kind: "integer",
            unit: "comparisons",
            what: "Vectors compared with the target, by the walk, by the re-ranking and by the scan; a vector counts once for each.",
        },
        Field {
            name: "signs",
            kind: "integer",
            unit: "comparisons",
            what: "Vectors of which only the signs of their components were compared with the target's, where many pass a filter and all of them are looked at: `distances` counts those that were near enough by these. 0 with EXACT or RECALL, and for BIN.",
        },
        Field {
            name: "hops",
            kind: "integer",
            unit: "nodes",
            what: "Nodes whose neighbours the walk went on to, on all layers; 0 for a scan.",
        },
        Field {
            name: "reranked",
            kind: "integer",
            unit: "candidates",
            what: "The walk's best candidates whose distances were computed anew from the stored vectors, where the graph is walked on smaller codes (TYPE F32 and F16): as many as the codes' errors leave in doubt, up to `ef`; 0 for a scan, and for Q8 and BIN.",
        },
        Field {
            name: "filter-tests",
            kind: "integer",
            unit: "elements",
            what: "Elements that the filter was evaluated for, each once, those of the plan's sample included; 0 without FILTER.",
        },
        Field {
            name: "filter-passes",
            kind: "integer",
            unit: "elements",
            what: "How many of those passed.",
        },
        Field {
            name: "filter-pass-rate",
            kind: "double",
            unit: "share, 0 to 1",
            what: "`filter-passes` / `filter-tests`; 0 without FILTER. It speaks of the elements that were tested, which are mostly near ones, not of all.",
        },
        Field {
            name: "filter-columns",
            kind: "integer",
            unit: "fields",
            what: "Fields that the filter was evaluated on as columns (docs/expressions.md); 0 where it read the JSON attributes of the elements that it tested. On columns 64 neighbouring places are tested at once, and count as tested whether elements live there or not.",
        },
        Field {
            name: "recall-target",
            kind: "double or null",
            unit: "share, 0 to 1",
            what: "The recall that was promised: RECALL, or that of VCREATE where no effort is given; null without one.",
        },
        Field {
            name: "recall-expected",
            kind: "double or null",
            unit: "share, 0 to 1",
            what: "The recall that queries like those asked so far get on average with this effort, as it was measured (VINFO shows the curve); what int8 codes lose of the vectors as given is counted in. For TYPE BIN it speaks of the bits.",
        },
        Field {
            name: "recall-kept",
            kind: "boolean or null",
            unit: "",
            what: "Whether that is as much as was promised. If not, the answer is the best that the stored vectors give.",
        },
        Field {
            name: "recall-measured-with",
            kind: "simple string or null",
            unit: "",
            what: "The queries that `recall-expected` was measured with: `asked` by clients, `made` of elements for want of those, which is harder, or `elements` for searches with ELE; null where every vector is compared in any case.",
        },
        Field {
            name: "microseconds",
            kind: "integer",
            unit: "microseconds",
            what: "Time from the target to the named hits; reading the request, compiling the filter, waiting for a thread and writing the reply come on top.",
        },
        Field {
            name: "microseconds-prepare",
            kind: "integer",
            unit: "microseconds",
            what: "Of these: until the target was normalised and quantised and the effort chosen. The first search with RECALL measures here.",
        },
        Field {
            name: "microseconds-plan",
            kind: "integer",
            unit: "microseconds",
            what: "Until it was decided how to search; with FILTER, a sample of the elements is tested for it.",
        },
        Field {
            name: "microseconds-search",
            kind: "integer",
            unit: "microseconds",
            what: "Walk or scan, re-ranking included.",
        },
        Field {
            name: "microseconds-name",
            kind: "integer",
            unit: "microseconds",
            what: "Until the hits had names and were in order.",
        },
    ],
};

/// Largest k and OFFSET.
pub(super) const HITS_MAX: i64 = 1_000_000;

/// What a reply shows, and how it is found.
#[derive(Default)]
pub(super) struct Options {
    with_distance: bool,
    with_attributes: bool,
    with_vectors: bool,
    explain: bool,
}

fn vsearch(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let k = bounded(&mut call.args, 1, HITS_MAX, errors::INVALID_K)?;
    let Some(collection) = collection(&call.access.view(call.db()), key)? else {
        return Err(error::NO_SUCH_KEY);
    };
    let target = take_target(&mut call.args, &collection)?;
    let (query, options) = read_options(call, target, k as usize, &collection)?;
    answer(&collection, &query, &options)
}

/// Runs a query; its reply.
pub(super) fn answer(collection: &Collection, query: &Query, options: &Options) -> Result {
    // Hits keep their slots, and so their vectors, while this is held.
    let _pin = crossbeam_epoch::pin();
    let mut times = Times::start();
    let answer = run_in_phases(collection, query, &mut |phase| times.note(phase))
        .map_err(|error| errors::query(error, collection))?;
    let hits = Reply::Array(
        answer
            .hits
            .iter()
            .map(|found| hit(found, collection, options))
            .collect(),
    );
    if options.explain {
        return Ok(Reply::Array(vec![
            hits,
            explanation(&answer.explanation, &times),
        ]));
    }
    Ok(hits)
}

/// A query as a client asks one: under the server's options, and remembered for calibration.
pub(super) fn nearest(call: &Call, target: QueryTarget, k: usize) -> Query {
    Query {
        force_graph: call.context.config.search_force_graph(),
        remember: call.context.config.calibration_remember_queries(),
        ..Query::nearest(target, k)
    }
}

/// `EF ef`, `RECALL target` or `EXACT`: how hard to look.
#[derive(Default)]
pub(super) struct Effort {
    pub(super) ef: Option<u32>,
    pub(super) recall: Option<u32>,
    pub(super) exact: bool,
}

impl Effort {
    /// Reads one of them; whether there was one.
    pub(super) fn take(&mut self, args: &mut Args) -> Result<bool> {
        if args.take("EXACT") {
            self.exact = true;
        } else if args.take("EF") {
            self.ef = Some(bounded(args, 1, EF_MAX, errors::INVALID_NATIVE_EF)?);
        } else if args.take("RECALL") {
            self.recall = Some(take_recall(args)?);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Sets the query's effort: what was given, else the recall that the collection was made with, else the usual ef.
    pub(super) fn settle(
        &self,
        query: &mut Query,
        collection: &Arc<Collection>,
        calibrator: &Calibrator,
    ) -> Result<()> {
        let given = [self.ef.is_some(), self.recall.is_some(), self.exact];
        match given.iter().filter(|is_given| **is_given).count() {
            0 => query.recall = collection.schema().recall.map(share),
            1 => query.recall = self.recall.map(share),
            _ => return Err(errors::ONE_EFFORT),
        }
        if query.recall.is_some() {
            calibrator.add(collection.calibration(), collection);
        }
        query.exact = self.exact;
        query.ef = self.ef.map_or(query.ef, |ef| ef as usize);
        Ok(())
    }
}

/// A recall, in millionths.
pub(super) fn take_recall(args: &mut Args) -> Result<u32> {
    let word = args.try_next().ok_or(errors::INVALID_RECALL)?;
    let millionths = number::parse_double(word).map(|recall| (recall * 1e6).round());
    match millionths.filter(|millionths| (1.0..=1e6).contains(millionths)) {
        Some(millionths) => Ok(millionths as u32),
        None => Err(errors::INVALID_RECALL),
    }
}

/// The share that so many millionths are.
pub(super) fn share(millionths: u32) -> f64 {
    f64::from(millionths) / 1e6
}

/// When the phases of a search ended.
struct Times {
    start: Instant,
    ends: Vec<(Phase, Instant)>,
}

impl Times {
    fn start() -> Times {
        Times {
            start: Instant::now(),
            ends: Vec::with_capacity(4),
        }
    }

    fn note(&mut self, phase: Phase) {
        self.ends.push((phase, Instant::now()));
    }

    /// Microseconds of one phase; 0 if it was not reached.
    fn of(&self, phase: Phase) -> u64 {
        let Some(at) = self.ends.iter().position(|(ended, _)| *ended == phase) else {
            return 0;
        };
        let before = at.checked_sub(1).map_or(self.start, |at| self.ends[at].1);
        (self.ends[at].1 - before).as_micros() as u64
    }

    /// Microseconds of all of them.
    fn total(&self) -> u64 {
        let end = self.ends.last().map_or(self.start, |(_, end)| *end);
        (end - self.start).as_micros() as u64
    }
}

/// All that stands behind the target.
pub(super) fn read_options(
    call: &mut Call,
    target: QueryTarget,
    k: usize,
    collection: &Arc<Collection>,
) -> Result<(Query, Options)> {
    let mut query = nearest(call, target, k);
    let (mut options, mut effort) = (Options::default(), Effort::default());
    while !call.args.is_done() {
        if !effort.take(&mut call.args)? {
            read_option(&mut call.args, &mut query, &mut options)?;
        }
    }
    effort.settle(&mut query, collection, &call.context.calibrator)?;
    Ok((query, options))
}

fn read_option(args: &mut Args, query: &mut Query, options: &mut Options) -> Result<()> {
    if args.take("WITHDIST") {
        options.with_distance = true;
    } else if args.take("WITHATTRIBS") {
        options.with_attributes = true;
    } else if args.take("WITHVECTORS") {
        options.with_vectors = true;
    } else if args.take("EXPLAIN") {
        options.explain = true;
    } else if args.take("OFFSET") {
        query.offset = bounded(args, 0, HITS_MAX, errors::INVALID_OFFSET)? as usize;
    } else if args.take("RADIUS") {
        let radius = number::parse_double(args.word()?)
            .map(|radius| radius as f32)
            .filter(|radius| radius.is_finite());
        query.radius = Some(radius.ok_or(errors::INVALID_RADIUS)?);
    } else if args.take("FILTER") {
        query.filter = Some(take_filter(args)?);
    } else {
        return Err(error::SYNTAX);
    }
    Ok(())
}

/// A hit is its name, or an array of its name and what was asked for.
fn hit(hit: &Hit, collection: &Collection, options: &Options) -> Reply {
    let mut parts = vec![name(&hit.element)];
    if options.with_distance {
        parts.push(Reply::Double(f64::from(hit.distance)));
    }
    if options.with_attributes {
        parts.push(attributes(&hit.element));
    }
    if options.with_vectors {
        parts.push(look::components(
            &collection.index().decode_under_pin(hit.slot),
        ));
    }
    if parts.len() == 1 {
        parts.swap_remove(0)
    } else {
        Reply::Array(parts)
    }
}

/// What was done: the plan's name (search/plan.rs) and what the walk counted (`WalkStats` of the index).
fn explanation(explanation: &Explanation, times: &Times) -> Reply {
    let int = |n: u64| Reply::Int(n as i64);
    let plan = match explanation.was_scanned_after {
        true => Reply::Text(format!("{}, then scan", explanation.plan.name())),
        false => Reply::Simple(explanation.plan.name()),
    };
    let promised =
        |show: &dyn Fn(&Promise) -> Reply| explanation.promise.as_ref().map_or(Reply::Null, show);
    let tests = explanation.filter_tests.max(1) as f64;
    let walk = &explanation.walk;
    let fields = [
        ("plan", plan),
        ("elements", int(explanation.candidates as u64)),
        ("ef", int(explanation.ef as u64)),
        ("distances", int(walk.distances)),
        ("signs", int(walk.signs)),
        ("hops", int(walk.hops)),
        ("reranked", int(walk.reranked)),
        ("filter-tests", int(explanation.filter_tests)),
        ("filter-passes", int(explanation.filter_passes)),
        (
            "filter-pass-rate",
            Reply::Double(explanation.filter_passes as f64 / tests),
        ),
        ("filter-columns", int(explanation.columns as u64)),
        (
            "recall-target",
            promised(&|promise| Reply::Double(promise.wanted)),
        ),
        (
            "recall-expected",
            promised(&|promise| Reply::Double(promise.expected)),
        ),
        (
            "recall-kept",
            promised(&|promise| Reply::Bool(promise.is_kept)),
        ),
        (
            "recall-measured-with",
            promised(&|promise| {
                let source = promise.source;
                source.map_or(Reply::Null, |source| Reply::Simple(source.name()))
            }),
        ),
        ("microseconds", int(times.total())),
        ("microseconds-prepare", int(times.of(Phase::Prepared))),
        ("microseconds-plan", int(times.of(Phase::Planned))),
        ("microseconds-search", int(times.of(Phase::Found))),
        ("microseconds-name", int(times.of(Phase::Named))),
    ];
    Reply::named(fields)
}

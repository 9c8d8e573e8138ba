//! VRECALL: what share of the true answers searches find.

use super::super::Call;
use super::super::error::{self, Result};
use super::super::table::{Arg, COMMAND, Class, Command, Delay, Flags, Group, ReplyFields, flags};
use super::add::bounded;
use super::look::field;
use super::search::{EFFORT, Effort, FILTER, HITS_MAX};
use super::similar::take_filter;
use super::{collection, errors};
use crate::keyspace::collection::Collection;
use crate::protocol::Reply;
use crate::search::{Answer, Query, QueryTarget, calibrate, run};
use rayon::prelude::*;
use std::sync::Arc;
use std::time::Instant;

/// Measures recall.
pub const VRECALL: Command = Command {
    name: "VRECALL",
    summary: "Measures what share of the true k nearest elements searches find, and what they cost.",
    group: Group::VectorSet,
    since: "0.1.0",
    complexity: "O(n N), n the number of queries, N that of the elements.",
    args: &[
        Arg::Key("key"),
        Arg::Optional(&Arg::Option("K", &[Arg::Int("k")])),
        Arg::Optional(&Arg::Option("SAMPLE", &[Arg::Int("n")])),
        EFFORT,
        FILTER,
    ],
    arity: Some(-2),
    flags: flags(&[Flags::READONLY]),
    class: Class::Aside(Delay::Long),
    examples: &[
        ("VCREATE points DIM 2 METRIC L2 TYPE F32", "OK"),
        ("VADD points VALUES 2 3 4 a", "(integer) 1"),
        (
            "VRECALL points SAMPLE 0",
            "(error) ERR invalid SAMPLE: an integer from 1 to 10000",
        ),
        ("VRECALL nothing", "(error) ERR no such key"),
    ],
    errors: &[
        errors::NO_SUCH_KEY_ROW,
        errors::WRONG_TYPE_ROW,
        (
            "ERR invalid k: an integer from 1 to 1000000",
            "K is no such integer.",
        ),
        (
            "ERR invalid SAMPLE: an integer from 1 to 10000",
            "SAMPLE is no such integer.",
        ),
        errors::NATIVE_EF_ROW,
        errors::RECALL_ROW,
        errors::EFFORT_ROW,
        errors::FILTER_ROW,
        errors::SYNTAX_ROW,
    ],
    reply: Some(&FIELDS),
    run: vrecall,
    ..COMMAND
};

const FIELDS: ReplyFields = ReplyFields {
    title: "Reply",
    about: "A map (in RESP2 a flat array of names and values). Each query is answered twice: with EF, RECALL or, without both, as VSEARCH does by itself; and exactly, by comparing with every stored vector. The queries are a sample of those that clients asked (`CONFIG SET calibration-remember-queries no` stops remembering them); while fewer than 64 are remembered, each is made of two elements, which is harder than asking with an element and about as hard as real queries.",
    fields: &[
        field(
            "recall",
            "double",
            "share, 0 to 1",
            "Share of the true k nearest that were found, mean over the queries. An element as near as the last of the true ones counts as one of them.",
        ),
        field(
            "low",
            "double",
            "share, 0 to 1",
            "Lower end of the 95 % confidence interval of `recall`.",
        ),
        field("high", "double", "share, 0 to 1", "Upper end."),
        field(
            "ceiling",
            "double",
            "share, 0 to 1",
            "Share of the k nearest by the vectors as given that an exact search of the stored form finds: 1 where they are stored as given, estimated from the size of the steps for int8 codes; null for TYPE BIN. `recall` speaks of the stored form; times this it speaks of the vectors as given.",
        ),
        field("k", "integer", "elements", "Hits asked for."),
        field(
            "sample",
            "integer",
            "queries",
            "Queries that were answered.",
        ),
        field(
            "queries",
            "simple string",
            "",
            "`asked` by clients, or `made` of two elements each.",
        ),
        field(
            "ef",
            "integer",
            "candidates",
            "Candidates that walks kept, mean.",
        ),
        field(
            "distances",
            "double",
            "comparisons",
            "Vectors compared with the target, mean.",
        ),
        field(
            "microseconds",
            "double",
            "microseconds",
            "Time of a search, mean, one after the other.",
        ),
        field(
            "exact-microseconds",
            "double",
            "microseconds",
            "Time of an exact one, mean.",
        ),
    ],
};

const K: i64 = 10;
const SAMPLE: i64 = 100;
const SAMPLE_MAX: i64 = 10_000;
/// Exact searches that are timed.
const EXACT_TIMED: usize = 10;

/// What is to be measured.
struct Trial {
    k: usize,
    sample: usize,
    query: Query,
}

fn vrecall(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let Some(collection) = collection(&call.access.view(call.db()), key)? else {
        return Err(error::NO_SUCH_KEY);
    };
    let trial = read(call, &collection)?;
    measure(&collection, &trial)
}

fn read(call: &mut Call, collection: &Arc<Collection>) -> Result<Trial> {
    let args = &mut call.args;
    let (mut k, mut sample, mut filter) = (K, SAMPLE, None);
    let mut effort = Effort::default();
    while !args.is_done() {
        if args.take("K") {
            k = bounded(args, 1, HITS_MAX, errors::INVALID_K)?.into();
        } else if args.take("SAMPLE") {
            sample = bounded(args, 1, SAMPLE_MAX, errors::INVALID_SAMPLE)?.into();
        } else if args.take("FILTER") {
            filter = Some(take_filter(args)?);
        } else if !effort.take(args)? {
            return Err(error::SYNTAX);
        }
    }
    let mut query = Query::nearest(QueryTarget::Vector(Vec::new()), k as usize);
    query.filter = filter;
    effort.settle(&mut query, collection, &call.context.calibrator)?;
    Ok(Trial {
        k: k as usize,
        sample: sample as usize,
        query,
    })
}

/// What was asked, and what came of it.
struct Outcome {
    found: Vec<Answer>,
    truths: Vec<Answer>,
    /// The mean time of a search, in microseconds.
    us: f64,
    /// The same, of one that compares the target with all elements.
    exact_us: f64,
}

fn measure(collection: &Collection, trial: &Trial) -> Result {
    let sample = calibrate::queries(collection, false, trial.sample);
    let outcome = ask_all(collection, trial, sample.vectors())?;
    let pairs = outcome.found.iter().zip(&outcome.truths);
    let recalls: Vec<f64> = pairs
        .map(|(found, truth)| calibrate::recall_of(&found.hits, &truth.hits))
        .collect();
    let (recall, error) = calibrate::mean_recall(&recalls);
    let mean = |of: &dyn Fn(&Answer) -> usize| {
        let found = &outcome.found;
        found.iter().map(of).sum::<usize>() as f64 / found.len().max(1) as f64
    };
    let ef = mean(&|answer| answer.explanation.ef);
    let distances = mean(&|answer| answer.explanation.walk.distances as usize);
    let double = |x: f64| Reply::Double((x * 1e6).round() / 1e6);
    let ceiling = calibrate::mean_ceiling(collection, &sample, trial.k);
    Ok(Reply::named([
        ("recall", double(recall)),
        ("low", double((recall - 1.96 * error).max(0.0))),
        ("high", double((recall + 1.96 * error).min(1.0))),
        ("ceiling", ceiling.map_or(Reply::Null, double)),
        ("k", Reply::Int(trial.k as i64)),
        ("sample", Reply::Int(sample.vectors().len() as i64)),
        ("queries", Reply::Simple(sample.source().name())),
        ("ef", Reply::Int(ef.round() as i64)),
        ("distances", double(distances)),
        ("microseconds", double(outcome.us)),
        ("exact-microseconds", double(outcome.exact_us)),
    ]))
}

/// Searches for each of the vectors, on one thread, and for its true neighbours.
fn ask_all(collection: &Collection, trial: &Trial, vectors: &[Vec<f32>]) -> Result<Outcome> {
    let ask = |vector: &Vec<f32>, exact: bool| {
        let query = Query {
            target: QueryTarget::Vector(vector.clone()),
            exact: exact || trial.query.exact,
            ..trial.query.clone()
        };
        run(collection, &query).map_err(|error| errors::query(error, collection))
    };
    // What is measured for the first time with RECALL does not count as the first search's time.
    if let Some(vector) = vectors.first() {
        ask(vector, false)?;
    }
    let some = &vectors[..EXACT_TIMED.min(vectors.len())];
    let (exact_us, _) = timed(some, |vector| ask(vector, true))?;
    let truths: Result<Vec<Answer>> = vectors.par_iter().map(|vector| ask(vector, true)).collect();
    let truths = truths?;
    let (us, found) = timed(vectors, |vector| ask(vector, false))?;
    Ok(Outcome {
        found,
        truths,
        us,
        exact_us,
    })
}

/// The answers, one after the other, and the mean of their times in microseconds.
fn timed(
    vectors: &[Vec<f32>],
    ask: impl Fn(&Vec<f32>) -> Result<Answer>,
) -> Result<(f64, Vec<Answer>)> {
    let start = Instant::now();
    let answers: Result<Vec<Answer>> = vectors.iter().map(ask).collect();
    let us = start.elapsed().as_secs_f64() * 1e6 / vectors.len().max(1) as f64;
    Ok((us, answers?))
}

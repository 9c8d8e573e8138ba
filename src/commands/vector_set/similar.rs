//! VSIM.

use super::super::args::Args;
use super::super::error::{Refusal, Result};
use super::super::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use super::super::{Call, Context, Session};
use super::search::{Effort, nearest, share, take_recall};
use super::{EF_MAX, ELE, FP32, VALUES, attributes, collection, errors, name, scores, vector};
use crate::keyspace::Value;
use crate::keyspace::collection::Collection;
use crate::protocol::{Reply, Request, Version, number};
use crate::search::expression::Expression;
use crate::search::filter::Filter;
use crate::search::{Hit, Query, QueryTarget, calibrate, plan, run};
use std::sync::Arc;

/// Elements near to a vector or an element.
pub const VSIM: Command = Command {
    name: "VSIM",
    summary: "Returns the elements most similar to a vector or to an element.",
    group: Group::VectorSet,
    since: "8.0.0",
    complexity: "O(log(N)), N the number of elements in the vector set.",
    args: &[
        Arg::Key("key"),
        Arg::OneOf(&[ELE, FP32, VALUES]),
        Arg::Optional(&Arg::Token("WITHSCORES")),
        Arg::Optional(&Arg::Token("WITHATTRIBS")),
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("count")])),
        Arg::Optional(&Arg::Option("EPSILON", &[Arg::Double("max_distance")])),
        Arg::Optional(&Arg::Option("EF", &[Arg::Int("search-exploration-factor")])),
        Arg::Optional(&Arg::Option("FILTER", &[Arg::Str("expression")])),
        Arg::Optional(&Arg::Option(
            "FILTER-EF",
            &[Arg::Int("max-filtering-effort")],
        )),
        Arg::Optional(&Arg::Option("RECALL", &[Arg::Double("target")])),
        Arg::Optional(&Arg::Token("TRUTH")),
        Arg::Optional(&Arg::Token("NOTHREAD")),
    ],
    arity: Some(-4),
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(predict_us),
    examples: &[
        (
            "VADD pets VALUES 2 1 0 cat SETATTR '{\"legs\": 4}' NOQUANT",
            "(integer) 1",
        ),
        (
            "VADD pets VALUES 2 0 1 bird SETATTR '{\"legs\": 2}' NOQUANT",
            "(integer) 1",
        ),
        (
            "VSIM pets VALUES 2 2 0 WITHSCORES",
            "1) \"cat\"\n2) \"1\"\n3) \"bird\"\n4) \"0.5\"",
        ),
        ("VSIM pets ELE cat FILTER '.legs < 4'", "1) \"bird\""),
        (
            "VSIM pets ELE cat COUNT 1 WITHATTRIBS",
            "1) \"cat\"\n2) \"{\\\"legs\\\": 4}\"",
        ),
        ("VSIM pets ELE cat EPSILON 0.2", "1) \"cat\""),
        ("VSIM pets ELE fish", "(error) ERR element not found in set"),
        (
            "VSIM pets ELE cat FILTER 'legs'",
            "(error) ERR syntax error in FILTER expression near: legs",
        ),
    ],
    errors: &[
        errors::WRONG_TYPE_ROW,
        errors::TARGET_ROW,
        errors::NO_ELEMENT_ROW,
        errors::DIMENSION_ROW,
        errors::INPUT_DIMENSION_ROW,
        ("ERR invalid COUNT", "COUNT is no integer of at least 1."),
        ("ERR invalid EPSILON", "EPSILON is no number above 0."),
        (
            "ERR EPSILON is not defined for METRIC IP, whose scores have no upper bound: use VSEARCH with RADIUS",
            "EPSILON is given, and VCREATE made the set with METRIC IP.",
        ),
        ("ERR invalid EF", "EF is no integer from 1 to 1000000."),
        errors::RECALL_ROW,
        errors::EFFORT_ROW,
        errors::FILTER_ROW,
        (
            "ERR invalid FILTER-EF",
            "FILTER-EF is no integer of at least 1.",
        ),
        (
            "ERR syntax error in VSIM command",
            "A word is no option, or an option's value is missing.",
        ),
    ],
    run: vsim,
    ..COMMAND
};

const COUNT: usize = 10;

/// What a VSIM says, as a query, and what it wants to see of the hits.
struct Question {
    query: Query,
    with: With,
}

#[derive(Clone, Copy, Default)]
struct With {
    scores: bool,
    attributes: bool,
}

fn vsim(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let Some(collection) = collection(&call.access.view(call.db()), key)? else {
        return Ok(missing(call));
    };
    let target = take_target(&mut call.args, &collection)?;
    let question = read_options(call, target, &collection)?;
    let answer =
        run(&collection, &question.query).map_err(|error| errors::query(error, &collection))?;
    Ok(reply(
        &answer.hits,
        &collection,
        question.with,
        call.session.version,
    ))
}

/// Nothing else is looked at when the key is missing. A typed client expects the kind of reply that it asked for.
fn missing(call: &Call) -> Reply {
    let is_map = call.request.iter().skip(4).any(|word| {
        word.eq_ignore_ascii_case(b"WITHSCORES") || word.eq_ignore_ascii_case(b"WITHATTRIBS")
    });
    if is_map {
        Reply::Map(Vec::new())
    } else {
        Reply::Array(Vec::new())
    }
}

/// `ELE element`, or a vector that fits the collection.
pub(super) fn take_target(args: &mut Args, collection: &Collection) -> Result<QueryTarget> {
    if args.take("ELE") {
        let element = args.try_next().ok_or(errors::INVALID_VECTOR)?;
        let target = QueryTarget::Element(element.into());
        return if collection.contains(element) {
            Ok(target)
        } else {
            Err(errors::NO_ELEMENT)
        };
    }
    let vector = vector::take(args)?;
    vector::check_dimension(&vector, collection)?;
    Ok(QueryTarget::Vector(vector))
}

fn read_options(
    call: &mut Call,
    target: QueryTarget,
    collection: &Arc<Collection>,
) -> Result<Question> {
    let mut question = Question {
        query: nearest(call, target, COUNT),
        with: With::default(),
    };
    let mut effort = Effort::default();
    while !call.args.is_done() {
        read_option(&mut call.args, &mut question, &mut effort, collection)?;
    }
    // As in Redis, TRUTH needs no EF and minds none.
    if effort.exact {
        (effort.ef, effort.recall) = (None, None);
    }
    let query = &mut question.query;
    effort.settle(query, collection, &call.context.calibrator)?;
    if query.filter.is_none() {
        query.expansions_max = None;
    }
    Ok(question)
}

fn read_option(
    args: &mut Args,
    question: &mut Question,
    effort: &mut Effort,
    collection: &Collection,
) -> Result<()> {
    let Question { query, with } = question;
    // Every search may use the pool's threads or not; nobody can tell.
    if args.take("NOTHREAD") {
    } else if args.take("WITHSCORES") {
        with.scores = true;
    } else if args.take("WITHATTRIBS") {
        with.attributes = true;
    } else if args.take("TRUTH") {
        effort.exact = true;
    } else if args.left() < 2 {
        return Err(errors::VSIM_SYNTAX);
    } else if args.take("COUNT") {
        query.k = positive(args, i64::MAX, errors::INVALID_COUNT)?;
    } else if args.take("EPSILON") {
        let epsilon = number::parse_double(args.word()?).filter(|epsilon| *epsilon > 0.0);
        query.radius = scores::radius(
            collection.schema().index.metric,
            epsilon.ok_or(errors::INVALID_EPSILON)?,
        )?;
    } else if args.take("EF") {
        effort.ef = Some(positive(args, EF_MAX, errors::INVALID_EF)? as u32);
    } else if args.take("RECALL") {
        effort.recall = Some(take_recall(args)?);
    } else if args.take("FILTER") {
        query.filter = Some(take_filter(args)?);
    } else if args.take("FILTER-EF") {
        query.expansions_max = Some(positive(args, i64::MAX, errors::INVALID_FILTER_EF)?);
    } else {
        return Err(errors::VSIM_SYNTAX);
    }
    Ok(())
}

fn positive(args: &mut Args, max: i64, refusal: Refusal) -> Result<usize> {
    let value = args.int_or(refusal.clone())?;
    if (1..=max).contains(&value) {
        Ok(value as usize)
    } else {
        Err(refusal)
    }
}

/// The next word as a filter.
pub(super) fn take_filter(args: &mut Args) -> Result<Filter> {
    let text = args.word()?;
    Expression::compile(text)
        .map(Filter::Expression)
        .map_err(|error| errors::filter_syntax(text, error))
}

fn reply(hits: &[Hit], collection: &Collection, with: With, version: Version) -> Reply {
    let metric = collection.schema().index.metric;
    let score = |hit: &Hit| Reply::Double(scores::of_distance(metric, hit.distance));
    let pairs = |value: &dyn Fn(&Hit) -> Reply| {
        Reply::Map(
            hits.iter()
                .map(|hit| (name(&hit.element), value(hit)))
                .collect(),
        )
    };
    match (with.scores, with.attributes) {
        (false, false) => Reply::Array(hits.iter().map(|hit| name(&hit.element)).collect()),
        (true, false) => pairs(&score),
        (false, true) => pairs(&|hit| attributes(&hit.element)),
        (true, true) if version == Version::Resp3 => {
            pairs(&|hit| Reply::Array(vec![score(hit), attributes(&hit.element)]))
        }
        (true, true) => Reply::Array(
            hits.iter()
                .flat_map(|hit| [name(&hit.element), score(hit), attributes(&hit.element)])
                .collect(),
        ),
    }
}

/// What the search of a request will take, from its words. The vector's own words are not mistaken for options often, and
/// then the search only runs in the other place.
pub(super) fn predict_us(context: &Context, session: &Session, request: &Request) -> u64 {
    let view = context
        .engine
        .keyspace()
        .view(session.db, context.engine.now_ms());
    let Some(Value::Collection(collection)) = view.get(request.arg(1)) else {
        return 0;
    };
    let options = (4..request.len()).rev().take(24);
    let (mut ef, mut is_exact, mut is_filtered) = (100, false, false);
    let mut recall = collection.schema().recall.map(share);
    for (i, word) in options.map(|i| (i, request.arg(i))) {
        let value = request.get(i + 1).and_then(number::parse_u64);
        match word.to_ascii_uppercase().as_slice() {
            b"COUNT" => ef = value.map_or(ef, |value| ef.max(value as usize)),
            b"EF" => {
                ef = value.map_or(ef, |value| ef.max(value as usize));
                recall = None;
            }
            b"RECALL" => recall = request.get(i + 1).and_then(number::parse_double),
            b"TRUTH" | b"EXACT" => is_exact = true,
            b"FILTER" => is_filtered = true,
            _ => {}
        }
    }
    let of_elements =
        request.arg(2).eq_ignore_ascii_case(b"ELE") || request.arg(3).eq_ignore_ascii_case(b"ELE");
    match recall {
        // Until it is measured which ef that takes, a search may have to measure it.
        Some(recall) if !is_exact => {
            let known = calibrate::expected_ef(&*collection, COUNT, of_elements, recall);
            known.map_or(u64::MAX, |ef| {
                plan::predict_us(&collection, ef, false, is_filtered)
            })
        }
        _ => plan::predict_us(&collection, ef, is_exact, is_filtered),
    }
}

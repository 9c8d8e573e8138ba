//! FT.SEARCH: which documents of an index a query finds, and what is shown of them.

use super::cost::{self, given_ef};
use super::deadline::{Deadline, EXPANSIONS, warn_of_time};
use super::double;
use super::errors;
use super::indexes::find_index;
use super::options::{Format, Limits, Options};
use super::ordering::check_order;
use super::query;
use super::query::tree::{FieldMask, Kind, Node, Query, VectorRange};
use super::query::vector::Policy;
use super::rows;
use super::schema::{Algorithm, DocumentKind, FieldKind, Schema};
use super::search::{self, SearchRequest, SortBy};
use super::words::Words;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, Context};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::documents::shape::Shape;
use crate::keyspace::documents::text::language::Language;
use crate::keyspace::documents::values::{self, FieldValue};
use crate::keyspace::{Key, View};
use crate::protocol::Version;
use crate::search::documents;
use crate::search::documents::matching::Matcher;
use crate::search::documents::patience::Patience;
use crate::search::documents::reasons::Reasons;
use crate::search::documents::run::{Explanation, NearestQuestion, Question};
use crate::search::documents::score::Scorer;
use crate::search::documents::worth::Worth;
use bytes::Bytes;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `FT.SEARCH index query [option ...]`
pub const SEARCH: Command = Command {
    name: "FT.SEARCH",
    summary: "Searches an index for documents.",
    group: Group::Search,
    since: "1.0.0",
    complexity: "O(N), N the number of documents that pass; a KNN alone takes a walk through its graph",
    args: &[
        Arg::Str("index"),
        Arg::Str("query"),
        Arg::Optional(&Arg::Multiple(&Arg::Str("option"))),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost::cost_us),
    examples: &[
        (
            "FT.CREATE pets PREFIX 1 pet: SCHEMA name TEXT age NUMERIC",
            "OK",
        ),
        ("HSET pet:1 name Tom age 3", "(integer) 2"),
        ("HSET pet:2 name Felix age 5", "(integer) 2"),
        (
            "FT.SEARCH pets '@age:[4 +inf]'",
            "1) (integer) 1\n2) \"pet:2\"\n3) 1) \"name\"\n   2) \"Felix\"\n   3) \"age\"\n   4) \"5\"",
        ),
        (
            "FT.SEARCH pets tom RETURN 1 age",
            "1) (integer) 1\n2) \"pet:1\"\n3) 1) \"age\"\n   2) \"3\"",
        ),
        ("FT.SEARCH cars tom", "(error) No such index cars"),
    ],
    run,
    ..COMMAND
};

/// What a query command asks for.
pub struct Asked<'a> {
    /// Its options.
    pub options: &'a Options,
    /// What the configuration says.
    pub limits: &'a Limits,
    /// How long it may take.
    pub patience: &'a Patience<'a>,
    /// Whether scores are wanted.
    pub is_scored: bool,
}

/// The documents that passed.
pub struct Matches {
    /// Whether they are the nearest to a vector.
    pub is_nearest: bool,
    /// In the order of indexing.
    pub documents: Vec<Match>,
    /// Distances that were asked for, by name and document; the KNN's first.
    pub distances: Vec<(String, BTreeMap<DocumentId, f64>)>,
    /// What clients should know of it.
    pub warnings: Vec<&'static str>,
}

/// A document that passed.
pub struct Match {
    /// Its id.
    pub id: DocumentId,
    /// Its key.
    pub key: Key,
    /// What it is worth; 0 unless scores are wanted.
    pub score: f64,
    /// Where the score comes from, if somebody asked.
    pub reasons: Option<Box<Reasons>>,
}

/// What is shown of a search.
pub struct Found {
    /// How many documents passed.
    pub total: usize,
    /// Those that are shown.
    pub hits: Vec<Hit>,
    /// What clients should know of them.
    pub warnings: Vec<&'static str>,
}

/// A document that is shown.
pub struct Hit {
    /// Its key.
    pub key: Key,
    /// What it is worth.
    pub score: f64,
    /// Where the score comes from, if somebody asked.
    pub reasons: Option<Box<Reasons>>,
    /// What its payload field holds.
    pub payload: Option<Bytes>,
    /// Distances that were asked for, by name.
    pub distances: Vec<(String, f64)>,
    /// What it was sorted by.
    pub sort_key: Option<SortKey>,
}

/// What documents are sorted by.
#[derive(Clone, Debug, PartialEq)]
pub enum SortKey {
    /// A number, of NUMERIC fields and distances.
    Number(f64),
    /// Text, in lower case unless the field is kept as written.
    Text(Vec<u8>),
}

fn run(call: &mut Call) -> Result {
    let name = call.args.word()?;
    answer(call, name, &mut ())
}

/// Who watches a query while it runs (FT.PROFILE).
pub trait Observer {
    /// Whether somebody is told of it.
    fn is_profile(&self) -> bool {
        false
    }

    /// The query was read and checked.
    fn parsed(&mut self) {}

    /// It was found out what passes. `keys`: how many were named by INKEYS.
    fn matched(&mut self, _: &mut Matcher, _: &Query, _keys: Option<usize>, _: &Explanation) {}

    /// So many rows came through a step.
    fn passed(&mut self, _step: &str, _rows: usize) {}
}

impl Observer for () {}

/// Answers the words that are left.
pub fn answer(call: &mut Call, name: &[u8], observer: &mut dyn Observer) -> Result {
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let view = call.access.view(INDEXED_DB);
    let index = find_index(&view, name)?;
    let limits = Limits::of(&call.context.config);
    let request = search::read(&mut Words::new(&words), &limits)?;
    check_format(&request.options, index.schema(), call.session.version)?;
    let deadline = Deadline::begin(&request.options, &limits);
    let is_late = || deadline.is_over();
    let patience = Patience::new(&is_late);
    let asked = Asked {
        options: &request.options,
        limits: &limits,
        patience: &patience,
        is_scored: request.sort.is_none() || request.options.with_scores,
    };
    let matches = find((call.context, &view), &index, &asked, observer)?;
    if matches.is_nearest && request.sort.is_none() && index.usage().takes_notice_of_order() {
        tracing::info!(
            "index {}: a KNN without SORTBY answers in the order of indexing, as RediSearch does; SORTBY its distance gives the nearest first",
            String::from_utf8_lossy(index.name())
        );
    }
    let has_distances = !matches.distances.is_empty();
    let mut found = show(&view, &index, &request, matches, &patience)?;
    tell_steps(&request, &found, has_distances, observer);
    warn_of_time(&patience, &limits, &mut found.warnings)?;
    Ok(rows::reply(
        &view,
        &index,
        &request,
        found,
        call.session.version,
    ))
}

/// The steps that RediSearch would take.
fn tell_steps(
    request: &SearchRequest,
    found: &Found,
    has_distances: bool,
    observer: &mut dyn Observer,
) {
    observer.passed("Index", found.total);
    if request.num == 0 && request.offset == 0 {
        return observer.passed("Counter", 1);
    }
    if has_distances {
        observer.passed("Metrics Applier", found.total);
    }
    if request.sort.is_none() || request.options.with_scores {
        observer.passed("Scorer", found.total);
    }
    observer.passed("Sorter", found.hits.len());
    if !request.options.is_without_content {
        observer.passed("Loader", found.hits.len());
    }
}

/// FORMAT EXPAND is for JSON documents in RESP3.
fn check_format(options: &Options, schema: &Schema, version: Version) -> Result<()> {
    let refuse = |line| Err(Refusal::line(line));
    match options.format {
        Format::String => Ok(()),
        Format::Expand if version == Version::Resp2 => refuse(errors::EXPAND_NEEDS_RESP3),
        Format::Expand if schema.documents == DocumentKind::Hash => {
            refuse(errors::EXPAND_NEEDS_JSON)
        }
        Format::Expand if options.dialect < 3 => refuse(errors::EXPAND_NEEDS_DIALECT),
        Format::Expand => Ok(()),
    }
}

/// The documents that a query finds.
pub fn find(
    (context, view): (&Context, &View),
    index: &Arc<DocumentIndex>,
    asked: &Asked,
    observer: &mut dyn Observer,
) -> Result<Matches> {
    let options = asked.options;
    let no_such_language = Refusal::line(errors::NO_SUCH_LANGUAGE);
    let language = match &options.language {
        Some(name) => Language::parse(name.as_bytes()).ok_or(no_such_language)?,
        None => index.schema().language,
    };
    let no_such_scorer = |name: &String| Refusal::made(format!("No such scorer {name}"));
    let scorer = match &options.scorer {
        Some(name) => Scorer::parse(name).ok_or_else(|| no_such_scorer(name))?,
        None => asked.limits.scorer,
    };
    index.usage().note_dialect(options.dialect);
    let query = read_query(index, options)?;
    let mut ranges = Vec::new();
    collect_ranges(&query.root, index, &mut ranges)?;
    let question = Question {
        root: &query.root,
        knn: nearest_question(context, index, &query, options.keys.is_some())?,
        ranges,
        keys: options.keys.as_deref(),
        language,
        is_verbatim: options.is_verbatim,
        parts: asked.limits.parts,
        patience: asked.patience,
    };
    observer.parsed();
    let tanh_factor = options.tanh_factor.unwrap_or(asked.limits.tanh_factor);
    let payload = options.payload.as_deref().unwrap_or_default();
    // The words of a KNN's filter count; nearness itself is no score.
    let is_scored = asked.is_scored && (query.knn.is_none() || query.root.kind != Kind::All);
    let (mut documents, mut found) = documents::run::run(index, &question, |matcher, found| {
        let keys = options.keys.as_ref().map(Vec::len);
        observer.matched(matcher, &query, keys, &found.explanation);
        let worth = Worth::new(matcher, &query.root, scorer, (tanh_factor, payload));
        let in_time = found.ids.iter().take_while(|_| !asked.patience.ends());
        let documents = in_time.filter_map(|id| {
            let key = matcher.state.documents.get(id)?.key.clone();
            let (score, reasons) = match options.explains_scores && is_scored {
                true => {
                    let (score, reasons) = worth.explain(id);
                    (score, Some(Box::new(reasons)))
                }
                false if is_scored => (worth.of(id), None),
                false => (0.0, None),
            };
            Some(Match {
                id,
                key,
                score,
                reasons,
            })
        });
        (documents.collect::<Vec<Match>>(), found)
    });
    if scorer == Scorer::Bm25StdNorm {
        normalize(&mut documents);
    }
    let mut distances = Vec::new();
    let mut add = |name: &str, (field, blob): (usize, &[u8]), found: BTreeMap<DocumentId, f32>| {
        let wide = found.into_iter().map(|(id, d)| (id, f64::from(d)));
        let mut found: BTreeMap<DocumentId, f64> = wide.collect();
        double::refine(view, index.schema(), (field, blob), &documents, &mut found);
        distances.push((name.to_owned(), found));
    };
    if let Some(knn) = &query.knn {
        let aim = (knn.field, knn.target.blob.as_slice());
        add(&knn.distance_name, aim, found.nearest);
    }
    for (range, _) in &question.ranges {
        let hits = range.distance_name.as_ref();
        if let Some((name, hits)) = hits.and_then(|name| found.distances.remove_entry(name)) {
            add(&name, (range.field, &range.target.blob), hits);
        }
    }
    // Where nothing was found there is a distance to sort by all the same.
    for name in query.distance_names() {
        if !distances.iter().any(|(known, _)| known == name) {
            distances.push((name.to_owned(), BTreeMap::new()));
        }
    }
    Ok(Matches {
        is_nearest: query.knn.is_some(),
        documents,
        distances,
        warnings: Vec::from_iter(found.is_cut.then_some(EXPANSIONS)),
    })
}

/// Scores as shares of the best.
fn normalize(documents: &mut [Match]) {
    let best = documents
        .iter()
        .map(|found| found.score)
        .fold(0.0, f64::max);
    for found in documents.iter_mut().filter(|_| best > 0.0) {
        found.score /= best;
        if let Some(reasons) = &mut found.reasons {
            reasons.best = best;
        }
    }
}

/// Sorts what was found, and takes what LIMIT says.
fn show(
    view: &View,
    index: &DocumentIndex,
    request: &SearchRequest,
    matches: Matches,
    patience: &Patience,
) -> Result<Found> {
    let total = matches.documents.len();
    let Matches {
        documents,
        distances,
        warnings,
        ..
    } = matches;
    let sorted = match &request.sort {
        None => by_score(documents),
        Some(sort) => sort_by(view, index, documents, sort, &distances, patience)?,
    };
    let (offset, num) = (request.offset as usize, request.num as usize);
    let state = index.read();
    let page = sorted.into_iter().skip(offset).take(num);
    let hits = page.map(|(found, sort_key)| {
        let of_document = |(name, all): &(String, BTreeMap<DocumentId, f64>)| {
            Some((name.clone(), *all.get(&found.id)?))
        };
        Hit {
            distances: distances.iter().filter_map(of_document).collect(),
            payload: state
                .documents
                .get(found.id)
                .and_then(|it| it.payload.clone()),
            key: found.key,
            score: found.score,
            reasons: found.reasons,
            sort_key,
        }
    });
    Ok(Found {
        total,
        hits: hits.collect(),
        warnings,
    })
}

type Sorted = Vec<(Match, Option<SortKey>)>;

/// The best first; equal ones in the order of indexing.
fn by_score(mut documents: Vec<Match>) -> Sorted {
    documents.sort_by(|one, other| other.score.total_cmp(&one.score));
    documents.into_iter().map(|found| (found, None)).collect()
}

/// The query's tree with what the options add to it.
pub fn read_query(index: &DocumentIndex, options: &Options) -> Result<Query> {
    let schema = index.schema();
    let context = query::Context {
        schema,
        params: &options.params,
        stop_words: (!options.keeps_stop_words).then(|| index.stop_words()),
        dialect: options.dialect,
    };
    let mut query = query::parse(&options.query, &context)?;
    check_shapes(&query.root)?;
    let filters = options.filters(schema)?;
    if !options.fields.is_empty() {
        let named = schema
            .text_fields()
            .filter(|(_, field)| options.fields.contains(&field.name));
        let mask = FieldMask(named.fold(0, |mask, (bit, _)| mask | bit));
        restrict(&mut query.root, mask);
    }
    let is_ordered = options.is_in_order || options.slop.is_some_and(|slop| slop >= 0);
    check_order(&query.root, schema, is_ordered)?;
    if let Kind::And(_) = query.root.kind {
        let asked = &mut query.root.options;
        let slop = options.slop.and_then(|slop| u32::try_from(slop).ok());
        asked.slop = asked.slop.or(slop);
        if options.is_in_order {
            asked.in_order = asked.in_order.or(Some(true));
        }
    }
    if !filters.is_empty() {
        let all = std::iter::once(query.root).chain(filters);
        query.root = Node::new(Kind::And(all.collect()));
    }
    Ok(query)
}

/// Texts of shapes must be shapes.
fn check_shapes(node: &Node) -> Result<()> {
    if let Kind::Geoshape { wkt, .. } = &node.kind {
        Shape::parse(wkt)
            .map_err(|why| Refusal::made(format!("Error querying geoshape index: {why}")))?;
    }
    node.children().iter().try_for_each(check_shapes)
}

/// Words that are looked for in all fields are looked for in these.
fn restrict(node: &mut Node, mask: FieldMask) {
    if node.fields.is_all() {
        node.fields = mask;
    }
    node.children_mut()
        .iter_mut()
        .for_each(|child| restrict(child, mask));
}

/// The ranges of a query, each with its EPSILON: the query's, or the field's. They are checked once something was indexed in their
/// field; before, they find nothing.
fn collect_ranges<'q>(
    node: &'q Node,
    index: &DocumentIndex,
    ranges: &mut Vec<(&'q VectorRange, Option<f64>)>,
) -> Result<()> {
    if let Kind::VectorRange(range) = &node.kind
        && let FieldKind::Vector(attributes) = &index.schema().fields[range.field].kind
        && index.holds(range.field)
    {
        let parameters = range.check(attributes)?;
        let of_field = match &attributes.algorithm {
            Algorithm::Hnsw(hnsw) => hnsw.epsilon,
            Algorithm::Svs(svs) => svs.epsilon,
            Algorithm::Flat => None,
        };
        ranges.push((range, parameters.epsilon.or(of_field)));
    }
    let mut parts = node.children().iter();
    parts.try_for_each(|part| collect_ranges(part, index, ranges))
}

/// What is asked of the nearest. The query's words are checked once something was indexed in the field.
fn nearest_question<'q>(
    context: &Context,
    index: &Arc<DocumentIndex>,
    query: &'q Query,
    has_keys: bool,
) -> Result<Option<NearestQuestion<'q>>> {
    let Some(knn) = &query.knn else {
        return Ok(None);
    };
    let is_filtered = query.root.kind != Kind::All;
    let mut question = NearestQuestion {
        knn,
        ef: None,
        is_exact: false,
        is_filtered: is_filtered || has_keys,
    };
    let kind = &index.schema().fields[knn.field].kind;
    if let FieldKind::Vector(attributes) = kind
        && index.holds(knn.field)
    {
        let parameters = knn.check(attributes, is_filtered)?;
        let of_query = parameters.ef_runtime.or(parameters.search_window_size);
        question.ef = of_query.or_else(|| given_ef(index, knn.field));
        question.is_exact = parameters.policy == Some(Policy::AdHoc);
        let calibration = index.calibration(knn.field);
        if question.ef.is_none() {
            context.calibrator.add(calibration, index);
        }
        if context.config.calibration_remember_queries()
            && let Ok(vector) = values::vector(&knn.target.blob, attributes)
        {
            calibration.note(&vector);
        }
    }
    Ok(Some(question))
}

/// By a distance, a field or a part of the document; documents without it come last, equal ones in the order of indexing.
fn sort_by(
    view: &View,
    index: &DocumentIndex,
    documents: Vec<Match>,
    sort: &SortBy,
    distances: &[(String, BTreeMap<DocumentId, f64>)],
    patience: &Patience,
) -> Result<Sorted> {
    let distance = distances.iter().find(|(name, _)| *name == sort.field);
    let field = index.schema().find(&sort.field);
    if distance.is_none() && field.is_none() {
        let line = format!("Property `{}` not loaded nor in schema", sort.field);
        return Err(Refusal::made(line));
    }
    let state = index.read();
    let key_of = |found: &Match| -> Option<SortKey> {
        if let Some((_, all)) = distance {
            return all.get(&found.id).map(|&d| SortKey::Number(d));
        }
        let field = field?;
        let document = state.documents.get(found.id)?;
        if let FieldValue::Numbers(numbers) = &document.values[field] {
            return numbers.first().map(|&number| SortKey::Number(number));
        }
        let definition = &index.schema().fields[field];
        let value = rows::value(view, &found.key, &definition.identifier)?;
        Some(SortKey::Text(match definition.is_unnormalized {
            true => value.to_vec(),
            false => String::from_utf8_lossy(&value).to_lowercase().into_bytes(),
        }))
    };
    let mut sorted: Sorted = documents
        .into_iter()
        .take_while(|_| !patience.ends())
        .map(|found| {
            let key = key_of(&found);
            (found, key)
        })
        .collect();
    sorted.sort_by(|one, other| match (&one.1, &other.1) {
        (Some(one), Some(other)) if sort.is_descending => order(other, one),
        (Some(one), Some(other)) => order(one, other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    });
    Ok(sorted)
}

fn order(one: &SortKey, other: &SortKey) -> Ordering {
    match (one, other) {
        (SortKey::Number(one), SortKey::Number(other)) => one.total_cmp(other),
        (SortKey::Text(one), SortKey::Text(other)) => one.cmp(other),
        (SortKey::Number(_), SortKey::Text(_)) => Ordering::Less,
        (SortKey::Text(_), SortKey::Number(_)) => Ordering::Greater,
    }
}

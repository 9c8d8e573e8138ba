//! FT.SEARCH: which documents of an index a query finds, and what is shown of them.

use super::query::tree::{FieldMask, Kind, Node, Query};
use super::query::{self, Context};
use super::rows;
use super::schema::FieldKind;
use super::search::{self, SearchRequest, SortBy};
use super::words::Words;
use super::{errors, options::Limits};
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::keyspace::documents::text::language::Language;
use crate::keyspace::documents::values::FieldValue;
use crate::keyspace::{Key, View};
use crate::search::documents::matching::Matcher;
use crate::search::documents::nearest::nearest;
use crate::search::documents::score::{Scorer, TANH_FACTOR};
use crate::search::documents::worth::Worth;
use roaring::RoaringBitmap;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

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
    class: Class::Pool,
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

/// What a search found.
pub struct Found {
    /// How many documents passed.
    pub total: usize,
    /// Those that are shown.
    pub hits: Vec<Hit>,
}

/// A document that is shown.
pub struct Hit {
    /// Its key.
    pub key: Key,
    /// What it is worth.
    pub score: f64,
    /// Distances that were asked for, by name.
    pub distances: Vec<(String, f32)>,
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
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let view = call.access.view(INDEXED_DB);
    let no_such_index =
        || Refusal::made(format!("No such index {}", String::from_utf8_lossy(name)));
    let index = view
        .keyspace()
        .indexes()
        .get(name)
        .ok_or_else(no_such_index)?;
    let request = search::read(&mut Words::new(&words), &Limits::default())?;
    let found = find(&view, &index, &request)?;
    Ok(rows::reply(
        &view,
        &index,
        &request,
        found,
        call.session.version,
    ))
}

/// Answers a request.
fn find(view: &View, index: &DocumentIndex, request: &SearchRequest) -> Result<Found> {
    let options = &request.options;
    let language = match &options.language {
        Some(name) => {
            Language::parse(name.as_bytes()).ok_or(Refusal::line(errors::NO_SUCH_LANGUAGE))?
        }
        None => index.schema().language,
    };
    let scorer = match &options.scorer {
        Some(name) => {
            Scorer::parse(name).ok_or_else(|| Refusal::made(format!("No such scorer {name}")))?
        }
        None => Scorer::default(),
    };
    let query = read_query(index, request)?;
    let state = index.read();
    let mut matcher = Matcher {
        index,
        state: &state,
        language,
        is_verbatim: options.is_verbatim,
        distances: HashMap::new(),
    };
    check_ranges(&query.root, index, &state)?;
    let mut ids = matcher.matching(&query.root);
    if let Some(keys) = &options.keys {
        ids &= keys
            .iter()
            .filter_map(|key| state.id_of(key))
            .collect::<RoaringBitmap>();
    }
    let mut distances: Vec<(String, BTreeMap<DocumentId, f32>)> = Vec::new();
    if let Some(knn) = &query.knn {
        let nearest = take_nearest(index, &state, &query, &ids, options.keys.is_some())?;
        ids = nearest.keys().copied().collect();
        distances.push((knn.distance_name.clone(), nearest));
    }
    let ranges = std::mem::take(&mut matcher.distances);
    for name in query.distance_names() {
        distances.extend(
            ranges
                .get(name)
                .map(|found| (name.to_owned(), found.clone())),
        );
    }
    let worth = Worth::new(
        &matcher,
        &query.root,
        scorer,
        options.tanh_factor.unwrap_or(TANH_FACTOR),
    );
    let is_scored = query.knn.is_none() && (request.sort.is_none() || options.with_scores);
    let score = |id| if is_scored { worth.of(id) } else { 0.0 };
    let total = ids.len() as usize;
    if options.is_count {
        let hits = Vec::new();
        return Ok(Found { total, hits });
    }
    let mut ranked: Vec<(DocumentId, f64)> = ids.iter().map(|id| (id, score(id))).collect();
    if scorer == Scorer::Bm25StdNorm {
        let best = ranked.iter().map(|(_, score)| *score).fold(0.0, f64::max);
        ranked
            .iter_mut()
            .filter(|_| best > 0.0)
            .for_each(|(_, score)| *score /= best);
    }
    let sorted = match &request.sort {
        None => {
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            ranked
                .into_iter()
                .map(|(id, score)| (id, score, None))
                .collect()
        }
        Some(sort) => sort_by(view, index, &state, ranked, sort, &distances)?,
    };
    let page = sorted
        .into_iter()
        .skip(request.offset as usize)
        .take(request.num as usize);
    let hits = page.filter_map(|(id, score, sort_key)| {
        let of_document = |(name, found): &(String, BTreeMap<DocumentId, f32>)| {
            Some((name.clone(), *found.get(&id)?))
        };
        Some(Hit {
            key: state.documents.get(&id)?.key.clone(),
            score,
            distances: distances.iter().filter_map(of_document).collect(),
            sort_key,
        })
    });
    Ok(Found {
        total,
        hits: hits.collect(),
    })
}

/// The query's tree with what the options add to it.
fn read_query(index: &DocumentIndex, request: &SearchRequest) -> Result<Query> {
    let options = &request.options;
    let schema = index.schema();
    let context = Context {
        schema,
        params: &options.params,
        stop_words: (!options.keeps_stop_words).then(|| index.stop_words()),
        dialect: options.dialect,
    };
    let mut query = query::parse(&options.query, &context)?;
    let filters = options.filters(schema)?;
    if !options.fields.is_empty() {
        let named = schema
            .text_fields()
            .filter(|(_, field)| options.fields.contains(&field.name));
        let mask = FieldMask(named.fold(0, |mask, (bit, _)| mask | bit));
        restrict(&mut query.root, mask);
    }
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

/// Words that are looked for in all fields are looked for in these.
fn restrict(node: &mut Node, mask: FieldMask) {
    if node.fields.is_all() {
        node.fields = mask;
    }
    node.children_mut()
        .iter_mut()
        .for_each(|child| restrict(child, mask));
}

/// Vectors of ranges are checked once something was indexed in their field.
fn check_ranges(node: &Node, index: &DocumentIndex, state: &State) -> Result<()> {
    if let Kind::VectorRange(range) = &node.kind
        && let FieldKind::Vector(attributes) = &index.schema().fields[range.field].kind
        && !state.fields[range.field].present.is_empty()
    {
        range.check(attributes)?;
    }
    node.children()
        .iter()
        .try_for_each(|child| check_ranges(child, index, state))
}

fn take_nearest(
    index: &DocumentIndex,
    state: &State,
    query: &Query,
    ids: &RoaringBitmap,
    has_keys: bool,
) -> Result<BTreeMap<DocumentId, f32>> {
    let Some(knn) = &query.knn else {
        return Ok(BTreeMap::new());
    };
    let FieldKind::Vector(attributes) = &index.schema().fields[knn.field].kind else {
        return Ok(BTreeMap::new());
    };
    if state.fields[knn.field].present.is_empty() {
        return Ok(BTreeMap::new());
    }
    let is_filtered = has_keys || query.root.kind != Kind::All;
    let parameters = knn.check(attributes, query.root.kind != Kind::All)?;
    let ef = parameters.ef_runtime.or(match &attributes.algorithm {
        super::schema::Algorithm::Hnsw(hnsw) => hnsw.ef_runtime,
        _ => None,
    });
    Ok(nearest((index, state), knn, ef, is_filtered.then_some(ids)))
}

type Sorted = Vec<(DocumentId, f64, Option<SortKey>)>;

/// By a distance, a field or a part of the document; documents without it come last, equal ones in the order of indexing.
fn sort_by(
    view: &View,
    index: &DocumentIndex,
    state: &State,
    ranked: Vec<(DocumentId, f64)>,
    sort: &SortBy,
    distances: &[(String, BTreeMap<DocumentId, f32>)],
) -> Result<Sorted> {
    let distance = distances.iter().find(|(name, _)| *name == sort.field);
    let field = index.schema().find(&sort.field);
    let is_known = distance.is_some() || field.is_some();
    if !is_known {
        let line = format!("Property `{}` not loaded nor in schema", sort.field);
        return Err(Refusal::made(line));
    }
    let key_of = |id: DocumentId| -> Option<SortKey> {
        if let Some((_, found)) = distance {
            return found.get(&id).map(|&d| SortKey::Number(f64::from(d)));
        }
        let document = state.documents.get(&id)?;
        let field = field?;
        if let FieldValue::Numbers(numbers) = &document.values[field] {
            return numbers.first().map(|&number| SortKey::Number(number));
        }
        let definition = &index.schema().fields[field];
        let value = rows::value(view, &document.key, &definition.identifier)?;
        Some(SortKey::Text(match definition.is_unnormalized {
            true => value.to_vec(),
            false => String::from_utf8_lossy(&value).to_lowercase().into_bytes(),
        }))
    };
    let mut sorted: Sorted = ranked
        .into_iter()
        .map(|(id, score)| (id, score, key_of(id)))
        .collect();
    sorted.sort_by(|a, b| match (&a.2, &b.2) {
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

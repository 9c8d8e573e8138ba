//! FT.SEARCH: the documents of one page of those that a query finds.

use super::arguments;
use super::cost;
use super::deadline::{deadline, warn_of_time};
use super::find::{self, Ground, Observer, Passed, find};
use super::options::{Options, Returned};
use super::rows;
use super::schema::Schema;
use super::search::{self, SearchRequest};
use super::sorting::{self, SortKey};
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::table::{COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::keyspace::Key;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::Document;
use crate::search::documents::patience::Patience;
use crate::search::documents::reasons::Reasons;
use bytes::Bytes;
use smallvec::SmallVec;

/// `FT.SEARCH index query [option ...]`
pub const SEARCH: Command = Command {
    name: "FT.SEARCH",
    summary: "Searches an index for documents.",
    group: Group::Search,
    since: "1.0.0",
    complexity: "O(N), N the number of documents that pass; a KNN alone takes a walk through its graph",
    args: arguments::SEARCH,
    flags: flags(&[Flags::READONLY]),
    class: Class::Begun,
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

/// What is shown of a search.
pub struct Page {
    /// How many documents passed.
    pub total: usize,
    /// Those that are shown.
    pub hits: Vec<Hit>,
    /// The names of distances that were asked for.
    pub distances: Vec<String>,
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
    /// Its distances, in the order of their names.
    pub distances: SmallVec<[Option<f64>; 1]>,
    /// What it was sorted by.
    pub sort_key: Option<SortKey>,
}

fn run(call: &mut Call) -> Result {
    let name = call.args.word()?;
    answer(call, name, &mut ())
}

/// Answers the words that are left.
pub fn answer(call: &mut Call, name: &[u8], observer: &mut dyn Observer) -> Result {
    let (ground, request) = find::begin(call, name, search::read)?;
    let is_late = deadline(&request.options, &ground.limits);
    let patience = Patience::new(&is_late);
    let asked = find::ask(&ground, &request.options, observer)?;
    // Who only counts is not asked what is sorted by.
    if let Some(sort) = request.sort.as_ref().filter(|_| request.num > 0) {
        let distances = asked.query.distance_names();
        sorting::check(ground.index.schema(), sort, &distances)?;
    }
    let page = find(
        &ground,
        &request.options,
        &asked,
        cost::passed_cost(&ground.index, &request),
        &patience,
        observer,
        |passed, observer| {
            if passed.is_nearest && request.sort.is_none() {
                tell_of_order(&ground);
            }
            let page = Page::of(&ground, &request, passed, observer)?;
            if !ground.is_waited_for {
                return Ok(page);
            }
            let us = cost::loading_us(&ground, &request, &page);
            match Delay::of(us).filter(|_| us > cost::LOADING_US_MAX) {
                Some(delay) => Err(ground.not_here(delay)),
                None => Ok(page),
            }
        },
    );
    let mut page = page?;
    warn_of_time(&patience, &ground.limits, &mut page.warnings)?;
    let reply = rows::reply(&ground.view, &ground.index, &request, &page, ground.version);
    if loads(&request, ground.index.schema()) {
        observer.passed("Loader", page.hits.len());
    }
    Ok(reply)
}

/// Whether documents are read for what is shown of them: what an index keeps for sorting as it is written need not be.
fn loads(request: &SearchRequest, schema: &Schema) -> bool {
    let is_kept = |returned: &Returned| {
        let field = schema.find(&returned.identifier);
        let field = field.map(|at| &schema.fields[at]);
        field.is_some_and(|field| field.is_sortable && field.is_unnormalized)
    };
    match &request.options.returned {
        _ if request.options.is_without_content => false,
        Some(returned) => !returned.iter().all(is_kept),
        None => true,
    }
}

/// Tells the log, once per index, what surprises many.
fn tell_of_order(ground: &Ground) {
    if ground.index.usage().takes_notice_of_order() {
        tracing::info!(
            "index {}: a KNN without SORTBY answers in the order of indexing, as RediSearch does; SORTBY its distance gives the nearest first",
            String::from_utf8_lossy(ground.index.name())
        );
    }
}

impl Page {
    /// What LIMIT says of the documents that passed. Keys and all that goes with them are looked up for these alone.
    fn of(
        ground: &Ground,
        request: &SearchRequest,
        passed: Passed,
        observer: &mut dyn Observer,
    ) -> Result<Page> {
        let total = passed.ids.len() as usize;
        observer.passed("Index", total);
        let end = (request.offset + request.num) as usize;
        // Whoever does not count looks no further than what is shown.
        let counts = request.options.counts;
        let is_counted = counts.unwrap_or(request.options.dialect < 4);
        let mut page = Page {
            total: if is_counted { total } else { total.min(end) },
            hits: Vec::new(),
            distances: passed
                .distances
                .iter()
                .map(|(name, _)| name.clone())
                .collect(),
            warnings: passed.warnings.clone(),
        };
        if end == 0 {
            observer.passed("Counter", 1);
            return Ok(page);
        }
        if !passed.distances.is_empty() {
            observer.passed("Metrics Applier", total);
        }
        let mut first: Vec<(DocumentId, Option<SortKey>)> = match &request.sort {
            None if !is_counted && !passed.has_words() => {
                passed.ids.iter().take(end).map(|id| (id, None)).collect()
            }
            None => sorting::by_score(&passed, end, observer),
            Some(sort) => sorting::by_field(ground, &passed, sort, end, request.options.listing()),
        };
        observer.passed("Sorter", first.len());
        first.drain(..(request.offset as usize).min(first.len()));
        // Documents lie anywhere: all are asked for before the first is read.
        let asked_for = |(id, _): &(DocumentId, _)| passed.state.documents.get(*id);
        let documents = first.iter().filter_map(asked_for);
        documents.for_each(Document::prefetch);
        let shown = first.into_iter();
        let hits = shown.filter_map(|(id, sort_key)| hit(&passed, &request.options, id, sort_key));
        page.hits = hits.collect();
        if request.sort.is_some() && request.options.with_scores {
            observer.passed("Scorer", page.hits.len());
        }
        Ok(page)
    }
}

fn hit(
    passed: &Passed,
    options: &Options,
    id: DocumentId,
    sort_key: Option<SortKey>,
) -> Option<Hit> {
    let document = passed.state.documents.get(id)?;
    let named = passed.distances.iter();
    let distances = named.map(|(_, all)| all.get(id));
    let reasons = match options.explains_scores {
        true => Some(Box::new(passed.reasons(id))),
        false => None,
    };
    Some(Hit {
        key: document.key().into(),
        score: if options.with_scores {
            passed.score(id)
        } else {
            0.0
        },
        reasons,
        payload: match options.with_payloads {
            true => passed.state.payload(id).cloned(),
            false => None,
        },
        distances: distances.collect(),
        sort_key,
    })
}

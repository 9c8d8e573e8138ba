//! Which documents of an index a query finds: what FT.SEARCH, FT.AGGREGATE and FT.PROFILE have in common.

use super::characters::{may_be_parted, part_words};
use super::cost::given_ef;
use super::deadline::EXPANSIONS;
use super::errors;
use super::expression;
use super::indexes::find_index;
use super::options::{Limits, Options, RequestError};
use super::ordering::check_order;
use super::query;
use super::query::tree::{FieldMask, Kind, Node, Query, VectorRange};
use super::query::vector::Policy;
use super::rows;
use super::schema::{Algorithm, FieldKind, Schema};
use super::words::Words;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::Delay;
use crate::commands::{Call, Context};
use crate::engine;
use crate::keyspace::View;
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::keyspace::documents::shape::Shape;
use crate::keyspace::documents::text::language::Language;
use crate::keyspace::documents::turns::Turn;
use crate::keyspace::documents::values;
use crate::protocol::Version;
use crate::search::documents;
use crate::search::documents::cost::{PassedCost, predict_us};
use crate::search::documents::distances::Distances;
use crate::search::documents::matching::Matcher;
use crate::search::documents::patience::Patience;
use crate::search::documents::reasons::Reasons;
use crate::search::documents::run::{Explanation, NearestQuestion, Question};
use crate::search::documents::score::Scorer;
use crate::search::documents::worth::Worth;
use roaring::RoaringBitmap;
use std::cell::OnceCell;
use std::sync::Arc;

/// A longer query takes too long to be read where others wait for the thread.
const QUICK_QUERY_BYTES_MAX: usize = 1024;

/// What a query command works on.
pub struct Ground<'a> {
    /// What all commands share.
    pub context: &'a Context,
    /// The documents.
    pub view: View<'a>,
    /// The index that it names.
    pub index: Arc<DocumentIndex>,
    /// What the configuration says.
    pub limits: Limits,
    /// Which protocol the client speaks.
    pub version: Version,
    /// Whether other connections wait for this thread: what would take long is refused here.
    pub is_waited_for: bool,
    /// Whether others wait for this thread that take a few milliseconds: what turns out to take longer is refused.
    pub is_brief: bool,
    /// Whether keys are locked meanwhile, by a transaction.
    pub holds_keys: bool,
    /// What it is refused for at least, where nobody knows before what all of it takes.
    pub delay_min: Option<Delay>,
}

impl Ground<'_> {
    /// The command is begun again elsewhere, as if it had not been here.
    pub fn not_here(&self, delay: Delay) -> Refusal {
        self.index.usage().take_back();
        Refusal::NotHere(delay)
    }
}

/// Who watches a query while it runs (FT.PROFILE).
pub trait Observer {
    /// The query was read and checked.
    fn parsed(&mut self) {}

    /// The search for what passes begins.
    fn begun(&mut self) {}

    /// It was found out what passes. `keys`: how many were named by INKEYS.
    fn matched(&mut self, _: &mut Matcher, _: &Query, _keys: Option<usize>, _: &Explanation) {}

    /// So many rows came through a step, which ends here.
    fn passed(&mut self, _step: &str, _rows: usize) {}
}

impl Observer for () {}

/// Reads the words that are left of a query command, with `read`, once its index is known.
pub fn begin<'a, R>(
    call: &mut Call<'a>,
    index: &[u8],
    read: fn(&mut Words, &Limits) -> std::result::Result<R, RequestError>,
) -> Result<(Ground<'a>, R)> {
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let view = call.access.view(INDEXED_DB);
    let ground = Ground {
        context: call.context,
        index: find_index(&view, index)?,
        limits: Limits::of(&call.context.config),
        version: call.session.version,
        is_waited_for: call.access.patience() == engine::Patience::Try,
        is_brief: call.access.patience() == engine::Patience::Brief,
        holds_keys: call.access.is_in_transaction(),
        delay_min: None,
        view,
    };
    let request = read(&mut Words::of_query(&words), &ground.limits)?;
    Ok((ground, request))
}

/// The documents that a query finds, while nobody alters the index.
pub struct Passed<'p> {
    /// The index's postings.
    pub state: &'p State,
    /// The documents, in the order of indexing.
    pub ids: RoaringBitmap,
    /// Distances, by their names; the KNN's first.
    pub distances: Vec<(String, Distances)>,
    /// Whether the documents are the nearest to a vector.
    pub is_nearest: bool,
    /// What clients should know of it.
    pub warnings: Vec<&'static str>,
    /// How long the query may take.
    pub patience: &'p Patience<'p>,
    worth: Worth<'p>,
    /// The best score of all, where scores are shares of it (BM25STD.NORM).
    best: OnceCell<f64>,
    is_share: bool,
}

impl Passed<'_> {
    /// Whether every document is worth nothing.
    pub fn is_unscored(&self) -> bool {
        self.worth.is_nothing()
    }

    /// Whether the query asks for words.
    pub fn has_words(&self) -> bool {
        self.worth.has_words()
    }

    /// All documents with what they are worth; as many as there is time for.
    pub fn scored(&self) -> Vec<(f64, DocumentId)> {
        let in_time = self.ids.iter().take_while(|_| !self.patience.ends());
        in_time.map(|id| (self.score(id), id)).collect()
    }

    /// What a document is worth.
    pub fn score(&self, id: DocumentId) -> f64 {
        match self.worth.is_nothing() {
            true => 0.0,
            false => self.worth.of(id) / self.divisor(),
        }
    }

    /// Where the score of a document comes from.
    pub fn reasons(&self, id: DocumentId) -> Reasons {
        let (_, reasons) = self.worth.explain(id);
        let best = match self.is_share {
            true => self.divisor(),
            false => reasons.best,
        };
        Reasons { best, ..reasons }
    }

    /// The words and tags that make a document pass.
    pub fn terms(&self, id: DocumentId) -> Vec<String> {
        self.worth.terms(id, expression::MATCHED_TERMS_MAX)
    }

    fn divisor(&self) -> f64 {
        if !self.is_share {
            return 1.0;
        }
        *self.best.get_or_init(|| {
            let in_time = self.ids.iter().take_while(|_| !self.patience.ends());
            let best = in_time.map(|id| self.worth.of(id)).fold(0.0, f64::max);
            if best > 0.0 { best } else { 1.0 }
        })
    }

    /// The distances of that name.
    pub fn distances(&self, name: &str) -> Option<&Distances> {
        let mut all = self.distances.iter();
        all.find(|(known, _)| known == name).map(|(_, all)| all)
    }
}

/// What is asked: a query that was read and checked, with what options say of it.
pub struct Asked {
    /// The query.
    pub query: Query,
    language: Language,
    scorer: Scorer,
}

/// Reads and checks a query.
pub fn ask(ground: &Ground, options: &Options, observer: &mut dyn Observer) -> Result<Asked> {
    let index = &ground.index;
    let language = language(options, index)?;
    let scorer = scorer(options, &ground.limits)?;
    rows::check_format(options, index.schema(), ground.version)?;
    if ground.is_waited_for && options.query.len() > QUICK_QUERY_BYTES_MAX {
        return Err(ground.not_here(Delay::Long));
    }
    index.usage().note_dialect(options.dialect);
    let query = read_query(index, options, language)?;
    check_vectors(index, &query)?;
    observer.parsed();
    Ok(Asked {
        query,
        language,
        scorer,
    })
}

/// Finds documents, and lets `take` look at them while they cannot change, which may find that this is not the place; `passed_cost` is what it does there.
pub fn find<T>(
    ground: &Ground,
    options: &Options,
    asked: &Asked,
    passed_cost: PassedCost,
    patience: &Patience,
    observer: &mut dyn Observer,
    take: impl FnOnce(Passed, &mut dyn Observer) -> Result<T>,
) -> Result<T> {
    let Asked {
        ref query,
        language,
        scorer,
    } = *asked;
    let index = &ground.index;
    let mut question = question(ground, options, query, language, patience)?;
    let delay = match predict_us(index, &question, passed_cost, !ground.is_waited_for) {
        Some(us) => Delay::of(us).or(ground.delay_min),
        // A writer is in there, for a moment: it is seen elsewhere what it takes.
        None => Some(Delay::Brief),
    };
    question.turn = match delay {
        Some(delay) if ground.is_waited_for => return Err(ground.not_here(delay)),
        Some(Delay::Long) if ground.is_brief => return Err(ground.not_here(Delay::Long)),
        Some(Delay::Long) if !ground.holds_keys => Turn::InTurn,
        Some(_) => Turn::Soon,
        None => Turn::AtOnce,
    };
    let tanh_factor = options.tanh_factor.unwrap_or(ground.limits.tanh_factor);
    let payload = options.payload.as_deref().unwrap_or_default();
    observer.begun();
    let found = documents::run::run(index, &question, |matcher, found| {
        let keys = options.keys.as_ref().map(Vec::len);
        observer.matched(matcher, query, keys, &found.explanation);
        let given = (tanh_factor, payload);
        let conditions = (&query.root, query.knn.is_some(), options.keys.is_some());
        let worth = Worth::new(matcher, conditions, scorer, given, options.tells_terms);
        let passed = Passed {
            state: matcher.state,
            ids: found.ids,
            distances: named(query, found.distances),
            is_nearest: query.knn.is_some(),
            warnings: Vec::from_iter(found.is_cut.then_some(EXPANSIONS)),
            patience,
            worth,
            best: OnceCell::new(),
            is_share: scorer == Scorer::Bm25StdNorm,
        };
        take(passed, observer)
    })?;
    if let Some(nearest) = &question.knn {
        remember(ground.context, index, nearest);
    }
    Ok(found)
}

fn question<'q>(
    ground: &Ground,
    options: &'q Options,
    query: &'q Query,
    language: Language,
    patience: &'q Patience<'q>,
) -> Result<Question<'q>> {
    let index = &ground.index;
    let mut ranges = Vec::new();
    collect_ranges(&query.root, index, &mut ranges)?;
    Ok(Question {
        root: &query.root,
        knn: nearest_question(index, query, options.keys.is_some())?,
        ranges,
        keys: options.keys.as_deref(),
        language,
        expansion: options.expansion(),
        parts: ground.limits.parts,
        patience,
        turn: Turn::InTurn,
    })
}

pub fn language(options: &Options, index: &DocumentIndex) -> Result<Language> {
    let Some(name) = &options.language else {
        return Ok(index.schema().language);
    };
    Language::parse(name.as_bytes()).ok_or(Refusal::line(errors::NO_SUCH_LANGUAGE))
}

pub fn scorer(options: &Options, limits: &Limits) -> Result<Scorer> {
    let Some(name) = &options.scorer else {
        return Ok(limits.scorer);
    };
    Scorer::parse(name).ok_or_else(|| Refusal::made(format!("No such scorer {name}")))
}

/// Distances under all names that the query has for some: where nothing was found there is a distance to sort by all the same.
fn named(query: &Query, mut found: Vec<(String, Distances)>) -> Vec<(String, Distances)> {
    let names = query.distance_names().into_iter();
    let of_name = |name: &str| {
        let at = found.iter().position(|(known, _)| known == name);
        at.map_or_else(
            || (name.to_owned(), Distances::default()),
            |at| found.swap_remove(at),
        )
    };
    names.map(of_name).collect()
}

/// The query's tree, its words in a language, with what the options add to it.
pub fn read_query(index: &DocumentIndex, options: &Options, language: Language) -> Result<Query> {
    let schema = index.schema();
    let context = query::Context {
        schema,
        params: &options.params,
        stop_words: (!options.keeps_stop_words).then(|| index.stop_words()),
        dialect: options.dialect,
    };
    let mut query = query::parse(&options.query, &context)?;
    check_shapes(&query.root)?;
    if options.expansion().by_sound {
        check_sounds(&query.root, schema)?;
    }
    let filters = options.filters(schema)?;
    for filter in &filters {
        query::check::check_filter(filter, schema)?;
    }
    if !options.fields.is_empty() {
        let named = schema
            .text_fields()
            .filter(|(_, field)| options.fields.contains(&field.name));
        let mask = FieldMask(named.fold(0, |mask, (bit, _)| mask | bit));
        restrict(&mut query.root, mask);
    }
    let is_ordered = options.is_in_order || options.slop.is_some_and(|slop| slop >= 0);
    check_order(&query.root, schema, is_ordered)?;
    // Keys and filters stand beside a query in a conjunction, which asks in all fields where the query is none itself.
    let is_beside = options.keys.is_some() || !filters.is_empty();
    if is_beside && !matches!(query.root.kind, Kind::And(_) | Kind::Phrase(_)) {
        let joined = Node::new(Kind::And(vec![Node::new(Kind::All)]));
        check_order(&joined, schema, is_ordered)?;
    }
    let slop = options.slop.and_then(|slop| u32::try_from(slop).ok());
    order(&mut query.root, slop, options.is_in_order);
    if may_be_parted(language, schema) {
        part_words(&mut query.root, index.stop_words());
    }
    if !filters.is_empty() {
        // Everything is no condition that a filter is added to, and is worth nothing beside it.
        let asked = (query.root.kind != Kind::All).then_some(query.root);
        let mut all: Vec<Node> = asked.into_iter().chain(filters).collect();
        query.root = match all.len() {
            1 => all.remove(0),
            _ => Node::new(Kind::And(all)),
        };
    }
    Ok(query)
}

/// SLOP holds for every conjunction of a query that does not say otherwise, INORDER for all of them.
fn order(node: &mut Node, slop: Option<u32>, is_in_order: bool) {
    if let Kind::And(_) = node.kind {
        node.options.slop = node.options.slop.or(slop);
        if is_in_order {
            node.options.in_order = Some(true);
        }
    }
    let parts = node.children_mut().iter_mut();
    parts.for_each(|part| order(part, slop, is_in_order));
}

/// Whoever says that sounds count, or not, asks in fields that go by them.
fn check_sounds(node: &Node, schema: &Schema) -> Result<()> {
    let is_asked = matches!(node.kind, Kind::Word(_)) && node.options.phonetic.is_some();
    if is_asked && schema.phonetic_fields() & node.fields.0 == 0 {
        return Err(Refusal::line("field does not support phonetics"));
    }
    let mut parts = node.children().iter();
    parts.try_for_each(|part| check_sounds(part, schema))
}

/// Texts of shapes must be shapes.
fn check_shapes(node: &Node) -> Result<()> {
    if let Kind::Geoshape { wkt, .. } = &node.kind {
        Shape::parse(wkt)
            .map_err(|why| Refusal::made(format!("Error querying geoshape index: {why}")))?;
    }
    node.children().iter().try_for_each(check_shapes)
}

/// Words are looked for in these fields alone.
fn restrict(node: &mut Node, mask: FieldMask) {
    node.fields.0 &= mask.0;
    node.children_mut()
        .iter_mut()
        .for_each(|child| restrict(child, mask));
}

/// Whether the vectors of a query and what is said of searching for them fit their fields, and their distances have names of their own.
pub fn check_vectors(index: &DocumentIndex, query: &Query) -> Result<()> {
    collect_ranges(&query.root, index, &mut Vec::new())?;
    if let Some(knn) = &query.knn
        && let FieldKind::Vector(attributes) = &index.schema().fields[knn.field].kind
        && index.holds(knn.field)
    {
        knn.check(attributes, query.root.kind != Kind::All)?;
    }
    query::check::check_names(query, index.schema())?;
    Ok(())
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
    }
    Ok(Some(question))
}

/// Lets what is asked teach how many candidates searches of the field need.
fn remember(context: &Context, index: &Arc<DocumentIndex>, asked: &NearestQuestion) {
    let knn = asked.knn;
    let kind = &index.schema().fields[knn.field].kind;
    let FieldKind::Vector(attributes) = kind else {
        return;
    };
    if !index.holds(knn.field) {
        return;
    }
    let calibration = index.calibration(knn.field);
    if asked.ef.is_none() {
        context.calibrator.add(calibration, index);
    }
    if context.config.calibration_remember_queries()
        && let Ok(vector) = values::vector(&knn.target.blob, attributes)
    {
        calibration.note(&vector);
    }
}

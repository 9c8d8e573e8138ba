//! Runs a query for documents: vectors within radii, then who passes its conditions, then the nearest of these. Only the conditions
//! are answered under the lock of the postings; graphs are walked and vectors compared without it, so that writers go on.
//!
//! What was found without the lock is made into documents under it. Where that shows that somebody was written meanwhile whose
//! place in the answer nobody else was looked for, everything is done again, a few times; the last time writers wait.

use super::distances::Distances;
use super::effort::FieldVectors;
use super::filters;
use super::matching::Matcher;
use super::nearest::{Manner, NearestSearch};
use super::patience::Patience;
use super::pattern::PartLimits;
use super::sought::Expansion;
use super::tree::{Knn, Node, VectorRange};
use super::within::{Within, WithinSearch};
use crate::index::Target;
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::keyspace::documents::schema::FieldKind;
use crate::keyspace::documents::text::language::Language;
use crate::keyspace::documents::turns::{Reading, Turn};
use crate::keyspace::documents::values;
use crate::search::follow::Course;
use crate::shared_bytes::SharedBytes;
use crossbeam_epoch as epoch;
use roaring::RoaringBitmap;

/// How often a query is asked again because what it found changed meanwhile.
const TORN_MAX: usize = 4;

/// A query that was checked, and how it is meant.
pub struct Question<'q> {
    /// Which documents pass.
    pub root: &'q Node,
    /// The nearest of these.
    pub knn: Option<NearestQuestion<'q>>,
    /// The radii in `root`, each with how far beyond it a search looks, if that was said.
    pub ranges: Vec<(&'q VectorRange, Option<f64>)>,
    /// No other documents than those of these keys.
    pub keys: Option<&'q [Vec<u8>]>,
    /// The language of the query's words.
    pub language: Language,
    /// What its words stand for beside themselves.
    pub expansion: Expansion,
    /// What bounds parts of words.
    pub parts: PartLimits,
    /// How long matching may take.
    pub patience: &'q Patience<'q>,
    /// How it takes the postings.
    pub turn: Turn,
}

/// A KNN, and how it is meant.
pub struct NearestQuestion<'q> {
    /// For what.
    pub knn: &'q Knn,
    /// Candidates, if somebody said how many.
    pub ef: Option<usize>,
    /// Whether all that pass are compared.
    pub is_exact: bool,
    /// Whether there are conditions beside it.
    pub is_filtered: bool,
}

/// What was found, while the postings are held.
pub struct Found {
    /// The documents.
    pub ids: RoaringBitmap,
    /// Distances, by their names: the KNN's, and those of radii that have one.
    pub distances: Vec<(String, Distances)>,
    /// Whether a part of a word stands for more words than were taken.
    pub is_cut: bool,
    /// How.
    pub explanation: Explanation,
}

/// How a query was answered.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Documents that passed the conditions, before the nearest were taken.
    pub passed: u64,
    /// The nearest that were found.
    pub found: usize,
    /// The search for the nearest: how, and the candidates of its walk.
    pub nearest: Option<(Course, usize)>,
    /// The searches within radii, in the query's order.
    pub ranges: Vec<Course>,
    /// How often it was asked again.
    pub repeats: usize,
}

/// Answers a question; `take` gets what was found while it cannot change.
pub fn run<T>(
    index: &DocumentIndex,
    question: &Question,
    take: impl FnOnce(&mut Matcher, Found) -> T,
) -> T {
    let run = Run::new(index, question);
    // Every slot that is seen from here on keeps its vector.
    let _pin = epoch::pin();
    let mut repeats = 0;
    // The postings, through the last attempt.
    let mut held = None;
    loop {
        if repeats == TORN_MAX {
            held = Some(index.read_in(question.turn));
        }
        let within = run.within();
        let turn = match held {
            Some(_) => Turn::AtOnce,
            None => question.turn,
        };
        let (state, mut found, is_torn) = run.attempt(&within, turn);
        if is_torn && repeats < TORN_MAX && !question.patience.is_over() {
            repeats += 1;
            continue;
        }
        found.explanation.repeats = repeats;
        let mut matcher = Matcher::new(index, &state, question, &within);
        return take(&mut matcher, found);
    }
}

/// A question with its searches.
struct Run<'a> {
    index: &'a DocumentIndex,
    question: &'a Question<'a>,
    ranges: Vec<(FieldVectors<'a>, WithinSearch<'a>)>,
    nearest: Option<(FieldVectors<'a>, Target, Manner<'a>)>,
}

impl<'a> Run<'a> {
    fn new(index: &'a DocumentIndex, question: &'a Question<'a>) -> Run<'a> {
        let ranges = question.ranges.iter().filter_map(|(range, epsilon)| {
            let (field, target) = aim(index, range.field, &range.target.blob)?;
            let search = WithinSearch {
                range,
                epsilon: *epsilon,
                vectors: field.vectors(),
                target,
            };
            Some((field, search))
        });
        let nearest = question.knn.as_ref().and_then(|asked| {
            let (field, target) = aim(index, asked.knn.field, &asked.knn.target.blob)?;
            let manner = Manner {
                k: asked.knn.k,
                ef: asked.ef.unwrap_or_else(|| field.knn_ef(asked.knn.k)),
                is_exact: asked.is_exact,
                patience: question.patience,
            };
            Some((field, target, manner))
        });
        Run {
            index,
            question,
            ranges: ranges.collect(),
            nearest,
        }
    }

    /// What is within the radii.
    fn within(&self) -> Vec<Within<'_>> {
        if self.ranges.is_empty() {
            return Vec::new();
        }
        let newer = self.index.read_in(Turn::AtOnce).next_id;
        let ranges = self.ranges.iter();
        ranges.map(|(field, it)| it.run(field, newer)).collect()
    }

    /// What there is to find now, and whether it is torn.
    fn attempt(&'a self, within: &[Within], turn: Turn) -> (Reading<'a, State>, Found, bool) {
        let state = self.index.read_in(turn);
        let mut matcher = Matcher::new(self.index, &state, self.question, within);
        let knn = self.question.knn.as_ref();
        // Where everybody passes that is known without listing them.
        let filtered = knn.filter(|asked| asked.is_filtered);
        let passing = filtered.map(|asked| filters::passing(self.question, asked, &mut matcher));
        let ids = match knn {
            Some(_) => RoaringBitmap::new(),
            None => matcher.passing(self.question),
        };
        let passed = match (&passing, knn) {
            (Some(passing), _) => passing.passed,
            (None, Some(_)) => state.all.len(),
            (None, None) => ids.len(),
        };
        let is_torn = matcher.is_torn;
        let mut found = Found {
            distances: std::mem::take(&mut matcher.distances),
            is_cut: matcher.is_cut.get(),
            explanation: Explanation {
                passed,
                ranges: within.iter().map(|within| within.course).collect(),
                ..Explanation::default()
            },
            ids,
        };
        let (Some(asked), Some((field, target, manner))) = (knn, &self.nearest) else {
            return (state, found, is_torn);
        };
        let aim = (asked.knn.field, field.vectors(), target);
        let search = NearestSearch::new(self.index, &state, aim, *manner, passing, turn);
        drop(state);
        let (nearest, state) = search.run();
        found.explanation.nearest = Some((nearest.course, manner.ef));
        found.explanation.found = nearest.found.len();
        found.ids = nearest.found.ids().collect();
        let name = asked.knn.distance_name.clone();
        found.distances.push((name, nearest.found));
        (state, found, is_torn || nearest.is_torn)
    }
}

/// The field's vectors and the target that a packed vector is; none where nothing can be found.
fn aim<'a>(
    index: &'a DocumentIndex,
    field: usize,
    blob: &[u8],
) -> Option<(FieldVectors<'a>, Target)> {
    let FieldKind::Vector(attributes) = &index.schema().fields[field].kind else {
        return None;
    };
    let vector = values::vector(blob, attributes).ok()?;
    let field = FieldVectors::of(index, field)?;
    field.vectors().check_vector(&vector).ok()?;
    let packed = SharedBytes::from(blob);
    let target = field.vectors().target_packed(&packed, &vector);
    Some((field, target))
}

//! About how long a question will take, by how many documents its conditions name, before any of them is answered. It decides which thread
//! answers, so the order of magnitude is enough; where nothing bounds a condition, all documents do.

use super::effort::FieldVectors;
use super::matching::Matcher;
use super::run::{NearestQuestion, Question};
use super::tree::{Kind, Node, TagValue};
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::search::plan;
use roaring::RoaringBitmap;

/// A document in a set that is copied or joined with another, in nanoseconds.
const SET_NS: f64 = 0.2;
/// A document in a set that is put together from many.
const JOINED_NS: f64 = 5.0;
/// Looking up a word with its stems, or a tag.
const LOOK_UP_NS: f64 = 500.0;
/// A document in the postings of a word.
const POSTING_NS: f64 = 15.0;
/// Looking where the words of a document stand.
const PLACES_NS: f64 = 1_000.0;
/// Passing over a document on the way to a page.
const SKIPPED_NS: f64 = 60.0;
/// Comparing a word or a tag with a pattern.
const PATTERN_NS: f64 = 50.0;
/// Comparing a point with a circle.
const POINT_NS: f64 = 50.0;
/// Comparing a shape with another.
const SHAPE_NS: f64 = 2_000.0;

/// What a condition takes and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Weight {
    /// Nanoseconds.
    ns: f64,
    /// Documents that pass, at most.
    documents: f64,
}

/// What is done with documents that passed, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Toll {
    /// With each and for each word or tag, as these say what it is worth.
    pub scored_ns: f64,
    /// With each in any case.
    pub each_ns: f64,
    /// Documents that are passed over before the first that is shown.
    pub skipped: f64,
    /// Documents that are shown in the end, at most.
    pub shown: f64,
    /// With each of these.
    pub shown_ns: f64,
}

/// Microseconds that a question takes, with what is done with its documents.
pub fn predict_us(index: &DocumentIndex, question: &Question, toll: Toll) -> u64 {
    let state = index.read_as(false);
    let weigher = Weigher {
        matcher: Matcher::new(index, &state, question, &[]),
        state: &state,
    };
    let conditions = weigher.weigh(question.root);
    let (nearest_ns, passing) = match &question.knn {
        Some(asked) => (
            weigher.nearest_ns(index, asked, conditions.documents),
            asked.knn.k as f64,
        ),
        None => (0.0, f64::INFINITY),
    };
    let keys = question
        .keys
        .map_or(f64::INFINITY, |keys| keys.len() as f64);
    let documents = conditions.documents.min(passing).min(keys);
    let each_ns = toll.each_ns + toll.scored_ns * scored(question.root) as f64;
    let toll_ns = each_ns * documents
        + SKIPPED_NS * documents.min(toll.skipped)
        + toll.shown_ns * documents.min(toll.shown);
    let ns = conditions.ns + nearest_ns + toll_ns;
    (ns / 1000.0) as u64
}

/// Words and tags that a document is worth something for; `*` counts as one.
fn scored(node: &Node) -> usize {
    let own = match &node.kind {
        Kind::All | Kind::Word(_) | Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => 1,
        Kind::Phrase(words) => words.len(),
        Kind::Tag { values, .. } => values.len(),
        _ => 0,
    };
    own + node.children().iter().map(scored).sum::<usize>()
}

struct Weigher<'a> {
    matcher: Matcher<'a>,
    state: &'a State,
}

impl Weigher<'_> {
    fn all(&self) -> f64 {
        self.state.documents.len() as f64
    }

    /// Every document, for so many nanoseconds each.
    fn everybody(&self, each_ns: f64) -> Weight {
        Weight {
            ns: self.all() * each_ns,
            documents: self.all(),
        }
    }

    fn weigh(&self, node: &Node) -> Weight {
        match &node.kind {
            Kind::Nothing => Weight::default(),
            Kind::All | Kind::Missing { .. } => self.everybody(SET_NS),
            Kind::And(nodes) => self.all_of(nodes, node),
            Kind::Or(nodes) => {
                nodes
                    .iter()
                    .map(|node| self.weigh(node))
                    .fold(Weight::default(), |sum, one| Weight {
                        ns: sum.ns + one.ns + one.documents * SET_NS,
                        documents: (sum.documents + one.documents).min(self.all()),
                    })
            }
            Kind::Not(inner) | Kind::Optional(inner) => {
                let inner = self.weigh(inner);
                Weight {
                    ns: inner.ns + self.all() * SET_NS,
                    documents: self.all(),
                }
            }
            Kind::Word(_) => self.holding(self.matcher.words_of(node).iter().map(|one| &*one.word)),
            Kind::Phrase(words) => {
                let each = words.iter().map(|word| self.holding([&**word].into_iter()));
                let all = each.fold(self.everybody(0.0), with);
                Weight {
                    ns: all.ns + all.documents * PLACES_NS,
                    ..all
                }
            }
            Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => {
                let all = self.everybody(POSTING_NS);
                Weight {
                    ns: all.ns + self.state.words.len() as f64 * PATTERN_NS,
                    ..all
                }
            }
            Kind::Tag { field, values } => self.tagged(*field, values),
            Kind::Numeric(range) => {
                let (min, max) = range.bounds();
                let documents = self.state.fields[range.field].numbers.count(min, max);
                self.some(documents as f64, JOINED_NS)
            }
            Kind::Geo(circle) => {
                let points = self.state.fields[circle.field].points.len();
                self.some(points as f64, POINT_NS)
            }
            Kind::Geoshape { field, .. } => {
                let shapes = self.state.fields[*field].shapes.len();
                self.some(shapes as f64, SHAPE_NS)
            }
            // A walk through a graph, of which nobody knows how far it leads.
            Kind::VectorRange(_) => self.everybody(f64::INFINITY),
        }
    }

    fn some(&self, documents: f64, each_ns: f64) -> Weight {
        Weight {
            ns: documents * each_ns,
            documents: documents.min(self.all()),
        }
    }

    fn all_of(&self, nodes: &[Node], node: &Node) -> Weight {
        let each = nodes.iter().map(|node| self.weigh(node));
        let mut all = each.fold(self.everybody(0.0), with);
        if node.options.slop.is_some() || node.options.in_order.is_some() {
            all.ns += all.documents * PLACES_NS;
        }
        all
    }

    fn holding<'w>(&self, words: impl Iterator<Item = &'w str>) -> Weight {
        let each = words.map(|word| {
            let postings = self.state.words.get(word);
            let documents = postings.map_or(0, |postings| postings.len());
            self.looked_up(documents as f64, POSTING_NS)
        });
        each.fold(Weight::default(), |one, other| self.or(one, other))
    }

    fn looked_up(&self, documents: f64, each_ns: f64) -> Weight {
        let found = self.some(documents, each_ns);
        Weight {
            ns: found.ns + LOOK_UP_NS,
            ..found
        }
    }

    /// Two conditions of which one has to pass: what was found so far is gone through again.
    fn or(&self, one: Weight, other: Weight) -> Weight {
        let documents = one.documents + other.documents;
        Weight {
            ns: one.ns + other.ns + documents * SET_NS,
            documents: documents.min(self.all()),
        }
    }

    fn tagged(&self, field: usize, values: &[TagValue]) -> Weight {
        let each = values.iter().map(|value| match value {
            TagValue::Whole(_) => {
                let tags = self.matcher.tags_of(field, value);
                let documents: u64 = tags.iter().map(|(_, ids)| RoaringBitmap::len(ids)).sum();
                self.looked_up(documents as f64, SET_NS)
            }
            TagValue::Affix(_) | TagValue::Wildcard(_) => {
                let tags = self.state.fields[field].tags.len() as f64;
                Weight {
                    ns: tags * PATTERN_NS + self.all() * JOINED_NS,
                    documents: self.all(),
                }
            }
        });
        each.fold(Weight::default(), |one, other| self.or(one, other))
    }

    fn nearest_ns(&self, index: &DocumentIndex, asked: &NearestQuestion, documents: f64) -> f64 {
        let Some(field) = FieldVectors::of(index, asked.knn.field) else {
            return 0.0;
        };
        let ef = match asked.ef {
            Some(ef) => ef,
            None if field.would_measure(asked.knn.k) => return f64::INFINITY,
            None => field.knn_ef(asked.knn.k),
        };
        let passing = asked.is_filtered.then_some(documents as usize);
        let how_many = (asked.knn.k, ef.max(asked.knn.k));
        plan::predict_known_ns(field.vectors(), how_many, passing, asked.is_exact)
    }
}

/// Two conditions that both have to pass.
fn with(one: Weight, other: Weight) -> Weight {
    Weight {
        ns: one.ns + other.ns + one.documents.min(other.documents) * SET_NS,
        documents: one.documents.min(other.documents),
    }
}

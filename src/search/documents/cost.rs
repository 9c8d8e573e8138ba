//! About how long a question will take, by how many documents its conditions name, before any of them is answered. It decides which thread
//! answers, so the order of magnitude is enough; where nothing bounds a condition, all documents do.

use super::effort::FieldVectors;
use super::filters;
use super::matching::Matcher;
use super::run::{NearestQuestion, Question};
use super::tree::{Kind, Node, Relation, TagValue};
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::keyspace::documents::places::extent::Ground;
use crate::keyspace::documents::shape::Shape;
use crate::keyspace::documents::turns::Turn;
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
/// Looking where the words of a document stand, and for each of its words.
const PLACES_NS: f64 = 1_000.0;
/// See [`PLACES_NS`].
const PLACE_NS: f64 = 10.0;
/// Numbers are counted no further than about here: so many documents take too long whatever is done with them.
const COUNTED_MAX: usize = 200_000;
/// Passing over a document on the way to a page.
const SKIPPED_NS: f64 = 60.0;
/// Comparing a word or a tag with a pattern.
const PATTERN_NS: f64 = 50.0;
/// Comparing a point with a circle.
const POINT_NS: f64 = 100.0;
/// Finding out how far a document's shape extends, for each of its corners.
const PLANE_CORNER_NS: f64 = 10.0;
/// The same on the sphere.
const SPHERE_CORNER_NS: f64 = 100.0;
/// Comparing shapes, for each corner of one with each of the other.
const CORNERS_NS: f64 = 15.0;

/// What a condition takes and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cost {
    /// Nanoseconds.
    ns: f64,
    /// Documents that pass, at most.
    documents: f64,
}

/// What is done with documents that passed, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PassedCost {
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

/// Microseconds that a question takes, with what is done with its documents; none if a writer holds the postings and the caller does not
/// wait.
pub fn predict_us(
    index: &DocumentIndex,
    question: &Question,
    passed_cost: PassedCost,
    waits: bool,
) -> Option<u64> {
    // Before the postings are held: it may find that nobody measured yet.
    let nearest = question
        .knn
        .as_ref()
        .and_then(|asked| Some((asked, FieldVectors::of(index, asked.knn.field)?)));
    let nearest = nearest.map(|(asked, field)| (asked, field, ef_of(asked, field)));
    let state = match waits {
        true => index.read_in(Turn::AtOnce),
        false => index.try_read()?,
    };
    let predictor = Predictor {
        matcher: Matcher::new(index, &state, question, &[]),
        state: &state,
    };
    // Nobody lists those that all pass a KNN.
    let is_listed = question.knn.as_ref().is_none_or(|knn| knn.is_filtered);
    let conditions = match (filters::count_known(index, question), is_listed) {
        (Some(documents), _) => predictor.some(documents as f64, 0.0),
        (None, true) => predictor.cost_of(question.root),
        (None, false) => predictor.everybody(0.0),
    };
    let nearest_ns = nearest.map_or(0.0, |(asked, field, ef)| {
        let each = predictor.vectors_each(asked.knn.field);
        nearest_ns(asked, field, ef, (conditions.documents, each))
    });
    let at_most = |count: Option<usize>| count.map_or(f64::INFINITY, |count| count as f64);
    let wanted = at_most(question.knn.as_ref().map(|asked| asked.knn.k));
    let named = at_most(question.keys.map(<[Vec<u8>]>::len));
    let documents = conditions.documents.min(wanted).min(named);
    // What a document is worth takes the longer the longer it is.
    let scored_ns = passed_cost.scored_ns * predictor.places_ns() / PLACES_NS;
    let each_ns = passed_cost.each_ns + scored_ns * scored(question.root) as f64;
    let passed_ns = each_ns * documents
        + SKIPPED_NS * documents.min(passed_cost.skipped)
        + passed_cost.shown_ns * documents.min(passed_cost.shown);
    let ns = conditions.ns + nearest_ns + passed_ns;
    Some((ns / 1000.0) as u64)
}

/// The candidates of a KNN; none if that has to be measured first.
fn ef_of(asked: &NearestQuestion, field: FieldVectors) -> Option<usize> {
    let k = asked.knn.k;
    let is_known = asked.ef.is_some() || !field.would_measure(k);
    is_known.then(|| asked.ef.unwrap_or_else(|| field.knn_ef(k)).max(k))
}

fn nearest_ns(
    asked: &NearestQuestion,
    field: FieldVectors,
    ef: Option<usize>,
    (documents, each): (f64, f64),
) -> f64 {
    let Some(ef) = ef else {
        return f64::INFINITY;
    };
    // The walk goes on until there are k documents, which may be those with the most vectors.
    let k = (asked.knn.k as f64 * each) as usize;
    let passing = asked.is_filtered.then_some((documents * each) as usize);
    plan::predict_known_ns(field.vectors(), (k, ef.max(k)), passing, asked.is_exact)
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

struct Predictor<'a> {
    matcher: Matcher<'a>,
    state: &'a State,
}

impl Predictor<'_> {
    /// As many vectors as a document has in the field, at most.
    fn vectors_each(&self, field: usize) -> f64 {
        self.state.slots(field).most().max(1) as f64
    }

    fn all(&self) -> f64 {
        self.state.documents.len() as f64
    }

    /// Looking where the words of a document stand, as long as the longest.
    fn places_ns(&self) -> f64 {
        PLACES_NS + PLACE_NS * f64::from(self.state.longest)
    }

    /// Every document, for so many nanoseconds each.
    fn everybody(&self, each_ns: f64) -> Cost {
        Cost {
            ns: self.all() * each_ns,
            documents: self.all(),
        }
    }

    fn cost_of(&self, node: &Node) -> Cost {
        match &node.kind {
            Kind::Nothing => Cost::default(),
            Kind::All | Kind::Missing { .. } => self.everybody(SET_NS),
            Kind::And(nodes) => self.all_of(nodes, node),
            Kind::Or(nodes) => {
                let each = nodes.iter().map(|node| self.cost_of(node));
                each.fold(Cost::default(), |one, other| self.or(one, other))
            }
            Kind::Not(inner) | Kind::Optional(inner) => {
                let inner = self.cost_of(inner);
                Cost {
                    ns: inner.ns + self.all() * SET_NS,
                    documents: self.all(),
                }
            }
            Kind::Word(_) => self.holding(self.matcher.words_of(node).iter().map(|one| &*one.word)),
            Kind::Phrase(words) => {
                let each = words.iter().map(|word| self.holding([&**word].into_iter()));
                let all = each.fold(self.everybody(0.0), with);
                Cost {
                    ns: all.ns + all.documents * self.places_ns(),
                    ..all
                }
            }
            Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => {
                let all = self.everybody(POSTING_NS);
                Cost {
                    ns: all.ns + self.state.words.len() as f64 * PATTERN_NS,
                    ..all
                }
            }
            Kind::Tag { field, values } => self.tagged(*field, values),
            Kind::Numeric(range) => {
                let (min, max) = range.bounds();
                let documents = self.state.fields[range.field]
                    .numbers
                    .count(min, max, COUNTED_MAX);
                self.some(documents as f64, JOINED_NS)
            }
            Kind::Geo(circle) => {
                let points = &self.state.fields[circle.field].points;
                let centre = (circle.longitude, circle.latitude);
                let near = points.count_near(centre, circle.radius_m());
                self.looked_up(near as f64, POINT_NS)
            }
            Kind::Geoshape {
                field,
                relation,
                wkt,
            } => self.shaped(*field, *relation, wkt),
            // A walk through a graph, of which nobody knows how far it leads.
            Kind::VectorRange(_) => self.everybody(f64::INFINITY),
        }
    }

    fn some(&self, documents: f64, each_ns: f64) -> Cost {
        Cost {
            ns: documents * each_ns,
            documents: documents.min(self.all()),
        }
    }

    fn all_of(&self, nodes: &[Node], node: &Node) -> Cost {
        let each = nodes.iter().map(|node| self.cost_of(node));
        let mut all = each.fold(self.everybody(0.0), with);
        if node.options.slop.is_some() || node.options.in_order.is_some() {
            all.ns += all.documents * self.places_ns();
        }
        all
    }

    fn holding<'w>(&self, words: impl Iterator<Item = &'w str>) -> Cost {
        let each = words.map(|word| {
            let postings = self.state.words.get(word);
            let documents = postings.map_or(0, |postings| postings.len());
            self.looked_up(documents as f64, POSTING_NS)
        });
        each.fold(Cost::default(), |one, other| self.or(one, other))
    }

    fn shaped(&self, field: usize, relation: Relation, text: &str) -> Cost {
        let Ok(shape) = Shape::parse(text) else {
            return Cost::default();
        };
        let shapes = &self.state.fields[field].shapes;
        let near = shapes.count_near(&shapes.ground().extent(&shape));
        let corner_ns = match shapes.ground() {
            Ground::Plane => PLANE_CORNER_NS,
            Ground::Sphere => SPHERE_CORNER_NS,
        };
        let each_ns = corner_ns + CORNERS_NS * shape.places().count() as f64;
        let compared = self.looked_up(near.documents, JOINED_NS);
        let ns = compared.ns + near.corners * each_ns;
        match relation {
            // All others are, as well.
            Relation::Disjoint => Cost {
                ns: ns + self.all() * SET_NS,
                documents: self.all(),
            },
            _ => Cost { ns, ..compared },
        }
    }

    fn looked_up(&self, documents: f64, each_ns: f64) -> Cost {
        let found = self.some(documents, each_ns);
        Cost {
            ns: found.ns + LOOK_UP_NS,
            ..found
        }
    }

    /// Two conditions of which one has to pass: what was found so far is gone through again.
    fn or(&self, one: Cost, other: Cost) -> Cost {
        let documents = one.documents + other.documents;
        Cost {
            ns: one.ns + other.ns + documents * SET_NS,
            documents: documents.min(self.all()),
        }
    }

    fn tagged(&self, field: usize, values: &[TagValue]) -> Cost {
        let each = values.iter().map(|value| match value {
            TagValue::Whole(_) => {
                let tags = self.matcher.tags_of(field, value);
                let documents: u64 = tags.iter().map(|(_, ids)| RoaringBitmap::len(ids)).sum();
                self.looked_up(documents as f64, SET_NS)
            }
            TagValue::Affix(_) | TagValue::Wildcard(_) => {
                let tags = self.state.fields[field].tags.len() as f64;
                Cost {
                    ns: tags * PATTERN_NS + self.all() * JOINED_NS,
                    documents: self.all(),
                }
            }
        });
        each.fold(Cost::default(), |one, other| self.or(one, other))
    }
}

/// Two conditions that both have to pass.
fn with(one: Cost, other: Cost) -> Cost {
    Cost {
        ns: one.ns + other.ns + one.documents.min(other.documents) * SET_NS,
        documents: one.documents.min(other.documents),
    }
}

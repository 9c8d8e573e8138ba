//! What a document is worth for a query: the scorers' formulas over the tree of its conditions.

use super::matching::Matcher;
use super::proximity::spread;
use super::reasons::{Part, Reasons};
use super::score::{Corpus, Document, Join, Scorer, Term, hamming};
use super::tree::{FieldMask, Kind, Node};
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::State;
use crate::keyspace::documents::postings::Postings;
use smallvec::SmallVec;

/// Scores the documents that pass a query.
pub struct Worth<'q> {
    state: &'q State,
    root: Condition<'q>,
    scorer: Scorer,
    corpus: Corpus,
    tanh_factor: u64,
    /// What HAMMING compares payloads with.
    payload: &'q [u8],
}

/// The scores of parts, few of most.
type Scores = SmallVec<[f64; 4]>;

/// A condition of the query, with what is looked up once for all documents.
struct Condition<'q> {
    node: &'q Node,
    /// The fields that its words count in.
    fields: FieldMask,
    /// The words that it stands for, as far as any document holds them.
    words: Vec<(String, &'q Postings)>,
    /// The conditions that it is made of.
    parts: Vec<Condition<'q>>,
}

impl<'q> Condition<'q> {
    fn new(matcher: &Matcher<'q>, node: &'q Node) -> Condition<'q> {
        let words = match &node.kind {
            Kind::Phrase(words) => words.clone(),
            _ => matcher.words_of(node),
        };
        let held = words.into_iter().filter_map(|word| {
            let postings = matcher.state.words.get(&word)?;
            Some((word, postings))
        });
        let parts = node.children().iter();
        Condition {
            node,
            fields: matcher.asked(node.fields),
            words: held.collect(),
            parts: parts.map(|part| Condition::new(matcher, part)).collect(),
        }
    }

    /// Whether no scorer that goes by words finds anything in it.
    fn is_wordless(&self) -> bool {
        self.words.is_empty()
            && self.node.kind != Kind::All
            && self.parts.iter().all(Condition::is_wordless)
    }
}

impl<'q> Worth<'q> {
    /// For one query; the last are what single scorers ask for: the factor of BM25STD.TANH and the payload of HAMMING.
    pub fn new(
        matcher: &Matcher<'q>,
        root: &'q Node,
        scorer: Scorer,
        (tanh_factor, payload): (u64, &'q [u8]),
    ) -> Self {
        let state = matcher.state;
        let documents = state.documents.len() as u64;
        let corpus = Corpus {
            documents,
            average_length: state.length as f64 / documents.max(1) as f64,
        };
        Worth {
            state,
            root: Condition::new(matcher, root),
            scorer,
            corpus,
            tanh_factor,
            payload,
        }
    }

    /// Whether every document is worth nothing, so that nobody needs to be asked.
    pub fn is_nothing(&self) -> bool {
        let goes_by_words = matches!(
            self.scorer,
            Scorer::Bm25Std | Scorer::Bm25StdNorm | Scorer::Bm25StdTanh
        );
        goes_by_words && self.root.is_wordless()
    }

    /// The score of a document that passes.
    pub fn of(&self, id: DocumentId) -> f64 {
        self.score(id, None)
    }

    /// As [`Worth::of`], with where the score comes from.
    pub fn explain(&self, id: DocumentId) -> (f64, Reasons) {
        let mut reasons = Reasons {
            scorer: self.scorer,
            corpus: self.corpus,
            tanh_factor: self.tanh_factor,
            ..Reasons::default()
        };
        let score = self.score(id, Some(&mut reasons));
        (score, reasons)
    }

    fn score(&self, id: DocumentId, reasons: Option<&mut Reasons>) -> f64 {
        let Some(document) = self.state.documents.get(id) else {
            return 0.0;
        };
        if self.scorer == Scorer::Hamming {
            let payload = self.state.payload(id).map_or(&[][..], |payload| payload);
            let score = hamming(payload, self.payload);
            if let Some(reasons) = reasons {
                let is_comparable = !payload.is_empty() && payload.len() == self.payload.len();
                reasons.payload_bytes = is_comparable.then_some(payload.len());
                reasons.matched = score;
            }
            return score;
        }
        let document = Document {
            score: f64::from(document.score),
            length: document.length,
            frequency_max: document.frequency_max,
        };
        let slop = match reasons.is_some() || self.scorer.asks_for_slop() {
            true => self.spread(id),
            false => 1,
        };
        let mut parts = reasons.is_some().then(Vec::new);
        let matched = self.condition(&self.root, id, document, parts.as_mut());
        let matched = matched.unwrap_or(0.0);
        if let Some(reasons) = reasons {
            reasons.document = document;
            reasons.slop = slop;
            reasons.matched = matched;
            reasons.parts = parts.unwrap_or_default();
        }
        self.scorer
            .finish(matched, document, slop, self.tanh_factor)
    }

    /// How far the words of the query stand from each other in a document.
    fn spread(&self, id: DocumentId) -> u32 {
        if !matches!(self.root.node.kind, Kind::And(_)) {
            return 1;
        }
        let places = self.root.parts.iter().filter_map(|part| {
            let mut words = part.words.iter();
            let found = match part.node.kind {
                Kind::Phrase(_) => None,
                _ => words.find_map(|(_, postings)| postings.get(id)),
            };
            Some(found?.places(part.fields.0))
        });
        let places: Vec<Vec<u32>> = places.collect();
        let positions: Vec<&[u32]> = places.iter().map(Vec::as_slice).collect();
        spread(&positions)
    }

    /// The score of one condition; none where the document does not meet it. Where somebody wants to know, where it comes from.
    fn condition(
        &self,
        condition: &Condition,
        id: DocumentId,
        document: Document,
        mut notes: Option<&mut Vec<Part>>,
    ) -> Option<f64> {
        let weight = condition.node.options.weight;
        let mut inner = notes.is_some().then(Vec::new);
        let parts = condition.parts.iter();
        let of = |part: &Condition| self.condition(part, id, document, inner.as_mut());
        let (join, weight, scores) = match &condition.node.kind {
            Kind::And(_) => {
                let scores: Option<Scores> = parts.map(of).collect();
                (Join::All, weight, scores?)
            }
            Kind::Or(_) => (Join::Any, weight, parts.filter_map(of).collect()),
            Kind::Optional(_) => {
                let optional = condition.parts.first()?;
                let found = self.condition(optional, id, document, notes.as_deref_mut());
                return Some(found.unwrap_or_else(|| self.other(weight, false, document, notes)));
            }
            Kind::Word(_) | Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => {
                let scores = self.words(condition, id, document, inner.as_mut());
                if let [one] = scores[..] {
                    extend(notes, inner.into_iter().flatten());
                    return Some(one);
                }
                (Join::Any, 1.0, scores)
            }
            Kind::Phrase(words) => {
                let scores = self.words(condition, id, document, inner.as_mut());
                if scores.len() != words.len() {
                    return None;
                }
                (Join::All, 1.0, scores)
            }
            kind => return Some(self.other(weight, *kind == Kind::All, document, notes)),
        };
        if scores.is_empty() {
            return None;
        }
        let score = self.scorer.join(join, weight, scores);
        let joined = inner.map(|parts| Part::Joined {
            score,
            weight,
            parts,
        });
        extend(notes, joined);
        Some(score)
    }

    /// The score of a condition that has no word.
    fn other(
        &self,
        weight: f64,
        is_every: bool,
        document: Document,
        notes: Option<&mut Vec<Part>>,
    ) -> f64 {
        let score = self.scorer.other(weight, is_every, document, self.corpus);
        let other = Part::Other {
            score,
            weight,
            is_every,
        };
        extend(notes, [other]);
        score
    }

    /// The scores of those of a condition's words that stand in the document.
    fn words(
        &self,
        condition: &Condition,
        id: DocumentId,
        document: Document,
        mut notes: Option<&mut Vec<Part>>,
    ) -> Scores {
        let weight = condition.node.options.weight;
        let scored = condition.words.iter().filter_map(|(word, postings)| {
            let posting = postings.get(id);
            let posting = posting.filter(|posting| condition.fields.has(posting.fields))?;
            let term = Term {
                frequency: posting.frequency,
                documents_with: postings.len() as u64,
            };
            let score = self.scorer.leaf(weight, term, document, self.corpus);
            if let Some(notes) = notes.as_deref_mut() {
                notes.push(Part::Word {
                    score,
                    weight,
                    word: word.clone(),
                    frequency: term.frequency,
                    rarity: self.scorer.rarity(term, self.corpus),
                });
            }
            Some(score)
        });
        scored.collect()
    }
}

fn extend(notes: Option<&mut Vec<Part>>, more: impl IntoIterator<Item = Part>) {
    if let Some(notes) = notes {
        notes.extend(more);
    }
}

//! What a document is worth for a query: the scorers' formulas over the tree of its conditions.

use super::matching::Matcher;
use super::proximity::spread;
use super::reasons::{Part, Reasons};
use super::score::{Corpus, Document, Join, Scorer, Term, hamming};
use super::tree::{Kind, Node};
use crate::keyspace::documents::fields::DocumentId;

/// Scores the documents that pass `root`.
pub struct Worth<'m, 'a> {
    matcher: &'m Matcher<'a>,
    root: &'m Node,
    scorer: Scorer,
    corpus: Corpus,
    tanh_factor: u64,
    /// What HAMMING compares payloads with.
    payload: &'m [u8],
}

impl<'m, 'a> Worth<'m, 'a> {
    /// For one query; the last are what single scorers ask for: the factor of BM25STD.TANH and the payload of HAMMING.
    pub fn new(
        matcher: &'m Matcher<'a>,
        root: &'m Node,
        scorer: Scorer,
        (tanh_factor, payload): (u64, &'m [u8]),
    ) -> Self {
        let state = matcher.state;
        let documents = state.documents.len() as u64;
        let corpus = Corpus {
            documents,
            average_length: state.length as f64 / documents.max(1) as f64,
        };
        Worth {
            matcher,
            root,
            scorer,
            corpus,
            tanh_factor,
            payload,
        }
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
        let Some(document) = self.matcher.state.documents.get(id) else {
            return 0.0;
        };
        if self.scorer == Scorer::Hamming {
            let payload = document.payload.as_deref().unwrap_or_default();
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
        let slop = self.spread(id);
        let mut parts = reasons.is_some().then(Vec::new);
        let matched = self.node(self.root, id, document, parts.as_mut());
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
        let nodes = match &self.root.kind {
            Kind::And(nodes) => nodes.as_slice(),
            _ => return 1,
        };
        let places = nodes.iter().filter_map(|node| {
            let fields = self.matcher.asked(node.fields);
            let words = self.matcher.words_of(node);
            let found = words.iter().find_map(|word| self.matcher.posting(word, id));
            Some(found?.places(fields.0))
        });
        let places: Vec<Vec<u32>> = places.collect();
        let positions: Vec<&[u32]> = places.iter().map(Vec::as_slice).collect();
        spread(&positions)
    }

    /// The score of one condition; none where the document does not meet it. Where somebody wants to know, where it comes from.
    fn node(
        &self,
        node: &Node,
        id: DocumentId,
        document: Document,
        mut notes: Option<&mut Vec<Part>>,
    ) -> Option<f64> {
        let weight = node.options.weight;
        let mut inner = notes.is_some().then(Vec::new);
        let of = |node: &Node| self.node(node, id, document, inner.as_mut());
        let (join, weight, scores) = match &node.kind {
            Kind::And(nodes) => {
                let scores: Option<Vec<f64>> = nodes.iter().map(of).collect();
                (Join::All, weight, scores?)
            }
            Kind::Or(nodes) => (Join::Any, weight, nodes.iter().filter_map(of).collect()),
            Kind::Optional(optional) => {
                let found = self.node(optional, id, document, notes.as_deref_mut());
                return Some(found.unwrap_or_else(|| self.other(weight, false, document, notes)));
            }
            Kind::Word(_) | Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => {
                let words = self.matcher.words_of(node);
                let scores = self.words(node, &words, id, document, inner.as_mut());
                if let [one] = scores[..] {
                    extend(notes, inner);
                    return Some(one);
                }
                (Join::Any, 1.0, scores)
            }
            Kind::Phrase(words) => {
                let scores = self.words(node, words, id, document, inner.as_mut());
                if scores.len() != words.len() {
                    return None;
                }
                (Join::All, 1.0, scores)
            }
            kind => {
                let is_every = matches!(kind, Kind::All);
                return Some(self.other(weight, is_every, document, notes));
            }
        };
        if scores.is_empty() {
            return None;
        }
        let score = self.scorer.join(join, weight, scores);
        if let (Some(notes), Some(parts)) = (notes, inner) {
            notes.push(Part::Joined {
                score,
                weight,
                parts,
            });
        }
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
        if let Some(notes) = notes {
            notes.push(Part::Other {
                score,
                weight,
                is_every,
            });
        }
        score
    }

    /// The scores of those of the words that stand in the document.
    fn words(
        &self,
        node: &Node,
        words: &[String],
        id: DocumentId,
        document: Document,
        mut notes: Option<&mut Vec<Part>>,
    ) -> Vec<f64> {
        let weight = node.options.weight;
        let fields = self.matcher.asked(node.fields);
        let scored = words.iter().filter_map(|word| {
            let posting = self.matcher.posting(word, id);
            let posting = posting.filter(|posting| fields.has(posting.fields))?;
            let term = Term {
                frequency: posting.frequency,
                documents_with: self.matcher.state.words.get(word)?.len() as u64,
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

fn extend(notes: Option<&mut Vec<Part>>, more: Option<Vec<Part>>) {
    if let Some(notes) = notes {
        notes.extend(more.into_iter().flatten());
    }
}

//! What a document is worth for a query: the scorers' formulas over the tree of its conditions.

use super::matching::Matcher;
use super::proximity::spread;
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
        let Some(document) = self.matcher.state.documents.get(id) else {
            return 0.0;
        };
        if self.scorer == Scorer::Hamming {
            return hamming(
                document.payload.as_ref().map_or(&[][..], |payload| payload),
                self.payload,
            );
        }
        let document = Document {
            score: f64::from(document.score),
            length: document.length,
            frequency_max: document.frequency_max,
        };
        let matched = self.node(self.root, id, document).unwrap_or(0.0);
        let slop = self.spread(id);
        self.scorer
            .finish(matched, document, slop, self.tanh_factor)
    }

    /// How far the words of the query stand from each other in a document.
    fn spread(&self, id: DocumentId) -> u32 {
        let nodes = match &self.root.kind {
            Kind::And(nodes) => nodes.as_slice(),
            _ => return 1,
        };
        let words = nodes.iter().map(|node| self.matcher.words_of(node));
        let positions: Vec<&[u32]> = words
            .filter_map(|words| {
                let found = words.iter().find_map(|word| self.matcher.posting(word, id));
                found.map(|posting| posting.positions.as_slice())
            })
            .collect();
        spread(&positions)
    }

    /// The score of one condition; none where the document does not meet it.
    fn node(&self, node: &Node, id: DocumentId, document: Document) -> Option<f64> {
        let weight = node.options.weight;
        let join = |join, parts: Vec<f64>| self.scorer.join(join, weight, parts);
        match &node.kind {
            Kind::And(nodes) => {
                let parts = nodes.iter().map(|node| self.node(node, id, document));
                Some(join(Join::All, parts.collect::<Option<_>>()?))
            }
            Kind::Or(nodes) => {
                let parts = nodes
                    .iter()
                    .filter_map(|node| self.node(node, id, document));
                let parts: Vec<f64> = parts.collect();
                (!parts.is_empty()).then(|| join(Join::Any, parts))
            }
            Kind::Optional(inner) => {
                let other = || self.scorer.other(weight, false, document, self.corpus);
                Some(self.node(inner, id, document).unwrap_or_else(other))
            }
            Kind::Word(_) | Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => {
                let parts = self.words(node, self.matcher.words_of(node), id, document);
                match parts.as_slice() {
                    [] => None,
                    [one] => Some(*one),
                    _ => Some(self.scorer.join(Join::Any, 1.0, parts)),
                }
            }
            Kind::Phrase(words) => {
                let parts = self.words(node, words.clone(), id, document);
                let is_whole = parts.len() == words.len();
                is_whole.then(|| self.scorer.join(Join::All, 1.0, parts))
            }
            kind => {
                let is_every = matches!(kind, Kind::All);
                Some(self.scorer.other(weight, is_every, document, self.corpus))
            }
        }
    }

    /// The scores of those of the words that stand in the document.
    fn words(
        &self,
        node: &Node,
        words: Vec<String>,
        id: DocumentId,
        document: Document,
    ) -> Vec<f64> {
        let scored = words.iter().filter_map(|word| {
            let posting = self.matcher.posting(word, id);
            let posting = posting.filter(|posting| node.fields.has(posting.fields))?;
            let term = Term {
                frequency: posting.frequency,
                documents_with: self.matcher.state.words.get(word.as_str())?.len() as u64,
            };
            let weight = node.options.weight;
            Some(self.scorer.leaf(weight, term, document, self.corpus))
        });
        scored.collect()
    }
}

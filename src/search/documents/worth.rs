//! What a document is worth for a query: the scorers' formulas over the tree of its conditions.

use super::matching::Matcher;
use super::proximity::spread;
use super::reasons::{Part, Reasons};
use super::score::{Corpus, Document, Join, Scorer, Term, hamming};
use super::sought::Sought;
use super::tree::{FieldMask, Kind, Node, TagValue};
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::index::State;
use crate::keyspace::documents::postings::Postings;
use roaring::RoaringBitmap;
use smallvec::SmallVec;

/// Scores the documents that pass a query.
pub struct Worth<'q> {
    state: &'q State,
    /// None: nearness is all that was asked for, and no score.
    root: Option<Condition<'q>>,
    /// The documents are the nearest to a vector.
    is_nearest: bool,
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
    /// The words that it stands for, as far as any document holds them.
    words: Vec<(Sought, &'q Postings)>,
    /// The tags that each value of a set stands for.
    tags: Vec<Tags<'q>>,
    /// Who meets it, where that is not known of every document that passes and cannot be told by words and tags alone.
    passing: Option<RoaringBitmap>,
    /// Whether every document meets it, because what is not to be there, or need not be, is nowhere.
    is_met_by_all: bool,
    /// Whether it is worth what everything is.
    is_everything: bool,
    /// The conditions that it is made of.
    parts: Vec<Condition<'q>>,
}

/// The tags that one value of a set stands for, with their documents.
struct Tags<'q> {
    held: Vec<(&'q str, &'q RoaringBitmap)>,
    is_whole: bool,
}

impl<'q> Condition<'q> {
    /// Without what [`Condition::settle`] finds.
    fn new<'m: 'q>(matcher: &Matcher<'m>, node: &'q Node) -> Condition<'q> {
        let mut words = match &node.kind {
            Kind::Phrase(words) => {
                let words = words.iter().map(|word| Sought::plain(word, node.fields));
                words.collect()
            }
            _ => matcher.words_of(node),
        };
        for sought in &mut words {
            sought.fields = matcher.asked(sought.fields);
        }
        let held = words.into_iter().filter_map(|sought| {
            let postings = matcher.state.words.get(&sought.word)?;
            Some((sought, postings))
        });
        let words = held.collect();
        let tags = tags_of(matcher, node);
        // What is not to be there is worth nothing.
        let parts = match node.kind {
            Kind::Not(_) => &[],
            _ => node.children(),
        };
        let parts = parts.iter().map(|part| Condition::new(matcher, part));
        let mut parts: Vec<Condition> = parts.collect();
        let is_idle = |part: &Condition| match node.kind {
            // What everybody meets is no condition where others must hold as well,
            Kind::And(_) => part.is_met_by_all,
            // and what nobody can meet is no choice.
            Kind::Or(_) => part.is_void(),
            _ => false,
        };
        match parts.iter().all(is_idle) {
            true => parts.truncate(1),
            false => parts.retain(|part| !is_idle(part)),
        }
        if parts.len() == 1 && node.children().len() > 1 {
            // The one that is left stands for all of them.
            return parts.remove(0);
        }
        let is_void = |part: &'q Node| Condition::new(matcher, part).is_void();
        let is_met_by_all = match node.kind {
            Kind::Not(_) => node.children().iter().all(is_void),
            Kind::Optional(_) => parts.iter().all(Condition::is_void),
            _ => node.kind == Kind::All,
        };
        // Then the module goes through all documents, which it can score where it keeps a list of them (INDEXALL).
        let is_scored = match node.kind {
            Kind::Not(_) => matcher.index.schema().indexes_all,
            _ => node.kind == Kind::All,
        };
        Condition {
            node,
            words,
            tags,
            passing: None,
            is_met_by_all,
            is_everything: is_met_by_all && is_scored,
            parts,
        }
    }

    /// Whether the index has nothing that could meet it: it asks for words or tags that no document holds.
    fn is_void(&self) -> bool {
        match &self.node.kind {
            Kind::And(_) => self.parts.iter().any(Condition::is_void),
            Kind::Or(_) => self.parts.iter().all(Condition::is_void),
            Kind::Phrase(words) => self.words.len() < words.len(),
            Kind::Tag { .. } => self.tags.is_empty(),
            kind => is_words(kind) && self.words.is_empty(),
        }
    }

    /// Finds out who meets conditions that a document may pass the query without (`is_choice`), where words and tags do not tell.
    fn settle(&mut self, matcher: &mut Matcher, is_choice: bool) {
        let (kind, options) = (&self.node.kind, &self.node.options);
        let is_choice = is_choice || matches!(kind, Kind::Or(_) | Kind::Optional(_));
        let is_told = match kind {
            Kind::And(_) => options.slop.is_none() && options.in_order.is_none(),
            Kind::Phrase(_) | Kind::Not(_) | Kind::Numeric(_) | Kind::Geo(_) => false,
            Kind::Geoshape { .. } | Kind::VectorRange(_) | Kind::Missing { .. } => false,
            _ => true,
        };
        self.passing = (is_choice && !is_told).then(|| matcher.matching(self.node));
        for part in &mut self.parts {
            part.settle(matcher, is_choice);
        }
    }

    /// How many documents meet it, roughly and never too few where words alone are asked for: by this the module orders conditions
    /// that must all hold.
    fn estimate(&self, documents: usize) -> usize {
        let own = self.words.iter().map(|(_, postings)| postings.len());
        let tags = self.tags.iter().flat_map(|tags| &tags.held);
        let own = own.chain(tags.map(|(_, ids)| ids.len() as usize));
        let parts = self.parts.iter().map(|part| part.estimate(documents));
        match self.node.kind {
            Kind::And(_) => parts.min().unwrap_or(documents),
            Kind::Or(_) => parts.sum(),
            Kind::Phrase(_) => own.min().unwrap_or(documents),
            _ if self.words.is_empty() && self.tags.is_empty() => documents,
            _ => own.sum(),
        }
    }

    /// Its parts in the order in which the module goes through them: those that must all hold, in whatever order they stand, from
    /// the rarest on.
    fn ordered_parts(&self, documents: usize) -> Vec<&Condition<'q>> {
        let mut parts: Vec<&Condition> = self.parts.iter().collect();
        let is_free = self.node.options.in_order != Some(true);
        if matches!(self.node.kind, Kind::And(_)) && is_free {
            // Of conditions that must all hold, each is the rarer the more there are.
            let rarity = |part: &&Condition| match part.node.kind {
                Kind::And(_) => part.estimate(documents) / part.parts.len().max(1),
                _ => part.estimate(documents),
            };
            parts.sort_by_key(rarity);
        }
        parts
    }

    /// How many of its words count in a document: of what a part of a word stands for only the first one.
    fn counted(&self) -> usize {
        match self.node.kind {
            Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => 1,
            _ => usize::MAX,
        }
    }

    /// What need not hold, without saying so; any other condition itself.
    fn innermost(&self) -> &Condition<'q> {
        match (&self.node.kind, &self.parts[..]) {
            (Kind::Optional(_), [part]) => part.innermost(),
            _ => self,
        }
    }

    /// Whether no scorer that goes by words finds anything in it.
    fn is_wordless(&self) -> bool {
        let counts_alone =
            |part: &Condition| matches!(part.node.kind, Kind::Missing { .. } | Kind::Optional(_));
        let counts_what_is_missing =
            matches!(self.node.kind, Kind::Optional(_)) && self.parts.iter().any(counts_alone);
        self.words.is_empty()
            && self.tags.is_empty()
            && !self.is_everything
            && !counts_what_is_missing
            && self.parts.iter().all(Condition::is_wordless)
    }
}

impl<'q> Worth<'q> {
    /// For one query, or the filter of the nearest, and whether keys are named, beside which everything is worth nothing; then what single scorers ask for: the factor of BM25STD.TANH and the payload of
    /// HAMMING; and whether [`Worth::terms`] will be asked.
    pub fn new<'m: 'q>(
        matcher: &mut Matcher<'m>,
        (root, is_nearest, has_keys): (&'q Node, bool, bool),
        scorer: Scorer,
        (tanh_factor, payload): (u64, &'q [u8]),
        tells_terms: bool,
    ) -> Self {
        let state = matcher.state;
        let documents = state.documents.len() as u64;
        let corpus = Corpus {
            documents,
            average_length: state.length as f64 / documents.max(1) as f64,
        };
        let mut worth = Worth {
            state,
            root: Some(Condition::new(matcher, root)).filter(|root| {
                let is_unfiltered = (is_nearest || has_keys) && root.is_everything;
                !is_unfiltered
            }),
            is_nearest,
            scorer,
            corpus,
            tanh_factor,
            payload,
        };
        let is_nothing = worth.is_nothing();
        if let Some(root) = worth.root.as_mut().filter(|_| tells_terms || !is_nothing) {
            root.settle(matcher, false);
        }
        worth
    }

    /// Whether every document is worth nothing, so that nobody needs to be asked. Where no document has a word, lengths cannot be
    /// compared with their mean.
    pub fn is_nothing(&self) -> bool {
        let goes_by_words = matches!(
            self.scorer,
            Scorer::Bm25Std | Scorer::Bm25StdNorm | Scorer::Bm25StdTanh
        );
        let is_wordless = self.root.as_ref().is_none_or(Condition::is_wordless);
        goes_by_words && (is_wordless || self.corpus.average_length == 0.0)
    }

    /// Whether the query asks for words.
    pub fn has_words(&self) -> bool {
        fn holds(node: &Node) -> bool {
            is_words(&node.kind) || node.children().iter().any(holds)
        }
        self.root.as_ref().is_some_and(|root| holds(root.node))
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
        let matched = self.matched(id, document, parts.as_mut());
        if let Some(reasons) = reasons {
            reasons.document = document;
            reasons.slop = slop;
            reasons.matched = matched;
            reasons.parts = parts.unwrap_or_default();
        }
        self.scorer
            .finish(matched, document, slop, self.tanh_factor)
    }

    /// What the query's conditions are worth.
    fn matched(
        &self,
        id: DocumentId,
        document: Document,
        mut notes: Option<&mut Vec<Part>>,
    ) -> f64 {
        let nearness = Uncounted::Present(1.0);
        let Some(root) = &self.root else {
            let worth = match self.is_nearest {
                true => nearness,
                false => Uncounted::Absent,
            };
            return uncounted(worth, notes);
        };
        // DISMAX takes the filter for all there is.
        if !self.is_nearest || self.scorer == Scorer::DisMax {
            return self.condition(root, id, document, notes).unwrap_or(0.0);
        }
        let mut inner = notes.is_some().then(Vec::new);
        uncounted(nearness, inner.as_mut());
        let filter = self.condition(root, id, document, inner.as_mut());
        self.join(Join::All, 1.0, filter, (inner, notes.take()))
    }

    /// The words and tags, as the index has them, that make a document pass: at most `max`. Of the nearest to a vector nobody tells.
    pub fn terms(&self, id: DocumentId, max: usize) -> Vec<String> {
        let mut terms = Vec::new();
        if let Some(root) = self.root.as_ref().filter(|_| !self.is_nearest) {
            self.gather_terms(root, id, &mut terms);
        }
        terms.truncate(max);
        terms.into_iter().map(str::to_owned).collect()
    }

    fn gather_terms<'w>(
        &'w self,
        condition: &'w Condition,
        id: DocumentId,
        terms: &mut Vec<&'w str>,
    ) {
        if !self.is_met(condition, id) {
            return;
        }
        let words = condition.words.iter().filter(|(sought, postings)| {
            let posting = postings.get(id);
            posting.is_some_and(|posting| sought.fields.has(posting.fields))
        });
        let words = words.map(|(sought, _)| sought.word.as_str());
        terms.extend(words.take(condition.counted()));
        let tags = condition.tags.iter().filter_map(|tags| {
            let mut held = tags.held.iter();
            held.find(|(_, ids)| ids.contains(id))
        });
        terms.extend(tags.map(|(tag, _)| *tag));
        for part in condition.ordered_parts(self.corpus.documents as usize) {
            self.gather_terms(part, id, terms);
        }
    }

    /// How far what the query is made of stands from each other in a document: the parts of a conjunction or a choice, or the words
    /// that a word stands for.
    fn spread(&self, id: DocumentId) -> u32 {
        let Some(root) = &self.root else { return 1 };
        let root = root.innermost();
        let places: Vec<Vec<u32>> = match &root.node.kind {
            Kind::And(_) | Kind::Or(_) => {
                let parts = root.parts.iter().filter(|part| self.is_met(part, id));
                parts.map(|part| self.places(part, id)).collect()
            }
            Kind::Word(_) | Kind::Phrase(_) => {
                let found = root.words.iter();
                found.filter_map(|held| places_of(held, id)).collect()
            }
            _ => return 1,
        };
        let positions: Vec<&[u32]> = places.iter().map(Vec::as_slice).collect();
        spread(&positions)
    }

    /// Whether a document that passes the query meets a condition.
    fn is_met(&self, condition: &Condition, id: DocumentId) -> bool {
        match (&condition.node.kind, &condition.passing) {
            (_, Some(passing)) => passing.contains(id),
            (Kind::Tag { .. }, _) => {
                let mut held = condition.tags.iter().flat_map(|tags| &tags.held);
                held.any(|(_, ids)| ids.contains(id))
            }
            (Kind::Or(_), _) => condition.parts.iter().any(|part| self.is_met(part, id)),
            (Kind::And(_), _) => condition.parts.iter().all(|part| self.is_met(part, id)),
            (kind, _) if is_words(kind) => {
                let mut found = condition.words.iter();
                found.any(|held| places_of(held, id).is_some())
            }
            _ => true,
        }
    }

    /// The places of a condition's words, merged.
    fn places(&self, condition: &Condition, id: DocumentId) -> Vec<u32> {
        if let Kind::Not(_) = condition.node.kind {
            return Vec::new();
        }
        let max = condition.counted();
        let own = condition.words.iter();
        let own = own.filter_map(|held| places_of(held, id)).take(max);
        let parts = condition.parts.iter().map(|part| self.places(part, id));
        let mut places: Vec<u32> = own.chain(parts).flatten().collect();
        places.sort_unstable();
        places
    }

    /// The score of one condition; none where the document does not meet it. Where somebody wants to know, where it comes from.
    fn condition(
        &self,
        condition: &Condition,
        id: DocumentId,
        document: Document,
        notes: Option<&mut Vec<Part>>,
    ) -> Option<f64> {
        self.weighed(condition, None, id, document, notes)
    }

    /// The same with another weight than its own, if one is given.
    fn weighed(
        &self,
        condition: &Condition,
        given: Option<f64>,
        id: DocumentId,
        document: Document,
        notes: Option<&mut Vec<Part>>,
    ) -> Option<f64> {
        let passing = condition.passing.as_ref();
        if passing.is_some_and(|passing| !passing.contains(id)) {
            return None;
        }
        let weight = given.unwrap_or(condition.node.options.weight);
        let mut inner = notes.is_some().then(Vec::new);
        let parts = condition.parts.iter();
        let of = |part: &Condition| self.condition(part, id, document, inner.as_mut());
        let (join, weight, scores) = match &condition.node.kind {
            Kind::And(_) => {
                let scores: Option<Scores> = parts.map(of).collect();
                (Join::All, weight, scores?)
            }
            Kind::Or(_) => (Join::Any, weight, parts.filter_map(of).collect()),
            Kind::Optional(_) => return Some(self.optional(condition, id, document, notes)),
            Kind::Word(_) | Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => {
                let is_one = condition.words.len() == 1;
                let of_leaf = given.filter(|_| is_one);
                let scores = self.words(condition, of_leaf, id, document, inner.as_mut());
                if is_one {
                    extend(notes, inner.into_iter().flatten());
                    return scores.first().copied();
                }
                let of_words = match condition.node.kind {
                    Kind::Word(_) => given.unwrap_or(1.0),
                    _ => weight,
                };
                (Join::Any, of_words, scores)
            }
            Kind::Tag { .. } => {
                let is_one = condition.tags.len() == 1;
                let of_leaf = given.filter(|_| is_one);
                let scores = self.tags(condition, of_leaf, id, document, inner.as_mut());
                if is_one {
                    extend(notes, inner.into_iter().flatten());
                    return scores.first().copied();
                }
                (Join::Any, weight, scores)
            }
            Kind::Phrase(words) => {
                let scores = self.words(condition, None, id, document, inner.as_mut());
                if scores.len() != words.len() {
                    return None;
                }
                (Join::All, weight, scores)
            }
            Kind::Not(_) if condition.is_everything => {
                return Some(self.other(weight, true, document, notes));
            }
            Kind::Not(_) | Kind::VectorRange(_) => {
                return Some(uncounted(Uncounted::Present(weight), notes));
            }
            Kind::Missing { .. } => return Some(uncounted(Uncounted::Absent, notes)),
            Kind::Geoshape { .. } => return Some(uncounted(Uncounted::Present(0.0), notes)),
            kind => return Some(self.other(weight, *kind == Kind::All, document, notes)),
        };
        if scores.is_empty() {
            return None;
        }
        Some(self.join(join, weight, scores, (inner, notes)))
    }

    /// The score of a condition that a document need not meet.
    fn optional(
        &self,
        condition: &Condition,
        id: DocumentId,
        document: Document,
        mut notes: Option<&mut Vec<Part>>,
    ) -> f64 {
        let inner = condition.innermost();
        // Its weight stands in place of what is inside.
        let weight = condition.node.options.weight;
        let score = self.weighed(inner, Some(weight), id, document, notes.as_deref_mut());
        let is_nested = !condition.parts.iter().any(|part| std::ptr::eq(part, inner));
        match (score, &inner.node.kind) {
            // What is missing counts here, as everything does, and so does what need not be where it need not be either.
            (Some(_), Kind::Missing { .. }) => {
                notes.as_deref_mut().and_then(Vec::pop);
                self.other(weight, true, document, notes)
            }
            (None, _) if is_nested => self.other(weight, true, document, notes),
            (score, _) => score.unwrap_or_else(|| uncounted(Uncounted::Absent, notes)),
        }
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
            frequency: 1,
            is_every,
        };
        extend(notes, [other]);
        score
    }

    /// The scores of those of a condition's words that stand in the document. Of what a part of a word stands for only the first
    /// one counts.
    fn words(
        &self,
        condition: &Condition,
        given: Option<f64>,
        id: DocumentId,
        document: Document,
        mut notes: Option<&mut Vec<Part>>,
    ) -> Scores {
        let held = condition.words.iter().filter_map(|(sought, postings)| {
            let posting = postings.get(id);
            let posting = posting.filter(|posting| sought.fields.has(posting.fields))?;
            let term = Term {
                frequency: posting.frequency,
                documents_with: postings.len() as u64,
            };
            let weight = given.unwrap_or(sought.weight);
            Some((sought.word.as_str(), weight, term))
        });
        let scored = held.map(|leaf| self.leaf(leaf, document, notes.as_deref_mut()));
        scored.take(condition.counted()).collect()
    }

    /// The scores of those values of a set that the document has. A tag counts as a word that stands there once.
    fn tags(
        &self,
        condition: &Condition,
        given: Option<f64>,
        id: DocumentId,
        document: Document,
        mut notes: Option<&mut Vec<Part>>,
    ) -> Scores {
        let weight = given.unwrap_or(condition.node.options.weight);
        let held = condition.tags.iter().filter_map(|tags| {
            let &(tag, ids) = tags.held.iter().find(|(_, ids)| ids.contains(id))?;
            let term = Term {
                frequency: 1,
                documents_with: ids.len(),
            };
            Some((tags, tag, term))
        });
        let scored = held.map(|(tags, tag, term)| {
            if tags.is_whole || tags.held.len() == 1 {
                let of_part = given.unwrap_or(1.0);
                let own = if tags.is_whole { weight } else { of_part };
                return self.leaf((tag, own, term), document, notes.as_deref_mut());
            }
            let mut inner = notes.is_some().then(Vec::new);
            let score = self.leaf((tag, 1.0, term), document, inner.as_mut());
            self.join(Join::Any, weight, [score], (inner, notes.as_deref_mut()))
        });
        scored.collect()
    }

    /// The score of parts that belong together; with where it comes from, if that is wanted.
    fn join(
        &self,
        join: Join,
        weight: f64,
        scores: impl IntoIterator<Item = f64>,
        (parts, notes): (Option<Vec<Part>>, Option<&mut Vec<Part>>),
    ) -> f64 {
        let score = self.scorer.join(join, weight, scores);
        let joined = parts.map(|parts| Part::Joined {
            score,
            weight,
            parts,
        });
        extend(notes, joined);
        score
    }

    /// The score of one word.
    fn leaf(
        &self,
        (word, weight, term): (&str, f64, Term),
        document: Document,
        notes: Option<&mut Vec<Part>>,
    ) -> f64 {
        let score = self.scorer.leaf(weight, term, document, self.corpus);
        if let Some(notes) = notes {
            notes.push(Part::Word {
                score,
                weight,
                word: word.to_owned(),
                frequency: term.frequency,
                rarity: self.scorer.rarity(term, self.corpus),
            });
        }
        score
    }
}

/// A condition that is worth nothing, as it is told of.
enum Uncounted {
    /// It has no frequency.
    Present(f64),
    /// It has no weight.
    Absent,
}

/// The score of a condition that a document meets by what it has not: nothing.
fn uncounted(how: Uncounted, notes: Option<&mut Vec<Part>>) -> f64 {
    let (weight, frequency) = match how {
        Uncounted::Present(weight) => (weight, 0),
        Uncounted::Absent => (0.0, 1),
    };
    let nothing = Part::Other {
        score: 0.0,
        weight,
        frequency,
        is_every: false,
    };
    extend(notes, [nothing]);
    0.0
}

/// Whether a condition asks for words itself.
fn is_words(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Word(_) | Kind::Phrase(_) | Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. }
    )
}

/// Where a word stands in a document, if it does in the fields that are asked: its places in other fields are told as well, as the
/// module measures.
fn places_of((sought, postings): &(Sought, &Postings), id: DocumentId) -> Option<Vec<u32>> {
    let posting = postings.get(id)?;
    let is_there = sought.fields.has(posting.fields);
    is_there.then(|| posting.places(FieldMask::ALL.0))
}

/// The tags that each value of a set stands for; values that no document has are left out.
fn tags_of<'q>(matcher: &Matcher<'q>, node: &Node) -> Vec<Tags<'q>> {
    let Kind::Tag { field, values } = &node.kind else {
        return Vec::new();
    };
    let tags = values.iter().map(|value| Tags {
        held: matcher.tags_of(*field, value),
        is_whole: matches!(value, TagValue::Whole(_)),
    });
    tags.filter(|tags| !tags.held.is_empty()).collect()
}

fn extend(notes: Option<&mut Vec<Part>>, more: impl IntoIterator<Item = Part>) {
    if let Some(notes) = notes {
        notes.extend(more);
    }
}

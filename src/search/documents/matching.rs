//! Which documents pass a tree of conditions: sets of ids, put together from the postings.

use super::distances::Distances;
use super::patience::Patience;
use super::pattern::{PartLimits, Wildcard, is_near};
use super::proximity::is_within;
use super::run::Question;
use super::shapes::Comparison;
use super::tree::{
    Affix, FieldMask, GeoRadius, Kind, Node, NumericRange, Options, Relation, TagValue, VectorRange,
};
use super::within::Within;
use crate::keyspace::documents::earth::distance_m;
use crate::keyspace::documents::fields::{DocumentId, FieldIndex};
use crate::keyspace::documents::index::{DocumentIndex, State};
use crate::keyspace::documents::postings::{Packed, Postings};
use crate::keyspace::documents::schema::FieldKind;
use crate::keyspace::documents::shape::Shape;
use crate::keyspace::documents::text::language::{Language, STEM_MARK};
use crate::keyspace::documents::text::metaphone::{SOUND_MARK, sound};
use roaring::RoaringBitmap;
use std::cell::Cell;
use std::ops::Bound;

/// What the conditions of a query are answered with.
pub struct Matcher<'a> {
    /// The index.
    pub index: &'a DocumentIndex,
    /// Its postings, held for the query.
    pub state: &'a State,
    /// The language of the query's words.
    pub language: Language,
    /// What words stand for beside themselves.
    pub expansion: Expansion,
    /// What bounds parts of words.
    pub parts: PartLimits,
    /// How long it may take. Loops that stop early have found less.
    pub patience: &'a Patience<'a>,
    /// Whether a part of a word stands for more words than were taken.
    pub is_cut: Cell<bool>,
    /// What the searches within radii found.
    within: &'a [Within<'a>],
    /// Distances of ranges that are named, by name. Filled while matching.
    pub distances: Vec<(String, Distances)>,
    /// Whether a range may lack somebody who was written meanwhile. Found out while matching.
    pub is_torn: bool,
}

/// What the words of a query stand for beside themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// Words of the same stem.
    pub by_stem: bool,
    /// Words that sound alike, in the fields that go by that.
    pub by_sound: bool,
}

impl Expansion {
    /// All that there is.
    pub const WHOLE: Expansion = Expansion {
        by_stem: true,
        by_sound: true,
    };
    /// Nothing.
    pub const NONE: Expansion = Expansion {
        by_stem: false,
        by_sound: false,
    };
}

/// Words of which one is asked for, and the fields where.
struct Group {
    words: Vec<String>,
    fields: FieldMask,
}

impl<'a> Matcher<'a> {
    /// For one question; `within` answers its ranges.
    pub fn new(
        index: &'a DocumentIndex,
        state: &'a State,
        question: &Question<'a>,
        within: &'a [Within<'a>],
    ) -> Matcher<'a> {
        Matcher {
            index,
            state,
            language: question.language,
            expansion: question.expansion,
            parts: question.parts,
            patience: question.patience,
            is_cut: Cell::new(false),
            within,
            distances: Vec::new(),
            is_torn: false,
        }
    }

    /// Documents that pass all that a question says of them.
    pub fn passing(&mut self, question: &Question) -> RoaringBitmap {
        let ids = self.matching(question.root);
        let Some(keys) = question.keys else {
            return ids;
        };
        let wanted = keys.iter().filter_map(|key| self.state.id_of(key));
        ids & wanted.collect::<RoaringBitmap>()
    }

    /// Documents that pass.
    pub fn matching(&mut self, node: &Node) -> RoaringBitmap {
        if self.is_unindexed(&node.kind) {
            return RoaringBitmap::new();
        }
        match &node.kind {
            Kind::Nothing => RoaringBitmap::new(),
            Kind::All => self.state.all.clone(),
            Kind::And(nodes) => self.all_of(nodes, &node.options),
            Kind::Or(nodes) => {
                let found = nodes.iter().map(|node| self.matching(node));
                found.fold(RoaringBitmap::new(), |all, ids| all | ids)
            }
            Kind::Not(inner) => {
                let ids = self.matching(inner);
                // Of a part of those that do not pass, nobody knows the rest.
                match self.patience.is_over() {
                    true => RoaringBitmap::new(),
                    false => &self.state.all - ids,
                }
            }
            Kind::Optional(inner) => {
                self.matching(inner);
                self.state.all.clone()
            }
            Kind::Word(_) | Kind::Affix(_) | Kind::Wildcard(_) | Kind::Fuzzy { .. } => {
                let words = self.words_of(node);
                self.holding(&words, node.fields)
            }
            Kind::Phrase(words) => self.phrase(words, node.fields),
            Kind::Tag { field, values } => self.tagged(*field, values),
            Kind::Numeric(range) => self.between(range),
            Kind::Geo(circle) => self.around(circle),
            Kind::Geoshape {
                field,
                relation,
                wkt,
            } => self.shaped(*field, *relation, wkt),
            Kind::VectorRange(range) => self.within(range),
            Kind::Missing { field } => &self.state.all - &self.state.fields[*field].present,
        }
    }

    /// Whether a condition asks for a value of a field that is kept for sorting alone. Words are not even asked there.
    fn is_unindexed(&self, kind: &Kind) -> bool {
        let field = match kind {
            Kind::Tag { field, .. } => *field,
            Kind::Numeric(range) => range.field,
            Kind::Geo(circle) => circle.field,
            _ => return false,
        };
        self.index.schema().fields[field].is_unindexed
    }

    fn all_of(&mut self, nodes: &[Node], options: &Options) -> RoaringBitmap {
        let mut found: Option<RoaringBitmap> = None;
        for node in nodes {
            let ids = self.matching(node);
            found = Some(match found {
                Some(found) => found & ids,
                None => ids,
            });
        }
        let found = found.unwrap_or_default();
        if options.slop.is_none() && options.in_order.is_none() {
            return found;
        }
        let slop = options.slop.unwrap_or(u32::MAX / 2);
        let is_in_order = options.in_order.unwrap_or(false);
        let groups: Vec<Group> = nodes.iter().map(|node| self.group(node)).collect();
        let is_close = |id: &DocumentId| self.is_close(&groups, *id, slop, is_in_order);
        let in_time = found.into_iter().take_while(|_| !self.patience.ends());
        in_time.filter(is_close).collect()
    }

    fn group(&self, node: &Node) -> Group {
        Group {
            words: self.words_of(node),
            fields: self.asked(node.fields),
        }
    }

    /// Whether one of each group of words stands near one of every other, in the fields that are asked. What has no places, as in
    /// indexes that keep none, is near everything.
    fn is_close(&self, groups: &[Group], id: DocumentId, slop: u32, is_in_order: bool) -> bool {
        let places = groups.iter().map(|group| {
            let found = group.words.iter().filter_map(|word| self.posting(word, id));
            let places = found.flat_map(|posting| posting.places(group.fields.0));
            let mut places: Vec<u32> = places.collect();
            places.sort_unstable();
            places
        });
        let keeps_places = !self.index.schema().options.no_offsets;
        let places: Vec<Vec<u32>> = places
            .zip(groups)
            .filter(|(places, group)| {
                !group.words.is_empty() && (keeps_places || !places.is_empty())
            })
            .map(|(places, _)| places)
            .collect();
        let places: Vec<&[u32]> = places.iter().map(Vec::as_slice).collect();
        is_within(&places, slop, is_in_order)
    }

    /// The posting of a word in a document.
    pub fn posting(&self, word: &str, id: DocumentId) -> Option<Packed<'a>> {
        self.state.words.get(word)?.get(id)
    }

    /// The fields that a condition asks; all where postings do not know theirs.
    pub fn asked(&self, fields: FieldMask) -> FieldMask {
        match self.index.schema().options.no_fields {
            true => FieldMask::ALL,
            false => fields,
        }
    }

    /// The indexed words that a condition on words stands for.
    pub fn words_of(&self, node: &Node) -> Vec<String> {
        match &node.kind {
            Kind::Word(word) => {
                let mut words = vec![word.text.clone()];
                if !word.is_verbatim && self.expansion.by_stem {
                    words.extend(self.language.stems().of_query(&word.text));
                }
                if !word.is_verbatim && self.expansion.by_sound {
                    words.extend(self.sound_of(node, &word.text));
                }
                words
            }
            Kind::Affix(affix) => self.with_part(affix, node.fields),
            Kind::Wildcard(pattern) => {
                let pattern = Wildcard::new(&pattern.to_lowercase());
                self.like(&pattern.prefix(), |word| pattern.matches(word))
            }
            Kind::Fuzzy { word, distance } => {
                self.like("", |other| is_near(word, other, *distance))
            }
            _ => Vec::new(),
        }
    }

    /// What a word sounds like, where a field that is asked goes by that.
    fn sound_of(&self, node: &Node, word: &str) -> Option<String> {
        let is_phonetic = self.index.schema().phonetic_fields() & node.fields.0 != 0;
        let is_asked = node.options.phonetic.unwrap_or(true);
        (is_phonetic && is_asked).then(|| sound(word)).flatten()
    }

    fn with_part(&self, affix: &Affix, fields: FieldMask) -> Vec<String> {
        let Some(affix) = affix.folded(self.parts.chars_min) else {
            return Vec::new();
        };
        if !affix.is_suffix {
            return self.like(&affix.text, |word| affix.matches(word));
        }
        let Some(words) = self.state.words.having(&affix.text, self.asked(fields).0) else {
            return self.like("", |word| affix.matches(word));
        };
        let words = words
            .into_iter()
            .filter(|word| !word.starts_with([STEM_MARK, SOUND_MARK]));
        let words = words.filter(|word| affix.matches(word)).map(str::to_owned);
        self.bounded(words).collect()
    }

    /// The first words that begin with `prefix` and are as `is_like` wants them; stems are none.
    fn like(&self, prefix: &str, is_like: impl Fn(&str) -> bool) -> Vec<String> {
        let words = self.state.words.beginning(prefix);
        let in_time = words.take_while(|_| !self.patience.ends());
        let like =
            in_time.filter(|word| !word.starts_with([STEM_MARK, SOUND_MARK]) && is_like(word));
        self.bounded(like.map(str::to_owned)).collect()
    }

    /// As many of them as a part of a word may stand for.
    fn bounded<T>(&self, found: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        let max = self.parts.expansions_max;
        let found = found.enumerate().take_while(move |(place, _)| {
            let is_within = *place < max;
            self.is_cut.set(self.is_cut.get() || !is_within);
            is_within
        });
        found.map(|(_, found)| found)
    }

    fn holding(&self, words: &[String], fields: FieldMask) -> RoaringBitmap {
        let mut found = RoaringBitmap::new();
        let fields = self.asked(fields);
        for word in words {
            let postings = self.state.words.get(word).into_iter();
            let postings = postings.flat_map(Postings::iter);
            let postings = postings.take_while(|_| !self.patience.ends());
            let asked = postings.filter(|(_, posting)| fields.has(posting.fields));
            found.extend(asked.map(|(id, _)| id));
        }
        found
    }

    fn phrase(&self, words: &[String], fields: FieldMask) -> RoaringBitmap {
        let Some((first, others)) = words.split_first() else {
            return RoaringBitmap::new();
        };
        let mut found = self.holding(std::slice::from_ref(first), fields);
        for word in others {
            found &= self.holding(std::slice::from_ref(word), fields);
        }
        let fields = self.asked(fields);
        let group = |word: &String| Group {
            words: vec![word.clone()],
            fields,
        };
        let groups: Vec<Group> = words.iter().map(group).collect();
        let is_phrase = |id: &DocumentId| self.is_close(&groups, *id, 0, true);
        let in_time = found.into_iter().take_while(|_| !self.patience.ends());
        in_time.filter(is_phrase).collect()
    }

    fn tagged(&self, field: usize, values: &[TagValue]) -> RoaringBitmap {
        let schema = self.index.schema();
        let is_case_sensitive = matches!(
            schema.fields[field].kind,
            FieldKind::Tag {
                is_case_sensitive: true,
                ..
            }
        );
        let folded = |text: &str| match is_case_sensitive {
            true => text.to_owned(),
            false => text.to_lowercase(),
        };
        let tags = &self.state.fields[field].tags;
        let mut found = RoaringBitmap::new();
        for value in values {
            match value {
                TagValue::Whole(text) => {
                    if let Some(ids) = tags.get(folded(text.trim()).as_str()) {
                        found |= ids;
                    }
                }
                TagValue::Affix(affix) => {
                    let affix = Affix {
                        text: folded(&affix.text),
                        ..*affix
                    };
                    let like = self.tags_like(field, &affix);
                    self.bounded(like).for_each(|ids| found |= ids);
                }
                TagValue::Wildcard(pattern) => {
                    let pattern = Wildcard::new(&folded(pattern));
                    let in_time = tags.iter().take_while(|_| !self.patience.ends());
                    let like = in_time.filter(|(tag, _)| pattern.matches(tag));
                    self.bounded(like).for_each(|(_, ids)| found |= ids);
                }
            }
        }
        found
    }

    /// The documents of each value that has a part.
    fn tags_like<'m>(
        &'m self,
        field: usize,
        affix: &'m Affix,
    ) -> Box<dyn Iterator<Item = &'m RoaringBitmap> + 'm> {
        let FieldIndex {
            tags, tag_suffixes, ..
        } = &self.state.fields[field];
        if let Some(suffixes) = tag_suffixes.as_ref().filter(|_| affix.is_suffix) {
            let values = suffixes.having(&affix.text).into_iter();
            let values = values.filter(|value| affix.matches(value));
            return Box::new(values.filter_map(|value| tags.get(value)));
        }
        let in_time = tags.iter().take_while(|_| !self.patience.ends());
        let like = in_time.filter(|(tag, _)| affix.matches(tag));
        Box::new(like.map(|(_, ids)| ids))
    }

    fn between(&self, range: &NumericRange) -> RoaringBitmap {
        let bound = |value: f64, is_included: bool, end: f64| match is_included {
            true if value == end => Bound::Unbounded,
            true => Bound::Included(value),
            false => Bound::Excluded(value),
        };
        let (min, max) = (
            bound(range.min, range.includes_min, f64::NEG_INFINITY),
            bound(range.max, range.includes_max, f64::INFINITY),
        );
        self.state.fields[range.field].numbers.between(min, max)
    }

    /// Compared with every shape. A text that is no shape was refused before.
    fn shaped(&self, field: usize, relation: Relation, text: &str) -> RoaringBitmap {
        let Ok(shape) = Shape::parse(text) else {
            return RoaringBitmap::new();
        };
        let kind = &self.index.schema().fields[field].kind;
        let is_flat = matches!(kind, FieldKind::Geoshape { is_flat: true });
        let comparison = Comparison::new(&shape, relation, is_flat);
        let all = self.state.fields[field].shapes.iter();
        let in_time = all.take_while(|_| !self.patience.ends());
        let found = in_time.filter(|(_, shapes)| shapes.iter().any(|it| comparison.holds(it)));
        found.map(|(id, _)| *id).collect()
    }

    fn around(&self, circle: &GeoRadius) -> RoaringBitmap {
        let centre = (circle.longitude, circle.latitude);
        let is_near = |point: &(f64, f64)| distance_m(centre, *point) <= circle.radius_m();
        let points = self.state.fields[circle.field].points.iter();
        let points = points.take_while(|_| !self.patience.ends());
        let near = points.filter(|(_, points)| points.iter().any(is_near));
        near.map(|(id, _)| *id).collect()
    }

    fn within(&mut self, range: &VectorRange) -> RoaringBitmap {
        let found = self.within.iter().find(|within| within.answers(range));
        let (hits, is_torn) = found.map_or_else(Default::default, |w| w.documents(self.state));
        self.is_torn |= is_torn;
        let found = hits.ids().collect();
        if let Some(name) = &range.distance_name {
            self.distances.push((name.clone(), hits));
        }
        found
    }
}

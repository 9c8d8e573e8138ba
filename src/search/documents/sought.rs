//! What a condition stands for: the words of the index that one word, or a part of one, is looked up as, each with its fields and its
//! weight, and the values of a set of tags.

use super::matching::Matcher;
use super::pattern::{Wildcard, is_near};
use super::tree::{Affix, FieldMask, Kind, Node, TagValue, Word};
use crate::keyspace::documents::fields::FieldIndex;
use crate::keyspace::documents::postings::Postings;
use crate::keyspace::documents::schema::{FieldKind, Schema};
use crate::keyspace::documents::text::language::Language;
use crate::keyspace::documents::text::metaphone::{SOUND_MARK, sound_of_query};
use roaring::RoaringBitmap;

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

/// A word that is looked up.
#[derive(Clone, Debug, PartialEq)]
pub struct Sought {
    /// As the index has it; stems and sounds have their marks.
    pub word: String,
    /// Where it is looked for.
    pub fields: FieldMask,
    /// Factor of its score: what a query says of a word's weight does not hold for what else the word stands for.
    pub weight: f64,
}

impl Sought {
    /// A word for itself.
    pub fn plain(word: &str, fields: FieldMask) -> Sought {
        Sought {
            word: word.to_owned(),
            fields,
            weight: 1.0,
        }
    }
}

/// A word, what it sounds like and its stems. Fields that are not stemmed are not asked for stems if they are named, and alone
/// for nothing but the word.
pub fn expanded<'n>(
    node: &'n Node,
    word: &'n Word,
    schema: &Schema,
    language: Language,
    expansion: Expansion,
) -> impl Iterator<Item = Sought> + use<'n> {
    let stemmed = match node.fields.is_all() {
        true => FieldMask::ALL,
        false => FieldMask(node.fields.0 & schema.stemmed_fields()),
    };
    let is_expanded = !word.is_verbatim && !word.text.is_empty() && stemmed.0 != 0;
    let is_phonetic = schema.phonetic_fields() & node.fields.0 != 0;
    let by_sound = expansion.by_sound && is_phonetic && node.options.phonetic.unwrap_or(true);
    let sound = (is_expanded && by_sound).then(|| sound_of_query(&word.text));
    let stems = match is_expanded && expansion.by_stem {
        true => language.stems().of_query(&word.text),
        false => Vec::new(),
    };
    let own = Sought {
        weight: node.options.weight,
        ..Sought::plain(&word.text, node.fields)
    };
    let sounds = sound.flatten().into_iter();
    let sounds = sounds.map(|sound| Sought::plain(&sound, node.fields));
    let stems = stems.into_iter();
    let stems = stems.map(move |stem| Sought::plain(&stem, stemmed));
    std::iter::once(own).chain(sounds).chain(stems)
}

impl<'a> Matcher<'a> {
    /// The words that a condition on words stands for.
    pub fn words_of(&self, node: &Node) -> Vec<Sought> {
        let plain = |words: Vec<String>| {
            let sought = words.iter().map(|word| Sought::plain(word, node.fields));
            sought.collect()
        };
        match &node.kind {
            Kind::Word(word) => {
                let sought = expanded(
                    node,
                    word,
                    self.index.schema(),
                    self.language,
                    self.expansion,
                );
                sought.collect()
            }
            Kind::Affix(affix) => plain(self.with_part(affix, node.fields)),
            Kind::Wildcard(pattern) => {
                let pattern = Wildcard::new(&pattern.to_lowercase());
                plain(self.like(&pattern.prefix(), node.fields, |word| pattern.matches(word)))
            }
            Kind::Fuzzy { word, distance } => {
                // Sounds, in capitals, are near words by their letters alone.
                let is_near = |other: &str| match other.starts_with(SOUND_MARK) {
                    true => is_near(word, &other.to_lowercase(), *distance),
                    false => is_near(word, other, *distance),
                };
                plain(self.like("", node.fields, is_near))
            }
            _ => Vec::new(),
        }
    }

    fn with_part(&self, affix: &Affix, fields: FieldMask) -> Vec<String> {
        let Some(affix) = affix.folded(self.parts.bytes_min) else {
            return Vec::new();
        };
        if !affix.is_suffix {
            return self.like(&affix.text, fields, |word| affix.matches(word));
        }
        let Some(words) = self.state.words.having(&affix.text, self.asked(fields).0) else {
            return self.like("", fields, |word| affix.matches(word));
        };
        let words = words.into_iter().filter(|word| affix.matches(word));
        self.bounded(words.map(str::to_owned)).collect()
    }

    /// The first words of some fields that begin with `prefix` and are as `is_like` wants them; stems and sounds, with their marks,
    /// are words too.
    fn like(&self, prefix: &str, fields: FieldMask, is_like: impl Fn(&str) -> bool) -> Vec<String> {
        let words = self.state.words.beginning(prefix);
        let in_time = words.take_while(|_| !self.patience.ends());
        let fields = self.asked(fields);
        let is_there = |word: &&str| {
            let postings = self.state.words.get(word).into_iter();
            let postings = postings.flat_map(Postings::iter);
            let mut in_time = postings.take_while(|_| !self.patience.ends());
            fields.is_all() || in_time.any(|(_, posting)| fields.has(posting.fields))
        };
        let like = in_time.filter(|word| is_like(word)).filter(is_there);
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

    /// The tags that a value of a set stands for, each with its documents.
    pub fn tags_of(&self, field: usize, value: &TagValue) -> Vec<(&'a str, &'a RoaringBitmap)> {
        let tags = &self.state.fields[field].tags;
        let known = |tag: &str| tags.get_key_value(tag).map(|(tag, ids)| (&**tag, ids));
        match value {
            TagValue::Whole(text) => {
                // As the field's values are: see `split_tags`.
                let text = match self.index.schema().fields[field].kind {
                    FieldKind::Tag {
                        separator: None, ..
                    } => text,
                    _ => text.trim(),
                };
                let tag = self.folded_tag(field, text);
                known(&tag).into_iter().collect()
            }
            TagValue::Affix(affix) if affix.text.len() < self.parts.bytes_min => Vec::new(),
            TagValue::Affix(affix) => {
                let affix = Affix {
                    text: self.folded_tag(field, &affix.text),
                    ..*affix
                };
                self.bounded(self.tags_like(field, &affix)).collect()
            }
            TagValue::Wildcard(pattern) => {
                let pattern = Wildcard::new(&self.folded_tag(field, pattern));
                let in_time = tags.iter().take_while(|_| !self.patience.ends());
                let like = in_time.filter(|(tag, _)| pattern.matches(tag));
                self.bounded(like.map(|(tag, ids)| (&**tag, ids))).collect()
            }
        }
    }

    fn folded_tag(&self, field: usize, text: &str) -> String {
        match self.index.schema().fields[field].kind {
            FieldKind::Tag {
                is_case_sensitive: true,
                ..
            } => text.to_owned(),
            _ => text.to_lowercase(),
        }
    }

    /// The tags that have a part.
    fn tags_like<'m>(
        &'m self,
        field: usize,
        affix: &'m Affix,
    ) -> Box<dyn Iterator<Item = (&'a str, &'a RoaringBitmap)> + 'm> {
        let state = self.state;
        let FieldIndex {
            tags, tag_suffixes, ..
        } = &state.fields[field];
        if let Some(suffixes) = tag_suffixes.as_ref().filter(|_| affix.is_suffix) {
            let values = suffixes.having(&affix.text).into_iter();
            let values = values.filter(|value| affix.matches(value));
            let held = values.filter_map(|value| tags.get_key_value(value));
            return Box::new(held.map(|(tag, ids)| (&**tag, ids)));
        }
        let in_time = tags.iter().take_while(|_| !self.patience.ends());
        let like = in_time.filter(|(tag, _)| affix.matches(tag));
        Box::new(like.map(|(tag, ids)| (&**tag, ids)))
    }
}

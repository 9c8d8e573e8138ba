//! Which documents hold a value: postings of words and tags, numbers in order, points and shapes by where they are. Documents are
//! named by ids, which grow with the time of indexing.

use super::numbers::Numbers;
use super::packed::PackedValue;
use super::pages::Pages;
use super::places::extent::Ground;
use super::places::{Points, Shapes};
use super::postings::Posting;
use super::schema::{Field, FieldKind, IndexOptions, Schema};
use super::text::language::{Language, Stems};
use super::text::metaphone::sound_of_document;
use super::text::stop_words::StopWords;
use super::text::tokenize::tokenize;
use super::values::{DocumentValues, FieldValue};
use super::vocabulary::Suffixes;
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

/// A document's number in its index: the later it was indexed, the greater.
pub type DocumentId = u32;

/// What one field knows. Only the part that its kind needs is ever filled.
#[derive(Default)]
pub struct FieldIndex {
    /// Documents that hold it.
    pub present: RoaringBitmap,
    /// TAG: documents by value.
    pub tags: BTreeMap<Box<str>, RoaringBitmap>,
    /// TAG WITHSUFFIXTRIE: the values by their parts.
    pub tag_suffixes: Option<Suffixes>,
    /// NUMERIC: documents by number.
    pub numbers: Numbers,
    /// GEO: documents by their points.
    pub points: Points,
    /// GEOSHAPE: documents by their shapes.
    pub shapes: Shapes,
}

/// A value of a TAG field with its documents, as a snapshot has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedTag {
    /// The value.
    pub tag: Box<str>,
    /// Its documents.
    pub ids: RoaringBitmap,
}

/// What a snapshot has of a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedField {
    /// TAG.
    pub tags: Vec<SavedTag>,
    /// NUMERIC: numbers, each with a document.
    pub numbers: Vec<(f64, DocumentId)>,
}

/// The words of one document.
#[derive(Default)]
pub struct DocumentWords {
    /// With their postings.
    pub postings: HashMap<Box<str>, Posting>,
    /// Words, counted by the fields' weights.
    pub length: u32,
    /// The frequency of the most frequent one.
    pub frequency_max: u32,
}

/// What one occurrence of a word counts for: the field's weight cut to an integer, 1 at least; a stem a fifth of it.
pub fn times(weight: f64, is_stem: bool) -> u32 {
    let factor = if is_stem { 0.2f32 } else { 1.0 };
    (weight as f32 * factor).max(1.0) as u32
}

/// Words between two values of one field: so far is no phrase.
const VALUES_APART: u32 = 100;

/// Cuts the texts of a document into words and their stems.
pub fn words_of(schema: &Schema, values: &DocumentValues, stop_words: &StopWords) -> DocumentWords {
    let mut words = DocumentWords::default();
    let language = (values.language, &values.language.stems());
    let mut before = 0;
    for (at, (field, value)) in schema.fields.iter().zip(&values.fields).enumerate() {
        let (Some(bit), FieldValue::Texts(texts)) = (schema.text_bit(at), value) else {
            continue;
        };
        for (at, text) in texts.iter().enumerate() {
            before += if at > 0 { VALUES_APART } else { 0 };
            before = words.add(language, (field, bit), text, stop_words, before);
        }
    }
    let postings = words.postings.values_mut();
    postings.for_each(|posting| keep(schema.options, posting));
    let frequencies = words.postings.values().map(|posting| posting.frequency);
    words.frequency_max = frequencies.max().unwrap_or(0);
    words
}

/// Leaves out what the index does not keep.
fn keep(options: IndexOptions, posting: &mut Posting) {
    if options.no_offsets {
        posting.places.clear();
    }
    if options.no_frequencies {
        posting.frequency = 1;
    }
    if options.no_fields {
        posting.fields = 1;
        posting.places.iter_mut().for_each(|(field, _)| *field = 0);
    }
}

impl DocumentWords {
    /// Adds one text, its positions behind `before`; the last position.
    fn add(
        &mut self,
        (language, stems): (Language, &Stems),
        (field, bit): (&Field, u128),
        text: &str,
        stop_words: &StopWords,
        before: u32,
    ) -> u32 {
        let FieldKind::Text {
            weight,
            is_unstemmed,
            ref phonetic,
        } = field.kind
        else {
            return before;
        };
        let stems = (!is_unstemmed).then_some(stems);
        let times = |is_stem| times(weight, is_stem);
        let mut last = before;
        for token in tokenize(text, stop_words, language) {
            if token.text.is_empty() && !field.indexes_empty {
                continue;
            }
            last = before + token.position;
            self.length += times(false);
            let stem = stems.and_then(|stems| stems.of_document(&token.text));
            let sound = phonetic
                .as_ref()
                .and_then(|_| sound_of_document(&token.text));
            self.note(token.text, bit, times(false), last);
            if let Some(stem) = stem {
                self.note(stem, bit, times(true), last);
            }
            if let Some(sound) = sound {
                self.note(sound, bit, times(false), last);
            }
        }
        last
    }

    fn note(&mut self, word: String, bit: u128, times: u32, position: u32) {
        let posting = self.postings.entry(word.into()).or_default();
        posting.fields |= bit;
        posting.frequency += times;
        posting.places.push((bit.trailing_zeros() as u8, position));
    }
}

impl FieldIndex {
    /// Of a field that no document has yet.
    pub fn of(field: &Field) -> FieldIndex {
        let is_tag = matches!(field.kind, FieldKind::Tag { .. });
        FieldIndex {
            tag_suffixes: (is_tag && field.has_suffixes).then(Suffixes::default),
            shapes: Shapes::on(ground_of(field)),
            ..FieldIndex::default()
        }
    }

    /// What a snapshot has of a field, its documents under other ids, which come in the same order; and what documents hold, by these
    /// ids ascending. Documents that get no id are left out.
    pub(super) fn restored<'v>(
        field: &Field,
        saved: SavedField,
        new_ids: &Pages<DocumentId>,
        values: impl Iterator<Item = (DocumentId, &'v FieldValue)>,
    ) -> FieldIndex {
        let mut index = FieldIndex::of(field);
        let (mut present, mut has_several) = (Vec::new(), false);
        let (mut points, mut shapes) = (Vec::new(), Vec::new());
        for (id, value) in values {
            match value {
                FieldValue::Missing => continue,
                FieldValue::Numbers(numbers) => has_several |= numbers.len() > 1,
                FieldValue::Points(of_document) => points.push((id, &of_document[..])),
                FieldValue::Shapes(of_document) => shapes.push((id, &of_document[..])),
                FieldValue::Tags(_) | FieldValue::Texts(_) | FieldValue::Vectors(_) => {}
            }
            present.push(id);
        }
        index.present = ascending(present);
        index.points = Points::of_all(points.into_iter());
        index.shapes = Shapes::of_all(ground_of(field), shapes.into_iter());
        let new_id = |id: DocumentId| new_ids.get(id).copied();
        for SavedTag { tag, ids } in saved.tags {
            let ids = ascending(ids.iter().filter_map(new_id).collect());
            if let Some(suffixes) = index.tag_suffixes.as_mut().filter(|_| !ids.is_empty()) {
                suffixes.add(&Arc::from(&*tag));
            }
            if !ids.is_empty() {
                *index.tags.entry(tag).or_default() |= ids;
            }
        }
        let numbers = saved.numbers.into_iter();
        let numbers = numbers.filter_map(|(number, id)| Some((number, new_id(id)?)));
        index.numbers = Numbers::of_all(numbers.collect(), has_several);
        index
    }

    /// Values of tags behind one, or all, for a snapshot: with so many documents, or a few more.
    pub(super) fn tags_after(&self, after: Option<&str>, count: usize) -> Vec<SavedTag> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (mut found, mut documents) = (Vec::new(), 0);
        for (tag, ids) in self.tags.range::<str, _>((after, Bound::Unbounded)) {
            if documents >= count {
                break;
            }
            documents += ids.len() as usize;
            found.push(SavedTag {
                tag: tag.clone(),
                ids: ids.clone(),
            });
        }
        found
    }

    /// Adds a document's value.
    pub fn add(&mut self, id: DocumentId, value: &FieldValue) {
        match value {
            FieldValue::Missing => return,
            FieldValue::Tags(tags) => tags.iter().for_each(|tag| {
                self.tags.entry(tag.as_str().into()).or_default().insert(id);
                if let Some(suffixes) = &mut self.tag_suffixes {
                    suffixes.add(&tag.as_str().into());
                }
            }),
            FieldValue::Numbers(numbers) => self.numbers.add(id, numbers),
            FieldValue::Points(points) => self.points.add(id, points),
            FieldValue::Shapes(shapes) => self.shapes.add(id, shapes),
            FieldValue::Texts(_) | FieldValue::Vectors(_) => {}
        }
        self.present.insert(id);
    }

    /// Takes a document's value out.
    pub fn remove(&mut self, id: DocumentId, value: PackedValue<'_>) {
        self.present.remove(id);
        match value {
            PackedValue::Missing => {}
            PackedValue::Tags(tags) => tags.iter().for_each(|tag| {
                let is_gone = take_out(&mut self.tags, tag, id);
                if let Some(suffixes) = self.tag_suffixes.as_mut().filter(|_| is_gone) {
                    suffixes.remove(&tag.into());
                }
            }),
            PackedValue::Numbers(numbers) => self.numbers.remove(id, numbers.iter()),
            PackedValue::Elsewhere => {
                self.points.remove(id);
                self.shapes.remove(id);
            }
        }
    }
}

/// What the shapes of a GEOSHAPE field are on.
pub fn ground_of(field: &Field) -> Ground {
    match field.kind {
        FieldKind::Geoshape { is_flat: true } => Ground::Plane,
        _ => Ground::Sphere,
    }
}

/// The set of ids that ascend.
fn ascending(ids: Vec<DocumentId>) -> RoaringBitmap {
    debug_assert!(ids.is_sorted_by(|one, other| one < other));
    RoaringBitmap::from_sorted_iter(ids).unwrap_or_default()
}

/// Takes a document out of one of the sets; whether the set went with it.
fn take_out<K, Q>(map: &mut BTreeMap<K, RoaringBitmap>, key: &Q, id: DocumentId) -> bool
where
    K: std::borrow::Borrow<Q> + Ord,
    Q: Ord + ?Sized,
{
    let Some(ids) = map.get_mut(key) else {
        return false;
    };
    ids.remove(id);
    ids.is_empty() && map.remove(key).is_some()
}

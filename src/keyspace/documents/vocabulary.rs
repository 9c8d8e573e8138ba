//! The words of an index: which there are, each with its documents, found by the whole word, by how it begins, and, where fields
//! say WITHSUFFIXTRIE, by how it goes on from any of its characters.

use super::fields::DocumentId;
use super::pages::Pages;
use super::postings::{Posting, Postings};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, Range};
use std::sync::Arc;

/// A word's number in its index; it may be another word's once its word is gone.
pub type WordId = u32;

/// Documents whose words are found out together while an index is restored: their counts stay in the cache.
const DOCUMENTS_AT_ONCE: usize = 1 << 15;

/// All words.
#[derive(Default)]
pub struct Vocabulary {
    ids: BTreeMap<Arc<str>, WordId>,
    words: Vec<Option<Word>>,
    free: Vec<WordId>,
    /// TEXT fields whose words are found by their parts as well.
    suffix_fields: u128,
    suffixes: Suffixes,
    /// Places of words in documents, and their bytes.
    places: (usize, usize),
}

struct Word {
    text: Arc<str>,
    postings: Postings,
}

/// A word with its documents, as a snapshot has it.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedWord {
    /// The word.
    pub text: Arc<str>,
    /// Its documents.
    pub postings: Postings,
}

/// A word out of a snapshot.
struct Restored {
    word: Word,
    /// The TEXT fields that it stands in.
    fields: u128,
    /// Its places in documents, and their bytes.
    places: (usize, usize),
}

impl Restored {
    /// None if no document has it any more.
    fn of(saved: SavedWord, new_ids: &Pages<DocumentId>) -> Option<Restored> {
        let postings = saved.postings.renumbered(|id| new_ids.get(id).copied());
        let (mut fields, mut places) = (0, (0, 0));
        for (_, posting) in postings.iter() {
            let (count, bytes) = posting.size();
            fields |= posting.fields;
            places = (places.0 + count, places.1 + bytes);
        }
        let word = Word {
            text: saved.text,
            postings,
        };
        (!word.postings.is_empty()).then_some(Restored {
            word,
            fields,
            places,
        })
    }
}

impl Vocabulary {
    /// Words of these TEXT fields are found by their parts.
    pub fn new(suffix_fields: u128) -> Vocabulary {
        Vocabulary {
            suffix_fields,
            ..Vocabulary::default()
        }
    }

    /// The words of a snapshot, their documents under other ids, which come in the same order; documents that get none are left out.
    /// None if a word comes twice.
    pub(super) fn restored(
        suffix_fields: u128,
        saved: Vec<SavedWord>,
        new_ids: &Pages<DocumentId>,
    ) -> Option<Vocabulary> {
        let restored = saved.into_par_iter();
        let restored = restored.filter_map(|word| Restored::of(word, new_ids));
        let restored: Vec<Restored> = restored.collect();
        let mut vocabulary = Vocabulary::new(suffix_fields);
        let texts = restored.iter().map(|it| Arc::clone(&it.word.text));
        vocabulary.ids = texts.zip(0..).collect();
        if vocabulary.ids.len() != restored.len() {
            return None;
        }
        for it in restored {
            vocabulary.places.0 += it.places.0;
            vocabulary.places.1 += it.places.1;
            if it.fields & suffix_fields != 0 {
                vocabulary.suffixes.add(&it.word.text);
            }
            vocabulary.words.push(Some(it.word));
        }
        Some(vocabulary)
    }

    /// The numbers of the words of all documents, whose ids are 1 to `count`.
    pub(super) fn numbers_by_document(&self, count: usize) -> Vec<Box<[WordId]>> {
        let end = count as DocumentId + 1;
        let starts = (1..end).step_by(DOCUMENTS_AT_ONCE).collect::<Vec<_>>();
        let ranges = starts.into_par_iter();
        let ranges = ranges.map(|start| start..end.min(start + DOCUMENTS_AT_ONCE as DocumentId));
        ranges
            .flat_map_iter(|range| self.numbers_within(&range))
            .collect()
    }

    fn numbers_within(
        &self,
        range: &Range<DocumentId>,
    ) -> impl Iterator<Item = Box<[WordId]>> + use<> {
        let mut counts = vec![0; range.len()];
        let words = || self.words.iter().flatten().zip(0..);
        for (word, _) in words() {
            let count = |id| counts[(id - range.start) as usize] += 1;
            word.postings.each_within(range, count);
        }
        let mut numbers: Vec<Vec<WordId>> = counts.into_iter().map(Vec::with_capacity).collect();
        for (word, number) in words() {
            let note = |id| numbers[(id - range.start) as usize].push(number);
            word.postings.each_within(range, note);
        }
        numbers.into_iter().map(Vec::into_boxed_slice)
    }

    /// Words from this number on, for a snapshot: so many bytes, about. With the number to go on with, if there is more.
    pub(super) fn saved_from(
        &self,
        from: WordId,
        bytes_max: usize,
    ) -> (Vec<SavedWord>, Option<WordId>) {
        let (mut saved, mut bytes) = (Vec::new(), 0);
        let rest = self.words.get(from as usize..).unwrap_or_default();
        for (place, number) in rest.iter().zip(from..) {
            if bytes >= bytes_max {
                return (saved, Some(number));
            }
            if let Some(word) = place {
                bytes += word.text.len() + word.postings.size().1;
                saved.push(SavedWord {
                    text: Arc::clone(&word.text),
                    postings: word.postings.clone(),
                });
            }
        }
        (saved, None)
    }

    /// As well those of these fields, which have no words yet.
    pub fn add_suffix_fields(&mut self, fields: u128) {
        self.suffix_fields |= fields;
    }

    /// Number of places of words in documents, and the bytes that they take.
    pub fn places(&self) -> (usize, usize) {
        self.places
    }

    /// Number of words.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The documents of a word.
    pub fn get(&self, word: &str) -> Option<&Postings> {
        let id = *self.ids.get(word)?;
        Some(&self.words[id as usize].as_ref()?.postings)
    }

    /// The words that begin so, in their order.
    pub fn beginning<'v>(&'v self, prefix: &'v str) -> impl Iterator<Item = &'v str> {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        let words = self.ids.range::<str, _>(from).map(|(word, _)| &**word);
        words.take_while(move |word| word.starts_with(prefix))
    }

    /// The words of these fields that have a part, in their order; none if only going through all words tells.
    pub fn having(&self, part: &str, fields: u128) -> Option<BTreeSet<&str>> {
        let is_kept = fields & !self.suffix_fields == 0;
        is_kept.then(|| self.suffixes.having(part))
    }

    /// All words with their documents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Postings)> {
        self.words
            .iter()
            .flatten()
            .map(|word| (&*word.text, &word.postings))
    }

    /// Bytes of words and of their parts, about.
    pub fn word_bytes(&self) -> usize {
        // The text once with two counts, and in both maps.
        let of_word = |word: &Arc<str>| word.len() + 2 * size_of::<usize>();
        let texts: usize = self.ids.keys().map(of_word).sum();
        let entries = self.ids.len() * (size_of::<(Arc<str>, WordId)>() * 3 / 2);
        texts + entries + self.words.capacity() * size_of::<Arc<str>>() + self.suffixes.bytes()
    }

    /// Adds a document, whose id is greater than all others; the numbers of its words.
    pub fn put(&mut self, id: DocumentId, postings: HashMap<Box<str>, Posting>) -> Box<[WordId]> {
        let numbers = postings.into_iter().map(|(text, posting)| {
            let number = self.number(&text);
            if let Some(word) = &mut self.words[number as usize] {
                self.places.0 += posting.places.len();
                self.places.1 += word.postings.push(id, &posting);
                if posting.fields & self.suffix_fields != 0 {
                    self.suffixes.add(&word.text);
                }
            }
            number
        });
        numbers.collect()
    }

    /// Takes a document out of its words.
    pub fn remove(&mut self, id: DocumentId, words: impl IntoIterator<Item = WordId>) {
        for number in words {
            let place = &mut self.words[number as usize];
            let Some(word) = place else { continue };
            if let Some(posting) = word.postings.get(id) {
                let (places, bytes) = posting.size();
                self.places.0 -= places;
                self.places.1 -= bytes;
            }
            word.postings.remove(id);
            if word.postings.is_empty() {
                self.suffixes.remove(&word.text);
                self.ids.remove(&word.text);
                *place = None;
                self.free.push(number);
            }
        }
    }

    fn number(&mut self, text: &str) -> WordId {
        if let Some(number) = self.ids.get(text) {
            return *number;
        }
        let text: Arc<str> = text.into();
        let word = Word {
            text: Arc::clone(&text),
            postings: Postings::default(),
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.words[number as usize] = Some(word);
                number
            }
            None => {
                self.words.push(Some(word));
                self.words.len() as WordId - 1
            }
        };
        self.ids.insert(text, number);
        number
    }
}

/// Longer words, in bytes, are gone through one by one: an entry for each of their characters would take their length squared.
const LONG: usize = 128;

/// Words by what follows from each of their characters on.
#[derive(Default)]
pub struct Suffixes {
    rests: BTreeSet<Suffix>,
    long: BTreeSet<Arc<str>>,
}

/// The rest of a word.
#[derive(Clone)]
struct Suffix {
    word: Arc<str>,
    at: u32,
}

impl Suffix {
    fn text(&self) -> &str {
        &self.word[self.at as usize..]
    }
}

impl Ord for Suffix {
    fn cmp(&self, other: &Suffix) -> Ordering {
        // Of one text the word that is nothing more comes first: so a range that begins there misses none.
        let by_text = self.text().cmp(other.text());
        let by_word = || (self.word.len(), &self.word).cmp(&(other.word.len(), &other.word));
        by_text.then_with(by_word)
    }
}

impl PartialOrd for Suffix {
    fn partial_cmp(&self, other: &Suffix) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Suffix {
    fn eq(&self, other: &Suffix) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Suffix {}

impl Suffixes {
    fn of(word: &Arc<str>) -> impl Iterator<Item = Suffix> {
        word.char_indices().map(|(at, _)| Suffix {
            word: Arc::clone(word),
            at: at as u32,
        })
    }

    /// Adds a word, if it is not there.
    pub fn add(&mut self, word: &Arc<str>) {
        if word.len() > LONG {
            self.long.insert(Arc::clone(word));
            return;
        }
        let whole = Suffix {
            word: Arc::clone(word),
            at: 0,
        };
        if !self.rests.contains(&whole) {
            self.rests.extend(Suffixes::of(word));
        }
    }

    /// Takes a word out.
    pub fn remove(&mut self, word: &Arc<str>) {
        if word.len() > LONG {
            self.long.remove(word);
            return;
        }
        for suffix in Suffixes::of(word) {
            self.rests.remove(&suffix);
        }
    }

    /// The words with this part, in their order.
    pub fn having(&self, part: &str) -> BTreeSet<&str> {
        let from = Suffix {
            word: part.into(),
            at: 0,
        };
        let found = self.rests.range((Bound::Included(from), Bound::Unbounded));
        let found = found.take_while(|suffix| suffix.text().starts_with(part));
        let long = self.long.iter().filter(|word| word.contains(part));
        let long = long.map(|word| &**word);
        found.map(|suffix| &*suffix.word).chain(long).collect()
    }

    fn bytes(&self) -> usize {
        (self.rests.len() + self.long.len()) * (size_of::<Suffix>() * 3 / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[&str], fields: u128) -> HashMap<Box<str>, Posting> {
        let posting = Posting {
            fields,
            frequency: 1,
            places: vec![(fields.trailing_zeros() as u8, 1)],
        };
        let texts = texts.iter().map(|text| (Box::from(*text), posting.clone()));
        texts.collect()
    }

    #[test]
    fn words_are_found_whole_by_their_beginning_and_by_their_parts() {
        let mut vocabulary = Vocabulary::new(2);
        vocabulary.put(1, words(&["apart", "part", "party", "über"], 2));
        vocabulary.put(2, words(&["parting"], 1));
        let postings = vocabulary.get("part").expect("a word");
        assert_eq!(postings.iter().map(|(id, _)| id).collect::<Vec<_>>(), [1]);
        let beginning: Vec<&str> = vocabulary.beginning("part").collect();
        assert_eq!(beginning, ["part", "parting", "party"]);
        let having = |part| vocabulary.having(part, 2).map(Vec::from_iter);
        // Words of other fields are not among them.
        assert_eq!(having("part"), Some(vec!["apart", "part", "party"]));
        assert_eq!(having("rt"), Some(vec!["apart", "part", "party"]));
        assert_eq!(having("ber"), Some(vec!["über"]));
        assert_eq!(having("x"), Some(vec![]));
        assert_eq!(vocabulary.having("part", 3), None, "only all words tell");
    }

    #[test]
    fn words_go_with_their_last_document() {
        let mut vocabulary = Vocabulary::new(u128::MAX);
        let first = vocabulary.put(1, words(&["one", "both"], 1));
        let second = vocabulary.put(2, words(&["two", "both"], 1));
        assert_eq!((vocabulary.len(), vocabulary.places().0), (3, 4));
        vocabulary.remove(1, first.clone());
        assert!(vocabulary.get("one").is_none() && vocabulary.get("both").is_some());
        assert_eq!(
            vocabulary.having("o", 1).map(Vec::from_iter),
            Some(vec!["both", "two"])
        );
        // The number of a word that went is given again.
        let third = vocabulary.put(3, words(&["three"], 1));
        assert_eq!(third.len(), 1);
        assert!(first.contains(&third[0]));
        vocabulary.remove(2, second);
        vocabulary.remove(3, third);
        assert!(vocabulary.is_empty() && vocabulary.places() == (0, 0));
        assert_eq!(vocabulary.having("o", 1).map(|words| words.len()), Some(0));
    }
}

//! The languages that RediSearch knows by name, and the Snowball stemmer of each that has one here.

use rust_stemmers::{Algorithm, Stemmer};
use std::borrow::Cow;

/// A language of documents and queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language(&'static (&'static str, Option<Algorithm>));

/// Names as LANGUAGE takes them, with their stemmers. Languages without one are indexed as their words are.
const LANGUAGES: &[(&str, Option<Algorithm>)] = &[
    ("arabic", Some(Algorithm::Arabic)),
    ("armenian", None),
    ("basque", None),
    ("catalan", None),
    ("chinese", None),
    ("danish", Some(Algorithm::Danish)),
    ("dutch", Some(Algorithm::Dutch)),
    ("english", Some(Algorithm::English)),
    ("finnish", Some(Algorithm::Finnish)),
    ("french", Some(Algorithm::French)),
    ("german", Some(Algorithm::German)),
    ("greek", Some(Algorithm::Greek)),
    ("hindi", None),
    ("hungarian", Some(Algorithm::Hungarian)),
    ("indonesian", None),
    ("irish", None),
    ("italian", Some(Algorithm::Italian)),
    ("lithuanian", None),
    ("nepali", None),
    ("norwegian", Some(Algorithm::Norwegian)),
    ("portuguese", Some(Algorithm::Portuguese)),
    ("romanian", Some(Algorithm::Romanian)),
    ("russian", Some(Algorithm::Russian)),
    ("serbian", None),
    ("spanish", Some(Algorithm::Spanish)),
    ("swedish", Some(Algorithm::Swedish)),
    ("tamil", Some(Algorithm::Tamil)),
    ("turkish", Some(Algorithm::Turkish)),
    ("yiddish", None),
];

/// Words of fewer characters are not stemmed (`MIN_STEM_LENGTH`).
pub const STEM_CHARS_MIN: usize = 4;

impl Language {
    /// The language of that name, in any case.
    pub fn parse(name: &[u8]) -> Option<Language> {
        LANGUAGES
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
            .map(Language)
    }

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        self.0.0
    }

    /// What stems words of it.
    pub fn stems(self) -> Stems {
        Stems(self.0.1.map(Stemmer::create))
    }
}

impl Default for Language {
    fn default() -> Language {
        const ENGLISH: &(&str, Option<Algorithm>) = &("english", Some(Algorithm::English));
        Language(ENGLISH)
    }
}

/// The stemmer of one language.
pub struct Stems(Option<Stemmer>);

impl Stems {
    /// The stem of a word in lower case, if it differs from the word; none for words under four characters.
    pub fn stem<'w>(&self, word: &'w str) -> Option<Cow<'w, str>> {
        let stemmer = self.0.as_ref()?;
        if word.chars().take(STEM_CHARS_MIN).count() < STEM_CHARS_MIN {
            return None;
        }
        let stem = stemmer.stem(word);
        (stem != word).then_some(stem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(Language::parse(b"ENGLISH"), Some(Language::default()));
        assert_eq!(
            Language::parse(b"German").map(Language::name),
            Some("german")
        );
        assert_eq!(Language::parse(b"klingon"), None);
    }

    #[test]
    fn words_are_stemmed_by_language() {
        let cases = [
            ("english", "running", Some("run")),
            ("english", "run", None),
            ("english", "hello", None),
            ("english", "its", None),
            ("german", "häuser", Some("haus")),
            ("hindi", "running", None),
        ];
        for (language, word, stem) in cases {
            let language = Language::parse(language.as_bytes()).unwrap_or_default();
            assert_eq!(language.stems().stem(word).as_deref(), stem, "{word}");
        }
    }
}

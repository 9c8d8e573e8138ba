//! The languages that the search module knows by name, and the Snowball stemmer of each that has one here.

use super::indonesian;
use rust_stemmers::{Algorithm, Stemmer};
use std::borrow::Cow;

/// A language of documents and queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Language(&'static (&'static str, Stemming));

/// How words of a language are stemmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stemming {
    /// They are not.
    Plain,
    Snowball(Algorithm),
    Indonesian,
}

/// Names as LANGUAGE takes them, with their stemmers. Languages without one are indexed as their words are.
const LANGUAGES: &[(&str, Stemming)] = &[
    ("arabic", Stemming::Snowball(Algorithm::Arabic)),
    ("armenian", Stemming::Plain),
    ("basque", Stemming::Plain),
    ("catalan", Stemming::Plain),
    ("chinese", Stemming::Plain),
    ("danish", Stemming::Snowball(Algorithm::Danish)),
    ("dutch", Stemming::Snowball(Algorithm::Dutch)),
    ("english", Stemming::Snowball(Algorithm::English)),
    ("finnish", Stemming::Snowball(Algorithm::Finnish)),
    ("french", Stemming::Snowball(Algorithm::French)),
    ("german", Stemming::Snowball(Algorithm::German)),
    ("greek", Stemming::Snowball(Algorithm::Greek)),
    ("hindi", Stemming::Plain),
    ("hungarian", Stemming::Snowball(Algorithm::Hungarian)),
    ("indonesian", Stemming::Indonesian),
    ("irish", Stemming::Plain),
    ("italian", Stemming::Snowball(Algorithm::Italian)),
    ("lithuanian", Stemming::Plain),
    ("nepali", Stemming::Plain),
    ("norwegian", Stemming::Snowball(Algorithm::Norwegian)),
    ("portuguese", Stemming::Snowball(Algorithm::Portuguese)),
    ("romanian", Stemming::Snowball(Algorithm::Romanian)),
    ("russian", Stemming::Snowball(Algorithm::Russian)),
    ("serbian", Stemming::Plain),
    ("spanish", Stemming::Snowball(Algorithm::Spanish)),
    ("swedish", Stemming::Snowball(Algorithm::Swedish)),
    ("tamil", Stemming::Snowball(Algorithm::Tamil)),
    ("turkish", Stemming::Snowball(Algorithm::Turkish)),
    ("yiddish", Stemming::Plain),
];

/// Words of a document of fewer bytes are not stemmed (`MIN_STEM_LENGTH`).
pub const STEM_BYTES_MIN: usize = 4;
/// Stands before a stem, so that it is found by stems alone.
pub const STEM_MARK: char = '+';

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
        match self.0.1 {
            Stemming::Plain => Stems::Plain,
            Stemming::Snowball(algorithm) => Stems::Snowball(Stemmer::create(algorithm)),
            Stemming::Indonesian => Stems::Indonesian,
        }
    }
}

impl Default for Language {
    fn default() -> Language {
        const ENGLISH: &(&str, Stemming) = &("english", Stemming::Snowball(Algorithm::English));
        Language(ENGLISH)
    }
}

/// The stemmer of one language.
pub enum Stems {
    /// Words are their stems, and none is kept.
    Plain,
    /// By one of the Snowball stemmers of the crate.
    Snowball(Stemmer),
    /// By ours.
    Indonesian,
}

impl Stems {
    /// What a document's word (lower case) is indexed as besides itself: its marked stem, where it has four bytes and differs.
    pub fn of_document(&self, word: &str) -> Option<String> {
        let stem = self.stem(word).filter(|_| word.len() >= STEM_BYTES_MIN)?;
        (stem != word).then(|| format!("{STEM_MARK}{stem}"))
    }

    /// What a query's word (lower case) stands for besides itself: its marked stem, for documents that hold another form, and
    /// the plain one where it differs, for documents that hold it.
    pub fn of_query(&self, word: &str) -> Vec<String> {
        let Some(stem) = self.stem(word) else {
            return Vec::new();
        };
        let plain = (stem != word).then(|| stem.to_string());
        let marked = format!("{STEM_MARK}{stem}");
        std::iter::once(marked).chain(plain).collect()
    }

    fn stem<'w>(&self, word: &'w str) -> Option<Cow<'w, str>> {
        match self {
            Stems::Plain => None,
            Stems::Snowball(stemmer) => Some(stemmer.stem(word)),
            Stems::Indonesian => Some(indonesian::stem(word)),
        }
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
        let cases: &[(&str, &str, Option<&str>, &[&str])] = &[
            ("english", "running", Some("+run"), &["+run", "run"]),
            ("english", "run", None, &["+run"]),
            ("english", "its", None, &["+it", "it"]),
            ("german", "häuser", Some("+haus"), &["+haus", "haus"]),
            ("indonesian", "membaca", Some("+baca"), &["+baca", "baca"]),
            ("hindi", "running", None, &[]),
        ];
        for (language, word, document, query) in cases {
            let stems = Language::parse(language.as_bytes())
                .unwrap_or_default()
                .stems();
            assert_eq!(stems.of_document(word).as_deref(), *document, "{word}");
            assert_eq!(stems.of_query(word), *query, "{word}");
        }
    }
}

//! The languages that the search module knows by name, and the Snowball stemmer of each that has one here.

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
        self.0.as_ref().map(|stemmer| stemmer.stem(word))
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

//! The languages that the search module knows by name, and the Snowball stemmer of each.
//!
//! Two crates have them, made from Snowball as it was at two times. Each language is stemmed by the one that does as the module, whose
//! Snowball is of a time between (docs/decisions/012-stemmers.md).

use rust_stemmers::{Algorithm, Stemmer};
use std::borrow::Cow;
use waken_snowball::{SnowballEnv, algorithms as waken};

/// A language of documents and queries.
#[derive(Clone, Copy, Debug)]
pub struct Language(&'static Known);

/// A language as it is known.
#[derive(Debug)]
struct Known {
    /// As LANGUAGE takes it.
    name: &'static str,
    stemming: Stemming,
    /// How often its stems changed, or how it is cut, since snapshots have them: documents of a snapshot from before are indexed anew.
    stems_version: u32,
}

/// How words of a language are stemmed.
#[derive(Clone, Copy, Debug)]
enum Stemming {
    /// They are not.
    Plain,
    /// By rust-stemmers.
    Rust(Algorithm),
    /// By a routine of waken_snowball. Its own list of them would link all that it has.
    Waken(Routine),
}

/// Alters the word that it is given to its stem.
type Routine = fn(&mut SnowballEnv<'_>) -> bool;

const LANGUAGES: &[Known] = &[
    known("arabic", Stemming::Rust(Algorithm::Arabic), 0),
    known(
        "armenian",
        Stemming::Waken(waken::armenian_stemmer::stem),
        1,
    ),
    known("basque", Stemming::Waken(waken::basque_stemmer::stem), 1),
    known("catalan", Stemming::Waken(waken::catalan_stemmer::stem), 1),
    known("chinese", Stemming::Plain, 1),
    known("danish", Stemming::Rust(Algorithm::Danish), 0),
    known("dutch", Stemming::Rust(Algorithm::Dutch), 0),
    known("english", Stemming::Rust(Algorithm::English), 0),
    known("finnish", Stemming::Waken(waken::finnish_stemmer::stem), 1),
    known("french", Stemming::Rust(Algorithm::French), 0),
    known("german", Stemming::Rust(Algorithm::German), 0),
    known("greek", Stemming::Rust(Algorithm::Greek), 0),
    known("hindi", Stemming::Waken(waken::hindi_stemmer::stem), 1),
    known("hungarian", Stemming::Rust(Algorithm::Hungarian), 0),
    known(
        "indonesian",
        Stemming::Waken(waken::indonesian_stemmer::stem),
        0,
    ),
    known("irish", Stemming::Waken(waken::irish_stemmer::stem), 1),
    known("italian", Stemming::Rust(Algorithm::Italian), 0),
    known(
        "lithuanian",
        Stemming::Waken(waken::lithuanian_stemmer::stem),
        1,
    ),
    known("nepali", Stemming::Waken(waken::nepali_stemmer::stem), 1),
    known("norwegian", Stemming::Rust(Algorithm::Norwegian), 0),
    known("portuguese", Stemming::Rust(Algorithm::Portuguese), 0),
    known("romanian", Stemming::Rust(Algorithm::Romanian), 0),
    known("russian", Stemming::Waken(waken::russian_stemmer::stem), 1),
    known("serbian", Stemming::Waken(waken::serbian_stemmer::stem), 1),
    known("spanish", Stemming::Rust(Algorithm::Spanish), 0),
    known("swedish", Stemming::Rust(Algorithm::Swedish), 0),
    known("tamil", Stemming::Rust(Algorithm::Tamil), 0),
    known("turkish", Stemming::Rust(Algorithm::Turkish), 0),
    known("yiddish", Stemming::Waken(waken::yiddish_stemmer::stem), 1),
];

const fn known(name: &'static str, stemming: Stemming, stems_version: u32) -> Known {
    Known {
        name,
        stemming,
        stems_version,
    }
}

/// Words of a document of fewer bytes are not stemmed (`MIN_STEM_LENGTH`).
pub const STEM_BYTES_MIN: usize = 4;
/// Words of more bytes are not stemmed: no language has them, and what a stemmer takes grows with the square of a word's length.
const STEM_BYTES_MAX: usize = 1024;
/// Stands before a stem, so that it is found by stems alone.
pub const STEM_MARK: char = '+';

impl Language {
    /// The language of that name, in any case.
    pub fn parse(name: &[u8]) -> Option<Language> {
        LANGUAGES
            .iter()
            .find(|known| name.eq_ignore_ascii_case(known.name.as_bytes()))
            .map(Language)
    }

    /// Its name in lower case.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether no blanks part its words, so that documents have its characters.
    pub fn is_cut_by_characters(self) -> bool {
        // Chinese, which no stemmer knows.
        matches!(self.0.stemming, Stemming::Plain)
    }

    /// How often its stems changed, or how it is cut, since snapshots have them.
    pub fn stems_version(self) -> u32 {
        self.0.stems_version
    }

    /// What stems words of it.
    pub fn stems(self) -> Stems {
        match self.0.stemming {
            Stemming::Plain => Stems::Plain,
            Stemming::Rust(algorithm) => Stems::Rust(Stemmer::create(algorithm)),
            Stemming::Waken(routine) => Stems::Waken(routine),
        }
    }
}

impl Default for Language {
    fn default() -> Language {
        const ENGLISH: &Known = &known("english", Stemming::Rust(Algorithm::English), 0);
        Language(ENGLISH)
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Language) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Language {}

/// The stemmer of one language.
pub enum Stems {
    /// Words are their stems, and none is kept.
    Plain,
    /// By rust-stemmers.
    Rust(Stemmer),
    /// By a routine of waken_snowball.
    Waken(Routine),
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
        if word.len() > STEM_BYTES_MAX {
            return None;
        }
        match self {
            Stems::Plain => None,
            Stems::Rust(stemmer) => Some(stemmer.stem(word)),
            Stems::Waken(routine) => {
                let mut stemmed = SnowballEnv::create(word);
                routine(&mut stemmed);
                Some(stemmed.get_current())
            }
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

    /// A word of each language that has a stemmer: one that tells the crates apart, where there is such a word.
    #[test]
    fn stems_are_those_of_the_module() {
        let cases = [
            ("arabic", "كتابها", "كتاب"),
            ("armenian", "քաղաքներ", "քաղ"),
            ("basque", "mantentzeko", "man"),
            ("catalan", "muntanyes", "muntany"),
            ("danish", "husene", "hus"),
            ("dutch", "besturing", "bestur"),
            ("english", "universities", "univers"),
            ("finnish", "taloissa", "talo"),
            ("french", "palais", "pal"),
            ("german", "arbeitet", "arbeitet"),
            ("greek", "βιβλια", "βιβλ"),
            ("hindi", "लड़कियाँ", "लड़क"),
            ("hungarian", "házakban", "ház"),
            ("indonesian", "pelajaran", "ajar"),
            ("irish", "mbád", "bád"),
            ("italian", "libri", "libr"),
            ("lithuanian", "miestuose", "miest"),
            ("nepali", "किताबहरू", "किताब"),
            ("norwegian", "tvers", "tver"),
            ("portuguese", "livros", "livr"),
            ("romanian", "avocați", "avocaț"),
            ("russian", "берёзовый", "березов"),
            ("serbian", "књигама", "knjig"),
            ("spanish", "educacion", "educacion"),
            ("swedish", "bröllopet", "bröllopet"),
            ("tamil", "புத்தகங்கள்", "புத்தகம்"),
            ("turkish", "kitapları", "kitap"),
            ("yiddish", "קינדער", "קינד"),
        ];
        for (language, word, stem) in cases {
            let known = Language::parse(language.as_bytes()).expect("a language");
            let stemmed = known.stems().stem(word).map(Cow::into_owned);
            assert_eq!(stemmed.as_deref(), Some(stem), "{language}");
        }
        // Chinese alone has none.
        assert_eq!(cases.len(), LANGUAGES.len() - 1);
    }

    #[test]
    fn words_are_stemmed_by_language() {
        let cases: &[(&str, &str, Option<&str>, &[&str])] = &[
            ("english", "running", Some("+run"), &["+run", "run"]),
            ("english", "run", None, &["+run"]),
            ("english", "its", None, &["+it", "it"]),
            ("german", "häuser", Some("+haus"), &["+haus", "haus"]),
            ("indonesian", "membaca", Some("+baca"), &["+baca", "baca"]),
            ("chinese", "running", None, &[]),
        ];
        for (language, word, document, query) in cases {
            let stems = Language::parse(language.as_bytes())
                .unwrap_or_default()
                .stems();
            assert_eq!(stems.of_document(word).as_deref(), *document, "{word}");
            assert_eq!(stems.of_query(word), *query, "{word}");
        }
    }

    #[test]
    fn words_of_no_language_stay_as_they_are() {
        let stems = Language::default().stems();
        let long = format!("{}running", "a".repeat(STEM_BYTES_MAX - 7));
        assert!(stems.of_document(&long).is_some());
        let longer = format!("a{long}");
        assert_eq!(stems.of_document(&longer), None);
        assert!(stems.of_query(&longer).is_empty());
    }
}

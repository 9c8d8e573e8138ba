//! What an index is made of: which keys it follows, its fields and their options; read from the words of FT.CREATE and
//! FT.ALTER (`create`), and written back as words (`canonical`) for the log.

mod canonical;
mod create;
mod field;
#[cfg(test)]
mod tests;
pub mod vector;

pub use create::{alter, create, first_added_is_known};
pub use vector::{Algorithm, Metric, VectorAttributes, VectorType};

use super::expression::ExpressionError;
use super::filter::DocumentFilter;
use super::text::language::Language;
use super::text::stop_words::StopWords;
use super::words::ArgumentError;

/// Fields of one index.
pub const FIELDS_MAX: usize = 1024;
/// TEXT fields of one index.
pub const TEXT_FIELDS_MAX: usize = 128;
/// TEXT fields that FT.ALTER may reach without MAXTEXTFIELDS.
const NARROW_TEXT_FIELDS_MAX: usize = 32;
/// Prefixes of one index.
const PREFIXES_MAX: usize = 1_000_000;
/// Stop words of one index; more are dropped, as the module does.
const STOP_WORDS_MAX: usize = 1024;

/// An index: which keys it follows, and what it knows of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// The type of the keys.
    pub documents: DocumentKind,
    /// A key is indexed when its name begins with one of these. Never empty; `""` is every key.
    pub prefixes: Vec<Vec<u8>>,
    /// FILTER: an expression that a document must pass.
    pub filter: Option<DocumentFilter>,
    /// The language of documents that name none.
    pub language: Language,
    /// The document's field that names its language.
    pub language_field: Option<String>,
    /// The score of documents that name none, 0 to 1.
    pub score: f64,
    /// The document's field that holds its score.
    pub score_field: Option<String>,
    /// The document's field that holds its payload.
    pub payload_field: Option<String>,
    /// INDEXALL ENABLE.
    pub indexes_all: bool,
    /// TEMPORARY: seconds without use after which the index is dropped.
    pub temporary_s: Option<i64>,
    /// Own stop words; none means the default list.
    pub stop_words: Option<Vec<String>>,
    /// SKIPINITIALSCAN: keys that exist already are left out.
    pub skips_initial_scan: bool,
    /// What FT.INFO shows as index_options.
    pub options: IndexOptions,
    /// The fields, in the order of their definition.
    pub fields: Vec<Field>,
}

/// Options that concern how text is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexOptions {
    /// MAXTEXTFIELDS.
    pub max_text_fields: bool,
    /// NOOFFSETS: no positions, so phrases do not match exactly.
    pub no_offsets: bool,
    /// NOHL.
    pub no_highlights: bool,
    /// NOFIELDS: postings do not know their field.
    pub no_fields: bool,
    /// NOFREQS: every word counts once.
    pub no_frequencies: bool,
}

/// The type of the keys that an index follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocumentKind {
    /// Hashes.
    #[default]
    Hash,
    /// JSON documents.
    Json,
}

/// One field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Where the value stands: a hash field, or a JSON path.
    pub identifier: String,
    /// What queries call it: the AS name, or the identifier.
    pub name: String,
    /// What it holds.
    pub kind: FieldKind,
    /// SORTABLE: its value is at hand for sorting and aggregation.
    pub is_sortable: bool,
    /// UNF: the sortable value is kept as written, not lower-cased. Implied for numbers, case-sensitive tags and JSON.
    pub is_unnormalized: bool,
    /// NOINDEX: it can be sorted and returned, not searched.
    pub is_unindexed: bool,
    /// INDEXMISSING: `ismissing(@name)` works.
    pub indexes_missing: bool,
    /// INDEXEMPTY: the empty string can be searched (TEXT, TAG).
    pub indexes_empty: bool,
    /// WITHSUFFIXTRIE: suffix and infix searches are quick (TEXT, TAG).
    pub has_suffixes: bool,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// Words.
    Text {
        /// Factor of its scores.
        weight: f64,
        /// NOSTEM.
        is_unstemmed: bool,
        /// PHONETIC, as it was written (`dm:en`).
        phonetic: Option<String>,
    },
    /// Whole values, several in one text.
    Tag {
        /// What stands between two values: `,` by default on hashes, nothing on JSON.
        separator: Option<u8>,
        /// CASESENSITIVE.
        is_case_sensitive: bool,
    },
    /// Numbers.
    Numeric,
    /// Points on the earth, `lon,lat`.
    Geo,
    /// Points and polygons in WKT.
    Geoshape {
        /// FLAT: on a plane, not on the sphere.
        is_flat: bool,
    },
    /// Vectors.
    Vector(VectorAttributes),
}

impl Field {
    /// Whether its texts are kept for sorting without case.
    pub fn is_folded(&self) -> bool {
        let is_text = matches!(self.kind, FieldKind::Text { .. } | FieldKind::Tag { .. });
        is_text && self.is_sortable && !self.is_unnormalized
    }
}

impl FieldKind {
    /// The word of FT.CREATE.
    pub fn word(&self) -> &'static str {
        match self {
            FieldKind::Text { .. } => "TEXT",
            FieldKind::Tag { .. } => "TAG",
            FieldKind::Numeric => "NUMERIC",
            FieldKind::Geo => "GEO",
            FieldKind::Geoshape { .. } => "GEOSHAPE",
            FieldKind::Vector(_) => "VECTOR",
        }
    }

    /// Whether it is TEXT.
    pub fn is_text(&self) -> bool {
        matches!(self, FieldKind::Text { .. })
    }
}

impl DocumentKind {
    /// The word of ON.
    pub fn word(self) -> &'static str {
        match self {
            DocumentKind::Hash => "HASH",
            DocumentKind::Json => "JSON",
        }
    }
}

impl Default for Schema {
    fn default() -> Schema {
        Schema {
            documents: DocumentKind::Hash,
            prefixes: vec![Vec::new()],
            filter: None,
            language: Language::default(),
            language_field: None,
            score: 1.0,
            score_field: None,
            payload_field: None,
            indexes_all: false,
            temporary_s: None,
            stop_words: None,
            skips_initial_scan: false,
            options: IndexOptions::default(),
            fields: Vec::new(),
        }
    }
}

impl Schema {
    /// The place of the field that queries call `name`; names are case-sensitive.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Whether a field of documents tells of them (their language, score or payload) and is none that is shown.
    pub fn is_about_documents(&self, name: &[u8]) -> bool {
        self.about_documents().any(|field| field.as_bytes() == name)
    }

    /// The fields that tell of documents.
    pub fn about_documents(&self) -> impl Iterator<Item = &String> {
        let named = [&self.language_field, &self.score_field, &self.payload_field];
        named.into_iter().flatten()
    }

    /// Whether a key of that name is indexed.
    pub fn follows(&self, key: &[u8]) -> bool {
        self.prefixes.iter().any(|prefix| key.starts_with(prefix))
    }

    /// The stop words that hold for it.
    pub fn stop_word_list(&self) -> StopWords {
        match &self.stop_words {
            Some(words) => StopWords::new(words),
            None => StopWords::default(),
        }
    }

    /// The bit of a searchable TEXT field in masks of fields: its place among them.
    pub fn text_bit(&self, field: usize) -> Option<u128> {
        let is_searchable = |field: &&Field| field.kind.is_text() && !field.is_unindexed;
        self.fields.get(field).filter(is_searchable)?;
        let place = self.fields[..field].iter().filter(is_searchable).count();
        1u128.checked_shl(u32::try_from(place).ok()?)
    }

    /// The searchable TEXT fields with their bits.
    pub fn text_fields(&self) -> impl Iterator<Item = (u128, &Field)> {
        let searchable = |field: &&Field| field.kind.is_text() && !field.is_unindexed;
        let bits = (0..128u32).map(|place| 1u128 << place);
        bits.zip(self.fields.iter().filter(searchable))
    }

    /// The searchable TEXT fields WITHSUFFIXTRIE, as a mask.
    pub fn suffix_fields(&self) -> u128 {
        let fields = self.text_fields().filter(|(_, field)| field.has_suffixes);
        fields.fold(0, |mask, (bit, _)| mask | bit)
    }

    /// The searchable TEXT fields with PHONETIC, as a mask.
    pub fn phonetic_fields(&self) -> u128 {
        let is_phonetic = |field: &Field| matches!(&field.kind, FieldKind::Text { phonetic, .. } if phonetic.is_some());
        let fields = self.text_fields().filter(|(_, field)| is_phonetic(field));
        fields.fold(0, |mask, (bit, _)| mask | bit)
    }

    /// The bits of the TEXT fields whose words are indexed by their stems as well.
    pub fn stemmed_fields(&self) -> u128 {
        let is_stemmed = |field: &Field| {
            let kind = &field.kind;
            matches!(kind, FieldKind::Text { is_unstemmed, .. } if !is_unstemmed)
        };
        let fields = self.text_fields().filter(|(_, field)| is_stemmed(field));
        fields.fold(0, |mask, (bit, _)| mask | bit)
    }

    /// Whether some TEXT or TAG field does not index empty values. the search module validates queries only then.
    pub fn has_non_empty(&self) -> bool {
        self.fields.iter().any(|field| {
            matches!(field.kind, FieldKind::Text { .. } | FieldKind::Tag { .. })
                && !field.indexes_empty
        })
    }
}

/// Why the words of FT.CREATE or FT.ALTER make no schema.
#[derive(Clone, Debug, PartialEq)]
pub enum SchemaError {
    /// `Bad arguments for <what>: <why>`.
    Argument {
        /// What was being read.
        what: &'static str,
        /// What was wrong.
        why: ArgumentError,
    },
    /// A word that no option has, where SCHEMA was expected.
    UnknownArgument(String),
    /// No SCHEMA.
    NoSchema,
    /// Nothing after SCHEMA.
    NoFields,
    /// MAXTEXTFIELDS together with NOFIELDS.
    WideWithoutFields,
    /// ON something else than HASH or JSON.
    DocumentKind(String),
    /// SCORE outside 0 to 1.
    Score,
    /// LANGUAGE that is not known.
    Language,
    /// FILTER that is no expression.
    Filter(ExpressionError),
    /// Too many prefixes.
    Prefixes(usize),
    /// INDEXALL neither ENABLE nor DISABLE.
    IndexAll,
    /// More than [`FIELDS_MAX`].
    Fields,
    /// More than [`TEXT_FIELDS_MAX`].
    TextFields,
    /// FT.ALTER reaches more TEXT fields than the index was made for.
    Narrow,
    /// A keyword that needs a word after it.
    NeedsArgument(&'static str),
    /// NUL in a field's name.
    NullInName,
    /// NUL in a field's path.
    NullInPath,
    /// Two fields of one name.
    Duplicate(String),
    /// The words end where a field's type was expected.
    NoType(String),
    /// Not a type.
    Type(String),
    /// PHONETIC in an unknown form.
    Phonetic,
    /// SEPARATOR of another length than one byte.
    Separator(String),
    /// NOINDEX together with INDEXMISSING.
    UnindexedMissing(String),
    /// An error in the attributes of a VECTOR field.
    Vector(vector::VectorError),
    /// FT.ALTER without SCHEMA.
    AlterNeedsSchema,
    /// FT.ALTER SCHEMA without ADD.
    AlterNeedsAdd,
    /// FT.ALTER SCHEMA ADD and nothing more.
    AlterNeedsFields,
}

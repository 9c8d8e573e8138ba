//! A schema as the words of FT.CREATE that make it again: what the log keeps, and what FT.INFO's parts are read from.

use super::vector::{Algorithm, VectorAttributes};
use super::*;

/// Words under way.
struct Out(Vec<Vec<u8>>);

impl Out {
    fn word(&mut self, word: impl AsRef<[u8]>) -> &mut Out {
        self.0.push(word.as_ref().to_vec());
        self
    }

    /// A keyword and its value, if there is one.
    fn option(&mut self, keyword: &str, value: Option<impl ToString>) -> &mut Out {
        if let Some(value) = value {
            self.word(keyword).word(value.to_string());
        }
        self
    }

    fn flag(&mut self, keyword: &str, is_set: bool) -> &mut Out {
        if is_set {
            self.word(keyword);
        }
        self
    }
}

impl Schema {
    /// The words after the index's name. Reading them gives this schema.
    pub fn to_words(&self) -> Vec<Vec<u8>> {
        let mut out = Out(Vec::new());
        out.word("ON").word(self.documents.word());
        out.word("PREFIX").word(self.prefixes.len().to_string());
        for prefix in &self.prefixes {
            out.word(prefix);
        }
        out.option("FILTER", self.filter.as_ref().map(|filter| &filter.text));
        out.word("LANGUAGE").word(self.language.name());
        out.option("LANGUAGE_FIELD", self.language_field.as_ref());
        out.word("SCORE").word(self.score.to_string());
        out.option("SCORE_FIELD", self.score_field.as_ref());
        out.option("PAYLOAD_FIELD", self.payload_field.as_ref());
        out.option("INDEXALL", self.indexes_all.then_some("ENABLE"));
        out.option("TEMPORARY", self.temporary_s);
        let options = &self.options;
        out.flag("MAXTEXTFIELDS", options.max_text_fields);
        out.flag("NOOFFSETS", options.no_offsets);
        out.flag("NOHL", options.no_highlights && !options.no_offsets);
        out.flag("NOFIELDS", options.no_fields);
        out.flag("NOFREQS", options.no_frequencies);
        if let Some(words) = &self.stop_words {
            out.word("STOPWORDS").word(words.len().to_string());
            for word in words {
                out.word(word);
            }
        }
        out.flag("SKIPINITIALSCAN", self.skips_initial_scan);
        out.word("SCHEMA");
        for field in &self.fields {
            write_field(&mut out, field);
        }
        out.0
    }
}

fn write_field(out: &mut Out, field: &Field) {
    out.word(&field.identifier).word("AS").word(&field.name);
    out.word(field.kind.word());
    match &field.kind {
        FieldKind::Text {
            weight,
            is_unstemmed,
            phonetic,
        } => {
            out.word("WEIGHT").word(weight.to_string());
            out.flag("NOSTEM", *is_unstemmed);
            out.option("PHONETIC", phonetic.as_ref());
        }
        FieldKind::Tag {
            separator,
            is_case_sensitive,
        } => {
            if let Some(separator) = separator {
                out.word("SEPARATOR").word([*separator]);
            }
            out.flag("CASESENSITIVE", *is_case_sensitive);
        }
        FieldKind::Geoshape { is_flat } => {
            out.word(if *is_flat { "FLAT" } else { "SPHERICAL" });
        }
        FieldKind::Vector(attributes) => write_vector(out, attributes),
        FieldKind::Numeric | FieldKind::Geo => {}
    }
    out.flag("WITHSUFFIXTRIE", field.has_suffixes);
    out.flag("INDEXEMPTY", field.indexes_empty);
    out.flag("INDEXMISSING", field.indexes_missing);
    out.flag("SORTABLE", field.is_sortable);
    out.flag("UNF", field.is_unnormalized);
    out.flag("NOINDEX", field.is_unindexed);
}

fn write_vector(out: &mut Out, vector: &VectorAttributes) {
    let mut own = Out(Vec::new());
    own.word("TYPE").word(vector.kind.word());
    own.word("DIM").word(vector.dimension.to_string());
    own.word("DISTANCE_METRIC").word(vector.metric.word());
    own.option("INITIAL_CAP", vector.initial_capacity);
    own.option("BLOCK_SIZE", vector.block_size);
    match &vector.algorithm {
        Algorithm::Flat => {}
        Algorithm::Hnsw(hnsw) => {
            own.option("M", Some(hnsw.m));
            own.option("EF_CONSTRUCTION", Some(hnsw.ef_construction));
            own.option("EF_RUNTIME", hnsw.ef_runtime);
            own.option("EPSILON", hnsw.epsilon);
        }
        Algorithm::Svs(svs) => {
            own.option("GRAPH_MAX_DEGREE", svs.graph_max_degree);
            own.option("CONSTRUCTION_WINDOW_SIZE", svs.construction_window_size);
            own.option("SEARCH_WINDOW_SIZE", svs.search_window_size);
            own.option("EPSILON", svs.epsilon);
            own.option("COMPRESSION", svs.compression);
            own.option("TRAINING_THRESHOLD", svs.training_threshold);
            own.option("REDUCE", svs.reduce);
        }
    }
    out.word(vector.algorithm.word())
        .word(own.0.len().to_string());
    out.0.append(&mut own.0);
}

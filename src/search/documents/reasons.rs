//! Where a score comes from: what a scorer's formula was filled with, part by part.

use super::score::{Corpus, Document, Scorer};

/// The score of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reasons {
    /// By which formula.
    pub scorer: Scorer,
    /// What it knows of all documents.
    pub corpus: Corpus,
    /// What it knows of this one.
    pub document: Document,
    /// The factor of BM25STD.TANH.
    pub tanh_factor: u64,
    /// How far the words stand from each other.
    pub slop: u32,
    /// Bytes of the payloads, if they can be compared.
    pub payload_bytes: Option<usize>,
    /// What the query's conditions are worth, before the document's own score counts.
    pub matched: f64,
    /// The best score of all, which BM25STD.NORM divides by.
    pub best: f64,
    /// The conditions.
    pub parts: Vec<Part>,
}

/// The score of a condition that a document meets.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A word.
    Word {
        /// What it is worth.
        score: f64,
        /// The factor that the query gives it.
        weight: f64,
        /// The word.
        word: String,
        /// How often it stands in the document.
        frequency: u32,
        /// How rare it is.
        rarity: f64,
    },
    /// A condition without words.
    Other {
        /// What it is worth.
        score: f64,
        /// The factor that the query gives it.
        weight: f64,
        /// 1, or 0 where it does not count.
        frequency: u32,
        /// Every document meets it.
        is_every: bool,
    },
    /// Several together.
    Joined {
        /// What they are worth, with the factor.
        score: f64,
        /// The factor that the query gives them.
        weight: f64,
        /// Each of them.
        parts: Vec<Part>,
    },
}

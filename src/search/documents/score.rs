//! What a document is worth for a query: the search module's scorers as formulas. A match is a tree as the query is: [`Scorer::leaf`]
//! scores one word, [`Scorer::join`] puts the scores of parts together, [`Scorer::finish`] weighs the sum by the document.
//!
//! The numbers are the search module's to the last digit: where it computes in f32, so do we.

/// How documents are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scorer {
    /// Okapi BM25, the default.
    #[default]
    Bm25Std,
    /// BM25STD, divided by the best document's.
    Bm25StdNorm,
    /// BM25STD, squeezed into 0 to 1 by a hyperbolic tangent.
    Bm25StdTanh,
    /// the search module's older variant of BM25.
    Bm25,
    /// Frequency by the most frequent word, times the word's rarity.
    Tfidf,
    /// Frequency by the document's length, times the word's rarity.
    TfidfDocNorm,
    /// The largest frequency.
    DisMax,
    /// The document's own score.
    DocScore,
    /// How near the document's payload is to the query's.
    Hamming,
}

const NAMES: [(&str, Scorer); 9] = [
    ("BM25STD", Scorer::Bm25Std),
    ("BM25STD.NORM", Scorer::Bm25StdNorm),
    ("BM25STD.TANH", Scorer::Bm25StdTanh),
    ("BM25", Scorer::Bm25),
    ("TFIDF", Scorer::Tfidf),
    ("TFIDF.DOCNORM", Scorer::TfidfDocNorm),
    ("DISMAX", Scorer::DisMax),
    ("DOCSCORE", Scorer::DocScore),
    ("HAMMING", Scorer::Hamming),
];

/// Length of a word's share in f32: term saturation of BM25STD.
const K1: f32 = 1.2;
/// How much BM25STD holds a document's length against it.
const B: f32 = 0.75;
/// As [`B`], of the older variant, which ignores the document's own length.
const B_OLD: f32 = 0.5;

/// A word's part in a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// How often it stands there, counted as [`crate::keyspace::documents::fields::times`] says.
    pub frequency: u32,
    /// Documents of the index that hold it.
    pub documents_with: u64,
}

/// What holds for all documents of the index.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Corpus {
    /// Documents.
    pub documents: u64,
    /// Mean of their lengths.
    pub average_length: f64,
}

/// What holds for all words of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Document {
    /// Its own score.
    pub score: f64,
    /// Its words without stop words, counted as [`crate::keyspace::documents::fields::times`] says.
    pub length: u32,
    /// The frequency of its most frequent word or stem.
    pub frequency_max: u32,
}

/// How the parts of a match belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// All of them were asked for.
    All,
    /// One would have been enough.
    Any,
}

impl Scorer {
    /// The scorer of that name; case counts.
    pub fn parse(name: &str) -> Option<Scorer> {
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map(|&(_, scorer)| scorer)
    }

    /// The score of one word, `weight` that of the query's condition.
    pub fn leaf(self, weight: f64, term: Term, document: Document, corpus: Corpus) -> f64 {
        let frequency = f64::from(term.frequency);
        match self {
            Scorer::Bm25Std | Scorer::Bm25StdNorm | Scorer::Bm25StdTanh => {
                let rarity = rarity_bm25(corpus.documents, term.documents_with);
                bm25_std(weight, rarity, frequency, document, corpus)
            }
            Scorer::Bm25 => {
                let rarity = rarity(corpus.documents, term.documents_with);
                weight * rarity * saturation_old(frequency, corpus)
            }
            Scorer::Tfidf | Scorer::TfidfDocNorm => {
                weight * frequency * rarity(corpus.documents, term.documents_with)
            }
            Scorer::DisMax => weight * frequency,
            Scorer::DocScore | Scorer::Hamming => 0.0,
        }
    }

    /// How rare this scorer takes a word for; 0 where that does not count.
    pub fn rarity(self, term: Term, corpus: Corpus) -> f64 {
        match self {
            Scorer::Bm25Std | Scorer::Bm25StdNorm | Scorer::Bm25StdTanh => {
                rarity_bm25(corpus.documents, term.documents_with)
            }
            Scorer::Bm25 | Scorer::Tfidf | Scorer::TfidfDocNorm => {
                rarity(corpus.documents, term.documents_with)
            }
            Scorer::DisMax | Scorer::DocScore | Scorer::Hamming => 0.0,
        }
    }

    /// The score of what passes without a word in it: `*`, a tag, a range, an optional condition that did not match. Of `*`
    /// `is_every` holds.
    pub fn other(self, weight: f64, is_every: bool, document: Document, corpus: Corpus) -> f64 {
        match self {
            Scorer::Bm25Std | Scorer::Bm25StdNorm | Scorer::Bm25StdTanh if is_every => {
                bm25_std(weight, 1.0, 1.0, document, corpus)
            }
            Scorer::Bm25 => weight * saturation_old(1.0, corpus),
            Scorer::Tfidf | Scorer::TfidfDocNorm | Scorer::DisMax => weight,
            _ => 0.0,
        }
    }

    /// Whether [`Scorer::finish`] looks at how far words stand from each other.
    pub fn asks_for_slop(self) -> bool {
        matches!(self, Scorer::Bm25 | Scorer::Tfidf | Scorer::TfidfDocNorm)
    }

    /// The score of parts that belong together.
    pub fn join(self, join: Join, weight: f64, parts: impl IntoIterator<Item = f64>) -> f64 {
        let parts = parts.into_iter();
        match (self, join) {
            (Scorer::DisMax, Join::Any) => weight * parts.fold(0.0, f64::max),
            _ => weight * parts.sum::<f64>(),
        }
    }

    /// The document's score from the match's. `slop` is [`super::proximity::spread`] of the words; scorers of the module's first
    /// years divide by it. [`Scorer::Bm25StdNorm`] is BM25STD here and divided by the best score once all are known.
    pub fn finish(self, matched: f64, document: Document, slop: u32, tanh_factor: u64) -> f64 {
        let by_slop = |score: f64| score / f64::from(slop.max(1));
        match self {
            Scorer::Bm25Std | Scorer::Bm25StdNorm => document.score * matched,
            Scorer::Bm25StdTanh => (document.score * matched / tanh_factor.max(1) as f64).tanh(),
            Scorer::Bm25 => by_slop(document.score * matched),
            Scorer::Tfidf | Scorer::TfidfDocNorm => {
                let norm = match self {
                    Scorer::Tfidf => document.frequency_max,
                    _ => document.length,
                };
                match norm {
                    0 => 0.0,
                    norm => by_slop(document.score * matched / f64::from(norm)),
                }
            }
            Scorer::DisMax => matched,
            Scorer::DocScore => document.score,
            Scorer::Hamming => 0.0,
        }
    }
}

/// 1 / (1 + differing bits) of two payloads of one length; 0 otherwise.
pub fn hamming(payload: &[u8], other: &[u8]) -> f64 {
    if payload.is_empty() || payload.len() != other.len() {
        return 0.0;
    }
    let differing = payload.iter().zip(other).map(|(a, b)| (a ^ b).count_ones());
    1.0 / f64::from(differing.sum::<u32>() + 1)
}

/// The rarity of a word for BM25STD, computed in f32 as the module does.
fn rarity_bm25(documents: u64, with: u64) -> f64 {
    let without = documents.saturating_sub(with);
    let odds = (without as f32 + 0.5) / (with as f32 + 0.5);
    f64::from(1.0 + odds).ln()
}

/// The rarity of a word for the older scorers: a whole number, the power of two below its share. The module's count of documents
/// begins with 1.
fn rarity(documents: u64, with: u64) -> f64 {
    let share = 1.0 + (documents + 1) as f64 / with.max(1) as f64;
    share.log2().floor()
}

fn bm25_std(weight: f64, rarity: f64, frequency: f64, document: Document, corpus: Corpus) -> f64 {
    let length = f64::from(B * document.length as f32) / corpus.average_length;
    let held_against = f64::from(1.0 - B) + length;
    weight * rarity * frequency * f64::from(K1 + 1.0) / (frequency + f64::from(K1) * held_against)
}

fn saturation_old(frequency: f64, corpus: Corpus) -> f64 {
    let length = f64::from(1.0 - B_OLD) + f64::from(B_OLD) * corpus.average_length;
    frequency / (frequency + f64::from(K1) * length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::documents::fields::times;

    const TANH_FACTOR: u64 = 4;

    const DOCUMENT: Document = Document {
        score: 1.0,
        length: 2,
        frequency_max: 1,
    };

    fn corpus(documents: u64, average_length: f64) -> Corpus {
        Corpus {
            documents,
            average_length,
        }
    }

    fn term(frequency: u32, documents_with: u64) -> Term {
        Term {
            frequency,
            documents_with,
        }
    }

    fn score(scorer: Scorer, term: Term, document: Document, corpus: Corpus) -> f64 {
        let leaf = scorer.leaf(1.0, term, document, corpus);
        scorer.finish(leaf, document, 1, TANH_FACTOR)
    }

    /// Seen on a running module: `hello` in four documents that all hold it, of equal length.
    #[test]
    fn bm25std_is_exact() {
        let found = score(Scorer::Bm25Std, term(1, 4), DOCUMENT, corpus(4, 2.0));
        assert_eq!(found, 0.10536056334154098);
    }

    #[test]
    fn a_rarer_word_and_a_shorter_document_are_worth_more() {
        let all = |frequency, with, length| {
            let document = Document { length, ..DOCUMENT };
            score(
                Scorer::Bm25Std,
                term(frequency, with),
                document,
                corpus(100, 10.0),
            )
        };
        assert!(all(1, 2, 10) > all(1, 50, 10));
        assert!(all(1, 2, 5) > all(1, 2, 20));
        assert!(all(3, 2, 10) > all(1, 2, 10));
    }

    /// By hand: 3 documents and the one that the module counts from, 1 + 4/2 = 3, of which the power of two is 1.
    #[test]
    fn tfidf_counts_in_powers_of_two() {
        let document = Document {
            score: 0.5,
            length: 10,
            frequency_max: 2,
        };
        let found = |scorer| score(scorer, term(2, 2), document, corpus(3, 5.0));
        assert_eq!(found(Scorer::Tfidf), 0.5 * 2.0 / 2.0);
        assert_eq!(found(Scorer::TfidfDocNorm), 0.5 * 2.0 / 10.0);
        assert_eq!(found(Scorer::DisMax), 2.0);
        assert_eq!(found(Scorer::DocScore), 0.5);
    }

    #[test]
    fn parts_add_up_but_for_dismax() {
        let joined = |scorer: Scorer, join| scorer.join(join, 2.0, [1.0, 3.0]);
        assert_eq!(joined(Scorer::Bm25Std, Join::Any), 8.0);
        assert_eq!(joined(Scorer::DisMax, Join::All), 8.0);
        assert_eq!(joined(Scorer::DisMax, Join::Any), 6.0);
    }

    #[test]
    fn slop_divides_older_scores() {
        let far = Scorer::Tfidf.finish(6.0, DOCUMENT, 3, TANH_FACTOR);
        assert_eq!(far, 2.0);
        assert_eq!(Scorer::Bm25Std.finish(6.0, DOCUMENT, 3, TANH_FACTOR), 6.0);
        let squeezed = Scorer::Bm25StdTanh.finish(4.0, DOCUMENT, 1, TANH_FACTOR);
        assert_eq!(squeezed, 1f64.tanh());
    }

    #[test]
    fn payloads_are_compared_bit_by_bit() {
        assert_eq!(hamming(b"abc", b"abc"), 1.0);
        assert_eq!(hamming(b"\x00", b"\x07"), 0.25);
        assert_eq!(hamming(b"ab", b"abc"), 0.0);
        assert_eq!(hamming(b"", b""), 0.0);
    }

    #[test]
    fn names_are_known_as_written() {
        for (name, scorer) in NAMES {
            assert_eq!(Scorer::parse(name), Some(scorer));
        }
        assert_eq!(Scorer::parse("bm25std"), None);
    }

    #[test]
    fn weights_are_cut_to_whole_numbers() {
        let cases = [(1.0, 1), (0.1, 1), (2.9, 2), (5.0, 5)];
        for (weight, expected) in cases {
            assert_eq!(times(weight, false), expected, "{weight}");
        }
        assert_eq!((times(5.0, true), times(10.0, true)), (1, 2));
    }
}

//! EXPLAINSCORE: where a score comes from, in the module's words. What it is made of stands behind it, as a list in a list.

use crate::protocol::Reply;
use crate::search::documents::reasons::{Part, Reasons};
use crate::search::documents::score::Scorer;

/// What a score is made of.
pub fn reply(reasons: &Reasons) -> Reply {
    let Reasons {
        scorer,
        document,
        matched,
        slop,
        ..
    } = reasons;
    let score = document.score;
    let parts = reasons.parts.iter();
    let parts: Vec<Reply> = parts.map(|part| of_part(reasons, part)).collect();
    match scorer {
        Scorer::DocScore => Reply::Text(format!("Document's score is {score:.2}")),
        Scorer::Hamming => Reply::Text(payloads(reasons)),
        Scorer::DisMax => parts.into_iter().next().unwrap_or(Reply::Null),
        Scorer::Bm25Std | Scorer::Bm25StdNorm | Scorer::Bm25StdTanh => {
            let text = format!("Final BM25 : words BM25 {matched:.2} * document score {score:.2}");
            let (factor, best, own) = (reasons.tanh_factor, reasons.best, matched * score);
            match scorer {
                Scorer::Bm25StdTanh => {
                    let whole = format!(
                        "Final Normalized BM25 : tanh(stretch factor 1/{factor} * Final BM25 {own:.2})"
                    );
                    nested(whole, vec![nested(text, parts)])
                }
                Scorer::Bm25StdNorm if best > 0.0 => {
                    let share = own / best;
                    let whole = format!(
                        "Final BM25STD.NORM: {share:.2} = Original Score: {own:.2} / Max Score: {best:.2}"
                    );
                    nested(whole, parts)
                }
                _ => nested(text, parts),
            }
        }
        Scorer::Bm25 => {
            let text = format!(
                "Final BM25 : words BM25 {matched:.2} * document score {score:.2} / slop {slop}"
            );
            nested(text, parts)
        }
        Scorer::Tfidf | Scorer::TfidfDocNorm => {
            let (norm, what) = match scorer {
                Scorer::Tfidf => (document.frequency_max, "max frequency"),
                _ => (document.length, "length"),
            };
            if score == 0.0 || norm == 0 {
                let what = if score == 0.0 { "score" } else { what };
                return Reply::Text(format!("Document {what} is 0"));
            }
            let text = format!(
                "Final TFIDF : words TFIDF {matched:.2} * document score {score:.2} / norm {norm} / slop {slop}"
            );
            nested(text, parts)
        }
    }
}

/// A text, and what it is made of.
fn nested(text: String, parts: Vec<Reply>) -> Reply {
    match parts.is_empty() {
        true => Reply::Text(text),
        false => Reply::Array(vec![Reply::Text(text), Reply::Array(parts)]),
    }
}

fn payloads(reasons: &Reasons) -> String {
    let result = reasons.matched;
    match reasons.payload_bytes {
        None => "Payloads provided to scorer vary in length".to_owned(),
        Some(bytes) => {
            let bits = (1.0 / result - 1.0).round();
            format!(
                "String length is {bytes}. Bit count is {bits}. Result is (1 / count + 1) = {result:.2}"
            )
        }
    }
}

fn of_part(reasons: &Reasons, part: &Part) -> Reply {
    match part {
        Part::Joined {
            score,
            weight,
            parts,
        } => {
            let parts: Vec<Reply> = parts.iter().map(|part| of_part(reasons, part)).collect();
            nested(joined(reasons.scorer, *score, *weight), parts)
        }
        Part::Word {
            score,
            weight,
            word,
            frequency,
            rarity,
        } => {
            let term = (word.as_str(), *frequency, *rarity);
            Reply::Text(of_word(reasons, *score, *weight, term))
        }
        Part::Other {
            score,
            weight,
            frequency,
            is_every,
        } => {
            let how = (*frequency, *is_every);
            Reply::Text(of_other(reasons, *score, *weight, how))
        }
    }
}

fn joined(scorer: Scorer, score: f64, weight: f64) -> String {
    let sum = if weight == 0.0 { 0.0 } else { score / weight };
    match scorer {
        Scorer::Tfidf | Scorer::TfidfDocNorm => {
            format!("(Weight {weight:.2} * total children TFIDF {sum:.2})")
        }
        Scorer::DisMax => format!("{score:.2} = Weight {weight:.2} * children DISMAX {sum:.2}"),
        _ => format!("(Weight {weight:.2} * children BM25 {sum:.2})"),
    }
}

fn of_word(
    reasons: &Reasons,
    score: f64,
    weight: f64,
    (word, frequency, rarity): (&str, u32, f64),
) -> String {
    let average = reasons.corpus.average_length;
    match reasons.scorer {
        Scorer::Tfidf | Scorer::TfidfDocNorm => {
            format!("(TFIDF {score:.2} = Weight {weight:.2} * TF {frequency} * IDF {rarity:.2})")
        }
        Scorer::Bm25 => format!(
            "({score:.2} = Weight {weight:.2} * IDF {rarity:.2} * F {frequency} / (F {frequency} + k1 1.2 * (1 - b 0.5 + b 0.5 * Average Len {average:.2})))"
        ),
        Scorer::DisMax => {
            format!("DISMAX {score:.2} = Weight {weight:.2} * Frequency {frequency}")
        }
        _ => {
            let (frequency, length) = (f64::from(frequency), reasons.document.length);
            format!(
                "{word}: ({score:.2} = Weight {weight:.2} * IDF {rarity:.2} * (F {frequency:.2} * (k1 1.2 + 1)) / (F {frequency:.2} + k1 1.2 * (1 - b 0.75 + b 0.75 * Doc Len {length} / Average Doc Len {average:.2})))"
            )
        }
    }
}

fn of_other(
    reasons: &Reasons,
    score: f64,
    weight: f64,
    (frequency, is_every): (u32, bool),
) -> String {
    let average = reasons.corpus.average_length;
    match reasons.scorer {
        Scorer::Tfidf | Scorer::TfidfDocNorm => {
            format!("(TFIDF {score:.2} = Weight {weight:.2} * Frequency {frequency})")
        }
        Scorer::Bm25 if frequency == 0 => "Frequency 0 -> value 0".to_owned(),
        Scorer::Bm25 => format!(
            "({score:.2} = Weight {weight:.2} * F 1 / (F 1 + k1 1.2 * (1 - b 0.5 + b 0.5 * Average Len {average:.2})))"
        ),
        Scorer::DisMax => {
            format!("DISMAX {score:.2} = Weight {weight:.2} * Frequency {frequency}")
        }
        _ if is_every => of_word(reasons, score, weight, ("*", 1, 1.0)),
        _ => "Irrelevant token -> score is 0".to_owned(),
    }
}

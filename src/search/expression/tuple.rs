//! Whether a cell is a member of a tuple, by looking up instead of comparing with each member.

use super::blocks::Text;
use super::lex::Literal;
use crate::keyspace::columns::{Dictionary, Held};

/// The members of a tuple, as one column's cells may equal them.
pub struct Members {
    texts: Vec<Text>,
    /// The codes of those texts that have one, sorted.
    codes: Vec<u32>,
    /// Codes from here on came later.
    codes_end: u32,
    /// The numbers among the members, sorted.
    numbers: Vec<f64>,
    /// Those, and what the texts are as numbers, sorted.
    all_numbers: Vec<f64>,
}

impl Members {
    /// For cells of the column with this dictionary.
    pub fn new(members: &[Literal], dictionary: &Dictionary) -> Members {
        let codes_end = dictionary.len() as u32;
        let texts: Vec<Text> = members
            .iter()
            .filter_map(|member| match member {
                Literal::Text(text) => Some(Text::new(text, dictionary)),
                _ => None,
            })
            .collect();
        let mut codes: Vec<u32> = texts.iter().filter_map(|text| text.code).collect();
        codes.sort_unstable();
        let numbers: Vec<f64> = members
            .iter()
            .filter_map(|member| match member {
                Literal::Number(number) => Some(*number),
                _ => None,
            })
            .collect();
        let all = numbers
            .iter()
            .copied()
            .chain(texts.iter().map(|text| text.number));
        Members {
            all_numbers: sorted(all.collect()),
            codes_end,
            numbers: sorted(numbers),
            codes,
            texts,
        }
    }

    /// Whether a member equals what the cell holds.
    pub fn contain(&self, held: Held, dictionary: &Dictionary) -> bool {
        match held {
            Held::Number(number) => has(&self.all_numbers, number),
            Held::Array(_) => has(&self.all_numbers, 0.0),
            Held::Text(code) => {
                let entry = dictionary.entry(code);
                self.codes.binary_search(&code).is_ok()
                    || has(&self.numbers, entry.number())
                    || (code >= self.codes_end
                        && self.texts.iter().any(|text| *text.bytes == *entry.text()))
            }
            Held::Null | Held::Missing | Held::Unknown => false,
        }
    }
}

/// Without NaN, which equals nothing, and with one zero.
fn sorted(numbers: Vec<f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers
        .into_iter()
        .filter(|number| !number.is_nan())
        .map(|number| number + 0.0)
        .collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers
}

fn has(sorted: &[f64], number: f64) -> bool {
    let number = number + 0.0;
    sorted
        .binary_search_by(|other| other.total_cmp(&number))
        .is_ok()
}

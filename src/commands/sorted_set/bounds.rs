//! Ranges of sorted sets as requests give them: by rank, by score (`1.5`, `(1.5`, `-inf`), by the members' bytes (`[a`, `(a`,
//! `-`, `+`), and the ranks that they amount to.

use crate::commands::error::{self, Refusal, Result};
use crate::commands::members::places;
use crate::keyspace::sorted_set::SortedSet;
use crate::protocol::number;
use std::ops::Range;

/// By what a range is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Ranks.
    Rank,
    /// Scores.
    Score,
    /// The members' bytes, where all scores are equal.
    Bytes,
}

/// A bound that is not a score; for the pages.
pub const SCORE_ERROR: (&str, &str) = (
    "ERR min or max is not a float",
    "A bound is no number, with or without a parenthesis in front.",
);
/// A bound that is no member; for the pages.
pub const BYTES_ERROR: (&str, &str) = (
    "ERR min or max not valid string range item",
    "A bound is neither `-` nor `+` and begins with neither `[` nor `(`.",
);

/// A range, its lower bound first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bounds<'r> {
    /// Ranks, both included; below zero they count from the end.
    Rank(i64, i64),
    /// Scores.
    Score(Bound<f64>, Bound<f64>),
    /// Members.
    Bytes(Bound<&'r [u8]>, Bound<&'r [u8]>),
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound<T> {
    /// Before everything.
    Lowest,
    /// This and what is beyond.
    Included(T),
    /// What is beyond this.
    Excluded(T),
    /// After everything.
    Highest,
}

impl<'r> Bounds<'r> {
    /// Reads both bounds, the lower one first.
    pub fn parse(by: By, min: &'r [u8], max: &'r [u8]) -> Result<Bounds<'r>> {
        match by {
            By::Rank => {
                let rank = |word| number::parse_i64(word).ok_or(error::NOT_AN_INTEGER);
                Ok(Bounds::Rank(rank(min)?, rank(max)?))
            }
            By::Score => match (parse_score(min), parse_score(max)) {
                (Some(min), Some(max)) => Ok(Bounds::Score(min, max)),
                _ => Err(Refusal::line(SCORE_ERROR.0)),
            },
            By::Bytes => match (parse_bytes(min), parse_bytes(max)) {
                (Some(min), Some(max)) => Ok(Bounds::Bytes(min, max)),
                _ => Err(Refusal::line(BYTES_ERROR.0)),
            },
        }
    }

    /// The ranks of the members within the bounds. `is_reversed`: ranks are counted from the highest score (bounds of
    /// other kinds do not change with the direction).
    pub fn ranks(&self, set: &SortedSet, is_reversed: bool) -> Range<usize> {
        let ranks = match self {
            Bounds::Rank(start, stop) => {
                let places = places(*start, *stop, set.len());
                match is_reversed {
                    true => set.len() - places.end..set.len() - places.start,
                    false => places,
                }
            }
            Bounds::Score(min, max) => {
                let below = |bound: &Bound<f64>, keeps_equal| match *bound {
                    Bound::Lowest => 0,
                    Bound::Highest => set.len(),
                    Bound::Included(score) | Bound::Excluded(score) => match keeps_equal {
                        true => set.rank(|item| item.score <= score),
                        false => set.rank(|item| item.score < score),
                    },
                };
                let is_open = |bound: &Bound<f64>| matches!(bound, Bound::Excluded(_));
                below(min, is_open(min))..below(max, !is_open(max))
            }
            Bounds::Bytes(min, max) => {
                let below = |bound: &Bound<&[u8]>, keeps_equal| match *bound {
                    Bound::Lowest => 0,
                    Bound::Highest => set.len(),
                    Bound::Included(bytes) | Bound::Excluded(bytes) => match keeps_equal {
                        true => set.rank(|item| &*item.member <= bytes),
                        false => set.rank(|item| &*item.member < bytes),
                    },
                };
                let is_open = |bound: &Bound<&[u8]>| matches!(bound, Bound::Excluded(_));
                below(min, is_open(min))..below(max, !is_open(max))
            }
        };
        // Bounds the wrong way round hold nothing.
        ranks.start.min(ranks.end)..ranks.end
    }
}

/// Unlike a score a bound may be beyond what f64 can tell (it is infinite, or zero, then), and is not hexadecimal. An empty
/// word is 0, as C reads it.
fn parse_score(word: &[u8]) -> Option<Bound<f64>> {
    let number = |word: &[u8]| match word.strip_prefix(b"+").unwrap_or(word) {
        [] if word.is_empty() => Some(0.0),
        [b'+' | b'-', ..] if word.starts_with(b"+") => None,
        digits => fast_float2::parse(digits)
            .ok()
            .filter(|score: &f64| !score.is_nan()),
    };
    match word.strip_prefix(b"(") {
        Some(rest) => number(rest).map(Bound::Excluded),
        None => number(word).map(Bound::Included),
    }
}

fn parse_bytes(word: &[u8]) -> Option<Bound<&[u8]>> {
    match word {
        b"-" => Some(Bound::Lowest),
        b"+" => Some(Bound::Highest),
        [b'(', rest @ ..] => Some(Bound::Excluded(rest)),
        [b'[', rest @ ..] => Some(Bound::Included(rest)),
        _ => None,
    }
}

//! SORTBY and LIMIT: rows in an order, and a page of them.

use super::super::aggregate::{Arrange, SortKey};
use super::super::expression::{Row, Value};
use super::super::schema::Field;
use super::{Line, Pipeline};
use crate::commands::error::Result;
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

impl Pipeline<'_> {
    /// Sorts with a heap, which can stop at any row: in the middle of filling it with the first of those that came so far, in the middle of
    /// emptying it with the first of all.
    pub(super) fn arrange(
        &self,
        lines: Vec<Line>,
        arrange: &Arrange,
        kept: &[&Field],
    ) -> Result<Vec<Line>> {
        let shown_max = arrange.rows_max().map_or(usize::MAX, |max| max as usize);
        let offset = arrange.offset() as usize;
        if arrange.keys.is_empty() {
            return Ok(lines.into_iter().take(shown_max).skip(offset).collect());
        }
        let names = || arrange.keys.iter().map(|key| &*key.property);
        // Equal rows of documents stand in the direction of the last key.
        let is_reversed = arrange.keys.last().is_some_and(|key| key.is_descending);
        let mut heap = BinaryHeap::with_capacity(lines.len());
        for (place, mut line) in lines.into_iter().enumerate() {
            self.load_all_kept(&mut line, kept);
            let is_last = self.ends_behind(&line);
            heap.push(Ranked {
                values: names().map(|name| sorted_by(&line, name)).collect(),
                keys: &arrange.keys,
                place: if is_reversed {
                    usize::MAX - place
                } else {
                    place
                },
                line,
            });
            if is_last {
                break;
            }
        }
        self.begin_loop()?;
        let mut sorted = Vec::new();
        for _ in 0..shown_max {
            let Some(Ranked { line, .. }) = heap.pop() else {
                break;
            };
            let is_last = self.ends_behind(&line);
            sorted.push(line);
            if is_last {
                break;
            }
        }
        sorted.drain(..offset.min(sorted.len()));
        Ok(sorted)
    }
}

/// What a row has of a key. What is no number has no place among numbers and counts as missing: in the module it equals each of them, so
/// that its neighbours come in any order.
fn sorted_by(line: &Line, name: &str) -> Option<Value> {
    let value = line.properties.get(name)?;
    let is_nan = matches!(value, Value::Number(number) if number.is_nan());
    (!is_nan).then_some(value)
}

/// A row with what it is sorted by. The largest is the first.
struct Ranked<'k> {
    values: SmallVec<[Option<Value>; 1]>,
    keys: &'k [SortKey],
    /// Its place among equal rows.
    place: usize,
    line: Line,
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = self.values.iter().zip(&other.values);
        let compared = pairs.zip(self.keys).map(|(values, key)| match values {
            (Some(one), Some(other)) if key.is_descending => one.order(other),
            (Some(one), Some(other)) => other.order(one),
            // What is missing comes last either way.
            (one, other) => one.is_some().cmp(&other.is_some()),
        });
        let compared = compared.fold(Ordering::Equal, Ordering::then);
        compared.then(other.place.cmp(&self.place))
    }
}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked<'_> {}

//! The order of a search's documents: by what they are worth, or by what SORTBY names. Only so many are sorted as are shown.

use super::cells;
use super::find::{Ground, Observer, Passed};
use super::options::Format;
use super::schema::{DocumentKind, FieldKind, Schema};
use super::search::SortBy;
use crate::commands::error::{Refusal, Result};
use crate::keyspace::documents::fields::DocumentId;
use crate::keyspace::documents::packed::PackedValue;
use bytes::Bytes;
use roaring::RoaringBitmap;
use std::cmp::Ordering;
use std::ops::Bound::Unbounded;

/// What a document is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub enum SortKey {
    /// A number, of NUMERIC fields and distances.
    Number(f64),
    /// Text, as the index keeps it for sorting.
    Text(Bytes),
}

/// A document with its sort key, if it has one.
type Sorted = (DocumentId, Option<SortKey>);

/// Whether there is something of that name to sort by.
pub fn check(schema: &Schema, sort: &SortBy, distances: &[&str]) -> Result<()> {
    match distances.contains(&&*sort.field) || schema.find(&sort.field).is_some() {
        true => Ok(()),
        false => {
            let line = format!("Property `{}` not loaded nor in schema", sort.field);
            Err(Refusal::made(line))
        }
    }
}

/// The first `end` documents, the best first; equal ones in the order of indexing.
pub fn by_score(passed: &Passed, end: usize, observer: &mut dyn Observer) -> Vec<Sorted> {
    let total = passed.ids.len() as usize;
    if passed.is_unscored() {
        observer.passed("Scorer", total);
        return passed.ids.iter().take(end).map(|id| (id, None)).collect();
    }
    let scored = passed.scored();
    observer.passed("Scorer", total);
    let best_first = |one: &(f64, DocumentId), other: &(f64, DocumentId)| {
        other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
    };
    let best = first(scored, end, best_first).into_iter();
    best.map(|(_, id)| (id, None)).collect()
}

/// The first `end` documents by a distance or a field; those without it come last, equal ones in the order of indexing, or
/// against it where the direction is.
pub fn by_field(
    ground: &Ground,
    passed: &Passed,
    sort: &SortBy,
    end: usize,
    listing: Option<Format>,
) -> Vec<Sorted> {
    let keyed = match passed.distances(&sort.field) {
        Some(distances) => {
            // A range has distances of documents that another condition keeps out.
            let passing = distances.ids().filter(|id| passed.ids.contains(*id));
            let found = passing.filter_map(|id| Some((id, distances.get(id)?)));
            first_by_number(found.collect(), end, sort.is_descending)
        }
        None => match ground.index.schema().find(&sort.field) {
            Some(field) => by_value(ground, passed, (field, sort.is_descending), end, listing),
            None => Vec::new(),
        },
    };
    with_others(keyed, &passed.ids, sort.is_descending, end)
}

/// Adds documents without a key, as far as there is room.
fn with_others(
    mut keyed: Vec<Sorted>,
    ids: &RoaringBitmap,
    is_descending: bool,
    end: usize,
) -> Vec<Sorted> {
    let room = end.saturating_sub(keyed.len());
    if room > 0 && (keyed.len() as u64) < ids.len() {
        let known: RoaringBitmap = keyed.iter().map(|(id, _)| *id).collect();
        let others = (ids - known).into_iter();
        match is_descending {
            true => keyed.extend(others.rev().take(room).map(|id| (id, None))),
            false => keyed.extend(others.take(room).map(|id| (id, None))),
        }
    }
    keyed
}

/// The first `end` of the documents that have a value in a field.
fn by_value(
    ground: &Ground,
    passed: &Passed,
    (field, is_descending): (usize, bool),
    end: usize,
    listing: Option<Format>,
) -> Vec<Sorted> {
    let definition = &ground.index.schema().fields[field];
    if definition.kind != FieldKind::Numeric {
        return by_text(ground, passed, (field, is_descending), end, listing);
    }
    let numbers = by_number(passed, (field, is_descending), end).into_iter();
    // `null` is less than any number.
    let nulls = nulls(ground, passed, field).into_iter();
    let nulls = nulls.map(|id| (id, None));
    match is_descending {
        true => numbers.chain(nulls.rev()).take(end).collect(),
        false => nulls.chain(numbers).take(end).collect(),
    }
}

fn by_number(passed: &Passed, (field, is_descending): (usize, bool), end: usize) -> Vec<Sorted> {
    let numbers = &passed.state.fields[field].numbers;
    if let Some(in_order) = numbers.in_order(&passed.ids, is_descending) {
        let in_time = in_order.take_while(|_| !passed.patience.ends());
        let first = in_time.take(end);
        return first
            .map(|(number, id)| (id, Some(SortKey::Number(number))))
            .collect();
    }
    let in_time = passed.ids.iter().take_while(|_| !passed.patience.ends());
    let found = in_time.filter_map(|id| {
        match passed.state.documents.get(id)?.value(field) {
            // Of several the first counts.
            PackedValue::Numbers(numbers) => Some((id, numbers.iter().next()?)),
            _ => None,
        }
    });
    first_by_number(found.collect(), end, is_descending)
}

/// Documents whose number is `null`, which JSON alone has; an index keeps none of it for sorting. That is looked for among those that
/// have something in the field, but no number.
fn nulls(ground: &Ground, passed: &Passed, field: usize) -> Vec<DocumentId> {
    let schema = ground.index.schema();
    let definition = &schema.fields[field];
    if schema.documents != DocumentKind::Json || definition.is_sortable {
        return Vec::new();
    }
    let of_field = &passed.state.fields[field];
    let without = &of_field.present - of_field.numbers.between(Unbounded, Unbounded);
    let is_null = |id: &DocumentId| {
        let document = passed.state.documents.get(*id);
        let cell = document
            .and_then(|document| cells::kept(&ground.view, document.key(), definition, None));
        cell.is_some_and(|cell| cell.value.is_none())
    };
    let candidates = (without & &passed.ids).into_iter();
    let in_time = candidates.take_while(|_| !passed.patience.ends());
    in_time.filter(is_null).collect()
}

fn first_by_number(found: Vec<(DocumentId, f64)>, end: usize, is_descending: bool) -> Vec<Sorted> {
    let order = |one: &(DocumentId, f64), other: &(DocumentId, f64)| {
        directed(
            one.1.total_cmp(&other.1).then(one.0.cmp(&other.0)),
            is_descending,
        )
    };
    let first = first(found, end, order).into_iter();
    first
        .map(|(id, number)| (id, Some(SortKey::Number(number))))
        .collect()
}

/// The values are read from the documents; `null` is less than any text.
fn by_text(
    ground: &Ground,
    passed: &Passed,
    (field, is_descending): (usize, bool),
    end: usize,
    listing: Option<Format>,
) -> Vec<Sorted> {
    let definition = &ground.index.schema().fields[field];
    let text = |id| {
        let document = passed.state.documents.get(id)?;
        if document.value(field) == PackedValue::Missing {
            return None;
        }
        let cell = cells::kept(&ground.view, document.key(), definition, listing)?;
        Some(cell.value)
    };
    let in_time = passed.ids.iter().take_while(|_| !passed.patience.ends());
    let found = in_time.filter_map(|id| Some((id, text(id)?)));
    let order = |one: &(DocumentId, Option<Bytes>), other: &(DocumentId, Option<Bytes>)| {
        directed(one.1.cmp(&other.1).then(one.0.cmp(&other.0)), is_descending)
    };
    let first = first(found.collect(), end, order).into_iter();
    first
        .map(|(id, text)| (id, text.map(SortKey::Text)))
        .collect()
}

fn directed(order: Ordering, is_descending: bool) -> Ordering {
    match is_descending {
        true => order.reverse(),
        false => order,
    }
}

/// The first `end` of all in an order, sorted.
fn first<T>(mut all: Vec<T>, end: usize, order: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if end > 0 && end < all.len() {
        all.select_nth_unstable_by(end - 1, &order);
    }
    all.truncate(end);
    all.sort_unstable_by(order);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_all_are_those_of_a_full_sort() {
        let all: Vec<(DocumentId, f64)> =
            (0..500).map(|id| (id, f64::from(id * 37 % 101))).collect();
        for is_descending in [false, true] {
            let mut sorted = all.clone();
            sorted.sort_by(|one, other| {
                let order = one.1.total_cmp(&other.1).then(one.0.cmp(&other.0));
                directed(order, is_descending)
            });
            for end in [0, 1, 10, 499, 500, 501] {
                let found = first_by_number(all.clone(), end, is_descending).into_iter();
                let found: Vec<DocumentId> = found.map(|(id, _)| id).collect();
                let expected = sorted.iter().take(end).map(|(id, _)| *id);
                assert_eq!(found, expected.collect::<Vec<_>>(), "{end} {is_descending}");
            }
        }
    }

    #[test]
    fn documents_without_a_key_come_last_in_the_order_of_indexing() {
        let ids: RoaringBitmap = (1..9).collect();
        let keyed = vec![
            (5, Some(SortKey::Number(1.0))),
            (2, Some(SortKey::Number(3.0))),
        ];
        let ids_of = |end| {
            let all = with_others(keyed.clone(), &ids, false, end).into_iter();
            all.map(|(id, _)| id).collect::<Vec<_>>()
        };
        assert_eq!(ids_of(2), [5, 2]);
        assert_eq!(ids_of(4), [5, 2, 1, 3]);
        assert_eq!(ids_of(99), [5, 2, 1, 3, 4, 6, 7, 8]);
        let reversed = with_others(keyed.clone(), &ids, true, 4).into_iter();
        assert_eq!(reversed.map(|(id, _)| id).collect::<Vec<_>>(), [5, 2, 8, 7]);
    }
}

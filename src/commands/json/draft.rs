//! What a command wants to alter of a document: edits in order, seen by the edits behind them where they touch each other.

use super::errors;
use crate::commands::Context;
use crate::commands::error::Result;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::json::{DEPTH_MAX, Document, Edit, Node, Place, Step};
use std::cmp::Ordering;

/// Edits of one document.
pub struct Draft<'d> {
    document: &'d Document,
    /// The document with the edits so far; made only if one of them may be about what another one altered.
    altered: Option<Document>,
    edits: Vec<(Place, Edit)>,
    bytes: usize,
    bytes_max: usize,
}

impl<'d> Draft<'d> {
    /// No edits yet; they will be at `places`.
    pub fn new<'p>(
        context: &Context,
        document: &'d Document,
        places: impl Iterator<Item = &'p Place>,
    ) -> Draft<'d> {
        let mut places: Vec<&Place> = places.collect();
        places.sort();
        let touch = places.windows(2).any(|pair| pair[0].contains(pair[1]));
        let bytes_max = context.config.proto_max_bulk_len_bytes();
        Draft {
            document,
            altered: touch.then(|| document.clone()),
            edits: Vec::new(),
            bytes: 0,
            bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
        }
    }

    /// What is at a place now.
    pub fn at(&self, place: &Place) -> Option<Node<'_>> {
        self.altered.as_ref().unwrap_or(self.document).at(place)
    }

    /// Adds an edit, unless there is nothing to alter any more at its place.
    ///
    /// # Errors
    /// If the document would become too deep, or grow by too much.
    pub fn edit(&mut self, place: &Place, edit: Edit) -> Result<bool> {
        if edit.depth_at(place) > DEPTH_MAX {
            return Err(errors::TOO_DEEP);
        }
        self.bytes = self.bytes.saturating_add(edit.heap_bytes());
        if self.bytes > self.bytes_max {
            return Err(errors::TOO_LARGE);
        }
        let done = match &mut self.altered {
            Some(altered) => altered.edit(place, edit.clone()),
            None => true,
        };
        if done {
            self.edits.push((place.clone(), edit));
        }
        Ok(done)
    }

    /// The changes of the key that the edits are.
    pub fn changes(self, db: usize, key: &[u8]) -> Vec<Change> {
        let edits = self.edits.into_iter();
        edits
            .map(|(place, edit)| Change::new(db, key, Effect::Json { place, edit }))
            .collect()
    }
}

/// The order in which places can be altered one by one: what is inside comes before what it is in, and elements from the
/// end, so that no alteration moves the place of a later one; members by name, because clients of the older form see which
/// one was the last. Gives positions in `places`.
pub fn order<P: std::borrow::Borrow<Place>>(places: &[P]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| compare(places[*a].borrow(), places[*b].borrow()));
    order
}

fn compare(a: &Place, b: &Place) -> Ordering {
    let (a, b) = (a.steps(), b.steps());
    let steps = a.iter().zip(b).map(|steps| match steps {
        (Step::Name(a), Step::Name(b)) => a.cmp(b),
        (Step::At(a), Step::At(b)) => b.cmp(a),
        (Step::Name(_), Step::At(_)) => Ordering::Less,
        (Step::At(_), Step::Name(_)) => Ordering::Greater,
    });
    let differing = steps.into_iter().find(|order| order.is_ne());
    differing.unwrap_or_else(|| b.len().cmp(&a.len()))
}

/// The places that are not inside another one, each once, elements from the end.
pub fn outermost(mut places: Vec<Place>) -> Vec<Place> {
    places.sort();
    let mut kept: Vec<Place> = Vec::new();
    for place in places {
        if kept.last().is_none_or(|last| !last.contains(&place)) {
            kept.push(place);
        }
    }
    kept.reverse();
    kept
}

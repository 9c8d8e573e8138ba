//! What changes do to lists.

use super::Subject;
use crate::keyspace::Value;
use crate::keyspace::list::{End, List};
use bytes::Bytes;
use std::sync::Arc;

impl Subject<'_> {
    pub(super) fn push(&self, end: End, elements: &[Bytes]) {
        let make = || Some(Value::List(Arc::default()));
        self.alter_or_make(make, |value| {
            if let Value::List(list) = value {
                let list = Arc::make_mut(list);
                for element in elements {
                    list.push(end, Bytes::copy_from_slice(element));
                }
            }
        });
    }

    pub(super) fn set_element(&self, place: usize, element: &[u8]) {
        self.alter_list(|list| list.set(place, Bytes::copy_from_slice(element)));
    }

    /// Nothing happens if no element equals `pivot`.
    pub(super) fn insert_element(&self, side: End, pivot: &[u8], element: &[u8]) {
        self.alter_list(|list| {
            let found = list.iter().position(|other| other == pivot);
            if let Some(place) = found {
                let place = place + usize::from(side == End::Back);
                list.insert(place, Bytes::copy_from_slice(element));
            }
        });
    }

    pub(super) fn trim(&self, first: usize, last: usize) {
        self.alter_list(|list| {
            list.cut(End::Back, list.len().saturating_sub(last.saturating_add(1)));
            list.cut(End::Front, first);
        });
    }

    /// What `alter` returns is of no interest.
    pub(super) fn alter_list<T>(&self, alter: impl FnOnce(&mut List) -> T) {
        self.alter(|value| match value {
            Value::List(list) => {
                let list = Arc::make_mut(list);
                alter(list);
                list.is_empty()
            }
            _ => false,
        });
    }
}

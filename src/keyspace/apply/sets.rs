//! What changes do to sets and sorted sets.

use super::Subject;
use crate::keyspace::Value;
use crate::keyspace::set::Set;
use crate::keyspace::sorted_set::SortedSet;
use bytes::Bytes;
use std::sync::Arc;

impl Subject<'_> {
    pub(super) fn add_to_set(&self, members: &[Bytes]) {
        let seed = self.keyspace.seed();
        let make = || Some(Value::Set(Arc::new(Set::new(seed))));
        self.alter_or_make(make, |value| {
            if let Value::Set(set) = value {
                let set = Arc::make_mut(set);
                for member in members {
                    set.insert(Bytes::copy_from_slice(member));
                }
            }
        });
    }

    pub(super) fn remove_from_set(&self, members: &[Bytes]) {
        self.alter(|value| match value {
            Value::Set(set) => {
                let set = Arc::make_mut(set);
                for member in members {
                    set.remove(member);
                }
                set.is_empty()
            }
            _ => false,
        });
    }

    pub(super) fn add_to_sorted_set(&self, members: &[(f64, Bytes)]) {
        let seed = self.keyspace.seed();
        let make = || Some(Value::SortedSet(Arc::new(SortedSet::new(seed))));
        self.alter_or_make(make, |value| {
            if let Value::SortedSet(set) = value {
                let set = Arc::make_mut(set);
                for (score, member) in members {
                    set.insert(Bytes::copy_from_slice(member), *score);
                }
            }
        });
    }

    pub(super) fn remove_from_sorted_set(&self, members: &[Bytes]) {
        self.alter(|value| match value {
            Value::SortedSet(set) => {
                let set = Arc::make_mut(set);
                for member in members {
                    set.remove(member);
                }
                set.is_empty()
            }
            _ => false,
        });
    }
}

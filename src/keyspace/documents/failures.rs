//! Documents that could not be indexed: how many by each field, and the last of them.

use super::index::Failure;
use std::collections::BTreeMap;

/// What went wrong since an index was made, or since the start.
#[derive(Default)]
pub struct Failures {
    last_field: Option<usize>,
    by_field: BTreeMap<usize, FieldFailures>,
}

/// What went wrong with one field.
pub struct FieldFailures {
    /// How often.
    pub count: u64,
    /// The last time.
    pub last: Failure,
}

impl Failures {
    /// One more.
    pub fn note(&mut self, failure: Failure) {
        let field = failure.field;
        self.last_field = Some(field);
        let count = self.of(field).map_or(0, |of_field| of_field.count) + 1;
        let last = failure;
        self.by_field.insert(field, FieldFailures { count, last });
    }

    /// The last one.
    pub fn last(&self) -> Option<&Failure> {
        Some(&self.of(self.last_field?)?.last)
    }

    /// Those of a field, by its place.
    pub fn of(&self, field: usize) -> Option<&FieldFailures> {
        self.by_field.get(&field)
    }
}

#[cfg(test)]
mod tests {
    use super::super::index::Refusal;
    use super::*;

    #[test]
    fn each_field_has_its_own_count() {
        let mut failures = Failures::default();
        assert!(failures.last().is_none());
        for (field, key) in [(1, "a"), (0, "b"), (1, "c"), (0, "d")] {
            failures.note(Failure {
                key: key.as_bytes().into(),
                field,
                why: Refusal::Point,
            });
        }
        let of = |field| failures.of(field).map(|of| (of.count, &*of.last.key));
        assert_eq!(of(1), Some((2, b"c".as_slice())));
        assert_eq!(of(0), Some((2, b"d".as_slice())));
        assert_eq!(of(2), None);
        assert_eq!(
            failures.last().map(|last| &*last.key),
            Some(b"d".as_slice())
        );
    }
}

//! Distances of documents from a vector: one list, by document.

use crate::keyspace::documents::fields::DocumentId;

/// Documents with their distances, by id, each once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distances(Vec<(DocumentId, f64)>);

impl Distances {
    /// The documents in any order; one that comes more than once has its least distance.
    pub fn least(mut found: Vec<(DocumentId, f64)>) -> Distances {
        found.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
        found.dedup_by_key(|(id, _)| *id);
        Distances(found)
    }

    /// Leaves the `count` nearest; of equally near ones those that were indexed first.
    pub fn keep_nearest(&mut self, count: usize) {
        if self.0.len() <= count {
            return;
        }
        if count > 0 {
            let order = |one: &(DocumentId, f64), other: &(DocumentId, f64)| {
                one.1.total_cmp(&other.1).then(one.0.cmp(&other.0))
            };
            self.0.select_nth_unstable_by(count - 1, order);
        }
        self.0.truncate(count);
        self.0.sort_unstable_by_key(|(id, _)| *id);
    }

    /// The distance of a document.
    pub fn get(&self, id: DocumentId) -> Option<f64> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(self.0[at].1)
    }

    /// The greatest of them.
    pub fn farthest(&self) -> Option<f64> {
        let distances = self.0.iter().map(|(_, distance)| *distance);
        distances.max_by(f64::total_cmp)
    }

    /// The documents, in the order of their ids.
    pub fn ids(&self) -> impl Iterator<Item = DocumentId> + '_ {
        self.0.iter().map(|(id, _)| *id)
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_its_least_distance() {
        let found = Distances::least(vec![(7, 2.0), (3, 1.0), (7, 0.5), (9, 0.5)]);
        let pairs: Vec<_> = found.ids().map(|id| (id, found.get(id))).collect();
        assert_eq!(pairs, [(3, Some(1.0)), (7, Some(0.5)), (9, Some(0.5))]);
        assert_eq!((found.get(4), found.farthest()), (None, Some(1.0)));
    }

    #[test]
    fn the_nearest_stay_and_the_older_of_equal_ones() {
        let all = Distances::least(vec![(7, 0.5), (3, 1.0), (9, 0.5), (1, 0.75)]);
        let kept = |count| {
            let mut kept = all.clone();
            kept.keep_nearest(count);
            kept.ids().collect::<Vec<_>>()
        };
        assert_eq!(kept(1), [7]);
        assert_eq!(kept(3), [1, 7, 9]);
        assert_eq!(kept(9), [1, 3, 7, 9]);
        assert!(kept(0).is_empty());
    }
}

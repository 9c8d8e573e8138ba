//! The former neighbours of a removed node: how far they are from each other, and which of them find each other without it.

use crate::index::nearest::Candidate;

/// Most nodes in a circle: a square of four bytes and one for each pair of them is kept while the node is removed.
pub(super) const CIRCLE_MAX: usize = 256;

/// Nodes of one layer, with what is between any two of them.
pub(super) struct Circle {
    nodes: Vec<u32>,
    /// n x n distances, row by row.
    distances: Vec<f32>,
    /// n x n: whether the two are linked, or linked to one and the same.
    are_near: Vec<bool>,
    /// n x n: the distance of those of whom the row's node should learn, else infinity.
    lost: Vec<f32>,
}

impl Circle {
    /// A circle of at most [`CIRCLE_MAX`] different nodes, none of which is near another yet.
    pub(super) fn new(nodes: &[u32]) -> Circle {
        let pairs = nodes.len() * nodes.len();
        Circle {
            nodes: nodes.to_vec(),
            distances: vec![0.0; pairs],
            are_near: vec![false; pairs],
            lost: vec![f32::INFINITY; pairs],
        }
    }

    pub(super) fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    /// Sets the distances of the node in place `at` from all that come after it.
    pub(super) fn set_distances(&mut self, at: usize, distances: &[f32]) {
        for (other, &distance) in (at + 1..).zip(distances) {
            let (there, back) = (self.pair(at, other), self.pair(other, at));
            self.distances[there] = distance;
            self.distances[back] = distance;
            self.lost[there] = distance;
            self.lost[back] = distance;
        }
    }

    /// Finds out who is near whom from the links of each node, in the circle's order. Nodes that know one and the same come to lie
    /// side by side when all links are sorted.
    pub(super) fn set_links(&mut self, links: impl Iterator<Item = Vec<u32>>) {
        // A slot and a place in one number: sorting takes most of the time here.
        let knows = |slot: u32, at: u64| u64::from(slot) << 32 | at;
        let mut known = Vec::with_capacity(self.nodes.len() * 32);
        for (at, links) in (0..).zip(links) {
            known.extend(links.into_iter().map(|slot| knows(slot, at)));
            known.push(knows(self.nodes[at as usize], at));
        }
        known.sort_unstable();
        for same in known.chunk_by(|a, b| a >> 32 == b >> 32) {
            for (one, other) in all_pairs(same) {
                self.set_near(*one as u32 as usize, *other as u32 as usize);
            }
        }
    }

    pub(super) fn set_near(&mut self, one: usize, other: usize) {
        let (there, back) = (self.pair(one, other), self.pair(other, one));
        self.are_near[there] = true;
        self.are_near[back] = true;
        self.lost[there] = f32::INFINITY;
        self.lost[back] = f32::INFINITY;
    }

    pub(super) fn are_near(&self, one: usize, other: usize) -> bool {
        self.are_near[self.pair(one, other)]
    }

    fn distance(&self, one: usize, other: usize) -> f32 {
        self.distances[self.pair(one, other)]
    }

    /// Takes out the nearest of the others that the node in place `at` is not near to.
    pub(super) fn take_lost(&mut self, at: usize) -> Option<usize> {
        let row = self.pair(at, 0)..self.pair(at + 1, 0);
        let lost = &mut self.lost[row];
        let nearest = lost.iter().fold(f32::INFINITY, |a, &b| a.min(b));
        let other = lost
            .iter()
            .position(|&d| d == nearest && d < f32::INFINITY)?;
        lost[other] = f32::INFINITY;
        Some(other)
    }

    /// All others, nearest to the node in place `at` first.
    pub(super) fn others(&self, at: usize) -> Vec<Candidate> {
        let places = (0..self.nodes.len()).filter(|&other| other != at);
        let mut others: Vec<_> = places
            .map(|other| Candidate::new(self.distance(at, other), self.nodes[other]))
            .collect();
        others.sort_unstable();
        others
    }

    /// The nearest two, one of each group; neither is empty.
    pub(super) fn nearest_pair(&self, ones: &[usize], others: &[usize]) -> (usize, usize) {
        let pairs = ones
            .iter()
            .flat_map(|&one| others.iter().map(move |&other| (one, other)));
        let distance = |pair: &(usize, usize)| self.distance(pair.0, pair.1);
        pairs
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .expect("neither group is empty")
    }

    fn pair(&self, row: usize, column: usize) -> usize {
        row * self.nodes.len() + column
    }
}

fn all_pairs<T>(items: &[T]) -> impl Iterator<Item = (&T, &T)> {
    let before = |(end, item)| items[..end].iter().map(move |earlier| (earlier, item));
    items.iter().enumerate().flat_map(before)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Nodes 10, 20, 30 and 40 at the points 0, 1, 3 and 7 of a line.
    fn circle(links: [&[u32]; 4]) -> Circle {
        let mut circle = Circle::new(&[10, 20, 30, 40]);
        circle.set_distances(0, &[1.0, 3.0, 7.0]);
        circle.set_distances(1, &[2.0, 6.0]);
        circle.set_distances(2, &[4.0]);
        circle.set_links(links.iter().map(|links| links.to_vec()));
        circle
    }

    #[test]
    fn those_who_are_linked_or_know_one_and_the_same_are_near() {
        let circle = circle([&[20, 99], &[10, 77], &[88, 99], &[66]]);
        let is_near = |one: usize, other: usize| one != other && circle.are_near(one, other);
        let near = |one| (0..4).filter(|&other| is_near(one, other)).collect();
        let found: Vec<Vec<usize>> = (0..4).map(near).collect();
        assert_eq!(found, [vec![1, 2], vec![0], vec![0], vec![]]);
    }

    #[test]
    fn lost_ones_come_nearest_first_and_once() {
        let mut circle = circle([&[], &[], &[], &[]]);
        circle.set_near(1, 0);
        let lost: Vec<_> = std::iter::from_fn(|| circle.take_lost(0)).collect();
        assert_eq!(lost, [2, 3]);
        assert_eq!(circle.take_lost(1), Some(2));
        assert_eq!(
            circle.take_lost(2),
            Some(1),
            "who lost whom is kept for each of the two"
        );
    }

    #[test]
    fn others_and_nearest_pairs_go_by_distance() {
        let circle = circle([&[], &[], &[], &[]]);
        let others: Vec<u32> = circle.others(2).iter().map(|c| c.slot()).collect();
        assert_eq!(others, [20, 10, 40]);
        assert_eq!(circle.nearest_pair(&[0, 3], &[1, 2]), (0, 1));
    }
}

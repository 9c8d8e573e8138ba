//! Whom a node links to: the diversity heuristic (the paper's algorithm 4, without its extensions) and the ways to get an
//! edge into lists that are full.

use super::graph::{Linking, Pinned};
use super::scratch::Choice;
use crate::index::nearest::Candidate;

/// How often an edge is decided on anew when others took the room meanwhile.
const DECISIONS: usize = 3;

impl Pinned<'_> {
    /// SELECT-NEIGHBORS-HEURISTIC: fills `choice.chosen` with at most `limit` of the candidates of a node x, nearest first. c is
    /// left out if some chosen s has alpha * d(c, s) < d(c, x): whoever looks for c will come by s.
    ///
    /// Equality never leaves anyone out: of many equal vectors each would make the others unreachable. But at most half of
    /// the list goes to vectors equal to x, or it would have no link out of their clump.
    pub(super) fn choose(&self, candidates: &[Candidate], limit: usize, choice: &mut Choice) {
        let Choice { candidate: point, slots, distances, chosen, .. } = choice;
        chosen.clear();
        slots.clear();
        let mut twins = 0;
        for &c in candidates {
            if chosen.len() == limit {
                break;
            }
            self.graph.vectors.load_point(c.slot(), point, self.guard);
            let scorer = self.scorer(point);
            let mut nearest = f32::INFINITY;
            let is_dominated = slots.chunks(4).any(|group| {
                scorer.score(group, distances);
                nearest = distances.iter().fold(nearest, |a, &b| a.min(b));
                distances.iter().any(|&d| self.graph.alpha * d < c.distance())
            });
            // x, c and the first chosen one as far from each other as c from itself: all equal.
            let is_twin = nearest == c.distance() && chosen.first().is_some_and(|s| s.distance() == c.distance());
            if is_dominated || (is_twin && twins >= limit / 2) {
                continue;
            }
            twins += usize::from(is_twin);
            chosen.push(c);
            slots.push(c.slot());
        }
    }

    /// Adds the edge x - y of length `distance`, making room in a full list if the heuristic wants the edge there. Whether
    /// it is there now.
    pub(super) fn connect(&self, layer: u8, x: u32, y: u32, distance: f32, choice: &mut Choice) -> bool {
        for _ in 0..DECISIONS {
            let (full, other) = match self.link(layer, x, y) {
                Linking::Linked => return true,
                Linking::Dead => return false,
                Linking::Full(node) => (node, if node == x { y } else { x }),
            };
            if !self.make_room(layer, full, Candidate::new(distance, other), choice) {
                return false;
            }
        }
        false
    }

    /// Chooses anew among the links of y and x. If x is chosen, those that are not lose their link; but a node that has few
    /// links keeps it while there is room.
    fn make_room(&self, layer: u8, y: u32, x: Candidate, choice: &mut Choice) -> bool {
        let mut candidates = self.ranked_neighbours(layer, y, choice);
        let at = candidates.partition_point(|c| *c < x);
        candidates.insert(at, x);
        let limit = self.graph.links_max(layer);
        self.choose(&candidates, limit, choice);
        if !choice.chosen.contains(&x) {
            return false;
        }
        let mut room = limit - choice.chosen.len();
        for z in candidates.iter().filter(|c| !choice.chosen.contains(c)) {
            if room > 0 && self.degree(layer, z.slot()) <= self.graph.links_min() {
                room -= 1;
            } else {
                self.unlink(layer, y, z.slot());
            }
        }
        true
    }

    /// Raises a node with fewer than M/4 links to that number, from its candidates, nearest first: without it a node among
    /// hubs that are full of diverse links is refused by everybody and lost.
    pub(super) fn rescue(&self, layer: u8, x: u32, candidates: &[Candidate], choice: &mut Choice) {
        let is_weak = || self.degree(layer, x) < self.graph.links_min();
        for c in candidates {
            if !is_weak() {
                return;
            }
            self.force(layer, x, c.slot(), choice);
        }
        // All of them full of weak nodes, which must not lose a link: those have room themselves.
        for c in candidates {
            for z in self.neighbours(layer, c.slot()) {
                if !is_weak() {
                    return;
                }
                if z != x {
                    self.link(layer, x, z);
                }
            }
        }
    }

    /// Adds the edge x - y; a full list drops the farthest neighbour that keeps more than M/4 links.
    pub(super) fn force(&self, layer: u8, x: u32, y: u32, choice: &mut Choice) -> bool {
        for _ in 0..DECISIONS {
            let full = match self.link(layer, x, y) {
                Linking::Linked => return true,
                Linking::Dead => return false,
                Linking::Full(node) => node,
            };
            let neighbours = self.ranked_neighbours(layer, full, choice);
            let is_strong = |z: &&Candidate| self.degree(layer, z.slot()) > self.graph.links_min();
            let Some(farthest) = neighbours.iter().rev().find(is_strong) else { return false };
            self.unlink(layer, full, farthest.slot());
        }
        false
    }

    /// The links of a node by distance from it.
    pub(super) fn ranked_neighbours(&self, layer: u8, node: u32, choice: &mut Choice) -> Vec<Candidate> {
        self.graph.vectors.load_point(node, &mut choice.node, self.guard);
        self.ranked(&choice.node, &self.neighbours(layer, node), &mut choice.distances)
    }

    /// `slots` by distance from a point.
    pub(super) fn ranked(
        &self,
        point: &crate::index::vectors::Point,
        slots: &[u32],
        distances: &mut Vec<f32>,
    ) -> Vec<Candidate> {
        self.scorer(point).score(slots, distances);
        let mut ranked: Vec<_> = slots.iter().zip(&*distances).map(|(&slot, &d)| Candidate::new(d, slot)).collect();
        ranked.sort_unstable();
        ranked
    }
}

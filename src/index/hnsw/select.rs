//! Whom a node links to: the diversity heuristic (the paper's algorithm 4, without its extensions) and the ways to get an
//! edge into lists that are full.

use super::graph::{Linking, Pinned};
use super::scratch::{Choice, Open};
use crate::index::nearest::Candidate;
use crate::index::slots::mix;
use crate::index::vectors::Point;

/// How often an edge is decided on anew when others took the room meanwhile.
const DECISIONS: usize = 3;

/// Candidates that are looked at together for links.
const CHOSEN_FROM: usize = 32;

/// A node that lost its edge to `from` for the sake of `other`, and has no neighbour in common with `from`.
struct Stranded {
    node: u32,
    from: u32,
    other: u32,
}

impl Pinned<'_> {
    /// SELECT-NEIGHBORS-HEURISTIC: fills `choice.chosen` with at most `limit` of the candidates of a node x, nearest first. c is
    /// left out if some chosen s has alpha * d(c, s) < d(c, x): whoever looks for c will come by s.
    ///
    /// Equality never leaves anyone out: of many equal vectors each would make the others unreachable. But only half of the
    /// list goes to vectors equal to x, or it would have no link out of their clump; the rest of them go to `choice.twins`,
    /// for what room is left.
    ///
    /// Candidates are taken a block at a time. Whoever is chosen is compared with those of the block that nobody left out before, so
    /// that most candidates meet few of those chosen, and only these are made one side of distances.
    pub(super) fn choose(&self, candidates: &[Candidate], limit: usize, choice: &mut Choice) {
        choice.chosen.clear();
        choice.twins.clear();
        let mut chosen_twins = 0;
        for block in candidates.chunks(CHOSEN_FROM) {
            if choice.chosen.len() == limit {
                break;
            }
            choice.open.clear();
            choice.open.extend(block.iter().map(|&candidate| Open {
                candidate,
                nearest: f32::INFINITY,
            }));
            for at in 0..choice.chosen.len() {
                self.leave_out(at, 0, choice);
            }
            let mut next = 0;
            while next < choice.open.len() && choice.chosen.len() < limit {
                let Open { candidate, nearest } = choice.open[next];
                next += 1;
                // As far from a chosen one as from x, and both as far from x: c, s and x are equal.
                let first = choice.chosen.first();
                let is_twin = nearest == candidate.distance()
                    && first.is_some_and(|s| s.distance() == candidate.distance());
                if is_twin && chosen_twins >= limit / 2 {
                    choice.twins.push(candidate);
                    continue;
                }
                chosen_twins += usize::from(is_twin);
                let at = choice.chosen.len();
                choice.chosen.push(candidate);
                if at == choice.points.len() {
                    choice.points.push(Point::empty());
                }
                let (vectors, point) = (&self.graph.vectors, &mut choice.points[at]);
                vectors.load_point(candidate.slot(), point, self.guard);
                self.leave_out(at, next, choice);
            }
        }
    }

    /// Compares the chosen one number `at` with the candidates of the block from number `from` on, and leaves those out to which it
    /// leads.
    fn leave_out(&self, at: usize, from: usize, choice: &mut Choice) {
        let Choice {
            points,
            open,
            slots,
            distances,
            ..
        } = choice;
        if open.len() == from {
            return;
        }
        slots.clear();
        slots.extend(open[from..].iter().map(|open| open.candidate.slot()));
        self.scorer(&points[at]).score(slots, distances);
        let mut kept = from;
        for (number, &d) in (from..).zip(&*distances) {
            let Open { candidate, nearest } = open[number];
            open[kept] = Open {
                candidate,
                nearest: nearest.min(d),
            };
            let is_dominated = self.graph.alpha * d < candidate.distance();
            kept += usize::from(!is_dominated);
        }
        open.truncate(kept);
    }

    /// Adds up to `room` of the twins that were left over: others for each node, so that they do not all link to the same.
    pub(super) fn add_twins(&self, node: u32, room: usize, choice: &mut Choice) {
        choice
            .twins
            .sort_unstable_by_key(|twin| mix(u64::from(twin.slot()) << 32 | u64::from(node)));
        choice.chosen.extend(choice.twins.drain(..).take(room));
    }

    /// Adds the edge x - y of length `distance`, making room in a full list if the heuristic wants the edge there. Whether
    /// it is there now. Whoever loses an edge by it, and the last short way to where it led, gets one to the other end.
    pub(super) fn connect(
        &self,
        layer: u8,
        x: u32,
        y: u32,
        distance: f32,
        choice: &mut Choice,
    ) -> bool {
        let mut stranded = Vec::new();
        let is_linked = self.connect_edge(layer, (x, y), distance, choice, &mut stranded);
        self.take_in(layer, stranded, is_linked);
        is_linked
    }

    fn connect_edge(
        &self,
        layer: u8,
        (x, y): (u32, u32),
        distance: f32,
        choice: &mut Choice,
        stranded: &mut Vec<Stranded>,
    ) -> bool {
        for _ in 0..DECISIONS {
            let (full, other) = match self.link(layer, x, y) {
                Linking::Linked => return true,
                Linking::Dead => return false,
                Linking::Full(node) => (node, if node == x { y } else { x }),
            };
            let other = Candidate::new(distance, other);
            if !self.make_room(layer, full, other, choice, stranded) {
                return false;
            }
        }
        false
    }

    /// Chooses anew among the links of y and x. If x is chosen, those that are not lose their link.
    fn make_room(
        &self,
        layer: u8,
        y: u32,
        x: Candidate,
        choice: &mut Choice,
        stranded: &mut Vec<Stranded>,
    ) -> bool {
        let mut candidates = self.ranked_neighbours(layer, y, choice);
        let at = candidates.partition_point(|c| *c < x);
        candidates.insert(at, x);
        let limit = self.graph.links_max(layer);
        self.choose(&candidates, limit, choice);
        // Those with few links come first: nobody is ever dropped below M/4.
        let is_weak =
            |z: &&Candidate| **z != x && self.degree(layer, z.slot()) <= self.graph.links_min();
        let weak: Vec<_> = candidates.iter().filter(is_weak).copied().collect();
        choice.chosen.retain(|z| !weak.contains(z));
        choice.chosen.truncate(limit.saturating_sub(weak.len()));
        choice.chosen.extend(weak);
        choice.twins.retain(|z| !choice.chosen.contains(z));
        self.add_twins(y, limit.saturating_sub(choice.chosen.len()), choice);
        if !choice.chosen.contains(&x) {
            return false;
        }
        for z in candidates.iter().filter(|z| !choice.chosen.contains(z)) {
            self.cut(layer, (y, z.slot()), x.slot(), stranded);
        }
        true
    }

    /// Takes the edge y - z away for the sake of x. Links stay undirected and each cut leaves a way around (by a common
    /// neighbour, or by x), so what was reached before is reached after it.
    fn cut(&self, layer: u8, (y, z): (u32, u32), x: u32, stranded: &mut Vec<Stranded>) {
        // Another thread has made the wanted edge meanwhile.
        if z == x {
            return;
        }
        if !self.unlink_and_look(layer, y, z) {
            stranded.push(Stranded {
                node: z,
                from: y,
                other: x,
            });
        }
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
        let mut stranded = Vec::new();
        let is_linked = self.force_edge(layer, (x, y), choice, &mut stranded);
        self.take_in(layer, stranded, is_linked);
        is_linked
    }

    fn force_edge(
        &self,
        layer: u8,
        (x, y): (u32, u32),
        choice: &mut Choice,
        stranded: &mut Vec<Stranded>,
    ) -> bool {
        for _ in 0..DECISIONS {
            let full = match self.link(layer, x, y) {
                Linking::Linked => return true,
                Linking::Dead => return false,
                Linking::Full(node) => node,
            };
            let other = if full == x { y } else { x };
            let neighbours = self.ranked_neighbours(layer, full, choice);
            let is_strong = |z: &&Candidate| self.degree(layer, z.slot()) > self.graph.links_min();
            let Some(farthest) = neighbours.iter().rev().find(is_strong) else {
                return false;
            };
            self.cut(layer, (full, farthest.slot()), other, stranded);
        }
        false
    }

    /// Links those who lost their edge to the node that it was lost for or, if that came to nothing, back.
    fn take_in(&self, layer: u8, stranded: Vec<Stranded>, is_linked: bool) {
        for Stranded { node, from, other } in stranded {
            // Both have room, as a rule: the one lost an edge just now, and a new node has few.
            self.link(layer, node, if is_linked { other } else { from });
        }
    }

    /// The links of a node by distance from it.
    pub(super) fn ranked_neighbours(
        &self,
        layer: u8,
        node: u32,
        choice: &mut Choice,
    ) -> Vec<Candidate> {
        self.graph
            .vectors
            .load_point(node, &mut choice.node, self.guard);
        self.ranked(
            &choice.node,
            &self.neighbours(layer, node),
            &mut choice.distances,
        )
    }

    /// `slots` by distance from a point.
    pub(super) fn ranked(
        &self,
        point: &Point,
        slots: &[u32],
        distances: &mut Vec<f32>,
    ) -> Vec<Candidate> {
        let scorer = self.scorer(point);
        scorer.fetch_and_score(slots, distances);
        let mut ranked: Vec<_> = slots
            .iter()
            .zip(&*distances)
            .map(|(&slot, &d)| Candidate::new(d, slot))
            .collect();
        ranked.sort_unstable();
        ranked
    }
}

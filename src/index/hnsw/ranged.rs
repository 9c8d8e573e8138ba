//! Walks on layer 0 for all that lies within a radius, however much that is.

use super::graph::Graph;
use super::scratch::Walk;
use super::search::{EXPANDED_AT_ONCE, Walker};
use crate::index::horizon::Horizon;
use crate::index::nearest::Candidate;
use crate::index::range::Reach;
use crate::index::vectors::Target;
use crate::index::{WalkStats, range};
use crossbeam_epoch::Guard;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

impl Graph {
    /// Candidates within the radius, and the nearest of those beyond that were met, nearest first. They may have died meanwhile.
    pub(in crate::index) fn search_within(
        &self,
        target: &Target,
        range: &range::Walk,
        stats: &mut WalkStats,
        guard: &Guard,
    ) -> Vec<Candidate> {
        self.walk_down(target, None, stats, guard, |walker, start| {
            let mut found = walker.walk_within(start, range);
            found.extend(walker.buffers.nearest.iter());
            found.sort_unstable();
            found
        })
    }
}

impl Walker<'_> {
    /// Best first through all that is within the radius or, beyond it, as near as `reach` says. Returns what is within; gives up
    /// when that is more than it may be. The nearest beyond are left in `nearest`.
    fn walk_within(&mut self, start: Candidate, range: &range::Walk) -> Vec<Candidate> {
        self.begin(start, Horizon::count(range.beyond()));
        let mut border = Border::new(range, start);
        let mut found = Vec::new();
        let mut open = BinaryHeap::from([Reverse(start)]);
        match start.distance() <= range.radius {
            true => found.push(start),
            false => self.buffers.nearest.offer(start),
        }
        while found.len() <= range.hits_max {
            let Walk {
                visited,
                nearest,
                batch,
                ..
            } = &mut *self.buffers;
            batch.clear();
            let mut expanded = 0;
            while expanded < EXPANDED_AT_ONCE {
                let worst = nearest.bound();
                let is_useful = |next: &Candidate| border.draws_in(*next, worst);
                let Some(Reverse(next)) = open.pop().filter(|Reverse(next)| is_useful(next)) else {
                    break;
                };
                border.approach(next.distance());
                visited.collect_new(self.graph.list(0, next.slot()), batch);
                expanded += 1;
            }
            if expanded == 0 {
                break;
            }
            self.score_batch(expanded);
            for at in 0..self.buffers.batch.len() {
                let candidate = Candidate::new(self.buffers.distances[at], self.buffers.batch[at]);
                let nearest = &mut self.buffers.nearest;
                if candidate.distance() <= range.radius {
                    found.push(candidate);
                    open.push(Reverse(candidate));
                    continue;
                }
                if border.draws_in(candidate, nearest.bound()) {
                    open.push(Reverse(candidate));
                }
                nearest.offer(candidate);
            }
        }
        self.stats.gave_up |= found.len() > range.hits_max;
        self.buffers.visited.clear();
        found
    }
}

/// How far beyond the radius a walk goes.
struct Border {
    radius: f32,
    /// The share of the nearest distance so far that it may be beyond; none where the candidates beyond are counted.
    epsilon: Option<f32>,
    /// The nearest distance so far, not below the radius.
    nearest: f32,
}

impl Border {
    fn new(range: &range::Walk, start: Candidate) -> Border {
        Border {
            radius: range.radius,
            epsilon: match range.reach {
                Reach::Candidates(_) => None,
                Reach::Share(epsilon) => Some(epsilon),
            },
            nearest: start.distance().max(range.radius),
        }
    }

    /// Notes that a node at this distance is expanded.
    fn approach(&mut self, distance: f32) {
        self.nearest = self.nearest.min(distance.max(self.radius));
    }

    /// Whether the links of a node are worth reading; `worst` of the candidates beyond the radius, once these are as many as
    /// they may be.
    fn draws_in(&self, candidate: Candidate, worst: Option<Candidate>) -> bool {
        if candidate.distance() <= self.radius {
            return true;
        }
        match self.epsilon {
            None => worst.is_none_or(|worst| candidate <= worst),
            Some(epsilon) => candidate.distance() <= self.nearest + epsilon * self.nearest.abs(),
        }
    }
}

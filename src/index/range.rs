//! All vectors within a radius: by a walk along the graph that goes on until what lies beyond is known, or by comparing with all.
//! Where the graph is walked on codes, who is near the radius by these is compared with what is stored.

use super::nearest::Candidate;
use super::scan;
use super::vectors::Target;
use super::{Neighbour, RERANKED_MIN, VectorIndex, WalkStats};
use crossbeam_epoch::Guard;

/// Vectors that are compared both ways to learn how codes err.
const ERROR_SAMPLE: usize = 64;

/// How far beyond the radius a walk goes, so as not to miss what lies within behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reach {
    /// It expands so many candidates beyond.
    Candidates(usize),
    /// It expands what is beyond by up to this share of the nearest distance so far, or of the radius once it is there.
    Share(f32),
}

/// A walk to everything within a radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Walk {
    /// The radius.
    pub radius: f32,
    /// How far beyond it goes.
    pub reach: Reach,
    /// It gives up when more than so many are within.
    pub hits_max: usize,
}

impl Walk {
    /// Candidates beyond the radius that are kept: some of those on its border are within by what is stored.
    pub(super) fn beyond(&self) -> usize {
        match self.reach {
            Reach::Candidates(count) => count.max(RERANKED_MIN),
            Reach::Share(_) => 2 * RERANKED_MIN,
        }
    }
}

impl VectorIndex {
    /// Walks to all live vectors within the radius, nearest first; none if it gave up, or if there is no graph.
    pub fn walk_within(
        &self,
        target: &Target,
        walk: &Walk,
        stats: &mut WalkStats,
    ) -> Option<Vec<Neighbour>> {
        let graph = self.graph.as_ref()?;
        let guard = crossbeam_epoch::pin();
        let mut found = graph.search_within(target, walk, stats, &guard);
        if stats.gave_up {
            return None;
        }
        found.retain(|candidate| self.slots.is_live(candidate.slot()));
        Some(self.within(target, found, walk.radius, stats, &guard))
    }

    /// Compares with all live vectors: those within the radius, nearest first. Unless `is_exact`, codes say which are worth a
    /// second look.
    pub fn scan_within(
        &self,
        target: &Target,
        radius: f32,
        is_exact: bool,
        stats: &mut WalkStats,
    ) -> Vec<Neighbour> {
        let guard = crossbeam_epoch::pin();
        let by_code = !is_exact && self.graph.is_some() && self.vectors.ranks_anew();
        let (scorer, bound) = match by_code {
            true => {
                let slack = self.code_error(target, &guard);
                let scorer = self.vectors.walk_scorer(target.walked(), &guard);
                (scorer, radius + slack)
            }
            false => (self.vectors.exact_scorer(target, &guard), radius),
        };
        let mut found = Vec::new();
        let slots = 0..self.slots.end();
        scan::score_range(
            &self.slots,
            slots,
            scorer,
            &mut Vec::new(),
            |first, distances| {
                stats.distances += distances.len() as u64;
                let scored = (first..).zip(distances);
                let near = scored.filter(|(_, distance)| **distance <= bound);
                found.extend(near.map(|(slot, distance)| Candidate::new(*distance, slot)));
            },
        );
        found.sort_unstable();
        match by_code {
            true => self.within(target, found, radius, stats, &guard),
            false => found.into_iter().map(Neighbour::from).collect(),
        }
    }

    /// Those of the candidates that are within the radius by what is stored, nearest first. `found` is sorted by the codes'
    /// distances; it is looked at up to where codes would have to err more than they did so far.
    fn within(
        &self,
        target: &Target,
        found: Vec<Candidate>,
        radius: f32,
        stats: &mut WalkStats,
        guard: &Guard,
    ) -> Vec<Neighbour> {
        if !self.vectors.ranks_anew() {
            let near = found.into_iter().take_while(|c| c.distance() <= radius);
            return near.map(Neighbour::from).collect();
        }
        let scorer = self.vectors.exact_scorer(target, guard);
        let (mut slots, mut distances) = (Vec::new(), Vec::new());
        let mut within = Vec::new();
        let mut errors = (f32::INFINITY, f32::NEG_INFINITY);
        for some in found.chunks(RERANKED_MIN) {
            // By how much codes put vectors too far away, at most, and as much again as that varies.
            let error = errors.1 + (errors.1 - errors.0);
            if some[0].distance() > radius && some[0].distance() - error > radius {
                break;
            }
            slots.clear();
            slots.extend(some.iter().map(|c| c.slot()));
            scorer.fetch_and_score(&slots, &mut distances);
            stats.distances += some.len() as u64;
            stats.reranked += some.len() as u64;
            for (by_code, &distance) in some.iter().zip(&distances) {
                let error = by_code.distance() - distance;
                errors = (errors.0.min(error), errors.1.max(error));
                if distance <= radius {
                    within.push(Candidate::new(distance, by_code.slot()));
                }
            }
        }
        within.sort_unstable();
        within.into_iter().map(Neighbour::from).collect()
    }

    /// By how much codes put vectors too far away, more than at most by what some of them say.
    fn code_error(&self, target: &Target, guard: &Guard) -> f32 {
        let step = (self.slots.end() as usize / ERROR_SAMPLE).max(1);
        let slots: Vec<u32> = (0..self.slots.end())
            .step_by(step)
            .filter(|&slot| self.slots.is_live(slot))
            .collect();
        let (mut exact, mut by_code) = (Vec::new(), Vec::new());
        self.vectors
            .exact_scorer(target, guard)
            .score(&slots, &mut exact);
        self.vectors
            .walk_scorer(target.walked(), guard)
            .score(&slots, &mut by_code);
        let errors = by_code.iter().zip(&exact).map(|(code, exact)| code - exact);
        let (least, most) = errors.fold((0.0f32, 0.0f32), |(least, most), error| {
            (least.min(error), most.max(error))
        });
        most + (most - least)
    }
}

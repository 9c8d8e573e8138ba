//! The walk: greedy from the entry point down to layer 1, then best first on layer 0 (the paper's algorithms 2 and 5). Walks
//! under a filter are in filtered.rs.

use super::graph::{Graph, Pinned};
use super::scratch::{self, Walk};
use crate::index::horizon::{Horizon, Scale};
use crate::index::nearest::Candidate;
use crate::index::sync::atomic::{Ordering, fence};
use crate::index::vectors::{Scorer, Target};
use crate::index::{FilteredWalk, IsLate, SlotFilter, WalkOptions, WalkStats};
use crate::kernels::block::NONE;
use crossbeam_epoch::Guard;

/// Open candidates expanded per round on layer 0: their cache misses overlap, which gains 1.25 to 1.45 at equal recall
/// (ann.md, 7).
pub(super) const EXPANDED_AT_ONCE: usize = 3;
/// How often a search starts again because the node it started from was removed under it.
const RESTARTS: usize = 8;

/// A filter and the way to walk under it.
pub(in crate::index) type Filtered<'a> = (&'a dyn SlotFilter, &'a FilteredWalk);

impl Graph {
    /// The nearest candidates of the target, nearest first, about max(ef, k) where distances grow with rank by `spread`. They may have
    /// died meanwhile.
    pub(in crate::index) fn search(
        &self,
        target: &Target,
        (options, spread): (&WalkOptions, f32),
        filter: Option<Filtered>,
        stats: &mut WalkStats,
        guard: &Guard,
    ) -> Vec<Candidate> {
        self.walk_down(target, options.is_late, stats, guard, |walker, start| {
            walker.walk_base(start, (options, spread), filter);
            walker.buffers.nearest.iter().collect()
        })
    }

    /// Goes down to the node of layer 1 that is nearest to the target, and from there lets `walk` find candidates on layer 0.
    pub(super) fn walk_down(
        &self,
        target: &Target,
        is_late: IsLate,
        stats: &mut WalkStats,
        guard: &Guard,
        walk: impl Fn(&mut Walker, Candidate) -> Vec<Candidate>,
    ) -> Vec<Candidate> {
        let scorer = self.vectors.walk_scorer(target.walked(), guard);
        scratch::with(|scratch| {
            let mut walker = Walker {
                graph: self.pinned(guard),
                scorer,
                buffers: &mut scratch.walk,
                is_late,
                stats,
            };
            for _ in 0..RESTARTS {
                let Some(entry) = self.entry() else { break };
                let mut start = walker.score(entry.slot);
                for layer in (1..=entry.level).rev() {
                    start = walker.descend_greedily(layer, start);
                }
                let before = walker.stats.hops;
                let found = walk(&mut walker, start);
                // A node that is removed loses its links: who started there came nowhere.
                let is_stranded =
                    walker.stats.hops - before <= 1 && !self.slots.is_live(start.slot());
                if !is_stranded {
                    return found;
                }
            }
            Vec::new()
        })
    }
}

/// A walk through the graph of one pinned thread, towards what `scorer` measures from.
pub(super) struct Walker<'a> {
    pub(super) graph: Pinned<'a>,
    pub(super) scorer: Scorer<'a>,
    pub(super) buffers: &'a mut Walk,
    pub(super) is_late: IsLate<'a>,
    pub(super) stats: &'a mut WalkStats,
}

impl Walker<'_> {
    /// One node as a candidate.
    pub(super) fn score(&mut self, slot: u32) -> Candidate {
        self.stats.distances += 1;
        Candidate::new(self.scorer.score_one(slot), slot)
    }

    /// From `start` to the nearest neighbour of each node, until none is nearer.
    pub(super) fn descend_greedily(&mut self, layer: u8, start: Candidate) -> Candidate {
        let mut nearest = start;
        loop {
            let here = nearest;
            self.buffers.batch.clear();
            let words = self
                .graph
                .list(layer, here.slot())
                .iter()
                .map(|word| word.load(Ordering::Relaxed));
            self.buffers
                .batch
                .extend(words.take_while(|&word| word != NONE));
            self.score_batch(1);
            nearest = self.scored().fold(nearest, Candidate::min);
            if nearest.distance() >= here.distance() {
                return here;
            }
        }
    }

    fn walk_base(
        &mut self,
        start: Candidate,
        (options, spread): (&WalkOptions, f32),
        filter: Option<Filtered>,
    ) {
        let ef = options.ef.max(options.k);
        // The start counts as the first of a bounded number.
        let bound = options
            .expansions_max
            .map_or(usize::MAX, |max| max.saturating_sub(1));
        let (k, scale) = (options.k, self.scale());
        let horizon = |ef| Horizon::of_search(k, ef, spread, scale);
        match filter {
            None if bound == usize::MAX => {
                self.walk_layer(0, start, horizon(ef), EXPANDED_AT_ONCE);
                let is_whole = !self.is_late();
                self.stats.spread = is_whole
                    .then(|| self.buffers.nearest.observed_spread())
                    .flatten();
            }
            None => self.walk_plainly(start, &horizon, (ef, bound), None, None),
            Some((filter, FilteredWalk::Plain(probe))) => {
                self.walk_plainly(start, &horizon, (ef, bound), *probe, Some(filter))
            }
            Some((filter, FilteredWalk::TwoHop { seeds })) => {
                self.walk_two_hops(start, seeds, ef, bound, filter)
            }
        }
    }

    /// What the distances of this walk are measured by.
    pub(super) fn scale(&self) -> Scale {
        self.scorer.scale(self.graph.graph.slots.lengths())
    }

    /// Best first from `start`, `at_once` nodes a round: leaves the nearest nodes that were met, within the horizon, in `nearest`.
    pub(super) fn walk_layer(
        &mut self,
        layer: u8,
        start: Candidate,
        horizon: Horizon,
        at_once: usize,
    ) {
        self.begin(start, horizon);
        let before = self.stats.distances;
        self.buffers.nearest.offer(start);
        loop {
            let Walk {
                visited,
                nearest,
                batch,
                ..
            } = &mut *self.buffers;
            batch.clear();
            let mut expanded = 0;
            while expanded < at_once {
                let Some(slot) = nearest.take_open() else {
                    break;
                };
                visited.collect_new(self.graph.list(layer, slot), batch);
                expanded += 1;
            }
            let met = self.stats.distances - before;
            let is_small = layer == 0 && met < horizon.ef as u64;
            let is_done = expanded == 0 && !(is_small && self.resume_at_entry());
            if is_done || self.is_late() {
                break;
            }
            self.score_batch(expanded);
            let Walk {
                nearest,
                batch,
                distances,
                ..
            } = &mut *self.buffers;
            for (&slot, &distance) in batch.iter().zip(&*distances) {
                nearest.offer(Candidate::new(distance, slot));
            }
            nearest.narrow();
            for slot in nearest.peek_open(at_once) {
                self.graph.prefetch_list(layer, slot);
            }
        }
        self.buffers.visited.clear();
    }

    /// A walk that ends before it met ef nodes has seen all of a small part of layer 0 (a clump of near vectors that is
    /// linked to the rest on upper layers only, or by a node that was just removed): the entry point leads to the rest.
    fn resume_at_entry(&mut self) -> bool {
        let Walk { visited, batch, .. } = &mut *self.buffers;
        let entry = self.graph.graph.entry();
        let Some(entry) = entry.filter(|entry| visited.insert(entry.slot)) else {
            return false;
        };
        batch.push(entry.slot);
        true
    }

    /// Whether the time of the walk is over.
    pub(super) fn is_late(&self) -> bool {
        self.is_late.is_some_and(|is_late| is_late())
    }

    /// Empty buffers but for `start`, which is marked as met.
    pub(super) fn begin(&mut self, start: Candidate, horizon: Horizon) {
        self.buffers.nearest.reset(horizon);
        self.buffers.batch.clear();
        self.buffers.visited.insert(start.slot());
    }

    /// Scores the slots in `batch`, which came from the links of `expanded` nodes.
    #[inline]
    pub(super) fn score_batch(&mut self, expanded: usize) {
        let Walk {
            batch, distances, ..
        } = &mut *self.buffers;
        // One fence for all links read before: their vectors are complete from here on.
        fence(Ordering::Acquire);
        self.scorer.fetch_and_score(batch, distances);
        self.stats.distances += batch.len() as u64;
        self.stats.hops += expanded as u64;
    }

    /// What `score_batch` scored.
    pub(super) fn scored(&self) -> impl Iterator<Item = Candidate> + '_ {
        self.buffers
            .batch
            .iter()
            .zip(&self.buffers.distances)
            .map(|(&slot, &distance)| Candidate::new(distance, slot))
    }
}

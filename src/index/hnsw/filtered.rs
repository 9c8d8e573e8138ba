//! Walks on layer 0 of which only passing nodes are wanted. Which of the two pays is the planner's decision (ann.md, 8).

use super::scratch::Walk;
use super::search::{EXPANDED_AT_ONCE, Walker};
use crate::index::horizon::Horizon;
use crate::index::nearest::Candidate;
use crate::index::sync::atomic::Ordering;
use crate::index::{Probe, SlotFilter, WalkStats, filtered_ef};
use std::cmp::Reverse;

/// Links of failing nodes looked at per round of a two-hop walk, in multiples of M.
const LENT_LINKS: usize = 48;
/// Expansions after which a walk through all nodes looks how much of what it met passes.
const PROBED: usize = 24;
/// Open nodes that a thread keeps room for when a walk is done.
const OPEN_KEPT_MAX: usize = 1 << 14;
/// Lists of links asked for ahead by a walk through all nodes.
const PREFETCHED_LISTS: usize = 2 * EXPANDED_AT_ONCE - 1;

impl Walker<'_> {
    /// Best first over all nodes, of which only the passing ones count towards ef. Ends when the nearest open node is farther
    /// than the worst of ef found, after `bound` expansions, or when the probe says so.
    pub(super) fn walk_plainly(
        &mut self,
        start: Candidate,
        horizon: &dyn Fn(usize) -> Horizon,
        (ef, bound): (usize, usize),
        mut probe: Option<Probe>,
        filter: Option<&dyn SlotFilter>,
    ) {
        self.begin(start, horizon(ef));
        self.buffers.open.clear();
        self.buffers.open.push(Reverse(start));
        if self.passes(filter, start.slot()) {
            self.buffers.nearest.offer(start);
        }
        let mut left = bound;
        let before = *self.stats;
        loop {
            if bound - left >= PROBED
                && let Some(probe) = probe.take()
                && self.is_hopeless(probe, before, horizon)
            {
                self.stats.gave_up = true;
                break;
            }
            let Walk {
                visited,
                nearest,
                open,
                batch,
                ..
            } = &mut *self.buffers;
            batch.clear();
            let mut expanded = 0;
            while expanded < EXPANDED_AT_ONCE.min(left) {
                let is_useful =
                    |next: &Candidate| nearest.bound().is_none_or(|bound| *next <= bound);
                let Some(Reverse(next)) = open.pop().filter(|Reverse(next)| is_useful(next)) else {
                    break;
                };
                visited.collect_new(self.graph.list(0, next.slot()), batch);
                expanded += 1;
            }
            if expanded == 0 || self.is_late() {
                break;
            }
            left -= expanded;
            self.score_batch(expanded);
            for at in 0..self.buffers.batch.len() {
                let slot = self.buffers.batch[at];
                let candidate = Candidate::new(self.buffers.distances[at], slot);
                if self.buffers.nearest.admits(candidate) {
                    self.buffers.open.push(Reverse(candidate));
                    if self.passes(filter, slot) {
                        self.buffers.nearest.offer(candidate);
                    }
                }
            }
            self.buffers.nearest.narrow();
            // The first of the heap are nearly the nearest.
            let next = self.buffers.open.as_slice().iter();
            for Reverse(next) in next.take(PREFETCHED_LISTS) {
                self.graph.prefetch_list(0, next.slot());
            }
        }
        self.buffers.visited.clear();
        self.buffers.open.shrink_to(OPEN_KEPT_MAX);
    }

    /// Whether too few pass of what the walk met; otherwise it goes on with as many candidates as the share asks for.
    fn is_hopeless(
        &mut self,
        probe: Probe,
        before: WalkStats,
        horizon: &dyn Fn(usize) -> Horizon,
    ) -> bool {
        let passes = self.stats.filter_passes - before.filter_passes;
        let tests = self.stats.filter_tests - before.filter_tests;
        let pass_rate = passes as f64 / tests.max(1) as f64;
        let ef = filtered_ef(probe.ef, pass_rate);
        self.buffers.nearest.widen(horizon(ef));
        pass_rate < probe.pass_rate_min
    }

    /// Best first over passing nodes (ACORN-1, arXiv 2403.04871): a neighbour that fails is not scored, but its own links are
    /// looked at in its place. `seeds`, spread over the passing set, are scored first: without them the walk dies where
    /// that set lies away from the target.
    pub(super) fn walk_two_hops(
        &mut self,
        start: Candidate,
        seeds: &[u32],
        ef: usize,
        bound: usize,
        filter: &dyn SlotFilter,
    ) {
        self.begin(start, Horizon::count(ef));
        if self.passes(Some(filter), start.slot()) {
            self.buffers.nearest.offer(start);
            self.buffers.nearest.take_open();
        }
        for &seed in seeds {
            if self.graph.graph.slots.is_live(seed)
                && self.passes(Some(filter), seed)
                && self.buffers.visited.insert(seed)
            {
                self.buffers.batch.push(seed);
            }
        }
        // The start lends its links whether it passes or not.
        let mut expanded = vec![start.slot()];
        let mut left = bound;
        while left > 0 && !expanded.is_empty() && !self.is_late() {
            expanded.truncate(left);
            left -= expanded.len();
            self.collect_passing(&expanded, filter);
            self.score_batch(expanded.len());
            let Walk {
                nearest,
                batch,
                distances,
                ..
            } = &mut *self.buffers;
            for (slot, &distance) in batch.drain(..).zip(&*distances) {
                nearest.offer(Candidate::new(distance, slot));
            }
            expanded.clear();
            expanded.extend(std::iter::from_fn(|| nearest.take_open()).take(EXPANDED_AT_ONCE));
        }
        self.buffers.visited.clear();
    }

    /// Appends to `batch` the new passing neighbours of `expanded`, and those that failing ones lead to. Each failing node
    /// lends its links once, because it is marked as met.
    fn collect_passing(&mut self, expanded: &[u32], filter: &dyn SlotFilter) {
        let mut met = Vec::new();
        for &slot in expanded {
            self.buffers
                .visited
                .collect_new(self.graph.list(0, slot), &mut met);
        }
        // All lists are asked for before the first is read: they lie anywhere.
        met.retain(|&neighbour| {
            let passes = self.passes(Some(filter), neighbour);
            match passes {
                true => self.buffers.batch.push(neighbour),
                false => self.graph.prefetch_list(0, neighbour),
            }
            !passes
        });
        let mut lent = LENT_LINKS * self.graph.graph.m;
        for failing in met {
            self.borrow_links(failing, &mut lent, filter);
        }
    }

    /// Passing neighbours of a failing node, while `lent` allows. Those that fail are not marked: they may yet be met as
    /// neighbours and lend their own links.
    fn borrow_links(&mut self, failing: u32, lent: &mut usize, filter: &dyn SlotFilter) {
        for word in self.graph.list(0, failing) {
            let slot = word.load(Ordering::Relaxed);
            if slot == crate::kernels::block::NONE || *lent == 0 {
                break;
            }
            *lent -= 1;
            if !self.buffers.visited.contains(slot) && self.passes(Some(filter), slot) {
                self.buffers.visited.insert(slot);
                self.buffers.batch.push(slot);
            }
        }
    }

    fn passes(&mut self, filter: Option<&dyn SlotFilter>, slot: u32) -> bool {
        let Some(filter) = filter else { return true };
        let passes = filter.passes(slot);
        self.stats.filter_tests += 1;
        self.stats.filter_passes += u64::from(passes);
        passes
    }
}

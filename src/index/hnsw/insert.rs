//! Linking a new node (the paper's algorithm 1, with mutual links).

use super::graph::{Entry, Graph, Pinned};
use super::scratch::{self, Choice, Scratch, Walk};
use super::search::{EXPANDED_AT_ONCE, Walker};
use crate::index::WalkStats;
use crate::index::nearest::Candidate;
use crate::index::sync::yield_now;
use crate::index::vectors::Scorer;

/// How often a walk starts again because its entry point was removed under it.
const RESTARTS: usize = 1000;

impl Graph {
    /// Makes a reserved node live at `level` and links it; `ef` replaces ef_construction.
    pub(in crate::index) fn insert(&self, x: u32, level: u8, ef: Option<usize>) {
        self.set_level(x, level);
        self.slots.make_live(x);
        self.enter_level(x, level);
        let guard = crossbeam_epoch::pin();
        let pinned = self.pinned(&guard);
        scratch::with(|scratch| pinned.join(x, level, ef.unwrap_or(self.ef_construction), scratch));
        self.raise_entry(x, level);
    }
}

impl Pinned<'_> {
    /// Finds the neighbourhood of a live node and links it on every layer that it has. Links that it has already stay.
    pub(super) fn join(&self, x: u32, level: u8, ef: usize, scratch: &mut Scratch) {
        let Scratch { walk, choice, node } = scratch;
        self.graph.vectors.load_point(x, node, self.guard);
        let found = self.find_neighbourhood(x, level, ef, self.scorer(node), walk);
        // Layer 0 first: whoever can be reached on a layer has links below it.
        for (layer, candidates) in found.iter().enumerate() {
            self.settle(layer as u8, x, candidates, choice);
        }
    }

    /// The ef nearest nodes of x on each of its layers, layer 0 first; nothing if x is alone and is the entry point now.
    fn find_neighbourhood(
        &self,
        x: u32,
        level: u8,
        ef: usize,
        scorer: Scorer,
        walk: &mut Walk,
    ) -> Vec<Vec<Candidate>> {
        for _ in 0..RESTARTS {
            let Some(entry) = self.graph.entry() else {
                if self
                    .graph
                    .exchange_entry(None, Some(Entry { level, slot: x }))
                {
                    return Vec::new();
                }
                continue;
            };
            let found = self.descend(x, level, entry, ef, scorer, walk);
            let is_live = |c: &Candidate| self.graph.slots.is_live(c.slot());
            if found[0].iter().any(is_live) || entry.slot == x || self.graph.slots.live_count() <= 1
            {
                return found;
            }
            // The entry point died, with all its links, before they were read.
            yield_now();
        }
        Vec::new()
    }

    fn descend(
        &self,
        x: u32,
        level: u8,
        entry: Entry,
        ef: usize,
        scorer: Scorer,
        walk: &mut Walk,
    ) -> Vec<Vec<Candidate>> {
        let mut walker = Walker {
            graph: *self,
            scorer,
            buffers: walk,
            stats: &mut WalkStats::default(),
        };
        let mut nearest = walker.score(entry.slot);
        for layer in (level + 1..=entry.level).rev() {
            nearest = walker.descend_greedily(layer, nearest);
        }
        let top = level.min(entry.level);
        let mut found = vec![Vec::new(); top as usize + 1];
        for layer in (0..=top).rev() {
            let at_once = if layer == 0 { EXPANDED_AT_ONCE } else { 1 };
            walker.walk_layer(layer, nearest, ef, at_once);
            let nearest_nodes = &walker.buffers.nearest;
            found[layer as usize] = nearest_nodes.iter().filter(|c| c.slot() != x).collect();
            nearest = nearest_nodes.best().unwrap_or(nearest);
        }
        found
    }

    /// Links x on one layer: at most M of its candidates (not 2M: room is left for those who come later), by the heuristic.
    fn settle(&self, layer: u8, x: u32, candidates: &[Candidate], choice: &mut Choice) {
        self.choose(candidates, self.graph.m, choice);
        self.add_twins(x, self.graph.m - choice.chosen.len(), choice);
        for y in std::mem::take(&mut choice.chosen) {
            self.connect(layer, x, y.slot(), y.distance(), choice);
        }
        if self.degree(layer, x) < self.graph.links_min() {
            self.rescue(layer, x, candidates, choice);
        }
    }
}

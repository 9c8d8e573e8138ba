//! Linking a new node (the paper's algorithm 1, with mutual links). Its nearest nodes on layer 0 are found by a walk or, while
//! there are few, by comparing with all of them: that is quicker then, and exact.

use super::graph::{Entry, Graph, Pinned};
use super::scratch::{self, Choice, Scratch, Walk};
use super::search::{EXPANDED_AT_ONCE, Walker};
use crate::index::horizon::Horizon;
use crate::index::nearest::Candidate;
use crate::index::scan::score_range;
use crate::index::sync::yield_now;
use crate::index::top::Top;
use crate::index::vectors::Scorer;
use crate::index::{LinkOptions, WalkStats};

/// How often a walk starts again because its entry point was removed under it.
const RESTARTS: usize = 1000;
/// What a row costs in a scan beside its bytes, in nanoseconds; rows are larger than the first cache together.
const SCAN_ROW_NS: usize = 4;
/// Bytes of a row that a scan compares per nanosecond.
const SCAN_BYTES_PER_NS: usize = 24;
/// What a walk costs for each candidate that it keeps, in nanoseconds. Measured with 384 components of text embeddings, where
/// both take the same time at 15 rows a candidate; random vectors take a walk twice as long.
const WALK_CANDIDATE_NS: usize = 300;

impl Graph {
    /// Makes a reserved node live at `level` and links it.
    pub(in crate::index) fn insert(&self, x: u32, level: u8, options: LinkOptions) {
        self.set_level(x, level);
        self.slots.make_live(x);
        self.enter_level(x, level);
        let guard = crossbeam_epoch::pin();
        let pinned = self.pinned(&guard);
        scratch::with(|scratch| pinned.join(x, level, options, scratch));
        self.raise_entry(x, level);
    }

    /// Whether a scan finds the `ef` nearest nodes sooner than a walk.
    fn is_scan_cheaper(&self, ef: usize) -> bool {
        let row_ns = SCAN_ROW_NS + self.vectors.code_bytes() / SCAN_BYTES_PER_NS;
        self.slots.live_count() * row_ns <= ef.saturating_mul(WALK_CANDIDATE_NS)
    }
}

impl Pinned<'_> {
    /// Finds the neighbourhood of a live node and links it on every layer that it has. Links that it has already stay.
    pub(super) fn join(&self, x: u32, level: u8, options: LinkOptions, scratch: &mut Scratch) {
        let Scratch { walk, choice, node } = scratch;
        self.graph.vectors.load_point(x, node, self.guard);
        let found = self.find_neighbourhood(x, level, options, self.scorer(node), walk);
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
        options: LinkOptions,
        scorer: Scorer,
        walk: &mut Walk,
    ) -> Vec<Vec<Candidate>> {
        let ef = options
            .ef
            .map_or(self.graph.ef_construction, |ef| ef as usize);
        let scans = !options.force_graph && self.graph.is_scan_cheaper(ef);
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
            let mut walker = Walker {
                graph: *self,
                scorer,
                buffers: walk,
                is_late: None,
                stats: &mut WalkStats::default(),
            };
            let found = match scans {
                true => walker.scan_and_descend(x, level, entry, ef),
                false => walker.descend(x, level, entry, ef, 0),
            };
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

impl Walker<'_> {
    /// The ef nearest nodes of x by layer, from the entry point down to layer `lowest`; those below it stay empty.
    fn descend(
        &mut self,
        x: u32,
        level: u8,
        entry: Entry,
        ef: usize,
        lowest: u8,
    ) -> Vec<Vec<Candidate>> {
        let mut nearest = self.score(entry.slot);
        for layer in (level + 1..=entry.level).rev() {
            nearest = self.descend_greedily(layer, nearest);
        }
        let top = level.min(entry.level);
        let mut found = vec![Vec::new(); top as usize + 1];
        for layer in (lowest..=top).rev() {
            let at_once = if layer == 0 { EXPANDED_AT_ONCE } else { 1 };
            let m = self.graph.graph.m;
            let horizon = Horizon::of_insert(m, ef, self.scale());
            self.walk_layer(layer, nearest, horizon, at_once);
            let nearest_nodes = &self.buffers.nearest;
            found[layer as usize] = nearest_nodes.iter().filter(|c| c.slot() != x).collect();
            nearest = nearest_nodes.best().unwrap_or(nearest);
        }
        found
    }

    /// The same with a scan for layer 0; most nodes are on no other.
    fn scan_and_descend(
        &mut self,
        x: u32,
        level: u8,
        entry: Entry,
        ef: usize,
    ) -> Vec<Vec<Candidate>> {
        let mut found = match level.min(entry.level) {
            0 => vec![Vec::new()],
            _ => self.descend(x, level, entry, ef, 1),
        };
        found[0] = self.scan(x, ef);
        found
    }

    /// The ef nearest of all live nodes but x.
    fn scan(&mut self, x: u32, ef: usize) -> Vec<Candidate> {
        let slots = &self.graph.graph.slots;
        let mut nearest = Top::with_limit(ef);
        let mut take = |first: u32, distances: &[f32]| {
            let scored = (first..).zip(distances).filter(|(slot, _)| *slot != x);
            scored.for_each(|(slot, &d)| nearest.offer(Candidate::new(d, slot)));
        };
        let distances = &mut self.buffers.distances;
        score_range(slots, 0..slots.end(), self.scorer, distances, &mut take);
        nearest.into_sorted()
    }
}

//! The graph as a snapshot keeps it, and its way back: links may have been saved while they changed, so a load keeps an edge
//! only when both ends list it, and links anew what lost too much.

use super::graph::{Graph, LEVEL_MAX, Pinned, drop_from, position};
use super::scratch::{self, Scratch};
use super::search::{EXPANDED_AT_ONCE, Walker};
use crate::index::horizon::Horizon;
use crate::index::segments::extent;
use crate::index::sync::atomic::Ordering;
use crate::index::{LinkOptions, SavedNode, WalkStats};
use rayon::prelude::*;

/// Draws the level of a slot that no node was saved for.
type LevelHash<'a> = &'a (dyn Fn(u32) -> u64 + Sync);

/// One direction of an edge.
struct Link {
    layer: u8,
    of: u32,
    to: u32,
}

impl Graph {
    /// The nodes of one segment, read while writers go on.
    pub(in crate::index) fn save_nodes(&self, segment: u32) -> Vec<SavedNode> {
        let (first, slots) = extent(segment);
        let end = self.slots.end().min(first + slots);
        (first..end)
            .filter_map(|slot| self.save_node(slot))
            .collect()
    }

    fn save_node(&self, slot: u32) -> Option<SavedNode> {
        // Per node, so that a long save holds up no slot. Pinned and then seen live: level and lists stay this node's.
        let guard = crossbeam_epoch::pin();
        let pinned = self.pinned(&guard);
        self.slots.is_live(slot).then(|| SavedNode {
            slot,
            birth: self.slots.birth(slot),
            layers: (0..=self.level(slot))
                .map(|layer| pinned.all_neighbours(layer, slot))
                .collect(),
        })
    }

    /// Makes all reserved slots live with the saved links. Returns how many were linked anew. Nothing else may run.
    pub(in crate::index) fn load(&self, nodes: Vec<SavedNode>, level_hash: LevelHash) -> usize {
        let nodes = self.by_slot(nodes);
        let reserved: Vec<u32> = self.slots.reserved().collect();
        for &slot in &reserved {
            let saved = nodes.get(slot as usize).and_then(Option::as_ref);
            let level = saved.map_or_else(|| super::level_from(level_hash(slot), self.m), level_of);
            self.set_level(slot, level);
            self.slots.make_live(slot);
            self.enter_level(slot, level);
            self.raise_entry(slot, level);
        }
        reserved.par_iter().for_each(|&slot| {
            let guard = crossbeam_epoch::pin();
            self.pinned(&guard).restore(slot, &nodes);
        });
        drop(nodes);
        let one_sided = reserved.par_iter().flat_map_iter(|&slot| {
            let guard = crossbeam_epoch::pin();
            self.pinned(&guard).one_sided(slot)
        });
        let one_sided: Vec<Link> = one_sided.collect();
        let guard = crossbeam_epoch::pin();
        for Link { layer, of, to } in one_sided {
            drop_from(self.pinned(&guard).list(layer, of), to);
        }
        let weak = self.weak(&reserved);
        self.link_anew(&weak);
        weak.len()
    }

    /// Saved nodes by their slot; of two for one slot the first counts.
    fn by_slot(&self, nodes: Vec<SavedNode>) -> Vec<Option<SavedNode>> {
        let mut by_slot: Vec<Option<SavedNode>> = vec![None; self.slots.end() as usize];
        for node in nodes {
            if let Some(place) = by_slot.get_mut(node.slot as usize) {
                place.get_or_insert(node);
            }
        }
        by_slot
    }

    /// Slots that lack links on a layer or cannot be reached.
    fn weak(&self, live: &[u32]) -> Vec<u32> {
        let guard = crossbeam_epoch::pin();
        let pinned = self.pinned(&guard);
        let mut on_layer = [0usize; LEVEL_MAX as usize + 1];
        for &slot in live {
            (0..=self.level(slot)).for_each(|layer| on_layer[layer as usize] += 1);
        }
        let lacks_links = |slot: u32, layer: u8| {
            let possible = self.links_min().min(on_layer[layer as usize] - 1);
            pinned.degree(layer, slot) < possible
        };
        let is_weak = |&slot: &u32| (0..=self.level(slot)).any(|layer| lacks_links(slot, layer));
        let mut weak = pinned.unreached();
        weak.extend(live.iter().copied().filter(is_weak));
        weak.sort_unstable();
        weak.dedup();
        weak
    }

    /// Links nodes to their neighbourhood, then whoever still cannot be reached to what can.
    fn link_anew(&self, weak: &[u32]) {
        const ROUNDS: usize = 4;
        let in_parallel = |slots: &[u32], link: &(dyn Fn(Pinned, u32, &mut Scratch) + Sync)| {
            slots.par_iter().for_each(|&slot| {
                let guard = crossbeam_epoch::pin();
                scratch::with(|scratch| link(self.pinned(&guard), slot, scratch));
            });
        };
        if weak.is_empty() {
            return;
        }
        in_parallel(weak, &|pinned, slot, scratch| {
            pinned.join(slot, self.level(slot), LinkOptions::default(), scratch);
        });
        // An edge that is forced may cost another node its last way, so this may take more than one round.
        for _ in 0..ROUNDS {
            let unreached = self.pinned(&crossbeam_epoch::pin()).unreached();
            if unreached.is_empty() {
                return;
            }
            in_parallel(&unreached, &|pinned, slot, scratch| {
                pinned.reattach(slot, scratch)
            });
        }
    }
}

impl Pinned<'_> {
    /// Writes the links of a node as they were saved, those to nodes that can be linked to, each once.
    fn restore(&self, slot: u32, nodes: &[Option<SavedNode>]) {
        let graph = self.graph;
        for layer in 0..=graph.level(slot) {
            let saved = self.saved_links(nodes, slot, layer);
            let kept = saved.iter().enumerate().filter(|&(at, &other)| {
                let has_layer = graph.slots.is_live(other) && graph.level(other) >= layer;
                other != slot && has_layer && !saved[..at].contains(&other)
            });
            for (word, (_, &other)) in self.list(layer, slot).iter().zip(kept) {
                word.store(other, Ordering::Release);
            }
        }
    }

    /// The links of a node to others that do not link back. Nothing changes meanwhile.
    fn one_sided(&self, slot: u32) -> Vec<Link> {
        let mut one_sided = Vec::new();
        for layer in 0..=self.graph.level(slot) {
            let links = self.neighbours(layer, slot);
            // All at once: they lie anywhere in memory.
            links.iter().for_each(|&to| self.prefetch_list(layer, to));
            let links = links.into_iter();
            let alone = links.filter(|&to| position(self.list(layer, to), slot).is_none());
            one_sided.extend(alone.map(|to| Link {
                layer,
                of: slot,
                to,
            }));
        }
        one_sided
    }

    /// Links that were saved for a slot, as many as may be kept.
    fn saved_links<'a>(&self, nodes: &'a [Option<SavedNode>], slot: u32, layer: u8) -> &'a [u32] {
        let node = nodes.get(slot as usize).and_then(Option::as_ref);
        let links = node
            .and_then(|node| node.layers.get(layer as usize))
            .map_or(&[][..], Vec::as_slice);
        &links[..links.len().min(self.graph.links_max(layer))]
    }

    /// Links a node to the nearest one that can be reached on layer 0 from the entry point. `join` may have come down to a
    /// part of layer 0 that is cut off from it, along the links above.
    fn reattach(&self, slot: u32, scratch: &mut Scratch) {
        let Scratch { walk, choice, node } = scratch;
        let Some(entry) = self.graph.entry() else {
            return;
        };
        self.graph.vectors.load_point(slot, node, self.guard);
        let mut walker = Walker {
            graph: *self,
            scorer: self.scorer(node),
            buffers: walk,
            is_late: None,
            stats: &mut WalkStats::default(),
        };
        let start = walker.score(entry.slot);
        let (m, ef) = (self.graph.m, self.graph.ef_construction);
        let horizon = Horizon::of_insert(m, ef, walker.scale());
        walker.walk_layer(0, start, horizon, EXPANDED_AT_ONCE);
        let candidates: Vec<_> = walker
            .buffers
            .nearest
            .iter()
            .filter(|c| c.slot() != slot)
            .collect();
        let is_linked = candidates
            .iter()
            .any(|c| self.connect(0, slot, c.slot(), c.distance(), choice));
        if !is_linked {
            candidates
                .iter()
                .any(|c| self.force(0, slot, c.slot(), choice));
        }
    }
}

fn level_of(node: &SavedNode) -> u8 {
    node.layers.len().saturating_sub(1).min(LEVEL_MAX as usize) as u8
}

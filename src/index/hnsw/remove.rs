//! Unlinking a node and giving each of its former neighbours a replacement, so that recall does not fall with churn
//! (ann.md, 10).

use super::graph::{Entry, Graph, Pinned};
use super::scratch::{self, Choice, Scratch};
use crate::index::LinkOptions;
use crate::index::nearest::Candidate;

impl Graph {
    /// Takes a live node out of the graph. Afterwards nobody links to it; the caller frees the slot.
    pub(in crate::index) fn remove(&self, x: u32) {
        let _alone = self.removing.lock();
        let guard = crossbeam_epoch::pin();
        let pinned = self.pinned(&guard);
        let level = self.level(x);
        pinned.make_dying(x);
        self.leave_level(x, level);
        // While x still has links: a search that starts there finds its way.
        pinned.replace_entry(x);
        scratch::with(|scratch| {
            // From the top: whoever can be reached on a layer has links below it.
            for layer in (0..=level).rev() {
                pinned.cut_out(layer, x, scratch);
            }
        });
    }
}

impl Pinned<'_> {
    /// If x is the entry point, makes another node of the highest level it.
    fn replace_entry(&self, x: u32) {
        let graph = self.graph;
        while let Some(entry) = graph.entry().filter(|entry| entry.slot == x) {
            let is_live = |&slot: &u32| graph.slots.is_live(slot);
            let neighbour = self.neighbours(entry.level, x).into_iter().find(is_live);
            let next = neighbour
                .map(|slot| Entry {
                    level: entry.level,
                    slot,
                })
                .or_else(|| graph.highest(x));
            // Fails if the next one died since.
            if graph.exchange_entry(Some(entry), next) {
                // Meanwhile a higher node may have come and found x still above itself; it may also have gone again.
                while let Some(highest) = graph.highest(x)
                    && !graph.raise_entry(highest.slot, highest.level)
                {}
            }
        }
    }

    /// Unlinks x on one layer and repairs the lists it was in.
    fn cut_out(&self, layer: u8, x: u32, scratch: &mut Scratch) {
        let xs = self.all_neighbours(layer, x);
        for &y in &xs {
            self.unlink(layer, x, y);
        }
        for &y in &xs {
            let others = self.replace_neighbour(layer, y, &xs, &mut scratch.choice);
            if self.degree(layer, y) < self.graph.links_min() {
                self.rescue(layer, y, &others, &mut scratch.choice);
            }
            if layer == 0 && self.degree(0, y) == 0 && self.graph.slots.is_live(y) {
                self.join(y, 0, LinkOptions::default(), scratch);
            }
        }
        self.keep_together(layer, &xs, &mut scratch.choice);
    }

    /// x led from each of its neighbours to all others; now they lead to each other, directly or by a common neighbour.
    fn keep_together(&self, layer: u8, xs: &[u32], choice: &mut Choice) {
        let is_live = |slot: &&u32| self.graph.slots.is_live(**slot);
        let live: Vec<u32> = xs.iter().filter(is_live).copied().collect();
        for pair in live.windows(2) {
            if !self.are_near(layer, pair[0], pair[1]) {
                self.force(layer, pair[0], pair[1], choice);
            }
        }
    }

    /// Links y to the nearest other neighbour z of the removed node that y cannot be led to: no link w of y has
    /// d(y, w) < d(y, z) and d(w, z) < d(y, z). One is enough; re-choosing whole lists would drop links that an earlier graph
    /// had justified. Returns all that came into question, nearest first.
    fn replace_neighbour(
        &self,
        layer: u8,
        y: u32,
        xs: &[u32],
        choice: &mut Choice,
    ) -> Vec<Candidate> {
        let links = self.ranked_neighbours(layer, y, choice);
        let is_new = |&z: &u32| z != y && links.iter().all(|w| w.slot() != z);
        let others: Vec<u32> = xs.iter().copied().filter(is_new).collect();
        let others = self.ranked(&choice.node, &others, &mut choice.distances);
        for z in &others {
            if !self.leads_to(&links, z, choice)
                && self.connect(layer, y, z.slot(), z.distance(), choice)
            {
                break;
            }
        }
        others
    }

    /// Whether one of a node's links is nearer to it, and to z, than z is to it.
    fn leads_to(&self, links: &[Candidate], z: &Candidate, choice: &mut Choice) -> bool {
        let nearer = &links[..links.partition_point(|w| w.distance() < z.distance())];
        if nearer.is_empty() {
            return false;
        }
        self.graph
            .vectors
            .load_point(z.slot(), &mut choice.candidate, self.guard);
        let scorer = self.scorer(&choice.candidate);
        nearer.chunks(4).any(|group| {
            choice.slots.clear();
            choice.slots.extend(group.iter().map(|w| w.slot()));
            scorer.score(&choice.slots, &mut choice.distances);
            choice.distances.iter().any(|&d| d < z.distance())
        })
    }
}

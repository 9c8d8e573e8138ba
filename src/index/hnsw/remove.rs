//! Unlinking a node and giving each of its former neighbours a replacement, so that recall does not fall with churn
//! (ann.md, 10).

use super::circle::{CIRCLE_MAX, Circle};
use super::graph::{Entry, Graph, Linking, Pinned};
use super::scratch::{self, Choice, Scratch};
use crate::index::LinkOptions;

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
        xs.iter().for_each(|&y| self.prefetch_list(layer, y));
        self.scorer(&scratch.node).prefetch(&xs);
        for &y in &xs {
            self.unlink(layer, x, y);
        }
        // Each part begins with the end of the one before, so that what is whole in each is whole.
        let mut rest = &xs[..];
        while rest.len() > 1 {
            let (part, _) = rest.split_at(rest.len().min(CIRCLE_MAX));
            self.repair(layer, part, scratch);
            rest = &rest[part.len() - 1..];
        }
        for &y in &xs {
            if layer == 0 && self.degree(0, y) == 0 && self.graph.slots.is_live(y) {
                self.join(y, 0, LinkOptions::default(), scratch);
            }
        }
    }

    /// Gives each of the former neighbours of a node a way to the others.
    fn repair(&self, layer: u8, nodes: &[u32], scratch: &mut Scratch) {
        let choice = &mut scratch.choice;
        let mut circle = self.circle(layer, nodes, choice);
        for (at, &y) in nodes.iter().enumerate() {
            self.replace_neighbour(layer, at, &mut circle);
            if self.degree(layer, y) < self.graph.links_min() {
                self.rescue(layer, y, &circle.others(at), choice);
            }
        }
        self.keep_together(layer, &mut circle, choice);
    }

    /// What is between the former neighbours of a node: each pair is compared once.
    fn circle(&self, layer: u8, nodes: &[u32], choice: &mut Choice) -> Circle {
        let mut circle = Circle::new(nodes);
        for (at, &y) in nodes.iter().enumerate() {
            let vectors = &self.graph.vectors;
            vectors.load_point(y, &mut choice.node, self.guard);
            let scorer = self.scorer(&choice.node);
            scorer.score(&nodes[at + 1..], &mut choice.distances);
            circle.set_distances(at, &choice.distances);
        }
        circle.set_links(nodes.iter().map(|&y| self.neighbours(layer, y)));
        circle
    }

    /// Links y to the nearest of the others that it is not near to. One is enough; re-choosing whole lists would drop links
    /// that an earlier graph had justified.
    fn replace_neighbour(&self, layer: u8, y: usize, circle: &mut Circle) {
        while let Some(z) = circle.take_lost(y) {
            if self.link(layer, circle.nodes()[y], circle.nodes()[z]) == Linking::Linked {
                circle.set_near(y, z);
                return;
            }
        }
    }

    /// x led from each of its neighbours to all others; now they lead to each other: whoever is not reached from the first is
    /// linked to the nearest of those who are.
    fn keep_together(&self, layer: u8, circle: &mut Circle, choice: &mut Choice) {
        let mut reached = vec![0];
        let mut missing: Vec<usize> = (1..circle.nodes().len()).collect();
        let mut next = 0;
        while !missing.is_empty() {
            if next == reached.len() {
                let (one, other) = circle.nearest_pair(&reached, &missing);
                self.force(layer, circle.nodes()[one], circle.nodes()[other], choice);
                circle.set_near(one, other);
                next = reached.iter().position(|&place| place == one).unwrap_or(0);
            }
            let from = reached[next];
            next += 1;
            reached.extend(missing.extract_if(.., |place| circle.are_near(from, *place)));
        }
    }
}

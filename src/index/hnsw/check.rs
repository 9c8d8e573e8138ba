//! The invariants of graph.rs, as code. For tests, and for whoever has just loaded a graph.

use super::graph::{Entry, Graph, Pinned};
use crate::index::sync::atomic::Ordering;
use crate::kernels::block::NONE;

impl Graph {
    /// The first violation found. Call it while nothing changes.
    pub(in crate::index) fn check(&self) -> Result<(), String> {
        let guard = crossbeam_epoch::pin();
        let pinned = self.pinned(&guard);
        let live: Vec<u32> = self.slots.live().collect();
        if live.len() != self.slots.live_count() {
            return Err(format!(
                "{} slots are live, {} counted",
                live.len(),
                self.slots.live_count()
            ));
        }
        for &slot in &live {
            (0..=self.level(slot)).try_for_each(|layer| pinned.check_list(layer, slot))?;
        }
        self.check_entry(&live)?;
        match pinned.unreached().first() {
            Some(lost) => Err(format!(
                "slot {lost} cannot be reached from {:?}",
                self.entry()
            )),
            None => Ok(()),
        }
    }

    fn check_entry(&self, live: &[u32]) -> Result<(), String> {
        let top = live.iter().map(|&slot| self.level(slot)).max();
        match (self.entry(), top) {
            (None, None) => Ok(()),
            (Some(Entry { level, slot }), Some(top))
                if level == top && self.slots.is_live(slot) && self.level(slot) == top =>
            {
                Ok(())
            }
            (entry, top) => Err(format!(
                "the entry point is {entry:?}, the highest level {top:?}"
            )),
        }
    }
}

impl Pinned<'_> {
    fn check_list(&self, layer: u8, slot: u32) -> Result<(), String> {
        let links = self.neighbours(layer, slot);
        let fail =
            |what: &str, other: u32| Err(format!("slot {slot} on layer {layer}: {what} {other}"));
        if let Some(word) = self.list(layer, slot)[links.len()..]
            .iter()
            .find(|word| word.load(Ordering::Relaxed) != NONE)
        {
            return fail("a hole before the link to", word.load(Ordering::Relaxed));
        }
        for (at, &other) in links.iter().enumerate() {
            if other == slot || links[..at].contains(&other) {
                return fail("a link to itself or a second one to", other);
            }
            if !self.graph.slots.is_live(other) || self.graph.level(other) < layer {
                return fail("a link to a dead slot, or one without this layer,", other);
            }
            if !self.neighbours(layer, other).contains(&slot) {
                return fail("no link back from", other);
            }
        }
        Ok(())
    }

    /// Live slots that cannot be reached on layer 0 from the entry point.
    pub(super) fn unreached(&self) -> Vec<u32> {
        let mut reached = vec![false; self.graph.slots.end() as usize];
        let mut open: Vec<u32> = self
            .graph
            .entry()
            .map(|entry| entry.slot)
            .into_iter()
            .collect();
        open.iter().for_each(|&slot| reached[slot as usize] = true);
        while let Some(slot) = open.pop() {
            for other in self.neighbours(0, slot) {
                if !std::mem::replace(&mut reached[other as usize], true) {
                    open.push(other);
                }
            }
        }
        self.graph
            .slots
            .live()
            .filter(|&slot| !reached[slot as usize])
            .collect()
    }
}

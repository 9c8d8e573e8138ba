//! Buffers of a walk and of the choice of links, one set per thread, so that neither allocates.

use crate::index::nearest::{Candidate, Nearest};
use crate::index::sync::atomic::{AtomicU32, Ordering};
use crate::index::vectors::Point;
use crate::kernels::block::NONE;
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Everything that one insert, removal or search writes aside.
pub(super) struct Scratch {
    pub(super) walk: Walk,
    pub(super) choice: Choice,
    /// The node that is being linked or repaired.
    pub(super) node: Point,
}

/// Buffers of a walk.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) visited: Visited,
    /// W: the ef nearest found so far.
    pub(super) nearest: Nearest,
    /// Of a walk of which only some nodes are wanted: all that were met and not expanded, the nearest first.
    pub(super) open: BinaryHeap<Reverse<Candidate>>,
    /// Neighbours found in this round.
    pub(super) batch: Vec<u32>,
    pub(super) distances: Vec<f32>,
}

/// Buffers of the choice of links.
pub(super) struct Choice {
    /// The node whose list is decided on.
    pub(super) node: Point,
    /// Those chosen, each as one side of distances, and some of former choices behind them.
    pub(super) points: Vec<Point>,
    /// Candidates that nobody chosen so far leaves out.
    pub(super) open: Vec<Open>,
    pub(super) slots: Vec<u32>,
    pub(super) distances: Vec<f32>,
    /// R: what was chosen.
    pub(super) chosen: Vec<Candidate>,
    /// Vectors equal to the node's that were not chosen because half of the list are such.
    pub(super) twins: Vec<Candidate>,
}

/// A candidate for a link.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub(super) candidate: Candidate,
    /// Its distance to the nearest of those chosen.
    pub(super) nearest: f32,
}

/// The slots that a walk has met: a bit each, and the words that were touched, so that clearing costs what the walk did.
#[derive(Default)]
pub(super) struct Visited {
    words: Vec<u64>,
    touched: Vec<u32>,
}

impl Visited {
    /// Marks the slot; whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, slot: u32) -> bool {
        let (at, bit) = (slot as usize / 64, 1 << (slot % 64));
        if at >= self.words.len() {
            self.words.resize((at + 1).next_power_of_two(), 0);
        }
        let word = &mut self.words[at];
        if *word == 0 {
            self.touched.push(at as u32);
        }
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    #[inline]
    pub(super) fn contains(&self, slot: u32) -> bool {
        self.words
            .get(slot as usize / 64)
            .is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// Appends the links that were not met before, and marks them. Without branches on what the marks say: they are as
    /// good as random, and a mispredicted one costs as much as scoring a row.
    #[inline]
    pub(super) fn collect_new(&mut self, links: &[AtomicU32], batch: &mut Vec<u32>) {
        let mut end = batch.len();
        batch.resize(end + links.len(), NONE);
        let mut touched_end = self.touched.len();
        self.touched.resize(touched_end + links.len(), 0);
        for word in links {
            let slot = word.load(Ordering::Relaxed);
            if slot == NONE {
                break;
            }
            let (at, bit) = (slot as usize / 64, 1u64 << (slot % 64));
            if at >= self.words.len() {
                self.words.resize((at + 1).next_power_of_two(), 0);
            }
            let marks = self.words[at];
            self.words[at] = marks | bit;
            self.touched[touched_end] = at as u32;
            touched_end += usize::from(marks == 0);
            batch[end] = slot;
            end += usize::from(marks & bit == 0);
        }
        batch.truncate(end);
        self.touched.truncate(touched_end);
    }

    pub(super) fn clear(&mut self) {
        for at in self.touched.drain(..) {
            self.words[at as usize] = 0;
        }
    }
}

impl Scratch {
    fn new() -> Scratch {
        let choice = Choice {
            node: Point::empty(),
            points: Vec::new(),
            open: Vec::new(),
            slots: Vec::new(),
            distances: Vec::new(),
            chosen: Vec::new(),
            twins: Vec::new(),
        };
        Scratch {
            walk: Walk::default(),
            choice,
            node: Point::empty(),
        }
    }
}

/// Lends this thread's buffers. A call within a call gets new ones.
pub(super) fn with<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    thread_local!(static KEPT: Cell<Option<Box<Scratch>>> = const { Cell::new(None) });
    let mut scratch = KEPT.take().unwrap_or_else(|| Box::new(Scratch::new()));
    // After a panic the buffers are dropped with the marks that a walk left in them.
    let result = work(&mut scratch);
    KEPT.set(Some(scratch));
    result
}

//! Lists of links, the locks that change them, and the entry point.
//!
//! Invariants, at rest and, read one edge at a time, always:
//! 1. Links are mutual on every layer: a lists b exactly when b lists a. So whoever points at a node is known from its own
//!    list, and a removed node is named by nobody.
//! 2. A list has at most 2M links on layer 0 and M above, all different, none to the node itself, without holes: it ends at
//!    the first NONE.
//! 3. Both ends of an edge are live and have its layer.
//! 4. The entry point is live and of the highest level, while anything is live.
//!
//! An edge is changed under the locks of both ends, lower slot first; the distances that decide about it are computed before,
//! without any lock. Searches take no lock: they may see a list half changed, and so miss or repeat a neighbour, which does
//! them no harm (ann.md, 5). Whoever reads lists or vectors is pinned, see slots.rs.

use crate::index::segments::{count, extent, locate};
use crate::index::slots::{Slots, State};
use crate::index::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
use crate::index::sync::{spin_loop, yield_now};
use crate::index::vectors::{Point, Scorer, Vectors};
use crate::index::{IndexOptions, Metric, Neighbour};
use crate::kernels::block::{Blocks, NONE, View};
use crossbeam_epoch::Guard;
use hashbrown::HashSet;
use parking_lot::Mutex;
use std::sync::Arc;

/// Highest level of a node; with M = 16 one in 16^15 would be higher.
pub(super) const LEVEL_MAX: u8 = 15;

/// The graph of one index.
pub(in crate::index) struct Graph {
    /// M: links that a node takes per layer when it is inserted.
    pub(super) m: usize,
    /// ef_construction: candidates kept while inserting.
    pub(super) ef_construction: usize,
    /// How much nearer to a chosen neighbour than to the node a candidate must be to be left out. 1.1 keeps enough links for
    /// mutual lists (ann.md, 6); inner products may be negative, where a factor would mean the opposite.
    pub(super) alpha: f32,
    pub(super) vectors: Arc<Vectors>,
    pub(super) slots: Arc<Slots>,
    /// Lists of layer 0, in front of the codes.
    base: Arc<Blocks>,
    upper: UpperLists,
    /// ep: level and slot in one word, so that both change together.
    entry: AtomicU64,
    /// Slots of each level from 1 on: who follows when the entry point is removed.
    levels: Mutex<[HashSet<u32>; LEVEL_MAX as usize + 1]>,
    /// Held by a removal from start to end: of two neighbours that went at once, neither would join what hung on the other.
    pub(super) removing: Mutex<()>,
}

/// Lists above layer 0, by their own numbers: one in M - 1 nodes has any.
struct UpperLists {
    lists: Blocks,
    free: Mutex<FreeLists>,
}

#[derive(Default)]
struct FreeLists {
    /// First numbers of freed runs, by length.
    runs: [Vec<u32>; LEVEL_MAX as usize + 1],
    end: u32,
}

/// The entry point: a node of the highest level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) level: u8,
    pub(super) slot: u32,
}

const NO_ENTRY: u64 = u64::MAX;

impl Entry {
    fn pack(entry: Option<Entry>) -> u64 {
        entry.map_or(NO_ENTRY, |e| u64::from(e.level) << 32 | u64::from(e.slot))
    }

    fn unpack(word: u64) -> Option<Entry> {
        (word != NO_ENTRY).then_some(Entry {
            level: (word >> 32) as u8,
            slot: word as u32,
        })
    }
}

/// The level that a hash draws: geometric with mean 1 / (M - 1), floor(-ln(u) / ln(M)) for a u in (0, 1]
/// (the paper's m_L = 1 / ln(M)).
pub(in crate::index) fn level_from(hash: u64, m: usize) -> u8 {
    let u = ((hash >> 11) + 1) as f64 / (1u64 << 53) as f64;
    ((-u.ln() / (m as f64).ln()) as u8).min(LEVEL_MAX)
}

impl Graph {
    pub(in crate::index) fn new(
        options: &IndexOptions,
        vectors: Arc<Vectors>,
        slots: Arc<Slots>,
    ) -> Graph {
        let m = options.m as usize;
        Graph {
            m,
            ef_construction: options.ef_construction as usize,
            alpha: if options.metric == Metric::InnerProduct {
                1.0
            } else {
                1.1
            },
            base: Arc::clone(vectors.blocks()),
            vectors,
            slots,
            upper: UpperLists {
                lists: Blocks::new(m, 0),
                free: Mutex::default(),
            },
            entry: AtomicU64::new(NO_ENTRY),
            levels: Mutex::default(),
            removing: Mutex::default(),
        }
    }

    /// The graph as a pinned thread may use it.
    pub(in crate::index) fn pinned<'g>(&'g self, guard: &'g Guard) -> Pinned<'g> {
        Pinned {
            graph: self,
            base: self.base.view(guard),
            upper: self.upper.lists.view(guard),
            guard,
        }
    }

    /// Most links of a node on `layer`: M_max0 = 2M, M_max = M.
    pub(super) fn links_max(&self, layer: u8) -> usize {
        if layer == 0 { 2 * self.m } else { self.m }
    }

    /// Links below which a node is too easily lost: it is given more, and others do not drop it.
    pub(super) fn links_min(&self) -> usize {
        self.m / 4
    }

    /// Gives a reserved slot its level, and empty lists for it.
    pub(super) fn set_level(&self, slot: u32, level: u8) {
        let side = self.slots.get(slot);
        let had = side.upper_lists.load(Ordering::Relaxed);
        if had != level {
            // The lists of the slot's previous life are freed here, where it is certain that no reader is left in them.
            let first = self
                .upper
                .exchange(side.upper.load(Ordering::Relaxed), had, level);
            side.upper.store(first, Ordering::Relaxed);
            side.upper_lists.store(level, Ordering::Relaxed);
        }
        for list in 0..u32::from(level) {
            self.upper
                .lists
                .write_private(locate(side.upper.load(Ordering::Relaxed) + list), |_| ());
        }
        side.level.store(level, Ordering::Release);
    }

    pub(in crate::index) fn level(&self, slot: u32) -> u8 {
        self.slots.get(slot).level.load(Ordering::Acquire)
    }

    pub(in crate::index) fn max_level(&self) -> u8 {
        self.entry().map_or(0, |entry| entry.level)
    }

    pub(super) fn entry(&self) -> Option<Entry> {
        Entry::unpack(self.entry.load(Ordering::SeqCst))
    }

    /// Makes `to` the entry point if `from` still is and `to` is live. Under the lock that `make_dying` takes: who removes
    /// `to` finds it here and replaces it before its slot is freed, so a pinned reader may start from whom it finds here.
    pub(super) fn exchange_entry(&self, from: Option<Entry>, to: Option<Entry>) -> bool {
        let _lock = to.map(|to| NodeLock::of(&self.slots.get(to.slot).lock));
        if to.is_some_and(|to| !self.slots.is_live(to.slot)) {
            return false;
        }
        let (from, to) = (Entry::pack(from), Entry::pack(to));
        self.entry
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    /// Makes a live node the entry point if its level is new. False if it died before that.
    pub(super) fn raise_entry(&self, slot: u32, level: u8) -> bool {
        loop {
            let entry = self.entry();
            if entry.is_some_and(|entry| entry.level >= level)
                || self.exchange_entry(entry, Some(Entry { level, slot }))
            {
                return true;
            }
            if !self.slots.is_live(slot) {
                return false;
            }
        }
    }

    /// Lists a live node under its level. Before `raise_entry`: whoever replaces the entry point looks here afterwards.
    pub(super) fn enter_level(&self, slot: u32, level: u8) {
        if level > 0 {
            self.levels.lock()[level as usize].insert(slot);
        }
    }

    pub(super) fn leave_level(&self, slot: u32, level: u8) {
        if level > 0 {
            self.levels.lock()[level as usize].remove(&slot);
        }
    }

    /// Some live node of the highest level, other than `not`.
    pub(super) fn highest(&self, not: u32) -> Option<Entry> {
        let is_fit = |&slot: &u32| slot != not && self.slots.is_live(slot);
        let listed = {
            let levels = self.levels.lock();
            let found = |level: u8| {
                levels[level as usize]
                    .iter()
                    .copied()
                    .find(is_fit)
                    .map(|slot| Entry { level, slot })
            };
            (1..=LEVEL_MAX).rev().find_map(found)
        };
        listed.or_else(|| {
            self.slots.live().find(is_fit).map(|slot| Entry {
                level: self.level(slot),
                slot,
            })
        })
    }

    /// Links of a live node by layer, layer 0 first, with their distances.
    pub(in crate::index) fn links(&self, slot: u32) -> Vec<Vec<Neighbour>> {
        let guard = crossbeam_epoch::pin();
        if !self.slots.is_live(slot) {
            return vec![Vec::new()];
        }
        let pinned = self.pinned(&guard);
        let mut point = Point::empty();
        let mut distances = Vec::new();
        self.vectors.load_point(slot, &mut point, &guard);
        let layer_links = |layer| {
            let ranked = pinned.ranked(&point, &pinned.all_neighbours(layer, slot), &mut distances);
            ranked.into_iter().map(Neighbour::from).collect()
        };
        (0..=self.level(slot)).map(layer_links).collect()
    }

    /// Bytes of links.
    pub(in crate::index) fn memory(&self) -> u64 {
        let upper = self.upper.lists.backed() * self.upper.lists.stride() as u64;
        self.base.backed() * self.base.link_words() as u64 * 4 + upper
    }
}

impl UpperLists {
    /// Frees the run of `had` lists from `first`, and takes one of `wanted`.
    fn exchange(&self, first: u32, had: u8, wanted: u8) -> u32 {
        let mut free = self.free.lock();
        if had > 0 {
            free.runs[had as usize].push(first);
        }
        if wanted == 0 {
            return 0;
        }
        if let Some(run) = free.runs[wanted as usize].pop() {
            return run;
        }
        let run = free.end;
        free.end += u32::from(wanted);
        for segment in count(run)..count(free.end) {
            self.lists.ensure(segment, extent(segment).1);
        }
        run
    }
}

/// What came of [`Pinned::link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Linking {
    /// The edge is there now, or was before.
    Linked,
    /// One of the two is not live.
    Dead,
    /// This node has no room.
    Full(u32),
}

/// The lock of one node, held.
struct NodeLock<'a>(&'a AtomicU8);

impl<'a> NodeLock<'a> {
    /// Spins: a holder compares two lists and writes two words.
    fn of(lock: &'a AtomicU8) -> NodeLock<'a> {
        let mut tries = 0;
        while lock
            .compare_exchange_weak(0, 1, Ordering::Acquire, Ordering::Relaxed)
            .is_err()
        {
            tries += 1;
            if tries % 64 == 0 {
                yield_now()
            } else {
                spin_loop()
            }
        }
        NodeLock(lock)
    }
}

impl Drop for NodeLock<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}

/// The graph as one pinned thread sees and changes it.
#[derive(Clone, Copy)]
pub(in crate::index) struct Pinned<'g> {
    pub(super) graph: &'g Graph,
    base: View<'g>,
    upper: View<'g>,
    pub(super) guard: &'g Guard,
}

impl<'g> Pinned<'g> {
    /// The list of a node that has this layer.
    #[inline]
    pub(super) fn list(&self, layer: u8, slot: u32) -> &'g [AtomicU32] {
        if layer == 0 {
            self.base.links(locate(slot))
        } else {
            self.upper.links(self.upper_place(layer, slot))
        }
    }

    #[inline]
    pub(super) fn prefetch_list(&self, layer: u8, slot: u32) {
        if layer == 0 {
            self.base.prefetch_links(locate(slot));
        }
    }

    fn upper_place(&self, layer: u8, slot: u32) -> (u32, u32) {
        locate(self.graph.slots.get(slot).upper.load(Ordering::Relaxed) + u32::from(layer) - 1)
    }

    /// A snapshot of a node's links. Their vectors may be read.
    pub(super) fn neighbours(&self, layer: u8, slot: u32) -> Vec<u32> {
        let words = self
            .list(layer, slot)
            .iter()
            .map(|word| word.load(Ordering::Relaxed));
        let neighbours = words.take_while(|&word| word != NONE).collect();
        fence(Ordering::Acquire);
        neighbours
    }

    /// Whether two nodes are linked, or linked to one and the same.
    pub(super) fn are_near(&self, layer: u8, a: u32, b: u32) -> bool {
        let of_a = self.list(layer, a);
        let words = self.list(layer, b).iter();
        let of_b = words.map(|word| word.load(Ordering::Relaxed));
        of_b.take_while(|&slot| slot != NONE)
            .any(|slot| slot == a || position(of_a, slot).is_some())
    }

    pub(super) fn degree(&self, layer: u8, slot: u32) -> usize {
        end_of(self.list(layer, slot))
    }

    /// Distances from `point` as the graph is walked.
    pub(super) fn scorer<'a>(&'a self, point: &'a Point) -> Scorer<'a> {
        self.graph.vectors.walk_scorer(point, self.guard)
    }

    /// Adds the edge between two nodes that have this layer, if both are live and have room.
    pub(super) fn link(&self, layer: u8, a: u32, b: u32) -> Linking {
        let _locks = self.lock_both(a, b);
        let is_live = |slot| self.graph.slots.get(slot).state() == State::Live;
        if !is_live(a) || !is_live(b) {
            return Linking::Dead;
        }
        let (of_a, of_b) = (self.list(layer, a), self.list(layer, b));
        if position(of_a, b).is_some() {
            return Linking::Linked;
        }
        let (end_a, end_b) = (end_of(of_a), end_of(of_b));
        if end_a == of_a.len() {
            return Linking::Full(a);
        }
        if end_b == of_b.len() {
            return Linking::Full(b);
        }
        // Release: who reads the link may read the vector behind it.
        of_a[end_a].store(b, Ordering::Release);
        of_b[end_b].store(a, Ordering::Release);
        Linking::Linked
    }

    /// Takes the edge away, if it is there.
    pub(super) fn unlink(&self, layer: u8, a: u32, b: u32) {
        let _locks = self.lock_both(a, b);
        self.drop_edge(layer, a, b);
    }

    /// The same. Whether a common neighbour still joins the two: under the locks, so that of three edges that form a triangle no
    /// two are taken away because of the third.
    pub(super) fn unlink_and_look(&self, layer: u8, a: u32, b: u32) -> bool {
        let _locks = self.lock_both(a, b);
        self.drop_edge(layer, a, b);
        self.are_near(layer, a, b)
    }

    /// Both are locked.
    fn drop_edge(&self, layer: u8, a: u32, b: u32) {
        let dropped = (
            drop_from(self.list(layer, a), b),
            drop_from(self.list(layer, b), a),
        );
        assert!(
            dropped.0 == dropped.1,
            "links go both ways: {a} and {b} on layer {layer}"
        );
    }

    /// All links of a node: an unlocked snapshot may miss one that is moved into a hole while it is taken. Those of a
    /// dying node only become fewer afterwards.
    pub(super) fn all_neighbours(&self, layer: u8, slot: u32) -> Vec<u32> {
        let _lock = NodeLock::of(&self.graph.slots.get(slot).lock);
        self.neighbours(layer, slot)
    }

    /// Ends the live time of a node: from here on nobody can link to it.
    pub(super) fn make_dying(&self, slot: u32) {
        let _lock = NodeLock::of(&self.graph.slots.get(slot).lock);
        self.graph.slots.make_dying(slot);
    }

    fn lock_both(&self, a: u32, b: u32) -> (NodeLock<'g>, NodeLock<'g>) {
        assert_ne!(a, b, "a node has no edge to itself");
        let lock = |slot| NodeLock::of(&self.graph.slots.get(slot).lock);
        let first = lock(a.min(b));
        (first, lock(a.max(b)))
    }
}

/// Number of links in a list.
fn end_of(list: &[AtomicU32]) -> usize {
    position(list, NONE).unwrap_or(list.len())
}

pub(super) fn position(list: &[AtomicU32], slot: u32) -> Option<usize> {
    list.iter()
        .position(|word| word.load(Ordering::Relaxed) == slot)
}

/// Moves the last link into the place of `slot`. A reader in between sees the last one twice, or misses it.
pub(super) fn drop_from(list: &[AtomicU32], slot: u32) -> bool {
    let Some(at) = position(list, slot) else {
        return false;
    };
    let last = end_of(list) - 1;
    list[at].store(list[last].load(Ordering::Relaxed), Ordering::Release);
    list[last].store(NONE, Ordering::Release);
    true
}

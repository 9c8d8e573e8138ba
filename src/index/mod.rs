//! One vector index: vectors by slot, scanned (FLAT) or walked along a graph (HNSW). It knows slots and distances, no
//! names, no attributes, no keys; who lives in a slot is the collection's business (keyspace/collection.rs).
//!
//! Life of a slot: [`VectorIndex::reserve`] (private, vector written) -> the collection records who lives there ->
//! [`VectorIndex::connect`] (live, linked) -> [`VectorIndex::remove`] (unlinked, neighbours repaired) -> free again when no
//! reader can see it any more.

mod components;
mod hnsw;
mod horizon;
mod nearest;
pub mod range;
mod scan;
pub mod segments;
mod signs;
mod slots;
mod spread;
mod sync;
mod top;
mod vectors;

use crate::shared_bytes::SharedBytes;
use crossbeam_epoch::Guard;
use hnsw::Graph;
use nearest::Candidate;
use scan::SortedScan;
pub use signs::GatheredSigns;
use signs::Signs;
use slots::Slots;
pub use slots::Turnover;
use spread::Spread;
use std::borrow::Cow;
use std::sync::Arc;
use vectors::Vectors;

pub use components::ComponentType;
pub use vectors::Target;

/// The CPU features that distances are computed with here.
pub fn distances_by() -> &'static str {
    crate::kernels::best().name
}

/// How near two vectors are; inside there is one quantity, distance, smaller is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Metric {
    /// 1 - cos, 0 to 2. A zero vector has distance 1 to everything.
    Cosine,
    /// Squared Euclidean distance.
    L2,
    /// 1 - dot product.
    InnerProduct,
}

/// What is stored of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Quantization {
    /// The f32 components as given; the graph is walked on codes beside them ([`WalkedOn`]).
    F32,
    /// f16 (of the normalised vector under cosine); the graph is walked on codes beside them ([`WalkedOn`]).
    F16,
    /// int8 codes and their range only.
    Int8,
    /// One bit a component, set where it is positive; cosine only.
    Bit,
}

/// Whether a graph is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum IndexKind {
    /// Every search scans.
    Flat,
    /// A graph of links is kept (ann.md; Malkov and Yashunin, arXiv 1603.09320).
    Hnsw,
}

/// What a graph is built and walked on.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum WalkedOn {
    /// Codes: int8 beside F32 and F16, what is stored of the others. The best that a walk finds are ranked anew with what is
    /// stored.
    #[default]
    Codes,
    /// What is stored, also of F32 and F16: no codes are kept.
    Stored,
    /// Beside F32 and F16 int4 codes, half as large and coarser (docs/decisions/011).
    Int4,
}

/// What an index is made with; fixed for its life.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IndexOptions {
    /// Components of a vector, 1 to 65,536.
    pub dim: u32,
    /// The distance.
    pub metric: Metric,
    /// What is stored.
    pub quantization: Quantization,
    /// Scan or graph.
    pub kind: IndexKind,
    /// Links a node takes per layer (M), 4 to 4,096; layer 0 holds up to 2M.
    pub m: u32,
    /// Candidates kept while inserting (ef_construction), unless the insert names its own.
    pub ef_construction: u32,
    /// What the graph is walked on. Snapshots keep it in a record of its own.
    #[serde(skip)]
    pub walked_on: WalkedOn,
}

/// Why a vector was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorError {
    /// Another number of components than the index has.
    Dimension {
        /// Components that came.
        got: u32,
        /// Components of the index.
        expected: u32,
    },
    /// A component is NaN or infinite, or the squared norm overflows f32 (but under L2), or a component overflows f16 where F16
    /// stores it.
    NotFinite,
}

/// The stored form of one vector, exactly as kept; what snapshots and VEMB RAW need.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// F32: the components as given, little endian. F16: f16 little endian. Int8: the codes as i8 bytes (top bit not
    /// flipped). Bit: little-endian u64 words, component j is bit j.
    pub bytes: Box<[u8]>,
    /// L2 norm of the vector as given (1 for a zero vector, as vector sets have it); what VEMB multiplies with under cosine.
    pub norm: f32,
    /// Int8: max |x| of the vector that was quantised (normalised under cosine); otherwise 0.
    pub range: f32,
}

/// One found vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Distance to the target by the index's metric.
    pub distance: f32,
    /// Where it is.
    pub slot: u32,
}

/// What a search did; EXPLAIN shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WalkStats {
    /// Distances computed, reranking included.
    pub distances: u64,
    /// Rows of which only the signs were compared.
    pub signs: u64,
    /// Nodes whose links were read.
    pub hops: u64,
    /// Slots tested by the filter.
    pub filter_tests: u64,
    /// Slots that the filter let pass.
    pub filter_passes: u64,
    /// Candidates ranked anew with the stored originals.
    pub reranked: u64,
    /// Whether a filtered walk gave up.
    pub gave_up: bool,
    /// How fast distances grew with rank, where a walk can tell; [`VectorIndex::observe`] takes it.
    pub spread: Option<f32>,
}

/// What a scan of some slots compares; an index without a graph compares what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanBy {
    /// What is stored: the answer is exact.
    Stored,
    /// Codes, and what is stored of the nearest by these: nearly exact.
    Codes,
    /// Where many pass, the signs of their components, and codes of those that these leave: about as good as a walk.
    Signs,
}

/// Slots to scan.
pub struct Listed<'a> {
    /// The slots.
    pub slots: Cow<'a, [u32]>,
    /// Where their signs are kept for the next scan of the same slots. They may be scanned again for as long as none of them was
    /// freed.
    pub signs: Option<&'a GatheredSigns>,
    /// Whether a slot that was removed since is found all the same: by who can tell then that its vector is gone, or elsewhere.
    pub finds_removed: bool,
}

impl Listed<'_> {
    /// Slots that are scanned once.
    pub fn once(slots: Vec<u32>) -> Listed<'static> {
        Listed {
            slots: Cow::Owned(slots),
            signs: None,
            finds_removed: false,
        }
    }
}

/// Decides which slots may be hits. Called from one thread at a time per search; may be called for dead slots.
pub trait SlotFilter {
    /// Whether the element in `slot` passes.
    fn passes(&self, slot: u32) -> bool;
}

/// How a filtered walk goes (ann.md, 8).
#[derive(Clone, Debug)]
pub enum FilteredWalk {
    /// Every node is walked, only passing ones count towards ef.
    Plain(Option<Probe>),
    /// Only passing nodes are scored; one that fails lends its own links, once. Starts from these passing slots too.
    TwoHop {
        /// Passing slots spread over the passing set, scored first.
        seeds: Vec<u32>,
    },
}

/// What a walk through all nodes does when it knows which share passes of the first nodes that it meets, those around the
/// target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// It gives up, with what it has, where the share is smaller than this.
    pub pass_rate_min: f64,
    /// Otherwise it keeps as many candidates as [`filtered_ef`] makes of these and the share, where these are more.
    pub ef: usize,
}

/// The passing candidates to keep where a share of `pass_rate` passes, for about the recall of `ef` candidates without a
/// filter: they are found among more nodes than would have been looked at for as many without one.
pub fn filtered_ef(ef: usize, pass_rate: f64) -> usize {
    const EXPONENT: f64 = 0.65;
    (ef as f64 * pass_rate.min(1.0).powf(EXPONENT)) as usize
}

/// How a new vector is linked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkOptions {
    /// Candidates to choose neighbours from, in place of ef_construction.
    pub ef: Option<u32>,
    /// Find them by a walk even where a scan is cheaper, to test or measure the graph.
    pub force_graph: bool,
}

/// Whether a search's time is over. It is asked in every round of a walk, so it has to answer within nanoseconds.
pub type IsLate<'a> = Option<&'a dyn Fn() -> bool>;

/// Bounds of one walk.
#[derive(Clone)]
pub struct WalkOptions<'a> {
    /// Hits wanted.
    pub k: usize,
    /// Candidates that a walk for a typical query keeps, at least k; one without a filter keeps from a quarter to twice as many
    /// (index/horizon.rs). The caller clamps it to the number of elements before calling.
    pub ef: usize,
    /// At most this many nodes are expanded on layer 0 (FILTER-EF); none: unbounded.
    pub expansions_max: Option<usize>,
    /// It ends with what it has when this says so.
    pub is_late: IsLate<'a>,
}

/// Bytes of an index by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IndexMemory {
    /// Originals (f32, f16).
    pub vectors: u64,
    /// Codes that are walked on (int8, bit).
    pub codes: u64,
    /// Links and per-slot graph state.
    pub links: u64,
}

/// What a snapshot keeps of one slot's place in the graph, and what a load hands back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedNode {
    /// The slot.
    pub slot: u32,
    /// Birth tag of the slot when the links were read: new at each reuse.
    pub birth: u32,
    /// Links by layer, layer 0 first; its length is level + 1.
    pub layers: Vec<Vec<u32>>,
}

/// Candidates of a walk on codes that are ranked anew with the originals: this many, or twice k if that is more, and then so
/// many at a time for as long as their order may be wrong.
const RERANKED_MIN: usize = 20;

/// A vector index. All methods take `&self`: inserts, removals and searches run in parallel; the caller orders changes to
/// one element (never removes a slot that is being connected).
pub struct VectorIndex {
    options: IndexOptions,
    slots: Arc<Slots>,
    vectors: Arc<Vectors>,
    /// None where every search scans.
    graph: Option<Graph>,
    spread: Spread,
    /// None where they would save nothing.
    signs: Option<Signs>,
}

impl VectorIndex {
    /// An empty index.
    pub fn new(options: IndexOptions) -> VectorIndex {
        let vectors = Vectors::new(&options);
        VectorIndex::over(options, vectors)
    }

    /// An empty index of packed vectors that the caller keeps as well: it takes handles on them ([`VectorIndex::reserve_packed`]) and
    /// stores beside them what its graph is walked on. `quantization` and `walked_on` of the options have no effect.
    pub fn sharing(options: IndexOptions, components: ComponentType) -> VectorIndex {
        let vectors = Vectors::sharing(&options, components);
        let index = VectorIndex::over(options, vectors);
        VectorIndex {
            // Of numbers that are never negative they tell nothing.
            signs: index.signs.filter(|_| components != ComponentType::Uint8),
            ..index
        }
    }

    fn over(options: IndexOptions, vectors: Vectors) -> VectorIndex {
        let (slots, vectors) = (Arc::new(Slots::default()), Arc::new(vectors));
        let graph = match options.kind {
            IndexKind::Flat => None,
            IndexKind::Hnsw => Some(Graph::new(
                &options,
                Arc::clone(&vectors),
                Arc::clone(&slots),
            )),
        };
        VectorIndex {
            signs: Signs::of(&options),
            options,
            slots,
            vectors,
            graph,
            spread: Spread::new(),
        }
    }

    /// What it was made with.
    pub fn options(&self) -> &IndexOptions {
        &self.options
    }

    /// Whether `vector` may be stored: dimension and finiteness. `reserve` and `target` require that it passed.
    pub fn check_vector(&self, vector: &[f32]) -> Result<(), VectorError> {
        self.vectors.check(vector)
    }

    /// Takes a free slot and writes `vector` (as the user gave it) into it. Invisible to searches until `connect`.
    pub fn reserve(&self, vector: &[f32]) -> u32 {
        let slot = self
            .slots
            .take(|segment, slots| self.vectors.ensure(segment, slots));
        self.reserved(slot, self.vectors.write(slot, vector))
    }

    /// As `reserve`, of an index that shares its vectors: `packed` is kept, `vector` are its components.
    pub fn reserve_packed(&self, packed: &SharedBytes, vector: &[f32]) -> u32 {
        let slot = self
            .slots
            .take(|segment, slots| self.vectors.ensure(segment, slots));
        self.reserved(slot, self.vectors.write_packed(slot, packed, vector))
    }

    /// As `reserve`, from the stored form (COPY, tests): moves the bytes, never encodes anew.
    pub fn reserve_stored(&self, stored: &Stored) -> u32 {
        let slot = self
            .slots
            .take(|segment, slots| self.vectors.ensure(segment, slots));
        self.reserved(slot, self.vectors.write_stored(slot, stored))
    }

    /// The vector of a slot that was taken is written.
    fn reserved(&self, slot: u32, norm: f32) -> u32 {
        self.slots.reserve(slot, norm);
        if let Some(signs) = &self.signs {
            signs.add(slot, &self.vectors);
        }
        slot
    }

    /// Makes a reserved slot live and, with a graph, links it. `level_hash` is the hash of (seed, collection, element) that
    /// the level is drawn from.
    pub fn connect(&self, slot: u32, level_hash: u64, options: LinkOptions) {
        match &self.graph {
            Some(graph) => {
                let level = hnsw::level_from(level_hash, self.options.m as usize);
                graph.insert(slot, level, options);
            }
            None => self.slots.make_live(slot),
        }
    }

    /// Unlinks a live slot, repairs its neighbours, and frees the slot when the last reader that may see it is gone. A slot
    /// that was reserved but never connected is given back.
    pub fn remove(&self, slot: u32) {
        self.remove_then(slot, || ());
    }

    /// As `remove`; `before_reuse` is called when no reader can see the slot any more, and before it can be taken again.
    pub fn remove_then(&self, slot: u32, before_reuse: impl FnOnce() + Send + 'static) {
        match &self.graph {
            Some(graph) if self.slots.is_live(slot) => graph.remove(slot),
            _ => self.slots.make_dying(slot),
        }
        let vectors = Arc::clone(&self.vectors);
        let clear = move || {
            vectors.clear(slot);
            before_reuse();
        };
        self.slots.free_later(slot, clear, &crossbeam_epoch::pin());
    }

    /// How many slots were taken and freed so far. For a search that holds its pin, before it learns anything of slots.
    pub fn turnover(&self) -> Turnover {
        self.slots.turnover()
    }

    /// Whether somebody took the slot since then.
    pub fn was_taken_since(&self, slot: u32, then: Turnover) -> bool {
        self.slots.was_taken_since(slot, then)
    }

    /// Of slots of which the caller learnt something since then, leaves those whose vectors he may read under the pin that he holds,
    /// and of which it is still true because nobody took them since.
    pub fn keep_steady(&self, slots: &mut Vec<u32>, then: Turnover) {
        self.slots.keep_steady(slots, then);
    }

    /// Whether the slot is live now.
    pub fn is_live(&self, slot: u32) -> bool {
        self.slots.is_live(slot)
    }

    /// Number of live slots.
    pub fn len(&self) -> usize {
        self.slots.live_count()
    }

    /// Whether no slot is live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All slots ever used lie below this.
    pub fn slots_end(&self) -> u32 {
        self.slots.end()
    }

    /// The slot's birth tag: new at each reuse.
    pub fn birth(&self, slot: u32) -> u32 {
        self.slots.birth(slot)
    }

    /// The stored form of a reserved or live slot; of one that died meanwhile, that of a zero vector.
    pub fn stored(&self, slot: u32) -> Stored {
        let guard = crossbeam_epoch::pin();
        if !self.slots.is_readable(slot) {
            return self.vectors.stored_nothing();
        }
        self.vectors.stored(slot, self.slots.norm(slot), &guard)
    }

    /// The stored form of a slot that the caller has seen live under a pin that it still holds: also if it died since.
    pub fn stored_under_pin(&self, slot: u32) -> Stored {
        let guard = crossbeam_epoch::pin();
        self.vectors.stored(slot, self.slots.norm(slot), &guard)
    }

    /// The vector as VEMB gives it back: F32 the components as given; else decoded and, under cosine, times the norm;
    /// Bit: 1 and -1. Zeros for a slot that died meanwhile.
    pub fn decode(&self, slot: u32) -> Vec<f32> {
        let guard = crossbeam_epoch::pin();
        if !self.slots.is_readable(slot) {
            return vec![0.0; self.options.dim as usize];
        }
        self.vectors.decode(slot, self.slots.norm(slot), &guard)
    }

    /// As `decode`, of a slot that the caller has seen live under a pin that it still holds: also if it died since.
    pub fn decode_under_pin(&self, slot: u32) -> Vec<f32> {
        let guard = crossbeam_epoch::pin();
        self.vectors.decode(slot, self.slots.norm(slot), &guard)
    }

    /// Prepares a user's vector as target.
    pub fn target(&self, vector: &[f32]) -> Target {
        self.vectors.target(vector)
    }

    /// The packed vector of a slot, of an index that shares its vectors; none if it died meanwhile.
    pub fn packed(&self, slot: u32) -> Option<SharedBytes> {
        self.vectors.packed(slot)
    }

    /// As `target`, of an index that shares its vectors.
    pub fn target_packed(&self, packed: &SharedBytes, vector: &[f32]) -> Target {
        self.vectors.target_packed(packed, vector)
    }

    /// Prepares the stored vector of a slot as target; a zero vector if it died meanwhile.
    pub fn target_of(&self, slot: u32) -> Target {
        let guard = crossbeam_epoch::pin();
        if !self.slots.is_readable(slot) {
            return self.vectors.target(&vec![0.0; self.options.dim as usize]);
        }
        self.vectors.target_of(slot, &guard)
    }

    /// The final distance (with the original where one is kept) from the target to a slot; infinite if it died meanwhile.
    pub fn distance(&self, target: &Target, slot: u32) -> f32 {
        let guard = crossbeam_epoch::pin();
        if !self.slots.is_readable(slot) {
            return f32::INFINITY;
        }
        self.vectors.exact_scorer(target, &guard).score_one(slot)
    }

    /// As `distance`, to a slot that the caller has seen live under a pin that it still holds: also if it died since.
    pub fn distance_under_pin(&self, target: &Target, slot: u32) -> f32 {
        let guard = crossbeam_epoch::pin();
        self.vectors.exact_scorer(target, &guard).score_one(slot)
    }

    /// A hit's distance with all digits: in f64 where the vectors are shared and of f64, and as the hit has it otherwise. The caller
    /// has seen the slot live under a pin that it still holds.
    pub fn distance_in_full(&self, target: &Target, hit: Neighbour) -> f64 {
        let in_full = self.vectors.distance_in_full(target, hit.slot);
        in_full.unwrap_or_else(|| hit.distance.into())
    }

    /// Walks the graph: hits by distance, nearest first, at most k (FLAT: scans). Never returns dead or private slots.
    pub fn search(
        &self,
        target: &Target,
        options: &WalkOptions,
        filter: Option<(&dyn SlotFilter, &FilteredWalk)>,
        stats: &mut WalkStats,
    ) -> Vec<Neighbour> {
        let Some(graph) = &self.graph else {
            return self.scan(
                target,
                options.k,
                None,
                filter.map(|(filter, _)| filter),
                stats,
            );
        };
        let guard = crossbeam_epoch::pin();
        let found = graph.search(target, (options, self.spread.get()), filter, stats, &guard);
        // Of many candidates few become hits: only of those is it asked whether they still live.
        let asked = found.iter().take(RERANKED_MIN.max(2 * options.k));
        asked.for_each(|c| self.slots.prefetch(c.slot()));
        let live = found.into_iter().filter(|c| self.slots.is_live(c.slot()));
        if !self.vectors.ranks_anew() {
            return live.take(options.k).map(Neighbour::from).collect();
        }
        let mut hits = self.rerank(target, live, options.k, stats, &guard);
        hits.truncate(options.k);
        hits.into_iter().map(Neighbour::from).collect()
    }

    /// Learns from the walk of a query that somebody asked how fast distances grow with rank.
    pub fn observe(&self, stats: &WalkStats) {
        if let Some(spread) = stats.spread {
            self.spread.observe(spread, self.len());
        }
    }

    /// How fast distances grow with rank: d(r) is about d(k) * (r / k)^spread for the typical query.
    pub fn spread(&self) -> f32 {
        self.spread.get()
    }

    /// The spread as searches taught it, and how many vectors there were then; none: they did not yet.
    pub fn spread_learnt(&self) -> Option<(f32, u64)> {
        self.spread.learnt()
    }

    /// Loading: the spread as it was learnt, of so many vectors.
    pub fn load_spread(&self, spread: f32, of: u64) {
        self.spread.load(spread, of);
    }

    /// The nearest of what a walk on codes found, by the originals. `found` comes in the order of the codes' distances; as many of
    /// them are looked at as may be among the k nearest, if codes err about as much for them as for those looked at so far.
    fn rerank(
        &self,
        target: &Target,
        found: impl Iterator<Item = Candidate>,
        k: usize,
        stats: &mut WalkStats,
        guard: &Guard,
    ) -> Vec<Candidate> {
        let mut found = found.peekable();
        let scorer = self.vectors.exact_scorer(target, guard);
        let first = RERANKED_MIN.max(2 * k);
        let mut reranked = Vec::with_capacity(first.min(found.size_hint().1.unwrap_or(0)));
        let (mut more, mut slots, mut distances) = (Vec::new(), Vec::new(), Vec::new());
        // By how much codes put vectors too far away, at least and at most.
        let mut errors = (f32::INFINITY, f32::NEG_INFINITY);
        while let Some(next) = found.peek() {
            let so_far = reranked.len();
            // The next one may err more than those before it, by as much as these differ.
            let error = errors.1 + (errors.1 - errors.0);
            let is_decided =
                so_far >= first && next.distance() - error > kth(&mut reranked, k).distance();
            if is_decided {
                break;
            }
            more.clear();
            more.extend(found.by_ref().take(match so_far {
                0 => first,
                _ => RERANKED_MIN,
            }));
            slots.clear();
            slots.extend(more.iter().map(|c| c.slot()));
            scorer.fetch_and_score(&slots, &mut distances);
            for (by_code, &distance) in more.iter().zip(&distances) {
                let error = by_code.distance() - distance;
                errors = (errors.0.min(error), errors.1.max(error));
                reranked.push(Candidate::new(distance, by_code.slot()));
            }
        }
        stats.distances += reranked.len() as u64;
        stats.reranked += reranked.len() as u64;
        reranked.sort_unstable();
        reranked
    }

    /// Exact scan in the stored form over all live slots, or over `slots`.
    pub fn scan(
        &self,
        target: &Target,
        k: usize,
        slots: Option<&[u32]>,
        filter: Option<&dyn SlotFilter>,
        stats: &mut WalkStats,
    ) -> Vec<Neighbour> {
        scan::scan(
            (&self.vectors, &self.slots),
            target,
            k,
            slots,
            filter,
            stats,
        )
    }

    /// The k nearest of `listed`, slots which the caller saw occupied under a pin that it still holds: by the stored form, by codes, or
    /// by those codes that their signs leave, as `by` says; by codes as a walk that kept `ef` candidates would rank them.
    pub fn scan_passing(
        &self,
        target: &Target,
        (k, ef): (usize, usize),
        listed: &Listed,
        by: ScanBy,
        stats: &mut WalkStats,
    ) -> Vec<Neighbour> {
        let (passing, finds_removed) = (&*listed.slots, listed.finds_removed);
        let guard = crossbeam_epoch::pin();
        if by == ScanBy::Stored || self.graph.is_none() {
            let scorer = self.vectors.exact_scorer(target, &guard);
            let hits = scan::scan_passing(&self.slots, scorer, k, (passing, finds_removed), stats);
            return hits.into_iter().map(Neighbour::from).collect();
        }
        let scorer = self.vectors.walk_scorer(target.walked(), &guard);
        let first = self.read_first(passing.len(), (k, ef));
        let signs = self.signs.as_ref().filter(|signs| {
            by == ScanBy::Signs
                && first < passing.len()
                && signs.make_some(&self.slots, &self.vectors, &guard)
        });
        let keep = ef.max(k);
        let found = match signs {
            Some(signs) => {
                let differing = signs.compare(target.walked(), passing, listed.signs);
                stats.signs += passing.len() as u64;
                // What differs in equally many bits comes in no order: of many that do, those that came first say nothing of the others.
                let alike = differing.count(0..=differing.bits_of_nearest(first));
                let first = if alike > 2 * first { alike } else { first };
                let mut scan = SortedScan::new(&self.slots, scorer, (k, keep, first));
                // Sorting most of them is hardly ever worth it.
                let near = differing.bits_of_nearest(scan::SORTED_FIRST * first);
                if !scan.takes_enough(&differing.sorted(0..=near)) && near < u16::MAX {
                    scan.takes_enough(&differing.sorted(near + 1..=u16::MAX));
                }
                scan.into_nearest(finds_removed, stats)
            }
            None => scan::scan_passing(&self.slots, scorer, keep, (passing, finds_removed), stats),
        };
        let hits = match self.vectors.ranks_anew() {
            true => self.rerank(target, found.into_iter(), k, stats, &guard),
            false => found,
        };
        hits.into_iter().take(k).map(Neighbour::from).collect()
    }

    /// Of so many passing rows those that [`VectorIndex::scan_passing`] compares at least, for k hits and as a walk that keeps `ef`
    /// candidates: fewer than all where their signs are compared first.
    pub fn read_first(&self, passing: usize, (k, ef): (usize, usize)) -> usize {
        let first = (scan::READ_FIRST * ef).max(scan::READ_PER_HIT * k);
        match self.signs.is_some() && self.has_one_length() && passing >= scan::NARROWED * first {
            true => first,
            false => passing,
        }
    }

    /// Whether the angle to a vector says how near it is.
    fn has_one_length(&self) -> bool {
        let (shortest, longest) = self.slots.lengths();
        self.options.metric == Metric::Cosine || shortest >= vectors::ALIKE * longest
    }

    /// Level of a live slot (0 on FLAT).
    pub fn level(&self, slot: u32) -> u8 {
        self.graph.as_ref().map_or(0, |graph| graph.level(slot))
    }

    /// Highest level of the graph, 0 when empty or FLAT.
    pub fn max_level(&self) -> u8 {
        self.graph.as_ref().map_or(0, Graph::max_level)
    }

    /// Links of a live slot by layer, layer 0 first (FLAT: one empty layer), with their distances as the graph is walked.
    pub fn links(&self, slot: u32) -> Vec<Vec<Neighbour>> {
        match &self.graph {
            Some(graph) => graph.links(slot),
            None => vec![Vec::new()],
        }
    }

    /// A slot that is live now, found from `random` (any u64), uniform as far as the slots are filled; none when empty.
    pub fn random_slot(&self, random: u64) -> Option<u32> {
        self.slots.random(random)
    }

    /// Bytes allocated by kind.
    pub fn memory(&self) -> IndexMemory {
        let links = self.graph.as_ref().map_or(0, Graph::memory);
        let end = self.slots.end();
        let signs = self.signs.as_ref().map_or(0, |signs| signs.memory(end));
        let vectors = self.vectors.memory(end);
        IndexMemory {
            links: links + self.slots.memory(),
            codes: vectors.codes + signs,
            ..vectors
        }
    }

    /// The graph of one segment for a snapshot, read while writers go on (FLAT: nothing).
    pub fn save_nodes(&self, segment: u32) -> Vec<SavedNode> {
        self.graph
            .as_ref()
            .map_or_else(Vec::new, |graph| graph.save_nodes(segment))
    }

    /// Loading, first step: puts a vector into exactly this slot (private until `load_graph`). Slots that are skipped become
    /// free ones. Not to be mixed with `reserve`.
    pub fn load_slot(&self, slot: u32, stored: &Stored) {
        self.slots
            .take_exactly(slot, |segment, slots| self.vectors.ensure(segment, slots));
        self.reserved(slot, self.vectors.write_stored(slot, stored));
    }

    /// As `load_slot`, of an index that shares its vectors.
    pub fn load_packed(&self, slot: u32, packed: &SharedBytes, vector: &[f32]) {
        self.slots
            .take_exactly(slot, |segment, slots| self.vectors.ensure(segment, slots));
        self.reserved(slot, self.vectors.write_packed(slot, packed, vector));
    }

    /// Loading, last step: makes all loaded slots live with the saved links, keeping an edge only when both of its ends are
    /// loaded slots and list it; links anew, in parallel, every slot that has fewer than M/4 links (and could have more) or cannot
    /// be reached from the entry point. `level_hash` serves slots for which no node was saved. Returns how many were linked anew.
    /// The caller has dropped nodes whose birth tag is not that of the slot's vector.
    pub fn load_graph(
        &self,
        nodes: Vec<SavedNode>,
        level_hash: &(dyn Fn(u32) -> u64 + Sync),
    ) -> usize {
        self.slots.collect_free();
        match &self.graph {
            Some(graph) => graph.load(nodes, level_hash),
            None => {
                self.slots
                    .reserved()
                    .for_each(|slot| self.slots.make_live(slot));
                0
            }
        }
    }

    /// Verifies the invariants: links mutual, within bounds, to live slots that have that layer; levels and entry point
    /// consistent; every live slot reachable at layer 0. The error names the first violation. Call it at rest.
    pub fn check(&self) -> Result<(), String> {
        self.graph.as_ref().map_or(Ok(()), Graph::check)
    }
}

/// The k-th nearest of more candidates than that.
fn kth(candidates: &mut [Candidate], k: usize) -> Candidate {
    *candidates.select_nth_unstable(k.saturating_sub(1)).1
}

#[cfg(all(test, not(loom)))]
mod tests;

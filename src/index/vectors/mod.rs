//! How vectors are kept and scored. An index has up to two stores: codes (int8, int4 or bits), which its graph is walked and built
//! on, and originals (f32, f16, or packed vectors that somebody else keeps too), with which the best candidates are ranked anew. Where
//! there is one store, the graph is walked on that. Everybody above asks for distances by slot and never sees a vector.
//!
//! What is stored does not depend on the CPU: norms and ranges are computed here by plain loops in one order.

mod bits;
mod floats;
mod halves;
mod int4;
mod int8;
mod shared;

use super::horizon::Scale;
use super::segments::locate;
use super::{
    ComponentType, IndexKind, IndexMemory, IndexOptions, Metric, Quantization, Stored, VectorError,
    WalkedOn,
};
use crate::kernels::Ahead;
use crate::kernels::block::{Blocks, Run, View};
use crate::shared_bytes::SharedBytes;
use crate::sys;
use bits::Bit;
use crossbeam_epoch::Guard;
use floats::F32;
use half::f16;
use halves::F16;
use int4::Int4;
use int8::Int8;
use shared::Shared;
use std::borrow::Cow;
use std::sync::Arc;

/// A vector prepared as a search target for one index: normalised and quantised once.
pub struct Target {
    /// In the form of the codes, where the index has some.
    codes: Option<Point>,
    /// In the form of the originals, where the index keeps them.
    originals: Option<Point>,
}

impl Target {
    /// What the graph is walked with.
    pub(super) fn walked(&self) -> &Point {
        self.codes
            .as_ref()
            .or(self.originals.as_ref())
            .expect("a store keeps every vector")
    }

    /// What final distances are measured with.
    pub(super) fn exact(&self) -> &Point {
        self.originals
            .as_ref()
            .or(self.codes.as_ref())
            .expect("a store keeps every vector")
    }
}

/// One side of a distance: a vector in the form that a store scores its rows against.
pub(super) enum Point {
    Int8(int8::Point),
    Int4(int4::Point),
    Bits(Vec<u64>),
    /// Prepared components: of length 1 under cosine.
    Floats(Vec<f32>),
    /// The same of vectors of f64.
    Doubles(Vec<f64>),
}

impl Point {
    /// For buffers that [`VectorStore::load_point`] will fill.
    pub(super) fn empty() -> Point {
        Point::Floats(Vec::new())
    }

    /// Its components by 64: bits that are set where these are positive. Those behind the last component may be anything.
    pub(super) fn signs(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        fn words<T: Copy>(
            components: &[T],
            is_positive: impl Fn(T) -> bool,
        ) -> impl Iterator<Item = u64> {
            components.chunks(64).map(move |chunk| {
                let bits = chunk.iter().enumerate();
                bits.fold(0, |word, (j, &x)| word | u64::from(is_positive(x)) << j)
            })
        }
        match self {
            Point::Int8(point) => Box::new(words(point.code(), |code| code > 0)),
            Point::Int4(point) => Box::new(words(point.code(), |code| point.value(code) > 0.0)),
            Point::Bits(bits) => Box::new(bits.iter().copied()),
            Point::Floats(all) => Box::new(words(all, |x| x > 0.0)),
            Point::Doubles(all) => Box::new(words(all, |x| x > 0.0)),
        }
    }

    /// Its L2 norm; of bits, which have none, 1.
    fn length(&self) -> f32 {
        match self {
            Point::Int8(point) => point.length(),
            Point::Int4(point) => point.length(),
            Point::Bits(_) => 1.0,
            Point::Floats(all) => all.iter().map(|x| x * x).sum::<f32>().sqrt(),
            Point::Doubles(all) => all.iter().map(|x| x * x).sum::<f64>().sqrt() as f32,
        }
    }
}

/// Rows to be scored.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// Those of these slots, anywhere.
    Listed(View<'a>, &'a [u32]),
    /// Some that lie one behind the other.
    Run(Run<'a>),
    /// These, anywhere.
    Gathered(&'a Gathered<'a>),
}

/// Vectors are about as long as each other from this share on.
pub(super) const ALIKE: f32 = 0.95;

/// Rows that are looked for together: the new neighbours of the nodes that a walk expands at once.
pub(super) const GATHERED_MAX: usize = 96;

/// Rows that are asked for before the first is scored; the others so many ahead. Measured: docs/decisions/007.
const AHEAD: usize = 8;

/// Rows that were looked for, wherever they lie. The CPU has been asked for the first line of each but the last, because where that lies in memory takes
/// longest to find out, and for all of the first [`AHEAD`]; who scores a row asks for the one that comes so many later.
pub(super) struct Gathered<'a> {
    /// The last one fills what is left, for fours that are not whole.
    rows: [&'a [u8]; GATHERED_MAX + AHEAD],
    len: usize,
}

impl<'a> Gathered<'a> {
    /// At most [`GATHERED_MAX`] slots, and at least one.
    #[inline(always)]
    fn new(view: View<'a>, slots: &[u32]) -> Gathered<'a> {
        let (&last, others) = slots.split_last().expect("a slot");
        let mut rows = [view.bytes(locate(last)); GATHERED_MAX + AHEAD];
        for (row, &slot) in rows.iter_mut().zip(others) {
            *row = view.bytes(locate(slot));
            sys::prefetch_line(row.as_ptr());
        }
        let soon = AHEAD.min(slots.len());
        rows[..soon].iter().for_each(|row| ask_for(row));
        Gathered {
            rows,
            len: slots.len(),
        }
    }
}

/// Asks the CPU for all of a row.
#[inline]
fn ask_for(row: &[u8]) {
    sys::prefetch(row.as_ptr(), row.len());
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn len(&self) -> usize {
        match self {
            Rows::Listed(_, slots) => slots.len(),
            Rows::Run(run) => run.len(),
            Rows::Gathered(rows) => rows.len,
        }
    }

    /// The bytes of row number `at`.
    #[inline(always)]
    fn bytes(&self, at: usize) -> &'a [u8] {
        match self {
            Rows::Listed(view, slots) => view.bytes(locate(slots[at])),
            Rows::Run(run) => run.bytes(at),
            Rows::Gathered(gathered) => gathered.rows[at],
        }
    }

    /// The row that is to be asked for while number `at` is scored.
    #[inline(always)]
    fn ahead(&self, at: usize) -> Option<&'a [u8]> {
        match self {
            Rows::Gathered(gathered) => gathered.rows[..gathered.len].get(at + AHEAD).copied(),
            Rows::Listed(..) | Rows::Run(_) => None,
        }
    }
}

/// One way of keeping vectors by slot.
pub(super) trait VectorStore: Scored + Send + Sync {
    /// Writes a vector into a private slot.
    fn write(&self, slot: u32, vector: &Prepared);

    /// The point that `vector` is.
    fn point(&self, vector: &Prepared) -> Point;

    /// Makes `point` the vector in `slot`.
    fn load_point(&self, slot: u32, point: &mut Point, guard: &Guard);

    /// The bytes of `Stored`, and its range.
    fn stored(&self, slot: u32, guard: &Guard) -> (Box<[u8]>, f32);

    /// Writes `Stored` bytes into a private slot without encoding them anew.
    fn write_stored(&self, slot: u32, bytes: &[u8], range: f32, norm: f32);

    /// The components that the stored form stands for, before the norm is put back.
    fn decode(&self, slot: u32, guard: &Guard) -> Vec<f32>;

    /// By how much the distances from `point` may be off, because codes have steps: to vectors about as long, or, of inner products and
    /// cosines, to those of length 1.
    fn error(&self, _point: &Point) -> f32 {
        0.0
    }

    /// Lets go of what a slot holds that nobody sees any more; rows in blocks are written over.
    fn clear(&self, _slot: u32) {}

    /// The handle that a slot holds; rows in blocks have none.
    fn packed(&self, _slot: u32) -> Option<SharedBytes> {
        None
    }

    /// The distance from the point to a row with all digits of f64, where components are f64.
    fn distance_in_full(&self, _point: &Point, _slot: u32) -> Option<f64> {
        None
    }
}

/// Distances to rows, wherever they lie.
pub(super) trait Scored {
    /// Makes the segment that holds `slots` slots.
    fn ensure(&self, segment: u32, slots: u32);

    /// Replaces `distances` by those from the point to `slots`, in their order. Any number of slots scored together gives the
    /// same distances.
    fn score(&self, point: &Point, slots: &[u32], distances: &mut Vec<f32>, guard: &Guard);

    /// As `score`, of rows that lie anywhere in memory: asks the CPU for them before it waits for the first.
    fn fetch_and_score(
        &self,
        point: &Point,
        slots: &[u32],
        distances: &mut Vec<f32>,
        guard: &Guard,
    );

    /// As `score`, for `len` slots from `first` on, all in one segment: the rows need not be looked for one by one.
    fn score_run(
        &self,
        point: &Point,
        first: u32,
        len: usize,
        distances: &mut Vec<f32>,
        guard: &Guard,
    );

    /// Asks the CPU for the rows of `slots`.
    fn prefetch(&self, slots: &[u32], guard: &Guard);

    /// Bytes per slot, without links.
    fn bytes(&self) -> usize;

    /// Bytes in memory for the slots below `end`.
    fn memory(&self, end: u32) -> u64;
}

/// A store whose rows lie in blocks of its own.
pub(super) trait InBlocks {
    /// Where the rows lie.
    fn blocks(&self) -> &Blocks;

    /// Appends the distances from the point to the rows, in their order.
    fn score_rows(&self, point: &Point, rows: Rows, distances: &mut Vec<f32>);
}

impl<T: InBlocks> Scored for T {
    fn ensure(&self, segment: u32, slots: u32) {
        self.blocks().ensure(segment, slots);
    }

    fn score(&self, point: &Point, slots: &[u32], distances: &mut Vec<f32>, guard: &Guard) {
        let view = self.blocks().view(guard);
        distances.clear();
        self.score_rows(point, Rows::Listed(view, slots), distances);
    }

    fn fetch_and_score(
        &self,
        point: &Point,
        slots: &[u32],
        distances: &mut Vec<f32>,
        guard: &Guard,
    ) {
        let view = self.blocks().view(guard);
        distances.clear();
        for slots in slots.chunks(GATHERED_MAX) {
            let gathered = Gathered::new(view, slots);
            self.score_rows(point, Rows::Gathered(&gathered), distances);
        }
    }

    fn score_run(
        &self,
        point: &Point,
        first: u32,
        len: usize,
        distances: &mut Vec<f32>,
        guard: &Guard,
    ) {
        let run = self.blocks().view(guard).run(locate(first), len);
        distances.clear();
        self.score_rows(point, Rows::Run(run), distances);
    }

    fn prefetch(&self, slots: &[u32], guard: &Guard) {
        let view = self.blocks().view(guard);
        for &slot in slots {
            view.prefetch_bytes(locate(slot));
        }
    }

    fn bytes(&self) -> usize {
        self.blocks().stride() - self.blocks().link_words() * 4
    }

    fn memory(&self, _end: u32) -> u64 {
        self.blocks().backed() * self.bytes() as u64
    }
}

/// A vector as given, with what every store needs to know about it.
pub(super) struct Prepared<'a> {
    pub(super) given: &'a [f32],
    /// Of length 1 under cosine, else as given.
    pub(super) scaled: Cow<'a, [f32]>,
    /// L2 norm of `given`; 1 where its squares sum to zero.
    pub(super) norm: f32,
    /// The same components packed, where they are kept elsewhere too ([`VectorIndex::sharing`](super::VectorIndex::sharing)).
    pub(super) packed: Option<&'a SharedBytes>,
}

impl<'a> Prepared<'a> {
    fn new(given: &'a [f32], metric: Metric) -> Prepared<'a> {
        let norm = norm(given);
        let scaled = match metric {
            Metric::Cosine => given.iter().map(|x| x / norm).collect::<Vec<_>>().into(),
            Metric::L2 | Metric::InnerProduct => given.into(),
        };
        Prepared {
            given,
            scaled,
            norm,
            packed: None,
        }
    }
}

/// Distances from one point to slots; all that the graph knows of vectors.
#[derive(Clone, Copy)]
pub(super) struct Scorer<'a> {
    store: &'a dyn VectorStore,
    point: &'a Point,
    metric: Metric,
    guard: &'a Guard,
}

impl Scorer<'_> {
    /// Replaces `distances` by those to `slots`.
    pub(super) fn score(&self, slots: &[u32], distances: &mut Vec<f32>) {
        self.store.score(self.point, slots, distances, self.guard);
    }

    /// As `score`, of rows that lie anywhere in memory.
    pub(super) fn fetch_and_score(&self, slots: &[u32], distances: &mut Vec<f32>) {
        self.store
            .fetch_and_score(self.point, slots, distances, self.guard);
    }

    /// Replaces `distances` by those to `len` slots of one segment, from `first` on.
    pub(super) fn score_run(&self, first: u32, len: usize, distances: &mut Vec<f32>) {
        self.store
            .score_run(self.point, first, len, distances, self.guard);
    }

    /// The distance to one slot.
    pub(super) fn score_one(&self, slot: u32) -> f32 {
        let mut distances = Vec::with_capacity(4);
        self.score(&[slot], &mut distances);
        distances[0]
    }

    pub(super) fn prefetch(&self, slots: &[u32]) {
        self.store.prefetch(slots, self.guard);
    }

    /// What zero and error are among these distances, where vectors are between `shortest` and `longest`.
    ///
    /// Inner products have no zero of their own. Of vectors of one length R it is at the product |q| R: what a product is less than
    /// that is half the squared distance of two vectors as long. Of others there is none, and walks to the longest find their way
    /// less surely.
    pub(super) fn scale(&self, (shortest, longest): (f32, f32)) -> Scale {
        let error = self.store.error(self.point);
        match self.metric {
            Metric::Cosine | Metric::L2 => Scale { zero: 0.0, error },
            Metric::InnerProduct if shortest >= ALIKE * longest => Scale {
                zero: 1.0 - self.point.length() * longest,
                error: error * longest,
            },
            Metric::InnerProduct => Scale::NONE,
        }
    }
}

/// The stores of one index.
pub(super) struct Vectors {
    metric: Metric,
    dim: usize,
    quantization: Quantization,
    /// Shared with the graph: a node's links lie in front of what it is walked on.
    blocks: Arc<Blocks>,
    codes: Option<Box<dyn VectorStore>>,
    originals: Option<Box<dyn VectorStore>>,
}

impl Vectors {
    pub(super) fn new(options: &IndexOptions) -> Vectors {
        let &IndexOptions {
            metric,
            quantization,
            ..
        } = options;
        let dim = options.dim as usize;
        let walked = options.kind == IndexKind::Hnsw;
        let links = if walked { 2 * options.m as usize } else { 0 };
        let with_links = |bytes| Arc::new(Blocks::new(links, bytes));
        let alone = |bytes| Arc::new(Blocks::new(0, bytes));
        let original = |blocks| -> Option<Box<dyn VectorStore>> {
            match quantization {
                Quantization::F16 => Some(Box::new(F16::new(blocks, metric))),
                _ => Some(Box::new(F32::new(blocks, metric))),
            }
        };
        let original_bytes = match quantization {
            Quantization::F16 => F16::bytes_of(dim),
            _ => F32::bytes_of(dim),
        };
        // Links lie in front of what is walked on.
        let (blocks, codes, originals) = match quantization {
            Quantization::Bit => {
                let blocks = with_links(Bit::bytes_of(dim));
                let bits: Box<dyn VectorStore> = Box::new(Bit::new(Arc::clone(&blocks), dim));
                (blocks, Some(bits), None)
            }
            Quantization::Int8 => {
                let blocks = with_links(Int8::bytes_of(dim));
                let codes: Box<dyn VectorStore> =
                    Box::new(Int8::new(Arc::clone(&blocks), dim, metric));
                (blocks, Some(codes), None)
            }
            Quantization::F32 | Quantization::F16
                if walked && options.walked_on != WalkedOn::Stored =>
            {
                let (blocks, codes) = codes_aside(options, links);
                (blocks, Some(codes), original(alone(original_bytes)))
            }
            Quantization::F32 | Quantization::F16 => {
                let blocks = with_links(original_bytes);
                (Arc::clone(&blocks), None, original(blocks))
            }
        };
        Vectors {
            metric,
            dim,
            quantization,
            blocks,
            codes,
            originals,
        }
    }

    /// Originals are packed vectors that the caller keeps as well: only handles on them are stored. A graph is walked on codes.
    pub(super) fn sharing(options: &IndexOptions, components: ComponentType) -> Vectors {
        let &IndexOptions { metric, .. } = options;
        let dim = options.dim as usize;
        let (blocks, codes) = match options.kind {
            IndexKind::Flat => (Arc::new(Blocks::new(0, 0)), None),
            IndexKind::Hnsw => {
                let (blocks, codes) = codes_aside(options, 2 * options.m as usize);
                (blocks, Some(codes))
            }
        };
        Vectors {
            metric,
            dim,
            quantization: Quantization::F32,
            codes,
            originals: Some(Box::new(Shared::new(components, dim, metric))),
            blocks,
        }
    }

    /// The blocks that links share with what the graph is walked on.
    pub(super) fn blocks(&self) -> &Arc<Blocks> {
        &self.blocks
    }

    pub(super) fn check(&self, vector: &[f32]) -> Result<(), VectorError> {
        if vector.len() != self.dim {
            return Err(VectorError::Dimension {
                got: vector.len() as u32,
                expected: self.dim as u32,
            });
        }
        let overflows = self.quantization == Quantization::F16
            && self.metric != Metric::Cosine
            && vector.iter().any(|&x| f16::from_f32(x).is_infinite());
        let is_finite = match self.metric {
            // Differences may be small where the vectors are long.
            Metric::L2 => vector.iter().all(|x| x.is_finite()),
            // A NaN or an infinity makes the sum one.
            Metric::Cosine | Metric::InnerProduct => squared_norm(vector).is_finite(),
        };
        match is_finite && !overflows {
            true => Ok(()),
            false => Err(VectorError::NotFinite),
        }
    }

    pub(super) fn ensure(&self, segment: u32, slots: u32) {
        self.stores().for_each(|store| store.ensure(segment, slots));
    }

    /// Writes a vector into a private slot and returns its norm.
    pub(super) fn write(&self, slot: u32, vector: &[f32]) -> f32 {
        let prepared = Prepared::new(vector, self.metric);
        let norm = prepared.norm;
        if let Some(originals) = &self.originals {
            originals.write(slot, &prepared);
        }
        if let Some(codes) = &self.codes {
            codes.write(slot, &self.as_kept(prepared));
        }
        norm
    }

    /// As `write`, of a vector whose packed form the caller keeps too.
    pub(super) fn write_packed(&self, slot: u32, packed: &SharedBytes, vector: &[f32]) -> f32 {
        let prepared = Prepared {
            packed: Some(packed),
            ..Prepared::new(vector, self.metric)
        };
        self.stores().for_each(|store| store.write(slot, &prepared));
        prepared.norm
    }

    /// The packed vector of a slot, where it is shared.
    pub(super) fn packed(&self, slot: u32) -> Option<SharedBytes> {
        self.exact_store().packed(slot)
    }

    /// The final distance with all digits of f64, where originals are of f64.
    pub(super) fn distance_in_full(&self, target: &Target, slot: u32) -> Option<f64> {
        self.exact_store().distance_in_full(target.exact(), slot)
    }

    /// Lets go of what a slot holds that nobody sees any more.
    pub(super) fn clear(&self, slot: u32) {
        self.stores().for_each(|store| store.clear(slot));
    }

    /// Writes a stored form into a private slot and returns its norm.
    pub(super) fn write_stored(&self, slot: u32, stored: &Stored) -> f32 {
        let Stored { bytes, norm, range } = stored;
        match (&self.originals, &self.codes) {
            (None, Some(codes)) => codes.write_stored(slot, bytes, *range, *norm),
            (Some(originals), codes) => {
                originals.write_stored(slot, bytes, *range, *norm);
                if let Some(codes) = codes {
                    let kept = self.components(bytes);
                    codes.write(slot, &self.prepared_from_kept(&kept, *norm));
                }
            }
            (None, None) => unreachable!("a store keeps every vector"),
        }
        *norm
    }

    /// What codes are made of: what the original is after it was stored, so that a copy of the stored form gets the same code.
    fn as_kept<'a>(&self, prepared: Prepared<'a>) -> Prepared<'a> {
        match self.quantization {
            Quantization::F16 => {
                let rounded = |&x: &f32| f16::from_f32(x).to_f32();
                Prepared {
                    scaled: prepared.scaled.iter().map(rounded).collect(),
                    ..prepared
                }
            }
            _ => prepared,
        }
    }

    /// `Stored` bytes of an original as numbers.
    fn components(&self, bytes: &[u8]) -> Vec<f32> {
        match self.quantization {
            Quantization::F32 => floats::components(bytes),
            Quantization::F16 => halves::components(bytes),
            Quantization::Int8 | Quantization::Bit => unreachable!("codes are moved, not decoded"),
        }
    }

    fn prepared_from_kept<'a>(&self, kept: &'a [f32], norm: f32) -> Prepared<'a> {
        match self.quantization {
            // Scaled before it was stored.
            Quantization::F16 => Prepared {
                given: kept,
                scaled: kept.into(),
                norm,
                packed: None,
            },
            _ => Prepared::new(kept, self.metric),
        }
    }

    pub(super) fn stored(&self, slot: u32, norm: f32, guard: &Guard) -> Stored {
        let (bytes, range) = self.exact_store().stored(slot, guard);
        Stored { bytes, norm, range }
    }

    /// What `stored` gives for a slot that died: a zero vector.
    pub(super) fn stored_nothing(&self) -> Stored {
        let bytes = match self.quantization {
            Quantization::F32 => self.dim * 4,
            Quantization::F16 => self.dim * 2,
            Quantization::Int8 => self.dim,
            Quantization::Bit => Bit::bytes_of(self.dim),
        };
        Stored {
            bytes: vec![0; bytes].into(),
            norm: 1.0,
            range: 0.0,
        }
    }

    pub(super) fn decode(&self, slot: u32, norm: f32, guard: &Guard) -> Vec<f32> {
        let mut vector = self.exact_store().decode(slot, guard);
        let is_scaled = matches!(self.quantization, Quantization::F16 | Quantization::Int8);
        if is_scaled && self.metric == Metric::Cosine {
            vector.iter_mut().for_each(|x| *x *= norm);
        }
        vector
    }

    pub(super) fn target(&self, vector: &[f32]) -> Target {
        self.target_of_prepared(&Prepared::new(vector, self.metric))
    }

    pub(super) fn target_packed(&self, packed: &SharedBytes, vector: &[f32]) -> Target {
        self.target_of_prepared(&Prepared {
            packed: Some(packed),
            ..Prepared::new(vector, self.metric)
        })
    }

    fn target_of_prepared(&self, prepared: &Prepared) -> Target {
        let point = |store: &Option<Box<dyn VectorStore>>| {
            store.as_ref().map(|store| store.point(prepared))
        };
        Target {
            codes: point(&self.codes),
            originals: point(&self.originals),
        }
    }

    pub(super) fn target_of(&self, slot: u32, guard: &Guard) -> Target {
        let point = |store: &Option<Box<dyn VectorStore>>| {
            store.as_ref().map(|store| {
                let mut point = Point::empty();
                store.load_point(slot, &mut point, guard);
                point
            })
        };
        Target {
            codes: point(&self.codes),
            originals: point(&self.originals),
        }
    }

    /// Scores on what the graph is walked on.
    pub(super) fn walk_scorer<'a>(&'a self, point: &'a Point, guard: &'a Guard) -> Scorer<'a> {
        Scorer {
            store: self.walked_store(),
            point,
            metric: self.metric,
            guard,
        }
    }

    /// Scores with the stored form: what final distances are.
    pub(super) fn exact_scorer<'a>(&'a self, target: &'a Target, guard: &'a Guard) -> Scorer<'a> {
        Scorer {
            store: self.exact_store(),
            point: target.exact(),
            metric: self.metric,
            guard,
        }
    }

    /// Makes `point` the vector in `slot` as the graph is walked on.
    pub(super) fn load_point(&self, slot: u32, point: &mut Point, guard: &Guard) {
        self.walked_store().load_point(slot, point, guard);
    }

    /// Bytes of a vector as the graph is walked on.
    pub(super) fn code_bytes(&self) -> usize {
        self.walked_store().bytes()
    }

    /// Whether candidates of a walk are to be ranked anew.
    pub(super) fn ranks_anew(&self) -> bool {
        self.originals.is_some() && self.codes.is_some()
    }

    /// Bytes of originals and of codes for the slots below `end`.
    pub(super) fn memory(&self, end: u32) -> IndexMemory {
        let bytes = |store: &Option<Box<dyn VectorStore>>| {
            store.as_ref().map_or(0, |store| store.memory(end))
        };
        IndexMemory {
            vectors: bytes(&self.originals),
            codes: bytes(&self.codes),
            links: 0,
        }
    }

    fn walked_store(&self) -> &dyn VectorStore {
        self.codes
            .as_deref()
            .or(self.originals.as_deref())
            .expect("a store keeps every vector")
    }

    fn exact_store(&self) -> &dyn VectorStore {
        self.originals
            .as_deref()
            .or(self.codes.as_deref())
            .expect("a store keeps every vector")
    }

    fn stores(&self) -> impl Iterator<Item = &dyn VectorStore> {
        [&self.originals, &self.codes]
            .into_iter()
            .filter_map(|store| store.as_deref())
    }
}

/// Codes beside originals, with `links` links in front of each.
fn codes_aside(options: &IndexOptions, links: usize) -> (Arc<Blocks>, Box<dyn VectorStore>) {
    let (dim, metric) = (options.dim as usize, options.metric);
    let blocks = |bytes| Arc::new(Blocks::new(links, bytes));
    if options.walked_on == WalkedOn::Int4 {
        let blocks = blocks(Int4::bytes_of(dim));
        let codes = Int4::new(Arc::clone(&blocks), dim, metric);
        (blocks, Box::new(codes))
    } else {
        let blocks = blocks(Int8::bytes_of(dim));
        let codes = Int8::new(Arc::clone(&blocks), dim, metric);
        (blocks, Box::new(codes))
    }
}

/// Sum of squares, added one after the other: the same on every CPU.
fn squared_norm(vector: &[f32]) -> f32 {
    vector.iter().map(|x| x * x).sum()
}

/// L2 norm, 1 for a vector whose squares sum to zero: it is kept as it is.
fn norm(vector: &[f32]) -> f32 {
    let squared = squared_norm(vector);
    if squared == 0.0 { 1.0 } else { squared.sqrt() }
}

/// Scores rows by fours, the last one several times where there are not four left, and hands on which to ask for meanwhile.
#[inline(always)]
fn by_fours<'a>(
    rows: Rows<'a>,
    distances: &mut Vec<f32>,
    score: impl Fn([&'a [u8]; 4], Ahead) -> [f32; 4],
) {
    let (count, before) = (rows.len(), distances.len());
    distances.reserve(count.next_multiple_of(4));
    for at in (0..count).step_by(4) {
        // Not by `map`: an array of slices that moves from closure to closure costs more than the kernel does.
        let scored = if let Rows::Gathered(gathered) = rows {
            let four = |at: usize| gathered.rows[at..].first_chunk::<4>();
            let ahead = (at + AHEAD < count).then(|| four(at + AHEAD)).flatten();
            score(*four(at).expect("whole fours"), ahead)
        } else {
            let row = |i: usize| rows.bytes((at + i).min(count - 1));
            score([row(0), row(1), row(2), row(3)], None)
        };
        distances.extend_from_slice(&scored);
    }
    distances.truncate(before + count);
}

/// The bytes of a slot.
fn bytes_of<'g>(blocks: &'g Blocks, slot: u32, guard: &'g Guard) -> &'g [u8] {
    blocks.view(guard).bytes(locate(slot))
}

#[cfg(all(test, not(loom)))]
mod tests;

//! Originals that somebody else keeps too: a row is a handle on a packed vector (the bytes of a document's field), so that the vector
//! is in memory once. Under cosine the distance is 1 - dot(q / |q|, x) / |x|: |x| is kept beside the handles, as f32, which is as
//! exact as the dot product. Where that is f64, the norm is summed up along with it.
//!
//! Readers come under the rules of index/slots.rs: a row is written while its slot is private and cleared when nobody can see it any
//! more. Its lock is therefore never waited for; it is there so that this file needs no unsafe code.

use super::super::segments::Segments;
use super::super::slots::allocated_slots;
use super::super::{ComponentType, Metric};
use super::{Point, Prepared, Scored, VectorStore};
use crate::kernels::{self, Kernels};
use crate::shared_bytes::SharedBytes;
use crate::sys;
use crossbeam_epoch::Guard;
use half::f16;
use parking_lot::RwLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Rows that are asked for before they are scored.
const AHEAD: usize = 4;

/// A handle, while its slot is taken.
type Row = RwLock<Option<SharedBytes>>;

/// The store of handles.
pub(super) struct Shared {
    rows: Segments<Row>,
    /// L2 norms, 1 of a zero vector, as bits of an f32; only where distances ask for them. Written before the row is, under
    /// whose lock they are read.
    norms: Option<Segments<AtomicU32>>,
    components: ComponentType,
    dim: usize,
    metric: Metric,
    kernels: &'static Kernels,
}

impl Shared {
    pub(super) fn new(components: ComponentType, dim: usize, metric: Metric) -> Shared {
        Shared {
            rows: Segments::default(),
            norms: (metric == Metric::Cosine && components != ComponentType::Float64)
                .then(Segments::default),
            components,
            dim,
            metric,
            kernels: kernels::best(),
        }
    }

    /// Of a slot, whether it is taken or not.
    fn handle_bytes(&self) -> usize {
        let norm = self.norms.as_ref().map_or(0, |_| size_of::<AtomicU32>());
        size_of::<Row>() + norm
    }

    /// What `look` makes of a row; none if nothing is there.
    fn with<T>(&self, slot: u32, look: impl FnOnce(&SharedBytes) -> T) -> Option<T> {
        self.rows.get(slot)?.read().as_ref().map(look)
    }

    fn set(&self, slot: u32, packed: SharedBytes) {
        if let Some(kept) = self.norms.as_ref().and_then(|norms| norms.get(slot)) {
            let components = self.components.unpack(&packed);
            let squares = components.iter().map(|&x| f64::from(x).powi(2));
            let norm = norm(squares.sum()) as f32;
            kept.store(norm.to_bits(), Ordering::Relaxed);
        }
        if let Some(row) = self.rows.get(slot) {
            *row.write() = Some(packed);
        }
    }

    /// What the dot product with a vector is divided by.
    fn divisor(&self, slot: u32) -> f64 {
        let kept = self.norms.as_ref().and_then(|norms| norms.get(slot));
        kept.map_or(1.0, |norm| {
            f32::from_bits(norm.load(Ordering::Relaxed)).into()
        })
    }

    /// `scratch` is room for components that have to be converted.
    pub(super) fn distance(
        &self,
        point: &Point,
        slot: u32,
        packed: &[u8],
        scratch: &mut Vec<f32>,
    ) -> f32 {
        let of_dot = |dot: f32| self.distance_of(dot.into(), self.divisor(slot)) as f32;
        match point {
            Point::Doubles(query) => self.distance_of_doubles(query, packed) as f32,
            Point::Floats(query) => {
                if self.components == ComponentType::Float16
                    && let Ok(halves) = bytemuck::try_cast_slice::<u8, f16>(packed)
                {
                    return match self.metric {
                        Metric::L2 => (self.kernels.l2_f16)(query, halves),
                        _ => of_dot((self.kernels.dot_f16)(query, halves)),
                    };
                }
                let floats = match bytemuck::try_cast_slice::<u8, f32>(packed) {
                    Ok(floats) if self.components == ComponentType::Float32 => floats,
                    _ => {
                        self.components.unpack_into(packed, scratch);
                        &scratch[..]
                    }
                };
                match self.metric {
                    Metric::L2 => (self.kernels.l2_f32)(query, floats),
                    _ => of_dot((self.kernels.dot_f32)(query, floats)),
                }
            }
            Point::Int8(_) | Point::Int4(_) | Point::Bits(_) => {
                unreachable!("a point comes from its store")
            }
        }
    }

    fn distance_of_doubles(&self, query: &[f64], packed: &[u8]) -> f64 {
        let pairs = query.iter().copied().zip(doubles(packed));
        match self.metric {
            Metric::L2 => pairs.map(|(a, b)| (a - b) * (a - b)).sum(),
            Metric::InnerProduct => 1.0 - pairs.map(|(a, b)| a * b).sum::<f64>(),
            Metric::Cosine => {
                let add = |(dot, squared), (a, b)| (dot + a * b, squared + b * b);
                let (dot, squared) = pairs.fold((0.0, 0.0), add);
                self.distance_of(dot, norm(squared))
            }
        }
    }

    fn distance_of(&self, dot: f64, norm: f64) -> f64 {
        match self.metric {
            Metric::Cosine => (1.0 - dot / norm).clamp(0.0, 2.0),
            Metric::L2 | Metric::InnerProduct => 1.0 - dot,
        }
    }

    /// The distance to what is in a slot; none is nearer than nothing.
    fn distance_to(&self, point: &Point, slot: u32, scratch: &mut Vec<f32>) -> f32 {
        let distance = self.with(slot, |row| self.distance(point, slot, row, scratch));
        distance.unwrap_or(f32::INFINITY)
    }

    fn score_each(
        &self,
        point: &Point,
        slots: impl Iterator<Item = u32> + Clone,
        distances: &mut Vec<f32>,
    ) {
        let mut scratch = Vec::new();
        let mut coming = slots.clone().skip(AHEAD);
        distances.clear();
        distances.extend(slots.map(|slot| {
            if let Some(next) = coming.next() {
                self.prefetch_row(next);
            }
            self.distance_to(point, slot, &mut scratch)
        }));
    }

    /// Asks for all handles and norms, then for what the handles lead to: the first look at one takes its lock, and what waits for that does
    /// not overlap.
    fn ask_for_handles(&self, slots: &[u32]) {
        for row in slots.iter().filter_map(|slot| self.rows.get(*slot)) {
            sys::prefetch(std::ptr::from_ref(row).cast(), size_of_val(row));
        }
        let norms = self.norms.iter();
        for norm in norms.flat_map(|norms| slots.iter().filter_map(|slot| norms.get(*slot))) {
            sys::prefetch(std::ptr::from_ref(norm).cast(), size_of_val(norm));
        }
        for &slot in slots {
            self.with(slot, |row| {
                let (place, len) = row.place();
                sys::prefetch(place, len);
            });
        }
    }

    fn prefetch_row(&self, slot: u32) {
        self.with(slot, |row| sys::prefetch(row.as_ptr(), row.len()));
    }

    /// A packed vector as one side of distances.
    fn point_of(&self, packed: &[u8]) -> Point {
        if self.components == ComponentType::Float64 {
            let divisor = match self.metric {
                Metric::Cosine => norm(doubles(packed).map(|x| x * x).sum()),
                Metric::L2 | Metric::InnerProduct => 1.0,
            };
            return Point::Doubles(doubles(packed).map(|x| x / divisor).collect());
        }
        let components = self.components.unpack(packed);
        Point::Floats(Prepared::new(&components, self.metric).scaled.into_owned())
    }
}

impl Scored for Shared {
    fn ensure(&self, segment: u32, _slots: u32) {
        self.rows.ensure(segment, |_| RwLock::new(None));
        if let Some(norms) = &self.norms {
            norms.ensure(segment, |_| AtomicU32::new(0));
        }
    }

    fn score(&self, point: &Point, slots: &[u32], distances: &mut Vec<f32>, _guard: &Guard) {
        self.score_each(point, slots.iter().copied(), distances);
    }

    fn score_run(
        &self,
        point: &Point,
        first: u32,
        len: usize,
        distances: &mut Vec<f32>,
        _guard: &Guard,
    ) {
        self.score_each(point, (first..).take(len), distances);
    }

    fn fetch_and_score(
        &self,
        point: &Point,
        slots: &[u32],
        distances: &mut Vec<f32>,
        _guard: &Guard,
    ) {
        self.ask_for_handles(slots);
        slots
            .iter()
            .take(AHEAD)
            .for_each(|&slot| self.prefetch_row(slot));
        self.score_each(point, slots.iter().copied(), distances);
    }

    fn prefetch(&self, slots: &[u32], _guard: &Guard) {
        self.ask_for_handles(slots);
        slots.iter().for_each(|&slot| self.prefetch_row(slot));
    }

    /// The vector itself is counted here, not where it is kept too.
    fn bytes(&self) -> usize {
        self.handle_bytes() + self.dim * self.components.width()
    }

    fn memory(&self, end: u32) -> u64 {
        let vectors = u64::from(end) * (self.dim * self.components.width()) as u64;
        allocated_slots(end) * self.handle_bytes() as u64 + vectors
    }
}

impl VectorStore for Shared {
    fn write(&self, slot: u32, vector: &Prepared) {
        let packed = vector.packed.cloned();
        self.set(
            slot,
            packed.unwrap_or_else(|| {
                self.components
                    .pack(vector.given.iter().map(|&x| x.into()))
                    .into()
            }),
        );
    }

    fn point(&self, vector: &Prepared) -> Point {
        match vector.packed {
            Some(packed) => self.point_of(packed),
            None => self.point_of(&self.components.pack(vector.given.iter().map(|&x| x.into()))),
        }
    }

    fn load_point(&self, slot: u32, point: &mut Point, _guard: &Guard) {
        let there = self.with(slot, |row| self.point_of(row));
        *point = there.unwrap_or_else(|| self.point_of(&[]));
    }

    fn stored(&self, slot: u32, _guard: &Guard) -> (Box<[u8]>, f32) {
        (
            self.with(slot, |row| row[..].into()).unwrap_or_default(),
            0.0,
        )
    }

    fn write_stored(&self, slot: u32, bytes: &[u8], _range: f32, _norm: f32) {
        self.set(slot, bytes.into());
    }

    fn decode(&self, slot: u32, _guard: &Guard) -> Vec<f32> {
        self.with(slot, |row| self.components.unpack(row))
            .unwrap_or_default()
    }

    fn packed(&self, slot: u32) -> Option<SharedBytes> {
        self.with(slot, SharedBytes::clone)
    }

    fn distance_in_full(&self, point: &Point, slot: u32) -> Option<f64> {
        match point {
            Point::Doubles(query) => self.with(slot, |row| self.distance_of_doubles(query, row)),
            _ => None,
        }
    }

    fn clear(&self, slot: u32) {
        if let Some(row) = self.rows.get(slot) {
            *row.write() = None;
        }
    }
}

fn doubles(packed: &[u8]) -> impl Iterator<Item = f64> + '_ {
    packed
        .as_chunks()
        .0
        .iter()
        .map(|&bytes| f64::from_le_bytes(bytes))
}

fn norm(squared: f64) -> f64 {
    if squared == 0.0 { 1.0 } else { squared.sqrt() }
}

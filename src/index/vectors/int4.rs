//! int4 codes: sixteen levels, `low` to `low + 15 step`, that are chosen for each vector. They are for walks alone: what they find is ranked
//! anew with originals, so they may be coarse, and a row is half as many bytes to wait for as one of int8 (docs/decisions/011).
//!
//! A row is `[step: f32][low: f32][sum(x): f32][|x|^2: f32]`, of the x that the code stands for, then the code by blocks of 64
//! components (kernels/mod.rs), filled up with zeros. A query has int8 components, q = s * c + o:
//! `q * x = s * (low * sum(c) + step * dot(c, code)) + o * sum(x)`. Vectors from outside have o = 0 and |c| up to 127; of a row that is one
//! side of a distance c is 2 code - 15, so that nothing is rounded and little is left to do.

use super::super::Metric;
use super::int8::encode;
use super::{InBlocks, Point as AnyPoint, Prepared, Rows, VectorStore, by_fours, bytes_of};
use crate::index::segments::locate;
use crate::kernels::block::Blocks;
use crate::kernels::{self, INT4_BLOCK, Kernels, pack_int4, unpack_int4};
use crossbeam_epoch::Guard;
use std::sync::Arc;

/// The greatest code.
const TOP: u8 = 15;

/// The outermost levels of a vector whose components are about normal, in standard deviations from their mean: with sixteen
/// levels the squared error is least at 2.51 (Max 1960, table I).
const DEVIATIONS: f32 = 2.51;

/// Sums are made in so many lanes: in one order, and not one addition after the other.
const LANES: usize = 16;

/// An encoded query.
#[derive(Default)]
pub(in crate::index) struct Point {
    /// Components, int8, filled up to whole blocks with zeros.
    code: Vec<i8>,
    /// What a step of the code stands for.
    scale: f32,
    /// What a component stands for whose code is zero.
    offset: f32,
    /// sum(code) * scale.
    sum: f32,
    /// The squared norm of what the code stands for.
    squared: f32,
}

impl Point {
    pub(super) fn code(&self) -> &[i8] {
        &self.code
    }

    /// The component that a code stands for.
    pub(super) fn value(&self, code: i8) -> f32 {
        self.offset + self.scale * f32::from(code)
    }

    /// L2 norm of what the code stands for.
    pub(super) fn length(&self) -> f32 {
        self.squared.sqrt()
    }
}

/// The levels of a vector.
#[derive(Clone, Copy)]
struct Levels {
    low: f32,
    step: f32,
}

impl Levels {
    /// Those of two choices that are less off: over all components, or over most of them where a few lie far out.
    fn of(vector: &[f32]) -> Levels {
        let (least, greatest) = vector.iter().fold(
            (f32::INFINITY, f32::NEG_INFINITY),
            |(least, greatest), &x| (least.min(x), greatest.max(x)),
        );
        let count = vector.len() as f32;
        let mean = lane_sum(vector, |x| x) / count;
        let deviation = (lane_sum(vector, |x| (x - mean) * (x - mean)) / count).sqrt();
        let reach = DEVIATIONS * deviation;
        let all = Levels::between(least, greatest);
        let most = Levels::between(least.max(mean - reach), greatest.min(mean + reach));
        let off = |levels: Levels| lane_sum(vector, |x| (levels.value(levels.code(x)) - x).powi(2));
        match off(most) <= off(all) {
            true => most,
            false => all,
        }
    }

    fn between(low: f32, high: f32) -> Levels {
        let step = (high - low) / f32::from(TOP);
        // Of numbers near the end of f32 there is no difference.
        match step.is_finite() {
            true => Levels { low, step },
            false => Levels {
                low,
                step: high / f32::from(TOP) - low / f32::from(TOP),
            },
        }
    }

    #[inline(always)]
    fn code(self, x: f32) -> u8 {
        // Zero, and then all codes are, where all components are the same.
        let steps = if self.step == 0.0 {
            0.0
        } else {
            (x - self.low) / self.step
        };
        (steps + 0.5).clamp(0.0, f32::from(TOP)) as u8
    }

    #[inline(always)]
    fn value(self, code: u8) -> f32 {
        self.low + self.step * f32::from(code)
    }
}

/// The sum of a function of all components.
fn lane_sum(vector: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = vector.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += of(x);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|&x| of(x)).sum::<f32>()
}

/// The store of int4 codes.
pub(super) struct Int4 {
    blocks: Arc<Blocks>,
    dim: usize,
    metric: Metric,
    pub(super) kernels: Kernels,
}

/// One row.
#[derive(Clone, Copy)]
struct Row<'a> {
    levels: Levels,
    /// sum(x).
    sum: f32,
    /// |x|^2.
    squared: f32,
    code: &'a [u8],
}

/// Bytes in front of the code.
const HEADER: usize = 16;

impl Int4 {
    pub(super) fn new(blocks: Arc<Blocks>, dim: usize, metric: Metric) -> Int4 {
        Int4 {
            blocks,
            dim,
            metric,
            kernels: *kernels::best(),
        }
    }

    pub(super) fn bytes_of(dim: usize) -> usize {
        HEADER + dim.next_multiple_of(INT4_BLOCK) / 2
    }

    #[inline(always)]
    fn row(bytes: &[u8]) -> Row<'_> {
        let (header, code) = bytes.split_at(HEADER);
        let float = |at: usize| {
            f32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        Row {
            levels: Levels {
                step: float(0),
                low: float(4),
            },
            sum: float(8),
            squared: float(12),
            code,
        }
    }

    /// A distance from the sum of products of codes.
    #[inline(always)]
    fn distance(&self, query: &Point, row: Row, products: i32) -> f32 {
        let Levels { low, step } = row.levels;
        let dot = || {
            let of_steps = low * query.sum + step * query.scale * products as f32;
            of_steps + query.offset * row.sum
        };
        match self.metric {
            Metric::Cosine => (1.0 - dot()).clamp(0.0, 2.0),
            Metric::InnerProduct => 1.0 - dot(),
            // In f64: the terms cancel where it matters most, and may each be near the end of f32.
            Metric::L2 => {
                let of_steps = f64::from(step) * f64::from(query.scale) * f64::from(products);
                let dot = of_steps
                    + f64::from(low) * f64::from(query.sum)
                    + f64::from(query.offset) * f64::from(row.sum);
                (f64::from(query.squared) + f64::from(row.squared) - 2.0 * dot).max(0.0) as f32
            }
        }
    }

    /// The codes of a row, block by block, those behind the last component included.
    fn codes(row: Row<'_>) -> impl Iterator<Item = [u8; INT4_BLOCK]> + '_ {
        row.code.as_chunks().0.iter().map(unpack_int4)
    }
}

impl InBlocks for Int4 {
    fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    #[inline]
    fn score_rows(&self, point: &AnyPoint, rows: Rows, distances: &mut Vec<f32>) {
        let AnyPoint::Int4(query) = point else {
            unreachable!("a point comes from its store")
        };
        by_fours(rows, distances, |[a, b, c, d], ahead| {
            let (a, b, c, d) = (Int4::row(a), Int4::row(b), Int4::row(c), Int4::row(d));
            let codes = [a.code, b.code, c.code, d.code];
            let products = (self.kernels.dot_int4_x4)(&query.code, codes, ahead);
            [
                self.distance(query, a, products[0]),
                self.distance(query, b, products[1]),
                self.distance(query, c, products[2]),
                self.distance(query, d, products[3]),
            ]
        });
    }
}

impl VectorStore for Int4 {
    fn write(&self, slot: u32, vector: &Prepared) {
        let levels = Levels::of(&vector.scaled);
        let kept = |x| levels.value(levels.code(x));
        let sum = lane_sum(&vector.scaled, kept);
        let squared = lane_sum(&vector.scaled, |x| kept(x).powi(2));
        let header = [levels.step, levels.low, sum, squared];
        self.blocks.write_private(locate(slot), |bytes| {
            let (start, code) = bytes.split_at_mut(HEADER);
            for (bytes, float) in start.as_chunks_mut().0.iter_mut().zip(header) {
                *bytes = float.to_ne_bytes();
            }
            let parts = vector.scaled.chunks(INT4_BLOCK);
            for (bytes, part) in code.as_chunks_mut().0.iter_mut().zip(parts) {
                let mut codes = [0; INT4_BLOCK];
                for (code, &x) in codes.iter_mut().zip(part) {
                    *code = levels.code(x);
                }
                pack_int4(&codes, bytes);
            }
        });
    }

    fn point(&self, vector: &Prepared) -> AnyPoint {
        let range = vector.scaled.iter().fold(0.0f32, |r, x| r.max(x.abs()));
        let mut code: Vec<i8> = vector.scaled.iter().map(|&x| encode(x, range)).collect();
        code.resize(self.dim.next_multiple_of(INT4_BLOCK), 0);
        let scale = range / 127.0;
        let sum: i32 = code.iter().map(|&c| i32::from(c)).sum();
        let squares: i32 = code.iter().map(|&c| i32::from(c) * i32::from(c)).sum();
        AnyPoint::Int4(Point {
            code,
            scale,
            offset: 0.0,
            sum: sum as f32 * scale,
            squared: (scale * (squares as f32).sqrt()).powi(2),
        })
    }

    fn load_point(&self, slot: u32, point: &mut AnyPoint, guard: &Guard) {
        if !matches!(point, AnyPoint::Int4(_)) {
            *point = AnyPoint::Int4(Point::default());
        }
        let AnyPoint::Int4(point) = point else {
            unreachable!("set above")
        };
        let row = Int4::row(bytes_of(&self.blocks, slot, guard));
        point.code.resize(self.dim.next_multiple_of(INT4_BLOCK), 0);
        for (chunk, codes) in point
            .code
            .as_chunks_mut()
            .0
            .iter_mut()
            .zip(Int4::codes(row))
        {
            *chunk = codes.map(|code| 2 * code as i8 - TOP as i8);
        }
        point.code[self.dim..].fill(0);
        let Levels { low, step } = row.levels;
        point.scale = step / 2.0;
        point.offset = low + point.scale * f32::from(TOP);
        point.sum = row.sum - point.offset * self.dim as f32;
        point.squared = row.squared;
    }

    /// What the code of a row is off makes about a tenth of its length, in any direction; of that, what lies along the query counts. A third
    /// of that is what finds most for its work.
    fn error(&self, point: &AnyPoint) -> f32 {
        let AnyPoint::Int4(point) = point else {
            unreachable!("a point comes from its store")
        };
        let length = point.length();
        let along = 0.03 * length / (self.dim as f32).sqrt();
        match self.metric {
            Metric::Cosine | Metric::InnerProduct => along,
            Metric::L2 => 2.0 * along * length,
        }
    }

    fn stored(&self, _slot: u32, _guard: &Guard) -> (Box<[u8]>, f32) {
        unreachable!("originals are what is stored")
    }

    fn write_stored(&self, _slot: u32, _bytes: &[u8], _range: f32, _norm: f32) {
        unreachable!("originals are what is stored")
    }

    fn decode(&self, slot: u32, guard: &Guard) -> Vec<f32> {
        let row = Int4::row(bytes_of(&self.blocks, slot, guard));
        let codes = Int4::codes(row).flatten().take(self.dim);
        codes.map(|code| row.levels.value(code)).collect()
    }
}

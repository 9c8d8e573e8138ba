//! int8 codes: q = round(127 x / r), half away from zero, with r = max |x| of the (under cosine, normalised) vector.
//!
//! A row is `[mult: f32][bias: f32][code]`; one formula serves all metrics (ann.md, 2): with the query's scale s = r / 127^2
//! and its own bias, d = bias_q + bias + mult * s * dot. Cosine and inner product: mult = -r, bias = 1. Squared L2: mult = -2r,
//! bias = |x|^2 of the decoded vector; with the original's norm the error would grow with |q| instead of |q - x|.
//!
//! Codes are stored with the top bit flipped, as u8 = code + 128, because the kernels multiply unsigned rows with a signed
//! query; 128 * sum(query) is taken off the raw sum.

use super::super::Metric;
use super::{InBlocks, Point as AnyPoint, Prepared, Rows, VectorStore, by_fours, bytes_of};
use crate::index::segments::locate;
use crate::kernels::{self, Kernels, block::Blocks};
use crossbeam_epoch::Guard;
use std::sync::Arc;

/// Bytes of mult and bias.
const HEADER: usize = 8;
const TOP_BIT: u8 = 0x80;
/// 127 squared.
const UNIT: f32 = 16_129.0;

/// An encoded query.
#[derive(Default)]
pub(in crate::index) struct Point {
    code: Vec<i8>,
    /// 128 * sum(code).
    flip: i32,
    /// range / 127^2.
    scale: f32,
    bias: f32,
}

impl Point {
    pub(super) fn code(&self) -> &[i8] {
        &self.code
    }

    /// L2 norm of what the code stands for.
    pub(super) fn length(&self) -> f32 {
        let squares: i64 = self.code.iter().map(|&c| i64::from(c) * i64::from(c)).sum();
        self.scale * 127.0 * (squares as f32).sqrt()
    }
}

/// One row: mult, bias and flipped code.
#[derive(Clone, Copy)]
struct Row<'a> {
    mult: f32,
    bias: f32,
    code: &'a [u8],
}

impl<'a> Row<'a> {
    #[inline(always)]
    fn read(bytes: &'a [u8]) -> Row<'a> {
        let (header, code) = bytes.split_at(HEADER);
        let float = |at: usize| {
            f32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        Row {
            mult: float(0),
            bias: float(4),
            code,
        }
    }
}

/// The store of int8 codes.
pub(super) struct Int8 {
    blocks: Arc<Blocks>,
    metric: Metric,
    pub(super) kernels: Kernels,
    /// A row of ones: the dot product with it is the sum of a code.
    ones: Box<[u8]>,
}

impl Int8 {
    pub(super) fn new(blocks: Arc<Blocks>, dim: usize, metric: Metric) -> Int8 {
        Int8 {
            blocks,
            metric,
            kernels: *kernels::best(),
            ones: vec![1; dim].into(),
        }
    }

    pub(super) fn bytes_of(dim: usize) -> usize {
        HEADER + dim
    }

    /// Bias of a vector whose codes are given and whose range is `range`.
    fn bias(&self, codes: impl Iterator<Item = i8>, range: f32) -> f32 {
        match self.metric {
            Metric::Cosine | Metric::InnerProduct => 1.0,
            Metric::L2 => {
                let squares: i64 = codes.map(|c| i64::from(c) * i64::from(c)).sum();
                let unit = f64::from(range) / 127.0;
                (unit * unit * squares as f64) as f32
            }
        }
    }

    fn flip_of(&self, code: &[i8]) -> i32 {
        128 * (self.kernels.dot_int8)(code, &self.ones)
    }

    fn write_row(&self, slot: u32, codes: impl Iterator<Item = i8> + Clone, range: f32) {
        let mult = match self.metric {
            Metric::Cosine | Metric::InnerProduct => -range,
            Metric::L2 => -2.0 * range,
        };
        let bias = self.bias(codes.clone(), range);
        self.blocks.write_private(locate(slot), |bytes| {
            bytes[..4].copy_from_slice(&mult.to_ne_bytes());
            bytes[4..HEADER].copy_from_slice(&bias.to_ne_bytes());
            for (byte, code) in bytes[HEADER..].iter_mut().zip(codes) {
                *byte = code as u8 ^ TOP_BIT;
            }
        });
    }

    fn range(&self, row: Row) -> f32 {
        match self.metric {
            Metric::Cosine | Metric::InnerProduct => -row.mult,
            Metric::L2 => row.mult / -2.0,
        }
    }

    /// A distance from the raw sum.
    #[inline(always)]
    fn distance(&self, query: &Point, mult: f32, bias: f32, raw: i32) -> f32 {
        let dot = (raw - query.flip) as f32;
        match self.metric {
            Metric::Cosine => (bias + mult * query.scale * dot).clamp(0.0, 2.0),
            Metric::InnerProduct => bias + mult * query.scale * dot,
            // In f64: the three terms cancel where it matters most, and may each be near the end of f32.
            Metric::L2 => {
                let product = f64::from(mult) * f64::from(query.scale) * f64::from(dot);
                (f64::from(query.bias) + f64::from(bias) + product).max(0.0) as f32
            }
        }
    }
}

impl InBlocks for Int8 {
    fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    #[inline]
    fn score_rows(&self, point: &AnyPoint, rows: Rows, distances: &mut Vec<f32>) {
        let AnyPoint::Int8(query) = point else {
            unreachable!("a point comes from its store")
        };
        by_fours(rows, distances, |[a, b, c, d], ahead| {
            let (a, b, c, d) = (Row::read(a), Row::read(b), Row::read(c), Row::read(d));
            let codes = [a.code, b.code, c.code, d.code];
            let raw = (self.kernels.dot_int8_x4)(&query.code, codes, ahead);
            let distance = |row: Row, raw| self.distance(query, row.mult, row.bias, raw);
            [
                distance(a, raw[0]),
                distance(b, raw[1]),
                distance(c, raw[2]),
                distance(d, raw[3]),
            ]
        });
    }
}

impl VectorStore for Int8 {
    fn write(&self, slot: u32, vector: &Prepared) {
        let range = range(&vector.scaled);
        self.write_row(slot, vector.scaled.iter().map(|&x| encode(x, range)), range);
    }

    fn point(&self, vector: &Prepared) -> AnyPoint {
        let range = range(&vector.scaled);
        let code: Vec<i8> = vector.scaled.iter().map(|&x| encode(x, range)).collect();
        let bias = self.bias(code.iter().copied(), range);
        let flip = self.flip_of(&code);
        AnyPoint::Int8(Point {
            code,
            flip,
            scale: range / UNIT,
            bias,
        })
    }

    fn load_point(&self, slot: u32, point: &mut AnyPoint, guard: &Guard) {
        if !matches!(point, AnyPoint::Int8(_)) {
            *point = AnyPoint::Int8(Point::default());
        }
        let AnyPoint::Int8(point) = point else {
            unreachable!("set above")
        };
        let row = Row::read(bytes_of(&self.blocks, slot, guard));
        point.code.clear();
        point
            .code
            .extend(row.code.iter().map(|&byte| (byte ^ TOP_BIT) as i8));
        point.flip = self.flip_of(&point.code);
        point.scale = self.range(row) / UNIT;
        point.bias = row.bias;
    }

    /// A component is off by half a step at most, on both sides: a dot product of many by less than a step times the length.
    fn error(&self, point: &AnyPoint) -> f32 {
        let AnyPoint::Int8(point) = point else {
            unreachable!("a point comes from its store")
        };
        let step = point.scale * 127.0;
        match self.metric {
            Metric::Cosine | Metric::InnerProduct => step,
            Metric::L2 => 2.0 * step * point.bias.sqrt(),
        }
    }

    fn stored(&self, slot: u32, guard: &Guard) -> (Box<[u8]>, f32) {
        let row = Row::read(bytes_of(&self.blocks, slot, guard));
        (
            row.code.iter().map(|byte| byte ^ TOP_BIT).collect(),
            self.range(row),
        )
    }

    fn write_stored(&self, slot: u32, bytes: &[u8], range: f32, _norm: f32) {
        self.write_row(slot, bytes.iter().map(|&byte| byte as i8), range);
    }

    fn decode(&self, slot: u32, guard: &Guard) -> Vec<f32> {
        let row = Row::read(bytes_of(&self.blocks, slot, guard));
        let range = self.range(row);
        row.code
            .iter()
            .map(|&byte| f32::from((byte ^ TOP_BIT) as i8) * range / 127.0)
            .collect()
    }
}

/// r = max |x|.
fn range(vector: &[f32]) -> f32 {
    vector.iter().fold(0.0, |range, x| range.max(x.abs()))
}

pub(super) fn encode(x: f32, range: f32) -> i8 {
    // A range of zero has no codes but zero. In f64, because 127 x may overflow f32.
    if range == 0.0 {
        return 0;
    }
    // Half a step is added and the fraction dropped, which compilers do for several components at once. It rounds as it should:
    // a quotient of numbers this short is exactly one half, or farther from it than an f64 fails to tell.
    let steps = 127.0 * f64::from(x) / f64::from(range);
    (steps + 0.5f64.copysign(steps)) as i32 as i8
}

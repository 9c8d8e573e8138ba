//! Originals of f32, exactly as given. A row is `[norm: f32][0: f32][components]`; under cosine the distance is
//! 1 - dot(q / |q|, x) / |x|.

use super::super::Metric;
use super::{InBlocks, Point, Prepared, Rows, VectorStore, ask_for, bytes_of};
use crate::index::segments::locate;
use crate::kernels::{self, Kernels, block::Blocks};
use crossbeam_epoch::Guard;
use std::sync::Arc;

/// Floats in front of the components, so that they start at a multiple of 8 bytes.
const HEADER: usize = 2;

/// The store of f32 originals.
pub(super) struct F32 {
    blocks: Arc<Blocks>,
    metric: Metric,
    kernels: &'static Kernels,
}

impl F32 {
    pub(super) fn bytes_of(dim: usize) -> usize {
        (HEADER + dim) * 4
    }

    pub(super) fn new(blocks: Arc<Blocks>, metric: Metric) -> F32 {
        F32 {
            blocks,
            metric,
            kernels: kernels::best(),
        }
    }

    fn row<'g>(&'g self, slot: u32, guard: &'g Guard) -> &'g [f32] {
        bytemuck::cast_slice(bytes_of(&self.blocks, slot, guard))
    }

    fn write_row(&self, slot: u32, vector: &[f32], norm: f32) {
        self.blocks.write_private(locate(slot), |bytes| {
            let row: &mut [f32] = bytemuck::cast_slice_mut(bytes);
            row[0] = norm;
            row[HEADER..].copy_from_slice(vector);
        });
    }
}

impl InBlocks for F32 {
    fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    #[inline]
    fn score_rows(&self, point: &Point, rows: Rows, distances: &mut Vec<f32>) {
        let Point::Floats(query) = point else {
            unreachable!("a point comes from its store")
        };
        distances.extend((0..rows.len()).map(|at| {
            rows.ahead(at).into_iter().for_each(ask_for);
            let row: &[f32] = bytemuck::cast_slice(rows.bytes(at));
            let (norm, components) = (row[0], &row[HEADER..]);
            match self.metric {
                Metric::Cosine => {
                    (1.0 - (self.kernels.dot_f32)(query, components) / norm).clamp(0.0, 2.0)
                }
                Metric::L2 => (self.kernels.l2_f32)(query, components),
                Metric::InnerProduct => 1.0 - (self.kernels.dot_f32)(query, components),
            }
        }));
    }
}

impl VectorStore for F32 {
    fn write(&self, slot: u32, vector: &Prepared) {
        self.write_row(slot, vector.given, vector.norm);
    }

    fn point(&self, vector: &Prepared) -> Point {
        Point::Floats(vector.scaled.to_vec())
    }

    fn load_point(&self, slot: u32, point: &mut Point, guard: &Guard) {
        let row = self.row(slot, guard);
        let divisor = if self.metric == Metric::Cosine {
            row[0]
        } else {
            1.0
        };
        *point = Point::Floats(row[HEADER..].iter().map(|x| x / divisor).collect());
    }

    fn stored(&self, slot: u32, guard: &Guard) -> (Box<[u8]>, f32) {
        let components = self.row(slot, guard)[HEADER..].iter();
        (components.flat_map(|x| x.to_le_bytes()).collect(), 0.0)
    }

    fn write_stored(&self, slot: u32, bytes: &[u8], _range: f32, norm: f32) {
        self.write_row(slot, &components(bytes), norm);
    }

    fn decode(&self, slot: u32, guard: &Guard) -> Vec<f32> {
        self.row(slot, guard)[HEADER..].to_vec()
    }
}

/// Little-endian f32s.
pub(super) fn components(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&x| f32::from_le_bytes(x))
        .collect()
}

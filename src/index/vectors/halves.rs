//! Originals of f16: of the normalised vector under cosine, else as given.

use super::super::Metric;
use super::{InBlocks, Point, Prepared, Rows, VectorStore, ask_for, bytes_of};
use crate::index::segments::locate;
use crate::kernels::{self, Kernels, block::Blocks};
use crossbeam_epoch::Guard;
use half::f16;
use std::sync::Arc;

/// The store of f16 originals.
pub(super) struct F16 {
    blocks: Arc<Blocks>,
    metric: Metric,
    kernels: &'static Kernels,
}

impl F16 {
    pub(super) fn bytes_of(dim: usize) -> usize {
        dim * 2
    }

    pub(super) fn new(blocks: Arc<Blocks>, metric: Metric) -> F16 {
        F16 {
            blocks,
            metric,
            kernels: kernels::best(),
        }
    }

    fn row<'g>(&'g self, slot: u32, guard: &'g Guard) -> &'g [f16] {
        bytemuck::cast_slice(bytes_of(&self.blocks, slot, guard))
    }

    fn write_row(&self, slot: u32, components: impl Iterator<Item = f16>) {
        self.blocks.write_private(locate(slot), |bytes| {
            let row: &mut [f16] = bytemuck::cast_slice_mut(bytes);
            row.iter_mut()
                .zip(components)
                .for_each(|(kept, x)| *kept = x);
        });
    }
}

impl InBlocks for F16 {
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
            let row: &[f16] = bytemuck::cast_slice(rows.bytes(at));
            match self.metric {
                Metric::Cosine => (1.0 - (self.kernels.dot_f16)(query, row)).clamp(0.0, 2.0),
                Metric::L2 => (self.kernels.l2_f16)(query, row),
                Metric::InnerProduct => 1.0 - (self.kernels.dot_f16)(query, row),
            }
        }));
    }
}

impl VectorStore for F16 {
    fn write(&self, slot: u32, vector: &Prepared) {
        self.write_row(slot, vector.scaled.iter().map(|&x| f16::from_f32(x)));
    }

    fn point(&self, vector: &Prepared) -> Point {
        Point::Floats(vector.scaled.to_vec())
    }

    fn load_point(&self, slot: u32, point: &mut Point, guard: &Guard) {
        *point = Point::Floats(self.decode(slot, guard));
    }

    fn stored(&self, slot: u32, guard: &Guard) -> (Box<[u8]>, f32) {
        let components = self.row(slot, guard).iter();
        (components.flat_map(|x| x.to_le_bytes()).collect(), 0.0)
    }

    fn write_stored(&self, slot: u32, bytes: &[u8], _range: f32, _norm: f32) {
        self.write_row(
            slot,
            bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&x| f16::from_le_bytes(x)),
        );
    }

    fn decode(&self, slot: u32, guard: &Guard) -> Vec<f32> {
        self.row(slot, guard).iter().map(|x| x.to_f32()).collect()
    }
}

/// Little-endian f16s as numbers.
pub(super) fn components(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&x| f16::from_le_bytes(x).to_f32())
        .collect()
}

//! One bit a component, set where it is positive; component j is bit j of little-endian u64 words. Distance is
//! 2 * (differing bits) / dim.

use super::{InBlocks, Point, Prepared, Rows, VectorStore, ask_for, by_fours, bytes_of};
use crate::index::segments::locate;
use crate::kernels::{self, Kernels, block::Blocks};
use crossbeam_epoch::Guard;
use std::sync::Arc;

/// Bytes of a word.
const WORD: usize = 8;

/// The store of bits.
pub(super) struct Bit {
    blocks: Arc<Blocks>,
    dim: usize,
    pub(super) kernels: Kernels,
}

impl Bit {
    pub(super) fn new(blocks: Arc<Blocks>, dim: usize) -> Bit {
        Bit {
            blocks,
            dim,
            kernels: *kernels::best(),
        }
    }

    pub(super) fn bytes_of(dim: usize) -> usize {
        dim.div_ceil(64) * WORD
    }

    fn words<'g>(&'g self, slot: u32, guard: &'g Guard) -> &'g [u64] {
        bytemuck::cast_slice(bytes_of(&self.blocks, slot, guard))
    }
}

impl InBlocks for Bit {
    fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    #[inline]
    fn score_rows(&self, point: &Point, rows: Rows, distances: &mut Vec<f32>) {
        let Point::Bits(query) = point else {
            unreachable!("a point comes from its store")
        };
        let unit = 2.0 / self.dim as f32;
        by_fours(rows, distances, |[a, b, c, d], ahead| {
            ahead.into_iter().flatten().for_each(|row| ask_for(row));
            let words = |row| -> &[u64] { bytemuck::cast_slice(row) };
            let four = [words(a), words(b), words(c), words(d)];
            let differing = (self.kernels.hamming_x4)(query, four);
            differing.map(|bits| bits as f32 * unit)
        });
    }
}

impl VectorStore for Bit {
    fn write(&self, slot: u32, vector: &Prepared) {
        let words = encode(vector.given);
        self.blocks.write_private(locate(slot), |bytes| {
            bytes.copy_from_slice(bytemuck::cast_slice(&words))
        });
    }

    fn point(&self, vector: &Prepared) -> Point {
        Point::Bits(encode(vector.given))
    }

    fn load_point(&self, slot: u32, point: &mut Point, guard: &Guard) {
        if !matches!(point, Point::Bits(_)) {
            *point = Point::Bits(Vec::new());
        }
        let Point::Bits(words) = point else {
            unreachable!("set above")
        };
        words.clear();
        words.extend_from_slice(self.words(slot, guard));
    }

    fn stored(&self, slot: u32, guard: &Guard) -> (Box<[u8]>, f32) {
        let words = self.words(slot, guard).iter();
        (words.flat_map(|word| word.to_le_bytes()).collect(), 0.0)
    }

    fn write_stored(&self, slot: u32, bytes: &[u8], _range: f32, _norm: f32) {
        let (words, _) = bytes.as_chunks::<WORD>();
        self.blocks.write_private(locate(slot), |kept| {
            for (kept, &word) in kept.as_chunks_mut::<WORD>().0.iter_mut().zip(words) {
                *kept = u64::from_le_bytes(word).to_ne_bytes();
            }
        });
    }

    fn decode(&self, slot: u32, guard: &Guard) -> Vec<f32> {
        let words = self.words(slot, guard);
        (0..self.dim)
            .map(|j| {
                if words[j / 64] >> (j % 64) & 1 == 1 {
                    1.0
                } else {
                    -1.0
                }
            })
            .collect()
    }
}

fn encode(vector: &[f32]) -> Vec<u64> {
    let word = |components: &[f32]| {
        let bits = components
            .iter()
            .enumerate()
            .map(|(j, &x)| u64::from(x > 0.0) << j);
        bits.fold(0, |word, bit| word | bit)
    };
    vector.chunks(64).map(word).collect()
}

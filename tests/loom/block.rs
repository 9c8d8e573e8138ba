//! Stands in for kernels/block.rs, whose blocks are raw memory: few blocks, all of them there from the start, their words and
//! bytes such as loom can follow. The duties are those at the head of kernels/block.rs, and loom sees that they are done.

use crate::atomic::{AtomicU32, Ordering};
use crossbeam_epoch::Guard;
use loom::cell::UnsafeCell;

pub const NONE: u32 = u32::MAX;

pub type Place = (u32, u32);

/// Slots, and lists above layer 0, that a model may use.
const BLOCKS: u32 = 6;
/// What a link word is before `write_private`: no slot, so that a model which follows it fails (real memory is zero, a slot).
const UNWRITTEN: u32 = NONE - 1;

pub struct Blocks {
    link_words: usize,
    stride: usize,
    blocks: Vec<Block>,
}

struct Block {
    links: Vec<AtomicU32>,
    bytes: UnsafeCell<Vec<u8>>,
}

// SAFETY: loom ends the model when `bytes` is written while others may touch it.
unsafe impl Sync for Block {}
// SAFETY: a block is plain data.
unsafe impl Send for Block {}

impl Blocks {
    pub fn new(link_words: usize, bytes: usize) -> Blocks {
        let block = || Block {
            links: (0..link_words).map(|_| AtomicU32::new(UNWRITTEN)).collect(),
            bytes: UnsafeCell::new(vec![0; bytes]),
        };
        Blocks {
            link_words,
            stride: (link_words * 4 + bytes).next_multiple_of(8),
            blocks: (0..BLOCKS).map(|_| block()).collect(),
        }
    }

    pub fn link_words(&self) -> usize {
        self.link_words
    }

    pub fn stride(&self) -> usize {
        self.stride
    }

    pub fn backed(&self) -> u64 {
        BLOCKS as u64
    }

    pub fn ensure(&self, segment: u32, _slots: u32) {
        assert_eq!(segment, 0, "a model has few slots");
    }

    pub fn view<'g>(&'g self, guard: &'g Guard) -> View<'g> {
        View {
            blocks: self,
            _pin: guard,
        }
    }

    pub fn write_private(&self, place: Place, fill: impl FnOnce(&mut [u8])) {
        let block = self.block(place);
        for word in &block.links {
            word.store(NONE, Ordering::Relaxed);
        }
        // SAFETY: loom sees that nobody else touches them.
        block.bytes.with_mut(|bytes| fill(unsafe { &mut *bytes }));
    }

    fn block(&self, (_, offset): Place) -> &Block {
        &self.blocks[offset as usize]
    }
}

#[derive(Clone, Copy)]
pub struct View<'g> {
    blocks: &'g Blocks,
    _pin: &'g Guard,
}

impl<'g> View<'g> {
    pub fn links(&self, place: Place) -> &'g [AtomicU32] {
        &self.blocks.block(place).links
    }

    pub fn bytes(&self, place: Place) -> &'g [u8] {
        // SAFETY: loom sees that they were written before, and are not written again before what the reader does next is
        // known to the writer.
        self.blocks
            .block(place)
            .bytes
            .with(|bytes| unsafe { &*bytes })
    }

    pub fn run(&self, (segment, offset): Place, len: usize) -> Run<'g> {
        Run {
            first: (segment, offset),
            len,
            view: *self,
        }
    }

    pub fn prefetch_bytes(&self, _place: Place) {}

    pub fn prefetch_links(&self, _place: Place) {}
}

#[derive(Clone, Copy)]
pub struct Run<'g> {
    first: Place,
    len: usize,
    view: View<'g>,
}

impl<'g> Run<'g> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn bytes(&self, at: usize) -> &'g [u8] {
        let (segment, offset) = self.first;
        self.view.bytes((segment, offset + at as u32))
    }
}

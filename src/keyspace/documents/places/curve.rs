//! Documents in the order of a curve that goes through the plane quarter by quarter (G. M. Morton, "A Computer Oriented Geodetic Data
//! Base", 1966), cut into blocks. What is near each other on the plane is in few blocks, and a block has nothing but ids: where its
//! documents are stands elsewhere, and is asked for when a block is cut in two. So a document takes 4 bytes and its share of a block.

use super::super::fields::DocumentId;
use super::Place;
use std::collections::BTreeMap;
use std::ops::Bound;

/// A block with more documents is cut in two. Whoever asks for an area gets whole blocks.
const BLOCK_MAX: usize = 64;
/// Documents of a block that is made in bulk: some come later.
const BLOCK_FILLED: usize = BLOCK_MAX * 3 / 4;
/// A full one gets room for so many more: sizes of the allocator are so far apart.
const BLOCK_GROWTH: usize = 16;
/// Sides of the plane are cut in two so often.
const LEVELS: u32 = u32::BITS;

/// A step on the curve, with a document there: so those of one step are in order, and blocks of them can be cut as well.
type Spot = (u64, DocumentId);

/// The documents.
#[derive(Default)]
pub struct Curve {
    /// By a spot that none of theirs is before, and all of the block before are; ids in order, each once.
    blocks: BTreeMap<Spot, Vec<DocumentId>>,
}

/// A rectangle of steps to the east and to the north, its ends among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    min: (u32, u32),
    max: (u32, u32),
}

/// A square that the curve goes through before it leaves it.
#[derive(Clone, Copy)]
struct Cell {
    area: Area,
    first: u64,
    /// Its side is two to this power.
    level: u32,
}

/// The step on one side of the plane. It grows with the number, by a millionth of it: the upper half of its bits.
fn step(number: f64) -> u32 {
    // -0 and 0 are one number.
    let bits = (number + 0.0).to_bits();
    let ordered = match number.is_sign_negative() && number != 0.0 {
        true => !bits,
        false => bits | 1 << 63,
    };
    (ordered >> 32) as u32
}

/// The bits of a number, each with a 0 before it.
fn spread(number: u32) -> u64 {
    let mut bits = u64::from(number);
    for (shift, kept) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, 0x5555_5555_5555_5555),
    ] {
        bits = (bits | bits << shift) & kept;
    }
    bits
}

/// Where the curve comes to a place.
pub fn step_of(place: Place) -> u64 {
    spread(step(place.0)) | spread(step(place.1)) << 1
}

impl Area {
    /// All places between two corners, and some around: the corners may be rounded.
    pub fn between(min: Place, max: Place) -> Area {
        let before = |number| step(number).saturating_sub(1);
        let behind = |number| step(number).saturating_add(1);
        Area {
            min: (before(min.0), before(min.1)),
            max: (behind(max.0), behind(max.1)),
        }
    }

    fn meets(&self, other: &Area) -> bool {
        self.min.0 <= other.max.0
            && other.min.0 <= self.max.0
            && self.min.1 <= other.max.1
            && other.min.1 <= self.max.1
    }

    fn covers(&self, other: &Area) -> bool {
        self.min.0 <= other.min.0
            && other.max.0 <= self.max.0
            && self.min.1 <= other.min.1
            && other.max.1 <= self.max.1
    }
}

impl Cell {
    /// The whole plane.
    const ALL: Cell = Cell::new((0, 0), 0, LEVELS);

    const fn new(min: (u32, u32), first: u64, level: u32) -> Cell {
        let side = (1u64 << level) - 1;
        let max = (min.0 | side as u32, min.1 | side as u32);
        Cell {
            area: Area { min, max },
            first,
            level,
        }
    }

    fn last(&self) -> u64 {
        let side = (1u64 << self.level) - 1;
        self.first | (spread(side as u32) * 3)
    }

    /// In the curve's order.
    fn quarters(&self) -> impl Iterator<Item = Cell> {
        let (min, first) = (self.area.min, self.first);
        let level = self.level.saturating_sub(1);
        (0..4u32).map(move |quarter| {
            let min = (
                min.0 | (quarter & 1) << level,
                min.1 | (quarter >> 1) << level,
            );
            Cell::new(min, first | u64::from(quarter) << (2 * level), level)
        })
    }
}

impl Curve {
    /// Of many documents, each as often as it has a step.
    pub fn of_all(mut spots: Vec<Spot>) -> Curve {
        spots.sort_unstable();
        let chunks = spots.chunks(BLOCK_FILLED).enumerate();
        let blocks = chunks.map(|(at, chunk)| match at {
            0 => (Spot::default(), ids_of(chunk)),
            _ => (chunk[0], ids_of(chunk)),
        });
        Curve {
            blocks: blocks.collect(),
        }
    }

    /// Whether it has no documents.
    pub fn is_empty(&self) -> bool {
        self.blocks.values().all(Vec::is_empty)
    }

    /// Bytes of blocks and of what is in them.
    pub fn bytes(&self) -> usize {
        let blocks = self.blocks.values();
        blocks
            .map(|ids| {
                size_of::<Spot>() + size_of_val(ids) + ids.capacity() * size_of::<DocumentId>()
            })
            .sum()
    }

    /// Adds a document at one of its steps. `steps_of` tells all steps of the documents that there are, of this one too.
    pub fn add<S: Iterator<Item = u64>>(
        &mut self,
        id: DocumentId,
        step: u64,
        steps_of: impl Fn(DocumentId) -> S,
    ) {
        if self.blocks.is_empty() {
            self.blocks.insert(Spot::default(), Vec::new());
        }
        let Some((&from, ids)) = self.blocks.range_mut(..=(step, id)).next_back() else {
            return;
        };
        if let Err(at) = ids.binary_search(&id) {
            if ids.len() == ids.capacity() {
                ids.reserve_exact(BLOCK_GROWTH);
            }
            ids.insert(at, id);
        }
        if ids.len() > BLOCK_MAX {
            self.cut(from, steps_of);
        }
    }

    /// Takes a document out at one of its steps; it is to be taken out at the others as well.
    pub fn remove(&mut self, id: DocumentId, step: u64) {
        let Some((&from, ids)) = self.blocks.range_mut(..=(step, id)).next_back() else {
            return;
        };
        if let Ok(at) = ids.binary_search(&id) {
            ids.remove(at);
        }
        // The bounds of the others hold without this one, unless it is the first.
        if ids.is_empty() && from != Spot::default() {
            self.blocks.remove(&from);
        }
    }

    /// The documents in an area, and others that are in blocks with them: by blocks, each once.
    pub fn blocks_in(&self, area: &Area) -> Vec<&[DocumentId]> {
        let mut found = Vec::new();
        self.gather(Cell::ALL, area, &mut found);
        found.into_iter().map(|(_, ids)| ids).collect()
    }

    /// Blocks of a cell, as far as it is in the area; those found before are before it.
    fn gather<'c>(&'c self, cell: Cell, area: &Area, found: &mut Vec<(Spot, &'c [DocumentId])>) {
        if !area.meets(&cell.area) {
            return;
        }
        let first = (cell.first, 0);
        let begun = self.blocks.range(..=first).next_back().into_iter();
        let behind = (
            Bound::Excluded(first),
            Bound::Included((cell.last(), DocumentId::MAX)),
        );
        let mut others = self.blocks.range(behind).peekable();
        let is_one = others.peek().is_none();
        if !is_one && cell.level > 0 && !area.covers(&cell.area) {
            cell.quarters()
                .for_each(|quarter| self.gather(quarter, area, found));
            return;
        }
        for (from, ids) in begun.chain(others) {
            if found.last().is_none_or(|(last, _)| last < from) {
                found.push((*from, ids));
            }
        }
    }

    /// Cuts a block in its middle.
    fn cut<S: Iterator<Item = u64>>(&mut self, from: Spot, steps_of: impl Fn(DocumentId) -> S) {
        let behind = (Bound::Excluded(from), Bound::Unbounded);
        let end = self.blocks.range(behind).next().map(|(end, _)| *end);
        let Some(ids) = self.blocks.get_mut(&from) else {
            return;
        };
        let of_document = |&id: &DocumentId| steps_of(id).map(move |step| (step, id));
        let is_own = |spot: &Spot| *spot >= from && end.is_none_or(|end| *spot < end);
        let mut spots: Vec<Spot> = ids.iter().flat_map(of_document).filter(is_own).collect();
        spots.sort_unstable();
        spots.dedup();
        let (lower, upper) = spots.split_at(spots.len() / 2);
        *ids = ids_of(lower);
        if let Some(&from) = upper.first() {
            self.blocks.insert(from, ids_of(upper));
        }
    }
}

fn ids_of(spots: &[Spot]) -> Vec<DocumentId> {
    let mut ids: Vec<DocumentId> = spots.iter().map(|(_, id)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.shrink_to_fit();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_with_numbers() {
        let numbers = [
            f64::NEG_INFINITY,
            -1e300,
            -180.0,
            -1.0,
            -1e-300,
            0.0,
            1e-300,
            0.5,
            179.0,
            180.0,
            f64::INFINITY,
        ];
        assert!(numbers.is_sorted_by(|one, other| step(*one) < step(*other)));
        assert_eq!(step(-0.0), step(0.0));
        assert_eq!(spread(0b1011), 0b100_0101);
        assert_eq!(Cell::ALL.last(), u64::MAX);
        assert!(Cell::ALL.area.covers(&Area::between(
            (f64::NEG_INFINITY, f64::NEG_INFINITY),
            (f64::INFINITY, f64::INFINITY)
        )));
    }

    /// Documents of which many stand in one place, where no line through the plane cuts a block.
    #[test]
    fn a_block_of_one_place_is_cut_as_well() {
        let mut curve = Curve::default();
        let place = |id: DocumentId| match id % 10 {
            0 => (f64::from(id), 1.0),
            _ => (13.4, 52.5),
        };
        let steps_of = |id| std::iter::once(step_of(place(id)));
        for id in 1..=2_000 {
            curve.add(id, step_of(place(id)), steps_of);
        }
        assert!(curve.blocks.values().all(|ids| ids.len() <= BLOCK_MAX));
        let around = Area::between((13.4, 52.5), (13.4, 52.5));
        let found: usize = curve.blocks_in(&around).iter().map(|ids| ids.len()).sum();
        assert!((1_800..1_800 + 2 * BLOCK_MAX).contains(&found), "{found}");
        for id in 1..=2_000 {
            curve.remove(id, step_of(place(id)));
        }
        assert!(curve.is_empty());
        assert_eq!(curve.blocks.len(), 1);
    }
}

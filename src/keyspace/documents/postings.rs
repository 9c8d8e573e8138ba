//! Which documents hold a word, how often and where, in few bytes: blocks of entries, ids as steps from the one before, every number
//! in as many groups of seven bits as it needs (LEB128).
//!
//! An entry is `step, bytes of the rest, fields, frequency, then for each field: how many places, and the steps between them`.
//! Who looks for a document jumps to its block and there from entry to entry.

use super::fields::DocumentId;
use smallvec::SmallVec;
use std::ops::Range;

/// Entries of a block: few enough that going through it takes less than a look into a tree.
const BLOCK_ENTRIES: u32 = 32;

/// The documents of one word, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Postings {
    blocks: SmallVec<[Block; 1]>,
    len: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Block {
    first: DocumentId,
    last: DocumentId,
    len: u32,
    bytes: Vec<u8>,
}

/// A word in a document, before it is packed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Posting {
    /// The TEXT fields that it stands in (`Schema::text_bit`).
    pub fields: u128,
    /// How often, by the fields' weights.
    pub frequency: u32,
    /// Where, over all fields in their order: the field's bit as a power of two, and the place.
    pub places: Vec<(u8, u32)>,
}

/// A word in a document, packed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Packed<'p> {
    /// The TEXT fields that it stands in.
    pub fields: u128,
    /// How often, by the fields' weights.
    pub frequency: u32,
    places: &'p [u8],
}

impl Postings {
    /// Number of documents.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Blocks, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        let bytes = self.blocks.iter().map(|block| block.bytes.capacity());
        let spilled = match self.blocks.spilled() {
            true => self.blocks.capacity() * size_of::<Block>(),
            false => 0,
        };
        let own = size_of::<Postings>() + spilled;
        (self.blocks.len(), own + bytes.sum::<usize>())
    }

    /// Adds a document, whose id is greater than all that are there; the bytes of its places.
    pub fn push(&mut self, id: DocumentId, posting: &Posting) -> usize {
        debug_assert!(self.blocks.last().is_none_or(|block| block.last < id));
        let rest = posting.pack();
        self.push_packed(id, &rest);
        unpack(&rest).places.len()
    }

    fn push_packed(&mut self, id: DocumentId, rest: &[u8]) {
        let is_full = |block: &Block| block.len == BLOCK_ENTRIES;
        if self.blocks.last().is_none_or(is_full) {
            let block = Block {
                first: id,
                last: id,
                ..Block::default()
            };
            self.blocks.push(block);
        }
        if let Some(block) = self.blocks.last_mut() {
            write(&mut block.bytes, u128::from(id - block.last));
            write(&mut block.bytes, rest.len() as u128);
            block.bytes.extend_from_slice(rest);
            block.last = id;
            block.len += 1;
        }
        self.len += 1;
    }

    /// Takes a document out, if it is there.
    pub fn remove(&mut self, id: DocumentId) {
        let at = self.blocks.partition_point(|block| block.last < id);
        let Some(block) = self.blocks.get_mut(at).filter(|block| block.first <= id) else {
            return;
        };
        if !block.remove(id) {
            return;
        }
        self.len -= 1;
        if block.len == 0 {
            self.blocks.remove(at);
            self.blocks.shrink_to_fit();
        }
    }

    /// The word in a document.
    pub fn get(&self, id: DocumentId) -> Option<Packed<'_>> {
        let at = self.blocks.partition_point(|block| block.last < id);
        let mut entries = self.blocks.get(at)?.entries();
        let (_, rest) = entries
            .find(|(found, _)| *found >= id)
            .filter(|(found, _)| *found == id)?;
        Some(unpack(rest))
    }

    /// All documents with the word.
    pub fn iter(&self) -> impl Iterator<Item = (DocumentId, Packed<'_>)> {
        let entries = self.blocks.iter().flat_map(Block::entries);
        entries.map(|(id, rest)| (id, unpack(rest)))
    }

    /// Calls `act` with the ids of a range, in their order.
    pub(super) fn each_within(&self, range: &Range<DocumentId>, mut act: impl FnMut(DocumentId)) {
        let from = self
            .blocks
            .partition_point(|block| block.last < range.start);
        let blocks = self.blocks[from..].iter();
        for block in blocks.take_while(|block| block.first < range.end) {
            let ids = block.entries().map(|(id, _)| id);
            ids.filter(|id| range.contains(id)).for_each(&mut act);
        }
    }

    /// The blocks as a snapshot has them: the id of the first document, and the entries.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = (DocumentId, &[u8])> {
        self.blocks
            .iter()
            .map(|block| (block.first, &block.bytes[..]))
    }

    /// Postings out of the blocks of a snapshot; none if these are not what [`Postings::blocks`] gives.
    pub fn of_blocks<'b>(blocks: impl Iterator<Item = (DocumentId, &'b [u8])>) -> Option<Postings> {
        let mut postings = Postings::default();
        for (first, bytes) in blocks {
            let block = Block::of_entries(first, bytes)?;
            if postings.blocks.last().is_some_and(|it| it.last >= first) {
                return None;
            }
            postings.len = postings.len.checked_add(block.len)?;
            postings.blocks.push(block);
        }
        Some(postings)
    }

    /// The same under other ids, which come in the same order; documents that get none are left out.
    pub(super) fn renumbered(self, id_of: impl Fn(DocumentId) -> Option<DocumentId>) -> Postings {
        let mut renumbered = Postings::default();
        for mut block in self.blocks {
            let ids: SmallVec<[_; BLOCK_ENTRIES as usize]> =
                block.entries().map(|(id, _)| (id, id_of(id))).collect();
            let shift =
                |(id, new): &(DocumentId, Option<DocumentId>)| Some(id.wrapping_sub((*new)?));
            let first = ids.first().and_then(shift);
            // Most often nobody went: the entries stay as they are.
            if let Some(by) = first.filter(|_| ids.iter().all(|id| shift(id) == first)) {
                block.first = block.first.wrapping_sub(by);
                block.last = block.last.wrapping_sub(by);
                renumbered.len += block.len;
                renumbered.blocks.push(block);
                continue;
            }
            for ((_, rest), (_, new)) in block.entries().zip(ids) {
                if let Some(new) = new {
                    renumbered.push_packed(new, rest);
                }
            }
        }
        renumbered
    }
}

impl Block {
    /// A block out of its entries; none if they are not what a block has.
    fn of_entries(first: DocumentId, bytes: &[u8]) -> Option<Block> {
        let (mut left, mut last, mut len) = (bytes, first, 0);
        while !left.is_empty() {
            let step = DocumentId::try_from(read_checked(&mut left)?).ok()?;
            if (step == 0) != (len == 0) {
                return None;
            }
            last = last.checked_add(step)?;
            let length = usize::try_from(read_checked(&mut left)?).ok()?;
            let (rest, behind) = left.split_at_checked(length)?;
            check_rest(rest)?;
            left = behind;
            len += 1;
        }
        (1..=BLOCK_ENTRIES).contains(&len).then(|| Block {
            first,
            last,
            len,
            bytes: bytes.to_vec(),
        })
    }

    /// Ids, each with the rest of its entry.
    fn entries(&self) -> Entries<'_> {
        Entries {
            id: self.first,
            bytes: &self.bytes,
        }
    }

    /// Takes an entry out; whether it was there. The step of the one behind it grows.
    fn remove(&mut self, id: DocumentId) -> bool {
        let ids: Vec<DocumentId> = self.entries().map(|(id, _)| id).collect();
        let Ok(at) = ids.binary_search(&id) else {
            return false;
        };
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let kept = self.entries().filter(|(kept, _)| *kept != id);
        let first = if at == 0 { ids.get(1) } else { ids.first() };
        let mut before = first.copied().unwrap_or(id);
        let first = before;
        for (kept, rest) in kept {
            write(&mut bytes, u128::from(kept - before));
            write(&mut bytes, rest.len() as u128);
            bytes.extend_from_slice(rest);
            before = kept;
        }
        *self = Block {
            first,
            last: before,
            len: self.len - 1,
            bytes,
        };
        true
    }
}

/// What is left of a block's entries.
struct Entries<'b> {
    id: DocumentId,
    bytes: &'b [u8],
}

impl<'b> Iterator for Entries<'b> {
    type Item = (DocumentId, &'b [u8]);

    fn next(&mut self) -> Option<(DocumentId, &'b [u8])> {
        if self.bytes.is_empty() {
            return None;
        }
        self.id += read(&mut self.bytes) as DocumentId;
        let length = read(&mut self.bytes) as usize;
        let (rest, behind) = self.bytes.split_at(length);
        self.bytes = behind;
        Some((self.id, rest))
    }
}

impl Posting {
    fn pack(&self) -> SmallVec<[u8; 32]> {
        let mut bytes = SmallVec::new();
        write(&mut bytes, self.fields);
        write(&mut bytes, u128::from(self.frequency));
        let mut before = 0;
        let mut places = &self.places[..];
        while let Some(&(field, _)) = places.first() {
            let count = places.partition_point(|(of, _)| *of == field);
            write(&mut bytes, count as u128);
            for (_, place) in &places[..count] {
                write(&mut bytes, u128::from(place - before));
                before = *place;
            }
            places = &places[count..];
        }
        bytes
    }
}

impl Packed<'_> {
    /// Its places in these fields, ascending. Empty where places are not kept.
    pub fn places(&self, fields: u128) -> Vec<u32> {
        let mut found = Vec::new();
        let (mut bytes, mut place) = (self.places, 0);
        let mut of = self.fields;
        while !bytes.is_empty() && of != 0 {
            let field = of & of.wrapping_neg();
            of ^= field;
            for _ in 0..read(&mut bytes) {
                place += read(&mut bytes) as u32;
                if fields & field != 0 {
                    found.push(place);
                }
            }
        }
        found
    }

    /// Number of its places, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        let (mut bytes, mut count) = (self.places, 0);
        while !bytes.is_empty() {
            let of_field = read(&mut bytes);
            for _ in 0..of_field {
                read(&mut bytes);
            }
            count += of_field as usize;
        }
        (count, self.places.len())
    }
}

fn unpack(mut bytes: &[u8]) -> Packed<'_> {
    let fields = read(&mut bytes);
    let frequency = read(&mut bytes) as u32;
    Packed {
        fields,
        frequency,
        places: bytes,
    }
}

/// Writes a number in groups of seven bits, the lowest first.
pub(super) fn write(bytes: &mut impl Extend<u8>, mut number: u128) {
    while number >= 0x80 {
        bytes.extend([number as u8 | 0x80]);
        number >>= 7;
    }
    bytes.extend([number as u8]);
}

/// Reads what [`write()`] wrote.
pub(super) fn read(bytes: &mut &[u8]) -> u128 {
    let (mut number, mut shift) = (0, 0);
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u128::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    number
}

/// As [`read()`], of bytes that may be anything; none if no number stands there.
fn read_checked(bytes: &mut &[u8]) -> Option<u128> {
    let length = 1 + bytes.iter().position(|byte| *byte < 0x80)?;
    (length <= NUMBER_BYTES_MAX).then(|| read(bytes))
}

/// Groups of seven bits that 128 bits take.
const NUMBER_BYTES_MAX: usize = 19;

/// Whether these bytes are what [`Posting::pack`] makes.
fn check_rest(mut rest: &[u8]) -> Option<()> {
    let mut fields = read_checked(&mut rest)?;
    u32::try_from(read_checked(&mut rest)?).ok()?;
    let mut place = 0u32;
    while !rest.is_empty() {
        fields &= fields.checked_sub(1)?;
        for _ in 0..read_checked(&mut rest)? {
            let step = u32::try_from(read_checked(&mut rest)?).ok()?;
            place = place.checked_add(step)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn posting(fields: &[(u8, &[u32])], frequency: u32) -> Posting {
        let places = fields.iter().flat_map(|(field, places)| {
            let field = *field;
            places.iter().map(move |place| (field, *place))
        });
        Posting {
            fields: fields.iter().fold(0, |all, (field, _)| all | 1 << field),
            frequency,
            places: places.collect(),
        }
    }

    #[test]
    fn places_are_kept_by_field() {
        let mut postings = Postings::default();
        let both = posting(&[(0, &[1, 5]), (127, &[300, 70_000])], 9);
        postings.push(7, &both);
        postings.push(1_000_000, &posting(&[(1, &[])], 1));
        let found = postings.get(7).expect("a document");
        assert_eq!((found.fields, found.frequency), (both.fields, 9));
        assert_eq!(found.places(1), [1, 5]);
        assert_eq!(found.places(1 << 127), [300, 70_000]);
        assert_eq!(found.places(u128::MAX), [1, 5, 300, 70_000]);
        assert_eq!(found.places(2), [0; 0]);
        let without = postings.get(1_000_000).expect("a document");
        assert_eq!((without.fields, without.places(u128::MAX)), (2, vec![]));
        assert_eq!(postings.get(8), None);
    }

    /// Against a tree, over additions and removals at random; the seed is fixed and names itself where it fails.
    #[test]
    fn documents_come_and_go_as_in_a_tree() {
        let mut state: u64 = 0x5eed;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        let mut postings = Postings::default();
        let mut twin: BTreeMap<DocumentId, Posting> = BTreeMap::new();
        let mut next: DocumentId = 1;
        for step in 0..5000 {
            if draw(3) > 0 {
                let one = posting(
                    &[(2, &[draw(9) as u32, 9 + draw(900) as u32])],
                    draw(5) as u32,
                );
                postings.push(next, &one);
                twin.insert(next, one);
                next += 1 + draw(300) as DocumentId;
            } else {
                let id = draw(u64::from(next)) as DocumentId;
                let near = twin.range(id..).next().map_or(id, |(id, _)| *id);
                postings.remove(near);
                twin.remove(&near);
            }
            assert_eq!(postings.len(), twin.len(), "seed 0x5eed, step {step}");
        }
        let found: Vec<DocumentId> = postings.iter().map(|(id, _)| id).collect();
        assert!(found.iter().eq(twin.keys()), "seed 0x5eed");
        for (id, one) in &twin {
            let found = postings.get(*id).expect("a document");
            let places: Vec<u32> = one.places.iter().map(|(_, place)| *place).collect();
            let expected = (one.fields, one.frequency, places);
            assert_eq!((found.fields, found.frequency, found.places(4)), expected);
        }
        let (blocks, bytes) = postings.size();
        assert!(blocks * 8 <= twin.len(), "{blocks} blocks");
        assert!(bytes < twin.len() * 24, "{bytes} bytes of {}", twin.len());
        for id in twin.keys() {
            postings.remove(*id);
        }
        assert!(postings.is_empty() && postings.size().0 == 0);
    }

    fn some() -> Postings {
        let mut postings = Postings::default();
        for id in 1..100 {
            postings.push(id * 3, &posting(&[(0, &[id]), (7, &[300, 70_000])], id));
        }
        postings
    }

    #[test]
    fn blocks_come_back_and_bytes_that_are_cut_or_altered_never_panic() {
        let postings = some();
        let blocks: Vec<(DocumentId, &[u8])> = postings.blocks().collect();
        let read = Postings::of_blocks(blocks.iter().copied());
        assert_eq!(read.as_ref(), Some(&postings));
        assert_eq!(
            Postings::of_blocks([blocks[1], blocks[0]].into_iter()),
            None
        );
        let (first, bytes) = blocks[0];
        let check = |first, bytes: &[u8]| {
            let read = Postings::of_blocks([(first, bytes)].into_iter())?;
            let found = read.iter().map(|(_, packed)| packed.size().0);
            Some(found.sum::<usize>())
        };
        assert!(check(first, bytes).is_some());
        assert_eq!(check(u32::MAX - 5, bytes), None, "ids beyond the last");
        let whole = (0..=bytes.len()).filter(|len| check(first, &bytes[..*len]).is_some());
        assert_eq!(whole.count(), 32, "cut between two entries");
        for at in 0..bytes.len() * 8 {
            let mut bad = bytes.to_vec();
            bad[at / 8] ^= 1 << (at % 8);
            let _ = check(first, &bad);
        }
    }

    #[test]
    fn documents_get_other_ids_and_some_go() {
        let all = some().renumbered(|id| Some(id - 2));
        let ids = |postings: &Postings| postings.iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert!(ids(&all).into_iter().eq((1..100).map(|id| id * 3 - 2)));
        let some = some().renumbered(|id| (id % 2 == 0 || id < 90).then_some(id / 3));
        let expected = (1..100).filter(|id| id % 2 == 0 || *id < 30);
        assert!(ids(&some).into_iter().eq(expected));
        assert_eq!(some.get(40).map(|packed| packed.frequency), Some(40));
        assert_eq!(some.iter().count(), some.len());
        let mut within = Vec::new();
        some.each_within(&(28..36), |id| within.push(id));
        assert_eq!(within, [28, 29, 30, 32, 34]);
        assert!(some.renumbered(|_| None).is_empty());
    }
}

//! Numbers that are near each other, in order, with the documents that hold them: 12 bytes a document as long as few hold a number,
//! where entries of a tree took up to 75; a set where many do.

use super::super::fields::DocumentId;
use super::{Ordered, is_above, is_below};
use roaring::{MultiOps, RoaringBitmap};
use std::collections::BTreeMap;
use std::ops::{Bound, Range};

/// A block with more documents is cut in two, unless they all hold one number.
pub(super) const BLOCK_MAX: usize = 512;
/// Documents of a number beyond which they are a set: an empty one takes as much.
const FEW: usize = 32;
/// In place of a document: those of the number are a set. No document has so great an id
/// (`State::next_id`).
const SET: DocumentId = DocumentId::MAX;

/// Numbers and their documents.
#[derive(Default)]
pub(super) struct Block {
    /// In the order of numbers and documents.
    held: Vec<Held>,
    /// By number.
    sets: BTreeMap<Ordered, RoaringBitmap>,
    all: RoaringBitmap,
}

/// A number and a document that holds it, or [`SET`].
#[derive(Clone, Copy)]
pub(super) struct Held {
    /// In halves: so it takes 12 bytes and not 16.
    number: [u32; 2],
    id: DocumentId,
}

/// The documents of one number, in the order of their ids.
#[derive(Clone, Copy)]
pub(super) enum Holders<'b> {
    Few(&'b [Held]),
    Set(&'b RoaringBitmap),
}

impl Held {
    fn new(number: Ordered, id: DocumentId) -> Held {
        let bits = number.0.to_bits();
        let number = [bits as u32, (bits >> 32) as u32];
        Held { number, id }
    }

    fn number(&self) -> Ordered {
        let [low, high] = self.number.map(u64::from);
        Ordered(f64::from_bits(high << 32 | low))
    }

    fn is_same(&self, other: &Held) -> bool {
        self.number() == other.number()
    }
}

impl<'b> Holders<'b> {
    pub(super) fn len(self) -> usize {
        match self {
            Holders::Few(held) => held.len(),
            Holders::Set(ids) => ids.len() as usize,
        }
    }

    fn has(self, id: DocumentId) -> bool {
        match self {
            Holders::Few(held) => held.iter().any(|held| held.id == id),
            Holders::Set(ids) => ids.contains(id),
        }
    }

    pub(super) fn ids(self) -> impl DoubleEndedIterator<Item = DocumentId> + 'b {
        let (few, set) = match self {
            Holders::Few(held) => (held, None),
            Holders::Set(ids) => (&[][..], Some(ids)),
        };
        few.iter()
            .map(|held| held.id)
            .chain(set.into_iter().flatten())
    }
}

impl Block {
    /// Of numbers in order, each with its documents in order.
    pub(super) fn of_sorted(own: &[(f64, DocumentId)]) -> Block {
        let (mut held, mut sets) = (Vec::new(), BTreeMap::new());
        for same in own.chunk_by(|one, other| Ordered(one.0) == Ordered(other.0)) {
            let ids = same.iter().map(|(_, id)| *id);
            let number = Ordered(same[0].0);
            if same.len() > FEW {
                held.push(Held::new(number, SET));
                sets.insert(number, ids.collect());
            } else {
                held.extend(ids.map(|id| Held::new(number, id)));
            }
        }
        Block::of(held, sets)
    }

    fn of(mut held: Vec<Held>, sets: BTreeMap<Ordered, RoaringBitmap>) -> Block {
        held.shrink_to_fit();
        let few = held.iter().map(|held| held.id).filter(|id| *id != SET);
        let few: RoaringBitmap = few.collect();
        let all = sets.values().chain([&few]).union();
        Block { held, sets, all }
    }

    /// All documents.
    pub(super) fn all(&self) -> &RoaringBitmap {
        &self.all
    }

    /// The least and the greatest number.
    pub(super) fn ends(&self) -> Option<(Ordered, Ordered)> {
        Some((self.held.first()?.number(), self.held.last()?.number()))
    }

    /// The numbers with their documents, in order.
    pub(super) fn numbers(&self) -> impl DoubleEndedIterator<Item = (Ordered, Holders<'_>)> {
        self.within(0..self.held.len())
    }

    /// Those between two bounds.
    pub(super) fn range(
        &self,
        min: Bound<Ordered>,
        max: Bound<Ordered>,
    ) -> impl DoubleEndedIterator<Item = (Ordered, Holders<'_>)> {
        let from = |held: &Held| !is_above(held.number(), min);
        let to = |held: &Held| is_below(held.number(), max);
        let (from, to) = (
            self.held.partition_point(from),
            self.held.partition_point(to),
        );
        self.within(from..to.max(from))
    }

    fn within(
        &self,
        range: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = (Ordered, Holders<'_>)> {
        let same = self.held[range].chunk_by(Held::is_same);
        same.map(|same| (same[0].number(), self.holders(same)))
    }

    fn holders<'b>(&'b self, same: &'b [Held]) -> Holders<'b> {
        let set = (same[0].id == SET).then(|| self.sets.get(&same[0].number()));
        match set.flatten() {
            Some(ids) => Holders::Set(ids),
            None => Holders::Few(same),
        }
    }

    /// The place of a number, or where it would be.
    fn place(&self, number: Ordered) -> Range<usize> {
        let from = self.held.partition_point(|held| held.number() < number);
        let same = self.held[from..].iter();
        from..from + same.take_while(|held| held.number() == number).count()
    }

    pub(super) fn add(&mut self, id: DocumentId, number: Ordered) {
        self.all.insert(id);
        let place = self.place(number);
        let same = &self.held[place.clone()];
        if same.first().is_some_and(|held| held.id == SET) {
            self.sets.entry(number).or_default().insert(id);
            return;
        }
        let Err(at) = same.binary_search_by_key(&id, |held| held.id) else {
            return;
        };
        if same.len() < FEW {
            if self.held.len() == self.held.capacity() {
                // Doubling would leave a third of it unused.
                let more = (self.held.len() / 4).clamp(4, BLOCK_MAX / 8);
                self.held.reserve_exact(more);
            }
            self.held.insert(place.start + at, Held::new(number, id));
            return;
        }
        let ids = same.iter().map(|held| held.id).chain([id]);
        self.sets.insert(number, ids.collect());
        self.held[place.start] = Held::new(number, SET);
        self.held.drain(place.start + 1..place.end);
    }

    /// Takes a document out of one number; `has_several`: it may hold others.
    pub(super) fn remove(&mut self, id: DocumentId, number: Ordered, has_several: bool) {
        let place = self.place(number);
        let same = &self.held[place.clone()];
        if same.first().is_some_and(|held| held.id == SET) {
            let Some(ids) = self.sets.get_mut(&number).filter(|ids| ids.contains(id)) else {
                return;
            };
            ids.remove(id);
            if ids.is_empty() {
                self.sets.remove(&number);
                self.held.remove(place.start);
            }
        } else {
            let Ok(at) = same.binary_search_by_key(&id, |held| held.id) else {
                return;
            };
            self.held.remove(place.start + at);
        }
        if !has_several || !self.numbers().any(|(_, holders)| holders.has(id)) {
            self.all.remove(id);
        }
    }

    /// Whether it has to be cut.
    pub(super) fn is_full(&self) -> bool {
        self.all.len() as usize > BLOCK_MAX || self.held.len() > 2 * BLOCK_MAX
    }

    /// Cuts off the upper half, with the number that it begins at; none of a block of one number.
    pub(super) fn cut(&mut self) -> Option<(Ordered, Block)> {
        let records: usize = self.numbers().map(|(_, holders)| holders.len()).sum();
        let (mut before, mut place) = (0, 0);
        // The first number with half of the documents below it, or the last.
        let mut at = None;
        for same in self.held.chunk_by(Held::is_same) {
            if before > 0 {
                at = Some(place);
            }
            if before >= (records / 2).max(1) {
                break;
            }
            before += self.holders(same).len();
            place += same.len();
        }
        let at = at?;
        let from = self.held[at].number();
        let upper = Block::of(self.held.split_off(at), self.sets.split_off(&from));
        *self = Block::of(
            std::mem::take(&mut self.held),
            std::mem::take(&mut self.sets),
        );
        Some((from, upper))
    }

    /// How often its documents hold a number, and the bytes of numbers and sets.
    pub(super) fn size(&self) -> (usize, usize) {
        let records = self.numbers().map(|(_, holders)| holders.len()).sum();
        let sets = self.sets.values().chain([&self.all]);
        let sets: usize = sets.map(RoaringBitmap::serialized_size).sum();
        let entries = self.sets.len() * size_of::<(Ordered, RoaringBitmap)>();
        (
            records,
            self.held.capacity() * size_of::<Held>() + entries + sets,
        )
    }
}

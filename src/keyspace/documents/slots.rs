//! Which slots the vectors of a document are in, and whose vector each slot holds: for one VECTOR field, both ways, in one look.
//!
//! Ids grow with every write and are never given again, so the way from ids to slots lies in pages that go with the last of their
//! documents.

use super::fields::DocumentId;
use crate::index::segments::{Segments, locate};
use roaring::RoaringBitmap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Ids of a page. Documents that nobody writes again keep theirs, at worst one each.
const PAGE: usize = 256;
/// In a page: the document has no vector here.
const NONE: u32 = u32::MAX;
/// In a page: the document has several. No slot has so great a number.
const SEVERAL: u32 = u32::MAX - 1;

/// The slots of one field.
#[derive(Default)]
pub struct DocumentSlots {
    pages: Vec<Option<Box<Page>>>,
    several: HashMap<DocumentId, Box<[u32]>>,
    /// As many as a document ever had.
    most: usize,
    owners: Arc<Owners>,
}

/// The document of each slot. It is read without a lock: a slot has an owner before a search can come to it.
#[derive(Default)]
pub struct Owners(Segments<AtomicU32>);

struct Page {
    slots: [u32; PAGE],
    documents: usize,
}

impl Owners {
    /// The document that a slot belongs to, or belonged to last; 0 of a slot that was never taken.
    #[inline]
    pub fn of(&self, slot: u32) -> DocumentId {
        self.0.get(slot).map_or(0, |id| id.load(Ordering::Acquire))
    }

    fn set(&self, slot: u32, id: DocumentId) {
        let (segment, offset) = locate(slot);
        let owners = self.0.ensure(segment, |_| AtomicU32::new(0));
        owners[offset as usize].store(id, Ordering::Release);
    }
}

impl DocumentSlots {
    /// Whose slots are whose.
    pub fn owners(&self) -> &Arc<Owners> {
        &self.owners
    }

    /// Says whose a slot is.
    pub(super) fn set_owner(&mut self, slot: u32, id: DocumentId) {
        self.owners.set(slot, id);
    }

    /// As many vectors as a document ever had.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The slots of a document's vectors.
    pub fn of(&self, id: DocumentId) -> &[u32] {
        let (page, at) = place(id);
        let page = self.pages.get(page).and_then(Option::as_deref);
        match page.map(|page| &page.slots[at]) {
            None | Some(&NONE) => &[],
            Some(&SEVERAL) => self.several.get(&id).map_or(&[], |slots| slots),
            Some(slot) => std::slice::from_ref(slot),
        }
    }

    /// Gives slots to a document that had none.
    pub(super) fn put(&mut self, id: DocumentId, slots: &[u32]) {
        self.most = self.most.max(slots.len());
        let in_page = match slots {
            [] => return,
            [slot] => *slot,
            several => {
                self.several.insert(id, several.into());
                SEVERAL
            }
        };
        slots.iter().for_each(|&slot| self.set_owner(slot, id));
        let (page, at) = place(id);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| {
            Box::new(Page {
                slots: [NONE; PAGE],
                documents: 0,
            })
        });
        page.slots[at] = in_page;
        page.documents += 1;
    }

    /// Takes a document's slots from it.
    pub(super) fn take(&mut self, id: DocumentId) -> Vec<u32> {
        let slots = self.of(id).to_vec();
        if slots.is_empty() {
            return slots;
        }
        self.several.remove(&id);
        let (page, at) = place(id);
        let there = &mut self.pages[page];
        if let Some(page) = there {
            page.slots[at] = NONE;
            page.documents -= 1;
            if page.documents == 0 {
                *there = None;
            }
        }
        slots
    }

    /// Hands on the slots of these documents, in the order of their ids; none of a document that has no vector here.
    pub fn of_all(&self, ids: &RoaringBitmap, mut take: impl FnMut(&[u32])) {
        let mut page = (usize::MAX, None);
        let (mut ids, mut some) = (ids.iter(), [0; PAGE]);
        loop {
            let some = ids.next_many(&mut some);
            if some.is_empty() {
                return;
            }
            for &mut id in some {
                let (number, at) = place(id);
                if page.0 != number {
                    let there = self.pages.get(number).and_then(Option::as_deref);
                    page = (number, there);
                }
                match page.1.map(|page| &page.slots[at]) {
                    Some(slot) if *slot < SEVERAL => take(std::slice::from_ref(slot)),
                    _ => take(self.of(id)),
                }
            }
        }
    }
}

fn place(id: DocumentId) -> (usize, usize) {
    (id as usize / PAGE, id as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn both_ways_agree_with_maps_and_pages_go() {
        let mut slots = DocumentSlots::default();
        let mut twin: BTreeMap<DocumentId, Vec<u32>> = BTreeMap::new();
        let mut free: Vec<u32> = (0..2000).rev().collect();
        for id in 1..4000u32 {
            let count = [1, 1, 0, 3][id as usize % 4];
            let given: Vec<u32> = (0..count).filter_map(|_| free.pop()).collect();
            slots.put(id, &given);
            twin.insert(id, given);
            if id > 500 {
                let oldest = *twin.keys().next().unwrap();
                let taken = slots.take(oldest);
                assert_eq!(Some(&taken), twin.get(&oldest));
                twin.remove(&oldest);
                free.extend(taken);
            }
        }
        for id in 0..5000 {
            let expected = twin.get(&id).map_or(&[][..], Vec::as_slice);
            assert_eq!(slots.of(id), expected, "{id}");
            assert!(expected.iter().all(|&slot| slots.owners.of(slot) == id));
        }
        let ids: RoaringBitmap = twin.keys().copied().collect();
        let all: Vec<&[u32]> = twin.values().map(Vec::as_slice).collect();
        let mut handed = 0;
        slots.of_all(&ids, |of_document| {
            assert_eq!(of_document, all[handed]);
            handed += 1;
        });
        assert_eq!(handed, all.len());
        assert_eq!(slots.pages.iter().flatten().count(), 3);
        assert_eq!(slots.owners.of(1_000_000), 0);
    }
}

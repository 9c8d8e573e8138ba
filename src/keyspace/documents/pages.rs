//! A map from document ids, which grow with every write and are never given again: pages that go with the last of their documents,
//! on shelves that go with the last of their pages. A thousand million writes leave two megabytes behind.

use super::fields::DocumentId;

/// Ids of a page. Documents that nobody writes again keep theirs, at worst one each: some 2 KiB with the shelf's share.
const PAGE: usize = 32;
/// Pages of a shelf.
const SHELF: usize = 128;

/// Things by id, in order.
pub struct Pages<T> {
    shelves: Vec<Option<Box<Shelf<T>>>>,
    len: usize,
}

struct Shelf<T> {
    pages: [Option<Box<Page<T>>>; SHELF],
    /// Things on each page: beside a page, which is a size of the allocator, they would make it a larger one.
    held: [u8; SHELF],
    /// Pages.
    len: usize,
}

type Page<T> = [Option<T>; PAGE];

impl<T> Default for Pages<T> {
    fn default() -> Pages<T> {
        Pages {
            shelves: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Shelf<T> {
        Shelf {
            pages: std::array::from_fn(|_| None),
            held: [0; SHELF],
            len: 0,
        }
    }
}

/// Shelf, page on it, and place on that.
fn place(id: DocumentId) -> (usize, usize, usize) {
    let id = id as usize;
    (id / (SHELF * PAGE), id / PAGE % SHELF, id % PAGE)
}

impl<T> Pages<T> {
    /// Number of things.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The thing of an id.
    pub fn get(&self, id: DocumentId) -> Option<&T> {
        let (shelf, page, at) = place(id);
        let shelf = self.shelves.get(shelf)?.as_ref()?;
        shelf.pages[page].as_ref()?[at].as_ref()
    }

    /// Puts a thing; the one that was there.
    pub fn insert(&mut self, id: DocumentId, thing: T) -> Option<T> {
        let (shelf, page, at) = place(id);
        if self.shelves.len() <= shelf {
            self.shelves.resize_with(shelf + 1, || None);
        }
        let shelf = self.shelves[shelf].get_or_insert_default();
        if shelf.pages[page].is_none() {
            shelf.len += 1;
        }
        let empty = || Box::new(std::array::from_fn(|_| None));
        let former = shelf.pages[page].get_or_insert_with(empty)[at].replace(thing);
        shelf.held[page] += u8::from(former.is_none());
        self.len += usize::from(former.is_none());
        former
    }

    /// Takes a thing out.
    pub fn remove(&mut self, id: DocumentId) -> Option<T> {
        let (shelf, page, at) = place(id);
        let shelf_there = self.shelves.get_mut(shelf)?;
        let shelf = shelf_there.as_mut()?;
        let thing = shelf.pages[page].as_mut()?[at].take()?;
        self.len -= 1;
        shelf.held[page] -= 1;
        if shelf.held[page] == 0 {
            shelf.pages[page] = None;
            shelf.len -= 1;
        }
        if shelf.len == 0 {
            *shelf_there = None;
        }
        Some(thing)
    }

    /// All of them, in the order of their ids.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        let shelves = self.shelves.iter().flatten();
        let pages = shelves.flat_map(|shelf| shelf.pages.iter().flatten());
        pages.flat_map(|page| page.iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_and_go_with_their_things() {
        let mut pages = Pages::default();
        for id in 1..1_000 {
            assert_eq!(pages.insert(id, id), None);
        }
        assert_eq!(pages.insert(7, 8), Some(7));
        assert_eq!(pages.remove(7), Some(8));
        assert_eq!(pages.remove(7), None);
        assert_eq!(pages.get(8), Some(&8));
        assert_eq!((pages.get(7), pages.get(5_000)), (None, None));
        for id in 256..512 {
            pages.remove(id);
        }
        let shelf = pages.shelves[0].as_ref().expect("a shelf");
        assert!(shelf.pages[8..16].iter().all(Option::is_none) && shelf.pages[16].is_some());
        let expected = (1..1_000).filter(|id| *id != 7 && !(256..512).contains(id));
        assert!(pages.values().copied().eq(expected.clone()));
        assert_eq!(pages.len(), expected.count());
    }

    #[test]
    fn ids_that_grow_for_ever_leave_little_behind() {
        let mut pages = Pages::default();
        pages.insert(5, 5);
        for id in (6..40_000_000).step_by(997) {
            pages.insert(id, id);
            assert_eq!(pages.remove(id), Some(id));
        }
        assert_eq!(pages.len(), 1);
        assert_eq!(pages.shelves.iter().flatten().count(), 1);
        assert!(pages.shelves.len() < 10_000);
        assert!(pages.values().eq([&5]));
    }
}

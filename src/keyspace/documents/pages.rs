//! A map from document ids, which grow with every write and are never given again: pages that go with the last of their documents.

use super::fields::DocumentId;

/// Ids of a page. Documents that nobody writes again keep theirs, at worst one each: some 2 KiB.
const PAGE: usize = 32;

/// Things by id, in order.
pub struct Pages<T> {
    pages: Vec<Option<Page<T>>>,
    len: usize,
}

struct Page<T> {
    things: Box<[Option<T>]>,
    len: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Pages<T> {
        Pages {
            pages: Vec::new(),
            len: 0,
        }
    }
}

fn place(id: DocumentId) -> (usize, usize) {
    (id as usize / PAGE, id as usize % PAGE)
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
        let (page, at) = place(id);
        self.pages.get(page)?.as_ref()?.things[at].as_ref()
    }

    /// Puts a thing; the one that was there.
    pub fn insert(&mut self, id: DocumentId, thing: T) -> Option<T> {
        let (page, at) = place(id);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Page {
            things: (0..PAGE).map(|_| None).collect(),
            len: 0,
        });
        let former = page.things[at].replace(thing);
        page.len += usize::from(former.is_none());
        self.len += usize::from(former.is_none());
        former
    }

    /// Takes a thing out.
    pub fn remove(&mut self, id: DocumentId) -> Option<T> {
        let (page, at) = place(id);
        let there = self.pages.get_mut(page)?;
        let page = there.as_mut()?;
        let thing = page.things[at].take()?;
        page.len -= 1;
        if page.len == 0 {
            *there = None;
        }
        self.len -= 1;
        Some(thing)
    }

    /// All of them, in the order of their ids.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        let pages = self.pages.iter().flatten();
        pages.flat_map(|page| page.things.iter().flatten())
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
        assert!(pages.pages[8..16].iter().all(Option::is_none) && pages.pages[16].is_some());
        let expected = (1..1_000).filter(|id| *id != 7 && !(256..512).contains(id));
        assert!(pages.values().copied().eq(expected.clone()));
        assert_eq!(pages.len(), expected.count());
    }
}

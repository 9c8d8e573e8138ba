//! The list value: elements in the order in which they were put, in chunks that are shared with a snapshot until they change.
//!
//! A chunk holds a bounded number of elements, so that a small change under a running save copies a chunk, never the whole
//! list. Both ends are reached in O(1), places in the middle chunk by chunk from the nearer end.

use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Elements of a chunk, at most.
const CHUNK_LEN_MAX: usize = 128;

type Chunk = VecDeque<Bytes>;

/// One end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where the first element is.
    Front,
    /// Where the last element is.
    Back,
}

/// Elements in order. Cloning shares the chunks.
#[derive(Clone, Default)]
pub struct List {
    /// None of them is empty.
    chunks: VecDeque<Arc<Chunk>>,
    len: usize,
    bytes: usize,
}

impl List {
    /// An empty list.
    pub fn new() -> List {
        List::default()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of all elements.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The element at a place.
    pub fn get(&self, place: usize) -> Option<&Bytes> {
        let (chunk, at) = self.locate(place)?;
        self.chunks[chunk].get(at)
    }

    /// All elements in order, from both ends.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Bytes> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The elements of these places, in order; places beyond the end are left out.
    pub fn range(&self, places: Range<usize>) -> impl Iterator<Item = &Bytes> {
        let (first, skipped) = self.locate(places.start).unwrap_or((self.chunks.len(), 0));
        let chunks = self.chunks.range(first..);
        let elements = chunks.flat_map(|chunk| chunk.iter());
        elements.skip(skipped).take(places.len())
    }

    /// Adds an element at one end.
    pub fn push(&mut self, end: End, element: Bytes) {
        self.len += 1;
        self.bytes += element.len();
        let chunk = match end {
            End::Front => self.chunks.front_mut(),
            End::Back => self.chunks.back_mut(),
        };
        match chunk.filter(|chunk| chunk.len() < CHUNK_LEN_MAX) {
            Some(chunk) => put(Arc::make_mut(chunk), end, element),
            None => put(&mut self.chunks, end, Arc::new(Chunk::from([element]))),
        }
    }

    /// Removes as many elements at one end, or all if there are fewer.
    pub fn cut(&mut self, end: End, count: usize) {
        let mut left = count.min(self.len);
        self.len -= left;
        while left > 0 {
            let chunk = match end {
                End::Front => self.chunks.front_mut(),
                End::Back => self.chunks.back_mut(),
            };
            let Some(chunk) = chunk else { return };
            if chunk.len() <= left {
                left -= chunk.len();
                self.bytes -= bytes_of(chunk.iter());
                take(&mut self.chunks, end);
            } else {
                let chunk = Arc::make_mut(chunk);
                let places = match end {
                    End::Front => 0..left,
                    End::Back => chunk.len() - left..chunk.len(),
                };
                self.bytes -= chunk
                    .drain(places)
                    .map(|element| element.len())
                    .sum::<usize>();
                left = 0;
            }
        }
    }

    /// Replaces the element at a place; whether there is one.
    pub fn set(&mut self, place: usize, element: Bytes) -> bool {
        let Some((chunk, at)) = self.locate(place) else {
            return false;
        };
        self.bytes += element.len();
        let old = std::mem::replace(&mut Arc::make_mut(&mut self.chunks[chunk])[at], element);
        self.bytes -= old.len();
        true
    }

    /// Puts an element at a place; those from there on move up. A place beyond the end is the end.
    pub fn insert(&mut self, place: usize, element: Bytes) {
        let Some((index, at)) = self.locate(place) else {
            return self.push(End::Back, element);
        };
        self.len += 1;
        self.bytes += element.len();
        let chunk = Arc::make_mut(&mut self.chunks[index]);
        chunk.insert(at, element);
        if chunk.len() > CHUNK_LEN_MAX {
            let rest = chunk.split_off(CHUNK_LEN_MAX / 2);
            self.chunks.insert(index + 1, Arc::new(rest));
        }
    }

    /// Removes elements that equal `element`: the first `count` of them from one end, or all if there are fewer.
    pub fn remove(&mut self, end: End, count: usize, element: &[u8]) {
        let mut left = count;
        let indices: &mut dyn Iterator<Item = usize> = match end {
            End::Front => &mut (0..self.chunks.len()),
            End::Back => &mut (0..self.chunks.len()).rev(),
        };
        for index in indices {
            let equal = self.chunks[index].iter().filter(|other| *other == element);
            let found = equal.count();
            if found == 0 {
                continue;
            }
            let removed = found.min(left);
            // Seen from the front, as the chunk is gone through.
            let kept_first = if end == End::Back { found - removed } else { 0 };
            let mut met = 0;
            Arc::make_mut(&mut self.chunks[index]).retain(|other| {
                met += usize::from(other == element);
                let is_removed =
                    other == element && met > kept_first && met <= kept_first + removed;
                !is_removed
            });
            self.len -= removed;
            self.bytes -= removed * element.len();
            left -= removed;
            if left == 0 {
                break;
            }
        }
        self.tidy();
    }

    /// Drops empty chunks and joins small neighbours.
    fn tidy(&mut self) {
        if self.chunks.len() * CHUNK_LEN_MAX / 4 <= self.len
            && self.chunks.iter().all(|chunk| !chunk.is_empty())
        {
            return;
        }
        let mut tidy: VecDeque<Arc<Chunk>> = VecDeque::new();
        for chunk in self.chunks.drain(..).filter(|chunk| !chunk.is_empty()) {
            match tidy.back_mut() {
                Some(last) if last.len() + chunk.len() <= CHUNK_LEN_MAX => {
                    Arc::make_mut(last).extend(chunk.iter().cloned());
                }
                _ => tidy.push_back(chunk),
            }
        }
        self.chunks = tidy;
    }

    /// The chunk of a place, and where in it.
    fn locate(&self, place: usize) -> Option<(usize, usize)> {
        if place >= self.len {
            return None;
        }
        if place < self.len / 2 {
            let mut at = place;
            for (index, chunk) in self.chunks.iter().enumerate() {
                match at.checked_sub(chunk.len()) {
                    Some(rest) => at = rest,
                    None => return Some((index, at)),
                }
            }
        }
        let mut from_end = self.len - 1 - place;
        for (index, chunk) in self.chunks.iter().enumerate().rev() {
            match from_end.checked_sub(chunk.len()) {
                Some(rest) => from_end = rest,
                None => return Some((index, chunk.len() - 1 - from_end)),
            }
        }
        None
    }
}

fn put<T>(deque: &mut VecDeque<T>, end: End, item: T) {
    match end {
        End::Front => deque.push_front(item),
        End::Back => deque.push_back(item),
    }
}

fn take<T>(deque: &mut VecDeque<T>, end: End) {
    match end {
        End::Front => drop(deque.pop_front()),
        End::Back => drop(deque.pop_back()),
    }
}

fn bytes_of<'e>(elements: impl Iterator<Item = &'e Bytes>) -> usize {
    elements.map(Bytes::len).sum()
}

impl PartialEq for List {
    /// Equal elements in the same order.
    fn eq(&self, other: &List) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl std::fmt::Debug for List {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are the same in every run: SplitMix64 (Steele, Lea and Flood 2014).
    fn random(state: &mut u64, n: usize) -> usize {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn remove_from(twin: &mut VecDeque<Bytes>, end: End, count: usize, element: &Bytes) {
        let mut places: Vec<usize> = (0..twin.len()).filter(|at| twin[*at] == element).collect();
        if end == End::Back {
            places.reverse();
        }
        places.truncate(count);
        places.sort_unstable();
        places.iter().rev().for_each(|at| drop(twin.remove(*at)));
    }

    fn assert_same(list: &List, twin: &VecDeque<Bytes>, seed: &mut u64) {
        assert!(list.iter().eq(twin));
        assert!(list.iter().rev().eq(twin.iter().rev()));
        assert_eq!(
            (list.len(), list.bytes()),
            (twin.len(), bytes_of(twin.iter()))
        );
        let sizes = list.chunks.iter().map(|chunk| chunk.len());
        assert!(
            sizes
                .into_iter()
                .all(|size| (1..=CHUNK_LEN_MAX).contains(&size))
        );
        for _ in 0..20 {
            let place = random(seed, twin.len() + 2);
            assert_eq!(list.get(place), twin.get(place));
            let (from, count) = (random(seed, twin.len() + 2), random(seed, 300));
            let range = list.range(from..from + count);
            assert!(range.eq(twin.iter().skip(from).take(count)));
        }
    }

    #[test]
    fn a_list_is_what_a_deque_says() {
        for first_seed in 1..4 {
            println!("seed {first_seed}");
            let mut seed = first_seed;
            let (mut list, mut twin) = (List::new(), VecDeque::new());
            for turn in 0..20_000 {
                let end = [End::Front, End::Back][random(&mut seed, 2)];
                let element = Bytes::from(vec![b'e'; random(&mut seed, 12)]);
                let place = random(&mut seed, twin.len() + 1);
                match random(&mut seed, 40) {
                    0 => {
                        let count = random(&mut seed, 300);
                        list.cut(end, count);
                        (0..count).for_each(|_| take(&mut twin, end));
                    }
                    1 => {
                        let count = 1 + random(&mut seed, 40);
                        list.remove(end, count, &element);
                        remove_from(&mut twin, end, count, &element);
                    }
                    2..6 => {
                        assert_eq!(list.set(place, element.clone()), place < twin.len());
                        twin.get_mut(place)
                            .into_iter()
                            .for_each(|it| *it = element.clone());
                    }
                    6..14 => {
                        list.insert(place, element.clone());
                        twin.insert(place, element);
                    }
                    _ => {
                        list.push(end, element.clone());
                        put(&mut twin, end, element);
                    }
                }
                if turn % 100 == 99 {
                    assert_same(&list, &twin, &mut seed);
                }
            }
            list.cut(End::Front, usize::MAX);
            assert!(list.is_empty() && list.chunks.is_empty() && list.bytes() == 0);
        }
    }

    #[test]
    fn a_clone_keeps_the_old_elements_and_shares_the_chunks() {
        let mut list = List::new();
        (0..1_000).for_each(|i| list.push(End::Back, Bytes::from(i.to_string())));
        let before = list.clone();
        list.set(500, Bytes::from_static(b"new"));
        assert_eq!(before.get(500).unwrap(), "500");
        assert_ne!(list, before);
        let is_shared = |index: &usize| Arc::ptr_eq(&list.chunks[*index], &before.chunks[*index]);
        let shared = (0..list.chunks.len()).filter(is_shared).count();
        assert_eq!(shared, list.chunks.len() - 1);
    }

    #[test]
    fn what_is_left_of_many_chunks_is_joined() {
        let mut list = List::new();
        for i in 0..10_000 {
            let element = if i % 100 == 0 { "kept" } else { "gone" };
            list.push(End::Back, Bytes::from_static(element.as_bytes()));
        }
        list.remove(End::Front, usize::MAX, b"gone");
        assert_eq!((list.len(), list.chunks.len()), (100, 1));
    }
}

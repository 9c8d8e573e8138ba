//! Names in byte order, as the slots that their elements live in: 4 bytes each and a little room. The names themselves lie with the
//! elements, so whoever looks for one says how the name of a slot compares with it. A list of short lists: an insertion moves one short
//! list, a name is found by halving.

use std::cmp::Ordering;

/// Slots of a short list at most.
const CHUNK: usize = 256;
/// A short list grows by so many.
const STEP: usize = 32;

/// Where a name stands, or would: its short list, and the place in that.
pub(super) type Place = (usize, usize);

/// Slots in the order of their names.
#[derive(Default)]
pub(super) struct Names {
    /// None is empty.
    chunks: Vec<Vec<u32>>,
    len: usize,
}

impl Names {
    /// Number of names.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where the name stands that `compare` calls equal; the error is where it would stand. `compare` tells how the name of a slot
    /// compares with the one that is looked for.
    pub(super) fn find(&self, compare: impl Fn(u32) -> Ordering) -> Result<Place, Place> {
        let is_before = |chunk: &Vec<u32>| compare(chunk[0]) != Ordering::Greater;
        let Some(chunk) = self.chunks.partition_point(is_before).checked_sub(1) else {
            return Err((0, 0));
        };
        let found = self.chunks[chunk].binary_search_by(|&slot| compare(slot));
        found.map(|at| (chunk, at)).map_err(|at| (chunk, at))
    }

    /// The slot at a place where there is a name.
    pub(super) fn slot(&self, (chunk, at): Place) -> u32 {
        self.chunks[chunk][at]
    }

    /// Lets the name at a place have another slot.
    pub(super) fn set(&mut self, (chunk, at): Place, slot: u32) {
        self.chunks[chunk][at] = slot;
    }

    /// Puts a name where [`Names::find`] said that it would stand.
    pub(super) fn insert(&mut self, (chunk, at): Place, slot: u32) {
        self.len += 1;
        let len = self.chunks.get(chunk).map_or(0, Vec::len);
        let is_behind_all = chunk + 1 >= self.chunks.len() && at == len;
        // Names that come in order fill their lists.
        let (chunk, at) = if self.chunks.is_empty() || (len == CHUNK && is_behind_all) {
            self.chunks.push(Vec::new());
            (self.chunks.len() - 1, 0)
        } else if len == CHUNK {
            self.split((chunk, at))
        } else {
            (chunk, at)
        };
        let slots = &mut self.chunks[chunk];
        if slots.len() == slots.capacity() {
            slots.reserve_exact(STEP);
        }
        slots.insert(at, slot);
    }

    /// Makes two lists of a full one; where the place is now.
    fn split(&mut self, (chunk, at): Place) -> Place {
        let upper = self.chunks[chunk].split_off(CHUNK / 2);
        self.chunks[chunk].shrink_to_fit();
        self.chunks.insert(chunk + 1, upper);
        match at.checked_sub(CHUNK / 2) {
            Some(at) if at > 0 => (chunk + 1, at),
            _ => (chunk, at),
        }
    }

    /// Takes out the name at a place.
    pub(super) fn remove(&mut self, (chunk, at): Place) {
        self.len -= 1;
        self.chunks[chunk].remove(at);
        let len = self.chunks[chunk].len();
        let next = self.chunks.get(chunk + 1).map_or(CHUNK, Vec::len);
        if len == 0 {
            self.chunks.remove(chunk);
        } else if len + next <= CHUNK / 2 {
            let next = self.chunks.remove(chunk + 1);
            self.chunks[chunk].extend(next);
        } else if len + 2 * STEP <= self.chunks[chunk].capacity() {
            self.chunks[chunk].shrink_to(len + STEP);
        }
    }

    /// The slots from a place on, in the order of their names.
    pub(super) fn iter_from(&self, (chunk, at): Place) -> impl Iterator<Item = u32> + '_ {
        let chunks = self.chunks.get(chunk..).unwrap_or_default();
        chunks.iter().flatten().copied().skip(at)
    }

    /// All slots in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.iter_from((0, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Numbers that are the same in every run: SplitMix64 (Steele, Lea and Flood 2014).
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Here a slot is its own name.
    fn find(names: &Names, name: u32) -> Result<Place, Place> {
        names.find(|slot| slot.cmp(&name))
    }

    fn check(names: &Names, expected: &BTreeSet<u32>) {
        assert!(names.iter().eq(expected.iter().copied()));
        assert_eq!(names.len(), expected.len());
        for chunk in &names.chunks {
            assert!((1..=CHUNK).contains(&chunk.len()));
        }
    }

    #[test]
    fn names_stand_as_in_a_tree_while_they_come_and_go() {
        let (mut names, mut expected) = (Names::default(), BTreeSet::new());
        let mut state = 3;
        println!("seed {state}");
        for turn in 0..40_000 {
            let name = (random(&mut state) % 6_000) as u32;
            let comes = random(&mut state) % 100 < if turn < 20_000 { 70 } else { 20 };
            match (find(&names, name), comes) {
                (Err(place), true) => names.insert(place, name),
                (Ok(place), false) => names.remove(place),
                (Ok(place), true) => assert_eq!(names.slot(place), name),
                (Err(_), false) => assert!(!expected.contains(&name)),
            }
            match comes {
                true => expected.insert(name),
                false => expected.remove(&name),
            };
            if turn % 500 == 0 {
                check(&names, &expected);
                let from = find(&names, name).unwrap_or_else(|place| place);
                let rest = names.iter_from(from);
                assert!(rest.eq(expected.range(name..).copied()));
            }
        }
        check(&names, &expected);
        for name in expected {
            let place = find(&names, name).expect("it is there");
            names.remove(place);
        }
        check(&names, &BTreeSet::new());
        assert!(names.chunks.is_empty());
    }

    #[test]
    fn lists_are_nearly_full_in_whatever_order_names_come() {
        let orders: [fn(u32) -> u32; 3] =
            [|i| i, |i| u32::MAX - i, |i| i.wrapping_mul(0x9e37_79b9)];
        for (order, at_most) in orders.iter().zip([4.2, 8.3, 6.5]) {
            let mut names = Names::default();
            for name in (0..50_000).map(order) {
                let place = find(&names, name).expect_err("each comes once");
                names.insert(place, name);
            }
            let bytes: usize = names
                .chunks
                .iter()
                .map(|chunk| 4 * chunk.capacity() + size_of::<Vec<u32>>())
                .sum();
            let each = bytes as f64 / 50_000.0;
            assert!(each < at_most, "{each}");
        }
    }
}

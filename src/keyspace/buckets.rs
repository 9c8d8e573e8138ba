//! Values by name, in buckets that are shared with a snapshot until they change: what sets and the scores of sorted sets are
//! kept in.
//!
//! A bucket holds the names of one range of the hash space; the number of buckets follows the number of names, so that a small
//! change under a running save copies one bucket, never the whole map.

use bytes::Bytes;
use foldhash::fast::FixedState;
use indexmap::IndexMap;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Names per bucket, on average, at which the buckets are doubled.
const AVERAGE_MAX: usize = 256;
/// Names per bucket, on average, below which the buckets are halved.
const AVERAGE_MIN: usize = 32;

type Bucket<V> = IndexMap<Bytes, V, FixedState>;

/// Values by name. Cloning shares the buckets.
#[derive(Clone)]
pub(super) struct Buckets<V> {
    /// A power of two of buckets, by the top bits of the name's hash.
    buckets: Vec<Arc<Bucket<V>>>,
    len: usize,
    /// No bucket was ever longer since the buckets were dealt out.
    longest: usize,
    bytes: usize,
    hasher: FixedState,
    /// That of the maps: they tell names apart by the top bits of a hash first, and by the buckets' hasher all of a bucket have the same.
    inner: FixedState,
}

impl<V: Clone> Buckets<V> {
    /// Without names; `seed` keeps clients from choosing names that collide.
    pub(super) fn new(seed: u64) -> Buckets<V> {
        let hasher = FixedState::with_seed(seed);
        let inner = FixedState::with_seed(hasher.hash_one(seed));
        Buckets {
            buckets: vec![Arc::new(IndexMap::with_hasher(inner.clone()))],
            len: 0,
            longest: 0,
            bytes: 0,
            hasher,
            inner,
        }
    }

    /// Number of names.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of all names.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The value under a name.
    pub(super) fn get(&self, name: &[u8]) -> Option<&V> {
        self.buckets[self.bucket_of(name)].get(name)
    }

    /// All names with their values; those of one bucket in the order of their insertion, unless names were removed.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Bytes, &V)> {
        self.buckets.iter().flat_map(|bucket| bucket.iter())
    }

    /// A name, each as likely as any other; `random` gives random numbers. None if there are no names.
    pub(super) fn draw(&self, mut random: impl FnMut() -> u64) -> Option<(&Bytes, &V)> {
        if self.len == 0 {
            return None;
        }
        // Places beyond a bucket's end are drawn in vain, so that names of short buckets are no more likely than others.
        loop {
            let bucket = &self.buckets[self.bucket_of_hash(random())];
            if let found @ Some(_) = bucket.get_index((random() % self.longest as u64) as usize) {
                return found;
            }
        }
    }

    /// The names whose place in the hash space is at least `cursor`, in order of that place, about `count` of them, with the
    /// cursor to go on (0: done). A name that stays is seen whatever happens to others between two calls.
    pub(super) fn scan(&self, cursor: u64, count: usize) -> (u64, Vec<(&Bytes, &V)>) {
        let mut found: Vec<(u64, &Bytes, &V)> = Vec::new();
        for bucket in &self.buckets[self.bucket_of_hash(cursor)..] {
            let placed = bucket.iter().map(|(name, v)| (self.hash_of(name), name, v));
            found.extend(placed.filter(|(hash, ..)| *hash >= cursor));
            if found.len() > count {
                break;
            }
        }
        found.sort_unstable_by_key(|(hash, ..)| *hash);
        let next = super::scan_page(&mut found, count, |(hash, ..)| *hash);
        let found = found.into_iter().map(|(_, name, value)| (name, value));
        (next, found.collect())
    }

    /// Sets the value under a name; the old one.
    pub(super) fn insert(&mut self, name: Bytes, value: V) -> Option<V> {
        let index = self.bucket_of(&name);
        let name_bytes = name.len();
        let bucket = Arc::make_mut(&mut self.buckets[index]);
        let old = bucket.insert(name, value);
        if old.is_none() {
            self.longest = self.longest.max(bucket.len());
            self.len += 1;
            self.bytes += name_bytes;
            if self.len > AVERAGE_MAX * self.buckets.len() {
                self.deal(self.buckets.len() * 2);
            }
        }
        old
    }

    /// Removes a name.
    pub(super) fn remove(&mut self, name: &[u8]) -> Option<V> {
        let index = self.bucket_of(name);
        if !self.buckets[index].contains_key(name) {
            return None;
        }
        let old = Arc::make_mut(&mut self.buckets[index]).swap_remove(name)?;
        self.len -= 1;
        self.bytes -= name.len();
        if self.buckets.len() > 1 && self.len < AVERAGE_MIN * self.buckets.len() {
            self.deal(self.buckets.len() / 2);
        }
        Some(old)
    }

    /// Deals the names out to `count` buckets, a power of two.
    fn deal(&mut self, count: usize) {
        let empty = || IndexMap::with_hasher(self.inner.clone());
        let mut buckets: Vec<Bucket<V>> = (0..count).map(|_| empty()).collect();
        for bucket in std::mem::take(&mut self.buckets) {
            for (name, value) in Arc::unwrap_or_clone(bucket) {
                let index = place_of(self.hasher.hash_one(&name), count);
                buckets[index].insert(name, value);
            }
        }
        self.longest = buckets.iter().map(IndexMap::len).max().unwrap_or(0);
        self.buckets = buckets.into_iter().map(Arc::new).collect();
    }

    fn hash_of(&self, name: &[u8]) -> u64 {
        self.hasher.hash_one(name)
    }

    fn bucket_of(&self, name: &[u8]) -> usize {
        match self.buckets.len() {
            1 => 0,
            _ => self.bucket_of_hash(self.hash_of(name)),
        }
    }

    fn bucket_of_hash(&self, hash: u64) -> usize {
        place_of(hash, self.buckets.len())
    }
}

/// Which of `count` buckets, a power of two, a hash belongs to.
fn place_of(hash: u64, count: usize) -> usize {
    match count.ilog2() {
        0 => 0,
        bits => (hash >> (64 - bits)) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn name(i: u64) -> Bytes {
        Bytes::from(format!("name {i}"))
    }

    /// Numbers that are the same in every run: SplitMix64 (Steele, Lea and Flood 2014).
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn buckets_hold_what_a_map_holds_while_they_grow_and_shrink() {
        let (mut buckets, mut map) = (Buckets::new(7), BTreeMap::new());
        let mut state = 1;
        println!("seed {state}");
        let mut most = 0;
        for turn in 0..60_000u64 {
            let name = name(random(&mut state) % 9_000);
            // First more is added than removed, then the other way round.
            if random(&mut state) % 100 < if turn < 30_000 { 70 } else { 3 } {
                assert_eq!(buckets.insert(name.clone(), turn), map.insert(name, turn));
            } else {
                assert_eq!(buckets.remove(&name), map.remove(&name));
            }
            most = most.max(buckets.buckets.len());
            assert_eq!(buckets.len(), map.len());
        }
        assert!(most >= 16 && buckets.buckets.len() <= most / 4, "{most}");
        assert_eq!(buckets.bytes(), map.keys().map(Bytes::len).sum::<usize>());
        let all: BTreeMap<Bytes, u64> = buckets.iter().map(|(n, v)| (n.clone(), *v)).collect();
        assert_eq!(all, map);
        assert!(map.iter().all(|(n, v)| buckets.get(n) == Some(v)));
        assert!(
            buckets
                .buckets
                .iter()
                .all(|bucket| bucket.len() <= buckets.longest)
        );
    }

    #[test]
    fn a_scan_sees_each_name_once_and_a_clone_keeps_the_old_ones() {
        let mut buckets = Buckets::new(7);
        for i in 0..3_000 {
            buckets.insert(name(i), i);
        }
        let before = buckets.clone();
        buckets.insert(name(1), 0);
        buckets.remove(&name(2));
        let (mut cursor, mut seen) = (0, BTreeMap::new());
        loop {
            let (next, page) = before.scan(cursor, 10);
            assert!(page.len() >= 10 || next == 0);
            for (name, value) in page {
                assert_eq!(seen.insert(name.clone(), *value), None);
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen, (0..3_000).map(|i| (name(i), i)).collect());
    }

    #[test]
    fn every_name_is_drawn_as_often_as_any_other() {
        let mut buckets = Buckets::new(7);
        assert_eq!(buckets.draw(|| 0), None);
        for i in 0..400 {
            buckets.insert(name(i), i as usize);
        }
        assert!(buckets.buckets.len() > 1);
        let (mut state, mut counts) = (3, [0; 400]);
        println!("seed {state}");
        for _ in 0..400_000 {
            counts[*buckets.draw(|| random(&mut state)).unwrap().1] += 1;
        }
        // Eight standard deviations of a fair draw: sqrt(1000) is about 32.
        let extremes = (counts.iter().min(), counts.iter().max());
        assert!(
            counts.iter().all(|n| (747..1253).contains(n)),
            "{extremes:?}"
        );
    }
}

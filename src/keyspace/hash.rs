//! The hash value: fields with values and expiries, in buckets that are shared with a snapshot until they change.
//!
//! A bucket holds the fields of one range of the hash space, in insertion order; it is split when it passes 64 KiB, so that
//! a small change under a running save copies a bucket, never the whole hash.

mod fields;

use bytes::Bytes;
use fields::Fields;
use foldhash::fast::FixedState;
use std::cmp::Ordering::{Equal, Greater, Less};
use std::hash::BuildHasher;
use std::sync::Arc;

/// Bytes of names and values at which a bucket is split (a single larger field stays whole).
pub(super) const BUCKET_BYTES_MAX: usize = 64 * 1024;

/// A field's value and expiry.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The value.
    pub value: Bytes,
    /// When it expires, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

#[derive(Clone, Default)]
struct Bucket {
    fields: Fields,
    bytes: usize,
}

/// Fields by name. Cloning shares the buckets.
#[derive(Clone)]
pub struct Hash {
    /// A power of two of buckets, by the top bits of the field's hash.
    buckets: Vec<Arc<Bucket>>,
    len: usize,
    bytes: usize,
    /// Fields with an expiry.
    expiring: usize,
    /// No field expires before this; u64::MAX if none does.
    next_expiry_ms: u64,
    /// Number of fields that expire right then; 0: the last of them went, and the next time is later.
    expiring_next: usize,
    hasher: FixedState,
}

impl Hash {
    /// An empty hash; `seed` keeps clients from choosing colliding field names.
    pub fn new(seed: u64) -> Hash {
        let hasher = FixedState::with_seed(seed);
        Hash {
            buckets: vec![Arc::default()],
            len: 0,
            bytes: 0,
            expiring: 0,
            next_expiry_ms: u64::MAX,
            expiring_next: 0,
            hasher,
        }
    }

    /// Number of fields, expired ones included.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no field.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of names and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of fields with an expiry.
    pub fn expiring(&self) -> usize {
        self.expiring
    }

    /// A lower bound of the earliest expiry of a field, exact once [`Hash::settle_expiry`] was called; none if no field expires.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        (self.expiring > 0).then_some(self.next_expiry_ms)
    }

    /// Number of fields that are not expired at `now_ms`.
    pub fn len_at(&self, now_ms: u64) -> usize {
        if self.expiring == 0 || now_ms < self.next_expiry_ms {
            self.len
        } else {
            self.iter_at(now_ms).count()
        }
    }

    /// The field, unless it is missing or expired at `now_ms`.
    pub fn get(&self, name: &[u8], now_ms: u64) -> Option<&Field> {
        self.buckets[self.bucket_of(name)]
            .fields
            .get(name)
            .filter(|field| is_alive(field, now_ms))
    }

    /// The field at a place below [`Hash::len`], expired ones included; places move when fields are removed.
    pub fn at(&self, mut place: usize) -> Option<(&Bytes, &Field)> {
        for bucket in &self.buckets {
            match place.checked_sub(bucket.fields.len()) {
                None => return bucket.fields.at(place),
                Some(rest) => place = rest,
            }
        }
        None
    }

    /// Whether it has fields and all of them are expired at `now_ms`.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.len > 0
            && self.expiring == self.len
            && now_ms >= self.next_expiry_ms
            && self.iter_at(now_ms).next().is_none()
    }

    /// All fields, expired ones included; a hash of one bucket in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = (&Bytes, &Field)> {
        self.buckets.iter().flat_map(|bucket| bucket.fields.iter())
    }

    /// The fields that are not expired at `now_ms`.
    pub fn iter_at(&self, now_ms: u64) -> impl Iterator<Item = (&Bytes, &Field)> {
        self.iter()
            .filter(move |(_, field)| is_alive(field, now_ms))
    }

    /// Names of the fields that are expired at `now_ms`.
    pub fn expired(&self, now_ms: u64) -> Vec<Bytes> {
        if self.expiring == 0 || now_ms < self.next_expiry_ms {
            return Vec::new();
        }
        self.iter()
            .filter(|(_, field)| !is_alive(field, now_ms))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Sets a field; whether it is new. `expires_at_ms` is the field's expiry afterwards.
    pub fn set(&mut self, name: Bytes, value: Bytes, expires_at_ms: Option<u64>) -> bool {
        let index = self.bucket_of(&name);
        let name_bytes = name.len();
        let added = name_bytes + value.len();
        let bucket = Arc::make_mut(&mut self.buckets[index]);
        let new_field = Field {
            value,
            expires_at_ms,
        };
        let old = match bucket.fields.get_mut(&name) {
            Some(field) => Some(std::mem::replace(field, new_field)),
            None => {
                bucket.fields.add(name, new_field, &self.hasher);
                None
            }
        };
        let removed = old
            .as_ref()
            .map_or(0, |field| name_bytes + field.value.len());
        bucket.bytes = bucket.bytes + added - removed;
        self.bytes = self.bytes + added - removed;
        self.len += usize::from(old.is_none());
        self.note_expiry(
            old.as_ref().and_then(|field| field.expires_at_ms),
            expires_at_ms,
        );
        if self.buckets[index].bytes > BUCKET_BYTES_MAX && self.buckets[index].fields.len() > 1 {
            self.split();
        }
        old.is_none()
    }

    /// Removes a field.
    pub fn remove(&mut self, name: &[u8]) -> Option<Field> {
        let index = self.bucket_of(name);
        self.buckets[index].fields.get(name)?;
        let bucket = Arc::make_mut(&mut self.buckets[index]);
        let field = bucket.fields.remove(name)?;
        bucket.bytes -= name.len() + field.value.len();
        self.bytes -= name.len() + field.value.len();
        self.len -= 1;
        self.note_expiry(field.expires_at_ms, None);
        Some(field)
    }

    /// Sets or takes away the expiry of a field, if it is there.
    pub fn set_expiry(&mut self, name: &[u8], expires_at_ms: Option<u64>) {
        let index = self.bucket_of(name);
        if self.buckets[index].fields.get(name).is_none() {
            return;
        }
        if let Some(field) = Arc::make_mut(&mut self.buckets[index]).fields.get_mut(name) {
            let old = std::mem::replace(&mut field.expires_at_ms, expires_at_ms);
            self.note_expiry(old, expires_at_ms);
        }
    }

    /// Where `name` stands in the hash space, which [`Hash::scan`] goes through.
    fn hash_of(&self, name: &[u8]) -> u64 {
        self.hasher.hash_one(name)
    }

    /// The fields whose hash is at least `cursor`, in order of their hash, about `count` of them, with the cursor to go on
    /// (0: done). A field that stays in the hash is seen whatever happens to others between two calls.
    pub fn scan(&self, cursor: u64, count: usize, now_ms: u64) -> (u64, Vec<(&Bytes, &Field)>) {
        let mut found: Vec<(u64, &Bytes, &Field)> = Vec::new();
        let first = self.bucket_of_hash(cursor);
        for bucket in &self.buckets[first..] {
            let hashed = bucket
                .fields
                .iter()
                .map(|(name, field)| (self.hash_of(name), name, field));
            found.extend(hashed.filter(|(hash, ..)| *hash >= cursor));
            if found.len() > count {
                break;
            }
        }
        found.sort_unstable_by_key(|(hash, ..)| *hash);
        let next = super::scan_page(&mut found, count, |(hash, ..)| *hash);
        (
            next,
            found
                .into_iter()
                .filter(|(_, _, field)| is_alive(field, now_ms))
                .map(|(_, n, f)| (n, f))
                .collect(),
        )
    }

    fn bucket_of(&self, name: &[u8]) -> usize {
        if self.buckets.len() == 1 {
            0
        } else {
            self.bucket_of_hash(self.hash_of(name))
        }
    }

    fn bucket_of_hash(&self, hash: u64) -> usize {
        match self.buckets.len().ilog2() {
            0 => 0,
            bits => (hash >> (64 - bits)) as usize,
        }
    }

    /// Doubles the number of buckets.
    fn split(&mut self) {
        let count = self.buckets.len() * 2;
        let old = std::mem::take(&mut self.buckets);
        let mut buckets: Vec<Bucket> = (0..count).map(|_| Bucket::default()).collect();
        let shift = 64 - count.ilog2();
        for bucket in old {
            for (name, field) in bucket.fields.iter() {
                let target = &mut buckets[(self.hash_of(name) >> shift) as usize];
                target.bytes += name.len() + field.value.len();
                target.fields.add(name.clone(), field.clone(), &self.hasher);
            }
        }
        self.buckets = buckets.into_iter().map(Arc::new).collect();
    }

    fn note_expiry(&mut self, old: Option<u64>, new: Option<u64>) {
        if let Some(at) = old {
            self.expiring -= 1;
            self.expiring_next -= usize::from(at == self.next_expiry_ms);
        }
        if let Some(at) = new {
            self.expiring += 1;
            if at < self.next_expiry_ms {
                (self.next_expiry_ms, self.expiring_next) = (at, 0);
            }
            self.expiring_next += usize::from(at == self.next_expiry_ms);
        }
        if self.expiring == 0 {
            (self.next_expiry_ms, self.expiring_next) = (u64::MAX, 0);
        }
    }

    /// Finds the time at which the next field expires, if the fields of the earliest one are gone. Goes through all fields:
    /// call it once after a change, however many fields that has altered.
    pub(super) fn settle_expiry(&mut self) {
        if self.expiring == 0 || self.expiring_next > 0 {
            return;
        }
        let mut next = (u64::MAX, 0);
        for at in self.iter().filter_map(|(_, field)| field.expires_at_ms) {
            match at.cmp(&next.0) {
                Less => next = (at, 1),
                Equal => next.1 += 1,
                Greater => {}
            }
        }
        (self.next_expiry_ms, self.expiring_next) = next;
    }
}

fn is_alive(field: &Field, now_ms: u64) -> bool {
    field.expires_at_ms.is_none_or(|at| at > now_ms)
}

impl PartialEq for Hash {
    /// Equal fields, values and expiries, whatever the order.
    fn eq(&self, other: &Hash) -> bool {
        self.len == other.len
            && self
                .iter()
                .all(|(name, field)| other.get(name, 0) == Some(field))
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(i: usize) -> Bytes {
        Bytes::from(format!("field-{i}"))
    }

    #[test]
    fn fields_survive_splits_and_scans_see_each_once() {
        let mut hash = Hash::new(7);
        for i in 0..5_000 {
            assert!(hash.set(name(i), Bytes::from(vec![b'x'; 40]), None));
        }
        assert!(hash.buckets.len() > 1, "the test must split");
        assert!(
            hash.buckets
                .iter()
                .all(|bucket| bucket.bytes <= BUCKET_BYTES_MAX)
        );
        assert!(!hash.set(name(3), Bytes::from_static(b"y"), None));
        assert!(hash.remove(&name(4)).is_some());
        assert_eq!(hash.len(), 4_999);
        let (mut cursor, mut seen) = (0, std::collections::BTreeSet::new());
        loop {
            let (next, page) = hash.scan(cursor, 10, 0);
            assert!(page.len() >= 10 || next == 0);
            page.iter()
                .for_each(|(name, _)| assert!(seen.insert((*name).clone())));
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), 4_999);
    }

    #[test]
    fn expired_fields_are_hidden_and_counted() {
        let mut hash = Hash::new(7);
        hash.set(name(1), Bytes::new(), Some(10));
        hash.set(name(2), Bytes::new(), Some(20));
        hash.set(name(3), Bytes::new(), None);
        assert_eq!((hash.len_at(10), hash.next_expiry_ms()), (2, Some(10)));
        assert_eq!(hash.expired(10), vec![name(1)]);
        hash.remove(&name(1));
        assert_eq!(hash.next_expiry_ms(), Some(10), "a lower bound");
        hash.settle_expiry();
        assert_eq!(hash.next_expiry_ms(), Some(20));
        hash.set_expiry(&name(2), None);
        assert_eq!((hash.next_expiry_ms(), hash.len_at(u64::MAX)), (None, 2));
    }

    #[test]
    fn the_next_expiry_is_found_however_fields_share_it() {
        let mut hash = Hash::new(7);
        for (i, at) in [10, 10, 30, 20, 20, 40].into_iter().enumerate() {
            hash.set(name(i), Bytes::new(), Some(at));
        }
        let mut next_without = |i| {
            hash.remove(&name(i));
            hash.settle_expiry();
            hash.next_expiry_ms()
        };
        assert_eq!([0, 1, 3].map(&mut next_without), [10, 20, 20].map(Some));
        hash.set_expiry(&name(5), Some(15));
        hash.set_expiry(&name(4), Some(20));
        hash.set(name(5), Bytes::new(), Some(25));
        hash.settle_expiry();
        assert_eq!(hash.next_expiry_ms(), Some(20));
        hash.set_expiry(&name(4), None);
        hash.set_expiry(&name(2), None);
        hash.settle_expiry();
        assert_eq!(hash.next_expiry_ms(), Some(25));
    }

    /// With a search for the next time after each removal this would take hours.
    #[test]
    fn many_fields_that_expire_together_go_one_by_one() {
        const FIELDS: usize = 200_000;
        let mut hash = Hash::new(7);
        for i in 0..FIELDS {
            hash.set(name(i), Bytes::new(), Some(10));
        }
        hash.set(name(FIELDS), Bytes::new(), Some(20));
        let expired = hash.expired(10);
        assert_eq!(expired.len(), FIELDS);
        for name in &expired {
            hash.remove(name);
            hash.settle_expiry();
        }
        assert_eq!((hash.len(), hash.next_expiry_ms()), (1, Some(20)));
    }

    #[test]
    fn a_clone_keeps_the_old_fields() {
        let mut hash = Hash::new(7);
        hash.set(name(1), Bytes::from_static(b"old"), None);
        let before = hash.clone();
        hash.set(name(1), Bytes::from_static(b"new"), None);
        assert_eq!(before.get(&name(1), 0).unwrap().value, "old");
        assert_ne!(before, hash);
    }
}

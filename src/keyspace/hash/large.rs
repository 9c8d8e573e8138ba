//! The fields of a large hash, in buckets that are shared with a snapshot until they change.
//!
//! A bucket holds the fields of one range of the hash space, in insertion order; it is split when it passes 64 KiB, so that
//! a small change under a running save copies a bucket, never the whole hash.

use super::fields::{Fields, Stored};
use super::{BUCKET_BYTES_MAX, Field, FieldBytes};
use foldhash::fast::FixedState;
use std::cmp::Ordering::{Equal, Greater, Less};
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

/// One for all hashes, because a cursor of HSCAN goes on in the hash that took the place of the one that it came from. Of the seed of the
/// first keyspace of the process, which clients do not know, so that they cannot choose colliding names.
static HASHER: OnceLock<FixedState> = OnceLock::new();

fn hasher() -> &'static FixedState {
    HASHER.get_or_init(FixedState::default)
}

/// Says what names are hashed by, unless that was said before.
pub(super) fn seed(seed: u64) {
    HASHER.get_or_init(|| FixedState::with_seed(seed));
}

#[derive(Clone, Default)]
struct Bucket {
    fields: Fields,
    bytes: usize,
}

/// Fields by name. Cloning shares the buckets.
#[derive(Clone)]
pub(super) struct Large {
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
}

impl Default for Large {
    fn default() -> Large {
        Large {
            buckets: vec![Arc::default()],
            len: 0,
            bytes: 0,
            expiring: 0,
            next_expiry_ms: u64::MAX,
            expiring_next: 0,
        }
    }
}

/// A field as its reader sees it.
fn seen<'h>((name, stored): (&'h [u8], &'h Stored)) -> Field<'h> {
    Field {
        name: FieldBytes::Plain(name),
        value: stored.value.seen(),
        expires_at_ms: stored.expires_at_ms,
    }
}

impl Large {
    /// Number of fields, expired ones included.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of names and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that it takes beside names and values, about.
    pub(super) fn overhead(&self) -> usize {
        /// The hash of the name, and its place in the map.
        const PLACE: usize = 16;
        size_of::<Large>() + self.len * (size_of::<(Box<[u8]>, Stored)>() + PLACE)
    }

    /// Number of fields with an expiry.
    pub(super) fn expiring(&self) -> usize {
        self.expiring
    }

    /// A lower bound of the earliest expiry of a field; none if no field expires.
    pub(super) fn next_expiry_ms(&self) -> Option<u64> {
        (self.expiring > 0).then_some(self.next_expiry_ms)
    }

    /// The field of a name, expired or not.
    pub(super) fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        let bucket = &self.buckets[self.bucket_of(name)];
        bucket.fields.get(name).map(seen)
    }

    /// The field at a place below [`Large::len`].
    pub(super) fn at(&self, mut place: usize) -> Option<Field<'_>> {
        for bucket in &self.buckets {
            match place.checked_sub(bucket.fields.len()) {
                None => return bucket.fields.at(place).map(seen),
                Some(rest) => place = rest,
            }
        }
        None
    }

    /// The hash of a name, by which fields lie in buckets.
    pub(super) fn hash_of(name: &[u8]) -> u64 {
        hasher().hash_one(name)
    }

    /// All fields; those of one bucket in insertion order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.buckets_from(0).flatten()
    }

    /// The fields by bucket, without the buckets that lie before a place in the hash space.
    pub(super) fn buckets_from(
        &self,
        hash: u64,
    ) -> impl Iterator<Item = impl Iterator<Item = Field<'_>>> {
        let buckets = &self.buckets[self.bucket_of_hash(hash)..];
        buckets.iter().map(|bucket| bucket.fields.iter().map(seen))
    }

    /// Sets a field; whether it is new. `expires_at_ms` is the field's expiry afterwards.
    pub(super) fn set(
        &mut self,
        name: &[u8],
        value: FieldBytes<'_>,
        expires_at_ms: Option<u64>,
    ) -> bool {
        let index = self.bucket_of(name);
        let name_bytes = name.len();
        let added = name_bytes + value.len();
        let bucket = Arc::make_mut(&mut self.buckets[index]);
        let stored = Stored {
            value: value.into(),
            expires_at_ms,
        };
        let old = match bucket.fields.get_mut(name) {
            Some(field) => Some(std::mem::replace(field, stored)),
            None => {
                bucket.fields.add(name.into(), stored, hasher());
                None
            }
        };
        let removed = old
            .as_ref()
            .map_or(0, |field| name_bytes + field.value.seen().len());
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

    /// Removes a field; whether it was there.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let index = self.bucket_of(name);
        if self.buckets[index].fields.get(name).is_none() {
            return false;
        }
        let bucket = Arc::make_mut(&mut self.buckets[index]);
        let Some(removed) = bucket.fields.remove(name) else {
            return false;
        };
        let removed_bytes = name.len() + removed.value.seen().len();
        bucket.bytes -= removed_bytes;
        self.bytes -= removed_bytes;
        self.len -= 1;
        self.note_expiry(removed.expires_at_ms, None);
        true
    }

    /// Sets or takes away the expiry of a field, if it is there.
    pub(super) fn set_expiry(&mut self, name: &[u8], expires_at_ms: Option<u64>) {
        let index = self.bucket_of(name);
        if self.buckets[index].fields.get(name).is_none() {
            return;
        }
        if let Some(field) = Arc::make_mut(&mut self.buckets[index]).fields.get_mut(name) {
            let old = std::mem::replace(&mut field.expires_at_ms, expires_at_ms);
            self.note_expiry(old, expires_at_ms);
        }
    }

    fn bucket_of(&self, name: &[u8]) -> usize {
        if self.buckets.len() == 1 {
            0
        } else {
            self.bucket_of_hash(Large::hash_of(name))
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
                let target = &mut buckets[(Large::hash_of(name) >> shift) as usize];
                target.bytes += name.len() + field.value.seen().len();
                target.fields.add(name.into(), field.clone(), hasher());
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
        for at in self.iter().filter_map(|field| field.expires_at_ms) {
            match at.cmp(&next.0) {
                Less => next = (at, 1),
                Equal => next.1 += 1,
                Greater => {}
            }
        }
        (self.next_expiry_ms, self.expiring_next) = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_stay_small() {
        let mut large = Large::default();
        for i in 0..5_000 {
            let name = format!("field-{i}");
            assert!(large.set(name.as_bytes(), FieldBytes::Plain(&[b'x'; 40]), None));
        }
        assert!(large.buckets.len() > 1, "the test must split");
        let mut bytes = large.buckets.iter().map(|bucket| bucket.bytes);
        assert!(bytes.all(|bytes| bytes <= BUCKET_BYTES_MAX));
    }
}

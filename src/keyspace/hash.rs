//! The hash value: fields with values and expiries. Most hashes are small and are one packed list (packed.rs); one that grows, or gets a
//! field that expires, is kept in buckets from then on (large.rs).

mod fields;
mod large;
mod packed;

use crate::shared_bytes::SharedBytes;
use bytes::Bytes;
use large::Large;
use packed::PackedFields;
use std::ops::Deref;

/// Bytes of names and values at which a bucket is split (a single larger field stays whole).
pub(super) const BUCKET_BYTES_MAX: usize = 64 * 1024;

/// So many fields are looked through one by one: those of a packed list, or of a bucket; more have a map.
const FEW_FIELDS_MAX: usize = 16;

/// Bytes of a value that is not shared: a copy of so many costs less than counting who has them.
const PLAIN_BYTES_MAX: usize = 64;

/// A field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'h> {
    /// Its name.
    pub name: FieldBytes<'h>,
    /// Its value.
    pub value: FieldBytes<'h>,
    /// When it expires, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
}

/// A name or a value.
#[derive(Clone, Copy, Debug)]
pub enum FieldBytes<'h> {
    /// A name, or a value of few bytes.
    Plain(&'h [u8]),
    /// A long value.
    Shared(&'h SharedBytes),
}

impl<'h> FieldBytes<'h> {
    /// The bytes.
    pub fn as_slice(self) -> &'h [u8] {
        match self {
            FieldBytes::Plain(bytes) => bytes,
            FieldBytes::Shared(bytes) => bytes,
        }
    }

    /// The bytes, to keep: of a long value shared, else copied.
    pub fn to_bytes(self) -> Bytes {
        match self {
            FieldBytes::Plain(bytes) => Bytes::copy_from_slice(bytes),
            FieldBytes::Shared(bytes) => bytes.to_bytes(),
        }
    }

    /// As `to_bytes`, for an index.
    pub fn to_shared(self) -> SharedBytes {
        match self {
            FieldBytes::Plain(bytes) => bytes.into(),
            FieldBytes::Shared(bytes) => bytes.clone(),
        }
    }
}

impl Deref for FieldBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl PartialEq for FieldBytes<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Field<'_> {
    fn is_alive(&self, now_ms: u64) -> bool {
        self.expires_at_ms.is_none_or(|at| at > now_ms)
    }
}

/// Fields by name. Cloning copies a small hash, and shares what a large one consists of.
#[derive(Clone, Default)]
pub struct Hash {
    fields: Fields,
}

// There is one for each key that holds a hash, with two counts of who shares it.
const _: () = assert!(size_of::<Hash>() <= 32);

#[derive(Clone)]
enum Fields {
    Packed(PackedFields),
    Large(Box<Large>),
}

impl Default for Fields {
    fn default() -> Fields {
        Fields::Packed(PackedFields::default())
    }
}

impl Hash {
    /// Keeps clients from choosing colliding field names by a seed that they do not know. The first one in the process holds.
    pub fn seed(seed: u64) {
        large::seed(seed);
    }

    /// Number of fields, expired ones included.
    pub fn len(&self) -> usize {
        match &self.fields {
            Fields::Packed(list) => list.iter().count(),
            Fields::Large(large) => large.len(),
        }
    }

    /// Whether it has no field.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of names and values.
    pub fn bytes(&self) -> usize {
        match &self.fields {
            Fields::Packed(list) => list
                .iter()
                .map(|field| field.name.len() + field.value.len())
                .sum(),
            Fields::Large(large) => large.bytes(),
        }
    }

    /// Bytes that it takes beside names and values, about.
    pub fn overhead(&self) -> usize {
        size_of::<Hash>()
            + match &self.fields {
                Fields::Packed(list) => list.overhead(),
                Fields::Large(large) => large.overhead(),
            }
    }

    /// Number of fields with an expiry.
    pub fn expiring(&self) -> usize {
        self.large().map_or(0, Large::expiring)
    }

    /// A lower bound of the earliest expiry of a field, exact once [`Hash::settle_expiry`] was called; none if no field expires.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        self.large()?.next_expiry_ms()
    }

    /// Number of fields that are not expired at `now_ms`.
    pub fn len_at(&self, now_ms: u64) -> usize {
        match self.next_expiry_ms() {
            Some(next) if now_ms >= next => self.iter_at(now_ms).count(),
            _ => self.len(),
        }
    }

    /// The field, unless it is missing or expired at `now_ms`.
    pub fn get(&self, name: &[u8], now_ms: u64) -> Option<Field<'_>> {
        self.find(name).filter(|field| field.is_alive(now_ms))
    }

    fn find(&self, name: &[u8]) -> Option<Field<'_>> {
        match &self.fields {
            Fields::Packed(list) => list.get(name),
            Fields::Large(large) => large.get(name),
        }
    }

    /// The field at a place below [`Hash::len`], expired ones included; places move when fields are removed.
    pub fn at(&self, place: usize) -> Option<Field<'_>> {
        match &self.fields {
            Fields::Packed(list) => list.iter().nth(place),
            Fields::Large(large) => large.at(place),
        }
    }

    /// Whether it has fields and all of them are expired at `now_ms`.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.large().is_some_and(|large| {
            large.len() > 0
                && large.expiring() == large.len()
                && large.next_expiry_ms().is_some_and(|next| now_ms >= next)
                && self.iter_at(now_ms).next().is_none()
        })
    }

    /// All fields, expired ones included; those of a hash of one bucket in insertion order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        let (list, large) = match &self.fields {
            Fields::Packed(list) => (Some(list.iter()), None),
            Fields::Large(large) => (None, Some(large.iter())),
        };
        let list = list.into_iter().flatten();
        list.chain(large.into_iter().flatten())
    }

    /// The fields that are not expired at `now_ms`.
    pub fn iter_at(&self, now_ms: u64) -> impl Iterator<Item = Field<'_>> {
        self.iter().filter(move |field| field.is_alive(now_ms))
    }

    /// Names of the fields that are expired at `now_ms`.
    pub fn expired(&self, now_ms: u64) -> Vec<Bytes> {
        if self.next_expiry_ms().is_none_or(|next| now_ms < next) {
            return Vec::new();
        }
        let expired = self.iter().filter(|field| !field.is_alive(now_ms));
        expired.map(|field| field.name.to_bytes()).collect()
    }

    /// Sets a field to these bytes; whether it is new. `expires_at_ms` is the field's expiry afterwards. The bytes are copied, unless they
    /// are there: an index has a handle on those.
    pub fn set(&mut self, name: &[u8], value: &[u8], expires_at_ms: Option<u64>) -> bool {
        let kept = self.shared(name, value);
        match &mut self.fields {
            Fields::Packed(_) if expires_at_ms.is_none() && kept.is_some() => false,
            Fields::Packed(list) if expires_at_ms.is_none() && list.takes(name) => {
                list.set(name, value)
            }
            _ => {
                let value = kept
                    .as_ref()
                    .map_or(FieldBytes::Plain(value), FieldBytes::Shared);
                self.make_large().set(name, value, expires_at_ms)
            }
        }
    }

    /// The field's value, if it is this one and shared.
    fn shared(&self, name: &[u8], value: &[u8]) -> Option<SharedBytes> {
        if value.len() <= PLAIN_BYTES_MAX {
            return None;
        }
        match self.find(name)?.value {
            FieldBytes::Shared(kept) if **kept == *value => Some(kept.clone()),
            _ => None,
        }
    }

    /// Removes a field; whether it was there.
    pub fn remove(&mut self, name: &[u8]) -> bool {
        match &mut self.fields {
            Fields::Packed(list) => list.remove(name),
            Fields::Large(large) => large.remove(name),
        }
    }

    /// Sets or takes away the expiry of a field, if it is there.
    pub fn set_expiry(&mut self, name: &[u8], expires_at_ms: Option<u64>) {
        match &self.fields {
            Fields::Packed(list) if expires_at_ms.is_none() || list.get(name).is_none() => {}
            _ => self.make_large().set_expiry(name, expires_at_ms),
        }
    }

    /// The fields whose hash is at least `cursor`, in order of their hash, about `count` of them, with the cursor to go on
    /// (0: done); of a small hash all at once. A field that stays in the hash is seen whatever happens to others between two calls.
    pub fn scan<'h>(&'h self, cursor: u64, count: usize, now_ms: u64) -> (u64, Vec<Field<'h>>) {
        let large = match &self.fields {
            Fields::Packed(list) => return (0, list.iter().collect()),
            Fields::Large(large) => large,
        };
        let mut found: Vec<(u64, Field<'_>)> = Vec::new();
        let placed = |field: Field<'h>| (Large::hash_of(&field.name), field);
        for bucket in large.buckets_from(cursor) {
            found.extend(bucket.map(placed).filter(|(hash, _)| *hash >= cursor));
            if found.len() > count {
                break;
            }
        }
        found.sort_unstable_by_key(|(hash, _)| *hash);
        let next = super::scan_page(&mut found, count, |(hash, _)| *hash);
        let fields = found.into_iter().map(|(_, field)| field);
        (
            next,
            fields.filter(|field| field.is_alive(now_ms)).collect(),
        )
    }

    /// Finds the time at which the next field expires, if the fields of the earliest one are gone. Goes through all fields:
    /// call it once after a change, however many fields that has altered.
    pub(super) fn settle_expiry(&mut self) {
        if let Fields::Large(large) = &mut self.fields {
            large.settle_expiry();
        }
    }

    fn large(&self) -> Option<&Large> {
        match &self.fields {
            Fields::Packed(_) => None,
            Fields::Large(large) => Some(large),
        }
    }

    /// The buckets; a small hash becomes a large one.
    fn make_large(&mut self) -> &mut Large {
        if let Fields::Packed(list) = &self.fields {
            let mut large = Large::default();
            for field in list.iter() {
                large.set(&field.name, field.value, None);
            }
            self.fields = Fields::Large(Box::new(large));
        }
        match &mut self.fields {
            Fields::Large(large) => large,
            Fields::Packed(_) => unreachable!("made large above"),
        }
    }
}

impl PartialEq for Hash {
    /// Equal fields, values and expiries, whatever the order.
    fn eq(&self, other: &Hash) -> bool {
        let is_there = |field: Field<'_>| other.get(&field.name, 0) == Some(field);
        self.len() == other.len() && self.iter().all(is_there)
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
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
        let mut hash = Hash::default();
        for i in 0..5_000 {
            assert!(hash.set(&name(i), &[b'x'; 40], None));
        }
        assert!(hash.bytes() > 3 * BUCKET_BYTES_MAX, "the test must split");
        assert!(!hash.set(&name(3), b"y", None));
        assert!(hash.remove(&name(4)));
        assert_eq!(hash.len(), 4_999);
        let (mut cursor, mut seen) = (0, std::collections::BTreeSet::new());
        loop {
            let (next, page) = hash.scan(cursor, 10, 0);
            assert!(page.len() >= 10 || next == 0);
            page.iter()
                .for_each(|field| assert!(seen.insert(field.name.to_vec())));
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), 4_999);
    }

    #[test]
    fn expired_fields_are_hidden_and_counted() {
        let mut hash = Hash::default();
        hash.set(&name(1), b"", Some(10));
        hash.set(&name(2), b"", Some(20));
        hash.set(&name(3), b"", None);
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
        let mut hash = Hash::default();
        for (i, at) in [10, 10, 30, 20, 20, 40].into_iter().enumerate() {
            hash.set(&name(i), b"", Some(at));
        }
        let mut next_without = |i| {
            hash.remove(&name(i));
            hash.settle_expiry();
            hash.next_expiry_ms()
        };
        assert_eq!([0, 1, 3].map(&mut next_without), [10, 20, 20].map(Some));
        hash.set_expiry(&name(5), Some(15));
        hash.set_expiry(&name(4), Some(20));
        hash.set(&name(5), b"", Some(25));
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
        let mut hash = Hash::default();
        for i in 0..FIELDS {
            hash.set(&name(i), b"", Some(10));
        }
        hash.set(&name(FIELDS), b"", Some(20));
        let expired = hash.expired(10);
        assert_eq!(expired.len(), FIELDS);
        for name in &expired {
            hash.remove(name);
            hash.settle_expiry();
        }
        assert_eq!((hash.len(), hash.next_expiry_ms()), (1, Some(20)));
    }

    #[test]
    fn a_long_value_that_is_set_again_stays_where_it_is() {
        let long = [b'v'; PLAIN_BYTES_MAX + 1];
        let place = |hash: &Hash| hash.get(&name(1), 0).unwrap().value.as_ptr();
        let mut hash = Hash::default();
        hash.set(&name(1), &long, None);
        let first = place(&hash);
        assert!(!hash.set(&name(1), &long, None));
        assert_eq!(place(&hash), first, "packed");
        assert!(!hash.set(&name(1), &long, Some(10)));
        assert_eq!((place(&hash), hash.next_expiry_ms()), (first, Some(10)));
        assert!(!hash.set(&name(1), &long, None));
        assert_eq!((place(&hash), hash.next_expiry_ms()), (first, None));
        assert!(!hash.set(&name(1), &[b'w'; PLAIN_BYTES_MAX + 1], None));
        assert_eq!(hash.get(&name(1), 0).unwrap().value[0], b'w');
    }

    #[test]
    fn a_clone_keeps_the_old_fields() {
        let mut hash = Hash::default();
        hash.set(&name(1), b"old", None);
        let before = hash.clone();
        hash.set(&name(1), b"new", None);
        assert_eq!(&*before.get(&name(1), 0).unwrap().value, b"old");
        assert_ne!(before, hash);
    }

    #[test]
    fn a_small_hash_that_grows_or_expires_keeps_its_fields_and_their_order() {
        let alterations: [fn(&mut Hash); 4] = [
            |hash| assert!(hash.set(&name(16), b"v", None)),
            |hash| hash.set_expiry(&name(3), Some(10)),
            |hash| assert!(!hash.set(&name(3), b"v", Some(10))),
            |hash| assert!(hash.set(&[b'n'; 300], b"v", None)),
        ];
        for (at, alter) in alterations.iter().enumerate() {
            let mut hash = Hash::default();
            for i in 0..16 {
                hash.set(&name(i), &vec![b'v'; 1 + i * 10], None);
            }
            let small = hash.clone();
            alter(&mut hash);
            assert!(matches!(small.fields, Fields::Packed(_)));
            assert!(matches!(hash.fields, Fields::Large(_)), "{at}");
            let names = |hash: &Hash| -> Vec<Vec<u8>> {
                let fields = hash.iter().take(16);
                fields.map(|field| field.name.to_vec()).collect()
            };
            assert_eq!(names(&hash), names(&small), "{at}");
            // A scan that began on the small one goes on over the large one.
            let (cursor, first) = small.scan(0, 5, 0);
            let (end, rest) = hash.scan(cursor, 100, 0);
            let seen: std::collections::BTreeSet<&[u8]> = first
                .iter()
                .chain(&rest)
                .map(|field| field.name.as_slice())
                .collect();
            assert!(
                end == 0 && (0..16).all(|i| seen.contains(&name(i)[..])),
                "{at}"
            );
        }
    }
}

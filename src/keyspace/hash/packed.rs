//! The fields of a small hash as one list of bytes, in insertion order, of each: length of the name (1 byte), name, length of the value
//! (1 byte), value. A long value is shared ([`SharedBytes`]) and has [`SHARED`] in place of its length and bytes; the
//! handles stand in the order of their fields. None of these fields expires.

use super::{FEW_FIELDS_MAX, Field, FieldBytes, PLAIN_BYTES_MAX};
use crate::shared_bytes::SharedBytes;

/// Bytes of a name: as many as its length has room for.
const NAME_BYTES_MAX: usize = u8::MAX as usize;
/// In the place of a value's length: it is shared.
const SHARED: u8 = u8::MAX;

/// Fields by name.
#[derive(Clone, Default)]
pub(super) struct PackedFields {
    list: Box<[u8]>,
    shared: Box<[SharedBytes]>,
}

/// Where a field stands.
struct Place {
    /// Of its first byte.
    start: usize,
    /// Of the byte that tells the value's length.
    value: usize,
    /// Behind its last byte.
    end: usize,
    /// Shared values of the fields in front of it.
    shared: usize,
}

/// Fields with their places.
struct Iter<'h> {
    packed: &'h PackedFields,
    at: usize,
    shared: usize,
}

impl<'h> Iterator for Iter<'h> {
    type Item = (Place, Field<'h>);

    fn next(&mut self) -> Option<Self::Item> {
        let list = &self.packed.list;
        let start = self.at;
        let value = start + 1 + usize::from(*list.get(start)?);
        let (value_bytes, shared) = match list[value] {
            SHARED => (FieldBytes::Shared(&self.packed.shared[self.shared]), 1),
            len => (
                FieldBytes::Plain(&list[value + 1..value + 1 + usize::from(len)]),
                0,
            ),
        };
        let len = if shared == 1 { 0 } else { value_bytes.len() };
        let place = Place {
            start,
            value,
            end: value + 1 + len,
            shared: self.shared,
        };
        self.at = place.end;
        self.shared += shared;
        let field = Field {
            name: FieldBytes::Plain(&list[start + 1..value]),
            value: value_bytes,
            expires_at_ms: None,
        };
        Some((place, field))
    }
}

impl PackedFields {
    fn places(&self) -> Iter<'_> {
        Iter {
            packed: self,
            at: 0,
            shared: 0,
        }
    }

    fn find(&self, name: &[u8]) -> Option<(Place, Field<'_>)> {
        self.places().find(|(_, field)| *field.name == *name)
    }

    /// The fields.
    pub(super) fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.places().map(|(_, field)| field)
    }

    /// The field of a name.
    pub(super) fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        self.find(name).map(|(_, field)| field)
    }

    /// Bytes that it takes beside names and values, about.
    pub(super) fn overhead(&self) -> usize {
        2 * self.iter().count()
            + self.shared.len() * (size_of::<SharedBytes>() + SharedBytes::OVERHEAD)
    }

    /// Whether a field of this name is there or finds room.
    pub(super) fn takes(&self, name: &[u8]) -> bool {
        name.len() <= NAME_BYTES_MAX
            && (self.iter().count() < FEW_FIELDS_MAX || self.get(name).is_some())
    }

    /// Sets a field that it [takes](PackedFields::takes) to a copy of the value; whether it is new.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        let is_shared = value.len() > PLAIN_BYTES_MAX;
        let tail = |list: &mut Vec<u8>| {
            if is_shared {
                list.push(SHARED);
            } else {
                list.push(value.len() as u8);
                list.extend_from_slice(value);
            }
        };
        let former = self.find(name).map(|(place, field)| {
            let was_shared = matches!(field.value, FieldBytes::Shared(_));
            (place, was_shared)
        });
        let mut list = std::mem::take(&mut self.list).into_vec();
        let mut shared = std::mem::take(&mut self.shared).into_vec();
        match &former {
            None => {
                list.reserve_exact(2 + name.len() + if is_shared { 0 } else { value.len() });
                list.push(name.len() as u8);
                list.extend_from_slice(name);
                tail(&mut list);
                if is_shared {
                    shared.reserve_exact(1);
                    shared.push(value.into());
                }
            }
            Some((place, was_shared)) => {
                let mut encoded = Vec::with_capacity(1 + value.len().min(PLAIN_BYTES_MAX));
                tail(&mut encoded);
                list.splice(place.value..place.end, encoded);
                let new = is_shared.then(|| value.into());
                shared.splice(place.shared..place.shared + usize::from(*was_shared), new);
            }
        }
        self.list = list.into();
        self.shared = shared.into();
        former.is_none()
    }

    /// Removes a field; whether it was there. The others keep their order.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let Some((place, field)) = self.find(name) else {
            return false;
        };
        let is_shared = matches!(field.value, FieldBytes::Shared(_));
        let mut list = std::mem::take(&mut self.list).into_vec();
        list.drain(place.start..place.end);
        self.list = list.into();
        if is_shared {
            let mut shared = std::mem::take(&mut self.shared).into_vec();
            shared.remove(place.shared);
            self.shared = shared.into();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Knuth's MMIX generator; its upper half.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
            self.0 = next.wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % end
        }

        fn one_of<const N: usize>(&mut self, choices: [usize; N]) -> usize {
            choices[self.below(N)]
        }
    }

    fn fields(packed: &PackedFields) -> Vec<(Vec<u8>, Vec<u8>)> {
        let pairs = packed.iter().map(|field| {
            let is_shared = matches!(field.value, FieldBytes::Shared(_));
            assert_eq!(is_shared, field.value.len() > PLAIN_BYTES_MAX);
            (field.name.to_vec(), field.value.to_vec())
        });
        pairs.collect()
    }

    #[test]
    fn it_agrees_with_a_list_of_pairs() {
        let seed = 0x7061_636b;
        println!("seed {seed}");
        let mut random = Random(seed);
        let mut packed = PackedFields::default();
        let mut twin: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for step in 0..20_000 {
            let length = random.one_of([0, 1, 3, 200, NAME_BYTES_MAX]);
            let name = vec![random.below(6) as u8; length];
            let there = twin.iter().position(|(other, _)| *other == name);
            if random.below(3) == 0 {
                assert_eq!(packed.remove(&name), there.is_some(), "step {step}");
                there.map(|at| twin.remove(at));
            } else if packed.takes(&name) {
                let length = random.one_of([0, 1, 63, 64, 65, 254, 255, 256, 1_000]);
                let value = vec![random.below(256) as u8; length];
                assert_eq!(packed.set(&name, &value), there.is_none(), "step {step}");
                match there {
                    Some(at) => twin[at].1 = value,
                    None => twin.push((name, value)),
                }
            } else {
                assert!(twin.len() == FEW_FIELDS_MAX && there.is_none());
            }
            assert_eq!(fields(&packed), twin, "step {step}");
        }
        assert!(!packed.takes(&[0; NAME_BYTES_MAX + 1]));
    }
}

//! The fields of a small hash as one list of bytes, in insertion order, of each: length of the name (1 byte), name, length of the value
//! (1 byte), value. A long value is an allocation of its own, which replies and indexes share, and has [`OWN`] in place of its length and bytes; the
//! allocations stand in the order of their fields. None of these fields expires.

use super::{FEW_FIELDS_MAX, Field, FieldBytes};
use bytes::Bytes;

/// Bytes of a name: as many as its length has room for.
const NAME_BYTES_MAX: usize = u8::MAX as usize;
/// Bytes of a value in the list; a copy of so many costs less than counting who shares them.
const VALUE_BYTES_MAX: usize = 64;
/// In the place of a value's length: it has an allocation of its own.
const OWN: u8 = u8::MAX;

/// Fields by name.
#[derive(Clone, Default)]
pub(super) struct PackedFields {
    list: Box<[u8]>,
    own: Box<[Bytes]>,
}

/// Where a field stands.
struct Place {
    /// Of its first byte.
    start: usize,
    /// Of the byte that tells the value's length.
    value: usize,
    /// Behind its last byte.
    end: usize,
    /// Allocations of the fields in front of it.
    own: usize,
}

/// Fields with their places.
struct Iter<'h> {
    packed: &'h PackedFields,
    at: usize,
    own: usize,
}

impl<'h> Iterator for Iter<'h> {
    type Item = (Place, Field<'h>);

    fn next(&mut self) -> Option<Self::Item> {
        let list = &self.packed.list;
        let start = self.at;
        let value = start + 1 + usize::from(*list.get(start)?);
        let (value_bytes, own) = match list[value] {
            OWN => (FieldBytes::Own(&self.packed.own[self.own]), 1),
            len => (
                FieldBytes::Packed(&list[value + 1..value + 1 + usize::from(len)]),
                0,
            ),
        };
        let len = if own == 1 { 0 } else { value_bytes.len() };
        let place = Place {
            start,
            value,
            end: value + 1 + len,
            own: self.own,
        };
        self.at = place.end;
        self.own += own;
        let field = Field {
            name: FieldBytes::Packed(&list[start + 1..value]),
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
            own: 0,
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
        2 * self.iter().count() + self.own.len() * size_of::<Bytes>()
    }

    /// Whether a field of this name is there or finds room.
    pub(super) fn takes(&self, name: &[u8]) -> bool {
        name.len() <= NAME_BYTES_MAX
            && (self.iter().count() < FEW_FIELDS_MAX || self.get(name).is_some())
    }

    /// Sets a field that it [takes](PackedFields::takes) to a copy of the value; whether it is new.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) -> bool {
        let is_own = value.len() > VALUE_BYTES_MAX;
        let tail = |list: &mut Vec<u8>| {
            if is_own {
                list.push(OWN);
            } else {
                list.push(value.len() as u8);
                list.extend_from_slice(value);
            }
        };
        let former = self.find(name).map(|(place, field)| {
            let was_own = matches!(field.value, FieldBytes::Own(_));
            (place, was_own)
        });
        let mut list = std::mem::take(&mut self.list).into_vec();
        let mut own = std::mem::take(&mut self.own).into_vec();
        match &former {
            None => {
                list.reserve_exact(2 + name.len() + if is_own { 0 } else { value.len() });
                list.push(name.len() as u8);
                list.extend_from_slice(name);
                tail(&mut list);
                if is_own {
                    own.reserve_exact(1);
                    own.push(Bytes::copy_from_slice(value));
                }
            }
            Some((place, was_own)) => {
                let mut encoded = Vec::with_capacity(1 + value.len().min(VALUE_BYTES_MAX));
                tail(&mut encoded);
                list.splice(place.value..place.end, encoded);
                let new = is_own.then(|| Bytes::copy_from_slice(value));
                own.splice(place.own..place.own + usize::from(*was_own), new);
            }
        }
        self.list = list.into();
        self.own = own.into();
        former.is_none()
    }

    /// Removes a field; whether it was there. The others keep their order.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        let Some((place, field)) = self.find(name) else {
            return false;
        };
        let is_own = matches!(field.value, FieldBytes::Own(_));
        let mut list = std::mem::take(&mut self.list).into_vec();
        list.drain(place.start..place.end);
        self.list = list.into();
        if is_own {
            let mut own = std::mem::take(&mut self.own).into_vec();
            own.remove(place.own);
            self.own = own.into();
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
            let is_own = matches!(field.value, FieldBytes::Own(_));
            assert_eq!(is_own, field.value.len() > VALUE_BYTES_MAX);
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

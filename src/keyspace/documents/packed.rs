//! What an index keeps of a document as one string of bytes: its key, the values of its fields that nobody else can tell, and the
//! numbers of its words. An allocation for each of these took four times as much.
//!
//! The bytes are: varint length of the key, the key; varint how many fields follow, for each what it holds; then the numbers of the
//! words, ascending, each as the step from the one before. Fields without anything behind the last that has something are not there,
//! so a schema may grow without a document being touched. A field is a byte for its kind and what [`put_value`] puts behind it.

use super::postings::{read, write};
use super::values::FieldValue;
use super::vocabulary::WordId;
use crate::sys;
use smallvec::SmallVec;

/// Kinds of values.
const MISSING: u8 = 0;
const ELSEWHERE: u8 = 1;
const NUMBER: u8 = 2;
const NUMBERS: u8 = 3;
const TAGS: u8 = 4;
const WHOLE: u8 = 5;

/// Whole numbers below it, and above its negative, take at most 7 bytes in groups of seven bits, less than the 8 of any number.
const WHOLE_END: u64 = 1 << 48;

/// Bytes of a document.
pub struct PackedDocument(Box<[u8]>);

/// The value of one field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PackedValue<'p> {
    /// There is none.
    Missing,
    /// There is one, and what it is stands elsewhere: texts in the vocabulary, points and shapes in their fields, vectors in their slots.
    Elsewhere,
    /// TAG.
    Tags(Tags<'p>),
    /// NUMERIC.
    Numbers(Numbers<'p>),
}

/// The tags of a field, packed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tags<'p>(&'p [u8]);

/// The numbers of a field, packed: bit for bit as they came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers<'p> {
    /// A whole number that is the only one.
    whole: Option<f64>,
    rest: &'p [[u8; 8]],
}

impl PackedDocument {
    /// Packs a document; `values` are by the fields' places, `words` each once.
    pub(super) fn new(
        key: &[u8],
        values: &[FieldValue],
        mut words: Box<[WordId]>,
    ) -> PackedDocument {
        let mut bytes = Buffer::new();
        put_bytes(&mut bytes, key);
        let is_there = |value: &FieldValue| *value != FieldValue::Missing;
        let count = values.iter().rposition(is_there).map_or(0, |last| last + 1);
        write(&mut bytes, count as u128);
        let there = values.iter().take(count);
        there.for_each(|value| put_value(&mut bytes, value));
        words.sort_unstable();
        let mut before = 0;
        for word in words {
            write(&mut bytes, u128::from(word - before));
            before = word;
        }
        PackedDocument(bytes[..].into())
    }

    /// The same under another key.
    pub(super) fn with_key(&self, key: &[u8]) -> PackedDocument {
        let mut left = &self.0[..];
        take_bytes(&mut left);
        let mut bytes = Buffer::new();
        put_bytes(&mut bytes, key);
        bytes.extend_from_slice(left);
        PackedDocument(bytes[..].into())
    }

    /// Asks for its first bytes, the key, to be brought near.
    pub(super) fn prefetch(&self) {
        sys::prefetch(self.0.as_ptr(), 1);
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        let mut bytes = &self.0[..];
        take_bytes(&mut bytes)
    }

    /// The values by the fields' places. Behind the last there is nothing.
    pub fn values(&self) -> Values<'_> {
        let mut bytes = &self.0[..];
        take_bytes(&mut bytes);
        let left = read(&mut bytes) as usize;
        Values { left, bytes }
    }

    /// The value of a field.
    pub fn value(&self, field: usize) -> PackedValue<'_> {
        self.values().nth(field).unwrap_or(PackedValue::Missing)
    }

    /// The numbers of the words, ascending.
    pub fn words(&self) -> impl Iterator<Item = WordId> {
        let mut values = self.values();
        values.by_ref().for_each(drop);
        let (mut bytes, mut word) = (values.bytes, 0);
        std::iter::from_fn(move || {
            (!bytes.is_empty()).then(|| {
                word += read(&mut bytes) as WordId;
                word
            })
        })
    }

    /// Bytes of the values.
    pub fn value_bytes(&self) -> usize {
        let mut values = self.values();
        let before = values.bytes.len();
        values.by_ref().for_each(drop);
        before - values.bytes.len()
    }

    /// All bytes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// Bytes that are being put together: most documents have fewer.
type Buffer = SmallVec<[u8; 256]>;

fn put_value(bytes: &mut Buffer, value: &FieldValue) {
    match value {
        FieldValue::Missing => bytes.push(MISSING),
        FieldValue::Texts(_)
        | FieldValue::Points(_)
        | FieldValue::Shapes(_)
        | FieldValue::Vectors(_) => bytes.push(ELSEWHERE),
        FieldValue::Numbers(numbers) => put_numbers(bytes, numbers),
        FieldValue::Tags(tags) => {
            let mut packed = Buffer::new();
            tags.iter()
                .for_each(|tag| put_bytes(&mut packed, tag.as_bytes()));
            bytes.push(TAGS);
            put_bytes(bytes, &packed);
        }
    }
}

fn put_numbers(bytes: &mut Buffer, numbers: &[f64]) {
    match numbers {
        [one] => {
            if let Some(whole) = whole(*one) {
                bytes.push(WHOLE);
                // The sign goes last: so small numbers stay small.
                let sign = u64::from(whole < 0);
                return write(bytes, u128::from(whole.unsigned_abs() << 1 | sign));
            }
            bytes.push(NUMBER);
        }
        _ => {
            bytes.push(NUMBERS);
            write(bytes, numbers.len() as u128);
        }
    }
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
}

/// The whole number that is this one bit for bit, if it takes few bytes; -0 is none.
fn whole(number: f64) -> Option<i64> {
    let whole = number as i64;
    let is_it = (whole as f64).to_bits() == number.to_bits();
    (is_it && whole.unsigned_abs() < WHOLE_END).then_some(whole)
}

/// Reads what [`put_numbers`] put behind [`WHOLE`].
fn take_whole(bytes: &mut &[u8]) -> f64 {
    let packed = read(bytes) as u64;
    let whole = (packed >> 1) as f64;
    if packed & 1 == 0 { whole } else { -whole }
}

fn put_bytes(bytes: &mut Buffer, put: &[u8]) {
    write(bytes, put.len() as u128);
    bytes.extend_from_slice(put);
}

/// Takes what [`put_bytes`] put.
fn take_bytes<'p>(bytes: &mut &'p [u8]) -> &'p [u8] {
    let length = read(bytes) as usize;
    take(bytes, length)
}

fn take<'p>(bytes: &mut &'p [u8], length: usize) -> &'p [u8] {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    taken
}

/// What is left of a document's values.
pub struct Values<'p> {
    left: usize,
    bytes: &'p [u8],
}

impl<'p> Iterator for Values<'p> {
    type Item = PackedValue<'p>;

    fn next(&mut self) -> Option<PackedValue<'p>> {
        self.left = self.left.checked_sub(1)?;
        let (&kind, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        let bytes = &mut self.bytes;
        Some(match kind {
            MISSING => PackedValue::Missing,
            WHOLE => PackedValue::Numbers(Numbers {
                whole: Some(take_whole(bytes)),
                rest: &[],
            }),
            NUMBER => PackedValue::Numbers(Numbers::take(bytes, 1)),
            NUMBERS => {
                let count = read(bytes) as usize;
                PackedValue::Numbers(Numbers::take(bytes, count))
            }
            TAGS => PackedValue::Tags(Tags(take_bytes(bytes))),
            _ => PackedValue::Elsewhere,
        })
    }
}

impl<'p> Numbers<'p> {
    fn take(bytes: &mut &'p [u8], count: usize) -> Numbers<'p> {
        let rest = take(bytes, 8 * count).as_chunks().0;
        Numbers { whole: None, rest }
    }

    /// The numbers, in the order in which the document has them.
    pub fn iter(self) -> impl Iterator<Item = f64> + use<'p> {
        let rest = self.rest.iter().map(|bytes| f64::from_le_bytes(*bytes));
        self.whole.into_iter().chain(rest)
    }
}

impl<'p> Tags<'p> {
    /// The tags, in the order in which the document has them.
    pub fn iter(self) -> impl Iterator<Item = &'p str> + use<'p> {
        let mut bytes = self.0;
        std::iter::from_fn(move || {
            let tag = (!bytes.is_empty()).then(|| take_bytes(&mut bytes))?;
            // They were packed as text.
            std::str::from_utf8(tag).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::documents::shape::Shape;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// The value that a packed one was made of, as far as it is kept.
    fn unpacked(value: PackedValue<'_>) -> FieldValue {
        match value {
            PackedValue::Missing => FieldValue::Missing,
            PackedValue::Elsewhere => FieldValue::Texts(Vec::new()),
            PackedValue::Numbers(numbers) => FieldValue::Numbers(numbers.iter().collect()),
            PackedValue::Tags(tags) => FieldValue::Tags(tags.iter().map(str::to_owned).collect()),
        }
    }

    fn check(key: &[u8], values: &[FieldValue], words: &[WordId]) -> PackedDocument {
        let packed = PackedDocument::new(key, values, words.into());
        assert_eq!(packed.key(), key);
        for (field, value) in values.iter().enumerate() {
            let kept = match value {
                FieldValue::Points(_) | FieldValue::Shapes(_) | FieldValue::Vectors(_) => {
                    FieldValue::Texts(Vec::new())
                }
                FieldValue::Texts(_) => FieldValue::Texts(Vec::new()),
                other => other.clone(),
            };
            assert_eq!(unpacked(packed.value(field)), kept, "field {field}");
        }
        for behind in values.len()..values.len() + 3 {
            assert_eq!(packed.value(behind), PackedValue::Missing);
        }
        let mut sorted = words.to_vec();
        sorted.sort_unstable();
        assert!(packed.words().eq(sorted));
        packed
    }

    #[test]
    fn documents_come_back() {
        let values = [
            FieldValue::Missing,
            FieldValue::Tags(texts(&["red", "", "grün", &"x".repeat(300)])),
            FieldValue::Numbers(vec![1.5]),
            FieldValue::Texts(texts(&["some text"])),
            FieldValue::Numbers(vec![]),
            FieldValue::Points(vec![(1.0, 2.0)]),
            FieldValue::Shapes(vec![Shape::parse("POINT (1 2)").unwrap()]),
            FieldValue::Numbers(vec![3.0, f64::MIN_POSITIVE, 1e300]),
            FieldValue::Vectors(vec![b"abcd"[..].into()]),
            FieldValue::Tags(vec![]),
        ];
        for end in 0..=values.len() {
            check(b"doc:1", &values[..end], &[]);
            check(b"", &values[..end], &[7, 0, u32::MAX, 200]);
        }
        let many = (0..2_000).map(|n| n * 1_000).collect::<Vec<WordId>>();
        check(&[b'k'; 70_000], &values, &many);
    }

    #[test]
    fn numbers_come_back_bit_for_bit() {
        let numbers = [
            0.0,
            -0.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::from_bits(1),
            9_007_199_254_740_993.0,
            -1.0,
            63.0,
            64.0,
            -1_700_000_000.0,
            281_474_976_710_655.0,
            -281_474_976_710_656.0,
            f64::MAX,
        ];
        let bits = |value: PackedValue<'_>| match value {
            PackedValue::Numbers(numbers) => numbers.iter().map(f64::to_bits).collect(),
            _ => Vec::new(),
        };
        let one_each = numbers.map(|number| FieldValue::Numbers(vec![number]));
        let packed = check(b"k", &one_each, &[]);
        for (field, number) in numbers.iter().enumerate() {
            assert_eq!(bits(packed.value(field)), [number.to_bits()]);
        }
        let packed = check(b"k", &[FieldValue::Numbers(numbers.to_vec())], &[]);
        assert_eq!(bits(packed.value(0)), numbers.map(f64::to_bits));
    }

    #[test]
    fn a_field_takes_little_and_one_behind_the_last_nothing() {
        let whole = FieldValue::Numbers(vec![1.0]);
        let packed = check(b"doc:1", &[whole], &[]);
        assert_eq!((packed.bytes(), packed.value_bytes()), (6 + 1 + 2, 2));
        let number = FieldValue::Numbers(vec![1.5]);
        let packed = check(b"doc:1", &[number.clone(), FieldValue::Missing], &[]);
        assert_eq!((packed.bytes(), packed.value_bytes()), (6 + 1 + 9, 9));
        let packed = check(b"doc:1", &[FieldValue::Missing, number], &[1, 2, 300]);
        assert_eq!((packed.bytes(), packed.value_bytes()), (6 + 1 + 10 + 4, 10));
    }
}

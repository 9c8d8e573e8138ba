//! The string value. Most are short; whoever asks for one of those gets a copy. A longer one is shared with replies, and grows in place as long
//! as none of them holds it.

use bytes::{Bytes, BytesMut};
use std::fmt;
use std::ops::Deref;

/// Bytes of a short string. Copying so many takes hardly longer than counting who has them, and that would take up to 64 bytes a string.
const SHORT_BYTES_MAX: usize = 256;

/// A string.
#[derive(Clone)]
pub struct StringValue(Kept);

#[derive(Clone)]
enum Kept {
    Short(Box<[u8]>),
    /// In a box, because every value of every key takes as much room as the largest of all.
    Long(Box<Bytes>),
}

impl StringValue {
    /// The bytes, to keep.
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Kept::Short(bytes) => bytes.into(),
            Kept::Long(bytes) => *bytes,
        }
    }

    /// Alters it in place, with the room that it grew by before; a copy if a reader or a running save holds it.
    pub(super) fn alter(&mut self, alter: impl FnOnce(&mut BytesMut)) {
        let mut altered = match std::mem::replace(&mut self.0, Kept::Short(Box::default())) {
            Kept::Short(bytes) => BytesMut::from(&bytes[..]),
            Kept::Long(bytes) => bytes
                .try_into_mut()
                .unwrap_or_else(|shared| BytesMut::from(&shared[..])),
        };
        alter(&mut altered);
        *self = altered.freeze().into();
    }
}

impl From<Bytes> for StringValue {
    fn from(bytes: Bytes) -> StringValue {
        StringValue(match bytes.len() <= SHORT_BYTES_MAX {
            true => Kept::Short(bytes[..].into()),
            false => Kept::Long(Box::new(bytes)),
        })
    }
}

impl From<&[u8]> for StringValue {
    fn from(bytes: &[u8]) -> StringValue {
        match bytes.len() <= SHORT_BYTES_MAX {
            true => StringValue(Kept::Short(bytes.into())),
            false => Bytes::copy_from_slice(bytes).into(),
        }
    }
}

impl Deref for StringValue {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kept::Short(bytes) => bytes,
            Kept::Long(bytes) => bytes,
        }
    }
}

impl PartialEq for StringValue {
    fn eq(&self, other: &StringValue) -> bool {
        **self == **other
    }
}

impl fmt::Debug for StringValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().into_bytes().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_the_same_however_long_it_grows() {
        let mut string = StringValue::from(&b""[..]);
        let mut twin = Vec::new();
        for n in 0..3 * SHORT_BYTES_MAX {
            let byte = b'a' + (n % 26) as u8;
            string.alter(|bytes| bytes.extend_from_slice(&[byte]));
            twin.push(byte);
            assert_eq!(string[..], twin[..]);
            assert_eq!(string, StringValue::from(&twin[..]));
            assert_eq!(string.clone().into_bytes(), twin);
        }
    }

    #[test]
    fn a_long_string_is_shared_with_readers_and_altered_in_a_copy() {
        let mut string = StringValue::from(&[b'x'; 2 * SHORT_BYTES_MAX][..]);
        let reader = string.clone().into_bytes();
        assert_eq!(reader.as_ptr(), string.as_ptr());
        string.alter(|bytes| bytes[0] = b'y');
        assert_eq!((reader[0], string[0]), (b'x', b'y'));
        // Nobody else holds it now.
        let before = string.as_ptr();
        string.alter(|bytes| bytes[1] = b'z');
        assert_eq!(string.as_ptr(), before);
    }
}

//! Reading and writing the pieces that payloads are made of: little-endian integers, varints, bytes with their length. A read
//! never goes beyond what is there and never allocates for a length that it has not compared with what is left.

/// Why a payload could not be parsed; it becomes [`super::SnapshotError::Damaged`] where the file is known.
pub(super) type Fault = &'static str;

const SHORT: Fault = "it ends too early";

/// What is left of a payload.
pub(super) struct Cursor<'a> {
    left: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads from the start of `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { left: bytes }
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let (taken, left) = self.left.split_at_checked(len).ok_or(SHORT)?;
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, left) = self.left.split_first_chunk().ok_or(SHORT)?;
        self.left = left;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    /// `count` integers of four bytes.
    pub(super) fn u32s(
        &mut self,
        count: usize,
    ) -> Result<impl Iterator<Item = u32> + use<'a>, Fault> {
        let bytes = self.take(count.checked_mul(4).ok_or(SHORT)?)?;
        let (words, _) = bytes.as_chunks();
        Ok(words.iter().map(|word| u32::from_le_bytes(*word)))
    }

    /// A base-128 integer.
    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("an integer is too long")
    }

    /// Bytes behind their length.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let len = usize::try_from(self.varint()?).map_err(|_| SHORT)?;
        self.take(len)
    }

    /// A number of things that take at least `each` bytes, so that room may be made for them.
    pub(super) fn count(&mut self, each: usize) -> Result<usize, Fault> {
        let count = usize::try_from(self.varint()?).map_err(|_| SHORT)?;
        let least = count.checked_mul(each).ok_or(SHORT)?;
        if least <= self.left.len() {
            Ok(count)
        } else {
            Err(SHORT)
        }
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.left
    }

    /// Requires that everything was read.
    pub(super) fn finish(self) -> Result<(), Fault> {
        if self.is_empty() {
            Ok(())
        } else {
            Err("something follows its end")
        }
    }
}

/// Appends a base-128 integer.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends bytes behind their length.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back_and_bad_ones_are_refused() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut cursor = Cursor::new(&out);
            assert_eq!(cursor.varint(), Ok(value));
            assert_eq!(cursor.finish(), Ok(()));
        }
        assert!(Cursor::new(&[0x80; 11]).varint().is_err());
        assert!(Cursor::new(&[0xff; 9]).varint().is_err());
        let over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert!(Cursor::new(&over).varint().is_err());
    }

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        let mut out = Vec::new();
        put_varint(&mut out, u64::MAX);
        assert!(Cursor::new(&out).bytes().is_err());
        assert!(Cursor::new(&out).count(8).is_err());
        assert!(Cursor::new(&[5, 1, 2]).bytes().is_err());
        assert!(Cursor::new(&[1, 2, 3]).u32s(usize::MAX).is_err());
    }
}

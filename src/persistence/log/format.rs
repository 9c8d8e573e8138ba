//! The lines between the words: file headers and record headers of the log, written and read. docs/log-format.md tells
//! what they mean.

use crate::protocol::number::parse_u64;

/// A header line, its end included, is shorter than this.
pub const HEADER_BYTES_MAX: usize = 1024;
/// How every record header begins.
pub const RECORD_MARK: &[u8] = b"#R ";
const FILE_MARK: &[u8] = b"#RHUMB-LOG 1 ";

/// CRC-32C (Castagnoli).
pub fn crc(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// What the first line of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Drawn once per data directory.
    pub lineage: u64,
    /// Drawn once per file, known to nobody else.
    pub salt: u64,
    /// The data directory's seed.
    pub seed: u64,
    /// Number of the first change in the file.
    pub first_number: u64,
}

impl FileHeader {
    /// Appends the line.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(FILE_MARK);
        for part in [self.lineage, self.salt, self.seed] {
            write_hex(part, 16, out);
            out.push(b' ');
        }
        write_number(self.first_number, out);
        let crc = crc(out.get(start..).unwrap_or_default());
        write_hex(crc.into(), 8, out);
        out.extend_from_slice(b"\r\n");
    }

    /// The header at the start of `bytes` and its length; none if it is cut, not one, or its checksum is wrong.
    pub fn read(bytes: &[u8]) -> Option<(FileHeader, usize)> {
        let (line, length) = line(bytes)?;
        let (covered, stored) = split_crc(line)?;
        if crc(covered) != stored {
            return None;
        }
        let mut fields = covered.strip_prefix(FILE_MARK)?.split(|byte| *byte == b' ');
        let mut next = || fields.next();
        let header = FileHeader {
            lineage: parse_hex(next()?)?,
            salt: parse_hex(next()?)?,
            seed: parse_hex(next()?)?,
            first_number: parse_u64(next()?)?,
        };
        (next()?.is_empty() && next().is_none()).then_some((header, length))
    }
}

/// What the line in front of a body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Number of the first change.
    pub number: u64,
    /// Number of changes; 0 only brings `synced` up to date.
    pub count: u64,
    /// Length of the body.
    pub body_bytes: u64,
    /// Checksum of the body.
    pub body_crc: u32,
    /// Everything up to this number was fsynced before the line was written.
    pub synced: u64,
}

impl RecordHeader {
    /// Appends the line, for a file with this salt.
    pub fn write(&self, salt: u64, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(RECORD_MARK);
        write_number(self.number, out);
        write_number(self.count, out);
        write_number(self.body_bytes, out);
        write_hex(self.body_crc.into(), 8, out);
        out.push(b' ');
        write_number(self.synced, out);
        let crc = salted_crc(salt, out.get(start..).unwrap_or_default());
        write_hex(crc.into(), 8, out);
        out.extend_from_slice(b"\r\n");
    }

    /// The header at the start of `bytes` and its length; none if it is cut, not one, of another file, or damaged.
    pub fn read(bytes: &[u8], salt: u64) -> Option<(RecordHeader, usize)> {
        let (line, length) = line(bytes)?;
        let (covered, stored) = split_crc(line)?;
        let text = covered.strip_prefix(RECORD_MARK)?;
        if salted_crc(salt, covered) != stored {
            return None;
        }
        let mut fields = text.split(|byte| *byte == b' ');
        let mut next = || fields.next();
        let header = RecordHeader {
            number: parse_u64(next()?)?,
            count: parse_u64(next()?)?,
            body_bytes: parse_u64(next()?)?,
            body_crc: u32::try_from(parse_hex(next()?)?).ok()?,
            synced: parse_u64(next()?)?,
        };
        (next()?.is_empty() && next().is_none()).then_some((header, length))
    }

    /// The number that the next record must have.
    pub fn next_number(&self) -> u64 {
        self.number.saturating_add(self.count)
    }
}

/// The record headers in `bytes` whose checksum is right, wherever they stand.
pub fn find_headers(bytes: &[u8], salt: u64) -> impl Iterator<Item = RecordHeader> {
    let places = bytes
        .windows(RECORD_MARK.len())
        .enumerate()
        .filter(|(_, mark)| *mark == RECORD_MARK);
    places.filter_map(move |(at, _)| Some(RecordHeader::read(bytes.get(at..)?, salt)?.0))
}

/// The line at the start without its end, and its length with it.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let head = bytes.get(..HEADER_BYTES_MAX).unwrap_or(bytes);
    let end = head.iter().position(|byte| *byte == b'\n')?;
    Some((head.get(..end)?.strip_suffix(b"\r")?, end + 1))
}

/// What the checksum at the end of a line covers, and the checksum.
fn split_crc(line: &[u8]) -> Option<(&[u8], u32)> {
    let (covered, stored) = line.split_at_checked(line.len().checked_sub(8)?)?;
    Some((covered, u32::try_from(parse_hex(stored)?).ok()?))
}

fn salted_crc(salt: u64, covered: &[u8]) -> u32 {
    let mut salted = Vec::with_capacity(16 + covered.len());
    write_hex(salt, 16, &mut salted);
    salted.extend_from_slice(covered);
    crc(&salted)
}

/// Lower-case hex digits and nothing else, at most 16.
pub(super) fn parse_hex(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    text.iter().try_fold(0, |value: u64, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

/// A decimal number and the space behind it.
fn write_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    out.push(b' ');
}

/// The lowest `digits` hex digits of `value`, with leading zeros.
pub(super) fn write_hex(value: u64, digits: u32, out: &mut Vec<u8>) {
    let digit = |place: u32| (value >> (4 * place) & 0xf) as u32;
    let text = (0..digits)
        .rev()
        .filter_map(|place| char::from_digit(digit(place), 16));
    out.extend(text.map(|digit| digit as u8));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const FILE: FileHeader = FileHeader {
        lineage: u64::MAX,
        salt: 2,
        seed: 3,
        first_number: u64::MAX,
    };
    const RECORD: RecordHeader = RecordHeader {
        number: 41,
        count: 1,
        body_bytes: 27,
        body_crc: 0x0269_1b6e,
        synced: 38,
    };

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn the_checksum_is_crc_32c() {
        assert_eq!(crc(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn headers_come_back_and_say_where_they_end() {
        let mut line = written(|out| FILE.write(out));
        let length = line.len();
        line.extend_from_slice(b"#R ");
        assert_eq!(FileHeader::read(&line), Some((FILE, length)));
        let mut line = written(|out| RECORD.write(9, out));
        assert!(line.starts_with(b"#R 41 1 27 02691b6e 38 "));
        let length = line.len();
        line.extend_from_slice(b"*1\r\n");
        assert_eq!(RecordHeader::read(&line, 9), Some((RECORD, length)));
        assert_eq!(
            RecordHeader::read(&line, 10),
            None,
            "a header of another file"
        );
    }

    #[test]
    fn a_header_cut_or_flipped_anywhere_is_none() {
        let file = written(|out| FILE.write(out));
        let record = written(|out| RECORD.write(9, out));
        for at in 0..file.len() {
            assert_eq!(FileHeader::read(&file[..at]), None);
        }
        for at in 0..record.len() {
            assert_eq!(RecordHeader::read(&record[..at], 9), None);
        }
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FileHeader::read(&flipped), None, "bit {bit}");
        }
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::read(&flipped, 9), None, "bit {bit}");
        }
    }

    #[test]
    fn header_lines_stay_below_their_limit() {
        let largest = RecordHeader {
            number: u64::MAX,
            count: u64::MAX,
            body_bytes: u64::MAX,
            body_crc: u32::MAX,
            synced: u64::MAX,
        };
        assert!(written(|out| largest.write(u64::MAX, out)).len() < HEADER_BYTES_MAX);
        assert!(written(|out| FILE.write(out)).len() < HEADER_BYTES_MAX);
    }

    #[test]
    fn headers_are_found_at_every_byte_and_forged_ones_are_not() {
        let mut bytes = b"xx#R 7 1 0 00000000 6 12345678\r\n#R #R".to_vec();
        RECORD.write(9, &mut bytes);
        bytes.extend_from_slice(b"#");
        RecordHeader {
            number: 50,
            ..RECORD
        }
        .write(8, &mut bytes);
        RecordHeader {
            number: 51,
            ..RECORD
        }
        .write(9, &mut bytes);
        let found: Vec<u64> = find_headers(&bytes, 9)
            .map(|header| header.number)
            .collect();
        assert_eq!(found, [41, 51]);
    }
}

//! Images: entries of one kind and one place, under one checksum. Here are the header that stands before each in its pack
//! and the place that it speaks of; payloads are in keys/, elements.rs, documents.rs and calibrations.rs.

use super::crc32c;
use super::cursor::{Cursor, Fault};

/// What an image holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Keys of one shard of a database.
    Keys = 1,
    /// Names of a segment's elements.
    Names = 2,
    /// Their vectors as stored.
    Vectors = 3,
    /// Their attributes.
    Attributes = 4,
    /// Their links.
    Links = 5,
    /// Definitions of the indexes over documents, and their aliases.
    Indexes = 6,
    /// Links of the vectors of one field of such an index.
    DocumentLinks = 7,
    /// Its documents.
    Documents = 8,
    /// Its words, each with its documents.
    Words = 9,
    /// Values of one of its TAG fields, each with its documents.
    Tags = 10,
    /// Numbers of one of its NUMERIC fields, each with its documents.
    Numbers = 11,
    /// The ids of those documents that count.
    DocumentIds = 12,
    /// What is known of the recall of searches in a collection.
    Calibration = 13,
    /// The same of one field of an index over documents.
    FieldCalibration = 14,
}

impl Kind {
    /// Whether such images belong to a collection.
    pub(super) fn is_of_collection(self) -> bool {
        self.is_of_segment() || self == Kind::Calibration
    }

    /// Whether they belong to a segment of one.
    pub(super) fn is_of_segment(self) -> bool {
        matches!(
            self,
            Kind::Names | Kind::Vectors | Kind::Attributes | Kind::Links
        )
    }

    const ALL: [Kind; 14] = [
        Kind::Keys,
        Kind::Names,
        Kind::Vectors,
        Kind::Attributes,
        Kind::Links,
        Kind::Indexes,
        Kind::DocumentLinks,
        Kind::Documents,
        Kind::Words,
        Kind::Tags,
        Kind::Numbers,
        Kind::DocumentIds,
        Kind::Calibration,
        Kind::FieldCalibration,
    ];

    /// The kind of a number on disk.
    pub(super) fn of(byte: u8) -> Result<Kind, Fault> {
        let found = Kind::ALL.into_iter().find(|kind| *kind as u8 == byte);
        found.ok_or("an image has a kind that is not known")
    }
}

/// Which image it is: there is one of each in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// What it holds.
    pub kind: Kind,
    /// The collection's id; of keys the database; of what an index over documents has, its place among the definitions.
    pub owner: u64,
    /// The segment; of keys the shard; of what else an index has which part of it, from 0.
    pub part: u32,
    /// Which piece of the shard, from 0; of what one field of an index has, the field's place in its schema. Other images are whole.
    pub piece: u32,
}

/// The only form of version 1: all entries of the place.
pub(super) const BASE: u8 = 0;

/// What stands before a payload, and in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageHeader {
    /// Which image it is.
    pub place: Place,
    /// Number whose state it shows.
    pub cut: u64,
    /// Bytes of the payload.
    pub bytes: u64,
    /// Entries in the payload.
    pub entries: u32,
    /// CRC-32C of the payload.
    pub crc: u32,
}

/// Bytes of a header.
pub(super) const HEADER_BYTES: usize = 48;

impl ImageHeader {
    /// The header of `payload`.
    pub(super) fn of(place: Place, cut: u64, entries: u32, payload: &[u8]) -> ImageHeader {
        ImageHeader {
            place,
            cut,
            bytes: payload.len() as u64,
            entries,
            crc: crc32c(payload),
        }
    }

    /// As it stands in a pack.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&[self.place.kind as u8, BASE, 0, 0]);
        out.extend_from_slice(&self.place.part.to_le_bytes());
        out.extend_from_slice(&self.place.owner.to_le_bytes());
        out.extend_from_slice(&self.cut.to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&self.place.piece.to_le_bytes());
        out.extend_from_slice(&self.crc.to_le_bytes());
        let crc = crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header from the front of `bytes`.
    pub(super) fn decode(bytes: &[u8]) -> Result<ImageHeader, Fault> {
        let header = Cursor::new(bytes).take(HEADER_BYTES)?;
        let (covered, crc) = header.split_last_chunk().ok_or("it ends too early")?;
        if crc32c(covered) != u32::from_le_bytes(*crc) {
            return Err("the checksum of an image's header does not fit");
        }
        let mut cursor = Cursor::new(covered);
        let (kind, form, _) = (cursor.u8()?, cursor.u8()?, cursor.u16()?);
        if form != BASE {
            return Err("an image has a form that is not known");
        }
        let (part, owner, cut, bytes) =
            (cursor.u32()?, cursor.u64()?, cursor.u64()?, cursor.u64()?);
        let (entries, piece, crc) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
        let place = Place {
            kind: Kind::of(kind)?,
            owner,
            part,
            piece,
        };
        Ok(ImageHeader {
            place,
            cut,
            bytes,
            entries,
            crc,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_and_every_flipped_bit_is_noticed() {
        let place = Place {
            kind: Kind::Links,
            owner: 1 << 40,
            part: 9,
            piece: 2,
        };
        let header = ImageHeader::of(place, 77, 3, b"payload");
        let bytes = header.encode();
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(ImageHeader::decode(&bytes), Ok(header));
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(ImageHeader::decode(&bad).is_err(), "bit {bit}");
        }
    }
}

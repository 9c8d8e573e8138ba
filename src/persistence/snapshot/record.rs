//! Small records of manifest and catalogue: a version byte, a CRC, and bincode. The one module that calls bincode.

use super::crc32c;
use super::cursor::{Cursor, Fault};
use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

const VERSION: u8 = 1;
/// No record is longer, in bytes.
pub(super) const RECORD_BYTES_MAX: usize = 4096;

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_limit(RECORD_BYTES_MAX as u64)
        .reject_trailing_bytes()
}

/// The record of `value` under `key`. The CRC covers the key, so that a record under another key is noticed.
pub(super) fn encode<T: Serialize>(key: &[u8], value: &T) -> Vec<u8> {
    // Records are structs of integers and options, far below the limit: there is nothing that could fail.
    let payload = options()
        .serialize(value)
        .expect("a record below its limit");
    let mut record = Vec::with_capacity(5 + payload.len());
    record.push(VERSION);
    record.extend_from_slice(&checksum(VERSION, key, &payload).to_le_bytes());
    record.extend_from_slice(&payload);
    record
}

/// The value of a record that was found under `key`.
pub(super) fn decode<T: DeserializeOwned>(key: &[u8], record: &[u8]) -> Result<T, Fault> {
    if record.len() > RECORD_BYTES_MAX {
        return Err("a record is too long");
    }
    let mut cursor = Cursor::new(record);
    let (version, crc) = (cursor.u8()?, cursor.u32()?);
    let payload = cursor.rest();
    if crc != checksum(version, key, payload) {
        return Err("the checksum of a record does not fit");
    }
    if version != VERSION {
        return Err("a record has a version that is not known");
    }
    options()
        .deserialize(payload)
        .map_err(|_| "a record does not hold what its key says")
}

fn checksum(version: u8, key: &[u8], payload: &[u8]) -> u32 {
    crc32c(&[&[version], key, payload].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed() {
        let record = encode(b"key", &(7u64, Some(3u32), true));
        assert_eq!(
            decode::<(u64, Option<u32>, bool)>(b"key", &record),
            Ok((7, Some(3), true))
        );
        assert!(decode::<(u64, Option<u32>, bool)>(b"kez", &record).is_err());
        for bit in 0..record.len() * 8 {
            let mut bad = record.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(
                decode::<(u64, Option<u32>, bool)>(b"key", &bad).is_err(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn a_vector_that_claims_to_be_endless_is_refused_without_room_for_it() {
        let record = encode(b"k", &u64::MAX);
        assert!(decode::<Vec<u8>>(b"k", &record).is_err());
    }
}

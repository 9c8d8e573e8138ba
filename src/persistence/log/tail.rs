//! What the log's mutex guards: the next number, and the bytes that wait to be written, with the places where one file ends
//! and the next begins. No disk is touched here.

use super::format::{FileHeader, RecordHeader, crc};
use super::manifest::FileEntry;
use super::record::EncodedRecord;
use super::words;
use crate::persistence::disk::DiskFile;
use crc_fast::{CrcAlgorithm, Digest};
use std::collections::VecDeque;
use std::sync::Arc;

/// Capacity that a buffer may keep for the next use, in bytes.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// Bytes to be written, or what happens between them.
pub(super) enum Piece {
    /// Records, and the number of the last change in them.
    Records { bytes: Vec<u8>, through: u64 },
    /// What follows goes to this file, which begins with this number.
    Switch {
        file: Arc<dyn DiskFile>,
        first_number: u64,
    },
    /// The first line of a file: synced before a record follows.
    Header { bytes: Vec<u8> },
}

/// A file that gets no more records, but may still wait to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClosedFile {
    pub entry: FileEntry,
    /// No change in it has a higher number.
    pub last_number: u64,
    pub bytes: u64,
}

/// A file that a save prepared for what follows its cut.
pub(super) struct Prepared {
    pub entry: FileEntry,
    pub file: Arc<dyn DiskFile>,
}

/// The end of the log.
pub(super) struct Tail {
    pub last_number: u64,
    /// Lineage and seed, for the headers of files.
    pub identity: (u64, u64),
    /// The database that the last record left selected; none at a file's start.
    db: Option<usize>,
    pub closed: Vec<ClosedFile>,
    /// The file that the next record goes to; none when the log is off.
    pub current: Option<FileEntry>,
    pub current_bytes: u64,
    pub prepared: Option<Prepared>,
    pieces: VecDeque<Piece>,
    spare: Vec<u8>,
    /// What the last header said was synced.
    pub synced_said: u64,
    prefix: Vec<u8>,
}

impl Tail {
    pub fn new(last_number: u64, identity: (u64, u64), closed: Vec<ClosedFile>) -> Tail {
        Tail {
            last_number,
            identity,
            db: None,
            closed,
            current: None,
            current_bytes: 0,
            prepared: None,
            pieces: VecDeque::new(),
            spare: Vec::new(),
            synced_said: 0,
            prefix: Vec::new(),
        }
    }

    /// Sends what follows to another file, whose first line becomes so many bytes; the old one gets nothing more.
    pub fn switch(&mut self, next: Prepared) -> u64 {
        if let Some(entry) = self.current.take() {
            let bytes = std::mem::take(&mut self.current_bytes);
            self.closed.push(ClosedFile {
                entry,
                last_number: self.last_number,
                bytes,
            });
        }
        let first_number = self.last_number + 1;
        let (lineage, seed) = self.identity;
        let header = FileHeader {
            lineage,
            salt: next.entry.salt,
            seed,
            first_number,
        };
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        self.current = Some(next.entry);
        self.current_bytes = bytes.len() as u64;
        self.db = None;
        // The file exists for its readers only when everything before it is synced.
        self.synced_said = self.last_number;
        self.pieces.push_back(Piece::Switch {
            file: next.file,
            first_number,
        });
        self.pieces.push_back(Piece::Header { bytes });
        self.current_bytes
    }

    /// Appends a record under the numbers that follow; how many bytes it became. `synced`: a number known to be fsynced.
    pub fn append(&mut self, record: &EncodedRecord, synced: u64) -> u64 {
        let number = self.last_number + 1;
        self.last_number += record.count;
        let Some(entry) = self.current else { return 0 };
        let mut prefix = std::mem::take(&mut self.prefix);
        prefix.clear();
        if self.db != Some(record.first_db) {
            words::encode_select(record.first_db, &mut prefix);
        }
        self.db = Some(record.last_db);
        let suffix = if record.count > 1 { words::EXEC } else { b"" };
        if record.count > 1 {
            prefix.extend_from_slice(words::MULTI);
        }
        let header = RecordHeader {
            number,
            count: record.count,
            body_bytes: (prefix.len() + record.body.len() + suffix.len()) as u64,
            body_crc: crc_of(&[&prefix, &record.body, suffix]),
            synced,
        };
        let through = self.last_number;
        let out = self.records(through);
        let start = out.len();
        header.write(entry.salt, out);
        [&prefix, &record.body[..], suffix]
            .iter()
            .for_each(|part| out.extend_from_slice(part));
        let bytes = (out.len() - start) as u64;
        self.grew(bytes, synced);
        self.prefix = prefix;
        bytes
    }

    /// Appends a header without a body, which says what is synced; how many bytes.
    pub fn append_synced(&mut self, synced: u64) -> u64 {
        let Some(entry) = self.current else { return 0 };
        let number = self.last_number + 1;
        let header = RecordHeader {
            number,
            count: 0,
            body_bytes: 0,
            body_crc: crc(b""),
            synced,
        };
        let through = self.last_number;
        let out = self.records(through);
        let start = out.len();
        header.write(entry.salt, out);
        let bytes = (out.len() - start) as u64;
        self.grew(bytes, synced);
        bytes
    }

    /// Hands over all that waits, leaving `spare` to be filled next.
    pub fn take_pieces(&mut self, into: &mut VecDeque<Piece>, spare: &mut Vec<u8>) {
        into.append(&mut self.pieces);
        if self.spare.capacity() == 0 && spare.capacity() <= SPARE_BYTES_MAX {
            self.spare = std::mem::take(spare);
            self.spare.clear();
        }
    }

    /// The buffer that records up to `through` are appended to.
    fn records(&mut self, through: u64) -> &mut Vec<u8> {
        if !matches!(self.pieces.back(), Some(Piece::Records { .. })) {
            let bytes = std::mem::take(&mut self.spare);
            self.pieces.push_back(Piece::Records { bytes, through });
        }
        match self.pieces.back_mut() {
            Some(Piece::Records {
                bytes,
                through: last,
            }) => {
                *last = through;
                bytes
            }
            _ => unreachable!("a piece of records was pushed above"),
        }
    }

    fn grew(&mut self, bytes: u64, synced: u64) {
        self.current_bytes += bytes;
        self.synced_said = synced;
    }
}

fn crc_of(parts: &[&[u8]]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize() as u32
}

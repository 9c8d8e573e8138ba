//! The manifest's file: a header, and the records of the table.

use super::Manifest;
use super::records::body;
use crate::persistence::disk::{self, Disk};
use crate::persistence::snapshot::cursor::{Cursor, Fault};
use crate::persistence::snapshot::{SnapshotError, crc32c};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"RHUMBMAN";
const VERSION: u32 = 1;
const HEAD_BYTES: usize = 32;
/// A longer file is not read at all; a billion elements need a tenth of it.
const FILE_BYTES_MAX: u64 = 1 << 30;
const PREFIX: &str = "MANIFEST-";

impl Manifest {
    /// The file's content.
    pub fn encode(&self) -> Vec<u8> {
        let records = self.records();
        let body = body(&records);
        let mut out = Vec::with_capacity(HEAD_BYTES + body.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&(records.len() as u32).to_le_bytes());
        out.extend_from_slice(&(body.len() as u64).to_le_bytes());
        out.extend_from_slice(&crc32c(&body).to_le_bytes());
        let crc = crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&body);
        out
    }

    /// The table of a file's content; `path` is for errors.
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Manifest, SnapshotError> {
        let damaged = |offset| move |what| SnapshotError::damaged(path, offset, what);
        let (head, body) = bytes
            .split_at_checked(HEAD_BYTES)
            .ok_or("it ends too early")
            .map_err(damaged(0))?;
        let (count, crc) = decode_head(head, body.len(), path)?;
        if crc32c(body) != crc {
            return Err(SnapshotError::damaged(
                path,
                HEAD_BYTES as u64,
                "the checksum does not fit",
            ));
        }
        let records = split_body(body, count).map_err(damaged(HEAD_BYTES as u64))?;
        Manifest::from_records(records.into_iter()).map_err(damaged(HEAD_BYTES as u64))
    }

    /// Reads the manifest of a generation.
    pub fn read(disk: &dyn Disk, dir: &Path, generation: u64) -> Result<Manifest, SnapshotError> {
        let path = path(dir, generation);
        let len = disk.len(&path).map_err(SnapshotError::io(&path))?;
        if len > FILE_BYTES_MAX {
            return Err(SnapshotError::damaged(&path, 0, "it is too long"));
        }
        let bytes = disk.read(&path).map_err(SnapshotError::io(&path))?;
        let manifest = Manifest::decode(&bytes, &path)?;
        if manifest.state.generation != generation {
            return Err(SnapshotError::damaged(
                &path,
                0,
                "it is of another generation than its name",
            ));
        }
        Ok(manifest)
    }

    /// Writes it: the commit of a save.
    pub fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), SnapshotError> {
        let path = path(dir, self.state.generation);
        disk::replace(disk, &path, &self.encode()).map_err(SnapshotError::io(&path))
    }
}

/// Path of a generation's manifest.
pub fn path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{generation}"))
}

/// Path of a manifest that was not committed.
pub(in crate::persistence::snapshot) fn temporary_path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{generation}.tmp"))
}

/// Generations of the manifests in a directory, oldest first; with `unfinished` also of those that were not committed.
pub fn generations(
    disk: &dyn Disk,
    dir: &Path,
    unfinished: bool,
) -> Result<Vec<u64>, SnapshotError> {
    let names = disk.list(dir).map_err(SnapshotError::io(dir))?;
    let number = |name: &str| {
        let rest = name.strip_prefix(PREFIX)?;
        let digits = if unfinished {
            rest.strip_suffix(".tmp").unwrap_or(rest)
        } else {
            rest
        };
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let mut found: Vec<u64> = names.iter().filter_map(|name| number(name)).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Number of records and the body's CRC.
fn decode_head(head: &[u8], body_len: usize, path: &Path) -> Result<(u32, u32), SnapshotError> {
    let damaged = |what| SnapshotError::damaged(path, 0, what);
    let mut cursor = Cursor::new(head);
    if cursor.take(8).map_err(damaged)? != MAGIC {
        return Err(damaged("it does not begin as a manifest"));
    }
    let (version, count) = (
        cursor.u32().map_err(damaged)?,
        cursor.u32().map_err(damaged)?,
    );
    let (len, crc) = (
        cursor.u64().map_err(damaged)?,
        cursor.u32().map_err(damaged)?,
    );
    let covered = head
        .split_last_chunk::<4>()
        .map_or(head, |(covered, _)| covered);
    if cursor.u32().map_err(damaged)? != crc32c(covered) {
        return Err(damaged("the checksum of its header does not fit"));
    }
    if version != VERSION {
        return Err(SnapshotError::Version {
            path: path.to_owned(),
            found: version,
        });
    }
    if len != body_len as u64 {
        return Err(damaged("it has another length than it says"));
    }
    Ok((count, crc))
}

/// Keys and records, as they lie in a body.
type Rows<'a> = Vec<(&'a [u8], &'a [u8])>;

fn split_body(body: &[u8], count: u32) -> Result<Rows<'_>, Fault> {
    let mut cursor = Cursor::new(body);
    let mut records = Vec::new();
    while !cursor.is_empty() {
        let (key_len, record_len) = (cursor.u8()?, cursor.u32()?);
        records.push((
            cursor.take(usize::from(key_len))?,
            cursor.take(record_len as usize)?,
        ));
    }
    if records.len() as u64 == u64::from(count) {
        Ok(records)
    } else {
        Err("it has another number of records")
    }
}

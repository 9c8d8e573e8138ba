//! Reading the log back: every checksum before every use, every number in its place. What a crash leaves is told from damage by
//! the rules of docs/log-format.md, "Reading".
//!
//! One file at a time is held in memory whole, beside what its changes become.

use super::error::{BodyError, LogError, Torn};
use super::format::{FileHeader, HEADER_BYTES_MAX, RecordHeader, crc, find_headers};
use super::manifest::{FileEntry, LogDirectory, Manifest};
use super::words;
use crate::keyspace::change::{Change, Effect};
use crate::persistence::disk::Disk;
use bytes::Bytes;
use std::path::{Path, PathBuf};

/// How the log is read.
pub struct ReadOptions {
    /// Where it is.
    pub directory: LogDirectory,
    /// The snapshot's cut: changes up to this number are not needed. 0 without a snapshot.
    pub after: u64,
    /// Whether a torn tail may be cut (`aof-load-truncated`).
    pub may_cut: bool,
    /// Number of databases; a change in another one is refused.
    pub databases: usize,
}

/// The changes of one record, to be applied in order.
pub struct Record<'a> {
    /// Number of the first of them; the next has the next number.
    pub number: u64,
    /// The changes. Their strings share the file's memory: keep copies.
    pub changes: Vec<Change>,
    /// The file that the record stands in.
    pub path: &'a Path,
    /// Where it begins there, in bytes.
    pub offset: u64,
}

/// What was read, and what a new log goes on from.
#[derive(Debug, Default)]
pub struct LogContents {
    /// Lineage and seed of the data directory; none where there was no log.
    pub identity: Option<(u64, u64)>,
    /// Whether the manifest says that a snapshot holds what came before.
    pub has_base: bool,
    /// The files that hold needed records, in order, with their bytes.
    pub files: Vec<(FileEntry, u64)>,
    /// The highest number that any file had (0: none), needed or not.
    pub last_seq: u64,
    /// The last number: of the log, or the snapshot's cut if that is higher.
    pub last_number: u64,
    /// Changes handed out.
    pub changes: u64,
    /// What was cut off, if something was.
    pub torn: Option<Torn>,
}

/// Reads the log and hands out the records behind the cut, in order.
///
/// A torn tail is cut from its file (and synced) before this returns, and reported.
///
/// # Errors
/// See [`LogError`]; records handed out before an error are good, but not all.
pub fn read_log(
    disk: &dyn Disk,
    options: &ReadOptions,
    mut visit: impl FnMut(Record<'_>),
) -> Result<LogContents, LogError> {
    let Some(manifest) = Manifest::read(disk, &options.directory)? else {
        return Ok(LogContents {
            last_number: options.after,
            ..LogContents::default()
        });
    };
    let mut reader = Reader::new(disk, options, &manifest);
    let start = reader.first_needed()?;
    for at in start..manifest.files.len() {
        reader.read_file(at, &mut visit)?;
        if reader.contents.torn.is_some() {
            break;
        }
    }
    if let Some(torn) = reader.contents.torn.clone() {
        reader.cut(&torn)?;
    }
    let mut contents = reader.contents;
    contents.last_number = reader
        .expected
        .map_or(0, |next| next - 1)
        .max(options.after);
    Ok(contents)
}

struct Reader<'a> {
    disk: &'a dyn Disk,
    options: &'a ReadOptions,
    manifest: &'a Manifest,
    contents: LogContents,
    /// The number that must come next; none before the first file.
    expected: Option<u64>,
}

/// A file under way.
struct File<'a> {
    /// Its place in the manifest.
    at: usize,
    path: &'a Path,
    salt: u64,
    bytes: Bytes,
}

impl<'a> Reader<'a> {
    fn new(disk: &'a dyn Disk, options: &'a ReadOptions, manifest: &'a Manifest) -> Reader<'a> {
        let contents = LogContents {
            identity: Some((manifest.lineage, manifest.seed)),
            has_base: manifest.has_base,
            last_seq: manifest.files.last().map_or(0, |entry| entry.seq),
            ..LogContents::default()
        };
        Reader {
            disk,
            options,
            manifest,
            contents,
            expected: None,
        }
    }

    fn path(&self, entry: &FileEntry) -> PathBuf {
        self.options.directory.file(entry.seq)
    }

    /// The last file that begins at or before the cut's successor: those before it hold nothing that is needed.
    fn first_needed(&self) -> Result<usize, LogError> {
        let mut start = 0;
        for (at, entry) in self.manifest.files.iter().enumerate() {
            let path = self.path(entry);
            let head = self
                .disk
                .read_at(&path, 0, HEADER_BYTES_MAX)
                .map_err(LogError::io(&path, "reading"))?;
            let header = FileHeader::read(&head).filter(|(header, _)| self.is_ours(header, entry));
            if header.is_some_and(|(header, _)| header.first_number <= self.options.after + 1) {
                start = at;
            }
        }
        Ok(start)
    }

    fn is_ours(&self, header: &FileHeader, entry: &FileEntry) -> bool {
        (header.lineage, header.seed, header.salt)
            == (self.manifest.lineage, self.manifest.seed, entry.salt)
    }

    fn read_file(&mut self, at: usize, visit: &mut impl FnMut(Record<'_>)) -> Result<(), LogError> {
        let Some(entry) = self.manifest.files.get(at) else {
            return Ok(());
        };
        let path = self.path(entry);
        let bytes = Bytes::from(
            self.disk
                .read(&path)
                .map_err(LogError::io(&path, "reading"))?,
        );
        let file = File {
            at,
            path: &path,
            salt: entry.salt,
            bytes,
        };
        let Some(first) = self.read_file_header(&file, entry)? else {
            return Ok(());
        };
        let (mut position, mut db, mut has_changes) = (first, 0, false);
        while position < file.bytes.len() {
            let Some((header, body)) = self.read_record(&file, position)? else {
                self.contents.torn = Some(self.torn(&file, position)?);
                break;
            };
            let end = position + body.1;
            self.hand_out(&file, position, &header, body.0, &mut db, visit)?;
            self.expected = Some(header.next_number());
            has_changes |= header.count > 0;
            position = end;
        }
        if has_changes {
            self.contents.files.push((*entry, position as u64));
        }
        Ok(())
    }

    /// Checks the first line; the length of it. None where nothing can be read: the file is empty, or was torn in this line.
    fn read_file_header(
        &mut self,
        file: &File<'_>,
        entry: &FileEntry,
    ) -> Result<Option<usize>, LogError> {
        if file.bytes.is_empty() {
            return Ok(None);
        }
        let Some((header, length)) = FileHeader::read(&file.bytes) else {
            if find_headers(&file.bytes, file.salt).next().is_some() {
                return Err(self.damage(file, 0, "its first line is damaged, and records follow"));
            }
            self.contents.torn = Some(self.torn(file, 0)?);
            return Ok(None);
        };
        if !self.is_ours(&header, entry) {
            return Err(self.damage(file, 0, "it belongs to another log"));
        }
        let expected = self.expected();
        let follows = match self.expected {
            Some(expected) => header.first_number == expected,
            None => header.first_number <= expected,
        };
        if !follows {
            return Err(LogError::Gap {
                path: file.path.to_owned(),
                expected,
                found: header.first_number,
            });
        }
        self.expected = Some(header.first_number);
        Ok(Some(length))
    }

    /// The record at `position`: its header, its body, and the length of both. None where there is no whole one.
    #[allow(clippy::type_complexity)] // A pair of pairs that lives for three lines.
    fn read_record(
        &self,
        file: &File<'_>,
        position: usize,
    ) -> Result<Option<(RecordHeader, (Bytes, usize))>, LogError> {
        let rest = file.bytes.get(position..).unwrap_or_default();
        let Some((header, length)) = RecordHeader::read(rest, file.salt) else {
            return Ok(None);
        };
        if header.number != self.expected() || header.synced >= header.number {
            return Err(self.damage(file, position, "the number is wrong"));
        }
        let body_end = usize::try_from(header.body_bytes)
            .ok()
            .and_then(|bytes| length.checked_add(bytes));
        let Some(end) = body_end.filter(|end| *end <= rest.len()) else {
            return Ok(None);
        };
        let body = file.bytes.slice(position + length..position + end);
        Ok((crc(&body) == header.body_crc).then_some((header, (body, end))))
    }

    fn hand_out(
        &mut self,
        file: &File<'_>,
        position: usize,
        header: &RecordHeader,
        body: Bytes,
        db: &mut usize,
        visit: &mut impl FnMut(Record<'_>),
    ) -> Result<(), LogError> {
        let mut changes = Vec::new();
        let result = decode(
            &body,
            header.count,
            db,
            self.options.databases,
            &mut changes,
        );
        let offset = position as u64;
        if let Err(error) = result {
            return Err(LogError::Body {
                path: file.path.to_owned(),
                offset,
                number: header.number,
                error,
            });
        }
        let known = (self.options.after + 1)
            .saturating_sub(header.number)
            .min(header.count);
        changes.drain(..known as usize);
        self.contents.changes += changes.len() as u64;
        if !changes.is_empty() {
            visit(Record {
                number: header.number + known,
                changes,
                path: file.path,
                offset,
            });
        }
        Ok(())
    }

    /// The tail from `position` on, if a crash can have left it.
    fn torn(&self, file: &File<'_>, position: usize) -> Result<Torn, LogError> {
        let number = self.expected();
        let rest = file.bytes.get(position..).unwrap_or_default();
        if find_headers(rest, file.salt).any(|header| header.synced >= number) {
            return Err(self.damage(file, position, "a later record says that it was synced"));
        }
        for entry in self.manifest.files.iter().skip(file.at + 1) {
            let path = self.path(entry);
            let bytes = self
                .disk
                .read(&path)
                .map_err(LogError::io(&path, "reading"))?;
            if FileHeader::read(&bytes).is_some()
                || find_headers(&bytes, entry.salt).next().is_some()
            {
                return Err(self.damage(
                    file,
                    position,
                    "a later file was begun when it was synced",
                ));
            }
        }
        Ok(Torn {
            path: file.path.to_owned(),
            offset: position as u64,
            number,
            bytes: rest.len() as u64,
        })
    }

    /// Cuts a torn tail.
    fn cut(&self, torn: &Torn) -> Result<(), LogError> {
        if !self.options.may_cut {
            return Err(LogError::Torn(torn.clone()));
        }
        let cut = self.disk.truncate(&torn.path, torn.offset);
        cut.map_err(LogError::io(&torn.path, "cutting"))
    }

    fn expected(&self) -> u64 {
        self.expected.unwrap_or(self.options.after + 1)
    }

    fn damage(&self, file: &File<'_>, position: usize, what: &'static str) -> LogError {
        LogError::Damaged {
            path: file.path.to_owned(),
            offset: position as u64,
            number: self.expected(),
            what,
        }
    }
}

fn decode(
    body: &Bytes,
    count: u64,
    db: &mut usize,
    databases: usize,
    changes: &mut Vec<Change>,
) -> Result<(), BodyError> {
    words::decode(body, db, |change| changes.push(change)).map_err(BodyError::Word)?;
    let found = changes.len() as u64;
    if found != count {
        return Err(BodyError::Count {
            expected: count,
            found,
        });
    }
    let highest = changes.iter().map(highest_database).max().unwrap_or(0);
    if highest < databases {
        Ok(())
    } else {
        Err(BodyError::Database(highest))
    }
}

fn highest_database(change: &Change) -> usize {
    match change.effect {
        Effect::Copy { to_db, .. } | Effect::Move { to_db } => change.db.max(to_db),
        Effect::SwapDb { with } => change.db.max(with),
        _ => change.db,
    }
}

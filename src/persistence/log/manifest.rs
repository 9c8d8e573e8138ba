//! The log's manifest: which files make up the log, in order, whose they are, and each one's salt. docs/log-format.md, "The
//! manifest".

use super::error::LogError;
use super::format::{crc, parse_hex, write_hex};
use crate::persistence::disk::{self, Disk};
use crate::protocol::number::parse_u64;
use std::path::{Path, PathBuf};

const FIRST: &str = "#rhumb log 1 ";
const END: &[u8] = b"#rhumb end ";
/// The base line's number: there is one base, which stands for whatever snapshot is the newest.
const BASE_SEQ: u64 = 1;
const BASE_TEXT: &[u8] = b"This is no data. It stands for the snapshot in the directory above (MANIFEST-*, packs/), which only rhumb reads.\n";

/// What the log's directory and files are called, and where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDirectory {
    path: PathBuf,
    filename: String,
}

impl LogDirectory {
    /// `dir` is the data directory; `dirname` and `filename` are the options of these names (`appendonlydir`,
    /// `appendonly.aof`).
    pub fn new(dir: &Path, dirname: &str, filename: &str) -> LogDirectory {
        LogDirectory {
            path: dir.join(dirname),
            filename: filename.to_owned(),
        }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the manifest is.
    pub fn manifest(&self) -> PathBuf {
        self.path.join(format!("{}.manifest", self.filename))
    }

    /// Where the log file number `seq` is.
    pub fn file(&self, seq: u64) -> PathBuf {
        self.path.join(self.file_name(seq))
    }

    fn file_name(&self, seq: u64) -> String {
        format!("{}.{seq}.incr.aof", self.filename)
    }

    fn base_name(&self) -> String {
        format!("{}.{BASE_SEQ}.base.rhumb", self.filename)
    }

    /// The number of a log file, if `name` is one's.
    fn seq_of(&self, name: &str) -> Option<u64> {
        let rest = name.strip_prefix(&self.filename)?.strip_prefix('.')?;
        parse_u64(rest.strip_suffix(".incr.aof")?.as_bytes())
    }
}

/// One file of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its number; later files have higher ones.
    pub seq: u64,
    /// What its headers' checksums are salted with.
    pub salt: u64,
}

/// The manifest's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Drawn once per data directory.
    pub lineage: u64,
    /// The data directory's seed.
    pub seed: u64,
    /// Whether a snapshot holds what came before the files.
    pub has_base: bool,
    /// The files in order.
    pub files: Vec<FileEntry>,
}

impl Manifest {
    /// Reads the manifest; none where no log was ever written.
    ///
    /// # Errors
    /// [`LogError::Foreign`], [`LogError::Manifest`], [`LogError::NoManifest`], and the disk's.
    pub fn read(disk: &dyn Disk, directory: &LogDirectory) -> Result<Option<Manifest>, LogError> {
        let path = directory.manifest();
        let names = disk
            .list(directory.path())
            .map_err(LogError::io(directory.path(), "listing"))?;
        let name = format!("{}.manifest", directory.filename);
        if !names.contains(&name) {
            return match first_data(disk, directory, &names)? {
                None => Ok(None),
                Some(found) => Err(LogError::NoManifest { path, found }),
            };
        }
        let bytes = disk.read(&path).map_err(LogError::io(&path, "reading"))?;
        if !bytes
            .windows(FIRST.len())
            .any(|window| window == FIRST.as_bytes())
        {
            return Err(LogError::Foreign { path });
        }
        match parse(&bytes, directory) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(what) => Err(LogError::Manifest { path, what }),
        }
    }

    /// Replaces the manifest on disk; the base's file is made before it is named.
    pub fn store(&self, disk: &dyn Disk, directory: &LogDirectory) -> Result<(), LogError> {
        if self.has_base {
            let base = directory.path().join(directory.base_name());
            let is_there = disk
                .len(&base)
                .is_ok_and(|len| len == BASE_TEXT.len() as u64);
            if !is_there {
                disk::replace(disk, &base, BASE_TEXT).map_err(LogError::io(&base, "writing"))?;
            }
        }
        let path = directory.manifest();
        disk::replace(disk, &path, &self.text(directory)).map_err(LogError::io(&path, "replacing"))
    }

    fn text(&self, directory: &LogDirectory) -> Vec<u8> {
        let mut text = format!(
            "{FIRST}lineage {:016x} seed {:016x}\n",
            self.lineage, self.seed
        );
        if self.has_base {
            text += &format!("file {} seq {BASE_SEQ} type b\n", directory.base_name());
        }
        for FileEntry { seq, salt } in &self.files {
            text += &format!("#rhumb salt {seq} {salt:016x}\n");
            text += &format!("file {} seq {seq} type i\n", directory.file_name(*seq));
        }
        let mut bytes = text.into_bytes();
        let end = crc(&bytes);
        bytes.extend_from_slice(END);
        write_hex(end.into(), 8, &mut bytes);
        bytes.push(b'\n');
        bytes
    }
}

/// Removes log files that the manifest does not name: a crash came between a new manifest and their deletion, or before the
/// first manifest that was to name them.
pub fn remove_unnamed(
    disk: &dyn Disk,
    directory: &LogDirectory,
    manifest: &Manifest,
) -> Result<(), LogError> {
    let names = disk
        .list(directory.path())
        .map_err(LogError::io(directory.path(), "listing"))?;
    for seq in names.iter().filter_map(|name| directory.seq_of(name)) {
        if manifest.files.iter().all(|entry| entry.seq != seq) {
            let path = directory.file(seq);
            disk.remove(&path)
                .map_err(LogError::io(&path, "removing"))?;
        }
    }
    Ok(())
}

/// A file with anything in it, where no manifest is. (An empty log file is left by a crash before the first manifest.)
fn first_data(
    disk: &dyn Disk,
    directory: &LogDirectory,
    names: &[String],
) -> Result<Option<String>, LogError> {
    for name in names.iter().filter(|name| !name.ends_with(".tmp")) {
        let path = directory.path().join(name);
        if disk.len(&path).map_err(LogError::io(&path, "reading"))? > 0 {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

fn parse(bytes: &[u8], directory: &LogDirectory) -> Result<Manifest, &'static str> {
    let covered_len = bytes.len().checked_sub(END.len() + 9).ok_or("it is cut")?;
    let (covered, end) = bytes.split_at_checked(covered_len).ok_or("it is cut")?;
    let stored = end
        .strip_prefix(END)
        .and_then(|end| parse_hex(end.strip_suffix(b"\n")?));
    if stored.ok_or("its last line is missing")? != u64::from(crc(covered)) {
        return Err("its checksum is wrong");
    }
    let text = std::str::from_utf8(covered).map_err(|_| "it is not text")?;
    let mut lines = text.lines();
    let (lineage, seed) = lines
        .next()
        .and_then(parse_first)
        .ok_or("its first line is wrong")?;
    let mut manifest = Manifest {
        lineage,
        seed,
        has_base: false,
        files: Vec::new(),
    };
    let mut salt = None;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["#rhumb", "salt", seq, hex] => {
                salt = parse_u64(seq.as_bytes()).zip(parse_hex(hex.as_bytes()))
            }
            ["file", name, "seq", _, "type", "b"] if name == directory.base_name() => {
                manifest.has_base = true
            }
            ["file", name, "seq", seq, "type", "i"] => {
                let seq = parse_u64(seq.as_bytes()).filter(|seq| name == directory.file_name(*seq));
                let (seq, salt) = seq.zip(salt.take()).ok_or("a file's line is wrong")?;
                let last = manifest.files.last().map_or(0, |file| file.seq);
                if salt.0 != seq || seq <= last {
                    return Err("its files are not in order");
                }
                manifest.files.push(FileEntry { seq, salt: salt.1 });
            }
            _ => return Err("a line is unknown"),
        }
    }
    Ok(manifest)
}

fn parse_first(line: &str) -> Option<(u64, u64)> {
    let (lineage, seed) = line
        .strip_prefix(FIRST)?
        .strip_prefix("lineage ")?
        .split_once(" seed ")?;
    Some((parse_hex(lineage.as_bytes())?, parse_hex(seed.as_bytes())?))
}

//! Files outside log and snapshots: the lock of a data directory, and the replacement of a configuration file. They are on
//! the real disk always: a test of them uses a directory of its own.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const LOCK: &str = "LOCK";

/// The lock of a data directory, held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct DirectoryLock {
    file: File,
    path: PathBuf,
}

/// Why a data directory could not be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process works in it.
    Held {
        /// The lock's file.
        path: PathBuf,
        /// That process, as it called itself there: its number, or nothing.
        holder: String,
    },
    /// The disk refused.
    Io {
        /// The lock's file.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
}

impl DirectoryLock {
    /// Locks `dir`, made if it is missing, for this process alone: `LOCK` in it is locked, and holds the process's number for
    /// people. The file stays when the lock goes; it means nothing then.
    pub fn take(dir: &Path) -> Result<DirectoryLock, LockError> {
        let path = dir.join(LOCK);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let opened = fs::create_dir_all(dir).and_then(|()| options.open(&path));
        let mut file = opened.map_err(|error| LockError::Io {
            path: path.clone(),
            error,
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is only helps; that somebody is there is known.
                let _ = file.take(64).read_to_string(&mut holder);
                return Err(LockError::Held {
                    path,
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(LockError::Io { path, error }),
        }
        match sign(&mut file) {
            Ok(()) => Ok(DirectoryLock { file, path }),
            Err(error) => Err(LockError::Io { path, error }),
        }
    }

    /// Whether the directory's path still leads to the directory that was locked: files made there now would otherwise not be
    /// with those that are open.
    ///
    /// # Errors
    /// It does not: the directory was removed, or another one took its place.
    pub fn check(&self) -> io::Result<()> {
        let ours = self.file.metadata()?;
        let is_ours = |found: &fs::Metadata| (found.dev(), found.ino()) == (ours.dev(), ours.ino());
        match fs::metadata(&self.path) {
            Ok(found) if is_ours(&found) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Err(io::Error::other(format!(
                "the data directory was removed or replaced: {} is not the file that was locked at the start",
                self.path.display()
            ))),
        }
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Held { path, holder } if holder.is_empty() => {
                write!(f, "{} is locked by another process", path.display())
            }
            LockError::Held { path, holder } => {
                write!(f, "{} is locked by process {holder}", path.display())
            }
            LockError::Io { path, error } => write!(f, "locking {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for LockError {}

/// Replaces a configuration file as a whole: whoever reads it finds the old text or the new one. Keeps its permissions; a
/// link stays, and what it points to is replaced.
pub fn replace_config(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut temporary = path.clone().into_os_string();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let result = write_whole(&temporary, &path, text);
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result
}

fn write_whole(temporary: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create(temporary)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_directory_is_locked_for_one_at_a_time_and_says_by_whom() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirectoryLock::take(dir.path()).unwrap();
        let Err(LockError::Held { holder, .. }) = DirectoryLock::take(dir.path()) else {
            panic!("it is held")
        };
        assert_eq!(holder, std::process::id().to_string());
        drop(lock);
        fs::write(
            dir.path().join(LOCK),
            "a number that is much longer than ours",
        )
        .unwrap();
        let _lock = DirectoryLock::take(dir.path()).unwrap();
        let text = fs::read_to_string(dir.path().join(LOCK)).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_lock_knows_when_its_directory_was_removed_or_replaced() {
        let parent = tempfile::tempdir().unwrap();
        let dir = parent.path().join("data");
        let lock = DirectoryLock::take(&dir).unwrap();
        lock.check().unwrap();
        let moved = parent.path().join("moved");
        fs::rename(&dir, &moved).unwrap();
        assert!(lock.check().unwrap_err().to_string().contains("removed"));
        let _other = DirectoryLock::take(&dir).unwrap();
        assert!(lock.check().is_err(), "another directory is there");
        fs::remove_dir_all(&dir).unwrap();
        fs::rename(&moved, &dir).unwrap();
        lock.check().unwrap();
    }

    #[test]
    fn a_missing_directory_is_made_and_one_that_cannot_be_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(DirectoryLock::take(&dir.path().join("new/data")).is_ok());
        fs::write(dir.path().join("file"), "").unwrap();
        let below_a_file = dir.path().join("file/data");
        let error = DirectoryLock::take(&below_a_file).unwrap_err().to_string();
        let path = below_a_file.join(LOCK);
        assert!(
            error.starts_with(&format!("locking {}: ", path.display())),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_configuration_keeps_its_permissions_and_its_link() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("a.conf"), dir.path().join("link.conf"));
        fs::write(&path, "port 1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace_config(&link, b"port 2\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "port 2\n");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            2,
            "no temporary file stays"
        );
        replace_config(&dir.path().join("new.conf"), b"x").unwrap();
        assert!(replace_config(&dir.path().join("no/dir.conf"), b"x").is_err());
    }
}

//! Files outside log and snapshots: the lock of a data directory.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Name of the lock file in a data directory.
const LOCK: &str = "LOCK";

/// The right to a data directory, for one process; the system takes it back when the process ends, however it ends.
pub struct DirectoryLock {
    _file: File,
}

/// Why a data directory cannot be locked.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it.
    Taken(PathBuf),
    /// The file cannot be made or locked.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Taken(path) => {
                write!(f, "{}: another server uses this data directory", path.display())
            }
            LockError::Io { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for LockError {}

impl DirectoryLock {
    /// Locks a data directory, making it if it is missing. The file holds the process number, for people.
    pub fn take(dir: &Path) -> Result<DirectoryLock, LockError> {
        let path = dir.join(LOCK);
        let io = |source| LockError::Io { path: path.clone(), source };
        std::fs::create_dir_all(dir).map_err(io)?;
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let mut file = open.map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Taken(path)),
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(DirectoryLock { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_locked_once() {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirectoryLock::take(dir.path()).unwrap();
        assert!(matches!(DirectoryLock::take(dir.path()), Err(LockError::Taken(_))));
        drop(lock);
        assert!(DirectoryLock::take(dir.path()).is_ok());
    }
}

//! Why the log could not be read or written.

use super::words::WordError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What went wrong with the log. Nothing on disk was altered by whoever returns [`LogError::Torn`] or a kind of damage.
#[derive(Debug)]
pub enum LogError {
    /// The disk refused.
    Io {
        /// File or directory.
        path: PathBuf,
        /// What was being done with it.
        doing: &'static str,
        /// The system's answer.
        error: io::Error,
    },
    /// The manifest was written by another server.
    Foreign {
        /// The manifest.
        path: PathBuf,
    },
    /// The manifest is damaged, or of a version that this server does not know.
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The directory holds data, but no manifest that tells what it is.
    NoManifest {
        /// The manifest that is missing.
        path: PathBuf,
        /// A file that is there.
        found: String,
    },
    /// Something is wrong that no crash can explain.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// The number of the change that should stand there.
        number: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Changes are missing between two files, or before the first.
    Gap {
        /// The file behind the gap.
        path: PathBuf,
        /// The number that should come.
        expected: u64,
        /// The number that the file begins with.
        found: u64,
    },
    /// The log ends in the middle of a record, and it was not allowed to cut it.
    Torn(Torn),
    /// A record is whole, but its body has no meaning to this server.
    Body {
        /// The file.
        path: PathBuf,
        /// Where its record begins, in bytes.
        offset: u64,
        /// The record's number.
        number: u64,
        /// What is wrong with the body.
        error: BodyError,
    },
    /// The log cannot be written at present: see [`super::Health`].
    Unhealthy {
        /// The system's answer to the write or fsync that failed.
        text: String,
    },
}

/// What a body can lack although its checksum is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is not made of the log's words.
    Word(WordError),
    /// It holds another number of changes than its header says.
    Count {
        /// By the header.
        expected: u64,
        /// In the body.
        found: u64,
    },
    /// It names a database that this server does not have.
    Database(usize),
}

/// Where a log broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub path: PathBuf,
    /// Where the broken record begins, in bytes: the length of the file after the cut.
    pub offset: u64,
    /// The number that the record would have had.
    pub number: u64,
    /// Bytes from there on.
    pub bytes: u64,
}

impl LogError {
    /// An error of the disk, with what was being done.
    pub(super) fn io(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> LogError {
        move |error| LogError::Io {
            path: path.to_owned(),
            doing,
            error,
        }
    }
}

impl fmt::Display for Torn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Torn {
            path,
            offset,
            number,
            bytes,
        } = self;
        write!(
            f,
            "{} ends at offset {offset} in the middle of change {number} ({bytes} bytes follow)",
            path.display()
        )
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Io { path, doing, error } => write!(f, "{doing} {}: {error}", path.display()),
            LogError::Foreign { path } => write!(
                f,
                "{} was written by another server; nothing was changed. Start on an empty directory and read the old \
                 files with `rhumb load`",
                path.display()
            ),
            LogError::Manifest { path, what } => write!(f, "{} is damaged: {what}", path.display()),
            LogError::NoManifest { path, found } => {
                let path = path.display();
                write!(f, "{path} is missing, although {found} is there")
            }
            LogError::Damaged {
                path,
                offset,
                number,
                what,
            } => {
                let path = path.display();
                write!(
                    f,
                    "{path} is damaged at offset {offset}, change {number}: {what}"
                )
            }
            LogError::Gap {
                path,
                expected,
                found,
            } => {
                let path = path.display();
                write!(
                    f,
                    "change {expected} is missing: {path} begins with change {found}"
                )
            }
            LogError::Torn(torn) => write!(f, "{torn}"),
            LogError::Body {
                path,
                offset,
                number,
                error,
            } => {
                let path = path.display();
                write!(f, "{path} at offset {offset}, change {number}: {error}")
            }
            LogError::Unhealthy { text } => write!(f, "the log cannot be written: {text}"),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::Word(error) => {
                write!(f, "unknown words, perhaps of a newer version: {error}")
            }
            BodyError::Count { expected, found } => {
                write!(f, "{found} changes instead of {expected}")
            }
            BodyError::Database(db) => write!(f, "there is no database {db}; raise `databases`"),
        }
    }
}

impl std::error::Error for LogError {}
impl std::error::Error for BodyError {}

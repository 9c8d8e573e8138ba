//! Opening a data directory: lock it, recover, start the log, open the engine's door.

use super::{Directory, Engine};
use crate::persistence::disk::Disk;
use crate::persistence::files::{DirectoryLock, LockError};
use crate::persistence::log::reader::LogContents;
use crate::persistence::log::{
    FsyncPolicy, Log, LogDirectory, LogError, LogOptions, LogStart, Torn,
};
use crate::persistence::recovery::{Recovered, RecoveryError, RecoveryOptions, recover};
use crate::persistence::snapshot::catalog::{Catalog, CatalogError};
use crate::persistence::snapshot::load::{Damaged, Loaded};
use crate::sys;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a data directory is opened with.
pub struct OpenRequest {
    /// The data directory.
    pub dir: PathBuf,
    /// Folder of the log in it.
    pub log_dir: String,
    /// How the log's files are called.
    pub log_name: String,
    /// Whether there is a log (`appendonly`).
    pub has_log: bool,
    /// When it is synced.
    pub policy: FsyncPolicy,
    /// Whether a torn tail may be cut (`aof-load-truncated`).
    pub may_cut: bool,
    /// Number of databases.
    pub databases: usize,
    /// Random numbers: lineage and seed of a new directory, salt of this start's log files.
    pub random: [u64; 3],
}

/// What was found, for the log for people.
#[derive(Debug, Default)]
pub struct Opened {
    /// Keys loaded from the snapshot.
    pub keys: u64,
    /// Elements loaded from the snapshot.
    pub elements: u64,
    /// Elements that had to be linked anew.
    pub relinked: u64,
    /// Documents of indexes that were taken as the snapshot has them.
    pub taken: u64,
    /// Documents of indexes that the snapshot has, or should have, and that were indexed anew.
    pub indexed: u64,
    /// What is damaged in the snapshot and did not refuse the start.
    pub damaged: Vec<Damaged>,
    /// Changes replayed from the log.
    pub changes: u64,
    /// There is a snapshot, a log is wanted, and there was none.
    pub is_log_missing: bool,
    /// What was cut off the log's end.
    pub torn: Option<Torn>,
}

/// Why a data directory cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has it, or it cannot be made.
    Lock(LockError),
    /// It is damaged.
    Recovery(RecoveryError),
    /// The log cannot be started.
    Log(LogError),
    /// The log is switched off now, and what it holds could not be saved.
    Save(String),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OpenError::Lock(error) => error.fmt(f),
            OpenError::Recovery(error) => error.fmt(f),
            OpenError::Log(error) => error.fmt(f),
            OpenError::Save(why) => write!(f, "what the log holds could not be saved: {why}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl Opened {
    fn of(loaded: Loaded, log: &LogContents, is_log_missing: bool) -> Opened {
        Opened {
            keys: loaded.keys,
            elements: loaded.elements,
            relinked: loaded.relinked,
            taken: loaded.taken,
            indexed: loaded.indexed,
            damaged: loaded.damaged,
            changes: log.changes,
            is_log_missing,
            torn: log.torn.clone(),
        }
    }

    /// Tells what an operator should look at.
    fn warn(&self) {
        warn_of_damaged(&self.damaged);
        if let Some(torn) = &self.torn {
            tracing::warn!("!!! {torn} !!!");
        }
        if self.is_log_missing {
            tracing::warn!(
                "there is a snapshot but no log beside it: if there was one, what it held is lost"
            );
        }
    }
}

/// Tells what is not as it was saved.
pub(super) fn warn_of_damaged(all: &[Damaged]) {
    for damaged in all {
        tracing::warn!("{damaged}");
    }
}

fn recover_from(
    disk: &dyn Disk,
    catalog: &Catalog,
    log: &LogDirectory,
    options: &OpenRequest,
) -> Result<Recovered, OpenError> {
    let [lineage, seed, _] = options.random;
    let told = RecoveryOptions {
        dir: &options.dir,
        log: log.clone(),
        may_cut: options.may_cut,
        databases: options.databases,
        identity_if_new: (lineage, seed),
    };
    recover(disk, catalog, &told).map_err(OpenError::Recovery)
}

fn log_options(directory: LogDirectory, options: &OpenRequest) -> LogOptions {
    LogOptions {
        directory,
        is_enabled: options.has_log,
        policy: options.policy,
        has_thread: true,
    }
}

impl Engine {
    /// Opens a data directory and starts from what it holds; the directory stays locked while the engine lives. `on_progress`
    /// is called when the log was written or synced further.
    pub fn open(
        &self,
        disk: Arc<dyn Disk>,
        options: OpenRequest,
        on_progress: Box<dyn Fn() + Send + Sync>,
    ) -> Result<Opened, OpenError> {
        let lock = DirectoryLock::take(&options.dir).map_err(OpenError::Lock)?;
        let catalog = Catalog::new(&options.dir);
        // Before it is read for the data, so that what its first use takes is told from that; one that is missing is made after.
        let prepared = catalog.exists().then(|| self.prepare(&catalog));
        let log_directory = LogDirectory::new(&options.dir, &options.log_dir, &options.log_name);
        let Recovered {
            keyspace,
            lineage,
            snapshot_cut,
            loaded,
            log: contents,
        } = recover_from(&*disk, &catalog, &log_directory, &options)?;
        keyspace.indexes().measure_with(super::indexing::clock_us);
        let saved_bytes = loaded.bytes;
        let is_log_missing =
            options.has_log && snapshot_cut.is_some() && contents.identity.is_none();
        let opened = Opened::of(loaded, &contents, is_log_missing);
        if let Err(error) = prepared.unwrap_or_else(|| self.prepare(&catalog)) {
            tracing::warn!("the catalogue cannot be opened, the next save makes it anew: {error}");
        }
        // Before the first client is served.
        opened.warn();
        let has_old_log = contents.identity.is_some();
        let start = LogStart {
            lineage,
            seed: keyspace.seed(),
            salt: options.random[2],
            has_snapshot: snapshot_cut.is_some(),
            contents,
        };
        let log_options = log_options(log_directory, &options);
        let log = Log::start(Arc::clone(&disk), start, log_options, on_progress);
        let log = log.map_err(OpenError::Log)?;
        let directory = Directory {
            disk,
            dir: options.dir,
            lineage,
            catalog,
            lock: Some(lock),
        };
        self.start(
            keyspace,
            log,
            Some(directory),
            snapshot_cut.unwrap_or(0),
            saved_bytes,
        );
        if has_old_log && !options.has_log {
            // The log was switched off: a snapshot takes over what it holds, and the log goes.
            self.save()
                .map_err(|failure| OpenError::Save(failure.to_string()))?;
        }
        Ok(opened)
    }

    /// Has the catalogue used once, and counts what that keeps as there from the start.
    fn prepare(&self, catalog: &Catalog) -> Result<(), CatalogError> {
        let before = sys::allocated_bytes_now();
        let prepared = catalog.prepare();
        let kept = sys::allocated_bytes_now().saturating_sub(before);
        self.bytes_at_start
            .fetch_add(kept as u64, Ordering::Relaxed);
        prepared
    }
}

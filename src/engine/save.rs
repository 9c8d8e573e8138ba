//! Saves: who may start one, how the cut is made, and what INFO says about them. The walk over the entries is
//! persistence/snapshot's; the rules between the walk and the writers are in keyspace/save.rs.
//!
//! Requests, save points and the growth of the log all lead here: a snapshot is taken while writers go on, and the log before
//! its cut is dropped.

use super::open::warn_of_damaged;
use super::{Engine, Patience};
use crate::persistence::disk::Disk;
use crate::persistence::files::DirectoryLock;
use crate::persistence::log::Health;
use crate::persistence::snapshot::catalog::Catalog;
use crate::persistence::snapshot::write::{
    Committed, SaveError, SaveJob, SaveProgress, remove_replaced, save,
};
use parking_lot::{Condvar, Mutex};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// How often a save that FLUSHALL or SWAPDB cancelled is begun anew.
const ATTEMPTS: usize = 8;

/// Where snapshots go.
pub struct Directory {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The data directory.
    pub dir: PathBuf,
    /// Drawn once per data directory.
    pub lineage: u64,
    /// The second copy of the newest snapshot's table.
    pub catalog: Catalog,
    /// The right to the directory, given back at the end.
    pub lock: Option<DirectoryLock>,
}

impl Directory {
    /// Whether its path still leads to the directory that was locked.
    fn check(&self) -> std::io::Result<()> {
        self.lock.as_ref().map_or(Ok(()), DirectoryLock::check)
    }
}

/// Why a save did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveFailure {
    /// Another one is running.
    Running,
    /// The disk said no.
    Failed(String),
}

impl std::fmt::Display for SaveFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SaveFailure::Running => f.write_str("a save is already running"),
            SaveFailure::Failed(why) => f.write_str(why),
        }
    }
}

/// What is known about saves.
#[derive(Clone, Debug, Default)]
pub struct SaveStatus {
    /// When the running one started, in milliseconds since 1970.
    pub running_since_ms: Option<u64>,
    /// When the last good one ended, in milliseconds since 1970 (at first: when the server started).
    pub last_good_ms: u64,
    /// When the last one ended, good or not, in milliseconds since 1970; 0: none since the start.
    pub last_end_ms: u64,
    /// Why the last one failed, if it did.
    pub last_failure: Option<String>,
    /// How long the last one took, in milliseconds.
    pub last_took_ms: Option<u64>,
    /// Good saves since the start.
    pub count: u64,
    /// Bytes of the newest snapshot's files; 0 without one.
    pub snapshot_bytes: u64,
}

/// When a save starts by itself.
#[derive(Clone, Debug, Default)]
pub struct SaveTriggers {
    /// After so many seconds, if there were at least so many changes.
    pub points: Vec<(u64, u64)>,
    /// When the log has grown by this percentage beyond what it was after the last save; 0: never.
    pub growth_percent: u64,
    /// But not before it has this size in bytes.
    pub growth_bytes_min: u64,
}

/// Seconds before a save by itself is tried again after a failure.
const RETRY_SECONDS: u64 = 5;

/// The state of saves.
#[derive(Default)]
pub(super) struct Saves {
    status: Mutex<SaveStatus>,
    /// Signalled when one ends.
    ended: Condvar,
    /// The last change that the newest snapshot holds.
    saved_through: AtomicU64,
    /// Whether the last one failed; asked before each write.
    is_failing: AtomicBool,
}

impl Saves {
    /// Starts from what recovery found.
    pub(super) fn begin(&self, now_ms: u64, saved_through: u64, snapshot_bytes: u64) {
        let mut status = self.status.lock();
        status.last_good_ms = now_ms;
        status.snapshot_bytes = snapshot_bytes;
        drop(status);
        self.saved_through.store(saved_through, Ordering::Relaxed);
    }

    /// The right to save, unless somebody has it.
    fn claim(&self, now_ms: u64) -> Result<Turn<'_>, SaveFailure> {
        let mut status = self.status.lock();
        if status.running_since_ms.is_some() {
            return Err(SaveFailure::Running);
        }
        status.running_since_ms = Some(now_ms);
        Ok(Turn { saves: self })
    }

    /// The right to save, after whoever has it.
    pub(super) fn claim_next(&self, now_ms: u64) -> Turn<'_> {
        let mut status = self.status.lock();
        while status.running_since_ms.is_some() {
            self.ended.wait(&mut status);
        }
        status.running_since_ms = Some(now_ms);
        Turn { saves: self }
    }
}

/// The right to save. What [`Engine::save_status`] says of a running save is this right itself, so that whoever reads there
/// that none is running can begin one.
pub(super) struct Turn<'s> {
    saves: &'s Saves,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.saves.status.lock().running_since_ms = None;
        self.saves.ended.notify_all();
    }
}

impl Engine {
    /// What is known about saves.
    pub fn save_status(&self) -> SaveStatus {
        self.saves.status.lock().clone()
    }

    /// Whether the last save failed.
    pub fn is_save_failing(&self) -> bool {
        self.saves.is_failing.load(Ordering::Relaxed)
    }

    /// Changes since the newest snapshot.
    pub fn changes_since_save(&self) -> u64 {
        self.log()
            .last_number()
            .saturating_sub(self.saves.saved_through.load(Ordering::Relaxed))
    }

    /// Saves now; returns when the snapshot is on disk.
    pub fn save(&self) -> Result<(), SaveFailure> {
        let turn = self.saves.claim(self.now_ms())?;
        self.save_alone(&turn)
    }

    /// Starts a save on a thread of its own; returns once it is certain to run.
    pub fn start_save(self: &Arc<Self>) -> Result<(), SaveFailure> {
        let (told, tell) = crossbeam_channel::bounded(1);
        let engine = Arc::clone(self);
        let run = move || match engine.saves.claim(engine.now_ms()) {
            Ok(turn) => {
                let _ = told.send(Ok(()));
                // The status and the log for people tell how it went.
                let _ = engine.save_alone(&turn);
            }
            Err(failure) => drop(told.send(Err(failure))),
        };
        let spawned = thread::Builder::new().name("save".into()).spawn(run);
        spawned.map_err(|error| SaveFailure::Failed(error.to_string()))?;
        tell.recv().unwrap_or(Err(SaveFailure::Running))
    }

    /// Starts a save if one of the triggers asks for it, or if the log cannot go on without one.
    pub fn start_due_save(self: &Arc<Self>, triggers: &SaveTriggers) {
        if let Some(reason) = self.due_save(triggers)
            && self.start_save().is_ok()
        {
            tracing::info!("{reason}. Saving...");
        }
    }

    fn due_save(&self, triggers: &SaveTriggers) -> Option<String> {
        self.data().directory.as_ref()?;
        let status = self.save_status();
        let now_ms = self.now_ms();
        let is_too_soon =
            status.last_failure.is_some() && now_ms < status.last_end_ms + RETRY_SECONDS * 1000;
        if status.running_since_ms.is_some() || is_too_soon {
            return None;
        }
        if let Health::SyncFailed(why) = self.health() {
            return Some(format!(
                "The log cannot be synced ({why}) and waits for a snapshot"
            ));
        }
        let (changes, log_bytes) = (self.changes_since_save(), self.log().size_bytes());
        let point = triggers.points.iter().find(|(seconds, least)| {
            changes >= (*least).max(1) && now_ms >= status.last_good_ms + seconds * 1000
        });
        if let Some((seconds, _)) = point {
            return Some(format!("{changes} changes in {seconds} seconds"));
        }
        // The newest snapshot took the place of the log before it.
        let base = status.snapshot_bytes;
        let grown = base + base.saturating_mul(triggers.growth_percent) / 100;
        let is_grown = triggers.growth_percent > 0
            && changes > 0
            && log_bytes >= triggers.growth_bytes_min
            && log_bytes >= grown;
        is_grown.then(|| format!("The log has grown to {log_bytes} bytes"))
    }

    /// Saves while holding the right to; see the module's head for the steps.
    pub(super) fn save_alone(&self, _turn: &Turn<'_>) -> Result<(), SaveFailure> {
        let start_ms = self.now_ms();
        let result = (0..ATTEMPTS)
            .find_map(|_| self.try_save())
            .unwrap_or_else(|| {
                Err("FLUSHALL, FLUSHDB or SWAPDB cancelled it again and again".to_owned())
            });
        let end_ms = self.now_ms();
        let mut status = self.saves.status.lock();
        status.last_took_ms = Some(end_ms.saturating_sub(start_ms));
        status.last_end_ms = end_ms;
        status.last_failure = result.as_ref().err().cloned();
        self.saves
            .is_failing
            .store(result.is_err(), Ordering::Relaxed);
        if let Ok(committed) = &result {
            status.last_good_ms = end_ms;
            status.count += 1;
            status.snapshot_bytes = committed.bytes;
            tracing::info!(
                "DB saved on disk: {} keys, {} elements, {} bytes in {} ms",
                committed.keys,
                committed.elements,
                committed.bytes,
                end_ms.saturating_sub(start_ms)
            );
        }
        drop(status);
        // The buffers of the walk are free now, and the next save may be an hour away.
        crate::sys::purge_allocator();
        result.map(drop).map_err(|why| {
            tracing::warn!("the save failed: {why}");
            SaveFailure::Failed(why)
        })
    }

    /// One attempt; none if it was cancelled.
    fn try_save(&self) -> Option<Result<Committed, String>> {
        let Some(directory) = &self.data().directory else {
            return Some(Err("there is no data directory".to_owned()));
        };
        if let Err(error) = directory.check() {
            return Some(Err(error.to_string()));
        }
        if let Err(error) = self.log().prepare_file() {
            return Some(Err(error.to_string()));
        }
        let (number, cut) = self.cut();
        self.data().flight.wait_through(cut);
        let clock = self.keyspace().save_clock();
        let job = SaveJob {
            save: number,
            cut,
            dir: &directory.dir,
            lineage: directory.lineage,
        };
        let saved = save(
            self.keyspace(),
            &job,
            &*directory.disk,
            &directory.catalog,
            &|| !clock.is_running(number),
            &SaveProgress::default(),
        );
        self.keyspace().cancel_save();
        match saved {
            // A snapshot in a directory that took the place of ours is none.
            Ok(committed) => Some(match directory.check() {
                Ok(()) => self.forget_before(directory, cut, committed),
                Err(error) => Err(error.to_string()),
            }),
            Err(SaveError::Cancelled) => None,
            Err(SaveError::Failed(error)) => Some(Err(error.to_string())),
        }
    }

    /// Publishes the cut of a new save: the save's number, and the last change that belongs to it.
    fn cut(&self) -> (u64, u64) {
        let mut number = 0;
        let _cut = self.locks().cut_exclusive();
        let cut = self
            .log()
            .cut(|last| number = self.keyspace().save_clock().begin(last));
        (number, cut)
    }

    /// The snapshot is committed: the log before its cut goes, then what the snapshot replaces.
    fn forget_before(
        &self,
        directory: &Directory,
        cut: u64,
        committed: Committed,
    ) -> Result<Committed, String> {
        self.saves.saved_through.store(cut, Ordering::Relaxed);
        if let Some(error) = &committed.catalog_error {
            tracing::warn!("the snapshot is good, its second copy is not: {error}");
            return Ok(committed);
        }
        self.log()
            .drop_through(cut)
            .map_err(|error| error.to_string())?;
        if let Err(error) = remove_replaced(&*directory.disk, &directory.dir, &committed) {
            tracing::warn!("old snapshot files could not be removed: {error}");
        }
        Ok(committed)
    }

    /// DEBUG RELOAD: saves, forgets everything, loads the snapshot. Nobody else works meanwhile.
    pub fn reload(&self) -> Result<(), SaveFailure> {
        let Ok(_world) = self.locks().world_exclusive(Patience::Wait) else {
            return Err(SaveFailure::Running);
        };
        // Held to the end: a save in between would take a half-loaded keyspace for the data.
        let turn = self.saves.claim_next(self.now_ms());
        self.save_alone(&turn)?;
        let Some(directory) = &self.data().directory else {
            return Ok(());
        };
        self.keyspace().clear();
        let loaded = crate::persistence::recovery::load_newest(
            self.keyspace(),
            &*directory.disk,
            &directory.dir,
            &directory.catalog,
        )
        .unwrap_or_else(|error| {
            tracing::error!("the snapshot just saved cannot be loaded ({error}); the process ends, all data is on disk");
            std::process::abort()
        });
        warn_of_damaged(&loaded.damaged);
        Ok(())
    }
}

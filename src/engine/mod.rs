//! The door to the data: locks, numbers, the log, and the one write path. Commands decide; this room makes it happen.
//!
//! # Locks, in the order in which they are taken
//!
//! 0. the **turnstiles** of the indexes that follow the keys of a change, by name: entered, many at a time, by the change, until it is applied;
//!    gone through alone by who will read an index's postings for long, on his way in and holding nothing else. Inside a transaction nobody enters.
//! 1. **world**: shared by every writer and every reader but a search; alone for FLUSHALL, FLUSHDB, SWAPDB and a transaction
//!    that holds a command without keys.
//! 2. **key gates** (4,096, by hash of database and key, ascending, each once): shared by reads, and by changes to elements
//!    of an existing collection; alone for everything else.
//! 3. **element stripes** (1,024, by hash of collection and element): one writer of an element at a time under a shared gate.
//! 4. **cut lock**: shared by a transaction from its first apply to its append; alone for the instant of a save's cut.
//! 5. the **log's mutex**: draws the numbers and appends the record, in one step; under it, for a moment, the numbers in flight.
//! 6. the **watched keys**; 7. the **list of databases**; 8. a shard of the **key table**; 9. a collection's **names**; 10. a
//!    segment's **hand-over lock**; 11. a graph's **removals**; 12. two **node locks** of it, lower slot first; 13. its **levels**; 14. a **free list** of
//!    slots, or of lists above layer 0; 15. the **tables of Blocks**. Of documents, between 8 and 11: the **indexes' names**, the **unfilled**
//!    ones, an index's **postings**, a **row** of shared vectors. What each guards, and which are held while others are taken:
//!    ARCHITECTURE.md.
//!
//! None is held over a write to disk, an fsync or an await, but the world by the orderly stop and DEBUG RELOAD. A search takes
//! the collection under 7 and 8, reads 9 for an element by name, and walks without a lock.
//!
//! # The write path
//!
//! Take 0-3; decide; encode; under 5 draw numbers and append; apply; leave. The reply waits outside, until the log is written
//! up to the last number (and under `appendfsync always` until it is synced).
//!
//! A transaction takes all its locks first, decides and applies command by command, so that each sees the ones before it, and
//! appends one record at the end.

mod access;
mod expiry;
mod files;
mod flight;
mod indexing;
mod locks;
mod open;
mod process;
mod save;
mod stop;
mod turns;
mod watch;

pub use crate::keyspace::collection::distances_by;
pub use access::{Access, Decision, Scope, Transaction};
pub use expiry::Upkeep;
pub use indexing::Indexing;
pub use locks::Patience;
pub use open::{OpenError, OpenRequest, Opened};
pub use process::Memory;
pub use save::{Directory, SaveFailure, SaveStatus, SaveTriggers};
pub use stop::StopRequest;
pub use watch::Watch;

use crate::keyspace::Keyspace;
pub use crate::persistence::disk::RealDisk;
pub use crate::persistence::log::{FsyncPolicy, Health};

use crate::persistence::log::Log;
use crate::stats::Stats;
use flight::InFlight;
use locks::Locks;
use save::Saves;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use watch::Watches;

/// Locks were taken, and the caller did not want to wait for them: run again with more [`Patience`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// By somebody who is at the same keys, or elements.
    Keys,
    /// By somebody who reads the postings of an index for long.
    Postings,
    /// By nobody: but what would be done under them takes long.
    Work,
}

/// Where the time comes from: milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Keyspace, locks and log. Made empty, so that clients can be told to wait, and started with what recovery found.
pub struct Engine {
    data: OnceLock<Data>,
    clock: Clock,
    stats: Arc<Stats>,
    saves: Saves,
    watches: Arc<Watches>,
    /// Bytes that a running save may pin in memory before writers wait.
    pinned_bytes_max: AtomicU64,
    /// Bytes of the log that may wait for the disk before writers wait.
    unwritten_bytes_max: AtomicU64,
    /// The orderly end is done.
    stopped: AtomicBool,
    /// Whether upkeep removes what has expired before anybody asks for it.
    expires_actively: AtomicBool,
    /// How much of it upkeep removes in a round, 1 to 10.
    expiry_effort: AtomicU32,
    /// Allocated before there was data, and what the catalogue keeps from its first use.
    bytes_at_start: AtomicU64,
    /// Called when it is.
    on_stopped: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// What recovery hands over.
struct Data {
    keyspace: Keyspace,
    locks: Locks,
    log: Log,
    flight: InFlight,
    /// Where snapshots go; none: the data is kept nowhere else.
    directory: Option<Directory>,
}

impl Engine {
    /// An engine without data yet.
    pub fn new(clock: Clock, stats: Arc<Stats>) -> Engine {
        Engine {
            data: OnceLock::new(),
            clock,
            stats,
            saves: Saves::default(),
            watches: Arc::default(),
            pinned_bytes_max: AtomicU64::new(64 << 20),
            unwritten_bytes_max: AtomicU64::new(64 << 20),
            stopped: AtomicBool::new(false),
            expires_actively: AtomicBool::new(true),
            expiry_effort: AtomicU32::new(1),
            bytes_at_start: AtomicU64::new(crate::sys::allocated_bytes_now() as u64),
            on_stopped: OnceLock::new(),
        }
    }

    /// Opens the door: the keyspace that recovery built and the log that goes on from there. Call it once.
    /// `saved_through`: the last change that the newest snapshot holds.
    pub fn start(
        &self,
        keyspace: Keyspace,
        log: Log,
        directory: Option<Directory>,
        saved_through: u64,
        snapshot_bytes: u64,
    ) {
        self.saves
            .begin(self.now_ms(), saved_through, snapshot_bytes);
        let data = Data {
            locks: Locks::new(keyspace.seed()),
            flight: InFlight::starting_after(log.last_number()),
            keyspace,
            log,
            directory,
        };
        assert!(self.data.set(data).is_ok(), "the engine is started once");
    }

    /// Opens the door to an empty keyspace that is kept nowhere else; for tests and models.
    pub fn start_in_memory(&self, databases: usize, seed: u64) {
        self.start(
            Keyspace::new(databases, seed),
            Log::in_memory(0),
            None,
            0,
            0,
        );
    }

    /// Limits of what waits in memory for the disk: bytes pinned by a save, bytes of log.
    pub fn set_limits(&self, pinned_bytes_max: u64, unwritten_bytes_max: u64) {
        self.pinned_bytes_max
            .store(pinned_bytes_max, Ordering::Relaxed);
        self.unwritten_bytes_max
            .store(unwritten_bytes_max, Ordering::Relaxed);
    }

    /// Whether there is no data yet; until then only commands that need none may run.
    pub fn is_loading(&self) -> bool {
        self.data.get().is_none()
    }

    /// All keys, for readers that take no gates (INFO, SCAN, searches).
    pub fn keyspace(&self) -> &Keyspace {
        &self.data().keyspace
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.data().log
    }

    fn locks(&self) -> &Locks {
        &self.data().locks
    }

    fn data(&self) -> &Data {
        self.data
            .get()
            .expect("commands that need data are refused while loading")
    }

    /// The time, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Counters.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// A way to the data for one command.
    pub fn access(&self, patience: Patience) -> Access<'_> {
        Access::new(self, patience)
    }

    /// Whether writes can be taken now.
    pub fn health(&self) -> Health {
        self.log().health()
    }

    /// Hands the log to the kernel up to change `number`. The error is what the disk said.
    pub fn write_through(&self, number: u64) -> Result<(), String> {
        self.log()
            .write_through(number)
            .map_err(|error| error.to_string())
    }

    /// Whether [`Engine::write_through`] will take long.
    pub fn is_write_long(&self) -> bool {
        self.log().is_write_long()
    }

    /// Whether the log is with the kernel up to change `number`. The error is what the disk said.
    pub fn is_written(&self, number: u64) -> Result<bool, String> {
        self.has_reached(number, self.log().written())
    }

    /// Whether writes are acknowledged only when they are synced.
    pub fn is_sync_awaited(&self) -> bool {
        self.log().policy() == FsyncPolicy::Always
    }

    /// Whether the log is synced up to change `number`. The error is what the disk said.
    pub fn is_synced(&self, number: u64) -> Result<bool, String> {
        self.has_reached(number, self.log().synced())
    }

    fn has_reached(&self, number: u64, reached: u64) -> Result<bool, String> {
        if reached >= number {
            return Ok(true);
        }
        match self.health() {
            Health::Good => Ok(false),
            Health::WriteFailed(why) | Health::SyncFailed(why) => Err(why),
        }
    }

    /// Lets what waited for readers to leave be freed.
    fn collect_garbage(&self) {
        crossbeam_epoch::pin().flush();
    }

    /// Whether so much waits in memory for the disk that writers should wait too. Not while the disk refuses: then writers are
    /// to be told so at once.
    pub fn is_disk_behind(&self) -> bool {
        let Some(data) = self.data.get() else {
            return false;
        };
        let is_behind = data.log.unwritten_bytes()
            > self.unwritten_bytes_max.load(Ordering::Relaxed)
            || data.keyspace.save_clock().pinned_bytes()
                > self.pinned_bytes_max.load(Ordering::Relaxed);
        is_behind && data.log.health() == Health::Good
    }
}

//! The door to the data: locks, numbers, the log, and the one write path. Commands decide; this room makes it happen.
//!
//! # Locks, in the order in which they are taken
//!
//! 1. **world**: shared by every writer and every reader but a search; alone for FLUSHALL, FLUSHDB, SWAPDB and a transaction
//!    that holds a command without keys.
//! 2. **key gates** (4,096, by hash of database and key, ascending, each once): shared by reads, and by changes to elements
//!    of an existing collection; alone for everything else.
//! 3. **element stripes** (1,024, by hash of collection and element): one writer of an element at a time under a shared gate.
//! 4. **cut lock**: shared by a transaction from its first apply to its append; alone for the instant of a save's cut.
//! 5. the **log's mutex**: draws the numbers and appends the record, in one step.
//! 6. a shard of the **key table**; 7. a segment's **hand-over lock**; 8. two **node locks** of a graph, lower slot first.
//!
//! None is held over a write to disk, an fsync or an await. A search takes the collection under 6 and then no lock at all.
//!
//! # The write path
//!
//! Take 1-3; decide; encode; under 5 draw numbers and append; apply; leave. The reply waits outside, until the log is written
//! up to the last number (and under `appendfsync always` until it is synced).
//!
//! A transaction takes all its locks first, decides and applies command by command, so that each sees the ones before it, and
//! appends one record at the end.

mod access;
mod flight;
mod locks;

pub use access::{Access, Decision, Transaction};
pub use locks::Patience;

use crate::keyspace::Keyspace;
use crate::persistence::log::{Health, Log};
use flight::InFlight;
use locks::Locks;
use std::sync::Arc;

/// A lock was taken and the caller did not want to wait: run again with [`Patience::Wait`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locked;

/// Where the time comes from: milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Keyspace, locks and log.
pub struct Engine {
    keyspace: Keyspace,
    locks: Locks,
    log: Log,
    flight: InFlight,
    clock: Clock,
    /// A removal that leaves no more elements than this takes its key's gate alone, so that the last one leaves with its key.
    threads: usize,
}

impl Engine {
    /// An engine over a recovered keyspace. `threads`: how many threads may run commands at once.
    pub fn new(keyspace: Keyspace, log: Log, clock: Clock, threads: usize) -> Engine {
        let flight = InFlight::starting_after(log.last_number());
        Engine {
            locks: Locks::new(keyspace.seed()),
            keyspace,
            log,
            flight,
            clock,
            threads,
        }
    }

    /// All keys, for readers that take no gates (INFO, SCAN, searches).
    pub fn keyspace(&self) -> &Keyspace {
        &self.keyspace
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Whether writes can be taken now.
    pub fn health(&self) -> Health {
        self.log.health()
    }

    /// The time, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Everything up to this number is applied.
    pub fn applied_through(&self) -> u64 {
        self.flight.applied_through()
    }

    /// A way to the data for one command.
    pub fn access(&self, patience: Patience) -> Access<'_> {
        Access::new(self, patience)
    }
}

//! Saves: who may start one, how the cut is made, and what INFO says about them. The walk over the entries is
//! persistence/snapshot's; the rules between the walk and the writers are in keyspace/save.rs.

use super::Engine;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a save did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveFailure {
    /// Another one is running.
    Running,
    /// The disk said no.
    Failed(String),
}

/// What is known about saves.
#[derive(Clone, Debug, Default)]
pub struct SaveStatus {
    /// When the running one started, in milliseconds since 1970.
    pub running_since_ms: Option<u64>,
    /// When the last good one ended, in milliseconds since 1970 (at first: when the server started).
    pub last_good_ms: u64,
    /// Whether the last one failed, and why.
    pub last_failure: Option<String>,
    /// How long the last one took, in milliseconds.
    pub last_took_ms: Option<u64>,
    /// Saves since the start.
    pub count: u64,
}

/// The state of saves.
#[derive(Default)]
pub(super) struct Saves {
    /// Held while one runs.
    running: Mutex<()>,
    status: Mutex<SaveStatus>,
    /// The last change that the newest snapshot holds.
    saved_through: AtomicU64,
}

impl Engine {
    /// What is known about saves.
    pub fn save_status(&self) -> SaveStatus {
        self.saves.status.lock().clone()
    }

    /// Changes since the newest snapshot.
    pub fn changes_since_save(&self) -> u64 {
        self.log()
            .last_number()
            .saturating_sub(self.saves.saved_through.load(Ordering::Relaxed))
    }
}

//! How much memory columns may take, over all collections: those that were not used for the longest time go first.

use super::Columns;
use super::column::Column;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Bytes of columns until somebody sets another bound.
const BYTES_MAX: u64 = 256 << 20;
/// Between so many uses columns that grew are noticed.
const USES_PER_LOOK: u64 = 4096;

/// The bound that all collections of a keyspace share.
pub struct ColumnBudget {
    bytes_max: AtomicU64,
    uses: AtomicU64,
    /// Collections that have, or had, columns.
    owners: Mutex<Vec<Weak<Columns>>>,
}

impl Default for ColumnBudget {
    fn default() -> Self {
        ColumnBudget {
            bytes_max: AtomicU64::new(BYTES_MAX),
            uses: AtomicU64::new(0),
            owners: Mutex::default(),
        }
    }
}

impl ColumnBudget {
    /// Sets the bound, in bytes; 0 switches columns off.
    pub fn set_bytes_max(&self, bytes_max: u64) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
        self.keep();
    }

    /// The bound, in bytes.
    pub fn bytes_max(&self) -> u64 {
        self.bytes_max.load(Ordering::Relaxed)
    }

    /// Drops all columns; filters that come again build them anew.
    pub fn drop_all(&self) {
        let owners = self.owners.lock();
        for owner in owners.iter().filter_map(Weak::upgrade) {
            owner.drop_all();
        }
    }

    pub(super) fn add_owner(&self, owner: &Arc<Columns>) {
        let mut owners = self.owners.lock();
        owners.retain(|owner| owner.strong_count() > 0);
        owners.push(Arc::downgrade(owner));
    }

    /// The number of the next use.
    pub(super) fn next_use(&self) -> u64 {
        let now = self.uses.fetch_add(1, Ordering::Relaxed);
        if now % USES_PER_LOOK == USES_PER_LOOK - 1 {
            self.keep();
        }
        now
    }

    /// Drops columns, those that were not used for the longest time first, until the others are within the bound.
    pub(super) fn keep(&self) {
        let owners = self.owners.lock();
        let mut listed: Vec<(Arc<Columns>, Arc<Column>)> = owners
            .iter()
            .filter_map(Weak::upgrade)
            .flat_map(|owner| {
                let columns = owner.listed();
                columns
                    .into_iter()
                    .map(move |column| (Arc::clone(&owner), column))
            })
            .collect();
        listed.sort_by_key(|(_, column)| column.used());
        let mut bytes: u64 = listed.iter().map(|(_, column)| column.memory()).sum();
        for (owner, column) in listed {
            if bytes <= self.bytes_max() {
                break;
            }
            bytes -= column.memory();
            owner.drop_column(&column);
        }
    }
}

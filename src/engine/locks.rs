//! The locks above the keyspace and their order; engine/mod.rs tells who takes which.

use super::Locked;
use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// Gates, by hash of database and key.
const GATES: usize = 4096;
/// Stripes, by hash of collection and element.
const STRIPES: usize = 1024;

/// Whom to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Nobody: give up with [`Locked`], so that a connection's worker is never held up. The command runs again where it may wait.
    Try,
    /// As `Work`, for who computes for a few milliseconds: what turns out to take longer runs again where it may.
    Brief,
    /// Those who are at the same keys, but not those who read the postings of an index for long.
    Work,
    /// Everybody.
    Wait,
}

/// World, key gates, element stripes and the cut lock.
pub struct Locks {
    world: RwLock<()>,
    gates: Box<[RwLock<()>]>,
    stripes: Box<[Mutex<()>]>,
    cut: RwLock<()>,
    hasher: foldhash::fast::FixedState,
}

/// Exclusive gates, each once, in ascending order.
pub type GateGuards<'a> = SmallVec<[RwLockWriteGuard<'a, ()>; 2]>;

impl Locks {
    /// All free. `seed` keeps clients from choosing keys that share a gate.
    pub fn new(seed: u64) -> Locks {
        Locks {
            world: RwLock::new(()),
            gates: (0..GATES).map(|_| RwLock::new(())).collect(),
            stripes: (0..STRIPES).map(|_| Mutex::new(())).collect(),
            cut: RwLock::new(()),
            hasher: foldhash::fast::FixedState::with_seed(seed),
        }
    }

    /// 1. The world, shared: every reader but a search, and every writer.
    pub fn world_shared(&self, patience: Patience) -> Result<RwLockReadGuard<'_, ()>, Locked> {
        shared(&self.world, patience)
    }

    /// 1. The world, alone: flushes, SWAPDB, a transaction that holds a command without keys.
    pub fn world_exclusive(&self, patience: Patience) -> Result<RwLockWriteGuard<'_, ()>, Locked> {
        exclusive(&self.world, patience)
    }

    /// 2. One gate, shared.
    pub fn gate_shared(
        &self,
        db: usize,
        key: &[u8],
        patience: Patience,
    ) -> Result<RwLockReadGuard<'_, ()>, Locked> {
        shared(&self.gates[self.gate_of(db, key)], patience)
    }

    /// 2. The gates of several keys, shared, ascending.
    pub fn gates_shared<'k>(
        &self,
        keys: impl IntoIterator<Item = (usize, &'k [u8])>,
        patience: Patience,
    ) -> Result<SmallVec<[RwLockReadGuard<'_, ()>; 2]>, Locked> {
        self.sorted_gates(keys)
            .into_iter()
            .map(|gate| shared(&self.gates[gate], patience))
            .collect()
    }

    /// 2. The gates of keys, exclusive, ascending.
    pub fn gates_exclusive<'k>(
        &self,
        keys: impl IntoIterator<Item = (usize, &'k [u8])>,
        patience: Patience,
    ) -> Result<GateGuards<'_>, Locked> {
        self.sorted_gates(keys)
            .into_iter()
            .map(|gate| exclusive(&self.gates[gate], patience))
            .collect()
    }

    /// 3. The stripe of one element.
    pub fn stripe(
        &self,
        collection: u64,
        element: &[u8],
        patience: Patience,
    ) -> Result<MutexGuard<'_, ()>, Locked> {
        let stripe = &self.stripes[self.hasher.hash_one((collection, element)) as usize % STRIPES];
        match patience {
            Patience::Brief | Patience::Work | Patience::Wait => Ok(stripe.lock()),
            Patience::Try => stripe.try_lock().ok_or(Locked::Keys),
        }
    }

    /// 3. The stripes of several elements, each once, in ascending order.
    pub fn stripes(
        &self,
        collection: u64,
        elements: &[&[u8]],
        patience: Patience,
    ) -> Result<Vec<MutexGuard<'_, ()>>, Locked> {
        let mut stripes: Vec<usize> = elements
            .iter()
            .map(|element| self.hasher.hash_one((collection, *element)) as usize % STRIPES)
            .collect();
        stripes.sort_unstable();
        stripes.dedup();
        let lock = |stripe: usize| match patience {
            Patience::Brief | Patience::Work | Patience::Wait => Ok(self.stripes[stripe].lock()),
            Patience::Try => self.stripes[stripe].try_lock().ok_or(Locked::Keys),
        };
        stripes.into_iter().map(lock).collect()
    }

    /// 4. The cut lock, shared: a transaction from its first apply to its append.
    pub fn cut_shared(&self, patience: Patience) -> Result<RwLockReadGuard<'_, ()>, Locked> {
        shared(&self.cut, patience)
    }

    /// 4. The cut lock, alone: for the instant of a cut.
    pub fn cut_exclusive(&self) -> RwLockWriteGuard<'_, ()> {
        self.cut.write()
    }

    fn gate_of(&self, db: usize, key: &[u8]) -> usize {
        self.hasher.hash_one((db, key)) as usize % GATES
    }

    fn sorted_gates<'k>(
        &self,
        keys: impl IntoIterator<Item = (usize, &'k [u8])>,
    ) -> SmallVec<[usize; 4]> {
        let mut gates: SmallVec<[usize; 4]> = keys
            .into_iter()
            .map(|(db, key)| self.gate_of(db, key))
            .collect();
        gates.sort_unstable();
        gates.dedup();
        gates
    }
}

fn shared(lock: &RwLock<()>, patience: Patience) -> Result<RwLockReadGuard<'_, ()>, Locked> {
    match patience {
        Patience::Brief | Patience::Work | Patience::Wait => Ok(lock.read()),
        Patience::Try => lock.try_read().ok_or(Locked::Keys),
    }
}

fn exclusive(lock: &RwLock<()>, patience: Patience) -> Result<RwLockWriteGuard<'_, ()>, Locked> {
    match patience {
        Patience::Brief | Patience::Work | Patience::Wait => Ok(lock.write()),
        Patience::Try => lock.try_write().ok_or(Locked::Keys),
    }
}

//! The rooms index/ and kernels/ as they stand in src/, built on loom: it runs each model of src/index/hnsw/models.rs in every
//! order of its threads' steps, with every value that the memory orderings let a load return. Run it with
//!
//!     RUSTFLAGS="--cfg loom" cargo test --release --manifest-path tests/loom/Cargo.toml --target-dir target/loom
//!
//! index/sync.rs takes its atomics from loom then, and four things have stand-ins here, which loom can follow: the memory of
//! nodes (block.rs), the epoch (epoch.rs), locks on data, and a hash set, whose order of iteration may not differ from run to
//! run. Rows of vectors are loom's cells: touching one that is not published yet, or is written anew, fails the model.

#![cfg(loom)]
#![allow(dead_code, reason = "models use a part of the rooms")]

// Under these names the rooms find the stand-ins.
extern crate self as crossbeam_epoch;
extern crate self as hashbrown;
extern crate self as parking_lot;

mod atomic;
mod epoch;
#[path = "../../src/index/mod.rs"]
mod index;
#[path = "../../src/kernels/mod.rs"]
mod kernels;
#[path = "../../src/shared_bytes.rs"]
mod shared_bytes;

pub use epoch::{Guard, pin};

/// Asking for memory early changes nothing.
mod sys {
    pub const CACHE_LINE: usize = 64;

    pub fn prefetch(_start: *const u8, _bytes: usize) {}

    pub fn prefetch_line(_line: *const u8) {}
}

/// Stands in for hashbrown's: always in the same order.
pub type HashSet<T> = std::collections::BTreeSet<T>;

/// Stands in for parking_lot's.
#[derive(Default)]
pub struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
        self.0.lock().expect("a model ends at its first panic")
    }
}

/// The same for a lock that is shared or alone; no model takes it.
#[derive(Default)]
pub struct RwLock<T>(loom::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub fn new(value: T) -> RwLock<T> {
        RwLock(loom::sync::RwLock::new(value))
    }

    pub fn read(&self) -> loom::sync::RwLockReadGuard<'_, T> {
        self.0.read().expect("a model ends at its first panic")
    }

    pub fn write(&self) -> loom::sync::RwLockWriteGuard<'_, T> {
        self.0.write().expect("a model ends at its first panic")
    }
}

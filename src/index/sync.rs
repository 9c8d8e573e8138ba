//! The atomics and the ways to wait that slots and links are made of: the machine's, or loom's while it runs the models of
//! hnsw/models.rs (tests/loom/lib.rs says how).

#[cfg(loom)]
pub(super) use loom::{hint::spin_loop, sync::atomic, thread::yield_now};
#[cfg(not(loom))]
pub(super) use std::{hint::spin_loop, sync::atomic, thread::yield_now};

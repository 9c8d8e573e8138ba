//! The atomics and the ways to wait that slots and links are made of: the machine's, or those of tests/loom while loom runs the
//! models of hnsw/models.rs.

#[cfg(loom)]
pub(super) use crate::atomic;
#[cfg(loom)]
pub(super) use loom::{hint::spin_loop, thread::yield_now};
#[cfg(not(loom))]
pub(super) use std::{hint::spin_loop, sync::atomic, thread::yield_now};

//! What is on disk: the append-only log (log/), snapshots (snapshot/), and how a start puts them together (recovery.rs).
//! docs/log-format.md and docs/snapshot-format.md describe the files; engine/ decides when they are written.

pub mod disk;
pub mod files;
pub mod log;
pub mod recovery;
pub mod snapshot;

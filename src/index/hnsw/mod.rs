//! The graph: HNSW after Malkov and Yashunin (arXiv 1603.09320), with links that always go both ways. It asks for distances
//! by slot and never sees a vector.
//!
//! Order of reading: graph.rs (lists, locks, entry point), search.rs (the walk), filtered.rs, select.rs (whom to link), insert.rs,
//! remove.rs and circle.rs, load.rs (snapshots), check.rs (the invariants, as code), models.rs (what
//! threads may do to each other, for loom).

mod check;
mod circle;
mod filtered;
mod graph;
mod insert;
mod load;
mod ranged;
mod remove;
mod scratch;
mod search;
mod select;

pub(super) use graph::{Graph, level_from};

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

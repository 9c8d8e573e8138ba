//! How a query for documents is answered (run.rs): the tree of its conditions (tree.rs) becomes a set of documents (matching.rs), for which
//! vectors within radii were found (within.rs), and of which the nearest to a vector are taken (nearest.rs) with the effort that they
//! are worth (effort.rs), or which are worth something themselves (worth.rs, score.rs, and why: reasons.rs). pattern.rs and proximity.rs
//! compare words, shapes.rs shapes; cost.rs tells before how long it will take, patience.rs ends what takes too long. filters.rs says by
//! what an index knows a filter that is asked again.

pub mod cost;
pub mod distances;
pub mod effort;
mod filters;
pub mod matching;
pub mod nearest;
pub mod patience;
pub mod pattern;
pub mod proximity;
pub mod reasons;
pub mod run;
pub mod score;
pub mod shapes;
pub mod sought;
pub mod tree;

pub mod within;
pub mod worth;

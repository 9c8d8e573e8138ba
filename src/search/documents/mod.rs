//! How a query for documents is answered: the tree of its conditions (tree.rs) becomes a set of documents (matching.rs), of which the
//! nearest to a vector are taken (nearest.rs) and which are worth something (worth.rs, score.rs; explanation.rs). pattern.rs and proximity.rs compare words;
//! patience.rs ends what takes too long.

pub mod explanation;
pub mod matching;
pub mod nearest;
pub mod patience;
pub mod pattern;
pub mod proximity;
pub mod score;
pub mod tree;
pub mod worth;

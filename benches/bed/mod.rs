//! What the benches stand on: data sets with their true neighbours (data.rs), graphs over them and the recall of their
//! answers (graph.rs), collections with attributes (collection.rs), indexes over documents (documents.rs), the machine's cores and tables of results (machine.rs).
//!
//! Each bench is a crate of its own and uses a part of this.
#![allow(dead_code, missing_docs)]

pub mod collection;
pub mod data;
pub mod documents;
pub mod graph;
pub mod machine;

/// Whether this is `cargo test`, which wants to see every bench run once and soon, and not `cargo bench`.
pub fn is_brief() -> bool {
    !std::env::args().any(|word| word == "--bench")
}

/// The words of the command line without those that cargo adds.
pub fn words() -> impl Iterator<Item = String> {
    std::env::args().filter(|word| word != "--bench")
}

/// Ends a bench that has no harness, in the words of those that have one: scripts/check counts them.
pub fn succeed() {
    if is_brief() {
        println!("Success");
    }
}

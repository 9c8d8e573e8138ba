//! How a question is answered: a query (query.rs) is planned, scan or walk (plan.rs), and the plan followed in a collection's
//! index (follow.rs); its hits are named and sorted (run.rs). Filters (filter.rs) decide who may be a hit; expression/ is the language of vector
//! sets for them. calibrate.rs measures which effort keeps a promised recall. What a hit is worth in a client's scores is the front-ends' business.

pub mod calibrate;
pub mod documents;
pub mod expression;
pub mod filter;
pub mod follow;
pub mod plan;
pub mod query;
pub mod run;

#[cfg(test)]
mod tests;

pub use query::{Answer, Explanation, Hit, Promise, Query, QueryError, QueryTarget};
pub use run::{Phase, run, run_in_phases};

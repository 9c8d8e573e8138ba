//! RediSearch's commands over the indexes of documents (keyspace/documents/), and their language as pure code: words of FT commands
//! in, typed requests and query trees out, with RediSearch's error texts and offsets. search/documents/ answers the trees.
//!
//! - [`indexes`]: FT.CREATE and its like; [`find`]: FT.SEARCH, with [`rows`], what is shown; [`info`]: FT.INFO;
//! - [`schema`]: what FT.CREATE and FT.ALTER say, and back to words;
//! - [`query`]: the query string as a checked tree;
//! - [`search`]: the options of a query command;
//! - [`text`]: how words are cut, stemmed and scored;
//! - [`words`]: reading arguments with RediSearch's rules; [`errors`]: all error lines.

pub mod errors;
pub mod expression;
mod find;
mod indexes;
mod info;
pub mod options;
pub mod query;
mod rows;
pub mod scores;
pub mod search;

pub use crate::keyspace::documents::{schema, text, words};

use super::table::Command;

/// The family.
pub const COMMANDS: &[Command] = &[
    indexes::CREATE,
    indexes::DROPINDEX,
    indexes::LIST,
    find::SEARCH,
    info::INFO,
];

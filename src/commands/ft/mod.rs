//! RediSearch's commands over the indexes of documents (keyspace/documents/), and their language as pure code: words of FT commands
//! in, typed requests and query trees out, with RediSearch's error texts and offsets. search/documents/ answers the trees.
//!
//! - indexes.rs and aliases.rs: FT.CREATE and its like; find.rs: what every query command finds, with characters.rs: Chinese, and cost.rs and deadline.rs: where it
//!   runs and what it does when its time is over;
//! - page.rs: FT.SEARCH, with sorting.rs, which documents are shown, and rows.rs with cells.rs, what is shown of them; pipeline.rs: FT.AGGREGATE, with
//!   properties.rs, its rows, and cursors.rs: FT.CURSOR;
//!   profile.rs: FT.PROFILE;
//! - turns.rs: tests of how writes and long searches get out of each other's way;
//! - info.rs: FT.INFO, with figures.rs; look.rs: FT.EXPLAIN and FT.TAGVALS; config.rs: FT.CONFIG;
//! - [`schema`]: what FT.CREATE and FT.ALTER say, and back to words;
//! - [`query`]: the query string as a checked tree;
//! - [`search`], [`aggregate`]: the words of FT.SEARCH, FT.AGGREGATE and FT.CURSOR, with the [`options`] that they share;
//! - arguments.rs: the same words as the table of commands tells them;
//! - [`explain`]: a query as FT.EXPLAIN shows it;
//! - [`expression`]: APPLY and FILTER; [`reducers`]: REDUCE;
//! - [`text`]: how words are cut, stemmed and scored; [`printed`]: how numbers are printed;
//! - [`words`]: reading arguments with RediSearch's rules; numbers.rs: numbers in parameters; [`errors`]: all error lines.

pub mod aggregate;
mod aliases;
mod arguments;
mod cells;
mod characters;
mod config;
mod cost;
mod cursors;
mod deadline;
pub mod errors;
pub mod explain;
mod figures;
mod find;
mod indexes;
mod info;
mod look;
mod numbers;
pub mod options;
mod ordering;
mod page;
mod pipeline;
mod profile;
mod properties;
pub mod query;
mod reasons;
pub mod reducers;
mod rows;
pub mod search;
mod sorting;
#[cfg(test)]
mod turns;

pub use crate::keyspace::documents::{expression, printed, schema, text, words};

pub use cursors::Cursors;

use super::table::Command;

/// The family.
pub const COMMANDS: &[Command] = &[
    indexes::CREATE,
    indexes::ALTER,
    indexes::DROPINDEX,
    indexes::CREATEIFNX,
    indexes::ALTERIFNX,
    indexes::DROPINDEXIFX,
    indexes::LIST,
    aliases::ALIASADD,
    aliases::ALIASUPDATE,
    aliases::ALIASDEL,
    aliases::ALIASADDIFNX,
    aliases::ALIASDELIFX,
    page::SEARCH,
    pipeline::AGGREGATE,
    cursors::CURSOR,
    profile::PROFILE,
    look::EXPLAIN,
    look::EXPLAINCLI,
    look::TAGVALS,
    info::INFO,
    config::CONFIG,
];

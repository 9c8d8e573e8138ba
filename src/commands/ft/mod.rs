//! RediSearch's language as pure code: words of FT commands in, typed requests and query trees out, with RediSearch's error
//! texts and offsets. Nothing here touches the data: a schema is handed in, a tree comes back.
//!
//! - [`schema`]: what FT.CREATE and FT.ALTER say, and back to words;
//! - [`query`]: the query string as a checked tree;
//! - [`search`]: the options of a query command;
//! - [`text`]: how words are cut, stemmed and scored;
//! - [`words`]: reading arguments with RediSearch's rules; [`errors`]: all error lines.

pub mod errors;
pub mod expression;
pub mod options;
pub mod query;
pub mod schema;
pub mod scores;
pub mod search;
pub mod text;
pub mod words;

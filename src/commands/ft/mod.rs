//! RediSearch's language as pure code: words of FT commands in, typed requests and query trees out, with RediSearch's error
//! texts and offsets. Nothing here touches the data: a schema is handed in, a tree comes back.
//!
//! - [`schema`]: what FT.CREATE and FT.ALTER say, and back to words;
//! - [`query`]: the query string as a checked tree;
//! - [`search`], [`aggregate`]: the words of FT.SEARCH, FT.AGGREGATE and FT.CURSOR, with the [`options`] that they share;
//! - [`explain`]: a query as FT.EXPLAIN shows it;
//! - [`expression`]: APPLY and FILTER; [`reducers`]: REDUCE;
//! - [`text`]: how words are cut, stemmed and scored; [`scores`]: how numbers are printed;
//! - [`words`]: reading arguments with RediSearch's rules; [`errors`]: all error lines.

pub mod aggregate;
pub mod errors;
pub mod explain;
pub mod expression;
pub mod options;
pub mod query;
pub mod reducers;
pub mod schema;
pub mod scores;
pub mod search;
pub mod text;
pub mod words;

//! Full text without the index: languages and their stemmers, stop words, how text is cut into words, which words a query's
//! word stands for, how near words must be to each other, and what a match is worth.

pub mod language;
pub mod pattern;
pub mod proximity;
pub mod score;
pub mod stop_words;
pub mod tokenize;

pub use tokenize::split;

//! Full text without the index: languages and their stemmers, stop words, how text is cut into words,
//! what a backslash does, how words sound.

pub mod characters;
pub mod escape;
pub mod language;
pub mod metaphone;
pub mod stop_words;
pub mod tokenize;

pub use tokenize::split;

//! Vector-set expressions: the filter language over an element's JSON attributes, compiled once per query and run once per
//! candidate. Text becomes tokens (lex.rs), tokens a postfix program (parse.rs), a program runs on a stack (eval.rs) over
//! fields fetched by a sloppy JSON reader (json.rs). Nothing here recurses on what a client sent.
//!
//! The meaning follows docs/expressions.md, with one rule to keep in mind: nothing is short-circuited. Every field that an
//! expression names is fetched, and one that is missing or of no usable type makes the whole expression false.

mod eval;
mod json;
mod lex;
pub mod number;
mod parse;
#[cfg(test)]
mod tests;

use std::ops::Range;

/// Where an expression could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The bytes of the text to show: from where reading stopped, or all of it when no place is to blame.
    pub near: Range<usize>,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    program: parse::Program,
}

impl Expression {
    /// Compiles `text`, which ends at its first NUL byte. Takes time and memory linear in its length.
    pub fn compile(text: &[u8]) -> Result<Expression, SyntaxError> {
        parse::compile(text).map(|program| Expression { program })
    }

    /// Whether an element with these attributes (JSON text) matches. One without attributes never does.
    pub fn matches(&self, attributes: Option<&[u8]>) -> bool {
        attributes.is_some_and(|attributes| eval::run(&self.program, attributes))
    }
}

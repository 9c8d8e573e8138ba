//! Vector-set expressions: the filter language over an element's JSON attributes, compiled once per query and run once per
//! candidate. Text becomes tokens (lex.rs), tokens a postfix program (parse.rs), a program runs on a stack (eval.rs) over
//! fields fetched by a sloppy JSON reader (keyspace/attributes/), or 64 slots at once over columns (blocks.rs). Nothing here
//! recurses on what a client sent, but for blocks.rs, which takes short programs only.
//!
//! The meaning follows docs/expressions.md, with one rule to keep in mind: nothing is short-circuited. Every field that an
//! expression names is fetched, and one that is missing or of no usable type makes the whole expression false.

mod blocks;
mod eval;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod tuple;

use crate::keyspace::attributes::number;
use crate::keyspace::columns::Column;
use std::ops::Range;
use std::sync::Arc;

pub(super) use blocks::ones;
pub use blocks::{OverColumns, Verdicts};

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

    /// The fields that it names, each once.
    pub fn fields(&self) -> &[Box<[u8]>] {
        &self.program.fields
    }

    /// The expression over the columns of its fields, given in their order; none where reading the attributes serves as well.
    pub fn over(&self, columns: Vec<Arc<Column>>) -> Option<OverColumns<'_>> {
        OverColumns::compile(&self.program, columns)
    }

    /// Whether an element with these attributes (JSON text) matches. One without attributes never does.
    pub fn matches(&self, attributes: Option<&[u8]>) -> bool {
        attributes.is_some_and(|attributes| eval::run(&self.program, attributes))
    }
}

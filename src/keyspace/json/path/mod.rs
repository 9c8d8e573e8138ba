//! Paths into a document: JSONPath (RFC 9535) and the older form without `$`, compiled once and asked often. parse.rs reads
//! the text, find.rs walks a document, filter.rs decides `?` selectors.
//!
//! Beyond the RFC: a path may have blanks between its parts, a dot before a bracket, and names with `-`, `:` and the like
//! after a dot. Where RedisJSON and the RFC differ, RedisJSON counts:
//! - a negative index that lies before the start means the first element;
//! - in a filter, two missing values are not equal, and booleans have an order;
//! - a comparison with several nodes on a side holds if it holds for one of them.

mod filter;
mod find;
mod parse;
mod pattern;
#[cfg(test)]
mod tests;

pub use find::{Exhausted, Found};

use super::{Json, Place, Step};
use pattern::Pattern;
use std::fmt;

/// A compiled path.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    segments: Vec<Segment>,
    is_legacy: bool,
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// Where in the text, in bytes. A path without `$` counts as if it began with `$.`, or `$` before its dot.
    pub at: usize,
    /// What would have been right there.
    pub expected: &'static str,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expected at position {}", self.expected, self.at)
    }
}

impl std::error::Error for PathError {}

/// One step of a path: what is selected of each node that the steps before lead to.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    /// Of the nodes below as well.
    descends: bool,
    selectors: Vec<Selector>,
}

#[derive(Clone, Debug, PartialEq)]
enum Selector {
    Name(Box<str>),
    All,
    At(i64),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Where(Box<Filter>),
}

#[derive(Clone, Debug, PartialEq)]
enum Filter {
    Any(Vec<Filter>),
    Every(Vec<Filter>),
    Not(Box<Filter>),
    Exists(Operand),
    Compare(Operand, Comparison, Operand),
    /// The second one is a pattern, and matches in the first one: anywhere, or (true) as a whole.
    Matches(Operand, Operand, bool),
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Constant(Json),
    /// A constant that is used as a pattern, compiled; none if it is no pattern, and matches nothing.
    Pattern(Option<Pattern>),
    /// From the node that is filtered.
    Here(JsonPath),
    /// From the root.
    Root(JsonPath),
    /// Characters of a string, or elements or members.
    Length(Box<Operand>),
    /// Number of nodes.
    Count(Box<Operand>),
    /// The one node of a query that leads to one.
    Value(Box<Operand>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Compiles a path: one that begins with `$`, or one of the older form (`.a.b`, `a`, `.`).
    ///
    /// # Errors
    /// Says where it is wrong.
    pub fn parse(text: &str) -> Result<JsonPath, PathError> {
        parse::parse(text)
    }

    /// Whether a text would be read as the older form.
    pub fn is_legacy_text(text: &str) -> bool {
        !matches!(text.as_bytes(), [b'$'] | [b'$', b'.' | b'[', ..])
    }

    /// The path to the root, in the form `$`.
    pub fn root() -> JsonPath {
        JsonPath {
            segments: Vec::new(),
            is_legacy: false,
        }
    }

    /// The path to the root, in the older form.
    pub fn legacy_root() -> JsonPath {
        JsonPath {
            is_legacy: true,
            ..JsonPath::root()
        }
    }

    /// Whether it is of the older form, which speaks of one node: the first that matches.
    pub fn is_legacy(&self) -> bool {
        self.is_legacy
    }

    /// Whether it leads to the root.
    pub fn is_root(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether it leads to one node at most, whatever the document.
    pub fn is_single(&self) -> bool {
        let is_single = |segment: &Segment| {
            let selectors = &segment.selectors[..];
            !segment.descends && matches!(selectors, [Selector::Name(_) | Selector::At(_)])
        };
        self.segments.iter().all(is_single)
    }

    /// The place it leads to, if that does not depend on the document.
    pub fn place(&self) -> Option<Place> {
        let step = |segment: &Segment| match &segment.selectors[..] {
            [Selector::Name(name)] if !segment.descends => Some(Step::Name(name.clone())),
            [Selector::At(at)] if !segment.descends => usize::try_from(*at).ok().map(Step::At),
            _ => None,
        };
        let steps: Option<Vec<Step>> = self.segments.iter().map(step).collect();
        steps.map(Place::new)
    }

    /// The path to the parent and the name in it, if its last step is one name.
    pub fn split_name(&self) -> Option<(JsonPath, &str)> {
        let (last, parents) = self.segments.split_last()?;
        match &last.selectors[..] {
            [Selector::Name(name)] if !last.descends => {
                let parent = JsonPath {
                    segments: parents.to_vec(),
                    is_legacy: self.is_legacy,
                };
                Some((parent, name))
            }
            _ => None,
        }
    }
}

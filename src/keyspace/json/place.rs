//! A concrete place in a document: the steps from the root to one node, and how it is written: `$["name"][3]`. Such a text is a
//! path like any other, so the log can say where something changed in words that other servers read.

use super::path::{JsonPath, PathError};
use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Into an object.
    Name(Box<str>),
    /// Into an array, counted from its start.
    At(usize),
}

/// The steps from the root to a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(Vec<Step>);

impl Place {
    /// The place these steps lead to.
    pub fn new(steps: Vec<Step>) -> Place {
        Place(steps)
    }

    /// The root.
    pub fn root() -> Place {
        Place::default()
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `other` is this place or inside it.
    pub fn contains(&self, other: &Place) -> bool {
        other.0.starts_with(&self.0)
    }

    /// One step further.
    pub fn then(&self, step: Step) -> Place {
        let mut steps = self.0.clone();
        steps.push(step);
        Place(steps)
    }

    /// Reads a place as it is written.
    ///
    /// # Errors
    /// If it is no path, or one that may lead to several nodes or counts from an end.
    pub fn parse(text: &str) -> Result<Place, PathError> {
        let path = JsonPath::parse(text)?;
        path.place().ok_or(PathError {
            at: 0,
            expected: "a concrete place",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in &self.0 {
            match step {
                Step::At(at) => write!(f, "[{at}]")?,
                Step::Name(name) => write!(f, "[{}]", Quoted(name))?,
            }
        }
        Ok(())
    }
}

/// A name in the quotes that need the fewest escapes: only quotes and backslashes are ever escaped, which every reader of
/// paths understands.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = match self.0.contains('"') && !self.0.contains('\'') {
            true => '\'',
            false => '"',
        };
        write!(f, "{quote}")?;
        for c in self.0.chars() {
            if c == quote || c == '\\' {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "{quote}")
    }
}

//! Paths as words of a request. A path that cannot be compiled is an error only once the key was found to be there.

use super::{errors, utf8};
use crate::commands::Call;
use crate::commands::error::Result;
use crate::keyspace::json::path::PathError;
use crate::keyspace::json::{Document, Found, JsonPath, Node};
use crate::protocol::Reply;

/// A path that a request gave, or left out.
pub struct Path<'r> {
    /// As it was given.
    pub text: &'r str,
    /// Whether it is of the older form.
    pub is_legacy: bool,
    compiled: std::result::Result<JsonPath, PathError>,
}

impl<'r> Path<'r> {
    /// The path that a word spells.
    pub fn new(word: &'r [u8]) -> Result<Path<'r>> {
        let text = utf8(word)?;
        Ok(Path {
            text,
            is_legacy: JsonPath::is_legacy_text(text),
            compiled: JsonPath::parse(text),
        })
    }

    /// The next word as a path.
    pub fn take(call: &mut Call<'r>) -> Result<Path<'r>> {
        Path::new(call.args.word()?)
    }

    /// The next word as a path; the root, in the older form, if there is none.
    pub fn take_optional(call: &mut Call<'r>) -> Result<Path<'r>> {
        Path::new(call.args.try_next().unwrap_or(b"."))
    }

    /// Whether it is the root itself.
    pub fn is_root(&self) -> bool {
        self.compiled.as_ref().is_ok_and(JsonPath::is_root)
    }

    /// Whether it can be compiled.
    pub fn is_valid(&self) -> bool {
        self.compiled.is_ok()
    }

    /// The compiled path.
    pub fn compiled(&self) -> Result<&JsonPath> {
        self.compiled.as_ref().map_err(errors::bad_path)
    }

    /// The nodes that match.
    pub fn find<'d>(&self, document: &'d Document) -> Result<Vec<Node<'d>>> {
        let found = self.compiled()?.find(document.root());
        found.map_err(|_| errors::EXHAUSTED)
    }

    /// The nodes that match, with their places.
    pub fn locate<'d>(&self, document: &'d Document) -> Result<Vec<Found<'d>>> {
        let found = self.compiled()?.locate(document.root());
        found.map_err(|_| errors::EXHAUSTED)
    }

    /// The first node that matches; an error if none does.
    pub fn first<'d>(&self, document: &'d Document) -> Result<Node<'d>> {
        self.find(document)?.first().copied().ok_or(errors::NO_PATH)
    }

    /// An answer for each match; the first one's alone if the path is of the older form.
    pub fn answers<'d>(
        &self,
        document: &'d Document,
        answer: impl Fn(Node<'d>) -> Reply,
    ) -> Result {
        if self.is_legacy {
            return self.first(document).map(answer);
        }
        let answers = self.find(document)?.into_iter().map(answer);
        Ok(Reply::Array(answers.collect()))
    }
}

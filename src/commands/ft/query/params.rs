//! PARAMS: names that stand for values in a query.

use super::QueryError;
use crate::commands::ft::numbers::{read_bound, read_double, read_int};
use crate::keyspace::documents::text::escape::unescape;
use std::collections::HashMap;

/// The parameters of one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params(HashMap<String, Vec<u8>>);

impl Params {
    /// Adds one; false if the name is taken.
    pub fn add(&mut self, name: String, value: Vec<u8>) -> bool {
        let is_new = !self.0.contains_key(&name);
        if is_new {
            self.0.insert(name, value);
        }
        is_new
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Result<&[u8], QueryError> {
        let value = self.0.get(name);
        value
            .map(Vec::as_slice)
            .ok_or_else(|| QueryError::NoParameter(name.to_owned()))
    }

    /// The number of that name, with the sign that the query put before it.
    pub(super) fn number(&self, name: &str, is_negative: bool) -> Result<f64, QueryError> {
        let value = self.get(name)?;
        let number = read_double(value).ok_or_else(|| invalid(value, name))?;
        Ok(if is_negative { -number } else { number })
    }

    /// The count of that name.
    pub(super) fn count(&self, name: &str) -> Result<usize, QueryError> {
        let value = self.get(name)?;
        let count = read_int(value).and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| invalid(value, name))
    }

    /// The bound of a range of that name. A leading `(` is read over, as RediSearch does.
    pub(super) fn bound(
        &self,
        name: &str,
        is_negative: bool,
        is_lower: bool,
    ) -> Result<f64, QueryError> {
        let value = self.get(name)?;
        let text = value.strip_prefix(b"(").unwrap_or(value);
        let bound = read_bound(text, is_negative, is_lower);
        let shown = || String::from_utf8_lossy(text).into_owned();
        bound.ok_or_else(|| match is_lower {
            true => QueryError::LowerBound(shown()),
            false => QueryError::UpperBound(shown()),
        })
    }
}

fn invalid(value: &[u8], name: &str) -> QueryError {
    QueryError::NumericParameter {
        value: String::from_utf8_lossy(value).into_owned(),
        name: name.to_owned(),
    }
}

/// A word as it is indexed: without escapes, in lower case.
pub fn normalize(text: &[u8]) -> String {
    let plain = unescape(text);
    match plain
        .bytes()
        .any(|b| b.is_ascii_uppercase() || !b.is_ascii())
    {
        true => plain.to_lowercase(),
        false => plain,
    }
}

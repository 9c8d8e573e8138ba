//! What one connection put into the server: an obvious model, and how it is compared with what was read back.
//!
//! A connection has keys of its own (`c3:s1`) and, in a vector set that it shares with others, elements of its own.

use super::members::empty;
use rhumb::protocol::client::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Components of all vectors.
pub const DIM: usize = 24;
/// The vector set that all connections of a database share.
pub const SHARED: &str = "shared";
/// Expiries are this many milliseconds apart and a long way off, so that they can be told apart and do not pass.
pub const EXPIRY_UNIT_MS: u64 = 1_000_000_000;

/// An element of a vector set.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Its vector as given.
    pub vector: Vec<f32>,
    /// Its attributes as given.
    pub attributes: Option<String>,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A string.
    Text(Vec<u8>),
    /// Fields with values and expiries, the latter in units of [`EXPIRY_UNIT_MS`] since the test began.
    Hash(BTreeMap<String, (Vec<u8>, Option<u64>)>),
    /// Members of a set.
    Members(BTreeSet<String>),
    /// Members of a sorted set with their scores.
    Scores(BTreeMap<String, i64>),
    /// Elements of a list.
    Elements(Vec<String>),
    /// Elements by name.
    Set(BTreeMap<String, Element>),
}

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// What it holds.
    pub content: Content,
    /// Its expiry, in units of [`EXPIRY_UNIT_MS`] since the test began.
    pub expiry: Option<u64>,
}

/// All that one connection put into the server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Its keys.
    pub keys: BTreeMap<String, Held>,
    /// Its elements of the shared set.
    pub shared: BTreeMap<String, Element>,
}

/// Whether a vector set keeps 8-bit codes instead of vectors.
pub fn is_coded(set: &str) -> bool {
    set.contains(":q")
}

impl State {
    fn content(&mut self, key: &str, empty: Content) -> &mut Content {
        let new = || Held {
            content: empty,
            expiry: None,
        };
        &mut self.keys.entry(key.to_owned()).or_insert_with(new).content
    }

    /// A string, made if it is missing.
    pub fn text(&mut self, key: &str) -> &mut Vec<u8> {
        match self.content(key, Content::Text(Vec::new())) {
            Content::Text(text) => text,
            other => panic!("{key} is {other:?}"),
        }
    }

    /// A hash, made if it is missing.
    pub fn hash(&mut self, key: &str) -> &mut BTreeMap<String, (Vec<u8>, Option<u64>)> {
        match self.content(key, Content::Hash(BTreeMap::new())) {
            Content::Hash(hash) => hash,
            other => panic!("{key} is {other:?}"),
        }
    }

    /// A set, made if it is missing.
    pub fn members(&mut self, key: &str) -> &mut BTreeSet<String> {
        match self.content(key, empty(key)) {
            Content::Members(members) => members,
            other => panic!("{key} is {other:?}"),
        }
    }

    /// A sorted set, made if it is missing.
    pub fn scores(&mut self, key: &str) -> &mut BTreeMap<String, i64> {
        match self.content(key, empty(key)) {
            Content::Scores(scores) => scores,
            other => panic!("{key} is {other:?}"),
        }
    }

    /// A list, made if it is missing.
    pub fn elements(&mut self, key: &str) -> &mut Vec<String> {
        match self.content(key, empty(key)) {
            Content::Elements(elements) => elements,
            other => panic!("{key} is {other:?}"),
        }
    }

    /// A vector set, made if it is missing.
    pub fn set(&mut self, key: &str) -> &mut BTreeMap<String, Element> {
        if key == SHARED {
            return &mut self.shared;
        }
        match self.content(key, Content::Set(BTreeMap::new())) {
            Content::Set(set) => set,
            other => panic!("{key} is {other:?}"),
        }
    }

    /// Alters a field's expiry; the reply of the commands that do so.
    pub fn field(
        &mut self,
        key: &str,
        field: &str,
        alter: impl FnOnce(&mut Option<u64>) -> i64,
    ) -> Value {
        let found = self.hash(key).get_mut(field);
        let code = found.map_or(-2, |(_, expiry)| alter(expiry));
        self.forget_if_empty(key);
        Value::Array(vec![Value::Int(code)])
    }

    /// Hashes, sets and lists of every kind go with the last that is in them.
    pub fn forget_if_empty(&mut self, key: &str) {
        let is_empty = self.keys.get(key).is_some_and(|held| match &held.content {
            Content::Text(_) => false,
            Content::Hash(hash) => hash.is_empty(),
            Content::Members(members) => members.is_empty(),
            Content::Scores(scores) => scores.is_empty(),
            Content::Elements(elements) => elements.is_empty(),
            Content::Set(set) => set.is_empty(),
        });
        if is_empty {
            self.keys.remove(key);
        }
    }

    /// Where `found`, read from a server, is not this; none if it is.
    pub fn difference(&self, found: &State) -> Option<String> {
        if let Some(difference) = set_difference(SHARED, &self.shared, &found.shared) {
            return Some(difference);
        }
        let names = self.keys.keys().chain(found.keys.keys());
        names
            .into_iter()
            .find_map(|key| match (self.keys.get(key), found.keys.get(key)) {
                (None, None) => None,
                (Some(expected), Some(found)) => held_difference(key, expected, found),
                (Some(expected), None) => Some(format!("{key} is missing: {expected:?}")),
                (None, Some(found)) => Some(format!("{key} should not be there: {found:?}")),
            })
    }
}

fn held_difference(key: &str, expected: &Held, found: &Held) -> Option<String> {
    if expected.expiry != found.expiry {
        return Some(format!(
            "{key} expires at {:?}, not {:?}",
            found.expiry, expected.expiry
        ));
    }
    match (&expected.content, &found.content) {
        (Content::Set(expected), Content::Set(found)) => set_difference(key, expected, found),
        (expected, found) if expected == found => None,
        (expected, found) => Some(format!("{key} is {found:?}, not {expected:?}")),
    }
}

fn set_difference(
    key: &str,
    expected: &BTreeMap<String, Element>,
    found: &BTreeMap<String, Element>,
) -> Option<String> {
    let names = expected.keys().chain(found.keys());
    names
        .into_iter()
        .find_map(|name| match (expected.get(name), found.get(name)) {
            (Some(a), Some(b))
                if a.attributes == b.attributes && is_same(key, &a.vector, &b.vector) =>
            {
                None
            }
            (a, b) => Some(format!("{name} of {key} is {b:?}, not {a:?}")),
        })
}

/// Whether a vector came back: to the bit where it is kept as given, within half a step of its codes elsewhere.
fn is_same(key: &str, given: &[f32], found: &[f32]) -> bool {
    if !is_coded(key) {
        return given == found;
    }
    let largest = given.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    let step = largest / 127.0;
    given.len() == found.len()
        && given
            .iter()
            .zip(found)
            .all(|(a, b)| (a - b).abs() <= step * 0.51)
}

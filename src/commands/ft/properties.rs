//! The rows of an aggregation: properties with their values, as steps see them and as replies show them.

use super::expression::{Row, Value};
use super::indexes::bulk;
use super::options::Format;
use super::rows;
use crate::protocol::{Reply, Version};

/// Properties of a row, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Properties(pub Vec<Property>);

/// A property with its value.
#[derive(Clone, Debug, Default)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// What replies show in place of the value, where that is something else.
    pub shown: Option<Box<Reply>>,
}

impl Row for Properties {
    fn get(&self, property: &str) -> Option<Value> {
        self.property(property).map(|found| found.value.clone())
    }
}

impl Properties {
    /// The one of that name.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.0.iter().find(|property| property.name == name)
    }

    /// The one of that name, to be altered.
    pub fn property_mut(&mut self, name: &str) -> Option<&mut Property> {
        self.0.iter_mut().find(|property| property.name == name)
    }

    /// Gives one a value, which replies show.
    pub fn set(&mut self, name: &str, value: Value) {
        self.put(Property {
            name: name.to_owned(),
            value,
            shown: None,
        });
    }

    /// Gives one a value, and what replies show in its place.
    pub fn put(&mut self, property: Property) {
        match self.property_mut(&property.name) {
            Some(known) => *known = property,
            None => self.0.push(property),
        }
    }
}

impl FromIterator<(String, Value)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(named: I) -> Properties {
        let property = |(name, value)| Property {
            name,
            value,
            shown: None,
        };
        Properties(named.into_iter().map(property).collect())
    }
}

impl Properties {
    /// Bytes that they take, about.
    pub fn bytes(&self) -> usize {
        let properties: usize = self.0.iter().map(Property::bytes).sum();
        size_of::<Properties>() + properties
    }
}

impl Property {
    fn bytes(&self) -> usize {
        let shown = self.shown.as_ref().map_or(0, |shown| shown.bytes());
        size_of::<Property>() + self.name.len() + self.value.bytes() + shown
    }

    /// What replies show.
    fn reply(self) -> Reply {
        match self.shown {
            Some(shown) => *shown,
            None => value_reply(self.value),
        }
    }
}

/// A row as replies of that version show it.
pub fn row(row: Properties, version: Version) -> Reply {
    let shown = row.0.into_iter().map(|property| {
        let name = bulk(property.name.as_bytes());
        (name, property.reply())
    });
    match version {
        Version::Resp2 => Reply::Array(shown.flat_map(|(name, value)| [name, value]).collect()),
        Version::Resp3 => Reply::Map(vec![
            (
                Reply::Simple("extra_attributes"),
                Reply::Map(shown.collect()),
            ),
            (Reply::Simple("values"), Reply::Array(Vec::new())),
        ]),
    }
}

/// The reply of FT.AGGREGATE, in this version of the protocol and form of values.
pub fn reply(
    rows: Vec<Reply>,
    total: usize,
    warnings: &[&'static str],
    (version, format): (Version, Format),
) -> Reply {
    let word = Reply::Simple;
    match version {
        Version::Resp2 => {
            let total = std::iter::once(Reply::count(total));
            Reply::Array(total.chain(rows).collect())
        }
        Version::Resp3 => Reply::Map(vec![
            (word("attributes"), Reply::Array(Vec::new())),
            (word("format"), word(format.word())),
            (word("results"), Reply::Array(rows)),
            (word("total_results"), Reply::count(total)),
            (word("warning"), rows::warnings(warnings)),
        ]),
    }
}

fn value_reply(value: Value) -> Reply {
    match value {
        Value::Null => Reply::Null,
        Value::Array(values) => Reply::Array(values.into_iter().map(value_reply).collect()),
        value => Reply::Bulk(value.to_text()),
    }
}

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

impl Property {
    fn reply(&self) -> Reply {
        match &self.shown {
            Some(shown) => Reply::clone(shown),
            None => value_reply(&self.value),
        }
    }
}

/// The reply of FT.AGGREGATE, in this version of the protocol and form of values.
pub fn reply(
    rows: &[Properties],
    total: usize,
    warnings: &[&'static str],
    (version, format): (Version, Format),
) -> Reply {
    let pairs = |row: &Properties| -> Vec<(Reply, Reply)> {
        let properties = row.0.iter();
        properties
            .map(|property| (bulk(property.name.as_bytes()), property.reply()))
            .collect()
    };
    match version {
        Version::Resp2 => {
            let flat = |row| {
                let pairs = pairs(row).into_iter();
                Reply::Array(pairs.flat_map(|(name, value)| [name, value]).collect())
            };
            let rows = rows.iter().map(flat);
            Reply::Array(std::iter::once(Reply::count(total)).chain(rows).collect())
        }
        Version::Resp3 => {
            let word = Reply::Simple;
            let row = |row| {
                Reply::Map(vec![
                    (word("extra_attributes"), Reply::Map(pairs(row))),
                    (word("values"), Reply::Array(Vec::new())),
                ])
            };
            Reply::Map(vec![
                (word("attributes"), Reply::Array(Vec::new())),
                (word("format"), word(format.word())),
                (
                    word("results"),
                    Reply::Array(rows.iter().map(row).collect()),
                ),
                (word("total_results"), Reply::count(total)),
                (word("warning"), rows::warnings(warnings)),
            ])
        }
    }
}

fn value_reply(value: &Value) -> Reply {
    match value {
        Value::Null => Reply::Null,
        Value::Array(values) => Reply::Array(values.iter().map(value_reply).collect()),
        value => Reply::Bulk(value.to_text()),
    }
}

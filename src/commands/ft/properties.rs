//! The rows of an aggregation: properties with their values, as steps see them and as replies show them.

use super::expression::{Row, Value};
use super::indexes::bulk;
use super::options::Format;
use super::rows;
use crate::protocol::{Reply, Version};

/// Properties of a row, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Properties(pub Vec<Property>);

/// A property with what it holds.
#[derive(Clone, Debug, Default)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its value, as steps and replies see it.
    pub content: Content,
}

/// A value, and what replies show in its place where that is something else: all that a JSON path led to.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// What steps compute with.
    pub value: Value,
    /// What replies show instead; of an array, an array of what they show of each element.
    pub shown: Option<Box<Reply>>,
}

impl From<Value> for Content {
    fn from(value: Value) -> Content {
        Content { value, shown: None }
    }
}

impl Content {
    /// An array of these.
    pub fn array(elements: Vec<Content>) -> Content {
        let is_as_it_is = elements.iter().all(|element| element.shown.is_none());
        let values = elements.iter().map(|element| element.value.clone());
        let value = Value::Array(values.collect());
        let shown = || Reply::Array(elements.into_iter().map(Content::reply).collect());
        Content {
            value,
            shown: (!is_as_it_is).then(|| Box::new(shown())),
        }
    }

    /// The elements of an array, or the value itself where it is none.
    pub fn elements(&self) -> &[Value] {
        match &self.value {
            Value::Array(values) => values,
            value => std::slice::from_ref(value),
        }
    }

    /// One of [`Content::elements`], with what replies show of it.
    pub fn element(&self, place: usize) -> Content {
        let shown = match (&self.value, self.shown.as_deref()) {
            (Value::Array(_), Some(Reply::Array(elements))) => elements.get(place),
            (_, shown) => shown,
        };
        Content {
            value: self.elements()[place].clone(),
            shown: shown.cloned().map(Box::new),
        }
    }

    /// Whether there is nothing, neither for steps nor to be shown.
    pub fn is_nothing(&self) -> bool {
        self.value.is_null() && self.shown.is_none()
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let shown = self.shown.as_ref().map_or(0, |shown| shown.bytes());
        self.value.bytes() + shown
    }

    /// What replies show.
    fn reply(self) -> Reply {
        match self.shown {
            Some(shown) => *shown,
            None => value_reply(self.value),
        }
    }
}

impl Row for Properties {
    fn get(&self, property: &str) -> Option<Value> {
        self.content(property).map(|content| content.value.clone())
    }
}

impl Properties {
    /// What the one of that name holds.
    pub fn content(&self, name: &str) -> Option<&Content> {
        let mut properties = self.0.iter();
        let property = properties.find(|property| property.name == name);
        property.map(|property| &property.content)
    }

    /// Gives the one of that name a content.
    pub fn set(&mut self, name: &str, content: impl Into<Content>) {
        let content = content.into();
        let mut properties = self.0.iter_mut();
        match properties.find(|property| property.name == name) {
            Some(known) => known.content = content,
            None => self.0.push(Property {
                name: name.to_owned(),
                content,
            }),
        }
    }
}

impl FromIterator<(String, Value)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(named: I) -> Properties {
        let property = |(name, value)| Property {
            name,
            content: Content::from(value),
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
        size_of::<Property>() + self.name.len() + self.content.bytes()
    }
}

/// A row as replies of that version show it.
pub fn row(row: Properties, version: Version) -> Reply {
    let shown = row.0.into_iter().map(|property| {
        let name = bulk(property.name.as_bytes());
        (name, property.content.reply())
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

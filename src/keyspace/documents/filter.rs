//! FILTER of an index's definition: an expression over a document's fields that decides whether a key is a document of the index.
//! It is evaluated wherever a key is taken up, at a start from the log as well, so it sees the document alone: no clock.

use super::expression::{self, Expression, ExpressionError, Row, Value};
use super::schema::{DocumentKind, Schema};
use crate::keyspace;
use crate::keyspace::json::{JsonPath, Node};

/// The name under which an expression finds the document's key.
const KEY: &str = "__key";

/// An expression that documents must pass.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentFilter {
    /// As it was written.
    pub text: String,
    expression: Expression,
}

impl DocumentFilter {
    /// Reads an expression.
    pub fn parse(text: String) -> Result<DocumentFilter, ExpressionError> {
        let expression = expression::parse(text.as_bytes())?;
        Ok(DocumentFilter { text, expression })
    }

    /// Whether a key belongs to the index. A value of another kind than the index's documents has no fields.
    pub fn admits(&self, schema: &Schema, key: &[u8], value: &keyspace::Value) -> bool {
        self.expression.admits(&Candidate { schema, key, value })
    }
}

/// A key that may become a document.
struct Candidate<'a> {
    schema: &'a Schema,
    key: &'a [u8],
    value: &'a keyspace::Value,
}

impl Row for Candidate<'_> {
    /// A field of the schema by either of its names, any other of a hash by its own, or the first match of a JSON path.
    fn get(&self, property: &str) -> Option<Value> {
        let is_it =
            |field: &&super::schema::Field| field.name == property || field.identifier == property;
        let field = self.schema.fields.iter().find(is_it);
        let place = field.map_or(property, |field| &field.identifier);
        match (self.schema.documents, self.value) {
            (DocumentKind::Hash, keyspace::Value::Hash(hash)) => {
                let found = hash.get(place.as_bytes(), 0);
                found.map(|field| Value::Text(field.value.to_bytes()))
            }
            (DocumentKind::Json, keyspace::Value::Json(document)) if place.starts_with('$') => {
                let found = JsonPath::parse(place).ok()?.find(document.root()).ok()?;
                found.first().map(|node| value_of(*node))
            }
            _ => None,
        }
        .or_else(|| (place == KEY).then(|| Value::from(self.key.to_vec())))
    }
}

/// A JSON value as expressions see it: containers are their text.
fn value_of(node: Node<'_>) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Bool(is_true) => Value::from(is_true),
        Node::Text(text) => Value::from(text),
        node => match node.as_f64() {
            Some(number) => Value::Number(number),
            None => Value::from(node.to_text()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::documents::schema;
    use crate::keyspace::documents::words::Words;
    use crate::keyspace::hash::Hash;
    use crate::keyspace::json::Document;
    use std::sync::Arc;

    fn schema(line: &str) -> Schema {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        schema::create(&mut Words::new(&words)).unwrap_or_else(|error| panic!("{line}: {error:?}"))
    }

    fn admits(schema: &Schema, value: &keyspace::Value) -> bool {
        let filter = schema.filter.as_ref().expect("a filter");
        filter.admits(schema, b"pet:1", value)
    }

    #[test]
    fn fields_of_hashes_decide() {
        let mut hash = Hash::default();
        for (name, value) in [("age", "7"), ("kind", "cat"), ("other", "x")] {
            hash.set(name.as_bytes(), value.as_bytes(), None);
        }
        let hash = keyspace::Value::Hash(hash.into());
        let cases = [
            ("@age>5", true),
            ("@age>7", false),
            ("@years==7", true),
            ("@kind=='cat'&&@other=='x'", true),
            ("@missing=='x'", false),
            ("!exists(@missing)", true),
            ("startswith(@__key,'pet')", true),
            ("upper(@missing)=='X'", false),
        ];
        for (filter, expected) in cases {
            let schema = schema(&format!("FILTER {filter} SCHEMA age AS years NUMERIC"));
            assert_eq!(admits(&schema, &hash), expected, "{filter}");
        }
    }

    #[test]
    fn values_of_json_documents_keep_their_types() {
        let text = r#"{"n":7,"yes":true,"none":null,"list":[1,2],"deep":{"t":"x"}}"#;
        let document = Document::parse(text).expect("a document");
        let document = keyspace::Value::Json(Arc::new(document));
        let cases = [
            ("@n==7", true),
            ("@yes==1", true),
            ("@t=='x'", true),
            ("@t=='y'", false),
            ("@list=='[1,2]'", true),
            ("@gone==1", false),
        ];
        for (filter, expected) in cases {
            let schema = schema(&format!(
                "ON JSON FILTER {filter} SCHEMA $.n AS n NUMERIC $.yes AS yes TAG $.deep.t AS t TAG $.list AS list TAG"
            ));
            assert_eq!(admits(&schema, &document), expected, "{filter}");
        }
    }
}

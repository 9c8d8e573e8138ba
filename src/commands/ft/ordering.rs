//! SLOP and INORDER ask for the places of words, which a JSON field has only where its path leads to one value.

use super::query::tree::{FieldMask, Kind, Node};
use super::schema::{DocumentKind, Field, Schema};
use crate::commands::error::{Refusal, Result};
use crate::keyspace::json::Place;

/// Refuses SLOP and INORDER, of the request (`is_asked`) or of a part of the query, on fields that may have several values.
pub fn check_order(node: &Node, schema: &Schema, is_asked: bool) -> Result<()> {
    if schema.documents == DocumentKind::Hash || schema.options.no_offsets {
        return Ok(());
    }
    let is_asked = is_asked || node.options.slop.is_some() || node.options.in_order == Some(true);
    if is_asked && matches!(node.kind, Kind::And(_) | Kind::Phrase(_)) {
        let fields = fields_of(node);
        let mut asked = schema.text_fields().filter(|(bit, _)| fields.has(*bit));
        if let Some((_, field)) = asked.find(|(_, field)| !is_single(field)) {
            return Err(Refusal::made(format!(
                "slop/inorder are not supported for field with undefined ordering `{}`",
                field.name
            )));
        }
    }
    let mut children = node.children().iter();
    children.try_for_each(|child| check_order(child, schema, false))
}

/// The fields that a condition, or those that it is made of, look for words in.
fn fields_of(node: &Node) -> FieldMask {
    match (&node.kind, node.fields.is_all()) {
        (Kind::And(nodes), true) => {
            let masks = nodes.iter().map(|node| fields_of(node).0);
            FieldMask(masks.fold(0, |all, mask| all | mask))
        }
        _ => node.fields,
    }
}

/// Whether a path names one place.
fn is_single(field: &Field) -> bool {
    Place::parse(&field.identifier).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::ft::query::tree::Word;
    use crate::commands::ft::schema;
    use crate::commands::ft::words::Words;

    fn schema(line: &str) -> Schema {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        schema::create(&mut Words::new(&words)).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn words(fields: u128) -> Node {
        let word = |text: &str| Node {
            fields: FieldMask(fields),
            ..Node::new(Kind::Word(Word {
                text: text.to_owned(),
                is_verbatim: false,
            }))
        };
        Node::new(Kind::And(vec![word("a"), word("b")]))
    }

    #[test]
    fn places_of_several_values_have_no_order() {
        let json = schema("ON JSON SCHEMA $.one AS one TEXT $.all[*] AS all TEXT");
        let refused = |schema: &Schema, fields, is_asked| {
            check_order(&words(fields), schema, is_asked).is_err()
        };
        assert!(!refused(&json, 1, true), "one value");
        assert!(refused(&json, 2, true) && refused(&json, u128::MAX, true));
        assert!(!refused(&json, 2, false), "nobody asked for an order");
        let hash = schema("SCHEMA one TEXT all TEXT");
        assert!(!refused(&hash, 2, true));
        let mut inner = words(2);
        inner.options.slop = Some(1);
        let outer = Node::new(Kind::Or(vec![inner]));
        assert!(check_order(&outer, &json, false).is_err());
    }
}

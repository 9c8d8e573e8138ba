//! Conditions that begin with a field: words in it, comparisons of its number, whether it is missing; and how fields are found.

use super::grammar::{Parser, Place, misplaced};
use super::token::{Comparison, Kind as Token, Token as Tok};
use super::tree::{FieldMask, Kind, Node, NumericRange};
use super::{Misplaced, QueryError};
use crate::keyspace::documents::text::escape::unescape;

type Result<T> = std::result::Result<T, QueryError>;

impl<'q> Parser<'q> {
    /// `ismissing(@field)`.
    pub(super) fn missing(&mut self) -> Result<Option<Node>> {
        self.advance();
        self.expect(b'(')?;
        if self.next.kind != Token::Modifier {
            return Err(self.syntax());
        }
        let token = self.advance();
        let field = self.find(token)?;
        self.expect(b')')?;
        let is_missing = |&field: &usize| self.context.schema.fields[field].indexes_missing;
        match field.filter(is_missing) {
            Some(field) => self.node(Kind::Missing { field }).map(Some),
            None => Err(misplaced(Misplaced::IndexMissing, token)),
        }
    }

    /// What begins with `@field`.
    pub(super) fn field(&mut self) -> Result<Option<Node>> {
        let token = self.advance();
        let field = self.find(token)?;
        match self.next.kind {
            Token::Compare(comparison) => {
                self.advance();
                self.comparison(token, field, comparison)
            }
            Token::Sign(b'|') => self.words_of_several(token, field),
            Token::Sign(b':') => {
                self.advance();
                match self.next.kind {
                    Token::Sign(b'{') => self.tag_set(token, field),
                    Token::Sign(b'[') => self.range(token, field),
                    _ => {
                        let node = self.words_of_field()?;
                        let bit = self.text_bit(token, field)?;
                        Ok(node.map(|node| restrict(node, FieldMask(bit))))
                    }
                }
            }
            _ => Err(self.syntax()),
        }
    }

    /// `@field|field:words`.
    fn words_of_several(&mut self, first: Tok<'q>, field: Option<usize>) -> Result<Option<Node>> {
        let mut mask = FieldMask(0);
        let mut checked = Some((first, field));
        while self.take(b'|') {
            let token = self.next;
            match token.kind {
                Token::Term | Token::As | Token::IsMissing | Token::Exact => {}
                Token::Size(_) | Token::Number(_) => {}
                _ => return Err(self.syntax()),
            }
            self.advance();
            if let Some((first, field)) = checked.take() {
                mask.0 |= self.text_bit(first, field)?;
            }
            let field = self.find(token)?;
            mask.0 |= self.text_bit(token, field)?;
        }
        self.expect(b':')?;
        let node = self.words_of_field()?;
        Ok(node.map(|node| restrict(node, mask)))
    }

    fn words_of_field(&mut self) -> Result<Option<Node>> {
        let (level, place) = match self.context.dialect {
            1 => (self.levels().field, Place::Inner),
            _ => (self.levels().field, Place::Words),
        };
        self.nested(2, |p| p.condition(level, place))
    }

    /// `@field == number` and its like.
    fn comparison(
        &mut self,
        token: Tok<'q>,
        field: Option<usize>,
        comparison: Comparison,
    ) -> Result<Option<Node>> {
        let value = self.number()?;
        let Some(field) = self.typed(token, field, "NUMERIC")? else {
            return Ok(None);
        };
        let (min, max) = match comparison {
            Comparison::Equal | Comparison::NotEqual => (value, value),
            Comparison::Above | Comparison::AtLeast => (value, f64::INFINITY),
            Comparison::Below | Comparison::AtMost => (f64::NEG_INFINITY, value),
        };
        let range = self.node(Kind::Numeric(NumericRange {
            field,
            min,
            max,
            includes_min: comparison != Comparison::Above,
            includes_max: comparison != Comparison::Below,
        }))?;
        match comparison {
            Comparison::NotEqual => self.negate(range).map(Some),
            _ => Ok(Some(range)),
        }
    }

    /// The field that a token names. None in dialect 1, where a field that is not there matches nothing.
    pub(super) fn find(&self, token: Tok) -> Result<Option<usize>> {
        let found = self.context.schema.find(&unescape(token.text));
        match (found, self.context.dialect) {
            (None, 2..) => Err(misplaced(Misplaced::Field, token)),
            (found, _) => Ok(found),
        }
    }

    /// The bit of a TEXT field; 0 for those that are not searchable, and in dialect 1 for all that are no TEXT.
    fn text_bit(&self, token: Tok, field: Option<usize>) -> Result<u128> {
        let field = self.typed(token, field, "TEXT")?;
        let bit = field.and_then(|field| self.context.schema.text_bit(field));
        Ok(bit.unwrap_or(0))
    }

    /// The field if it has that type. In dialect 1 another type matches nothing.
    pub(super) fn typed(
        &self,
        token: Tok,
        field: Option<usize>,
        kind: &'static str,
    ) -> Result<Option<usize>> {
        let fields = &self.context.schema.fields;
        let typed = field.filter(|&field| fields[field].kind.word() == kind);
        match (typed, self.context.dialect) {
            (None, 2..) => Err(misplaced(Misplaced::FieldOf(kind), token)),
            (typed, _) => Ok(typed),
        }
    }

    /// The name of a field.
    pub(super) fn name_of(&self, field: usize) -> &'q str {
        &self.context.schema.fields[field].name
    }
}

/// Restricts all words of a condition to fields.
fn restrict(mut node: Node, mask: FieldMask) -> Node {
    node.fields.0 &= mask.0;
    for child in node.children_mut() {
        let inner = std::mem::replace(child, Node::new(Kind::Nothing));
        *child = restrict(inner, mask);
    }
    node
}

//! The grammar of conditions, as a precedence parser; `terms` and `fields` have its smallest ones.
//!
//! RediSearch generates its parser from a grammar whose ambiguities are settled by precedences, and not all of them are those
//! one would choose: in `-a 5` the minus holds for both, in `-a b` for the first only. What a condition takes to its right is
//! decided here by the same comparison of two levels, that of the rule under way and that of the next token; so results,
//! and the place of an error, are the same.

use super::token::{Kind as Token, Token as Tok, Tokens};
use super::tree::{Kind, Node, Query};
use super::{Context, Misplaced, NODES_MAX, QueryError};
use crate::keyspace::documents::text::escape::unescape;

type Result<T> = std::result::Result<T, QueryError>;

/// Symbols on RediSearch's parser stack; more are an error there and here. It bounds our recursion as well.
const STACK_MAX: usize = 250;

/// How tightly the rules under way hold on to their right end; a token of a higher level continues the condition inside.
pub(super) struct Levels {
    optional: u8,
    not: u8,
    and: u8,
    or: u8,
    pub(super) field: u8,
}

/// Dialects 2 to 4.
const LEVELS: Levels = Levels {
    or: 3,
    optional: 11,
    not: 11,
    and: 12,
    field: 14,
};
/// Dialect 1.
const LEVELS_1: Levels = Levels {
    optional: 1,
    not: 5,
    field: 15,
    and: 16,
    or: 17,
};

/// The level of a token in dialects 2 to 4, where it begins or continues a condition.
fn level(kind: Token) -> u8 {
    match kind {
        Token::Sign(b'|') => 3,
        Token::IsMissing => 4,
        Token::Modifier => 5,
        Token::Exact => 7,
        Token::Term | Token::As => 8,
        Token::Sign(b'"') => 9,
        Token::Sign(b'(') => 10,
        Token::Sign(b'-' | b'~') => 11,
        Token::Arrow => 13,
        Token::Number(_) => 17,
        Token::Size(_) => 18,
        Token::Affix { .. } => 22,
        Token::Sign(b'%') => 23,
        Token::Attribute { .. } => 24,
        Token::Wildcard { .. } => 25,
        _ => 0,
    }
}

/// The level of a token in dialect 1.
fn level_1(kind: Token) -> u8 {
    match kind {
        Token::Sign(b'~') => 1,
        Token::Sign(b'"') | Token::Exact => 3,
        Token::Sign(b'-') => 5,
        Token::Number(_) | Token::Size(_) => 6,
        Token::Term | Token::As | Token::IsMissing => 9,
        Token::Affix { .. } | Token::Wildcard { .. } => 10,
        Token::Sign(b'%') => 11,
        Token::Attribute { .. } => 12,
        Token::Sign(b'(') => 13,
        Token::Modifier => 15,
        Token::Sign(b'|') => 17,
        Token::Arrow => 19,
        _ => 0,
    }
}

/// Where a condition stands.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// It is the whole query as far as is known: `=>[KNN` may follow.
    Top,
    /// Inside another one.
    Inner,
    /// After `@field:`: only conditions on words.
    Words,
}

/// A query under way.
pub(super) struct Parser<'q> {
    pub(super) context: Context<'q>,
    tokens: Tokens<'q>,
    /// The token that was not taken yet.
    pub(super) next: Tok<'q>,
    stack: usize,
    nodes: usize,
    /// The first parameter that had no value of its kind. Errors of the grammar go before; among parameters those of KNN do,
    /// which have the low ranks.
    refused: Option<(usize, QueryError)>,
}

/// Reads a whole query.
pub(super) fn parse(text: &[u8], context: &Context) -> Result<Query> {
    let mut tokens = Tokens::new(text, context.dialect);
    let next = tokens.next();
    let mut parser = Parser {
        context: *context,
        tokens,
        next,
        stack: 0,
        nodes: 0,
        refused: None,
    };
    let query = parser.query()?;
    match parser.refused {
        Some((_, refused)) => Err(refused),
        None => Ok(query),
    }
}

impl<'q> Parser<'q> {
    /// Takes the next token.
    pub(super) fn advance(&mut self) -> Tok<'q> {
        std::mem::replace(&mut self.next, self.tokens.next())
    }

    /// Takes that sign, or fails.
    pub(super) fn expect(&mut self, sign: u8) -> Result<()> {
        if self.next.kind != Token::Sign(sign) {
            return Err(self.syntax());
        }
        self.advance();
        Ok(())
    }

    /// Takes that sign if it is next.
    pub(super) fn take(&mut self, sign: u8) -> bool {
        let is_next = self.next.kind == Token::Sign(sign);
        if is_next {
            self.advance();
        }
        is_next
    }

    /// The error of a token that cannot stand here.
    pub(super) fn syntax(&self) -> QueryError {
        QueryError::Syntax {
            offset: self.next.offset,
            near: text_of(self.next.text),
        }
    }

    /// Reads on with `symbols` more on the stack.
    pub(super) fn nested<T>(
        &mut self,
        symbols: usize,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.stack += symbols;
        if self.stack > STACK_MAX {
            return Err(QueryError::Nested);
        }
        let read = read(self);
        self.stack -= symbols;
        read
    }

    /// A value of a parameter, or its default while the error waits for the end of the query.
    pub(super) fn or_refuse<T: Default>(&mut self, rank: usize, value: Result<T>) -> T {
        value.unwrap_or_else(|error| {
            if self.refused.as_ref().is_none_or(|(first, _)| rank < *first) {
                self.refused = Some((rank, error));
            }
            T::default()
        })
    }

    pub(super) fn node(&mut self, kind: Kind) -> Result<Node> {
        self.nodes += 1;
        match self.nodes > NODES_MAX {
            true => Err(QueryError::TooLarge),
            false => Ok(Node::new(kind)),
        }
    }

    /// Reads everything: `*`, a condition, nothing; then KNN if it follows.
    fn query(&mut self) -> Result<Query> {
        let root = if self.next.kind == Token::End {
            None
        } else if let Some(depth) = self.star_depth() {
            self.star(depth)?;
            Some(Node::new(Kind::All))
        } else {
            self.condition(0, Place::Top)?
        };
        let knn = match self.next.kind {
            Token::Arrow if self.context.dialect > 1 => {
                self.advance();
                Some(self.knn()?)
            }
            _ => None,
        };
        if self.next.kind != Token::End {
            return Err(self.syntax());
        }
        // Only a KNN without any filter has all documents behind it.
        let root = root.unwrap_or(Node::new(match knn {
            Some(_) => Kind::All,
            None => Kind::Nothing,
        }));
        Ok(Query { root, knn })
    }

    /// How many parentheses stand before `*`, if the query begins so. Dialect 1 knows it without any.
    fn star_depth(&self) -> Option<usize> {
        let (mut next, mut rest, mut depth) = (self.next, self.tokens, 0);
        while next.kind == Token::Sign(b'(') && depth < STACK_MAX {
            next = rest.next();
            depth += 1;
        }
        let is_star = next.kind == Token::Sign(b'*') && (depth == 0 || self.context.dialect > 1);
        is_star.then_some(depth)
    }

    fn star(&mut self, depth: usize) -> Result<()> {
        for _ in 0..=depth {
            self.advance();
        }
        (0..depth).try_for_each(|_| self.expect(b')'))
    }

    pub(super) fn levels(&self) -> &'static Levels {
        match self.context.dialect {
            1 => &LEVELS_1,
            _ => &LEVELS,
        }
    }

    fn level_of_next(&self) -> u8 {
        match self.context.dialect {
            1 => level_1(self.next.kind),
            _ => level(self.next.kind),
        }
    }

    /// A condition with all that belongs to it, inside a rule of level `held`. None: only stop words.
    pub(super) fn condition(&mut self, held: u8, place: Place) -> Result<Option<Node>> {
        let mut left = self.operand(place)?;
        while self.level_of_next() > held || held == 0 {
            match self.next.kind {
                Token::Arrow if place == Place::Top && held == 0 && self.is_knn_next() => break,
                Token::Arrow => {
                    self.advance();
                    self.attributes(left.as_mut())?;
                }
                Token::Sign(b'|') => {
                    self.advance();
                    let (or, inner) = (self.levels().or, place.inside());
                    let right = self.nested(2, |p| p.condition(or, inner))?;
                    left = self.join(left, right, is_or, Kind::Or)?;
                }
                _ if self.begins_operand(place) => {
                    let (and, inner) = (self.levels().and, place.inside());
                    let right = self.nested(1, |p| p.condition(and, inner))?;
                    left = self.join(left, right, is_and, Kind::And)?;
                }
                _ => break,
            }
        }
        Ok(left)
    }

    /// Whether `=>` is followed by `[`.
    fn is_knn_next(&self) -> bool {
        let mut rest = self.tokens;
        self.context.dialect > 1 && rest.next().kind == Token::Sign(b'[')
    }

    fn begins_operand(&self, place: Place) -> bool {
        match self.next.kind {
            Token::Modifier => place != Place::Words,
            Token::Sign(sign) => b"\"(-~%".contains(&sign),
            Token::Arrow | Token::Compare(_) | Token::End => false,
            _ => true,
        }
    }

    /// Two conditions as one: one that already joins in this way takes the other in, if no field was set for it.
    pub(super) fn join(
        &mut self,
        left: Option<Node>,
        right: Option<Node>,
        is_joined: fn(&Node) -> bool,
        kind: fn(Vec<Node>) -> Kind,
    ) -> Result<Option<Node>> {
        let (left, right) = match (left, right) {
            (Some(left), Some(right)) => (left, right),
            (left, right) => return Ok(left.or(right)),
        };
        let is_open = |node: &Node| node.fields.is_all() && is_joined(node);
        let takes_left = is_open(&left);
        // In dialect 1 only the left one takes in.
        let takes_right = !takes_left && is_open(&right) && self.context.dialect > 1;
        let (mut all, one) = match (takes_left, takes_right) {
            (true, _) => (left, right),
            (false, true) => (right, left),
            (false, false) => (self.node(kind(vec![left]))?, right),
        };
        if let Kind::And(nodes) | Kind::Or(nodes) = &mut all.kind {
            nodes.push(one);
        }
        Ok(Some(all))
    }

    /// The smallest condition.
    fn operand(&mut self, place: Place) -> Result<Option<Node>> {
        match self.next.kind {
            Token::Modifier if place != Place::Words => self.field(),
            Token::IsMissing if place != Place::Words => self.missing(),
            Token::Term | Token::As | Token::IsMissing => self.word(),
            Token::Size(_) | Token::Number(_) => self.word(),
            Token::Attribute { .. } if self.context.dialect > 1 => self.word(),
            Token::Exact => self.phrase(),
            Token::Affix { .. } => {
                let (affix, _) = self.affix(false)?;
                self.node(Kind::Affix(affix)).map(Some)
            }
            Token::Wildcard { .. } => {
                let pattern = self.wildcard()?;
                self.node(Kind::Wildcard(pattern)).map(Some)
            }
            Token::Sign(b'"') if self.context.dialect > 1 => self.quoted_parameter(),
            Token::Sign(b'"') => self.quoted_words(),
            Token::Sign(b'%') => self.fuzzy(),
            Token::Sign(b'(') => self.parentheses(place),
            Token::Sign(b'-') => self.not(place),
            Token::Sign(b'~') => self.optional(place),
            _ => Err(self.syntax()),
        }
    }

    fn parentheses(&mut self, place: Place) -> Result<Option<Node>> {
        self.advance();
        let inner = self.nested(1, |p| p.condition(0, place.inside()))?;
        self.expect(b')')?;
        Ok(inner)
    }

    fn not(&mut self, place: Place) -> Result<Option<Node>> {
        self.advance();
        let level = self.levels().not;
        let inner = self.nested(1, |p| p.condition(level, place.inside()))?;
        inner.map(|node| self.negate(node)).transpose()
    }

    fn optional(&mut self, place: Place) -> Result<Option<Node>> {
        self.advance();
        let level = self.levels().optional;
        let inner = self.nested(1, |p| p.condition(level, place.inside()))?;
        let optional = |node| self.node(Kind::Optional(Box::new(node)));
        inner.map(optional).transpose()
    }

    /// All but these; all but all but these are these.
    pub(super) fn negate(&mut self, node: Node) -> Result<Node> {
        match node.kind {
            Kind::Not(inner) => Ok(*inner),
            _ => self.node(Kind::Not(Box::new(node))),
        }
    }

    /// A condition of that kind.
    pub(super) fn made(&mut self, kind: Kind) -> Result<Option<Node>> {
        self.node(kind).map(Some)
    }
}

/// Ranks below this are those of KNN's parameters.
pub(super) const KNN_RANKS: usize = 1000;

impl Place {
    /// Where the parts of a condition stand.
    fn inside(self) -> Place {
        match self {
            Place::Top => Place::Inner,
            place => place,
        }
    }
}

fn is_or(node: &Node) -> bool {
    matches!(node.kind, Kind::Or(_))
}

pub(super) fn is_and(node: &Node) -> bool {
    matches!(node.kind, Kind::And(_))
}

/// The error of a token that means the wrong thing.
pub(super) fn misplaced(expected: Misplaced, token: Tok) -> QueryError {
    let near = match token.kind {
        Token::Modifier => Some(unescape(token.text)),
        Token::Attribute { .. } => None,
        _ => Some(text_of(token.text)),
    };
    QueryError::Misplaced {
        expected,
        offset: token.offset,
        near,
    }
}

/// Bytes of a query as text.
pub(super) fn text_of(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

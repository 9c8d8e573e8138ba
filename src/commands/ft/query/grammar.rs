//! The grammar of conditions, as a precedence parser.
//!
//! RediSearch generates its parser from a grammar whose ambiguities are settled by precedences, and not all of them are those
//! one would choose: in `-a 5` the minus holds for both, in `-a b` for the first only. What a condition takes to its right is
//! decided here by the same comparison of two levels, that of the rule under way and that of the next token; so results,
//! and the place of an error, are the same.

use super::params::{normalize, unescape};
use super::token::{Comparison, Kind as Token, Token as Tok, Tokens};
use super::tree::{Affix, FieldMask, Kind, Node, NumericRange, Query, Word};
use super::{Context, Misplaced, NODES_MAX, QueryError};
use crate::protocol::number;

type Result<T> = std::result::Result<T, QueryError>;

/// Symbols on RediSearch's parser stack; more are an error there and here. It bounds our recursion as well.
const STACK_MAX: usize = 250;

/// How tightly the rules under way hold on to their right end; a token of a higher level continues the condition inside.
pub(super) struct Levels {
    optional: u8,
    not: u8,
    and: u8,
    or: u8,
    field: u8,
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
    let mut tokens = Tokens::new(text);
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
    fn nested<T>(
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

    fn node(&mut self, kind: Kind) -> Result<Node> {
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

    /// How many parentheses stand before `*`, if the query begins so.
    fn star_depth(&self) -> Option<usize> {
        let (mut next, mut rest, mut depth) = (self.next, self.tokens, 0);
        while next.kind == Token::Sign(b'(') && depth < STACK_MAX {
            next = rest.next();
            depth += 1;
        }
        (next.kind == Token::Sign(b'*')).then_some(depth)
    }

    fn star(&mut self, depth: usize) -> Result<()> {
        for _ in 0..=depth {
            self.advance();
        }
        (0..depth).try_for_each(|_| self.expect(b')'))
    }

    fn levels(&self) -> &'static Levels {
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
    fn join(
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
            Token::Sign(b'"') => self.quoted_parameter(),
            Token::Sign(b'%') => self.fuzzy(),
            Token::Sign(b'(') => {
                self.advance();
                let inner = self.nested(1, |p| p.condition(0, place.inside()))?;
                self.expect(b')')?;
                Ok(inner)
            }
            Token::Sign(b'-') => {
                self.advance();
                let level = self.levels().not;
                let inner = self.nested(1, |p| p.condition(level, place.inside()))?;
                inner.map(|node| self.negate(node)).transpose()
            }
            Token::Sign(b'~') => {
                self.advance();
                let level = self.levels().optional;
                let inner = self.nested(1, |p| p.condition(level, place.inside()))?;
                inner
                    .map(|node| self.node(Kind::Optional(Box::new(node))))
                    .transpose()
            }
            _ => Err(self.syntax()),
        }
    }

    /// All but these; all but all but these are these.
    fn negate(&mut self, node: Node) -> Result<Node> {
        match node.kind {
            Kind::Not(inner) => Ok(*inner),
            _ => self.node(Kind::Not(Box::new(node))),
        }
    }

    /// A word, a number or a parameter; in dialect 1 with all words that follow.
    fn word(&mut self) -> Result<Option<Node>> {
        if self.context.dialect > 1 {
            return self.single_word();
        }
        let mut first = self.single_word()?;
        while matches!(
            self.next.kind,
            Token::Term | Token::As | Token::IsMissing | Token::Size(_) | Token::Number(_)
        ) {
            let next = self.single_word()?;
            first = self.join(first, next, is_and, Kind::And)?;
        }
        Ok(first)
    }

    fn single_word(&mut self) -> Result<Option<Node>> {
        let token = self.advance();
        let word = match token.kind {
            Token::Attribute { .. } => {
                let name = text_of(token.text);
                let value = self.context.params.get(&name).map(<[u8]>::to_vec);
                let value = self.or_refuse(token.offset + KNN_RANKS, value);
                Word {
                    text: normalize(&value),
                    is_verbatim: value.is_empty() || number::parse_double(&value).is_some(),
                }
            }
            Token::Size(_) | Token::Number(_) => Word {
                text: text_of(token.text),
                is_verbatim: true,
            },
            _ => {
                let stop_words = self.context.stop_words;
                if stop_words.is_some_and(|stop| stop.contains(&text_of(token.text))) {
                    return Ok(None);
                }
                Word {
                    text: normalize(token.text),
                    is_verbatim: false,
                }
            }
        };
        self.node(Kind::Word(word)).map(Some)
    }

    /// What stands between quotes, cut into words.
    fn phrase(&mut self) -> Result<Option<Node>> {
        let token = self.advance();
        let words = crate::commands::ft::text::split(token.text);
        let words = words.map(normalize).collect();
        self.node(Kind::Phrase(words)).map(Some)
    }

    /// `"$name"` is the word `$name`.
    fn quoted_parameter(&mut self) -> Result<Option<Node>> {
        self.advance();
        let Token::Attribute { .. } = self.next.kind else {
            return Err(self.syntax());
        };
        let name = self.advance().text;
        self.expect(b'"')?;
        let word = format!("${}", normalize(name));
        self.node(Kind::Phrase(vec![word])).map(Some)
    }

    /// The affix that is next, and whether it was a parameter.
    pub(super) fn affix(&mut self, is_tag: bool) -> Result<(Affix, bool)> {
        let token = self.advance();
        let Token::Affix {
            is_prefix,
            is_suffix,
            is_parameter,
        } = token.kind
        else {
            return Err(self.syntax());
        };
        let text = match is_parameter {
            false => unescape(token.text),
            true => {
                let value = self.parameter(token);
                if is_tag {
                    unescape(&value)
                } else {
                    normalize(&value)
                }
            }
        };
        let affix = Affix {
            text,
            is_prefix,
            is_suffix,
        };
        Ok((affix, is_parameter))
    }

    /// The pattern that is next.
    pub(super) fn wildcard(&mut self) -> Result<String> {
        let token = self.advance();
        Ok(match token.kind {
            Token::Wildcard { is_parameter: true } => text_of(&self.parameter(token)),
            _ => text_of(token.text),
        })
    }

    /// The value of the parameter that a token names.
    pub(super) fn parameter(&mut self, token: Tok) -> Vec<u8> {
        let value = self.context.params.get(&text_of(token.text));
        self.or_refuse(token.offset + KNN_RANKS, value.map(<[u8]>::to_vec))
    }

    /// `%word%`, `%%word%%` or `%%%word%%%`.
    fn fuzzy(&mut self) -> Result<Option<Node>> {
        let mut distance = 0;
        while distance < 3 && self.take(b'%') {
            distance += 1;
        }
        let token = self.next;
        let word = match token.kind {
            Token::Attribute { .. } if self.context.dialect > 1 => {
                let value = self.parameter(token);
                normalize(&value)
            }
            Token::Term | Token::As | Token::IsMissing | Token::Exact => normalize(token.text),
            Token::Size(_) | Token::Number(_) => normalize(token.text),
            _ => return Err(self.syntax()),
        };
        self.advance();
        (0..distance).try_for_each(|_| self.expect(b'%'))?;
        self.node(Kind::Fuzzy { word, distance }).map(Some)
    }

    /// `ismissing(@field)`.
    fn missing(&mut self) -> Result<Option<Node>> {
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
    fn field(&mut self) -> Result<Option<Node>> {
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

fn is_and(node: &Node) -> bool {
    matches!(node.kind, Kind::And(_))
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

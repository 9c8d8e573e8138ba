//! The grammar of expressions: a precedence parser. From loose to tight: `||`, `&&`, `!`, comparisons (one at a time), sums,
//! products, powers (from the right).

use super::functions;
use super::lex::{Kind, Token, Tokens};
use super::value::lossy;
use super::{Comparison, DEPTH_MAX, Expression, ExpressionError, Operator, PARTS_MAX, Value};
use crate::keyspace::documents::text::escape::unescape;

type Result<T> = std::result::Result<T, ExpressionError>;

/// Levels of operators.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const POWER: u8 = 7;

struct Parser<'e> {
    tokens: Tokens<'e>,
    next: Token<'e>,
    depth: usize,
    parts: usize,
    /// A symbol that means nothing: reported once the token after it is known, together with what that one does wrong.
    refused: Option<ExpressionError>,
}

/// Reads an expression.
pub fn parse(text: &[u8]) -> Result<Expression> {
    let mut tokens = Tokens::new(text);
    let next = tokens.next();
    let mut parser = Parser {
        tokens,
        next,
        depth: 0,
        parts: 0,
        refused: None,
    };
    let expression = parser.expression(0)?;
    match (parser.next.kind, parser.refused.take()) {
        (Kind::End, None) => Ok(expression),
        (Kind::End, Some(refused)) => Err(refused),
        (_, refused) => {
            parser.refused = refused;
            Err(parser.syntax())
        }
    }
}

impl<'e> Parser<'e> {
    fn advance(&mut self) -> Result<Token<'e>> {
        if let Some(refused) = self.refused.take() {
            return Err(refused);
        }
        Ok(std::mem::replace(&mut self.next, self.tokens.next()))
    }

    fn syntax(&mut self) -> ExpressionError {
        ExpressionError::Syntax {
            offset: self.next.offset,
            near: lossy(self.next.text),
            reason: self.refused.take().map(Box::new),
        }
    }

    fn expect(&mut self, kind: Kind) -> Result<()> {
        match self.next.kind == kind {
            true => self.advance().map(drop),
            false => Err(self.syntax()),
        }
    }

    /// An operand and all operators after it that bind tighter than `held`.
    fn expression(&mut self, held: u8) -> Result<Expression> {
        let mut left = self.operand()?;
        while let Some(level) = level(self.next.kind).filter(|level| *level > held) {
            let token = self.advance()?;
            self.count()?;
            // Powers take the one to their right first.
            let right = self.expression(if level == POWER { level - 1 } else { level })?;
            let is_comparison = matches!(token.kind, Kind::Comparison(_));
            if is_comparison && matches!(self.next.kind, Kind::Comparison(_)) {
                return Err(self.syntax());
            }
            left = join(token.kind, left, right);
        }
        Ok(left)
    }

    fn count(&mut self) -> Result<()> {
        self.parts += 1;
        match self.parts > PARTS_MAX {
            true => Err(ExpressionError::TooLarge),
            false => Ok(()),
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(ExpressionError::TooLarge);
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn operand(&mut self) -> Result<Expression> {
        self.count()?;
        match self.next.kind {
            Kind::Number(number) => {
                self.advance()?;
                Ok(Expression::Literal(Value::Number(number)))
            }
            Kind::Text => {
                let text = self.advance()?.text;
                let inside = &text[1..text.len() - 1];
                Ok(Expression::Literal(Value::from(unescape_bytes(inside))))
            }
            Kind::Property => Ok(Expression::Property(lossy(self.advance()?.text))),
            Kind::Symbol => self.symbol(),
            Kind::Open => {
                self.advance()?;
                let inner = self.nested(|p| p.expression(0))?;
                self.expect(Kind::Close)?;
                Ok(inner)
            }
            Kind::Not => {
                self.advance()?;
                let inner = self.nested(|p| p.expression(NOT))?;
                Ok(match inner {
                    Expression::Not(twice) => *twice,
                    inner => Expression::Not(Box::new(inner)),
                })
            }
            _ => Err(self.syntax()),
        }
    }

    /// A function's call, or NULL.
    fn symbol(&mut self) -> Result<Expression> {
        let name = lossy(self.advance()?.text);
        if self.next.kind != Kind::Open {
            if name != "NULL" {
                self.refused = Some(ExpressionError::UnknownSymbol(name));
            }
            return Ok(Expression::Literal(Value::Null));
        }
        self.advance()?;
        let arguments = self.nested(Self::arguments)?;
        let function = functions::find(&name).ok_or_else(|| {
            let name = name.clone();
            ExpressionError::UnknownFunction(name)
        })?;
        let (min, max) = function.arguments;
        match (min..=max).contains(&arguments.len()) {
            true => Ok(Expression::Call(function, arguments)),
            false => Err(ExpressionError::Arguments {
                function: name,
                min,
                max,
                got: arguments.len(),
            }),
        }
    }

    /// Arguments up to and with the closing parenthesis.
    fn arguments(&mut self) -> Result<Vec<Expression>> {
        let mut arguments = Vec::new();
        if self.next.kind != Kind::Close {
            arguments.push(self.expression(0)?);
            while self.next.kind == Kind::Comma {
                self.advance()?;
                arguments.push(self.expression(0)?);
            }
        }
        self.expect(Kind::Close)?;
        Ok(arguments)
    }
}

/// The level of an operator between two operands.
fn level(kind: Kind) -> Option<u8> {
    Some(match kind {
        Kind::Or => OR,
        Kind::And => AND,
        Kind::Comparison(_) => COMPARISON,
        Kind::Arithmetic(Operator::Add | Operator::Subtract) => SUM,
        Kind::Arithmetic(Operator::Power) => POWER,
        Kind::Arithmetic(_) => PRODUCT,
        _ => return None,
    })
}

fn join(operator: Kind, left: Expression, right: Expression) -> Expression {
    let parts = Box::new([left, right]);
    match operator {
        Kind::Or => Expression::Or(parts),
        Kind::And => Expression::And(parts),
        Kind::Arithmetic(operator) => Expression::Arithmetic(operator, parts),
        Kind::Comparison(comparison) => Expression::Comparison(comparison, parts),
        // `level` knows no other.
        _ => Expression::Comparison(Comparison::Equal, parts),
    }
}

/// A literal without the backslashes before signs and blanks. Bytes that are no UTF-8 stay what they are.
fn unescape_bytes(text: &[u8]) -> Vec<u8> {
    match text.contains(&b'\\') {
        true => unescape(text).into_bytes(),
        false => text.to_vec(),
    }
}

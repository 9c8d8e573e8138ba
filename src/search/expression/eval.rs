//! Runs a program over one element's attributes: all fields are fetched first, then the steps work on a stack of values.

use super::lex::{Literal, Operator};
use super::parse::{Program, Step};
use crate::keyspace::attributes::{self, json, number_of};
use smallvec::SmallVec;
use std::borrow::Cow;

/// A value while a program runs; it borrows from the program and the attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Number(f64),
    Text(Cow<'a, [u8]>),
    /// A tuple of the expression.
    Tuple(&'a [Literal]),
    /// An array of the attributes, as JSON text that was read through once.
    Array(&'a [u8]),
}

/// Whether the program comes out true; false if a field is missing.
pub fn run(program: &Program, attributes: &[u8]) -> bool {
    json::fetch(attributes, &program.fields)
        .is_some_and(|fields| run_over(program, |place| Value::from(fields[place].clone())))
}

/// Whether the program comes out true over the values of its fields, by their places.
pub fn run_over<'a>(program: &'a Program, field: impl Fn(usize) -> Value<'a>) -> bool {
    let mut stack: SmallVec<[Value; 8]> = SmallVec::with_capacity(program.depth_max);
    for step in &program.steps {
        let value = match step {
            Step::Literal(literal) => Value::from(literal),
            Step::Field(place) => field(*place),
            Step::Apply(operator) => {
                let right = stack.pop().unwrap_or(Value::Null);
                apply(*operator, right, &mut stack)
            }
        };
        stack.push(value);
    }
    assert_eq!(stack.len(), 1, "a compiled program leaves one value");
    stack[0].is_true()
}

/// The result of `operator`; a second operand is taken off the stack when it needs one.
fn apply(operator: Operator, right: Value, stack: &mut SmallVec<[Value; 8]>) -> Value<'static> {
    if operator == Operator::Not {
        return truth(!right.is_true());
    }
    let left = stack.pop().unwrap_or(Value::Null);
    let (a, b) = (&left, &right);
    match operator {
        Operator::Not | Operator::Power => Value::Number(a.number().powf(b.number())),
        Operator::Multiply => Value::Number(a.number() * b.number()),
        Operator::Divide => Value::Number(a.number() / b.number()),
        Operator::Remainder => Value::Number(a.number() % b.number()),
        Operator::Add => Value::Number(a.number() + b.number()),
        Operator::Subtract => Value::Number(a.number() - b.number()),
        Operator::Greater => truth(a.number() > b.number()),
        Operator::GreaterOrEqual => truth(a.number() >= b.number()),
        Operator::Less => truth(a.number() < b.number()),
        Operator::LessOrEqual => truth(a.number() <= b.number()),
        Operator::Equal => truth(a.equals(b)),
        Operator::NotEqual => truth(!a.equals(b)),
        Operator::In => truth(a.is_in(b)),
        Operator::And => truth(a.is_true() && b.is_true()),
        Operator::Or => truth(a.is_true() || b.is_true()),
    }
}

fn truth(is_true: bool) -> Value<'static> {
    Value::Number(if is_true { 1.0 } else { 0.0 })
}

impl<'a> From<&'a Literal> for Value<'a> {
    fn from(literal: &'a Literal) -> Value<'a> {
        match literal {
            Literal::Null => Value::Null,
            Literal::Number(number) => Value::Number(*number),
            Literal::Text(text) => Value::Text(Cow::Borrowed(text)),
            Literal::Tuple(members) => Value::Tuple(members),
        }
    }
}

impl<'a> From<attributes::Value<'a>> for Value<'a> {
    fn from(value: attributes::Value<'a>) -> Value<'a> {
        match value {
            attributes::Value::Null => Value::Null,
            attributes::Value::Number(number) => Value::Number(number),
            attributes::Value::Text(text) => Value::Text(text),
            attributes::Value::Array(text) => Value::Array(text),
        }
    }
}

impl Value<'_> {
    /// NaN is true, as is every array, and every text but the empty one.
    pub fn is_true(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Number(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Tuple(_) | Value::Array(_) => true,
        }
    }

    /// The number that arithmetic and ordering see; what is none counts as 0.
    pub fn number(&self) -> f64 {
        match self {
            Value::Number(number) => *number,
            Value::Text(text) => number_of(text),
            Value::Null | Value::Tuple(_) | Value::Array(_) => 0.0,
        }
    }

    /// Texts by bytes, null only with null, all else as numbers.
    pub fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Null, _) | (_, Value::Null) => *self == Value::Null && *other == Value::Null,
            _ => self.number() == other.number(),
        }
    }

    /// Member of an array, or part of a text.
    pub fn is_in(&self, whole: &Value) -> bool {
        match (self, whole) {
            (_, Value::Tuple(members)) => members
                .iter()
                .any(|member| Value::from(member).equals(self)),
            (_, Value::Array(text)) => {
                json::members(text).any(|member| Value::from(member).equals(self))
            }
            (Value::Text(part), Value::Text(text)) => {
                part.is_empty() || text.windows(part.len()).any(|window| window == &**part)
            }
            _ => false,
        }
    }
}

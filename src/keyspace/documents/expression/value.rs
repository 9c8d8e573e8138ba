//! Values of expressions and aggregations: their conversions, comparison and order.

use super::EvalError;
use crate::keyspace::documents::printed;
use crate::protocol::number;
use bytes::Bytes;
use std::cmp::Ordering;

/// A value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// A number.
    Number(f64),
    /// Bytes.
    Text(Bytes),
    /// Several values.
    Array(Vec<Value>),
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text.into())
    }
}

impl From<Vec<u8>> for Value {
    fn from(text: Vec<u8>) -> Value {
        Value::Text(text.into())
    }
}

impl From<bool> for Value {
    fn from(is_true: bool) -> Value {
        Value::Number(f64::from(u8::from(is_true)))
    }
}

impl Value {
    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let own = match self {
            Value::Null | Value::Number(_) => 0,
            Value::Text(text) => text.len(),
            Value::Array(values) => values.iter().map(Value::bytes).sum(),
        };
        size_of::<Value>() + own
    }
}

/// A text as a number: decimal or `inf` as a whole; the empty text is none.
pub fn parse_number(text: &[u8]) -> Option<f64> {
    match text {
        b"" => None,
        text if text.eq_ignore_ascii_case(b"nan") => Some(f64::NAN),
        // C's hexadecimal floats are none here.
        text if text.contains(&b'x') || text.contains(&b'X') => None,
        text => number::parse_double(text),
    }
}

impl Value {
    /// Its number, also that of a text.
    pub fn to_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Text(text) => parse_number(text),
            Value::Null | Value::Array(_) => None,
        }
    }

    /// Its bytes, if it is a text.
    pub fn as_text(&self) -> Option<&Bytes> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// It as text: what replies and `to_str` show. NULL and arrays are empty.
    pub fn to_text(&self) -> Bytes {
        match self {
            Value::Text(text) => text.clone(),
            Value::Number(number) => printed::print(*number).into(),
            Value::Null | Value::Array(_) => Bytes::new(),
        }
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// What FILTER and logic make of it: NULL, 0 and what is empty are false.
    pub fn is_true(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Number(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Array(values) => !values.is_empty(),
        }
    }

    /// Whether `==` holds: a text equals a number that it reads as; of arrays the first values count.
    pub fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Null, _) | (_, Value::Null) => false,
            (Value::Number(number), other) | (other, Value::Number(number)) => other
                .to_number()
                .is_some_and(|other| order(*number, other).is_eq()),
            _ => self.order(other).is_eq(),
        }
    }

    /// The order of `<`: as [`Value::order`], but a text beside a number must be one.
    pub fn compare(&self, other: &Value) -> Result<Ordering, EvalError> {
        let is_number = |value: &Value| matches!(value, Value::Number(_));
        if is_number(self) != is_number(other) && !self.is_null() && !other.is_null() {
            let of = |value: &Value| {
                let number = value.to_number();
                number.ok_or_else(|| EvalError::NotANumber(lossy(&value.to_text())))
            };
            return Ok(order(of(self)?, of(other)?));
        }
        Ok(self.order(other))
    }

    /// The order of SORTBY, which puts NaN last beforehand: NULL first, numbers by size, texts by bytes, a text beside a number by size if it is one; of arrays
    /// the first values count.
    pub fn order(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Less,
            (_, Value::Null) => Ordering::Greater,
            (Value::Text(one), Value::Text(other)) => one.cmp(other),
            (Value::Array(one), Value::Array(other)) => match (one.first(), other.first()) {
                (Some(one), Some(other)) => one.order(other),
                _ => one.len().cmp(&other.len()),
            },
            (Value::Number(_), _) | (_, Value::Number(_)) => {
                match (self.to_number(), other.to_number()) {
                    (Some(one), Some(other)) => order(one, other),
                    _ => self.decimal_text().cmp(&other.decimal_text()),
                }
            }
            _ => self.decimal_text().cmp(&other.decimal_text()),
        }
    }

    /// As it is compared beside another type: numbers as C's `%f`.
    fn decimal_text(&self) -> Bytes {
        match self {
            Value::Number(number) => format!("{number:.6}").into(),
            value => value.to_text(),
        }
    }
}

/// The order of two numbers; NaN equals everything, as in the module.
fn order(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other).unwrap_or(Ordering::Equal)
}

pub(super) fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

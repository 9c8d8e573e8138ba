//! The value of an expression for a row.

use super::functions::{Function, Id};
use super::{Comparison, Expression, MATCHED_TERMS_MAX, Mode, Operator, Row, Value};

/// Why an expression has no value for a row.
#[derive(Clone, Debug, PartialEq)]
pub enum EvalError {
    /// A property that the row lacks.
    Missing(String),
    /// Arithmetic with what is no number.
    NotNumeric,
    /// A comparison of a number with a text that is none.
    NotANumber(String),
    /// `to_number` of such a text.
    ToNumber(String),
    /// An argument of the wrong type.
    ArgumentType {
        /// The function.
        function: &'static str,
        /// Which, from 0.
        argument: usize,
        /// Its type, as the module numbers them.
        got: u8,
        /// Whether a number was wanted; else a text.
        wants_number: bool,
    },
    /// `geodistance` of a text that is no point.
    Point,
    /// `substr` of what is no text.
    Substr,
    /// `format` with `%` at its end.
    Format,
    /// `format` with too few arguments.
    FormatArguments,
    /// `format` with another specifier than `%s`.
    FormatSpecifier,
    /// `format` of a text longer than [`FORMATTED_BYTES_MAX`](super::FORMATTED_BYTES_MAX).
    FormatLength,
}

/// The value of a part.
enum Found {
    Value(Value),
    /// A property that the row lacks: an error, false or NULL, depending on what stands around it.
    Missing(String),
}

impl Found {
    fn value(self) -> Result<Value, EvalError> {
        match self {
            Found::Value(value) => Ok(value),
            Found::Missing(name) => Err(EvalError::Missing(name)),
        }
    }
}

struct Evaluation<'r> {
    row: &'r dyn Row,
    mode: Mode,
}

impl Expression {
    /// Its value for a row.
    pub fn evaluate(&self, row: &dyn Row, mode: Mode) -> Result<Value, EvalError> {
        Evaluation { row, mode }.found(self)?.value()
    }
}

impl Evaluation<'_> {
    fn value(&self, expression: &Expression) -> Result<Value, EvalError> {
        self.found(expression)?.value()
    }

    fn found(&self, expression: &Expression) -> Result<Found, EvalError> {
        Ok(Found::Value(match expression {
            Expression::Literal(value) => value.clone(),
            Expression::Property(name) => match self.row.get(name) {
                Some(value) => value,
                None => return Ok(Found::Missing(name.clone())),
            },
            Expression::Call(function, arguments) => return self.call(function, arguments),
            Expression::Arithmetic(operator, parts) => {
                let [left, right] = &**parts;
                arithmetic(*operator, &self.value(left)?, &self.value(right)?)?
            }
            Expression::Comparison(comparison, parts) => self.compare(*comparison, parts)?.into(),
            Expression::And(parts) => self.logic(parts, false)?.into(),
            Expression::Or(parts) => self.logic(parts, true)?.into(),
            Expression::Not(part) => (!self.value(part)?.is_true()).into(),
        }))
    }

    fn compare(
        &self,
        comparison: Comparison,
        [left, right]: &[Expression; 2],
    ) -> Result<bool, EvalError> {
        let (left, right) = (self.found(left)?, self.found(right)?);
        let (left, right) = match (left, right) {
            (Found::Value(left), Found::Value(right)) => (left, right),
            _ if self.mode == Mode::Index => return Ok(false),
            (Found::Missing(name), _) | (_, Found::Missing(name)) => {
                return Err(EvalError::Missing(name));
            }
        };
        Ok(match comparison {
            Comparison::Equal => left.equals(&right),
            Comparison::NotEqual => !left.equals(&right),
            Comparison::Below => left.compare(&right)?.is_lt(),
            Comparison::AtMost => left.compare(&right)?.is_le(),
            Comparison::Above => left.compare(&right)?.is_gt(),
            Comparison::AtLeast => left.compare(&right)?.is_ge(),
        })
    }

    /// `||` (decided by a true part) or `&&` (by a false one). What is missing is false, and an error only if it could not be
    /// left out of account.
    fn logic(&self, [left, right]: &[Expression; 2], decisive: bool) -> Result<bool, EvalError> {
        let mut missing = None;
        for part in [left, right] {
            let is_true = match self.found(part)? {
                Found::Value(value) => value.is_true(),
                Found::Missing(name) => {
                    missing = Some(name);
                    false
                }
            };
            if is_true == decisive {
                return Ok(decisive);
            }
        }
        match missing {
            Some(name) if self.mode == Mode::Query => Err(EvalError::Missing(name)),
            _ => Ok(!decisive),
        }
    }

    fn call(&self, function: &Function, arguments: &[Expression]) -> Result<Found, EvalError> {
        match function.id {
            Id::Exists => {
                // What a row has is there, also where it is nothing.
                let is_there = matches!(self.found(&arguments[0])?, Found::Value(_));
                Ok(Found::Value(is_there.into()))
            }
            Id::Case => match self.found(&arguments[0])? {
                Found::Value(value) if value.is_true() => self.found(&arguments[1]),
                Found::Value(_) => self.found(&arguments[2]),
                missing => Ok(missing),
            },
            Id::MatchedTerms => self.matched_terms(arguments).map(Found::Value),
            Id::Plain(run) => {
                let values = arguments.iter().map(|argument| self.value(argument));
                let values = values.collect::<Result<Vec<_>, _>>()?;
                run(&values).map(Found::Value)
            }
        }
    }

    fn matched_terms(&self, arguments: &[Expression]) -> Result<Value, EvalError> {
        let most = match arguments.first() {
            Some(argument) => self.value(argument)?.to_number(),
            None => None,
        };
        let bounds = 1.0..=MATCHED_TERMS_MAX as f64;
        let most = most.filter(|most| bounds.contains(most));
        let most = most.map_or(MATCHED_TERMS_MAX, |most| most as usize);
        let terms = self.row.matched_terms().iter().take(most);
        let terms: Vec<Value> = terms.map(|term| term.as_str().into()).collect();
        Ok(match terms.is_empty() {
            true => Value::Null,
            false => Value::Array(terms),
        })
    }
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Result<Value, EvalError> {
    let (Some(left), Some(right)) = (left.to_number(), right.to_number()) else {
        return Err(EvalError::NotNumeric);
    };
    Ok(Value::Number(match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Remainder => left % right,
        Operator::Power => left.powf(right),
    }))
}

//! The lines of expressions: what is wrong with one, and why it has no value for a row.

use crate::commands::ft::expression::{EvalError, ExpressionError, PARTS_MAX};
use std::fmt::{Display, Formatter, Result};

impl Display for ExpressionError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            ExpressionError::Syntax {
                offset,
                near,
                reason,
            } => {
                write!(f, "Syntax error at offset {offset} near '{near}'")?;
                match reason {
                    Some(reason) => write!(f, ": {reason}"),
                    None => Ok(()),
                }
            }
            ExpressionError::UnknownSymbol(name) => write!(f, "Unknown symbol '{name}'"),
            ExpressionError::UnknownFunction(name) => write!(f, "Unknown function name '{name}'"),
            ExpressionError::Arguments {
                function,
                min,
                max,
                got,
            } if min == max => {
                write!(
                    f,
                    "Function '{function}' expects {min} arguments, but got {got}"
                )
            }
            ExpressionError::Arguments {
                function,
                min,
                max,
                got,
            } => write!(
                f,
                "Function '{function}' expects between {min} and {max} arguments, but got {got}"
            ),
            ExpressionError::TooLarge => {
                write!(
                    f,
                    "Expression exceeds {PARTS_MAX} parts or is nested too deeply"
                )
            }
            ExpressionError::UnknownProperty(name) => {
                write!(f, "Property `{name}` not loaded nor in pipeline")
            }
        }
    }
}

impl Display for EvalError {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            EvalError::Missing(name) => write!(
                f,
                "Could not find the value for a parameter name, consider using EXISTS if applicable for {name}"
            ),
            EvalError::NotNumeric => f.write_str("Could not convert value to a number"),
            EvalError::NotANumber(text) => {
                write!(f, "Error converting string '{text}' to number")
            }
            EvalError::ToNumber(text) => write!(f, "to_number: cannot convert string '{text}'"),
            EvalError::ArgumentType {
                function,
                argument,
                got,
                wants_number,
            } => {
                let test = match wants_number {
                    true => "VALIDATE_ARG__TYPE(v, RSValueType_Number)",
                    false => "VALIDATE_ARG__STRING(v, 0)",
                };
                write!(
                    f,
                    "Invalid type ({got}) for argument {argument} in function '{function}'. {test} was false."
                )
            }
            EvalError::Point => f.write_str("Invalid geo string"),
            EvalError::Substr => f.write_str("Invalid type for substr. Expected string"),
            EvalError::Format => f.write_str("Bad format string!"),
            EvalError::FormatArguments => f.write_str("Not enough arguments for format"),
            EvalError::FormatSpecifier => f.write_str("Unknown format specifier passed"),
            EvalError::FormatLength => f.write_str("Formatted text is longer than 1 MB"),
        }
    }
}

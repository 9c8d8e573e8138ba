//! Expressions of APPLY and FILTER.

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionError {}

/// Reads an expression.
pub fn parse(_text: &[u8]) -> Result<(), ExpressionError> {
    Ok(())
}

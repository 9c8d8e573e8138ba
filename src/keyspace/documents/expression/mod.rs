//! Expressions of APPLY and FILTER: numbers, texts, `@properties`, functions, arithmetic, comparisons and logic.
//!
//! A row gives the values of properties ([`Row`]); a missing one is an error but for `exists`, and false in comparisons of
//! FT.CREATE's FILTER ([`Mode::Index`]).

mod eval;
mod functions;
mod geo;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
pub mod time;
pub mod value;

pub use eval::EvalError;
pub use parse::parse;
pub use value::Value;

use functions::Function;

/// Parts of the largest expression. It bounds the depth of its tree.
pub const PARTS_MAX: usize = 1000;
/// Bytes of the longest text that `format` makes: a request that formats what it formatted would take all memory.
pub const FORMATTED_BYTES_MAX: usize = 1 << 20;
/// Terms that `matched_terms()` tells.
pub const MATCHED_TERMS_MAX: usize = 100;
/// Parentheses in each other.
const DEPTH_MAX: usize = 100;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A number, text or NULL.
    Literal(Value),
    /// `@name`.
    Property(String),
    /// A function's call; the number of arguments is right.
    Call(&'static Function, Vec<Expression>),
    /// `+ - * / % ^`
    Arithmetic(Operator, Box<[Expression; 2]>),
    /// `== != < <= > >=`
    Comparison(Comparison, Box<[Expression; 2]>),
    /// `&&`
    And(Box<[Expression; 2]>),
    /// `||`
    Or(Box<[Expression; 2]>),
    /// `!`
    Not(Box<Expression>),
}

/// An operator between numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `^`
    Power,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

/// Where an expression is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In a pipeline.
    Query,
    /// FILTER of an index: what a document lacks makes comparisons false.
    Index,
}

/// Where properties have their values.
pub trait Row {
    /// The value of a property; none if it is missing.
    fn get(&self, property: &str) -> Option<Value>;

    /// The words and tags of the index that made the row's document pass the query, for `matched_terms()`.
    fn matched_terms(&self) -> &[String] {
        &[]
    }
}

impl Expression {
    /// The properties that it names, in the order of the text, repetitions among them.
    pub fn properties(&self) -> Vec<&str> {
        fn collect<'e>(expression: &'e Expression, names: &mut Vec<&'e str>) {
            if let Expression::Property(name) = expression {
                names.push(name);
            }
            for part in expression.parts() {
                collect(part, names);
            }
        }
        let mut names = Vec::new();
        collect(self, &mut names);
        names
    }

    /// Whether it calls `matched_terms()`.
    pub fn asks_for_terms(&self) -> bool {
        let asks = |function: &Function| matches!(function.id, functions::Id::MatchedTerms);
        matches!(self, Expression::Call(function, _) if asks(function))
            || self.parts().iter().any(Expression::asks_for_terms)
    }

    /// Checks that every property is known to the pipeline.
    pub fn check_properties(&self, is_known: impl Fn(&str) -> bool) -> Result<(), ExpressionError> {
        let unknown = self.properties().into_iter().find(|name| !is_known(name));
        unknown.map_or(Ok(()), |name| {
            Err(ExpressionError::UnknownProperty(name.to_owned()))
        })
    }

    fn parts(&self) -> &[Expression] {
        match self {
            Expression::Literal(_) | Expression::Property(_) => &[],
            Expression::Call(_, arguments) => arguments,
            Expression::Arithmetic(_, parts) | Expression::Comparison(_, parts) => &parts[..],
            Expression::And(parts) | Expression::Or(parts) => &parts[..],
            Expression::Not(part) => std::slice::from_ref(part),
        }
    }

    /// Whether a row passes: FILTER of a pipeline.
    pub fn passes(&self, row: &dyn Row) -> Result<bool, EvalError> {
        Ok(self.evaluate(row, Mode::Query)?.is_true())
    }

    /// Whether a document belongs to an index: FILTER of FT.CREATE. An expression that cannot be evaluated keeps it out.
    pub fn admits(&self, row: &dyn Row) -> bool {
        let value = self.evaluate(row, Mode::Index);
        value.is_ok_and(|value| value.is_true())
    }
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionError {
    /// The grammar does not go on here.
    Syntax {
        /// Where, in bytes.
        offset: usize,
        /// The word there, or the last before it.
        near: String,
        /// What was wrong before.
        reason: Option<Box<ExpressionError>>,
    },
    /// A name that is neither a function's, with its arguments, nor NULL.
    UnknownSymbol(String),
    /// A function that does not exist.
    UnknownFunction(String),
    /// A function with too few or too many arguments.
    Arguments {
        /// As it was written.
        function: String,
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
        /// Given.
        got: usize,
    },
    /// More than [`PARTS_MAX`] parts, or too many parentheses in each other.
    TooLarge,
    /// A property that no earlier step gives.
    UnknownProperty(String),
}

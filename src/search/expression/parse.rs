//! From tokens to a postfix program, by Dijkstra's shunting yard: operators wait on a stack until one that binds less
//! tightly comes. Operands are counted while operators are taken off it, so a finished program can not run short.

use super::SyntaxError;
use super::lex::{Lexer, Literal, Operator, Token};
use std::collections::BTreeMap;

/// One step of a program; it works on the top of the stack.
#[derive(Clone, Debug)]
pub enum Step {
    /// Pushes a literal.
    Literal(Literal),
    /// Pushes the value of the field at this place of [`Program::fields`].
    Field(usize),
    /// Replaces its operands by its result.
    Apply(Operator),
}

/// A postfix program that leaves exactly one value.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Distinct names of the fields that are fetched before the first step.
    pub fields: Vec<Box<[u8]>>,
    /// Values on the stack at most.
    pub depth_max: usize,
}

/// What waits for its turn.
enum Waiting {
    Open,
    Operator(Operator),
}

/// Compiles the text of an expression.
pub fn compile(text: &[u8]) -> Result<Program, SyntaxError> {
    let mut lexer = Lexer::new(text);
    // All of it is read before any of it is placed: what can not be read is reported before what does not fit.
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    let mut yard = Yard::default();
    let placed = tokens.into_iter().try_for_each(|token| yard.take(token));
    placed
        .and_then(|()| yard.finish())
        .ok_or_else(|| lexer.error_whole())
}

#[derive(Default)]
struct Yard {
    program: Program,
    /// Where each field stands in the program's list.
    places: BTreeMap<Box<[u8]>, usize>,
    waiting: Vec<Waiting>,
    /// Values that the program so far leaves on the stack.
    operands: usize,
}

impl Yard {
    /// Places one token; none if parentheses or operands do not fit.
    fn take(&mut self, token: Token) -> Option<()> {
        match token {
            Token::Open => self.waiting.push(Waiting::Open),
            Token::Close => self.close()?,
            Token::Operator(operator) => {
                while let Some(&Waiting::Operator(top)) = self.waiting.last()
                    && runs_before(top, operator)
                {
                    self.waiting.pop();
                    self.apply(top)?;
                }
                self.waiting.push(Waiting::Operator(operator));
            }
            Token::Literal(literal) => self.push(Step::Literal(literal)),
            Token::Field(name) => {
                let place = self.place_of(name);
                self.push(Step::Field(place));
            }
        }
        Some(())
    }

    fn finish(mut self) -> Option<Program> {
        while let Some(waiting) = self.waiting.pop() {
            match waiting {
                Waiting::Open => return None,
                Waiting::Operator(operator) => self.apply(operator)?,
            }
        }
        (self.operands == 1).then_some(self.program)
    }

    fn close(&mut self) -> Option<()> {
        loop {
            match self.waiting.pop()? {
                Waiting::Open => return Some(()),
                Waiting::Operator(operator) => self.apply(operator)?,
            }
        }
    }

    fn push(&mut self, step: Step) {
        self.program.steps.push(step);
        self.operands += 1;
        self.program.depth_max = self.program.depth_max.max(self.operands);
    }

    fn apply(&mut self, operator: Operator) -> Option<()> {
        self.operands = self.operands.checked_sub(operand_count(operator))? + 1;
        self.program.steps.push(Step::Apply(operator));
        Some(())
    }

    fn place_of(&mut self, name: Box<[u8]>) -> usize {
        let fields = &mut self.program.fields;
        *self.places.entry(name).or_insert_with_key(|name| {
            fields.push(name.clone());
            fields.len() - 1
        })
    }
}

/// Whether the waiting operator `top` comes before the new one.
fn runs_before(top: Operator, new: Operator) -> bool {
    let (top, new_binding) = (binding(top), binding(new));
    top > new_binding || (top == new_binding && new != Operator::Power)
}

/// How tightly an operator binds; more is tighter.
fn binding(operator: Operator) -> u8 {
    use Operator::*;
    match operator {
        Not => 7,
        Power => 6,
        Multiply | Divide | Remainder => 5,
        Add | Subtract => 4,
        Greater | GreaterOrEqual | Less | LessOrEqual | Equal | NotEqual | In => 3,
        And => 2,
        Or => 1,
    }
}

fn operand_count(operator: Operator) -> usize {
    if operator == Operator::Not { 1 } else { 2 }
}

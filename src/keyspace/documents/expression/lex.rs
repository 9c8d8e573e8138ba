//! The words and signs of an expression. The longest match is taken, so `-1` is a number wherever it stands: `@a -1` is two
//! values beside each other, `@a - 1` a difference.

use super::value::parse_number;
use super::{Comparison, Operator};
use winnow::combinator::{alt, opt, repeat};
use winnow::error::{ContextError, ErrMode};
use winnow::prelude::*;
use winnow::token::{one_of, take_while};

type Matched<'e> = Result<&'e [u8], ErrMode<ContextError>>;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Number(f64),
    Property,
    Symbol,
    /// With its quotes and escapes.
    Text,
    Arithmetic(Operator),
    Comparison(Comparison),
    And,
    Or,
    Not,
    Open,
    Close,
    Comma,
    End,
}

/// One word or sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token<'e> {
    pub kind: Kind,
    /// Where it begins, in bytes.
    pub offset: usize,
    /// Its text; of a sign the text of the word before it, which is what errors quote.
    pub text: &'e [u8],
}

/// Signs, longer ones first.
const SIGNS: [(&[u8], Kind); 18] = [
    (b"==", Kind::Comparison(Comparison::Equal)),
    (b"!=", Kind::Comparison(Comparison::NotEqual)),
    (b"<=", Kind::Comparison(Comparison::AtMost)),
    (b">=", Kind::Comparison(Comparison::AtLeast)),
    (b"&&", Kind::And),
    (b"||", Kind::Or),
    (b"<", Kind::Comparison(Comparison::Below)),
    (b">", Kind::Comparison(Comparison::Above)),
    (b"!", Kind::Not),
    (b"+", Kind::Arithmetic(Operator::Add)),
    (b"-", Kind::Arithmetic(Operator::Subtract)),
    (b"*", Kind::Arithmetic(Operator::Multiply)),
    (b"/", Kind::Arithmetic(Operator::Divide)),
    (b"%", Kind::Arithmetic(Operator::Remainder)),
    (b"^", Kind::Arithmetic(Operator::Power)),
    (b"(", Kind::Open),
    (b")", Kind::Close),
    (b",", Kind::Comma),
];

/// Cuts an expression into tokens, one at a time.
pub(super) struct Tokens<'e> {
    text: &'e [u8],
    next: usize,
    last: Token<'e>,
}

impl<'e> Tokens<'e> {
    pub(super) fn new(text: &'e [u8]) -> Tokens<'e> {
        Tokens {
            text,
            next: 0,
            last: Token {
                kind: Kind::End,
                offset: 0,
                text: b"",
            },
        }
    }

    /// The next token; [`Kind::End`] for ever after the last.
    pub(super) fn next(&mut self) -> Token<'e> {
        while let Some(rest) = self.text.get(self.next..).filter(|rest| !rest.is_empty()) {
            let Some((kind, length)) = token(rest) else {
                // A sign without meaning is a blank; a letter that is none of ours ends the text.
                if !rest[0].is_ascii() {
                    break;
                }
                self.next += 1;
                continue;
            };
            let offset = self.next;
            self.next += length;
            self.last = Token {
                kind,
                offset,
                text: match kind {
                    Kind::Property => &rest[1..length],
                    Kind::Number(_) | Kind::Symbol | Kind::Text => &rest[..length],
                    _ => self.last.text,
                },
            };
            return self.last;
        }
        Token {
            kind: Kind::End,
            ..self.last
        }
    }
}

fn token(input: &[u8]) -> Option<(Kind, usize)> {
    let value = alt((
        number.map(|text: &[u8]| (Kind::Number(number_of(text)), text.len())),
        property.map(|text: &[u8]| (Kind::Property, text.len())),
        symbol.map(|text: &[u8]| (Kind::Symbol, text.len())),
    ))
    .parse_next(&mut { input });
    let sign = || {
        let found = SIGNS.iter().find(|(sign, _)| input.starts_with(sign));
        found.map(|(sign, kind)| (*kind, sign.len()))
    };
    let text = || quoted(input).map(|length| (Kind::Text, length));
    value.ok().or_else(text).or_else(sign)
}

fn sign<'e>(input: &mut &'e [u8]) -> Matched<'e> {
    opt(one_of(b"+-")).take().parse_next(input)
}

fn digits<'e>(input: &mut &'e [u8]) -> Matched<'e> {
    take_while(1.., |byte: u8| byte.is_ascii_digit()).parse_next(input)
}

/// `1`, `1.5`, `1e5`, and `inf` with a sign: without one it is a symbol.
fn number<'e>(input: &mut &'e [u8]) -> Matched<'e> {
    let fraction = opt(('.', digits));
    let exponent = opt((one_of(b"eE"), sign, digits));
    alt((
        (sign, digits, fraction, exponent).take(),
        (one_of(b"+-"), "inf").take(),
    ))
    .parse_next(input)
}

/// Beyond what a double holds a number is infinite.
fn number_of(text: &[u8]) -> f64 {
    let infinite = match text.first() {
        Some(b'-') => f64::NEG_INFINITY,
        _ => f64::INFINITY,
    };
    parse_number(text).unwrap_or(infinite)
}

fn symbol<'e>(input: &mut &'e [u8]) -> Matched<'e> {
    let first = one_of(|byte: u8| byte.is_ascii_alphabetic());
    let rest = take_while(0.., |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_');
    (first, rest).take().parse_next(input)
}

fn property<'e>(input: &mut &'e [u8]) -> Matched<'e> {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let plain = move |byte: u8| {
        byte == b'_' || !(byte.is_ascii_punctuation() || byte.is_ascii_control() || byte == b' ')
    };
    let escapable = move |byte: u8| byte.is_ascii_punctuation() || is_space(byte);
    let escaped = ('\\', one_of(escapable)).take();
    (
        '@',
        repeat::<_, _, (), _, _>(1.., alt((take_while(1.., plain), escaped))),
    )
        .take()
        .parse_next(input)
}

/// The length of a quoted text on one line: to the first quote that no backslash precedes, else to the last one.
fn quoted(input: &[u8]) -> Option<usize> {
    let &quote = input
        .first()
        .filter(|first| matches!(first, b'"' | b'\''))?;
    let mut length = None;
    for (place, &byte) in input.iter().enumerate().skip(1) {
        if byte == b'\n' {
            break;
        }
        if byte == quote {
            length = Some(place + 1);
            if input[place - 1] != b'\\' {
                break;
            }
        }
    }
    length
}

//! From the text of an expression to tokens. What stops the reading is reported by its place: after the characters that
//! were taken as one word, number or operator.

use super::{SyntaxError, number};

/// What an operator does; the order of the variants means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Not,
    Power,
    Multiply,
    Divide,
    Remainder,
    Add,
    Subtract,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    In,
    And,
    Or,
}

/// A value written in the expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Number(f64),
    /// The bytes between the quotes; a backslash stays, it only keeps the next quote from ending the string.
    Text(Box<[u8]>),
    /// Numbers and texts only.
    Tuple(Box<[Literal]>),
}

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    Open,
    Close,
    Operator(Operator),
    Literal(Literal),
    /// A field of the attributes by name; the empty name, a lone `.` at the end, names no field.
    Field(Box<[u8]>),
}

/// What the words and signs mean. The longest that begins a run of letters and signs wins, so `1 and1` and `a==!b` read
/// without blanks.
const WORDS: &[(&[u8], Token)] = &[
    (b"(", Token::Open),
    (b")", Token::Close),
    (b"null", Token::Literal(Literal::Null)),
    (b"!", Token::Operator(Operator::Not)),
    (b"not", Token::Operator(Operator::Not)),
    (b"**", Token::Operator(Operator::Power)),
    (b"*", Token::Operator(Operator::Multiply)),
    (b"/", Token::Operator(Operator::Divide)),
    (b"%", Token::Operator(Operator::Remainder)),
    (b"+", Token::Operator(Operator::Add)),
    (b"-", Token::Operator(Operator::Subtract)),
    (b">", Token::Operator(Operator::Greater)),
    (b">=", Token::Operator(Operator::GreaterOrEqual)),
    (b"<", Token::Operator(Operator::Less)),
    (b"<=", Token::Operator(Operator::LessOrEqual)),
    (b"==", Token::Operator(Operator::Equal)),
    (b"!=", Token::Operator(Operator::NotEqual)),
    (b"in", Token::Operator(Operator::In)),
    (b"and", Token::Operator(Operator::And)),
    (b"&&", Token::Operator(Operator::And)),
    (b"or", Token::Operator(Operator::Or)),
    (b"||", Token::Operator(Operator::Or)),
];

/// Signs that operators and parentheses consist of.
const SIGNS: &[u8] = b"+-*%/!()<>=|&";

/// Reads tokens off a text, one by one.
pub struct Lexer<'a> {
    /// The expression up to its first NUL byte.
    text: &'a [u8],
    /// Bytes that the client sent, NUL and what follows included.
    bytes_sent: usize,
    at: usize,
    /// Whether a `-` before a digit is its sign here: at the start, after an operator, after `(`.
    takes_sign: bool,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`.
    pub fn new(text: &'a [u8]) -> Lexer<'a> {
        let end = text
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(text.len());
        Lexer {
            text: &text[..end],
            bytes_sent: text.len(),
            at: 0,
            takes_sign: true,
        }
    }

    /// The next token, or none at the end.
    pub fn next(&mut self) -> Result<Option<Token>, SyntaxError> {
        self.skip_blanks();
        let (Some(first), second) = (self.peek(0), self.peek(1)) else {
            return Ok(None);
        };
        let is_signed =
            self.takes_sign && first == b'-' && second.is_some_and(|byte| byte.is_ascii_digit());
        let token = match first {
            b'0'..=b'9' => Token::Literal(self.number()?),
            b'-' if is_signed => Token::Literal(self.number()?),
            b'"' | b'\'' => Token::Literal(self.string(first)?),
            b'[' => Token::Literal(self.tuple()?),
            b'.' if second.is_none_or(is_field_byte) => self.field(),
            _ if is_word_byte(first) => self.word()?,
            _ => return Err(self.error_here()),
        };
        self.takes_sign = matches!(token, Token::Operator(_) | Token::Open);
        Ok(Some(token))
    }

    /// An error that blames no place: all of the text is shown.
    pub fn error_whole(&self) -> SyntaxError {
        SyntaxError {
            near: 0..self.text.len(),
        }
    }

    /// An error at the next byte. At the very end nothing would be left to show: all of the text is.
    fn error_here(&self) -> SyntaxError {
        if self.at == self.bytes_sent {
            self.error_whole()
        } else {
            SyntaxError {
                near: self.at..self.text.len(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn skip_blanks(&mut self) {
        self.take_while(number::is_blank);
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| belongs(**byte)).count();
        self.at += length;
        &rest[..length]
    }

    /// Digits, points and exponent letters after an optional minus.
    fn number(&mut self) -> Result<Literal, SyntaxError> {
        let start = self.at;
        if self.peek(0) == Some(b'-') {
            self.at += 1;
        }
        self.take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E'));
        number::read(&self.text[start..self.at])
            .map(Literal::Number)
            .ok_or_else(|| self.error_here())
    }

    fn string(&mut self, quote: u8) -> Result<Literal, SyntaxError> {
        let start = self.at + 1;
        let mut end = start;
        while let Some(&byte) = self.text.get(end) {
            match byte {
                b'\\' => end += 2,
                _ if byte == quote => {
                    self.at = end + 1;
                    return Ok(Literal::Text(self.text[start..end].into()));
                }
                _ => end += 1,
            }
        }
        self.at = self.text.len();
        Err(self.error_here())
    }

    /// Numbers and strings between brackets, separated by commas; the last comma may stand alone.
    fn tuple(&mut self) -> Result<Literal, SyntaxError> {
        self.at += 1;
        let mut members = Vec::new();
        loop {
            self.skip_blanks();
            match self.peek(0) {
                Some(b']') => break,
                Some(b'0'..=b'9' | b'-') => members.push(self.number()?),
                Some(quote @ (b'"' | b'\'')) => members.push(self.string(quote)?),
                _ => return Err(self.error_here()),
            }
            self.skip_blanks();
            match self.peek(0) {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.error_here()),
            }
        }
        self.at += 1;
        Ok(Literal::Tuple(members.into()))
    }

    fn field(&mut self) -> Token {
        self.at += 1;
        Token::Field(self.take_while(is_field_byte).into())
    }

    fn word(&mut self) -> Result<Token, SyntaxError> {
        let rest = &self.text[self.at..];
        let longest = WORDS
            .iter()
            .filter(|(word, _)| rest.starts_with(word))
            .max_by_key(|(word, _)| word.len());
        let Some((word, token)) = longest else {
            self.take_while(is_word_byte);
            return Err(self.error_here());
        };
        self.at += word.len();
        Ok(token.clone())
    }
}

fn is_field_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || SIGNS.contains(&byte)
}

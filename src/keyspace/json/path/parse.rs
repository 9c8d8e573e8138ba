//! Reading paths: by hand, byte by byte, with the position of the first thing that is wrong.

use super::pattern::Pattern;
use super::{Comparison, Filter, JsonPath, Operand, PathError, Segment, Selector};
use crate::keyspace::json::Json;
use std::borrow::Cow;

/// Filters and parentheses within each other, at most.
const NESTED_MAX: usize = 32;

/// Compiles a path of either form.
pub(super) fn parse(text: &str) -> Result<JsonPath, PathError> {
    let (text, is_legacy) = with_root(text);
    let mut parser = Parser {
        text: &text,
        at: 1,
        nested: 0,
    };
    let segments = parser.segments()?;
    parser.skip_blanks();
    match parser.peek() {
        Some(_) => Err(parser.expected(STEP)),
        None => Ok(JsonPath {
            segments,
            is_legacy,
        }),
    }
}

const STEP: &str = "'.', '..' or '['";
const NAME: &str = "a name, '*' or '['";
const SELECTOR: &str = "a number, a string, a slice, '*' or '?'";
const OPERAND: &str = "'@', '$', a number, a string, true, false or null";

/// The path as one that begins with `$`, and whether it did not: older clients leave the `$` out.
fn with_root(text: &str) -> (Cow<'_, str>, bool) {
    match text.as_bytes() {
        [b'$'] | [b'$', b'.' | b'[', ..] => (text.into(), false),
        [b'.'] => ("$".into(), true),
        [b'.', ..] => (format!("${text}").into(), true),
        _ => (format!("$.{text}").into(), true),
    }
}

/// What makes an operand of its argument.
type Function = fn(Box<Operand>) -> Operand;

/// Functions of one argument (RFC 9535, 2.4).
const FUNCTIONS: [(&str, Function); 3] = [
    ("length(", Operand::Length),
    ("count(", Operand::Count),
    ("value(", Operand::Value),
];

struct Parser<'t> {
    text: &'t str,
    at: usize,
    nested: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes `word` if it comes next, behind blanks.
    fn take(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let comes = self.rest().starts_with(word);
        self.at += if comes { word.len() } else { 0 };
        comes
    }

    fn expect(&mut self, word: &'static str) -> Result<(), PathError> {
        match self.take(word) {
            true => Ok(()),
            false => Err(self.expected(word)),
        }
    }

    fn expected(&self, expected: &'static str) -> PathError {
        PathError {
            at: self.at,
            expected,
        }
    }

    fn nest(&mut self) -> Result<(), PathError> {
        self.nested += 1;
        match self.nested > NESTED_MAX {
            true => Err(self.expected("fewer filters within each other")),
            false => Ok(()),
        }
    }

    /// All steps from here on; stops at what is none.
    fn segments(&mut self) -> Result<Vec<Segment>, PathError> {
        let mut segments = Vec::new();
        loop {
            let start = self.at;
            let descends = self.take("..");
            let has_dot = descends || self.take(".");
            self.skip_blanks();
            let selectors = match self.peek() {
                Some(b'[') => self.bracket()?,
                Some(b'*') if has_dot || segments.is_empty() => {
                    self.at += 1;
                    vec![Selector::All]
                }
                Some(byte) if is_name_byte(byte) && (has_dot || segments.is_empty()) => {
                    vec![Selector::Name(self.bare_name().into())]
                }
                _ if has_dot => return Err(self.expected(NAME)),
                _ => {
                    self.at = start;
                    return Ok(segments);
                }
            };
            segments.push(Segment {
                descends,
                selectors,
            });
        }
    }

    fn bare_name(&mut self) -> &'t str {
        let rest = self.rest();
        let len = rest.bytes().take_while(|byte| is_name_byte(*byte)).count();
        self.at += len;
        &rest[..len]
    }

    /// `[selector, ...]`
    fn bracket(&mut self) -> Result<Vec<Selector>, PathError> {
        self.expect("[")?;
        let mut selectors = Vec::new();
        loop {
            selectors.push(self.selector()?);
            if !self.take(",") {
                break;
            }
        }
        self.expect("]")?;
        Ok(selectors)
    }

    fn selector(&mut self) -> Result<Selector, PathError> {
        if self.take("*") {
            return Ok(Selector::All);
        }
        if self.take("?") {
            return Ok(Selector::Where(Box::new(self.filter()?)));
        }
        match self.peek() {
            Some(b'"' | b'\'') => Ok(Selector::Name(self.string()?.into())),
            Some(b'-' | b':' | b'0'..=b'9') => self.index_or_slice(),
            _ => Err(self.expected(SELECTOR)),
        }
    }

    fn index_or_slice(&mut self) -> Result<Selector, PathError> {
        let start = self.optional_integer()?;
        if !self.take(":") {
            return start.map(Selector::At).ok_or(self.expected(SELECTOR));
        }
        let end = self.optional_integer()?;
        let step = match self.take(":") {
            true => self.optional_integer()?,
            false => None,
        };
        let step = step.unwrap_or(1);
        Ok(Selector::Slice { start, end, step })
    }

    fn optional_integer(&mut self) -> Result<Option<i64>, PathError> {
        self.skip_blanks();
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => self.integer().map(Some),
            _ => Ok(None),
        }
    }

    /// Without leading zeros.
    fn integer(&mut self) -> Result<i64, PathError> {
        let sign = usize::from(self.peek() == Some(b'-'));
        let digits = self.rest()[sign..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        let has_leading_zero = digits > 1 && self.rest().as_bytes()[sign] == b'0';
        let number = self.rest()[..sign + digits].parse();
        match number {
            Ok(number) if !has_leading_zero => {
                self.at += sign + digits;
                Ok(number)
            }
            _ => Err(self.expected("a number")),
        }
    }

    /// Alternatives, `||` between them.
    fn filter(&mut self) -> Result<Filter, PathError> {
        self.nest()?;
        let mut any = vec![self.conjunction()?];
        while self.take("||") {
            any.push(self.conjunction()?);
        }
        self.nested -= 1;
        Ok(match any.len() {
            1 => any.remove(0),
            _ => Filter::Any(any),
        })
    }

    fn conjunction(&mut self) -> Result<Filter, PathError> {
        let mut every = vec![self.condition()?];
        while self.take("&&") {
            every.push(self.condition()?);
        }
        Ok(match every.len() {
            1 => every.remove(0),
            _ => Filter::Every(every),
        })
    }

    fn condition(&mut self) -> Result<Filter, PathError> {
        if self.take("!") {
            self.nest()?;
            let inner = self.condition()?;
            self.nested -= 1;
            return Ok(Filter::Not(Box::new(inner)));
        }
        if self.take("(") {
            let inner = self.filter()?;
            self.expect(")")?;
            return Ok(inner);
        }
        for (name, is_whole) in [("match(", true), ("search(", false)] {
            if self.take(name) {
                let text = self.operand()?;
                self.expect(",")?;
                let pattern = pattern(self.operand()?);
                self.expect(")")?;
                return Ok(Filter::Matches(text, pattern, is_whole));
            }
        }
        let left = self.operand()?;
        if self.take("=~") {
            return Ok(Filter::Matches(left, pattern(self.operand()?), false));
        }
        match self.comparison() {
            Some(comparison) => Ok(Filter::Compare(left, comparison, self.operand()?)),
            None => Ok(Filter::Exists(left)),
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        /// Longer ones first.
        const ALL: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let found = ALL.iter().find(|(word, _)| self.take(word));
        found.map(|(_, comparison)| *comparison)
    }

    fn operand(&mut self) -> Result<Operand, PathError> {
        if self.take("@") {
            return self.query().map(Operand::Here);
        }
        if self.take("$") {
            return self.query().map(Operand::Root);
        }
        for (name, function) in FUNCTIONS {
            if self.take(name) {
                self.nest()?;
                let argument = self.operand()?;
                self.nested -= 1;
                self.expect(")")?;
                return Ok(function(Box::new(argument)));
            }
        }
        let constant = match self.peek() {
            Some(b'"' | b'\'') => Json::Text(self.string()?.into()),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ if self.take("true") => Json::Bool(true),
            _ if self.take("false") => Json::Bool(false),
            _ if self.take("null") => Json::Null,
            _ => return Err(self.expected(OPERAND)),
        };
        Ok(Operand::Constant(constant))
    }

    fn query(&mut self) -> Result<JsonPath, PathError> {
        Ok(JsonPath {
            segments: self.segments()?,
            is_legacy: false,
        })
    }

    /// A number as in JSON.
    fn number(&mut self) -> Result<Json, PathError> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
        let len = self.rest().bytes().take_while(is_part).count();
        let number = Json::parse(&self.rest()[..len]);
        let number = number.map_err(|_| self.expected("a number"))?;
        self.at += len;
        Ok(number)
    }

    /// In either kind of quotes, with the escapes of JSON and of its own quote.
    fn string(&mut self) -> Result<String, PathError> {
        let quote = self.peek().unwrap_or(b'"');
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(['\\', char::from(quote)]);
            let Some(plain) = plain else {
                self.at = self.text.len();
                return Err(self.expected("the end of a string"));
            };
            string.push_str(&rest[..plain]);
            self.at += plain + 1;
            if rest.as_bytes()[plain] == quote {
                return Ok(string);
            }
            string.push(self.escaped()?);
        }
    }

    /// What stands behind a backslash.
    fn escaped(&mut self) -> Result<char, PathError> {
        let c = match self.peek() {
            Some(byte @ (b'"' | b'\'' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.expected("an escape")),
        };
        self.at += 1;
        Ok(c)
    }

    /// `uXXXX`, or two of them with a backslash between for a character beyond the first plane.
    fn unicode(&mut self) -> Result<char, PathError> {
        let high = self.code_unit()?;
        if let Some(c) = char::from_u32(high) {
            return Ok(c);
        }
        let is_pair =
            (0xd800..0xdc00).contains(&high) && self.take("\\") && self.peek() == Some(b'u');
        let low = if is_pair { self.code_unit()? } else { 0 };
        match low {
            0xdc00..0xe000 => {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                char::from_u32(code).ok_or(self.expected("a character"))
            }
            _ => Err(self.expected("the second half of a character")),
        }
    }

    fn code_unit(&mut self) -> Result<u32, PathError> {
        let digits = self.rest().get(1..5);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or(self.expected("four hexadecimal digits"))?;
        self.at += 5;
        Ok(unit)
    }
}

/// A constant is compiled once.
fn pattern(operand: Operand) -> Operand {
    match operand {
        Operand::Constant(Json::Text(text)) => Operand::Pattern(Pattern::parse(&text)),
        other => other,
    }
}

/// What a name may be made of where it stands without quotes.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"-_`~+#%$^/:".contains(&byte)
}

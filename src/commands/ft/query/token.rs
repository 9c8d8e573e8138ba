//! The words and signs of a query. Of all patterns that match at a place the longest is taken, the earlier one of two that are
//! equally long: so `5` is a count, `5.` a number, `5a` a word and `5a*` a prefix.
//!
//! Every token remembers what a syntax error there would quote. Signs have no text of their own: RediSearch quotes the last
//! word before them, and so do we.

use crate::keyspace::documents::text::escape::is_escapable;
use winnow::ascii::Caseless;
use winnow::combinator::{alt, delimited, opt, preceded, repeat};
use winnow::error::{ContextError, ErrMode};
use winnow::prelude::*;
use winnow::token::{any, literal, none_of, one_of, take_while};

type Matched<'q> = Result<&'q [u8], ErrMode<ContextError>>;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Digits alone.
    Size(f64),
    /// Any other number, `inf` among them.
    Number(f64),
    /// `@field`.
    Modifier,
    /// `$name`, and the sign before it in a comparison.
    Attribute {
        /// `-$name`.
        is_negative: bool,
    },
    /// `==` and its like between a field and a number.
    Compare(Comparison),
    /// `=>`.
    Arrow,
    /// The word `as`.
    As,
    /// The word `ismissing`.
    IsMissing,
    /// A word.
    Term,
    /// What stands between quotes.
    Exact,
    /// `word*`, `*word` or `*word*`; the text is what is inside.
    Affix {
        /// Anything may follow.
        is_prefix: bool,
        /// Anything may precede.
        is_suffix: bool,
        /// The text is a parameter's name.
        is_parameter: bool,
    },
    /// `w'pattern'`.
    Wildcard {
        /// The text is a parameter's name.
        is_parameter: bool,
    },
    /// One of `"|(){}:;-~*%[]`.
    Sign(u8),
    /// The end.
    End,
}

/// A comparison between a field and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

const COMPARISONS: [(&[u8], Comparison); 6] = [
    (b"==", Comparison::Equal),
    (b"!=", Comparison::NotEqual),
    (b">=", Comparison::AtLeast),
    (b"<=", Comparison::AtMost),
    (b">", Comparison::Above),
    (b"<", Comparison::Below),
];

/// One word or sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token<'q> {
    /// What it is.
    pub kind: Kind,
    /// Where it begins, in bytes.
    pub offset: usize,
    /// Its text, without the signs that make it what it is; of a sign, the text before it.
    pub text: &'q [u8],
}

/// Cuts a query into tokens, one at a time. A copy goes its own way.
#[derive(Clone, Copy)]
pub(super) struct Tokens<'q> {
    query: &'q [u8],
    /// Whether it is of dialect 1, which knows fewer tokens.
    is_older: bool,
    next: usize,
    /// What an error at the end quotes.
    last: Token<'q>,
    /// The operator and the number of a comparison that was just begun.
    pending: [Option<Token<'q>>; 2],
}

impl<'q> Tokens<'q> {
    pub(super) fn new(query: &'q [u8], dialect: u8) -> Tokens<'q> {
        // RediSearch's query is a C string.
        let end = query.iter().position(|&byte| byte == 0);
        Tokens {
            query: &query[..end.unwrap_or(query.len())],
            is_older: dialect == 1,
            next: 0,
            last: Token {
                kind: Kind::End,
                offset: 0,
                text: b"",
            },
            pending: [None, None],
        }
    }

    /// The next token; [`Kind::End`] for ever after the last.
    pub(super) fn next(&mut self) -> Token<'q> {
        if let Some(token) = self.pending[0].take() {
            self.pending.swap(0, 1);
            return token;
        }
        while let Some(rest) = self.query.get(self.next..).filter(|rest| !rest.is_empty()) {
            let found = match self.is_older {
                true => longest_of_older(rest),
                false => longest(rest),
            };
            let Some((length, kind)) = found else {
                self.next += 1;
                continue;
            };
            let offset = self.next;
            self.next += length;
            if let Found::Comparison(comparison) = kind {
                return self.begin_comparison(offset, &rest[..length], comparison);
            }
            let Found::Token(kind) = kind else { continue };
            return self.note(kind, offset, length);
        }
        Token {
            kind: Kind::End,
            ..self.last
        }
    }

    /// Makes the token and remembers what is quoted from here on.
    fn note(&mut self, kind: Kind, offset: usize, length: usize) -> Token<'q> {
        let all = &self.query[offset..offset + length];
        let (offset, text) = match kind {
            Kind::Sign(_) => (offset, self.last.text),
            // As RediSearch quotes it: one byte late.
            Kind::Arrow => (offset, self.quote(offset + 1, length)),
            Kind::Modifier | Kind::Attribute { .. } => (offset, &all[1..]),
            // `""` is the empty word.
            Kind::Term if all[0] == all[length - 1] && matches!(all[0], b'"' | b'\'') => {
                (offset, &all[..0])
            }
            Kind::Exact => (offset, &all[1..length - 1]),
            Kind::Affix {
                is_prefix,
                is_suffix,
                is_parameter,
            } => {
                let inside = &all[usize::from(is_suffix)..length - usize::from(is_prefix)];
                let inside = match inside[0] {
                    b'"' | b'\'' => &inside[1..inside.len() - 1],
                    _ => &inside[usize::from(is_parameter)..],
                };
                (offset, inside)
            }
            Kind::Wildcard { is_parameter } => {
                (offset + 2, &all[2 + usize::from(is_parameter)..length - 1])
            }
            _ => (offset, all),
        };
        self.last = Token { kind, offset, text };
        self.last
    }

    fn quote(&self, from: usize, length: usize) -> &'q [u8] {
        let end = (from + length).min(self.query.len());
        &self.query[from.min(end)..end]
    }

    /// `@field op number` is three tokens at one offset, and an error at the end does not quote them.
    fn begin_comparison(
        &mut self,
        offset: usize,
        all: &'q [u8],
        comparison: Compared,
    ) -> Token<'q> {
        let token = |kind, text| Token { kind, offset, text };
        let operand = &all[comparison.operand..];
        let operand = match operand {
            [b'$', name @ ..] | [b'+', b'$', name @ ..] => {
                token(Kind::Attribute { is_negative: false }, name)
            }
            [b'-', b'$', name @ ..] => token(Kind::Attribute { is_negative: true }, name),
            number => token(Kind::Number(value_of(number)), number),
        };
        let operator = token(
            Kind::Compare(comparison.operator),
            &all[comparison.name..comparison.operand],
        );
        self.pending = [Some(operator), Some(operand)];
        token(Kind::Modifier, &all[1..comparison.name])
    }
}

/// What a pattern found.
enum Found {
    Token(Kind),
    Comparison(Compared),
}

/// The parts of `@field op number`.
struct Compared {
    operator: Comparison,
    /// Where the field's name ends.
    name: usize,
    /// Where the number or parameter begins.
    operand: usize,
}

/// The longest token at the beginning of `input`, the first of equals; none if its first byte means nothing. What cannot begin with
/// that byte is not tried: most queries are short, and most patterns fail.
fn longest(input: &[u8]) -> Option<(usize, Found)> {
    let mut best: Option<(usize, Found)> = None;
    let mut offer = |length: Option<usize>, found: Found| {
        if let Some(length) = length
            && best.as_ref().is_none_or(|(most, _)| length > *most)
        {
            best = Some((length, found));
        }
    };
    let kind = |kind| Found::Token(kind);
    let first = *input.first()?;
    if begins_number(first) {
        offer(length_of(digits, input), kind(Kind::Size(0.0)));
        offer(length_of(number, input), kind(Kind::Number(0.0)));
    }
    if first == b'@' {
        offer(length_of(modifier, input), kind(Kind::Modifier));
        if let Some((length, compared)) = comparison(input) {
            offer(Some(length), Found::Comparison(compared));
        }
    }
    if first == b'$' {
        let attribute_kind = Kind::Attribute { is_negative: false };
        offer(length_of(attribute, input), kind(attribute_kind));
    }
    offer(input.starts_with(b"=>").then_some(2), kind(Kind::Arrow));
    offer(keyword(input, b"as"), kind(Kind::As));
    if matches!(first, b'+' | b'-' | b'i' | b'I') {
        offer(length_of(infinity, input), kind(Kind::Number(0.0)));
    }
    let is_empty_quotes = input.starts_with(b"\"\"") || input.starts_with(b"''");
    offer(is_empty_quotes.then_some(2), kind(Kind::Term));
    let is_sign = b"\"|(){}:;-~*%[]".contains(&first);
    offer(is_sign.then_some(1), kind(Kind::Sign(first)));
    offer(keyword(input, b"ismissing"), kind(Kind::IsMissing));
    let word = word(input);
    offer(word, kind(Kind::Term));
    offer(exact(input), kind(Kind::Exact));
    for (length, affix) in affixes(input, word).into_iter().flatten() {
        offer(Some(length), kind(affix));
    }
    if first == b'w'
        && let Some(length) = length_of(wildcard, input)
    {
        let is_parameter = input[2] == b'$';
        offer(Some(length), kind(Kind::Wildcard { is_parameter }));
    }
    let (length, found) = best?;
    let found = match found {
        Found::Token(Kind::Size(_)) => kind(Kind::Size(value_of(&input[..length]))),
        Found::Token(Kind::Number(_)) => kind(Kind::Number(value_of(&input[..length]))),
        found => found,
    };
    Some((length, found))
}

fn begins_number(first: u8) -> bool {
    first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')
}

/// The length of a word.
fn word(input: &[u8]) -> Option<usize> {
    let begins = |first: &u8| is_plain(*first) || *first == b'\\';
    input.first().filter(|first| begins(first))?;
    length_of(term, input)
}

/// As [`longest`], of dialect 1: there are neither quoted texts nor patterns, comparisons and words with a meaning, and a number
/// has no plus.
fn longest_of_older(input: &[u8]) -> Option<(usize, Found)> {
    let first = *input.first()?;
    let is_sign = b"\"|(){}:;-~*%[]".contains(&first);
    let affix = |length: Option<usize>, is_prefix, is_suffix| {
        let signs = usize::from(is_prefix) + usize::from(is_suffix);
        let kind = Kind::Affix {
            is_prefix,
            is_suffix,
            is_parameter: false,
        };
        (length.map(|length| length + signs), kind)
    };
    let is_suffix = first == b'*';
    let inside = &input[usize::from(is_suffix)..];
    let body = length_of(older_number, inside).max(length_of(term, inside));
    let is_prefix = |length: &usize| inside.get(*length) == Some(&b'*');
    let attribute_kind = Kind::Attribute { is_negative: false };
    let offers = [
        (length_of(older_number, input), Kind::Number(0.0)),
        (length_of(modifier, input), Kind::Modifier),
        (length_of(attribute, input), attribute_kind),
        (input.starts_with(b"=>").then_some(2), Kind::Arrow),
        (length_of(older_infinity, input), Kind::Number(0.0)),
        (is_sign.then_some(1), Kind::Sign(first)),
        (length_of(term, input), Kind::Term),
        affix(body.filter(is_prefix), true, is_suffix),
        affix(body.filter(|_| is_suffix), false, true),
    ];
    let mut best: Option<(usize, Kind)> = None;
    for (length, kind) in offers {
        if let Some(length) = length
            && best.is_none_or(|(most, _)| length > most)
        {
            best = Some((length, kind));
        }
    }
    let (length, kind) = best?;
    let kind = match kind {
        Kind::Number(_) => Kind::Number(value_of(&input[..length])),
        kind => kind,
    };
    Some((length, Found::Token(kind)))
}

/// The value of a number that the patterns took.
fn value_of(text: &[u8]) -> f64 {
    let unsigned = text.strip_prefix(b"+").unwrap_or(text);
    fast_float2::parse(unsigned).unwrap_or(0.0)
}

fn length_of<'q>(pattern: impl Fn(&mut &'q [u8]) -> Matched<'q>, input: &'q [u8]) -> Option<usize> {
    pattern(&mut { input }).ok().map(<[u8]>::len)
}

fn keyword(input: &[u8], word: &[u8]) -> Option<usize> {
    let head = input.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then_some(word.len())
}

/// Whether C's `isspace` takes it.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn is_plain(byte: u8) -> bool {
    byte == b'_' || !(byte.is_ascii_punctuation() || byte.is_ascii_control() || byte == b' ')
}

fn digits<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    take_while(1.., |byte: u8| byte.is_ascii_digit()).parse_next(input)
}

fn sign<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    opt(one_of(b"+-")).take().parse_next(input)
}

/// `1`, `1.`, `1.5` and `.5`, with a sign before and an exponent after.
fn number<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    let mantissa = alt((
        (digits, opt(('.', opt(digits)))).take(),
        ('.', digits).take(),
    ));
    let exponent = opt((one_of(b"eE"), sign, digits));
    (sign, mantissa, exponent).take().parse_next(input)
}

/// `1`, `1.5` and `-1e-5`.
fn older_number<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    let minus = || opt('-');
    let exponent = opt((one_of(b"eE"), minus(), digits));
    (minus(), digits, opt(('.', digits)), exponent)
        .take()
        .parse_next(input)
}

fn older_infinity<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    (sign, "inf").take().parse_next(input)
}

fn infinity<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    (sign, literal(Caseless("inf"))).take().parse_next(input)
}

fn term<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    let escaped = ('\\', one_of(is_escapable)).take();
    repeat::<_, _, (), _, _>(1.., alt((take_while(1.., is_plain), escaped)))
        .take()
        .parse_next(input)
}

fn modifier<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    ('@', term).take().parse_next(input)
}

fn attribute<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    ('$', term).take().parse_next(input)
}

fn signed_attribute<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    (sign, attribute).take().parse_next(input)
}

fn wildcard<'q>(input: &mut &'q [u8]) -> Matched<'q> {
    let quoted = |quote: u8| {
        let one = alt((none_of([quote, b'\\']).void(), ('\\', any).void()));
        delimited(quote, repeat::<_, _, (), _, _>(1.., one), quote)
    };
    preceded('w', alt((quoted(b'"'), quoted(b'\''))))
        .take()
        .parse_next(input)
}

/// The length of a quoted text: to the first quote that no backslash precedes, else to the last one.
fn exact(input: &[u8]) -> Option<usize> {
    let &quote = input
        .first()
        .filter(|first| matches!(first, b'"' | b'\''))?;
    let mut length = None;
    for (place, &byte) in input.iter().enumerate().skip(1) {
        if byte == quote && place == 1 {
            return None;
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

/// `body*`, `*body` and `*body*`, where a body is a word, a number, a parameter or a quoted text; `at_start` is the word that `input`
/// begins with.
fn affixes(input: &[u8], at_start: Option<usize>) -> [Option<(usize, Kind)>; 8] {
    let is_suffix = input[0] == b'*';
    let inside = &input[usize::from(is_suffix)..];
    let first = inside.first().copied().unwrap_or_default();
    let is_parameter = first == b'$';
    let bodies = [
        if is_suffix { word(inside) } else { at_start },
        begins_number(first)
            .then(|| length_of(number, inside))
            .flatten(),
        is_parameter.then(|| length_of(attribute, inside)).flatten(),
        exact(inside),
    ];
    let affix = |length: usize, is_prefix| {
        let kind = Kind::Affix {
            is_prefix,
            is_suffix,
            is_parameter,
        };
        (
            length + usize::from(is_suffix) + usize::from(is_prefix),
            kind,
        )
    };
    let mut found = [None; 8];
    for (place, length) in bodies.into_iter().flatten().enumerate() {
        found[place] = (inside.get(length) == Some(&b'*')).then(|| affix(length, true));
        found[place + 4] = is_suffix.then(|| affix(length, false));
    }
    found
}

/// `@field op number`, with blanks around the operator.
fn comparison(input: &[u8]) -> Option<(usize, Compared)> {
    let skip = |from: usize| {
        let rest = input.get(from..).unwrap_or_default();
        from + rest.iter().take_while(|&&byte| is_space(byte)).count()
    };
    let name = length_of(modifier, input)?;
    let begin = skip(name);
    let rest = &input[begin..];
    let known = COMPARISONS.iter().find(|(op, _)| rest.starts_with(op));
    let &(op, operator) = known?;
    let operand = skip(begin + op.len());
    let rest = &input[operand..];
    let length = [
        length_of(number, rest),
        length_of(infinity, rest),
        length_of(signed_attribute, rest),
    ];
    let length = length.into_iter().flatten().max()?;
    let compared = Compared {
        operator,
        name,
        operand,
    };
    Some((operand + length, compared))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [`longest`] leaves patterns out by the first byte: these never match there.
    #[test]
    fn what_is_not_tried_would_not_match() {
        let tails: [&[u8]; 12] = [
            b"", b"1", b".5", b"inf", b"INF", b"a", b"\\-", b"$p", b"'x'", b"\"x\"", b"\x80",
            b"1e5*",
        ];
        for first in 0..=u8::MAX {
            for tail in tails {
                let input = &[&[first], tail].concat()[..];
                let tried = [
                    (begins_number(first), length_of(digits, input)),
                    (begins_number(first), length_of(number, input)),
                    (first == b'$', length_of(attribute, input)),
                    (
                        matches!(first, b'+' | b'-' | b'i' | b'I'),
                        length_of(infinity, input),
                    ),
                    (word(input).is_some(), length_of(term, input)),
                    (first == b'w', length_of(wildcard, input)),
                ];
                for (place, (is_tried, length)) in tried.into_iter().enumerate() {
                    assert!(is_tried || length.is_none(), "pattern {place} of {input:?}");
                }
            }
        }
    }
}

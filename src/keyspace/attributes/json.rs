//! A sloppy reader of JSON text: it finds top-level fields of a JSON object and reads no further than it must. Text that
//! it skips is not validated; keys are compared as written, escapes and all.

use super::Value;
use super::number::{self, TEXT_BYTES_MAX};
use smallvec::SmallVec;
use std::borrow::Cow;

/// The values of `fields` in `attributes`, in their order; the first key of a name counts. None as soon as one is missing,
/// is an object, or can not be read. Reading stops at the last field that was found: what follows is not looked at.
pub fn fetch<'a>(
    attributes: &'a [u8],
    fields: &[impl AsRef<[u8]>],
) -> Option<SmallVec<[Value<'a>; 4]>> {
    let mut values: SmallVec<[Option<Value>; 4]> = smallvec::smallvec![None; fields.len()];
    let mut missing = fields.len();
    let mut reader = Reader {
        text: attributes,
        at: 0,
    };
    if missing > 0 {
        reader.expect(b'{')?;
    }
    while missing > 0 {
        let key = reader.string()?;
        reader.expect(b':')?;
        reader.skip_blanks();
        match fields
            .iter()
            .map(AsRef::as_ref)
            .position(|field| !field.is_empty() && *field == *key)
        {
            Some(place) if values[place].is_none() => {
                values[place] = Some(reader.value()?);
                missing -= 1;
            }
            _ => reader.skip_value()?,
        }
        if missing > 0 {
            reader.expect(b',')?;
        }
    }
    values.into_iter().collect()
}

/// The value of one field; see [`fetch`], which finds several at once and each of them as this does.
pub fn field<'a>(attributes: &'a [u8], field: &[u8]) -> Option<Value<'a>> {
    fetch(attributes, &[field])?.pop()
}

/// The members of an array that [`fetch`] returned.
pub fn members(array: &[u8]) -> impl Iterator<Item = Value<'_>> {
    let mut reader = Reader { text: array, at: 1 };
    std::iter::from_fn(move || {
        reader.skip_blanks();
        if reader.peek()? == b',' {
            reader.at += 1;
            reader.skip_blanks();
        }
        reader.value()
    })
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(number::is_blank) {
            self.at += 1;
        }
    }

    /// Takes `byte` after blanks.
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// A string after blanks: the bytes between its quotes, as written.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(&self.text[start..self.at - 1])
    }

    /// A value that an expression can work with; no object.
    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'"' => self.string().map(|raw| Value::Text(unescape(raw))),
            b'[' => self.array().map(Value::Array),
            b't' => self.word(b"true").map(|()| Value::Number(1.0)),
            b'f' => self.word(b"false").map(|()| Value::Number(0.0)),
            b'n' => self.word(b"null").map(|()| Value::Null),
            b'0'..=b'9' | b'+' | b'-' => self.number().map(Value::Number),
            _ => None,
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        (self.take_while(|byte| byte.is_ascii_alphabetic()) == word).then_some(())
    }

    fn number(&mut self) -> Option<f64> {
        let text = self.take_while(is_number_byte);
        if text.len() > TEXT_BYTES_MAX {
            None
        } else {
            number::read(text)
        }
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| belongs(**byte)).count();
        self.at += length;
        &rest[..length]
    }

    /// The text of an array whose members, and those of arrays in it, are all readable. Counts its brackets, so that depth
    /// costs nothing.
    fn array(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            // A value is due, or the end of an array that has none yet.
            self.skip_blanks();
            if self.peek()? == b'[' {
                self.at += 1;
                depth += 1;
                self.skip_blanks();
                if self.peek()? != b']' {
                    continue;
                }
            } else {
                self.value()?;
            }
            // A value has ended, or its array is empty: arrays close until a comma asks for the next value.
            loop {
                self.skip_blanks();
                let byte = self.peek()?;
                self.at += 1;
                match byte {
                    b']' if depth == 1 => return Some(&self.text[start..self.at]),
                    b']' => depth -= 1,
                    b',' => break,
                    _ => return None,
                }
            }
        }
    }

    fn skip_value(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.skip_nested(b'{', b'}'),
            b'[' => self.skip_nested(b'[', b']'),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            byte if is_number_byte(byte) => {
                self.take_while(is_number_byte);
                Some(())
            }
            _ => None,
        }
    }

    /// Passes over everything up to the bracket that closes this one; only strings are understood on the way.
    fn skip_nested(&mut self, open: u8, close: u8) -> Option<()> {
        let mut depth = 0usize;
        loop {
            let byte = self.peek()?;
            if byte == b'"' {
                self.string()?;
                continue;
            }
            self.at += 1;
            if byte == open {
                depth += 1;
            } else if byte == close {
                depth -= 1;
                if depth == 0 {
                    return Some(());
                }
            }
        }
    }
}

fn is_number_byte(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E')
}

/// `\n`, `\r` and `\t` become what they say; any other escaped byte stands for itself.
fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter();
    while let Some(&byte) = bytes.next() {
        let escaped = if byte == b'\\' { bytes.next() } else { None };
        text.push(match escaped {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(&other) => other,
            None => byte,
        });
    }
    Cow::Owned(text)
}

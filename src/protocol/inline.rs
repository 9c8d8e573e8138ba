//! Words with quotes: the syntax that inline commands and configuration files share, read and written.
//!
//! White space parts words. `"..."` knows `\n \r \t \b \a \xHH`, and a backslash before any other byte gives that byte;
//! `'...'` knows `\'` only. A closing quote must be followed by white space or the end.

use std::iter::Peekable;
use std::slice::Iter;

/// A quote that is not closed, or whose end is glued to the next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbalanced;

/// Splits a line into its words, without their quotes. Any bytes may come; an empty list for a blank line.
pub fn split_arguments(line: &[u8]) -> Result<Vec<Vec<u8>>, Unbalanced> {
    let mut words = Vec::new();
    let mut rest = line.iter().peekable();
    loop {
        while rest.next_if(|&&byte| is_space(byte)).is_some() {}
        if rest.peek().is_none() {
            return Ok(words);
        }
        words.push(word(&mut rest)?);
    }
}

/// A word in double quotes that [`split_arguments`] reads back as it was; everything but printable ASCII is escaped.
/// MONITOR and SLOWLOG print arguments like this, CONFIG REWRITE writes values so.
pub fn quote(word: &[u8]) -> String {
    let mut quoted = String::with_capacity(word.len() + 2);
    quoted.push('"');
    for &byte in word {
        match byte {
            b'\\' | b'"' => quoted.extend(['\\', char::from(byte)]),
            b'\n' => quoted.push_str("\\n"),
            b'\r' => quoted.push_str("\\r"),
            b'\t' => quoted.push_str("\\t"),
            0x07 => quoted.push_str("\\a"),
            0x08 => quoted.push_str("\\b"),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

/// One word from its first byte on; a quote may also open in its middle (`a"b c"` is `ab c`).
fn word(rest: &mut Peekable<Iter<'_, u8>>) -> Result<Vec<u8>, Unbalanced> {
    let mut word = Vec::new();
    while let Some(&byte) = rest.next() {
        match byte {
            b'"' => {
                double_quoted(rest, &mut word)?;
                return end_of_quote(rest).map(|()| word);
            }
            b'\'' => {
                single_quoted(rest, &mut word)?;
                return end_of_quote(rest).map(|()| word);
            }
            // Vertical tab and form feed part words only at their start; Redis has it so.
            b' ' | b'\n' | b'\r' | b'\t' => break,
            _ => word.push(byte),
        }
    }
    Ok(word)
}

fn double_quoted(rest: &mut Peekable<Iter<'_, u8>>, word: &mut Vec<u8>) -> Result<(), Unbalanced> {
    loop {
        match rest.next().ok_or(Unbalanced)? {
            b'"' => return Ok(()),
            b'\\' => word.push(escaped(rest)?),
            &byte => word.push(byte),
        }
    }
}

/// The byte that stands behind a backslash in double quotes.
fn escaped(rest: &mut Peekable<Iter<'_, u8>>) -> Result<u8, Unbalanced> {
    if let Some(byte) = hex_escape(&rest.clone()) {
        rest.nth(2); // x and both digits
        return Ok(byte);
    }
    Ok(match rest.next().ok_or(Unbalanced)? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        &other => other,
    })
}

/// `xHH` at the head of `rest`.
fn hex_escape(rest: &Peekable<Iter<'_, u8>>) -> Option<u8> {
    let mut ahead = rest.clone();
    ahead.next_if(|&&byte| byte == b'x')?;
    let mut digit = || char::from(*ahead.next()?).to_digit(16);
    let (high, low) = (digit()?, digit()?);
    u8::try_from(high * 16 + low).ok()
}

fn single_quoted(rest: &mut Peekable<Iter<'_, u8>>, word: &mut Vec<u8>) -> Result<(), Unbalanced> {
    loop {
        match rest.next().ok_or(Unbalanced)? {
            b'\'' => return Ok(()),
            b'\\' if rest.next_if(|&&byte| byte == b'\'').is_some() => word.push(b'\''),
            &byte => word.push(byte),
        }
    }
}

fn end_of_quote(rest: &mut Peekable<Iter<'_, u8>>) -> Result<(), Unbalanced> {
    match rest.peek() {
        Some(&&byte) if !is_space(byte) => Err(Unbalanced),
        _ => Ok(()),
    }
}

/// White space as C's `isspace` has it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, words: &[&str]) {
        let expected: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        assert_eq!(split_arguments(line.as_bytes()), Ok(expected), "{line}");
    }

    #[test]
    fn words_are_parted_by_white_space_and_held_by_quotes() {
        check("", &[]);
        check(" \t\r\n", &[]);
        check("PING\r", &["PING"]);
        check("  SET  key\tvalue ", &["SET", "key", "value"]);
        check(
            r#"SET "two words" 'and more'"#,
            &["SET", "two words", "and more"],
        );
        check(r#"a"b c" ''"#, &["ab c", ""]);
        check(
            r#""\n\r\t\b\a\x41\x4g\\\"\q""#,
            &["\n\r\t\u{8}\u{7}Ax4g\\\"q"],
        );
        check(r#"'it\'s \n "raw"'"#, &[r#"it's \n "raw""#]);
        check(r"back\slash", &[r"back\slash"]);
    }

    #[test]
    fn an_open_or_glued_quote_is_refused() {
        for line in [
            r#""open"#,
            "'open",
            r#""a"b"#,
            "'a'b",
            r#"x "y"#,
            r#""\"#,
            r#""\""#,
            "'\\'",
            r#""a"'b'"#,
        ] {
            assert_eq!(split_arguments(line.as_bytes()), Err(Unbalanced), "{line}");
        }
    }

    #[test]
    fn quoting_is_read_back_as_it_was() {
        assert_eq!(
            quote(b"a\"\\\n\r\t\x07\x08\x00\xff b"),
            r#""a\"\\\n\r\t\a\b\x00\xff b""#
        );
        let every_byte: Vec<u8> = (0..=255).collect();
        assert_eq!(
            split_arguments(quote(&every_byte).as_bytes()),
            Ok(vec![every_byte])
        );
        assert_eq!(split_arguments(quote(b"").as_bytes()), Ok(vec![vec![]]));
    }
}

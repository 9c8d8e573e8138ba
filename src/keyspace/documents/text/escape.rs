//! Backslashes: before signs and blanks they make them ordinary, in queries, texts and expressions.

/// Whether a backslash before it is taken away.
pub fn is_escapable(byte: u8) -> bool {
    byte.is_ascii_punctuation() || matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Takes the backslashes before signs and blanks away.
pub fn unescape(text: &[u8]) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match (byte, rest.peek().copied()) {
            // Of two backslashes the module drops the first and looks at the second anew.
            (b'\\', Some(next)) if is_escapable(next) => {}
            _ => plain.push(byte),
        }
    }
    String::from_utf8(plain).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

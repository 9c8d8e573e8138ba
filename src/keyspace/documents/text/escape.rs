//! Backslashes: before signs and blanks they make them ordinary, in queries, texts and expressions.

/// Whether a backslash before it is taken away.
pub fn is_escapable(byte: u8) -> bool {
    byte.is_ascii_punctuation() || matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Takes the backslashes before signs and blanks away. Of two the module drops the first and looks at the second anew, so that
/// `\\\ ` is a blank.
pub fn unescape(text: &[u8]) -> String {
    without_backslashes(text, false)
}

/// As [`unescape`], of a tag that stands alone: of two backslashes the second stays, so that `\\\ ` is a backslash and a blank.
pub fn unescape_tag(text: &[u8]) -> String {
    without_backslashes(text, true)
}

fn without_backslashes(text: &[u8], keeps_what_follows: bool) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match (byte, rest.peek().copied()) {
            (b'\\', Some(next)) if is_escapable(next) => {
                if keeps_what_follows {
                    plain.extend(rest.next());
                }
            }
            _ => plain.push(byte),
        }
    }
    String::from_utf8(plain).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

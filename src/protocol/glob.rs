//! Redis' glob patterns over bytes: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` before a byte that is meant literally (KEYS,
//! SCAN MATCH, CONFIG GET, ACL keys, PSUBSCRIBE).
//!
//! Oddities kept from Redis: a class that is not closed ends with the pattern; a range may be written backwards; the
//! byte after `-` is its end even when it is `]`; a lone `\` at the end stands for itself; `[]` matches nothing.
//! Not kept: in Redis no pattern but its special case `*` matches the empty text; here `**` does too.

/// Whether letters of either case are equal (ASCII only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `a` is not `A`: keys, channels.
    Sensitive,
    /// `a` is `A`: names of options and commands.
    Insensitive,
}

impl Case {
    fn fold(self, byte: u8) -> u8 {
        match self {
            Case::Sensitive => byte,
            Case::Insensitive => byte.to_ascii_lowercase(),
        }
    }
}

/// Whether the whole `text` matches `pattern`.
///
/// At most pattern length × text length steps: after a mismatch only the last `*` takes one byte more. An earlier one
/// need not, since everything between the two was already found as far to the left as it goes.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // The pattern behind the last `*`, and the text that this star has not taken yet.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some((b'*', rest)) = pattern.split_first() {
            star = Some((rest, text));
            pattern = rest;
            continue;
        }
        let step = match (pattern.is_empty(), text.split_first()) {
            (true, None) => return true,
            (false, Some((&byte, text_rest))) => {
                match_one(pattern, byte, case).map(|pattern_rest| (pattern_rest, text_rest))
            }
            _ => None,
        };
        if let Some(rests) = step {
            (pattern, text) = rests;
            continue;
        }
        let Some((star_pattern, [_, star_text @ ..])) = star else {
            return false;
        };
        star = Some((star_pattern, star_text));
        (pattern, text) = (star_pattern, star_text);
    }
}

/// Matches one byte with the head of `pattern`, which is no `*`; the rest of the pattern when it fits.
fn match_one(pattern: &[u8], byte: u8, case: Case) -> Option<&[u8]> {
    let is_equal = |literal: u8| case.fold(literal) == case.fold(byte);
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', class @ ..] => match_class(class, byte, case),
        [b'\\', literal, rest @ ..] => is_equal(*literal).then_some(rest),
        [literal, rest @ ..] => is_equal(*literal).then_some(rest),
        [] => None,
    }
}

/// Matches one byte with a class, from behind its `[` on.
fn match_class(class: &[u8], byte: u8, case: Case) -> Option<&[u8]> {
    let byte = case.fold(byte);
    let (is_negated, mut class) = match class {
        [b'^', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut is_member = false;
    let rest = loop {
        class = match class {
            [] => break class,
            [b']', rest @ ..] => break rest,
            [b'\\', literal, rest @ ..] => {
                is_member |= case.fold(*literal) == byte;
                rest
            }
            [from, b'-', to, rest @ ..] => {
                let (from, to) = (case.fold(*from), case.fold(*to));
                is_member |= (from.min(to)..=from.max(to)).contains(&byte);
                rest
            }
            [literal, rest @ ..] => {
                is_member |= case.fold(*literal) == byte;
                rest
            }
        };
    };
    (is_member != is_negated).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        let is_match = matches(pattern.as_bytes(), text.as_bytes(), Case::Sensitive);
        assert_eq!(is_match, expected, "{pattern} on {text}");
    }

    #[test]
    fn stars_and_question_marks() {
        for text in ["", "a", "abc"] {
            check("*", text, true);
            check("**", text, true);
        }
        check("", "", true);
        check("", "a", false);
        check("h?llo", "hello", true);
        check("h?llo", "hllo", false);
        check("h*llo", "heeeello", true);
        check("h*llo", "hello!", false);
        check("*:*:end", "a:b:end:c:end", true);
        check("a*b*c", "abcbd", false);
        check("*?", "", false);
    }

    #[test]
    fn classes() {
        check("h[ae]llo", "hallo", true);
        check("h[ae]llo", "hillo", false);
        check("h[^e]llo", "hallo", true);
        check("h[^e]llo", "hello", false);
        check("[a-c]", "b", true);
        check("[c-a]", "b", true);
        check("[a-c]", "d", false);
        check("[]", "a", false);
        check("[^]", "a", true);
        check("[\\]]", "]", true);
        check("[a-]x", "_", true);
        check("[a-]x", "bx", false);
        check("[abc", "c", true);
        check("[abc", "d", false);
        check("[a-", "-", true);
        check("*[0-9]", "key7", true);
        check("*[^0-9]", "key7", false);
    }

    #[test]
    fn escapes() {
        check("a\\*", "a*", true);
        check("a\\*", "ab", false);
        check("a\\", "a\\", true);
        check("\\\\", "\\", true);
        check("\\a", "a", true);
        check("\\a", "\\", false);
        check("\\aa", "\\a", false);
    }

    #[test]
    fn case_is_ignored_only_when_asked() {
        check("MAX*", "maxmemory", false);
        assert!(matches(b"MAX*", b"maxmemory", Case::Insensitive));
        assert!(matches(b"[A-C]x", b"bX", Case::Insensitive));
        assert!(matches(b"\\Ax", b"aX", Case::Insensitive));
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "a*".repeat(1000) + "b";
        let text = "a".repeat(20_000);
        check(&pattern, &text, false);
    }
}

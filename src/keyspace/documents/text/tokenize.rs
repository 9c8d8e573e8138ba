//! How text is cut into words, in documents and between the quotes of a query.

use super::characters;
use super::language::Language;
use super::stop_words::StopWords;
use smallvec::{SmallVec, smallvec};

/// Whether a byte ends a word of a document, unless a backslash stands before it.
fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t') || (byte.is_ascii_punctuation() && !matches!(byte, b'_' | b'\\'))
}

/// The parts of a text between separators of queries, which are those of documents but `$`; escapes stay in.
pub fn split(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    cut(text, |byte| byte != b'$' && is_separator(byte))
}

/// The parts between separators that no backslash precedes, without empty ones.
fn cut(text: &[u8], is_separator: fn(u8) -> bool) -> impl Iterator<Item = &[u8]> {
    let mut is_escaped = false;
    let parts = text.split(move |&byte| {
        let is_end = !is_escaped && is_separator(byte);
        is_escaped = !is_escaped && byte == b'\\';
        is_end
    });
    parts.filter(|part| !part.is_empty())
}

/// A word of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// In lower case, without escapes.
    pub text: String,
    /// Its place among the words that are kept, from 1: stop words leave no gap.
    pub position: u32,
}

/// The words of a document's text. An empty text is one empty word, for fields that index it.
pub fn tokenize<'a>(
    text: &'a str,
    stop_words: &'a StopWords,
    language: Language,
) -> impl Iterator<Item = Token> + 'a {
    let empty = text.is_empty().then(String::new);
    let words = cut(text.as_bytes(), is_separator)
        .map(normalize)
        .flat_map(move |word| parts(word, language))
        .filter(|word| !word.is_empty() && !stop_words.contains(word));
    let numbered = empty.into_iter().chain(words).zip(1..);
    numbered.map(|(text, position)| Token { text, position })
}

/// What a word between separators is made of: itself, but for languages that have no blanks.
fn parts(word: String, language: Language) -> SmallVec<[String; 1]> {
    match language.is_cut_by_characters() {
        true => characters::parts(&word).map(str::to_owned).collect(),
        false => smallvec![word],
    }
}

/// A word without escapes, in lower case. Control characters are dropped, line ends among them, as the module does: words
/// of two lines without a blank between become one.
fn normalize(word: &[u8]) -> String {
    let mut plain = Vec::with_capacity(word.len());
    let mut is_escaped = false;
    for &byte in word {
        let is_escape = byte == b'\\' && !is_escaped;
        if !is_escape && !byte.is_ascii_control() {
            plain.push(byte);
        }
        is_escaped = is_escape;
    }
    // Cut at ASCII bytes, so it is UTF-8 still.
    let plain = String::from_utf8_lossy(&plain);
    match plain
        .bytes()
        .any(|b| b.is_ascii_uppercase() || !b.is_ascii())
    {
        true => plain.to_lowercase(),
        false => plain.into_owned(),
    }
}

/// The values of a TAG field's text: between separators, trimmed, in lower case unless case counts, without repetitions
/// left out. Empty values are kept only where they are indexed. Blanks that separate are one however many they are, and none in front of the
/// first value; behind the last they part an empty one. Where nothing separates values, as in JSON, the text is one as it is,
/// blanks and all, also when it is empty.
pub fn split_tags(
    text: &str,
    separator: Option<u8>,
    is_case_sensitive: bool,
    indexes_empty: bool,
) -> Vec<String> {
    let folded = |value: &str| match is_case_sensitive {
        true => value.to_owned(),
        false => value.to_lowercase(),
    };
    let Some(separator) = separator else {
        return vec![folded(text)];
    };
    // C's isspace, not Unicode's.
    let is_blank = |c: char| matches!(c, ' ' | '\t'..='\r');
    let separator = char::from(separator);
    let values = text.split(separator);
    let mut values: Vec<&str> = values.map(|value| value.trim_matches(is_blank)).collect();
    if !indexes_empty || is_blank(separator) {
        values.retain(|value| !value.is_empty());
    }
    if indexes_empty && is_blank(separator) {
        let behind = &text[text.trim_end_matches(is_blank).len()..];
        if values.is_empty() || behind.contains(separator) {
            values.push("");
        }
    }
    values.into_iter().map(folded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_into_words() {
        let cases: &[(&str, &[&str])] = &[
            ("Hello, World!", &["hello", "world"]),
            ("to be or not", &[]),
            ("state-of-the-art", &["state", "art"]),
            (r"state\-of\-the\-art", &["state-of-the-art"]),
            ("snake_case $5 a\\_b", &["snake_case", "5", "a_b"]),
            ("ÄRGER Straße", &["ärger", "straße"]),
            ("a\\ b", &["a b"]),
            ("one\ntwo", &["onetwo"]),
            ("", &[""]),
            (" , ", &[]),
        ];
        let stop_words = StopWords::default();
        for (text, words) in cases {
            let found: Vec<String> = tokenize(text, &stop_words, Language::default())
                .map(|t| t.text)
                .collect();
            assert_eq!(&found, words, "{text}");
        }
    }

    #[test]
    fn stop_words_leave_no_gap() {
        let stop_words = StopWords::default();
        let positions: Vec<_> = tokenize("hello the world", &stop_words, Language::default())
            .map(|token| (token.text, token.position))
            .collect();
        assert_eq!(
            positions,
            [("hello".to_owned(), 1), ("world".to_owned(), 2)]
        );
    }

    #[test]
    fn chinese_is_cut_into_characters() {
        let chinese = Language::parse(b"chinese").expect("a language");
        let none = StopWords::none();
        let words = |language| {
            let words = tokenize("我喜欢 Python，编程。", &none, language);
            words.map(|token| token.text).collect::<Vec<_>>()
        };
        assert_eq!(words(chinese), ["我", "喜", "欢", "python", "编", "程"]);
        assert_eq!(words(Language::default()), ["我喜欢", "python，编程。"]);
    }

    #[test]
    fn quoted_texts_keep_their_escapes() {
        let parts: Vec<&[u8]> = split(br"one two\-three $four").collect();
        assert_eq!(parts, [b"one".as_slice(), br"two\-three", b"$four"]);
    }

    #[test]
    fn tags_are_trimmed_and_lowered() {
        let comma = Some(b',');
        assert_eq!(split_tags(" A, b c ,", comma, false, false), ["a", "b c"]);
        assert_eq!(split_tags("A,,b", comma, true, true), ["A", "", "b"]);
        assert_eq!(split_tags(" A, b", None, true, false), [" A, b"]);
        let blank = Some(b' ');
        assert_eq!(split_tags("  a  b", blank, true, true), ["a", "b"]);
        assert_eq!(split_tags("a  ", blank, true, true), ["a", ""]);
        assert_eq!(split_tags("a  ", blank, true, false), ["a"]);
        assert_eq!(split_tags("a\t", blank, true, true), ["a"]);
        assert_eq!(split_tags("", blank, true, true), [""]);
        assert_eq!(split_tags("", None, false, false), [""]);
    }
}

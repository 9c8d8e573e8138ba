//! Words that are neither indexed nor searched: English ones by default, an index's own, or none.

use std::collections::HashSet;

/// the search module's default list.
pub const DEFAULT: [&str; 33] = [
    "a", "is", "the", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into",
    "it", "no", "not", "of", "on", "or", "such", "that", "their", "then", "there", "these", "they",
    "this", "to", "was", "will", "with",
];

/// The stop words of one index.
#[derive(Clone, Debug)]
pub struct StopWords(HashSet<Box<str>>);

impl StopWords {
    /// A list of an index's own; words are compared in lower case.
    pub fn new<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> StopWords {
        let words = words.into_iter();
        StopWords(
            words
                .map(|word| word.as_ref().to_lowercase().into())
                .collect(),
        )
    }

    /// No stop words.
    pub fn none() -> StopWords {
        StopWords(HashSet::new())
    }

    /// Whether `word` is one, in any case.
    pub fn contains(&self, word: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        match word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            true => self.0.contains(word),
            false => self.0.contains(word.to_lowercase().as_str()),
        }
    }
}

impl Default for StopWords {
    fn default() -> StopWords {
        StopWords::new(DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_are_found_in_any_case() {
        let default = StopWords::default();
        assert!(default.contains("the") && default.contains("AND"));
        assert!(!default.contains("hello"));
        let own = StopWords::new(["Über"]);
        assert!(own.contains("über") && !own.contains("the"));
        assert!(!StopWords::none().contains("the"));
    }
}

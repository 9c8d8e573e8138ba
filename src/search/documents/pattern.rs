//! Parts of words: prefixes, suffixes, infixes, `?` and `*`, and words a few edits away. The slow way, one word after the
//! other; an index may do better where it has sorted words.

use super::tree::Affix;

/// What bounds the search for parts of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartLimits {
    /// Bytes of the shortest part that is searched.
    pub bytes_min: usize,
    /// Words that a part may stand for; those that come first in their order are taken.
    pub expansions_max: usize,
}

impl Affix {
    /// Whether a word has the part. Both in lower case where case does not count.
    pub fn matches(&self, word: &str) -> bool {
        match (self.is_suffix, self.is_prefix) {
            (false, true) => word.starts_with(&self.text),
            (true, false) => word.ends_with(&self.text),
            (true, true) => word.contains(&self.text),
            (false, false) => word == self.text,
        }
    }

    /// The part in lower case; none if it is too short to be searched.
    pub fn folded(&self, bytes_min: usize) -> Option<Affix> {
        let is_long_enough = self.text.len() >= bytes_min;
        is_long_enough.then(|| Affix {
            text: self.text.to_lowercase(),
            ..*self
        })
    }
}

/// A pattern of `w'..'`: `?` any one character, `*` any number of them, `\` makes the next one ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    One,
    Any,
    Char(char),
}

impl Wildcard {
    /// Reads a pattern; several `*` are one, and `?` after `*` stand before it.
    pub fn new(pattern: &str) -> Wildcard {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let piece = match c {
                '?' => Piece::One,
                '*' => Piece::Any,
                '\\' => Piece::Char(chars.next().unwrap_or('\\')),
                c => Piece::Char(c),
            };
            match (pieces.last(), piece) {
                (Some(Piece::Any), Piece::Any) => {}
                (Some(Piece::Any), Piece::One) => pieces.insert(pieces.len() - 1, Piece::One),
                _ => pieces.push(piece),
            }
        }
        Wildcard(pieces)
    }

    /// What every match begins with.
    pub fn prefix(&self) -> String {
        let chars = self.0.iter().map_while(|piece| match piece {
            Piece::Char(c) => Some(*c),
            _ => None,
        });
        chars.collect()
    }

    /// Whether a whole word matches: on a mismatch the last `*` takes one more character, so the time is the product of both
    /// lengths at most.
    pub fn matches(&self, word: &str) -> bool {
        let word: Vec<char> = word.chars().collect();
        let (mut at, mut place) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < word.len() {
            match self.0.get(place) {
                Some(Piece::Any) => {
                    place += 1;
                    retry = Some((at, place));
                    continue;
                }
                Some(Piece::One) => {}
                Some(Piece::Char(c)) if *c == word[at] => {}
                _ => {
                    let Some((from, star)) = retry else {
                        return false;
                    };
                    retry = Some((from + 1, star));
                    (at, place) = (from + 1, star);
                    continue;
                }
            }
            at += 1;
            place += 1;
        }
        self.0[place..].iter().all(|piece| *piece == Piece::Any)
    }
}

/// Whether `other` is at most `distance` insertions, removals and changes of a character away from a word, all of it or all but
/// its last character: the module's automaton remembers that it was near one character before. So `hol` is near to `hlo`.
pub fn is_near(word: &str, other: &str, distance: u8) -> bool {
    let distance = usize::from(distance);
    let (word, other): (Vec<char>, Vec<char>) = (word.chars().collect(), other.chars().collect());
    if word.len().abs_diff(other.len()) > distance {
        return false;
    }
    let mut row: Vec<usize> = (0..=word.len()).collect();
    let mut was_near = false;
    for (i, a) in other.iter().enumerate() {
        was_near = row[word.len()] <= distance;
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in word.iter().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
        if row.iter().all(|edits| *edits > distance) {
            return false;
        }
    }
    was_near || row[word.len()] <= distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_words() {
        let cases = [
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h*o", "hello", true),
            ("*llo", "hello", true),
            ("*l*l*", "hello", true),
            ("*l*l*l*", "hello", false),
            ("*?", "", false),
            ("**", "", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            ("ä?", "äö", true),
            ("a*a*a*b", "aaaaaaaaaaaaaaaaaaaa", false),
        ];
        for (pattern, word, expected) in cases {
            assert_eq!(
                Wildcard::new(pattern).matches(word),
                expected,
                "{pattern} {word}"
            );
        }
        assert_eq!(Wildcard::new("he?l*").prefix(), "he");
    }

    #[test]
    fn near_words_differ_by_a_few_edits() {
        let cases = [
            ("hello", "hello", 1, true),
            ("hello", "helo", 1, true),
            ("hello", "hxllo", 1, true),
            ("hello", "hxlxo", 1, false),
            ("hello", "hxlxo", 2, true),
            ("hello", "yellow", 2, true),
            ("kitten", "sitting", 3, true),
            ("kitten", "sitting", 2, false),
            // All but the last character is near.
            ("ab", "ba", 1, true),
            ("hlo", "hol", 1, true),
            ("hlo", "ohl", 1, false),
            ("", "a", 1, true),
        ];
        for (word, other, distance, expected) in cases {
            assert_eq!(is_near(word, other, distance), expected, "{word} {other}");
        }
    }

    #[test]
    fn short_parts_are_not_searched() {
        let affix = |text: &str| Affix {
            text: text.to_owned(),
            is_prefix: true,
            is_suffix: false,
        };
        assert_eq!(affix("h").folded(2), None);
        // As the module counts.
        assert!(affix("ü").folded(2).is_some());
        let part = affix("HE").folded(2);
        assert!(part.is_some_and(|part| part.matches("hello") && !part.matches("ohello")));
    }
}

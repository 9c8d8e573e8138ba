//! The words of an FT command, read as the search module reads arguments: keywords in any case, numbers that may be written as
//! floats (`3.00`), counted lists, and four reasons why a word does not do.

use crate::protocol::number;

/// Why an argument does not do; its text follows `Bad arguments for <what>: `.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentError {
    /// A number outside its bounds.
    Bounds,
    /// No word is left, or fewer than a count promised.
    Missing,
    /// Not a number.
    Type,
    /// None of the words that could stand here.
    Unknown,
}

/// A cursor over words. Copies are cheap and move on their own.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    words: &'a [&'a [u8]],
    next: usize,
    numbers: Numbers,
}

/// How numbers are written.
#[derive(Clone, Copy)]
enum Numbers {
    /// With nothing around them.
    Strict,
    /// As C reads them: nothing is 0, blanks may stand in front, and what is as large as a number can be is beyond all of them.
    AsInC,
}

impl<'a> Words<'a> {
    /// Starts at the first word.
    pub fn new(words: &'a [&'a [u8]]) -> Words<'a> {
        Words {
            words,
            next: 0,
            numbers: Numbers::Strict,
        }
    }

    /// The same for words of a query command, whose numbers may be written as in C.
    pub fn of_query(words: &'a [&'a [u8]]) -> Words<'a> {
        Words {
            numbers: Numbers::AsInC,
            ..Words::new(words)
        }
    }

    /// How many words were taken.
    pub fn taken(&self) -> usize {
        self.next
    }

    /// How many words are left.
    pub fn left(&self) -> usize {
        self.words.len() - self.next
    }

    /// Whether no word is left.
    pub fn is_done(&self) -> bool {
        self.left() == 0
    }

    /// The next word, without taking it.
    pub fn peek(&self) -> Option<&'a [u8]> {
        self.words.get(self.next).copied()
    }

    /// Takes the next word.
    pub fn word(&mut self) -> Result<&'a [u8], ArgumentError> {
        let word = self.peek().ok_or(ArgumentError::Missing)?;
        self.next += 1;
        Ok(word)
    }

    /// Takes the next word as text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&mut self) -> Result<String, ArgumentError> {
        self.word().map(text_of)
    }

    /// Takes the next word if it is `keyword`, in any case.
    pub fn accept(&mut self, keyword: &str) -> bool {
        let is_it = self.peek().is_some_and(|next| is_word(next, keyword));
        self.next += usize::from(is_it);
        is_it
    }

    /// Takes a number's text.
    fn number(&mut self) -> Result<&'a [u8], ArgumentError> {
        let word = self.word()?;
        Ok(match (self.numbers, word) {
            (Numbers::Strict, _) => word,
            (Numbers::AsInC, b"") => b"0",
            (Numbers::AsInC, _) => word.trim_ascii_start(),
        })
    }

    /// Whether a number that `is_extreme` is none.
    fn is_beyond(&self, is_extreme: bool) -> bool {
        is_extreme && matches!(self.numbers, Numbers::AsInC)
    }

    /// Takes an integer of at least `min`.
    pub fn int(&mut self, min: i64) -> Result<i64, ArgumentError> {
        let mut ahead = *self;
        let value = parse_int(ahead.number()?)
            .filter(|value| !self.is_beyond(matches!(*value, i64::MIN | i64::MAX)))
            .ok_or(ArgumentError::Type)?;
        if value < min {
            return Err(ArgumentError::Bounds);
        }
        *self = ahead;
        Ok(value)
    }

    /// Takes a count of at least `min`.
    pub fn size(&mut self, min: usize) -> Result<usize, ArgumentError> {
        let value = self.int(i64::try_from(min).unwrap_or(i64::MAX))?;
        usize::try_from(value).map_err(|_| ArgumentError::Bounds)
    }

    /// Takes a count that fits 32 bits.
    pub fn unsigned(&mut self, min: u32) -> Result<u32, ArgumentError> {
        let mut ahead = *self;
        let value = ahead.int(i64::from(min))?;
        let value = u32::try_from(value).map_err(|_| ArgumentError::Bounds)?;
        *self = ahead;
        Ok(value)
    }

    /// Takes a number of at least `min`.
    pub fn double(&mut self, min: f64) -> Result<f64, ArgumentError> {
        let mut ahead = *self;
        let value = number::parse_double(ahead.number()?)
            .filter(|value| !self.is_beyond(value.is_infinite()))
            .ok_or(ArgumentError::Type)?;
        if value < min {
            return Err(ArgumentError::Bounds);
        }
        *self = ahead;
        Ok(value)
    }

    /// Takes `count` words as a list of their own.
    pub fn list(&mut self, count: usize) -> Result<Words<'a>, ArgumentError> {
        if count > self.left() {
            return Err(ArgumentError::Missing);
        }
        let words = &self.words[self.next..self.next + count];
        self.next += count;
        Ok(Words {
            words,
            next: 0,
            ..*self
        })
    }

    /// Takes a count and as many words. The count stays taken when the words are missing.
    pub fn counted(&mut self) -> Result<Words<'a>, ArgumentError> {
        let count = self.unsigned(0)?;
        self.list(count as usize)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.word().ok()
    }
}

/// Whether `word` is `keyword`, in any case.
pub fn is_word(word: &[u8], keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword.as_bytes())
}

/// A word as text; bytes that are no UTF-8 become U+FFFD.
pub fn text_of(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// An integer, also one written as a float (`3.00`, `1e3`).
fn parse_int(word: &[u8]) -> Option<i64> {
    number::parse_i64(word).or_else(|| {
        let value = number::parse_double(word)?;
        // Beyond 2^63 the cast saturates, and the comparison fails.
        (value as i64 as f64 == value && value.abs() < 9.2e18).then_some(value as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take<T>(word: &str, read: impl Fn(&mut Words) -> T) -> (T, usize) {
        let words = [word.as_bytes()];
        let mut cursor = Words::new(&words);
        (read(&mut cursor), cursor.taken())
    }

    #[test]
    fn integers_may_be_written_as_floats() {
        let cases = [
            ("3", Ok(3)),
            ("3.00", Ok(3)),
            ("1e3", Ok(1000)),
            ("3.5", Err(ArgumentError::Type)),
            ("three", Err(ArgumentError::Type)),
            ("-1", Err(ArgumentError::Bounds)),
            ("1e300", Err(ArgumentError::Type)),
        ];
        for (word, expected) in cases {
            assert_eq!(take(word, |words| words.int(0)).0, expected, "{word}");
        }
    }

    #[test]
    fn numbers_of_queries_may_be_written_as_in_c() {
        for (word, expected) in [
            ("", Some(0)),
            (" 3", Some(3)),
            ("\t+3.0", Some(3)),
            (" ", None),
            ("3 ", None),
        ] {
            let words = [word.as_bytes()];
            assert_eq!(Words::of_query(&words).int(0).ok(), expected, "{word}");
            assert!(Words::new(&words).int(0).is_err(), "{word}");
        }
        let words = [b"inf".as_slice()];
        assert!(Words::of_query(&words).double(0.0).is_err());
        assert!(Words::new(&words).double(0.0).is_ok());
        let words = [b"9223372036854775807".as_slice()];
        assert!(Words::of_query(&words).int(0).is_err());
        assert!(Words::new(&words).int(0).is_ok());
    }

    #[test]
    fn a_refused_word_is_not_taken() {
        assert_eq!(
            take("0", |words| words.size(1)),
            (Err(ArgumentError::Bounds), 0)
        );
        assert_eq!(
            take("x", |words| words.double(0.0)),
            (Err(ArgumentError::Type), 0)
        );
    }

    #[test]
    fn a_count_needs_its_words() {
        let words: Vec<&[u8]> = vec![b"2", b"a", b"B", b"c"];
        let mut cursor = Words::new(&words);
        let list = cursor.counted().map(|list| list.collect::<Vec<_>>());
        assert_eq!(list, Ok(vec![b"a".as_slice(), b"B"]));
        assert!(cursor.accept("C") && cursor.is_done());
        let short: Vec<&[u8]> = vec![b"2", b"a"];
        assert!(matches!(
            Words::new(&short).counted(),
            Err(ArgumentError::Missing)
        ));
    }
}

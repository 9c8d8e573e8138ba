//! How a body is read: cut into commands, and a command into words.

use crate::keyspace::Key;
use crate::keyspace::change::Expiry;
use crate::keyspace::json::{Json, Place};
use crate::protocol::number::{parse_double, parse_u64};
use bytes::Bytes;

/// What was read, or what is wrong with it.
pub(super) type Read<T> = Result<T, &'static str>;

/// Cuts a body into commands.
pub(super) struct Commands<'b> {
    body: &'b Bytes,
    position: usize,
}

impl<'b> Commands<'b> {
    pub(super) fn new(body: &'b Bytes) -> Commands<'b> {
        Commands { body, position: 0 }
    }

    /// Where in the body the next command begins, in bytes.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.position >= self.body.len()
    }

    /// The words of the next command; there must be one.
    pub(super) fn next(&mut self, words: &mut Vec<Bytes>) -> Read<()> {
        words.clear();
        let count = self.length(b'*')?;
        for _ in 0..count {
            let length = self.length(b'$')?;
            let start = self.position;
            let end = start
                .checked_add(length)
                .ok_or("a string is longer than the record")?;
            if self.body.get(end..end.saturating_add(2)) != Some(b"\r\n") {
                return Err("a string does not end where it should");
            }
            words.push(self.body.slice(start..end));
            self.position = end + 2;
        }
        Ok(())
    }

    /// A line such as `*3` or `$11`.
    fn length(&mut self, kind: u8) -> Read<usize> {
        let rest = self.body.get(self.position..).unwrap_or_default();
        let end = rest
            .iter()
            .take(24)
            .position(|byte| *byte == b'\r')
            .ok_or("a length has no end")?;
        if rest.first() != Some(&kind) || rest.get(end + 1) != Some(&b'\n') {
            return Err("not an array of strings");
        }
        let length = rest
            .get(1..end)
            .and_then(parse_u64)
            .ok_or("a length is not a number")?;
        self.position += end + 2;
        usize::try_from(length).map_err(|_| "a length is too large")
    }
}

/// The words of one command that are still to be read.
pub(super) struct Args<'w>(std::slice::Iter<'w, Bytes>);

impl<'w> Args<'w> {
    pub(super) fn new(words: &'w [Bytes]) -> Args<'w> {
        Args(words.iter())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    pub(super) fn next(&mut self) -> Read<Bytes> {
        self.0.next().cloned().ok_or("a word is missing")
    }

    pub(super) fn key(&mut self) -> Read<Key> {
        Ok(self.next()?[..].into())
    }

    pub(super) fn size(&mut self) -> Read<usize> {
        Ok(self.number()? as usize)
    }

    pub(super) fn number(&mut self) -> Read<u64> {
        parse_u64(&self.next()?).ok_or("a number is expected")
    }

    pub(super) fn small(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| "a number is too large")
    }

    pub(super) fn json(&mut self) -> Read<Json> {
        let word = self.next()?;
        let text = std::str::from_utf8(&word).map_err(|_| "a value is not UTF-8")?;
        Json::parse(text).map_err(|_| "a value is not JSON")
    }

    pub(super) fn place(&mut self) -> Read<Place> {
        let word = self.next()?;
        let text = std::str::from_utf8(&word).map_err(|_| "a place is not UTF-8")?;
        Place::parse(text).map_err(|_| "a place is not concrete")
    }

    pub(super) fn expect(&mut self, word: &[u8]) -> Read<()> {
        if self.optional(word) {
            Ok(())
        } else {
            Err("an option is missing")
        }
    }

    /// What stands behind `word`, if that comes next.
    pub(super) fn behind<T>(
        &mut self,
        word: &[u8],
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<Option<T>> {
        match self.optional(word) {
            true => read(self).map(Some),
            false => Ok(None),
        }
    }

    /// Whether `word` comes next; then it is read.
    pub(super) fn optional(&mut self, word: &[u8]) -> bool {
        let comes = self.0.as_slice().first().is_some_and(|next| next == word);
        if comes {
            self.0.next();
        }
        comes
    }

    /// `KEEPTTL`, `PXAT ms`, or neither.
    pub(super) fn expiry(&mut self) -> Read<Expiry> {
        if self.optional(b"KEEPTTL") {
            Ok(Expiry::Keep)
        } else if self.optional(b"PXAT") {
            Ok(Expiry::At(self.number()?))
        } else {
            Ok(Expiry::Clear)
        }
    }

    /// `FIELDS n`, where n things of `width` words are all that is left.
    pub(super) fn count(&mut self, width: u64) -> Read<()> {
        self.expect(b"FIELDS")?;
        match self.number()?.checked_mul(width) == Some(self.0.len() as u64) {
            true => Ok(()),
            false => Err("the number of fields is wrong"),
        }
    }

    /// All words that are left.
    pub(super) fn rest(&mut self) -> Vec<Bytes> {
        self.0.by_ref().cloned().collect()
    }

    /// All words that are left, two by two.
    pub(super) fn pairs(&mut self) -> Read<Vec<(Bytes, Bytes)>> {
        let (pairs, odd) = self.0.as_slice().as_chunks::<2>();
        if !odd.is_empty() {
            return Err("a field has no value");
        }
        self.0 = [].iter();
        Ok(pairs
            .iter()
            .map(|[name, value]| (name.clone(), value.clone()))
            .collect())
    }

    /// All words that are left: scores with their members.
    pub(super) fn scores(&mut self) -> Read<Vec<(f64, Bytes)>> {
        let pairs = self.pairs()?.into_iter();
        let scored = pairs.map(|(score, member)| Some((parse_double(&score)?, member)));
        scored
            .collect::<Option<_>>()
            .ok_or("a score is not a number")
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self) -> Read<()> {
        match self.is_empty() {
            true => Ok(()),
            false => Err("there are words too many"),
        }
    }
}

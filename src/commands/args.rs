//! A request's words, taken one after the other.

use super::error::{self, Refusal, Result};
use crate::protocol::{Request, number};
use bytes::Bytes;

/// A cursor over the words after the command's name (and its subcommand's). Copies move on their own.
#[derive(Clone)]
pub struct Args<'r> {
    request: &'r Request,
    next: usize,
}

impl<'r> Args<'r> {
    /// Starts at word `first`.
    pub fn new(request: &'r Request, first: usize) -> Args<'r> {
        Args {
            request,
            next: first,
        }
    }

    /// Number of words left.
    pub fn left(&self) -> usize {
        self.request.len().saturating_sub(self.next)
    }

    /// Whether no word is left.
    pub fn is_done(&self) -> bool {
        self.left() == 0
    }

    /// The next word, without taking it.
    pub fn peek(&self) -> Option<&'r [u8]> {
        self.request.get(self.next)
    }

    /// The next word, if there is one.
    pub fn try_next(&mut self) -> Option<&'r [u8]> {
        let word = self.request.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    /// The next word; a syntax error if there is none.
    pub fn word(&mut self) -> Result<&'r [u8]> {
        self.try_next().ok_or(error::SYNTAX)
    }

    /// The next word as a slice of the request that may be kept.
    pub fn bytes(&mut self) -> Result<Bytes> {
        self.word()?;
        Ok(self.request.bytes(self.next - 1))
    }

    /// All words left, as slices of the request.
    pub fn rest(&mut self) -> impl Iterator<Item = Bytes> + 'r {
        let (request, first) = (self.request, self.next);
        self.next = request.len();
        (first..request.len()).map(|i| request.bytes(i))
    }

    /// All words left.
    pub fn rest_words(&mut self) -> impl Iterator<Item = &'r [u8]> + 'r {
        let (request, first) = (self.request, self.next);
        self.next = request.len();
        (first..request.len()).map(|i| request.arg(i))
    }

    /// Takes the next word if it is `word` (upper case), in any case.
    pub fn take(&mut self, word: &str) -> bool {
        let is_it = self
            .peek()
            .is_some_and(|next| next.eq_ignore_ascii_case(word.as_bytes()));
        self.next += usize::from(is_it);
        is_it
    }

    /// The next word as a strict 64-bit integer.
    pub fn int(&mut self) -> Result<i64> {
        self.int_or(error::NOT_AN_INTEGER)
    }

    /// As `int`, with the command's own error.
    pub fn int_or(&mut self, refusal: Refusal) -> Result<i64> {
        number::parse_i64(self.word()?).ok_or(refusal)
    }

    /// Nothing may be left; a syntax error otherwise.
    pub fn end(&self) -> Result<()> {
        if self.is_done() {
            Ok(())
        } else {
            Err(error::SYNTAX)
        }
    }
}

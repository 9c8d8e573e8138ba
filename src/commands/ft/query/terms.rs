//! Conditions on words: whole ones, phrases, parts, patterns and words a few edits away.

use super::QueryError;
use super::grammar::{KNN_RANKS, Parser, is_and, text_of};
use super::params::normalize;
use super::token::{Kind as Token, Token as Tok};
use super::tree::{Affix, Kind, Node, Word};
use crate::commands::ft::numbers::read_double;
use crate::commands::ft::text;
use crate::keyspace::documents::text::escape::{unescape, unescape_tag};

type Result<T> = std::result::Result<T, QueryError>;

impl Parser<'_> {
    /// A word, a number or a parameter; in dialect 1 with all words that follow.
    pub(super) fn word(&mut self) -> Result<Option<Node>> {
        if self.context.dialect > 1 {
            return self.single_word();
        }
        let mut first = self.single_word()?;
        // Dialect 1 knows no other words.
        while matches!(self.next.kind, Token::Term | Token::Number(_)) {
            let next = self.single_word()?;
            first = self.join(first, next, is_and, Kind::And)?;
        }
        Ok(first)
    }

    fn single_word(&mut self) -> Result<Option<Node>> {
        let token = self.advance();
        let word = match token.kind {
            Token::Attribute { .. } => {
                let name = text_of(token.text);
                let value = self.context.params.get(&name).map(<[u8]>::to_vec);
                let value = self.or_refuse(token.offset + KNN_RANKS, value);
                Word {
                    text: normalize(&value),
                    is_verbatim: value.is_empty() || read_double(&value).is_some(),
                }
            }
            Token::Size(_) | Token::Number(_) if self.context.dialect > 1 => Word {
                text: text_of(token.text),
                is_verbatim: true,
            },
            Token::Size(_) | Token::Number(_) => Word {
                text: normalize(token.text),
                is_verbatim: false,
            },
            _ => {
                if self.is_stop_word(token) {
                    return Ok(None);
                }
                Word {
                    text: normalize(token.text),
                    is_verbatim: false,
                }
            }
        };
        self.node(Kind::Word(word)).map(Some)
    }

    pub(super) fn is_stop_word(&self, token: Tok) -> bool {
        let stop_words = self.context.stop_words;
        stop_words.is_some_and(|stop| stop.contains(&text_of(token.text)))
    }

    /// `"some words"` in dialect 1: they are words of the query, and stop words may only stand behind the second.
    pub(super) fn quoted_words(&mut self) -> Result<Option<Node>> {
        self.advance();
        let mut words = Vec::new();
        loop {
            let token = self.next;
            match token.kind {
                Token::Number(_) => words.push(normalize(token.text)),
                Token::Term if !self.is_stop_word(token) => words.push(normalize(token.text)),
                Token::Term if words.len() > 1 => {}
                _ => break,
            }
            self.advance();
        }
        if words.is_empty() {
            return Err(self.syntax());
        }
        self.expect(b'"')?;
        let kind = match <[String; 1]>::try_from(words) {
            Ok([text]) => Kind::Word(Word {
                text,
                is_verbatim: true,
            }),
            Err(words) => Kind::Phrase(words),
        };
        self.node(kind).map(Some)
    }

    /// What stands between quotes, cut into words.
    pub(super) fn phrase(&mut self) -> Result<Option<Node>> {
        let token = self.advance();
        let words = text::split(token.text);
        let words = words.map(normalize).collect();
        self.node(Kind::Phrase(words)).map(Some)
    }

    /// `"$name"` is the word `$name`.
    pub(super) fn quoted_parameter(&mut self) -> Result<Option<Node>> {
        self.advance();
        let Token::Attribute { .. } = self.next.kind else {
            return Err(self.syntax());
        };
        let name = self.advance().text;
        self.expect(b'"')?;
        let word = format!("${}", normalize(name));
        self.node(Kind::Phrase(vec![word])).map(Some)
    }

    /// The affix that is next, and whether it was a parameter.
    pub(super) fn affix(&mut self, is_tag: bool) -> Result<(Affix, bool)> {
        let token = self.advance();
        let Token::Affix {
            is_prefix,
            is_suffix,
            is_parameter,
        } = token.kind
        else {
            return Err(self.syntax());
        };
        let text = match is_parameter {
            false => unescape(token.text),
            true => {
                let value = self.parameter(token);
                if is_tag {
                    unescape_tag(&value)
                } else {
                    normalize(&value)
                }
            }
        };
        let affix = Affix {
            text,
            is_prefix,
            is_suffix,
        };
        Ok((affix, is_parameter))
    }

    /// The pattern that is next.
    pub(super) fn wildcard(&mut self) -> Result<String> {
        let token = self.advance();
        Ok(match token.kind {
            Token::Wildcard { is_parameter: true } => text_of(&self.parameter(token)),
            _ => text_of(token.text),
        })
    }

    /// The value of the parameter that a token names.
    pub(super) fn parameter(&mut self, token: Tok) -> Vec<u8> {
        let value = self.context.params.get(&text_of(token.text));
        self.or_refuse(token.offset + KNN_RANKS, value.map(<[u8]>::to_vec))
    }

    /// `%word%`, `%%word%%` or `%%%word%%%`.
    pub(super) fn fuzzy(&mut self) -> Result<Option<Node>> {
        let mut distance = 0;
        while distance < 3 && self.take(b'%') {
            distance += 1;
        }
        let token = self.next;
        let word = match token.kind {
            Token::Attribute { .. } if self.context.dialect > 1 => {
                let value = self.parameter(token);
                normalize(&value)
            }
            Token::Term | Token::As | Token::IsMissing | Token::Exact => normalize(token.text),
            Token::Size(_) | Token::Number(_) => normalize(token.text),
            _ => return Err(self.syntax()),
        };
        self.advance();
        (0..distance).try_for_each(|_| self.expect(b'%'))?;
        self.node(Kind::Fuzzy { word, distance }).map(Some)
    }
}

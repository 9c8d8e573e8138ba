//! The words of FT.SEARCH as a request. HIGHLIGHT and SUMMARIZE are not known here.

use super::errors;
use super::options::{Command, Limits, Options, RequestError, read_limit};
use super::words::{Words, text_of};

/// A search.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRequest {
    /// The query and what FT.AGGREGATE has too.
    pub options: Options,
    /// SORTBY.
    pub sort: Option<SortBy>,
    /// Documents that are passed over.
    pub offset: u64,
    /// Documents that are shown.
    pub num: u64,
}

/// SORTBY of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct SortBy {
    /// A field's name, or a distance's.
    pub field: String,
    /// DESC.
    pub is_descending: bool,
}

/// Documents shown without LIMIT.
const NUM_DEFAULT: u64 = 10;

/// Reads the words after the index's name.
pub fn read(words: &mut Words, limits: &Limits) -> Result<SearchRequest, RequestError> {
    let mut request = SearchRequest {
        options: Options::begin(words, limits)?,
        sort: None,
        offset: 0,
        num: NUM_DEFAULT,
    };
    while let Some(word) = words.peek() {
        let is_taken = request.options.take_early(words, Command::Search)?
            || request.options.take_late(words)?
            || request.take_own(words, limits)?;
        if !is_taken {
            request.options.check(Command::Search)?;
            return Err(RequestError::Unknown {
                word: text_of(word),
                position: words.taken(),
            });
        }
    }
    request.options.check(Command::Search)?;
    Ok(request)
}

impl SearchRequest {
    /// LIMIT and SORTBY.
    fn take_own(&mut self, words: &mut Words, limits: &Limits) -> Result<bool, RequestError> {
        if words.accept("LIMIT") {
            (self.offset, self.num) = read_limit(words, limits, Command::Search)?;
            self.options.is_count = self.num == 0;
            self.options.is_without_content |= self.num == 0;
        } else if words.accept("SORTBY") {
            if self.sort.is_some() {
                return Err(RequestError::Fixed(errors::SORTBY_TWICE));
            }
            let field = words.text();
            let field = field.map_err(|_| RequestError::Fixed(errors::SORTBY_MISSING))?;
            let is_descending = words.accept("DESC");
            if !is_descending {
                words.accept("ASC");
            }
            if words.accept("MAX") {
                return Err(RequestError::Fixed(errors::SORTBY_MAX));
            }
            self.sort = Some(SortBy {
                field,
                is_descending,
            });
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

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
            request.options.finish(Command::Search)?;
            if words.accept("GROUPBY") {
                return Err(RequestError::Fixed(errors::SEARCH_GROUPS));
            }
            return Err(RequestError::Unknown {
                word: text_of(word),
                position: words.taken(),
            });
        }
    }
    request.options.finish(Command::Search)?;
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

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    /// Words of a line, parted by blanks; `""` is the empty one.
    fn words(line: &str) -> Vec<&[u8]> {
        let word = |word: &'static str| word.as_bytes();
        line.split_whitespace()
            .map(|text| {
                if text == "\"\"" {
                    word("")
                } else {
                    text.as_bytes()
                }
            })
            .collect()
    }

    fn make(line: &str) -> Result<SearchRequest, RequestError> {
        read(&mut Words::new(&words(line)), &Limits::default())
    }

    fn request(line: &str) -> SearchRequest {
        make(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn options_come_in_any_order() {
        let request = request(
            "q LIMIT 5 7 WITHSCORES SORTBY price desc PARAMS 4 a 1 b 2 DIALECT 2 RETURN 4 $.a AS x y nocontent \
             INKEYS 2 k1 k2 INFIELDS 1 t SLOP 3 INORDER VERBATIM TIMEOUT 100 LANGUAGE german SCORER BM25 WITHOUTCOUNT PAYLOAD p",
        );
        assert_eq!((request.offset, request.num), (5, 7));
        assert!(
            request
                .sort
                .is_some_and(|sort| sort.is_descending && sort.field == "price")
        );
        let options = request.options;
        assert!(options.with_scores && options.is_without_content && options.is_verbatim);
        assert_eq!((options.dialect, options.timeout_ms), (2, Some(100)));
        let returned: Vec<(&str, &str)> = options
            .returned
            .iter()
            .flatten()
            .map(|field| (&*field.identifier, &*field.name))
            .collect();
        assert_eq!(returned, [("$.a", "x"), ("y", "y")]);
        assert_eq!(options.keys.map(|keys| keys.len()), Some(2));
        assert_eq!((options.slop, options.counts), (Some(3), Some(false)));
        assert_eq!(options.params.get("b"), Ok(b"2".as_slice()));
    }

    #[test]
    fn defaults_and_counts() {
        let plain = request("q");
        assert_eq!((plain.offset, plain.num, plain.options.dialect), (0, 10, 1));
        let count = request("q LIMIT 0 0");
        assert!(count.options.is_count && count.options.is_without_content);
        assert!(request("q RETURN 0").options.is_without_content);
    }

    #[test]
    fn legacy_filters_become_conditions() {
        let words = words("SCHEMA n NUMERIC p GEO t TEXT");
        let schema = schema::create(&mut Words::new(&words)).unwrap_or_else(|e| panic!("{e}"));
        let filters = |line: &str| {
            let filters = request(line).options.filters(&schema);
            filters
                .map(|nodes| nodes.len())
                .map_err(|error| error.to_string())
        };
        assert_eq!(filters("q FILTER n (1 +inf GEOFILTER p 1 2 3 km"), Ok(2));
        assert_eq!(filters("q FILTER zz 1 2"), Ok(1));
        let refused = [
            ("q FILTER zz 1 2 DIALECT 2", "Unknown Field 'zz'"),
            (
                "q FILTER t 1 2 DIALECT 2",
                "Field is not a numeric field, field: t",
            ),
            (
                "q GEOFILTER zz 1 2 3 km DIALECT 2",
                "Unknown Field, field: zz",
            ),
            (
                "q GEOFILTER n 1 2 3 km DIALECT 2",
                "Field is not a geo field, field: n",
            ),
        ];
        for (line, expected) in refused {
            assert_eq!(filters(line), Err(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn refusals_have_the_words_of_the_module() {
        let cases = [
            ("", "No query string provided"),
            ("q FOO", "Unknown argument `FOO` at position 1 for <main>"),
            (
                "q NOCONTENT HIGHLIGHT",
                "Unknown argument `HIGHLIGHT` at position 2 for <main>",
            ),
            (
                "q SUMMARIZE",
                "Unknown argument `SUMMARIZE` at position 1 for <main>",
            ),
            ("q LIMIT 0", "LIMIT requires two arguments"),
            ("q LIMIT a b", "LIMIT needs two numeric arguments"),
            (
                "q LIMIT 5 0",
                "The `offset` of the LIMIT must be 0 when `num` is 0",
            ),
            ("q LIMIT 0 2000000", "LIMIT exceeds maximum of 1000000"),
            ("q LIMIT 1000001 1", "OFFSET exceeds maximum of 1000000"),
            ("q DIALECT", "Need an argument for DIALECT"),
            (
                "q DIALECT 5",
                "DIALECT requires a non negative integer >=1 and <= 4",
            ),
            (
                "q DIALECT 0",
                "DIALECT requires a non negative integer >=1 and <= 4",
            ),
            ("q TIMEOUT", "Need argument for TIMEOUT"),
            ("q TIMEOUT -1", "TIMEOUT requires a non negative integer"),
            ("q SORTBY", "Bad SORTBY arguments"),
            (
                "q SORTBY a SORTBY b",
                "Multiple SORTBY steps are not allowed",
            ),
            (
                "q SORTBY a MAX 3",
                "SORTBY MAX is not supported by FT.SEARCH",
            ),
            (
                "q PARAMS 2 a",
                "Bad arguments for PARAMS: Expected an argument, but none provided",
            ),
            (
                "q PARAMS 3 a b c",
                "Parameters must be specified in PARAM VALUE pairs",
            ),
            (
                "q PARAMS 0",
                "Parameters must be specified in PARAM VALUE pairs",
            ),
            ("q PARAMS 4 a 1 a 2", "Duplicate parameter `a`"),
            (
                "q PARAMS 2 a 1 PARAMS 2 b 2",
                "Multiple PARAMS are not allowed. Parameters can be defined only once",
            ),
            (
                "q RETURN 2 a AS",
                "RETURN path AS name - must be accompanied with NAME",
            ),
            ("q RETURN 3 a AS as", "Alias for RETURN cannot be `AS`"),
            (
                "q RETURN x",
                "Bad arguments for RETURN: Could not convert argument to expected type",
            ),
            (
                "q INKEYS 2 a",
                "Bad arguments for INKEYS: Expected an argument, but none provided",
            ),
            (
                "q EXPLAINSCORE",
                "EXPLAINSCORE must be accompanied with WITHSCORES",
            ),
            ("q ADDSCORES", "ADDSCORES is not supported on FT.SEARCH"),
            ("q FILTER n 1", "FILTER requires 3 arguments"),
            ("q FILTER n x 1", "Bad lower range: x"),
            ("q FILTER n 1 -inf", "Bad upper range: -inf"),
            (
                "q FILTER n \"\" 1 DIALECT 2",
                "Numeric/Geo filter value/s cannot be empty",
            ),
            ("q GEOFILTER p 1 2 3", "GEOFILTER requires 5 arguments"),
            (
                "q GEOFILTER p 1 x 3 km",
                "Bad arguments for <lat>: Could not convert argument to expected type",
            ),
            ("q GEOFILTER p 1 2 3 parsec", "Unknown distance unit parsec"),
            ("q FORMAT", "Need an argument for FORMAT"),
            ("q FORMAT XML", "FORMAT XML is not supported"),
            (
                "q FORMAT EXPAND DIALECT 2",
                "EXPAND format requires dialect 3 or greater",
            ),
        ];
        for (line, expected) in cases {
            let found = make(line).map_err(|error| error.to_string());
            assert_eq!(found.err().as_deref(), Some(expected), "{line}");
        }
    }
}

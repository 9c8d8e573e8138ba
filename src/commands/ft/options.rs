//! The options that FT.SEARCH and FT.AGGREGATE share, in any order.

use super::errors;
use super::numbers::read_bound;
use super::query::params::Params;
use super::query::tree::{GeoRadius, GeoUnit, Kind, Node, NumericRange};
use super::schema::Schema;
use super::words::{ArgumentError, Words, is_word, text_of};
use crate::config::Config;
use crate::search::documents::pattern::PartLimits;
use crate::search::documents::score::Scorer;
use crate::search::documents::sought::Expansion;

/// What the configuration says of requests.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `search-max-search-results`.
    pub search_results_max: u64,
    /// `search-max-aggregate-results`.
    pub aggregate_results_max: u64,
    /// `search-default-dialect`.
    pub default_dialect: u8,
    /// `search-cursor-max-idle`, in milliseconds.
    pub cursor_idle_max_ms: u32,
    /// `search-index-cursor-limit`.
    pub cursors_max: usize,
    /// `search-timeout`; 0 sets no end.
    pub timeout_ms: u64,
    /// `search-on-timeout` is `fail`.
    pub fails_on_timeout: bool,
    /// `search-default-scorer`.
    pub scorer: Scorer,
    /// `search-bm25std-tanh-factor`.
    pub tanh_factor: u64,
    /// `search-min-prefix` and `search-max-prefix-expansions`.
    pub parts: PartLimits,
}

impl Limits {
    /// What holds now.
    pub fn of(config: &Config) -> Limits {
        Limits {
            search_results_max: config.search_results_max(),
            aggregate_results_max: config.search_aggregate_results_max(),
            default_dialect: config.search_default_dialect(),
            cursor_idle_max_ms: config.search_cursor_idle_max_ms(),
            cursors_max: config.search_cursors_max(),
            timeout_ms: config.search_timeout_ms(),
            fails_on_timeout: config.search_fails_on_timeout(),
            scorer: Scorer::parse(&config.search_default_scorer()).unwrap_or_default(),
            tanh_factor: config.search_tanh_factor(),
            parts: PartLimits {
                bytes_min: config.search_part_bytes_min(),
                expansions_max: config.search_expansions_max(),
            },
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::of(&Config::default())
    }
}

/// Options of a query command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The query.
    pub query: Vec<u8>,
    /// NOCONTENT, RETURN 0 or LIMIT 0 0: keys alone.
    pub is_without_content: bool,
    /// LIMIT 0 0: only the number of documents.
    pub is_count: bool,
    /// VERBATIM: no stems.
    pub is_verbatim: bool,
    /// NOSTOPWORDS: stop words are words.
    pub keeps_stop_words: bool,
    /// WITHSCORES.
    pub with_scores: bool,
    /// ADDSCORES (FT.AGGREGATE): the score is the property `__score`.
    pub adds_scores: bool,
    /// `matched_terms()` is called (FT.AGGREGATE).
    pub tells_terms: bool,
    /// WITHPAYLOADS.
    pub with_payloads: bool,
    /// WITHSORTKEYS.
    pub with_sort_keys: bool,
    /// EXPLAINSCORE.
    pub explains_scores: bool,
    /// FILTER and GEOFILTER of FT.SEARCH.
    pub filters: Vec<LegacyFilter>,
    /// INKEYS.
    pub keys: Option<Vec<Vec<u8>>>,
    /// INFIELDS; an empty list is as none.
    pub fields: Vec<String>,
    /// RETURN.
    pub returned: Option<Vec<Returned>>,
    /// As it was written: the module reads it when all options are there.
    returned_words: Option<Vec<Vec<u8>>>,
    /// SLOP; negative is none.
    pub slop: Option<i32>,
    /// INORDER.
    pub is_in_order: bool,
    /// TIMEOUT in milliseconds; 0 is none.
    pub timeout_ms: Option<u64>,
    /// LANGUAGE, as written; see `errors::NO_SUCH_LANGUAGE`.
    pub language: Option<String>,
    /// EXPANDER, as written; see [`Options::expansion`].
    pub expander: Option<String>,
    /// SCORER, as written.
    pub scorer: Option<String>,
    /// BM25STD_TANH_FACTOR.
    pub tanh_factor: Option<u64>,
    /// PAYLOAD, for scorers that look at it.
    pub payload: Option<Vec<u8>>,
    /// WITHCOUNT (true) or WITHOUTCOUNT (false).
    pub counts: Option<bool>,
    /// PARAMS.
    pub params: Params,
    has_params: bool,
    /// DIALECT, or the server's.
    pub dialect: u8,
    /// FORMAT.
    pub format: Format,
    has_empty_filter: bool,
}

/// The form of JSON values in RESP3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As text.
    #[default]
    String,
    /// EXPAND: as nested replies.
    Expand,
}

impl Format {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Format::String => "STRING",
            Format::Expand => "EXPAND",
        }
    }
}

/// A field that a reply shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Returned {
    /// A field's name, a hash field or a JSON path.
    pub identifier: String,
    /// Under which name.
    pub name: String,
}

/// FILTER or GEOFILTER, before its field is known.
#[derive(Clone, Debug, PartialEq)]
pub struct LegacyFilter {
    /// The field's name.
    pub field: String,
    /// The condition; its field's place is not set yet.
    kind: Kind,
}

/// Why the words of a query command are no request.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestError {
    /// `Bad arguments for <what>: <why>`.
    Argument {
        /// What was being read.
        what: String,
        /// What was wrong.
        why: ArgumentError,
    },
    /// A fixed line of [`errors`].
    Fixed(&'static str),
    /// A word that no option has.
    Unknown {
        /// The word.
        word: String,
        /// Its place after the query.
        position: usize,
    },
    /// As `Unknown`, in the arguments of something.
    UnknownFor {
        /// The word.
        word: String,
        /// Its place.
        position: usize,
        /// Whose argument it is not.
        what: String,
    },
    /// A word of FT.CURSOR that is none.
    CursorArgument(String),
    /// COUNT of FT.CURSOR that is none.
    CursorCount(String),
    /// DIALECT that is none.
    Dialect,
    /// LIMIT beyond the server's.
    Limit(u64),
    /// LIMIT's offset beyond the server's.
    Offset(u64),
    /// A parameter twice.
    DuplicateParameter(String),
    /// FORMAT that is none.
    Format(String),
    /// FILTER without a lower bound.
    LowerBound(String),
    /// FILTER without an upper bound.
    UpperBound(String),
    /// GEOFILTER with a unit that is none.
    Unit(String),
    /// FILTER on a field that is not there.
    UnknownFilterField(String),
    /// FILTER on a field that is no NUMERIC.
    NotNumeric(String),
    /// GEOFILTER on a field that is not there.
    UnknownGeoField(String),
    /// GEOFILTER on a field that is no GEO.
    NotGeo(String),
    /// SORTBY of too many properties.
    SortFields(usize),
    /// SORTBY: neither a property nor a direction.
    SortWord(String),
    /// GROUPBY of a word without `@`.
    GroupProperty(String),
}

/// What a command's options belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// FT.SEARCH
    Search,
    /// FT.AGGREGATE
    Aggregate,
}

type Result<T> = std::result::Result<T, RequestError>;

impl Options {
    /// Options before any was read. Takes the query.
    pub fn begin(words: &mut Words, limits: &Limits) -> Result<Options> {
        let query = words.word();
        let query = query.map_err(|_| RequestError::Fixed(errors::NO_QUERY))?;
        Ok(Options {
            query: query.to_vec(),
            dialect: limits.default_dialect,
            ..Options::default()
        })
    }

    /// Takes an option that may only stand before the steps of a pipeline; false if the next word begins none.
    pub fn take_early(&mut self, words: &mut Words, command: Command) -> Result<bool> {
        if self.take_flag(words) || self.take_value(words)? {
            return Ok(true);
        }
        if command == Command::Search && words.accept("FILTER") {
            self.filters
                .push(read_filter(words, &mut self.has_empty_filter)?);
        } else if command == Command::Search && words.accept("GEOFILTER") {
            self.filters
                .push(read_circle(words, &mut self.has_empty_filter)?);
        } else if words.accept("WITHCOUNT") {
            if command == Command::Aggregate {
                return Err(RequestError::Fixed(errors::AGGREGATE_WITH_COUNT));
            }
            self.counts = Some(true);
        } else if words.accept("WITHOUTCOUNT") {
            self.counts = Some(false);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn take_flag(&mut self, words: &mut Words) -> bool {
        let flags: [(&str, &mut bool); 9] = [
            ("INORDER", &mut self.is_in_order),
            ("VERBATIM", &mut self.is_verbatim),
            ("WITHSCORES", &mut self.with_scores),
            ("ADDSCORES", &mut self.adds_scores),
            ("WITHSORTKEYS", &mut self.with_sort_keys),
            ("WITHPAYLOADS", &mut self.with_payloads),
            ("NOCONTENT", &mut self.is_without_content),
            ("NOSTOPWORDS", &mut self.keeps_stop_words),
            ("EXPLAINSCORE", &mut self.explains_scores),
        ];
        for (keyword, flag) in flags {
            if words.accept(keyword) {
                *flag = true;
                return true;
            }
        }
        false
    }

    fn take_value(&mut self, words: &mut Words) -> Result<bool> {
        if words.accept("INFIELDS") {
            self.fields = list("INFIELDS", words)?.map(text_of).collect();
        } else if words.accept("SLOP") {
            self.slop = Some(read_slop(words)?);
        } else if words.accept("LANGUAGE") {
            self.language = Some(text("LANGUAGE", words)?);
        } else if words.accept("EXPANDER") {
            self.expander = Some(text("EXPANDER", words)?);
        } else if words.accept("INKEYS") {
            self.keys = Some(list("INKEYS", words)?.map(<[u8]>::to_vec).collect());
        } else if words.accept("SCORER") {
            self.scorer = Some(text("SCORER", words)?);
        } else if words.accept("RETURN") {
            let list = list("RETURN", words)?;
            self.returned_words = Some(list.map(<[u8]>::to_vec).collect());
        } else if words.accept("PAYLOAD") {
            let payload = words.word().map_err(bad("PAYLOAD"))?;
            self.payload = Some(payload.to_vec());
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Takes an option that may stand anywhere, but LIMIT and SORTBY; false if the next word begins none.
    pub fn take_late(&mut self, words: &mut Words) -> Result<bool> {
        if words.accept("TIMEOUT") {
            if words.is_done() {
                return Err(RequestError::Fixed(errors::TIMEOUT_MISSING));
            }
            let timeout = words.int(0);
            let timeout = timeout.map_err(|_| RequestError::Fixed(errors::TIMEOUT_NEGATIVE))?;
            self.timeout_ms = Some(timeout.unsigned_abs());
        } else if words.accept("PARAMS") {
            self.read_params(words)?;
        } else if words.accept("DIALECT") {
            if words.is_done() {
                return Err(RequestError::Fixed(errors::DIALECT_MISSING));
            }
            let dialect = words.int(1).ok().filter(|dialect| *dialect <= 4);
            let dialect = dialect.ok_or(RequestError::Dialect)?;
            self.dialect = dialect as u8;
            if self.format == Format::Expand && self.dialect < 3 {
                return Err(RequestError::Fixed(errors::EXPAND_NEEDS_DIALECT));
            }
        } else if words.accept("FORMAT") {
            self.read_format(words)?;
        } else if words.accept("BM25STD_TANH_FACTOR") {
            if words.is_done() {
                return Err(RequestError::Fixed(errors::TANH_FACTOR_MISSING));
            }
            let factor = words.int(1);
            let factor = factor.map_err(|_| RequestError::Fixed(errors::TANH_FACTOR_BOUNDS))?;
            self.tanh_factor = Some(factor.unsigned_abs());
        } else {
            // WITHRAWIDS and _NUM_SSTRING are for tests of RediSearch itself.
            return Ok(words.accept("WITHRAWIDS") || words.accept("_NUM_SSTRING"));
        }
        Ok(true)
    }

    fn read_params(&mut self, words: &mut Words) -> Result<()> {
        let mut pairs = list("PARAMS", words)?;
        if std::mem::replace(&mut self.has_params, true) {
            return Err(RequestError::Fixed(errors::PARAMS_TWICE));
        }
        if pairs.is_done() || pairs.left() % 2 != 0 {
            return Err(RequestError::Fixed(errors::PARAMS_PAIRS));
        }
        while let (Some(name), Some(value)) = (pairs.next(), pairs.next()) {
            let name = text_of(name);
            if !self.params.add(name.clone(), value.to_vec()) {
                return Err(RequestError::DuplicateParameter(name));
            }
        }
        Ok(())
    }

    fn read_format(&mut self, words: &mut Words) -> Result<()> {
        let word = words.word();
        let word = word.map_err(|_| RequestError::Fixed(errors::FORMAT_MISSING))?;
        self.format = match word {
            word if is_word(word, "STRING") => Format::String,
            word if is_word(word, "EXPAND") => Format::Expand,
            _ => return Err(RequestError::Format(text_of(word))),
        };
        Ok(())
    }

    /// What is left to do with the early options once they are all there.
    pub fn finish(&mut self, command: Command) -> Result<()> {
        let fail = |line| Err(RequestError::Fixed(line));
        if self.dialect >= 2 && self.has_empty_filter {
            return fail(errors::EMPTY_FILTER);
        }
        if self.explains_scores && !self.with_scores {
            return fail(errors::EXPLAIN_NEEDS_SCORES);
        }
        if command == Command::Search && self.adds_scores {
            return fail(errors::SEARCH_ADDS_SCORES);
        }
        if let Some(words) = &self.returned_words {
            if command == Command::Aggregate {
                return fail(errors::AGGREGATE_RETURN);
            }
            self.is_without_content |= words.is_empty();
            self.returned = Some(read_returned(words)?);
        }
        Ok(())
    }

    /// The form in which all that a JSON path leads to is shown, in dialects that do so.
    pub fn listing(&self) -> Option<Format> {
        (self.dialect >= 3).then_some(self.format)
    }

    /// What words of the query stand for beside themselves: VERBATIM and EXPANDER say so. As in RediSearch an expander that is not known
    /// is none, and names are known as they are written.
    pub fn expansion(&self) -> Expansion {
        if self.is_verbatim {
            return Expansion::NONE;
        }
        match self.expander.as_deref() {
            None | Some("DEFAULT") => Expansion::WHOLE,
            expander => Expansion {
                by_stem: expander == Some("SBSTEM"),
                by_sound: expander == Some("PHONETIC"),
            },
        }
    }

    /// FILTER and GEOFILTER as conditions on the fields of an index.
    pub fn filters(&self, schema: &Schema) -> Result<Vec<Node>> {
        let filters = self.filters.iter();
        filters
            .map(|filter| filter.resolve(schema, self.dialect))
            .collect()
    }
}

impl LegacyFilter {
    /// The condition. In dialect 1 one on a field that is not there matches nothing.
    fn resolve(&self, schema: &Schema, dialect: u8) -> Result<Node> {
        let place = schema.find(&self.field);
        let is_geo = matches!(self.kind, Kind::Geo(_));
        let word = if is_geo { "GEO" } else { "NUMERIC" };
        let typed = place.filter(|&place| schema.fields[place].kind.word() == word);
        let kind = match (&self.kind, typed) {
            (Kind::Numeric(range), Some(field)) => Kind::Numeric(NumericRange { field, ..*range }),
            (Kind::Geo(circle), Some(field)) => Kind::Geo(GeoRadius { field, ..*circle }),
            _ if dialect == 1 => Kind::Nothing,
            _ => {
                let field = self.field.clone();
                return Err(match (is_geo, place) {
                    (false, None) => RequestError::UnknownFilterField(field),
                    (false, Some(_)) => RequestError::NotNumeric(field),
                    (true, None) => RequestError::UnknownGeoField(field),
                    (true, Some(_)) => RequestError::NotGeo(field),
                });
            }
        };
        Ok(Node::new(kind))
    }
}

/// Takes `LIMIT offset num`, after the keyword; both 0 asks for the count.
pub fn read_limit(words: &mut Words, limits: &Limits, command: Command) -> Result<(u64, u64)> {
    let fail = |line| Err(RequestError::Fixed(line));
    if words.left() < 2 {
        return fail(errors::LIMIT_MISSING);
    }
    let (Ok(offset), Ok(num)) = (words.int(0), words.int(0)) else {
        return fail(errors::LIMIT_NUMBERS);
    };
    let (offset, num) = (offset.unsigned_abs(), num.unsigned_abs());
    let num_max = match command {
        Command::Search => limits.search_results_max,
        Command::Aggregate => limits.aggregate_results_max,
    };
    match () {
        () if num == 0 && offset != 0 => fail(errors::LIMIT_OFFSET_OF_NONE),
        () if num > num_max => Err(RequestError::Limit(num_max)),
        () if offset > limits.search_results_max => {
            Err(RequestError::Offset(limits.search_results_max))
        }
        () => Ok((offset, num)),
    }
}

/// Names what was being read when an argument was refused.
pub fn bad(what: &str) -> impl Fn(ArgumentError) -> RequestError {
    move |why| RequestError::Argument {
        what: what.to_owned(),
        why,
    }
}

fn list<'a>(what: &str, words: &mut Words<'a>) -> Result<Words<'a>> {
    words.counted().map_err(bad(what))
}

fn text(what: &str, words: &mut Words) -> Result<String> {
    words.text().map_err(bad(what))
}

/// SLOP takes any number and cuts what is behind the point.
fn read_slop(words: &mut Words) -> Result<i32> {
    let slop = words.double(f64::NEG_INFINITY).map_err(bad("SLOP"))?;
    i32::try_from(slop as i64).map_err(|_| bad("SLOP")(ArgumentError::Bounds))
}

fn read_returned(words: &[Vec<u8>]) -> Result<Vec<Returned>> {
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let mut words = Words::new(&words);
    let mut returned: Vec<Returned> = Vec::new();
    while let Some(identifier) = words.next() {
        let mut name = identifier;
        if words.accept("AS") {
            let given = words.word();
            name = given.map_err(|_| RequestError::Fixed(errors::RETURN_NAME_MISSING))?;
            if is_word(name, "AS") {
                return Err(RequestError::Fixed(errors::RETURN_AS_AS));
            }
        }
        let name = text_of(name);
        if returned.iter().all(|other| other.name != name) {
            let identifier = text_of(identifier);
            returned.push(Returned { identifier, name });
        }
    }
    Ok(returned)
}

/// `FILTER field min max`, after the keyword.
fn read_filter(words: &mut Words, has_empty: &mut bool) -> Result<LegacyFilter> {
    let mut taken = words
        .list(3)
        .map_err(|_| RequestError::Fixed(errors::FILTER_MISSING))?;
    let (Some(field), Some(min), Some(max)) = (taken.next(), taken.next(), taken.next()) else {
        return Err(RequestError::Fixed(errors::FILTER_MISSING));
    };
    *has_empty |= min.is_empty() || max.is_empty();
    let bound = |text: &[u8], is_lower| {
        let plain = text.strip_prefix(b"(");
        let value = read_bound(plain.unwrap_or(text), false, is_lower);
        let shown = || text_of(plain.unwrap_or(text));
        let value = value.ok_or_else(|| match is_lower {
            true => RequestError::LowerBound(shown()),
            false => RequestError::UpperBound(shown()),
        })?;
        Ok((value, plain.is_none()))
    };
    let (min, includes_min) = bound(min, true)?;
    let (max, includes_max) = bound(max, false)?;
    Ok(LegacyFilter {
        field: text_of(field),
        kind: Kind::Numeric(NumericRange {
            field: 0,
            min,
            max,
            includes_min,
            includes_max,
        }),
    })
}

/// `GEOFILTER field lon lat radius unit`, after the keyword.
fn read_circle(words: &mut Words, has_empty: &mut bool) -> Result<LegacyFilter> {
    let mut taken = words
        .list(5)
        .map_err(|_| RequestError::Fixed(errors::GEOFILTER_MISSING))?;
    let field = text("<geo property>", &mut taken)?;
    let mut number = |what| {
        *has_empty |= taken.peek().is_some_and(<[u8]>::is_empty);
        match taken.peek() {
            Some(b"") => {
                taken.next();
                Ok(0.0)
            }
            _ => taken.double(f64::NEG_INFINITY).map_err(bad(what)),
        }
    };
    let longitude = number("<lon>")?;
    let latitude = number("<lat>")?;
    let radius = number("<radius>")?;
    let unit = taken.next().unwrap_or_default();
    let unit = GeoUnit::parse(unit).ok_or_else(|| RequestError::Unit(text_of(unit)))?;
    Ok(LegacyFilter {
        field,
        kind: Kind::Geo(GeoRadius {
            field: 0,
            longitude,
            latitude,
            radius,
            unit,
        }),
    })
}

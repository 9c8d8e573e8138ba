//! The words of FT.AGGREGATE as options and steps, and those of FT.CURSOR.

use super::errors;
use super::expression::{self, Expression};
use super::options::{Command, Limits, Options, RequestError, bad, read_limit};
use super::words::{ArgumentError, Words, is_word, text_of};
use crate::protocol::number;

/// An aggregation.
#[derive(Clone, Debug, PartialEq)]
pub struct AggregateRequest {
    /// The query and what FT.SEARCH has too.
    pub options: Options,
    /// What becomes of the documents, in this order.
    pub steps: Vec<Step>,
    /// WITHCURSOR.
    pub cursor: Option<CursorOptions>,
}

/// A step of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// LOAD.
    Load(Load),
    /// GROUPBY.
    Group {
        /// Properties, without `@`.
        properties: Vec<String>,
        /// REDUCE.
        reducers: Vec<ReducerCall>,
    },
    /// APPLY. The expression is read (`expression::parse`) once the index is known, as the module does.
    Apply {
        /// The expression.
        expression: Vec<u8>,
        /// The property that it makes.
        name: String,
    },
    /// FILTER.
    Filter {
        /// The expression.
        expression: Vec<u8>,
    },
    /// SORTBY and LIMIT: both of one step, whichever was written first and whatever but GROUPBY stands between.
    Arrange(Arrange),
}

/// What LOAD loads.
#[derive(Clone, Debug, PartialEq)]
pub enum Load {
    /// `*`
    All,
    /// Fields or JSON paths, as written. They are read ([`read_loaded`]) once the index is known, as the module does.
    Fields(Vec<Vec<u8>>),
}

/// One field of LOAD.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// A field's name, hash field or JSON path, without `@`.
    pub identifier: String,
    /// The property.
    pub name: String,
}

/// REDUCE.
#[derive(Clone, Debug, PartialEq)]
pub struct ReducerCall {
    /// The function, as written.
    pub function: String,
    /// Its arguments, as written.
    pub arguments: Vec<Vec<u8>>,
    /// The property that it makes.
    pub name: String,
}

/// SORTBY and LIMIT.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrange {
    /// Properties to sort by, the first weighs most.
    pub keys: Vec<SortKey>,
    /// Offset and number of rows.
    pub limit: Option<(u64, u64)>,
    /// MAX of SORTBY.
    pub max: Option<u32>,
}

/// A property to sort by.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// Without `@`.
    pub property: String,
    /// DESC.
    pub is_descending: bool,
}

/// WITHCURSOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorOptions {
    /// Rows of one reply.
    pub count: u32,
    /// How long it lives unread.
    pub idle_max_ms: u32,
}

/// FT.CURSOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorRequest {
    /// READ: the next rows.
    Read {
        /// The cursor.
        id: i64,
        /// Rows, if other than the cursor's.
        count: Option<u32>,
    },
    /// DEL.
    Delete {
        /// The cursor.
        id: i64,
    },
    /// GC: forget cursors that lived too long unread.
    Collect,
}

/// Rows of a sorted step without LIMIT and MAX.
const SORTED_ROWS: u64 = 10;
/// Rows of one reply of a cursor.
const CURSOR_ROWS: u32 = 1000;
/// Properties that rows can be sorted by.
const SORT_KEYS_MAX: usize = 8;
/// Properties that rows can be grouped by.
const GROUP_PROPERTIES_MAX: usize = u16::MAX as usize;

type Result<T> = std::result::Result<T, RequestError>;

/// Reads the words after the index's name.
pub fn read(words: &mut Words, limits: &Limits) -> Result<AggregateRequest> {
    let mut request = AggregateRequest {
        options: Options::begin(words, limits)?,
        steps: Vec::new(),
        cursor: None,
    };
    // Options of the query stand before the first step of another kind than SORTBY and LIMIT.
    while !words.is_done()
        && (request.options.take_early(words, Command::Aggregate)?
            || request.take_anywhere(words, limits)?)
    {}
    request.options.finish(Command::Aggregate)?;
    while let Some(word) = words.peek() {
        if !request.take_anywhere(words, limits)? && !request.take_step(words)? {
            return Err(RequestError::Unknown {
                word: text_of(word),
                position: words.taken(),
            });
        }
    }
    if request.options.is_count {
        request.show_nothing();
    }
    Ok(request)
}

impl AggregateRequest {
    /// Who wants no row of one step wants none of any.
    fn show_nothing(&mut self) {
        for step in &mut self.steps {
            if let Step::Arrange(arrange) = step {
                arrange.limit = Some((0, 0));
            }
        }
    }

    /// Takes what may stand between steps.
    fn take_anywhere(&mut self, words: &mut Words, limits: &Limits) -> Result<bool> {
        if words.accept("LIMIT") {
            let limit = read_limit(words, limits, Command::Aggregate)?;
            self.options.is_count |= limit == (0, 0);
            self.arrange().limit = Some(limit);
        } else if words.accept("SORTBY") {
            let arrange = self.arrange();
            if !arrange.keys.is_empty() {
                return Err(RequestError::Fixed(errors::SORTBY_TWICE_IN_A_STEP));
            }
            read_sorting(arrange, words)?;
        } else if words.accept("WITHCURSOR") {
            self.cursor = Some(read_cursor(words, limits)?);
        } else {
            return self.options.take_late(words);
        }
        Ok(true)
    }

    /// The step that SORTBY and LIMIT belong to: the last one of their kind behind the last GROUPBY, or a new one.
    fn arrange(&mut self) -> &mut Arrange {
        let behind_group = self
            .steps
            .iter()
            .rposition(|s| matches!(s, Step::Group { .. }));
        let from = behind_group.map_or(0, |place| place + 1);
        let known = self.steps[from..]
            .iter()
            .rposition(|s| matches!(s, Step::Arrange(_)));
        let place = match known {
            Some(place) => from + place,
            None => {
                self.steps.push(Step::Arrange(Arrange::default()));
                self.steps.len() - 1
            }
        };
        match &mut self.steps[place] {
            Step::Arrange(arrange) => arrange,
            // Both ways above end at a step of this kind.
            _ => unreachable!("step {place} is no Arrange"),
        }
    }

    fn take_step(&mut self, words: &mut Words) -> Result<bool> {
        let step = if words.accept("GROUPBY") {
            read_group(words)?
        } else if words.accept("APPLY") {
            let expression = words.word().map_err(bad("APPLY/FILTER"))?;
            let name = match words.accept("AS") {
                true => words.text(),
                false => Ok(text_of(expression)),
            };
            Step::Apply {
                expression: expression.to_vec(),
                name: name.map_err(|_| RequestError::Fixed(errors::AS_MISSING))?,
            }
        } else if words.accept("FILTER") {
            let expression = words.word().map_err(bad("APPLY/FILTER"))?;
            Step::Filter {
                expression: expression.to_vec(),
            }
        } else if words.accept("LOAD") {
            Step::Load(read_load(words)?)
        } else {
            return Ok(false);
        };
        if let Step::Apply { expression, .. } | Step::Filter { expression } = &step {
            let asks = |expression: Expression| expression.asks_for_terms();
            self.options.tells_terms |= expression::parse(expression).is_ok_and(asks);
        }
        self.steps.push(step);
        Ok(true)
    }
}

impl Arrange {
    /// Rows that are kept: a sorted step without a number keeps ten, one that only limits keeps what it says, none all.
    pub fn rows_max(&self) -> Option<u64> {
        match (self.limit, self.max, self.keys.is_empty()) {
            (Some((offset, num)), _, _) => Some(offset.saturating_add(num)),
            (None, Some(max), _) if max > 0 => Some(u64::from(max)),
            (None, _, false) => Some(SORTED_ROWS),
            (None, _, true) => None,
        }
    }

    /// Rows that are passed over.
    pub fn offset(&self) -> u64 {
        self.limit.map_or(0, |(offset, _)| offset)
    }
}

/// `GROUPBY n @property ... {REDUCE function n argument ... [AS name]}`, after the keyword.
fn read_group(words: &mut Words) -> Result<Step> {
    let count = words.int(i64::MIN).map_err(bad("GROUPBY"))?;
    let mut properties = Vec::new();
    // Words are taken until one is no property or missing: that is told, not that the count is negative or too large.
    for _ in 0..u64::try_from(count).unwrap_or(u64::MAX) {
        let word = words.word().map_err(bad("GROUPBY"))?;
        let property = word.strip_prefix(b"@");
        let property = property.ok_or_else(|| RequestError::GroupProperty(text_of(word)))?;
        properties.push(text_of(property));
    }
    if properties.len() > GROUP_PROPERTIES_MAX {
        return Err(bad("GROUPBY")(ArgumentError::Bounds));
    }
    let mut reducers = Vec::new();
    while words.accept("REDUCE") {
        reducers.push(read_reducer(words)?);
    }
    Ok(Step::Group {
        properties,
        reducers,
    })
}

fn read_reducer(words: &mut Words) -> Result<ReducerCall> {
    let function = words.text().map_err(bad("REDUCE"))?;
    let list = words.counted().map_err(bad(&function))?;
    let arguments: Vec<Vec<u8>> = list.map(<[u8]>::to_vec).collect();
    let name = match words.accept("AS") {
        true => words.text().map_err(bad("AS"))?,
        false => generated_name(&function, &arguments),
    };
    Ok(ReducerCall {
        function,
        arguments,
        name,
    })
}

/// The property of a reducer without AS: function and arguments in lower case, without `@`.
fn generated_name(function: &str, arguments: &[Vec<u8>]) -> String {
    let arguments: Vec<String> = arguments
        .iter()
        .map(|argument| text_of(argument).trim_start_matches('@').to_owned())
        .collect();
    let name = format!("__generated_alias{function}{}", arguments.join(","));
    name.to_ascii_lowercase()
}

/// `LOAD n field [AS name] ...` or `LOAD *`, after the keyword.
fn read_load(words: &mut Words) -> Result<Load> {
    match words.counted() {
        Ok(list) => Ok(Load::Fields(list.map(<[u8]>::to_vec).collect())),
        Err(ArgumentError::Type) => match words.word() {
            Ok(b"*") => Ok(Load::All),
            _ => Err(RequestError::Fixed(errors::LOAD_COUNT)),
        },
        Err(why) => Err(bad("LOAD")(why)),
    }
}

/// Reads what [`Load::Fields`] has.
pub fn read_loaded(fields: &[Vec<u8>]) -> Result<Vec<Loaded>> {
    let words: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
    let mut list = Words::new(&words);
    let mut fields = Vec::new();
    while let Some(word) = list.next() {
        let identifier = text_of(word.strip_prefix(b"@").unwrap_or(word));
        let mut name = identifier.clone();
        if list.accept("AS") {
            let given = list.word();
            let given = given.map_err(|_| RequestError::Fixed(errors::LOAD_NAME_MISSING))?;
            if is_word(given, "AS") {
                return Err(RequestError::Fixed(errors::LOAD_AS_AS));
            }
            name = text_of(given);
        }
        fields.push(Loaded { identifier, name });
    }
    Ok(fields)
}

/// `SORTBY n @property [ASC|DESC] ... [MAX m]`, after the keyword.
fn read_sorting(arrange: &mut Arrange, words: &mut Words) -> Result<()> {
    let list = words.counted().map_err(bad("SORTBY"))?;
    for word in list {
        if let Some(property) = word.strip_prefix(b"@") {
            if arrange.keys.len() == SORT_KEYS_MAX {
                return Err(RequestError::SortFields(SORT_KEYS_MAX));
            }
            arrange.keys.push(SortKey {
                property: text_of(property),
                is_descending: false,
            });
            continue;
        }
        let is_descending = is_word(word, "DESC");
        match arrange.keys.last_mut() {
            Some(key) if is_descending || is_word(word, "ASC") => key.is_descending = is_descending,
            _ => return Err(RequestError::SortWord(text_of(word))),
        }
    }
    if words.accept("MAX") {
        // Whatever is wrong with it, the module says this of it.
        let max = words.unsigned(0).map_err(|_| ArgumentError::Type);
        let max = max.map_err(bad("MAX"))?;
        // It stands where LIMIT has its number: the later of the two holds.
        let limit = arrange.limit.take().map(|(offset, _)| (offset, max.into()));
        arrange.limit = limit.filter(|limit| *limit != (0, 0));
        arrange.max = Some(max);
    }
    Ok(())
}

/// `[COUNT n] [MAXIDLE ms]`, after WITHCURSOR.
fn read_cursor(words: &mut Words, limits: &Limits) -> Result<CursorOptions> {
    let mut cursor = CursorOptions {
        count: CURSOR_ROWS,
        idle_max_ms: limits.cursor_idle_max_ms,
    };
    loop {
        if words.accept("COUNT") {
            cursor.count = words.unsigned(1).map_err(bad("COUNT"))?;
        } else if words.accept("MAXIDLE") {
            let idle_max_ms = words.unsigned(1).map_err(bad("MAXIDLE"))?;
            cursor.idle_max_ms = idle_max_ms.min(limits.cursor_idle_max_ms);
        } else {
            return Ok(cursor);
        }
    }
}

/// Reads the words of FT.CURSOR: subcommand, index, cursor, and for READ a count.
pub fn read_cursor_request(words: &mut Words) -> Result<CursorRequest> {
    let fixed = RequestError::Fixed;
    let missing = |_| fixed(errors::CURSOR_SUBCOMMAND);
    let subcommand = words.word().map_err(missing)?;
    words.word().map_err(missing)?;
    let id = words.word().map_err(missing)?;
    let id = number::parse_i64(id).ok_or(fixed(errors::CURSOR_ID))?;
    if is_word(subcommand, "DEL") {
        return Ok(CursorRequest::Delete { id });
    }
    if is_word(subcommand, "GC") {
        return Ok(CursorRequest::Collect);
    }
    if !is_word(subcommand, "READ") {
        return Err(fixed(errors::CURSOR_SUBCOMMAND));
    }
    let mut count = None;
    if words.left() > 1 {
        let keyword = words.word().map_err(missing)?;
        if !is_word(keyword, "COUNT") {
            return Err(RequestError::CursorArgument(text_of(keyword)));
        }
        let given = words.word().map_err(missing)?;
        let parsed = number::parse_i64(given);
        let parsed = parsed.ok_or_else(|| RequestError::CursorCount(text_of(given)))?;
        // 0 is the cursor's own count, and what cannot be as much as there is.
        count = Some(u32::try_from(parsed).unwrap_or(u32::MAX)).filter(|count| *count > 0);
    }
    Ok(CursorRequest::Read { id, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of a line, parted by blanks; `_` stands for a blank inside one.
    fn words(line: &str) -> Vec<Vec<u8>> {
        let words = line.split_whitespace();
        words
            .map(|word| word.replace('_', " ").into_bytes())
            .collect()
    }

    fn make(line: &str) -> Result<AggregateRequest> {
        let words = words(line);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        read(&mut Words::new(&words), &Limits::default())
    }

    fn request(line: &str) -> AggregateRequest {
        make(line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    #[test]
    fn steps_keep_their_order() {
        let request = request(
            "* VERBATIM LOAD 4 @a AS b $.c APPLY @b_+_1 AS d FILTER @d_>_2 \
             GROUPBY 1 @d REDUCE COUNT 0 REDUCE QUANTILE 2 @N 0.5 REDUCE SUM 1 @n AS total SORTBY 2 @total DESC DIALECT 2",
        );
        let [
            Step::Load(load),
            Step::Apply { name, .. },
            Step::Filter { .. },
            group,
            sort,
        ] = &request.steps[..]
        else {
            panic!("{request:?}")
        };
        let loaded = |identifier: &str, name: &str| Loaded {
            identifier: identifier.to_owned(),
            name: name.to_owned(),
        };
        let Load::Fields(fields) = load else {
            panic!("{load:?}")
        };
        let fields = read_loaded(fields).expect("fields");
        assert_eq!(fields, [loaded("a", "b"), loaded("$.c", "$.c")]);
        assert_eq!(name, "d");
        let Step::Group { reducers, .. } = group else {
            panic!("{group:?}")
        };
        let names: Vec<&str> = reducers.iter().map(|reducer| &*reducer.name).collect();
        let generated = ["__generated_aliascount", "__generated_aliasquantilen,0.5"];
        assert_eq!(names, [generated[0], generated[1], "total"]);
        let Step::Arrange(sort) = sort else {
            panic!("{sort:?}")
        };
        assert!(sort.keys[0].is_descending && sort.rows_max() == Some(10));
        assert!(request.options.is_verbatim && request.options.dialect == 2);
    }

    #[test]
    fn sortby_and_limit_are_one_step_until_groupby() {
        let request = request("* LIMIT 5 10 APPLY 1 AS x SORTBY 1 @x GROUPBY 0 LIMIT 0 3");
        let arranged: Vec<&Arrange> = request
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Arrange(arrange) => Some(arrange),
                _ => None,
            })
            .collect();
        let [first, second] = arranged[..] else {
            panic!("{request:?}")
        };
        assert_eq!(
            (first.keys.len(), first.offset(), first.rows_max()),
            (1, 5, Some(15))
        );
        assert_eq!((second.keys.len(), second.rows_max()), (0, Some(3)));
    }

    #[test]
    fn rows_are_limited_by_what_was_said() {
        let cases = [
            ("* SORTBY 1 @x", Some(10)),
            ("* SORTBY 1 @x MAX 50", Some(50)),
            ("* SORTBY 1 @x LIMIT 2 3", Some(5)),
            ("* SORTBY 0 MAX 7", Some(7)),
        ];
        for (line, expected) in cases {
            let request = request(line);
            let Some(Step::Arrange(arrange)) = request.steps.first() else {
                panic!("{line}")
            };
            assert_eq!(arrange.rows_max(), expected, "{line}");
        }
    }

    #[test]
    fn cursors_live_as_long_as_allowed() {
        let cursor = |line: &str| request(line).cursor;
        let of = |count, idle_max_ms| Some(CursorOptions { count, idle_max_ms });
        assert_eq!(cursor("*"), None);
        assert_eq!(cursor("* WITHCURSOR"), of(1000, 300_000));
        assert_eq!(cursor("* WITHCURSOR MAXIDLE 5 COUNT 7"), of(7, 5));
        assert_eq!(cursor("* WITHCURSOR MAXIDLE 999999"), of(1000, 300_000));
    }

    #[test]
    fn refusals_have_the_words_of_the_module() {
        let cases = [
            ("", "No query string provided"),
            ("* FOO", "Unknown argument `FOO` at position 1 for <main>"),
            (
                "* LOAD 1 @a VERBATIM",
                "Unknown argument `VERBATIM` at position 4 for <main>",
            ),
            (
                "* LOAD x",
                "Bad arguments for LOAD: Expected number of fields or `*`",
            ),
            (
                "* LOAD 2 @a",
                "Bad arguments for LOAD: Expected an argument, but none provided",
            ),
            (
                "* GROUPBY 1 a",
                "Bad arguments for GROUPBY: Unknown property `a`. Did you mean `@a`?",
            ),
            (
                "* GROUPBY x",
                "Bad arguments for GROUPBY: Could not convert argument to expected type",
            ),
            (
                "* GROUPBY 0 REDUCE SUM 2 @a",
                "Bad arguments for SUM: Expected an argument, but none provided",
            ),
            (
                "* GROUPBY 0 REDUCE COUNT 0 AS",
                "Bad arguments for AS: Expected an argument, but none provided",
            ),
            (
                "* APPLY",
                "Bad arguments for APPLY/FILTER: Expected an argument, but none provided",
            ),
            ("* APPLY 1 AS", "AS needs argument"),
            (
                "* SORTBY 2 @a sideways",
                "MISSING ASC or DESC after sort field (sideways)",
            ),
            (
                "* SORTBY 1 @a SORTBY 1 @b",
                "Multiple SORTBY steps are not allowed. Sort multiple fields in a single step",
            ),
            (
                "* SORTBY 9 @a @a @a @a @a @a @a @a @a",
                "Cannot sort by more than 8 fields",
            ),
            ("* RETURN 1 a", "RETURN is not supported on FT.AGGREGATE"),
            ("* LIMIT 0", "LIMIT requires two arguments"),
            (
                "* WITHCURSOR COUNT 0",
                "Bad arguments for COUNT: Value is outside acceptable bounds",
            ),
        ];
        for (line, expected) in cases {
            let found = make(line).map_err(|error| error.to_string());
            assert_eq!(found.err().as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn cursor_requests() {
        let of = |line: &str| {
            let words = words(line);
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            read_cursor_request(&mut Words::new(&words)).map_err(|error| error.to_string())
        };
        let read = |count| Ok(CursorRequest::Read { id: 5, count });
        assert_eq!(of("READ idx 5"), read(None));
        assert_eq!(of("read idx 5 COUNT 7"), read(Some(7)));
        assert_eq!(of("DEL idx 5"), Ok(CursorRequest::Delete { id: 5 }));
        let refused = [
            ("READ idx x", "Bad cursor ID"),
            ("READ idx 5 NUM 7", "Unknown argument `NUM`"),
            ("READ idx 5 COUNT x", "Bad value for COUNT: `x`"),
            ("LIST idx 5", "Unknown subcommand"),
        ];
        for (line, expected) in refused {
            assert_eq!(of(line), Err(expected.to_owned()), "{line}");
        }
    }
}

//! FT.CONFIG: the options of the configuration that concern search, under the names that they had in modules.

use super::words::{ArgumentError, Words};
use crate::commands::Call;
use crate::commands::error::{Refusal, Result, wrong_arity};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::config::{Config, Id, Kind, TABLE};
use crate::protocol::{Reply, Version};

/// `FT.CONFIG GET | SET | HELP option [value]`
pub const CONFIG: Command = Command {
    name: "FT.CONFIG",
    summary: "Shows, explains and sets options of search.",
    group: Group::Search,
    since: "1.0.0",
    complexity: "O(1)",
    args: &[
        Arg::OneOf(&[Arg::Token("GET"), Arg::Token("SET"), Arg::Token("HELP")]),
        Arg::Str("option"),
        Arg::Optional(&Arg::Str("value")),
    ],
    arity: Some(-2),
    flags: flags(&[Flags::READONLY, Flags::ADMIN]),
    examples: &[
        ("FT.CONFIG SET TIMEOUT 700", "OK"),
        ("FT.CONFIG GET TIMEOUT", "1) 1) TIMEOUT\n   2) \"700\""),
        ("FT.CONFIG SET NOPE 1", "(error) Invalid option"),
    ],
    run: config,
    ..COMMAND
};

/// Where the value of an option comes from.
enum Source {
    /// An option of the server.
    Option(Id),
    /// As [`Source::Option`], which FT.CONFIG SET may not touch.
    AtStart(Id),
    /// As [`Source::Option`]; the most that it can be is written `unlimited`, and so is what is negative.
    Bounded(Id),
    /// There is nothing to choose here: what is always so, or none.
    Fixed(Option<&'static str>),
}
use Source::{AtStart, Bounded, Fixed, Option as Of};

/// Names in the order in which they are listed.
#[rustfmt::skip]
const OPTIONS: &[(&str, Source)] = &[
    ("EXTLOAD", Fixed(None)),
    ("NOGC", AtStart(Id::SearchNoGc)),
    ("MINPREFIX", Of(Id::SearchMinPrefix)),
    ("MINSTEMLEN", Of(Id::SearchMinStemLen)),
    ("FORKGC_SLEEP_BEFORE_EXIT", Of(Id::SearchForkGcSleepBeforeExit)),
    ("MAXDOCTABLESIZE", AtStart(Id::SearchMaxDoctablesize)),
    ("MAXSEARCHRESULTS", Bounded(Id::SearchMaxSearchResults)),
    ("MAXAGGREGATERESULTS", Bounded(Id::SearchMaxAggregateResults)),
    ("MAX_AGGREGATE_GROUPS", Of(Id::SearchMaxAggregateGroups)),
    ("MAXEXPANSIONS", Of(Id::SearchMaxPrefixExpansions)),
    ("MAXPREFIXEXPANSIONS", Of(Id::SearchMaxPrefixExpansions)),
    ("TIMEOUT", Of(Id::SearchTimeout)),
    ("WORKERS", Of(Id::SearchWorkers)),
    ("MIN_OPERATION_WORKERS", Of(Id::SearchMinOperationWorkers)),
    ("TIERED_HNSW_BUFFER_LIMIT", AtStart(Id::SearchTieredHnswBufferLimit)),
    ("WORKERS_PRIORITY_BIAS_THRESHOLD", AtStart(Id::SearchWorkersPriorityBiasThreshold)),
    ("FRISOINI", Fixed(None)),
    ("DEFAULT_SCORER", Of(Id::SearchDefaultScorer)),
    ("ON_TIMEOUT", Of(Id::SearchOnTimeout)),
    ("GCSCANSIZE", AtStart(Id::SearchGcScanSize)),
    ("MIN_PHONETIC_TERM_LEN", Of(Id::SearchMinPhoneticTermLen)),
    ("GC_POLICY", Fixed(Some("fork"))),
    ("FORK_GC_RUN_INTERVAL", Of(Id::SearchForkGcRunInterval)),
    ("FORK_GC_CLEAN_THRESHOLD", Of(Id::SearchForkGcCleanThreshold)),
    ("FORK_GC_RETRY_INTERVAL", Of(Id::SearchForkGcRetryInterval)),
    ("UNION_ITERATOR_HEAP", Of(Id::SearchUnionIteratorHeap)),
    ("CURSOR_MAX_IDLE", Of(Id::SearchCursorMaxIdle)),
    ("INDEX_CURSOR_LIMIT", Of(Id::SearchIndexCursorLimit)),
    ("NO_MEM_POOLS", AtStart(Id::SearchNoMemPools)),
    ("PARTIAL_INDEXED_DOCS", AtStart(Id::SearchPartialIndexedDocs)),
    ("UPGRADE_INDEX", Fixed(Some("Upgrade config for upgrading"))),
    ("RAW_DOCID_ENCODING", Fixed(Some("false"))),
    ("DEFAULT_DIALECT", Of(Id::SearchDefaultDialect)),
    ("VSS_MAX_RESIZE", Of(Id::SearchVssMaxResize)),
    ("MULTI_TEXT_SLOP", AtStart(Id::SearchMultiTextSlop)),
    ("BG_INDEX_SLEEP_GAP", AtStart(Id::SearchBgIndexSleepGap)),
    ("ENABLE_UNSTABLE_FEATURES", Of(Id::SearchEnableUnstableFeatures)),
    ("BM25STD_TANH_FACTOR", Of(Id::SearchBm25stdTanhFactor)),
    ("ON_OOM", Of(Id::SearchOnOom)),
    ("WORKER_THREADS", Fixed(Some("0"))),
    ("MT_MODE", Fixed(Some("MT_MODE_OFF"))),
    ("PRIVILEGED_THREADS_NUM", Fixed(Some("1"))),
    ("FORK_GC_CLEAN_NUMERIC_EMPTY_NODES", Fixed(Some("true"))),
    ("_FORK_GC_CLEAN_NUMERIC_EMPTY_NODES", Fixed(Some("true"))),
    ("_NUMERIC_COMPRESS", Fixed(Some("false"))),
    ("_FREE_RESOURCE_ON_THREAD", Fixed(Some("true"))),
    ("_PRINT_PROFILE_CLOCK", Fixed(Some("true"))),
    ("_NUMERIC_RANGES_PARENTS", Fixed(Some("0"))),
    ("_PRIORITIZE_INTERSECT_UNION_CHILDREN", Fixed(Some("false"))),
    ("_BG_INDEX_MEM_PCT_THR", Fixed(Some("100"))),
    ("_BG_INDEX_OOM_PAUSE_TIME", Fixed(Some("0"))),
    ("INDEXER_YIELD_EVERY_OPS", Fixed(Some("1000"))),
    ("BG_INDEX_SLEEP_DURATION_US", Fixed(Some("1"))),
    ("_MIN_TRIM_DELAY_MS", Fixed(Some("2000"))),
    ("_MAX_TRIM_DELAY_MS", Fixed(Some("5000"))),
    ("_TRIMMING_STATE_CHECK_DELAY_MS", Fixed(Some("100"))),
    ("PARTITIONS", Fixed(Some("AUTO"))),
    ("CLUSTER_TIMEOUT", Fixed(Some("0"))),
    ("OSS_GLOBAL_PASSWORD", Fixed(Some("Password: *******"))),
    ("CONN_PER_SHARD", Fixed(Some("0"))),
    ("CURSOR_REPLY_THRESHOLD", Fixed(Some("1"))),
    ("SEARCH_THREADS", Fixed(Some("20"))),
    ("SEARCH_IO_THREADS", Fixed(Some("1"))),
    ("TOPOLOGY_VALIDATION_TIMEOUT", Fixed(Some("30000"))),
    ("CONNECT_TIMEOUT", Fixed(Some("10000"))),
];

impl Source {
    /// The option's value in the words of modules; none where there is nothing to tell.
    fn value(&self, config: &Config) -> std::option::Option<Vec<u8>> {
        let id = match self {
            Fixed(value) => return value.map(|value| value.as_bytes().to_vec()),
            Of(id) | AtStart(id) | Bounded(id) => *id,
        };
        let text = config.text(id);
        Some(match (self, TABLE[id as usize].kind) {
            (_, Kind::Switch) if text == b"yes" => b"true".to_vec(),
            (_, Kind::Switch) => b"false".to_vec(),
            (Bounded(_), Kind::Integer { max, .. }) if text == max.to_string().as_bytes() => {
                b"unlimited".to_vec()
            }
            _ => text,
        })
    }

    fn help(&self) -> &'static str {
        match self {
            Of(id) | AtStart(id) | Bounded(id) => TABLE[*id as usize].help,
            Fixed(_) => "Kept for clients that read it: there is nothing to choose.",
        }
    }

    /// The value to give to the option, in the configuration's words.
    fn read(&self, words: &mut Words) -> std::result::Result<(Id, Vec<u8>), ArgumentError> {
        let (Of(id) | AtStart(id) | Bounded(id)) = self else {
            return Err(ArgumentError::Unknown);
        };
        let value = match (self, TABLE[*id as usize].kind) {
            (Bounded(_), Kind::Integer { max, .. }) => {
                let number = words.int(i64::MIN)?;
                let number = if number < 0 { max } else { number.min(max) };
                number.to_string().into_bytes()
            }
            (_, Kind::Integer { min, max, .. }) => {
                let number = words.int(min)?;
                if number > max {
                    return Err(ArgumentError::Bounds);
                }
                number.to_string().into_bytes()
            }
            (_, Kind::Switch) => match words.word()? {
                word if word.eq_ignore_ascii_case(b"true") => b"yes".to_vec(),
                word if word.eq_ignore_ascii_case(b"false") => b"no".to_vec(),
                word => word.to_vec(),
            },
            _ => words.word()?.to_vec(),
        };
        Ok((*id, value))
    }
}

fn config(call: &mut Call) -> Result {
    let action = call.args.word()?;
    let known = ["GET", "HELP", "SET"].into_iter();
    let mut known = known.filter(|word| action.eq_ignore_ascii_case(word.as_bytes()));
    let action = known.next().ok_or_else(|| {
        Refusal::made(format!(
            "ERR unknown subcommand '{}'. Try FT.CONFIG HELP.",
            String::from_utf8_lossy(action)
        ))
    })?;
    let name = call.args.try_next();
    let name = name.ok_or_else(|| wrong_arity(&format!("FT.CONFIG|{action}")))?;
    let version = call.session.version;
    match action {
        "SET" => set(call, name),
        action => Ok(shown(&call.context.config, name, version, action == "HELP")),
    }
}

fn is_it(name: &[u8]) -> impl Fn(&&(&str, Source)) -> bool {
    move |(known, _)| name.eq_ignore_ascii_case(known.as_bytes())
}

/// One option, or all of them for `*`: in RESP2 a list of lists, in RESP3 a map.
fn shown(config: &Config, name: &[u8], version: Version, is_help: bool) -> Reply {
    let asked = OPTIONS
        .iter()
        .filter(|option| name == b"*" || is_it(name)(option));
    let entries = asked.map(|(name, source)| {
        let value = source.value(config).map_or(Reply::Null, Reply::bulk);
        let description = || Reply::Simple(source.help());
        (Reply::Simple(name), value, description)
    });
    let named = |description| {
        let pair = (Reply::Simple("Description"), description);
        [pair.0, pair.1, Reply::Simple("Value")]
    };
    match version {
        Version::Resp2 => {
            let lists = entries.map(|(name, value, description)| {
                let mut parts = vec![name];
                if is_help {
                    parts.extend(named(description()));
                }
                parts.push(value);
                Reply::Array(parts)
            });
            Reply::Array(lists.collect())
        }
        Version::Resp3 => {
            let pairs = entries.map(|(name, value, description)| match is_help {
                false => (name, value),
                true => {
                    let [about, text, of] = named(description());
                    (name, Reply::Map(vec![(about, text), (of, value)]))
                }
            });
            Reply::Map(pairs.collect())
        }
    }
}

fn set(call: &mut Call, name: &[u8]) -> Result {
    let option = OPTIONS.iter().find(is_it(name));
    let (_, source) = option.ok_or(Refusal::line("Invalid option"))?;
    if matches!(source, AtStart(_) | Fixed(_)) {
        return Err(Refusal::line("Not modifiable at runtime"));
    }
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let mut words = Words::new(&words);
    let (id, value) = source
        .read(&mut words)
        .map_err(|why| refused(source, why))?;
    let pair = (TABLE[id as usize].name.as_bytes(), value.as_slice());
    let is_local = call.session.client.is_local();
    let applied = call.context.config.set(&[pair], is_local, |_| Ok(()));
    if applied.is_err() {
        return Err(match id {
            Id::SearchDefaultScorer => Refusal::line("Invalid default scorer value"),
            _ => Refusal::made(format!("Invalid {} value", name_of(id))),
        });
    }
    Ok(match words.is_done() {
        true => Reply::ok(),
        false => Reply::Simple("EXCESSARGS"),
    })
}

/// Why a value does not do.
fn refused(source: &Source, why: ArgumentError) -> Refusal {
    let bounds = match source {
        Of(Id::SearchDefaultDialect) => Some("Default dialect version cannot be higher than 4"),
        Of(Id::SearchWorkers) => Some("Number of worker threads cannot exceed 16"),
        _ => None,
    };
    let bounds = bounds.filter(|_| why == ArgumentError::Bounds);
    bounds.map_or_else(|| Refusal::made(why.to_string()), Refusal::line)
}

fn name_of(id: Id) -> &'static str {
    let is_it = |(_, source): &&(&str, Source)| matches!(source, Of(of) if *of == id);
    OPTIONS
        .iter()
        .find(is_it)
        .map_or("option", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, config: &Config) -> String {
        let option = OPTIONS.iter().find(is_it(name.as_bytes()));
        let (_, source) = option.unwrap_or_else(|| panic!("{name}"));
        let value = source.value(config).expect("a value");
        String::from_utf8(value).expect("text")
    }

    #[test]
    fn values_are_in_the_words_of_modules() {
        let config = Config::with(&[("search-max-search-results", "2147483648")]).expect("options");
        let cases = [
            ("timeout", "500"),
            ("ON_TIMEOUT", "return"),
            ("NOGC", "false"),
            ("MAXSEARCHRESULTS", "unlimited"),
            ("DEFAULT_SCORER", "BM25STD"),
            ("GC_POLICY", "fork"),
        ];
        for (name, expected) in cases {
            assert_eq!(value(name, &config), expected, "{name}");
        }
    }

    #[test]
    fn what_is_set_is_checked_as_modules_do() {
        let cases: [(&str, &str, std::result::Result<&str, ArgumentError>); 6] = [
            ("TIMEOUT", "0", Ok("0")),
            ("TIMEOUT", "-1", Err(ArgumentError::Bounds)),
            ("TIMEOUT", "null", Err(ArgumentError::Type)),
            ("MAXSEARCHRESULTS", "-1", Ok("2147483648")),
            ("DEFAULT_DIALECT", "5", Err(ArgumentError::Bounds)),
            ("ENABLE_UNSTABLE_FEATURES", "true", Ok("yes")),
        ];
        for (name, word, expected) in cases {
            let option = OPTIONS.iter().find(is_it(name.as_bytes()));
            let words = [word.as_bytes()];
            let read = option.map(|(_, source)| source.read(&mut Words::new(&words)));
            let read = read.expect("an option").map(|(_, value)| value);
            assert_eq!(
                read,
                expected.map(|text| text.as_bytes().to_vec()),
                "{name} {word}"
            );
        }
    }
}

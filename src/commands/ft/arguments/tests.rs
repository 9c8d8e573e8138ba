//! The table's grammar against what reads the words: what it offers is taken, and what is taken is offered.

use super::super::{aggregate, options::Limits, options::RequestError, schema, search};
use super::*;
use crate::commands::desk::{Desk, Seat};
use crate::commands::ft::COMMANDS;
use crate::commands::table::Command;
use crate::keyspace::documents::schema::SchemaError;
use crate::keyspace::documents::words::Words;
use crate::protocol::Reply;
use std::collections::{BTreeSet, HashSet};

/// An index that answers every option; a request may drop it.
const INDEX: &str =
    "FT.CREATE i ON JSON SCHEMA $.t AS t TEXT $.n AS n NUMERIC SORTABLE $.g AS g GEO";

/// A name that must differ from the others of its request.
const NEW: &str = "new";

/// A word for something of that name.
fn value(name: &str) -> String {
    let value = match name {
        "index" => "i",
        "query" => "*",
        "prefix" | "key" | "stopword" | "payload" | "value" => "p",
        "language-field" | "score-field" | "payload-field" => "$.l",
        "filter" | "expression" => "@n + 1",
        "language" => "german",
        "score" | "weight" | "epsilon" | "quantile" => "0.5",
        "separator" => ";",
        "text-field" | "sortby" => "t",
        "numeric-field" => "n",
        "geo-field" => "g",
        "identifier" => "$.n",
        "property" => "@n",
        "seconds" | "timeout" | "threshold" => "5000",
        "offset" => "0",
        "dialect" => "3",
        "numlinks" | "degree" | "dim" | "size" | "ef" | "initial-cap" | "block-size" => "8",
        "slop" | "factor" | "num" | "read-size" | "idle-time" | "resolution" => "2",
        "min" | "lon" | "lat" => "1",
        "max" | "radius" => "2",
        "field" | "alias" | "name" => NEW,
        other => panic!("no word for {other}"),
    };
    value.to_owned()
}

/// The words that an argument may be: the plainest choice everywhere, and for each other choice words that make it.
fn ways(arg: &Arg) -> Vec<Vec<String>> {
    match arg {
        Arg::Token(token) => vec![vec![(*token).to_owned()]],
        Arg::Option(token, args) => behind(&[(*token).to_owned()], ways_of_all(args)),
        Arg::Optional(arg) => [vec![Vec::new()], ways(arg)].concat(),
        Arg::Multiple(arg) => {
            let mut ways = ways(arg);
            ways.push([&ways[0][..], &ways[0]].concat());
            ways
        }
        Arg::OneOf(args) => args.iter().flat_map(ways).collect(),
        Arg::Block(args) => ways_of_all(args),
        Arg::Key(name) | Arg::Str(name) | Arg::Int(name) | Arg::Double(name) => {
            vec![vec![value(name)]]
        }
        Arg::Time(name) | Arg::Pattern(name) => vec![vec![value(name)]],
    }
}

fn ways_of_all(args: &[Arg]) -> Vec<Vec<String>> {
    let Some((first, rest)) = args.split_first() else {
        return vec![Vec::new()];
    };
    let rest = ways_of_all(rest);
    if let Arg::Int("count" | "nargs") = first {
        // It counts what follows it in its list.
        let counted = |way: Vec<String>| [vec![way.len().to_string()], way].concat();
        return rest.into_iter().map(counted).collect();
    }
    let first = ways(first);
    let others = first[1..].iter();
    let others: Vec<Vec<String>> = others.map(|way| [&way[..], &rest[0]].concat()).collect();
    [behind(&first[0], rest), others].concat()
}

fn behind(words: &[String], ways: Vec<Vec<String>>) -> Vec<Vec<String>> {
    ways.iter().map(|way| [words, way].concat()).collect()
}

fn ask(seat: &mut Seat, command: &Command, words: &[String]) -> Reply {
    seat.reply("FT.DROPINDEX i");
    if !command.name.contains("CREATE") {
        seat.reply(INDEX);
    }
    let request = std::iter::once(command.name).chain(words.iter().map(String::as_str));
    seat.send(request)
}

fn with_options() -> impl Iterator<Item = &'static Command> {
    let names = [
        "CREATE",
        "ALTER",
        "SEARCH",
        "AGGREGATE",
        "PROFILE",
        "EXPLAIN",
    ];
    let commands = COMMANDS.iter();
    commands.filter(move |command| names.iter().any(|name| command.name.contains(name)))
}

#[test]
fn what_the_table_offers_is_taken() {
    // Dialects from 3 on have FORMAT EXPAND, in RESP3.
    let desk = Desk::with(&[("search-default-dialect", "3")]);
    let mut seat = desk.seat().resp3();
    let mut wrong = Vec::new();
    for command in with_options() {
        let requests = ways_of_all(command.args);
        assert!(requests.len() > 5, "{}: {requests:?}", command.name);
        for mut words in requests {
            let new = words.iter_mut().filter(|word| word.as_str() == NEW);
            new.enumerate()
                .for_each(|(at, word)| *word = format!("new{at}"));
            if let Reply::Error(line) = ask(&mut seat, command, &words)
                // Two steps of one name are refused once they are read.
                && !line.contains("specified more than once")
            {
                wrong.push(format!("{} {}: {line}", command.name, words.join(" ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every fixed word in what a command takes.
fn tokens(args: &[Arg], all: &mut HashSet<&'static str>) {
    for arg in args {
        match arg {
            Arg::Token(token) => {
                all.insert(token);
            }
            Arg::Option(token, args) => {
                all.insert(token);
                tokens(args, all);
            }
            Arg::Optional(arg) | Arg::Multiple(arg) => tokens(std::slice::from_ref(arg), all),
            Arg::OneOf(args) | Arg::Block(args) => tokens(args, all),
            _ => {}
        }
    }
}

/// The fixed words that a command may take next after its query.
fn options(args: &[Arg]) -> HashSet<&'static str> {
    let mut all = HashSet::new();
    for arg in args {
        match arg {
            Arg::Token(token) | Arg::Option(token, _) => {
                all.insert(*token);
            }
            Arg::Optional(arg) | Arg::Multiple(arg) => {
                all.extend(options(std::slice::from_ref(arg)));
            }
            Arg::OneOf(args) => all.extend(options(args)),
            _ => {}
        }
    }
    all
}

/// What reads the words.
const READERS: &[&str] = &[
    include_str!("../../../keyspace/documents/schema/create.rs"),
    include_str!("../../../keyspace/documents/schema/field.rs"),
    include_str!("../../../keyspace/documents/schema/vector.rs"),
    include_str!("../../../search/documents/score.rs"),
    include_str!("../options.rs"),
    include_str!("../search.rs"),
    include_str!("../aggregate.rs"),
    include_str!("../reducers.rs"),
];

/// The words that they know: their literals that look like one.
fn known_words() -> BTreeSet<&'static str> {
    let mut words = BTreeSet::new();
    for source in READERS {
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines() {
            let line = line.split("//").next().unwrap_or_default();
            words.extend(
                line.split('"')
                    .skip(1)
                    .step_by(2)
                    .filter(|text| is_word(text)),
            );
        }
    }
    words
}

/// Whether a literal is written as keywords are: `SORTBY`, `SVS-VAMANA`, `LeanVec4x8`.
fn is_word(literal: &str) -> bool {
    let upper = literal.chars().filter(char::is_ascii_uppercase).count();
    let lower = literal.chars().filter(char::is_ascii_lowercase).count();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    literal.chars().all(is_plain) && upper > 0 && (lower == 0 || upper > 1)
}

/// Words that are known and not told: those for tests of RediSearch itself and for options of versions long gone, FT.CURSOR GC,
/// which only it gives itself, and what two words begin with.
const UNTOLD: &[&str] = &[
    "WITHRAWIDS",
    "_NUM_SSTRING",
    "ASYNC",
    "NOSCOREIDX",
    "GC",
    "LeanVec",
];

#[test]
fn every_word_that_is_known_stands_in_the_table() {
    let mut told = HashSet::new();
    for command in COMMANDS {
        tokens(command.args, &mut told);
    }
    let known = known_words();
    assert!(known.len() > 100, "{known:?}");
    let missing: Vec<&&str> = known.iter().filter(|word| !told.contains(**word)).collect();
    let untold: Vec<&&str> = known.iter().filter(|word| UNTOLD.contains(word)).collect();
    assert_eq!(missing, untold);
}

/// Words that a command knows and its table leaves out: they are refused, or have no effect there.
const USELESS: &[(&str, &[&str])] = &[
    ("FT.CREATE", &["ASYNC", "NOSCOREIDX"]),
    // EXPLAINSCORE follows WITHSCORES.
    (
        "FT.SEARCH",
        &[
            "ADDSCORES",
            "EXPLAINSCORE",
            "GROUPBY",
            "WITHRAWIDS",
            "_NUM_SSTRING",
        ],
    ),
    (
        "FT.AGGREGATE",
        &[
            "EXPLAINSCORE",
            "NOCONTENT",
            "RETURN",
            "WITHCOUNT",
            "WITHOUTCOUNT",
            "WITHPAYLOADS",
            "WITHRAWIDS",
            "WITHSCORES",
            "WITHSORTKEYS",
            "_NUM_SSTRING",
        ],
    ),
];

#[test]
fn every_option_that_a_command_knows_stands_in_its_table() {
    for (name, useless) in USELESS {
        let command = COMMANDS.iter().find(|command| command.name == *name);
        let told = options(command.expect(name).args);
        let is_known = |word: &&&str| {
            let limits = Limits::default();
            let (alone, behind) = ([word.as_bytes()], [b"*".as_slice(), word.as_bytes()]);
            let refusal = match *name {
                "FT.CREATE" => {
                    let made = schema::create(&mut Words::new(&alone));
                    return !matches!(made, Err(SchemaError::UnknownArgument(_)));
                }
                "FT.SEARCH" => search::read(&mut Words::new(&behind), &limits).err(),
                _ => aggregate::read(&mut Words::new(&behind), &limits).err(),
            };
            !matches!(refusal, Some(RequestError::Unknown { .. }))
        };
        let known = known_words();
        let known = known.iter().filter(is_known);
        let missing: Vec<&&str> = known.filter(|word| !told.contains(**word)).collect();
        assert_eq!(missing, useless.iter().collect::<Vec<_>>(), "{name}");
    }
}

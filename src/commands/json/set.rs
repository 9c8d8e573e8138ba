//! Writing values: JSON.SET, JSON.MSET, JSON.MERGE.

use super::draft::{Draft, outermost};
use super::path::Path;
use super::{CLASS, GROWS, document_of, errors, parse, utf8};
use crate::commands::args::Args;
use crate::commands::error::{self, Result};
use crate::commands::keys;
use crate::commands::table::{Arg, COMMAND, Command, Group, Results, Together};
use crate::commands::{Call, Context};
use crate::engine::{Access, Decision};
use crate::keyspace::View;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::json::{Document, Edit, Json, Place, Step};
use crate::protocol::{Reply, Request};

/// `JSON.SET key path value [NX | XX] [FORMAT format]`
pub const SET: Command = Command {
    name: "JSON.SET",
    summary: "Sets the values that a path leads to; a document is made at the root.",
    group: Group::Json,
    complexity: "O(M + N), M the size of the document, N that of the value",
    args: &[
        Arg::Key("key"),
        Arg::Str("path"),
        Arg::Str("value"),
        Arg::Optional(&Arg::OneOf(&[Arg::Token("NX"), Arg::Token("XX")])),
        Arg::Optional(&Arg::Option("FORMAT", &[Arg::Str("format")])),
    ],
    flags: GROWS,
    class: CLASS,
    key_flags: &["RW", "update"],
    errors: WRITE_ERRORS,
    examples: &[
        (r#"JSON.SET book $ '{"title":"Dune","year":1965}'"#, "OK"),
        ("JSON.SET book $.pages 412", "OK"),
        ("JSON.SET book $.year 1966 NX", "(nil)"),
        (
            "JSON.GET book",
            r#""{\"title\":\"Dune\",\"year\":1965,\"pages\":412}""#,
        ),
        (
            "JSON.SET shelf $.books 1",
            "(error) ERR new objects must be created at the root",
        ),
    ],
    run: set,
    together: Some(TOGETHER),
    ..COMMAND
};

const WRITE_ERRORS: &[(&str, &str)] = &[
    (
        "ERR new objects must be created at the root",
        "The key is missing, and the path leads into it.",
    ),
    (
        "Err wrong static path",
        "Nothing matches, and the path does not name one place where something could be added.",
    ),
    (
        "ERR array index out of range",
        "Nothing matches, and the path ends with an element.",
    ),
    (
        "Existing key has wrong Redis type",
        "The key holds another kind of value.",
    ),
    (
        "expected value at line 1 column 1",
        "The value is not JSON; any message of the parser may come.",
    ),
    (
        "ERR the document would be nested too deep",
        "More than 512 containers would lie within each other.",
    ),
    (
        "ERR document exceeds maximum allowed size (proto-max-bulk-len)",
        "The path leads to so many places that the copies of the value would be larger than a value may be.",
    ),
];

/// When a value is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    IfMissing,
    IfThere,
    /// As `Always`, for each match by itself, those inside another one too.
    Merging,
}

/// The words of JSON.SET.
struct Words<'r> {
    key: &'r [u8],
    path: Path<'r>,
    value: &'r str,
    condition: Condition,
}

impl<'r> Words<'r> {
    fn take(args: &mut Args<'r>, command: &Command) -> Result<Words<'r>> {
        let mut words = Words {
            key: args.word()?,
            path: Path::new(args.word()?)?,
            value: utf8(args.word()?)?,
            condition: Condition::Always,
        };
        while !args.is_done() {
            let is_free = words.condition == Condition::Always;
            if is_free && args.take("NX") {
                words.condition = Condition::IfMissing;
            } else if is_free && args.take("XX") {
                words.condition = Condition::IfThere;
            } else {
                take_format(args, command)?;
            }
        }
        Ok(words)
    }
}

fn set(call: &mut Call) -> Result {
    let words = Words::take(&mut call.args, call.command)?;
    let (db, context, key) = (call.db(), call.context, words.key);
    let (path, condition, value) = (&words.path, words.condition, parse(words.value));
    call.access.write(db, &[key], |view| {
        if path.is_root() {
            return set_root(view, db, (key, value), condition);
        }
        let document = document_of(view, key)?;
        let value = value?;
        let changes = match document {
            None if condition == Condition::IfThere => Vec::new(),
            None => return Err(errors::NOT_AT_ROOT),
            Some(document) => {
                let targets = targets(&document, path, condition)?;
                set_all(context, &document, targets, value)?.changes(db, key)
            }
        };
        Ok(Decision::with(done_or_null(&changes), changes))
    })
}

/// A value becomes the whole document.
fn set_root(
    view: &View,
    db: usize,
    (key, value): (&[u8], Result<Json>),
    condition: Condition,
) -> Result<Decision<Reply>> {
    let is_there = document_of(view, key)?.is_some();
    let value = value?;
    let changes = match (is_there, condition) {
        (false, Condition::IfThere) | (true, Condition::IfMissing) => Vec::new(),
        _ => vec![root_change(db, key, value)],
    };
    Ok(Decision::with(done_or_null(&changes), changes))
}

/// Requests that each set a whole document, of different keys, run together where an index links their vectors.
const TOGETHER: Together = Together {
    pays: keys::are_linked,
    about: |request| {
        let key = request.get(1)?;
        let is_root = matches!(request.get(2)?, b"$" | b".");
        is_root.then_some((b"".as_slice(), key))
    },
    run: set_together,
};

fn set_together(access: &Access, db: usize, requests: &[Request]) -> Result<Option<Results>> {
    let keys: Option<Vec<&[u8]>> = requests.iter().map(|request| request.get(1)).collect();
    let Some(keys) = keys else {
        return Ok(None);
    };
    Ok(access.write_apart(db, &keys, |view, at| {
        let words = Words::take(&mut Args::new(&requests[at], 1), &SET)?;
        let value = (words.key, parse(words.value));
        set_root(view, db, value, words.condition)
    })?)
}

/// `FORMAT JSON` or `FORMAT STRING`, which are one.
fn take_format(args: &mut Args, command: &Command) -> Result<()> {
    if !args.take("FORMAT") {
        return Err(error::SYNTAX);
    }
    match args.try_next() {
        None => Err(error::wrong_arity(&command.lower_name())),
        Some(b"JSON" | b"STRING") => Ok(()),
        Some(_) => Err(errors::WRONG_FORMAT),
    }
}

fn done_or_null(changes: &[Change]) -> Reply {
    match changes.is_empty() {
        true => Reply::Null,
        false => Reply::ok(),
    }
}

fn root_change(db: usize, key: &[u8], value: Json) -> Change {
    let (place, edit) = (Place::root(), Edit::Set(value));
    Change::new(db, key, Effect::Json { place, edit })
}

/// Where a path sets: at its matches, or at the one place where it would add something.
fn targets(document: &Document, path: &Path, condition: Condition) -> Result<Targets> {
    if condition != Condition::IfMissing {
        let found = path.locate(document)?;
        let places: Vec<Place> = found.into_iter().map(|found| found.place).collect();
        match (places.is_empty(), condition) {
            (false, Condition::Merging) => return Ok(Targets::There(places)),
            (false, _) => return Ok(Targets::There(outermost(places))),
            (true, Condition::IfThere) => return Ok(Targets::There(places)),
            (true, _) => {}
        }
    }
    place_to_add(document, path).map(Targets::New)
}

enum Targets {
    There(Vec<Place>),
    New(Option<Place>),
}

impl Targets {
    fn places(&self) -> &[Place] {
        match self {
            Targets::There(places) => places,
            Targets::New(place) => place.as_slice(),
        }
    }
}

/// The place that a path names inside an object that is there, if nothing is in it.
fn place_to_add(document: &Document, path: &Path) -> Result<Option<Place>> {
    let compiled = path.compiled()?;
    if !compiled.is_single() {
        return Err(errors::NOT_STATIC);
    }
    let Some((parent, name)) = compiled.split_name() else {
        return match path.find(document)?.is_empty() {
            true => Err(errors::NO_ELEMENT),
            false => Ok(None),
        };
    };
    let parents = parent.locate(document.root());
    let parents = parents.map_err(|_| errors::EXHAUSTED)?;
    let free = parents.first().filter(|found| {
        let object = found.node.as_object();
        object.is_some_and(|object| object.get(name).is_none())
    });
    Ok(free.map(|parent| parent.place.then(Step::Name(name.into()))))
}

fn set_all<'d>(
    context: &Context,
    document: &'d Document,
    targets: Targets,
    value: Json,
) -> Result<Draft<'d>> {
    let places = targets.places();
    let mut draft = Draft::new(context, document, places.iter());
    for place in places {
        draft.edit(place, Edit::Set(value.clone()))?;
    }
    Ok(draft)
}

/// `JSON.MSET key path value [key path value ...]`
pub const MSET: Command = Command {
    name: "JSON.MSET",
    summary: "Sets values in several documents in one step: all of them, or none if one is refused.",
    group: Group::Json,
    since: "2.6.0",
    complexity: "O(K * (M + N)), K the number of keys, M the size of a document, N that of a value",
    args: &[Arg::Multiple(&Arg::Block(&[
        Arg::Key("key"),
        Arg::Str("path"),
        Arg::Str("value"),
    ]))],
    flags: GROWS,
    class: CLASS,
    key_flags: &["RW", "update"],
    errors: WRITE_ERRORS,
    examples: &[
        (r#"JSON.MSET a $ '{"n":1}' b $ '{"n":2}'"#, "OK"),
        ("JSON.MSET a $.n 10 b $.m 20", "OK"),
        (
            "JSON.MGET a b $",
            "1) \"[{\\\"n\\\":10}]\"\n2) \"[{\\\"n\\\":2,\\\"m\\\":20}]\"",
        ),
    ],
    run: mset,
    ..COMMAND
};

fn mset(call: &mut Call) -> Result {
    let mut wanted: Vec<(&[u8], Path, Result<Json>)> = Vec::new();
    while !call.args.is_done() {
        if call.args.left() < 3 {
            return Err(error::wrong_arity(&call.command.lower_name()));
        }
        let key = call.args.word()?;
        let path = Path::take(call)?;
        wanted.push((key, path, parse(utf8(call.args.word()?)?)));
    }
    let keys: Vec<&[u8]> = wanted.iter().map(|(key, ..)| *key).collect();
    let (db, context) = (call.db(), call.context);
    call.access.write(db, &keys, |view| {
        let mut changes = Vec::new();
        // Each is judged by the documents as they were: what one of them makes, another one cannot alter yet.
        for (key, path, value) in wanted {
            match document_of(view, key)? {
                _ if path.is_root() => changes.push(root_change(db, key, value?)),
                None => return Err(errors::NOT_AT_ROOT),
                Some(document) => {
                    let targets = targets(&document, &path, Condition::Always)?;
                    let draft = set_all(context, &document, targets, value?)?;
                    changes.extend(draft.changes(db, key));
                }
            }
        }
        Ok(Decision::with(Reply::ok(), changes))
    })
}

/// `JSON.MERGE key path value [FORMAT format]`
pub const MERGE: Command = Command {
    name: "JSON.MERGE",
    summary: "Merges a value into the values that a path leads to, as RFC 7396 says: members replace members, null removes them.",
    group: Group::Json,
    since: "2.6.0",
    complexity: "O(M + N), M the size of the document, N that of the value",
    args: &[
        Arg::Key("key"),
        Arg::Str("path"),
        Arg::Str("value"),
        Arg::Optional(&Arg::Option("FORMAT", &[Arg::Str("format")])),
    ],
    flags: GROWS,
    class: CLASS,
    key_flags: &["RW", "update"],
    errors: WRITE_ERRORS,
    examples: &[
        (r#"JSON.SET book $ '{"title":"Dune","year":1965}'"#, "OK"),
        (r#"JSON.MERGE book $ '{"year":null,"pages":412}'"#, "OK"),
        ("JSON.GET book", r#""{\"title\":\"Dune\",\"pages\":412}""#),
    ],
    run: merge,
    ..COMMAND
};

fn merge(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let path = Path::take(call)?;
    let value = utf8(call.args.word()?)?;
    while !call.args.is_done() {
        take_format(&mut call.args, call.command)?;
    }
    let (db, context, value) = (call.db(), call.context, parse(value));
    call.access.write(db, &[key], |view| {
        let document = document_of(view, key)?;
        let value = value?;
        let changes = match document {
            None if path.is_root() => vec![root_change(db, key, value)],
            None => return Err(errors::NOT_AT_ROOT),
            Some(document) => {
                let targets = targets(&document, &path, Condition::Merging)?;
                merge_all(context, &document, targets, value)?.changes(db, key)
            }
        };
        Ok(Decision::with(done_or_null(&changes), changes))
    })
}

/// What is new is added as it was given, nulls and all.
fn merge_all<'d>(
    context: &Context,
    document: &'d Document,
    targets: Targets,
    value: Json,
) -> Result<Draft<'d>> {
    let Targets::There(places) = &targets else {
        return set_all(context, document, targets, value);
    };
    let mut draft = Draft::new(context, document, places.iter());
    for place in places {
        if draft.at(place).is_some() {
            draft.edit(place, Edit::Merge(value.clone()))?;
        }
    }
    Ok(draft)
}

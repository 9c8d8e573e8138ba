//! FT.CREATE, FT.ALTER, FT.DROPINDEX, the forms that may be repeated, and FT._LIST: indexes come and go.

use super::arguments;
use super::schema::{self, DocumentKind, Field, FieldKind, Schema};
use super::words::Words;
use crate::commands::Call;
use crate::commands::error::{Refusal, Result, wrong_arity};
use crate::commands::table::{Arg, COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::engine::Decision;
use crate::keyspace::View;
use crate::keyspace::change::{Change, Effect};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::json::JsonPath;
use crate::protocol::Reply;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// `SCHEMA field type`: words without which there is no index.
const WORDS_OF_SHORTEST: usize = 3;

/// A reply waits so long for its index to take up what is there.
const FILLING_AWAITED: Duration = Duration::from_millis(100);

/// `FT.CREATE index [ON HASH | JSON] [PREFIX count prefix ...] [option ...] SCHEMA field [AS name] type [option ...] ...`
pub const CREATE: Command = Command {
    name: "FT.CREATE",
    summary: "Creates an index over hashes or JSON documents.",
    group: Group::Search,
    since: "1.0.0",
    complexity: "O(N), N the number of keys with one of the prefixes",
    args: arguments::CREATE,
    // With a word less than it needs it is refused by another name.
    arity: Some(-4),
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::WORLD]),
    class: Class::Aside(Delay::Long),
    examples: &[
        (
            "FT.CREATE pets PREFIX 1 pet: SCHEMA kind TAG age NUMERIC",
            "OK",
        ),
        ("HSET pet:1 kind cat age 3", "(integer) 2"),
        (
            "FT.SEARCH pets '@kind:{cat}' NOCONTENT",
            "1) (integer) 1\n2) \"pet:1\"",
        ),
        (
            "FT.CREATE pets SCHEMA kind TAG",
            "(error) Index already exists",
        ),
    ],
    run: |call| create(call, false),
    ..COMMAND
};

/// `FT.DROPINDEX index [DD]`
pub const DROPINDEX: Command = Command {
    name: "FT.DROPINDEX",
    summary: "Deletes an index; with DD also the documents that it knows.",
    group: Group::Search,
    since: "2.0.0",
    complexity: "O(1), with DD O(N), N the number of documents",
    args: &[Arg::Str("index"), Arg::Optional(&Arg::Token("DD"))],
    flags: flags(&[Flags::WRITE, Flags::WORLD]),
    class: Class::Aside(Delay::Long),
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT.DROPINDEX pets", "OK"),
        ("FT.DROPINDEX pets", "(error) pets: no such index"),
    ],
    run: |call| drop_index(call, false),
    ..COMMAND
};

/// `FT.ALTER index [SKIPINITIALSCAN] SCHEMA ADD field type [option ...] ...`
pub const ALTER: Command = Command {
    name: "FT.ALTER",
    summary: "Adds fields to an index.",
    group: Group::Search,
    since: "1.0.0",
    complexity: "O(N), N the number of documents: all are read anew",
    args: arguments::ALTER,
    arity: Some(-6),
    flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::WORLD]),
    class: Class::Aside(Delay::Long),
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("HSET pet:1 kind cat age 3", "(integer) 2"),
        ("FT.ALTER pets SCHEMA ADD age NUMERIC", "OK"),
        (
            "FT.SEARCH pets '@age:[3 3]' NOCONTENT",
            "1) (integer) 1\n2) \"pet:1\"",
        ),
    ],
    run: |call| alter(call, false),
    ..COMMAND
};

/// `FT._CREATEIFNX index [option ...] SCHEMA field ...`
pub const CREATEIFNX: Command = Command {
    name: "FT._CREATEIFNX",
    summary: "Creates an index, unless there is one of that name.",
    examples: &[
        ("FT._CREATEIFNX pets SCHEMA kind TAG", "OK"),
        ("FT._CREATEIFNX pets SCHEMA age NUMERIC", "OK"),
        ("FT.TAGVALS pets kind", "(empty array)"),
    ],
    run: |call| create(call, true),
    ..CREATE
};

/// `FT._ALTERIFNX index [SKIPINITIALSCAN] SCHEMA ADD field type [option ...] ...`
pub const ALTERIFNX: Command = Command {
    name: "FT._ALTERIFNX",
    summary: "Adds fields to an index, unless it has the first of them.",
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT._ALTERIFNX pets SCHEMA ADD kind TEXT", "OK"),
        ("FT.TAGVALS pets kind", "(empty array)"),
    ],
    run: |call| alter(call, true),
    ..ALTER
};

/// `FT._DROPINDEXIFX index [DD]`
pub const DROPINDEXIFX: Command = Command {
    name: "FT._DROPINDEXIFX",
    summary: "Deletes an index, if there is one; with DD also the documents that it knows.",
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT._DROPINDEXIFX pets", "OK"),
        ("FT._DROPINDEXIFX pets", "OK"),
    ],
    run: |call| drop_index(call, true),
    ..DROPINDEX
};

/// FT._LIST. A word behind it is read over, as the module does.
pub const LIST: Command = Command {
    name: "FT._LIST",
    summary: "Lists the names of all indexes.",
    group: Group::Search,
    since: "2.0.0",
    complexity: "O(N), N the number of indexes",
    arity: Some(-1),
    flags: flags(&[Flags::READONLY]),
    examples: &[
        ("FT.CREATE pets SCHEMA kind TAG", "OK"),
        ("FT._LIST", "1) pets"),
    ],
    run: list,
    ..COMMAND
};

/// The index of that name, for commands that tell of one.
pub fn index(view: &View, name: &[u8]) -> Result<Arc<DocumentIndex>> {
    let name_text = || String::from_utf8_lossy(name);
    named(view, name).ok_or_else(|| Refusal::made(format!("{}: no such index", name_text())))
}

/// The index of that name, for commands that search.
pub fn find_index(view: &View, name: &[u8]) -> Result<Arc<DocumentIndex>> {
    let name_text = || String::from_utf8_lossy(name);
    named(view, name).ok_or_else(|| Refusal::made(format!("No such index {}", name_text())))
}

/// Too few or too many words, where the module counts them in another command, which the first one calls.
pub fn wrong_arity_within(call: &Call) -> Refusal {
    wrong_arity(&format!("_{}", call.command.name))
}

fn named(view: &View, name: &[u8]) -> Option<Arc<DocumentIndex>> {
    let index = view.keyspace().indexes().get(name)?;
    index.usage().touch(view.now_ms);
    Some(index)
}

fn create(call: &mut Call, may_exist: bool) -> Result {
    let name = call.args.word()?;
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    if words.len() < WORDS_OF_SHORTEST {
        return Err(wrong_arity_within(call));
    }
    let view = call.access.view(INDEXED_DB);
    let exists = || match may_exist {
        true => Ok(Reply::ok()),
        false => Err(Refusal::line("Index already exists")),
    };
    // Whether there may be one is known before the words are read: what is wrong with them is not told then.
    let is_there = view.keyspace().indexes().is_index(name);
    if is_there && may_exist {
        return exists();
    }
    if call.db() != INDEXED_DB {
        return Err(Refusal::line("Cannot create index on db != 0"));
    }
    if is_there {
        return exists();
    }
    let schema = schema::create(&mut Words::new(&words))?;
    check_paths(&schema, name)?;
    let schema = Arc::new(schema);
    let reply = call.access.write_world(INDEXED_DB, |view| {
        if view.keyspace().indexes().is_index(name) {
            return exists().map(Decision::unchanged);
        }
        let effect = Effect::CreateIndex { schema };
        Ok(Decision::one(
            Reply::ok(),
            Change::new(INDEXED_DB, name, effect),
        ))
    });
    wait_until_filled(call, name);
    reply
}

/// Lets a small database be indexed before the reply, as people expect who then search at once; a large one goes on behind it.
fn wait_until_filled(call: &Call, name: &[u8]) {
    // A transaction holds what the filling waits for.
    if !call.access.is_in_transaction()
        && let Some(index) = call.access.engine().keyspace().indexes().get(name)
    {
        index.progress().wait(FILLING_AWAITED);
    }
}

fn alter(call: &mut Call, may_be_there: bool) -> Result {
    let name = call.args.word()?;
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let altered = call.access.view(INDEXED_DB).keyspace().indexes().get(name);
    let altered = altered.as_slice();
    let reply = call
        .access
        .write_world_in_turn(INDEXED_DB, altered, |view| {
            let index = index(view, name)?;
            if may_be_there && schema::first_added_is_known(index.schema(), &words) {
                return Ok(Decision::unchanged(Reply::ok()));
            }
            let (mut schema, scans) = schema::alter(index.schema(), &mut Words::new(&words))?;
            check_paths(&schema, index.name())?;
            schema.skips_initial_scan = !scans;
            let schema = Arc::new(schema);
            let change = Change::new(INDEXED_DB, index.name(), Effect::CreateIndex { schema });
            Ok::<_, Refusal>(Decision::one(Reply::ok(), change))
        });
    wait_until_filled(call, name);
    reply
}

/// The module looks at the paths of vectors, and of texts whose positions are kept; fields with other paths are missing then.
fn check_paths(schema: &Schema, index: &[u8]) -> Result<()> {
    let is_looked_at = |field: &&Field| match field.kind {
        FieldKind::Vector(_) => true,
        FieldKind::Text { .. } => !schema.options.no_offsets,
        _ => false,
    };
    let mut fields = schema.fields.iter().filter(is_looked_at);
    let wrong = fields.find(|field| JsonPath::parse(&field.identifier).is_err());
    match wrong.filter(|_| schema.documents == DocumentKind::Json) {
        None => Ok(()),
        Some(Field {
            identifier, name, ..
        }) => Err(Refusal::made(format!(
            "Invalid JSONPath '{identifier}' in attribute '{name}' in index '{}'",
            String::from_utf8_lossy(index)
        ))),
    }
}

fn drop_index(call: &mut Call, may_be_missing: bool) -> Result {
    let name = call.args.word()?;
    let view = call.access.view(INDEXED_DB);
    match index(&view, name) {
        Err(_) if may_be_missing && call.args.left() < 2 => return Ok(Reply::ok()),
        Err(unknown) if !may_be_missing => return Err(unknown),
        _ => {}
    }
    let deletes = match call.args.try_next() {
        None => false,
        Some(_) if !call.args.is_done() => return Err(wrong_arity_within(call)),
        Some(word) if word.eq_ignore_ascii_case(b"DD") => true,
        Some(_) => return Err(Refusal::line("Unknown argument")),
    };
    let decide = |view: &View| {
        let index = match index(view, name) {
            // Somebody else has dropped it meanwhile.
            Err(_) if may_be_missing => return Ok(Decision::unchanged(Reply::ok())),
            index => index?,
        };
        let changes = index.drop_changes(deletes);
        Ok::<_, Refusal>(Decision::with(Reply::ok(), changes))
    };
    match deletes {
        // Other indexes may have the documents too.
        true => {
            let all = view.keyspace().indexes().all();
            call.access.write_world_in_turn(INDEXED_DB, &all, decide)
        }
        false => call.access.write_world(INDEXED_DB, decide),
    }
}

fn list(call: &mut Call) -> Result {
    if call.args.left() > 1 {
        return Err(wrong_arity(call.command.name));
    }
    let all = call.access.view(INDEXED_DB).keyspace().indexes().all();
    let names = all
        .iter()
        .map(|index| Reply::Text(String::from_utf8_lossy(index.name()).into_owned()));
    Ok(Reply::Set(names.collect()))
}

/// Bytes as a reply's string.
pub fn bulk(bytes: &[u8]) -> Reply {
    Reply::Bulk(Bytes::copy_from_slice(bytes))
}

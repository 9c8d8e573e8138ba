//! DEBUG: what tests and people who look for a fault need. It can stall the server, so enable-debug-command says who may use it.

use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::commands::{Call, Context, Session, docs, keys};
use crate::config::Permission;
use crate::engine::Decision;
use crate::keyspace::{Entry, Value, digest};
use crate::protocol::{Reply, number};
use std::sync::Arc;
use std::time::Duration;

/// DEBUG.
pub const COMMANDS: &[Command] = &[Command {
    name: "DEBUG",
    summary: "Helps to test the server and to find its faults.",
    group: Group::Server,
    complexity: "Depends on the subcommand",
    args: &[Arg::OneOf(&[
        Arg::Option("SLEEP", &[Arg::Double("seconds")]),
        Arg::Token("RELOAD"),
        Arg::Token("DIGEST"),
        Arg::Option("DIGEST-VALUE", &[Arg::Multiple(&Arg::Str("key"))]),
        Arg::Option("OBJECT", &[Arg::Str("key")]),
        Arg::Option("HNSW-CHECK", &[Arg::Str("key")]),
        Arg::Option(
            "SET-ACTIVE-EXPIRE",
            &[Arg::OneOf(&[Arg::Token("0"), Arg::Token("1")])],
        ),
        Arg::Token("HELP"),
    ])],
    flags: flags(&[
        Flags::ADMIN,
        Flags::LOADING,
        Flags::STALE,
        Flags::NO_SCRIPT,
        Flags::PROTECTED,
    ]),
    class: Class::Aside(Delay::Long),
    run: debug,
    errors: &[
        (
            "ERR DEBUG command not allowed. ...",
            "The option enable-debug-command does not allow it to this client.",
        ),
        (
            "ERR DEBUG RELOAD is not possible inside a transaction",
            "RELOAD stands between MULTI and EXEC.",
        ),
    ],
    ..COMMAND
}];

const NOT_ALLOWED: Refusal = Refusal::line(
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);
const NOT_IN_TRANSACTION: Refusal =
    Refusal::line("ERR DEBUG RELOAD is not possible inside a transaction");

/// Whether the options allow the command to this client.
pub fn check_allowed(context: &Context, session: &Session) -> Result<()> {
    match context.config.debug_command() {
        Permission::Yes => Ok(()),
        Permission::Local if session.client.is_local() => Ok(()),
        Permission::Local | Permission::No => Err(NOT_ALLOWED),
    }
}

fn debug(call: &mut Call) -> Result {
    let name = call.args.word()?;
    let is_loading = call.context.engine.is_loading();
    match (name.to_ascii_lowercase().as_slice(), call.args.left()) {
        (b"sleep", 1) => sleep(call),
        (b"help", 0) => Ok(help(call.command)),
        _ if is_loading => Err(Refusal::line(
            "LOADING Redis is loading the dataset in memory",
        )),
        (b"reload", 0) => reload(call),
        (b"digest", 0) => {
            let digest = digest::digest(call.context.engine.keyspace());
            Ok(Reply::Text(hexadecimal(&digest)))
        }
        (b"digest-value", 1..) => digest_values(call),
        (b"object", 1) => object(call),
        (b"hnsw-check", 1) => check_graph(call),
        (b"set-active-expire", 1) => {
            let is_on = number::parse_i64(call.args.word()?) != Some(0);
            call.context.engine.set_active_expiry(is_on);
            Ok(Reply::ok())
        }
        _ => Err(Refusal::made(format!(
            "ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
            String::from_utf8_lossy(&name[..name.len().min(128)])
        ))),
    }
}

/// What is no number is no time, as in Redis.
fn sleep(call: &mut Call) -> Result {
    let seconds = number::parse_double(call.args.word()?).unwrap_or(0.0);
    std::thread::sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default());
    Ok(Reply::ok())
}

fn reload(call: &mut Call) -> Result {
    if call.access.is_in_transaction() {
        return Err(NOT_IN_TRANSACTION);
    }
    match call.context.engine.reload() {
        Ok(()) => Ok(Reply::ok()),
        Err(failure) => Err(Refusal::made(format!("ERR reload failed: {failure}"))),
    }
}

fn digest_values(call: &mut Call) -> Result {
    let db = call.db();
    let mut digests = Vec::new();
    for key in call.args.rest_words() {
        let entry = call.access.read(db, key, |view| view.entry(key))?;
        let digest = entry.map_or([0; 20], |entry| digest::digest_value(&entry));
        digests.push(Reply::Text(hexadecimal(&digest)));
    }
    Ok(Reply::Array(digests))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Verifies the invariants of a collection's graph. The key's gate is taken alone, so that the graph is at rest.
fn check_graph(call: &mut Call) -> Result {
    let (db, key) = (call.db(), call.args.word()?);
    let checked = call.access.write(db, &[key], |view| match view.get(key) {
        None => Err(error::NO_SUCH_KEY),
        Some(Value::Collection(collection)) => Ok(Decision::unchanged(collection.index().check())),
        Some(_) => Err(error::WRONG_TYPE),
    })?;
    match checked {
        Ok(()) => Ok(Reply::ok()),
        Err(violation) => Err(Refusal::made(format!(
            "ERR the graph is damaged: {violation}"
        ))),
    }
}

fn object(call: &mut Call) -> Result {
    let key = call.args.word()?;
    let database = call.context.engine.keyspace().database(call.db());
    let entry = database
        .peek(key)
        .filter(|entry| !entry.is_expired(call.now_ms()));
    let entry = entry.ok_or(error::NO_SUCH_KEY)?;
    let now_s = call.now_ms() / 1000;
    let accessed_s = database.accessed_s(key).unwrap_or_default();
    let idle_s = now_s.saturating_sub(accessed_s.into());
    Ok(Reply::Text(format!(
        "Value at:{:#x} refcount:1 encoding:{} serializedlength:{} lru:{accessed_s} lru_seconds_idle:{idle_s}",
        address(&entry),
        keys::encoding_of(&entry.value, &call.context.config),
        bytes(&entry),
    )))
}

fn address(entry: &Entry) -> usize {
    match &entry.value {
        Value::String(bytes) => bytes.as_ptr().addr(),
        Value::Set(set) => Arc::as_ptr(set).addr(),
        Value::SortedSet(set) => Arc::as_ptr(set).addr(),
        Value::List(list) => Arc::as_ptr(list).addr(),
        Value::Hash(hash) => Arc::as_ptr(hash).addr(),
        Value::Json(document) => Arc::as_ptr(document).addr(),
        Value::Collection(collection) => Arc::as_ptr(collection).addr(),
    }
}

fn bytes(entry: &Entry) -> usize {
    match &entry.value {
        Value::String(bytes) => bytes.len(),
        Value::Set(set) => set.bytes(),
        Value::SortedSet(set) => set.bytes(),
        Value::List(list) => list.bytes(),
        Value::Hash(hash) => hash.bytes(),
        Value::Json(document) => document.bytes(),
        Value::Collection(collection) => collection.memory().total() as usize,
    }
}

fn help(command: &Command) -> Reply {
    let mut lines =
        vec!["DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:".to_owned()];
    if let [Arg::OneOf(subcommands)] = command.args {
        lines.extend(subcommands.iter().map(docs::arg_syntax));
    }
    Reply::Array(lines.into_iter().map(Reply::Text).collect())
}

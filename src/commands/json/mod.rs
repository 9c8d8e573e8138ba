//! JSON documents: JSON.SET and its family, as RedisJSON 8.4 has it.
//!
//! A path that begins with `$` speaks of all its matches, and the reply is an array with an answer for each. A path of the
//! older form speaks of one match, and the reply is that answer, or an error.

mod array;
mod delete;
mod draft;
mod errors;
mod get;
mod length;
mod look;
mod number;
mod path;
mod scalar;
mod set;
#[cfg(test)]
mod tests;

use super::error::{Refusal, Result};
use super::keys;
use super::table::{Class, Command, Flags, flags};
use super::{Context, Session};
use crate::keyspace::json::{Document, Json, Node};
use crate::keyspace::{Value, View};
use crate::protocol::{Reply, Request};
use std::sync::Arc;

/// The family.
pub const COMMANDS: &[Command] = &[
    set::SET,
    set::MSET,
    set::MERGE,
    get::GET,
    get::MGET,
    delete::DEL,
    delete::FORGET,
    delete::CLEAR,
    number::NUMINCRBY,
    number::NUMMULTBY,
    number::NUMPOWBY,
    scalar::STRAPPEND,
    scalar::TOGGLE,
    array::ARRAPPEND,
    array::ARRINSERT,
    array::ARRPOP,
    array::ARRTRIM,
    length::ARRLEN,
    length::OBJLEN,
    length::STRLEN,
    look::ARRINDEX,
    look::OBJKEYS,
    look::TYPE,
    look::RESP,
    look::DEBUG,
];

/// Flags of what only looks.
const LOOKS: Flags = flags(&[Flags::READONLY]);
/// Flags of what makes documents smaller, or leaves their size about as it is.
const ALTERS: Flags = flags(&[Flags::WRITE]);
/// Flags of what makes documents larger.
const GROWS: Flags = flags(&[Flags::WRITE, Flags::DENYOOM]);
/// Where all of them run.
const CLASS: Class = Class::Predicted(cost);

/// Bytes of JSON that are read in a microsecond, about.
const PARSED_BYTES_PER_US: u64 = 150;

/// The text that comes with the request is parsed, and the documents are gone through.
fn cost(context: &Context, session: &Session, request: &Request) -> u64 {
    let parsed = request.byte_len() as u64 / PARSED_BYTES_PER_US;
    parsed + keys::cost_of_values(context, session, request)
}

/// The document under `key`, if the key is there.
fn document_of(view: &View, key: &[u8]) -> Result<Option<Arc<Document>>> {
    match view.get(key) {
        None => Ok(None),
        Some(Value::Json(document)) => Ok(Some(document)),
        Some(_) => Err(errors::WRONG_KEY),
    }
}

/// As `document_of`; an error if the key is missing.
fn there(view: &View, key: &[u8]) -> Result<Arc<Document>> {
    document_of(view, key)?.ok_or(errors::NO_KEY)
}

/// A word that has to be text.
fn utf8(word: &[u8]) -> Result<&str> {
    std::str::from_utf8(word).map_err(|_| errors::NOT_UTF8)
}

/// A value as SET and the like take it.
fn parse(text: &str) -> Result<Json> {
    Json::parse(text).map_err(|error| Refusal::made(error.to_string()))
}

/// A value where RedisJSON puts the error code before what is wrong.
fn parse_coded(text: &str) -> Result<Json> {
    Json::parse(text).map_err(|error| Refusal::made(format!("ERR {error}")))
}

/// A node as its JSON text.
fn text_reply(node: Node) -> Reply {
    Reply::bulk(node.to_text())
}

/// The name of a node's kind.
fn kind(node: Node) -> &'static str {
    match node {
        Node::Null => "null",
        Node::Bool(_) => "boolean",
        Node::Int(_) | Node::Uint(_) => "integer",
        Node::Float(_) => "number",
        Node::Text(_) => "string",
        Node::Array(_) => "array",
        Node::Object(_) => "object",
    }
}

//! The words of the log: each change as one command, an array of bulk strings in RESP; where Redis has a command with that
//! effect, it is that command. A closed list, told row by row in docs/log-format.md. A word keeps its meaning for ever: a
//! log may be older than the server that reads it, so words are added here and never changed.
//!
//! What Redis would draw, look up or take from its configuration stands in the words themselves: times are absolute,
//! conditions are decided, the quantization and M of a set are spelled out.
//!
//! One file for each family of changes has its words in both directions; write.rs and read.rs are what they are made of.

mod collections;
mod documents;
mod hashes;
mod json;
mod keys;
mod lists;
mod read;
mod sets;
mod strings;
mod write;

use crate::keyspace::change::{Change, Effect};
use bytes::Bytes;
use read::{Args, Commands, Read};
use std::fmt;
use write::{digits, write, write_with_list};

/// Why a body is not made of these words. Its checksum was right, so somebody else wrote it, or a newer server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordError {
    /// Where in the body the command begins, in bytes.
    pub offset: usize,
    /// Its name, as far as it has one.
    pub word: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for WordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at byte {}: {}", self.word, self.offset, self.what)
    }
}

impl std::error::Error for WordError {}

/// Begins changes that belong together.
pub(super) const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
/// Ends them.
pub(super) const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// Appends the word that makes `db` the database of what follows.
pub fn encode_select(db: usize, out: &mut Vec<u8>) {
    write(out, &[b"SELECT", &digits(db as u64)]);
}

/// Appends the words of one change. Of its database they say nothing: see [`encode_select`].
pub fn encode(change: &Change, out: &mut Vec<u8>) {
    let key = &*change.key;
    match &change.effect {
        Effect::Set { value, expiry } => strings::encode_set(key, value, *expiry, out),
        Effect::Append { suffix } => write(out, &[b"APPEND", key, suffix]),
        Effect::SetRange { offset, part } => strings::encode_range(key, *offset, part, out),
        Effect::SetAdd { members } => write_with_list(out, &[b"SADD", key], members),
        Effect::SetRemove { members } => write_with_list(out, &[b"SREM", key], members),
        Effect::SortedSetAdd { members } => sets::encode_scores(key, members, out),
        Effect::SortedSetRemove { members } => write_with_list(out, &[b"ZREM", key], members),
        Effect::ListPush { end, elements } => lists::encode_push(key, *end, elements, out),
        Effect::ListPop { end, count } => lists::encode_pop(key, *end, *count, out),
        Effect::ListSet { place, element } => lists::encode_set(key, *place, element, out),
        Effect::ListInsert {
            side,
            pivot,
            element,
        } => lists::encode_insert(key, *side, [pivot, element], out),
        Effect::ListRemove {
            end,
            count,
            element,
        } => lists::encode_remove(key, *end, *count, element, out),
        Effect::ListTrim { first, last } => lists::encode_trim(key, *first, *last, out),
        Effect::Delete => write(out, &[b"DEL", key]),
        Effect::ExpireAt { at_ms } => write(out, &[b"PEXPIREAT", key, &digits(*at_ms)]),
        Effect::Persist => write(out, &[b"PERSIST", key]),
        Effect::Rename { to } => write(out, &[b"RENAME", key, to]),
        Effect::Copy { to_db, to } => keys::encode_copy(key, *to_db, to, out),
        Effect::Move { to_db } => write(out, &[b"MOVE", key, &digits(*to_db as u64)]),
        Effect::FlushDb => write(out, &[b"FLUSHDB"]),
        Effect::FlushAll => write(out, &[b"FLUSHALL"]),
        Effect::SwapDb { with } => keys::encode_swap(change.db, *with, out),
        Effect::HashSet { fields, expiry } => hashes::encode_set(key, fields, *expiry, out),
        Effect::HashDelete { fields } => write_with_list(out, &[b"HDEL", key], fields),
        Effect::HashExpireAt { at_ms, fields } => hashes::encode_expiry(key, *at_ms, fields, out),
        Effect::HashPersist { fields } => hashes::encode_persist(key, fields, out),
        Effect::Json { place, edit } => json::encode(key, place, edit, out),
        Effect::CreateIndex { schema } => documents::encode_create(key, schema, out),
        Effect::DropIndex => write(out, &[b"FT.DROPINDEX", key]),
        Effect::SetAlias { index } => write(out, &[b"FT.ALIASUPDATE", key, index]),
        Effect::DropAlias => write(out, &[b"FT.ALIASDEL", key]),
        Effect::CreateCollection { schema } => collections::encode_create(key, schema, out),
        Effect::Upsert(upsert) => collections::encode_upsert(key, upsert, out),
        Effect::Remove { element } => write(out, &[b"VREM", key, element]),
        Effect::SetAttributes {
            element,
            attributes,
        } => write(out, &[b"VSETATTR", key, element, attributes]),
    }
}

/// Reads the body of one record: each change in order goes to `each`. `db` is the database that is selected before, and
/// after. Strings share `body`, so keep none of them beyond it.
///
/// # Errors
/// When a command is not in the list or malformed; the changes before it have been handed out by then.
pub fn decode(body: &Bytes, db: &mut usize, mut each: impl FnMut(Change)) -> Result<(), WordError> {
    let mut commands = Commands::new(body);
    let mut words = Vec::new();
    let mut is_open = false;
    while !commands.is_at_end() {
        let offset = commands.position();
        let result = commands.next(&mut words).and_then(|()| {
            let mut args = Args::new(&words);
            let name = args.next()?;
            match &name[..] {
                b"SELECT" => *db = args.size()?,
                b"MULTI" if !is_open => is_open = true,
                b"EXEC" if is_open => is_open = false,
                name => each(decode_change(name, &mut args, *db)?),
            }
            args.end()
        });
        result.map_err(|what| error(offset, words.first(), what))?;
    }
    match is_open {
        true => Err(error(body.len(), None, "MULTI has no EXEC")),
        false => Ok(()),
    }
}

fn error(offset: usize, word: Option<&Bytes>, what: &'static str) -> WordError {
    let word = word.map_or(String::new(), |word| {
        String::from_utf8_lossy(word.get(..32).unwrap_or(word)).into_owned()
    });
    WordError { offset, word, what }
}

/// Reads a command of one family; none if its name is none of the family's.
type Decode = fn(&[u8], &mut Args<'_>) -> Read<Option<Effect>>;

const FAMILIES: [Decode; 8] = [
    collections::decode,
    strings::decode,
    hashes::decode,
    keys::decode,
    json::decode,
    sets::decode,
    lists::decode,
    documents::decode,
];

fn decode_change(name: &[u8], args: &mut Args<'_>, db: usize) -> Read<Change> {
    if let Some((db, effect)) = keys::decode_databases(name, args, db)? {
        return Ok(Change::new(db, b"", effect));
    }
    let key = args.next()?;
    for decode in FAMILIES {
        if let Some(effect) = decode(name, args)? {
            return Ok(Change::new(db, &key, effect));
        }
    }
    Err("no such word")
}

#[cfg(test)]
mod tests;

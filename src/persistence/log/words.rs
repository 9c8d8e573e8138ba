//! The words of the log: each change as one command, an array of bulk strings in RESP; where Redis has a command with that
//! effect, it is that command. A closed list, told row by row in docs/log-format.md. A word keeps its meaning for ever: a
//! log may be older than the server that reads it, so words are added here and never changed.
//!
//! What Redis would draw, look up or take from its configuration stands in the words themselves: times are absolute,
//! conditions are decided, the quantization and M of a set are spelled out.

use crate::keyspace::change::{Change, Effect, Expiry, Upsert};
use crate::keyspace::collection::{
    IndexKind, IndexOptions, Metric, Quantization, Schema, WalkedOn,
};
use crate::keyspace::documents;
use crate::keyspace::json::{Edit, Json, Node, Place};
use crate::keyspace::list::End;
use crate::protocol::number::{double_text, parse_double, parse_u64};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

// Vectors are written as they lie in memory, and are little endian on disk.
const _: () = assert!(cfg!(target_endian = "little"));

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

/// Appends the words of one change. Of its database they say nothing: see [`encode_select`].
pub fn encode(change: &Change, out: &mut Vec<u8>) {
    let key = &*change.key;
    match &change.effect {
        Effect::Set { value, expiry } => match expiry {
            Expiry::Clear => write(out, &[b"SET", key, value]),
            Expiry::Keep => write(out, &[b"SET", key, value, b"KEEPTTL"]),
            Expiry::At(at_ms) => write(out, &[b"SET", key, value, b"PXAT", &digits(*at_ms)]),
        },
        Effect::Append { suffix } => write(out, &[b"APPEND", key, suffix]),
        Effect::SetRange { offset, part } => {
            write(out, &[b"SETRANGE", key, &digits(*offset as u64), part]);
        }
        Effect::SetAdd { members } => write_with_list(out, &[b"SADD", key], members),
        Effect::SetRemove { members } => write_with_list(out, &[b"SREM", key], members),
        Effect::SortedSetAdd { members } => encode_scores(key, members, out),
        Effect::SortedSetRemove { members } => write_with_list(out, &[b"ZREM", key], members),
        Effect::ListPush { end, elements } => {
            write_with_list(out, &[at_end(*end, b"LPUSH", b"RPUSH"), key], elements);
        }
        Effect::ListPop { end, count } => {
            let word = at_end(*end, b"LPOP", b"RPOP");
            write(out, &[word, key, &digits(*count as u64)]);
        }
        Effect::ListSet { place, element } => {
            write(out, &[b"LSET", key, &digits(*place as u64), element]);
        }
        Effect::ListInsert {
            side,
            pivot,
            element,
        } => {
            let side = at_end(*side, b"BEFORE", b"AFTER");
            write(out, &[b"LINSERT", key, side, pivot, element]);
        }
        Effect::ListRemove {
            end,
            count,
            element,
        } => {
            let mut signed = Digits::from_slice(at_end(*end, b"", b"-"));
            signed.extend_from_slice(&digits(*count as u64));
            write(out, &[b"LREM", key, &signed, element]);
        }
        Effect::ListTrim { first, last } => {
            let (first, last) = (digits(*first as u64), digits(*last as u64));
            write(out, &[b"LTRIM", key, &first, &last]);
        }
        Effect::Delete => write(out, &[b"DEL", key]),
        Effect::ExpireAt { at_ms } => write(out, &[b"PEXPIREAT", key, &digits(*at_ms)]),
        Effect::Persist => write(out, &[b"PERSIST", key]),
        Effect::Rename { to } => write(out, &[b"RENAME", key, to]),
        Effect::Copy { to_db, to } => {
            write(
                out,
                &[b"COPY", key, to, b"DB", &digits(*to_db as u64), b"REPLACE"],
            );
        }
        Effect::Move { to_db } => write(out, &[b"MOVE", key, &digits(*to_db as u64)]),
        Effect::FlushDb => write(out, &[b"FLUSHDB"]),
        Effect::FlushAll => write(out, &[b"FLUSHALL"]),
        Effect::SwapDb { with } => {
            write(
                out,
                &[b"SWAPDB", &digits(change.db as u64), &digits(*with as u64)],
            );
        }
        Effect::HashSet { fields, expiry } => encode_hash_set(key, fields, *expiry, out),
        Effect::HashDelete { fields } => write_with_list(out, &[b"HDEL", key], fields),
        Effect::HashExpireAt { at_ms, fields } => {
            let n = digits(fields.len() as u64);
            write_with_list(
                out,
                &[b"HPEXPIREAT", key, &digits(*at_ms), b"FIELDS", &n],
                fields,
            );
        }
        Effect::HashPersist { fields } => {
            let n = digits(fields.len() as u64);
            write_with_list(out, &[b"HPERSIST", key, b"FIELDS", &n], fields);
        }
        Effect::Json { place, edit } => encode_edit(key, place, edit, out),
        Effect::CreateIndex { schema } => {
            let words: Vec<Bytes> = schema.to_words().into_iter().map(Bytes::from).collect();
            write_with_list(out, &[b"FT.CREATE", key], &words);
        }
        Effect::DropIndex => write(out, &[b"FT.DROPINDEX", key]),
        Effect::SetAlias { index } => write(out, &[b"FT.ALIASUPDATE", key, index]),
        Effect::DropAlias => write(out, &[b"FT.ALIASDEL", key]),
        Effect::CreateCollection { schema } => encode_create(key, schema, out),
        Effect::Upsert(upsert) => encode_upsert(key, upsert, out),
        Effect::Remove { element } => write(out, &[b"VREM", key, element]),
        Effect::SetAttributes {
            element,
            attributes,
        } => {
            write(out, &[b"VSETATTR", key, element, attributes]);
        }
    }
}

/// Appends the word that makes `db` the database of what follows.
pub fn encode_select(db: usize, out: &mut Vec<u8>) {
    write(out, &[b"SELECT", &digits(db as u64)]);
}

/// Begins changes that belong together.
pub(super) const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
/// Ends them.
pub(super) const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

fn encode_scores(key: &[u8], members: &[(f64, Bytes)], out: &mut Vec<u8>) {
    write_count(out, 2 + 2 * members.len());
    write_word(out, b"ZADD");
    write_word(out, key);
    for (score, member) in members {
        write_word(out, &double_text(*score));
        write_word(out, member);
    }
}

/// The word for one end of a list, or the other.
fn at_end(end: End, front: &'static [u8], back: &'static [u8]) -> &'static [u8] {
    match end {
        End::Front => front,
        End::Back => back,
    }
}

fn encode_hash_set(key: &[u8], fields: &[(Bytes, Bytes)], expiry: Expiry, out: &mut Vec<u8>) {
    let n = digits(fields.len() as u64);
    let at_ms = if let Expiry::At(at_ms) = expiry {
        at_ms
    } else {
        0
    };
    let at_ms = digits(at_ms);
    let head: &[&[u8]] = match expiry {
        Expiry::Clear => &[b"HSET", key],
        Expiry::Keep => &[b"HSETEX", key, b"KEEPTTL", b"FIELDS", &n],
        Expiry::At(_) => &[b"HSETEX", key, b"PXAT", &at_ms, b"FIELDS", &n],
    };
    write_count(out, head.len() + 2 * fields.len());
    head.iter().for_each(|word| write_word(out, word));
    for (name, value) in fields {
        write_word(out, name);
        write_word(out, value);
    }
}

/// A trimmed array keeps `start ..= stop`; none of it when stop lies before start.
fn encode_edit(key: &[u8], place: &Place, edit: &Edit, out: &mut Vec<u8>) {
    let place = place.to_string();
    let place = place.as_bytes();
    match edit {
        Edit::Set(value) => write(out, &[b"JSON.SET", key, place, &value.node().to_text()]),
        Edit::Delete => write(out, &[b"JSON.DEL", key, place]),
        Edit::Merge(patch) => write(out, &[b"JSON.MERGE", key, place, &patch.node().to_text()]),
        Edit::Append(suffix) => {
            let suffix = Node::Text(suffix).to_text();
            write(out, &[b"JSON.STRAPPEND", key, place, &suffix]);
        }
        Edit::Insert { at, values } => {
            let values: Vec<Bytes> = values.iter().map(|v| v.node().to_text().into()).collect();
            let head: [&[u8]; 4] = [b"JSON.ARRINSERT", key, place, &digits(*at as u64)];
            write_with_list(out, &head, &values);
        }
        Edit::Pop { at } => write(out, &[b"JSON.ARRPOP", key, place, &digits(*at as u64)]),
        Edit::Trim { start, len } => {
            let (start, stop) = match *len {
                0 => (1, 0),
                len => (*start, *start + len - 1),
            };
            let (start, stop) = (digits(start as u64), digits(stop as u64));
            write(out, &[b"JSON.ARRTRIM", key, place, &start, &stop]);
        }
    }
}

fn encode_create(key: &[u8], schema: &Schema, out: &mut Vec<u8>) {
    let index = &schema.index;
    let (dim, m) = (digits(index.dim.into()), digits(index.m.into()));
    let ef = digits(index.ef_construction.into());
    let from = schema.projected_from.map(|from| digits(from.into()));
    let recall = schema
        .recall
        .map(|millionths| (f64::from(millionths) / 1e6).to_string());
    let is_walked_as_stored = index.walked_on == WalkedOn::Stored;
    let optional = [is_walked_as_stored, recall.is_some(), from.is_some()];
    write_count(
        out,
        14 + 2 * optional.iter().filter(|is_there| **is_there).count(),
    );
    let fixed: [&[u8]; 14] = [
        b"VCREATE",
        key,
        b"DIM",
        &dim,
        b"METRIC",
        metric_word(index.metric),
        b"TYPE",
        type_word(index.quantization),
        b"M",
        &m,
        b"EF",
        &ef,
        b"INDEX",
        kind_word(index.kind),
    ];
    fixed.iter().for_each(|word| write_word(out, word));
    if is_walked_as_stored {
        write_word(out, b"WALK");
        write_word(out, b"SAME");
    }
    if let Some(recall) = recall {
        write_word(out, b"RECALL");
        write_word(out, recall.as_bytes());
    }
    if let Some(from) = from {
        write_word(out, b"FROM");
        write_word(out, &from);
    }
}

/// The element's vector as it came in. A declared collection's own schema counts at replay; of any other the words say what
/// it is made with.
fn encode_upsert(key: &[u8], upsert: &Upsert, out: &mut Vec<u8>) {
    let implied = upsert.schema.as_ref().filter(|schema| !schema.declared);
    let reduce = implied.filter(|schema| schema.projected_from.is_some());
    let words = 5
        + 2 * usize::from(reduce.is_some())
        + 3 * usize::from(implied.is_some())
        + 2 * usize::from(upsert.ef.is_some())
        + 2 * usize::from(upsert.attributes.is_some());
    write_count(out, words);
    write_word(out, b"VADD");
    write_word(out, key);
    if let Some(schema) = reduce {
        write_word(out, b"REDUCE");
        write_word(out, &digits(schema.index.dim.into()));
    }
    write_word(out, b"FP32");
    write_word(out, bytemuck::cast_slice(&upsert.vector));
    write_word(out, &upsert.element);
    if let Some(schema) = implied {
        debug_assert!(
            is_implied(schema, upsert.vector.len()),
            "{schema:?} cannot be said"
        );
        write_word(out, implied_type_word(schema.index.quantization));
    }
    if let Some(ef) = upsert.ef {
        write_word(out, b"EF");
        write_word(out, &digits(ef.into()));
    }
    if let Some(schema) = implied {
        write_word(out, b"M");
        write_word(out, &digits(schema.index.m.into()));
    }
    if let Some(attributes) = &upsert.attributes {
        write_word(out, b"SETATTR");
        write_word(out, attributes);
    }
}

/// Whether the words of an upsert can say all of a schema.
fn is_implied(schema: &Schema, vector_len: usize) -> bool {
    let index = &schema.index;
    let said = Schema::implied(
        index.dim,
        schema.projected_from,
        index.quantization,
        index.m,
    );
    *schema == said && schema.input_dim() as usize == vector_len
}

/// Reads the body of one record: each change in order goes to `each`. `db` is the database that is selected before, and
/// after. Strings share `body`, so keep none of them beyond it.
///
/// # Errors
/// When a command is not in the list or malformed; the changes before it have been handed out by then.
pub fn decode(body: &Bytes, db: &mut usize, mut each: impl FnMut(Change)) -> Result<(), WordError> {
    let mut commands = Commands { body, position: 0 };
    let mut words = Vec::new();
    let mut is_open = false;
    while commands.position < body.len() {
        let offset = commands.position;
        let result = commands.next(&mut words).and_then(|()| {
            let mut args = Args(words.iter());
            let name = args.next()?;
            match &name[..] {
                b"SELECT" => *db = args.number()? as usize,
                b"MULTI" if !is_open => is_open = true,
                b"EXEC" if is_open => is_open = false,
                name => each(decode_change(name, &mut args, *db)?),
            }
            args.end()
        });
        result.map_err(|what| error(offset, words.first(), what))?;
    }
    if is_open {
        Err(error(body.len(), None, "MULTI has no EXEC"))
    } else {
        Ok(())
    }
}

fn error(offset: usize, word: Option<&Bytes>, what: &'static str) -> WordError {
    let word = word.map_or(String::new(), |word| {
        String::from_utf8_lossy(word.get(..32).unwrap_or(word)).into_owned()
    });
    WordError { offset, word, what }
}

fn decode_change(name: &[u8], args: &mut Args<'_>, db: usize) -> Result<Change, &'static str> {
    if name == b"SWAPDB" {
        let db = args.number()? as usize;
        return Ok(Change::new(
            db,
            b"",
            Effect::SwapDb {
                with: args.number()? as usize,
            },
        ));
    }
    if let b"FLUSHDB" | b"FLUSHALL" = name {
        let effect = if name == b"FLUSHDB" {
            Effect::FlushDb
        } else {
            Effect::FlushAll
        };
        return Ok(Change::new(db, b"", effect));
    }
    let key = args.next()?;
    let effect = match name {
        b"FT.CREATE" => decode_index(args)?,
        b"FT.DROPINDEX" => Effect::DropIndex,
        b"FT.ALIASUPDATE" => Effect::SetAlias {
            index: args.next()?[..].into(),
        },
        b"FT.ALIASDEL" => Effect::DropAlias,
        b"SET" => Effect::Set {
            value: args.next()?,
            expiry: args.expiry()?,
        },
        b"APPEND" => Effect::Append {
            suffix: args.next()?,
        },
        b"SETRANGE" => Effect::SetRange {
            offset: args.number()? as usize,
            part: args.next()?,
        },
        b"SADD" => Effect::SetAdd {
            members: args.rest(),
        },
        b"SREM" => Effect::SetRemove {
            members: args.rest(),
        },
        b"ZADD" => Effect::SortedSetAdd {
            members: args.scores()?,
        },
        b"ZREM" => Effect::SortedSetRemove {
            members: args.rest(),
        },
        b"LPUSH" | b"RPUSH" | b"LPOP" | b"RPOP" | b"LSET" | b"LINSERT" | b"LREM" | b"LTRIM" => {
            decode_list(name, args)?
        }
        b"DEL" => Effect::Delete,
        b"PEXPIREAT" => Effect::ExpireAt {
            at_ms: args.number()?,
        },
        b"PERSIST" => Effect::Persist,
        b"RENAME" => Effect::Rename { to: args.key()? },
        b"COPY" => decode_copy(args)?,
        b"MOVE" => Effect::Move {
            to_db: args.number()? as usize,
        },
        b"HSET" => Effect::HashSet {
            fields: args.pairs()?,
            expiry: Expiry::Clear,
        },
        b"HSETEX" => {
            let expiry = args.expiry()?;
            args.count(2)?;
            Effect::HashSet {
                fields: args.pairs()?,
                expiry,
            }
        }
        b"HDEL" => Effect::HashDelete {
            fields: args.rest(),
        },
        b"HPEXPIREAT" => {
            let at_ms = args.number()?;
            args.count(1)?;
            Effect::HashExpireAt {
                at_ms,
                fields: args.rest(),
            }
        }
        b"HPERSIST" => {
            args.count(1)?;
            Effect::HashPersist {
                fields: args.rest(),
            }
        }
        name if name.starts_with(b"JSON.") => Effect::Json {
            place: args.place()?,
            edit: decode_edit(name, args)?,
        },
        b"VCREATE" => Effect::CreateCollection {
            schema: Box::new(decode_create(args)?),
        },
        b"VADD" => Effect::Upsert(Box::new(decode_upsert(args)?)),
        b"VREM" => Effect::Remove {
            element: args.next()?,
        },
        b"VSETATTR" => Effect::SetAttributes {
            element: args.next()?,
            attributes: args.next()?,
        },
        _ => return Err("no such word"),
    };
    Ok(Change::new(db, &key, effect))
}

fn decode_index(args: &mut Args<'_>) -> Result<Effect, &'static str> {
    let words = args.rest();
    let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
    let mut words = documents::words::Words::new(&words);
    let schema = documents::schema::create(&mut words).map_err(|_| "not the words of an index")?;
    Ok(Effect::CreateIndex {
        schema: Arc::new(schema),
    })
}

fn decode_list(name: &[u8], args: &mut Args<'_>) -> Result<Effect, &'static str> {
    let end = match name {
        b"RPUSH" | b"RPOP" => End::Back,
        _ => End::Front,
    };
    Ok(match name {
        b"LPUSH" | b"RPUSH" => Effect::ListPush {
            end,
            elements: args.rest(),
        },
        b"LPOP" | b"RPOP" => Effect::ListPop {
            end,
            count: args.number()? as usize,
        },
        b"LSET" => Effect::ListSet {
            place: args.number()? as usize,
            element: args.next()?,
        },
        b"LINSERT" => Effect::ListInsert {
            side: match &args.next()?[..] {
                b"BEFORE" => End::Front,
                b"AFTER" => End::Back,
                _ => return Err("neither BEFORE nor AFTER"),
            },
            pivot: args.next()?,
            element: args.next()?,
        },
        b"LREM" => decode_list_remove(args)?,
        _ => Effect::ListTrim {
            first: args.number()? as usize,
            last: args.number()? as usize,
        },
    })
}

/// The count is below zero where it is counted from the last element.
fn decode_list_remove(args: &mut Args<'_>) -> Result<Effect, &'static str> {
    let count = args.next()?;
    let (end, digits) = match count.strip_prefix(b"-") {
        Some(digits) => (End::Back, digits),
        None => (End::Front, &count[..]),
    };
    let count = parse_u64(digits).ok_or("a number is expected")? as usize;
    Ok(Effect::ListRemove {
        end,
        count,
        element: args.next()?,
    })
}

fn decode_copy(args: &mut Args<'_>) -> Result<Effect, &'static str> {
    let to = args.key()?;
    args.expect(b"DB")?;
    let to_db = args.number()? as usize;
    args.expect(b"REPLACE")?;
    Ok(Effect::Copy { to_db, to })
}

fn decode_edit(name: &[u8], args: &mut Args<'_>) -> Result<Edit, &'static str> {
    Ok(match name {
        b"JSON.SET" => Edit::Set(args.json()?),
        b"JSON.DEL" => Edit::Delete,
        b"JSON.MERGE" => Edit::Merge(args.json()?),
        b"JSON.STRAPPEND" => match args.json()? {
            Json::Text(suffix) => Edit::Append(suffix),
            _ => return Err("a string is expected"),
        },
        b"JSON.ARRINSERT" => {
            let at = args.number()? as usize;
            let mut values = vec![args.json()?];
            while args.0.len() > 0 {
                values.push(args.json()?);
            }
            Edit::Insert { at, values }
        }
        b"JSON.ARRPOP" => Edit::Pop {
            at: args.number()? as usize,
        },
        b"JSON.ARRTRIM" => {
            let (start, stop) = (args.number()? as usize, args.number()? as usize);
            match start > stop {
                true => Edit::Trim { start: 0, len: 0 },
                false => Edit::Trim {
                    start,
                    len: (stop - start).saturating_add(1),
                },
            }
        }
        _ => return Err("no such word"),
    })
}

fn decode_create(args: &mut Args<'_>) -> Result<Schema, &'static str> {
    args.expect(b"DIM")?;
    let dim = args.small()?;
    args.expect(b"METRIC")?;
    let metric = named(&args.next()?, &METRICS, metric_word)?;
    args.expect(b"TYPE")?;
    let quantization = named(&args.next()?, &TYPES, type_word)?;
    args.expect(b"M")?;
    let m = args.small()?;
    args.expect(b"EF")?;
    let ef_construction = args.small()?;
    args.expect(b"INDEX")?;
    let kind = named(&args.next()?, &KINDS, kind_word)?;
    let walked_on = if args.optional(b"WALK") {
        args.expect(b"SAME")?;
        WalkedOn::Stored
    } else {
        WalkedOn::Codes
    };
    let recall = if args.optional(b"RECALL") {
        Some(decode_recall(&args.next()?)?)
    } else {
        None
    };
    let projected_from = if args.optional(b"FROM") {
        Some(args.small()?)
    } else {
        None
    };
    let index = IndexOptions {
        dim,
        metric,
        quantization,
        kind,
        m,
        ef_construction,
        walked_on,
    };
    Ok(Schema {
        index,
        projected_from,
        declared: true,
        recall,
    })
}

/// A share between 0 and 1, in millionths.
fn decode_recall(word: &[u8]) -> Result<u32, &'static str> {
    let share = std::str::from_utf8(word)
        .ok()
        .and_then(|word| word.parse::<f64>().ok());
    match share.filter(|share| (0.0..=1.0).contains(share)) {
        Some(share) => Ok((share * 1e6).round() as u32),
        None => Err("a recall is no number from 0 to 1"),
    }
}

fn decode_upsert(args: &mut Args<'_>) -> Result<Upsert, &'static str> {
    let reduce = if args.optional(b"REDUCE") {
        Some(args.small()?)
    } else {
        None
    };
    args.expect(b"FP32")?;
    let vector = decode_vector(&args.next()?)?;
    let element = args.next()?;
    let input_dim = vector.len() as u32;
    let implied = IMPLIED_TYPES
        .into_iter()
        .find(|it| args.optional(implied_type_word(*it)));
    let ef = if args.optional(b"EF") {
        Some(args.small()?)
    } else {
        None
    };
    let schema = match implied {
        None => None,
        Some(quantization) => {
            args.expect(b"M")?;
            let (dim, from) = reduce.map_or((input_dim, None), |dim| (dim, Some(input_dim)));
            Some(Schema::implied(dim, from, quantization, args.small()?))
        }
    };
    let attributes = if args.optional(b"SETATTR") {
        Some(args.next()?)
    } else {
        None
    };
    Ok(Upsert {
        element,
        vector,
        schema,
        ef,
        attributes,
    })
}

fn decode_vector(blob: &[u8]) -> Result<Vec<f32>, &'static str> {
    let (components, rest) = blob.as_chunks::<4>();
    if components.is_empty() || !rest.is_empty() {
        return Err("the vector is not made of whole components");
    }
    Ok(components
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect())
}

/// What a set that was not declared may store.
const IMPLIED_TYPES: [Quantization; 3] = [Quantization::F32, Quantization::Int8, Quantization::Bit];
const TYPES: [Quantization; 4] = [
    Quantization::F32,
    Quantization::F16,
    Quantization::Int8,
    Quantization::Bit,
];
const METRICS: [Metric; 3] = [Metric::Cosine, Metric::L2, Metric::InnerProduct];
const KINDS: [IndexKind; 2] = [IndexKind::Hnsw, IndexKind::Flat];

fn metric_word(metric: Metric) -> &'static [u8] {
    match metric {
        Metric::Cosine => b"COSINE",
        Metric::L2 => b"L2",
        Metric::InnerProduct => b"IP",
    }
}

fn type_word(quantization: Quantization) -> &'static [u8] {
    match quantization {
        Quantization::F32 => b"F32",
        Quantization::F16 => b"F16",
        Quantization::Int8 => b"Q8",
        Quantization::Bit => b"BIN",
    }
}

fn implied_type_word(quantization: Quantization) -> &'static [u8] {
    match quantization {
        Quantization::F32 => b"NOQUANT",
        other => type_word(other),
    }
}

fn kind_word(kind: IndexKind) -> &'static [u8] {
    match kind {
        IndexKind::Hnsw => b"HNSW",
        IndexKind::Flat => b"FLAT",
    }
}

/// The one of `all` that `word` names.
fn named<T: Copy>(word: &[u8], all: &[T], name: fn(T) -> &'static [u8]) -> Result<T, &'static str> {
    let found = all.iter().copied().find(|value| name(*value) == word);
    found.ok_or("an option has a value that nobody knows")
}

fn digits(n: u64) -> Digits {
    let mut buffer = itoa::Buffer::new();
    Digits::from_slice(buffer.format(n).as_bytes())
}

type Digits = smallvec::SmallVec<[u8; 20]>;

fn write(out: &mut Vec<u8>, words: &[&[u8]]) {
    write_count(out, words.len());
    words.iter().for_each(|word| write_word(out, word));
}

fn write_with_list(out: &mut Vec<u8>, head: &[&[u8]], list: &[Bytes]) {
    write_count(out, head.len() + list.len());
    head.iter().for_each(|word| write_word(out, word));
    list.iter().for_each(|word| write_word(out, word));
}

fn write_count(out: &mut Vec<u8>, words: usize) {
    out.push(b'*');
    out.extend_from_slice(&digits(words as u64));
    out.extend_from_slice(b"\r\n");
}

fn write_word(out: &mut Vec<u8>, word: &[u8]) {
    out.push(b'$');
    out.extend_from_slice(&digits(word.len() as u64));
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Cuts a body into commands.
struct Commands<'b> {
    body: &'b Bytes,
    position: usize,
}

impl Commands<'_> {
    /// The words of the next command; there must be one.
    fn next(&mut self, words: &mut Vec<Bytes>) -> Result<(), &'static str> {
        words.clear();
        let count = self.length(b'*')?;
        for _ in 0..count {
            let length = self.length(b'$')?;
            let start = self.position;
            let end = start
                .checked_add(length)
                .ok_or("a string is longer than the record")?;
            if self.body.get(end..end.saturating_add(2)) != Some(b"\r\n") {
                return Err("a string does not end where it should");
            }
            words.push(self.body.slice(start..end));
            self.position = end + 2;
        }
        Ok(())
    }

    /// A line such as `*3` or `$11`.
    fn length(&mut self, kind: u8) -> Result<usize, &'static str> {
        let rest = self.body.get(self.position..).unwrap_or_default();
        let end = rest
            .iter()
            .take(24)
            .position(|byte| *byte == b'\r')
            .ok_or("a length has no end")?;
        if rest.first() != Some(&kind) || rest.get(end + 1) != Some(&b'\n') {
            return Err("not an array of strings");
        }
        let length = rest
            .get(1..end)
            .and_then(parse_u64)
            .ok_or("a length is not a number")?;
        self.position += end + 2;
        usize::try_from(length).map_err(|_| "a length is too large")
    }
}

/// The words of one command that are still to be read.
struct Args<'w>(std::slice::Iter<'w, Bytes>);

impl Args<'_> {
    fn next(&mut self) -> Result<Bytes, &'static str> {
        self.0.next().cloned().ok_or("a word is missing")
    }

    fn key(&mut self) -> Result<crate::keyspace::Key, &'static str> {
        Ok(self.next()?[..].into())
    }

    fn number(&mut self) -> Result<u64, &'static str> {
        parse_u64(&self.next()?).ok_or("a number is expected")
    }

    fn small(&mut self) -> Result<u32, &'static str> {
        u32::try_from(self.number()?).map_err(|_| "a number is too large")
    }

    fn json(&mut self) -> Result<Json, &'static str> {
        let word = self.next()?;
        let text = std::str::from_utf8(&word).map_err(|_| "a value is not UTF-8")?;
        Json::parse(text).map_err(|_| "a value is not JSON")
    }

    fn place(&mut self) -> Result<Place, &'static str> {
        let word = self.next()?;
        let text = std::str::from_utf8(&word).map_err(|_| "a place is not UTF-8")?;
        Place::parse(text).map_err(|_| "a place is not concrete")
    }

    fn expect(&mut self, word: &[u8]) -> Result<(), &'static str> {
        if self.optional(word) {
            Ok(())
        } else {
            Err("an option is missing")
        }
    }

    /// Whether `word` comes next; then it is read.
    fn optional(&mut self, word: &[u8]) -> bool {
        let comes = self.0.as_slice().first().is_some_and(|next| next == word);
        if comes {
            self.0.next();
        }
        comes
    }

    /// `KEEPTTL`, `PXAT ms`, or neither.
    fn expiry(&mut self) -> Result<Expiry, &'static str> {
        if self.optional(b"KEEPTTL") {
            Ok(Expiry::Keep)
        } else if self.optional(b"PXAT") {
            Ok(Expiry::At(self.number()?))
        } else {
            Ok(Expiry::Clear)
        }
    }

    /// `FIELDS n`, where n things of `width` words are all that is left.
    fn count(&mut self, width: u64) -> Result<(), &'static str> {
        self.expect(b"FIELDS")?;
        let is_right = self.number()?.checked_mul(width) == Some(self.0.len() as u64);
        if is_right {
            Ok(())
        } else {
            Err("the number of fields is wrong")
        }
    }

    fn rest(&mut self) -> Vec<Bytes> {
        self.0.by_ref().cloned().collect()
    }

    fn pairs(&mut self) -> Result<Vec<(Bytes, Bytes)>, &'static str> {
        let (pairs, odd) = self.0.as_slice().as_chunks::<2>();
        if !odd.is_empty() {
            return Err("a field has no value");
        }
        self.0 = [].iter();
        Ok(pairs
            .iter()
            .map(|[name, value]| (name.clone(), value.clone()))
            .collect())
    }

    /// Scores with their members.
    fn scores(&mut self) -> Result<Vec<(f64, Bytes)>, &'static str> {
        let pairs = self.pairs()?.into_iter();
        let scored = pairs.map(|(score, member)| Some((parse_double(&score)?, member)));
        scored
            .collect::<Option<_>>()
            .ok_or("a score is not a number")
    }

    fn end(&mut self) -> Result<(), &'static str> {
        if self.0.len() == 0 {
            Ok(())
        } else {
            Err("there are words too many")
        }
    }
}

#[cfg(test)]
mod tests;

//! Aggregations of which not all rows were read yet, and FT.CURSOR, which reads on.

use super::aggregate::{self, CursorRequest};
use super::indexes;
use super::options::Format;
use super::properties::{self, Properties};
use super::words::Words;
use crate::commands::Call;
use crate::commands::error::{Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::index::DocumentIndex;
use crate::protocol::{Reply, Version};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::vec::IntoIter;

/// `FT.CURSOR READ | DEL index cursor [COUNT count]`
pub const CURSOR: Command = Command {
    name: "FT.CURSOR",
    summary: "Reads the next rows of an aggregation, or forgets it.",
    group: Group::Search,
    since: "1.1.0",
    complexity: "O(N), N the number of rows",
    args: &[
        Arg::OneOf(&[Arg::Token("READ"), Arg::Token("DEL")]),
        Arg::Str("index"),
        Arg::Int("cursor"),
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("count")])),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Aside(Delay::Brief),
    examples: &[("FT.CURSOR READ pets 1", "(error) pets: no such index")],
    run: cursor,
    ..COMMAND
};

/// Rows that wait to be read.
pub struct Cursor {
    /// The index's name.
    pub index: Box<[u8]>,
    /// Those that were not read yet.
    pub rows: IntoIter<Properties>,
    /// Bytes that they take, about.
    pub bytes: usize,
    /// Whether a read came to the end: it found fewer rows than it asked for.
    pub is_done: bool,
    /// Whether the first reply told how many rows there are; later ones tell nothing then.
    pub is_counted: bool,
    /// The form of its values.
    pub format: Format,
    /// Rows of one reply.
    pub count: usize,
    /// How long it lives unread, in milliseconds.
    pub idle_max_ms: u64,
    /// When it was read last, in milliseconds since 1970.
    pub used_ms: u64,
}

/// Most bytes of the rows that all cursors keep.
const BYTES_MAX: usize = 512 << 20;

impl Cursor {
    /// One that reads these rows of an index, one at a time.
    pub fn new(index: &[u8], rows: Vec<Properties>, format: Format) -> Cursor {
        Cursor {
            index: index.into(),
            bytes: rows.iter().map(Properties::bytes).sum(),
            rows: rows.into_iter(),
            is_done: false,
            is_counted: false,
            format,
            count: 1,
            idle_max_ms: 0,
            used_ms: 0,
        }
    }

    /// The next rows: `count` of them, now and later, or as many as before.
    pub fn take(&mut self, count: Option<usize>) -> impl Iterator<Item = Properties> {
        self.count = count.unwrap_or(self.count).max(1);
        self.is_done = self.rows.len() < self.count;
        let bytes = &mut self.bytes;
        let next = self.rows.by_ref().take(self.count);
        next.inspect(|row| *bytes -= row.bytes())
    }

    fn is_forgotten(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.used_ms) > self.idle_max_ms
    }
}

/// All cursors.
#[derive(Default)]
pub struct Cursors(Mutex<HashMap<i64, Cursor>>);

impl Cursors {
    /// Keeps a cursor, of which an index may have `max`; its id comes from `random`.
    pub fn add(&self, cursor: Cursor, max: usize, random: u64) -> Result<i64> {
        let mut cursors = self.0.lock();
        cursors.retain(|_, other| !other.is_forgotten(cursor.used_ms));
        let siblings = cursors
            .values()
            .filter(|other| other.index == cursor.index)
            .count();
        if siblings >= max {
            return Err(Refusal::made(format!(
                "INDEX_CURSOR_LIMIT of {max} has been reached for an index"
            )));
        }
        let bytes: usize = cursors.values().map(|other| other.bytes).sum();
        if bytes + cursor.bytes > BYTES_MAX {
            return Err(Refusal::line(
                "Rows that cursors keep would take more than 512 MB",
            ));
        }
        // Positive, and exact as a double, which some clients make of it.
        let mut id = (random >> 12) as i64;
        while id == 0 || cursors.contains_key(&id) {
            id += 1;
        }
        cursors.insert(id, cursor);
        Ok(id)
    }

    /// How many an index has, and how many there are.
    pub fn count(&self, index: &DocumentIndex, now_ms: u64) -> (usize, usize) {
        let mut cursors = self.0.lock();
        cursors.retain(|_, cursor| !cursor.is_forgotten(now_ms));
        let own = cursors
            .values()
            .filter(|cursor| *cursor.index == *index.name());
        (own.count(), cursors.len())
    }

    /// Takes a cursor out.
    pub fn take(&self, id: i64, now_ms: u64) -> Option<Cursor> {
        let cursor = self.0.lock().remove(&id);
        cursor.filter(|cursor| !cursor.is_forgotten(now_ms))
    }

    /// Keeps a cursor under the id that it had.
    pub fn put_back(&self, id: i64, cursor: Cursor, now_ms: u64) {
        let used_ms = now_ms;
        self.0.lock().insert(id, Cursor { used_ms, ..cursor });
    }

    /// Forgets cursors that were not read for too long; how many, none if there are others alone.
    pub fn collect(&self, now_ms: u64) -> Option<usize> {
        let mut cursors = self.0.lock();
        let before = cursors.len();
        cursors.retain(|_, cursor| !cursor.is_forgotten(now_ms));
        let forgotten = before - cursors.len();
        (forgotten > 0 || cursors.is_empty()).then_some(forgotten)
    }
}

fn cursor(call: &mut Call) -> Result {
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let name = words.get(1).copied().unwrap_or_default();
    indexes::index(&call.access.view(INDEXED_DB), name)?;
    let request = aggregate::read_cursor_request(&mut Words::new(&words))?;
    let cursors = &call.context.cursors;
    match request {
        CursorRequest::Read { id, count } => {
            let not_found = || Refusal::made(format!("Cursor not found, id: {id}"));
            let mut cursor = cursors
                .take(id, call.access.now_ms())
                .ok_or_else(not_found)?;
            let (is_counted, form) = (cursor.is_counted, (call.session.version, cursor.format));
            let rows = cursor.take(count.map(|count| count as usize));
            let rows: Vec<Reply> = rows.map(|row| properties::row(row, form.0)).collect();
            let total = match (is_counted, form.0) {
                (true, _) => 0,
                (false, Version::Resp2) => rows.len().min(1),
                (false, Version::Resp3) => rows.len(),
            };
            let page = properties::reply(rows, total, &[], form);
            let id = match cursor.is_done {
                true => 0,
                false => {
                    cursors.put_back(id, cursor, call.access.now_ms());
                    id
                }
            };
            Ok(Reply::Array(vec![page, Reply::Int(id)]))
        }
        CursorRequest::Delete { id } => match cursors.take(id, call.access.now_ms()) {
            Some(_) => Ok(Reply::ok()),
            None => Err(Refusal::line("Cursor does not exist")),
        },
        CursorRequest::Collect => {
            let forgotten = cursors.collect(call.access.now_ms());
            Ok(forgotten.map_or(Reply::Int(-1), Reply::count))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::ft::expression::Value;
    use bytes::Bytes;

    #[test]
    fn cursors_keep_so_many_bytes_together() {
        let text = Bytes::from(vec![0; 1 << 20]);
        let cursor = |name: &[u8], megabytes: usize| {
            let text = || ("t".to_owned(), Value::Text(text.clone()));
            let rows = (0..megabytes).map(|_| std::iter::once(text()).collect());
            Cursor::new(name, rows.collect(), Format::String)
        };
        let cursors = Cursors::default();
        let add = |cursor| cursors.add(cursor, 128, 1 << 20).ok();
        let first = add(cursor(b"i", 300)).expect("room");
        assert_eq!(add(cursor(b"j", 300)), None);
        let second = add(cursor(b"j", 200)).expect("room");
        assert_eq!(add(cursor(b"k", 100)), None);
        // What was read is kept no longer.
        let mut read = cursors.take(first, 0).expect("the cursor");
        assert_eq!(read.take(Some(100)).count(), 100);
        cursors.put_back(first, read, 0);
        let third = add(cursor(b"k", 100)).expect("room");
        assert_eq!(add(cursor(b"k", 100)), None);
        assert!(cursors.take(second, 0).is_some() && cursors.take(third, 0).is_some());
        assert!(add(cursor(b"k", 300)).is_some());
        assert_eq!(add(cursor(b"k", 600)), None, "one alone");
    }
}

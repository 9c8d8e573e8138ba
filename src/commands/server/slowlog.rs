//! SLOWLOG: the commands that took longer than slowlog-log-slower-than, the newest first.

use crate::commands::error::{Refusal, Result};
use crate::commands::session::Client;
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::commands::{Call, docs};
use crate::protocol::{Reply, Request};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;

/// SLOWLOG and its subcommands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "SLOWLOG|GET",
        summary: "Answers the newest entries of the slow log (10, or as many as asked for; -1: all).",
        complexity: "O(N), N the number of entries",
        args: &[Arg::Optional(&Arg::Int("count"))],
        examples: &[("SLOWLOG GET", "(empty array)")],
        run: get,
        ..SLOWLOG
    },
    Command {
        name: "SLOWLOG|LEN",
        summary: "Answers how many entries the slow log has.",
        examples: &[("SLOWLOG LEN", "(integer) 0")],
        run: |call| {
            Ok(Reply::count(
                call.context.slow_log.entries.lock().list.len(),
            ))
        },
        ..SLOWLOG
    },
    Command {
        name: "SLOWLOG|RESET",
        summary: "Empties the slow log.",
        complexity: "O(N), N the number of entries",
        examples: &[("SLOWLOG RESET", "OK")],
        run: reset,
        ..SLOWLOG
    },
    Command {
        name: "SLOWLOG|HELP",
        summary: "Explains the subcommands.",
        since: "6.2.0",
        flags: flags(&[Flags::LOADING, Flags::STALE]),
        run: docs::help,
        ..SLOWLOG
    },
];

const SLOWLOG: Command = Command {
    group: Group::Server,
    since: "2.2.12",
    flags: flags(&[Flags::ADMIN, Flags::LOADING, Flags::STALE]),
    ..COMMAND
};

const BAD_COUNT: Refusal = Refusal::line("ERR count should be greater than or equal to -1");

/// Words of a request that an entry keeps.
const WORDS_MAX: usize = 32;
/// Bytes of a word that an entry keeps.
const WORD_BYTES_MAX: usize = 128;
/// Entries that SLOWLOG GET answers without being told how many.
const COUNT: i64 = 10;

/// Commands that took long.
#[derive(Default)]
pub struct SlowLog {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    /// The newest first.
    list: VecDeque<Entry>,
    next_id: i64,
}

struct Entry {
    id: i64,
    at_s: u64,
    took: Duration,
    words: Vec<Bytes>,
    addr: String,
    name: Bytes,
}

impl SlowLog {
    /// Adds a request that took so long and ended at `at_s` (seconds since 1970); no more than `len_max` entries stay.
    pub fn add(
        &self,
        client: &Client,
        request: &Request,
        at_s: u64,
        took: Duration,
        len_max: usize,
    ) {
        let mut entries = self.entries.lock();
        let entry = Entry {
            id: entries.next_id,
            at_s,
            took,
            words: cut(request),
            addr: client.addr.clone(),
            name: client.name.lock().clone(),
        };
        entries.next_id += 1;
        entries.list.push_front(entry);
        entries.list.truncate(len_max);
    }
}

/// Copies of the words (slices would keep whole read buffers), cut in number and length.
fn cut(request: &Request) -> Vec<Bytes> {
    let kept = if request.len() > WORDS_MAX {
        WORDS_MAX - 1
    } else {
        request.len()
    };
    let mut words: Vec<Bytes> = request.iter().take(kept).map(cut_word).collect();
    if kept < request.len() {
        let more = format!("... ({} more arguments)", request.len() - kept);
        words.push(Bytes::from(more));
    }
    words
}

fn cut_word(word: &[u8]) -> Bytes {
    match word.get(..WORD_BYTES_MAX) {
        Some(start) if word.len() > WORD_BYTES_MAX => {
            let more = format!("... ({} more bytes)", word.len() - WORD_BYTES_MAX);
            Bytes::from([start, more.as_bytes()].concat())
        }
        _ => Bytes::copy_from_slice(word),
    }
}

fn get(call: &mut Call) -> Result {
    if call.args.left() > 1 {
        let sub = String::from_utf8_lossy(call.request.arg(1));
        return Err(Refusal::made(format!(
            "ERR unknown subcommand or wrong number of arguments for '{sub}'. Try SLOWLOG HELP."
        )));
    }
    let count = match call.args.is_done() {
        true => COUNT,
        false => call.args.int_or(BAD_COUNT)?,
    };
    if count < -1 {
        return Err(BAD_COUNT);
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let describe = |entry: &Entry| {
        Reply::Array(vec![
            Reply::Int(entry.id),
            Reply::Int(entry.at_s as i64),
            Reply::Int(entry.took.as_micros() as i64),
            Reply::Array(entry.words.iter().cloned().map(Reply::Bulk).collect()),
            Reply::bulk(entry.addr.as_bytes()),
            Reply::Bulk(entry.name.clone()),
        ])
    };
    let entries = call.context.slow_log.entries.lock();
    Ok(Reply::Array(
        entries.list.iter().take(count).map(describe).collect(),
    ))
}

fn reset(call: &mut Call) -> Result {
    call.context.slow_log.entries.lock().list.clear();
    Ok(Reply::ok())
}

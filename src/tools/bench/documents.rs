//! The same measurements of documents: an index over hashes by FT.CREATE, HSET of a vector and a number, FT.SEARCH with KNN, alone and
//! behind a range of the number. Any server that knows these can stand beside ours.

use super::{BenchArgs, MetricArg, Target};
use crate::protocol::client::Value;
use crate::tools::ToolError;
use crate::tools::client::Connection;
use crate::tools::pipeline::Batch;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Rows are numbered from 0 up to this and then again: a range of the number passes so many thousandths of them.
const NUMBERS: usize = 1000;
/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(600);

/// The number of a row.
fn number(row: usize) -> usize {
    row % NUMBERS
}

/// Whether a row passes a filter that so many percent pass.
pub fn passes(row: usize, percent: u16) -> bool {
    number(row) < bound(percent)
}

fn bound(percent: u16) -> usize {
    usize::from(percent) * NUMBERS / 100
}

/// FT.CREATE of the index, named as --key, over the keys that begin with it.
pub fn create_command(args: &BenchArgs, dim: usize) -> Vec<String> {
    let metric = match args.metric {
        MetricArg::Cosine => "COSINE",
        MetricArg::L2 => "L2",
        MetricArg::Ip => "IP",
    };
    let (m, ef) = (args.m, args.ef_construction);
    let more = match args.texts {
        true => " colour TAG shop TAG at NUMERIC text TEXT",
        false => "",
    };
    let words = format!(
        "FT.CREATE KEY PREFIX 1 KEY: SCHEMA n NUMERIC v VECTOR HNSW 10 TYPE FLOAT32 DIM {dim} DISTANCE_METRIC {metric} M {m} EF_CONSTRUCTION {ef}{more}"
    );
    let words = words.split(' ');
    words.map(|word| word.replace("KEY", &args.key)).collect()
}

/// HSET of a row.
pub fn push_add(args: &BenchArgs, row: usize, name: &str, blob: &[u8], batch: &mut Batch) {
    let (key, n) = (format!("{}:{name}", args.key), number(row).to_string());
    let mut words: Vec<&[u8]> = vec![b"HSET", key.as_bytes(), b"v", blob, b"n", n.as_bytes()];
    if !args.texts {
        return batch.push(&words);
    }
    let texts = texts(row);
    let texts = texts.iter().flat_map(|(field, value)| [*field, value]);
    words.extend(texts.map(str::as_bytes));
    batch.push(&words);
}

/// Different words of texts, and how many a text has at least and at most.
const WORDS: u64 = 50_000;
const WORDS_OF_TEXT: (u64, u64) = (8, 12);

/// What a row holds with --texts: two tags of 100 and 5,000 values, another number for each row, and a short text of words of which the n-th
/// comes about every n-th time that the first does (Zipf).
fn texts(row: usize) -> [(&'static str, String); 4] {
    let mut state = row as u64;
    let mut draw = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 31
    };
    let (colour, shop) = (draw() % 100, draw() % 5000);
    let count = WORDS_OF_TEXT.0 + draw() % (WORDS_OF_TEXT.1 - WORDS_OF_TEXT.0 + 1);
    let words = (0..count).map(|_| {
        let share = (draw() >> 11) as f64 / (1u64 << 53) as f64;
        word((WORDS as f64).powf(share) as u64)
    });
    let words: Vec<String> = words.collect();
    [
        ("colour", format!("colour-{colour}")),
        ("shop", format!("shop-{shop}")),
        ("at", (1_700_000_000 + row).to_string()),
        ("text", words.join(" ")),
    ]
}

/// The word of a rank: letters that no other one has in this order.
fn word(rank: u64) -> String {
    let mut rest = rank.wrapping_mul(26 * 26 * 26 + 1);
    let mut letters = String::new();
    while rest > 0 {
        letters.push((b'a' + (rest % 26) as u8) as char);
        rest /= 26;
    }
    letters
}

/// FT.SEARCH number `number` for the nearest, of those that a filter passes. With an `ef` of 0 the server chooses.
pub fn push_search(
    args: &BenchArgs,
    (number, ef, percent): (usize, u32, Option<u16>),
    blob: &[u8],
    batch: &mut Batch,
) {
    // No number is below 0.
    let least = match args.new_filters {
        true => -(number as i64),
        false => 0,
    };
    let filter = match percent {
        Some(percent) => format!("(@n:[{least} ({}])", bound(percent)),
        None => "*".to_string(),
    };
    let ef = match ef {
        0 => String::new(),
        ef => format!(" EF_RUNTIME {ef}"),
    };
    let k = args.k.to_string();
    let query = format!("{filter}=>[KNN {k} @v $b{ef} AS distance]");
    batch.push(&[
        b"FT.SEARCH",
        args.key.as_bytes(),
        query.as_bytes(),
        b"PARAMS",
        b"2",
        b"b",
        blob,
        b"SORTBY",
        b"distance",
        b"NOCONTENT",
        b"LIMIT",
        b"0",
        k.as_bytes(),
        b"DIALECT",
        b"2",
    ]);
}

/// The row that a key of a reply is, or the name of an element.
pub fn row_of(name: &str) -> Option<usize> {
    name.rsplit(':').next()?.parse().ok()
}

/// Drops the index and its documents, if there are any.
pub fn drop_index(args: &BenchArgs, control: &mut Connection) {
    // Where there is none, this is refused.
    let _ = control.call(&[b"FT.DROPINDEX", args.key.as_bytes(), b"DD"]);
}

/// Lets the server save and end, starts it by `command`, and takes the time until a search finds all documents again.
pub(super) fn restart(
    args: &BenchArgs,
    command: &str,
    target: &mut Target,
) -> Result<Duration, ToolError> {
    let before = count(args, &mut target.control)?;
    // The reply is the end of the connection.
    let _ = target.control.call(&[b"SHUTDOWN", b"SAVE"]);
    let gone = Instant::now();
    while Connection::open(&target.args).is_ok() && gone.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20));
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    let (program, rest) = words
        .split_first()
        .ok_or_else(|| ToolError::Usage("--restart needs a command".to_string()))?;
    let started = Instant::now();
    Command::new(program)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| ToolError::Usage(format!("{command}: {error}")))?;
    loop {
        let opened = Connection::open(&target.args);
        let counted = opened.and_then(|mut control| Ok((count(args, &mut control)?, control)));
        if let Ok((found, control)) = counted
            && found == before
        {
            target.control = control;
            return Ok(started.elapsed());
        }
        if started.elapsed() > PATIENCE {
            return Err(ToolError::Usage(format!("{command}: no answer")));
        }
        sleep(Duration::from_millis(10));
    }
}

/// How many documents a search finds, once the index says that it has all.
fn count(args: &BenchArgs, control: &mut Connection) -> Result<i64, ToolError> {
    let key = args.key.as_bytes();
    let reply = control.call(&[b"FT.SEARCH", key, b"*", b"LIMIT", b"0", b"0"])?;
    let first = reply.as_items().and_then(|items| items.first());
    Ok(first.and_then(Value::as_i64).unwrap_or(-1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_percent_of_the_rows_pass() {
        for percent in [1, 10, 50, 100] {
            let passing = (0..5_000).filter(|row| passes(*row, percent)).count();
            assert_eq!(passing, usize::from(percent) * 50);
        }
    }

    #[test]
    fn words_are_as_many_as_their_ranks_and_the_first_come_most() {
        let words = (1..WORDS)
            .map(word)
            .collect::<std::collections::BTreeSet<_>>();
        assert_eq!(words.len() as u64, WORDS - 1);
        let has = |row, rank| texts(row)[3].1.split(' ').any(|it| it == word(rank));
        let count = |rank| (0..2_000).filter(|row| has(*row, rank)).count();
        assert!(count(1) > 4 * count(20) && count(20) > 0);
    }

    #[test]
    fn rows_are_read_from_keys_and_names() {
        assert_eq!(row_of("rhumb:bench:0017"), Some(17));
        assert_eq!(row_of("17"), Some(17));
        assert_eq!(row_of("rhumb:bench:x"), None);
    }
}

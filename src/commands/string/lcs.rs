//! LCS: the longest common subsequence of two strings, by the textbook's table.

use super::value_of;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, Context, Session};
use crate::keyspace::Value;
use crate::protocol::{Reply, Request};
use bytes::Bytes;
use std::ops::Range;

const NOT_STRINGS: Refusal = Refusal::line("ERR The specified keys must contain string values");
const LENGTH_AND_INDEXES: Refusal =
    Refusal::line("ERR If you want both the length and indexes, please just use IDX.");
const TOO_LARGE: Refusal =
    Refusal::line("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]`
pub const LCS: Command = Command {
    name: "LCS",
    summary: "Finds the longest common subsequence of two strings.",
    group: Group::String,
    since: "7.0.0",
    complexity: "O(N*M), N and M the lengths of the strings",
    args: &[
        Arg::Key("key1"),
        Arg::Key("key2"),
        Arg::Optional(&Arg::Token("LEN")),
        Arg::Optional(&Arg::Token("IDX")),
        Arg::Optional(&Arg::Option("MINMATCHLEN", &[Arg::Int("min-match-len")])),
        Arg::Optional(&Arg::Token("WITHMATCHLEN")),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost_us),
    errors: &[
        (
            "ERR The specified keys must contain string values",
            "A key holds something else.",
        ),
        (
            "ERR If you want both the length and indexes, please just use IDX.",
            "LEN and IDX are both given.",
        ),
        (
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
            "Four bytes for each pair of bytes are more than the option allows.",
        ),
    ],
    examples: &[
        ("MSET a telescope b telegrape", "OK"),
        ("LCS a b", "\"telepe\""),
        ("LCS a b LEN", "(integer) 6"),
        (
            "LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
            "1) \"matches\"\n2) 1) 1) 1) (integer) 0\n         2) (integer) 3\n      2) 1) (integer) 0\n         2) (integer) 3\n      3) (integer) 4\n3) \"len\"\n4) (integer) 6",
        ),
    ],
    run: lcs,
    ..COMMAND
};

/// About a nanosecond for each cell of the table.
fn cost_us(context: &Context, session: &Session, request: &Request) -> u64 {
    let database = context.engine.keyspace().database(session.db);
    let len = |word| match database.peek(request.arg(word)).map(|entry| entry.value) {
        Some(Value::String(value)) => value.len() as u64,
        _ => 0,
    };
    len(1).saturating_mul(len(2)) / 1000
}

/// What is asked for.
#[derive(Default)]
struct Options {
    /// The length only.
    is_length: bool,
    /// Where it lies.
    is_indexes: bool,
    /// Ranges shorter than this are left out.
    match_len_min: usize,
    /// Each range with its length.
    with_match_len: bool,
}

impl Options {
    fn parse(call: &mut Call) -> Result<Options> {
        let mut options = Options::default();
        while !call.args.is_done() {
            if call.args.take("IDX") {
                options.is_indexes = true;
            } else if call.args.take("LEN") {
                options.is_length = true;
            } else if call.args.take("WITHMATCHLEN") {
                options.with_match_len = true;
            } else if call.args.take("MINMATCHLEN") {
                options.match_len_min = usize::try_from(call.args.int()?).unwrap_or(0);
            } else {
                return Err(error::SYNTAX);
            }
        }
        if options.is_length && options.is_indexes {
            return Err(LENGTH_AND_INDEXES);
        }
        Ok(options)
    }
}

fn lcs(call: &mut Call) -> Result {
    let keys = [call.args.word()?, call.args.word()?];
    let options = Options::parse(call);
    let read = call.access.read_keys(call.db(), &keys, |view| {
        Ok((value_of(view, keys[0])?, value_of(view, keys[1])?))
    })?;
    // The kinds of the values are looked at before the options.
    let (a, b): (Option<Bytes>, Option<Bytes>) = read.map_err(|_: Refusal| NOT_STRINGS)?;
    let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
    let options = options?;
    let bytes_max = call.context.config.proto_max_bulk_len_bytes();
    let cells = (a.len() as u64 + 1).saturating_mul(b.len() as u64 + 1);
    if cells.saturating_mul(size_of::<u32>() as u64) > bytes_max {
        return Err(TOO_LARGE);
    }
    let table = Lengths::of(&a, &b);
    Ok(if options.is_indexes {
        indexes_reply(&table, &options)
    } else if options.is_length {
        Reply::count(table.all())
    } else {
        let ranges = table.ranges();
        let parts = ranges.iter().rev().map(|(in_a, _)| &a[in_a.clone()]);
        Reply::bulk(parts.collect::<Vec<_>>().concat())
    })
}

fn indexes_reply(table: &Lengths, options: &Options) -> Reply {
    let pair = |range: &Range<usize>| {
        Reply::Array(vec![Reply::count(range.start), Reply::count(range.end - 1)])
    };
    let ranges = table.ranges();
    let matches = ranges
        .iter()
        .filter(|(in_a, _)| in_a.len() >= options.match_len_min)
        .map(|(in_a, in_b)| {
            let mut one = vec![pair(in_a), pair(in_b)];
            if options.with_match_len {
                one.push(Reply::count(in_a.len()));
            }
            Reply::Array(one)
        });
    Reply::Map(vec![
        (
            Reply::bulk_static("matches"),
            Reply::Array(matches.collect()),
        ),
        (Reply::bulk_static("len"), Reply::count(table.all())),
    ])
}

/// Length of the longest common subsequence of every pair of prefixes.
struct Lengths<'a> {
    a: &'a [u8],
    b: &'a [u8],
    /// Row i, column j: of the first i bytes of `a` and the first j of `b`.
    cells: Vec<u32>,
}

impl<'a> Lengths<'a> {
    fn of(a: &'a [u8], b: &'a [u8]) -> Lengths<'a> {
        let width = b.len() + 1;
        let mut cells = vec![0; (a.len() + 1) * width];
        for (i, x) in a.iter().enumerate() {
            let (before, row) = cells[i * width..].split_at_mut(width);
            for (j, y) in b.iter().enumerate() {
                row[j + 1] = if x == y {
                    before[j] + 1
                } else {
                    before[j + 1].max(row[j])
                };
            }
        }
        Lengths { a, b, cells }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.b.len() + 1) + j]
    }

    /// Of the whole strings.
    fn all(&self) -> usize {
        self.at(self.a.len(), self.b.len()) as usize
    }

    /// The runs of common bytes, from the last to the first, as ranges in both strings. Of several longest ones it is the
    /// one that is met by stepping back in `b` when both ways are equally good.
    fn ranges(&self) -> Vec<(Range<usize>, Range<usize>)> {
        let mut ranges: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        let (mut i, mut j) = (self.a.len(), self.b.len());
        while i > 0 && j > 0 {
            if self.a[i - 1] != self.b[j - 1] {
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
                continue;
            }
            match ranges.last_mut() {
                Some((in_a, in_b)) if in_a.start == i && in_b.start == j => {
                    (in_a.start, in_b.start) = (i - 1, j - 1);
                }
                _ => ranges.push((i - 1..i, j - 1..j)),
            }
            (i, j) = (i - 1, j - 1);
        }
        ranges
    }
}

//! Looking at lists: LLEN, LRANGE, LINDEX, LPOS.

use super::{list_of, place_of};
use crate::commands::args::Args;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::members::{cost_of_range, places, take_count, take_signed};
use crate::commands::table::{Arg, COMMAND, Class, Command, Flags, Group, flags};
use crate::commands::{Call, keys};
use crate::keyspace::list::List;
use crate::protocol::Reply;
use std::sync::Arc;

/// LLEN key
pub const LLEN: Command = Command {
    name: "LLEN",
    summary: "Counts the elements of a list.",
    group: Group::List,
    args: &[Arg::Key("key")],
    flags: flags(&[Flags::READONLY, Flags::FAST]),
    key_flags: &["RO"],
    examples: &[
        ("RPUSH queue a b", "(integer) 2"),
        ("LLEN queue", "(integer) 2"),
    ],
    run: |call| {
        let key = call.args.word()?;
        let list = whole_list(call, key)?;
        Ok(Reply::count(list.map_or(0, |list| list.len())))
    },
    ..COMMAND
};

/// LRANGE key start stop
pub const LRANGE: Command = Command {
    name: "LRANGE",
    summary: "Returns elements of a list by their places, which count from 0, or from the end below zero.",
    group: Group::List,
    complexity: "O(S + N), S the chunks before the first element, N the number of elements returned",
    args: &[Arg::Key("key"), Arg::Int("start"), Arg::Int("stop")],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(cost_of_range),
    examples: &[
        ("RPUSH queue a b c", "(integer) 3"),
        ("LRANGE queue 0 1", "1) \"a\"\n2) \"b\""),
        ("LRANGE queue -2 -1", "1) \"b\"\n2) \"c\""),
        ("LRANGE queue 3 9", "(empty array)"),
    ],
    run: |call| {
        let key = call.args.word()?;
        let (start, stop) = (call.args.int()?, call.args.int()?);
        let Some(list) = whole_list(call, key)? else {
            return Ok(Reply::Array(Vec::new()));
        };
        let range = list.range(places(start, stop, list.len()));
        Ok(Reply::Array(range.cloned().map(Reply::Bulk).collect()))
    },
    ..COMMAND
};

/// LINDEX key index
pub const LINDEX: Command = Command {
    name: "LINDEX",
    summary: "Returns an element of a list by its place, which counts from 0, or from the end below zero.",
    group: Group::List,
    complexity: "O(S), S the chunks between the element and the nearer end",
    args: &[Arg::Key("key"), Arg::Int("index")],
    flags: flags(&[Flags::READONLY]),
    examples: &[
        ("RPUSH queue a b", "(integer) 2"),
        ("LINDEX queue -1", "\"b\""),
        ("LINDEX queue 2", "(nil)"),
    ],
    run: |call| {
        let key = call.args.word()?;
        // A missing key answers whatever the index is.
        let Some(list) = whole_list(call, key)? else {
            return Ok(Reply::Null);
        };
        let place = place_of(call.args.int()?, list.len());
        let element = place.and_then(|place| list.get(place));
        Ok(Reply::bulk_or_null(element.cloned()))
    },
    ..COMMAND
};

/// The list as it is now; it stays as it is while others change the key.
fn whole_list(call: &Call, key: &[u8]) -> Result<Option<Arc<List>>> {
    call.access
        .read(call.db(), key, |view| list_of(view, key))?
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub const LPOS: Command = Command {
    name: "LPOS",
    summary: "Returns the places of the elements of a list that equal one.",
    group: Group::List,
    since: "6.0.6",
    complexity: "O(N), N the number of elements",
    args: &[
        Arg::Key("key"),
        Arg::Str("element"),
        Arg::Optional(&Arg::Option("RANK", &[Arg::Int("rank")])),
        Arg::Optional(&Arg::Option("COUNT", &[Arg::Int("num-matches")])),
        Arg::Optional(&Arg::Option("MAXLEN", &[Arg::Int("len")])),
    ],
    flags: flags(&[Flags::READONLY]),
    class: Class::Predicted(keys::cost_of_values),
    errors: &[
        (
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
            "The rank is 0.",
        ),
        (
            "ERR COUNT can't be negative",
            "The count is no number, or below zero.",
        ),
        (
            "ERR MAXLEN can't be negative",
            "The length is no number, or below zero.",
        ),
    ],
    examples: &[
        ("RPUSH letters a b c b", "(integer) 4"),
        ("LPOS letters b", "(integer) 1"),
        ("LPOS letters b RANK -1", "(integer) 3"),
        ("LPOS letters b COUNT 0", "1) (integer) 1\n2) (integer) 3"),
        ("LPOS letters d", "(nil)"),
    ],
    run: lpos,
    ..COMMAND
};

/// What LPOS looks for.
struct Search {
    /// From the end on.
    is_backward: bool,
    /// Matches that are passed over.
    skipped: usize,
    /// Matches wanted, 0 all; none asks for one, alone.
    count: Option<usize>,
    /// Elements looked at, at most.
    len_max: usize,
}

impl Search {
    fn parse(args: &mut Args) -> Result<Search> {
        const NO_RANK: Refusal = Refusal::line(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
        );
        const BAD_COUNT: Refusal = Refusal::line("ERR COUNT can't be negative");
        const BAD_LEN: Refusal = Refusal::line("ERR MAXLEN can't be negative");
        let (mut rank, mut count, mut len_max) = (1, None, 0);
        while !args.is_done() {
            if args.left() < 2 {
                return Err(error::SYNTAX);
            }
            if args.take("RANK") {
                rank = take_signed(args)?;
                if rank == 0 {
                    return Err(NO_RANK);
                }
            } else if args.take("COUNT") {
                count = Some(take_count(args, 0, BAD_COUNT)?);
            } else if args.take("MAXLEN") {
                len_max = take_count(args, 0, BAD_LEN)?;
            } else {
                return Err(error::SYNTAX);
            }
        }
        Ok(Search {
            is_backward: rank < 0,
            skipped: rank.unsigned_abs() as usize - 1,
            count,
            len_max: if len_max == 0 { usize::MAX } else { len_max },
        })
    }

    fn places(&self, list: &List, element: &[u8]) -> Vec<usize> {
        let elements: &mut dyn Iterator<Item = (usize, &bytes::Bytes)> = match self.is_backward {
            true => &mut (0..list.len()).rev().zip(list.iter().rev()),
            false => &mut list.iter().enumerate(),
        };
        let wanted = match self.count {
            None => 1,
            Some(0) => usize::MAX,
            Some(count) => count,
        };
        let equal = elements
            .take(self.len_max)
            .filter(|(_, other)| *other == element);
        let places = equal.map(|(place, _)| place);
        places.skip(self.skipped).take(wanted).collect()
    }
}

fn lpos(call: &mut Call) -> Result {
    let (key, element) = (call.args.word()?, call.args.word()?);
    let search = Search::parse(&mut call.args)?;
    let list = whole_list(call, key)?;
    let places = list.map_or(Vec::new(), |list| search.places(&list, element));
    Ok(match search.count {
        Some(_) => Reply::Array(places.into_iter().map(Reply::count).collect()),
        None => places
            .first()
            .map_or(Reply::Null, |place| Reply::count(*place)),
    })
}

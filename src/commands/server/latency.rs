//! LATENCY: events that took at least latency-monitor-threshold milliseconds, and how the durations of each command spread.

use crate::commands::error::Result;
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, Table, flags};
use crate::commands::{Call, docs};
use crate::protocol::Reply;
use crate::stats::CommandSnapshot;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

/// LATENCY and its subcommands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "LATENCY|LATEST",
        summary: "Answers the latest and the longest of each kind of event.",
        since: "2.8.13",
        examples: &[("LATENCY LATEST", "(empty array)")],
        run: latest,
        ..LATENCY
    },
    Command {
        name: "LATENCY|HISTORY",
        summary: "Answers when events of a kind happened, and how long they took.",
        since: "2.8.13",
        args: &[Arg::Str("event")],
        examples: &[("LATENCY HISTORY command", "(empty array)")],
        run: history,
        ..LATENCY
    },
    Command {
        name: "LATENCY|RESET",
        summary: "Forgets events, all or those of some kinds.",
        since: "2.8.13",
        args: &[Arg::Optional(&Arg::Multiple(&Arg::Str("event")))],
        examples: &[("LATENCY RESET", "(integer) 0")],
        run: reset,
        ..LATENCY
    },
    Command {
        name: "LATENCY|HISTOGRAM",
        summary: "Answers how many calls of each command took up to how many microseconds.",
        since: "7.0.0",
        complexity: "O(N), N the number of commands",
        args: &[Arg::Optional(&Arg::Multiple(&Arg::Str("command")))],
        examples: &[("LATENCY HISTOGRAM no-such-command", "(empty array)")],
        run: histogram,
        ..LATENCY
    },
    Command {
        name: "LATENCY|HELP",
        summary: "Explains the subcommands.",
        since: "2.8.13",
        flags: flags(&[Flags::LOADING, Flags::STALE]),
        run: docs::help,
        ..LATENCY
    },
];

const LATENCY: Command = Command {
    group: Group::Server,
    flags: flags(&[Flags::ADMIN, Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]),
    ..COMMAND
};

/// Events of a kind that are remembered.
const EVENTS_MAX: usize = 160;

/// Events that took long.
#[derive(Default)]
pub struct LatencyLog {
    kinds: Mutex<BTreeMap<&'static str, Events>>,
}

/// Events of one kind.
#[derive(Default)]
struct Events {
    /// Seconds since 1970 and milliseconds taken, the oldest first.
    samples: VecDeque<(u64, u64)>,
    /// The longest ever.
    longest_ms: u64,
}

impl LatencyLog {
    /// Remembers an event that ended at `at_s` (seconds since 1970). Of several within a second the longest stays.
    pub fn add(&self, kind: &'static str, at_s: u64, took_ms: u64) {
        let mut kinds = self.kinds.lock();
        let events = kinds.entry(kind).or_default();
        events.longest_ms = events.longest_ms.max(took_ms);
        match events.samples.back_mut() {
            Some((last_s, ms)) if *last_s == at_s => *ms = took_ms.max(*ms),
            _ => events.samples.push_back((at_s, took_ms)),
        }
        if events.samples.len() > EVENTS_MAX {
            events.samples.pop_front();
        }
    }
}

fn int(n: u64) -> Reply {
    Reply::Int(n as i64)
}

fn latest(call: &mut Call) -> Result {
    let kinds = call.context.latency_log.kinds.lock();
    let describe = |(kind, events): (&&'static str, &Events)| {
        let (at_s, ms) = events.samples.back().copied().unwrap_or_default();
        Reply::Array(vec![
            Reply::bulk_static(kind),
            int(at_s),
            int(ms),
            int(events.longest_ms),
        ])
    };
    Ok(Reply::Array(kinds.iter().map(describe).collect()))
}

fn history(call: &mut Call) -> Result {
    let kind = call.args.word()?;
    let kinds = call.context.latency_log.kinds.lock();
    let events = kinds.iter().find(|(name, _)| name.as_bytes() == kind);
    let samples = events.into_iter().flat_map(|(_, events)| &events.samples);
    let pair = |(at_s, ms): &(u64, u64)| Reply::Array(vec![int(*at_s), int(*ms)]);
    Ok(Reply::Array(samples.map(pair).collect()))
}

fn reset(call: &mut Call) -> Result {
    let wanted: Vec<&[u8]> = call.args.rest_words().collect();
    let mut kinds = call.context.latency_log.kinds.lock();
    let before = kinds.len();
    kinds.retain(|kind, _| !wanted.is_empty() && !wanted.contains(&kind.as_bytes()));
    Ok(Reply::count(before - kinds.len()))
}

fn histogram(call: &mut Call) -> Result {
    let table = Table::all();
    let wanted: Vec<usize> = match call.args.is_done() {
        true => (0..table.commands().len()).collect(),
        // A container stands for its subcommands.
        false => call
            .args
            .rest_words()
            .flat_map(|name| places(table, name))
            .collect(),
    };
    let counts = call.context.stats.snapshot().commands;
    let called = wanted
        .into_iter()
        .filter(|place| counts[*place].tracked() > 0);
    let describe = |place: usize| {
        let name = Reply::bulk(table.commands()[place].shown_name());
        (name, spread(&counts[place]))
    };
    Ok(Reply::Map(called.map(describe).collect()))
}

fn places(table: &Table, name: &[u8]) -> Vec<usize> {
    let container = table.container(name);
    let subcommands = container
        .into_iter()
        .flat_map(|name| table.subcommands(name));
    table.get(name).into_iter().chain(subcommands).collect()
}

/// Calls, and how many of them took up to 1, 2, 4, ... microseconds, as far as that still grows.
fn spread(counts: &CommandSnapshot) -> Reply {
    let mut total = 0;
    let filled = counts
        .latency
        .iter()
        .enumerate()
        .filter(|(_, calls)| **calls > 0);
    let cumulated = filled.map(|(bucket, calls)| {
        total += calls;
        (int(1 << bucket), int(total))
    });
    let text = Reply::bulk_static;
    Reply::Map(vec![
        (text("calls"), int(counts.tracked())),
        (text("histogram_usec"), Reply::Map(cumulated.collect())),
    ])
}

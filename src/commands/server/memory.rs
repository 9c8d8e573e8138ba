//! MEMORY but for MEMORY USAGE, which is about a key: what the server's memory goes to.

use crate::commands::error::Result;
use crate::commands::table::{COMMAND, Command, Flags, Group, flags};
use crate::commands::{Call, Context, docs};
use crate::engine::Memory;
use crate::protocol::Reply;

/// MEMORY and its subcommands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "MEMORY|STATS",
        summary: "Answers what the server's memory goes to.",
        run: stats,
        ..MEMORY
    },
    Command {
        name: "MEMORY|DOCTOR",
        summary: "Says in words what is remarkable about the server's memory.",
        run: doctor,
        ..MEMORY
    },
    Command {
        name: "MEMORY|PURGE",
        summary: "Drops attribute columns and what is known of filters, and gives memory that is kept for reuse back to the system.",
        examples: &[("MEMORY PURGE", "OK")],
        run: |call| {
            // What is derived first: filters that come again make it anew.
            let keyspace = call.context.engine.keyspace();
            keyspace.column_budget().drop_all();
            let indexes = keyspace.indexes().all();
            indexes.iter().for_each(|index| index.filters().forget());
            call.context.engine.purge_memory();
            Ok(Reply::ok())
        },
        ..MEMORY
    },
    Command {
        name: "MEMORY|MALLOC-STATS",
        summary: "Answers the figures of the allocator.",
        run: allocator_figures,
        ..MEMORY
    },
    Command {
        name: "MEMORY|HELP",
        summary: "Explains the subcommands.",
        flags: flags(&[Flags::LOADING, Flags::STALE]),
        run: docs::help,
        ..MEMORY
    },
];

const MEMORY: Command = Command {
    group: Group::Server,
    since: "4.0.0",
    ..COMMAND
};

/// Memory, and what of it is known to belong to what.
pub struct Split {
    /// Figures of the process.
    pub memory: Memory,
    /// Buffers and state of clients.
    pub clients: u64,
}

impl Split {
    /// As of now.
    pub fn now(context: &Context) -> Split {
        Split {
            memory: context.engine.memory(),
            clients: context.clients.memory_bytes(),
        }
    }

    /// Everything but data.
    pub fn overhead(&self) -> u64 {
        self.memory.at_start + self.clients + self.memory.log + self.memory.pinned
    }

    /// Data, as far as it is not known to be anything else.
    pub fn dataset(&self) -> u64 {
        self.memory.allocated.saturating_sub(self.overhead())
    }

    /// The data's share of what came after the start, in percent.
    pub fn dataset_percent(&self) -> f64 {
        let after_start = self.memory.allocated.saturating_sub(self.memory.at_start);
        percent(self.dataset(), after_start)
    }
}

/// `part` of `whole` in percent.
pub fn percent(part: u64, whole: u64) -> f64 {
    ratio(part, whole) * 100.0
}

/// `part` in units of `whole`; 0 where there is no whole.
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn stats(call: &mut Call) -> Result {
    let split = Split::now(call.context);
    let memory = &split.memory;
    let keys = call.context.keys();
    let int = |n: u64| Reply::Int(n as i64);
    let difference = |a: u64, b: u64| Reply::Int(a as i64 - b as i64);
    Ok(Reply::named([
        ("peak.allocated", int(memory.peak)),
        ("total.allocated", int(memory.allocated)),
        ("startup.allocated", int(memory.at_start)),
        ("replication.backlog", int(0)),
        ("clients.slaves", int(0)),
        ("clients.normal", int(split.clients)),
        // There is no cluster, and there are no scripts.
        ("cluster.links", int(0)),
        ("aof.buffer", int(memory.log)),
        ("lua.caches", int(0)),
        ("functions.caches", int(0)),
        ("save.pinned", int(memory.pinned)),
        ("overhead.total", int(split.overhead())),
        ("keys.count", int(keys)),
        ("keys.bytes-per-key", int(split.dataset() / keys.max(1))),
        ("dataset.bytes", int(split.dataset())),
        ("dataset.percentage", Reply::Double(split.dataset_percent())),
        (
            "peak.percentage",
            Reply::Double(percent(memory.allocated, memory.peak)),
        ),
        ("allocator.allocated", int(memory.allocated)),
        ("allocator.active", int(memory.active)),
        ("allocator.resident", int(memory.resident)),
        (
            "allocator-fragmentation.ratio",
            Reply::Double(ratio(memory.active, memory.allocated)),
        ),
        (
            "allocator-fragmentation.bytes",
            difference(memory.active, memory.allocated),
        ),
        (
            "allocator-rss.ratio",
            Reply::Double(ratio(memory.resident, memory.active)),
        ),
        (
            "allocator-rss.bytes",
            difference(memory.resident, memory.active),
        ),
        (
            "rss-overhead.ratio",
            Reply::Double(ratio(memory.process, memory.resident)),
        ),
        (
            "rss-overhead.bytes",
            difference(memory.process, memory.resident),
        ),
        (
            "fragmentation",
            Reply::Double(ratio(memory.process, memory.allocated)),
        ),
        (
            "fragmentation.bytes",
            difference(memory.process, memory.allocated),
        ),
    ]))
}

/// Below this the figures are those of the program itself.
const REMARKABLE_BYTES_MIN: u64 = 5 << 20;

fn doctor(call: &mut Call) -> Result {
    let Split { memory, clients } = Split::now(call.context);
    let mut findings = Vec::new();
    if memory.peak > memory.allocated / 2 * 3 {
        findings.push("The peak is more than half again what is allocated now: the system may keep memory that is free.");
    }
    if memory.process > memory.allocated / 5 * 7 {
        findings.push("The process occupies over 1.4 times what is allocated: try MEMORY PURGE.");
    }
    if clients > memory.allocated / 5 {
        findings.push("Buffers of clients take over a fifth of the memory: look at CLIENT LIST.");
    }
    if memory.pinned > memory.allocated / 10 {
        findings.push("A running save holds over a tenth of the memory: it will be given back when the save ends.");
    }
    let text = match findings.as_slice() {
        _ if memory.allocated < REMARKABLE_BYTES_MIN => {
            "The server holds too little data to say anything about its memory.".to_owned()
        }
        [] => "Nothing is remarkable about the memory of the server.".to_owned(),
        findings => findings.join("\n"),
    };
    Ok(Reply::Verbatim(text))
}

fn allocator_figures(call: &mut Call) -> Result {
    let memory = call.context.engine.memory();
    Ok(Reply::Verbatim(format!(
        "allocator: {}\nallocated: {}\nactive: {}\nresident: {}\n",
        memory.allocator, memory.allocated, memory.active, memory.resident
    )))
}

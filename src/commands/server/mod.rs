//! Commands about the server as a whole, a file for each concern; here what is small: TIME, ROLE.

pub mod command;
pub mod config;
pub mod debug;
pub mod info;
pub mod latency;
pub mod memory;
pub mod module;
pub mod monitor;
pub mod saving;
pub mod slowlog;

use super::error::Result;
use super::table::{COMMAND, Command, Flags, Group, flags};
use super::{Call, Context};
use crate::protocol::Reply;

/// The Redis whose commands the server follows: clients decide by it what they may send.
pub const REDIS_VERSION: &str = "8.4.0";

/// The small commands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "TIME",
        summary: "Answers the server's time: seconds since 1970, and microseconds.",
        group: Group::Server,
        since: "2.6.0",
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE]),
        examples: &[("TIME", "1) \"1000000000\"\n2) \"0\"")],
        run: time,
        ..COMMAND
    },
    Command {
        name: "ROLE",
        summary: "Answers what the server is to its replicas: a master without any.",
        group: Group::Server,
        since: "2.8.12",
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]),
        categories: &["@admin", "@dangerous"],
        examples: &[("ROLE", "1) \"master\"\n2) (integer) 0\n3) (empty array)")],
        run: |_| {
            Ok(Reply::Array(vec![
                Reply::bulk_static("master"),
                Reply::Int(0),
                Reply::Array(Vec::new()),
            ]))
        },
        ..COMMAND
    },
];

fn time(call: &mut Call) -> Result {
    // The clock of the commands counts milliseconds.
    let now_ms = call.now_ms();
    let (seconds, micros) = (now_ms / 1000, now_ms % 1000 * 1000);
    Ok(Reply::bulks([seconds.to_string(), micros.to_string()]))
}

impl Context {
    /// Number of keys in all databases; 0 while loading.
    pub fn keys(&self) -> u64 {
        if self.engine.is_loading() {
            return 0;
        }
        let keyspace = self.engine.keyspace();
        let all = 0..keyspace.databases();
        all.map(|db| keyspace.database(db).len() as u64).sum()
    }

    /// How long the server has been up, in seconds.
    pub fn uptime_s(&self) -> u64 {
        self.engine.now_ms().saturating_sub(self.started_ms) / 1000
    }
}

#[cfg(test)]
mod tests;

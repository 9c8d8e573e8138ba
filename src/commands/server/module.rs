//! MODULE LIST: what Redis keeps in modules is part of this server; those whose commands are here are named.

use crate::commands::docs;
use crate::commands::table::{COMMAND, Command, Flags, Group, flags};
use crate::protocol::Reply;

/// MODULE and its subcommands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "MODULE|LIST",
        summary: "Lists the modules of Redis whose commands are here.",
        group: Group::Server,
        since: "4.0.0",
        flags: flags(&[Flags::ADMIN, Flags::NO_SCRIPT]),
        examples: &[(
            "MODULE LIST",
            "1) 1) \"name\"\n   2) \"vectorset\"\n   3) \"ver\"\n   4) (integer) 1\n   5) \"path\"\n   6) \"\"\n   7) \"args\"\n   8) (empty array)\n2) 1) \"name\"\n   2) \"ReJSON\"\n   3) \"ver\"\n   4) (integer) 80405\n   5) \"path\"\n   6) \"\"\n   7) \"args\"\n   8) (empty array)\n3) 1) \"name\"\n   2) \"search\"\n   3) \"ver\"\n   4) (integer) 80410\n   5) \"path\"\n   6) \"\"\n   7) \"args\"\n   8) (empty array)",
        )],
        run: |_| Ok(list()),
        ..COMMAND
    },
    Command {
        name: "MODULE|HELP",
        summary: "Explains the subcommands.",
        group: Group::Server,
        since: "5.0.0",
        flags: flags(&[Flags::LOADING, Flags::STALE]),
        run: docs::help,
        ..COMMAND
    },
];

/// The version of search as people write it.
pub const SEARCH_VERSION: &str = "8.4.10";

/// Names and versions.
pub const MODULES: &[(&str, i64)] = &[("vectorset", 1), ("ReJSON", 80405), ("search", 80410)];

/// The modules as MODULE LIST and HELLO describe them.
pub fn list() -> Reply {
    let text = Reply::bulk_static;
    let describe = |(name, version): &(&'static str, i64)| {
        Reply::Map(vec![
            (text("name"), text(name)),
            (text("ver"), Reply::Int(*version)),
            (text("path"), text("")),
            (text("args"), Reply::Array(Vec::new())),
        ])
    };
    Reply::Array(MODULES.iter().map(describe).collect())
}

//! CONFIG: the options of the running server, and their file.

use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::commands::{Call, Context, docs};
use crate::config::{Appendfsync, Id, Quoting, TABLE};
use crate::engine::FsyncPolicy;
use crate::protocol::{Reply, glob, inline};

/// CONFIG and its subcommands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "CONFIG|GET",
        summary: "Answers the options whose names match, with their values.",
        since: "2.0.0",
        complexity: "O(N), N the number of options times that of patterns",
        args: &[Arg::Multiple(&Arg::Pattern("parameter"))],
        examples: &[
            ("CONFIG GET maxmemory", "1) \"maxmemory\"\n2) \"0\""),
            ("CONFIG GET no-such-option", "(empty array)"),
        ],
        run: get,
        ..CONFIG
    },
    Command {
        name: "CONFIG|SET",
        summary: "Sets options of the running server, all of them or none.",
        since: "2.0.0",
        complexity: "O(N), N the number of options",
        args: &[Arg::Multiple(&Arg::Block(&[
            Arg::Str("parameter"),
            Arg::Str("value"),
        ]))],
        flags: flags(&[
            Flags::ADMIN,
            Flags::LOADING,
            Flags::STALE,
            Flags::NO_SCRIPT,
            Flags::SECRET,
        ]),
        examples: &[
            ("CONFIG SET maxmemory 1gb", "OK"),
            (
                "CONFIG GET maxmemory",
                "1) \"maxmemory\"\n2) \"1073741824\"",
            ),
        ],
        run: set,
        ..CONFIG
    },
    Command {
        name: "CONFIG|REWRITE",
        summary: "Writes the options that hold now into the configuration file.",
        since: "2.8.0",
        examples: &[(
            "CONFIG REWRITE",
            "(error) ERR The server is running without a config file",
        )],
        run: rewrite,
        ..CONFIG
    },
    Command {
        name: "CONFIG|RESETSTAT",
        summary: "Sets the counters that INFO shows back to zero.",
        since: "2.0.0",
        examples: &[("CONFIG RESETSTAT", "OK")],
        run: reset_statistics,
        ..CONFIG
    },
    Command {
        name: "CONFIG|HELP",
        summary: "Explains the subcommands.",
        since: "5.0.0",
        flags: flags(&[Flags::LOADING, Flags::STALE]),
        run: docs::help,
        ..CONFIG
    },
];

const CONFIG: Command = Command {
    group: Group::Server,
    flags: flags(&[Flags::ADMIN, Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]),
    ..COMMAND
};

const NO_FILE: Refusal = Refusal::line("ERR The server is running without a config file");

fn get(call: &mut Call) -> Result {
    let patterns: Vec<&[u8]> = call.args.rest_words().collect();
    let found = call.context.config.get(&patterns, |pattern, name| {
        glob::matches(pattern, name, glob::Case::Sensitive)
    });
    let pairs = found.into_iter();
    Ok(Reply::Map(
        pairs
            .map(|(name, value)| (Reply::bulk(name), Reply::bulk(value)))
            .collect(),
    ))
}

fn set(call: &mut Call) -> Result {
    if !call.args.left().is_multiple_of(2) {
        return Err(error::SYNTAX);
    }
    let words: Vec<&[u8]> = call.args.rest_words().collect();
    let (pairs, _) = words.as_chunks::<2>();
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
    let context = call.context;
    let is_local = call.session.client.is_local();
    let follow = |changed: &[Id]| {
        changed
            .iter()
            .try_for_each(|id| apply_option(context, *id).map_err(|why| (*id, why)))
    };
    let applied = context
        .config
        .set(&pairs, is_local, follow)
        .map_err(|error| Refusal::made(format!("ERR {error}")))?;
    for warning in &applied.warnings {
        tracing::warn!("{warning}");
    }
    for id in &applied.changed {
        tracing::info!("CONFIG SET changed {}", TABLE[*id as usize].name);
    }
    Ok(Reply::ok())
}

/// Does what an option that just took another value asks for at once. Those that are read where they are used need nothing.
fn apply_option(context: &Context, id: Id) -> std::result::Result<(), String> {
    let engine = &context.engine;
    match id {
        Id::Appendfsync if !engine.is_loading() => {
            engine.log().set_policy(match context.config.appendfsync() {
                Appendfsync::Always => FsyncPolicy::Always,
                Appendfsync::Everysec => FsyncPolicy::Everysec,
                Appendfsync::No => FsyncPolicy::No,
            });
        }
        Id::SearchColumnsMaxMemory => {
            engine
                .keyspace()
                .column_budget()
                .set_bytes_max(context.config.search_columns_bytes_max());
        }
        Id::SearchForceGraph if !engine.is_loading() => {
            engine
                .keyspace()
                .force_graph(context.config.search_force_graph());
        }
        Id::CalibrationRememberQueries if !engine.is_loading() => {
            engine
                .keyspace()
                .keep_queries(context.config.calibration_remember_queries());
        }
        _ => {}
    }
    Ok(())
}

fn rewrite(call: &mut Call) -> Result {
    let context = call.context;
    let Some(path) = context.config.file() else {
        return Err(NO_FILE);
    };
    let quoting = Quoting {
        split: |line| inline::split_arguments(line).ok(),
        quote: inline::quote,
    };
    let edited = context
        .engine
        .edit_file(path, |text| context.config.rewrite(text, quoting));
    match edited {
        Ok(()) => {
            tracing::info!("CONFIG REWRITE executed with success");
            Ok(Reply::ok())
        }
        Err(error) => {
            tracing::warn!("CONFIG REWRITE failed: {error}");
            Err(Refusal::made(format!("ERR Rewriting config file: {error}")))
        }
    }
}

fn reset_statistics(call: &mut Call) -> Result {
    call.context.stats.reset();
    Ok(Reply::ok())
}

//! Snapshots and the end: SAVE BGSAVE LASTSAVE BGREWRITEAOF SHUTDOWN. A save also lets the log begin anew, so BGSAVE and
//! BGREWRITEAOF start the same work.

use crate::commands::Call;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Arg, COMMAND, Class, Command, Delay, Flags, Group, flags};
use crate::engine::{SaveFailure, StopRequest};
use crate::protocol::Reply;

/// The family.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "SAVE",
        summary: "Saves all data, and answers when they are on disk.",
        complexity: "O(N), N the number of keys and elements that changed since the last save",
        flags: flags(&[Flags::ADMIN, Flags::NO_SCRIPT, Flags::NO_MULTI]),
        class: Class::Aside(Delay::Keys),
        run: save,
        ..SAVING
    },
    Command {
        name: "BGSAVE",
        summary: "Starts to save all data in the background.",
        args: &[Arg::Optional(&Arg::Token("SCHEDULE"))],
        run: save_in_background,
        ..SAVING
    },
    Command {
        name: "LASTSAVE",
        summary: "Answers when the last good save ended, in seconds since 1970.",
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE]),
        categories: &["@admin", "@dangerous"],
        examples: &[("LASTSAVE", "(integer) 1000000000")],
        run: last_save,
        ..SAVING
    },
    Command {
        name: "BGREWRITEAOF",
        summary: "Starts to save all data in the background, after which the log begins anew.",
        run: rewrite_log,
        ..SAVING
    },
    Command {
        name: "SHUTDOWN",
        summary: "Stops the server, after everything that was acknowledged is on disk.",
        complexity: "O(1), or that of SAVE if it saves",
        args: &[
            Arg::Optional(&Arg::OneOf(&[Arg::Token("NOSAVE"), Arg::Token("SAVE")])),
            Arg::Optional(&Arg::Token("NOW")),
            Arg::Optional(&Arg::Token("FORCE")),
            Arg::Optional(&Arg::Token("ABORT")),
        ],
        flags: flags(&[
            Flags::ADMIN,
            Flags::LOADING,
            Flags::STALE,
            Flags::NO_SCRIPT,
            Flags::NO_MULTI,
        ]),
        class: Class::Aside(Delay::Keys),
        examples: &[("SHUTDOWN ABORT", "(error) ERR No shutdown in progress.")],
        run: shut_down,
        ..SAVING
    },
];

const SAVING: Command = Command {
    group: Group::Server,
    flags: flags(&[Flags::ADMIN, Flags::NO_SCRIPT]),
    ..COMMAND
};

const ALREADY_SAVING: Refusal = Refusal::line("ERR Background save already in progress");
const ALREADY_REWRITING: Refusal =
    Refusal::line("ERR Background append only file rewriting already in progress");
const NOT_SHUTTING_DOWN: Refusal = Refusal::line("ERR No shutdown in progress.");
const SHUTDOWN_FAILED: Refusal = Refusal::line("ERR Errors trying to SHUTDOWN. Check logs.");

fn refusal(failure: SaveFailure, already: Refusal) -> Refusal {
    match failure {
        SaveFailure::Running => already,
        SaveFailure::Failed(why) => Refusal::made(format!("ERR the save failed: {why}")),
    }
}

fn save(call: &mut Call) -> Result {
    let saved = call.context.engine.save();
    saved.map_err(|failure| refusal(failure, ALREADY_SAVING))?;
    Ok(Reply::ok())
}

fn save_in_background(call: &mut Call) -> Result {
    // To be scheduled means to wait for another kind of work, of which there is none here.
    call.args.take("SCHEDULE");
    call.args.end()?;
    let started = call.context.engine.start_save();
    started.map_err(|failure| refusal(failure, ALREADY_SAVING))?;
    Ok(Reply::Simple("Background saving started"))
}

fn last_save(call: &mut Call) -> Result {
    let last_ms = call.context.engine.save_status().last_good_ms;
    Ok(Reply::Int((last_ms / 1000) as i64))
}

fn rewrite_log(call: &mut Call) -> Result {
    let started = call.context.engine.start_save();
    started.map_err(|failure| refusal(failure, ALREADY_REWRITING))?;
    Ok(Reply::Simple(
        "Background append only file rewriting started",
    ))
}

/// There is no reply to a shutdown that goes well: the connection closes, and then the process is gone.
fn shut_down(call: &mut Call) -> Result {
    let Some(request) = stop_request(call)? else {
        return Err(NOT_SHUTTING_DOWN);
    };
    let has_save_points = !call.context.config.save_points().is_empty();
    tracing::warn!("User requested shutdown...");
    let stopped = call.context.engine.stop(request, has_save_points);
    stopped.map_err(|_| SHUTDOWN_FAILED)?;
    call.session.closing = true;
    Ok(Reply::None)
}

/// What SHUTDOWN asks for; none for ABORT, which can stand alone only. NOW would skip the wait for replicas: there are none.
fn stop_request(call: &mut Call) -> Result<Option<StopRequest>> {
    let mut request = StopRequest::default();
    let mut is_abort = false;
    let words = call.args.left();
    while let Some(word) = call.args.try_next() {
        match word.to_ascii_lowercase().as_slice() {
            b"nosave" if request.save != Some(true) => request.save = Some(false),
            b"save" if request.save != Some(false) => request.save = Some(true),
            b"now" => {}
            b"force" => request.force = true,
            b"abort" if words == 1 => is_abort = true,
            _ => return Err(error::SYNTAX),
        }
    }
    Ok((!is_abort).then_some(request))
}

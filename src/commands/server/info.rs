//! INFO: what the server knows about itself.

use super::REDIS_VERSION;
use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, flags};
use crate::protocol::Reply;

/// INFO.
pub const COMMANDS: &[Command] = &[Command {
    name: "INFO",
    summary: "Answers what the server knows about itself.",
    group: Group::Server,
    args: &[Arg::Optional(&Arg::Multiple(&Arg::Str("section")))],
    flags: flags(&[Flags::LOADING, Flags::STALE, Flags::DANGEROUS]),
    run: info,
    ..COMMAND
}];

fn info(call: &mut Call) -> Result {
    Ok(Reply::Verbatim(format!(
        "# Server\r\nredis_version:{REDIS_VERSION}\r\nloading:{}\r\n",
        u8::from(call.context.engine.is_loading())
    )))
}

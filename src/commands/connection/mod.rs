//! Commands about one client's own connection: PING ECHO HELLO AUTH SELECT QUIT RESET. CLIENT is in [`client`] and [`pause`].

pub mod client;
pub mod pause;

use super::error::{self, Refusal, Result};
use super::session::{Replies, Session};
use super::table::{Arg, COMMAND, Command, Flags, Group, flags};
use super::{Call, Context, server, transaction};
use crate::protocol::{Reply, Version};
use bytes::Bytes;

/// The family without CLIENT.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "PING",
        summary: "Answers PONG, or the message it is given.",
        group: Group::Connection,
        args: &[Arg::Optional(&Arg::Str("message"))],
        flags: Flags::FAST,
        examples: &[("PING", "PONG"), ("PING hello", "\"hello\"")],
        run: ping,
        ..COMMAND
    },
    Command {
        name: "ECHO",
        summary: "Answers the message it is given.",
        group: Group::Connection,
        args: &[Arg::Str("message")],
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE]),
        examples: &[("ECHO hello", "\"hello\"")],
        run: echo,
        ..COMMAND
    },
    Command {
        name: "HELLO",
        summary: "Chooses the version of the protocol, and says who the server is.",
        group: Group::Connection,
        since: "6.0.0",
        args: &[Arg::Optional(&Arg::Block(&[
            Arg::Int("protover"),
            Arg::Optional(&Arg::Option(
                "AUTH",
                &[Arg::Str("username"), Arg::Str("password")],
            )),
            Arg::Optional(&Arg::Option("SETNAME", &[Arg::Str("clientname")])),
        ]))],
        flags: HANDSHAKE,
        examples: &[("HELLO 4", "(error) NOPROTO unsupported protocol version")],
        run: hello,
        ..COMMAND
    },
    Command {
        name: "AUTH",
        summary: "Logs the connection in.",
        group: Group::Connection,
        args: &[Arg::Optional(&Arg::Str("username")), Arg::Str("password")],
        flags: HANDSHAKE,
        examples: &[("AUTH default any", "OK")],
        run: auth,
        ..COMMAND
    },
    Command {
        name: "SELECT",
        summary: "Moves the connection to another database.",
        group: Group::Connection,
        args: &[Arg::Int("index")],
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE]),
        examples: &[
            ("SELECT 1", "OK"),
            ("SELECT 16", "(error) ERR DB index is out of range"),
        ],
        run: select,
        ..COMMAND
    },
    Command {
        name: "QUIT",
        summary: "Closes the connection after the replies so far.",
        group: Group::Connection,
        arity: Some(-1),
        flags: HANDSHAKE,
        examples: &[("QUIT", "OK")],
        run: quit,
        ..COMMAND
    },
    Command {
        name: "RESET",
        summary: "Puts the connection back to how it was when it was made.",
        group: Group::Connection,
        since: "6.2.0",
        flags: HANDSHAKE,
        examples: &[("SELECT 1", "OK"), ("RESET", "RESET")],
        run: reset,
        ..COMMAND
    },
];

/// Flags of what a client may send before it has logged in.
const HANDSHAKE: Flags = flags(&[
    Flags::FAST,
    Flags::LOADING,
    Flags::STALE,
    Flags::NO_AUTH,
    Flags::NO_SCRIPT,
    Flags::SECRET,
]);

/// The only user.
const DEFAULT_USER: &[u8] = b"default";

const NO_PASSWORD_CONFIGURED: Refusal = Refusal::line(
    "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
);
const WRONG_PASSWORD: Refusal =
    Refusal::line("WRONGPASS invalid username-password pair or user is disabled.");
const HELLO_UNAUTHENTICATED: Refusal = Refusal::line(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
);
const NOT_AN_INT: Refusal =
    Refusal::line("ERR value is out of range, value must between -2147483648 and 2147483647");
const NO_SUCH_PROTOCOL: Refusal = Refusal::line("NOPROTO unsupported protocol version");
const PROTOCOL_NOT_AN_INTEGER: Refusal =
    Refusal::line("ERR Protocol version is not an integer or out of range");

fn ping(call: &mut Call) -> Result {
    let message = call.args.left();
    match message {
        0 => Ok(Reply::Simple("PONG")),
        1 => Ok(Reply::Bulk(call.args.bytes()?)),
        _ => Err(error::wrong_arity("ping")),
    }
}

fn echo(call: &mut Call) -> Result {
    Ok(Reply::Bulk(call.args.bytes()?))
}

/// What a HELLO asks for.
#[derive(Default)]
struct Greeting<'r> {
    version: Option<Version>,
    credentials: Option<(&'r [u8], &'r [u8])>,
    name: Option<Bytes>,
}

/// Nothing is changed unless all of it can be.
fn hello(call: &mut Call) -> Result {
    let Greeting {
        version,
        credentials,
        name,
    } = greeting(call)?;
    if let Some((user, password)) = credentials {
        log_in(call.context, call.session, user, password)?;
    }
    if !call.session.authenticated && call.context.config.asks_password() {
        return Err(HELLO_UNAUTHENTICATED);
    }
    if let Some(name) = name {
        *call.session.client.name.lock() = name;
    }
    if let Some(version) = version {
        call.session.speak(version);
    }
    let text = Reply::bulk_static;
    let pairs = [
        ("server", text("redis")),
        ("version", text(server::REDIS_VERSION)),
        ("proto", Reply::Int(call.session.version.number())),
        ("id", Reply::Int(call.session.client.id as i64)),
        ("mode", text("standalone")),
        ("role", text("master")),
        ("modules", server::module::list()),
    ];
    Ok(Reply::Map(
        pairs.map(|(name, value)| (text(name), value)).into(),
    ))
}

fn greeting<'r>(call: &mut Call<'r>) -> Result<Greeting<'r>> {
    let mut greeting = Greeting::default();
    if call.args.is_done() {
        return Ok(greeting);
    }
    let version = call.args.int_or(PROTOCOL_NOT_AN_INTEGER)?;
    greeting.version = Some(Version::from_number(version).ok_or(NO_SUCH_PROTOCOL)?);
    while let Some(option) = call.args.peek() {
        let left = call.args.left() - 1;
        if left >= 2 && call.args.take("AUTH") {
            greeting.credentials = Some((call.args.word()?, call.args.word()?));
        } else if left >= 1 && call.args.take("SETNAME") {
            let name = call.args.bytes()?;
            client::check_name(&name)?;
            greeting.name = Some(name);
        } else {
            return Err(Refusal::made(format!(
                "ERR Syntax error in HELLO option '{}'",
                String::from_utf8_lossy(option)
            )));
        }
    }
    Ok(greeting)
}

fn auth(call: &mut Call) -> Result {
    let first = call.args.word()?;
    let (user, password) = match call.args.try_next() {
        Some(password) => (first, password),
        None if !call.context.config.asks_password() => return Err(NO_PASSWORD_CONFIGURED),
        None => (DEFAULT_USER, first),
    };
    call.args.end()?;
    log_in(call.context, call.session, user, password)?;
    Ok(Reply::ok())
}

/// Without a configured password the default user is let in with any.
fn log_in(context: &Context, session: &mut Session, user: &[u8], password: &[u8]) -> Result<()> {
    let expected = context.config.requirepass();
    let is_right = expected.is_empty() || equal_in_constant_time(&expected, password);
    if user != DEFAULT_USER || !is_right {
        return Err(WRONG_PASSWORD);
    }
    session.authenticated = true;
    Ok(())
}

/// Looks at every byte, so that the time tells nothing about how many were right.
fn equal_in_constant_time(expected: &[u8], given: &[u8]) -> bool {
    let different = given.iter().enumerate().fold(0u8, |different, (i, byte)| {
        different | (byte ^ expected[i % expected.len()])
    });
    std::hint::black_box(different) == 0 && given.len() == expected.len()
}

fn select(call: &mut Call) -> Result {
    let index = call.args.int()?;
    if i32::try_from(index).is_err() {
        return Err(NOT_AN_INT);
    }
    let db = usize::try_from(index).map_err(|_| error::DB_OUT_OF_RANGE)?;
    if db >= call.context.config.databases() {
        return Err(error::DB_OUT_OF_RANGE);
    }
    call.session.select(db);
    Ok(Reply::ok())
}

fn quit(call: &mut Call) -> Result {
    call.session.closing = true;
    Ok(Reply::ok())
}

fn reset(call: &mut Call) -> Result {
    let session = &mut *call.session;
    transaction::reset(session);
    session.select(0);
    session.speak(Version::Resp2);
    session.replies = Replies::On;
    session.authenticated = !call.context.config.asks_password();
    session.client.forget_settings();
    call.context.monitors.remove(&session.client);
    Ok(Reply::Simple("RESET"))
}

#[cfg(test)]
mod tests;

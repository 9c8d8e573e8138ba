//! CLIENT: what a connection tells and asks about itself, and what operators see of and do to all connections.

use super::pause;
use crate::commands::error::{self, Refusal, Result};
use crate::commands::session::{Client, Replies};
use crate::commands::table::{Arg, COMMAND, Command, Flags, Group, Table, flags};
use crate::commands::{Call, docs};
use crate::protocol::{Reply, number};
use bytes::Bytes;
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// CLIENT and its subcommands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "CLIENT|ID",
        summary: "Answers the number of the connection.",
        since: "5.0.0",
        run: |call| Ok(Reply::Int(call.session.client.id as i64)),
        ..CLIENT
    },
    Command {
        name: "CLIENT|GETNAME",
        summary: "Answers the name of the connection.",
        since: "2.6.9",
        examples: &[("CLIENT GETNAME", "(nil)")],
        run: get_name,
        ..CLIENT
    },
    Command {
        name: "CLIENT|SETNAME",
        summary: "Names the connection; an empty name takes it away.",
        since: "2.6.9",
        args: &[Arg::Str("connection-name")],
        examples: &[
            ("CLIENT SETNAME worker", "OK"),
            ("CLIENT GETNAME", "\"worker\""),
        ],
        run: set_name,
        ..CLIENT
    },
    Command {
        name: "CLIENT|SETINFO",
        summary: "Notes which library the client uses.",
        since: "7.2.0",
        args: &[Arg::OneOf(&[
            Arg::Option("LIB-NAME", &[Arg::Str("libname")]),
            Arg::Option("LIB-VER", &[Arg::Str("libver")]),
        ])],
        examples: &[("CLIENT SETINFO LIB-NAME my-driver", "OK")],
        run: set_info,
        ..CLIENT
    },
    Command {
        name: "CLIENT|INFO",
        summary: "Describes the connection in a line.",
        since: "6.2.0",
        run: info,
        ..CLIENT
    },
    Command {
        name: "CLIENT|LIST",
        summary: "Describes all connections, or some of them, in a line each.",
        since: "2.4.0",
        complexity: "O(N), N the number of connections",
        args: &[
            Arg::Optional(&Arg::Option("TYPE", &[KIND])),
            Arg::Optional(&Arg::Option("ID", &[Arg::Multiple(&Arg::Int("client-id"))])),
        ],
        flags: OPERATOR,
        run: list,
        ..CLIENT
    },
    Command {
        name: "CLIENT|KILL",
        summary: "Closes connections.",
        since: "2.4.0",
        complexity: "O(N), N the number of connections",
        args: &[Arg::OneOf(&[
            Arg::Str("ip:port"),
            Arg::Multiple(&Arg::OneOf(&[
                Arg::Option("ID", &[Arg::Int("client-id")]),
                Arg::Option("TYPE", &[KIND]),
                Arg::Option("USER", &[Arg::Str("username")]),
                Arg::Option("ADDR", &[Arg::Str("ip:port")]),
                Arg::Option("LADDR", &[Arg::Str("ip:port")]),
                Arg::Option("SKIPME", &[YES_OR_NO]),
                Arg::Option("MAXAGE", &[Arg::Int("maxage")]),
            ])),
        ])],
        flags: OPERATOR,
        examples: &[
            ("CLIENT KILL 192.0.2.1:7", "(error) ERR No such client"),
            ("CLIENT KILL ADDR 192.0.2.1:7", "(integer) 0"),
        ],
        run: kill,
        ..CLIENT
    },
    Command {
        name: "CLIENT|REPLY",
        summary: "Chooses whether the server answers the connection at all.",
        since: "3.2.0",
        args: &[Arg::OneOf(&[
            Arg::Token("ON"),
            Arg::Token("OFF"),
            Arg::Token("SKIP"),
        ])],
        examples: &[("CLIENT REPLY ON", "OK")],
        run: reply,
        ..CLIENT
    },
    Command {
        name: "CLIENT|NO-EVICT",
        summary: "Keeps the connection when memory for connections runs short.",
        since: "7.0.0",
        args: &[ON_OR_OFF],
        flags: OPERATOR,
        examples: &[("CLIENT NO-EVICT ON", "OK")],
        run: |call| switch(call, |client| &client.no_evict),
        ..CLIENT
    },
    Command {
        name: "CLIENT|NO-TOUCH",
        summary: "Keeps the connection's reads from counting as use of the keys.",
        since: "7.2.0",
        args: &[ON_OR_OFF],
        examples: &[("CLIENT NO-TOUCH ON", "OK")],
        run: |call| switch(call, |client| &client.no_touch),
        ..CLIENT
    },
    Command {
        name: "CLIENT|PAUSE",
        summary: "Lets the commands of all clients wait, or their writes; but for CLIENT UNPAUSE.",
        since: "3.0.0",
        args: &[
            Arg::Int("timeout"),
            Arg::Optional(&Arg::OneOf(&[Arg::Token("WRITE"), Arg::Token("ALL")])),
        ],
        flags: OPERATOR,
        examples: &[
            ("CLIENT PAUSE 1 WRITE", "OK"),
            ("CLIENT PAUSE -1", "(error) ERR timeout is negative"),
        ],
        run: pause::pause,
        ..CLIENT
    },
    Command {
        name: "CLIENT|UNPAUSE",
        summary: "Ends what CLIENT PAUSE began.",
        since: "6.2.0",
        flags: OPERATOR,
        examples: &[("CLIENT UNPAUSE", "OK")],
        run: pause::unpause,
        ..CLIENT
    },
    Command {
        name: "CLIENT|UNBLOCK",
        summary: "Wakes a connection that waits in a blocking command: none does, since there are no such commands.",
        since: "5.0.0",
        args: &[
            Arg::Int("client-id"),
            Arg::Optional(&Arg::OneOf(&[Arg::Token("TIMEOUT"), Arg::Token("ERROR")])),
        ],
        flags: OPERATOR,
        examples: &[
            ("CLIENT UNBLOCK 1", "(integer) 0"),
            (
                "CLIENT UNBLOCK 1 KINDLY",
                "(error) ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            ),
        ],
        run: unblock,
        ..CLIENT
    },
    Command {
        name: "CLIENT|GETREDIR",
        summary: "Answers where invalidations of a client's cache are sent: nowhere, since none is kept track of.",
        since: "6.0.0",
        examples: &[("CLIENT GETREDIR", "(integer) -1")],
        run: |_| Ok(Reply::Int(UNTRACKED)),
        ..CLIENT
    },
    Command {
        name: "CLIENT|TRACKINGINFO",
        summary: "Tells how a client's cache is kept track of: not at all.",
        since: "6.2.0",
        examples: &[(
            "CLIENT TRACKINGINFO",
            "1) \"flags\"\n2) 1) \"off\"\n3) \"redirect\"\n4) (integer) -1\n5) \"prefixes\"\n6) (empty array)",
        )],
        run: tracking_info,
        ..CLIENT
    },
    Command {
        name: "CLIENT|HELP",
        summary: "Explains the subcommands.",
        since: "5.0.0",
        flags: flags(&[Flags::LOADING, Flags::STALE]),
        run: docs::help,
        ..CLIENT
    },
];

const CLIENT: Command = Command {
    group: Group::Connection,
    flags: flags(&[Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]),
    ..COMMAND
};

const OPERATOR: Flags = flags(&[Flags::ADMIN, Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]);

const ON_OR_OFF: Arg = Arg::OneOf(&[Arg::Token("ON"), Arg::Token("OFF")]);
const YES_OR_NO: Arg = Arg::OneOf(&[Arg::Token("YES"), Arg::Token("NO")]);
const KIND: Arg = Arg::OneOf(&[
    Arg::Token("NORMAL"),
    Arg::Token("MASTER"),
    Arg::Token("REPLICA"),
    Arg::Token("PUBSUB"),
]);

/// What Redis says where nothing is kept track of.
const UNTRACKED: i64 = -1;

const BAD_NAME: Refusal =
    Refusal::line("ERR Client names cannot contain spaces, newlines or special characters.");
const BAD_LIST_ID: Refusal = Refusal::line("ERR Invalid client ID");
const BAD_KILL_ID: Refusal = Refusal::line("ERR client-id should be greater than 0");
const MAXAGE_NOT_AN_INTEGER: Refusal =
    Refusal::line("ERR maxage is not an integer or out of range");
const MAXAGE_TOO_SMALL: Refusal = Refusal::line("ERR maxage should be greater than 0");
const BAD_UNBLOCK_REASON: Refusal =
    Refusal::line("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
const NO_SUCH_CLIENT: Refusal = Refusal::line("ERR No such client");

fn get_name(call: &mut Call) -> Result {
    let name = call.session.client.name.lock().clone();
    Ok(Reply::bulk_or_null((!name.is_empty()).then_some(name)))
}

fn set_name(call: &mut Call) -> Result {
    let name = call.args.bytes()?;
    check_name(&name)?;
    *call.session.client.name.lock() = name;
    Ok(Reply::ok())
}

/// A name stands in the lines of CLIENT LIST, so it must not break them.
pub fn check_name(name: &[u8]) -> Result<()> {
    if is_one_word(name) {
        Ok(())
    } else {
        Err(BAD_NAME)
    }
}

fn is_one_word(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

fn set_info(call: &mut Call) -> Result {
    let option = call.args.word()?;
    let value = call.args.bytes()?;
    let client = &call.session.client;
    let place = match option.to_ascii_lowercase().as_slice() {
        b"lib-name" => &client.lib_name,
        b"lib-ver" => &client.lib_version,
        _ => {
            let option = String::from_utf8_lossy(option);
            return Err(Refusal::made(format!("ERR Unrecognized option '{option}'")));
        }
    };
    if !is_one_word(&value) {
        let option = String::from_utf8_lossy(option);
        return Err(Refusal::made(format!(
            "ERR {option} cannot contain spaces, newlines or special characters."
        )));
    }
    *place.lock() = value;
    Ok(Reply::ok())
}

fn info(call: &mut Call) -> Result {
    Ok(Reply::Verbatim(line(&call.session.client, call.now_ms())))
}

fn list(call: &mut Call) -> Result {
    let wanted: Box<dyn Fn(&Client) -> bool> = match call.args.left() {
        0 => Box::new(|_| true),
        2 if call.args.take("TYPE") => {
            let is_wanted = has_clients(call.args.word()?)?;
            Box::new(move |_| is_wanted)
        }
        2.. if call.args.take("ID") => {
            let ids = call.args.rest_words().map(number::parse_i64);
            let ids = ids.collect::<Option<Vec<i64>>>().ok_or(BAD_LIST_ID)?;
            Box::new(move |client| ids.contains(&(client.id as i64)))
        }
        _ => return Err(error::SYNTAX),
    };
    let all = call.context.clients.list();
    let lines = all.iter().filter(|client| wanted(client));
    Ok(Reply::Verbatim(
        lines.map(|client| line(client, call.now_ms())).collect(),
    ))
}

/// Whether connections of this type exist: all of ours are normal.
fn has_clients(kind: &[u8]) -> Result<bool> {
    match kind.to_ascii_lowercase().as_slice() {
        b"normal" => Ok(true),
        b"master" | b"replica" | b"slave" | b"pubsub" => Ok(false),
        _ => Err(Refusal::made(format!(
            "ERR Unknown client type '{}'",
            String::from_utf8_lossy(kind)
        ))),
    }
}

/// A client as CLIENT LIST writes it, line end included. What Rhumb has no use for (subscriptions, blocking, argument and
/// reply lists of its own) is at the value that means none.
fn line(client: &Client, now_ms: u64) -> String {
    let seconds = |since_ms: u64| now_ms.saturating_sub(since_ms) / 1000;
    let number = |value: &AtomicU64| value.load(Relaxed);
    let text = |value: &Bytes| String::from_utf8_lossy(value).into_owned();
    let queued = match number(&client.queued) {
        u64::MAX => -1,
        queued => queued as i64,
    };
    let output = number(&client.output_bytes);
    let mut line = String::with_capacity(512);
    let _ = writeln!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 multi={queued} watch={} \
         qbuf={} qbuf-free={} argv-mem=0 multi-mem={} rbs={output} rbp={output} obl=0 oll=0 omem={output} tot-mem={} \
         events={} cmd={} user=default redir=-1 resp={} lib-name={} lib-ver={} io-thread=0 tot-net-in={} tot-net-out={} \
         tot-cmds={}",
        client.id,
        client.addr,
        client.laddr,
        client.fd,
        text(&client.name.lock()),
        seconds(client.connected_ms),
        seconds(number(&client.active_ms)),
        marks(client, queued >= 0),
        client.db.load(Relaxed),
        number(&client.watched),
        number(&client.query_bytes),
        number(&client.query_free_bytes),
        number(&client.queued_bytes),
        client.memory_bytes(),
        if output > 0 { "rw" } else { "r" },
        last_command(client),
        client.version.load(Relaxed),
        text(&client.lib_name.lock()),
        text(&client.lib_version.lock()),
        number(&client.total_input_bytes),
        number(&client.total_output_bytes),
        number(&client.total_commands),
    );
    line
}

/// The letters of `flags=`.
fn marks(client: &Client, is_in_multi: bool) -> String {
    let marks = [
        ('O', client.is_monitor.load(Relaxed)),
        ('x', is_in_multi),
        ('e', client.no_evict.load(Relaxed)),
        ('T', client.no_touch.load(Relaxed)),
        ('A', client.killed.load(Relaxed)),
    ];
    let set: String = marks
        .iter()
        .filter_map(|(mark, is_set)| is_set.then_some(*mark))
        .collect();
    if set.is_empty() { "N".to_owned() } else { set }
}

fn last_command(client: &Client) -> &'static str {
    let table = Table::all();
    let place = client.last_command.load(Relaxed);
    if place < table.commands().len() {
        table.lower_name(place)
    } else {
        "NULL"
    }
}

/// Which connections to close; what is absent is not asked for.
#[derive(Default)]
struct Wanted<'r> {
    ids: Vec<i64>,
    address: Option<&'r [u8]>,
    local_address: Option<&'r [u8]>,
    is_of_no_kind: bool,
    age_s: Option<i64>,
    is_self_included: bool,
}

impl Wanted<'_> {
    fn has(&self, client: &Client, caller: u64, now_ms: u64) -> bool {
        let age_s = now_ms.saturating_sub(client.connected_ms) / 1000;
        !self.is_of_no_kind
            && (self.ids.is_empty() || self.ids.contains(&(client.id as i64)))
            && self
                .address
                .is_none_or(|address| address == client.addr.as_bytes())
            && self
                .local_address
                .is_none_or(|address| address == client.laddr.as_bytes())
            && self.age_s.is_none_or(|least| age_s as i64 >= least)
            && (self.is_self_included || client.id != caller)
    }
}

fn kill(call: &mut Call) -> Result {
    if call.args.left() == 1 {
        let wanted = Wanted {
            address: Some(call.args.word()?),
            is_self_included: true,
            ..Wanted::default()
        };
        return match close(call, &wanted) {
            0 => Err(NO_SUCH_CLIENT),
            _ => Ok(Reply::ok()),
        };
    }
    let wanted = wanted(call)?;
    Ok(Reply::count(close(call, &wanted)))
}

fn wanted<'r>(call: &mut Call<'r>) -> Result<Wanted<'r>> {
    let mut wanted = Wanted::default();
    while let Some(option) = call.args.try_next() {
        let value = call.args.word()?;
        match option.to_ascii_lowercase().as_slice() {
            b"id" => {
                let id = number::parse_i64(value).filter(|id| *id > 0);
                wanted.ids.push(id.ok_or(BAD_KILL_ID)?);
            }
            b"type" => wanted.is_of_no_kind |= !has_clients(value)?,
            b"addr" => wanted.address = Some(value),
            b"laddr" => wanted.local_address = Some(value),
            b"user" if value != b"default" => {
                let user = String::from_utf8_lossy(value);
                return Err(Refusal::made(format!("ERR No such user '{user}'")));
            }
            b"user" => {}
            b"skipme" if value.eq_ignore_ascii_case(b"yes") => wanted.is_self_included = false,
            b"skipme" if value.eq_ignore_ascii_case(b"no") => wanted.is_self_included = true,
            b"maxage" => {
                let age_s = number::parse_i64(value).ok_or(MAXAGE_NOT_AN_INTEGER)?;
                if age_s <= 0 {
                    return Err(MAXAGE_TOO_SMALL);
                }
                wanted.age_s = Some(age_s);
            }
            _ => return Err(error::SYNTAX),
        }
    }
    Ok(wanted)
}

/// Closes the connections and counts them. The caller's own is closed after its reply.
fn close(call: &mut Call, wanted: &Wanted) -> usize {
    let caller = call.session.client.id;
    let now_ms = call.now_ms();
    let all = call.context.clients.list();
    let chosen = all
        .iter()
        .filter(|client| wanted.has(client, caller, now_ms));
    let mut count = 0;
    for client in chosen {
        count += 1;
        if client.id == caller {
            call.session.closing = true;
        } else {
            client.kill();
        }
    }
    count
}

fn reply(call: &mut Call) -> Result {
    let before = call.session.replies;
    call.session.replies = match call.args.word()?.to_ascii_lowercase().as_slice() {
        b"on" => Replies::On,
        b"off" => Replies::Off,
        b"skip" if before == Replies::Off => Replies::Off,
        b"skip" => Replies::SkipNext,
        _ => return Err(error::SYNTAX),
    };
    Ok(Reply::ok())
}

fn unblock(call: &mut Call) -> Result {
    call.args.int()?;
    let is_known = call.args.is_done() || call.args.take("TIMEOUT") || call.args.take("ERROR");
    if !is_known {
        return Err(BAD_UNBLOCK_REASON);
    }
    call.args.end()?;
    Ok(Reply::Int(0))
}

fn tracking_info(_: &mut Call) -> Result {
    let flags = Reply::Set(vec![Reply::bulk_static("off")]);
    let fields = [
        ("flags", flags),
        ("redirect", Reply::Int(UNTRACKED)),
        ("prefixes", Reply::Array(Vec::new())),
    ];
    let fields = fields.map(|(name, value)| (Reply::bulk_static(name), value));
    Ok(Reply::Map(fields.into()))
}

fn switch(call: &mut Call, of: fn(&Client) -> &AtomicBool) -> Result {
    let is_on = match call.args.word()?.to_ascii_lowercase().as_slice() {
        b"on" => true,
        b"off" => false,
        _ => return Err(error::SYNTAX),
    };
    of(&call.session.client).store(is_on, Relaxed);
    Ok(Reply::ok())
}

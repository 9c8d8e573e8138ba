//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use super::error::{Refusal, Result};
use super::session::{Queue, Session};
use super::table::{Arg, COMMAND, Class, Command, Flags, Group, Lookup, Table, flags};
use super::{Call, Context, run};
use crate::engine::{Scope, Transaction};
use crate::protocol::{Reply, Request};
use std::sync::atomic::Ordering;

/// The family.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "MULTI",
        summary: "Starts a transaction.",
        group: Group::Transactions,
        since: "1.2.0",
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]),
        examples: &[
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("INCR a", "QUEUED"),
            ("EXEC", "1) OK\n2) (integer) 2"),
        ],
        run: multi,
        ..COMMAND
    },
    Command {
        name: "EXEC",
        summary: "Executes all commands of a transaction, as one.",
        group: Group::Transactions,
        since: "1.2.0",
        complexity: "Depends on the commands of the transaction",
        flags: flags(&[
            Flags::LOADING,
            Flags::STALE,
            Flags::SKIP_SLOWLOG,
            Flags::NO_SCRIPT,
        ]),
        class: Class::Predicted(predict),
        examples: &[("EXEC", "(error) ERR EXEC without MULTI")],
        run: exec,
        ..COMMAND
    },
    Command {
        name: "DISCARD",
        summary: "Discards a transaction.",
        group: Group::Transactions,
        since: "2.0.0",
        complexity: "O(N), N the number of queued commands",
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]),
        examples: &[
            ("MULTI", "OK"),
            ("SET a 1", "QUEUED"),
            ("DISCARD", "OK"),
            ("EXISTS a", "(integer) 0"),
        ],
        run: discard,
        ..COMMAND
    },
    Command {
        name: "WATCH",
        key_flags: &["RO"],
        summary: "Makes the next transaction depend on keys staying as they are.",
        group: Group::Transactions,
        since: "2.2.0",
        complexity: "O(1) for each key",
        args: &[Arg::Multiple(&Arg::Key("key"))],
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]),
        examples: &[("WATCH a", "OK")],
        run: watch,
        ..COMMAND
    },
    Command {
        name: "UNWATCH",
        summary: "Forgets all watched keys.",
        group: Group::Transactions,
        since: "2.2.0",
        flags: flags(&[Flags::FAST, Flags::LOADING, Flags::STALE, Flags::NO_SCRIPT]),
        examples: &[("UNWATCH", "OK")],
        run: unwatch,
        ..COMMAND
    },
];

/// Whether a command runs between MULTI and EXEC instead of being queued.
pub fn runs_at_once(command: &Command) -> bool {
    matches!(
        command.name,
        "MULTI" | "EXEC" | "DISCARD" | "WATCH" | "RESET" | "QUIT"
    )
}

/// Queues a command that passed its checks.
pub fn enqueue(session: &mut Session, command: &Command, request: &Request) -> Reply {
    if let Some(queue) = &mut session.queue {
        queue.flags = queue.flags | command.flags;
        queue.requests.push(request.clone());
        let client = &session.client;
        client
            .queued
            .store(queue.requests.len() as u64, Ordering::Relaxed);
        client
            .queued_bytes
            .fetch_add(request.byte_len() as u64, Ordering::Relaxed);
    }
    Reply::Simple("QUEUED")
}

/// Leaves the transaction and forgets watched keys.
pub fn reset(session: &mut Session) {
    session.queue = None;
    session.watched.clear();
    session.client.queued.store(u64::MAX, Ordering::Relaxed);
    session.client.queued_bytes.store(0, Ordering::Relaxed);
    session.client.watched.store(0, Ordering::Relaxed);
}

fn multi(call: &mut Call) -> Result {
    if call.session.queue.is_some() {
        return Err(Refusal::line("ERR MULTI calls can not be nested"));
    }
    call.session.queue = Some(Queue::default());
    call.session.client.queued.store(0, Ordering::Relaxed);
    Ok(Reply::ok())
}

fn discard(call: &mut Call) -> Result {
    if call.session.queue.is_none() {
        return Err(Refusal::line("ERR DISCARD without MULTI"));
    }
    reset(call.session);
    Ok(Reply::ok())
}

fn watch(call: &mut Call) -> Result {
    if call.session.queue.is_some() {
        return Err(Refusal::line("ERR WATCH inside MULTI is not allowed"));
    }
    let db = call.db();
    for key in call.args.rest() {
        let watched = &mut call.session.watched;
        if !watched.iter().any(|watch| watch.target() == (db, &*key)) {
            watched.push(call.access.watch(db, &key)?);
        }
    }
    call.session
        .client
        .watched
        .store(call.session.watched.len() as u64, Ordering::Relaxed);
    Ok(Reply::ok())
}

fn unwatch(call: &mut Call) -> Result {
    call.session.watched.clear();
    call.session.client.watched.store(0, Ordering::Relaxed);
    Ok(Reply::ok())
}

fn exec(call: &mut Call) -> Result {
    let Some(queue) = &call.session.queue else {
        return Err(Refusal::line("ERR EXEC without MULTI"));
    };
    if queue.is_spoiled {
        reset(call.session);
        return Err(Refusal::line(
            "EXECABORT Transaction discarded because of previous errors.",
        ));
    }
    let databases = call.context.config.databases();
    let scope = scope(&queue.requests, call.session, databases);
    let (context, patience) = (call.context, call.access.patience());
    let session = &mut *call.session;
    let (reply, last) = context
        .engine
        .transaction(&scope, patience, |transaction| {
            run_queue(context, session, transaction)
        })?;
    session.last_number = session.last_number.max(last);
    Ok(reply)
}

/// EXEC takes as long as its commands together.
fn predict(context: &Context, session: &Session, _: &Request) -> u64 {
    let Some(queue) = &session.queue else {
        return 0;
    };
    let table = Table::all();
    let costs = queue
        .requests
        .iter()
        .map(|request| match table.lookup(request) {
            Lookup::Found(place, _) => {
                table.commands()[place].predicted_us(context, session, request)
            }
            _ => 0,
        });
    costs.fold(0, u64::saturating_add)
}

/// Runs what is queued, unless a watched key changed. A failed command leaves nothing behind; the others stand.
fn run_queue(context: &Context, session: &mut Session, transaction: &Transaction) -> Reply {
    let requests = session
        .queue
        .take()
        .map(|queue| queue.requests)
        .unwrap_or_default();
    let access = transaction.access();
    let is_stale = session
        .watched
        .iter()
        .any(|watch| watch.is_spoiled(&access.view(session.db)));
    reset(session);
    if is_stale {
        return Reply::NullArray;
    }
    Reply::Array(
        requests
            .iter()
            .map(|request| run_queued(context, session, transaction, request))
            .collect(),
    )
}

fn run_queued(
    context: &Context,
    session: &mut Session,
    transaction: &Transaction,
    request: &Request,
) -> Reply {
    let Lookup::Found(place, names) = Table::all().lookup(request) else {
        return Reply::error("ERR unknown command");
    };
    match run(
        context,
        session,
        request,
        transaction.access(),
        place,
        names,
    ) {
        Ok(reply) => reply,
        Err(Refusal::Error(line)) => Reply::error(line),
        Err(Refusal::NotHere(_)) => Reply::error("ERR internal error"),
    }
}

/// What the transaction names or depends on.
fn scope(requests: &[Request], session: &Session, databases: usize) -> Scope {
    let mut db = session.db;
    let watched = session.watched.iter();
    let mut scope = Scope {
        keys: watched
            .map(|watch| (watch.target().0, watch.target().1.to_vec()))
            .collect(),
        ..Scope::default()
    };
    for request in requests {
        let Lookup::Found(place, _) = Table::all().lookup(request) else {
            continue;
        };
        let command = Table::all().commands()[place];
        // SELECT moves the commands behind it; MOVE and COPY reach into another database.
        scope.is_world |= command.flags.has(Flags::WORLD);
        scope.changes_world |= command.flags.has(flags(&[Flags::WORLD, Flags::WRITE]));
        if command.name == "SELECT" {
            // One that will be refused moves nothing.
            let chosen = crate::protocol::number::parse_i64(request.arg(1));
            let chosen = chosen.and_then(|n| usize::try_from(n).ok());
            db = chosen.filter(|n| *n < databases).unwrap_or(db);
        }
        let keys = command.keys_of(request).map(|key| (db, key.to_vec()));
        if command.flags.has(Flags::WRITE) {
            scope.changed.extend(keys.clone());
        }
        scope.keys.extend(keys);
    }
    scope
}

#[cfg(test)]
mod tests;

//! MONITOR: a client is told of every command that runs, in the order in which they end.

use crate::commands::Call;
use crate::commands::error::Result;
use crate::commands::session::{Client, Session};
use crate::commands::table::{COMMAND, Command, Flags, Group, flags};
use crate::protocol::inline::quote;
use crate::protocol::{Reply, Request};
use parking_lot::Mutex;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// `MONITOR`
pub const COMMANDS: &[Command] = &[Command {
    name: "MONITOR",
    summary: "Tells every command that runs, but those of operators and those with passwords.",
    group: Group::Server,
    since: "1.0.0",
    flags: flags(&[
        Flags::ADMIN,
        Flags::LOADING,
        Flags::STALE,
        Flags::NO_SCRIPT,
        Flags::NO_MULTI,
    ]),
    examples: &[("MONITOR", "OK")],
    run: monitor,
    ..COMMAND
}];

/// A client that has so much waiting, which it does not take, is closed.
const UNTOLD_BYTES_MAX: usize = 64 << 20;

/// The clients that are told.
#[derive(Default)]
pub struct Monitors {
    /// How many there are: all that a command looks at where there is none.
    count: AtomicUsize,
    all: Mutex<Vec<Arc<Client>>>,
}

impl Monitors {
    fn add(&self, client: &Arc<Client>) {
        let mut all = self.all.lock();
        if !client.is_monitor.swap(true, Ordering::AcqRel) {
            all.push(Arc::clone(client));
            self.count.store(all.len(), Ordering::Release);
        }
    }

    /// Tells a client nothing any more.
    pub fn remove(&self, client: &Client) {
        if client.is_monitor.swap(false, Ordering::AcqRel) {
            let mut all = self.all.lock();
            all.retain(|other| other.id != client.id);
            self.count.store(all.len(), Ordering::Release);
            client.take_untold();
        }
    }

    /// Tells of a command that ran.
    pub fn tell(
        &self,
        now_ms: impl FnOnce() -> u64,
        session: &Session,
        command: &Command,
        request: &Request,
    ) {
        let is_hidden = command.flags.has(Flags::ADMIN) || command.flags.has(Flags::SECRET);
        if self.count.load(Ordering::Acquire) == 0 || is_hidden {
            return;
        }
        let line = line(now_ms(), session, request);
        for client in self.all.lock().iter() {
            if client.tell(line.as_bytes()) > UNTOLD_BYTES_MAX {
                tracing::warn!(client = client.id, "closing a MONITOR that does not read");
                client.kill();
            }
        }
    }
}

fn monitor(call: &mut Call) -> Result {
    call.context.monitors.add(&call.session.client);
    Ok(Reply::ok())
}

/// A command as it is told: when, in which database, from where, and its words. The clock of the commands counts milliseconds.
fn line(now_ms: u64, session: &Session, request: &Request) -> String {
    let (seconds, millis) = (now_ms / 1000, now_ms % 1000);
    let mut line = format!(
        "+{seconds}.{millis:03}000 [{} {}]",
        session.db, session.client.addr
    );
    for word in request.iter() {
        let _ = write!(line, " {}", quote(word));
    }
    line + "\r\n"
}

//! CLIENT PAUSE and UNPAUSE: for a while nobody's commands run, or nobody's writes.

use crate::commands::error::{self, Refusal, Result};
use crate::commands::table::{Lookup, Table};
use crate::commands::{Call, is_write};
use crate::protocol::{Reply, Request};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const UNPAUSE: &str = "CLIENT|UNPAUSE";

const BAD_TIMEOUT: Refusal = Refusal::line("ERR timeout is not an integer or out of range");
const NEGATIVE_TIMEOUT: Refusal = Refusal::line("ERR timeout is negative");

/// What is held back, and until when.
#[derive(Default)]
pub struct Pause {
    /// In milliseconds since 1970; 0: nothing is.
    until_ms: AtomicU64,
    /// Every command, not writes alone.
    is_for_all: AtomicBool,
}

impl Pause {
    /// Whether a request has to wait. Whoever ends the pause has not.
    pub fn holds(&self, now_ms: impl FnOnce() -> u64, request: &Request) -> bool {
        let until_ms = self.until_ms.load(Ordering::Acquire);
        if until_ms == 0 || until_ms <= now_ms() {
            return false;
        }
        match self.is_for_all.load(Ordering::Relaxed) {
            true => !is_named(request, UNPAUSE),
            false => is_write(request),
        }
    }
}

fn is_named(request: &Request, name: &str) -> bool {
    let table = Table::all();
    match table.lookup(request) {
        Lookup::Found(place, _) => table.commands()[place].name == name,
        _ => false,
    }
}

/// `CLIENT PAUSE timeout [WRITE | ALL]`. A pause that holds on is made longer, never shorter.
pub fn pause(call: &mut Call) -> Result {
    let timeout_ms = call.args.int_or(BAD_TIMEOUT)?;
    let timeout_ms = u64::try_from(timeout_ms).map_err(|_| NEGATIVE_TIMEOUT)?;
    let is_for_writes = call.args.take("WRITE");
    if !is_for_writes && !call.args.is_done() && !call.args.take("ALL") {
        return Err(error::SYNTAX);
    }
    call.args.end()?;
    let pause = &call.context.pause;
    pause.is_for_all.store(!is_for_writes, Ordering::Relaxed);
    let until_ms = call.now_ms().saturating_add(timeout_ms);
    pause.until_ms.fetch_max(until_ms, Ordering::AcqRel);
    Ok(Reply::ok())
}

/// `CLIENT UNPAUSE`
pub fn unpause(call: &mut Call) -> Result {
    call.context.pause.until_ms.store(0, Ordering::Release);
    Ok(Reply::ok())
}

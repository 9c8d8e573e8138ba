//! The log thread: syncs by the policy, writes what nobody waits for, tries again after a failed write, and brings the last
//! header up to date when nothing happens.

use super::{FsyncPolicy, Health, Inner};
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_secs(1);
/// Ticks between two syncs that the policy does not ask for.
const LAZY_SYNC_TICKS: u64 = 30;

/// Wakes the log thread.
#[derive(Default)]
pub(super) struct Alarm {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_poked: bool,
    is_stopped: bool,
    /// Turns taken, and the last number at the latest.
    ticks: u64,
    last_seen: u64,
}

enum Woken {
    /// There may be something to sync.
    Poked,
    /// A second has gone by.
    Tick,
    Stopped,
}

impl Alarm {
    pub fn poke(&self) {
        let mut state = self.state.lock();
        if !state.is_poked {
            state.is_poked = true;
            self.changed.notify_one();
        }
    }

    pub fn stop(&self) {
        self.state.lock().is_stopped = true;
        self.changed.notify_one();
    }

    fn wait_until(&self, tick: Instant) -> Woken {
        let mut state = self.state.lock();
        loop {
            if state.is_stopped {
                return Woken::Stopped;
            }
            if Instant::now() >= tick {
                return Woken::Tick;
            }
            if std::mem::take(&mut state.is_poked) {
                return Woken::Poked;
            }
            self.changed.wait_until(&mut state, tick);
        }
    }
}

pub(super) fn spawn(inner: Arc<Inner>) -> JoinHandle<()> {
    let run = move || {
        let mut tick = Instant::now() + TICK;
        loop {
            match inner.alarm.wait_until(tick) {
                Woken::Stopped => return,
                Woken::Poked => inner.sync_if_always(),
                Woken::Tick => {
                    inner.tick();
                    tick = Instant::now() + TICK;
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("log".to_owned());
    #[allow(clippy::expect_used)] // Without threads there is no server.
    thread.spawn(run).expect("a thread can be started")
}

impl Inner {
    fn sync_if_always(&self) {
        if self.policy() == FsyncPolicy::Always && self.needs_sync() {
            // The health tells everybody.
            let _ = self.sync();
        }
    }

    /// What is due each second. Failures are told by the health.
    pub(super) fn tick(&self) {
        let (is_lazy_sync, is_idle) = self.alarm.turn(self.last.load(Ordering::Acquire));
        match *self.health.lock() {
            Health::SyncFailed(_) => return,
            Health::WriteFailed(_) | Health::Good => {}
        }
        self.retry();
        let _ = self.write();
        let is_due = self.policy() != FsyncPolicy::No || is_lazy_sync;
        if is_due && self.needs_sync() {
            let _ = self.sync();
        }
        if is_idle && !self.needs_sync() {
            self.say_synced();
            let _ = self.write();
        }
    }

    fn needs_sync(&self) -> bool {
        self.written.load(Ordering::Acquire) > self.synced.load(Ordering::Acquire)
    }
}

impl Alarm {
    /// Counts a turn: whether a lazy sync is due, and whether no number was drawn since the last turn.
    fn turn(&self, last: u64) -> (bool, bool) {
        let mut state = self.state.lock();
        state.ticks += 1;
        let is_idle = std::mem::replace(&mut state.last_seen, last) == last;
        (state.ticks.is_multiple_of(LAZY_SYNC_TICKS), is_idle)
    }
}

//! Upkeep in the background, on one thread: keys and fields that expired are removed (by a logged change, like anything
//! else), temporary indexes that nobody uses go, rates and the memory's peak are noted, and saves start when enough has changed.

use super::{Access, Decision, Engine, Locked, Patience};
use crate::keyspace::change::Effect;
use crate::keyspace::documents::INDEXED_DB;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the thread looks.
const PERIOD: Duration = Duration::from_millis(100);
/// Expired keys taken out of one database at a time, for each unit of effort; the rest waits for the next round.
const EXPIRED_PER_ROUND: usize = 1000;

/// The upkeep thread; dropping it stops the thread.
pub struct Upkeep {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Upkeep {
    /// Starts the thread. `each_round` is called in every round, about ten times a second (save points).
    pub fn start(engine: Arc<Engine>, mut each_round: impl FnMut() + Send + 'static) -> Upkeep {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let seen = Arc::clone(&stop);
        let mut cursors = vec![0; engine.keyspace().databases()];
        let run = move || {
            let (stopped, changed) = &*seen;
            let mut last = Instant::now();
            let mut stopped = stopped.lock();
            while !*stopped {
                drop(stopped);
                engine.expire_round(&mut cursors);
                engine.drop_forgotten_indexes();
                engine.note_memory();
                // What waits for readers to leave is freed also when nobody else pins.
                engine.collect_garbage();
                engine.stats().sample_rates(last.elapsed());
                last = Instant::now();
                each_round();
                stopped = seen.0.lock();
                if !*stopped {
                    changed.wait_for(&mut stopped, PERIOD);
                }
            }
        };
        let named = thread::Builder::new().name("upkeep".into());
        Upkeep {
            stop,
            thread: Some(
                named
                    .spawn(run)
                    .expect("the system gives a thread at start"),
            ),
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        *self.stop.0.lock() = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Engine {
    /// Whether upkeep removes what has expired before anybody asks for it; off only in tests of expiry itself.
    pub fn set_active_expiry(&self, is_on: bool) {
        self.expires_actively.store(is_on, Ordering::Relaxed);
    }

    /// How much upkeep removes in a round: 1 (at first) to 10.
    pub fn set_expiry_effort(&self, effort: u32) {
        self.expiry_effort.store(effort, Ordering::Relaxed);
    }

    /// Removes what has expired, some of it: one round over all databases.
    fn expire_round(&self, cursors: &mut [usize]) {
        if !self.expires_actively.load(Ordering::Relaxed) {
            return;
        }
        if self.is_disk_behind() || self.health() != crate::persistence::log::Health::Good {
            return;
        }
        let effort = self.expiry_effort.load(Ordering::Relaxed);
        let keys_max = EXPIRED_PER_ROUND * effort as usize;
        for (db, cursor) in cursors.iter_mut().enumerate() {
            let database = self.keyspace().database(db);
            if database.expiring() == 0 {
                continue;
            }
            for key in database.due(cursor, keys_max, self.now_ms()) {
                // A document of an index whose postings somebody reads for long is left for a later round.
                let _ = self.access(Patience::Work).expire(db, &key);
            }
        }
    }
}

impl Engine {
    /// Drops temporary indexes that nobody named for too long, and their documents with them.
    fn drop_forgotten_indexes(&self) {
        let indexes = self.keyspace().indexes();
        for name in indexes.forgotten(self.now_ms()) {
            if self.is_disk_behind() || self.health() != crate::persistence::log::Health::Good {
                return;
            }
            let access = self.access(Patience::Wait);
            let all = indexes.all();
            let dropped: Result<(), Locked> =
                access.write_world_in_turn(INDEXED_DB, &all, |view| {
                    // Somebody may have named it, or dropped it, since.
                    let index = view.keyspace().indexes().get(&name);
                    let index = index.filter(|index| index.is_forgotten(view.now_ms));
                    let changes = index.map_or_else(Vec::new, |index| index.drop_changes(true));
                    Ok(Decision::with((), changes))
                });
            if dropped.is_err() {
                return;
            }
        }
    }
}

impl Access<'_> {
    /// Removes a key, or fields of it, if they are expired.
    fn expire(&self, db: usize, key: &[u8]) -> Result<(), Locked> {
        let engine = self.engine();
        let keys = [(db, key)].into_iter();
        engine.in_turn(keys.clone(), self.patience(), || {
            let _locks = engine.lock_keys(keys, self.patience())?;
            let Some(change) = self.expiry_of(db, key) else {
                return Ok(());
            };
            let totals = &engine.stats().totals;
            match &change.effect {
                Effect::HashDelete { fields } => totals.expired_fields.add(fields.len() as u64),
                _ => totals.expired_keys.increment(),
            }
            engine.commit(vec![change]);
            Ok(())
        })
    }
}

//! Indexes over documents take up the keys that were there before them: in the background, on all cores, each key alone for the
//! moment that it takes, so that writers of others go on.

use super::{Engine, Patience};
use crate::keyspace::Key;
use crate::keyspace::documents::INDEXED_DB;
use crate::keyspace::documents::filling::{self, PAGE};
use crate::keyspace::documents::index::DocumentIndex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the thread looks whether it should end.
const PERIOD: Duration = Duration::from_millis(100);

/// Microseconds since the first call.
pub(super) fn clock_us() -> u64 {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed().as_micros() as u64
}

/// The thread that fills indexes; dropping it stops the thread.
pub struct Indexing {
    engine: Arc<Engine>,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Indexing {
    /// Starts the thread.
    pub fn start(engine: Arc<Engine>) -> Indexing {
        let stops = Arc::new(AtomicBool::new(false));
        let (seen, held) = (Arc::clone(&stops), Arc::clone(&engine));
        let run = move || {
            while !seen.load(Ordering::Relaxed) {
                if let Some(index) = engine.keyspace().indexes().next_unfilled(PERIOD) {
                    or_give_up(&index, || engine.fill(&index, &seen));
                }
            }
        };
        let named = thread::Builder::new().name("indexing".into());
        let thread = named
            .spawn(run)
            .expect("the system gives a thread at start");
        Indexing {
            engine: held,
            stops,
            thread: Some(thread),
        }
    }
}

/// Fills an index. A panic, which is a fault of ours, leaves it with what it has; others are filled all the same.
fn or_give_up(index: &DocumentIndex, fill: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(fill)).is_err() {
        let name = index.name().escape_ascii();
        tracing::error!(
            "indexing existing keys panicked: {name} may lack documents; FT.DROPINDEX and FT.CREATE make it anew"
        );
        index.give_up_filling();
    }
}

impl Drop for Indexing {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        self.engine.keyspace().indexes().wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Engine {
    fn fill(&self, index: &Arc<DocumentIndex>, stops: &AtomicBool) {
        let is_wanted = || self.keyspace().indexes().has(index) && !stops.load(Ordering::Relaxed);
        let mut cursor = 0;
        while is_wanted() {
            let database = self.keyspace().database(INDEXED_DB);
            let (next, page) = database.scan(cursor, PAGE, 0);
            let keys: Vec<Key> = page.into_iter().map(|(key, _)| key).collect();
            filling::on_all_cores(&keys, |key| {
                if index.schema().follows(key) && is_wanted() {
                    self.take_up(index, key);
                }
                index.progress().advance(1);
            });
            self.keyspace().indexes().renewed(index, &database);
            if next == 0 {
                break;
            }
            cursor = next;
        }
        index.progress().end();
    }

    fn take_up(&self, index: &Arc<DocumentIndex>, key: &[u8]) {
        let _place = index.enter();
        let Ok(_locks) = self.lock_keys([(INDEXED_DB, key)].into_iter(), Patience::Wait) else {
            return;
        };
        // The world is held: which index is there, and which database, does not change now.
        if self.keyspace().indexes().has(index) {
            let began = Instant::now();
            filling::take_up(index, key, &self.keyspace().database(INDEXED_DB));
            let took = began.elapsed().as_micros() as u64;
            index.usage().note_indexing(took);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::documents::index::Refusal;
    use crate::keyspace::documents::schema;
    use crate::keyspace::documents::words::Words;

    #[test]
    fn a_panic_ends_the_filling_and_is_remembered() {
        let schema = schema::create(&mut Words::new(&[b"SCHEMA", b"n", b"NUMERIC"]));
        let index = DocumentIndex::new(b"i", Arc::new(schema.expect("a schema")));
        or_give_up(&index, || ());
        assert_eq!(index.failures(), 0);
        or_give_up(&index, || panic!("a planted fault"));
        assert!(!index.progress().is_running());
        assert_eq!(index.failures(), 1);
        let state = index.read();
        let why = state.failures.last().map(|last| &last.why);
        assert_eq!(why, Some(&Refusal::Fault));
        assert!(state.failures.of(0).is_none(), "of no field");
    }
}

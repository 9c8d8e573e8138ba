//! How an index takes up keys that are there before it: at a start on all cores at once, later in the background
//! (engine/indexing.rs), key by key.

use super::index::{DocumentIndex, Unlinked};
use super::saved::{Found, SavedIndex, SavedKeys};
use super::values;
use crate::keyspace::table::Database;
use crate::keyspace::{Entry, Key};
use parking_lot::{Condvar, Mutex};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Keys that are looked at for one step of a filling.
pub const PAGE: usize = 4096;

/// How far an index is with the keys that were there before it.
#[derive(Default)]
pub struct Progress {
    is_running: AtomicBool,
    done: AtomicU64,
    all: AtomicU64,
    ended: (Mutex<()>, Condvar),
}

impl Progress {
    /// Whether keys are still being taken up.
    pub fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Acquire)
    }

    /// The share of keys that were looked at, 0 to 1.
    pub fn share(&self) -> f64 {
        match self.is_running() {
            true => {
                let done = self.done.load(Ordering::Relaxed) as f64;
                (done / self.all.load(Ordering::Relaxed).max(1) as f64).min(1.0)
            }
            false => 1.0,
        }
    }

    /// From now on it is running, over about so many keys.
    pub(super) fn begin(&self, keys: usize) {
        self.all.store(keys as u64, Ordering::Relaxed);
        self.is_running.store(true, Ordering::Release);
    }

    /// So many keys more were looked at.
    pub fn advance(&self, keys: usize) {
        self.done.fetch_add(keys as u64, Ordering::Relaxed);
    }

    /// All are.
    pub fn end(&self) {
        let _waiting = self.ended.0.lock();
        self.is_running.store(false, Ordering::Release);
        self.ended.1.notify_all();
    }

    /// Waits until it is not running, but no longer than this.
    pub fn wait(&self, at_most: Duration) {
        let mut guard = self.ended.0.lock();
        let is_running = |(): &mut ()| self.is_running();
        self.ended.1.wait_while_for(&mut guard, is_running, at_most);
    }
}

/// Fills an index from all keys; nothing else may change them meanwhile.
pub(super) fn fill(index: &DocumentIndex, database: &Database) {
    let keys = followed_keys(index, database);
    on_all_cores(&keys, |key| take_up(index, key, database));
    index.progress().end();
}

/// How an index was made again from a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadedIndex {
    /// Documents that were taken as the snapshot has them.
    pub taken: usize,
    /// Documents that were indexed anew.
    pub indexed: usize,
    /// Vectors and documents that were linked anew.
    pub relinked: usize,
}

/// As `fill`, for an index that a snapshot has. None if the snapshot contradicts itself.
pub(super) fn load(
    index: &DocumentIndex,
    database: &Database,
    saved: SavedIndex,
) -> Option<LoadedIndex> {
    let SavedIndex {
        alive,
        documents,
        words,
        fields,
        vectors,
    } = saved;
    let ((saved, nodes), keys) = rayon::join(
        || SavedKeys::new(&alive, documents, vectors),
        || followed_keys(index, database),
    );
    let taken = Mutex::new(Vec::with_capacity(keys.len()));
    let (linked, unknown) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    on_all_cores(&keys, |key| match saved.find(index, key, database) {
        Found::Document(facts, known) => {
            let document = index.load_known(key.clone(), facts, known);
            taken.lock().push(document);
        }
        Found::Vectors(known) => linked.lock().push(Mutex::new(Some((key.clone(), known)))),
        Found::Nothing => unknown.lock().push(key.clone()),
    });
    let (taken, linked) = (taken.into_inner(), linked.into_inner());
    let mut loaded = LoadedIndex {
        taken: taken.len(),
        indexed: linked.len(),
        relinked: 0,
    };
    // Hundreds of thousands of keys take a while to be forgotten.
    let (is_restored, ()) = rayon::join(|| index.restore(taken, words, fields), || drop(saved));
    if !is_restored {
        return None;
    }
    on_all_cores(&linked, |linked| {
        if let Some((key, known)) = linked.lock().take() {
            index.load(&key, known);
        }
    });
    loaded.relinked = index.load_graphs(nodes);
    let unknown = unknown.into_inner();
    on_all_cores(&unknown, |key| take_up(index, key, database));
    let state = index.read();
    let is_document = |key: &&Key| state.id_of(key).is_some();
    let anew = unknown.iter().filter(is_document).count();
    loaded.indexed += anew;
    loaded.relinked += anew;
    Some(loaded)
}

/// Indexes what the key holds; a key that holds no document of this index, or one with a value that does not do, is left out.
pub fn take_up(index: &DocumentIndex, key: &[u8], database: &Database) {
    index.link(take_up_unlinked(index, key, database));
}

/// After what one key held was given to another: lets a document that is one under both names keep its place. Whether there is such a
/// document; what else the index knows of the two keys does not agree with what they hold. While the index is filled there is none: a document
/// may lack fields that FT.ALTER added, and the filling may have passed its new key.
pub(super) fn rename(index: &DocumentIndex, from: &[u8], to: &[u8], database: &Database) -> bool {
    let schema = index.schema();
    let is_admitted = |entry: Entry| values::is_admitted(schema, to, &entry.value);
    let keeps = !index.progress().is_running() && schema.follows(to);
    keeps && database.peek(to).is_some_and(is_admitted) && index.rename(from, to)
}

/// As `take_up`, but for the linking of vectors.
pub(super) fn take_up_unlinked(index: &DocumentIndex, key: &[u8], database: &Database) -> Unlinked {
    let entry = database.peek(key);
    let values = entry.and_then(|entry| values::read(index.schema(), key, &entry.value));
    match values {
        None => index.remove(key),
        Some(Ok(values)) => return index.put(key, values),
        Some(Err((field, why))) => index.refuse(key, field, why),
    }
    Unlinked::default()
}

fn followed_keys(index: &DocumentIndex, database: &Database) -> Vec<Key> {
    let (mut keys, mut cursor) = (Vec::new(), 0);
    loop {
        let (next, page) = database.scan(cursor, PAGE, 0);
        let followed = page.into_iter().map(|(key, _)| key);
        keys.extend(followed.filter(|key| index.schema().follows(key)));
        if next == 0 {
            return keys;
        }
        cursor = next;
    }
}

/// Calls `act` with each of these, on threads of their own: one that waits for the postings must not be one that whoever holds them
/// waits for.
pub fn on_all_cores<T: Sync>(all: &[T], act: impl Fn(&T) + Sync) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            act(one);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(all.len()) {
            // Where the system gives no thread, there are fewer.
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
}

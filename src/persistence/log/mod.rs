//! The append-only log: [`reader`] reads it at a start, [`Log`] writes it from then on. docs/log-format.md describes the files.
//!
//! # Life of a record
//!
//! [`Log::append`] draws its numbers and puts it at the end of a buffer, under one mutex and without touching the disk. Whoever
//! waits for it first calls [`Log::write_through`], which hands all that waits to the kernel; the log thread syncs by the
//! policy, and tells by a hook that it did.
//!
//! # Life of a file
//!
//! A save calls [`Log::prepare_file`] (the next file exists, empty, and is named by the manifest), [`Log::cut`] (what follows goes
//! there), and once its snapshot is committed [`Log::drop_through`] (the files before are not needed any more). A start
//! never appends to an old file.
//!
//! # When the disk fails
//!
//! See [`Health`]. Numbers that were drawn are never dropped: they reach the file, or a snapshot that holds them.
//!
//! # Locks, in the order in which they are taken
//!
//! `saving` (who alters the list of files), `output` (who writes), `syncing` (who syncs), then for moments only `tail` (the log's
//! mutex), `current`, `health`.

#![warn(clippy::indexing_slicing, clippy::unwrap_used)]

mod error;
pub mod format;
pub mod manifest;
pub mod reader;
mod record;
mod tail;
mod thread;
pub mod words;
mod writer;

#[cfg(test)]
mod tests;

pub use error::{BodyError, LogError, Torn};
pub use manifest::{FileEntry, LogDirectory};
pub use record::EncodedRecord;

use crate::persistence::disk::{Disk, DiskFile};
use manifest::Manifest;
use parking_lot::Mutex;
use reader::LogContents;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use tail::{ClosedFile, Prepared, Tail};
use thread::Alarm;
use writer::Output;

/// More than so many bytes are not written while a connection's worker waits.
const LONG_WRITE_BYTES: u64 = 4 << 20;

/// When the log is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsyncPolicy {
    /// Before a write is acknowledged.
    Always,
    /// Each second.
    Everysec,
    /// When the system likes (and every 30 s).
    No,
}

/// Whether writes can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// They can.
    Good,
    /// The last write failed, for the reason given; it is tried again each second, from where it broke off.
    WriteFailed(String),
    /// An fsync failed, for the reason given; a snapshot must be saved before the log goes on.
    SyncFailed(String),
}

/// What a log is written with.
pub struct LogOptions {
    /// Where it is.
    pub directory: LogDirectory,
    /// Whether there is a log at all (`appendonly`); without one, numbers are drawn and nothing is written.
    pub is_enabled: bool,
    /// When it is synced.
    pub policy: FsyncPolicy,
    /// Whether a thread syncs and writes what nobody waits for. Only tests that count what happens to the disk do without,
    /// and call [`Log::tick`].
    pub has_thread: bool,
}

/// What a log goes on from.
pub struct LogStart {
    /// Drawn once per data directory.
    pub lineage: u64,
    /// The data directory's seed.
    pub seed: u64,
    /// A secret, new at each start; the salts of files come from it.
    pub salt: u64,
    /// Whether there is a snapshot.
    pub has_snapshot: bool,
    /// What was read.
    pub contents: LogContents,
}

/// Called, with no lock of the log held, whenever something was written or synced, or failed to be.
pub type ProgressHook = Box<dyn Fn() + Send + Sync>;

/// The live log.
pub struct Log {
    inner: Arc<Inner>,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// What the log and its thread share.
struct Inner {
    disk: Arc<dyn Disk>,
    directory: LogDirectory,
    is_enabled: bool,
    salt: u64,
    policy: AtomicU8,
    saving: Mutex<Saving>,
    output: Mutex<Output>,
    syncing: Mutex<()>,
    tail: Mutex<Tail>,
    /// The file that is written now, for whoever syncs.
    current: Mutex<Option<Arc<dyn DiskFile>>>,
    health: Mutex<Health>,
    last: AtomicU64,
    written: AtomicU64,
    synced: AtomicU64,
    unwritten_bytes: AtomicU64,
    /// A file is to be finished, which syncs it, before what follows can be written.
    is_switching: AtomicBool,
    on_progress: ProgressHook,
    alarm: Alarm,
}

/// What whoever alters the list of files knows.
struct Saving {
    next_seq: u64,
    has_base: bool,
}

impl Log {
    /// Begins a new file behind what was read (the last of those files is made safe first), and starts the log thread.
    /// Without a log, touches nothing.
    pub fn start(
        disk: Arc<dyn Disk>,
        start: LogStart,
        options: LogOptions,
        on_progress: ProgressHook,
    ) -> Result<Log, LogError> {
        let has_thread = options.has_thread;
        let inner = Arc::new(Inner::new(disk, start, options, on_progress));
        if inner.is_enabled {
            inner.begin()?;
        }
        let thread = (has_thread && inner.is_enabled).then(|| thread::spawn(Arc::clone(&inner)));
        Ok(Log {
            inner,
            thread: Mutex::new(thread),
        })
    }

    /// A log that only draws numbers, after `last`: for tests, and for keyspaces that nobody keeps.
    pub fn in_memory(last: u64) -> Log {
        let directory = LogDirectory::new(Path::new(""), "", "");
        let (is_enabled, policy, has_thread) = (false, FsyncPolicy::No, false);
        let contents = LogContents {
            last_number: last,
            ..LogContents::default()
        };
        let start = LogStart {
            lineage: 0,
            seed: 0,
            salt: 0,
            has_snapshot: false,
            contents,
        };
        let options = LogOptions {
            directory,
            is_enabled,
            policy,
            has_thread,
        };
        let disk = Arc::new(crate::persistence::disk::RealDisk);
        Log {
            inner: Arc::new(Inner::new(disk, start, options, Box::new(|| {}))),
            thread: Mutex::new(None),
        }
    }

    /// Draws numbers for a record and appends it; the last of them. `note` is told the numbers before anybody can see them as
    /// drawn, in order over all callers. Nothing is written yet.
    pub fn append(&self, record: &EncodedRecord, note: impl FnOnce(RangeInclusive<u64>)) -> u64 {
        let inner = &*self.inner;
        debug_assert!(record.count > 0);
        let mut tail = inner.tail.lock();
        let first = tail.last_number + 1;
        let bytes = tail.append(record, inner.synced.load(Ordering::Acquire));
        let last = tail.last_number;
        note(first..=last);
        inner.unwritten_bytes.fetch_add(bytes, Ordering::AcqRel);
        inner.last.store(last, Ordering::Release);
        if !inner.is_enabled {
            inner.written.store(last, Ordering::Release);
            inner.synced.store(last, Ordering::Release);
        }
        last
    }

    /// Last number drawn.
    pub fn last_number(&self) -> u64 {
        self.inner.last.load(Ordering::Acquire)
    }

    /// Everything up to this number is with the kernel: the death of the process does not lose it.
    pub fn written(&self) -> u64 {
        self.inner.written.load(Ordering::Acquire)
    }

    /// Everything up to this number is safe.
    pub fn synced(&self) -> u64 {
        self.inner.synced.load(Ordering::Acquire)
    }

    /// Returns when everything up to `number` is with the kernel; writes for all who wait, if nobody does.
    ///
    /// # Errors
    /// While the log is unhealthy; the change stays, and reaches the file or a snapshot later.
    pub fn write_through(&self, number: u64) -> Result<(), LogError> {
        self.inner.write_through(number)
    }

    /// Returns when everything up to `number` is safe; syncs itself.
    pub fn sync_through(&self, number: u64) -> Result<(), LogError> {
        while self.synced() < number {
            self.write_through(number)?;
            self.inner.sync()?;
        }
        Ok(())
    }

    /// Whether writes can be taken. Ask before numbers are drawn; whoever waits for `synced` asks when the hook is called.
    pub fn health(&self) -> Health {
        self.inner.health.lock().clone()
    }

    /// Whether there is a log at all.
    pub fn is_enabled(&self) -> bool {
        self.inner.is_enabled
    }

    /// When the log is synced.
    pub fn policy(&self) -> FsyncPolicy {
        self.inner.policy()
    }

    /// Changes when the log is synced.
    pub fn set_policy(&self, policy: FsyncPolicy) {
        self.inner.policy.store(policy as u8, Ordering::Release);
        self.inner.alarm.poke();
    }

    /// Bytes appended and not yet with the kernel.
    pub fn unwritten_bytes(&self) -> u64 {
        self.inner.unwritten_bytes.load(Ordering::Acquire)
    }

    /// Whether [`Log::write_through`] will take long: much waits to be written, or a file is synced because a save begins the
    /// next one.
    pub fn is_write_long(&self) -> bool {
        self.inner.is_switching.load(Ordering::Acquire) || self.unwritten_bytes() > LONG_WRITE_BYTES
    }

    /// Bytes of all files of the log, those not yet written included: what a save would free.
    pub fn size_bytes(&self) -> u64 {
        let tail = self.inner.tail.lock();
        tail.current_bytes + tail.closed.iter().map(|file| file.bytes).sum::<u64>()
    }

    /// A save begins: makes the file for what follows its cut, and names it in the manifest. One that an earlier save prepared
    /// and did not use serves again.
    pub fn prepare_file(&self) -> Result<(), LogError> {
        if self.inner.is_enabled {
            self.inner.prepare_file()
        } else {
            Ok(())
        }
    }

    /// The cut: `publish` is told the last number while no other can be drawn; what follows goes to the prepared file.
    pub fn cut(&self, publish: impl FnOnce(u64)) -> u64 {
        let mut tail = self.inner.tail.lock();
        let cut = tail.last_number;
        publish(cut);
        if let Some(prepared) = tail.prepared.take() {
            let bytes = tail.switch(prepared);
            self.inner.is_switching.store(true, Ordering::Release);
            self.inner
                .unwritten_bytes
                .fetch_add(bytes, Ordering::AcqRel);
        }
        cut
    }

    /// A snapshot that holds everything up to `cut` is committed: takes the files that end there out of the manifest, then
    /// deletes them. A log that was unhealthy goes on, if its next file begins behind the cut.
    pub fn drop_through(&self, cut: u64) -> Result<(), LogError> {
        self.inner.drop_through(cut)
    }

    /// One turn of the log thread; it takes one each second.
    pub fn tick(&self) {
        self.inner.tick();
    }

    /// A clean stop: everything written and safe, the last header says so, the log thread has ended. Nothing may be appended
    /// meanwhile.
    ///
    /// # Errors
    /// While the log is unhealthy; then it goes on, thread included.
    pub fn stop(&self) -> Result<(), LogError> {
        if self.inner.is_enabled {
            self.inner.retry();
            self.sync_through(self.last_number())?;
            self.inner.close()?;
        }
        self.stop_thread();
        Ok(())
    }

    fn stop_thread(&self) {
        self.inner.alarm.stop();
        if let Some(thread) = self.thread.lock().take() {
            // It ends by itself; a panic in it was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.stop_thread();
    }
}

impl Inner {
    fn new(
        disk: Arc<dyn Disk>,
        start: LogStart,
        options: LogOptions,
        on_progress: ProgressHook,
    ) -> Inner {
        let LogStart {
            lineage,
            seed,
            salt,
            has_snapshot,
            contents,
        } = start;
        let last_number = contents.last_number;
        let closed = contents.files.iter().map(|(entry, bytes)| ClosedFile {
            entry: *entry,
            last_number,
            bytes: *bytes,
        });
        Inner {
            disk,
            directory: options.directory,
            is_enabled: options.is_enabled,
            salt,
            policy: AtomicU8::new(options.policy as u8),
            saving: Mutex::new(Saving {
                next_seq: contents.last_seq + 1,
                has_base: contents.has_base || has_snapshot,
            }),
            output: Mutex::default(),
            syncing: Mutex::new(()),
            tail: Mutex::new(Tail::new(last_number, (lineage, seed), closed.collect())),
            current: Mutex::new(None),
            health: Mutex::new(Health::Good),
            last: AtomicU64::new(last_number),
            written: AtomicU64::new(last_number),
            synced: AtomicU64::new(last_number),
            unwritten_bytes: AtomicU64::new(0),
            is_switching: AtomicBool::new(false),
            on_progress,
            alarm: Alarm::default(),
        }
    }

    /// The first file of this run.
    fn begin(&self) -> Result<(), LogError> {
        let path = self.directory.path();
        self.disk
            .create_dir(path)
            .map_err(LogError::io(path, "making"))?;
        if let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
            self.disk
                .sync_dir(parent)
                .map_err(LogError::io(parent, "syncing"))?;
        }
        let last_old = self.tail.lock().closed.last().copied();
        if let Some(old) = last_old {
            // Cutting to the length that it has makes safe what an earlier run may have left with the kernel.
            let path = self.directory.file(old.entry.seq);
            self.disk
                .truncate(&path, old.bytes)
                .map_err(LogError::io(&path, "syncing"))?;
        }
        self.prepare_file()?;
        let manifest = self.manifest(self.saving.lock().has_base);
        manifest::remove_unnamed(&*self.disk, &self.directory, &manifest)?;
        let mut tail = self.tail.lock();
        if let Some(prepared) = tail.prepared.take() {
            let bytes = tail.switch(prepared);
            self.unwritten_bytes.fetch_add(bytes, Ordering::AcqRel);
        }
        drop(tail);
        self.write()
    }

    fn prepare_file(&self) -> Result<(), LogError> {
        let mut saving = self.saving.lock();
        if self.tail.lock().prepared.is_some() {
            return Ok(());
        }
        let seq = saving.next_seq;
        let entry = FileEntry {
            seq,
            salt: salt_of(self.salt, seq),
        };
        let path = self.directory.file(seq);
        let file = self
            .disk
            .create(&path)
            .map_err(LogError::io(&path, "making"))?;
        let directory = self.directory.path();
        self.disk
            .sync_dir(directory)
            .map_err(LogError::io(directory, "syncing"))?;
        let mut manifest = self.manifest(saving.has_base);
        manifest.files.push(entry);
        manifest.store(&*self.disk, &self.directory)?;
        saving.next_seq += 1;
        self.tail.lock().prepared = Some(Prepared { entry, file });
        Ok(())
    }

    fn drop_through(&self, cut: u64) -> Result<(), LogError> {
        let mut saving = self.saving.lock();
        if self.skip_to(cut) {
            self.wrote();
        }
        let dropped: Vec<ClosedFile> = {
            let tail = self.tail.lock();
            tail.closed
                .iter()
                .filter(|file| file.last_number <= cut)
                .copied()
                .collect()
        };
        if !self.is_enabled && dropped.is_empty() {
            return Ok(());
        }
        let mut manifest = self.manifest(true);
        manifest
            .files
            .retain(|entry| dropped.iter().all(|file| file.entry != *entry));
        manifest.store(&*self.disk, &self.directory)?;
        saving.has_base = true;
        self.tail
            .lock()
            .closed
            .retain(|file| file.last_number > cut);
        for file in dropped {
            let path = self.directory.file(file.entry.seq);
            self.disk
                .remove(&path)
                .map_err(LogError::io(&path, "removing"))?;
        }
        Ok(())
    }

    /// The manifest of the files that there are.
    fn manifest(&self, has_base: bool) -> Manifest {
        let tail = self.tail.lock();
        let closed = tail.closed.iter().map(|file| file.entry);
        let prepared = tail.prepared.as_ref().map(|prepared| prepared.entry);
        let files = closed.chain(tail.current).chain(prepared).collect();
        let (lineage, seed) = tail.identity;
        Manifest {
            lineage,
            seed,
            has_base,
            files,
        }
    }

    /// The last bytes of a clean stop.
    fn close(&self) -> Result<(), LogError> {
        self.say_synced();
        self.write()?;
        let _one = self.syncing.lock();
        let file = self.current.lock().clone();
        file.map_or(Ok(()), |file| self.sync_file(&*file))
    }

    /// Appends a header that says what is synced, unless the last one did.
    fn say_synced(&self) {
        let mut tail = self.tail.lock();
        let synced = self.synced.load(Ordering::Acquire);
        if synced > tail.synced_said {
            let bytes = tail.append_synced(synced);
            self.unwritten_bytes.fetch_add(bytes, Ordering::AcqRel);
        }
    }

    fn policy(&self) -> FsyncPolicy {
        match self.policy.load(Ordering::Acquire) {
            0 => FsyncPolicy::Always,
            1 => FsyncPolicy::Everysec,
            _ => FsyncPolicy::No,
        }
    }
}

/// The salt of one file: nobody can tell it without the start's.
fn salt_of(start: u64, seq: u64) -> u64 {
    use std::hash::BuildHasher;
    foldhash::quality::FixedState::with_seed(start).hash_one(seq)
}

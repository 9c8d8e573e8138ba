//! The log as a whole, on the disk's test twin: what goes in comes out, over files, saves and starts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod damage;
mod faults;
mod health;

use super::reader::{ReadOptions, read_log};
use super::*;
use crate::keyspace::change::{Change, Effect, Expiry};
use crate::persistence::disk::fault::{FaultDisk, PowerCut};
use bytes::Bytes;
use std::path::{Path, PathBuf};

const SEED: u64 = 5;
const LINEAGE: u64 = 0xabc;

fn directory() -> LogDirectory {
    LogDirectory::new(Path::new("data"), "appendonlydir", "appendonly.aof")
}

fn file(seq: u64) -> PathBuf {
    directory().file(seq)
}

fn options() -> LogOptions {
    LogOptions {
        directory: directory(),
        is_enabled: true,
        policy: FsyncPolicy::Everysec,
        has_thread: false,
    }
}

fn set(db: usize, key: &str, value: impl Into<Bytes>) -> Change {
    Change::new(
        db,
        key.as_bytes(),
        Effect::Set {
            value: value.into(),
            expiry: Expiry::Clear,
        },
    )
}

/// What was told to clients, and what the log must therefore hold.
#[derive(Clone, Default)]
struct Told {
    /// Change number n is at n - 1.
    changes: Vec<Change>,
    /// A kill must not lose these.
    written: u64,
    /// A power cut must not lose these.
    synced: u64,
    /// Cut of the newest snapshot.
    committed: u64,
}

impl Told {
    fn append(&mut self, log: &Log, changes: &[Change]) -> u64 {
        let first = self.changes.len() as u64 + 1;
        self.changes.extend_from_slice(changes);
        let last = self.changes.len() as u64;
        let mut noted = 0..=0;
        assert_eq!(
            log.append(&EncodedRecord::of(changes), |numbers| noted = numbers),
            last
        );
        assert_eq!(noted, first..=last);
        last
    }

    fn write(&mut self, log: &Log, changes: &[Change]) -> Result<(), LogError> {
        let last = self.append(log, changes);
        log.write_through(last)?;
        assert!(log.written() >= last);
        self.written = last;
        Ok(())
    }

    fn sync(&mut self, log: &Log) -> Result<(), LogError> {
        log.sync_through(self.written)?;
        assert!(log.synced() >= self.written);
        self.synced = log.synced();
        Ok(())
    }

    /// A save whose snapshot is committed.
    fn save(&mut self, log: &Log) -> Result<(), LogError> {
        log.prepare_file()?;
        let mut published = None;
        let cut = log.cut(|cut| published = Some(cut));
        assert_eq!((published, cut), (Some(cut), self.changes.len() as u64));
        self.committed = cut;
        log.drop_through(cut)
    }
}

#[derive(Debug)]
struct Found {
    changes: Vec<(u64, Change)>,
    contents: LogContents,
}

fn read_with(disk: &FaultDisk, after: u64, may_cut: bool) -> Result<Found, LogError> {
    let options = ReadOptions {
        directory: directory(),
        after,
        may_cut,
        databases: 16,
    };
    let mut changes = Vec::new();
    let contents = read_log(disk, &options, |record| {
        changes.extend((record.number..).zip(record.changes));
    })?;
    Ok(Found { changes, contents })
}

fn read(disk: &FaultDisk, after: u64) -> Result<Found, LogError> {
    read_with(disk, after, true)
}

/// What was found is what was told, from the snapshot on, without a gap, up to `last_number`, which is returned.
#[track_caller]
fn check_found(found: &Found, told: &Told) -> u64 {
    let numbers = found.changes.iter().map(|(number, _)| *number);
    assert!(
        numbers.eq(told.committed + 1..=found.contents.last_number),
        "{found:?}"
    );
    for (number, change) in &found.changes {
        assert_eq!(
            Some(change),
            told.changes.get(*number as usize - 1),
            "change {number}"
        );
    }
    found.contents.last_number
}

/// Reads what is there and starts a log behind it, as a server does.
fn start(disk: &FaultDisk, told: &mut Told, options: LogOptions) -> Result<Log, LogError> {
    let found = read(disk, told.committed)?;
    let last = check_found(&found, told);
    told.changes.truncate(last as usize);
    start_behind(disk, found.contents, told.committed > 0, options)
}

fn start_behind(
    disk: &FaultDisk,
    contents: LogContents,
    has_snapshot: bool,
    options: LogOptions,
) -> Result<Log, LogError> {
    assert!(
        contents
            .identity
            .is_none_or(|identity| identity == (LINEAGE, SEED))
    );
    let salt = 77 + contents.last_seq;
    let start = LogStart {
        lineage: LINEAGE,
        seed: SEED,
        salt,
        has_snapshot,
        contents,
    };
    Log::start(Arc::new(disk.clone()), start, options, Box::new(|| {}))
}

fn text(disk: &FaultDisk, path: &Path) -> String {
    String::from_utf8_lossy(&disk.read(path).unwrap()).into_owned()
}

#[test]
fn changes_come_back_over_starts_and_saves() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    for round in 0..4 {
        let log = start(&disk, &mut told, options()).unwrap();
        told.write(&log, &[set(0, "a", "1")]).unwrap();
        told.write(
            &log,
            &[
                set(round, "a", "2"),
                set(3, "b", "\r\n"),
                set(0, "c", vec![0; 5000]),
            ],
        )
        .unwrap();
        told.write(&log, &[set(0, "d", "")]).unwrap();
        if round == 2 {
            told.save(&log).unwrap();
            told.write(&log, &[set(7, "e", "")]).unwrap();
        }
        log.stop().unwrap();
        let found = read(&disk, told.committed).unwrap();
        assert_eq!(check_found(&found, &told), told.changes.len() as u64);
        assert_eq!(found.contents.torn, None);
    }
    let all = read(&disk, 0).unwrap_err();
    assert!(
        matches!(
            all,
            LogError::Gap {
                expected: 1,
                found: 16,
                ..
            }
        ),
        "{all}"
    );
}

#[test]
fn a_file_reads_as_documented() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "a", "1")]).unwrap();
    told.write(&log, &[set(0, "a", "2")]).unwrap();
    told.sync(&log).unwrap();
    told.write(&log, &[set(2, "b", "3"), set(2, "c", "4")])
        .unwrap();
    log.stop().unwrap();
    let without_sums = |line: &str| match line.strip_prefix("#R ") {
        Some(rest) => {
            let fields: Vec<&str> = rest.split(' ').collect();
            assert_eq!(
                (fields.len(), fields[3].len(), fields[5].len()),
                (6, 8, 8),
                "{line}"
            );
            format!("#R {} {} {} {}", fields[0], fields[1], fields[2], fields[4])
        }
        None => line.to_owned(),
    };
    let text = text(&disk, &file(1));
    let mut lines = text.split("\r\n").map(without_sums);
    assert!(
        lines
            .next()
            .unwrap()
            .starts_with("#RHUMB-LOG 1 0000000000000abc ")
    );
    let body: Vec<String> = lines.filter(|line| !line.starts_with(['$', '*'])).collect();
    let expected = "#R 1 1 50 0|SELECT|0|SET|a|1|#R 2 1 27 0|SET|a|2|\
                    #R 3 2 106 2|SELECT|2|MULTI|SET|b|3|SET|c|4|EXEC|#R 5 0 0 4|";
    assert_eq!(body.join("|"), expected);
}

#[test]
fn a_save_leaves_the_new_file_and_the_base_line() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "a", vec![7; 1000])]).unwrap();
    assert!(log.size_bytes() > 1000);
    told.save(&log).unwrap();
    assert!(log.size_bytes() < 200, "{}", log.size_bytes());
    told.write(&log, &[set(0, "b", "")]).unwrap();
    assert!(
        text(&disk, &file(2)).contains("SELECT"),
        "a file says its database itself"
    );
    assert!(!disk.files().contains(&file(1)));
    let manifest = text(&disk, &directory().manifest());
    let lines: Vec<&str> = manifest.lines().collect();
    assert_eq!(
        lines[0],
        "#rhumb log 1 lineage 0000000000000abc seed 0000000000000005"
    );
    assert_eq!(lines[1], "file appendonly.aof.1.base.rhumb seq 1 type b");
    assert!(lines[2].starts_with("#rhumb salt 2 ") && lines[4].starts_with("#rhumb end "));
    assert_eq!(lines[3], "file appendonly.aof.2.incr.aof seq 2 type i");
    let base = text(
        &disk,
        Path::new("data/appendonlydir/appendonly.aof.1.base.rhumb"),
    );
    assert!(
        !base.starts_with(['*', '#', 'R']),
        "no loader may take it for data"
    );
}

#[test]
fn a_failed_save_leaves_both_files_and_the_next_start_reads_both() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "a", "1")]).unwrap();
    log.prepare_file().unwrap();
    log.prepare_file().unwrap();
    assert!(
        !disk.files().contains(&file(3)),
        "what was prepared serves again"
    );
    log.cut(|_| {});
    told.write(&log, &[set(0, "b", "2")]).unwrap();
    assert!(disk.files().contains(&file(1)) && text(&disk, &file(2)).contains("SET"));
    let killed = disk.kill();
    let log = start(&killed, &mut told, options()).unwrap();
    assert_eq!(told.changes.len(), 2);
    told.save(&log).unwrap();
    assert_eq!(
        killed
            .files()
            .iter()
            .filter(|path| path.extension() == Some("aof".as_ref()))
            .count(),
        1
    );
}

#[test]
fn starts_without_writes_leave_one_file() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    for _ in 0..5 {
        let log = start(&disk, &mut told, options()).unwrap();
        log.tick();
        log.tick();
        log.stop().unwrap();
    }
    assert_eq!(disk.files(), [file(5), directory().manifest()]);
}

#[test]
fn without_a_log_numbers_are_drawn_and_old_files_go_with_the_next_save() {
    let off = || LogOptions {
        is_enabled: false,
        ..options()
    };
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, off()).unwrap();
    let last = told.append(&log, &[set(0, "a", "1")]);
    assert_eq!(
        (
            log.written(),
            log.synced(),
            log.unwritten_bytes(),
            log.size_bytes()
        ),
        (last, last, 0, 0)
    );
    told.save(&log).unwrap();
    log.stop().unwrap();
    assert_eq!(disk.calls(), 0, "nothing is touched");

    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "b", "2")]).unwrap();
    log.stop().unwrap();
    let log = start(&disk, &mut told, off()).unwrap();
    assert_eq!(
        told.changes.len(),
        2,
        "it is read although there is none now"
    );
    told.append(&log, &[set(0, "c", "3")]);
    told.save(&log).unwrap();
    assert!(!disk.files().contains(&file(1)));
    told.append(&log, &[set(0, "lost", "")]);

    let log = start(&disk, &mut told, options()).unwrap();
    assert_eq!(told.changes.len(), 3);
    told.write(&log, &[set(0, "d", "4")]).unwrap();
    log.stop().unwrap();
    assert_eq!(check_found(&read(&disk, told.committed).unwrap(), &told), 4);
}

#[test]
fn a_write_is_long_while_much_waits_or_a_file_must_be_finished() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.append(&log, &[set(0, "a", "1")]);
    assert!(!log.is_write_long());
    let last = told.append(&log, &[set(0, "b", vec![b'x'; 5 << 20])]);
    assert!(log.is_write_long(), "five megabytes wait");
    log.write_through(last).unwrap();
    assert!(!log.is_write_long());

    log.prepare_file().unwrap();
    log.cut(|_| ());
    let last = told.append(&log, &[set(0, "c", "3")]);
    assert!(log.is_write_long(), "the first file is to be finished");
    log.write_through(last).unwrap();
    assert!(!log.is_write_long());
}

#[test]
fn threads_that_write_and_wait_share_the_work_and_lose_nothing() {
    for policy in [FsyncPolicy::Always, FsyncPolicy::Everysec] {
        let (disk, mut told) = (FaultDisk::new(), Told::default());
        let log = start(
            &disk,
            &mut told,
            LogOptions {
                policy,
                has_thread: true,
                ..options()
            },
        )
        .unwrap();
        let noted = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (log, noted) = (&log, &noted);
                scope.spawn(move || {
                    for i in 0..200 {
                        let change = set(thread, "k", format!("{thread} {i}"));
                        let last = log.append(&EncodedRecord::of([&change]), |numbers| {
                            noted.lock().push((*numbers.start(), change.clone()));
                        });
                        log.write_through(last).unwrap();
                        while policy == FsyncPolicy::Always && log.synced() < last {
                            std::thread::yield_now();
                        }
                        if thread == 0 && i % 50 == 20 {
                            log.prepare_file().unwrap();
                            log.cut(|_| {});
                        }
                    }
                });
            }
        });
        let noted = noted.into_inner();
        if policy == FsyncPolicy::Always {
            assert_eq!(
                read(&disk.power_cut(PowerCut::Lost), 0).unwrap().changes,
                noted
            );
        }
        log.stop().unwrap();
        assert_eq!(read(&disk, 0).unwrap().changes, noted);
        assert_eq!(noted.len(), 800);
    }
}

//! Every fault point of a short life: whatever call of the disk fails or is the last, and whatever a power cut then leaves,
//! the next start finds a prefix with everything that was promised, and goes on from it.

use super::life::{Act, Living, Told, assert_recovers, live, short_life};
use rhumb::persistence::disk::fault::{Fault, FaultDisk, PowerCut};
use rhumb::persistence::log::Health;
use std::path::Path;

/// A directory for what does not go through the disk's twin: the lock and the catalogue.
pub struct Directory(tempfile::TempDir);

impl Directory {
    /// An empty one, in memory where that can be: nothing in it must survive more than this process, and hundreds of them
    /// wait for the real disk otherwise.
    pub fn new() -> Directory {
        let in_memory = tempfile::tempdir_in("/dev/shm");
        let directory = in_memory.or_else(|_| tempfile::tempdir());
        Directory(directory.expect("a temporary directory"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes the snapshot's second copy away.
    pub fn lose_catalog(&self) {
        let _ = std::fs::remove_dir_all(self.path().join("catalog"));
    }
}

/// Runs a test on one thread of the loader's pool: its recoveries are many and small, and on a busy machine they would spend
/// their time waiting for other threads.
pub fn on_one_thread(test: impl FnOnce() + Send) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.expect("a thread").install(test);
}

fn calls_of_a_life() -> u64 {
    let (disk, directory) = (FaultDisk::new(), Directory::new());
    live(&disk, directory.path(), &short_life(), &mut Told::default())
        .expect("a life without faults");
    disk.calls()
}

/// A life that ends at `call`, or not at all.
fn life_that_ends_at(call: u64) -> (FaultDisk, Directory, Told) {
    let (disk, directory, mut told) = (FaultDisk::new(), Directory::new(), Told::default());
    disk.fail_at(call, Fault::Gone);
    let _ = live(&disk, directory.path(), &short_life(), &mut told);
    (disk, directory, told)
}

/// Recovers, then lives the same life once more and recovers again.
fn assert_goes_on(disk: &FaultDisk, directory: &Directory, told: &Told, promised: u64, what: &str) {
    let mut told = told.clone();
    told.cut_after(assert_recovers(
        &disk.kill(),
        directory.path(),
        &told,
        promised,
        what,
    ));
    live(disk, directory.path(), &short_life(), &mut told)
        .unwrap_or_else(|error| panic!("{what}: cannot go on: {error}"));
    let last = told.last_number();
    assert_recovers(
        &disk.power_cut(PowerCut::Lost),
        directory.path(),
        &told,
        last,
        &format!("{what}, second life"),
    );
}

#[test]
fn a_kill_at_any_call_loses_nothing_that_was_written() {
    on_one_thread(|| {
        for call in 0..=calls_of_a_life() {
            let (disk, directory, told) = life_that_ends_at(call);
            assert_goes_on(
                &disk.kill(),
                &directory,
                &told,
                told.written,
                &format!("call {call}"),
            );
        }
    });
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_that_was_synced() {
    on_one_thread(|| {
        for call in 0..=calls_of_a_life() {
            let (disk, directory, told) = life_that_ends_at(call);
            let torn = (0..240).step_by(9).map(PowerCut::Torn);
            let cuts = [PowerCut::Lost]
                .into_iter()
                .chain(torn)
                .chain((0..40).map(PowerCut::Mixed));
            for cut in cuts {
                let what = format!("call {call}, {cut:?}");
                assert_recovers(
                    &disk.power_cut(cut),
                    directory.path(),
                    &told,
                    told.synced,
                    &what,
                );
            }
            if call % 3 == 0 {
                directory.lose_catalog();
            }
            let cut = PowerCut::Mixed(1_000 + call);
            assert_goes_on(
                &disk.power_cut(cut),
                &directory,
                &told,
                told.synced,
                &format!("call {call}, {cut:?}"),
            );
        }
    });
}

#[test]
fn a_second_cut_during_the_recovery_from_the_first_loses_nothing_either() {
    on_one_thread(|| {
        let calls = calls_of_a_life();
        for first in (0..=calls).step_by(3) {
            let (disk, directory, told) = life_that_ends_at(first);
            for second in (0..24).step_by(2) {
                let seed = first * 1000 + second;
                let (image, mut told) = (disk.power_cut(PowerCut::Mixed(seed)), told.clone());
                let what = format!("calls {first} and {second}, seed {seed}");
                told.cut_after(assert_recovers(
                    &image.kill(),
                    directory.path(),
                    &told,
                    told.synced,
                    &what,
                ));
                image.fail_at(second, Fault::Gone);
                let _ = live(&image, directory.path(), &short_life()[..2], &mut told);
                let image = image.power_cut(PowerCut::Mixed(seed + 1));
                assert_recovers(
                    &image,
                    directory.path(),
                    &told,
                    told.synced,
                    &format!("{what}, second cut"),
                );
            }
        }
    });
}

#[test]
fn one_call_that_fails_loses_no_number() {
    on_one_thread(|| {
        for fault in [Fault::Error(std::io::ErrorKind::Other), Fault::Half] {
            for call in 0..calls_of_a_life() {
                let (disk, directory, mut told) =
                    (FaultDisk::new(), Directory::new(), Told::default());
                disk.fail_at(call, fault);
                let what = format!("call {call}, {fault:?}");
                // What fails at a start is tried again by whoever starts it.
                let opened = Living::open(&disk, directory.path(), true);
                let living = opened.or_else(|_| Living::open(&disk, directory.path(), true));
                let living = living.unwrap_or_else(|error| panic!("{what}: {error}"));
                for act in short_life() {
                    try_twice(&living, &act, &mut told, &what);
                }
                drop(living);
                let last = told.last_number();
                assert_recovers(
                    &disk.power_cut(PowerCut::Lost),
                    directory.path(),
                    &told,
                    last,
                    &what,
                );
            }
        }
    });
}

/// An act of somebody who goes on after an error: a write stays, and reaches the log or a snapshot; anything else is tried
/// again.
fn try_twice(living: &Living, act: &Act, told: &mut Told, what: &str) {
    let before = told.last_number();
    let Err(error) = living.act(act, told) else {
        return;
    };
    living.engine.log().tick();
    if let Health::SyncFailed(_) = living.engine.health() {
        living
            .engine
            .save()
            .unwrap_or_else(|failure| panic!("{what}: {act:?}: {error}, then {failure}"));
    }
    assert_eq!(
        living.engine.health(),
        Health::Good,
        "{what}: {act:?}: {error}"
    );
    let is_kept = told.last_number() > before;
    if !is_kept {
        living
            .act(act, told)
            .unwrap_or_else(|error| panic!("{what}: {act:?}, second try: {error}"));
    }
}

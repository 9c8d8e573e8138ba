//! Bits that flip, files that are lost, and a log that is switched off and on.

use super::faults::{Directory, on_one_thread};
use super::life::{
    Act, Exact, Living, Told, add, assert_prefix, assert_recovers, assert_same, find, live, set,
    short_life,
};
use rhumb::persistence::disk::Disk;
use rhumb::persistence::disk::fault::{Fault, FaultDisk, PowerCut};
use rhumb::persistence::log::Health;
use std::path::{Path, PathBuf};

/// A life that came to its end, on its disk.
fn whole_life(acts: &[Act]) -> (FaultDisk, Directory, Told) {
    let (disk, directory, mut told) = (FaultDisk::new(), Directory::new(), Told::default());
    live(&disk, directory.path(), acts, &mut told).expect("a life without faults");
    (disk, directory, told)
}

fn files_named(disk: &FaultDisk, part: &str) -> Vec<PathBuf> {
    let is_meant = |path: &PathBuf| path.to_string_lossy().contains(part);
    disk.files().into_iter().filter(is_meant).collect()
}

/// Flips every `step`th bit of a file, one at a time: each is refused with the file's name, or loses only what nobody
/// promised, and says so. Returns how many were refused.
fn flip_all(disk: &FaultDisk, dir: &Path, path: &Path, step: usize, told: &Told) -> usize {
    let bits = 8 * disk.read(path).expect("a file that is listed").len();
    let flip = |bit: usize| {
        let what = format!("{}, bit {bit}", path.display());
        let flipped = disk.kill();
        flipped.flip(path, bit);
        match find(&flipped, dir) {
            Ok(found) => {
                let last = assert_prefix(&found, told, &what);
                assert!(
                    last >= told.synced,
                    "{what}: found {last}, {} are synced",
                    told.synced
                );
                assert!(
                    last == told.last_number() || found.torn.is_some(),
                    "{what}: lost without a word"
                );
                0
            }
            Err(error) => {
                let error = error.to_string();
                let name = path
                    .file_name()
                    .expect("a file has a name")
                    .to_string_lossy();
                assert!(
                    error.contains(&*name),
                    "{what}: the refusal names no file: {error}"
                );
                1
            }
        }
    };
    (0..bits).step_by(step).map(flip).sum()
}

#[test]
fn each_flipped_bit_of_the_log_is_refused_or_was_not_promised() {
    on_one_thread(|| {
        // Behind the last save: some records that are synced, and one that is not.
        let mut acts = short_life();
        acts.truncate(acts.len() - 1);
        acts.push(Act::Sync);
        acts.push(Act::Write(vec![set(0, "not", "synced")]));
        let (disk, directory, told) = whole_life(&acts);
        let logs = files_named(&disk, ".incr.aof");
        assert!(!logs.is_empty());
        let refused: usize = logs
            .iter()
            .map(|path| flip_all(&disk, directory.path(), path, 1, &told))
            .sum();
        assert!(refused > 100, "{refused} flips were refused");
    });
}

#[test]
fn each_flipped_bit_of_a_log_that_was_closed_in_order_is_refused_or_harmless() {
    on_one_thread(|| {
        let (disk, directory, told) = whole_life(&short_life());
        assert_eq!(told.synced, told.last_number());
        let refused: usize = files_named(&disk, "aof")
            .iter()
            .filter(|path| !path.to_string_lossy().ends_with(".rhumb"))
            .map(|path| flip_all(&disk, directory.path(), path, 1, &told))
            .sum();
        assert!(refused > 100, "{refused} flips were refused");
    });
}

#[test]
fn flipped_bits_of_a_snapshot_are_refused_or_made_good_by_its_second_copy() {
    on_one_thread(|| {
        let (disk, directory, told) = whole_life(&short_life());
        for path in files_named(&disk, "packs/") {
            let refused = flip_all(&disk, directory.path(), &path, 13, &told);
            assert!(
                refused > 10,
                "{}: {refused} flips were refused",
                path.display()
            );
        }
        for path in files_named(&disk, "MANIFEST-") {
            assert_eq!(
                flip_all(&disk, directory.path(), &path, 401, &told),
                0,
                "the catalogue has a copy"
            );
            directory.lose_catalog();
            let flips = (8 * disk.len(&path).expect("a length") as usize).div_ceil(13);
            assert_eq!(
                flip_all(&disk, directory.path(), &path, 13, &told),
                flips,
                "there is no other copy"
            );
        }
    });
}

/// Lives that end, at some call of their second save, with both manifests there.
fn lives_between_two_manifests() -> Vec<(FaultDisk, Directory, Told)> {
    let mut lives = Vec::new();
    for call in 0.. {
        let (disk, directory, mut told) = (FaultDisk::new(), Directory::new(), Told::default());
        disk.fail_at(call, Fault::Gone);
        let is_over = live(&disk, directory.path(), &short_life(), &mut told).is_ok();
        if files_named(&disk, "MANIFEST-")
            .iter()
            .filter(|path| path.extension().is_none())
            .count()
            == 2
        {
            lives.push((disk, directory, told));
        }
        if is_over {
            return lives;
        }
    }
    lives
}

#[test]
fn a_damaged_newest_manifest_is_made_good_by_the_log_or_refused() {
    on_one_thread(|| {
        let lives = lives_between_two_manifests();
        let (mut made_good, mut refused) = (0, 0);
        for (disk, directory, told) in &lives {
            directory.lose_catalog();
            let damaged = disk.kill();
            damaged.flip(&directory.path().join("MANIFEST-2"), 333);
            match find(&damaged, directory.path()) {
                Ok(found) => {
                    let last = assert_prefix(&found, told, "with the log");
                    assert!(last >= told.written, "found {last} of {}", told.written);
                    made_good += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("MANIFEST-2"), "{error}");
                    refused += 1;
                }
            }
            // Without the log there is nothing to make it good with.
            for path in files_named(&damaged, "appendonlydir") {
                damaged.remove(&path).expect("a file that is there");
            }
            if let Ok(found) = find(&damaged, directory.path()) {
                panic!(
                    "an older snapshot was taken although the log is gone: {}",
                    found.last_number
                );
            }
        }
        assert!(
            made_good > 0 && refused > 0,
            "{made_good} made good, {refused} refused, of {}",
            lives.len()
        );
    });
}

#[test]
fn a_log_that_is_switched_off_and_on_loses_nothing() {
    let mut acts = short_life();
    acts.pop();
    let (disk, directory, mut told) = whole_life(&acts);
    let dir = directory.path();

    // Off: a snapshot takes over what the log held.
    let disk = disk.kill();
    let living = Living::open(&disk, dir, false).expect("it opens without a log");
    assert_eq!(files_named(&disk, ".incr.aof"), Vec::<PathBuf>::new());
    let before = living.state();
    assert_same(&before, &told.states()[&told.last_number()], "switched off");
    living
        .act(&Act::Write(vec![set(0, "unsaved", "1")]), &mut told)
        .expect("a write");
    drop(living);
    told.cut_after(told.last_number() - 1);
    assert_recovers(
        &disk.power_cut(PowerCut::Lost),
        dir,
        &told,
        told.last_number(),
        "what was not saved is lost",
    );

    // Off again: what is saved is kept.
    let disk = disk.power_cut(PowerCut::Lost);
    let living = Living::open(&disk, dir, false).expect("it opens");
    living
        .act(&Act::Write(vec![add("v", "west", [-1.0, 0.0])]), &mut told)
        .expect("a write");
    living.act(&Act::Save, &mut told).expect("a save");
    drop(living);
    assert_recovers(
        &disk.power_cut(PowerCut::Lost),
        dir,
        &told,
        told.last_number(),
        "what was saved is kept",
    );

    // On: from here a write is enough.
    let disk = disk.power_cut(PowerCut::Lost);
    let living = Living::open(&disk, dir, true).expect("it opens");
    assert_eq!(living.opened.changes, 0, "everything is in the snapshot");
    living
        .act(&Act::Write(vec![set(1, "on", "again")]), &mut told)
        .expect("a write");
    living.act(&Act::Sync, &mut told).expect("a sync");
    drop(living);
    let disk = disk.power_cut(PowerCut::Lost);
    assert_recovers(&disk, dir, &told, told.last_number(), "switched on");
    live(&disk, dir, &short_life(), &mut told).expect("it goes on");
    assert_recovers(
        &disk.power_cut(PowerCut::Lost),
        dir,
        &told,
        told.last_number(),
        "gone on",
    );
}

/// A save that fails at each of its calls, and then a good one: its snapshot alone has everything.
#[test]
fn a_good_save_after_a_failed_one_equals_a_full_save() {
    on_one_thread(|| {
        let acts = short_life();
        let first = acts
            .iter()
            .position(|act| matches!(act, Act::Save))
            .expect("a save")
            + 4;
        for fault in [Fault::Error(std::io::ErrorKind::Other), Fault::Half] {
            let mut failures = 0;
            for call in 0.. {
                let (disk, directory, mut told) =
                    (FaultDisk::new(), Directory::new(), Told::default());
                let living = Living::open(&disk, directory.path(), true).expect("it opens");
                acts[..first]
                    .iter()
                    .for_each(|act| living.act(act, &mut told).expect("no faults yet"));
                let start = disk.calls();
                disk.fail_at(start + call, fault);
                let is_good = living.engine.save().is_ok();
                let is_over = disk.calls() <= start + call;
                failures += usize::from(!is_good);
                living.engine.log().tick();
                if living.engine.health() != Health::Good {
                    // Writes are refused until a save has everything.
                    living
                        .act(&Act::Save, &mut told)
                        .unwrap_or_else(|error| panic!("call {call}, {fault:?}: {error}"));
                }
                for act in [
                    Act::Write(vec![
                        set(0, "between", "saves"),
                        add("v", "west", [-1.0, 0.5]),
                    ]),
                    Act::Save,
                ] {
                    living
                        .act(&act, &mut told)
                        .unwrap_or_else(|error| panic!("call {call}, {fault:?}: {act:?}: {error}"));
                }
                drop(living);
                assert_eq!(
                    snapshot_alone(&disk, directory.path()),
                    told.states()[&told.last_number()],
                    "call {call}, {fault:?}"
                );
                if is_over {
                    break;
                }
            }
            assert!(failures > 5, "{failures} saves failed");
        }
    });
}

/// What the snapshot holds, without the log.
pub fn snapshot_alone(disk: &FaultDisk, dir: &Path) -> Exact {
    let disk = disk.power_cut(PowerCut::Lost);
    for path in files_named(&disk, "appendonlydir") {
        disk.remove(&path).expect("a file that is there");
    }
    find(&disk, dir)
        .unwrap_or_else(|error| panic!("the snapshot: {error}"))
        .state
}

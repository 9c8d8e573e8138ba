//! Every fault point of a short story: whatever call of the disk is the last, and whatever a power cut then leaves, the next
//! start finds a prefix with everything that was promised, and goes on from it.

use super::*;
use crate::persistence::disk::fault::Fault;

/// A server's life from start to stop: writes, a transaction, a save, an idle second.
fn live(disk: &FaultDisk, told: &mut Told) -> Result<(), LogError> {
    let log = start(disk, told, options())?;
    told.write(&log, &[set(0, "a", "1")])?;
    told.write(&log, &[set(1, "b", vec![b'x'; 100])])?;
    told.sync(&log)?;
    told.write(&log, &[set(1, "c", "3"), set(0, "d", "4")])?;
    log.prepare_file()?;
    let cut = log.cut(|_| {});
    told.write(&log, &[set(1, "e", "5")])?;
    told.committed = cut;
    log.drop_through(cut)?;
    told.write(&log, &[set(1, "f", vec![b'y'; 60])])?;
    log.tick();
    log.tick();
    told.append(&log, &[set(1, "g", "7")]);
    log.stop()?;
    (told.written, told.synced) = (told.changes.len() as u64, told.changes.len() as u64);
    Ok(())
}

fn calls_of_a_life() -> u64 {
    let disk = FaultDisk::new();
    live(&disk, &mut Told::default()).unwrap();
    disk.calls()
}

/// A life that ends at `call`, or not at all.
fn life_that_ends_at(call: u64) -> (FaultDisk, Told) {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    disk.fail_at(call, Fault::Gone);
    let _ = live(&disk, &mut told);
    (disk, told)
}

#[track_caller]
fn check_recovers(disk: &FaultDisk, told: &Told, promised: u64, what: &str) {
    let found =
        read(disk, told.committed).unwrap_or_else(|error| panic!("{what}: refused: {error}"));
    let last = check_found(&found, told);
    assert!(
        last >= promised,
        "{what}: found {last} of {promised} promised"
    );
    let mut told = told.clone();
    live(disk, &mut told).unwrap_or_else(|error| panic!("{what}: cannot go on: {error}"));
    let found = read(disk, told.committed).unwrap();
    assert_eq!(
        check_found(&found, &told),
        told.changes.len() as u64,
        "{what}"
    );
}

#[test]
fn a_kill_at_any_call_loses_nothing_that_was_written() {
    for call in 0..=calls_of_a_life() {
        let (disk, told) = life_that_ends_at(call);
        check_recovers(&disk.kill(), &told, told.written, &format!("call {call}"));
    }
}

#[test]
fn a_power_cut_at_any_call_loses_nothing_that_was_synced() {
    for call in 0..=calls_of_a_life() {
        let (disk, told) = life_that_ends_at(call);
        let torn = (0..300).step_by(7).map(PowerCut::Torn);
        let cuts = [PowerCut::Lost]
            .into_iter()
            .chain(torn)
            .chain((0..60).map(PowerCut::Mixed));
        for cut in cuts {
            check_recovers(
                &disk.power_cut(cut),
                &told,
                told.synced,
                &format!("call {call}, {cut:?}"),
            );
        }
    }
}

/// A second life on what the first left, which ends at a call too, by a power cut.
fn check_second_life(image: FaultDisk, told: &Told, call: u64, seed: u64, what: &str) {
    let mut told = told.clone();
    image.fail_at(call, Fault::Gone);
    // Promises of the first life that a power cut does not hold are void; what is found is promised again when it is synced.
    told.synced = told.synced.max(told.committed);
    told.written = told.synced;
    let _ = live(&image, &mut told);
    let what = format!("{what}, then call {call}, seed {seed}");
    check_recovers(
        &image.power_cut(PowerCut::Mixed(seed)),
        &told,
        told.synced,
        &what,
    );
    check_recovers(&image.power_cut(PowerCut::Lost), &told, told.synced, &what);
}

#[test]
fn a_power_cut_during_the_next_life_loses_nothing_either() {
    let calls = calls_of_a_life();
    for first in 0..=calls {
        let (disk, told) = life_that_ends_at(first);
        for second in 0..calls {
            let seed = first * 1000 + second;
            let cut = disk.power_cut(PowerCut::Mixed(seed));
            check_second_life(
                cut,
                &told,
                second,
                seed + 1,
                &format!("cut at call {first}, seed {seed}"),
            );
            check_second_life(
                disk.kill(),
                &told,
                second,
                seed + 1,
                &format!("kill at call {first}"),
            );
        }
    }
}

#[test]
fn one_call_that_fails_loses_no_number() {
    for fault in [Fault::Error(std::io::ErrorKind::Other), Fault::Half] {
        for call in 0..calls_of_a_life() {
            let (disk, mut told) = (FaultDisk::new(), Told::default());
            disk.fail_at(call, fault);
            let Ok(log) = start(&disk, &mut told, options()) else {
                continue;
            };
            live_on(&log, &mut told);
            let what = format!("call {call}, {fault:?}");
            assert_eq!(log.health(), Health::Good, "{what}");
            log.stop().unwrap_or_else(|error| panic!("{what}: {error}"));
            let found = read(&disk.power_cut(PowerCut::Lost), told.committed).unwrap();
            assert_eq!(
                check_found(&found, &told),
                told.changes.len() as u64,
                "{what}"
            );
        }
    }
}

/// The same story, told by somebody who goes on after errors: retries, and saves when a sync failed.
fn live_on(log: &Log, told: &mut Told) {
    let write = |told: &mut Told, changes: &[Change]| {
        let last = told.append(log, changes);
        if log.write_through(last).is_err() {
            assert_ne!(log.health(), Health::Good);
            log.tick();
        }
    };
    write(told, &[set(0, "a", "1")]);
    write(told, &[set(1, "b", vec![b'x'; 100])]);
    let _ = log.sync_through(2);
    write(told, &[set(1, "c", "3"), set(0, "d", "4")]);
    save(log, told);
    write(told, &[set(1, "f", vec![b'y'; 60])]);
    log.tick();
    log.tick();
    if let Health::SyncFailed(_) = log.health() {
        save(log, told);
    }
    write(told, &[set(1, "g", "7")]);
    if log.stop().is_err() {
        save(log, told);
    }
}

/// A save that is tried again once; its snapshot is committed between cut and drop.
fn save(log: &Log, told: &mut Told) {
    for _ in 0..2 {
        if log.prepare_file().is_err() {
            continue;
        }
        let cut = log.cut(|_| {});
        told.append(log, &[set(1, "e", "5")]);
        told.committed = cut;
        let _ = log.write_through(cut + 1);
        if log.drop_through(cut).is_ok() && log.health() == Health::Good {
            return;
        }
        log.tick();
    }
}

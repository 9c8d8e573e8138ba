//! A full disk and a failed sync: what is said, what is kept, how it goes on.

use super::*;
use crate::persistence::disk::fault::Fault;
use std::sync::atomic::AtomicU32;

#[test]
fn a_full_disk_keeps_the_bytes_and_goes_on_where_it_broke_off() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "a", "1")]).unwrap();
    disk.set_space(Some(150));
    assert!(told.write(&log, &[set(0, "b", vec![b'x'; 200])]).is_err());
    assert_eq!(
        log.health(),
        Health::WriteFailed("no storage space".to_owned())
    );
    let waiting = log.unwritten_bytes();
    assert!(waiting > 50);
    let calls = disk.calls();
    told.append(&log, &[set(0, "c", "3")]);
    assert!(
        log.write_through(3).is_err(),
        "it is not tried for each client"
    );
    assert_eq!(disk.calls(), calls);
    log.tick();
    assert_ne!(log.health(), Health::Good);
    assert!(log.unwritten_bytes() > waiting);
    disk.set_space(None);
    log.tick();
    assert_eq!(
        (log.health(), log.written(), log.unwritten_bytes()),
        (Health::Good, 3, 0)
    );
    log.stop().unwrap();
    assert_eq!(check_found(&read(&disk, 0).unwrap(), &told), 3);
}

#[test]
fn a_kill_on_a_full_disk_leaves_a_torn_tail() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "a", "1")]).unwrap();
    disk.set_space(Some(60));
    assert!(told.write(&log, &[set(0, "b", vec![b'x'; 200])]).is_err());
    let found = read(&disk.kill(), 0).unwrap();
    assert_eq!(check_found(&found, &told), 1);
    assert_eq!(found.contents.torn.unwrap().bytes, 60);
}

#[test]
fn after_a_failed_sync_the_file_is_left_alone_and_a_snapshot_takes_over() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "a", "1")]).unwrap();
    disk.fail_next(Fault::Error(std::io::ErrorKind::Other));
    assert!(log.sync_through(1).is_err());
    assert!(matches!(log.health(), Health::SyncFailed(_)));
    let left = disk.read(&file(1)).unwrap();
    told.append(&log, &[set(0, "b", "2")]);
    assert!(log.write_through(2).is_err() && log.sync_through(2).is_err() && log.stop().is_err());
    log.tick();
    assert!(
        matches!(log.health(), Health::SyncFailed(_)),
        "only a snapshot heals it"
    );

    log.prepare_file().unwrap();
    let cut = log.cut(|_| {});
    assert_eq!(cut, 2, "the snapshot holds what was not written");
    told.append(&log, &[set(0, "c", "3")]);
    log.tick();
    assert_eq!(
        disk.read(&file(2)).unwrap(),
        b"",
        "the next file is empty until it is committed"
    );
    assert_eq!(disk.read(&file(1)).unwrap(), left);
    told.committed = cut;
    log.drop_through(cut).unwrap();
    assert_eq!((log.health(), log.unwritten_bytes()), (Health::Good, 0));
    assert!(log.synced() >= 2 && log.written() == 3);
    log.sync_through(3).unwrap();
    assert_eq!(
        check_found(&read(&disk.power_cut(PowerCut::Lost), 2).unwrap(), &told),
        3
    );
}

#[test]
fn a_sync_that_fails_behind_the_cut_is_not_healed_by_that_snapshot() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "a", "1")]).unwrap();
    log.prepare_file().unwrap();
    let cut = log.cut(|_| {});
    told.write(&log, &[set(0, "b", "2")]).unwrap();
    disk.fail_next(Fault::Error(std::io::ErrorKind::Other));
    assert!(log.sync_through(2).is_err());
    told.committed = cut;
    log.drop_through(cut).unwrap();
    assert!(matches!(log.health(), Health::SyncFailed(_)));
    told.save(&log).unwrap();
    assert_eq!(log.health(), Health::Good);
    told.write(&log, &[set(0, "c", "3")]).unwrap();
    log.stop().unwrap();
    assert_eq!(check_found(&read(&disk, told.committed).unwrap(), &told), 3);
}

#[test]
fn the_policy_decides_which_tick_syncs_and_idleness_is_written_down() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(
        &disk,
        &mut told,
        LogOptions {
            policy: FsyncPolicy::No,
            ..options()
        },
    )
    .unwrap();
    told.write(&log, &[set(0, "a", "1")]).unwrap();
    (0..29).for_each(|_| log.tick());
    assert_eq!(log.synced(), 0);
    log.tick();
    assert_eq!(log.synced(), 1);
    let text = text(&disk, &file(1));
    assert_eq!(text.matches("#R 2 0 0 ").count(), 1, "{text}");
    let len = text.len() as u64;
    (0..60).for_each(|_| log.tick());
    assert_eq!(disk.len(&file(1)).unwrap(), len, "once is enough");
    told.write(&log, &[set(0, "b", "2")]).unwrap();
    log.set_policy(FsyncPolicy::Everysec);
    log.tick();
    assert_eq!(log.synced(), 2);
}

#[test]
fn the_hook_is_called_for_progress_and_for_failure() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let disk = FaultDisk::new();
    let contents = read(&disk, 0).unwrap().contents;
    let begin = LogStart {
        lineage: LINEAGE,
        seed: SEED,
        salt: 1,
        has_snapshot: false,
        contents,
    };
    let hook = || {
        CALLS.fetch_add(1, Ordering::SeqCst);
    };
    let log = Log::start(Arc::new(disk.clone()), begin, options(), Box::new(hook)).unwrap();
    let called = |act: &dyn Fn()| {
        let before = CALLS.load(Ordering::SeqCst);
        act();
        CALLS.load(Ordering::SeqCst) > before
    };
    let last = log.append(&EncodedRecord::of([&set(0, "a", "1")]), |_| {});
    assert!(called(&|| log.write_through(last).unwrap()));
    assert!(
        !called(&|| log.write_through(last).unwrap()),
        "nothing happened"
    );
    assert!(called(&|| log.sync_through(last).unwrap()));
    let last = log.append(&EncodedRecord::of([&set(0, "a", "1")]), |_| {});
    log.write_through(last).unwrap();
    disk.fail_next(Fault::Error(std::io::ErrorKind::Other));
    assert!(called(&|| log.tick()));
    assert_ne!(log.health(), Health::Good);
}

//! Which files there are after a save, whatever failed, and which of them a load takes.

use super::*;

#[test]
fn a_new_save_replaces_the_files_of_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!(files(dir.path()), ["MANIFEST-1", "packs/1-0.pack"]);
    writer.set(0, "one more", "value");
    // A killed save of the next generation, an unfinished manifest, and files of others.
    for name in [
        "packs/2-7.pack",
        "packs/notes",
        "packs/9-0.pack",
        "MANIFEST-1.tmp",
    ] {
        std::fs::write(dir.path().join(name), b"leftover").unwrap();
    }
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!(
        files(dir.path()),
        [
            "MANIFEST-2",
            "packs/2-0.pack",
            "packs/9-0.pack",
            "packs/notes"
        ]
    );
    assert_loads_as(dir.path(), &exact_state(&writer.keyspace), "second save");
}

#[test]
fn a_save_that_fails_anywhere_leaves_the_old_snapshot_or_the_new_one() {
    let mut failed = 0;
    for call in 0.. {
        let (disk, dir, catalogs) = (
            FaultDisk::new(),
            Path::new("data"),
            tempfile::tempdir().unwrap(),
        );
        let catalog = Catalog::new(catalogs.path());
        let mut writer = filled();
        save_with(&mut writer, dir, &disk, &catalog, &mut |_| {}).unwrap();
        let old = exact_state(&writer.keyspace);
        writer.set(0, "string 1", "later");
        let new = exact_state(&writer.keyspace);
        let fault = [Fault::Half, Fault::Error(io::ErrorKind::StorageFull)][call as usize % 2];
        let fault_at = disk.calls() + call;
        disk.fail_at(fault_at, fault);
        let saved = save_with(&mut writer, dir, &disk, &catalog, &mut |writer| {
            writer.set_field(0, "hash 1", "field 1", "during the save");
        });
        let is_over = disk.calls() <= fault_at;
        failed += u64::from(saved.is_err());
        let loaded = exact_state(&load_from(&disk, dir, &catalog).unwrap().0);
        assert!(loaded == old || loaded == new, "call {call}");
        // Whatever the failure left behind, the next one is whole.
        let disk = disk.kill();
        save_with(&mut writer, dir, &disk, &catalog, &mut |_| {}).unwrap();
        let loaded = exact_state(&load_from(&disk, dir, &catalog).unwrap().0);
        assert_eq!(loaded, exact_state(&writer.keyspace), "call {call}");
        assert_eq!(disk.files().len(), 2, "call {call}: {:?}", disk.files());
        if is_over {
            break;
        }
    }
    assert!(failed > 5, "the test must have failed somewhere");
}

#[test]
fn a_damaged_manifest_is_replaced_by_the_catalogue_of_its_generation() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let expected = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let path = manifest::path(dir.path(), 1);
    let good = std::fs::read(&path).unwrap();
    let catalog = Catalog::new(dir.path());
    let find = |catalog: &Catalog| load::find(&RealDisk, dir.path(), catalog);
    for at in (0..good.len()).step_by(1 + good.len() / 200) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bad).unwrap();
        match find(&catalog) {
            Ok(Found::Newest(manifest)) => assert_eq!(manifest, expected, "byte {at}"),
            found => panic!("byte {at}: {found:?}"),
        }
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(find(&catalog), Ok(Found::Newest(manifest)) if manifest == expected));
    std::fs::write(&path, &good[..good.len() / 2]).unwrap();
    drop(catalog);
    std::fs::remove_dir_all(dir.path().join("catalog")).unwrap();
    assert!(matches!(
        find(&Catalog::new(dir.path())),
        Err(SnapshotError::Damaged { .. })
    ));
}

#[test]
fn an_older_catalogue_or_manifest_is_never_taken_for_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let first = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let first_bytes = std::fs::read(manifest::path(dir.path(), 1)).unwrap();
    writer.set(0, "string 1", "later");
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let catalog = Catalog::new(dir.path());
    catalog.replace(&first).unwrap();
    assert_loads_as(
        dir.path(),
        &exact_state(&writer.keyspace),
        "an older catalogue",
    );
    std::fs::write(manifest::path(dir.path(), 2), b"damaged").unwrap();
    assert!(matches!(
        load::find(&RealDisk, dir.path(), &catalog),
        Err(SnapshotError::Damaged { .. })
    ));
    std::fs::write(manifest::path(dir.path(), 1), first_bytes).unwrap();
    match load::find(&RealDisk, dir.path(), &catalog) {
        Ok(Found::Older { manifest, .. }) => assert_eq!(manifest, first),
        found => panic!("{found:?}"),
    }
}

#[test]
fn nothing_old_goes_while_the_catalogue_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    writer.set(0, "string 1", "later");
    let clock = writer.keyspace.save_clock();
    let job = SaveJob {
        save: clock.begin(writer.number),
        cut: writer.number,
        dir: dir.path(),
        lineage: LINEAGE,
    };
    let nowhere = Catalog::new(Path::new("/proc/no such directory"));
    let progress = SaveProgress::default();
    let saved = save(
        &writer.keyspace,
        &job,
        &RealDisk,
        &nowhere,
        &|| false,
        &progress,
    )
    .unwrap();
    clock.end();
    assert!(!saved.has_second_copy());
    remove_replaced(&RealDisk, dir.path(), &saved).unwrap();
    assert_eq!(
        files(dir.path()),
        [
            "MANIFEST-1",
            "MANIFEST-2",
            "packs/1-0.pack",
            "packs/2-0.pack"
        ]
    );
    assert_loads_as(
        dir.path(),
        &exact_state(&writer.keyspace),
        "without second copy",
    );
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!(files(dir.path()), ["MANIFEST-3", "packs/3-0.pack"]);
}

//! Images that are damaged, lost, or contradict the table.

use super::collections::{check_graphs, with_collections};
use super::*;

#[test]
fn every_damaged_image_refuses_the_load() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(4);
    let mut writer = with_collections(&mut random);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let path = pack::path(
        dir.path(),
        PackId {
            generation: 1,
            number: 0,
        },
    );
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(good.len() / 60) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bad).unwrap();
        match load_now(dir.path()) {
            Err(SnapshotError::Damaged { path: told, .. }) => assert_eq!(told, path, "byte {at}"),
            Err(SnapshotError::Version { .. }) => assert!(at < 40, "byte {at}"),
            other => panic!("byte {at}: {:?}", other.map(|(_, loaded)| loaded)),
        }
    }
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        load_now(dir.path()),
        Err(SnapshotError::Io { .. })
    ));
}

#[test]
fn a_graph_that_lost_links_is_mended() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(5);
    let mut writer = with_collections(&mut random);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let mut manifest = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let before = manifest.images.len();
    manifest
        .images
        .retain(|place, _| place.kind != Kind::Links || place.part % 2 == 1);
    assert!(manifest.images.len() < before);
    manifest.write(&RealDisk, dir.path()).unwrap();
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert!(loaded.relinked > 100, "{loaded:?}");
    assert_eq!(exact_state(&keyspace), exact_state(&writer.keyspace));
    check_graphs(&keyspace);
}

#[test]
fn tables_and_images_that_contradict_each_other_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(6);
    let mut writer = with_collections(&mut random);
    save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    let good = Manifest::read(&RealDisk, dir.path(), 1).unwrap();
    let refuses = |spoil: &dyn Fn(&mut Manifest)| {
        let mut manifest = good.clone();
        spoil(&mut manifest);
        manifest.write(&RealDisk, dir.path()).unwrap();
        assert!(matches!(
            load_now(dir.path()),
            Err(SnapshotError::Damaged { .. })
        ));
    };
    refuses(&|manifest| manifest.state.keys += 1);
    refuses(&|manifest| manifest.state.lineage += 1);
    refuses(&|manifest| manifest.images.retain(|place, _| place.kind != Kind::Names));
    refuses(&|manifest| manifest.images.retain(|place, _| place.kind != Kind::Keys));
    refuses(&|manifest| {
        manifest
            .images
            .retain(|place, _| place.owner != 0 || place.part != 1)
    });
    refuses(&|manifest| {
        manifest
            .collections
            .values_mut()
            .for_each(|record| record.schema.index.dim = 15)
    });
    good.write(&RealDisk, dir.path()).unwrap();
    let small = Keyspace::new(1, SEED);
    let loaded = load::load(&good, &small, &RealDisk, dir.path());
    assert!(matches!(
        loaded,
        Err(SnapshotError::Databases {
            found: 1,
            configured: 1
        })
    ));
}

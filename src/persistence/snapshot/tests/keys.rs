//! Keys of all types but collections.

use super::*;

#[test]
fn what_was_saved_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = filled();
    let saved = save_now(&mut writer, dir.path(), &RealDisk).unwrap();
    assert_eq!((saved.generation(), saved.keys, saved.packs()), (1, 320, 1));
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert_eq!(
        loaded,
        Loaded {
            keys: 320,
            elements: 0,
            relinked: 0,
            taken: 0,
            indexed: 0,
            bytes: saved.bytes,
            damaged: Vec::new(),
        }
    );
    assert_eq!(exact_state(&keyspace), exact_state(&writer.keyspace));
    assert_eq!(
        keyspace.database(0).expiring(),
        writer.keyspace.database(0).expiring()
    );
}

#[test]
fn an_empty_keyspace_is_saved_too() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        load::find(&RealDisk, dir.path(), &Catalog::new(dir.path())),
        Ok(Found::None)
    ));
    save_now(&mut Writer::new(), dir.path(), &RealDisk).unwrap();
    let (keyspace, loaded) = load_now(dir.path()).unwrap();
    assert_eq!(loaded, Loaded::default());
    assert!(exact_state(&keyspace).is_empty());
}

/// One random change of a key; keys, names and fields are few, so that they meet.
fn alter_key(writer: &mut Writer, random: &mut Random) {
    let string = format!("string {}", random.below(300));
    let hash = format!("hash {}", random.below(25));
    let field = format!("field {}", random.below(300));
    let db = random.below(2) as usize;
    match random.below(11) {
        0 => writer.set(db, &string, "new"),
        1 => writer.apply(db, &string, Effect::Delete),
        2 => writer.apply(0, &hash, Effect::Delete),
        3 => writer.set_field(0, &hash, &field, "new"),
        4 => writer.apply(
            0,
            &hash,
            Effect::HashDelete {
                fields: vec![bytes(&field)],
            },
        ),
        5 => writer.apply(
            0,
            &hash,
            Effect::HashExpireAt {
                at_ms: 30_000,
                fields: vec![bytes(&field)],
            },
        ),
        6 => writer.apply(
            0,
            &hash,
            Effect::Rename {
                to: Key::from(hash.replace("hash", "string").as_bytes()),
            },
        ),
        7 => writer.apply(db, &string, Effect::Move { to_db: 1 - db }),
        8 => writer.apply(
            db,
            &string,
            Effect::Copy {
                to_db: 2,
                to: Key::from(string.as_bytes()),
            },
        ),
        9 => writer.apply(
            db,
            &string,
            Effect::Append {
                suffix: bytes("more"),
            },
        ),
        _ => writer.apply(
            db,
            &string,
            Effect::ExpireAt {
                at_ms: random.below(100_000),
            },
        ),
    }
}

#[test]
fn keys_are_exact_at_the_cut_whatever_is_written_during_the_walk() {
    for seed in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = filled();
        let mut random = Random(seed);
        (0..200).for_each(|_| alter_key(&mut writer, &mut random));
        let expected = exact_state(&writer.keyspace);
        let mut act = |writer: &mut Writer| alter_key(writer, &mut random);
        save_while(&mut writer, dir.path(), &RealDisk, &mut act).unwrap();
        assert_loads_as(dir.path(), &expected, &format!("seed {seed}"));
        assert_ne!(
            exact_state(&writer.keyspace),
            expected,
            "the test must write"
        );
    }
}

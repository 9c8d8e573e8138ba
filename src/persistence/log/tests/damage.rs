//! Damage: flipped bits, cuts at each byte, forged headers, missing files. Never a wrong change; a refusal, or a cut that is
//! reported, and only where nothing proves that the bytes were safe.

use super::*;

/// A log of two files: changes 1 to 3 in the first, 4 to 6 in the second; through 5 somebody says that they are synced.
fn small_log() -> (FaultDisk, Told) {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "a", "1")]).unwrap();
    told.write(&log, &[set(1, "b", "2"), set(0, "c", "3")])
        .unwrap();
    log.prepare_file().unwrap();
    log.cut(|_| {});
    told.write(&log, &[set(0, "d", "4")]).unwrap();
    told.write(&log, &[set(0, "e", "5")]).unwrap();
    told.sync(&log).unwrap();
    told.write(&log, &[set(0, "f", "6")]).unwrap();
    (disk, told)
}

/// Flips each bit of a file; the error, or what was found, goes to `check` with the bit.
fn flip_all(
    disk: &FaultDisk,
    path: &Path,
    check: impl Fn(usize, Result<Found, LogError>, &FaultDisk),
) {
    for bit in 0..disk.read(path).unwrap().len() * 8 {
        let flipped = disk.kill();
        flipped.flip(path, bit);
        check(bit, read(&flipped, 0), &flipped);
    }
}

#[test]
fn a_flipped_bit_that_a_later_header_or_file_proves_synced_is_refused() {
    let (disk, _) = small_log();
    flip_all(&disk, &file(1), |bit, result, flipped| {
        let error = result.expect_err(&format!("bit {bit}"));
        assert!(
            error.to_string().contains("appendonly.aof.1.incr.aof"),
            "{error}"
        );
        assert_eq!(flipped.calls(), 0, "nothing is altered");
    });
    flip_all(&disk, &directory().manifest(), |bit, result, _| {
        let error = result.expect_err(&format!("bit {bit}"));
        assert!(error.to_string().contains("manifest"), "{error}");
    });
}

#[test]
fn a_flipped_bit_of_the_last_record_is_cut_and_reported() {
    let (disk, told) = small_log();
    let whole = disk.read(&file(2)).unwrap();
    let last = whole
        .windows(5)
        .rposition(|window| window == b"#R 6 ")
        .unwrap();
    flip_all(&disk, &file(2), |bit, result, flipped| {
        if bit / 8 < last {
            result.expect_err(&format!("bit {bit}"));
            return;
        }
        let found = result.unwrap_or_else(|error| panic!("bit {bit}: {error}"));
        assert_eq!(check_found(&found, &told), 5, "bit {bit}");
        let torn = found.contents.torn.unwrap();
        let expected = Torn {
            path: file(2),
            offset: last as u64,
            number: 6,
            bytes: (whole.len() - last) as u64,
        };
        assert_eq!(torn, expected);
        assert_eq!(flipped.read(&file(2)).unwrap(), whole[..last]);
        assert_eq!(
            flipped.power_cut(PowerCut::Lost).read(&file(2)).unwrap(),
            whole[..last],
            "the cut is synced"
        );
    });
}

#[test]
fn after_a_clean_stop_every_flipped_bit_of_a_change_is_refused() {
    let (disk, mut told) = small_log();
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "g", "7")]).unwrap();
    log.stop().unwrap();
    for seq in 1..=3 {
        let whole = disk.read(&file(seq)).unwrap();
        let closing = whole
            .windows(5)
            .rposition(|window| window == b"#R 8 ")
            .unwrap_or(whole.len());
        flip_all(&disk, &file(seq), |bit, result, _| match result {
            Err(_) => assert!(bit / 8 < closing, "file {seq}, bit {bit}"),
            Ok(found) => {
                assert!(bit / 8 >= closing, "file {seq}, bit {bit}");
                assert_eq!(check_found(&found, &told), 7);
            }
        });
    }
}

#[test]
fn a_log_torn_at_each_byte_is_a_prefix_and_says_what_followed() {
    let (disk, told) = small_log();
    let whole = disk.read(&file(2)).unwrap();
    for len in 0..whole.len() {
        let torn = disk.kill();
        torn.truncate(&file(2), len as u64).unwrap();
        let refused = read_with(&torn, 0, false);
        assert_eq!(
            torn.read(&file(2)).unwrap().len(),
            len,
            "refusing alters nothing"
        );
        let found = read(&torn, 0).unwrap_or_else(|error| panic!("at {len}: {error}"));
        let last = check_found(&found, &told);
        assert!((3..6).contains(&last), "at {len}: {last}");
        match found.contents.torn {
            Some(cut) => {
                assert_eq!(cut.offset + cut.bytes, len as u64);
                assert_eq!(cut.number, last + 1);
                assert!(matches!(refused, Err(LogError::Torn(told)) if told == cut));
            }
            None => assert!(refused.is_ok()),
        }
        assert_eq!(
            read(&torn, 0).unwrap().contents.torn,
            None,
            "it is cut once"
        );
        let mut told = told.clone();
        let log = start(&torn, &mut told, options()).unwrap();
        told.write(&log, &[set(0, "z", "9")]).unwrap();
        log.stop().unwrap();
        assert_eq!(check_found(&read(&torn, 0).unwrap(), &told), last + 1);
    }
}

#[test]
fn headers_inside_values_do_nothing() {
    let (disk, mut told) = small_log();
    let foreign = disk.read(&file(1)).unwrap();
    let log = start(&disk, &mut told, options()).unwrap();
    let mut forged = b"\r\n#R 7 1 0 00000000 99 00000000\r\n".to_vec();
    forged.extend_from_slice(&foreign);
    for salt in [0, LINEAGE, SEED, 77, 78, 79] {
        let header = format::RecordHeader {
            number: 9,
            count: 1,
            body_bytes: 0,
            body_crc: 0,
            synced: 99,
        };
        header.write(salt, &mut forged);
    }
    told.write(&log, &[set(0, "value", forged.clone())])
        .unwrap();
    told.write(&log, &[set(0, "value", forged)]).unwrap();
    let whole = disk.read(&file(3)).unwrap();
    assert_eq!(check_found(&read(&disk.kill(), 0).unwrap(), &told), 8);
    for end in (whole.len() - 300..whole.len()).step_by(3) {
        let torn = disk.kill();
        torn.truncate(&file(3), end as u64).unwrap();
        let found = read(&torn, 0).unwrap_or_else(|error| panic!("at {end}: {error}"));
        assert_eq!(
            check_found(&found, &told),
            7,
            "the values' headers prove nothing"
        );
    }
}

#[test]
fn a_lost_page_before_a_kept_one_is_torn_where_nothing_was_synced() {
    let (disk, told) = small_log();
    let whole = disk.read(&file(2)).unwrap();
    let at = whole
        .windows(5)
        .rposition(|window| window == b"#R 5 ")
        .unwrap();
    let path = file(2);
    let zeroed = disk.kill();
    for bit in at * 8..at * 8 + 160 {
        if whole[bit / 8] >> (bit % 8) & 1 == 1 {
            zeroed.flip(&path, bit);
        }
    }
    assert!(
        read(&zeroed, 0).is_err(),
        "the next header says that 5 was synced"
    );
    let found = read(&disk.kill(), 5).unwrap();
    assert_eq!(found.changes.len(), 1);
    assert_eq!(found.changes[0].1, told.changes[5]);
}

#[test]
fn a_missing_file_and_a_gap_are_refused() {
    let (disk, mut told) = small_log();
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(0, "g", "7")]).unwrap();
    drop(log);
    let missing = disk.kill();
    missing.remove(&file(2)).unwrap();
    assert!(matches!(read(&missing, 0), Err(LogError::Io { path, .. }) if path == file(2)));
    let gap = disk.kill();
    gap.truncate(&file(2), 0).unwrap();
    assert!(matches!(
        read(&gap, 0),
        Err(LogError::Gap {
            expected: 4,
            found: 7,
            ..
        })
    ));
    let cut_between = disk.kill();
    let fifth = disk
        .read(&file(2))
        .unwrap()
        .windows(5)
        .rposition(|window| window == b"#R 6 ")
        .unwrap();
    cut_between.truncate(&file(2), fifth as u64).unwrap();
    assert!(matches!(
        read(&cut_between, 0),
        Err(LogError::Gap {
            expected: 6,
            found: 7,
            ..
        })
    ));
    let unnamed = disk.kill();
    unnamed.remove(&directory().manifest()).unwrap();
    assert!(matches!(
        read(&unnamed, 0),
        Err(LogError::NoManifest { .. })
    ));
    assert!(
        matches!(read(&disk, 8), Ok(found) if found.contents.last_number == 8 && found.changes.is_empty())
    );
}

#[test]
fn files_that_a_snapshot_covers_are_passed_over_unread() {
    let (disk, told) = small_log();
    disk.flip(&file(1), 900);
    let covered = Told {
        committed: 3,
        ..told
    };
    assert_eq!(check_found(&read(&disk, 3).unwrap(), &covered), 6);
}

#[test]
fn a_file_of_another_directory_is_refused() {
    let (disk, _) = small_log();
    let other = FaultDisk::new();
    let contents = LogContents {
        identity: None,
        ..LogContents::default()
    };
    let start = LogStart {
        lineage: LINEAGE + 1,
        seed: SEED,
        salt: 1,
        has_snapshot: false,
        contents,
    };
    Log::start(Arc::new(other.clone()), start, options(), Box::new(|| {}))
        .unwrap()
        .stop()
        .unwrap();
    let foreign = other.read(&file(1)).unwrap();
    let swapped = disk.create(&file(2)).unwrap();
    crate::persistence::disk::append_all(&*swapped, &foreign).unwrap();
    let error = read(&disk, 0).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Damaged {
                what: "it belongs to another log",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_manifest_of_another_server_is_refused_by_name() {
    let disk = FaultDisk::new();
    let text = b"file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    crate::persistence::disk::replace(&disk, &directory().manifest(), text).unwrap();
    let calls = disk.calls();
    let error = read(&disk, 0).unwrap_err();
    assert!(
        matches!(error, LogError::Foreign { .. }) && error.to_string().contains("rhumb load"),
        "{error}"
    );
    assert_eq!(disk.calls(), calls, "nothing is altered");
}

#[test]
fn a_body_without_meaning_is_refused_with_its_place() {
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    told.write(&log, &[set(99, "a", "1")]).unwrap();
    let error = read(&disk, 0).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Body {
                number: 1,
                error: BodyError::Database(99),
                ..
            }
        ),
        "{error}"
    );
    let (disk, mut told) = (FaultDisk::new(), Told::default());
    let log = start(&disk, &mut told, options()).unwrap();
    let record = EncodedRecord {
        body: b"*1\r\n$4\r\nPING\r\n".to_vec(),
        count: 1,
        ..EncodedRecord::default()
    };
    let last = log.append(&record, |_| {});
    log.write_through(last).unwrap();
    let error = read(&disk, 0).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::Body {
                number: 1,
                error: BodyError::Word(_),
                ..
            }
        ),
        "{error}"
    );
}

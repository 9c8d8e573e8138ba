//! The cut of a save under writers: what had its number before the cut is in the snapshot, applied or not; what got it later
//! is not; a transaction is in it as a whole or not at all.

use super::EndOf;
use super::damage::snapshot_alone;
use super::faults::Directory;
use super::life::{Act, Exact, Living, Told, effect, set, set_field};
use rhumb::engine::{Decision, Locked, Patience, Scope};
use rhumb::keyspace::change::{Change, Effect};
use rhumb::persistence::disk::fault::FaultDisk;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Changes of the record that is being applied while the save cuts.
const MANY: usize = 20_000;

#[test]
fn a_change_between_its_number_and_its_effect_is_in_the_snapshot_of_a_cut_behind_it() {
    let mut caught = 0;
    for attempt in 0..40 {
        let (disk, directory, mut told) = (FaultDisk::new(), Directory::new(), Told::default());
        let living = Living::open(&disk, directory.path(), true).expect("it opens");
        // One record, applied change by change.
        let record: Vec<Change> = (0..MANY)
            .map(|i| set(i % 2, &format!("key {i}"), format!("{attempt}")))
            .collect();
        let last_key = format!("key {}", MANY - 1);
        let is_applied = |living: &Living| {
            living
                .engine
                .keyspace()
                .database(1)
                .peek(last_key.as_bytes())
                .is_some()
        };
        thread::scope(|scope| {
            let writing =
                scope.spawn(|| living.act(&Act::Write(record), &mut told).expect("a write"));
            while living.engine.log().last_number() == 0 && !writing.is_finished() {
                std::hint::spin_loop();
            }
            // All numbers are drawn; the changes are being applied.
            caught += usize::from(!is_applied(&living));
            living.engine.save().expect("a save");
            writing.join().expect("the writer");
        });
        drop(living);
        assert_eq!(
            snapshot_alone(&disk, directory.path()),
            told.states()[&told.last_number()]
        );
        if caught == 2 {
            return;
        }
    }
    assert!(
        caught > 0,
        "the record was always applied before the save began"
    );
}

#[test]
fn a_transaction_is_in_a_snapshot_as_a_whole_or_not_at_all() {
    let (disk, directory) = (FaultDisk::new(), Directory::new());
    let living = Living::open(&disk, directory.path(), true).expect("it opens");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = EndOf(&over);
        for writer in 0..2 {
            let (engine, over) = (&living.engine, &over);
            scope.spawn(move || {
                let keys: Vec<String> = (0..6).map(|i| format!("{writer} {i}")).collect();
                let named = || {
                    keys.iter()
                        .map(|key| (0, key.clone().into_bytes()))
                        .collect()
                };
                let scope = Scope {
                    keys: named(),
                    changed: named(),
                    ..Scope::default()
                };
                for turn in 0u64.. {
                    let run = engine.transaction(&scope, Patience::Wait, |transaction| {
                        for key in &keys {
                            let access = transaction.access();
                            let change = set(0, key, turn.to_string());
                            let done: Result<(), Locked> =
                                access
                                    .write(0, &[key.as_bytes()], |_| Ok(Decision::one((), change)));
                            done.expect("no lock is taken inside");
                        }
                    });
                    let ((), last) = run.expect("it waits for its locks");
                    engine.write_through(last).expect("a disk without faults");
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        for save in 0..20 {
            living.engine.save().expect("a save");
            let state = snapshot_alone(&disk, directory.path());
            for writer in 0..2 {
                let turns = turns_of(&state, writer);
                assert!(
                    turns.windows(2).all(|pair| pair[0] == pair[1]),
                    "save {save}, writer {writer}: {turns:?}"
                );
            }
        }
    });
}

/// The values of one writer's keys.
fn turns_of(state: &Exact, writer: usize) -> Vec<String> {
    let prefix = format!("{writer} ");
    let values = (0..6).map(|i| (0, format!("{prefix}{i}").into_bytes().into_boxed_slice()));
    values.map(|key| format!("{:?}", state.get(&key))).collect()
}

/// A flush empties what a running save is walking: the save begins anew, and nothing of the old data comes back.
#[test]
fn a_flush_during_a_save_does_not_bring_anything_back() {
    for round in 0..9 {
        let (disk, directory, mut told) = (FaultDisk::new(), Directory::new(), Told::default());
        let living = Living::open(&disk, directory.path(), true).expect("it opens");
        let record: Vec<Change> = (0..4_000)
            .map(|i| set_field(i % 2, &format!("key {i}"), "f", &"v".repeat(2_000)))
            .collect();
        living.act(&Act::Write(record), &mut told).expect("a write");
        let before = disk.calls();
        thread::scope(|scope| {
            let saving = scope.spawn(|| living.engine.save());
            // The walk writes a piece of the pack now and then: the flush falls between two of them.
            while disk.calls() < before + 6 + round && !saving.is_finished() {
                std::hint::spin_loop();
            }
            let flush = [
                Effect::FlushDb,
                Effect::FlushAll,
                Effect::SwapDb { with: 1 },
            ][round as usize % 3]
                .clone();
            living
                .act(&Act::Write(vec![effect(0, "", flush)]), &mut told)
                .expect("a flush");
            living
                .act(&Act::Write(vec![set(0, "after", "the flush")]), &mut told)
                .expect("a write");
            saving
                .join()
                .expect("the save")
                .expect("a save that is cancelled begins anew");
        });
        let (last, states) = (told.last_number(), told.states());
        let saved = snapshot_alone(&disk, directory.path());
        assert!(
            states.values().any(|state| *state == saved),
            "round {round}: the snapshot is of no moment: {} keys",
            saved.len()
        );
        super::life::assert_recovers(
            &disk.kill(),
            directory.path(),
            &told,
            last,
            &format!("round {round}"),
        );
        living.act(&Act::Save, &mut told).expect("a save");
        drop(living);
        assert_eq!(
            snapshot_alone(&disk, directory.path()),
            told.states()[&last],
            "round {round}"
        );
    }
}

//! WATCH: what spoils a transaction, and what does not.

use crate::commands::desk::Desk;
use crate::engine::Upkeep;
use std::sync::Arc;

/// Does `before`, watches the key `k`, lets other clients do `meanwhile`, and says whether EXEC still runs. Besides commands:
/// `wait` lets 100 ms pass, `upkeep` removes what has expired.
fn runs_after(before: &[&str], meanwhile: &[&str]) -> bool {
    let desk = Desk::new();
    before.iter().for_each(|line| act(&desk, line));
    let mut seat = desk.seat();
    assert_eq!(seat.run("WATCH k"), "OK");
    meanwhile.iter().for_each(|line| act(&desk, line));
    seat.run("MULTI");
    seat.run("PING");
    match seat.run("EXEC").as_str() {
        "1) PONG" => true,
        "(nil)" => false,
        other => panic!("EXEC answered {other}"),
    }
}

fn act(desk: &Desk, line: &str) {
    let engine = &desk.context.engine;
    match line {
        "wait" => desk.advance_ms(100),
        "upkeep" => {
            let upkeep = Upkeep::start(Arc::clone(engine), || ());
            while engine.keyspace().database(0).expiring() > 0 {
                std::thread::yield_now();
            }
            drop(upkeep);
        }
        _ => {
            let reply = desk.seat().run(line);
            assert!(!reply.starts_with("(error)"), "{line}: {reply}");
        }
    }
}

#[track_caller]
fn check_spoils(before: &[&str], meanwhile: &[&str]) {
    assert!(!runs_after(before, meanwhile), "EXEC must answer nil");
}

#[track_caller]
fn check_runs(before: &[&str], meanwhile: &[&str]) {
    assert!(runs_after(before, meanwhile), "EXEC must run");
}

#[test]
fn a_missing_key_that_came_and_went_spoils() {
    check_spoils(&[], &["SET k 1"]);
    check_spoils(&[], &["SET k 1", "DEL k"]);
    check_spoils(&[], &["SET other 1", "RENAME other k", "RENAME k other"]);
    check_spoils(&[], &["SET other 1", "COPY other k", "DEL k"]);
    check_spoils(&[], &["VADD k VALUES 1 1 e", "VREM k e"]);
    check_spoils(&[], &["HSET k f v", "HDEL k f"]);
    check_spoils(&[], &["SET k 1", "FLUSHDB"]);
    check_spoils(&[], &["SET k 1", "SWAPDB 0 1"]);
    check_spoils(&[], &["SET k 1 PX 50", "wait", "upkeep"]);
    check_spoils(
        &["SET k 1", "COPY k k DB 1", "DEL k"],
        &["SWAPDB 0 1", "SWAPDB 0 1"],
    );
}

#[test]
fn a_missing_key_that_stayed_away_spoils_nothing() {
    check_runs(&[], &["SET other 1", "DEL other"]);
    check_runs(&["SET other 1"], &["FLUSHDB"]);
    check_runs(&[], &["FLUSHALL"]);
    check_runs(&["SET other 1"], &["SWAPDB 0 1"]);
    check_runs(&[], &["DEL k", "PERSIST k"]);
}

#[test]
fn a_key_that_changed_or_went_spoils() {
    check_spoils(&["SET k 1"], &["SET k 1"]);
    check_spoils(&["SET k 1"], &["DEL k"]);
    check_spoils(&["SET k 1"], &["PEXPIRE k 1000"]);
    check_spoils(&["SET k 1"], &["RENAME k other", "RENAME other k"]);
    check_spoils(&["SET k 1"], &["FLUSHALL"]);
    check_spoils(&["SET k 1"], &["SWAPDB 0 1", "SWAPDB 0 1"]);
    check_spoils(&["VADD k VALUES 1 1 e"], &["VADD k VALUES 1 1 f"]);
    check_spoils(&["VADD k VALUES 1 1 e"], &["VSETATTR k e {}"]);
    check_runs(&["SET k 1"], &["GET k", "SETNX k 2"]);
}

#[test]
fn a_key_that_expires_spoils_and_one_that_was_expired_does_not() {
    let living = ["SET k 1 PX 50"];
    check_spoils(&living, &["wait"]);
    check_spoils(&living, &["wait", "upkeep"]);
    check_spoils(&living, &["wait", "SET k 1"]);
    let expired = ["SET k 1 PX 50", "wait"];
    check_runs(&expired, &[]);
    check_runs(&expired, &["upkeep"]);
    check_runs(&expired, &["SWAPDB 0 1"]);
    check_runs(&expired, &["FLUSHDB"]);
    check_spoils(&expired, &["SET k 1"]);
    check_spoils(&expired, &["upkeep", "SET k 1", "DEL k"]);
}

#[test]
fn keys_that_nobody_watches_any_more_are_forgotten() {
    let desk = Desk::new();
    let (mut first, mut second) = (desk.seat(), desk.seat());
    first.run("WATCH a b");
    second.run("WATCH b");
    assert_eq!(desk.context.engine.watched_keys(), 2);
    first.run("UNWATCH");
    assert_eq!(desk.context.engine.watched_keys(), 1);
    drop(second);
    assert_eq!(desk.context.engine.watched_keys(), 0);
}

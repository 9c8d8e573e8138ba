//! Tests of the turns that writes and long searches take (keyspace/documents/turns.rs, engine/turns.rs), as clients see them: a write
//! that has to wait for a search waits elsewhere and holds nothing that others want, and what it decides about is looked up when its turn has come.

use crate::commands::desk::{Desk, Seat};
use crate::commands::{Delay, Outcome, execute};
use crate::engine::{Patience, Upkeep};
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::documents::turns::Turn;
use crate::protocol::Request;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// A server with an index of one document, and the index.
fn desk_of_one() -> (Desk, Arc<DocumentIndex>) {
    let desk = Desk::new();
    let mut seat = desk.seat();
    seat.run("FT.CREATE i PREFIX 1 d: SCHEMA n NUMERIC");
    seat.run("HSET d:1 n 1");
    let index = desk.context.engine.keyspace().indexes().get(b"i");
    (desk, index.expect("the index"))
}

/// Long enough for another thread to begin to wait.
const A_WHILE: Duration = Duration::from_millis(50);

#[test]
fn a_write_waits_elsewhere_for_postings_that_are_held() {
    let (desk, index) = desk_of_one();
    let mut seat = desk.seat();
    let exec = |seat: &mut Seat, line| {
        seat.run("MULTI");
        seat.run(line);
        let delay = seat.delay("EXEC");
        seat.run("DISCARD");
        delay
    };
    let mut writes = || {
        let lines = ["HSET d:1 n 2", "DEL d:1", "SET d:1 2", "SET other 1"];
        let plain = lines.map(|line| seat.delay(line));
        let lines = ["HSET d:1 n 3", "HGET d:1 n", "SET other 1"];
        (plain, lines.map(|line| exec(&mut seat, line)))
    };
    let waits = Some(Delay::Postings);
    let held = index.read_in(Turn::InTurn);
    let expected = ([waits, waits, waits, None], [waits, None, None]);
    assert_eq!(writes(), expected);
    // What these change is not among the keys that they name.
    let mut other = desk.seat();
    other.run("SELECT 1");
    assert_eq!(exec(&mut other, "MOVE d:2 0"), waits);
    assert_eq!(exec(&mut other, "MOVE d:2 2"), waits);
    assert_eq!(exec(&mut other, "DBSIZE"), None);
    drop(held);
    assert_eq!(writes(), ([None; 4], [None; 3]));
}

#[test]
fn who_computes_for_others_does_not_wait_for_postings_either() {
    let (desk, index) = desk_of_one();
    let mut seat = desk.seat();
    let held = index.read_in(Turn::InTurn);
    let request = Request::from_args(["HINCRBY", "d:1", "n", "1"]).expect("a request");
    let outcome = execute(&desk.context, &mut seat.session, &request, Patience::Work);
    assert!(matches!(outcome, Outcome::Delayed(Delay::Postings)));
    assert!(desk.context.engine.must_wait([&b"d:1"[..]].into_iter()));
    assert!(!desk.context.engine.must_wait([&b"e:1"[..]].into_iter()));
    drop(held);
    assert!(!desk.context.engine.must_wait([&b"d:1"[..]].into_iter()));
    assert_eq!(seat.run("HGET d:1 n"), "\"1\"");
}

#[test]
fn who_reads_a_key_does_not_wait_for_a_write_that_waits_for_postings() {
    let (desk, index) = desk_of_one();
    let mut seat = desk.seat();
    let mut writers = [desk.seat(), desk.seat()];
    thread::scope(|scope| {
        let held = index.read_in(Turn::InTurn);
        let [plain, transaction] = &mut writers;
        scope.spawn(|| plain.run("HINCRBY d:1 n 1"));
        scope.spawn(|| {
            transaction.run("MULTI");
            transaction.run("HINCRBY d:1 n 1");
            transaction.run("EXEC")
        });
        thread::sleep(A_WHILE);
        assert!(seat.is_quick("HGET d:1 n"));
        assert_eq!(seat.run("FT.INFO i").matches("num_docs").count(), 1);
        drop(held);
    });
    assert_eq!(seat.run("HGET d:1 n"), "\"3\"");
    assert_eq!(
        seat.run("FT.SEARCH i '@n:[3 3]' NOCONTENT"),
        "1) (integer) 1\n2) \"d:1\""
    );
}

#[test]
fn what_expires_while_a_write_waits_is_not_there_when_its_turn_comes() {
    let (desk, index) = desk_of_one();
    let mut seat = desk.seat();
    seat.run("PEXPIRE d:1 1000");
    let mut writer = desk.seat();
    thread::scope(|scope| {
        let held = index.read_in(Turn::InTurn);
        let writing = scope.spawn(|| writer.run("HINCRBY d:1 n 1"));
        thread::sleep(A_WHILE);
        desk.advance_ms(2000);
        drop(held);
        assert_eq!(writing.join().expect("a reply"), "(integer) 1");
    });
    assert_eq!(seat.run("TTL d:1"), "(integer) -1");
    assert_eq!(seat.run("HGET d:1 n"), "\"1\"");
}

#[test]
fn a_document_whose_postings_are_read_for_long_expires_later() {
    let (desk, index) = desk_of_one();
    let mut seat = desk.seat();
    seat.run("SET other 1");
    seat.run("PEXPIRE d:1 10");
    seat.run("PEXPIRE other 10");
    desk.advance_ms(20);
    let engine = &desk.context.engine;
    let expiring = || engine.keyspace().database(0).expiring();
    let held = index.read_in(Turn::InTurn);
    let (tell, told) = mpsc::channel();
    let _upkeep = Upkeep::start(Arc::clone(engine), move || {
        let _ = tell.send(());
    });
    let wait_for_rounds = || {
        for _ in 0..2 {
            told.recv_timeout(100 * A_WHILE).expect("upkeep goes on");
        }
    };
    wait_for_rounds();
    assert_eq!(expiring(), 1);
    drop(held);
    wait_for_rounds();
    assert_eq!((expiring(), index.len()), (0, 0));
}

#[test]
fn a_time_to_live_begins_when_a_write_has_waited() {
    let (desk, index) = desk_of_one();
    let mut seat = desk.seat();
    let mut writers = [desk.seat(), desk.seat()];
    seat.run("HSET d:2 n 1");
    thread::scope(|scope| {
        let held = index.read_in(Turn::InTurn);
        let [set, expire] = &mut writers;
        scope.spawn(|| set.run("SET d:1 text PX 1000"));
        scope.spawn(|| expire.run("PEXPIRE d:2 1000"));
        thread::sleep(A_WHILE);
        desk.advance_ms(5000);
        drop(held);
    });
    assert_eq!(seat.run("PTTL d:1"), "(integer) 1000");
    assert_eq!(seat.run("PTTL d:2"), "(integer) 1000");
}

#[test]
fn a_small_change_of_a_large_document_is_made_elsewhere() {
    let (desk, _) = desk_of_one();
    let mut seat = desk.seat();
    let long = "word ".repeat(10_000);
    seat.send(["HSET", "d:large", "t", &long, "n", "1"]);
    seat.send(["HSET", "other", "t", &long, "n", "1"]);
    for (line, delay) in [
        ("HINCRBY d:large n 1", Some(Delay::Brief)),
        ("PEXPIRE d:large 100000", Some(Delay::Brief)),
        ("HINCRBY other n 1", None),
        ("HINCRBY d:1 n 1", None),
        ("HGET d:large n", None),
        ("DEL d:large", Some(Delay::Brief)),
    ] {
        assert_eq!(seat.delay(line), delay, "{line}");
    }
}

#[test]
fn the_world_is_not_taken_by_who_waits_for_postings() {
    let (desk, index) = desk_of_one();
    let mut seat = desk.seat();
    seat.run("FT.CREATE other PREFIX 1 d: SCHEMA n NUMERIC");
    let mut writers = [desk.seat(), desk.seat()];
    thread::scope(|scope| {
        let held = index.read_in(Turn::InTurn);
        let [alter, drop_other] = &mut writers;
        scope.spawn(|| alter.run("FT.ALTER i SCHEMA ADD m NUMERIC"));
        scope.spawn(|| drop_other.run("FT.DROPINDEX other DD"));
        thread::sleep(A_WHILE);
        assert!(seat.is_quick("GET unrelated"));
        assert!(seat.is_quick("SET unrelated 1"));
        drop(held);
    });
    assert_eq!(seat.run("EXISTS d:1"), "(integer) 0");
    assert_eq!(seat.run("FT.SEARCH i '@m:[1 1]'"), "1) (integer) 0");
}

#[test]
fn a_transaction_that_writes_searches_for_long_too() {
    let (desk, _) = desk_of_one();
    let mut seat = desk.seat();
    for id in 0..2000 {
        seat.run(&format!("HSET d:{id} n 1"));
    }
    seat.run("MULTI");
    seat.run("HSET d:1 n 2");
    seat.run("FT.AGGREGATE i * GROUPBY 1 @n REDUCE COUNT 0 AS c SORTBY 1 @c");
    // Who waited for the turn that his own transaction has would wait for ever.
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(seat.run("EXEC")));
    let reply = told.recv_timeout(100 * A_WHILE).expect("it ends");
    assert!(reply.contains("1999"), "{reply}");
}

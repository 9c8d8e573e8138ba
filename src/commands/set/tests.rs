//! Each command against the replies that Redis gives.

use crate::commands::desk::{Desk, Seat, check_examples, check_lines};
use std::collections::{BTreeMap, BTreeSet};

const SYNTAX: &str = "(error) ERR syntax error";
const NOT_INT: &str = "(error) ERR value is not an integer or out of range";
const WRONG_TYPE: &str =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_POSITIVE: &str = "(error) ERR value is out of range, must be positive";

/// Runs lines on an empty server.
fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

/// The quoted words of a reply.
fn words(reply: &str) -> BTreeSet<String> {
    let words = reply.split('"').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

/// A set with the members m0, m1, ...
fn seat_with(members: usize) -> Seat {
    let mut seat = Desk::new().seat();
    for i in 0..members {
        seat.send(["SADD", "s", &format!("m{i}")]);
    }
    seat
}

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}

#[test]
fn missing_keys_are_empty_sets() {
    check(&[
        ("SMEMBERS s", "(empty array)"),
        ("SCARD s", "(integer) 0"),
        ("SISMEMBER s a", "(integer) 0"),
        ("SMISMEMBER s a b", "1) (integer) 0\n2) (integer) 0"),
        ("SREM s a", "(integer) 0"),
        ("SPOP s", "(nil)"),
        ("SPOP s 3", "(empty array)"),
        ("SRANDMEMBER s", "(nil)"),
        ("SRANDMEMBER s -3", "(empty array)"),
        ("SMOVE s t a", "(integer) 0"),
        ("SINTER s t", "(empty array)"),
        ("SINTERCARD 2 s t", "(integer) 0"),
        ("SDIFFSTORE d s t", "(integer) 0"),
        ("SSCAN s 0 WHAT", "1) \"0\"\n2) (empty array)"),
        ("DBSIZE", "(integer) 0"),
    ]);
}

#[test]
fn other_kinds_are_refused() {
    let commands = [
        "SADD x a",
        "SREM x a",
        "SMEMBERS x",
        "SCARD x",
        "SISMEMBER x a",
        "SMISMEMBER x a",
        "SPOP x",
        "SPOP x 1",
        "SRANDMEMBER x",
        "SRANDMEMBER x 1",
        "SMOVE x s a",
        "SMOVE s x a",
        "SINTER nothing x",
        "SUNION s x",
        "SDIFF s x",
        "SINTERCARD 2 nothing x",
        "SUNIONSTORE d s x",
        "SSCAN x 0",
    ];
    for command in commands {
        check(&[
            ("RPUSH x a", "(integer) 1"),
            ("SADD s a", "(integer) 1"),
            (command, WRONG_TYPE),
        ]);
    }
    check(&[("SET x 1", "OK"), ("SMOVE nothing x a", "(integer) 0")]);
}

#[test]
fn members_are_moved_once() {
    check(&[
        ("SADD a 1 2", "(integer) 2"),
        ("SADD b 2 3", "(integer) 2"),
        ("SMOVE a a 1", "(integer) 1"),
        ("SMOVE a a 9", "(integer) 0"),
        ("SMOVE a b 2", "(integer) 1"),
        ("SMOVE a b 1", "(integer) 1"),
        ("EXISTS a", "(integer) 0"),
        ("SCARD b", "(integer) 3"),
    ]);
}

#[test]
fn what_is_stored_takes_the_place_of_what_was_there() {
    check(&[
        ("SADD a 1 2 3", "(integer) 3"),
        ("SADD b 2 3 4", "(integer) 3"),
        ("SET d text EX 100", "OK"),
        ("SINTERSTORE d a b", "(integer) 2"),
        ("TTL d", "(integer) -1"),
        (
            "SMISMEMBER d 1 2 3 4",
            "1) (integer) 0\n2) (integer) 1\n3) (integer) 1\n4) (integer) 0",
        ),
        ("SUNIONSTORE a a b", "(integer) 4"),
        ("SDIFFSTORE b a d", "(integer) 2"),
        ("SINTERSTORE d a nothing", "(integer) 0"),
        ("EXISTS d", "(integer) 0"),
        ("SINTERCARD 2 a b LIMIT 1", "(integer) 1"),
        ("SINTERCARD 2 a b LIMIT 0", "(integer) 2"),
    ]);
}

#[test]
fn words_are_checked() {
    check(&[
        ("SADD s 1", "(integer) 1"),
        ("SPOP s -1", NOT_POSITIVE),
        ("SPOP s x", NOT_POSITIVE),
        ("SPOP s 1 2", SYNTAX),
        ("SRANDMEMBER s x", NOT_INT),
        ("SRANDMEMBER s 1 2", SYNTAX),
        (
            "SRANDMEMBER s -4194305",
            "(error) ERR value is out of range",
        ),
        (
            "SRANDMEMBER s -9223372036854775808",
            "(error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ),
        (
            "SINTERCARD 0 s",
            "(error) ERR numkeys should be greater than 0",
        ),
        (
            "SINTERCARD x s",
            "(error) ERR numkeys should be greater than 0",
        ),
        (
            "SINTERCARD 2 s",
            "(error) ERR Number of keys can't be greater than number of args",
        ),
        (
            "SINTERCARD 1 s LIMIT -1",
            "(error) ERR LIMIT can't be negative",
        ),
        ("SINTERCARD 1 s LIMIT", SYNTAX),
        ("SINTERCARD 1 s WHAT 1", SYNTAX),
        ("SSCAN s x", "(error) ERR invalid cursor"),
        ("SSCAN s 0 TYPE set", SYNTAX),
        (
            "SSCAN s 0 NOVALUES",
            "(error) ERR NOVALUES option can only be used in HSCAN",
        ),
        ("SCARD s", "(integer) 1"),
    ]);
}

#[test]
fn members_are_drawn_alike_and_popped_once() {
    let mut seat = seat_with(8);
    let mut counts = BTreeMap::new();
    let reply = seat.run("SRANDMEMBER s -8000");
    for word in reply.split('"').skip(1).step_by(2) {
        *counts.entry(word.to_owned()).or_insert(0) += 1;
    }
    // Eight standard deviations of a fair draw: sqrt(8000 * 1/8 * 7/8) is about 30.
    assert!(
        counts.len() == 8 && counts.values().all(|n| (760..1240).contains(n)),
        "{counts:?}"
    );
    for count in [0, 1, 5, 8, 9] {
        let reply = seat.run(&format!("SRANDMEMBER s {count}"));
        assert_eq!(words(&reply).len(), count.min(8));
    }
    let mut seat = seat_with(1_000);
    assert_eq!(words(&seat.run("SRANDMEMBER s 20")).len(), 20);
    let mut popped = BTreeSet::new();
    for count in [1, 100, 600, 400] {
        let left = 1_000 - popped.len();
        let members = words(&seat.run(&format!("SPOP s {count}")));
        assert_eq!(members.len(), count.min(left));
        for member in members {
            assert!(popped.insert(member), "a member is popped once");
        }
        assert_eq!(
            seat.run("SCARD s"),
            format!("(integer) {}", 1_000 - popped.len())
        );
    }
    assert_eq!(seat.run("EXISTS s"), "(integer) 0");
}

#[test]
fn sscan_sees_every_member_once() {
    let mut seat = seat_with(2_000);
    let (mut cursor, mut seen, mut steps) = ("0".to_owned(), BTreeSet::new(), 0);
    loop {
        let reply = seat.run(&format!("SSCAN s {cursor} COUNT 100"));
        let mut words = reply.split('"').skip(1).step_by(2);
        cursor = words.next().expect("a cursor").to_owned();
        for member in words {
            assert!(seen.insert(member.to_owned()), "{member} came twice");
        }
        steps += 1;
        if cursor == "0" {
            break;
        }
    }
    assert_eq!((seen.len(), steps), (2_000, 20));
}

#[test]
fn shapes_follow_the_protocol() {
    let mut seat = Desk::new().seat();
    seat.run("SADD s a");
    assert_eq!(seat.wire("SMEMBERS s"), "*1\r\n$1\r\na\r\n");
    let mut seat = seat.resp3();
    for command in ["SMEMBERS s", "SINTER s s", "SUNION s t", "SDIFF s t"] {
        assert_eq!(seat.wire(command), "~1\r\n$1\r\na\r\n", "{command}");
    }
    assert_eq!(seat.wire("SRANDMEMBER s 1"), "*1\r\n$1\r\na\r\n");
    assert_eq!(seat.wire("SISMEMBER s a"), ":1\r\n");
    assert_eq!(seat.wire("SPOP s 1"), "~1\r\n$1\r\na\r\n");
    assert_eq!(seat.wire("SPOP s 1"), "~0\r\n");
    assert_eq!(seat.wire("SPOP s"), "_\r\n");
}

#[test]
fn forms_have_the_names_of_redis() {
    let mut seat = Desk::new().seat();
    for (line, expected) in [
        ("SADD s 1 -2 9223372036854775807", "intset"),
        ("SADD s 01", "listpack"),
        ("SREM s 01", "intset"),
    ] {
        seat.run(line);
        assert_eq!(seat.run("OBJECT ENCODING s"), format!("\"{expected}\""));
    }
    seat.send(["SADD", "t", &"x".repeat(65)]);
    for i in 0..513 {
        seat.send(["SADD", "u", &i.to_string()]);
        let expected = if i < 512 {
            "\"intset\""
        } else {
            "\"hashtable\""
        };
        assert_eq!(seat.run("OBJECT ENCODING u"), expected, "{i}");
    }
    check_lines(
        &mut seat,
        &[
            ("OBJECT ENCODING t", "\"hashtable\""),
            ("TYPE t", "set"),
            ("SCAN 0 TYPE set MATCH t", "1) \"0\"\n2) 1) \"t\""),
            ("COPY s v", "(integer) 1"),
            ("SADD v x", "(integer) 1"),
            ("SCARD s", "(integer) 3"),
            ("RENAME v w", "OK"),
            ("SCARD w", "(integer) 4"),
        ],
    );
}

#[test]
fn a_change_of_members_is_seen_by_watch_and_expiry_stays() {
    let desk = Desk::new();
    let (mut one, mut other) = (desk.seat(), desk.seat());
    check_lines(
        &mut one,
        &[
            ("SADD s a", "(integer) 1"),
            ("EXPIRE s 100", "(integer) 1"),
            ("SADD s b", "(integer) 1"),
            ("TTL s", "(integer) 100"),
            ("WATCH s", "OK"),
            ("MULTI", "OK"),
            ("SCARD s", "QUEUED"),
        ],
    );
    other.run("SADD s a");
    other.run("SREM s a");
    assert_eq!(one.run("EXEC"), "(nil)");
    desk.advance_ms(100_000);
    check_lines(
        &mut one,
        &[
            ("SCARD s", "(integer) 0"),
            ("SADD s c", "(integer) 1"),
            ("SMEMBERS s", "1) \"c\""),
            ("TTL s", "(integer) -1"),
        ],
    );
}

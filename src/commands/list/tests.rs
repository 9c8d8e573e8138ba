//! Each command against the replies that Redis gives.

use crate::commands::desk::{Desk, check_examples, check_lines};

const SYNTAX: &str = "(error) ERR syntax error";
const NOT_INT: &str = "(error) ERR value is not an integer or out of range";
const WRONG_TYPE: &str =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_POSITIVE: &str = "(error) ERR value is out of range, must be positive";

/// Runs lines on an empty server.
fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

/// Strings as redis-cli shows them.
fn strings(all: &str) -> String {
    let lines = all
        .chars()
        .zip(1..)
        .map(|(element, i)| format!("{i}) \"{element}\""));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}

#[test]
fn missing_keys_are_empty_lists() {
    check(&[
        ("LLEN l", "(integer) 0"),
        ("LRANGE l 0 -1", "(empty array)"),
        ("LINDEX l x", "(nil)"),
        ("LPOS l a", "(nil)"),
        ("LPOS l a COUNT 1", "(empty array)"),
        ("LPOP l", "(nil)"),
        ("RPOP l 2", "(nil)"),
        ("LPUSHX l a", "(integer) 0"),
        ("LSET l x a", "(error) ERR no such key"),
        ("LINSERT l BEFORE a b", "(integer) 0"),
        ("LREM l 0 a", "(integer) 0"),
        ("LTRIM l 0 0", "OK"),
        ("LMOVE l m LEFT LEFT", "(nil)"),
        ("RPOPLPUSH l m", "(nil)"),
        ("LMPOP 2 l m LEFT", "(nil)"),
        ("DBSIZE", "(integer) 0"),
    ]);
}

#[test]
fn other_kinds_are_refused() {
    let commands = [
        "LPUSH x a",
        "RPUSHX x a",
        "LLEN x",
        "LRANGE x 0 1",
        "LINDEX x what",
        "LPOS x a",
        "LPOP x",
        "RPOP x 0",
        "LSET x what a",
        "LINSERT x AFTER a b",
        "LREM x 0 a",
        "LTRIM x 0 1",
        "LMOVE x l LEFT LEFT",
        "LMOVE l x LEFT LEFT",
        "RPOPLPUSH x x",
        "LMPOP 2 nothing x LEFT",
    ];
    for command in commands {
        check(&[
            ("SADD x a", "(integer) 1"),
            ("RPUSH l a", "(integer) 1"),
            (command, WRONG_TYPE),
            ("LLEN l", "(integer) 1"),
        ]);
    }
    check(&[("SET x 1", "OK"), ("LMOVE nothing x LEFT LEFT", "(nil)")]);
}

#[test]
fn places_count_from_both_ends() {
    check(&[
        ("RPUSH l a b c d", "(integer) 4"),
        ("LPUSH l 2 1", "(integer) 6"),
        ("LRANGE l 0 -1", &strings("12abcd")),
        ("LRANGE l -100 1", &strings("12")),
        ("LRANGE l 4 100", &strings("cd")),
        ("LRANGE l -2 -4", "(empty array)"),
        ("LRANGE l 6 7", "(empty array)"),
        ("LINDEX l 0", "\"1\""),
        ("LINDEX l -6", "\"1\""),
        ("LINDEX l -7", "(nil)"),
        ("LINDEX l x", NOT_INT),
        ("LSET l -1 e", "OK"),
        ("LSET l 6 x", "(error) ERR index out of range"),
        ("LSET l x x", NOT_INT),
        ("LTRIM l 2 x", NOT_INT),
        ("LTRIM l 2 -1", "OK"),
        ("LRANGE l 0 -1", &strings("abce")),
        ("LTRIM l 3 2", "OK"),
        ("EXISTS l", "(integer) 0"),
    ]);
}

#[test]
fn elements_go_in_the_order_of_their_end() {
    check(&[
        ("RPUSH l a b c d e", "(integer) 5"),
        ("LPOP l 0", "(empty array)"),
        ("LPOP l 2", &strings("ab")),
        ("RPOP l 2", &strings("ed")),
        ("LPOP l -1", NOT_POSITIVE),
        ("LPOP l x", NOT_POSITIVE),
        (
            "LPOP l 1 1",
            "(error) ERR wrong number of arguments for 'lpop' command",
        ),
        ("RPOP l 9", &strings("c")),
        ("EXISTS l", "(integer) 0"),
        ("RPUSH m a b c", "(integer) 3"),
        (
            "LMPOP 2 l m RIGHT COUNT 2",
            "1) \"m\"\n2) 1) \"c\"\n   2) \"b\"",
        ),
        ("LMPOP 1 m LEFT", "1) \"m\"\n2) 1) \"a\""),
        (
            "LMPOP 0 m LEFT",
            "(error) ERR numkeys should be greater than 0",
        ),
        (
            "LMPOP x m LEFT",
            "(error) ERR numkeys should be greater than 0",
        ),
        ("LMPOP 2 m LEFT", SYNTAX),
        ("LMPOP 1 m BOTH", SYNTAX),
        (
            "LMPOP 1 m LEFT COUNT 0",
            "(error) ERR count should be greater than 0",
        ),
        ("LMPOP 1 m LEFT COUNT 1 COUNT 1", SYNTAX),
    ]);
}

#[test]
fn equal_elements_are_found_from_either_end() {
    let ints = |all: &str| {
        let lines = all.split(' ').zip(1..);
        let lines = lines.map(|(n, i)| format!("{i}) (integer) {n}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    check(&[
        ("RPUSH l a b a c a b", "(integer) 6"),
        ("LPOS l a", "(integer) 0"),
        ("LPOS l a RANK 2", "(integer) 2"),
        ("LPOS l a RANK -2", "(integer) 2"),
        ("LPOS l a COUNT 2", &ints("0 2")),
        ("LPOS l a COUNT 0 RANK -1", &ints("4 2 0")),
        ("LPOS l a COUNT 0 MAXLEN 3", &ints("0 2")),
        ("LPOS l a COUNT 0 MAXLEN 3 RANK -1", &ints("4")),
        ("LPOS l a RANK 4", "(nil)"),
        (
            "LPOS l a RANK 0",
            "(error) ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
        ),
        ("LPOS l a RANK x", NOT_INT),
        ("LPOS l a COUNT -1", "(error) ERR COUNT can't be negative"),
        ("LPOS l a MAXLEN -1", "(error) ERR MAXLEN can't be negative"),
        ("LPOS l a MAXLEN", SYNTAX),
        ("LPOS l a WHAT 1", SYNTAX),
        ("LREM l -2 a", "(integer) 2"),
        ("LRANGE l 0 -1", &strings("abcb")),
        ("LREM l 1 b", "(integer) 1"),
        ("LRANGE l 0 -1", &strings("acb")),
        ("LREM l x a", NOT_INT),
        ("LINSERT l AFTER c x", "(integer) 4"),
        ("LINSERT l before a y", "(integer) 5"),
        ("LINSERT l AFTER nothing x", "(integer) -1"),
        ("LINSERT l BESIDE a x", SYNTAX),
        ("LRANGE l 0 -1", &strings("yacxb")),
    ]);
}

#[test]
fn elements_move_between_lists_and_within_one() {
    check(&[
        ("RPUSH a 1 2 3", "(integer) 3"),
        ("LMOVE a a LEFT RIGHT", "\"1\""),
        ("LRANGE a 0 -1", &strings("231")),
        ("LMOVE a a LEFT LEFT", "\"2\""),
        ("RPOPLPUSH a a", "\"1\""),
        ("LRANGE a 0 -1", &strings("123")),
        ("LMOVE a b right left", "\"3\""),
        ("LMOVE a b RIGHT LEFT", "\"2\""),
        ("LRANGE b 0 -1", &strings("23")),
        ("EXPIRE a 100", "(integer) 1"),
        ("RPOPLPUSH a a", "\"1\""),
        ("TTL a", "(integer) 100"),
        ("LMOVE a b UP LEFT", SYNTAX),
        ("LMOVE a b LEFT RIGHT", "\"1\""),
        ("EXISTS a", "(integer) 0"),
        ("LRANGE b 0 -1", &strings("231")),
    ]);
}

#[test]
fn shapes_follow_the_protocol() {
    let mut seat = Desk::new().seat();
    assert_eq!(seat.wire("LPOP l 1"), "*-1\r\n");
    assert_eq!(seat.wire("LMPOP 1 l LEFT"), "*-1\r\n");
    assert_eq!(seat.wire("LPOP l"), "$-1\r\n");
    let mut seat = seat.resp3();
    for command in ["LPOP l 1", "LMPOP 1 l LEFT", "LPOP l", "LPOS l a"] {
        assert_eq!(seat.wire(command), "_\r\n", "{command}");
    }
    assert_eq!(seat.wire("LRANGE l 0 -1"), "*0\r\n");
}

#[test]
fn long_lists_are_quicklists() {
    let mut seat = Desk::new().seat();
    seat.send(["RPUSH", "l", &"x".repeat(8_170)]);
    check_lines(
        &mut seat,
        &[
            ("OBJECT ENCODING l", "\"listpack\""),
            ("TYPE l", "list"),
            ("RPUSH l 12345678", "(integer) 2"),
            ("OBJECT ENCODING l", "\"listpack\""),
            ("RPUSH l 12345678901234", "(integer) 3"),
            ("OBJECT ENCODING l", "\"quicklist\""),
            ("CONFIG SET list-max-listpack-size 2", "OK"),
            ("RPUSH m a b", "(integer) 2"),
            ("OBJECT ENCODING m", "\"listpack\""),
            ("RPUSH m c", "(integer) 3"),
            ("OBJECT ENCODING m", "\"quicklist\""),
        ],
    );
}

#[test]
fn a_transaction_sees_its_own_pushes() {
    check(&[
        ("MULTI", "OK"),
        ("RPUSH l a b", "QUEUED"),
        ("LMOVE l m LEFT LEFT", "QUEUED"),
        ("LMPOP 1 m LEFT", "QUEUED"),
        ("LRANGE l 0 -1", "QUEUED"),
        (
            "EXEC",
            "1) (integer) 2\n2) \"a\"\n3) 1) \"m\"\n   2) 1) \"a\"\n4) 1) \"b\"",
        ),
    ]);
}

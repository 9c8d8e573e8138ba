//! Each command against the replies that Redis gives.

use crate::commands::desk::{Desk, check_examples, check_lines};

const SYNTAX: &str = "(error) ERR syntax error";
const NOT_INT: &str = "(error) ERR value is not an integer or out of range";
const WRONG_TYPE: &str =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

/// Runs lines on an empty server.
fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}

#[test]
fn set_obeys_its_conditions() {
    check(&[
        ("SET k 1 XX", "(nil)"),
        ("SET k 1 NX", "OK"),
        ("SET k 2 NX", "(nil)"),
        ("SET k 2 XX", "OK"),
        ("SET k 3 IFEQ 1", "(nil)"),
        ("SET k 3 IFEQ 2", "OK"),
        ("SET k 4 IFNE 3", "(nil)"),
        ("SET k 4 IFNE other", "OK"),
        ("SET k 5 GET", "\"4\""),
        ("SET k 6 NX GET", "\"5\""),
        ("GET k", "\"5\""),
        ("SET new 1 IFEQ x", "(nil)"),
        ("SET new 1 IFDEQ 0123456789abcdef", "(nil)"),
        ("SET new 1 GET", "(nil)"),
        ("SET other 1 IFNE x", "OK"),
        ("HSET h f v", "(integer) 1"),
        ("SET h 1 GET", WRONG_TYPE),
        ("SET h 1 IFEQ v", WRONG_TYPE),
        ("SET h 1", "OK"),
    ]);
}

#[test]
fn set_compares_digests() {
    check(&[
        ("SET k one", "OK"),
        ("DIGEST k", "\"911faba7321fe1a0\""),
        ("SET k two IFDNE 911FABA7321FE1A0", "(nil)"),
        ("SET k two IFDEQ 911FABA7321FE1A0", "OK"),
        ("SET k three IFDEQ zzzzzzzzzzzzzzzz", "(nil)"),
        ("SET k three IFDNE zzzzzzzzzzzzzzzz", "OK"),
        (
            "SET k four IFDEQ short",
            "(error) ERR must be exactly 16 hexadecimal characters",
        ),
        ("DELEX k IFDNE 0000000000000000", "(integer) 1"),
    ]);
}

#[test]
fn set_refuses_options_that_exclude_each_other() {
    for options in [
        "NX XX",
        "XX NX",
        "NX IFEQ x",
        "IFEQ x XX IFNE y",
        "IFEQ x IFNE y",
        "IFEQ",
        "EX",
        "EX 1 PX 1",
        "EX 1 KEEPTTL",
        "KEEPTTL PXAT 1",
        "PERSIST",
        "EX abc WHAT",
    ] {
        check(&[(&format!("SET k v {options}"), SYNTAX)]);
    }
    check(&[
        ("SET k v IFEQ x NX", "(nil)"),
        ("SET k v EX 1 EX 20", "OK"),
        ("TTL k", "(integer) 20"),
        ("SET k v KEEPTTL KEEPTTL", "OK"),
        ("TTL k", "(integer) 20"),
    ]);
}

#[test]
fn expiries_are_bounded() {
    let invalid = |name| format!("(error) ERR invalid expire time in '{name}' command");
    for time in [
        "EX 0",
        "EX -1",
        "PX 0",
        "EXAT 0",
        "EX 9223372036854775807",
        "PX 9223372036854775807",
    ] {
        check(&[(&format!("SET k v {time}"), &invalid("set"))]);
    }
    check(&[
        ("SET k v EX abc", NOT_INT),
        ("SETEX k 0 v", &invalid("setex")),
        ("PSETEX k -5 v", &invalid("psetex")),
        ("PSETEX k x v", NOT_INT),
        ("MSETEX 1 k v PX 0", &invalid("msetex")),
        ("SET k v", "OK"),
        ("GETEX k EX 0", &invalid("getex")),
        ("GETEX missing EX 0", "(nil)"),
        ("EXISTS k", "(integer) 1"),
    ]);
}

#[test]
fn values_expire_in_time() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    check_lines(
        &mut seat,
        &[
            ("SET k v PX 100", "OK"),
            ("SET n 1 PX 100", "OK"),
            ("INCR n", "(integer) 2"),
            ("APPEND n 0", "(integer) 2"),
            ("PTTL n", "(integer) 100"),
            ("SET k w KEEPTTL", "OK"),
        ],
    );
    desk.advance_ms(99);
    check_lines(&mut seat, &[("GET k", "\"w\""), ("PTTL k", "(integer) 1")]);
    desk.advance_ms(1);
    check_lines(
        &mut seat,
        &[
            ("GET k", "(nil)"),
            ("SET k v XX", "(nil)"),
            ("SET k v KEEPTTL NX", "OK"),
            ("TTL k", "(integer) -1"),
            ("INCR n", "(integer) 1"),
            ("TTL n", "(integer) -1"),
        ],
    );
}

#[test]
fn a_time_that_is_over_deletes_the_key() {
    check(&[
        ("MSET a 1 b 2 c 3", "OK"),
        ("SET a v EXAT 1", "OK"),
        ("SET b v PXAT 1 GET", "\"2\""),
        ("GETEX c EXAT 1", "\"3\""),
        ("MSETEX 1 d 4 PXAT 1", "(integer) 1"),
        ("EXISTS a b c d", "(integer) 0"),
        ("DBSIZE", "(integer) 0"),
    ]);
}

#[test]
fn getex_and_getdel_alter_what_they_return() {
    check(&[
        ("SET k v EX 100", "OK"),
        ("GETEX k", "\"v\""),
        ("TTL k", "(integer) 100"),
        ("GETEX k PX 5000", "\"v\""),
        ("PTTL k", "(integer) 5000"),
        ("GETEX k PERSIST", "\"v\""),
        ("TTL k", "(integer) -1"),
        ("GETEX k PERSIST EX 1", SYNTAX),
        ("GETEX k KEEPTTL", SYNTAX),
        ("GETEX k PX", SYNTAX),
        ("GETDEL k", "\"v\""),
        ("GETDEL k", "(nil)"),
        ("HSET h f v", "(integer) 1"),
        ("GETDEL h", WRONG_TYPE),
        ("GETEX h", WRONG_TYPE),
        ("GETEX h EX 1", WRONG_TYPE),
        ("GETSET h 1", WRONG_TYPE),
    ]);
}

#[test]
fn many_keys_are_set_together_or_not_at_all() {
    check(&[
        (
            "MSET a 1 b",
            "(error) ERR wrong number of arguments for 'mset' command",
        ),
        (
            "MSETNX a 1 b",
            "(error) ERR wrong number of arguments for 'msetnx' command",
        ),
        ("MSET a 1 b 2 a 3", "OK"),
        ("MGET a b missing", "1) \"3\"\n2) \"2\"\n3) (nil)"),
        ("MSETNX c 1 a 2", "(integer) 0"),
        ("EXISTS c", "(integer) 0"),
        ("MSETEX 2 a 1 c 2 XX", "(integer) 0"),
        ("MSETEX 2 a 1 b 2 XX EX 100", "(integer) 1"),
        ("MSETEX 2 a 5 b 6 KEEPTTL", "(integer) 1"),
        ("TTL b", "(integer) 100"),
        ("MSETEX 2 a 5 b 6", "(integer) 1"),
        ("TTL b", "(integer) -1"),
        ("MSETEX 0 a 1", "(error) ERR invalid numkeys value"),
        ("MSETEX x a 1", "(error) ERR invalid numkeys value"),
        (
            "MSETEX 2 a 1",
            "(error) ERR wrong number of key-value pairs",
        ),
        ("MSETEX 1 a 1 NX XX", SYNTAX),
        ("MSETEX 1 a 1 GET", SYNTAX),
    ]);
}

#[test]
fn parts_are_read_and_written() {
    check(&[
        ("SET k telescope", "OK"),
        ("GETRANGE k 0 -1", "\"telescope\""),
        ("GETRANGE k -5 -1", "\"scope\""),
        ("GETRANGE k 3 1", "\"\""),
        ("GETRANGE k -1 -5", "\"\""),
        ("GETRANGE k 0 -100", "\"t\""),
        ("GETRANGE k 4 9223372036854775807", "\"scope\""),
        ("GETRANGE k 100 200", "\"\""),
        ("GETRANGE missing 0 -1", "\"\""),
        ("GETRANGE k a 1", NOT_INT),
        ("SETRANGE k 11 !", "(integer) 12"),
        ("GET k", "\"telescope\\x00\\x00!\""),
        ("SETRANGE missing 5 \"\"", "(integer) 0"),
        ("EXISTS missing", "(integer) 0"),
        ("SETRANGE missing 2 ab", "(integer) 4"),
        ("SETRANGE k -1 x", "(error) ERR offset is out of range"),
        (
            "SETRANGE k 536870911 xx",
            "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ),
        (
            "SETRANGE k 9223372036854775807 x",
            "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ),
        ("APPEND k \"\"", "(integer) 12"),
        ("APPEND fresh abc", "(integer) 3"),
        ("STRLEN fresh", "(integer) 3"),
    ]);
}

#[test]
fn sums_are_strict() {
    let overflow = "(error) ERR increment or decrement would overflow";
    let not_float = "(error) ERR value is not a valid float";
    check(&[
        (
            "INCRBY n 9223372036854775807",
            "(integer) 9223372036854775807",
        ),
        ("INCR n", overflow),
        ("DECRBY n -1", overflow),
        (
            "DECRBY n -9223372036854775808",
            "(error) ERR decrement would overflow",
        ),
        ("SET n 01", "OK"),
        ("INCR n", NOT_INT),
        ("SET n \" 1\"", "OK"),
        ("INCR n", NOT_INT),
        ("INCRBY m 1.5", NOT_INT),
        ("INCRBYFLOAT f 10.5", "\"10.5\""),
        ("INCRBYFLOAT f 0.1", "\"10.6\""),
        ("INCRBYFLOAT f -10.6", "\"0\""),
        ("INCRBYFLOAT f 5.0e3", "\"5000\""),
        ("INCRBYFLOAT f one", not_float),
        (
            "INCRBYFLOAT f inf",
            "(error) ERR increment would produce NaN or Infinity",
        ),
        ("SET f word", "OK"),
        ("INCRBYFLOAT f 1", not_float),
        ("HSET h f v", "(integer) 1"),
        ("INCR h", WRONG_TYPE),
        ("INCRBYFLOAT h word", WRONG_TYPE),
    ]);
}

#[test]
fn delex_wants_a_string_only_under_a_condition() {
    check(&[
        ("SET k v", "OK"),
        ("HSET h f v", "(integer) 1"),
        (
            "DELEX k IFEQ",
            "(error) ERR wrong number of arguments for 'delex' command",
        ),
        (
            "DELEX k WHEN v",
            "(error) ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE",
        ),
        ("DELEX missing WHEN v", "(integer) 0"),
        (
            "DELEX h IFEQ v",
            "(error) ERR Key should be of string type if conditions are specified",
        ),
        ("DELEX h", "(integer) 1"),
        ("DELEX k IFNE v", "(integer) 0"),
        ("DELEX k IFNE w", "(integer) 1"),
    ]);
}

#[test]
fn lcs_finds_runs_from_the_end() {
    check(&[
        ("MSET a ohmytext b mynewtext", "OK"),
        ("LCS a b", "\"mytext\""),
        ("LCS a b LEN", "(integer) 6"),
        ("LCS a missing", "\"\""),
        ("LCS a missing LEN", "(integer) 0"),
        (
            "LCS a b LEN IDX",
            "(error) ERR If you want both the length and indexes, please just use IDX.",
        ),
        ("LCS a b WHAT", SYNTAX),
        ("LCS a b MINMATCHLEN", SYNTAX),
        ("HSET h f v", "(integer) 1"),
        (
            "LCS a h WHAT",
            "(error) ERR The specified keys must contain string values",
        ),
    ]);
    let mut seat = Desk::new().seat().resp3();
    seat.run("MSET a ohmytext b mynewtext");
    let runs = "*2\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n*3\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n:2\r\n";
    assert_eq!(
        seat.wire("LCS a b IDX WITHMATCHLEN"),
        format!("%2\r\n$7\r\nmatches\r\n{runs}$3\r\nlen\r\n:6\r\n")
    );
}

/// A slow and obvious twin: the longest of all subsequences of `a` that are in `b`.
#[test]
fn lcs_is_as_long_as_the_longest_common_subsequence() {
    let is_in = |part: &[u8], whole: &[u8]| {
        let mut rest = whole.iter();
        part.iter().all(|byte| rest.any(|other| other == byte))
    };
    let mut state = 7u64;
    let mut draw = move |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % n
    };
    for _ in 0..100 {
        let mut word = |len: u64| -> String {
            (0..draw(len) + 1)
                .map(|_| char::from(b'a' + draw(3) as u8))
                .collect()
        };
        let (a, b) = (word(9), word(12));
        let subsequences = (0..1u32 << a.len()).map(|mask| {
            let kept = (0..a.len()).filter(|i| mask >> i & 1 == 1);
            kept.map(|i| a.as_bytes()[i]).collect::<Vec<u8>>()
        });
        let common = subsequences.filter(|part| is_in(part, b.as_bytes()));
        let longest = common.map(|part| part.len()).max().expect("the empty one");
        let mut seat = Desk::new().seat();
        seat.send(["MSET", "a", &a, "b", &b]);
        assert_eq!(seat.run("LCS a b LEN"), format!("(integer) {longest}"));
        let found = seat.run("LCS a b").trim_matches('"').to_owned();
        assert_eq!(found.len(), longest, "{a} {b}");
        assert!(is_in(found.as_bytes(), a.as_bytes()) && is_in(found.as_bytes(), b.as_bytes()));
    }
}

#[test]
fn nulls_follow_the_protocol() {
    let mut seat = Desk::new().seat();
    assert_eq!(seat.wire("GET missing"), "$-1\r\n");
    let mut seat = seat.resp3();
    assert_eq!(seat.wire("GET missing"), "_\r\n");
    assert_eq!(seat.wire("MGET missing"), "*1\r\n_\r\n");
    assert_eq!(seat.wire("INCRBYFLOAT f 1.5"), "$3\r\n1.5\r\n");
}

#[test]
fn strings_longer_than_the_option_allows_are_refused() {
    let desk = Desk::new();
    let config = &desk.context.config;
    let mut seat = desk.seat();
    let pairs: [(&[u8], &[u8]); 1] = [(b"proto-max-bulk-len", b"1048576")];
    config
        .set(&pairs, true, |_| Ok(()))
        .expect("the option may be set");
    let big = "x".repeat(1 << 20);
    seat.send(["SET", "k", &big]);
    let refused = "(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    check_lines(
        &mut seat,
        &[
            ("APPEND k y", refused),
            ("SETRANGE k 1048575 yy", refused),
            ("SETRANGE k 1048575 y", "(integer) 1048576"),
            (
                "LCS k k LEN",
                "(error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
            ),
        ],
    );
}

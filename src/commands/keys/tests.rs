//! Each command against the replies that Redis gives.

use crate::commands::desk::{Desk, check_examples, check_lines};
use std::collections::BTreeSet;

const SYNTAX: &str = "(error) ERR syntax error";
const NOT_INT: &str = "(error) ERR value is not an integer or out of range";
const NO_DB: &str = "(error) ERR DB index is out of range";
const SAME: &str = "(error) ERR source and destination objects are the same";

/// Runs lines on an empty server.
fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}

#[test]
fn keys_are_counted_and_deleted() {
    check(&[
        ("MSET a 1 b 2 c 3", "OK"),
        ("EXISTS a a missing", "(integer) 2"),
        ("TOUCH a a missing", "(integer) 2"),
        ("DEL a a missing", "(integer) 1"),
        ("UNLINK b c", "(integer) 2"),
        ("DBSIZE", "(integer) 0"),
        (
            "DEL",
            "(error) ERR wrong number of arguments for 'del' command",
        ),
    ]);
}

#[test]
fn names_change() {
    let missing = "(error) ERR no such key";
    check(&[
        ("RENAME a b", missing),
        ("RENAMENX a b", missing),
        ("RENAME a a", missing),
        ("SET a 1 EX 100", "OK"),
        ("RENAME a a", "OK"),
        ("RENAMENX a a", "(integer) 0"),
        ("SET b 2 EX 200", "OK"),
        ("RENAMENX a b", "(integer) 0"),
        ("RENAME a b", "OK"),
        ("TTL b", "(integer) 100"),
        ("EXISTS a", "(integer) 0"),
        ("RENAMENX b a", "(integer) 1"),
        ("GET a", "\"1\""),
    ]);
}

#[test]
fn copies_are_independent() {
    check(&[
        ("COPY a b", "(integer) 0"),
        ("HSET a f 1", "(integer) 1"),
        ("EXPIRE a 100", "(integer) 1"),
        ("COPY a b", "(integer) 1"),
        ("HSET a f 2", "(integer) 0"),
        ("HGET b f", "\"1\""),
        ("TTL b", "(integer) 100"),
        ("COPY a b", "(integer) 0"),
        ("COPY a b REPLACE", "(integer) 1"),
        ("HGET b f", "\"2\""),
        ("COPY a a", SAME),
        ("COPY a a DB 0", SAME),
        ("COPY a a DB 1", "(integer) 1"),
        ("COPY a a REPLACE DB 1", "(integer) 1"),
        ("COPY a b DB 16", NO_DB),
        ("COPY a b DB -1", NO_DB),
        ("COPY a b DB x", NOT_INT),
        (
            "COPY a b DB 99999999999",
            "(error) ERR value is out of range, value must between -2147483648 and 2147483647",
        ),
        ("COPY a b DB", SYNTAX),
        ("COPY a b WHAT", SYNTAX),
        ("MOVE a 1", "(integer) 0"),
        ("MOVE a 2", "(integer) 1"),
        ("MOVE a 2", "(integer) 0"),
        ("MOVE b 0", SAME),
        ("MOVE b 16", NO_DB),
        ("SELECT 2", "OK"),
        ("HGET a f", "\"2\""),
    ]);
}

#[test]
fn expiries_of_keys_obey_their_conditions() {
    check(&[
        ("SET k v", "OK"),
        ("EXPIRE k 100 XX", "(integer) 0"),
        ("EXPIRE k 100 GT", "(integer) 0"),
        ("EXPIRE k 100 LT", "(integer) 1"),
        ("EXPIRE k 50 NX", "(integer) 0"),
        ("EXPIRE k 50 GT", "(integer) 0"),
        ("EXPIRE k 150 LT", "(integer) 0"),
        ("EXPIRE k 150 GT XX", "(integer) 1"),
        ("TTL k", "(integer) 150"),
        ("PERSIST k", "(integer) 1"),
        ("PERSIST k", "(integer) 0"),
        ("EXPIRE k 10 LT XX", "(integer) 0"),
        ("EXPIRE k -1", "(integer) 1"),
        ("EXISTS k", "(integer) 0"),
        ("EXPIRE k 10", "(integer) 0"),
    ]);
}

#[test]
fn words_of_expire_are_checked() {
    let incompatible =
        "(error) ERR NX and XX, GT or LT options at the same time are not compatible";
    check(&[
        ("EXPIRE k 10 NX XX", incompatible),
        ("EXPIRE k 10 LT NX", incompatible),
        (
            "EXPIRE k 10 GT LT",
            "(error) ERR GT and LT options at the same time are not compatible",
        ),
        ("EXPIRE k x WHAT", "(error) ERR Unsupported option WHAT"),
        ("EXPIRE k x", NOT_INT),
        (
            "EXPIRE k 9223372036854775807",
            "(error) ERR invalid expire time in 'expire' command",
        ),
        (
            "EXPIREAT k -9223372036854775808",
            "(error) ERR invalid expire time in 'expireat' command",
        ),
        (
            "PEXPIRE k 9223372036854775807",
            "(error) ERR invalid expire time in 'pexpire' command",
        ),
    ]);
}

#[test]
fn times_are_rounded_to_the_nearest_second() {
    check(&[
        ("TTL k", "(integer) -2"),
        ("PEXPIRETIME k", "(integer) -2"),
        ("SET k v", "OK"),
        ("PTTL k", "(integer) -1"),
        ("EXPIRETIME k", "(integer) -1"),
        ("PEXPIRE k 1499", "(integer) 1"),
        ("TTL k", "(integer) 1"),
        ("PEXPIRE k 1500", "(integer) 1"),
        ("TTL k", "(integer) 2"),
        ("EXPIRETIME k", "(integer) 1000000002"),
        ("PEXPIRETIME k", "(integer) 1000000001500"),
        ("PEXPIREAT k 9223372036854775807", "(integer) 1"),
        ("EXPIRETIME k", "(integer) 9223372036854776"),
    ]);
}

#[test]
fn expired_keys_are_gone_at_once() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    check_lines(
        &mut seat,
        &[
            ("MSET a 1 b 2", "OK"),
            ("PEXPIRE a 10", "(integer) 1"),
            ("HSETEX h PX 10 FIELDS 1 f v", "(integer) 1"),
        ],
    );
    desk.advance_ms(10);
    check_lines(
        &mut seat,
        &[
            ("EXISTS a h", "(integer) 0"),
            ("TYPE h", "none"),
            ("TTL a", "(integer) -2"),
            ("KEYS *", "1) \"b\""),
            ("SCAN 0", "1) \"0\"\n2) 1) \"b\""),
            ("RANDOMKEY", "\"b\""),
            ("RENAME a c", "(error) ERR no such key"),
            ("COPY a c", "(integer) 0"),
            ("MOVE a 1", "(integer) 0"),
            ("DEL a", "(integer) 0"),
            ("RENAMENX b a", "(integer) 1"),
            ("TTL a", "(integer) -1"),
            ("OBJECT ENCODING h", "(nil)"),
        ],
    );
}

#[test]
fn scan_sees_every_key_once() {
    let mut seat = Desk::new().seat();
    for i in 0..3000 {
        seat.send(["SET", &format!("key:{i}"), "v"]);
    }
    let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
    loop {
        let reply = seat.run(&format!("SCAN {cursor} COUNT 50 MATCH key:*[02468]"));
        let mut words = reply.split('"').skip(1).step_by(2);
        cursor = words.next().expect("a cursor").to_owned();
        for name in words {
            assert!(seen.insert(name.to_owned()), "{name} came twice");
        }
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(seen.len(), 1500);
    let all = seat.run("KEYS key:1??");
    assert_eq!(all.lines().count(), 100);
}

#[test]
fn words_of_scan_are_checked() {
    check(&[
        ("SCAN x", "(error) ERR invalid cursor"),
        ("SCAN -1", "(error) ERR invalid cursor"),
        ("SCAN 18446744073709551616", "(error) ERR invalid cursor"),
        ("SCAN 18446744073709551615", "1) \"0\"\n2) (empty array)"),
        ("SCAN 0 COUNT 0", SYNTAX),
        ("SCAN 0 COUNT x", NOT_INT),
        ("SCAN 0 MATCH", SYNTAX),
        ("SCAN 0 WHAT", SYNTAX),
        (
            "SCAN 0 NOVALUES",
            "(error) ERR NOVALUES option can only be used in HSCAN",
        ),
        ("SET s 1", "OK"),
        ("SCAN 0 TYPE STRING", "1) \"0\"\n2) 1) \"s\""),
        ("SCAN 0 TYPE hash", "1) \"0\"\n2) (empty array)"),
        ("SCAN 0 TYPE nosuch", "1) \"0\"\n2) (empty array)"),
    ]);
}

#[test]
fn databases_are_flushed_and_swapped() {
    check(&[
        ("SET a 1", "OK"),
        ("COPY a a DB 1", "(integer) 1"),
        ("FLUSHDB WHAT", SYNTAX),
        ("FLUSHDB SYNC ASYNC", SYNTAX),
        ("FLUSHDB sync", "OK"),
        ("DBSIZE", "(integer) 0"),
        ("SWAPDB 0 1", "OK"),
        ("GET a", "\"1\""),
        ("SWAPDB 0 0", "OK"),
        ("GET a", "\"1\""),
        ("SWAPDB x 1", "(error) ERR invalid first DB index"),
        ("SWAPDB 99 x", "(error) ERR invalid second DB index"),
        ("SWAPDB 0 16", NO_DB),
        ("SWAPDB -1 0", NO_DB),
        ("COPY a a DB 1", "(integer) 1"),
        ("FLUSHALL ASYNC", "OK"),
        ("SELECT 1", "OK"),
        ("DBSIZE", "(integer) 0"),
    ]);
}

#[test]
fn whole_databases_are_changed_inside_a_transaction() {
    check(&[
        ("SET a 1", "OK"),
        ("MULTI", "OK"),
        ("MOVE a 1", "QUEUED"),
        ("SET b 2", "QUEUED"),
        ("DBSIZE", "QUEUED"),
        ("SWAPDB 0 1", "QUEUED"),
        ("KEYS *", "QUEUED"),
        ("FLUSHALL", "QUEUED"),
        (
            "EXEC",
            "1) (integer) 1\n2) OK\n3) (integer) 1\n4) OK\n5) 1) \"a\"\n6) OK",
        ),
        ("DBSIZE", "(integer) 0"),
    ]);
}

#[test]
fn encodings_have_the_names_of_redis() {
    let long = "x".repeat(65);
    let mut seat = Desk::new().seat();
    for (value, encoding) in [
        ("123", "int"),
        ("-9223372036854775808", "int"),
        ("9223372036854775808", "embstr"),
        ("0123", "embstr"),
        ("", "embstr"),
        (&long, "raw"),
    ] {
        seat.send(["SET", "k", value]);
        assert_eq!(seat.run("OBJECT ENCODING k"), format!("\"{encoding}\""));
    }
    let hset = format!("HSET h g {long}");
    check_lines(
        &mut seat,
        &[
            ("HSET h f v", "(integer) 1"),
            ("OBJECT ENCODING h", "\"listpack\""),
            ("HEXPIRE h 10 FIELDS 1 f", "1) (integer) 1"),
            ("OBJECT ENCODING h", "\"listpackex\""),
            (&hset, "(integer) 1"),
            ("OBJECT ENCODING h", "\"hashtable\""),
            ("OBJECT REFCOUNT h", "(integer) 1"),
            ("OBJECT ENCODING missing", "(nil)"),
            (
                "OBJECT WHAT h",
                "(error) ERR unknown subcommand 'WHAT'. Try OBJECT HELP.",
            ),
            (
                "OBJECT ENCODING",
                "(error) ERR wrong number of arguments for 'object|encoding' command",
            ),
        ],
    );
}

#[test]
fn keys_are_idle_since_they_were_read() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    check_lines(
        &mut seat,
        &[("SET k v", "OK"), ("OBJECT IDLETIME k", "(integer) 0")],
    );
    desk.advance_ms(5000);
    check_lines(
        &mut seat,
        &[
            ("OBJECT IDLETIME k", "(integer) 5"),
            ("TTL k", "(integer) -1"),
            ("EXISTS k", "(integer) 1"),
            ("OBJECT IDLETIME k", "(integer) 5"),
            ("TOUCH k", "(integer) 1"),
            ("OBJECT IDLETIME k", "(integer) 0"),
        ],
    );
}

#[test]
fn memory_usage_grows_with_the_value() {
    let mut seat = Desk::new().seat();
    let mut usage = |line: &str| -> usize {
        seat.run(line);
        let reply = seat.run("MEMORY USAGE k SAMPLES 0");
        let digits = reply.strip_prefix("(integer) ").expect("a number");
        digits.parse().expect("a number")
    };
    let small = usage("SET k v");
    let large = usage(&format!("SET k {}", "v".repeat(1000)));
    assert_eq!(large - small, 999);
    assert!(usage("HSET k2 f v") > 0);
    check(&[
        ("SET k v", "OK"),
        ("MEMORY USAGE k SAMPLES", SYNTAX),
        ("MEMORY USAGE k SAMPLES -1", SYNTAX),
        ("MEMORY USAGE k SAMPLES x", NOT_INT),
        ("MEMORY USAGE k WHAT 1", SYNTAX),
    ]);
}

#[test]
fn counted_keys_are_found() {
    check(&[
        (
            "COMMAND GETKEYS MSETEX 2 a 1 b 2 EX 10",
            "1) \"a\"\n2) \"b\"",
        ),
        ("COMMAND GETKEYS OBJECT ENCODING a", "1) \"a\""),
    ]);
}

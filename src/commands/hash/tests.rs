//! Each command against the replies that Redis gives.

use crate::commands::desk::{Desk, Seat, check_examples, check_lines};
use std::collections::BTreeSet;

const SYNTAX: &str = "(error) ERR syntax error";
const NOT_INT: &str = "(error) ERR value is not an integer or out of range";
const WRONG_TYPE: &str =
    "(error) WRONGTYPE Operation against a key holding the wrong kind of value";

/// Runs lines on an empty server.
fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

/// A list of integers as redis-cli shows it.
fn ints(all: &[i64]) -> String {
    let lines = all
        .iter()
        .zip(1..)
        .map(|(n, i)| format!("{i}) (integer) {n}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}

#[test]
fn fields_are_set_and_deleted() {
    check(&[
        ("HSET h a 1 b 2", "(integer) 2"),
        ("HSET h a 1 c 3 c 4 c 5", "(integer) 1"),
        ("HGET h c", "\"5\""),
        (
            "HSET h a",
            "(error) ERR wrong number of arguments for 'hset' command",
        ),
        (
            "HMSET h a 1 b",
            "(error) ERR wrong number of arguments for 'hmset' command",
        ),
        ("HSETNX h a 9", "(integer) 0"),
        ("HSETNX h d 9", "(integer) 1"),
        ("HDEL h a a missing", "(integer) 1"),
        ("HDEL h missing", "(integer) 0"),
        ("HDEL missing a", "(integer) 0"),
        ("HKEYS h", "1) \"b\"\n2) \"c\"\n3) \"d\""),
        ("HLEN h", "(integer) 3"),
        ("HDEL h b c d", "(integer) 3"),
        ("TYPE h", "none"),
    ]);
}

#[test]
fn missing_keys_are_empty_hashes() {
    check(&[
        ("HGET h a", "(nil)"),
        ("HMGET h a b", "1) (nil)\n2) (nil)"),
        ("HGETALL h", "(empty array)"),
        ("HKEYS h", "(empty array)"),
        ("HVALS h", "(empty array)"),
        ("HLEN h", "(integer) 0"),
        ("HEXISTS h a", "(integer) 0"),
        ("HSTRLEN h a", "(integer) 0"),
        ("HSCAN h 0", "1) \"0\"\n2) (empty array)"),
        ("HSCAN h 0 WHAT", "1) \"0\"\n2) (empty array)"),
        ("HRANDFIELD h", "(nil)"),
        ("HRANDFIELD h -5", "(empty array)"),
        ("HTTL h FIELDS 2 a b", &ints(&[-2, -2])),
        ("HEXPIRE h 10 FIELDS 1 a", &ints(&[-2])),
        ("HPERSIST h FIELDS 1 a", &ints(&[-2])),
        ("HGETEX h EX 10 FIELDS 1 a", "1) (nil)"),
        ("HGETDEL h FIELDS 1 a", "1) (nil)"),
        ("EXISTS h", "(integer) 0"),
    ]);
}

#[test]
fn other_kinds_are_refused_before_the_options() {
    let commands = [
        "HSET s a 1",
        "HMSET s a 1",
        "HSETNX s a 1",
        "HGET s a",
        "HMGET s a",
        "HGETALL s",
        "HKEYS s",
        "HVALS s",
        "HLEN s",
        "HEXISTS s a",
        "HSTRLEN s a",
        "HDEL s a",
        "HINCRBY s a 1",
        "HINCRBYFLOAT s a 1",
        "HSCAN s 0 WHAT",
        "HRANDFIELD s",
        "HEXPIRE s never WHAT 1 a",
        "HTTL s WHAT 1 a",
        "HPERSIST s WHAT 1 a",
        "HGETEX s WHAT 1 a",
        "HGETDEL s WHAT 1 a",
        "HSETEX s FIELDS 1 a b",
    ];
    for command in commands {
        check(&[("SET s 1", "OK"), (command, WRONG_TYPE)]);
    }
    check(&[
        ("SET s 1", "OK"),
        ("HINCRBY s a one", NOT_INT),
        ("HSCAN s zero", "(error) ERR invalid cursor"),
        ("HRANDFIELD s one", NOT_INT),
        ("HSETEX s WHAT 1 a b", "(error) ERR unknown argument: WHAT"),
    ]);
}

#[test]
fn sums_in_fields_keep_their_expiry() {
    check(&[
        ("HSETEX h EX 100 FIELDS 2 n 5 f 0.5", "(integer) 1"),
        ("HINCRBY h n -7", "(integer) -2"),
        ("HINCRBYFLOAT h f 0.1", "\"0.6\""),
        ("HTTL h FIELDS 2 n f", &ints(&[100, 100])),
        ("HSET h n word big 9223372036854775807", "(integer) 1"),
        ("HTTL h FIELDS 1 n", &ints(&[-1])),
        ("HINCRBY h n 1", "(error) ERR hash value is not an integer"),
        (
            "HINCRBYFLOAT h n 1",
            "(error) ERR hash value is not a float",
        ),
        (
            "HINCRBYFLOAT h f inf",
            "(error) ERR value is NaN or Infinity",
        ),
        (
            "HINCRBYFLOAT h f one",
            "(error) ERR value is not a valid float",
        ),
        (
            "HINCRBY h big 1",
            "(error) ERR increment or decrement would overflow",
        ),
    ]);
}

#[test]
fn fields_expire_in_time_and_the_key_with_the_last() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    check_lines(
        &mut seat,
        &[
            ("HSET h a 1 b 2", "(integer) 2"),
            ("HPEXPIRE h 100 FIELDS 1 a", &ints(&[1])),
            ("HPEXPIRE h 200 FIELDS 1 b", &ints(&[1])),
            ("HPTTL h FIELDS 2 a b", &ints(&[100, 200])),
            ("HTTL h FIELDS 1 a", &ints(&[1])),
            ("HPEXPIRETIME h FIELDS 1 a", &ints(&[1_000_000_000_100])),
            ("HEXPIRETIME h FIELDS 1 a", &ints(&[1_000_000_001])),
        ],
    );
    desk.advance_ms(100);
    check_lines(
        &mut seat,
        &[
            ("HGETALL h", "1) \"b\"\n2) \"2\""),
            ("HLEN h", "(integer) 1"),
            ("HEXISTS h a", "(integer) 0"),
            ("HTTL h FIELDS 1 a", &ints(&[-2])),
            ("HRANDFIELD h 5", "1) \"b\""),
            ("HSCAN h 0 NOVALUES", "1) \"0\"\n2) 1) \"b\""),
            ("HINCRBY h a 5", "(integer) 5"),
            ("HTTL h FIELDS 1 a", &ints(&[-1])),
            ("HDEL h a", "(integer) 1"),
        ],
    );
    desk.advance_ms(100);
    check_lines(
        &mut seat,
        &[
            ("EXISTS h", "(integer) 0"),
            ("HRANDFIELD h", "(nil)"),
            ("HSETNX h b 3", "(integer) 1"),
            ("HTTL h FIELDS 1 b", &ints(&[-1])),
        ],
    );
}

#[test]
fn expiries_of_fields_obey_their_conditions() {
    check(&[
        ("HSET h a 1 b 2", "(integer) 2"),
        ("HEXPIRE h 100 XX FIELDS 1 a", &ints(&[0])),
        ("HEXPIRE h 100 GT FIELDS 1 a", &ints(&[0])),
        ("HEXPIRE h 100 LT FIELDS 1 a", &ints(&[1])),
        ("HEXPIRE h 100 NX FIELDS 3 a b missing", &ints(&[0, 1, -2])),
        ("HEXPIRE h 50 GT FIELDS 1 a", &ints(&[0])),
        ("HEXPIRE h 150 LT FIELDS 1 a", &ints(&[0])),
        ("HEXPIRE h 200 GT FIELDS 2 a a", &ints(&[1, 0])),
        ("HPERSIST h FIELDS 3 a a missing", &ints(&[1, -1, -2])),
        ("HEXPIRE h 0 FIELDS 2 a a", &ints(&[2, -2])),
        ("HEXPIREAT h 1 FIELDS 1 b", &ints(&[2])),
        ("EXISTS h", "(integer) 0"),
    ]);
}

#[test]
fn words_of_hexpire_are_checked() {
    let cases = [
        ("x FIELDS 1 a", NOT_INT),
        (
            "-1 FIELDS 1 a",
            "(error) ERR invalid expire time, must be >= 0",
        ),
        (
            "70368744178 FIELDS 1 a",
            "(error) ERR invalid expire time in 'hexpire' command",
        ),
        (
            "1 NX XX FIELDS 1 a",
            "(error) ERR Multiple condition flags specified",
        ),
        ("1 WHAT FIELDS 1 a", "(error) ERR unknown argument: WHAT"),
        ("1 FIELDS 1 a b", "(error) ERR unknown argument: b"),
        ("1 FIELDS 2 a NX", "1) (integer) 1\n2) (integer) -2"),
        ("1 FIELDS 3 a b", "(error) ERR wrong number of arguments"),
        (
            "1 FIELDS 0 a",
            "(error) ERR Parameter `numFields` should be greater than 0",
        ),
        (
            "1 FIELDS 1 a FIELDS 1 b",
            "(error) ERR FIELDS keyword specified multiple times",
        ),
        (
            "1 NX NX FIELDS 1",
            "(error) ERR FIELDS requires at least numfields and one field argument",
        ),
        ("1 NX NX NX NX", "(error) ERR missing FIELDS argument"),
        ("1 FIELDS 1 a NX", "1) (integer) 1"),
    ];
    for (words, expected) in cases {
        let line = format!("HEXPIRE h {words}");
        check(&[("HSET h a 1", "(integer) 1"), (&line, expected)]);
    }
}

#[test]
fn counts_of_fields_must_match() {
    let misplaced = "(error) ERR Mandatory argument FIELDS is missing or not at the right position";
    for name in ["HTTL", "HPERSIST", "HGETDEL"] {
        check(&[
            (&format!("{name} h WHAT 1 a"), misplaced),
            (
                &format!("{name} h FIELDS 0 a"),
                "(error) ERR Number of fields must be a positive integer",
            ),
            (
                &format!("{name} h FIELDS 2 a"),
                "(error) ERR The `numfields` parameter must match the number of arguments",
            ),
        ]);
    }
}

#[test]
fn hgetex_reads_before_it_alters() {
    check(&[
        ("HSET h a 1 b 2", "(integer) 2"),
        ("HGETEX h FIELDS 2 a missing", "1) \"1\"\n2) (nil)"),
        ("HGETEX h EX 100 FIELDS 1 a", "1) \"1\""),
        ("HGETEX h FIELDS 1 b PX 5000", "1) \"2\""),
        ("HPTTL h FIELDS 2 a b", &ints(&[100_000, 5000])),
        ("HGETEX h PERSIST FIELDS 1 a", "1) \"1\""),
        ("HTTL h FIELDS 1 a", &ints(&[-1])),
        ("HGETEX h PXAT 1 FIELDS 2 a a", "1) \"1\"\n2) (nil)"),
        ("HGETDEL h FIELDS 2 b b", "1) \"2\"\n2) (nil)"),
        ("EXISTS h", "(integer) 0"),
    ]);
}

#[test]
fn hsetex_obeys_its_conditions() {
    check(&[
        ("HSETEX h FXX FIELDS 1 a 1", "(integer) 0"),
        ("HSETEX h FNX EX 100 FIELDS 2 a 1 b 2", "(integer) 1"),
        ("HSETEX h FNX FIELDS 2 new 1 a 2", "(integer) 0"),
        ("HSETEX h FXX FIELDS 2 new 1 a 2", "(integer) 0"),
        ("HSETEX h FXX KEEPTTL FIELDS 1 a 2", "(integer) 1"),
        ("HTTL h FIELDS 1 a", &ints(&[100])),
        ("HSETEX h FXX FIELDS 1 a 3", "(integer) 1"),
        ("HTTL h FIELDS 1 a", &ints(&[-1])),
        ("HSETEX h PXAT 1 FIELDS 2 a 4 new 5", "(integer) 1"),
        ("HGETALL h", "1) \"b\"\n2) \"2\""),
        ("HSETEX fresh PXAT 1 FIELDS 1 a 1", "(integer) 1"),
        ("EXISTS fresh", "(integer) 0"),
    ]);
}

#[test]
fn options_of_hgetex_and_hsetex_are_checked() {
    let one_of = |last| {
        format!("(error) ERR Only one of EX, PX, EXAT, PXAT or {last} arguments can be specified")
    };
    check(&[
        ("HSETEX h EX 1 PX 1 FIELDS 1 a 1", &one_of("KEEPTTL")),
        ("HSETEX h EX 1 KEEPTTL FIELDS 1 a 1", &one_of("KEEPTTL")),
        ("HGETEX h EX 1 PERSIST FIELDS 1 a", &one_of("PERSIST")),
        (
            "HSETEX h PERSIST FIELDS 1 a 1",
            "(error) ERR unknown argument",
        ),
        (
            "HGETEX h KEEPTTL FIELDS 1 a",
            "(error) ERR unknown argument",
        ),
        ("HGETEX h FNX FIELDS 1 a", "(error) ERR unknown argument"),
        (
            "HSETEX h FNX FXX FIELDS 1 a 1",
            "(error) ERR Only one of FXX or FNX arguments can be specified",
        ),
        (
            "HSETEX h FIELDS 2 a 1",
            "(error) ERR wrong number of arguments",
        ),
        (
            "HSETEX h FIELDS x a 1",
            "(error) ERR invalid number of fields",
        ),
        (
            "HSETEX h FIELDS 1 a 1 EX",
            "(error) ERR missing expire time",
        ),
        (
            "HSETEX h FIELDS 1 a 1 FIELDS",
            "(error) ERR FIELDS keyword specified multiple times",
        ),
        (
            "HSETEX h EX -1 FIELDS 1 a 1",
            "(error) ERR invalid expire time, must be >= 0",
        ),
        ("HSETEX h EX x FIELDS 1 a 1", NOT_INT),
        (
            "HSETEX h EX 1 FNX FNX FNX",
            "(error) ERR Only one of FXX or FNX arguments can be specified",
        ),
        ("HGETEX h EX 1 WHAT x", "(error) ERR unknown argument: WHAT"),
        ("EXISTS h", "(integer) 0"),
    ]);
}

#[test]
fn shapes_follow_the_protocol() {
    let mut seat = Desk::new().seat();
    seat.run("HSET h a 1");
    assert_eq!(seat.wire("HGETALL h"), "*2\r\n$1\r\na\r\n$1\r\n1\r\n");
    assert_eq!(
        seat.wire("HRANDFIELD h 1 WITHVALUES"),
        "*2\r\n$1\r\na\r\n$1\r\n1\r\n"
    );
    let mut seat = seat.resp3();
    assert_eq!(seat.wire("HGETALL h"), "%1\r\n$1\r\na\r\n$1\r\n1\r\n");
    assert_eq!(seat.wire("HGETALL missing"), "%0\r\n");
    assert_eq!(
        seat.wire("HRANDFIELD h 1 WITHVALUES"),
        "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"
    );
    assert_eq!(
        seat.wire("HSCAN h 0"),
        "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"
    );
    assert_eq!(seat.wire("HGET h missing"), "_\r\n");
}

/// A hash of `len` fields, too large to be answered at once.
fn large_hash(len: usize) -> Seat {
    let mut seat = Desk::new().seat();
    for i in 0..len {
        seat.send(["HSET", "h", &format!("field:{i}"), &i.to_string()]);
    }
    seat
}

#[test]
fn hscan_goes_on_in_a_hash_that_took_the_place_of_another() {
    let mut seat = large_hash(2000);
    let (mut cursor, mut seen) = ("0".to_owned(), BTreeSet::new());
    loop {
        let reply = seat.run(&format!("HSCAN h {cursor} COUNT 100 NOVALUES"));
        let mut words = reply.split('"').skip(1).step_by(2);
        cursor = words.next().expect("a cursor").to_owned();
        seen.extend(words.map(str::to_owned));
        if cursor == "0" {
            break;
        }
        // The same fields, one by one.
        seat.run("DEL h");
        for i in 0..2000 {
            seat.send(["HSET", "h", &format!("field:{i}"), "other"]);
        }
    }
    assert_eq!(seen.len(), 2000);
}

#[test]
fn hscan_sees_every_field_once() {
    let mut seat = large_hash(2000);
    let (mut cursor, mut seen, mut steps) = ("0".to_owned(), BTreeSet::new(), 0);
    loop {
        let reply = seat.run(&format!("HSCAN h {cursor} COUNT 100 NOVALUES"));
        let mut words = reply.split('"').skip(1).step_by(2);
        cursor = words.next().expect("a cursor").to_owned();
        for name in words {
            assert!(seen.insert(name.to_owned()), "{name} came twice");
        }
        steps += 1;
        if cursor == "0" {
            break;
        }
    }
    assert_eq!((seen.len(), steps), (2000, 20));
    check_lines(
        &mut seat,
        &[
            ("HSCAN h 0 COUNT 0", SYNTAX),
            ("HSCAN h 0 COUNT x", NOT_INT),
            ("HSCAN h 0 TYPE hash", SYNTAX),
            ("HSCAN h -1", "(error) ERR invalid cursor"),
        ],
    );
}

#[test]
fn hrandfield_draws_all_fields_alike() {
    let mut seat = large_hash(8);
    let mut counts = std::collections::BTreeMap::new();
    let reply = seat.run("HRANDFIELD h -8000");
    for name in reply.split('"').skip(1).step_by(2) {
        *counts.entry(name.to_owned()).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 8);
    // Eight standard deviations of a fair draw: sqrt(8000 * 1/8 * 7/8) is about 30.
    assert!(
        counts.values().all(|n| (760..1240).contains(n)),
        "{counts:?}"
    );
    for count in [1, 2, 5, 7, 8, 9] {
        let reply = seat.run(&format!("HRANDFIELD h {count}"));
        let names: BTreeSet<&str> = reply.split('"').skip(1).step_by(2).collect();
        assert_eq!(names.len(), count.min(8));
    }
    let mut seat = large_hash(1000);
    let reply = seat.run("HRANDFIELD h 20");
    let names: BTreeSet<&str> = reply.split('"').skip(1).step_by(2).collect();
    assert_eq!(names.len(), 20);
    check_lines(
        &mut seat,
        &[
            ("HRANDFIELD h 0", "(empty array)"),
            ("HRANDFIELD h 1 WHAT", SYNTAX),
            ("HRANDFIELD h 1 WITHVALUES WHAT", SYNTAX),
            ("HRANDFIELD h -4194305", "(error) ERR value is out of range"),
            (
                "HRANDFIELD h -9223372036854775808",
                "(error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
            ),
            (
                "HRANDFIELD h 9223372036854775807 WITHVALUES",
                "(error) ERR value is out of range",
            ),
        ],
    );
}

//! The family at the desk: examples, orders of checks, error lines, reply shapes in both protocols.

mod native;
mod pages;

use super::COMMANDS;
use crate::commands::desk::{Desk, Seat};

#[test]
fn examples_of_the_table_are_what_the_commands_answer() {
    for command in COMMANDS {
        let desk = Desk::new();
        let mut seat = desk.seat();
        for (line, expected) in command.examples {
            assert_eq!(seat.run(line), *expected, "{}: {line}", command.name);
        }
    }
}

/// Runs lines, each with the bytes of its reply.
fn check(seat: &mut Seat, lines: &[(&str, &str)]) {
    for (line, expected) in lines {
        assert_eq!(seat.wire(line), *expected, "{line}");
    }
}

/// Runs lines that must be refused with this error line.
fn check_refused(seat: &mut Seat, error: &str, lines: &[&str]) {
    for line in lines {
        assert_eq!(seat.wire(line), format!("-{error}\r\n"), "{line}");
    }
}

/// A desk with a set `s` of two elements, one with attributes, and a string `text`.
fn with_set(desk: &Desk) -> Seat {
    let mut seat = desk.seat();
    seat.run("VADD s VALUES 2 1 0 a NOQUANT SETATTR x");
    seat.run("VADD s VALUES 2 0 1 b NOQUANT");
    seat
}

#[test]
fn vectors_are_refused_before_anything_is_looked_at() {
    let desk = Desk::new();
    let mut seat = with_set(&desk);
    check_refused(
        &mut seat,
        "ERR invalid vector specification",
        &[
            "VADD s BOGUS 2 1 1",
            "VADD s VALUES x 1 1",
            "VADD s VALUES 0 1 1",
            "VADD s VALUES -1 1 1",
            "VADD s VALUES 02 1 1 a",
            "VADD s VALUES 65537 1 1",
            "VADD s VALUES 3 1 1",
            "VADD s VALUES 2 1 x a",
            "VADD s VALUES 2 1 ' 1' a",
            "VADD s VALUES 2 nan 1 a",
            "VADD s VALUES 2 inf 1 a",
            "VADD s VALUES 2 1e39 1 a",
            "VADD s VALUES 2 1e400 1 a",
            "VADD s VALUES 2 2e19 1 a",
            "VADD s FP32 abc a b",
            "VADD s FP32 '' a b",
            "VADD s FP32 \\x00\\x00\\x80\\x7f a b",
            "VADD s REDUCE x VALUES 2 1 1 a",
            "VADD s REDUCE 0 VALUES 2 1 1 a",
            "VADD s REDUCE 3 VALUES 2 1 1 a",
            "VSIM s REDUCE 2 VALUES 2 1 1",
            "VSIM s VALUES 2 1 inf",
        ],
    );
    check_refused(
        &mut seat,
        "ERR wrong number of arguments for 'VADD' command",
        &["VADD s VALUES 2 1 1", "vadd s"],
    );
    check(
        &mut seat,
        &[
            ("VADD hex VALUES 2 0x10 +1e0 a NOQUANT", ":1\r\n"),
            ("VEMB hex a", "*2\r\n$2\r\n16\r\n$1\r\n1\r\n"),
        ],
    );
}

#[test]
fn vadd_checks_words_then_type_then_quantization_m_and_dimension() {
    let desk = Desk::new();
    let mut seat = with_set(&desk);
    check_refused(
        &mut seat,
        "ERR invalid option after element",
        &[
            "VADD s VALUES 2 1 1 c FOO",
            "VADD s VALUES 2 1 1 c EF",
            "VADD s VALUES 2 1 1 c SETATTR",
            "VADD s VALUES 2 1 1 c M",
        ],
    );
    check_refused(
        &mut seat,
        "ERR invalid EF",
        &[
            "VADD s VALUES 9 1 2 3 4 5 6 7 8 9 c EF 0",
            "VADD s VALUES 2 1 1 c EF 1000001",
            "VADD new VALUES 2 1 1 c EF x",
        ],
    );
    check_refused(
        &mut seat,
        "ERR invalid M",
        &["VADD s VALUES 2 1 1 c M 3", "VADD s VALUES 2 1 1 c M 4097"],
    );
    check_refused(
        &mut seat,
        "ERR asked quantization mismatch with existing vector set",
        &["VADD s VALUES 2 1 1 c", "VADD s VALUES 3 1 1 1 c BIN M 8"],
    );
    check_refused(
        &mut seat,
        "ERR asked M value mismatch with existing vector set",
        &["VADD s VALUES 3 1 1 1 c NOQUANT M 8"],
    );
    check_refused(
        &mut seat,
        "ERR Vector dimension mismatch - got 3 but set has 2",
        &[
            "VADD s VALUES 3 1 1 1 c NOQUANT",
            "VSIM s VALUES 3 1 1 1",
            "VADD s REDUCE 2 VALUES 3 1 1 1 c NOQUANT",
        ],
    );
    check_refused(
        &mut seat,
        "ERR cannot add projection to existing set without projection",
        &["VADD s REDUCE 2 VALUES 2 1 1 c NOQUANT"],
    );
    check(
        &mut seat,
        &[
            ("VCARD s", ":2\r\n"),
            ("VCARD new", ":0\r\n"),
            ("VADD s VALUES 2 1 1 c Q8 NOQUANT ef 5 EF 6 CAS", ":1\r\n"),
        ],
    );
}

#[test]
fn projected_sets_want_their_projection_each_time() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    check(
        &mut seat,
        &[
            ("VADD p REDUCE 2 VALUES 4 1 2 3 4 a NOQUANT", ":1\r\n"),
            ("VEMB p a", "*2\r\n$1\r\n5\r\n$2\r\n-1\r\n"),
            (
                "VADD p VALUES 2 1 2 b NOQUANT",
                "-ERR Vector dimension mismatch - got 2 but set has 2\r\n",
            ),
            (
                "VADD p REDUCE 3 VALUES 4 1 2 3 4 b NOQUANT",
                "-ERR Vector dimension mismatch - got 4 but set has 2\r\n",
            ),
            (
                "VADD p REDUCE 2 VALUES 3 1 2 3 b NOQUANT",
                "-ERR Input dimension mismatch for projection - got 3 but projection expects 4\r\n",
            ),
            ("VSIM p VALUES 4 1 2 3 4", "*1\r\n$1\r\na\r\n"),
            ("VSIM p VALUES 2 5 -1", "*1\r\n$1\r\na\r\n"),
            (
                "VSIM p VALUES 3 1 2 3",
                "-ERR Input dimension mismatch for projection - got 3 but projection expects 4\r\n",
            ),
        ],
    );
}

#[test]
fn updates_keep_attributes_unless_they_are_given() {
    let desk = Desk::new();
    let mut seat = with_set(&desk);
    check(
        &mut seat,
        &[
            ("VADD s VALUES 2 0.5 0.5 a NOQUANT", ":0\r\n"),
            ("VGETATTR s a", "$1\r\nx\r\n"),
            ("VADD s VALUES 2 0.5 0.5 a NOQUANT SETATTR y", ":0\r\n"),
            ("VGETATTR s a", "$1\r\ny\r\n"),
            ("VADD s VALUES 2 0.5 0.5 a NOQUANT SETATTR ''", ":0\r\n"),
            ("VGETATTR s a", "$-1\r\n"),
            ("VADD s VALUES 2 0.5 0.5 c NOQUANT SETATTR ''", ":1\r\n"),
            ("VGETATTR s c", "$-1\r\n"),
            ("VSETATTR s c '{}'", ":1\r\n"),
            ("VSETATTR s c ''", ":1\r\n"),
            ("VSETATTR s nobody x", ":0\r\n"),
            ("VREM s nobody", ":0\r\n"),
            ("VREM s c", ":1\r\n"),
            ("VEMB s a", "*2\r\n$3\r\n0.5\r\n$3\r\n0.5\r\n"),
        ],
    );
}

#[test]
fn replies_to_vsim_have_the_shapes_of_both_protocols() {
    let desk = Desk::new();
    let mut old = with_set(&desk);
    check(
        &mut old,
        &[
            ("VSIM s ELE a", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
            (
                "VSIM s ELE a WITHSCORES",
                "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$3\r\n0.5\r\n",
            ),
            (
                "VSIM s ELE a WITHATTRIBS COUNT 1",
                "*2\r\n$1\r\na\r\n$1\r\nx\r\n",
            ),
            (
                "VSIM s ELE b WITHATTRIBS WITHSCORES COUNT 1",
                "*3\r\n$1\r\nb\r\n$1\r\n1\r\n$-1\r\n",
            ),
            ("VSIM none ELE a WITHSCORES", "*0\r\n"),
            ("VSIM none BOGUS a", "*0\r\n"),
        ],
    );
    let mut new = desk.seat().resp3();
    check(
        &mut new,
        &[
            (
                "VSIM s ELE a WITHSCORES",
                "%2\r\n$1\r\na\r\n,1\r\n$1\r\nb\r\n,0.5\r\n",
            ),
            ("VSIM s ELE b WITHATTRIBS COUNT 1", "%1\r\n$1\r\nb\r\n_\r\n"),
            (
                "VSIM s ELE a WITHATTRIBS WITHSCORES COUNT 1",
                "%1\r\n$1\r\na\r\n*2\r\n,1\r\n$1\r\nx\r\n",
            ),
            ("VSIM none ELE a WITHSCORES", "%0\r\n"),
            ("VSIM none ELE a", "*0\r\n"),
            ("VISMEMBER s a", "#t\r\n"),
            ("VGETATTR s b", "_\r\n"),
            ("VINFO none", "_\r\n"),
            ("VADD s VALUES 2 0 1 b NOQUANT", "#f\r\n"),
        ],
    );
}

#[test]
fn vsim_reads_its_options_from_left_to_right_after_the_target() {
    let desk = Desk::new();
    let mut seat = with_set(&desk);
    check_refused(
        &mut seat,
        "ERR element not found in set",
        &["VSIM s ELE nobody COUNT x"],
    );
    check_refused(
        &mut seat,
        "ERR invalid COUNT",
        &[
            "VSIM s ELE a COUNT 0",
            "VSIM s ELE a COUNT x FILTER bad",
            "VSIM s ELE a COUNT -1",
        ],
    );
    check_refused(
        &mut seat,
        "ERR syntax error in FILTER expression near: bad",
        &["VSIM s ELE a FILTER bad COUNT x", "VSIM s ELE a filter bad"],
    );
    check_refused(
        &mut seat,
        "ERR invalid EF",
        &["VSIM s ELE a EF 0", "VSIM s ELE a EF 1000001"],
    );
    check_refused(
        &mut seat,
        "ERR invalid FILTER-EF",
        &["VSIM s ELE a FILTER-EF 0"],
    );
    check_refused(
        &mut seat,
        "ERR invalid EPSILON",
        &["VSIM s ELE a EPSILON 0", "VSIM s ELE a EPSILON nan"],
    );
    check_refused(
        &mut seat,
        "ERR syntax error in VSIM command",
        &[
            "VSIM s ELE a BOGUS",
            "VSIM s ELE a BOGUS 1",
            "VSIM s ELE a COUNT",
            "VSIM s ELE a EF",
        ],
    );
    check(
        &mut seat,
        &[
            (
                "VSIM s ELE a COUNT 9223372036854775807",
                "*2\r\n$1\r\na\r\n$1\r\nb\r\n",
            ),
            ("VSIM s ELE a EPSILON 0.5", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
            (
                "VSIM s ELE a EPSILON 0.49 NOTHREAD TRUTH",
                "*1\r\n$1\r\na\r\n",
            ),
            ("VSIM s ELE a FILTER 1", "*1\r\n$1\r\na\r\n"),
        ],
    );
}

#[test]
fn raw_vectors_are_normalised_and_their_norm_is_told() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    seat.run("VADD q VALUES 3 3 4 0 a");
    seat.run("VADD b VALUES 3 3 -4 0 a BIN");
    seat.run("VADD f VALUES 1 2 a NOQUANT");
    seat.run("VADD z VALUES 2 0 0 a");
    assert_eq!(
        seat.run("VEMB q a RAW"),
        "1) int8\n2) \"_\\x7f\\x00\"\n3) \"5\"\n4) \"0.800000011920929\""
    );
    assert_eq!(
        seat.run("VSIM q ELE a WITHSCORES"),
        "1) \"a\"\n2) \"0.9995279014110565\""
    );
    assert_eq!(
        seat.run("VEMB b a RAW"),
        "1) bin\n2) \"\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\"\n3) \"5\""
    );
    assert_eq!(seat.run("VEMB b a"), "1) \"1\"\n2) \"-1\"\n3) \"-1\"");
    assert_eq!(
        seat.run("VEMB f a RAW"),
        "1) f32\n2) \"\\x00\\x00\\x80?\"\n3) \"2\""
    );
    assert_eq!(
        seat.run("VEMB z a RAW"),
        "1) int8\n2) \"\\x00\\x00\"\n3) \"1\"\n4) \"0\""
    );
    check_refused(
        &mut seat,
        "ERR invalid option",
        &["VEMB q a COOKED", "VEMB none a COOKED", "VEMB q a RAW RAW"],
    );
}

#[test]
fn links_and_facts_of_a_set_are_shown() {
    let desk = Desk::new();
    let mut seat = with_set(&desk);
    assert!(seat.wire("VLINKS s a").ends_with("*1\r\n$1\r\nb\r\n"));
    assert!(
        seat.wire("VLINKS s a withscores")
            .ends_with("*2\r\n$1\r\nb\r\n$3\r\n0.5\r\n")
    );
    check_refused(
        &mut seat,
        "ERR wrong number of arguments for 'VLINKS' command",
        &["VLINKS s a FOO", "VLINKS s a WITHSCORES x"],
    );
    let info = seat.run("VINFO s");
    for line in [
        "1) quant-type",
        "2) f32",
        "6) (integer) 2",
        "10) (integer) 2",
        "18) (integer) 2",
        "20) cosine",
    ] {
        assert!(info.contains(line), "{line} in {info}");
    }
    seat.run("VADD s VALUES 2 0 1 b NOQUANT");
    assert!(seat.run("VINFO s").contains("18) (integer) 3"));
    check(&mut seat, &[("VINFO none", "*-1\r\n")]);
}

#[test]
fn ranges_are_in_byte_order_and_check_their_words_first() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    for name in ["''", "a", "b", "ba"] {
        seat.run(&format!("VADD r VALUES 1 1 {name}"));
    }
    check(
        &mut seat,
        &[
            (
                "VRANGE r - +",
                "*4\r\n$0\r\n\r\n$1\r\na\r\n$1\r\nb\r\n$2\r\nba\r\n",
            ),
            ("VRANGE r - + 1", "*1\r\n$0\r\n\r\n"),
            ("VRANGE r [a (ba -1", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
            ("VRANGE r (a [b", "*1\r\n$1\r\nb\r\n"),
            ("VRANGE r - + 0", "*0\r\n"),
            ("VRANGE r [b [a", "*0\r\n"),
            ("VRANGE r (b (b", "*0\r\n"),
            ("VRANGE none - +", "*0\r\n"),
        ],
    );
    check_refused(&mut seat, "ERR invalid COUNT value", &["VRANGE none a b x"]);
    check_refused(
        &mut seat,
        "ERR invalid start range format",
        &["VRANGE r a b", "VRANGE r [ +", "VRANGE r '' +"],
    );
    check_refused(
        &mut seat,
        "ERR invalid end range format",
        &["VRANGE r - b", "VRANGE r - ("],
    );
    check_refused(
        &mut seat,
        "ERR '-' can only be used as first argument, '+' only as second",
        &["VRANGE r + +", "VRANGE r - -", "VRANGE r + -"],
    );
    check_refused(
        &mut seat,
        "ERR wrong number of arguments for 'VRANGE' command",
        &["VRANGE r - + 1 2", "VRANGE r -"],
    );
}

#[test]
fn draws_are_distinct_or_repeat_as_asked() {
    let desk = Desk::new();
    let mut seat = desk.seat();
    for i in 0..40 {
        seat.run(&format!("VADD d VALUES 2 {i} 1 e{i}"));
    }
    for count in [1, 7, 30, 40, 1000] {
        let drawn = seat.run(&format!("VRANDMEMBER d {count}"));
        let mut names: Vec<_> = drawn
            .lines()
            .map(|line| line.split_once(") ").map(|(_, name)| name))
            .collect();
        assert_eq!(names.len(), count.min(40));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count.min(40), "{drawn}");
    }
    assert_eq!(seat.run("VRANDMEMBER d -100").lines().count(), 100);
    let firsts: std::collections::HashSet<String> =
        (0..200).map(|_| seat.run("VRANDMEMBER d")).collect();
    assert!(
        firsts.len() > 10,
        "200 draws of 40 elements gave {firsts:?}"
    );
    check(
        &mut seat,
        &[
            ("VRANDMEMBER d 0", "*0\r\n"),
            ("VRANDMEMBER none 5", "*0\r\n"),
            ("VRANDMEMBER none", "$-1\r\n"),
            ("VRANDMEMBER none -99999999999", "*0\r\n"),
            ("VRANDMEMBER none -9223372036854775808", "*0\r\n"),
        ],
    );
    check_refused(
        &mut seat,
        "ERR COUNT value is not an integer",
        &["VRANDMEMBER d x", "VRANDMEMBER none 1.5"],
    );
    check_refused(
        &mut seat,
        "ERR COUNT value is out of range",
        &[
            "VRANDMEMBER d -9223372036854775808",
            "VRANDMEMBER d -1000001",
        ],
    );
}

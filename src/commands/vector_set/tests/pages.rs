//! What the pages of the family say, held against what the commands answer: every listed error line is provoked, no other is
//! answered, and the fields of a reply are those that are explained.

use super::super::COMMANDS;
use crate::commands::desk::{Desk, Seat};
use crate::commands::table::Command;
use crate::protocol::Reply;
use bytes::Bytes;

/// What each case finds: a plain set `s` (NOQUANT, two elements), one that projects from 4 components to 2, declared ones,
/// and a string.
const SETUP: &[&str] = &[
    "VADD s VALUES 2 1 0 a NOQUANT SETATTR '{\"n\": 1}'",
    "VADD s VALUES 2 0 1 b NOQUANT",
    "VADD p REDUCE 2 VALUES 4 1 2 3 4 a",
    "VCREATE l2 DIM 2 METRIC L2 TYPE F16",
    "VCREATE ip DIM 2 METRIC IP TYPE F32",
    "VADD ip VALUES 2 1 0 a",
    "SET text x",
];

/// Requests that must be refused, each with its error line.
const REFUSED: &[(&str, &str)] = &[
    (
        "VADD s VALUES 2 1 x c NOQUANT",
        "ERR invalid vector specification",
    ),
    (
        "VADD l2 VALUES 2 70000 0 c",
        "ERR invalid vector specification",
    ),
    (
        "VADD new REDUCE 3 VALUES 2 1 1 c",
        "ERR invalid vector specification",
    ),
    // Finite itself; two rows of the projection are the same for it, and the sum of squares grows by half.
    (
        "VADD new REDUCE 5 VALUES 5 9e18 9e18 9e18 9e18 0 c",
        "ERR invalid vector specification",
    ),
    (
        "VADD s VALUES 2 1 1",
        "ERR wrong number of arguments for 'VADD' command",
    ),
    (
        "VADD s VALUES 2 1 1 c LATER",
        "ERR invalid option after element",
    ),
    (
        "VADD s VALUES 2 1 1 c EF",
        "ERR invalid option after element",
    ),
    ("VADD s VALUES 2 1 1 c EF 1000001", "ERR invalid EF"),
    ("VADD s VALUES 2 1 1 c M 3", "ERR invalid M"),
    ("VADD text VALUES 2 1 1 c", WRONG_TYPE),
    (
        "VADD s VALUES 2 1 1 c",
        "ERR asked quantization mismatch with existing vector set",
    ),
    (
        "VADD s VALUES 2 1 1 c NOQUANT M 8",
        "ERR asked M value mismatch with existing vector set",
    ),
    (
        "VADD s VALUES 3 1 1 1 c NOQUANT",
        "ERR Vector dimension mismatch - got 3 but set has 2",
    ),
    (
        "VADD p VALUES 2 1 1 c",
        "ERR Vector dimension mismatch - got 2 but set has 2",
    ),
    (
        "VADD s REDUCE 2 VALUES 2 1 1 c NOQUANT",
        "ERR cannot add projection to existing set without projection",
    ),
    (
        "VADD p REDUCE 2 VALUES 3 1 2 3 c",
        "ERR Input dimension mismatch for projection - got 3 but projection expects 4",
    ),
    ("VSIM text ELE a", WRONG_TYPE),
    (
        "VSIM s REDUCE 1 VALUES 2 1 1",
        "ERR invalid vector specification",
    ),
    ("VSIM s ELE c", "ERR element not found in set"),
    (
        "VSIM s VALUES 3 1 1 1",
        "ERR Vector dimension mismatch - got 3 but set has 2",
    ),
    (
        "VSIM p VALUES 3 1 1 1",
        "ERR Input dimension mismatch for projection - got 3 but projection expects 4",
    ),
    ("VSIM s ELE a COUNT 0", "ERR invalid COUNT"),
    ("VSIM s ELE a EPSILON 0", "ERR invalid EPSILON"),
    (
        "VSIM ip ELE a EPSILON 0.1",
        "ERR EPSILON is not defined for METRIC IP, whose scores have no upper bound: use VSEARCH with RADIUS",
    ),
    ("VSIM s ELE a EF 1000001", "ERR invalid EF"),
    (
        "VSIM s ELE a FILTER '.n = 1'",
        "ERR syntax error in FILTER expression near:  1",
    ),
    ("VSIM s ELE a FILTER-EF 0", "ERR invalid FILTER-EF"),
    ("VSIM s ELE a LATER", "ERR syntax error in VSIM command"),
    ("VSIM s ELE a COUNT", "ERR syntax error in VSIM command"),
    ("VREM text a", WRONG_TYPE),
    ("VCARD text", WRONG_TYPE),
    ("VDIM text", WRONG_TYPE),
    ("VDIM none", "ERR key does not exist"),
    ("VEMB s a COOKED", "ERR invalid option"),
    ("VEMB text a", WRONG_TYPE),
    (
        "VLINKS s a LATER",
        "ERR wrong number of arguments for 'VLINKS' command",
    ),
    ("VLINKS text a", WRONG_TYPE),
    ("VINFO text", WRONG_TYPE),
    ("VSETATTR text a x", WRONG_TYPE),
    ("VGETATTR text a", WRONG_TYPE),
    (
        "VRANDMEMBER s 1 2",
        "ERR wrong number of arguments for 'VRANDMEMBER' command",
    ),
    ("VRANDMEMBER s one", "ERR COUNT value is not an integer"),
    ("VRANDMEMBER s -1000001", "ERR COUNT value is out of range"),
    ("VRANDMEMBER text 1", WRONG_TYPE),
    ("VISMEMBER text a", WRONG_TYPE),
    (
        "VRANGE s - + 1 2",
        "ERR wrong number of arguments for 'VRANGE' command",
    ),
    ("VRANGE s - + one", "ERR invalid COUNT value"),
    ("VRANGE s a +", "ERR invalid start range format"),
    ("VRANGE s - [", "ERR invalid end range format"),
    (
        "VRANGE s + -",
        "ERR '-' can only be used as first argument, '+' only as second",
    ),
    ("VRANGE text - +", WRONG_TYPE),
    (
        "VCREATE c METRIC L2",
        "ERR DIM is missing: VCREATE key DIM d",
    ),
    (
        "VCREATE c DIM 65537",
        "ERR invalid DIM: an integer from 1 to 65536",
    ),
    (
        "VCREATE c DIM 2 METRIC dot",
        "ERR invalid METRIC: COSINE, L2 or IP",
    ),
    (
        "VCREATE c DIM 2 TYPE",
        "ERR invalid TYPE: F32, F16, Q8 or BIN",
    ),
    (
        "VCREATE c DIM 2 INDEX IVF",
        "ERR invalid INDEX: HNSW or FLAT",
    ),
    (
        "VCREATE c DIM 2 M 3",
        "ERR invalid M: an integer from 4 to 4096",
    ),
    (
        "VCREATE c DIM 2 EF 0",
        "ERR invalid EF: an integer from 1 to 1000000",
    ),
    (
        "VCREATE c DIM 2 TYPE BIN METRIC L2",
        "ERR TYPE BIN needs METRIC COSINE",
    ),
    (
        "VCREATE c DIM 2 INDEX FLAT M 8",
        "ERR INDEX FLAT has no graph: M, EF, WALK and RECALL belong to INDEX HNSW",
    ),
    (
        "VCREATE c DIM 2 WALK F32",
        "ERR invalid WALK: Q4, Q8 or SAME",
    ),
    (
        "VCREATE c DIM 2 TYPE BIN WALK Q8",
        "ERR TYPE BIN is walked on its bits: WALK SAME",
    ),
    (
        "VCREATE c DIM 2 RECALL 0",
        "ERR invalid RECALL: a number above 0, at most 1",
    ),
    ("VCREATE c DIM 2 LATER", "ERR syntax error"),
    ("VCREATE c DIM 2 M", "ERR syntax error"),
    (
        "VCREATE text DIM 2",
        "BUSYKEY Target key name already exists.",
    ),
    (
        "VSEARCH none 0 ELE a",
        "ERR invalid k: an integer from 1 to 1000000",
    ),
    ("VSEARCH none 1 ELE a", "ERR no such key"),
    ("VSEARCH text 1 ELE a", WRONG_TYPE),
    (
        "VSEARCH s 1 VALUES 2 1 nan",
        "ERR invalid vector specification",
    ),
    ("VSEARCH s 1 ELE c", "ERR element not found in set"),
    (
        "VSEARCH s 1 VALUES 3 1 1 1",
        "ERR Vector dimension mismatch - got 3 but set has 2",
    ),
    (
        "VSEARCH p 1 VALUES 3 1 1 1",
        "ERR Input dimension mismatch for projection - got 3 but projection expects 4",
    ),
    (
        "VSEARCH s 1 ELE a FILTER (",
        "ERR syntax error in FILTER expression near: (",
    ),
    (
        "VSEARCH s 1 ELE a EF 0",
        "ERR invalid EF: an integer from 1 to 1000000",
    ),
    (
        "VSEARCH s 1 ELE a RADIUS inf",
        "ERR invalid RADIUS: a finite number",
    ),
    (
        "VSEARCH s 1 ELE a OFFSET -1",
        "ERR invalid OFFSET: an integer from 0 to 1000000",
    ),
    (
        "VSEARCH s 1 ELE a RECALL 1.1",
        "ERR invalid RECALL: a number above 0, at most 1",
    ),
    ("VSEARCH s 1 ELE a LATER", "ERR syntax error"),
    ("VSEARCH s 1 ELE a OFFSET", "ERR syntax error"),
    (
        "VSEARCH s 1 ELE a EXACT EF 10",
        "ERR EF, RECALL and EXACT exclude each other: give one of them",
    ),
    (
        "VMADD s FP32 AAAA 0 c",
        "ERR invalid n: an integer from 1 to 1000000",
    ),
    (
        "VMADD s FP32 AAAABBB 1 c",
        "ERR invalid vector specification",
    ),
    (
        "VMADD s FP32 \"\\x00\\x00\\xc0\\x7f\\x00\\x00\\x00\\x00\" 1 c NOQUANT",
        "ERR invalid vector specification",
    ),
    (
        "VMADD s FP32 AAAABBBB 2 c",
        "ERR wrong number of arguments for 'VMADD' command",
    ),
    (
        "VMADD s FP32 AAAABBBB 1 c LATER",
        "ERR invalid option after element",
    ),
    ("VMADD s FP32 AAAABBBB 1 c EF 0", "ERR invalid EF"),
    ("VMADD s FP32 AAAABBBB 1 c M 3", "ERR invalid M"),
    ("VMADD text FP32 AAAABBBB 1 c", WRONG_TYPE),
    (
        "VMADD s FP32 AAAABBBB 1 c",
        "ERR asked quantization mismatch with existing vector set",
    ),
    (
        "VMADD s FP32 AAAABBBB 1 c NOQUANT M 8",
        "ERR asked M value mismatch with existing vector set",
    ),
    (
        "VMADD s FP32 AAAABBBB 2 c d NOQUANT",
        "ERR Vector dimension mismatch - got 1 but set has 2",
    ),
    (
        "VMADD s REDUCE 2 FP32 AAAABBBB 1 c NOQUANT",
        "ERR cannot add projection to existing set without projection",
    ),
    (
        "VMADD p REDUCE 2 FP32 AAAABBBB 1 c",
        "ERR Input dimension mismatch for projection - got 2 but projection expects 4",
    ),
    (
        "VMSEARCH s 0 FP32 AAAABBBB",
        "ERR invalid k: an integer from 1 to 1000000",
    ),
    ("VMSEARCH none 1 FP32 AAAABBBB", "ERR no such key"),
    ("VMSEARCH text 1 FP32 AAAABBBB", WRONG_TYPE),
    (
        "VMSEARCH s 1 VALUES 2 1 0",
        "ERR invalid vector specification",
    ),
    (
        "VMSEARCH s 1 FP32 AAAA",
        "ERR Vector dimension mismatch - got 1 but set has 2",
    ),
    (
        "VMSEARCH s 1 FP32 AAAABBBB FILTER =",
        "ERR syntax error in FILTER expression near: =",
    ),
    (
        "VMSEARCH s 1 FP32 AAAABBBB EF 0",
        "ERR invalid EF: an integer from 1 to 1000000",
    ),
    (
        "VMSEARCH s 1 FP32 AAAABBBB RECALL x",
        "ERR invalid RECALL: a number above 0, at most 1",
    ),
    (
        "VMSEARCH s 1 FP32 AAAABBBB RADIUS far",
        "ERR invalid RADIUS: a finite number",
    ),
    (
        "VMSEARCH s 1 FP32 AAAABBBB OFFSET -1",
        "ERR invalid OFFSET: an integer from 0 to 1000000",
    ),
    (
        "VMSEARCH s 1 FP32 AAAABBBB EXPLAIN LATER",
        "ERR syntax error",
    ),
    (
        "VMSEARCH s 1 FP32 AAAABBBB EF 10 EXACT",
        "ERR EF, RECALL and EXACT exclude each other: give one of them",
    ),
    (
        "VMSEARCH s 1000000 FP32 AAAABBBBAAAABBBBAAAABBBBAAAABBBBAAAABBBBAAAABBBBAAAABBBBAAAABBBBAAAABBBBAAAABBBBAAAABBBB",
        "ERR too many hits: at most 10000000 in one reply",
    ),
    (
        "VSIM s ELE a RECALL 0",
        "ERR invalid RECALL: a number above 0, at most 1",
    ),
    (
        "VSIM s ELE a RECALL 0.9 EF 10",
        "ERR EF, RECALL and EXACT exclude each other: give one of them",
    ),
    ("VRECALL none", "ERR no such key"),
    ("VRECALL text", WRONG_TYPE),
    (
        "VRECALL s K 0",
        "ERR invalid k: an integer from 1 to 1000000",
    ),
    (
        "VRECALL s SAMPLE 10001",
        "ERR invalid SAMPLE: an integer from 1 to 10000",
    ),
    (
        "VRECALL s EF 0",
        "ERR invalid EF: an integer from 1 to 1000000",
    ),
    (
        "VRECALL s RECALL",
        "ERR invalid RECALL: a number above 0, at most 1",
    ),
    (
        "VRECALL s EXACT RECALL 0.9",
        "ERR EF, RECALL and EXACT exclude each other: give one of them",
    ),
    (
        "VRECALL s FILTER )",
        "ERR syntax error in FILTER expression near: )",
    ),
    ("VRECALL s LATER", "ERR syntax error"),
];

const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";

fn set_up(desk: &Desk) -> Seat {
    let mut seat = desk.seat();
    for line in SETUP {
        let reply = seat.run(line);
        assert!(!reply.starts_with("(error)"), "{line}: {reply}");
    }
    seat
}

fn name_of(request: &str) -> &str {
    request.split(' ').next().unwrap_or_default()
}

fn command(name: &str) -> &'static Command {
    let mut commands = COMMANDS.iter();
    commands
        .find(|command| command.name == name)
        .unwrap_or_else(|| panic!("{name} is not of this family"))
}

/// Whether an error line is what a page lists, where `<n>` stands for a number and `<text>`, at the end, for anything.
fn is_said_by(line: &str, listed: &str) -> bool {
    if let Some(start) = listed.strip_suffix("<text>") {
        return line.starts_with(start);
    }
    let mut rest = line;
    for (at, part) in listed.split("<n>").enumerate() {
        if at > 0 {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                return false;
            }
            rest = &rest[digits..];
        }
        match rest.strip_prefix(part) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty()
}

/// Whether a page lists the line. That of a wrong number of words belongs to every command, whether its page lists it or not.
fn is_listed(command: &Command, line: &str) -> bool {
    let arity = format!(
        "ERR wrong number of arguments for '{}' command",
        command.name
    );
    line == arity
        || command
            .errors
            .iter()
            .any(|(listed, _)| is_said_by(line, listed))
}

/// Error lines listed by a command that no case provokes.
fn unprovoked(command: &Command) -> Vec<&'static str> {
    let is_provoked = |listed: &str| {
        let mut cases = REFUSED.iter();
        cases.any(|(request, line)| name_of(request) == command.name && is_said_by(line, listed))
    };
    let listed = command.errors.iter().map(|(line, _)| *line);
    listed.filter(|line| !is_provoked(line)).collect()
}

#[test]
fn every_case_is_refused_with_a_line_that_its_page_lists() {
    for (request, line) in REFUSED {
        let desk = Desk::new();
        let mut seat = set_up(&desk);
        assert_eq!(seat.wire(request), format!("-{line}\r\n"), "{request}");
        let listed = command(name_of(request)).errors;
        assert!(
            listed.iter().any(|(listed, _)| is_said_by(line, listed)),
            "{request}: the page does not list {line}"
        );
    }
}

#[test]
fn every_listed_error_line_is_provoked_by_a_case() {
    for command in COMMANDS {
        assert_eq!(unprovoked(command), Vec::<&str>::new(), "{}", command.name);
        assert!(!command.errors.is_empty(), "{}", command.name);
        for (at, (line, _)) in command.errors.iter().enumerate() {
            let above = &command.errors[..at];
            assert!(
                above.iter().all(|(other, _)| other != line),
                "{} lists {line} twice",
                command.name
            );
        }
    }
}

#[test]
fn a_line_that_nothing_answers_is_noticed() {
    let planted = Command {
        name: "VCARD",
        errors: &[
            (WRONG_TYPE, "The key holds something else."),
            ("ERR the set is tired", "Never."),
            ("ERR the set is <n> days old", "Never."),
        ],
        ..*command("VCARD")
    };
    assert_eq!(
        unprovoked(&planted),
        ["ERR the set is tired", "ERR the set is <n> days old"]
    );
    let said = [
        ("ERR got 3 of 2", "ERR got <n> of <n>", true),
        ("ERR got 3 of 2.", "ERR got <n> of <n>", false),
        ("ERR got x of 2", "ERR got <n> of <n>", false),
        ("ERR got  of 2", "ERR got <n> of <n>", false),
        ("ERR near: a", "ERR near: <text>", true),
        ("ERR nearby", "ERR near: <text>", false),
        ("ERR invalid EF: too small", "ERR invalid EF", false),
        ("ERR invalid", "ERR invalid EF", false),
    ];
    for (line, listed, expected) in said {
        assert_eq!(is_said_by(line, listed), expected, "{line} by {listed}");
    }
}

/// A small generator (xorshift64*), so that a failure can be had again from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }
}

/// Keys of each kind, and one that is missing.
const KEYS: &[&str] = &["s", "p", "l2", "ip", "text", "none"];

/// Words that mean something to some command of the family, or nothing to any.
const VOCABULARY: &[&str] = &[
    "s",
    "p",
    "l2",
    "ip",
    "text",
    "none",
    "a",
    "b",
    "",
    "-",
    "+",
    "[a",
    "(b",
    "0",
    "1",
    "2",
    "3",
    "-1",
    "1.5",
    "nan",
    "inf",
    "1e39",
    "2000000",
    "9223372036854775807",
    "99999999999999999999",
    "VALUES",
    "FP32",
    "ELE",
    "REDUCE",
    "COUNT",
    "EF",
    "M",
    "EPSILON",
    "FILTER",
    "FILTER-EF",
    "EXACT",
    "TRUTH",
    "RADIUS",
    "OFFSET",
    "EXPLAIN",
    "WITHDIST",
    "WITHSCORES",
    "WITHATTRIBS",
    "WITHVECTORS",
    "RAW",
    "CAS",
    "NOQUANT",
    "Q8",
    "BIN",
    "SETATTR",
    "DIM",
    "METRIC",
    "L2",
    "IP",
    "TYPE",
    "F16",
    "INDEX",
    "FLAT",
    ".n == 1",
    ".n ==",
    "12345678",
];

/// A case's request, half of the time for another key, with up to two of its words replaced, dropped or added.
fn misspell(request: &str, dice: &mut Dice) -> Vec<Vec<u8>> {
    let words = crate::protocol::inline::split_arguments(request.as_bytes());
    let mut words: Vec<Vec<u8>> = words.expect("balanced quotes");
    if dice.roll(2) == 0 && words.len() > 1 {
        words[1] = KEYS[dice.roll(KEYS.len())].into();
    }
    for _ in 0..dice.roll(3) {
        let at = 1 + dice.roll(words.len());
        let word = VOCABULARY[dice.roll(VOCABULARY.len())].as_bytes().to_vec();
        match dice.roll(4) {
            0 if at < words.len() => drop(words.remove(at)),
            1 => words.insert(at, word),
            _ if at < words.len() => words[at] = word,
            _ => words.push(word),
        }
    }
    words
}

/// What the pages leave out would be met here: requests that are nearly right are refused with listed lines only.
#[test]
fn nearly_right_requests_are_answered_or_refused_with_a_listed_line() {
    let seed = 0x5eed_0002;
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let mut refused = 0;
    for round in 0..200 {
        let desk = Desk::new();
        let mut seat = set_up(&desk);
        for (request, _) in REFUSED {
            let words = misspell(request, &mut dice);
            let Reply::Error(line) = seat.send(&words) else {
                continue;
            };
            refused += 1;
            let words: Vec<_> = words
                .iter()
                .map(|word| String::from_utf8_lossy(word))
                .collect();
            assert!(
                is_listed(command(name_of(request)), &line),
                "round {round}, seed {seed}: {words:?} answers {line}, which its page does not list"
            );
        }
    }
    assert!(refused > 1000, "only {refused} requests were refused");
}

fn kind_of(reply: &Reply) -> &'static str {
    match reply {
        Reply::Simple(_) | Reply::Text(_) => "simple string",
        Reply::Int(_) => "integer",
        Reply::Double(_) => "double",
        Reply::Bool(_) => "boolean",
        Reply::Null => "null",
        Reply::Array(_) => "array of maps",
        _ => "something else",
    }
}

fn check_fields(name: &str, map: &Reply) {
    let Reply::Map(pairs) = map else {
        panic!("{name}: no map but {map:?}");
    };
    let answered: Vec<(Bytes, &str)> = pairs
        .iter()
        .map(|(field, value)| match field {
            Reply::Simple(field) => (Bytes::from_static(field.as_bytes()), kind_of(value)),
            Reply::Bulk(field) => (field.clone(), kind_of(value)),
            other => panic!("{name}: a field is called {other:?}"),
        })
        .collect();
    let reply = command(name).reply.expect("its fields are explained");
    let named: Vec<&Bytes> = answered.iter().map(|(field, _)| field).collect();
    let explained: Vec<&str> = reply.fields.iter().map(|field| field.name).collect();
    assert_eq!(named, explained, "{name}");
    for (field, (_, kind)) in reply.fields.iter().zip(&answered) {
        assert!(
            field.kind.split(" or ").any(|may| may == *kind),
            "{name}: {} is {kind}, not {}",
            field.name,
            field.kind
        );
    }
}

#[test]
fn the_fields_of_vinfo_and_explain_are_those_that_are_explained() {
    let desk = Desk::new();
    let mut seat = set_up(&desk);
    check_fields("VINFO", &seat.reply("VINFO s"));
    check_fields("VRECALL", &seat.reply("VRECALL s"));
    seat.run("VSEARCH s 1 VALUES 2 1 2 RECALL 0.9");
    check_fields("VINFO", &seat.reply("VINFO s"));
    let Reply::Array(parts) = seat.reply("VSEARCH s 1 ELE a FILTER '.n == 1' EXPLAIN") else {
        panic!("EXPLAIN answers no array");
    };
    let [Reply::Array(hits), map] = &parts[..] else {
        panic!("EXPLAIN answers {parts:?}");
    };
    assert_eq!(hits.len(), 1);
    check_fields("VSEARCH", map);
}

//! Options, counters and introspection, against what Redis answers.

use crate::commands::desk::{Desk, check_lines};

fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

#[test]
fn keys_of_a_request_whose_count_is_wrong_are_refused() {
    const INVALID: &str = "(error) ERR Invalid arguments specified for command";
    const ARITY: &str = "(error) ERR Invalid number of arguments specified for command";
    check(&[
        ("COMMAND GETKEYS MSETEX 2 a 1 b 2", "1) \"a\"\n2) \"b\""),
        ("COMMAND GETKEYS MSETEX 2 a 1 b", "1) \"a\"\n2) \"b\""),
        ("COMMAND GETKEYS MSETEX 5 a 1", INVALID),
        ("COMMAND GETKEYS MSETEX 0 a 1", INVALID),
        ("COMMAND GETKEYS MSETEX -1 a 1", INVALID),
        ("COMMAND GETKEYS MSETEX abc a 1", INVALID),
        ("COMMAND GETKEYS MSETEX 99999999999999999999 a 1", INVALID),
        ("COMMAND GETKEYSANDFLAGS MSETEX 2 a 1", INVALID),
        ("COMMAND GETKEYS MSETEX 1 a", ARITY),
    ]);
}

#[test]
fn keys_are_told_by_what_is_done_to_each() {
    let moved = r#"1) 1) "from"
   2) 1) RW
      2) access
      3) delete
2) 1) "to"
   2) 1) RW
      2) insert"#;
    let stored = r#"1) 1) "to"
   2) 1) OW
      2) update
2) 1) "a"
   2) 1) RO
      2) access
3) 1) "b"
   2) 1) RO
      2) access"#;
    check(&[
        ("COMMAND GETKEYSANDFLAGS LMOVE from to LEFT RIGHT", moved),
        ("COMMAND GETKEYSANDFLAGS SMOVE from to x", moved),
        ("COMMAND GETKEYSANDFLAGS ZUNIONSTORE to 2 a b", stored),
        ("COMMAND GETKEYSANDFLAGS SDIFFSTORE to a b", stored),
    ]);
}

#[test]
fn an_unknown_command_is_repeated_with_its_arguments_if_it_has_any() {
    check(&[
        ("NOSUCH", "(error) ERR unknown command 'NOSUCH'"),
        (
            "NOSUCH a b",
            "(error) ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ",
        ),
    ]);
    let mut seat = Desk::new().seat();
    assert_eq!(
        seat.wire("\"F\\r\\nOO\""),
        "-ERR unknown command 'F  OO'\r\n"
    );
}

#[test]
fn no_line_end_gets_into_an_error_line_and_none_is_left_at_its_end() {
    let mut seat = Desk::new().seat();
    seat.run("VADD v VALUES 1 1 e");
    let near = "-ERR syntax error in FILTER expression near: ";
    for (expression, shown) in [
        (".a ==\\r\\n", ".a =="),
        (".a == $\\n", "$"),
        ("a\\r\\nb", "  b"),
        ("\\r\\n", ""),
    ] {
        let line = seat.wire(&format!("VSIM v VALUES 1 1 FILTER \"{expression}\""));
        assert_eq!(line, format!("{near}{shown}\r\n"));
    }
    assert_eq!(
        seat.wire("CONFIG SET \"a\\r\\nb\" 1"),
        "-ERR Unknown option or number of arguments for CONFIG SET - 'a  b'\r\n"
    );
}

#[test]
fn options_take_an_empty_size_and_no_name_twice() {
    let maxmemory = "1) \"maxmemory\"\n2) \"0\"";
    let failed = |name: &str, why: &str| {
        format!("(error) ERR CONFIG SET failed (possibly related to argument '{name}') - {why}")
    };
    check(&[
        ("CONFIG SET maxmemory 5mb", "OK"),
        ("CONFIG SET maxmemory ''", "OK"),
        ("CONFIG GET maxmemory", maxmemory),
        ("CONFIG SET maxmemory kb", "OK"),
        ("CONFIG GET maxmemory", maxmemory),
        (
            "CONFIG SET proto-max-bulk-len ''",
            &failed(
                "proto-max-bulk-len",
                "argument must be between 1048576 and 9223372036854775807 inclusive",
            ),
        ),
        (
            "CONFIG SET hz 10 HZ 11",
            &failed("hz", "duplicate parameter"),
        ),
        (
            "CONFIG SET hz 10 nosuch 3",
            "(error) ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'",
        ),
        (
            "CONFIG SET shutdown-on-sigint ''",
            &failed(
                "shutdown-on-sigint",
                "argument(s) must be one of the following: default, save, nosave, now, force",
            ),
        ),
    ]);
}

#[test]
fn durations_are_spread_by_size_only_while_that_is_wanted() {
    let mut seat = Desk::with(&[("latency-tracking", "no")]).seat();
    seat.run("SET a 1");
    assert_eq!(seat.run("LATENCY HISTOGRAM set"), "(empty array)");
    assert!(!seat.run("INFO latencystats").contains("_usec_set"));
    assert!(
        seat.run("INFO commandstats")
            .contains("cmdstat_set:calls=1")
    );
    seat.run("CONFIG SET latency-tracking yes");
    seat.run("SET a 1");
    assert!(seat.run("LATENCY HISTOGRAM set").contains("\"calls\"\n"));
    assert!(seat.run("INFO latencystats").contains("_usec_set"));
    seat.run("CONFIG SET latency-tracking no");
    assert!(!seat.run("INFO latencystats").contains("_usec_set"));
}

#[test]
fn a_client_that_touches_nothing_leaves_the_times_of_last_access() {
    let desk = Desk::new();
    let (mut quiet, mut other) = (desk.seat(), desk.seat());
    check_lines(&mut other, &[("SET a 1", "OK"), ("GET a", "\"1\"")]);
    desk.advance_ms(5_000);
    check_lines(
        &mut quiet,
        &[
            ("CLIENT NO-TOUCH on", "OK"),
            ("GET a", "\"1\""),
            ("EXISTS a", "(integer) 1"),
            ("APPEND a x", "(integer) 2"),
            ("MULTI", "OK"),
            ("GET a", "QUEUED"),
            ("EXEC", "1) \"1x\""),
            ("OBJECT IDLETIME a", "(integer) 5"),
            ("TOUCH a", "(integer) 1"),
            ("OBJECT IDLETIME a", "(integer) 0"),
        ],
    );
    desk.advance_ms(3_000);
    check_lines(
        &mut quiet,
        &[
            ("OBJECT IDLETIME a", "(integer) 3"),
            ("CLIENT NO-TOUCH off", "OK"),
            ("GET a", "\"1x\""),
            ("OBJECT IDLETIME a", "(integer) 0"),
        ],
    );
}

/// Clients put requests together from this: which token stands before what, and before each of several.
#[test]
fn tokens_of_arguments_are_told_with_what_they_stand_before() {
    let mut seat = Desk::new().seat();
    let mut told = |command: &str| {
        seat.wire(&format!("COMMAND DOCS {command}"))
            .replace("\r\n", " ")
    };
    let search = told("FT.SEARCH");
    // Each FILTER of several has its word, and is three arguments.
    let filter = "$4 name $6 filter $4 type $5 block $5 token $6 FILTER $5 flags *3 +optional +multiple +multiple_token $9 arguments *3 ";
    assert!(search.contains(filter), "{search}");
    // WITHSCORES may stand alone.
    let scores = "$4 name $10 withscores $4 type $5 block $5 token $10 WITHSCORES $5 flags *1 +optional $9 arguments *1 *10 $4 name $12 explainscore";
    assert!(search.contains(scores), "{search}");
    let create = told("FT.CREATE");
    let on = "$4 name $2 on $4 type $5 oneof $5 token $2 ON $5 flags *1 +optional $9 arguments *2 ";
    assert!(create.contains(on), "{create}");
    let fields = "$4 name $6 schema $4 type $5 block $5 token $6 SCHEMA $5 flags *1 +multiple $9 arguments *3 ";
    assert!(create.contains(fields), "{create}");
}

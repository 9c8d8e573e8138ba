//! Each command against the replies that RedisJSON gives.

mod altering;
mod writing;

use crate::commands::desk::{Desk, check_examples, check_lines};

/// Runs lines on an empty server.
fn check(lines: &[(&str, &str)]) {
    check_lines(&mut Desk::new().seat(), lines);
}

#[test]
fn examples_hold() {
    check_examples(super::COMMANDS);
}

const NO_KEY: &str = "(error) ERR could not perform this operation on a key that doesn't exist";
const NO_PATH: &str = "(error) ERR Path does not exist";
const WRONG_KEY: &str = "(error) Existing key has wrong Redis type";

/// What JSON.GET shows of a whole document.
fn shown(json: &str) -> String {
    let escaped = json.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('é', "\\xc3\\xa9"))
}

/// Sets a document, runs a line, and looks at what it left.
#[track_caller]
fn check_on(document: &str, line: &str, reply: &str, left: &str) {
    let set = format!("JSON.SET doc $ '{document}'");
    check(&[(&set, "OK"), (line, reply), ("JSON.GET doc", &shown(left))]);
}

#[test]
fn other_kinds_are_refused() {
    let commands = [
        "JSON.SET s $ [",
        "JSON.MSET a $ 1 s $ [",
        "JSON.MERGE s $ [",
        "JSON.GET s $[",
        "JSON.DEL s $[",
        "JSON.FORGET s $",
        "JSON.CLEAR s $",
        "JSON.NUMINCRBY s $ 1",
        "JSON.NUMMULTBY s $ 1",
        "JSON.NUMPOWBY s $ 1",
        "JSON.STRAPPEND s $ 1",
        "JSON.TOGGLE s $",
        "JSON.ARRAPPEND s $ 1",
        "JSON.ARRINSERT s $ 0 1",
        "JSON.ARRPOP s",
        "JSON.ARRTRIM s $ 0 1",
        "JSON.ARRLEN s",
        "JSON.OBJLEN s",
        "JSON.STRLEN s",
        "JSON.ARRINDEX s $ 1",
        "JSON.OBJKEYS s",
        "JSON.TYPE s",
        "JSON.RESP s",
        "JSON.DEBUG MEMORY s",
    ];
    for command in commands {
        check(&[
            ("SET s 1", "OK"),
            (command, WRONG_KEY),
            ("EXISTS a", "(integer) 0"),
        ]);
    }
    check(&[
        ("SET s 1", "OK"),
        ("JSON.SET j $ 1", "OK"),
        ("JSON.MGET s j $", "1) (nil)\n2) \"[1]\""),
        (
            "GET j",
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "HGET j f",
            "(error) WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("TYPE j", "ReJSON-RL"),
        ("OBJECT ENCODING j", "\"raw\""),
        ("SCAN 0 TYPE ReJSON-RL", "1) \"0\"\n2) 1) \"j\""),
    ]);
}

#[test]
fn missing_keys_are_answered_one_by_one() {
    check(&[
        ("JSON.GET k $[", "(nil)"),
        ("JSON.MGET k $", "1) (nil)"),
        ("JSON.DEL k", "(integer) 0"),
        ("JSON.CLEAR k", NO_KEY),
        ("JSON.NUMINCRBY k $ 1", NO_KEY),
        ("JSON.STRAPPEND k $ 1", NO_KEY),
        ("JSON.TOGGLE k $", NO_KEY),
        ("JSON.ARRAPPEND k $ 1", NO_KEY),
        ("JSON.ARRINSERT k $ 0 1", NO_KEY),
        ("JSON.ARRPOP k", NO_KEY),
        ("JSON.ARRTRIM k $ 0 1", NO_KEY),
        ("JSON.ARRLEN k $", NO_KEY),
        ("JSON.ARRLEN k", "(nil)"),
        (
            "JSON.OBJLEN k $",
            "(error) ERR Path does not exist or not an object",
        ),
        ("JSON.OBJLEN k", "(nil)"),
        ("JSON.STRLEN k $", NO_KEY),
        ("JSON.STRLEN k", "(nil)"),
        ("JSON.ARRINDEX k $ 1", NO_PATH),
        ("JSON.OBJKEYS k $", NO_KEY),
        ("JSON.OBJKEYS k", "(nil)"),
        ("JSON.TYPE k $", "(nil)"),
        ("JSON.TYPE k", "(nil)"),
        ("JSON.RESP k $", "(nil)"),
        ("JSON.DEBUG MEMORY k", "(integer) 0"),
        ("JSON.DEBUG MEMORY k $", "(empty array)"),
        (
            "JSON.SET k $.a 1",
            "(error) ERR new objects must be created at the root",
        ),
        ("JSON.SET k $.a 1 XX", "(nil)"),
        ("JSON.SET k $ 1 XX", "(nil)"),
        (
            "JSON.MERGE k $.a 1",
            "(error) ERR new objects must be created at the root",
        ),
        (
            "JSON.MSET k $.a 1",
            "(error) ERR new objects must be created at the root",
        ),
        ("EXISTS k", "(integer) 0"),
    ]);
}

#[test]
fn paths_that_cannot_be_read_or_answered_are_errors() {
    let bad = "(error) Error occurred at position 2, Error at position 2: expected one of the following: a number, a string, a slice, '*' or '?'";
    check_on("1", "JSON.GET doc $[", bad, "1");
    check_on("1", "JSON.DEL doc $[", bad, "1");
    check_on("1", "JSON.TYPE doc $[", bad, "1");
    check_on("1", "JSON.ARRAPPEND doc $[ 1", bad, "1");
    let mut nested = String::from("[]");
    for _ in 0..100 {
        nested = format!("[{nested}]");
    }
    let line = format!("JSON.GET doc ${}", "..*".repeat(9));
    check_on(
        &nested,
        &line,
        "(error) ERR the path asks for too many steps",
        &nested,
    );
}

#[test]
fn lengths_and_names_of_the_older_form_are_errors_of_their_own() {
    let doc = r#"{"l":[1],"o":{"x":1},"n":1}"#;
    check_on(
        doc,
        "JSON.ARRLEN doc .n",
        "(error) ERR Path does not exist or not an array",
        doc,
    );
    check_on(doc, "JSON.ARRLEN doc .x", NO_PATH, doc);
    check_on(
        doc,
        "JSON.OBJLEN doc .n",
        "(error) WRONGTYPE wrong type of path value - expected object",
        doc,
    );
    check_on(doc, "JSON.OBJLEN doc .x", "(nil)", doc);
    check_on(
        doc,
        "JSON.OBJKEYS doc .n",
        "(error) ERR Path does not exist or not an object",
        doc,
    );
    check_on(doc, "JSON.OBJKEYS doc .x", "(nil)", doc);
    check_on(doc, "JSON.OBJKEYS doc .o", "1) \"x\"", doc);
    check_on(doc, "JSON.RESP doc .x", NO_PATH, doc);
    check_on(doc, "JSON.RESP doc $.x", "(empty array)", doc);
    check_on(doc, "JSON.DEBUG MEMORY doc .x", NO_PATH, doc);
    check_on(
        doc,
        "JSON.DEBUG HELP",
        "1) \"MEMORY <key> [path] - reports memory usage\"\n2) \"HELP                - this message\"",
        doc,
    );
    check_on(
        doc,
        "JSON.DEBUG WHAT",
        "(error) ERR unknown subcommand - try `JSON.DEBUG HELP`",
        doc,
    );
    check_on(
        doc,
        "JSON.DEBUG MEMORY",
        "(error) ERR wrong number of arguments for 'json.debug' command",
        doc,
    );
}

#[test]
fn texts_are_laid_out_as_asked() {
    let doc = r#"{"a":[1,{}],"b":[]}"#;
    let lines = "\"{\\n  \\\"a\\\": [\\n    1,\\n    {}\\n  ],\\n  \\\"b\\\": []\\n}\"";
    check_on(
        doc,
        r#"JSON.GET doc INDENT "  " NEWLINE "\n" SPACE " ""#,
        lines,
        doc,
    );
    check_on(
        doc,
        r#"JSON.GET doc SPACE " " NOESCAPE ."#,
        r#""{\"a\": [1,{}],\"b\": []}""#,
        doc,
    );
    check_on(
        doc,
        r#"JSON.GET doc INDENT > $.a"#,
        r#""[>[>>1,>>{}>]]""#,
        doc,
    );
    check_on(
        doc,
        "JSON.GET doc .a .b",
        r#""{\".a\":[1,{}],\".b\":[]}""#,
        doc,
    );
    check_on(
        doc,
        "JSON.GET doc .a $.x",
        r#""{\".a\":[[1,{}]],\"$.x\":[]}""#,
        doc,
    );
    check_on(doc, "JSON.GET doc .a .x", NO_PATH, doc);
    check_on(doc, "JSON.GET doc .x", NO_PATH, doc);
    check_on(doc, "JSON.GET doc $.a $[", r#""{\"$.a\":[[1,{}]]}""#, doc);
    check_on(
        doc,
        "JSON.GET doc FORMAT EXPAND $",
        "(error) ERR FORMAT argument is not supported on RESP2",
        doc,
    );
    check_on(
        doc,
        "JSON.GET doc INDENT",
        "(error) ERR wrong number of arguments for 'json.get' command",
        doc,
    );
}

#[test]
fn shapes_follow_the_protocol() {
    let mut seat = Desk::new().seat();
    let doc = r#"{"i":1,"f":2.5,"s":"x","n":null,"b":true,"l":[1]}"#;
    seat.send(["JSON.SET", "doc", "$", doc]);
    assert_eq!(seat.wire("JSON.TYPE doc $.i"), "*1\r\n$7\r\ninteger\r\n");
    assert_eq!(seat.wire("JSON.TYPE doc .i"), "$7\r\ninteger\r\n");
    assert_eq!(seat.wire("JSON.RESP doc .f"), "$3\r\n2.5\r\n");
    assert_eq!(seat.wire("JSON.NUMINCRBY doc $.i 0"), "$3\r\n[1]\r\n");
    let mut seat = seat.resp3();
    assert_eq!(
        seat.wire("JSON.TYPE doc $.i"),
        "*1\r\n*1\r\n$7\r\ninteger\r\n"
    );
    assert_eq!(seat.wire("JSON.TYPE doc .i"), "*1\r\n$7\r\ninteger\r\n");
    assert_eq!(seat.wire("JSON.TYPE none $"), "*1\r\n_\r\n");
    assert_eq!(seat.wire("JSON.RESP doc .f"), ",2.5\r\n");
    assert_eq!(
        seat.wire("JSON.NUMINCRBY doc \"$['i','f','s']\" 0"),
        "*3\r\n:1\r\n,2.5\r\n_\r\n"
    );
    assert_eq!(seat.wire("JSON.NUMINCRBY doc .i 0"), "*1\r\n:1\r\n");
    assert_eq!(seat.wire("JSON.NUMINCRBY doc .x 0"), "*0\r\n");
    assert_eq!(seat.wire("JSON.GET doc $.i"), "$3\r\n[1]\r\n");
    assert_eq!(seat.wire("JSON.GET doc FORMAT STRING $.i"), "$3\r\n[1]\r\n");
    let scalars = "JSON.GET doc FORMAT EXPAND1 $.i \"$['f','s','n','b']\" $.l";
    assert_eq!(
        seat.wire(scalars),
        "*3\r\n*1\r\n:1\r\n*4\r\n,2.5\r\n$3\r\n\"x\"\r\n_\r\n#t\r\n*1\r\n$3\r\n[1]\r\n"
    );
    assert_eq!(
        seat.wire("JSON.GET doc FORMAT EXPAND \"$['s','l']\""),
        "*1\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n"
    );
    assert_eq!(
        seat.wire("JSON.GET doc FORMAT STRINGS $"),
        "-ERR wrong reply format\r\n"
    );
    let legacy = "-Legacy paths are supported only with FORMAT STRINGS\r\n";
    assert_eq!(seat.wire("JSON.ARRPOP doc FORMAT EXPAND .l"), legacy);
    assert_eq!(
        seat.wire("JSON.ARRPOP doc FORMAT EXPAND $.l"),
        "*1\r\n:1\r\n"
    );
}

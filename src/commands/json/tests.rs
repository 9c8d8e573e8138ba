//! Each command against the replies that RedisJSON gives.

use crate::commands::desk::{Desk, check_examples, check_lines};
use crate::protocol::Reply;

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
fn set_obeys_its_conditions_and_adds_where_one_place_is_named() {
    let doc = r#"{"a":{"b":1},"l":[1,2]}"#;
    check_on(doc, "JSON.SET doc $.a.b 2 NX", "(nil)", doc);
    check_on(doc, "JSON.SET doc $.a.c 2 XX", "(nil)", doc);
    check_on(
        doc,
        "JSON.SET doc $.a.c 2 nx",
        "OK",
        r#"{"a":{"b":1,"c":2},"l":[1,2]}"#,
    );
    check_on(
        doc,
        "JSON.SET doc \"$['a']['c']\" 2",
        "OK",
        r#"{"a":{"b":1,"c":2},"l":[1,2]}"#,
    );
    check_on(
        doc,
        "JSON.SET doc a.b 2 XX",
        "OK",
        r#"{"a":{"b":2},"l":[1,2]}"#,
    );
    check_on(
        doc,
        "JSON.SET doc $.l[*] 0",
        "OK",
        r#"{"a":{"b":1},"l":[0,0]}"#,
    );
    check_on(
        doc,
        "JSON.SET doc $.l[-1] 0",
        "OK",
        r#"{"a":{"b":1},"l":[1,0]}"#,
    );
    check_on(doc, "JSON.SET doc $.* 0", "OK", r#"{"a":0,"l":0}"#);
    check_on(doc, "JSON.SET doc $..* 0", "OK", r#"{"a":0,"l":0}"#);
    check_on(doc, "JSON.SET doc $.x.y 0", "(nil)", doc);
    check_on(doc, "JSON.SET doc $.l.y 0", "(nil)", doc);
    check_on(
        doc,
        "JSON.SET doc $.l[2] 0",
        "(error) ERR array index out of range",
        doc,
    );
    check_on(doc, "JSON.SET doc $.l[0] 0 NX", "(nil)", doc);
    check_on(
        doc,
        "JSON.SET doc $.x[*] 0",
        "(error) Err wrong static path",
        doc,
    );
    check_on(
        doc,
        "JSON.SET doc $..x 0",
        "(error) Err wrong static path",
        doc,
    );
    check_on(doc, "JSON.SET doc $ 0 NX", "(nil)", doc);
    check_on(doc, "JSON.SET doc . 0 XX", "OK", "0");
    check_on(doc, "JSON.SET doc $ 0 FORMAT JSON", "OK", "0");
    check_on(
        doc,
        "JSON.SET doc $ 0 FORMAT BSON",
        "(error) ERR wrong format",
        doc,
    );
    check_on(
        doc,
        "JSON.SET doc $ 0 NX XX",
        "(error) ERR syntax error",
        doc,
    );
    check_on(
        doc,
        "JSON.SET doc $ 0 WHAT",
        "(error) ERR syntax error",
        doc,
    );
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    check_on(
        "1",
        "JSON.SET doc $ foo",
        "(error) expected ident at line 1 column 2",
        "1",
    );
    check_on(
        "1",
        "JSON.SET doc $ ''",
        "(error) EOF while parsing a value at line 1 column 0",
        "1",
    );
    check_on(
        "1",
        "JSON.SET doc $ '{\"a\":}'",
        "(error) expected value at line 1 column 6",
        "1",
    );
    check_on(
        "1",
        "JSON.SET doc $ '1 2'",
        "(error) trailing characters at line 1 column 3",
        "1",
    );
    check_on(
        "1",
        "JSON.SET doc $ 1e999",
        "(error) number out of range at line 1 column 5",
        "1",
    );
    check_on(
        "1",
        r#"JSON.SET doc $ "\xff""#,
        "(error) Couldn't parse as UTF-8 string",
        "1",
    );
    check_on(
        "1",
        r#"JSON.GET doc "\xff""#,
        "(error) Couldn't parse as UTF-8 string",
        "1",
    );
    let deep = format!("JSON.SET doc $ {}{}", "[".repeat(128), "]".repeat(128));
    check_on(
        "1",
        &deep,
        "(error) recursion limit exceeded at line 1 column 128",
        "1",
    );
    check_on(
        "[]",
        "JSON.ARRINDEX doc $ x",
        "(error) ERR expected value at line 1 column 1",
        "[]",
    );
}

#[test]
fn documents_stay_within_their_depth_and_size() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let set = format!("JSON.SET doc $ '{{\"a\":{{\"b\":{}}}}}'", nested(100));
    let fits = format!("JSON.SET doc $.a.c '{}'", nested(125));
    let too_deep = "(error) ERR the document would be nested too deep";
    let (set_deep, merge_deep) = (
        nested(126),
        format!("JSON.MERGE doc $.a '{{\"c\":{}}}'", nested(126)),
    );
    let set_deep = format!("JSON.SET doc $.a.c '{set_deep}'");
    let append_deep = format!("JSON.ARRAPPEND doc $.a.b '{}'", nested(125));
    check(&[
        (&set, "OK"),
        (&fits, "OK"),
        (&set_deep, too_deep),
        (&merge_deep, too_deep),
        (&append_deep, too_deep),
    ]);
    let desk = Desk::with(&[("proto-max-bulk-len", "1mb")]);
    let mut seat = desk.seat();
    let numbers: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    seat.send(["JSON.SET", "doc", "$", &format!("[{}]", numbers.join(","))]);
    let value = format!("\"{}\"", "x".repeat(10_000));
    let words = ["JSON.SET", "doc", "$[*]", &value];
    assert_eq!(
        seat.send(words),
        Reply::error("ERR document exceeds maximum allowed size (proto-max-bulk-len)")
    );
    check_lines(
        &mut seat,
        &[("JSON.ARRINDEX doc $ 199", "1) (integer) 199")],
    );
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
fn merges_follow_rfc_7396() {
    let cases = [
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (
            r#"{"a":{"b":"c"}}"#,
            r#"{"a":{"b":"d","c":null}}"#,
            r#"{"a":{"b":"d"}}"#,
        ),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, "null", "null"),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ];
    for (document, patch, merged) in cases {
        check_on(
            document,
            &format!("JSON.MERGE doc $ '{patch}'"),
            "OK",
            merged,
        );
    }
    let doc = r#"{"a":{"x":1},"b":{"x":2},"v":[0.5,0.5,0.5,0.5]}"#;
    let merged = r#"{"a":{"x":1,"y":0},"b":{"x":2,"y":0},"v":{"y":0}}"#;
    check_on(doc, r#"JSON.MERGE doc $.* '{"y":0}'"#, "OK", merged);
    let merged = r#"{"a":{"x":1},"b":{"x":2},"v":[0.5,{"y":0},0.5,0.5]}"#;
    check_on(
        doc,
        r#"JSON.MERGE doc $.v[1] '{"y":0,"z":null}'"#,
        "OK",
        merged,
    );
    let merged = r#"{"a":{"x":1},"b":{"x":2},"v":[0.5,0.5,0.5,0.5],"c":{"y":null}}"#;
    check_on(doc, r#"JSON.MERGE doc $.c '{"y":null}'"#, "OK", merged);
    check(&[
        (r#"JSON.MERGE new $ '{"a":null}'"#, "OK"),
        ("JSON.GET new", &shown(r#"{"a":null}"#)),
        ("JSON.MERGE new $ 1 WHAT", "(error) ERR syntax error"),
    ]);
}

#[test]
fn mset_is_all_or_nothing() {
    check(&[
        (
            "JSON.MSET a $ 1 b $ x",
            "(error) expected value at line 1 column 1",
        ),
        (
            "JSON.MSET a $ 1 b $.x 1",
            "(error) ERR new objects must be created at the root",
        ),
        ("EXISTS a b", "(integer) 0"),
        (
            "JSON.MSET a $ 1 b",
            "(error) ERR wrong number of arguments for 'json.mset' command",
        ),
        (r#"JSON.MSET a $ '{"n":1}' b $ '[1]' a $ '{"n":2}'"#, "OK"),
        (
            r#"JSON.MSET a $.n 3 a $.m 4 b $[0] 5 b $[9] 5"#,
            "(error) ERR array index out of range",
        ),
        (r#"JSON.MSET a $.n 3 a $.m 4 b $[0] 5"#, "OK"),
        (
            "JSON.MGET a b nothing .",
            "1) \"{\\\"n\\\":3,\\\"m\\\":4}\"\n2) \"[5]\"\n3) (nil)",
        ),
        ("JSON.MGET a b $[0]", "1) \"[]\"\n2) \"[5]\""),
        ("JSON.MGET a b .n", "1) \"3\"\n2) (nil)"),
        ("JSON.MGET a b $[", "1) (nil)\n2) (nil)"),
    ]);
}

#[test]
fn a_document_keeps_its_expiry_until_it_goes() {
    check(&[
        ("JSON.SET doc $ '{\"a\":1}'", "OK"),
        ("EXPIRE doc 100", "(integer) 1"),
        ("JSON.SET doc $.a 2", "OK"),
        ("JSON.SET doc $ '{\"b\":1}'", "OK"),
        ("TTL doc", "(integer) 100"),
        ("JSON.DEL doc $.b", "(integer) 1"),
        ("EXISTS doc", "(integer) 0"),
        ("JSON.SET doc $ 1", "OK"),
        ("TTL doc", "(integer) -1"),
        ("COPY doc twin", "(integer) 1"),
        ("JSON.NUMINCRBY twin $ 1", "\"[2]\""),
        ("RENAME twin other", "OK"),
        ("JSON.MGET doc other $", "1) \"[1]\"\n2) \"[2]\""),
    ]);
}

#[test]
fn deleting_takes_outer_places_once_and_elements_from_the_end() {
    let doc = r#"{"a":{"a":1},"l":[1,2,3,4]}"#;
    check_on(
        doc,
        "JSON.DEL doc $..a",
        "(integer) 1",
        r#"{"l":[1,2,3,4]}"#,
    );
    check_on(
        doc,
        "JSON.DEL doc $.l[0,2,2]",
        "(integer) 2",
        r#"{"a":{"a":1},"l":[2,4]}"#,
    );
    check_on(
        doc,
        "JSON.DEL doc $.l[*]",
        "(integer) 4",
        r#"{"a":{"a":1},"l":[]}"#,
    );
    check_on(doc, "JSON.DEL doc .x", "(integer) 0", doc);
    check_on(
        doc,
        "JSON.FORGET doc l[1]",
        "(integer) 1",
        r#"{"a":{"a":1},"l":[1,3,4]}"#,
    );
    for path in ["$.*", "$", ".", "$..*"] {
        let line = format!("JSON.DEL doc {path}");
        let count = if path.ends_with('*') { 2 } else { 1 };
        check(&[
            (&format!("JSON.SET doc $ '{doc}'"), "OK"),
            (&line, &format!("(integer) {count}")),
            ("EXISTS doc", "(integer) 0"),
        ]);
    }
}

#[test]
fn clear_counts_what_it_changed() {
    let doc = r#"{"a":[1],"b":{"c":1},"d":5,"e":0,"f":"x","g":true,"h":null,"i":[],"j":1.5}"#;
    let cleared = r#"{"a":[],"b":{},"d":0,"e":0,"f":"x","g":true,"h":null,"i":[],"j":0}"#;
    check_on(doc, "JSON.CLEAR doc $.*", "(integer) 4", cleared);
    check_on(doc, "JSON.CLEAR doc", "(integer) 1", "{}");
    check_on(
        doc,
        "JSON.CLEAR doc .d",
        "(integer) 1",
        &doc.replace("5,", "0,").replace("1.0", "1.5"),
    );
    check_on(doc, "JSON.CLEAR doc .x", "(integer) 0", doc);
    check_on(doc, "JSON.CLEAR doc $..*", "(integer) 4", cleared);
}

#[test]
fn numbers_keep_their_kind() {
    let doc = r#"{"i":1,"f":1.5,"s":"x","big":9223372036854775807}"#;
    let left = |i: &str| doc.replacen('1', i, 1);
    check_on(doc, "JSON.NUMINCRBY doc $.i 2", "\"[3]\"", &left("3"));
    check_on(doc, "JSON.NUMINCRBY doc $.i 0.5", "\"[1.5]\"", &left("1.5"));
    check_on(doc, "JSON.NUMINCRBY doc .i 1.0", "\"2.0\"", &left("2.0"));
    check_on(doc, "JSON.NUMINCRBY doc $.s 1", "\"[null]\"", doc);
    check_on(doc, "JSON.NUMINCRBY doc $.s x", "\"[null]\"", doc);
    check_on(doc, "JSON.NUMINCRBY doc $.x 1", "\"[]\"", doc);
    check_on(
        doc,
        "JSON.NUMMULTBY doc \"$['i','i']\" 3",
        "\"[3,9]\"",
        &left("9"),
    );
    check_on(doc, "JSON.NUMPOWBY doc $.i -1", "\"[1.0]\"", &left("1.0"));
    check_on(
        doc,
        "JSON.NUMPOWBY doc .f 2",
        "\"2.25\"",
        &doc.replace("1.5", "2.25"),
    );
    check_on(
        doc,
        "JSON.NUMINCRBY doc .big 1",
        "\"-9223372036854775808\"",
        &doc.replace("922", "-922").replace("807", "808"),
    );
    let none = "(error) ERR Path does not exist or does not contains a number";
    check_on(doc, "JSON.NUMINCRBY doc .s 1", none, doc);
    check_on(doc, "JSON.NUMINCRBY doc .x 1", none, doc);
    check_on(
        doc,
        "JSON.NUMINCRBY doc $.i '\"1\"'",
        "(error) bad input number",
        doc,
    );
    check_on(
        doc,
        "JSON.NUMINCRBY doc $.i x",
        "(error) ERR expected value at line 1 column 1",
        doc,
    );
    check_on(
        doc,
        "JSON.NUMMULTBY doc $.f 1e308",
        "\"[1.5e308]\"",
        &doc.replace("1.5", "1.5e308"),
    );
    check_on(
        "1e308",
        "JSON.NUMMULTBY doc $ 10",
        "(error) result is not a number",
        "1e308",
    );
}

#[test]
fn strings_and_booleans_are_altered() {
    let doc = r#"{"s":"é","b":true,"n":1}"#;
    check_on(
        doc,
        r#"JSON.STRAPPEND doc $.* '"x"'"#,
        "1) (integer) 3\n2) (nil)\n3) (nil)",
        &doc.replace("é", "éx"),
    );
    check_on(
        doc,
        r#"JSON.STRAPPEND doc "$['s','s']" '"x"'"#,
        "1) (integer) 3\n2) (integer) 4",
        &doc.replace("é", "éxx"),
    );
    check_on(
        doc,
        r#"JSON.STRAPPEND doc .s '"x"'"#,
        "(integer) 3",
        &doc.replace("é", "éx"),
    );
    check_on(
        "\"a\"",
        r#"JSON.STRAPPEND doc '"x"'"#,
        "(integer) 2",
        "\"ax\"",
    );
    check_on(
        doc,
        r#"JSON.STRAPPEND doc .n '"x"'"#,
        "(error) ERR Path does not exist or not a string",
        doc,
    );
    check_on(
        doc,
        "JSON.STRAPPEND doc .s 1",
        "(error) WRONGTYPE wrong type of path value - expected string",
        doc,
    );
    check_on(
        doc,
        "JSON.STRAPPEND doc .s x",
        "(error) ERR expected value at line 1 column 1",
        doc,
    );
    check_on(
        doc,
        "JSON.TOGGLE doc $.*",
        "1) (nil)\n2) (integer) 0\n3) (nil)",
        &doc.replace("true", "false"),
    );
    check_on(
        doc,
        "JSON.TOGGLE doc .b",
        "\"false\"",
        &doc.replace("true", "false"),
    );
    check_on(
        doc,
        "JSON.TOGGLE doc .n",
        "(error) ERR Path does not exist or not a bool",
        doc,
    );
    check_on(
        doc,
        "JSON.STRLEN doc $.*",
        "1) (integer) 2\n2) (nil)\n3) (nil)",
        doc,
    );
    check_on(
        doc,
        "JSON.STRLEN doc .n",
        "(error) WRONGTYPE wrong type of path value - expected string",
        doc,
    );
    check_on(doc, "JSON.STRLEN doc .x", NO_PATH, doc);
}

#[test]
fn arrays_are_altered_from_the_inside_out() {
    let doc = r#"{"a":[[1,2,3],[4,5,6]]}"#;
    check_on(
        doc,
        "JSON.ARRPOP doc $..*",
        "1) \"[4,5]\"\n2) \"3\"\n3) \"6\"\n4) (nil)\n5) (nil)\n6) (nil)\n7) (nil)\n8) (nil)\n9) (nil)",
        r#"{"a":[[1,2]]}"#,
    );
    check_on(
        doc,
        "JSON.ARRPOP doc $.a[*] 0",
        "1) \"1\"\n2) \"4\"",
        r#"{"a":[[2,3],[5,6]]}"#,
    );
    check_on(
        doc,
        "JSON.ARRPOP doc .a[0] -9",
        "\"1\"",
        r#"{"a":[[2,3],[4,5,6]]}"#,
    );
    check_on(
        doc,
        "JSON.ARRPOP doc .a[0] 9",
        "\"3\"",
        r#"{"a":[[1,2],[4,5,6]]}"#,
    );
    check_on(
        doc,
        "JSON.ARRPOP doc .a[0] x",
        "\"3\"",
        r#"{"a":[[1,2],[4,5,6]]}"#,
    );
    check_on(
        doc,
        "JSON.ARRPOP doc",
        "(error) ERR Path does not exist or not an array",
        doc,
    );
    check_on("[1]", "JSON.ARRPOP doc", "\"1\"", "[]");
    check_on("[]", "JSON.ARRPOP doc", "(nil)", "[]");
    check_on(
        "[1]",
        "JSON.ARRPOP doc FORMAT",
        "(error) ERR Path does not exist or not an array",
        "[1]",
    );
    check_on(
        "[1]",
        "JSON.ARRPOP doc FORMAT EXPAND $",
        "(error) ERR FORMAT argument is not supported on RESP2",
        "[1]",
    );
    check_on(
        "[1]",
        "JSON.ARRPOP doc FORMAT STRING $",
        "(error) ERR wrong reply format",
        "[1]",
    );
    check_on(
        "[0.5,1.5,2.5,3.5]",
        "JSON.ARRAPPEND doc $ 4.5 5",
        "1) (integer) 6",
        "[0.5,1.5,2.5,3.5,4.5,5]",
    );
    check_on("[1,2]", "JSON.ARRAPPEND doc . 3", "(integer) 3", "[1,2,3]");
    check_on(
        "[1,2]",
        "JSON.ARRAPPEND doc $ x",
        "(error) expected value at line 1 column 1",
        "[1,2]",
    );
    check_on(
        "1",
        "JSON.ARRAPPEND doc . 3",
        "(error) ERR Path does not exist or not an array",
        "1",
    );
    check_on(
        "[1,2]",
        "JSON.ARRINSERT doc $ -1 8 9",
        "1) (integer) 4",
        "[1,8,9,2]",
    );
    check_on(
        "[1,2]",
        "JSON.ARRINSERT doc . 2 3",
        "(integer) 3",
        "[1,2,3]",
    );
    for index in ["3", "-3", "9223372036854775807", "-9223372036854775808"] {
        check_on(
            "[[1,2]]",
            &format!("JSON.ARRINSERT doc $[*] {index} 3"),
            "(error) ERR index out of bounds",
            "[[1,2]]",
        );
    }
    check_on(
        "[1]",
        "JSON.ARRINSERT doc $ x 3",
        "(error) Couldn't parse as integer",
        "[1]",
    );
}

#[test]
fn trimming_cuts_positions_to_what_is_there() {
    let cases = [
        ("0 9", "[0,1,2,3,4]"),
        ("1 3", "[1,2,3]"),
        ("-2 -1", "[3,4]"),
        ("-9 0", "[0]"),
        ("5 9", "[]"),
        ("4 9", "[4]"),
        ("3 1", "[]"),
        ("0 -9", "[0]"),
        ("-1 -9", "[]"),
    ];
    for (range, left) in cases {
        let len = left.bytes().filter(u8::is_ascii_digit).count();
        check_on(
            "[0,1,2,3,4]",
            &format!("JSON.ARRTRIM doc $ {range}"),
            &format!("1) (integer) {len}"),
            left,
        );
    }
    check_on("[]", "JSON.ARRTRIM doc $ 0 1", "1) (integer) 0", "[]");
    check_on(
        "[0.5,1.5,2.5,3.5,4.5]",
        "JSON.ARRTRIM doc . 1 2",
        "(integer) 2",
        "[1.5,2.5]",
    );
    check_on(
        "1",
        "JSON.ARRTRIM doc . 1 2",
        "(error) ERR Path does not exist or not an array",
        "1",
    );
    check_on(
        "[1]",
        "JSON.ARRTRIM doc . 1 x",
        "(error) Couldn't parse as integer",
        "[1]",
    );
}

#[test]
fn elements_are_found_by_their_exact_value() {
    let doc = r#"{"l":[1,1.0,"1",true,null,{"a":1,"b":2},[1]],"v":[0.5,1.5,2.5,3.5],"n":1}"#;
    let cases = [
        ("1", 0),
        ("1.0", 1),
        ("'\"1\"'", 2),
        ("true", 3),
        ("null", 4),
        ("'{\"b\":2,\"a\":1}'", 5),
        ("'[1]'", 6),
        ("2", -1),
        ("1 1", -1),
        ("1 0 0", 0),
        ("1.0 0 1", -1),
        ("'[1]' -1", 6),
        ("'[1]' 0 -1", -1),
        ("1 -99", 0),
        ("'[1]' 99", 6),
    ];
    for (words, at) in cases {
        check_on(
            doc,
            &format!("JSON.ARRINDEX doc .l {words}"),
            &format!("(integer) {at}"),
            doc,
        );
    }
    check_on(
        doc,
        "JSON.ARRINDEX doc $.* 2.5",
        "1) (integer) -1\n2) (integer) 2\n3) (nil)",
        doc,
    );
    check_on(
        doc,
        "JSON.ARRINDEX doc .n 1",
        "(error) WRONGTYPE wrong type of path value - expected array",
        doc,
    );
    check_on(doc, "JSON.ARRINDEX doc .x 1", NO_PATH, doc);
    check_on(
        doc,
        "JSON.ARRINDEX doc .l 1 x",
        "(error) Couldn't parse as integer",
        doc,
    );
    check_on(
        doc,
        "JSON.ARRINDEX doc .l 1 1 1 1",
        "(error) ERR wrong number of arguments for 'json.arrindex' command",
        doc,
    );
    check_on("[]", "JSON.ARRINDEX doc . 1", "(integer) -1", "[]");
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

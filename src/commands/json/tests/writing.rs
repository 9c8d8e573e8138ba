//! Commands that write, merge and remove values.

use super::{check, check_on, shown};
use crate::commands::desk::{Desk, check_lines};
use crate::protocol::Reply;

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
    // One value is at most 127 deep, values within each other make a document of up to 512.
    let nested = |inner: &str| format!("{}{inner}{}", "[".repeat(127), "]".repeat(127));
    let too_deep = "(error) ERR the document would be nested too deep";
    let mut seat = Desk::new().seat();
    for depth in [0, 127, 254, 381] {
        let path = format!("${}", "[0]".repeat(depth));
        let words = ["JSON.SET", "doc", &path, &nested("1")];
        assert_eq!(seat.send(words), Reply::ok(), "{depth}");
    }
    let bottom = format!("${}", "[0]".repeat(508));
    check_lines(
        &mut seat,
        &[
            (&format!("JSON.SET doc {bottom} [[[[2]]]]"), "OK"),
            (&format!("JSON.SET doc {bottom} [[[[[2]]]]]"), too_deep),
            (&format!("JSON.MERGE doc {bottom} [[[[[2]]]]]"), too_deep),
            (&format!("JSON.ARRAPPEND doc {bottom} [[[[2]]]]"), too_deep),
            (
                &format!("JSON.ARRAPPEND doc {bottom} [[[2]]]"),
                "1) (integer) 2",
            ),
            ("JSON.GET doc $..[?(@==2)]", "\"[2,2]\""),
            ("COPY doc twin", "(integer) 1"),
        ],
    );
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

//! Commands that alter numbers, strings, booleans and arrays where they are, and JSON.ARRINDEX.

use super::{NO_PATH, check_on};

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
    check_on("[]", "JSON.ARRTRIM doc $ -1 0", "1) (integer) 0", "[]");
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

//! Paths: what they match, what is refused, and a comparison with another implementation of RFC 9535.

use super::pattern::Pattern;
use super::*;
use crate::keyspace::json::Document;
use crate::keyspace::json::tests::Random;
use jsonpath_rust::JsonPath as _;

fn document(text: &str) -> Document {
    Document::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What a path matches, as text.
#[track_caller]
fn found(document: &Document, path: &str) -> String {
    let compiled = JsonPath::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let nodes = compiled.find(document.root()).expect("little work");
    let located = compiled.locate(document.root()).expect("little work");
    let places: Vec<_> = located
        .iter()
        .map(|found| document.at(&found.place))
        .collect();
    assert_eq!(
        places,
        nodes.iter().copied().map(Some).collect::<Vec<_>>(),
        "{path}: places lead to the nodes"
    );
    let texts = nodes
        .iter()
        .map(|node| String::from_utf8_lossy(&node.to_text()).into_owned());
    texts.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(text: &str, cases: &[(&str, &str)]) {
    let document = document(text);
    for (path, expected) in cases {
        assert_eq!(found(&document, path), *expected, "{path}");
    }
}

/// The store of RFC 9535, 1.5.
const STORE: &str = r#"{"store":{"book":[
    {"category":"reference","author":"Nigel Rees","title":"Sayings","price":8.95},
    {"category":"fiction","author":"Evelyn Waugh","title":"Sword","price":12.99},
    {"category":"fiction","author":"Herman Melville","title":"Moby Dick","isbn":"0-553","price":8.99},
    {"category":"fiction","author":"J. R. R. Tolkien","title":"The Lord","isbn":"0-395","price":22.99}],
    "bicycle":{"color":"red","price":399}}}"#;

#[test]
fn the_examples_of_the_rfc() {
    check(
        STORE,
        &[
            (
                "$.store.book[*].title",
                r#""Sayings" "Sword" "Moby Dick" "The Lord""#,
            ),
            ("$..price", "8.95 12.99 8.99 22.99 399"),
            ("$.store..price", "8.95 12.99 8.99 22.99 399"),
            ("$..book[2].title", r#""Moby Dick""#),
            ("$..book[-1].title", r#""The Lord""#),
            ("$..book[0,1].price", "8.95 12.99"),
            ("$..book[:2].price", "8.95 12.99"),
            ("$..book[?@.isbn].price", "8.99 22.99"),
            ("$..book[?(@.price<10)].title", r#""Sayings" "Moby Dick""#),
            (
                "$..book[?(@.price < $.store.bicycle.price && @.isbn)].price",
                "8.99 22.99",
            ),
            ("$..book[?!@.isbn].price", "8.95 12.99"),
            ("$.store.bicycle[?@ == 'red']", r#""red""#),
            ("$..*.color", r#""red""#),
            ("$..[?(@.price>100)].color", r#""red""#),
        ],
    );
}

#[test]
fn selectors_of_every_kind() {
    check(
        r#"{"a":[0,1,2,3,4],"b":{"x y":{"z":1},"é":2,"-c":3},"'":4,"\"":5,"$":6}"#,
        &[
            (
                "$",
                r#"{"a":[0,1,2,3,4],"b":{"x y":{"z":1},"é":2,"-c":3},"'":4,"\"":5,"$":6}"#,
            ),
            ("$.a[1:3]", "1 2"),
            ("$.a[1:]", "1 2 3 4"),
            ("$.a[:-3]", "0 1"),
            ("$.a[::2]", "0 2 4"),
            ("$.a[1:4:2]", "1 3"),
            ("$.a[::-1]", "4 3 2 1 0"),
            ("$.a[3:0:-2]", "3 1"),
            ("$.a[::0]", ""),
            ("$.a[9:]", ""),
            ("$.a[0,0,-1,9]", "0 0 4"),
            ("$.a[-9]", "0"),
            ("$.a[1:3,0]", "1 2 0"),
            ("$['b']['x y'].z", "1"),
            (r#"$["b"]["x y"]["z"]"#, "1"),
            ("$.b.é", "2"),
            (r"$['b']['\u00e9']", "2"),
            ("$.b.-c", "3"),
            (r"$['\'']", "4"),
            (r#"$["'"]"#, "4"),
            (r#"$["\""]"#, "5"),
            (r#"$['"']"#, "5"),
            ("$.$", "6"),
            ("$. b . é", "2"),
            ("$.[ 'b' ].[ \"é\" , '-c' ]", "2 3"),
            ("$.*.z", ""),
            ("$..z", "1"),
            ("$..['z','é']", "2 1"),
            ("$.a.x", ""),
            ("$.b[0]", ""),
            ("$.a['0']", ""),
            ("$..[0]", "0"),
        ],
    );
}

#[test]
fn older_forms_are_read() {
    check(
        r#"{"a":{"b":[1,2]},"$c":3}"#,
        &[
            (".", r#"{"a":{"b":[1,2]},"$c":3}"#),
            (".a.b[1]", "2"),
            ("a.b[-1]", "2"),
            ("['a'].b[0]", "1"),
            ("..b", "[1,2]"),
            ("$c", "3"),
            ("*", r#"{"b":[1,2]} 3"#),
        ],
    );
    for (path, is_legacy) in [
        ("$", false),
        ("$.a", false),
        ("$[0]", false),
        (".", true),
        ("$a", true),
        ("a", true),
    ] {
        assert_eq!(JsonPath::is_legacy_text(path), is_legacy, "{path}");
        assert_eq!(
            JsonPath::parse(path).map(|path| path.is_legacy()),
            Ok(is_legacy),
            "{path}"
        );
    }
}

#[test]
fn filters_compare_kinds_among_themselves() {
    let text = r#"[1,2.5,"1",true,false,null,[1],{"a":1},{"a":1.0,"b":1},{"a":"x","b":"y"},18446744073709551615]"#;
    check(
        text,
        &[
            ("$[?@ == 1]", "1"),
            ("$[?@ == 1.0]", "1"),
            ("$[?@ > 1]", "2.5 18446744073709551615"),
            ("$[?@ <= 2.5]", "1 2.5"),
            ("$[?@ >= '1']", r#""1""#),
            ("$[?@ == true]", "true"),
            ("$[?@ > false]", "true"),
            ("$[?@ == null]", "null"),
            ("$[?@.a]", r#"{"a":1} {"a":1.0,"b":1} {"a":"x","b":"y"}"#),
            ("$[?@.a == 1]", r#"{"a":1} {"a":1.0,"b":1}"#),
            ("$[?@.a == @.b]", ""),
            ("$[?@.a < @.b]", r#"{"a":"x","b":"y"}"#),
            (
                "$[?@.a != @.b && @.b]",
                r#"{"a":1.0,"b":1} {"a":"x","b":"y"}"#,
            ),
            ("$[?@ == $[6]]", "[1]"),
            ("$[?@.* == 1]", r#"[1] {"a":1} {"a":1.0,"b":1}"#),
            ("$[?@.a == 1 && @.b || @ == 2.5]", r#"2.5 {"a":1.0,"b":1}"#),
            ("$[?(@.a == 1 || @ == 2.5) && !(@.b)]", r#"2.5 {"a":1}"#),
            ("$[?(@ == -1 || @ == 2.5e0)]", "2.5"),
            ("$[?length(@) == 1]", r#""1" [1] {"a":1}"#),
            (
                "$[?count(@.*) == 2]",
                r#"{"a":1.0,"b":1} {"a":"x","b":"y"}"#,
            ),
            ("$[?value(@..a) == 'x']", r#"{"a":"x","b":"y"}"#),
            ("$[?match(@.a, '[w-y]')]", r#"{"a":"x","b":"y"}"#),
            ("$[?search(@.a, '')]", r#"{"a":"x","b":"y"}"#),
            ("$[?@.a =~ '^X$']", ""),
            ("$[?@.a =~ '(?i)^X$']", r#"{"a":"x","b":"y"}"#),
            ("$[?@.a =~ $[9].a]", r#"{"a":"x","b":"y"}"#),
            ("$[?@.a =~ '[']", ""),
            ("$[?@.a =~ 1]", ""),
        ],
    );
}

#[test]
fn what_is_no_path_is_refused_at_its_place() {
    let cases = [
        ("$.", 2),
        ("$..", 3),
        ("$[", 2),
        ("$[]", 2),
        ("$[0", 3),
        ("$['a]", 5),
        ("$[01]", 2),
        ("$[-]", 2),
        ("$[?]", 3),
        ("$[?@ ==]", 7),
        ("$[?(@.a]", 7),
        ("$.a b", 4),
        ("$.a]", 3),
        ("$[a]", 2),
        ("$['\\x']", 4),
        ("$['\\ud800']", 9),
        ("$[99999999999999999999]", 2),
        ("$[1:2:3:4]", 7),
        ("a..", 5),
        ("$[?@ =~]", 7),
        ("$[?length(@ == 1]", 12),
        ("", 2),
    ];
    for (path, at) in cases {
        match JsonPath::parse(path) {
            Err(error) => assert_eq!(error.at, at, "{path}: {error}"),
            Ok(_) => panic!("{path} was read"),
        }
    }
    let nested = format!("$[?{}@{}]", "(".repeat(100), ")".repeat(100));
    assert!(JsonPath::parse(&nested).is_err());
    assert!(JsonPath::parse(&"$[?@".repeat(100)).is_err());
    assert!(JsonPath::parse(&format!("$[?{}@]", "!".repeat(100))).is_err());
}

#[test]
fn the_work_of_a_question_is_bounded() {
    let deep = document(&format!("{}{}", "[".repeat(500), "]".repeat(500)));
    let path = JsonPath::parse("$..*..*..*..*..*").unwrap();
    assert_eq!(path.find(deep.root()), Err(Exhausted));
    let path = JsonPath::parse("$..*").unwrap();
    assert_eq!(path.find(deep.root()).map(|found| found.len()), Ok(499));
    let flat = document(&format!("[{}]", vec!["1"; 10_000].join(",")));
    let path = JsonPath::parse("$[?$[?$[*] == @] == @]").unwrap();
    assert_eq!(path.find(flat.root()), Err(Exhausted));
}

#[test]
fn patterns_match_as_the_regex_crate_does() {
    let cases: &[(&str, &str, bool)] = &[
        ("foo", "xfoox", true),
        ("^foo", "xfoo", false),
        ("foo$", "xfoo", true),
        (".*foo", "kafoosh", true),
        ("a|b|cd", "xcx", false),
        ("a|b|cd", "xcdx", true),
        ("^(a|b|cd)$", "b", true),
        ("^(a|b|cd)+$", "abcdcd", true),
        ("^(?:ab)*$", "", true),
        ("^a?b$", "b", true),
        ("^a{2}$", "aa", true),
        ("^a{2}$", "aaa", false),
        ("^a{2,}$", "aaaa", true),
        ("^a{1,2}$", "aaa", false),
        ("^(a{2}){2}$", "aaaa", true),
        ("^(a{2}){2}$", "aaa", false),
        ("^a*?b+?$", "aab", true),
        ("[a-c]", "xb", true),
        ("[^a-c]", "abc", false),
        ("[]]", "]", true),
        ("[a-]", "-", true),
        (r"[\d.]+", "x1.5", true),
        (r"^\d{3}-\d{4}$", "555-1234", true),
        (r"\w+@\w+\.com", "a@b.com", true),
        (r"\bfoo\b", "a foo b", true),
        (r"\bfoo\b", "afoo", false),
        (r"\Boo", "foo", true),
        ("(?i)FOO", "xfoo", true),
        ("(?i)É", "é", true),
        ("(?i:f)OO", "FOO", true),
        ("(?i:f)OO", "foo", false),
        ("a.c", "a\nc", false),
        ("(?s)a.c", "a\nc", true),
        ("^b", "a\nb", false),
        ("(?m)^b$", "a\nb\nc", true),
        (r"\x41\u0042\u{43}", "ABC", true),
        (r"\.", "a", false),
        (r"^\S+$", "a b", false),
        ("(?P<n>a)", "a", true),
        ("", "", true),
        ("(|a)b", "b", true),
        ("^(a|ab)(c|bcd)$", "abcd", true),
        ("^(((a)))$", "a", true),
        (r"\Aa\z", "a", true),
    ];
    for (pattern, text, expected) in cases {
        let compiled = Pattern::parse(pattern).unwrap_or_else(|| panic!("{pattern}"));
        assert_eq!(
            compiled.matches(text, false),
            *expected,
            "{pattern} in {text:?}"
        );
        let whole = Pattern::parse(&format!("^(?:{pattern})$")).expect("as before");
        assert_eq!(
            compiled.matches(text, true),
            whole.matches(text, false),
            "{pattern} as all of {text:?}"
        );
    }
    for pattern in [
        "(",
        ")",
        "[",
        "[f.*",
        "*",
        "a{2",
        "a{3,2}",
        "[b-a]",
        r"\q",
        "(?x)a",
        "[[:alpha:]]",
        "a**{",
        "(a{1000}){1000}",
    ] {
        assert_eq!(Pattern::parse(pattern), None, "{pattern}");
    }
    let hostile = Pattern::parse("^(a|a)*(a|aa)+$").unwrap();
    assert!(!hostile.matches(&format!("{}b", "a".repeat(20_000)), false));
}

/// A path of RFC 9535, as the other implementation reads it too; what RedisJSON defines otherwise is left out.
fn random_path(random: &mut Random) -> String {
    let mut path = String::from("$");
    for _ in 0..random.below(4) {
        let name = ["a", "b", "c", "d", "a1", "b2"][random.below(6)];
        let segment = match random.below(10) {
            0 | 1 => format!(".{name}"),
            2 => format!("['{name}','a b']"),
            3 => "[*]".to_owned(),
            4 => format!("..{name}"),
            5 => "..*".to_owned(),
            6 => format!("[{}]", random.below(4)),
            7 => {
                let bound = |random: &mut Random| match random.below(3) {
                    0 => String::new(),
                    _ => (random.below(9) as i64 - 4).to_string(),
                };
                let (start, end) = (bound(random), bound(random));
                format!(
                    "[{start}:{end}:{}]",
                    ["1", "2", "-1", "-2", ""][random.below(5)]
                )
            }
            8 => format!("..[{}]", random.below(3)),
            _ => format!("[?{}]", random_filter(random)),
        };
        path.push_str(&segment);
    }
    path
}

fn random_filter(random: &mut Random) -> String {
    let query = ["@", "@.a", "@.b", "@[0]", "@['a b']"][random.below(5)];
    let constant = ["1", "0", "-2", "0.5", "'a'", "'ab'", "null", "true"][random.below(8)];
    let comparison = match constant {
        // Booleans have no order in the RFC.
        "null" | "true" => ["==", "!="][random.below(2)],
        _ => ["==", "!=", "<", "<=", ">", ">="][random.below(6)],
    };
    match random.below(8) {
        0 => query.to_owned().replace('@', "@.a"),
        1 => format!("!{query}.a"),
        2 => format!("{} && {}", random_filter(random), random_filter(random)),
        3 => format!("({} || {})", random_filter(random), random_filter(random)),
        _ => format!("{query} {comparison} {constant}"),
    }
}

#[test]
fn random_paths_find_what_another_implementation_finds() {
    let seed = 9_535;
    println!("seed {seed}");
    let mut random = Random(seed);
    let mut matches = 0;
    for round in 0..4_000 {
        let document = Document::new(random.json(4));
        let text = String::from_utf8(document.root().to_text()).expect("text");
        let twin: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let path = random_path(&mut random);
        let expected = twin
            .query(&path)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        let expected: Vec<String> = expected.into_iter().map(ToString::to_string).collect();
        matches += expected.len();
        assert_eq!(
            found(&document, &path),
            expected.join(" "),
            "seed {seed}, round {round}: {path} in {text}"
        );
    }
    assert!(
        matches > 1_000,
        "{matches} matches: the paths must lead somewhere"
    );
}

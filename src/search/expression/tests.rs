//! Expressions against the language's description, example by example, and against a slow evaluator that walks a tree.

mod columns;
mod tree;

use super::{Expression, SyntaxError, number};

const ATTRIBUTES: &str = r#"{"n": 5, "n-1": 7, "s": "abb", "t": true, "z": null, "arr": [1, "x", [2]], "o": {"n": 1}, "ten": "10", "e": ""}"#;

fn matches(text: &str, attributes: &str) -> bool {
    let expression =
        Expression::compile(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    expression.matches(Some(attributes.as_bytes()))
}

fn check(expected: bool, texts: &[&str]) {
    for text in texts {
        assert_eq!(matches(text, ATTRIBUTES), expected, "{text}");
    }
}

fn check_near(text: &str, near: &str) {
    match Expression::compile(text.as_bytes()) {
        Err(SyntaxError { near: range }) => assert_eq!(&text[range], near, "{text}"),
        Ok(_) => panic!("{text} compiles"),
    }
}

#[test]
fn precedence_and_associativity_are_those_of_the_table() {
    check(
        true,
        &[
            "1 + 2 * 3 == 7",
            "2 * 3 ** 2 == 18",
            "2 ** 3 ** 2 == 512",
            "(1 + 2) * 3 == 9",
            "8 / 4 / 2 == 1",
        ],
    );
    check(
        true,
        &[
            "1 < 2 < 3",
            "3 > 2 == 1",
            "1 or 0 and 0",
            "1 || 0 && 0",
            "not .n == 0",
            "7 - 2 - 1 == 4",
        ],
    );
    check(
        false,
        &[
            "not .n == 5",
            "(1 or 0) and 0",
            "not 1",
            "!1",
            "2 ** -1 == 2",
        ],
    );
}

#[test]
fn words_are_read_by_their_longest_beginning() {
    check(
        true,
        &[
            "1 and1",
            ".n==5and.s==\"abb\"",
            "!.e",
            "1 ==! 0",
            "(.z == null)",
            "null==.z",
        ],
    );
    check(false, &["not.n", "1 !=! 0", ".n not in [5]"]);
}

#[test]
fn numbers_have_no_exponent_sign_and_a_minus_only_where_no_value_precedes() {
    check(
        true,
        &[
            "1e3 == 1000",
            "1.5 == 3/2",
            "1. == 1",
            "5 -3 == 2",
            ".n -3 == 2",
            "(5)-3 == 2",
            "-3 < 0",
            "1 - -1 == 2",
        ],
    );
    check(
        true,
        &[
            "2 * -3 == -6",
            "-1 in [-1]",
            ".n-1 == 7",
            "123456789012345678 == 123456789012345680",
        ],
    );
    check(false, &[".5", "1e3 != 1000"]);
    check_near("1e-3", "-3");
    check_near("0x5", "5");
    check_near("- 5", "- 5");
    check_near("-.n", "-.n");
    check_near("1 and 1.5.5 and 1", " and 1");
}

#[test]
fn strings_keep_their_backslashes() {
    let attributes = r#"{"s": "a\\\"b", "u": "\u00e9", "nl": "x\ny"}"#;
    assert!(matches(r#".s == "a\"b""#, attributes));
    assert!(matches(r#".u == "u00e9""#, attributes));
    assert!(matches(".nl == 'x\ny'", attributes));
    assert!(!matches(r#".nl == "x\ny""#, attributes));
    check_near("1 and \"abc", "1 and \"abc");
}

#[test]
fn fields_are_top_level_names_and_a_lone_point_matches_nothing() {
    check(false, &[".", ".nope", ".o", "1 and ."]);
    assert!(!matches(".", r#"{"": 1}"#));
    check_near(".a.b", ".a.b");
    check_near("..a", "..a");
    check_near("1 and . ", ". ");
}

#[test]
fn tuples_hold_numbers_and_strings() {
    check(
        true,
        &[
            "5 in [1, 5]",
            "5 in [5,]",
            "\"x\" in [ 'x' ]",
            "[]",
            "1 in .arr",
            "\"x\" in .arr",
            ".n in [5]",
        ],
    );
    check(true, &["\"10\" in [10]", "\"x\" in [0]", "0 in .arr"]);
    check(
        false,
        &[
            "1 in []",
            "5 in 5",
            "5 in .z",
            "1 in \"1\"",
            "null in [0]",
            "2 in .arr",
        ],
    );
    check_near("[[1]]", "[1]]");
    check_near("[1, null]", "null]");
    check_near("[1, .n]", ".n]");
    check_near("[- 1]", " 1]");
    check_near("[1 2]", "2]");
    check_near("1 in [1", "1 in [1");
}

#[test]
fn a_text_is_searched_for_a_part() {
    check(
        true,
        &[
            "\"bb\" in .s",
            "\"\" in .s",
            "\"\" in \"\"",
            ".s in \"xabbx\"",
        ],
    );
    check(false, &["\"ba\" in .s", ".s in \"ab\""]);
}

#[test]
fn null_equals_null_only() {
    check(
        true,
        &[
            ".z == null",
            "null == null",
            ".n != null",
            "not .z",
            "null + 1 == 1",
        ],
    );
    check(
        false,
        &[".z", "null == 0", "0 == null", "null == \"\"", "null in .z"],
    );
}

#[test]
fn values_become_numbers_as_c_reads_them() {
    check(
        true,
        &[
            "\"10\" == 10",
            "\"abc\" == 0",
            ".arr == \"x\"",
            "\" 0x5\" == 5",
            "\"5e0\" == 5",
            "\"inf\" > 1e300",
        ],
    );
    check(
        true,
        &[
            "1 / 0 > 1e300",
            "-7 % 3 == -1",
            "\"0\"",
            "7 % 0",
            "\"nan\" + 0 != \"nan\" + 0",
            ".t == 1",
            ".e == 0",
        ],
    );
    check(
        false,
        &[
            ".s > \"abb\"",
            ".s < \"zzz\"",
            "7 % 0 == 7 % 0",
            "\"5 \" == 5",
            "\"\"",
        ],
    );
    let digits = |count: usize| format!("\"{}1\" == 1", "0".repeat(count - 1));
    check(true, &[&digits(number::TEXT_BYTES_MAX)]);
    check(false, &[&digits(number::TEXT_BYTES_MAX + 1)]);
}

#[test]
fn nothing_is_short_circuited() {
    check(
        false,
        &[
            "1 or .nope",
            "not .nope",
            ".n == 5 or .nope == 2",
            "1 or .o",
            "null == .nope",
        ],
    );
}

#[test]
fn no_attributes_match_nothing_and_broken_ones_match_constants() {
    let one = Expression::compile(b"1").unwrap();
    assert!(!one.matches(None));
    assert!(one.matches(Some(b"no json")) && one.matches(Some(b"")));
    assert!(
        !Expression::compile(b".n")
            .unwrap()
            .matches(Some(b"no json"))
    );
}

#[test]
fn attributes_are_read_sloppily() {
    for (attributes, expected) in [
        (r#"{"a":1"#, true),
        (r#"{"a":1 garbage"#, true),
        (" \t\n{\"x\" : 0 , \"a\" : 1}", true),
        (r#"{"a":1,"a":0}"#, true),
        (r#"{"a":0,"a":1}"#, false),
        (r#"{"\u0061":1}"#, false),
        (r#"{"x":[{],"a":1}"#, true),
        (r#"{"x":{"y":"}"},"a":1}"#, true),
        (r#"{"x":-e+,"a":1}"#, true),
        (r#"{"x":tru,"a":1}"#, false),
        (r#"{"x":1 "a":1}"#, false),
        (r#"{"x":1,,"a":1}"#, false),
        (r#"{"a":+5}"#, true),
        (r#"{"a":.5}"#, false),
        (r#"{"a":1-5}"#, false),
        (r#"{"a":truex}"#, false),
        (r#"{"a":[1,{}]}"#, false),
        (r#"{"a":[1,]}"#, false),
        (r#"{"a":[1 2]}"#, false),
        (r#"{"a":[[],[1,[]]]}"#, true),
        (r#"{"a":[[]}"#, false),
        (r#"{"a":"x}"#, false),
        (r#"{"a":"x\""#, false),
        (r#"{"a":"x\"#, false),
        (r#"["a",1]"#, false),
    ] {
        assert_eq!(matches(".a", attributes), expected, "{attributes}");
    }
}

#[test]
fn errors_show_the_text_from_where_reading_stopped_or_all_of_it() {
    check_near("1 = 1", " 1");
    check_near(".b == true or 1", " or 1");
    check_near("1 AND 1", " 1");
    check_near("1 @ 2", "@ 2");
    for text in [
        "",
        " ",
        "true",
        "(1",
        "1)",
        "()",
        "1 2",
        "1 and",
        "and 1",
        "not not 1",
        "!!1",
        "1 ** * 2",
        "1 or or",
    ] {
        check_near(text, text);
    }
    // A text ends at its first NUL byte; what can not be read counts before what does not fit.
    assert!(Expression::compile(b"1\0 bogus").is_ok());
    check_near(")@", "@");
}

#[test]
fn depth_costs_no_stack() {
    let deep = 100_000;
    let nested = format!("{}1{}", "(".repeat(deep), ")".repeat(deep));
    check(true, &[&nested]);
    let right = format!("{}1{}", "1+(".repeat(deep), ")".repeat(deep));
    check(true, &[&format!("{right} == {}", deep + 1)]);
    check_near(&"(".repeat(deep), &"(".repeat(deep));
    let array = format!("{{\"a\":{}{}}}", "[".repeat(deep), "]".repeat(deep));
    assert!(matches(".a and 0 in .a", &array));
    assert!(!matches("1 in .a", &array));
}

#[test]
fn random_expressions_agree_with_a_tree_that_is_walked() {
    let seed = 0x5eed;
    let mut dice = tree::Dice(seed);
    let mut matched = 0;
    for round in 0..20_000 {
        let tree = dice.tree(0);
        let mut attributes: Vec<_> = tree::FIELDS
            .iter()
            .map(|field| (*field, dice.json(0)))
            .collect();
        attributes.remove(dice.roll(tree::FIELDS.len() * 3).min(attributes.len() - 1));
        let fields: Vec<_> = attributes
            .iter()
            .map(|(key, json)| format!("\"{key}\": {}", json.print()))
            .collect();
        let attributes_text = format!("{{{}}}", fields.join(", "));
        let expected = tree
            .eval(&attributes)
            .is_some_and(|value| tree::is_true(&value));
        let text = tree.print();
        assert_eq!(
            matches(&text, &attributes_text),
            expected,
            "seed {seed} round {round}: {text} on {attributes_text}"
        );
        matched += usize::from(expected);
    }
    assert!(
        (4_000..16_000).contains(&matched),
        "{matched} of 20,000 matched: the generator tells nothing"
    );
}

#[test]
fn random_bytes_never_panic() {
    let seed = 7;
    let mut dice = tree::Dice(seed);
    let alphabet = b"(((.a1\"'[],- \\=!<>&|*innotandor{}:te\0\xff";
    for _ in 0..50_000 {
        let text: Vec<u8> = (0..dice.roll(16))
            .map(|_| alphabet[dice.roll(alphabet.len())])
            .collect();
        let attributes: Vec<u8> = b"{\"a\":"
            .iter()
            .copied()
            .chain((0..dice.roll(16)).map(|_| alphabet[dice.roll(alphabet.len())]))
            .collect();
        match Expression::compile(&text) {
            Ok(expression) => {
                expression.matches(Some(&attributes));
            }
            Err(SyntaxError { near }) => {
                assert!(near.start <= near.end && near.end <= text.len(), "{text:?}")
            }
        }
        Expression::compile(b".a or 1 in .a")
            .unwrap()
            .matches(Some(&attributes));
    }
}

//! Documents: text there and back, places, alterations.

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn text(node: Node<'_>) -> String {
    String::from_utf8(node.to_text()).expect("JSON text is UTF-8")
}

#[track_caller]
fn check_round_trip(given: &str, expected: &str) {
    assert_eq!(text(json(given).node()), expected);
    assert_eq!(json(expected), json(given));
}

#[test]
fn texts_keep_order_and_kinds_of_numbers() {
    check_round_trip(
        r#" { "b" : 1 , "a" : [ 1.0, -0, 2.50 ] } "#,
        r#"{"b":1,"a":[1.0,-0.0,2.5]}"#,
    );
    check_round_trip("18446744073709551615", "18446744073709551615");
    check_round_trip("-9223372036854775808", "-9223372036854775808");
    check_round_trip(
        "[1e308,1e-7,1e15,1e16,123456789012345680000]",
        "[1e308,1e-7,1000000000000000.0,1e16,1.2345678901234568e20]",
    );
    check_round_trip(r#""\u0001\n\"\\\/é""#, r#""\u0001\n\"\\/é""#);
    check_round_trip(r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#);
    check_round_trip("[0.1,0.2,0.3,0.4,5]", "[0.1,0.2,0.3,0.4,5]");
}

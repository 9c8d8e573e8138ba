//! Expressions in tables: their values, and the words of every refusal.

use super::*;

/// A document: name, number, list and place; nothing else. The words by which it was found.
struct Document {
    terms: Vec<String>,
}

impl Row for Document {
    fn get(&self, property: &str) -> Option<Value> {
        Some(match property {
            "name" => Value::from("Hello, World"),
            "n" => Value::Number(7.0),
            "s" => Value::from("2.5"),
            "nil" => Value::Null,
            "list" => Value::Array(vec![Value::from("a"), Value::from("b")]),
            "ts" => Value::Number(1_517_417_144.0),
            "place" => Value::from("-122.41,37.77"),
            r"odd\-name" => Value::Number(1.0),
            _ => return None,
        })
    }

    fn matched_terms(&self) -> &[String] {
        &self.terms
    }
}

fn document() -> Document {
    Document {
        terms: vec!["hello".to_owned(), "world".to_owned()],
    }
}

/// The value of an expression as text; NULL, arrays and errors marked.
fn show(text: &str) -> String {
    let expression = match parse(text.as_bytes()) {
        Ok(expression) => expression,
        Err(error) => return format!("! {error}"),
    };
    match expression.evaluate(&document(), Mode::Query) {
        Ok(value) => show_value(&value),
        Err(error) => format!("! {error}"),
    }
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(show_value).collect();
            format!("[{}]", values.join(" "))
        }
        value => String::from_utf8_lossy(&value.to_text()).into_owned(),
    }
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(&show(text), expected, "{text}");
    }
}

#[test]
fn arithmetic() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("2 ^ 3 ^ 2", "512"),
        ("7 - 2 - 1", "4"),
        ("7 % 4", "3"),
        ("1 / 3", "0.333333333333"),
        ("@n / 0", "inf"),
        ("@s * 2", "5"),
        ("1 % ''", "! Could not convert value to a number"),
        ("ceil('')", "nan"),
        (r"@odd\-name + 1", "2"),
        ("(2 - @s)/2", "-0.25"),
    ]);
}

#[test]
fn comparisons_and_logic() {
    check(&[
        ("@n == 7", "1"),
        ("@n != 7", "0"),
        ("@n >= '6'", "1"),
        ("@name == 'Hello, World'", "1"),
        ("@name == 5", "0"),
        ("'abc' < 'abd'", "1"),
        ("NULL == NULL", "1"),
        ("@nil < 1", "1"),
        ("!@nil", "1"),
        ("!!@n", "7"),
        ("!@n == 7", "0"),
        ("1 && 0 || 1", "1"),
        ("'' || 0", "0"),
        ("@gone || 1", "1"),
        ("@gone && 1", "0"),
        ("1 || @gone", "1"),
        ("@n > 5 && @n < 10", "1"),
    ]);
}

#[test]
fn functions_of_numbers() {
    check(&[
        ("log(1)", "0"),
        ("log2(8)", "3"),
        ("exp(0)", "1"),
        ("ceil(1.2)", "2"),
        ("floor(-1.2)", "-2"),
        ("abs(-3)", "3"),
        ("sqrt(@n + 2)", "3"),
        ("sqrt(@name)", "nan"),
        ("to_number('12')", "12"),
    ]);
}

#[test]
fn functions_of_texts() {
    check(&[
        ("upper(@name)", "HELLO, WORLD"),
        ("LOWER(@name)", "hello, world"),
        ("upper(5)", "NULL"),
        ("startswith(@name, 'Hell')", "1"),
        ("contains('banana', 'ana')", "2"),
        ("contains('ab', '')", "3"),
        ("strlen(@name)", "12"),
        ("substr(@name, 0, 5)", "Hello"),
        ("substr(@name, -5, 3)", "Wor"),
        ("substr(@name, 7, -2)", "Wor"),
        ("substr(@name, 99, 3)", ""),
        ("format('%s is %s%%', @name, @n)", "Hello, World is 7%"),
        ("format('%s', NULL)", "(null)"),
        ("split(@name)", "[Hello World]"),
        ("split(' a; b ;', ';')", "[a b]"),
        ("split('-a-,b', ',', '-')", "[a b]"),
        ("to_str(@n)", "7"),
        ("matched_terms()", "[hello world]"),
        ("matched_terms(1)", "[hello]"),
    ]);
}

#[test]
fn functions_of_what_is_there() {
    check(&[
        ("exists(@n)", "1"),
        ("exists(@gone)", "0"),
        ("exists(@nil)", "1"),
        ("exists(upper(1))", "1"),
        ("case(exists(@gone), @gone, 'no')", "no"),
        ("case(@n > 5, 'big', @gone)", "big"),
    ]);
}

#[test]
fn functions_of_time() {
    check(&[
        ("timefmt(@ts)", "2018-01-31T16:45:44Z"),
        (
            "timefmt(@ts, '%A %d %B %y %j %U %V %e')",
            "Wednesday 31 January 18 031 04 05 31",
        ),
        ("timefmt(@name)", "NULL"),
        ("parsetime('2018-01-31T16:45:44Z', '%FT%TZ')", "1517417144"),
        (
            "parsetime('31 Jan 2018 04:45 PM', '%d %b %Y %I:%M %p')",
            "1517417100",
        ),
        ("parsetime('yesterday', '%F')", "NULL"),
        ("minute(@ts)", "1517417100"),
        ("hour(@ts)", "1517414400"),
        ("day(@ts)", "1517356800"),
        ("month(@ts)", "1514764800"),
        ("year(@ts)", "2018"),
        ("monthofyear(@ts)", "0"),
        ("dayofmonth(@ts)", "31"),
        ("dayofweek(@ts)", "3"),
        ("dayofyear(@ts)", "30"),
        ("year(-5)", "NULL"),
    ]);
}

#[test]
fn functions_of_places() {
    check(&[
        ("geodistance(@place, '-122.41,37.77')", "0"),
        ("geodistance(@place, -122.41, 37.77)", "0"),
        ("geodistance('0,0', '0,1')", "111226.3"),
        ("geodistance(0, 0, '0,1')", "111226.3"),
        ("geodistance(0, 0, 0, 1)", "111226.3"),
        ("geodistance(',2', '1,2')", "111158.54"),
        ("geodistance(@name, '0,0')", "! Invalid geo string"),
    ]);
}

#[test]
fn refusals_have_the_words_of_the_module() {
    check(&[
        ("", "! Syntax error at offset 0 near ''"),
        ("1 +", "! Syntax error at offset 2 near '1'"),
        ("@n -1", "! Syntax error at offset 3 near '-1'"),
        ("1 == 2 == 3", "! Syntax error at offset 7 near '2'"),
        ("(1", "! Syntax error at offset 1 near '1'"),
        ("price", "! Unknown symbol 'price'"),
        ("price + 1", "! Unknown symbol 'price'"),
        (
            "price 1",
            "! Syntax error at offset 6 near '1': Unknown symbol 'price'",
        ),
        ("nosuch(1)", "! Unknown function name 'nosuch'"),
        (
            "sqrt(1, 2)",
            "! Function 'sqrt' expects 1 arguments, but got 2",
        ),
        (
            "split()",
            "! Function 'split' expects between 1 and 3 arguments, but got 0",
        ),
        (
            "@gone",
            "! Could not find the value for a parameter name, consider using EXISTS if applicable for gone",
        ),
        (
            "@gone == 1",
            "! Could not find the value for a parameter name, consider using EXISTS if applicable for gone",
        ),
        (
            "0 || @gone",
            "! Could not find the value for a parameter name, consider using EXISTS if applicable for gone",
        ),
        ("@name + 1", "! Could not convert value to a number"),
        (
            "@name > 1",
            "! Error converting string 'Hello, World' to number",
        ),
        (
            "to_number(@name)",
            "! to_number: cannot convert string 'Hello, World'",
        ),
        (
            "strlen(5)",
            "! Invalid type (1) for argument 0 in function 'strlen'. VALIDATE_ARG__STRING(v, 0) was false.",
        ),
        (
            "substr('a', '0', 1)",
            "! Invalid type (3) for argument 1 in function 'substr'. VALIDATE_ARG__TYPE(v, RSValueType_Number) was false.",
        ),
        ("format('%')", "! Bad format string!"),
        ("format('%s')", "! Not enough arguments for format"),
        ("format('%d', 1)", "! Unknown format specifier passed"),
    ]);
}

#[test]
fn an_index_admits_documents_without_errors() {
    let admits = |text: &str| parse(text.as_bytes()).is_ok_and(|e| e.admits(&document()));
    assert!(admits("@n == 7") && admits("@gone == 1 || @n > 1"));
    assert!(!admits("@gone == 1") && !admits("@gone") && !admits("@name > 1"));
}

#[test]
fn properties_are_checked_against_the_pipeline() {
    let expression = parse(b"sqrt(@a) + @b * @a").unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(expression.properties(), ["a", "b", "a"]);
    let refused = expression.check_properties(|name| name == "a");
    let text = refused.map_err(|error| error.to_string());
    assert_eq!(
        text,
        Err("Property `b` not loaded nor in pipeline".to_owned())
    );
}

#[test]
fn large_expressions_are_refused() {
    let sum = vec!["1"; 100_000].join(" + ");
    assert_eq!(parse(sum.as_bytes()), Err(ExpressionError::TooLarge));
    let deep = "(".repeat(100_000);
    assert_eq!(parse(deep.as_bytes()), Err(ExpressionError::TooLarge));
    let nots = "!".repeat(100_000);
    assert_eq!(parse(nots.as_bytes()), Err(ExpressionError::TooLarge));
    assert!(parse(vec!["1"; 400].join(" + ").as_bytes()).is_ok());
}

#[test]
fn dates_are_those_of_the_calendar() {
    let cases = [
        (0, (1970, 0, 1, 4, 0)),
        (951_782_400, (2000, 1, 29, 2, 59)),
        (4_107_542_400, (2100, 2, 1, 1, 59)),
        (-1, (1969, 11, 31, 3, 364)),
    ];
    for (seconds, expected) in cases {
        let date = time::Date::of(seconds);
        let found = (
            date.year,
            date.month,
            date.day,
            date.weekday,
            date.day_of_year,
        );
        assert_eq!(found, expected, "{seconds}");
    }
    for days in (-700_000..2_900_000).step_by(97) {
        let seconds = days * 86_400 + 45_296;
        assert_eq!(time::Date::of(seconds).seconds(), seconds);
    }
}

/// Random strings of everything that means something: no panic, neither reading nor evaluating.
#[test]
fn random_expressions_are_answered() {
    const PARTS: &str = "@n @name @gone @list 1 -1 2.5 + - * / % ^ ( ) , == != < >= && || ! 'a' \"%s\" NULL case exists format substr \
         timefmt parsetime split geodistance @ts ä _ _";
    let parts: Vec<&str> = PARTS.split_whitespace().collect();
    let seeds = match std::env::var("RHUMB_TEST_SEED") {
        Ok(seed) => vec![seed.parse().expect("RHUMB_TEST_SEED is a number")],
        Err(_) => vec![1u64, 2, 3],
    };
    for seed in seeds {
        println!("RHUMB_TEST_SEED={seed}");
        let mut random = seed;
        let mut draw = |below: usize| {
            // xorshift64 (Marsaglia 2003).
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 11) as usize % below
        };
        let mut values = 0;
        for _ in 0..10_000 {
            let text: String = (0..draw(12)).map(|_| parts[draw(parts.len())]).collect();
            if let Ok(expression) = parse(text.replace('_', " ").as_bytes()) {
                values += usize::from(expression.evaluate(&document(), Mode::Query).is_ok());
                expression.admits(&document());
            }
        }
        assert!(
            values > 100,
            "only {values} of the random expressions had values"
        );
    }
}

//! Reducers over small groups, and the words of every refusal.

use super::*;

/// A row of a number, a text and a list; a number of NaN is a row without it.
struct Made(f64, &'static str);

impl From<&Made> for Properties {
    fn from(&Made(number, text): &Made) -> Properties {
        let (number, text) = (Value::Number(number), Value::from(text));
        let list = Value::Array(vec![number.clone(), text.clone()]);
        let all = [("n", number), ("s", text), ("list", list)];
        let there = |(name, value): &(&str, Value)| {
            *name != "n" || value.to_number().is_some_and(|number| !number.is_nan())
        };
        let named = all.into_iter().filter(there);
        named
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

const ROWS: [Made; 5] = [
    Made(3.0, "b"),
    Made(1.0, "a"),
    Made(f64::NAN, "c"),
    Made(3.0, "d"),
    Made(5.0, "a"),
];

fn call(line: &str) -> ReducerCall {
    let mut words = line.split_whitespace();
    ReducerCall {
        function: words.next().unwrap_or_default().to_owned(),
        arguments: words.map(|word| word.as_bytes().to_vec()).collect(),
        name: String::new(),
    }
}

fn make(line: &str) -> Result<Reducer, ReducerError> {
    Reducer::new(&call(line), |name| {
        matches!(name, "n" | "s" | "list" | "gone")
    })
}

fn reduce(line: &str, rows: &[Made]) -> Value {
    let reducer = make(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let mut accumulator = reducer.start(7);
    rows.iter().for_each(|row| accumulator.add(&row.into()));
    accumulator.finish().value
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(show).collect();
            format!("[{}]", values.join(" "))
        }
        value => String::from_utf8_lossy(&value.to_text()).into_owned(),
    }
}

#[test]
fn groups_become_values() {
    let cases = [
        ("COUNT", "5"),
        ("count_distinct @n", "3"),
        ("COUNT_DISTINCT @s", "4"),
        ("COUNT_DISTINCTISH s", "4"),
        ("SUM @n", "12"),
        ("SUM @gone", "nan"),
        ("SUM @s", "nan"),
        ("AVG @n", "3"),
        ("MIN @n", "1"),
        ("MAX @n", "5"),
        ("MIN @gone", "inf"),
        ("STDDEV @n", "1.63299316186"),
        ("STDDEV @gone", "0"),
        ("QUANTILE @n 0.5", "3"),
        ("QUANTILE @n 0", "1"),
        ("QUANTILE @n 1", "5"),
        ("QUANTILE @gone 0.5", "nan"),
        ("TOLIST @s", "[b a c d]"),
        ("TOLIST @n", "[3 1 5]"),
        ("FIRST_VALUE @s", "b"),
        ("FIRST_VALUE @s BY @n", "a"),
        ("FIRST_VALUE @s BY @n DESC", "a"),
        ("FIRST_VALUE @n BY @s DESC", "3"),
        ("FIRST_VALUE @gone", "NULL"),
        ("HLL_SUM @n", "0"),
    ];
    for (line, expected) in cases {
        assert_eq!(show(&reduce(line, &ROWS)), expected, "{line}");
    }
}

#[test]
fn lists_are_taken_apart() {
    let rows = [Made(1.0, "a"), Made(2.0, "a")];
    assert_eq!(show(&reduce("TOLIST @list", &rows)), "[1 a 2]");
    assert_eq!(show(&reduce("QUANTILE @list 1", &rows)), "2");
}

/// A hundredth of the rank is added below five hundred values, as the module does.
#[test]
fn quantiles_have_the_ranks_of_the_module() {
    let rows: Vec<Made> = (1..=200).map(|n| Made(f64::from(n), "")).collect();
    assert_eq!(reduce("QUANTILE @n 0.5", &rows), Value::Number(101.0));
    let rows: Vec<Made> = (1..=1000).map(|n| Made(f64::from(n), "")).collect();
    assert_eq!(reduce("QUANTILE @n 0.5", &rows), Value::Number(500.0));
}

#[test]
fn samples_are_of_the_size_and_from_the_rows() {
    let rows: Vec<Made> = (1..=100).map(|n| Made(f64::from(n), "")).collect();
    let Value::Array(values) = reduce("RANDOM_SAMPLE @n 10", &rows) else {
        panic!("no array")
    };
    let numbers: HashSet<i64> = values
        .iter()
        .filter_map(|value| value.to_number().map(|number| number as i64))
        .collect();
    assert_eq!((values.len(), numbers.len()), (10, 10));
    assert!(numbers.iter().any(|number| *number > 10), "{numbers:?}");
    assert_eq!(show(&reduce("RANDOM_SAMPLE @n 10", &ROWS)), "[3 1 3 5]");
}

#[test]
fn sketches_count_and_merge() {
    let rows = |range: std::ops::Range<i32>| -> Vec<Made> {
        range.map(|n| Made(f64::from(n), "")).collect()
    };
    let about = reduce("COUNT_DISTINCTISH @n", &rows(0..10_000)).to_number();
    let about = about.unwrap_or_default();
    // Three standard errors of 256 registers.
    assert!((8_000.0..12_000.0).contains(&about), "{about}");
    let sketch = |range| match reduce("HLL @n", &rows(range)) {
        Value::Text(bytes) => HyperLogLog::from_bytes(&bytes),
        _ => None,
    };
    let (mut half, other, whole) = (sketch(0..500), sketch(500..1000), sketch(0..1000));
    if let (Some(half), Some(other)) = (&mut half, &other) {
        half.merge(other);
    }
    assert!(half.is_some() && half == whole);
    assert_eq!(HyperLogLog::from_bytes(b"rubbish"), None);
}

#[test]
fn refusals_have_the_words_of_the_module() {
    let cases = [
        ("MEDIAN @n", "No such reducer: MEDIAN"),
        ("COUNT 1", "Count accepts 0 values only"),
        ("SUM", "Missing arguments for SUM"),
        (
            "SUM @nowhere",
            "Property is not present in document or pipeline: `nowhere`",
        ),
        (
            "QUANTILE @n",
            "Bad arguments for QUANTILE: Expected an argument, but none provided",
        ),
        (
            "QUANTILE @n x",
            "Bad arguments for QUANTILE: Could not convert argument to expected type",
        ),
        ("QUANTILE @n 2", "Percentage must be between 0.0 and 1.0"),
        ("QUANTILE @n 0.5 0", "Invalid resolution"),
        (
            "FIRST_VALUE @n FOO",
            "Unknown argument `FOO` at position 1 for FIRST_VALUE",
        ),
        ("FIRST_VALUE @n BY", "Missing arguments for FIRST_VALUE"),
        (
            "RANDOM_SAMPLE @n",
            "Bad arguments for <sample size>: Expected an argument, but none provided",
        ),
        ("RANDOM_SAMPLE @n 5000", "Sample size too large"),
    ];
    for (line, expected) in cases {
        let found = make(line).map_err(|error| error.to_string());
        assert_eq!(found.err().as_deref(), Some(expected), "{line}");
    }
}

//! The shape of FT.PROFILE in both versions of the protocol: which parts there are, in which order, of which type.

use crate::client::{Client, packed};
use crate::support::dice::Dice;
use rhumb::protocol::client::Value;

/// A reply as one line: `{name: value}` for maps, `[..]` for arrays, text in quotes where it is a bulk string. Times, which
/// must be numbers, are `t`.
fn shape(value: &Value) -> String {
    let list = |items: &[Value]| {
        let mut is_time = false;
        let items = items.iter().map(|item| {
            let shown = if is_time { time(item) } else { shape(item) };
            is_time = names_a_time(item);
            shown
        });
        items.collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::Map(pairs) => {
            let pairs = pairs.iter().map(|(name, value)| {
                let is_time = names_a_time(name);
                let value = if is_time { time(value) } else { shape(value) };
                format!("{}: {value}", shape(name))
            });
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", list(items)),
        Value::Simple(text) => text.clone(),
        Value::Int(n) => n.to_string(),
        Value::Bulk(_) => format!("'{}'", value.as_str().expect("text")),
        other => panic!("{other:?} in a profile"),
    }
}

fn names_a_time(name: &Value) -> bool {
    let name = name.as_str().unwrap_or_default();
    name == "Time" || name.ends_with(" time")
}

/// RESP2 has no doubles.
fn time(value: &Value) -> String {
    let is_time = matches!(value, Value::Double(_) | Value::Bulk(_));
    let ms = value.as_f64().filter(|_| is_time);
    assert!(ms.is_some_and(|ms| ms >= 0.0), "{value:?} is no time");
    "t".to_owned()
}

/// What RESP2 has in place of maps.
fn flat(shape: &str) -> String {
    shape
        .replace('{', "[")
        .replace('}', "]")
        .replace(": ", ", ")
}

/// The profile of a request that nobody had to wait for, as RESP3 shows it.
fn whole(conditions: &str, steps: &[(&str, usize)]) -> String {
    let steps = steps
        .iter()
        .map(|(step, rows)| format!("{{Type: {step}, Time: t, Results processed: {rows}}}"));
    let steps = steps.collect::<Vec<_>>().join(", ");
    format!(
        "{{Shards: [{{Total profile time: t, Parsing time: t, Workers queue time: t, Pipeline creation time: t, Total GIL time: t, \
         Warning: [None], Iterators profile: {conditions}, Result processors profile: [{steps}]}}], Coordinator: {{}}}}"
    )
}

#[test]
fn a_profile_has_the_parts_of_the_module_in_both_versions() {
    let (_server, mut client) = Client::start();
    client.ok(
        "FT.CREATE idx PREFIX 1 d: SCHEMA kind TAG age NUMERIC place GEO colour TAG INDEXMISSING",
    );
    client.ok("HSET d:1 kind cat age 3 place 13.4,52.5");
    client.ok("HSET d:2 kind dog age 5 place 2.3,48.9 colour red");
    client.ok("HSET d:3 kind cat age 7 place 13.5,52.6 colour red");
    let counts =
        |n| format!("Time: t, Number of reading operations: {n}, Estimated number of matches: {n}");
    let cats = format!("{{Type: TAG, Term: cat, {}}}", counts(2));
    let missing = format!("{{Type: MISSING, Field: 'colour', {}}}", counts(1));
    let near = format!("{{Type: GEO, Term: 13.4,52.5, {}}}", counts(2));
    let page = |rows| {
        vec![
            ("Index", rows),
            ("Scorer", rows),
            ("Sorter", rows),
            ("Loader", rows),
        ]
    };
    let loaded = vec![("Index", 2), ("Loader", 2), ("Sorter", 2)];
    let cases = [
        ("SEARCH QUERY @kind:{cat}", whole(&cats, &page(2))),
        ("SEARCH QUERY ismissing(@colour)", whole(&missing, &page(1))),
        (
            "SEARCH QUERY '@place:[13.4 52.5 50 km]'",
            whole(&near, &page(2)),
        ),
        (
            "AGGREGATE QUERY @kind:{cat} LOAD 1 @age SORTBY 2 @age DESC",
            whole(&cats, &loaded),
        ),
    ];
    for (request, expected) in &cases {
        let reply = client.ok(&format!("FT.PROFILE idx {request} DIALECT 2"));
        let Some([results, profile]) = reply.as_items() else {
            panic!("{request}: {reply:?}");
        };
        assert!(results.as_items().is_some(), "{request}: {results:?}");
        assert_eq!(shape(profile), flat(expected), "{request}");
    }
    client.ok("HELLO 3");
    for (request, expected) in &cases {
        let reply = client.ok(&format!("FT.PROFILE idx {request} DIALECT 2"));
        let Value::Map(parts) = &reply else {
            panic!("{request}: {reply:?}");
        };
        let [(_, results), (_, profile)] = &parts[..] else {
            panic!("{request}: {reply:?}");
        };
        assert!(matches!(results, Value::Map(_)), "{request}: {results:?}");
        assert_eq!(shape(profile), *expected, "{request}");
    }
}

/// A search compares the signs of those that pass a filter first, and FT.PROFILE and EXPLAIN tell of how many; one that is asked for
/// everything does not.
#[test]
fn comparisons_of_signs_are_told() {
    const DOCUMENTS: i64 = 1_600;
    const PASSING: i64 = 160;
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx PREFIX 1 d: SCHEMA n NUMERIC v VECTOR HNSW 6 TYPE FLOAT32 DIM 128 DISTANCE_METRIC COSINE");
    let mut dice = Dice(11);
    let mut vector = || {
        let components = (0..128).map(|_| dice.below(1 << 20) as f32 - (1 << 19) as f32);
        packed(&components.collect::<Vec<_>>())
    };
    for at in 0..DOCUMENTS {
        let (key, n, vector) = (format!("d:{at}"), at.to_string(), vector());
        client.set(&key, &[("n", n.as_bytes()), ("v", &vector)]);
        let attributes = format!("{{\"n\":{n}}}");
        let (key, attributes) = (key.as_bytes(), attributes.as_bytes());
        let words: [&[u8]; 7] = [
            b"VADD", b"set", b"FP32", &vector, key, b"SETATTR", attributes,
        ];
        assert_eq!(client.call(&words), Value::Int(1));
    }
    client.ok("HELLO 3");
    let target = vector();
    let profile = format!(
        "FT.PROFILE idx SEARCH QUERY (@n:[0,{}])=>[KNN,1,@v,$q,EF_RUNTIME,10] NOCONTENT PARAMS 2 q",
        PASSING - 1
    );
    let words = profile
        .split(' ')
        .map(|word| word.replace(',', " ").into_bytes());
    let words: Vec<Vec<u8>> = words
        .chain([target.clone(), b"DIALECT".into(), b"2".into()])
        .collect();
    let told = shape(&client.call(&words));
    assert!(
        told.contains(&format!("Sign comparisons: {PASSING}")),
        "{told}"
    );
    let signs = |client: &mut Client, option: &[&[u8]]| {
        let filter = format!(".n < {PASSING}");
        let search: [&[u8]; 8] = [
            b"VSEARCH",
            b"set",
            b"1",
            b"FP32",
            &target,
            b"FILTER",
            filter.as_bytes(),
            b"EXPLAIN",
        ];
        let reply = client.call(&[&search[..], option].concat());
        let explained = reply.as_items().and_then(|parts| parts[1].as_pairs());
        let explained = explained.unwrap_or_else(|| panic!("no map in {reply:?}"));
        let signs = explained
            .iter()
            .find(|(name, _)| name.as_str() == Some("signs"));
        signs.and_then(|(_, signs)| signs.as_i64())
    };
    // The first searches make the column that says who passes.
    let found = (0..8).map(|_| signs(&mut client, &[b"EF", b"10"]));
    assert_eq!(found.last().flatten(), Some(PASSING));
    assert_eq!(signs(&mut client, &[b"EXACT"]), Some(0));
}

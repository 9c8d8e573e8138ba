//! Pages of what a search finds: in which order documents come, and that LIMIT cuts that order.

use crate::client::{Client, keys, total};
use crate::support::Server;
use rhumb::protocol::client::Value;

const DOCUMENTS: usize = 300;

fn key(at: usize) -> String {
    format!("d:{at}")
}

/// Numbers that come several times; every seventh document has none.
fn number(at: usize) -> Option<i64> {
    (!at.is_multiple_of(7)).then_some((at * 37 % 101) as i64 - 50)
}

/// Texts whose order is not that of their bytes.
fn name(at: usize) -> Option<String> {
    let text = format!("Name{:03}", at * 61 % 89);
    let text = if at.is_multiple_of(2) {
        text.to_uppercase()
    } else {
        text
    };
    (!at.is_multiple_of(5)).then_some(text)
}

fn start() -> (Server, Client) {
    let (server, mut client) = Client::start();
    client.ok("FT.CREATE idx PREFIX 1 d: SCHEMA n NUMERIC name TAG text TEXT");
    for at in 0..DOCUMENTS {
        let words = "word ".repeat(1 + at % 3);
        let mut line = format!("HSET {} text '{words}{at}'", key(at));
        line.extend(number(at).map(|n| format!(" n {n}")));
        line.extend(name(at).map(|name| format!(" name {name}")));
        client.ok(&line);
    }
    (server, client)
}

/// What a query shows, a page of `size` at a time.
fn in_pages(client: &mut Client, query: &str, size: usize) -> Vec<String> {
    let mut shown = Vec::new();
    for offset in (0..DOCUMENTS + size).step_by(size) {
        let line = format!("FT.SEARCH idx {query} NOCONTENT LIMIT {offset} {size}");
        let page = client.ok(&line);
        assert_eq!(total(&page), DOCUMENTS as i64, "{line}");
        shown.extend(keys(&page));
    }
    shown
}

/// Documents in the order of `by`; those without come last, equal ones in the order of indexing, or against it.
fn ordered<K: Ord>(by: impl Fn(usize) -> Option<K>, is_descending: bool) -> Vec<String> {
    let (mut with, mut without): (Vec<usize>, Vec<usize>) =
        (0..DOCUMENTS).partition(|&at| by(at).is_some());
    with.sort_by_key(|&at| by(at));
    if is_descending {
        with.reverse();
        without.reverse();
    }
    with.into_iter().chain(without).map(key).collect()
}

#[test]
fn pages_are_cut_from_one_order() {
    let (_server, mut client) = start();
    for (query, expected) in [
        ("*", (0..DOCUMENTS).map(key).collect()),
        ("* SORTBY n", ordered(number, false)),
        ("* SORTBY n DESC", ordered(number, true)),
        ("* SORTBY name", ordered(name, false)),
        ("* SORTBY name DESC", ordered(name, true)),
    ] {
        // A shorter document is worth more to `*` by the default scorer.
        let query = match query {
            "*" => "* SCORER DOCSCORE".to_owned(),
            query => query.to_owned(),
        };
        for size in [7, 100, 1000] {
            assert_eq!(
                in_pages(&mut client, &query, size),
                expected,
                "{query}, {size}"
            );
        }
    }
    let whole = in_pages(&mut client, "word", DOCUMENTS);
    assert_eq!(in_pages(&mut client, "word", 11), whole, "by score");
    assert_ne!(whole[0], key(0), "the second document has the word twice");
}

#[test]
fn scores_go_with_the_documents_of_the_page() {
    let (_server, mut client) = start();
    let scored = |client: &mut Client, options: &str| -> Vec<(String, String)> {
        let reply = client.ok(&format!(
            "FT.SEARCH idx word WITHSCORES NOCONTENT LIMIT 5 5 {options}"
        ));
        let texts: Vec<String> = reply.as_items().expect("a list")[1..]
            .iter()
            .map(|item| item.as_str().expect("a text").to_owned())
            .collect();
        let pairs = texts.chunks(2);
        pairs
            .map(|pair| (pair[0].clone(), pair[1].clone()))
            .collect()
    };
    let best = scored(&mut client, "");
    let shares = scored(&mut client, "SCORER BM25STD.NORM");
    assert_eq!(best.len(), 5);
    for ((key, score), (same, share)) in best.iter().zip(&shares) {
        assert_eq!(key, same);
        let (score, share): (f64, f64) = (score.parse().expect(score), share.parse().expect(share));
        assert!(
            score > 0.0 && share > 0.9 && share <= 1.0,
            "{key}: {score} {share}"
        );
    }
    for (key, score) in scored(&mut client, "SORTBY n") {
        assert!(
            score.parse::<f64>().is_ok_and(|score| score > 0.0),
            "{key}: {score}"
        );
    }
}

/// Vectors of f64 that are one in f32; the nearest comes last.
#[test]
fn distances_of_doubles_are_compared_with_all_their_digits() {
    let (_server, mut client) = Client::start();
    let packed = |x: f64| [x, 0.0].map(f64::to_le_bytes).concat();
    let target = packed(0.0);
    for algorithm in ["FLAT", "HNSW"] {
        client.ok(&format!(
            "FT.CREATE {algorithm} PREFIX 1 {algorithm}: SCHEMA \
             v VECTOR {algorithm} 6 TYPE FLOAT64 DIM 2 DISTANCE_METRIC L2"
        ));
        let x = |step: usize| 1.0 + (30 - step) as f64 * 1e-10;
        for step in 0..30 {
            let key = format!("{algorithm}:{step}");
            client.set(&key, &[("v", &packed(x(step)))]);
        }
        let mut ask = |query: &str| {
            let words: [&[u8]; 11] = [
                b"FT.SEARCH",
                algorithm.as_bytes(),
                query.as_bytes(),
                b"PARAMS",
                b"2",
                b"b",
                &target,
                b"NOCONTENT",
                b"LIMIT",
                b"0",
                b"100",
            ];
            let sorted = [b"SORTBY".as_slice(), b"d", b"DIALECT", b"2"];
            let reply = client.call(&[&words[..], &sorted].concat());
            assert!(!matches!(reply, Value::Error(_)), "{query}: {reply:?}");
            keys(&reply)
        };
        let nearest: Vec<String> = (0..30)
            .rev()
            .map(|step| format!("{algorithm}:{step}"))
            .collect();
        assert_eq!(ask("*=>[KNN 3 @v $b AS d]"), nearest[..3]);
        let radius = (x(20) * x(20) + x(21) * x(21)) / 2.0;
        let within = format!("@v:[VECTOR_RANGE {radius:e} $b]=>{{$YIELD_DISTANCE_AS: d}}");
        assert_eq!(ask(&within), nearest[..9], "{within}");
    }
}

/// A range knows distances of documents that another condition keeps out, and not of all that an alternative lets in.
#[test]
fn sorting_by_a_distance_shows_whoever_passes_and_nobody_else() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx PREFIX 1 d: SCHEMA n NUMERIC v VECTOR FLAT 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2");
    for at in 0..10u8 {
        let (key, n) = (key(at.into()), at.to_string());
        let vector = [f32::from(at), 0.0].map(f32::to_le_bytes).concat();
        client.set(&key, &[("n", n.as_bytes()), ("v", &vector)]);
    }
    let target = [0.0f32, 0.0].map(f32::to_le_bytes).concat();
    let mut ask = |query: &str, direction: &str| {
        let words = "PARAMS 2 b _ NOCONTENT SORTBY d _ DIALECT 2".split(' ');
        let mut words: Vec<&[u8]> = words.map(str::as_bytes).collect();
        (words[3], words[7]) = (&target, direction.as_bytes());
        let reply = client.call(
            &[
                &[b"FT.SEARCH".as_slice(), b"idx", query.as_bytes()],
                &words[..],
            ]
            .concat(),
        );
        assert_eq!(
            total(&reply),
            keys(&reply).len() as i64,
            "{query}: {reply:?}"
        );
        keys(&reply)
    };
    let range = "@v:[VECTOR_RANGE 17 $b]=>{$YIELD_DISTANCE_AS: d}";
    let expected = |all: &[usize]| all.iter().map(|at| key(*at)).collect::<Vec<_>>();
    for (query, direction, order) in [
        (format!("@n:[3 8] {range}"), "ASC", expected(&[3, 4])),
        (format!("@n:[3 8] {range}"), "DESC", expected(&[4, 3])),
        (format!("-@n:[1 3] {range}"), "ASC", expected(&[0, 4])),
        (
            format!("{range} | @n:[3 6]"),
            "DESC",
            expected(&[4, 3, 2, 1, 0, 6, 5]),
        ),
    ] {
        assert_eq!(ask(&query, direction), order, "{query} {direction}");
    }
}

/// An infinity is a number as others are, and without end only where the range goes that way.
#[test]
fn ranges_end_at_infinite_numbers() {
    let (_server, mut client) = Client::start();
    client.ok("FT.CREATE idx PREFIX 1 d: SCHEMA n NUMERIC");
    for (at, n) in ["-inf", "0", "inf"].into_iter().enumerate() {
        client.ok(&format!("HSET {} n {n}", key(at)));
    }
    for (range, expected) in [
        ("[inf inf]", vec![2]),
        ("[-inf -inf]", vec![0]),
        ("[-inf inf]", vec![0, 1, 2]),
        ("[(-inf (inf]", vec![1]),
    ] {
        let found = keys(&client.ok(&format!("FT.SEARCH idx '@n:{range}' NOCONTENT")));
        assert_eq!(
            found,
            expected.into_iter().map(key).collect::<Vec<_>>(),
            "{range}"
        );
    }
}

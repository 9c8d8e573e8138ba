//! What a search will take: quick ones run on the connection's own thread.

use super::aggregate::{AggregateRequest, Step};
use super::find::Ground;
use super::options::Returned;
use super::page::Page;
use super::schema::{Algorithm, FieldKind};
use super::search::{SearchRequest, SortBy};
use crate::commands::table::INLINE_US_MAX;
use crate::keyspace::Value;
use crate::keyspace::documents::index::DocumentIndex;
use crate::keyspace::json::Document;
use crate::search::documents::cost::PassedCost;

/// What FT.SEARCH does with the documents that pass: scores or sorts all of them, and shows some.
pub fn passed_cost(index: &DocumentIndex, request: &SearchRequest) -> PassedCost {
    const SCORED_NS: f64 = 250.0;
    const BY_NUMBER_NS: f64 = 20.0;
    const BY_TEXT_NS: f64 = 1_000.0;
    const NAMED_NS: f64 = 500.0;
    const LOADED_NS: f64 = 3_000.0;
    let schema = index.schema();
    // What is no field is a distance.
    let is_number = |field: usize| schema.fields[field].kind == FieldKind::Numeric;
    let sorted_ns = |sort: &SortBy| match schema.find(&sort.field).is_none_or(is_number) {
        true => BY_NUMBER_NS,
        false => BY_TEXT_NS,
    };
    let (scored_ns, each_ns) = match &request.sort {
        _ if request.options.is_count => (0.0, 0.0),
        Some(sort) => (0.0, sorted_ns(sort)),
        None => (SCORED_NS, 0.0),
    };
    // Most scorers have something to say of any document.
    let by_scorer_ns = match request.options.scorer.is_some() {
        true => SCORED_NS,
        false => 0.0,
    };
    PassedCost {
        scored_ns,
        each_ns: each_ns + by_scorer_ns,
        skipped: request.offset as f64,
        shown: request.num as f64,
        shown_ns: match request.options.is_without_content {
            true => NAMED_NS,
            false => LOADED_NS,
        },
    }
}

/// What FT.AGGREGATE does with the documents that pass: makes rows of all of them, which go through its steps. What a step takes depends
/// on what it finds in them, so this is only about right.
pub fn of_rows(request: &AggregateRequest) -> PassedCost {
    const ROW_NS: f64 = 1_000.0;
    const STEP_NS: f64 = 1_000.0;
    const LOADED_NS: f64 = 3_000.0;
    let loads = request
        .steps
        .iter()
        .any(|step| matches!(step, Step::Load(_)));
    PassedCost {
        each_ns: ROW_NS
            + STEP_NS * request.steps.len() as f64
            + if loads { LOADED_NS } else { 0.0 },
        ..PassedCost::default()
    }
}

/// Microseconds of reading a page's documents beyond which what was found is thrown away, to be found again elsewhere.
pub const LOADING_US_MAX: u64 = 10 * INLINE_US_MAX;

/// What reading the documents of a page takes, in microseconds, by their sizes.
pub fn loading_us(ground: &Ground, request: &SearchRequest, page: &Page) -> u64 {
    const FIELD_NS: usize = 50;
    const PATH_NS: usize = 500;
    const JSON_BYTE_NS: usize = 5;
    /// Whatever it leads to in a document of so many bytes is small.
    const SMALL_BYTES: usize = 16 * 1024;
    /// Hashes are copied as they are.
    const BYTES_OF_A_NS: usize = 10;
    if request.options.is_without_content {
        return 0;
    }
    let schema = ground.index.schema();
    let returned = request.options.returned.as_ref();
    let path_ns = |returned: &Returned, document: &Document| {
        let field = schema.find(&returned.identifier);
        let path = field.map_or(&returned.identifier, |at| &schema.fields[at].identifier);
        let is_small = leads_straight(path) && document.bytes() <= SMALL_BYTES;
        match is_small {
            true => PATH_NS,
            false => PATH_NS + document.bytes() * JSON_BYTE_NS,
        }
    };
    let ns = |value: Value| match (value, returned) {
        (Value::Hash(_), Some(returned)) => returned.len() * FIELD_NS,
        (Value::Hash(hash), None) => hash.len() * FIELD_NS + hash.bytes() / BYTES_OF_A_NS,
        (Value::Json(document), Some(returned)) => {
            let paths = returned.iter();
            paths.map(|returned| path_ns(returned, &document)).sum()
        }
        (Value::Json(document), None) => document.bytes() * JSON_BYTE_NS,
        _ => 0,
    };
    let documents = page
        .hits
        .iter()
        .filter_map(|hit| ground.view.peek(&hit.key));
    let ns: usize = documents.map(|entry| ns(entry.value)).sum();
    (ns / 1000) as u64
}

/// Whether a path names members alone, so that it leads to one place without looking at others.
fn leads_straight(path: &str) -> bool {
    path.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"$._-".contains(&byte))
        && !path.contains("..")
}

/// The candidates of a walk that the field's definition names.
pub fn given_ef(index: &DocumentIndex, field: usize) -> Option<usize> {
    let FieldKind::Vector(attributes) = &index.schema().fields[field].kind else {
        return None;
    };
    match &attributes.algorithm {
        Algorithm::Hnsw(hnsw) => hnsw.ef_runtime,
        Algorithm::Svs(svs) => svs.search_window_size,
        Algorithm::Flat => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::Delay;
    use crate::commands::desk::Desk;

    #[test]
    fn what_names_few_documents_is_answered_at_once() {
        let desk = Desk::new();
        let mut seat = desk.seat();
        seat.run("FT.CREATE i PREFIX 1 d: SCHEMA t TEXT g TAG n NUMERIC v VECTOR HNSW 6 TYPE FLOAT32 DIM 2 DISTANCE_METRIC L2");
        for id in 0..3000 {
            let (key, number) = (format!("d:{id}"), id.to_string());
            let text = if id % 1000 == 0 { "all rare" } else { "all" };
            let vector: Vec<u8> = [id as f32, 1.0]
                .iter()
                .flat_map(|x| x.to_le_bytes())
                .collect();
            let words: [&[u8]; 10] = [
                b"HSET",
                key.as_bytes(),
                b"t",
                text.as_bytes(),
                b"g",
                text.as_bytes(),
                b"n",
                number.as_bytes(),
                b"v",
                &vector,
            ];
            seat.send(words);
        }
        let mut is_quick = |query: &str, rest: &str| {
            seat.is_quick(&format!(
                "FT.SEARCH i '{query}' PARAMS 2 b \"\\x00\\x00\\x80\\x3f\\x00\\x00\\x80\\x3f\" DIALECT 2 {rest}"
            ))
        };
        for (query, rest) in [
            ("*", "LIMIT 0 0"),
            ("*", "SORTBY n"),
            ("rare", ""),
            ("@g:{all rare}", ""),
            ("@n:[7 9]", "SORTBY g"),
            ("@n:[7 9] -rare", ""),
            ("@n:[0 9999]", ""),
            ("all", "LIMIT 0 0"),
            ("*=>[KNN 5 @v $b EF_RUNTIME 50]", ""),
            (
                "@n:[0 100]=>[KNN 5 @v $b EF_RUNTIME 50]",
                "SORTBY __v_score",
            ),
        ] {
            assert!(is_quick(query, rest), "{query} {rest}");
        }
        for (query, rest) in [
            ("*", ""),
            ("all", ""),
            ("(rare | all)", ""),
            ("@g:{a*}", ""),
            ("%rane%", ""),
            ("@n:[0 9999]", "SORTBY g"),
            ("@n:[0 9999]", "LIMIT 0 1000"),
            ("@v:[VECTOR_RANGE 3 $b]", ""),
        ] {
            assert!(!is_quick(query, rest), "{query} {rest}");
        }
        let long = vec!["rare"; 300].join("|");
        assert!(!is_quick(&long, ""));
        let group = "GROUPBY 1 @g REDUCE COUNT 0 AS c";
        for (line, delay) in [
            ("FT.SEARCH i all", Delay::Brief),
            ("FT.AGGREGATE i rare", Delay::Brief),
            (
                &format!("FT.AGGREGATE i rare LOAD 1 @t {group}"),
                Delay::Brief,
            ),
            ("FT.AGGREGATE i *", Delay::Brief),
            (
                &format!("FT.AGGREGATE i * {group} SORTBY 1 @c"),
                Delay::Long,
            ),
            ("FT.PROFILE i SEARCH QUERY rare", Delay::Long),
        ] {
            assert_eq!(seat.delay(line), Some(delay), "{line}");
        }
        // A transaction cannot be left on the way.
        seat.run("MULTI");
        seat.run("FT.SEARCH i rare");
        assert!(!seat.is_quick("EXEC"));
    }

    #[test]
    fn what_is_near_few_documents_is_answered_at_once() {
        let desk = Desk::new();
        let mut seat = desk.seat();
        seat.run("FT.CREATE i PREFIX 1 d: SCHEMA p GEO s GEOSHAPE f GEOSHAPE FLAT n NUMERIC");
        seat.run("FT.CREATE large PREFIX 1 l: SCHEMA s GEOSHAPE n NUMERIC");
        for id in 0..3000 {
            let (x, y) = (f64::from(id % 60) / 2.0, f64::from(id / 60));
            let shape = format!("POLYGON (({x} {y}, {} {y}, {x} {}))", x + 0.4, y + 0.4);
            seat.run(&format!(
                "HSET d:{id} p {x},{y} s '{shape}' f '{shape}' n {id}"
            ));
        }
        // They are few, but their corners are many.
        let corners = (0..1_500u32).map(|corner| {
            let (sine, cosine) = (f64::from(corner) / 300.0).sin_cos();
            format!("{cosine} {sine}")
        });
        let corners: Vec<String> = corners.collect();
        for id in 0..20 {
            seat.run(&format!(
                "HSET l:{id} s 'POLYGON (({}))'",
                corners.join(",")
            ));
        }
        let mut is_quick = |index: &str, query: &str| {
            seat.is_quick(&format!(
                "FT.SEARCH {index} '{query}' PARAMS 2 q 'POLYGON ((7.1 7.1, 8.2 7.1, 7.1 8.2))' DIALECT 2 SORTBY n"
            ))
        };
        for query in [
            "@p:[7 7 100 km]",
            "@s:[WITHIN $q]",
            "@s:[CONTAINS $q]",
            "@f:[INTERSECTS $q]",
        ] {
            assert!(is_quick("i", query), "{query}");
        }
        for query in ["@p:[7 7 9999 km]", "@s:[DISJOINT $q]"] {
            assert!(!is_quick("i", query), "{query}");
        }
        assert!(!is_quick("large", "@s:[INTERSECTS $q]"));
    }

    #[test]
    fn large_documents_are_read_elsewhere() {
        let desk = Desk::new();
        let mut seat = desk.seat();
        seat.run("FT.CREATE j ON JSON PREFIX 1 j: SCHEMA $.n AS n NUMERIC");
        seat.run("FT.CREATE h PREFIX 1 h: SCHEMA n NUMERIC");
        let words = vec!["{\"s\":\"some word\"}"; 20_000].join(",");
        let document = format!("{{\"n\":1,\"a\":[{words}]}}");
        seat.send(["JSON.SET", "j:large", "$", &document]);
        seat.run("JSON.SET j:small $ '{\"n\":2}'");
        let fields: Vec<String> = (0..50_000).map(|field| field.to_string()).collect();
        let pairs = fields.iter().flat_map(|field| [field.as_str(), "1"]);
        seat.send(["HSET", "h:large", "n", "1"].into_iter().chain(pairs));
        let large = "$.a[?(@.s =~ \".*word\")].s";
        for (line, expected) in [
            (format!("FT.SEARCH j '@n:[2 2]' RETURN 1 '{large}'"), true),
            (format!("FT.SEARCH j '@n:[1 2]' RETURN 1 '{large}'"), false),
            ("FT.SEARCH j '@n:[1 2]' NOCONTENT".to_owned(), true),
            ("FT.SEARCH h '@n:[1 1]'".to_owned(), false),
            ("FT.SEARCH h '@n:[1 1]' RETURN 1 n".to_owned(), true),
            ("FT.SEARCH j '@n:[2 2]' RETURN 2 n $.n".to_owned(), true),
            ("FT.SEARCH j '@n:[1 2]' RETURN 1 $.a".to_owned(), false),
            ("FT.SEARCH j '@n:[1 2]' RETURN 1 $..n".to_owned(), false),
        ] {
            assert_eq!(seat.is_quick(&line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_begun_twice_counts_once() {
        let desk = Desk::new();
        let mut seat = desk.seat();
        seat.run("FT.CREATE i PREFIX 1 d: SCHEMA t TEXT");
        for id in 0..2000 {
            seat.send(["HSET", &format!("d:{id}"), "t", "all"]);
        }
        let uses = |desk: &Desk| {
            let index = desk.context.engine.keyspace().indexes().get(b"i");
            index.expect("an index").usage().uses()
        };
        let before = uses(&desk);
        assert!(!seat.is_quick("FT.SEARCH i all"));
        assert_eq!(uses(&desk), before, "refused");
        seat.run("FT.SEARCH i all");
        assert!(seat.is_quick("FT.SEARCH i all LIMIT 0 0"));
        assert_eq!(uses(&desk), before + 2);
        // What is wrong with a query does not keep it from having named the index.
        seat.run("FT.SEARCH i '@@'");
        assert_eq!(uses(&desk), before + 3);
        seat.send(["HSET", "d:1", "t", "rare", "u", &"long".repeat(10_000_000)]);
        assert!(!seat.is_quick("FT.SEARCH i rare"));
        assert_eq!(uses(&desk), before + 3, "refused for what it found");
    }
}

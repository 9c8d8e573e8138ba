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
    use crate::commands::desk::{Desk, Seat};
    use crate::commands::{Delay, Outcome, execute};
    use crate::engine::{Patience, Upkeep};
    use crate::keyspace::documents::index::DocumentIndex;
    use crate::keyspace::documents::turns::Turn;
    use crate::protocol::Request;
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

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
        seat.run("FT.CREATE large PREFIX 1 l: SCHEMA s GEOSHAPE");
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

    /// A server with an index of one document, and the index.
    fn desk_of_one() -> (Desk, Arc<DocumentIndex>) {
        let desk = Desk::new();
        let mut seat = desk.seat();
        seat.run("FT.CREATE i PREFIX 1 d: SCHEMA n NUMERIC");
        seat.run("HSET d:1 n 1");
        let index = desk.context.engine.keyspace().indexes().get(b"i");
        (desk, index.expect("the index"))
    }

    /// Long enough for another thread to begin to wait.
    const A_WHILE: Duration = Duration::from_millis(50);

    #[test]
    fn a_write_waits_elsewhere_for_postings_that_are_held() {
        let (desk, index) = desk_of_one();
        let mut seat = desk.seat();
        let exec = |seat: &mut Seat, line| {
            seat.run("MULTI");
            seat.run(line);
            let delay = seat.delay("EXEC");
            seat.run("DISCARD");
            delay
        };
        let mut writes = || {
            let lines = ["HSET d:1 n 2", "DEL d:1", "SET d:1 2", "SET other 1"];
            let plain = lines.map(|line| seat.delay(line));
            let lines = ["HSET d:1 n 3", "HGET d:1 n", "SET other 1"];
            (plain, lines.map(|line| exec(&mut seat, line)))
        };
        let waits = Some(Delay::Postings);
        let held = index.read_in(Turn::InTurn);
        let expected = ([waits, waits, waits, None], [waits, None, None]);
        assert_eq!(writes(), expected);
        // What these change is not among the keys that they name.
        let mut other = desk.seat();
        other.run("SELECT 1");
        assert_eq!(exec(&mut other, "MOVE d:2 0"), waits);
        assert_eq!(exec(&mut other, "MOVE d:2 2"), waits);
        assert_eq!(exec(&mut other, "DBSIZE"), None);
        drop(held);
        assert_eq!(writes(), ([None; 4], [None; 3]));
    }

    #[test]
    fn who_computes_for_others_does_not_wait_for_postings_either() {
        let (desk, index) = desk_of_one();
        let mut seat = desk.seat();
        let held = index.read_in(Turn::InTurn);
        let request = Request::from_args(["HINCRBY", "d:1", "n", "1"]).expect("a request");
        let outcome = execute(&desk.context, &mut seat.session, &request, Patience::Work);
        assert!(matches!(outcome, Outcome::Delayed(Delay::Postings)));
        assert!(desk.context.engine.must_wait([&b"d:1"[..]].into_iter()));
        assert!(!desk.context.engine.must_wait([&b"e:1"[..]].into_iter()));
        drop(held);
        assert!(!desk.context.engine.must_wait([&b"d:1"[..]].into_iter()));
        assert_eq!(seat.run("HGET d:1 n"), "\"1\"");
    }

    #[test]
    fn who_reads_a_key_does_not_wait_for_a_write_that_waits_for_postings() {
        let (desk, index) = desk_of_one();
        let mut seat = desk.seat();
        let mut writers = [desk.seat(), desk.seat()];
        thread::scope(|scope| {
            let held = index.read_in(Turn::InTurn);
            let [plain, transaction] = &mut writers;
            scope.spawn(|| plain.run("HINCRBY d:1 n 1"));
            scope.spawn(|| {
                transaction.run("MULTI");
                transaction.run("HINCRBY d:1 n 1");
                transaction.run("EXEC")
            });
            thread::sleep(A_WHILE);
            assert!(seat.is_quick("HGET d:1 n"));
            assert_eq!(seat.run("FT.INFO i").matches("num_docs").count(), 1);
            drop(held);
        });
        assert_eq!(seat.run("HGET d:1 n"), "\"3\"");
        assert_eq!(
            seat.run("FT.SEARCH i '@n:[3 3]' NOCONTENT"),
            "1) (integer) 1\n2) \"d:1\""
        );
    }

    #[test]
    fn what_expires_while_a_write_waits_is_not_there_when_its_turn_comes() {
        let (desk, index) = desk_of_one();
        let mut seat = desk.seat();
        seat.run("PEXPIRE d:1 1000");
        let mut writer = desk.seat();
        thread::scope(|scope| {
            let held = index.read_in(Turn::InTurn);
            let writing = scope.spawn(|| writer.run("HINCRBY d:1 n 1"));
            thread::sleep(A_WHILE);
            desk.advance_ms(2000);
            drop(held);
            assert_eq!(writing.join().expect("a reply"), "(integer) 1");
        });
        assert_eq!(seat.run("TTL d:1"), "(integer) -1");
        assert_eq!(seat.run("HGET d:1 n"), "\"1\"");
    }

    #[test]
    fn a_document_whose_postings_are_read_for_long_expires_later() {
        let (desk, index) = desk_of_one();
        let mut seat = desk.seat();
        seat.run("SET other 1");
        seat.run("PEXPIRE d:1 10");
        seat.run("PEXPIRE other 10");
        desk.advance_ms(20);
        let engine = &desk.context.engine;
        let expiring = || engine.keyspace().database(0).expiring();
        let held = index.read_in(Turn::InTurn);
        let (tell, told) = mpsc::channel();
        let _upkeep = Upkeep::start(Arc::clone(engine), move || {
            let _ = tell.send(());
        });
        let wait_for_rounds = || {
            for _ in 0..2 {
                told.recv_timeout(100 * A_WHILE).expect("upkeep goes on");
            }
        };
        wait_for_rounds();
        assert_eq!(expiring(), 1);
        drop(held);
        wait_for_rounds();
        assert_eq!((expiring(), index.len()), (0, 0));
    }

    #[test]
    fn a_time_to_live_begins_when_a_write_has_waited() {
        let (desk, index) = desk_of_one();
        let mut seat = desk.seat();
        let mut writers = [desk.seat(), desk.seat()];
        seat.run("HSET d:2 n 1");
        thread::scope(|scope| {
            let held = index.read_in(Turn::InTurn);
            let [set, expire] = &mut writers;
            scope.spawn(|| set.run("SET d:1 text PX 1000"));
            scope.spawn(|| expire.run("PEXPIRE d:2 1000"));
            thread::sleep(A_WHILE);
            desk.advance_ms(5000);
            drop(held);
        });
        assert_eq!(seat.run("PTTL d:1"), "(integer) 1000");
        assert_eq!(seat.run("PTTL d:2"), "(integer) 1000");
    }

    #[test]
    fn a_small_change_of_a_large_document_is_made_elsewhere() {
        let (desk, _) = desk_of_one();
        let mut seat = desk.seat();
        let long = "word ".repeat(10_000);
        seat.send(["HSET", "d:large", "t", &long, "n", "1"]);
        seat.send(["HSET", "other", "t", &long, "n", "1"]);
        for (line, delay) in [
            ("HINCRBY d:large n 1", Some(Delay::Brief)),
            ("PEXPIRE d:large 100000", Some(Delay::Brief)),
            ("HINCRBY other n 1", None),
            ("HINCRBY d:1 n 1", None),
            ("HGET d:large n", None),
            ("DEL d:large", Some(Delay::Brief)),
        ] {
            assert_eq!(seat.delay(line), delay, "{line}");
        }
    }

    #[test]
    fn the_world_is_not_taken_by_who_waits_for_postings() {
        let (desk, index) = desk_of_one();
        let mut seat = desk.seat();
        seat.run("FT.CREATE other PREFIX 1 d: SCHEMA n NUMERIC");
        let mut writers = [desk.seat(), desk.seat()];
        thread::scope(|scope| {
            let held = index.read_in(Turn::InTurn);
            let [alter, drop_other] = &mut writers;
            scope.spawn(|| alter.run("FT.ALTER i SCHEMA ADD m NUMERIC"));
            scope.spawn(|| drop_other.run("FT.DROPINDEX other DD"));
            thread::sleep(A_WHILE);
            assert!(seat.is_quick("GET unrelated"));
            assert!(seat.is_quick("SET unrelated 1"));
            drop(held);
        });
        assert_eq!(seat.run("EXISTS d:1"), "(integer) 0");
        assert_eq!(seat.run("FT.SEARCH i '@m:[1 1]'"), "1) (integer) 0");
    }

    #[test]
    fn a_transaction_that_writes_searches_for_long_too() {
        let (desk, _) = desk_of_one();
        let mut seat = desk.seat();
        for id in 0..2000 {
            seat.run(&format!("HSET d:{id} n 1"));
        }
        seat.run("MULTI");
        seat.run("HSET d:1 n 2");
        seat.run("FT.AGGREGATE i * GROUPBY 1 @n REDUCE COUNT 0 AS c SORTBY 1 @c");
        let reply = seat.run("EXEC");
        assert!(reply.contains("1999"), "{reply}");
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

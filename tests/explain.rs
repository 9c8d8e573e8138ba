//! EXPLAIN over a real socket: what it says of the plan is what was done, and search-force-graph decides between the two.

#[path = "crash/wire.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod wire;

mod support;

use rhumb::protocol::client::Value;
use support::Server;
use wire::{Wire, words};

/// Few enough that a scan costs less than the way down a graph.
const ELEMENTS: i64 = 200;

/// What EXPLAIN says of a search.
struct Said {
    plan: String,
    distances: i64,
    hops: i64,
    filter_tests: i64,
}

fn call(wire: &mut Wire, line: &str) -> Value {
    let request: Vec<Vec<u8>> = line.split(' ').map(Into::into).collect();
    let reply = wire.call(&request).expect("a reply");
    assert!(!matches!(reply, Value::Error(_)), "{line}: {reply:?}");
    reply
}

/// A small set `s`; every second element has `.half`, every fiftieth has `.rare`.
fn fill(wire: &mut Wire) {
    for i in 0..ELEMENTS {
        let (x, y) = (i % 20, i / 20);
        let attributes = match i {
            _ if i % 50 == 0 => "{\"half\":1,\"rare\":1}",
            _ if i % 2 == 0 => "{\"half\":1}",
            _ => "{}",
        };
        let added = call(
            wire,
            &format!("VADD s VALUES 3 {x} {y} 1 e{i} SETATTR {attributes}"),
        );
        assert_eq!(added, Value::Int(1));
    }
}

fn explain(wire: &mut Wire, options: &str) -> Said {
    let line = format!("VSEARCH s 5 VALUES 3 4 4 1{options} EXPLAIN");
    let reply = call(wire, &line);
    let Some([hits, map]) = reply.as_items() else {
        panic!("{line}: no array of two but {reply:?}");
    };
    assert!(hits.as_items().is_some_and(|hits| !hits.is_empty()));
    let pairs = map.as_pairs().expect("a map");
    let field = |name: &str| {
        let found = pairs.iter().find(|(field, _)| field.as_str() == Some(name));
        found.unwrap_or_else(|| panic!("{name} in {map:?}")).1
    };
    let int = |name: &str| field(name).as_i64().expect("an integer");
    assert_eq!(int("elements"), ELEMENTS);
    Said {
        plan: field("plan").as_str().expect("a name").to_owned(),
        distances: int("distances"),
        hops: int("hops"),
        filter_tests: int("filter-tests"),
    }
}

fn check_scan(wire: &mut Wire) {
    let said = explain(wire, "");
    assert_eq!(said.plan, "scan");
    assert_eq!((said.distances, said.hops), (ELEMENTS, 0));
    assert_eq!(said.filter_tests, 0);
}

fn check_graph(wire: &mut Wire) {
    let said = explain(wire, "");
    assert_eq!(said.plan, "graph");
    assert!(said.hops > 0 && said.distances > 0);
    let exact = explain(wire, " EXACT");
    assert_eq!((exact.plan.as_str(), exact.hops), ("scan", 0));
}

#[test]
fn explain_says_scan_on_a_small_set_and_graph_where_it_is_forced() {
    let server = Server::start();
    let mut wire = Wire::open(server.port, 0).expect("a connection");
    fill(&mut wire);
    for protocol in ["2", "3"] {
        wire.call(&words(["HELLO", protocol])).expect("a reply");
        check_scan(&mut wire);
        call(&mut wire, "CONFIG SET search-force-graph yes");
        check_graph(&mut wire);
        call(&mut wire, "CONFIG SET search-force-graph no");
        check_scan(&mut wire);
    }
}

#[test]
fn explain_says_how_a_filter_was_met() {
    let server = Server::start_with(&["--search-force-graph", "yes"]);
    let mut wire = Wire::open(server.port, 0).expect("a connection");
    fill(&mut wire);
    check_graph(&mut wire);
    let plans = [
        (" FILTER .half", "graph-filtered"),
        (" FILTER .rare", "graph-two-hop"),
        (" FILTER .half EXACT", "scan-passing"),
    ];
    for (options, plan) in plans {
        let said = explain(&mut wire, options);
        assert_eq!(said.plan, plan, "{options}");
        assert!(said.filter_tests > 0, "{options}");
    }
    call(&mut wire, "CONFIG SET search-force-graph no");
    assert_eq!(explain(&mut wire, " FILTER .rare").plan, "scan-passing");
}

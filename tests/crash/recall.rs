//! The graph after a save under load, a kill and a restart finds what it found before.

use super::EndOf;
use super::check::check_graph;
use super::support::{Server, repository};
use super::wire::{Wire, Words, words};
use rhumb::persistence::disk::fault::Random;
use rhumb::protocol::client::Value;
use rhumb::tools::npy::{Matrix, NpyReader};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Hits asked for.
const K: usize = 10;
/// Connections that write while a save runs.
const WRITERS: u64 = 2;
const KEY: &str = "packages";

/// Vectors, queries, and for each query the rows of its ten nearest vectors.
struct Bundle {
    base: Matrix,
    queries: Matrix,
    truth: Vec<BTreeSet<usize>>,
}

impl Bundle {
    fn read() -> Bundle {
        let path = |name: &str| repository("data").join(name);
        let matrix = |name: &str| Matrix::read(&path(name), usize::MAX).expect("bundled data");
        let mut truth = Vec::new();
        let mut reader = NpyReader::open(&path("debian-3000.gt.npy")).expect("bundled data");
        let mut row = Vec::new();
        while reader.read_indices(&mut row).expect("bundled data") {
            truth.push(row.iter().take(K).copied().collect());
        }
        Bundle {
            base: matrix("debian-3000.f16.npy"),
            queries: matrix("debian-3000.queries.f16.npy"),
            truth,
        }
    }

    fn add(&self, row: usize) -> Words {
        vadd(&row.to_string(), self.base.row(row))
    }

    /// Recall@10 of the graph itself, at EF 200.
    fn recall(&self, wire: &mut Wire) -> f64 {
        let queries = (0..self.queries.rows()).map(|row| {
            let head = [
                words(["VSIM", KEY, "FP32"]),
                vec![blob(self.queries.row(row))],
            ]
            .concat();
            [head, words(["COUNT", &K.to_string(), "EF", "200"])].concat()
        });
        let replies = wire
            .call_all(&queries.collect::<Vec<_>>())
            .expect("replies");
        let found = replies.iter().zip(&self.truth).map(|(reply, nearest)| {
            let hits = reply.as_items().unwrap_or_else(|| panic!("{reply:?}"));
            let rows = hits.iter().filter_map(|hit| hit.as_str()?.parse().ok());
            rows.filter(|row: &usize| nearest.contains(row)).count()
        });
        found.sum::<usize>() as f64 / (K * self.truth.len()) as f64
    }
}

fn blob(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn vadd(element: &str, vector: &[f32]) -> Words {
    [
        words(["VADD", KEY, "FP32"]),
        vec![blob(vector)],
        words([element]),
    ]
    .concat()
}

fn directives() -> [&'static str; 6] {
    [
        "--save",
        "",
        "--search-force-graph",
        "yes",
        "--enable-debug-command",
        "yes",
    ]
}

#[test]
fn recall_survives_a_save_under_load_a_kill_and_a_restart() {
    let bundle = Bundle::read();
    let mut server = Server::start_with(&directives());
    let mut wire = Wire::open(server.port, 0).expect("a connection");
    let rows: Vec<Words> = (0..bundle.base.rows()).map(|row| bundle.add(row)).collect();
    let replies = wire.call_all(&rows).expect("replies");
    assert!(
        replies.iter().all(|reply| *reply == Value::Int(1)),
        "all are new"
    );
    let before = bundle.recall(&mut wire);

    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _end = EndOf(&over);
        for seed in 0..WRITERS {
            let (bundle, over, port) = (&bundle, &over, server.port);
            scope.spawn(move || churn(bundle, port, seed, over));
        }
        for _ in 0..3 {
            super::rounds::time_save(&mut wire);
        }
        // Killed with a log behind the last save.
        thread::sleep(std::time::Duration::from_millis(200));
    });
    server.kill_and_restart(&directives());

    let mut wire = Wire::open(server.port, 0).expect("a connection");
    check_graph(&mut wire, KEY);
    let after = bundle.recall(&mut wire);
    println!("recall@{K} before {before}, after {after}");
    assert!(before >= 0.95, "recall before: {before}");
    assert!(
        (before - after).abs() <= 0.005 || after > before,
        "recall before: {before}, after: {after}"
    );
}

/// Gives elements the vector that they have, and lets others come and go that no query is near to.
fn churn(bundle: &Bundle, port: u16, seed: u64, over: &AtomicBool) {
    let mut wire = Wire::open(port, 0).expect("a connection");
    let mut random = Random::new(seed);
    while !over.load(Ordering::Relaxed) {
        let row = random.below(bundle.base.rows());
        let stranger = format!("stranger {seed} {}", random.below(100));
        let vector: Vec<f32> = bundle
            .base
            .row(0)
            .iter()
            .map(|_| random.below(2_001) as f32 - 1_000.0)
            .collect();
        let requests = [
            bundle.add(row),
            vadd(&stranger, &vector),
            words(["VSETATTR", KEY, &row.to_string(), "{\"seen\": true}"]),
            words([
                "VREM",
                KEY,
                &format!("stranger {seed} {}", random.below(100)),
            ]),
        ];
        wire.call_all(&requests).expect("replies");
    }
}

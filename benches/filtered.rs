//! Filtered searches across selectivities: recall@10 against the exact nearest of what passes, hits that are missing, CPU time and plan.
//! Through the door that servers use, so that attributes, planner and walk count: `cargo bench --bench filtered`.
//!
//!     cargo bench --bench filtered -- [--base B.npy --queries Q.npy] [--metric cosine|l2|ip] [--type F32] [--ef 100]
//!
//! With --documents an index over hashes is searched instead, with ranges of a NUMERIC field, as FT.SEARCH does; --calibrated lets it
//! choose the ef. `cargo bench --bench filtered -- --documents`.
//!
//! Who passes is drawn (random), or is those of some rows one after the other (runs), or is a region: the vectors nearest to one of eight of them, which lies near the query or far
//! from it. With --turns it is one of the engines of scripts/bench/filtered.py: it answers each line `KIND SHARE EF`.

mod bed;

use bed::collection::{self, KEY_COUNT};
use bed::data::{DataSet, Dice};
use bed::documents;
use bed::graph::{self, K};
use bed::machine;
use clap::Parser;
use rayon::prelude::*;
use rhumb::index::{Metric, Quantization};
use rhumb::keyspace::collection::Collection;
use rhumb::keyspace::documents::index::DocumentIndex;
use rhumb::search::{self, Query, QueryTarget};
use serde_json::json;
use std::collections::HashMap;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;

/// Queries that are asked, of those that there are.
const QUERIES: usize = 200;
/// Elements whose surroundings are regions: the first rows.
const REGIONS: usize = 8;
/// Shares of the elements that pass.
const SHARES: [f64; 8] = [0.8, 0.5, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0001];
const KINDS: [&str; 4] = ["random", "runs", "near", "far"];
/// Rows after which runs begin again.
const PERIOD: usize = 1000;

#[derive(Parser)]
struct Options {
    /// Vectors, a two-dimensional .npy file; without it the packages
    #[arg(long, requires = "queries")]
    base: Option<PathBuf>,
    /// Vectors to search for
    #[arg(long)]
    queries: Option<PathBuf>,
    /// True neighbours, of unfiltered searches; computed when not given
    #[arg(long)]
    truth: Option<PathBuf>,
    /// cosine, l2 or ip
    #[arg(long, default_value = "cosine", value_parser = graph::metric)]
    metric: Metric,
    /// What is stored
    #[arg(long = "type", default_value = "F32", value_parser = graph::quantization)]
    quantization: Quantization,
    /// Candidates of a walk
    #[arg(long, default_value_t = 100)]
    ef: usize,
    /// Search documents in place of a vector set
    #[arg(long)]
    documents: bool,
    /// Let the documents' index choose the candidates of a walk
    #[arg(long, requires = "documents")]
    calibrated: bool,
    /// Serve as one engine of several
    #[arg(long)]
    turns: bool,
}

/// A collection whose elements say where they stand in a random order and in the order around each region's middle.
struct Ground {
    data: DataSet,
    searched: Searched,
    /// The place of each row in the order of chance, then in those around the middles.
    orders: Vec<Vec<u32>>,
    /// For each query its distance to each row, by the vectors as given.
    distances: Vec<Vec<f32>>,
    /// The nearest and the farthest region of each query.
    regions: Vec<(usize, usize)>,
    /// The rows of the true hits of each query, by kind and number of passing elements.
    truths: HashMap<(String, usize), Vec<Vec<u32>>>,
}

/// What is searched.
enum Searched {
    Elements(Arc<Collection>),
    Documents {
        index: Arc<DocumentIndex>,
        is_calibrated: bool,
    },
}

/// A search of it.
enum Ask {
    Elements(Box<Query>),
    Documents(Box<documents::Ask>),
}

/// All queries of one kind and selectivity.
struct Outcome {
    recall: f64,
    /// Hits that an answer lacked though more elements passed.
    missing: usize,
    /// Of CPU time, for a query.
    microseconds: f64,
    plan: &'static str,
}

fn main() {
    let mut options = Options::parse_from(bed::words());
    if options.turns {
        let mut ground = Ground::new(data(&options), &options);
        println!("{}", json!({ "rows": ground.data.base.rows() }));
        take_turns(&mut ground);
        return;
    }
    print_table(&mut Ground::new(data(&options), &options), options.ef);
    if bed::is_brief() {
        options.documents = true;
        print_table(&mut Ground::new(data(&options), &options), options.ef);
    }
    bed::succeed();
}

fn data(options: &Options) -> DataSet {
    match (&options.base, &options.queries) {
        (Some(base), Some(queries)) => {
            DataSet::read(base, queries, options.truth.as_deref(), options.metric)
        }
        _ => DataSet::debian(),
    }
}

impl Ground {
    fn new(data: DataSet, options: &Options) -> Ground {
        let mut orders = vec![Dice::new(1).permutation(data.base.rows())];
        orders.extend((0..REGIONS).map(|middle| ranks(&distances(&data, data.base.row(middle)))));
        orders.push(runs(data.base.rows()));
        assert_eq!(orders.len(), KEY_COUNT);
        let distances: Vec<Vec<f32>> = (0..data.queries.rows().min(QUERIES))
            .into_par_iter()
            .map(|query| distances(&data, data.queries.row(query)))
            .collect();
        Ground {
            searched: match options.documents {
                true => Searched::Documents {
                    index: documents::fill(&data, &orders),
                    is_calibrated: options.calibrated,
                },
                false => Searched::Elements(collection::fill(&data, options.quantization, &orders)),
            },
            regions: distances.iter().map(|d| nearest_and_farthest(d)).collect(),
            data,
            orders,
            distances,
            truths: HashMap::new(),
        }
    }

    /// The order whose first elements pass for a query.
    fn order(&self, kind: &str, query: usize) -> usize {
        match kind {
            "near" => 1 + self.regions[query].0,
            "far" => 1 + self.regions[query].1,
            "runs" => 1 + REGIONS,
            _ => 0,
        }
    }

    fn measure(&mut self, kind: &str, share: f64, ef: usize) -> Outcome {
        let bound = ((self.data.base.rows() as f64 * share).round() as usize).max(1);
        let asks: Vec<Ask> = (0..self.regions.len())
            .map(|query| self.ask(kind, bound, query, ef))
            .collect();
        // What is made when a field is first used is made before the clock runs.
        let warm: Vec<(Vec<u32>, &str)> = asks.iter().map(|ask| self.answer(ask)).collect();
        let cpu_s = machine::cpu_seconds();
        let answers: Vec<(Vec<u32>, &str)> = asks.iter().map(|ask| self.answer(ask)).collect();
        let cpu_s = machine::cpu_seconds() - cpu_s;
        let microseconds = cpu_s * 1e6 / asks.len() as f64;
        let key = (kind.to_string(), bound);
        if !self.truths.contains_key(&key) {
            let truth = (0..asks.len())
                .into_par_iter()
                .map(|query| self.true_hits(kind, bound, query))
                .collect();
            self.truths.insert(key.clone(), truth);
        }
        let truths = &self.truths[&key];
        let found = answers.iter().zip(truths).map(|((rows, _), truth)| {
            let hits = rows.iter();
            hits.filter(|row| truth.contains(row)).count()
        });
        let found: usize = found.sum();
        let wanted: usize = truths.iter().map(Vec::len).sum();
        let got: usize = answers.iter().map(|(rows, _)| rows.len()).sum();
        Outcome {
            recall: found as f64 / wanted as f64,
            missing: wanted - got,
            microseconds,
            plan: warm[0].1,
        }
    }

    fn ask(&self, kind: &str, bound: usize, query: usize, ef: usize) -> Ask {
        let vector = self.data.queries.row(query);
        let is_filtered = bound < self.data.base.rows();
        let order = self.order(kind, query);
        match &self.searched {
            Searched::Documents {
                index,
                is_calibrated,
            } => {
                let ef = (!is_calibrated).then_some(ef);
                let below = is_filtered.then_some((order, bound));
                Ask::Documents(Box::new(documents::Ask::new(index, vector, K, ef, below)))
            }
            Searched::Elements(_) => Ask::Elements(Box::new(Query {
                ef,
                filter: is_filtered.then(|| collection::below(order, bound)),
                ..Query::nearest(QueryTarget::Vector(vector.to_vec()), K)
            })),
        }
    }

    fn true_hits(&self, kind: &str, bound: usize, query: usize) -> Vec<u32> {
        let (order, distances) = (
            &self.orders[self.order(kind, query)],
            &self.distances[query],
        );
        let rows = 0..order.len() as u32;
        let mut passing: Vec<u32> = rows
            .filter(|&row| (order[row as usize] as usize) < bound)
            .collect();
        passing.sort_by(|&a, &b| distances[a as usize].total_cmp(&distances[b as usize]));
        passing.truncate(K);
        passing
    }

    /// The rows that are found, and the plan.
    fn answer(&self, ask: &Ask) -> (Vec<u32>, &'static str) {
        match (&self.searched, ask) {
            (Searched::Elements(collection), Ask::Elements(query)) => {
                let answer = search::run(collection, query);
                let answer = answer.unwrap_or_else(|error| panic!("{error:?}"));
                let rows = answer.hits.iter().map(collection::row_of);
                (rows.collect(), answer.explanation.plan.name())
            }
            (Searched::Documents { index, .. }, Ask::Documents(ask)) => ask.answer(index),
            _ => unreachable!("asks are made for what is searched"),
        }
    }
}

fn distances(data: &DataSet, vector: &[f32]) -> Vec<f32> {
    (0..data.base.rows())
        .map(|row| graph::distance(data.metric, vector, data.base.row(row)))
        .collect()
}

/// The place of each row among all that are as far into their period, after those that are less far.
fn runs(rows: usize) -> Vec<u32> {
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by_key(|row| (row % PERIOD, *row));
    let mut places = vec![0; rows];
    for (place, row) in order.into_iter().enumerate() {
        places[row] = place as u32;
    }
    places
}

/// The place of each row in the order of distances.
fn ranks(distances: &[f32]) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..distances.len() as u32).collect();
    rows.sort_by(|&a, &b| distances[a as usize].total_cmp(&distances[b as usize]));
    let mut ranks = vec![0; rows.len()];
    for (rank, row) in rows.into_iter().enumerate() {
        ranks[row as usize] = rank as u32;
    }
    ranks
}

/// Of the regions, whose middles are the first rows.
fn nearest_and_farthest(distances: &[f32]) -> (usize, usize) {
    let by_distance = |a: &usize, b: &usize| distances[*a].total_cmp(&distances[*b]);
    let nearest = (0..REGIONS).min_by(by_distance).expect("regions");
    let farthest = (0..REGIONS).max_by(by_distance).expect("regions");
    (nearest, farthest)
}

fn print_table(ground: &mut Ground, ef: usize) {
    println!(
        "{}: {} queries, ef {ef}, k {K}\n{:8}{:>9}{:>12}{:>9}{:>12}  plan",
        ground.data.name,
        ground.regions.len(),
        "kind",
        "passing",
        format!("recall@{K}"),
        "missing",
        "CPU us each"
    );
    print_line(ground, "all", 1.0, ef);
    for kind in KINDS {
        SHARES
            .iter()
            .for_each(|&share| print_line(ground, kind, share, ef));
    }
}

fn print_line(ground: &mut Ground, kind: &str, share: f64, ef: usize) {
    let outcome = ground.measure(kind, share, ef);
    println!(
        "{kind:8}{:>9}{:>12.4}{:>9}{:>12.1}  {}",
        format!("{} %", share * 100.0),
        outcome.recall,
        outcome.missing,
        outcome.microseconds,
        outcome.plan
    );
}

fn take_turns(ground: &mut Ground) {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a readable input");
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<f64>().expect("a number");
        let outcome = ground.measure(words[0], number(1), number(2) as usize);
        println!(
            "{}",
            json!({
                "recall": outcome.recall,
                "missing": outcome.missing,
                "us": outcome.microseconds,
                "plan": outcome.plan,
            })
        );
    }
}

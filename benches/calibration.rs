//! Promises of recall on queries that were never measured with: what searches with RECALL find, and what they cost beside the best
//! fixed ef. `cargo bench --bench calibration -- [--type F32]`.
//!
//! First with made queries alone, then after half of the queries were asked; the other half is what is answered. Work is
//! counted in distances, so that the figures do not depend on what else the machine does. The last table has the time of a
//! measurement.

mod bed;

use bed::collection;
use bed::data::{DataSet, Dice};
use bed::graph::{self, K};
use clap::Parser;
use rhumb::index::Quantization;
use rhumb::keyspace::collection::Collection;
use rhumb::search::{self, Query, QueryTarget, calibrate};
use std::sync::Arc;
use std::time::Instant;

const PROMISES: [f64; 4] = [0.90, 0.95, 0.98, 0.99];
const EFS: [usize; 16] = [
    10, 15, 20, 30, 40, 50, 60, 80, 100, 130, 160, 200, 300, 400, 600, 1_000,
];
/// Shares of the elements that pass a filter.
const SHARES: [f64; 3] = [1.0, 0.5, 0.1];

#[derive(Parser)]
struct Options {
    /// What is stored
    #[arg(long = "type", default_value = "F32", value_parser = graph::quantization)]
    quantization: Quantization,
}

/// A collection and the queries that are kept for the end.
struct Ground {
    data: DataSet,
    collection: Arc<Collection>,
    held_out: std::ops::Range<usize>,
}

fn main() {
    let options = Options::parse_from(bed::words());
    let data = DataSet::debian();
    let orders = vec![Dice::new(1).permutation(data.base.rows()); collection::KEY_COUNT];
    let collection = collection::fill(&data, options.quantization, &orders);
    let half = data.queries.rows() / 2;
    let held_out = half..if bed::is_brief() {
        half + 20
    } else {
        data.queries.rows()
    };
    let ground = Ground {
        data,
        collection,
        held_out,
    };
    println!(
        "{}, {:?}, {} queries, k {K}; work in distances",
        ground.data.name,
        options.quantization,
        ground.held_out.len()
    );
    ground.print("queries made of elements");
    for query in 0..half {
        ground.ask(query, |query| query.remember = true);
    }
    let start = Instant::now();
    while calibrate::renew(&*ground.collection, 1, &|| ()) {}
    println!(
        "\nrenewed in {:.2} s on all cores",
        start.elapsed().as_secs_f64()
    );
    ground.print("queries that were asked");
    bed::succeed();
}

impl Ground {
    fn ask(&self, query: usize, change: impl Fn(&mut Query)) -> search::Answer {
        let target = QueryTarget::Vector(self.data.queries.row(query).to_vec());
        let mut query = Query {
            force_graph: bed::is_brief(),
            ..Query::nearest(target, K)
        };
        change(&mut query);
        search::run(&self.collection, &query).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Mean recall against an exact scan of what is stored, and mean distances.
    fn measure(&self, change: impl Fn(&mut Query)) -> (f64, f64) {
        let outcomes = self.held_out.clone().map(|query| {
            let answer = self.ask(query, &change);
            let truth = self.ask(query, |query| {
                change(query);
                (query.exact, query.recall) = (true, None);
            });
            let recall = calibrate::recall_of(&answer.hits, &truth.hits);
            (recall, answer.explanation.walk.distances as f64)
        });
        let (recalls, distances): (Vec<f64>, Vec<f64>) = outcomes.unzip();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        (mean(&recalls), mean(&distances))
    }

    fn print(&self, title: &str) {
        println!("\n{title}\n passing  promise   recall   work   best fixed ef   ratio");
        for share in SHARES {
            let bound = (self.data.base.rows() as f64 * share) as usize;
            let filter = (share < 1.0).then(|| collection::below(0, bound));
            let fixed: Vec<(f64, f64)> = EFS
                .iter()
                .map(|&ef| {
                    self.measure(|query| {
                        query.filter = filter.clone();
                        query.ef = ef;
                    })
                })
                .collect();
            for promise in PROMISES {
                let (recall, work) = self.measure(|query| {
                    query.filter = filter.clone();
                    query.recall = Some(promise);
                });
                let best = best_work(&fixed, promise);
                println!(
                    "{:>6} % {promise:>8} {recall:>8.4} {work:>6.0} {:>15} {:>7}",
                    share * 100.0,
                    best.map_or("none reaches it".into(), |best| format!("{best:.0}")),
                    best.map_or(String::new(), |best| format!("{:.2}", work / best)),
                );
            }
        }
    }
}

/// Distances of the smallest ef that finds `recall`, read between two that were measured.
fn best_work(fixed: &[(f64, f64)], recall: f64) -> Option<f64> {
    let at = fixed.iter().position(|(reached, _)| *reached >= recall)?;
    let (reached, work) = fixed[at];
    let Some((before, less)) = at.checked_sub(1).map(|at| fixed[at]) else {
        return Some(work);
    };
    Some(less + (work - less) * (recall - before) / (reached - before))
}

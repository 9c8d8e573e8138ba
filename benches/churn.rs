//! What replacing half of the elements does to a graph: `cargo bench --bench churn -- [--type Q8] [--rows N]`.
//!
//! Two thirds of the rows are built into a graph; in five rounds a tenth of its elements each is taken out and as many of the
//! other rows are put in. Then recall@10 is compared with that of a graph built anew from the same elements, as is memory, and
//! the time of a replacement with that of the insert in it, which meets a graph of the same size, and with that of an insert while
//! the graph grew; the invariants are checked. Which elements go:
//! random; newest: those put in last, again and again; regions: around one element a round, the nearest to it.

mod bed;

use bed::data::{DataSet, Dice};
use bed::graph::{self, FORCED, K};
use clap::Parser;
use rhumb::index::{Quantization, VectorIndex, WalkStats};
use std::time::Instant;

const ROUNDS: usize = 5;
/// Elements replaced in a round: one of so many.
const ROUND_SHARE: usize = 10;
const EFS: [usize; 4] = [28, 56, 112, 224];

#[derive(Parser)]
struct Options {
    /// What is stored
    #[arg(long = "type", value_delimiter = ',', default_value = "Q8,F32", value_parser = graph::quantization)]
    types: Vec<Quantization>,
    /// Use only so many of the vectors
    #[arg(long)]
    rows: Option<usize>,
}

/// Which elements go.
#[derive(Clone, Copy, Debug)]
enum Victims {
    Random,
    Newest,
    Regions,
}

/// Seconds of replacements.
#[derive(Default)]
struct Spent {
    inserts_s: f64,
    removals_s: f64,
}

/// A graph and the rows that live in it.
struct Herd<'a> {
    data: &'a DataSet,
    index: VectorIndex,
    /// Row and slot of each element, oldest first.
    living: Vec<(u32, u32)>,
    dice: Dice,
}

fn main() {
    let options = Options::parse_from(bed::words());
    let data = DataSet::debian();
    let rows = options
        .rows
        .map_or(data.base.rows(), |rows| rows.min(data.base.rows()));
    for quantization in options.types {
        println!(
            "\n{}, {quantization:?}, {} of {rows} elements live; recall@{K} at ef {EFS:?}, replaced and built anew",
            data.name,
            rows * 2 / 3
        );
        for victims in [Victims::Random, Victims::Newest, Victims::Regions] {
            churn(&data, rows, quantization, victims);
        }
    }
    bed::succeed();
}

fn churn(data: &DataSet, rows: usize, quantization: Quantization, victims: Victims) {
    let started = Instant::now();
    let mut herd = Herd::new(data, quantization, rows * 2 / 3);
    let insert_us = started.elapsed().as_secs_f64() * 1e6 / herd.living.len() as f64;
    let mut spare: Vec<u32> = (herd.living.len() as u32..rows as u32).collect();
    let (mut spent, mut replaced) = (Spent::default(), 0);
    for _ in 0..ROUNDS {
        let going = herd.choose(victims, herd.living.len() / ROUND_SHARE);
        replaced += going.len();
        herd.replace(&going, &mut spare, &mut spent);
    }
    herd.index
        .check()
        .unwrap_or_else(|error| panic!("the graph is damaged: {error}"));
    let fresh = herd.built_anew(quantization);
    let replace_us = (spent.inserts_s + spent.removals_s) * 1e6 / replaced as f64;
    println!(
        "{:8} {} | {}  bytes {:.2} of new  replace {replace_us:.0} us, {:.2} of its insert, {:.2} of one while the graph grew",
        format!("{victims:?}"),
        herd.recalls(),
        fresh.recalls(),
        bytes(&herd.index) / bytes(&fresh.index),
        (spent.inserts_s + spent.removals_s) / spent.inserts_s,
        replace_us / insert_us
    );
}

impl Herd<'_> {
    fn new(data: &DataSet, quantization: Quantization, rows: usize) -> Herd<'_> {
        let mut herd = Herd {
            data,
            index: graph::empty(data, quantization),
            living: Vec::with_capacity(rows),
            dice: Dice::new(3),
        };
        (0..rows as u32).for_each(|row| herd.insert(row));
        herd
    }

    fn insert(&mut self, row: u32) {
        let slot = graph::insert(&self.index, &self.data.base, row, FORCED);
        self.living.push((row, slot));
    }

    /// The places in `living` of those that go, in falling order.
    fn choose(&mut self, victims: Victims, count: usize) -> Vec<usize> {
        let living = self.living.len();
        let mut places: Vec<usize> = match victims {
            Victims::Random => self.dice.permutation(living)[..count]
                .iter()
                .map(|&place| place as usize)
                .collect(),
            Victims::Newest => (living - count..living).collect(),
            Victims::Regions => self.region(count),
        };
        places.sort_unstable_by(|a, b| b.cmp(a));
        places
    }

    /// The places of the nearest to some element.
    fn region(&mut self, count: usize) -> Vec<usize> {
        let (_, middle) = self.living[self.dice.below(self.living.len())];
        let target = self.index.target_of(middle);
        let mut stats = WalkStats::default();
        let hits = self.index.scan(&target, count, None, None, &mut stats);
        let mut place_of = vec![0; self.index.slots_end() as usize];
        for (place, (_, slot)) in self.living.iter().enumerate() {
            place_of[*slot as usize] = place;
        }
        hits.iter().map(|hit| place_of[hit.slot as usize]).collect()
    }

    /// One comes, one goes, as an update does it: the new one is linked first. What went can come back later. The
    /// graph's time is added to `spent`.
    fn replace(&mut self, going: &[usize], spare: &mut Vec<u32>, spent: &mut Spent) {
        let coming: Vec<u32> = spare.drain(..going.len()).collect();
        let mut placed = Vec::with_capacity(going.len());
        for (&place, row) in going.iter().zip(coming) {
            let started = Instant::now();
            let slot = graph::insert(&self.index, &self.data.base, row, FORCED);
            let inserted = Instant::now();
            placed.push((row, slot));
            self.index.remove(self.living[place].1);
            spent.inserts_s += (inserted - started).as_secs_f64();
            spent.removals_s += inserted.elapsed().as_secs_f64();
        }
        for &place in going {
            spare.push(self.living.remove(place).0);
        }
        self.living.extend(placed);
    }

    /// A graph of the same rows in the same order.
    fn built_anew(&self, quantization: Quantization) -> Herd<'_> {
        let mut herd = Herd::new(self.data, quantization, 0);
        self.living.iter().for_each(|&(row, _)| herd.insert(row));
        herd
    }

    /// Recall at each ef against an exact scan of the living, by the vectors as given.
    fn recalls(&self) -> String {
        let rows: Vec<u32> = self.living.iter().map(|(row, _)| *row).collect();
        let truth = graph::nearest_of(&self.data.base, &rows, &self.data.queries, self.data.metric);
        let mut row_of = vec![u32::MAX; self.index.slots_end() as usize];
        for &(row, slot) in &self.living {
            row_of[slot as usize] = row;
        }
        let recall = |ef: &usize| {
            let found = truth.iter().enumerate().map(|(query, truth)| {
                let hits = graph::search(&self.index, self.data.queries.row(query), *ef);
                graph::share(&hits, truth, |slot| row_of[slot as usize])
            });
            format!("{:.4}", found.sum::<f64>() / truth.len() as f64)
        };
        EFS.iter().map(recall).collect::<Vec<_>>().join(" ")
    }
}

fn bytes(index: &VectorIndex) -> f64 {
    let memory = index.memory();
    (memory.vectors + memory.codes + memory.links) as f64
}

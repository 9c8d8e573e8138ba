//! Recall over a life of changes, on real text embeddings: after rounds of replacements, the loss and return of a whole
//! section and an update of everything, a graph must still find what an exact f32 scan finds.
//!
//! The bundled 3,000 vectors are always measured. The 63,431 that they are taken from are measured where they are found:
//! `debian-minilm-384.f16.npy` and its queries, in the directory that RHUMB_DATA names or in ../shared/data.

use half::f16;
use rayon::prelude::*;
use rhumb::index::{
    IndexKind, IndexOptions, LinkOptions, Metric, Quantization, VectorIndex, WalkOptions,
    WalkStats, WalkedOn,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const SEED: u64 = 0xdeb1a9;
const K: usize = 10;
const EF: usize = 200;
const EF_SHORT: usize = 28;
const RECALL_MIN: f64 = 0.95;
const QUERIES_MAX: usize = 300;

/// Rows of f32, and the section of each row where it is known.
struct DataSet {
    rows: Vec<Vec<f32>>,
    queries: Vec<Vec<f32>>,
    sections: Vec<String>,
}

impl DataSet {
    fn read(directory: &Path, name: &str) -> Option<DataSet> {
        let rows = read_npy(&directory.join(format!("{name}.f16.npy")))?;
        let mut queries = read_npy(&directory.join(format!("{name}.queries.f16.npy")))?;
        queries.truncate(QUERIES_MAX);
        let meta = std::fs::read_to_string(directory.join(format!("{name}.meta.jsonl")))
            .unwrap_or_default();
        let sections = meta.lines().map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            row["section"].as_str().unwrap_or_default().to_owned()
        });
        Some(DataSet {
            rows,
            queries,
            sections: sections.collect(),
        })
    }

    /// A part of the set that belongs together: the largest section of at most a tenth of all; where sections are not
    /// known, the rows nearest to the first one.
    fn one_section(&self) -> Vec<usize> {
        let mut by_section: HashMap<&str, Vec<usize>> = HashMap::new();
        for (row, section) in self.sections.iter().enumerate() {
            by_section.entry(section).or_default().push(row);
        }
        let fitting = by_section
            .into_values()
            .filter(|rows| rows.len() <= self.rows.len() / 10);
        fitting.max_by_key(Vec::len).unwrap_or_else(|| {
            let mut rows: Vec<usize> = (0..self.rows.len()).collect();
            let dot = |row: usize| {
                self.rows[row]
                    .iter()
                    .zip(&self.rows[0])
                    .map(|(a, b)| a * b)
                    .sum::<f32>()
            };
            rows.sort_by_cached_key(|&row| (-dot(row) * 1e6) as i64);
            rows.truncate(self.rows.len() / 15);
            rows
        })
    }
}

/// A .npy file of f16 in C order, as rows of f32; none if it cannot be opened.
fn read_npy(path: &Path) -> Option<Vec<Vec<f32>>> {
    let bytes = std::fs::read(path).ok()?;
    let header_length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (header, data) = bytes[10..].split_at(header_length);
    let header = std::str::from_utf8(header).expect("a header of text");
    assert!(
        header.contains("'<f2'") && header.contains("False"),
        "{header}"
    );
    let shape = header
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'))
        .expect("a shape")
        .0;
    let dim: usize = shape
        .split(',')
        .nth(1)
        .expect("two axes")
        .trim()
        .parse()
        .expect("a number");
    let row = |row: &[u8]| {
        row.chunks_exact(2)
            .map(|x| f16::from_le_bytes([x[0], x[1]]).to_f32())
            .collect()
    };
    Some(data.chunks_exact(2 * dim).map(row).collect())
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An index and where each row of the set is in it.
struct Kept {
    index: VectorIndex,
    slot_of: Mutex<HashMap<usize, u32>>,
}

impl Kept {
    fn new(dim: usize, quantization: Quantization, kind: IndexKind) -> Kept {
        let options = IndexOptions {
            dim: dim as u32,
            metric: Metric::Cosine,
            quantization,
            kind,
            m: 16,
            ef_construction: 200,
            walked_on: WalkedOn::Codes,
        };
        Kept {
            index: VectorIndex::new(options),
            slot_of: Mutex::default(),
        }
    }

    fn add(&self, data: &DataSet, row: usize) {
        let slot = self.index.reserve(&data.rows[row]);
        let options = LinkOptions {
            ef: None,
            force_graph: true,
        };
        self.index.connect(slot, mix(row as u64), options);
        let old = self.slot_of.lock().unwrap().insert(row, slot);
        if let Some(old) = old {
            self.index.remove(old);
        }
    }

    fn remove(&self, row: usize) {
        let slot = self
            .slot_of
            .lock()
            .unwrap()
            .remove(&row)
            .expect("a row that is there");
        self.index.remove(slot);
    }

    fn row_of(&self) -> HashMap<u32, usize> {
        self.slot_of
            .lock()
            .unwrap()
            .iter()
            .map(|(&row, &slot)| (slot, row))
            .collect()
    }
}

/// A graph beside an exact twin that goes through the same changes.
struct Trial<'a> {
    data: &'a DataSet,
    graph: Kept,
    exact: Kept,
    /// Rows that are in, and rows that are out.
    live: Vec<usize>,
    spare: Vec<usize>,
    name: String,
}

impl<'a> Trial<'a> {
    /// Two thirds of the rows are in.
    fn new(data: &'a DataSet, name: &str, quantization: Quantization) -> Trial<'a> {
        let dim = data.rows[0].len();
        let live: Vec<usize> = (0..data.rows.len() * 2 / 3).collect();
        let spare = (live.len()..data.rows.len()).collect();
        let graph = Kept::new(dim, quantization, IndexKind::Hnsw);
        let exact = Kept::new(dim, Quantization::F32, IndexKind::Flat);
        let mut trial = Trial {
            data,
            graph,
            exact,
            live,
            spare,
            name: format!("{name} {quantization:?}"),
        };
        let rows = std::mem::take(&mut trial.live);
        trial.add(&rows);
        trial.live = rows;
        trial
    }

    fn add(&mut self, rows: &[usize]) {
        rows.par_iter().for_each(|&row| {
            self.graph.add(self.data, row);
            self.exact.add(self.data, row);
        });
    }

    fn remove(&mut self, rows: &[usize]) {
        rows.par_iter().for_each(|&row| {
            self.graph.remove(row);
            self.exact.remove(row);
        });
    }

    /// Takes `count` random rows out and puts as many others in.
    fn replace(&mut self, count: usize, round: u64) {
        self.live
            .sort_unstable_by_key(|&row| mix(SEED ^ round << 32 ^ row as u64));
        self.spare
            .sort_unstable_by_key(|&row| mix(SEED ^ round << 40 ^ row as u64));
        let left: Vec<usize> = self.live.drain(..count).collect();
        let entering: Vec<usize> = self.spare.drain(..count).collect();
        left.par_iter()
            .zip(&entering)
            .for_each(|(&left, &entering)| {
                self.graph.remove(left);
                self.exact.remove(left);
                self.graph.add(self.data, entering);
                self.exact.add(self.data, entering);
            });
        self.live.extend(entering);
        self.spare.extend(left);
    }

    fn measure(&self, after: &str) {
        assert_eq!(
            self.graph.index.check(),
            Ok(()),
            "{} after {after}",
            self.name
        );
        assert_eq!(
            self.graph.index.len(),
            self.live.len(),
            "{} after {after}",
            self.name
        );
        let recall = self.recall(&self.graph, EF);
        println!(
            "{} after {after}: recall@{K} {recall:.4} at ef {EF}",
            self.name
        );
        assert!(
            recall >= RECALL_MIN,
            "{} after {after}: recall {recall}",
            self.name
        );
    }

    /// A short list shows best how good the links are: at `EF_SHORT` the graph must be as good as one just built, within
    /// what a hundred queries can tell.
    fn compare_with_a_fresh_build(&self) {
        let options = self.graph.index.options();
        let fresh = Kept::new(options.dim as usize, options.quantization, options.kind);
        self.live
            .par_iter()
            .for_each(|&row| fresh.add(self.data, row));
        let (changed, fresh) = (
            self.recall(&self.graph, EF_SHORT),
            self.recall(&fresh, EF_SHORT),
        );
        println!(
            "{}: recall@{K} {changed:.4} at ef {EF_SHORT}, freshly built {fresh:.4}",
            self.name
        );
        // Half a point, and what chance does to the difference of two counts of so many hits: three standard errors.
        let hits = (self.data.queries.len() * K) as f64;
        let margin = 0.005 + 3.0 * (2.0 * fresh * (1.0 - fresh) / hits).sqrt();
        assert!(
            changed >= fresh - margin,
            "{}: recall {changed}, freshly built {fresh}",
            self.name
        );
    }

    fn recall(&self, graph: &Kept, ef: usize) -> f64 {
        let (graph_row, exact_row) = (graph.row_of(), self.exact.row_of());
        let found_of = |query: &Vec<f32>| {
            let target = self.exact.index.target(query);
            let exact = self
                .exact
                .index
                .scan(&target, K, None, None, &mut WalkStats::default());
            let wanted: Vec<usize> = exact.iter().map(|hit| exact_row[&hit.slot]).collect();
            let target = graph.index.target(query);
            let options = WalkOptions {
                k: K,
                ef,
                expansions_max: None,
                is_late: None,
            };
            let hits = graph
                .index
                .search(&target, &options, None, &mut WalkStats::default());
            hits.iter()
                .filter(|hit| wanted.contains(&graph_row[&hit.slot]))
                .count()
        };
        let found: usize = self.data.queries.par_iter().map(found_of).sum();
        found as f64 / (self.data.queries.len() * K) as f64
    }
}

fn live_through_changes(data: &DataSet, name: &str) {
    println!("seed {SEED:#x}");
    for quantization in [Quantization::F32, Quantization::F16, Quantization::Int8] {
        let mut trial = Trial::new(data, name, quantization);
        trial.measure("the build");
        for round in 0..5 {
            trial.replace(trial.live.len() / 10, round);
        }
        trial.measure("five rounds of a tenth replaced");
        trial.replace(trial.live.len() / 2, 5);
        trial.measure("a half replaced");
        trial.compare_with_a_fresh_build();
        let mut section = data.one_section();
        section.retain(|row| trial.live.contains(row));
        trial.remove(&section);
        trial.live.retain(|row| !section.contains(row));
        trial.measure("the loss of a section");
        trial.add(&section);
        trial.live.extend(&section);
        trial.measure("its return");
        let all = trial.live.clone();
        trial.add(&all);
        trial.measure("an update of everything");
    }
}

#[test]
fn recall_survives_changes_of_the_bundled_set() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let data = DataSet::read(&directory, "debian-3000")
        .expect("data/debian-3000.* is part of the repository");
    live_through_changes(&data, "debian-3000");
}

#[test]
fn recall_survives_changes_of_the_full_set() {
    let given = std::env::var_os("RHUMB_DATA").map(PathBuf::from);
    let directory =
        given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    match DataSet::read(&directory, "debian-minilm-384") {
        Some(data) => live_through_changes(&data, "debian-minilm-384"),
        None => println!(
            "skipped: no debian-minilm-384.f16.npy in {}",
            directory.display()
        ),
    }
}

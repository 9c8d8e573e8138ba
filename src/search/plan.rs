//! Scan or walk: one cost formula decides, from the index's options, the number of elements and, with a filter, the share
//! of a sample that passes. A walk hardly grows with the number of elements and a scan grows with nothing else, so they
//! meet at a count: about 4,000 elements of 384 int8 components without a filter.
//!
//! The constants were measured on one core with the walk of index/hnsw; only their ratios matter.

use super::filter::Memo;
use super::query::Query;
use crate::index::{IndexKind, IndexOptions, Quantization, VectorIndex, WalkedOn};
use crate::keyspace::collection::Collection;

/// What a row costs in a scan beside its bytes, in nanoseconds.
const SCAN_ROW_NS: f64 = 2.0;
/// What a row costs in a walk beside its bytes: cache misses, links, the candidate list.
const WALK_ROW_NS: f64 = 18.0;
/// Bytes of codes that a kernel reads per nanosecond.
const BYTES_PER_NS: f64 = 60.0;
/// The way down the upper layers.
const DESCENT_NS: f64 = 3_000.0;
/// Moving one of the candidates that a walk keeps sorted, three times in its life.
const LIST_NS: f64 = 0.2;
/// Nodes that are near enough to be tested, for one that is kept in the end.
const TESTS_PER_CANDIDATE: f64 = 3.0;
/// Evaluating a filter: fixed part, and per byte of attributes.
const FILTER_NS: f64 = 60.0;
/// See [`FILTER_NS`].
const FILTER_BYTE_NS: f64 = 0.7;
/// From this share of passing elements on every node is scored; below only passing ones are.
const PLAIN_PASS_RATE_MIN: f64 = 0.4;
/// A walk that scores passing nodes only costs this much more per candidate (it looks two links far).
const TWO_HOP_FACTOR: f64 = 3.0;
/// Passing elements that a two-hop walk starts from; without them it dies where those lie away from the target.
const SEEDS: usize = 16;

/// Candidates of a walk that finds little.
const EF_SMALL: usize = 32;

/// The kinds of plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanKind {
    /// Every vector is compared.
    Scan,
    /// Every vector is compared, passing ones count.
    ScanPassing,
    /// The graph is walked.
    Graph,
    /// The graph is walked through all nodes, passing ones count.
    GraphFiltered,
    /// The graph is walked along passing nodes, from passing seeds.
    GraphTwoHop,
}

impl PlanKind {
    /// Its name, as answers show it.
    pub fn name(self) -> &'static str {
        match self {
            PlanKind::Scan => "scan",
            PlanKind::ScanPassing => "scan-passing",
            PlanKind::Graph => "graph",
            PlanKind::GraphFiltered => "graph-filtered",
            PlanKind::GraphTwoHop => "graph-two-hop",
        }
    }
}

/// What to do.
pub struct Plan {
    /// How.
    pub kind: PlanKind,
    /// Two-hop walks: where to start.
    pub seeds: Vec<u32>,
    /// Share of the elements that is expected to pass, where it was sampled.
    pub pass_rate: Option<f64>,
    /// Whether too few hits of a walk mean a scan.
    pub may_scan_after: bool,
}

/// Plans `query`, whose walk would keep `ef` candidates for `k` hits (offset included).
pub fn choose(
    index: &VectorIndex,
    query: &Query,
    k: usize,
    ef: usize,
    filter: Option<&Memo>,
) -> Plan {
    let must_scan = query.exact || index.options().kind == IndexKind::Flat;
    let Some(filter) = filter else {
        let scans = must_scan
            || (!query.force_graph
                && Costs::of(index, k, ef).scan() <= Costs::of(index, k, ef).walk());
        return Plan::of(if scans {
            PlanKind::Scan
        } else {
            PlanKind::Graph
        });
    };
    if must_scan {
        return Plan::of(PlanKind::ScanPassing);
    }
    if query.expansions_max.is_some_and(|max| max < index.len()) {
        return Plan::of(PlanKind::GraphFiltered);
    }
    choose_filtered(Costs::of(index, k, ef), query.force_graph, filter)
}

/// Whether a scan takes less time than the walk that finds least.
pub fn scans_anyway(index: &VectorIndex, query: &Query, k: usize) -> bool {
    let costs = Costs::of(index, k, k.max(EF_SMALL).min(index.len()));
    !query.force_graph && costs.scan() <= costs.walk()
}

/// What a query will take, in microseconds, before anything is known about its filter. It decides where a command runs, so
/// the order of magnitude is enough.
pub fn predict_us(collection: &Collection, ef: usize, is_exact: bool, is_filtered: bool) -> u64 {
    let index = collection.index();
    let costs = Costs::of(index, 10, ef.min(index.len()));
    let walk = match is_filtered {
        true => costs.two_hop(0.1, FILTER_NS),
        false => costs.walk(),
    };
    let is_scan = is_exact || index.options().kind == IndexKind::Flat;
    let cost_ns = if is_scan {
        costs.scan()
    } else {
        costs.scan().min(walk)
    };
    (cost_ns / 1000.0) as u64
}

fn choose_filtered(costs: Costs, force_graph: bool, filter: &Memo) -> Plan {
    // However many pass, a walk tests at least the rows that it scores.
    if !force_graph && costs.elements <= costs.rows {
        return Plan::of(PlanKind::ScanPassing);
    }
    let sample = filter.sample();
    let rate = sample.pass_rate;
    let test_ns = FILTER_NS + FILTER_BYTE_NS * sample.attribute_bytes;
    let is_plain = rate >= PLAIN_PASS_RATE_MIN;
    let walk = if is_plain {
        costs.plain(rate, test_ns)
    } else {
        costs.two_hop(rate, test_ns)
    };
    let kind = match is_plain {
        _ if !force_graph && costs.scan_passing(rate, test_ns) <= walk => PlanKind::ScanPassing,
        true => PlanKind::GraphFiltered,
        false => PlanKind::GraphTwoHop,
    };
    let seeds = if kind == PlanKind::GraphTwoHop {
        filter.seeds(sample, SEEDS)
    } else {
        Vec::new()
    };
    Plan {
        kind,
        seeds,
        pass_rate: Some(rate),
        may_scan_after: !force_graph && kind != PlanKind::ScanPassing,
    }
}

impl Plan {
    fn of(kind: PlanKind) -> Plan {
        Plan {
            kind,
            seeds: Vec::new(),
            pass_rate: None,
            may_scan_after: false,
        }
    }
}

/// Expected costs in nanoseconds.
struct Costs {
    elements: f64,
    /// Rows that a walk without a filter scores: about M for each candidate it keeps.
    rows: f64,
    /// Candidates that it keeps.
    ef: f64,
    /// Hits wanted.
    k: f64,
    scan_row_ns: f64,
    walk_row_ns: f64,
}

impl Costs {
    fn of(index: &VectorIndex, k: usize, ef: usize) -> Costs {
        let options = index.options();
        Costs {
            elements: index.len() as f64,
            rows: ef as f64 * f64::from(options.m),
            ef: ef as f64,
            k: k as f64,
            scan_row_ns: SCAN_ROW_NS + stored_bytes(options) / BYTES_PER_NS,
            walk_row_ns: WALK_ROW_NS + code_bytes(options) / BYTES_PER_NS,
        }
    }

    fn scan(&self) -> f64 {
        self.elements * self.scan_row_ns
    }

    fn walk(&self) -> f64 {
        DESCENT_NS + self.rows.min(self.elements) * self.walk_row_ns + self.list()
    }

    /// Keeping the candidates sorted: each that comes moves half of them.
    fn list(&self) -> f64 {
        LIST_NS * self.ef * self.ef
    }

    /// All rows are scored; the filter is asked only about those that are near enough so far, which in an order that knows
    /// nothing of nearness are (k / rate) * (1 + ln(passing / k)).
    fn scan_passing(&self, rate: f64, test_ns: f64) -> f64 {
        let record_count = self.k / rate * (1.0 + (self.elements * rate / self.k).max(1.0).ln());
        self.scan() + record_count.min(self.elements) * test_ns
    }

    /// Rows until ef passing ones are found; only those that are near enough are tested.
    fn plain(&self, rate: f64, test_ns: f64) -> f64 {
        let rows = (self.rows / rate).min(self.elements);
        let tests = (TESTS_PER_CANDIDATE * self.ef / rate).min(rows);
        DESCENT_NS + rows * self.walk_row_ns + tests * test_ns + self.list()
    }

    /// As many rows as without a filter, but every neighbour is tested.
    fn two_hop(&self, rate: f64, test_ns: f64) -> f64 {
        TWO_HOP_FACTOR * self.walk() + (self.rows / rate).min(self.elements) * test_ns
    }
}

/// Bytes of a vector as a scan compares it.
fn stored_bytes(options: &IndexOptions) -> f64 {
    match options.quantization {
        Quantization::F32 => 4.0 * f64::from(options.dim),
        Quantization::F16 => 2.0 * f64::from(options.dim),
        Quantization::Int8 | Quantization::Bit => code_bytes(options),
    }
}

/// Bytes of a vector as a walk compares it.
fn code_bytes(options: &IndexOptions) -> f64 {
    match options.quantization {
        Quantization::F32 | Quantization::F16 if options.walked_on == WalkedOn::Stored => {
            stored_bytes(options)
        }
        Quantization::F32 | Quantization::F16 | Quantization::Int8 => f64::from(options.dim),
        Quantization::Bit => f64::from(options.dim.div_ceil(64) * 8),
    }
}

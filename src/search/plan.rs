//! Scan or walk: one cost formula decides, from the index's options, the number of elements and, with a filter, the share
//! of a sample that passes. A walk hardly grows with the number of elements and a scan grows with nothing else, so they
//! meet at a count: about 4,000 elements of 384 int8 components without a filter.
//!
//! Under a filter the passing elements may lie around the target, anywhere, or far from it, and nobody knows before. A walk
//! through all nodes is planned for the first two, and gives up as soon as it meets too few that pass, where something else
//! is cheaper then: comparing the passing ones, or a walk along these from seeds among them.
//!
//! The constants were measured on one core with the walk of index/hnsw; only their ratios matter.

use super::expression::OverColumns;
use super::filter::Memo;
use super::follow::SEEDS;
use super::query::Query;
use crate::index::{
    IndexKind, IndexOptions, Quantization, ScanBy, VectorIndex, WalkedOn, filtered_ef,
};
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
/// Asking for a bit that is known.
const TEST_BIT_NS: f64 = 1.5;
/// Asking whose a slot is, and for that document in a compressed set.
const TEST_KNOWN_NS: f64 = 10.0;
/// Marking the slot of a document that passes.
const LISTED_NS: f64 = 4.0;
/// Columns are made at once when a search without them would read more than one in so many elements' attributes.
const MAKING_FACTOR: f64 = 4.0;
/// What a passing row costs beside its bytes where others lie between: cache misses, as in a walk.
const APART_ROW_NS: f64 = 16.0;
/// Comparing the signs of a row for each cache line that they take, and putting it in its place by them.
const SIGNS_LINE_NS: f64 = 6.0;
/// Signs that a cache line holds.
const SIGNS_OF_LINE: u32 = 512;
/// Rows that are compared after their signs were, for each of those that are at least.
const READ_BEYOND: f64 = 2.5;
/// Below this share a sample tells too little.
const SPARSE_RATE_MAX: f64 = 0.05;
/// A walk that scores passing nodes only costs this much more per candidate (it looks two links far).
const TWO_HOP_FACTOR: f64 = 3.0;
/// Where a walk is wanted at all costs: from this share of passing elements on every node is scored.
const FORCED_PLAIN_RATE_MIN: f64 = 0.4;
/// Candidates of a filtered walk at least, for each hit wanted: so that there is something to rank anew.
const EF_PER_HIT_MIN: usize = 2;
/// A walk whose passing nodes lie elsewhere takes p^-0.5 times as long.
const FAR_EXPONENT: f64 = -0.5;
/// So many times rarer than expected are passing nodes around the target when a walk gives up.
const RARE: f64 = 2.0;
/// Candidates of a walk that finds little.
const EF_SMALL: usize = 32;

/// The kinds of plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanKind {
    /// Every vector is compared.
    Scan,
    /// Every vector is compared, passing ones count.
    ScanPassing,
    /// The filter is evaluated on the columns of all elements first, passing ones are compared.
    FilterFirst,
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
            PlanKind::FilterFirst => "filter-first",
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
    /// Two-hop walks: where to start; none: that is to be asked of who passes.
    pub seeds: Option<Vec<u32>>,
    /// Candidates that a filtered walk keeps.
    pub ef: Option<usize>,
    /// A walk through all nodes: the share of passing ones below which it gives up, and what to do then.
    pub otherwise: Option<(f64, PlanKind)>,
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
        return Plan::of(match filter.columns() {
            Some(_) => PlanKind::FilterFirst,
            None => PlanKind::ScanPassing,
        });
    }
    if query.expansions_max.is_some_and(|max| max < index.len()) {
        return Plan::of(PlanKind::GraphFiltered);
    }
    let costs = Costs {
        scan_by: query.scan_by(),
        ..Costs::of(index, k, ef)
    };
    choose_filtered(costs, query.force_graph, filter)
}

/// Whether a scan takes less time than the walk that finds least.
pub fn scans_anyway(index: &VectorIndex, query: &Query, k: usize) -> bool {
    !query.force_graph && is_scanned(index, k)
}

/// Whether a search for `k` hits compares with all, whatever its ef.
pub fn is_scanned(index: &VectorIndex, k: usize) -> bool {
    let costs = Costs::of(index, k, k.max(EF_SMALL).min(index.len()));
    costs.scan() <= costs.walk()
}

/// What comparing with all codes of an index takes.
pub fn scan_codes_ns(index: &VectorIndex) -> f64 {
    let row_ns = SCAN_ROW_NS + code_bytes(index.options()) / BYTES_PER_NS;
    index.len() as f64 * row_ns
}

/// How to search for all within a radius.
pub struct RangePlan {
    /// A walk goes on until more than this are within; none: all are compared at once.
    pub hits_max: Option<usize>,
    /// Whether all are compared with what is stored, not with codes first.
    pub is_exact: bool,
}

/// Plans a search for all within a radius, by a walk that keeps `ef` candidates beyond it: it goes on as long as it costs less than
/// comparing with all codes.
pub fn choose_within(index: &VectorIndex, ef: usize) -> RangePlan {
    let costs = Costs::of(index, 0, ef);
    let scan = scan_codes_ns(index);
    let is_flat = index.options().kind == IndexKind::Flat;
    let left = (scan - costs.walk()) / (f64::from(index.options().m) * costs.walk_row_ns);
    RangePlan {
        hits_max: (!is_flat && left > 0.0).then_some(left as usize),
        is_exact: is_flat || costs.scan() <= costs.walk(),
    }
}

/// All that pass are compared with what is stored.
pub fn exact(is_filtered: bool) -> Plan {
    Plan::of(match is_filtered {
        true => PlanKind::FilterFirst,
        false => PlanKind::Scan,
    })
}

/// What a query will take, in microseconds, before anything is known about its filter. It decides where a command runs, so
/// the order of magnitude is enough.
pub fn predict_us(collection: &Collection, ef: usize, is_exact: bool, is_filtered: bool) -> u64 {
    let index = collection.index();
    let costs = Costs::of(index, 10, ef.min(index.len()));
    let walk = match is_filtered {
        true => costs.plain(0.1, FILTER_NS),
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
    if let Some(over) = filter.columns() {
        return choose_by_columns(costs, force_graph, filter, over);
    }
    // However many pass, a walk tests at least the rows that it scores.
    if !force_graph && costs.elements <= costs.rows {
        return Plan::of(PlanKind::ScanPassing);
    }
    let sample = filter.sample();
    let rate = sample.pass_rate;
    let test_ns = FILTER_NS + FILTER_BYTE_NS * sample.attribute_bytes;
    let scan = costs.scan_passing(rate, test_ns);
    let plain = costs.plain(rate, test_ns);
    let two_hop = costs.two_hop(rate, test_ns);
    if force_graph {
        return Plan::forced(rate, Some(filter.sampled_seeds(sample, SEEDS)));
    }
    if plain.min(two_hop) < scan {
        let seeds = || Some(filter.sampled_seeds(sample, SEEDS));
        let otherwise = Otherwise::cheaper((PlanKind::ScanPassing, scan), two_hop, seeds);
        return Plan::walk(&costs, rate, plain, otherwise);
    }
    let reads_most = costs.late_tests(rate) * MAKING_FACTOR >= costs.elements;
    if reads_most && let Some(over) = filter.make_columns() {
        return choose_by_columns(costs, force_graph, filter, over);
    }
    Plan {
        pass_rate: Some(rate),
        ..Plan::of(PlanKind::ScanPassing)
    }
}

/// With columns a pass over all of them costs little, and tells exactly how many pass.
fn choose_by_columns(costs: Costs, force_graph: bool, filter: &Memo, over: &OverColumns) -> Plan {
    let pass_ns = over.block_ns() * filter.blocks() as f64;
    let mut test_ns = over.one_ns();
    let mut rate = filter.sample_blocks();
    let wants_few = pass_ns + costs.filter_first(rate) <= costs.plain(rate, test_ns);
    let pays = pass_ns <= costs.plain_tests(rate) * test_ns;
    if pays || wants_few || rate < SPARSE_RATE_MAX {
        rate = filter.count().max(1) as f64 / costs.elements;
        test_ns = TEST_BIT_NS;
    }
    if force_graph {
        return Plan::forced(rate, None);
    }
    // Until somebody counts, testing all comes on top.
    let all_ns = if test_ns == TEST_BIT_NS { 0.0 } else { pass_ns };
    choose_by_rate(costs, rate, test_ns, all_ns)
}

/// Plans a search of an index of whose slots so many are known to pass (none: everybody does), and can be listed. `ef` is what a
/// walk without a filter would keep for `k` hits.
pub fn choose_known(index: &VectorIndex, k: usize, ef: usize, passing: Option<usize>) -> Plan {
    let costs = Costs::of(index, k, ef);
    let is_flat = index.options().kind == IndexKind::Flat;
    let Some(passing) = passing else {
        return Plan::of(match is_flat || costs.scan() <= costs.walk() {
            true => PlanKind::Scan,
            false => PlanKind::Graph,
        });
    };
    if is_flat {
        return Plan::of(PlanKind::FilterFirst);
    }
    let rate = (passing.max(1) as f64 / costs.elements).min(1.0);
    let all_ns = LISTED_NS * passing as f64;
    choose_by_rate(costs, rate, TEST_KNOWN_NS, all_ns)
}

/// What a search that [`choose_known`] plans will take in nanoseconds, where at most so many pass; `is_exact`: all of them are
/// compared with what is stored.
pub fn predict_known_ns(
    index: &VectorIndex,
    (k, ef): (usize, usize),
    passing: Option<usize>,
    is_exact: bool,
) -> f64 {
    let costs = Costs::of(index, k, ef);
    let is_scan = is_exact || index.options().kind == IndexKind::Flat;
    let Some(passing) = passing else {
        return match is_scan {
            true => costs.scan(),
            false => costs.scan().min(costs.walk()),
        };
    };
    let share = (passing as f64 / costs.elements.max(1.0)).min(1.0);
    if is_scan {
        return costs.elements * share * (costs.scan_row_ns + APART_ROW_NS);
    }
    // Comparing takes the longer the more pass, a walk the longer the fewer: the dearest is where they meet.
    let shares = (0..12).map(|halvings| share / f64::from(1 << halvings));
    let cheaper = shares.map(|rate| {
        let first = costs.filter_first(rate) + LISTED_NS * costs.elements * rate;
        first.min(costs.plain(rate.max(1.0 / costs.elements), TEST_KNOWN_NS))
    });
    cheaper.fold(0.0, f64::max)
}

/// `all_ns` is what listing who passes takes, beside comparing them.
fn choose_by_rate(costs: Costs, rate: f64, test_ns: f64, all_ns: f64) -> Plan {
    let plain = costs.plain(rate, test_ns);
    let first = costs.filter_first(rate) + all_ns;
    if first <= plain {
        return Plan {
            pass_rate: Some(rate),
            ..Plan::of(PlanKind::FilterFirst)
        };
    }
    let two_hop = costs.two_hop(rate, test_ns);
    let otherwise = Otherwise::cheaper((PlanKind::FilterFirst, first), two_hop, || None);
    Plan::walk(&costs, rate, plain, otherwise)
}

/// What to do where passing elements turn out to be rare around the target.
struct Otherwise {
    kind: PlanKind,
    ns: f64,
    seeds: Option<Vec<u32>>,
}

impl Otherwise {
    fn cheaper(
        scan: (PlanKind, f64),
        two_hop: f64,
        seeds: impl FnOnce() -> Option<Vec<u32>>,
    ) -> Otherwise {
        match scan {
            (kind, ns) if ns <= two_hop => Otherwise {
                kind,
                ns,
                seeds: None,
            },
            _ => Otherwise {
                kind: PlanKind::GraphTwoHop,
                ns: two_hop,
                seeds: seeds(),
            },
        }
    }
}

impl Plan {
    fn of(kind: PlanKind) -> Plan {
        Plan {
            kind,
            seeds: None,
            ef: None,
            otherwise: None,
            pass_rate: None,
            may_scan_after: false,
        }
    }

    /// A walk through all nodes, which gives up where `otherwise` is cheaper by what is seen then.
    fn walk(costs: &Costs, rate: f64, plain: f64, otherwise: Otherwise) -> Plan {
        let gives_up = otherwise.ns < plain * rate.powf(FAR_EXPONENT);
        Plan {
            kind: PlanKind::GraphFiltered,
            seeds: otherwise.seeds,
            ef: Some(costs.filtered_ef(rate) as usize),
            otherwise: gives_up.then_some((rate / RARE, otherwise.kind)),
            pass_rate: Some(rate),
            may_scan_after: true,
        }
    }

    /// A walk whatever it costs, with all of its candidates.
    fn forced(rate: f64, seeds: Option<Vec<u32>>) -> Plan {
        let is_plain = rate >= FORCED_PLAIN_RATE_MIN;
        Plan {
            pass_rate: Some(rate),
            seeds,
            ..Plan::of(match is_plain {
                true => PlanKind::GraphFiltered,
                false => PlanKind::GraphTwoHop,
            })
        }
    }
}

/// Expected costs in nanoseconds.
struct Costs<'a> {
    index: &'a VectorIndex,
    /// What is compared where all that pass are.
    scan_by: ScanBy,
    elements: f64,
    /// Rows that a walk without a filter scores: about M for each candidate it keeps.
    rows: f64,
    /// Candidates that it keeps.
    ef: f64,
    /// Hits wanted.
    k: f64,
    scan_row_ns: f64,
    walk_row_ns: f64,
    /// A row of some that lie apart, compared as a walk compares it.
    apart_row_ns: f64,
    /// The signs of a row.
    signs_row_ns: f64,
}

impl<'a> Costs<'a> {
    fn of(index: &'a VectorIndex, k: usize, ef: usize) -> Costs<'a> {
        let options = index.options();
        Costs {
            index,
            scan_by: ScanBy::Signs,
            elements: index.len() as f64,
            rows: ef as f64 * f64::from(options.m),
            ef: ef as f64,
            k: k as f64,
            scan_row_ns: SCAN_ROW_NS + stored_bytes(options) / BYTES_PER_NS,
            walk_row_ns: WALK_ROW_NS + code_bytes(options) / BYTES_PER_NS,
            apart_row_ns: APART_ROW_NS + code_bytes(options) / BYTES_PER_NS,
            signs_row_ns: SIGNS_LINE_NS * f64::from(options.dim.div_ceil(SIGNS_OF_LINE)),
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

    /// All rows are scored, and some tested.
    fn scan_passing(&self, rate: f64, test_ns: f64) -> f64 {
        self.scan() + self.late_tests(rate) * test_ns
    }

    /// Tests of a scan that asks the filter only about those that are near enough so far, which in an order that knows
    /// nothing of nearness are (k / rate) * (1 + ln(passing / k)).
    fn late_tests(&self, rate: f64) -> f64 {
        let tests = self.k / rate * (1.0 + (self.elements * rate / self.k).max(1.0).ln());
        tests.min(self.elements)
    }

    /// Comparing the passing rows, once they are known.
    fn filter_first(&self, rate: f64) -> f64 {
        let rows = self.elements * rate;
        let how_many = (self.k as usize, self.ef as usize);
        let first = self.index.read_first(rows as usize, how_many) as f64;
        match self.scan_by == ScanBy::Signs && first < rows.floor() {
            true => rows * self.signs_row_ns + first * READ_BEYOND * self.apart_row_ns,
            false => rows * self.apart_row_ns,
        }
    }

    /// Candidates that a walk through all nodes keeps, so that it goes about as far as one without a filter.
    fn filtered_ef(&self, rate: f64) -> f64 {
        let least = (self.k * EF_PER_HIT_MIN as f64).min(self.ef);
        (filtered_ef(self.ef as usize, rate) as f64).max(least)
    }

    /// Tests of a walk through all nodes: only those that are near enough are tested.
    fn plain_tests(&self, rate: f64) -> f64 {
        let tests = TESTS_PER_CANDIDATE * self.filtered_ef(rate) / rate;
        tests.min(self.elements)
    }

    /// Rows until enough passing ones are found.
    fn plain(&self, rate: f64, test_ns: f64) -> f64 {
        let per_candidate = self.rows / self.ef;
        let rows = (self.filtered_ef(rate) * per_candidate / rate).min(self.elements);
        DESCENT_NS + rows * self.walk_row_ns + self.plain_tests(rate) * test_ns + self.list()
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
        Quantization::F32 | Quantization::F16 if options.walked_on == WalkedOn::Int4 => {
            f64::from(options.dim) / 2.0
        }
        Quantization::F32 | Quantization::F16 | Quantization::Int8 => f64::from(options.dim),
        Quantization::Bit => f64::from(options.dim.div_ceil(64) * 8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Metric;

    /// The signs of 1,536 components lie in three cache lines: comparing those of 7,500 rows takes longer than a walk.
    #[test]
    fn signs_of_long_vectors_cost_more() {
        let is_scanned = |dim| {
            let index = VectorIndex::new(IndexOptions {
                dim,
                metric: Metric::Cosine,
                quantization: Quantization::Int8,
                kind: IndexKind::Hnsw,
                m: 16,
                ef_construction: 200,
                walked_on: WalkedOn::Codes,
            });
            let costs = Costs {
                elements: 50_000.0,
                ..Costs::of(&index, 10, 100)
            };
            costs.filter_first(0.15) < costs.plain(0.15, TEST_BIT_NS)
        };
        assert!(is_scanned(384) && !is_scanned(1536));
    }
}

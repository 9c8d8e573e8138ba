//! A question about a collection, and its answer, as data. Every front-end's search ends in a [`Query`].

use super::filter::Filter;
use super::plan::PlanKind;
use crate::index::{ScanBy, VectorError, WalkStats};
use crate::keyspace::calibration::QuerySource;
use crate::keyspace::collection::Element;
use std::sync::Arc;

/// What the hits shall be near to.
#[derive(Clone, Debug)]
pub enum QueryTarget {
    /// A vector of the collection's dimension or, where it projects, of its input dimension.
    Vector(Vec<f32>),
    /// The stored vector of this element.
    Element(Box<[u8]>),
}

/// A question: the `k` nearest elements after the first `offset` ones, of those that pass.
#[derive(Clone, Debug)]
pub struct Query {
    /// What to be near to.
    pub target: QueryTarget,
    /// Hits wanted.
    pub k: usize,
    /// Nearest hits to leave out before those.
    pub offset: usize,
    /// Candidates that a walk keeps; raised to `offset + k`, lowered to the number of elements.
    pub ef: usize,
    /// The recall to find on average, in place of an ef: share of the true hits, above 0 and at most 1.
    pub recall: Option<f64>,
    /// Who may be a hit.
    pub filter: Option<Filter>,
    /// With a filter: nodes that a walk expands at most. It then walks, whatever a scan would cost, unless the bound lies
    /// beyond the whole collection.
    pub expansions_max: Option<usize>,
    /// Compare with every vector, in the stored form.
    pub exact: bool,
    /// Hits are at most this far, by the index's distance.
    pub radius: Option<f32>,
    /// Walk the graph even where a scan is cheaper; for measuring the graph.
    pub force_graph: bool,
    /// Whether the target may be remembered, so that recall is measured with queries that are really asked.
    pub remember: bool,
}

impl Query {
    /// The `k` nearest elements, with the candidates that the command references have as default.
    pub fn nearest(target: QueryTarget, k: usize) -> Query {
        Query {
            target,
            k,
            offset: 0,
            ef: 100,
            recall: None,
            filter: None,
            expansions_max: None,
            exact: false,
            radius: None,
            force_graph: false,
            remember: false,
        }
    }

    /// What is compared where all that pass are. A promised recall is that of codes at least: nobody measured that of signs.
    pub(super) fn scan_by(&self) -> ScanBy {
        match (self.exact, self.recall) {
            (true, _) => ScanBy::Stored,
            (false, Some(_)) => ScanBy::Codes,
            (false, None) => ScanBy::Signs,
        }
    }
}

/// Why a query could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryError {
    /// The element to be near to is not there.
    NoSuchElement,
    /// The vector does not fit the collection.
    Vector(VectorError),
}

/// One element that was found.
#[derive(Clone)]
pub struct Hit {
    /// Distance to the target by the index's metric.
    pub distance: f32,
    /// Where its vector was when it was found; valid as long as an epoch pin of that time is held.
    pub slot: u32,
    /// The element.
    pub element: Arc<Element>,
}

/// The hits, nearest first, equally near ones by name; and how they were found.
pub struct Answer {
    /// At most k of them, no element twice.
    pub hits: Vec<Hit>,
    /// What was done.
    pub explanation: Explanation,
}

/// A recall that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Promise {
    /// As asked for.
    pub wanted: f64,
    /// What queries like this one find on average, as far as that was measured.
    pub expected: f64,
    /// What an exact search of the stored form finds.
    pub ceiling: f64,
    /// Whether that is as much.
    pub is_kept: bool,
    /// The queries that this was measured with; none: it is known without.
    pub source: Option<QuerySource>,
}

/// How an answer was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What was planned.
    pub plan: PlanKind,
    /// Whether the walk found too few and everything was scanned after it.
    pub was_scanned_after: bool,
    /// Candidates kept by the walk.
    pub ef: usize,
    /// Elements of the collection.
    pub candidates: usize,
    /// What came of a promise of recall.
    pub promise: Option<Promise>,
    /// What walk and scan did.
    pub walk: WalkStats,
    /// Elements that the filter was evaluated for, sampling included; each once.
    pub filter_tests: u64,
    /// Those of them that passed.
    pub filter_passes: u64,
    /// Fields that the filter was evaluated on as columns; 0 where it read attributes.
    pub columns: usize,
    /// The share of passing elements that the plan expected, from a sample.
    pub pass_rate_sampled: Option<f64>,
}

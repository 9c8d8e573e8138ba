//! Follows a plan through an index: the walk or scan that it names, what comes in its place where that leads astray, and a scan where
//! too few were found. Who passes a filter is asked through [`Passers`]: columns of attributes, or postings of documents.

use super::plan::{Plan, PlanKind};
use crate::index::{
    FilteredWalk, IsLate, Listed, Neighbour, Probe, ScanBy, SlotFilter, Target, VectorIndex,
    WalkOptions, WalkStats,
};

/// Who may be a hit of one query.
pub trait Passers: SlotFilter {
    /// The slots of all who may; none if that is only learnt by asking for each.
    fn listed(&self) -> Option<Listed<'_>>;

    /// Up to `count` of them, spread over all.
    fn seeds(&self, count: usize) -> Vec<u32>;
}

/// Passing slots that a walk along passing nodes starts from; without them it dies where those lie away from the target.
pub(super) const SEEDS: usize = 16;

/// What became of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// What was done in the end.
    pub plan: PlanKind,
    /// Whether all were compared because the walk found too few.
    pub was_scanned_after: bool,
    /// What it took.
    pub walk: WalkStats,
}

impl Default for Course {
    fn default() -> Course {
        Course {
            plan: PlanKind::Scan,
            was_scanned_after: false,
            walk: WalkStats::default(),
        }
    }
}

/// One query's search of an index.
pub struct Search<'a> {
    /// The index.
    pub index: &'a VectorIndex,
    /// What is searched for.
    pub target: &'a Target,
    /// Hits wanted.
    pub wanted: usize,
    /// Candidates of a walk without a filter.
    pub ef: usize,
    /// Nodes that a filtered walk expands, at most.
    pub expansions_max: Option<usize>,
    /// What is compared where all that pass are.
    pub scan_by: ScanBy,
    /// Who may be a hit; none: everybody.
    pub passers: Option<&'a dyn Passers>,
    /// A walk ends with what it has when this says so.
    pub is_late: IsLate<'a>,
}

impl Search<'_> {
    /// Follows the plan; otherwise where that leads astray, and scans if too few of `there_are` were found. What it took is added
    /// to `course`.
    pub fn find(&self, plan: &Plan, there_are: usize, course: &mut Course) -> Vec<Neighbour> {
        course.plan = plan.kind;
        let stats = &mut course.walk;
        stats.gave_up = false;
        let mut found = self.follow(plan.kind, plan, stats);
        if stats.gave_up
            && let Some((_, kind)) = plan.otherwise
        {
            course.plan = kind;
            found = self.follow(kind, plan, stats);
        }
        let is_late = || self.is_late.is_some_and(|is_late| is_late());
        if found.len() < self.wanted.min(there_are) && plan.may_scan_after && !is_late() {
            course.was_scanned_after = true;
            found = self.scan_passing(&mut course.walk);
        }
        found
    }

    fn follow(&self, kind: PlanKind, plan: &Plan, stats: &mut WalkStats) -> Vec<Neighbour> {
        match kind {
            PlanKind::Scan | PlanKind::ScanPassing => self.scan(stats),
            PlanKind::FilterFirst => self.scan_passing(stats),
            PlanKind::Graph => self.walk(self.ef, None, stats),
            PlanKind::GraphFiltered => {
                let probe = plan.ef.map(|_| Probe {
                    pass_rate_min: plan.otherwise.map_or(0.0, |(rate, _)| rate),
                    ef: self.ef,
                });
                let ef = plan.ef.unwrap_or(self.ef);
                self.walk(ef, Some(FilteredWalk::Plain(probe)), stats)
            }
            PlanKind::GraphTwoHop => {
                let seeds = match (&plan.seeds, self.passers) {
                    (Some(seeds), _) => seeds.clone(),
                    (None, Some(passers)) => passers.seeds(SEEDS),
                    (None, None) => Vec::new(),
                };
                self.walk(self.ef, Some(FilteredWalk::TwoHop { seeds }), stats)
            }
        }
    }

    fn scan(&self, stats: &mut WalkStats) -> Vec<Neighbour> {
        let filter = self.passers.map(|passers| passers as &dyn SlotFilter);
        self.index
            .scan(self.target, self.wanted, None, filter, stats)
    }

    /// All slots are tested first, and only the passing ones compared.
    fn scan_passing(&self, stats: &mut WalkStats) -> Vec<Neighbour> {
        match self.passers.and_then(Passers::listed) {
            Some(passing) => {
                let how_many = (self.wanted, self.ef);
                self.index
                    .scan_passing(self.target, how_many, &passing, self.scan_by, stats)
            }
            None => self.scan(stats),
        }
    }

    fn walk(&self, ef: usize, how: Option<FilteredWalk>, stats: &mut WalkStats) -> Vec<Neighbour> {
        let filter = self
            .passers
            .map(|passers| passers as &dyn SlotFilter)
            .zip(how.as_ref());
        // Without a filter nothing bounds a walk but ef.
        let expansions_max = filter.and(self.expansions_max);
        let options = WalkOptions {
            k: self.wanted,
            ef,
            expansions_max,
            is_late: self.is_late,
        };
        stats.spread = None;
        let found = self.index.search(self.target, &options, filter, stats);
        self.index.observe(stats);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{IndexKind, IndexOptions, LinkOptions, Metric, Quantization, WalkedOn};

    #[test]
    fn a_walk_that_is_late_is_not_followed_by_a_scan() {
        let index = VectorIndex::new(IndexOptions {
            dim: 2,
            metric: Metric::L2,
            quantization: Quantization::F32,
            kind: IndexKind::Hnsw,
            m: 8,
            ef_construction: 64,
            walked_on: WalkedOn::Codes,
        });
        for n in 0..400u32 {
            let slot = index.reserve(&[n as f32, 1.0]);
            index.connect(slot, u64::from(n), LinkOptions::default());
        }
        let target = index.target(&[7.0, 0.0]);
        let find = |is_late: IsLate| {
            let search = Search {
                index: &index,
                target: &target,
                wanted: 300,
                ef: 300,
                expansions_max: None,
                scan_by: ScanBy::Signs,
                passers: None,
                is_late,
            };
            let plan = Plan {
                kind: PlanKind::Graph,
                seeds: None,
                ef: None,
                otherwise: None,
                pass_rate: None,
                may_scan_after: true,
            };
            let mut course = Course::default();
            let found = search.find(&plan, 400, &mut course);
            (found.len(), course.was_scanned_after)
        };
        assert_eq!(find(None).0, 300);
        let (found, was_scanned) = find(Some(&|| true));
        assert!(found < 300 && !was_scanned, "{found} hits");
    }
}

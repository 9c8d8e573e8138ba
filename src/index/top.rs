//! The nearest of a scan, for any k: candidates are gathered a little beyond k and cut back now and then, so that even a
//! scan that returns everything takes linear time. (The sorted array of a walk moves half of itself for each candidate.)

use super::nearest::Candidate;

/// The `limit` nearest candidates that were offered.
pub(super) struct Top {
    kept: Vec<Candidate>,
    limit: usize,
    /// Candidates beyond `limit` that are gathered before a cut.
    slack: usize,
    /// Once `limit` were kept: the farthest of them at the last cut.
    worst: Option<Candidate>,
}

impl Top {
    /// With rare cuts, for offers that cost nothing.
    pub(super) fn with_limit(limit: usize) -> Top {
        Top {
            kept: Vec::new(),
            limit,
            slack: limit,
            worst: None,
        }
    }

    /// With a bound that is nearly tight, for offers that cost a filter's test.
    pub(super) fn with_tight_limit(limit: usize) -> Top {
        Top {
            slack: limit / 8,
            ..Top::with_limit(limit)
        }
    }

    /// Whether a candidate may be among the nearest; a few that are not may be let in.
    #[inline]
    pub(super) fn admits(&self, candidate: Candidate) -> bool {
        self.limit > 0 && self.worst.is_none_or(|worst| candidate < worst)
    }

    /// Keeps the candidate if it may be among the nearest. It must not have been offered before.
    #[inline]
    pub(super) fn offer(&mut self, candidate: Candidate) {
        if !self.admits(candidate) {
            return;
        }
        self.kept.push(candidate);
        if self.kept.len() > self.limit + self.slack {
            self.cut();
        }
    }

    /// The nearest, nearest first.
    pub(super) fn into_sorted(mut self) -> Vec<Candidate> {
        if self.kept.len() > self.limit && self.limit > 0 {
            self.cut();
        }
        self.kept.sort_unstable();
        self.kept
    }

    fn cut(&mut self) {
        let last = self.limit - 1;
        let (_, worst, _) = self.kept.select_nth_unstable(last);
        self.worst = Some(*worst);
        self.kept.truncate(self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_many_are_kept_for_every_limit() {
        // Multiples of a number without common factors: every distance once, in no order.
        let all: Vec<Candidate> = (0..1009u32)
            .map(|n| Candidate::new((n * 331 % 1009) as f32, n))
            .collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        for limit in [0, 1, 2, 7, 8, 9, 100, 1008, 1009, 5000] {
            for mut top in [Top::with_limit(limit), Top::with_tight_limit(limit)] {
                all.iter().for_each(|candidate| top.offer(*candidate));
                assert_eq!(
                    top.into_sorted(),
                    sorted[..limit.min(1009)],
                    "limit {limit}"
                );
            }
        }
    }
}

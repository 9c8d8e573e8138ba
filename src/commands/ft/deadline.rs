//! When a query's time is over, and what it answers then.

use super::options::{Limits, Options};
use crate::commands::error::{Refusal, Result};
use crate::search::documents::patience::Patience;
use std::time::{Duration, Instant};

/// What a query says that ran out of time.
const TIMED_OUT: &str = "Timeout limit was reached";
/// What a query says in which a part of a word stands for too many words.
pub const EXPANSIONS: &str = "Max prefix expansions limit was reached";

/// The end of a query's time; there may be none.
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The request's TIMEOUT counts from now, or the configuration's. 0 sets none.
    pub fn begin(options: &Options, limits: &Limits) -> Deadline {
        let timeout_ms = options.timeout_ms.unwrap_or(limits.timeout_ms);
        let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms));
        Deadline(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    /// Whether it has passed.
    pub fn is_over(&self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }
}

/// Of a query whose time is over: an error, or a warning for who gets what was found.
pub fn warn_of_time(
    patience: &Patience,
    limits: &Limits,
    warnings: &mut Vec<&'static str>,
) -> Result<()> {
    match patience.is_over() {
        false => Ok(()),
        true if limits.fails_on_timeout => Err(Refusal::line(TIMED_OUT)),
        true => {
            warnings.push(TIMED_OUT);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_of_zero_is_none() {
        let options = |timeout_ms| {
            let mut options = Options::default();
            options.timeout_ms = timeout_ms;
            options
        };
        let limits = Limits::default();
        assert!(Deadline::begin(&options(Some(0)), &limits).0.is_none());
        assert!(Deadline::begin(&options(None), &limits).0.is_some());
        let endless = Limits {
            timeout_ms: 0,
            ..limits
        };
        assert!(Deadline::begin(&options(None), &endless).0.is_none());
        assert!(Deadline::begin(&options(Some(1)), &endless).0.is_some());
    }

    #[test]
    fn a_query_that_is_late_fails_or_warns() {
        let is_late = || true;
        let patience = Patience::new(&is_late);
        while !patience.ends() {}
        let limits = Limits::default();
        let mut warnings = Vec::new();
        assert!(warn_of_time(&patience, &limits, &mut warnings).is_ok());
        assert_eq!(warnings, [TIMED_OUT]);
        let limits = Limits {
            fails_on_timeout: true,
            ..limits
        };
        assert!(warn_of_time(&patience, &limits, &mut warnings).is_err());
    }
}

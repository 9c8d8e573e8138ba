//! When a query's time is over, and what it answers then.

use super::options::{Limits, Options};
use crate::commands::error::{Refusal, Result};
use crate::search::documents::patience::Patience;
use std::time::{Duration, Instant};

/// What a query says that ran out of time.
const TIMED_OUT: &str = "Timeout limit was reached";
/// What a query says in which a part of a word stands for too many words.
pub const EXPANSIONS: &str = "Max prefix expansions limit was reached";

/// Whether a query's time is over: it begins now. The request's TIMEOUT counts, or the configuration's; 0 sets no end.
pub fn deadline(options: &Options, limits: &Limits) -> impl Fn() -> bool + use<> {
    let end = end(options, limits);
    move || end.is_some_and(|end| Instant::now() >= end)
}

fn end(options: &Options, limits: &Limits) -> Option<Instant> {
    let timeout_ms = options.timeout_ms.unwrap_or(limits.timeout_ms);
    let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms));
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// An error if a query's time is over and nothing is to be made of what there is.
pub fn check(patience: &Patience, limits: &Limits) -> Result<()> {
    match patience.is_exceeded() && limits.fails_on_timeout {
        true => Err(Refusal::line(TIMED_OUT)),
        false => Ok(()),
    }
}

/// Of a query whose time is over: an error, or a warning for who gets what was found.
pub fn warn_of_time(
    patience: &Patience,
    limits: &Limits,
    warnings: &mut Vec<&'static str>,
) -> Result<()> {
    match patience.is_exceeded() {
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
        assert!(end(&options(Some(0)), &limits).is_none());
        assert!(end(&options(None), &limits).is_some());
        let endless = Limits {
            timeout_ms: 0,
            ..limits
        };
        assert!(end(&options(None), &endless).is_none());
        assert!(end(&options(Some(1)), &endless).is_some());
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

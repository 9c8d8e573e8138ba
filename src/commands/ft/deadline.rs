//! When a query's time is over, and what it answers then.

use super::find::Ground;
use super::options::{Limits, Options};
use crate::commands::error::{Refusal, Result};
use crate::commands::table::Delay;
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

/// What was predicted to be brief and takes so many milliseconds is not.
const BRIEF_MS_MAX: u64 = 20;

/// When an aggregation that begins now stops.
pub struct End {
    at: Option<Instant>,
    /// Whether it is begun again elsewhere then.
    is_handed_on: bool,
}

impl End {
    /// When its time is over or, where others expect it to be brief, when it is not.
    pub fn of(options: &Options, ground: &Ground) -> End {
        let end = end(options, &ground.limits);
        let brief = Instant::now() + Duration::from_millis(BRIEF_MS_MAX);
        let is_handed_on = ground.is_brief && end.is_none_or(|end| brief < end);
        End {
            at: if is_handed_on { Some(brief) } else { end },
            is_handed_on,
        }
    }

    /// Whether that was.
    pub fn is_past(&self) -> bool {
        self.at.is_some_and(|end| Instant::now() >= end)
    }

    /// The time until then, by a clock that asks `is_past`.
    pub fn time<'a>(&self, is_past: &'a dyn Fn() -> bool) -> Time<'a> {
        Time {
            patience: Patience::new(is_past),
            is_handed_on: self.is_handed_on,
        }
    }
}

/// The time of an aggregation.
pub struct Time<'a> {
    /// Its loops look at the clock by this.
    pub patience: Patience<'a>,
    /// Whether it is begun again elsewhere when it is over.
    pub is_handed_on: bool,
}

impl Time<'_> {
    /// An error if it is over and nothing is to be made of what there is.
    pub fn check(&self, ground: &Ground) -> Result<()> {
        match self.patience.is_exceeded() {
            true if self.is_handed_on => Err(ground.not_here(Delay::Long)),
            true if ground.limits.fails_on_timeout => Err(Refusal::line(TIMED_OUT)),
            _ => Ok(()),
        }
    }

    /// The same, or a warning for who gets what there is.
    pub fn warn(&self, ground: &Ground, warnings: &mut Vec<&'static str>) -> Result<()> {
        self.check(ground)?;
        warn_of_time(&self.patience, &ground.limits, warnings)
    }
}

fn end(options: &Options, limits: &Limits) -> Option<Instant> {
    let timeout_ms = options.timeout_ms.unwrap_or(limits.timeout_ms);
    let timeout = (timeout_ms > 0).then(|| Duration::from_millis(timeout_ms));
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
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

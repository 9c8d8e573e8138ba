//! The log for people: one line an event, in the form that Redis users and their tools know:
//! `PID:M DD Mon YYYY HH:MM:SS.mmm * text`.

use crate::config::{Config, Loglevel};
use std::fmt::{self, Write as _};
use std::fs::OpenOptions;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Sends events to the configured file, or to standard output. The level is asked for with each event: it may change while
/// the server runs.
pub fn start(config: &Arc<Config>) -> io::Result<()> {
    let lines = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .event_format(Line {
            config: Arc::clone(config),
        });
    match config.logfile() {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            lines.with_writer(Mutex::new(file)).init();
        }
        None => lines.with_writer(io::stdout).init(),
    }
    Ok(())
}

/// Whether events of this level are wanted.
fn is_wanted(level: Level, wanted: Loglevel) -> bool {
    let finest = match wanted {
        Loglevel::Debug => Level::TRACE,
        Loglevel::Verbose => Level::DEBUG,
        Loglevel::Notice => Level::INFO,
        Loglevel::Warning => Level::WARN,
        Loglevel::Nothing => return false,
    };
    level <= finest
}

/// Formats an event as a line.
struct Line {
    config: Arc<Config>,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if !is_wanted(*event.metadata().level(), self.config.loglevel()) {
            return Ok(());
        }
        let mark = match *event.metadata().level() {
            Level::ERROR | Level::WARN => '#',
            Level::INFO => '*',
            Level::DEBUG => '-',
            Level::TRACE => '.',
        };
        let mut text = Text::default();
        event.record(&mut text);
        writeln!(
            writer,
            "{}:M {} {mark} {}{}",
            std::process::id(),
            now(),
            text.message,
            text.fields
        )
    }
}

/// The message first, other fields behind it as `name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    timestamp(since.as_secs(), since.subsec_millis())
}

/// `DD Mon YYYY HH:MM:SS.mmm` in UTC.
fn timestamp(seconds: u64, millis: u32) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, day) = civil_date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let month = MONTHS[month as usize - 1];
    format!("{day:02} {month} {year} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Year, month (1-12) and day of a number of days since 1970, in the proleptic Gregorian calendar. Years are counted from
/// March, so that the leap day is the last of its year.
fn civil_date(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_that_holds_now_decides() {
        assert!(is_wanted(Level::ERROR, Loglevel::Warning));
        assert!(!is_wanted(Level::INFO, Loglevel::Warning));
        assert!(is_wanted(Level::TRACE, Loglevel::Debug));
        assert!(!is_wanted(Level::ERROR, Loglevel::Nothing));
    }

    #[test]
    fn dates_at_the_edges_of_months_and_leap_years() {
        let at = |seconds| timestamp(seconds, 7);
        assert_eq!(at(0), "01 Jan 1970 00:00:00.007");
        assert_eq!(at(951_782_400), "29 Feb 2000 00:00:00.007");
        assert_eq!(at(1_735_689_599), "31 Dec 2024 23:59:59.007");
        assert_eq!(at(4_107_542_399), "28 Feb 2100 23:59:59.007");
        assert_eq!(at(4_107_542_400), "01 Mar 2100 00:00:00.007");
    }
}

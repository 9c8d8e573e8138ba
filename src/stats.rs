//! What the server counts about itself: totals, calls and durations per command, error replies per word. Counting never
//! waits (relaxed atomics); nothing is decided here, and what a figure is called outside is decided where it is printed.
//!
//! Figures read while others count may be some calls apart from each other.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A number that counts up.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// `n` more.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// `n`, if it is more than now: for peaks.
    pub fn raise_to(&self, n: u64) {
        self.0.fetch_max(n, Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn reset(&self) {
        self.0.store(0, Relaxed);
    }
}

/// Declares the counters of [`Totals`] once, and from them their copy as plain numbers and their reset.
macro_rules! totals {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters of the whole server since its start or the last [`Stats::reset`].
        #[derive(Debug, Default)]
        pub struct Totals { $($(#[$doc])* pub $name: Counter,)* }

        /// A copy of [`Totals`] as plain numbers.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct TotalsSnapshot { $($(#[$doc])* pub $name: u64,)* }

        impl Totals {
            fn reset(&self) {
                $(self.$name.reset();)*
            }

            fn snapshot(&self) -> TotalsSnapshot {
                TotalsSnapshot { $($name: self.$name.get(),)* }
            }
        }
    };
}

totals! {
    /// Connections accepted.
    connections_received,
    /// Connections refused because there were too many.
    connections_rejected,
    /// Commands run, failed ones included.
    commands_processed,
    /// Bytes read from clients.
    net_input_bytes,
    /// Bytes written to clients.
    net_output_bytes,
    /// Reads from sockets.
    reads_processed,
    /// Writes to sockets.
    writes_processed,
    /// Keys removed because their time had come.
    expired_keys,
    /// Fields of hashes removed because their time had come.
    expired_fields,
    /// Keys removed to make room.
    evicted_keys,
    /// Clients closed to make room.
    evicted_clients,
    /// Look-ups of a key by a read that found it.
    keyspace_hits,
    /// Look-ups of a key by a read that did not.
    keyspace_misses,
    /// Error replies sent.
    error_replies,
    /// Error replies for which a fault of the server itself was the cause.
    unexpected_error_replies,
    /// Clients closed because their request grew too large.
    query_buffer_limit_disconnections,
    /// Clients closed because they did not fetch their replies.
    output_buffer_limit_disconnections,
    /// Logins refused.
    access_denied_auth,
    /// Commands refused for want of a permission for the command.
    access_denied_command,
    /// Commands refused for want of a permission for a key.
    access_denied_key,
    /// Commands refused for want of a permission for a channel.
    access_denied_channel,
    /// Snapshots completed.
    snapshots,
    /// Flushes of the log to disk that had to wait for an earlier one.
    delayed_fsyncs,
}

/// Buckets of a [`Histogram`]. The last one begins at 2^30 microseconds, 18 minutes.
pub const LATENCY_BUCKETS: usize = 32;

/// Durations by powers of two: bucket 0 counts those under one microsecond, bucket i those from 2^(i-1) to under 2^i.
#[derive(Debug, Default)]
struct Histogram([Counter; LATENCY_BUCKETS]);

impl Histogram {
    fn add(&self, us: u64) {
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        self.0[bucket.min(LATENCY_BUCKETS - 1)].increment();
    }
}

/// What is counted about one command.
#[derive(Debug, Default)]
struct CommandCounters {
    calls: Counter,
    ns: Counter,
    rejected: Counter,
    failed: Counter,
    latency: Histogram,
}

/// What was counted about one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandSnapshot {
    /// Times it ran, failed ones included.
    pub calls: u64,
    /// Time that it ran, in microseconds.
    pub us: u64,
    /// Times it was refused before it ran.
    pub rejected: u64,
    /// Times it ran and answered an error.
    pub failed: u64,
    /// Tracked calls by duration: under 1 microsecond, then from 2^(i-1) to under 2^i microseconds.
    pub latency: [u64; LATENCY_BUCKETS],
}

impl CommandSnapshot {
    /// Calls whose duration was tracked.
    pub fn tracked(&self) -> u64 {
        self.latency.iter().sum()
    }

    /// The duration in microseconds that `percent` of the calls stayed below, as the upper end of its bucket: exact to a
    /// factor of two. 0 without calls.
    pub fn percentile_us(&self, percent: f64) -> u64 {
        let wanted = (self.tracked() as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut below = 0;
        let bucket = self.latency.iter().position(|count| {
            below += count;
            below >= wanted
        });
        bucket.map_or(0, |bucket| 1 << bucket)
    }
}

/// Words of errors that are counted each by itself. Words are made up by clients, too (in scripts, say), hence the bound.
pub const ERROR_WORDS_MAX: usize = 128;

/// Error replies by their first word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorCounts {
    /// How often each word was sent, in the order of words.
    pub by_word: BTreeMap<String, u64>,
    /// Errors whose word came when [`ERROR_WORDS_MAX`] others were known.
    pub others: u64,
}

/// Rates over the last samples, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Commands.
    pub commands: u64,
    /// Bytes read from clients.
    pub input_bytes: u64,
    /// Bytes written to clients.
    pub output_bytes: u64,
}

/// The mean of the last rates of one counter, so that it neither jumps nor lags by more than seconds.
#[derive(Debug, Default)]
struct Meter {
    last: u64,
    samples: [u64; 16],
    next: usize,
}

impl Meter {
    fn sample(&mut self, now: u64, since_last: Duration) {
        let rate = now.saturating_sub(self.last) as f64 / since_last.as_secs_f64().max(1e-3);
        self.last = now;
        self.samples[self.next % self.samples.len()] = rate as u64;
        self.next += 1;
    }

    fn mean(&self) -> u64 {
        self.samples.iter().sum::<u64>() / self.samples.len() as u64
    }
}

/// All counters of the server.
#[derive(Debug)]
pub struct Stats {
    /// Counters of the whole server.
    pub totals: Totals,
    /// The most bytes that were allocated when somebody looked; a reset leaves it.
    pub allocated_bytes_peak: Counter,
    commands: Box<[CommandCounters]>,
    errors: Mutex<ErrorCounts>,
    meters: Mutex<[Meter; 3]>,
}

/// A copy of all counters for who prints them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Counters of the whole server.
    pub totals: TotalsSnapshot,
    /// Commands in the order of their table.
    pub commands: Vec<CommandSnapshot>,
    /// Error replies by their first word.
    pub errors: ErrorCounts,
    /// Rates over the last samples.
    pub rates: Rates,
}

impl Stats {
    /// Counters for a table of `commands` commands.
    pub fn new(commands: usize) -> Self {
        Self {
            totals: Totals::default(),
            allocated_bytes_peak: Counter::default(),
            commands: (0..commands).map(|_| CommandCounters::default()).collect(),
            errors: Mutex::default(),
            meters: Mutex::default(),
        }
    }

    /// Counts one run of the command at `place` in the table; its duration also among those of its size if `is_tracked`.
    pub fn count_call(&self, place: usize, took: Duration, is_error: bool, is_tracked: bool) {
        self.totals.commands_processed.increment();
        let command = &self.commands[place];
        command.calls.increment();
        // In nanoseconds, because many commands take less than a microsecond.
        command.ns.add(took.as_nanos() as u64);
        if is_tracked {
            command.latency.add(took.as_micros() as u64);
        }
        if is_error {
            command.failed.increment();
        }
    }

    /// Counts one refusal of the command at `place` before it ran.
    pub fn count_rejected(&self, place: usize) {
        self.commands[place].rejected.increment();
    }

    /// Counts one error reply by its first word.
    pub fn count_error(&self, word: &str) {
        self.totals.error_replies.increment();
        let mut errors = self.errors.lock();
        if let Some(count) = errors.by_word.get_mut(word) {
            *count += 1;
        } else if errors.by_word.len() < ERROR_WORDS_MAX {
            errors.by_word.insert(word.to_owned(), 1);
        } else {
            errors.others += 1;
        }
    }

    /// Takes one sample for [`Rates`], `since_last` after the one before; ten a second make rates over 1.6 seconds.
    pub fn sample_rates(&self, since_last: Duration) {
        let Totals {
            commands_processed,
            net_input_bytes,
            net_output_bytes,
            ..
        } = &self.totals;
        let counters = [commands_processed, net_input_bytes, net_output_bytes];
        for (meter, counter) in self.meters.lock().iter_mut().zip(counters) {
            meter.sample(counter.get(), since_last);
        }
    }

    /// All counters as they are.
    pub fn snapshot(&self) -> Snapshot {
        let [commands, input_bytes, output_bytes] = self.meters.lock().each_ref().map(Meter::mean);
        Snapshot {
            totals: self.totals.snapshot(),
            commands: self
                .commands
                .iter()
                .map(CommandCounters::snapshot)
                .collect(),
            errors: self.errors.lock().clone(),
            rates: Rates {
                commands,
                input_bytes,
                output_bytes,
            },
        }
    }

    /// Begins to count anew.
    pub fn reset(&self) {
        self.totals.reset();
        self.commands.iter().for_each(CommandCounters::reset);
        *self.errors.lock() = ErrorCounts::default();
        *self.meters.lock() = Default::default();
    }
}

impl CommandCounters {
    fn snapshot(&self) -> CommandSnapshot {
        CommandSnapshot {
            calls: self.calls.get(),
            us: self.ns.get() / 1000,
            rejected: self.rejected.get(),
            failed: self.failed.get(),
            latency: self.latency.0.each_ref().map(Counter::get),
        }
    }

    fn reset(&self) {
        for counter in [&self.calls, &self.ns, &self.rejected, &self.failed] {
            counter.reset();
        }
        self.latency.0.iter().for_each(Counter::reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_command_and_duration() {
        let stats = Stats::new(3);
        for (us, is_error) in [
            (0, false),
            (1, false),
            (3, true),
            (1000, false),
            (u64::MAX / 1000, false),
        ] {
            stats.count_call(1, Duration::from_micros(us), is_error, true);
        }
        stats.count_call(0, Duration::from_micros(5), false, false);
        stats.count_rejected(2);
        let Snapshot {
            totals, commands, ..
        } = stats.snapshot();
        assert_eq!(totals.commands_processed, 6);
        assert_eq!(
            (commands[1].calls, commands[1].failed, commands[1].rejected),
            (5, 1, 0)
        );
        let filled: Vec<usize> = (0..LATENCY_BUCKETS)
            .filter(|&bucket| commands[1].latency[bucket] == 1)
            .collect();
        assert_eq!(filled, [0, 1, 2, 10, LATENCY_BUCKETS - 1]);
        let untracked = commands[0];
        assert_eq!((untracked.calls, untracked.tracked()), (1, 0));
        assert_eq!(
            commands[2],
            CommandSnapshot {
                rejected: 1,
                ..CommandSnapshot::default()
            }
        );
    }

    #[test]
    fn durations_below_a_microsecond_add_up() {
        let stats = Stats::new(1);
        (0..10).for_each(|_| stats.count_call(0, Duration::from_nanos(300), false, true));
        assert_eq!(stats.snapshot().commands[0].us, 3);
    }

    #[test]
    fn a_percentile_is_the_upper_end_of_its_bucket() {
        let stats = Stats::new(1);
        (0..99).for_each(|_| stats.count_call(0, Duration::from_micros(5), false, true));
        stats.count_call(0, Duration::from_micros(700), false, true);
        let command = stats.snapshot().commands[0];
        assert_eq!(
            [50.0, 99.0, 99.9].map(|percent| command.percentile_us(percent)),
            [8, 8, 1024]
        );
        assert_eq!(CommandSnapshot::default().percentile_us(99.0), 0);
    }

    #[test]
    fn error_words_are_bounded() {
        let stats = Stats::new(0);
        for number in 0..ERROR_WORDS_MAX + 10 {
            stats.count_error(&format!("E{number}"));
        }
        stats.count_error("E0");
        let Snapshot { totals, errors, .. } = stats.snapshot();
        assert_eq!(totals.error_replies as usize, ERROR_WORDS_MAX + 11);
        assert_eq!((errors.by_word.len(), errors.others), (ERROR_WORDS_MAX, 10));
        assert_eq!((errors.by_word["E0"], errors.by_word["E1"]), (2, 1));
    }

    #[test]
    fn rates_are_means_of_the_last_samples() {
        let stats = Stats::new(0);
        for _ in 0..20 {
            stats.totals.net_input_bytes.add(500);
            stats.sample_rates(Duration::from_millis(100));
        }
        assert_eq!(
            stats.snapshot().rates,
            Rates {
                input_bytes: 5000,
                ..Rates::default()
            }
        );
        (0..16).for_each(|_| stats.sample_rates(Duration::from_millis(100)));
        assert_eq!(stats.snapshot().rates, Rates::default());
    }

    #[test]
    fn a_reset_leaves_nothing_but_the_peak() {
        let stats = Stats::new(2);
        stats.count_call(0, Duration::from_micros(9), true, true);
        stats.count_rejected(1);
        stats.count_error("ERR");
        stats.totals.keyspace_hits.increment();
        stats.sample_rates(Duration::from_secs(1));
        stats.allocated_bytes_peak.raise_to(7);
        stats.allocated_bytes_peak.raise_to(5);
        stats.reset();
        assert_eq!(stats.snapshot(), Stats::new(2).snapshot());
        assert_eq!(stats.allocated_bytes_peak.get(), 7);
    }
}

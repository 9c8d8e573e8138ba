//! Numbers in flight: drawn for the log, not yet applied. A save waits until everything up to its cut is applied.

use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The ranges of numbers that are drawn and not yet applied.
#[derive(Default)]
pub struct InFlight {
    state: Mutex<State>,
    landed: Condvar,
}

#[derive(Default)]
struct State {
    /// First number to last number of each range.
    ranges: BTreeMap<u64, u64>,
    /// The highest number drawn.
    drawn: u64,
}

impl InFlight {
    /// Starts after `last`, with everything up to it applied.
    pub fn starting_after(last: u64) -> InFlight {
        InFlight {
            state: Mutex::new(State {
                ranges: BTreeMap::new(),
                drawn: last,
            }),
            landed: Condvar::new(),
        }
    }

    /// Enters numbers as they are drawn (under the log mutex, so in order).
    pub fn enter(&self, numbers: RangeInclusive<u64>) {
        let mut state = self.state.lock();
        state.drawn = *numbers.end();
        state.ranges.insert(*numbers.start(), *numbers.end());
    }

    /// Takes numbers out when they are applied.
    pub fn land(&self, numbers: &RangeInclusive<u64>) {
        self.state.lock().ranges.remove(numbers.start());
        self.landed.notify_all();
    }

    /// Waits until everything up to `number` is applied.
    pub fn wait_through(&self, number: u64) {
        let mut state = self.state.lock();
        while state.applied_through() < number {
            self.landed.wait(&mut state);
        }
    }
}

impl State {
    /// The highest number below all in flight.
    fn applied_through(&self) -> u64 {
        self.ranges
            .first_key_value()
            .map_or(self.drawn, |(first, _)| first - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_through_stops_below_the_lowest_in_flight() {
        let flight = InFlight::starting_after(4);
        flight.enter(5..=5);
        flight.enter(6..=8);
        flight.land(&(6..=8));
        assert_eq!(flight.state.lock().applied_through(), 4);
        flight.land(&(5..=5));
        assert_eq!(flight.state.lock().applied_through(), 8);
    }
}

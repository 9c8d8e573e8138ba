//! How long a query may take: long loops ask now and then, and stop with what they have.

use std::cell::Cell;

/// So many steps are made between two looks at the clock.
const STEPS: u32 = 256;

/// A query's time. Whoever hands it in knows the clock.
pub struct Patience<'a> {
    is_late: &'a dyn Fn() -> bool,
    steps: Cell<u32>,
    is_over: Cell<bool>,
    was_late: Cell<bool>,
}

impl<'a> Patience<'a> {
    /// `is_late` says whether the time is over; it is asked a few thousand times a second at most.
    pub fn new(is_late: &'a dyn Fn() -> bool) -> Patience<'a> {
        Patience {
            is_late,
            steps: Cell::new(0),
            is_over: Cell::new(false),
            was_late: Cell::new(false),
        }
    }

    /// Looks at the clock behind a step that cannot be stopped: what it found is shown, and that it took too long is told.
    pub fn look(&self) {
        if !self.was_late.get() {
            self.was_late.set((self.is_late)());
        }
    }

    /// Whether the query took longer than it may, stopped or not.
    pub fn is_exceeded(&self) -> bool {
        self.is_over.get() || self.was_late.get()
    }

    /// Counts a step of a loop. Whether to stop: the time is over.
    pub fn ends(&self) -> bool {
        let steps = self.steps.get() + 1;
        self.steps.set(steps % STEPS);
        if steps == STEPS && !self.is_over.get() {
            self.is_over.set((self.is_late)());
        }
        self.is_over.get()
    }

    /// Whether a loop stopped before its end.
    pub fn is_over(&self) -> bool {
        self.is_over.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_asked_now_and_then_until_it_says_so() {
        let asked = Cell::new(0);
        let is_late = || {
            asked.set(asked.get() + 1);
            asked.get() == 3
        };
        let patience = Patience::new(&is_late);
        let steps = (1..).find(|_| patience.ends());
        assert_eq!((steps, asked.get()), (Some(3 * STEPS), 3));
        assert!(patience.is_over() && patience.ends());
        assert_eq!(asked.get(), 3, "what is over stays over");
        let patience = Patience::new(&|| true);
        assert!(!patience.is_exceeded());
        patience.look();
        assert!(patience.is_exceeded() && !patience.is_over());
    }
}

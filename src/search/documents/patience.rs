//! How long a query may take: long loops ask now and then, and stop with what they have.

use std::cell::Cell;

/// So many steps are made between two looks at the clock: what takes as long as these is looked at each time.
pub const STEPS: usize = 256;

/// A query's time. Whoever hands it in knows the clock.
pub struct Patience<'a> {
    is_late: &'a dyn Fn() -> bool,
    steps: Cell<usize>,
    is_over: Cell<bool>,
    was_late: Cell<bool>,
    /// Steps that are left of those that are made though the time is over.
    spare: Cell<usize>,
}

impl<'a> Patience<'a> {
    /// `is_late` says whether the time is over; it is asked a few thousand times a second at most.
    pub fn new(is_late: &'a dyn Fn() -> bool) -> Patience<'a> {
        Patience {
            is_late,
            steps: Cell::new(0),
            is_over: Cell::new(false),
            was_late: Cell::new(false),
            spare: Cell::new(0),
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
        self.ends_behind(1)
    }

    /// Counts what takes as long as so many steps. Whether to stop.
    pub fn ends_behind(&self, steps: usize) -> bool {
        if self.is_over.get() {
            let spare = self.spare.get().saturating_sub(steps);
            self.spare.set(spare);
            return spare == 0;
        }
        let steps = self.steps.get().saturating_add(steps);
        let must_look = steps >= STEPS;
        self.steps.set(if must_look { 0 } else { steps });
        if must_look {
            self.is_over.set((self.is_late)());
        }
        self.is_over.get() && self.spare.get() == 0
    }

    /// Lets the loop that begins make so many steps when the time is over, so that something becomes of what there is by then.
    pub fn spare(&self, steps: usize) {
        self.spare.set(steps);
    }

    /// Whether the time was over before a loop came to its end.
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
        let is_late = || {
            asked.set(asked.get() + 1);
            false
        };
        asked.set(0);
        let patience = Patience::new(&is_late);
        (0..16).for_each(|_| assert!(!patience.ends_behind(STEPS / 8)));
        assert_eq!(asked.get(), 2, "one step stands for many");
        assert!(!patience.ends_behind(usize::MAX));
        assert_eq!(asked.get(), 3);
        let patience = Patience::new(&|| true);
        patience.spare(10);
        let steps = (1..).find(|_| patience.ends());
        assert_eq!(steps, Some(STEPS + 10), "some steps more");
        assert!(patience.is_over() && patience.ends());
        let patience = Patience::new(&|| true);
        assert!(!patience.is_exceeded());
        patience.look();
        assert!(patience.is_exceeded() && !patience.is_over());
    }
}

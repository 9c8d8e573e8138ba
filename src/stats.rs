//! (room stats)

/// Counters.
#[derive(Default)]
pub struct Stats;

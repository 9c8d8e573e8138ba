//! (room stats)
pub struct Stats;

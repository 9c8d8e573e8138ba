//! (room config)
pub struct Config;

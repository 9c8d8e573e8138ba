//! Start: the newest snapshot, then the tail of the log.

//! (stub)
use crate::keyspace::change::Change;

/// Encodes.
pub fn encode(_change: &Change, _out: &mut Vec<u8>) {}

/// Encodes.
pub fn encode_select(_db: usize, _out: &mut Vec<u8>) {}

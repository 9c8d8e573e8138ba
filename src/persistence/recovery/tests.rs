//! Starting on directories of every kind.

//! (room persistence)

//! (room server)

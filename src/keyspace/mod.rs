//! (room keyspace)

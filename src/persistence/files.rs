//! Files outside log and snapshots: the lock of a data directory, CONFIG REWRITE.

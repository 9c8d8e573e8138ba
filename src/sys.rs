//! (room sys)

/// Memory of the machine in bytes.
pub fn memory_bytes() -> u64 {
    0
}

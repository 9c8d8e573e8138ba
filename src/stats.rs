//! (room stats)

/// Counters.
#[derive(Default)]
pub struct Stats;

#[allow(missing_docs)]
impl Stats {
    pub fn note_output(&self, _bytes: usize) {}
    pub fn note_input(&self, _bytes: usize) {}
    pub fn note_connection(&self) {}
    pub fn note_rejected_connection(&self) {}
    pub fn note_query_buffer_disconnection(&self) {}
    pub fn note_expired_key(&self) {}
}

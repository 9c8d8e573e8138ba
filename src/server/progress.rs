//! Tells waiting connections that the log moved on. The log calls [`Progress::note`] from its own threads.

use std::time::Duration;
use tokio::sync::Notify;

/// How long a connection waits for an fsync before it looks by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Wakes tasks when the log is written or synced further.
#[derive(Default)]
pub struct Progress {
    moved: Notify,
}

impl Progress {
    /// The log moved on, or failed.
    pub fn note(&self) {
        self.moved.notify_waiters();
    }

    /// Waits until `is_done` says so, or gives the log's error.
    pub async fn wait(
        &self,
        mut is_done: impl FnMut() -> Result<bool, String>,
    ) -> Result<(), String> {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if is_done()? {
                return Ok(());
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, moved).await;
        }
    }
}

//! The orderly end: nothing new is written, what was acknowledged is on disk, and a snapshot is taken if one is wanted.

use super::{Engine, Patience, SaveFailure};
use std::sync::atomic::Ordering;

/// How the server should stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopRequest {
    /// Save (or not); none: save when there are save points and no log.
    pub save: Option<bool>,
    /// Stop even if the save or the log fails.
    pub force: bool,
}

impl Engine {
    /// Ends all writing and makes everything safe. After `Ok` no command reaches the data again; the process can exit. After an
    /// error everything goes on as before.
    ///
    /// # Errors
    /// The save or the last write of the log failed, and `force` is off.
    pub fn stop(&self, request: StopRequest, has_save_points: bool) -> Result<(), String> {
        if self.is_loading() {
            return Ok(());
        }
        let Ok(world) = self.locks().world_exclusive(Patience::Wait) else {
            return Ok(());
        };
        let wants_save = request
            .save
            .unwrap_or(has_save_points && !self.log().is_enabled());
        if wants_save && let Err(failure) = self.save_last() {
            tracing::warn!("the save at the end failed: {failure}");
            if !request.force {
                return Err(failure.to_string());
            }
        }
        if let Err(error) = self.log().stop() {
            tracing::warn!("the log could not be ended: {error}");
            if !request.force {
                return Err(error.to_string());
            }
        }
        self.stopped.store(true, Ordering::Release);
        // The world stays taken: whatever still comes in waits until the process is gone.
        std::mem::forget(world);
        if let Some(note) = self.on_stopped.get() {
            note();
        }
        Ok(())
    }

    /// Has `note` called when [`Engine::stop`] succeeded. The first one counts.
    pub fn on_stopped(&self, note: Box<dyn Fn() + Send + Sync>) {
        let _ = self.on_stopped.set(note);
    }

    /// Whether [`Engine::stop`] succeeded.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Saves, after a save that is running.
    fn save_last(&self) -> Result<(), SaveFailure> {
        let turn = self.saves.claim_next(self.now_ms());
        self.save_alone(&turn)
    }
}

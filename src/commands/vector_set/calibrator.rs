//! Keeps calibrations fresh: collections, and indexes over documents, that were searched with a promise of recall, and the renewal of what was measured of
//! them, in the background.

use crate::keyspace::calibration::Calibration;
use crate::search::calibrate::Renewable;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};

/// Whose recall somebody relies on.
#[derive(Default)]
pub struct Calibrator {
    listed: Mutex<Vec<Weak<dyn Renewable>>>,
}

impl Calibrator {
    /// Lists who has this calibration, once.
    pub(in crate::commands) fn add<T: Renewable + 'static>(
        &self,
        calibration: &Calibration,
        owner: &Arc<T>,
    ) {
        if calibration.list() {
            let owner: Weak<T> = Arc::downgrade(owner);
            self.listed.lock().push(owner);
        }
    }

    /// Renews the first calibration that does not fit any more; whether there was one. `breathe` is called every millisecond or so
    /// of work, and may sleep.
    pub fn renew(&self, now_ms: u64, breathe: &(dyn Fn() + Sync)) -> bool {
        let listed: Vec<Arc<dyn Renewable>> = {
            let mut listed = self.listed.lock();
            listed.retain(|owner| owner.strong_count() > 0);
            listed.iter().filter_map(Weak::upgrade).collect()
        };
        listed.iter().any(|owner| owner.renew(now_ms, breathe))
    }
}

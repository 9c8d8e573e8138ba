//! Keeps calibrations fresh: collections that were searched with a promise of recall, and the renewal of what was measured of
//! them, in the background.

use crate::keyspace::collection::Collection;
use crate::search::calibrate;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};

/// The collections whose recall somebody relies on.
#[derive(Default)]
pub struct Calibrator {
    listed: Mutex<Vec<Weak<Collection>>>,
}

impl Calibrator {
    /// Lists a collection, once.
    pub(super) fn add(&self, collection: &Arc<Collection>) {
        if collection.calibration().list() {
            self.listed.lock().push(Arc::downgrade(collection));
        }
    }

    /// Renews the first calibration that does not fit its collection any more; whether there was one. `breathe` is called
    /// every millisecond or so of work, and may sleep.
    pub fn renew(&self, now_ms: u64, breathe: &(dyn Fn() + Sync)) -> bool {
        let listed: Vec<Arc<Collection>> = {
            let mut listed = self.listed.lock();
            listed.retain(|collection| collection.strong_count() > 0);
            listed.iter().filter_map(Weak::upgrade).collect()
        };
        let renews = |collection: &Arc<Collection>| calibrate::renew(collection, now_ms, breathe);
        listed.iter().any(renews)
    }
}

//! The thread that renews calibrations: at the lowest priority, and within a share of one core.

use crate::commands::Context;
use std::cell::Cell;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked whether there is something to do.
const PERIOD: Duration = Duration::from_millis(200);

/// Starts the thread; it ends with the process.
pub fn start(context: &Arc<Context>) {
    // Measurements run on the cores of the pool that they are started in: this one has one thread, which gives way.
    let lower = |_| {
        if let Err(error) = crate::sys::lower_priority() {
            tracing::debug!("calibrations run at the usual priority: {error}");
        }
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .thread_name(|_| "calibration".into())
        .start_handler(lower)
        .build();
    let pool = match pool {
        Ok(pool) => pool,
        Err(error) => {
            tracing::warn!("calibrations are not renewed: {error}");
            return;
        }
    };
    let context = Arc::clone(context);
    thread::spawn(move || {
        loop {
            thread::sleep(PERIOD);
            let percent = context.config.calibration_cpu_percent();
            if percent > 0 {
                pool.install(|| renew(&context, percent));
            }
        }
    });
}

/// Renews what is due, and sleeps so long after each step that all of it takes `percent` of a core.
fn renew(context: &Context, percent: u32) {
    thread_local!(static WORKING_SINCE: Cell<Option<Instant>> = const { Cell::new(None) });
    let breathe = || {
        let worked = WORKING_SINCE
            .get()
            .map_or(Duration::ZERO, |since| since.elapsed());
        thread::sleep(worked * (100 - percent) / percent);
        WORKING_SINCE.set(Some(Instant::now()));
    };
    WORKING_SINCE.set(Some(Instant::now()));
    while context.calibrator.renew(context.engine.now_ms(), &breathe) {}
}

//! Keeps the processors awake while servers are measured. Waking a virtual one takes tens of microseconds, which its system counts as time of
//! the server whose reply it is that wakes the client: more than many a command takes.

use crate::sys;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Threads of the lowest priority that do nothing, as many as there are processors. Dropping it ends them.
pub struct Awake {
    stops: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Awake {
    /// Keeps them awake from now on. A thread that may not lower its priority says so and ends, rather than take the time of who is measured.
    pub fn keep() -> Awake {
        let stops = Arc::new(AtomicBool::new(false));
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let spin = |stops: Arc<AtomicBool>| {
            if let Err(error) = sys::lower_priority() {
                eprintln!(
                    "--awake has no effect, the system does not lower a thread's priority: {error}"
                );
                return;
            }
            while !stops.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        };
        let threads = (0..processors).map(|_| {
            let stops = Arc::clone(&stops);
            thread::spawn(move || spin(stops))
        });
        Awake {
            threads: threads.collect(),
            stops,
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It cannot have panicked.
            let _ = thread.join();
        }
    }
}

//! Threads for what would hold up a connection's worker: a bounded number, with a bounded queue. There are two sets: the search pool has
//! one for each core, for commands that compute for long; the waiting room has more, for commands that wait for a lock and are brief
//! then, so that those who only wait keep nobody from a core.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use tokio::sync::{Semaphore, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that may wait in the queue, for each thread.
const QUEUED_PER_THREAD: usize = 64;

/// Threads of the waiting room.
pub const WAITING_THREADS: NonZero<usize> = NonZero::new(16).expect("not zero");

/// A fixed set of threads and a bounded queue. Dropping it ends the threads after what is queued.
pub struct Pool {
    jobs: crossbeam_channel::Sender<Job>,
    room: Arc<Semaphore>,
}

impl Pool {
    /// Starts `threads` threads, which the system shows by `name` and their number.
    pub fn start(name: &str, threads: NonZero<usize>) -> Pool {
        let capacity = threads.get() * QUEUED_PER_THREAD;
        let (jobs, queue) = crossbeam_channel::bounded::<Job>(capacity);
        for i in 0..threads.get() {
            let queue = queue.clone();
            let run = move || queue.iter().for_each(|job| job());
            let named = thread::Builder::new().name(format!("{name}-{i}"));
            named
                .spawn(run)
                .expect("the system gives a thread at start");
        }
        Pool {
            jobs,
            room: Arc::new(Semaphore::new(capacity)),
        }
    }

    /// Runs `job` in the pool and waits for its result; waits first if the queue is full. None: the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let permit = Arc::clone(&self.room).acquire_owned().await.ok()?;
        let (give, take) = oneshot::channel();
        let job = move || {
            drop(permit);
            let _ = give.send(job());
        };
        self.jobs.send(Box::new(job)).ok()?;
        take.await.ok()
    }
}

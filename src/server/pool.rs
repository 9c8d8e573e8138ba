//! The search pool: a bounded number of threads for commands that may take long, so that a connection's worker stays free.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use tokio::sync::{Semaphore, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that may wait in the queue, for each thread.
const QUEUED_PER_THREAD: usize = 64;

/// A fixed set of threads and a bounded queue. Dropping it ends the threads after what is queued.
pub struct Pool {
    jobs: crossbeam_channel::Sender<Job>,
    room: Arc<Semaphore>,
}

impl Pool {
    /// Starts `threads` threads.
    pub fn start(threads: NonZero<usize>) -> Pool {
        let capacity = threads.get() * QUEUED_PER_THREAD;
        let (jobs, queue) = crossbeam_channel::bounded::<Job>(capacity);
        for i in 0..threads.get() {
            let queue = queue.clone();
            let run = move || queue.iter().for_each(|job| job());
            let named = thread::Builder::new().name(format!("search-{i}"));
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

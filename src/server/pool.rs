//! Threads for what would hold up a connection's worker. Commands that compute for long have a fixed number with a bounded queue; those
//! that compute for a few milliseconds have as many, so as not to queue behind the long ones. Those that wait for a lock want no core
//! meanwhile: they have the threads that the runtime makes for whoever blocks, and ends when nobody does.

use crate::commands::Delay;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::spawn_blocking;

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that may wait in the queue, for each thread.
const QUEUED_PER_THREAD: usize = 64;

/// Changes that wait for the postings of indexes at the same time, which takes as long as a search. That leaves threads of the runtime, which
/// makes 512, for those who wait for each other.
const WAITING_FOR_POSTINGS: usize = 256;

/// All of them.
pub struct Pools {
    long: Pool,
    brief: Pool,
    postings: Semaphore,
}

impl Pools {
    /// Starts `threads` threads for long commands, and as many for brief ones.
    pub fn start(threads: NonZero<usize>) -> Pools {
        Pools {
            long: Pool::start("search", threads),
            brief: Pool::start("brief", threads),
            postings: Semaphore::new(WAITING_FOR_POSTINGS),
        }
    }

    /// Runs `job`, which this keeps from a connection's worker, and waits for its result. None: the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        delay: Delay,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        match delay {
            Delay::Long => self.long.run(job).await,
            Delay::Brief => self.brief.run(job).await,
            Delay::Keys => spawn_blocking(job).await.ok(),
            Delay::Postings => {
                let _permit = self.postings.acquire().await.ok()?;
                spawn_blocking(job).await.ok()
            }
        }
    }
}

/// A fixed set of threads and a bounded queue. Dropping it ends the threads after what is queued.
struct Pool {
    jobs: crossbeam_channel::Sender<Job>,
    room: Arc<Semaphore>,
}

impl Pool {
    /// Starts `threads` threads, which the system shows by `name` and their number.
    fn start(name: &str, threads: NonZero<usize>) -> Pool {
        let capacity = threads.get() * QUEUED_PER_THREAD;
        let (jobs, queue) = crossbeam_channel::bounded::<Job>(capacity);
        for i in 0..threads.get() {
            let queue = queue.clone();
            // Who waits for a job that panics learns it from the channel that is dropped.
            let run_one = |job: Job| drop(catch_unwind(AssertUnwindSafe(job)));
            let run = move || queue.iter().for_each(run_one);
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
    async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
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

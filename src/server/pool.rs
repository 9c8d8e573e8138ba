//! Threads for what would hold up a connection's worker: sets of a bounded number, each with a bounded queue. Commands that compute for
//! long have some, those that compute for a few milliseconds have as many, so as not to queue behind the long ones, and those that wait
//! for a lock have more, for they want no core while they wait.

use crate::commands::Delay;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use tokio::sync::{Semaphore, oneshot};

type Job = Box<dyn FnOnce() + Send>;

/// Jobs that may wait in the queue, for each thread.
const QUEUED_PER_THREAD: usize = 64;

/// Threads for those who wait for locks.
const WAITING_THREADS: NonZero<usize> = NonZero::new(16).expect("not zero");

/// All sets.
pub struct Pools {
    /// For commands that compute for long.
    pub long: Pool,
    brief: Pool,
    waiting: Pool,
}

impl Pools {
    /// Starts `threads` threads for long commands, as many for brief ones, and those of the waiting.
    pub fn start(threads: NonZero<usize>) -> Pools {
        Pools {
            long: Pool::start("search", threads),
            brief: Pool::start("brief", threads),
            waiting: Pool::start("waiting", WAITING_THREADS),
        }
    }

    /// Where a command runs that this keeps from a connection's worker.
    pub fn of(&self, delay: Delay) -> &Pool {
        match delay {
            Delay::Long => &self.long,
            Delay::Brief => &self.brief,
            Delay::Lock => &self.waiting,
        }
    }
}

/// A fixed set of threads and a bounded queue. Dropping it ends the threads after what is queued.
pub struct Pool {
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

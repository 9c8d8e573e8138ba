//! What survives: a real server that is killed again and again (rounds), directories that a start finds damaged (start), an
//! engine on a disk that fails at every point (faults, damage, cut), and answers before and after (recall).
//!
//! Random tests print their seed; RHUMB_TEST_SEED repeats one. RHUMB_CRASH_ROUNDS sets how often the server is killed.

mod support;

#[path = "crash/check.rs"]
mod check;
#[path = "crash/cut.rs"]
mod cut;
#[path = "crash/damage.rs"]
mod damage;
#[path = "crash/draw.rs"]
mod draw;
#[path = "crash/faults.rs"]
mod faults;
#[path = "crash/life.rs"]
mod life;
#[path = "crash/members.rs"]
mod members;
#[path = "crash/model.rs"]
mod model;
#[path = "crash/recall.rs"]
mod recall;
#[path = "crash/rounds.rs"]
mod rounds;
#[path = "crash/start.rs"]
mod start;
#[path = "crash/step.rs"]
mod step;
#[path = "crash/wire.rs"]
mod wire;
#[path = "crash/writer.rs"]
mod writer;

/// The seed of a random test: RHUMB_TEST_SEED, or a new one; printed.
fn seed() -> u64 {
    let given = std::env::var("RHUMB_TEST_SEED").ok();
    let seed = given.map_or_else(
        || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) % 1_000_000,
        |text| text.parse().expect("RHUMB_TEST_SEED is a number"),
    );
    println!("RHUMB_TEST_SEED={seed}");
    seed
}

/// Tells the threads that watch a flag to end, also when the test fails.
struct EndOf<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for EndOf<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

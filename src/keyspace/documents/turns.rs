//! A lock whose readers may take long, and the turns that they and the writers take.
//!
//! A writer must not wait while it holds locks that others want: it enters the turnstile first, and is kept there until nobody reads for
//! long. Many writers are in it at once. Who will read for long goes through it alone, on the way in: after those writers who came before
//! him, and before those who come after him. So a writer waits for one who reads long, not for all of them, and the other way round.
//!
//! Others who read do not take part in that. They pass a writer that waits if it has to wait for somebody slower than they are in any case;
//! else they let it go first, or many of them would keep it out for good.

use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Who reads for a moment lets go in about as long. After so long, who waits looks again whom there is to wait for.
const MOMENT: Duration = Duration::from_micros(100);

/// Who reads for a moment lets a writer go first for so long, and passes it then: he may be whom it waits for.
const MANY_MOMENTS: Duration = Duration::from_millis(2);

/// How long somebody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// For a moment; he may read already.
    AtOnce,
    /// For some milliseconds.
    Soon,
    /// Nobody knows for how long. He holds no other lock, not even this one.
    InTurn,
}

/// What it guards, and who is in there.
#[derive(Default)]
pub struct TurnLock<T> {
    content: RwLock<T>,
    turnstile: RwLock<()>,
    /// Who reads for some milliseconds.
    soon: AtomicUsize,
    /// Who reads for long.
    long: AtomicUsize,
    writes: AtomicU64,
}

/// A writer's place in the turnstile.
pub struct Place<'a>(#[allow(dead_code)] RwLockReadGuard<'a, ()>);

impl<T> TurnLock<T> {
    /// Guards `content`.
    pub fn new(content: T) -> TurnLock<T> {
        TurnLock {
            content: RwLock::new(content),
            turnstile: RwLock::default(),
            soon: AtomicUsize::new(0),
            long: AtomicUsize::new(0),
            writes: AtomicU64::new(0),
        }
    }

    /// Writes, for a moment. A writer that others wait for entered the turnstile before.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        let guard = self.content.write();
        self.writes.fetch_add(1, Ordering::Relaxed);
        guard
    }

    /// How often somebody wrote. It stays the same while the caller reads.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Reads for a moment, after a writer that waits.
    pub fn read(&self) -> Reading<'_, T> {
        Reading::begin(self.content.read(), None)
    }

    /// Reads for a moment, unless a writer is in there for longer than that.
    pub fn try_read(&self) -> Option<Reading<'_, T>> {
        let guard = self.content.try_read_recursive_for(MOMENT)?;
        Some(Reading::begin(guard, None))
    }

    /// Reads for as long as the turn says.
    pub fn read_in(&self, turn: Turn) -> Reading<'_, T> {
        let (guard, readers) = match turn {
            Turn::AtOnce => (self.read_at_once(), None),
            Turn::Soon => (self.read_soon(), Some(&self.soon)),
            Turn::InTurn => {
                let _alone = self.turnstile.write();
                let guard = self.content.read();
                // Before a writer enters, who looks at this.
                return Reading::begin(guard, Some(&self.long));
            }
        };
        Reading::begin(guard, readers)
    }

    fn read_at_once(&self) -> RwLockReadGuard<'_, T> {
        let in_turn = match self.is_held() {
            true => None,
            false => self.content.try_read_for(MANY_MOMENTS),
        };
        // Who passes a writer stands behind it all the same if nobody reads at that time: not for longer than a moment, for then somebody
        // may read long before the next writer goes.
        let pass = || self.content.try_read_recursive_for(MOMENT);
        in_turn.unwrap_or_else(|| {
            std::iter::repeat_with(pass)
                .flatten()
                .next()
                .expect("endless")
        })
    }

    fn read_soon(&self) -> RwLockReadGuard<'_, T> {
        loop {
            let read = match self.long.load(Ordering::Acquire) {
                0 => self.content.try_read_for(MOMENT),
                _ => self.content.try_read_recursive_for(MOMENT),
            };
            if let Some(guard) = read {
                return guard;
            }
        }
    }

    /// Whether somebody reads for longer than a moment.
    fn is_held(&self) -> bool {
        self.long.load(Ordering::Acquire) + self.soon.load(Ordering::Acquire) > 0
    }

    /// A writer's turn, for as long as the place is held: nobody begins to read for long. None if somebody does, or waits for that.
    pub fn try_enter(&self) -> Option<Place<'_>> {
        let place = self.turnstile.try_read()?;
        (!self.is_held()).then_some(Place(place))
    }

    /// The same as soon as those who read for long now let go.
    pub fn enter(&self) -> Place<'_> {
        let place = self.turnstile.read();
        if self.is_held() {
            drop(self.content.write());
        }
        Place(place)
    }
}

/// Somebody reads.
pub struct Reading<'a, T> {
    guard: RwLockReadGuard<'a, T>,
    /// Where he is counted.
    readers: Option<&'a AtomicUsize>,
}

impl<'a, T> Reading<'a, T> {
    fn begin(guard: RwLockReadGuard<'a, T>, readers: Option<&'a AtomicUsize>) -> Reading<'a, T> {
        if let Some(readers) = readers {
            readers.fetch_add(1, Ordering::AcqRel);
        }
        Reading { guard, readers }
    }
}

impl<T> Deref for Reading<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> Drop for Reading<'_, T> {
    fn drop(&mut self) {
        if let Some(readers) = self.readers {
            readers.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Instant;

    /// Long enough for whoever does not wait to be done.
    const A_WHILE: Duration = Duration::from_millis(50);

    #[test]
    fn writers_do_not_enter_while_somebody_reads_long() {
        let lock = TurnLock::new(0);
        for turn in [Turn::Soon, Turn::InTurn] {
            let reading = lock.read_in(turn);
            assert!(lock.try_enter().is_none(), "{turn:?}");
            drop(reading);
            assert!(lock.try_enter().is_some(), "{turn:?}");
        }
        let _reading = lock.read_in(Turn::AtOnce);
        assert!(lock.try_enter().is_some());
    }

    #[test]
    fn who_reads_long_and_who_writes_take_turns() {
        let lock = TurnLock::new(Vec::new());
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            let first = lock.read_in(Turn::InTurn);
            let write = |name| {
                let (lock, tell) = (&lock, tell.clone());
                scope.spawn(move || {
                    let _place = lock.enter();
                    // Whatever is done here takes a while: it is not for that that the next one who reads comes after it.
                    thread::sleep(A_WHILE);
                    lock.write().push(name);
                    tell.send(name)
                });
                thread::sleep(A_WHILE);
            };
            write("second");
            write("third");
            scope.spawn(|| {
                let reading = lock.read_in(Turn::InTurn);
                tell.send("fourth").expect("somebody listens");
                thread::sleep(A_WHILE);
                assert_eq!(reading.len(), 2);
            });
            thread::sleep(A_WHILE);
            write("fifth");
            assert!(told.try_recv().is_err());
            // Who reads for less passes them.
            assert!(lock.read_in(Turn::AtOnce).is_empty());
            assert!(lock.read_in(Turn::Soon).is_empty());
            assert!(lock.try_read().is_some_and(|content| content.is_empty()));
            drop(first);
            let mut order: Vec<&str> = told.iter().take(4).collect();
            order[..2].sort_unstable();
            assert_eq!(order, ["second", "third", "fourth", "fifth"]);
        });
    }

    #[test]
    fn many_who_read_for_moments_do_not_keep_a_writer_out() {
        let lock = TurnLock::new(false);
        thread::scope(|scope| {
            for turn in [Turn::AtOnce, Turn::Soon] {
                for _ in 0..4 {
                    let lock = &lock;
                    scope.spawn(move || {
                        let begun = Instant::now();
                        while !*lock.read_in(turn) {
                            assert!(begun.elapsed() < Duration::from_secs(20), "{turn:?}");
                            let reading = lock.read_in(turn);
                            thread::sleep(MOMENT);
                            drop(reading);
                        }
                    });
                }
            }
            thread::sleep(A_WHILE);
            let _place = lock.enter();
            *lock.write() = true;
        });
    }

    #[test]
    fn who_reads_reads_again_while_a_writer_waits() {
        let lock = TurnLock::new(0);
        thread::scope(|scope| {
            for turn in [Turn::AtOnce, Turn::Soon, Turn::InTurn] {
                let reading = lock.read_in(turn);
                let writing = scope.spawn(|| *lock.write() += 1);
                thread::sleep(A_WHILE);
                assert_eq!(*lock.read_in(Turn::AtOnce), *reading, "{turn:?}");
                drop(reading);
                writing.join().expect("it writes");
            }
        });
        assert_eq!(*lock.read(), 3);
    }
}

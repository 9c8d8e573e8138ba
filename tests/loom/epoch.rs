//! Stands in for crossbeam-epoch: what it promises and no more. A deferred call runs as soon as every pin is gone that was
//! there when it was queued, and a pin taken later sees what was done before.

use loom::sync::Mutex;

loom::lazy_static! {
    static ref PINS: Mutex<Pins> = Mutex::new(Pins::default());
}

#[derive(Default)]
struct Pins {
    taken: u32,
    held: Vec<u32>,
    deferred: Vec<Deferred>,
}

/// A call, and the pins that it waits for.
struct Deferred {
    awaited: Vec<u32>,
    call: Box<dyn FnOnce() + Send>,
}

/// A pin.
pub struct Guard(u32);

/// Pins the thread until the guard is dropped.
pub fn pin() -> Guard {
    let mut pins = PINS.lock().expect("a model ends at its first panic");
    pins.taken += 1;
    let pin = pins.taken;
    pins.held.push(pin);
    Guard(pin)
}

impl Guard {
    pub fn defer(&self, call: impl FnOnce() + Send + 'static) {
        let mut pins = PINS.lock().expect("a model ends at its first panic");
        let awaited = pins.held.clone();
        let call = Box::new(call);
        pins.deferred.push(Deferred { awaited, call });
    }

    /// Calls are handed over at once.
    pub fn flush(&self) {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut pins = PINS.lock().expect("a model ends at its first panic");
        pins.held.retain(|&pin| pin != self.0);
        for deferred in &mut pins.deferred {
            deferred.awaited.retain(|&pin| pin != self.0);
        }
        let is_due = |deferred: &mut Deferred| deferred.awaited.is_empty();
        let due: Vec<Deferred> = pins.deferred.extract_if(.., is_due).collect();
        drop(pins);
        due.into_iter().for_each(|deferred| (deferred.call)());
    }
}

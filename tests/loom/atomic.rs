//! Loom's atomics, such that loom tries every order of the steps on one of them. By itself it keeps only the last access: a
//! load of one thread is forgotten when another loads the same atomic before it stores, and that the store may come first is
//! never tried. So each step is led by a turn, which always conflicts with the turns of others; it is relaxed and orders nothing.

use loom::sync::atomic::{AtomicBool, Ordering::Relaxed};
pub use loom::sync::atomic::{Ordering, fence};

macro_rules! in_turn {
    ($name:ident, $number:ty) => {
        #[derive(Debug)]
        pub struct $name {
            value: loom::sync::atomic::$name,
            turn: AtomicBool,
        }

        impl $name {
            pub fn new(value: $number) -> Self {
                Self {
                    value: loom::sync::atomic::$name::new(value),
                    turn: AtomicBool::new(false),
                }
            }

            fn in_turn(&self) -> &loom::sync::atomic::$name {
                self.turn.swap(true, Relaxed);
                &self.value
            }

            pub fn load(&self, ordering: Ordering) -> $number {
                self.in_turn().load(ordering)
            }

            pub fn store(&self, value: $number, ordering: Ordering) {
                self.in_turn().store(value, ordering);
            }

            pub fn fetch_add(&self, value: $number, ordering: Ordering) -> $number {
                self.in_turn().fetch_add(value, ordering)
            }

            pub fn fetch_sub(&self, value: $number, ordering: Ordering) -> $number {
                self.in_turn().fetch_sub(value, ordering)
            }

            pub fn compare_exchange(
                &self,
                from: $number,
                to: $number,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$number, $number> {
                self.in_turn().compare_exchange(from, to, success, failure)
            }

            pub fn compare_exchange_weak(
                &self,
                from: $number,
                to: $number,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$number, $number> {
                self.in_turn()
                    .compare_exchange_weak(from, to, success, failure)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(0)
            }
        }
    };
}

in_turn!(AtomicU8, u8);
in_turn!(AtomicU32, u32);
in_turn!(AtomicU64, u64);
in_turn!(AtomicUsize, usize);

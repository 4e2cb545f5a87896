//! A clock that a test can set, and at which it can hold whoever looks.
//!
//! In: steps, and a hand on the pendulum. Out: the time. While it is held, the thread that asks for the time stands still,
//! as if the machine had no processor for it; what the kernel has to tell it piles up.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent::clock::{Clock, SystemClock};
use evidence::time::UnixTime;

/// The system's clock with a hand on it.
#[derive(Debug, Default)]
pub struct HeldClock {
    hand: Mutex<Hand>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Hand {
    held: bool,
    waiting: usize,
    back: Duration,
}

impl HeldClock {
    /// Sets it back.
    pub fn step_back(&self, by: Duration) {
        self.hand().back += by;
    }

    /// Holds whoever looks from now on, until the guard goes.
    pub fn hold(self: &Arc<Self>) -> Hold {
        self.hand().held = true;
        Hold { clock: Arc::clone(self) }
    }

    /// Waits until somebody is held.
    pub fn until_held(&self) {
        let mut hand = self.hand();
        while hand.waiting == 0 {
            hand = self.moved.wait(hand).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hand at the clock; when it goes, everybody goes on.
#[derive(Debug)]
pub struct Hold {
    clock: Arc<HeldClock>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.clock.hand().held = false;
        self.clock.moved.notify_all();
    }
}

impl Clock for HeldClock {
    fn now(&self) -> UnixTime {
        let mut hand = self.hand();
        hand.waiting += 1;
        while hand.held {
            self.moved.notify_all();
            hand = self.moved.wait(hand).unwrap_or_else(PoisonError::into_inner);
        }
        hand.waiting -= 1;
        let back = u64::try_from(hand.back.as_millis()).unwrap_or(u64::MAX);
        UnixTime::from_ms(SystemClock.now().as_ms().saturating_sub(back))
    }

    fn fell_back(&self) -> Duration {
        self.hand().back
    }
}

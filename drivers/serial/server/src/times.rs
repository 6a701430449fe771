//! When the first bytes were sent, for those who measure how long a start takes: kept until something is typed, so that telling it
//! costs nothing before.

use sundog_rt::cap::object::IoPorts;
use sundog_rt::sys::ticks;
use sundog_rt::{Environment, debug};

/// How many steps are kept.
const STEPS: usize = 32;

/// The first steps: how many bytes were sent by then, and the tick.
pub struct Times {
    steps: [(usize, u64); STEPS],
    count: usize,
    wanted: bool,
}

impl Times {
    /// No step yet; none is kept for a program that cannot tell it.
    pub fn new(environment: &Environment) -> Times {
        Times {
            steps: [(0, 0); STEPS],
            count: 0,
            wanted: environment.capability::<IoPorts>("debug").is_some(),
        }
    }

    /// Bytes were sent just now.
    pub fn sent(&mut self, bytes: usize) {
        if self.wanted
            && let Some(step) = self.steps.get_mut(self.count)
        {
            *step = (bytes, ticks());
            self.count += 1;
        }
    }

    /// Tells the steps, the first time it is called.
    pub fn print(&mut self) {
        if !core::mem::take(&mut self.wanted) {
            return;
        }
        let mut total = 0;
        for (bytes, ticks) in &self.steps[..self.count] {
            total += bytes;
            debug!("serial: {total} bytes sent at {ticks} ticks");
        }
    }
}

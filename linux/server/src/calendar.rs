//! The calendar: what the parent said at the start, and the time since then.

use crate::machine::clock::Clock;
use sundog_protocols::file::Time;
use sundog_rt::sys;

/// A calendar that goes on with the machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct Calendar {
    start: u64,
    clock: Clock,
}

impl Calendar {
    /// A calendar that said `start`, in seconds since 1970, when the clock started.
    pub fn new(start: u64, clock: Clock) -> Calendar {
        Calendar { start, clock }
    }

    /// The time at a reading of the processor's counter.
    fn at(self, ticks: u64) -> Time {
        const SECOND: u64 = 1_000_000_000;
        let passed = self.clock.nanoseconds(ticks);
        Time {
            seconds: self.start.saturating_add(passed / SECOND).cast_signed(),
            nanos: (passed % SECOND) as u32,
        }
    }
}

impl sundog_tmpfs_core::Clock for Calendar {
    fn now(&self) -> Time {
        self.at(sys::ticks())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on() {
        let calendar = Calendar::new(7, Clock::new(1000, 1000));
        let time = |seconds, nanos| Time { seconds, nanos };
        assert_eq!(calendar.at(1000), time(7, 0));
        assert_eq!(calendar.at(1000 + 999_999_999), time(7, 999_999_999));
        assert_eq!(calendar.at(1000 + 3_000_000_001), time(10, 1));
    }
}

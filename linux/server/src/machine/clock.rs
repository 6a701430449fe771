//! Ticks of the processor's counter and nanoseconds since the machine started.

/// The rate and the start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: u64,
    ticks_per_microsecond: u64,
}

impl Clock {
    /// A clock that starts now.
    pub fn new(now: u64, ticks_per_microsecond: u64) -> Clock {
        Clock {
            start: now,
            ticks_per_microsecond: ticks_per_microsecond.max(1),
        }
    }

    /// Nanoseconds at a reading of the counter.
    pub fn nanoseconds(self, ticks: u64) -> u64 {
        let ticks = ticks.saturating_sub(self.start);
        // Numbers of twice the width are for machines that have run for years: dividing them takes long.
        match ticks.checked_mul(1000) {
            Some(scaled) => scaled / self.ticks_per_microsecond,
            None => (u128::from(ticks) * 1000 / u128::from(self.ticks_per_microsecond)) as u64,
        }
    }

    /// The first reading of the counter that is not before this time; 0, which stands for no deadline, if there is none.
    pub fn deadline(self, nanoseconds: u64) -> u64 {
        if let Some(scaled) = nanoseconds.checked_mul(self.ticks_per_microsecond) {
            return scaled.div_ceil(1000).checked_add(self.start).unwrap_or(0);
        }
        let ticks = u128::from(nanoseconds) * u128::from(self.ticks_per_microsecond);
        u64::try_from(ticks.div_ceil(1000) + u128::from(self.start)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_early() {
        for rate in [1, 999, 1000, 2_345] {
            let clock = Clock::new(77, rate);
            for nanoseconds in [0, 1, 999, 1_000_001, 1 << 50] {
                assert!(clock.nanoseconds(clock.deadline(nanoseconds)) >= nanoseconds);
            }
        }
    }

    #[test]
    fn no_end_is_no_deadline() {
        assert_eq!(Clock::new(5, 2_000).deadline(u64::MAX), 0);
        assert_eq!(Clock::new(5, 0).nanoseconds(6), 1000);
        assert_eq!(Clock::new(5, 1).nanoseconds(3), 0);
    }
}

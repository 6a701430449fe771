//! Time: the kernel counts TSC ticks, the services' cores count nanoseconds.

/// Converts between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    ticks_per_microsecond: u64,
}

impl Clock {
    /// A clock; the start page says how many ticks a microsecond has. 0 counts as 1.
    pub fn new(ticks_per_microsecond: u64) -> Clock {
        Clock {
            ticks_per_microsecond: ticks_per_microsecond.max(1),
        }
    }

    /// Nanoseconds since the counter was 0.
    pub fn now(self) -> u64 {
        self.nanoseconds(sundog_rt::sys::ticks())
    }

    /// The nanoseconds of so many ticks.
    pub fn nanoseconds(self, ticks: u64) -> u64 {
        let wide = u128::from(ticks) * 1000 / u128::from(self.ticks_per_microsecond);
        u64::try_from(wide).unwrap_or(u64::MAX)
    }

    /// The ticks of so many nanoseconds, rounded up: whoever waits until then does not wake too early.
    pub fn ticks(self, nanoseconds: u64) -> u64 {
        let wide =
            (u128::from(nanoseconds) * u128::from(self.ticks_per_microsecond)).div_ceil(1000);
        u64::try_from(wide).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_never_early_and_nothing_overflows() {
        for rate in [0, 1, 999, 1000, 2_400, u64::MAX] {
            let clock = Clock::new(rate);
            for nanoseconds in [0, 1, 999, 1_000_000_007, u64::MAX / 5000] {
                let ticks = clock.ticks(nanoseconds);
                let back = clock.nanoseconds(ticks);
                assert!(
                    back >= nanoseconds || ticks == u64::MAX,
                    "{rate} {nanoseconds}"
                );
            }
            clock.nanoseconds(u64::MAX);
        }
        assert_eq!(Clock::new(2400).nanoseconds(2_400_000), 1_000_000);
        assert_eq!(Clock::new(2400).ticks(1_000_000), 2_400_000);
    }
}

//! A token bucket: how many bytes may pass now, at a rate, with a burst of one second's worth.
use crate::SECOND;

/// A bucket of bytes that fills at a rate.
#[derive(Clone, Debug)]
pub struct Bucket {
    rate: u64,
    level: u64,
    /// What was earned below a whole byte, in byte-nanoseconds; less than one second's worth of nanoseconds.
    fraction: u64,
    filled: u64,
}

impl Bucket {
    /// A full bucket; `rate` is in bytes a second, 0 = no limit; `now` in nanoseconds.
    pub fn new(rate: u64, now: u64) -> Bucket {
        Bucket {
            rate,
            level: rate,
            fraction: 0,
            filled: now,
        }
    }

    /// Takes as many of `wanted` bytes as may pass now; 0 means come again later.
    pub fn take(&mut self, wanted: u64, now: u64) -> u64 {
        let taken = self.available(wanted, now);
        if self.rate != 0 {
            self.level -= taken;
        }
        taken
    }

    /// How many of `wanted` bytes may pass now.
    pub fn available(&mut self, wanted: u64, now: u64) -> u64 {
        if self.rate == 0 {
            return wanted;
        }
        self.fill(now);
        wanted.min(self.level)
    }

    /// When `wanted` bytes (at most a burst) may pass, in nanoseconds of the same clock; `now` if they may already.
    pub fn ready(&mut self, wanted: u64, now: u64) -> u64 {
        if self.rate == 0 {
            return now;
        }
        self.fill(now);
        let missing =
            u128::from(wanted.min(self.rate).saturating_sub(self.level)) * u128::from(SECOND);
        let missing = missing.saturating_sub(u128::from(self.fraction));
        now.saturating_add(
            u64::try_from(missing.div_ceil(u128::from(self.rate))).unwrap_or(u64::MAX),
        )
    }

    fn fill(&mut self, now: u64) {
        let elapsed = now.saturating_sub(self.filled);
        self.filled = self.filled.max(now);
        let earned = u128::from(elapsed) * u128::from(self.rate) + u128::from(self.fraction);
        let whole = earned / u128::from(SECOND);
        let level = u128::from(self.level) + whole;
        if level >= u128::from(self.rate) {
            (self.level, self.fraction) = (self.rate, 0);
        } else {
            self.level = level as u64;
            self.fraction = (earned % u128::from(SECOND)) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut bucket = Bucket::new(100, 0);
        assert_eq!(bucket.take(1000, 0), 100);
        assert_eq!(bucket.take(1, 9_999_999), 0);
        assert_eq!(bucket.take(10, 10_000_000), 1);
        assert_eq!(bucket.ready(50, SECOND / 100), SECOND / 100 + SECOND / 2);
        assert_eq!(bucket.take(1000, 100 * SECOND), 100);
    }

    #[test]
    fn over_any_time_no_more_than_burst_and_rate_and_no_less_than_rate() {
        let mut random = Random(5);
        for rate in [1, 3, 7, 1000, 999_983, 1 << 40] {
            let mut bucket = Bucket::new(rate, 0);
            let (mut now, mut passed) = (0, bucket.take(u64::MAX, 0));
            for _ in 0..2000 {
                now += random.next() % (SECOND / 50);
                passed += bucket.take(u64::MAX, now);
            }
            let most = u128::from(now) * u128::from(rate) / u128::from(SECOND) + u128::from(rate);
            assert!(
                u128::from(passed) <= most && u128::from(passed) + 1 >= most,
                "{passed} of {most}"
            );
        }
    }

    #[test]
    fn a_clock_that_stands_or_jumps_gives_nothing_extra() {
        let mut bucket = Bucket::new(10, SECOND);
        assert_eq!(bucket.take(10, SECOND), 10);
        assert_eq!(bucket.take(10, 0), 0);
        assert_eq!(bucket.take(10, SECOND), 0);
        assert_eq!(bucket.take(99, u64::MAX), 10);
        assert_eq!(Bucket::new(0, 0).take(99, 0), 99);
    }
}

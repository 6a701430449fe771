//! When a program that ended is started again.

/// Starts that a program may need within [`Restarts::WINDOW_MICROSECONDS`] before init gives up on it.
pub const MOST_RESTARTS: usize = 5;

/// The recent restarts of one program.
#[derive(Clone, Debug, Default)]
pub struct Restarts {
    /// Times in ticks, the oldest first.
    times: [Option<u64>; MOST_RESTARTS],
}

impl Restarts {
    /// The time in which [`MOST_RESTARTS`] are too many.
    pub const WINDOW_MICROSECONDS: u64 = 10_000_000;

    /// Whether the program may be started again at `now`; if so, the restart is counted. Both times in ticks.
    pub fn allow(&mut self, now: u64, window: u64) -> bool {
        if let Some(oldest) = self.times[0]
            && now.saturating_sub(oldest) < window
        {
            return false;
        }
        self.times.rotate_left(1);
        self.times[MOST_RESTARTS - 1] = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_always_crashes_is_given_up() {
        let mut restarts = Restarts::default();
        for time in 0..MOST_RESTARTS as u64 {
            assert!(restarts.allow(time, 100));
        }
        assert!(!restarts.allow(50, 100));
        assert!(!restarts.allow(99, 100));
        assert!(restarts.allow(100, 100), "the first is long ago");
        assert!(!restarts.allow(100, 100));
    }

    #[test]
    fn a_rare_crash_is_forgiven_for_ever() {
        let mut restarts = Restarts::default();
        assert!((0..1000).all(|count| restarts.allow(count * 100, 100)));
    }
}

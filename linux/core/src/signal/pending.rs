//! Signals that were sent and not delivered yet.
use super::{SIGRTMIN, SignalInformation, SignalSet};
use alloc::vec::Vec;

/// How many real-time signals may wait for one receiver.
const LIMIT: usize = 1024;
/// So many standard signals can be pending at once.
const STANDARD: usize = SIGRTMIN as usize - 1;

/// A queue of pending signals: at most one of each standard signal, real-time ones in order.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    set: SignalSet,
    queue: Vec<SignalInformation>,
}

impl Pending {
    /// Which signals are pending.
    #[must_use]
    pub fn set(&self) -> SignalSet {
        self.set
    }

    /// Adds a signal. Whether there was room; a standard signal that is pending already counts as added.
    pub fn add(&mut self, information: SignalInformation) -> bool {
        let signal = information.signal;
        if signal < SIGRTMIN && self.set.has(signal) {
            return true;
        }
        // A standard signal always finds its place, however long the queue is: it may be the one that ends a program which filled it.
        if signal >= SIGRTMIN
            && (self.queue.len() >= LIMIT || self.queue.try_reserve(1 + STANDARD).is_err())
        {
            return false;
        }
        self.set = self.set.with(SignalSet::of(signal));
        self.queue.push(information);
        true
    }

    /// Takes the first pending signal that is in `wanted`.
    pub fn take(&mut self, wanted: SignalSet) -> Option<SignalInformation> {
        let signal = SignalSet(self.set.0 & wanted.0).first()?;
        let index = self
            .queue
            .iter()
            .position(|information| information.signal == signal)?;
        let information = self.queue.remove(index);
        if !self.queue.iter().any(|other| other.signal == signal) {
            self.set = self.set.without(SignalSet::of(signal));
        }
        Some(information)
    }

    /// Forgets all signals of a set.
    pub fn discard(&mut self, unwanted: SignalSet) {
        self.queue
            .retain(|information| !unwanted.has(information.signal));
        self.set = self.set.without(unwanted);
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    #[test]
    fn standard_signals_need_no_memory_behind_real_time_ones() {
        let mut pending = Pending::default();
        let one = SignalInformation::kernel;
        while pending.add(one(SIGRTMIN)) {}
        let capacity = pending.queue.capacity();
        for signal in 1..SIGRTMIN {
            assert!(pending.add(one(signal)));
        }
        assert_eq!(pending.queue.capacity(), capacity);
    }

    #[test]
    fn standard_signals_collapse_and_real_time_ones_queue_in_order() {
        let mut pending = Pending::default();
        let queued = |value| SignalInformation {
            signal: 40,
            cause: Cause::User {
                code: -1,
                pid: 1,
                uid: 0,
                value,
            },
        };
        for value in 0..3 {
            assert!(pending.add(SignalInformation::kernel(SIGUSR1)));
            assert!(pending.add(queued(value)));
        }
        assert_eq!(
            pending.take(SignalSet(!0)),
            Some(SignalInformation::kernel(SIGUSR1))
        );
        for value in 0..3 {
            assert_eq!(pending.take(SignalSet(!0)), Some(queued(value)));
        }
        assert_eq!(pending.take(SignalSet(!0)), None);
        assert_eq!(pending.set(), SignalSet(0));
    }

    #[test]
    fn faults_come_first_and_masks_hold_back() {
        let mut pending = Pending::default();
        for signal in [SIGINT, SIGTERM, SIGSEGV] {
            pending.add(SignalInformation::kernel(signal));
        }
        assert_eq!(
            pending.take(SignalSet(!0)).map(|found| found.signal),
            Some(SIGSEGV)
        );
        assert_eq!(
            pending
                .take(SignalSet::of(SIGTERM))
                .map(|found| found.signal),
            Some(SIGTERM)
        );
        pending.discard(SignalSet::of(SIGINT));
        assert_eq!(pending.take(SignalSet(!0)), None);
    }
}

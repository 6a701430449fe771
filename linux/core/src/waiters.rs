//! Who waits for what, in the order in which they came.
use crate::task::{TaskId, WaitKey};
use alloc::collections::BTreeMap;

/// Tasks by what they wait for and the number of their wait.
#[derive(Debug, Default)]
pub struct Waiters {
    tasks: BTreeMap<(WaitKey, u64), TaskId>,
    last: u64,
}

impl Waiters {
    /// Adds a task's wait, behind all others; returns its number.
    pub fn add(&mut self, task: TaskId, keys: &[WaitKey]) -> u64 {
        self.last += 1;
        for key in keys {
            self.tasks.insert((*key, self.last), task);
        }
        self.last
    }

    /// Removes the wait with a number.
    pub fn remove(&mut self, number: u64, keys: &[WaitKey]) {
        for key in keys {
            self.tasks.remove(&(*key, number));
        }
    }

    /// Who waits for something, the one that came first at the front.
    pub fn of(&self, key: WaitKey) -> impl Iterator<Item = TaskId> {
        let all = (key, 0)..=(key, u64::MAX);
        self.tasks.range(all).map(|(_, task)| *task)
    }

    /// Takes the one out that came first; its wait for other things stays.
    pub fn take_first(&mut self, key: WaitKey) -> Option<TaskId> {
        let all = (key, 0)..=(key, u64::MAX);
        let first = *self.tasks.range(all).next()?.0;
        self.tasks.remove(&first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::ProcessId;
    use std::vec::Vec;

    #[test]
    fn the_first_to_come_is_the_first_to_go() {
        let (a, b) = (WaitKey::Signal, WaitKey::Children(ProcessId(3)));
        let mut waiters = Waiters::default();
        waiters.add(TaskId(9), &[a]);
        let second = waiters.add(TaskId(1), &[b, a]);
        waiters.add(TaskId(5), &[a, a]);
        let waiting =
            |waiters: &Waiters, key| waiters.of(key).map(|task| task.0).collect::<Vec<_>>();
        assert_eq!(waiting(&waiters, a), [9, 1, 5]);
        assert_eq!(waiters.take_first(a), Some(TaskId(9)));
        assert_eq!(waiters.take_first(a), Some(TaskId(1)));
        assert_eq!(waiting(&waiters, b), [1]);
        waiters.remove(second, &[b, a]);
        assert_eq!(waiters.take_first(b), None);
        assert_eq!(waiting(&waiters, a), [5]);
    }
}

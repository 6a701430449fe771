//! Time.

use crate::object::{SchedContext, SchedControl, Thread};
use crate::{Cap, Result};
use sundog_abi::{Error, Word};
use sundog_sys as sys;

impl Cap<SchedControl> {
    /// Gives a scheduling context its priority (0-63), CPU, and budget per period in TSC ticks.
    ///
    /// # Errors
    /// Those of `sched_configure`.
    pub fn configure(
        self,
        context: Cap<SchedContext>,
        priority: u8,
        cpu: u32,
        budget: Word,
        period: Word,
    ) -> Result<()> {
        if priority > 63 {
            return Err(Error::OutOfRange);
        }
        let place = Word::from(priority) | Word::from(cpu) << 8;
        sys::sched_configure(self.address(), context.address(), place, budget, period).map(drop)
    }
}

impl Cap<SchedContext> {
    /// Makes the context a thread's own.
    ///
    /// # Errors
    /// Those of `sched_bind`.
    pub fn bind(self, thread: Cap<Thread>) -> Result<()> {
        sys::sched_bind(self.address(), thread.address()).map(drop)
    }

    /// Takes the context from its thread.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn unbind(self) -> Result<()> {
        sys::sched_unbind(self.address()).map(drop)
    }

    /// The ticks consumed since the last such call.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn consumed(self) -> Result<Word> {
        sys::sched_consumed(self.address()).map(|answer| answer.value)
    }

    /// Lets others of the same priority run first.
    ///
    /// # Errors
    /// Those of every look-up.
    pub fn give_way(self) -> Result<()> {
        sys::sched_yield(self.address()).map(drop)
    }
}

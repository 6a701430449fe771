//! System calls: the table, how calls end, and the handlers by subject.
#![allow(
    clippy::too_many_arguments,
    reason = "a system call has up to six arguments besides its caller"
)]
pub mod exec;
pub mod files;
pub mod folders;
pub mod fork;
pub mod futex;
pub mod identity;
pub mod io;
pub mod jobs;
pub mod limits;
pub mod memory;
pub mod names;
pub mod poll;
pub mod prctl;
pub mod process;
pub mod select;
pub mod signals;
pub mod sockets;
pub mod system;
pub mod table;
pub mod time;
pub mod timers;
pub mod wait;
pub mod xattr;

use crate::Errno;
use crate::kernel::Kernel;
use crate::task::{Call, TaskId, Wait, WaitKey};
use sundog_linux_vfs::{Attempt, Context, Vfs};
pub use table::{dispatch, name};

/// Why a call gives no value now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It failed.
    Errno(Errno),
    /// It waits, and is made again when it is woken.
    Wait(Wait),
    /// A signal was sent to the caller: it is handled, then the call is made again.
    Again,
    /// There is nothing to return: the registers are set already, or the caller is gone.
    Leave,
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Errno(error)
    }
}

/// How a call ends.
pub type Outcome = Result<u64, Stop>;

/// A type that a register can hold.
pub trait Argument {
    /// What the register means, as Linux reads it.
    fn from_register(register: u64) -> Self;
}

macro_rules! arguments {
    ($($name:ty),*) => {
        $(impl Argument for $name {
            fn from_register(register: u64) -> Self {
                register as $name
            }
        })*
    };
}

arguments!(i32, u32, u64, i64, usize);

impl Kernel {
    /// The call that a task is in.
    ///
    /// # Errors
    /// ESRCH when the task is gone.
    pub fn call(&mut self, task: TaskId) -> Result<&mut Call, Errno> {
        self.task(task)?.call.as_mut().ok_or(Errno::ESRCH)
    }

    /// Asks the files for something on behalf of a task.
    ///
    /// # Errors
    /// ESRCH when the task is gone.
    pub fn with_files<R>(
        &mut self,
        task: TaskId,
        f: impl FnOnce(&mut Vfs, &Context<'_>) -> R,
    ) -> Result<R, Errno> {
        let timed_out = self.call(task).is_ok_and(|call| call.timed_out);
        let context = self.world.context(task, timed_out).ok_or(Errno::ESRCH)?;
        Ok(f(&mut self.vfs, &context))
    }

    /// Turns an answer of the files into an outcome.
    ///
    /// # Errors
    /// What the files said.
    pub fn outcome<T>(&mut self, attempt: Attempt<T>) -> Result<T, Stop> {
        match attempt {
            Ok(value) => Ok(value),
            Err(sundog_linux_vfs::Stop::Errno(error)) => Err(Stop::Errno(error)),
            Err(sundog_linux_vfs::Stop::Block(queue)) => {
                Err(Stop::Wait(Wait::on(WaitKey::File(queue))))
            }
            Err(sundog_linux_vfs::Stop::BlockFor(queue, time)) => {
                let deadline = Some(self.now().saturating_add(time));
                Err(Stop::Wait(Wait {
                    deadline,
                    ..Wait::on(WaitKey::File(queue))
                }))
            }
            Err(sundog_linux_vfs::Stop::Restart) => Err(Stop::Again),
        }
    }
}

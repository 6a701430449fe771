//! Tasks: guest threads as the personality schedules them.
use crate::machine::Vcpu;
use crate::signal::{AlternateStack, Pending, SignalSet};
use alloc::boxed::Box;
use alloc::vec::Vec;
use sundog_linux_vfs::{FdsId, FsId, Queue};

/// A task's number in the personality's own table (not its Linux id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(pub u32);

/// A process' number in the personality's own table (not its Linux id).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId(pub u32);

/// An address space's number in the personality's own table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressSpaceId(pub u32);

/// A set of signal actions, shared by the threads of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionsId(pub u32);

/// Something that tasks wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitKey {
    /// A queue of the files.
    File(Queue),
    /// A futex word.
    Futex(FutexKey),
    /// A change of a child of this process.
    Children(ProcessId),
    /// The child of vfork lets go of the memory.
    Vfork(TaskId),
    /// Nothing but a signal or the deadline.
    Signal,
}

/// The identity of a futex word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FutexKey {
    /// A word of one address space.
    Private(AddressSpaceId, u64),
    /// A word of the pool, wherever it is mapped.
    Shared(usize),
}

/// What becomes of a call that a signal interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It starts again if the handler has SA_RESTART, else EINTR.
    IfHandlerAllows,
    /// EINTR if a handler runs, else it goes on.
    IfNoHandler,
    /// Signals other than deadly ones do not interrupt it.
    Never,
}

/// A wait that a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What wakes the task; any of these.
    pub keys: Vec<WaitKey>,
    /// When it stops waiting, in machine time. Only the first wait of a call sets it.
    pub deadline: Option<u64>,
    /// What a signal does.
    pub restart: Restart,
    /// What the call has done already; if that is not zero, a signal makes it return this.
    pub done: u64,
}

impl Wait {
    /// A wait for one thing, restartable, without a deadline.
    #[must_use]
    pub fn on(key: WaitKey) -> Self {
        Self {
            keys: alloc::vec![key],
            deadline: None,
            restart: Restart::IfHandlerAllows,
            done: 0,
        }
    }
}

/// What a call keeps between its tries, beyond its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// poll's and select's descriptors, read once.
    Poll(Vec<crate::calls::poll::Interest>),
    /// A write's bytes that are left, read once.
    Bytes(Vec<u8>),
    /// The set of rt_sigtimedwait.
    Signals(SignalSet),
    /// The deadline was computed already, whatever the arguments say.
    Armed,
}

/// A system call that is not finished. Its arguments are in the registers.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number.
    pub number: u64,
    /// When it stops waiting.
    pub deadline: Option<u64>,
    /// The deadline has passed.
    pub timed_out: bool,
    /// What it waited for happened to it in particular (a futex wake).
    pub woken: bool,
    /// What is done of it, in its own unit.
    pub done: u64,
    /// The bits of a futex wait.
    pub bits: u32,
    /// The word that a futex wait was moved to.
    pub moved_to: Option<u64>,
    /// What it keeps between tries.
    pub saved: Option<Box<Saved>>,
    /// What a signal does to it, as its last wait said.
    pub restart: Restart,
    /// What it returns when a handler interrupts it, if not zero.
    pub result_if_interrupted: u64,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            number: u64::MAX,
            deadline: None,
            timed_out: false,
            woken: false,
            done: 0,
            bits: 0,
            moved_to: None,
            saved: None,
            restart: Restart::IfHandlerAllows,
            result_if_interrupted: 0,
        }
    }
}

/// Whether a task can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It can.
    Ready,
    /// It waits; signals other than deadly ones wake it only if `interruptible`.
    Parked {
        /// Signals wake it.
        interruptible: bool,
    },
}

/// A guest thread.
#[derive(Debug)]
pub struct Task {
    /// Its Linux thread id.
    pub tid: i32,
    /// Its process.
    pub process: ProcessId,
    /// Its virtual processor, with its registers.
    pub vcpu: Vcpu,
    /// Its memory.
    pub space: AddressSpaceId,
    /// Its working folder.
    pub fs: FsId,
    /// Its descriptors.
    pub fds: FdsId,
    /// Its signal actions.
    pub actions: ActionsId,
    /// Whether it can run.
    pub state: TaskState,
    /// Whether it is in the run queue.
    pub queued: bool,
    /// The call that it is in.
    pub call: Option<Call>,
    /// It gave up the rest of its slice.
    pub yielded: bool,
    /// The signals that it blocks.
    pub mask: SignalSet,
    /// The mask to go back to after the next delivery (sigsuspend, ppoll).
    pub saved_mask: Option<SignalSet>,
    /// Signals sent to it alone.
    pub pending: Pending,
    /// Its alternate signal stack.
    pub stack: AlternateStack,
    /// The word to clear and wake at its end.
    pub clear_tid: u64,
    /// The list of robust futexes.
    pub robust_list: u64,
    /// Its name, padded with zeros.
    pub name: [u8; 16],
    /// What it waits for.
    pub waits: Vec<WaitKey>,
    /// The number of that wait.
    pub wait_number: u64,
    /// Its entry among the timers.
    pub timer: Option<(u64, u64)>,
    /// Nanoseconds it ran.
    pub run_time: u64,
    /// The task whose vfork made this one and that waits for it.
    pub vfork_parent: Option<TaskId>,
    /// The signal sent to it when its parent ends (PR_SET_PDEATHSIG).
    pub parent_death_signal: u32,
}

impl Task {
    /// The signals that are held back from it: what it blocks, but for those that nobody can block.
    #[must_use]
    pub fn blocked(&self) -> SignalSet {
        self.mask.without(SignalSet::UNBLOCKABLE)
    }
}

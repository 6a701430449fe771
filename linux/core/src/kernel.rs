//! The personality as a whole: everything it knows of a sandbox's tasks, processes, memory and files.
use crate::Errno;
use crate::frames::{Frame, Memory, PoolPages};
use crate::machine::Machine;
use crate::memory::{AddressSpace, Environment, FilePages};
use crate::native::Natives;
use crate::process::{Labels, Process};
use crate::signal::Actions;
use crate::slab::Slab;
use crate::task::{ActionsId, AddressSpaceId, ProcessId, Task, TaskId};
use crate::waiters::Waiters;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;
use sundog_linux_vfs::{FileId, FileIdentity, Vfs};

/// A value that several tasks may share, with their number.
#[derive(Debug)]
pub struct Shared<T> {
    /// How many tasks use it.
    pub users: u32,
    /// The value.
    pub value: T,
}

impl<T> Shared<T> {
    /// A value with one user.
    pub fn new(value: T) -> Self {
        Self { users: 1, value }
    }
}

/// What a timer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Wakes a task whose wait is over.
    Wake(TaskId),
    /// Expires setitimer's timer of a process.
    Alarm(ProcessId),
    /// Expires a POSIX timer of a process.
    Posix(ProcessId, i32),
}

/// The tasks and what belongs to them: all but the files and the machine.
#[derive(Default)]
pub struct World {
    /// Guest threads.
    pub tasks: Slab<Task>,
    /// Processes.
    pub processes: Slab<Process>,
    /// Address spaces.
    pub spaces: Slab<Shared<AddressSpace>>,
    /// Signal actions.
    pub actions: Slab<Shared<Actions>>,
    /// Tasks by thread id.
    pub tids: BTreeMap<i32, TaskId>,
    /// Processes by process id.
    pub pids: BTreeMap<i32, ProcessId>,
    /// The last id given.
    pub last_id: i32,
    /// The process that orphans come to.
    pub init: Option<ProcessId>,
    /// Machine time, as of the last reading of the clock: the start of the present turn, or later.
    pub now: u64,
    /// Nanoseconds of the calendar at machine time zero.
    pub calendar: u64,
    /// How many processes were made.
    pub forks: u64,
    /// The host name.
    pub host_name: Vec<u8>,
    /// The domain name.
    pub domain_name: Vec<u8>,
    /// The sandbox's memory, for what /proc shows.
    pub memory: Option<Arc<Memory>>,
    /// Device number and foreground group of each session's terminal, as of the last look.
    pub terminals: BTreeMap<i32, (u64, i32)>,
    /// Paths and identities of files that are or were mapped, by file.
    pub mapped_names: BTreeMap<u32, (Vec<u8>, FileIdentity)>,
    /// Nanoseconds that tasks had their turn.
    pub used_time: u64,
    /// How many random numbers /proc made.
    pub uuids: Cell<u64>,
    /// Random bytes that are the same as long as the machine runs.
    pub boot_id: [u8; 16],
}

/// What the owner of the personality decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The most processes and threads.
    pub max_tasks: usize,
    /// How many more the first process may make itself: a shell at the limit can still run a program that ends others.
    pub spare_tasks: usize,
    /// Nanoseconds that a task runs before others get their turn.
    pub slice: u64,
    /// The first process' labels.
    pub labels: Labels,
    /// The host name.
    pub host_name: Vec<u8>,
    /// Whether there is memory for the records of more processes and open files; without it, calls that make them answer ENOMEM.
    pub room: fn() -> bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_tasks: 4096,
            spare_tasks: 0,
            slice: 5_000_000,
            labels: Labels::default(),
            host_name: b"sundog".to_vec(),
            room: || true,
        }
    }
}

/// Told of things that a developer wants to know.
pub trait Trace {
    /// A call that the personality does not have was made for the first time.
    fn unknown_call(&mut self, number: u64);
    /// A call returned (or `None`: waits, or does not return), with its arguments.
    fn call(&mut self, tid: i32, number: u64, arguments: &[u64; 6], result: Option<i64>);
    /// Whether `call` wants to be told.
    fn wants_calls(&self) -> bool;
}

/// Tells nobody.
#[derive(Debug)]
pub struct NoTrace;

impl Trace for NoTrace {
    fn unknown_call(&mut self, _: u64) {}
    fn call(&mut self, _: i32, _: u64, _: &[u64; 6], _: Option<i64>) {}
    fn wants_calls(&self) -> bool {
        false
    }
}

/// The personality of one sandbox.
pub struct Kernel {
    /// The machine below.
    pub machine: Box<dyn Machine>,
    /// The sandbox's memory.
    pub memory: Arc<Memory>,
    /// Everything behind descriptors.
    pub vfs: Vfs,
    /// Tasks and processes.
    pub world: World,
    /// Tasks that can run, in turn.
    pub run_queue: VecDeque<TaskId>,
    /// Tasks that wait, by what they wait for.
    pub waiters: Waiters,
    /// Timers by time and number.
    pub timers: BTreeMap<(u64, u64), Timer>,
    /// The number of the last timer.
    pub last_timer: u64,
    /// What the owner decided.
    pub settings: Settings,
    /// The task whose turn it is.
    pub turn: Option<TaskId>,
    /// Who is told of oddities.
    pub(crate) trace: Box<dyn Trace>,
    /// Whether it is told of calls.
    pub(crate) traces_calls: bool,
    /// Calls that were reported as unknown.
    pub unknown: BTreeSet<u64>,
    /// The process whose end ends the sandbox, and how it ended.
    pub first: Option<i32>,
    /// How the first process ended.
    pub finished: Option<crate::process::End>,
    /// A buffer for transfers between files and guests, kept to be used again.
    pub buffer: Vec<u8>,
    /// Terminal output waits to be taken.
    pub console_ready: bool,
    /// A signal of the personality's notification ended a guest's turn. Whoever waits for such signals takes it.
    pub notified: bool,
    /// A group that was to stop and could not, since no shell of this personality would let it go on. Whoever could stop them all takes it.
    pub stop_refused: Option<i32>,
    /// Processes that are native programs.
    pub natives: Natives,
}

/// The files as address spaces see them.
pub struct VfsPages<'a>(pub &'a mut Vfs);

impl FilePages for VfsPages<'_> {
    fn page(&mut self, file: FileId, index: u64, write: bool) -> Result<Option<Frame>, Errno> {
        Ok(self
            .0
            .file_page(file, index, write)?
            .map(|frame| Frame(frame as u32)))
    }
    fn read_at(&mut self, file: FileId, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        self.0.file_read_at(file, offset, to)
    }
    fn retain(&mut self, file: FileId) {
        self.0.retain_file(file);
    }
    fn release(&mut self, file: FileId) {
        self.0.release_file(file);
    }
}

impl Kernel {
    /// A personality without processes but `init`, to which orphans come.
    #[must_use]
    pub fn new(
        mut machine: Box<dyn Machine>,
        memory: Arc<Memory>,
        vfs: Vfs,
        settings: Settings,
    ) -> Self {
        let mut boot_id = [0; 16];
        machine.random(&mut boot_id);
        let mut world = World {
            calendar: machine.calendar_at_start(),
            now: machine.now(),
            host_name: settings.host_name.clone(),
            domain_name: b"(none)".to_vec(),
            boot_id,
            memory: Some(memory.clone()),
            ..World::default()
        };
        world.reserve(settings.max_tasks + settings.spare_tasks);
        world.make_init(&settings);
        Self {
            machine,
            memory,
            vfs,
            world,
            run_queue: VecDeque::new(),
            waiters: Waiters::default(),
            timers: BTreeMap::new(),
            last_timer: 0,
            settings,
            turn: None,
            trace: Box::new(NoTrace),
            traces_calls: false,
            unknown: BTreeSet::new(),
            first: None,
            finished: None,
            buffer: Vec::with_capacity(crate::calls::io::CHUNK),
            console_ready: false,
            notified: false,
            stop_refused: None,
            natives: Natives::default(),
        }
    }

    /// Tells `trace` of oddities from here on, and of calls if it wants them now.
    pub fn set_trace(&mut self, trace: Box<dyn Trace>) {
        self.traces_calls = trace.wants_calls();
        self.trace = trace;
    }

    /// The pool as pages for file systems in memory.
    #[must_use]
    pub fn pages(memory: &Arc<Memory>) -> PoolPages {
        PoolPages(memory.clone())
    }

    /// A task; every id that the personality holds names one that lives.
    ///
    /// # Errors
    /// ESRCH when it does not.
    pub fn task(&mut self, task: TaskId) -> Result<&mut Task, Errno> {
        self.world.tasks.get_mut(task.0).ok_or(Errno::ESRCH)
    }

    /// A task's process.
    ///
    /// # Errors
    /// ESRCH when there is none.
    pub fn process_of(&mut self, task: TaskId) -> Result<&mut Process, Errno> {
        let process = self.task(task)?.process;
        self.process(process)
    }

    /// A process.
    ///
    /// # Errors
    /// ESRCH when there is none.
    pub fn process(&mut self, process: ProcessId) -> Result<&mut Process, Errno> {
        self.world.processes.get_mut(process.0).ok_or(Errno::ESRCH)
    }

    /// Does something with a task's address space.
    ///
    /// # Errors
    /// ESRCH when the task is gone, else what `f` says.
    pub fn with_space<R>(
        &mut self,
        task: TaskId,
        f: impl FnOnce(&mut AddressSpace, &mut Environment<'_>) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let space = self.task(task)?.space;
        self.with_space_id(space, f)
    }

    /// Does something with an address space.
    ///
    /// # Errors
    /// ESRCH when it is gone, else what `f` says.
    pub fn with_space_id<R>(
        &mut self,
        space: AddressSpaceId,
        f: impl FnOnce(&mut AddressSpace, &mut Environment<'_>) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        let Self {
            machine,
            memory,
            vfs,
            world,
            ..
        } = self;
        let shared = world.spaces.get_mut(space.0).ok_or(Errno::ESRCH)?;
        let mut files = VfsPages(vfs);
        let mut environment = Environment {
            memory,
            machine: machine.as_mut(),
            files: &mut files,
        };
        f(&mut shared.value, &mut environment)
    }

    /// The actions of a task's process.
    ///
    /// # Errors
    /// ESRCH when the task is gone.
    pub fn actions_of(&mut self, task: TaskId) -> Result<&mut Actions, Errno> {
        let ActionsId(id) = self.task(task)?.actions;
        self.world
            .actions
            .get_mut(id)
            .map(|shared| &mut shared.value)
            .ok_or(Errno::ESRCH)
    }

    /// Copies from a task's memory.
    ///
    /// # Errors
    /// EFAULT, ENOMEM.
    pub fn read_user(&mut self, task: TaskId, address: u64, to: &mut [u8]) -> Result<(), Errno> {
        self.with_space(task, |space, environment| {
            space.read(environment, address, to)
        })
    }

    /// Copies an array of bytes from a task's memory.
    ///
    /// # Errors
    /// EFAULT, ENOMEM.
    pub fn read_bytes<const N: usize>(
        &mut self,
        task: TaskId,
        address: u64,
    ) -> Result<[u8; N], Errno> {
        let mut bytes = [0; N];
        self.read_user(task, address, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads little-endian words from a task's memory.
    ///
    /// # Errors
    /// EFAULT, ENOMEM.
    pub fn read_words<const N: usize>(
        &mut self,
        task: TaskId,
        address: u64,
    ) -> Result<[u64; N], Errno> {
        let mut words = [0; N];
        let mut bytes = [0; 8];
        if N == 1 {
            self.read_user(task, address, &mut bytes)?;
            words[0] = u64::from_le_bytes(bytes);
            return Ok(words);
        }
        let mut all = alloc::vec![0; N * 8];
        self.read_user(task, address, &mut all)?;
        for (word, part) in words.iter_mut().zip(all.chunks_exact(8)) {
            bytes.copy_from_slice(part);
            *word = u64::from_le_bytes(bytes);
        }
        Ok(words)
    }

    /// Copies to a task's memory.
    ///
    /// # Errors
    /// EFAULT, ENOMEM.
    pub fn write_user(&mut self, task: TaskId, address: u64, from: &[u8]) -> Result<(), Errno> {
        self.with_space(task, |space, environment| {
            space.write(environment, address, from)
        })
    }

    /// Writes little-endian words to a task's memory.
    ///
    /// # Errors
    /// EFAULT, ENOMEM.
    pub fn write_words(&mut self, task: TaskId, address: u64, words: &[u64]) -> Result<(), Errno> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.write_user(task, address, &bytes)
    }

    /// Reads a path from a task's memory.
    ///
    /// # Errors
    /// EFAULT, ENAMETOOLONG.
    pub fn read_path(&mut self, task: TaskId, address: u64) -> Result<Vec<u8>, Errno> {
        self.with_space(task, |space, environment| {
            space.read_string(environment, address, 4095)
        })
    }
}

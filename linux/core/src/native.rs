//! Native programs that execve meets: processes of the machine with a Linux id, the caller's streams, signals and waits.
//!
//! Such a process makes no Linux calls. Its task has no registers to enter; it is parked until the machine's layer brings a
//! request of the program, which the files answer at once or when they can. Stops, continuations and ends go to the machine.
use crate::Errno;
use crate::calls::Stop;
use crate::elf;
use crate::kernel::Kernel;
use crate::load::{Texts, read_exactly};
use crate::process::End;
use crate::signal::{SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SignalInformation, SignalSet};
use crate::task::{ProcessId, TaskId, Wait, WaitKey};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use sundog_linux_vfs::{FileId, Screen};

/// The largest image of a native program, in bytes.
pub const MAX_IMAGE: usize = 4 << 20;
/// Most bytes that one request moves.
pub const MAX_MOVED: usize = 64 * 1024;
/// Bytes of an image that are read at a time.
const CHUNK: usize = 64 * 1024;
/// The streams that a native program reaches: descriptors 0 to 2.
const STREAMS: i32 = 3;

/// A native program to start.
#[derive(Debug, Default)]
pub struct NativeProgram {
    /// Its image, an ELF file with the note of native programs.
    pub image: Vec<u8>,
    /// Its arguments and environment.
    pub texts: Texts,
}

/// What a native program asks of its process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// At most so many bytes of a stream; none are its end.
    Read {
        /// 0, 1 or 2.
        descriptor: i32,
        /// How many.
        length: usize,
    },
    /// Bytes for a stream.
    Write {
        /// 0, 1 or 2.
        descriptor: i32,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// At most so many keys of the terminal among its streams.
    Keys {
        /// How many.
        length: usize,
    },
    /// Bytes for that terminal, shown as they are.
    Show {
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl Request {
    /// Of each kind one is made at a time.
    fn kind(&self) -> u8 {
        match self {
            Request::Read { .. } => 0,
            Request::Write { .. } | Request::Show { .. } => 1,
            Request::Keys { .. } => 2,
        }
    }
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The bytes read.
    Read(Vec<u8>),
    /// Keys of the terminal, or why there are none.
    Keys(Result<Vec<u8>, Errno>),
    /// How many bytes were written, perhaps fewer than given.
    Written(usize),
    /// A read failed.
    ReadFailed(Errno),
    /// A write failed.
    WriteFailed(Errno),
}

/// The native processes of a sandbox.
#[derive(Debug, Default)]
pub struct Natives {
    /// What each waits for, if anything.
    running: BTreeMap<TaskId, Native>,
    answers: Vec<(i32, Answer)>,
    /// Those that have something to ask about: a signal came, or they go on.
    told: Vec<i32>,
}

#[derive(Debug, Default)]
struct Native {
    requests: Vec<Request>,
    suspended: bool,
    /// Signals of the terminal are kept for it, instead of doing what they do by default.
    relays: bool,
    /// Those that came.
    signals: SignalSet,
}

/// The bytes of a native program; nothing if the file is none.
pub(crate) fn native_image(kernel: &mut Kernel, file: FileId) -> Result<Option<Vec<u8>>, Errno> {
    let Ok(header) = read_exactly(kernel, file, 0, elf::HEADER) else {
        return Ok(None);
    };
    let Ok((offset, length)) = elf::program_headers(&header) else {
        return Ok(None);
    };
    let table = read_exactly(kernel, file, offset, length)?;
    let marked = elf::notes(&table).any(|(offset, length)| {
        read_exactly(kernel, file, offset, length).is_ok_and(|notes| elf::is_native(&notes))
    });
    if !marked {
        return Ok(None);
    }
    let mut image = Vec::new();
    loop {
        let done = image.len();
        image.try_reserve(CHUNK).map_err(|_| Errno::ENOMEM)?;
        image.resize(done + CHUNK, 0);
        let count = kernel
            .vfs
            .file_read_at(file, done as u64, &mut image[done..])?;
        image.truncate(done + count);
        if image.len() > MAX_IMAGE {
            return Err(Errno::ENOEXEC);
        }
        if count == 0 {
            return Ok(Some(image));
        }
    }
}

impl Natives {
    /// Whether a task is a native process.
    #[must_use]
    pub fn has(&self, task: TaskId) -> bool {
        self.running.contains_key(&task)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    pub(crate) fn add(&mut self, task: TaskId) {
        self.running.insert(task, Native::default());
    }

    pub(crate) fn remove(&mut self, task: TaskId) -> bool {
        self.running.remove(&task).is_some()
    }
}

impl Kernel {
    /// Brings a request of the native process `pid`. The answer comes with [`Kernel::take_native_answers`], perhaps at once.
    ///
    /// # Errors
    /// ESRCH if there is no such process, EBUSY if it has one of the kind already, EBADF for a stream that is none of the three.
    pub fn native_request(&mut self, pid: i32, request: Request) -> Result<(), Errno> {
        let task = self.native_task(pid)?;
        if let Request::Read { descriptor, .. } | Request::Write { descriptor, .. } = &request
            && !(0..STREAMS).contains(descriptor)
        {
            return Err(Errno::EBADF);
        }
        let native = self.natives.running.get_mut(&task).ok_or(Errno::ESRCH)?;
        let mut others = native.requests.iter();
        if others.any(|other| other.kind() == request.kind()) {
            return Err(Errno::EBUSY);
        }
        native.requests.push(request);
        self.unpark(task);
        Ok(())
    }

    /// The answers to requests that are done, with the processes that asked.
    pub fn take_native_answers(&mut self) -> Vec<(i32, Answer)> {
        core::mem::take(&mut self.natives.answers)
    }

    /// From now on signals of the terminal (SIGINT, SIGQUIT, SIGWINCH) are kept for the native process `pid`, which has programs of its own
    /// to hand them to.
    pub fn native_relays(&mut self, pid: i32) {
        if let Ok(task) = self.native_task(pid)
            && let Some(native) = self.natives.running.get_mut(&task)
        {
            native.relays = true;
        }
    }

    /// Keeps a signal for a native process that relays it; whether it did.
    pub(crate) fn relay(&mut self, process: ProcessId, signal: u32) -> bool {
        let Ok(found) = self.process(process) else {
            return false;
        };
        let (pid, first) = (found.pid, found.threads.first().copied());
        let native = first.and_then(|task| self.natives.running.get_mut(&task));
        let Some(native) = native.filter(|native| native.relays) else {
            return false;
        };
        if !matches!(signal, SIGINT | SIGQUIT | SIGWINCH) {
            return false;
        }
        native.signals = native.signals.with(SignalSet::of(signal));
        self.natives.told.push(pid);
        true
    }

    /// Native processes that relay signals and have something to ask about, each perhaps more than once.
    pub fn take_natives_told(&mut self) -> Vec<i32> {
        core::mem::take(&mut self.natives.told)
    }

    /// The terminal among the streams of the native process `pid`, and the signals that were kept for it; those are forgotten.
    ///
    /// # Errors
    /// ESRCH if there is no such process.
    pub fn native_screen(&mut self, pid: i32) -> Result<(Option<Screen>, SignalSet), Errno> {
        let task = self.native_task(pid)?;
        let screen = self.with_files(task, |vfs, context| vfs.screen(context))?;
        let native = self.natives.running.get_mut(&task).ok_or(Errno::ESRCH)?;
        Ok((screen, core::mem::take(&mut native.signals)))
    }

    /// Stops the group of the native process `pid`, as the terminal's key does.
    ///
    /// # Errors
    /// ESRCH if there is no such process.
    pub fn native_suspend(&mut self, pid: i32) -> Result<(), Errno> {
        let task = self.native_task(pid)?;
        let group = self.process_of(task)?.group;
        let members: Vec<ProcessId> = self.world.group_members(group).collect();
        for member in members {
            self.signal_process(member, SignalInformation::kernel(SIGTSTP));
        }
        Ok(())
    }

    /// Tells that the native process `pid` has ended by itself.
    pub fn native_ended(&mut self, pid: i32, end: End) {
        if let Ok(task) = self.native_task(pid) {
            self.end_process_of(task, end);
        }
    }

    /// The last words of the native process `pid`, to its standard error. They are lost if that cannot take them at once.
    pub fn native_last_words(&mut self, pid: i32, words: Vec<u8>) {
        if let Ok(task) = self.native_task(pid) {
            let request = Request::Write {
                descriptor: 2,
                bytes: words,
            };
            let _ = self.try_native(task, &request);
        }
    }

    fn native_task(&mut self, pid: i32) -> Result<TaskId, Errno> {
        let task = self.world.tids.get(&pid).copied().ok_or(Errno::ESRCH)?;
        self.natives.has(task).then_some(task).ok_or(Errno::ESRCH)
    }

    /// How paths map for the native process `pid`, a line for each mount.
    ///
    /// # Errors
    /// ESRCH if there is no such process.
    pub fn native_names(&mut self, pid: i32) -> Result<Vec<u8>, Errno> {
        let task = self.native_task(pid)?;
        let context = self.world.context(task, false);
        self.vfs
            .names(&context.ok_or(Errno::ESRCH)?, pid.unsigned_abs())
    }

    /// The turn of a native process: signals, then its requests.
    pub(crate) fn run_native(&mut self, task: TaskId) {
        loop {
            let goes_on = self.deliver_signals(task);
            self.match_machine(task, !goes_on);
            if !goes_on {
                return;
            }
            let requests = self
                .natives
                .running
                .get_mut(&task)
                .map(|native| core::mem::take(&mut native.requests))
                .unwrap_or_default();
            let pid = self.process_of(task).map_or(0, |process| process.pid);
            let mut wait = Wait::on(WaitKey::Signal);
            let mut left = Vec::new();
            for request in requests {
                match self.try_native(task, &request) {
                    Ok(answer) => self.natives.answers.push((pid, answer)),
                    Err(stop) => {
                        left.push(request);
                        // Else a signal was sent to the process itself; it is delivered first.
                        if let Stop::Wait(other) = stop {
                            wait.keys.extend(other.keys);
                        }
                    }
                }
            }
            if let Some(native) = self.natives.running.get_mut(&task) {
                native.requests = left;
            }
            if !self.has_signal(task) {
                self.park(task, wait);
                return;
            }
        }
    }

    /// Lets the machine's process stand still or go on, as the Linux process does.
    fn match_machine(&mut self, task: TaskId, stopped: bool) {
        let Ok(pid) = self.process_of(task).map(|process| process.pid) else {
            return;
        };
        let Some(native) = self.natives.running.get_mut(&task) else {
            return;
        };
        if core::mem::replace(&mut native.suspended, stopped) == stopped {
            return;
        }
        if stopped {
            self.machine.suspend_native(pid);
        } else {
            self.machine.resume_native(pid);
            // What changed meanwhile, such as the terminal's size, was not told.
            self.natives.told.push(pid);
        }
    }

    /// Tries a request; it waits, or there is an answer.
    fn try_native(&mut self, task: TaskId, request: &Request) -> Result<Answer, Stop> {
        let done = match request {
            Request::Read { descriptor, length } => {
                let mut bytes = alloc::vec![0; (*length).min(MAX_MOVED)];
                let attempt = self.with_files(task, |vfs, context| {
                    vfs.read(context, *descriptor, &mut bytes)
                })?;
                self.outcome(attempt).map(|count| {
                    bytes.truncate(count);
                    Answer::Read(bytes)
                })
            }
            Request::Write { descriptor, bytes } => {
                let attempt =
                    self.with_files(task, |vfs, context| vfs.write(context, *descriptor, bytes))?;
                self.outcome(attempt).map(Answer::Written)
            }
            Request::Keys { length } => {
                let mut bytes = alloc::vec![0; (*length).min(MAX_MOVED)];
                let attempt =
                    self.with_files(task, |vfs, context| vfs.keys(context, &mut bytes))?;
                self.outcome(attempt).map(|count| {
                    bytes.truncate(count);
                    Answer::Keys(Ok(bytes))
                })
            }
            Request::Show { bytes } => {
                let attempt = self.with_files(task, |vfs, context| vfs.show(context, bytes))?;
                self.outcome(attempt).map(Answer::Written)
            }
        };
        self.drain_events(Some(task));
        match done {
            Err(Stop::Errno(error)) => Ok(match request {
                Request::Read { .. } => Answer::ReadFailed(error),
                Request::Write { .. } | Request::Show { .. } => Answer::WriteFailed(error),
                Request::Keys { .. } => Answer::Keys(Err(error)),
            }),
            other => other,
        }
    }
}

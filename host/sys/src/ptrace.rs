//! Traced child processes without any program of their own, as address spaces that run foreign code.
//!
//! A [`Stub`] is a fork of the caller that traces itself and is then emptied: everything is unmapped but one page that
//! holds the instruction `syscall`. Its tracer maps parts of a [`SharedMemory`] into it, sets its registers and runs it
//! until it makes a system call (which is not carried out), faults, or a time is over.
use std::arch::asm;
use std::io;
use std::time::{Duration, Instant};
use sundog_linux_memory::Region;

const SYS_MMAP: usize = 9;
const SYS_MPROTECT: usize = 10;
const SYS_MUNMAP: usize = 11;
const SYS_SIGPROCMASK: usize = 14;
const SYS_GETPID: usize = 39;
const SYS_CLONE: usize = 56;
const SYS_WAIT4: usize = 61;
const SYS_KILL: usize = 62;
const SYS_FTRUNCATE: usize = 77;
const SYS_PTRACE: usize = 101;
const SYS_SETSID: usize = 112;
const SYS_SIGTIMEDWAIT: usize = 128;
const SYS_EXIT_GROUP: usize = 231;
const SYS_MEMFD_CREATE: usize = 319;

const PTRACE_TRACEME: usize = 0;
const PTRACE_POKETEXT: usize = 4;
const PTRACE_SINGLESTEP: usize = 9;
const PTRACE_GETREGS: usize = 12;
const PTRACE_SETREGS: usize = 13;
const PTRACE_SYSEMU: usize = 31;
const PTRACE_SETOPTIONS: usize = 0x4200;
const PTRACE_GETSIGINFO: usize = 0x4202;
const PTRACE_GETREGSET: usize = 0x4204;
const PTRACE_SETREGSET: usize = 0x4205;
const OPTION_SYSGOOD: usize = 1;
const OPTION_EXITKILL: usize = 0x10_0000;
const NT_X86_XSTATE: usize = 0x202;

const SIGKILL: usize = 9;
const SIGCHLD: usize = 17;
const SIGSTOP: usize = 19;
const SIGTRAP: i32 = 5;

const PAGE: usize = 4096;
/// The page that holds the stub's one instruction; nothing else may be mapped there.
pub const TRAMPOLINE: u64 = 0x7fff_ffff_d000;

/// Makes a system call.
///
/// # Safety
/// The call must not break the memory of this program: pointers must be valid for what the call does with them.
pub(crate) unsafe fn system_call(number: usize, a: [usize; 6]) -> io::Result<usize> {
    let result: isize;
    // SAFETY: the registers that `syscall` changes are declared; the caller answers for the effects.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    match result {
        -4095..=-1 => Err(io::Error::from_raw_os_error(-result as i32)),
        value => Ok(value as usize),
    }
}

/// The registers of a stub, in the order of Linux's `user_regs_struct`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the names are the registers'")]
pub struct Registers {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub orig_rax: u64,
    pub rip: u64,
    pub cs: u64,
    pub eflags: u64,
    pub rsp: u64,
    pub ss: u64,
    pub fs_base: u64,
    pub gs_base: u64,
    pub ds: u64,
    pub es: u64,
    pub fs: u64,
    pub gs: u64,
}

/// Memory that stubs can map: a memory file, mapped once in this program.
#[derive(Debug)]
pub struct SharedMemory {
    descriptor: usize,
    base: *mut u8,
    length: usize,
}

impl SharedMemory {
    /// Makes zeroed memory of `length` bytes, a multiple of a page.
    ///
    /// # Errors
    /// When the system has no room for it.
    pub fn new(length: usize) -> io::Result<Self> {
        let name = c"sundog-pool";
        // SAFETY: the name is a valid string; the call makes a descriptor and touches no memory.
        let descriptor =
            unsafe { system_call(SYS_MEMFD_CREATE, [name.as_ptr() as usize, 1, 0, 0, 0, 0]) }?;
        // SAFETY: plain numbers.
        unsafe { system_call(SYS_FTRUNCATE, [descriptor, length, 0, 0, 0, 0]) }?;
        // SAFETY: a new mapping at an address of the system's choice.
        let base = unsafe { system_call(SYS_MMAP, [0, length, 3, 1, descriptor, 0]) }?;
        Ok(Self {
            descriptor,
            base: base as *mut u8,
            length,
        })
    }
}

// SAFETY: the mapping is made once in `new`, is never removed, starts at a page, and nothing here reaches into it.
unsafe impl Region for SharedMemory {
    fn base(&self) -> *mut u8 {
        self.base
    }

    fn length(&self) -> usize {
        self.length
    }
}

/// What [`Stub::wait`] saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is about to make a system call.
    SystemCall,
    /// It stopped by this signal.
    Signal(i32),
    /// It is gone.
    Gone,
}

/// The part of a `siginfo_t` that faults fill in.
#[derive(Clone, Copy, Debug, Default)]
pub struct SignalInformation {
    /// The signal.
    pub signal: i32,
    /// Its code, such as SEGV_ACCERR.
    pub code: i32,
    /// The address of the access.
    pub address: u64,
}

/// Blocks SIGCHLD for this thread, so that [`Stub::wait`] can wait for it with a time limit. Call it once, first.
pub fn block_child_signal() {
    let set: u64 = 1 << (SIGCHLD - 1);
    let pointer = (&raw const set) as usize;
    // SAFETY: the set is 8 bytes and only read. The call cannot fail with these arguments.
    let _ = unsafe { system_call(SYS_SIGPROCMASK, [0, pointer, 0, 8, 0, 0]) };
}

/// A traced child process without memory of its own. Only the thread that started it can use it.
#[derive(Debug)]
pub struct Stub {
    process: usize,
    descriptor: usize,
    template: Registers,
}

impl Stub {
    /// Starts a stub that can map parts of `memory`.
    ///
    /// # Errors
    /// When the system has no room for a process, or forbids tracing.
    pub fn start(memory: &SharedMemory) -> io::Result<Self> {
        // SAFETY: a fork without flags: the child has its own copy of all memory.
        let process = unsafe { system_call(SYS_CLONE, [SIGCHLD, 0, 0, 0, 0, 0]) }?;
        if process == 0 {
            child();
        }
        let mut stub = Self {
            process,
            descriptor: memory.descriptor,
            template: Registers::default(),
        };
        if stub.wait_for_ever()? != Event::Signal(SIGSTOP as i32) {
            return Err(io::Error::other("the stub did not start"));
        }
        stub.request(PTRACE_SETOPTIONS, 0, OPTION_SYSGOOD | OPTION_EXITKILL)?;
        stub.template = stub.registers()?;
        stub.template.orig_rax = u64::MAX;
        // The child stopped behind a `syscall` instruction of `child`, which serves to make the trampoline.
        let first = stub.template.rip - 2;
        stub.inject(
            first,
            SYS_MMAP,
            [TRAMPOLINE as usize, PAGE, 5, 0x32, usize::MAX, 0],
        )?;
        stub.request(PTRACE_POKETEXT, TRAMPOLINE as usize, 0x050f)?;
        stub.call(SYS_MUNMAP, [PAGE, TRAMPOLINE as usize - PAGE, 0, 0, 0, 0])?;
        stub.call(SYS_MUNMAP, [TRAMPOLINE as usize + PAGE, PAGE, 0, 0, 0, 0])?;
        Ok(stub)
    }

    /// Registers that a new guest thread can start from: segments are right, all else is to be set.
    #[must_use]
    pub fn template(&self) -> Registers {
        self.template
    }

    fn request(&self, request: usize, address: usize, data: usize) -> io::Result<usize> {
        // SAFETY: callers pass either plain numbers or pointers to live values of the size that the request needs.
        unsafe { system_call(SYS_PTRACE, [request, self.process, address, data, 0, 0]) }
    }

    /// Reads its registers.
    ///
    /// # Errors
    /// When the stub is gone or running.
    pub fn registers(&self) -> io::Result<Registers> {
        let mut registers = Registers::default();
        self.request(PTRACE_GETREGS, 0, (&raw mut registers) as usize)?;
        Ok(registers)
    }

    /// Sets its registers.
    ///
    /// # Errors
    /// When the stub is gone or running, or the system refuses the values.
    pub fn set_registers(&self, registers: &Registers) -> io::Result<()> {
        self.request(PTRACE_SETREGS, 0, std::ptr::from_ref(registers) as usize)?;
        Ok(())
    }

    /// Reads its extended state in the form of `xsave`.
    ///
    /// # Errors
    /// When the stub is gone or running.
    pub fn extended_state(&self) -> io::Result<Vec<u8>> {
        let mut state = vec![0u8; 16384];
        let mut vector = [state.as_mut_ptr() as usize, state.len()];
        self.request(
            PTRACE_GETREGSET,
            NT_X86_XSTATE,
            vector.as_mut_ptr() as usize,
        )?;
        state.truncate(vector[1]);
        Ok(state)
    }

    /// Sets its extended state; the system checks it.
    ///
    /// # Errors
    /// When the stub is gone or running, or the state is not acceptable.
    pub fn set_extended_state(&self, state: &[u8]) -> io::Result<()> {
        let mut vector = [state.as_ptr() as usize, state.len()];
        self.request(
            PTRACE_SETREGSET,
            NT_X86_XSTATE,
            vector.as_mut_ptr() as usize,
        )?;
        Ok(())
    }

    /// What the signal that stopped it is about.
    ///
    /// # Errors
    /// When the stub is not stopped by a signal.
    pub fn signal_information(&self) -> io::Result<SignalInformation> {
        let mut words = [0u64; 16];
        self.request(PTRACE_GETSIGINFO, 0, words.as_mut_ptr() as usize)?;
        Ok(SignalInformation {
            signal: words[0] as i32,
            code: words[1] as i32,
            address: words[2],
        })
    }

    /// Lets it run until its next system call, which is not carried out, or signal.
    ///
    /// # Errors
    /// When the stub is gone or running.
    pub fn run(&self) -> io::Result<()> {
        self.request(PTRACE_SYSEMU, 0, 0)?;
        Ok(())
    }

    /// Asks it to stop by SIGSTOP.
    pub fn stop(&self) {
        // SAFETY: a signal to our own child. An error means that it is gone, which the next wait tells.
        let _ = unsafe { system_call(SYS_KILL, [self.process, SIGSTOP, 0, 0, 0, 0]) };
    }

    fn wait_with(&self, options: usize) -> io::Result<Option<Event>> {
        let mut status = 0i32;
        loop {
            let pointer = (&raw mut status) as usize;
            // SAFETY: the status word lives longer than the call.
            match unsafe { system_call(SYS_WAIT4, [self.process, pointer, options, 0, 0, 0]) } {
                Ok(0) => return Ok(None),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let signal = (status >> 8) & 0xff;
        Ok(Some(match status & 0xff {
            0x7f if signal == SIGTRAP | 0x80 => Event::SystemCall,
            0x7f => Event::Signal(signal),
            _ => Event::Gone,
        }))
    }

    /// Waits without a time limit.
    ///
    /// # Errors
    /// When there is nothing to wait for.
    pub fn wait_for_ever(&self) -> io::Result<Event> {
        Ok(self.wait_with(0x4000_0000)?.unwrap_or(Event::Gone))
    }

    /// Waits until it stops, at the latest until `deadline` (then `None`).
    ///
    /// # Errors
    /// When there is nothing to wait for.
    pub fn wait(&self, deadline: Instant) -> io::Result<Option<Event>> {
        loop {
            if let Some(event) = self.wait_with(0x4000_0001)? {
                return Ok(Some(event));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Ok(None);
            }
            let set: u64 = 1 << (SIGCHLD - 1);
            let time = [left.as_secs(), u64::from(left.subsec_nanos())];
            let arguments = [
                (&raw const set) as usize,
                0,
                time.as_ptr() as usize,
                8,
                0,
                0,
            ];
            // SAFETY: the set and the time are only read; an interruption or time-out only makes the loop look again.
            let _ = unsafe { system_call(SYS_SIGTIMEDWAIT, arguments) };
        }
    }

    /// Makes the stub carry out one system call at the `syscall` instruction at `address`.
    fn inject(&self, address: u64, number: usize, a: [usize; 6]) -> io::Result<usize> {
        let mut registers = self.template;
        registers.rip = address;
        registers.rax = number as u64;
        [registers.rdi, registers.rsi, registers.rdx] = [a[0] as u64, a[1] as u64, a[2] as u64];
        [registers.r10, registers.r8, registers.r9] = [a[3] as u64, a[4] as u64, a[5] as u64];
        self.set_registers(&registers)?;
        loop {
            self.request(PTRACE_SINGLESTEP, 0, 0)?;
            if self.wait_for_ever()? == Event::Gone {
                return Err(io::Error::other("the stub is gone"));
            }
            // A stop at the entry of an emulated call is left first, without progress; so is a stray signal.
            let after = self.registers()?;
            if after.rip == address + 2 {
                return match after.rax as i64 {
                    error @ -4095..=-1 => Err(io::Error::from_raw_os_error(-error as i32)),
                    value => Ok(value as usize),
                };
            }
        }
    }

    fn call(&self, number: usize, a: [usize; 6]) -> io::Result<usize> {
        self.inject(TRAMPOLINE, number, a)
    }

    /// Maps a part of the shared memory into the stub, replacing what is there.
    ///
    /// # Errors
    /// When the system has no room, or the addresses are not the stub's.
    pub fn map(
        &self,
        address: u64,
        offset: usize,
        length: usize,
        write: bool,
        execute: bool,
    ) -> io::Result<()> {
        let protection = 1 | usize::from(write) << 1 | usize::from(execute) << 2;
        self.call(
            SYS_MMAP,
            [
                address as usize,
                length,
                protection,
                0x11,
                self.descriptor,
                offset,
            ],
        )?;
        Ok(())
    }

    /// Removes what is mapped in a range of the stub.
    ///
    /// # Errors
    /// When the stub is gone.
    pub fn unmap(&self, address: u64, length: usize) -> io::Result<()> {
        self.call(SYS_MUNMAP, [address as usize, length, 0, 0, 0, 0])?;
        Ok(())
    }

    /// Changes the protection of a range without holes.
    ///
    /// # Errors
    /// When the range has holes.
    pub fn protect(
        &self,
        address: u64,
        length: usize,
        write: bool,
        execute: bool,
    ) -> io::Result<()> {
        let protection = 1 | usize::from(write) << 1 | usize::from(execute) << 2;
        self.call(
            SYS_MPROTECT,
            [address as usize, length, protection, 0, 0, 0],
        )?;
        Ok(())
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // SAFETY: a signal to our own child, which nobody has waited for to the end.
        let _ = unsafe { system_call(SYS_KILL, [self.process, SIGKILL, 0, 0, 0, 0]) };
        while let Ok(event) = self.wait_for_ever() {
            if event == Event::Gone {
                break;
            }
        }
    }
}

/// What the child does after the fork: nothing but raw system calls, as other threads' locks may be held for ever.
fn child() -> ! {
    // SAFETY: plain numbers; a session of its own keeps the terminal's signals away.
    let _ = unsafe { system_call(SYS_SETSID, [0; 6]) };
    // SAFETY: plain numbers.
    let _ = unsafe { system_call(SYS_PTRACE, [PTRACE_TRACEME, 0, 0, 0, 0, 0]) };
    // SAFETY: plain numbers.
    if let Ok(own) = unsafe { system_call(SYS_GETPID, [0; 6]) } {
        // SAFETY: stops this process, whose tracer then takes it over.
        let _ = unsafe { system_call(SYS_KILL, [own, SIGSTOP, 0, 0, 0, 0]) };
    }
    loop {
        // SAFETY: ends the process, if nobody traced it.
        let _ = unsafe { system_call(SYS_EXIT_GROUP, [1, 0, 0, 0, 0, 0]) };
    }
}

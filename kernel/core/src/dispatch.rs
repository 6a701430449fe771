//! Entries into the kernel: system calls by the table of `abi`, faults, interrupts; and what runs after them.

use sundog_abi::{Address, Error, ObjectType, Protection, Rights, fault, vcpu};
use sundog_machine::{Event, NO_FPU, Ref, hardware};

use crate::kernel::{Kernel, Outcome, Stop};
use crate::thread::Thread;

/// A system call that is being done: its methods have the names of the table.
pub(crate) struct Call<'a> {
    pub kernel: &'a mut Kernel,
    /// The thread that made it.
    pub thread: Ref<Thread>,
}

/// The two values that a call returns.
pub(crate) type Values = (u64, u64);

/// Bytes of the instruction `syscall`.
pub(crate) const SYSCALL_BYTES: u64 = 2;

/// A type of the table's arguments.
pub(crate) trait Argument: Sized {
    fn from_word(word: u64) -> Result<Self, Error>;
}

macro_rules! arguments {
    ($($type:ty: $word:ident => $value:expr;)*) => {
        $(impl Argument for $type {
            fn from_word($word: u64) -> Result<Self, Error> {
                $value
            }
        })*
    };
}
arguments! {
    u64: word => Ok(word);
    Address: word => Ok(Address(word));
    sundog_abi::Slot: word => u32::try_from(word).map(sundog_abi::Slot).map_err(|_| Error::OutOfRange);
    Rights: word => Ok(Rights(word as u16 & Rights::ALL.0));
    ObjectType: word => ObjectType::from_number(word).ok_or(Error::InvalidArgument);
    Protection: word => Protection::from_word(word).ok_or(Error::InvalidArgument);
}

use sundog_abi::Slot as SlotNumber;
use u64 as Word;

macro_rules! dispatch {
    ($($(#[doc = $doc:literal])* $number:literal $name:ident $kind:ident ($($object:ident: $($right:ident)?)?) {$($argument:ident: $type:ident),*} -> $value:literal [$($error:ident),*];)*) => {
        impl Kernel {
            /// Does the call of a number for the thread that runs.
            fn perform(&mut self, thread: Ref<Thread>, number: u64) -> Outcome<Option<Values>> {
                use SlotNumber as Slot;
                let registers = &self.get(thread).registers;
                let capability = Address(registers.rdi.get());
                let words = [
                    registers.rsi.get(), registers.rdx.get(), registers.r10.get(), registers.r8.get(), registers.r9.get(),
                ];
                let space = self.thread_cspace(thread);
                match number {
                    $($number => perform!(self, thread, space, capability, words, $kind $name ($($object: $($right)?)?) {$($argument: $type),*}),)*
                    _ => {
                        let rip = registers.rip.get();
                        self.fault(thread, fault::UNKNOWN_CALL, [number, rip, 0]);
                        Err(Error::UnknownCall.into())
                    }
                }
            }
        }
    };
}

macro_rules! perform {
    ($self:ident, $thread:ident, $space:ident, $capability:ident, $words:ident, message $name:ident ($object:ident: $($right:ident)?) $arguments:tt) => {{
        let slot = $self.look_up($space, $capability, ObjectType::$object, Rights::NONE $(.union(Rights::$right))?)?;
        Call { kernel: $self, thread: $thread }.$name(slot)?;
        Ok(None)
    }};
    ($self:ident, $thread:ident, $space:ident, $capability:ident, $words:ident, invoke $name:ident () {}) => {
        Ok(Some(Call { kernel: $self, thread: $thread }.$name()))
    };
    ($self:ident, $thread:ident, $space:ident, $capability:ident, $words:ident, invoke $name:ident ($object:ident: $($right:ident)?) {$($argument:ident: $type:ident),*}) => {{
        let slot = $self.look_up($space, $capability, ObjectType::$object, Rights::NONE $(.union(Rights::$right))?)?;
        #[allow(unused_mut, reason = "a call may have no arguments")]
        let mut words = $words.into_iter();
        $(let $argument = <$type as Argument>::from_word(words.next().unwrap_or(0))?;)*
        let _ = words;
        Call { kernel: $self, thread: $thread }.$name(slot, $($argument),*).map(Some)
    }};
}

sundog_abi::for_each_syscall!(dispatch);

impl Kernel {
    /// Deals with one entry into the kernel and chooses what runs next. System calls that [`crate::Fast`] did do not get here.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Interrupt { vector } => {
                self.interrupt(hardware::line_of(vector));
                hardware::end_of_interrupt(&self.token);
            }
            Event::Timer => self.timer_came(),
            Event::Call => {}
            Event::Syscall
            | Event::PageFault { .. }
            | Event::Exception { .. }
            | Event::BadState => {
                // A thread that was taken off this CPU while it waited for the lock has nothing more to say.
                if let Some(thread) = self.current() {
                    self.handle_thread(thread, event);
                }
            }
        }
        self.finish_flush();
        self.leave();
    }

    fn handle_thread(&mut self, thread: Ref<Thread>, event: Event) {
        if let Some(guest) = self.get(thread).vcpu.get() {
            if event
                == (Event::Exception {
                    vector: NO_FPU,
                    error: 0,
                })
            {
                hardware::fpu_use(&self.token, self.vcpu_page(guest));
                return;
            }
            let (reason, address, code) = match event {
                Event::Syscall => (vcpu::exit::SYSCALL, 0, 0),
                Event::PageFault { address, access } => {
                    (vcpu::exit::FAULT, address, access_bits(access))
                }
                Event::Exception { vector, error } => {
                    (vcpu::exit::EXCEPTION, u64::from(vector), error)
                }
                _ => (vcpu::exit::BAD_STATE, 0, 0),
            };
            self.vcpu_exit(thread, guest, reason, address, code);
            return;
        }
        let rip = self.get(thread).registers.rip.get();
        match event {
            Event::Syscall => self.system_call(thread),
            Event::PageFault { address, access } => {
                self.fault(thread, fault::PAGE, [address, access_bits(access), rip])
            }
            Event::Exception { vector, error } => {
                self.fault(thread, fault::EXCEPTION, [u64::from(vector), error, rip])
            }
            _ => self.fault(
                thread,
                fault::EXCEPTION,
                [u64::from(sundog_machine::GENERAL_PROTECTION), 0, rip],
            ),
        }
    }

    /// A system call of the thread that runs. Its status is set first: it may wait, stop or end by its own call.
    fn system_call(&mut self, thread: Ref<Thread>) {
        let registers = &self.get(thread).registers;
        let number = registers.rax.replace(0);
        self.calling = Some(thread);
        let end = match self.go_on_deleting(thread) {
            Ok(()) if self.calling.is_some() => self.perform(thread, number),
            Ok(()) => return,
            Err(stop) => Err(stop),
        };
        let unfinished = self.unfinished.take();
        // It may have been stopped by its own call and is told the end all the same; only if it is gone nobody is.
        if self.calling.take().is_none() {
            return;
        }
        let object = self.get(thread);
        match end {
            Ok(Some((value, second))) => {
                object.registers.rdx.set(value);
                object.registers.r8.set(second);
            }
            Ok(None) => {}
            Err(Stop::Error(error)) => {
                if error == Error::UnknownCall {
                    // That was a fault: its registers are its own.
                    object.registers.rax.set(number);
                } else {
                    object.set_status(Err(error));
                }
            }
            Err(Stop::Preempted) => {
                object.registers.rax.set(number);
                object
                    .registers
                    .rip
                    .set(object.registers.rip.get().wrapping_sub(SYSCALL_BYTES));
                // One that another thread is to go on with is found again by decoding the call.
                if let Some(cnode) = unfinished
                    && self.get(cnode).deleter.is_none()
                {
                    object.deleting.set(Some(cnode));
                    self.get(cnode).deleter.set(Some(thread));
                }
            }
        }
    }

    /// A delete that was interrupted has emptied its slot already; what it took along is taken apart first.
    fn go_on_deleting(&mut self, thread: Ref<Thread>) -> Outcome {
        let Some(cnode) = self.get(thread).deleting.take() else {
            return Ok(());
        };
        self.get(cnode).deleter.set(None);
        self.cnode_take_apart(cnode)
    }
}

fn access_bits(access: sundog_machine::Access) -> u64 {
    let bit = |set: bool, bit: u64| if set { bit } else { 0 };
    bit(access.write, fault::WRITE)
        | bit(access.execute, fault::EXECUTE)
        | bit(access.present, fault::PRESENT)
}

//! Forks without a library's handlers around them, the counter of the processor, and pages that are touched: for programs that measure.

use crate::ptrace::system_call;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::ffi::CStr;
use std::io::{Error, ErrorKind};
use std::ptr::null_mut;

const SYS_CLONE: usize = 56;
const SYS_EXECVE: usize = 59;
const SYS_WAIT4: usize = 61;
const SYS_EXIT_GROUP: usize = 231;
const SIGCHLD: usize = 17;
const PAGE: usize = 4096;

/// The processor's time-stamp counter.
#[inline(always)]
pub fn ticks() -> u64 {
    // SAFETY: the instruction reads a counter and touches no memory; Linux leaves it to programs.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Forks; the child runs `work` and ends with the status that it returns. The answer is the child's number.
///
/// Of a process with several threads only the calling one exists in the child: what another one had locked stays locked there.
///
/// # Errors
/// Those of `clone`.
pub fn fork(work: impl FnOnce() -> i32) -> Result<usize, Error> {
    // SAFETY: no stack and no flags but the signal at the end: the child is a copy with memory of its own, as after fork.
    let child = unsafe { system_call(SYS_CLONE, [SIGCHLD, 0, 0, 0, 0, 0]) }?;
    if child != 0 {
        return Ok(child);
    }
    let status = work() as usize & 0xff;
    loop {
        // SAFETY: the call ends the process and does nothing with memory; it does not fail.
        let _ = unsafe { system_call(SYS_EXIT_GROUP, [status, 0, 0, 0, 0, 0]) };
    }
}

/// Waits for a child's end; its status if it ended by itself.
///
/// # Errors
/// Those of `wait4`; `Interrupted` if a signal ended the child; `InvalidInput` for a number that names no process: to Linux 0 and
/// negative ones mean any child, also those that another thread waits for.
pub fn wait(child: usize) -> Result<i32, Error> {
    if !i32::try_from(child).is_ok_and(|number| number > 0) {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut status = 0_i32;
    let place = (&raw mut status).expose_provenance();
    // SAFETY: the kernel writes four bytes to `status`, which is a live variable of that size.
    unsafe { system_call(SYS_WAIT4, [child, place, 0, 0, 0, 0]) }?;
    if status & 0x7f == 0 {
        Ok(status >> 8 & 0xff)
    } else {
        Err(ErrorKind::Interrupted.into())
    }
}

/// Becomes another program, with its name and one more word as arguments and without an environment; comes back only with an error.
pub fn exec(program: &CStr, word: &CStr) -> Error {
    let arguments = [program.as_ptr(), word.as_ptr(), core::ptr::null()];
    let environment = [core::ptr::null::<u8>()];
    let place = program.as_ptr().expose_provenance();
    let (arguments, environment) = (
        arguments.as_ptr().expose_provenance(),
        environment.as_ptr().expose_provenance(),
    );
    // SAFETY: the three are texts that end with a zero, and lists of such that end with a null, all alive; the kernel only reads them,
    // and either this program is gone afterwards or nothing has changed.
    match unsafe { system_call(SYS_EXECVE, [place, arguments, environment, 0, 0, 0]) } {
        Ok(_) => ErrorKind::Other.into(),
        Err(error) => error,
    }
}

/// Private memory of whole pages, never given back.
#[derive(Debug)]
pub struct Pages {
    base: *mut u8,
    count: usize,
}

impl Pages {
    /// Maps `count` pages, of which none is there yet.
    ///
    /// # Errors
    /// Those of `mmap`; `InvalidInput` for a length that cannot be.
    pub fn new(count: usize) -> Result<Self, Error> {
        let bytes = count.checked_mul(PAGE).ok_or(ErrorKind::InvalidInput)?;
        let (read_write, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: a new mapping at a place that the kernel chooses; nobody's memory changes.
        let base = unsafe { mmap_anonymous(null_mut(), bytes, read_write, private) }?;
        Ok(Self {
            base: base.cast(),
            count,
        })
    }

    /// Writes a byte to each page.
    #[inline]
    pub fn touch(&mut self) {
        for page in 0..self.count {
            // SAFETY: the byte lies within the mapping, which is writable, is never unmapped, and is known to this value only.
            unsafe { self.base.wrapping_add(page * PAGE).write_volatile(1) };
        }
    }

    /// Gives the pages back, so that the next touch of each is a fault again.
    ///
    /// # Errors
    /// Those of `madvise`.
    pub fn drop_all(&mut self) -> Result<(), Error> {
        // SAFETY: the range is the mapping that this value alone knows, and no reference into it exists; its bytes become zero.
        unsafe { madvise(self.base.cast(), self.count * PAGE, Advice::LinuxDontNeed) }?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_end_with_their_status() {
        assert_eq!(wait(fork(|| 7).unwrap()).unwrap(), 7);
        let child = fork(|| {
            exec(c"/bin/sh", c"-c");
            9
        });
        // A shell with -c and no command: a status of its own, not that of a failed start.
        let status = wait(child.unwrap()).unwrap();
        assert!(status != 9 && status != 0, "{status}");
        let child = fork(|| {
            exec(c"/nowhere", c"");
            9
        });
        assert_eq!(wait(child.unwrap()).unwrap(), 9);
        for any in [0, usize::MAX, 1 << 31] {
            assert_eq!(wait(any).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn pages_can_be_dropped_and_touched_again() {
        let mut pages = Pages::new(3).unwrap();
        for _ in 0..2 {
            pages.touch();
            pages.drop_all().unwrap();
        }
        assert!(Pages::new(usize::MAX).is_err());
    }

    #[test]
    fn the_counter_goes_up() {
        let begin = ticks();
        assert!(ticks() > begin);
    }
}

//! Signals as a descriptor that can be polled, instead of handlers that interrupt anything.

use rustix::io::{Errno, read};
use std::ffi::c_int;
use std::io::Error;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// The C library's set of signals: 1024 bits, of which Linux uses the first 64.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Set([u64; 16]);

/// `SIG_BLOCK` and `SIG_SETMASK`.
const BLOCK: c_int = 0;
const SET: c_int = 2;
/// `SFD_NONBLOCK | SFD_CLOEXEC`.
const FLAGS: c_int = 0o4000 | 0o2_000_000;
/// Bytes of what is read for one signal; its number is in the first four.
const RECORD: usize = 128;

unsafe extern "C" {
    fn pthread_sigmask(how: c_int, set: *const Set, old: *mut Set) -> c_int;
    fn signalfd(descriptor: c_int, set: *const Set, flags: c_int) -> c_int;
}

/// Some signals, which wait to be read for as long as this lives. Afterwards what has not been read is delivered as usual.
///
/// It must be made before the process has other threads: a signal goes to any thread that does not hold it back. A child holds
/// back what its parent does, unless it was started with [`die_with_parent`](crate::die_with_parent).
#[derive(Debug)]
pub struct Signals {
    descriptor: OwnedFd,
    before: Set,
}

impl Signals {
    /// Holds back the signals with these numbers (1 to 64).
    ///
    /// # Errors
    /// Those of Linux; then nothing is held back.
    pub fn hold(numbers: &[u8]) -> Result<Self, Error> {
        let mut set = Set([0; 16]);
        for number in numbers.iter().filter(|number| (1..=64).contains(*number)) {
            set.0[0] |= 1 << (number - 1);
        }
        let mut before = Set([0; 16]);
        // SAFETY: both pointers are to whole sets of the size that the C libraries of Linux have, which live through the call.
        let failed = unsafe { pthread_sigmask(BLOCK, &raw const set, &raw mut before) };
        if failed != 0 {
            return Err(Error::from_raw_os_error(failed));
        }
        // SAFETY: the pointer is to a whole set, which lives through the call; -1 asks for a new descriptor.
        let descriptor = unsafe { signalfd(-1, &raw const set, FLAGS) };
        if descriptor < 0 {
            let error = Error::last_os_error();
            restore(&before);
            return Err(error);
        }
        // SAFETY: the descriptor is new and open, and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self { descriptor, before })
    }

    /// The next signal that came, if any; does not wait.
    pub fn next(&self) -> Option<u8> {
        let mut record = [0; RECORD];
        loop {
            match read(&self.descriptor, &mut record[..]) {
                Ok(RECORD) => return Some(record[0]),
                Err(Errno::INTR) => {}
                _ => return None,
            }
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        restore(&self.before);
    }
}

/// Lets this thread hold back no signal; may be called between fork and exec.
pub(crate) fn hold_none() {
    restore(&Set([0; 16]));
}

fn restore(before: &Set) {
    // SAFETY: the first pointer is to a whole set that lives through the call; the old set is not asked for. It cannot fail: the
    // operation is one that there is.
    unsafe { pthread_sigmask(SET, before, std::ptr::null_mut()) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_child_that_dies_with_its_parent_holds_none_back() {
        let signals = Signals::hold(&[15]).unwrap();
        assert_eq!(signals.next(), None);
        // The shell is started by this thread, which holds the signal back.
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill -TERM $$"]);
        assert!(
            shell.status().unwrap().success(),
            "held back as by its parent"
        );
        crate::die_with_parent(&mut shell);
        assert!(!shell.status().unwrap().success(), "ended by its signal");
    }
}

//! Processes that make any system call with any arguments: for programs that test the Linux personality. Linux itself is refused.

use crate::fork::fork;
use crate::ptrace::system_call;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use std::io::{Error, ErrorKind};
use std::ptr::with_exposed_provenance_mut;
use std::sync::atomic::{AtomicU64, Ordering};

const SYS_CLOSE: usize = 3;
const SYS_KILL: usize = 62;
const SYS_UNAME: usize = 63;
const SYS_SETPGID: usize = 109;
const SYS_PIPE2: usize = 293;
const SIGKILL: usize = 9;
const O_NONBLOCK: usize = 0o4000;
const PAGE: usize = 4096;
/// Where the counters lie: far from all other memory, so that a write that runs beyond that ends before them.
const PLACE: usize = 0x2000_0000_0000;
/// Attackers that have a counter of their own.
pub const COUNTERS: usize = PAGE / size_of::<AtomicU64>();
/// Bytes of what `uname` writes, and what it must contain.
const NAMES: usize = 6 * 65;
const OURS: &[u8] = b"sundog";

/// A number and six arguments.
pub type Call = (usize, [usize; 6]);

/// The right to make arbitrary calls, and a count of them that all processes share.
#[derive(Debug)]
pub struct Arena {
    counters: &'static [AtomicU64; COUNTERS],
}

impl Arena {
    /// One for this program, for as long as it lives.
    ///
    /// # Errors
    /// `Unsupported` if this is not the personality: arbitrary calls harm the files and processes of who runs them. Those of `mmap`.
    pub fn new() -> Result<Self, Error> {
        let mut names = [0_u8; NAMES];
        let place = names.as_mut_ptr().expose_provenance();
        // SAFETY: the call writes six fields of 65 bytes, and `names` is that long and alive.
        unsafe { system_call(SYS_UNAME, [place, 0, 0, 0, 0, 0]) }?;
        if !names.windows(OURS.len()).any(|part| part == OURS) {
            return Err(ErrorKind::Unsupported.into());
        }
        let counters = counters()?;
        Ok(Self { counters })
    }

    /// The counter with this index, modulo [`COUNTERS`].
    pub fn counter(&self, index: usize) -> &'static AtomicU64 {
        &self.counters[index % COUNTERS]
    }

    /// Forks an attacker that makes calls, and adds one to the counter before each, until the counter has come to `end`. Its calls
    /// can change the counter too. The parent's
    /// descriptors 0 to 2 are not the attacker's. The answer is its number.
    ///
    /// # Errors
    /// Those of `clone`.
    pub fn attack(
        &self,
        counter: usize,
        end: u64,
        mut next: impl FnMut() -> Call,
    ) -> Result<usize, Error> {
        let counter = self.counter(counter);
        fork(|| {
            // SAFETY: plain numbers; a group of its own keeps signals to the group away from the parent.
            let _ = unsafe { system_call(SYS_SETPGID, [0; 6]) };
            own_descriptors();
            while counter.load(Ordering::Relaxed) < end {
                counter.fetch_add(1, Ordering::Relaxed);
                let (number, arguments) = next();
                // SAFETY: whatever this breaks is memory of a process of which nothing is wanted but that it makes calls: no value of
                // the parent is in it, and what the parent shares with it is a page of atomic numbers that may have any value.
                let _ = unsafe { system_call(number, arguments) };
            }
            0
        })
    }

    /// Kills an attacker by its number, and its children's children as far as they stayed in its group.
    pub fn end(&self, attacker: usize) {
        // SAFETY: a signal that ends processes and does nothing to the memory of this one, which is not among them.
        let _ = unsafe { system_call(SYS_KILL, [attacker.wrapping_neg(), SIGKILL, 0, 0, 0, 0]) };
    }

    /// Kills all other processes that this one can name, also children's children.
    pub fn end_all(&self) {
        // SAFETY: a signal that ends processes and does nothing to the memory of this one, which is not among them.
        let _ = unsafe { system_call(SYS_KILL, [usize::MAX, SIGKILL, 0, 0, 0, 0]) };
    }
}

/// Makes the two ends of a pipe descriptors 0 and 1, and closes 2.
fn own_descriptors() {
    for descriptor in 0..3 {
        // SAFETY: the attacker's descriptors 0 to 2 belong to the standard streams, which it does not use.
        let _ = unsafe { system_call(SYS_CLOSE, [descriptor, 0, 0, 0, 0, 0]) };
    }
    let mut ends = [0_i32; 2];
    let place = ends.as_mut_ptr().expose_provenance();
    // SAFETY: the call writes two numbers of four bytes to `ends`, which is alive.
    let _ = unsafe { system_call(SYS_PIPE2, [place, O_NONBLOCK, 0, 0, 0, 0]) };
}

/// A page of counters that a child shares with its parent.
fn counters() -> Result<&'static [AtomicU64; COUNTERS], Error> {
    let (read_write, shared) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
    let hint = with_exposed_provenance_mut(PLACE);
    // SAFETY: a new mapping at a place that the kernel chooses, there if nothing is; nobody's memory changes.
    let base = unsafe { mmap_anonymous(hint, PAGE, read_write, shared) }?;
    // SAFETY: the page is whole, zeroed, writable, aligned and never unmapped; all that is ever made of it is this reference to
    // atomics, here and in children.
    Ok(unsafe { &*base.cast() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait;

    #[test]
    fn linux_itself_is_not_attacked() {
        assert_eq!(Arena::new().unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn children_count_for_their_parent() {
        // Made here without the question whether this is the personality; the call is a harmless one.
        let counters = counters().unwrap();
        let arena = Arena { counters };
        let child = arena.attack(3, 1000, || (39, [0; 6])).unwrap();
        assert_eq!(wait(child).unwrap(), 0);
        assert_eq!(arena.counter(3).load(Ordering::Relaxed), 1000);
        assert_eq!(arena.counter(4).load(Ordering::Relaxed), 0);
    }
}

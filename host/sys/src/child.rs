//! What a child process does between its fork and its program.

use crate::ptrace::system_call;
use crate::signals::hold_none;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::io::{Error, ErrorKind};
use std::os::unix::process::CommandExt;
use std::process::Command;

const SYS_CLOSE_RANGE: usize = 436;
/// Descriptors are closed when the program begins, not at once.
const CLOSE_RANGE_CLOEXEC: usize = 4;

/// Lets the kernel kill the command's process when the thread that starts it ends, however it ends. The process holds back no
/// signal, whatever that thread does.
///
/// The thread must therefore live as long as the process is wanted.
pub fn die_with_parent(command: &mut Command) {
    let parent = Pid::from_raw(std::process::id().cast_signed());
    let before_program = move || {
        hold_none();
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // A parent that ended before the call above sends no signal any more.
        if getppid() == parent {
            Ok(())
        } else {
            Err(Error::from(ErrorKind::BrokenPipe))
        }
    };
    // SAFETY: the closure runs in the forked child of a process that may have other threads, so it must be async-signal-safe and
    // leave the parent's memory alone. It sets the signal mask, which is async-signal-safe, and makes two system calls through
    // rustix, which takes no lock and allocates nothing;
    // an `Error` made of a number or of a kind is a plain value; and the only thing captured is a number, by value.
    unsafe { command.pre_exec(before_program) };
}

/// Lets the command's program begin with the standard streams and no other descriptor, whatever this process was given.
pub fn inherit_nothing(command: &mut Command) {
    let before_program = || {
        let range = [3, u32::MAX as usize, CLOSE_RANGE_CLOEXEC, 0, 0, 0];
        // SAFETY: numbers only. Until the program begins nothing is closed, so what the standard library holds stays open.
        unsafe { system_call(SYS_CLOSE_RANGE, range) }.map(drop)
    };
    // SAFETY: the closure runs in the forked child of a process that may have other threads. It makes one system call, and an `Error` made
    // of a number is a plain value; it captures nothing.
    unsafe { command.pre_exec(before_program) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;
    use std::sync::mpsc;
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn a_child_dies_with_the_thread_that_started_it() {
        let (send, receive) = mpsc::channel();
        let starter = thread::spawn(move || {
            let mut command = Command::new("sleep");
            command.arg("60").stdin(Stdio::null());
            die_with_parent(&mut command);
            send.send(command.spawn().unwrap()).unwrap();
        });
        let mut child = receive.recv().unwrap();
        starter.join().unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "the child outlives its parent");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_child_that_inherits_nothing_has_three_descriptors() {
        let leaked = rustix::io::dup(std::io::stderr()).unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&leaked);
        let mut command = Command::new("sh");
        // The shell opens nothing of its own for this.
        command.args(["-c", &format!("exec 2>/dev/null; : <&{number}")]);
        assert!(command.status().unwrap().success(), "as by mistake");
        inherit_nothing(&mut command);
        assert!(!command.status().unwrap().success());
    }

    #[test]
    fn an_ordinary_child_runs_to_its_end() {
        let mut command = Command::new("true");
        die_with_parent(&mut command);
        assert!(command.status().unwrap().success());
    }
}

//! What a child process does between its fork and its program.

use crate::signals::hold_none;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::io::{Error, ErrorKind};
use std::os::unix::process::CommandExt;
use std::process::Command;

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
    fn an_ordinary_child_runs_to_its_end() {
        let mut command = Command::new("true");
        die_with_parent(&mut command);
        assert!(command.status().unwrap().success());
    }
}

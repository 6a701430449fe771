//! A running QEMU: started in its own folder, waited for with a time limit, never left over.

#[cfg(test)]
pub mod test_kernel;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use crate::folder::Folder;
use crate::outcome::Outcome;
use crate::qemu::{Machine, PROGRAM, Port};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a look at a machine's text is put off.
const OFTEN: Duration = Duration::from_millis(20);

/// A machine that runs; it is killed when this is dropped, or when the thread that started it ends.
#[derive(Debug)]
pub struct Process {
    child: Child,
    handle: OwnedFd,
    said: PathBuf,
    kernel_text: PathBuf,
}

impl Process {
    /// Starts the machine; its logs go to `folder`, on whose sockets the caller already listens.
    pub fn start(machine: &Machine, folder: &Folder) -> Result<Self, Failure> {
        let said = folder.file("qemu.log");
        let errors = File::create(&said)
            .map_err(|error| Failure::system(format!("cannot write {}", said.display()), error))?;
        let mut command = Command::new(PROGRAM);
        command
            .args(machine.arguments(folder))
            .current_dir(folder.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            // Keys such as Ctrl-C at the caller's terminal are for the program, not for the emulator.
            .process_group(0);
        sundog_host_sys::die_with_parent(&mut command);
        let mut child = command
            .spawn()
            .map_err(|error| Failure::system(format!("cannot start {PROGRAM}"), error))?;
        match handle_of(&child) {
            Ok(handle) => Ok(Self {
                child,
                handle,
                said,
                kernel_text: Port::KernelText.log(folder),
            }),
            Err(error) => {
                end(&mut child);
                Err(Failure::system(format!("cannot watch {PROGRAM}"), error))
            }
        }
    }

    /// Waits for the machine's end; one that has not ended within `limit` is killed.
    pub fn wait(mut self, limit: Option<Duration>) -> Result<Outcome, Failure> {
        if !self.ends_within(limit)? {
            return Ok(Outcome::TimedOut(limit.unwrap_or_default()));
        }
        let status = self
            .child
            .wait()
            .map_err(|error| Failure::system(format!("cannot wait for {PROGRAM}"), error))?;
        Ok(Outcome::new(
            status,
            &Outcome::text(&self.kernel_text),
            &Outcome::text(&self.said),
        ))
    }

    /// Waits for the machine's end, or until `done`, which is asked often; the answer is then `None`, and the machine is ended.
    pub fn wait_unless(
        self,
        limit: Duration,
        done: &dyn Fn() -> bool,
    ) -> Result<Option<Outcome>, Failure> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if self.ends_within(Some(OFTEN))? {
                return self.wait(None).map(Some);
            }
            if done() {
                return Ok(None);
            }
        }
        Ok(Some(Outcome::TimedOut(limit)))
    }

    /// The process' number.
    #[cfg(test)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A descriptor that becomes readable when the machine has ended.
    pub fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// True as soon as the process has ended, false when `limit` is over.
    fn ends_within(&self, limit: Option<Duration>) -> Result<bool, Failure> {
        let end = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let left = left.map(|left| Timespec {
                tv_sec: left.as_secs().cast_signed(),
                tv_nsec: left.subsec_nanos().into(),
            });
            match poll(
                &mut [PollFd::new(&self.handle, PollFlags::IN)],
                left.as_ref(),
            ) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(error) => {
                    return Err(Failure::system(format!("cannot wait for {PROGRAM}"), error));
                }
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A descriptor that becomes readable when the child has ended.
fn handle_of(child: &Child) -> Result<OwnedFd, Errno> {
    let pid = Pid::from_raw(child.id().cast_signed()).ok_or(Errno::SRCH)?;
    pidfd_open(pid, PidfdFlags::empty())
}

/// Kills a child; both calls do nothing to one that has been waited for.
fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

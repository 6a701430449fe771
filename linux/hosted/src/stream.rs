//! A stream of the host as an open file of the sandbox: standard input, output and error that are no terminal.
use rustix::event::{PollFd, PollFlags};
use rustix::fd::BorrowedFd;
use rustix::io::Errno as HostErrno;
use std::io::{stderr, stdin, stdout};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use sundog_linux_vfs::{Errno, FileObject, Queue, Ready};
use sundog_protocols::file::{Attr, Kind};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Standard input.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// One of the host's standard streams.
pub struct Stream {
    /// Which.
    pub which: Which,
    /// Where programs wait for input.
    pub queue: Queue,
    /// A program waits for input.
    pub wanted: Arc<AtomicBool>,
}

impl Stream {
    fn with<R>(&self, f: impl FnOnce(BorrowedFd<'_>) -> R) -> R {
        match self.which {
            Which::Input => f(stdin().as_fd()),
            Which::Output => f(stdout().as_fd()),
            Which::Error => f(stderr().as_fd()),
        }
    }

    fn readable(&self) -> bool {
        self.which == Which::Input
            && self.with(|fd| {
                let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
                let zero = rustix::event::Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                };
                rustix::event::poll(&mut fds, Some(&zero)).is_ok_and(|count| count > 0)
            })
    }
}

fn errno(error: HostErrno) -> Errno {
    Errno::from_number(error.raw_os_error() as u32)
}

impl FileObject for Stream {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Errno> {
        if self.which != Which::Input {
            return Err(Errno::EBADF);
        }
        if !self.readable() {
            self.wanted.store(true, Ordering::Relaxed);
            return Err(Errno::EAGAIN);
        }
        self.with(|fd| rustix::io::read(fd, into)).map_err(errno)
    }

    fn write(&mut self, from: &[u8]) -> Result<usize, Errno> {
        self.with(|fd| rustix::io::write(fd, from)).map_err(errno)
    }

    fn ready(&self) -> Ready {
        let readable = self.readable();
        if self.which == Which::Input && !readable {
            self.wanted.store(true, Ordering::Relaxed);
        }
        Ready::OUT
            .when(self.which != Which::Input)
            .with(Ready::IN.when(readable))
    }

    fn queue(&self) -> Queue {
        self.queue
    }

    fn attr(&self) -> Attr {
        Attr::new(Kind::Fifo, 0o600, self.queue.0)
    }

    fn name(&self) -> Vec<u8> {
        format!("pipe:[{}]", self.queue.0).into_bytes()
    }
}

//! The sandbox' standard streams: its console if the caller has a terminal, else the caller's own streams.
use crate::stream::{Stream, Which};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{Write, stdin, stdout};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use sundog_linux_vfs::constants::{AT_FDCWD, O_RDONLY, O_RDWR, O_WRONLY};
use sundog_linux_vfs::{Context, Errno, Queue, Vfs};

/// The caller's side of the standard streams.
pub struct Console {
    /// The terminal's settings to go back to, if there is a terminal.
    saved: Option<Termios>,
    queue: Option<Queue>,
    wanted: Arc<AtomicBool>,
    /// Bytes that were typed and not taken yet.
    typed: Vec<u8>,
    ended: bool,
}

impl Console {
    /// Takes the terminal over, if standard input and output are one.
    pub fn new() -> Self {
        let terminal = isatty(stdin()) && isatty(stdout());
        let saved = terminal.then(|| tcgetattr(stdin()).ok()).flatten();
        if let Some(settings) = &saved {
            let mut raw = settings.clone();
            raw.make_raw();
            // Without raw mode the terminal is only less pleasant.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &raw);
        }
        Self {
            saved,
            queue: None,
            wanted: Arc::default(),
            typed: Vec::new(),
            ended: false,
        }
    }

    /// Gives the first process its descriptors 0, 1 and 2.
    pub fn open(&mut self, vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Errno> {
        if self.saved.is_some() {
            let (rows, columns) =
                tcgetwinsize(stdin()).map_or((24, 80), |size| (size.ws_row, size.ws_col));
            vfs.add_console(rows, columns)?;
            let fd = vfs
                .openat(context, AT_FDCWD, b"/dev/console", O_RDWR, 0)
                .map_err(|_| Errno::EIO)?;
            vfs.dup(context, fd)?;
            vfs.dup(context, fd)?;
            return Ok(());
        }
        let queue = vfs.new_queue();
        self.queue = Some(queue);
        for (which, flags) in [
            (Which::Input, O_RDONLY),
            (Which::Output, O_WRONLY),
            (Which::Error, O_WRONLY),
        ] {
            let stream = Stream {
                which,
                queue,
                wanted: self.wanted.clone(),
            };
            vfs.install_object(context, Box::new(stream), flags)?;
        }
        Ok(())
    }

    /// Shows what the console has to show.
    pub fn show(&mut self, vfs: &mut Vfs) {
        if self.saved.is_none() {
            return;
        }
        let bytes = vfs.console_output();
        if !bytes.is_empty() {
            let mut out = stdout().lock();
            // A terminal that is gone shows nothing any more; its hang-up ends the programs.
            let _ = out.write_all(&bytes).and_then(|()| out.flush());
        }
    }

    /// Looks for input, waiting at most so many nanoseconds (`None`: for ever).
    pub fn look(&mut self, vfs: &mut Vfs, wait: Option<u64>) {
        let wants = if self.saved.is_some() {
            !self.ended && self.typed.len() < 4096
        } else {
            self.wanted.load(Ordering::Relaxed)
        };
        if !wants && wait == Some(0) {
            return self.feed(vfs);
        }
        let input = stdin();
        let mut fds = [PollFd::from_borrowed_fd(input.as_fd(), PollFlags::IN)];
        let fds = if wants { &mut fds[..] } else { &mut fds[..0] };
        let time = wait.map(|wait| Timespec {
            tv_sec: (wait / 1_000_000_000) as i64,
            tv_nsec: (wait % 1_000_000_000) as _,
        });
        if rustix::event::poll(fds, time.as_ref()).is_ok_and(|count| count > 0) {
            self.arrived(vfs);
        }
        self.feed(vfs);
    }

    fn arrived(&mut self, vfs: &mut Vfs) {
        if let Some(queue) = self.queue {
            self.wanted.store(false, Ordering::Relaxed);
            vfs.wake(queue);
            return;
        }
        let mut bytes = [0; 4096];
        match rustix::io::read(stdin(), &mut bytes) {
            Ok(0) | Err(_) => {
                self.ended = true;
                vfs.console_hang_up();
            }
            Ok(count) => self.typed.extend(&bytes[..count]),
        }
    }

    fn feed(&mut self, vfs: &mut Vfs) {
        if !self.typed.is_empty() {
            let taken = vfs.console_input(&self.typed);
            self.typed.drain(..taken);
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if let Some(saved) = &self.saved {
            // The best that can be done at the end.
            let _ = tcsetattr(stdin(), OptionalActions::Now, saved);
        }
    }
}

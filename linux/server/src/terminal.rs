//! The sandbox's terminal: its console device at one end, a line of bytes at the other.

use crate::line::{Line, Wake};
use alloc::format;
use alloc::vec::Vec;
use sundog_linux_vfs::constants::{AT_FDCWD, O_RDWR};
use sundog_linux_vfs::{Context, Errno, Vfs};
use sundog_protocols::control::Stream;
use sundog_protocols::pieces;
use sundog_rt::ring::Memory;

/// Lines and columns as long as nobody says others.
pub const SIZE: (u16, u16) = (24, 80);
/// Bytes that are kept for programs that do not read; more stay in the ring.
const TYPED: usize = 4096;

/// The terminal.
pub struct Terminal<M, W> {
    line: Line<M, W>,
    /// What goes over the line stands in pieces, and this is the stream of the terminal's own.
    pieces: Option<Stream>,
    /// Bytes that arrived and that the console has not taken.
    typed: Vec<u8>,
    /// The line had no more when it was read last.
    dry: bool,
    hung_up: bool,
}

impl<M: Memory, W: Wake> Terminal<M, W> {
    /// A terminal at the end of a line.
    pub fn new(line: Line<M, W>) -> Terminal<M, W> {
        Terminal {
            line,
            pieces: None,
            typed: Vec::new(),
            dry: false,
            hung_up: false,
        }
    }

    /// Whether what goes over the line stands in pieces, the terminal's own as bytes of that stream.
    pub fn in_pieces(&mut self, terminal: Option<Stream>) {
        self.pieces = terminal;
    }

    /// Gives the first process its descriptors 0, 1 and 2.
    ///
    /// # Errors
    /// Those of opening /dev/console.
    pub fn open(&self, vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Errno> {
        vfs.add_console(SIZE.0, SIZE.1)?;
        let descriptor = vfs
            .openat(context, AT_FDCWD, b"/dev/console", O_RDWR, 0)
            .map_err(|_| Errno::EIO)?;
        vfs.dup(context, descriptor)?;
        vfs.dup(context, descriptor)?;
        Ok(())
    }

    /// Moves what can be moved, in both directions. Programs that write faster than the line takes it wait at the console.
    /// Whether the console changed by it, so that somebody may have to be woken.
    pub fn work(&mut self, vfs: &mut Vfs) -> bool {
        self.exchange(vfs, |vfs, bytes| vfs.console_input(bytes))
    }

    /// As [`Terminal::work`], but what arrives goes to `input`, which says how much it took.
    pub fn exchange(
        &mut self,
        vfs: &mut Vfs,
        input: impl FnOnce(&mut Vfs, &[u8]) -> usize,
    ) -> bool {
        let mut changed = false;
        if self.line.flush() {
            let bytes = vfs.console_output();
            if !bytes.is_empty() {
                changed = true;
                self.show(&bytes);
            }
        }
        while self.typed.len() < TYPED {
            let mut bytes = [0; 512];
            let count = self.line.read(&mut bytes);
            self.dry = count == 0;
            if count == 0 {
                break;
            }
            self.typed.extend_from_slice(&bytes[..count]);
        }
        if !self.typed.is_empty() {
            let taken = input(vfs, &self.typed);
            self.typed.drain(..taken);
            changed |= taken > 0;
        }
        if self.line.is_closed() && !self.hung_up {
            self.hung_up = true;
            vfs.console_hang_up();
            changed = true;
        }
        changed
    }

    /// Whether all that arrived was taken.
    pub fn is_dry(&self) -> bool {
        self.dry && self.typed.is_empty()
    }

    /// Throws away what has arrived and was not taken.
    pub fn discard_input(&mut self) {
        self.typed.clear();
        let mut bytes = [0; 512];
        while self.line.read(&mut bytes) > 0 {}
    }

    /// Takes bytes as if they had arrived.
    pub fn typed(&mut self, bytes: &[u8]) {
        self.typed.extend_from_slice(bytes);
    }

    /// Sends what waits, as far as there is room. Whether nothing waits any more.
    pub fn is_free(&mut self) -> bool {
        self.line.flush()
    }

    /// Bytes of output for which the line had no room yet.
    pub fn waiting(&self) -> usize {
        self.line.waiting()
    }

    /// Says that the personality will wait for its notification, for input too if it is `wanted`. `false`: there is something to
    /// do already.
    pub fn sleep(&mut self, wanted: bool) -> bool {
        self.line.sleep(wanted && self.typed.len() < TYPED)
    }

    /// Sends a line of the personality's own.
    pub fn say(&mut self, text: &str) {
        self.show(format!("{text}\r\n").as_bytes());
    }

    /// Sends bytes of a stream beside the terminal.
    pub fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let mut line = Vec::with_capacity(pieces::HEAD + bytes.len());
        pieces::put(stream, bytes, &mut line);
        self.line.write(&line);
    }

    fn show(&mut self, bytes: &[u8]) {
        match self.pieces {
            Some(stream) => self.write(stream, bytes),
            None => self.line.write(bytes),
        }
    }

    /// Sends what still waits. `true`: all has gone; else the personality is to wait for its notification.
    pub fn finish(&mut self) -> bool {
        self.line.flush() && !self.line.sleep_until_sent()
    }
}

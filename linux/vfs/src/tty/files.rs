//! Terminals behind descriptors: opening, reading, writing, closing; and the console's other side.

use super::discipline::ReadResult;
use super::terminal::{Side, Terminal};
use super::termios::TOSTOP;
use crate::constants::{AT_FDCWD, O_ACCMODE, O_NOCTTY, O_NONBLOCK, O_RDWR};
use crate::context::{Context, FileId};
use crate::devices::CONSOLE;
use crate::errno::Errno;
use crate::file::{Object, ObjectId};
use crate::mounts::Place;
use crate::outcome::{Attempt, Event, Stop};
use crate::vfs::Vfs;
use alloc::vec::Vec;
use sundog_protocols::file::Kind;

/// Nanoseconds of VTIME's unit.
const TENTH: u64 = 100_000_000;

impl Vfs {
    /// Makes the console, of this many rows and columns. There is one; a second call changes its size only.
    pub fn add_console(&mut self, rows: u16, columns: u16) -> Result<(), Errno> {
        if self.console.is_none() {
            let (queue, master_queue) = (self.new_queue(), self.new_queue());
            let terminal = Terminal::new(Side::Console, queue, master_queue);
            self.console = Some(self.terminals.insert(terminal).map_err(|_| Errno::ENOMEM)?);
        }
        self.console_resize(rows, columns);
        Ok(())
    }

    /// Opens the console as the caller's lowest free descriptor, by its name or, where that leads to nothing or to something else,
    /// without one. `ENXIO` if there is none.
    pub fn open_console(&mut self, cx: &Context<'_>) -> Result<i32, Errno> {
        const NAME: &[u8] = b"/dev/console";
        let console = self.console.ok_or(Errno::ENXIO)?;
        let named = self.find_place(cx, AT_FDCWD, NAME, true).ok();
        let named = named.filter(|place| {
            let attr = self.attr(cx, *place);
            let is_it =
                attr.is_ok_and(|attr| attr.kind == Kind::CharDevice && attr.device == CONSOLE);
            is_it && self.mounts.flags(place.mount).devices
        });
        let file = self.open_terminal(cx, console, named, O_RDWR)?;
        if named.is_none() {
            self.file_mut(file)?.label = NAME.to_vec();
        }
        self.install(cx, file, false, 0)
    }

    /// Bytes were typed at the console. Returns how many were taken; the rest has to wait until programs read
    /// (a wake of any queue is a good time to try again).
    pub fn console_input(&mut self, bytes: &[u8]) -> usize {
        match self.console {
            Some(id) => self.typed(id, bytes),
            None => bytes.len(),
        }
    }

    /// Throws away what was typed at the console and not read.
    pub fn console_discard_input(&mut self) {
        if let Some(tty) = self.console.and_then(|id| self.terminals.get_mut(id)) {
            tty.discipline.flush_input();
        }
    }

    /// Takes what the console's screen is to show.
    pub fn console_output(&mut self) -> Vec<u8> {
        let Some(tty) = self.console.and_then(|id| self.terminals.get_mut(id)) else {
            return Vec::new();
        };
        if tty.discipline.stopped || tty.discipline.output.bytes.is_empty() {
            return Vec::new();
        }
        let bytes = core::mem::take(&mut tty.discipline.output.bytes).into();
        let queue = tty.queue;
        self.wake(queue);
        bytes
    }

    /// The console's window has another size: the foreground group gets SIGWINCH.
    pub fn console_resize(&mut self, rows: u16, columns: u16) {
        let Some(tty) = self.console.and_then(|id| self.terminals.get_mut(id)) else {
            return;
        };
        let event = tty.resize([rows, columns, 0, 0]);
        self.events.extend(event);
    }

    /// The console's other side is gone: reads find the end, the session's leader gets SIGHUP.
    pub fn console_hang_up(&mut self) {
        if let Some(id) = self.console {
            self.hang_up(id);
        }
    }

    pub(crate) fn typed(&mut self, id: ObjectId, bytes: &[u8]) -> usize {
        let Some(tty) = self.terminals.get_mut(id) else {
            return bytes.len();
        };
        let (count, signals) = match tty.raw {
            true => (tty.discipline.receive_raw(bytes), Vec::new()),
            false => tty.discipline.receive(bytes),
        };
        let events: Vec<Event> = signals
            .into_iter()
            .filter_map(|signal| tty.to_foreground(signal))
            .collect();
        let queue = tty.queue;
        self.events.extend(events);
        self.wake(queue);
        self.output_made(id);
        count
    }

    /// Tells the other side that there is output.
    pub(super) fn output_made(&mut self, id: ObjectId) {
        let Some(tty) = self.terminals.get(id) else {
            return;
        };
        if tty.discipline.output.bytes.is_empty() || tty.discipline.stopped {
            return;
        }
        match tty.side {
            Side::Console if !self.events.contains(&Event::ConsoleOutput) => {
                self.events.push_back(Event::ConsoleOutput)
            }
            Side::Console => {}
            Side::Pty(_) => {
                let queue = tty.master_queue;
                self.wake(queue);
            }
        }
    }

    /// Opens a terminal. `EIO` if its other side is gone or it is locked, `EBUSY` if it is exclusive.
    pub(crate) fn open_terminal(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        place: impl Into<Option<Place>>,
        flags: u32,
    ) -> Result<FileId, Errno> {
        let tty = self.terminal(id)?;
        if tty.hung_up || tty.locked {
            return Err(Errno::EIO);
        }
        if tty.exclusive && !cx.creds.overrides {
            return Err(Errno::EBUSY);
        }
        tty.opens += 1;
        tty.used = true;
        let queue = tty.master_queue;
        self.wake(queue);
        if flags & O_NOCTTY == 0 {
            self.acquire_on_open(cx, id);
        }
        self.add_file(
            Object::Terminal(id),
            flags & (O_ACCMODE | O_NONBLOCK),
            place.into(),
        )
    }

    pub(crate) fn close_terminal(&mut self, id: ObjectId) {
        let Some(tty) = self.terminals.get_mut(id) else {
            return;
        };
        tty.opens = tty.opens.saturating_sub(1);
        if tty.opens > 0 {
            return;
        }
        tty.exclusive = false;
        let (side, hung_up, queue) = (tty.side, tty.hung_up, tty.master_queue);
        if matches!(side, Side::Pty(_)) && hung_up {
            self.terminals.remove(id);
        } else {
            self.wake(queue);
        }
    }

    pub(crate) fn read_terminal(
        &mut self,
        cx: &Context<'_>,
        id: FileId,
        tty: ObjectId,
        into: &mut [u8],
    ) -> Attempt<usize> {
        if self.terminal(tty)?.hung_up {
            return Ok(0);
        }
        self.check_read(cx, tty)?;
        let nonblocking = self.file(id)?.nonblocking();
        let terminal = self.terminal(tty)?;
        let (queue, master_queue) = (terminal.queue, terminal.master_queue);
        match terminal.discipline.read(into, cx.timed_out) {
            ReadResult::Bytes(count) => {
                self.wake(master_queue);
                Ok(count)
            }
            waits => {
                terminal.wanted.set(true);
                match waits {
                    _ if nonblocking => Err(Errno::EAGAIN.into()),
                    ReadResult::WaitFor(tenths) => {
                        Err(Stop::BlockFor(queue, u64::from(tenths) * TENTH))
                    }
                    _ => Err(Stop::Block(queue)),
                }
            }
        }
    }

    pub(crate) fn write_terminal(
        &mut self,
        cx: &Context<'_>,
        id: FileId,
        tty: ObjectId,
        from: &[u8],
    ) -> Attempt<usize> {
        let terminal = self.terminal(tty)?;
        if terminal.hung_up {
            return Err(Errno::EIO.into());
        }
        if terminal.discipline.settings.local(TOSTOP) {
            self.check_change(cx, tty)?;
        }
        let terminal = self.terminal(tty)?;
        let settings = terminal.discipline.settings;
        let count = terminal.discipline.output.write(&settings, from);
        let queue = terminal.queue;
        if count == 0 && !from.is_empty() {
            return self.or_wait(id, Err(Errno::EAGAIN), queue);
        }
        self.output_made(tty);
        Ok(count)
    }
}

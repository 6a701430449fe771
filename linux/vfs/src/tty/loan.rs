//! A terminal that is lent: somebody with a line discipline of his own gets the keys as they are typed, as long as his group is in the
//! foreground, and shows bytes as they are.
//!
//! The terminal's own settings stay as they were, so there is nothing to restore when the borrower ends, stops or is put aside.

use super::output::OUTPUT_LIMIT;
use super::termios::TOSTOP;
use crate::context::{Context, FileId};
use crate::errno::Errno;
use crate::file::{Object, ObjectId};
use crate::outcome::{Attempt, Stop};
use crate::vfs::Vfs;
use alloc::vec::Vec;

/// Standard input, output and error.
const STREAMS: [i32; 3] = [0, 1, 2];

/// A borrower.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loan {
    /// The process.
    pub pid: u32,
    /// Its group, which must be in the foreground.
    pub group: u32,
}

/// The terminal among a process' standard streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Screen {
    /// Which of the streams lead to it: bit 0 is standard input.
    pub streams: u8,
    /// Its size.
    pub rows: u16,
    /// The same.
    pub columns: u16,
}

impl Vfs {
    fn terminal_at(&self, cx: &Context<'_>, fd: i32) -> Option<(ObjectId, FileId)> {
        let id = self.descriptor(cx, fd).ok()?;
        match self.file(id).ok()?.object {
            Object::Terminal(terminal) => Some((terminal, id)),
            _ => None,
        }
    }

    /// The caller's terminal, and by which of its standard streams it is reached.
    fn own_terminal(
        &self,
        cx: &Context<'_>,
    ) -> Result<(ObjectId, impl Iterator<Item = (i32, FileId)> + use<>), Errno> {
        let found = STREAMS.map(|fd| self.terminal_at(cx, fd).map(|found| (fd, found)));
        let first = found.into_iter().flatten().next();
        let (_, (terminal, _)) = first.ok_or(Errno::ENOTTY)?;
        let same = found.into_iter().flatten();
        let same = same.filter(move |(_, (other, _))| *other == terminal);
        Ok((terminal, same.map(|(fd, (_, file))| (fd, file))))
    }

    /// The terminal among the caller's standard streams: the one that the first of them leads to which leads to any.
    pub fn screen(&mut self, cx: &Context<'_>) -> Option<Screen> {
        let (id, files) = self.own_terminal(cx).ok()?;
        let streams = files.fold(0, |bits, (fd, _)| bits | 1 << fd);
        let [rows, columns, ..] = self.terminal(id).ok()?.size;
        Some(Screen {
            streams,
            rows,
            columns,
        })
    }

    /// Keys of the terminal among the caller's standard streams, as they were typed; none when it has hung up. With the first call the
    /// terminal is lent to the caller, as a read would let it; from then on a caller in the background waits for the foreground.
    /// `ENOTTY` without a terminal, `EBADF` if no stream can read it.
    pub fn keys(&mut self, cx: &Context<'_>, into: &mut [u8]) -> Attempt<usize> {
        let (id, mut files) = self.own_terminal(cx)?;
        if !files.any(|(_, file)| self.file(file).is_ok_and(|file| file.can_read())) {
            return Err(Errno::EBADF.into());
        }
        let (pid, group) = (cx.job.pid, cx.job.group);
        if self.terminal(id)?.hung_up {
            return Ok(0);
        }
        if !self.terminal(id)?.lent.iter().any(|loan| loan.pid == pid) {
            self.check_read(cx, id)?;
            self.terminal(id)?.lent.push(Loan { pid, group });
            self.settle(id);
        }
        let terminal = self.terminal(id)?;
        let (queue, master_queue) = (terminal.queue, terminal.master_queue);
        if terminal.foreground.is_some_and(|other| other != group) {
            return Err(Stop::Block(queue));
        }
        match terminal.discipline.take_raw(into) {
            0 => {
                // A sandbox around this one has them.
                terminal.wanted.set(true);
                Err(Stop::Block(queue))
            }
            count => {
                self.wake(master_queue);
                Ok(count)
            }
        }
    }

    /// Shows bytes on the terminal among the caller's standard streams, as they are. `ENOTTY` without a terminal, `EBADF` if no stream
    /// can write to it, `EIO` when it has hung up.
    pub fn show(&mut self, cx: &Context<'_>, from: &[u8]) -> Attempt<usize> {
        let (id, mut files) = self.own_terminal(cx)?;
        if !files.any(|(_, file)| self.file(file).is_ok_and(|file| file.can_write())) {
            return Err(Errno::EBADF.into());
        }
        let terminal = self.terminal(id)?;
        if terminal.hung_up {
            return Err(Errno::EIO.into());
        }
        if terminal.discipline.settings.local(TOSTOP) {
            self.check_change(cx, id)?;
        }
        let terminal = self.terminal(id)?;
        let queue = terminal.queue;
        let bytes = &mut terminal.discipline.output.bytes;
        let count = from.len().min(OUTPUT_LIMIT.saturating_sub(bytes.len()));
        if count == 0 && !from.is_empty() {
            return Err(Stop::Block(queue));
        }
        bytes.extend(&from[..count]);
        self.output_made(id);
        Ok(count)
    }

    /// Takes back what was lent to a process.
    pub fn end_loans(&mut self, pid: u32) {
        let lent = self.terminals.iter();
        let lent = lent.filter(|(_, tty)| tty.lent.iter().any(|loan| loan.pid == pid));
        let ids: Vec<ObjectId> = lent.map(|(id, _)| id).collect();
        for id in ids {
            if let Some(tty) = self.terminals.get_mut(id) {
                tty.lent.retain(|loan| loan.pid != pid);
            }
            self.settle(id);
        }
    }

    /// Somebody came to the foreground, or a loan began or ended. What was typed for a borrower and not taken is typed anew.
    pub(super) fn settle(&mut self, id: ObjectId) {
        let Some(tty) = self.terminals.get_mut(id) else {
            return;
        };
        let foreground = tty.foreground;
        let mut lent = tty.lent.iter();
        let raw = lent.any(|loan| foreground.is_none_or(|group| group == loan.group));
        let queue = tty.queue;
        if core::mem::replace(&mut tty.raw, raw) != raw {
            if raw {
                tty.discipline.stopped = false;
                self.output_made(id);
            } else {
                let left = tty.discipline.take_all();
                self.typed(id, &left);
            }
        }
        self.wake(queue);
    }

    /// Whether a program waits for keys of the console, or asked whether there are any, since this was asked last.
    pub fn console_wanted(&mut self) -> bool {
        let console = self.console.and_then(|id| self.terminals.get(id));
        console.is_some_and(|tty| tty.wanted.take())
    }
}

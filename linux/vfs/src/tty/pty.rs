//! Pseudo-terminals: /dev/ptmx and the names in /dev/pts.

use super::terminal::{Side, Terminal};
use crate::constants::{O_ACCMODE, O_NOCTTY, O_NONBLOCK, signal};
use crate::context::{Context, FileId};
use crate::devices::PTS_MAJOR;
use crate::errno::Errno;
use crate::file::{Object, ObjectId};
use crate::mounts::Place;
use crate::outcome::{Attempt, Event, Target};
use crate::vfs::Vfs;
use alloc::format;
use alloc::vec::Vec;
use sundog_protocols::file::{Kind, Owner, device};

/// Most ptys at a time.
const MAX_PTYS: u32 = 1024;

impl Vfs {
    /// The terminal with this number in /dev/pts.
    pub(crate) fn slave(&self, index: u32) -> Option<ObjectId> {
        self.terminals
            .iter()
            .find(|(_, tty)| tty.side == Side::Pty(index) && !tty.hung_up)
            .map(|(id, _)| id)
    }

    /// Opens /dev/ptmx: a new pty whose slave is locked. `ENOSPC` if there are too many.
    pub(crate) fn open_master(
        &mut self,
        cx: &Context<'_>,
        place: Place,
        flags: u32,
    ) -> Result<FileId, Errno> {
        let taken: Vec<u32> = self
            .terminals
            .iter()
            .filter_map(|(_, tty)| {
                if let Side::Pty(index) = tty.side {
                    Some(index)
                } else {
                    None
                }
            })
            .collect();
        let index = (0..MAX_PTYS)
            .find(|index| !taken.contains(index))
            .ok_or(Errno::ENOSPC)?;
        let (_, server, folder) = self.pts_folder()?;
        let owner = Owner {
            uid: cx.creds.uid,
            gid: cx.creds.gid,
        };
        let name = format!("{index}");
        let number = device(PTS_MAJOR, index);
        let files = self.server(server)?;
        let node = files.mknod(
            folder,
            name.as_bytes(),
            Kind::CharDevice,
            0o620,
            number,
            owner,
        )?;
        files.clunk(node.handle);
        let (queue, master_queue) = (self.new_queue(), self.new_queue());
        let terminal = Terminal::new(Side::Pty(index), queue, master_queue);
        let id = self.terminals.insert(terminal).map_err(|_| Errno::ENOSPC)?;
        self.add_file(
            Object::Master(id),
            flags & (O_ACCMODE | O_NONBLOCK),
            Some(place),
        )
    }

    /// `TIOCGPTPEER`: opens the slave without its name.
    pub(crate) fn open_peer(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        flags: u32,
    ) -> Result<FileId, Errno> {
        let Side::Pty(index) = self.terminal(id)?.side else {
            return Err(Errno::ENOTTY);
        };
        let (pts, _, _) = self.pts_folder()?;
        let place = self.child_of(pts, format!("{index}").as_bytes())?;
        self.open_terminal(cx, id, place, flags | O_NOCTTY)
    }

    pub(crate) fn read_master(
        &mut self,
        id: FileId,
        tty: ObjectId,
        into: &mut [u8],
    ) -> Attempt<usize> {
        let terminal = self.terminal(tty)?;
        let (queue, master_queue) = (terminal.queue, terminal.master_queue);
        let stopped = terminal.discipline.stopped;
        let bytes = &mut terminal.discipline.output.bytes;
        let count = if stopped {
            0
        } else {
            crate::bytes::take(bytes, into)
        };
        if count > 0 || into.is_empty() {
            self.wake(queue);
            return Ok(count);
        }
        if terminal.used && terminal.opens == 0 {
            return Err(Errno::EIO.into());
        }
        self.or_wait(id, Err(Errno::EAGAIN), master_queue)
    }

    pub(crate) fn write_master(
        &mut self,
        id: FileId,
        tty: ObjectId,
        from: &[u8],
    ) -> Attempt<usize> {
        let master_queue = self.terminal(tty)?.master_queue;
        match self.typed(tty, from) {
            0 if !from.is_empty() => self.or_wait(id, Err(Errno::EAGAIN), master_queue),
            count => Ok(count),
        }
    }

    pub(crate) fn close_master(&mut self, id: ObjectId) {
        let Some(tty) = self.terminals.get(id) else {
            return;
        };
        let (side, opens) = (tty.side, tty.opens);
        if let (Side::Pty(index), Ok((pts, server, folder))) = (side, self.pts_folder()) {
            let name = format!("{index}");
            if let Ok(files) = self.server(server) {
                // A program that removed the name itself has done this already.
                let _ = files.unlink(folder, name.as_bytes(), false);
            }
            if let Some(known) = self.dentries.child(pts.dentry, name.as_bytes()) {
                let forgotten = self.dentries.delete(known);
                self.forget(forgotten);
            }
        }
        self.hang_up(id);
        if opens == 0 {
            self.terminals.remove(id);
        }
    }

    /// The other side of a terminal is gone.
    pub(crate) fn hang_up(&mut self, id: ObjectId) {
        let Some(tty) = self.terminals.get_mut(id) else {
            return;
        };
        tty.hung_up = true;
        tty.discipline.flush_input();
        tty.foreground = None;
        let (session, queue) = (tty.session.take(), tty.queue);
        if let Some(leader) = session {
            for signal in [signal::HUP, signal::CONT] {
                self.events.push_back(Event::Signal {
                    to: Target::Process(leader),
                    signal,
                });
            }
        }
        self.wake(queue);
    }
}

//! ioctl: requests to terminals, and the few that every descriptor understands.

use super::terminal::Side;
use super::termios::{TERMIOS_SIZE, TERMIOS2_SIZE, VSTART, VSTOP};
use crate::constants::{O_ASYNC, O_CLOEXEC, O_NONBLOCK};
use crate::context::{Context, FileId, UserMemory};
use crate::errno::Errno;
use crate::file::{Object, ObjectId};
use crate::outcome::Attempt;
use crate::vfs::Vfs;
use linux_raw_sys::{general, ioctl};

/// How to put new settings in force.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Now,
    /// Forget what was typed.
    Flush,
}

fn put_u32(memory: &mut dyn UserMemory, address: u64, value: u32) -> Attempt<u64> {
    memory.write(address, &value.to_le_bytes())?;
    Ok(0)
}

fn get_u32(memory: &mut dyn UserMemory, address: u64) -> Result<u32, Errno> {
    let mut bytes = [0; 4];
    memory.read(address, &mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

impl Vfs {
    /// Requests to whatever a descriptor is. `ENOTTY` for those it does not know.
    pub fn ioctl(
        &mut self,
        cx: &Context<'_>,
        fd: i32,
        request: u32,
        argument: u64,
        memory: &mut dyn UserMemory,
    ) -> Attempt<u64> {
        let id = self.data_descriptor(cx, fd)?;
        match request {
            ioctl::FIONBIO | ioctl::FIOASYNC => {
                let bit = if request == ioctl::FIONBIO {
                    O_NONBLOCK
                } else {
                    O_ASYNC
                };
                let on = get_u32(memory, argument)? != 0;
                let file = self.file_mut(id)?;
                file.flags = if on {
                    file.flags | bit
                } else {
                    file.flags & !bit
                };
                return Ok(0);
            }
            ioctl::FIOCLEX | ioctl::FIONCLEX => {
                let mark = u64::from(request == ioctl::FIOCLEX);
                return self.fcntl(cx, fd, general::F_SETFD, mark, memory);
            }
            ioctl::TIOCLINUX => return Err(Errno::EPERM.into()),
            ioctl::TIOCSTI => return Err(Errno::EIO.into()),
            _ => {}
        }
        match &mut self.file_mut(id)?.object {
            Object::Other(object) => object.ioctl(request, argument, memory),
            &mut Object::Terminal(tty) => self.terminal_ioctl(cx, tty, request, argument, memory),
            &mut Object::Master(tty) => match request {
                ioctl::FIONREAD => {
                    let pending = self.terminal(tty)?.discipline.output.bytes.len();
                    put_u32(memory, argument, pending as u32)
                }
                _ => self.master_ioctl(cx, tty, request, argument, memory),
            },
            _ if request == ioctl::FIONREAD => {
                let pending = self.pending(id)?;
                put_u32(memory, argument, pending)
            }
            _ => Err(Errno::ENOTTY.into()),
        }
    }

    /// Bytes that could be read at once. `ENOTTY` where that is not known.
    fn pending(&mut self, id: FileId) -> Result<u32, Errno> {
        let file = self.file(id)?;
        let offset = file.offset;
        Ok(match file.object {
            Object::Pipe(pipe) => self.pipes.get(pipe).map_or(0, |pipe| pipe.pending()) as u32,
            Object::Socket(end) => self.socket_pending(end) as u32,
            Object::File { server, handle } => {
                let size = self.server(server)?.getattr(handle)?.size;
                u32::try_from(size.saturating_sub(offset)).unwrap_or(i32::MAX as u32)
            }
            _ => return Err(Errno::ENOTTY),
        })
    }

    fn master_ioctl(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        request: u32,
        argument: u64,
        memory: &mut dyn UserMemory,
    ) -> Attempt<u64> {
        let Side::Pty(index) = self.terminal(id)?.side else {
            return Err(Errno::ENOTTY.into());
        };
        match request {
            ioctl::TIOCGPTN => put_u32(memory, argument, index),
            ioctl::TIOCSPTLCK => {
                let lock = get_u32(memory, argument)? != 0;
                self.terminal(id)?.locked = lock;
                Ok(0)
            }
            ioctl::TIOCGPTLCK => {
                let locked = self.terminal(id)?.locked;
                put_u32(memory, argument, u32::from(locked))
            }
            ioctl::TIOCGPTPEER => {
                let flags = argument as u32;
                let file = self.open_peer(cx, id, flags)?;
                Ok(self.install(cx, file, flags & O_CLOEXEC != 0, 0)? as u64)
            }
            ioctl::TIOCGPGRP => {
                let group = self.foreground(cx, id, true)?;
                put_u32(memory, argument, group)
            }
            ioctl::TIOCSCTTY | ioctl::TIOCNOTTY => Err(Errno::ENOTTY.into()),
            _ => self.terminal_ioctl(cx, id, request, argument, memory),
        }
    }

    fn terminal_ioctl(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        request: u32,
        argument: u64,
        memory: &mut dyn UserMemory,
    ) -> Attempt<u64> {
        let tty = self.terminal(id)?;
        if tty.hung_up {
            return Err(Errno::EIO.into());
        }
        match request {
            ioctl::TCGETS => {
                memory.write(argument, &tty.discipline.settings.encode()[..TERMIOS_SIZE])?;
                Ok(0)
            }
            ioctl::TCGETS2 => {
                memory.write(argument, &tty.discipline.settings.encode())?;
                Ok(0)
            }
            ioctl::TCSETS | ioctl::TCSETSW => {
                self.settings(cx, id, (argument, TERMIOS_SIZE), When::Now, memory)
            }
            ioctl::TCSETSF => self.settings(cx, id, (argument, TERMIOS_SIZE), When::Flush, memory),
            ioctl::TCSETS2 | ioctl::TCSETSW2 => {
                self.settings(cx, id, (argument, TERMIOS2_SIZE), When::Now, memory)
            }
            ioctl::TCSETSF2 => {
                self.settings(cx, id, (argument, TERMIOS2_SIZE), When::Flush, memory)
            }
            ioctl::TIOCGWINSZ => {
                let mut bytes = [0; 8];
                for (index, part) in tty.size.iter().enumerate() {
                    bytes[index * 2..index * 2 + 2].copy_from_slice(&part.to_le_bytes());
                }
                memory.write(argument, &bytes)?;
                Ok(0)
            }
            ioctl::TIOCSWINSZ => {
                let mut bytes = [0; 8];
                memory.read(argument, &mut bytes)?;
                let part =
                    |index: usize| u16::from_le_bytes([bytes[index * 2], bytes[index * 2 + 1]]);
                let event = tty.resize([part(0), part(1), part(2), part(3)]);
                self.events.extend(event);
                Ok(0)
            }
            ioctl::FIONREAD => {
                let readable = tty.discipline.readable();
                put_u32(memory, argument, readable as u32)
            }
            ioctl::TIOCOUTQ => {
                let pending = tty.discipline.output.bytes.len();
                put_u32(memory, argument, pending as u32)
            }
            ioctl::TIOCGETD => put_u32(memory, argument, 0),
            ioctl::TIOCEXCL | ioctl::TIOCNXCL => {
                tty.exclusive = request == ioctl::TIOCEXCL;
                Ok(0)
            }
            _ => self.job_ioctl(cx, id, request, argument, memory),
        }
    }

    fn settings(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        (address, size): (u64, usize),
        when: When,
        memory: &mut dyn UserMemory,
    ) -> Attempt<u64> {
        self.check_change(cx, id)?;
        let mut bytes = [0; TERMIOS2_SIZE];
        memory.read(address, &mut bytes[..size])?;
        let tty = self.terminal(id)?;
        let mut settings = tty.discipline.settings;
        settings.decode(&bytes[..size]);
        if when == When::Flush {
            tty.discipline.flush_input();
        }
        tty.discipline.set(settings);
        let queue = tty.queue;
        self.wake(queue);
        Ok(0)
    }

    fn job_ioctl(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        request: u32,
        argument: u64,
        memory: &mut dyn UserMemory,
    ) -> Attempt<u64> {
        match request {
            ioctl::TCFLSH => {
                self.check_change(cx, id)?;
                let tty = self.terminal(id)?;
                if argument > 2 {
                    return Err(Errno::EINVAL.into());
                }
                if argument != 1 {
                    tty.discipline.flush_input();
                }
                if argument != 0 {
                    tty.discipline.output.bytes.clear();
                }
                let queues = [tty.queue, tty.master_queue];
                queues.into_iter().for_each(|queue| self.wake(queue));
                Ok(0)
            }
            ioctl::TCXONC => {
                self.check_change(cx, id)?;
                self.flow(id, argument)
            }
            // Output is on its way the moment it is written, and a break has no meaning here.
            ioctl::TCSBRK | ioctl::TCSBRKP => {
                self.check_change(cx, id)?;
                Ok(0)
            }
            ioctl::TIOCGPGRP => {
                let group = self.foreground(cx, id, false)?;
                put_u32(memory, argument, group)
            }
            ioctl::TIOCSPGRP => {
                let group = get_u32(memory, argument)?;
                self.set_foreground(cx, id, group as i32)?;
                Ok(0)
            }
            ioctl::TIOCGSID => match self.terminal(id)?.session {
                Some(session) if session == cx.job.session => put_u32(memory, argument, session),
                _ => Err(Errno::ENOTTY.into()),
            },
            ioctl::TIOCSCTTY => {
                self.acquire(cx, id, argument == 1)?;
                Ok(0)
            }
            ioctl::TIOCNOTTY => {
                self.give_up(cx, id)?;
                Ok(0)
            }
            _ => Err(Errno::ENOTTY.into()),
        }
    }

    /// `TCXONC`: stops or starts output (0, 1), or types the stop or start character (2, 3).
    fn flow(&mut self, id: ObjectId, action: u64) -> Attempt<u64> {
        let tty = self.terminal(id)?;
        match action {
            0 | 1 => tty.discipline.stopped = action == 0,
            2 | 3 => {
                let which = if action == 2 { VSTOP } else { VSTART };
                let byte = tty.discipline.settings.characters[which as usize];
                tty.discipline.output.bytes.push_back(byte);
            }
            _ => return Err(Errno::EINVAL.into()),
        }
        let queue = tty.queue;
        self.wake(queue);
        self.output_made(id);
        Ok(0)
    }
}

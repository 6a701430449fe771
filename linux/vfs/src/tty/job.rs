//! Job control: sessions, the foreground group, and what happens to background groups.

use super::terminal::Terminal;
use crate::constants::signal;
use crate::context::Context;
use crate::errno::Errno;
use crate::file::ObjectId;
use crate::outcome::{Event, Stop, Target};
use crate::vfs::Vfs;
use alloc::vec::Vec;

impl Vfs {
    pub(crate) fn terminal(&mut self, id: ObjectId) -> Result<&mut Terminal, Errno> {
        self.terminals.get_mut(id).ok_or(Errno::EIO)
    }

    /// The caller's controlling terminal.
    pub(crate) fn controlling_terminal(&self, cx: &Context<'_>) -> Option<ObjectId> {
        let mine = |tty: &Terminal| tty.session == Some(cx.job.session);
        self.terminals
            .iter()
            .find(|(_, tty)| mine(tty))
            .map(|(id, _)| id)
    }

    /// Device number and foreground group of a session's controlling terminal, for /proc/PID/stat.
    pub fn session_terminal(&self, session: u32) -> Option<(u64, Option<u32>)> {
        let (_, tty) = self
            .terminals
            .iter()
            .find(|(_, tty)| tty.session == Some(session))?;
        let number = match tty.side {
            super::terminal::Side::Console => sundog_protocols::file::device(5, 1),
            super::terminal::Side::Pty(index) => {
                sundog_protocols::file::device(crate::devices::PTS_MAJOR, index)
            }
        };
        Some((number, tty.foreground))
    }

    /// Makes a terminal the caller's controlling one, if it may and has none.
    pub(crate) fn acquire_on_open(&mut self, cx: &Context<'_>, id: ObjectId) {
        let leader = cx.job.session == cx.job.pid && cx.job.pid != 0;
        if !leader || self.controlling_terminal(cx).is_some() {
            return;
        }
        if let Some(tty) = self.terminals.get_mut(id)
            && tty.session.is_none()
        {
            tty.session = Some(cx.job.session);
            tty.foreground = Some(cx.job.group);
        }
    }

    /// `TIOCSCTTY`. `EPERM` if the caller leads no session, has another terminal, or the terminal has another session.
    pub(crate) fn acquire(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        steal: bool,
    ) -> Result<(), Errno> {
        let leader = cx.job.session == cx.job.pid;
        if leader && self.terminal(id)?.session == Some(cx.job.session) {
            return Ok(());
        }
        if !leader || self.controlling_terminal(cx).is_some() {
            return Err(Errno::EPERM);
        }
        let tty = self.terminal(id)?;
        if tty.session.is_some() && !(steal && cx.creds.overrides) {
            return Err(Errno::EPERM);
        }
        tty.session = Some(cx.job.session);
        tty.foreground = Some(cx.job.group);
        Ok(())
    }

    /// `TIOCNOTTY`. `ENOTTY` if the terminal does not control the caller.
    pub(crate) fn give_up(&mut self, cx: &Context<'_>, id: ObjectId) -> Result<(), Errno> {
        if self.terminal(id)?.session != Some(cx.job.session) {
            return Err(Errno::ENOTTY);
        }
        if cx.job.session == cx.job.pid {
            self.session_ended(cx.job.session);
        }
        Ok(())
    }

    /// A session's leader ended: its foreground group gets SIGHUP and SIGCONT, and the terminal is free.
    pub fn session_ended(&mut self, session: u32) {
        let ids: Vec<ObjectId> = self
            .terminals
            .iter()
            .filter(|(_, tty)| tty.session == Some(session))
            .map(|(id, _)| id)
            .collect();
        for id in ids {
            if let Some(tty) = self.terminals.get_mut(id) {
                let events = [signal::HUP, signal::CONT].map(|signal| tty.to_foreground(signal));
                tty.session = None;
                tty.foreground = None;
                self.events.extend(events.into_iter().flatten());
                self.settle(id);
            }
        }
    }

    fn in_background(&mut self, cx: &Context<'_>, id: ObjectId) -> Result<bool, Errno> {
        let tty = self.terminal(id)?;
        let group = tty.foreground;
        Ok(tty.session == Some(cx.job.session) && group.is_some_and(|group| group != cx.job.group))
    }

    fn stop_group(&mut self, cx: &Context<'_>, signal: u32) -> Stop {
        self.events.push_back(Event::Signal {
            to: Target::Group(cx.job.group),
            signal,
        });
        Stop::Restart
    }

    /// Whether the caller may read now.
    pub(crate) fn check_read(&mut self, cx: &Context<'_>, id: ObjectId) -> Result<(), Stop> {
        if !self.in_background(cx, id)? {
            return Ok(());
        }
        if cx.job.no_ttin || cx.info.is_orphaned(cx.job.pid) {
            return Err(Errno::EIO.into());
        }
        Err(self.stop_group(cx, signal::TTIN))
    }

    /// Whether the caller may change the terminal (or write, with `TOSTOP`) now.
    pub(crate) fn check_change(&mut self, cx: &Context<'_>, id: ObjectId) -> Result<(), Stop> {
        if cx.job.no_ttou || !self.in_background(cx, id)? {
            return Ok(());
        }
        if cx.info.is_orphaned(cx.job.pid) {
            return Err(Errno::EIO.into());
        }
        Err(self.stop_group(cx, signal::TTOU))
    }

    /// `TIOCGPGRP`. A master may ask too. `ENOTTY` if the terminal does not control the caller.
    pub(crate) fn foreground(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        master: bool,
    ) -> Result<u32, Errno> {
        let tty = self.terminal(id)?;
        if !master && tty.session != Some(cx.job.session) {
            return Err(Errno::ENOTTY);
        }
        Ok(tty.foreground.unwrap_or(0))
    }

    /// `TIOCSPGRP`. `ENOTTY`, `EINVAL`, `ESRCH` if there is no such group, `EPERM` if it is of another session.
    pub(crate) fn set_foreground(
        &mut self,
        cx: &Context<'_>,
        id: ObjectId,
        group: i32,
    ) -> Result<(), Stop> {
        if self.terminal(id)?.session != Some(cx.job.session) {
            return Err(Errno::ENOTTY.into());
        }
        self.check_change(cx, id)?;
        let group = u32::try_from(group).map_err(|_| Errno::EINVAL)?;
        match cx.info.group_session(group) {
            None => return Err(Errno::ESRCH.into()),
            Some(session) if session != cx.job.session => return Err(Errno::EPERM.into()),
            Some(_) => {}
        }
        self.terminal(id)?.foreground = Some(group);
        self.settle(id);
        Ok(())
    }
}

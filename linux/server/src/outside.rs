//! The standard streams of a sandbox within another: those of the process outside that is this sandbox. Where they are a terminal, the
//! sandbox has a terminal of its own in its place, whose keys come from outside as they were typed, and whose screen goes there as it is.

use crate::channel::Channel;
use crate::orders;
use crate::streams::{self, ask};
use alloc::format;
use alloc::vec::Vec;
use sundog_linux_core::kernel::Kernel;
use sundog_linux_core::signal::{SIGCONT, SIGINT, SIGQUIT, SignalInformation};
use sundog_linux_vfs::{Context, Errno, Queue, Vfs};
use sundog_protocols::host_process::{Answer, MAX_BYTES, Request, Screen};

/// Whether keys are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// No program has wanted any, so they stay with the shell outside.
    Unwanted,
    /// They are to be asked for.
    Wanted,
    /// They were asked for, and it will be told when there are some.
    Awaited,
    /// There are none any more.
    Ended,
}

/// The streams.
pub struct Outside {
    /// Channels that are not used yet, for descriptors 0 to 2.
    channels: Vec<Channel>,
    /// For the terminal, and words of the personality's own.
    own: Channel,
    /// Where readers of streams that are no terminal wait.
    queue: Option<Queue>,
    /// Which of the streams are the terminal.
    terminal: u8,
    keys: Keys,
    /// Signals that came before there was a process, as in [`Screen`].
    early: u32,
    /// Keys that the terminal has not taken.
    typed: Vec<u8>,
}

impl Outside {
    /// Streams over a channel for each of the three, and one for the terminal.
    pub fn new(channels: Vec<Channel>, own: Channel) -> Outside {
        Outside {
            channels,
            own,
            queue: None,
            terminal: 0,
            keys: Keys::Unwanted,
            early: 0,
            typed: Vec::new(),
        }
    }

    fn screen(&mut self) -> Result<Screen, Errno> {
        match ask(&mut self.own, &Request::Screen)? {
            Answer::Screen(screen) => Ok(screen),
            _ => Err(Errno::EIO),
        }
    }

    /// Gives the first process its descriptors 0, 1 and 2.
    ///
    /// # Errors
    /// Those of opening, and `EIO` if nobody is outside.
    pub fn open(&mut self, vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Errno> {
        let screen = self.screen()?;
        self.terminal = screen.streams;
        self.early = screen.signals;
        if self.terminal != 0 {
            vfs.add_console(screen.rows, screen.columns)?;
        }
        let queue = vfs.new_queue();
        self.queue = Some(queue);
        for (descriptor, channel) in (0..).zip(self.channels.drain(..)) {
            match self.terminal >> descriptor & 1 {
                0 => streams::open(vfs, context, descriptor, channel, queue)?,
                _ => drop(vfs.open_console(context)?),
            }
        }
        Ok(())
    }

    /// Moves what can be moved; `notified` says that there may be news. Whether a process may have become ready.
    pub fn work(&mut self, kernel: &mut Kernel, notified: bool) -> bool {
        let mut changed = notified;
        pass_on(kernel, core::mem::take(&mut self.early));
        if notified {
            if let Some(queue) = self.queue {
                kernel.vfs.wake(queue);
            }
            self.hear(kernel);
        }
        if self.terminal == 0 {
            return changed;
        }
        changed |= self.show(&mut kernel.vfs);
        changed |= self.type_in(&mut kernel.vfs);
        self.stop(kernel);
        changed
    }

    /// Hears of signals and of another size of the window.
    fn hear(&mut self, kernel: &mut Kernel) {
        let Ok(screen) = self.screen() else { return };
        if self.terminal != 0 && screen.streams != 0 {
            kernel.vfs.console_resize(screen.rows, screen.columns);
        }
        pass_on(kernel, screen.signals);
        if self.keys == Keys::Awaited {
            self.keys = Keys::Wanted;
        }
    }

    fn show(&mut self, vfs: &mut Vfs) -> bool {
        let bytes = vfs.console_output();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(MAX_BYTES)];
            let bytes = part.to_vec();
            match ask(&mut self.own, &Request::Show { bytes }) {
                Ok(Answer::Written(count)) => rest = &rest[count.clamp(1, part.len())..],
                _ => {
                    self.end(vfs);
                    break;
                }
            }
        }
        !bytes.is_empty()
    }

    fn type_in(&mut self, vfs: &mut Vfs) -> bool {
        if self.keys == Keys::Unwanted && vfs.console_wanted() {
            self.keys = Keys::Wanted;
        }
        let mut changed = false;
        loop {
            if !self.typed.is_empty() {
                let taken = vfs.console_input(&self.typed);
                changed |= taken > 0;
                self.typed.drain(..taken);
            }
            if self.keys != Keys::Wanted || !self.typed.is_empty() {
                return changed;
            }
            match ask(&mut self.own, &Request::Keys { length: MAX_BYTES }) {
                Ok(Answer::Read(bytes)) if !bytes.is_empty() => self.typed = bytes,
                Err(Errno::EAGAIN) => self.keys = Keys::Awaited,
                _ => {
                    self.end(vfs);
                    changed = true;
                }
            }
        }
    }

    /// The terminal outside has hung up, or does not let itself be read.
    fn end(&mut self, vfs: &mut Vfs) {
        self.keys = Keys::Ended;
        vfs.console_hang_up();
    }

    /// If the programs in the foreground were to stop and could not, since no shell in here would let them go on, then all of the sandbox
    /// stops, and a shell outside lets it go on.
    fn stop(&mut self, kernel: &mut Kernel) {
        let (Some(group), Some(first)) = (kernel.stop_refused.take(), kernel.first) else {
            return;
        };
        let terminal = kernel.vfs.session_terminal(first.cast_unsigned());
        let foreground = terminal.and_then(|(_, group)| group);
        if foreground.map(u32::cast_signed) != Some(group) {
            return;
        }
        // Nobody outside to stop it: then it goes on.
        let _ = ask(&mut self.own, &Request::Suspend);
        let members: Vec<_> = kernel.world.group_members(group).collect();
        for member in members {
            kernel.signal_process(member, SignalInformation::kernel(SIGCONT));
        }
    }

    /// Sends a line of the personality's own.
    pub fn say(&mut self, text: &str) {
        let bytes = format!("{text}\n").into_bytes();
        let descriptor = 2;
        // A text that is too long, or that nobody takes, is not said.
        let _ = ask(&mut self.own, &Request::Write { descriptor, bytes });
    }
}

/// Hands the terminal's signals to the programs in the foreground; another size is told with the size.
fn pass_on(kernel: &mut Kernel, signals: u32) {
    for signal in [SIGINT, SIGQUIT] {
        if signals >> (signal - 1) & 1 != 0 {
            orders::signal(kernel, signal);
        }
    }
}

//! One terminal: its discipline, its size, its session, and who has it open.

use super::discipline::Discipline;
use super::loan::Loan;
use crate::constants::signal;
use crate::outcome::{Event, Queue, Ready, Target};
use alloc::vec::Vec;
use core::cell::Cell;

/// Where a terminal's screen and keyboard are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Outside: `Vfs::console_input` and `Vfs::console_output`.
    Console,
    /// A master descriptor; the number is the one in /dev/pts.
    Pty(u32),
}

/// A terminal.
pub struct Terminal {
    /// Lines, echo, settings.
    pub discipline: Discipline,
    /// Its other side.
    pub side: Side,
    /// Rows, columns, and the same in pixels.
    pub size: [u16; 4],
    /// The session that it controls.
    pub session: Option<u32>,
    /// The process group in the foreground.
    pub foreground: Option<u32>,
    /// Where its programs wait.
    pub queue: Queue,
    /// Where its master waits.
    pub master_queue: Queue,
    /// Open descriptions of the terminal itself.
    pub opens: u32,
    /// It has been opened at least once.
    pub used: bool,
    /// A pty whose slave may not be opened yet.
    pub locked: bool,
    /// The master is gone.
    pub hung_up: bool,
    /// Nobody may open it once more (`TIOCEXCL`).
    pub exclusive: bool,
    /// To whom it is lent.
    pub lent: Vec<Loan>,
    /// One of them is in the foreground: keys are kept for him as they are.
    pub raw: bool,
    /// A program waits for keys, or asked whether there are any.
    pub wanted: Cell<bool>,
}

impl Terminal {
    pub(crate) fn new(side: Side, queue: Queue, master_queue: Queue) -> Terminal {
        Terminal {
            discipline: Discipline::default(),
            side,
            size: [0; 4],
            session: None,
            foreground: None,
            queue,
            master_queue,
            opens: 0,
            used: false,
            locked: matches!(side, Side::Pty(_)),
            hung_up: false,
            exclusive: false,
            lent: Vec::new(),
            raw: false,
            wanted: Cell::new(false),
        }
    }

    /// What a program finds.
    pub fn ready(&self) -> Ready {
        if self.hung_up {
            return Ready::FILE.with(Ready::HANGUP).with(Ready::ERROR);
        }
        let writes = self.discipline.output.has_room() && !self.discipline.stopped;
        let reads = self.discipline.can_read();
        if !reads {
            self.wanted.set(true);
        }
        Ready::IN.when(reads).with(Ready::OUT.when(writes))
    }

    /// What the master finds.
    pub fn master_ready(&self) -> Ready {
        let output = !self.discipline.output.bytes.is_empty() && !self.discipline.stopped;
        Ready::IN
            .when(output)
            .with(Ready::OUT.when(self.discipline.has_input_room()))
            .with(Ready::HANGUP.when(self.used && self.opens == 0))
    }

    /// A signal for the foreground group, if there is one.
    pub(crate) fn to_foreground(&self, signal: u32) -> Option<Event> {
        self.foreground.map(|group| Event::Signal {
            to: Target::Group(group),
            signal,
        })
    }

    /// Changes the size; tells the foreground if it is another one.
    pub(crate) fn resize(&mut self, size: [u16; 4]) -> Option<Event> {
        if self.size == size {
            return None;
        }
        self.size = size;
        self.to_foreground(signal::WINCH)
    }
}

//! The line discipline: typed bytes become lines (or not), signals and echo.

use super::output::Output;
use super::termios::{
    ICANON, ICRNL, IEXTEN, IGNCR, IMAXBEL, INLCR, ISIG, ISTRIP, IUTF8, IXANY, IXON, NOFLSH,
    Termios, VEOF, VEOL, VEOL2, VERASE, VINTR, VKILL, VLNEXT, VMIN, VQUIT, VREPRINT, VSTART, VSTOP,
    VSUSP, VTIME, VWERASE,
};
use crate::constants::signal;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Most bytes that wait to be read, as on Linux.
const INPUT_LIMIT: usize = 4095;

/// What one waiting place of the input holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Cell {
    Byte(u8),
    /// A byte that ends a line.
    End(u8),
    /// The end-of-file key: ends a line and is not read.
    EndOfFile,
}

/// How a read went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadResult {
    /// This many bytes; 0 is end of file (or nothing, where VMIN says so).
    Bytes(usize),
    /// Nothing yet.
    Wait,
    /// Nothing yet; wait at most this many tenths of a second.
    WaitFor(u8),
}

/// State between the keyboard, the screen and the programs.
#[derive(Default)]
pub struct Discipline {
    /// The settings; change them with [`Discipline::set`].
    pub settings: Termios,
    /// What goes to the screen.
    pub output: Output,
    input: VecDeque<Cell>,
    /// How many cells make up whole lines.
    complete: usize,
    /// Ctrl-S was typed.
    pub stopped: bool,
    literal: bool,
    pub(super) line_start_column: usize,
}

impl Discipline {
    /// The line that is being typed.
    pub(super) fn open_line(&self) -> impl Iterator<Item = u8> {
        self.input
            .iter()
            .skip(self.complete)
            .filter_map(|cell| match cell {
                Cell::Byte(byte) | Cell::End(byte) => Some(*byte),
                Cell::EndOfFile => None,
            })
    }

    /// Takes typed bytes; returns how many (less than all only if programs do not read) and the signals that keys raised.
    pub fn receive(&mut self, bytes: &[u8]) -> (usize, Vec<u32>) {
        let mut signals = Vec::new();
        for (count, &byte) in bytes.iter().enumerate() {
            let waits = !self.settings.local(ICANON) || self.complete > 0;
            if self.input.len() >= INPUT_LIMIT && waits && !self.is_signal_key(byte) {
                return (count, signals);
            }
            self.receive_byte(byte, &mut signals);
        }
        (bytes.len(), signals)
    }

    /// Takes typed bytes for somebody who makes lines of them himself; returns how many.
    pub fn receive_raw(&mut self, bytes: &[u8]) -> usize {
        let count = bytes
            .len()
            .min(INPUT_LIMIT.saturating_sub(self.input.len()));
        let cells = bytes[..count].iter().map(|byte| Cell::Byte(*byte));
        self.input.extend(cells);
        count
    }

    /// Takes what was typed, for somebody who makes lines of it himself; how much it was.
    pub fn take_raw(&mut self, into: &mut [u8]) -> usize {
        let end_of_file = self.settings.characters[VEOF as usize];
        let count = into.len().min(self.input.len());
        for (place, cell) in into.iter_mut().zip(self.input.drain(..count)) {
            *place = match cell {
                Cell::Byte(byte) | Cell::End(byte) => byte,
                Cell::EndOfFile => end_of_file,
            };
        }
        self.complete = self.complete.saturating_sub(count);
        count
    }

    /// Takes all that was typed.
    pub fn take_all(&mut self) -> Vec<u8> {
        let mut bytes = alloc::vec![0; self.input.len()];
        self.take_raw(&mut bytes);
        bytes
    }

    fn is_signal_key(&self, byte: u8) -> bool {
        self.settings.local(ISIG)
            && [VINTR, VQUIT, VSUSP]
                .iter()
                .any(|&which| self.settings.is(which, byte))
    }

    fn receive_byte(&mut self, mut byte: u8, signals: &mut Vec<u32>) {
        if self.settings.input(ISTRIP) {
            byte &= 0x7f;
        }
        if core::mem::take(&mut self.literal) {
            self.add(Cell::Byte(byte));
            self.echo(byte);
            return;
        }
        if self.settings.input(IXON) {
            if self.settings.is(VSTOP, byte) {
                self.stopped = true;
                return;
            }
            if self.settings.is(VSTART, byte) {
                self.stopped = false;
                return;
            }
            if self.stopped && self.settings.input(IXANY) {
                self.stopped = false;
            }
        }
        if self.settings.local(ISIG) && self.raise(byte, signals) {
            return;
        }
        match byte {
            b'\r' if self.settings.input(IGNCR) => return,
            b'\r' if self.settings.input(ICRNL) => byte = b'\n',
            b'\n' if self.settings.input(INLCR) => byte = b'\r',
            _ => {}
        }
        let extended = self.settings.local(IEXTEN);
        if extended && self.settings.local(ICANON) && self.settings.is(VLNEXT, byte) {
            self.literal = true;
            if self.settings.local(super::termios::ECHO)
                && self.settings.local(super::termios::ECHOCTL)
            {
                self.show(b'^');
                self.show(8);
            }
            return;
        }
        if self.settings.local(ICANON) {
            self.receive_in_line(byte, extended);
        } else {
            self.add(Cell::Byte(byte));
            self.echo(byte);
        }
    }

    fn raise(&mut self, byte: u8, signals: &mut Vec<u32>) -> bool {
        let keys = [
            (VINTR, signal::INT),
            (VQUIT, signal::QUIT),
            (VSUSP, signal::TSTP),
        ];
        let Some((_, raised)) = keys
            .into_iter()
            .find(|(which, _)| self.settings.is(*which, byte))
        else {
            return false;
        };
        if !self.settings.local(NOFLSH) {
            self.flush_input();
            self.output.bytes.clear();
        }
        self.stopped = false;
        self.echo(byte);
        signals.push(raised);
        true
    }

    fn receive_in_line(&mut self, byte: u8, extended: bool) {
        let settings = self.settings;
        if settings.is(VERASE, byte) {
            let erased = self.erase_character();
            if !erased.is_empty() {
                self.echo_erased(&erased, byte);
            }
        } else if settings.is(VKILL, byte) {
            let erased: Vec<u8> = self.open_line().collect();
            self.input.truncate(self.complete);
            if !erased.is_empty() {
                self.echo_killed(&erased);
            }
        } else if extended && settings.is(VWERASE, byte) {
            let erased = self.erase_word();
            if !erased.is_empty() {
                self.echo_erased(&erased, byte);
            }
        } else if extended && settings.is(VREPRINT, byte) {
            self.echo(byte);
            self.show(b'\n');
            let line: Vec<u8> = self.open_line().collect();
            line.into_iter().for_each(|byte| self.echo(byte));
        } else if settings.is(VEOF, byte) {
            self.end_line(Cell::EndOfFile);
        } else if byte == b'\n' || settings.is(VEOL, byte) || extended && settings.is(VEOL2, byte) {
            self.echo(byte);
            self.end_line(Cell::End(byte));
        } else {
            if self.complete == self.input.len() {
                self.line_start_column = self.output.column();
            }
            if self.add(Cell::Byte(byte)) {
                self.echo(byte);
            }
        }
    }

    /// Adds a byte; when the line is full it is lost, with a beep if so set.
    fn add(&mut self, cell: Cell) -> bool {
        if self.input.len() < INPUT_LIMIT {
            self.input.push_back(cell);
            return true;
        }
        if self.settings.input(IMAXBEL) {
            self.show(7);
        }
        false
    }

    /// Ends the line; there is always room for its end.
    fn end_line(&mut self, cell: Cell) {
        self.input.push_back(cell);
        self.complete = self.input.len();
    }

    /// Takes the last character off the open line: all bytes of it if the terminal speaks UTF-8.
    fn erase_character(&mut self) -> Vec<u8> {
        let mut erased = Vec::new();
        while self.input.len() > self.complete {
            let Some(Cell::Byte(byte) | Cell::End(byte)) = self.input.pop_back() else {
                break;
            };
            erased.push(byte);
            if !(self.settings.input(IUTF8) && byte & 0xc0 == 0x80) {
                break;
            }
        }
        erased.reverse();
        erased
    }

    fn erase_word(&mut self) -> Vec<u8> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 128;
        let mut erased = Vec::new();
        let mut in_word = false;
        while let Some(&Cell::Byte(byte)) = self
            .input
            .back()
            .filter(|_| self.input.len() > self.complete)
        {
            if is_word(byte) {
                in_word = true;
            } else if in_word {
                break;
            }
            self.input.pop_back();
            erased.push(byte);
        }
        erased.reverse();
        erased
    }

    /// Forgets what was typed and not read.
    pub fn flush_input(&mut self) {
        self.input.clear();
        self.complete = 0;
    }

    /// New settings. Turning lines on makes one line of what is there; turning them off lets everything be read.
    pub fn set(&mut self, settings: Termios) {
        let lines = (self.settings.local(ICANON), settings.local(ICANON));
        self.settings = settings;
        match lines {
            (false, true) => self.complete = self.input.len(),
            (true, false) => self.complete = 0,
            _ => {}
        }
        if !settings.input(IXON) {
            self.stopped = false;
        }
    }

    /// How many bytes a read would find now (`FIONREAD`).
    pub fn readable(&self) -> usize {
        let cells = if self.settings.local(ICANON) {
            self.complete
        } else {
            self.input.len()
        };
        self.input
            .iter()
            .take(cells)
            .filter(|cell| **cell != Cell::EndOfFile)
            .count()
    }

    /// Whether a read would not wait.
    pub fn can_read(&self) -> bool {
        if self.settings.local(ICANON) {
            return self.complete > 0;
        }
        let (min, time) = (
            self.settings.characters[VMIN as usize],
            self.settings.characters[VTIME as usize],
        );
        self.input.len() >= usize::from(if time == 0 { min.max(1) } else { 1 })
    }

    /// Whether typed bytes would be taken.
    pub fn has_input_room(&self) -> bool {
        self.input.len() < INPUT_LIMIT || self.settings.local(ICANON) && self.complete == 0
    }

    /// Reads a line, or bytes as VMIN and VTIME say; `timed_out` if the wait that was asked for ran out.
    pub fn read(&mut self, into: &mut [u8], timed_out: bool) -> ReadResult {
        if into.is_empty() {
            return ReadResult::Bytes(0);
        }
        if self.settings.local(ICANON) {
            return if self.complete == 0 {
                ReadResult::Wait
            } else {
                ReadResult::Bytes(self.take_line(into))
            };
        }
        let min = usize::from(self.settings.characters[VMIN as usize]);
        let time = self.settings.characters[VTIME as usize];
        let there = self.input.len();
        let enough = there >= min.min(into.len()) && (there > 0 || min == 0 && time == 0);
        match (enough || timed_out, time) {
            (true, _) => ReadResult::Bytes(self.take(into)),
            (false, 0) => ReadResult::Wait,
            (false, _) if min > 0 && there == 0 => ReadResult::Wait,
            (false, tenths) => ReadResult::WaitFor(tenths),
        }
    }

    fn take(&mut self, into: &mut [u8]) -> usize {
        let mut count = 0;
        while count < into.len() {
            match self.input.pop_front() {
                Some(Cell::Byte(byte) | Cell::End(byte)) => {
                    into[count] = byte;
                    count += 1;
                }
                Some(Cell::EndOfFile) => {}
                None => break,
            }
        }
        count
    }

    fn take_line(&mut self, into: &mut [u8]) -> usize {
        let mut count = 0;
        while self.complete > 0 {
            // An end-of-file key straight behind what filled the buffer belongs to this read.
            if count == into.len() && self.input.front() != Some(&Cell::EndOfFile) {
                break;
            }
            self.complete -= 1;
            match self.input.pop_front() {
                Some(Cell::Byte(byte)) => into[count] = byte,
                Some(Cell::End(byte)) => {
                    into[count] = byte;
                    return count + 1;
                }
                Some(Cell::EndOfFile) | None => return count,
            }
            count += 1;
        }
        count
    }
}

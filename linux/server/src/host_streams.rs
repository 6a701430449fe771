//! The standard streams of the host, behind the console program, over two rings: its terminal, and what is no terminal as pipes.

use crate::host_pipes::{Pipes, Put};
use crate::line::Wake;
use crate::terminal::{self, Terminal};
use alloc::format;
use alloc::vec::Vec;
use sundog_linux_vfs::constants::{AT_FDCWD, O_RDWR};
use sundog_linux_vfs::{Context, Errno, Vfs};
use sundog_protocols::Words;
use sundog_protocols::console::{News, label};
use sundog_protocols::control::Stream;
use sundog_rt::ring::Memory;

/// The end-of-file key of a terminal, Ctrl-D.
const END_OF_FILE: u8 = 4;
/// Bytes of the personality's own that may wait before it lets no program run.
const ENOUGH: usize = 64 * 1024;

/// Asks the console program.
pub trait Ask {
    /// The answer to a request; nothing if the program is gone.
    fn ask(&mut self, request: &Words) -> Option<Words>;
}

/// What the host wants of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A signal, by Linux's number.
    Signal(u8),
    /// All shall end.
    Stop,
}

/// Which streams are terminals.
#[derive(Clone, Copy)]
struct Shape {
    input: bool,
    output: bool,
    error: bool,
}

impl Shape {
    /// A terminal that is only typed at shows nothing, and is a line of bytes like any other.
    fn new(input: bool, output: bool, error: bool) -> Shape {
        let input = input && (output || error);
        Shape {
            input,
            output,
            error,
        }
    }

    fn any(self) -> bool {
        self.output || self.error
    }

    /// Whose bytes the terminal's are, unless all output is its.
    fn stream_of_terminal(self) -> Option<Stream> {
        match (self.output, self.error) {
            (true, true) => None,
            (false, true) => Some(Stream::Error),
            _ => Some(Stream::Output),
        }
    }
}

/// Where input goes.
enum Input {
    Terminal,
    Pipe(i32),
    /// It has ended, or nobody reads it.
    Closed,
}

/// The streams.
pub struct HostStreams<M, W> {
    terminal: Terminal<M, W>,
    shape: Option<Shape>,
    size: (u16, u16),
    pipes: Option<Pipes>,
    input: Input,
    /// The pipes have the line before the terminal has it: by turns, since either could fill it for ever.
    pipes_first: bool,
    /// Nothing comes behind the bytes that are in the ring.
    ends: bool,
    /// The console is gone.
    gone: bool,
    orders: Vec<Order>,
}

impl<M: Memory, W: Wake> HostStreams<M, W> {
    /// Streams of which nothing is known yet.
    pub fn new(terminal: Terminal<M, W>) -> HostStreams<M, W> {
        HostStreams {
            terminal,
            shape: None,
            size: terminal::SIZE,
            pipes: None,
            input: Input::Closed,
            pipes_first: false,
            ends: false,
            gone: false,
            orders: Vec::new(),
        }
    }

    /// Looks for news before there is a process. Whether it may be started: the host has said what its streams are.
    pub fn prepare(&mut self, ask: &mut impl Ask) -> bool {
        while let Some(news) = self.next(ask) {
            match news {
                News::Size { rows, columns } => self.size = (rows, columns),
                news => self.note(news),
            }
        }
        self.shape.is_some() || self.gone
    }

    /// Gives the first process its descriptors 0, 1 and 2.
    ///
    /// # Errors
    /// Those of opening, and `EIO` if the console is gone.
    pub fn open(&mut self, vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Errno> {
        let shape = self.shape.ok_or(Errno::EIO)?;
        let mut pipes = Pipes::new(vfs, context)?;
        if shape.any() {
            vfs.add_console(self.size.0, self.size.1)?;
        }
        self.input = if shape.input {
            open_terminal(vfs, context)?;
            Input::Terminal
        } else {
            Input::Pipe(pipes.add_input(vfs, context)?)
        };
        for (stream, is_terminal) in [(Stream::Output, shape.output), (Stream::Error, shape.error)]
        {
            if is_terminal {
                open_terminal(vfs, context)?;
            } else {
                pipes.add_output(vfs, context, stream)?;
            }
        }
        self.pipes = Some(pipes);
        Ok(())
    }

    /// Moves what can be moved; `notified` says that the console may have news. Whether a process may have become ready.
    pub fn work(&mut self, vfs: &mut Vfs, ask: &mut impl Ask, notified: bool) -> bool {
        if notified {
            self.hear(vfs, ask);
        }
        let mut changed = !self.orders.is_empty();
        self.pipes_first = !self.pipes_first;
        if self.pipes_first {
            changed |= self.carry(vfs);
        }
        let (input, pipes) = (&mut self.input, &self.pipes);
        changed |= self.terminal.exchange(vfs, |vfs, bytes| match input {
            Input::Terminal => vfs.console_input(bytes),
            Input::Pipe(pipe) => match pipes.as_ref().map(|pipes| pipes.put(vfs, *pipe, bytes)) {
                Some(Put::Taken(count)) => count,
                _ => {
                    *input = Input::Closed;
                    0
                }
            },
            Input::Closed => 0,
        });
        if self.ends && self.terminal.is_dry() {
            self.ends = false;
            self.end_input(vfs);
            changed = true;
        }
        changed | self.carry(vfs)
    }

    /// What the host wants of the processes, told once.
    pub fn take_orders(&mut self) -> Vec<Order> {
        core::mem::take(&mut self.orders)
    }

    /// Says that the personality will wait for its notification. `false`: there is something to do already.
    pub fn sleep(&mut self) -> bool {
        let wanted = !matches!(self.input, Input::Closed) || self.shape.is_none();
        self.terminal.sleep(wanted)
    }

    /// Sends a line of the personality's own to standard error.
    pub fn say(&mut self, text: &str) {
        match self.shape {
            Some(shape) if !shape.error => {
                let line = format!("{text}\n");
                self.terminal.write(Stream::Error, line.as_bytes());
            }
            _ => self.terminal.say(text),
        }
    }

    /// Whether so much waits that no program should run before some of it has gone.
    pub fn is_congested(&self) -> bool {
        !self.gone && self.terminal.waiting() >= ENOUGH
    }

    /// Tells the end with its status, once everything before it has gone; `true` then.
    pub fn finish(&mut self, ask: &mut impl Ask, status: u8) -> bool {
        if self.gone {
            return true;
        }
        if self.terminal.waiting() != 0 {
            return false;
        }
        let mut words = Words::new(label::EXIT);
        // One word always fits.
        let _ = words.push(status.into());
        let _ = ask.ask(&words);
        true
    }

    /// What is new; nothing at the end.
    fn next(&mut self, ask: &mut impl Ask) -> Option<News> {
        let news = ask
            .ask(&Words::new(label::NEXT))
            .and_then(|words| News::decode(&words).ok());
        self.gone |= news.is_none();
        news.filter(|news| *news != News::Nothing)
    }

    fn hear(&mut self, vfs: &mut Vfs, ask: &mut impl Ask) {
        let was_gone = self.gone;
        while let Some(news) = self.next(ask) {
            match news {
                News::Size { rows, columns } => vfs.console_resize(rows, columns),
                News::Discard if matches!(self.input, Input::Terminal) => {
                    self.terminal.discard_input();
                    vfs.console_discard_input();
                }
                news => self.note(news),
            }
        }
        if self.gone && !was_gone {
            vfs.console_hang_up();
            self.ends = true;
        }
    }

    fn note(&mut self, news: News) {
        match news {
            News::Terminals {
                input,
                output,
                error,
            } if self.shape.is_none() => {
                let shape = Shape::new(input, output, error);
                self.terminal.in_pieces(shape.stream_of_terminal());
                self.shape = Some(shape);
            }
            News::Signal(number) => self.orders.push(Order::Signal(number)),
            News::EndOfInput => self.ends = true,
            News::Stop => self.orders.push(Order::Stop),
            _ => {}
        }
    }

    fn end_input(&mut self, vfs: &mut Vfs) {
        match (&self.input, &self.pipes) {
            (Input::Terminal, _) => self.terminal.typed(&[END_OF_FILE]),
            (Input::Pipe(pipe), Some(pipes)) => {
                pipes.close(vfs, *pipe);
                self.input = Input::Closed;
            }
            _ => {}
        }
    }

    /// Brings what was written to pipes to the line, in the order of the writes, as far as the line takes it.
    fn carry(&mut self, vfs: &mut Vfs) -> bool {
        let Some(pipes) = &self.pipes else {
            return false;
        };
        let mut changed = false;
        let mut bytes = [0; 4096];
        while self.terminal.is_free()
            && let Some((stream, count)) = pipes.take_in_order(vfs, &mut bytes)
        {
            self.terminal.write(stream, &bytes[..count]);
            changed = true;
        }
        changed
    }
}

/// Opens the terminal as the lowest free descriptor.
fn open_terminal(vfs: &mut Vfs, context: &Context<'_>) -> Result<(), Errno> {
    vfs.openat(context, AT_FDCWD, b"/dev/console", O_RDWR, 0)
        .map(drop)
        .map_err(|_| Errno::EIO)
}

#[cfg(test)]
#[path = "host_streams_tests.rs"]
mod tests;

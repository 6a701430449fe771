//! The loop of a run: waits for the person's streams, the machine's lines, signals and time, and moves bytes.

use super::terminal::{Raw, size};
use super::{End, Session, signal};
use crate::failure::Failure;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;
use sundog_host_sys::Signals;
use sundog_protocols::control::Stream;

/// Bytes of one read.
const READ: usize = 64 * 1024;
/// Bytes of one write to a standard stream: as many as a pipe takes without waiting once it says that it takes some.
const WRITE: usize = 4096;

/// Everything that a run moves bytes between.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// Standard input.
    pub input: BorrowedFd<'a>,
    /// Standard output.
    pub output: BorrowedFd<'a>,
    /// Standard error.
    pub error: BorrowedFd<'a>,
    /// The terminal on which questions are drawn.
    pub screen: Option<BorrowedFd<'a>>,
    /// COM1.
    pub console: &'a UnixStream,
    /// COM3.
    pub control: &'a UnixStream,
    /// The kernel's text, if it is shown.
    pub kernel: Option<&'a UnixStream>,
    /// The signals that the run takes.
    pub signals: Option<&'a Signals>,
    /// The terminal's raw mode, which a stop of the process undoes.
    pub raw: Option<&'a Raw>,
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Input,
    Output,
    Error,
    Console,
    Control,
    Kernel,
    Signals,
}

/// Which of the machine's lines are closed.
#[derive(Debug, Default)]
struct Closed {
    console: bool,
    control: bool,
    kernel: bool,
}

/// Runs until the program, the machine or a signal ends it; everything for the standard streams is written then, except after a
/// signal.
pub fn run(session: &mut Session, ends: &Ends<'_>) -> Result<End, Failure> {
    let fail = |error| Failure::system("cannot use the machine's lines", error);
    for stream in [Some(ends.console), Some(ends.control), ends.kernel]
        .into_iter()
        .flatten()
    {
        stream.set_nonblocking(true).map_err(fail)?;
    }
    let start = Instant::now();
    let clock = || u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let mut closed = Closed::default();
    let mut ended = None;
    let mut bytes = vec![0; READ];
    loop {
        session.tick(clock());
        send(
            ends.console,
            &mut session.lines().console,
            &mut closed.console,
        );
        send(
            ends.control,
            &mut session.lines().control,
            &mut closed.control,
        );
        if session.out().is_empty() {
            session.written(clock());
        }
        if closed.console && closed.control && ended.is_none() {
            ended = Some(session.closed());
        }
        match session.end() {
            Some(end @ End::Exit(_)) => ended = Some(end),
            Some(end) => {
                session.uncover();
                return Ok(end);
            }
            None => {}
        }
        let out = session.out();
        if let Some(end) = ended.take_if(|_| out.is_empty()) {
            return Ok(end);
        }
        let ready = wait(session, ends, &closed, clock(), ended.is_some())?;
        for side in ready {
            serve(side, session, ends, &mut closed, &mut bytes, clock());
        }
    }
}

/// Waits until a side is ready or the session has something to do.
fn wait(
    session: &mut Session,
    ends: &Ends<'_>,
    closed: &Closed,
    now: u64,
    ended: bool,
) -> Result<Vec<Side>, Failure> {
    let (read_on, write_on) = (PollFlags::IN, PollFlags::OUT);
    let outgoing = |bytes: &[u8]| {
        if bytes.is_empty() {
            PollFlags::empty()
        } else {
            write_on
        }
    };
    let mut sides = Vec::new();
    let mut add = |side, descriptor, flags: PollFlags| {
        if !flags.is_empty() {
            sides.push((side, PollFd::from_borrowed_fd(descriptor, flags)));
        }
    };
    for (side, descriptor, stream) in [
        (Side::Output, ends.output, Stream::Output),
        (Side::Error, ends.error, Stream::Error),
    ] {
        add(side, descriptor, outgoing(session.out().next(stream)));
    }
    if session.takes_input() && !ended {
        add(Side::Input, ends.input, read_on);
    }
    if !closed.console {
        let mut flags = outgoing(&session.lines().console);
        flags.set(read_on, session.takes_output());
        add(Side::Console, ends.console.as_fd(), flags);
    }
    if !closed.control {
        let flags = outgoing(&session.lines().control) | read_on;
        add(Side::Control, ends.control.as_fd(), flags);
    }
    if let Some(kernel) = ends.kernel.filter(|_| !closed.kernel) {
        add(Side::Kernel, kernel.as_fd(), read_on);
    }
    if let Some(signals) = ends.signals {
        add(Side::Signals, signals.as_fd(), read_on);
    }
    let left = session
        .deadline()
        .map(|deadline| deadline.saturating_sub(now));
    let left = left.map(|left| Timespec {
        tv_sec: (left / 1_000_000_000).cast_signed(),
        tv_nsec: (left % 1_000_000_000).cast_signed(),
    });
    let (names, mut polled): (Vec<_>, Vec<_>) = sides.into_iter().unzip();
    match poll(&mut polled, left.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(Failure::system("cannot wait for the machine", error)),
    }
    let ready = names.into_iter().zip(&polled);
    Ok(ready
        .filter(|(_, polled)| !polled.revents().is_empty())
        .map(|(side, _)| side)
        .collect())
}

fn serve(
    side: Side,
    session: &mut Session,
    ends: &Ends<'_>,
    closed: &mut Closed,
    bytes: &mut [u8],
    now: u64,
) {
    match side {
        Side::Input => match read(ends.input, &mut *bytes) {
            Ok(0) => session.input_ends(),
            Ok(length) => session.input(&bytes[..length], now),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => session.input_fails(error, now),
        },
        Side::Output => put(ends.output, Stream::Output, session),
        Side::Error => put(ends.error, Stream::Error, session),
        Side::Console => {
            if session.takes_output() {
                let length = receive(ends.console, bytes, &mut closed.console);
                session.console(&bytes[..length], now);
            }
        }
        Side::Control => {
            let length = receive(ends.control, bytes, &mut closed.control);
            session.control(&bytes[..length], now);
        }
        Side::Kernel => {
            if let Some(kernel) = ends.kernel {
                let length = receive(kernel, bytes, &mut closed.kernel);
                session.kernel(&bytes[..length]);
            }
        }
        Side::Signals => {
            while let Some(number) = ends.signals.and_then(Signals::next) {
                take_signal(number, session, ends, now);
            }
        }
    }
}

fn take_signal(number: u8, session: &mut Session, ends: &Ends<'_>, now: u64) {
    match number {
        signal::WINCH | signal::CONT => {
            if let (signal::CONT, Some(raw)) = (number, ends.raw) {
                // A terminal that is gone tells so by its end of input.
                let _ = raw.again();
            }
            if let Some(screen) = ends.screen {
                let (rows, columns) = size(screen);
                session.resize(rows, columns);
            }
        }
        _ => session.signal(number, now),
    }
}

/// Reads what a line of the machine has.
fn receive(line: &UnixStream, bytes: &mut [u8], closed: &mut bool) -> usize {
    match read(line, bytes) {
        Ok(0) => {
            *closed = true;
            0
        }
        Ok(length) => length,
        Err(Errno::INTR | Errno::AGAIN) => 0,
        Err(_) => {
            *closed = true;
            0
        }
    }
}

/// Sends what a line of the machine takes now.
fn send(line: &UnixStream, bytes: &mut Vec<u8>, closed: &mut bool) {
    while !bytes.is_empty() && !*closed {
        match rustix::net::send(line, bytes, rustix::net::SendFlags::NOSIGNAL) {
            Ok(length) => drop(bytes.drain(..length)),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return,
            // What it sent before can still be read, so it is closed only when that ends.
            Err(_) => bytes.clear(),
        }
    }
}

/// Writes a piece to a standard stream, or finds that nobody reads it any more.
fn put(descriptor: BorrowedFd<'_>, stream: Stream, session: &mut Session) {
    let bytes = session.out().next(stream);
    match write(descriptor, &bytes[..bytes.len().min(WRITE)]) {
        Ok(length) => session.out().written(stream, length),
        Err(Errno::INTR | Errno::AGAIN) => {}
        Err(Errno::PIPE) => session.stream_closed(),
        Err(error) => session.stream_failed(stream, error),
    }
}

/// Whether two streams are the same file, so that the order of what is written to them shows.
pub fn are_one(one: impl AsFd, other: impl AsFd) -> bool {
    let identity = |stream: BorrowedFd<'_>| {
        let stat = rustix::fs::fstat(stream).ok()?;
        Some((stat.st_dev, stat.st_ino))
    };
    let (one, other) = (identity(one.as_fd()), identity(other.as_fd()));
    one.is_some() && one == other
}

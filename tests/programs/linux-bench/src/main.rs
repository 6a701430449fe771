//! A Linux program that counts what system calls, faults and processes cost it, in ticks: under instruction counting a tick is an
//! instruction. Each figure is a median and contains the two reads of the counter around it.
//!
//! With the argument `true` it ends at once with success: the program that it starts itself.
#![forbid(unsafe_code)]

use rustix::fd::OwnedFd;
use rustix::io::{read, write};
use rustix::pipe::pipe;
use rustix::process::getppid;
use std::io::{Error, ErrorKind};
use std::process::ExitCode;
use sundog_host_sys::{Pages, exec, fork, ticks, wait};

/// Where this program lies in an image.
const OWN: &std::ffi::CStr = c"/bin/linux-bench";
/// Pages of the parent that forks: what is resident is what a fork costs.
const RESIDENT: usize = 300;
/// Pages of which each is a fault.
const FAULTS: usize = 64;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("true") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("linux-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    report(
        "getppid",
        median(1001, || {
            let _ = getppid();
            Ok(())
        })?,
    );
    report("pipe_round_trip", round_trip()?);
    report("guest_fault", faults()?);
    let mut resident = Pages::new(RESIDENT)?;
    resident.touch();
    report("fork_exec_wait", median(31, start)?);
    Ok(())
}

fn report(name: &str, value: u64) {
    println!("linux-bench: {name} {value}");
}

/// The median of so many runs, after an eighth as many to warm up.
fn median(runs: usize, mut operation: impl FnMut() -> Result<(), Error>) -> Result<u64, Error> {
    let mut counts = Vec::with_capacity(runs);
    for _ in 0..runs / 8 {
        operation()?;
    }
    for _ in 0..runs {
        let begin = ticks();
        operation()?;
        counts.push(ticks() - begin);
    }
    counts.sort_unstable();
    Ok(counts[runs / 2])
}

/// A byte to another process and back, through two pipes.
fn round_trip() -> Result<u64, Error> {
    let (their_input, to_them) = pipe()?;
    let (from_them, their_output) = pipe()?;
    let child = fork(|| i32::from(echo(&their_input, &their_output).is_err()))?;
    let median = median(501, || {
        write(&to_them, &[1])?;
        one(&from_them)
    })?;
    // The other process ends when it is told a last byte.
    write(&to_them, &[0])?;
    match wait(child)? {
        0 => Ok(median),
        status => Err(Error::other(format!(
            "the other process ended with {status}"
        ))),
    }
}

/// Sends each byte back until one is 0.
fn echo(input: &OwnedFd, output: &OwnedFd) -> Result<(), Error> {
    let mut byte = [1];
    while byte != [0] {
        if read(input, &mut byte)? != 1 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        write(output, &byte)?;
    }
    Ok(())
}

fn one(input: &OwnedFd) -> Result<(), Error> {
    match read(input, &mut [0; 1])? {
        1 => Ok(()),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// A fault on private memory that was given back; a 64th of giving back 64 pages and touching each.
fn faults() -> Result<u64, Error> {
    let mut pages = Pages::new(FAULTS)?;
    pages.touch();
    let all = median(65, || {
        pages.drop_all()?;
        pages.touch();
        Ok(())
    })?;
    Ok(all / FAULTS as u64)
}

/// A fork, this program as `true`, and the wait for its end.
fn start() -> Result<(), Error> {
    let child = fork(|| {
        exec(OWN, c"true");
        127
    })?;
    match wait(child)? {
        0 => Ok(()),
        status => Err(Error::other(format!("true ended with {status}"))),
    }
}

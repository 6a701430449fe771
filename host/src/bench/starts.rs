//! Times of this computer, as multiples of starting its `/bin/true` and waiting for the end.

use super::figure::{Figure, Unit};
use crate::failure::Failure;
use crate::images;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often each is done; the median counts.
const RUNS: usize = 21;
/// Starts of true are short and many, and in between the others, since what else this computer does changes; those of machines are long
/// and few.
const TRUES: usize = 51;
const MACHINES: usize = 5;
/// How a shell's prompt begins.
const PROMPT: &[u8] = b"sundog:/# ";
/// How long a machine may be silent.
const LIMIT: Duration = Duration::from_secs(60);

/// Times warm starts, by the launcher alone and by `cargo run`, in which the launcher finds that all is up to date: until the help is
/// printed and the command has ended, and until the prompt of a machine's shell is on the terminal.
pub fn time() -> Result<Vec<Figure>, Failure> {
    let mut trues = Vec::new();
    let mut measured = Vec::new();
    for (start, suffix) in [(launcher as fn() -> _, ""), (cargo, "_cargo")] {
        trues.extend(sampled(TRUES, starts_true)?);
        let help = || timed(|| run(start()?.arg("help")));
        measured.push((format!("warm_start{suffix}"), sampled(RUNS, help)?));
        trues.extend(sampled(TRUES, starts_true)?);
        let prompts = sampled(MACHINES, || prompt(start()?))?;
        measured.push((format!("prompt_start{suffix}"), prompts));
    }
    let one = median(trues);
    let figure = |(name, times): (String, Vec<Duration>)| {
        let times = (median(times).as_secs_f64() / one.as_secs_f64()).round() as u64;
        Figure::instructions(&name, times).recorded(Unit::Trues)
    };
    Ok(measured.into_iter().map(figure).collect())
}

fn starts_true() -> Result<Duration, Failure> {
    timed(|| run(&mut Command::new("/bin/true")))
}

/// The folder of built files that this command lies in.
fn target() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()
        .map_err(|error| Failure::system("cannot find this command's own path", error))?;
    Ok(own.ancestors().nth(4).unwrap_or(&own).to_owned())
}

/// What a warm `cargo run` becomes.
fn launcher() -> Result<Command, Failure> {
    let target = target()?;
    let mut command = Command::new(target.join("x86_64-unknown-linux-musl/debug/launcher"));
    command
        .env("CARGO_MANIFEST_DIR", images::source_root())
        .env("CARGO_TARGET_DIR", &target);
    Ok(command)
}

/// `cargo run` in the source tree.
fn cargo() -> Result<Command, Failure> {
    let mut command = Command::new("cargo");
    command
        .args(["run", "--quiet", "--"])
        .current_dir(images::source_root())
        .env("CARGO_TARGET_DIR", target()?);
    Ok(command)
}

/// Starts a command and waits for its good end.
fn run(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| Failure::system(format!("cannot start {name}"), error))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(format!("{name}: {status}")))
    }
}

/// How long it takes until a shell's prompt is on a terminal; the shell is ended then.
fn prompt(mut command: Command) -> Result<Duration, Failure> {
    let fail = |error: std::io::Error| Failure::system("bench: the terminal", error);
    let (mut person, theirs) = terminal().map_err(|error| fail(error.into()))?;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(Stdio::from(theirs.try_clone().map_err(fail)?));
    }
    let mut stream = || streams.pop().unwrap_or_else(Stdio::null);
    command.stdin(stream()).stdout(stream()).stderr(stream());
    let begin = Instant::now();
    let mut child = command
        .spawn()
        .map_err(|error| Failure::system("cannot start a machine", error))?;
    // Once the command has ended nobody has the other end any more.
    drop((command, theirs));
    let mut shown = Vec::new();
    let found = wait_for(&mut person, &mut shown, PROMPT).map_err(fail)?;
    let time = begin.elapsed();
    if found {
        person.write_all(b"exit\n").map_err(fail)?;
        wait_for(&mut person, &mut shown, b"nothing that is ever shown\0").map_err(fail)?;
    } else {
        drop(child.kill());
    }
    let status = child.wait().map_err(fail)?;
    if found && status.success() {
        return Ok(time);
    }
    let shown = String::from_utf8_lossy(&shown);
    Err(Failure::new(format!(
        "bench: no prompt in {time:?}, {status}; shown: {shown:?}"
    )))
}

/// A pseudo-terminal: the person's end, and the command's.
fn terminal() -> rustix::io::Result<(File, OwnedFd)> {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&person)?;
    unlockpt(&person)?;
    let name = ptsname(&person, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = open(&*name, flags, Mode::empty())?;
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&theirs, size)?;
    Ok((person.into(), theirs))
}

/// Reads until this was shown; false if the other end closes before, or is silent for too long.
fn wait_for(person: &mut File, shown: &mut Vec<u8>, text: &[u8]) -> std::io::Result<bool> {
    let limit = Timespec {
        tv_sec: LIMIT.as_secs().cast_signed(),
        tv_nsec: 0,
    };
    loop {
        if poll(&mut [PollFd::new(person, PollFlags::IN)], Some(&limit))? == 0 {
            return Ok(false);
        }
        let mut bytes = [0; 4096];
        match person.read(&mut bytes) {
            // A terminal whose other end is closed fails so.
            Ok(0) | Err(_) => return Ok(false),
            Ok(count) => shown.extend(&bytes[..count]),
        }
        if shown.windows(text.len()).any(|part| part == text) {
            return Ok(true);
        }
    }
}

/// How long an operation takes.
fn timed(operation: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let begin = Instant::now();
    operation()?;
    Ok(begin.elapsed())
}

fn sampled(
    runs: usize,
    mut operation: impl FnMut() -> Result<Duration, Failure>,
) -> Result<Vec<Duration>, Failure> {
    (0..runs).map(|_| operation()).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_prompt_is_waited_for_and_the_shell_ended() {
        let good = "sleep 0.1; printf 'light\\nsundog:/# '; read line; test \"$line\" = exit";
        let time = prompt(shell(good)).unwrap();
        assert!(time > Duration::from_millis(100), "{time:?}");
    }

    #[test]
    fn a_command_without_a_prompt_or_with_a_bad_end_is_a_failure() {
        let failed = |script: &str| prompt(shell(script)).unwrap_err().to_string();
        assert!(failed("echo sundog:/; exit 0").contains("sundog:/"));
        assert!(failed("printf 'sundog:/# '; read line; exit 3").contains("3"));
    }
}

//! What the guarded serial line, COM2, is connected to.

use crate::failure::Failure;
use crate::streams::{Copier, Listener};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Result as IoResult, sink};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use sundog_options::Serial;

/// How often a line comes where nothing else is connected.
const INTERVAL: Duration = Duration::from_secs(1);
/// The most bytes of a file that come at once; a longer line comes in parts.
const LINE: usize = 1024;

/// Numbered lines, one each second: a device that always has something to say.
#[derive(Debug)]
struct Numbered {
    next: Instant,
    number: u64,
    interval: Duration,
}

impl Numbered {
    fn new(interval: Duration) -> Self {
        Self {
            next: Instant::now() + interval,
            number: 1,
            interval,
        }
    }
}

impl Read for Numbered {
    fn read(&mut self, bytes: &mut [u8]) -> IoResult<usize> {
        thread::sleep(self.next.saturating_duration_since(Instant::now()));
        self.next += self.interval;
        let line = format!("line {}\n", self.number);
        self.number += 1;
        let length = line.len().min(bytes.len());
        bytes[..length].copy_from_slice(&line.as_bytes()[..length]);
        Ok(length)
    }
}

/// Lines of a file, one each second, from its beginning: as a device that starts when the first program was let in. What the
/// driver gets before is nobody's, and it keeps only a little for a program that does not read.
struct FromFile {
    file: BufReader<File>,
    /// Tells that a program was let in.
    let_in: Receiver<()>,
    next: Option<Instant>,
    interval: Duration,
}

impl Read for FromFile {
    fn read(&mut self, bytes: &mut [u8]) -> IoResult<usize> {
        let next = match self.next {
            Some(next) => next,
            // Nobody can be let in any more.
            None if self.let_in.recv().is_err() => return Ok(0),
            None => Instant::now() + self.interval,
        };
        thread::sleep(next.saturating_duration_since(Instant::now()));
        self.next = Some(next + self.interval);
        let most = bytes.len().min(LINE);
        let mut line = Vec::new();
        let mut file = Read::by_ref(&mut self.file).take(most as u64);
        let length = file.read_until(b'\n', &mut line)?;
        bytes[..length].copy_from_slice(&line);
        Ok(length)
    }
}

/// A new terminal whose one end is the guarded line.
struct Terminal {
    line: File,
    /// Stays open, so that the line does not end whenever another program closes it.
    _other: File,
    path: PathBuf,
}

/// What is to be known about the line.
#[derive(Default)]
pub struct Connected {
    /// A line for the person.
    pub told: Option<String>,
    /// Where it is to be told that a program was let in.
    pub let_in: Option<Sender<()>>,
}

/// Connects the line.
pub fn connect(
    listener: Listener,
    serial: Option<&Serial>,
) -> Result<(Copier, Connected), Failure> {
    connect_at(listener, serial, INTERVAL)
}

fn connect_at(
    listener: Listener,
    serial: Option<&Serial>,
    interval: Duration,
) -> Result<(Copier, Connected), Failure> {
    let mut connected = Connected::default();
    let copier = match serial {
        None => listener.connect(Numbered::new(interval), sink()),
        Some(Serial::Pty) => {
            let terminal =
                terminal().map_err(|error| Failure::system("cannot make a terminal", error))?;
            connected.told = Some(format!(
                "the guarded serial line is {}",
                terminal.path.display()
            ));
            let both = clone(&terminal.line)?;
            // It lives as long as the process does.
            std::mem::forget(terminal._other);
            listener.connect(terminal.line, both)
        }
        Some(Serial::File(path)) => {
            let path = Path::new(OsStr::from_bytes(path));
            let fail =
                |error| Failure::system(format!("--serial: cannot open {}", path.display()), error);
            let (sender, let_in) = channel();
            connected.let_in = Some(sender);
            let lines = FromFile {
                file: BufReader::new(File::open(path).map_err(fail)?),
                let_in,
                next: None,
                interval,
            };
            // What the machine sends goes nowhere: the file stays as it is.
            listener.connect(lines, sink())
        }
        Some(Serial::Unix(path)) => {
            let path = Path::new(OsStr::from_bytes(path));
            let fail = |error| {
                Failure::system(
                    format!("--serial: cannot connect to {}", path.display()),
                    error,
                )
            };
            let stream = UnixStream::connect(path).map_err(fail)?;
            let both = stream.try_clone().map_err(fail)?;
            listener.connect(stream, both)
        }
    };
    Ok((copier, connected))
}

fn clone(file: &File) -> Result<File, Failure> {
    file.try_clone()
        .map_err(|error| Failure::system("--serial", error))
}

fn terminal() -> Result<Terminal, rustix::io::Errno> {
    let line = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&line)?;
    unlockpt(&line)?;
    let name = ptsname(&line, Vec::new())?;
    let path = PathBuf::from(OsStr::from_bytes(name.to_bytes()));
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let other = rustix::fs::open(&path, flags, rustix::fs::Mode::empty())?;
    // Bytes are the device's: nothing is echoed or changed.
    let mut settings = tcgetattr(&other)?;
    settings.make_raw();
    tcsetattr(&other, OptionalActions::Now, &settings)?;
    Ok(Terminal {
        line: line.into(),
        _other: other.into(),
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use crate::qemu::Port;
    use std::io::Write;

    fn machine(serial: Option<&Serial>) -> (UnixStream, Option<String>) {
        let folder = Folder::new().unwrap();
        let listener = Listener::new(Port::Guarded, &folder).unwrap();
        let (_, connected) = connect(listener, serial).unwrap();
        (
            UnixStream::connect(Port::Guarded.socket(&folder)).unwrap(),
            connected.told,
        )
    }

    #[test]
    fn lines_are_numbered_and_come_at_their_time() {
        let begin = Instant::now();
        let interval = Duration::from_millis(30);
        let mut lines = BufReader::new(Numbered::new(interval)).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "line 1");
        assert_eq!(lines.next().unwrap().unwrap(), "line 2");
        assert!(begin.elapsed() >= 2 * interval);
    }

    #[test]
    fn a_terminal_is_the_line() {
        let (mut machine, told) = machine(Some(&Serial::Pty));
        let told = told.unwrap();
        let path = told.strip_prefix("the guarded serial line is ").unwrap();
        let mut other = File::options().read(true).write(true).open(path).unwrap();
        other.write_all(b"value\n").unwrap();
        let mut bytes = [0; 6];
        machine.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"value\n");
        machine.write_all(b"order\n").unwrap();
        other.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"order\n");
    }

    #[test]
    fn a_file_is_fed_line_by_line_from_when_somebody_was_let_in_and_stays_as_it_is() {
        const INTERVAL: Duration = Duration::from_millis(100);
        let folder = Folder::new().unwrap();
        let path = folder.file("device");
        let text = format!("one\n{}\nend", "x".repeat(LINE));
        std::fs::write(&path, &text).unwrap();
        let file = Serial::File(path.as_os_str().as_bytes().to_vec());
        let listener = Listener::new(Port::Guarded, &folder).unwrap();
        let (copier, connected) = connect_at(listener, Some(&file), INTERVAL).unwrap();
        let mut machine = UnixStream::connect(Port::Guarded.socket(&folder)).unwrap();
        machine.set_read_timeout(Some(2 * INTERVAL)).unwrap();
        let mut bytes = [0; 2 * LINE];
        assert!(machine.read(&mut bytes).is_err(), "nobody is let in");
        machine.write_all(b"order\n").unwrap();
        let let_in = connected.let_in.unwrap();
        let begin = Instant::now();
        let_in.send(()).unwrap();
        // Whoever comes next changes nothing.
        let_in.send(()).unwrap();
        machine.set_read_timeout(None).unwrap();
        machine.read_exact(&mut bytes[..4]).unwrap();
        assert_eq!(&bytes[..4], b"one\n");
        assert!(begin.elapsed() >= INTERVAL);
        let rest = &mut bytes[..text.len() - 4];
        machine.read_exact(rest).unwrap();
        assert_eq!(*rest, text.as_bytes()[4..]);
        assert!(begin.elapsed() >= 4 * INTERVAL);
        drop(machine);
        copier.join().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn a_socket_is_the_line() {
        let folder = Folder::new().unwrap();
        let bytes_of = |path: &Path| path.as_os_str().as_bytes().to_vec();
        let mut bytes = [0; 6];
        let socket = folder.file("socket");
        let other = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let mut line = machine(Some(&Serial::Unix(bytes_of(&socket)))).0;
        let (mut other, _) = other.accept().unwrap();
        other.write_all(b"value\n").unwrap();
        line.read_exact(&mut bytes).unwrap();
        let listener = Listener::new(Port::Guarded, &Folder::new().unwrap()).unwrap();
        let missing = Serial::File(bytes_of(&folder.file("none")));
        assert!(
            connect(listener, Some(&missing))
                .err()
                .unwrap()
                .text()
                .contains("none")
        );
    }
}

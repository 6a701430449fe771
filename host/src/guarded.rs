//! What the guarded serial line, COM2, is connected to.

use crate::failure::Failure;
use crate::streams::{Copier, Listener};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Result as IoResult, sink};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use sundog_options::Serial;

/// How often a line comes where nothing else is connected.
const INTERVAL: Duration = Duration::from_secs(1);

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

/// A new terminal whose one end is the guarded line.
struct Terminal {
    line: File,
    /// Stays open, so that the line does not end whenever another program closes it.
    _other: File,
    path: PathBuf,
}

/// Connects the line. The answer's second part is a line for the person.
pub fn connect(
    listener: Listener,
    serial: Option<&Serial>,
) -> Result<(Copier, Option<String>), Failure> {
    match serial {
        None => Ok((listener.connect(Numbered::new(INTERVAL), sink()), None)),
        Some(Serial::Pty) => {
            let terminal =
                terminal().map_err(|error| Failure::system("cannot make a terminal", error))?;
            let told = format!("the guarded serial line is {}", terminal.path.display());
            let both = clone(&terminal.line)?;
            // It lives as long as the process does.
            std::mem::forget(terminal._other);
            Ok((listener.connect(terminal.line, both), Some(told)))
        }
        Some(Serial::File(path)) => {
            let path = Path::new(OsStr::from_bytes(path));
            let open = |write: bool| File::options().read(true).append(write).open(path);
            let fail =
                |error| Failure::system(format!("--serial: cannot open {}", path.display()), error);
            match open(true) {
                Ok(file) => Ok((listener.connect(clone(&file)?, file), None)),
                // One that may only be read takes no bytes.
                Err(_) => Ok((listener.connect(open(false).map_err(fail)?, sink()), None)),
            }
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
            Ok((listener.connect(stream, both), None))
        }
    }
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
    use std::io::{BufRead, BufReader, Write};

    fn machine(serial: Option<&Serial>) -> (UnixStream, Option<String>) {
        let folder = Folder::new().unwrap();
        let listener = Listener::new(Port::Guarded, &folder).unwrap();
        let (_, told) = connect(listener, serial).unwrap();
        (
            UnixStream::connect(Port::Guarded.socket(&folder)).unwrap(),
            told,
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
    fn a_file_or_a_socket_is_the_line() {
        let folder = Folder::new().unwrap();
        let path = folder.file("device");
        std::fs::write(&path, "value\n").unwrap();
        let bytes_of = |path: &Path| path.as_os_str().as_bytes().to_vec();
        let mut line = machine(Some(&Serial::File(bytes_of(&path)))).0;
        let mut bytes = [0; 6];
        line.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"value\n");

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
                .unwrap_err()
                .text()
                .contains("none")
        );
    }
}

//! Connects a machine's ports to streams of this process.

use crate::failure::Failure;
use crate::folder::Folder;
use crate::process::Process;
use crate::qemu::Port;
use crate::say;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};

/// A port on which the host listens; the machine connects to it when it starts.
pub struct Listener {
    port: Port,
    listener: UnixListener,
}

/// What copies a port's bytes; it ends with the machine.
pub type Copier = JoinHandle<()>;

impl Listener {
    /// Listens at the port's socket in the run's folder.
    pub fn new(port: Port, folder: &Folder) -> Result<Self, Failure> {
        let listener = UnixListener::bind(port.socket(folder));
        let listener = listener.map_err(|error| {
            Failure::system(format!("cannot listen at the port {}", port.name()), error)
        })?;
        Ok(Self { port, listener })
    }

    /// Waits for the machine's connection, which it makes before it runs its first instruction.
    ///
    /// QEMU can fail before it connects, so this is called from a thread that nobody needs to wait for.
    fn accept(self) -> Option<UnixStream> {
        match self.listener.accept() {
            Ok((stream, _)) => Some(stream),
            Err(error) => {
                say::warn(Failure::system(
                    format!("cannot connect the port {}", self.port.name()),
                    error,
                ));
                None
            }
        }
    }

    /// The machine's connection; `None` if the machine ended before it made one.
    pub fn stream(self, process: &Process) -> Result<Option<UnixStream>, Failure> {
        let fail = |error| {
            Failure::system(
                format!("cannot connect the port {}", self.port.name()),
                error,
            )
        };
        let (listener, handle) = (self.listener.as_fd(), process.handle());
        loop {
            let mut ends = [&listener, &handle].map(|end| PollFd::new(end, PollFlags::IN));
            match poll(&mut ends, None) {
                Ok(_) if !ends[0].revents().is_empty() => {
                    let (stream, _) = self.listener.accept().map_err(fail)?;
                    return Ok(Some(stream));
                }
                Ok(_) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(fail(error.into())),
            }
        }
    }

    /// Copies what the machine writes to `output`, and `input` to the machine.
    pub fn connect(
        self,
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> Copier {
        thread::spawn(move || {
            let Some(stream) = self.accept() else { return };
            if let Ok(to_machine) = stream.try_clone() {
                // It may wait for input for ever, so nobody waits for it.
                thread::spawn(move || copy(input, to_machine));
            }
            copy(stream, output);
        })
    }
}

/// Copies bytes as they come; ends when one side does.
fn copy(mut from: impl Read, mut to: impl Write) {
    let mut bytes = [0; 4096];
    loop {
        match from.read(&mut bytes) {
            Ok(length @ 1..) => {
                if to
                    .write_all(&bytes[..length])
                    .and_then(|()| to.flush())
                    .is_err()
                {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_copied() {
        let folder = Folder::new().unwrap();
        let listener = Listener::new(Port::Console, &folder).unwrap();
        let (mut output, written) = std::io::pipe().unwrap();
        let copier = listener.connect(&b"to the machine"[..], written);
        let mut machine = UnixStream::connect(Port::Console.socket(&folder)).unwrap();
        let mut received = [0; 14];
        machine.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"to the machine");
        machine.write_all(b"from the machine").unwrap();
        drop(machine);
        copier.join().unwrap();
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        assert_eq!(text, "from the machine");
    }

    #[test]
    fn long_streams_are_copied_whole() {
        let mut copied = Vec::new();
        copy(&[7; 10_000][..], &mut copied);
        assert_eq!(copied, [7; 10_000]);
    }
}

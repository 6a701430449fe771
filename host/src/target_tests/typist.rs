//! The plain other end of COM1 for systems that have no console: it answers what the machine says there.

use crate::folder::Folder;
use crate::qemu::Port;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::thread;

/// What COM1 must have said altogether by its end, and what arrives there then.
pub type Answer = (&'static str, &'static str);

/// Listens in the run's folder and answers, in this order, as soon as the machine has connected. It ends with the machine.
pub fn begin(answers: &'static [Answer], folder: &Folder) -> std::io::Result<()> {
    let listener = UnixListener::bind(Port::Console.socket(folder))?;
    thread::spawn(move || answer(answers, &listener));
    Ok(())
}

/// An error is a machine that has ended or never connected, about which the test says more than this could.
fn answer(answers: &[Answer], listener: &UnixListener) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    let mut said = Vec::new();
    let mut bytes = [0; 512];
    for (wanted, typed) in answers {
        while !said.ends_with(wanted.as_bytes()) {
            match stream.read(&mut bytes)? {
                0 => return Ok(()),
                count => said.extend_from_slice(&bytes[..count]),
            }
        }
        stream.write_all(typed.as_bytes())?;
    }
    // The line stays open: what the machine says besides is in its log.
    while stream.read(&mut bytes)? != 0 {}
    Ok(())
}

//! How the server gets what it serves: over a socket that is its standard input, one descriptor in each message.
//!
//! The command opens each bind once and hands over the descriptor; no path is ever told, so none can be resolved a second time. The
//! last message holds the connection to the machine. The answer is nothing but the word that the server is confined and serves; if it
//! refuses, it says why on standard error and ends.
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use std::io::{Error, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use sundog_host_sys::{die_with_parent, inherit_nothing};

/// The most binds of one server.
pub const MOST_BINDS: usize = 256;
/// The argument with which a server starts where Linux has no Landlock.
pub const NO_LANDLOCK: &str = "--no-landlock";

/// What the kinds of messages begin with.
const READ_ONLY: u8 = b'r';
const WRITABLE: u8 = b'w';
const CONNECTION: u8 = b'c';
/// The server's word that it serves.
const READY: u8 = b'!';

/// A folder or file that is bound.
#[derive(Debug)]
pub struct Bind {
    /// Opened with `O_PATH`, once.
    pub root: OwnedFd,
    /// Whether it may be changed.
    pub writable: bool,
}

/// Starts a server over these binds and waits until it is confined. It ends with the connection, and is killed when the calling thread ends.
///
/// # Errors
/// Those of the system calls; `ConnectionRefused` if the server ended before it served: its own words are on standard error.
pub fn start(
    mut command: Command,
    binds: &[Bind],
    connection: BorrowedFd<'_>,
) -> Result<Child, Error> {
    let (own, its) = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?;
    command.stdin(Stdio::from(its)).stdout(Stdio::null());
    die_with_parent(&mut command);
    inherit_nothing(&mut command);
    let mut child = command.spawn()?;
    // The socket's other end is the child's alone now, so that its end is seen.
    drop(command);
    let told = binds
        .iter()
        .try_for_each(|bind| {
            let kind = if bind.writable { WRITABLE } else { READ_ONLY };
            give(&own, kind, bind.root.as_fd())
        })
        .and_then(|()| give(&own, CONNECTION, connection));
    let mut word = [0];
    let heard = told.and_then(|()| Ok(rustix::io::read(&own, &mut word)?));
    if heard.as_ref().is_ok_and(|count| *count == 1) && word == [READY] {
        return Ok(child);
    }
    // One that closed its end is about to say why it ends.
    if heard.is_ok_and(|count| count > 0) {
        child.kill()?;
    }
    child.wait()?;
    Err(ErrorKind::ConnectionRefused.into())
}

fn give(socket: &OwnedFd, kind: u8, descriptor: BorrowedFd<'_>) -> Result<(), Error> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    rights.push(SendAncillaryMessage::ScmRights(&descriptors));
    let kind = [kind];
    let text = [IoSlice::new(&kind)];
    sendmsg(socket, &text, &mut rights, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// What a server was given.
#[derive(Debug)]
pub struct Given {
    /// The binds, in order.
    pub binds: Vec<Bind>,
    /// The connection to the machine.
    pub connection: OwnedFd,
    /// Where it says that it serves.
    socket: OwnedFd,
}

impl Given {
    /// Receives everything from standard input.
    ///
    /// # Errors
    /// Those of the system calls; `InvalidData` for messages that make no sense; `UnexpectedEof` if the connection is missing.
    pub fn receive() -> Result<Given, Error> {
        let socket = std::io::stdin().as_fd().try_clone_to_owned()?;
        let mut binds = Vec::new();
        loop {
            match take(&socket)? {
                (CONNECTION, connection) => {
                    return Ok(Given {
                        binds,
                        connection,
                        socket,
                    });
                }
                (kind @ (READ_ONLY | WRITABLE), root) if binds.len() < MOST_BINDS => {
                    let writable = kind == WRITABLE;
                    binds.push(Bind { root, writable });
                }
                _ => return Err(ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Says that the server serves, and lets go of the command.
    ///
    /// # Errors
    /// Those of the system call.
    pub fn ready(self) -> Result<(Vec<Bind>, OwnedFd), Error> {
        rustix::io::write(&self.socket, &[READY])?;
        Ok((self.binds, self.connection))
    }
}

fn take(socket: &OwnedFd) -> Result<(u8, OwnedFd), Error> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let mut kind = [0];
    let mut text = [IoSliceMut::new(&mut kind)];
    let message = recvmsg(socket, &mut text, &mut rights, RecvFlags::CMSG_CLOEXEC)?;
    if message.bytes == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors = rights.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptor = descriptors.next().and_then(|mut all| all.next());
    descriptor
        .map(|descriptor| (kind[0], descriptor))
        .ok_or_else(|| ErrorKind::InvalidData.into())
}
